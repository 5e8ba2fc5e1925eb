#include "base/clock.h"

#include <time.h>

enum { STEP_NS = 1000000000, SLEW_PART = 4 };

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void publish(struct clock *clock, uint64_t cycles, uint64_t ns, uint64_t rate)
{
	unsigned sequence = atomic_load_explicit(&clock->sequence, memory_order_relaxed);

	atomic_store_explicit(&clock->sequence, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&clock->base_cycles, cycles, memory_order_relaxed);
	atomic_store_explicit(&clock->base_ns, ns, memory_order_relaxed);
	atomic_store_explicit(&clock->ns_per_cycle_q32, rate, memory_order_relaxed);
	atomic_store_explicit(&clock->sequence, sequence + 2, memory_order_release);
}

void clock_init(struct clock *clock, uint64_t hz)
{
	publish(clock, clock_cycles(), wall_ns(), (uint64_t)((((__uint128_t)1000000000u) << 32) / hz));
}

void clock_discipline(struct clock *clock)
{
	uint64_t cycles = clock_cycles(), ours = clock_now_ns(clock), theirs = wall_ns();
	uint64_t rate = atomic_load_explicit(&clock->ns_per_cycle_q32, memory_order_relaxed);
	int64_t off = (int64_t)(theirs - ours);
	uint64_t elapsed = cycles - atomic_load_explicit(&clock->base_cycles, memory_order_relaxed);

	if (off > STEP_NS || off < -STEP_NS) {
		publish(clock, cycles, theirs, rate);
		return;
	}
	// Slew: run faster or slower by what would close part of the gap in the next interval like this one; never backwards.
	if (elapsed > 0) {
		int64_t change = (int64_t)((((__int128_t)off << 32) / SLEW_PART) / (__int128_t)elapsed);
		int64_t bound = (int64_t)(rate / 2000); // 500 ppm

		if (change > bound)
			change = bound;
		if (change < -bound)
			change = -bound;
		rate = (uint64_t)((int64_t)rate + change);
	}
	publish(clock, cycles, ours, rate);
}
