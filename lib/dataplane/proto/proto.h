// What a protocol is to the classifier: one record, one function, and the fields of its event.
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include "base/span.h"
#include "proto/proto_times.h"
#include "record/l7.h"
#include "record/record_fields_row.h"

enum proto_verdict {
	PROTO_NO,   // not mine; never asked again for this flow
	PROTO_MORE, // mine or looks like mine, needs the next bytes; a flow not yet claimed is asked at most max_payloads times
	PROTO_YES,  // mine, and l7 holds a transaction to report; called again at once if bytes are left after l7->used
	PROTO_DONE, // mine, and nothing further will be learnt; a pending transaction is reported
	PROTO_NEXT, // mine, and over by agreement (STARTTLS, CONNECT, Upgrade): what follows l7->used, both ways, is something else
};

enum proto_l4 { PROTO_TCP = 1, PROTO_UDP = 2 };

struct proto_ops;

// What is known besides the bytes. Ports are hints for the order of trial, never proof.
struct proto_hint {
	enum proto_l4 l4;
	uint16_t client_port, server_port;
	bool to_server;
	bool claimed;     // the flow is already this protocol's
	bool costly;      // an expensive operation (decryption, a digest of much) may be done now
	uint8_t payload;  // of a flow not claimed: 0 for its first payload in this direction, and so on
	uint64_t now_ns;  // the clock of packets, which never goes back, for differences only
	uint64_t time_ns; // what the packet says itself, which in a file may go back, for differences only
	const struct proto_ops *after; // the protocol that has agreed on what now comes; NULL: the flow began like this
	struct proto_times *times; // UDP without `keeps`: all the memory that its flow has
	uint8_t round;    // UDP: how often this datagram was offered to its protocol before, see l7->again
	uint32_t *note;   // of a flow not claimed: four bytes that outlive the call, zero at first, shared by all who ask
};

// in: UDP: one datagram. TCP: bytes of one direction, in order, from the first that no earlier call has used; may end
// anywhere. Returning MORE with l7->used == 0 asks for the same bytes again with more behind them.
typedef enum proto_verdict proto_dissect_fn(struct span in, const struct proto_hint *hint, struct l7 *l7);

enum { PROTO_PORTS_MAX = 6, PROTO_FIRSTS_MAX = 8 };

struct proto_ops {
	const char *name;  // as in app_proto
	const char *title; // as people call it
	const char *spec;  // what it follows: "RFC 959"
	unsigned l4;       // PROTO_TCP | PROTO_UDP
	uint16_t ports[PROTO_PORTS_MAX];
	unsigned max_payloads;
	uint8_t first[PROTO_FIRSTS_MAX][2]; // ranges of the first byte of a flow, from either side, with which it can begin
	unsigned firsts;   // how many; 0: it can begin with any
	bool keeps;        // its UDP flows have memory of their own too
	bool behaviour;    // told by how it behaves, not by what it says
	proto_dissect_fn *dissect;
	const struct record_kind *kind; // its event; NULL: it reports none, or those of enum record_type
};

enum { PROTO_UNKNOWN = 0, PROTO_MAX = 128 };

// Index 0 is unused (unknown); the index is what records carry as `app`.
extern const struct proto_ops *const proto_list[];
extern const unsigned proto_count; // rows, the unused one included

// Name for an index, "unknown" for 0 or out of range.
const char *proto_name(unsigned index);

// The kind of a record's type, those of enum record_type too. NULL: no such type.
const struct record_kind *proto_record_kind(uint8_t type);

#endif
