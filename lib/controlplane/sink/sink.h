// A sink only opens, writes a batch and closes. Queue, thread and counters live once in the runner (sink_runner.c): control
// pushes records into a bounded ring, the sink's own plain thread pops batches from it. A worker never waits for a sink.
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "base/err.h"
#include "config/config.h"
#include "record/record.h"

struct sink_ops {
	const char *name;
	// enabled: whether the configuration asks for this sink
	bool (*enabled)(const struct config *config);
	int (*open)(const struct config *config, void **state, struct err *err);
	// Called from the sink's thread. Returns 0, or a negative errno with a sentence; *written says how many of the records, from
	// the first on, are in the output as a whole. The rest is lost, and what it left in the output is taken back.
	int (*write)(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err);
	int (*flush)(void *state, struct err *err); // NULL: nothing to do. Called when the queue has run dry
	uint64_t (*bytes)(const void *state);       // written since it was opened
	int (*close)(void *state, struct err *err); // frees state, whatever it returns
};

extern const struct sink_ops *const sink_list[];
extern const unsigned sink_count;

struct sink; // a running one

struct sink_stats {
	const char *name;
	uint64_t queued, written, dropped_queue_full, dropped_error; // queued - written - dropped_error = waiting
	uint64_t written_bytes;
	char error[ERR_TEXT_MAX]; // the first one, empty if none
};

// Opens and starts the thread. Returns 0 or a negative errno with a sentence; nothing is left half open.
int sink_start(const struct sink_ops *ops, const struct config *config, struct sink **out, struct err *err);

// From control only. Returns false if the queue is full; the caller decides to try again (replay) or to count it by
// sink_drop (live).
bool sink_push(struct sink *sink, const struct record *r);
void sink_drop(struct sink *sink);

void sink_stats(const struct sink *sink, struct sink_stats *out);

// Drains the queue, closes, joins the thread. Returns 0 or the first error the sink met (a full disk, say), with its sentence.
// Counters can still be read until sink_free, which stops first if that has not been done.
int sink_stop(struct sink *sink, struct err *err);
void sink_free(struct sink *sink);

#endif
