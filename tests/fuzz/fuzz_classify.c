// Any bytes as the payloads of one flow, for every dissector of the list at once: the input says transport, ports, and payload by
// payload the direction and length. Streams keep what was not used, as the flow layer does. Whatever comes, memory comes back,
// nothing beyond the input is said to be used, and every text of a report is printable and lies inside.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

enum { BLOCKS = 1, KEPT_MAX = 4096, OFFERS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void report(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server)
{
	(void)to_server;
	++*(uint64_t *)context;
	require(flow->app > 0 && flow->app < proto_count);
	require(proto_record_kind(l7->type) != NULL && l7->type != RECORD_FLOW && l7->type != RECORD_STATS);
	require(l7->text_used <= L7_TEXT_MAX && l7->hostname.at + l7->hostname.len <= l7->text_used);
	for (unsigned i = 0; i < l7->text_used; i++)
		require(l7->text[i] >= ' ' && l7->text[i] <= '~');
}

struct side {
	uint8_t kept[KEPT_MAX];
	uint32_t n;
	uint64_t skip;
};

static void take(struct side *side, uint32_t n)
{
	memmove(side->kept, side->kept + n, side->n - n);
	side->n -= n;
}

static uint32_t offer(struct classify *c, struct classify_flow *flow, const uint8_t *bytes, uint32_t n, const struct proto_hint *hint,
		      uint64_t *skip)
{
	uint8_t *exact = malloc(n);
	uint32_t used;

	require(exact != NULL);
	memcpy(exact, bytes, n);
	used = classify_bytes(c, flow, span_of(exact, n), hint, skip);
	free(exact);
	require(used <= n && (!flow->done || used == n));
	return used;
}

static void stream(struct classify *c, struct classify_flow *flow, struct side *side, struct span in, const struct proto_hint *hint)
{
	uint32_t skipped = side->skip < in.left ? (uint32_t)side->skip : in.left, used = 1;

	span_bytes(&in, skipped);
	side->skip -= side->skip == UINT64_MAX ? 0 : skipped;
	if (in.left > KEPT_MAX - side->n)
		side->n = 0;
	if (in.left == 0 || in.left > KEPT_MAX)
		return;
	memcpy(side->kept + side->n, in.at, in.left);
	side->n += in.left;
	for (unsigned i = 0; side->n > 0 && !flow->done && used > 0; i++) {
		require(i < OFFERS_MAX);
		used = offer(c, flow, side->kept, side->n, hint, &side->skip);
		take(side, used);
		skipped = side->skip < side->n ? (uint32_t)side->skip : side->n;
		take(side, skipped);
		side->skip -= side->skip == UINT64_MAX ? 0 : skipped;
		used += skipped;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[sizeof(struct l7) * BLOCKS + 64] __attribute__((aligned(64)));
	static uint8_t scratch[L7_SCRATCH];
	static struct l7 scratch_l7;
	static struct side side[2];
	struct span in = span_of(data, (uint32_t)size);
	uint8_t first = span_u8(&in);
	struct proto_hint hint = {.l4 = first & 1 ? PROTO_TCP : PROTO_UDP, .client_port = span_be16(&in), .server_port = span_be16(&in)};
	struct classify_flow flow = {0};
	struct classify c;
	uint64_t reports = 0;

	classify_init(&c, memory, first & 2 ? BLOCKS : 0, &scratch_l7, scratch, NULL, report, &reports);
	side[0].n = side[1].n = 0;
	side[0].skip = side[1].skip = 0;
	while (in.left > 2 && !flow.done) {
		uint16_t what = span_be16(&in);
		uint32_t n = what >> 1;
		struct span payload = span_take(&in, n < in.left ? n : in.left);
		uint64_t skip;

		hint.to_server = (what & 1) == 0;
		if (payload.left > 0 && hint.l4 == PROTO_TCP)
			stream(&c, &flow, &side[what & 1], payload, &hint);
		else if (payload.left > 0)
			offer(&c, &flow, payload.at, payload.left, &hint, &skip);
	}
	classify_end(&c, &flow);
	require(flow.done && !flow.has_l7 && c.l7_pool.available == c.l7_pool.capacity);
	require(c.transactions == reports);
	return 0;
}
