// One worker: what a lcore needs to take packets from its queues to records, and nothing else.
//
// Grouped by owner. A field that two threads touch says who writes it, and each such group has its own cache line. The worker
// is the first argument of everything on the data plane; "which core am I" is asked once, at launch.
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "filter/filter.h"
#include "flow/flow_table.h"
#include "link/link.h"
#include "link/link_unknown.h"
#include "packet/packet.h"
#include "packet/packet_fragments.h"
#include "port/port.h"
#include "record/record_ring.h"
#include "worker/worker_counters.h"
#include "worker/worker_senders.h"

enum { WORKER_MAX = 64, WORKER_QUEUES_MAX = 32, WORKER_BURST_MAX = FLOW_BURST_MAX, WORKER_FRAME_MAX = 65536 };

enum worker_idle { WORKER_IDLE_POLL, WORKER_IDLE_YIELD, WORKER_IDLE_ADAPTIVE };

// Which packets go to the worker that owns their flow over a ring: none, those whose flow is in a tunnel (a NIC's hash, which
// brings all others to their owner, is of the outer header), or all.
enum worker_steer { WORKER_STEER_NONE, WORKER_STEER_TUNNELS, WORKER_STEER_ALL };

enum worker_checksum { WORKER_CHECKSUM_OFF, WORKER_CHECKSUM_VERIFY, WORKER_CHECKSUM_DROP };

struct worker_config {
	unsigned id, workers;  // which of how many
	unsigned lcore;
	int socket;
	uint32_t burst;
	enum worker_steer steer;
	bool replay;           // nothing is lost: full rings are waited for
	enum worker_idle idle;
	enum worker_checksum checksum;
	uint32_t checksum_sample; // every so many packets one is verified; at least 1
	unsigned key_without;        // enum flow_key_without
	bool shunt;                  // elephants are counted and no more
	uint32_t record_ring_bytes, l7;
	struct classify_limits classify;
	uint32_t fault_every; // of each pool; 0: none
	struct packet_fragments_config fragments; // away: of a replay at least burst
	uint32_t link_records_per_s; // of what is said on the link: ARP, LLDP, ...; those beyond are only counted
	struct flow_table_config flow;
	const struct clock *clock;
};

// A burst on its way. Packets that another worker owns leave it at steering, those that are filtered out before: their mbuf is NULL
// from then on.
struct worker_burst {
	unsigned n;
	bool handed;   // from a peer's ring: decoded already, mine to keep
	unsigned from; // that peer
	struct rte_mbuf *mbuf[WORKER_BURST_MAX];
	struct port_stamp stamp[WORKER_BURST_MAX];
	struct packet packet[WORKER_BURST_MAX];
	struct flow_burst flow;
};

// What a packet pool must give: the private area of a mbuf carries the decoded packet to its owner.
enum { WORKER_MBUF_PRIVATE = (sizeof(struct packet) + RTE_MBUF_PRIV_ALIGN - 1) / RTE_MBUF_PRIV_ALIGN * RTE_MBUF_PRIV_ALIGN };

// A list of flows asked for by control, answered in slices. Control owns it again once done is set.
struct worker_flows_request {
	uint32_t limit;              // at most this many, those with the latest packets
	struct record *records;      // limit blocks of WORKER_FLOW_RECORD_MAX bytes
	uint32_t count;              // how many were filled
	uint64_t active;             // flows in the table
	atomic_bool done;
	// the worker's own
	uint32_t cursor;
	struct worker_flow_rank {
		uint64_t clock_ns;
		uint32_t index;
	} *heap;                     // limit entries
	bool ranked;
};

// With what control adds behind it: the application, and the host name if the flow said none.
enum { WORKER_FLOW_RECORD_MAX = (sizeof(struct record) + sizeof(struct record_flow) + RECORD_HOSTNAME_MAX + RECORD_HISTORY_MAX +
				RECORD_FIRSTS_MAX * sizeof(struct flow_first) + RECORD_APPLICATION_MAX + RECORD_CATEGORY_MAX + 7) / 8 * 8 };

// A whole datagram's buffer as a mbuf has it, and where it goes back to.
struct worker_fragment {
	struct rte_mbuf_ext_shared_info shared;
	struct packet_fragments *fragments;
	uint32_t place;
};

struct worker {
	// who: control writes before launch, constant while running
	struct worker_config config;
	unsigned queues;
	struct port_queue *queue[WORKER_QUEUES_MAX];
	struct worker *const *peers; // all workers, by id

