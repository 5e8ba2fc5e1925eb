// MySQL and MariaDB: the client/server protocol of the MySQL internals manual, version 10.
//
// A packet has its length in three bytes and a sequence number, which begins anew with each command. The greeting is proof (its version,
// its salt, the zero between), so is the client's answer to it, and in the middle of a connection a statement that fills its packet.
// The login is one event, each command with its answer another; those that come in bulk (execution of what was prepared, pings) are
// told when they fail. Rows are counted, not read. No password and nothing derived from one is told.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"
#include "proto/proto_mysql_login.h"
#include "proto/proto_sql.h"

enum { HEAD = 4, READ_MAX = 2048, TEXT_MAX = 256, ERROR_FIRST = 1000, ERROR_LAST = 5000, RESULT_END_MAX = 0xffffff };
enum { SEEN_OK = 0x00, SEEN_FILE = 0xfb, SEEN_END = 0xfe, SEEN_ERROR = 0xff };
enum { QUIT = 1, INIT_DB, QUERY, BINLOG_DUMP = 0x12, CHANGE_USER = 0x11, PREPARE = 0x16, EXECUTE, SEND_LONG_DATA, CLOSE, RESET, FETCH = 0x1c,
       BINLOG_DUMP_GTID = 0x1e };
enum { PING = 0x0e, COMMANDS = 0x20 };

static const char *const commands[COMMANDS] = {
	"sleep", "quit", "init_db", "query", "field_list", "create_db", "drop_db", "refresh", "shutdown", "statistics", "process_info",
	"connect", "process_kill", "debug", "ping", "time", "delayed_insert", "change_user", "binlog_dump", "table_dump", "connect_out",
	"register_slave", "stmt_prepare", "stmt_execute", "stmt_send_long_data", "stmt_close", "stmt_reset", "set_option", "stmt_fetch",
	"daemon", "binlog_dump_gtid", "reset_connection",
};

enum phase { MIDDLE, LOGIN, READY, ANSWER, COLUMNS, ROWS };

struct memory {
	uint32_t server, client; // what each is capable of
	uint32_t columns;        // still to come before the rows
	uint8_t phase, command;
};

static const struct record_field fields[] = {
	{FIELD("version", TEXT, mysql, version), IN("mysql", "version")},
	{FIELD("tls", BOOL, mysql, tls), IN("mysql", "tls"), .flags = FIELD_OMIT_ZERO},
	{FIELD("connection_id", U32, mysql, connection), IN("mysql", "connection_id"), .flags = FIELD_OMIT_ZERO},
	{FIELD("user", TEXT, mysql, user), IN("mysql", "user")},
	{FIELD("database", TEXT, mysql, database), IN("mysql", "database")},
	{FIELD("auth_plugin", TEXT, mysql, plugin), IN("mysql", "auth_plugin")},
	{FIELD("client", TEXT, mysql, client), IN("mysql", "client")},
	{FIELD("command", TEXT, mysql, command), IN("mysql", "command")},
	{FIELD("query", TEXT, mysql, query), IN("mysql", "query")},
	{FIELD("success", BOOL, mysql, success), IN("mysql", "success"), .flags = FIELD_OMIT_ZERO},
	{FIELD("affected_rows", U64, mysql, affected), IN("mysql", "affected_rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("rows", U32, mysql, rows), IN("mysql", "rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error_code", U16, mysql, error_code), IN("mysql", "error_code"), .flags = FIELD_OMIT_ZERO},
	{FIELD("sqlstate", TEXT, mysql, sqlstate), IN("mysql", "sqlstate")},
	{FIELD("error", TEXT, mysql, error), IN("mysql", "error")},
	{0},
};

static const struct record_kind kind = {.event_type = "mysql", BODY(mysql), .client_first = true, .fields = fields};

// One packet of which `body` is as much as there is, and at most READ_MAX bytes of it.
struct packet {
	uint32_t length;
	uint8_t sequence;
	struct span body;
	bool whole; // all its bytes are there
};

static bool error_read(struct packet *p, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span in = p->body, state;
	uint16_t code;

	if (span_u8(&in) != SEEN_ERROR)
		return false;
	code = span_le16(&in);
	if (code < ERROR_FIRST || code > ERROR_LAST || !span_ok(&in))
		return false;
	mysql->error_code = code;
	if (in.left >= 6 && in.at[0] == '#') {
		span_u8(&in);
		state = span_take(&in, 5);
		mysql->sqlstate = l7_text(l7, state, TEXT_MAX);
	}
	mysql->error = l7_text(l7, in, TEXT_MAX);
	return true;
}

static void ok_read(struct packet *p, struct mysql *mysql)
{
	struct span in = p->body;

	span_u8(&in);
	mysql->affected = mysql_number(&in);
	mysql->success = true;
}

// ---- from the client ----

// Attributes of a statement come before it when both sides can; a statement that has some is not told.
static struct span statement_of(const struct memory *m, struct span in)
{
	if ((m->client & m->server & MYSQL_QUERY_ATTRIBUTES) == 0)
		return in;
	if (mysql_number(&in) > 0)
		return (struct span){0};
	mysql_number(&in);
	return in;
}

static bool silent(uint8_t command)
{
	return command == EXECUTE || command == RESET || command == FETCH || command == PING;
}

static enum proto_verdict command_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span in = p->body;
	uint8_t command = span_u8(&in);

	if (command >= COMMANDS)
		return PROTO_NO;
	if (command == QUIT)
		return PROTO_DONE;
	if (command == CLOSE || command == SEND_LONG_DATA) // never answered
		return PROTO_MORE;
	m->command = command;
	m->phase = ANSWER;
	mysql->command = l7_text_bytes(l7, commands[command], (uint32_t)strlen(commands[command]), TEXT_MAX);
	if (command == QUERY)
		in = statement_of(m, in);
	if (command == QUERY || command == PREPARE)
		mysql->query = l7_text(l7, sql_front(in), SQL_TEXT_MAX);
	if (command == INIT_DB)
		mysql->database = l7_text(l7, in, TEXT_MAX);
	if (command == CHANGE_USER)
		mysql_text(l7, &in, &mysql->user);
	l7->pending = !silent(command);
	return command == BINLOG_DUMP || command == BINLOG_DUMP_GTID ? PROTO_DONE : PROTO_MORE;
}

static enum proto_verdict login_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);

	if (mysql_tls_asked(p->body, p->length, &m->client)) {
		l7->pending = mysql->tls = true;
		return PROTO_NEXT;
	}
	if (!mysql_response_read(p->body, m->server != 0, &m->client, l7))
		return PROTO_NO;
	m->phase = LOGIN;
	l7->pending = true;
	return PROTO_MORE;
}

