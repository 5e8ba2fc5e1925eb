// The Redis sink against a connection that is a script: what it sends, command by command, and what it makes of each answer. The
// connection itself (sink_redis_link.c) is wrapped away by the linker.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink/sink_redis.h"
#include "sink/sink_redis_commit.h"

enum { ROOM = 1 << 16 };

#define ME "0102030405060708090a0b0c0d0e0f10"
#define OTHER "ffffffffffffffffffffffffffffffff"
#define BULK(n, text) "$" #n "\r\n" text "\r\n"
#define NIL "$-1\r\n"
#define OK "+OK\r\n"
#define QUEUED "+QUEUED\r\n"
#define IS_ME OK "*1\r\n" BULK(32, ME) // WATCH, HMGET writer instance
#define DUPLICATE "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"

static char sent[ROOM], wire[ROOM]; // a line each command; the bytes
static size_t sent_used, wire_used;
static redisReader *reader;
static bool closed, asking;
static struct config config;
static struct redis_sink *sink;
static struct spool_batch *batch;

int __wrap_redis_link_open(const struct redis_settings *settings, const char *key, struct redis_link **out, struct remote_fault *fault);
void __wrap_redis_link_close(struct redis_link *link);
bool __wrap_redis_link_asking(const struct redis_link *link);
const char *__wrap_redis_link_peer(const struct redis_link *link);
int __wrap_redis_link_append(struct redis_link *link, int argc, const char **argv, const size_t *lengths);
int __wrap_redis_link_flush(struct redis_link *link, struct remote_fault *fault);
int __wrap_redis_link_reply(struct redis_link *link, redisReply **out, struct remote_fault *fault);

int __wrap_redis_link_open(const struct redis_settings *settings, const char *key, struct redis_link **out, struct remote_fault *fault)
{
	(void)settings;
	(void)fault;
	assert_string_equal(key, "sw:{lab}:writer");
	*out = (struct redis_link *)(void *)&closed;
	closed = false;
	return 0;
}

void __wrap_redis_link_close(struct redis_link *link)
{
	closed = link != NULL || closed;
}

bool __wrap_redis_link_asking(const struct redis_link *link)
{
	assert_non_null(link);
	return asking;
}

const char *__wrap_redis_link_peer(const struct redis_link *link)
{
	assert_non_null(link);
	return "here:1";
}

int __wrap_redis_link_append(struct redis_link *link, int argc, const char **argv, const size_t *lengths)
{
	char *command = NULL;
	int n = redisFormatCommandArgv(&command, argc, argv, lengths);

	assert_non_null(link);
	assert_true(n > 0 && wire_used + (size_t)n < ROOM);
	memcpy(wire + wire_used, command, (size_t)n);
	wire_used += (size_t)n;
	free(command);
	for (int i = 0; i < argc; i++)
		sent_used += (size_t)snprintf(sent + sent_used, ROOM - sent_used, "%.*s%c", (int)lengths[i], argv[i],
					      i + 1 < argc ? ' ' : '\n');
	return 0;
}

int __wrap_redis_link_flush(struct redis_link *link, struct remote_fault *fault)
{
	(void)fault;
	assert_non_null(link);
	return 0;
}

int __wrap_redis_link_reply(struct redis_link *link, redisReply **out, struct remote_fault *fault)
{
	void *reply = NULL;

	assert_non_null(link);
	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	*out = reply;
	return reply != NULL ? 0 : remote_fail(fault, "timeout", false, "the script has ended");
}

static void answer(const char *replies)
{
	redisReaderFree(reader);
	reader = redisReaderCreate();
	assert_int_equal(redisReaderFeed(reader, replies, strlen(replies)), REDIS_OK);
	sent_used = wire_used = 0;
	sent[0] = '\0';
}

// Nothing of the script is left over.
static void all_read(void)
{
	void *reply = NULL;

	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	assert_null(reply);
}

static int setup(void **state)
{
	(void)state;
	config_defaults(&config);
	strcpy(config.sensor.name, "lab");
	batch = calloc(1, sizeof(*batch));
	reader = redisReaderCreate();
	return batch != NULL && reader != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (sink != NULL)
		redis_sink_fini(sink);
	free(sink);
	sink = NULL;
	free(batch);
	redisReaderFree(reader);
	return 0;
}

// A sink that is connected and has nothing that is due by time.
static void connected(enum config_redis_mode mode)
{
	struct err err;

	if (sink != NULL)
		redis_sink_fini(sink);
	free(sink);
	sink = calloc(1, sizeof(*sink));
	assert_non_null(sink);
	config.redis.mode = mode;
	assert_int_equal(redis_sink_init(sink, &config, &err), 0);
	strcpy(sink->instance, ME);
	sink->link = (struct redis_link *)(void *)&closed;
	sink->book.boot = 3;
	sink->has_book = sink->sound = true;
	sink->renewed_ms = sink->expired_ms = redis_now_ms() + 3600000;
	batch->count = 0;
}

static void add(unsigned stream, uint64_t boot, uint64_t seq, const char *json)
{
	batch->entry[batch->count++] = (struct spool_entry){.boot = boot, .first = seq, .last = seq, .stream = (uint8_t)stream,
							    .length = (uint32_t)strlen(json), .payload = json};
}

static void add_tombstone(unsigned stream, uint64_t boot, uint64_t first, uint64_t last, enum spool_cause cause)
{
	batch->entry[batch->count++] = (struct spool_entry){.boot = boot, .first = first, .last = last, .stream = (uint8_t)stream,
							    .cause = (uint8_t)cause};
}

static void send_batch(void)
{
	struct remote_fault fault = {.cause = ""};

	sent_used = wire_used = 0;
	sent[0] = '\0';
	assert_int_equal(redis_send(sink, batch, &fault), 0);
}

// ---- commands ----

