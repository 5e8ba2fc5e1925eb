// A spool at work, without the rest: gives records at a rate, reads and acknowledges them, and says at the end, as JSON, what became of
// them. What the receiver has outlives the program in a file, so that several runs are one story.
//
//	spool_driver directory=DIR [receiver=FILE] [count=N] [rate=N per second] [bytes=N] [read=now|after|never] [stay_ms=N]
//	             [quota=BYTES] [retain=BYTES] [memory=BYTES] [segment=BYTES] [fsync_ms=N] [policy=oldest|newest] [make=N segments]
//
// Exit code 0; 1: the receiver missed or met something that it should not; 2: the spool could not be opened; 3: bad arguments.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "../spool_kit.h"
#include "base/json.h"
#include "spool/spool_inside.h"

enum { PER_TURN = 100, TURN_NS = 1000000, NS_PER_S = 1000000000, NS_PER_MS = 1000000, ANSWER_MAX = 16384 };

#define TELL_NS (3ull * NS_PER_S) // a full disk is tried again once a second

struct driver {
	struct spool_config config;
	const char *receiver_path, *read;
	uint64_t count, rate, bytes, stay_ms, make;
	struct source src;
	struct receiver receiver;
	uint64_t before;  // ids that the receiver had of earlier runs
	uint64_t open_cpu_ms, commit_ms_max;
	_Atomic bool produced;
};

static bool number_set(struct driver *d, const char *key, uint64_t n)
{
	struct {
		const char *key;
		uint64_t *at;
	} rows[] = {{"count", &d->count}, {"rate", &d->rate}, {"bytes", &d->bytes}, {"stay_ms", &d->stay_ms}, {"make", &d->make},
		    {"quota", &d->config.quota_bytes}, {"retain", &d->config.retain_bytes}, {"memory", &d->config.memory_bytes}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(key, rows[i].key) == 0) {
			*rows[i].at = n;
			return true;
		}
	if (strcmp(key, "segment") == 0)
		d->config.segment_bytes = (uint32_t)n;
	else if (strcmp(key, "fsync_ms") == 0)
		d->config.fsync_ms = (uint32_t)n;
	else
		return false;
	return true;
}

static bool argument_set(struct driver *d, char *argument)
{
	char *value = strchr(argument, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(argument, "directory") == 0)
		d->config.directory = value;
	else if (strcmp(argument, "receiver") == 0)
		d->receiver_path = value;
	else if (strcmp(argument, "read") == 0)
		d->read = value;
	else if (strcmp(argument, "policy") == 0)
		d->config.policy = strcmp(value, "newest") == 0 ? SPOOL_DROP_NEWEST : SPOOL_DROP_OLDEST;
	else
		return number_set(d, argument, strtoull(value, NULL, 10));
	return true;
}

static void nap(uint64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}, NULL);
}

// ---- files ----

static void receiver_load(struct driver *d)
{
	FILE *file = d->receiver_path != NULL ? fopen(d->receiver_path, "rb") : NULL;

	if (file == NULL)
		return;
	if (fread(&d->receiver, sizeof(d->receiver), 1, file) != 1)
		memset(&d->receiver, 0, sizeof(d->receiver));
	fclose(file);
	d->before = d->receiver.records + d->receiver.lost;
}

static void receiver_save(const struct driver *d)
{
	FILE *file = d->receiver_path != NULL ? fopen(d->receiver_path, "wb") : NULL;

	if (file != NULL) {
		fwrite(&d->receiver, sizeof(d->receiver), 1, file);
		fclose(file);
	}
}

// Empty segments with sound headers, as many as are wanted.
static void segments_make(const struct driver *d)
{
	for (uint64_t number = 1; number <= d->make; number++) {
		struct spool_file_header h = {.magic = "SWSPOOL", .version = SPOOL_VERSION, .endian = SPOOL_ENDIAN, .number = number};
		char path[KIT_PATH_MAX], name[SPOOL_NAME_MAX];
		FILE *file;

		h.crc = spool_header_crc(&h);
		spool_segment_name(number, "spool", name);
		snprintf(path, sizeof(path), "%.400s/%s", d->config.directory, name);
		file = fopen(path, "wb");
		if (file != NULL) {
			fwrite(&h, sizeof(h), 1, file);
			fclose(file);
		}
	}
}

// ---- two threads ----

static void *consume(void *arg)
{
	struct driver *d = arg;
	static struct spool_batch batch[2];

	for (unsigned place = 0;; place ^= 1) {
		bool last = atomic_load(&d->produced);

		if (spool_read(d->src.spool, place, SPOOL_BATCH_MAX, SPOOL_BATCH_BYTES_MAX, &batch[place]) > 0) {
			receiver_batch(&d->receiver, &batch[place]);
			spool_ack(d->src.spool, &batch[place]);
		} else if (last) {
			return NULL;
		} else {
			spool_wait(d->src.spool, 20);
		}
	}
}

static void commit(struct driver *d)
{
	uint64_t began = clock_monotonic_ns(), ms;

	spool_commit(d->src.spool);
	spool_turn(d->src.spool);
	ms = (clock_monotonic_ns() - began) / NS_PER_MS;
	d->commit_ms_max = ms > d->commit_ms_max ? ms : d->commit_ms_max;
}

