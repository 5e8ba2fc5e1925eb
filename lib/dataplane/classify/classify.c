#include "classify/classify.h"

#include <stddef.h>
#include <string.h>

#include "classify/classify_index.h"

enum { NS_PER_S = 1000000000 };

// One call of classify_bytes().
struct turn {
	struct classify *c;
	struct classify_flow *flow;
	struct span in;
	struct proto_hint hint;
	struct l7 *l7;
	enum proto_verdict verdict; // of the last call
	uint64_t skip;
	bool next;                  // the protocol is over by agreement
	struct proto_times times;   // of a flow not claimed yet
};

static uint32_t bound_of(uint32_t limit)
{
	return limit != 0 ? limit : UINT32_MAX;
}

void classify_init(struct classify *c, void *l7_memory, uint32_t l7_count, struct l7 *scratch_l7, uint8_t *scratch,
		   const struct classify_limits *limits, classify_report_fn *report, void *context)
{
	memset(c, 0, sizeof(*c));
	pool_init(&c->l7_pool, l7_memory, sizeof(struct l7), l7_count);
	c->scratch_l7 = scratch_l7;
	c->scratch = scratch;
	if (limits != NULL)
		c->limits = *limits;
	if (c->limits.flow_transactions == 0 || c->limits.flow_transactions > CLASSIFY_FLOW_TRANSACTIONS_MAX)
		c->limits.flow_transactions = CLASSIFY_FLOW_TRANSACTIONS_MAX;
	c->transactions_left = bound_of(c->limits.second_transactions);
	c->costly_left = bound_of(c->limits.second_costly);
	c->report = report;
	c->context = context;
	classify_index(c);
}

static void second_begin(struct classify *c, uint64_t now_ns)
{
	uint64_t second = now_ns / NS_PER_S;

	if (second == c->second)
		return;
	c->second = second;
	c->transactions_left = bound_of(c->limits.second_transactions);
	c->costly_left = bound_of(c->limits.second_costly);
}

static void l7_reset(struct classify *c, struct l7 *l7)
{
	memset(l7, 0, offsetof(struct l7, text));
	l7->scratch = c->scratch;
}

// Whether one more transaction of this flow may be reported.
static bool granted(struct classify *c, struct classify_flow *flow)
{
	if (flow->reported >= c->limits.flow_transactions) {
		c->withheld_flow++;
		return false;
	}
	if (c->transactions_left == 0) {
		c->withheld_second++;
		return false;
	}
	flow->reported++;
	c->transactions_left--;
	return true;
}

static void report(struct classify *c, struct classify_flow *flow, struct l7 *l7, bool to_server)
{
	if (l7->type == 0)
		l7->type = (uint8_t)(RECORD_TYPES + flow->app);
	if (proto_record_kind(l7->type) != NULL && granted(c, flow)) {
		c->transactions++;
		c->texts_cut += l7->text_cut;
		c->report(c->context, flow, l7, to_server);
	}
	l7_clear(l7);
}

static void ask(struct turn *t, unsigned app, struct l7 *l7)
{
	struct classify *c = t->c;

	l7->used = 0;
	l7->skip = 0;
	l7->again = l7->costly = l7->withheld = false;
	t->hint.costly = c->costly_left > 0;
	t->verdict = proto_list[app]->dissect(t->in, &t->hint, l7);
	c->asked[app]++;
	c->costly += l7->costly;
	c->costly_withheld += l7->withheld;
	c->costly_left -= l7->costly && c->costly_left > 0;
	if (l7->used > t->in.left)
		l7->used = t->in.left;
}

// A claimed flow keeps its transaction from call to call. With the pool empty it is told what it said, but no more is asked of a
// TCP flow.
static struct l7 *l7_keep(struct turn *t, struct l7 *l7)
{
	uint32_t block = pool_get(&t->c->l7_pool);
	struct l7 *kept;

	if (block == POOL_NONE) {
		t->flow->done = t->hint.l4 == PROTO_TCP;
		return l7;
	}
	kept = pool_at(&t->c->l7_pool, block);
	memcpy(kept, l7, offsetof(struct l7, text) + l7->text_used);
	t->flow->l7 = block;
	t->flow->has_l7 = true;
	return kept;
}

static void finish(struct classify *c, struct classify_flow *flow, struct l7 *l7, bool to_server)
{
	if (l7->pending)
		report(c, flow, l7, to_server);
	if (flow->has_l7)
		pool_put(&c->l7_pool, flow->l7);
	flow->has_l7 = false;
	flow->done = true;
}

