// The walk of a burst. Reads like the picture in worker.h; each stage is one pass over the whole burst.
#include <rte_prefetch.h>
#include <string.h>

#include "link/link_message.h"
#include "worker/worker.h"
#include "worker/worker_guard.h"

enum { EXPIRE_VISITS = 64 };

static inline uint64_t stage_end(struct worker *w, enum worker_stage stage, uint64_t since)
{
	uint64_t now = clock_cycles();

	w->counters.cycles[stage] += now - since;
	return now;
}

// ---- receive ----

static void receive_queue(struct worker *w, struct worker_burst *b, struct port_queue *queue)
{
	b->n = queue->receive(queue, b->mbuf, b->stamp, (uint16_t)w->config.burst);
	b->handed = false;
	if (b->n > 0) {
		if (w->first_ns == 0)
			w->first_ns = b->stamp[0].clock_ns;
		w->last_ns = b->stamp[b->n - 1].clock_ns;
		w->unpublished = queue;
		w->unpublished_ns = b->stamp[b->n - 1].clock_ns;
	}
}

static void receive_handed(struct worker *w, struct worker_burst *b, unsigned peer)
{
	b->n = rte_ring_sc_dequeue_burst(w->in[peer], (void **)b->mbuf, w->config.burst, NULL);
	b->handed = true;
	b->from = peer;
	w->counters.steered_in += b->n;
}

// In a replay others are waited for: a peer whose ring is full, or so many datagrams with peers that one more burst of them would
// take the places of those still being joined.
static inline bool peers_behind(struct worker *w)
{
	return w->held_count > 0 || (w->config.replay && packet_fragments_away(w->fragments) + w->config.burst > w->config.fragments.away);
}

// One burst from the next source that has any: my queues, then what each peer has handed to me.
static void worker_receive(struct worker *w, struct worker_burst *b)
{
	unsigned sources = w->queues + (w->config.steer != WORKER_STEER_NONE ? w->config.workers : 0);
	bool stopped = peers_behind(w) || !atomic_load_explicit(&w->receiving, memory_order_relaxed);

	b->n = 0;
	for (unsigned tried = 0; tried < sources && b->n == 0; tried++) {
		unsigned source = w->source;

		w->source = source + 1 < sources ? source + 1 : 0;
		if (source >= w->queues) {
			if (w->in[source - w->queues] != NULL)
				receive_handed(w, b, source - w->queues);
		} else if (!stopped) {
			receive_queue(w, b, w->queue[source]);
		}
	}
}

// ---- decode ----

// Frames of several segments are joined: everything behind this point sees one range of bytes.
static const uint8_t *frame_of(struct worker *w, unsigned i, const struct rte_mbuf *m, uint32_t *length)
{
	uint8_t *joined = w->linear + (size_t)i * WORKER_FRAME_MAX;

	if (likely(m->nb_segs == 1)) {
		*length = m->data_len;
		worker_guard_set(rte_pktmbuf_mtod(m, const void *), m->data_len, (size_t)m->data_len + rte_pktmbuf_tailroom(m));
		return rte_pktmbuf_mtod(m, const uint8_t *);
	}
	worker_guard_clear(joined, WORKER_FRAME_MAX);
	*length = 0;
	for (; m != NULL && *length + m->data_len < WORKER_FRAME_MAX; m = m->next) {
		memcpy(joined + *length, rte_pktmbuf_mtod(m, const void *), m->data_len);
		*length += m->data_len;
	}
	worker_guard_set(joined, *length, WORKER_FRAME_MAX);
	return joined;
}

static void decode_handed(struct worker *w, struct worker_burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		uint32_t length;

		b->packet[i] = *(const struct packet *)rte_mbuf_to_priv(b->mbuf[i]);
		b->packet[i].frame = frame_of(w, i, b->mbuf[i], &length);
	}
}

