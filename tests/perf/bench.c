// bench: what a packet costs the whole worker, without a NIC or a file in the way.
//
// Holds a capture in memory and lets one worker poll it: receive from memory, decode, hash, look-up, flow state, classify, count,
// expire, publish; the same code that runs in the program. Frames are handed over as a NIC would, one mbuf each from the pool,
// the bytes where they lie. Time goes on from pass to pass, so that flows live through all of them. Where no connection of the
// capture ends they stay open: from the second pass on none opens, and sequence numbers go on, or all would be sent again.
//
//	bench EAL-options -- CAPTURE [PASSES] [FLOW-CAPACITY] [checksums]
//
// On each lcore that EAL is given runs a worker of its own, over a copy of the frames. Prints one JSON object a pass and lcore: Mpps,
// ns and cycles per packet, cycles per packet by stage.
#include <limits.h>
#include <pcap/pcap.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

enum { POOL = 8191, BURST = 32, FLOWS = 2 << 20, ALIGN = 64, LANES_MAX = 8 };

// A port whose frames are in memory.
struct replayed {
	struct port_queue queue; // first: what the worker sees
	struct rte_mempool *pool;
	uint8_t *bytes;
	struct slot {
		uint64_t at, time_ns;
		uint32_t length, wire;
	} *slot;
	uint32_t count, next;
	uint64_t offset_ns; // of this pass
	bool ends;          // a FIN or RST is in it
};

enum { IPV4_AT = 14, TCP_BYTES = 20, SEQ_STEP = 0x1000 }; // high half of the sequence number

