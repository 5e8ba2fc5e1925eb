// Any bytes as a sequence of frames; those that are fragments are joined, one in a tunnel in fragments too. Every frame is accounted
// for, whatever comes, and what becomes whole lies inside its buffer.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_fragments.h"

enum { DATAGRAMS = 3, TIMEOUT_NS = 1000, HEADER = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct books {
	uint64_t held, joined, held_bytes, joined_bytes;
};

static void balance_check(struct packet_fragments *f, const struct books *b)
{
	const struct packet_fragments_counters *c = packet_fragments_counters(f);
	uint64_t pkts = 0, bytes = 0;

	for (unsigned i = 0; i < FRAGMENTS_FATES; i++) {
		pkts += c->fate_pkts[i];
		bytes += c->fate_bytes[i];
	}
	require(b->held == b->joined + c->waiting_pkts + pkts);
	require(b->held_bytes == b->joined_bytes + c->waiting_bytes + bytes);
}

static void join(struct packet_fragments *f, struct packet *p, struct books *b)
{
	uint32_t around = UINT32_MAX; // whose buffer the frame is in

	for (unsigned depth = 0; p->verdict == PACKET_OK && p->fragment; depth++) {
		uint32_t place, sum = 0;
		bool whole;

		require(depth <= PACKET_TUNNELS_MAX);
		require((uint64_t)p->fragment_from + p->payload_wire <= UINT16_MAX);
		b->joined -= p->joined_pkts; // they wait again, with what they became
		b->joined_bytes -= p->joined_bytes;
		whole = packet_fragments_take(f, p, &place);
		if (around != UINT32_MAX)
			packet_fragments_give_back(f, around);
		if (!whole) {
			require(p->verdict == PACKET_FRAGMENT);
			b->held++;
			b->held_bytes += p->wire;
			return;
		}
		b->joined += p->joined_pkts;
		b->joined_bytes += p->joined_bytes;
		require(p->captured <= PACKET_FRAGMENTS_FRAME_MAX && (uint64_t)p->payload_at + p->payload <= p->captured);
		for (uint32_t i = 0; i < p->captured; i++) // all of it may be read
			sum += p->frame[i];
		around = p->fragment || sum % 5 != 0 ? place : UINT32_MAX; // some are kept for long
	}
	if (around != UINT32_MAX)
		packet_fragments_give_back(f, around);
}

// Not known, more than was captured, or what only a capture file can claim.
static uint32_t wire_of(uint8_t says, uint32_t length)
{
	if (says < 200)
		return 0;
	return says < 240 ? length + says - 200 : UINT32_MAX - (UINT8_MAX - says) * 4681u;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_fragments_config config = {.datagrams = DATAGRAMS, .away = size > 0 ? data[0] % 3 : 0, .timeout_ns = TIMEOUT_NS};
	uint64_t bytes = packet_fragments_bytes(&config), now = 1;
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	struct packet_fragments *f;
	struct books books = {0};

	if (memory == NULL)
		return 0;
	f = packet_fragments_init(memory, &config);
	while (size > HEADER) {
		uint32_t length = data[0] < size - HEADER ? data[0] : (uint32_t)size - HEADER;
		uint8_t *frame = malloc(length + 1u);
		struct packet p = {.captured = length, .wire = wire_of(data[1], length)};

		require(frame != NULL);
		now += (uint64_t)data[2] * data[2];
		memcpy(frame + 1, data + HEADER, length); // ends where the block ends
		p.frame = frame + 1;
		p.time_ns = p.clock_ns = now;
		packet_decode(&p);
		join(f, &p, &books);
		packet_fragments_expire(f, now);
		balance_check(f, &books);
		free(frame);
		data += HEADER + length;
		size -= HEADER + length;
	}
	free(memory);
	return 0;
}