static void worker_decode(struct worker *w, struct worker_burst *b)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < b->n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], void *));
	if (b->handed) {
		decode_handed(w, b);
		return;
	}
	for (unsigned i = 0; i < b->n; i++) {
		struct packet *p = &b->packet[i];

		p->frame = frame_of(w, i, b->mbuf[i], &p->captured);
		p->wire = b->stamp[i].wire;
		p->time_ns = b->stamp[i].time_ns;
		p->clock_ns = b->stamp[i].clock_ns;
		packet_decode(p);
		bytes += p->wire;
		w->counters.jumbo += b->mbuf[i]->nb_segs > 1;
	}
	w->counters.received_pkts += b->n;
	w->counters.received_bytes += bytes;
}

// ---- filter ----

// Not a verdict: the packet is not in the burst any more.
enum { LEFT = PACKET_VERDICTS };

static void filter_out(struct worker *w, struct worker_burst *b, unsigned i, bool own)
{
	struct packet *p = &b->packet[i];

	*(own ? &w->counters.filtered_own_pkts : &w->counters.filtered_pkts) += 1;
	*(own ? &w->counters.filtered_own_bytes : &w->counters.filtered_bytes) += p->wire;
	p->verdict = LEFT;
	worker_guard_clear(b->mbuf[i]->buf_addr, b->mbuf[i]->buf_len);
	rte_pktmbuf_free(b->mbuf[i]);
	b->mbuf[i] = NULL;
}

static void worker_filter(struct worker *w, struct worker_burst *b, const struct filter *f)
{
	for (unsigned i = 0; i < b->n; i++) {
		enum filter_answer answer = filter_judge(f, &b->packet[i], b->mbuf[i]);

		if (answer != FILTER_KEEP)
			filter_out(w, b, i, answer == FILTER_DROP_OWN);
	}
}

// The filter of this turn. That no earlier one is used any more is said here: the turn before has ended.
static inline const struct filter *filter_of_turn(struct worker *w)
{
	const struct filter *f = atomic_load_explicit(&w->filter, memory_order_acquire);

	if (unlikely(f != atomic_load_explicit(&w->filter_used, memory_order_relaxed)))
		atomic_store_explicit(&w->filter_used, f, memory_order_release);
	return f;
}

// ---- steer ----

static inline unsigned owner_of(const struct worker *w, uint64_t hash)
{
	return (unsigned)(((hash >> 32) * w->config.workers) >> 32);
}

static void hand_over(struct worker *w, struct rte_mbuf *m, unsigned owner, const struct packet *p)
{
	if ((w->held_for & 1ull << owner) == 0 && rte_ring_sp_enqueue(w->peers[owner]->in[w->config.id], m) == 0) {
		w->counters.steered_out++;
		return;
	}
	if (w->config.replay) { // and all that follows for this owner is held behind it
		w->held_for |= 1ull << owner;
		w->held[w->held_count] = m;
		w->held_owner[w->held_count++] = (uint8_t)owner;
		return;
	}
	packet_fragments_count(packet_fragments_counters(w->fragments), p, FRAGMENTS_LOST);
	w->counters.drop_pkts[DROP_STEER_RING_FULL]++;
	w->counters.drop_bytes[DROP_STEER_RING_FULL] += p->wire;
	rte_pktmbuf_free(m);
}

static void hand_over_held(struct worker *w)
{
	unsigned left = 0;
	uint64_t full = 0;

	for (unsigned i = 0; i < w->held_count; i++) {
		unsigned owner = w->held_owner[i];

		if ((full & 1ull << owner) == 0 && rte_ring_sp_enqueue(w->peers[owner]->in[w->config.id], w->held[i]) == 0) {
			w->counters.steered_out++;
			continue;
		}
		full |= 1ull << owner;
		w->held[left] = w->held[i];
		w->held_owner[left++] = (uint8_t)owner;
	}
	w->held_count = left;
	w->held_for = full;
}

static void give_away(struct worker *w, struct worker_burst *b, unsigned i, unsigned owner)
{
	*(struct packet *)rte_mbuf_to_priv(b->mbuf[i]) = b->packet[i];
	worker_guard_clear(b->mbuf[i]->buf_addr, b->mbuf[i]->buf_len);
	hand_over(w, b->mbuf[i], owner, &b->packet[i]);
	b->mbuf[i] = NULL;
}

