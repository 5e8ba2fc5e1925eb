// Which protocol a flow speaks, decided by its bytes. Candidates are asked in the order of the port hint, then of the list; one
// that says NO is never asked again; the first that claims has the flow. When all have refused, or too many payloads went by, the
// engine gives up and the flow costs nothing any more.
#ifndef CLASSIFY_CLASSIFY_H
#define CLASSIFY_CLASSIFY_H

#include <stdbool.h>

#include "base/pool.h"
#include "proto/proto.h"

enum { CLASSIFY_PAYLOADS_MAX = 16 }; // payloads of one direction after which an unclaimed flow is given up

// What the engine keeps of a flow; all zero for a new one.
struct classify_flow {
	uint64_t refused;     // bit of each proto_list index that said NO
	uint32_t l7;          // block of the pool plus one; 0: none
	uint8_t payloads[2];  // asked so far, by direction
	uint8_t app;          // 0: not claimed
	bool done;            // nothing more to ask
};

struct classify;

// Called for each transaction that a protocol reports. flow is what classify_bytes() was given.
typedef void classify_report_fn(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server);

struct classify {
	struct pool l7_pool;
	struct l7 *scratch_l7;
	uint8_t *scratch;
	classify_report_fn *report;
	void *context;
	uint64_t claimed[PROTO_MAX]; // flows by protocol
	uint64_t given_up;           // flows that no protocol claimed
	uint64_t transactions, texts_cut;
};

// l7_memory: pool_bytes(sizeof(struct l7), l7_count) bytes; scratch: L7_SCRATCH bytes.
void classify_init(struct classify *c, void *l7_memory, uint32_t l7_count, struct l7 *scratch_l7, uint8_t *scratch,
		   classify_report_fn *report, void *context);

// Offers the bytes of one direction (TCP: in order, from the first not used; UDP: one datagram). Returns how many bytes of `in`
// are dealt with; *skip (TCP) how many bytes behind those are of no interest. What is left is to be offered again with more.
uint32_t classify_bytes(struct classify *c, struct classify_flow *flow, struct span in, const struct proto_hint *hint, uint64_t *skip);

// The flow ends: reports what is pending, gives back the transaction.
void classify_end(struct classify *c, struct classify_flow *flow);

#endif
