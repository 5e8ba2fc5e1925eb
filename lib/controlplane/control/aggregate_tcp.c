#include "control/aggregate_tcp.h"

#include <string.h>

enum { SUB_BITS = 5, NS_PER_US = 1000, TOTALS = AGGREGATE_TCP_SECONDS + 1 };
#define NS_PER_S 1000000000ull
#define US_MAX ((1ull << (AGGREGATE_TCP_OCTAVES + SUB_BITS)) - 1)

_Static_assert(1 << SUB_BITS == AGGREGATE_TCP_SUB, "what SUB_BITS is");

// Below 2 * SUB each microsecond has a bucket of its own; from there on each octave has SUB.
static unsigned bucket_of(uint64_t us)
{
	unsigned octave;

	us = us < US_MAX ? us : US_MAX;
	if (us < AGGREGATE_TCP_SUB)
		return (unsigned)us;
	octave = 63u - (unsigned)__builtin_clzll(us) - SUB_BITS;
	return octave * AGGREGATE_TCP_SUB + (unsigned)(us >> octave);
}

static double middle_us(unsigned bucket)
{
	unsigned octave = bucket < 2 * AGGREGATE_TCP_SUB ? 0 : bucket / AGGREGATE_TCP_SUB - 1;
	uint64_t low = (uint64_t)(bucket - octave * AGGREGATE_TCP_SUB) << octave;

	return (double)low + (double)((1ull << octave) - 1) / 2;
}

// The whole path's if the handshake was seen, else what the flow's data says of the part behind us.
static uint64_t rtt_ns(const struct record_tcp *tcp)
{
	return tcp->handshake_ns != 0 ? tcp->handshake_ns : tcp->rtt_samples > 0 ? tcp->rtt_avg_ns : 0;
}

static void forget(struct aggregate_tcp *t, uint64_t second)
{
	uint32_t *slot = t->slot[second % AGGREGATE_TCP_SECONDS];

	for (unsigned i = 0; i < AGGREGATE_TCP_BUCKETS; i++) {
		t->sum[i] -= slot[i];
		t->samples -= slot[i];
	}
	memset(slot, 0, sizeof(t->slot[0]));
}

void aggregate_tcp_now(struct aggregate_tcp *t, uint64_t now_ns)
{
	uint64_t second = now_ns / NS_PER_S;
	uint64_t gone = second > t->second ? second - t->second : 0;

	for (uint64_t i = 1; i <= gone && i <= AGGREGATE_TCP_SECONDS; i++)
		forget(t, t->second + i);
	t->second += gone;
}

void aggregate_tcp_flow(struct aggregate_tcp *t, const struct record *flow, uint64_t at_ns)
{
	uint64_t ns = rtt_ns(&((const struct record_flow *)record_body_const(flow))->tcp);
	unsigned bucket = bucket_of(ns / NS_PER_US);

	aggregate_tcp_now(t, at_ns);
	if (ns == 0)
		return;
	t->slot[t->second % AGGREGATE_TCP_SECONDS][bucket]++;
	t->sum[bucket]++;
	t->samples++;
}

double aggregate_tcp_percentile_ms(const struct aggregate_tcp *t, double share)
{
	double wanted = share * (double)t->samples;
	uint64_t seen = 0;

	if (t->samples == 0)
		return 0;
	for (unsigned i = 0; i < AGGREGATE_TCP_BUCKETS; i++) {
		seen += t->sum[i];
		if (seen > 0 && (double)seen >= wanted)
			return middle_us(i) / NS_PER_US;
	}
	return 0;
}

void aggregate_tcp_turn(struct aggregate_tcp *t, uint64_t segments, uint64_t again, uint64_t *segments_more, uint64_t *again_more)
{
	unsigned oldest;

	t->turn = (t->turn + 1) % TOTALS;
	t->turns += t->turns < TOTALS;
	t->segments[t->turn] = segments;
	t->again[t->turn] = again;
	oldest = (t->turn + TOTALS + 1 - t->turns) % TOTALS;
	*segments_more = segments - t->segments[oldest];
	*again_more = again - t->again[oldest];
}