// Packets leave in the order in which they came, IPv4 and IPv6 alike: in a ring between workers the clock never goes back.
static void give_away_all(struct worker *w, struct worker_burst *b)
{
	const struct flow_burst *f = &b->flow;
	uint8_t owner[WORKER_BURST_MAX];

	memset(owner, (int)w->config.id, sizeof(owner));
	for (unsigned i = 0; i < f->n4; i++)
		owner[f->slot4[i]] = (uint8_t)owner_of(w, f->hash4[i]);
	for (unsigned i = 0; i < f->n6; i++)
		owner[f->slot6[i]] = (uint8_t)owner_of(w, f->hash6[i]);
	for (unsigned i = 0; i < b->n; i++)
		if (owner[i] != w->config.id && (w->config.steer == WORKER_STEER_ALL || b->packet[i].tunnels > 0))
			give_away(w, b, i, owner[i]);
}

static void steer_keys(struct worker *w, struct worker_burst *b)
{
	struct flow_burst *f = &b->flow;
	unsigned kept = 0;

	give_away_all(w, b);
	for (unsigned i = 0; i < f->n4; i++) {
		if (b->mbuf[f->slot4[i]] == NULL)
			continue;
		f->key4[kept] = f->key4[i];
		f->hash4[kept] = f->hash4[i];
		f->slot4[kept++] = f->slot4[i];
	}
	f->n4 = kept;
	kept = 0;
	for (unsigned i = 0; i < f->n6; i++) {
		if (b->mbuf[f->slot6[i]] == NULL)
			continue;
		f->key6[kept] = f->key6[i];
		f->hash6[kept] = f->hash6[i];
		f->slot6[kept++] = f->slot6[i];
	}
	f->n6 = kept;
}

static void worker_steer(struct worker *w, struct worker_burst *b)
{
	unsigned tunnels = 0;

	flow_burst_start(&b->flow);
	for (unsigned i = 0; i < b->n; i++)
		if (likely(b->packet[i].verdict == PACKET_OK)) {
			flow_burst_add(&b->flow, i, &b->packet[i]);
			tunnels |= b->packet[i].tunnels;
		}
	flow_burst_hash(w->flows, &b->flow);
	if (!b->handed && (w->config.steer == WORKER_STEER_ALL || (w->config.steer == WORKER_STEER_TUNNELS && tunnels > 0)))
		steer_keys(w, b);
}

// ---- count ----

static inline void tally(struct worker *w, const struct packet *p)
{
	struct worker_counters *c = &w->counters;

	c->verdict_pkts[p->verdict]++;
	c->verdict_bytes[p->verdict] += p->wire;
	if (unlikely(p->truncated))
		c->truncated++;
	if (unlikely(p->joined_pkts > 0) && p->verdict == PACKET_OK) {
		c->joined_pkts += p->joined_pkts;
		c->joined_bytes += p->joined_bytes;
	}
	if (unlikely(p->tunnels > 0)) {
		c->tunnel_pkts[p->outer.kind]++;
		c->tunnel_bytes[p->outer.kind] += p->wire;
	}
}

// The packet's flow, begun or begun again if need be.
static inline struct flow *flow_of(struct worker *w, uint32_t index, unsigned src_end, const struct packet *p, uint16_t port)
{
	struct flow *f = &w->flows->flows[index];
	enum flow_reason reason;

	if (unlikely(f->life == FLOW_ENTERED)) {
		flow_begin(w->flows, index, src_end, p, port);
	} else if (unlikely(flow_over(w->flows, f, p, &reason))) {
		worker_report_flow(w, index, reason, reason == FLOW_REASON_TIMEOUT ? flow_due_ns(w->flows, f) : p->clock_ns);
		flow_reset(w->flows, index);
		flow_begin(w->flows, index, src_end, p, port);
	} else if (unlikely(flow_interim_due(w->flows, f, p))) {
		worker_report_interim(w, index, p->clock_ns);
		flow_interim_set(w->flows, f, p->clock_ns);
	}
	return f;
}

