// SSL 3.0 to TLS 1.3 over TCP: both hellos, and up to TLS 1.2, where they are plain, the server's certificate, resumption and
// alerts. What is encrypted is passed over; a flow is done when both sides have come to that.
//
// A message may lie in several segments and records; its bytes are joined in l7->scratch, and looked at again only when so many
// have come that it may be whole, or an eighth more: a hello in segments of one byte costs some sixty looks. A ClientHello claims
// the flow as soon as its first bytes are there, so that one that was cut still tells what it told. A flow seen from the middle
// is claimed by the shape of its records alone, without a report. A hello after a HelloRetryRequest is an event of its own.
#include "proto/proto_list.h"
#include "proto/proto_tls_certificate.h"
#include "proto/proto_tls_hello.h"
#include "proto/proto_tls_ja.h"
#include "proto/proto_tls_record.h"

enum { HELLO_BYTES_MIN = 38, JUDGED_BYTES = 6, SESSION_MAX = 32, LOOK_SHARE = 8, LOOK_LEAST = 16 };
enum { HELLO_BYTES_MAX = TLS_JOIN_MAX, CERTIFICATE_WAIT = 12288, SNI_MAX = 1020 };
enum { TLS_1_3 = 0x0304 };

enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_TICKET = 4,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_HELLO_DONE = 14,
	MESSAGE_LAST = 25
};

struct tls_side {
	uint32_t look_at;     // with fewer bytes than these nothing new can be read
	uint32_t record_left; // of a handshake record of which some messages are used
	bool ccs;             // it has changed its cipher: what follows is encrypted, or a hello of TLS 1.3
	bool over;            // nothing more is read of it
	bool server;          // it has sent a ServerHello
	uint8_t session_bytes;
	uint8_t session[SESSION_MAX]; // of its hello
};

struct tls_memory {
	struct tls_side side[2]; // 0: to the server
	bool client_whole;       // the ClientHello in the event is complete
	bool hello_done;         // the server has said so: a full handshake
};

struct tls_call {
	struct span in;
	const struct proto_hint *hint;
	struct l7 *l7;
	struct tls_memory *memory;
	struct tls_side *side;
};

// ---- what becomes of a side ----

static bool settled(const struct tls_call *c)
{
	const struct record_tls *tls = &c->l7->tls;

	if (c->memory->side[0].over && c->memory->side[1].over)
		return true;
	return c->memory->client_whole && tls->server_hello && !tls->retry && tls->version >= TLS_1_3;
}

// What is before `rest` is dealt with.
static enum proto_verdict go_on(struct tls_call *c, struct span rest)
{
	c->l7->used = c->in.left - rest.left;
	c->side->look_at = 0;
	return settled(c) ? PROTO_DONE : PROTO_MORE;
}

static enum proto_verdict side_over(struct tls_call *c)
{
	c->side->over = true;
	c->l7->used = c->in.left;
	c->l7->skip = UINT64_MAX;
	return settled(c) ? PROTO_DONE : PROTO_MORE;
}

// At least `missing` bytes more are needed; of a message that grows slowly a part may be told earlier.
static enum proto_verdict wait(struct tls_call *c, uint32_t missing)
{
	uint32_t share = c->in.left / LOOK_SHARE + LOOK_LEAST;

	c->side->look_at = c->in.left + (missing < share ? missing : share);
	return PROTO_MORE;
}

// ---- hellos ----

static void client_hello_fill(struct l7 *l7, const struct tls_hello *hello)
{
	struct record_tls *tls = &l7->tls;

	l7->type = RECORD_TLS;
	l7->pending = true;
	tls->client_hello = true;
	tls->resumed_asked = hello->resumed;
	tls->ech = hello->ech;
	tls->client_version = hello->highest;
	tls->ciphers_offered = (uint16_t)hello->ciphers_count;
	tls->extensions_offered = (uint16_t)hello->extensions_count;
	tls->sni = l7->hostname = l7_text(l7, hello->sni, SNI_MAX);
	tls->alpn_client = tls_alpn_text(l7, hello->alpn);
	l7->service = tls_alpn_service(hello->alpn);
}

static void client_prints_fill(struct l7 *l7, const struct tls_hello *hello)
{
	char print[TLS_JA_ROOM];

	if (tls_ja3(hello, print))
		l7->tls.ja3 = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
	if (tls_ja4(hello, 't', print))
		l7->tls.ja4 = l7_text_bytes(l7, print, TLS_JA4_LENGTH, TLS_JA4_LENGTH);
}

static void server_hello_fill(struct l7 *l7, const struct tls_hello *hello)
{
	struct record_tls *tls = &l7->tls;
	char print[TLS_JA_ROOM];

	l7->type = RECORD_TLS;
	l7->pending = true;
	tls->server_hello = true;
	tls->retry = hello->retry;
	tls->resumed = hello->resumed;
	tls->version = hello->highest;
	tls->cipher = hello->cipher;
	tls->alpn_server = tls_alpn_text(l7, hello->alpn);
	if (hello->alpn.left > 0)
		l7->service = tls_alpn_service(hello->alpn);
	if (tls_ja3s(hello, print))
		tls->ja3s = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
}

