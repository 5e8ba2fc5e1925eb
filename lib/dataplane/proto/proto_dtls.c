// DTLS 1.0, 1.2 and 1.3 (RFC 4347, 6347, 9147), as an event of TLS: both hellos, and what is plain of the server's certificate and
// alerts. What is encrypted is not looked at: the first of it ends the matter.
//
// A message may come in fragments, in any order, each with the length of the whole; they are put by in l7->text until it is whole. It
// differs from that of TLS by a cookie, which is taken out, and by versions that count downwards. A client that is asked for a cookie
// says its hello again: the first is what counts. A flow from its middle is claimed by its records alone, without a report.
#include "proto/proto_list.h"
#include "proto/proto_pieces.h"
#include "proto/proto_tls_certificate.h"
#include "proto/proto_tls_hello.h"
#include "proto/proto_tls_ja.h"
#include "proto/proto_tls_record.h"

enum { CONTENT_LAST = 26, RECORDS_MAX = 16, VERSION_1_0 = 0xfeff, VERSION_1_2 = 0xfefd, VERSION_1_3 = 0xfefc, EPOCH_MAX = 64 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, VERIFY_REQUEST = 3, CERTIFICATE = 11, SERVER_KEY = 12, HELLO_DONE = 14, MESSAGE_LAST = 25 };
enum { HELLO_BYTES_MIN = 38, RANDOM_BYTES = 32, SEQUENCE_HELLO_MAX = 2, UNIFIED_MASK = 0xe0, UNIFIED = 0x20, SNI_MAX = 1020 };
enum { DATAGRAMS_MAX = 48, HELLO_MAX = 4096, SERVER_HELLO_MAX = 2048 };

struct dtls_record {
	uint8_t content;
	uint16_t version, epoch, length;
	struct span body; // as far as it was captured
};

struct dtls_fragment {
	uint8_t type;
	uint32_t length, offset;
	uint16_t sequence;
	struct span data;
};

struct memory {
	struct pieces pieces;
	uint32_t length;   // of the message they are of
	uint16_t sequence;
	uint8_t type;      // 0: none has begun
	uint8_t datagrams;
	bool client_whole; // its hello is read
	bool from_server;  // the client is the one that hint->to_server says is the server
};

// ---- records ----

static uint32_t be24(struct span *in)
{
	uint32_t high = span_u8(in);

	return high << 16 | span_be16(in);
}

static bool record_read(struct span *in, struct dtls_record *r)
{
	r->content = span_u8(in);
	r->version = span_be16(in);
	r->epoch = span_be16(in);
	span_bytes(in, 6); // sequence number
	r->length = span_be16(in);
	if (!span_ok(in) || r->content < TLS_CCS || r->content > CONTENT_LAST || r->length == 0 || r->length > TLS_RECORD_BYTES_MAX)
		return false;
	r->body = span_take(in, r->length < in->left ? r->length : in->left);
	return (r->version == VERSION_1_0 || r->version == VERSION_1_2) && r->epoch <= EPOCH_MAX;
}

// Whether a datagram is records from its beginning to its end; those of DTLS 1.3 that are encrypted have a header of their own.
static bool shape_fits(struct span in)
{
	struct dtls_record r;
	unsigned records = 0;

	for (; in.left > 0 && records < RECORDS_MAX; records++) {
		if (records > 0 && (in.at[0] & UNIFIED_MASK) == UNIFIED)
			return true;
		if (!record_read(&in, &r) || r.body.left < r.length)
			return false;
	}
	return in.left == 0 && records > 0;
}

static bool fragment_read(struct span *in, struct dtls_fragment *f)
{
	uint32_t length;

	f->type = span_u8(in);
	f->length = be24(in);
	f->sequence = span_be16(in);
	f->offset = be24(in);
	length = be24(in);
	if (!span_ok(in) || f->offset + length > f->length)
		return false;
	f->data = span_take(in, length < in->left ? length : in->left);
	return true;
}

// ---- hellos ----

// Without the cookie between the session id and the ciphers: then it reads as one of TLS. out: HELLO_MAX bytes.
static struct span cookie_remove(struct span in, uint8_t *out)
{
	struct span from = in;
	uint32_t before;

	span_bytes(&from, 2 + RANDOM_BYTES);
	span_bytes(&from, span_u8(&from));
	before = in.left - from.left;
	span_bytes(&from, span_u8(&from));
	if (!span_ok(&from))
		return span_of(out, 0);
	memcpy(out, in.at, before);
	memcpy(out + before, from.at, from.left);
	return span_of(out, before + from.left);
}

