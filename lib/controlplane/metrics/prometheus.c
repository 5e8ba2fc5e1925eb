// The numbers in Prometheus' text exposition format 0.0.4. One row a metric; those with labels have a writer of their own.
#include <rte_cycles.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "metrics/metrics.h"
#include "record/record_names.h"

struct text {
	char *out;
	size_t room, used;
};

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *format, ...)
{
	size_t left = t->room - t->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->used, left, format, args);
	va_end(args);
	t->used = n < 0 || (size_t)n >= left ? t->room : t->used + (size_t)n;
}

static void head(struct text *t, const char *name, const char *type, const char *help)
{
	say(t, "# HELP spanwatch_%s %s\n# TYPE spanwatch_%s %s\n", name, help, name, type);
}

static void one(struct text *t, const char *name, const char *type, const char *help, uint64_t value)
{
	head(t, name, type, help);
	say(t, "spanwatch_%s %lu\n", name, (unsigned long)value);
}

// A label's value: names of files and interfaces come from outside.
static void label(struct text *t, const char *key, const char *value)
{
	say(t, "%s=\"", key);
	for (; *value != '\0'; value++)
		if (*value == '"' || *value == '\\')
			say(t, "\\%c", *value);
		else if (*value == '\n')
			say(t, "\\n");
		else
			say(t, "%c", *value);
	say(t, "\"");
}

static void packets(struct text *t, const struct metrics_sum *sum)
{
	const struct worker_counters *c = &sum->counters;

	one(t, "packets_received_total", "counter", "Packets received by the workers", c->received_pkts);
	one(t, "bytes_received_total", "counter", "Bytes of those packets, whole frames without FCS", c->received_bytes);
	one(t, "packets_analysed_total", "counter", "Packets whose headers were sound", sum->analysed_pkts);
	one(t, "packets_filtered_total", "counter", "Packets that the filters leave out", c->filtered_pkts);
	one(t, "packets_filtered_own_total", "counter", "Packets of the appliance's own connections, left out", c->filtered_own_pkts);
	one(t, "packets_truncated_total", "counter", "Packets captured shorter than they were on the wire", c->truncated);
	head(t, "packets_tunneled_total", "counter", "Packets whose flow is in a tunnel, by the innermost tunnel");
	for (unsigned k = TUNNEL_NONE + 1; k < TUNNEL_KINDS; k++)
		say(t, "spanwatch_packets_tunneled_total{tunnel=\"%s\"} %lu\n", tunnel_names[k], (unsigned long)c->tunnel_pkts[k]);
	one(t, "datagrams_joined_total", "counter", "Datagrams put together from fragments", sum->fragments.datagrams);
	one(t, "fragments_waiting", "gauge", "Fragments held until their datagram is whole", sum->fragments.waiting_pkts);
	head(t, "fragments_given_up_total", "counter", "Fragments that came to no whole datagram, by reason");
	for (unsigned i = 0; i < FRAGMENTS_FATES; i++)
		say(t, "spanwatch_fragments_given_up_total{reason=\"%s\"} %lu\n", packet_fragments_fates[i], (unsigned long)sum->fragments.fate_pkts[i]);
	head(t, "packets_malformed_total", "counter", "Packets with an unsound header, by the header");
	for (unsigned v = 0; v < PACKET_VERDICTS; v++)
		if (packet_malformed((enum packet_verdict)v))
			say(t, "spanwatch_packets_malformed_total{reason=\"%s\"} %lu\n", packet_verdict_names[v], (unsigned long)c->verdict_pkts[v]);
	head(t, "packets_dropped_total", "counter", "Packets lost inside the appliance, by reason");
	for (unsigned d = 0; d < DROP_COUNTS; d++)
		say(t, "spanwatch_packets_dropped_total{reason=\"%s\"} %lu\n", worker_drop_names[d], (unsigned long)c->drop_pkts[d]);
}

static void checksums(struct text *t, const struct worker_counters *c)
{
	head(t, "checksums_total", "counter", "Headers by protocol and verdict on their checksum");
	for (unsigned i = 0; i < CHECKSUMS; i++)
		for (unsigned v = CHECKSUM_UNVERIFIED; v < CHECKSUM_VERDICTS; v++)
			say(t, "spanwatch_checksums_total{protocol=\"%s\",verdict=\"%s\"} %lu\n", packet_checksum_names[i],
			    packet_checksum_verdict_names[v], (unsigned long)c->checksum[i][v]);
	one(t, "checksum_senders_refused_total", "counter", "Bad checksums of senders beyond those watched for offload",
	    c->senders_refused);
}

