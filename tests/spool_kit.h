// What the tests of the spool share: payloads that say whose they are, a source that knows what it gave, and a receiver that keeps
// count the way a real one does: an id once, in order, none missing, a tombstone for each that will never come.
#ifndef SPOOL_KIT_H
#define SPOOL_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/spool.h"

enum { KIT_PATH_MAX = 512, KIT_SEGMENT = 2 * SPOOL_PAYLOAD_MAX, KIT_WORD_MAX = 160, KIT_ROUNDS_MAX = 1000000 };

// ---- payloads ----

static inline uint64_t kit_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline void kit_payload(char *out, unsigned stream, uint64_t boot, uint64_t seq, uint32_t length)
{
	uint64_t word = kit_mix(kit_mix(boot) + kit_mix(seq * 8 + stream) + length);

	for (uint32_t i = 0; i < length; i += 8, word = word * 0xd1342543de82ef95u + 1)
		memcpy(out + i, &word, length - i < 8 ? length - i : 8);
}

static inline bool kit_payload_is(const struct spool_entry *e)
{
	static _Thread_local char expected[SPOOL_PAYLOAD_MAX];

	if (e->length > sizeof(expected))
		return false;
	kit_payload(expected, e->stream, e->boot, e->last, e->length);
	return e->length == 0 || memcmp(expected, e->payload, e->length) == 0;
}

// ---- the source ----

struct source {
	struct spool *spool;
	uint64_t seq[SPOOL_STREAMS];
};

// A program without an open log has nothing to test: it says why, and fails.
static inline void kit_must(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	abort();
}

static inline void source_open(struct source *src, const struct spool_config *config)
{
	struct err err = {""};

	kit_must(spool_open(config, &src->spool, &err), &err);
	memset(src->seq, 0, sizeof(src->seq));
}

static inline void source_close(struct source *src)
{
	struct err err = {""};

	kit_must(spool_close(src->spool, &err), &err);
}

static inline void source_put(struct source *src, unsigned stream, uint32_t length)
{
	static _Thread_local char payload[SPOOL_PAYLOAD_MAX];

	kit_payload(payload, stream, spool_boot(src->spool), ++src->seq[stream], length);
	spool_give(src->spool, stream);
	spool_append(src->spool, stream, payload, length);
}

static inline void source_gap(struct source *src, unsigned stream, uint64_t count, enum spool_cause cause)
{
	for (uint64_t i = 0; i < count; i++)
		spool_give(src->spool, stream);
	src->seq[stream] += count;
	spool_append_gap(src->spool, stream, count, cause);
}

// ---- the receiver ----

struct receiver {
	struct spool_id last[SPOOL_STREAMS];
	uint64_t records, tombstones, duplicates;
	uint64_t lost, lost_by[SPOOL_CAUSES]; // ids that tombstones stand for
	uint64_t of_boot;                     // ids of the boot `boot`, records and lost
	uint64_t boot;
	char wrong[KIT_WORD_MAX];             // the first thing that was
};

static inline bool receiver_wrong(struct receiver *r, const struct spool_entry *e, const char *what)
{
	if (r->wrong[0] == '\0')
		snprintf(r->wrong, sizeof(r->wrong), "stream %u, %llu-%llu..%llu, cause %u, after %llu-%llu: %s", e->stream,
			 (unsigned long long)e->boot, (unsigned long long)e->first, (unsigned long long)e->last, e->cause,
			 e->stream < SPOOL_STREAMS ? (unsigned long long)r->last[e->stream].boot : 0,
			 e->stream < SPOOL_STREAMS ? (unsigned long long)r->last[e->stream].seq : 0, what);
	return false;
}

static inline bool receiver_shape(struct receiver *r, const struct spool_entry *e)
{
	if (e->stream >= SPOOL_STREAMS || e->cause >= SPOOL_CAUSES || e->boot == 0 || e->first == 0 || e->first > e->last)
		return receiver_wrong(r, e, "is no entry");
	if (e->cause == SPOOL_KEPT && e->first != e->last)
		return receiver_wrong(r, e, "a record is one");
	if (e->cause != SPOOL_KEPT && e->length != 0)
		return receiver_wrong(r, e, "a tombstone has nothing in it");
	return true;
}

