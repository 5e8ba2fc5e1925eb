// DCE/RPC over TCP: C706 chapter 12 and MS-RPCE section 2.1.1.1, on the endpoint mapper's port and whatever it gives out. The head of a
// PDU (version, type, data representation, its length) proves it. One event for a request and its answer; a request that comes before
// the answer to another is an event of its own. In the pipes of SMB the same is told by proto_smb.c.
#include "proto/proto_dcerpc_pdu.h"
#include "proto/proto_list.h"

struct dcerpc {
	struct dcerpc_told dcerpc;
	struct ntlmssp ntlmssp;
	bool asked;
};

enum { READ_MAX = 2048 };

static const struct record_field fields[] = {
	DCERPC_FIELDS(dcerpc, "dcerpc"),
	{FIELD("dcerpc_opnum", RAW_JSON, dcerpc, dcerpc.opnum), IN("dcerpc", "opnum")},
	NTLMSSP_FIELDS(dcerpc, "ntlmssp"),
	{0},
};

static const struct record_kind kind = {.event_type = "dcerpc", BODY(dcerpc), .client_first = true, .fields = fields};

// A PDU of the side that its type belongs to; what is beyond READ_MAX of it is passed over.
static enum proto_verdict pdu_read(struct span in, const struct dcerpc_head *head, const struct proto_hint *hint, struct l7 *l7)
{
	struct dcerpc *dcerpc = L7_BODY(l7, struct dcerpc);
	struct dcerpc_memory *memory = L7_MEMORY(l7, struct dcerpc_memory);
	bool request = dcerpc_type_requests(head->type), response = dcerpc_type_response(head->type);

	if (request && dcerpc->asked) { // the one before was not answered: it goes first, then this again
		l7->used = 0;
		l7->skip = 0;
		return PROTO_YES;
	}
	if (response && dcerpc->asked && dcerpc->dcerpc.call_id != head->call_id)
		return PROTO_MORE; // a further part of an answer that has been told
	if (!request && !(response && dcerpc->asked) && hint->claimed)
		return PROTO_MORE;
	if (!dcerpc_read(in, memory, &dcerpc->dcerpc, &dcerpc->ntlmssp, l7))
		return hint->claimed ? PROTO_MORE : PROTO_NO;
	dcerpc->asked = request;
	l7->pending = true;
	return request ? PROTO_MORE : PROTO_YES;
}

static enum proto_verdict dcerpc_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct span rest = in;
	struct dcerpc_head head = dcerpc_head_read(&rest);
	uint32_t wanted;

	if (in.left < DCERPC_HEAD_BYTES)
		return in.at[0] == 5 && (in.left < 2 || in.at[1] <= 1) ? PROTO_MORE : PROTO_NO;
	if (!span_ok(&rest) || head.bytes < DCERPC_HEAD_BYTES || (hint->to_server ? dcerpc_type_response(head.type) : dcerpc_type_requests(head.type)))
		return PROTO_NO;
	wanted = head.bytes < READ_MAX ? head.bytes : READ_MAX;
	if (in.left < wanted)
		return PROTO_MORE;
	if (in.left > head.bytes)
		in.left = head.bytes;
	l7->used = in.left;
	l7->skip = head.bytes - in.left;
	in.left = wanted;
	return pdu_read(in, &head, hint, l7);
}

const struct proto_ops proto_dcerpc = {
	.name = "dcerpc",
	.title = "DCE/RPC",
	.spec = "C706, MS-RPCE",
	.l4 = PROTO_TCP,
	.ports = {135},
	.max_payloads = 4,
	.first = {{5, 5}},
	.firsts = 1,
	.dissect = dcerpc_dissect,
	.kind = &kind,
};
