#include "proto/proto_tls_hello.h"

#include "base/text.h"

enum { ALPN_MAX = 256, RANDOM_BYTES = 32, TLS_1_0 = 0x0301, TLS_1_3 = 0x0304, NAME_TYPE_HOST = 0 };

enum {
	EXTENSION_SNI = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_FORMATS = 11,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_TICKET = 35,
	EXTENSION_PSK = 41,
	EXTENSION_VERSIONS = 43,
	EXTENSION_ECH = 0xfe0d
};

enum { ECH_OUTER = 0 };
enum { SSL2_LONG = 0x8000, SSL2_CLIENT_HELLO = 1, SSL2_VERSION = 0x0002, SSL2_HEAD = 9, SSL2_CIPHER = 3, SSL2_SESSION = 16 };
enum { SSL2_CHALLENGE_MIN = 16, SSL2_CHALLENGE_MAX = 32 };

// The random value that turns a ServerHello into a HelloRetryRequest, RFC 8446 section 4.1.3.
static const uint8_t retry_random[RANDOM_BYTES] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void sni_read(struct span data, struct tls_hello *hello)
{
	struct span list = span_take(&data, span_be16(&data));

	while (list.left > 0) {
		uint8_t type = span_u8(&list);
		struct span name = span_take(&list, span_be16(&list));

		if (span_ok(&name) && type == NAME_TYPE_HOST) {
			hello->sni = name;
			return;
		}
	}
}

static void versions_read(struct span data, struct tls_hello *hello)
{
	struct span list = hello->versions = span_take(&data, span_u8(&data));
	uint16_t highest = 0;

	while (list.left > 0) {
		uint16_t version = span_be16(&list);

		if (version <= TLS_1_3 && version > highest)
			highest = version;
	}
	if (highest > 0) // then the message's own field says nothing
		hello->highest = highest;
}

static void client_extension_read(uint16_t type, struct span data, struct tls_hello *hello)
{
	switch (type) {
	case EXTENSION_SNI:
		hello->named = true;
		sni_read(data, hello);
		break;
	case EXTENSION_GROUPS:
		hello->groups = span_take(&data, span_be16(&data));
		break;
	case EXTENSION_FORMATS:
		hello->formats = span_take(&data, span_u8(&data));
		break;
	case EXTENSION_SIGNATURES:
		hello->signatures = span_take(&data, span_be16(&data));
		break;
	case EXTENSION_ALPN:
		hello->alpn = span_take(&data, span_be16(&data));
		break;
	case EXTENSION_TICKET:
		hello->resumed |= data.left > 0;
		break;
	case EXTENSION_PSK:
		hello->resumed = true;
		break;
	case EXTENSION_VERSIONS:
		versions_read(data, hello);
		break;
	case EXTENSION_ECH:
		hello->ech = data.left > 0 && span_u8(&data) == ECH_OUTER;
		break;
	}
}

static void server_extension_read(uint16_t type, struct span data, struct tls_hello *hello)
{
	uint16_t version;

	if (type == EXTENSION_ALPN) {
		hello->alpn = span_take(&data, span_be16(&data));
	} else if (type == EXTENSION_VERSIONS) {
		version = span_be16(&data);
		if (span_ok(&data))
			hello->highest = version;
	} else if (type == EXTENSION_PSK) {
		hello->resumed = true;
	}
}

// Walks the extensions, of which the message may have none.
static void extensions_read(struct span in, struct tls_hello *hello, void (*read)(uint16_t, struct span, struct tls_hello *))
{
	uint32_t length = span_be16(&in);
	struct span list = hello->extensions = span_take(&in, length < in.left ? length : in.left);

	while (list.left > 0) {
		uint16_t type = span_be16(&list);
		struct span data = span_take(&list, span_be16(&list));

		if (!span_ok(&data))
			return;
		hello->extensions_count++;
		read(type, data, hello);
	}
}

