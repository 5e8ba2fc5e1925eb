// The numbers as JSON: stats.json, `stats` events, REST. Names come from the lists that the counters come from.
#include <rte_cycles.h>
#include <stdio.h>

#include "base/ip.h"
#include "base/text.h"
#include "link/link_unknown.h"
#include "metrics/metrics.h"
#include "record/record_names.h"

static const char *const reason_names[FLOW_REASONS] = {"timeout", "tcp_reuse", "shutdown", "forced", "active"};
static const char *const idle_names[] = {"poll", "yield", "adaptive"};

static void verdicts_json(const struct worker_counters *c, bool bytes, struct json *j)
{
	const uint64_t *of = bytes ? c->verdict_bytes : c->verdict_pkts;

	json_object_begin(j, "malformed");
	for (unsigned v = 0; v < PACKET_VERDICTS; v++)
		if (packet_malformed((enum packet_verdict)v) && of[v] > 0)
			json_u64(j, packet_verdict_names[v], of[v]);
	json_object_end(j);
	json_object_begin(j, "dropped");
	for (unsigned d = 0; d < DROP_COUNTS; d++)
		json_u64(j, worker_drop_names[d], bytes ? c->drop_bytes[d] : c->drop_pkts[d]);
	json_object_end(j);
}

static void packets_json(const struct metrics_sum *sum, struct json *j)
{
	const struct worker_counters *c = &sum->counters;

	json_object_begin(j, "packets");
	json_u64(j, "received", c->received_pkts);
	json_u64(j, "analysed", sum->analysed_pkts);
	json_u64(j, "filtered", sum->filtered_pkts);
	json_u64(j, "filtered_own", c->filtered_own_pkts);
	verdicts_json(c, false, j);
	json_u64(j, "truncated", c->truncated);
	json_u64(j, "fragments", c->fragments);
	json_u64(j, "multi_segment", c->jumbo);
	json_object_begin(j, "tunnels");
	for (unsigned k = TUNNEL_NONE + 1; k < TUNNEL_KINDS; k++)
		if (c->tunnel_pkts[k] > 0)
			json_u64(j, tunnel_names[k], c->tunnel_pkts[k]);
	json_object_end(j);
	json_object_end(j);
	json_object_begin(j, "bytes");
	json_u64(j, "received", c->received_bytes);
	json_u64(j, "analysed", sum->analysed_bytes);
	json_u64(j, "filtered", sum->filtered_bytes);
	json_u64(j, "filtered_own", c->filtered_own_bytes);
	verdicts_json(c, true, j);
	json_object_end(j);
}

static void checksums_json(const struct worker_counters *c, struct json *j)
{
	json_object_begin(j, "checksums");
	for (unsigned i = 0; i < CHECKSUMS; i++) {
		json_object_begin(j, packet_checksum_names[i]);
		json_u64(j, "good", c->checksum[i][CHECKSUM_GOOD]);
		json_u64(j, "bad", c->checksum[i][CHECKSUM_BAD]);
		json_u64(j, "unverified", c->checksum[i][CHECKSUM_UNVERIFIED]);
		json_object_end(j);
	}
	json_object_end(j);
}

static void fragments_json(const struct metrics_sum *sum, struct json *j)
{
	const struct packet_fragments_counters *f = &sum->fragments;

	json_object_begin(j, "fragments");
	json_u64(j, "received", sum->counters.fragments);
	json_u64(j, "datagrams", f->datagrams);
	json_u64(j, "joined", sum->counters.joined_pkts);
	json_u64(j, "waiting", f->waiting_pkts);
	json_object_begin(j, "given_up");
	for (unsigned i = 0; i < FRAGMENTS_FATES; i++)
		json_u64(j, packet_fragments_fates[i], f->fate_pkts[i]);
	json_object_end(j);
	json_object_end(j);
}

static void flows_json(const struct metrics_sum *sum, struct json *j)
{
	json_object_begin(j, "flows");
	json_u64(j, "created", sum->flows_created);
	json_u64(j, "active", sum->flows_active);
	json_object_begin(j, "ended");
	for (unsigned r = 0; r < RTE_DIM(sum->counters.flows_ended); r++)
		if (r != FLOW_REASON_ACTIVE)
			json_u64(j, reason_names[r], sum->counters.flows_ended[r]);
	json_object_end(j);
	json_object_begin(j, "evicted");
	json_u64(j, "unanswered", sum->evicted_unanswered);
	json_u64(j, "oldest", sum->evicted_oldest);
	json_object_end(j);
	json_object_begin(j, "directions");
	for (unsigned i = 0; i < FLOW_DIRECTIONS; i++)
		json_u64(j, record_direction_names[i], sum->directions[i]);
	json_object_end(j);
	json_u64(j, "flipped", sum->flipped);
	json_bool(j, "emergency", sum->emergencies > 0);
	json_u64(j, "elephants", sum->elephants);
	json_u64(j, "shunted", sum->counters.shunted);
	json_u64(j, "interims_refused", sum->counters.interims_refused);
	json_u64(j, "refused_packets", sum->counters.refused_pkts);
	json_u64(j, "refused_bytes", sum->counters.refused_bytes);
	json_object_end(j);
}

