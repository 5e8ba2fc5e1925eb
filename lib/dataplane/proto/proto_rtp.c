// RTP, RFC 3550: streams of sound and pictures, told by how they behave, for nothing in their header is a mark of its own.
//
// A flow is claimed when two datagrams of one direction have a header that is sound, the same source and sequence numbers that go on;
// between them the source's digest and the number stand in the four bytes that a flow without an owner has. One event at the end
// of the flow: both directions, of the first source of each. Others may come before it on the same ports, as by which a client learns
// its address: OTHERS_MAX datagrams each way. RTCP on the same ports is passed over. The clock rate of types that are
// not static is taken from how time stamps grow.
#include "base/text.h"
#include "proto/proto_list.h"

enum { VERSION = 2, HEADER_BYTES = 12, CSRC_BYTES = 4, FLAG_PADDING = 0x20, FLAG_EXTENSION = 0x10, CSRC_COUNT = 15, TYPE_MASK = 127 };
enum { STATIC_TYPES = 35, DYNAMIC_FIRST = 96, RTCP_FIRST = 192, RTCP_LAST = 223 };
enum { OTHERS_MAX = 3, STEP_CLAIM_MAX = 8, STEP_MAX = 3000, NS_PER_S = 1000000000, CLOCK_DEFAULT = 8000, CODEC_MAX = 16, JITTER_SHARE = 16 };

struct rtp_stream {
	uint64_t jitter_ns, arrived_ns, first_ns;
	uint32_t ssrc, packets, expected, others, clock;
	uint32_t timestamp, first_timestamp;
	uint16_t sequence;
	uint8_t type;
	struct record_text codec;
	uint32_t lost;
};

struct rtp {
	struct rtp_stream stream[2]; // to server, to client
};

struct rtp_header {
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
};

static const struct rtp_type {
	const char *name; // NULL: not assigned
	uint32_t clock;
} types[STATIC_TYPES] = {
	[0] = {"PCMU", 8000}, [3] = {"GSM", 8000},    [4] = {"G723", 8000},  [5] = {"DVI4", 8000},   [6] = {"DVI4", 16000},
	[7] = {"LPC", 8000},  [8] = {"PCMA", 8000},   [9] = {"G722", 8000},  [10] = {"L16", 44100},  [11] = {"L16", 44100},
	[12] = {"QCELP", 8000}, [13] = {"CN", 8000},  [14] = {"MPA", 90000}, [15] = {"G728", 8000},  [16] = {"DVI4", 11025},
	[17] = {"DVI4", 22050}, [18] = {"G729", 8000}, [25] = {"CelB", 90000}, [26] = {"JPEG", 90000}, [28] = {"nv", 90000},
	[31] = {"H261", 90000}, [32] = {"MPV", 90000}, [33] = {"MP2T", 90000}, [34] = {"H263", 90000},
};

static bool type_make(const struct record *r, unsigned direction, struct field_value *out)
{
	const struct rtp *rtp = record_body_const(r);

	out->number = rtp->stream[direction].type;
	return rtp->stream[direction].packets > 0;
}

static bool type_to_server(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return type_make(r, 0, out);
}

static bool type_to_client(const struct record *r, const struct record_context *context, struct field_value *out)
{
	(void)context;
	return type_make(r, 1, out);
}

