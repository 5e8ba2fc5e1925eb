// QUIC: the handshake's hellos and the version, from the Initial packets of both sides, RFC 9000, 9001, 9369 and the drafts before;
// Google's QUIC from its first packet.
//
// Initial packets are encrypted with keys that follow from the packet itself (proto_quic_keys.h); what they say must make sense, or
// nothing is believed. A ClientHello comes in pieces, in any order, over several packets: they are put by in l7->text until it is
// whole. Where the packets cannot be opened (unknown version, the beginning was not seen, too many in this second), the shape of a
// whole datagram of long headers is enough to know the protocol, but not for a name. What follows the hellos is not looked at.
#include "base/text.h"
#include "proto/proto_list.h"
#include "proto/proto_pieces.h"
#include "proto/proto_quic_frames.h"
#include "proto/proto_quic_google.h"
#include "proto/proto_quic_keys.h"
#include "proto/proto_tls_hello.h"
#include "proto/proto_tls_ja.h"

enum { HELLO_MAX = 3808, SERVER_HELLO_MAX = 2048, PACKETS_MAX = 4, DATAGRAMS_MAX = 48, FAILURES_MAX = 4, LONG_FORM = 0x80 };
enum { SNI_MAX = 1020, AGENT_MAX = 256, MESSAGE_HEADER = 4, CLIENT_HELLO = 1, SERVER_HELLO = 2, HELLO_BYTES_MIN = 38 };
enum { EXTENSION_PARAMETERS = 0x39, EXTENSION_PARAMETERS_DRAFT = 0xffa5, PARAMETER_AGENT = 0x3129, TLS_1_3 = 0x0304 };

// Where in l7->text pieces are put by: the client's behind room for the texts of a hello that has not come whole, the server's
// behind those of the client's.
enum { CLIENT_AT = L7_TEXT_MAX - HELLO_MAX, SERVER_AT = L7_TEXT_MAX - SERVER_HELLO_MAX, PARTIAL_SNI_MAX = 256 };

struct quic {
	struct record_text version, sni, agent, alpn, cipher, ja3, ja3s, ja4;
	bool client_hello, server_hello, retry, negotiated;
	bool resumed_asked, resumed, ech; // as in struct record_tls
};

static const struct record_field fields[] = {
	{FIELD("version", TEXT, quic, version), IN("quic", "version")},
	{FIELD("sni", TEXT, quic, sni), IN("quic", "sni")},
	{FIELD("ua", TEXT, quic, agent), IN("quic", "ua")},
	{FIELD("alpn", TEXT_LIST, quic, alpn), IN("quic", "alpn")},
	{FIELD("cipher", TEXT, quic, cipher), IN("quic", "cipher")},
	{FIELD("client_hello", BOOL, quic, client_hello), IN("quic", "client_hello"), .flags = FIELD_OMIT_ZERO},
	{FIELD("server_hello", BOOL, quic, server_hello), IN("quic", "server_hello"), .flags = FIELD_OMIT_ZERO},
	{FIELD("resumption_offered", BOOL, quic, resumed_asked), IN("quic", "resumption_offered"), .flags = FIELD_OMIT_ZERO},
	{FIELD("session_resumed", BOOL, quic, resumed), IN("quic", "session_resumed"), .flags = FIELD_OMIT_ZERO},
	{FIELD("ech", BOOL, quic, ech), IN("quic", "ech"), .flags = FIELD_OMIT_ZERO},
	{FIELD("retry", BOOL, quic, retry), IN("quic", "retry"), .flags = FIELD_OMIT_ZERO},
	{FIELD("version_negotiation", BOOL, quic, negotiated), IN("quic", "version_negotiation"), .flags = FIELD_OMIT_ZERO},
	{FIELD("ja4", TEXT, quic, ja4), IN("quic", "ja4")},
	{FIELD("ja3", TEXT, quic, ja3), IN("quic.ja3", "hash")},
	{FIELD("ja3s", TEXT, quic, ja3s), IN("quic.ja3s", "hash")},
	{0},
};

static const struct record_kind kind = {.event_type = "quic", BODY(quic), .client_first = true, .fields = fields};

struct memory {
	struct quic_keys client, server;
	struct pieces pieces; // the client's hello, then the server's
	uint32_t client_version, server_version; // for which the keys are; 0: none
	uint8_t dcid[QUIC_CID_MAX], dcid_bytes;
	uint8_t datagrams, failures;
	bool from_server;  // the client is the one that hint->to_server says is the server
	bool client_whole; // its hello is read
	bool retry, negotiated;
	bool renewed;      // a retry or an offer of versions: the client begins again
};

