// The numbers of an aggregate, flat: those of the ports and of TCP beside what metrics sums anyway.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "control/aggregate.h"
#include "control/control_version.h"

enum { KEY_MAX = AGGREGATE_PORT_NAME_MAX + 24, NUMBER_MAX = 6 };

static void amounts_json(const char *unit, const uint64_t amount[5], struct json *j)
{
	static const char *const names[5] = {"received", "analysed", "filtered", "malformed", "dropped"};
	char key[KEY_MAX];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "%s.%s", unit, names[i]);
		json_u64(j, key, amount[i]);
	}
}

static void sums_json(const struct metrics_sources *s, const struct metrics_sum *sum, struct json *j)
{
	const struct worker_counters *c = &sum->counters;
	struct metrics_sources before_sinks = *s;
	struct ledger ledger;

	amounts_json("packets", (const uint64_t[5]){c->received_pkts, sum->analysed_pkts, sum->filtered_pkts, sum->malformed_pkts,
						    sum->dropped_pkts}, j);
	amounts_json("bytes", (const uint64_t[5]){c->received_bytes, sum->analysed_bytes, sum->filtered_bytes, sum->malformed_bytes,
						  sum->dropped_bytes}, j);
	json_u64(j, "flows.created", sum->flows_created);
	json_u64(j, "flows.active", sum->flows_active);
	json_u64(j, "flows.ended", sum->flows_ended);
	json_u64(j, "records.made", c->records_made);
	json_u64(j, "records.refused", c->records_dropped[RECORD_DROP_RING_FULL]);
	before_sinks.sink_count = 0; // what waits in their queues, as this one will, is not at rest
	metrics_ledger(&before_sinks, &ledger);
	json_u64(j, "ledger.residual", ledger.residual);
}

// ---- TCP ----

static void tcp_json(const struct metrics_sum *sum, struct aggregate_tcp *tcp, struct json *j)
{
	uint64_t segments = 0, again = 0;

	for (unsigned i = 0; i < WORKER_PORTS; i++) {
		segments += sum->counters.port_tcp[i].segments;
		again += sum->counters.port_tcp[i].retransmissions;
	}
	aggregate_tcp_turn(tcp, segments, again, &segments, &again);
	json_u64(j, "tcp.segments", segments);
	json_double(j, "tcp.retransmission_rate", segments > 0 ? (double)again / (double)segments : 0);
	json_u64(j, "tcp.rtt_samples", tcp->samples);
	if (tcp->samples == 0)
		return;
	json_double(j, "tcp.rtt_p50_ms", aggregate_tcp_percentile_ms(tcp, 0.5));
	json_double(j, "tcp.rtt_p90_ms", aggregate_tcp_percentile_ms(tcp, 0.9));
	json_double(j, "tcp.rtt_p99_ms", aggregate_tcp_percentile_ms(tcp, 0.99));
}

// ---- ports ----

static void name_plain(const struct port *port, char out[AGGREGATE_PORT_NAME_MAX])
{
	const char *slash = strrchr(port->name, '/'), *name = slash != NULL && slash[1] != '\0' ? slash + 1 : port->name;

	snprintf(out, AGGREGATE_PORT_NAME_MAX, "%.*s", AGGREGATE_PORT_NAME_MAX - 1, name);
	for (; *out != '\0'; out++)
		if (!isascii((unsigned char)*out) || (!isalnum((unsigned char)*out) && strchr("_.-", *out) == NULL))
			*out = '_';
}

static bool taken(char names[PORT_MAX][AGGREGATE_PORT_NAME_MAX], unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (strcmp(names[i], names[at]) == 0)
			return true;
	return false;
}

void aggregate_port_names(struct port *const *ports, unsigned n, char names[PORT_MAX][AGGREGATE_PORT_NAME_MAX])
{
	for (unsigned at = 0; at < n && at < PORT_MAX; at++) {
		char plain[AGGREGATE_PORT_NAME_MAX];

		name_plain(ports[at], plain);
		memcpy(names[at], plain, sizeof(plain));
		for (unsigned number = at; taken(names, at); number += PORT_MAX)
			snprintf(names[at], sizeof(names[at]), "%.*s-%u", AGGREGATE_PORT_NAME_MAX - NUMBER_MAX, plain, number);
	}
}

// A run ends in the middle of a second: then the rates are those of the last whole one, as pps and bps of all ports are.
static const double turn_least_s = 0.5;

static void rates_turn(const struct port_stats *now, unsigned at, double seconds, struct aggregate_ports *last)
{
	if (seconds < turn_least_s)
		return;
	last->pps[at] = (double)(now->received_pkts - last->pkts[at]) / seconds;
	last->bps[at] = (double)(now->received_bytes - last->bytes[at]) * 8 / seconds;
	last->pkts[at] = now->received_pkts;
	last->bytes[at] = now->received_bytes;
}

static void port_json(struct port *port, unsigned at, const char *name, double seconds, struct aggregate_ports *last,
		      struct json *j)
{
	static const char *const names[4] = {"pps", "bps", "received", "lost"};
	char key[4][KEY_MAX];
	struct port_stats stats;

	port_stats(port, &stats);
	for (unsigned i = 0; i < 4; i++)
		snprintf(key[i], sizeof(key[i]), "port.%.*s.%s", AGGREGATE_PORT_NAME_MAX, name, names[i]);
	rates_turn(&stats, at, seconds, last);
	json_double(j, key[0], last->pps[at]);
	json_double(j, key[1], last->bps[at]);
	json_u64(j, key[2], stats.received_pkts);
	json_u64(j, key[3], stats.missed + stats.errors + stats.nombuf + stats.kernel_drops);
}

// Alerts, once there is a detector, are one more line here: json_u64(j, "alerts", ...), if there are any.
void aggregate_stats_json(const struct metrics_sources *s, const struct metrics_rates *rates, struct aggregate_ports *ports,
			  struct aggregate_tcp *tcp, struct json *j)
{
	double seconds = s->seconds - ports->seconds;
	char names[PORT_MAX][AGGREGATE_PORT_NAME_MAX];
	struct metrics_sum sum;

	metrics_sum(s, &sum);
	json_double(j, "pps", rates->pps);
	json_double(j, "bps", rates->bps);
	json_double(j, "fps", rates->fps);
	sums_json(s, &sum, j);
	tcp_json(&sum, tcp, j);
	aggregate_port_names(s->ports, s->port_count, names);
	for (unsigned i = 0; i < s->port_count && i < PORT_MAX; i++)
		port_json(s->ports[i], i, names[i], seconds, ports, j);
	if (seconds >= turn_least_s)
		ports->seconds = s->seconds;
	json_double(j, "uptime_s", s->seconds);
	json_string(j, "version", CONTROL_VERSION);
}