void tls_client_hello_read(struct span in, struct tls_hello *hello)
{
	*hello = (struct tls_hello){0};
	hello->version = hello->highest = span_be16(&in);
	span_bytes(&in, RANDOM_BYTES);
	hello->session = span_take(&in, span_u8(&in));
	hello->ciphers = span_take(&in, span_be16(&in));
	hello->ciphers_count = hello->ciphers.left / 2;
	span_take(&in, span_u8(&in)); // compression methods
	extensions_read(in, hello, client_extension_read);
	if (hello->highest < TLS_1_3) // later ones fill the session id for the sake of middleboxes
		hello->resumed |= hello->session.left > 0;
}

void tls_server_hello_read(struct span in, struct tls_hello *hello)
{
	const uint8_t *random;

	*hello = (struct tls_hello){0};
	hello->version = hello->highest = span_be16(&in);
	random = span_bytes(&in, RANDOM_BYTES);
	hello->retry = random != NULL && memcmp(random, retry_random, RANDOM_BYTES) == 0;
	hello->session = span_take(&in, span_u8(&in));
	hello->cipher = span_be16(&in);
	span_u8(&in); // compression method
	extensions_read(in, hello, server_extension_read);
}

uint8_t tls_alpn_service(struct span list)
{
	static const struct {
		const char *name;
		enum flow_service service;
	} rows[] = {
		{"h2", FLOW_SERVICE_HTTPS},      {"http/1.1", FLOW_SERVICE_HTTPS}, {"http/1.0", FLOW_SERVICE_HTTPS}, {"h3", FLOW_SERVICE_HTTPS},
		{"dot", FLOW_SERVICE_DOT},       {"doq", FLOW_SERVICE_DOQ},        {"imap", FLOW_SERVICE_IMAPS},     {"pop3", FLOW_SERVICE_POP3S},
		{"ftp", FLOW_SERVICE_FTPS},      {"xmpp-client", FLOW_SERVICE_XMPPS}, {"xmpp-server", FLOW_SERVICE_XMPPS}, {"mqtt", FLOW_SERVICE_MQTTS},
		{"postgresql", FLOW_SERVICE_POSTGRESQL}, {"irc", FLOW_SERVICE_IRCS}, {"sip/2", FLOW_SERVICE_SIPS},   {"stun.turn", FLOW_SERVICE_TURNS},
		{"ntske/1", FLOW_SERVICE_NTS_KE}, {"smb", FLOW_SERVICE_SMB},
	};

	while (list.left > 0) {
		struct span name = span_take(&list, span_u8(&list));

		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (name.left == strlen(rows[i].name) && span_starts(name, rows[i].name))
				return (uint8_t)rows[i].service;
	}
	return FLOW_SERVICE_NONE;
}

struct record_text tls_alpn_text(struct l7 *l7, struct span list)
{
	char room[ALPN_MAX];
	struct text_builder names = text_builder(room, sizeof(room));

	while (list.left > 0) {
		struct span name = span_take(&list, span_u8(&list));

		if (!span_ok(&name))
			break;
		if (names.used > 0)
			text_put(&names, ",");
		text_put_bytes(&names, name.at, name.left);
	}
	return l7_text_bytes(l7, room, (uint32_t)names.used, ALPN_MAX);
}

bool tls_ssl2_hello_read(struct span in, struct tls_hello *hello)
{
	uint16_t length = span_be16(&in), ciphers, session, challenge;
	uint8_t type = span_u8(&in);

	*hello = (struct tls_hello){0};
	hello->version = hello->highest = span_be16(&in);
	ciphers = span_be16(&in);
	session = span_be16(&in);
	challenge = span_be16(&in);
	hello->ciphers_count = ciphers / SSL2_CIPHER;
	if (!span_ok(&in) || (length & SSL2_LONG) == 0 || type != SSL2_CLIENT_HELLO)
		return false;
	if (hello->version != SSL2_VERSION && (hello->version < 0x0300 || hello->version >= TLS_1_3))
		return false;
	if (ciphers == 0 || ciphers % SSL2_CIPHER != 0 || (session != 0 && session != SSL2_SESSION))
		return false;
	return challenge >= SSL2_CHALLENGE_MIN && challenge <= SSL2_CHALLENGE_MAX &&
	       (length & ~SSL2_LONG) == SSL2_HEAD + ciphers + session + challenge;
}
