// Memcached: protocol.txt of its sources (text), and the binary protocol. A text command has a closed list of names and its own number of
// words; a binary message has a magic byte and lengths that fit each other. Caches are asked thousands of times a second, so there is
// one event for a connection: what was asked how often, and the first key. Over UDP each message has a head of eight bytes.
#include "proto/proto_list.h"

#include <string.h>

struct memcached {
	struct record_text first_key, version;
	uint32_t gets, sets, deletes, others, hits, stored, errors;
	bool binary;
};


enum { LINE_BYTES_MAX = 2048, KEY_MAX = 250, TEXT_MAX = 256, NAME_MAX = 12, WORDS_MAX = 8, UDP_HEAD = 8, VALUE_MAX = 128 << 20 };
enum { BINARY_HEAD = 24, REQUEST = 0x80, RESPONSE = 0x81, OPCODE_MAX = 0x23, OPCODE_GET = 0, OPCODE_SET = 1, OPCODE_DELETE = 4 };
enum { STATUS_MAX = 0x86, OPCODE_GETKQ = 0x0d, OPCODE_GETQ = 9, OPCODE_GETK = 0x0c, OPCODE_VERSION = 0x0b };

#define COUNT(member) FIELD(#member, U32, memcached, member), IN("memcached", #member), .flags = FIELD_OMIT_ZERO

static const struct record_field fields[] = {
	{FIELD("binary", BOOL, memcached, binary), IN("memcached", "binary"), .flags = FIELD_OMIT_ZERO},
	{FIELD("first_key", TEXT, memcached, first_key), IN("memcached", "first_key")},
	{FIELD("version", TEXT, memcached, version), IN("memcached", "version")},
	{COUNT(gets)},
	{COUNT(sets)},
	{COUNT(deletes)},
	{COUNT(others)},
	{COUNT(hits)},
	{COUNT(stored)},
	{COUNT(errors)},
	{0},
};

static const struct record_kind kind = {.event_type = "memcached", BODY(memcached), .client_first = true, .fields = fields};

// ---- text ----

enum does { GETS, SETS, DELETES, OTHERS };

// words: how many at least and at most, the name included. block: the position of the length of a data block, 0: none.
static const struct command {
	const char *name;
	uint8_t least, most, block;
	enum does does;
} commands[] = {
	{"get", 2, WORDS_MAX, 0, GETS},    {"gets", 2, WORDS_MAX, 0, GETS},     {"gat", 3, WORDS_MAX, 0, GETS},
	{"gats", 3, WORDS_MAX, 0, GETS},   {"set", 5, 6, 4, SETS},              {"add", 5, 6, 4, SETS},
	{"replace", 5, 6, 4, SETS},        {"append", 5, 6, 4, SETS},           {"prepend", 5, 6, 4, SETS},
	{"cas", 6, 7, 4, SETS},            {"delete", 2, 4, 0, DELETES},        {"incr", 3, 4, 0, OTHERS},
	{"decr", 3, 4, 0, OTHERS},         {"touch", 3, 4, 0, OTHERS},          {"flush_all", 1, 3, 0, OTHERS},
	{"version", 1, 1, 0, OTHERS},      {"verbosity", 2, 3, 0, OTHERS},      {"mg", 2, WORDS_MAX, 0, GETS},
	{"md", 2, WORDS_MAX, 0, DELETES},  {"ms", 3, WORDS_MAX, 2, SETS},       {"mn", 1, 1, 0, OTHERS},
};

struct line {
	struct span word[WORDS_MAX];
	unsigned words;
};

static void words_split(struct span in, struct line *line)
{
	for (line->words = 0; line->words < WORDS_MAX; line->words++) {
		struct span word;

		in = span_trim(in);
		if (in.left == 0)
			return;
		if (!span_until(&in, ' ', &word)) {
			word = in;
			in.left = 0;
		}
		line->word[line->words] = word;
	}
}

static bool word_is(struct span word, const char *text)
{
	return word.left == strlen(text) && span_starts(word, text);
}

static bool number_is(struct span in, uint64_t *value)
{
	*value = 0;
	for (uint32_t i = 0; i < in.left; i++) {
		if (in.at[i] < '0' || in.at[i] > '9' || *value > VALUE_MAX)
			return false;
		*value = *value * 10 + (uint64_t)(in.at[i] - '0');
	}
	return in.left > 0 && *value <= VALUE_MAX;
}

