// MLD: version 1 (RFC 2710) and 2 (RFC 3810). Which version a query is of, its length says (RFC 3810 section 8.1).
#include "link/link_message.h"

enum { QUERY = 130, REPORT = 131, DONE = 132, REPORT_V2 = 143 };
enum { HEADER = 4, LENGTH_V1 = 24, LENGTH_V2 = 28 };

static enum link_verdict one_group(struct span in, uint8_t type, uint32_t length, struct l7 *l7)
{
	struct record_multicast *m = &l7->multicast;
	uint16_t code = span_be16(&in);

	span_be16(&in); // reserved
	m->type = type == QUERY ? MULTICAST_QUERY : type == REPORT ? MULTICAST_REPORT : MULTICAST_DONE;
	m->version = type == QUERY && length >= LENGTH_V2 ? 2 : 1;
	if (type == QUERY)
		m->max_response_ms = m->version == 2 ? link_float(code, 16) : code;
	m->group = link_address_take(l7, &in, LINK_ADDRESS6);
	if (type == QUERY && length != LENGTH_V1 && length < LENGTH_V2)
		return LINK_BAD;
	if (m->version == 2 && !link_query_take(l7, &in, LINK_ADDRESS6))
		return LINK_BAD;
	return span_ok(&in) ? LINK_RECORD : LINK_BAD;
}

static enum link_verdict report(struct span in, struct l7 *l7)
{
	l7->multicast.type = MULTICAST_REPORT;
	l7->multicast.version = 2;
	span_be16(&in); // reserved
	return link_groups_take(l7, &in, LINK_ADDRESS6, span_be16(&in)) ? LINK_RECORD : LINK_BAD;
}

static enum link_verdict dissect(const struct packet *p, struct span in, struct l7 *l7)
{
	uint8_t type = span_u8(&in);

	span_u8(&in);   // code
	span_be16(&in); // checksum
	return type == REPORT_V2 ? report(in, l7) : one_group(in, type, p->payload_wire + HEADER, l7);
}

const struct link_message_ops link_mld = {
	.name = "mld",
	.record = RECORD_MLD,
	.dissect = dissect,
};
