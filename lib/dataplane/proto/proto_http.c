// HTTP/1.0 and 1.1, RFC 9112: every request and response of a connection, one transaction each pair.
//
// A request waits in l7 for its response. If another request comes first (pipelining, or the responses are not seen) it is
// reported alone, and a response whose request is gone is reported alone with the same tx_id. Bodies are not read: those of
// known length are passed over by the engine, chunked ones chunk by chunk. A head longer than HEAD_BYTES_MAX tells what stands
// in its first part. Bytes that do not begin a message (some were lost) are passed over to where a later segment begins one.
#include "proto/proto_http_head.h"
#include "proto/proto_list.h"

enum { HEAD_BYTES_MAX = 12288, CHUNK_LINE_MAX = 1024, CHUNK_DIGITS_MAX = 15, REQUESTS_REMEMBERED = 64 };
enum { SHORT_MAX = 32, HOST_MAX = 255, URL_MAX = 2048, FIELD_MAX = 512, TYPE_MAX = 128, SERVER_MAX = 256 };
enum { STATUS_SWITCHING = 101, STATUS_OK = 200, STATUS_NO_CONTENT = 204, STATUS_REDIRECT = 300, STATUS_NOT_MODIFIED = 304 };

#define BODY_UNTIL_CLOSE UINT64_MAX
#define BODY_CHUNKED (UINT64_MAX - 1)

enum http_body { BODY_NONE, BODY_HEAD_REST, BODY_CHUNK_SIZE, BODY_CHUNK_END, BODY_TRAILER };

struct http_call {
	struct span in, from; // from: what is not read yet
	const struct proto_hint *hint;
	struct l7 *l7;
	unsigned direction;
	struct http_head head;
	bool whole;           // the head is
};

// Bytes up to `from` are dealt with.
static enum proto_verdict use(struct http_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->from.left;
	return verdict;
}

// A request of which no more will come counts as one.
static void partial_promote(struct l7 *l7)
{
	if (l7->memory.http.partial > 0)
		l7->memory.http.requests++;
	l7->memory.http.partial = 0;
}

static enum proto_verdict pass_over(struct http_call *c)
{
	if (!c->hint->claimed)
		return PROTO_NO;
	c->l7->memory.http.body[c->direction] = BODY_NONE;
	if (c->hint->to_server)
		partial_promote(c->l7);
	else
		c->l7->memory.http.resync = true;
	c->l7->used = c->in.left;
	return PROTO_MORE;
}

// How the engine and the next calls get behind a body.
static void body_begin(struct http_call *c, uint64_t framing)
{
	if (framing == BODY_CHUNKED)
		c->l7->memory.http.body[c->direction] = BODY_CHUNK_SIZE;
	else
		c->l7->skip = framing;
}

static void head_end(struct http_call *c, uint64_t framing)
{
	if (c->whole) {
		body_begin(c, framing);
		return;
	}
	c->l7->memory.http.body[c->direction] = BODY_HEAD_REST;
	c->l7->memory.http.after_head[c->direction] = framing;
}

// ---- requests ----

// The host of an absolute target ("http://host/path") or of CONNECT, for want of a Host field.
static struct span target_host(const struct http_head *head)
{
	struct span rest = head->target, before, authority;

	if (span_starts(head->method, "CONNECT"))
		return rest;
	if (!span_until(&rest, ':', &before) || !span_starts(rest, "//"))
		return (struct span){0};
	span_bytes(&rest, 2);
	return span_until(&rest, '/', &authority) ? authority : rest;
}

static void request_fill(struct l7 *l7, const struct http_head *head)
{
	struct span host = head->host.left > 0 ? head->host : target_host(head);
	struct record_http *http = &l7->http;

	l7_clear(l7);
	l7->type = RECORD_HTTP;
	l7->pending = true;
	http->request = true;
	http->tx_id = l7->memory.http.requests;
	http->method = l7_text(l7, head->method, SHORT_MAX);
	http->hostname = l7_text(l7, host, HOST_MAX);
	l7->hostname = l7_text(l7, http_authority_host(host), HOST_MAX);
	http->url = l7_text(l7, head->target, URL_MAX);
	http->protocol = l7_text(l7, head->protocol, SHORT_MAX);
	http->user_agent = l7_text(l7, head->user_agent, FIELD_MAX);
	http->referer = l7_text(l7, head->referer, FIELD_MAX);
	http->request_type = l7_text(l7, head->content_type, TYPE_MAX);
}

