// Sums over all workers, rates, and the ledger: every packet and every record ends in exactly one counter, and the sums prove it.
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdint.h>

#include "base/json.h"
#include "port/port.h"
#include "sink/sink.h"
#include "worker/worker.h"

enum { METRICS_LEDGER_ROWS = 64, METRICS_SINKS_MAX = 16 };

// Names that clients were told by DNS.
struct metrics_dns_names {
	uint64_t capacity, used; // pairs of client and address
	uint64_t told, evicted;  // addresses in answers; pairs that made way
	uint64_t flows;          // that were named by one, interim records apart
};

// Where the numbers are. Filled by control.
struct metrics_sources {
	struct worker *const *workers;
	unsigned worker_count;
	struct port *const *ports;
	unsigned port_count;
	struct sink *const *sinks;
	unsigned sink_count;
	struct rte_mempool *pool;
	uint64_t records_taken;   // by control, from the rings
	uint64_t records_waiting; // of those and of its own: not yet given to the sinks
	uint64_t records_given;   // taken and made by control itself (stats events)
	double seconds;     // since the start, or the replay's length
	struct metrics_dns_names dns_names;
	bool quiet;         // nothing is in flight: what must balance at rest does
	const char *sensor, *steering;
};

struct metrics_sum {
	struct worker_counters counters; // of all workers
	uint64_t analysed_pkts, analysed_bytes, malformed_pkts, malformed_bytes, dropped_pkts, dropped_bytes;
	uint64_t filtered_pkts, filtered_bytes; // own connections in
	uint64_t flows_created, flows_active, flows_ended, evicted_unanswered, evicted_oldest, elephants;
	uint64_t directions[FLOW_DIRECTIONS], flipped; // flows begun, by rule; those whose first packet came from the server
	unsigned emergencies; // workers whose table is full, or was until just now
	uint64_t records_in_rings;
	struct packet_fragments_counters fragments;
	uint64_t app_flows[PROTO_MAX], given_up, transactions, texts_cut;
	uint64_t withheld_flow, withheld_second, costly, costly_withheld, waiting_full;
	uint64_t stream_gaps, stream_early, stream_overflows, stream_inconsistent;
	struct {
		uint64_t capacity, available, refused;
	} l7, streams, hostnames, details, watches;
};

void metrics_sum(const struct metrics_sources *s, struct metrics_sum *out);

// Packets that a worker looked at, of its own queues and of others.
static inline uint64_t metrics_handled(const struct worker_counters *c)
{
	return c->received_pkts - c->steered_out + c->steered_in;
}

// What TCP says of a port's capture. Of flows that have ended; estimate is the share of segments that it misses.
struct metrics_capture_loss {
	uint64_t segments, lost, acked_unseen, retransmissions;
	double estimate;
};

void metrics_capture_loss(const struct metrics_sources *s, uint16_t port, struct metrics_capture_loss *out); // port: ethdev
void metrics_capture_loss_json(const struct metrics_sources *s, uint16_t port, struct json *j);

// One identity: left has to equal right. lag: how much may be in flight between the two while running.
struct ledger_row {
	const char *name; // "packets", "flows", ...
	const char *says; // "received = analysed + filtered + malformed + dropped"
	uint64_t left, right;
};

struct ledger {
	unsigned rows;
	struct ledger_row row[METRICS_LEDGER_ROWS];
	uint64_t residual; // sum of all differences; 0 at every quiet moment
};

void metrics_ledger(const struct metrics_sources *s, struct ledger *out);

// Per second, over the last second.
struct metrics_rates {
	uint64_t cycles, pkts, bytes, flows; // totals at the last turn
	double pps, bps, fps;
};

void metrics_rates_turn(struct metrics_rates *rates, const struct metrics_sources *s);

// The object of stats.json, of `stats` events and of /api/v1/stats: the members, without the braces.
void metrics_stats_json(const struct metrics_sources *s, const struct metrics_rates *rates, struct json *j);
void metrics_ledger_json(const struct metrics_sources *s, struct json *j);
void metrics_lcores_json(const struct metrics_sources *s, struct json *j);
void metrics_protocols_json(const struct metrics_sources *s, struct json *j);

// Prometheus text format 0.0.4. Returns how many bytes; 0 if room is too small.
size_t metrics_prometheus(const struct metrics_sources *s, char *out, size_t room);

#endif
