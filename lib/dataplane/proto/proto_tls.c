// TLS 1.0 to 1.3 (and SSL 3.0, which has the same messages) over TCP: the ClientHello and the ServerHello; what follows is
// encrypted or belongs to certificates.
//
// A hello may lie in several segments and in several records; its bytes are joined in l7->scratch. A ClientHello claims the flow
// as soon as its first bytes are there, so that one that was cut still tells what it told. A flow seen from the middle is
// claimed by the shape of its records alone, without a report. The SSL 2.0 form of hello is refused.
#include "proto/proto_list.h"
#include "proto/proto_tls_hello.h"
#include "proto/proto_tls_ja.h"

enum { RECORD_HEADER = 5, RECORD_BYTES_MAX = 16384 + 2048, MESSAGE_HEADER = 4, HELLO_BYTES_MIN = 38, JUDGED_BYTES = 6 };
enum { HELLO_BYTES_MAX = 16384, SNI_MAX = 1020 };
enum { CONTENT_CCS = 20, CONTENT_ALERT = 21, CONTENT_HANDSHAKE = 22, CONTENT_DATA = 23 };
enum { ALERT_BYTES = 2, ALERT_WARNING = 1, ALERT_CLOSE = 0 };
enum { MESSAGE_CLIENT_HELLO = 1, MESSAGE_SERVER_HELLO = 2 };

struct tls_record {
	uint8_t content;
	uint16_t version, length;
};

static struct tls_record record_header_read(struct span *in)
{
	struct tls_record r;

	r.content = span_u8(in);
	r.version = span_be16(in);
	r.length = span_be16(in);
	return r;
}

static bool record_fits(const struct tls_record *r)
{
	return r->content >= CONTENT_CCS && r->content <= CONTENT_DATA && r->version >= 0x0300 && r->version <= 0x0304 &&
	       r->length > 0 && r->length <= RECORD_BYTES_MAX;
}

// The handshake bytes of the records in `in`, joined in scratch; *ended if a record of another kind, or none, comes after them.
static struct span handshake_join(struct span in, uint8_t *scratch, bool *ended)
{
	uint32_t have = 0;

	*ended = in.left < RECORD_HEADER;
	while (in.left >= RECORD_HEADER && have < HELLO_BYTES_MAX) {
		struct tls_record r = record_header_read(&in);
		uint32_t take = r.length < in.left ? r.length : in.left;

		if (!record_fits(&r) || (r.content != CONTENT_HANDSHAKE && r.content != CONTENT_CCS)) {
			*ended = true;
			break;
		}
		if (r.content == CONTENT_CCS) { // between a HelloRetryRequest and the ServerHello
			span_bytes(&in, take);
			continue;
		}
		if (take > HELLO_BYTES_MAX - have)
			take = HELLO_BYTES_MAX - have;
		memcpy(scratch + have, span_bytes(&in, take), take);
		have += take;
	}
	return span_of(scratch, have);
}

static uint32_t message_header_read(struct span *in, uint8_t *type)
{
	uint32_t high;

	*type = span_u8(in);
	high = span_u8(in);
	return high << 16 | span_be16(in);
}

static void client_hello_fill(struct l7 *l7, const struct tls_hello *hello)
{
	struct record_tls *tls = &l7->tls;

	l7->type = RECORD_TLS;
	l7->pending = true;
	tls->client_hello = true;
	tls->resumed_asked = hello->resumed;
	tls->client_version = hello->highest;
	tls->ciphers_offered = (uint16_t)hello->ciphers_count;
	tls->extensions_offered = (uint16_t)hello->extensions_count;
	tls->sni = l7->hostname = l7_text(l7, hello->sni, SNI_MAX);
	tls->alpn_client = tls_alpn_text(l7, hello->alpn);
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
	tls->version = hello->highest;
	tls->cipher = hello->cipher;
	tls->alpn_server = tls_alpn_text(l7, hello->alpn);
	if (tls_ja3s(hello, print))
		tls->ja3s = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
}

// in: the message without its header, as far as it is there; ended: no more of it will come.
static enum proto_verdict client_hello(struct span in, uint32_t length, bool ended, uint32_t whole, struct l7 *l7)
{
	bool complete = in.left >= length;
	struct tls_hello hello;

	if (!l7->tls.server_hello)
		l7_clear(l7); // what an earlier part of it told
	if (complete || !l7->tls.server_hello) {
		tls_client_hello_read(complete ? span_take(&in, length) : in, &hello);
		client_hello_fill(l7, &hello);
	}
	if (complete)
		client_prints_fill(l7, &hello);
	else
		return ended || whole >= HELLO_BYTES_MAX ? PROTO_DONE : PROTO_MORE;
	l7->memory.tls.client_whole = true;
	if (l7->tls.server_hello)
		return PROTO_DONE;
	l7->used = whole;
	l7->skip = UINT64_MAX;
	return PROTO_MORE;
}

