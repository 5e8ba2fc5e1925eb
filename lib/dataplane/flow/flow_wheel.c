#include "flow/flow_wheel.h"

#include "flow/flow_table.h"

void flow_wheel_init(struct flow_wheel *wheel)
{
	for (unsigned i = 0; i < FLOW_WHEEL_SLOTS; i++)
		wheel->head[i] = FLOW_WHEEL_NONE;
	wheel->tick = wheel->entries = 0;
	wheel->started = false;
}

void flow_wheel_put(struct flow_wheel *wheel, struct flow *flows, uint32_t index, uint64_t due_ns)
{
	uint64_t tick = due_ns / FLOW_WHEEL_TICK_NS;
	struct flow_link *link = &flows[index].link;
	uint32_t slot, first;

	if (tick < wheel->tick)
		tick = wheel->tick;
	if (tick - wheel->tick >= FLOW_WHEEL_SLOTS)
		tick = wheel->tick + FLOW_WHEEL_SLOTS - 1;
	slot = (uint32_t)(tick % FLOW_WHEEL_SLOTS);
	first = wheel->head[slot];
	link->next = first;
	link->prev = FLOW_WHEEL_HEAD | slot;
	if (first != FLOW_WHEEL_NONE)
		flows[first].link.prev = index;
	wheel->head[slot] = index;
	wheel->entries++;
}

void flow_wheel_take(struct flow_wheel *wheel, struct flow *flows, uint32_t index)
{
	struct flow_link *link = &flows[index].link;

	if (link->prev & FLOW_WHEEL_HEAD)
		wheel->head[link->prev & ~FLOW_WHEEL_HEAD] = link->next;
	else
		flows[link->prev].link.next = link->next;
	if (link->next != FLOW_WHEEL_NONE)
		flows[link->next].link.prev = link->prev;
	wheel->entries--;
}
