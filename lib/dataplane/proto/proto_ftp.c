// FTP's control connection, RFC 959, with RFC 2228 (AUTH) and RFC 2428 (EPRT, EPSV): a transaction is a command with its reply,
// or a reply that no command asked for (the greeting).
//
// Where data will go (PORT, EPRT, and the replies to PASV and EPSV) is kept as port, address and mode. What follows PASS, ACCT
// and ADAT is never written. After the reply to AUTH the connection is TLS. Of commands that come in one piece all but the last
// are reported alone, and the replies that are theirs are passed over; so is a greeting that proved nothing until a command did.
#include "base/text.h"
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { VERB_MIN = 3, VERB_MAX = 12, COMMAND_MAX = 64, ARGUMENT_MAX = 512, USER_MAX = 64, CODES_ROOM = 40, REPLY_ROOM = 1536 };
enum { CODE_DELAY = 120, CODE_READY = 220, CODE_PASSIVE = 227, CODE_EXTENDED = 229, CODE_SECURED = 234, CODE_PASSWORD = 331 };
enum { CODE_FINAL = 200, BYTE_IAC_FIRST = 0xf0, ADDRESS_NUMBERS = 4, TEXT_ADDRESS_MAX = 45 };

enum ftp_mode { MODE_NONE, MODE_ACTIVE, MODE_PASSIVE };

struct ftp {
	struct record_text command, argument, codes, reply, user, address;
	uint16_t dynamic_port; // of the data connection; at the client if active, at the server if passive
	uint8_t mode;          // enum ftp_mode
	bool answered;
};

struct ftp_memory {
	bool rest[2];   // by direction
	bool replied;   // the server has said something
	bool multiline; // a reply has begun, with this code
	uint16_t code;
	uint8_t owed; // replies to commands that have been reported
	uint8_t user_length;
	uint8_t user[USER_MAX];
};

struct ftp_call {
	struct span in;
	struct lines lines;
	struct l7 *l7;
	struct ftp *ftp;
	struct ftp_memory *memory;
	bool fresh; // the command that waits for its reply came in these bytes
};

static const char *const modes[] = {"", "active", "passive"}, *const answers[] = {"no", "yes"};

static const struct record_field fields[] = {
	{FIELD("command", TEXT, ftp, command), IN("ftp", "command")},
	{FIELD("command_data", TEXT, ftp, argument), IN("ftp", "command_data")},
	{FIELD("completion_code", TEXT_LIST, ftp, codes), IN("ftp", "completion_code"), .flags = FIELD_LINES},
	{FIELD("reply", TEXT_LIST, ftp, reply), IN("ftp", "reply"), .flags = FIELD_LINES},
	{FIELD("reply_received", NAME8, ftp, answered), IN("ftp", "reply_received"), NAMES(answers)},
	{FIELD("mode", NAME8, ftp, mode), IN("ftp", "mode"), NAMES(modes), .flags = FIELD_OMIT_ZERO},
	{FIELD("dynamic_port", U16, ftp, dynamic_port), IN("ftp", "dynamic_port"), .flags = FIELD_OMIT_ZERO},
	{FIELD("dynamic_address", TEXT, ftp, address), IN("ftp", "dynamic_address")},
	{FIELD("user", TEXT, ftp, user), IN("ftp", "user")},
	{0},
};

static const struct record_kind kind = {.event_type = "ftp", BODY(ftp), .client_first = true, .fields = fields};

// ---- where data will go ----

struct target {
	uint32_t port;
	char address[TEXT_ADDRESS_MAX];
	uint32_t length; // of the address; 0: none
};

// "192,0,2,1,4,1", in a text or alone.
static bool target_numbers(struct span text, struct target *t)
{
	struct text_builder b = text_builder(t->address, sizeof(t->address));
	uint32_t value, low;

	while (text.left > 0 && (text.at[0] < '0' || text.at[0] > '9'))
		span_bytes(&text, 1);
	for (unsigned i = 0; i < ADDRESS_NUMBERS; i++) {
		if (!number_next(&text, UINT8_MAX, &value) || span_u8(&text) != ',')
			return false;
		text_put(&b, i > 0 ? "." : "");
		text_put_number(&b, value);
	}
	if (!number_next(&text, UINT8_MAX, &value) || span_u8(&text) != ',' || !number_next(&text, UINT8_MAX, &low))
		return false;
	t->port = value << 8 | low;
	t->length = (uint32_t)b.used;
	return t->port != 0;
}

