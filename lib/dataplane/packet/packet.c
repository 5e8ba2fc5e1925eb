// Walks the headers in wire order with one span. The common frame (Ethernet, IPv4 or IPv6, TCP or UDP) is read straight down; the
// rest branches off. Nothing here loops without a named bound.
#include "packet/packet.h"

#include <stddef.h>
#include <string.h>

#include "base/span.h"
#include "packet/packet_link.h"
#include "packet/packet_transport.h"
#include "packet/packet_tunnel.h"

enum {
	ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100, ETHERTYPE_QINQ = 0x88a8, ETHERTYPE_QINQ_OLD = 0x9100
};
enum { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_AUTH = 51, EXT_NONE = 59, EXT_DESTINATION = 60, EXT_MOBILITY = 135 };
enum { FRAGMENT_HEADER = 8 };

const char *const packet_verdict_names[PACKET_VERDICTS] = {
	[PACKET_OK] = "ip",
	[PACKET_ARP] = "arp",
	[PACKET_FRAGMENT] = "fragment",
	[PACKET_STP] = "stp",
	[PACKET_CDP] = "cdp",
	[PACKET_LLDP] = "lldp",
	[PACKET_VTP] = "vtp",
	[PACKET_DTP] = "dtp",
	[PACKET_UDLD] = "udld",
	[PACKET_PAGP] = "pagp",
	[PACKET_LACP] = "lacp",
	[PACKET_SLOW] = "slow",
	[PACKET_EAPOL] = "eapol",
	[PACKET_WAKE_ON_LAN] = "wake_on_lan",
	[PACKET_LOOP] = "loop",
	[PACKET_MACSEC] = "macsec",
	[PACKET_MPLS] = "mpls",
	[PACKET_PPPOE] = "pppoe",
	[PACKET_SNAP] = "snap",
	[PACKET_LLC] = "llc",
	[PACKET_OTHER_ETHERTYPE] = "other_ethertype",
	[PACKET_CUT] = "cut",
	[PACKET_BAD_ETHERNET] = "ethernet",
	[PACKET_BAD_VLAN] = "vlan",
	[PACKET_BAD_LLC] = "llc",
	[PACKET_BAD_MPLS] = "mpls",
	[PACKET_BAD_PPPOE] = "pppoe",
	[PACKET_BAD_ARP] = "arp",
	[PACKET_BAD_STP] = "stp",
	[PACKET_BAD_CDP] = "cdp",
	[PACKET_BAD_LLDP] = "lldp",
	[PACKET_BAD_IPV4] = "ipv4",
	[PACKET_BAD_IPV6] = "ipv6",
	[PACKET_BAD_IPV6_EXTENSION] = "ipv6_extension",
	[PACKET_BAD_FRAGMENT] = "fragment",
	[PACKET_BAD_TCP] = "tcp",
	[PACKET_BAD_UDP] = "udp",
	[PACKET_BAD_ICMP] = "icmp",
	[PACKET_BAD_SCTP] = "sctp",
	[PACKET_BAD_DCCP] = "dccp",
	[PACKET_BAD_UDPLITE] = "udplite",
	[PACKET_BAD_TRANSPORT] = "transport",
	[PACKET_BAD_CHECKSUM] = "checksum",
};

static inline uint16_t at_of(const struct packet *p, const struct span *s)
{
	return (uint16_t)(s->at - p->frame);
}

static inline uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

// A header that is not there: bad on the wire, unless it was the capture that cut it off.
static inline enum packet_verdict missing(const struct packet *p, enum packet_verdict bad)
{
	return p->truncated ? PACKET_CUT : bad;
}

// What follows the span's place is payload: `wire` bytes of it on the wire, as many of those as were captured here.
static inline void payload_set(struct packet *p, const struct span *s, uint32_t wire)
{
	p->payload_at = at_of(p, s);
	p->payload_wire = wire;
	p->payload = wire < s->left ? wire : s->left;
}

// l4: bytes of layer 4 on the wire, header in. A header cut off by the snap length is not malformed, only unread.
static inline __attribute__((always_inline)) enum packet_verdict decode_tcp(struct packet *p, struct span *s, uint32_t l4)
{
	const uint8_t *h = span_bytes(s, 20);
	uint32_t header;

	if (h == NULL)
		return l4 < 20 ? PACKET_BAD_TCP : PACKET_OK;
	header = (uint32_t)(h[12] >> 4) * 4;
	if (header < 20 || header > l4)
		return PACKET_BAD_TCP;
	p->src_port = be16(h);
	p->dst_port = be16(h + 2);
	p->tcp_seq = be32(h + 4);
	p->tcp_ack = be32(h + 8);
	p->tcp_flags = h[13];
	p->tcp_window = be16(h + 14);
	if (header > 20 && span_bytes(s, header - 20) == NULL)
		return PACKET_OK;
	payload_set(p, s, l4 - header);
	return PACKET_OK;
}

