// How long whoever waits for the network may go on: without end while the program runs, then for spool.exit_wait_s, so that a server
// or a name server that does not answer keeps no program from ending.
#ifndef SINK_SINK_PATIENCE_H
#define SINK_SINK_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { REMOTE_STEP_MS = 100 }; // how often it is looked at

struct remote_patience {
	_Atomic uint64_t until_ns; // CLOCK_MONOTONIC; UINT64_MAX: without end
};

static inline void remote_patience_end(struct remote_patience *patience, uint32_t wait_s)
{
	atomic_store_explicit(&patience->until_ns, clock_monotonic_ns() + wait_s * 1000000000ull, memory_order_relaxed);
}

static inline bool remote_patience_over(const struct remote_patience *patience) // NULL: never
{
	uint64_t until_ns = patience != NULL ? atomic_load_explicit(&patience->until_ns, memory_order_relaxed) : UINT64_MAX;

	return until_ns != UINT64_MAX && clock_monotonic_ns() >= until_ns;
}

#endif
