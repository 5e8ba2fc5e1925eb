#include "control/talkers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SETS = 2048, WAYS = 8, KEY_WORDS = 4, TAG_SHIFT = 32 };

// What a look at a set needs stands apart from the rest, so that it is two cache lines and not nine.
struct set {
	uint32_t tag[WAYS]; // of the key; 0: free
	uint64_t bytes[WAYS];
	struct talker talker[WAYS]; // but for bytes
};

struct talkers {
	uint64_t secret;
	struct set set[SETS];
};

struct key {
	uint8_t address[16], other[16];
	uint8_t ip_version;
};

int talkers_create(bool fixed, struct talkers **out)
{
	struct talkers *t = calloc(1, sizeof(*t));

	if (t == NULL || (!fixed && getrandom(&t->secret, sizeof(t->secret), 0) < 0)) {
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

void talkers_clear(struct talkers *t)
{
	memset(t->set, 0, sizeof(t->set));
}

static uint64_t key_hash(const struct talkers *t, const struct key *key)
{
	uint64_t h = t->secret ^ key->ip_version, word[KEY_WORDS];

	memcpy(word, key->address, sizeof(key->address));
	memcpy(word + KEY_WORDS / 2, key->other, sizeof(key->other));
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 31;
	}
	h *= 0xbf58476d1ce4e5b9ull;
	return h ^ h >> 33;
}

static bool is(const struct talker *t, const struct key *key)
{
	return t->ip_version == key->ip_version && memcmp(t->address, key->address, sizeof(key->address)) == 0 &&
	       memcmp(t->other, key->other, sizeof(key->other)) == 0;
}

// Returns whether the key was not there.
static bool add(struct talkers *t, const struct key *key, const struct record *flow)
{
	const struct record_flow *f = record_body_const(flow);
	uint64_t h = key_hash(t, key);
	struct set *set = &t->set[h % SETS];
	uint32_t tag = (uint32_t)(h >> TAG_SHIFT) | 1u;
	unsigned at = WAYS, least = 0;
	struct talker *place;
	bool fresh;

	for (unsigned i = 0; i < WAYS && at == WAYS; i++) {
		if (set->tag[i] == tag && is(&set->talker[i], key))
			at = i;
		if (set->bytes[i] < set->bytes[least]) // a free one has none
			least = i;
	}
	fresh = at == WAYS;
	at = fresh ? least : at;
	place = &set->talker[at];
	if (fresh) {
		*place = (struct talker){.ip_version = key->ip_version, .over_bytes = set->bytes[at]};
		memcpy(place->address, key->address, sizeof(place->address));
		memcpy(place->other, key->other, sizeof(place->other));
		set->tag[at] = tag;
	}
	set->bytes[at] += f->bytes[0] + f->bytes[1];
	place->pkts += f->pkts[0] + f->pkts[1];
	place->flows++;
	return fresh;
}

bool talkers_add_address(struct talkers *t, const uint8_t address[16], const struct record *flow)
{
	struct key key = {.ip_version = flow->ends.ip_version};

	memcpy(key.address, address, sizeof(key.address));
	return add(t, &key, flow);
}

void talkers_add(struct talkers *t, const struct record *flow)
{
	talkers_add_address(t, flow->ends.client, flow);
	talkers_add_address(t, flow->ends.server, flow);
}

void talkers_add_pair(struct talkers *t, const struct record *flow)
{
	const uint8_t *a = flow->ends.client, *b = flow->ends.server;
	struct key key = {.ip_version = flow->ends.ip_version};
	bool ordered = memcmp(a, b, sizeof(key.address)) <= 0;

	memcpy(key.address, ordered ? a : b, sizeof(key.address));
	memcpy(key.other, ordered ? b : a, sizeof(key.other));
	add(t, &key, flow);
}

// ---- the first of them ----

static bool before(const struct talker *a, const struct talker *b)
{
	int order;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes;
	order = memcmp(a->address, b->address, sizeof(a->address));
	order = order != 0 ? order : memcmp(a->other, b->other, sizeof(a->other));
	return order != 0 ? order < 0 : a->ip_version < b->ip_version;
}

static void top_insert(struct talker *out, unsigned *count, unsigned n, const struct talker *t)
{
	unsigned i;

	if (*count == n && (n == 0 || !before(t, &out[n - 1])))
		return;
	i = *count < n ? (*count)++ : n - 1;
	for (; i > 0 && before(t, &out[i - 1]); i--)
		out[i] = out[i - 1];
	out[i] = *t;
}

unsigned talkers_top(const struct talkers *t, struct talker *out, unsigned n)
{
	unsigned count = 0;

	for (unsigned s = 0; s < SETS; s++)
		for (unsigned i = 0; i < WAYS; i++) {
			const struct set *set = &t->set[s];
			struct talker one;

			if (set->tag[i] == 0 || (n > 0 && count == n && set->bytes[i] < out[n - 1].bytes))
				continue;
			one = set->talker[i];
			one.bytes = set->bytes[i];
			top_insert(out, &count, n, &one);
		}
	return count;
}
