// A worker's beginning and end, and the loop between.
#include "worker/worker.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "worker/worker_guard.h"

enum { REQUESTS = 16, EMPTY_BEFORE_SLEEP = 256, SLEEP_STEP_NS = 50000, SLEEP_MAX_NS = 1000000 };

// One block: transactions, the scratch transaction, that of the link layer, the scratch bytes, the room for joined frames.
static uint64_t blocks_bytes(const struct worker_config *c)
{
	return pool_bytes(sizeof(struct l7), c->l7) + 2 * sizeof(struct l7) + L7_SCRATCH + (uint64_t)WORKER_BURST_MAX * WORKER_FRAME_MAX +
	       5 * RTE_CACHE_LINE_SIZE;
}

// Apart from the block: it need not be zero.
static uint64_t fragments_bytes(const struct worker_config *c)
{
	uint64_t places = (uint64_t)c->fragments.datagrams + c->fragments.away;

	return packet_fragments_bytes(&c->fragments) + places * sizeof(struct worker_fragment) + RTE_CACHE_LINE_SIZE;
}

void worker_memory(const struct worker_config *c, struct memory *m)
{
	uint64_t transactions = pool_bytes(sizeof(struct l7), c->l7);

	flow_table_memory(&c->flow, m);
	memory_put(m, "transactions", c->l7, transactions);
	memory_put(m, "datagrams being joined", c->fragments.datagrams, fragments_bytes(c));
	memory_put(m, "workers", 1, sizeof(struct worker) + blocks_bytes(c) - transactions);
}

static void *part(uint8_t **at, uint64_t bytes)
{
	void *p = *at;

	*at += RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE);
	return p;
}

static void memory_divide(struct worker *w)
{
	uint8_t *at = w->memory;
	void *pool = part(&at, pool_bytes(sizeof(struct l7), w->config.l7));
	struct l7 *scratch_l7 = part(&at, sizeof(struct l7));
	uint8_t *scratch = part(&at, L7_SCRATCH);

	w->link_l7 = part(&at, sizeof(struct l7));
	w->linear = at;
	classify_init(&w->classify, pool, w->config.l7, scratch_l7, scratch, &w->config.classify, worker_report_l7, w);
}

static int fragments_create(struct worker *w, struct err *err)
{
	uint64_t bytes = packet_fragments_bytes(&w->config.fragments);
	uint8_t *memory = rte_malloc_socket("fragments", fragments_bytes(&w->config), RTE_CACHE_LINE_SIZE, w->config.socket);

	if (memory == NULL)
		return err_set(err, -ENOMEM, "no memory for %u datagrams in fragments (%lu MB): reserve more hugepages or lower limits.fragments",
			       w->config.fragments.datagrams, (unsigned long)(fragments_bytes(&w->config) >> 20));
	w->fragments = packet_fragments_init(memory, &w->config.fragments);
	w->fragment = (struct worker_fragment *)(memory + RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE));
	return 0;
}

static void flow_evicted(void *context, uint32_t index)
{
	struct worker *w = context;

	worker_report_flow(w, index, FLOW_REASON_FORCED, w->burst.packet[0].clock_ns);
	flow_remove(w->flows, index);
}

static int flows_create(struct worker *w, struct err *err)
{
	struct flow_table_config config = w->config.flow;

	config.evict = flow_evicted;
	config.evict_context = w;
	return flow_table_create(&config, &w->flows, err);
}

static void faults_set(struct worker *w)
{
	struct pool *pools[] = {&w->classify.l7_pool, &w->flows->streams.pool, &w->flows->hostnames, &w->flows->details, &w->flows->watches};

	for (unsigned i = 0; i < RTE_DIM(pools); i++)
		pool_fault_set(pools[i], w->config.fault_every);
}

int worker_create(const struct worker_config *config, struct worker **out, struct err *err)
{
	struct worker *w = rte_zmalloc_socket("worker", sizeof(*w), RTE_CACHE_LINE_SIZE, config->socket);
	char name[RTE_RING_NAMESIZE];
	int rc = -ENOMEM;

	if (w == NULL)
		return err_set(err, -ENOMEM, "no memory for worker %u: reserve more hugepages", config->id);
	w->config = *config;
	w->burst.flow.without = config->key_without;
	w->memory = rte_zmalloc_socket("worker_pools", blocks_bytes(config), RTE_CACHE_LINE_SIZE, config->socket);
	snprintf(name, sizeof(name), "requests_%u", config->id);
	w->requests = rte_ring_create(name, REQUESTS, config->socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (w->memory == NULL || w->requests == NULL || record_ring_create(config->record_ring_bytes, &w->out) < 0) {
		err_set(err, rc, "no memory for the buffers of worker %u (%lu MB): reserve more hugepages or lower limits.l7", config->id,
			(unsigned long)(blocks_bytes(config) >> 20));
		goto fail;
	}
	rc = fragments_create(w, err);
	if (rc == 0)
		rc = flows_create(w, err);
	if (rc < 0)
		goto fail;
	memory_divide(w);
	faults_set(w);
	atomic_init(&w->receiving, true);
	*out = w;
	return 0;

fail:
	worker_destroy(w);
	return rc;
}

void worker_destroy(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->linear != NULL)
		worker_guard_clear(w->linear, (size_t)WORKER_BURST_MAX * WORKER_FRAME_MAX);
	record_ring_destroy(w->out);
	if (!rte_eal_has_hugepages()) // rte_free() zeroes all of it, page by page, touched or not; EAL takes the whole back at once
		return;
	flow_table_destroy(w->flows);
	rte_free(w->fragments);
	for (unsigned k = 0; k < WORKER_MAX; k++)
		rte_ring_free(w->in[k]);
	rte_ring_free(w->requests);
	rte_free(w->memory);
	rte_free(w);
}

