// Telnet, RFC 854 and 855: what is negotiated, with terminal type (RFC 1091), window size (1073), speed (1079), environment (1572),
// and the name that is typed at a log-in prompt. A transaction is a log-in, or a connection without one.
//
// Of what is shown only the end is looked at, for a prompt; of what is typed only what follows a prompt for a name. Behind
// SHOWN_BYTES_MAX of it nothing more is read.
#include "proto/proto_lines.h"
#include "proto/proto_list.h"

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240, COMMAND_MIN = 236 };
enum { OPTION_TTYPE = 24, OPTION_NAWS = 31, OPTION_SPEED = 32, OPTION_ENVIRON = 39, OPTION_LAST = 49 };
enum { SUB_IS = 0, ENVIRON_VAR = 0, ENVIRON_VALUE = 1, ENVIRON_USERVAR = 3, SUB_MAX = 512, NAWS_BYTES = 5 };
enum { OPTIONS_ROOM = 255, USER_MAX = 64, VALUE_MAX = 64, TAIL_BYTES = 12, SHOWN_BYTES_MAX = 65536, LOGINS_MAX = 16 };
enum { BACKSPACE = 8, DELETE = 127 };

struct telnet {
	struct record_text client_options, server_options, terminal, speed, user;
	uint16_t columns, rows;
	bool lists; // the texts that grow have their room
};

struct telnet_memory {
	uint64_t willing[2]; // by direction: options it has said WILL of
	uint32_t shown;      // bytes of the server
	bool prompted;       // what is typed now is a name
	uint8_t logins;
	uint8_t tail_length, user_length;
	uint8_t tail[TAIL_BYTES]; // the last of what was shown
	uint8_t user[USER_MAX];
};

struct telnet_call {
	struct span in, from;
	struct l7 *l7;
	struct telnet *telnet;
	struct telnet_memory *memory;
	bool to_server;
};

static const struct record_field fields[] = {
	{FIELD("client_options", TEXT_LIST, telnet, client_options), IN("telnet", "client_options"), .flags = FIELD_LINES},
	{FIELD("server_options", TEXT_LIST, telnet, server_options), IN("telnet", "server_options"), .flags = FIELD_LINES},
	{FIELD("terminal_type", TEXT, telnet, terminal), IN("telnet", "terminal_type")},
	{FIELD("terminal_speed", TEXT, telnet, speed), IN("telnet", "terminal_speed")},
	{FIELD("columns", U16, telnet, columns), IN("telnet", "columns"), .flags = FIELD_OMIT_ZERO},
	{FIELD("rows", U16, telnet, rows), IN("telnet", "rows"), .flags = FIELD_OMIT_ZERO},
	{FIELD("user", TEXT, telnet, user), IN("telnet", "user")},
	{0},
};

static const struct record_kind kind = {.event_type = "telnet", BODY(telnet), .client_first = true, .fields = fields};

// As IANA has them; those without a name here are a number.
static const char *const options[OPTION_LAST + 1] = {
	[0] = "binary", [1] = "echo", [3] = "suppress_go_ahead", [5] = "status", [6] = "timing_mark", [17] = "extended_ascii",
	[18] = "logout", [23] = "send_location", [24] = "terminal_type", [25] = "end_of_record", [31] = "window_size",
	[32] = "terminal_speed", [33] = "flow_control", [34] = "linemode", [35] = "x_display", [36] = "old_environment",
	[37] = "authentication", [38] = "encryption", [39] = "environment", [40] = "tn3270e", [42] = "charset", [44] = "com_port",
	[46] = "start_tls",
};

static enum proto_verdict use(struct telnet_call *c, enum proto_verdict verdict)
{
	c->l7->used = c->in.left - c->from.left;
	return verdict;
}

static void transaction_begin(struct telnet_call *c)
{
	if (c->telnet->lists)
		return;
	c->telnet->lists = c->l7->pending = true;
	c->telnet->client_options = text_reserve(c->l7, OPTIONS_ROOM);
	c->telnet->server_options = text_reserve(c->l7, OPTIONS_ROOM);
}

// ---- options ----

