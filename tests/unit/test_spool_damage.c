// What may have become of the files between two runs: torn, flipped, zeroed, cut, doubled, exchanged for links and pipes. What is
// sound is read, the rest is told, kept aside and counted; nothing is followed, nothing hangs.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../spool_kit.h"
#include "spool/spool_inside.h"

enum { FLOWS, ALERTS, EVENTS, AGGREGATES };
enum { FILE_ROOM = 1 << 20, PATH_ROOM = KIT_PATH_MAX + 300 };

static char folder[KIT_PATH_MAX], outside[KIT_PATH_MAX];
static struct spool_config config;
static struct source src;
static struct receiver receiver;
static struct spool_batch batch;
static uint64_t given;
static uint8_t file[FILE_ROOM]; // the one that is edited

static const char *path_of(const char *name)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *segment(unsigned number)
{
	static char name[SPOOL_NAME_MAX];

	spool_segment_name(number, "spool", name);
	return name;
}

static size_t load(const char *name)
{
	int fd = open(path_of(name), O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, file, sizeof(file)) : -1;

	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

static void store(const char *name, const void *bytes, size_t n)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

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
	kit_folder_make(folder, "spool-damage");
	kit_folder_make(outside, "spool-outside");
	config = kit_config(folder);
	memset(&receiver, 0, sizeof(receiver));
	given = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	kit_folder_remove(folder);
	kit_folder_remove(outside);
	return 0;
}

static void put(unsigned stream, unsigned n, uint32_t length)
{
	for (unsigned i = 0; i < n; i++, given++)
		source_put(&src, stream, length);
	spool_commit(src.spool);
}

// A run that leaves n records of a stream.
static void run(unsigned stream, unsigned n, uint32_t length)
{
	open_log();
	put(stream, n, length);
	close_log();
}

static struct spool_stats stats(void)
{
	struct spool_stats s;

	spool_stats(src.spool, &s);
	return s;
}

// The run after the damage: reads all, one record of each stream more, and closes. It has to add up.
static struct spool_stats recover_and_check(void)
{
	struct spool_stats s;

	open_log();
	if (receiver_drain(&receiver, src.spool, SPOOL_BATCH_MAX) < 0)
		fail_msg("%s", receiver.wrong);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		put(i, 1, 10);
	if (receiver_drain(&receiver, src.spool, SPOOL_BATCH_MAX) < 0)
		fail_msg("%s", receiver.wrong);
	s = stats();
	assert_int_equal(receiver.records + receiver.lost, given);
	assert_int_equal(s.waiting, 0);
	for (unsigned i = 0; i < SPOOL_STREAMS; i++)
		assert_int_equal(receiver.last[i].boot, s.boot);
	close_log();
	return s;
}

static void fresh(void)
{
	kit_folder_empty(folder);
	memset(&receiver, 0, sizeof(receiver));
	given = 0;
}

// Where the entries of a segment begin; the last one is the end.
static unsigned entries_of(size_t n, size_t at[], unsigned room)
{
	struct spool_file_entry e;
	unsigned count = 0;
	int size;

	at[0] = sizeof(struct spool_file_header);
	while (count + 1 < room && (size = spool_entry_look(file + at[count], n - at[count], &e)) > 0) {
		at[count + 1] = at[count] + (size_t)size;
		count++;
	}
	return count;
}

// ---- the tail ----

static void test_torn_at_every_byte(void **state)
{
	size_t at[16];

	(void)state;
	for (size_t cut = 0; cut < 200; cut++) {
		fresh();
		run(FLOWS, 10, 100);
		assert_int_equal(entries_of(load(segment(1)), at, 16), 10);
		if (at[9] + cut >= at[10])
			break;
		assert_int_equal(truncate(path_of(segment(1)), (off_t)(at[9] + cut)), 0);
		recover_and_check();
		assert_int_equal(receiver.records, 9 + SPOOL_STREAMS);
		assert_int_equal(receiver.lost, 1);
	}
}

static void test_zeroed_tail(void **state)
{
	size_t at[16];

	(void)state;
	for (unsigned kept = 0; kept <= 10; kept++) {
		size_t n;

		fresh();
		run(FLOWS, 10, 1000);
		n = load(segment(1));
		entries_of(n, at, 16);
		memset(file + at[kept], 0, n - at[kept]);
		store(segment(1), file, n);
		recover_and_check();
		assert_int_equal(receiver.lost, 10 - kept);
	}
}

