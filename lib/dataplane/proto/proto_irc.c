// IRC, RFC 2812, with the message tags and CAP of IRCv3: a transaction is one message that says who someone is or where he goes:
// of the client NICK, USER, OPER, JOIN, PART and QUIT, of the server its welcome (001) and its version (004).
//
// What is talked is not told, and no password: those of PASS, OPER and JOIN are left out. A connection yields EVENTS_MAX events.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { EVENTS_MAX = 64, PARAMETERS_MAX = 6, NAME_BYTES_MAX = 63, WORD_MAX = 255, TEXT_MAX = 512 };
enum { NUMERIC_WELCOME = 1, NUMERIC_MYINFO = 4, NUMERIC_STARTTLS = 670, NUMERIC_MAX = 999, NUMERIC_DIGITS = 3 };

struct irc {
	struct record_text nick, user, command, value, more, server;
};

struct name {
	uint8_t length, bytes[NAME_BYTES_MAX];
};

struct irc_memory {
	bool rest[2]; // by direction
	uint8_t events;
	struct name nick, user;
};

struct irc_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct irc_memory *memory;
};

static const struct record_field fields[] = {
	{FIELD("nick", TEXT, irc, nick), IN("irc", "nick")},
	{FIELD("user", TEXT, irc, user), IN("irc", "user")},
	{FIELD("command", TEXT, irc, command), IN("irc", "command")},
	{FIELD("value", TEXT, irc, value), IN("irc", "value")},
	{FIELD("addl", TEXT, irc, more), IN("irc", "addl")},
	{FIELD("server", TEXT, irc, server), IN("irc", "server")},
	{0},
};

static const struct record_kind kind = {.event_type = "irc", BODY(irc), .client_first = true, .fields = fields};

