// CoAP, RFC 7252, over UDP: what a device is asked for and what it answers; with the options of RFC 7641 (observe) and RFC 7959
// (blocks). Over TCP (RFC 8323) it is not read.
//
// Proof: version 1, a type and a code that go together, a token as long as is said, options that end the datagram or the payload's
// mark, none but known ones, and among them one that tells: a request has a path, a query or a host, a response has a known format with
// its payload. In a flow that is claimed an option may be new. Each message but an empty one is one event.
#include "base/text.h"
#include "proto/proto_list.h"

enum { TYPE_CONFIRMABLE = 0, TYPE_ACKNOWLEDGEMENT = 2, TYPE_RESET = 3, TOKEN_MAX = 8, CODE_CONTINUE = 31 };
enum { METHOD_GET = 1, METHOD_DELETE = 4, METHOD_LAST = 7, OPTIONS_MAX = 64, PAYLOAD_MARK = 0xff, NIBBLE_BYTE = 13, NIBBLE_TWO_BYTES = 14, NIBBLE_MARK = 15 };
enum {
	OPTION_HOST = 3,
	OPTION_OBSERVE = 6,
	OPTION_PATH = 11,
	OPTION_FORMAT = 12,
	OPTION_QUERY = 15,
	OPTION_ACCEPT = 17
};
enum { PATH_ROOM = 512, HOST_MAX = 255, FORMAT_MAX = 64 };

struct coap {
	uint8_t type, method; // method: 0 in responses
	bool observe;
	uint16_t id;
	uint32_t payload_bytes;
	struct record_text token, code, format, host, path, query;
};

