// Connections of every shape, worked out by hand: what Zeek's documentation says of conn_state and history, what Wireshark counts as
// sent again, RFC 9293 for the states. And what a table of shapes cannot say: round-trip times, windows, wraps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "flow/flow_tcp.h"

#define MS 1000000ull

enum { HEADER = 20, OPTIONS = 40, WINDOW = 1000 };
#define T0 1700000000000000000ull

struct talk {
	struct flow_tcp hot;
	struct flow_tcp_cold cold;
	uint32_t base[2]; // sequence number 0 of each end
	uint64_t start_ns;
};

static void say(struct talk *t, unsigned dir, uint8_t flags, int seq, int ack, unsigned payload, double at_ms, uint16_t window,
		const uint8_t *options, uint16_t options_bytes)
{
	uint8_t frame[HEADER + OPTIONS + 4] = {0};
	struct packet p = {.frame = frame, .captured = sizeof(frame), .time_ns = T0 + (uint64_t)(at_ms * 1e6), .proto = IP_TCP,
			   .tcp_flags = flags, .tcp_seq = t->base[dir] + (uint32_t)seq, .tcp_window = window, .payload_wire = payload,
			   .l4_at = 4, .payload_at = (uint16_t)(4 + HEADER + options_bytes)};

	p.tcp_ack = (flags & TCP_ACK) != 0 ? t->base[!dir] + (uint32_t)ack : 0;
	frame[4 + 12] = (uint8_t)((HEADER + options_bytes) / 4 << 4);
	if (options_bytes > 0)
		memcpy(frame + 4 + HEADER, options, options_bytes);
	flow_tcp_count(&t->hot, &t->cold, dir, &p, &t->start_ns);
}

static uint8_t flags_of(const char *text)
{
	static const char names[] = "FSRPAUEC"; // in the order of the bits
	uint8_t flags = 0;

	for (; *text != '\0' && *text != '.'; text++) {
		assert_non_null(strchr(names, *text));
		flags |= (uint8_t)(1u << (strchr(names, *text) - names));
	}
	return flags;
}

// "> SA 0,1+0 @10 w0; ...": from the client (<: server), flags, sequence and acknowledgement numbers as Wireshark shows them
// (relative), bytes of payload, ms, window if not the usual one.
static void play(struct talk *t, const char *script)
{
	while (*script != '\0') {
		char dir, flags[9];
		int seq, ack, used = 0;
		unsigned payload, window = WINDOW;
		double at;

		assert_int_equal(sscanf(script, " %c %8[A-Z.] %d,%d+%u @%lf%n", &dir, flags, &seq, &ack, &payload, &at, &used), 6);
		script += used;
		if (sscanf(script, " w%u%n", &window, &used) == 1)
			script += used;
		say(t, dir == '<', flags_of(flags), seq, ack, payload, at, (uint16_t)window, NULL, 0);
		script += strspn(script, "; ");
	}
}

static struct talk talk_of(void)
{
	return (struct talk){.base = {1000, 500000}, .start_ns = T0};
}

// ---- shapes ----

#define OPEN "> S 0,0+0 @0; < SA 0,1+0 @10; > A 1,1+0 @20; " // round trip 20 ms

struct shape {
	const char *name, *script;
	enum flow_conn_state conn;
	const char *history;
	enum flow_tcp_state client, server;
	unsigned again[2]; // sent again, to server and to client
	double handshake_ms;
	unsigned reset_by;
};

