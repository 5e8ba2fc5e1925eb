// The identities of the ledger. A row's two sides are made of counters that different code wrote; where they differ, something was
// lost or counted twice. Rows that only hold at rest are left out while packets are in flight.
#include <string.h>

#include "metrics/metrics.h"

static void row(struct ledger *l, const char *name, const char *says, uint64_t left, uint64_t right)
{
	if (l->rows == METRICS_LEDGER_ROWS)
		return;
	l->row[l->rows++] = (struct ledger_row){name, says, left, right};
	l->residual += left > right ? left - right : right - left;
}

static void fragment_rows(const struct metrics_sum *sum, struct ledger *l)
{
	const struct packet_fragments_counters *f = &sum->fragments;
	uint64_t pkts = 0, bytes = 0;

	for (unsigned i = 0; i < FRAGMENTS_FATES; i++) {
		pkts += f->fate_pkts[i];
		bytes += f->fate_bytes[i];
	}
	row(l, "fragments", "fragments = joined + waiting + given up", sum->counters.verdict_pkts[PACKET_FRAGMENT],
	    sum->counters.joined_pkts + f->waiting_pkts + pkts);
	row(l, "fragment bytes", "fragments = joined + waiting + given up", sum->counters.verdict_bytes[PACKET_FRAGMENT],
	    sum->counters.joined_bytes + f->waiting_bytes + bytes);
}

static void packet_rows(const struct metrics_sum *sum, struct ledger *l)
{
	const struct worker_counters *c = &sum->counters;

	row(l, "packets", "received = analysed + filtered + malformed + dropped", c->received_pkts,
	    sum->analysed_pkts + sum->filtered_pkts + sum->malformed_pkts + sum->dropped_pkts);
	row(l, "bytes", "received = analysed + filtered + malformed + dropped", c->received_bytes,
	    sum->analysed_bytes + sum->filtered_bytes + sum->malformed_bytes + sum->dropped_bytes);
	row(l, "steered", "handed over = taken over", c->steered_out, c->steered_in);
	row(l, "flow packets", "IP packets + joined fragments = counted in flows + refused by a full table",
	    c->verdict_pkts[PACKET_OK] + c->joined_pkts, c->flow_pkts + c->refused_pkts);
	row(l, "flow bytes", "IP bytes + joined fragments = counted in flows + refused by a full table",
	    c->verdict_bytes[PACKET_OK] + c->joined_bytes, c->flow_bytes + c->refused_bytes);
	fragment_rows(sum, l);
}

static void flow_rows(const struct metrics_sum *sum, struct ledger *l)
{
	const struct worker_counters *c = &sum->counters;

	row(l, "flows", "created = active + ended", sum->flows_created, sum->flows_active + sum->flows_ended);
	if (sum->flows_active == 0) {
		row(l, "ended packets", "counted in flows = reported by ended flows", c->flow_pkts, c->ended_pkts);
		row(l, "ended bytes", "counted in flows = reported by ended flows", c->flow_bytes, c->ended_bytes);
	}
}

static void port_rows(const struct metrics_sources *s, const struct metrics_sum *sum, struct ledger *l)
{
	uint64_t received = 0;

	for (unsigned i = 0; i < s->port_count; i++) {
		struct port_stats stats;

		if (!s->ports[i]->kind->counts_handed_out) // a NIC has counted what still lies in its ring
			return;
		port_stats(s->ports[i], &stats);
		received += stats.received_pkts;
	}
	row(l, "ports", "delivered by ports = received by workers", received, sum->counters.received_pkts);
}

static void record_rows(const struct metrics_sources *s, const struct metrics_sum *sum, struct ledger *l)
{
	const struct worker_counters *c = &sum->counters;

	row(l, "records", "made = taken by control + in rings + refused by full rings", c->records_made,
	    s->records_taken + sum->records_in_rings + c->records_dropped[RECORD_DROP_RING_FULL]);
	for (unsigned i = 0; i < s->sink_count; i++) {
		struct sink_stats stats;

		sink_stats(s->sinks[i], &stats);
		row(l, stats.name, "queued, refused or left out = made or taken by control - waiting there",
		    stats.queued + stats.dropped_queue_full + stats.skipped, s->records_given - s->records_waiting);
		row(l, stats.name, "queued = written + failed", stats.queued, stats.written + stats.dropped_error);
		if (stats.remote && s->quiet) // two threads count: in flight the sides are read at different moments
			row(l, stats.name, "recovered + written + refused = delivered + waiting + told lost",
			    stats.recovered + stats.written + stats.dropped_queue_full, stats.delivered + stats.waiting + stats.tombstoned);
	}
}

void metrics_ledger(const struct metrics_sources *s, struct ledger *out)
{
	struct metrics_sum sum;

	memset(out, 0, sizeof(*out));
	metrics_sum(s, &sum);
	packet_rows(&sum, out);
	flow_rows(&sum, out);
	record_rows(s, &sum, out);
	if (s->quiet)
		port_rows(s, &sum, out);
}
