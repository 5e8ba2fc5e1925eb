// WireGuard: the protocol paper (Donenfeld, NDSS 2017), section 5.4. Four messages, each with a type, three zero bytes and a length
// of its own; all else is random. So a flow is known by the answer that names the index of the question, or, if its handshake was not
// seen, by data packets of which the third of a direction has the receiver of the first. Who they are is encrypted: an event tells of
// each handshake that it took place.
#include "proto/proto_list.h"

struct wireguard {
	uint32_t initiator, responder; // indices that the ends have chosen
};

enum { INITIATION = 1, RESPONSE = 2, COOKIE = 3, DATA = 4 };
enum { INITIATION_BYTES = 148, RESPONSE_BYTES = 92, COOKIE_BYTES = 64, DATA_BYTES_MIN = 32, DATA_STEP = 16, INDEX_LEAST = 65536 };

static const struct record_field fields[] = {
	{FIELD("initiator_index", U32, wireguard, initiator), IN("wireguard", "initiator_index")},
	{FIELD("responder_index", U32, wireguard, responder), IN("wireguard", "responder_index")},
	{0},
};

static const struct record_kind kind = {.event_type = "wireguard", BODY(wireguard), .client_first = true, .fields = fields};

// The type of a message whose length and zero bytes fit, else 0.
static uint32_t type_of(struct span in)
{
	uint32_t bytes = in.left, type = span_le32(&in);

	switch (type) {
	case INITIATION:
		return bytes == INITIATION_BYTES ? type : 0;
	case RESPONSE:
		return bytes == RESPONSE_BYTES ? type : 0;
	case COOKIE:
		return bytes == COOKIE_BYTES ? type : 0;
	case DATA:
		return bytes >= DATA_BYTES_MIN && bytes % DATA_STEP == 0 ? type : 0;
	default:
		return 0;
	}
}

// Not claimed yet: what the first message named has to come again. An index is drawn at random, a counter begins with zero.
static enum proto_verdict known_again(const struct proto_hint *hint, uint32_t type, uint32_t index, struct span rest)
{
	span_le32(&rest);
	if (type == DATA && (index < INDEX_LEAST || span_le32(&rest) != 0))
		return PROTO_NO;
	if (*hint->note == 0)
		*hint->note = index;
	else if (*hint->note == index && (type != DATA || hint->payload >= 2))
		return PROTO_DONE;
	return PROTO_MORE;
}

static enum proto_verdict wireguard_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	struct wireguard *wireguard = L7_BODY(l7, struct wireguard);
	uint32_t type = type_of(in), sender, receiver;
	struct span rest;

	span_bytes(&in, 4);
	sender = span_le32(&in);
	rest = in;
	receiver = span_le32(&in);
	if (type == RESPONSE) {
		if (!hint->claimed && *hint->note != receiver)
			return PROTO_NO;
		*wireguard = (struct wireguard){.initiator = receiver, .responder = sender};
		return PROTO_YES;
	}
	if (type == 0)
		return PROTO_NO;
	if (hint->claimed)
		return PROTO_MORE;
	if (type == INITIATION) {
		*hint->note = sender;
		return PROTO_MORE;
	}
	return known_again(hint, type, sender, rest); // the receiver stands first in these
}

const struct proto_ops proto_wireguard = {
	.name = "wireguard",
	.title = "WireGuard",
	.spec = "WireGuard: Next Generation Kernel Network Tunnel, section 5.4",
	.l4 = PROTO_UDP,
	.ports = {51820},
	.max_payloads = 8,
	.first = {{INITIATION, DATA}},
	.firsts = 1,
	.dissect = wireguard_dissect,
	.kind = &kind,
};