// Not claimed: the answer to a greeting that was not seen, or a statement that fills its packet.
static bool client_proves(const struct packet *p)
{
	struct span in = p->body;
	uint32_t client;

	if (p->sequence == 1)
		return mysql_tls_asked(p->body, p->length, &client) || mysql_response_proves(p->body);
	return p->sequence == 0 && span_u8(&in) == QUERY && p->whole && sql_is(in);
}

static enum proto_verdict client_packet(struct packet *p, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	if (!hint->claimed && !client_proves(p))
		return PROTO_NO;
	if (p->sequence == 1 && m->phase <= LOGIN && L7_BODY(l7, struct mysql)->user.len == 0)
		return login_read(p, m, l7);
	if (m->phase == LOGIN || p->sequence != 0)
		return PROTO_MORE; // what a plugin wants to know, a file
	if (l7->pending) {         // the answer to the one before was not seen, or is still under way
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	l7_clear(l7);
	return command_read(p, m, l7);
}

// ---- from the server ----

static enum proto_verdict answered(struct memory *m, struct l7 *l7)
{
	bool told = l7->pending || L7_BODY(l7, struct mysql)->error_code != 0;
	bool compressed = m->phase == LOGIN && (m->client & m->server & (MYSQL_COMPRESS | MYSQL_ZSTD)) != 0;

	m->phase = READY;
	if (compressed)
		return PROTO_DONE;
	return told ? PROTO_YES : PROTO_MORE;
}

static enum proto_verdict login_answer(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span in = p->body;
	uint8_t seen = span_u8(&in);

	if (error_read(p, l7))
		return answered(m, l7);
	if (seen == SEEN_OK) {
		ok_read(p, mysql);
		return answered(m, l7);
	}
	if (seen == SEEN_END && in.left > 0) // another plugin is to be used
		mysql_text(l7, &in, &mysql->plugin);
	return PROTO_MORE;
}

// The first packet of an answer: done, failed, or how many columns come.
static enum proto_verdict answer_first(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	struct span in = p->body;
	uint8_t seen = span_u8(&in);

	if (error_read(p, l7))
		return answered(m, l7);
	if (seen == SEEN_OK || (seen == SEEN_END && p->length < 9)) {
		if (m->command != PREPARE)
			ok_read(p, mysql);
		mysql->success = true;
		return answered(m, l7);
	}
	if (seen == SEEN_FILE)
		return PROTO_MORE; // the client sends a file, then it is answered
	in = p->body;
	m->columns = (uint32_t)mysql_number(&in);
	m->phase = COLUMNS;
	if (m->columns == 0 || (m->command != QUERY && m->command != EXECUTE))
		return answered(m, l7);
	if (in.left == 1 && in.at[0] == 0) // MariaDB: they are as they were
		m->columns = 0;
	return PROTO_MORE;
}

static enum proto_verdict rows_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	struct mysql *mysql = L7_BODY(l7, struct mysql);
	uint8_t seen = p->body.left > 0 ? p->body.at[0] : 0;
	bool end = seen == SEEN_END && p->length < RESULT_END_MAX;

	if (seen == SEEN_ERROR && error_read(p, l7))
		return answered(m, l7);
	if (m->phase == COLUMNS && m->columns > 0) {
		m->columns--;
		return PROTO_MORE;
	}
	if (m->phase == COLUMNS) {
		m->phase = ROWS;
		if (end && p->length < 9 && (m->client & m->server & MYSQL_DEPRECATE_EOF) == 0)
			return PROTO_MORE;
	}
	if (end) {
		mysql->success = true;
		return answered(m, l7);
	}
	mysql->rows++;
	return PROTO_MORE;
}