// in: the messages of the server from the first byte on.
static enum proto_verdict server_hello(struct span in, bool ended, uint32_t whole, struct l7 *l7)
{
	struct tls_hello hello;
	uint8_t type;

	while (in.left >= MESSAGE_HEADER) {
		struct span message = span_take(&in, message_header_read(&in, &type));

		if (!span_ok(&message))
			break;
		if (type != MESSAGE_SERVER_HELLO)
			continue;
		tls_server_hello_read(message, &hello);
		if (hello.retry)
			continue;
		server_hello_fill(l7, &hello);
		if (l7->memory.tls.client_whole)
			return PROTO_DONE;
		l7->used = whole;
		l7->skip = UINT64_MAX;
		return PROTO_MORE;
	}
	return ended || whole >= HELLO_BYTES_MAX ? PROTO_DONE : PROTO_MORE;
}

// Fewer bytes than a record header: whether they can be the beginning of one.
static bool record_begins(struct span in)
{
	uint8_t content = span_u8(&in);

	return content >= CONTENT_CCS && content <= CONTENT_DATA && (in.left == 0 || span_u8(&in) == 3);
}

// A flow whose beginning was not seen: two records in a row, or one that is all there is.
static enum proto_verdict midstream(struct span in)
{
	struct span from = in;
	struct tls_record r = record_header_read(&from);

	if (!span_ok(&from) || !record_fits(&r))
		return PROTO_NO;
	if (from.left == r.length)
		return PROTO_DONE;
	if (from.left < (uint32_t)r.length + RECORD_HEADER)
		return PROTO_MORE;
	span_bytes(&from, r.length);
	r = record_header_read(&from);
	return record_fits(&r) ? PROTO_DONE : PROTO_NO;
}

// Whether joined handshake bytes begin with a hello, as long as nothing speaks against it.
static bool hello_begins(struct span in, uint8_t *type)
{
	uint32_t length = message_header_read(&in, type);
	uint16_t version = span_be16(&in);

	return (*type == MESSAGE_CLIENT_HELLO || *type == MESSAGE_SERVER_HELLO) && length >= HELLO_BYTES_MIN &&
	       length <= HELLO_BYTES_MAX && version >= 0x0300 && version <= 0x0304;
}

static bool alert_may_come(struct span in)
{
	return in.left < RECORD_HEADER + ALERT_BYTES && span_u8(&in) == CONTENT_ALERT;
}

// A hello in the form of SSL 2.0 that offers a later version: not read, but the ServerHello may tell.
static bool ssl2_hello_begins(struct span in)
{
	uint16_t length = span_be16(&in);
	uint8_t type = span_u8(&in), major = span_u8(&in);

	return span_ok(&in) && (length & 0x8000) != 0 && type == MESSAGE_CLIENT_HELLO && major == 3;
}

// Warnings that a server sends before its hello (RFC 6066: unrecognized name); any other alert ends the matter.
static void warnings_pass(struct span *in)
{
	for (;;) {
		struct span from = *in;
		struct tls_record r = record_header_read(&from);
		uint8_t level = span_u8(&from), description = span_u8(&from);

		if (!span_ok(&from) || r.content != CONTENT_ALERT || r.length != ALERT_BYTES || level != ALERT_WARNING ||
		    description == ALERT_CLOSE)
			return;
		*in = from;
	}
}

static enum proto_verdict tls_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	uint32_t whole = in.left, length;
	struct span first = in, bytes;
	uint8_t type;
	bool ended;

	if (hint->claimed)
		warnings_pass(&in);
	if (in.left < RECORD_HEADER && (in.left == 0 || record_begins(in)))
		return PROTO_MORE;
	bytes = handshake_join(in, l7->scratch, &ended);
	if ((bytes.left < JUDGED_BYTES && !ended) || (hint->claimed && alert_may_come(in)))
		return PROTO_MORE;
	if (!hello_begins(bytes, &type)) {
		if (hint->claimed)
			return PROTO_DONE;
		return ssl2_hello_begins(first) ? PROTO_MORE : midstream(first);
	}
	if (type == MESSAGE_SERVER_HELLO)
		return server_hello(bytes, ended, whole, l7);
	length = message_header_read(&bytes, &type);
	return client_hello(bytes, length, ended, whole, l7);
}

const struct proto_ops proto_tls = {
	.name = "tls",
	.title = "TLS",
	.spec = "RFC 8446, RFC 5246",
	.l4 = PROTO_TCP,
	.ports = {443, 8443, 853, 993},
	.max_payloads = 16,
	.dissect = tls_dissect,
};
