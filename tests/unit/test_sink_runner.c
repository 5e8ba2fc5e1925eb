// The runner, with a sink made for the test: order, back-pressure, counters, errors, the ladder of start and stop.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sink/sink.h"

enum { RECORDS = 20000, LENGTH = 1024 };

static struct {
	atomic_bool held;      // write waits
	_Atomic uint64_t next; // id that is due
	atomic_bool wrong_order;
	atomic_uint largest_batch, flushes, closes;
	_Atomic uint64_t fail_from, fail_to; // ids that cannot be written
	int open_code, close_code;
	char thread_name[32];
} probe;

static bool probe_enabled(const struct config *config)
{
	(void)config;
	return true;
}

static int probe_open(const struct config *config, void **state, struct err *err)
{
	(void)config;
	*state = &probe;
	return probe.open_code != 0 ? err_set(err, probe.open_code, "cannot open the probe") : 0;
}

static int probe_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	(void)state;
	while (atomic_load(&probe.held))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	if (n > atomic_load(&probe.largest_batch))
		atomic_store(&probe.largest_batch, n);
	pthread_getname_np(pthread_self(), probe.thread_name, sizeof(probe.thread_name));
	for (unsigned i = 0; i < n; i++)
		if (records[i]->flow_id != atomic_fetch_add(&probe.next, 1))
			atomic_store(&probe.wrong_order, true);
	for (*written = 0; *written < n; ++*written) {
		uint64_t id = records[*written]->flow_id;

		if (id >= atomic_load(&probe.fail_from) && id < atomic_load(&probe.fail_to))
			return err_set(err, -EIO, "record %llu cannot be written", (unsigned long long)id);
	}
	return 0;
}

static int probe_flush(void *state, struct err *err)
{
	(void)state;
	(void)err;
	atomic_fetch_add(&probe.flushes, 1);
	return 0;
}

static uint64_t probe_bytes(const void *state)
{
	(void)state;
	return atomic_load(&probe.next) * 10;
}

static int probe_close(void *state, struct err *err)
{
	(void)state;
	atomic_fetch_add(&probe.closes, 1);
	return probe.close_code != 0 ? err_set(err, probe.close_code, "cannot close the probe") : 0;
}

static const struct sink_ops probe_ops = {.name = "probe", .enabled = probe_enabled, .open = probe_open, .write = probe_write,
					  .flush = probe_flush, .bytes = probe_bytes, .close = probe_close};

// One with a spool counts what it is given, before it comes or is refused.
static unsigned given, refused;

static void probe_give(void *state, enum sink_stream stream)
{
	(void)state;
	assert_int_equal(stream, SINK_FLOWS);
	given++;
}

static void probe_refuse(void *state, enum sink_stream stream)
{
	(void)state;
	assert_int_equal(stream, SINK_FLOWS);
	refused++;
}

static const struct config config = {.limits.sink_queue_bytes = 1 << 16};

static struct sink *started(void)
{
	struct sink *sink = NULL;
	struct err err = {""};

	memset(&probe, 0, sizeof(probe));
	assert_int_equal(sink_start(&probe_ops, &config, 0, &sink, &err), 0);
	return sink;
}

static bool push(struct sink *sink, uint64_t id)
{
	uint64_t words[LENGTH / 8] = {0};
	struct record *r = (struct record *)(void *)words;

	r->length = LENGTH;
	r->flow_id = id;
	return sink_push(sink, r);
}

// As control does in a replay.
static void push_all(struct sink *sink, uint64_t first, uint64_t n)
{
	for (uint64_t id = first; id < first + n; id++)
		while (!push(sink, id))
			sched_yield();
}

static void nothing_is_lost(void **state)
{
	struct sink *sink = started();
	struct sink_stats stats;
	struct err err = {""};

	(void)state;
	push_all(sink, 0, RECORDS);
	assert_int_equal(sink_stop(sink, &err), 0);
	sink_stats(sink, &stats);
	assert_string_equal(stats.name, "probe");
	assert_int_equal(stats.queued, RECORDS);
	assert_int_equal(stats.written, RECORDS);
	assert_int_equal(stats.dropped_error, 0);
	assert_int_equal(stats.dropped_queue_full, 0);
	assert_int_equal(stats.written_bytes, RECORDS * 10);
	assert_string_equal(stats.error, "");
	assert_false(probe.wrong_order);
	assert_true(probe.largest_batch <= 256);
	assert_true(probe.flushes >= 1);
	assert_int_equal(probe.closes, 1);
	assert_string_equal(probe.thread_name, "sink-probe");
	assert_int_equal(sink_stop(sink, &err), 0); // a second time does nothing
	assert_int_equal(probe.closes, 1);
	sink_free(sink);
}