struct reading {
	const struct proto_hint *hint;
	struct l7 *l7;
	struct memory *memory;
	struct quic_header header;
	bool kept;   // this l7 is the flow's own and was before, so that bytes behind its texts last
	bool opened; // a packet of the datagram
	uint32_t version; // of its first packet
};

// ---- what a hello tells ----

static void version_fill(struct l7 *l7, uint32_t version)
{
	char name[QUIC_VERSION_NAME_MAX];
	struct quic *quic = L7_BODY(l7, struct quic);

	quic->version = l7_text_bytes(l7, name, quic_version_name(version, name), QUIC_VERSION_NAME_MAX);
	l7->pending = true;
}

// A transport parameter of Chromium's: what the browser is.
static struct span agent_find(struct span extensions)
{
	while (extensions.left > 0) {
		uint16_t type = span_be16(&extensions);
		struct span parameters = span_take(&extensions, span_be16(&extensions));

		if (type != EXTENSION_PARAMETERS && type != EXTENSION_PARAMETERS_DRAFT)
			continue;
		while (parameters.left > 0) {
			uint64_t id = quic_number(&parameters), length = quic_number(&parameters);
			struct span value = span_take(&parameters, length <= parameters.left ? (uint32_t)length : UINT32_MAX);

			if (id == PARAMETER_AGENT)
				return value;
		}
	}
	return span_of(NULL, 0);
}

