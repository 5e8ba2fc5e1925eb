// What a flow's record tells besides its numbers, that few packets are needed to know: MAC addresses, the tunnel, and, if asked
// for, sizes and gaps of the first packets. One block of a pool for each flow, apart from its state: it is written when the flow
// begins and read when it is reported. A flow that finds the pool empty lives without, and is counted there.
#ifndef FLOW_FLOW_DETAIL_H
#define FLOW_FLOW_DETAIL_H

#include "base/pool.h"
#include "packet/packet.h"
#include "record/record.h"

struct flow_first {
	int32_t size;   // payload on the wire; negative: to the client
	int32_t gap_us; // since the latest packet before it
};

struct flow_detail {
	struct record_tunnel tunnel; // depth 0: none
	struct record_ether ether;   // source: the client
	uint8_t firsts;              // set in first[]
	uint8_t vlans;
	uint16_t vlan[PACKET_VLANS]; // outermost first; the flow's key may not have them
	struct flow_first first[];   // as many as are asked for
};

// Whole cache lines.
static inline uint32_t flow_detail_bytes(uint32_t firsts)
{
	enum { LINE = 64 };

	return ((uint32_t)(sizeof(struct flow_detail) + firsts * sizeof(struct flow_first)) + LINE - 1) & ~(LINE - 1u);
}

// Takes a block and writes what the first packet tells. Returns its number plus one; 0: there was none.
uint32_t flow_detail_begin(struct pool *details, const struct packet *p, bool from_client);

// Keeps one more packet; latest_ns is the latest time so far. The caller says when it is enough.
void flow_detail_first(struct flow_detail *detail, const struct packet *p, unsigned dir, uint64_t latest_ns);

#endif
