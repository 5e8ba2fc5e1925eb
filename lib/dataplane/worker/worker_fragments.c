// The fragments stage, where a packet is received: pieces wait until their datagram is whole. The last one to come becomes the
// whole: its mbuf gets the joined bytes as an external buffer, so that what follows, steering too, has one packet as any other.
#include <rte_mbuf.h>

#include "worker/worker.h"
#include "worker/worker_guard.h"

// Whoever frees the mbuf; may be another worker.
static void buffer_done(void *at, void *opaque)
{
	struct worker_fragment *fragment = opaque;

	(void)at;
	packet_fragments_give_back(fragment->fragments, fragment->place);
}

// The mbuf's own bytes have been copied: what it was made of goes, the joined frame takes its place.
static void buffer_attach(struct worker *w, struct rte_mbuf *m, const struct packet *p, uint32_t place)
{
	struct worker_fragment *fragment = &w->fragment[place];
	uint8_t *frame = (uint8_t *)(uintptr_t)p->frame;

	*fragment = (struct worker_fragment){.shared = {.free_cb = buffer_done, .fcb_opaque = fragment}, .fragments = w->fragments, .place = place};
	rte_mbuf_ext_refcnt_set(&fragment->shared, 1);
	worker_guard_clear(m->buf_addr, m->buf_len);
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	if (!RTE_MBUF_DIRECT(m))
		rte_pktmbuf_detach(m);
	rte_pktmbuf_attach_extbuf(m, frame, RTE_BAD_IOVA, (uint16_t)p->captured, &fragment->shared);
	m->data_len = (uint16_t)p->captured;
	m->pkt_len = p->captured;
}

// The frames that came before end with this one, unless a flow counts them.
static void whole_judge(struct worker *w, struct packet *p)
{
	if (p->verdict == PACKET_OK && !p->fragment && w->config.checksum != WORKER_CHECKSUM_OFF && !worker_checksum_whole(w, p) &&
	    w->config.checksum == WORKER_CHECKSUM_DROP)
		p->verdict = PACKET_BAD_CHECKSUM;
	if (p->verdict != PACKET_OK)
		packet_fragments_count(packet_fragments_counters(w->fragments), p, FRAGMENTS_UNSOUND);
}

static void join(struct worker *w, struct packet *p, struct rte_mbuf *m)
{
	// in a tunnel there may be a fragment again, each time one tunnel deeper
	for (unsigned i = 0; i <= PACKET_TUNNELS_MAX && p->verdict == PACKET_OK && p->fragment; i++) {
		uint32_t place;

		w->counters.fragments += i == 0;
		if (!packet_fragments_take(w->fragments, p, &place))
			return;
		buffer_attach(w, m, p, place);
		whole_judge(w, p);
	}
}

void worker_fragments(struct worker *w, struct worker_burst *b)
{
	bool any = false;

	for (unsigned i = 0; i < b->n; i++)
		any |= b->packet[i].fragment;
	if (likely(!any))
		return;
	for (unsigned i = 0; i < b->n; i++)
		if (b->mbuf[i] != NULL && b->packet[i].fragment && b->packet[i].verdict == PACKET_OK)
			join(w, &b->packet[i], b->mbuf[i]);
	packet_fragments_expire(w->fragments, b->stamp[b->n - 1].clock_ns);
}
