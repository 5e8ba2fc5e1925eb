// IMAP, RFC 9051 and RFC 3501, with ID (RFC 2971) and COMPRESS (RFC 4978): a transaction is a tagged command with its tagged
// reply, or the greeting.
//
// Of the arguments only mailbox, user, mechanism and ID are told, so no password and nothing of a mail is ever written. Literals
// are passed over by the engine, the rest of their line is not read. A command that comes before the one ahead of it is answered
// makes that one be reported alone.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { TAG_MAX = 32, VERB_MAX = 16, COMMAND_MAX = 32, NAME_BYTES_MAX = 255, MECHANISM_MAX = 32, ID_MAX = 512 };
enum { REPLY_MAX = 512, USER_MAX = 64 };
enum { LITERAL_MAX = 999999999 };

enum imap_status { STATUS_NONE, STATUS_OK, STATUS_NO, STATUS_BAD, STATUS_PREAUTH, STATUS_BYE, STATUSES };
enum imap_after { AFTER_NOTHING, AFTER_TLS, AFTER_OVER }; // what an OK leads to

struct imap {
	struct record_text tag, command, mailbox, user, mechanism, client_id, server_id, reply;
	uint8_t status; // enum imap_status
	uint8_t after;  // enum imap_after
};

struct imap_memory {
	bool rest[2], literal[2]; // by direction: an overlong line, the rest of one behind a literal
	bool auth;                // secrets follow, up to a reply
	bool greeted;
	uint8_t tag_length, user_length;
	uint8_t tag[TAG_MAX]; // of the command that waits for its reply
	uint8_t user[USER_MAX];
};

struct imap_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct imap *imap;
	struct imap_memory *memory;
	unsigned direction;
};

static const char *const statuses[STATUSES] = {"", "OK", "NO", "BAD", "PREAUTH", "BYE"};

static const struct record_field fields[] = {
	{FIELD("tag", TEXT, imap, tag), IN("imap", "tag")},
	{FIELD("command", TEXT, imap, command), IN("imap", "command")},
	{FIELD("mailbox", TEXT, imap, mailbox), IN("imap", "mailbox")},
	{FIELD("auth_mechanism", TEXT, imap, mechanism), IN("imap", "auth_mechanism")},
	{FIELD("user", TEXT, imap, user), IN("imap", "user")},
	{FIELD("client_id", TEXT, imap, client_id), IN("imap", "client_id")},
	{FIELD("server_id", TEXT, imap, server_id), IN("imap", "server_id")},
	{FIELD("status", NAME8, imap, status), IN("imap", "status"), NAMES(statuses), .flags = FIELD_OMIT_ZERO},
	{FIELD("reply", TEXT, imap, reply), IN("imap", "reply")},
	{0},
};

static const struct record_kind kind = {.event_type = "imap", BODY(imap), .client_first = true, .fields = fields};

