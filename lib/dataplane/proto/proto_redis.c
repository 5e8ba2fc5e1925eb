// Redis: RESP2 and RESP3 (redis.io, "Redis serialization protocol"). A request is an array of bulk strings whose counts and line ends
// all fit; what proves it is such an array whose first string is a word, or an error of the server that is a sentence with its code in
// capitals. Servers are asked thousands of times a second, so only commands that tell of the connection or change the server are
// events, and errors; each tells how many commands there were so far. Passwords (AUTH, HELLO) are never written.
#include "proto/proto_list.h"

#include <string.h>

struct redis {
	struct record_text command, argument, error;
	uint32_t commands, errors; // so far
};

struct memory {
	uint32_t commands, errors;
	uint32_t left; // strings of the request that are still to come
};

enum { LINE_BYTES_MAX = 1024, WORD_MAX = 32, TEXT_MAX = 256, REQUEST_MAX = 1 << 20, BULK_MAX = 512 << 20, DIGITS_MAX = 10, READ_MAX = 512 };

static const struct record_field fields[] = {
	{FIELD("command", TEXT, redis, command), IN("redis", "command")},
	{FIELD("argument", TEXT, redis, argument), IN("redis", "argument")},
	{FIELD("error", TEXT, redis, error), IN("redis", "error")},
	{FIELD("commands", U32, redis, commands), IN("redis", "commands")},
	{FIELD("errors", U32, redis, errors), IN("redis", "errors"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "redis", BODY(redis), .client_first = true, .fields = fields};

// What is an event, and whether its first argument may be told.
static const struct {
	const char *name;
	bool argument;
} told[] = {
	{"HELLO", true},      {"AUTH", false},      {"CLIENT", true},  {"SELECT", true},   {"SUBSCRIBE", true}, {"PSUBSCRIBE", true},
	{"MONITOR", false},   {"CONFIG", true},     {"FLUSHALL", true}, {"FLUSHDB", true}, {"SHUTDOWN", true},  {"DEBUG", true},
	{"SLAVEOF", true},    {"REPLICAOF", true},  {"MODULE", true},  {"EVAL", true},     {"SCRIPT", true},    {"ACL", true},
	{"SAVE", false},      {"BGSAVE", false},    {"INFO", true},    {"KEYS", true},     {"CLUSTER", true},   {"MIGRATE", true},
	{"PSYNC", true},      {"REPLCONF", true},   {"QUIT", false},
};

static bool word_is(struct span word, const char *name)
{
	for (uint32_t i = 0; i < word.left; i++)
		if (name[i] == '\0' || (word.at[i] & ~0x20) != name[i])
			return false;
	return name[word.left] == '\0';
}

static bool word_fits(struct span word)
{
	for (uint32_t i = 0; i < word.left; i++) {
		uint8_t c = word.at[i] | 0x20;

		if (!((c >= 'a' && c <= 'z') || (i > 0 && (c == '.' || c == '_' || c == '-' || (c >= '0' && c <= '9')))))
			return false;
	}
	return word.left >= 2 && word.left <= WORD_MAX;
}

enum part { PART_NOT, PART_UNFINISHED, PART_READ };

// A line up to its CR LF.
static enum part line_read(struct span *in, struct span *line)
{
	struct span rest = *in;

	if (!span_until(&rest, '\n', line))
		return in->left < LINE_BYTES_MAX ? PART_UNFINISHED : PART_NOT;
	if (line->left == 0 || line->at[line->left - 1] != '\r' || line->left > LINE_BYTES_MAX)
		return PART_NOT;
	line->left--;
	*in = rest;
	return PART_READ;
}

// "*3" or "$11": the kind is given, the number must be there.
static enum part count_read(struct span *in, uint8_t sign, uint32_t most, uint32_t *count)
{
	struct span line;
	enum part part;

	if (in->left == 0)
		return PART_UNFINISHED;
	if (in->at[0] != sign)
		return PART_NOT;
	part = line_read(in, &line);
	if (part != PART_READ)
		return part;
	span_u8(&line);
	*count = 0;
	if (line.left == 0 || line.left >= DIGITS_MAX)
		return PART_NOT;
	while (line.left > 0) {
		uint8_t c = span_u8(&line);

		if (c < '0' || c > '9')
			return PART_NOT;
		*count = *count * 10 + (uint32_t)(c - '0');
	}
	return *count <= most ? PART_READ : PART_NOT;
}

// A bulk string; of a long one what is there, once its beginning is. *skip: bytes of it that are not.
static enum part bulk_read(struct span *in, struct span *string, uint64_t *skip)
{
	struct span rest = *in;
	uint32_t count;
	enum part part = count_read(&rest, '$', BULK_MAX, &count);

	*skip = 0;
	if (part != PART_READ)
		return part;
	if (rest.left < (count + 2 < READ_MAX ? count + 2 : READ_MAX))
		return PART_UNFINISHED;
	if (rest.left >= count + 2) {
		*string = span_take(&rest, count);
		if (span_u8(&rest) != '\r' || span_u8(&rest) != '\n')
			return PART_NOT;
	} else {
		*skip = count + 2 - rest.left;
		*string = span_take(&rest, rest.left);
	}
	*in = rest;
	return PART_READ;
}

static enum proto_verdict verdict_of(enum part part)
{
	return part == PART_UNFINISHED ? PROTO_MORE : PROTO_NO;
}

// ---- requests ----

// Which row of `told` a command is; its name otherwise only counts.
static int told_find(struct span word)
{
	for (unsigned i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (word_is(word, told[i].name))
			return (int)i;
	return -1;
}

static void request_tell(struct l7 *l7, struct redis *redis, const struct memory *memory, int row, struct span word, struct span argument)
{
	redis->command = l7_text(l7, word, TEXT_MAX);
	if (told[row].argument && argument.left > 0)
		redis->argument = l7_text(l7, argument, TEXT_MAX);
	redis->commands = memory->commands;
	redis->errors = memory->errors;
}

// The head of an array and its first words; what follows is passed over element by element.
static enum proto_verdict request_begin(struct span in, struct l7 *l7, struct memory *memory)
{
	struct redis *redis = L7_BODY(l7, struct redis);
	struct span rest = in, word, argument = {0};
	uint64_t skip = 0;
	uint32_t count;
	enum part part = count_read(&rest, '*', REQUEST_MAX, &count);
	int row;

	if (part != PART_READ)
		return verdict_of(part);
	if (count == 0)
		return PROTO_NO;
	part = bulk_read(&rest, &word, &skip);
	if (part != PART_READ)
		return verdict_of(part);
	if (skip > 0 || !word_fits(word))
		return PROTO_NO;
	row = told_find(word);
	if (row >= 0 && count > 1) {
		part = bulk_read(&rest, &argument, &skip);
		if (part != PART_READ)
			return verdict_of(part);
		count--;
	}
	memory->left = count - 1;
	memory->commands++;
	l7->used = in.left - rest.left;
	l7->skip = skip;
	if (row < 0)
		return PROTO_MORE;
	request_tell(l7, redis, memory, row, word, argument);
	return PROTO_YES;
}

static enum proto_verdict request(struct span in, struct l7 *l7, struct memory *memory)
{
	struct span rest = in, string;
	enum part part;

	if (memory->left == 0)
		return request_begin(in, l7, memory);
	part = bulk_read(&rest, &string, &l7->skip);
	if (part != PART_READ)
		return verdict_of(part);
	memory->left--;
	l7->used = in.left - rest.left;
	return PROTO_MORE;
}

// ---- answers ----

// "-WRONGPASS invalid username-password pair": capitals, a blank, a sentence.
static bool error_is(struct span line)
{
	uint32_t i = 1;

	while (i < line.left && line.at[i] >= 'A' && line.at[i] <= 'Z')
		i++;
	return i >= 4 && i < line.left && line.at[i] == ' ';
}

// Any element: of an aggregate its head, of a bulk string all.
static enum proto_verdict answer(struct span in, const struct proto_hint *hint, struct l7 *l7, struct memory *memory)
{
	struct redis *redis = L7_BODY(l7, struct redis);
	struct span rest = in, line;
	enum part part;

	if (hint->claimed && in.at[0] == '$' && (in.left < 2 || in.at[1] != '-')) {
		part = bulk_read(&rest, &line, &l7->skip);
	} else {
		if (memchr("+-:*$_#,(!=%~>|", in.at[0], 15) == NULL)
			return PROTO_NO;
		part = line_read(&rest, &line);
	}
	if (part != PART_READ)
		return verdict_of(part);
	if (!hint->claimed && !error_is(line))
		return PROTO_NO;
	l7->used = in.left - rest.left;
	if (in.at[0] != '-')
		return PROTO_MORE;
	memory->errors++;
	redis->error = l7_text(l7, (span_u8(&line), line), TEXT_MAX);
	redis->commands = memory->commands;
	redis->errors = memory->errors;
	return PROTO_YES;
}

static enum proto_verdict redis_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *memory = L7_MEMORY(l7, struct memory);

	if (!hint->to_server)
		return answer(in, hint, l7, memory);
	return request(in, l7, memory);
}

const struct proto_ops proto_redis = {
	.name = "redis",
	.title = "Redis",
	.spec = "Redis serialization protocol, RESP2 and RESP3",
	.l4 = PROTO_TCP,
	.ports = {6379},
	.max_payloads = 4,
	.first = {{'*', '*'}, {'-', '-'}},
	.firsts = 2,
	.dissect = redis_dissect,
	.kind = &kind,
};
