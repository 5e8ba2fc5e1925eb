// The spool when it is full: each policy drops what it says, in whatever state the reader is, and what is dropped is told to the id:
// delivered + tombstoned = given, over any number of runs.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "../spool_kit.h"
#include "spool/spool_inside.h"

enum { FLOWS, ALERTS, EVENTS, AGGREGATES };
enum { QUOTA_SEGMENTS = 4, RECORD = 1000 };

static char folder[KIT_PATH_MAX];
static struct spool_config config;
static struct source src;
static struct receiver receiver;
static struct spool_batch batch, other;
static uint64_t given; // over all runs

static void open_log(void)
{
	source_open(&src, &config);
}

static void close_log(void)
{
	source_close(&src);
}

static int begin(void **state)
{
	(void)state;
	kit_folder_make(folder, "spool-room");
	config = kit_config(folder);
	config.quota_bytes = QUOTA_SEGMENTS * KIT_SEGMENT;
	memset(&receiver, 0, sizeof(receiver));
	given = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	kit_folder_remove(folder);
	return 0;
}

static void put(unsigned stream, unsigned n)
{
	for (unsigned i = 0; i < n; i++, given++) {
		source_put(&src, stream, RECORD);
		if (i % 50 == 49)
			spool_commit(src.spool);
	}
	spool_commit(src.spool);
}

static struct spool_stats stats(void)
{
	struct spool_stats s;

	spool_stats(src.spool, &s);
	return s;
}

static void drain(void)
{
	if (receiver_drain(&receiver, src.spool, SPOOL_BATCH_MAX) < 0)
		fail_msg("%s", receiver.wrong);
}

// What it has in its folder, in bytes.
static uint64_t folder_bytes(void)
{
	DIR *all = opendir(folder);
	const struct dirent *one;
	uint64_t bytes = 0;
	struct stat st;

	assert_non_null(all);
	while ((one = readdir(all)) != NULL)
		if (fstatat(dirfd(all), one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	closedir(all);
	return bytes;
}

static void assert_adds_up(void)
{
	struct spool_stats s = stats();

	assert_int_equal(receiver.duplicates, 0);
	assert_int_equal(receiver.records + receiver.lost, given);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		assert_int_equal(receiver.last[i].boot == s.boot ? receiver.last[i].seq : 0, src.seq[i]);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(s.recovered + s.given, s.delivered + s.tombstoned);
	assert_true(s.waiting_bytes < KIT_SEGMENT);
}

static void test_drop_oldest(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 10000);
	assert_true(stats().waiting_bytes <= config.quota_bytes);
	assert_true(folder_bytes() <= config.quota_bytes + 16384);
	drain();
	assert_adds_up();
	assert_int_equal(receiver.lost_by[SPOOL_QUOTA], receiver.lost);
	assert_int_equal(receiver.tombstones, 1);
	assert_in_range(receiver.records, 600, 1300);
	assert_int_equal(stats().tombstoned_by[SPOOL_QUOTA], receiver.lost);
	close_log();
}

static void test_drop_newest(void **state)
{
	(void)state;
	config.policy = SPOOL_DROP_NEWEST;
	open_log();
	put(FLOWS, 10000);
	assert_true(folder_bytes() <= config.quota_bytes + 16384);
	assert_int_equal(spool_read(src.spool, 0, 10, SPOOL_BATCH_BYTES_MAX, &batch), 10);
	assert_int_equal(batch.entry[0].first, 1);
	spool_unread(src.spool);
	drain();
	spool_turn(src.spool);
	put(FLOWS, 100); // there is room again
	drain();
	assert_adds_up();
	assert_int_equal(receiver.lost_by[SPOOL_QUOTA], receiver.lost);
	assert_in_range(receiver.records, 700, 1400);
	close_log();
}

// Closed while full: what was dropped is told by the next run.
static void full_over_runs(enum spool_policy policy)
{
	config.policy = policy;
	for (unsigned run = 0; run < 5; run++) {
		open_log();
		put(FLOWS, 3000);
		put(EVENTS, 10);
		close_log();
	}
	open_log();
	put(FLOWS, 1);
	drain();
	put(FLOWS, 1);
	drain();
	assert_adds_up();
	assert_true(receiver.records >= 600);
	close_log();
}

static void test_oldest_over_runs(void **state)
{
	(void)state;
	full_over_runs(SPOOL_DROP_OLDEST);
}

static void test_newest_over_runs(void **state)
{
	(void)state;
	full_over_runs(SPOOL_DROP_NEWEST);
}

// More runs lost something than there is room for tombstones that wait, and nothing follows: once there is room all is told.
static void test_newest_over_many_runs(void **state)
{
	(void)state;
	config.policy = SPOOL_DROP_NEWEST;
	for (unsigned run = 0; run < 2 * SPOOL_GAPS_MAX; run++) {
		open_log();
		put(FLOWS, 3000);
		close_log();
	}
	open_log();
	drain();
	spool_commit(src.spool);
	drain();
	assert_int_equal(receiver.records + receiver.lost, given);
	assert_int_equal(receiver.lost_by[SPOOL_QUOTA], receiver.lost);
	assert_int_equal(stats().waiting, 0);
	close_log();
}

// A stream of which nothing follows what was dropped.
static void test_the_last_of_a_stream(void **state)
{
	(void)state;
	open_log();
	put(EVENTS, 5);
	put(FLOWS, 5000);
	drain();
	assert_adds_up();
	assert_int_equal(receiver.last[EVENTS].seq, 5);
	close_log();
}

static void test_alerts_last(void **state)
{
	(void)state;
	config.keep_last = 1u << ALERTS;
	open_log();
	for (unsigned i = 0; i < 200; i++) {
		put(FLOWS, 49);
		put(ALERTS, 1);
	}
	drain();
	assert_adds_up();
	assert_true(receiver.lost > 5000);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++) // no alert was lost
		assert_int_equal(receiver.last[i].seq, src.seq[i]);
	assert_int_equal(stats().delivered, receiver.records);
	close_log();
}