static enum proto_verdict use(struct imap_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

static void transaction_begin(struct imap_call *c)
{
	l7_clear(c->l7);
	c->l7->pending = true;
	c->imap->user = l7_text_bytes(c->l7, c->memory->user, c->memory->user_length, NAME_BYTES_MAX);
}

// "... {12}" or "{12+}" at the end of a line: so many bytes follow, then the line goes on.
static bool literal_read(struct span line, uint32_t *bytes)
{
	struct span rest = line, before;
	bool found = false;

	while (span_until(&rest, '{', &before))
		found = true;
	if (!found || !number_next(&rest, LITERAL_MAX, bytes))
		return false;
	if (span_starts(rest, "+") || span_starts(rest, "-"))
		span_bytes(&rest, 1);
	return rest.left == 1 && rest.at[0] == '}';
}

// ---- commands ----

// An atom or a quoted string; a literal is none.
static bool string_next(struct span *line, struct span *string)
{
	if (!span_starts(*line, "\""))
		return word_next(line, string) && !span_starts(*string, "{");
	span_bytes(line, 1);
	if (!span_until(line, '"', string))
		return false;
	*line = span_trim(*line);
	return true;
}

static bool tag_like(struct span tag)
{
	bool like = tag.left > 0 && tag.left <= TAG_MAX;

	while (tag.left > 0) {
		uint8_t c = span_u8(&tag);

		like = like && c > 0x20 && c < 0x7f && strchr("(){%*\"\\+", c) == NULL;
	}
	return like;
}

static void user_keep(struct imap_memory *memory, struct span user)
{
	memory->user_length = (uint8_t)(user.left < USER_MAX ? user.left : USER_MAX);
	memcpy(memory->user, user.at, memory->user_length);
}

static void arguments_tell(struct imap_call *c, struct span verb, struct span line)
{
	static const char *const of_mailbox[] = {"SELECT",    "EXAMINE",     "CREATE", "DELETE", "RENAME",
						 "SUBSCRIBE", "UNSUBSCRIBE", "STATUS", "APPEND"};
	struct imap *imap = c->imap;
	struct span word;

	if (word_is(verb, "ID"))
		imap->client_id = l7_text(c->l7, line, ID_MAX);
	else if (word_is(verb, "AUTHENTICATE") && word_next(&line, &word))
		imap->mechanism = l7_text(c->l7, word, MECHANISM_MAX);
	else if (word_index(verb, of_mailbox, sizeof(of_mailbox) / sizeof(of_mailbox[0])) >= 0 && string_next(&line, &word))
		imap->mailbox = l7_text(c->l7, word, NAME_BYTES_MAX);
}

static enum imap_after after_of(struct span verb)
{
	if (word_is(verb, "STARTTLS"))
		return AFTER_TLS;
	return word_is(verb, "COMPRESS") || word_is(verb, "LOGOUT") ? AFTER_OVER : AFTER_NOTHING;
}

// "UID FETCH" is one command.
static struct span verb_whole(struct span verb, struct span line)
{
	struct span second;

	if (word_is(verb, "UID") && word_next(&line, &second) && word_letters(second) && second.left <= VERB_MAX)
		verb.left = (uint32_t)(second.at - verb.at) + second.left;
	return verb;
}

static enum proto_verdict command(struct imap_call *c, struct span line)
{
	struct imap_memory *memory = c->memory;
	struct span tag, verb, user, rest;

	if (!word_next(&line, &tag) || !tag_like(tag) || !word_next(&line, &verb) || verb.left > VERB_MAX || !word_letters(verb))
		return PROTO_MORE;
	if (c->l7->pending) {
		line_unread(&c->lines);
		return use(c, PROTO_YES);
	}
	rest = line;
	if (word_is(verb, "LOGIN") && string_next(&rest, &user))
		user_keep(memory, user);
	memory->tag_length = (uint8_t)tag.left;
	memcpy(memory->tag, tag.at, tag.left);
	memory->auth = word_is(verb, "AUTHENTICATE");
	transaction_begin(c);
	c->imap->tag = l7_text(c->l7, tag, TAG_MAX);
	c->imap->command = l7_text(c->l7, verb_whole(verb, line), COMMAND_MAX);
	c->imap->after = (uint8_t)after_of(verb);
	arguments_tell(c, verb, line);
	return PROTO_MORE;
}

// ---- replies ----

static enum imap_status status_read(struct span word)
{
	int index = word_index(word, statuses + STATUS_OK, STATUSES - STATUS_OK);

	return index < 0 ? STATUS_NONE : (enum imap_status)(index + STATUS_OK);
}

static void reply_tell(struct imap_call *c, enum imap_status status, struct span text)
{
	c->imap->status = (uint8_t)status;
	c->imap->reply = l7_text(c->l7, text, REPLY_MAX);
}

static enum proto_verdict untagged(struct imap_call *c, struct span line)
{
	enum imap_status status;
	struct span word;

	if (!word_next(&line, &word))
		return PROTO_MORE;
	if (c->l7->pending && word_is(word, "ID") && c->imap->server_id.len == 0)
		c->imap->server_id = l7_text(c->l7, line, ID_MAX);
	status = status_read(word);
	if (c->memory->greeted || status == STATUS_NONE)
		return PROTO_MORE;
	c->memory->greeted = true;
	if (c->l7->pending)
		return PROTO_MORE; // it proved nothing until a command did
	transaction_begin(c);
	reply_tell(c, status, line);
	return use(c, PROTO_YES);
}

static enum proto_verdict server_line(struct imap_call *c, struct span line)
{
	struct imap_memory *memory = c->memory;
	enum imap_status status;
	struct span tag, word;

	if (!word_next(&line, &tag))
		return PROTO_MORE;
	if (word_is(tag, "*"))
		return untagged(c, line);
	if (!c->l7->pending || tag.left != memory->tag_length || memcmp(tag.at, memory->tag, tag.left) != 0 ||
	    !word_next(&line, &word))
		return PROTO_MORE;
	status = status_read(word);
	if (status == STATUS_NONE)
		return PROTO_MORE;
	memory->auth = false;
	memory->greeted = true;
	reply_tell(c, status, line);
	if (status != STATUS_OK || c->imap->after == AFTER_NOTHING)
		return use(c, PROTO_YES);
	return use(c, c->imap->after == AFTER_TLS ? PROTO_NEXT : PROTO_DONE);
}

// ---- whether it is IMAP ----

// "a12": what clients tag commands with.
static bool tag_counts(struct span tag)
{
	bool digit = false, others = false;

	for (struct span rest = tag; rest.left > 0;) {
		uint8_t c = span_u8(&rest), low = c | 0x20;

		digit = digit || (c >= '0' && c <= '9');
		others = others || !((c >= '0' && c <= '9') || (low >= 'a' && low <= 'z'));
	}
	return digit && !others && tag.left <= TAG_MAX;
}

// 1 proof, 0 a line that IMAP may have, -1 one that it has not. "a12 OK FETCH completed" is proof in the middle of a connection.
static int server_proof(struct span line, bool first)
{
	struct span tag, word;

	if (!text_sound(line) || !word_next(&line, &tag) || !word_next(&line, &word))
		return first ? -1 : 0;
	if (!word_is(tag, "*") && tag_counts(tag) && status_read(word) == STATUS_OK && text_has(line, "completed"))
		return 1;
	if (!word_is(tag, "*"))
		return first ? -1 : 0;
	if (word_is(word, "CAPABILITY") || status_read(word) != STATUS_NONE)
		return text_has(line, "IMAP4");
	return first ? -1 : 0;
}

static int client_proof(struct span line)
{
	static const char *const alone[] = {"CAPABILITY", "STARTTLS"};
	static const char *const may[] = {"NOOP", "LOGOUT", "SELECT", "EXAMINE", "LIST"};
	static const char *const of_uid[] = {"FETCH", "SEARCH", "STORE", "COPY"};
	struct span tag, verb, word;
	uint32_t bytes;

	if (!text_sound(line) || !word_next(&line, &tag) || !tag_like(tag))
		return -1;
	if (!word_next(&line, &verb))
		return word_is(tag, "DONE") ? 0 : -1; // of an IDLE that was not seen
	if (word_index(verb, alone, 2) >= 0)
		return line.left == 0 ? 1 : -1;
	if (word_is(verb, "LOGIN") && literal_read(line, &bytes))
		return 1;
	if (word_is(verb, "LOGIN") || word_is(verb, "AUTHENTICATE"))
		return string_next(&line, &word) && (line.left > 0 || word_is(verb, "AUTHENTICATE")) ? 1 : -1;
	if (word_is(verb, "ID"))
		return span_starts(line, "(\"") || word_is(line, "NIL") ? 1 : -1;
	if (word_is(verb, "UID") && word_next(&line, &word))
		return word_index(word, of_uid, 4) >= 0 ? 1 : -1;
	return word_index(verb, may, sizeof(may) / sizeof(may[0])) >= 0 ? 0 : -1;
}

static enum proto_verdict begins(const struct imap_call *c)
{
	struct lines ahead = c->lines;
	bool rest = false, first = true;
	struct span line;

	ahead.rest = &rest;
	for (; line_next(&ahead, &line); first = false) {
		int proof = c->direction == 0 ? client_proof(line) : server_proof(line, first);

		if (proof != 0)
			return proof > 0 ? PROTO_YES : PROTO_NO;
	}
	return text_sound(ahead.from) ? PROTO_MORE : PROTO_NO;
}

// ---- the stream ----

static enum proto_verdict line_act(struct imap_call *c, struct span line)
{
	bool *literal = &c->memory->literal[c->direction], behind = *literal;
	enum proto_verdict verdict = PROTO_MORE;
	uint32_t bytes = 0;

	*literal = literal_read(line, &bytes);
	if (!behind && c->direction == 1)
		verdict = server_line(c, line);
	else if (!behind && !c->memory->auth)
		verdict = command(c, line);
	if (c->lines.from.left == c->lines.before.left) // it is to be read once more
		*literal = behind;
	else
		c->l7->skip = *literal ? bytes : 0;
	return verdict;
}

static enum proto_verdict imap_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct imap_memory *memory = L7_MEMORY(l7, struct imap_memory);
	struct imap_call c = {
		.in = in, .l7 = l7, .imap = L7_BODY(l7, struct imap), .memory = memory, .direction = !hint->to_server};
	enum proto_verdict verdict;
	struct span line;

	c.lines = (struct lines){.from = in, .rest = &memory->rest[c.direction]};
	if (!hint->claimed && (verdict = begins(&c)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && l7->skip == 0 && line_next(&c.lines, &line))
		verdict = line_act(&c, line);
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_imap = {
	.name = "imap",
	.title = "IMAP",
	.spec = "RFC 9051, RFC 3501",
	.l4 = PROTO_TCP,
	.ports = {143},
	.max_payloads = 4,
	.first = {{'*', '*'}, {'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 4,
	.dissect = imap_dissect,
	.kind = &kind,
};
