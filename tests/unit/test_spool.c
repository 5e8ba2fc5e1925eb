// The log behind a remote output, as its header promises it: what was committed is read once and in order, over any number of runs;
// what a bound pushed out is told by a tombstone, to the id.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "../spool_kit.h"

enum { FLOWS, ALERTS, EVENTS, AGGREGATES };

static char folder[KIT_PATH_MAX];
static struct spool_config config;
static struct source src;
static struct receiver receiver;
static struct spool_batch batch, other;

static void open_log(void)
{
	source_open(&src, &config);
}

static void close_log(void)
{
	source_close(&src);
}

static void reopen_log(void)
{
	close_log();
	open_log();
}

static int begin(void **state)
{
	(void)state;
	kit_folder_make(folder, "spool");
	config = kit_config(folder);
	memset(&receiver, 0, sizeof(receiver));
	return 0;
}

static int end(void **state)
{
	(void)state;
	kit_folder_remove(folder);
	return 0;
}

static void put(unsigned stream, unsigned n, uint32_t length)
{
	for (unsigned i = 0; i < n; i++) {
		source_put(&src, stream, length);
		if (i % 64 == 63)
			spool_commit(src.spool);
	}
	spool_commit(src.spool);
}

static long drain(void)
{
	long n = receiver_drain(&receiver, src.spool, SPOOL_BATCH_MAX);

	if (n < 0)
		fail_msg("%s", receiver.wrong);
	return n;
}

static struct spool_stats stats(void)
{
	struct spool_stats s;

	spool_stats(src.spool, &s);
	return s;
}

static void take(struct spool_batch *one, unsigned place, unsigned max)
{
	assert_true(spool_read(src.spool, place, max, SPOOL_BATCH_BYTES_MAX, one) > 0);
}

static void assert_ids(const struct spool_batch *one, uint64_t boot, uint64_t first, uint64_t last)
{
	assert_int_equal(one->count, last - first + 1);
	assert_int_equal(one->entry[0].boot, boot);
	assert_int_equal(one->entry[0].first, first);
	assert_int_equal(one->entry[one->count - 1].last, last);
}

static struct spool_id id(uint64_t boot, uint64_t seq)
{
	return (struct spool_id){boot, seq};
}

// ---- append, commit, read, acknowledge ----

static void test_round_trip(void **state)
{
	static const uint32_t lengths[] = {1, 2, 7, 8, 9, 100, 4096, 65536, SPOOL_PAYLOAD_MAX};
	unsigned n = 0;

	(void)state;
	open_log();
	for (unsigned round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++, n++) {
			source_put(&src, n % SPOOL_STREAMS, lengths[i]);
			if (n % 7 == 0)
				spool_commit(src.spool);
		}
	spool_commit(src.spool);
	assert_int_equal(stats().waiting, n);
	assert_int_equal(drain(), n);
	assert_int_equal(receiver.records, n);
	assert_int_equal(receiver.duplicates, 0);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		assert_int_equal(receiver.last[i].seq, src.seq[i]);
		assert_int_equal(spool_acked(src.spool, i).seq, src.seq[i]);
		assert_int_equal(spool_acked(src.spool, i).boot, 1);
	}
	assert_int_equal(stats().given, n);
	assert_int_equal(stats().appended, n);
	assert_int_equal(stats().delivered, n);
	assert_int_equal(stats().waiting, 0);
	assert_int_equal(stats().waiting_bytes, 0);
	assert_int_equal(stats().tombstoned, 0);
	close_log();
}

static void test_uncommitted_is_not_read(void **state)
{
	(void)state;
	open_log();
	source_put(&src, FLOWS, 10);
	assert_int_equal(spool_read(src.spool, 0, 10, 1000, &batch), 0);
	spool_commit(src.spool);
	assert_int_equal(spool_read(src.spool, 0, 10, 1000, &batch), 1);
	assert_int_equal(spool_read(src.spool, 1, 10, 1000, &other), 0);
	close_log();
}

static void test_close_commits(void **state)
{
	(void)state;
	open_log();
	source_put(&src, FLOWS, 10);
	reopen_log();
	assert_int_equal(drain(), 1);
	assert_int_equal(receiver.records, 1);
	close_log();
}

