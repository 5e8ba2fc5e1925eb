// An example to copy from: a member of a consumer group that processes every record of spanwatch exactly once. What it does and why
// it may is told in consumer.py, which is the same thing and whose result it shares; members of both kinds work in one group.
//
//	consumer SENSOR GROUP NAME [HOST:PORT|unix:PATH [CLAIM_AFTER_S [UNTIL_IDLE_S]]]
//
// CONSUMER_PROVE in the environment counts by id instead of event_type. REDISCLI_AUTH is the password, as for redis-cli,
// CONSUMER_USER the ACL user.
#include <cjson/cJSON.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS = 3, COUNT = 100, WORDS_HEAD = 7, WORDS_EACH = 5, ID_MAX = 48, WHAT_MAX = 80, KEY_MAX = 320, PAUSE_US = 200000 };
enum { TIMEOUT_S = 10, PORT_MAX = 65535, SECONDS_MAX = 86400 };

static const char *const streams[STREAMS] = {"flows", "alerts", "events"};

static const char process_script[] =
	"redis.call('HLEN', KEYS[2]) "
	"local done = 0 "
	"for i = 3, #ARGV, 5 do "
	"  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then "
	"    local of, first, last = ARGV[2] .. ':' .. ARGV[i + 2], ARGV[i + 3], ARGV[i + 4] "
	"    local ids = string.format('%.0f', last - first + 1) "
	"    redis.call('HINCRBY', KEYS[2], ARGV[i + 1], ids) "
	"    redis.call('HINCRBY', KEYS[2], 'ids:' .. of, ids) "
	"    if tonumber(first) < tonumber(redis.call('HGET', KEYS[2], 'first:' .. of) or math.huge) then "
	"      redis.call('HSET', KEYS[2], 'first:' .. of, first) "
	"    end "
	"    if tonumber(last) > tonumber(redis.call('HGET', KEYS[2], 'last:' .. of) or -1) then "
	"      redis.call('HSET', KEYS[2], 'last:' .. of, last) "
	"    end "
	"    done = done + 1 "
	"  end "
	"end "
	"redis.call('EXPIRE', KEYS[2], 86400) "
	"return done";

struct consumer {
	const char *sensor, *group, *name, *where;
	long claim_after_s, until_idle_s; // until_idle_s < 0: for ever
	bool prove;
	redisContext *redis;
	char key[STREAMS][KEY_MAX], result[KEY_MAX];
	bool ready[STREAMS]; // is there, with our group
	unsigned long long delivered, processed;
	time_t looked;
	bool told; // that nobody is there
};

static volatile sig_atomic_t stopping;

static void stop_on(int number)
{
	(void)number;
	stopping = 1;
}

// The answer, or NULL: the connection is gone (errors of Redis are printed and end the program, but for those that come and go).
static redisReply *checked(struct consumer *c, redisReply *reply)
{
	static const char *const passing[] = {"BUSYGROUP", "NOGROUP", "UNBLOCKED", "LOADING", "ERR The XGROUP subcommand requires"};

	if (reply == NULL)
		fprintf(stderr, "consumer: Redis at %s: %s; trying again\n", c->where, c->redis->errstr);
	if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
		return reply;
	for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (strncmp(reply->str, passing[i], strlen(passing[i])) == 0)
			return reply;
	fprintf(stderr, "consumer: Redis at %s refuses: %s\n", c->where, reply->str);
	exit(1);
}

#define ASK(c, ...) checked(c, redisCommand((c)->redis, __VA_ARGS__))

// ---- processing ----

// What the record is, for the count; a tombstone tells where it begins, too.
static void entry_judge(const redisReply *fields, char what[WHAT_MAX], char first[ID_MAX])
{
	bool is_there = fields->type == REDIS_REPLY_ARRAY && fields->elements >= 2;
	bool lost = is_there && strcmp(fields->element[0]->str, "tombstone") == 0;
	cJSON *json = is_there ? cJSON_Parse(fields->element[1]->str) : NULL;
	const cJSON *type = cJSON_GetObjectItem(json, "event_type"), *begins = cJSON_GetObjectItem(json, "first");

	snprintf(what, WHAT_MAX, "%s", lost ? "tombstone" : cJSON_IsString(type) ? type->valuestring : is_there ? "other" : "trimmed");
	if (lost && cJSON_IsNumber(begins))
		snprintf(first, ID_MAX, "%.0f", begins->valuedouble);
	cJSON_Delete(json);
}

