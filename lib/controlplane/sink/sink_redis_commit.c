// One transaction: MULTI, commands, EXEC, sent in one go, and what its replies mean. Redis checks memory, disk, role and rights when
// a command is queued, and executes none if it refuses one: so a batch is there as a whole or not at all.
//
// Behind EXEC, in the same go, the marks of the writer are watched again and read: if anyone else has changed them since, the next
// transaction is refused as a whole. That is what keeps apart two processes with one sensor name, and, for lists and the channel,
// our own commands on an old connection to a server that was stopped and goes on.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sink/sink_redis.h"
#include "sink/sink_redis_commit.h"

uint64_t redis_now_ms(void)
{
	return clock_monotonic_ns() / 1000000 + 1; // 0 is "not yet"
}

static bool is_text(const redisReply *reply, int type, const char *text)
{
	return reply->type == type && strcmp(reply->str, text) == 0;
}

// ---- commands ----

int redis_say(struct redis_sink *sink, int argc, const char **argv)
{
	size_t lengths[16];

	for (int i = 0; i < argc && i < 16; i++)
		lengths[i] = strlen(argv[i]);
	return redis_link_append(sink->link, argc, argv, lengths);
}

static bool has_marks(const struct redis_sink *sink)
{
	return sink->mode != CONFIG_REDIS_STREAMS;
}

int redis_ask_watch(struct redis_sink *sink)
{
	return redis_ask(sink, has_marks(sink) ? 3 : 2,
			 (const char *[]){"WATCH", sink->key[REDIS_KEY_WRITER], sink->key[REDIS_KEY_DELIVERED]});
}

int redis_ask_marks(struct redis_sink *sink)
{
	if (!has_marks(sink))
		return 0;
	return redis_ask(sink, 2 + REDIS_KEPT,
			 (const char *[]){"HMGET", sink->key[REDIS_KEY_DELIVERED], sink_stream_names[SINK_FLOWS],
					  sink_stream_names[SINK_ALERTS], sink_stream_names[SINK_EVENTS]});
}

int redis_begin(struct redis_sink *sink)
{
	sink->commands = 0;
	sink->sent = true;
	sink->batch = NULL;
	sink->boot = sink->book.boot;
	memset(sink->top, 0, sizeof(sink->top));
	return redis_ask(sink, 1, (const char *[]){"MULTI"});
}

int redis_put_alive(struct redis_sink *sink)
{
	char ms[16];

	snprintf(ms, sizeof(ms), "%d", REDIS_ALIVE_MS);
	sink->renewed_ms = redis_now_ms();
	return redis_put(sink, REDIS_KEEP, 0, 5,
			 (const char *[]){"SET", sink->key[REDIS_KEY_ALIVE], sink->instance, "PX", ms}, NULL);
}

// Apart from a transaction, EXPIRE of a key that is watched would be its end.
static int watched_expires_put(struct redis_sink *sink)
{
	int rc = redis_put_expire(sink, sink->key[REDIS_KEY_WRITER], sink->ttl_s);

	return rc == 0 && has_marks(sink) ? redis_put_expire(sink, sink->key[REDIS_KEY_DELIVERED], sink->ttl_s) : rc;
}

static int expires_put(struct redis_sink *sink)
{
	int rc = 0;

	sink->expired_ms = redis_now_ms();
	for (unsigned k = 0; k < REDIS_KEYS && rc == 0; k++)
		if (k != REDIS_KEY_ALIVE && k != REDIS_KEY_LIVE && !(sink->apart && (k == REDIS_KEY_WRITER || k == REDIS_KEY_DELIVERED)))
			rc = redis_put_expire(sink, sink->key[k], sink->ttl_s);
	return rc;
}

int redis_put_due(struct redis_sink *sink)
{
	uint64_t now = redis_now_ms();
	int rc = 0;

	if (sink->renewed_ms == 0 || now >= sink->renewed_ms + REDIS_RENEW_MS)
		rc = redis_put_alive(sink);
	if (rc == 0 && (sink->expired_ms == 0 || now >= sink->expired_ms + REDIS_EXPIRE_MS))
		rc = expires_put(sink);
	return rc;
}

