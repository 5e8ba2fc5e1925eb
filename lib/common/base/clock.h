// The wall clock, cheap enough for every burst: the CPU's time stamp counter, disciplined by control once a second. And, off the packet
// path, the kernel's clock that is never set, for how long to wait.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
static inline uint64_t clock_cycles(void)
{
	return __builtin_ia32_rdtsc();
}
#elif defined(__aarch64__)
static inline uint64_t clock_cycles(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
}
#else
#error "no cycle counter known for this architecture"
#endif

// Written by control (clock_discipline), read by workers. A reader that meets a write in progress reads again.
struct clock {
	atomic_uint sequence;
	_Atomic uint64_t base_cycles, base_ns;
	_Atomic uint64_t ns_per_cycle_q32; // 32.32 fixed point
};

// hz: cycles per second as measured at start.
void clock_init(struct clock *clock, uint64_t hz);

// Call about once a second: follows CLOCK_REALTIME; small differences are slewed, a step of over a second is taken at once.
void clock_discipline(struct clock *clock);

static inline uint64_t clock_now_ns(const struct clock *clock)
{
	for (;;) {
		unsigned before = atomic_load_explicit(&clock->sequence, memory_order_acquire);
		uint64_t cycles = atomic_load_explicit(&clock->base_cycles, memory_order_relaxed);
		uint64_t ns = atomic_load_explicit(&clock->base_ns, memory_order_relaxed);
		uint64_t rate = atomic_load_explicit(&clock->ns_per_cycle_q32, memory_order_relaxed);

		atomic_thread_fence(memory_order_acquire);
		if (!(before & 1) && before == atomic_load_explicit(&clock->sequence, memory_order_relaxed))
			return ns + (uint64_t)(((__uint128_t)(clock_cycles() - cycles) * rate) >> 32);
	}
}

// CLOCK_MONOTONIC: not for the packet path.
static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