#define STREAM(way, direction, make_) \
	{FIELD("ssrc_" way, U32, rtp, stream[direction].ssrc), IN("rtp." way, "ssrc"), .flags = FIELD_OMIT_ZERO}, \
	{.name = "payload_type_" way, .csv = "payload_type_" way, .sql = "payload_type_" way, .kind = FIELD_MADE_NUMBER, .make = make_, \
	 IN("rtp." way, "payload_type")}, \
	{FIELD("codec_" way, TEXT, rtp, stream[direction].codec), IN("rtp." way, "codec")}, \
	{FIELD("clock_rate_" way, U32, rtp, stream[direction].clock), IN("rtp." way, "clock_rate"), .flags = FIELD_OMIT_ZERO, .unit = "Hz"}, \
	{FIELD("packets_" way, U32, rtp, stream[direction].packets), IN("rtp." way, "packets"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("lost_" way, U32, rtp, stream[direction].lost), IN("rtp." way, "lost"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("others_" way, U32, rtp, stream[direction].others), IN("rtp." way, "other_sources_packets"), .flags = FIELD_OMIT_ZERO}, \
	{FIELD("jitter_ms_" way, MS, rtp, stream[direction].jitter_ns), IN("rtp." way, "jitter_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ns"}

static const struct record_field fields[] = {
	STREAM("toserver", 0, type_to_server),
	STREAM("toclient", 1, type_to_client),
	{0},
};

static const struct record_kind kind = {.event_type = "rtp", BODY(rtp), .client_first = true, .fields = fields};

// ---- the header ----

static bool type_assigned(uint8_t type)
{
	return type >= DYNAMIC_FIRST || (type < STATIC_TYPES && types[type].name != NULL);
}

static bool extension_skip(struct span *in)
{
	span_be16(in); // of the profile
	span_bytes(in, span_be16(in) * 4u);
	return span_ok(in);
}

static bool header_read(struct span in, struct rtp_header *out)
{
	uint8_t first = span_u8(&in), second = span_u8(&in);

	out->type = second & TYPE_MASK;
	out->sequence = span_be16(&in);
	out->timestamp = span_be32(&in);
	out->ssrc = span_be32(&in);
	span_bytes(&in, (first & CSRC_COUNT) * (uint32_t)CSRC_BYTES);
	if ((first & FLAG_EXTENSION) != 0 && !extension_skip(&in))
		return false;
	if (!span_ok(&in) || first >> 6 != VERSION || out->ssrc == 0 || !type_assigned(out->type) || in.left == 0)
		return false;
	return (first & FLAG_PADDING) == 0 || (in.at[in.left - 1] > 0 && in.at[in.left - 1] <= in.left);
}

static bool rtcp_is(struct span in)
{
	return in.left >= 8 && in.at[0] >> 6 == VERSION && in.at[1] >= RTCP_FIRST && in.at[1] <= RTCP_LAST;
}

// ---- before the claim ----

static uint32_t note_of(const struct rtp_header *h, bool to_server)
{
	uint32_t digest = (h->ssrc * 2654435761u) >> 17; // 15 bits

	return (uint32_t)to_server << 31 | digest << 16 | h->sequence;
}

// Whether this datagram goes on from the one that is noted; if not, it may be noted itself. Those of the other direction wait.
static bool goes_on(const struct rtp_header *h, const struct proto_hint *hint, uint16_t *before)
{
	uint32_t now = note_of(h, hint->to_server), noted = *hint->note;
	uint16_t step = (uint16_t)(now - noted);

	*before = (uint16_t)noted;
	if (noted != 0 && (now ^ noted) >> 31 != 0)
		return false;
	if (noted >> 16 == now >> 16 && step > 0 && step <= STEP_CLAIM_MAX)
		return true;
	*hint->note = now;
	return false;
}

// ---- the stream ----

static void stream_begin(struct rtp_stream *s, const struct rtp_header *h, uint64_t now_ns, struct l7 *l7)
{
	char digits[CODEC_MAX];
	struct text_builder number = text_builder(digits, sizeof(digits));

	s->ssrc = h->ssrc;
	s->type = h->type;
	s->packets = s->expected = 1;
	s->sequence = h->sequence;
	s->timestamp = s->first_timestamp = h->timestamp;
	s->arrived_ns = s->first_ns = now_ns;
	if (h->type < STATIC_TYPES) {
		s->clock = types[h->type].clock;
		s->codec = l7_text_bytes(l7, types[h->type].name, (uint32_t)strlen(types[h->type].name), CODEC_MAX);
	} else {
		text_put(&number, "dynamic-");
		text_put_number(&number, h->type);
		s->codec = l7_text_bytes(l7, digits, (uint32_t)number.used, CODEC_MAX);
	}
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

// Once a second of a stream has been seen: the rate in use that is nearest to how its time stamps grow, if one is near.
static void clock_guess(struct rtp_stream *s, uint32_t timestamp, uint64_t now_ns)
{
	static const uint32_t rates[] = {8000, 16000, 24000, 32000, 44100, 48000, 90000};
	uint64_t age_ns = now_ns - s->first_ns, grown = timestamp - s->first_timestamp;

	if (now_ns < s->first_ns || age_ns < NS_PER_S || age_ns > 10ull * NS_PER_S)
		return;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t wanted = rates[i] * (age_ns / 1000) / (NS_PER_S / 1000);

		if (distance(grown, wanted) < wanted / 16)
			s->clock = rates[i];
	}
}

// RFC 3550 section 6.4.1.
static void jitter_add(struct rtp_stream *s, uint32_t timestamp, uint64_t now_ns)
{
	int64_t units = (int32_t)(timestamp - s->timestamp), gap_ns = (int64_t)(now_ns - s->arrived_ns);
	int64_t off_ns = gap_ns - units * NS_PER_S / s->clock;
	int64_t jitter_ns = (int64_t)s->jitter_ns;

	if (gap_ns < 0 || gap_ns > 10ll * NS_PER_S)
		return;
	jitter_ns += ((off_ns < 0 ? -off_ns : off_ns) - jitter_ns) / JITTER_SHARE;
	s->jitter_ns = (uint64_t)jitter_ns;
}

static void time_go(struct rtp_stream *s, const struct rtp_header *h, uint64_t now_ns)
{
	if (s->clock == 0)
		clock_guess(s, h->timestamp, now_ns);
	else
		jitter_add(s, h->timestamp, now_ns);
}

static void stream_add(struct rtp_stream *s, const struct rtp_header *h, uint64_t now_ns)
{
	uint16_t step = (uint16_t)(h->sequence - s->sequence);
	bool late = step == 0 || step >= UINT16_MAX - STEP_MAX, jump = !late && step >= STEP_MAX;

	s->packets++;
	if (!late) {
		s->expected += jump ? 1 : step; // a jump is a new beginning
		s->sequence = h->sequence;
	}
	if (!jump)
		time_go(s, h, now_ns);
	s->timestamp = h->timestamp;
	s->arrived_ns = now_ns;
	s->lost = s->expected > s->packets ? s->expected - s->packets : 0;
}

// The datagram that was noted before the claim.
static void noted_add(struct rtp_stream *s, uint16_t step)
{
	s->packets++;
	s->expected += step;
	s->lost = s->expected - s->packets;
}

static enum proto_verdict claimed(struct span in, const struct rtp_header *h, const struct proto_hint *hint, struct l7 *l7)
{
	struct rtp *rtp = L7_BODY(l7, struct rtp);
	struct rtp_stream *s = &rtp->stream[!hint->to_server];

	if (s->packets == 0)
		stream_begin(s, h, hint->now_ns, l7);
	else if (h->ssrc == s->ssrc)
		stream_add(s, h, hint->now_ns);
	else
		s->others++;
	l7->pending = true;
	l7->used = in.left;
	return PROTO_MORE;
}

static enum proto_verdict rtp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct rtp *rtp = L7_BODY(l7, struct rtp);
	struct rtp_header header;
	uint16_t before;
	enum proto_verdict verdict;

	if (rtcp_is(in)) {
		l7->used = hint->claimed ? in.left : 0;
		return PROTO_MORE;
	}
	if (!header_read(in, &header))
		return !hint->claimed && hint->payload < OTHERS_MAX ? PROTO_MORE : PROTO_NO;
	if (hint->claimed)
		return claimed(in, &header, hint, l7);
	if (!goes_on(&header, hint, &before))
		return PROTO_MORE;
	verdict = claimed(in, &header, hint, l7);
	noted_add(&rtp->stream[!hint->to_server], (uint16_t)(header.sequence - before));
	return verdict;
}

const struct proto_ops proto_rtp = {
	.name = "rtp",
	.title = "RTP",
	.spec = "RFC 3550, RFC 3551",
	.l4 = PROTO_UDP,
	.max_payloads = 6,
	.keeps = true,
	.behaviour = true,
	.dissect = rtp_dissect,
	.kind = &kind,
};