static void commands_of_a_stream_batch(void **state)
{
	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->there[SINK_FLOWS] = true;
	add(SINK_FLOWS, 3, 7, "{\"a\":1}");
	add(SINK_EVENTS, 3, 1, "{}");
	add_tombstone(SINK_FLOWS, 3, 8, 19, SPOOL_QUOTA);
	send_batch();
	assert_string_equal(sent, "MULTI\n"
				  "XADD sw:{lab}:flows NOMKSTREAM 3-7 eve {\"a\":1}\n"
				  "XADD sw:{lab}:events MAXLEN ~ 1000000 3-1 eve {}\n"
				  "XADD sw:{lab}:flows NOMKSTREAM MAXLEN ~ 1000000 3-19 tombstone "
				  "{\"first\":8,\"last\":19,\"count\":12,\"cause\":\"quota\",\"boot\":3}\n"
				  "EXPIRE sw:{lab}:flows 2592000\n"
				  "EXPIRE sw:{lab}:events 2592000\n"
				  "EXEC\n"
				  "WATCH sw:{lab}:writer\n"
				  "HMGET sw:{lab}:writer instance\n");
	assert_memory_equal(wire, "*1\r\n$5\r\nMULTI\r\n*6\r\n$4\r\nXADD\r\n$14\r\nsw:{lab}:flows\r\n$10\r\nNOMKSTREAM\r\n$3\r\n3-7\r\n"
				  "$3\r\neve\r\n$7\r\n{\"a\":1}\r\n", 97);
}

static void bytes_that_are_no_text_stay_as_they_are(void **state)
{
	static const char evil[] = "\r\nFLUSHALL\r\n\0x";

	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	add(SINK_FLOWS, 3, 1, "");
	batch->entry[0].payload = evil;
	batch->entry[0].length = sizeof(evil) - 1;
	send_batch();
	assert_non_null(memmem(wire, wire_used, "$14\r\n\r\nFLUSHALL\r\n\0x\r\n", 21));
}

// A base moves the ids; a boot that was not written before is put down with its first entries.
static void base_and_boot(void **state)
{
	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->book.base = 1000;
	add(SINK_ALERTS, 4, 2, "{}");
	send_batch();
	assert_non_null(strstr(sent, "XADD sw:{lab}:alerts MAXLEN ~ 1000000 1004-2 eve {}\n"));
	assert_non_null(strstr(sent, "HSET sw:{lab}:writer boot 4\nEXPIRE sw:{lab}:writer 2592000\nEXEC\n"));
}

static void what_is_due_by_time(void **state)
{
	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->renewed_ms = sink->expired_ms = 0;
	send_batch();
	assert_string_equal(sent, "MULTI\nSET sw:{lab}:alive " ME " PX 5000\n"
				  "EXPIRE sw:{lab}:flows 2592000\nEXPIRE sw:{lab}:alerts 2592000\nEXPIRE sw:{lab}:events 2592000\n"
				  "EXPIRE sw:{lab}:writer 2592000\nEXPIRE sw:{lab}:delivered 2592000\nEXPIRE sw:{lab}:stats 2592000\n"
				  "EXEC\nWATCH sw:{lab}:writer\nHMGET sw:{lab}:writer instance\n");
	send_batch();
	assert_string_equal(sent, "MULTI\nEXEC\nWATCH sw:{lab}:writer\nHMGET sw:{lab}:writer instance\n");
}

static void commands_of_lists_and_of_the_channel(void **state)
{
	(void)state;
	connected(CONFIG_REDIS_LISTS);
	add(SINK_FLOWS, 3, 7, "{\"a\":1}");
	add_tombstone(SINK_FLOWS, 3, 8, 9, SPOOL_CRASH);
	send_batch();
	assert_string_equal(sent, "MULTI\n"
				  "RPUSH sw:{lab}:flows {\"a\":1}\n"
				  "RPUSH sw:{lab}:flows {\"event_type\":\"tombstone\",\"stream\":\"flows\",\"first\":8,\"last\":9,"
				  "\"count\":2,\"cause\":\"crash\",\"boot\":3}\n"
				  "LTRIM sw:{lab}:flows -1000000 -1\n"
				  "EXPIRE sw:{lab}:flows 2592000\n"
				  "HSET sw:{lab}:delivered flows 3-9\n"
				  "EXPIRE sw:{lab}:delivered 2592000\n"
				  "EXEC\n"
				  "WATCH sw:{lab}:writer sw:{lab}:delivered\n"
				  "HMGET sw:{lab}:writer instance\n"
				  "HMGET sw:{lab}:delivered flows alerts events\n");
	connected(CONFIG_REDIS_CHANNEL);
	add(SINK_ALERTS, 3, 1, "{}");
	send_batch();
	assert_string_equal(sent, "MULTI\nPUBLISH sw:{lab}:alerts {}\n"
				  "HSET sw:{lab}:delivered alerts 3-1\nEXPIRE sw:{lab}:delivered 2592000\nEXEC\n"
				  "WATCH sw:{lab}:writer sw:{lab}:delivered\nHMGET sw:{lab}:writer instance\n"
				  "HMGET sw:{lab}:delivered flows alerts events\n");
}

// ---- aggregates ----

static const char aggregate[] = "{\"time\":\"2026-11-21T11:30:05Z\",\"minute\":\"202611211130\","
				"\"stats\":{\"pps\":1.5,\"packets.received\":7,\"state\":\"up\",\"tcp.rtt_p50_ms\":0.25},"
				"\"top\":{\"talkers\":[[\"10.0.0.1\",1234],[\"10.0.0.2\",5]],\"protocols\":[[\"tcp\",1e15]]},"
				"\"hosts\":[\"10.0.0.1\",\"10.0.0.2\"]}";