static void request_remember(struct l7 *l7, const struct http_head *head)
{
	uint64_t bit = 1ull << l7->memory.http.requests % REQUESTS_REMEMBERED;

	l7->memory.http.head_bits &= ~bit;
	l7->memory.http.connect_bits &= ~bit;
	if (span_starts(head->method, "HEAD"))
		l7->memory.http.head_bits |= bit;
	if (span_starts(head->method, "CONNECT"))
		l7->memory.http.connect_bits |= bit;
	l7->memory.http.requests++;
}

static enum proto_verdict request(struct http_call *c)
{
	struct l7 *l7 = c->l7;
	bool more_comes = !c->whole && c->in.left < HEAD_BYTES_MAX;

	if (c->in.left < l7->memory.http.partial) // these are not its bytes once more: it was lost
		partial_promote(l7);
	if (l7->pending && l7->memory.http.partial == 0)
		return PROTO_YES; // the one before, unanswered; this one is offered again
	request_fill(l7, &c->head);
	l7->memory.http.partial = more_comes ? c->in.left : 0;
	if (more_comes)
		return PROTO_MORE;
	request_remember(l7, &c->head);
	head_end(c, c->head.chunked ? BODY_CHUNKED : c->head.length);
	return use(c, PROTO_MORE);
}

// ---- responses ----

static void response_fill(struct l7 *l7, const struct http_head *head, uint32_t tx_id)
{
	struct record_http *http = &l7->http;

	if (!l7->pending) {
		l7_clear(l7);
		http->tx_id = tx_id;
		http->protocol = l7_text(l7, head->protocol, SHORT_MAX);
	}
	l7->type = RECORD_HTTP;
	l7->pending = true;
	http->response = true;
	http->status = head->status;
	http->length = head->length;
	http->length_said = head->length_said;
	http->content_type = l7_text(l7, head->content_type, TYPE_MAX);
	http->server = l7_text(l7, head->server, SERVER_MAX);
	http->redirect = l7_text(l7, head->location, FIELD_MAX);
}

// Which request the next response belongs to.
static uint32_t response_tx(struct l7 *l7)
{
	partial_promote(l7);
	if (l7->memory.http.resync)
		l7->memory.http.responses = l7->pending ? l7->http.tx_id : l7->memory.http.requests;
	l7->memory.http.resync = false;
	return l7->memory.http.responses;
}

static bool remembered(const struct l7 *l7, uint64_t bits, uint32_t tx_id)
{
	return l7->memory.http.requests - tx_id <= REQUESTS_REMEMBERED && (bits >> tx_id % REQUESTS_REMEMBERED & 1) != 0;
}

static uint64_t response_framing(const struct l7 *l7, const struct http_head *head, uint32_t tx_id)
{
	if (remembered(l7, l7->memory.http.head_bits, tx_id))
		return 0;
	if (head->status < STATUS_OK || head->status == STATUS_NO_CONTENT || head->status == STATUS_NOT_MODIFIED)
		return 0;
	if (head->chunked)
		return BODY_CHUNKED;
	return head->length_said ? head->length : BODY_UNTIL_CLOSE;
}

static bool response_ends_http(const struct l7 *l7, const struct http_head *head, uint32_t tx_id)
{
	if (head->status == STATUS_SWITCHING)
		return true;
	return head->status >= STATUS_OK && head->status < STATUS_REDIRECT &&
	       remembered(l7, l7->memory.http.connect_bits, tx_id);
}

static enum proto_verdict response(struct http_call *c)
{
	struct l7 *l7 = c->l7;
	uint32_t tx_id;

	if (!c->whole && c->in.left < HEAD_BYTES_MAX)
		return PROTO_MORE;
	if (c->head.status < STATUS_OK && c->head.status != STATUS_SWITCHING) { // an interim one: the real one follows
		head_end(c, 0);
		return use(c, PROTO_MORE);
	}
	tx_id = response_tx(l7);
	if (l7->pending && l7->http.tx_id != tx_id)
		return PROTO_YES; // a later request, alone; this response is offered again
	if (tx_id == l7->memory.http.requests) // its request was not seen
		request_remember(l7, &c->head);
	response_fill(l7, &c->head, tx_id);
	l7->memory.http.responses = tx_id + 1;
	if (response_ends_http(l7, &c->head, tx_id))
		return use(c, PROTO_NEXT);
	head_end(c, response_framing(l7, &c->head, tx_id));
	return use(c, PROTO_YES);
}

