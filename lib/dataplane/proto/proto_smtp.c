// SMTP and LMTP, RFC 5321, with STARTTLS (RFC 3207), AUTH (RFC 4954) and BDAT (RFC 3030): a transaction is a mail and what was
// said around it, or a connection without one.
//
// It is reported when the next mail begins, when the server has agreed to part or to speak TLS, or with the end of the flow. Of a
// mail only some fields of its head are read; its text is passed over line by line, a BDAT chunk by the engine. What is said
// while AUTH goes on is secret and never read. Commands said several times in a row are listed once.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { VERB_MAX = 16, HELO_MAX = 128, ADDRESS_MAX = 320, MECHANISM_MAX = 32, FIELD_BYTES_MAX = 255, CHUNK_BYTES_MAX = 999999999 };
enum { HELO_ROOM = 255, COMMANDS_ROOM = 255, RECIPIENTS_ROOM = 1024, REPLY_ROOM = 192 };
enum { CODE_READY = 220, CODE_BYE = 221, CODE_OK = 250, CODE_CHALLENGE = 334, CODE_GO_ON = 354, CODE_REFUSED = 400 };

struct smtp {
	struct record_text helo, mail_from, rcpt_to, commands, banner, reply, mechanism;
	struct record_text from, to, subject, message_id; // of the mail's head
	uint32_t recipients;
	bool lists; // the texts that grow have their room
};

enum smtp_state { STATE_COMMANDS, STATE_AUTH, STATE_HEAD, STATE_TEXT }; // of the client

struct smtp_memory {
	bool rest[2];  // by direction
	uint8_t state; // enum smtp_state
	bool begun;    // of the mail's text something has come
	bool tls_asked, quit_asked;
	uint8_t helo_length;
	uint8_t helo[HELO_MAX];
};

struct smtp_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct smtp *smtp;
	struct smtp_memory *memory;
};

static const struct record_field fields[] = {
	{FIELD("helo", TEXT, smtp, helo), IN("smtp", "helo")},
	{FIELD("mail_from", TEXT, smtp, mail_from), IN("smtp", "mail_from")},
	{FIELD("rcpt_to", TEXT_LIST, smtp, rcpt_to), IN("smtp", "rcpt_to"), .flags = FIELD_LINES},
	{FIELD("rcpt_count", U32, smtp, recipients), IN("smtp", "rcpt_count"), .flags = FIELD_OMIT_ZERO},
	{FIELD("commands", TEXT_LIST, smtp, commands), IN("smtp", "commands"), .flags = FIELD_LINES},
	{FIELD("banner", TEXT, smtp, banner), IN("smtp", "banner")},
	{FIELD("last_reply", TEXT, smtp, reply), IN("smtp", "last_reply")},
	{FIELD("auth_mechanism", TEXT, smtp, mechanism), IN("smtp", "auth_mechanism")},
	{FIELD("email_from", TEXT, smtp, from), IN("email", "from")},
	{FIELD("email_to", TEXT_LIST, smtp, to), IN("email", "to"), .flags = FIELD_LINES},
	{FIELD("email_subject", TEXT, smtp, subject), IN("email", "subject")},
	{FIELD("email_message_id", TEXT, smtp, message_id), IN("email", "message_id")},
	{0},
};

static const struct record_kind kind = {.event_type = "smtp", BODY(smtp), .client_first = true, .fields = fields};