static enum proto_verdict use(struct irc_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

// ---- messages ----

struct message {
	struct span prefix, command, parameter[PARAMETERS_MAX];
	unsigned parameters;
	bool trailing; // the last one came behind a colon and may have blanks
	int numeric;   // the command, -1: it is a word
};

static int numeric_read(struct span command)
{
	uint32_t before = command.left, value;

	return before == NUMERIC_DIGITS && number_next(&command, NUMERIC_MAX, &value) && command.left == 0 ? (int)value : -1;
}

static void parameters_read(struct span line, struct message *m)
{
	while (line.left > 0 && m->parameters < PARAMETERS_MAX) {
		struct span *to = &m->parameter[m->parameters++];

		m->trailing = line.at[0] == ':';
		if (m->trailing) {
			span_bytes(&line, 1);
			*to = span_take(&line, line.left);
		} else {
			word_next(&line, to);
		}
	}
}

static bool message_read(struct span line, struct message *m)
{
	struct span tags;

	*m = (struct message){0};
	if (!text_sound(line) && !text_has(line, "\x01")) // a message within a message stands between such bytes
		return false;
	if (span_starts(line, "@"))
		word_next(&line, &tags);
	if (span_starts(line, ":")) {
		span_bytes(&line, 1);
		word_next(&line, &m->prefix);
	}
	if (!word_next(&line, &m->command))
		return false;
	m->numeric = numeric_read(m->command);
	parameters_read(line, m);
	return m->numeric >= 0 || word_letters(m->command);
}

// ---- events ----

static void name_keep(struct name *name, struct span in)
{
	if (in.left == 0)
		return;
	name->length = (uint8_t)(in.left < NAME_BYTES_MAX ? in.left : NAME_BYTES_MAX);
	memcpy(name->bytes, in.at, name->length);
}

static struct irc *event_begin(struct irc_call *c, const struct message *m)
{
	struct irc_memory *memory = c->memory;
	struct irc *irc = L7_BODY(c->l7, struct irc);

	l7_clear(c->l7);
	irc->nick = l7_text_bytes(c->l7, memory->nick.bytes, memory->nick.length, WORD_MAX);
	irc->user = l7_text_bytes(c->l7, memory->user.bytes, memory->user.length, WORD_MAX);
	irc->command = l7_text(c->l7, m->command, WORD_MAX);
	return irc;
}

static enum proto_verdict report(struct irc_call *c)
{
	if (c->memory->events == EVENTS_MAX) {
		l7_clear(c->l7);
		return use(c, PROTO_DONE);
	}
	c->memory->events++;
	return use(c, PROTO_YES);
}

static enum proto_verdict client_message(struct irc_call *c, const struct message *m)
{
	static const char *const told[] = {"NICK", "USER", "OPER", "JOIN", "PART", "QUIT"};
	struct irc *irc;

	if (word_index(m->command, told, sizeof(told) / sizeof(told[0])) < 0)
		return PROTO_MORE;
	irc = event_begin(c, m);
	irc->value = l7_text(c->l7, m->parameter[0], TEXT_MAX);
	if (word_is(m->command, "USER"))
		irc->more = l7_text(c->l7, m->parameter[3], TEXT_MAX);
	else if (word_is(m->command, "PART"))
		irc->more = l7_text(c->l7, m->parameter[1], TEXT_MAX);
	if (word_is(m->command, "NICK"))
		name_keep(&c->memory->nick, m->parameter[0]);
	else if (word_is(m->command, "USER"))
		name_keep(&c->memory->user, m->parameter[0]);
	return report(c);
}

static enum proto_verdict server_message(struct irc_call *c, const struct message *m)
{
	struct irc *irc;

	if (m->numeric == NUMERIC_STARTTLS)
		return use(c, PROTO_NEXT);
	if (m->numeric != NUMERIC_WELCOME && m->numeric != NUMERIC_MYINFO)
		return PROTO_MORE;
	name_keep(&c->memory->nick, m->parameter[0]); // as the server has it
	irc = event_begin(c, m);
	irc->server = l7_text(c->l7, m->prefix, WORD_MAX);
	irc->value = l7_text(c->l7, m->parameter[m->numeric == NUMERIC_WELCOME ? 1 : 2], TEXT_MAX);
	if (text_has(m->prefix, "."))
		c->l7->hostname = irc->server;
	return report(c);
}

// ---- whether it is IRC ----

enum { SEEN_NICK = 1, SEEN_USER = 2, SEEN_CAP = 4, SEEN_JOIN = 8, SEEN_PROOF = 16 };

static bool channel_is(struct span word)
{
	return span_starts(word, "#") || span_starts(word, "&");
}

static bool talk_is(const struct message *m)
{
	return word_is(m->command, "PRIVMSG") && m->parameters == 2 && m->trailing && channel_is(m->parameter[0]);
}

// What a message of the client counts for; -1: it cannot be one.
static int client_seen(const struct message *m)
{
	static const char *const others[] = {"PASS", "PING", "PONG", "STARTTLS", "AUTHENTICATE"};
	static const char *const cap[] = {"LS", "REQ", "END"};

	if (talk_is(m))
		return SEEN_PROOF;
	if (word_is(m->command, "NICK") && m->parameters > 0 && m->parameters < 3)
		return SEEN_NICK;
	if (word_is(m->command, "USER") && m->parameters == 4)
		return SEEN_USER;
	if (word_is(m->command, "CAP") && word_index(m->parameter[0], cap, 3) >= 0)
		return SEEN_CAP;
	if (word_is(m->command, "JOIN") && channel_is(m->parameter[0]))
		return SEEN_JOIN;
	return word_index(m->command, others, 5) >= 0 ? 0 : -1;
}

static int server_seen(const struct message *m)
{
	static const char *const of_notice[] = {"AUTH", "*"}, *const of_cap[] = {"LS", "ACK", "NAK", "LIST", "NEW"};

	if (word_is(m->command, "NOTICE") && m->parameters == 2 && m->trailing)
		return m->prefix.left > 0 || word_index(m->parameter[0], of_notice, 2) >= 0 ? SEEN_PROOF : -1;
	if (m->prefix.left > 0 && (talk_is(m) || (m->numeric >= 0 && m->parameters > 1)))
		return SEEN_PROOF;
	if (m->prefix.left > 0 && word_is(m->command, "CAP") && m->trailing && word_index(m->parameter[1], of_cap, 5) >= 0)
		return SEEN_PROOF;
	return (word_is(m->command, "PING") && m->parameters == 1) || word_is(m->command, "ERROR") ? 0 : -1;
}

// Two different messages of a log-in, or one that no other protocol has.
static enum proto_verdict begins(const struct irc_call *c, bool to_server)
{
	struct lines ahead = c->lines;
	bool rest = false;
	struct message m;
	struct span line;
	int seen = 0;

	ahead.rest = &rest;
	while (line_next(&ahead, &line)) {
		int more = message_read(line, &m) ? to_server ? client_seen(&m) : server_seen(&m) : -1;

		if (more < 0)
			return PROTO_NO;
		if (more == SEEN_PROOF || (seen != 0 && (seen | more) != seen))
			return PROTO_YES;
		seen |= more;
	}
	return text_sound(ahead.from) ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict irc_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct irc_memory *memory = L7_MEMORY(l7, struct irc_memory);
	struct irc_call c = {.in = in, .l7 = l7, .memory = memory};
	enum proto_verdict verdict;
	struct message m;
	struct span line;

	c.lines = (struct lines){.from = in, .rest = &memory->rest[!hint->to_server]};
	if (!hint->claimed && (verdict = begins(&c, hint->to_server)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && line_next(&c.lines, &line))
		if (message_read(line, &m))
			verdict = hint->to_server ? client_message(&c, &m) : server_message(&c, &m);
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_irc = {
	.name = "irc",
	.title = "IRC",
	.spec = "RFC 2812",
	.l4 = PROTO_TCP,
	.ports = {6667, 6666, 6668, 6669},
	.max_payloads = 6,
	.first = {{':', ':'}, {'@', '@'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 4,
	.dissect = irc_dissect,
	.kind = &kind,
};
