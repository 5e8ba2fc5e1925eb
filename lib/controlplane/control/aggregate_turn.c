// Where control meets the aggregates: only if an output wants them.
#include "control/control.h"

static bool wanted_ever(const struct control *c)
{
	for (unsigned i = 0; i < c->sink_count; i++)
		if (sink_ops_of(c->sink[i])->aggregates)
			return true;
	return false;
}

static bool wanted(const struct control *c)
{
	const struct record aggregate = {.type = RECORD_AGGREGATE};

	for (unsigned i = 0; i < c->sink_count; i++)
		if (sink_wants(c->sink[i], &aggregate))
			return true;
	return false;
}

static void give(void *arg, const struct record *r)
{
	struct control *c = arg;

	if (wanted(c))
		control_give_own(c, r);
}

static bool ready(struct control *c)
{
	if (!wanted_ever(c))
		return false;
	if (c->aggregate == NULL && aggregate_create(c->replay, give, c, &c->aggregate) < 0)
		control_note_once(c, "no memory for aggregates: there are none");
	return c->aggregate != NULL;
}

// What the end of a run cuts off is due later than it ends.
void control_aggregate_flow(struct control *c, const struct record *r)
{
	bool cut_off = ((const struct record_flow *)record_body_const(r))->reason == FLOW_REASON_SHUTDOWN;

	if (ready(c))
		aggregate_flow(c->aggregate, r, cut_off ? c->worker[0]->final_ns : r->order_ns);
}

void control_aggregate_second(struct control *c, const struct metrics_sources *sources)
{
	uint64_t due_ns = merge_due_ns(c->merge), replay_ns = due_ns != UINT64_MAX ? due_ns : 0;

	if (ready(c) && c->replay_end_cycles == 0)
		aggregate_second(c->aggregate, sources, &c->rates, c->replay ? replay_ns : clock_now_ns(&c->clock),
				 merge_peek(c->merge) == NULL ? due_ns : 0);
}

void control_aggregate_end(struct control *c)
{
	struct metrics_sources sources;

	if (!ready(c))
		return;
	control_sources(c, &sources);
	aggregate_end(c->aggregate, &sources, &c->rates, c->replay ? c->worker[0]->final_ns : clock_now_ns(&c->clock));
}