static const struct shape shapes[] = {
	{"a SYN", "> S 0,0+0 @0", CONN_STATE_S0, "S", FLOW_TCP_SYN_SENT, FLOW_TCP_NONE, {0, 0}, 0, 0},
	{"a SYN again: one letter, same number", "> S 0,0+0 @0; > S 0,0+0 @1000", CONN_STATE_S0, "S", FLOW_TCP_SYN_SENT, FLOW_TCP_NONE,
	 {1, 0}, 0, 0},
	{"another SYN: a number of its own, nothing was sent again", "> S 0,0+0 @0; > S 500,0+0 @9", CONN_STATE_S0, "SS",
	 FLOW_TCP_SYN_SENT, FLOW_TCP_NONE, {0, 0}, 0, 0},
	{"opened", OPEN, CONN_STATE_S1, "ShA", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0}, 20, 0},
	{"from SYN to the last acknowledgement",
	 OPEN "> PA 1,1+100 @30; < A 1,101+0 @40; < PA 1,101+200 @50; > A 101,201+0 @60; > FA 101,201+0 @70; < A 201,102+0 @80; "
	      "< FA 201,102+0 @90; > A 102,202+0 @100",
	 CONN_STATE_SF, "ShADadFf", FLOW_TCP_TIME_WAIT, FLOW_TCP_DONE, {0, 0}, 20, 0},
	// Wireshark's round trip ends with the first acknowledgement that is no SYN, be it a RST's
	{"refused", "> S 0,0+0 @0; < RA 0,1+0 @5", CONN_STATE_REJ, "Sr", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 5, 2},
	{"aborted by the client", OPEN "> PA 1,1+100 @30; < A 1,101+0 @40; > R 101,0+0 @50", CONN_STATE_RSTO, "ShADaR", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 20, 1},
	{"aborted by the server", OPEN "> PA 1,1+100 @30; < RA 1,101+0 @40", CONN_STATE_RSTR, "ShADr", FLOW_TCP_DONE, FLOW_TCP_DONE,
	 {0, 0}, 20, 2},
	{"given up before an answer", "> S 0,0+0 @0; > R 1,0+0 @90", CONN_STATE_RSTOS0, "SR", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 0, 1},
	{"SYN-ACK and RST, the SYN not seen", "< SA 0,1+0 @0; < R 1,0+0 @10", CONN_STATE_RSTRH, "hr", FLOW_TCP_DONE, FLOW_TCP_DONE,
	 {0, 0}, 0, 2},
	{"SYN and FIN, no answer seen", "> S 0,0+0 @0; > FA 1,1+0 @10", CONN_STATE_SH, "SF", FLOW_TCP_FIN_WAIT_1, FLOW_TCP_NONE, {0, 0},
	 10, 0},
	{"SYN-ACK and FIN, no client seen", "< SA 0,1+0 @0; < FA 1,1+0 @10", CONN_STATE_SHR, "hf", FLOW_TCP_NONE, FLOW_TCP_FIN_WAIT_1,
	 {0, 0}, 0, 0},
	{"the client is through", OPEN "> FA 1,1+0 @30; < A 1,2+0 @40", CONN_STATE_S2, "ShAFa", FLOW_TCP_FIN_WAIT_2, FLOW_TCP_CLOSE_WAIT,
	 {0, 0}, 20, 0},
	{"the server is through", OPEN "< FA 1,1+0 @30; > A 1,2+0 @40", CONN_STATE_S3, "ShAf", FLOW_TCP_CLOSE_WAIT, FLOW_TCP_FIN_WAIT_2,
	 {0, 0}, 20, 0},
	{"picked up", "> PA 1,1+10 @0; < A 1,11+0 @10", CONN_STATE_OTH, "Da", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0}, 0, 0},
	// Zeek does not ask for a SYN when both have closed
	{"picked up, closed", "> PA 1,1+10 @0; < A 1,11+0 @10; > FA 11,1+0 @20; < FA 1,12+0 @30; > A 12,2+0 @40", CONN_STATE_SF, "DaFfA",
	 FLOW_TCP_TIME_WAIT, FLOW_TCP_DONE, {0, 0}, 0, 0},
	{"picked up, reset by the client", "> PA 1,1+10 @0; < A 1,11+0 @10; > R 11,0+0 @20", CONN_STATE_OTH, "DaR", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 0, 1},
	{"all but the SYN", "< SA 0,1+0 @0; > A 1,1+0 @10", CONN_STATE_S1, "hA", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0}, 0, 0},
	// both call at once: each SYN-ACK has the number of its SYN, which makes it no letter and, for Wireshark, sent again; the
	// round trip is from the last SYN
	{"opened from both ends", "> S 0,0+0 @0; < S 0,0+0 @10; > SA 0,1+0 @20; < SA 0,1+0 @30; > A 1,1+0 @40", CONN_STATE_S1, "SsA",
	 FLOW_TCP_OPEN, FLOW_TCP_OPEN, {1, 1}, 30, 0},
	{"closed from both ends", OPEN "> FA 1,1+0 @30; < FA 1,1+0 @31; > A 2,2+0 @40; < A 2,2+0 @41", CONN_STATE_SF, "ShAFfa",
	 FLOW_TCP_TIME_WAIT, FLOW_TCP_TIME_WAIT, {0, 0}, 20, 0},
	{"half closed, data back", OPEN "> FA 1,1+0 @30; < A 1,2+0 @40; < PA 1,2+100 @50; > A 2,101+0 @60; < FA 101,2+0 @70; "
	 "> A 2,102+0 @80", CONN_STATE_SF, "ShAFadf", FLOW_TCP_TIME_WAIT, FLOW_TCP_DONE, {0, 0}, 20, 0},
	// a FIN and then a RST of the same end is an end in order once the other has its FIN out
	{"FIN, RST, the other's FIN", OPEN "> FA 1,1+0 @30; > R 2,0+0 @31; < FA 1,2+0 @40", CONN_STATE_SF, "ShAFRf", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 20, 1},
	{"FIN, RST", OPEN "> FA 1,1+0 @30; > R 2,0+0 @31", CONN_STATE_RSTO, "ShAFR", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 20, 1},
	{"a RST after both FINs changes nothing", OPEN "> FA 1,1+0 @30; < FA 1,2+0 @40; > R 2,0+0 @50", CONN_STATE_SF, "ShAFfR",
	 FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 20, 1},
	{"sent again after a while", OPEN "> PA 1,1+100 @30; > PA 1,1+100 @300", CONN_STATE_S1, "ShADT", FLOW_TCP_OPEN, FLOW_TCP_OPEN,
	 {1, 0}, 20, 0},
	{"sent again fast", OPEN "> A 1,1+100 @30; > A 101,1+100 @31; > A 201,1+100 @32; < A 1,101+0 @40; < A 1,101+0 @41; < A 1,101+0 @42; "
	 "> A 101,1+100 @43", CONN_STATE_S1, "ShADaT", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {1, 0}, 20, 0},
	{"sent again for nothing", OPEN "> A 1,1+100 @30; < A 1,101+0 @40; > A 1,1+100 @41", CONN_STATE_S1, "ShADaT", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {1, 0}, 20, 0},
	// within a round trip of the segment that overtook it: out of order. Zeek, which keeps no clock for it, says t
	{"out of order", OPEN "> A 1,1+100 @30; > A 201,1+100 @31; > A 101,1+100 @32", CONN_STATE_S1, "ShADT", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {0, 0}, 20, 0},
	{"too late for out of order", OPEN "> A 1,1+100 @30; > A 201,1+100 @31; > A 101,1+100 @51.1", CONN_STATE_S1, "ShADT", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {1, 0}, 20, 0},
	{"no window", OPEN "< A 1,1+0 @30 w0", CONN_STATE_S1, "ShAaw", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0}, 20, 0},
	{"kept alive", OPEN "> PA 1,1+100 @30; < A 1,101+0 @40; > A 100,1+0 @5000; < A 1,101+0 @5010", CONN_STATE_S1, "ShADa",
	 FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0}, 20, 0},
	// the byte was there before, so Zeek says t; for Wireshark a keep-alive is nothing else
	{"kept alive with a byte", OPEN "> PA 1,1+100 @30; < A 1,101+0 @40; > A 100,1+1 @5000", CONN_STATE_S1, "ShADaT", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {0, 0}, 20, 0},
	{"data in the SYN is no d", "> S 0,0+10 @0; < SA 0,11+0 @10; > A 11,1+0 @20", CONN_STATE_S1, "ShA", FLOW_TCP_OPEN, FLOW_TCP_OPEN,
	 {0, 0}, 20, 0},
	// an old connection answers the SYN first; its numbers are not this one's
	{"acknowledged, then answered", "> S 0,0+0 @0; < A 99,1+0 @5; < SA 0,1+0 @10; > A 1,1+0 @20", CONN_STATE_S1, "SahA", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {0, 0}, 5, 0},
	{"half-open scan", "> S 0,0+0 @0; < SA 0,1+0 @10; > R 1,0+0 @11", CONN_STATE_RSTO, "ShR", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 0, 1},
	{"SYN and FIN in one", "> SF 0,0+0 @0", CONN_STATE_SH, "Q", FLOW_TCP_FIN_WAIT_1, FLOW_TCP_NONE, {0, 0}, 0, 0},
	{"FIN and RST in one", "> FR 0,0+0 @0", CONN_STATE_OTH, "I", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 0, 1},
	{"no flags at all", "> . 0,0+0 @0", CONN_STATE_OTH, "", FLOW_TCP_NONE, FLOW_TCP_NONE, {0, 0}, 0, 0},
	// RSTRH asks for no SYN-ACK, only for a client that has not opened
	{"ACK scan", "> A 0,0+0 @0; < R 0,0+0 @1", CONN_STATE_RSTRH, "Ar", FLOW_TCP_DONE, FLOW_TCP_DONE, {0, 0}, 0, 2},
	{"the server speaks first", OPEN "< PA 1,1+20 @30; > PA 1,21+20 @40", CONN_STATE_S1, "ShAdD", FLOW_TCP_OPEN, FLOW_TCP_OPEN, {0, 0},
	 20, 0},
	{"closed by the server, no SYN", "< SA 0,1+0 @0; > A 1,1+0 @10; < FA 1,1+0 @20; > A 1,2+0 @30; > FA 1,2+0 @31; < A 2,2+0 @40",
	 CONN_STATE_SF, "hAfFa", FLOW_TCP_DONE, FLOW_TCP_TIME_WAIT, {0, 0}, 0, 0},
	{"a gap that was acknowledged", OPEN "> A 1,1+100 @30; > A 201,1+100 @31; < A 1,301+0 @40", CONN_STATE_S1, "ShADaG", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {0, 0}, 20, 0},
	{"sent again with more behind it", OPEN "> A 1,1+100 @30; > A 51,1+100 @300; < A 1,151+0 @310", CONN_STATE_S1, "ShADa",
	 FLOW_TCP_OPEN, FLOW_TCP_OPEN, {1, 0}, 20, 0},
	{"a gap that was acknowledged with the other's FIN out", OPEN "< FA 1,1+0 @30; > A 1,2+100 @31; > A 201,2+100 @32; < A 2,301+0 @40",
	 CONN_STATE_S3, "ShAfDaG", FLOW_TCP_CLOSE_WAIT, FLOW_TCP_FIN_WAIT_2, {0, 0}, 20, 0},
	// for Zeek; Wireshark does not ask what came before
	{"nothing is sent again behind a RST", OPEN "> R 101,0+0 @30; > A 1,1+100 @40", CONN_STATE_RSTO, "ShARD", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {1, 0}, 20, 1},
	{"data with a FIN, and both reset", "> FA 1,1+10 @0; > R 12,0+0 @1; < R 1,0+0 @2", CONN_STATE_RSTR, "FRr", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 0, 1},
	{"data only after both have reset", OPEN "< R 1,0+0 @30; > R 1,0+0 @31; > A 1,1+10 @32", CONN_STATE_REJ, "ShArRD", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 20, 2},
	{"RSTs with numbers of their own", OPEN "< R 1,0+0 @30; < R 500,0+0 @31; < R 500,0+0 @32", CONN_STATE_RSTR, "ShArr", FLOW_TCP_DONE,
	 FLOW_TCP_DONE, {0, 0}, 20, 2},
	{"SYN-ACK again", "> S 0,0+0 @0; < SA 0,1+0 @10; < SA 0,1+0 @1010; > A 1,1+0 @1020", CONN_STATE_S1, "ShA", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {0, 1}, 1020, 0},
	{"the last SYN counts", "> S 0,0+0 @0; > S 0,0+0 @1000; < SA 0,1+0 @1010; > A 1,1+0 @1020", CONN_STATE_S1, "ShA", FLOW_TCP_OPEN,
	 FLOW_TCP_OPEN, {1, 0}, 20, 0},
	{"FIN again: one letter", OPEN "> FA 1,1+0 @30; > FA 1,1+0 @330", CONN_STATE_S2, "ShAF", FLOW_TCP_FIN_WAIT_1, FLOW_TCP_CLOSE_WAIT,
	 {1, 0}, 20, 0},
	{"FIN with data is no d", OPEN "> FA 1,1+10 @30; < FA 1,12+0 @40; > A 12,2+0 @50", CONN_STATE_SF, "ShAFf", FLOW_TCP_TIME_WAIT,
	 FLOW_TCP_DONE, {0, 0}, 20, 0},
	{"longer than its history", "> S 0,0+0 @0; > S 9,0+0 @1; > S 19,0+0 @2; > S 29,0+0 @3; > S 39,0+0 @4; > S 49,0+0 @5; > S 59,0+0 @6; "
	 "> S 69,0+0 @7; > S 79,0+0 @8; > S 89,0+0 @9; > S 99,0+0 @10; > S 109,0+0 @11; > S 119,0+0 @12", CONN_STATE_S0, "SSSSSSSSSSSS",
	 FLOW_TCP_SYN_SENT, FLOW_TCP_NONE, {0, 0}, 0, 0},
};

