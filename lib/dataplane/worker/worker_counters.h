// What a worker counts. It alone writes; anyone may read at any time (each is one aligned 64-bit word). Sums and the ledger are
// made by metrics.
#ifndef WORKER_WORKER_COUNTERS_H
#define WORKER_WORKER_COUNTERS_H

#include <rte_common.h>
#include <stdint.h>

#include "base/tunnel.h"
#include "packet/packet.h"
#include "packet/packet_checksum.h"
#include "proto/proto.h"

enum worker_stage {
	STAGE_RECEIVE,
	STAGE_DECODE,
	STAGE_FILTER,
	STAGE_CHECKSUM,
	STAGE_FRAGMENTS,
	STAGE_STEER,
	STAGE_LOOKUP,
	STAGE_COUNT,    // flow state and counters
	STAGE_CLASSIFY, // stream and dissectors, for the packets that need them
	STAGE_EXPIRE,
	STAGE_PUBLISH,
	STAGE_COUNTS
};

extern const char *const worker_stage_names[STAGE_COUNTS];

// Why a packet was not analysed although it was sound.
enum worker_drop {
	DROP_STEER_RING_FULL, // live: the owning worker is behind
	DROP_COUNTS
};

extern const char *const worker_drop_names[DROP_COUNTS];

// Why a record was not handed on.
enum worker_record_drop {
	RECORD_DROP_RING_FULL, // live: control is behind
	RECORD_DROP_COUNTS
};

enum { WORKER_PORTS = RTE_MAX_ETHPORTS };

// Of the TCP flows that began on a port and have ended; a flow's own counts stop where its record's do.
struct worker_port_tcp {
	uint64_t segments, lost, acked_unseen, retransmissions;
};

struct worker_counters {
	// packets: received here or handed on; each ends in exactly one of the others, here or at its owner
	uint64_t received_pkts, received_bytes;
	uint64_t verdict_pkts[PACKET_VERDICTS], verdict_bytes[PACKET_VERDICTS];
	uint64_t drop_pkts[DROP_COUNTS], drop_bytes[DROP_COUNTS];
	uint64_t filtered_pkts, filtered_bytes;         // as the filters say
	uint64_t filtered_own_pkts, filtered_own_bytes; // the appliance's own connections
	uint64_t steered_out, steered_in;
	uint64_t truncated, fragments, jumbo;
	uint64_t tunnel_pkts[TUNNEL_KINDS], tunnel_bytes[TUNNEL_KINDS]; // whose flow is in a tunnel, by the innermost
	uint64_t checksum[CHECKSUMS][CHECKSUM_VERDICTS]; // headers, where the packet was received
	uint64_t senders_refused;               // bad ones of senders that found no place among those watched
	uint64_t joined_pkts, joined_bytes;     // fragments in datagrams whose last frame has verdict ok
	// flows
	uint64_t flow_pkts, flow_bytes;         // counted into a flow
	uint64_t refused_pkts, refused_bytes;   // no place for a new flow
	uint64_t flows_ended[FLOW_REASONS];                // enum flow_reason
	uint64_t ended_pkts, ended_bytes;       // in flows that have ended
	uint64_t app_pkts[PROTO_MAX], app_bytes[PROTO_MAX]; // of flows whose protocol was known when the packet came
	uint64_t proto_pkts[256], proto_bytes[256]; // by IP protocol
	uint64_t shunted;                       // elephants that were still inspected
	struct worker_port_tcp port_tcp[WORKER_PORTS]; // by ethdev
	// records
	uint64_t interims_refused;              // no room to remember what has been reported
	uint64_t link_records_left_out;         // beyond worker_config.link_records_per_s: never made
	uint64_t messages_unsound;              // of ICMP, MLD, IGMP: packets of their flows, but without a record
	uint64_t records_made, records_dropped[RECORD_DROP_COUNTS];
	// time
	uint64_t cycles[STAGE_COUNTS], busy_cycles, polls, empty_polls, sleeps;
	uint64_t heartbeat; // cycles of the last turn
} __rte_cache_aligned;

#endif
