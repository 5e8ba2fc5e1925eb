// A connection of the Redis sink: what is there is asked, our mark is set, then one batch after the other.
//
// What is there: the last id of each stream, which XINFO STREAM tells also where entries were trimmed or deleted (it repeats the
// first and last entry, so its answer is the largest of all); or the marks of lists and the channel. Who wrote it: sink_redis_where.c.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink_redis.h"
#include "sink/sink_redis_commit.h"

static int memory_fail(struct remote_fault *fault)
{
	return remote_fail(fault, "memory", false, "no memory for the commands to Redis; they are tried again");
}

// ---- what is there ----

int redis_ask_last(struct redis_sink *sink, unsigned s)
{
	return redis_ask(sink, 3, (const char *[]){"XINFO", "STREAM", sink->key[s]});
}

static int wrongtype_fail(struct redis_sink *sink, unsigned s, struct remote_fault *fault)
{
	return remote_fail(fault, "wrongtype", true, "%s in %s is of another type than redis.mode wants; rename or delete it",
			   sink->key[s], redis_link_peer(sink->link));
}

// Name, value, name, value, ...
static bool last_find(const redisReply *reply, struct spool_id *last)
{
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
		const redisReply *name = reply->element[i], *value = reply->element[i + 1];

		if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "last-generated-id") == 0)
			return value->type == REDIS_REPLY_STRING && redis_id_read(value->str, (size_t)value->len, last);
	}
	return false;
}

int redis_last_read(struct redis_sink *sink, unsigned s, bool *there, struct spool_id *last, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc = redis_answer(sink, &reply, fault);

	*last = (struct spool_id){0};
	*there = false;
	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no such key") != NULL)
		rc = 0;
	else if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", strlen("WRONGTYPE")) == 0)
		rc = wrongtype_fail(sink, s, fault);
	else if ((rc = redis_reply_fault(reply, fault)) == 0 && !(*there = last_find(reply, last)))
		rc = redis_protocol_fail(sink, "XINFO STREAM", fault);
	freeReplyObject(reply);
	return rc;
}

static int list_read(struct redis_sink *sink, unsigned s, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc = redis_answer(sink, &reply, fault);

	if (rc < 0)
		return rc;
	rc = redis_reply_fault(reply, fault);
	if (rc == 0 && reply->type != REDIS_REPLY_STATUS)
		rc = redis_protocol_fail(sink, "TYPE", fault);
	else if (rc == 0 && strcmp(reply->str, "none") != 0 && strcmp(reply->str, "list") != 0)
		rc = wrongtype_fail(sink, s, fault);
	freeReplyObject(reply);
	return rc;
}

static int questions_put(struct redis_sink *sink)
{
	const char *fields[2 + REDIS_BOOK_FIELDS] = {"HMGET", sink->key[REDIS_KEY_WRITER]};
	int rc = redis_ask_watch(sink);

	memcpy(fields + 2, redis_book_fields, sizeof(redis_book_fields));
	if (rc == 0)
		rc = redis_ask(sink, 2 + REDIS_BOOK_FIELDS, fields);
	if (rc == 0)
		rc = redis_ask(sink, 2, (const char *[]){"GET", sink->key[REDIS_KEY_ALIVE]});
	for (unsigned s = 0; s < REDIS_KEPT && rc == 0; s++) {
		if (sink->mode == CONFIG_REDIS_STREAMS)
			rc = redis_ask_last(sink, s);
		else if (sink->mode == CONFIG_REDIS_LISTS)
			rc = redis_ask(sink, 2, (const char *[]){"TYPE", sink->key[s]});
	}
	if (rc == 0)
		rc = redis_ask_marks(sink);
	// The keys of a command that the server does not know: an error, and a shorter answer than COMMAND INFO's.
	return rc == 0 ? redis_ask(sink, 6, (const char *[]){"COMMAND", "GETKEYS", "TS.ADD", "k", "1", "1"}) : rc;
}

static int plain_read(struct redis_sink *sink, redisReply **reply, struct remote_fault *fault)
{
	int rc = redis_answer(sink, reply, fault);

	if (rc == 0 && (rc = redis_reply_fault(*reply, fault)) < 0) {
		freeReplyObject(*reply);
		*reply = NULL;
	}
	return rc;
}

