// The log on disk behind a remote output. Everything goes through it: what was appended and committed survives the death of this
// process at any point, and is read, in order, until the receiver has acknowledged it; then it is kept for a while, for a receiver
// that turns out to have lost some.
//
// Ids. Each entry has an id of its own stream: a boot number, counted up at each opening, and a sequence from 1. A stream's ids have
// no holes: where entries were lost, a tombstone stands for them, one entry whose `first`..`last` are the ids that will never come,
// with the cause. Its own id is `last`. So the ids that a receiver has seen always add up: last - first + 1 = entries, each tombstone
// counting for as many as it stands for.
//
// Files, in a folder of this output alone, locked while it is open:
//	state               a few pages, mapped: boot number, instance, how many entries each stream was given, where the last 400 boots
//	                    ended. A store into it costs no call and survives SIGKILL, so that the next opening knows exactly what had
//	                    been taken but not committed
//	cursor              what was acknowledged; two slots in turns, each with a checksum
//	NNNNNNNNNN.spool    segments, preallocated; entries with length and CRC-32C; a zero length ends one
//	NNNNNNNNNN.damaged  what recovery could not read of a segment, kept aside
//
// If the disk refuses, segments are in memory, bounded, until it does not. What goes beyond a bound is dropped by the policy and
// told by a tombstone.
//
// Threads: one producer (spool_give), one writer (append to sync), one reader (read to rewind); anyone may ask for stats, and
// never waits for the disk. The two sides share the list of segments under a mutex; what syncs what was written does not hold it.
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SPOOL_STREAMS = 4, SPOOL_PAYLOAD_MAX = 160 * 1024, SPOOL_BATCH_MAX = 1024, SPOOL_BATCH_BYTES_MAX = 1 << 20, SPOOL_INSTANCE_BYTES = 16 };

// Why entries are missing. SPOOL_KEPT: they are not, it is one.
enum spool_cause {
	SPOOL_KEPT,
	SPOOL_QUEUE,     // the queue before the spool was full
	SPOOL_QUOTA,     // the spool was full: spool.quota_mb
	SPOOL_DISK,      // the disk refused, and memory was full
	SPOOL_CRASH,     // the process died before they were committed
	SPOOL_POWER,     // the machine went down before they were on disk; at least so many
	SPOOL_DAMAGE,    // what is on disk could not be read
	SPOOL_RETENTION, // the receiver lost them, and they were not kept any more
	SPOOL_CAUSES
};
extern const char *const spool_cause_names[SPOOL_CAUSES]; // "kept", "queue_full", "quota", "disk", "crash", "power", "damage", "retention"

enum spool_policy { SPOOL_DROP_OLDEST, SPOOL_DROP_NEWEST };

struct spool_config {
	const char *directory;   // made if missing, with those above it; copied
	uint64_t quota_bytes;    // of segments that wait; at least two segments
	uint64_t retain_bytes;   // of segments that were acknowledged; 0: none is kept
	uint32_t segment_bytes;  // at least 2 * SPOOL_PAYLOAD_MAX
	uint32_t fsync_ms;       // at most so long until committed entries are on disk; 0: with every commit
	uint64_t memory_bytes;   // of segments in memory while the disk refuses
	enum spool_policy policy;
	uint8_t keep_last;       // bit of each stream that is dropped only when nothing else is left: alerts
};

struct spool_entry {
	uint64_t boot, first, last;
	uint8_t stream, cause;   // enum spool_cause
	uint32_t length;         // of payload; 0 of a tombstone
	const char *payload;
};

// Consecutive entries. Good until the next spool_read into the same place.
struct spool_batch {
	unsigned count;
	uint64_t end_segment, end_offset; // behind its last entry
	uint64_t thinned;                 // segments had been, when it was read: places in them are others then
	uint64_t bytes;                   // of payloads
	struct spool_entry entry[SPOOL_BATCH_MAX];
};

struct spool_id {
	uint64_t boot, seq; // seq 0: nothing of this boot yet; boot 0: nothing at all
};