static void flows(struct text *t, const struct metrics_sum *sum)
{
	one(t, "flows_created_total", "counter", "Flows begun", sum->flows_created);
	one(t, "flows_ended_total", "counter", "Flows ended and reported", sum->flows_ended);
	one(t, "flows_active", "gauge", "Flows in the tables", sum->flows_active);
	one(t, "flows_evicted_unanswered_total", "counter", "Unanswered flows that made way in a full table", sum->evicted_unanswered);
	one(t, "flows_evicted_oldest_total", "counter", "Other flows that made way in a full table", sum->evicted_oldest);
	one(t, "flows_elephants_total", "counter", "Flows marked as elephants", sum->elephants);
	one(t, "flow_table_emergency", "gauge", "Workers whose flow table is full, or was until just now", sum->emergencies);
	one(t, "flow_packets_refused_total", "counter", "Packets whose flow found no place in a full table", sum->counters.refused_pkts);
	head(t, "flows_directed_total", "counter", "Flows begun, by the rule that told who is the client");
	for (unsigned i = 0; i < FLOW_DIRECTIONS; i++)
		say(t, "spanwatch_flows_directed_total{rule=\"%s\"} %lu\n", record_direction_names[i], (unsigned long)sum->directions[i]);
	one(t, "flows_flipped_total", "counter", "Flows whose first packet came from the server", sum->flipped);
	head(t, "application_flows_total", "counter", "Flows by application protocol");
	for (unsigned i = 1; i < proto_count; i++)
		say(t, "spanwatch_application_flows_total{app=\"%s\"} %lu\n", proto_name(i), (unsigned long)sum->app_flows[i]);
	one(t, "transactions_total", "counter", "Application transactions reported", sum->transactions);
	head(t, "transactions_withheld_total", "counter", "Application transactions not reported, by the bound in [limits]");
	say(t, "spanwatch_transactions_withheld_total{limit=\"flow_transactions\"} %lu\n", (unsigned long)sum->withheld_flow);
	say(t, "spanwatch_transactions_withheld_total{limit=\"transactions_per_s\"} %lu\n", (unsigned long)sum->withheld_second);
	one(t, "costly_operations_total", "counter", "Decryptions of QUIC and digests of certificates", sum->costly);
	one(t, "costly_operations_withheld_total", "counter", "Those left out beyond limits.costly_per_s", sum->costly_withheld);
	one(t, "link_records_left_out_total", "counter", "Records of ARP, LLDP, ICMP and the like beyond limits.link_records_per_s",
	    sum->counters.link_records_left_out);
	one(t, "messages_unsound_total", "counter", "ICMP, MLD and IGMP messages that were not sound: no record", sum->counters.messages_unsound);
	one(t, "stream_gaps_total", "counter", "Places where bytes of a TCP stream were missing", sum->stream_gaps);
	one(t, "stream_overflows_total", "counter", "Times a stream buffer was full or none was free", sum->stream_overflows);
	one(t, "stream_inconsistent_total", "counter", "Segments sent again with other bytes", sum->stream_inconsistent);
	one(t, "l7_pool_refused_total", "counter", "Times no block was free for a transaction", sum->l7.refused);
}

static void ports(struct text *t, const struct metrics_sources *s)
{
	static const char *const names[][2] = {
		{"received", "Packets that a port has received"},
		{"missed", "Packets lost because a queue of the port was full"},
		{"errors", "Packets that the port found damaged"},
		{"nombuf", "Packets lost because no packet buffer was free"},
		{"kernel_drops", "Packets that the kernel dropped before the port could take them"},
	};

	for (unsigned k = 0; k < RTE_DIM(names); k++) {
		say(t, "# HELP spanwatch_port_%s_total %s\n# TYPE spanwatch_port_%s_total counter\n", names[k][0], names[k][1], names[k][0]);
		for (unsigned i = 0; i < s->port_count; i++) {
			struct port_stats p;

			port_stats(s->ports[i], &p);
			say(t, "spanwatch_port_%s_total{", names[k][0]);
			label(t, "port", s->ports[i]->name);
			say(t, "} %lu\n",
			    (unsigned long)(const uint64_t[]){p.received_pkts, p.missed, p.errors, p.nombuf, p.kernel_drops}[k]);
		}
	}
}