static const struct command *command_find(const struct line *line)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (word_is(line->word[0], commands[i].name))
			return line->words >= commands[i].least && line->words <= commands[i].most ? &commands[i] : NULL;
	return NULL;
}

// A command; *block: bytes of data behind it, with the end of its line.
static bool request_line(struct l7 *l7, struct memcached *memcached, const struct line *line, uint64_t *block)
{
	const struct command *command = command_find(line);
	uint32_t *counts[] = {&memcached->gets, &memcached->sets, &memcached->deletes, &memcached->others};
	unsigned key = command != NULL && word_is(line->word[0], "gat") ? 2 : 1;

	if (command == NULL || (command->least > 1 && line->word[1].left > KEY_MAX))
		return false;
	if (command->block > 0) {
		if (!number_is(line->word[command->block], block))
			return false;
		*block += 2;
	}
	++*counts[command->does];
	if (memcached->first_key.len == 0 && command->does != OTHERS)
		memcached->first_key = l7_text(l7, line->word[key], TEXT_MAX);
	return true;
}

static bool response_line(struct l7 *l7, struct memcached *memcached, const struct line *line, uint64_t *block)
{
	static const char *const plain[] = {"END", "NOT_STORED", "EXISTS", "NOT_FOUND", "DELETED", "TOUCHED", "OK", "EN", "HD", "NS", "NF", "EX", "MN"};

	if ((line->words == 4 || line->words == 5) && word_is(line->word[0], "VALUE")) {
		memcached->hits++;
		if (!number_is(line->word[3], block))
			return false;
		*block += 2;
		return true;
	}
	if (word_is(line->word[0], "VA") && line->words >= 2) {
		memcached->hits++;
		if (!number_is(line->word[1], block))
			return false;
		*block += 2;
		return true;
	}
	if (word_is(line->word[0], "STAT") && line->words >= 2)
		return true;
	if (word_is(line->word[0], "VERSION") && line->words == 2) {
		memcached->version = l7_text(l7, line->word[1], TEXT_MAX);
		return true;
	}
	if (word_is(line->word[0], "STORED") && line->words == 1) {
		memcached->stored++;
		return true;
	}
	if (word_is(line->word[0], "ERROR") || word_is(line->word[0], "CLIENT_ERROR") || word_is(line->word[0], "SERVER_ERROR")) {
		memcached->errors++;
		return true;
	}
	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (word_is(line->word[0], plain[i]))
			return true;
	return false;
}

// A number alone is the answer to incr and decr, "STAT ..." that to stats; neither proves anything.
static bool proves(const struct line *line, bool to_server)
{
	if (to_server)
		return line->words >= 2 || word_is(line->word[0], "flush_all");
	return word_is(line->word[0], "VALUE") || word_is(line->word[0], "STORED") || word_is(line->word[0], "NOT_STORED") ||
	       word_is(line->word[0], "STAT") || word_is(line->word[0], "VERSION") || word_is(line->word[0], "NOT_FOUND");
}

// The first word, as far as it is there, is one of small letters (a command) or capitals (an answer).
static bool begins_well(struct span in)
{
	uint32_t i = 0;

	while (i < in.left && ((in.at[i] >= 'a' && in.at[i] <= 'z') || (in.at[i] >= 'A' && in.at[i] <= 'Z') || in.at[i] == '_'))
		i++;
	return i > 0 && i <= NAME_MAX && (i == in.left || in.at[i] == ' ' || in.at[i] == '\r');
}

static enum proto_verdict over_text(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memcached *memcached = L7_BODY(l7, struct memcached);
	struct span rest = in, text;
	uint64_t block = 0, number;
	struct line line;
	bool known;

	if (!hint->claimed && !begins_well(in))
		return PROTO_NO;
	if (!span_until(&rest, '\n', &text))
		return in.left < LINE_BYTES_MAX ? PROTO_MORE : PROTO_NO;
	if (!hint->claimed && (text.left == 0 || text.at[text.left - 1] != '\r'))
		return PROTO_NO;
	words_split(text, &line);
	if (line.words == 0)
		return PROTO_NO;
	known = hint->to_server ? request_line(l7, memcached, &line, &block) : response_line(l7, memcached, &line, &block);
	if (hint->to_server && word_is(line.word[0], "quit") && hint->claimed)
		return PROTO_DONE;
	if (!known && !(hint->claimed && (number_is(line.word[0], &number) || word_is(line.word[0], "stats"))))
		return PROTO_NO;
	if (!hint->claimed && !proves(&line, hint->to_server))
		return PROTO_MORE;
	l7->used = in.left - rest.left;
	l7->skip = block;
	l7->pending = true;
	return PROTO_MORE;
}