int worker_connect(struct worker *const *workers, unsigned n, uint32_t ring_size, struct err *err)
{
	for (unsigned to = 0; to < n; to++) {
		workers[to]->peers = workers;
		for (unsigned from = 0; from < n && workers[to]->config.steer != WORKER_STEER_NONE; from++) {
			char name[RTE_RING_NAMESIZE];

			if (from == to || workers[from]->queues == 0)
				continue;
			snprintf(name, sizeof(name), "steer_%u_%u", from, to);
			workers[to]->in[from] =
				rte_ring_create(name, rte_align32pow2(ring_size), workers[to]->config.socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
			if (workers[to]->in[from] == NULL)
				return err_set(err, -ENOMEM, "no memory for the rings between workers: lower limits.steer_ring or use fewer workers");
		}
	}
	return 0;
}

// ---- the loop ----

static void idle(struct worker *w, unsigned packets)
{
	struct timespec nap = {0, SLEEP_MAX_NS};

	if (packets > 0 || w->request != NULL) {
		w->empty_run = 0;
		return;
	}
	w->empty_run++;
	if (w->config.idle == WORKER_IDLE_POLL) {
		rte_pause();
	} else if (w->config.idle == WORKER_IDLE_YIELD && w->empty_run < EMPTY_BEFORE_SLEEP) {
		sched_yield();
	} else if (w->empty_run >= EMPTY_BEFORE_SLEEP) {
		long wanted = (long)(w->empty_run - EMPTY_BEFORE_SLEEP + 1) * SLEEP_STEP_NS;

		nap.tv_nsec = wanted < SLEEP_MAX_NS ? wanted : SLEEP_MAX_NS;
		w->counters.sleeps++;
		nanosleep(&nap, NULL);
	}
}

static bool queues_ended(const struct worker *w)
{
	for (unsigned i = 0; i < w->queues; i++)
		if (!atomic_load_explicit(&w->queue[i]->ended, memory_order_acquire))
			return false;
	return true;
}

// Nothing more comes: nobody receives, and all that was handed to me is done. Flags are read before the rings.
static bool drained(const struct worker *w)
{
	for (unsigned k = 0; k < w->config.workers; k++)
		if (atomic_load_explicit(&w->peers[k]->receiving, memory_order_acquire))
			return false;
	for (unsigned k = 0; k < w->config.workers; k++)
		if (w->in[k] != NULL && !rte_ring_empty(w->in[k]))
			return false;
	return true;
}

static uint64_t final_clock_ns(const struct worker *w)
{
	uint64_t last = 0;

	if (!w->config.replay)
		return clock_now_ns(w->config.clock);
	for (unsigned k = 0; k < w->config.workers; k++)
		for (unsigned i = 0; i < w->peers[k]->queues; i++) {
			uint64_t ns = atomic_load_explicit(&w->peers[k]->queue[i]->clock_ns, memory_order_acquire);

			last = ns > last ? ns : last;
		}
	return last;
}

// Stops receiving, waits for what others still hand over, then ends all flows through the wheel.
static void wind_down(struct worker *w)
{
	if (w->flushing)
		return;
	if (atomic_load_explicit(&w->receiving, memory_order_relaxed)) {
		bool stop = atomic_load_explicit(&w->stop, memory_order_relaxed);

		if (!stop && (!w->config.replay || !queues_ended(w)))
			return;
		if (w->held_count == 0 && w->unpublished == NULL)
			atomic_store_explicit(&w->receiving, false, memory_order_release);
	} else if (drained(w)) {
		w->final_ns = final_clock_ns(w);
		w->flushing = true;
	}
}

int worker_run(void *worker)
{
	struct worker *w = worker;

	while (!w->flushed) {
		unsigned packets = worker_poll(w);

		if (packets == 0)
			wind_down(w);
		if (!w->flushing)
			idle(w, packets);
		if (packets > 0 && atomic_load_explicit(&w->stop, memory_order_relaxed))
			wind_down(w);
	}
	atomic_store_explicit(&w->finished, true, memory_order_release);
	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) { // after a replay: questions may still come
		w->empty_run = EMPTY_BEFORE_SLEEP * 2;
		worker_answer(w);
		idle(w, 0);
	}
	return 0;
}
