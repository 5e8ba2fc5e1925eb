// VNC, the remote framebuffer protocol: RFC 6143 section 7.1, the handshake. Each side's version line is the proof. One event, when the
// server's screen is known or the security is one behind which nothing can be read; challenge and response are passed over.
#include "proto/proto_list.h"

enum { VERSION_BYTES = 12, NUMBER_BYTES = 3, MAJOR_AT = 4, MINOR_AT = 8 };
enum { SECURITY_NONE = 1, SECURITY_VNC = 2, CHALLENGE_BYTES = 16, RESULT_BYTES = 4, MINOR_OLD = 3, MINOR_NEW = 8, NAME_MAX = 128 };
enum phase { LIST, CHALLENGE, RESULT, INIT }; // of the server, behind its version

struct vnc {
	struct record_text server_major, server_minor, client_major, client_minor, name;
	uint32_t security_type;
	uint16_t width, height;
};

struct memory {
	uint8_t phase, minor, chosen; // minor: the client's version, which holds
	bool server_said, client_said;
};

static const struct record_field fields[] = {
	{FIELD("server_major", TEXT, vnc, server_major), IN("rfb.server_protocol_version", "major")},
	{FIELD("server_minor", TEXT, vnc, server_minor), IN("rfb.server_protocol_version", "minor")},
	{FIELD("client_major", TEXT, vnc, client_major), IN("rfb.client_protocol_version", "major")},
	{FIELD("client_minor", TEXT, vnc, client_minor), IN("rfb.client_protocol_version", "minor")},
	{FIELD("security_type", U32, vnc, security_type), IN("rfb.authentication", "security_type"), .flags = FIELD_OMIT_ZERO},
	{FIELD("width", U16, vnc, width), IN("rfb.framebuffer", "width"), .flags = FIELD_OMIT_ZERO},
	{FIELD("height", U16, vnc, height), IN("rfb.framebuffer", "height"), .flags = FIELD_OMIT_ZERO},
	{FIELD("name", TEXT, vnc, name), IN("rfb.framebuffer", "name")},
	{0},
};

static const struct record_kind kind = {.event_type = "rfb", BODY(vnc), .client_first = true, .fields = fields};

static bool version_is(struct span in)
{
	for (unsigned i = 0; i < NUMBER_BYTES; i++)
		if (in.at[MAJOR_AT + i] < '0' || in.at[MAJOR_AT + i] > '9' || in.at[MINOR_AT + i] < '0' || in.at[MINOR_AT + i] > '9')
			return false;
	return span_starts(in, "RFB ") && in.at[MINOR_AT - 1] == '.' && in.at[VERSION_BYTES - 1] == '\n';
}

static enum proto_verdict version_read(struct span in, bool client, struct vnc *vnc, struct memory *memory, struct l7 *l7)
{
	struct span major, minor;

	if (in.left < VERSION_BYTES)
		return PROTO_MORE;
	if (!version_is(in))
		return PROTO_NO;
	span_bytes(&in, MAJOR_AT);
	major = span_take(&in, NUMBER_BYTES);
	span_bytes(&in, 1);
	minor = span_take(&in, NUMBER_BYTES);
	*(client ? &vnc->client_major : &vnc->server_major) = l7_text(l7, major, NUMBER_BYTES);
	*(client ? &vnc->client_minor : &vnc->server_minor) = l7_text(l7, minor, NUMBER_BYTES);
	if (client)
		memory->minor = (uint8_t)(minor.at[2] - '0');
	*(client ? &memory->client_said : &memory->server_said) = true;
	l7->pending = true;
	l7->used = VERSION_BYTES;
	return PROTO_MORE;
}

static enum proto_verdict security_set(struct vnc *vnc, struct memory *memory, uint32_t type)
{
	vnc->security_type = type;
	memory->chosen = (uint8_t)type;
	memory->phase = type == SECURITY_VNC ? CHALLENGE : memory->minor >= MINOR_NEW ? RESULT : INIT;
	return type == SECURITY_NONE || type == SECURITY_VNC ? PROTO_MORE : PROTO_DONE;
}

static enum proto_verdict client_read(struct span in, struct vnc *vnc, struct memory *memory, struct l7 *l7)
{
	if (memory->minor > MINOR_OLD && memory->chosen == 0) {
		l7->used = 1;
		return security_set(vnc, memory, span_u8(&in));
	}
	l7->used = in.left; // response to the challenge, whether the screen is shared, then what is typed
	return PROTO_MORE;
}

static enum proto_verdict screen_read(struct span in, struct vnc *vnc, struct l7 *l7)
{
	uint32_t length;

	vnc->width = span_be16(&in);
	vnc->height = span_be16(&in);
	span_bytes(&in, 16); // how a pixel is written
	length = span_be32(&in);
	in = span_take(&in, length < NAME_MAX ? length : NAME_MAX);
	if (!span_ok(&in))
		return PROTO_MORE;
	vnc->name = l7_text(l7, in, NAME_MAX);
	return PROTO_DONE;
}

static enum proto_verdict server_read(struct span in, struct vnc *vnc, struct memory *memory, struct l7 *l7)
{
	uint32_t count = memory->phase == CHALLENGE ? CHALLENGE_BYTES : RESULT_BYTES;

	if (memory->phase == INIT)
		return screen_read(in, vnc, l7);
	if (memory->phase == LIST && memory->minor > MINOR_OLD)
		count = memory->chosen == 0 && in.at[0] > 0 ? 1u + in.at[0] : 0;
	if (count == 0)
		return PROTO_DONE;
	if (in.left < count)
		return PROTO_MORE;
	l7->used = count;
	if (memory->phase == CHALLENGE)
		memory->phase = RESULT;
	else if (memory->phase == RESULT && span_be32(&in) != 0)
		return PROTO_DONE;
	else if (memory->phase == RESULT)
		memory->phase = INIT;
	else if (memory->minor <= MINOR_OLD)
		return security_set(vnc, memory, span_be32(&in));
	return PROTO_MORE;
}

static enum proto_verdict vnc_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct vnc *vnc = L7_BODY(l7, struct vnc);
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (!(hint->to_server ? memory->client_said : memory->server_said))
		return version_read(in, hint->to_server, vnc, memory, l7);
	if (hint->to_server)
		return client_read(in, vnc, memory, l7);
	return memory->client_said ? server_read(in, vnc, memory, l7) : PROTO_MORE;
}

const struct proto_ops proto_vnc = {
	.name = "vnc",
	.title = "VNC",
	.spec = "RFC 6143",
	.l4 = PROTO_TCP,
	.ports = {5900, 5901},
	.max_payloads = 2,
	.first = {{'R', 'R'}},
	.firsts = 1,
	.dissect = vnc_dissect,
	.kind = &kind,
};