static void test_batches_are_bounded(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 3000, 1000);
	assert_int_equal(spool_read(src.spool, 0, 5, SPOOL_BATCH_BYTES_MAX, &batch), 5);
	assert_ids(&batch, 1, 1, 5);
	assert_int_equal(batch.bytes, 5000);
	assert_in_range(spool_read(src.spool, 1, SPOOL_BATCH_MAX, 10000, &other), 1, 20);
	assert_true(other.bytes < 30000);
	assert_true(receiver_batch(&receiver, &batch)); // the other place has not touched it
	assert_true(receiver_batch(&receiver, &other));
	spool_ack(src.spool, &batch);
	spool_ack(src.spool, &other);
	assert_in_range(spool_read(src.spool, 0, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch), 100, SPOOL_BATCH_MAX);
	assert_true(receiver_batch(&receiver, &batch));
	spool_ack(src.spool, &batch);
	assert_int_equal(spool_read(src.spool, 1, SPOOL_BATCH_MAX, 1, &other), 1); // one always fits
	spool_ack(src.spool, &other);
	receiver_batch(&receiver, &other);
	drain();
	assert_int_equal(receiver.records, 3000);
	assert_int_equal(stats().delivered, 3000);
	close_log();
}

static void *late_commit(void *unused)
{
	(void)unused;
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	source_put(&src, FLOWS, 10);
	spool_commit(src.spool);
	return NULL;
}

static void test_wait(void **state)
{
	pthread_t thread;

	(void)state;
	open_log();
	assert_false(spool_wait(src.spool, 1));
	assert_int_equal(pthread_create(&thread, NULL, late_commit, NULL), 0);
	assert_true(spool_wait(src.spool, 10000));
	assert_true(spool_wait(src.spool, 0));
	pthread_join(thread, NULL);
	assert_int_equal(drain(), 1);
	assert_false(spool_wait(src.spool, 0));
	close_log();
}

static void test_unread(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 100, 100);
	take(&batch, 0, 10);
	take(&other, 1, 10);
	spool_unread(src.spool);
	take(&other, 1, 10);
	assert_ids(&other, 1, 1, 10);
	spool_ack(src.spool, &other);
	take(&batch, 0, 10);
	spool_unread(src.spool);
	take(&batch, 0, 10);
	assert_ids(&batch, 1, 11, 20);
	close_log();
}

// An older batch may be acknowledged while the next is on its way.
static void test_two_batches_on_their_way(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 30, 100);
	take(&batch, 0, 10);
	take(&other, 1, 10);
	spool_ack(src.spool, &batch);
	assert_int_equal(stats().delivered, 10);
	assert_int_equal(spool_acked(src.spool, FLOWS).seq, 10);
	spool_unread(src.spool);
	take(&batch, 0, 100);
	assert_ids(&batch, 1, 11, 30);
	close_log();
}

// ---- runs ----

static void test_boots(void **state)
{
	uint8_t instance[SPOOL_INSTANCE_BYTES];

	(void)state;
	open_log();
	assert_int_equal(spool_boot(src.spool), 1);
	memcpy(instance, spool_instance(src.spool), sizeof(instance));
	put(FLOWS, 10, 100);
	put(ALERTS, 3, 100);
	take(&batch, 0, 4);
	receiver_batch(&receiver, &batch);
	spool_ack(src.spool, &batch);
	for (uint64_t boot = 2; boot < 6; boot++) {
		reopen_log();
		assert_int_equal(spool_boot(src.spool), boot);
		assert_int_equal(stats().boot, boot);
		assert_memory_equal(spool_instance(src.spool), instance, sizeof(instance));
		assert_int_equal(spool_oldest_boot(src.spool), 1);
		put(FLOWS, 10, 100);
	}
	reopen_log();
	assert_int_equal(stats().recovered, 49);
	assert_int_equal(drain(), 49);
	assert_int_equal(receiver.duplicates, 0);
	assert_int_equal(receiver.records, 53);
	assert_int_equal(receiver.lost, 0);
	assert_int_equal(spool_oldest_boot(src.spool), 6);
	close_log();
}

static void test_ids_outlive_their_segments(void **state)
{
	(void)state;
	for (uint64_t boot = 1; boot <= 4; boot++) {
		open_log();
		assert_int_equal(spool_boot(src.spool), boot);
		if (boot > 1)
			assert_int_equal(spool_acked(src.spool, FLOWS).boot, boot - 1);
		put(FLOWS, 2000, 1000);
		drain();
		spool_turn(src.spool);
		assert_int_equal(stats().retained_bytes, 0);
		close_log();
	}
	assert_int_equal(receiver.records, 8000);
	assert_int_equal(receiver.duplicates, 0);
}