// What is due by time, and EXEC with what follows it.
static int transaction_end(struct redis_sink *sink)
{
	int rc = sink->asking ? watched_expires_put(sink) : redis_put_due(sink);

	if (rc == 0)
		rc = redis_say(sink, 1, (const char *[]){"EXEC"});
	if (rc == 0)
		rc = redis_ask_watch(sink);
	if (rc == 0)
		rc = redis_ask(sink, 3, (const char *[]){"HMGET", sink->key[REDIS_KEY_WRITER], redis_book_fields[0]});
	return rc == 0 ? redis_ask_marks(sink) : rc;
}

int redis_end(struct redis_sink *sink, int rc, struct remote_fault *fault)
{
	if (rc == 0)
		rc = transaction_end(sink);
	if (rc < 0)
		return remote_fail(fault, "memory", false, "no memory for the commands to Redis; they are tried again");
	return redis_link_flush(sink->link, fault);
}

// ---- replies ----

int redis_protocol_fail(struct redis_sink *sink, const char *what, struct remote_fault *fault)
{
	return remote_fail(fault, "protocol", true, "%s answered %s with something that is no answer to it; check redis.address",
			   redis_link_peer(sink->link), what);
}

static void refusal_take(struct redis_sink *sink, const redisReply *reply, bool series, struct remote_fault *refusal)
{
	if (refusal->cause[0] == '\0') {
		redis_reply_fault(reply, refusal);
		if (series) { // without them, at once
			refusal->patient = false;
			refusal->keep = true;
		}
	}
	if (series) {
		sink->series = false;
		sink->series_refused = true;
	}
}

// Reads the reply of each queued command. The first refusal is the cause of the whole.
static int queued_read(struct redis_sink *sink, struct remote_fault *refusal, struct remote_fault *fault)
{
	for (unsigned i = 0; i <= sink->commands; i++) { // the first is MULTI
		redisReply *reply = NULL;
		int rc = i == 0 ? redis_answer(sink, &reply, fault) : redis_link_reply(sink->link, &reply, fault);

		if (rc < 0)
			return rc;
		if (reply->type == REDIS_REPLY_ERROR) {
			refusal_take(sink, reply, i > 0 && sink->command[i - 1].kind == REDIS_SERIES, refusal);
		} else if (!is_text(reply, REDIS_REPLY_STATUS, i == 0 ? "OK" : "QUEUED")) {
			freeReplyObject(reply);
			return redis_protocol_fail(sink, i == 0 ? "MULTI" : "a command in MULTI", fault);
		}
		freeReplyObject(reply);
	}
	return 0;
}

int redis_other_writer_fail(const struct redis_sink *sink, struct remote_fault *fault)
{
	return remote_fail(fault, "other_writer", true, "another spanwatch writes to %s under the name of this sensor, %s; give each "
			   "its own sensor.name", redis_link_peer(sink->link), sink->sensor);
}

static void writer_judge(struct redis_sink *sink, const redisReply *reply)
{
	const redisReply *instance = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 ? reply->element[0] : NULL;

	if (redis_reply_fault(reply, &sink->change) < 0)
		sink->changed = true;
	else if (instance == NULL || instance->type != REDIS_REPLY_STRING)
		sink->changed = remote_fail(&sink->change, "lost", false, "%s lost keys of this sensor; what is kept is sent again",
					    redis_link_peer(sink->link)) < 0;
	else if (strcmp(instance->str, sink->instance) != 0)
		sink->changed = redis_other_writer_fail(sink, &sink->change) < 0;
}

bool redis_marks_read(const redisReply *reply, struct spool_id marks[REDIS_KEPT])
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != REDIS_KEPT)
		return false;
	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		const redisReply *mark = reply->element[s];

		marks[s] = (struct spool_id){0};
		if (mark->type == REDIS_REPLY_STRING && !redis_id_read(mark->str, (size_t)mark->len, &marks[s]))
			return false;
	}
	return true;
}

