// In sanitizer builds the bytes behind a frame are forbidden while it is being read: a mbuf's memory has no red zones of its own, so
// without this an over-read inside it would go unseen. Nothing in other builds.
#ifndef WORKER_WORKER_GUARD_H
#define WORKER_WORKER_GUARD_H

#include <rte_mbuf.h>

#if defined(__SANITIZE_ADDRESS__)
#define WORKER_GUARD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WORKER_GUARD 1
#endif
#endif

#ifdef WORKER_GUARD
#include <sanitizer/asan_interface.h>

static inline void worker_guard_set(const void *frame, size_t length, size_t room)
{
	ASAN_POISON_MEMORY_REGION((const uint8_t *)frame + length, room - length);
}

static inline void worker_guard_clear(const void *at, size_t room)
{
	ASAN_UNPOISON_MEMORY_REGION(at, room);
}
#else
static inline void worker_guard_set(const void *frame, size_t length, size_t room)
{
	(void)frame, (void)length, (void)room;
}

static inline void worker_guard_clear(const void *at, size_t room)
{
	(void)at, (void)room;
}
#endif

#endif
