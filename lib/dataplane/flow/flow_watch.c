// Flows that are worth a second look because they last: interim records say what a long flow has done so far, and one that is fast
// is an elephant. Both are decided by packets, never by when somebody looked, so that a replay says the same each time.
#include "flow/flow_table.h"

enum { BITS = 8, LOOK_NS_MIN = 1000000 };

struct flow_watch *flow_watch_of(const struct flow_table *t, uint32_t index)
{
	uint32_t block = t->cold[index].watch;

	return block != 0 ? pool_at(&t->watches, block - 1) : NULL;
}

struct flow_watch *flow_watch_get(struct flow_table *t, uint32_t index)
{
	struct flow_cold *cold = &t->cold[index];
	struct flow_watch *watch;
	uint32_t block;

	if (cold->watch != 0)
		return flow_watch_of(t, index);
	block = pool_get(&t->watches);
	if (block == POOL_NONE)
		return NULL;
	cold->watch = block + 1;
	watch = pool_at(&t->watches, block);
	*watch = (struct flow_watch){0};
	return watch;
}

// The rate since the last look, of both directions together. What comes within a millisecond is a burst and says nothing yet.
bool flow_elephant_look(struct flow_table *t, uint32_t index, const struct packet *p)
{
	const struct flow *f = &t->flows[index];
	uint64_t bytes = f->bytes[0] + f->bytes[1], bps;
	struct flow_watch *watch = flow_watch_get(t, index);
	bool began;

	if (watch == NULL)
		return false;
	if (watch->look_ns != 0 && p->clock_ns - watch->look_ns < LOOK_NS_MIN)
		return false;
	began = watch->look_ns != 0;
	bps = began ? (uint64_t)((double)(bytes - watch->look_bytes) * BITS * 1e9 / (double)(p->clock_ns - watch->look_ns)) : 0;
	watch->look_ns = p->clock_ns;
	watch->look_bytes = bytes;
	if (bps > watch->peak_bps)
		watch->peak_bps = bps;
	if (!began || watch->elephant || bps < t->elephant_bps)
		return false;
	watch->elephant = true;
	t->counters.elephants++;
	return true;
}