static void shape_check(const struct shape *shape, const struct talk *t)
{
	char history[FLOW_TCP_HISTORY_MAX + 1] = "";
	struct record_tcp r;

	history[flow_conn_history_put(&t->cold, history)] = '\0';
	flow_tcp_record(&t->hot, &t->cold, &r);
	if (strcmp(history, shape->history) != 0 || flow_conn_state(&t->cold) != shape->conn || r.state[0] != shape->client ||
	    r.state[1] != shape->server || r.count[FLOW_TCP_RETRANSMISSIONS][0] != shape->again[0] ||
	    r.count[FLOW_TCP_RETRANSMISSIONS][1] != shape->again[1] || r.reset_by != shape->reset_by)
		fail_msg("%s: history %s, conn_state %u, states %u %u, sent again %u %u, reset by %u", shape->name, history,
			 flow_conn_state(&t->cold), r.state[0], r.state[1], r.count[FLOW_TCP_RETRANSMISSIONS][0],
			 r.count[FLOW_TCP_RETRANSMISSIONS][1], r.reset_by);
	if (r.handshake_ns / 1000 != (uint64_t)(shape->handshake_ms * 1000))
		fail_msg("%s: handshake %lu ns", shape->name, (unsigned long)r.handshake_ns);
}

// Every shape with small numbers, and with numbers that wrap in the middle of it.
static void test_shapes(void **state)
{
	static const uint32_t bases[][2] = {{1000, 500000}, {0u - 50, 0u - 1}, {0x7fffffff, 0x7ffffffe}, {0u - 1, 0}};

	(void)state;
	assert_true(sizeof(shapes) / sizeof(shapes[0]) >= 40);
	for (unsigned b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			struct talk t = {.base = {bases[b][0], bases[b][1]}, .start_ns = T0};

			play(&t, shapes[i].script);
			shape_check(&shapes[i], &t);
		}
	}
}

