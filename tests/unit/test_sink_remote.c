// A remote sink against a receiver made for the test, which behaves as badly as a real one can: answers get lost, batches are executed
// late, acknowledged entries are lost again, refusals come and go. Whatever it does: in the end each stream has every id once, in
// order, and what was lost for good is told exactly.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sink/sink_remote.h"

enum { RECORDS = 60000, STORE_MAX = 1 << 18 };

struct stored {
	uint64_t boot, first, last;
	uint8_t cause;
	char timestamp[32]; // the payload says when; the test gives each record a time of its own
};

static struct {
	unsigned seed;
	_Atomic unsigned fault_of;   // one in so many calls goes wrong; 0: none
	unsigned lose_of;    // one in so many connects finds that entries were lost; 0: never
	atomic_bool away;
	struct stored *stream[SINK_STREAMS];
	unsigned count[SINK_STREAMS];
	const struct spool_batch *sent;
	struct spool_batch late; // of a connection that was given up, executed after the next one asked where to go on
	bool has_late;
	unsigned connects, lost, duplicates, largest;
	bool disorder;
	unsigned wrong_password;
} far;

static unsigned dice(unsigned of)
{
	return of == 0 ? ~0u : (unsigned)rand_r(&far.seed) % of;
}

static int far_create(const struct config *config, void **state, char *target, struct err *err)
{
	(void)config;
	if (far.wrong_password == 2)
		return err_set(err, -EINVAL, "these settings cannot work");
	*state = &far;
	snprintf(target, SINK_TARGET_MAX, "the far side");
	return 0;
}

static int order(const struct stored *last, const struct spool_entry *e)
{
	if (e->boot != last->boot)
		return e->boot < last->boot ? -1 : 1;
	return e->last <= last->last ? -1 : 1;
}

static void execute(const struct spool_batch *batch, unsigned *duplicates)
{
	for (unsigned i = 0; i < batch->count; i++) {
		const struct spool_entry *e = &batch->entry[i];
		struct stored *row = &far.stream[e->stream][far.count[e->stream]];
		const struct stored *last = row - 1;

		if (far.count[e->stream] > 0 && order(last, e) < 0) {
			++*duplicates;
			continue;
		}
		if (far.count[e->stream] > 0 && e->boot == last->boot && e->first != last->last + 1)
			far.disorder = true;
		*row = (struct stored){.boot = e->boot, .first = e->first, .last = e->last, .cause = e->cause};
		if (e->length > 0) {
			const char *at = memmem(e->payload, e->length, "\"timestamp\":\"", 13);

			assert_non_null(at);
			memcpy(row->timestamp, at + 13, sizeof(row->timestamp) - 1);
		}
		far.count[e->stream]++;
	}
}

static int far_connect(void *state, const struct remote_identity *identity, struct remote_where *where, struct remote_fault *fault)
{
	(void)state;
	assert_true(identity->oldest_boot > 0);
	if (far.wrong_password == 1)
		return remote_fail(fault, "auth", true, "the password is wrong");
	if (atomic_load(&far.away) || dice(far.fault_of) == 0)
		return remote_fail(fault, "refused", false, "nobody is there");
	far.connects++;
	if (dice(far.lose_of) == 0)
		for (unsigned i = 0; i < SINK_AGGREGATES; i++) {
			unsigned n = far.count[i] < 300 ? far.count[i] : 300;

			far.lost += n;
			far.count[i] -= n;
		}
	for (unsigned i = 0; i < SINK_AGGREGATES; i++) {
		where->known[i] = true;
		if (far.count[i] > 0)
			where->last[i] = (struct spool_id){far.stream[i][far.count[i] - 1].boot, far.stream[i][far.count[i] - 1].last};
	}
	if (far.has_late)
		execute(&far.late, &far.duplicates);
	far.has_late = false;
	return 0;
}

static int far_send(void *state, const struct spool_batch *batch, struct remote_fault *fault)
{
	(void)state;
	if (dice(far.fault_of) == 0)
		return remote_fail(fault, "reset", false, "the connection broke");
	far.sent = batch;
	far.largest = batch->count > far.largest ? batch->count : far.largest;
	return 0;
}

static int far_receive(void *state, unsigned *duplicates, struct remote_fault *fault)
{
	(void)state;
	if (atomic_load(&far.away))
		return remote_fail(fault, "timeout", false, "no answer");
	switch (dice(far.fault_of * 4)) {
	case 0: // executed, the answer is lost
		execute(far.sent, duplicates);
		return remote_fail(fault, "timeout", false, "no answer");
	case 1: // refused as a whole
		remote_fail(fault, "oom", false, "no memory there");
		fault->keep = true;
		return -EIO;
	case 2: // executed once it wakes up
		far.late = *far.sent;
		for (unsigned i = 0; i < far.late.count; i++)
			if (far.late.entry[i].length > 0)
				far.late.entry[i].payload = strndup(far.late.entry[i].payload, far.late.entry[i].length); // a socket's buffer
		far.has_late = true;
		return remote_fail(fault, "timeout", false, "no answer");
	default:
		execute(far.sent, duplicates);
		return 0;
	}
}

