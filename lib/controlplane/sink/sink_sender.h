// What sink_remote.c (the writer's side) and sink_sender.c (the sender's) share.
#ifndef SINK_SINK_SENDER_H
#define SINK_SINK_SENDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "record/record_json.h"
#include "sink/sink_remote.h"

struct remote {
	// constant
	const struct remote_ops *ops;
	struct spool *spool;
	pthread_t thread;
	char sensor[CONFIG_TEXT_MAX];
	bool replay;
	bool threaded;

	// control writes
	_Atomic uint64_t refused[SINK_STREAMS];
	atomic_bool finishing, stop, off;
	_Atomic uint32_t exit_wait_s;
	struct remote_patience patience; // once finishing, the sender's

	// the sink's thread alone
	uint64_t refused_told[SINK_STREAMS];
	uint64_t bytes;
	struct record_context context;
	char *json; // RECORD_JSON_MAX

	struct sink_own own; // has its own mutex

	pthread_mutex_t mutex; // of all up to the next line
	void *next_state;      // other settings, not yet in force; NULL: none
	char next_target[SINK_TARGET_MAX];
	struct sink_stats stats;

	// the sender alone
	void *state;
	bool connected;
	bool unreachable;      // the last try to connect failed
	bool last_try;         // the one at the end was made
	unsigned failures;     // in a row
	uint64_t next_try_ns, next_idle_ns, next_rate_ns;
	uint64_t rate_delivered;
	struct spool_batch *batch[2];
	unsigned turn;         // which of the two is next
};

void *sender_run(void *remote);

#endif
