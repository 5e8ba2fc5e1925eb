// What the packets of a UDP flow tell by when they come: how uneven they are, by direction. Media that is sent evenly and comes
// unevenly has been on a bad way. The estimator is that of RFC 3550, appendix A.8, over the gaps between packets, because the times
// of sending are not known here.
#ifndef FLOW_FLOW_UDP_H
#define FLOW_FLOW_UDP_H

#include <stdint.h>

enum { FLOW_UDP_CLOCK_SHIFT = 10, FLOW_UDP_GAP_MAX = 1 << 27 }; // about a microsecond; two minutes

struct flow_udp {
	uint64_t last_ns[2];
	uint32_t gap[2];      // before the last packet
	uint32_t jitter16[2]; // the estimate times 16
};

// before: packets of this direction so far.
static inline void flow_udp_count(struct flow_udp *u, unsigned dir, uint64_t before, uint64_t time_ns)
{
	uint64_t last_ns = before > 0 ? u->last_ns[dir] : time_ns, ticks = time_ns > last_ns ? (time_ns - last_ns) >> FLOW_UDP_CLOCK_SHIFT : 0;
	uint32_t gap = ticks < FLOW_UDP_GAP_MAX ? (uint32_t)ticks : FLOW_UDP_GAP_MAX;
	uint32_t differs = gap > u->gap[dir] ? gap - u->gap[dir] : u->gap[dir] - gap, jitter16 = before > 0 ? u->jitter16[dir] : 0;

	u->jitter16[dir] = before > 1 ? jitter16 + differs - ((jitter16 + 8) >> 4) : jitter16;
	u->gap[dir] = gap;
	u->last_ns[dir] = time_ns;
}

static inline uint64_t flow_udp_jitter_ns(const struct flow_udp *u, unsigned dir)
{
	return (uint64_t)u->jitter16[dir] << FLOW_UDP_CLOCK_SHIFT >> 4;
}

#endif