static const char *const types[] = {"confirmable", "non_confirmable", "acknowledgement", "reset"};
static const char *const methods[] = {"", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"};

static const char *format_name(uint16_t format)
{
	switch (format) {
	case 0:
		return "text/plain";
	case 40:
		return "application/link-format";
	case 41:
		return "application/xml";
	case 42:
		return "application/octet-stream";
	case 50:
		return "application/json";
	case 60:
		return "application/cbor";
	case 110:
		return "application/senml+json";
	case 112:
		return "application/senml+cbor";
	case 11542:
		return "application/vnd.oma.lwm2m+tlv";
	case 11543:
		return "application/vnd.oma.lwm2m+json";
	default:
		return NULL;
	}
}

static const struct record_field fields[] = {
	{FIELD("type", NAME8, coap, type), IN("coap", "type"), NAMES(types)},
	{FIELD("id", U16, coap, id), IN("coap", "id")},
	{FIELD("token", TEXT, coap, token), IN("coap", "token")},
	{FIELD("method", NAME8, coap, method), IN("coap", "method"), .flags = FIELD_OMIT_ZERO, NAMES(methods)},
	{FIELD("code", TEXT, coap, code), IN("coap", "code")},
	{FIELD("host", TEXT, coap, host), IN("coap", "host")},
	{FIELD("path", TEXT, coap, path), IN("coap", "path")},
	{FIELD("query", TEXT, coap, query), IN("coap", "query")},
	{FIELD("observe", BOOL, coap, observe), IN("coap", "observe"), .flags = FIELD_OMIT_ZERO},
	{FIELD("content_format", TEXT, coap, format), IN("coap", "content_format")},
	{FIELD("payload_bytes", U32, coap, payload_bytes), IN("coap", "payload_bytes"), .flags = FIELD_OMIT_ZERO, .unit = "bytes"},
	{0},
};

static const struct record_kind kind = {.event_type = "coap", BODY(coap), .fields = fields};

struct coap_message {
	struct coap *coap;
	struct l7 *l7;
	struct text_builder path, query;
	uint32_t number; // of the option
	bool tells;      // an option of a request was there
	bool strict;     // the flow is no one's yet
};

static uint32_t nibble_read(uint8_t nibble, struct span *in)
{
	if (nibble == NIBBLE_BYTE)
		return span_u8(in) + 13u;
	return nibble == NIBBLE_TWO_BYTES ? span_be16(in) + 269u : nibble;
}

static void piece_put(struct text_builder *out, const char *between, struct span piece)
{
	text_put(out, between);
	text_put_bytes(out, piece.at, piece.left);
}

static bool printable(struct span in)
{
	while (in.left > 0)
		if (span_u8(&in) < ' ')
			return false;
	return true;
}

static bool format_take(struct coap_message *m, struct span value)
{
	char room[FORMAT_MAX];
	struct text_builder out = text_builder(room, sizeof(room));
	uint16_t format = value.left == 2 ? span_be16(&value) : value.left == 1 ? span_u8(&value) : 0;
	const char *name = format_name(format);

	if (name != NULL)
		text_put(&out, name);
	else
		text_put_number(&out, format);
	m->coap->format = l7_text_bytes(m->l7, room, (uint32_t)out.used, sizeof(room));
	return name != NULL || !m->strict;
}

static bool option_known(uint32_t number)
{
	static const uint16_t known[] = {1, 4, 5, 7, 8, 9, 14, 16, 19, 20, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == number)
			return true;
	return false;
}

// False if no option of this number can look like this.
static bool option_take(struct coap_message *m, struct span value)
{
	struct coap *coap = m->coap;

	switch (m->number) {
	case OPTION_HOST:
		coap->host = l7_text(m->l7, value, HOST_MAX);
		m->tells = true;
		return value.left > 0 && printable(value);
	case OPTION_OBSERVE:
		coap->observe = true;
		return value.left <= 3;
	case OPTION_PATH:
		piece_put(&m->path, "/", value);
		m->tells = true;
		return printable(value);
	case OPTION_QUERY:
		piece_put(&m->query, m->query.used > 0 ? "&" : "", value);
		m->tells = true;
		return printable(value);
	case OPTION_FORMAT:
		return value.left <= 2 && format_take(m, value);
	case OPTION_ACCEPT:
		return value.left <= 2;
	default:
		return option_known(m->number) || (!m->strict && (m->number & 1) == 0); // even: may be passed over
	}
}

static bool options_read(struct span *in, struct coap_message *m)
{
	for (unsigned i = 0; i < OPTIONS_MAX && in->left > 0; i++) {
		uint8_t first = span_u8(in);
		uint32_t length;
		struct span value;

		if (first == PAYLOAD_MARK)
			return in->left > 0; // there is none without a payload
		if (first >> 4 == NIBBLE_MARK || (first & 15) == NIBBLE_MARK)
			return false;
		m->number += nibble_read(first >> 4, in);
		length = nibble_read(first & 15, in);
		value = span_take(in, length);
		if (!span_ok(&value) || !option_take(m, value))
			return false;
	}
	return in->left == 0;
}

static struct record_text hex_text(struct span in, struct l7 *l7)
{
	char room[2 * TOKEN_MAX];
	struct text_builder out = text_builder(room, sizeof(room));

	text_put_hex(&out, in.at, in.left);
	return l7_text_bytes(l7, room, (uint32_t)out.used, sizeof(room));
}

// As people write it: 2.05.
static struct record_text code_text(uint8_t code, struct l7 *l7)
{
	const char room[] = {(char)('0' + (code >> 5)), '.', (char)('0' + (code & 31) / 10), (char)('0' + (code & 31) % 10)};

	return l7_text_bytes(l7, room, sizeof(room), sizeof(room));
}

static bool header_read(struct span *in, struct coap_message *m)
{
	uint8_t first = span_u8(in), code = span_u8(in), class = code >> 5;
	struct coap *coap = m->coap;
	struct span token;

	coap->id = span_be16(in);
	coap->type = first >> 4 & 3;
	token = span_take(in, first & 15);
	if (!span_ok(&token) || first >> 6 != 1 || (first & 15) > TOKEN_MAX || coap->type == TYPE_RESET)
		return false;
	coap->token = hex_text(token, m->l7);
	if (class == 0) {
		coap->method = code;
		return code > 0 && code <= METHOD_LAST && coap->type < TYPE_ACKNOWLEDGEMENT;
	}
	coap->code = code_text(code, m->l7);
	return class == 2 ? (code & 31) <= 5 || (code & 31) == CODE_CONTINUE : (class == 4 && (code & 31) <= 29) || (class == 5 && (code & 31) <= 8);
}

static bool proof_is(const struct coap_message *m, uint32_t payload)
{
	switch (m->coap->method) {
	case 0:
		return m->coap->format.len > 0 && payload > 0;
	case METHOD_GET:
	case METHOD_DELETE:
		return m->tells && payload == 0;
	default:
		return m->tells;
	}
}

static enum proto_verdict coap_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	char path[PATH_ROOM], query[PATH_ROOM];
	struct coap_message m = {.coap = L7_BODY(l7, struct coap), .l7 = l7, .path = text_builder(path, sizeof(path)),
				 .query = text_builder(query, sizeof(query)), .strict = !hint->claimed};
	struct span rest = in;

	if (!header_read(&rest, &m) || !options_read(&rest, &m) || (m.strict && !proof_is(&m, rest.left))) {
		l7_clear(l7);
		return PROTO_NO;
	}
	m.coap->path = l7_text_bytes(l7, path, (uint32_t)m.path.used, PATH_ROOM);
	m.coap->query = l7_text_bytes(l7, query, (uint32_t)m.query.used, PATH_ROOM);
	m.coap->payload_bytes = rest.left;
	l7->used = in.left;
	return PROTO_YES;
}

const struct proto_ops proto_coap = {
	.name = "coap",
	.title = "CoAP",
	.spec = "RFC 7252",
	.l4 = PROTO_UDP,
	.ports = {5683},
	.max_payloads = 1,
	.first = {{0x40, 0x48}, {0x50, 0x58}, {0x60, 0x68}},
	.firsts = 3,
	.dissect = coap_dissect,
	.kind = &kind,
};