static void test_flipped(void **state)
{
	struct talk t = talk_of();
	char history[FLOW_TCP_HISTORY_MAX];

	(void)state;
	flow_conn_letter(&t.cold, 0, '^');
	play(&t, "< SA 0,1+0 @0; > A 1,1+0 @10");
	assert_int_equal(flow_conn_history_put(&t.cold, history), 3);
	assert_memory_equal(history, "^hA", 3);
}

// ---- counts ----

static struct record_tcp played(const char *script)
{
	struct talk t = talk_of();
	struct record_tcp r;

	play(&t, script);
	flow_tcp_record(&t.hot, &t.cold, &r);
	return r;
}

static void test_counts(void **state)
{
	struct record_tcp r;

	(void)state;
	r = played(OPEN "> A 1,1+100 @30; > A 101,1+100 @31; > A 201,1+100 @32; < A 1,101+0 @40; < A 1,101+0 @41; < A 1,101+0 @42; "
			"> A 101,1+100 @43");
	assert_int_equal(r.count[FLOW_TCP_FAST][0], 1);
	assert_int_equal(r.count[FLOW_TCP_DUP_ACKS][1], 2);
	assert_int_equal(r.count[FLOW_TCP_SPURIOUS][0] + r.count[FLOW_TCP_OUT_OF_ORDER][0] + r.lost[0], 0);
	r = played(OPEN "> A 1,1+100 @30; < A 1,101+0 @40; > A 1,1+100 @41");
	assert_int_equal(r.count[FLOW_TCP_SPURIOUS][0], 1);
	r = played(OPEN "> A 1,1+100 @30; > A 201,1+100 @31; > A 101,1+100 @32");
	assert_int_equal(r.count[FLOW_TCP_OUT_OF_ORDER][0], 1);
	assert_int_equal(r.lost[0], 1);
	r = played(OPEN "> A 1,1+100 @30; > A 201,1+100 @31; < A 1,301+0 @40; < A 1,301+0 @41");
	assert_int_equal(r.count[FLOW_TCP_ACKED_UNSEEN][0], 1);
	// one hole, acknowledged piece by piece: told once
	r = played(OPEN "> A 1,1+100 @30; > A 201,1+100 @31; > A 301,1+100 @32; < A 1,301+0 @40; < A 1,401+0 @41");
	assert_int_equal(r.count[FLOW_TCP_ACKED_UNSEEN][0], 1);
	// one segment that was not seen, with others under way behind it: told once
	r = played(OPEN "> A 1,1+100 @30; > A 201,1+100 @31; > A 301,1+100 @32; < A 1,201+0 @40; > A 401,1+100 @41; < A 1,301+0 @42; "
			"< A 1,401+0 @43; < A 1,501+0 @44");
	assert_int_equal(r.count[FLOW_TCP_ACKED_UNSEEN][0], 1);
	assert_int_equal(r.lost[0], 1);
	r = played(OPEN "< A 1,1+0 @30 w0; > A 1,1+1 @40; < A 1,1+0 @41 w0; > A 1,1+1 @50"); // probes are neither new nor old
	assert_int_equal(r.count[FLOW_TCP_ZERO_WINDOW][1], 2);
	assert_int_equal(r.count[FLOW_TCP_RETRANSMISSIONS][0] + r.count[FLOW_TCP_DUP_ACKS][1], 0);
	r = played(OPEN "< A 1,1+0 @30 w100; > A 1,1+100 @40");
	assert_int_equal(r.count[FLOW_TCP_WINDOW_FULL][0], 1);
	r = played(OPEN "> PA 1,1+100 @30; < A 1,101+0 @40; > A 100,1+0 @5000; < A 1,101+0 @5010; > A 100,1+1 @9000; < A 1,101+0 @9001");
	assert_int_equal(r.count[FLOW_TCP_KEEP_ALIVES][0], 2);
	assert_int_equal(r.count[FLOW_TCP_DUP_ACKS][1], 0); // they answer keep-alives
}

