// MySQL and MariaDB: "Client/Server Protocol" of the MySQL internals manual. A packet has its length in three bytes and its number; the
// server speaks first, and its greeting (protocol 10, a version that begins with a digit, its fixed zeros) is the proof. One event for
// the login, one for each command with the first packet of its answer. Passwords are digests in the login and are passed over. A client
// that asks for TLS ends it: what follows is searched anew.
#include "proto/proto_list.h"

#include <string.h>

struct mysql {
	struct record_text version, user, database, plugin, command, query, error;
	uint64_t affected_rows;
	uint32_t thread_id;
	uint16_t code, protocol;
	bool tls, answered;
};

enum phase { GREETING, LOGIN, AUTH, COMMAND };

struct memory {
	uint8_t phase; // enum phase
	bool compressed, waiting; // waiting: a command has no answer yet
};

enum { HEAD_BYTES = 4, PACKET_MAX = 0xffffff, READ_MAX = 1024, QUERY_MAX = 1024, TEXT_MAX = 128, VERSION_MAX = 64, ERROR_MAX = 256 };
enum { PROTOCOL = 10, SSL_REQUEST_BYTES = 32, RESERVED_LOGIN = 19, MARIADB_CAPS = 4, STATE_MARK = 6, VERSION_BYTES_MIN = 3 };
enum { CAP_WITH_DB = 8, CAP_COMPRESS = 32, CAP_PROTOCOL_41 = 0x200, CAP_SSL = 0x800, CAP_SECURE = 0x8000, CAP_PLUGIN = 0x80000,
       CAP_LENENC = 0x200000 };
enum { REPLY_OK = 0, REPLY_MORE = 1, REPLY_SWITCH = 0xfe, REPLY_ERROR = 0xff, REPLY_FILE = 0xfb };
enum { COM_QUIT = 1, COM_INIT_DB = 2, COM_QUERY = 3, COM_FIELD_LIST = 4, COM_PREPARE = 22, COM_CLOSE = 25, COM_LONG_DATA = 24 };