// What TCP says of the capture of each port.
static void capture_loss(struct text *t, const struct metrics_sources *s)
{
	static const char *const names[][2] = {
		{"segments", "TCP segments of flows that have ended"},
		{"lost_segments", "TCP segments missing before one that came"},
		{"acked_unseen", "Acknowledgements of TCP segments that were not seen: the capture missed them"},
		{"retransmissions", "TCP segments sent again"},
	};
	struct metrics_capture_loss loss;

	for (unsigned k = 0; k < RTE_DIM(names); k++) {
		say(t, "# HELP spanwatch_port_tcp_%s_total %s\n# TYPE spanwatch_port_tcp_%s_total counter\n", names[k][0], names[k][1], names[k][0]);
		for (unsigned i = 0; i < s->port_count; i++) {
			metrics_capture_loss(s, s->ports[i]->id, &loss);
			say(t, "spanwatch_port_tcp_%s_total{", names[k][0]);
			label(t, "port", s->ports[i]->name);
			say(t, "} %lu\n",
			    (unsigned long)(const uint64_t[]){loss.segments, loss.lost, loss.acked_unseen, loss.retransmissions}[k]);
		}
	}
	head(t, "port_capture_loss_ratio", "gauge", "Estimated share of a port's TCP segments that the capture missed");
	for (unsigned i = 0; i < s->port_count; i++) {
		metrics_capture_loss(s, s->ports[i]->id, &loss);
		say(t, "spanwatch_port_capture_loss_ratio{");
		label(t, "port", s->ports[i]->name);
		say(t, "} %.9f\n", loss.estimate);
	}
}

// One row a metric of an output. Those of servers are left out for outputs that are files.
struct sink_metric {
	const char *name, *type, *help;
	size_t offset; // in struct sink_stats
	bool remote;
};

#define SINK_METRIC(name, type, member, remote, help) {name, type, help, offsetof(struct sink_stats, member), remote}

static const struct sink_metric sink_metrics[] = {
	SINK_METRIC("records_queued_total", "counter", queued, false, "Records given to an output"),
	SINK_METRIC("records_written_total", "counter", written, false, "Records that an output has written, or put into its spool"),
	SINK_METRIC("records_dropped_queue_full_total", "counter", dropped_queue_full, false, "Records lost because the queue of an output was full"),
	SINK_METRIC("records_dropped_error_total", "counter", dropped_error, false, "Records lost because an output could not be written"),
	SINK_METRIC("records_left_out_total", "counter", skipped, false, "Records made while an output was off, or that it does not want"),
	SINK_METRIC("written_bytes_total", "counter", written_bytes, false, "Bytes that an output has written"),
	SINK_METRIC("records_recovered_total", "counter", recovered, true, "Records of earlier runs that were waiting at the start"),
	SINK_METRIC("records_delivered_total", "counter", delivered, true, "Records that a server has acknowledged"),
	SINK_METRIC("records_tombstoned_total", "counter", tombstoned, true, "Records that a server was told are lost, all causes"),
	SINK_METRIC("records_duplicate_total", "counter", duplicates, true, "Records sent again that the server had already"),
	SINK_METRIC("connects_total", "counter", connects, true, "Connections made to a server"),
	SINK_METRIC("faults_total", "counter", faults, true, "Times that a server refused, was away or made no sense"),
	SINK_METRIC("batches_total", "counter", batches, true, "Batches that a server has acknowledged"),
	SINK_METRIC("waiting_records", "gauge", waiting, true, "Records in the spool that no server has acknowledged"),
	SINK_METRIC("waiting_bytes", "gauge", waiting_bytes, true, "Bytes of those records"),
	SINK_METRIC("retained_bytes", "gauge", retained_bytes, true, "Bytes kept in the spool after they were delivered"),
	SINK_METRIC("spool_memory_bytes", "gauge", spool_memory_bytes, true, "Bytes of a spool in memory, as the disk refuses"),
	SINK_METRIC("spool_damaged_bytes", "gauge", spool_damaged_bytes, true, "Bytes of a spool that could not be read and were kept aside"),
};

static void sink_metric(struct text *t, const struct sink_metric *m, const struct sink_stats *stats, unsigned n)
{
	char name[64];

	snprintf(name, sizeof(name), "sink_%s", m->name);
	head(t, name, m->type, m->help);
	for (unsigned i = 0; i < n; i++)
		if (!m->remote || stats[i].remote)
			say(t, "spanwatch_%s{sink=\"%s\"} %lu\n", name, stats[i].name,
			    (unsigned long)*(const uint64_t *)(const void *)((const char *)&stats[i] + m->offset));
}

