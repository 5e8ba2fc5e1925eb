#include "flow/flow_stream.h"

#include <string.h>

enum { BODY_STEP = 1 << 30 }; // next_seq may run ahead of what came by less than half the sequence space

static struct flow_stream_buffer *buffer_of(const struct flow_stream_pool *pool, const struct flow_stream *stream)
{
	return stream->buffer != 0 ? pool_at(&pool->pool, stream->buffer - 1) : NULL;
}

static struct flow_stream_buffer *buffer_get(struct flow_stream_pool *pool, struct flow_stream *stream)
{
	struct flow_stream_buffer *b = buffer_of(pool, stream);
	uint32_t block;

	if (b != NULL)
		return b;
	block = pool_get(&pool->pool);
	if (block == POOL_NONE)
		return NULL;
	stream->buffer = (block + 1) & INT32_MAX;
	b = pool_at(&pool->pool, block);
	b->have = b->ranges = 0;
	return b;
}

void flow_stream_end(struct flow_stream_pool *pool, struct flow_stream *stream)
{
	if (stream->buffer != 0)
		pool_put(&pool->pool, stream->buffer - 1);
	stream->buffer = 0;
}

// Gives up what is buffered: bytes were missing, or there was no room.
static void buffer_drop(struct flow_stream_pool *pool, struct flow_stream *stream)
{
	pool->gaps++;
	flow_stream_end(pool, stream);
}

static void skip_from(struct flow_stream *stream, struct span *in)
{
	uint32_t n = stream->skip < in->left ? (uint32_t)stream->skip : in->left;

	span_bytes(in, n);
	if (stream->skip != UINT64_MAX)
		stream->skip -= n;
}

// Offers in-order bytes until the dissectors want no more of them now; what is left stays in `in`.
static bool consume(struct flow_stream *stream, struct span *in, flow_stream_offer_fn *offer, void *context)
{
	bool stop = false;

	while (in->left > 0 && !stop) {
		uint32_t used = offer(context, *in, &stream->skip, &stop);

		span_bytes(in, used);
		if (stream->skip > 0)
			skip_from(stream, in);
		else if (used == 0)
			break;
	}
	return stop;
}

static void range_remove(struct flow_stream_buffer *b, uint32_t i)
{
	memmove(&b->range[i], &b->range[i + 1], (b->ranges - i - 1) * sizeof(b->range[0]));
	b->ranges--;
}

// Early pieces that the in-order part has reached become part of it.
static void ranges_join(struct flow_stream *stream, struct flow_stream_buffer *b)
{
	while (b->ranges > 0 && b->range[0].from <= b->have) {
		if (b->range[0].to > b->have) {
			stream->next_seq += b->range[0].to - b->have;
			b->have = b->range[0].to;
		}
		range_remove(b, 0);
	}
}

// Takes n bytes from the front of the buffer.
static void buffer_shift(struct flow_stream_buffer *b, uint32_t n)
{
	uint32_t end = b->ranges > 0 ? b->range[b->ranges - 1].to : b->have;

	if (n == 0)
		return;
	memmove(b->bytes, b->bytes + n, end - n);
	b->have -= n;
	for (uint32_t i = 0; i < b->ranges; i++) {
		b->range[i].from -= n;
		b->range[i].to -= n;
	}
}

// Passes over bytes that no one wants, as far as early pieces reach. Returns whether some behind them are in order now.
static bool body_pass(struct flow_stream *stream, struct flow_stream_buffer *b)
{
	while (b->ranges > 0 && b->range[0].to <= stream->skip)
		range_remove(b, 0);
	if (b->ranges == 0)
		return false;
	b->have = (uint32_t)stream->skip;
	stream->next_seq += b->have;
	ranges_join(stream, b);
	buffer_shift(b, (uint32_t)stream->skip);
	stream->skip = 0;
	return b->have > 0;
}

// Offers what is in order in the buffer and keeps the rest.
static bool buffer_offer(struct flow_stream_pool *pool, struct flow_stream *stream, flow_stream_offer_fn *offer, void *context)
{
	struct flow_stream_buffer *b = buffer_of(pool, stream);
	struct span in;

	do {
		in = span_of(b->bytes, b->have);
		if (consume(stream, &in, offer, context))
			return true;
		buffer_shift(b, b->have - in.left);
	} while (stream->skip > 0 && body_pass(stream, b));
	if (b->have == 0 && b->ranges == 0)
		flow_stream_end(pool, stream);
	return false;
}

