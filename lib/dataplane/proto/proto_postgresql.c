// PostgreSQL: version 3 of the protocol in the chapter "Frontend/Backend Protocol" of its manual.
//
// A connection begins with a message without a type: the wish for TLS or GSSAPI, answered by one byte, a cancellation, or the parameters
// of the session, which are proof. From there each message has a letter and a length. The login is one event, each statement with its
// answer another; rows are counted and passed over, so is copied data. What was prepared is told when it is prepared, and when it fails.
// No password and nothing derived from one is told, nor the key that cancels.
#include "base/text.h"
#include "proto/proto_lines.h"
#include "proto/proto_list.h"
#include "proto/proto_sql.h"

enum { HEAD = 5, LENGTH_BYTES = 4, START_HEAD = 8, CANCEL_BYTES = 16, START_MAX = 4096, READ_MAX = 2048, TEXT_MAX = 256, WALK_MAX = 64 };
enum { PARAMETERS_MAX = 32, FIELDS_MAX = 24, MESSAGE_MAX = 1 << 30, MAJOR = 3, MINOR_MAX = 9 };
enum { CANCEL = 80877102, TLS_ASKED = 80877103, GSS_ASKED = 80877104, AUTH_OK = 0, AUTH_LAST = 12 };

static const char *const auths[AUTH_LAST + 1] = {
	NULL, NULL, "kerberos5", "cleartext_password", NULL, "md5_password", NULL, "gss", NULL, "sspi", "sasl", NULL, NULL,
};

struct pgsql {
	struct record_text version, user, database, application, message, query, prepared, auth, server, command, severity, sqlstate, error;
	uint32_t process, rows;
	bool tls, authenticated;
};

struct memory {
	uint32_t asked; // TLS_ASKED or GSS_ASKED: one byte answers it
	bool started;   // messages have types
	bool login;     // the body is that of the login
};

#define STARTUP(name_, member) {FIELD(name_, TEXT, pgsql, member), IN("pgsql.request.startup_parameters", name_)}

