// POP3, RFC 1939, with CAPA (RFC 2449), STLS (RFC 2595) and AUTH (RFC 5034): a transaction is a command with the first line of
// its reply, or a reply that no command asked for (the greeting).
//
// What follows PASS, the digest of APOP and all that is said while AUTH goes on is never written. The lines of a mail or a list
// are passed over. Commands that come in one piece: as in FTP.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { VERB_MIN = 3, VERB_MAX = 4, COMMAND_MAX = 16, ARGUMENT_MAX = 255, REPLY_MAX = 512, USER_MAX = 64, DIGEST_DIGITS = 32 };

enum pop3_status { STATUS_NONE, STATUS_OK, STATUS_ERROR };

struct pop3 {
	struct record_text command, arguments, header, user;
	uint8_t status; // enum pop3_status
	bool success;
	bool many_lines, tls; // its reply has many lines, leads to TLS; if it is OK
};

struct pop3_memory {
	bool rest[2]; // by direction
	bool replied; // the server has said something
	bool listing; // lines of a reply follow, up to a dot
	bool auth;    // secrets follow, up to a reply
	uint8_t owed; // replies to commands that have been reported
	uint8_t user_length;
	uint8_t user[USER_MAX];
};

struct pop3_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct pop3 *pop3;
	struct pop3_memory *memory;
	bool fresh; // the command that waits for its reply came in these bytes
};

static const char *const statuses[] = {"", "OK", "ERR"};

static const struct record_field fields[] = {
	{FIELD("command", TEXT, pop3, command), IN("pop3.request", "command")},
	{FIELD("args", TEXT_LIST, pop3, arguments), IN("pop3.request", "args"), .flags = FIELD_LINES},
	{FIELD("success", BOOL, pop3, success), IN("pop3.response", "success"), .flags = FIELD_OMIT_ZERO},
	{FIELD("status", NAME8, pop3, status), IN("pop3.response", "status"), NAMES(statuses), .flags = FIELD_OMIT_ZERO},
	{FIELD("header", TEXT, pop3, header), IN("pop3.response", "header")},
	{FIELD("user", TEXT, pop3, user), IN("pop3", "user")},
	{0},
};

static const struct record_kind kind = {.event_type = "pop3", BODY(pop3), .client_first = true, .fields = fields};

