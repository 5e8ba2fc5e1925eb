// WebSocket, RFC 6455, behind the Upgrade of an HTTP connection: one event for a connection, when it closes or ends, with what was
// exchanged by kind and direction. Messages are passed over by their length; only the reason of a close is read.
//
// A frame has no mark of its own. So it is only looked for where HTTP has just ended by agreement, and counts if its first two bytes
// are in order, its length is written in the shortest form and, if that is short, it ends where its segment ends or another begins.
#include "proto/proto_list.h"

enum { FINAL = 0x80, RESERVED = 0x70, COMPRESSED = 0x40, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f };
enum { LENGTH_16 = 126, LENGTH_64 = 127, CONTROL_MAX = 125, MASK_BYTES = 4, CLOSE_CODE_BYTES = 2, REASON_MAX = 256 };
enum { CONTINUED = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

#define MESSAGE_BYTES_MAX (1ull << 40)

struct websocket {
	uint32_t frames[2];                        // 0: to the server
	uint64_t bytes[2];                         // of messages
	uint32_t texts, binaries, pings, pongs;    // messages, both ways
	bool compressed;                           // by the extension of RFC 7692
	uint8_t closed_by;                         // who closed first; 1: client, 2: server
	uint8_t closed;                            // bits of the directions that have
	uint16_t close_code;
	struct record_text close_reason;
};

static const char *const ends[] = {"none", "client", "server"};

static const struct record_field fields[] = {
	{FIELD("frames_toserver", U32, websocket, frames[0]), IN("websocket", "frames_toserver")},
	{FIELD("frames_toclient", U32, websocket, frames[1]), IN("websocket", "frames_toclient")},
	{FIELD("payload_toserver", U64, websocket, bytes[0]), IN("websocket", "payload_toserver"), .unit = "bytes"},
	{FIELD("payload_toclient", U64, websocket, bytes[1]), IN("websocket", "payload_toclient"), .unit = "bytes"},
	{FIELD("texts", U32, websocket, texts), IN("websocket", "texts"), .flags = FIELD_OMIT_ZERO},
	{FIELD("binaries", U32, websocket, binaries), IN("websocket", "binaries"), .flags = FIELD_OMIT_ZERO},
	{FIELD("pings", U32, websocket, pings), IN("websocket", "pings"), .flags = FIELD_OMIT_ZERO},
	{FIELD("pongs", U32, websocket, pongs), IN("websocket", "pongs"), .flags = FIELD_OMIT_ZERO},
	{FIELD("compressed", BOOL, websocket, compressed), IN("websocket", "compressed"), .flags = FIELD_OMIT_ZERO},
	{FIELD("closed_by", NAME8, websocket, closed_by), IN("websocket", "closed_by"), .flags = FIELD_OMIT_ZERO, NAMES(ends)},
	{FIELD("close_code", U16, websocket, close_code), IN("websocket", "close_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("close_reason", TEXT, websocket, close_reason), IN("websocket", "close_reason")},
	{0},
};

static const struct record_kind kind = {.event_type = "websocket", BODY(websocket), .client_first = true, .fields = fields};

struct frame {
	uint8_t first, opcode;
	bool masked, sound;
	uint64_t length;
	uint8_t mask[MASK_BYTES];
};

// The header of a frame; the span is poisoned if it is not whole.
static struct frame frame_read(struct span *in)
{
	struct frame f = {.first = span_u8(in)};
	uint8_t second = span_u8(in);
	bool control, shortest = true;

	f.opcode = f.first & OPCODE;
	f.masked = (second & MASKED) != 0;
	f.length = second & LENGTH;
	if (f.length == LENGTH_16) {
		f.length = span_be16(in);
		shortest = f.length > CONTROL_MAX;
	} else if (f.length == LENGTH_64) {
		f.length = (uint64_t)span_be32(in) << 32;
		f.length |= span_be32(in);
		shortest = f.length > UINT16_MAX;
	}
	for (unsigned i = 0; f.masked && i < MASK_BYTES; i++)
		f.mask[i] = span_u8(in);
	control = f.opcode >= CLOSE;
	f.sound = shortest && f.length <= MESSAGE_BYTES_MAX && f.opcode <= PONG && (f.opcode <= BINARY || control) &&
		  ((f.first & RESERVED) == 0 || ((f.first & RESERVED) == COMPRESSED && (f.opcode == TEXT || f.opcode == BINARY))) &&
		  (!control || ((f.first & FINAL) != 0 && f.length <= CONTROL_MAX));
	return f;
}

// Whether the bytes begin with a frame of that side as far as they go.
static bool frame_begins(struct span in, bool to_server)
{
	struct frame f;

	if (in.left == 1)
		return (in.at[0] & (RESERVED & ~COMPRESSED)) == 0;
	f = frame_read(&in);
	return f.masked == to_server && (f.sound || !span_ok(&in));
}

static enum proto_verdict judge(struct span in, const struct proto_hint *hint)
{
	struct span from = in;
	struct frame f;

	if (hint->after != &proto_http || !frame_begins(in, hint->to_server) || (in.at[0] & OPCODE) == CONTINUED)
		return PROTO_NO;
	f = frame_read(&from);
	if (!span_ok(&from))
		return PROTO_MORE;
	if (f.length > CONTROL_MAX)
		return PROTO_YES;
	if (from.left < f.length)
		return PROTO_MORE;
	span_bytes(&from, (uint32_t)f.length);
	return from.left == 0 || frame_begins(from, hint->to_server) ? PROTO_YES : PROTO_NO;
}

static void count(struct websocket *w, const struct frame *f, bool to_server)
{
	w->frames[!to_server]++;
	w->bytes[!to_server] += f->opcode <= BINARY ? f->length : 0;
	w->texts += f->opcode == TEXT;
	w->binaries += f->opcode == BINARY;
	w->pings += f->opcode == PING;
	w->pongs += f->opcode == PONG;
	w->compressed |= (f->first & COMPRESSED) != 0;
}

// Code and reason of the side that closes first.
static void close_read(struct span payload, const struct frame *f, bool to_server, struct l7 *l7)
{
	struct websocket *w = L7_BODY(l7, struct websocket);
	uint8_t bytes[CONTROL_MAX];
	uint32_t n = 0;

	w->closed |= to_server ? 1 : 2;
	if (w->closed_by != 0)
		return;
	w->closed_by = to_server ? 1 : 2;
	for (; payload.left > 0 && n < CONTROL_MAX; n++)
		bytes[n] = span_u8(&payload) ^ f->mask[n % MASK_BYTES];
	if (n < CLOSE_CODE_BYTES)
		return;
	w->close_code = (uint16_t)(bytes[0] << 8 | bytes[1]);
	w->close_reason = l7_text_bytes(l7, bytes + CLOSE_CODE_BYTES, n - CLOSE_CODE_BYTES, REASON_MAX);
}

static enum proto_verdict websocket_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct websocket *w = L7_BODY(l7, struct websocket);
	enum proto_verdict verdict = hint->claimed ? PROTO_YES : judge(in, hint);
	struct span from = in;
	struct frame f;

	if (verdict != PROTO_YES)
		return verdict;
	if (!frame_begins(in, hint->to_server))
		return PROTO_DONE;
	f = frame_read(&from);
	if (!span_ok(&from) || (f.opcode == CLOSE && from.left < f.length))
		return PROTO_MORE;
	l7->pending = true;
	count(w, &f, hint->to_server);
	if (f.opcode == CLOSE)
		close_read(span_take(&from, (uint32_t)f.length), &f, hint->to_server, l7);
	else
		l7->skip = f.length;
	l7->used = in.left - from.left;
	return w->closed == 3 ? PROTO_DONE : PROTO_MORE;
}

const struct proto_ops proto_websocket = {
	.name = "websocket",
	.title = "WebSocket",
	.spec = "RFC 6455",
	.l4 = PROTO_TCP,
	.max_payloads = 4,
	.first = {{TEXT, BINARY}, {COMPRESSED | TEXT, COMPRESSED | BINARY}, {FINAL | TEXT, FINAL | BINARY}, {FINAL | CLOSE, FINAL | PONG},
		  {FINAL | COMPRESSED | TEXT, FINAL | COMPRESSED | BINARY}},
	.firsts = 5,
	.dissect = websocket_dissect,
	.kind = &kind,
};