// ---- bodies ----

// A chunk's size line: hexadecimal digits, then the end or an extension.
static bool chunk_size_read(struct span line, uint64_t *size)
{
	unsigned digits = 0;

	for (*size = 0; line.left > 0; digits++) {
		uint8_t c = line.at[0], low = c | 0x20;

		if (c >= '0' && c <= '9')
			*size = *size << 4 | (uint64_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			*size = *size << 4 | (uint64_t)(low - 'a' + 10);
		else
			break;
		span_bytes(&line, 1);
	}
	line = span_trim(line);
	return digits > 0 && digits <= CHUNK_DIGITS_MAX && (line.left == 0 || line.at[0] == ';');
}

// One line of a body's framing. False if it cannot be what it should.
static bool body_line(struct http_call *c, struct span line)
{
	uint8_t *state = &c->l7->memory.http.body[c->direction];
	uint64_t size;

	switch (*state) {
	case BODY_CHUNK_SIZE:
		if (!chunk_size_read(line, &size))
			return false;
		*state = size > 0 ? BODY_CHUNK_END : BODY_TRAILER;
		c->l7->skip = size > c->from.left ? size - c->from.left : 0;
		span_bytes(&c->from, size < c->from.left ? (uint32_t)size : c->from.left);
		return true;
	case BODY_CHUNK_END:
		*state = BODY_CHUNK_SIZE;
		return line.left == 0;
	case BODY_TRAILER:
		if (line.left == 0)
			*state = BODY_NONE;
		return true;
	default: // BODY_HEAD_REST
		if (line.left == 0) {
			*state = BODY_NONE;
			body_begin(c, c->l7->memory.http.after_head[c->direction]);
		}
		return true;
	}
}

static enum proto_verdict body(struct http_call *c)
{
	const uint8_t *state = &c->l7->memory.http.body[c->direction];
	struct span line;

	while (*state != BODY_NONE && c->l7->skip == 0 && http_line_read(&c->from, &line))
		if (!body_line(c, line))
			return pass_over(c);
	if (*state == BODY_HEAD_REST ? c->from.left >= HEAD_BYTES_MAX : c->from.left > CHUNK_LINE_MAX && *state != BODY_NONE)
		return pass_over(c);
	return use(c, PROTO_MORE);
}

// ---- the stream ----

static enum proto_verdict message(struct http_call *c)
{
	enum http_start start;

	while (span_starts(c->from, "\r") || span_starts(c->from, "\n")) // empty lines before a message
		span_bytes(&c->from, 1);
	if (c->from.left == 0)
		return c->hint->claimed ? use(c, PROTO_MORE) : PROTO_MORE;
	start = http_start_read(&c->from, &c->head);
	if (start == HTTP_START_NOT || (start == HTTP_START_UNFINISHED && c->in.left >= HEAD_BYTES_MAX))
		return pass_over(c);
	if (start == HTTP_START_UNFINISHED)
		return PROTO_MORE;
	c->whole = http_fields_read(&c->from, &c->head);
	return start == HTTP_START_REQUEST ? request(c) : response(c);
}

static enum proto_verdict http_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct http_call c = {.in = in, .from = in, .hint = hint, .l7 = l7, .direction = !hint->to_server};

	if (l7->memory.http.body[c.direction] != BODY_NONE)
		return body(&c);
	if (in.left > HEAD_BYTES_MAX) // no more of a head is read, however much of it comes at once
		c.in = c.from = span_take(&in, HEAD_BYTES_MAX);
	return message(&c);
}

const struct proto_ops proto_http = {
	.name = "http",
	.title = "HTTP",
	.spec = "RFC 9110, RFC 9112",
	.l4 = PROTO_TCP,
	.ports = {80, 8080, 3128, 8000},
	.max_payloads = 8,
	.first = {{'!', '~'}, {'\n', '\n'}, {'\r', '\r'}},
	.firsts = 3,
	.dissect = http_dissect,
};
