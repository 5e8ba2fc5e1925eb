// Replay through net_pcap. The PMD hands out bytes; time in nanoseconds, length on the wire and the end of the file come from the
// capture's own headers, walked in lock-step (base/capture_file.h). The PMD loses a packet when the pool is empty, so it is asked
// only for as many as there are buffers for.
#include <errno.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capture_file.h"
#include "port/port_kinds.h"
#include "port/port_rss.h"

enum { FRAME_SEGMENTS = 33 }; // 64 KB in buffers of 2 KB, the first with its headroom

struct pcap_replay {
	struct rte_mempool *pool;
	struct capture_file file;
	struct capture_packet next; // walked already, not yet handed out
	bool has_next;
	enum capture_end end;
	uint64_t clock_ns;
	double speed;
	uint64_t first_ns, first_cycles; // original timing counts from here
};

static void replay_end(struct port *port, struct pcap_replay *r, const char *what, enum port_damage damage)
{
	struct port_queue *queue = &port->queue[0];

	if (damage != PORT_WHOLE)
		snprintf(port->damage_text, sizeof(port->damage_text),
			 "%s: %s at byte %zu, after packet %lu: the packets before it are analysed", port->name, what, r->file.at,
			 (unsigned long)r->file.packets);
	atomic_store_explicit(&port->damage, (int)damage, memory_order_release);
	atomic_store_explicit(&queue->ended, true, memory_order_release);
}

static void replay_over(struct port *port, struct pcap_replay *r)
{
	if (r->end == CAPTURE_CUT_OFF)
		replay_end(port, r, "cut off in the middle of a packet", PORT_CUT_OFF);
	else if (r->end == CAPTURE_DAMAGED)
		replay_end(port, r, "damaged", PORT_DAMAGED);
	else
		replay_end(port, r, "", PORT_WHOLE);
}

static bool look_ahead(struct pcap_replay *r)
{
	if (!r->has_next && r->end == CAPTURE_PACKET) {
		r->end = capture_file_next(&r->file, &r->next);
		r->has_next = r->end == CAPTURE_PACKET;
	}
	return r->has_next;
}

// Original timing: whether the next packet's time has come.
static bool is_time(struct pcap_replay *r)
{
	double passed_ns;

	if (r->speed <= 0)
		return true;
	if (r->first_cycles == 0) {
		r->first_cycles = clock_cycles();
		r->first_ns = r->next.time_ns;
	}
	passed_ns = (double)(clock_cycles() - r->first_cycles) * 1e9 / (double)rte_get_tsc_hz();
	return (double)(int64_t)(r->next.time_ns - r->first_ns) <= passed_ns * r->speed;
}

static void stamp(struct pcap_replay *r, struct rte_mbuf *m, struct port_stamp *s)
{
	if (r->next.time_ns > r->clock_ns)
		r->clock_ns = r->next.time_ns;
	*s = (struct port_stamp){r->next.time_ns, r->clock_ns, r->next.wire};
	r->has_next = false;
	if (m->nb_segs > 1) // the PMD keeps only 16 bits of the length
		m->pkt_len = r->next.captured;
}

static uint16_t replay_receive(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n)
{
	struct pcap_replay *r = queue->state;
	unsigned room = rte_mempool_avail_count(r->pool) / FRAME_SEGMENTS;
	uint16_t got = 0;

	if (room < n)
		n = (uint16_t)room;
	if (r->speed > 0 && n > 1)
		n = 1; // each when its time has come
	if (n == 0 || atomic_load_explicit(&queue->ended, memory_order_relaxed))
		return 0;
	if (!look_ahead(r)) {
		replay_over(queue->port, r);
		return 0;
	}
	if (!is_time(r))
		return 0;
	got = rte_eth_rx_burst(queue->port->id, queue->queue, frames, n);
	for (uint16_t i = 0; i < got; i++) {
		if (!look_ahead(r)) { // libpcap sees more than we do: believe its bytes, not their time
			r->next = (struct capture_packet){r->clock_ns, frames[i]->pkt_len, frames[i]->pkt_len};
			r->end = CAPTURE_DAMAGED;
		}
		stamp(r, frames[i], &stamps[i]);
	}
	if (got == 0)
		replay_end(queue->port, r, "damaged", PORT_DAMAGED);
	atomic_store_explicit(&queue->port->replay_at, r->file.at, memory_order_relaxed);
	return got;
}

static int replay_open(struct port *port, const struct port_config *config, struct err *err)
{
	struct pcap_replay *r;
	int rc;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set(err, -ENOMEM, "%s: no memory", port->name);
	rc = capture_file_open(&r->file, port->name, err);
	if (rc < 0) {
		free(r);
		return rc;
	}
	r->pool = config->pool;
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
	.open = replay_open,
	.close = replay_close,
};