static void far_disconnect(void *state)
{
	(void)state;
}

static const struct remote_ops far_ops = {
	.name = "far", .create = far_create, .connect = far_connect, .send = far_send, .receive = far_receive,
	.disconnect = far_disconnect, .destroy = far_disconnect,
};

static int open_far(const struct config *config, void **state, struct err *err)
{
	return remote_open(&far_ops, config, state, err);
}

static const struct sink_ops far_sink = {.name = "far", .aggregates = true, .open = open_far, SINK_REMOTE};

// ---- the test's side ----

static char folder[64];
static struct config config;

static void folder_empty(const char *below)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s%s'", folder, below);
	assert_int_equal(system(command), 0);
}

static int begin(void **state)
{
	(void)state;
	memset(&far, 0, sizeof(far));
	for (unsigned i = 0; i < SINK_STREAMS; i++)
		far.stream[i] = calloc(STORE_MAX, sizeof(struct stored));
	config_defaults(&config);
	snprintf(folder, sizeof(folder), "/tmp/spanwatch-remote-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(config.spool.directory, sizeof(config.spool.directory), "%s", folder);
	snprintf(config.capture.replay, sizeof(config.capture.replay), "some.pcap"); // the end is waited for
	config.limits.sink_queue_bytes = 1 << 20;
	config.spool.segment_mb = 1;
	config.spool.exit_wait_s = 20;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SINK_STREAMS; i++)
		free(far.stream[i]);
	folder_empty("");
	return 0;
}

static struct sink *started(void)
{
	struct sink *sink;
	struct err err = {""};

	assert_int_equal(sink_start(&far_sink, &config, 0, &sink, &err), 0);
	return sink;
}

static void push(struct sink *sink, uint64_t n, bool flow)
{
	static uint64_t storage[RECORD_LENGTH_MAX / 8];
	struct record *r = (struct record *)(void *)storage;

	memset(r, 0, sizeof(*r) + 4096);
	r->type = flow ? RECORD_FLOW : RECORD_ARP;
	r->time_ns = n * 1000;
	r->length = (uint32_t)sizeof(*r) + record_body_size(flow ? RECORD_FLOW : RECORD_ARP);
	while (!sink_push(sink, r))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void produce(struct sink *sink, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n < to; n++)
		push(sink, n, n % 3 == 0);
}

static struct sink_stats ended(struct sink *sink)
{
	struct sink_stats stats;
	struct err err = {""};

	assert_int_equal(sink_stop(sink, &err), 0);
	sink_stats(sink, &stats);
	sink_free(sink);
	assert_int_equal(stats.written + stats.dropped_queue_full + stats.recovered, stats.delivered + stats.waiting + stats.tombstoned);
	return stats;
}

// Ids of each boot have no hole, and each record that is there was given in this order. Returns records; *told: ids of tombstones.
static uint64_t verify(uint64_t *told)
{
	uint64_t records = 0;

	*told = 0;
	assert_false(far.disorder);
	for (unsigned s = 0; s < SINK_AGGREGATES; s++) {
		const char *before = "";

		for (unsigned i = 0; i < far.count[s]; i++) {
			const struct stored *row = &far.stream[s][i];

			if (i > 0 && row->boot == row[-1].boot)
				assert_int_equal(row->first, row[-1].last + 1);
			else
				assert_int_equal(row->first, 1);
			*told += row->cause != SPOOL_KEPT ? row->last - row->first + 1 : 0;
			if (row->cause != SPOOL_KEPT)
				continue;
			records++;
			assert_true(strcmp(before, row->timestamp) < 0);
			before = row->timestamp;
		}
	}
	return records;
}

static void all_arrive(void **state)
{
	struct sink *sink = started();
	struct sink_stats stats;
	uint64_t told;

	(void)state;
	produce(sink, 1, RECORDS);
	stats = ended(sink);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(stats.delivered, RECORDS - 1);
	assert_int_equal(verify(&told), RECORDS - 1);
	assert_int_equal(told, 0);
	assert_true(far.largest > 100);
}

static void faults_lose_nothing(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 4; seed++) {
		struct sink *sink;
		struct sink_stats stats;
		uint64_t told;

		far.seed = seed;
		far.fault_of = 4;
		far.lose_of = seed % 2 == 0 ? 3 : 0;
		memset(far.count, 0, sizeof(far.count));
		sink = started();
		for (uint64_t n = 1; n < 6000; n += 100) {
			produce(sink, n, n + 100 < 6000 ? n + 100 : 6000);
			usleep(3000);
		}
		far.fault_of = 0; // what is left goes at the end
		stats = ended(sink);
		assert_int_equal(stats.waiting, 0);
		assert_int_equal(verify(&told), 5999);
		assert_int_equal(told, 0);
		assert_true(stats.faults > 0);
		folder_empty("/far");
	}
}

static struct sink *started_away(void)
{
	atomic_store(&far.away, true);
	return started();
}