static void prints_fill(struct l7 *l7, const struct tls_hello *hello)
{
	struct quic *quic = L7_BODY(l7, struct quic);
	char print[TLS_JA_ROOM];

	if (tls_ja3(hello, print))
		quic->ja3 = l7_text_bytes(l7, print, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
	if (tls_ja4(hello, 'q', print))
		quic->ja4 = l7_text_bytes(l7, print, TLS_JA4_LENGTH, TLS_JA4_LENGTH);
}

// The hello as far as it is there; in: behind its header.
static void client_fill(struct reading *r, struct span in, bool whole)
{
	struct quic *quic = L7_BODY(r->l7, struct quic);
	struct tls_hello hello;

	tls_client_hello_read(in, &hello);
	l7_clear(r->l7);
	version_fill(r->l7, r->memory->client_version);
	quic->client_hello = true;
	quic->sni = r->l7->hostname = l7_text(r->l7, hello.sni, whole ? SNI_MAX : PARTIAL_SNI_MAX);
	if (!whole)
		return;
	quic->resumed_asked = hello.resumed;
	quic->ech = hello.ech;
	quic->alpn = tls_alpn_text(r->l7, hello.alpn);
	r->l7->service = tls_alpn_service(hello.alpn);
	quic->agent = l7_text(r->l7, agent_find(hello.extensions), AGENT_MAX);
	prints_fill(r->l7, &hello);
}

static void google_fill(struct l7 *l7, const struct quic_google_hello *hello)
{
	struct quic *quic = L7_BODY(l7, struct quic);

	l7_clear(l7);
	version_fill(l7, hello->version);
	quic->client_hello = true;
	quic->sni = l7->hostname = l7_text(l7, hello->sni, SNI_MAX);
	quic->agent = l7_text(l7, hello->agent, AGENT_MAX);
	quic->alpn = l7_text(l7, hello->alpn, AGENT_MAX);
}

static void server_fill(struct l7 *l7, const struct tls_hello *hello)
{
	struct quic *quic = L7_BODY(l7, struct quic);
	uint8_t cipher[2] = {(uint8_t)(hello->cipher >> 8), (uint8_t)hello->cipher};
	char room[TLS_JA_ROOM];
	struct text_builder hex = text_builder(room, sizeof(room));

	quic->server_hello = true;
	quic->resumed = hello->resumed;
	text_put(&hex, "0x");
	text_put_hex(&hex, cipher, sizeof(cipher));
	quic->cipher = l7_text_bytes(l7, room, (uint32_t)hex.used, TLS_JA_ROOM);
	if (tls_ja3s(hello, room))
		quic->ja3s = l7_text_bytes(l7, room, TLS_JA3_LENGTH, TLS_JA3_LENGTH);
}

// ---- hellos in pieces ----

static uint32_t message_header_read(struct span *in, uint8_t *type)
{
	uint32_t high;

	*type = span_u8(in);
	high = span_u8(in);
	return high << 16 | span_be16(in);
}

// The client's stream so far, in scratch: its texts will take the place of its bytes.
static struct span client_bytes(const struct reading *r)
{
	uint32_t ready = pieces_ready(&r->memory->pieces);

	memcpy(r->l7->scratch, r->l7->text + CLIENT_AT, ready);
	return span_of(r->l7->scratch, ready);
}

static bool google_look(struct reading *r, struct span bytes)
{
	struct quic_google_hello hello = {0};

	if (!quic_google_hello_read(bytes, &hello))
		return false;
	hello.version = r->memory->client_version;
	google_fill(r->l7, &hello);
	return true;
}

// Returns whether all is known that the client tells.
static bool client_look(struct reading *r)
{
	struct span bytes = client_bytes(r), message = bytes;
	uint8_t type;
	uint32_t length = message_header_read(&message, &type);

	if (span_starts(bytes, "CHLO"))
		return google_look(r, bytes);
	if (!span_ok(&message) || type != CLIENT_HELLO || length < HELLO_BYTES_MIN)
		return false;
	if (message.left >= length) {
		client_fill(r, span_take(&message, length), true);
		return true;
	}
	if (r->kept)
		client_fill(r, message, false);
	return false;
}

static bool server_look(struct reading *r)
{
	uint32_t ready = pieces_ready(&r->memory->pieces);
	struct span bytes = span_of(r->l7->scratch, ready);
	struct tls_hello hello;
	uint8_t type;

	memcpy(r->l7->scratch, r->l7->text + SERVER_AT, ready);
	while (bytes.left >= MESSAGE_HEADER) {
		struct span message = span_take(&bytes, message_header_read(&bytes, &type));

		if (!span_ok(&message) || type != SERVER_HELLO)
			return false;
		tls_server_hello_read(message, &hello);
		if (hello.retry)
			continue;
		server_fill(r->l7, &hello);
		return true;
	}
	return false;
}

static void client_add(void *context, uint64_t offset, struct span data)
{
	struct reading *r = context;

	pieces_add(&r->memory->pieces, (uint8_t *)r->l7->text + CLIENT_AT, HELLO_MAX, offset, data);
}

static void server_add(void *context, uint64_t offset, struct span data)
{
	struct reading *r = context;

	pieces_add(&r->memory->pieces, (uint8_t *)r->l7->text + SERVER_AT, SERVER_HELLO_MAX, offset, data);
}

// ---- packets ----

static bool cut_is(const struct quic_header *h)
{
	return h->at.left < h->length;
}

// Opens the packet with keys; false, and nothing was handed on, if they are not the right ones.
static bool packet_open(struct reading *r, const struct quic_keys *keys, quic_crypto_fn *each)
{
	struct span plain = quic_open(keys, &r->header, r->l7->scratch + L7_TEXT_MAX, L7_SCRATCH - L7_TEXT_MAX);

	r->l7->costly = true;
	return quic_frames_read(plain, quic_version_of(r->header.version).google, cut_is(&r->header), each, r);
}

// A client that begins: the keys follow from the id that it has made up for the server.
static bool client_begin(struct reading *r)
{
	struct memory *m = r->memory;
	struct quic_version version = quic_version_of(r->header.version);
	struct pieces before = m->pieces;
	struct quic_keys keys;

	quic_keys_make(&version, r->header.dcid, false, &keys);
	m->pieces.count = 0;
	if (!packet_open(r, &keys, client_add)) {
		m->pieces = before;
		return false;
	}
	if (m->client_whole)
		l7_clear(r->l7); // its hello comes again
	m->client_whole = false;
	m->client = keys;
	m->client_version = r->header.version;
	m->server_version = 0;
	m->dcid_bytes = (uint8_t)r->header.dcid.left;
	memcpy(m->dcid, r->header.dcid.at, r->header.dcid.left);
	m->from_server = !r->hint->to_server;
	m->renewed = false;
	return true;
}

static bool client_open(struct reading *r)
{
	struct memory *m = r->memory;

	if (m->client_version == r->header.version && packet_open(r, &m->client, m->client_whole ? NULL : client_add))
		return true;
	return m->failures < FAILURES_MAX && client_begin(r);
}

// The server may answer in another version than the client began with, RFC 9368.
static bool server_open(struct reading *r)
{
	struct memory *m = r->memory;
	struct quic_version version = quic_version_of(r->header.version);

	if (m->server_version != r->header.version)
		quic_keys_make(&version, span_of(m->dcid, m->dcid_bytes), true, &m->server);
	m->server_version = r->header.version;
	return packet_open(r, &m->server, m->client_whole ? server_add : NULL);
}

static bool from_client(const struct reading *r)
{
	return r->memory->client_version == 0 || r->memory->from_server == !r->hint->to_server;
}

static void initial_read(struct reading *r)
{
	struct memory *m = r->memory;
	bool client = from_client(r);

	if (quic_version_of(r->header.version).salt == NULL || (client && m->client_whole && !m->renewed))
		return;
	if (!r->hint->costly) {
		r->l7->withheld = true;
		return;
	}
	if (client ? client_open(r) : server_open(r))
		r->opened = true;
	else
		m->failures++;
}

static void packet_read(struct reading *r)
{
	struct memory *m = r->memory;

	if (r->header.packet == QUIC_INITIAL)
		initial_read(r);
	m->retry |= r->header.packet == QUIC_RETRY;
	m->negotiated |= r->header.packet == QUIC_NEGOTIATION;
	m->renewed |= r->header.packet == QUIC_RETRY || r->header.packet == QUIC_NEGOTIATION;
}

// Whether a datagram that could not be opened is one of long headers from its beginning to its end.
static bool shape_fits(struct span in)
{
	struct quic_header header;

	if (!quic_header_read(&in, &header) || header.packet == QUIC_RETRY)
		return false;
	return header.packet == QUIC_NEGOTIATION || (!cut_is(&header) && quic_follows(in, &header));
}

// The packets of a datagram, those with a long header. Returns how many.
static unsigned packets_read(struct reading *r, struct span in)
{
	unsigned packets = 0;

	for (; packets < PACKETS_MAX && quic_header_read(&in, &r->header); packets++) {
		if (packets == 0)
			r->version = r->header.version;
		packet_read(r);
	}
	return packets;
}

// What is known after a datagram of a flow that is QUIC.
static enum proto_verdict conclude(struct reading *r)
{
	struct memory *m = r->memory;
	struct l7 *l7 = r->l7;

	if (m->client_whole && server_look(r))
		return PROTO_DONE;
	if (!m->client_whole && client_look(r)) {
		m->client_whole = true;
		m->pieces.count = 0;
	}
	if (!l7->pending && m->client_version == 0 && r->version != 0)
		version_fill(l7, r->version);
	if (l7->pending) {
		L7_BODY(l7, struct quic)->retry = m->retry;
		L7_BODY(l7, struct quic)->negotiated = m->negotiated;
	}
	if (!l7->pending && !r->kept)
		l7->text_used = (uint16_t)(CLIENT_AT + pieces_end(&m->pieces));
	return ++m->datagrams < DATAGRAMS_MAX && m->failures < FAILURES_MAX ? PROTO_MORE : PROTO_DONE;
}

static enum proto_verdict long_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct reading r = {.hint = hint, .l7 = l7, .memory = L7_MEMORY(l7, struct memory)};
	unsigned packets;

	r.kept = hint->claimed && r.memory->datagrams > 0;
	if (r.kept && !l7->pending)
		l7->text_used = 0; // it said how many bytes were to be kept
	packets = packets_read(&r, in);
	if (packets == 0 || (!hint->claimed && !r.opened && !shape_fits(in)))
		return packets > 0 && r.memory->retry ? PROTO_MORE : PROTO_NO; // a retry alone proves little
	l7->used = in.left;
	return conclude(&r);
}

