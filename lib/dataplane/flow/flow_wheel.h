// A timing wheel over slab indices: when a flow may be due. Links are lazy: a packet does not move its flow; a flow that is met
// before it is due is put where it will be. Only a time-out that becomes shorter moves a flow at once, so that everything due
// before the swept tick has been met when the sweep leaves it.
#ifndef FLOW_FLOW_WHEEL_H
#define FLOW_FLOW_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { FLOW_WHEEL_SLOTS = 4096 };
#define FLOW_WHEEL_TICK_NS 250000000ull
#define FLOW_WHEEL_NONE UINT32_MAX
#define FLOW_WHEEL_HEAD 0x80000000u // prev of a slot's first entry: this bit and the slot

struct flow;

struct flow_link {
	uint32_t next, prev;
};

struct flow_wheel {
	uint32_t head[FLOW_WHEEL_SLOTS];
	uint64_t tick;    // the slot being swept: all before it are done
	uint64_t entries;
	bool started;
};

void flow_wheel_init(struct flow_wheel *wheel);
void flow_wheel_put(struct flow_wheel *wheel, struct flow *flows, uint32_t index, uint64_t due_ns);
void flow_wheel_take(struct flow_wheel *wheel, struct flow *flows, uint32_t index);

// Everything due before this has been met.
static inline uint64_t flow_wheel_swept_ns(const struct flow_wheel *wheel)
{
	return wheel->tick * FLOW_WHEEL_TICK_NS;
}

#endif
