// Replay through net_pcap. The PMD hands out bytes; time in nanoseconds, length on the wire and the end of the file come from the
// capture's own headers, walked in lock-step (base/capture_file.h): first the headers of a burst, then exactly that burst.
//
// The PMD loses a packet when the pool is empty, so it is asked only for what there are buffers for, counted frame by frame.
// Should it lose one all the same (several replays share a pool), its counters say so, and the walk passes over as many.
#include <errno.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capture_file.h"
#include "port/port_kinds.h"

enum { AHEAD_MAX = 64 };

struct pcap_replay {
	struct rte_mempool *pool;
	struct capture_file file;
	uint32_t room_first, room_next; // bytes in the first buffer of a frame, and in those behind it
	struct capture_packet ahead[AHEAD_MAX]; // walked, not yet handed out
	unsigned walked;
	enum capture_end end; // what follows behind them
	uint64_t lost;        // by the PMD, as far as is known
	uint64_t clock_ns;
	double speed;
	uint64_t first_ns, first_cycles; // original timing counts from here
};

static void replay_end(struct port *port, const struct pcap_replay *r)
{
	unsigned long packets = (unsigned long)r->file.packets, at = (unsigned long)r->file.at;

	if (r->end == CAPTURE_CUT_OFF)
		snprintf(port->damage_text, sizeof(port->damage_text),
			 "%.300s: cut off in the middle of packet %lu at byte %lu; the %lu packets before it are analysed", port->name, packets + 1, at,
			 packets);
	else if (r->end == CAPTURE_DAMAGED)
		snprintf(port->damage_text, sizeof(port->damage_text), "%.300s: damaged at byte %lu, behind packet %lu: %s; what was before it is analysed",
			 port->name, at, packets, r->file.damage);
	atomic_store_explicit(&port->damage,
			      r->end == CAPTURE_CUT_OFF ? PORT_CUT_OFF : r->end == CAPTURE_DAMAGED ? PORT_DAMAGED : PORT_WHOLE, memory_order_release);
	atomic_store_explicit(&port->queue[0].ended, true, memory_order_release);
}

static void walk(struct pcap_replay *r, unsigned n)
{
	while (r->walked < n && r->end == CAPTURE_PACKET) {
		r->end = capture_file_next(&r->file, &r->ahead[r->walked]);
		r->walked += r->end == CAPTURE_PACKET;
	}
}

static void pass_over(struct pcap_replay *r, unsigned n)
{
	r->walked -= n;
	memmove(r->ahead, r->ahead + n, r->walked * sizeof(r->ahead[0]));
}

// Original timing: whether this packet's time has come.
static bool is_time(struct pcap_replay *r, const struct capture_packet *p)
{
	double passed_ns;

	if (r->speed <= 0)
		return true;
	if (r->first_cycles == 0) {
		r->first_cycles = clock_cycles();
		r->first_ns = p->time_ns;
	}
	passed_ns = (double)(clock_cycles() - r->first_cycles) * 1e9 / (double)rte_get_tsc_hz();
	return (double)(int64_t)(p->time_ns - r->first_ns) <= passed_ns * r->speed;
}

static uint32_t buffers_of(const struct pcap_replay *r, const struct capture_packet *p)
{
	return p->captured <= r->room_first ? 1 : 1 + (p->captured - r->room_first + r->room_next - 1) / r->room_next;
}

// How many of those ahead are due and find buffers.
static uint16_t ready(struct pcap_replay *r, uint16_t n)
{
	uint32_t free = rte_mempool_avail_count(r->pool);
	uint16_t i = 0;

	if (n > r->walked)
		n = (uint16_t)r->walked;
	for (; i < n && is_time(r, &r->ahead[i]); i++) {
		uint32_t needed = buffers_of(r, &r->ahead[i]);

		if (needed > free)
			break;
		free -= needed;
	}
	return i;
}

static void stamp(struct pcap_replay *r, const struct capture_packet *p, struct rte_mbuf *m, struct port_stamp *s)
{
	if (p->time_ns > r->clock_ns)
		r->clock_ns = p->time_ns;
	*s = (struct port_stamp){p->time_ns, r->clock_ns, p->wire > p->captured ? p->wire : p->captured};
	if (m->nb_segs > 1) { // the PMD keeps only 16 bits of the length
		m->pkt_len = 0;
		for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next)
			m->pkt_len += seg->data_len;
	}
}

// The PMD gave less than there is: it lost some (and counted them), or libpcap sees an end where we do not.
static void shortfall(struct port *port, struct pcap_replay *r)
{
	struct rte_eth_stats stats = {.ipackets = 0};
	uint64_t lost = rte_eth_stats_get(port->id, &stats) == 0 ? stats.rx_nombuf + stats.ierrors - r->lost : 0;

	if (lost > 0) {
		r->lost += lost;
		pass_over(r, lost < r->walked ? (unsigned)lost : r->walked);
		return;
	}
	r->file.packets -= r->walked;
	r->file.damage = "the rest cannot be read; was the file changed meanwhile?";
	r->walked = 0;
	r->end = CAPTURE_DAMAGED;
}

static uint16_t replay_receive(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n)
{
	struct pcap_replay *r = queue->state;
	uint16_t due, got;

	if (atomic_load_explicit(&queue->ended, memory_order_relaxed))
		return 0;
	walk(r, n < AHEAD_MAX ? n : AHEAD_MAX);
	if (r->walked == 0) {
		replay_end(queue->port, r);
		return 0;
	}
	due = ready(r, n);
	got = rte_eth_rx_burst(queue->port->id, queue->queue, frames, due);
	for (uint16_t i = 0; i < got; i++)
		stamp(r, &r->ahead[i], frames[i], &stamps[i]);
	pass_over(r, got);
	if (got < due)
		shortfall(queue->port, r);
	atomic_store_explicit(&queue->port->replay_at, r->file.at, memory_order_relaxed);
	return got;
}

static int replay_open(struct port *port, const struct port_config *config, struct err *err)
{
	struct pcap_replay *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return err_set(err, -ENOMEM, "%.300s: no memory", port->name);
	if (port->queues > 1) {
		free(r);
		return err_set(err, -EINVAL, "%.300s: one file for each replay: give each a --vdev=net_pcapN,rx_pcap=FILE of its own", port->name);
	}
	rc = capture_file_open(&r->file, port->name, err);
	if (rc < 0) {
		free(r);
		return rc;
	}
	r->pool = config->pool;
	r->room_next = rte_pktmbuf_data_room_size(r->pool);
	r->room_first = r->room_next - RTE_PKTMBUF_HEADROOM;
	r->speed = config->speed;
	port->replay_bytes = r->file.size;
	port->state = r;
	snprintf(port->rss_why, sizeof(port->rss_why), "one queue");
	port->queue[0].receive = replay_receive;
	port->queue[0].state = r;
	return 0;
}

static void replay_close(struct port *port)
{
	struct pcap_replay *r = port->state;

	if (r == NULL)
		return;
	capture_file_close(&r->file);
	free(r);
	port->state = NULL;
}

static const char *const drivers[] = {"net_pcap", NULL};

const struct port_kind port_kind_pcap = {
	.name = "pcap",
	.drivers = drivers,
	.counts_handed_out = true,
	.replay = true,
	.every_queue = true,
	.open = replay_open,
	.close = replay_close,
};