// Half a page of the last record came to the disk, the rest reads as zero.
static void test_zeroes_within_a_record(void **state)
{
	size_t at[16];

	(void)state;
	for (size_t from = 1; from < 1000; from += 37) {
		size_t n;

		fresh();
		run(FLOWS, 10, 1000);
		n = load(segment(1));
		entries_of(n, at, 16);
		memset(file + at[9] + from, 0, n - at[9] - from);
		store(segment(1), file, n);
		recover_and_check();
		assert_int_equal(receiver.lost, 1);
	}
}

// ---- flipped bits ----

static void flip(unsigned segments, unsigned which, size_t byte, unsigned bit)
{
	size_t at[16], n;

	fresh();
	for (unsigned i = 0; i < segments; i++)
		run(FLOWS, 10, 100);
	n = load(segment(1));
	entries_of(n, at, 16);
	file[at[which] + byte] ^= (uint8_t)(1u << bit);
	store(segment(1), file, n);
	recover_and_check();
	assert_in_range(receiver.lost, 1, 10 - which);
	assert_int_equal(receiver.lost_by[SPOOL_QUOTA] + receiver.lost_by[SPOOL_RETENTION] + receiver.lost_by[SPOOL_QUEUE], 0);
}

static void test_flipped_in_the_header_of_an_entry(void **state)
{
	(void)state;
	for (size_t byte = 0; byte < offsetof(struct spool_file_entry, reserved); byte++)
		flip(1 + byte % 2, 4, byte, byte % 8);
}

static void test_flipped_in_the_payload(void **state)
{
	(void)state;
	for (size_t byte = 0; byte < 100; byte += 9) {
		struct spool_stats s;

		flip(2, 4, sizeof(struct spool_file_entry) + byte, byte % 8);
		assert_int_equal(receiver.lost, 1); // its length is sound: only this one
		assert_int_equal(receiver.lost_by[SPOOL_DAMAGE], 1);
		s = (fresh(), flip(2, 9, sizeof(struct spool_file_entry) + byte, 0), recover_and_check());
		assert_int_equal(s.boot, 4);
	}
}

static void test_damage_is_kept_aside(void **state)
{
	struct spool_stats s;
	size_t at[16], n;

	(void)state;
	run(FLOWS, 10, 100);
	run(FLOWS, 10, 100);
	n = load(segment(1));
	entries_of(n, at, 16);
	file[at[4] + 60] ^= 1;
	store(segment(1), file, n);
	s = recover_and_check();
	assert_int_equal(s.damaged_files, 1);
	assert_int_equal(s.damaged_bytes, at[5] - at[4]);
	assert_int_equal(s.tombstoned_by[SPOOL_DAMAGE], 1);
	assert_true(is_there("0000000001.damaged"));
	assert_int_equal(load("0000000001.damaged"), at[5] - at[4]);
	open_log(); // once is enough
	assert_int_equal(stats().damaged_bytes, 0);
	close_log();
}

// ---- lengths that lie ----

static void length_lies(uint32_t size, uint32_t length, bool crc_fits)
{
	struct spool_file_entry e;
	size_t at[16], n;

	fresh();
	run(FLOWS, 10, 100);
	run(EVENTS, 10, 100);
	n = load(segment(1));
	entries_of(n, at, 16);
	memcpy(&e, file + at[5], sizeof(e));
	e.size = size;
	e.length = length;
	memcpy(file + at[5], &e, sizeof(e));
	if (crc_fits && size >= sizeof(e) && at[5] + size <= n) {
		e.crc = spool_crc(0, file + at[5] + 8, size - 8);
		memcpy(file + at[5], &e, sizeof(e));
	}
	store(segment(1), file, n);
	recover_and_check();
	assert_in_range(receiver.lost, 1, 5);
}