static void option_tell(struct telnet_call *c, uint8_t verb, uint8_t option)
{
	uint64_t *willing = &c->memory->willing[!c->to_server];
	const char *name = option <= OPTION_LAST ? options[option] : NULL;

	if (verb != WILL || name == NULL || (*willing >> option & 1) != 0)
		return;
	*willing |= 1ull << option;
	transaction_begin(c);
	text_list_add(c->l7, c->to_server ? &c->telnet->client_options : &c->telnet->server_options, OPTIONS_ROOM,
		      span_of(name, (uint32_t)strlen(name)));
}

// The variable USER of the environment.
static void environment_read(struct telnet_call *c, struct span in)
{
	static const uint8_t user[] = {ENVIRON_VAR, 'U', 'S', 'E', 'R', ENVIRON_VALUE};

	for (; in.left > sizeof(user); span_bytes(&in, 1)) {
		struct span value = in;

		if (memcmp(in.at, user, sizeof(user)) != 0)
			continue;
		span_bytes(&value, sizeof(user));
		for (uint32_t n = 0; n < value.left; n++)
			if (value.at[n] <= ENVIRON_USERVAR)
				value.left = n;
		c->telnet->user = l7_text(c->l7, value, VALUE_MAX);
		return;
	}
}

// Between IAC SB and IAC SE.
static void sub_read(struct telnet_call *c, struct span in)
{
	struct span whole = in;
	uint8_t option = span_u8(&in);

	if (!c->to_server)
		return;
	transaction_begin(c);
	if (option == OPTION_NAWS && whole.left == NAWS_BYTES) {
		c->telnet->columns = span_be16(&in);
		c->telnet->rows = span_be16(&in);
		return;
	}
	if (span_u8(&in) != SUB_IS || in.left == 0)
		return;
	if (option == OPTION_TTYPE && c->telnet->terminal.len == 0)
		c->telnet->terminal = l7_text(c->l7, in, VALUE_MAX);
	else if (option == OPTION_SPEED && c->telnet->speed.len == 0)
		c->telnet->speed = l7_text(c->l7, in, VALUE_MAX);
	else if (option == OPTION_ENVIRON && c->telnet->user.len == 0)
		environment_read(c, in);
}

// The bytes up to IAC SE, which is passed over too. False if it has not come yet.
static bool sub_next(struct span *from, struct span *sub)
{
	for (uint32_t n = 2; n + 1 < from->left && n < SUB_MAX; n++) {
		if (from->at[n] != IAC)
			continue;
		if (from->at[n + 1] == SE) {
			span_bytes(from, 2);
			*sub = span_take(from, n - 2);
			span_bytes(from, 2);
			return true;
		}
		n++;
	}
	return false;
}

// What begins with IAC. False if it is not all there.
static bool command(struct telnet_call *c)
{
	struct span ahead = c->from, sub;
	uint8_t verb, option;

	span_bytes(&ahead, 1);
	verb = span_u8(&ahead);
	option = verb >= WILL && verb <= DONT ? span_u8(&ahead) : 0;
	if (!span_ok(&ahead))
		return false;
	option_tell(c, verb, option);
	if (verb == SB && sub_next(&c->from, &sub)) {
		sub_read(c, sub);
		return true;
	}
	if (verb == SB && c->from.left < SUB_MAX)
		return false;
	c->from = ahead;
	return true;
}

// ---- what is shown and typed ----

static void tail_keep(struct telnet_memory *memory, struct span shown)
{
	while (shown.left > 0) {
		if (memory->tail_length == TAIL_BYTES)
			memmove(memory->tail, memory->tail + 1, --memory->tail_length);
		memory->tail[memory->tail_length++] = span_u8(&shown);
	}
}

static bool tail_ends(const struct telnet_memory *memory, const char *text)
{
	struct span tail = span_trim(span_of(memory->tail, memory->tail_length));
	uint32_t n = (uint32_t)strlen(text);

	if (tail.left < n)
		return false;
	span_bytes(&tail, tail.left - n);
	return word_is(tail, text);
}

