// What all sinks have in common whose receiver is a server: each record becomes EVE JSON once and goes into a spool (spool/spool.h);
// a second thread, the sender, takes batches from there, connects, sends, waits for the answer, and tries again with growing pauses.
// An answer, not a write, is delivery. While the server is away nothing but the spool grows.
//
// A sink of this kind is a struct remote_ops. Its functions run on the sender's thread, one at a time, and may block for at most the
// timeout of their settings, and not beyond the patience that connect() is told of.
#ifndef SINK_SINK_REMOTE_H
#define SINK_SINK_REMOTE_H

#include "sink/sink.h"
#include "sink/sink_patience.h"
#include "spool/spool.h"

// Why it does not go on. cause is one word for programs, the sentence is for people; neither ever holds a secret.
struct remote_fault {
	char cause[SINK_CAUSE_MAX]; // "refused", "timeout", "auth", "oom", "readonly", "misconf", "loading", "clusterdown", "protocol", ...
	bool patient;               // it will not pass by itself (a wrong password, a wrong type): first pause 1 s, not 100 ms
	bool keep;                  // the connection is sound: try again without a new one
	struct err err;
};

// Says what went wrong and returns -EIO, so that a leaf can `return remote_fail(fault, "oom", false, "...")`.
int remote_fail(struct remote_fault *fault, const char *cause, bool patient, const char *format, ...) __attribute__((format(printf, 4, 5)));

// What the receiver has. known false: it cannot say, go on from the cursor.
struct remote_where {
	bool known[SPOOL_STREAMS];
	struct spool_id last[SPOOL_STREAMS]; // boot 0: it has nothing
};

struct remote_identity { // of the log that is sent, and of who sends it
	const char *sensor;
	uint8_t instance[SPOOL_INSTANCE_BYTES];
	uint64_t oldest_boot;                  // of what waits, and now
	struct spool_id acked[SPOOL_STREAMS];  // what it has acknowledged to us
	struct spool_id given[SPOOL_STREAMS];  // the last ids there are
	const struct remote_patience *patience; // outlives the connection
	struct sink_own *own;                  // is told of each connection before it is made; lives as long as the sink; may be NULL
};

struct remote_ops {
	const char *name;   // of the sink and of its spool's folder
	bool intends;       // batches are known by their bounds: they must be the same after a restart

	// Reads its settings; nothing of the network yet. -EINVAL and a sentence if they cannot work. What it points to in config is
	// copied. target: for people, without secrets, SINK_TARGET_MAX bytes.
	int (*create)(const struct config *config, void **state, char *target, struct err *err);
	unsigned (*most)(const void *state); // entries in a batch; NULL: SPOOL_BATCH_MAX
	// 0 and where to go on, or -EIO and why not.
	int (*connect)(void *state, const struct remote_identity *identity, struct remote_where *where, struct remote_fault *fault);
	// Sends one batch; its memory stays until receive() has answered. One batch is in flight at a time; all of it is delivered or none.
	int (*send)(void *state, const struct spool_batch *batch, struct remote_fault *fault);
	// Waits for the answer. *duplicates: entries that the receiver already had.
	int (*receive)(void *state, unsigned *duplicates, struct remote_fault *fault);
	int (*idle)(void *state, struct remote_fault *fault); // once a second while there is nothing to send: is it still there? May be NULL
	void (*disconnect)(void *state);                      // at any time, also if not connected
	void (*destroy)(void *state);
};

// The functions of a struct sink_ops for such a sink; its open() calls remote_open().
int remote_open(const struct remote_ops *ops, const struct config *config, void **state, struct err *err);
int remote_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err);
int remote_flush(void *state, struct err *err);
uint64_t remote_bytes(const void *state);
void remote_rest(void *state, bool off);
void remote_finish(void *state);
int remote_close(void *state, struct err *err);
void remote_give(void *state, enum sink_stream stream);
void remote_refuse(void *state, enum sink_stream stream);
void remote_stats(void *state, struct sink_stats *stats);
int remote_apply(void *state, const struct config *config, struct err *err);
struct sink_own *remote_own(void *state);

#define SINK_REMOTE                                                                                                          \
	.write = remote_write, .flush = remote_flush, .bytes = remote_bytes, .close = remote_close, .give = remote_give,     \
	.refuse = remote_refuse, .stats = remote_stats, .apply = remote_apply, .own = remote_own, .rest = remote_rest,       \
	.finish = remote_finish

#endif
