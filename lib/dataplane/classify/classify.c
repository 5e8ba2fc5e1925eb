#include "classify/classify.h"

#include <stddef.h>
#include <string.h>

void classify_init(struct classify *c, void *l7_memory, uint32_t l7_count, struct l7 *scratch_l7, uint8_t *scratch,
		   classify_report_fn *report, void *context)
{
	memset(c, 0, sizeof(*c));
	pool_init(&c->l7_pool, l7_memory, sizeof(struct l7), l7_count);
	c->scratch_l7 = scratch_l7;
	c->scratch = scratch;
	c->report = report;
	c->context = context;
}

static void l7_reset(struct classify *c, struct l7 *l7)
{
	memset(l7, 0, offsetof(struct l7, text));
	l7->scratch = c->scratch;
}

static void report(struct classify *c, const struct classify_flow *flow, struct l7 *l7, bool to_server)
{
	c->transactions++;
	c->texts_cut += l7->text_cut;
	c->report(c->context, flow, l7, to_server);
	l7_clear(l7);
}

static enum proto_verdict ask(unsigned app, struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	enum proto_verdict verdict;

	l7->used = 0;
	l7->skip = 0;
	verdict = proto_list[app]->dissect(in, hint, l7);
	if (l7->used > in.left)
		l7->used = in.left;
	return verdict;
}

// A claimed TCP flow keeps its transaction from call to call. With the pool empty it is told what it said, but no more is asked.
static struct l7 *l7_keep(struct classify *c, struct classify_flow *flow, struct l7 *l7)
{
	uint32_t block = pool_get(&c->l7_pool);
	struct l7 *kept;

	if (block == POOL_NONE) {
		flow->done = true;
		return l7;
	}
	kept = pool_at(&c->l7_pool, block);
	memcpy(kept, l7, offsetof(struct l7, text) + l7->text_used);
	flow->l7 = block + 1;
	return kept;
}

static void finish(struct classify *c, struct classify_flow *flow, struct l7 *l7, bool to_server)
{
	if (l7->pending)
		report(c, flow, l7, to_server);
	if (flow->l7 != 0)
		pool_put(&c->l7_pool, flow->l7 - 1);
	flow->l7 = 0;
	flow->done = true;
}

static bool claims(enum proto_verdict verdict, const struct l7 *l7)
{
	return verdict == PROTO_YES || verdict == PROTO_DONE || (verdict == PROTO_MORE && (l7->used > 0 || l7->pending));
}

static unsigned hinted(const struct proto_hint *hint)
{
	for (unsigned i = 1; i < proto_count; i++) {
		const struct proto_ops *ops = proto_list[i];

		for (unsigned k = 0; (ops->l4 & hint->l4) != 0 && k < 4 && ops->ports[k] != 0; k++)
			if (ops->ports[k] == hint->server_port || ops->ports[k] == hint->client_port)
				return i;
	}
	return 0;
}

// Asks candidate app of a flow that no one has claimed yet. Returns whether it claimed.
static bool try_one(struct classify *c, struct classify_flow *flow, unsigned app, struct span in, const struct proto_hint *hint,
		    enum proto_verdict *verdict, bool *waiting)
{
	const struct proto_ops *ops = proto_list[app];

	if ((flow->refused & 1ull << app) != 0 || (ops->l4 & hint->l4) == 0)
		return false;
	l7_reset(c, c->scratch_l7);
	*verdict = ask(app, in, hint, c->scratch_l7);
	if (claims(*verdict, c->scratch_l7)) {
		flow->app = (uint8_t)app;
		c->claimed[app]++;
		return true;
	}
	if (*verdict == PROTO_MORE && flow->payloads[!hint->to_server] < ops->max_payloads)
		*waiting = true;
	else
		flow->refused |= 1ull << app;
	return false;
}

static bool search(struct classify *c, struct classify_flow *flow, struct span in, const struct proto_hint *hint,
		   enum proto_verdict *verdict)
{
	unsigned first = hinted(hint);
	bool waiting = false;

	if (first != 0 && try_one(c, flow, first, in, hint, verdict, &waiting))
		return true;
	for (unsigned i = 1; i < proto_count; i++)
		if (i != first && try_one(c, flow, i, in, hint, verdict, &waiting))
			return true;
	if (!waiting || flow->payloads[!hint->to_server] >= CLASSIFY_PAYLOADS_MAX) {
		flow->done = true;
		c->given_up++;
	}
	return false;
}

// Acts on what a protocol said of its own flow. Returns whether it wants to be called again for bytes that are left.
static bool act(struct classify *c, struct classify_flow *flow, struct l7 *l7, enum proto_verdict verdict, bool to_server)
{
	switch (verdict) {
	case PROTO_YES:
		report(c, flow, l7, to_server);
		return l7->skip == 0;
	case PROTO_MORE:
		return l7->used > 0 && l7->skip == 0;
	case PROTO_NO:
	case PROTO_DONE:
		break;
	}
	finish(c, flow, l7, to_server);
	return false;
}

// A datagram that its protocol does not know is passed over: the next one may be sound.
static bool passed_over(const struct proto_hint *hint, enum proto_verdict verdict)
{
	return hint->l4 == PROTO_UDP && hint->claimed && verdict == PROTO_NO;
}

uint32_t classify_bytes(struct classify *c, struct classify_flow *flow, struct span in, const struct proto_hint *given, uint64_t *skip)
{
	struct proto_hint hint = *given;
	enum proto_verdict verdict = PROTO_NO;
	uint32_t whole = in.left;
	struct l7 *l7;
	bool again;

	*skip = 0;
	hint.payload = flow->payloads[!hint.to_server];
	hint.claimed = flow->app != 0;
	if (flow->payloads[!hint.to_server] < UINT8_MAX)
		flow->payloads[!hint.to_server]++;
	if (flow->app == 0) {
		if (!search(c, flow, in, &hint, &verdict))
			return flow->done ? whole : 0;
		l7 = c->scratch_l7;
		if (hint.l4 == PROTO_TCP && verdict != PROTO_DONE)
			l7 = l7_keep(c, flow, l7);
	} else {
		l7 = flow->l7 != 0 ? pool_at(&c->l7_pool, flow->l7 - 1) : c->scratch_l7;
		if (flow->l7 == 0)
			l7_reset(c, l7);
		verdict = ask(flow->app, in, &hint, l7);
		if (passed_over(&hint, verdict))
			return whole;
	}
	hint.claimed = true;
	for (;;) {
		uint32_t used = l7->used;

		again = act(c, flow, l7, verdict, hint.to_server);
		*skip = l7->skip;
		span_bytes(&in, used);
		if (!again || in.left == 0 || flow->done || hint.l4 == PROTO_UDP)
			break;
		verdict = ask(flow->app, in, &hint, l7);
		if (verdict == PROTO_YES && l7->used == 0 && used == 0) { // no progress twice: the protocol is stuck
			finish(c, flow, l7, hint.to_server);
			break;
		}
	}
	if (flow->done && l7->pending) // the pool was empty: say what is known
		report(c, flow, l7, hint.to_server);
	return flow->done || hint.l4 == PROTO_UDP ? whole : whole - in.left;
}

void classify_end(struct classify *c, struct classify_flow *flow)
{
	if (flow->l7 != 0)
		finish(c, flow, pool_at(&c->l7_pool, flow->l7 - 1), true);
	flow->done = true;
}