static void pool_json(struct json *j, const char *name, uint64_t capacity, uint64_t available, uint64_t refused)
{
	json_object_begin(j, name);
	json_u64(j, "capacity", capacity);
	json_u64(j, "used", capacity - available);
	json_u64(j, "refused", refused);
	json_object_end(j);
}

static void inspection_json(const struct metrics_sum *sum, struct json *j)
{
	json_object_begin(j, "inspection");
	json_u64(j, "transactions", sum->transactions);
	json_u64(j, "given_up", sum->given_up);
	json_u64(j, "texts_cut", sum->texts_cut);
	json_object_begin(j, "withheld");
	json_u64(j, "flow_transactions", sum->withheld_flow);
	json_u64(j, "transactions_per_s", sum->withheld_second);
	json_u64(j, "costly_per_s", sum->costly_withheld);
	json_object_end(j);
	json_u64(j, "costly", sum->costly);
	json_u64(j, "waiting_full", sum->waiting_full);
	json_u64(j, "stream_gaps", sum->stream_gaps);
	json_u64(j, "stream_early", sum->stream_early);
	json_u64(j, "stream_overflows", sum->stream_overflows);
	json_u64(j, "stream_inconsistent", sum->stream_inconsistent);
	pool_json(j, "l7_pool", sum->l7.capacity, sum->l7.available, sum->l7.refused);
	pool_json(j, "stream_pool", sum->streams.capacity, sum->streams.available, sum->streams.refused);
	pool_json(j, "hostname_pool", sum->hostnames.capacity, sum->hostnames.available, sum->hostnames.refused);
	pool_json(j, "long_flow_pool", sum->watches.capacity, sum->watches.available, sum->watches.refused);
	pool_json(j, "detail_pool", sum->details.capacity, sum->details.available, sum->details.refused);
	json_object_end(j);
}

static void dns_names_json(const struct metrics_dns_names *names, struct json *j)
{
	json_object_begin(j, "dns_names");
	json_u64(j, "capacity", names->capacity);
	json_u64(j, "used", names->used);
	json_u64(j, "told", names->told);
	json_u64(j, "evicted", names->evicted);
	json_u64(j, "flows", names->flows);
	json_object_end(j);
}

