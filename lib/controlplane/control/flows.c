// Flows for people: each worker is asked, answers in slices, and what ended lately is added.
#include <errno.h>
#include <stdlib.h>

#include "control/control.h"
#include "control/identity.h"

struct control_flows {
	uint32_t limit;
	unsigned workers;
	struct worker_flows_request request[WORKER_MAX];
};

static void request_free(struct worker_flows_request *q)
{
	free(q->records);
	free(q->heap);
}

int control_flows_start(struct control *c, uint32_t limit, struct control_flows **out)
{
	struct control_flows *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->limit = limit;
	q->workers = c->worker_count;
	for (unsigned k = 0; k < q->workers; k++) {
		struct worker_flows_request *one = &q->request[k];

		one->limit = limit;
		one->records = malloc((size_t)(limit + 1) * WORKER_FLOW_RECORD_MAX);
		one->heap = malloc((size_t)(limit + 1) * sizeof(*one->heap));
		if (one->records == NULL || one->heap == NULL || rte_ring_sp_enqueue(c->worker[k]->requests, one) != 0)
			atomic_store(&one->done, true); // this worker has too many questions already: the others answer
	}
	*out = q;
	return 0;
}

bool control_flows_ready(const struct control_flows *q)
{
	for (unsigned k = 0; k < q->workers; k++)
		if (!atomic_load_explicit(&q->request[k].done, memory_order_acquire))
			return false;
	return true;
}

uint64_t control_flows_active(const struct control_flows *q)
{
	uint64_t active = 0;

	for (unsigned k = 0; k < q->workers; k++)
		active += q->request[k].active;
	return active;
}

static int later_first(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a, *y = *(const struct record *const *)b;

	return x->time_ns < y->time_ns ? 1 : x->time_ns > y->time_ns ? -1 : 0;
}

unsigned control_flows_take(struct control *c, struct control_flows *q, const struct record **records)
{
	uint32_t ended = recent_count(c->recent) < q->limit ? recent_count(c->recent) : q->limit;
	const struct record **all;
	unsigned n = 0, room = ended;

	for (unsigned k = 0; k < q->workers; k++)
		room += q->request[k].count;
	all = malloc((room + 1) * sizeof(*all));
	if (all == NULL)
		return 0;
	for (unsigned k = 0; k < q->workers; k++)
		for (uint32_t i = 0; i < q->request[k].count; i++) {
			struct record *r = (struct record *)(void *)((uint8_t *)q->request[k].records + (size_t)i * WORKER_FLOW_RECORD_MAX);

			identity_fill(r);
			naming_fill(c->naming, r);
			all[n++] = r;
		}
	for (uint32_t i = 0; i < ended; i++)
		all[n++] = recent_at(c->recent, i);
	qsort(all, n, sizeof(*all), later_first);
	n = n < q->limit ? n : q->limit;
	for (unsigned i = 0; i < n; i++)
		records[i] = all[i];
	free(all);
	return n;
}

void control_flows_free(struct control_flows *q)
{
	if (q == NULL)
		return;
	for (unsigned k = 0; k < q->workers; k++)
		request_free(&q->request[k]);
	free(q);
}
