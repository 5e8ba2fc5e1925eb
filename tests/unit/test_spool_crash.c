// A child that lives on a spool and dies at a point that chance chooses: by SIGKILL, which takes nothing that was written, or with the
// machine, which takes what was not synced. After each death the next child opens the same folder, reads, and goes on. A receiver that
// outlives them all (shared memory) must see every id once, in order, none missing; what commit had returned for must be a record.
//
// The calls that reach the disk are this program's own and pass through here, so that it can die before, after and in the middle of
// each; and so that it knows what has been synced: that is copied to a folder beside, from which a power loss is put together.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../spool_kit.h"
#include "spool/spool_inside.h"

enum { DEATHS = 200, POWER_LOSSES = 100, FILE_ROOM = 1 << 20, PATH_ROOM = KIT_PATH_MAX + 300, PAGE = 4096, STEPS_MAX = 3000, CALLS_MAX = 400 };

struct shared { // what outlives a child
	struct receiver receiver;
	uint64_t boot, seq[SPOOL_STREAMS];       // given so far, or about to be
	uint64_t before[SPOOL_STREAMS];          // given for sure
	uint64_t committed[SPOOL_STREAMS];       // commit had returned
	uint64_t records_since;                  // taken in this life
	bool opened;
};

static struct shared *shared;
static char folder[KIT_PATH_MAX], durable[KIT_PATH_MAX];
static struct spool_config config;
static uint64_t dice_state;
static long calls_left = -1; // until death; negative: none is planned
static bool power;      // what is synced is copied

static uint32_t dice(uint32_t n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice_state >> 33) % n;
}

// ---- the calls of the spool ----

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

// 0: go on, 1: die before the call, 2: half way through, 3: after it.
static unsigned fate(void)
{
	if (calls_left < 0 || --calls_left > 0)
		return 0;
	calls_left = -1;
	return 1 + dice(3);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	unsigned how = fate();
	ssize_t put;

	if (how == 1)
		die();
	put = syscall(SYS_pwrite64, fd, bytes, how == 2 ? n / 2 : n, at);
	if (how > 0)
		die();
	return put;
}

static void copy(const char *from, const char *to)
{
	static uint8_t bytes[FILE_ROOM];
	int in = open(from, O_RDONLY | O_NOFOLLOW), out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	ssize_t n = out >= 0 ? read(in, bytes, sizeof(bytes)) : -1;

	if (n > 0 && write(out, bytes, (size_t)n) != n)
		abort();
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

// Only of files in the folder, and not at their descriptors' places.
static void synced(const char *path)
{
	char to[PATH_ROOM];

	if (!power || strncmp(path, folder, strlen(folder)) != 0 || strrchr(path, '/') < path + strlen(folder))
		return;
	snprintf(to, sizeof(to), "%s%s", durable, strrchr(path, '/'));
	copy(path, to);
}

static int sync_call(int fd)
{
	unsigned how = fate();
	char link[64], path[PATH_ROOM] = "";

	if (how == 1 || how == 2)
		die();
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) > 0)
		synced(path);
	if (how > 0)
		die();
	return 0;
}

int fdatasync(int fd)
{
	return sync_call(fd);
}

int fsync(int fd)
{
	return sync_call(fd);
}

int msync(void *at, size_t n, int flags)
{
	char path[PATH_ROOM];

	(void)at, (void)n, (void)flags;
	snprintf(path, sizeof(path), "%s/state", folder);
	synced(path);
	return 0;
}

int unlinkat(int dir, const char *name, int flags)
{
	unsigned how = fate();
	int rc;

	if (how == 1)
		die();
	rc = (int)syscall(SYS_unlinkat, dir, name, flags);
	if (how > 0)
		die();
	return rc;
}

int renameat(int from, const char *old, int to, const char *new)
{
	unsigned how = fate();
	int rc;

	if (how == 1)
		die();
	rc = (int)syscall(SYS_renameat, from, old, to, new);
	if (how > 0)
		die();
	return rc;
}

int ftruncate(int fd, off_t size)
{
	unsigned how = fate();
	int rc;

	if (how == 1)
		die();
	rc = (int)syscall(SYS_ftruncate, fd, size);
	if (how > 0)
		die();
	return rc;
}

// ---- the life of a child ----

