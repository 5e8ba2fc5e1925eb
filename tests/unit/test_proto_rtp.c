// RTP and RTCP: what is claimed by its behaviour, what is counted, and what only looks like it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

enum { MS = 1000000, PAYLOAD = 20 };

static struct feed f;

struct packet {
	bool to_server;
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
};

static void number_put(uint8_t *at, uint32_t number, unsigned bytes)
{
	while (bytes-- > 0) {
		at[bytes] = (uint8_t)number;
		number >>= 8;
	}
}

static void say(const struct packet *p, uint64_t now_ns)
{
	uint8_t bytes[12 + PAYLOAD] = {0x80, p->type};

	number_put(bytes + 2, p->sequence, 2);
	number_put(bytes + 4, p->timestamp, 4);
	number_put(bytes + 8, p->ssrc, 4);
	f.hint.now_ns = now_ns;
	feed(&f, p->to_server, bytes, sizeof(bytes));
}

static void start(const struct proto_ops *ops)
{
	feed_start(&f, ops, PROTO_UDP, 40000, 40002);
}

// Speech both ways, every 20 ms; one datagram of the client is lost, one comes late; one of the server's is 16 ms late.
static void test_call(void **state)
{
	(void)state;
	start(&proto_rtp);
	for (uint16_t n = 0; n < 20; n++) {
		uint16_t sequence = n == 5 ? 7 : n == 7 ? 5 : n;

		if (n == 10)
			continue;
		say(&(struct packet){true, 0, (uint16_t)(65530 + sequence), 160u * sequence, 0x11}, n * 20ull * MS);
		say(&(struct packet){false, 8, n, 160u * n, 0x22}, (n * 20ull + (n == 19) * 16ull) * MS);
	}
	feed_end(&f);
	assert_string_equal(f.log, "rtp {\"rtp\":{\"toserver\":{\"ssrc\":17,\"payload_type\":0,\"codec\":\"PCMU\",\"clock_rate\":8000,\"packets\":19,"
				   "\"lost\":1,\"jitter_ms\":4.773},\"toclient\":{\"ssrc\":34,"
				   "\"payload_type\":8,\"codec\":\"PCMA\",\"clock_rate\":8000,\"packets\":18,"
				   "\"lost\":1,\"jitter_ms\":1.000}}}\n");
}

// A type that is agreed on elsewhere: the clock is guessed; other sources on the same ports are counted.
static void test_dynamic(void **state)
{
	(void)state;
	start(&proto_rtp);
	for (uint16_t n = 0; n < 80; n++) {
		say(&(struct packet){true, 0x80 | 111, n, 960u * n, 0x33}, n * 20ull * MS);
		if (n % 10 == 9)
			say(&(struct packet){true, 96, n, 3000u * n, 0x44}, n * 20ull * MS);
	}
	feed_end(&f);
	assert_string_equal(f.log, "rtp {\"rtp\":{\"toserver\":{\"ssrc\":51,\"payload_type\":111,\"codec\":\"dynamic-111\",\"clock_rate\":48000,\"packets\":80,"
				   "\"other_sources_packets\":8}}}\n");
}

static void test_jump(void **state)
{
	(void)state;
	start(&proto_rtp);
	for (uint16_t n = 0; n < 10; n++)
		say(&(struct packet){false, 18, (uint16_t)(n < 5 ? n : n + 20000), 160u * n, 0x55}, n * 20ull * MS);
	feed_end(&f);
	assert_string_equal(f.log, "rtp {\"rtp\":{\"toclient\":{\"ssrc\":85,\"payload_type\":18,\"codec\":\"G729\",\"clock_rate\":8000,\"packets\":10}}}\n");
}

static void test_not_rtp(void **state)
{
	static const struct packet pairs[][2] = {
		{{true, 0, 1, 0, 5}, {true, 0, 1, 160, 5}},     // no step
		{{true, 0, 1, 0, 5}, {true, 0, 100, 160, 5}},   // too far
		{{true, 0, 2, 0, 5}, {true, 0, 1, 160, 5}},     // backwards
		{{true, 0, 1, 0, 5}, {true, 0, 2, 160, 6}},     // another source
		{{true, 0, 1, 0, 0}, {true, 0, 2, 160, 0}},     // no source
		{{true, 0, 1, 0, 5}, {false, 0, 2, 160, 5}},    // another direction
		{{true, 40, 1, 0, 5}, {true, 40, 2, 160, 5}},   // a type that is none
		{{true, 1, 1, 0, 5}, {true, 1, 2, 160, 5}},
	};
	static const char *const others[] = {">80", ">8000000100000000000005", ">8f0000010000000000000005aa",
	  ">900000010000000000000005beef0004aa",
					     ">a00000010000000000000005aa03", ">a000000100000000000000050000",
	  ">8000000100000000 00000005",
					     ">400000010000000000000005aa"};

	(void)state;
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		start(&proto_rtp);
		say(&pairs[i][0], 0);
		say(&pairs[i][1], 20 * MS);
		assert_false(f.hint.claimed);
		feed_end(&f);
		assert_int_equal(f.reported, 0);
	}
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		uint8_t bytes[64];
		uint32_t n = talk_bytes(others[i], bytes);

		start(&proto_rtp);
		for (unsigned times = 0; times < 4 && !f.over; times++)
			feed(&f, true, bytes, n);
		assert_true(f.refused);
	}
}

