// The flows of one worker: two rte_hash tables (IPv4, IPv6) give an index into one slab of flows.
//
// Hot state is one cache line, of TCP a second one, touched by every packet; cold state is a slab under the same index, touched
// when a flow begins, ends, is still being classified, or when TCP does more than go on. Time is data: a flow is over when a
// packet's clock is past its last packet's clock plus the time-out of its state. The wheel only brings that moment to notice; a
// packet that comes first decides the same, so that the result does not depend on when a sweep ran.
#ifndef FLOW_FLOW_TABLE_H
#define FLOW_FLOW_TABLE_H

#include <rte_common.h>
#include <rte_hash.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/memory.h"
#include "classify/classify.h"
#include "flow/flow_detail.h"
#include "flow/flow_key.h"
#include "flow/flow_stream.h"
#include "flow/flow_tcp.h"
#include "flow/flow_udp.h"
#include "flow/flow_wheel.h"

enum { FLOW_BURST_MAX = 64 };

// What time-out a flow is under.
enum flow_class {
	FLOW_TCP_NEW,
	FLOW_TCP_ESTABLISHED,
	FLOW_TCP_CLOSED,
	FLOW_UDP_NEW,
	FLOW_UDP_ESTABLISHED,
	FLOW_ICMP,
	FLOW_OTHER,
	FLOW_CLASSES
};

enum flow_life { FLOW_FREE, FLOW_ENTERED, FLOW_LIVE }; // entered: has a place in the hash, its first packet is being looked at
enum flow_inspect { FLOW_INSPECT_NONE, FLOW_INSPECT_TCP, FLOW_INSPECT_UDP };
enum { FLOW_CLOSING_CLIENT = 1, FLOW_CLOSING_SERVER = 2, FLOW_CLOSING_BOTH = 3 };

struct flow {
	uint64_t clock_ns; // of the last packet
	uint64_t end_ns;   // highest packet time
	uint64_t pkts[2], bytes[2]; // to server, to client
	uint8_t tcp_flags[2];
	uint8_t class;     // enum flow_class
	uint8_t inspect;   // enum flow_inspect
	uint8_t client;    // which end of the key is the client
	uint8_t closing;   // who has sent FIN
	uint8_t app;       // as cold->classify.app, here for the packet counters
	uint8_t life;      // enum flow_life
	uint8_t ttl_least[2], ttl_most[2]; // hop limits, by direction; 255 and 0 before its first packet
	uint8_t tos[2];    // of the last packet of each direction
	uint16_t interim_at; // low bits of the clock (FLOW_INTERIM_SHIFT) at which the next interim record is due
} __rte_cache_aligned;

_Static_assert(sizeof(struct flow) == 64, "the hot state of a flow is one cache line");

// The options of both SYNs, as small as they get. Of a SYN that is sent again the last counts.
struct flow_tcp_options {
	uint16_t mss[2]; // by direction, 0: not said
	uint8_t scale;   // four bits a direction: window scale plus one, 0: not said
	uint8_t said;    // enum record_tcp_option
};

struct flow_cold {
	uint64_t start_ns;
	struct flow_tcp_cold tcp;
	uint32_t detail;   // block of the detail pool plus one; 0: there was none
	struct classify_flow classify;
	struct flow_stream stream[2];
	uint8_t key4[sizeof(struct flow_key4)]; // those of IPv6 are in keys6
	uint32_t watch;    // block of the watch pool plus one
	uint32_t hostname; // block of the hostname pool plus one
	uint32_t newer, older; // in the queue of unanswered flows; places plus one, 0: none
	uint16_t port;
	struct flow_tcp_options options;
} __rte_cache_aligned;

_Static_assert(sizeof(struct flow_cold) <= 192, "the cold state of a flow is three cache lines");

// Of a flow that lasts: what has been reported of it, and how fast it was.
struct flow_watch {
	uint64_t pkts[2], bytes[2]; // in the records so far
	uint64_t look_ns, look_bytes, peak_bps;
	uint32_t records;           // so far
	bool elephant;
};

// The interim clock: ns >> 30, about a second.
enum { FLOW_INTERIM_SHIFT = 30, FLOW_ELEPHANT_PKTS = 256 }; // a look each so many packets of a direction

struct flow_hostname {
	uint8_t len, app, service; // app: protocol that said it; service: enum flow_service
	char text[RECORD_HOSTNAME_MAX];
} __attribute__((aligned(4))); // as a pool's blocks have to be