static void what_is_given_is_counted(void **state)
{
	struct record r = {.type = RECORD_FLOW, .length = sizeof(r)};
	struct sink_ops ops = probe_ops;
	struct sink_stats stats;
	struct sink *sink;
	struct err err = {""};

	(void)state;
	memset(&probe, 0, sizeof(probe));
	ops.give = probe_give;
	ops.refuse = probe_refuse;
	given = refused = 0;
	assert_int_equal(sink_start(&ops, &config, 0, &sink, &err), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_true(sink_push(sink, &r));
	assert_int_equal(given, 5);
	sink_drop(sink, &r);
	assert_int_equal(given, 6);
	assert_int_equal(refused, 1);
	atomic_store(&probe.held, true);
	while (sink_push(sink, &r))
		;
	assert_int_equal(refused, 1); // who pushes decides
	atomic_store(&probe.held, false);
	assert_int_equal(sink_stop(sink, &err), 0);
	sink_stats(sink, &stats);
	assert_int_equal(stats.written, given - 1);
	sink_free(sink);
}

static void a_full_queue_refuses(void **state)
{
	struct sink *sink = started();
	struct sink_stats stats;
	struct err err = {""};
	uint64_t queued = 0;

	(void)state;
	atomic_store(&probe.held, true);
	while (push(sink, queued))
		queued++;
	assert_int_equal(queued, (1 << 16) / LENGTH);
	sink_drop(sink, &(struct record){.type = RECORD_FLOW});
	sink_stats(sink, &stats);
	assert_int_equal(stats.queued, queued);
	assert_int_equal(stats.written, 0);
	assert_int_equal(stats.dropped_queue_full, 1);
	atomic_store(&probe.held, false);
	push_all(sink, queued, 100);
	assert_int_equal(sink_stop(sink, &err), 0);
	sink_stats(sink, &stats);
	assert_int_equal(stats.queued, queued + 100);
	assert_int_equal(stats.written, queued + 100);
	assert_false(probe.wrong_order);
	sink_free(sink);
}

static void errors_are_counted_and_it_goes_on(void **state)
{
	struct sink *sink = started();
	struct sink_stats stats;
	struct err err = {""};

	(void)state;
	atomic_store(&probe.fail_from, 1000);
	atomic_store(&probe.fail_to, 2000);
	push_all(sink, 0, RECORDS);
	assert_int_equal(sink_stop(sink, &err), -EIO);
	assert_string_equal(err.text, "record 1000 cannot be written"); // the first one
	sink_stats(sink, &stats);
	assert_string_equal(stats.error, err.text);
	assert_int_equal(stats.queued, stats.written + stats.dropped_error);
	assert_true(stats.dropped_error >= 1000 && stats.dropped_error < 1000 + 2 * 256);
	assert_true(stats.written > RECORDS - 2000);
	sink_free(sink);
}

static void what_does_not_open_is_not_there(void **state)
{
	struct sink *sink = NULL;
	struct err err = {""};

	(void)state;
	memset(&probe, 0, sizeof(probe));
	probe.open_code = -EACCES;
	assert_int_equal(sink_start(&probe_ops, &config, 0, &sink, &err), -EACCES);
	assert_string_equal(err.text, "cannot open the probe");
	assert_null(sink);
	assert_int_equal(probe.closes, 0);
}

static void an_error_of_close_is_told(void **state)
{
	struct sink *sink = started();
	struct err err = {""};

	(void)state;
	probe.close_code = -EDQUOT;
	push_all(sink, 0, 3);
	assert_int_equal(sink_stop(sink, &err), -EDQUOT);
	assert_string_equal(err.text, "cannot close the probe");
	sink_free(sink);
}

static void free_stops(void **state)
{
	struct sink *sink = started();

	(void)state;
	push_all(sink, 0, 10);
	sink_free(sink);
	assert_int_equal(probe.next, 10);
	assert_int_equal(probe.closes, 1);
	sink_free(NULL);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void idle_costs_little(void **state)
{
	struct sink *sink = started();
	uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);

	(void)state;
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = clock_ns(CLOCK_MONOTONIC) - wall;
	assert_true(cpu < wall / 5); // many times what it takes
	sink_free(sink);
}

static void what_is_queued_is_written_soon(void **state)
{
	struct sink *sink = started();

	(void)state;
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); // naps are long now
	assert_true(push(sink, 0));
	for (unsigned ms = 0; ms < 60000 && (probe.next == 0 || probe.flushes == 0); ms++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(probe.next, 1);
	assert_int_equal(probe.flushes, 1);
	sink_free(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(what_is_given_is_counted),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(errors_are_counted_and_it_goes_on),
		cmocka_unit_test(what_does_not_open_is_not_there),
		cmocka_unit_test(an_error_of_close_is_told),
		cmocka_unit_test(free_stops),
		cmocka_unit_test(idle_costs_little),
		cmocka_unit_test(what_is_queued_is_written_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