static int writer_read(struct redis_sink *sink, struct redis_found *found, struct remote_fault *fault)
{
	const char *text[REDIS_BOOK_FIELDS] = {NULL};
	size_t lengths[REDIS_BOOK_FIELDS] = {0};
	redisReply *reply = NULL;
	int rc = plain_read(sink, &reply, fault);

	if (rc < 0)
		return rc;
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && reply->elements == REDIS_BOOK_FIELDS && i < REDIS_BOOK_FIELDS; i++) {
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			continue;
		text[i] = reply->element[i]->str;
		lengths[i] = (size_t)reply->element[i]->len;
	}
	found->writer = text[0] == NULL ? REDIS_WRITER_NONE : REDIS_WRITER_OTHER;
	if (text[0] != NULL && strcmp(text[0], sink->instance) == 0)
		found->writer = redis_book_read(text + 1, lengths + 1, &found->book) ? REDIS_WRITER_WE : REDIS_WRITER_NONE;
	freeReplyObject(reply);
	return 0;
}

static int alive_read(struct redis_sink *sink, struct redis_found *found, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc = plain_read(sink, &reply, fault);

	if (rc < 0)
		return rc;
	found->other_alive = reply->type == REDIS_REPLY_STRING && strcmp(reply->str, sink->instance) != 0;
	freeReplyObject(reply);
	return 0;
}

static int marks_read(struct redis_sink *sink, struct redis_found *found, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc = plain_read(sink, &reply, fault);

	if (rc < 0)
		return rc;
	if (!redis_marks_read(reply, found->last))
		rc = remote_fail(fault, "foreign_ids", true, "%s holds something else than our ids; delete it",
				 sink->key[REDIS_KEY_DELIVERED]);
	memcpy(sink->told, found->last, sizeof(sink->told));
	freeReplyObject(reply);
	return rc;
}

static int streams_read(struct redis_sink *sink, struct redis_found *found, struct remote_fault *fault)
{
	int rc = 0;

	for (unsigned s = 0; s < REDIS_KEPT && rc == 0; s++) {
		if (sink->mode == CONFIG_REDIS_STREAMS)
			rc = redis_last_read(sink, s, &sink->there[s], &found->last[s], fault);
		else if (sink->mode == CONFIG_REDIS_LISTS)
			rc = list_read(sink, s, fault);
	}
	return rc == 0 && sink->mode != CONFIG_REDIS_STREAMS ? marks_read(sink, found, fault) : rc;
}

static int series_read(struct redis_sink *sink, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc = redis_answer(sink, &reply, fault);

	if (rc < 0)
		return rc;
	sink->series = reply->type == REDIS_REPLY_ARRAY && !sink->series_refused;
	freeReplyObject(reply);
	return 0;
}

static int found_read(struct redis_sink *sink, struct redis_found *found, struct remote_fault *fault)
{
	redisReply *watch = NULL;
	int rc;

	if (questions_put(sink) < 0)
		return memory_fail(fault);
	rc = redis_link_flush(sink->link, fault);
	if (rc == 0)
		rc = plain_read(sink, &watch, fault);
	if (watch != NULL)
		freeReplyObject(watch);
	if (rc == 0)
		rc = writer_read(sink, found, fault);
	if (rc == 0)
		rc = alive_read(sink, found, fault);
	if (rc == 0)
		rc = streams_read(sink, found, fault);
	return rc == 0 ? series_read(sink, fault) : rc;
}

// ---- our mark ----

static int book_put(struct redis_sink *sink)
{
	char text[REDIS_BOOK_FIELDS - 1][REDIS_BOOK_TEXT_MAX];
	const char *argv[2 + 2 * REDIS_BOOK_FIELDS] = {"HSET", sink->key[REDIS_KEY_WRITER], redis_book_fields[0], sink->instance};
	int n = 4;

	redis_book_write(&sink->book, text);
	for (unsigned i = 1; i < REDIS_BOOK_FIELDS; i++) {
		argv[n++] = redis_book_fields[i];
		argv[n++] = text[i - 1];
	}
	return redis_put(sink, REDIS_KEEP, SINK_AGGREGATES, n, argv, NULL);
}

// Waits for what was begun, too.
static int outcome(struct redis_sink *sink, unsigned *duplicates, struct remote_fault *fault)
{
	int rc = redis_outcome(sink, duplicates, fault);

	if (rc == 0 && sink->asking)
		rc = redis_apart(sink, fault);
	if (rc < 0 && !fault->keep)
		sink->sound = false;
	return rc;
}

static int changed_fail(struct redis_sink *sink, struct remote_fault *fault)
{
	*fault = sink->change;
	sink->sound = false;
	return -EIO;
}

static int sign(struct redis_sink *sink, struct remote_fault *fault)
{
	unsigned duplicates;
	int rc = redis_begin(sink);

	if (rc == 0)
		rc = book_put(sink);
	rc = redis_end(sink, rc, fault);
	if (rc == 0)
		rc = outcome(sink, &duplicates, fault);
	return rc == 0 && sink->changed ? changed_fail(sink, fault) : rc;
}