// ---- the search ----

static bool claims(enum proto_verdict verdict, const struct l7 *l7)
{
	return verdict == PROTO_YES || verdict == PROTO_DONE || verdict == PROTO_NEXT ||
	       (verdict == PROTO_MORE && (l7->used > 0 || l7->pending));
}

static bool try_one(struct turn *t, unsigned app, bool *more)
{
	struct classify *c = t->c;

	l7_reset(c, c->scratch_l7);
	t->times = (struct proto_times){0};
	ask(t, app, c->scratch_l7);
	*more = t->verdict == PROTO_MORE && t->hint.payload + 1u < proto_list[app]->max_payloads;
	return claims(t->verdict, c->scratch_l7);
}

struct candidates {
	uint8_t app[CLASSIFY_WAITING_MAX];
	unsigned count;
};

// Asks one candidate; returns it if it claims, else 0.
static unsigned offer(struct turn *t, struct candidates *left, unsigned app)
{
	bool more;

	if (try_one(t, app, &more))
		return app;
	if (more && left->count < CLASSIFY_WAITING_MAX)
		left->app[left->count++] = (uint8_t)app;
	else
		t->c->waiting_full += more;
	return 0;
}

// The first payload: everyone who can begin with it.
static unsigned ask_all(struct turn *t, struct candidates *left)
{
	const uint64_t *starts = t->c->starts[t->hint.l4 == PROTO_UDP][t->in.at[0]];
	unsigned by_server = classify_port_app(t->c, t->hint.l4, t->hint.server_port);
	unsigned hinted = by_server != 0 ? by_server : classify_port_app(t->c, t->hint.l4, t->hint.client_port);
	unsigned found = 0;

	if (hinted != 0 && (starts[hinted / 64] & 1ull << hinted % 64) != 0)
		found = offer(t, left, hinted);
	for (unsigned word = 0; found == 0 && word < PROTO_MAX / 64; word++)
		for (uint64_t bits = starts[word]; found == 0 && bits != 0; bits &= bits - 1) {
			unsigned app = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (app != hinted)
				found = offer(t, left, app);
		}
	return found;
}

static unsigned ask_waiting(struct turn *t, struct candidates *left)
{
	unsigned found = 0;

	for (unsigned i = 0; found == 0 && i < CLASSIFY_WAITING_MAX && t->flow->waiting[i] != 0; i++)
		found = offer(t, left, t->flow->waiting[i]);
	return found;
}

static void give_up(struct turn *t)
{
	struct classify_flow *flow = t->flow;

	t->c->given_up += flow->orig == 0;
	flow->app = flow->orig; // what led here is all there is
	flow->orig = 0;
	flow->asked_to_server = flow->asked_to_client = 0;
	flow->done = true;
}

static void asked_add(struct classify_flow *flow, bool to_server)
{
	if (to_server && flow->asked_to_server < CLASSIFY_PAYLOADS_MAX)
		flow->asked_to_server++;
	if (!to_server && flow->asked_to_client < CLASSIFY_PAYLOADS_MAX)
		flow->asked_to_client++;
}

static void claim(struct turn *t, unsigned app)
{
	struct classify_flow *flow = t->flow;

	t->c->claimed[app]++;
	flow->app = (uint8_t)app;
	flow->times = t->times;
	t->hint.times = &flow->times;
	flow->claimed_to_client = !t->hint.to_server;
	t->hint.claimed = true;
	t->l7 = t->c->scratch_l7;
	if ((t->hint.l4 == PROTO_TCP || proto_list[app]->keeps) && t->verdict != PROTO_DONE && t->verdict != PROTO_NEXT)
		t->l7 = l7_keep(t, t->l7);
}

static bool search(struct turn *t)
{
	struct classify_flow *flow = t->flow;
	bool first = flow->asked_to_server + flow->asked_to_client == 0;
	struct candidates left = {.count = 0};
	uint32_t note = flow->note;
	unsigned app;

	t->hint.payload = (uint8_t)(t->hint.to_server ? flow->asked_to_server : flow->asked_to_client);
	t->hint.after = flow->orig != 0 ? proto_list[flow->orig] : NULL;
	t->hint.note = &note;
	t->hint.times = &t->times;
	asked_add(flow, t->hint.to_server);
	app = first ? ask_all(t, &left) : ask_waiting(t, &left);
	if (app != 0) {
		claim(t, app);
		return true;
	}
	flow->note = note;
	memset(flow->waiting, 0, sizeof(flow->waiting));
	memcpy(flow->waiting, left.app, left.count);
	if (left.count == 0 || t->hint.payload + 1 >= CLASSIFY_PAYLOADS_MAX)
		give_up(t);
	return false;
}

