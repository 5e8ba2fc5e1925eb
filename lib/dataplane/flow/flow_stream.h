// The in-order bytes of one direction of a TCP flow, as far as a dissector wants them. A segment that comes in order and is used
// whole is never copied; only what a dissector cannot use yet, or what came too early, goes to a buffer from a bounded pool.
#ifndef FLOW_FLOW_STREAM_H
#define FLOW_FLOW_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/span.h"

enum { FLOW_STREAM_RANGES = 8 };

struct flow_stream {
	uint64_t skip;     // bytes from next_seq on that no one wants
	uint32_t next_seq; // first byte not offered or buffered in order
	uint32_t buffer : 31; // block of the pool plus one; 0: none
	uint32_t started : 1;
};

// Bytes [0, have) are in order and not used yet, the last of them is next_seq - 1; ranges are pieces that came early, as offsets
// in bytes[], sorted, apart from each other.
struct flow_stream_buffer {
	uint32_t have, ranges;
	struct {
		uint32_t from, to;
	} range[FLOW_STREAM_RANGES];
	uint8_t bytes[];
};

struct flow_stream_pool {
	struct pool pool;
	uint32_t bytes;     // of one buffer
	uint64_t gaps;      // bytes were missing and have been given up
	uint64_t early;     // segments that came before their turn
	uint64_t overflows; // a buffer was full, or none was free
	uint64_t inconsistent; // segments that say other bytes than were there; the first ones stand
};

// Offers in-order bytes to the dissectors; returns how many were used, and in *skip how many behind those to pass over. Sets
// *stop when the flow needs no more inspection.
typedef uint32_t flow_stream_offer_fn(void *context, struct span in, uint64_t *skip, bool *stop);

// A segment: its payload, the sequence number of its first byte, its length on the wire (more than the span if it was cut).
// Returns true if the inspection of the flow is over.
bool flow_stream_segment(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t seq, struct span in, uint32_t wire,
			 flow_stream_offer_fn *offer, void *context);

// The other side acknowledges everything before ack: a hole before that will not be filled any more. Same result.
bool flow_stream_acked(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t ack, flow_stream_offer_fn *offer,
		       void *context);

// The first byte of the stream is known (a SYN's sequence number plus one).
static inline void flow_stream_start(struct flow_stream *stream, uint32_t first_seq)
{
	stream->next_seq = first_seq;
	stream->started = true;
}

void flow_stream_end(struct flow_stream_pool *pool, struct flow_stream *stream);

static inline uint32_t flow_stream_block_bytes(uint32_t bytes)
{
	return (uint32_t)((sizeof(struct flow_stream_buffer) + bytes + 63) / 64 * 64);
}

#endif