static void instance_write(struct redis_sink *sink, const uint8_t *instance)
{
	for (unsigned i = 0; i < SPOOL_INSTANCE_BYTES; i++)
		snprintf(sink->instance + (size_t)2 * i, 3, "%02x", instance[i]);
}

int redis_connect(void *state, const struct remote_identity *identity, struct remote_where *where, struct remote_fault *fault)
{
	struct redis_sink *sink = state;
	struct redis_found found = {.writer = REDIS_WRITER_NONE};
	struct redis_book book;
	int rc;

	redis_disconnect(sink);
	instance_write(sink, identity->instance);
	sink->settings.patience = identity->patience;
	sink->settings.own = identity->own;
	rc = redis_link_open(&sink->settings, sink->key[REDIS_KEY_WRITER], &sink->link, fault);
	if (rc < 0)
		return rc;
	sink->asking = redis_link_asking(sink->link);
	rc = found_read(sink, &found, fault);
	if (rc < 0)
		return rc;
	if (found.other_alive && found.writer != REDIS_WRITER_WE)
		return redis_other_writer_fail(sink, fault);
	if (redis_where(&found, sink->has_book ? &sink->book : NULL, identity, &book, where) < 0)
		return remote_fail(fault, "foreign_ids", true, "the ids in the streams sw:{%s}:... leave no room for ours; delete them",
				   sink->sensor);
	sink->book = book;
	sink->has_book = true;
	rc = sign(sink, fault);
	sink->sound = rc == 0;
	return rc;
}

// ---- batches ----

// The largest boot that is written stands in the hash before anyone can take ids beyond it for a stranger's.
static int boot_put(struct redis_sink *sink)
{
	char boot[24];
	int rc;

	if (sink->boot <= sink->book.boot)
		return 0;
	snprintf(boot, sizeof(boot), "%llu", (unsigned long long)sink->boot);
	rc = redis_put(sink, REDIS_KEEP, SINK_AGGREGATES, 4,
		       (const char *[]){"HSET", sink->key[REDIS_KEY_WRITER], redis_book_fields[3], boot}, NULL);
	return rc == 0 ? redis_put_expire(sink, sink->key[REDIS_KEY_WRITER], sink->ttl_s) : rc;
}

int redis_send(void *state, const struct spool_batch *batch, struct remote_fault *fault)
{
	struct redis_sink *sink = state;
	int rc;

	if (sink->changed)
		return changed_fail(sink, fault);
	rc = redis_begin(sink);
	sink->batch = batch;
	if (rc == 0)
		rc = redis_batch_put(sink, batch);
	if (rc == 0)
		rc = boot_put(sink);
	return redis_end(sink, rc, fault);
}

int redis_receive(void *state, unsigned *duplicates, struct remote_fault *fault)
{
	return outcome(state, duplicates, fault);
}

static int exists_put(struct redis_sink *sink)
{
	const char *argv[1 + REDIS_KEPT] = {"EXISTS"};
	int n = 1;

	for (unsigned s = 0; s < REDIS_KEPT; s++)
		if (sink->there[s])
			argv[n++] = sink->key[s];
	return n > 1 ? redis_put(sink, REDIS_EXISTS, SINK_AGGREGATES, n, argv, NULL) : 0;
}

// A transaction without entries: it renews what has to be, and finds what is wrong before a batch does.
int redis_idle(void *state, struct remote_fault *fault)
{
	struct redis_sink *sink = state;
	unsigned duplicates;
	int rc;

	if (sink->changed)
		return changed_fail(sink, fault);
	rc = redis_begin(sink);
	if (rc == 0 && sink->mode == CONFIG_REDIS_STREAMS)
		rc = exists_put(sink);
	if (rc == 0 && !sink->asking)
		rc = redis_put_alive(sink);
	rc = redis_end(sink, rc, fault);
	if (rc == 0)
		rc = outcome(sink, &duplicates, fault);
	return rc == 0 && sink->changed ? changed_fail(sink, fault) : rc;
}

// Leaves no sign of life behind, if that can be said without waiting, so that another need not wait either.
void redis_disconnect(void *state)
{
	struct redis_sink *sink = state;
	struct remote_fault fault;

	if (sink->link != NULL && sink->sound && !sink->sent &&
	    redis_ask(sink, 2, (const char *[]){"DEL", sink->key[REDIS_KEY_ALIVE]}) == 0)
		redis_link_flush(sink->link, &fault);
	redis_link_close(sink->link);
	sink->link = NULL;
	sink->sent = sink->sound = sink->changed = sink->series = sink->asking = sink->apart = false;
	sink->renewed_ms = sink->expired_ms = 0;
	memset(sink->there, 0, sizeof(sink->there));
	memset(sink->told, 0, sizeof(sink->told));
}