static const struct record_field fields[] = {
	{FIELD("request_message", TEXT, pgsql, message), IN("pgsql.request", "message")},
	{FIELD("protocol_version", TEXT, pgsql, version), IN("pgsql.request", "protocol_version")},
	{FIELD("simple_query", TEXT, pgsql, query), IN("pgsql.request", "simple_query")},
	{FIELD("prepared_query", TEXT, pgsql, prepared), IN("pgsql.request", "prepared_query")},
	{FIELD("process_id", U32, pgsql, process), IN("pgsql.request", "process_id"), .flags = FIELD_OMIT_ZERO},
	STARTUP("user", user),
	STARTUP("database", database),
	STARTUP("application_name", application),
	{FIELD("ssl_accepted", BOOL, pgsql, tls), IN("pgsql.response", "ssl_accepted"), .flags = FIELD_OMIT_ZERO},
	{FIELD("authentication", TEXT, pgsql, auth), IN("pgsql.response", "authentication")},
	{FIELD("authenticated", BOOL, pgsql, authenticated), IN("pgsql.response", "authenticated"), .flags = FIELD_OMIT_ZERO},
	{FIELD("server_version", TEXT, pgsql, server), IN("pgsql.response", "server_version")},
	{FIELD("data_rows", U32, pgsql, rows), IN("pgsql.response", "data_rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("command_completed", TEXT, pgsql, command), IN("pgsql.response", "command_completed")},
	{FIELD("severity", TEXT, pgsql, severity), IN("pgsql.response", "severity_non_localizable")},
	{FIELD("code", TEXT, pgsql, sqlstate), IN("pgsql.response", "code")},
	{FIELD("error", TEXT, pgsql, error), IN("pgsql.response", "message")},
	{0},
};

static const struct record_kind kind = {.event_type = "pgsql", BODY(pgsql), .client_first = true, .fields = fields};

struct message {
	uint8_t type;
	uint32_t length;  // of its body
	struct span body; // as much of it as is read
};

static struct record_text text_constant(struct l7 *l7, const char *text)
{
	return l7_text_bytes(l7, text, (uint32_t)strlen(text), TEXT_MAX);
}

static bool name_is(struct span name, const char *text)
{
	return name.left == strlen(text) && span_starts(name, text);
}

// ---- how it begins ----

// Names and values in pairs, then a zero; one of them is the user.
static bool parameters_read(struct span in, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	struct span name, value;

	for (unsigned i = 0; i < PARAMETERS_MAX && in.left > 1; i++) {
		if (!span_until(&in, '\0', &name) || !span_until(&in, '\0', &value) || name.left == 0 || !text_sound(name))
			return false;
		if (name_is(name, "user"))
			pgsql->user = l7_text(l7, value, TEXT_MAX);
		else if (name_is(name, "database"))
			pgsql->database = l7_text(l7, value, TEXT_MAX);
		else if (name_is(name, "application_name"))
			pgsql->application = l7_text(l7, value, TEXT_MAX);
		else if (name_is(name, "replication"))
			pgsql->message = text_constant(l7, "replication");
	}
	return pgsql->user.len > 0 && in.left == 1 && in.at[0] == 0;
}

static enum proto_verdict cancel_read(struct span in, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);

	pgsql->process = span_be32(&in);
	pgsql->message = text_constant(l7, "cancel_request");
	l7->pending = true;
	return PROTO_DONE;
}

static enum proto_verdict startup_read(struct span in, uint32_t length, uint32_t code, struct memory *m, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	char room[8];
	struct text_builder version = text_builder(room, sizeof(room));

	if (in.left < length - START_HEAD)
		return PROTO_MORE;
	l7_clear(l7);
	if (!parameters_read(span_take(&in, length - START_HEAD), l7)) {
		l7_clear(l7);
		return PROTO_NO;
	}
	text_put_number(&version, code >> 16);
	text_put(&version, ".");
	text_put_number(&version, code & 0xffff);
	pgsql->version = l7_text_bytes(l7, room, (uint32_t)version.used, TEXT_MAX);
	l7->used = length;
	l7->pending = m->started = m->login = true;
	m->asked = 0;
	return PROTO_MORE;
}

static enum proto_verdict begin(struct span in, struct memory *m, struct l7 *l7)
{
	struct span from = in;
	uint32_t length = span_be32(&from), code = span_be32(&from);

	if (in.at[0] != 0 || (in.left >= 2 && in.at[1] != 0))
		return PROTO_NO;
	if (!span_ok(&from))
		return PROTO_MORE;
	if (length == START_HEAD && (code == TLS_ASKED || code == GSS_ASKED)) {
		m->asked = code;
		l7->used = length;
		return PROTO_MORE;
	}
	if (length == CANCEL_BYTES && code == CANCEL) {
		if (in.left < CANCEL_BYTES)
			return PROTO_MORE;
		l7->used = length;
		return cancel_read(from, l7);
	}
	if (code >> 16 != MAJOR || (code & 0xffff) > MINOR_MAX || length <= START_HEAD + 1 || length > START_MAX)
		return PROTO_NO;
	return startup_read(from, length, code, m, l7);
}

// 'S' or 'G': it is taken up; 'N': not; an 'E' is an error of old servers.
static enum proto_verdict wish_answered(struct span in, struct memory *m, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	bool tls = m->asked == TLS_ASKED;

	m->asked = 0;
	l7->used = 1;
	if (in.at[0] == 'N')
		return PROTO_MORE;
	if (in.at[0] != (tls ? 'S' : 'G'))
		return PROTO_NO;
	pgsql->message = text_constant(l7, tls ? "SSL Request" : "GSSENC Request");
	pgsql->tls = tls;
	l7->pending = true;
	return tls ? PROTO_NEXT : PROTO_DONE;
}

// ---- messages ----

static enum proto_verdict query_read(struct message *msg, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	struct span in = msg->body, name, statement;

	if (l7->pending) { // the end of the one before was not seen, or is still under way
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	l7_clear(l7);
	if (msg->type == 'P' && !span_until(&in, '\0', &name))
		return PROTO_MORE;
	if (!span_until(&in, '\0', &statement))
		statement = in;
	*(msg->type == 'Q' ? &pgsql->query : &pgsql->prepared) = l7_text(l7, sql_front(statement), SQL_TEXT_MAX);
	l7->pending = true;
	return PROTO_MORE;
}

static enum proto_verdict client_message(struct message *msg, struct l7 *l7)
{
	switch (msg->type) {
	case 'Q':
	case 'P':
		return query_read(msg, l7);
	case 'X':
		return PROTO_DONE;
	default:
		return PROTO_MORE;
	}
}

static enum proto_verdict error_read(struct message *msg, struct memory *m, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	struct span in = msg->body, text;

	for (unsigned i = 0; i < FIELDS_MAX && in.left > 1; i++) {
		uint8_t field = span_u8(&in);

		if (!span_until(&in, '\0', &text))
			break;
		if (field == 'V' || (field == 'S' && pgsql->severity.len == 0))
			pgsql->severity = l7_text(l7, text, TEXT_MAX);
		else if (field == 'C')
			pgsql->sqlstate = l7_text(l7, text, TEXT_MAX);
		else if (field == 'M')
			pgsql->error = l7_text(l7, text, TEXT_MAX);
	}
	l7->pending = true;
	return m->login ? PROTO_YES : PROTO_MORE;
}

static void auth_read(struct message *msg, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	uint32_t method = span_be32(&msg->body);

	if (method == AUTH_OK && span_ok(&msg->body))
		pgsql->authenticated = true;
	else if (method <= AUTH_LAST && auths[method] != NULL)
		pgsql->auth = text_constant(l7, auths[method]);
}

static enum proto_verdict server_message(struct message *msg, struct memory *m, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	struct span in = msg->body, name;

	switch (msg->type) {
	case 'R':
		auth_read(msg, l7);
		return PROTO_MORE;
	case 'S':
		if (span_until(&in, '\0', &name) && name_is(name, "server_version") && span_until(&in, '\0', &name))
			pgsql->server = l7_text(l7, name, TEXT_MAX);
		return PROTO_MORE;
	case 'D':
		pgsql->rows++;
		return PROTO_MORE;
	case 'C':
		if (pgsql->command.len == 0 && span_until(&in, '\0', &name))
			pgsql->command = l7_text(l7, name, TEXT_MAX);
		return PROTO_MORE;
	case 'E':
		return error_read(msg, m, l7);
	case 'W': // what follows is a log, both ways
		return PROTO_DONE;
	case 'Z':
		m->login = false;
		if (l7->pending)
			return PROTO_YES;
		l7_clear(l7);
		return PROTO_MORE;
	default:
		return PROTO_MORE;
	}
}

// ---- proof, in the middle of a connection ----

// A letter that the side can say, and a length; a statement that begins as one does and ends with its message.
static bool statement_is(struct span in)
{
	uint8_t type = span_u8(&in);
	uint32_t length = span_be32(&in);
	struct span name, statement;

	if (length != in.left + LENGTH_BYTES || in.left < 4 || (type == 'P' && !span_until(&in, '\0', &name)))
		return false;
	return span_until(&in, '\0', &statement) && (type == 'P' || in.left == 0) && sql_is(statement);
}

// Messages to the last byte, the last of which says that the server is ready, or the first that it failed.
static bool answer_is(struct span in)
{
	for (unsigned i = 0; i < WALK_MAX && in.left >= HEAD; i++) {
		uint8_t type = span_u8(&in);
		uint32_t length = span_be32(&in);
		struct span body = span_take(&in, length >= LENGTH_BYTES && length < MESSAGE_MAX ? length - LENGTH_BYTES : MESSAGE_MAX);

		if (!span_ok(&body) || strchr("RSKZTDC123nstEINAGHWdcVv", type) == NULL || type == 0)
			return false;
		if (type == 'E' && i == 0)
			return span_starts(body, "SERROR") || span_starts(body, "SFATAL") || span_starts(body, "SPANIC");
		if (type == 'Z' && in.left == 0)
			return i > 0 && body.left == 1 && strchr("ITE", body.at[0]) != NULL && body.at[0] != 0;
	}
	return false;
}

static bool proves(struct span in, bool to_server)
{
	if (to_server)
		return (in.at[0] == 'Q' || in.at[0] == 'P') && statement_is(in);
	return answer_is(in);
}

// ---- messages ----

// Those whose body matters; of all others only the head.
static uint32_t wanted(uint8_t type, bool to_server, uint32_t length)
{
	if (type == 0 || strchr(to_server ? "QP" : "RSCE", type) == NULL)
		return 0;
	return length < READ_MAX ? length : READ_MAX;
}

static enum proto_verdict message_read(struct span in, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	struct span from = in;
	struct message msg = {.type = span_u8(&from)};
	uint32_t take;

	if (msg.type == 0 || strchr(hint->to_server ? "QPBEDHSCXFdcfp" : "RSKZTDC123nstEINAGHWdcVv", msg.type) == NULL)
		return PROTO_NO;
	msg.length = span_be32(&from);
	if (!span_ok(&from))
		return PROTO_MORE;
	if (msg.length < LENGTH_BYTES || msg.length > MESSAGE_MAX)
		return PROTO_NO;
	msg.length -= LENGTH_BYTES;
	take = wanted(msg.type, hint->to_server, msg.length);
	if (from.left < take)
		return PROTO_MORE;
	msg.body = span_take(&from, take);
	l7->used = HEAD + take;
	l7->skip = msg.length - take;
	return hint->to_server ? client_message(&msg, l7) : server_message(&msg, m, l7);
}

static enum proto_verdict postgresql_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);

	if (!hint->claimed) {
		if (hint->to_server && in.at[0] == 0)
			return begin(in, m, l7);
		if (!proves(in, hint->to_server))
			return PROTO_NO;
		m->started = true;
	}
	if (!hint->to_server && m->asked != 0)
		return wish_answered(in, m, l7);
	if (hint->to_server && !m->started)
		return begin(in, m, l7);
	m->started = true;
	return message_read(in, hint, m, l7);
}

const struct proto_ops proto_postgresql = {
	.name = "postgresql",
	.title = "PostgreSQL",
	.spec = "PostgreSQL frontend/backend protocol 3",
	.l4 = PROTO_TCP,
	.ports = {5432},
	.max_payloads = 3,
	.first = {{0, 0}, {'A', 'Z'}, {'1', '3'}},
	.firsts = 3,
	.dissect = postgresql_dissect,
	.kind = &kind,
};
