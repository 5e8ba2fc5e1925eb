// Attribute filters at run time: the comparisons, rule by rule, over a decoded packet.
#include "base/span.h"
#include "filter/filter_attributes.h"
#include "packet/packet_tcp.h"
#include "packet/packet_transport.h"

enum { TYPE_AT = 12, ETHERNET_BYTES = 14, TAG_BYTES = 4 };
enum { ARP_LENGTHS_AT = 4, ARP_LENGTHS = 0x0604 }; // of a hardware and of a protocol address

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

// What stands behind the tags, as on the wire: struct packet has what was found below MPLS, PPPoE and SNAP.
static bool link_is(const struct packet *p, uint16_t number)
{
	struct span s = span_of(p->frame, p->captured);
	uint16_t type;

	span_bytes(&s, TYPE_AT);
	type = span_be16(&s);
	for (unsigned tags = 0; tags < PACKET_VLANS_WALKED && is_tag(type); tags++) {
		span_bytes(&s, TAG_BYTES - 2);
		type = span_be16(&s);
	}
	return span_ok(&s) && type == number;
}

static uint16_t arp_lengths(const struct packet *p)
{
	struct span s = span_of(p->frame, p->captured);

	span_bytes(&s, p->l3_at + (uint32_t)ARP_LENGTHS_AT);
	return span_be16(&s);
}

// The first authentication header: IPv4 names it itself, in IPv6 it stands somewhere in the chain. 0: there is none.
static uint32_t auth_at(const struct packet *p)
{
	struct span s = span_of(p->frame, p->captured), header;
	uint32_t at = p->l3_at;
	uint8_t next;

	span_bytes(&s, at);
	header = s;
	if (p->ip_version == 4) {
		at += (span_u8(&header) & 15u) * 4;
		span_bytes(&header, 8);
		return span_u8(&header) == IP_AH && !p->fragment ? at : 0;
	}
	header = span_take(&s, 40);
	span_bytes(&header, 6);
	next = span_u8(&header);
	at += 40;
	for (unsigned i = 0; i < PACKET_EXTENSIONS_MAX && next != IP_AH; i++) {
		uint8_t kind = next, words;

		if (kind != 0 && kind != 43 && kind != 44 && kind != 60 && kind != 135)
			return 0;
		header = span_take(&s, 8);
		next = span_u8(&header);
		words = span_u8(&header);
		if (kind == 44 && p->fragment)
			return 0;
		if (kind != 44)
			span_bytes(&s, words * 8u);
		at += kind == 44 ? 8 : (words + 1u) * 8;
	}
	return span_ok(&s) && next == IP_AH ? at : 0;
}

static bool auth_find(const struct packet *p, uint32_t *at)
{
	*at = p->ip_version != 0 ? auth_at(p) : 0;
	return *at != 0;
}

static bool option_find(const struct packet *p, enum packet_tcp_kind kind, uint32_t *at)
{
	struct span body = packet_tcp_option(p, kind);

	*at = span_ok(&body) ? (uint32_t)(body.at - p->frame) : 0;
	return *at != 0;
}

// 1 or 0. That an option is not there can be said of a header that was captured whole.
static bool option_ask(const struct packet *p, enum packet_tcp_kind kind, unsigned __int128 *out)
{
	struct packet_tcp_options o;

	if (!packet_tcp_options(p, &o))
		return false;
	*out = packet_tcp_has(&o, kind);
	return *out != 0 || !o.cut;
}