static void test_empty_runs(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		open_log();
		assert_int_equal(drain(), 0);
		close_log();
	}
	open_log();
	assert_int_equal(spool_boot(src.spool), 51);
	assert_true(stats().segments <= 2);
	close_log();
}

static void test_instances_differ(void **state)
{
	uint8_t first[SPOOL_INSTANCE_BYTES];

	(void)state;
	open_log();
	memcpy(first, spool_instance(src.spool), sizeof(first));
	close_log();
	kit_folder_empty(folder);
	open_log();
	assert_memory_not_equal(first, spool_instance(src.spool), sizeof(first));
	close_log();
}

static void test_one_process_at_a_time(void **state)
{
	struct spool *second = NULL;
	struct err err = {""};
	pid_t child;
	int said = 0;

	(void)state;
	open_log();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(spool_open(&config, &second, &err) == -EBUSY && second == NULL && err.text[0] != '\0' ? 7 : 1);
	assert_int_equal(waitpid(child, &said, 0), child);
	assert_true(WIFEXITED(said) && WEXITSTATUS(said) == 7);
	assert_int_equal(spool_open(&config, &second, &err), -EBUSY);
	put(FLOWS, 10, 10); // the first one has noticed nothing
	assert_int_equal(drain(), 10);
	close_log();
	open_log();
	assert_int_equal(spool_boot(src.spool), 2);
	close_log();
}