static uint16_t memory_receive(struct port_queue *queue, struct rte_mbuf **frames, struct port_stamp *stamps, uint16_t n)
{
	struct replayed *m = (struct replayed *)queue;
	uint32_t left = m->count - m->next;

	if (left < n)
		n = (uint16_t)left;
	if (n == 0 || rte_pktmbuf_alloc_bulk(m->pool, frames, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		const struct slot *s = &m->slot[m->next + i];

		frames[i]->buf_addr = m->bytes + s->at; // the frame stays where it is, as in a receive ring
		frames[i]->data_off = 0;
		frames[i]->data_len = (uint16_t)s->length;
		frames[i]->pkt_len = s->length;
		frames[i]->port = 0;
		stamps[i] = (struct port_stamp){s->time_ns + m->offset_ns, s->time_ns + m->offset_ns, s->wire};
	}
	m->next += n;
	for (uint32_t i = m->next; i < m->next + BURST && i < m->count; i++)
		rte_prefetch0(m->bytes + m->slot[i].at);
	return n;
}

// The TCP header of an IPv4 packet that is not cut, or NULL.
static uint8_t *tcp_of(const struct replayed *m, uint32_t i)
{
	uint8_t *frame = m->bytes + m->slot[i].at, *tcp;

	if (m->slot[i].length < IPV4_AT + 20 || frame[12] != 8 || frame[13] != 0 || frame[IPV4_AT + 9] != IP_TCP)
		return NULL;
	tcp = frame + IPV4_AT + (frame[IPV4_AT] & 15) * 4;
	return tcp + TCP_BYTES <= frame + m->slot[i].length ? tcp : NULL;
}

static int memory_load(struct replayed *m, const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline(path, error);
	struct pcap_pkthdr *h;
	const u_char *data;
	uint64_t bytes = 0, count = 0;

	if (in == NULL) {
		fprintf(stderr, "bench: %s\n", error);
		return -1;
	}
	for (; pcap_next_ex(in, &h, &data) == 1; count++)
		bytes += (h->caplen + ALIGN - 1) / ALIGN * ALIGN;
	pcap_close(in);
	m->bytes = rte_malloc("frames", bytes + ALIGN, ALIGN);
	m->slot = rte_malloc("slots", (count + 1) * sizeof(*m->slot), ALIGN);
	in = pcap_open_offline(path, error);
	if (in == NULL || m->bytes == NULL || m->slot == NULL) {
		fprintf(stderr, "bench: not enough memory for %lu packets: reserve more hugepages\n", (unsigned long)count);
		return -1;
	}
	bytes = 0;
	while (m->count < count && pcap_next_ex(in, &h, &data) == 1) {
		struct slot *s = &m->slot[m->count++];

		*s = (struct slot){bytes, (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec * 1000u, h->caplen, h->len};
		memcpy(m->bytes + bytes, data, h->caplen);
		bytes += (h->caplen + ALIGN - 1) / ALIGN * ALIGN;
	}
	pcap_close(in);
	for (uint32_t i = 0; i < m->count; i++) {
		const uint8_t *tcp = tcp_of(m, i);

		m->ends |= tcp != NULL && (tcp[13] & (TCP_FIN | TCP_RST)) != 0;
	}
	return 0;
}

// Sets a 16-bit word of a TCP header, and the checksum to what it has to be then (RFC 1624).
static void tcp_put(uint8_t *tcp, unsigned at, uint16_t value)
{
	uint32_t sum = ~((uint32_t)tcp[16] << 8 | tcp[17]) & 0xffff;

	sum += (~((uint32_t)tcp[at] << 8 | tcp[at + 1]) & 0xffff) + value;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	tcp[at] = (uint8_t)(value >> 8);
	tcp[at + 1] = (uint8_t)value;
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
}

static void connections_go_on(const struct replayed *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		uint8_t *tcp = tcp_of(m, i);

		if (tcp == NULL)
			continue;
		tcp_put(tcp, 4, (uint16_t)((tcp[4] << 8 | tcp[5]) + SEQ_STEP));
		if ((tcp[13] & TCP_SYN) != 0)
			tcp_put(tcp, 12, (uint16_t)(tcp[12] << 8 | TCP_PSH | TCP_ACK));
	}
}

static void records_drop(struct worker *w)
{
	while (record_ring_peek(w->out) != NULL)
		record_ring_pop(w->out);
}

// What one lcore does: a worker of its own, frames of its own.
struct lane {
	struct worker *worker;
	struct replayed frames;
	double cycles;                       // of the last pass, per packet
	uint64_t stage_cycles[STAGE_COUNTS];
};

static int pass_run(void *lane)
{
	struct lane *l = lane;
	struct worker *w = l->worker;
	struct replayed *m = &l->frames;
	uint64_t before[STAGE_COUNTS], start;

	memcpy(before, w->counters.cycles, sizeof(before));
	start = rte_rdtsc();
	m->next = 0;
	while (m->next < m->count)
		worker_poll(w);
	l->cycles = (double)(rte_rdtsc() - start) / m->count;
	for (unsigned s = 0; s < STAGE_COUNTS; s++)
		l->stage_cycles[s] = w->counters.cycles[s] - before[s];
	if (!m->ends)
		connections_go_on(m);
	m->offset_ns += m->slot[m->count - 1].time_ns - m->slot[0].time_ns + 1000;
	records_drop(w);
	return 0;
}

static void pass_print(const struct lane *l, unsigned lcore, unsigned number)
{
	const struct worker *w = l->worker;
	double hz = (double)rte_get_tsc_hz();

	printf("{\"pass\":%u,\"lcore\":%u,\"mpps\":%.2f,\"ns\":%.1f,\"cycles\":%.1f,\"flows\":%u,\"refused\":%lu,\"stages\":{", number, lcore,
	       hz / l->cycles / 1e6, l->cycles * 1e9 / hz, l->cycles, w->flows->active4 + w->flows->active6,
	       (unsigned long)w->counters.refused_pkts);
	for (unsigned s = 0; s < STAGE_COUNTS; s++)
		printf("%s\"%s\":%.1f", s > 0 ? "," : "", worker_stage_names[s], (double)l->stage_cycles[s] / l->frames.count);
	printf("}}\n");
	fflush(stdout);
}

static int worker_make(struct lane *l, unsigned id, uint32_t capacity, bool checksums, const struct flow_secret *secret,
		       const struct clock *clock)
{
	struct worker_config config = {
		.id = id,
		.workers = 1,
		.burst = BURST,
		.idle = WORKER_IDLE_POLL,
		.checksum = checksums ? WORKER_CHECKSUM_VERIFY : WORKER_CHECKSUM_OFF,
		.checksum_sample = 1,
		.record_ring_bytes = 64 << 20,
		.l7 = 16384,
		.fragments = {.datagrams = 256, .away = 2 * BURST, .timeout_ns = 30000000000u},
		.clock = clock,
		.socket = (int)rte_socket_id(),
		.flow = {.capacity4 = capacity, .capacity6 = 1024, .streams = 4096, .stream_bytes = 16384, .hostnames = 65536,
			 .details = capacity + 1024, .secret = secret, .id = id, .socket = (int)rte_socket_id()},
	};
	struct err err;

	for (unsigned i = 0; i < FLOW_CLASSES; i++)
		config.flow.timeout_ns[i] = 60000000000u;
	if (worker_create(&config, &l->worker, &err) < 0 || worker_connect(&l->worker, 1, 64, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return -1;
	}
	l->worker->queue[l->worker->queues++] = &l->frames.queue;
	return 0;
}

static int lane_make(struct lane *l, unsigned id, char **argv, int argc, const struct flow_secret *secret, const struct clock *clock)
{
	char name[16];

	snprintf(name, sizeof(name), "bench%u", id);
	l->frames.queue.receive = memory_receive;
	l->frames.pool = rte_pktmbuf_pool_create(name, POOL, 256, WORKER_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (l->frames.pool == NULL || memory_load(&l->frames, argv[1]) < 0)
		return -1;
	return worker_make(l, id, argc > 3 ? (uint32_t)atoi(argv[3]) : FLOWS, argc > 4 && strcmp(argv[4], "checksums") == 0, secret, clock);
}

static unsigned next_lane(unsigned lcore)
{
	return rte_get_next_lcore(lcore, 1, 0);
}

// All lcores at once, each with its own worker: what they share would show in what one of them takes longer than alone.
static void passes(struct lane *lanes, unsigned n, unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		unsigned lcore, k = 0;

		for (lcore = next_lane(UINT_MAX); lcore < RTE_MAX_LCORE; lcore = next_lane(lcore))
			if (++k < n)
				rte_eal_remote_launch(pass_run, &lanes[k], lcore);
		pass_run(&lanes[0]);
		rte_eal_mp_wait_lcore();
		pass_print(&lanes[0], rte_lcore_id(), i);
		k = 0;
		for (lcore = next_lane(UINT_MAX); lcore < RTE_MAX_LCORE; lcore = next_lane(lcore))
			if (++k < n)
				pass_print(&lanes[k], lcore, i);
	}
}

int main(int argc, char **argv)
{
	static struct lane lanes[LANES_MAX];
	int used = rte_eal_init(argc, argv);
	struct flow_secret secret;
	struct clock clock;
	unsigned n;

	if (used < 0 || argc - used < 2) {
		fprintf(stderr, "usage: bench EAL-options -- CAPTURE [PASSES] [FLOW-CAPACITY] [checksums]\n");
		return 1;
	}
	argc -= used;
	argv += used;
	n = rte_lcore_count() < LANES_MAX ? rte_lcore_count() : LANES_MAX;
	clock_init(&clock, rte_get_tsc_hz());
	flow_secret_draw(&secret, false);
	for (unsigned k = 0; k < n; k++)
		if (lane_make(&lanes[k], k, argv, argc, &secret, &clock) < 0)
			return 1;
	passes(lanes, n, argc > 2 ? (unsigned)atoi(argv[2]) : 5);
	return 0;
}
