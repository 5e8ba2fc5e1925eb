// worst: writes the input that is hardest for a flow tracker: frames of the least size, spread evenly over many flows, so that
// there are most packets a second and no look-up finds its flow in a cache. IPv4, TCP and UDP by halves, both directions, right
// checksums, payloads that are nobody's protocol. The same arguments give the same file.
//
//	worst OUT.pcap PACKETS FLOWS
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_TCP = 6, PAYLOAD_UDP = 18, TICK_US = 2, START_S = 1700000000, COUNT_MAX = 100000000 };

struct frame {
	uint8_t to[6], from[6];
	uint16_t type;
	struct iphdr ip;
	union {
		struct {
			struct tcphdr head;
			uint8_t payload[PAYLOAD_TCP];
		} __attribute__((packed)) tcp;
		struct {
			struct udphdr head;
			uint8_t payload[PAYLOAD_UDP];
		} __attribute__((packed)) udp;
	} __attribute__((packed));
} __attribute__((packed));

_Static_assert(sizeof(struct frame) == 60, "the least that Ethernet carries, FCS aside");

struct flow {
	uint32_t sent[2]; // by direction
};

static uint64_t scramble(uint64_t x) // splitmix64: neighbours become strangers
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint32_t sum_words(const void *at, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i < bytes; i += 2) {
		uint16_t word;

		memcpy(&word, (const char *)at + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void payload_fill(uint8_t *at, size_t bytes, uint64_t random)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(0x80 | scramble(random + i)); // never ASCII, never a version number
}

static void frame_make(struct frame *f, uint64_t number, struct flow *flow, uint32_t count)
{
	uint64_t who = scramble(number), random = scramble(count ^ who);
	int tcp = number & 1, back = flow->sent[0] > 0 && (random & 1);
	uint16_t client = (uint16_t)(10000 + who % 50000), server = tcp ? 9000 : 9001;
	size_t l4_bytes = sizeof(*f) - offsetof(struct frame, tcp);
	uint32_t pseudo;

	*f = (struct frame){.to = {2, 0, 0, 0, 0, 1}, .from = {2, 0, 0, 0, 0, 2}, .type = htons(0x0800)};
	f->ip = (struct iphdr){.version = 4, .ihl = 5, .tot_len = htons((uint16_t)(sizeof(f->ip) + l4_bytes)), .ttl = 64,
			       .id = htons((uint16_t)count), .protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP};
	f->ip.saddr = htonl(0x0a000000 | (who >> 20 & 0xffffff));
	f->ip.daddr = htonl(0xc6120000 | (who >> 44 & 0x1ffff));
	if (back) {
		uint32_t swap = f->ip.saddr;

		f->ip.saddr = f->ip.daddr;
		f->ip.daddr = swap;
	}
	f->ip.check = sum_end(sum_words(&f->ip, sizeof(f->ip), 0));
	pseudo = sum_words(&f->ip.saddr, 8, htons(f->ip.protocol) + (uint32_t)htons((uint16_t)l4_bytes));
	if (tcp) {
		f->tcp.head = (struct tcphdr){.source = htons(back ? server : client), .dest = htons(back ? client : server), .doff = 5,
					      .window = htons(8192), .seq = htonl(flow->sent[back] * PAYLOAD_TCP), .ack = 1, .psh = 1};
		f->tcp.head.ack_seq = htonl(flow->sent[!back] * PAYLOAD_TCP);
		payload_fill(f->tcp.payload, sizeof(f->tcp.payload), random);
		f->tcp.head.check = sum_end(sum_words(&f->tcp, l4_bytes, pseudo));
	} else {
		f->udp.head = (struct udphdr){.source = htons(back ? server : client), .dest = htons(back ? client : server),
					      .len = htons((uint16_t)l4_bytes)};
		payload_fill(f->udp.payload, sizeof(f->udp.payload), random);
		f->udp.head.check = sum_end(sum_words(&f->udp, l4_bytes, pseudo));
	}
	flow->sent[back]++;
}

static int write_all(FILE *out, uint32_t packets, uint32_t flows, struct flow *flow)
{
	const uint32_t file[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};

	fwrite(file, sizeof(file), 1, out);
	for (uint32_t i = 0; i < packets; i++) {
		uint64_t us = (uint64_t)i * TICK_US, number = scramble(i) % flows;
		const uint32_t head[] = {START_S + (uint32_t)(us / 1000000), (uint32_t)(us % 1000000), sizeof(struct frame),
					 sizeof(struct frame)};
		struct frame f;

		frame_make(&f, number, &flow[number], i);
		fwrite(head, sizeof(head), 1, out);
		fwrite(&f, sizeof(f), 1, out);
	}
	return ferror(out) ? -1 : 0;
}

int main(int argc, char **argv)
{
	long packets = argc == 4 ? atol(argv[2]) : 0, flows = argc == 4 ? atol(argv[3]) : 0;
	struct flow *flow;
	FILE *out;
	int failed;

	if (packets < 1 || packets > COUNT_MAX || flows < 1 || flows > COUNT_MAX) {
		fprintf(stderr, "usage: worst OUT.pcap PACKETS FLOWS\n");
		return 1;
	}
	flow = calloc((size_t)flows, sizeof(*flow));
	out = fopen(argv[1], "wb");
	if (flow == NULL || out == NULL) {
		perror(argv[1]);
		free(flow);
		return 1;
	}
	failed = write_all(out, (uint32_t)packets, (uint32_t)flows, flow);
	if (fclose(out) != 0 || failed != 0) {
		perror(argv[1]);
		failed = 1;
	}
	free(flow);
	return failed != 0;
}
