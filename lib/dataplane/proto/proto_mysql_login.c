// How a connection to MySQL begins: Protocol::HandshakeV10, SSLRequest, HandshakeResponse41 and 320.
#include "proto/proto_mysql_login.h"

enum { SALT_BYTES = 8, RESPONSE_HEAD = 32, CHARSET_BYTES = 1, RESERVED = 23, RESERVED_MARIADB = 19, ATTRIBUTES_MAX = 32, VERSION_MAX = 128 };

uint64_t mysql_number(struct span *in)
{
	uint8_t first = span_u8(in);
	uint64_t low;

	switch (first) {
	case 0xfc:
		return span_le16(in);
	case 0xfd:
		low = span_le16(in);
		return low | (uint64_t)span_u8(in) << 16;
	case 0xfe:
		return span_le64(in);
	default:
		return first;
	}
}

void mysql_text(struct l7 *l7, struct span *in, struct record_text *text)
{
	struct span before;

	if (!span_until(in, '\0', &before))
		before = span_take(in, in->left);
	*text = l7_text(l7, before, MYSQL_NAME_MAX);
}

// "8.0.36-0ubuntu0.22.04.1", "5.5.5-10.11.6-MariaDB-0+deb12u1-log"
static bool version_is(struct span version)
{
	if (version.left < 3 || version.left > VERSION_MAX || version.at[0] < '0' || version.at[0] > '9')
		return false;
	for (uint32_t i = 0; i < version.left; i++)
		if (version.at[i] < 0x20 || version.at[i] >= 0x7f)
			return false;
	return memchr(version.at, '.', version.left) != NULL;
}

bool mysql_greeting_read(struct span in, uint32_t *server, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span version;
	uint32_t connection;
	uint8_t salt_bytes;

	if (span_u8(&in) != MYSQL_VERSION || !span_until(&in, '\0', &version) || !version_is(version))
		return false;
	connection = span_le32(&in);
	span_bytes(&in, SALT_BYTES);
	if (span_u8(&in) != 0)
		return false;
	*server = span_le16(&in);
	if (!span_ok(&in))
		return false;
	span_u8(&in);    // character set
	span_le16(&in);  // status
	*server |= (uint32_t)span_le16(&in) << 16;
	salt_bytes = span_u8(&in);
	span_bytes(&in, 10);
	mysql->version = l7_text(l7, version, MYSQL_NAME_MAX);
	mysql->connection = connection;
	if (salt_bytes > SALT_BYTES)
		span_bytes(&in, salt_bytes > SALT_BYTES + 13 ? (uint32_t)salt_bytes - SALT_BYTES : 13u);
	if (span_ok(&in) && in.left > 0 && (*server & MYSQL_PLUGIN) != 0)
		mysql_text(l7, &in, &mysql->plugin);
	return true;
}

static bool zeros(struct span in, uint32_t bytes)
{
	while (bytes-- > 0)
		if (span_u8(&in) != 0)
			return false;
	return span_ok(&in);
}

static bool head_is(struct span in, uint32_t *client)
{
	uint32_t packet_max;

	*client = span_le32(&in);
	packet_max = span_le32(&in);
	span_bytes(&in, CHARSET_BYTES);
	return span_ok(&in) && (*client & MYSQL_PROTOCOL_41) != 0 && (packet_max == 0 || packet_max >= 1024) && zeros(in, RESERVED_MARIADB);
}

bool mysql_tls_asked(struct span in, uint32_t length, uint32_t *client)
{
	return length == RESPONSE_HEAD && head_is(in, client) && (*client & MYSQL_TLS) != 0;
}

// A user's name is text and ends.
bool mysql_response_proves(struct span in)
{
	struct span user;
	uint32_t client;

	if (!head_is(in, &client))
		return false;
	span_bytes(&in, RESPONSE_HEAD);
	if (!span_until(&in, '\0', &user) || in.left == 0)
		return false;
	for (uint32_t i = 0; i < user.left; i++)
		if (user.at[i] < ' ')
			return false;
	return true;
}

static void secret_pass(struct span *in, uint32_t client)
{
	struct span secret;

	if ((client & MYSQL_PLUGIN_DATA) != 0)
		span_bytes(in, (uint32_t)mysql_number(in));
	else if ((client & MYSQL_SECURE) != 0)
		span_bytes(in, span_u8(in));
	else
		span_until(in, '\0', &secret);
}

// Of what the client says about itself the name of the program, else that of its library.
static void attributes_read(struct l7 *l7, struct span in)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span all = span_take(&in, (uint32_t)mysql_number(&in)), chosen = {0};

	for (unsigned i = 0; i < ATTRIBUTES_MAX && all.left > 0; i++) {
		struct span name = span_take(&all, (uint32_t)mysql_number(&all)), value = span_take(&all, (uint32_t)mysql_number(&all));

		if (!span_ok(&value))
			break;
		if (span_starts(name, "program_name") || (chosen.left == 0 && span_starts(name, "_client_name")))
			chosen = value;
	}
	if (chosen.left > 0)
		mysql->client = l7_text(l7, chosen, MYSQL_NAME_MAX);
}

static bool response_320(struct span in, uint32_t *client, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span secret;

	*client = span_le16(&in);
	span_bytes(&in, 3);
	if (!span_ok(&in))
		return false;
	mysql_text(l7, &in, &mysql->user);
	if ((*client & MYSQL_WITH_DATABASE) != 0 && span_until(&in, '\0', &secret))
		mysql_text(l7, &in, &mysql->database);
	return true;
}

bool mysql_response_read(struct span in, bool greeted, uint32_t *client, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);

	if (!head_is(in, client))
		return greeted && (*client & MYSQL_PROTOCOL_41) == 0 && response_320(in, client, l7);
	span_bytes(&in, RESPONSE_HEAD);
	mysql_text(l7, &in, &mysql->user);
	secret_pass(&in, *client);
	if ((*client & MYSQL_WITH_DATABASE) != 0 && in.left > 0)
		mysql_text(l7, &in, &mysql->database);
	mysql->plugin = (struct record_text){0};
	if ((*client & MYSQL_PLUGIN) != 0 && in.left > 0)
		mysql_text(l7, &in, &mysql->plugin);
	if ((*client & MYSQL_ATTRIBUTES) != 0 && in.left > 0)
		attributes_read(l7, in);
	return true;
}