// The hole before the first early piece is given up: the stream goes on there.
static bool hole_pass(struct flow_stream_pool *pool, struct flow_stream *stream, flow_stream_offer_fn *offer, void *context)
{
	struct flow_stream_buffer *b = buffer_of(pool, stream);
	uint32_t from = b->range[0].from;

	pool->gaps++;
	stream->next_seq += from - b->have;
	b->have = from;
	ranges_join(stream, b);
	buffer_shift(b, from);
	return buffer_offer(pool, stream, offer, context);
}

// With nothing buffered the segment is offered where it lies; only what is not used is copied.
static bool direct(struct flow_stream_pool *pool, struct flow_stream *stream, struct span in, flow_stream_offer_fn *offer, void *context)
{
	struct flow_stream_buffer *b;

	if (consume(stream, &in, offer, context))
		return true;
	if (in.left == 0)
		return false;
	b = buffer_get(pool, stream);
	if (b == NULL || in.left > pool->bytes) {
		pool->overflows++;
		buffer_drop(pool, stream);
		return false;
	}
	memcpy(b->bytes, in.at, in.left);
	b->have = in.left;
	return false;
}

// Puts a segment's bytes to [from, ...). Where early pieces are they stay, whatever this one says.
static void bytes_put(struct flow_stream_pool *pool, struct flow_stream_buffer *b, uint32_t from, struct span in)
{
	uint32_t at = from, to = from + in.left;
	bool differs = false;

	for (uint32_t i = 0; i < b->ranges && b->range[i].from < to; i++) {
		uint32_t low = b->range[i].from > at ? b->range[i].from : at, high = b->range[i].to < to ? b->range[i].to : to;

		if (high <= low)
			continue;
		memcpy(b->bytes + at, in.at + (at - from), low - at);
		differs |= memcmp(b->bytes + low, in.at + (low - from), high - low) != 0;
		at = high;
	}
	memcpy(b->bytes + at, in.at + (at - from), to - at);
	pool->inconsistent += differs;
}

// Bytes sent again that are still here: do they say the same?
static void seen_compare(struct flow_stream_pool *pool, const struct flow_stream *stream, uint32_t seq, const struct span *in)
{
	const struct flow_stream_buffer *b = buffer_of(pool, stream);
	uint32_t back = stream->next_seq - seq, n = in->left < back ? in->left : back, passed;

	if (b == NULL || b->have == 0)
		return;
	passed = back > b->have ? back - b->have : 0; // those were used
	if (passed < n && memcmp(b->bytes + b->have - (back - passed), in->at + passed, n - passed) != 0)
		pool->inconsistent++;
}

static bool in_order(struct flow_stream_pool *pool, struct flow_stream *stream, struct span in, flow_stream_offer_fn *offer,
		     void *context)
{
	struct flow_stream_buffer *b = buffer_of(pool, stream);

	stream->next_seq += in.left;
	if (b != NULL && in.left > pool->bytes - b->have) {
		pool->overflows++;
		buffer_drop(pool, stream);
		b = NULL;
	}
	if (b == NULL)
		return direct(pool, stream, in, offer, context);
	bytes_put(pool, b, b->have, in);
	b->have += in.left;
	ranges_join(stream, b);
	return buffer_offer(pool, stream, offer, context);
}

// Whether [from, to) finds a place among the early pieces: one is free, or it touches one that is there.
static bool range_fits(const struct flow_stream_buffer *b, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < b->ranges; i++)
		if (b->range[i].from <= to && from <= b->range[i].to)
			return true;
	return b->ranges < FLOW_STREAM_RANGES;
}

// Enters [from, to) among the early pieces, joined with those it touches.
static void range_enter(struct flow_stream_buffer *b, uint32_t from, uint32_t to)
{
	uint32_t i = 0;

	while (i < b->ranges && b->range[i].to < from)
		i++;
	while (i < b->ranges && b->range[i].from <= to) {
		if (b->range[i].from < from)
			from = b->range[i].from;
		if (b->range[i].to > to)
			to = b->range[i].to;
		range_remove(b, i);
	}
	memmove(&b->range[i + 1], &b->range[i], (b->ranges - i) * sizeof(b->range[0]));
	b->range[i].from = from;
	b->range[i].to = to;
	b->ranges++;
}

