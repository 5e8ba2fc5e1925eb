// floor: what a packet costs at the very least, the measure that our worker is held against.
//
// The bare loop of any flow tracker on rte_hash: a capture in memory, bursts of 32, the 5-tuple in one order for both directions,
// one bulk look-up, the missing added, packets and bytes counted in one cache line. No receive, no decode worth the name, no TCP
// state, no classification, no expiry. Frames that are not IPv4 with TCP or UDP are passed over.
//
//	floor EAL-options -- CAPTURE [PASSES] [FLOW-CAPACITY]
#include <pcap/pcap.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 32, HEAD_BYTES = 64, AHEAD = 8, CAPACITY = 2 << 20, PASSES = 5 };

struct key {
	uint32_t address[2];
	uint16_t port[2];
	uint32_t proto;
};

struct sums {
	uint64_t first, last, pkts[2], bytes[2];
} __rte_cache_aligned;

struct floor {
	uint8_t (*head)[HEAD_BYTES];
	uint32_t packets;
	struct rte_hash *table;
	struct sums *sums;
	uint64_t passed_over, refused;
};

static uint32_t key_hash(const void *key, uint32_t length, uint32_t seed)
{
	return rte_jhash(key, length, seed);
}

static int heads_load(struct floor *f, const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	const u_char *data;
	struct pcap_pkthdr *h;
	pcap_t *in;

	for (int counting = 1; counting >= 0; counting--) {
		in = pcap_open_offline(path, error);
		if (in == NULL) {
			fprintf(stderr, "floor: %s\n", error);
			return -1;
		}
		while (pcap_next_ex(in, &h, &data) == 1) {
			if (!counting)
				memcpy(f->head[f->packets], data, RTE_MIN(h->caplen, (uint32_t)HEAD_BYTES));
			f->packets++;
		}
		pcap_close(in);
		if (!counting)
			break;
		f->head = rte_zmalloc("heads", (size_t)f->packets * HEAD_BYTES, RTE_CACHE_LINE_SIZE);
		if (f->head == NULL) {
			fprintf(stderr, "floor: not enough memory for %u packets: reserve more hugepages\n", f->packets);
			return -1;
		}
		f->packets = 0;
	}
	return 0;
}

// Returns the direction, or -1 if the frame is none of ours.
static int key_read(const uint8_t *head, struct key *key, uint32_t *bytes)
{
	const struct rte_ether_hdr *ether = (const struct rte_ether_hdr *)head;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ether + 1);
	const uint16_t *port = (const uint16_t *)((const uint8_t *)ip + rte_ipv4_hdr_len(ip));
	int up = ip->src_addr < ip->dst_addr;

	if (ether->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || (ip->next_proto_id != IPPROTO_TCP && ip->next_proto_id != IPPROTO_UDP))
		return -1;
	key->address[!up] = ip->src_addr;
	key->address[up] = ip->dst_addr;
	key->port[!up] = port[0];
	key->port[up] = port[1];
	key->proto = ip->next_proto_id;
	*bytes = rte_be_to_cpu_16(ip->total_length);
	return up;
}

static void burst(struct floor *f, uint32_t at, uint64_t now)
{
	struct key key[BURST];
	const void *keys[BURST];
	hash_sig_t hash[BURST];
	uint32_t bytes[BURST], end = RTE_MIN(at + BURST, f->packets), n = 0;
	int32_t place[BURST];
	int direction[BURST];

	for (; at < end; at++) {
		if (at + AHEAD < f->packets)
			rte_prefetch0(f->head[at + AHEAD]);
		direction[n] = key_read(f->head[at], &key[n], &bytes[n]);
		if (direction[n] < 0) {
			f->passed_over++;
			continue;
		}
		keys[n] = &key[n];
		hash[n] = key_hash(&key[n], sizeof(key[n]), 0);
		n++;
	}
	if (n == 0 || rte_hash_lookup_with_hash_bulk(f->table, keys, hash, n, place) != 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (place[i] < 0)
			place[i] = rte_hash_add_key_with_hash(f->table, keys[i], hash[i]);
		if (place[i] >= 0)
			rte_prefetch0(&f->sums[place[i]]);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct sums *s = &f->sums[place[i] >= 0 ? place[i] : 0];

		if (place[i] < 0) {
			f->refused++;
			continue;
		}
		if (s->first == 0)
			s->first = now;
		s->last = now;
		s->pkts[direction[i]]++;
		s->bytes[direction[i]] += bytes[i];
	}
}

static void pass(struct floor *f, unsigned number)
{
	uint64_t start = rte_rdtsc();
	double cycles, hz = (double)rte_get_tsc_hz();

	f->passed_over = f->refused = 0;
	for (uint32_t at = 0; at < f->packets; at += BURST)
		burst(f, at, start + at);
	cycles = (double)(rte_rdtsc() - start) / f->packets;
	printf("floor pass %u: %.2f Mpps  %.1f ns/packet  %.0f cycles/packet  flows %d  skipped %lu  full %lu\n", number, hz / cycles / 1e6,
	       cycles * 1e9 / hz, cycles, rte_hash_count(f->table), (unsigned long)f->passed_over, (unsigned long)f->refused);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	struct floor f = {0};
	uint32_t capacity;

	if (used < 0 || argc - used < 2) {
		fprintf(stderr, "usage: floor EAL-options -- CAPTURE [PASSES] [FLOW-CAPACITY]\n");
		return 1;
	}
	argc -= used;
	argv += used;
	capacity = argc > 3 ? (uint32_t)atoi(argv[3]) : CAPACITY;
	if (heads_load(&f, argv[1]) < 0)
		return 1;
	f.table = rte_hash_create(&(struct rte_hash_parameters){.name = "floor", .entries = capacity, .key_len = sizeof(struct key),
								.hash_func = key_hash, .socket_id = (int)rte_socket_id()});
	f.sums = rte_zmalloc("sums", ((size_t)capacity + 1) * sizeof(*f.sums), RTE_CACHE_LINE_SIZE);
	if (f.table == NULL || f.sums == NULL) {
		fprintf(stderr, "floor: not enough memory for %u flows: reserve more hugepages\n", capacity);
		return 1;
	}
	for (unsigned i = 1; i <= (argc > 2 ? (unsigned)atoi(argv[2]) : PASSES); i++)
		pass(&f, i);
	return 0;
}
