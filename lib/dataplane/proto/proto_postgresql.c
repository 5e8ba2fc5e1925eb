// PostgreSQL: "Frontend/Backend Protocol", version 3. A connection begins with a length and a magic number: the version with named
// parameters, or a request for TLS, GSSAPI or a cancellation; that is the proof. Then messages have a letter and a length. One event for
// the start, one for each query with its end. Passwords are passed over. If the server agrees on TLS the search begins anew.
#include "proto/proto_list.h"

#include <string.h>

struct pgsql {
	struct record_text user, database, application, query, auth, completed, severity, code, message;
	uint32_t version, rows;
	bool tls, cancel;
};

enum phase { START, ASKED_TLS, MESSAGES };

struct memory {
	uint8_t phase;
	bool asked; // a query or a start waits for ReadyForQuery
};

enum { VERSION_3 = 196608, SSL_REQUEST = 80877103, GSS_REQUEST = 80877104, CANCEL_REQUEST = 80877102 };
enum { START_MAX = 10000, MESSAGE_MAX = 1 << 30, READ_MAX = 2048, QUERY_MAX = 1024, TEXT_MAX = 256, PARAMETERS_MAX = 32, PARTS_MAX = 24 };

static const struct record_field fields[] = {
	{FIELD("user", TEXT, pgsql, user), IN("pgsql.request", "user")},
	{FIELD("database", TEXT, pgsql, database), IN("pgsql.request", "database")},
	{FIELD("application_name", TEXT, pgsql, application), IN("pgsql.request", "application_name")},
	{FIELD("protocol_version", U32, pgsql, version), IN("pgsql.request", "protocol_version"), .flags = FIELD_OMIT_ZERO},
	{FIELD("simple_query", TEXT, pgsql, query), IN("pgsql.request", "simple_query")},
	{FIELD("cancel_request", BOOL, pgsql, cancel), IN("pgsql.request", "cancel_request"), .flags = FIELD_OMIT_ZERO},
	{FIELD("tls", BOOL, pgsql, tls), IN("pgsql.response", "ssl_accepted"), .flags = FIELD_OMIT_ZERO},
	{FIELD("authentication", TEXT, pgsql, auth), IN("pgsql.response", "authentication")},
	{FIELD("command_completed", TEXT, pgsql, completed), IN("pgsql.response", "command_completed")},
	{FIELD("data_rows", U32, pgsql, rows), IN("pgsql.response", "data_rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("severity", TEXT, pgsql, severity), IN("pgsql.response", "severity")},
	{FIELD("code", TEXT, pgsql, code), IN("pgsql.response", "code")},
	{FIELD("message", TEXT, pgsql, message), IN("pgsql.response", "message")},
	{0},
};

static const struct record_kind kind = {.event_type = "pgsql", BODY(pgsql), .client_first = true, .fields = fields};

static bool is(struct span text, const char *name)
{
	return text.left == strlen(name) && memcmp(text.at, name, text.left) == 0;
}

// ---- the start ----

static bool parameters_read(struct l7 *l7, struct pgsql *pgsql, struct span in)
{
	struct span name, value;

	for (unsigned i = 0; i < PARAMETERS_MAX && in.left > 1; i++) {
		if (!span_until(&in, '\0', &name) || !span_until(&in, '\0', &value) || name.left == 0)
			return false;
		if (is(name, "user"))
			pgsql->user = l7_text(l7, value, TEXT_MAX);
		else if (is(name, "database"))
			pgsql->database = l7_text(l7, value, TEXT_MAX);
		else if (is(name, "application_name"))
			pgsql->application = l7_text(l7, value, TEXT_MAX);
	}
	return pgsql->user.len > 0;
}

static enum proto_verdict start_read(struct span in, struct l7 *l7, struct pgsql *pgsql, struct memory *memory)
{
	struct span rest = in;
	uint32_t length = span_be32(&rest), magic = span_be32(&rest);

	if (in.left < 8)
		return in.left < 4 || (length >= 8 && length <= START_MAX) ? PROTO_MORE : PROTO_NO;
	if (magic == SSL_REQUEST || magic == GSS_REQUEST) {
		if (length != 8)
			return PROTO_NO;
		memory->phase = magic == SSL_REQUEST ? ASKED_TLS : START;
		l7->used = length;
		return PROTO_MORE;
	}
	if (magic == CANCEL_REQUEST && length == 16) {
		pgsql->cancel = true;
		l7->used = in.left;
		l7->pending = true;
		return PROTO_DONE;
	}
	if (magic != VERSION_3 || length < 9 || length > START_MAX)
		return PROTO_NO;
	if (in.left < length)
		return PROTO_MORE;
	rest.left = length - 8;
	if (!parameters_read(l7, pgsql, rest))
		return PROTO_NO;
	pgsql->version = magic >> 16;
	memory->phase = MESSAGES;
	memory->asked = true;
	l7->used = length;
	l7->pending = true;
	return PROTO_MORE;
}

// One letter, where TLS or GSSAPI was asked for. An error of an old server begins with E too, and is one.
static enum proto_verdict tls_answered(struct span in, struct l7 *l7, struct pgsql *pgsql, struct memory *memory)
{
	bool agreed = memory->phase == ASKED_TLS && in.at[0] == 'S';

	if (in.at[0] != 'S' && in.at[0] != 'N' && in.at[0] != 'G')
		return PROTO_NO;
	l7->used = 1;
	memory->phase = START;
	pgsql->tls = agreed;
	l7->pending = agreed;
	return agreed ? PROTO_NEXT : in.at[0] == 'G' ? PROTO_DONE : PROTO_MORE;
}

// ---- messages ----

static void error_read(struct l7 *l7, struct pgsql *pgsql, struct span in)
{
	struct span text;

	for (unsigned i = 0; i < PARTS_MAX && in.left > 1; i++) {
		uint8_t field = span_u8(&in);

		if (field == 0 || !span_until(&in, '\0', &text))
			return;
		if (field == 'S')
			pgsql->severity = l7_text(l7, text, TEXT_MAX);
		else if (field == 'C')
			pgsql->code = l7_text(l7, text, TEXT_MAX);
		else if (field == 'M')
			pgsql->message = l7_text(l7, text, TEXT_MAX);
	}
}

static void authentication_read(struct l7 *l7, struct pgsql *pgsql, struct span in)
{
	static const char *const names[] = {"ok", NULL, "kerberos_v5", "cleartext_password", NULL, "md5_password", "scm_credential", "gss", NULL,
					    "sspi", "sasl"};
	uint32_t method = span_be32(&in);

	if (method < sizeof(names) / sizeof(names[0]) && names[method] != NULL && (method != 0 || pgsql->auth.len == 0))
		pgsql->auth = l7_text_bytes(l7, names[method], (uint32_t)strlen(names[method]), TEXT_MAX);
}

static void query_read(struct l7 *l7, struct pgsql *pgsql, struct span in, uint8_t type)
{
	struct span text;

	if (type == 'P') // the name of the statement comes first
		span_until(&in, '\0', &text);
	if (!span_until(&in, '\0', &text))
		text = in;
	if (pgsql->query.len == 0)
		pgsql->query = l7_text(l7, text, QUERY_MAX);
}

static enum proto_verdict from_client(struct l7 *l7, struct pgsql *pgsql, struct memory *memory, uint8_t type, struct span in)
{
	if (type == 'X')
		return PROTO_DONE;
	if (type != 'Q' && type != 'P')
		return PROTO_MORE;
	query_read(l7, pgsql, in, type);
	memory->asked = true;
	l7->pending = true;
	return PROTO_MORE;
}

static enum proto_verdict from_server(struct l7 *l7, struct pgsql *pgsql, struct memory *memory, uint8_t type, struct span in)
{
	struct span text;

	switch (type) {
	case 'R':
		authentication_read(l7, pgsql, in);
		break;
	case 'E':
		error_read(l7, pgsql, in);
		break;
	case 'D':
		pgsql->rows++;
		break;
	case 'C':
		if (span_until(&in, '\0', &text))
			pgsql->completed = l7_text(l7, text, TEXT_MAX);
		break;
	case 'Z':
		if (!memory->asked)
			break;
		memory->asked = false;
		return PROTO_YES;
	default:
		break;
	}
	return PROTO_MORE;
}

static enum proto_verdict message(struct span in, const struct proto_hint *hint, struct l7 *l7, struct pgsql *pgsql, struct memory *memory)
{
	struct span rest = in;
	uint8_t type = span_u8(&rest);
	uint32_t length = span_be32(&rest), body, wanted;

	if (in.left < 5)
		return PROTO_MORE;
	if (length < 4 || length > MESSAGE_MAX || !((type >= 'A' && type <= 'Z') || (type >= '1' && type <= '3') || (type >= 'a' && type <= 'z')))
		return PROTO_NO;
	body = length - 4;
	wanted = type == 'D' || type == 'd' ? 0 : body < READ_MAX ? body : READ_MAX;
	if (rest.left < wanted)
		return PROTO_MORE;
	if (rest.left > body)
		rest.left = body;
	l7->used = 5 + rest.left;
	l7->skip = body - rest.left;
	return hint->to_server ? from_client(l7, pgsql, memory, type, rest) : from_server(l7, pgsql, memory, type, rest);
}

static enum proto_verdict pgsql_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct pgsql *pgsql = L7_BODY(l7, struct pgsql);
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (!hint->claimed && !hint->to_server)
		return PROTO_NO;
	if (memory->phase == MESSAGES)
		return message(in, hint, l7, pgsql, memory);
	return hint->to_server ? start_read(in, l7, pgsql, memory) : tls_answered(in, l7, pgsql, memory);
}

const struct proto_ops proto_postgresql = {
	.name = "postgresql",
	.title = "PostgreSQL",
	.spec = "PostgreSQL Frontend/Backend Protocol 3",
	.l4 = PROTO_TCP,
	.ports = {5432},
	.max_payloads = 3,
	.first = {{0, 0}},
	.firsts = 1,
	.dissect = pgsql_dissect,
	.kind = &kind,
};
