// How TCP fares, over the last minute: percentiles of round trip times, one sample for each record of a flow that has one, in
// buckets of at most 1/32 of their value; and how much is sent again, from what the workers have counted of flows that ended.
#ifndef CONTROL_AGGREGATE_TCP_H
#define CONTROL_AGGREGATE_TCP_H

#include <stdint.h>

#include "record/record.h"

enum { AGGREGATE_TCP_SECONDS = 60, AGGREGATE_TCP_SUB = 32, AGGREGATE_TCP_OCTAVES = 27 }; // of microseconds: up to 2 ^ 32
enum { AGGREGATE_TCP_BUCKETS = (AGGREGATE_TCP_OCTAVES + 1) * AGGREGATE_TCP_SUB };

struct aggregate_tcp {
	uint64_t second;           // the newest; that and the 59 before it are in slot[], by number modulo 60
	uint64_t samples;
	uint32_t sum[AGGREGATE_TCP_BUCKETS];
	uint32_t slot[AGGREGATE_TCP_SECONDS][AGGREGATE_TCP_BUCKETS];
	unsigned turns;            // totals that are there, the newest at turn
	unsigned turn;
	uint64_t segments[AGGREGATE_TCP_SECONDS + 1], again[AGGREGATE_TCP_SECONDS + 1];
};

// Seconds that go back count as the newest.
void aggregate_tcp_flow(struct aggregate_tcp *tcp, const struct record *flow, uint64_t at_ns);
void aggregate_tcp_now(struct aggregate_tcp *tcp, uint64_t now_ns); // what is older than a minute is forgotten

// Milliseconds that `share` (0..1) of the samples do not exceed, to the middle of a bucket; 0 if there are none.
double aggregate_tcp_percentile_ms(const struct aggregate_tcp *tcp, double share);

// Once a second: totals since the start. Returns what was added since a minute ago, or since the first.
void aggregate_tcp_turn(struct aggregate_tcp *tcp, uint64_t segments, uint64_t again, uint64_t *segments_more,
			uint64_t *again_more);

#endif
