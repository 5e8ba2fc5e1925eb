#include "flow/flow_detail.h"

#include <string.h>

enum { NS_PER_US = 1000 };

// The header around the flow. Its source is the client's side if the packet's is.
static void tunnel_keep(struct record_tunnel *tunnel, const struct packet *p, bool from_client)
{
	const struct packet_outer *o = &p->outer;
	uint32_t length = o->ip_version == 4 ? 4 : 16;
	const uint8_t *src = p->frame + (from_client ? o->src_at : o->dst_at), *dst = p->frame + (from_client ? o->dst_at : o->src_at);

	*tunnel = (struct record_tunnel){
		.kind = o->kind,
		.depth = p->tunnels,
		.ip_version = o->ip_version,
		.id_known = o->id_known,
		.id = o->id,
		.src_port = from_client ? o->src_port : o->dst_port,
		.dest_port = from_client ? o->dst_port : o->src_port,
	};
	memcpy(tunnel->src, src, length);
	memcpy(tunnel->dest, dst, length);
}

uint32_t flow_detail_begin(struct pool *details, const struct packet *p, bool from_client)
{
	uint32_t block = pool_get(details);
	const uint8_t *dest = p->frame + p->ether_at, *src = dest + RECORD_MAC; // an Ethernet header begins with them
	struct flow_detail *detail;

	if (block == POOL_NONE)
		return 0;
	detail = pool_at(details, block);
	memset(detail, 0, sizeof(*detail));
	memcpy(detail->ether.src_mac, from_client ? src : dest, RECORD_MAC);
	memcpy(detail->ether.dest_mac, from_client ? dest : src, RECORD_MAC);
	detail->vlans = p->vlans;
	memcpy(detail->vlan, p->vlan, sizeof(p->vlan[0]) * p->vlans);
	if (__builtin_expect(p->tunnels > 0, 0))
		tunnel_keep(&detail->tunnel, p, from_client);
	return block + 1;
}

void flow_detail_first(struct flow_detail *detail, const struct packet *p, unsigned dir, uint64_t latest_ns)
{
	uint64_t gap_us = p->time_ns > latest_ns ? (p->time_ns - latest_ns) / NS_PER_US : 0;
	int32_t size = p->payload_wire < INT32_MAX ? (int32_t)p->payload_wire : INT32_MAX;

	detail->first[detail->firsts++] = (struct flow_first){dir == 0 ? size : -size, gap_us < INT32_MAX ? (int32_t)gap_us : INT32_MAX};
}
