// PDUs of DCE/RPC, C706 chapter 12 and MS-RPCE, wherever they are carried: over TCP, and in the named pipes of SMB.
//
// Interfaces are told by UUID and name, operations by number and, where known, by name. Arguments are never read.
#ifndef PROTO_PROTO_DCERPC_PDU_H
#define PROTO_PROTO_DCERPC_PDU_H

#include "proto/proto_ntlmssp.h"
#include "record/record_fields_row.h"

enum { DCERPC_HEAD_BYTES = 16, DCERPC_INTERFACES_MAX = 4, DCERPC_CONTEXTS_MAX = 8 };

struct dcerpc_interface {
	struct record_text uuid, version, name;
};

// What a transaction tells.
struct dcerpc_told {
	struct dcerpc_interface interface[DCERPC_INTERFACES_MAX];
	struct record_text request, response; // "BIND", "BINDACK", as Suricata has them
	struct record_text operation, name;   // of a request: what it does, on which interface
	struct record_text status;            // of a fault
	struct record_text version;
	uint32_t call_id;
	struct record_text opnum; // digits
	uint8_t interfaces;
};

// Which interface stands behind a presentation context: its place in the list of those known, from 1.
struct dcerpc_memory {
	uint8_t context[DCERPC_CONTEXTS_MAX];
};

struct dcerpc_head {
	uint8_t type, flags;
	uint16_t bytes, auth_bytes;
	uint32_t call_id;
	bool big; // endian
};

// The head of a PDU over a stream; poisons the span if it is none. It proves a DCE/RPC PDU well.
struct dcerpc_head dcerpc_head_read(struct span *in);

bool dcerpc_type_response(uint8_t type);
bool dcerpc_type_requests(uint8_t type); // of the client's: one that is answered

// Reads a PDU (or what of its beginning is there) into what is told.
bool dcerpc_read(struct span pdu, struct dcerpc_memory *memory, struct dcerpc_told *told, struct ntlmssp *ntlmssp, struct l7 *l7);

// Name of an interface by its place in the list, from 1, of one by its UUID as text (0: not known), and of an operation. NULL: not known.
const char *dcerpc_interface_name(unsigned interface);
unsigned dcerpc_interface_find(const char *uuid);
const char *dcerpc_operation_name(unsigned interface, uint16_t opnum);

extern const struct record_field dcerpc_interface_fields[];

// Fields of a record whose body has a struct dcerpc_told as the member `dcerpc`, in the object of that path.
#define DCERPC_FIELDS(of, object)                                                                                           \
	{FIELD("dcerpc_request", TEXT, of, dcerpc.request), IN(object, "request")},                                         \
	{FIELD("dcerpc_response", TEXT, of, dcerpc.response), IN(object, "response")},                                      \
	{FIELD("dcerpc_call_id", U32, of, dcerpc.call_id), IN(object, "call_id"), .flags = FIELD_OMIT_ZERO},                \
	{FIELD("dcerpc_rpc_version", TEXT, of, dcerpc.version), IN(object, "rpc_version")},                                 \
	{FIELD("dcerpc_interfaces", ROWS, of, dcerpc.interface), IN(object, "interfaces"), .row_fields = dcerpc_interface_fields,        \
	 ROWS(of, dcerpc.interface, dcerpc.interfaces, DCERPC_INTERFACES_MAX)},                                             \
	{FIELD("dcerpc_interface", TEXT, of, dcerpc.name), IN(object, "interface")},                                        \
	{FIELD("dcerpc_operation", TEXT, of, dcerpc.operation), IN(object, "operation")},                                   \
	{FIELD("dcerpc_fault", TEXT, of, dcerpc.status), IN(object, "fault")}

#endif
