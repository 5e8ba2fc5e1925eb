#include "control/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 4096, FILL_MAX = 4096 };

// What is known of one worker: all its records due before mark_ns are in the heap; all due before next_mark_ns are among the
// first `next_popped` that it pushes.
struct source {
	uint64_t mark_ns, next_mark_ns, next_popped, popped;
	uint32_t waiting;
};

struct merge {
	struct merge_entry *heap; // earliest on top
	uint64_t count, room, taken;
	uint64_t due_ns;          // slowest mark
	unsigned sources;
	struct source source[WORKER_MAX];
};

int merge_create(unsigned workers, struct merge **out)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->sources = workers;
	m->room = ROOM_FIRST;
	m->heap = malloc(m->room * sizeof(*m->heap));
	if (m->heap == NULL) {
		free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void merge_destroy(struct merge *m)
{
	if (m == NULL)
		return;
	for (uint64_t i = 0; i < m->count; i++)
		free(m->heap[i].record);
	free(m->heap);
	free(m);
}

static bool before(const struct merge_entry *a, const struct merge_entry *b)
{
	int ends;

	if (a->order_ns != b->order_ns)
		return a->order_ns < b->order_ns;
	ends = memcmp(&a->record->ends, &b->record->ends, sizeof(a->record->ends));
	return ends != 0 ? ends < 0 : a->sequence < b->sequence;
}

static bool heap_room(struct merge *m)
{
	struct merge_entry *larger;

	if (m->count < m->room)
		return true;
	larger = realloc(m->heap, 2 * m->room * sizeof(*larger));
	if (larger == NULL)
		return false;
	m->heap = larger;
	m->room *= 2;
	return true;
}

static void heap_add(struct merge *m, struct merge_entry entry)
{
	uint64_t i = m->count++;

	for (; i > 0 && before(&entry, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = entry;
}

void merge_pop(struct merge *m)
{
	struct merge_entry last;
	uint64_t i = 0;

	m->source[m->heap[0].worker].waiting--;
	free(m->heap[0].record);
	last = m->heap[--m->count];
	for (;;) {
		uint64_t child = 2 * i + 1;

		if (child + 1 < m->count && before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (child >= m->count || !before(&m->heap[child], &last))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = last;
}

static bool take_one(struct merge *m, struct record_ring *ring, unsigned k)
{
	struct source *s = &m->source[k];
	const struct record *r = record_ring_peek(ring);
	struct record *copy;

	if (r == NULL || !heap_room(m) || (copy = malloc(r->length)) == NULL) // out of memory: it stays in the ring
		return false;
	memcpy(copy, r, r->length);
	record_ring_pop(ring);
	heap_add(m, (struct merge_entry){copy->order_ns, s->popped++, copy, k, 0});
	s->waiting++;
	m->taken++;
	return true;
}

// Once all that a mark promised has been taken, the mark holds, and the worker is asked for its next one. The mark is read before
// the count: what it promises has been pushed by then.
static void mark_follow(struct source *s, const struct worker *w)
{
	struct record_ring_stats stats;

	if (s->popped < s->next_popped)
		return;
	s->mark_ns = s->next_mark_ns;
	s->next_mark_ns = atomic_load_explicit(&w->mark_ns, memory_order_acquire);
	record_ring_stats(w->out, &stats);
	s->next_popped = stats.pushed;
	if (s->popped >= s->next_popped)
		s->mark_ns = s->next_mark_ns;
}

static uint64_t slowest(const struct merge *m)
{
	uint64_t least = UINT64_MAX;

	for (unsigned k = 0; k < m->sources; k++)
		if (m->source[k].mark_ns < least)
			least = m->source[k].mark_ns;
	return least;
}

unsigned merge_fill(struct merge *m, struct worker *const *workers, unsigned n)
{
	unsigned taken = 0;

	for (unsigned k = 0; k < n; k++) {
		struct source *s = &m->source[k];
		// a worker that is ahead has to wait; the slowest never, or nothing would be given out any more
		bool bounded = s->mark_ns > m->due_ns;
		unsigned before_this = taken;

		while ((!bounded || s->waiting < MERGE_WAITING_MAX) && taken - before_this < FILL_MAX && take_one(m, workers[k]->out, k))
			taken++;
		mark_follow(s, workers[k]);
	}
	m->due_ns = slowest(m);
	return taken;
}

struct merge_entry *merge_peek(struct merge *m)
{
	return m->count > 0 && m->heap[0].order_ns < m->due_ns ? &m->heap[0] : NULL;
}

uint64_t merge_due_ns(const struct merge *m)
{
	return m->due_ns;
}

uint64_t merge_waiting(const struct merge *m)
{
	return m->count;
}

uint64_t merge_taken(const struct merge *m)
{
	return m->taken;
}