struct spool_stats {
	uint64_t boot;
	uint64_t recovered;   // ids found waiting at the opening, those of tombstones made then included
	uint64_t given, appended; // by this process: spool_give; records appended
	uint64_t never_appended;  // ids given to spool_append_gap
	uint64_t delivered;   // records acknowledged, each counted once
	uint64_t tombstoned;  // ids of tombstones acknowledged, by cause; whoever made them: the writer, recovery, the reader at a hole
	uint64_t tombstoned_by[SPOOL_CAUSES];
	uint64_t waiting;     // ids: recovered + appended + never_appended - delivered - tombstoned
	uint64_t waiting_bytes;
	uint64_t retained_bytes;
	uint64_t duplicates;  // entries met twice in the log, read once
	uint64_t damaged_bytes, damaged_files;
	uint64_t segments, memory_bytes;
	uint64_t fsyncs, fsync_failures, disk_errors;
	bool disk_failing;
	char disk_error[ERR_TEXT_MAX]; // the last one; empty once the disk works again
};

struct spool;

// Opens, recovers, counts the boot. Errors with a sentence: -EBUSY another process has it, -EPROTONOSUPPORT a newer version wrote it
// (nothing is touched), -EACCES and the like; a full or failing disk is no error. Never follows a symbolic link in its folder.
int spool_open(const struct spool_config *config, struct spool **out, struct err *err);
// What was appended is committed and synced. Returns 0 or the error that kept entries from the disk.
int spool_close(struct spool *spool, struct err *err);

const uint8_t *spool_instance(const struct spool *spool); // SPOOL_INSTANCE_BYTES, drawn once for this folder
uint64_t spool_boot(const struct spool *spool);

// ---- producer ----

// One more is on its way to the writer, who will append it, or say by spool_append_gap that it was lost. No call, no lock.
void spool_give(struct spool *spool, unsigned stream);

// ---- writer ----

// The next entry of a stream. It is buffered; commit makes it safe and visible to the reader.
void spool_append(struct spool *spool, unsigned stream, const void *payload, uint32_t length);
// The next `count` of a stream are lost.
void spool_append_gap(struct spool *spool, unsigned stream, uint64_t count, enum spool_cause cause);
// write(2), policy and memory where the disk refuses, fsync when it is due. Never fails: what could not be kept is a tombstone.
void spool_commit(struct spool *spool);
void spool_turn(struct spool *spool); // fsync when due, old segments away; when idle

// ---- reader ----

// Fills the batch with what follows the last read, at most `max` entries and about `bytes`. place: 0 or 1, whose buffers are used.
// Returns how many; 0: nothing is there. Holes become tombstones, entries met twice are left out.
unsigned spool_read(struct spool *spool, unsigned place, unsigned max, size_t bytes, struct spool_batch *batch);
bool spool_wait(struct spool *spool, unsigned ms); // until there is something to read; false: there is not
// The bounds of this batch are remembered: until it is acknowledged, also after a restart, the next spool_read() from the cursor
// gives the very same entries. For receivers that know a batch again and not its entries.
void spool_intend(struct spool *spool, const struct spool_batch *batch);
// The receiver has it and all before it.
void spool_ack(struct spool *spool, const struct spool_batch *batch);
// Next is read what follows the cursor again.
void spool_unread(struct spool *spool);
// What the receiver has. have[i].boot 0: nothing. Next is read what follows these ids, out of what is retained if that is behind
// the cursor; returns true if so. Streams the receiver does not keep (known[i] false) follow the cursor, or are all read again
// together with those that fell back. If it has ids that this run never gave out (of a run whose boot number could not be kept, for one),
// this run goes on with a later boot from its next commit; what it gave out before that is told lost.
bool spool_rewind(struct spool *spool, const bool known[SPOOL_STREAMS], const struct spool_id have[SPOOL_STREAMS]);
struct spool_id spool_acked(const struct spool *spool, unsigned stream);
struct spool_id spool_given(const struct spool *spool, unsigned stream); // the last id there is, in this run
// The smallest boot number among what waits, that of now included.
uint64_t spool_oldest_boot(struct spool *spool);

void spool_stats(struct spool *spool, struct spool_stats *out);

#endif
