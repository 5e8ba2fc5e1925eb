// One table: the least that a header has and what is to be checked in it. Where the wire has a message, a header that ends early or
// contradicts itself is malformed; a header that the capture cut off is only unread.
#include "packet/packet_transport.h"

#include <stddef.h>

enum { AUTH_LEAST = 12 };

static uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

// h: the `least` bytes of the row. Returns the header's length, 0 if it is unsound.
typedef uint32_t transport_check_fn(const uint8_t *h, uint32_t l4);

static uint32_t dccp_check(const uint8_t *h, uint32_t l4)
{
	uint32_t least = (h[8] & 1) != 0 ? 16 : 12, header = (uint32_t)h[4] * 4; // bit X: sequence numbers of 48 bits

	return header >= least && header <= l4 ? header : 0;
}

// The checksum's coverage: the whole datagram (0), or at least the header.
static uint32_t udplite_check(const uint8_t *h, uint32_t l4)
{
	uint32_t coverage = be16(h + 4);

	return coverage == 0 || (coverage >= 8 && coverage <= l4) ? 8 : 0;
}

// Versions 2 and 3 have their length at one place; what stands behind it is authentication.
static uint32_t ospf_check(const uint8_t *h, uint32_t l4)
{
	uint32_t header = h[0] == 2 ? 24 : h[0] == 3 ? 16 : 0, length = be16(h + 2);

	return length >= header && length <= l4 ? header : 0;
}

static uint32_t pim_check(const uint8_t *h, uint32_t l4)
{
	(void)l4;
	return h[0] >> 4 == 2 ? 4 : 0;
}

static uint32_t vrrp_check(const uint8_t *h, uint32_t l4)
{
	(void)l4;
	return h[0] >> 4 == 2 || h[0] >> 4 == 3 ? 8 : 0;
}

static uint32_t eigrp_check(const uint8_t *h, uint32_t l4)
{
	(void)l4;
	return h[0] == 2 ? 20 : 0;
}

static const struct transport {
	uint8_t proto, least;
	bool ports;
	enum packet_verdict bad;
	transport_check_fn *check; // NULL: nothing but the length
} transports[] = {
	{IP_SCTP, 12, true, PACKET_BAD_SCTP, NULL},
	{IP_DCCP, 12, true, PACKET_BAD_DCCP, dccp_check},
	{IP_UDPLITE, 8, true, PACKET_BAD_UDPLITE, udplite_check},
	{IP_ESP, 8, false, PACKET_BAD_TRANSPORT, NULL},
	{IP_OSPF, 16, false, PACKET_BAD_TRANSPORT, ospf_check},
	{IP_PIM, 4, false, PACKET_BAD_TRANSPORT, pim_check},
	{IP_VRRP, 8, false, PACKET_BAD_TRANSPORT, vrrp_check},
	{IP_EIGRP, 20, false, PACKET_BAD_TRANSPORT, eigrp_check},
};

static const struct transport *transport_of(uint8_t proto)
{
	for (unsigned i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (transports[i].proto == proto)
			return &transports[i];
	return NULL;
}

static void payload_set(struct packet *p, const struct span *s, uint32_t wire)
{
	p->payload_at = (uint16_t)(s->at - p->frame);
	p->payload_wire = wire;
	p->payload = wire < s->left ? wire : s->left;
}

enum packet_verdict packet_transport_decode(struct packet *p, struct span *s, uint32_t l4)
{
	const struct transport *t = transport_of(p->proto);
	uint32_t header;
	const uint8_t *h;

	if (t == NULL) {
		if (span_ok(s) && !packet_transport_known(p->proto)) // its first bytes are shown to people
			payload_set(p, s, l4);
		return PACKET_OK;
	}
	h = span_bytes(s, t->least);
	if (h == NULL)
		return l4 < t->least ? t->bad : PACKET_OK;
	header = t->check != NULL ? t->check(h, l4) : t->least;
	if (header == 0)
		return t->bad;
	if (t->ports) {
		p->src_port = be16(h);
		p->dst_port = be16(h + 2);
	}
	if (span_bytes(s, header - t->least) != NULL)
		payload_set(p, s, l4 - header);
	return PACKET_OK;
}

enum packet_verdict packet_transport_walk_auth(struct packet *p, struct span *s, uint32_t *l4)
{
	for (unsigned i = 0; i < PACKET_EXTENSIONS_MAX && p->proto == IP_AH; i++) {
		const uint8_t *h = span_bytes(s, AUTH_LEAST);
		uint32_t length;

		if (h == NULL) // proto stays what it is: what is protected is not known
			return *l4 < AUTH_LEAST ? PACKET_BAD_TRANSPORT : PACKET_OK;
		length = ((uint32_t)h[1] + 2) * 4;
		if (length < AUTH_LEAST || length > *l4)
			return PACKET_BAD_TRANSPORT;
		p->proto = h[0];
		*l4 -= length;
		span_bytes(s, length - AUTH_LEAST);
	}
	return p->proto == IP_AH ? PACKET_BAD_TRANSPORT : PACKET_OK;
}

bool packet_transport_known(uint8_t proto)
{
	static const bool known[256] = {
		[0] = true, [IP_ICMP] = true, [IP_IGMP] = true, [4] = true, [IP_TCP] = true, [IP_UDP] = true, [IP_DCCP] = true, [41] = true,
		[43] = true, [44] = true, [IP_GRE] = true, [IP_ESP] = true, [IP_AH] = true, [IP_ICMPV6] = true, [IP_NO_NEXT] = true,
		[60] = true, [IP_EIGRP] = true, [IP_OSPF] = true, [IP_PIM] = true, [IP_VRRP] = true, [IP_L2TP] = true, [IP_SCTP] = true,
		[135] = true, [IP_UDPLITE] = true,
	};

	return known[proto];
}
