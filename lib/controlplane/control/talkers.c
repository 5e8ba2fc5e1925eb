#include "control/talkers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SETS = 2048, WAYS = 8 };

struct talkers {
	uint64_t secret; // an attacker must not choose who shares a set
	struct talker set[SETS][WAYS];
};

int talkers_create(struct talkers **out)
{
	struct talkers *t = calloc(1, sizeof(*t));

	if (t == NULL || getrandom(&t->secret, sizeof(t->secret), 0) < 0) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void talkers_destroy(struct talkers *t)
{
	free(t);
}

static struct talker *set_of(struct talkers *t, const uint8_t address[16])
{
	uint64_t word[2], h;

	memcpy(word, address, sizeof(word));
	h = (word[0] ^ t->secret) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 31 ^ word[1]) * 0xbf58476d1ce4e5b9ull;
	return t->set[(h ^ h >> 33) % SETS];
}

static void add_one(struct talkers *t, const uint8_t address[16], uint8_t ip_version, uint64_t pkts, uint64_t bytes)
{
	struct talker *set = set_of(t, address), *place = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].ip_version == ip_version && memcmp(set[i].address, address, 16) == 0) {
			place = &set[i];
			break;
		}
		if (set[i].bytes < place->bytes)
			place = &set[i];
	}
	if (place->ip_version != ip_version || memcmp(place->address, address, 16) != 0) {
		memcpy(place->address, address, 16);
		place->ip_version = ip_version;
		place->over_bytes = place->bytes;
		place->pkts = place->flows = 0;
	}
	place->bytes += bytes;
	place->pkts += pkts;
	place->flows++;
}

void talkers_add(struct talkers *t, const struct record *flow)
{
	const struct record_flow *f = record_body_const(flow);
	uint64_t pkts = f->pkts[0] + f->pkts[1], bytes = f->bytes[0] + f->bytes[1];

	add_one(t, flow->ends.client, flow->ends.ip_version, pkts, bytes);
	add_one(t, flow->ends.server, flow->ends.ip_version, pkts, bytes);
}

static void top_insert(struct talker *out, unsigned *count, unsigned n, const struct talker *t)
{
	unsigned i;

	if (*count == n && (n == 0 || out[n - 1].bytes >= t->bytes))
		return;
	i = *count < n ? (*count)++ : n - 1;
	for (; i > 0 && out[i - 1].bytes < t->bytes; i--)
		out[i] = out[i - 1];
	out[i] = *t;
}

unsigned talkers_top(const struct talkers *t, struct talker *out, unsigned n)
{
	unsigned count = 0;

	for (unsigned s = 0; s < SETS; s++)
		for (unsigned i = 0; i < WAYS; i++)
			if (t->set[s][i].ip_version != 0)
				top_insert(out, &count, n, &t->set[s][i]);
	return count;
}