static void test_alerts_alone_are_lost_to_the_quota(void **state)
{
	(void)state;
	config.keep_last = 1u << ALERTS;
	open_log();
	put(FLOWS, 100);
	put(ALERTS, 9000);
	put(FLOWS, 100);
	assert_true(folder_bytes() <= config.quota_bytes + 16384);
	drain();
	assert_adds_up();
	assert_true(receiver.records > 600);
	close_log();
}

static void test_alerts_over_runs(void **state)
{
	uint64_t alerts = 0, kept = 0;

	(void)state;
	config.keep_last = 1u << ALERTS;
	for (unsigned run = 0; run < 4; run++) {
		open_log();
		for (unsigned i = 0; i < 40; i++, alerts++) {
			put(ALERTS, 1);
			put(FLOWS, 60);
		}
		close_log();
	}
	open_log();
	while (spool_read(src.spool, 0, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch) > 0) {
		assert_true(receiver_batch(&receiver, &batch));
		for (unsigned i = 0; i < batch.count; i++)
			kept += batch.entry[i].stream == ALERTS && batch.entry[i].cause == SPOOL_KEPT;
		spool_ack(src.spool, &batch);
	}
	assert_adds_up();
	assert_int_equal(kept, alerts);
	close_log();
}

// ---- under the reader's feet ----

static void test_dropped_while_on_its_way(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 500);
	assert_int_equal(spool_read(src.spool, 0, 100, SPOOL_BATCH_BYTES_MAX, &batch), 100);
	assert_int_equal(spool_read(src.spool, 1, 100, SPOOL_BATCH_BYTES_MAX, &other), 100);
	put(FLOWS, 5000);
	assert_true(receiver_batch(&receiver, &batch)); // what was read stays as it was
	spool_ack(src.spool, &batch);
	spool_unread(src.spool);
	drain();
	assert_adds_up();
	close_log();
}