static void test_lengths_that_lie(void **state)
{
	static const uint32_t sizes[] = {1, 7, 8, 39, 40, 41, 48, 136, 152, 1 << 16, 1 << 20, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
	static const uint32_t lengths[] = {0, 1, 101, 104, 105, 1 << 16, SPOOL_PAYLOAD_MAX + 1, 0x7fffffff, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		length_lies(sizes[i], 100, i % 2 == 0);
	for (size_t i = 1; i < sizeof(lengths) / sizeof(*lengths); i++)
		length_lies(144, lengths[i], false);
	length_lies(144, 105, true);
}

// A sound checksum over ids that cannot be: huge, backwards, of a stream or cause that is none.
static void test_ids_that_cannot_be(void **state)
{
	static const struct spool_file_entry forged[] = {
		{.boot = 1, .first = 0, .last = 0, .stream = FLOWS, .length = 100},
		{.boot = 0, .first = 6, .last = 6, .stream = FLOWS, .length = 100},
		{.boot = 1, .first = 7, .last = 6, .stream = FLOWS, .length = 100},
		{.boot = 1, .first = 6, .last = 8, .stream = FLOWS, .length = 100},
		{.boot = 1, .first = 6, .last = 6, .stream = SPOOL_STREAMS, .length = 100},
		{.boot = 1, .first = 6, .last = 6, .stream = 255, .length = 100},
		{.boot = 1, .first = 6, .last = 6, .stream = FLOWS, .cause = SPOOL_CAUSES, .length = 0},
	};
	size_t at[16], n;

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
		fresh();
		run(FLOWS, 10, 100);
		run(FLOWS, 1, 100);
		n = load(segment(1));
		entries_of(n, at, 16);
		spool_entry_put(file + at[5], &forged[i], file + at[5] + sizeof(forged[i]));
		store(segment(1), file, n);
		recover_and_check();
		assert_in_range(receiver.lost, 1, 5);
	}
}

// ---- segments ----

static void header_edit(unsigned number, void (*edit)(struct spool_file_header *), bool crc_fits)
{
	struct spool_file_header h;
	size_t n = load(segment(number));

	memcpy(&h, file, sizeof(h));
	edit(&h);
	if (crc_fits)
		h.crc = spool_header_crc(&h);
	memcpy(file, &h, sizeof(h));
	store(segment(number), file, n);
}

static void foreign_endian(struct spool_file_header *h)
{
	h->endian = __builtin_bswap32(h->endian);
	h->version = __builtin_bswap32(h->version);
	h->number = __builtin_bswap64(h->number);
}

static void other_magic(struct spool_file_header *h)
{
	h->magic[0] = 'X';
}

static void other_number(struct spool_file_header *h)
{
	h->number += 7;
}

static void other_instance(struct spool_file_header *h)
{
	h->instance[3] ^= 1;
}

static void broken(struct spool_file_header *h)
{
	h->before[0].seq ^= 4;
}

static void test_headers(void **state)
{
	static void (*const edits[])(struct spool_file_header *) = {foreign_endian, other_magic, other_number, other_instance, broken};

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++)
		for (unsigned number = 1; number <= 3; number++) {
			struct spool_stats s;

			fresh();
			run(FLOWS, 10, 100);
			run(ALERTS, 10, 100);
			run(FLOWS, 10, 100);
			header_edit(number, edits[i], edits[i] != broken);
			s = recover_and_check();
			assert_int_equal(receiver.lost, 10);
			assert_int_equal(s.damaged_files, 1);
			assert_false(is_there(segment(number)));
			assert_true(is_there(number == 1 ? "0000000001.damaged" : number == 2 ? "0000000002.damaged" : "0000000003.damaged"));
		}
}

static void newer(struct spool_file_header *h)
{
	h->version = SPOOL_VERSION + 1;
}

// Everything in the folder, names and contents, as one number.
static uint64_t folder_sum(void)
{
	DIR *all = opendir(folder);
	const struct dirent *one;
	uint64_t sum = 0;

	assert_non_null(all);
	while ((one = readdir(all)) != NULL)
		if (one->d_type == DT_REG) {
			size_t n = load(one->d_name);

			sum += kit_mix(spool_crc(spool_crc(0, one->d_name, strlen(one->d_name)), file, n) + n);
		}
	closedir(all);
	return sum;
}

static void assert_refused_untouched(void)
{
	uint64_t sum = folder_sum();
	struct err err = {""};

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(spool_open(&config, &src.spool, &err), -EPROTONOSUPPORT);
		assert_non_null(strstr(err.text, "newer"));
		assert_int_equal(folder_sum(), sum);
	}
}

static void test_newer_segment_is_left_alone(void **state)
{
	(void)state;
	run(FLOWS, 10, 100);
	run(FLOWS, 10, 100);
	header_edit(2, newer, true);
	assert_refused_untouched();
	header_edit(2, broken, false); // a flipped bit is no newer version
	recover_and_check();
	assert_int_equal(receiver.lost, 10);
}

static void test_newer_state_is_left_alone(void **state)
{
	struct spool_file_state page;
	size_t n;

	(void)state;
	run(FLOWS, 10, 100);
	n = load("state");
	memcpy(&page, file, sizeof(page));
	page.version = SPOOL_VERSION + 1;
	memcpy(file, &page, sizeof(page));
	store("state", file, n);
	assert_refused_untouched();
	memcpy(file, &page, sizeof(page)); // what was looked at meanwhile lies there
	store("state", file, 512);         // it may be of another size
	assert_refused_untouched();
}

static void test_newer_segment_without_a_state(void **state)
{
	(void)state;
	run(FLOWS, 10, 100);
	header_edit(1, newer, true);
	assert_int_equal(unlink(path_of("state")), 0);
	assert_refused_untouched();
}

