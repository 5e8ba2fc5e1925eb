// ICMP (RFC 792, 950, 1191, 1256) and ICMPv6 (RFC 4443) but for echo. An error quotes the packet that it is about: its addresses and
// ports are taken from there, so that the error is found beside that packet's flow.
#include "link/link_message.h"
#include "link/link_text.h"

enum { UNREACHABLE = 3, SOURCE_QUENCH = 4, REDIRECT = 5, ROUTER_ADVERTISEMENT = 9, TIME_EXCEEDED = 11, PARAMETER_PROBLEM = 12,
       TIMESTAMP = 13, TIMESTAMP_REPLY = 14, MASK_REQUEST = 17, MASK_REPLY = 18, FRAGMENTATION_NEEDED = 4, POINTER_BYTE = 24 };
enum { UNREACHABLE6 = 1, PACKET_TOO_BIG6 = 2, PARAMETER_PROBLEM6 = 4 };
enum { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_AUTH = 51, EXT_DESTINATION = 60, EXT_MOBILITY = 135 };
enum { IPV4_HEADER = 20, IPV6_HEADER = 40, EXT_MIN = 8, OFFSET4 = 0x1fff, OFFSET6 = 0xfff8, ROUTER_WORDS = 2, WORD = 4 };

// ---- the quoted packet ----

static bool quoted_ports_take(struct span in, struct record_ends *e)
{
	uint8_t type, code;

	switch (e->proto) {
	case IP_TCP:
	case IP_UDP:
	case IP_SCTP:
		e->client_port = span_be16(&in);
		e->server_port = span_be16(&in);
		return span_ok(&in);
	case IP_ICMP:
	case IP_ICMPV6:
		type = span_u8(&in);
		code = span_u8(&in);
		e->client_port = type;
		e->server_port = packet_icmp_counterpart(e->proto, type, code);
		return span_ok(&in);
	default:
		return false;
	}
}

static bool quoted_ipv4(struct span in, struct record_icmp *icmp)
{
	struct record_ends *e = &icmp->quoted;
	const uint8_t *h = span_bytes(&in, IPV4_HEADER);
	uint32_t header;

	if (h == NULL)
		return false;
	header = (uint32_t)(h[0] & 15) * WORD;
	if (h[0] >> 4 != 4 || header < IPV4_HEADER)
		return false;
	e->ip_version = 4;
	e->proto = h[9];
	memcpy(e->client, h + 12, LINK_ADDRESS4);
	memcpy(e->server, h + 16, LINK_ADDRESS4);
	span_bytes(&in, header - IPV4_HEADER);
	if (((h[6] << 8 | h[7]) & OFFSET4) == 0)
		icmp->quoted_ports = quoted_ports_take(in, e);
	return true;
}

static bool extension(uint8_t proto)
{
	return proto == EXT_HOP_BY_HOP || proto == EXT_ROUTING || proto == EXT_FRAGMENT || proto == EXT_AUTH || proto == EXT_DESTINATION ||
	       proto == EXT_MOBILITY;
}

// Up to the upper layer. False if that is not in what is quoted.
static bool quoted_extensions(struct span *in, struct record_ends *e)
{
	for (unsigned i = 0; i <= PACKET_EXTENSIONS_MAX; i++) {
		const uint8_t *h;
		uint8_t proto = e->proto;

		if (!extension(proto))
			return true;
		h = span_bytes(in, EXT_MIN);
		if (h == NULL)
			return false;
		e->proto = h[0];
		if (proto == EXT_FRAGMENT && ((h[2] << 8 | h[3]) & OFFSET6) != 0)
			return false;
		if (proto == EXT_AUTH && h[1] > 0)
			span_bytes(in, (h[1] + 2u) * WORD - EXT_MIN);
		else if (proto != EXT_FRAGMENT && proto != EXT_AUTH)
			span_bytes(in, h[1] * (uint32_t)EXT_MIN);
	}
	return false;
}

static bool quoted_ipv6(struct span in, struct record_icmp *icmp)
{
	struct record_ends *e = &icmp->quoted;
	const uint8_t *h = span_bytes(&in, IPV6_HEADER);

	if (h == NULL || h[0] >> 4 != 6)
		return false;
	e->ip_version = 6;
	e->proto = h[6];
	memcpy(e->client, h + 8, LINK_ADDRESS6);
	memcpy(e->server, h + 24, LINK_ADDRESS6);
	if (quoted_extensions(&in, e))
		icmp->quoted_ports = quoted_ports_take(in, e);
	return true;
}

