// A timing wheel over slab indices: when a flow may be due. Links are lazy: a packet does not move its flow; a flow that is met
// before it is due is put where it will be. Only a time-out that becomes shorter moves a flow at once, so that everything due
// before the swept tick has been met when the sweep leaves it.
//
// What is due beyond one turn of the wheel waits in a list of its own, looked through at most once a turn; empty slots are jumped
// over, so that years of silence in a replay cost nothing.
#ifndef FLOW_FLOW_WHEEL_H
#define FLOW_FLOW_WHEEL_H

#include <stdint.h>

enum { FLOW_WHEEL_SLOTS = 4096, FLOW_WHEEL_FAR = FLOW_WHEEL_SLOTS, FLOW_WHEEL_REFILE, FLOW_WHEEL_HEADS };
#define FLOW_WHEEL_TICK_NS 250000000ull
#define FLOW_WHEEL_NONE UINT32_MAX
#define FLOW_WHEEL_HEAD 0x80000000u // prev of a list's first entry: this bit and the list

struct flow_link {
	uint32_t next, prev;
};

struct flow_wheel {
	uint32_t head[FLOW_WHEEL_HEADS];
	uint64_t used[FLOW_WHEEL_SLOTS / 64]; // bit of each slot that is not empty
	uint64_t tick;     // the slot being swept: all before it are done
	uint64_t far_tick; // nothing in the far list is due earlier
	uint64_t entries;
};

void flow_wheel_init(struct flow_wheel *wheel);
void flow_wheel_put(struct flow_wheel *wheel, struct flow_link *links, uint32_t index, uint64_t due_ns);
void flow_wheel_take(struct flow_wheel *wheel, struct flow_link *links, uint32_t index);

// Goes on to where something may be due, at most to the target tick. Returns the flow to look at, FLOW_WHEEL_NONE if there is none
// before the target. A flow that is returned has to be taken out, or taken out and put again.
uint32_t flow_wheel_next(struct flow_wheel *wheel, struct flow_link *links, uint64_t target_tick);

// Everything due before this has been met.
static inline uint64_t flow_wheel_swept_ns(const struct flow_wheel *wheel)
{
	return wheel->tick * FLOW_WHEEL_TICK_NS;
}

#endif