static void show(struct telnet_memory *memory, struct span shown)
{
	memory->shown += shown.left;
	if (shown.left > TAIL_BYTES)
		span_bytes(&shown, shown.left - TAIL_BYTES);
	tail_keep(memory, shown);
	if (tail_ends(memory, "login:") || tail_ends(memory, "username:")) {
		memory->user_length = 0;
		memory->prompted = !tail_ends(memory, "last login:");
	} else if (tail_ends(memory, "password:")) {
		memory->prompted = false;
	}
}

// A name is typed. True once it is whole.
static bool type(struct telnet_memory *memory, struct span *typed)
{
	while (memory->prompted && typed->left > 0) {
		uint8_t c = span_u8(typed);

		if (c == '\r' || c == '\n') {
			memory->prompted = false;
			return memory->user_length > 0;
		}
		if (c == BACKSPACE || c == DELETE)
			memory->user_length = (uint8_t)(memory->user_length - (memory->user_length > 0));
		else if (memory->user_length < USER_MAX)
			memory->user[memory->user_length++] = c;
	}
	span_bytes(typed, typed->left);
	return false;
}

// Bytes up to the next IAC.
static enum proto_verdict data(struct telnet_call *c)
{
	const uint8_t *iac = memchr(c->from.at, IAC, c->from.left);
	struct span run = span_of(c->from.at, iac != NULL ? (uint32_t)(iac - c->from.at) : c->from.left);
	uint32_t before = run.left;
	bool named = false;

	if (c->to_server)
		named = type(c->memory, &run);
	else
		show(c->memory, run);
	span_bytes(&c->from, c->to_server ? before - run.left : before);
	if (!named)
		return c->memory->shown > SHOWN_BYTES_MAX ? use(c, PROTO_DONE) : PROTO_MORE;
	transaction_begin(c);
	c->telnet->user = l7_text_bytes(c->l7, c->memory->user, c->memory->user_length, VALUE_MAX);
	return use(c, ++c->memory->logins == LOGINS_MAX ? PROTO_DONE : PROTO_YES);
}

// ---- whether it is Telnet ----

// Two commands about options that exist, one right behind the other; or one before a prompt.
static enum proto_verdict begins(struct span in)
{
	unsigned commands = 0;

	for (; in.left > 0 && in.at[0] == IAC; commands++) {
		uint8_t verb, option;

		span_bytes(&in, 1);
		verb = span_u8(&in);
		option = span_u8(&in);
		if (!span_ok(&in))
			return verb == 0 || (verb >= SB && verb <= DONT) ? PROTO_MORE : PROTO_NO;
		if (commands > 0 && verb >= SB && verb <= DONT && option <= OPTION_LAST)
			return PROTO_YES;
		if (verb < WILL || verb > DONT || option > OPTION_LAST)
			return PROTO_NO;
	}
	if (commands > 0 && (text_has(in, "login:") || text_has(in, "username:") || text_has(in, "password:")))
		return PROTO_YES;
	return commands > 0 && in.left == 0 ? PROTO_MORE : PROTO_NO;
}

static enum proto_verdict telnet_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct telnet_call c = {.in = in, .from = in, .l7 = l7, .telnet = L7_BODY(l7, struct telnet),
				.memory = L7_MEMORY(l7, struct telnet_memory), .to_server = hint->to_server};
	enum proto_verdict verdict;

	if (!hint->claimed && (verdict = begins(in)) != PROTO_YES)
		return verdict;
	verdict = PROTO_MORE;
	while (verdict == PROTO_MORE && c.from.left > 0) {
		if (c.from.at[0] != IAC)
			verdict = data(&c);
		else if (!command(&c))
			break;
	}
	return verdict == PROTO_MORE ? use(&c, PROTO_MORE) : verdict;
}

const struct proto_ops proto_telnet = {
	.name = "telnet",
	.title = "Telnet",
	.spec = "RFC 854, RFC 855",
	.l4 = PROTO_TCP,
	.ports = {23, 2323},
	.max_payloads = 3,
	.first = {{IAC, IAC}},
	.firsts = 1,
	.dissect = telnet_dissect,
	.kind = &kind,
};
