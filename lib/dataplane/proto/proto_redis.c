// Redis: the serialization protocol RESP, versions 2 and 3, and what of its commands matters here.
//
// A request is an array of strings whose first is the name of a command. There are tens of thousands a second, so events are for what
// tells of the connection (who logs in, what it is called, what it subscribes to, what an administrator does) and for errors, at most
// TOLD_MAX of a connection; all commands are counted, and each event, the last one too, says how many there were so far. Values are walked,
// never kept. Passwords are passed over.
#include "base/text.h"
#include "proto/proto_lines.h"
#include "proto/proto_list.h"
#include "proto/proto_redis_value.h"

enum { TEXT_MAX = 256, READ_MAX = 4096, TOLD_MAX = 64, NAME_MAX = 24, KEY_MAX = 64 };

struct redis {
	struct record_text command, key, user, client_name, channels, database, error;
	uint32_t commands, reads, writes, errors;
	uint8_t protocol;
	bool success;
};

struct memory {
	uint32_t commands, reads, writes, errors, answers;
	uint32_t told_at, told; // which command the body is for; how many events there were
	uint32_t arguments;     // of the request under way, to be passed over
	uint64_t elements;      // of the reply under way, to be walked
	bool push, line; // line: one that is longer than what is read of it is under way
	uint8_t name_bytes, key_bytes;
	char name[NAME_MAX], key[KEY_MAX]; // of the last command
};

static const struct record_field fields[] = {
	{FIELD("command", TEXT, redis, command), IN("redis", "command")},
	{FIELD("key", TEXT, redis, key), IN("redis", "key")},
	{FIELD("user", TEXT, redis, user), IN("redis", "user")},
	{FIELD("client_name", TEXT, redis, client_name), IN("redis", "client_name")},
	{FIELD("channels", TEXT_LIST, redis, channels), IN("redis", "channels"), .flags = FIELD_LINES},
	{FIELD("protocol", U8, redis, protocol), IN("redis", "protocol"), .flags = FIELD_OMIT_ZERO},
	{FIELD("database", TEXT, redis, database), IN("redis", "database")},
	{FIELD("success", BOOL, redis, success), IN("redis", "success"), .flags = FIELD_OMIT_ZERO},
	{FIELD("error", TEXT, redis, error), IN("redis", "error")},
	{FIELD("commands", U32, redis, commands), IN("redis", "commands"), .flags = FIELD_OMIT_ZERO},
	{FIELD("reads", U32, redis, reads), IN("redis", "reads"), .flags = FIELD_OMIT_ZERO},
	{FIELD("writes", U32, redis, writes), IN("redis", "writes"), .flags = FIELD_OMIT_ZERO},
	{FIELD("errors", U32, redis, errors), IN("redis", "errors"), .flags = FIELD_OMIT_ZERO},
	{0},
};

static const struct record_kind kind = {.event_type = "redis", BODY(redis), .client_first = true, .fields = fields};

#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))