static enum proto_verdict use(struct smtp_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

static void transaction_begin(struct smtp_call *c)
{
	struct smtp *smtp = c->smtp;

	if (smtp->lists)
		return;
	smtp->lists = c->l7->pending = true;
	smtp->helo = text_reserve(c->l7, HELO_ROOM);
	smtp->commands = text_reserve(c->l7, COMMANDS_ROOM);
	smtp->rcpt_to = text_reserve(c->l7, RECIPIENTS_ROOM);
	smtp->reply = text_reserve(c->l7, REPLY_ROOM);
	text_put_again(c->l7, &smtp->helo, HELO_ROOM, span_of(c->memory->helo, c->memory->helo_length));
}

// ---- commands ----

// Whether the list ends in this word already.
static bool command_again(const struct smtp_call *c, struct span verb)
{
	const struct record_text *list = &c->smtp->commands;
	const char *end = c->l7->text + list->at + list->len;

	if (list->len < verb.left || memcmp(end - verb.left, verb.at, verb.left) != 0)
		return false;
	return list->len == verb.left || end[-(int)verb.left - 1] == 'n'; // of "\n", for verbs have no blank before
}

static void helo_keep(struct smtp_call *c, struct span name)
{
	struct smtp_memory *memory = c->memory;

	memory->helo_length = (uint8_t)(name.left < HELO_MAX ? name.left : HELO_MAX);
	memcpy(memory->helo, name.at, memory->helo_length);
	text_put_again(c->l7, &c->smtp->helo, HELO_ROOM, name);
}

// "FROM:<a@example.org> SIZE=1": what stands between the colon and the parameters.
static bool path_read(struct span argument, const char *what, struct span *path)
{
	struct span rest = argument, keyword, address;

	if (!span_until(&rest, ':', &keyword) || !word_is(span_trim(keyword), what))
		return false;
	rest = span_trim(rest);
	*path = rest;
	if (span_starts(rest, "<") && span_until(&rest, '>', &address))
		path->left = address.left + 1;
	else
		word_next(&rest, path);
	return true;
}

static void recipient_add(struct smtp_call *c, struct span path)
{
	c->smtp->recipients++;
	text_list_add(c->l7, &c->smtp->rcpt_to, RECIPIENTS_ROOM, path);
}

static enum proto_verdict chunk_skip(struct smtp_call *c, struct span argument)
{
	uint32_t bytes;

	if (!number_next(&argument, CHUNK_BYTES_MAX, &bytes))
		return PROTO_MORE;
	c->l7->skip = bytes;
	return PROTO_MORE;
}

static enum proto_verdict verb_act(struct smtp_call *c, struct span verb, struct span argument)
{
	struct smtp_memory *memory = c->memory;
	struct span word;

	if (word_is(verb, "EHLO") || word_is(verb, "HELO") || word_is(verb, "LHLO"))
		helo_keep(c, argument);
	else if (word_is(verb, "MAIL") && path_read(argument, "FROM", &word))
		c->smtp->mail_from = l7_text(c->l7, word, ADDRESS_MAX);
	else if (word_is(verb, "RCPT") && path_read(argument, "TO", &word))
		recipient_add(c, word);
	else if (word_is(verb, "DATA"))
		memory->state = STATE_HEAD;
	else if (word_is(verb, "BDAT"))
		return chunk_skip(c, argument);
	else if (word_is(verb, "STARTTLS"))
		memory->tls_asked = true;
	else if (word_is(verb, "QUIT"))
		memory->quit_asked = true;
	else if (word_is(verb, "AUTH") && word_next(&argument, &word)) {
		memory->state = STATE_AUTH;
		if (c->smtp->mechanism.len == 0)
			c->smtp->mechanism = l7_text(c->l7, word, MECHANISM_MAX);
	}
	memory->begun = false;
	return PROTO_MORE;
}

static enum proto_verdict command(struct smtp_call *c, struct span line)
{
	struct span verb;

	if (!word_next(&line, &verb) || verb.left > VERB_MAX || !word_letters(verb))
		return PROTO_MORE;
	if (word_is(verb, "MAIL") && c->smtp->mail_from.len > 0) { // the one before is over
		line_unread(&c->lines);
		return use(c, PROTO_YES);
	}
	transaction_begin(c);
	if (!command_again(c, verb))
		text_list_add(c->l7, &c->smtp->commands, COMMANDS_ROOM, verb);
	return verb_act(c, verb, line);
}

// While a secret is being asked for: only what cannot be one counts.
static enum proto_verdict auth_line(struct smtp_call *c, struct span line)
{
	static const char *const commands[] = {"EHLO", "HELO", "MAIL", "QUIT", "RSET", "STARTTLS"};
	struct span rest = line, verb;

	if (!word_next(&rest, &verb) || word_index(verb, commands, sizeof(commands) / sizeof(commands[0])) < 0)
		return PROTO_MORE;
	c->memory->state = STATE_COMMANDS;
	return command(c, line);
}

// ---- the mail ----

static void addresses_tell(struct smtp_call *c, struct span list)
{
	struct smtp *smtp = c->smtp;

	if (smtp->to.len > 0)
		return;
	smtp->to = text_reserve(c->l7, FIELD_BYTES_MAX);
	while (list.left > 0)
		text_list_add(c->l7, &smtp->to, FIELD_BYTES_MAX, item_next(&list));
	text_trim(c->l7, smtp->to);
}

static void head_field(struct smtp_call *c, struct span line)
{
	struct smtp *smtp = c->smtp;
	struct span name;
	struct record_text *to;

	if (!span_until(&line, ':', &name))
		return;
	if (word_is(name, "To")) {
		addresses_tell(c, line);
		return;
	}
	if (word_is(name, "From"))
		to = &smtp->from;
	else if (word_is(name, "Subject"))
		to = &smtp->subject;
	else if (word_is(name, "Message-ID"))
		to = &smtp->message_id;
	else
		return;
	if (to->len == 0)
		*to = l7_text(c->l7, span_trim(line), FIELD_BYTES_MAX);
}

static enum proto_verdict mail_line(struct smtp_call *c, struct span line)
{
	struct smtp_memory *memory = c->memory;

	memory->begun = true;
	if (line.left == 1 && line.at[0] == '.')
		memory->state = STATE_COMMANDS;
	else if (line.left == 0)
		memory->state = STATE_TEXT;
	else if (memory->state == STATE_HEAD)
		head_field(c, line);
	return PROTO_MORE;
}

static enum proto_verdict client_line(struct smtp_call *c, struct span line)
{
	switch (c->memory->state) {
	case STATE_AUTH:
		return auth_line(c, line);
	case STATE_HEAD:
	case STATE_TEXT:
		return mail_line(c, line);
	default:
		return command(c, line);
	}
}

// ---- replies ----

// A name or an address literal.
static bool name_like(struct span word)
{
	bool like = word.left > 0;

	while (word.left > 0) {
		uint8_t c = span_u8(&word), low = c | 0x20;

		like = like && ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || strchr(".-_[]:", c) != NULL) && c != 0;
	}
	return like;
}