// "|1|192.0.2.1|1025|" and, of a reply, "(|||1025|)"; any character may stand for the bar.
static bool target_bars(struct span text, struct target *t)
{
	char bar = (char)span_u8(&text);
	struct span family, address;

	if (!span_until(&text, bar, &family) || !span_until(&text, bar, &address) || address.left > sizeof(t->address))
		return false;
	memcpy(t->address, address.at, address.left);
	t->length = address.left;
	return family.left <= 1 && number_next(&text, UINT16_MAX, &t->port) && t->port != 0 && (char)span_u8(&text) == bar;
}

static bool reply_target(uint16_t code, struct span text, struct target *t)
{
	struct span before;

	*t = (struct target){0};
	if (code == CODE_PASSIVE)
		return target_numbers(text, t);
	return code == CODE_EXTENDED && span_until(&text, '(', &before) && target_bars(text, t);
}

static bool command_target(struct span verb, struct span argument, struct target *t)
{
	*t = (struct target){0};
	return word_is(verb, "PORT") ? target_numbers(argument, t) : word_is(verb, "EPRT") && target_bars(argument, t);
}

static void target_tell(struct ftp_call *c, const struct target *t, enum ftp_mode mode)
{
	c->ftp->mode = (uint8_t)mode;
	c->ftp->dynamic_port = (uint16_t)t->port;
	c->ftp->address = l7_text_bytes(c->l7, t->address, t->length, TEXT_ADDRESS_MAX);
}

// ---- commands ----

static enum proto_verdict use(struct ftp_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->lines.from.left;
	return verdict;
}

// The transaction is to be reported; its reply stands last and may have been promised more room.
static enum proto_verdict report(struct ftp_call *c, enum proto_verdict verdict)
{
	if (c->ftp->answered)
		text_trim(c->l7, c->ftp->reply);
	return use(c, verdict);
}

static void transaction_begin(struct ftp_call *c)
{
	l7_clear(c->l7);
	c->l7->pending = true;
	c->ftp->user = l7_text_bytes(c->l7, c->memory->user, c->memory->user_length, COMMAND_MAX);
}

static void user_keep(struct ftp_memory *memory, struct span user)
{
	memory->user_length = (uint8_t)(user.left < USER_MAX ? user.left : USER_MAX);
	memcpy(memory->user, user.at, memory->user_length);
}

// A command as it stands in a line: a verb of letters, after what a Telnet client puts before an ABOR.
static bool command_split(struct span line, struct span *verb, struct span *argument)
{
	while (line.left > 0 && line.at[0] >= BYTE_IAC_FIRST)
		span_bytes(&line, 1);
	if (!word_next(&line, verb) || verb->left < VERB_MIN || verb->left > VERB_MAX || !word_letters(*verb))
		return false;
	*argument = line;
	return true;
}

static enum proto_verdict command(struct ftp_call *c, struct span line)
{
	static const char *const secret[] = {"PASS", "ACCT", "ADAT"};
	struct span verb, argument;
	struct target target;

	if (!command_split(line, &verb, &argument))
		return PROTO_MORE;
	if (c->l7->pending) {
		c->memory->owed = (uint8_t)(c->memory->owed + (c->fresh && c->memory->owed < UINT8_MAX));
		line_unread(&c->lines);
		return report(c, PROTO_YES);
	}
	if (word_is(verb, "USER"))
		user_keep(c->memory, argument);
	transaction_begin(c);
	c->ftp->command = l7_text(c->l7, verb, COMMAND_MAX);
	if (word_index(verb, secret, 3) < 0)
		c->ftp->argument = l7_text(c->l7, argument, ARGUMENT_MAX);
	if (command_target(verb, argument, &target))
		target_tell(c, &target, MODE_ACTIVE);
	c->fresh = true;
	return PROTO_MORE;
}

// ---- replies ----

static void reply_add(struct ftp_call *c, struct span code, struct span text)
{
	if (c->memory->owed > 0)
		return;
	if (!c->l7->pending)
		transaction_begin(c);
	if (!c->ftp->answered) {
		c->ftp->codes = text_reserve(c->l7, CODES_ROOM);
		c->ftp->reply = text_reserve(c->l7, REPLY_ROOM);
	}
	c->ftp->answered = true;
	text_list_add(c->l7, &c->ftp->codes, CODES_ROOM, code);
	text_list_add(c->l7, &c->ftp->reply, REPLY_ROOM, text);
}

// The last line of a reply.
static enum proto_verdict reply_end(struct ftp_call *c, uint16_t code, struct span text)
{
	enum proto_verdict verdict;
	struct target target;