static void commands_of_an_aggregate(void **state)
{
	char wanted[2048];

	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	add(SINK_AGGREGATES, 3, 1, aggregate);
	add_tombstone(SINK_AGGREGATES, 3, 2, 5, SPOOL_QUEUE); // sums that were lost: nobody misses them
	send_batch();
	snprintf(wanted, sizeof(wanted), "MULTI\n"
		 "DEL sw:{lab}:stats\n"
		 "HSET sw:{lab}:stats time 2026-11-21T11:30:05Z pps 1.5 packets.received 7 state up tcp.rtt_p50_ms 0.25\n"
		 "EXPIRE sw:{lab}:stats 2592000\n"
		 "ZADD sw:{lab}:top:talkers:202611211130 1234 10.0.0.1 5 10.0.0.2\n"
		 "EXPIRE sw:{lab}:top:talkers:202611211130 86400\n"
		 "ZADD sw:{lab}:top:protocols:202611211130 1e+15 tcp\n"
		 "EXPIRE sw:{lab}:top:protocols:202611211130 86400\n"
		 "PFADD sw:{lab}:hosts:202611211130 10.0.0.1 10.0.0.2\n"
		 "EXPIRE sw:{lab}:hosts:202611211130 86400\n"
		 "PFADD sw:{lab}:hosts:2026112111 10.0.0.1 10.0.0.2\n"
		 "EXPIRE sw:{lab}:hosts:2026112111 90000\n"
		 "PUBLISH sw:{lab}:live %s\n"
		 "EXEC\nWATCH sw:{lab}:writer\nHMGET sw:{lab}:writer instance\n", aggregate);
	assert_string_equal(sent, wanted);
	assert_int_equal(sink->left_out, 0);
	sink->series = true;
	send_batch();
	assert_non_null(strstr(sent, "TS.ADD sw:{lab}:ts:pps 1795260605000 1.5 RETENTION 86400000 ON_DUPLICATE LAST "
				     "LABELS sensor lab metric pps\nEXPIRE sw:{lab}:ts:pps 2592000\n"));
	assert_non_null(strstr(sent, "TS.ADD sw:{lab}:ts:tcp.rtt_p50_ms 1795260605000 0.25 "));
	assert_null(strstr(sent, "ts:packets.received"));
}

// A server whose RedisTimeSeries is not for us: the batch goes again at once, without it.
static void series_that_are_refused(void **state)
{
	struct remote_fault fault = {.cause = ""};
	unsigned duplicates;

	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->series = true;
	add(SINK_AGGREGATES, 3, 1, "{\"time\":\"2026-11-21T11:30:05Z\",\"stats\":{\"pps\":1}}");
	send_batch();
	answer(OK QUEUED QUEUED QUEUED "-NOPERM x\r\n" QUEUED QUEUED "-EXECABORT x\r\n" IS_ME);
	assert_int_equal(redis_receive(sink, &duplicates, &fault), -EIO);
	assert_string_equal(fault.cause, "auth");
	assert_true(fault.keep && !fault.patient);
	send_batch();
	assert_null(strstr(sent, "TS.ADD"));
	answer(OK QUEUED QUEUED QUEUED QUEUED "*4\r\n:1\r\n:0\r\n:1\r\n:0\r\n" IS_ME);
	assert_int_equal(redis_receive(sink, &duplicates, &fault), 0);
	all_read();
}

// What is broken is left out and counted, the rest goes.
static void aggregates_that_are_broken(void **state)
{
	static const struct {
		const char *json, *has; // has: a command that it still becomes; NULL: nothing but PUBLISH, "": not even that
		unsigned left_out;
	} cases[] = {
		{"", "", 1},
		{"[1]", "", 1},
		{"{\"stats\":{\"pps\":1", "", 1},
		{"{}", NULL, 0},
		{"{\"stats\":7,\"top\":[],\"hosts\":{}}", NULL, 0},
		{"{\"stats\":{\"b d\":1,\"\":2,\"U/p\":3,\"x\":null,\"y\":[1],\"ok\":4}}", "HSET sw:{lab}:stats ok 4 redis.left_out 5\n", 5},
		{"{\"stats\":{\"x\":1e999,\"z\":0}}", "HSET sw:{lab}:stats z 0 redis.left_out 1\n", 1},
		{"{\"minute\":\"20261121113\",\"hosts\":[\"a\"]}", NULL, 1},
		{"{\"minute\":\"2026112111:0\",\"hosts\":[\"a\"]}", NULL, 1},
		{"{\"minute\":\"202611211130\",\"hosts\":[1,\"\",\"a\",null]}", "PFADD sw:{lab}:hosts:202611211130 a\n", 3},
		{"{\"minute\":\"202611211130\",\"top\":{\"t\":[[\"a\"],[1,2],\"x\",[\"b\",7],[\"c\",\"7\"],[]],\"}\":[[\"a\",1]],\"u\":{}}}",
		 "ZADD sw:{lab}:top:t:202611211130 7 b\n", 7},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		connected(CONFIG_REDIS_STREAMS);
		add(SINK_AGGREGATES, 3, 1, cases[i].json);
		send_batch();
		assert_int_equal(sink->left_out, cases[i].left_out);
		if (cases[i].has == NULL)
			assert_memory_equal(sent, "MULTI\nPUBLISH ", 14);
		else if (cases[i].has[0] == '\0')
			assert_memory_equal(sent, "MULTI\nEXEC\n", 11);
		else
			assert_non_null(strstr(sent, cases[i].has));
	}
}

// As many minutes have keys as there is room for, however their order; with one more the first one's are deleted.
static void minutes_make_way(void **state)
{
	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	redis_minutes_fini(&sink->minutes);
	redis_minutes_fini(&sink->hours);
	assert_int_equal(redis_minutes_init(&sink->minutes, 2), 0);
	assert_int_equal(redis_minutes_init(&sink->hours, 1), 0);
	add(SINK_AGGREGATES, 3, 1, "{\"minute\":\"202611211130\",\"top\":{\"t\":[[\"a\",1]]},\"hosts\":[\"a\"]}");
	add(SINK_AGGREGATES, 3, 2, "{\"minute\":\"202611211129\",\"hosts\":[\"a\"]}");
	add(SINK_AGGREGATES, 3, 3, "{\"minute\":\"202611211130\",\"hosts\":[\"b\"]}");
	send_batch();
	assert_null(strstr(sent, "DEL"));
	add(SINK_AGGREGATES, 3, 4, "{\"minute\":\"202611211200\",\"hosts\":[\"a\"]}");
	send_batch();
	assert_non_null(strstr(sent, "DEL sw:{lab}:hosts:202611211130\nDEL sw:{lab}:top:t:202611211130\nDEL sw:{lab}:hosts:2026112111\nPFADD"));
	assert_null(strstr(sent, "DEL sw:{lab}:hosts:202611211129"));
}