// The banner begins with the server's name.
static void banner_keep(struct smtp_call *c, struct span text)
{
	struct span rest = text, name, label;

	c->smtp->banner = l7_text(c->l7, text, FIELD_BYTES_MAX);
	if (!word_next(&rest, &name) || !name_like(name))
		return;
	rest = name;
	if (span_until(&rest, '.', &label) && label.left > 0 && rest.left > 0)
		c->l7->hostname = l7_text(c->l7, name, RECORD_HOSTNAME_MAX);
}

// Where the client stands once it knows the reply.
static void state_follow(struct smtp_memory *memory, uint16_t code)
{
	bool waits = (memory->state == STATE_HEAD || memory->state == STATE_TEXT) && !memory->begun;

	if (code == CODE_GO_ON && memory->state == STATE_COMMANDS)
		memory->state = STATE_HEAD;
	else if (code != CODE_GO_ON && waits)
		memory->state = STATE_COMMANDS; // for now: it may be the reply to a command before DATA
	if (code != CODE_CHALLENGE && memory->state == STATE_AUTH)
		memory->state = STATE_COMMANDS;
	if (code >= CODE_REFUSED)
		memory->tls_asked = false;
}

static enum proto_verdict server_line(struct smtp_call *c, struct span line)
{
	struct smtp_memory *memory = c->memory;
	struct reply reply;

