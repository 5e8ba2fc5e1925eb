// NTP, RFC 5905, over UDP: what server a host asks, how good that server says its clock is; control (mode 6, RFC 9327) and private
// (mode 7) messages by their name.
//
// Proof of a message of time: version, mode and stratum that go together, a length that the extensions and the digest fill, and in
// an answer times that are set and a root that is near; in a question, that nothing is where only a server has something. Of the
// others: a header that fits the length. Each message is one event. What a control message writes is not told.
#include "proto/proto_list.h"
#include "record/record_names.h"

enum { MODE_CLIENT = 3, MODE_SERVER = 4, MODE_BROADCAST = 5, MODE_CONTROL = 6, MODE_PRIVATE = 7 };
enum { STRATUM_MAX = 16, STRATUM_PRIMARY = 1, POLL_MIN = -7, POLL_MAX = 17, PRECISION_MIN = -32, PRECISION_MAX = 32, ROOT_MAX_S = 64 };
enum { EXTENSION_MIN = 16, EXTENSIONS_MAX = 16, TEXT_MAX = 256, KEY_BYTES = 4, WRITE_VARIABLES = 3 };
enum { FRACTION_BITS = 16, US_PER_S = 1000000, NS_PER_US = 1000 };
enum { FLAG_RESPONSE = 0x8000, PRIVATE_ITEM_BITS = 0x0fff, PRIVATE_PADDED = 40, PRIVATE_SIGNED_MIN = 160, PRIVATE_SIGNED_MAX = 184 };

struct ntp {
	uint8_t mode, version, leap, stratum, opcode; // opcode: of control
	uint16_t flags;                               // of control: 0x8000 response, 0x4000 error, 0x2000 more
	uint16_t extensions;
	uint32_t poll_s;
	uint8_t request;                              // of private
	uint64_t root_delay_ns, root_dispersion_ns;
	bool authenticated;
	uint32_t key_id;
	struct record_text reference_id, data;
};

static const char *const modes[] = {"reserved", "symmetric_active", "symmetric_passive", "client", "server", "broadcast", "control", "private"};
static const char *const leaps[] = {"none", "last_minute_61", "last_minute_59", "unsynchronized"};
static const char *const opcodes[] = {"", "read_status", "read_variables", "write_variables", "read_clock_variables", "write_clock_variables",
				      "set_trap", "trap", "configure", "save_configuration", "read_mru", "read_list", "request_nonce"};