// Entries of one stream, as XREADGROUP and XAUTOCLAIM list them. Returns how many; -1: the connection is gone.
static int process(struct consumer *c, unsigned stream, const redisReply *entries)
{
	const char *words[WORDS_HEAD + WORDS_EACH * COUNT] = {"EVAL", process_script, "2", c->key[stream], c->result, c->group,
							      streams[stream]};
	char what[COUNT][WHAT_MAX], boot[COUNT][ID_MAX], first[COUNT][ID_MAX];
	int n = 0, argc = WORDS_HEAD;
	redisReply *reply;

	for (; n < COUNT && (size_t)n < entries->elements; n++) {
		const redisReply *entry = entries->element[n];
		const char *id = entry->element[0]->str, *seq = strchr(id, '-') + 1;

		snprintf(boot[n], ID_MAX, "%.*s", (int)(seq - 1 - id), id);
		snprintf(first[n], ID_MAX, "%s", seq);
		entry_judge(entry->element[1], what[n], first[n]);
		if (c->prove)
			snprintf(what[n], WHAT_MAX, "%s/%s", streams[stream], id);
		memcpy(words + argc, (const char *[]){id, what[n], boot[n], first[n], seq}, WORDS_EACH * sizeof(words[0]));
		argc += WORDS_EACH;
	}
	if (n == 0)
		return 0;
	reply = checked(c, redisCommandArgv(c->redis, argc, words, NULL));
	if (reply == NULL)
		return -1;
	c->delivered += (unsigned)n;
	c->processed += reply->type == REDIS_REPLY_INTEGER ? (unsigned long long)reply->integer : 0;
	freeReplyObject(reply);
	return n;
}

// ">": what is new; "0": what this member had in its hands in an earlier life.
static int stream_read(struct consumer *c, unsigned stream, const char *after, unsigned block_ms)
{
	redisReply *reply = ASK(c, "XREADGROUP GROUP %s %s COUNT %d BLOCK %u STREAMS %s %s", c->group, c->name, COUNT, block_ms,
				c->key[stream], after);
	int n = reply == NULL ? -1 : 0;

	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY)
		n = process(c, stream, reply->element[0]->element[1]);
	freeReplyObject(reply);
	return n;
}

// What other members have had in their hands for too long.
static int stream_claim(struct consumer *c, unsigned stream)
{
	redisReply *reply = ASK(c, "XAUTOCLAIM %s %s %s %ld 0-0 COUNT %d", c->key[stream], c->group, c->name, c->claim_after_s * 1000, COUNT);
	int n = reply == NULL ? -1 : 0;

	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY)
		n = process(c, stream, reply->element[1]);
	freeReplyObject(reply);
	return n;
}

// ---- the group ----

static bool connection_make(struct consumer *c)
{
	const char *colon = strrchr(c->where, ':'), *user = getenv("CONSUMER_USER"), *password = getenv("REDISCLI_AUTH");
	char host[KEY_MAX];

	if (c->redis != NULL)
		redisFree(c->redis);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - c->where), c->where);
	c->redis = strncmp(c->where, "unix:", 5) == 0 ? redisConnectUnix(c->where + 5) : redisConnect(host, atoi(colon + 1));
	memset(c->ready, 0, sizeof(c->ready));
	if (c->redis->err != 0 && !c->told)
		fprintf(stderr, "consumer: Redis at %s: %s; trying again\n", c->where, c->redis->errstr);
	c->told = c->redis->err != 0;
	if (c->told)
		return false;
	redisSetTimeout(c->redis, (struct timeval){.tv_sec = TIMEOUT_S});
	if (password != NULL)
		freeReplyObject(user != NULL ? ASK(c, "AUTH %s %s", user, password) : ASK(c, "AUTH %s", password));
	return c->redis->err == 0;
}

// A stream that is not there yet is not made: nobody would ever remove it.
static int group_make(struct consumer *c, unsigned stream)
{
	redisReply *reply = ASK(c, "XGROUP CREATE %s %s 0", c->key[stream], c->group);
	int n = reply == NULL ? -1 : 0;

	c->ready[stream] = n == 0 && (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "BUSYGROUP", 9) == 0);
	freeReplyObject(reply);
	while (n == 0 && c->ready[stream] && (n = stream_read(c, stream, "0", 1)) > 0)
		n = 0;
	return n;
}