enum outcome { GOES_ON, STOP, AGAIN };

static enum outcome outcome_of(bool stop)
{
	return stop ? STOP : GOES_ON;
}

// A segment that lies `ahead` bytes beyond what is in order. With no room for it the oldest hole is given up, and the segment
// is to be looked at again.
static enum outcome early(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t ahead, struct span in,
			  flow_stream_offer_fn *offer, void *context)
{
	struct flow_stream_buffer *b = buffer_get(pool, stream);
	uint64_t from = b != NULL ? (uint64_t)b->have + ahead : 0;

	pool->early++;
	if (b != NULL && from + in.left <= pool->bytes && range_fits(b, (uint32_t)from, (uint32_t)from + in.left)) {
		bytes_put(pool, b, (uint32_t)from, in);
		range_enter(b, (uint32_t)from, (uint32_t)from + in.left);
		return GOES_ON;
	}
	if (b != NULL && b->ranges > 0)
		return hole_pass(pool, stream, offer, context) ? STOP : AGAIN;
	if (b == NULL)
		pool->overflows++;
	buffer_drop(pool, stream);
	stream->next_seq += ahead;
	return outcome_of(in_order(pool, stream, in, offer, context));
}

bool flow_stream_acked(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t ack, flow_stream_offer_fn *offer,
		       void *context)
{
	struct flow_stream_buffer *b = buffer_of(pool, stream);

	if (b == NULL || b->ranges == 0 || (int32_t)(ack - stream->next_seq) < (int32_t)(b->range[0].from - b->have))
		return false;
	return hole_pass(pool, stream, offer, context);
}

// Bytes that no one wants count as seen before they come, in steps if they are very many. Nothing is buffered meanwhile.
static void body_follow(struct flow_stream *stream, uint32_t seq)
{
	while (stream->skip > 0 && (int32_t)(stream->next_seq - seq) < BODY_STEP) {
		uint32_t n = stream->skip < BODY_STEP ? (uint32_t)stream->skip : BODY_STEP;

		stream->next_seq += n;
		stream->skip -= n;
	}
}

// The end of a segment was not captured: a hole before `end` that nothing will fill.
static void cut_pass(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t end)
{
	if (stream->skip == UINT64_MAX)
		return;
	body_follow(stream, end);
	if ((int32_t)(end - stream->next_seq) <= 0)
		return;
	stream->next_seq = end;
	buffer_drop(pool, stream);
}

static enum outcome segment(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t seq, struct span in, uint32_t wire,
			    flow_stream_offer_fn *offer, void *context)
{
	uint32_t end = seq + wire, ahead;
	enum outcome outcome = GOES_ON;

	if (stream->skip == UINT64_MAX)
		return GOES_ON;
	body_follow(stream, seq);
	if ((int32_t)(seq - stream->next_seq) < 0) { // begins with what was seen already
		uint32_t seen = stream->next_seq - seq;

		seen_compare(pool, stream, seq, &in);
		if (seen >= wire)
			return GOES_ON;
		span_bytes(&in, seen < in.left ? seen : in.left);
		seq = stream->next_seq;
	}
	ahead = seq - stream->next_seq;
	if (in.left > 0 && ahead > 0)
		return early(pool, stream, ahead, in, offer, context);
	if (in.left > 0)
		outcome = outcome_of(in_order(pool, stream, in, offer, context));
	if (outcome == GOES_ON && ahead == 0)
		cut_pass(pool, stream, end);
	return outcome;
}

bool flow_stream_segment(struct flow_stream_pool *pool, struct flow_stream *stream, uint32_t seq, struct span in, uint32_t wire,
			 flow_stream_offer_fn *offer, void *context)
{
	enum outcome outcome = AGAIN;

	if (!stream->started)
		flow_stream_start(stream, seq);
	for (unsigned i = 0; i <= FLOW_STREAM_RANGES + 1 && outcome == AGAIN; i++)
		outcome = segment(pool, stream, seq, in, wire, offer, context);
	return outcome == STOP;
}
