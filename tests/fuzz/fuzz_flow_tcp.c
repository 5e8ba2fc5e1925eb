// Any packets at all, in both directions, with the numbers near each other so that they mean something: no undefined behaviour,
// counts only grow, the history is bounded and only appended to, states are states, and what goes on leaves what judging would.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "flow/flow_tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { L4_AT = 14, HEADER = 20, OPTIONS = 40 };

struct world {
	struct flow_tcp hot;
	struct flow_tcp_cold cold;
	uint64_t start_ns, now_ns;
	uint32_t seq[2];
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void grows(const struct world *before, const struct world *after)
{
	char old[FLOW_TCP_HISTORY_MAX], new[FLOW_TCP_HISTORY_MAX];
	unsigned n = flow_conn_history_put(&before->cold, old), m = flow_conn_history_put(&after->cold, new);
	struct record_tcp a, b;

	require(n <= m && m <= FLOW_TCP_HISTORY_MAX && memcmp(old, new, n) == 0);
	flow_tcp_record(&before->hot, &before->cold, &a);
	flow_tcp_record(&after->hot, &after->cold, &b);
	for (unsigned dir = 0; dir < 2; dir++) {
		require(a.lost[dir] <= b.lost[dir] && b.state[dir] <= FLOW_TCP_DONE && flow_conn(&after->cold, dir) <= CONN_RESET);
		for (unsigned i = 0; i < FLOW_TCP_COUNTS; i++)
			require(a.count[i][dir] <= b.count[i][dir]);
		require(b.count[FLOW_TCP_FAST][dir] + b.count[FLOW_TCP_SPURIOUS][dir] <= b.count[FLOW_TCP_RETRANSMISSIONS][dir]);
	}
	require(a.idle_max_ns <= b.idle_max_ns && b.rtt_min_ns <= b.rtt_max_ns && b.rtt_last_ns <= b.rtt_max_ns);
	require(b.rtt_samples == 0 || (b.rtt_avg_ns <= b.rtt_max_ns && b.rtt_smooth_ns <= b.rtt_max_ns));
	require(flow_conn_state(&after->cold) <= CONN_STATE_SHR);
}

// A packet of the input: mostly what would be next, sometimes anything.
static void packet_draw(struct world *w, struct span *in, uint8_t *frame, unsigned dir, struct packet *p)
{
	uint8_t how = span_u8(in), options = (uint8_t)(span_u8(in) % (OPTIONS / 4 + 1) * 4);
	const uint8_t *bytes;

	*p = (struct packet){.frame = frame, .captured = L4_AT + HEADER + OPTIONS, .proto = IP_TCP, .l4_at = L4_AT,
			     .payload_at = (uint16_t)(L4_AT + HEADER + options), .tcp_flags = span_u8(in)};
	p->tcp_window = (how & 1) != 0 ? span_be16(in) : 1000;
	p->payload_wire = (how & 2) != 0 ? span_be16(in) : 0;
	p->tcp_seq = (how & 4) != 0 ? span_be32(in) : w->seq[dir] + (uint32_t)(int8_t)((how & 8) != 0 ? span_u8(in) : 0);
	p->tcp_ack = (how & 16) != 0 ? span_be32(in) : w->seq[!dir] + (uint32_t)(int8_t)((how & 32) != 0 ? span_u8(in) : 0);
	w->now_ns = (how & 64) != 0 ? (uint64_t)span_be32(in) << 20 : w->now_ns + (uint64_t)span_be16(in) * 1000;
	p->time_ns = w->now_ns;
	frame[L4_AT + 12] = (uint8_t)((HEADER + options) / 4 << 4);
	bytes = span_bytes(in, options);
	if (bytes != NULL)
		memcpy(frame + L4_AT + HEADER, bytes, options);
}

// Numbers half the space apart are neither before nor behind each other.
static bool near(const struct flow_tcp *t, unsigned end)
{
	return t->end[end].next_seq - t->end[end].contiguous < FLOW_TCP_AHEAD_MAX && t->end[end].next_seq - t->end[!end].ack < FLOW_TCP_AHEAD_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, (uint32_t)size);
	struct world w = {.seq = {span_be32(&in), span_be32(&in)}};
	uint8_t frame[L4_AT + HEADER + OPTIONS] = {0};

	w.start_ns = w.now_ns = (uint64_t)span_be32(&in) << 20;
	while (in.left > 0) {
		struct world before, judged;
		unsigned dir = span_u8(&in) & 1;
		struct packet p;
		bool goes_on;

		packet_draw(&w, &in, frame, dir, &p);
		before = judged = w;
		goes_on = flow_tcp_goes_on(&w.hot, dir, &p);
		flow_tcp_count(&w.hot, &w.cold, dir, &p, &w.start_ns);
		flow_tcp_silence(&w.hot, before.now_ns, w.now_ns);
		grows(&before, &w);
		if (goes_on && near(&w.hot, 0) && near(&w.hot, 1)) {
			flow_tcp_happening(&judged.hot, &judged.cold, dir, &p, &judged.start_ns);
			judged.hot.idle = w.hot.idle;
			judged.hot.plain = w.hot.plain; // judging may find that more needs none
			for (unsigned end = 0; end < 2; end++) // nothing is timed: the number only has to be far ahead
				if ((w.cold.flags & (uint32_t)FLOW_TCP_TIMED << end) == 0)
					judged.hot.end[end].timed_seq = w.hot.end[end].timed_seq;
			require(memcmp(&judged.hot, &w.hot, sizeof(w.hot)) == 0 && memcmp(&judged.cold, &w.cold, sizeof(w.cold)) == 0);
		}
		w.seq[dir] = p.tcp_seq + p.payload_wire + ((p.tcp_flags & (TCP_SYN | TCP_FIN)) != 0);
	}
	return 0;
}