static void aggregates_are_bounded(void **state)
{
	size_t used = (size_t)0, room = 160 * 1024;
	char *json = malloc(room);

	(void)state;
	assert_non_null(json);
	used = (size_t)snprintf(json, room, "{\"minute\":\"202611211130\",\"stats\":{\"pps\":1");
	for (unsigned i = 0; i < 2000; i++)
		used += (size_t)snprintf(json + used, room - used, ",\"tcp.%u\":%u", i, i);
	used += (size_t)snprintf(json + used, room - used, "},\"top\":{\"t\":[[\"x\",1]");
	for (unsigned i = 0; i < 1000; i++)
		used += (size_t)snprintf(json + used, room - used, ",[\"m%u\",%u]", i, i);
	used += (size_t)snprintf(json + used, room - used, "]}}");
	connected(CONFIG_REDIS_STREAMS);
	sink->series = true;
	add(SINK_AGGREGATES, 3, 1, json);
	send_batch();
	assert_true(sink->left_out > 0);
	assert_true(sink->commands < 80);
	free(json);
}

// ---- what EXEC says ----

static void outcomes(void **state)
{
	static const struct {
		const char *replies;  // to MULTI, 2 XADD to flows, EXPIRE, EXEC, and the rest
		const char *cause;    // NULL: delivered
		unsigned duplicates;
		bool keep, changed;
	} cases[] = {
		{OK QUEUED QUEUED QUEUED "*3\r\n" BULK(3, "3-1") BULK(3, "3-2") ":1\r\n" IS_ME, NULL, 0, false, false},
		// there already: proven by the stream's last id
		{OK QUEUED QUEUED QUEUED "*3\r\n" DUPLICATE BULK(3, "3-2") ":1\r\n" IS_ME
		 "*2\r\n" BULK(17, "last-generated-id") BULK(3, "3-2"), NULL, 1, false, false},
		{OK QUEUED QUEUED QUEUED "*3\r\n" DUPLICATE DUPLICATE ":1\r\n" IS_ME
		 "*2\r\n" BULK(17, "last-generated-id") BULK(3, "3-2"), NULL, 2, false, false},
		// or in the way of a stranger's, which may look like ours
		{OK QUEUED QUEUED QUEUED "*3\r\n" DUPLICATE DUPLICATE ":1\r\n" IS_ME
		 "*2\r\n" BULK(17, "last-generated-id") BULK(3, "3-3"), "foreign_ids", 0, false, false},
		{OK QUEUED QUEUED QUEUED "*3\r\n" DUPLICATE DUPLICATE ":1\r\n" IS_ME
		 "*2\r\n" BULK(17, "last-generated-id") BULK(15, "1795260605000-0"), "foreign_ids", 0, false, false},
		// one was not queued: nothing was executed, its cause is the cause
		{OK QUEUED "-OOM command not allowed\r\n" QUEUED "-EXECABORT Transaction discarded\r\n" IS_ME, "oom", 0, true, false},
		{OK "-MISCONF disk\r\n" "-MISCONF disk\r\n" QUEUED "-EXECABORT x\r\n" IS_ME, "misconf", 0, true, false},
		{OK "-READONLY x\r\n" "-READONLY x\r\n" "-READONLY x\r\n" "-EXECABORT x\r\n" IS_ME, "readonly", 0, false, false},
		{OK "-MOVED 1 x:1\r\n" "-MOVED 1 x:1\r\n" QUEUED "-EXECABORT x\r\n" IS_ME, "moved", 0, false, false},
		{"-NOAUTH x\r\n" "-NOAUTH x\r\n" "-NOAUTH x\r\n" "-NOAUTH x\r\n" "-NOAUTH x\r\n" "-NOAUTH x\r\n" "-NOAUTH x\r\n",
		 "auth", 0, false, true},
		{OK QUEUED QUEUED QUEUED "-EXECABORT x\r\n" IS_ME, "aborted", 0, false, false},
		// refused as a whole: someone wrote the marks
		{OK QUEUED QUEUED QUEUED "*-1\r\n" IS_ME, "changed", 0, false, false},
		{OK QUEUED QUEUED QUEUED "*-1\r\n" OK "*1\r\n" BULK(32, OTHER), "other_writer", 0, false, true},
		{OK QUEUED QUEUED QUEUED "*-1\r\n" OK "*1\r\n" NIL, "lost", 0, false, true},
		// delivered, but the next would not be
		{OK QUEUED QUEUED QUEUED "*3\r\n" BULK(3, "3-1") BULK(3, "3-2") ":1\r\n" OK "*1\r\n" BULK(32, OTHER), NULL, 0, false, true},
		// executed in part
		{OK QUEUED QUEUED QUEUED "*3\r\n" "-WRONGTYPE x\r\n" "-WRONGTYPE x\r\n" ":1\r\n" IS_ME, "wrongtype", 0, false, false},
		{OK QUEUED QUEUED QUEUED "*3\r\n" BULK(3, "3-1") "-OOM inside\r\n" ":1\r\n" IS_ME, "oom", 0, false, false},
		{OK QUEUED QUEUED QUEUED "*3\r\n" NIL NIL ":0\r\n" IS_ME, "lost", 0, false, false}, // the stream is gone
		// no Redis
		{OK QUEUED QUEUED QUEUED "*2\r\n" BULK(3, "3-1") BULK(3, "3-2") IS_ME, "protocol", 0, false, false},
		{OK QUEUED QUEUED QUEUED ":3\r\n" IS_ME, "protocol", 0, false, false},
		{OK OK, "protocol", 0, false, false},
		{QUEUED, "protocol", 0, false, false},
		{OK QUEUED QUEUED QUEUED, "timeout", 0, false, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remote_fault fault = {.cause = ""};
		unsigned duplicates = 99;

		connected(CONFIG_REDIS_STREAMS);
		sink->there[SINK_FLOWS] = true;
		add(SINK_FLOWS, 3, 1, "{}");
		add(SINK_FLOWS, 3, 2, "{}");
		send_batch();
		answer(cases[i].replies);
		assert_int_equal(redis_receive(sink, &duplicates, &fault), cases[i].cause == NULL ? 0 : -EIO);
		assert_string_equal(fault.cause, cases[i].cause == NULL ? "" : cases[i].cause);
		assert_int_equal(fault.cause[0] != '\0', fault.err.text[0] != '\0');
		assert_int_equal(fault.keep, cases[i].keep);
		assert_int_equal(sink->changed, cases[i].changed);
		if (cases[i].cause == NULL)
			assert_int_equal(duplicates, cases[i].duplicates);
		if (cases[i].cause == NULL || strcmp(cases[i].cause, "protocol") != 0)
			all_read();
		if (sink->changed && cases[i].cause == NULL)
			assert_int_equal(redis_send(sink, batch, &fault), -EIO);
	}
}

// The marks of lists go up with the transaction whose pushes failed: they are put back.
static void lists_that_are_none(void **state)
{
	struct remote_fault fault = {.cause = ""};
	unsigned duplicates;

	(void)state;
	connected(CONFIG_REDIS_LISTS);
	sink->told[SINK_FLOWS] = (struct spool_id){3, 6};
	add(SINK_FLOWS, 3, 7, "{}");
	add(SINK_ALERTS, 3, 1, "{}");
	send_batch();
	answer(OK QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
	       "*8\r\n-WRONGTYPE x\r\n:1\r\n-WRONGTYPE x\r\n:1\r\n+OK\r\n:1\r\n:0\r\n:1\r\n" IS_ME "*3\r\n" BULK(3, "3-7") BULK(3, "3-1") NIL ":0\r\n");
	assert_int_equal(redis_receive(sink, &duplicates, &fault), -EIO);
	assert_string_equal(fault.cause, "wrongtype");
	assert_string_equal(sent, "HSET sw:{lab}:delivered flows 3-6\n");
	all_read();
}

static void marks_that_someone_else_wrote(void **state)
{
	struct remote_fault fault = {.cause = ""};
	unsigned duplicates;

	(void)state;
	connected(CONFIG_REDIS_CHANNEL);
	add(SINK_FLOWS, 3, 7, "{}");
	send_batch();
	answer(OK QUEUED QUEUED QUEUED "*3\r\n:0\r\n:1\r\n:1\r\n" IS_ME "*3\r\n" BULK(3, "3-9") NIL NIL);
	assert_int_equal(redis_receive(sink, &duplicates, &fault), 0);
	assert_true(sink->changed);
	assert_int_equal(redis_idle(sink, &fault), -EIO);
	assert_string_equal(fault.cause, "changed");
}

static void idle_finds_what_is_gone(void **state)
{
	struct remote_fault fault = {.cause = ""};

	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->there[SINK_FLOWS] = sink->there[SINK_EVENTS] = true;
	answer(OK QUEUED QUEUED "*2\r\n:2\r\n+OK\r\n" IS_ME);
	assert_int_equal(redis_idle(sink, &fault), 0);
	assert_string_equal(sent, "MULTI\nEXISTS sw:{lab}:flows sw:{lab}:events\nSET sw:{lab}:alive " ME " PX 5000\nEXEC\n"
				  "WATCH sw:{lab}:writer\nHMGET sw:{lab}:writer instance\n");
	answer(OK QUEUED QUEUED "*2\r\n:1\r\n+OK\r\n" IS_ME);
	assert_int_equal(redis_idle(sink, &fault), -EIO);
	assert_string_equal(fault.cause, "lost");
}

// ---- connecting ----

static const struct remote_identity identity = {.sensor = "lab", .oldest_boot = 4, .acked = {{3, 10}, {3, 2}, {3, 5}, {3, 1}},
						.instance = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static const char *stream_reply(unsigned long long boot)
{
	static char text[3][160];
	static unsigned turn;
	char *at = text[turn++ % 3], id[32];

	snprintf(id, sizeof(id), "%llu-5", boot);
	snprintf(at, sizeof(text[0]), "*4\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$%zu\r\n%s\r\n", strlen(id), id);
	return boot == 0 ? "-ERR no such key\r\n" : at;
}

static const char signed_[] = OK QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
	"*8\r\n:0\r\n+OK\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n" IS_ME;

static int connect_with(const char *writer, const char *alive, unsigned long long boot, const char *tail, struct remote_where *where,
			struct remote_fault *fault)
{
	char replies[4096];

	connected(CONFIG_REDIS_STREAMS);
	sink->link = NULL;
	sink->has_book = false;
	snprintf(replies, sizeof(replies), OK "%s%s%s%s%s-ERR Invalid command specified\r\n%s", writer, alive, stream_reply(boot),
		 stream_reply(0), stream_reply(boot), tail);
	answer(replies);
	return redis_connect(sink, &identity, where, fault);
}

static void connection_signs(void **state)
{
	struct remote_fault fault = {.cause = ""};
	struct remote_where where;

	(void)state;
	assert_int_equal(connect_with("*5\r\n" NIL NIL NIL NIL NIL, NIL, 3, signed_, &where, &fault), 0);
	all_read();
	assert_string_equal(sent, "WATCH sw:{lab}:writer\n"
				  "HMGET sw:{lab}:writer instance base since boot from\n"
				  "GET sw:{lab}:alive\n"
				  "XINFO STREAM sw:{lab}:flows\nXINFO STREAM sw:{lab}:alerts\nXINFO STREAM sw:{lab}:events\n"
				  "COMMAND GETKEYS TS.ADD k 1 1\n"
				  "MULTI\n"
				  "HSET sw:{lab}:writer instance " ME " base 0 since 0 boot 3 from 0-0 0-0 0-0 0-0\n"
				  "SET sw:{lab}:alive " ME " PX 5000\n"
				  "EXPIRE sw:{lab}:flows 2592000\nEXPIRE sw:{lab}:alerts 2592000\nEXPIRE sw:{lab}:events 2592000\n"
				  "EXPIRE sw:{lab}:writer 2592000\nEXPIRE sw:{lab}:delivered 2592000\nEXPIRE sw:{lab}:stats 2592000\n"
				  "EXEC\nWATCH sw:{lab}:writer\nHMGET sw:{lab}:writer instance\n");
	assert_true(where.known[0] && where.known[1] && where.known[2] && !where.known[3]);
	assert_true(where.last[0].boot == 3 && where.last[0].seq == 5 && where.last[1].boot == 0);
	assert_true(sink->there[0] && !sink->there[1] && sink->there[2] && !sink->series);
	answer("");
	redis_disconnect(sink);
	assert_string_equal(sent, "DEL sw:{lab}:alive\n");
	assert_true(closed);
}

static void connections_that_are_refused(void **state)
{
	static const char none[] = "*5\r\n" NIL NIL NIL NIL NIL;
	static const char other[] = "*5\r\n" BULK(32, OTHER) BULK(1, "0") BULK(1, "0") BULK(1, "9") BULK(15, "0-0 0-0 0-0 0-0");
	struct remote_fault fault = {.cause = ""};
	struct remote_where where;

	(void)state;
	assert_int_equal(connect_with(other, BULK(32, OTHER), 9, "", &where, &fault), -EIO);
	assert_string_equal(fault.cause, "other_writer");
	assert_true(fault.patient);
	assert_non_null(strstr(fault.err.text, "sensor.name"));
	assert_int_equal(connect_with(other, NIL, 9, signed_, &where, &fault), 0); // it has gone
	assert_int_equal(sink->book.base, 6);
	assert_int_equal(connect_with(none, NIL, UINT64_MAX, "", &where, &fault), -EIO);
	assert_string_equal(fault.cause, "foreign_ids");
	assert_int_equal(connect_with("-WRONGTYPE x\r\n", "", 0, "", &where, &fault), -EIO);
	assert_string_equal(fault.cause, "wrongtype");
	assert_int_equal(connect_with("-NOAUTH x\r\n", "", 0, "", &where, &fault), -EIO);
	assert_string_equal(fault.cause, "auth");
	assert_int_equal(connect_with(none, NIL, 3, OK "-OOM x\r\n-OOM x\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED "-EXECABORT x\r\n" IS_ME,
				      &where, &fault), -EIO);
	assert_string_equal(fault.cause, "oom");
	answer("");
	redis_disconnect(sink);
	assert_string_equal(sent, ""); // never signed: the sign of life is not ours to take away
}

// ---- a node that is being given the slot ----

#define MOVED "-MOVED 1 there:1\r\n"

// Where a stream is not there it is made empty, so that transactions can name it; what may be missing goes alone.
static void connection_asks(void **state)
{
	static const char none[] = OK "*5\r\n" NIL NIL NIL NIL NIL, missing[] = OK "-ERR no such key\r\n";
	struct remote_fault fault = {.cause = ""};
	struct remote_where where;
	char replies[4096];

	(void)state;
	connected(CONFIG_REDIS_STREAMS);
	sink->link = NULL;
	snprintf(replies, sizeof(replies), OK OK "%s" OK NIL OK "%s%s" OK "%s" OK "-ERR Invalid\r\n" OK OK QUEUED QUEUED "*2\r\n:1\r\n:1\r\n"
		 OK OK OK "*1\r\n" BULK(32, ME) OK BULK(3, "0-1") OK BULK(3, "0-1") OK OK OK ":1\r\n" OK ":1\r\n" OK ":1\r\n" OK ":0\r\n"
		 MOVED, none, stream_reply(3), missing, stream_reply(0));
	answer(replies);
	asking = true;
	assert_int_equal(redis_connect(sink, &identity, &where, &fault), 0);
	asking = false;
	all_read();
	assert_string_equal(sent, "ASKING\nWATCH sw:{lab}:writer\n"
				  "ASKING\nHMGET sw:{lab}:writer instance base since boot from\n"
				  "ASKING\nGET sw:{lab}:alive\n"
				  "ASKING\nXINFO STREAM sw:{lab}:flows\nASKING\nXINFO STREAM sw:{lab}:alerts\n"
				  "ASKING\nXINFO STREAM sw:{lab}:events\n"
				  "ASKING\nCOMMAND GETKEYS TS.ADD k 1 1\n"
				  "ASKING\nMULTI\n"
				  "HSET sw:{lab}:writer instance " ME " base 0 since 0 boot 3 from 0-0 0-0 0-0 0-0\n"
				  "EXPIRE sw:{lab}:writer 2592000\nEXEC\nASKING\nWATCH sw:{lab}:writer\nASKING\nHMGET sw:{lab}:writer instance\n"
				  "ASKING\nXADD sw:{lab}:alerts MAXLEN 0 0-1 eve \nASKING\nXADD sw:{lab}:events MAXLEN 0 0-1 eve \n"
				  "ASKING\nSET sw:{lab}:alive " ME " PX 5000\n"
				  "ASKING\nEXPIRE sw:{lab}:flows 2592000\nASKING\nEXPIRE sw:{lab}:alerts 2592000\n"
				  "ASKING\nEXPIRE sw:{lab}:events 2592000\nASKING\nEXPIRE sw:{lab}:stats 2592000\n"
				  "EXISTS sw:{lab}:writer\n");
	assert_true(sink->asking && sink->there[0] && sink->there[1] && sink->there[2]);
	assert_true(where.last[0].boot == 3 && where.last[1].boot == 0 && where.last[2].boot == 0);
}

static void asking_batch(const char *replies)
{
	connected(CONFIG_REDIS_STREAMS);
	sink->asking = sink->there[0] = sink->there[1] = sink->there[2] = true;
	add(SINK_AGGREGATES, 3, 1, "{\"stats\":{\"pps\":1}}");
	add(SINK_FLOWS, 3, 1, "{}");
	send_batch();
	assert_string_equal(sent, "ASKING\nMULTI\nXADD sw:{lab}:flows NOMKSTREAM MAXLEN ~ 1000000 3-1 eve {}\nEXPIRE sw:{lab}:flows 2592000\n"
				  "EXPIRE sw:{lab}:writer 2592000\nEXEC\nASKING\nWATCH sw:{lab}:writer\nASKING\nHMGET sw:{lab}:writer instance\n");
	answer(replies);
}

#define EXECUTED OK OK QUEUED QUEUED QUEUED "*3\r\n" BULK(3, "3-1") ":1\r\n:1\r\n"
#define ASKED_ME OK OK OK "*1\r\n" BULK(32, ME)

// Sums follow once the entries are there, and only then; the node that no longer says MOVED is asked for nothing any more.
static void batches_that_ask(void **state)
{
	static const struct {
		const char *replies, *cause;
		bool sums, asking;
	} cases[] = {
		{EXECUTED ASKED_ME OK ":1\r\n" OK ":1\r\n" OK ":1\r\n" OK ":0\r\n" MOVED, NULL, true, true},
		{EXECUTED ASKED_ME OK ":1\r\n" OK ":1\r\n" OK ":1\r\n" OK ":0\r\n" ":1\r\n", NULL, true, false},
		{EXECUTED ASKED_ME OK ":1\r\n" OK "-WRONGTYPE x\r\n", "wrongtype", true, true},
		{EXECUTED ASKED_ME OK MOVED, "moved", true, true},
		{OK OK QUEUED QUEUED QUEUED "-TRYAGAIN x\r\n" ASKED_ME, "migrating", false, true},
		{OK OK QUEUED QUEUED QUEUED "*-1\r\n" ASKED_ME, "changed", false, true},
		{OK OK MOVED MOVED MOVED "-EXECABORT x\r\n" OK MOVED OK MOVED, "moved", false, true},
		{"-NOPERM x\r\n", "auth", false, true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remote_fault fault = {.cause = ""};
		unsigned duplicates;

		asking_batch(cases[i].replies);
		assert_int_equal(redis_receive(sink, &duplicates, &fault), cases[i].cause == NULL ? 0 : -EIO);
		all_read();
		assert_string_equal(fault.cause, cases[i].cause == NULL ? "" : cases[i].cause);
		assert_string_equal(sent, !cases[i].sums ? "" : "ASKING\nDEL sw:{lab}:stats\n"
				    "ASKING\nHSET sw:{lab}:stats pps 1\nASKING\nEXPIRE sw:{lab}:stats 2592000\n"
				    "ASKING\nPUBLISH sw:{lab}:live {\"stats\":{\"pps\":1}}\nEXISTS sw:{lab}:writer\n");
		assert_int_equal(sink->asking, cases[i].asking);
	}
}

// ---- whose ids ----

struct where_case {
	const char *name;
	enum redis_writer writer;
	struct redis_book book;
	bool memory; // book is what the process remembers
	uint64_t oldest, acked, redis[2]; // boots; 0: none. Sequences are 5, those acknowledged 8
	bool anew;
	uint64_t base, last[2], seq[2];
	struct spool_id given; // boot 0: not known
};

static const struct where_case where_cases[] = {
	// name                           writer              book (base since boot)  memory oldest acked redis     anew  base  last    seq
	{"first of all",                  REDIS_WRITER_NONE,  {0, 0, 0, {{0}}},       false, 1,     0,    {0, 0},   false, 0,    {0, 0}, {0, 0}, {0, 0}},
	{"goes on",                       REDIS_WRITER_WE,    {0, 0, 3, {{0}}},       false, 3,     3,    {3, 2},   false, 0,    {3, 2}, {5, 5}, {0, 0}},
	{"restart before a first answer", REDIS_WRITER_WE,    {0, 0, 3, {{0}}},       false, 3,     0,    {3, 0},   false, 0,    {3, 0}, {5, 0}, {0, 0}},
	{"flushed",                       REDIS_WRITER_NONE,  {0, 0, 3, {{0}}},       false, 3,     3,    {0, 0},   false, 0,    {0, 0}, {0, 0}, {0, 0}},
	{"flushed, base remembered",      REDIS_WRITER_NONE,  {7, 1, 3, {{0}}},       true,  3,     3,    {0, 0},   false, 7,    {0, 0}, {0, 0}, {0, 0}},
	{"one stream deleted",            REDIS_WRITER_WE,    {7, 1, 3, {{0}}},       false, 3,     3,    {10, 0},  false, 7,    {3, 0}, {5, 0}, {0, 0}},
	{"an older copy of Redis",        REDIS_WRITER_WE,    {7, 1, 2, {{0}}},       false, 3,     3,    {9, 8},   false, 7,    {2, 1}, {5, 5}, {0, 0}},
	{"hash gone",                     REDIS_WRITER_NONE,  {0, 0, 0, {{0}}},       false, 4,     3,    {3, 2},   false, 0,    {3, 2}, {5, 5}, {0, 0}},
	{"hash gone, base remembered",    REDIS_WRITER_NONE,  {7, 1, 4, {{0}}},       true,  4,     3,    {11, 10}, false, 7,    {4, 3}, {5, 5}, {0, 0}},
	{"hash gone, base forgotten",     REDIS_WRITER_NONE,  {0, 0, 0, {{0}}},       false, 4,     3,    {10, 10}, true,  7,    {3, 3}, {8, 8}, {0, 0}},
	{"another folder before",         REDIS_WRITER_OTHER, {0, 0, 0, {{0}}},       false, 1,     0,    {9, 2},   true,  9,    {0, 0}, {0, 0}, {0, 0}},
	{"another folder, we far ahead",  REDIS_WRITER_OTHER, {0, 0, 0, {{0}}},       false, 50,    49,   {9, 2},   true,  0,    {49, 49}, {8, 8}, {0, 0}},
	{"another folder, same boot",     REDIS_WRITER_OTHER, {0, 0, 0, {{0}}},       false, 9,     9,    {9, 2},   true,  1,    {9, 9}, {8, 8}, {0, 0}},
	{"another folder, nothing there", REDIS_WRITER_OTHER, {0, 0, 0, {{0}}},       false, 3,     2,    {0, 0},   true,  0,    {0, 0}, {0, 0}, {0, 0}},
	{"a stranger in one stream",      REDIS_WRITER_WE,    {0, 0, 4, {{0}}},       false, 4,     3,    {900, 4}, true,  897,  {3, 4}, {8, 5}, {0, 0}},
	{"before the base: as then",      REDIS_WRITER_WE,    {6, 4, 5, {{2, 9}, {3, 9}}}, false, 5, 4,   {11, 3},  false, 6,    {5, 3}, {5, 9}, {0, 0}},
	{"as many as were given",         REDIS_WRITER_WE,    {2, 1, 3, {{0}}},       false, 3,     3,    {5, 4},   false, 2,    {3, 2}, {5, 5}, {3, 5}},
	{"a stranger with ids like ours", REDIS_WRITER_WE,    {2, 1, 3, {{0}}},       false, 3,     3,    {5, 0},   true,  3,    {3, 0}, {8, 0}, {3, 4}},
	{"a boot that is not yet",        REDIS_WRITER_WE,    {0, 1, 4, {{0}}},       false, 3,     3,    {4, 3},   true,  2,    {3, 3}, {8, 5}, {3, 9}},
};

static void whose_ids(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(where_cases) / sizeof(where_cases[0]); i++) {
		const struct where_case *c = &where_cases[i];
		struct remote_identity id = {.oldest_boot = c->oldest};
		struct redis_found found = {.writer = c->writer, .book = c->book};
		struct redis_book book;
		struct remote_where where;

		for (unsigned s = 0; s < SPOOL_STREAMS; s++)
			id.acked[s] = (struct spool_id){.boot = c->acked, .seq = c->acked != 0 ? 8 : 0};
		for (unsigned s = 0; s < SPOOL_STREAMS; s++)
			id.given[s] = c->given;
		for (unsigned s = 0; s < 2; s++)
			found.last[s] = (struct spool_id){.boot = c->redis[s], .seq = c->redis[s] != 0 ? 5 : 0};
		print_message("%s\n", c->name);
		assert_int_equal(redis_where(&found, c->memory ? &c->book : NULL, &id, &book, &where), 0);
		assert_int_equal(book.base, c->base);
		assert_int_equal(book.since == c->oldest && book.boot == c->oldest, c->anew);
		for (unsigned s = 0; s < 2; s++) {
			assert_true(where.known[s]);
			assert_int_equal(where.last[s].boot, c->last[s]);
			assert_int_equal(where.last[s].seq, c->seq[s]);
			// Nothing of what waits sorts before what is there.
			assert_true(c->oldest + book.base >= found.last[s].boot);
		}
		assert_false(where.known[SINK_AGGREGATES]);
	}
}

static void ids_without_room(void **state)
{
	const struct redis_found found = {.last = {{UINT64_MAX / 2, 0}}};
	struct remote_identity id = {.oldest_boot = 1};
	struct redis_book book;
	struct remote_where where;

	(void)state;
	assert_int_equal(redis_where(&found, NULL, &id, &book, &where), -ERANGE);
}

static void texts(void **state)
{
	static const char *const bad[] = {"", "-", "1", "1-", "-1", "1-2-3", "1 -2", "a-1", "1-a", "18446744073709551616-1", "1-18446744073709551616",
					  "+1-1", "1--1"};
	const struct redis_book book = {.base = 1795260605000, .since = 4, .boot = 9, .from = {{1, 2}, {0, 0}, {3, UINT64_MAX}, {4, 5}}};
	char text[REDIS_BOOK_FIELDS - 1][REDIS_BOOK_TEXT_MAX], id[REDIS_ID_MAX];
	const char *fields[REDIS_BOOK_FIELDS - 1];
	size_t lengths[REDIS_BOOK_FIELDS - 1];
	struct redis_book back;
	struct spool_id out;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(redis_id_read(bad[i], strlen(bad[i]), &out));
	redis_id_write(id, (struct spool_id){UINT64_MAX, UINT64_MAX});
	assert_string_equal(id, "18446744073709551615-18446744073709551615");
	assert_true(redis_id_read(id, strlen(id), &out) && out.boot == UINT64_MAX && out.seq == UINT64_MAX);
	redis_book_write(&book, text);
	for (unsigned i = 0; i < REDIS_BOOK_FIELDS - 1; i++) {
		fields[i] = text[i];
		lengths[i] = strlen(text[i]);
	}
	assert_true(redis_book_read(fields, lengths, &back));
	assert_memory_equal(&back, &book, sizeof(book));
	for (unsigned cut = 0; cut < lengths[3]; cut++) { // no shorter text is a whole one
		lengths[3] = cut;
		assert_int_equal(redis_book_read(fields, lengths, &back), false);
	}
	fields[3] = NULL;
	assert_false(redis_book_read(fields, lengths, &back));
}

static void sensor_names(void **state)
{
	static const char *const bad[] = {"", "a{b", "}", "{x}"};
	struct redis_sink *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {""};

		strcpy(config.sensor.name, bad[i]);
		assert_int_equal(redis_sink_init(s, &config, &err), -EINVAL);
		assert_non_null(strstr(err.text, "sensor.name"));
	}
	strcpy(config.sensor.name, "lab");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_of_a_stream_batch),
		cmocka_unit_test(bytes_that_are_no_text_stay_as_they_are),
		cmocka_unit_test(base_and_boot),
		cmocka_unit_test(what_is_due_by_time),
		cmocka_unit_test(commands_of_lists_and_of_the_channel),
		cmocka_unit_test(commands_of_an_aggregate),
		cmocka_unit_test(series_that_are_refused),
		cmocka_unit_test(aggregates_that_are_broken),
		cmocka_unit_test(minutes_make_way),
		cmocka_unit_test(aggregates_are_bounded),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(lists_that_are_none),
		cmocka_unit_test(marks_that_someone_else_wrote),
		cmocka_unit_test(idle_finds_what_is_gone),
		cmocka_unit_test(connection_signs),
		cmocka_unit_test(connections_that_are_refused),
		cmocka_unit_test(connection_asks),
		cmocka_unit_test(batches_that_ask),
		cmocka_unit_test(whose_ids),
		cmocka_unit_test(ids_without_room),
		cmocka_unit_test(texts),
		cmocka_unit_test(sensor_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