// A short header: the client has the server's keys, so the hellos are over, and if one was not seen it will not come.
static enum proto_verdict short_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	const struct memory *m = L7_MEMORY(l7, struct memory);

	if (!hint->claimed)
		return PROTO_NO;
	l7->used = in.left;
	return m->client_version != 0 && m->from_server == !hint->to_server ? PROTO_DONE : PROTO_MORE;
}

static enum proto_verdict quic_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct quic_google_hello hello;

	if (in.left == 0)
		return PROTO_NO;
	if (!hint->claimed && quic_google_read(in, &hello)) {
		google_fill(l7, &hello);
		l7->used = in.left;
		return PROTO_DONE;
	}
	return (in.at[0] & LONG_FORM) != 0 ? long_dissect(in, hint, l7) : short_dissect(in, hint, l7);
}

const struct proto_ops proto_quic = {
	.name = "quic",
	.title = "QUIC",
	.spec = "RFC 9000, RFC 9001, RFC 9369, drafts 22 to 34, Google's Q025 to Q050",
	.l4 = PROTO_UDP,
	.ports = {443, 853, 8443, 784},
	.max_payloads = 3,
	.first = {{0x09, 0x0d}, {0x19, 0x1d}, {0x29, 0x2d}, {0x39, 0x3d}, {0x80, 0xff}},
	.firsts = 5,
	.keeps = true,
	.dissect = quic_dissect,
	.kind = &kind,
};