static void test_missing_segments(void **state)
{
	(void)state;
	for (unsigned missing = 1; missing <= 4; missing++) {
		fresh();
		for (unsigned i = 0; i < 4; i++)
			run(i % 2 == 0 ? FLOWS : EVENTS, 10, 100);
		assert_int_equal(unlink(path_of(segment(missing))), 0);
		recover_and_check();
		assert_int_equal(receiver.lost, 10);
		assert_int_equal(receiver.lost_by[SPOOL_DAMAGE] + receiver.lost_by[SPOOL_CRASH], 10);
	}
}

static void test_all_segments_missing(void **state)
{
	(void)state;
	run(FLOWS, 10, 100);
	run(ALERTS, 10, 100);
	unlink(path_of(segment(1)));
	unlink(path_of(segment(2)));
	recover_and_check();
	assert_int_equal(receiver.lost, 20);
}

static void as_number_nine(struct spool_file_header *h)
{
	h->number = 9;
}

static void test_a_segment_twice(void **state)
{
	struct spool_stats s;
	size_t n;

	(void)state;
	run(FLOWS, 10, 100);
	run(FLOWS, 10, 100);
	n = load(segment(1));
	store(segment(9), file, n);
	header_edit(9, as_number_nine, true);
	s = recover_and_check();
	assert_int_equal(receiver.lost, 0);
	assert_int_equal(receiver.duplicates, 0);
	assert_true(s.duplicates >= 10);
	n = load(segment(1)); // a plain copy is none
	store(segment(30), file, n);
	s = recover_and_check();
	assert_int_equal(s.damaged_files, 1);
	assert_int_equal(receiver.lost, 0);
}

static void test_empty_and_short_segments(void **state)
{
	(void)state;
	run(FLOWS, 10, 100);
	for (unsigned i = 0; i < 200; i += 9)
		store(segment(50 + i), file, i); // file: whatever, here zeroes or a segment's begin
	recover_and_check();
	assert_int_equal(receiver.lost, 0);
	assert_false(is_there(segment(50)));
	recover_and_check();
	assert_int_equal(receiver.lost, 0);
}

// Files of names that are near ours are nobody's business.
static void test_foreign_names(void **state)
{
	static const char *const names[] = {"0000000001.spool.bak", "x0000000001.spool", "-1.spool", "99999999999999999999999.spool",
					    "0.spool", "0000000000.spool", ".spool", "1.damaged", "thinned.draft", "18446744073709551615.spool"};

	(void)state;
	run(FLOWS, 10, 100);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		store(names[i], "x", 1);
	recover_and_check();
	assert_int_equal(receiver.lost, 0);
	recover_and_check();
}

// ---- no regular files ----

static void plant(const char *name, unsigned kind)
{
	char target[PATH_ROOM];
	int fd;

	snprintf(target, sizeof(target), "%s/target", outside);
	fd = open(target, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	if (kind == 0)
		assert_int_equal(symlink(target, path_of(name)), 0);
	else if (kind == 1)
		assert_int_equal(mkfifo(path_of(name), 0600), 0);
	else
		assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static void assert_target_untouched(void)
{
	char target[PATH_ROOM], bytes[16];
	int fd;

	snprintf(target, sizeof(target), "%s/target", outside);
	fd = open(target, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 8);
	assert_memory_equal(bytes, "precious", 8);
	close(fd);
}

static void test_planted_segments(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned number = 1; number <= 3; number++) {
			fresh();
			run(FLOWS, 10, 100);
			run(ALERTS, 10, 100);
			unlink(path_of(segment(number)));
			plant(segment(number), kind);
			recover_and_check();
			recover_and_check();
			assert_int_equal(receiver.lost, number <= 2 ? 10 : 0);
			assert_target_untouched();
		}
}

static void test_planted_state_and_cursor(void **state)
{
	static const char *const names[] = {"state", "cursor"};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned i = 0; i < 2; i++) {
			fresh();
			run(FLOWS, 10, 100);
			unlink(path_of(names[i]));
			plant(names[i], kind);
			recover_and_check();
			assert_int_equal(receiver.records, 10 + SPOOL_STREAMS);
			assert_target_untouched();
		}
}

static void test_planted_lock(void **state)
{
	struct err err = {""};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		fresh();
		run(FLOWS, 10, 100);
		unlink(path_of("lock"));
		plant("lock", kind);
		if (spool_open(&config, &src.spool, &err) == 0)
			close_log();
		else
			assert_true(strlen(err.text) > 0);
		assert_target_untouched();
	}
}