// What stands behind EXEC: whether the marks are still ours.
static int tail_read(struct redis_sink *sink, struct spool_id marks[REDIS_KEPT], struct remote_fault *fault)
{
	unsigned n = has_marks(sink) ? 3 : 2;

	for (unsigned i = 0; i < n; i++) {
		redisReply *reply = NULL;
		int rc = redis_answer(sink, &reply, fault);

		if (rc < 0)
			return rc;
		if (i == 0 && redis_reply_fault(reply, &sink->change) < 0)
			sink->changed = true;
		if (i == 1 && !sink->changed)
			writer_judge(sink, reply);
		if (i == 2 && !sink->changed && !redis_marks_read(reply, marks))
			sink->changed = remote_fail(&sink->change, "changed", false, "someone changed %s",
						    sink->key[REDIS_KEY_DELIVERED]) < 0;
		freeReplyObject(reply);
	}
	return 0;
}

// ---- what EXEC says ----

struct verdict {
	unsigned duplicates;
	bool duplicate[REDIS_KEPT]; // streams
	bool failed[REDIS_KEPT];
	bool any_failed;
	struct remote_fault fault;
};

static void fail_add(struct verdict *v, const struct redis_command *command, const struct remote_fault *fault)
{
	if (!v->any_failed)
		v->fault = *fault;
	v->any_failed = true;
	if (command->stream < REDIS_KEPT)
		v->failed[command->stream] = true;
}

static bool is_duplicate(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "equal or smaller than the target stream top item") != NULL;
}

static void error_judge(struct redis_sink *sink, const struct redis_command *command, const redisReply *reply, struct verdict *v)
{
	struct remote_fault fault = {.cause = ""};

	if (command->kind == REDIS_SERIES) {
		sink->left_out++;
		return;
	}
	redis_reply_fault(reply, &fault);
	if (strcmp(fault.cause, "wrongtype") == 0)
		remote_fail(&fault, "wrongtype", true, "%s in %s is of another type; rename or delete it",
			    command->stream < REDIS_KEPT ? sink->key[command->stream] : "a key of this sensor's sums (stats, top, hosts)",
			    redis_link_peer(sink->link));
	fault.keep = false; // a part was executed: what is there has to be asked
	fail_add(v, command, &fault);
}

static unsigned streams_there(const struct redis_sink *sink)
{
	return (unsigned)sink->there[0] + sink->there[1] + sink->there[2];
}

static void element_judge(struct redis_sink *sink, const struct redis_command *command, const redisReply *reply, struct verdict *v)
{
	bool gone = (command->kind == REDIS_ENTRY && reply->type == REDIS_REPLY_NIL) ||
		    (command->kind == REDIS_EXISTS && reply->type == REDIS_REPLY_INTEGER && reply->integer < streams_there(sink));

	if (command->kind == REDIS_ENTRY && is_duplicate(reply)) {
		v->duplicates++;
		v->duplicate[command->stream] = true;
	} else if (reply->type == REDIS_REPLY_ERROR) {
		error_judge(sink, command, reply, v);
	} else if (gone) {
		struct remote_fault fault = {.cause = ""};

		remote_fail(&fault, "lost", false, "%s lost a stream of this sensor; what is kept is sent again",
			    redis_link_peer(sink->link));
		fail_add(v, command, &fault);
	}
}

int redis_alone_judge(struct redis_sink *sink, const struct redis_command *command, const redisReply *reply, struct remote_fault *fault)
{
	struct verdict v = {.duplicates = 0};

	element_judge(sink, command, reply, &v);
	if (v.any_failed)
		*fault = v.fault;
	return v.any_failed ? -EIO : 0;
}

// The marks went up with a transaction whose pushes failed: they are put back, as far as the connection still allows it.
static void marks_restore(struct redis_sink *sink, const struct verdict *v)
{
	struct remote_fault ignored;
	unsigned asked = 0;

	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		const char *key = sink->key[REDIS_KEY_DELIVERED], *field = sink_stream_names[s];
		char id[REDIS_ID_MAX];
		int rc;

		if (!v->failed[s] || sink->top[s].boot == 0)
			continue;
		redis_id_write(id, sink->told[s]);
		rc = sink->told[s].boot != 0 ? redis_ask(sink, 4, (const char *[]){"HSET", key, field, id})
					     : redis_ask(sink, 3, (const char *[]){"HDEL", key, field});
		if (rc < 0)
			return;
		asked++;
	}
	while (asked-- > 0) {
		redisReply *reply = NULL;

		if (redis_answer(sink, &reply, &ignored) < 0)
			return;
		freeReplyObject(reply);
	}
}