static const char *const commands[] = {
	"sleep", "quit", "init_db", "query", "field_list", "create_db", "drop_db", "refresh", "shutdown", "statistics", "process_info", "connect",
	"process_kill", "debug", "ping", "time", "delayed_insert", "change_user", "binlog_dump", "table_dump", "connect_out", "register_slave",
	"stmt_prepare", "stmt_execute", "stmt_send_long_data", "stmt_close", "stmt_reset", "set_option", "stmt_fetch", "daemon",
	"binlog_dump_gtid", "reset_connection",
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct record_field fields[] = {
	{FIELD("version", TEXT, mysql, version), IN("mysql", "version")},
	{FIELD("protocol", U16, mysql, protocol), IN("mysql", "protocol"), .flags = FIELD_OMIT_ZERO},
	{FIELD("thread_id", U32, mysql, thread_id), IN("mysql", "thread_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("tls", BOOL, mysql, tls), IN("mysql", "tls"), .flags = FIELD_OMIT_ZERO},
	{FIELD("user", TEXT, mysql, user), IN("mysql", "user")},
	{FIELD("database", TEXT, mysql, database), IN("mysql", "database")},
	{FIELD("auth_plugin", TEXT, mysql, plugin), IN("mysql", "auth_plugin")},
	{FIELD("command", TEXT, mysql, command), IN("mysql", "command")},
	{FIELD("query", TEXT, mysql, query), IN("mysql", "query")},
	{FIELD("answered", BOOL, mysql, answered), IN("mysql", "answered")},
	{FIELD("affected_rows", U64, mysql, affected_rows), IN("mysql", "affected_rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error_code", U16, mysql, code), IN("mysql", "error_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error", TEXT, mysql, error), IN("mysql", "error")},
	{0},
};

static const struct record_kind kind = {.event_type = "mysql", BODY(mysql), .client_first = true, .fields = fields};

static bool zeros(struct span *in, uint32_t count)
{
	const uint8_t *at = span_bytes(in, count);

	for (uint32_t i = 0; at != NULL && i < count; i++)
		if (at[i] != 0)
			return false;
	return at != NULL;
}

static bool printable(struct span in)
{
	for (uint32_t i = 0; i < in.left; i++)
		if (in.at[i] < ' ' || in.at[i] > '~')
			return false;
	return in.left > 0;
}

// A number of one to nine bytes.
static uint64_t lenenc(struct span *in)
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

// ---- the beginning ----

static bool greeting_read(struct l7 *l7, struct mysql *mysql, struct span in)
{
	struct span version, plugin;
	uint32_t caps;

	mysql->protocol = span_u8(&in);
	if (mysql->protocol != PROTOCOL || !span_until(&in, '\0', &version) || !printable(version) || version.left < VERSION_BYTES_MIN ||
	    version.at[0] < '0' || version.at[0] > '9' || version.left > VERSION_MAX)
		return false;
	mysql->thread_id = span_le32(&in);
	span_bytes(&in, 8); // half of the challenge
	if (!zeros(&in, 1))
		return false;
	caps = span_le16(&in);
	span_bytes(&in, 3);
	caps |= (uint32_t)span_le16(&in) << 16;
	if (!span_ok(&in) || (caps & CAP_PROTOCOL_41) == 0)
		return false;
	mysql->version = l7_text(l7, version, VERSION_MAX);
	span_bytes(&in, 1 + 10 + 13);
	if ((caps & CAP_PLUGIN) != 0 && span_until(&in, '\0', &plugin) && printable(plugin))
		mysql->plugin = l7_text(l7, plugin, TEXT_MAX);
	return true;
}

static enum proto_verdict login_read(struct l7 *l7, struct mysql *mysql, struct memory *memory, struct span in)
{
	uint32_t bytes = in.left, caps = span_le32(&in);
	struct span user, database;

	span_bytes(&in, 5);
	if ((caps & CAP_PROTOCOL_41) == 0 || !zeros(&in, RESERVED_LOGIN))
		return PROTO_NO;
	span_bytes(&in, MARIADB_CAPS);
	if (bytes == SSL_REQUEST_BYTES && (caps & CAP_SSL) != 0) {
		mysql->tls = true;
		l7->pending = true;
		return PROTO_NEXT;
	}
	if (!span_until(&in, '\0', &user))
		return PROTO_NO;
	mysql->user = l7_text(l7, user, TEXT_MAX);
	if ((caps & CAP_LENENC) != 0)
		span_bytes(&in, (uint32_t)lenenc(&in));
	else if ((caps & CAP_SECURE) != 0)
		span_bytes(&in, span_u8(&in));
	if ((caps & CAP_WITH_DB) != 0 && span_until(&in, '\0', &database))
		mysql->database = l7_text(l7, database, TEXT_MAX);
	memory->compressed = (caps & CAP_COMPRESS) != 0;
	memory->phase = AUTH;
	l7->pending = true;
	return PROTO_MORE;
}

static void error_read(struct l7 *l7, struct mysql *mysql, struct span in)
{
	mysql->code = span_le16(&in);
	if (in.left > STATE_MARK && in.at[0] == '#')
		span_bytes(&in, STATE_MARK);
	mysql->error = l7_text(l7, in, ERROR_MAX);
}

// The server on the login.
static enum proto_verdict auth_reply(struct l7 *l7, struct mysql *mysql, struct memory *memory, struct span in)
{
	uint8_t reply = span_u8(&in);
	struct span plugin;

	if (reply == REPLY_SWITCH && span_until(&in, '\0', &plugin) && printable(plugin))
		mysql->plugin = l7_text(l7, plugin, TEXT_MAX);
	if (reply == REPLY_SWITCH || reply == REPLY_MORE)
		return PROTO_MORE;
	mysql->answered = true;
	if (reply == REPLY_ERROR) {
		error_read(l7, mysql, in);
		return PROTO_DONE;
	}
	memory->phase = COMMAND;
	return memory->compressed ? PROTO_DONE : PROTO_YES;
}

// ---- commands ----

static enum proto_verdict command_read(struct l7 *l7, struct mysql *mysql, struct memory *memory, struct span in)
{
	uint8_t command = span_u8(&in);

	if (memory->waiting) { // the one before was not answered: it goes first, then this again
		memory->waiting = false;
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	if (command >= COMMANDS)
		return PROTO_MORE; // data of LOAD DATA, or another dialect
	if (command == COM_QUIT)
		return PROTO_DONE;
	mysql->command = l7_text_bytes(l7, commands[command], (uint32_t)strlen(commands[command]), TEXT_MAX);
	if (command == COM_QUERY || command == COM_PREPARE || command == COM_INIT_DB || command == COM_FIELD_LIST)
		mysql->query = l7_text(l7, in, QUERY_MAX);
	memory->waiting = command != COM_CLOSE && command != COM_LONG_DATA;
	l7->pending = true;
	return memory->waiting ? PROTO_MORE : PROTO_YES;
}

static enum proto_verdict command_reply(struct l7 *l7, struct mysql *mysql, struct memory *memory, struct span in)
{
	uint8_t reply = span_u8(&in);

	if (!memory->waiting)
		return PROTO_MORE; // columns, rows
	memory->waiting = false;
	mysql->answered = true;
	if (reply == REPLY_OK)
		mysql->affected_rows = lenenc(&in);
	else if (reply == REPLY_ERROR)
		error_read(l7, mysql, in);
	return PROTO_YES;
}

// From the middle: a command of text that is SQL.
static bool query_is(struct span in)
{
	static const char *const words[] = {"SELECT ", "select ", "INSERT ", "insert ", "UPDATE ", "update ", "DELETE ", "delete ", "SHOW ", "show ",
					    "SET ", "set ", "BEGIN", "COMMIT", "USE ", "CREATE ", "create "};

	if (span_u8(&in) != COM_QUERY)
		return false;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_starts(in, words[i]))
			return true;
	return false;
}

static enum proto_verdict unclaimed(struct span in, uint8_t number, const struct proto_hint *hint, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (number != 0)
		return PROTO_NO;
	if (!hint->to_server) {
		memory->phase = LOGIN;
		l7->pending = true;
		return greeting_read(l7, mysql, in) ? PROTO_MORE : PROTO_NO;
	}
	memory->phase = COMMAND;
	return query_is(in) ? command_read(l7, mysql, memory, in) : PROTO_NO;
}

static enum proto_verdict packet(struct span in, uint8_t number, const struct proto_hint *hint, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (!hint->claimed)
		return unclaimed(in, number, hint, l7);
	if (memory->phase == LOGIN)
		return hint->to_server ? login_read(l7, mysql, memory, in) : PROTO_MORE;
	if (memory->phase == AUTH)
		return hint->to_server ? PROTO_MORE : auth_reply(l7, mysql, memory, in);
	if (!hint->to_server)
		return command_reply(l7, mysql, memory, in);
	return number == 0 ? command_read(l7, mysql, memory, in) : PROTO_MORE;
}

static enum proto_verdict mysql_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct span rest = in;
	uint32_t length = span_le16(&rest), wanted;
	uint8_t number;
	enum proto_verdict verdict;

	length |= (uint32_t)span_u8(&rest) << 16;
	number = span_u8(&rest);
	if (!span_ok(&rest))
		return PROTO_MORE;
	if (length == 0 && !hint->claimed)
		return PROTO_NO;
	wanted = length < READ_MAX ? length : READ_MAX;
	if (rest.left < wanted)
		return hint->claimed || number == 0 ? PROTO_MORE : PROTO_NO;
	if (rest.left > length)
		rest.left = length;
	l7->used = HEAD_BYTES + rest.left;
	l7->skip = length - rest.left;
	verdict = length > 0 ? packet(rest, number, hint, l7) : PROTO_MORE;
	return verdict;
}

const struct proto_ops proto_mysql = {
	.name = "mysql",
	.title = "MySQL and MariaDB",
	.spec = "MySQL Client/Server Protocol",
	.l4 = PROTO_TCP,
	.ports = {3306},
	.max_payloads = 4,
	.dissect = mysql_dissect,
	.kind = &kind,
};
