// HTTP/2 in the clear, RFC 9113: by prior knowledge or after an Upgrade. Header blocks are read (proto_hpack.h), all other frames are
// passed over by their length.
//
// The event is that of HTTP. A request waits in l7 for the response of its stream; if another request comes first it is told alone,
// and so is a response whose request is gone, with the same stream_id. The tables of header fields, a kilobyte for each side, lie
// in the half of l7->text that no text of an event reaches; they are begun after the flow is claimed, since only then it is kept.
// A block that is too long, or bytes that are no frame (some were lost), cost what the tables held: fields that the connection
// has said before are missing until it says them again.
#include "proto/proto_hpack.h"
#include "proto/proto_list.h"

enum { FRAME_HEADER = 9, BLOCK_MAX = 12288, FRAME_MAX = 1 << 20, SETTING_BYTES = 6, SETTINGS_MAX = 32, SETTING_LAST = 16 };
enum { TABLES_AT = L7_TEXT_MAX / 2, STATUS_DIGITS = 3, LENGTH_DIGITS_MAX = 19, STATUS_FINAL = 200, STREAMS_STEP = 2 };
enum { SHORT_MAX = 32, HOST_MAX = 255, URL_MAX = 640, FIELD_MAX = 255, TYPE_MAX = 96, VERSION_MAX = 16 };
enum { FLAG_ACK = 0x01, FLAG_END_HEADERS = 0x04, FLAG_PADDED = 0x08, FLAG_PRIORITY = 0x20, PRIORITY_BYTES = 5, PROMISE_BYTES = 4 };
enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_SETTINGS = 4, FRAME_PROMISE = 5, FRAME_CONTINUATION = 9, FRAME_LAST = 0x10 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

_Static_assert(offsetof(struct l7, text) % 8 == 0, "the tables are aligned");
_Static_assert(2 * sizeof(struct hpack_table) <= L7_TEXT_MAX - TABLES_AT, "the tables have half of the text");
_Static_assert(2 * SHORT_MAX + HOST_MAX + URL_MAX + 3 * FIELD_MAX + 2 * TYPE_MAX + VERSION_MAX <= TABLES_AT, "and texts the other");
_Static_assert(BLOCK_MAX + HPACK_ROOM <= L7_SCRATCH, "a block and a value");

struct http2_memory {
	bool begun; // the tables are
};

struct http2_frame {
	uint32_t length, stream;
	uint8_t type, flags;
};

struct http2_call {
	struct span in;
	const struct proto_hint *hint;
	struct l7 *l7;
	struct hpack_table *table; // of this direction
};

// What a header block said, copied to the event field by field.
struct http2_head {
	bool request, response; // has what begins one
	uint16_t status;
};

// ---- frames ----

static struct http2_frame frame_read(struct span *in)
{
	struct http2_frame f;

	f.length = (uint32_t)span_be16(in) << 8;
	f.length |= span_u8(in);
	f.type = span_u8(in);
	f.flags = span_u8(in);
	f.stream = span_be32(in);
	return f;
}

// Whether it can be one: known types, a stream where one belongs.
static bool frame_fits(const struct http2_frame *f)
{
	bool of_stream = f->type <= FRAME_HEADERS || f->type == FRAME_PROMISE || f->type == FRAME_CONTINUATION;

	return f->length <= FRAME_MAX && f->type <= FRAME_LAST && f->stream <= INT32_MAX && (!of_stream || f->stream != 0) &&
	       (f->type != FRAME_SETTINGS || (f->stream == 0 && f->length % SETTING_BYTES == 0));
}

// The header block of a HEADERS or PUSH_PROMISE frame, without what stands around it.
static struct span block_of(const struct http2_frame *f, struct span payload)
{
	uint32_t padding = (f->flags & FLAG_PADDED) != 0 ? span_u8(&payload) : 0;

	if (f->type == FRAME_HEADERS && (f->flags & FLAG_PRIORITY) != 0)
		span_bytes(&payload, PRIORITY_BYTES);
	if (f->type == FRAME_PROMISE)
		span_bytes(&payload, PROMISE_BYTES);
	return span_take(&payload, payload.left >= padding ? payload.left - padding : UINT32_MAX);
}

// The block with what CONTINUATION frames add to it, joined in scratch if there are any. *missing: more of them must come;
// poisoned if it is broken or too long.
static struct span block_join(const struct http2_frame *first, struct span *in, uint8_t *scratch, bool *missing)
{
	struct http2_frame f = *first;
	struct span block = block_of(&f, span_take(in, f.length));
	uint32_t have = 0;

