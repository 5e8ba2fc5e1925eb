// What all sinks have in common: a bounded queue of records, a thread, counters.
//
// The thread takes what has come in batches. With less than a batch it naps, longer and longer while nothing comes, so that batches
// fill by themselves and an idle sink costs next to nothing; nobody has to wake it, and control never makes a system call for it.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "record/record_ring.h"
#include "sink/sink.h"
#include "sink/sink_thread.h"

// ROOM_OF_REPLAY: records that may wait on their way to a spool. A replay waits for room, so this is what a SIGKILL loses of it; in a
// live capture nobody can wait, and the whole queue is there for bursts.
enum { BATCH_MAX = 256, ROOM_OF_REPLAY = 1024 };
enum { NAP_SHORT_NS = 200 * 1000, NAP_LONG_NS = 2 * 1000 * 1000, FLUSH_PAUSE_NS = 100 * 1000 * 1000 };

struct sink {
	// constant while running
	const struct sink_ops *ops;
	void *state;
	struct record_ring *ring;
	pthread_t thread;
	uint64_t room; // for so many records, besides the bytes of the queue

	bool running;       // control's own
	uint64_t done_seen; // control's own: written or dropped_error, as it last looked

	// control writes
	atomic_bool stop;
	bool off; // control's own
	_Atomic uint64_t queued, dropped_queue_full, skipped;

	// the thread writes
	_Atomic uint64_t written, dropped_error, written_bytes;
	atomic_bool failed; // error and error_code are set, and will not change
	int error_code;
	struct err error;
	struct sink_stats last; // remote: when it was closed
};

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed); // one writer
}

// ---- the thread ----

static void fail(struct sink *s, int code, const struct err *err)
{
	if (atomic_load_explicit(&s->failed, memory_order_relaxed))
		return;
	s->error = *err;
	s->error_code = code;
	atomic_store_explicit(&s->failed, true, memory_order_release);
}

static unsigned batch_write(struct sink *s)
{
	const struct record *batch[BATCH_MAX];
	unsigned n = record_ring_peek_many(s->ring, batch, BATCH_MAX), written = 0;
	struct err err = {""};
	int rc;

	if (n == 0)
		return 0;
	rc = s->ops->write(s->state, batch, n, &written, &err);
	if (rc < 0)
		fail(s, rc, &err);
	atomic_store_explicit(&s->written_bytes, s->ops->bytes(s->state), memory_order_relaxed);
	count(&s->dropped_error, n - written);
	count(&s->written, written);
	for (unsigned i = 0; i < n; i++)
		record_ring_pop(s->ring);
	return n;
}

static void flush(struct sink *s)
{
	struct err err = {""};
	int rc = s->ops->flush != NULL ? s->ops->flush(s->state, &err) : 0;

	if (rc < 0)
		fail(s, rc, &err);
	atomic_store_explicit(&s->written_bytes, s->ops->bytes(s->state), memory_order_relaxed);
}

static void *run(void *argument)
{
	struct sink *s = argument;
	uint64_t next_flush_ns = 0;
	bool unflushed = false;
	long nap_ns = NAP_SHORT_NS;

	for (;;) {
		bool stop = atomic_load_explicit(&s->stop, memory_order_acquire); // before the last look into the queue
		unsigned n = batch_write(s);

		unflushed = unflushed || n > 0;
		if (n == BATCH_MAX)
			continue;
		if (stop && n == 0)
			break;
		if (n == 0 && (unflushed || s->ops->give != NULL) && clock_monotonic_ns() >= next_flush_ns) { // a spool has work when idle, too
			flush(s);
			unflushed = false;
			next_flush_ns = clock_monotonic_ns() + FLUSH_PAUSE_NS;
		}
		nap_ns = n > 0 ? NAP_SHORT_NS : nap_ns * 2 < NAP_LONG_NS ? nap_ns * 2 : NAP_LONG_NS;
		if (!stop)
			nanosleep(&(struct timespec){.tv_nsec = nap_ns}, NULL);
	}
	if (unflushed)
		flush(s);
	return NULL;
}

// ---- control's side ----