static struct spool_batch batch[2];

static void produce(struct spool *spool)
{
	unsigned stream = dice(SPOOL_STREAMS);
	uint32_t length = dice(50) == 0 ? 1 + dice(SPOOL_PAYLOAD_MAX) : 1 + dice(2000);
	static char payload[SPOOL_PAYLOAD_MAX];

	if (dice(40) == 0) {
		shared->seq[stream]++;
		spool_give(spool, stream);
		shared->before[stream]++;
		spool_append_gap(spool, stream, 1, SPOOL_QUEUE);
		return;
	}
	kit_payload(payload, stream, shared->boot, ++shared->seq[stream], length);
	spool_give(spool, stream);
	shared->before[stream]++;
	spool_append(spool, stream, payload, length);
}

static void commit(struct spool *spool)
{
	uint64_t sure[SPOOL_STREAMS];

	memcpy(sure, shared->before, sizeof(sure));
	spool_commit(spool);
	memcpy(shared->committed, sure, sizeof(sure));
}

// Takes a batch; chance says whether it is acknowledged, meant, or forgotten.
static void consume(struct spool *spool, unsigned place)
{
	if (spool_read(spool, place, 1 + dice(200), SPOOL_BATCH_BYTES_MAX, &batch[place]) == 0)
		return;
	if (dice(8) == 0) {
		spool_unread(spool);
		return;
	}
	if (dice(3) == 0)
		spool_intend(spool, &batch[place]);
	receiver_batch(&shared->receiver, &batch[place]);
	if (dice(10) == 0)
		die();
	spool_ack(spool, &batch[place]);
}

static void live(uint64_t seed)
{
	const bool known[SPOOL_STREAMS] = {true, true, true, true};
	struct spool *spool;
	struct err err;

	dice_state = seed;
	calls_left = dice(4) == 0 ? -1 : 1 + (long)dice(CALLS_MAX);
	if (spool_open(&config, &spool, &err) != 0)
		_exit(2);
	shared->boot = spool_boot(spool);
	memset(shared->seq, 0, sizeof(shared->seq));
	memset(shared->before, 0, sizeof(shared->before));
	memset(shared->committed, 0, sizeof(shared->committed));
	shared->opened = true;
	if (power || dice(2) == 0)
		spool_rewind(spool, known, shared->receiver.last);
	for (unsigned step = 0; step < STEPS_MAX; step++) {
		unsigned what = dice(10);

		if (what < 6)
			produce(spool);
		else if (what < 7)
			commit(spool);
		else if (what < 9)
			consume(spool, step % 2);
		else
			spool_turn(spool);
		if (dice(STEPS_MAX) == 0)
			die();
	}
	if (spool_close(spool, &err) != 0)
		_exit(3);
	_exit(0);
}

// Reads all there is, in this process, without a death. Returns the boot.
static uint64_t settle(const struct spool_id have[SPOOL_STREAMS], struct spool_stats *stats)
{
	const bool known[SPOOL_STREAMS] = {true, true, true, true};
	struct spool *spool;
	struct err err = {""};
	uint64_t boot;

	calls_left = -1;
	if (spool_open(&config, &spool, &err) != 0)
		fail_msg("%s", err.text);
	if (have != NULL)
		spool_rewind(spool, known, have);
	if (receiver_drain(&shared->receiver, spool, SPOOL_BATCH_MAX) < 0)
		fail_msg("%s", shared->receiver.wrong);
	spool_stats(spool, stats);
	boot = spool_boot(spool);
	if (stats->waiting != 0)
		fail_msg("boot %llu: %llu wait after all was read (recovered %llu, delivered %llu, tombstoned %llu)", (unsigned long long)boot,
			 (unsigned long long)stats->waiting, (unsigned long long)stats->recovered, (unsigned long long)stats->delivered,
			 (unsigned long long)stats->tombstoned);
	if (spool_close(spool, &err) != 0)
		fail_msg("%s", err.text);
	return boot;
}

static void one_life(uint64_t seed)
{
	pid_t child = fork();
	int said;

	assert_true(child >= 0);
	if (child == 0)
		live(seed);
	assert_int_equal(waitpid(child, &said, 0), child);
	if (WIFEXITED(said) && WEXITSTATUS(said) != 0)
		fail_msg("seed %llu: the child ended with %d", (unsigned long long)seed, WEXITSTATUS(said));
	if (shared->receiver.wrong[0] != '\0')
		fail_msg("seed %llu: %s", (unsigned long long)seed, shared->receiver.wrong);
}