static const char *const reads[] = {
	"GET", "MGET", "STRLEN", "GETRANGE", "EXISTS", "TTL", "PTTL", "TYPE", "KEYS", "SCAN", "HGET", "HGETALL", "HMGET", "HKEYS", "HVALS", "HLEN",
	"HEXISTS", "HSCAN", "LRANGE", "LLEN", "LINDEX", "SMEMBERS", "SISMEMBER", "SCARD", "SINTER", "SUNION", "SDIFF", "SSCAN", "ZRANGE", "ZSCORE",
	"ZCARD", "ZRANK", "ZCOUNT", "ZRANGEBYSCORE", "ZREVRANGE", "ZSCAN", "XRANGE", "XREAD", "XLEN", "GETBIT", "BITCOUNT", "RANDOMKEY", "DBSIZE",
};
static const char *const writes[] = {
	"SET", "SETEX", "PSETEX", "SETNX", "MSET", "MSETNX", "GETSET", "GETDEL", "GETEX", "APPEND", "SETRANGE", "INCR", "INCRBY", "INCRBYFLOAT", "DECR",
	"DECRBY", "DEL", "UNLINK", "EXPIRE", "PEXPIRE", "EXPIREAT", "PERSIST", "RENAME", "HSET", "HSETNX", "HMSET", "HDEL", "HINCRBY", "LPUSH",
	"RPUSH", "LPOP", "RPOP", "BLPOP", "BRPOP", "LTRIM", "LREM", "LSET", "RPOPLPUSH", "SADD", "SREM", "SPOP", "SMOVE", "ZADD", "ZREM", "ZINCRBY",
	"ZPOPMIN", "ZPOPMAX", "XADD", "XDEL", "XTRIM", "XACK", "SETBIT", "PFADD", "GEOADD", "COPY", "RESTORE", "PUBLISH",
};
enum told { AUTH, HELLO, SELECT, SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE, MONITOR, SYNC, PSYNC, WITH_KEY, FLUSHALL = WITH_KEY, FLUSHDB, SHUTDOWN, REPLICAOF,
	    SLAVEOF, REPLCONF, SAVE, BGSAVE, INFO, MIGRATE, EVAL, WITH_WORD, CLIENT = WITH_WORD };
static const char *const told[] = {
	"AUTH", "HELLO", "SELECT", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "FLUSHALL", "FLUSHDB", "SHUTDOWN", "REPLICAOF",
	"SLAVEOF", "REPLCONF", "SAVE", "BGSAVE", "INFO", "MIGRATE", "EVAL", "CLIENT", "CONFIG", "ACL", "MODULE", "CLUSTER", "DEBUG", "SCRIPT",
	"FUNCTION", "SENTINEL",
};
static const char *const others[] = {"PING", "ECHO", "MULTI", "EXEC", "DISCARD", "WATCH", "COMMAND", "QUIT", "TIME", "EVALSHA", "UNSUBSCRIBE", "ROLE"};

// ---- events ----

static struct redis *counted(const struct memory *m, struct l7 *l7)
{
	struct redis *redis = L7_BODY(l7, struct redis);

	redis->commands = m->commands;
	redis->reads = m->reads;
	redis->writes = m->writes;
	redis->errors = m->errors;
	l7->pending = m->commands + m->errors > 0;
	return redis;
}

static void hello_read(const struct redis_request *q, struct l7 *l7, struct redis *redis)
{
	uint32_t version = 0;
	struct span at = q->argument[1];

	if (q->count > 1 && number_next(&at, 9, &version))
		redis->protocol = (uint8_t)version;
	for (unsigned i = 2; i + 1 < q->count; i++) {
		if (word_is(q->argument[i], "AUTH")) {
			redis->user = l7_text(l7, q->argument[i + 1], TEXT_MAX);
			i += 2;
		} else if (word_is(q->argument[i], "SETNAME")) {
			redis->client_name = l7_text(l7, q->argument[i + 1], TEXT_MAX);
		}
	}
}

static void channels_read(const struct redis_request *q, struct l7 *l7, struct redis *redis)
{
	redis->channels = text_reserve(l7, TEXT_MAX * 2);
	for (unsigned i = 1; i < q->count; i++)
		text_list_add(l7, &redis->channels, TEXT_MAX * 2, q->argument[i]);
	text_trim(l7, redis->channels);
}

// CONFIG SET maxmemory: two words are the command; what follows the key may be a secret.
static void words_read(const struct redis_request *q, struct l7 *l7, struct redis *redis, const char *name)
{
	char words[2 * NAME_MAX];
	struct text_builder b = text_builder(words, sizeof(words));

	text_put(&b, name);
	if (q->count > 1) {
		text_put(&b, " ");
		text_put_bytes(&b, q->argument[1].at, q->argument[1].left);
	}
	redis->command = l7_text_bytes(l7, words, (uint32_t)b.used, TEXT_MAX);
	if (q->count > 2 && word_is(q->argument[1], "SETNAME"))
		redis->client_name = l7_text(l7, q->argument[2], TEXT_MAX);
	else if (q->count > 2)
		redis->key = l7_text(l7, q->argument[2], TEXT_MAX);
}