// Flows that have not been answered yet, in the order of their begin: a full table gives up the first of them for a new flow.
struct flow_queue {
	uint32_t oldest, newest; // places plus one, 0: none
};

// A live flow has to make way. Whoever reports flows reports it and calls flow_remove().
typedef void flow_evict_fn(void *context, uint32_t index);

_Static_assert(sizeof(struct flow_udp) <= sizeof(struct flow_tcp), "a flow has one line beside its own, whatever it is made of");

struct flow_table_config {
	uint32_t capacity4, capacity6;
	uint32_t streams, stream_bytes, hostnames, details, watches;
	uint32_t first_packets;     // of which sizes and gaps are kept, up to RECORD_FIRSTS_MAX
	uint64_t interim_ns;        // between two records of a flow that goes on; 0: none
	uint64_t elephant_bps;      // from this rate on a flow is an elephant; 0: none is
	uint64_t timeout_ns[FLOW_CLASSES];
	int socket;
	unsigned id;                // for the names of its tables
	const struct flow_secret *secret;
	const struct flow_hash_ops *hash; // NULL: the best
	flow_evict_fn *evict;       // NULL: a full table takes no new flow
	void *evict_context;
};

struct flow_table_counters {
	uint64_t created, ended[FLOW_REASONS]; // ended by enum flow_reason
	uint64_t evicted_unanswered, evicted_oldest, elephants;
	uint64_t packets, bytes;    // counted into flows, ended ones included
	uint64_t refused_pkts;      // of flows that found no place
	uint64_t directions[FLOW_DIRECTIONS], flipped; // flows begun, by rule; those whose first packet came from the server
};

struct flow_table {
	struct rte_hash *hash4, *hash6;
	struct flow *flows;
	struct flow_tcp *tcp;       // of a UDP flow: its struct flow_udp
	struct flow_link *links;    // of the wheel
	struct flow_cold *cold;
	uint8_t (*keys6)[FLOW_KEY6_USED]; // by place - slots4: struct flow_key6 without its padding
	uint32_t slots4, slots;     // index < slots4: IPv4
	uint32_t capacity4, capacity6, active4, active6;
	const struct flow_hash_ops *hash;
	struct flow_secret secret;
	uint32_t first_packets;
	uint64_t timeout_ns[FLOW_CLASSES];
	struct flow_wheel wheel;
	struct flow_queue unanswered[2]; // IPv4, IPv6
	uint32_t hand[2];           // where the search for an old flow goes on
	flow_evict_fn *evict;
	void *evict_context;
	atomic_bool emergency;      // flows have been evicted, and the table is still nearly full
	struct pool hostnames, details, watches; // of struct flow_hostname, flow_detail, flow_watch
	uint64_t interim_ns, elephant_bps;
	struct flow_stream_pool streams;
	struct flow_table_counters counters;
	void *pool_memory;
};

// What flow_table_create will take for this configuration, hash tables included (from rte_hash's layout).
void flow_table_memory(const struct flow_table_config *config, struct memory *m);
int flow_table_create(const struct flow_table_config *config, struct flow_table **out, struct err *err);
void flow_table_destroy(struct flow_table *table);

enum { FLOW_NONE = UINT32_MAX };

// A burst of packets on its way through the table. index[] is the result, FLOW_NONE where a flow found no place.
struct flow_burst {
	unsigned without; // enum flow_key_without: set once
	unsigned n4, n6;
	struct flow_key4 key4[FLOW_BURST_MAX];
	struct flow_key6 key6[FLOW_BURST_MAX];
	uint64_t hash4[FLOW_BURST_MAX], hash6[FLOW_BURST_MAX];
	uint8_t slot4[FLOW_BURST_MAX], slot6[FLOW_BURST_MAX]; // which packet of the burst
	uint8_t src_end[FLOW_BURST_MAX];  // by packet of the burst
	uint32_t index[FLOW_BURST_MAX];   // result by packet of the burst
};

// Three steps over a whole burst: keys and hashes (what steering needs), then places in the table; new flows are entered.
static inline void flow_burst_start(struct flow_burst *b)
{
	b->n4 = b->n6 = 0;
}

