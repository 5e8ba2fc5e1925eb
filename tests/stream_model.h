// A byte stream cut in segments, and what must be true of everything that flow_stream offers of it: the bytes at that place of
// the stream, in order, none twice, and none left out unless the pool counted a gap. The unit test draws its choices from a
// generator, the fuzzer from its input; both play the same game here.
#ifndef TESTS_STREAM_MODEL_H
#define TESTS_STREAM_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "flow/flow_stream.h"

enum { MODEL_LENGTH_MAX = 8192, MODEL_SEGMENTS_MAX = 512, MODEL_BLOCKS = 3, MODEL_CANARY = 0xcc };

// Where choices come from: a number below n.
typedef uint32_t model_choose_fn(void *source, uint32_t n);

struct model {
	model_choose_fn *choose;
	void *source;
	struct flow_stream_pool pool;
	struct flow_stream stream;
	uint8_t *memory;
	uint32_t held;       // a block that somebody else has
	uint32_t first_seq, length;
	bool lossless;
	// what the reader wants of the stream
	uint64_t place;      // the next byte to be offered
	uint64_t offered_to; // end of what has been offered
	uint64_t gaps_seen;
	bool may_jump;       // the beginning of the stream was not seen
	bool stopped, forever;
};

static inline void model_require(bool holds)
{
	if (!holds)
		abort();
}

static inline uint8_t model_byte(uint64_t place)
{
	uint64_t x = (place + 1) * 0x9e3779b97f4a7c15ull;

	return (uint8_t)(x >> 56);
}

static inline uint32_t model_choose(struct model *m, uint32_t n)
{
	return m->choose(m->source, n);
}

static inline void model_init(struct model *m, uint32_t buffer_bytes, uint32_t first_seq, uint32_t length, bool lossless)
{
	uint32_t block = flow_stream_block_bytes(buffer_bytes);

	m->memory = aligned_alloc(64, (pool_bytes(block, MODEL_BLOCKS) + 63) / 64 * 64);
	model_require(m->memory != NULL);
	memset(m->memory, MODEL_CANARY, (size_t)block * MODEL_BLOCKS);
	m->pool = (struct flow_stream_pool){.bytes = buffer_bytes};
	pool_init(&m->pool.pool, m->memory, block, MODEL_BLOCKS);
	m->held = pool_get(&m->pool.pool); // the stream's own block lies between this one and one that no one takes
	m->stream = (struct flow_stream){0};
	m->first_seq = first_seq;
	m->length = length;
	m->lossless = lossless;
	m->place = m->offered_to = m->gaps_seen = 0;
	m->may_jump = m->stopped = m->forever = false;
}

static inline void model_canaries_check(const struct model *m)
{
	uint32_t block = m->pool.pool.block_size;

	for (uint32_t i = 0; i < block; i++)
		model_require(m->memory[i] == MODEL_CANARY && m->memory[2 * (size_t)block + i] == MODEL_CANARY);
}

static inline void model_fini(struct model *m)
{
	flow_stream_end(&m->pool, &m->stream);
	pool_put(&m->pool.pool, m->held);
	model_require(m->pool.pool.available == MODEL_BLOCKS);
	model_require(m->pool.inconsistent == 0); // all segments are of one stream
	model_canaries_check(m);
	free(m->memory);
}

// The reader. It uses all, a part or nothing of what it is shown, and may know how far the next thing of interest is.
static inline uint32_t model_offer(void *context, struct span in, uint64_t *skip, bool *stop)
{
	struct model *m = context;
	uint32_t end = m->stream.next_seq - m->first_seq, used; // the last byte offered is the one before next_seq
	uint64_t place = end - in.left;

	model_require(!m->stopped && !m->forever && in.left > 0 && end >= in.left && end <= m->length);
	model_require(place >= m->place);
	if (m->pool.gaps == m->gaps_seen && !m->may_jump)
		model_require(place == m->place);
	for (uint32_t i = 0; i < in.left; i++)
		model_require(in.at[i] == model_byte(place + i));
	m->gaps_seen = m->pool.gaps;
	m->may_jump = false;
	if (end > m->offered_to)
		m->offered_to = end;
	switch (model_choose(m, 16)) {
	case 0: // wait for more
		used = 0;
		break;
	case 1:
	case 2:
		used = model_choose(m, in.left + 1);
		break;
	case 3:
	case 4:
		used = model_choose(m, in.left + 1);
		*skip = model_choose(m, 3000);
		break;
	case 5:
		used = in.left;
		if (model_choose(m, 40) == 0) {
			*skip = UINT64_MAX;
			m->forever = true;
		} else if (model_choose(m, 60) == 0) {
			*stop = m->stopped = true;
		}
		break;
	default:
		used = in.left;
	}
	m->place = place + used + (*skip != UINT64_MAX ? *skip : 0);
	return used;
}