static void test_counts_stop(void **state)
{
	struct talk t = talk_of();

	(void)state;
	play(&t, OPEN "> PA 1,1+100 @30; < A 1,101+0 @40");
	for (unsigned i = 0; i < 70000; i++)
		say(&t, 0, TCP_ACK, 1, 1, 100, 41, WINDOW, NULL, 0);
	assert_int_equal(t.cold.seldom[FLOW_TCP_SPURIOUS - FLOW_TCP_OFTEN][0], UINT8_MAX);
	assert_int_equal(t.cold.often[FLOW_TCP_RETRANSMISSIONS][0], UINT16_MAX);
}

static void near(uint64_t ns, double ms)
{
	double off = (double)ns / 1e6 - ms;

	if (off > 0.003 || off < -0.003)
		fail_msg("%.6f ms, not %.6f", (double)ns / 1e6, ms);
}

static void test_times(void **state)
{
	struct record_tcp r = played(OPEN "> PA 1,1+100 @30; < A 1,101+0 @34; < PA 1,101+200 @50; > A 101,201+0 @51; > PA 101,201+1 @100; "
					  "< A 201,102+0 @106");

	(void)state;
	near(r.handshake_ns, 20);
	near(r.syn_rtt_ns, 10);
	near(r.ack_rtt_ns, 10);
	assert_int_equal(r.rtt_samples, 5); // SYN 10, SYN-ACK 10, 4, 1, 6
	near(r.rtt_min_ns, 1);
	near(r.rtt_max_ns, 10);
	near(r.rtt_avg_ns, 31.0 / 5);
	near(r.rtt_last_ns, 6);
	near(r.rtt_smooth_ns, ((10.0 * 7 / 8 + 4.0 / 8) * 7 / 8 + 1.0 / 8) * 7 / 8 + 6.0 / 8); // the second 10 changes nothing
	near(r.first_byte_ns[0], 30);
	near(r.first_byte_ns[1], 50);
}

