// The numbers of a TCP flow as a record has them: times in ns, names for what were bits.
#include "flow/flow_tcp.h"

static uint64_t clock_ns(uint64_t clock)
{
	return clock << FLOW_TCP_CLOCK_SHIFT;
}

void flow_tcp_record(const struct flow_tcp *t, const struct flow_tcp_cold *c, struct record_tcp *out)
{
	bool handshake = (c->flags & FLOW_TCP_HANDSHAKE) != 0, answered = (c->flags & FLOW_TCP_SYN_ANSWERED) != 0;

	*out = (struct record_tcp){
		.handshake_ns = handshake ? (uint64_t)c->handshake << FLOW_TCP_FINE_SHIFT : 0,
		.syn_rtt_ns = answered ? (uint64_t)c->syn_rtt << FLOW_TCP_FINE_SHIFT : 0,
		.ack_rtt_ns = handshake && answered && c->handshake > c->syn_rtt ? (uint64_t)(c->handshake - c->syn_rtt) << FLOW_TCP_FINE_SHIFT : 0,
		.rtt_min_ns = clock_ns(c->rtt_min),
		.rtt_avg_ns = c->rtt_count > 0 ? clock_ns(c->rtt_sum) / c->rtt_count : 0,
		.rtt_max_ns = clock_ns(c->rtt_max),
		.rtt_last_ns = clock_ns(c->rtt_last),
		.rtt_smooth_ns = clock_ns(c->rtt_smooth8 / 8),
		.first_byte_ns = {clock_ns(c->first_byte[0]), clock_ns(c->first_byte[1])},
		.idle_max_ns = clock_ns(t->idle),
		.rtt_samples = c->rtt_count,
		.lost = {t->lost[0], t->lost[1]},
		.state = {(uint8_t)flow_tcp_state(c, 0), (uint8_t)flow_tcp_state(c, 1)},
		.reset_by = (c->flags & FLOW_TCP_RESET_BY_CLIENT) != 0 ? 1 : (c->flags & FLOW_TCP_RESET_BY_SERVER) != 0 ? 2 : 0,
		.ecn = (c->flags & FLOW_TCP_ECN) != 0,
	};
	for (unsigned i = 0; i < FLOW_TCP_COUNTS * 2; i++)
		out->count[i / 2][i % 2] = i / 2 < FLOW_TCP_OFTEN ? c->often[i / 2][i % 2] : c->seldom[i / 2 - FLOW_TCP_OFTEN][i % 2];
}