static enum proto_verdict tell(const struct redis_request *q, int what, struct memory *m, struct l7 *l7)
{
	struct redis *redis = counted(m, l7);

	m->told++;
	m->told_at = m->commands;
	if (what >= WITH_WORD)
		words_read(q, l7, redis, told[what]);
	else
		redis->command = l7_text_bytes(l7, told[what], (uint32_t)strlen(told[what]), TEXT_MAX);
	if (what == AUTH && q->count == 3)
		redis->user = l7_text(l7, q->argument[1], TEXT_MAX);
	else if (what == HELLO)
		hello_read(q, l7, redis);
	else if (what == SELECT && q->count == 2)
		redis->database = l7_text(l7, q->argument[1], TEXT_MAX);
	else if (what >= SUBSCRIBE && what <= SSUBSCRIBE)
		channels_read(q, l7, redis);
	else if (what >= WITH_KEY && what < EVAL && q->count > 1)
		redis->key = l7_text(l7, q->argument[1], TEXT_MAX);
	return what == MONITOR || what == SYNC || what == PSYNC ? PROTO_DONE : PROTO_MORE;
}

// ---- from the client ----

static void last_keep(struct memory *m, const struct redis_request *q)
{
	struct span name = q->argument[0], key = q->count > 1 ? q->argument[1] : (struct span){0};
	bool secret = word_is(name, "AUTH") || word_is(name, "HELLO");

	m->name_bytes = (uint8_t)(name.left < NAME_MAX ? name.left : NAME_MAX);
	memcpy(m->name, name.at, m->name_bytes);
	m->key_bytes = (uint8_t)(secret ? 0 : key.left < KEY_MAX ? key.left : KEY_MAX);
	if (m->key_bytes > 0)
		memcpy(m->key, key.at, m->key_bytes);
}

static bool known(struct span name)
{
	return word_index(name, reads, LENGTH(reads)) >= 0 || word_index(name, writes, LENGTH(writes)) >= 0 ||
	       word_index(name, told, LENGTH(told)) >= 0 || word_index(name, others, LENGTH(others)) >= 0;
}

static enum proto_verdict request_take(const struct redis_request *q, struct memory *m, struct l7 *l7)
{
	int what = word_index(q->argument[0], told, LENGTH(told));
	bool tells = what >= 0 && m->told < TOLD_MAX;

	if (tells && L7_BODY(l7, struct redis)->command.len > 0) { // the one before is not answered yet
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	m->arguments = q->rest;
	m->line = q->open;
	m->commands++;
	m->reads += word_index(q->argument[0], reads, LENGTH(reads)) >= 0;
	m->writes += word_index(q->argument[0], writes, LENGTH(writes)) >= 0;
	last_keep(m, q);
	if (tells)
		return tell(q, what, m, l7);
	counted(m, l7);
	return PROTO_MORE;
}

// The line behind the first is a command too. In small letters both may be those of memcached.
static bool pair_is(struct span in)
{
	struct span line, word;

	for (unsigned i = 0; i < 2; i++)
		if (!span_until(&in, '\n', &line) || !word_next(&line, &word) || !known(word) || word.at[0] > 'Z')
			return false;
	return true;
}

static enum proto_verdict over_client(struct span in, const struct proto_hint *hint, struct memory *m, struct l7 *l7)
{
	struct redis_request q = {0};
	struct span rest = in, passed;
	enum redis_read read;

