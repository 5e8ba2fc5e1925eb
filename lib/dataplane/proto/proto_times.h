// When a question was asked, so that the answer knows how long it took. Ten bytes, because every flow of datagrams has them: the last
// two open questions of the flow (a host asks for A and AAAA at once), to 4 microseconds. An answer that is PROTO_TIMES_MAX_NS late,
// or earlier than its question, goes without its time, and so does one with two later questions open. Nothing of it depends on other
// flows.
#ifndef PROTO_PROTO_TIMES_H
#define PROTO_PROTO_TIMES_H

#include <stdint.h>

enum { PROTO_TIMES = 2, PROTO_TIMES_SHIFT = 12, PROTO_TIMES_BYTES = 3 };

#define PROTO_TIMES_MAX_NS (1ull << (PROTO_TIMES_SHIFT + 8 * PROTO_TIMES_BYTES - 1)) // 34 s

struct proto_times {
	uint16_t id[PROTO_TIMES];
	uint8_t at[PROTO_TIMES][PROTO_TIMES_BYTES]; // all zero: no question is open there
};

static inline uint32_t proto_times_at(const struct proto_times *t, unsigned i)
{
	return t->at[i][0] | (uint32_t)t->at[i][1] << 8 | (uint32_t)t->at[i][2] << 16;
}

static inline void proto_times_set(struct proto_times *t, unsigned i, uint16_t id, uint32_t at)
{
	t->id[i] = id;
	t->at[i][0] = (uint8_t)at;
	t->at[i][1] = (uint8_t)(at >> 8);
	t->at[i][2] = (uint8_t)(at >> 16);
}

static inline uint32_t proto_times_clock(uint64_t now_ns)
{
	uint32_t at = now_ns >> PROTO_TIMES_SHIFT & 0xffffff;

	return at != 0 ? at : 1;
}

// A question that is open already keeps its time: it was repeated.
static inline void proto_times_put(struct proto_times *t, uint16_t id, uint64_t now_ns)
{
	for (unsigned i = 0; i < PROTO_TIMES; i++)
		if (t->id[i] == id && proto_times_at(t, i) != 0)
			return;
	if (proto_times_at(t, 0) != 0)
		proto_times_set(t, 1, t->id[0], proto_times_at(t, 0));
	proto_times_set(t, 0, id, proto_times_clock(now_ns));
}

// How long ago it was asked, 0 if that is not known. It is open no more.
static inline uint64_t proto_times_take(struct proto_times *t, uint16_t id, uint64_t now_ns)
{
	for (unsigned i = 0; i < PROTO_TIMES; i++) {
		uint32_t at = proto_times_at(t, i);
		uint64_t ago_ns = (uint64_t)((proto_times_clock(now_ns) - at) & 0xffffff) << PROTO_TIMES_SHIFT;

		if (t->id[i] != id || at == 0)
			continue;
		proto_times_set(t, i, 0, 0);
		return ago_ns < PROTO_TIMES_MAX_NS ? ago_ns : 0;
	}
	return 0;
}

#endif