static void away_it_waits_and_the_next_run_sends(void **state)
{
	struct sink *sink = started_away();
	struct sink_stats stats;
	uint64_t told;

	(void)state;
	produce(sink, 1, 5000);
	stats = ended(sink);
	assert_int_equal(stats.waiting, 4999);
	assert_int_equal(stats.delivered, 0);
	assert_int_equal(stats.state, SINK_DEGRADED);
	assert_string_equal(stats.cause, "refused");
	atomic_store(&far.away, false);
	sink = started();
	produce(sink, 5000, 6000);
	stats = ended(sink);
	assert_int_equal(stats.recovered, 4999);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(verify(&told), 5999);
	assert_int_equal(told, 0);
}

static void beyond_retention_it_is_told(void **state)
{
	struct sink *sink;
	struct sink_stats stats;
	uint64_t told, records;

	(void)state;
	config.spool.retain_mb = 0;
	sink = started();
	produce(sink, 1, 20000);
	ended(sink);
	memset(far.count, 0, sizeof(far.count)); // FLUSHALL
	sink = started();
	produce(sink, 20000, 20003);
	stats = ended(sink);
	records = verify(&told);
	assert_int_equal(stats.waiting, 0);
	assert_true(told > 0);
	assert_int_equal(records + told, 20002);
	for (unsigned s = 0; s < SINK_AGGREGATES; s++)
		if (far.count[s] > 0 && far.stream[s][0].cause != SPOOL_KEPT)
			assert_int_equal(far.stream[s][0].cause, SPOOL_RETENTION);
}

static void what_the_queue_refused_is_told(void **state)
{
	struct sink *sink = started();
	struct record r = {.type = RECORD_FLOW, .length = sizeof(r)};
	struct sink_stats stats;
	uint64_t told;

	(void)state;
	produce(sink, 1, 100);
	for (unsigned i = 0; i < 7; i++)
		sink_drop(sink, &r);
	produce(sink, 100, 200);
	stats = ended(sink);
	assert_int_equal(stats.tombstoned, 7);
	assert_int_equal(verify(&told), 199);
	assert_int_equal(told, 7);
}

static void other_settings_take_effect(void **state)
{
	struct sink *sink;
	struct sink_stats stats;
	struct err err = {""};
	uint64_t told;

	(void)state;
	far.wrong_password = 1;
	sink = started();
	produce(sink, 1, 100);
	for (unsigned i = 0; i < 6000; i++) {
		sink_stats(sink, &stats);
		if (stats.state == SINK_DEGRADED)
			break;
		usleep(10000);
	}
	assert_string_equal(stats.cause, "auth");
	far.wrong_password = 2;
	assert_int_equal(sink_apply(sink, &config, &err), -EINVAL);
	far.wrong_password = 0;
	assert_int_equal(sink_apply(sink, &config, &err), 0);
	stats = ended(sink);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(verify(&told), 99);
}

static void state_comes(struct sink *sink, uint64_t connects, uint64_t faults_most)
{
	struct sink_stats stats;

	for (unsigned i = 0; i < 500; i++) {
		sink_stats(sink, &stats);
		if (stats.connects == connects && stats.waiting == 0)
			break;
		usleep(10000);
	}
	assert_int_equal(stats.connects, connects);
	assert_int_equal(stats.waiting, 0);
	assert_in_range(stats.faults, 0, faults_most);
}

// Off, it sends what waits, takes leave, and does not come again before it is on.
static void off_it_leaves_the_server_alone(void **state)
{
	struct sink *sink = started_away();
	struct sink_stats stats;
	uint64_t told;

	(void)state;
	produce(sink, 1, 100);
	sink_switch(sink, false);
	usleep(300000);
	atomic_store(&far.away, false);
	state_comes(sink, 1, 100);
	atomic_store(&far.away, true);
	sink_stats(sink, &stats);
	usleep(400000); // in which it would have tried some times
	state_comes(sink, 1, (unsigned)stats.faults);
	sink_stats(sink, &stats);
	assert_int_equal(stats.state, SINK_OFF);
	assert_string_equal(stats.error, "");
	atomic_store(&far.away, false);
	sink_switch(sink, true);
	state_comes(sink, 2, (unsigned)stats.faults);
	produce(sink, 100, 200);
	stats = ended(sink);
	assert_int_equal(stats.delivered, 199);
	assert_int_equal(verify(&told), 199);
	assert_int_equal(told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_arrive, begin, end),
		cmocka_unit_test_setup_teardown(faults_lose_nothing, begin, end),
		cmocka_unit_test_setup_teardown(away_it_waits_and_the_next_run_sends, begin, end),
		cmocka_unit_test_setup_teardown(beyond_retention_it_is_told, begin, end),
		cmocka_unit_test_setup_teardown(what_the_queue_refused_is_told, begin, end),
		cmocka_unit_test_setup_teardown(other_settings_take_effect, begin, end),
		cmocka_unit_test_setup_teardown(off_it_leaves_the_server_alone, begin, end),
	};

	return cmocka_run_group_tests_name("sink_remote", tests, NULL, NULL);
}
