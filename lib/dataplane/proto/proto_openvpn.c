// OpenVPN: "Network protocol" of the OpenVPN source documentation and draft-openvpn-wire-protocol. A connection begins with a hard
// reset from each side. What proves it: a reset that carries its own time (tls-auth, tls-crypt), or a reset of the server that names
// the session of the client's. Nothing behind the resets is looked at.
#include "proto/proto_list.h"

struct openvpn {
	uint8_t mode; // enum mode
	struct record_text session; // of who sent it, hex
};

enum mode { PLAIN, TLS_AUTH, TLS_CRYPT };
enum { CLIENT_V1 = 1, SERVER_V1 = 2, CLIENT_V2 = 7, SERVER_V2 = 8, CLIENT_V3 = 10 };
enum { OPCODE_SHIFT = 3, KEY_MASK = 7, SESSION_BYTES = 8, PLAIN_BYTES = 14, TAG_BYTES = 32, PACKET_MAX = 1400, ACKS_MAX = 8 };
enum { NS_PER_S = 1000000000, CLOCKS_APART_MAX_S = 7 * 86400 };

static const char *const modes[] = {"plain", "tls-auth", "tls-crypt"};

static const struct record_field fields[] = {
	{FIELD("mode", NAME8, openvpn, mode), IN("openvpn", "mode"), NAMES(modes)},
	{FIELD("session_id", TEXT, openvpn, session), IN("openvpn", "session_id")},
	{0},
};

static const struct record_kind kind = {.event_type = "openvpn", BODY(openvpn), .fields = fields};

// The first packet of a session has the number 1 and the time at which it was sent.
static bool stamp_is(struct span in, uint64_t now_ns)
{
	uint32_t number = span_be32(&in);
	int64_t apart = (int64_t)span_be32(&in) - (int64_t)(now_ns / NS_PER_S);

	return span_ok(&in) && number >= 1 && number <= ACKS_MAX && apart < CLOCKS_APART_MAX_S && apart > -CLOCKS_APART_MAX_S;
}

// After the session id: a number and a time (tls-crypt), or a HMAC before them (tls-auth).
static bool stamped(struct span in, uint64_t now_ns, uint8_t *mode)
{
	static const uint8_t digests[] = {16, 20, 28, 32, 48, 64};

	*mode = TLS_CRYPT;
	if (in.left >= 8 + TAG_BYTES && stamp_is(in, now_ns))
		return true;
	*mode = TLS_AUTH;
	for (unsigned i = 0; i < sizeof(digests); i++) {
		struct span rest = in;

		span_bytes(&rest, digests[i]);
		if (stamp_is(rest, now_ns))
			return true;
	}
	return false;
}

static uint32_t session_note(const uint8_t session[SESSION_BYTES])
{
	uint32_t note = 1;

	for (unsigned i = 0; i < SESSION_BYTES; i++)
		note = note * 16777619u ^ session[i];
	return note != 0 ? note : 1;
}

// A server's plain reset: it acknowledges packet 0 of the session that the client has named.
static bool answers(struct span in, uint32_t note)
{
	uint8_t acks = span_u8(&in);
	const uint8_t *session;

	if (acks == 0 || acks > ACKS_MAX)
		return false;
	span_bytes(&in, 4u * acks);
	session = span_bytes(&in, SESSION_BYTES);
	return session != NULL && session_note(session) == note;
}

static enum proto_verdict packet(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct openvpn *openvpn = L7_BODY(l7, struct openvpn);
	uint8_t opcode = span_u8(&in);
	const uint8_t *session = span_bytes(&in, SESSION_BYTES);
	static const char digits[] = "0123456789abcdef";
	char text[2 * SESSION_BYTES];
	bool client = opcode >> OPCODE_SHIFT == CLIENT_V1 || opcode >> OPCODE_SHIFT == CLIENT_V2 || opcode >> OPCODE_SHIFT == CLIENT_V3;
	bool server = opcode >> OPCODE_SHIFT == SERVER_V1 || opcode >> OPCODE_SHIFT == SERVER_V2;

	if (session == NULL || !(client || server) || (opcode & KEY_MASK) != 0)
		return PROTO_NO;
	if (!stamped(in, hint->now_ns, &openvpn->mode)) {
		openvpn->mode = PLAIN;
		if (client && in.left == PLAIN_BYTES - 1 - SESSION_BYTES && in.at[0] == 0) {
			*hint->note = session_note(session);
			return PROTO_MORE;
		}
		if (!server || *hint->note == 0 || !answers(in, *hint->note))
			return PROTO_NO;
	}
	for (unsigned i = 0; i < SESSION_BYTES; i++) {
		text[2 * i] = digits[session[i] >> 4];
		text[2 * i + 1] = digits[session[i] & 15];
	}
	openvpn->session = l7_text_bytes(l7, text, sizeof(text), sizeof(text));
	l7->pending = true;
	return PROTO_DONE;
}

// Over TCP each packet has its length before it.
static enum proto_verdict openvpn_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	uint16_t length;

	if (hint->l4 == PROTO_UDP)
		return packet(in, hint, l7);
	length = span_be16(&in);
	if (length < PLAIN_BYTES || length > PACKET_MAX)
		return span_ok(&in) ? PROTO_NO : PROTO_MORE;
	if (in.left < length)
		return PROTO_MORE;
	return packet(span_take(&in, length), hint, l7);
}

const struct proto_ops proto_openvpn = {
	.name = "openvpn",
	.title = "OpenVPN",
	.spec = "draft-openvpn-wire-protocol",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {1194},
	.max_payloads = 4,
	.first = {{0, 5}, {CLIENT_V1 << 3, CLIENT_V1 << 3}, {SERVER_V1 << 3, SERVER_V1 << 3}, {CLIENT_V2 << 3, CLIENT_V2 << 3},
		  {SERVER_V2 << 3, SERVER_V2 << 3}, {CLIENT_V3 << 3, CLIENT_V3 << 3}},
	.firsts = 6,
	.dissect = openvpn_dissect,
	.kind = &kind,
};