// ---- a claimed flow ----

// Asks the protocol of the flow. False if the datagram is passed over: the next one may be sound.
static bool go_on(struct turn *t)
{
	struct classify_flow *flow = t->flow;

	t->hint.claimed = true;
	t->hint.times = &flow->times;
	t->l7 = flow->has_l7 ? pool_at(&t->c->l7_pool, flow->l7) : t->c->scratch_l7;
	if (!flow->has_l7)
		l7_reset(t->c, t->l7);
	ask(t, flow->app, t->l7);
	return t->hint.l4 == PROTO_TCP || t->verdict != PROTO_NO;
}

static void next_begin(struct turn *t)
{
	struct classify_flow *flow = t->flow;

	finish(t->c, flow, t->l7, t->hint.to_server);
	if (flow->orig == 0)
		flow->orig = flow->app;
	flow->app = 0;
	flow->note = 0;
	flow->done = false;
	flow->asked_to_server = flow->asked_to_client = 0;
	memset(flow->waiting, 0, sizeof(flow->waiting));
	t->next = true;
}

// Acts on what a protocol said of its own flow. Returns whether it wants to be called again for bytes that are left.
static bool act(struct turn *t)
{
	bool again = t->l7->again && t->hint.round + 1 < CLASSIFY_ROUNDS_MAX;

	switch (t->verdict) {
	case PROTO_YES:
		report(t->c, t->flow, t->l7, t->hint.to_server);
		return t->l7->skip == 0 && (t->hint.l4 == PROTO_TCP || again);
	case PROTO_MORE:
		return t->l7->used > 0 && t->l7->skip == 0 && t->hint.l4 == PROTO_TCP;
	case PROTO_NEXT:
		next_begin(t);
		return false;
	case PROTO_NO:
	case PROTO_DONE:
		break;
	}
	finish(t->c, t->flow, t->l7, t->hint.to_server);
	return false;
}

// What is left of the bytes, call by call.
static void dissect(struct turn *t)
{
	for (;;) {
		uint32_t used = t->l7->used;
		bool again = act(t);

		t->skip = t->next ? 0 : t->l7->skip;
		if (!again || t->hint.l4 == PROTO_TCP)
			span_bytes(&t->in, used);
		if (!again || t->in.left == 0 || t->flow->done)
			break;
		t->hint.round++;
		ask(t, t->flow->app, t->l7);
		if (t->hint.l4 == PROTO_UDP) {
			if (t->verdict == PROTO_NO)
				break;
		} else if (t->verdict == PROTO_YES && t->l7->used == 0 && used == 0) { // no progress twice: the protocol is stuck
			finish(t->c, t->flow, t->l7, t->hint.to_server);
			break;
		}
	}
	if (t->flow->done && t->l7->pending) // the pool was empty: say what is known
		report(t->c, t->flow, t->l7, t->hint.to_server);
	if (t->hint.l4 == PROTO_UDP && !t->flow->has_l7 && !t->next && !t->flow->done && t->l7->pending) // nothing will be kept of it
		report(t->c, t->flow, t->l7, t->hint.to_server);
}

uint32_t classify_bytes(struct classify *c, struct classify_flow *flow, struct span in, const struct proto_hint *given, uint64_t *skip)
{
	struct turn t = {.c = c, .flow = flow, .in = in, .hint = *given};
	uint32_t left;

	*skip = 0;
	if (in.left == 0)
		return 0;
	second_begin(c, given->now_ns);
	do {
		t.next = t.hint.claimed = false;
		t.hint.round = 0;
		left = t.in.left;
		if (!(flow->app == 0 ? search(&t) : go_on(&t)))
			return flow->done || (given->l4 == PROTO_UDP) ? in.left : in.left - t.in.left;
		dissect(&t);
	} while (t.next && t.in.left > 0 && t.in.left < left);
	*skip = t.skip;
	return flow->done || given->l4 == PROTO_UDP ? in.left : in.left - t.in.left;
}

void classify_end(struct classify *c, struct classify_flow *flow)
{
	if (flow->has_l7)
		finish(c, flow, pool_at(&c->l7_pool, flow->l7), true);
	if (flow->app == 0 && flow->orig != 0) {
		flow->app = flow->orig;
		flow->orig = 0;
	}
	flow->done = true;
}
