// ESP in UDP, RFC 3948 and RFC 4303: what IKE has agreed on, when the agreement itself was not seen. All of it but an index and a counter
// is encrypted, so it takes three packets of one direction, the last two with the same index and a counter that goes on, all of a length
// that ESP pads to, and the port that is set aside for it. It reports no event.
#include "proto/proto_list.h"

enum { PORT = 4500, KEEPALIVE = 0xff, INDEX_LEAST = 256, BYTES_MIN = 8 + 8 + 4 + 12, ALIGNED = 4, STEP_MAX = 4, PACKETS = 3 };

// Half a note for an index and a counter, never zero.
static uint32_t mark_of(uint32_t index, uint32_t count)
{
	uint32_t mixed = (index ^ index >> 15) * 0x9e3779b1u ^ count * 0x85ebca6bu;

	return (mixed >> 16 & 0x7fff) | 0x8000;
}

// Whether what was noted is one of the few packets before this one.
static bool goes_on(uint32_t mark, uint32_t index, uint32_t count)
{
	for (uint32_t step = 1; step <= STEP_MAX; step++)
		if (mark == mark_of(index, count - step))
			return true;
	return false;
}

static enum proto_verdict ipsec_dissect(struct span in, const struct proto_hint *hint, struct l7 *l7)
{
	unsigned shift = hint->to_server ? 0 : 16; // each direction has its half of the note
	uint32_t bytes = in.left, index, count, mark = *hint->note >> shift & 0xffff;

	(void)l7;
	if (hint->client_port != PORT && hint->server_port != PORT)
		return PROTO_NO;
	if (bytes == 1 && in.at[0] == KEEPALIVE)
		return PROTO_MORE;
	index = span_be32(&in);
	count = span_be32(&in);
	if (bytes < BYTES_MIN || bytes % ALIGNED != 0 || index < INDEX_LEAST || count == 0)
		return PROTO_NO;
	if (goes_on(mark, index, count) && hint->payload + 1 >= PACKETS)
		return PROTO_DONE;
	*hint->note = (*hint->note & ~(0xffffu << shift)) | mark_of(index, count) << shift;
	return PROTO_MORE;
}

const struct proto_ops proto_ipsec = {
	.name = "ipsec",
	.title = "ESP in UDP",
	.spec = "RFC 3948, RFC 4303",
	.l4 = PROTO_UDP,
	.ports = {PORT},
	.max_payloads = 8,
	.dissect = ipsec_dissect,
};
