// RTCP, RFC 3550 section 6, with the packets of RFC 4585 and RFC 3611 passed over: what the ends of RTP streams report of them.
//
// A datagram is a chain of packets whose lengths end where it ends, the first of them a report of a sender or a receiver; that is
// what it is known by. One event at the end of the flow: for each direction what was reported last and worst. What SRTCP encrypts
// does not parse and is passed over.
#include "proto/proto_list.h"

enum { VERSION = 2, FLAG_PADDING = 0x20, COUNT = 31, PACKETS_MAX = 32, CHUNKS_MAX = 31, CNAME_MAX = 255 };
enum { TYPE_FIRST = 192, TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_BYE = 203, TYPE_LAST = 213, ITEM_END = 0, ITEM_CNAME = 1 };
enum { SENDER_BYTES = 20, FRACTION_WHOLE = 256, PER_CENT = 100 };

struct rtcp_side {
	uint32_t sr, rr, byes, ssrc;
	uint32_t packets_sent, octets_sent; // by the last sender's report
	uint32_t reported_lost;             // of what it receives, by the last report; 0 where it says less than none
	uint8_t fraction_lost, fraction_lost_max; // per cent
	struct record_text cname;
};

struct rtcp {
	struct rtcp_side side[2]; // to server, to client
};

#define SIDE(way, direction) \
	{FIELD("sender_reports_" way, U32, rtcp, side[direction].sr), IN("rtcp." way, "sender_reports"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("receiver_reports_" way, U32, rtcp, side[direction].rr), IN("rtcp." way, "receiver_reports"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("byes_" way, U32, rtcp, side[direction].byes), IN("rtcp." way, "byes"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("ssrc_" way, U32, rtcp, side[direction].ssrc), IN("rtcp." way, "ssrc"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("cname_" way, TEXT, rtcp, side[direction].cname), IN("rtcp." way, "cname")}, \
	{FIELD("packets_sent_" way, U32, rtcp, side[direction].packets_sent), IN("rtcp." way, "packets_sent"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("octets_sent_" way, U32, rtcp, side[direction].octets_sent), IN("rtcp." way, "octets_sent"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("lost_" way, U32, rtcp, side[direction].reported_lost), IN("rtcp." way, "lost"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("fraction_lost_" way, U8, rtcp, side[direction].fraction_lost), IN("rtcp." way, "fraction_lost"), .flags = FIELD_OMIT_ZERO, .unit = "%"}, \
	{FIELD("fraction_lost_max_" way, U8, rtcp, side[direction].fraction_lost_max), IN("rtcp." way, "fraction_lost_max"), \
	 .flags = FIELD_OMIT_ZERO, .unit = "%"}

static const struct record_field fields[] = {
	SIDE("toserver", 0),
	SIDE("toclient", 1),
	{0},
};

static const struct record_kind kind = {.event_type = "rtcp", BODY(rtcp), .client_first = true, .fields = fields};

struct rtcp_packet {
	uint8_t type, count;
	struct span body;
};

static bool packet_read(struct span *in, struct rtcp_packet *out)
{
	uint8_t first = span_u8(in);

	out->type = span_u8(in);
	out->count = first & COUNT;
	out->body = span_take(in, span_be16(in) * 4u);
	return span_ok(in) && first >> 6 == VERSION && out->type >= TYPE_FIRST && out->type <= TYPE_LAST;
}

// Whether the bytes are a chain from end to end that begins with a report.
static bool chain_is(struct span in)
{
	struct rtcp_packet packet;
	unsigned packets = 0;

	if (in.left == 0 || (in.at[0] & FLAG_PADDING) != 0)
		return false;
	while (in.left > 0 && packets < PACKETS_MAX) {
		if (!packet_read(&in, &packet))
			return false;
		if (packets++ == 0 && packet.type != TYPE_SR && packet.type != TYPE_RR)
			return false;
		if (packet.type == TYPE_SR && packet.body.left < 4u + SENDER_BYTES + packet.count * 24u)
			return false;
		if (packet.type == TYPE_RR && packet.body.left < 4u + packet.count * 24u)
			return false;
	}
	return in.left == 0;
}

static void blocks_read(struct span in, unsigned count, struct rtcp_side *side)
{
	uint32_t lost;

	if (count == 0)
		return;
	span_be32(&in); // whose packets: the first block only
	lost = span_be32(&in);
	side->fraction_lost = (uint8_t)((lost >> 24) * PER_CENT / FRACTION_WHOLE);
	if (side->fraction_lost > side->fraction_lost_max)
		side->fraction_lost_max = side->fraction_lost;
	side->reported_lost = (lost & 0x800000) != 0 ? 0 : lost & 0xffffff;
}

static void report_read(struct rtcp_packet *packet, struct rtcp_side *side)
{
	side->ssrc = span_be32(&packet->body);
	if (packet->type == TYPE_SR) {
		side->sr++;
		span_bytes(&packet->body, 12); // times
		side->packets_sent = span_be32(&packet->body);
		side->octets_sent = span_be32(&packet->body);
	} else {
		side->rr++;
	}
	blocks_read(packet->body, packet->count, side);
}

// One chunk of a source description, which ends on four bytes; keeps the first name.
static void chunk_read(struct span *in, struct rtcp_side *side, struct l7 *l7)
{
	span_be32(in);
	for (;;) {
		uint8_t item = span_u8(in);
		struct span value;

		if (item == ITEM_END)
			break;
		value = span_take(in, span_u8(in));
		if (item == ITEM_CNAME && side->cname.len == 0)
			side->cname = l7_text(l7, value, CNAME_MAX);
	}
	span_bytes(in, in->left % 4);
}

static void packet_keep(struct rtcp_packet *packet, struct rtcp_side *side, struct l7 *l7)
{
	if (packet->type == TYPE_SR || packet->type == TYPE_RR)
		report_read(packet, side);
	if (packet->type == TYPE_BYE)
		side->byes++;
	for (unsigned chunk = 0; packet->type == TYPE_SDES && chunk < packet->count && span_ok(&packet->body); chunk++)
		chunk_read(&packet->body, side, l7);
}

static enum proto_verdict rtcp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct rtcp *rtcp = L7_BODY(l7, struct rtcp);
	struct rtcp_packet packet;

	if (!chain_is(in))
		return PROTO_NO;
	l7->used = in.left;
	while (packet_read(&in, &packet))
		packet_keep(&packet, &rtcp->side[!hint->to_server], l7);
	l7->pending = true;
	return PROTO_MORE;
}

const struct proto_ops proto_rtcp = {
	.name = "rtcp",
	.title = "RTCP",
	.spec = "RFC 3550",
	.l4 = PROTO_UDP,
	.max_payloads = 4,
	.first = {{0x80, 0x9f}},
	.firsts = 1,
	.keeps = true,
	.dissect = rtcp_dissect,
	.kind = &kind,
};
