#include "control/aggregate_hosts.h"

#include <endian.h>
#include <string.h>

#define MULTIPLIER 0xc6a4a7935bd1e995ull
enum { SEED = 0xadc83b19, MIX_SHIFT = 47, WORD = 8, HASH_BITS = 64, RANK_MAX = HASH_BITS - AGGREGATE_HOSTS_BITS + 1 };

_Static_assert(AGGREGATE_HOSTS_REGISTERS <= UINT16_MAX + 1, "a register's number is 16 bits");

// MurmurHash64A, words as little endian.
static uint64_t murmur(const uint8_t *bytes, size_t len)
{
	uint64_t h = (uint32_t)SEED ^ len * MULTIPLIER, word;

	for (; len >= WORD; bytes += WORD, len -= WORD) {
		memcpy(&word, bytes, WORD);
		word = le64toh(word) * MULTIPLIER;
		h = (h ^ (word ^ word >> MIX_SHIFT) * MULTIPLIER) * MULTIPLIER;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, bytes, len);
		h = (h ^ le64toh(word)) * MULTIPLIER;
	}
	h = (h ^ h >> MIX_SHIFT) * MULTIPLIER;
	return h ^ h >> MIX_SHIFT;
}

unsigned aggregate_hosts_register(const void *bytes, size_t len, uint8_t *rank)
{
	uint64_t h = murmur(bytes, len), rest = h >> AGGREGATE_HOSTS_BITS | 1ull << (RANK_MAX - 1);

	*rank = (uint8_t)(__builtin_ctzll(rest) + 1);
	return h & (AGGREGATE_HOSTS_REGISTERS - 1);
}

void aggregate_hosts_clear(struct aggregate_hosts *hosts)
{
	memset(hosts, 0, sizeof(*hosts));
}

void aggregate_hosts_add(struct aggregate_hosts *hosts, const uint8_t address[16], uint8_t ip_version)
{
	char text[RECORD_ADDRESS_MAX];
	size_t len = (size_t)(record_address_put(text, ip_version, address) - text);
	uint8_t rank;
	unsigned at = aggregate_hosts_register(text, len, &rank);

	if (rank <= hosts->rank[at])
		return;
	hosts->rank[at] = rank;
	memcpy(hosts->host[at].address, address, sizeof(hosts->host[at].address));
	hosts->host[at].ip_version = ip_version;
	if (hosts->queued[at])
		return;
	hosts->queued[at] = true;
	hosts->queue[(hosts->first + hosts->waiting++) % AGGREGATE_HOSTS_REGISTERS] = (uint16_t)at;
}

size_t aggregate_hosts_take(struct aggregate_hosts *hosts, char out[RECORD_ADDRESS_MAX])
{
	unsigned at = hosts->queue[hosts->first];

	if (hosts->waiting == 0)
		return 0;
	hosts->first = (hosts->first + 1) % AGGREGATE_HOSTS_REGISTERS;
	hosts->waiting--;
	hosts->queued[at] = false;
	return (size_t)(record_address_put(out, hosts->host[at].ip_version, hosts->host[at].address) - out);
}