static void test_dropped_while_it_was_unsent(void **state)
{
	(void)state;
	open_log();
	put(FLOWS, 500);
	assert_int_equal(spool_read(src.spool, 0, 100, SPOOL_BATCH_BYTES_MAX, &batch), 100);
	put(FLOWS, 5000);
	spool_unread(src.spool);
	drain();
	assert_adds_up();
	close_log();
}

// What is read again for a receiver that lost it stays until it has been.
static void test_read_again_is_not_dropped(void **state)
{
	struct spool_id nothing[SPOOL_STREAMS] = {{0, 0}};

	(void)state;
	config.quota_bytes = 64u << 20;
	open_log(); // retains nothing: what was acknowledged goes with the next turn
	put(FLOWS, 2000);
	drain();
	memset(&receiver, 0, sizeof(receiver));
	assert_true(spool_rewind(src.spool, (const bool[]){true, true, true, true}, nothing));
	assert_int_equal(spool_read(src.spool, 0, 10, SPOOL_BATCH_BYTES_MAX, &batch), 10);
	spool_turn(src.spool);
	spool_unread(src.spool);
	drain();
	assert_int_equal(receiver.records, 2000);
	assert_adds_up();
	close_log();
}

// A tombstone for what is retained no more and what waited, which is counted once.
static void test_lost_twice(void **state)
{
	struct spool_id nothing[SPOOL_STREAMS] = {{0, 0}};

	(void)state;
	open_log();
	put(FLOWS, 1000);
	drain();
	spool_turn(src.spool); // retains nothing
	put(FLOWS, 5000);      // most of which are dropped
	memset(&receiver, 0, sizeof(receiver));
	assert_true(spool_rewind(src.spool, (const bool[]){true, true, true, true}, nothing));
	drain();
	assert_adds_up();
	assert_int_equal(receiver.tombstones, 1);
	assert_int_equal(stats().delivered, 1000 + receiver.records);
	close_log();
}

// Thinned while a batch of it is on its way: the places in it are not those of what stands there now.
static void test_thinned_while_on_its_way(void **state)
{
	unsigned kept = 0, n;

	(void)state;
	config.keep_last = 1u << ALERTS;
	open_log();
	for (unsigned i = 0; i < 150; i++) {
		put(ALERTS, 3);
		put(FLOWS, 1);
	}
	n = spool_read(src.spool, 0, 100, SPOOL_BATCH_BYTES_MAX, &batch);
	assert_int_equal(n, 100);
	put(FLOWS, 1200); // the first segment is thinned, and stays
	do {
		assert_true(receiver_batch(&receiver, &batch));
		for (unsigned i = 0; i < n; i++)
			kept += batch.entry[i].stream == ALERTS && batch.entry[i].cause == SPOOL_KEPT;
		spool_ack(src.spool, &batch);
		spool_unread(src.spool);
		n = spool_read(src.spool, 0, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch);
	} while (n > 0);
	assert_int_equal(kept, src.seq[ALERTS]);
	assert_adds_up();
	assert_int_equal(stats().damaged_bytes, 0);
	assert_int_equal(stats().delivered, receiver.records);
	close_log();
}

