// A bounded ring of records for one producer thread and one consumer thread. Records lie contiguous; the ring counts what it
// refuses. Lock-free, never allocates after creation; producer and consumer fields have their own cache lines.
#ifndef RECORD_RECORD_RING_H
#define RECORD_RECORD_RING_H

#include <stddef.h>

#include "record/record.h"

struct record_ring;

// bytes: rounded up to a power of two, at least 4 * RECORD_LENGTH_MAX. Returns 0 or -ENOMEM.
int record_ring_create(size_t bytes, struct record_ring **out);
void record_ring_destroy(struct record_ring *ring);

// Producer: room for a record of at most length bytes, or NULL (not counted as refused: a replay tries again). Write it, set
// its `length`, then commit. A second reserve without a commit returns the same room.
struct record *record_ring_reserve(struct record_ring *ring, uint32_t length);
void record_ring_commit(struct record_ring *ring, const struct record *r);
void record_ring_refuse(struct record_ring *ring); // counts one given up on

// Consumer: the oldest record, or NULL. It stays valid until popped.
const struct record *record_ring_peek(struct record_ring *ring);
void record_ring_pop(struct record_ring *ring);

// Consumer: the oldest records, at most max; returns how many. They stay valid until popped, by as many calls of pop.
unsigned record_ring_peek_many(struct record_ring *ring, const struct record **records, unsigned max);

// Anyone: totals since creation. used_bytes is a snapshot.
struct record_ring_stats {
	uint64_t pushed, popped, refused;
	size_t used_bytes, size_bytes;
};
void record_ring_stats(const struct record_ring *ring, struct record_ring_stats *out);

#endif
