// Which protocol a flow speaks, decided by its bytes.
//
// The first payload of a flow is shown to every protocol that can begin with its first byte: first to the one whose port it is,
// then in the order of the list. The first that claims has the flow; those that say MORE are asked again with the next payloads,
// all others never. When none is left, or too many payloads went by, the engine gives up and the flow costs nothing any more. A
// protocol may end by agreement (PROTO_NEXT); then the search begins anew, and what was found first is kept as `orig`.
//
// Bounded: candidates that wait, transactions of a flow, transactions and expensive operations of a second; what is withheld is
// counted.
#ifndef CLASSIFY_CLASSIFY_H
#define CLASSIFY_CLASSIFY_H

#include <stdbool.h>

#include "base/pool.h"
#include "proto/proto.h"

enum { CLASSIFY_PAYLOADS_MAX = 16, CLASSIFY_WAITING_MAX = 6 }; // payloads of one direction; candidates that wait for the next
enum { CLASSIFY_ROUNDS_MAX = 64 }; // transactions of one datagram

// What the engine keeps of a flow; all zero for a new one.
struct classify_flow {
	union {
		struct { // not claimed
			uint32_t note; // what proto_hint.note points at
			uint8_t waiting[CLASSIFY_WAITING_MAX]; // candidates that said MORE, in the order of trial; 0: no further
		} __attribute__((packed, aligned(2)));
		struct { // claimed, and has_l7
			uint32_t l7; // block of the pool
		} __attribute__((packed, aligned(2)));
		struct proto_times times; // claimed otherwise
	};
	uint16_t reported;     // transactions so far
	uint8_t app;           // 0: not claimed
	uint8_t orig;          // the protocol before the first agreement on another, 0: none
	uint16_t asked_to_server : 5, asked_to_client : 5; // payloads shown before the claim, the one that decided included
	bool claimed_to_client : 1;
	bool has_l7 : 1;
	bool done : 1;         // nothing more to ask
};

_Static_assert(sizeof(struct classify_flow) == 16, "it is kept for every flow");

struct classify;

// Called for each transaction that a protocol reports. flow is what classify_bytes() was given; l7->type is final: enum
// record_type, or RECORD_TYPES and the protocol's index.
typedef void classify_report_fn(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server);

struct classify_limits {
	uint32_t flow_transactions;       // of one flow; 0: no bound but CLASSIFY_FLOW_TRANSACTIONS_MAX
	uint32_t second_transactions;     // in a second of packet time; 0: none
	uint32_t second_costly;           // expensive operations in a second of packet time; 0: none
	uint64_t off[PROTO_MAX / 64];     // protocols that are never asked
};

enum { CLASSIFY_FLOW_TRANSACTIONS_MAX = UINT16_MAX, CLASSIFY_PORTS_MAX = PROTO_MAX * 4 };

struct classify_port {
	uint16_t port;
	uint8_t l4, app;
};

struct classify {
	struct pool l7_pool;
	struct l7 *scratch_l7;
	uint8_t *scratch;
	classify_report_fn *report;
	void *context;
	struct classify_limits limits;
	uint64_t second;                     // of packet time
	uint32_t transactions_left, costly_left; // in it
	uint64_t starts[2][256][PROTO_MAX / 64]; // TCP, UDP: which protocols can begin with a byte
	struct classify_port ports[CLASSIFY_PORTS_MAX]; // sorted
	unsigned ports_count;
	uint64_t claimed[PROTO_MAX]; // flows by protocol
	uint64_t asked[PROTO_MAX];   // payloads shown
	uint64_t given_up;           // flows that no protocol claimed
	uint64_t waiting_full;       // candidates given up because too many were waiting
	uint64_t transactions, texts_cut;
	uint64_t withheld_flow, withheld_second; // transactions not reported: beyond a bound of limits
	uint64_t costly, costly_withheld;        // expensive operations done, and left out beyond the bound
};

// l7_memory: pool_bytes(sizeof(struct l7), l7_count) bytes; scratch: L7_SCRATCH bytes. limits NULL: none.
void classify_init(struct classify *c, void *l7_memory, uint32_t l7_count, struct l7 *scratch_l7, uint8_t *scratch,
		   const struct classify_limits *limits, classify_report_fn *report, void *context);

// Offers the bytes of one direction (TCP: in order, from the first not used; UDP: one datagram). Returns how many bytes of `in`
// are dealt with; *skip (TCP) how many bytes behind those are of no interest. What is left is to be offered again with more.
uint32_t classify_bytes(struct classify *c, struct classify_flow *flow, struct span in, const struct proto_hint *hint, uint64_t *skip);

// The flow ends: reports what is pending, gives back the transaction.
void classify_end(struct classify *c, struct classify_flow *flow);

// The protocol to show for a flow: while the search goes on anew, the one that was.
static inline uint8_t classify_app(const struct classify_flow *flow)
{
	return flow->app != 0 ? flow->app : flow->orig;
}

// The protocol whose port this is, 0: none. A guess, and to be marked as one.
unsigned classify_port_app(const struct classify *c, enum proto_l4 l4, uint16_t port);

#endif