// ---- cursor and state ----

static void test_stale_cursor(void **state)
{
	static uint8_t before[2 * SPOOL_SLOT_BYTES];
	size_t n;

	(void)state;
	config.retain_bytes = 64u << 20;
	open_log();
	put(FLOWS, 100, 100);
	assert_int_equal(spool_read(src.spool, 0, 10, SPOOL_BATCH_BYTES_MAX, &batch), 10);
	receiver_batch(&receiver, &batch);
	spool_ack(src.spool, &batch);
	n = load("cursor");
	memcpy(before, file, n);
	assert_int_equal(spool_read(src.spool, 0, 50, SPOOL_BATCH_BYTES_MAX, &batch), 50);
	receiver_batch(&receiver, &batch);
	spool_ack(src.spool, &batch);
	close_log();
	store("cursor", before, n);
	recover_and_check();
	assert_int_equal(receiver.duplicates, 50); // by their ids the receiver knows
	assert_int_equal(receiver.lost, 0);
}

static void test_broken_cursor(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 6; how++) {
		size_t n;

		fresh();
		config.retain_bytes = 64u << 20;
		open_log();
		put(FLOWS, 100, 100);
		receiver_drain(&receiver, src.spool, 10);
		put(FLOWS, 5, 100);
		close_log();
		n = load("cursor");
		if (how == 0)
			memset(file, 0, n);
		else if (how == 1)
			memset(file, 0xff, n);
		else if (how == 2)
			n = 0;
		else if (how == 3)
			file[40] ^= 1;
		else if (how == 4)
			file[SPOOL_SLOT_BYTES + 40] ^= 1;
		else
			file[40] ^= 1, file[SPOOL_SLOT_BYTES + 40] ^= 1;
		store("cursor", file, n);
		recover_and_check();
		assert_int_equal(receiver.lost, 0);
	}
}

static void page_break(unsigned how)
{
	size_t n = load("state");

	switch (how) {
	case 0:
		memset(file, 0, n);
		break;
	case 1:
		memset(file, 0xff, n);
		break;
	case 2:
		n = 0;
		break;
	case 3:
		n = 100;
		break;
	case 4:
		file[0] ^= 1;
		break;
	default:
		unlink(path_of("state"));
		return;
	}
	store("state", file, n);
}

static void test_broken_state(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 6; how++) {
		fresh();
		run(FLOWS, 10, 100);
		run(ALERTS, 10, 100);
		run(EVENTS, 10, 100);
		page_break(how);
		recover_and_check();
		assert_int_equal(receiver.records, 30 + SPOOL_STREAMS); // it is their bytes that count
		assert_int_equal(receiver.last[FLOWS].boot, 4);
	}
}

// All had been acknowledged and was gone; the ids must not come again.
static void test_broken_state_of_an_empty_log(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 6; how++) {
		fresh();
		for (unsigned i = 0; i < 3; i++) {
			open_log();
			put(FLOWS, 10, 100);
			receiver_drain(&receiver, src.spool, 100);
			close_log();
		}
		page_break(how);
		recover_and_check();
		assert_int_equal(receiver.records, 30 + SPOOL_STREAMS);
		assert_int_equal(receiver.duplicates, 0);
	}
}

static void test_lying_state(void **state)
{
	struct spool_file_state page;
	size_t n;

	(void)state;
	run(FLOWS, 10, 100);
	n = load("state");
	memcpy(&page, file, sizeof(page));
	page.boot = UINT64_MAX;
	memcpy(file, &page, sizeof(page));
	store("state", file, n);
	open_log(); // whatever it makes of it, it works
	assert_true(spool_boot(src.spool) > 1);
	receiver_drain(&receiver, src.spool, 100);
	assert_string_equal(receiver.wrong, "");
	close_log();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(torn_at_every_byte), TEST(zeroed_tail), TEST(zeroes_within_a_record), TEST(flipped_in_the_header_of_an_entry),
		TEST(flipped_in_the_payload), TEST(damage_is_kept_aside), TEST(lengths_that_lie), TEST(ids_that_cannot_be), TEST(headers),
		TEST(newer_segment_is_left_alone), TEST(newer_state_is_left_alone), TEST(newer_segment_without_a_state),
		TEST(missing_segments), TEST(all_segments_missing), TEST(a_segment_twice),
		TEST(empty_and_short_segments), TEST(foreign_names), TEST(planted_segments), TEST(planted_state_and_cursor),
		TEST(planted_lock), TEST(stale_cursor), TEST(broken_cursor), TEST(broken_state), TEST(broken_state_of_an_empty_log),
		TEST(lying_state),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
