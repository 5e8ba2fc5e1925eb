#include "flow/flow_key.h"

#include <string.h>
#include <sys/random.h>

void flow_secret_draw(struct flow_secret *secret, bool deterministic)
{
	static const uint64_t fixed[10] = {0x736f6d6570736575ull, 0x646f72616e646f6dull, 0x6c7967656e657261ull, 0x7465646279746573ull,
					   0x243f6a8885a308d3ull, 0x13198a2e03707344ull, 0xa4093822299f31d0ull, 0x082efa98ec4e6c89ull,
					   0x452821e638d01377ull, 0xbe5466cf34e90c6cull};

	if (deterministic || getrandom(secret, sizeof(*secret), 0) != (ssize_t)sizeof(*secret))
		memcpy(secret->word, fixed, sizeof(fixed));
}

// Ids that both directions of a tunnel have: TEIDs, sessions and call ids are of one direction, GRE keys may be.
static inline bool in_network(const struct packet *p)
{
	return p->outer.id_known && (p->outer.kind == TUNNEL_VXLAN || p->outer.kind == TUNNEL_VXLAN_GPE || p->outer.kind == TUNNEL_GENEVE ||
				     p->outer.kind == TUNNEL_NVGRE);
}

static inline void surroundings_pack(const struct packet *p, unsigned without, uint8_t vlan[3])
{
	uint32_t both = p->vlans == 0 ? 0 : p->vlans == 1 ? (uint32_t)p->vlan[0] : (uint32_t)p->vlan[0] | (uint32_t)p->vlan[1] << 12;

	if (__builtin_expect(without & FLOW_KEY_WITHOUT_VLAN, 0))
		both = 0;
	if (__builtin_expect(p->tunnels > 0, 0) && (without & FLOW_KEY_WITHOUT_NETWORK) == 0 && in_network(p))
		both ^= ((p->outer.id + 1) * 0x9e3779b1u) & 0xffffff; // one to one: odd, and an id has 24 bits
	vlan[0] = (uint8_t)both;
	vlan[1] = (uint8_t)(both >> 8);
	vlan[2] = (uint8_t)(both >> 16);
}

unsigned flow_key4_of(const struct packet *p, unsigned without, struct flow_key4 *key)
{
	uint32_t src, dst;
	unsigned swap;

	memcpy(&src, p->frame + p->src_at, 4);
	memcpy(&dst, p->frame + p->dst_at, 4);
	swap = src > dst || (src == dst && p->src_port > p->dst_port);
	key->addr[swap] = src;
	key->addr[!swap] = dst;
	key->port[swap] = p->src_port;
	key->port[!swap] = p->dst_port;
	key->proto = p->proto;
	surroundings_pack(p, without, key->vlan);
	return swap;
}

unsigned flow_key6_of(const struct packet *p, unsigned without, struct flow_key6 *key)
{
	const uint8_t *src = p->frame + p->src_at, *dst = p->frame + p->dst_at;
	int order = memcmp(src, dst, 16);
	unsigned swap = order > 0 || (order == 0 && p->src_port > p->dst_port);

	memcpy(key->addr[swap], src, 16);
	memcpy(key->addr[!swap], dst, 16);
	key->port[swap] = p->src_port;
	key->port[!swap] = p->dst_port;
	key->proto = p->proto;
	surroundings_pack(p, without, key->vlan);
	memset(key->zero, 0, sizeof(key->zero));
	return swap;
}

static void ends_common(const uint16_t port[2], uint8_t proto, const uint8_t vlan[3], unsigned client, struct record_ends *ends)
{
	uint32_t both = (uint32_t)vlan[0] | (uint32_t)vlan[1] << 8 | (uint32_t)vlan[2] << 16;

	ends->client_port = port[client];
	ends->server_port = port[!client];
	ends->proto = proto;
	ends->vlan[0] = both & 0xfff;
	ends->vlan[1] = (uint16_t)(both >> 12);
	ends->vlans = ends->vlan[1] != 0 ? 2 : ends->vlan[0] != 0;
}

void flow_key4_ends(const struct flow_key4 *key, unsigned client, struct record_ends *ends)
{
	memset(ends, 0, sizeof(*ends));
	memcpy(ends->client, &key->addr[client], 4);
	memcpy(ends->server, &key->addr[!client], 4);
	ends->ip_version = 4;
	ends_common(key->port, key->proto, key->vlan, client, ends);
}

void flow_key6_ends(const struct flow_key6 *key, unsigned client, struct record_ends *ends)
{
	memset(ends, 0, sizeof(*ends));
	memcpy(ends->client, key->addr[client], 16);
	memcpy(ends->server, key->addr[!client], 16);
	ends->ip_version = 6;
	ends_common(key->port, key->proto, key->vlan, client, ends);
}