static inline bool receiver_take(struct receiver *r, const struct spool_entry *e)
{
	struct spool_id *last;

	if (!receiver_shape(r, e))
		return false;
	last = &r->last[e->stream];
	if (e->boot < last->boot || (e->boot == last->boot && e->last <= last->seq)) {
		r->duplicates++;
		return true;
	}
	if (e->first != (e->boot == last->boot ? last->seq + 1 : 1))
		return receiver_wrong(r, e, "a hole, or half of it was there");
	if (e->cause == SPOOL_KEPT && !kit_payload_is(e))
		return receiver_wrong(r, e, "another payload");
	*last = (struct spool_id){e->boot, e->last};
	r->records += e->cause == SPOOL_KEPT;
	if (e->cause != SPOOL_KEPT) {
		r->tombstones++;
		r->lost += e->last - e->first + 1;
		r->lost_by[e->cause] += e->last - e->first + 1;
	}
	if (e->boot == r->boot)
		r->of_boot += e->last - e->first + 1;
	return true;
}

static inline bool receiver_batch(struct receiver *r, const struct spool_batch *batch)
{
	bool good = true;

	for (unsigned i = 0; i < batch->count; i++)
		good = receiver_take(r, &batch->entry[i]) && good;
	return good;
}

// Reads, takes and acknowledges until nothing is there. Returns how many entries came, or -1: it does not end, or something was wrong.
static inline long receiver_drain(struct receiver *r, struct spool *spool, unsigned max)
{
	static struct spool_batch batch[2];
	long entries = 0;

	for (unsigned round = 0; round < KIT_ROUNDS_MAX; round++) {
		struct spool_batch *one = &batch[round % 2];

		if (spool_read(spool, round % 2, max, SPOOL_BATCH_BYTES_MAX, one) == 0)
			return r->wrong[0] == '\0' ? entries : -1;
		if (one->count > max)
			receiver_wrong(r, &one->entry[0], "a batch of more than was asked");
		entries += one->count;
		receiver_batch(r, one);
		spool_ack(spool, one);
	}
	if (r->wrong[0] == '\0')
		snprintf(r->wrong, sizeof(r->wrong), "it does not end");
	return -1;
}

// ---- folders ----

static inline void kit_folder_make(char path[KIT_PATH_MAX], const char *word)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, KIT_PATH_MAX, "%s/spanwatch-%s-XXXXXX", base != NULL ? base : "/tmp", word);
	if (mkdtemp(path) == NULL)
		abort();
}

// Where the disk costs nothing; gone with the program.
static char kit_quick[KIT_PATH_MAX];

static inline void kit_folder_empty(const char *path);

static inline void kit_quick_remove(void)
{
	kit_folder_empty(kit_quick);
	rmdir(kit_quick);
}

static inline void kit_folder_quick(char path[KIT_PATH_MAX], const char *word)
{
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	kit_folder_make(path, word);
	memcpy(kit_quick, path, KIT_PATH_MAX);
	atexit(kit_quick_remove);
}

static inline void kit_folder_empty(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *one;

	while (folder != NULL && (one = readdir(folder)) != NULL)
		if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0 && unlinkat(dirfd(folder), one->d_name, 0) != 0)
			unlinkat(dirfd(folder), one->d_name, AT_REMOVEDIR);
	if (folder != NULL)
		closedir(folder);
}

static inline void kit_folder_remove(const char *path)
{
	kit_folder_empty(path);
	rmdir(path);
}

static inline struct spool_config kit_config(const char *directory)
{
	return (struct spool_config){
		.directory = directory,
		.quota_bytes = 64u << 20,
		.retain_bytes = 0,
		.segment_bytes = KIT_SEGMENT,
		.fsync_ms = 60000,
		.memory_bytes = 4u << 20,
		.policy = SPOOL_DROP_OLDEST,
	};
}

#endif
