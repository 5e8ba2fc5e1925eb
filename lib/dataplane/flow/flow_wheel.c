#include "flow/flow_wheel.h"

#include <string.h>

void flow_wheel_init(struct flow_wheel *wheel)
{
	memset(wheel, 0, sizeof(*wheel));
	for (unsigned i = 0; i < FLOW_WHEEL_HEADS; i++)
		wheel->head[i] = FLOW_WHEEL_NONE;
	wheel->far_tick = UINT64_MAX;
}

void flow_wheel_put(struct flow_wheel *wheel, struct flow_link *links, uint32_t index, uint64_t due_ns)
{
	uint64_t tick = due_ns / FLOW_WHEEL_TICK_NS;
	struct flow_link *link = &links[index];
	uint32_t slot, first;

	if (tick < wheel->tick)
		tick = wheel->tick;
	if (tick - wheel->tick < FLOW_WHEEL_SLOTS) {
		slot = (uint32_t)(tick % FLOW_WHEEL_SLOTS);
		wheel->used[slot / 64] |= 1ull << slot % 64;
	} else {
		slot = FLOW_WHEEL_FAR;
		if (tick < wheel->far_tick)
			wheel->far_tick = tick;
	}
	first = wheel->head[slot];
	link->next = first;
	link->prev = FLOW_WHEEL_HEAD | slot;
	if (first != FLOW_WHEEL_NONE)
		links[first].prev = index;
	wheel->head[slot] = index;
	wheel->entries++;
}

void flow_wheel_take(struct flow_wheel *wheel, struct flow_link *links, uint32_t index)
{
	struct flow_link *link = &links[index];

	if (link->prev & FLOW_WHEEL_HEAD) {
		uint32_t slot = link->prev & ~FLOW_WHEEL_HEAD;

		wheel->head[slot] = link->next;
		if (link->next == FLOW_WHEEL_NONE && slot < FLOW_WHEEL_SLOTS)
			wheel->used[slot / 64] &= ~(1ull << slot % 64);
	} else {
		links[link->prev].next = link->next;
	}
	if (link->next != FLOW_WHEEL_NONE)
		links[link->next].prev = link->prev;
	wheel->entries--;
}

// The first tick from here on whose slot is not empty; UINT64_MAX if all are.
static uint64_t used_next(const struct flow_wheel *wheel)
{
	uint32_t from = (uint32_t)(wheel->tick % FLOW_WHEEL_SLOTS), words = FLOW_WHEEL_SLOTS / 64;

	for (uint32_t i = 0; i <= words; i++) {
		uint32_t word = (from / 64 + i) % words;
		uint64_t bits = wheel->used[word];

		if (i == 0)
			bits &= UINT64_MAX << from % 64;
		else if (i == words)
			bits &= ~(UINT64_MAX << from % 64);
		if (bits != 0) {
			uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);

			return wheel->tick + (slot + FLOW_WHEEL_SLOTS - from) % FLOW_WHEEL_SLOTS;
		}
	}
	return UINT64_MAX;
}

// All that waits in the far list is to be put anew: what is still far away goes back there.
static void refile(struct flow_wheel *wheel, struct flow_link *links)
{
	uint32_t first = wheel->head[FLOW_WHEEL_FAR];

	wheel->far_tick = UINT64_MAX;
	wheel->head[FLOW_WHEEL_FAR] = FLOW_WHEEL_NONE;
	wheel->head[FLOW_WHEEL_REFILE] = first;
	if (first != FLOW_WHEEL_NONE)
		links[first].prev = FLOW_WHEEL_HEAD | FLOW_WHEEL_REFILE;
}

uint32_t flow_wheel_next(struct flow_wheel *wheel, struct flow_link *links, uint64_t target)
{
	while (wheel->head[FLOW_WHEEL_REFILE] == FLOW_WHEEL_NONE) {
		uint64_t next = used_next(wheel);

		if (wheel->tick >= target)
			return FLOW_WHEEL_NONE;
		if (wheel->far_tick < next)
			next = wheel->far_tick;
		if (next >= target) {
			wheel->tick = target;
			return FLOW_WHEEL_NONE;
		}
		wheel->tick = next;
		if (wheel->far_tick > next)
			return wheel->head[next % FLOW_WHEEL_SLOTS];
		refile(wheel, links); // may be empty by now: then on to the next slot
	}
	return wheel->head[FLOW_WHEEL_REFILE];
}