// Karn: no sample from a segment that was sent again; a time stamp tells which of the two is acknowledged.
static void test_sent_again_is_not_timed(void **state)
{
	static const uint8_t first[12] = {1, 1, 8, 10, 0, 0, 0, 7}, second[12] = {1, 1, 8, 10, 0, 0, 1, 7};
	static const uint8_t echo_first[12] = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7}, echo_second[12] = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 1, 7};
	struct record_tcp r = played(OPEN "> PA 1,1+100 @30; > PA 1,1+100 @230; < A 1,101+0 @240");
	const uint8_t *echo[2] = {echo_first, echo_second};

	(void)state;
	assert_int_equal(r.rtt_samples, 2);
	for (unsigned i = 0; i < 2; i++) {
		struct talk t = talk_of();

		play(&t, OPEN);
		say(&t, 0, TCP_ACK, 1, 1, 100, 30, WINDOW, first, sizeof(first));
		say(&t, 0, TCP_ACK, 1, 1, 100, 230, WINDOW, second, sizeof(second));
		say(&t, 1, TCP_ACK, 1, 101, 0, 240, WINDOW, echo[i], 12);
		flow_tcp_record(&t.hot, &t.cold, &r);
		assert_int_equal(r.rtt_samples, 2 + i);
	}
	near(r.rtt_last_ns, 10);
}