static void sinks(struct text *t, const struct metrics_sources *s)
{
	struct sink_stats stats[METRICS_SINKS_MAX];
	unsigned n = s->sink_count < METRICS_SINKS_MAX ? s->sink_count : METRICS_SINKS_MAX;
	bool remote = false;

	for (unsigned i = 0; i < n; i++) {
		sink_stats(s->sinks[i], &stats[i]);
		remote = remote || stats[i].remote;
	}
	head(t, "sink_state", "gauge", "1 for the state that an output is in");
	for (unsigned i = 0; i < n; i++)
		for (unsigned state = 0; state < SINK_STATES; state++)
			say(t, "spanwatch_sink_state{sink=\"%s\",state=\"%s\"} %d\n", stats[i].name, sink_state_names[state], stats[i].state == state);
	for (unsigned k = 0; k < RTE_DIM(sink_metrics); k++)
		if (remote || !sink_metrics[k].remote)
			sink_metric(t, &sink_metrics[k], stats, n);
	if (!remote)
		return;
	head(t, "sink_spool_failing", "gauge", "1 while the disk refuses what a spool writes");
	for (unsigned i = 0; i < n; i++)
		if (stats[i].remote)
			say(t, "spanwatch_sink_spool_failing{sink=\"%s\"} %d\n", stats[i].name, stats[i].spool_failing);
}

// One row a metric: what a worker counts of itself.
static void worker_amounts(struct text *t, const struct metrics_sources *s)
{
	static const char *const names[][2] = {
		{"packets", "Packets that a worker looked at, steered ones where they went"},
		{"polls", "Turns of a worker's loop"},
		{"empty_polls", "Turns without a packet"},
		{"sleeps", "Times that a worker slept for want of packets"},
		{"busy_cycles", "Cycles of the time stamp counter spent on packets"},
	};

	for (unsigned i = 0; i < RTE_DIM(names); i++) {
		say(t, "# HELP spanwatch_worker_%s_total %s\n# TYPE spanwatch_worker_%s_total counter\n", names[i][0], names[i][1], names[i][0]);
		for (unsigned k = 0; k < s->worker_count; k++) {
			const struct worker_counters *c = &s->workers[k]->counters;
			const uint64_t amounts[] = {metrics_handled(c), c->polls, c->empty_polls, c->sleeps, c->busy_cycles};

			say(t, "spanwatch_worker_%s_total{worker=\"%u\"} %lu\n", names[i][0], k, (unsigned long)amounts[i]);
		}
	}
}

static void workers(struct text *t, const struct metrics_sources *s)
{
	double hz = (double)rte_get_tsc_hz();

	worker_amounts(t, s);
	one(t, "tsc_hz", "gauge", "Cycles of the time stamp counter in a second", rte_get_tsc_hz());
	head(t, "worker_stage_cycles_total", "counter", "Cycles of the time stamp counter of a worker by stage");
	for (unsigned k = 0; k < s->worker_count; k++)
		for (unsigned st = 0; st < STAGE_COUNTS; st++)
			say(t, "spanwatch_worker_stage_cycles_total{worker=\"%u\",stage=\"%s\"} %lu\n", k, worker_stage_names[st],
			    (unsigned long)s->workers[k]->counters.cycles[st]);
	head(t, "worker_stage_seconds_total", "counter", "Time of a worker by stage");
	for (unsigned k = 0; k < s->worker_count; k++)
		for (unsigned st = 0; st < STAGE_COUNTS; st++)
			say(t, "spanwatch_worker_stage_seconds_total{worker=\"%u\",stage=\"%s\"} %.6f\n", k, worker_stage_names[st],
			    (double)s->workers[k]->counters.cycles[st] / hz);
	head(t, "worker_busy_seconds_total", "counter", "Time of a worker spent on packets");
	for (unsigned k = 0; k < s->worker_count; k++)
		say(t, "spanwatch_worker_busy_seconds_total{worker=\"%u\"} %.6f\n", k, (double)s->workers[k]->counters.busy_cycles / hz);
}

size_t metrics_prometheus(const struct metrics_sources *s, char *out, size_t room)
{
	struct text t = {.out = out, .room = room};
	struct metrics_sum sum;
	struct ledger ledger;

	metrics_sum(s, &sum);
	metrics_ledger(s, &ledger);
	packets(&t, &sum);
	checksums(&t, &sum.counters);
	flows(&t, &sum);
	one(&t, "records_made_total", "counter", "Records made by the workers", sum.counters.records_made);
	one(&t, "records_refused_total", "counter", "Records lost because the ring to control was full",
	    sum.counters.records_dropped[RECORD_DROP_RING_FULL]);
	ports(&t, s);
	capture_loss(&t, s);
	sinks(&t, s);
	workers(&t, s);
	head(&t, "ledger_residual", "gauge", "Sum of the ledger's differences, 0 at every quiet moment");
	say(&t, "spanwatch_ledger_residual %lu\n", (unsigned long)ledger.residual);
	head(&t, "uptime_seconds", "gauge", "Seconds since the start");
	say(&t, "spanwatch_uptime_seconds %.3f\n", s->seconds);
	return t.used < t.room ? t.used : 0;
}