// The highest that is offered is the least of the numbers.
static uint16_t highest_of(const struct tls_hello *hello)
{
	struct span list = hello->versions;
	uint16_t highest = hello->version;

	while (list.left > 0) {
		uint16_t version = span_be16(&list);

		if (version < highest && version >= VERSION_1_3)
			highest = version;
	}
	return highest;
}

static void client_fill(struct l7 *l7, struct span message)
{
	struct record_tls *tls = &l7->tls;
	struct tls_hello hello;
	char print[TLS_JA_ROOM];

	tls_client_hello_read(cookie_remove(message, l7->scratch + HELLO_MAX), &hello);
	hello.highest = highest_of(&hello);
	l7_clear(l7);
	l7->type = RECORD_TLS;
	l7->pending = true;
	tls->client_hello = true;
	tls->client_version = hello.highest;
	tls->ciphers_offered = (uint16_t)hello.ciphers_count;
	tls->extensions_offered = (uint16_t)hello.extensions_count;
	tls->resumed_asked = hello.resumed;
	tls->sni = l7->hostname = l7_text(l7, hello.sni, SNI_MAX);
	tls->alpn_client = tls_alpn_text(l7, hello.alpn);
	l7->service = tls_alpn_service(hello.alpn);
	if (tls_ja3(&hello, print))
		tls->ja3 = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
	if (tls_ja4(&hello, 'd', print))
		tls->ja4 = l7_text_bytes(l7, print, TLS_JA4_LENGTH, TLS_JA4_LENGTH);
}

// False: it only asks for another ClientHello.
static bool server_fill(struct l7 *l7, struct span message)
{
	struct record_tls *tls = &l7->tls;
	struct tls_hello hello;
	char print[TLS_JA_ROOM];

	tls_server_hello_read(message, &hello);
	if (hello.retry)
		return false;
	l7->type = RECORD_TLS;
	l7->pending = true;
	tls->server_hello = true;
	tls->version = hello.highest;
	tls->cipher = hello.cipher;
	tls->alpn_server = tls_alpn_text(l7, hello.alpn);
	if (hello.alpn.left > 0)
		l7->service = tls_alpn_service(hello.alpn);
	if (tls_ja3s(&hello, print))
		tls->ja3s = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
	return true;
}

// ---- fragments ----

// Where in l7->text a message is put by: behind the texts of those before it, of which none is written meanwhile.
static uint32_t room_at(const struct l7 *l7)
{
	return l7->pending ? l7->text_used : 0;
}

// Puts a fragment by. The message if it is whole now, or as much of a certificate as there is room for; else empty.
static struct span fragment_add(struct l7 *l7, const struct dtls_fragment *f)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	uint32_t at = room_at(l7), room = L7_TEXT_MAX - at, ready;

	if (m->type != f->type || m->sequence != f->sequence || m->length != f->length) {
		m->type = f->type;
		m->sequence = f->sequence;
		m->length = f->length;
		m->pieces.count = 0;
	}
	pieces_add(&m->pieces, (uint8_t *)l7->text + at, room, f->offset, f->data);
	ready = pieces_ready(&m->pieces);
	if (ready < f->length && ready < room)
		return span_of(NULL, 0);
	memcpy(l7->scratch, l7->text + at, ready);
	m->type = 0;
	return span_of(l7->scratch, ready);
}

// What has come of a certificate until the next message.
static void certificate_end(struct l7 *l7, bool costly)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	uint32_t ready = pieces_ready(&m->pieces);

	if (m->type != CERTIFICATE)
		return;
	memcpy(l7->scratch, l7->text + room_at(l7), ready);
	m->type = 0;
	tls_certificate_fill(span_of(l7->scratch, ready), costly, l7);
}

static bool fragment_fits(const struct dtls_fragment *f)
{
	if (f->type == CLIENT_HELLO)
		return f->length >= HELLO_BYTES_MIN && f->length <= HELLO_MAX && f->sequence <= SEQUENCE_HELLO_MAX;
	if (f->type == SERVER_HELLO)
		return f->length >= HELLO_BYTES_MIN && f->length <= SERVER_HELLO_MAX && f->sequence <= SEQUENCE_HELLO_MAX;
	return f->type <= MESSAGE_LAST;
}

