// The control plane's centre: one struct, one thread (the main lcore), no locks. It launches the workers, takes their records in
// packet time, gives them to the sinks, remembers what people ask for, and answers them.
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "control/aggregate.h"
#include "control/merge.h"
#include "control/expected.h"
#include "control/naming.h"
#include "control/recent.h"
#include "control/talkers.h"
#include "flow/flow_key.h"
#include "metrics/metrics.h"
#include "port/port.h"
#include "sink/sink.h"
#include "worker/worker.h"

enum { CONTROL_ROWS_MAX = 128 }; // keys of the configuration
enum { CONTROL_SINKS_MAX = 16, CONTROL_NOTES_MAX = 16, CONTROL_NOTE_MAX = 512, CONTROL_OFFLOADS_MAX = 8 };
enum { CONTROL_TELLS_MAX = 16, CONTROL_TELL_MAX = 512, CONTROL_SENTENCE_MAX = 400, CONTROL_TELL_EVERY_S = 10 };

// How the configuration is read again: file and options together, as at the start.
struct control_reader {
	int (*read)(void *arg, struct config *out, struct err *err);
	void *arg;
	const char *path; // of the file; NULL: there are options only
};

// What the last reading came to, by rows of the configuration.
struct control_reload {
	bool changed[CONTROL_ROWS_MAX], restart[CONTROL_ROWS_MAX];
	char error[ERR_TEXT_MAX];             // why nothing was taken; empty: it was
	char restart_note[CONTROL_NOTE_MAX];  // what needs a restart; empty: nothing does
};

// A remote sink as it was a second ago.
struct control_sink_seen {
	bool known;
	enum sink_state state;
	char cause[SINK_CAUSE_MAX], missed[SINK_CAUSE_MAX]; // missed: the latest one that was not told
	unsigned changes; // not told yet
	unsigned pause_s; // until something may be told again
	bool spool_failing;
	unsigned spool_pause_s;
	uint64_t lost; // of which it was told
	unsigned lost_pause_s;
};

struct control {
	const struct config *config; // in force; what took a pointer at the start keeps the one of the start
	struct clock clock;
	struct flow_secret secret;

	unsigned port_count, worker_count, sink_count;
	struct port *port[PORT_MAX];
	struct worker *worker[WORKER_MAX];
	struct sink *sink[CONTROL_SINKS_MAX];
	struct rte_mempool *pool;
	bool replay;               // all ports replay
	bool launched, draining;
	uint64_t own_records;      // made by control itself
	enum worker_steer steering;
	char steering_why[CONTROL_NOTE_MAX]; // which mode is in force, and why

	struct filters *filters;
	struct control_reader reader;
	struct control_reload reload;
	struct config *reloaded;   // what config points to once it was read again
	struct merge *merge;
	struct naming *naming;
	struct expected *expected;
	struct recent *recent;
	struct talkers *talkers;
	struct aggregate *aggregate; // NULL: no output wanted any so far

	uint64_t start_cycles;     // for rates and uptime
	uint64_t started_ns;       // wall clock
	uint64_t replay_end_cycles; // 0 while running
	uint64_t next_second_cycles, next_stats_cycles;
	struct metrics_rates rates;

	unsigned offload_count;
	uint64_t offload_said[CONTROL_OFFLOADS_MAX]; // senders whose bad checksums have been noted

	unsigned notes;
	char note[CONTROL_NOTES_MAX][CONTROL_NOTE_MAX]; // what the operator should know, a sentence each

	struct control_sink_seen sink_seen[CONTROL_SINKS_MAX];
	unsigned tells;
	char tell[CONTROL_TELLS_MAX][CONTROL_TELL_MAX]; // what is news now, the latest ones: the nth (from 0 on) at n % CONTROL_TELLS_MAX
};

// What is taken from EAL's memory for this configuration, by what it is for.
void control_memory(const struct config *config, unsigned workers, struct memory *m);

// Memory (MB) that EAL has to have for it: that, and something to spare.
unsigned control_memory_mb(const struct config *config, unsigned workers);

// The ladder up, after rte_eal_init: pool, ports, workers, sinks, launch. On failure everything that was up is down again.
// workers: how many; they run on the worker lcores in the order of EAL.
int control_start(const struct config *config, struct control **out, struct err *err);

// One turn: takes records, releases those whose time has come, once a second the rates. Returns how much it did; 0: may sleep.
unsigned control_turn(struct control *c);

// Whether a replay has been analysed to its end and all its records are with the sinks.
bool control_finished(const struct control *c);
double control_progress(const struct control *c); // 0..1 of a replay

// Stops receiving, waits until all is drained, gives the rest to the sinks and closes them. An error is a sink's.
int control_drain(struct control *c, struct err *err);
void control_destroy(struct control *c);

void control_note(struct control *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void control_note_once(struct control *c, const char *format, ...) __attribute__((format(printf, 2, 3))); // not if it stands there
void control_tell(struct control *c, const char *format, ...) __attribute__((format(printf, 2, 3))); // said once, and forgotten
double control_seconds(const struct control *c); // since the start, or of the replay

void control_sources(const struct control *c, struct metrics_sources *sources);

// Gives a record that control has made itself to the sinks.
void control_give_own(struct control *c, const struct record *r);

// ---- aggregates, if a sink wants them ----

void control_aggregate_flow(struct control *c, const struct record *r); // a flow's record is out
void control_aggregate_second(struct control *c, const struct metrics_sources *sources);
void control_aggregate_end(struct control *c); // all records are

// ---- filters ----

// What is analysed from now on: expression (NULL or empty: all), and attribute filters as text; name stands in sentences about
// them. On an error what was in force stays in force.
int control_filter_set(struct control *c, const char *expression, const char *name, const char *attributes, size_t length,
		       struct err *err);
// The same with the attribute filters of a file; path NULL or empty: none.
int control_filter_load(struct control *c, const char *expression, const char *path, struct err *err);

// Where the API listens after all, if the configuration left that open (port 0, a name): its connections are left out from now on.
int control_own_listen(struct control *c, const char *bound, struct err *err);

// What is in force. Pointers are good until the next change.
struct control_filters {
	const char *expression;                   // "": all
	const char *attributes, *attributes_from; // NULL: none
	size_t attributes_length;
	unsigned own;                             // ends of the appliance's own connections that are left out
	bool native;
	uint64_t since_ns, changes;               // wall clock
	const char *error;                        // of the last change if it was refused, or ""
	uint64_t received, filtered, filtered_own;
	uint64_t received_before, filtered_before, filtered_own_before; // when it was put in force
};

void control_filters(const struct control *c, struct control_filters *out);

// Reads configuration and attribute filters again, and puts into force what may change at run time. c->reload says what came of
// it. On an error all stays as it was.
int control_reload(struct control *c, struct err *err);

// ---- flows, asked of the workers in slices ----

struct control_flows;

int control_flows_start(struct control *c, uint32_t limit, struct control_flows **out);
bool control_flows_ready(const struct control_flows *q);
// The latest flows first, live ones and those that have ended; at most limit. Pointers are good until control_flows_free or the
// next control_turn.
unsigned control_flows_take(struct control *c, struct control_flows *q, const struct record **records);
uint64_t control_flows_active(const struct control_flows *q);
void control_flows_free(struct control_flows *q);

#endif
