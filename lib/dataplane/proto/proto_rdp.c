// RDP, MS-RDPBCGR sections 1.3.1.1 and 2.2.1: the negotiation in X.224 and what the client says of itself in the first message of MCS.
//
// TPKT's length, X.224's length and its code have to agree: that is the proof. Where TLS is agreed on, what follows is searched anew;
// where RDP encrypts by itself nothing further is read.
#include "base/text.h"
#include "proto/proto_list.h"
#include "proto/proto_utf16.h"

enum { TPKT_HEAD = 4, TPKT_VERSION = 3, TPKT_MIN = 11, X224_REQUEST = 0xe0, X224_CONFIRM = 0xd0, X224_DATA = 0xf0, X224_FIXED = 6, READ_MAX = 2048 };
enum { NEGOTIATION_REQUEST = 1, NEGOTIATION_RESPONSE = 2, NEGOTIATION_FAILURE = 3, NEGOTIATION_BYTES = 8, COOKIE_MAX = 128, MCS_CONNECT = 0x7f };
enum { CLIENT_CORE = 0xc001, CLIENT_NETWORK = 0xc003, BLOCKS_MAX = 12, CHANNELS_MAX = 31, CHANNEL_NAME = 8, NAME_BYTES = 32, VERSION_ROOM = 16 };

struct rdp {
	struct record_text cookie, protocols, client_version, client_name, channels;
	uint32_t tx_id, build, keyboard_layout, keyboard_type;
	uint16_t width, height;
	uint8_t event_type, failure;
};

struct memory {
	uint32_t transactions;
	bool encrypted; // TLS will follow
};

static const char *const event_types[] = {"", "initial_request", "initial_response", "connect_request", "connect_response"};
enum { INITIAL_REQUEST = 1, INITIAL_RESPONSE, CONNECT_REQUEST, CONNECT_RESPONSE };