static bool pending_any(struct consumer *c)
{
	bool any = false;

	for (unsigned i = 0; i < STREAMS && !any; i++) {
		redisReply *reply = c->ready[i] ? ASK(c, "XPENDING %s %s", c->key[i], c->group) : NULL;

		any = c->redis->err != 0 || (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->element[0]->integer > 0);
		freeReplyObject(reply);
	}
	return any;
}

// Once through all streams. Returns how many entries it had in its hands; -1: the connection is gone.
static int turn(struct consumer *c)
{
	bool look = time(NULL) != c->looked; // once a second, also while there is much to do
	int total = 0, n = 0;

	for (unsigned i = 0; i < STREAMS && n >= 0; i++) {
		n = c->ready[i] ? stream_read(c, i, ">", 50) : group_make(c, i);
		total += n;
	}
	for (unsigned i = 0; i < STREAMS && n >= 0 && (total == 0 || look); i++) {
		c->looked = time(NULL);
		n = c->ready[i] ? stream_claim(c, i) : 0;
		total += n;
	}
	return n < 0 ? -1 : total;
}

static void report(struct consumer *c)
{
	redisReply *reply = c->redis->err == 0 ? ASK(c, "HGETALL %s", c->result) : NULL;

	printf("%s: %llu delivered to us, %llu processed by us\n", c->name, c->delivered, c->processed);
	for (size_t i = 0; reply != NULL && i + 1 < reply->elements; i += 2)
		if (!c->prove)
			printf("%s %s\n", reply->element[i]->str, reply->element[i + 1]->str);
	freeReplyObject(reply);
}

static void run(struct consumer *c)
{
	time_t last = time(NULL);

	while (!stopping) {
		int n = c->redis != NULL && c->redis->err == 0 ? turn(c) : -1;

		if (n > 0)
			last = time(NULL);
		if (n < 0 && !connection_make(c))
			usleep(PAUSE_US);
		if (n == 0 && c->until_idle_s >= 0 && time(NULL) - last > c->until_idle_s && !pending_any(c))
			break;
		if (n == 0)
			usleep(PAUSE_US / 4);
	}
	if (c->redis != NULL)
		report(c);
}

static bool number_read(const char *text, long most, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static bool where_is_sound(const char *where)
{
	const char *colon = strrchr(where, ':');
	long port;

	return strncmp(where, "unix:", 5) == 0 || (colon != NULL && number_read(colon + 1, PORT_MAX, &port));
}

int main(int argc, char **argv)
{
	static struct consumer c;
	struct sigaction action = {.sa_handler = stop_on};

	if (argc < 4 || argc > 7) {
		fputs("usage: consumer SENSOR GROUP NAME [HOST:PORT|unix:PATH [CLAIM_AFTER_S [UNTIL_IDLE_S]]]\n", stderr);
		return 1;
	}
	c = (struct consumer){.sensor = argv[1], .group = argv[2], .name = argv[3], .where = argc > 4 ? argv[4] : "127.0.0.1:6379",
			      .claim_after_s = 60, .until_idle_s = -1, .prove = getenv("CONSUMER_PROVE") != NULL};
	if (!where_is_sound(c.where)) {
		fprintf(stderr, "consumer: %s is neither HOST:PORT nor unix:PATH\n", c.where);
		return 1;
	}
	if ((argc > 5 && !number_read(argv[5], SECONDS_MAX, &c.claim_after_s)) ||
	    (argc > 6 && !number_read(argv[6], SECONDS_MAX, &c.until_idle_s))) {
		fprintf(stderr, "consumer: CLAIM_AFTER_S and UNTIL_IDLE_S are whole numbers from 0 to %d\n", SECONDS_MAX);
		return 1;
	}
	for (unsigned i = 0; i < STREAMS; i++)
		snprintf(c.key[i], KEY_MAX, "sw:{%s}:%s", c.sensor, streams[i]);
	snprintf(c.result, KEY_MAX, "sw:{%s}:consumer:%s", c.sensor, c.group);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	run(&c);
	if (c.redis != NULL)
		redisFree(c.redis);
	return 0;
}
