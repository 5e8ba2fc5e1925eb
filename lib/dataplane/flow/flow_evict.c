// Which flow makes way in a full table. A flood is made of flows that nobody answers, so those go first, in the order in which they
// came: flows that are answered survive it. Bounded: a few queue entries or places are looked at for each new flow.
#include "flow/flow_table.h"

enum { EMERGENCY_OVER_PERCENT = 90 };

static unsigned family_of(const struct flow_table *t, uint32_t index)
{
	return index >= t->slots4;
}

void flow_unanswered_put(struct flow_table *t, uint32_t index)
{
	struct flow_queue *q = &t->unanswered[family_of(t, index)];

	t->cold[index].older = q->newest;
	t->cold[index].newer = 0;
	if (q->newest != 0)
		t->cold[q->newest - 1].newer = index + 1;
	else
		q->oldest = index + 1;
	q->newest = index + 1;
}

void flow_unanswered_take(struct flow_table *t, uint32_t index)
{
	struct flow_queue *q = &t->unanswered[family_of(t, index)];
	struct flow_cold *cold = &t->cold[index];

	if (cold->older == 0 && cold->newer == 0 && q->oldest != index + 1)
		return;
	if (cold->older != 0)
		t->cold[cold->older - 1].newer = cold->newer;
	else
		q->oldest = cold->newer;
	if (cold->newer != 0)
		t->cold[cold->newer - 1].older = cold->older;
	else
		q->newest = cold->older;
	cold->older = cold->newer = 0;
}

// The burst's own flows stay: their packets are still to be counted.
static bool needed(const struct flow_burst *b, uint32_t index)
{
	for (unsigned i = 0; i < b->n4; i++)
		if (b->index[b->slot4[i]] == index)
			return true;
	for (unsigned i = 0; i < b->n6; i++)
		if (b->index[b->slot6[i]] == index)
			return true;
	return false;
}

static uint32_t oldest_unanswered(const struct flow_table *t, const struct flow_burst *b, unsigned family)
{
	uint32_t next = t->unanswered[family].oldest;

	for (unsigned looks = 0; next != 0 && looks < FLOW_EVICT_LOOKS; looks++) {
		if (!needed(b, next - 1))
			return next - 1;
		next = t->cold[next - 1].newer;
	}
	return FLOW_NONE;
}

static uint32_t longest_silent(struct flow_table *t, const struct flow_burst *b, unsigned family)
{
	uint32_t first = family == 0 ? 0 : t->slots4, places = family == 0 ? t->slots4 : t->slots - t->slots4, found = FLOW_NONE;

	for (unsigned looks = 0; looks < FLOW_EVICT_LOOKS || (found == FLOW_NONE && looks < places); looks++) {
		uint32_t index = first + t->hand[family];

		t->hand[family] = t->hand[family] + 1 < places ? t->hand[family] + 1 : 0;
		if (t->flows[index].life != FLOW_LIVE || needed(b, index))
			continue;
		if (found == FLOW_NONE || t->flows[index].clock_ns < t->flows[found].clock_ns)
			found = index;
	}
	return found;
}

bool flow_evict(struct flow_table *t, const struct flow_burst *b, unsigned family)
{
	uint32_t index;

	if (t->evict == NULL)
		return false;
	index = oldest_unanswered(t, b, family);
	if (index != FLOW_NONE) {
		t->counters.evicted_unanswered++;
	} else {
		index = longest_silent(t, b, family);
		if (index == FLOW_NONE)
			return false;
		t->counters.evicted_oldest++;
	}
	atomic_store_explicit(&t->emergency, true, memory_order_relaxed);
	t->evict(t->evict_context, index);
	return true;
}

void flow_emergency_look(struct flow_table *t)
{
	uint64_t below4 = (uint64_t)t->capacity4 * EMERGENCY_OVER_PERCENT / 100, below6 = (uint64_t)t->capacity6 * EMERGENCY_OVER_PERCENT / 100;

	if (t->active4 <= below4 && t->active6 <= below6)
		atomic_store_explicit(&t->emergency, false, memory_order_relaxed);
}
