// IGMP: version 1 (RFC 1112), 2 (RFC 2236), 3 (RFC 3376). Which version a query is of, its length says (RFC 3376 section 7.1).
#include "link/link_message.h"

enum { QUERY = 0x11, REPORT_V1 = 0x12, REPORT_V2 = 0x16, LEAVE = 0x17, REPORT_V3 = 0x22 };
enum { LENGTH_V2 = 8, LENGTH_V3 = 12, TENTH_MS = 100 };

static enum link_verdict query(struct span in, uint32_t length, uint8_t code, struct l7 *l7)
{
	struct record_multicast *m = &l7->multicast;

	m->type = MULTICAST_QUERY;
	m->version = length >= LENGTH_V3 ? 3 : code == 0 ? 1 : 2;
	m->max_response_ms = (m->version == 3 ? link_float(code, 8) : code) * TENTH_MS;
	m->group = link_address_take(l7, &in, LINK_ADDRESS4);
	if (length != LENGTH_V2 && length < LENGTH_V3)
		return LINK_BAD;
	if (m->version == 3 && !link_query_take(l7, &in, LINK_ADDRESS4))
		return LINK_BAD;
	return span_ok(&in) ? LINK_RECORD : LINK_BAD;
}

static enum link_verdict one_group(struct span in, enum multicast_type type, uint8_t version, struct l7 *l7)
{
	l7->multicast.type = (uint8_t)type;
	l7->multicast.version = version;
	l7->multicast.group = link_address_take(l7, &in, LINK_ADDRESS4);
	return span_ok(&in) ? LINK_RECORD : LINK_BAD;
}

static enum link_verdict report(struct span in, struct l7 *l7)
{
	l7->multicast.type = MULTICAST_REPORT;
	l7->multicast.version = 3;
	span_be16(&in); // reserved
	return link_groups_take(l7, &in, LINK_ADDRESS4, span_be16(&in)) ? LINK_RECORD : LINK_BAD;
}

static enum link_verdict dissect(const struct packet *p, struct span in, struct l7 *l7)
{
	uint8_t type = span_u8(&in), code = span_u8(&in);

	span_be16(&in); // checksum
	switch (type) {
	case QUERY:
		return query(in, p->payload_wire, code, l7);
	case REPORT_V1:
		return one_group(in, MULTICAST_REPORT, 1, l7);
	case REPORT_V2:
		return one_group(in, MULTICAST_REPORT, 2, l7);
	case LEAVE:
		return one_group(in, MULTICAST_LEAVE, 2, l7);
	case REPORT_V3:
		return report(in, l7);
	default:
		return LINK_NONE; // DVMRP, PIM version 1, traces
	}
}

const struct link_message_ops link_igmp = {
	.name = "igmp",
	.record = RECORD_IGMP,
	.dissect = dissect,
};