// A flow's protocol has become known: what it had before this packet is counted under that name too.
static void app_recount(struct worker_counters *c, const struct flow *f, uint8_t before, uint64_t pkts, uint64_t bytes)
{
	uint64_t before_pkts = f->pkts[0] + f->pkts[1] - pkts, before_bytes = f->bytes[0] + f->bytes[1] - bytes;

	c->app_pkts[before] -= before_pkts;
	c->app_bytes[before] -= before_bytes;
	c->app_pkts[f->app] += before_pkts;
	c->app_bytes[f->app] += before_bytes;
}

// An elephant that is shunted costs no more than its counters.
static void elephant_look(struct worker *w, uint32_t index, const struct packet *p)
{
	struct flow *f = &w->flows->flows[index];

	if (flow_elephant_look(w->flows, index, p) && w->config.shunt && f->inspect != FLOW_INSPECT_NONE) {
		worker_inspect_end(w, index, p);
		w->counters.shunted++;
	}
}

static void count_one(struct worker *w, uint32_t index, unsigned src_end, const struct packet *p, uint16_t port)
{
	struct worker_counters *c = &w->counters;
	uint64_t pkts = 1 + (uint64_t)p->joined_pkts, bytes = (uint64_t)p->wire + p->joined_bytes;
	struct flow *f;
	unsigned dir;

	if (unlikely(index == FLOW_NONE)) {
		c->refused_pkts += pkts;
		c->refused_bytes += bytes;
		link_unknown_count(&w->unknown, p);
		return;
	}
	f = flow_of(w, index, src_end, p, port);
	dir = flow_count(w->flows, f, src_end, p);
	if (unlikely(f->pkts[dir] % FLOW_ELEPHANT_PKTS == 0) && w->flows->elephant_bps != 0)
		elephant_look(w, index, p);
	if (unlikely(f->class == FLOW_OTHER))
		link_unknown_count(&w->unknown, p);
	c->flow_pkts += pkts;
	c->flow_bytes += bytes;
	c->proto_pkts[p->proto] += pkts;
	c->proto_bytes[p->proto] += bytes;
	if (f->inspect != FLOW_INSPECT_NONE && (p->payload_wire > 0 || (p->tcp_flags & TCP_SYN) != 0)) {
		uint64_t since = clock_cycles();
		uint8_t before = f->app;

		worker_inspect(w, index, dir, p);
		if (f->app != before)
			app_recount(c, f, before, pkts, bytes);
		w->inspect_cycles += clock_cycles() - since;
	}
	c->app_pkts[f->app] += pkts;
	c->app_bytes[f->app] += bytes;
}

static void worker_count(struct worker *w, struct worker_burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct packet *p = &b->packet[i];

		if (b->mbuf[i] == NULL) // given away, or filtered out
			continue;
		if (unlikely(p->verdict != PACKET_OK))
			worker_link(w, p, b->mbuf[i]->port);
		tally(w, p);
		if (likely(p->verdict == PACKET_OK)) {
			count_one(w, b->flow.index[i], b->flow.src_end[i], p, b->mbuf[i]->port);
			if (unlikely(link_message_is(p)))
				worker_message(w, b->flow.index[i], b->flow.src_end[i], p);
		}
	}
	if (b->handed)
		w->source_ns[b->from] = b->packet[b->n - 1].clock_ns;
}

// ---- expire, publish ----

static void flow_due(void *context, uint32_t index)
{
	struct worker *w = context;
	uint64_t due_ns = flow_due_ns(w->flows, &w->flows->flows[index]);
	bool shutdown = w->flushing && due_ns >= w->final_ns;

	worker_report_flow(w, index, shutdown ? FLOW_REASON_SHUTDOWN : FLOW_REASON_TIMEOUT, due_ns);
	flow_remove(w->flows, index);
}

static uint64_t queues_clock_ns(const struct worker *w)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < w->queues; i++) {
		uint64_t ns = atomic_load_explicit(&w->queue[i]->clock_ns, memory_order_acquire);

		if (ns < least)
			least = ns;
	}
	return least;
}