	*missing = false;
	if (!span_ok(&block) || (f.flags & FLAG_END_HEADERS) != 0)
		return block;
	for (;;) {
		if (!span_ok(&block) || block.left > BLOCK_MAX - have)
			return (struct span){.bad = true};
		if (block.left > 0)
			memcpy(scratch + have, block.at, block.left);
		have += block.left;
		if (f.type == FRAME_CONTINUATION && (f.flags & FLAG_END_HEADERS) != 0)
			return span_of(scratch, have);
		*missing = in->left < FRAME_HEADER;
		if (*missing)
			return block;
		f = frame_read(in);
		if (f.type != FRAME_CONTINUATION || f.stream != first->stream)
			return (struct span){.bad = true};
		*missing = f.length <= BLOCK_MAX && in->left < f.length;
		if (*missing)
			return block;
		block = span_take(in, f.length);
	}
}

// ---- messages ----

static uint64_t number_read(struct span digits, unsigned max, bool *sound)
{
	uint64_t number = 0;

	*sound = digits.left > 0 && digits.left <= max;
	while (*sound && digits.left > 0) {
		uint8_t c = span_u8(&digits);

		*sound = c >= '0' && c <= '9';
		number = number * 10 + c - '0';
	}
	return number;
}

static struct span host_of(struct span authority)
{
	struct span rest = authority, host;

	return span_starts(authority, "[") || !span_until(&rest, ':', &host) ? authority : host;
}

static void authority_fill(struct l7 *l7, struct span value)
{
	if (l7->http.hostname.len > 0)
		return;
	l7->http.hostname = l7_text(l7, value, HOST_MAX);
	l7->hostname = (struct record_text){.at = l7->http.hostname.at, .len = (uint16_t)host_of(value).left};
	if (l7->hostname.len > l7->http.hostname.len)
		l7->hostname.len = l7->http.hostname.len;
}

static void text_fill(struct l7 *l7, struct record_text *text, struct span value, uint32_t max)
{
	if (text->len == 0)
		*text = l7_text(l7, value, max);
}

static void field_fill(struct l7 *l7, const struct hpack_field *field, struct http2_head *head, bool to_server)
{
	struct record_http *http = &l7->http;
	bool sound;

	l7->text_cut |= field->cut && field->kind != HPACK_OTHER;
	switch (field->kind) {
	case HPACK_METHOD:
		head->request = true;
		text_fill(l7, &http->method, field->value, SHORT_MAX);
		break;
	case HPACK_PATH:
		text_fill(l7, &http->url, field->value, URL_MAX);
		break;
	case HPACK_AUTHORITY:
	case HPACK_HOST:
		authority_fill(l7, field->value);
		break;
	case HPACK_STATUS:
		head->status = (uint16_t)number_read(field->value, STATUS_DIGITS, &sound);
		head->response = sound;
		break;
	case HPACK_USER_AGENT:
		text_fill(l7, &http->user_agent, field->value, FIELD_MAX);
		break;
	case HPACK_REFERER:
		text_fill(l7, &http->referer, field->value, FIELD_MAX);
		break;
	case HPACK_CONTENT_TYPE:
		text_fill(l7, to_server ? &http->request_type : &http->content_type, field->value, TYPE_MAX);
		break;
	case HPACK_CONTENT_LENGTH:
		if (!to_server)
			http->length = number_read(field->value, LENGTH_DIGITS_MAX, &http->length_said);
		break;
	case HPACK_SERVER:
		text_fill(l7, &http->server, field->value, SHORT_MAX);
		break;
	case HPACK_LOCATION:
		text_fill(l7, &http->redirect, field->value, FIELD_MAX);
		break;
	case HPACK_OTHER:
		break;
	}
}

static void begin_fill(struct l7 *l7, uint32_t stream)
{
	l7->type = RECORD_HTTP;
	l7->http.stream_id = stream;
	l7->http.tx_id = stream / STREAMS_STEP;
	l7->http.protocol = l7_text_bytes(l7, "HTTP/2", sizeof("HTTP/2") - 1, VERSION_MAX);
	l7->http.version = l7_text_bytes(l7, "2", 1, VERSION_MAX);
}

// A block that is whole. Nothing else is in the event than, perhaps, the request of this stream.
static enum proto_verdict block_read(struct http2_call *c, const struct http2_frame *f, struct span block)
{
	struct l7 *l7 = c->l7;
	struct http2_head head = {0};
	struct hpack_field field;

	if (!l7->pending)
		begin_fill(l7, f->stream);
	while (hpack_next(c->table, &block, l7->scratch + BLOCK_MAX, &field))
		field_fill(l7, &field, &head, c->hint->to_server);
	if (head.response && head.status >= STATUS_FINAL) {
		l7->http.status = head.status;
		l7->pending = l7->http.response = true;
		return PROTO_YES;
	}
	if (head.request)
		l7->pending = l7->http.request = true;
	if (!l7->pending) // a trailer, an interim response
		l7_clear(l7);
	return PROTO_MORE;
}

