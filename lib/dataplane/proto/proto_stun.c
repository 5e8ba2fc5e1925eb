// STUN, RFC 8489, and TURN, RFC 8656, over UDP and TCP; the older STUN of RFC 3489, which has no magic cookie.
//
// The cookie and a length that is that of the datagram (of a stream: attributes that parse) decide, for there are clients whose
// attributes do not; without the cookie an answer or a request with an attribute of known form must fill the datagram. A request and
// its answer are one event; what was told once of a flow, as by the checks that keep a path open, is told no more than SAME_MAX
// times. Data that is relayed is passed over.
#include "base/text.h"
#include "proto/proto_list.h"
#include "record/record_names.h"

enum { HEADER_BYTES = 20, ID_BYTES = 12, MESSAGE_MAX = 2048, ATTRIBUTES_MAX = 64, CHANNEL_BYTES = 4, FRAME_BYTES = 2, SAME_MAX = 4, TEXT_MAX = 255 };
enum { CLASS_REQUEST, CLASS_INDICATION, CLASS_SUCCESS, CLASS_ERROR };
enum { METHOD_BINDING = 1, METHOD_SECRET = 2, METHODS = 13, CHANNEL_FIRST = 0x4000, CHANNEL_LAST = 0x7fff };
enum { ADDRESS_FAMILY_4 = 1, ADDRESS_FAMILY_6 = 2, ERROR_CODE_MAX = 699 };

#define COOKIE 0x2112a442u

enum stun_attribute {
	MAPPED_ADDRESS = 0x0001,
	CHANGE_REQUEST = 0x0003,
	USERNAME = 0x0006,
	ERROR_CODE = 0x0009,
	CHANNEL_NUMBER = 0x000c,
	LIFETIME = 0x000d,
	ZOOM_PROBE = 0x0101,
	XOR_PEER_ADDRESS = 0x0012,
	REALM = 0x0014,
	XOR_RELAYED_ADDRESS = 0x0016,
	XOR_MAPPED_ADDRESS = 0x0020,
	XOR_MAPPED_ADDRESS_OLD = 0x8020,
	SOFTWARE = 0x8022
};

static const char zoom_probe[] = "12345678901234567890"; // what Zoom's client sends in it

struct stun_address {
	struct record_text ip;
	uint16_t port;
};

struct stun {
	uint8_t method, class; // class: how it ended; a request stays one if no answer was seen
	bool classic;
	uint16_t error_code, channel;
	uint32_t lifetime;
	struct stun_address mapped, relayed, peer;
	struct record_text software, username, realm, reason, transaction;
	uint8_t id[ID_BYTES];
};

struct memory {
	bool framed; // each packet of the stream has its length before it
	uint8_t told[METHODS][4]; // answers, by method and class
};

static const char *const methods[METHODS] = {"reserved", "binding", "shared_secret", "allocate", "refresh", "reserved", "send", "data",
					     "create_permission", "channel_bind", "connect", "connection_bind", "connection_attempt"};
static const char *const classes[] = {"request", "indication", "success", "error"};