// A client learns its address before the stream begins.
static void test_others_before(void **state)
{
	(void)state;
	start(&proto_rtp);
	feed(&f, true, "\0\1\0F", 4);
	feed(&f, false, "\0\2\0F", 4);
	say(&(struct packet){true, 120, 1, 0, 5}, 0);
	say(&(struct packet){true, 120, 2, 960, 5}, 20 * MS);
	assert_true(f.hint.claimed);
}

#define SR "80c80006 00000011 e0000000 00000000 00000000 000000c8 00007d00"
#define SR_BLOCK \
	  "81c8000c 00000011 e0000000 00000000 00000000 000000c8 00007d00 00000022 40000005 00000000 00000000 00000000 00000000"
#define RR_BLOCK "81c90007 00000022 00000011 80fffffe 00000000 00000000 00000000 00000000"
#define SDES "81ca0005 00000011 010a616c69636540686f7374 00000000"

static const struct talk talks[] = {
	{"reports of both ends", &proto_rtcp, PROTO_UDP, 40003,
	 {">" SR SDES, "<" RR_BLOCK, ">" SR_BLOCK "81ca0003 00000011 010231320000 0000",
	  "<80c90001 00000022 81cb0001 00000022", ">80c80001ff"},
	  "rtcp {\"rtcp\":{\"toserver\":{\"sender_reports\":2,\"ssrc\":17,\"cname\":\"alice@host\",\"packets_sent\":200,\"o"
	 "ctets_sent\":32000,\"lost\":5,\"fraction_lost\":25,\"fraction_lost_max\":25},\"toclient\":{\"receiver_reports\":"
	 "2,\"byes\":1,\"ssrc\":34,\"fraction_lost\":50,\"fraction_lost_max\":50}}}\n"},
	{"a name of control characters", &proto_rtcp, PROTO_UDP, 40003,
	  {">80c90001 00000011 81ca0004 00000011 01081b5b333c22270a00 0000"},
	  "rtcp {\"rtcp\":{\"toserver\":{\"receiver_reports\":1,\"ssrc\":17,\"cname\":\"\\\\x1b[3\\u003c\\\"'\\\\x0a\\\\x00"
	 "\"}}}\n"},
};

static const char *const others[] = {
	">80c90001", ">80c90001000000110000", ">81c90001 00000011",
	  ">82c8000c 00000011 e0000000 00000000 00000000 000000c8 00007d00 00000022 40000005 00000000 00000000 00000000 00000000",
	">81ca0003 00000011 010231320000 0000", ">80c80001 00000011", ">a0c90001 00000011",
	  ">80c90001 00000011 80000001 00000011", ">40c90001 00000011",
};

static void test_rtcp(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		talk_check(&f, &talks[i]);
		talk_damage(&f, &talks[i]);
	}
	talk_refused(&f, &proto_rtcp, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
}

// Reports on the ports of the stream itself.
static void test_shared_ports(void **state)
{
	static const uint8_t report[] = {0x80, 0xc9, 0, 1, 0, 0, 0, 0x22};

	(void)state;
	start(&proto_rtp);
	feed(&f, false, report, sizeof(report));
	assert_false(f.refused || f.hint.claimed);
	say(&(struct packet){true, 0, 1, 0, 5}, 0);
	say(&(struct packet){true, 0, 2, 160, 5}, 20 * MS);
	assert_true(f.hint.claimed);
	feed(&f, false, report, sizeof(report));
	feed_end(&f);
	assert_int_equal(f.reported, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),    cmocka_unit_test(test_dynamic), cmocka_unit_test(test_jump),
		cmocka_unit_test(test_not_rtp), cmocka_unit_test(test_rtcp),    cmocka_unit_test(test_shared_ports),
		cmocka_unit_test(test_others_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
