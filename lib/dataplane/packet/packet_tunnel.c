// Tunnels: from a packet that carries another to the one that is carried. One function a kind reads its header; what it carries
// is then read as any other packet. Nothing here recurses: packet_decode() enters one tunnel after the other.
//
// Whatever is not sound, or no IP packet, is not entered: a port number proves nothing, and behind a sound outer header there
// always is a flow to count the frame in. So a tunnel never makes a frame malformed.
#include "packet/packet_tunnel.h"

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_ETHERNET = 0x6558, TYPE_PPP = 0x880b, TYPE_MPLS = 0x8847, TYPE_ERSPAN_II = 0x88be,
       TYPE_ERSPAN_III = 0x22eb };
enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_ACK = 0x0080, GRE_VERSION = 7 };
enum { ERSPAN_SESSION = 0x3ff, ERSPAN_SUBHEADER = 1, NVGRE_VSID_MIN = 0x1000 };
enum { PPP_IPV4 = 0x21, PPP_IPV6 = 0x57, PPP_ADDRESS_CONTROL = 0xff03 };
enum { VXLAN_ID = 0x08, VXLAN_GPE_NEXT = 0x04, VXLAN_IPV4 = 1, VXLAN_IPV6 = 2, VXLAN_ETHERNET = 3 };
enum { GTP_VERSION_TYPE = 0xf0, GTP_V1 = 0x30, GTP_OPTIONAL = 0x07, GTP_EXTENSION = 0x04, GTP_G_PDU = 255, GTP_EXTENSIONS_MAX = 8 };
enum { L2TP_CONTROL = 0x8000, L2TP_LENGTH = 0x4000, L2TP_SEQUENCE = 0x0800, L2TP_OFFSET = 0x0200, L2TP_VERSION = 15 };
enum { ETHERIP_VERSION = 0x3000, IPV4_MIN = 20, IPV6_HEADER = 40, ETHERNET_HEADER = 14, ETHERNET_MIN = 60 };

const struct packet_tunnel_port packet_tunnel_ports[1 << PORT_PLACES_BITS] = {
	[1] = {PORT_VXLAN, TUNNEL_VXLAN},
	[2] = {PORT_VXLAN_GPE, TUNNEL_VXLAN_GPE},
	[3] = {PORT_GTP_U, TUNNEL_GTP_U},
	[7] = {PORT_GENEVE, TUNNEL_GENEVE},
	[8] = {PORT_VXLAN_LINUX, TUNNEL_VXLAN},
	[11] = {PORT_L2TP, TUNNEL_L2TP},
	[14] = {PORT_TEREDO, TUNNEL_TEREDO},
};

// What a tunnel carries: the bytes not read yet, and how many more there were on the wire.
struct carried {
	struct span s;
	uint32_t lacks;
	uint8_t kind;
	uint8_t ip_version; // 0: an Ethernet frame comes first
	bool id_known;
	uint32_t id;
};

static void id_set(struct carried *c, uint32_t id)
{
	c->id = id;
	c->id_known = true;
}

// ---- what may be inside ----

// The version of the IP packet that starts here if it is one, and no longer than its carrier; else 0.
static unsigned ip_version_of(const struct carried *c)
{
	struct span s = c->s;
	unsigned version = span_u8(&s) >> 4;
	uint32_t length, least = version == 4 ? IPV4_MIN : IPV6_HEADER;

	if (version != 4 && version != 6)
		return 0;
	span_bytes(&s, version == 4 ? 1 : 3);
	length = span_be16(&s) + (version == 6 ? (uint32_t)IPV6_HEADER : 0);
	return span_ok(&s) && length >= least && length <= c->s.left + c->lacks ? version : 0;
}

static bool ip_expect(struct carried *c, unsigned version)
{
	c->ip_version = (uint8_t)version;
	return ip_version_of(c) == version;
}

static bool ip_any(struct carried *c)
{
	c->ip_version = (uint8_t)ip_version_of(c);
	return c->ip_version != 0;
}