// Windows are scaled if both SYNs say so, and not in SYNs.
static void test_scaled_window(void **state)
{
	static const uint8_t scale[4] = {1, 3, 3, 2};

	(void)state;
	for (unsigned both = 0; both < 2; both++) {
		struct talk t = talk_of();

		say(&t, 0, TCP_SYN, 0, 0, 0, 0, WINDOW, scale, 4);
		say(&t, 1, TCP_SYN | TCP_ACK, 0, 1, 0, 10, 100, scale, both ? 4 : 0);
		play(&t, "> A 1,1+0 @20; < A 1,1+0 @25 w25; > A 1,1+100 @30");
		assert_int_equal(t.cold.seldom[FLOW_TCP_WINDOW_FULL - FLOW_TCP_OFTEN][0], both);
	}
}

static void test_ecn(void **state)
{
	(void)state;
	assert_true(played("> SEC 0,0+0 @0; < SAE 0,1+0 @1; > A 1,1+0 @2").ecn);
	assert_false(played("> SEC 0,0+0 @0; < SA 0,1+0 @1; > A 1,1+0 @2").ecn);
	assert_false(played("> S 0,0+0 @0; < SAE 0,1+0 @1; > A 1,1+0 @2").ecn);
}

// Clocks that go back give no negative time, those that leap none that was not.
static void test_clocks(void **state)
{
	struct record_tcp r = played("> S 0,0+0 @5000; < SA 0,1+0 @10; > A 1,1+0 @4990");

	(void)state;
	assert_true(r.handshake_ns == 0 && r.syn_rtt_ns == 0 && r.ack_rtt_ns == 0);
	r = played(OPEN "> PA 1,1+100 @30; < A 1,101+0 @9000000"); // 2.5 hours
	assert_int_equal(r.rtt_samples, 2);
	near(r.rtt_max_ns, 10);
}

// A packet that goes on is dealt with in a short way; what it leaves is what the long way would.
static void test_short_way_is_the_long_way(void **state)
{
	struct talk fast = talk_of(), slow = talk_of();
	uint32_t random = 1;

	(void)state;
	play(&fast, OPEN "> PA 1,1+100 @30; < A 1,101+0 @34; < PA 1,101+200 @50; > A 101,201+0 @51");
	slow = fast;
	for (unsigned i = 0, seq[2] = {101, 201}; i < 20000; i++) {
		unsigned dir, payload, gap, went_on = 0;
		struct packet p;

		random = random * 1664525 + 1013904223;
		dir = random >> 31;
		payload = random >> 24 & 3 ? random >> 8 & 1023 : 0;
		gap = (random >> 20 & 15) == 0 ? 50 : 0;
		seq[dir] += gap;
		p = (struct packet){.time_ns = T0 + 60 * MS + i * 1000, .tcp_flags = TCP_ACK, .tcp_seq = fast.base[dir] + seq[dir],
				    .tcp_ack = fast.base[!dir] + seq[!dir], .tcp_window = WINDOW, .payload_wire = payload};
		went_on = flow_tcp_goes_on(&fast.hot, dir, &p);
		flow_tcp_count(&fast.hot, &fast.cold, dir, &p, &fast.start_ns);
		flow_tcp_happening(&slow.hot, &slow.cold, dir, &p, &slow.start_ns);
		seq[dir] += payload;
		if (!went_on)
			continue;
		assert_memory_equal(&fast.cold, &slow.cold, sizeof(fast.cold));
		assert_memory_equal(&fast.hot, &slow.hot, sizeof(fast.hot));
	}
	assert_true(fast.hot.lost[0] > 0 && fast.cold.rtt_count > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_counts_stop),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sent_again_is_not_timed),
		cmocka_unit_test(test_scaled_window),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_short_way_is_the_long_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
