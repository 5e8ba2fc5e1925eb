// A sink only opens, writes a batch and closes. Queue, thread and counters live once in the runner (sink_runner.c): control
// pushes records into a bounded ring, the sink's own plain thread pops batches from it. A worker never waits for a sink.
//
// A sink whose receiver is a server is written as struct remote_ops (sink_remote.h), which puts a spool and the retries between.
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "base/err.h"
#include "base/json.h"
#include "config/config.h"
#include "record/record.h"
#include "sink/sink_own.h"

// Kinds of records that are kept apart behind the border.
enum sink_stream { SINK_FLOWS, SINK_ALERTS, SINK_EVENTS, SINK_AGGREGATES, SINK_STREAMS };
extern const char *const sink_stream_names[SINK_STREAMS]; // "flows", ...

enum sink_stream sink_stream_of(const struct record *r);

enum sink_state {
	SINK_OFF,        // switched off: it is given nothing
	SINK_CONNECTING, // remote only, as are the two that follow
	SINK_DEGRADED,   // records wait in the spool; cause and error say why
	SINK_DRAINING,   // connected, and behind
	SINK_UP,
	SINK_FAILING,    // what was written was lost; error says why
	SINK_STATES
};
extern const char *const sink_state_names[SINK_STATES];

enum { SINK_CAUSE_MAX = 24, SINK_TARGET_MAX = 256 };

struct sink_stats {
	const char *name;
	uint64_t queued, written, dropped_queue_full, dropped_error; // queued - written - dropped_error = waiting in the queue
	uint64_t skipped;        // not given: it was off, or does not want them
	uint64_t written_bytes;
	char error[ERR_TEXT_MAX]; // local: the first one; remote: the present one. Empty if none
	enum sink_state state;

	bool remote;             // what follows is set
	char target[SINK_TARGET_MAX]; // no secret in it
	char cause[SINK_CAUSE_MAX];   // "oom", "readonly", ...; empty while up
	uint64_t since_ns;       // wall clock: in this state
	uint64_t connects, faults, batches;
	// Ids: records, and those that tombstones stand for. Once the queue has run dry:
	// written + dropped_queue_full + recovered = delivered + waiting + tombstoned
	uint64_t recovered;      // of earlier runs, that were waiting at the start
	uint64_t delivered;      // records acknowledged, each counted once
	uint64_t waiting, waiting_bytes, retained_bytes;
	uint64_t tombstoned;     // told lost, whatever the cause
	uint64_t duplicates;     // refused by the receiver, which had them
	uint64_t spool_memory_bytes, spool_damaged_bytes;
	bool spool_failing;
	char spool_error[ERR_TEXT_MAX];
	double delivered_per_s;  // over the last second
	double drain_s;          // until nothing waits, at this rate; -1: not known
};

struct sink_ops {
	const char *name;
	// enabled: whether the configuration asks for this sink
	bool (*enabled)(const struct config *config);
	bool aggregates; // wants SINK_AGGREGATES
	int (*open)(const struct config *config, void **state, struct err *err);
	// Called from the sink's thread. Returns 0, or a negative errno with a sentence; *written says how many of the records, from
	// the first on, are in the output as a whole. The rest is lost, and what it left in the output is taken back.
	int (*write)(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err);
	int (*flush)(void *state, struct err *err); // NULL: nothing to do. Called when the queue has run dry; with a spool, on and on
	uint64_t (*bytes)(const void *state);       // written since it was opened
	int (*close)(void *state, struct err *err); // frees state, whatever it returns

	// What follows may be NULL: a sink without a spool.
	void (*give)(void *state, enum sink_stream stream);   // control: a record is about to be queued, or refused
	void (*refuse)(void *state, enum sink_stream stream); // control: the last one given was refused
	void (*stats)(void *state, struct sink_stats *stats); // anyone: fills what is remote
	int (*apply)(void *state, const struct config *config, struct err *err); // control: other settings; on an error the old hold
	struct sink_own *(*own)(void *state); // control: the connections that it makes
	void (*rest)(void *state, bool off); // control: nothing more is given while off; once nothing waits, the server is left alone
	void (*finish)(void *state); // control, once, after the last write: what still waits may go on for a while; then stats, close
};

extern const struct sink_ops *const sink_list[];
extern const unsigned sink_count;

const struct sink_ops *sink_find(const char *name); // NULL: there is none

struct sink; // a running one

// Opens and starts the thread. Returns 0 or a negative errno with a sentence; nothing is left half open. before: records that had
// been made before it was there.
int sink_start(const struct sink_ops *ops, const struct config *config, uint64_t before, struct sink **out, struct err *err);

// From control only. Returns false if the queue is full; the caller decides to try again (replay) or to count it by
// sink_drop (live).
bool sink_push(struct sink *sink, const struct record *r);
void sink_drop(struct sink *sink, const struct record *r);
bool sink_wants(const struct sink *sink, const struct record *r);
void sink_skip(struct sink *sink); // one that it does not want

const struct sink_ops *sink_ops_of(const struct sink *sink);
void sink_switch(struct sink *sink, bool on); // off: it wants nothing; what waits is still delivered
// Other settings, from control. Returns 0 or a negative errno with a sentence; then the old ones hold.
int sink_apply(struct sink *sink, const struct config *config, struct err *err);

struct sink_own *sink_own_of(const struct sink *sink); // NULL: it makes no connections, or has stopped

void sink_stats(const struct sink *sink, struct sink_stats *out);
void sink_stats_json(const struct sink_stats *stats, struct json *j); // members

// Drains the queue, closes, joins the thread. Returns 0 or the first error the sink met (a full disk, say), with its sentence.
// Counters can still be read until sink_free, which stops first if that has not been done.
int sink_stop(struct sink *sink, struct err *err);
void sink_free(struct sink *sink);

#endif