	// mine: this worker alone
	struct flow_table *flows;
	struct classify classify;
	struct packet_fragments *fragments;
	struct worker_fragment *fragment; // by place in there: who has its buffer
	uint64_t source_ns[WORKER_MAX]; // by worker that receives: no packet from it will be earlier than this
	uint64_t final_ns;           // replay: clock at its end
	uint64_t first_ns, last_ns;  // clock of the first and the last packet received
	unsigned source;             // whose turn it is: my queues, then the peers' rings
	struct rte_mbuf *held[WORKER_BURST_MAX]; // replay: received, its owner's ring was full
	uint8_t held_owner[WORKER_BURST_MAX];
	unsigned held_count;
	uint64_t held_for;           // owners with something held
	uint64_t inspect_cycles;     // of this burst
	struct l7 *link_l7;          // the record of a frame of no flow, while it is made
	uint64_t link_second;        // of packet time
	uint32_t link_in_second;     // records of the link layer in it
	struct port_queue *unpublished; // whose clock is to be published once nothing is held
	uint64_t unpublished_ns;
	uint8_t *linear;             // WORKER_BURST_MAX frames of several segments, made one
	uint32_t checksum_turn;      // packets until the next is verified
	unsigned empty_run;
	bool flushing, flushed;
	struct worker_flows_request *request;
	void *memory;
	const struct packet *reporting; // whose transaction is being reported; NULL: its flow ends
	uint32_t reporting_index;
	uint64_t reporting_order_ns;

	// rings: I push to out and to the peers' in; control pops out; control pushes requests
	struct record_ring *out;
	struct rte_ring *in[WORKER_MAX]; // in[k]: packets from worker k
	struct rte_ring *requests;

	// marks: I write, control reads. All records due before mark_ns have been pushed.
	_Atomic uint64_t mark_ns __rte_cache_aligned;
	atomic_bool receiving;       // may still hand packets to others
	atomic_bool finished;        // all flows ended, all records pushed
	const struct filter *_Atomic filter_used; // any other that control has may be freed

	// knobs: control writes
	atomic_bool stop __rte_cache_aligned;
	const struct filter *_Atomic filter; // NULL: everything is analysed

	// counters: I write, anyone reads
	struct worker_counters counters __rte_cache_aligned;
	struct worker_senders senders;
	struct link_unknown unknown __rte_cache_aligned;
	struct worker_burst burst;
} __rte_cache_aligned;

int worker_create(const struct worker_config *config, struct worker **out, struct err *err);
void worker_destroy(struct worker *w);  // without hugepages, what EAL gave stays until rte_eal_cleanup()
void worker_memory(const struct worker_config *config, struct memory *m); // what worker_create will take
// Connects the rings between all workers; call once all exist, before launch.
int worker_connect(struct worker *const *workers, unsigned n, uint32_t ring_size, struct err *err);

// The packet's walk, one call a stage, each over the whole burst:
//
//	worker_receive(w, &b);    one of my queues, or what others handed to me; counts what arrived
//	worker_decode(w, &b);     bytes to struct packet; one verdict each, bad ones by reason
//	worker_filter(w, &b, f);  those that are not wanted leave
//	worker_checksum(w, &b);   one verdict a header, where checksums are verified
//	worker_fragments(w, &b);  fragments are held until their datagram is whole
//	worker_steer(w, &b);      those that another worker owns go to it
//	worker_lookup(w, &b);     bulk look-up, the missing entered
//	worker_count(w, &b);      flow state and sums; dissectors where a flow still asks
//	worker_expire(w);         a bounded number of wheel visits
//	worker_publish(w);        the mark
//	worker_answer(w);         at most one slice of one request
//
// Returns how many packets it dealt with.
unsigned worker_poll(struct worker *w);

// The loop: polls, idles, drains and flushes when stopped or at the end of a replay. For rte_eal_remote_launch.
int worker_run(void *worker);

// ---- within the layer ----

void worker_report_interim(struct worker *w, uint32_t index, uint64_t order_ns);
void worker_report_flow(struct worker *w, uint32_t index, enum flow_reason reason, uint64_t order_ns);
classify_report_fn worker_report_l7;
void worker_report_link(struct worker *w, const struct packet *p, uint16_t port, const struct l7 *l7);
void worker_report_message(struct worker *w, uint32_t index, bool to_server, const struct packet *p, const struct l7 *l7);
uint32_t worker_flow_record(const struct worker *w, uint32_t index, struct record *r); // returns its length
void worker_inspect_end(struct worker *w, uint32_t index, const struct packet *p); // nothing more is looked at
void worker_inspect(struct worker *w, uint32_t index, unsigned dir, const struct packet *p);
void worker_checksum(struct worker *w, struct worker_burst *b);
bool worker_checksum_whole(struct worker *w, const struct packet *p); // of a datagram just joined; false: bad
void worker_fragments(struct worker *w, struct worker_burst *b);
void worker_link(struct worker *w, struct packet *p, uint16_t port); // a frame of no flow; its verdict may become another
void worker_message(struct worker *w, uint32_t index, unsigned src_end, const struct packet *p); // ICMP and the like, counted already
void worker_answer(struct worker *w);

#endif