static const struct record_field fields[] = {
	{FIELD("method", NAME8, stun, method), IN("stun", "method"), NAMES(methods)},
	{FIELD("class", NAME8, stun, class), IN("stun", "class"), NAMES(classes)},
	{FIELD("classic", BOOL, stun, classic), IN("stun", "classic"), .flags = FIELD_OMIT_ZERO},
	{FIELD("transaction_id", TEXT, stun, transaction), IN("stun", "transaction_id")},
	{FIELD("mapped_address", TEXT, stun, mapped.ip), IN("stun", "mapped_address")},
	{FIELD("mapped_port", U16, stun, mapped.port), IN("stun", "mapped_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("relayed_address", TEXT, stun, relayed.ip), IN("stun", "relayed_address")},
	{FIELD("relayed_port", U16, stun, relayed.port), IN("stun", "relayed_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("peer_address", TEXT, stun, peer.ip), IN("stun", "peer_address")},
	{FIELD("peer_port", U16, stun, peer.port), IN("stun", "peer_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("channel", U16, stun, channel), IN("stun", "channel"), .flags = FIELD_OMIT_ZERO},
	{FIELD("lifetime", U32, stun, lifetime), IN("stun", "lifetime"), .flags = FIELD_OMIT_ZERO, .unit = "s"},
	{FIELD("username", TEXT, stun, username), IN("stun", "username")},
	{FIELD("realm", TEXT, stun, realm), IN("stun", "realm")},
	{FIELD("software", TEXT, stun, software), IN("stun", "software")},
	{FIELD("error_code", U16, stun, error_code), IN("stun", "error_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error_reason", TEXT, stun, reason), IN("stun", "error_reason")},
	{0},
};

static const struct record_kind kind = {.event_type = "stun", BODY(stun), .fields = fields};

struct stun_message {
	uint16_t type, length;
	uint8_t method, class;
	bool classic;
	const uint8_t *id; // behind the cookie's place
	struct span attributes;
};

// ---- attributes ----

// id NULL: as it stands; otherwise covered with the cookie and the transaction's id.
static void address_read(struct span in, const uint8_t *id, struct stun_address *out, struct l7 *l7)
{
	static const uint8_t cookie[] = {COOKIE >> 24, COOKIE >> 16 & 255, COOKIE >> 8 & 255, COOKIE & 255};
	char room[RECORD_ADDRESS_MAX];
	uint8_t address[16];
	uint16_t family = span_be16(&in) & 255, port = span_be16(&in);
	uint32_t bytes = family == ADDRESS_FAMILY_4 ? 4 : 16;

	if ((family != ADDRESS_FAMILY_4 && family != ADDRESS_FAMILY_6) || in.left != bytes)
		return;
	memcpy(address, in.at, bytes);
	for (uint32_t i = 0; id != NULL && i < bytes; i++)
		address[i] ^= i < sizeof(cookie) ? cookie[i] : id[i - sizeof(cookie)];
	out->port = id != NULL ? port ^ (uint16_t)(COOKIE >> 16) : port;
	out->ip = l7_text_bytes(l7, room, (uint32_t)(record_address_put(room, bytes == 4 ? 4 : 6, address) - room), sizeof(room));
}

static void error_read(struct span in, struct stun *stun, struct l7 *l7)
{
	uint8_t hundreds;

	span_be16(&in);
	hundreds = span_u8(&in) & 7;
	stun->error_code = (uint16_t)(hundreds * 100 + span_u8(&in));
	if (!span_ok(&in) || stun->error_code > ERROR_CODE_MAX)
		stun->error_code = 0;
	stun->reason = l7_text(l7, in, TEXT_MAX);
}

static void attribute_keep(uint16_t type, struct span value, const uint8_t *id, struct stun *stun, struct l7 *l7)
{
	switch (type) {
	case MAPPED_ADDRESS:
		if (stun->mapped.ip.len == 0)
			address_read(value, NULL, &stun->mapped, l7);
		break;
	case XOR_MAPPED_ADDRESS:
	case XOR_MAPPED_ADDRESS_OLD:
		if (stun->mapped.ip.len == 0)
			address_read(value, id, &stun->mapped, l7);
		break;
	case XOR_RELAYED_ADDRESS:
		address_read(value, id, &stun->relayed, l7);
		break;
	case XOR_PEER_ADDRESS:
		if (stun->peer.ip.len == 0)
			address_read(value, id, &stun->peer, l7);
		break;
	case USERNAME:
		stun->username = l7_text(l7, value, TEXT_MAX);
		break;
	case REALM:
		stun->realm = l7_text(l7, value, TEXT_MAX);
		break;
	case SOFTWARE:
		stun->software = l7_text(l7, value, TEXT_MAX);
		break;
	case ERROR_CODE:
		error_read(value, stun, l7);
		break;
	case CHANNEL_NUMBER:
		stun->channel = span_be16(&value);
		break;
	case LIFETIME:
		stun->lifetime = span_be32(&value);
		break;
	default:
		break;
	}
}

// The next attribute with the padding behind it, which some leave out at the end.
static bool attribute_read(struct span *in, uint16_t *type, struct span *value)
{
	uint16_t length;

	*type = span_be16(in);
	length = span_be16(in);
	*value = span_take(in, length);
	if (in->left > 0)
		span_bytes(in, -(uint32_t)length & 3);
	return span_ok(in);
}

static bool attributes_fit(struct span in)
{
	struct span value;
	uint16_t type;

	for (unsigned i = 0; i < ATTRIBUTES_MAX && in.left > 0; i++)
		if (!attribute_read(&in, &type, &value))
			return false;
	return in.left == 0;
}

// ---- the header ----

static bool header_read(struct span *in, struct stun_message *m)
{
	const uint8_t *id;
	uint32_t cookie;

	m->type = span_be16(in);
	m->length = span_be16(in);
	cookie = span_be32(in);
	id = span_bytes(in, ID_BYTES);
	m->id = id;
	m->classic = cookie != COOKIE;
	m->class = (uint8_t)((m->type >> 4 & 1) | (m->type >> 7 & 2));
	m->method = (uint8_t)((m->type & 15) | (m->type >> 1 & 0x70));
	return span_ok(in) && m->type >> 9 == 0 && (m->length % 4 == 0 || !m->classic) && m->method > 0 && m->method < METHODS;
}

// What the old form must be to be believed: an answer that has an address or an error, or a request whose attribute is right.
static bool classic_proves(const struct stun_message *m)
{
	struct span in = m->attributes, value;
	uint16_t type;

	if (m->method != METHOD_BINDING || !attribute_read(&in, &type, &value))
		return false;
	if (m->class == CLASS_REQUEST && type == ZOOM_PROBE)
		return value.left == sizeof(zoom_probe) - 1 && span_starts(value, zoom_probe);
	if (m->class == CLASS_REQUEST)
		return type == CHANGE_REQUEST && value.left == 4 && value.at[0] == 0 && value.at[1] == 0 && value.at[2] == 0 && (value.at[3] & ~6) == 0;
	return m->class == CLASS_SUCCESS && type == MAPPED_ADDRESS && value.left == 8 && value.at[0] == 0 && value.at[1] == ADDRESS_FAMILY_4;
}

// ---- transactions ----

static struct record_text hex_text(struct l7 *l7, const uint8_t *bytes, uint32_t len)
{
	char room[2 * ID_BYTES];
	struct text_builder hex = text_builder(room, sizeof(room));

	text_put_hex(&hex, bytes, len);
	return l7_text_bytes(l7, room, (uint32_t)hex.used, sizeof(room));
}

static void message_keep(const struct stun_message *m, struct l7 *l7)
{
	struct stun *stun = L7_BODY(l7, struct stun);
	struct span in = m->attributes, value;
	uint16_t type;

	stun->method = m->method;
	stun->class = m->class;
	stun->classic = m->classic;
	if (stun->transaction.len == 0)
		stun->transaction = hex_text(l7, m->id, ID_BYTES);
	memcpy(stun->id, m->id, ID_BYTES);
	for (unsigned i = 0; i < ATTRIBUTES_MAX && in.left > 0 && attribute_read(&in, &type, &value); i++)
		attribute_keep(type, value, m->id, stun, l7);
}

// A request waits for its answer; one that had none makes way for the next.
static enum proto_verdict message(const struct stun_message *m, struct l7 *l7)
{
	struct stun *stun = L7_BODY(l7, struct stun);
	struct memory *memory = L7_MEMORY(l7, struct memory);
	uint8_t *told = &memory->told[m->method][m->class];

	if (m->class == CLASS_INDICATION)
		return PROTO_MORE;
	if (m->class == CLASS_REQUEST || memcmp(stun->id, m->id, ID_BYTES) != 0)
		l7_clear(l7);
	message_keep(m, l7);
	l7->pending = m->class == CLASS_REQUEST;
	if (m->class == CLASS_REQUEST)
		return PROTO_MORE;
	if (*told >= SAME_MAX) {
		l7_clear(l7);
		return PROTO_MORE;
	}
	*told += 1;
	return PROTO_YES;
}

// ---- datagrams and streams ----

static bool channel_is(struct span in, uint32_t *length)
{
	uint16_t channel = span_be16(&in);

	*length = span_be16(&in);
	return span_ok(&in) && channel >= CHANNEL_FIRST && channel <= CHANNEL_LAST;
}

static enum proto_verdict udp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct stun_message m;
	struct span from = in;
	uint32_t length;

	l7->used = hint->claimed ? in.left : 0;
	if (hint->claimed && channel_is(in, &length) && length + CHANNEL_BYTES <= in.left)
		return PROTO_MORE;
	if (!header_read(&from, &m) || m.length != from.left || (m.classic && !attributes_fit(from)))
		return PROTO_NO;
	m.attributes = from;
	if (m.classic && !hint->claimed && !classic_proves(&m))
		return m.method == METHOD_BINDING && m.class == CLASS_REQUEST ? PROTO_MORE : PROTO_NO;
	l7->used = in.left;
	return message(&m, l7);
}

static enum proto_verdict tcp_refuse(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (!hint->claimed)
		return PROTO_NO;
	l7->used = in.left; // something was lost: a later segment begins a message
	return PROTO_MORE;
}

// RFC 4571, as candidates of ICE over TCP use it: what is no STUN is passed over.
static enum proto_verdict framed_dissect(struct span in, struct l7 *l7)
{
	struct stun_message m;
	uint16_t length = span_be16(&in);
	struct span packet, from;

	if (!span_ok(&in) || in.left < HEADER_BYTES)
		return PROTO_MORE;
	from = in;
	l7->used = FRAME_BYTES;
	l7->skip = length;
	if (!header_read(&from, &m) || m.classic || m.length + HEADER_BYTES != length || m.length > MESSAGE_MAX)
		return PROTO_MORE;
	if (in.left < length) {
		l7->used = 0;
		l7->skip = 0;
		return PROTO_MORE;
	}
	packet = span_take(&in, length);
	span_bytes(&packet, HEADER_BYTES);
	m.attributes = packet;
	if (!attributes_fit(packet))
		return PROTO_MORE;
	l7->used = FRAME_BYTES + length;
	l7->skip = 0;
	return message(&m, l7);
}

static bool begins(struct span in)
{
	struct stun_message m;

	return header_read(&in, &m) && !m.classic;
}

// Whether a stream begins with a frame that holds a message.
static bool framed_is(struct span in)
{
	struct stun_message m;
	uint16_t length = span_be16(&in);

	return header_read(&in, &m) && !m.classic && m.length + HEADER_BYTES == length;
}

static enum proto_verdict tcp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *memory = L7_MEMORY(l7, struct memory);
	struct stun_message m;
	struct span from = in;
	uint32_t length;

	memory->framed = memory->framed || (!hint->claimed && framed_is(in));
	if (memory->framed)
		return framed_dissect(in, l7);

	if (in.left < HEADER_BYTES + (hint->claimed || begins(in) ? 0u : FRAME_BYTES) && in.at[0] >> 6 == 0)
		return PROTO_MORE;
	if (hint->claimed && in.left >= CHANNEL_BYTES && channel_is(in, &length)) {
		l7->used = CHANNEL_BYTES;
		l7->skip = (length + 3) & ~3u;
		return PROTO_MORE;
	}
	if (hint->claimed && in.left < CHANNEL_BYTES)
		return PROTO_MORE;
	if (!header_read(&from, &m) || m.classic || m.length > MESSAGE_MAX)
		return tcp_refuse(in, hint, l7);
	if (m.length > from.left)
		return PROTO_MORE;
	m.attributes = span_take(&from, m.length);
	if (!attributes_fit(m.attributes))
		return tcp_refuse(in, hint, l7);
	l7->used = in.left - from.left;
	return message(&m, l7);
}

static enum proto_verdict stun_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	return hint->l4 == PROTO_UDP ? udp_dissect(in, hint, l7) : tcp_dissect(in, hint, l7);
}

const struct proto_ops proto_stun = {
	.name = "stun",
	.title = "STUN",
	.spec = "RFC 8489, RFC 8656, RFC 3489",
	.l4 = PROTO_UDP | PROTO_TCP,
	.ports = {3478, 3479, 19302},
	.max_payloads = 6,
	.first = {{0, 1}},
	.firsts = 1,
	.keeps = true,
	.dissect = stun_dissect,
	.kind = &kind,
};