static int begin(void **state)
{
	(void)state;
	kit_folder_make(folder, "spool-crash");
	kit_folder_make(durable, "spool-durable");
	config = kit_config(folder);
	config.quota_bytes = 1u << 30;
	config.fsync_ms = 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared != MAP_FAILED ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	power = false;
	kit_folder_remove(folder);
	kit_folder_remove(durable);
	return munmap(shared, sizeof(*shared));
}

// Each id of the life that ended: given ones are all there, those that were committed as records.
static void assert_nothing_lost(uint64_t seed, const uint64_t lost_before[SPOOL_CAUSES])
{
	const struct receiver *r = &shared->receiver;
	uint64_t uncommitted = 0;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++) {
		uint64_t has = r->last[i].boot == shared->boot ? r->last[i].seq : 0;

		if (has < shared->before[i] || has > shared->seq[i])
			fail_msg("seed %llu: stream %u ends at %llu, given were %llu", (unsigned long long)seed, i, (unsigned long long)has,
				 (unsigned long long)shared->before[i]);
		uncommitted += shared->seq[i] - shared->committed[i];
	}
	if (r->lost_by[SPOOL_CRASH] - lost_before[SPOOL_CRASH] > uncommitted)
		fail_msg("seed %llu: %llu told lost, %llu were not committed", (unsigned long long)seed,
			 (unsigned long long)(r->lost_by[SPOOL_CRASH] - lost_before[SPOOL_CRASH]), (unsigned long long)uncommitted);
	for (unsigned cause = 1; cause < SPOOL_CAUSES; cause++)
		if (cause != SPOOL_CRASH && cause != SPOOL_QUEUE && r->lost_by[cause] != lost_before[cause])
			fail_msg("seed %llu: lost by %s", (unsigned long long)seed, spool_cause_names[cause]);
}

static void test_sigkill(void **state)
{
	uint64_t crashes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= DEATHS; seed++) {
		uint64_t lost_before[SPOOL_CAUSES];
		struct spool_stats stats;

		config.retain_bytes = seed % 3 == 0 ? 1u << 20 : 0;
		memcpy(lost_before, shared->receiver.lost_by, sizeof(lost_before));
		shared->opened = false;
		shared->boot = 0;
		one_life(seed);
		if (seed % 4 == 3)
			continue; // two deaths in a row, with what the first left
		crashes++;
		settle(seed % 2 == 0 ? shared->receiver.last : NULL, &stats);
		if (shared->opened && seed % 4 != 0)
			assert_nothing_lost(seed, lost_before);
	}
	assert_true(crashes > 0);
	assert_int_equal(shared->receiver.lost_by[SPOOL_DAMAGE], 0);
	assert_true(shared->receiver.lost_by[SPOOL_CRASH] > 0);
	assert_true(shared->receiver.records > 10000);
}

// ---- the machine goes down ----

// What the disk has of one file: for each page either what was synced or what is there now; it may have been named, or not yet.
static void file_after_power_loss(const char *name)
{
	static uint8_t now[FILE_ROOM], then[FILE_ROOM];
	char path[PATH_ROOM], kept[PATH_ROOM];
	int in, out;
	ssize_t n, had;

	snprintf(path, sizeof(path), "%s/%.63s", folder, name);
	snprintf(kept, sizeof(kept), "%s/%.63s", durable, name);
	memset(now, 0, sizeof(now));
	memset(then, 0, sizeof(then));
	in = open(path, O_RDONLY | O_NOFOLLOW);
	out = open(kept, O_RDONLY | O_NOFOLLOW);
	n = in >= 0 ? read(in, now, sizeof(now)) : 0;
	had = out >= 0 ? read(out, then, sizeof(then)) : -1;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (had < 0 && dice(2) == 0) {
		unlink(path);
		return;
	}
	for (size_t at = 0; at < sizeof(now); at += PAGE)
		if (dice(2) == 0)
			memcpy(now + at, then + at, PAGE);
	if (had > 0 && had < n && dice(2) == 0)
		n = had;
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_int_equal(write(out, now, (size_t)n), n);
	close(out);
}