static enum proto_verdict use(struct pop3_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

static void transaction_begin(struct pop3_call *c)
{
	l7_clear(c->l7);
	c->l7->pending = true;
	c->pop3->user = l7_text_bytes(c->l7, c->memory->user, c->memory->user_length, ARGUMENT_MAX);
}

// ---- commands ----

static bool command_is(struct span verb)
{
	static const char *const commands[] = {"USER", "PASS", "APOP", "AUTH", "STLS", "CAPA", "STAT", "LIST", "UIDL", "RETR",
					       "TOP",  "DELE", "NOOP", "RSET", "QUIT", "LAST", "UTF8", "LANG", "XTND"};

	return word_index(verb, commands, sizeof(commands) / sizeof(commands[0])) >= 0;
}

// How many words behind the verb may be written.
static unsigned arguments_open(struct span verb)
{
	static const char *const one[] = {"USER", "APOP", "AUTH"};

	if (word_is(verb, "PASS"))
		return 0;
	return word_index(verb, one, sizeof(one) / sizeof(one[0])) >= 0 ? 1 : 3;
}

static void user_keep(struct pop3_memory *memory, struct span line)
{
	struct span user;

	word_next(&line, &user);
	memory->user_length = (uint8_t)(user.left < USER_MAX ? user.left : USER_MAX);
	memcpy(memory->user, user.at, memory->user_length);
}

static void arguments_tell(struct pop3_call *c, struct span verb, struct span line)
{
	struct span word;

	c->pop3->arguments = text_reserve(c->l7, ARGUMENT_MAX);
	for (unsigned n = arguments_open(verb); n > 0 && word_next(&line, &word); n--)
		text_list_add(c->l7, &c->pop3->arguments, ARGUMENT_MAX, word);
	text_trim(c->l7, c->pop3->arguments);
}

static bool many_lines(struct span verb, struct span line)
{
	static const char *const always[] = {"CAPA", "RETR", "TOP"}, *const alone[] = {"LIST", "UIDL", "LANG"};

	return word_index(verb, always, 3) >= 0 || (line.left == 0 && word_index(verb, alone, 3) >= 0);
}

static enum proto_verdict command(struct pop3_call *c, struct span line)
{
	struct pop3_memory *memory = c->memory;
	struct span verb;

	if (!word_next(&line, &verb) || !command_is(verb))
		return PROTO_MORE;
	if (c->l7->pending) {
		memory->owed = (uint8_t)(memory->owed + (c->fresh && memory->owed < UINT8_MAX));
		line_unread(&c->lines);
		return use(c, PROTO_YES);
	}
	if (word_is(verb, "USER") || word_is(verb, "APOP"))
		user_keep(memory, line);
	memory->listing = false;
	transaction_begin(c);
	c->pop3->command = l7_text(c->l7, verb, COMMAND_MAX);
	c->pop3->many_lines = many_lines(verb, line);
	c->pop3->tls = word_is(verb, "STLS");
	memory->auth = word_is(verb, "AUTH") && line.left > 0;
	arguments_tell(c, verb, line);
	c->fresh = true;
	return PROTO_MORE;
}

// ---- replies ----

static enum pop3_status status_read(struct span *line)
{
	struct span word;

	word_next(line, &word);
	if (word_is(word, "+OK"))
		return STATUS_OK;
	return word_is(word, "-ERR") ? STATUS_ERROR : STATUS_NONE;
}

static enum proto_verdict reply_tell(struct pop3_call *c, enum pop3_status status, struct span text)
{
	struct pop3 *pop3 = c->pop3;

	if (!c->l7->pending)
		transaction_begin(c);
	pop3->status = (uint8_t)status;
	pop3->success = status == STATUS_OK;
	pop3->header = l7_text(c->l7, text, REPLY_MAX);
	c->memory->listing = pop3->many_lines && pop3->success;
	return use(c, pop3->tls && pop3->success ? PROTO_NEXT : PROTO_YES);
}

// The greeting proved nothing until a command did: it is offered together with what answers that.
static bool greeting_late(const struct pop3_call *c)
{
	return c->l7->pending && !c->memory->replied && (span_starts(c->lines.from, "+") || span_starts(c->lines.from, "-"));
}

static enum proto_verdict reply_line(struct pop3_call *c, struct span line)
{
	struct pop3_memory *memory = c->memory;
	enum pop3_status status;

	if (memory->listing) {
		memory->listing = line.left != 1 || line.at[0] != '.';
		return PROTO_MORE;
	}
	status = status_read(&line);
	if (status == STATUS_NONE)
		return PROTO_MORE;
	memory->auth = false;
	memory->owed = (uint8_t)(memory->owed + greeting_late(c));
	memory->replied = true;
	if (memory->owed == 0)
		return reply_tell(c, status, line);
	memory->owed--;
	return PROTO_MORE;
}

// ---- whether it is POP3 ----

// "<1896.697170952@dbc.example.org>", of APOP.
static bool time_stamp_has(struct span text)
{
	struct span before, stamp;

	return span_until(&text, '<', &before) && span_until(&text, '>', &stamp) && text_has(stamp, "@") && text_has(stamp, ".");
}

// 1 proof, 0 a line that POP3 may have, -1 one that it has not. A reply behind a greeting with text is proof too (those of others
// who say "+OK", Redis and NATS, have none).
static int server_proof(struct span line, unsigned nth)
{
	enum pop3_status status = status_read(&line);

	if (status == STATUS_NONE || !text_sound(line) || (nth == 0 && (status != STATUS_OK || line.left == 0)))
		return -1;
	return nth > 0 || text_has(line, "POP") || time_stamp_has(line) || text_has(line, "dovecot");
}

static bool hex_digits(struct span word, uint32_t digits)
{
	bool all = word.left == digits;

	while (word.left > 0) {
		uint8_t c = span_u8(&word), low = c | 0x20;

		all = all && ((c >= '0' && c <= '9') || (low >= 'a' && low <= 'f'));
	}
	return all;
}

static int client_proof(struct span line)
{
	static const char *const alone[] = {"CAPA", "STLS", "UIDL"};
	struct span verb, name;

	if (!text_sound(line) || !word_next(&line, &verb) || !command_is(verb))
		return -1;
	if (word_is(verb, "APOP"))
		return word_next(&line, &name) && hex_digits(line, DIGEST_DIGITS);
	return word_index(verb, alone, sizeof(alone) / sizeof(alone[0])) >= 0 && line.left == 0;
}

static enum proto_verdict begins(const struct pop3_call *c, bool to_server)
{
	struct lines ahead = c->lines;
	bool rest = false;
	struct span line;

	ahead.rest = &rest;
	for (unsigned nth = 0; line_next(&ahead, &line); nth++) {
		int proof = to_server ? client_proof(line) : server_proof(line, nth);

		if (proof != 0)
			return proof > 0 ? PROTO_YES : PROTO_NO;
	}
	return text_sound(ahead.from) ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict client_line(struct pop3_call *c, struct span line)
{
	struct span rest = line, verb;

	if (c->memory->auth && (!word_next(&rest, &verb) || !word_is(verb, "QUIT")))
		return PROTO_MORE;
	return command(c, line);
}

static enum proto_verdict pop3_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct pop3_memory *memory = L7_MEMORY(l7, struct pop3_memory);
	struct pop3_call c = {.in = in, .l7 = l7, .pop3 = L7_BODY(l7, struct pop3), .memory = memory};
	enum proto_verdict verdict;
	struct span line;

	c.lines = (struct lines){.from = in, .rest = &memory->rest[!hint->to_server]};
	if (!hint->claimed && (verdict = begins(&c, hint->to_server)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && line_next(&c.lines, &line))
		verdict = hint->to_server ? client_line(&c, line) : reply_line(&c, line);
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_pop3 = {
	.name = "pop3",
	.title = "POP3",
	.spec = "RFC 1939, RFC 2449, RFC 2595, RFC 5034",
	.l4 = PROTO_TCP,
	.ports = {110},
	.max_payloads = 4,
	.first = {{'+', '+'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 3,
	.dissect = pop3_dissect,
	.kind = &kind,
};