	c->memory->multiline = false;
	if (code < CODE_FINAL)
		return PROTO_MORE;
	if (c->memory->owed > 0) {
		c->memory->owed--;
		return PROTO_MORE;
	}
	verdict = report(c, code == CODE_SECURED ? PROTO_NEXT : PROTO_YES);
	if (reply_target(code, text, &target))
		target_tell(c, &target, MODE_PASSIVE);
	return verdict;
}

static enum proto_verdict reply_line(struct ftp_call *c, struct span line)
{
	struct ftp_memory *memory = c->memory;
	struct span code = line;
	struct reply reply;
	bool coded = reply_read(line, &reply);

	code.left = code.left < 3 ? code.left : 3;
	if (memory->multiline) {
		bool ends = coded && reply.last && reply.code == memory->code;

		reply_add(c, (struct span){0}, coded && reply.code == memory->code ? reply.text : span_trim(line));
		return ends ? reply_end(c, reply.code, reply.text) : PROTO_MORE;
	}
	if (!coded)
		return PROTO_MORE;
	memory->owed = (uint8_t)(memory->owed + (reply.code == CODE_READY && c->l7->pending && !memory->replied));
	memory->replied = true;
	reply_add(c, code, reply.text);
	memory->multiline = !reply.last;
	memory->code = reply.code;
	return reply.last ? reply_end(c, reply.code, reply.text) : PROTO_MORE;
}

// ---- whether it is FTP ----

// What is said by no other protocol that begins with digits or words: 1 that, 0 a line that FTP may have, -1 one that it has not.
static int reply_proof(struct span line, bool first)
{
	struct target target;
	struct reply reply;

	if (!reply_read(line, &reply))
		return first ? -1 : 0;
	if (reply.code == CODE_READY || reply.code == CODE_DELAY)
		return text_has(reply.text, "SMTP") ? -1 : text_has(reply.text, "FTP");
	return reply_target(reply.code, reply.text, &target) || (reply.code == CODE_PASSWORD && text_has(reply.text, "assword"));
}

static int command_proof(struct span line)
{
	static const char *const alone[] = {"PASV", "EPSV", "SYST", "FEAT", "CDUP"};
	static const char *const shared[] = {"USER", "PASS", "QUIT", "HELP", "NOOP", "HOST", "CLNT", "LANG",
					     "OPTS", "AUTH", "PBSZ", "PROT", "CWD",  "PWD",  "LIST", "NLST",
					     "RETR", "STOR", "SIZE", "MDTM", "SITE", "STAT", "TYPE"};
	static const char *const types[] = {"A", "I", "E", "A N", "L 8"}, *const tls[] = {"TLS", "SSL", "TLS-C", "TLS-P"};
	struct span verb, argument;
	struct target target;

	if (!command_split(line, &verb, &argument) || !text_sound(argument))
		return -1;
	if (word_index(verb, alone, 5) >= 0 && argument.left == 0)
		return 1;
	if ((word_is(verb, "TYPE") && word_index(argument, types, 5) >= 0) ||
	    (word_is(verb, "AUTH") && word_index(argument, tls, 4) >= 0))
		return 1;
	if (command_target(verb, argument, &target) || (word_is(verb, "OPTS") && word_is(argument, "UTF8 ON")))
		return 1;
	return word_index(verb, shared, sizeof(shared) / sizeof(shared[0])) >= 0 ? 0 : -1;
}

// From a flow's first lines.
static enum proto_verdict begins(struct ftp_call *c, bool to_server)
{
	struct lines ahead = c->lines;
	bool rest = false, first = true;
	struct span line;

	ahead.rest = &rest;
	for (int proof; line_next(&ahead, &line); first = false) {
		proof = to_server ? command_proof(line) : reply_proof(line, first);
		if (proof != 0)
			return proof > 0 ? PROTO_YES : PROTO_NO;
	}
	return text_sound(ahead.from) ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict ftp_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct ftp_memory *memory = L7_MEMORY(l7, struct ftp_memory);
	struct ftp_call c = {.in = in, .l7 = l7, .ftp = L7_BODY(l7, struct ftp), .memory = memory};
	enum proto_verdict verdict;
	struct span line;

	c.lines = (struct lines){.from = in, .rest = &memory->rest[!hint->to_server]};
	if (!hint->claimed && (verdict = begins(&c, hint->to_server)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && line_next(&c.lines, &line))
		verdict = hint->to_server ? command(&c, line) : reply_line(&c, line);
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_ftp = {
	.name = "ftp",
	.title = "FTP",
	.spec = "RFC 959, RFC 2228, RFC 2428",
	.l4 = PROTO_TCP,
	.ports = {21},
	.max_payloads = 4,
	.first = {{'1', '5'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 3,
	.dissect = ftp_dissect,
	.kind = &kind,
};