// Not claimed: the greeting, or why there is none.
static enum proto_verdict greeting_read(struct packet *p, struct memory *m, struct l7 *l7)
{
	if (p->sequence != 0 || !p->whole)
		return PROTO_NO;
	if (error_read(p, l7) && L7_BODY(l7, struct mysql)->error.len > 0) {
		l7->pending = true;
		return PROTO_DONE;
	}
	if (!mysql_greeting_read(p->body, &m->server, l7))
		return PROTO_NO;
	m->phase = LOGIN;
	l7->pending = true;
	return PROTO_MORE;
}

static enum proto_verdict server_packet(struct packet *p, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	if (!hint->claimed)
		return greeting_read(p, m, l7);
	switch ((enum phase)m->phase) {
	case LOGIN:
		return login_answer(p, m, l7);
	case ANSWER:
		return answer_first(p, m, l7);
	case COLUMNS:
	case ROWS:
		return rows_read(p, m, l7);
	default:
		return PROTO_MORE;
	}
}

// ---- packets ----

// Of a packet that is not claimed the length must be plausible before more of it is waited for.
static bool begins_well(struct span in, bool to_server)
{
	uint32_t length = (uint32_t)span_le16(&in) | (uint32_t)span_u8(&in) << 16;
	uint8_t sequence = span_u8(&in), first = span_u8(&in);

	if (!span_ok(&in))
		return true;
	if (to_server)
		return length > 1 && length <= READ_MAX && ((sequence == 0 && first == QUERY) || sequence == 1);
	return length > 8 && length <= MYSQL_GREETING_MAX && sequence == 0 && (first == MYSQL_VERSION || first == SEEN_ERROR);
}

static enum proto_verdict mysql_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	struct span from = in;
	struct packet p;
	uint32_t take;

	if (!hint->claimed && !begins_well(in, hint->to_server))
		return PROTO_NO;
	p.length = span_le16(&from);
	p.length |= (uint32_t)span_u8(&from) << 16;
	p.sequence = span_u8(&from);
	take = p.length < READ_MAX ? p.length : READ_MAX;
	if (hint->claimed && !hint->to_server && m->phase >= COLUMNS && take > 64)
		take = 64; // a row is only counted
	if (!span_ok(&from) || from.left < take)
		return PROTO_MORE;
	p.body = span_take(&from, take);
	p.whole = take == p.length;
	l7->used = HEAD + take;
	l7->skip = p.length - take;
	if (p.length == 0)
		return hint->claimed ? PROTO_MORE : PROTO_NO;
	return hint->to_server ? client_packet(&p, hint, m, l7) : server_packet(&p, hint, m, l7);
}

const struct proto_ops proto_mysql = {
	.name = "mysql",
	.title = "MySQL",
	.spec = "MySQL client/server protocol 10",
	.l4 = PROTO_TCP,
	.ports = {3306},
	.max_payloads = 3,
	.dissect = mysql_dissect,
	.kind = &kind,
};
