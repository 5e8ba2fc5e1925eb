// worst_packet: what the dearest packet of a capture costs. One worker, one packet a poll: receive from memory, decode, look-up, flow
// state, dissectors, expire. More than a time-out passes between two packets, so that each begins a flow of its own and meets all
// dissectors.
//
//	worst_packet EAL-options -- CAPTURE [PASSES]
//
// Prints one JSON object: ns per packet over all samples (what else the machine does included), and over packets by their best
// pass (what the packet itself costs), with the number of the dearest.
#include <pcap/pcap.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

enum { POOL = 1023, FLOWS = 1 << 16, FRAME_MAX = 9000, COUNT_MAX = 1 << 20, PASSES = 10, PASSES_MAX = 1000 };

static const uint64_t timeout_ns = 1000000000, step_ns = 2000000000;

struct frame {
	uint64_t time_ns, best; // cycles
	uint32_t length, wire;
	uint8_t *bytes;
};

// A port with room for one frame.
struct source {
	struct port_queue queue; // first: what the worker sees
	struct rte_mempool *pool;
	const struct frame *frame; // NULL: taken
	uint64_t offset_ns;
};

static uint16_t source_receive(struct port_queue *queue, struct rte_mbuf **mbufs, struct port_stamp *stamps, uint16_t n)
{
	struct source *s = (struct source *)queue;
	const struct frame *f = s->frame;

	if (f == NULL || n == 0 || rte_pktmbuf_alloc_bulk(s->pool, mbufs, 1) != 0)
		return 0;
	memcpy(rte_pktmbuf_append(mbufs[0], (uint16_t)f->length), f->bytes, f->length);
	mbufs[0]->port = 0;
	stamps[0] = (struct port_stamp){f->time_ns + s->offset_ns, f->time_ns + s->offset_ns, f->wire};
	s->frame = NULL;
	return 1;
}

// Returns how many frames there are, or -1. Frames too long for one buffer are left out.
static int frames_load(struct frame *frames, const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline(path, error);
	struct pcap_pkthdr *h;
	const u_char *data;
	int count = 0;

	if (in == NULL) {
		fprintf(stderr, "worst_packet: %s\n", error);
		return -1;
	}
	while (count < COUNT_MAX && pcap_next_ex(in, &h, &data) == 1) {
		struct frame *f = &frames[count];

		if (h->caplen > FRAME_MAX)
			continue;
		*f = (struct frame){.length = h->caplen, .wire = h->len, .best = UINT64_MAX, .bytes = malloc(h->caplen + 1)};
		f->time_ns = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec * 1000u;
		if (f->bytes == NULL)
			break;
		memcpy(f->bytes, data, h->caplen);
		count++;
	}
	pcap_close(in);
	return count;
}

static struct worker *worker_make(struct source *source, const struct flow_secret *secret, const struct clock *clock)
{
	static struct worker *all[1];
	struct worker_config config = {
		.workers = 1,
		.burst = 1,
		.idle = WORKER_IDLE_POLL,
		.record_ring_bytes = 1 << 20,
		.l7 = 1024,
		.fragments = {.datagrams = 256, .away = 2, .timeout_ns = 30000000000u},
		.clock = clock,
		.socket = (int)rte_socket_id(),
		.flow = {.capacity4 = FLOWS, .capacity6 = FLOWS, .streams = 1024, .stream_bytes = 16384, .hostnames = 4096, .details = 2 * FLOWS,
			 .secret = secret, .socket = (int)rte_socket_id()},
	};
	struct err err;

	for (unsigned i = 0; i < FLOW_CLASSES; i++)
		config.flow.timeout_ns[i] = timeout_ns;
	if (worker_create(&config, &all[0], &err) < 0 || worker_connect(all, 1, 64, &err) < 0) {
		fprintf(stderr, "worst_packet: %s\n", err.text);
		return NULL;
	}
	all[0]->queue[all[0]->queues++] = &source->queue;
	return all[0];
}

static uint64_t packet_time(struct worker *w, struct source *source, struct frame *f)
{
	uint64_t start, taken;

	source->frame = f;
	start = rte_rdtsc_precise();
	worker_poll(w);
	taken = rte_rdtsc_precise() - start;
	if (taken < f->best)
		f->best = taken;
	while (record_ring_peek(w->out) != NULL)
		record_ring_pop(w->out);
	return taken;
}

static int cycles_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void figures_print(const char *name, uint64_t *cycles, size_t n)
{
	double ns = 1e9 / (double)rte_get_tsc_hz();

	qsort(cycles, n, sizeof(*cycles), cycles_compare);
	printf("\"%s\":{\"p50\":%.0f,\"p99.9\":%.0f,\"max\":%.0f}", name, (double)cycles[n / 2] * ns, (double)cycles[n - 1 - n / 1000] * ns,
	       (double)cycles[n - 1] * ns);
}

static void report(const struct frame *frames, size_t count, uint64_t *samples, size_t taken)
{
	size_t worst = 0;

	printf("{\"packets\":%zu,\"passes\":%zu,", count, taken / count);
	figures_print("samples_ns", samples, taken);
	for (size_t i = 0; i < count; i++) {
		samples[i] = frames[i].best;
		if (frames[i].best > frames[worst].best)
			worst = i;
	}
	printf(",");
	figures_print("packets_ns", samples, count);
	printf(",\"dearest\":%zu}\n", worst + 1);
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), count, passes;
	static struct source source = {.queue = {.receive = source_receive}};
	static struct frame frames[COUNT_MAX];
	struct flow_secret secret;
	struct clock clock;
	struct worker *w;
	uint64_t *samples;
	size_t taken = 0;

	passes = used < 0 || argc - used < 3 ? PASSES : atoi(argv[used + 2]);
	if (used < 0 || argc - used < 2 || passes < 1 || passes > PASSES_MAX) {
		fprintf(stderr, "usage: worst_packet EAL-options -- CAPTURE [PASSES]\n");
		return 1;
	}
	clock_init(&clock, rte_get_tsc_hz());
	flow_secret_draw(&secret, false);
	count = frames_load(frames, argv[used + 1]);
	source.pool = rte_pktmbuf_pool_create("worst", POOL, 0, WORKER_MBUF_PRIVATE, RTE_PKTMBUF_HEADROOM + FRAME_MAX, (int)rte_socket_id());
	w = worker_make(&source, &secret, &clock);
	samples = count > 0 ? malloc((size_t)count * (size_t)passes * sizeof(*samples)) : NULL;
	if (source.pool == NULL || w == NULL || samples == NULL)
		return 1;
	for (int pass = 0; pass < passes; pass++)
		for (int i = 0; i < count; i++, source.offset_ns += step_ns)
			samples[taken++] = packet_time(w, &source, &frames[i]);
	report(frames, (size_t)count, samples, taken);
	free(samples);
	return 0;
}