// Whether the place is there; *at: where its bytes are, 0 if they were not captured or (a later fragment) belong to no header.
static bool place_find(const struct packet *p, const struct filter_comparison *c, uint32_t *at)
{
	bool arp = p->ip_version == 0 && p->l3_at != 0;

	*at = p->l3_at;
	switch ((enum filter_place)c->place) {
	case FILTER_AT_ANY:
	case FILTER_AT_PORT:
		return true;
	case FILTER_AT_ETHERNET:
		*at = p->ether_at;
		return p->captured >= (uint32_t)ETHERNET_BYTES;
	case FILTER_AT_VLAN:
		*at = ETHERNET_BYTES;
		return p->vlans > 0;
	case FILTER_AT_VLAN_INNER:
		*at = ETHERNET_BYTES + TAG_BYTES;
		return p->vlans > 1;
	case FILTER_AT_LLC:
		*at = p->llc_at;
		return p->llc_at != 0;
	case FILTER_AT_LINK:
		return link_is(p, c->number);
	case FILTER_AT_ARP:
		return arp;
	case FILTER_AT_ARP_ADDRESSES:
		return arp && arp_lengths(p) == ARP_LENGTHS;
	case FILTER_AT_IPV4:
		return p->ip_version == 4;
	case FILTER_AT_IPV6:
		return p->ip_version == 6;
	case FILTER_AT_L4:
		*at = p->l4_at;
		return p->ip_version != 0 && p->proto == c->number;
	case FILTER_AT_TUNNEL:
		return p->tunnels > 0 && (c->number == FILTER_ANY_TUNNEL || p->outer.kind == c->number);
	case FILTER_AT_AUTH:
		return auth_find(p, at);
	case FILTER_AT_TCP_OPTION:
		return option_find(p, c->option, at);
	case FILTER_AT_TCP_OPTION_SET:
		*at = p->l4_at;
		return p->ip_version != 0 && p->proto == IP_TCP && p->l4_at != 0;
	case FILTER_PLACES:
		break;
	}
	return false;
}

static bool value_read(const struct packet *p, const struct filter_comparison *c, uint32_t at, unsigned __int128 *out)
{
	struct span s = span_of(p->frame, p->captured);
	unsigned __int128 value = 0;
	const uint8_t *bytes;

	if (at == 0 && c->place != FILTER_AT_ETHERNET) // 0 is where a frame begins
		return false;
	if (c->place == FILTER_AT_TCP_OPTION_SET)
		return option_ask(p, c->option, out);
	span_bytes(&s, at + c->offset);
	bytes = span_bytes(&s, c->bytes);
	if (bytes == NULL)
		return false;
	for (unsigned i = 0; i < c->bytes; i++)
		value = value << 8 | bytes[i];
	value >>= c->shift;
	if (c->bits < 128)
		value &= ((unsigned __int128)1 << c->bits) - 1;
	*out = value;
	return true;
}

static bool comparison_holds(const struct filter_attributes *a, const struct filter_comparison *c, const struct packet *p, uint16_t port)
{
	unsigned __int128 value = port;
	uint32_t at;

	if (!place_find(p, c, &at))
		return false;
	if (c->count == 0)
		return true;
	if (c->place == FILTER_AT_TUNNEL) {
		if (!p->outer.id_known)
			return false;
		value = p->outer.id;
	} else if (c->place != FILTER_AT_PORT && !value_read(p, c, at, &value)) {
		return false;
	}
	for (unsigned i = c->first; i < (unsigned)c->first + c->count; i++)
		if (value >= a->range[i].low && value <= a->range[i].high)
			return true;
	return false;
}

// A frame of tunnels has several headers of one kind: any of them will do, as in Wireshark's display filters.
struct levels {
	unsigned n;
	const struct packet *level;
};

static bool level_holds(const struct filter_attributes *a, const struct filter_comparison *c, const struct levels *l, uint16_t port)
{
	for (unsigned i = 0; i < l->n; i++)
		if (comparison_holds(a, c, &l->level[i], port))
			return true;
	return false;
}

static bool rule_holds(const struct filter_attributes *a, const struct filter_rule *r, const struct levels *l, uint16_t port)
{
	for (unsigned i = r->first; i < (unsigned)r->first + r->count; i++)
		if (!level_holds(a, &a->comparison[i], l, port))
			return false;
	return true;
}

static bool keep(const struct filter_attributes *a, const struct levels *l, uint16_t port)
{
	for (unsigned i = 0; i < a->rules; i++)
		if (rule_holds(a, &a->rule[i], l, port))
			return a->rule[i].keep;
	return a->otherwise_keep;
}

static bool levels_keep(const struct filter_attributes *a, const struct packet *p, uint16_t port)
{
	struct packet level[PACKET_TUNNELS_MAX + 1];
	struct levels l = {1, level};

	level[0] = *p;
	packet_decode_outermost(&level[0]);
	while (l.n <= p->tunnels) {
		level[l.n] = level[l.n - 1];
		if (!packet_tunnel_enter(&level[l.n]))
			break;
		l.n++;
	}
	return keep(a, &l, port);
}

bool filter_attributes_keep(const struct filter_attributes *a, const struct packet *p, uint16_t port)
{
	struct levels one = {1, p};

	return p->tunnels == 0 ? keep(a, &one, port) : levels_keep(a, p, port);
}