// The page was written by a machine that ran before this one.
static void machine_other(void)
{
	char path[PATH_ROOM];
	int fd;

	snprintf(path, sizeof(path), "%s/state", folder);
	fd = open(path, O_WRONLY | O_NOFOLLOW);
	if (fd < 0)
		return;
	assert_int_equal(pwrite(fd, "another", 8, offsetof(struct spool_file_state, machine)), 8);
	close(fd);
}

static void power_loss(void)
{
	DIR *all = opendir(folder);
	const struct dirent *one;
	char names[256][64];
	unsigned count = 0;

	assert_non_null(all);
	while ((one = readdir(all)) != NULL && count < 256)
		if (one->d_type == DT_REG)
			snprintf(names[count++], sizeof(names[0]), "%.63s", one->d_name);
	closedir(all);
	for (unsigned i = 0; i < count; i++)
		file_after_power_loss(names[i]);
	machine_other();
}

// The last ids that had been synced.
static void durable_ids(struct spool_id last[SPOOL_STREAMS])
{
	static uint8_t bytes[FILE_ROOM];
	DIR *all = opendir(durable);
	const struct dirent *one;

	memset(last, 0, SPOOL_STREAMS * sizeof(*last));
	assert_non_null(all);
	while ((one = readdir(all)) != NULL) {
		size_t at = sizeof(struct spool_file_header);
		struct spool_file_entry e;
		int fd, size;
		ssize_t n;

		if (strstr(one->d_name, ".spool") == NULL)
			continue;
		fd = openat(dirfd(all), one->d_name, O_RDONLY);
		n = read(fd, bytes, sizeof(bytes));
		close(fd);
		while ((ssize_t)at < n && (size = spool_entry_look(bytes + at, (size_t)n - at, &e)) > 0) {
			if (spool_id_compare((struct spool_id){e.boot, e.last}, last[e.stream]) > 0)
				last[e.stream] = (struct spool_id){e.boot, e.last};
			at += (size_t)size;
		}
	}
	closedir(all);
}

// Of the life that ended, no more may be lost than what was not synced.
static void assert_synced_is_there(uint64_t seed, const struct spool_id last[SPOOL_STREAMS], uint64_t lost)
{
	uint64_t unsynced = 0;

	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		unsynced += shared->seq[i] - (last[i].boot == shared->boot ? last[i].seq : 0);
	if (lost > unsynced)
		fail_msg("seed %llu: %llu lost, %llu had not been synced", (unsigned long long)seed, (unsigned long long)lost,
			 (unsigned long long)unsynced);
}

static uint64_t lost_with_the_machine(void)
{
	return shared->receiver.lost_by[SPOOL_POWER] + shared->receiver.lost_by[SPOOL_DAMAGE];
}

// What was in the log when the power went, as far as it was synced a while ago, is read; what the receiver has is not told again, and
// its ids are never given to others.
static void test_power(void **state)
{
	uint64_t boot = 0;

	(void)state;
	power = true;
	config.retain_bytes = 1u << 20;
	memset(shared, 0, sizeof(*shared));
	for (uint64_t seed = 1000; seed < 1000 + POWER_LOSSES; seed++) {
		struct spool_stats stats;
		struct spool_id have[SPOOL_STREAMS], last[SPOOL_STREAMS];
		uint64_t now, lost;

		shared->boot = 0;
		memset(shared->seq, 0, sizeof(shared->seq));
		one_life(seed);
		assert_true(shared->boot == 0 || shared->boot > boot);
		boot = shared->boot > boot ? shared->boot : boot;
		dice_state = seed * 77;
		durable_ids(last);
		power_loss();
		memcpy(have, shared->receiver.last, sizeof(have));
		lost = lost_with_the_machine();
		now = settle(have, &stats);
		assert_true(now > boot);
		if (shared->boot > 0)
			assert_synced_is_there(seed, last, lost_with_the_machine() - lost);
		boot = now;
	}
	assert_int_equal(shared->receiver.lost_by[SPOOL_CRASH], 0);
	assert_true(shared->receiver.lost_by[SPOOL_POWER] > 0);
	assert_true(shared->receiver.records > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sigkill, begin, end),
		cmocka_unit_test_setup_teardown(test_power, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
