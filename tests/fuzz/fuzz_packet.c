// Any bytes as a frame, in a buffer of exactly their size: one verdict, and every offset inside. The first two bytes of the input
// say how much longer the frame was on the wire, so that captures that were cut are tried as well.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void invariants_check(const struct packet *p)
{
	uint32_t address = p->ip_version == 4 ? 4 : 16;

	require(p->verdict < PACKET_VERDICTS && packet_verdict_names[p->verdict] != NULL);
	require(p->wire >= p->captured);
	require(p->vlans <= PACKET_VLANS);
	require(p->payload <= p->payload_wire);
	require((uint64_t)p->payload_at + p->payload <= p->captured);
	if (p->verdict != PACKET_OK)
		return;
	require(p->ip_version == 4 || p->ip_version == 6);
	require(p->src_at >= 14 && p->src_at + address <= p->dst_at && p->dst_at + address <= p->captured);
	require(p->src_at == p->l3_at + (p->ip_version == 4 ? 12u : 8u)); // who has a source has the header's first bytes
	require(p->tunnels <= PACKET_TUNNELS_MAX && p->ether_at + 14u <= p->captured);
	if (p->tunnels > 0) {
		uint32_t around = p->outer.ip_version == 4 ? 4 : 16;

		require(p->outer.kind > TUNNEL_NONE && p->outer.kind < TUNNEL_KINDS);
		require(p->outer.src_at + around <= p->outer.dst_at && p->outer.dst_at + around < p->src_at);
	}
	if (p->fragment)
		require(p->src_port == 0 && p->dst_port == 0 && (p->payload_at == 0) == (p->payload_wire == 0));
}

// What was said of a whole frame may not turn into "malformed" because the capture ends earlier.
static void cut_check(const struct packet *whole, const uint8_t *frame)
{
	struct packet cut = {.frame = frame, .captured = whole->captured / 2, .wire = whole->wire};

	packet_decode(&cut);
	invariants_check(&cut);
	if (!packet_malformed((enum packet_verdict)whole->verdict))
		require(!packet_malformed((enum packet_verdict)cut.verdict));
}

// Level by level comes out where the whole does.
static void steps_check(const struct packet *whole)
{
	struct packet p = *whole;

	p.wire = whole->wire_known ? whole->wire : 0;
	packet_decode_outermost(&p);
	while (packet_tunnel_enter(&p))
		invariants_check(&p);
	require(p.verdict == whole->verdict && p.tunnels == whole->tunnels && p.src_at == whole->src_at && p.payload_at == whole->payload_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p = {0};
	uint8_t *frame;

	if (size < 2)
		return 0;
	p.captured = (uint32_t)size - 2;
	p.wire = data[0] < 128 ? 0 : p.captured + data[1];
	frame = malloc(p.captured + 1u);
	if (frame == NULL)
		return 0;
	memmove(frame + 1, data + 2, p.captured); // ends where the block ends
	p.frame = frame + 1;
	packet_decode(&p);
	invariants_check(&p);
	steps_check(&p);
	if (p.wire_known)
		cut_check(&p, frame + 1);
	free(frame);
	return 0;
}