	if (m->line) {
		m->line = !span_until(&rest, '\n', &passed);
		l7->used = m->line ? in.left : in.left - rest.left;
		return PROTO_MORE;
	}
	if (m->arguments > 0) {
		read = redis_arguments_pass(in, &m->arguments, l7);
		return read == REDIS_BAD ? PROTO_NO : PROTO_MORE;
	}
	read = redis_request_read(in, &q, l7);
	if (read == REDIS_BAD)
		return PROTO_NO;
	if (read == REDIS_MORE)
		return in.left < READ_MAX ? PROTO_MORE : PROTO_NO;
	if (q.count == 0) // an empty line
		return hint->claimed ? PROTO_MORE : PROTO_NO;
	if (!hint->claimed && q.bare)
		return PROTO_NO;
	if (!hint->claimed && (q.line ? !known(q.argument[0]) : !redis_name_is(q.argument[0])))
		return PROTO_NO;
	if (!hint->claimed && q.line && !pair_is(in)) { // the server's answer proves it
		*hint->note = 1;
		l7->used = 0;
		l7->skip = 0;
		return PROTO_MORE;
	}
	return request_take(&q, m, l7);
}

// ---- from the server ----

// "-ERR unknown command": of what was asked last, if nothing else is under way.
static void error_take(struct span text, struct memory *m, struct l7 *l7, bool own)
{
	struct redis *redis = L7_BODY(l7, struct redis);

	if (redis->command.len == 0 && own) {
		redis->command = l7_text_bytes(l7, m->name, m->name_bytes, TEXT_MAX);
		redis->key = l7_text_bytes(l7, m->key, m->key_bytes, TEXT_MAX);
	}
	redis->error = l7_text(l7, text, TEXT_MAX);
}

static enum proto_verdict answered(const struct redis_value *top, struct memory *m, struct l7 *l7)
{
	bool error = top->type == '-', awaited;
	struct redis *redis;

	if (m->answers < m->commands || m->answers == 0) // a command that proved nothing is counted after its answer
		m->answers++;
	m->errors += error;
	redis = counted(m, l7);
	awaited = redis->command.len > 0 && m->answers >= m->told_at;
	if (error && (awaited || (redis->command.len == 0 && m->told < TOLD_MAX))) {
		m->told++;
		error_take(top->text, m, l7, m->answers == m->commands);
		return PROTO_YES;
	}
	redis->success = awaited;
	return awaited ? PROTO_YES : PROTO_MORE;
}

static enum proto_verdict over_server(struct span in, struct memory *m, struct l7 *l7)
{
	struct span from = in;

	l7->used = 0;
	for (;;) {
		struct redis_value value = {0};
		enum redis_read read = redis_value_read(&from, &value);
		bool top = m->elements == 0;

		if (read == REDIS_BAD || (read == REDIS_MORE && in.left - l7->used >= READ_MAX && from.left == in.left))
			return PROTO_NO;
		if (read == REDIS_MORE)
			return PROTO_MORE;
		if (top)
			m->push = value.type == '>';
		m->elements = (top ? 1 : m->elements) - 1 + value.elements;
		l7->used = in.left - from.left;
		l7->skip = value.skip;
		if (m->elements == 0 && !m->push)
			return answered(&value, m, l7);
		if (l7->skip > 0 || from.left == 0)
			return PROTO_MORE;
	}
}

static enum proto_verdict redis_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct memory *m = L7_MEMORY(l7, struct memory);
	enum redis_read proves;

	if (hint->to_server)
		return over_client(in, hint, m, l7);
	if (!hint->claimed) {
		proves = redis_reply_proves(in, *hint->note == 1);
		if (proves != REDIS_READ)
			return proves == REDIS_MORE && in.left < READ_MAX ? PROTO_MORE : PROTO_NO;
	}
	return over_server(in, m, l7);
}

const struct proto_ops proto_redis = {
	.name = "redis",
	.title = "Redis",
	.spec = "RESP 2, RESP 3",
	.l4 = PROTO_TCP,
	.ports = {6379, 26379, 16379},
	.max_payloads = 3,
	.first = {{'$', '%'}, {'*', '+'}, {'-', '-'}, {':', ':'}, {'>', '>'}, {'A', 'Z'}, {'a', 'z'}},
	.firsts = 7,
	.dissect = redis_dissect,
	.kind = &kind,
};