// ---- binary ----

static void binary_count(struct l7 *l7, struct memcached *memcached, uint8_t opcode, struct span key, bool to_server, uint16_t status)
{
	bool get = opcode == OPCODE_GET || opcode == OPCODE_GETQ || opcode == OPCODE_GETK || opcode == OPCODE_GETKQ;

	if (!to_server) {
		memcached->hits += get && status == 0;
		memcached->stored += opcode == OPCODE_SET && status == 0;
		memcached->errors += status > 1;
		return;
	}
	memcached->gets += get;
	memcached->sets += opcode == OPCODE_SET;
	memcached->deletes += opcode == OPCODE_DELETE;
	memcached->others += !get && opcode != OPCODE_SET && opcode != OPCODE_DELETE;
	if (memcached->first_key.len == 0 && key.left > 0)
		memcached->first_key = l7_text(l7, key, TEXT_MAX);
}

static enum proto_verdict over_binary(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memcached *memcached = L7_BODY(l7, struct memcached);
	struct span rest = in;
	uint8_t magic = span_u8(&rest), opcode = span_u8(&rest), extras, type;
	uint16_t key_bytes = span_be16(&rest), status;
	uint32_t body, head;

	extras = span_u8(&rest);
	type = span_u8(&rest);
	status = span_be16(&rest);
	body = span_be32(&rest);
	if (magic != (hint->to_server ? REQUEST : RESPONSE))
		return PROTO_NO;
	if (in.left < BINARY_HEAD)
		return PROTO_MORE;
	if (opcode > OPCODE_MAX || type != 0 || extras > 32 || key_bytes > KEY_MAX || body < (uint32_t)key_bytes + extras || body > VALUE_MAX ||
	    (!hint->to_server && status > STATUS_MAX))
		return PROTO_NO;
	head = (uint32_t)BINARY_HEAD + extras + key_bytes;
	if (in.left < head)
		return PROTO_MORE;
	span_bytes(&rest, BINARY_HEAD - 12u + extras);
	memcached->binary = true;
	binary_count(l7, memcached, opcode, span_take(&rest, key_bytes), hint->to_server, status);
	l7->used = head;
	l7->skip = body - key_bytes - extras;
	l7->pending = true;
	return PROTO_MORE;
}

// ---- transports ----

// Request id, number of this datagram, how many there are, zero: RFC-less, protocol.txt "UDP protocol".
static enum proto_verdict over_udp(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	uint16_t number, count;
	enum proto_verdict verdict;

	span_be16(&in);
	number = span_be16(&in);
	count = span_be16(&in);
	if (span_be16(&in) != 0 || !span_ok(&in) || count == 0 || number >= count || in.left == 0)
		return PROTO_NO;
	if (number > 0)
		return hint->claimed ? PROTO_MORE : PROTO_NO;
	verdict = over_text(in, hint, l7);
	l7->skip = 0;
	l7->used += verdict == PROTO_MORE && l7->pending ? UDP_HEAD : 0;
	return l7->pending ? PROTO_YES : PROTO_NO;
}

static enum proto_verdict memcached_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	if (hint->l4 == PROTO_UDP)
		return over_udp(in, hint, l7);
	return in.at[0] == REQUEST || in.at[0] == RESPONSE ? over_binary(in, hint, l7) : over_text(in, hint, l7);
}

const struct proto_ops proto_memcached = {
	.name = "memcached",
	.title = "Memcached",
	.spec = "protocol.txt of memcached, BinaryProtocolRevamped",
	.l4 = PROTO_TCP | PROTO_UDP,
	.ports = {11211},
	.max_payloads = 3,
	.dissect = memcached_dissect,
	.kind = &kind,
};