// Ids that were refused are there, unless a stranger's stand in their way: then the stream's last id is beyond the batch's. So it is,
// too, if a longer batch came late; a new connection tells one from the other.
static int duplicates_check(struct redis_sink *sink, const struct verdict *v, struct remote_fault *fault)
{
	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		struct spool_id last;
		bool there;

		if (!v->duplicate[s])
			continue;
		if (redis_ask_last(sink, s) < 0)
			return remote_fail(fault, "memory", false, "no memory for the commands to Redis");
		if (redis_last_read(sink, s, &there, &last, fault) < 0)
			return -EIO;
		if (last.boot > sink->top[s].boot || (last.boot == sink->top[s].boot && last.seq > sink->top[s].seq))
			return remote_fail(fault, "foreign_ids", false, "%s has later ids than ours; what is there is asked anew",
					   sink->key[s]);
	}
	return 0;
}

static void executed(struct redis_sink *sink)
{
	sink->book.boot = sink->boot;
	for (unsigned s = 0; s < REDIS_KEPT; s++) {
		if (sink->top[s].boot == 0)
			continue;
		sink->told[s] = sink->top[s];
		sink->there[s] = true;
	}
}

static int array_judge(struct redis_sink *sink, const redisReply *exec, unsigned *duplicates, struct remote_fault *fault)
{
	struct verdict v = {.duplicates = 0};

	if (exec->type != REDIS_REPLY_ARRAY || exec->elements != sink->commands)
		return redis_protocol_fail(sink, "EXEC", fault);
	for (unsigned i = 0; i < sink->commands; i++)
		element_judge(sink, &sink->command[i], exec->element[i], &v);
	if (v.any_failed) {
		*fault = v.fault;
		if (has_marks(sink))
			marks_restore(sink, &v);
		return -EIO;
	}
	executed(sink);
	*duplicates = v.duplicates;
	return v.duplicates > 0 ? duplicates_check(sink, &v, fault) : 0;
}

static int exec_judge(struct redis_sink *sink, const redisReply *exec, const struct remote_fault *refusal, unsigned *duplicates,
		      struct remote_fault *fault)
{
	if (refusal->cause[0] != '\0') {
		*fault = *refusal;
		return -EIO;
	}
	if (redis_reply_fault(exec, fault) < 0)
		return -EIO;
	if (exec->type != REDIS_REPLY_NIL)
		return array_judge(sink, exec, duplicates, fault);
	if (sink->changed)
		*fault = sink->change;
	else
		remote_fail(fault, "changed", false, "someone changed %s while a batch was on its way; it was not taken",
			    sink->key[REDIS_KEY_WRITER]);
	return -EIO;
}

static void marks_compare(struct redis_sink *sink, const struct spool_id marks[REDIS_KEPT])
{
	for (unsigned s = 0; s < REDIS_KEPT && !sink->changed; s++)
		if (marks[s].boot != sink->told[s].boot || marks[s].seq != sink->told[s].seq)
			sink->changed = remote_fail(&sink->change, "changed", false, "someone changed %s",
						    sink->key[REDIS_KEY_DELIVERED]) < 0;
}

int redis_outcome(struct redis_sink *sink, unsigned *duplicates, struct remote_fault *fault)
{
	struct remote_fault refusal = {.cause = ""};
	struct spool_id marks[REDIS_KEPT];
	redisReply *exec = NULL;
	int rc = queued_read(sink, &refusal, fault);

	*duplicates = 0;
	if (rc == 0)
		rc = redis_link_reply(sink->link, &exec, fault);
	if (rc == 0)
		rc = tail_read(sink, marks, fault);
	if (rc == 0) {
		sink->sent = false; // nothing is on its way
		rc = exec_judge(sink, exec, &refusal, duplicates, fault);
	}
	if (rc == 0 && has_marks(sink) && !sink->changed)
		marks_compare(sink, marks);
	if (exec != NULL)
		freeReplyObject(exec);
	return rc;
}