static void promise_read(struct http2_call *c, struct span block)
{
	struct hpack_field field;

	while (hpack_next(c->table, &block, c->l7->scratch + BLOCK_MAX, &field))
		;
}

static enum proto_verdict headers(struct http2_call *c, const struct http2_frame *f, struct span from)
{
	struct l7 *l7 = c->l7;
	struct span block;
	bool missing;

	if (f->length > BLOCK_MAX) {
		hpack_forget(c->table);
		l7->used = FRAME_HEADER;
		l7->skip = f->length;
		return PROTO_MORE;
	}
	if (from.left < f->length)
		return PROTO_MORE;
	if (f->type == FRAME_HEADERS && l7->pending && (c->hint->to_server || l7->http.stream_id != f->stream))
		return PROTO_YES; // the request before, unanswered; this one is offered again
	block = block_join(f, &from, l7->scratch, &missing);
	if (missing && c->in.left < BLOCK_MAX)
		return PROTO_MORE;
	l7->used = c->in.left - from.left;
	if (missing || !span_ok(&block)) {
		hpack_forget(c->table);
		if (l7->used == 0 || !span_ok(&from))
			l7->used = c->in.left;
		return PROTO_MORE;
	}
	if (f->type == FRAME_HEADERS)
		return block_read(c, f, block);
	promise_read(c, block);
	return PROTO_MORE;
}

static enum proto_verdict frame(struct http2_call *c)
{
	struct span from = c->in;
	struct http2_frame f = frame_read(&from);

	if (span_starts(c->in, preface)) {
		c->l7->used = sizeof(preface) - 1;
		return PROTO_MORE;
	}
	if (!span_ok(&from))
		return PROTO_MORE;
	if (!frame_fits(&f)) {
		if (c->in.left < sizeof(preface) - 1 && memcmp(c->in.at, preface, c->in.left) == 0)
			return PROTO_MORE;
		hpack_forget(c->table);
		c->l7->used = c->in.left;
		return PROTO_MORE;
	}
	if (f.type == FRAME_HEADERS || f.type == FRAME_PROMISE)
		return headers(c, &f, from);
	c->l7->used = FRAME_HEADER;
	c->l7->skip = f.length;
	return PROTO_MORE;
}

// ---- whether it is HTTP/2 ----

// The first frame of a server, or of a client after its preface: settings that are known, and not an answer to such. One without
// any is nine bytes that say little: it counts after an Upgrade.
static bool settings_begin(struct span in, const struct proto_hint *hint)
{
	struct http2_frame f = frame_read(&in);
	uint32_t count = f.length / SETTING_BYTES;

	if (!span_ok(&in) || f.type != FRAME_SETTINGS || f.flags != 0 || !frame_fits(&f) || count > SETTINGS_MAX)
		return false;
	if (count == 0)
		return hint->after == &proto_http;
	for (uint32_t i = 0; i < count && in.left >= SETTING_BYTES; i++) {
		uint16_t setting = span_be16(&in);

		span_be32(&in);
		if (setting == 0 || setting > SETTING_LAST)
			return false;
	}
	return true;
}

static enum proto_verdict begin(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (span_starts(in, preface)) {
		l7->used = sizeof(preface) - 1;
		return PROTO_MORE;
	}
	if (in.left < sizeof(preface) - 1 && memcmp(in.at, preface, in.left) == 0)
		return PROTO_MORE;
	if (in.left < FRAME_HEADER)
		return in.at[0] == 0 ? PROTO_MORE : PROTO_NO;
	if (!settings_begin(in, hint))
		return PROTO_NO;
	if (hint->after == &proto_http || in.left >= FRAME_HEADER + SETTING_BYTES)
		l7->used = FRAME_HEADER;
	l7->skip = l7->used > 0 ? in.at[2] : 0; // settings are few
	return PROTO_MORE;
}

static enum proto_verdict http2_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct http2_memory *memory = L7_MEMORY(l7, struct http2_memory);
	struct hpack_table *tables = (struct hpack_table *)(void *)(l7->text + TABLES_AT);
	struct http2_call c = {.in = in, .hint = hint, .l7 = l7, .table = &tables[!hint->to_server]};

	if (!hint->claimed)
		return begin(in, hint, l7);
	if (!memory->begun) {
		hpack_begin(&tables[0]);
		hpack_begin(&tables[1]);
		memory->begun = true;
	}
	return frame(&c);
}

const struct proto_ops proto_http2 = {
	.name = "http2",
	.title = "HTTP/2",
	.spec = "RFC 9113, RFC 7541",
	.l4 = PROTO_TCP,
	.ports = {80, 8080, 8000},
	.max_payloads = 4,
	.first = {{'P', 'P'}, {0, 0}},
	.firsts = 2,
	.dissect = http2_dissect,
};
