// When a question was asked, so that the answer knows how long it took: for datagrams, whose flows have no memory of their own.
//
// One table of fixed size for all flows of a worker. A question takes the place of whichever was there, so with very many open at
// once some answers go without their time; nothing is ever refused, and nothing has to be cleared.
#ifndef PROTO_PROTO_TIMES_H
#define PROTO_PROTO_TIMES_H

#include <stdbool.h>
#include <stdint.h>

enum { PROTO_TIMES = 8192 };

struct proto_times {
	struct {
		uint64_t key; // 0: free
		uint64_t ns;
	} asked[PROTO_TIMES];
};

// flow tells flows apart, id the questions of one.
static inline uint64_t proto_times_key(uint64_t flow, uint32_t id)
{
	uint64_t key = (flow ^ (uint64_t)id << 40 ^ id) * 0x9e3779b97f4a7c15u;

	return (key ^ key >> 32) | 1;
}

// A question that is open already keeps its time: it was repeated.
static inline void proto_times_put(struct proto_times *t, uint64_t key, uint64_t now_ns)
{
	uint64_t at = key >> 1 & (PROTO_TIMES - 1);

	if (t->asked[at].key == key)
		return;
	t->asked[at].key = key;
	t->asked[at].ns = now_ns;
}

// How long ago it was asked, 0 if that is not known. It is open no more.
static inline uint64_t proto_times_take(struct proto_times *t, uint64_t key, uint64_t now_ns)
{
	uint64_t at = key >> 1 & (PROTO_TIMES - 1);

	if (t->asked[at].key != key)
		return 0;
	t->asked[at].key = 0;
	return now_ns > t->asked[at].ns ? now_ns - t->asked[at].ns : 0;
}

#endif