static bool ethernet(struct carried *c)
{
	c->ip_version = 0;
	return span_ok(&c->s);
}

static bool mpls(struct carried *c)
{
	for (unsigned i = 0; i < PACKET_MPLS_WALKED; i++)
		if ((span_be32(&c->s) & 0x100) != 0) // the bottom of the stack
			return ip_any(c);
	return false;
}

// RFC 1661, with the field compressions that PPP may have agreed on: no address and control, a protocol of one byte.
static bool ppp(struct carried *c)
{
	struct span ahead = c->s;
	uint16_t protocol;

	if (span_be16(&ahead) == PPP_ADDRESS_CONTROL)
		c->s = ahead;
	protocol = span_u8(&c->s);
	if ((protocol & 1) == 0)
		protocol = (uint16_t)(protocol << 8 | span_u8(&c->s));
	return (protocol == PPP_IPV4 && ip_expect(c, 4)) || (protocol == PPP_IPV6 && ip_expect(c, 6));
}

static bool by_type(struct carried *c, uint16_t type)
{
	switch (type) {
	case TYPE_IPV4: return ip_expect(c, 4);
	case TYPE_IPV6: return ip_expect(c, 6);
	case TYPE_ETHERNET: return ethernet(c);
	case TYPE_MPLS: return mpls(c);
	case TYPE_PPP: return ppp(c);
	default: return false;
	}
}

// ---- GRE and what rides on it ----

static bool erspan(struct carried *c, uint16_t type, bool sequence)
{
	uint16_t flags;

	c->kind = TUNNEL_ERSPAN;
	if (type == TYPE_ERSPAN_II && !sequence) // type I has no header
		return ethernet(c);
	span_be16(&c->s);
	id_set(c, span_be16(&c->s) & ERSPAN_SESSION);
	span_be32(&c->s);
	if (type == TYPE_ERSPAN_II)
		return ethernet(c);
	span_be16(&c->s);
	flags = span_be16(&c->s);
	if ((flags & ERSPAN_SUBHEADER) != 0)
		span_bytes(&c->s, 8);
	return ethernet(c);
}

static bool pptp(struct carried *c, uint16_t flags, uint16_t type)
{
	c->kind = TUNNEL_PPTP;
	if (type != TYPE_PPP || (flags & GRE_KEY) == 0)
		return false;
	span_be16(&c->s); // length of the payload
	id_set(c, span_be16(&c->s));
	if ((flags & GRE_SEQUENCE) != 0)
		span_be32(&c->s);
	if ((flags & GRE_ACK) != 0)
		span_be32(&c->s);
	return ppp(c);
}

static bool gre(struct carried *c)
{
	uint16_t flags = span_be16(&c->s), type = span_be16(&c->s);

	if ((flags & GRE_VERSION) == 1)
		return pptp(c, flags, type);
	if ((flags & (GRE_VERSION | GRE_ROUTING)) != 0)
		return false;
	if ((flags & GRE_CHECKSUM) != 0)
		span_be32(&c->s);
	if ((flags & GRE_KEY) != 0)
		id_set(c, span_be32(&c->s));
	if ((flags & GRE_SEQUENCE) != 0)
		span_be32(&c->s);
	if (type == TYPE_ERSPAN_II || type == TYPE_ERSPAN_III)
		return erspan(c, type, (flags & GRE_SEQUENCE) != 0);
	if (type == TYPE_ETHERNET && c->id_known && c->id >> 8 >= NVGRE_VSID_MIN && (flags & (GRE_CHECKSUM | GRE_SEQUENCE)) == 0) {
		c->kind = TUNNEL_NVGRE; // 24 bits of virtual subnet, 8 of flow
		id_set(c, c->id >> 8);
	}
	return by_type(c, type);
}

// ---- in UDP ----

static bool vxlan(struct carried *c)
{
	uint8_t flags = span_u8(&c->s);

	span_bytes(&c->s, 3);
	id_set(c, span_be32(&c->s) >> 8);
	return (flags & VXLAN_ID) != 0 && ethernet(c);
}

