// Two positions that only grow, in bytes; an offset is a position modulo the size, a power of two. A record is never split: where
// it does not fit before the end, a marker fills the rest and it goes to the front. Positions and lengths are multiples of 8, so
// there is always room for the marker. Each side keeps the other's position as it last saw it and reads it anew only when that
// does not suffice: in the steady state the two share no cache line but those of the records.
#include "record/record_ring.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, BYTES_MIN = 4 * RECORD_LENGTH_MAX, LARGE_PAGE = 2 * 1024 * 1024 };

static const uint32_t WRAP = UINT32_MAX; // in place of a length: the next record is at the front

struct record_ring {
	// constant
	alignas(LINE) char *data;
	size_t size;

	// the producer writes, anyone reads
	alignas(LINE) _Atomic uint64_t head;
	_Atomic uint64_t pushed, refused;
	uint64_t tail_seen; // the producer's own

	// the consumer writes, anyone reads
	alignas(LINE) _Atomic uint64_t tail;
	_Atomic uint64_t popped;
	uint64_t head_seen; // the consumer's own
};

static uint64_t mine(const _Atomic uint64_t *position)
{
	return atomic_load_explicit(position, memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, mine(counter) + 1, memory_order_relaxed); // one writer
}

static uint32_t rounded(uint32_t length)
{
	return (length + 7u) & ~7u;
}

// Every byte of a ring is touched before the first is touched again: with small pages that is a page fault for each 4 KB.
static char *data_take(size_t size)
{
	char *data = aligned_alloc(size < LARGE_PAGE ? LINE : LARGE_PAGE, size);

	if (data != NULL && size >= LARGE_PAGE)
		(void)madvise(data, size, MADV_HUGEPAGE); // a wish
	return data;
}

int record_ring_create(size_t bytes, struct record_ring **out)
{
	struct record_ring *ring = aligned_alloc(LINE, sizeof(*ring));
	size_t size = BYTES_MIN;

	while (size < bytes && size <= SIZE_MAX / 4)
		size *= 2;
	if (ring == NULL)
		return -ENOMEM;
	*ring = (struct record_ring){.data = data_take(size), .size = size};
	if (ring->data == NULL) {
		free(ring);
		return -ENOMEM;
	}
	*out = ring;
	return 0;
}

void record_ring_destroy(struct record_ring *ring)
{
	if (ring == NULL)
		return;
	free(ring->data);
	free(ring);
}

static struct record *at(const struct record_ring *ring, uint64_t position)
{
	return (struct record *)(void *)(ring->data + (position & (ring->size - 1)));
}

static uint64_t left_before_end(const struct record_ring *ring, uint64_t position)
{
	return ring->size - (position & (ring->size - 1));
}

struct record *record_ring_reserve(struct record_ring *ring, uint32_t length)
{
	uint64_t head = mine(&ring->head), before_end = left_before_end(ring, head), need = rounded(length);
	bool wraps = before_end < need;

	if (length == 0 || length > RECORD_LENGTH_MAX)
		return NULL;
	if (wraps)
		need += before_end;
	if (ring->size - (head - ring->tail_seen) < need) {
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (ring->size - (head - ring->tail_seen) < need)
			return NULL;
	}
	if (!wraps)
		return at(ring, head);
	at(ring, head)->length = WRAP;
	return at(ring, 0);
}

void record_ring_commit(struct record_ring *ring, const struct record *r)
{
	uint64_t head = mine(&ring->head);

	if (r != at(ring, head))
		head += left_before_end(ring, head);
	count(&ring->pushed);
	atomic_store_explicit(&ring->head, head + rounded(r->length), memory_order_release);
}

void record_ring_refuse(struct record_ring *ring)
{
	count(&ring->refused);
}

unsigned record_ring_peek_many(struct record_ring *ring, const struct record **records, unsigned max)
{
	uint64_t position = mine(&ring->tail);
	unsigned n = 0;

	for (; n < max; n++) {
		if (position == ring->head_seen)
			ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (position == ring->head_seen)
			break;
		if (at(ring, position)->length == WRAP)
			position += left_before_end(ring, position);
		records[n] = at(ring, position);
		position += rounded(records[n]->length);
	}
	return n;
}

const struct record *record_ring_peek(struct record_ring *ring)
{
	const struct record *r;

	return record_ring_peek_many(ring, &r, 1) == 1 ? r : NULL;
}

void record_ring_pop(struct record_ring *ring)
{
	uint64_t tail = mine(&ring->tail);

	if (at(ring, tail)->length == WRAP)
		tail += left_before_end(ring, tail);
	count(&ring->popped);
	atomic_store_explicit(&ring->tail, tail + rounded(at(ring, tail)->length), memory_order_release);
}

void record_ring_stats(const struct record_ring *ring, struct record_ring_stats *out)
{
	uint64_t tail = mine(&ring->tail); // before head, which is never behind it

	out->popped = mine(&ring->popped);
	out->pushed = mine(&ring->pushed);
	out->refused = mine(&ring->refused);
	out->used_bytes = (size_t)(mine(&ring->head) - tail);
	out->size_bytes = ring->size;
}
