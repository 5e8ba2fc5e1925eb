// All workers' records in packet time. A worker's mark says that everything due before it has been pushed; what is earlier than the
// slowest mark can be given out, and the order (time, then the flow, then the worker's own order) does not depend on how many
// workers there were.
#ifndef CONTROL_MERGE_H
#define CONTROL_MERGE_H

#include "record/record.h"
#include "worker/worker.h"

// Records of one worker that may wait for slower workers. More than one worker's poll can make, so that the slowest worker is
// never the one that is held up.
enum { MERGE_WAITING_MAX = 16384 };

struct merge;

struct merge_entry {
	uint64_t order_ns, sequence;
	struct record *record;
	uint32_t worker;
	uint32_t given; // bit of each sink that has it
};

int merge_create(unsigned workers, struct merge **out);
void merge_destroy(struct merge *m);

// Takes what the workers have pushed. Returns how many records.
unsigned merge_fill(struct merge *m, struct worker *const *workers, unsigned n);

// The next record in order, or NULL: none is due yet. Stays the same until merge_pop().
struct merge_entry *merge_peek(struct merge *m);
void merge_pop(struct merge *m);

uint64_t merge_due_ns(const struct merge *m); // what is due before has been taken
uint64_t merge_waiting(const struct merge *m);
uint64_t merge_taken(const struct merge *m);

#endif