static const struct record_field fields[] = {
	{FIELD("tx_id", U32, rdp, tx_id), IN("rdp", "tx_id")},
	{FIELD("rdp_event", NAME8, rdp, event_type), IN("rdp", "event_type"), NAMES(event_types)},
	{FIELD("cookie", TEXT, rdp, cookie), IN("rdp", "cookie")},
	{FIELD("protocols", TEXT_LIST, rdp, protocols), IN("rdp", "protocols")},
	{FIELD("error_code", U8, rdp, failure), IN("rdp", "error_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("channels", TEXT_LIST, rdp, channels), IN("rdp", "channels")},
	{FIELD("client_version", TEXT, rdp, client_version), IN("rdp.client", "version")},
	{FIELD("client_name", TEXT, rdp, client_name), IN("rdp.client", "client_name")},
	{FIELD("client_build", U32, rdp, build), IN("rdp.client", "build"), .flags = FIELD_OMIT_ZERO},
	{FIELD("desktop_width", U16, rdp, width), IN("rdp.client", "desktop_width"), .flags = FIELD_OMIT_ZERO},
	{FIELD("desktop_height", U16, rdp, height), IN("rdp.client", "desktop_height"), .flags = FIELD_OMIT_ZERO},
	{FIELD("keyboard_layout", U32, rdp, keyboard_layout), IN("rdp.client", "keyboard_layout"), .flags = FIELD_OMIT_ZERO},
	{FIELD("keyboard_type", U32, rdp, keyboard_type), IN("rdp.client", "keyboard_type"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "rdp", BODY(rdp), .client_first = true, .fields = fields};

static struct record_text protocols_text(uint32_t bits, struct l7 *l7)
{
	static const char *const names[] = {"ssl", "hybrid", "rds_tls", "hybrid_ex"};
	char room[64];
	struct text_builder b = text_builder(room, sizeof(room));

	if (bits == 0)
		text_put(&b, "rdp");
	for (unsigned i = 0; i < 4; i++)
		if ((bits & 1u << i) != 0) {
			text_put(&b, b.used > 0 ? "," : "");
			text_put(&b, names[i]);
		}
	return l7_text_bytes(l7, room, (uint32_t)b.used, sizeof(room));
}

// The structure behind a cookie or alone: its kind, and what is asked for or chosen. 0: none.
static uint8_t negotiation_read(struct span in, uint32_t *bits)
{
	uint8_t type = span_u8(&in);
	uint16_t length;

	span_bytes(&in, 1);
	length = span_le16(&in);
	*bits = span_le32(&in);
	return span_ok(&in) && length == NEGOTIATION_BYTES && type >= NEGOTIATION_REQUEST && type <= NEGOTIATION_FAILURE ? type : 0;
}

static enum proto_verdict request_read(struct rdp *rdp, struct span in, struct l7 *l7)
{
	struct span line;
	uint32_t bits = 0;
	uint8_t type;
	bool cookie = span_starts(in, "Cookie: mstshash=");

	if (cookie || span_starts(in, "Cookie: msts=")) {
		span_bytes(&in, cookie ? 17 : 13);
		if (!span_until(&in, '\n', &line))
			return PROTO_NO;
		line = span_trim(line);
		rdp->cookie = l7_path_bytes(l7, line.at, line.left, COOKIE_MAX);
	} else if (in.left > 0 && in.at[0] != NEGOTIATION_REQUEST) {
		return PROTO_NO;
	}
	type = negotiation_read(in, &bits);
	if (type != NEGOTIATION_REQUEST && rdp->cookie.len == 0)
		return PROTO_NO;
	if (type == NEGOTIATION_REQUEST)
		rdp->protocols = protocols_text(bits, l7);
	rdp->event_type = INITIAL_REQUEST;
	return PROTO_YES;
}

static enum proto_verdict confirm_read(struct rdp *rdp, struct memory *memory, struct span in, bool claimed, struct l7 *l7)
{
	uint32_t bits = 0;
	uint8_t type = negotiation_read(in, &bits);

	if (!claimed && type != NEGOTIATION_RESPONSE)
		return PROTO_NO;
	rdp->event_type = INITIAL_RESPONSE;
	if (type == NEGOTIATION_RESPONSE)
		rdp->protocols = protocols_text(bits, l7);
	else if (type == NEGOTIATION_FAILURE)
		rdp->failure = (uint8_t)bits;
	memory->encrypted = type == NEGOTIATION_RESPONSE && bits != 0;
	l7->pending = true;
	if (memory->encrypted)
		return PROTO_NEXT;
	return type == NEGOTIATION_FAILURE ? PROTO_DONE : PROTO_YES;
}

static void core_read(struct rdp *rdp, struct span in, struct l7 *l7)
{
	char room[VERSION_ROOM];
	struct text_builder b = text_builder(room, sizeof(room));
	uint16_t minor = span_le16(&in), major = span_le16(&in);

	text_put_number(&b, major);
	text_put(&b, ".");
	text_put_number(&b, minor);
	rdp->width = span_le16(&in);
	rdp->height = span_le16(&in);
	span_bytes(&in, 4);
	rdp->keyboard_layout = span_le32(&in);
	rdp->build = span_le32(&in);
	rdp->client_name = utf16_text(l7, span_take(&in, NAME_BYTES), 4 * NAME_BYTES);
	rdp->keyboard_type = span_le32(&in);
	rdp->client_version = l7_text_bytes(l7, room, (uint32_t)b.used, VERSION_ROOM);
}

static void channels_read(struct rdp *rdp, struct span in, struct l7 *l7)
{
	char room[CHANNELS_MAX * (CHANNEL_NAME + 1)];
	struct text_builder b = text_builder(room, sizeof(room));
	uint32_t count = span_le32(&in);

	for (uint32_t i = 0; i < count && i < CHANNELS_MAX && in.left > CHANNEL_NAME; i++) {
		struct span name = span_take(&in, CHANNEL_NAME), text = name;

		if (!span_until(&name, '\0', &text))
			text = name;
		text_put(&b, i > 0 ? "," : "");
		text_put_bytes(&b, text.at, text.left);
		span_bytes(&in, 4);
	}
	rdp->channels = l7_text_bytes(l7, room, (uint32_t)b.used, sizeof(room) * 4);
}

// The client's blocks stand behind the key of the conference's user data.
static enum proto_verdict connect_read(struct rdp *rdp, struct span in, struct l7 *l7)
{
	while (in.left >= 4 && !span_starts(in, "Duca"))
		span_bytes(&in, 1);
	if (in.left < 4)
		return PROTO_DONE;
	span_bytes(&in, 4);
	span_bytes(&in, in.left > 4 && (in.at[0] & 0x80) != 0 ? 2 : 1);
	for (unsigned i = 0; i < BLOCKS_MAX && in.left > 4; i++) {
		uint16_t type = span_le16(&in), length = span_le16(&in);
		struct span block;

		if (length < 4)
			break;
		block = span_take(&in, length - 4u);
		if (type == CLIENT_CORE && span_ok(&block))
			core_read(rdp, block, l7);
		else if (type == CLIENT_NETWORK && span_ok(&block))
			channels_read(rdp, block, l7);
	}
	rdp->event_type = CONNECT_REQUEST;
	l7->pending = true;
	return PROTO_DONE;
}

static enum proto_verdict rdp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct rdp *rdp = L7_BODY(l7, struct rdp);
	struct memory *memory = L7_MEMORY(l7, struct memory);
	uint8_t version = span_u8(&in), zero = span_u8(&in), header, code;
	uint16_t length = span_be16(&in);
	enum proto_verdict verdict;

	header = span_u8(&in);
	code = span_u8(&in);
	if (!span_ok(&in))
		return PROTO_MORE;
	if (version != TPKT_VERSION || zero != 0 || (length < TPKT_MIN && code != X224_DATA) || length < TPKT_HEAD + 3)
		return PROTO_NO;
	if (code == X224_DATA) {
		if (!hint->claimed)
			return PROTO_NO;
		if (in.left < length - 6u && in.left < READ_MAX)
			return PROTO_MORE;
		span_bytes(&in, 1);
		rdp->tx_id = memory->transactions++;
		return hint->to_server && in.left > 1 && in.at[0] == MCS_CONNECT ? connect_read(rdp, in, l7) : PROTO_DONE;
	}
	if (header != length - 5 || (code != X224_REQUEST && code != X224_CONFIRM) || (code == X224_REQUEST) != hint->to_server || length > READ_MAX)
		return PROTO_NO;
	if (in.left < length - 6u)
		return PROTO_MORE;
	in.left = length - 6u;
	span_bytes(&in, X224_FIXED - 1);
	verdict = code == X224_REQUEST ? request_read(rdp, in, l7) : confirm_read(rdp, memory, in, hint->claimed, l7);
	l7->used = length;
	rdp->tx_id = memory->transactions;
	memory->transactions += verdict != PROTO_NO;
	return verdict;
}

const struct proto_ops proto_rdp = {
	.name = "rdp",
	.title = "RDP",
	.spec = "MS-RDPBCGR",
	.l4 = PROTO_TCP,
	.ports = {3389},
	.max_payloads = 16,
	.first = {{TPKT_VERSION, TPKT_VERSION}},
	.firsts = 1,
	.dissect = rdp_dissect,
	.kind = &kind,
};
