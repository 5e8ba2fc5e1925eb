// DTLS 1.0, 1.2 and 1.3 (RFC 4347, 6347, 9147): the ClientHello and the ServerHello, as an event of TLS. What follows is not looked at.
//
// A hello may come in fragments, in any order, each with the length of the whole; they are put by in l7->text until it is whole. It
// differs from that of TLS by a cookie, which is taken out, and by versions that count downwards. A client that is asked for a cookie
// says its hello again: the first is what counts. A flow from its middle is claimed by its records alone, without a report.
#include "proto/proto_list.h"
#include "proto/proto_pieces.h"
#include "proto/proto_tls_hello.h"
#include "proto/proto_tls_ja.h"

enum { CONTENT_CCS = 20, CONTENT_HANDSHAKE = 22, CONTENT_LAST = 26, RECORD_BYTES_MAX = 16384 + 2048, RECORDS_MAX = 16 };
enum { VERSION_1_0 = 0xfeff, VERSION_1_2 = 0xfefd, VERSION_1_3 = 0xfefc, EPOCH_MAX = 64 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, VERIFY_REQUEST = 3, HELLO_BYTES_MIN = 38, RANDOM_BYTES = 32, UNIFIED_MASK = 0xe0, UNIFIED = 0x20 };
enum { CLIENT_MAX = 4096, SERVER_MAX = 2048, SERVER_AT = L7_TEXT_MAX - SERVER_MAX, SNI_MAX = 1020, DATAGRAMS_MAX = 48 };

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
	struct pieces pieces; // of the client's hello, then of the server's
	uint32_t length;      // of the message they are of
	uint16_t sequence;
	bool begun, server;      // a message, and whether it is the server's
	bool client_whole;
	bool from_server;        // the client is the one that hint->to_server says is the server
	uint8_t datagrams;
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
	if (!span_ok(in) || r->content < CONTENT_CCS || r->content > CONTENT_LAST || r->length == 0 || r->length > RECORD_BYTES_MAX)
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

// Without the cookie between the session id and the ciphers: then it reads as one of TLS. out: CLIENT_MAX bytes.
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

	tls_client_hello_read(cookie_remove(message, l7->scratch + CLIENT_MAX), &hello);
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
	if (tls_ja3s(&hello, print))
		tls->ja3s = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
	return true;
}

// ---- fragments ----

// Where in l7->text the hello of a side is put by: the server's behind the texts of the client's.
static uint32_t room_at(bool server)
{
	return server ? SERVER_AT : 0;
}

// Puts a fragment by; the message if it is whole now, else empty.
static struct span fragment_add(struct l7 *l7, const struct dtls_fragment *f)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	uint32_t at = room_at(f->type == SERVER_HELLO);

	if (!m->begun || m->sequence != f->sequence || m->length != f->length) {
		m->begun = true;
		m->server = f->type == SERVER_HELLO;
		m->sequence = f->sequence;
		m->length = f->length;
		m->pieces.count = 0;
	}
	pieces_add(&m->pieces, (uint8_t *)l7->text + at, L7_TEXT_MAX - at, f->offset, f->data);
	if (pieces_ready(&m->pieces) < f->length)
		return span_of(NULL, 0);
	memcpy(l7->scratch, l7->text + at, f->length);
	m->pieces.count = 0;
	m->begun = false;
	return span_of(l7->scratch, f->length);
}

static bool fragment_fits(const struct dtls_fragment *f)
{
	if (f->type == CLIENT_HELLO)
		return f->length >= HELLO_BYTES_MIN && f->length <= CLIENT_MAX && f->sequence <= 2;
	return f->type == SERVER_HELLO ? f->length >= HELLO_BYTES_MIN && f->length <= SERVER_MAX && f->sequence <= 2 : f->type == VERIFY_REQUEST;
}

// Returns whether all is known now.
static bool fragment_take(struct l7 *l7, const struct dtls_fragment *f, bool to_server)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	struct span message;

	if (f->type == CLIENT_HELLO && !m->client_whole) {
		message = fragment_add(l7, f);
		m->from_server = !to_server;
		if (message.left == 0)
			return false;
		client_fill(l7, message);
		m->client_whole = true;
	} else if (f->type == SERVER_HELLO && (m->client_whole || !m->begun)) {
		message = fragment_add(l7, f);
		return message.left > 0 && server_fill(l7, message);
	}
	return false;
}

static bool fragments_take(struct l7 *l7, struct span in, bool to_server)
{
	struct dtls_fragment f;
	bool done = false;

	while (!done && in.left > 0 && fragment_read(&in, &f) && fragment_fits(&f))
		done = fragment_take(l7, &f, to_server);
	return done;
}

// ---- datagrams ----

// A hello may have been captured in part; then its record is no shape, but what is there must fit.
static bool hello_begins(struct span in)
{
	struct dtls_fragment f;
	struct dtls_record r;

	return record_read(&in, &r) && r.content == CONTENT_HANDSHAKE && r.epoch == 0 && fragment_read(&r.body, &f) && fragment_fits(&f);
}

// Returns whether nothing more is to be learnt. An epoch that is not the first is encrypted: who sends it has the other's hello.
static bool records_take(struct l7 *l7, struct span in, bool to_server)
{
	const struct memory *m = L7_MEMORY(l7, struct memory);
	struct dtls_record r;
	bool done = false;

	while (!done && in.left > 0 && record_read(&in, &r)) {
		if (r.content == CONTENT_HANDSHAKE && r.epoch == 0)
			done = fragments_take(l7, r.body, to_server);
		else if (r.epoch > 0)
			done = !m->client_whole || m->from_server == !to_server;
	}
	return done;
}

static enum proto_verdict dtls_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	bool kept = hint->claimed && m->datagrams > 0, done;

	if (!shape_fits(in) && !hello_begins(in))
		return PROTO_NO;
	done = records_take(l7, in, hint->to_server);
	l7->used = in.left;
	if (!l7->pending && !kept)
		l7->text_used = (uint16_t)(m->begun ? room_at(m->server) + pieces_end(&m->pieces) : 0);
	if (done && !l7->pending)
		l7->text_used = 0;
	return done || ++m->datagrams >= DATAGRAMS_MAX ? PROTO_DONE : PROTO_MORE;
}

const struct proto_ops proto_dtls = {
	.name = "dtls",
	.title = "DTLS",
	.spec = "RFC 4347, RFC 6347, RFC 9147",
	.l4 = PROTO_UDP,
	.ports = {4433, 5684, 5349, 5061},
	.max_payloads = 1,
	.first = {{CONTENT_CCS, CONTENT_LAST}},
	.firsts = 1,
	.keeps = true,
	.dissect = dtls_dissect,
};