int sink_start(const struct sink_ops *ops, const struct config *config, uint64_t before, struct sink **out, struct err *err)
{
	struct sink *s = calloc(1, sizeof(*s));
	struct err ignored;
	int rc;

	if (s == NULL || record_ring_create(config->limits.sink_queue_bytes, &s->ring) < 0) {
		rc = err_set(err, -ENOMEM, "no memory for the queue of the output %s; lower limits.sink_queue_bytes", ops->name);
		goto fail_memory;
	}
	s->ops = ops;
	s->room = config->capture.replay[0] != '\0' && ops->give != NULL ? ROOM_OF_REPLAY : UINT64_MAX;
	atomic_init(&s->skipped, before);
	rc = ops->open(config, &s->state, err);
	if (rc < 0)
		goto fail_open;
	rc = sink_thread_start(&s->thread, "sink", ops->name, run, s, err);
	if (rc < 0)
		goto fail_thread;
	s->running = true;
	*out = s;
	return 0;

fail_thread:
	ops->close(s->state, &ignored);
fail_open:
	record_ring_destroy(s->ring);
fail_memory:
	free(s);
	return rc;
}

static bool room_left(struct sink *s)
{
	uint64_t queued = atomic_load_explicit(&s->queued, memory_order_relaxed);

	if (queued - s->done_seen < s->room)
		return true;
	s->done_seen = atomic_load_explicit(&s->written, memory_order_relaxed) + atomic_load_explicit(&s->dropped_error, memory_order_relaxed);
	return queued - s->done_seen < s->room;
}

bool sink_push(struct sink *s, const struct record *r)
{
	struct record *room = room_left(s) ? record_ring_reserve(s->ring, r->length) : NULL;

	if (room == NULL)
		return false;
	memcpy(room, r, r->length);
	if (s->ops->give != NULL)
		s->ops->give(s->state, sink_stream_of(r)); // before it can be taken: nothing comes out that was not given
	record_ring_commit(s->ring, room);
	count(&s->queued, 1);
	return true;
}

void sink_drop(struct sink *s, const struct record *r)
{
	if (s->ops->refuse != NULL) {
		s->ops->give(s->state, sink_stream_of(r));
		s->ops->refuse(s->state, sink_stream_of(r));
	}
	count(&s->dropped_queue_full, 1);
}

bool sink_wants(const struct sink *s, const struct record *r)
{
	return !s->off && (r->type != RECORD_AGGREGATE || s->ops->aggregates);
}

void sink_skip(struct sink *s)
{
	count(&s->skipped, 1);
}

void sink_switch(struct sink *s, bool on)
{
	s->off = !on;
	if (s->ops->rest != NULL)
		s->ops->rest(s->state, s->off);
}

const struct sink_ops *sink_ops_of(const struct sink *s)
{
	return s->ops;
}

int sink_apply(struct sink *s, const struct config *config, struct err *err)
{
	return s->ops->apply != NULL ? s->ops->apply(s->state, config, err) : 0;
}

struct sink_own *sink_own_of(const struct sink *s)
{
	return s->ops->own != NULL && s->running ? s->ops->own(s->state) : NULL;
}

void sink_stats(const struct sink *s, struct sink_stats *out)
{
	*out = (struct sink_stats){
		.name = s->ops->name,
		.written = atomic_load_explicit(&s->written, memory_order_relaxed),
		.dropped_error = atomic_load_explicit(&s->dropped_error, memory_order_relaxed),
		.queued = atomic_load_explicit(&s->queued, memory_order_relaxed),
		.dropped_queue_full = atomic_load_explicit(&s->dropped_queue_full, memory_order_relaxed),
		.skipped = atomic_load_explicit(&s->skipped, memory_order_relaxed),
		.state = SINK_UP,
		.written_bytes = atomic_load_explicit(&s->written_bytes, memory_order_relaxed),
	};
	if (atomic_load_explicit(&s->failed, memory_order_acquire))
		memcpy(out->error, s->error.text, sizeof(out->error));
	if (out->error[0] != '\0')
		out->state = SINK_FAILING;
	if (s->ops->stats != NULL && s->running)
		s->ops->stats(s->state, out);
	else if (s->ops->stats != NULL)
		*out = s->last;
	if (s->off)
		out->state = SINK_OFF;
}

int sink_stop(struct sink *s, struct err *err)
{
	struct err closing;
	int rc;

	if (!s->running)
		return 0;
	atomic_store_explicit(&s->stop, true, memory_order_release);
	pthread_join(s->thread, NULL);
	if (s->ops->finish != NULL)
		s->ops->finish(s->state);
	sink_stats(s, &s->last);
	s->running = false;
	rc = s->ops->close(s->state, &closing);
	if (rc < 0)
		fail(s, rc, &closing);
	if (!atomic_load_explicit(&s->failed, memory_order_acquire))
		return 0;
	*err = s->error;
	return s->error_code;
}

void sink_free(struct sink *s)
{
	struct err ignored;

	if (s == NULL)
		return;
	sink_stop(s, &ignored);
	record_ring_destroy(s->ring);
	free(s);
}