static const struct record_field fields[] = {
	{FIELD("version", U8, ntp, version), IN("ntp", "version")},
	{FIELD("mode", NAME8, ntp, mode), IN("ntp", "mode"), NAMES(modes)},
	{FIELD("leap", NAME8, ntp, leap), IN("ntp", "leap"), NAMES(leaps)},
	{FIELD("stratum", U8, ntp, stratum), IN("ntp", "stratum"), .flags = FIELD_OMIT_ZERO},
	{FIELD("poll", U32, ntp, poll_s), IN("ntp", "poll"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("root_delay_ms", MS, ntp, root_delay_ns), IN("ntp", "root_delay_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ns"},
	{FIELD("root_dispersion_ms", MS, ntp, root_dispersion_ns), IN("ntp", "root_dispersion_ms"), .flags = FIELD_OMIT_ZERO, .unit = "ns"},
	{FIELD("reference_id", TEXT, ntp, reference_id), IN("ntp", "reference_id")},
	{FIELD("extensions", U16, ntp, extensions), IN("ntp", "extensions"), .flags = FIELD_OMIT_ZERO},
	{FIELD("authenticated", BOOL, ntp, authenticated), IN("ntp", "authenticated"), .flags = FIELD_OMIT_ZERO},
	{FIELD("key_id", U32, ntp, key_id), IN("ntp", "key_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("opcode", NAME8, ntp, opcode), IN("ntp", "opcode"), .flags = FIELD_OMIT_ZERO, NAMES(opcodes)},
	{FIELD("request_code", U8, ntp, request), IN("ntp", "request_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("response", BIT16, ntp, flags), IN("ntp", "response"), .bit = 0x8000},
	{FIELD("error", BIT16, ntp, flags), IN("ntp", "error"), .bit = 0x4000},
	{FIELD("more", BIT16, ntp, flags), IN("ntp", "more"), .bit = 0x2000},
	{FIELD("data", TEXT, ntp, data), IN("ntp", "data")},
	{0},
};

static const struct record_kind kind = {.event_type = "ntp", BODY(ntp), .fields = fields};

// Seconds in 16 bits and their fraction in 16.
static uint64_t short_ns(uint32_t value)
{
	return ((uint64_t)value * US_PER_S >> FRACTION_BITS) * NS_PER_US;
}

// A name of a clock, the address of a server, or why there is none (kiss of death).
static struct record_text reference_text(const uint8_t *id, uint8_t stratum, struct l7 *l7)
{
	char room[RECORD_ADDRESS_MAX];
	unsigned len = 0;

	if (stratum > STRATUM_PRIMARY)
		return l7_text_bytes(l7, room, (uint32_t)(record_address_put(room, 4, id) - room), sizeof(room));
	while (len < KEY_BYTES && id[len] != '\0')
		len++;
	return l7_text_bytes(l7, id, len, TEXT_MAX);
}

// A key and a digest of one of the usual lengths, or the key alone: the refusal of one.
static bool signature_is(uint32_t bytes)
{
	return bytes == KEY_BYTES || bytes == KEY_BYTES + 16 || bytes == KEY_BYTES + 20 || bytes == KEY_BYTES + 32;
}

// What follows the header: extensions, then perhaps a key and a digest. False if it is neither.
static bool tail_read(struct span in, struct ntp *ntp)
{
	while (in.left > 0 && ntp->extensions < EXTENSIONS_MAX) {
		struct span rest = in;
		uint16_t length;

		span_be16(&rest);
		length = span_be16(&rest);
		if (length < EXTENSION_MIN || length % 4 != 0 || length > in.left)
			break;
		span_bytes(&in, length);
		ntp->extensions++;
	}
	if (in.left == 0 || !signature_is(in.left))
		return in.left == 0;
	ntp->authenticated = in.left > KEY_BYTES;
	ntp->key_id = span_be32(&in);
	return true;
}

struct ntp_times {
	uint64_t reference, origin, receive, transmit;
};

static uint64_t time_read(struct span *in)
{
	uint64_t seconds = span_be32(in);

	return seconds << 32 | span_be32(in);
}

// Whether a message of its mode can look like this.
static bool times_fit(const struct ntp *ntp, const struct ntp_times *t)
{
	switch (ntp->mode) {
	case MODE_CLIENT:
		return t->transmit != 0 || (t->reference | t->origin | t->receive) == 0;
	case MODE_SERVER:
		return t->transmit != 0 && t->receive != 0; // what the client said, which may be nothing, is where it began
	case MODE_BROADCAST:
		return t->transmit != 0 && t->origin == 0;
	default:
		return t->transmit != 0;
	}
}

static bool time_message_read(struct span in, struct ntp *ntp, struct l7 *l7)
{
	struct ntp_times times;
	int8_t poll, precision;
	uint32_t delay, dispersion;
	const uint8_t *reference;

	ntp->stratum = span_u8(&in);
	poll = (int8_t)span_u8(&in);
	precision = (int8_t)span_u8(&in);
	delay = span_be32(&in);
	dispersion = span_be32(&in);
	reference = span_bytes(&in, KEY_BYTES);
	times.reference = time_read(&in);
	times.origin = time_read(&in);
	times.receive = time_read(&in);
	times.transmit = time_read(&in);
	if (!span_ok(&in) || ntp->stratum > STRATUM_MAX || poll < POLL_MIN || poll > POLL_MAX || precision > PRECISION_MAX || precision < PRECISION_MIN)
		return false;
	if (delay >> FRACTION_BITS > ROOT_MAX_S || dispersion >> FRACTION_BITS > ROOT_MAX_S || !times_fit(ntp, &times) || !tail_read(in, ntp))
		return false;
	ntp->poll_s = poll > 0 ? 1u << poll : 0;
	ntp->root_delay_ns = short_ns(delay);
	ntp->root_dispersion_ns = short_ns(dispersion);
	if (ntp->stratum > 0 || reference[0] != 0)
		ntp->reference_id = reference_text(reference, ntp->stratum, l7);
	return true;
}

static bool control_read(struct span in, struct ntp *ntp, struct l7 *l7)
{
	uint8_t operation = span_u8(&in);
	uint16_t offset, count;
	uint32_t behind;

	ntp->flags = (uint16_t)((operation & 0xe0) << 8);
	ntp->opcode = operation & 0x1f;
	span_bytes(&in, 6); // sequence, status, association
	offset = span_be16(&in);
	count = span_be16(&in);
	if (!span_ok(&in) || ntp->leap != 0 || ntp->opcode == 0 || ntp->opcode >= sizeof(opcodes) / sizeof(opcodes[0]))
		return false;
	behind = ((count + 3u) & ~3u) - count; // padding
	if (in.left != count && (in.left < count + behind || (in.left > count + behind && !signature_is(in.left - count - behind))))
		return false;
	if ((ntp->flags & FLAG_RESPONSE) == 0 && (offset != 0 || ntp->flags != 0))
		return false;
	if (ntp->opcode != WRITE_VARIABLES)
		ntp->data = l7_text(l7, span_take(&in, count), TEXT_MAX);
	return true;
}

// first: the bits response and more, version and mode.
static bool private_read(struct span in, uint8_t first, struct ntp *ntp)
{
	uint8_t sequence = span_u8(&in), implementation = span_u8(&in);
	uint16_t items, size;
	uint32_t bytes;

	ntp->flags = (uint16_t)((first & 0x80) << 8 | (first & 0x40) << 7);
	ntp->request = span_u8(&in);
	items = span_be16(&in);
	size = span_be16(&in);
	if (!span_ok(&in) || (implementation != 0 && implementation != 2 && implementation != 3) || (sequence & 0x80) != 0)
		return false;
	ntp->leap = UINT8_MAX; // these bits are something else here
	bytes = (uint32_t)(items & PRIVATE_ITEM_BITS) * (size & PRIVATE_ITEM_BITS);
	if ((first & 0x80) != 0)
		return bytes == in.left && (bytes > 0 || items > 0);
	if (items > PRIVATE_ITEM_BITS || size > PRIVATE_ITEM_BITS)
		return false;
	return bytes == in.left || (bytes <= in.left && (in.left == PRIVATE_PADDED ||
							 (in.left >= PRIVATE_SIGNED_MIN && in.left <= PRIVATE_SIGNED_MAX)));
}

static bool message_read(struct span in, struct ntp *ntp, struct l7 *l7)
{
	uint8_t first = span_u8(&in);

	ntp->leap = first >> 6;
	ntp->version = first >> 3 & 7;
	ntp->mode = first & 7;
	if (ntp->version < 1 || ntp->version > 4 || ntp->mode == 0)
		return false;
	if (ntp->mode == MODE_CONTROL)
		return ntp->version >= 2 && control_read(in, ntp, l7);
	if (ntp->mode == MODE_PRIVATE)
		return ntp->version >= 2 && private_read(in, first, ntp);
	return time_message_read(in, ntp, l7);
}

static enum proto_verdict ntp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	(void)hint;
	if (!message_read(in, L7_BODY(l7, struct ntp), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_ntp = {
	.name = "ntp",
	.title = "NTP",
	.spec = "RFC 5905, RFC 9327",
	.l4 = PROTO_UDP,
	.ports = {123},
	.max_payloads = 1,
	.first = {{0x08, 0x27}, {0x48, 0x67}, {0x88, 0xa7}, {0xc8, 0xe7}}, // versions 1 to 4
	.firsts = 4,
	.dissect = ntp_dissect,
	.kind = &kind,
};
