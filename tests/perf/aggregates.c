// aggregates: what they cost control, which is one core for everything: nanoseconds for the record of a flow, microseconds once a
// second and at the end of a minute. Flows between few hosts, many, and a flood in which nobody comes twice.
//
//	aggregates [FLOWS]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/aggregate.h"

#define SECOND 1000000000ull
#define MINUTE (60 * SECOND)

enum { FLOWS = 2000000, SECONDS = 50, WORKERS = 4 };

struct flow_said {
	struct record head;
	struct record_flow flow;
};

static uint64_t records;

static void give(void *arg, const struct record *r)
{
	(void)arg;
	records += r->length > 0;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void flow_fill(struct flow_said *s, uint8_t ip_version, uint32_t hosts, uint64_t *seed)
{
	uint64_t r = random_next(seed);
	uint32_t client = hosts == 0 ? (uint32_t)r : (uint32_t)(r % hosts), server = hosts == 0 ? 1 : (uint32_t)(r >> 32) % hosts;

	s->head = (struct record){.type = RECORD_FLOW, .app = (uint8_t)(r & 31), .ends = {.ip_version = ip_version, .proto = r & 1 ? 6 : 17}};
	memcpy(s->head.ends.client + (ip_version == 6 ? 12 : 0), &client, 4);
	memcpy(s->head.ends.server + (ip_version == 6 ? 12 : 0), &server, 4);
	s->flow.bytes[0] = r >> 48;
	s->flow.tcp.handshake_ns = r >> 36;
}

static struct worker *worker_make(void)
{
	struct packet_fragments_config fragments = {.datagrams = 1, .timeout_ns = SECOND};
	struct worker *w = aligned_alloc(64, sizeof(*w));
	void *memory = aligned_alloc(64, (packet_fragments_bytes(&fragments) + 63) / 64 * 64);

	if (w == NULL || memory == NULL)
		exit(1);
	memset(w, 0, sizeof(*w));
	w->flows = calloc(1, sizeof(*w->flows));
	w->fragments = packet_fragments_init(memory, &fragments);
	if (w->flows == NULL || record_ring_create(65536, &w->out) < 0)
		exit(1);
	return w;
}

static void measure(const char *name, uint32_t flows, uint8_t ip_version, uint32_t hosts, struct worker *const *workers)
{
	struct metrics_sources s = {.workers = workers, .worker_count = WORKERS};
	static const struct metrics_rates rates;
	double flow_ns = 0, base_ns = 0, second_ns = 0, minute_ns;
	struct flow_said said;
	struct aggregate *a;
	uint64_t seed = 1;

	memset(&said, 0, sizeof(said));
	if (aggregate_create(false, give, NULL, &a) < 0)
		exit(1);
	records = 0;
	for (unsigned second = 0; second < SECONDS; second++) {
		double begin = now_ns(), middle;
		uint64_t again = seed;

		for (uint32_t i = 0; i < flows / SECONDS; i++) {
			flow_fill(&said, ip_version, hosts, &again);
			__asm__ volatile("" : : "r"(&said) : "memory");
		}
		middle = now_ns();
		base_ns += middle - begin;
		for (uint32_t i = 0; i < flows / SECONDS; i++) {
			flow_fill(&said, ip_version, hosts, &seed);
			aggregate_flow(a, &said.head, MINUTE + second * SECOND);
		}
		begin = now_ns();
		flow_ns += begin - middle;
		s.seconds = second;
		aggregate_second(a, &s, &rates, MINUTE + second * SECOND, MINUTE);
		second_ns += now_ns() - begin;
	}
	minute_ns = now_ns();
	aggregate_second(a, &s, &rates, 2 * MINUTE, 2 * MINUTE);
	minute_ns = now_ns() - minute_ns;
	printf("%-22s %7.0f ns a flow  %7.0f us a second  %7.0f us a minute  %5" PRIu64 " records\n", name, (flow_ns - base_ns) / flows,
	       second_ns / SECONDS / 1e3, minute_ns / 1e3, records);
	aggregate_destroy(a);
}

int main(int argc, char **argv)
{
	uint32_t flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : FLOWS;
	struct worker *workers[WORKERS];

	for (unsigned k = 0; k < WORKERS; k++)
		workers[k] = worker_make();
	measure("100 hosts", flows, 4, 100, workers);
	measure("10000 hosts", flows, 4, 10000, workers);
	measure("10000 hosts, IPv6", flows, 6, 10000, workers);
	measure("nobody twice", flows, 4, 0, workers);
	measure("nobody twice, IPv6", flows, 6, 0, workers);
	return 0;
}