static inline __attribute__((always_inline)) enum packet_verdict decode_udp(struct packet *p, struct span *s, uint32_t l4)
{
	const uint8_t *h = span_bytes(s, 8);
	uint32_t length;

	if (h == NULL)
		return l4 < 8 ? PACKET_BAD_UDP : PACKET_OK;
	p->src_port = be16(h);
	p->dst_port = be16(h + 2);
	length = be16(h + 4);
	if (length == 0) // jumbogram or offload: the IP length decides
		length = l4;
	if (length < 8 || length > l4)
		return PACKET_BAD_UDP;
	payload_set(p, s, length - 8);
	p->carrier = packet_tunnel_of_ports(p->src_port, p->dst_port);
	return PACKET_OK;
}

static uint16_t icmp_counterpart(uint8_t type, uint8_t code)
{
	switch (type) {
	case 8: return 0;
	case 0: return 8;
	case 13: return 14;
	case 14: return 13;
	case 15: return 16;
	case 16: return 15;
	case 17: return 18;
	case 18: return 17;
	case 10: return 9;
	case 9: return 10;
	default: return code;
	}
}

static uint16_t icmpv6_counterpart(uint8_t type, uint8_t code)
{
	switch (type) {
	case 128: return 129;
	case 129: return 128;
	case 130: return 131;
	case 131: return 130;
	case 133: return 134;
	case 134: return 133;
	case 135: return 136;
	case 136: return 135;
	case 139: return 140;
	case 140: return 139;
	case 144: return 145;
	case 145: return 144;
	default: return code;
	}
}

uint16_t packet_icmp_counterpart(uint8_t proto, uint8_t type, uint8_t code)
{
	return proto == IP_ICMP ? icmp_counterpart(type, code) : icmpv6_counterpart(type, code);
}

static enum packet_verdict decode_icmp(struct packet *p, struct span *s, uint32_t l4)
{
	const uint8_t *h = span_bytes(s, 4);

	if (h == NULL)
		return l4 < 4 ? PACKET_BAD_ICMP : PACKET_OK;
	p->src_port = h[0];
	p->dst_port = packet_icmp_counterpart(p->proto, h[0], h[1]);
	payload_set(p, s, l4 - 4);
	return PACKET_OK;
}

static enum packet_verdict decode_auth(struct packet *p, struct span *s, uint32_t l4);

static inline __attribute__((always_inline)) enum packet_verdict decode_l4(struct packet *p, struct span *s, uint32_t l4)
{
	if (span_ok(s))
		p->l4_at = at_of(p, s);
	switch (p->proto) {
	case IP_TCP:
		return decode_tcp(p, s, l4);
	case IP_UDP:
		return decode_udp(p, s, l4);
	case IP_ICMP:
	case IP_ICMPV6:
		return decode_icmp(p, s, l4);
	case EXT_AUTH: // of IPv4; IPv6 has it in its chain
		return decode_auth(p, s, l4);
	case IP_IGMP:
		if (span_ok(s))
			payload_set(p, s, l4);
		return PACKET_OK;
	default:
		p->carrier = packet_tunnel_of_protocol(p->proto);
		if (p->carrier == TUNNEL_NONE)
			return packet_transport_decode(p, s, l4);
		if (span_ok(s))
			payload_set(p, s, l4);
		return PACKET_OK;
	}
}

// The flow is that of what is protected.
static __attribute__((noinline)) enum packet_verdict decode_auth(struct packet *p, struct span *s, uint32_t l4)
{
	enum packet_verdict verdict;

	if (p->ip_version == 6) // the capture ends in the chain
		return PACKET_OK;
	verdict = packet_transport_walk_auth(p, s, &l4);
	return verdict == PACKET_OK && p->proto != EXT_AUTH ? decode_l4(p, s, l4) : verdict;
}

// total: what the IP header says, itself included. Less than was captured: Ethernet padding, cut. More: truncated.
static inline void length_set(struct packet *p, struct span *s, uint32_t l3_at, uint32_t header_read, uint32_t total)
{
	uint32_t rest = total - header_read;

	if (p->wire < l3_at + total && !p->wire_known)
		p->wire = l3_at + total;
	if (s->left > rest)
		s->left = rest;
	else if (s->left < rest)
		p->truncated = true;
}