static void session_keep(struct tls_side *side, struct span session)
{
	if (!span_ok(&session) || session.left > SESSION_MAX)
		return;
	side->session_bytes = (uint8_t)session.left;
	if (session.left > 0)
		memcpy(side->session, session.at, session.left);
}

// Up to TLS 1.2 a server that resumes a session answers with the id that the client gave.
static void session_compare(struct tls_call *c)
{
	const struct tls_side *a = &c->memory->side[0], *b = &c->memory->side[1];
	struct record_tls *tls = &c->l7->tls;

	if (c->memory->client_whole && tls->server_hello && tls->version < TLS_1_3 && a->session_bytes > 0)
		tls->resumed |= a->session_bytes == b->session_bytes && memcmp(a->session, b->session, a->session_bytes) == 0;
}

// in: the message without its header, as far as it is there.
static void client_hello(struct tls_call *c, struct span in, bool whole)
{
	struct l7 *l7 = c->l7;
	struct tls_hello hello;

	if (!l7->tls.server_hello)
		l7_clear(l7); // what an earlier part of it told
	else if (!whole)
		return;
	tls_client_hello_read(in, &hello);
	client_hello_fill(l7, &hello);
	if (!whole)
		return;
	client_prints_fill(l7, &hello);
	session_keep(c->side, hello.session);
	c->memory->client_whole = true;
	session_compare(c);
}

static void server_hello(struct tls_call *c, struct span in)
{
	struct tls_hello hello;

	tls_server_hello_read(in, &hello);
	server_hello_fill(c->l7, &hello);
	session_keep(c->side, hello.session);
	c->side->server = true;
	session_compare(c);
}

// ---- handshake ----

// Whether joined handshake bytes begin with a hello, as long as nothing speaks against it.
static bool hello_begins(struct span in)
{
	uint8_t type;
	uint32_t length = tls_message_read(&in, &type);
	uint16_t version = span_be16(&in);

	return (type == MESSAGE_CLIENT_HELLO || type == MESSAGE_SERVER_HELLO) && length >= HELLO_BYTES_MIN &&
	       length <= HELLO_BYTES_MAX && (!span_ok(&in) || (version >= 0x0300 && version <= TLS_1_3));
}

static bool is_hello(uint8_t type)
{
	return type == MESSAGE_CLIENT_HELLO || type == MESSAGE_SERVER_HELLO;
}

// A message of the server's that is there, whole or (a certificate) as far as one waits for it.
static void server_message(struct tls_call *c, uint8_t type, struct span body)
{
	struct record_tls *tls = &c->l7->tls;

	if (type == MESSAGE_CERTIFICATE && tls->chain == 0)
		tls_certificate_fill(body, c->hint->costly, c->l7);
	else if (type == MESSAGE_TICKET)
		tls->ticket = true;
	else if (type == MESSAGE_HELLO_DONE)
		c->memory->hello_done = true;
}

static void message(struct tls_call *c, uint8_t type, struct span body)
{
	if (type == MESSAGE_CLIENT_HELLO)
		client_hello(c, body, true);
	else if (type == MESSAGE_SERVER_HELLO)
		server_hello(c, body);
	else if (c->side->server)
		server_message(c, type, body);
}

static enum proto_verdict message_part(struct tls_call *c, uint8_t type, struct span body, uint32_t missing, bool ended)
{
	if (type == MESSAGE_CLIENT_HELLO)
		client_hello(c, body, false);
	if (!ended && c->in.left < (type == MESSAGE_CERTIFICATE ? CERTIFICATE_WAIT : HELLO_BYTES_MAX))
		return wait(c, missing);
	if (type == MESSAGE_CERTIFICATE && c->side->server)
		server_message(c, type, body);
	return side_over(c);
}

// The event that is pending has this hello already: it is told before another begins.
static bool hello_again(struct tls_call *c, uint8_t type)
{
	const struct record_tls *tls = &c->l7->tls;
	bool again = type == MESSAGE_CLIENT_HELLO ? tls->client_hello && c->memory->client_whole : tls->server_hello;

	if (again)
		c->memory->client_whole = c->memory->hello_done = false;
	return again;
}

static enum proto_verdict handshake(struct tls_call *c)
{
	struct span bytes, from = c->in;
	uint32_t length;
	uint8_t type;
	bool ended;

