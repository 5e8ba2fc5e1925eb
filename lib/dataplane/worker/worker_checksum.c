// The checksum stage: a verdict for each header of each packet received here, by the NIC where it gave one, else by the sums of
// packet_checksum. Only a "good" of the NIC is believed: some call a UDP packet without a checksum bad, so a "bad" is looked at.
#include "packet/packet_checksum.h"

#include <rte_mbuf_ptype.h>

#include "worker/worker.h"

// GOOD and NONE (right, though the field was never filled in) share a bit. In a tunnel the flags may be those of the inner headers.
static inline unsigned known_by_nic(const struct rte_mbuf *m)
{
	unsigned known = 0;

	if (likely((m->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)) == 0))
		return 0;
	if ((m->packet_type & RTE_PTYPE_TUNNEL_MASK) != 0)
		return 0;
	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) != 0)
		known |= CHECKSUM_KNOWN_IPV4;
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0)
		known |= CHECKSUM_KNOWN_L4;
	return known;
}

static inline unsigned known_by_sample(struct worker *w)
{
	if (w->checksum_turn > 0) {
		w->checksum_turn--;
		return CHECKSUM_NOT_ASKED;
	}
	w->checksum_turn = w->config.checksum_sample > 0 ? w->config.checksum_sample - 1 : 0;
	return 0;
}

static inline void sender_watch(struct worker *w, const struct packet *p, const struct packet_checksums *sums)
{
	if (sums->l4_proto != CHECKSUM_TCP && sums->l4_proto != CHECKSUM_UDP)
		return;
	if (likely(sums->l4 == CHECKSUM_GOOD))
		worker_senders_good(&w->senders, p);
	else if (sums->l4 == CHECKSUM_BAD && !worker_senders_bad(&w->senders, p))
		w->counters.senders_refused++;
}

// Of the headers that p describes. False: one is bad.
static inline bool verify(struct worker *w, const struct packet *p, unsigned known)
{
	struct worker_counters *c = &w->counters;
	struct packet_checksums sums;

	packet_checksum(p, known, &sums);
	c->checksum[CHECKSUM_IPV4][sums.ipv4]++;
	if (likely(sums.l4_proto < CHECKSUMS))
		c->checksum[sums.l4_proto][sums.l4]++;
	sender_watch(w, p, &sums);
	return sums.ipv4 != CHECKSUM_BAD && sums.l4 != CHECKSUM_BAD;
}

// A frame of tunnels: each level by itself, the outermost first. What the NIC says is of that one.
static bool verify_levels(struct worker *w, const struct packet *p, unsigned known_by_nic, unsigned known)
{
	struct packet level = *p;
	bool good;

	packet_decode_outermost(&level);
	good = verify(w, &level, known_by_nic | known);
	while (packet_tunnel_enter(&level))
		good &= verify(w, &level, known);
	return good;
}

// IP headers were looked at frame by frame; what they carry could not be.
bool worker_checksum_whole(struct worker *w, const struct packet *p)
{
	struct packet_checksums sums;

	packet_checksum(p, CHECKSUM_KNOWN_IPV4 | known_by_sample(w), &sums);
	if (sums.l4_proto < CHECKSUMS)
		w->counters.checksum[sums.l4_proto][sums.l4]++;
	return sums.l4 != CHECKSUM_BAD;
}

void worker_checksum(struct worker *w, struct worker_burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct packet *p = &b->packet[i];
		unsigned nic, known;
		bool good;

		if (b->mbuf[i] == NULL || p->ip_version == 0) // has left the burst; nothing to verify
			continue;
		nic = known_by_nic(b->mbuf[i]);
		known = known_by_sample(w);
		good = likely(p->tunnels == 0) ? verify(w, p, nic | known) : verify_levels(w, p, nic, known);
		if (unlikely(!good) && w->config.checksum == WORKER_CHECKSUM_DROP && !packet_malformed((enum packet_verdict)p->verdict))
			p->verdict = PACKET_BAD_CHECKSUM;
	}
}