// data: bytes of it on the wire, up to what a capture file claims if the header says none. header: those in front of it that count
// in the length that no datagram can exceed.
static __attribute__((noinline)) enum packet_verdict decode_fragment(struct packet *p, const struct span *s, uint32_t data, uint32_t header)
{
	if (data == 0 || (!p->fragment_last && data % 8 != 0) || (uint64_t)header + p->fragment_from + data > UINT16_MAX)
		return PACKET_BAD_FRAGMENT;
	if (span_ok(s))
		payload_set(p, s, data);
	return PACKET_OK;
}

static inline __attribute__((always_inline)) enum packet_verdict decode_ipv4(struct packet *p, struct span *s)
{
	uint32_t l3_at = at_of(p, s), header, total, fragment;
	const uint8_t *h = span_bytes(s, 20);

	if (h == NULL)
		return missing(p, PACKET_BAD_IPV4);
	if (h[0] >> 4 != 4)
		return PACKET_BAD_IPV4;
	header = (uint32_t)(h[0] & 15) * 4;
	total = be16(h + 2);
	if (total == 0) // TCP segmentation offload at the capturing host: the frame is the datagram
		total = p->wire - l3_at;
	if (header < 20 || total < header)
		return PACKET_BAD_IPV4;
	p->ip_version = 4;
	p->l3_at = (uint16_t)l3_at;
	p->proto = h[9];
	p->src_at = (uint16_t)(l3_at + 12);
	p->dst_at = (uint16_t)(l3_at + 16);
	fragment = be16(h + 6) & 0x3fff; // more fragments, or an offset
	length_set(p, s, l3_at, 20, total);
	if (header > 20)
		span_bytes(s, header - 20); // not captured: then neither is what follows, but its length is known
	if (fragment == 0)
		return decode_l4(p, s, total - header);
	p->fragment = true;
	p->fragment_id = be16(h + 4);
	p->fragment_from = (uint16_t)((fragment & 0x1fff) * 8);
	p->fragment_last = (fragment & 0x2000) == 0;
	return decode_fragment(p, s, total - header, header);
}

// Walks the extension headers (RFC 8200 section 4) up to the upper layer. Sets proto; *l4 loses what was walked.
static enum packet_verdict walk_extensions(struct packet *p, struct span *s, uint32_t *l4)
{
	for (unsigned i = 0; i <= PACKET_EXTENSIONS_MAX; i++) {
		const uint8_t *h;
		uint32_t length;

		switch (p->proto) {
		case EXT_HOP_BY_HOP:
		case EXT_ROUTING:
		case EXT_DESTINATION:
		case EXT_MOBILITY:
		case EXT_FRAGMENT:
		case EXT_AUTH:
			break;
		default:
			return PACKET_OK;
		}
		h = span_bytes(s, 8);
		if (h == NULL)
			return *l4 < 8 ? PACKET_BAD_IPV6_EXTENSION : PACKET_OK;
		length = p->proto == EXT_FRAGMENT ? 8 : p->proto == EXT_AUTH ? ((uint32_t)h[1] + 2) * 4 : ((uint32_t)h[1] + 1) * 8;
		if (length < 8 || length > *l4)
			return PACKET_BAD_IPV6_EXTENSION;
		if (p->proto == EXT_FRAGMENT && (be16(h + 2) & 0xfff9) != 0) {
			p->fragment = true;
			p->fragment_id = be32(h + 4);
			p->fragment_from = be16(h + 2) & 0xfff8;
			p->fragment_last = (h[3] & 1) == 0;
		}
		p->proto = h[0];
		*l4 -= length;
		span_bytes(s, length - 8);
		if (p->fragment)
			return PACKET_OK;
	}
	return PACKET_BAD_IPV6_EXTENSION;
}

static enum packet_verdict decode_ipv6(struct packet *p, struct span *s)
{
	uint32_t l3_at = at_of(p, s), l4, all;
	const uint8_t *h = span_bytes(s, 40);
	enum packet_verdict verdict;