// Replay: no packet that is still to come to me is earlier than this. A peer's clock is read before its ring is looked at, so that
// an empty ring means that everything up to that clock has been here.
static uint64_t replay_now_ns(struct worker *w)
{
	uint64_t least = UINT64_MAX;

	for (unsigned k = 0; k < w->config.workers; k++) {
		uint64_t ns = queues_clock_ns(w->peers[k]);

		if (ns == UINT64_MAX) // receives nothing
			continue;
		if ((k == w->config.id || w->config.steer == WORKER_STEER_NONE || rte_ring_empty(w->in[k])) && ns > w->source_ns[k])
			w->source_ns[k] = ns;
		if (w->source_ns[k] < least)
			least = w->source_ns[k];
	}
	return least == UINT64_MAX ? 0 : least;
}

static void worker_expire(struct worker *w, const struct worker_burst *b)
{
	uint64_t now_ns;

	if (w->flushing)
		now_ns = UINT64_MAX;
	else if (!w->config.replay)
		now_ns = b->n > 0 && !b->handed ? b->stamp[b->n - 1].clock_ns : clock_now_ns(w->config.clock);
	else
		now_ns = replay_now_ns(w);
	flow_sweep(w->flows, now_ns, EXPIRE_VISITS, flow_due, w);
	if (w->flushing && w->flows->wheel.entries == 0)
		w->flushed = true;
}

// Says how far I am: my clock to those I hand packets to, my mark to control.
static void worker_publish(struct worker *w)
{
	if (w->unpublished != NULL && w->held_count == 0) {
		atomic_store_explicit(&w->unpublished->clock_ns, w->unpublished_ns, memory_order_release);
		w->unpublished = NULL;
	}
	atomic_store_explicit(&w->mark_ns, w->flushed ? UINT64_MAX : flow_wheel_swept_ns(&w->flows->wheel), memory_order_release);
}

static void burst_free(struct worker_burst *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->mbuf[i] != NULL)
			worker_guard_clear(b->mbuf[i]->buf_addr, b->mbuf[i]->buf_len);
		rte_pktmbuf_free(b->mbuf[i]);
	}
}

unsigned worker_poll(struct worker *w)
{
	struct worker_burst *b = &w->burst;
	uint64_t start = clock_cycles(), t = start;
	const struct filter *filter = filter_of_turn(w);

	w->counters.polls++;
	w->counters.heartbeat = start;
	if (w->held_count > 0)
		hand_over_held(w);
	worker_receive(w, b);
	if (b->n > 0) {
		t = stage_end(w, STAGE_RECEIVE, t);
		worker_decode(w, b);
		t = stage_end(w, STAGE_DECODE, t);
		if (unlikely(filter != NULL) && !b->handed) {
			worker_filter(w, b, filter);
			t = stage_end(w, STAGE_FILTER, t);
		}
		if (w->config.checksum != WORKER_CHECKSUM_OFF && !b->handed) {
			worker_checksum(w, b);
			t = stage_end(w, STAGE_CHECKSUM, t);
		}
		if (!b->handed) {
			worker_fragments(w, b);
			t = stage_end(w, STAGE_FRAGMENTS, t);
		}
		worker_steer(w, b);
		t = stage_end(w, STAGE_STEER, t);
		flow_burst_find(w->flows, &b->flow);
		t = stage_end(w, STAGE_LOOKUP, t);
		worker_count(w, b);
		w->counters.cycles[STAGE_CLASSIFY] += w->inspect_cycles;
		t = stage_end(w, STAGE_COUNT, t + w->inspect_cycles);
		w->inspect_cycles = 0;
	}
	worker_expire(w, b);
	if (b->n > 0)
		t = stage_end(w, STAGE_EXPIRE, t);
	worker_publish(w);
	worker_answer(w);
	if (b->n == 0) {
		w->counters.empty_polls++;
		return 0;
	}
	burst_free(b);
	t = stage_end(w, STAGE_PUBLISH, t);
	w->counters.busy_cycles += t - start;
	return b->n;
}