static void client_take(struct l7 *l7, const struct dtls_fragment *f, bool to_server)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	struct span message;

	if (m->client_whole || l7->tls.server_hello)
		return;
	m->from_server = !to_server;
	message = fragment_add(l7, f);
	if (message.left == 0)
		return;
	client_fill(l7, message);
	m->client_whole = true;
}

// Returns whether all is known now.
static bool fragment_take(struct l7 *l7, const struct dtls_fragment *f, const struct proto_hint *hint)
{
	const struct record_tls *tls = &l7->tls;
	struct span message;

	switch (f->type) {
	case CLIENT_HELLO:
		client_take(l7, f, hint->to_server);
		return false;
	case SERVER_HELLO:
		message = tls->server_hello ? span_of(NULL, 0) : fragment_add(l7, f);
		return message.left > 0 && server_fill(l7, message) && tls->version == VERSION_1_3;
	case CERTIFICATE:
		message = tls->server_hello && tls->chain == 0 ? fragment_add(l7, f) : span_of(NULL, 0);
		if (message.left > 0)
			tls_certificate_fill(message, hint->costly, l7);
		return message.left > 0;
	case SERVER_KEY:
	case HELLO_DONE:
		certificate_end(l7, hint->costly);
		return tls->server_hello;
	default:
		return false;
	}
}

static bool fragments_take(struct l7 *l7, struct span in, const struct proto_hint *hint)
{
	struct dtls_fragment f;
	bool done = false;

	while (!done && in.left > 0 && fragment_read(&in, &f) && fragment_fits(&f))
		done = fragment_take(l7, &f, hint);
	return done;
}

// ---- datagrams ----

// A hello may have been captured in part; then its record is no shape, but what is there must fit.
static bool hello_begins(struct span in)
{
	struct dtls_fragment f;
	struct dtls_record r;

	return record_read(&in, &r) && r.content == TLS_HANDSHAKE && r.epoch == 0 && fragment_read(&r.body, &f) &&
	       f.type <= VERIFY_REQUEST && fragment_fits(&f);
}

static bool alert_take(struct l7 *l7, const struct dtls_record *r, const struct proto_hint *hint)
{
	struct span in = r->body;
	uint8_t level = span_u8(&in), description = span_u8(&in);

	if (!span_ok(&in) || r->length != TLS_ALERT_BYTES || level != TLS_ALERT_FATAL)
		return false;
	certificate_end(l7, hint->costly);
	tls_alert_fill(level, description, hint->to_server, l7);
	return true;
}

// Returns whether nothing more is to be learnt. An epoch that is not the first is encrypted: who sends it has the other's hello.
static bool record_take(struct l7 *l7, const struct dtls_record *r, const struct proto_hint *hint)
{
	const struct memory *m = L7_MEMORY(l7, struct memory);
	struct record_tls *tls = &l7->tls;

	if (r->epoch > 0) {
		certificate_end(l7, hint->costly);
		return !m->client_whole || tls->server_hello || m->from_server == !hint->to_server;
	}
	if (r->content == TLS_HANDSHAKE)
		return fragments_take(l7, r->body, hint);
	if (r->content == TLS_CCS && tls->server_hello && tls->chain == 0 && m->type == 0)
		tls->resumed = true; // no certificate came before it
	return r->content == TLS_ALERT && alert_take(l7, r, hint);
}

static enum proto_verdict dtls_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	bool kept = hint->claimed && m->datagrams > 0, done = false;
	struct dtls_record r;

	if (!shape_fits(in) && !hello_begins(in))
		return PROTO_NO;
	l7->used = in.left;
	if (kept && !l7->pending)
		l7->text_used = 0;
	while (!done && in.left > 0 && record_read(&in, &r))
		done = record_take(l7, &r, hint);
	if (!l7->pending && !kept)
		l7->text_used = (uint16_t)(m->type != 0 && !done ? pieces_end(&m->pieces) : 0);
	return done || ++m->datagrams >= DATAGRAMS_MAX ? PROTO_DONE : PROTO_MORE;
}

const struct proto_ops proto_dtls = {
	.name = "dtls",
	.title = "DTLS",
	.spec = "RFC 4347, RFC 6347, RFC 9147",
	.l4 = PROTO_UDP,
	.ports = {4433, 5684, 5349, 5061},
	.max_payloads = 1,
	.first = {{TLS_CCS, CONTENT_LAST}},
	.firsts = 1,
	.keeps = true,
	.dissect = dtls_dissect,
};