	if (h == NULL)
		return missing(p, PACKET_BAD_IPV6);
	if (h[0] >> 4 != 6)
		return PACKET_BAD_IPV6;
	l4 = be16(h + 4);
	if (l4 == 0 && p->tunnels == 0 && p->wire > l3_at + 40) // jumbogram or offload: the frame decides
		l4 = p->wire - l3_at - 40;
	p->ip_version = 6;
	p->l3_at = (uint16_t)l3_at;
	p->proto = h[6];
	p->src_at = (uint16_t)(l3_at + 8);
	p->dst_at = (uint16_t)(l3_at + 24);
	length_set(p, s, l3_at, 40, 40 + l4);
	all = l4;
	verdict = walk_extensions(p, s, &l4);
	if (verdict != PACKET_OK)
		return verdict;
	return p->fragment ? decode_fragment(p, s, l4, all - l4 - FRAGMENT_HEADER) : decode_l4(p, s, l4);
}

static enum packet_verdict decode_arp(struct packet *p, struct span *s)
{
	struct span whole = *s;
	const uint8_t *h;

	p->l3_at = at_of(p, s);
	h = span_bytes(s, 8);
	if (h == NULL || span_bytes(s, 2 * ((uint32_t)h[4] + h[5])) == NULL)
		return p->truncated ? PACKET_ARP : PACKET_BAD_ARP;
	payload_set(p, &whole, 8 + 2 * ((uint32_t)h[4] + h[5]));
	return PACKET_ARP;
}

enum packet_verdict packet_tags_decode(struct packet *p, struct span *s)
{
	unsigned walked = 0;

	while (p->ethertype == ETHERTYPE_VLAN || p->ethertype == ETHERTYPE_QINQ || p->ethertype == ETHERTYPE_QINQ_OLD) {
		const uint8_t *tag = span_bytes(s, 4);

		if (tag == NULL)
			return missing(p, PACKET_BAD_VLAN);
		if (++walked > PACKET_VLANS_WALKED)
			return PACKET_BAD_VLAN;
		if (p->vlans < PACKET_VLANS)
			p->vlan[p->vlans++] = be16(tag) & 0x0fff;
		p->ethertype = be16(tag + 2);
	}
	return PACKET_OK;
}

// Below the link layer, whatever it was made of.
static enum packet_verdict decode_network(struct packet *p, struct span *s)
{
	switch (p->ethertype) {
	case ETHERTYPE_IPV4:
		return decode_ipv4(p, s);
	case ETHERTYPE_IPV6:
		return decode_ipv6(p, s);
	default:
		return decode_arp(p, s);
	}
}

static inline enum packet_verdict decode(struct packet *p, struct span *s)
{
	const uint8_t *h = span_bytes(s, 14);
	enum packet_verdict verdict;

	if (h == NULL)
		return missing(p, PACKET_BAD_ETHERNET);
	p->ethertype = be16(h + 12);
	if (p->ethertype == ETHERTYPE_IPV4)
		return decode_ipv4(p, s);
	verdict = packet_tags_decode(p, s);
	if (verdict != PACKET_OK)
		return verdict;
	if (p->ethertype == ETHERTYPE_IPV6)
		return decode_ipv6(p, s);
	verdict = packet_link_decode(p, s);
	return verdict == PACKET_OK ? decode_network(p, s) : verdict;
}

static inline void tunnels_enter(struct packet *p)
{
	while (p->carrier != TUNNEL_NONE && packet_tunnel_enter(p))
		;
}

// All from one member on, up to what only tunnels set.
static inline void clear(struct packet *p, size_t from)
{
	memset((uint8_t *)p + from, 0, offsetof(struct packet, outer) - from);
}

enum packet_verdict packet_inner_decode(struct packet *p, struct span *s, unsigned ip_version)
{
	clear(p, offsetof(struct packet, carrier));
	return ip_version == 4 ? decode_ipv4(p, s) : decode_ipv6(p, s);
}

void packet_decode_joined(struct packet *p)
{
	struct span s = span_of(p->frame, p->captured);

	p->wire_known = true;
	p->truncated = p->wire > p->captured;
	span_bytes(&s, p->l3_at);
	p->verdict = (uint8_t)packet_inner_decode(p, &s, p->ip_version);
	tunnels_enter(p);
}

void packet_decode_outermost(struct packet *p)
{
	struct span s = span_of(p->frame, p->captured);

	p->wire_known = p->wire != 0;
	if (p->wire < p->captured)
		p->wire = p->captured;
	clear(p, offsetof(struct packet, truncated));
	p->truncated = p->wire > p->captured;
	p->verdict = (uint8_t)decode(p, &s);
}

void packet_decode(struct packet *p)
{
	packet_decode_outermost(p);
	tunnels_enter(p);
}
