// Any bytes as a frame in a buffer of exactly its size, decoded, its checksums verified: one verdict a header, none good or bad that
// is not all there, and a sum that agrees with the plainest one at any length and alignment.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void sum_check(const uint8_t *bytes, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	require(packet_checksum_sum(bytes, n) == sum);
}

static void verdicts_check(const struct packet *p)
{
	struct packet_checksums sums, known, unasked;

	packet_checksum(p, 0, &sums);
	packet_checksum(p, CHECKSUM_KNOWN_IPV4 | CHECKSUM_KNOWN_L4, &known);
	packet_checksum(p, CHECKSUM_NOT_ASKED, &unasked);
	require(sums.ipv4 < CHECKSUM_VERDICTS && sums.l4 < CHECKSUM_VERDICTS && sums.l4_proto <= CHECKSUMS);
	require(p->ip_version == 4 || sums.ipv4 == CHECKSUM_ABSENT);
	require(p->ip_version != 0 || sums.l4 == CHECKSUM_ABSENT);
	require(sums.l4_proto < CHECKSUMS || sums.l4 == CHECKSUM_ABSENT);
	if (p->fragment)
		require(sums.l4 < CHECKSUM_GOOD);
	require(unasked.ipv4 < CHECKSUM_GOOD && unasked.l4 < CHECKSUM_GOOD);
	require(known.l4_proto == sums.l4_proto && unasked.l4_proto == sums.l4_proto);
	require((known.l4 == CHECKSUM_ABSENT) == (sums.l4 == CHECKSUM_ABSENT) && (unasked.l4 == CHECKSUM_ABSENT) == (sums.l4 == CHECKSUM_ABSENT));
	require((known.ipv4 == CHECKSUM_GOOD) == (sums.ipv4 >= CHECKSUM_GOOD));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p = {0};
	uint8_t *room;
	uint32_t shift;

	if (size < 2)
		return 0;
	shift = data[1] % 32u;
	p.captured = (uint32_t)size - 2;
	p.wire = data[0] < 128 ? 0 : p.captured + data[0] - 128u;
	room = malloc(p.captured + shift + 1u);
	if (room == NULL)
		return 0;
	p.frame = room + shift + 1; // ends where the block ends
	memcpy(room + shift + 1, data + 2, p.captured);
	sum_check(p.frame, p.captured);
	packet_decode(&p);
	verdicts_check(&p);
	free(room);
	return 0;
}