static void records_json(const struct metrics_sources *s, const struct metrics_sum *sum, struct json *j)
{
	json_object_begin(j, "records");
	json_u64(j, "made", sum->counters.records_made);
	json_u64(j, "taken", s->records_taken);
	json_u64(j, "waiting", s->records_waiting + sum->records_in_rings);
	json_u64(j, "link_left_out", sum->counters.link_records_left_out);
	json_u64(j, "messages_unsound", sum->counters.messages_unsound);
	json_object_begin(j, "dropped");
	json_u64(j, "record_ring_full", sum->counters.records_dropped[RECORD_DROP_RING_FULL]);
	json_object_end(j);
	json_array_begin(j, "sinks");
	for (unsigned i = 0; i < s->sink_count; i++) {
		struct sink_stats stats;

		sink_stats(s->sinks[i], &stats);
		json_object_begin(j, NULL);
		json_string(j, "name", stats.name);
		json_u64(j, "queued", stats.queued);
		json_u64(j, "written", stats.written);
		json_u64(j, "bytes", stats.written_bytes);
		json_u64(j, "dropped_queue_full", stats.dropped_queue_full);
		json_u64(j, "dropped_error", stats.dropped_error);
		if (stats.remote) {
			json_string(j, "state", sink_state_names[stats.state]);
			json_u64(j, "recovered", stats.recovered);
			json_u64(j, "delivered", stats.delivered);
			json_u64(j, "waiting", stats.waiting);
			json_u64(j, "tombstoned", stats.tombstoned);
			json_u64(j, "duplicates", stats.duplicates);
		}
		if (stats.error[0] != '\0')
			json_string(j, "error", stats.error);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void ports_json(const struct metrics_sources *s, struct json *j)
{
	json_array_begin(j, "ports");
	for (unsigned i = 0; i < s->port_count; i++) {
		struct port *port = s->ports[i];
		struct port_stats stats;

		port_stats(port, &stats);
		json_object_begin(j, NULL);
		json_string(j, "name", port->name);
		json_string(j, "kind", port->kind->name);
		json_string(j, "driver", port->driver);
		json_u64(j, "queues", port->queues);
		json_i64(j, "socket", port->socket);
		json_string(j, "rss", port->rss_why);
		json_bool(j, "link_up", stats.link_up);
		json_u64(j, "received", stats.received_pkts);
		json_u64(j, "received_bytes", stats.received_bytes);
		json_u64(j, "missed", stats.missed);
		json_u64(j, "errors", stats.errors);
		json_u64(j, "nombuf", stats.nombuf);
		json_u64(j, "kernel_drops", stats.kernel_drops);
		json_u64(j, "kernel_seen", stats.kernel_seen);
		json_u64(j, "unread", stats.unread);
		metrics_capture_loss_json(s, port->id, j);
		if (port->damage_text[0] != '\0' && atomic_load(&port->damage) != PORT_WHOLE)
			json_string(j, "damage", port->damage_text);
		json_object_end(j);
	}
	json_array_end(j);
}

static void stages_json(const struct worker_counters *c, uint64_t packets, struct json *j)
{
	json_object_begin(j, "cycles_per_packet");
	for (unsigned st = 0; st < STAGE_COUNTS; st++)
		json_double(j, worker_stage_names[st], packets > 0 ? (double)c->cycles[st] / (double)packets : 0);
	json_object_end(j);
}

static void workers_json(const struct metrics_sources *s, struct json *j)
{
	json_array_begin(j, "workers");
	for (unsigned k = 0; k < s->worker_count; k++) {
		const struct worker *w = s->workers[k];
		struct worker_counters c = w->counters;

		json_object_begin(j, NULL);
		json_u64(j, "id", k);
		json_u64(j, "packets", metrics_handled(&c));
		json_u64(j, "busy_ns", (uint64_t)((double)c.busy_cycles * 1e9 / (double)rte_get_tsc_hz()));
		stages_json(&c, metrics_handled(&c), j);
		json_object_end(j);
	}
	json_array_end(j);
}

void metrics_stats_json(const struct metrics_sources *s, const struct metrics_rates *rates, struct json *j)
{
	struct metrics_sum sum;
	struct ledger ledger;

	metrics_sum(s, &sum);
	metrics_ledger(s, &ledger);
	packets_json(&sum, j);
	checksums_json(&sum.counters, j);
	fragments_json(&sum, j);
	flows_json(&sum, j);
	inspection_json(&sum, j);
	dns_names_json(&s->dns_names, j);
	records_json(s, &sum, j);
	ports_json(s, j);
	workers_json(s, j);
	json_object_begin(j, "rates");
	json_double(j, "pps", rates->pps);
	json_double(j, "bps", rates->bps);
	json_double(j, "fps", rates->fps);
	json_object_end(j);
	json_u64(j, "residual", ledger.residual);
	json_double(j, "duration_s", s->seconds);
}

void metrics_ledger_json(const struct metrics_sources *s, struct json *j)
{
	struct ledger ledger;

	metrics_ledger(s, &ledger);
	json_array_begin(j, "rows");
	for (unsigned i = 0; i < ledger.rows; i++) {
		const struct ledger_row *row = &ledger.row[i];

		json_object_begin(j, NULL);
		json_string(j, "name", row->name);
		json_string(j, "says", row->says);
		json_u64(j, "left", row->left);
		json_u64(j, "right", row->right);
		json_i64(j, "difference", (int64_t)(row->left - row->right));
		json_object_end(j);
	}
	json_array_end(j);
	json_u64(j, "residual", ledger.residual);
	json_bool(j, "quiet", s->quiet);
}

static void queues_json(const struct worker *w, struct json *j)
{
	json_array_begin(j, "queues");
	for (unsigned i = 0; i < w->queues; i++) {
		json_object_begin(j, NULL);
		json_string(j, "port", w->queue[i]->port->name);
		json_u64(j, "queue", w->queue[i]->queue);
		json_i64(j, "socket", w->queue[i]->port->socket);
		json_object_end(j);
	}
	json_array_end(j);
}

static void lcore_json(const struct worker *w, struct json *j)
{
	struct worker_counters c = w->counters;
	double hz = (double)rte_get_tsc_hz();
	uint64_t now = clock_cycles();

	json_object_begin(j, NULL);
	json_u64(j, "id", w->config.id);
	json_u64(j, "lcore", w->config.lcore);
	json_i64(j, "socket", w->config.socket);
	json_string(j, "idle", idle_names[w->config.idle]);
	json_string(j, "hash", w->flows->hash->name);
	queues_json(w, j);
	json_u64(j, "packets", metrics_handled(&c));
	json_u64(j, "steered_out", c.steered_out);
	json_u64(j, "steered_in", c.steered_in);
	json_u64(j, "polls", c.polls);
	json_u64(j, "empty_polls", c.empty_polls);
	json_u64(j, "sleeps", c.sleeps);
	json_double(j, "busy_s", (double)c.busy_cycles / hz);
	stages_json(&c, metrics_handled(&c), j);
	json_u64(j, "flows_active", (uint64_t)w->flows->active4 + w->flows->active6);
	json_u64(j, "flows_capacity", (uint64_t)w->flows->capacity4 + w->flows->capacity6);
	json_double(j, "heartbeat_age_ms", now > c.heartbeat ? (double)(now - c.heartbeat) * 1e3 / hz : 0);
	json_object_end(j);
}

void metrics_lcores_json(const struct metrics_sources *s, struct json *j)
{
	json_string(j, "steering", s->steering);
	json_array_begin(j, "workers");
	for (unsigned k = 0; k < s->worker_count; k++)
		lcore_json(s->workers[k], j);
	json_array_end(j);
}

static void amount_json(struct json *j, const char *name, uint64_t pkts, uint64_t bytes)
{
	json_object_begin(j, NULL);
	json_string(j, "name", name);
	json_u64(j, "packets", pkts);
	json_u64(j, "bytes", bytes);
}

static void network_json(const struct worker_counters *c, struct json *j)
{
	json_array_begin(j, "network");
	for (unsigned p = 0; p < 256; p++) {
		char number[16];
		const char *name = ip_proto_name((uint8_t)p);

		if (c->proto_pkts[p] == 0)
			continue;
		snprintf(number, sizeof(number), "%u", p);
		amount_json(j, name != NULL ? name : number, c->proto_pkts[p], c->proto_bytes[p]);
		json_u64(j, "proto", p);
		json_object_end(j);
	}
	json_array_end(j);
}

static const char *unknown_name(const struct link_unknown_row *row)
{
	switch (row->kind) {
	case LINK_UNKNOWN_ETHERTYPE:
		return packet_ethertype_name(row->number);
	case LINK_UNKNOWN_SAP:
		return packet_sap_name((uint8_t)(row->number >> 8));
	case LINK_UNKNOWN_IP_PROTOCOL:
		return ip_proto_name((uint8_t)row->number);
	default:
		return NULL;
	}
}

static void unknown_row_json(const struct link_unknown_row *row, struct json *j)
{
	char number[8], first[2 * LINK_UNKNOWN_BYTES];
	struct text_builder hex = text_builder(first, sizeof(first));
	const char *name = unknown_name(row);

	snprintf(number, sizeof(number), row->kind == LINK_UNKNOWN_IP_PROTOCOL ? "%u" : "0x%04x", row->number);
	text_put_hex(&hex, row->bytes, row->length);
	json_object_begin(j, NULL);
	json_string(j, "kind", link_unknown_names[row->kind]);
	json_string(j, "number", number);
	if (name != NULL)
		json_string(j, "name", name);
	json_u64(j, "packets", row->pkts);
	json_u64(j, "bytes", row->frame_bytes);
	json_string_bytes(j, "first_bytes", first, hex.used);
	json_object_end(j);
}

// Numbers that nothing decodes; those that found no row in a worker's table stand together in unknown_other.
static void unknown_json(const struct metrics_sources *s, struct json *j)
{
	struct link_unknown sum = {0};

	for (unsigned k = 0; k < s->worker_count; k++)
		link_unknown_add(&sum, &s->workers[k]->unknown);
	json_array_begin(j, "unknown");
	for (uint32_t i = 0; i < sum.rows; i++)
		unknown_row_json(&sum.row[i], j);
	json_array_end(j);
	json_object_begin(j, "unknown_other");
	json_u64(j, "packets", sum.other_pkts);
	json_u64(j, "bytes", sum.other_bytes);
	json_object_end(j);
}

void metrics_protocols_json(const struct metrics_sources *s, struct json *j)
{
	struct metrics_sum sum;
	const struct worker_counters *c = &sum.counters;

	metrics_sum(s, &sum);
	json_array_begin(j, "ethernet");
	for (unsigned v = 0; v < PACKET_VERDICTS; v++)
		if (!packet_malformed((enum packet_verdict)v) && c->verdict_pkts[v] > 0) {
			amount_json(j, packet_verdict_names[v], c->verdict_pkts[v], c->verdict_bytes[v]);
			json_object_end(j);
		}
	json_array_end(j);
	network_json(c, j);
	json_array_begin(j, "applications");
	for (unsigned i = 0; i < proto_count; i++)
		if (c->app_pkts[i] > 0) {
			amount_json(j, proto_name(i), c->app_pkts[i], c->app_bytes[i]);
			if (i > 0)
				json_u64(j, "flows", sum.app_flows[i]);
			json_object_end(j);
		}
	json_array_end(j);
	unknown_json(s, j);
}
