// Requests of control, answered in bounded slices between bursts. Control never reads a worker's tables.
#include "worker/worker.h"

enum { SLICE_FLOWS = 256, SLICE_RECORDS = 32 };

// A heap of the latest flows, the earliest of them on top.
static void rank_sink(struct worker_flow_rank *heap, uint32_t n, uint32_t i)
{
	for (;;) {
		uint32_t least = i, child = 2 * i + 1;
		struct worker_flow_rank held;

		if (child < n && heap[child].clock_ns < heap[least].clock_ns)
			least = child;
		if (child + 1 < n && heap[child + 1].clock_ns < heap[least].clock_ns)
			least = child + 1;
		if (least == i)
			return;
		held = heap[i];
		heap[i] = heap[least];
		heap[least] = held;
		i = least;
	}
}

static void rank_add(struct worker_flows_request *q, struct worker_flow_rank rank)
{
	uint32_t i = q->count;

	if (q->count == q->limit) {
		if (rank.clock_ns <= q->heap[0].clock_ns)
			return;
		q->heap[0] = rank;
		rank_sink(q->heap, q->count, 0);
		return;
	}
	for (q->count++; i > 0 && q->heap[(i - 1) / 2].clock_ns > rank.clock_ns; i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = rank;
}

static void rank_slice(struct worker *w, struct worker_flows_request *q)
{
	const struct flow_table *t = w->flows;
	uint32_t end = q->cursor + SLICE_FLOWS < t->slots ? q->cursor + SLICE_FLOWS : t->slots;

	for (; q->cursor < end; q->cursor++)
		if (t->flows[q->cursor].life == FLOW_LIVE)
			rank_add(q, (struct worker_flow_rank){t->flows[q->cursor].clock_ns, q->cursor});
	if (q->cursor < t->slots)
		return;
	q->ranked = true;
	q->cursor = 0;
}

// Flows that have ended since they were ranked are left out: their place is filled by the last one.
static void record_slice(struct worker *w, struct worker_flows_request *q)
{
	for (uint32_t i = 0; i < SLICE_RECORDS && q->cursor < q->count; i++) {
		uint32_t index = q->heap[q->cursor].index;

		if (w->flows->flows[index].life != FLOW_LIVE) {
			q->heap[q->cursor] = q->heap[--q->count];
			continue;
		}
		worker_flow_record(w, index, (struct record *)(void *)((uint8_t *)q->records + (size_t)q->cursor * WORKER_FLOW_RECORD_MAX));
		q->cursor++;
	}
}

void worker_answer(struct worker *w)
{
	struct worker_flows_request *q = w->request;

	if (q == NULL) {
		if (likely(rte_ring_empty(w->requests)) || rte_ring_sc_dequeue(w->requests, (void **)&q) != 0)
			return;
		q->cursor = q->count = 0;
		q->ranked = q->limit == 0;
		q->active = (uint64_t)w->flows->active4 + w->flows->active6;
		w->request = q;
	}
	if (!q->ranked) {
		rank_slice(w, q);
		return;
	}
	if (q->cursor < q->count) {
		record_slice(w, q);
		return;
	}
	w->request = NULL;
	atomic_store_explicit(&q->done, true, memory_order_release);
}
