// A transaction with Redis from MULTI to what its replies mean, for the files of the Redis sink.
#ifndef SINK_SINK_REDIS_COMMIT_H
#define SINK_SINK_REDIS_COMMIT_H

#include "sink/sink_redis.h"

uint64_t redis_now_ms(void); // monotonic, never 0

// Commands outside of a transaction, and MULTI. -ENOMEM. redis_say: as they are; redis_ask: with ASKING before it where that is needed.
int redis_say(struct redis_sink *sink, int argc, const char **argv);
int redis_ask(struct redis_sink *sink, int argc, const char **argv);
int redis_answer(struct redis_sink *sink, redisReply **reply, struct remote_fault *fault); // to redis_ask(). -EIO
int redis_ask_watch(struct redis_sink *sink);
int redis_ask_marks(struct redis_sink *sink); // streams have none: nothing is asked
int redis_ask_last(struct redis_sink *sink, unsigned s);

// The last id of a stream. -EIO.
int redis_last_read(struct redis_sink *sink, unsigned s, bool *there, struct spool_id *last, struct remote_fault *fault);
bool redis_marks_read(const redisReply *reply, struct spool_id marks[REDIS_KEPT]); // false: someone else's

int redis_begin(struct redis_sink *sink);
int redis_put_alive(struct redis_sink *sink);
int redis_put_due(struct redis_sink *sink); // what is due by time
// Appends what is due by time, EXEC and what follows it, and sends. rc: of what was put so far.
int redis_end(struct redis_sink *sink, int rc, struct remote_fault *fault);
// Waits for the replies. 0: executed, and sink->changed says whether the next can be. -EIO and why not.
int redis_outcome(struct redis_sink *sink, unsigned *duplicates, struct remote_fault *fault);
// What such a command answered, alone. -EIO: it was refused.
int redis_alone_judge(struct redis_sink *sink, const struct redis_command *command, const redisReply *reply, struct remote_fault *fault);
// At a node that is being given our slot: after a transaction, what could not be part of it.
int redis_apart(struct redis_sink *sink, struct remote_fault *fault);

int redis_protocol_fail(struct redis_sink *sink, const char *what, struct remote_fault *fault);
int redis_other_writer_fail(const struct redis_sink *sink, struct remote_fault *fault);

#endif