static inline void flow_burst_add(struct flow_burst *b, unsigned i, const struct packet *p)
{
	if (p->ip_version == 4) {
		b->src_end[i] = (uint8_t)flow_key4_of(p, b->without, &b->key4[b->n4]);
		b->slot4[b->n4++] = (uint8_t)i;
	} else {
		b->src_end[i] = (uint8_t)flow_key6_of(p, b->without, &b->key6[b->n6]);
		b->slot6[b->n6++] = (uint8_t)i;
	}
}

// In a full table a new flow takes the place of one that this burst does not need: of the unanswered flows (a SYN, a datagram one
// way) the oldest, and without any the one longest silent among FLOW_EVICT_LOOKS looked at.
enum { FLOW_EVICT_LOOKS = 32 };

void flow_burst_hash(struct flow_table *table, struct flow_burst *b);
void flow_burst_find(struct flow_table *table, struct flow_burst *b);

// Starts a flow in its slot with its first packet; the slot was entered by flow_burst_find() or is used again.
void flow_begin(struct flow_table *table, uint32_t index, unsigned src_end, const struct packet *p, uint16_t port);

// Counts one packet, moves the state. Returns the direction: 0 to server, 1 to client.
unsigned flow_count(struct flow_table *table, struct flow *flow, unsigned src_end, const struct packet *p);

static inline uint64_t flow_due_ns(const struct flow_table *table, const struct flow *flow)
{
	return flow->clock_ns + table->timeout_ns[flow->class];
}

// Whether a packet that arrives now starts a new flow in place of this one, and why.
bool flow_over(const struct flow_table *table, const struct flow *flow, const struct packet *p, enum flow_reason *reason);

static inline struct flow_udp *flow_udp_of(const struct flow_table *t, uint32_t index)
{
	return (struct flow_udp *)(void *)&t->tcp[index];
}

// Whether an interim record is due before this packet is counted.
static inline bool flow_interim_due(const struct flow_table *t, const struct flow *f, const struct packet *p)
{
	return t->interim_ns != 0 && (int16_t)((uint16_t)(p->clock_ns >> FLOW_INTERIM_SHIFT) - f->interim_at) >= 0;
}

static inline void flow_interim_set(const struct flow_table *t, struct flow *f, uint64_t clock_ns)
{
	f->interim_at = (uint16_t)((clock_ns + t->interim_ns) >> FLOW_INTERIM_SHIFT);
}

struct flow_watch *flow_watch_of(const struct flow_table *table, uint32_t index);  // NULL: it has none
struct flow_watch *flow_watch_get(struct flow_table *table, uint32_t index);       // NULL: no room

// To be called each FLOW_ELEPHANT_PKTS packets of a direction. True: the flow has just become an elephant.
bool flow_elephant_look(struct flow_table *table, uint32_t index, const struct packet *p);

// Clears the slot for reuse in place (gives back streams and name); the entry in the hash and the wheel stays.
void flow_reset(struct flow_table *table, uint32_t index);

// Takes the flow out of the hash and the wheel too.
void flow_remove(struct flow_table *table, uint32_t index);

// Meets at most `visits` flows or slots of the wheel up to target_ns and calls end for each flow that is due before the tick that
// target_ns lies in. Returns how much of the budget is left; flow_wheel_swept_ns() says how far it came.
typedef void flow_due_fn(void *context, uint32_t index);
unsigned flow_sweep(struct flow_table *table, uint64_t target_ns, unsigned visits, flow_due_fn *due, void *context);

// ---- within the layer ----

void flow_unanswered_put(struct flow_table *table, uint32_t index);
void flow_unanswered_take(struct flow_table *table, uint32_t index); // no harm if it is not there
// Makes room for one flow of a family (0: IPv4, 1: IPv6). False: there is none to be had.
bool flow_evict(struct flow_table *table, const struct flow_burst *b, unsigned family);
void flow_emergency_look(struct flow_table *table); // whether it is over

void flow_ends(const struct flow_table *table, uint32_t index, struct record_ends *ends);
// Keeps the options of a SYN.
void flow_tcp_syn(struct flow_tcp_options *options, unsigned dir, const struct packet *p);

enum flow_state flow_state_of(const struct flow *flow);

// Zeek's conn_state and history, of any flow. At most FLOW_TCP_HISTORY_MAX letters; returns how many.
enum flow_conn_state flow_conn_state_of(const struct flow *flow, const struct flow_cold *cold);
unsigned flow_history_put(const struct flow *flow, const struct flow_cold *cold, char *out);

#endif
