// While a Cluster is giving our slot to another node and all our keys are there already, we write to that node. It takes a transaction
// over several keys only if all of them are there, so the transaction has but the entries and our mark, and the streams are made
// before. What may not be there (the sums of a minute that begins, the sign of life) follows once the transaction was executed, each
// command for itself: all of them may be repeated. When the slot is the node's own, all is as ever.
#include <string.h>

#include "sink/sink_redis.h"
#include "sink/sink_redis_commit.h"

int redis_ask(struct redis_sink *sink, int argc, const char **argv)
{
	int rc = sink->asking ? redis_say(sink, 1, (const char *[]){"ASKING"}) : 0;

	return rc == 0 ? redis_say(sink, argc, argv) : rc;
}

int redis_answer(struct redis_sink *sink, redisReply **reply, struct remote_fault *fault)
{
	int rc = redis_link_reply(sink->link, reply, fault);

	if (rc < 0 || !sink->asking)
		return rc;
	rc = redis_reply_fault(*reply, fault);
	freeReplyObject(*reply);
	*reply = NULL;
	return rc == 0 ? redis_link_reply(sink->link, reply, fault) : rc;
}

// A stream without entries, whose last id is before all of ours: a reader that asks for it finds nothing (sink_redis_where.c).
static int stream_make(struct redis_sink *sink, unsigned s)
{
	return redis_put(sink, REDIS_ENTRY, s, 7,
			 (const char *[]){"XADD", sink->key[s], "MAXLEN", "0", "0-1", "eve", ""}, NULL);
}

static int apart_put(struct redis_sink *sink)
{
	int rc = 0;

	sink->commands = 0;
	sink->apart = true;
	for (unsigned s = 0; s < REDIS_KEPT && rc == 0; s++)
		if (sink->mode == CONFIG_REDIS_STREAMS && !sink->there[s])
			rc = stream_make(sink, s);
	if (rc == 0 && sink->batch != NULL)
		rc = redis_aggregates_put(sink, sink->batch);
	if (rc == 0 && !sink->changed)
		rc = redis_put_due(sink);
	sink->apart = false;
	return rc == 0 ? redis_say(sink, 2, (const char *[]){"EXISTS", sink->key[REDIS_KEY_WRITER]}) : rc;
}

int redis_apart(struct redis_sink *sink, struct remote_fault *fault)
{
	redisReply *reply = NULL;
	int rc;

	if (apart_put(sink) < 0)
		return remote_fail(fault, "memory", false, "no memory for the commands to Redis; they are tried again");
	rc = redis_link_flush(sink->link, fault);
	for (unsigned i = 0; i < sink->commands && rc == 0; i++) {
		rc = redis_answer(sink, &reply, fault);
		if (rc < 0)
			break;
		rc = redis_alone_judge(sink, &sink->command[i], reply, fault);
		freeReplyObject(reply);
	}
	if (rc == 0)
		rc = redis_link_reply(sink->link, &reply, fault);
	if (rc < 0)
		return rc;
	sink->asking = reply->type == REDIS_REPLY_ERROR; // MOVED: the slot is not yet its own
	freeReplyObject(reply);
	for (unsigned s = 0; s < REDIS_KEPT; s++)
		sink->there[s] |= sink->mode == CONFIG_REDIS_STREAMS;
	return 0;
}