// The same, and the process dies before it acknowledges anything else.
static void test_thinned_and_killed(void **state)
{
	unsigned kept = 0;
	pid_t child = fork();
	int status;

	(void)state;
	config.keep_last = 1u << ALERTS;
	if (child == 0) {
		open_log();
		put(FLOWS, 50);
		put(ALERTS, 100);
		put(FLOWS, 100);
		spool_read(src.spool, 0, 100, SPOOL_BATCH_BYTES_MAX, &batch);
		spool_ack(src.spool, &batch);
		put(ALERTS, 80);
		put(FLOWS, 1300);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	open_log();
	while (spool_read(src.spool, 0, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch) > 0) {
		for (unsigned i = 0; i < batch.count; i++)
			kept += batch.entry[i].stream == ALERTS && batch.entry[i].cause == SPOOL_KEPT;
		spool_ack(src.spool, &batch);
	}
	assert_int_equal(kept, 130);
	assert_int_equal(stats().damaged_bytes, 0);
	close_log();
}

static unsigned open_files(void)
{
	DIR *all = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(all);
	while (readdir(all) != NULL)
		n++;
	closedir(all);
	return n;
}

// A spool of 4 GB has 512 segments, and a process may have 1024 files open.
static void test_waiting_segments_are_not_open(void **state)
{
	unsigned before;

	(void)state;
	config.quota_bytes = 64u << 20;
	config.retain_bytes = 64u << 20;
	open_log();
	before = open_files();
	put(FLOWS, 10000);
	assert_in_range(stats().segments, 20, 64);
	assert_in_range(open_files(), before, before + 2);
	drain();
	assert_in_range(open_files(), before, before + 2);
	assert_adds_up();
	close_log();
}

// ---- a disk that does not answer ----

static atomic_bool disk_hangs, disk_hung;

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	while (disk_hangs) {
		disk_hung = true;
		usleep(1000);
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

static atomic_uint syncs, syncs_fail;

int fdatasync(int fd)
{
	if (syncs++ < syncs_fail) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

// What a sync failed for is written again, and synced.
static void test_written_again_is_synced(void **state)
{
	(void)state;
	config.fsync_ms = 0;
	open_log();
	syncs = 0;
	syncs_fail = 1;
	put(FLOWS, 20);
	assert_int_equal(stats().fsync_failures, 1);
	assert_int_equal(stats().fsyncs, 2);
	assert_int_equal(stats().segments, 2);
	drain();
	assert_adds_up();
	close_log();
}

static void *put_much(void *ignored)
{
	put(FLOWS, 1000);
	return ignored;
}

// Who asks for the numbers is control, which workers wait for.
static void test_stats_do_not_wait_for_the_disk(void **state)
{
	pthread_t writer;

	(void)state;
	open_log();
	put(FLOWS, 10);
	stats();
	disk_hangs = true;
	assert_int_equal(pthread_create(&writer, NULL, put_much, NULL), 0);
	while (!disk_hung)
		usleep(1000);
	alarm(60);
	assert_true(stats().appended >= 10);
	alarm(0);
	disk_hangs = false;
	pthread_join(writer, NULL);
	drain();
	assert_adds_up();
	close_log();
}

static void test_reader_keeps_pace(void **state)
{
	(void)state;
	open_log();
	for (unsigned i = 0; i < 100; i++) {
		put(i % SPOOL_STREAMS, 100);
		drain();
		spool_turn(src.spool);
	}
	assert_adds_up();
	assert_int_equal(receiver.lost, 0);
	close_log(); // a turn looks for what may go once a second, and the first time
	open_log();
	spool_turn(src.spool);
	assert_true(folder_bytes() <= 2 * KIT_SEGMENT);
	close_log();
}

static void test_retention_is_bounded(void **state)
{
	(void)state;
	config.quota_bytes = 64u << 20;
	config.retain_bytes = 3 * KIT_SEGMENT;
	open_log();
	put(FLOWS, 10000);
	drain();
	close_log();
	open_log();
	spool_turn(src.spool);
	assert_in_range(stats().retained_bytes, 2 * KIT_SEGMENT, 3 * KIT_SEGMENT);
	assert_true(folder_bytes() <= 5 * KIT_SEGMENT);
	assert_int_equal(receiver.lost, 0);
	close_log();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(drop_oldest), TEST(drop_newest), TEST(oldest_over_runs), TEST(newest_over_runs), TEST(newest_over_many_runs), TEST(the_last_of_a_stream),
		TEST(alerts_last), TEST(alerts_alone_are_lost_to_the_quota), TEST(alerts_over_runs), TEST(dropped_while_on_its_way),
		TEST(dropped_while_it_was_unsent), TEST(read_again_is_not_dropped), TEST(lost_twice),
		TEST(thinned_while_on_its_way), TEST(thinned_and_killed),
		TEST(waiting_segments_are_not_open),
		TEST(written_again_is_synced), TEST(stats_do_not_wait_for_the_disk), TEST(reader_keeps_pace), TEST(retention_is_bounded),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