static bool vxlan_gpe(struct carried *c)
{
	uint8_t flags = span_u8(&c->s), next;

	span_be16(&c->s);
	next = span_u8(&c->s);
	id_set(c, span_be32(&c->s) >> 8);
	if ((flags & VXLAN_ID) == 0)
		return false;
	if ((flags & VXLAN_GPE_NEXT) == 0 || next == VXLAN_ETHERNET)
		return ethernet(c);
	return (next == VXLAN_IPV4 && ip_expect(c, 4)) || (next == VXLAN_IPV6 && ip_expect(c, 6));
}

static bool geneve(struct carried *c)
{
	uint8_t version_length = span_u8(&c->s);
	uint16_t type;

	span_u8(&c->s);
	type = span_be16(&c->s);
	id_set(c, span_be32(&c->s) >> 8);
	span_bytes(&c->s, (version_length & 0x3fu) * 4);
	return version_length >> 6 == 0 && by_type(c, type);
}

static bool gtp_u(struct carried *c)
{
	uint8_t flags = span_u8(&c->s), type = span_u8(&c->s), next = 0;

	span_be16(&c->s);
	id_set(c, span_be32(&c->s));
	if ((flags & GTP_VERSION_TYPE) != GTP_V1 || type != GTP_G_PDU)
		return false;
	if ((flags & GTP_OPTIONAL) != 0) {
		span_bytes(&c->s, 3);
		next = span_u8(&c->s);
	}
	if ((flags & GTP_EXTENSION) == 0)
		next = 0;
	for (unsigned i = 0; next != 0; i++) {
		uint32_t length = span_u8(&c->s) * 4u;

		if (length == 0 || i == GTP_EXTENSIONS_MAX)
			return false;
		span_bytes(&c->s, length - 2);
		next = span_u8(&c->s);
	}
	return ip_any(c);
}

// Sections 5.1.1: an authentication and an origin indication may come first; both begin with a zero that no IP version has.
static bool teredo(struct carried *c)
{
	struct span ahead = c->s;

	if (span_be16(&ahead) == 1) {
		uint32_t lengths = span_u8(&ahead);

		lengths += span_u8(&ahead);
		span_bytes(&ahead, lengths + 9); // and nonce and confirmation
		c->s = ahead;
	}
	ahead = c->s;
	if (span_be16(&ahead) == 0 && span_bytes(&ahead, 6) != NULL)
		c->s = ahead;
	return ip_expect(c, 6);
}

// Whether an Ethernet frame with an IP packet starts here that ends where the carrier ends, or as padding has it.
static bool ethernet_fits(const struct carried *c)
{
	struct carried inner = *c;
	uint32_t whole = c->s.left + c->lacks, length;
	uint16_t type;

	span_bytes(&inner.s, ETHERNET_HEADER - 2);
	type = span_be16(&inner.s);
	if (!by_type(&inner, type) || (type != TYPE_IPV4 && type != TYPE_IPV6))
		return false;
	span_bytes(&inner.s, inner.ip_version == 4 ? 2 : 4);
	length = span_be16(&inner.s) + (inner.ip_version == 6 ? (uint32_t)IPV6_HEADER : 0) + ETHERNET_HEADER;
	return span_ok(&inner.s) && (length == whole || (length < ETHERNET_MIN && whole <= ETHERNET_MIN));
}

// Version 3 does not say on the wire how long its cookie is, nor whether a sublayer header follows: both sides agreed on it. What
// makes an Ethernet frame fit exactly is taken, the commonest first.
static bool l2tp_v3(struct carried *c)
{
	static const uint8_t between[] = {4, 0, 8, 12};
	uint32_t session = span_be32(&c->s);

	id_set(c, session);
	for (unsigned i = 0; session != 0 && i < sizeof(between); i++) {
		struct carried inner = *c;

		span_bytes(&inner.s, between[i]);
		if (ethernet_fits(&inner)) {
			*c = inner;
			return ethernet(c);
		}
	}
	return false;
}