// ---- what a type says in its second word, and behind it ----

static void routers_take(struct span *in, uint32_t rest, struct l7 *l7)
{
	struct text_builder list;
	char bytes[LINK_LIST_MAX];
	uint8_t count = (uint8_t)(rest >> 24), words = (uint8_t)(rest >> 16);

	l7->icmp.lifetime_s = (uint16_t)rest;
	list = text_builder(bytes, sizeof(bytes));
	for (unsigned i = 0; i < count && words >= ROUTER_WORDS; i++) {
		struct span entry = span_take(in, (uint32_t)words * WORD);

		link_list_add_address(&list, 4, span_take(&entry, LINK_ADDRESS4));
	}
	link_list_set(l7, &l7->icmp.routers, &list);
}

static void ipv4_set(uint8_t out[RECORD_IPV4], uint32_t address)
{
	for (unsigned i = 0; i < RECORD_IPV4; i++)
		out[i] = (uint8_t)(address >> (24 - 8 * i));
}

static void query_take(struct span *in, uint32_t rest, struct record_icmp *icmp)
{
	icmp->query = true;
	icmp->id = (uint16_t)(rest >> 16);
	icmp->seq = (uint16_t)rest;
	if (icmp->type == TIMESTAMP || icmp->type == TIMESTAMP_REPLY) {
		icmp->originate_ms = span_be32(in);
		icmp->receive_ms = span_be32(in);
		icmp->transmit_ms = span_be32(in);
	} else if (icmp->type == MASK_REQUEST || icmp->type == MASK_REPLY) {
		ipv4_set(icmp->mask, span_be32(in));
	}
}

static bool error4(const struct record_icmp *icmp)
{
	return icmp->type == UNREACHABLE || icmp->type == SOURCE_QUENCH || icmp->type == REDIRECT || icmp->type == TIME_EXCEEDED ||
	       icmp->type == PARAMETER_PROBLEM;
}

static void icmpv4_take(struct span *in, uint32_t rest, struct l7 *l7)
{
	struct record_icmp *icmp = &l7->icmp;

	switch (icmp->type) {
	case UNREACHABLE:
		icmp->mtu = icmp->code == FRAGMENTATION_NEEDED ? rest & 0xffff : 0;
		break;
	case REDIRECT:
		ipv4_set(icmp->gateway, rest);
		break;
	case PARAMETER_PROBLEM:
		icmp->pointer_said = icmp->code == 0;
		icmp->pointer = rest >> POINTER_BYTE;
		break;
	case ROUTER_ADVERTISEMENT:
		routers_take(in, rest, l7);
		break;
	default:
		if (icmp->type >= TIMESTAMP && icmp->type <= MASK_REPLY)
			query_take(in, rest, icmp);
		break;
	}
}

static enum link_verdict dissect(const struct packet *p, struct span in, struct l7 *l7)
{
	struct record_icmp *icmp = &l7->icmp;
	bool quoted = true;
	uint32_t rest;

	icmp->type = span_u8(&in);
	icmp->code = span_u8(&in);
	span_be16(&in); // checksum
	rest = span_be32(&in);
	if (!span_ok(&in))
		return LINK_BAD;
	if (p->ip_version == 4) {
		icmpv4_take(&in, rest, l7);
		if (error4(icmp))
			quoted = quoted_ipv4(in, icmp);
	} else if (icmp->type >= UNREACHABLE6 && icmp->type <= PARAMETER_PROBLEM6) {
		icmp->mtu = icmp->type == PACKET_TOO_BIG6 ? rest : 0;
		icmp->pointer_said = icmp->type == PARAMETER_PROBLEM6;
		icmp->pointer = icmp->pointer_said ? rest : 0;
		quoted = quoted_ipv6(in, icmp);
	}
	return span_ok(&in) && (quoted || p->truncated) ? LINK_RECORD : LINK_BAD;
}

const struct link_message_ops link_icmp = {
	.name = "icmp",
	.record = RECORD_ICMP,
	.dissect = dissect,
};