// One segment [from, to) of the stream, of which `captured` bytes were seen. In a buffer of its own size.
static inline void model_segment(struct model *m, uint32_t from, uint32_t to, uint32_t captured)
{
	uint8_t *bytes = malloc(captured + 1u);

	if (m->stopped || bytes == NULL) {
		free(bytes);
		return;
	}
	for (uint32_t i = 0; i < captured; i++)
		bytes[1 + i] = model_byte(from + i);
	model_require(flow_stream_segment(&m->pool, &m->stream, m->first_seq + from, span_of(bytes + 1, captured), to - from,
					  model_offer, m) == m->stopped);
	free(bytes);
	if (m->stopped)
		flow_stream_end(&m->pool, &m->stream);
}

static inline void model_ack(struct model *m, uint32_t place)
{
	if (m->stopped)
		return;
	model_require(flow_stream_acked(&m->pool, &m->stream, m->first_seq + place, model_offer, m) == m->stopped);
	if (m->stopped)
		flow_stream_end(&m->pool, &m->stream);
}

struct model_piece {
	uint32_t from, to;
};

// Cuts the stream in pieces that may overlap and come twice; shuffles them within `window` places.
static inline unsigned model_cut(struct model *m, struct model_piece *piece, unsigned window)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < m->length && n + 2 < MODEL_SEGMENTS_MAX;) {
		uint32_t size = 1 + model_choose(m, model_choose(m, 4) == 0 ? 1460 : 90), back = 0;

		if (model_choose(m, 4) == 0)
			back = model_choose(m, at < 200 ? at + 1 : 200);
		if (size > m->length - at || n + 4 >= MODEL_SEGMENTS_MAX) // two more may follow, the loop ends with two to spare
			size = m->length - at;
		piece[n++] = (struct model_piece){at - back, at + size};
		if (model_choose(m, 10) == 0)
			piece[n++] = (struct model_piece){at, at + size};
		at += size;
	}
	for (unsigned i = 0; i < n; i += window)
		for (unsigned k = i; k + 1 < i + window && k + 1 < n; k++) {
			unsigned last = i + window < n ? i + window : n, other = k + model_choose(m, last - k);
			struct model_piece held = piece[k];

			piece[k] = piece[other];
			piece[other] = held;
		}
	return n;
}

// Everything comes, no more out of order than there is room for: everything is offered, or is what the reader did not want.
static inline void model_play_lossless(struct model *m)
{
	static struct model_piece piece[MODEL_SEGMENTS_MAX];
	unsigned n = model_cut(m, piece, FLOW_STREAM_RANGES);

	flow_stream_start(&m->stream, m->first_seq);
	for (unsigned i = 0; i < n; i++) {
		model_segment(m, piece[i].from, piece[i].to, piece[i].to - piece[i].from);
		if (model_choose(m, 4) == 0)
			model_ack(m, m->stream.next_seq - m->first_seq);
	}
	model_require(m->pool.gaps == 0 && m->pool.overflows == 0);
	model_require(m->stopped || m->forever || m->offered_to == m->length || m->place >= m->length);
}

// Pieces are lost, cut, far out of order, acknowledged when they were never seen.
static inline void model_play_lossy(struct model *m)
{
	static struct model_piece piece[MODEL_SEGMENTS_MAX];
	unsigned n = model_cut(m, piece, 1 + model_choose(m, 64)), loss = 1 + model_choose(m, 30), cut = 1 + model_choose(m, 30);

	if (model_choose(m, 2) == 0)
		flow_stream_start(&m->stream, m->first_seq);
	else
		m->may_jump = true;
	for (unsigned i = 0; i < n; i++) {
		uint32_t size = piece[i].to - piece[i].from;

		if (model_choose(m, loss) > 0 || loss == 1)
			model_segment(m, piece[i].from, piece[i].to, model_choose(m, cut) > 0 || cut == 1 ? size : model_choose(m, size + 1));
		if (model_choose(m, 4) == 0)
			model_ack(m, model_choose(m, m->length + 1));
	}
}

#endif