static bool l2tp_v2(struct carried *c, uint16_t flags)
{
	uint32_t id;

	if ((flags & L2TP_LENGTH) != 0)
		span_be16(&c->s);
	id = span_be32(&c->s);
	id_set(c, id);
	if ((flags & L2TP_SEQUENCE) != 0)
		span_be32(&c->s);
	if ((flags & L2TP_OFFSET) != 0)
		span_bytes(&c->s, span_be16(&c->s));
	return ppp(c);
}

static bool l2tp(struct carried *c, bool udp)
{
	uint16_t flags;

	if (!udp)
		return l2tp_v3(c);
	flags = span_be16(&c->s);
	if ((flags & L2TP_CONTROL) != 0)
		return false;
	if ((flags & L2TP_VERSION) == 2)
		return l2tp_v2(c, flags);
	span_be16(&c->s);
	return (flags & L2TP_VERSION) == 3 && l2tp_v3(c);
}

static bool ip_in_ip(struct carried *c, unsigned outer, unsigned inner)
{
	if (outer == 6)
		c->kind = inner == 4 ? TUNNEL_4IN6 : TUNNEL_6IN6;
	return ip_expect(c, inner);
}

static bool carrier_open(const struct packet *p, struct carried *c)
{
	switch (p->carrier) {
	case TUNNEL_IPIP: return ip_in_ip(c, p->ip_version, 4);
	case TUNNEL_6IN4: return ip_in_ip(c, p->ip_version, 6);
	case TUNNEL_ETHERIP: return span_be16(&c->s) == ETHERIP_VERSION && ethernet(c);
	case TUNNEL_GRE: return gre(c);
	case TUNNEL_VXLAN: return vxlan(c);
	case TUNNEL_VXLAN_GPE: return vxlan_gpe(c);
	case TUNNEL_GENEVE: return geneve(c);
	case TUNNEL_GTP_U: return gtp_u(c);
	case TUNNEL_TEREDO: return teredo(c);
	case TUNNEL_L2TP: return l2tp(c, p->proto == IP_UDP);
	default: return false;
	}
}

// ---- the step ----

// The inner frame's tags are kept behind the outer ones, as far as there is room.
static bool ethernet_open(struct packet *p, struct carried *c)
{
	uint16_t outermost = p->ethertype, type;

	p->ether_at = (uint16_t)(c->s.at - p->frame);
	span_bytes(&c->s, ETHERNET_HEADER - 2);
	p->ethertype = span_be16(&c->s);
	if (!span_ok(&c->s) || packet_tags_decode(p, &c->s) != PACKET_OK)
		return false;
	type = p->ethertype;
	p->ethertype = outermost;
	return (type == TYPE_IPV4 || type == TYPE_IPV6 || type == TYPE_MPLS) && by_type(c, type);
}

static void outer_keep(struct packet *p, const struct carried *c)
{
	bool udp = p->proto == IP_UDP;

	p->outer = (struct packet_outer){
		.kind = c->kind,
		.ip_version = p->ip_version,
		.id_known = c->id_known,
		.src_at = p->src_at,
		.dst_at = p->dst_at,
		.src_port = udp ? p->src_port : 0,
		.dst_port = udp ? p->dst_port : 0,
		.id = c->id,
	};
}

bool packet_tunnel_enter(struct packet *p)
{
	struct packet around = *p;
	struct carried c = {
		.s = span_of(p->frame + p->payload_at, p->payload),
		.lacks = p->payload_wire - p->payload,
		.kind = p->carrier,
	};

	if (p->carrier == TUNNEL_NONE || p->verdict != PACKET_OK || p->payload_at == 0 || p->tunnels == PACKET_TUNNELS_MAX)
		return false;
	if (!carrier_open(p, &c) || !span_ok(&c.s) || (c.ip_version == 0 && !ethernet_open(p, &c)))
		goto stay;
	outer_keep(p, &c);
	p->tunnels++;
	if (packet_inner_decode(p, &c.s, c.ip_version) != PACKET_OK)
		goto stay;
	return true;

stay:
	*p = around;
	p->carrier = TUNNEL_NONE;
	return false;
}