	if (!reply_read(line, &reply))
		return PROTO_MORE;
	transaction_begin(c);
	if (reply.code == CODE_READY && !memory->tls_asked && c->smtp->banner.len == 0)
		banner_keep(c, reply.text);
	if (!reply.last)
		return PROTO_MORE;
	text_put_again(c->l7, &c->smtp->reply, REPLY_ROOM, line);
	state_follow(memory, reply.code);
	if (reply.code == CODE_READY && memory->tls_asked)
		return use(c, PROTO_NEXT);
	return reply.code == CODE_BYE && memory->quit_asked ? use(c, PROTO_DONE) : PROTO_MORE;
}

// ---- whether it is SMTP ----

// 1 proof, 0 a line that SMTP may have, -1 one that it has not.
static int server_proof(struct span line)
{
	static const char *const extensions[] = {"PIPELINING",          "8BITMIME", "STARTTLS",
						 "ENHANCEDSTATUSCODES", "CHUNKING", "SMTPUTF8"};
	struct reply reply;

	if (!reply_read(line, &reply) || !text_sound(reply.text))
		return -1;
	if (reply.code == CODE_READY && (text_has(reply.text, "SMTP") || text_has(reply.text, "LMTP")))
		return 1;
	if (reply.code == CODE_READY)
		return text_has(reply.text, "FTP") ? -1 : 0;
	if (reply.code == CODE_GO_ON)
		return text_has(reply.text, "<CR><LF>");
	return reply.code == CODE_OK &&
	       word_index(span_trim(reply.text), extensions, sizeof(extensions) / sizeof(extensions[0])) >= 0;
}

static int client_proof(struct span line)
{
	static const char *const shared[] = {"NOOP", "QUIT", "RSET", "HELP", "VRFY", "EXPN", "STARTTLS", "XCLIENT", "XFORWARD"};
	struct span verb, name, path;

	if (!text_sound(line) || !word_next(&line, &verb))
		return -1;
	if (word_is(verb, "EHLO") || word_is(verb, "HELO") || word_is(verb, "LHLO"))
		return word_next(&line, &name) && line.left == 0 && name_like(name);
	if ((word_is(verb, "MAIL") && path_read(line, "FROM", &path)) || (word_is(verb, "RCPT") && path_read(line, "TO", &path)))
		return span_starts(path, "<");
	return word_index(verb, shared, sizeof(shared) / sizeof(shared[0])) >= 0 ? 0 : -1;
}

static enum proto_verdict begins(const struct smtp_call *c, bool to_server)
{
	struct lines ahead = c->lines;
	bool rest = false;
	struct span line;

	ahead.rest = &rest;
	while (line_next(&ahead, &line)) {
		int proof = to_server ? client_proof(line) : server_proof(line);

		if (proof != 0)
			return proof > 0 ? PROTO_YES : PROTO_NO;
	}
	return text_sound(ahead.from) ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict smtp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct smtp_memory *memory = L7_MEMORY(l7, struct smtp_memory);
	struct smtp_call c = {.in = in, .l7 = l7, .smtp = L7_BODY(l7, struct smtp), .memory = memory};
	enum proto_verdict verdict;
	struct span line;

	c.lines = (struct lines){.from = in, .rest = &memory->rest[!hint->to_server]};
	if (!hint->claimed && (verdict = begins(&c, hint->to_server)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && l7->skip == 0 && line_next(&c.lines, &line))
		verdict = hint->to_server ? client_line(&c, line) : server_line(&c, line);
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_smtp = {
	.name = "smtp",
	.title = "SMTP",
	.spec = "RFC 5321, RFC 3207, RFC 4954, RFC 3030",
	.l4 = PROTO_TCP,
	.ports = {25, 587, 2525, 24},
	.max_payloads = 4,
	.first = {{'2', '3'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 3,
	.dissect = smtp_dissect,
	.kind = &kind,
};