static void produce(struct driver *d)
{
	uint64_t began = clock_monotonic_ns();

	for (uint64_t given = 0; given < d->count;) {
		uint64_t due = d->rate > 0 ? (clock_monotonic_ns() - began) / NS_PER_MS * d->rate / 1000 : given + PER_TURN;

		for (; given < due && given < d->count; given++)
			source_put(&d->src, given % 16 == 0 ? 1 + (unsigned)(given / 16 % 3) : 0, (uint32_t)d->bytes);
		commit(d);
		if (d->rate > 0)
			nap(TURN_NS);
	}
	for (uint64_t end = clock_monotonic_ns() + d->stay_ms * NS_PER_MS; clock_monotonic_ns() < end; nap(TURN_NS))
		commit(d);
}

static void work(struct driver *d)
{
	const bool known[SPOOL_STREAMS] = {true, true, true, true};
	pthread_t reader;

	spool_rewind(d->src.spool, known, d->receiver.last);
	spool_commit(d->src.spool); // it may go on with another boot
	if (strcmp(d->read, "now") == 0) {
		pthread_create(&reader, NULL, consume, d);
		produce(d);
		atomic_store(&d->produced, true);
		pthread_join(reader, NULL);
	} else {
		produce(d);
		atomic_store(&d->produced, true);
	}
	for (uint64_t end = clock_monotonic_ns() + TELL_NS; strcmp(d->read, "never") != 0 && clock_monotonic_ns() < end; nap(TURN_NS)) {
		struct spool_stats stats;

		consume(d);
		spool_stats(d->src.spool, &stats);
		if (stats.waiting == 0)
			break;
		commit(d); // what there was no room to tell before
	}
}

// ---- the answer ----

static void causes_put(struct json *j, const char *name, const uint64_t by[SPOOL_CAUSES])
{
	json_object_begin(j, name);
	for (unsigned i = 1; i < SPOOL_CAUSES; i++)
		json_u64(j, spool_cause_names[i], by[i]);
	json_object_end(j);
}

static void answer(const struct driver *d, const struct spool_stats *s, const char *error)
{
	static char text[ANSWER_MAX];
	struct json j;

	json_init(&j, text, sizeof(text));
	json_object_begin(&j, NULL);
	json_u64(&j, "boot", s->boot);
	json_string(&j, "error", error);
	json_u64(&j, "open_cpu_ms", d->open_cpu_ms);
	json_u64(&j, "commit_ms_max", d->commit_ms_max);
	json_u64(&j, "before", d->before);
	json_object_begin(&j, "stats");
	json_u64(&j, "recovered", s->recovered);
	json_u64(&j, "given", s->given);
	json_u64(&j, "appended", s->appended);
	json_u64(&j, "never_appended", s->never_appended);
	json_u64(&j, "delivered", s->delivered);
	json_u64(&j, "tombstoned", s->tombstoned);
	json_u64(&j, "waiting", s->waiting);
	json_u64(&j, "duplicates", s->duplicates);
	json_u64(&j, "damaged_files", s->damaged_files);
	json_u64(&j, "damaged_bytes", s->damaged_bytes);
	json_u64(&j, "segments", s->segments);
	json_u64(&j, "memory_bytes", s->memory_bytes);
	json_u64(&j, "fsyncs", s->fsyncs);
	json_u64(&j, "fsync_failures", s->fsync_failures);
	json_u64(&j, "disk_errors", s->disk_errors);
	json_bool(&j, "disk_failing", s->disk_failing);
	json_string(&j, "disk_error", s->disk_error);
	causes_put(&j, "tombstoned_by", s->tombstoned_by);
	json_object_end(&j);
	json_object_begin(&j, "receiver");
	json_u64(&j, "records", d->receiver.records);
	json_u64(&j, "lost", d->receiver.lost);
	json_u64(&j, "duplicates", d->receiver.duplicates);
	json_string(&j, "wrong", d->receiver.wrong);
	causes_put(&j, "lost_by", d->receiver.lost_by);
	json_object_end(&j);
	json_object_end(&j);
	puts(text);
}

// What it cost, whatever else the machine does.
static uint64_t cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NS_PER_MS;
}

int main(int argc, char **argv)
{
	static struct driver d = {.read = "after", .bytes = 1000};
	struct spool_stats stats;
	struct err err = {""};
	uint64_t began;

	d.config = kit_config(NULL);
	for (int i = 1; i < argc; i++)
		if (!argument_set(&d, argv[i])) {
			fprintf(stderr, "%s: not understood\n", argv[i]);
			return 3;
		}
	if (d.config.directory == NULL)
		return 3;
	segments_make(&d);
	receiver_load(&d);
	began = cpu_ms();
	if (spool_open(&d.config, &d.src.spool, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	d.open_cpu_ms = cpu_ms() - began;
	work(&d);
	spool_stats(d.src.spool, &stats);
	spool_close(d.src.spool, &err);
	receiver_save(&d);
	answer(&d, &stats, err.text);
	return d.receiver.wrong[0] != '\0';
}
