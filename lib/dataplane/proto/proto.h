// What a protocol is to the classifier: one record, one function.
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include "base/span.h"
#include "record/l7.h"

enum proto_verdict {
	PROTO_NO,   // not mine; never asked again for this flow
	PROTO_MORE, // mine or looks like mine, needs the next bytes; a flow not yet claimed is asked at most max_payloads times
	PROTO_YES,  // mine, and l7 holds a transaction to report; called again at once if bytes are left after l7->used
	PROTO_DONE, // mine, and nothing further will be learnt; a pending transaction is reported
};

enum proto_l4 { PROTO_TCP = 1, PROTO_UDP = 2 };

// What is known besides the bytes. Ports are hints for the order of trial, never proof.
struct proto_hint {
	enum proto_l4 l4;
	uint16_t client_port, server_port;
	bool to_server;
	bool claimed;     // the flow is already this protocol's
	uint16_t payload; // 0 for the first payload of the flow in this direction
};

// in: UDP: one datagram. TCP: bytes of one direction, in order, from the first that no earlier call has used; may end
// anywhere. Returning MORE with l7->used == 0 asks for the same bytes again with more behind them.
typedef enum proto_verdict proto_dissect_fn(struct span in, const struct proto_hint *hint, struct l7 *l7);

struct proto_ops {
	const char *name; // as in app_proto
	unsigned l4;      // PROTO_TCP | PROTO_UDP
	uint16_t ports[4];
	unsigned max_payloads;
	proto_dissect_fn *dissect;
};

enum { PROTO_UNKNOWN = 0, PROTO_MAX = 64 };

// Index 0 is unused (unknown); the index is what records carry as `app`.
extern const struct proto_ops *const proto_list[];
extern const unsigned proto_count; // rows, the unused one included

// Name for an index, "unknown" for 0 or out of range.
const char *proto_name(unsigned index);

#endif