static void test_a_folder_that_cannot_be(void **state)
{
	char path[KIT_PATH_MAX + 32];
	struct err err = {""};

	(void)state;
	snprintf(path, sizeof(path), "%s/file", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	config.directory = path;
	assert_int_equal(spool_open(&config, &src.spool, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, path));
	snprintf(path, sizeof(path), "%s/file/below", folder);
	assert_int_equal(spool_open(&config, &src.spool, &err), -ENOTDIR);
}

// ---- holes ----

static void test_gaps(void **state)
{
	(void)state;
	open_log();
	source_put(&src, FLOWS, 10);
	source_gap(&src, FLOWS, 5, SPOOL_QUEUE);
	source_put(&src, FLOWS, 10);
	source_gap(&src, ALERTS, 1, SPOOL_QUEUE);
	spool_commit(src.spool);
	assert_int_equal(drain(), 4);
	assert_int_equal(receiver.records, 2);
	assert_int_equal(receiver.lost_by[SPOOL_QUEUE], 6);
	assert_int_equal(receiver.tombstones, 2);
	assert_int_equal(receiver.last[FLOWS].seq, 7);
	assert_int_equal(stats().tombstoned, 6);
	assert_int_equal(stats().tombstoned_by[SPOOL_QUEUE], 6);
	assert_int_equal(stats().given, 8);
	assert_int_equal(stats().delivered + stats().tombstoned, 8);
	close_log();
}

static void test_many_gaps(void **state)
{
	uint64_t lost = 0;

	(void)state;
	open_log();
	for (unsigned i = 1; i <= 500; i++, lost += i - 1) {
		source_gap(&src, i % SPOOL_STREAMS, i, SPOOL_QUEUE);
		if (i % 3 == 0)
			source_put(&src, i % SPOOL_STREAMS, 10);
	}
	reopen_log();
	drain();
	assert_int_equal(receiver.lost_by[SPOOL_QUEUE], lost);
	assert_int_equal(receiver.records, 166);
	close_log();
}

// ---- what was meant to be sent ----

static void test_intend(void **state)
{
	uint64_t at_segment, at_offset;

	(void)state;
	open_log();
	put(FLOWS, 100, 100);
	put(EVENTS, 20, 100);
	take(&batch, 0, 3);
	spool_ack(src.spool, &batch);
	take(&batch, 0, 17);
	at_segment = batch.end_segment;
	at_offset = batch.end_offset;
	spool_intend(src.spool, &batch);
	put(FLOWS, 50, 100);
	spool_unread(src.spool);
	take(&other, 1, SPOOL_BATCH_MAX);
	assert_ids(&other, 1, 4, 20);
	for (unsigned i = 0; i < 2; i++) {
		reopen_log();
		take(&batch, 0, SPOOL_BATCH_MAX);
		assert_ids(&batch, 1, 4, 20);
		assert_int_equal(batch.end_segment, at_segment);
		assert_int_equal(batch.end_offset, at_offset);
		spool_unread(src.spool);
		take(&batch, 0, 2); // as many as were meant, whatever is asked for now
		assert_ids(&batch, 1, 4, 20);
	}
	spool_ack(src.spool, &batch);
	take(&other, 1, SPOOL_BATCH_MAX); // what follows is bounded by nothing
	assert_int_equal(other.count, 150);
	reopen_log();
	take(&batch, 0, SPOOL_BATCH_MAX);
	assert_int_equal(batch.count, 150);
	close_log();
}

// ---- what the receiver has ----

static const bool all_known[SPOOL_STREAMS] = {true, true, true, true};

static void rewind_to(uint64_t boot, uint64_t flows, bool behind)
{
	struct spool_id have[SPOOL_STREAMS];

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		have[i] = spool_acked(src.spool, i);
	have[FLOWS] = id(boot, flows);
	memcpy(receiver.last, have, sizeof(have));
	assert_int_equal(spool_rewind(src.spool, all_known, have), behind);
}

static void test_rewind(void **state)
{
	(void)state;
	config.retain_bytes = 64u << 20;
	open_log();
	put(FLOWS, 1000, 1000);
	put(ALERTS, 10, 10);
	drain();
	assert_int_equal(stats().delivered, 1010);
	put(FLOWS, 10, 1000);
	rewind_to(1, 400, true);
	drain();
	assert_int_equal(receiver.last[FLOWS].seq, 1010);
	assert_int_equal(receiver.duplicates, 0); // alerts are not told again
	assert_int_equal(receiver.lost, 0);
	assert_int_equal(receiver.records, 1010 + 600 + 10);
	assert_int_equal(stats().delivered, 1020); // counted once
	assert_int_equal(stats().waiting, 0);
	rewind_to(1, 1010, false);
	assert_int_equal(drain(), 0);
	reopen_log();
	rewind_to(1, 1000, true);
	assert_int_equal(drain(), 10);
	rewind_to(0, 0, true);
	drain();
	assert_int_equal(receiver.last[FLOWS].seq, 1010);
	assert_int_equal(receiver.duplicates, 0);
	close_log();
}

static void test_rewind_again_before_the_cursor(void **state)
{
	(void)state;
	config.retain_bytes = 64u << 20;
	open_log();
	put(FLOWS, 1000, 1000);
	drain();
	rewind_to(1, 100, true);
	take(&batch, 0, 50);
	assert_ids(&batch, 1, 101, 150);
	spool_ack(src.spool, &batch);
	rewind_to(1, 120, true); // it lost some once more
	take(&batch, 0, 10);
	assert_ids(&batch, 1, 121, 130);
	spool_unread(src.spool);
	rewind_to(1, 990, true);
	take(&batch, 0, 100);
	assert_ids(&batch, 1, 991, 1000);
	spool_ack(src.spool, &batch);
	assert_int_equal(stats().delivered, 1000);
	put(FLOWS, 5, 10);
	receiver_batch(&receiver, &batch);
	assert_int_equal(drain(), 5);
	close_log();
}

static void test_rewind_beyond_retention(void **state)
{
	(void)state;
	config.retain_bytes = 2 * KIT_SEGMENT;
	open_log();
	put(FLOWS, 3000, 1000);
	drain();
	spool_turn(src.spool);
	assert_in_range(stats().retained_bytes, 1, 3 * KIT_SEGMENT);
	rewind_to(1, 10, true);
	memset(receiver.lost_by, 0, sizeof(receiver.lost_by));
	receiver.records = receiver.tombstones = 0;
	drain();
	assert_int_equal(receiver.last[FLOWS].seq, 3000);
	assert_int_equal(receiver.tombstones, 1);
	assert_true(receiver.lost_by[SPOOL_RETENTION] > 0);
	assert_int_equal(receiver.records + receiver.lost_by[SPOOL_RETENTION], 2990);
	assert_true(receiver.records >= 300);
	close_log();
}

// It took the batch, and the answer was lost.
static void test_rewind_ahead(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 100, 100);
	put(ALERTS, 5, 100);
	take(&batch, 0, 10);
	spool_ack(src.spool, &batch);
	rewind_to(1, 60, false);
	take(&batch, 0, SPOOL_BATCH_MAX);
	assert_int_equal(batch.entry[0].first, 61);
	assert_true(receiver_batch(&receiver, &batch));
	spool_ack(src.spool, &batch);
	assert_int_equal(receiver.last[ALERTS].seq, 5);
	assert_int_equal(stats().delivered, 105); // it has them all
	assert_int_equal(stats().waiting, 0);
	close_log();
}

