#include "metrics/metrics.h"

#include <rte_cycles.h>
#include <string.h>

// worker_counters is made of 64-bit words only.
static void counters_add(struct worker_counters *sum, const struct worker_counters *c)
{
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)c;

	for (size_t i = 0; i < sizeof(*c) / sizeof(uint64_t); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

// These too.
static void fragments_add(struct packet_fragments_counters *sum, const struct packet_fragments_counters *c)
{
	for (unsigned i = 0; i < sizeof(*c) / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] += ((const uint64_t *)c)[i];
}

static void worker_add(struct metrics_sum *sum, const struct worker *w)
{
	const struct flow_table *t = w->flows;
	struct record_ring_stats ring;

	counters_add(&sum->counters, &w->counters);
	fragments_add(&sum->fragments, packet_fragments_counters(w->fragments));
	record_ring_stats(w->out, &ring);
	sum->records_in_rings += ring.pushed - ring.popped;
	sum->flows_created += t->counters.created;
	sum->evicted_unanswered += t->counters.evicted_unanswered;
	sum->elephants += t->counters.elephants;
	sum->watches.capacity += t->watches.capacity;
	sum->watches.available += t->watches.available;
	sum->watches.refused += t->watches.refused;
	sum->evicted_oldest += t->counters.evicted_oldest;
	for (unsigned i = 0; i < FLOW_DIRECTIONS; i++)
		sum->directions[i] += t->counters.directions[i];
	sum->flipped += t->counters.flipped;
	sum->emergencies += atomic_load_explicit(&t->emergency, memory_order_relaxed);
	sum->flows_active += (uint64_t)t->active4 + t->active6;
	sum->given_up += w->classify.given_up;
	sum->transactions += w->classify.transactions;
	sum->texts_cut += w->classify.texts_cut;
	sum->withheld_flow += w->classify.withheld_flow;
	sum->withheld_second += w->classify.withheld_second;
	sum->costly += w->classify.costly;
	sum->costly_withheld += w->classify.costly_withheld;
	sum->waiting_full += w->classify.waiting_full;
	sum->stream_gaps += t->streams.gaps;
	sum->stream_early += t->streams.early;
	sum->stream_overflows += t->streams.overflows;
	sum->stream_inconsistent += t->streams.inconsistent;
	for (unsigned i = 1; i < proto_count; i++)
		sum->app_flows[i] += w->classify.claimed[i];
	sum->l7.capacity += w->classify.l7_pool.capacity;
	sum->l7.available += w->classify.l7_pool.available;
	sum->l7.refused += w->classify.l7_pool.refused;
	sum->streams.capacity += t->streams.pool.capacity;
	sum->streams.available += t->streams.pool.available;
	sum->streams.refused += t->streams.pool.refused;
	sum->hostnames.capacity += t->hostnames.capacity;
	sum->hostnames.available += t->hostnames.available;
	sum->hostnames.refused += t->hostnames.refused;
	sum->details.capacity += t->details.capacity;
	sum->details.available += t->details.available;
	sum->details.refused += t->details.refused;
}

void metrics_sum(const struct metrics_sources *s, struct metrics_sum *out)
{
	const struct worker_counters *c = &out->counters;

	memset(out, 0, sizeof(*out));
	for (unsigned k = 0; k < s->worker_count; k++)
		worker_add(out, s->workers[k]);
	for (unsigned v = 0; v < PACKET_VERDICTS; v++) {
		bool bad = packet_malformed((enum packet_verdict)v);

		*(bad ? &out->malformed_pkts : &out->analysed_pkts) += c->verdict_pkts[v];
		*(bad ? &out->malformed_bytes : &out->analysed_bytes) += c->verdict_bytes[v];
	}
	out->filtered_pkts = c->filtered_pkts + c->filtered_own_pkts;
	out->filtered_bytes = c->filtered_bytes + c->filtered_own_bytes;
	for (unsigned d = 0; d < DROP_COUNTS; d++) {
		out->dropped_pkts += c->drop_pkts[d];
		out->dropped_bytes += c->drop_bytes[d];
	}
	for (unsigned r = 0; r < RTE_DIM(c->flows_ended); r++)
		out->flows_ended += c->flows_ended[r];
}

void metrics_rates_turn(struct metrics_rates *rates, const struct metrics_sources *s)
{
	struct metrics_sum sum;
	uint64_t now = clock_cycles();
	double seconds = (double)(now - rates->cycles) / (double)rte_get_tsc_hz();

	metrics_sum(s, &sum);
	if (rates->cycles != 0 && seconds > 0) {
		rates->pps = (double)(sum.counters.received_pkts - rates->pkts) / seconds;
		rates->bps = (double)(sum.counters.received_bytes - rates->bytes) * 8 / seconds;
		rates->fps = (double)(sum.flows_created - rates->flows) / seconds;
	}
	rates->cycles = now;
	rates->pkts = sum.counters.received_pkts;
	rates->bytes = sum.counters.received_bytes;
	rates->flows = sum.flows_created;
}
