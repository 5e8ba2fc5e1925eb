#include "link/link.h"

#include <stddef.h>

#include "link/link_list.h"

// A new protocol is a row here and a file beside this.
const struct link_ops *const link_list[] = {
	&link_arp,
	&link_stp,
	&link_cdp,
	&link_lldp,
};

const unsigned link_count = sizeof(link_list) / sizeof(link_list[0]);

_Static_assert(offsetof(struct record_arp, ether) == 0 && offsetof(struct record_stp, ether) == 0 &&
	       offsetof(struct record_cdp, ether) == 0 && offsetof(struct record_lldp, ether) == 0, "ether_fill writes there");

static const struct link_ops *ops_of(enum packet_verdict verdict)
{
	for (unsigned i = 0; i < link_count; i++)
		if (link_list[i]->verdict == verdict)
			return link_list[i];
	return NULL;
}

static void ether_fill(const struct packet *p, struct record_ether *ether)
{
	struct span frame = span_of(p->frame, p->captured);
	const uint8_t *dest = span_bytes(&frame, RECORD_MAC), *src = span_bytes(&frame, RECORD_MAC);

	if (dest == NULL || src == NULL)
		return;
	memcpy(ether->dest_mac, dest, RECORD_MAC);
	memcpy(ether->src_mac, src, RECORD_MAC);
}

enum link_verdict link_dissect(struct packet *p, struct l7 *l7)
{
	const struct link_ops *ops = ops_of((enum packet_verdict)p->verdict);
	enum link_verdict verdict;

	if (ops == NULL || p->payload_at == 0)
		return LINK_NONE;
	l7_clear(l7);
	verdict = ops->dissect(span_of(p->frame + p->payload_at, p->payload), p->ethertype, l7);
	if (verdict == LINK_BAD && p->truncated)
		return LINK_NONE;
	if (verdict == LINK_BAD)
		p->verdict = (uint8_t)ops->bad;
	if (verdict == LINK_RECORD) {
		l7->type = (uint8_t)ops->record;
		ether_fill(p, &l7->arp.ether); // the bodies are a union
	}
	return verdict;
}