static void test_rewind_of_some_streams(void **state)
{
	struct spool_id have[SPOOL_STREAMS] = {{1, 50}, {0, 0}, {0, 0}, {0, 0}};
	const bool known[SPOOL_STREAMS] = {true};

	(void)state;
	config.retain_bytes = 64u << 20;
	open_log();
	put(FLOWS, 100, 100);
	put(ALERTS, 5, 100);
	drain();
	assert_true(spool_rewind(src.spool, known, have));
	receiver.last[FLOWS] = have[FLOWS];
	receiver.records = 0;
	drain();
	assert_int_equal(receiver.records, 50); // alerts follow the cursor, or come again; both is right
	assert_true(receiver.duplicates == 0 || receiver.duplicates == 5);
	close_log();
}

// A tombstone of which the receiver has a part is told for the rest.
static void test_rewind_into_a_tombstone(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 10, 100);
	source_gap(&src, FLOWS, 10, SPOOL_QUEUE);
	put(FLOWS, 10, 100);
	rewind_to(1, 15, false);
	drain();
	assert_int_equal(receiver.last[FLOWS].seq, 30);
	assert_int_equal(receiver.lost, 5);
	assert_int_equal(receiver.records, 10);
	close_log();
}

// A receiver that has more than was ever given (another log of the same name): nothing is sent that it would refuse, nothing hangs.
static void test_rewind_to_the_future(void **state)
{
	struct spool_id have[SPOOL_STREAMS] = {{1, 1000000}, {99, 1}, {UINT64_MAX, UINT64_MAX}, {1, 0}};

	(void)state;
	open_log();
	put(FLOWS, 10, 100);
	put(ALERTS, 10, 100);
	put(EVENTS, 10, 100);
	put(AGGREGATES, 10, 100);
	spool_rewind(src.spool, all_known, have);
	memcpy(receiver.last, have, sizeof(have));
	drain();
	assert_int_equal(receiver.last[AGGREGATES].seq, 10);
	assert_int_equal(receiver.last[FLOWS].seq, 1000000);
	close_log();
}

// The run before could not keep its boot number, and the receiver has ids of it that this run would give out again: those it would
// refuse as known. So this run goes on with a later boot.
static void test_receiver_of_a_forgotten_run(void **state)
{
	struct spool_id have[SPOOL_STREAMS] = {{1, 50}, {1, 3}, {0, 0}, {0, 0}};

	(void)state;
	open_log();
	put(FLOWS, 10, 100);
	put(EVENTS, 4, 100);
	memcpy(receiver.last, have, sizeof(have));
	spool_rewind(src.spool, all_known, have);
	spool_commit(src.spool);
	assert_int_equal(spool_boot(src.spool), 2);
	put(FLOWS, 5, 100);
	drain();
	assert_int_equal(receiver.last[FLOWS].boot, 2);
	assert_int_equal(receiver.last[FLOWS].seq, 15);
	assert_int_equal(receiver.records, 5);
	assert_int_equal(receiver.lost_by[SPOOL_DISK], 14);
	assert_int_equal(stats().waiting, 0);
	spool_rewind(src.spool, all_known, receiver.last); // once is enough
	spool_commit(src.spool);
	assert_int_equal(spool_boot(src.spool), 2);
	reopen_log();
	assert_int_equal(spool_boot(src.spool), 3);
	assert_int_equal(stats().recovered, 0);
	close_log();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(round_trip), TEST(uncommitted_is_not_read), TEST(close_commits), TEST(batches_are_bounded), TEST(wait),
		TEST(unread), TEST(two_batches_on_their_way), TEST(boots), TEST(ids_outlive_their_segments), TEST(empty_runs),
		TEST(instances_differ), TEST(one_process_at_a_time), TEST(a_folder_that_cannot_be), TEST(gaps), TEST(many_gaps),
		TEST(intend), TEST(rewind), TEST(rewind_again_before_the_cursor), TEST(rewind_beyond_retention), TEST(rewind_ahead),
		TEST(rewind_of_some_streams), TEST(rewind_into_a_tombstone), TEST(rewind_to_the_future),
		TEST(receiver_of_a_forgotten_run),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