	bytes = tls_handshake_join(c->in, c->side->record_left, c->l7->scratch, &ended);
	if (bytes.left < JUDGED_BYTES && !ended && (c->side->ccs || bytes.left < TLS_MESSAGE_HEADER))
		return wait(c, 1);
	if (c->side->ccs && !hello_begins(bytes))
		return side_over(c);
	c->side->ccs = false;
	if (is_hello(bytes.at[0]) && !hello_begins(bytes))
		return side_over(c);
	length = tls_message_read(&bytes, &type);
	if (!span_ok(&bytes) || type > MESSAGE_LAST)
		return side_over(c);
	if (is_hello(type) && hello_again(c, type))
		return PROTO_YES;
	if (bytes.left < length)
		return message_part(c, type, bytes, length - bytes.left, ended);
	message(c, type, span_take(&bytes, length));
	tls_handshake_pass(&from, &c->side->record_left, TLS_MESSAGE_HEADER + length);
	return go_on(c, from);
}

// ---- other records ----

static enum proto_verdict alert(struct tls_call *c, struct span in, uint16_t length)
{
	uint8_t level = span_u8(&in), description = span_u8(&in);

	if (length != TLS_ALERT_BYTES || (span_ok(&in) && level != TLS_ALERT_WARNING && level != TLS_ALERT_FATAL)) // encrypted
		return side_over(c);
	if (!span_ok(&in))
		return wait(c, 1);
	tls_alert_fill(level, description, c->hint->to_server, c->l7);
	go_on(c, in);
	return level == TLS_ALERT_FATAL || description == TLS_ALERT_CLOSE ? PROTO_DONE : PROTO_MORE;
}

static enum proto_verdict cipher_change(struct tls_call *c, struct span in, uint16_t length)
{
	struct record_tls *tls = &c->l7->tls;

	if (length != 1)
		return side_over(c);
	span_u8(&in);
	if (!span_ok(&in))
		return wait(c, 1);
	c->side->ccs = true;
	if (c->side->server && tls->version < TLS_1_3 && !c->memory->hello_done && tls->chain == 0)
		tls->resumed = tls->server_hello;
	return go_on(c, in);
}

static enum proto_verdict record(struct tls_call *c)
{
	struct span from = c->in;
	struct tls_record r;

	if (c->side->record_left > 0)
		return handshake(c);
	r = tls_record_read(&from);
	if (!span_ok(&from))
		return tls_record_begins(c->in) ? wait(c, 1) : side_over(c);
	if (!tls_record_fits(&r))
		return side_over(c);
	switch (r.content) {
	case TLS_HANDSHAKE:
		return handshake(c);
	case TLS_CCS:
		return cipher_change(c, from, r.length);
	case TLS_ALERT:
		return alert(c, from, r.length);
	default:
		return side_over(c);
	}
}

// ---- whether it is TLS at all ----

// A flow whose beginning was not seen: two records in a row, or one that is all there is.
static enum proto_verdict midstream(struct span in)
{
	struct span from = in;
	struct tls_record r = tls_record_read(&from);

	if (!span_ok(&from) || !tls_record_fits(&r))
		return PROTO_NO;
	if (from.left == r.length)
		return PROTO_DONE;
	if (from.left < (uint32_t)r.length + TLS_RECORD_HEADER)
		return PROTO_MORE;
	span_bytes(&from, r.length);
	r = tls_record_read(&from);
	return tls_record_fits(&r) ? PROTO_DONE : PROTO_NO;
}

static enum proto_verdict ssl2_hello(struct tls_call *c, const struct tls_hello *hello)
{
	client_hello_fill(c->l7, hello);
	c->l7->tls.ssl2 = true;
	c->memory->client_whole = true;
	return side_over(c);
}

static enum proto_verdict begin(struct tls_call *c)
{
	struct tls_hello hello;
	struct span bytes;
	bool ended;

	if (tls_ssl2_hello_read(c->in, &hello))
		return ssl2_hello(c, &hello);
	if (c->in.left < TLS_RECORD_HEADER && tls_record_begins(c->in))
		return PROTO_MORE;
	bytes = tls_handshake_join(c->in, 0, c->l7->scratch, &ended);
	if (bytes.left < JUDGED_BYTES && !ended && tls_record_begins(c->in))
		return PROTO_MORE;
	return hello_begins(bytes) ? record(c) : midstream(c->in);
}

static enum proto_verdict tls_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct tls_memory *memory = L7_MEMORY(l7, struct tls_memory);
	struct tls_call c = {.in = in, .hint = hint, .l7 = l7, .memory = memory, .side = &memory->side[!hint->to_server]};

	if (!hint->claimed)
		return begin(&c);
	if (c.side->over)
		return side_over(&c);
	return in.left < c.side->look_at ? PROTO_MORE : record(&c);
}

const struct proto_ops proto_tls = {
	.name = "tls",
	.title = "TLS",
	.spec = "RFC 8446, RFC 5246",
	.l4 = PROTO_TCP,
	.ports = {443, 8443, 853, 993},
	.max_payloads = 16,
	.first = {{TLS_CCS, TLS_DATA}, {0x80, 0xff}},
	.firsts = 2,
	.dissect = tls_dissect,
};
