// A multiplicative hash finds the bucket; a full bucket takes nobody else.
#include "worker/worker_senders.h"

#include <string.h>

#include "base/span.h"

enum { NONE = WORKER_SENDERS };

static unsigned bucket_of(uint64_t key)
{
	return (unsigned)(key * 0x9e3779b97f4a7c15ull >> 40) % (WORKER_SENDERS / WORKER_SENDERS_BUCKET) * WORKER_SENDERS_BUCKET;
}

static uint64_t key_of(const struct packet *p)
{
	struct span s = span_of(p->frame, p->captured);
	uint64_t mac;

	span_bytes(&s, 6);
	mac = (uint64_t)span_be16(&s) << 32;
	return (uint64_t)p->proto << 48 | mac | span_be32(&s);
}

// The place of key, or with key 0 a free one, in the bucket from `first` on.
static unsigned place_of(const struct worker_senders *senders, unsigned first, uint64_t key)
{
	for (unsigned i = first; i < first + WORKER_SENDERS_BUCKET; i++)
		if (atomic_load_explicit(&senders->key[i], memory_order_acquire) == key)
			return i;
	return NONE;
}

static void enter(struct worker_senders *senders, unsigned place, const struct packet *p, uint64_t key)
{
	struct worker_sender *sender = &senders->sender[place];
	struct span s = span_of(p->frame, p->captured);
	uint32_t length = p->ip_version == 4 ? 4 : 16;
	const uint8_t *address;

	span_bytes(&s, p->src_at);
	address = span_bytes(&s, length);
	if (address != NULL) {
		memcpy(sender->address, address, length);
		sender->ip_version = p->ip_version;
	}
	senders->used++;
	atomic_store_explicit(&senders->key[place], key, memory_order_release);
}

bool worker_senders_bad(struct worker_senders *senders, const struct packet *p)
{
	uint64_t key = key_of(p), bad;
	unsigned first = bucket_of(key), place = place_of(senders, first, key);

	if (place == NONE && (place = place_of(senders, first, 0)) != NONE)
		enter(senders, place, p, key);
	if (place == NONE)
		return false;
	bad = atomic_load_explicit(&senders->sender[place].bad, memory_order_relaxed);
	atomic_store_explicit(&senders->sender[place].bad, bad + 1, memory_order_relaxed);
	return true;
}

void worker_senders_good_slowly(struct worker_senders *senders, const struct packet *p)
{
	uint64_t key = key_of(p);
	unsigned place = place_of(senders, bucket_of(key), key);

	if (place != NONE)
		atomic_store_explicit(&senders->sender[place].good, true, memory_order_relaxed);
}

const struct worker_sender *worker_senders_find(const struct worker_senders *senders, uint64_t key)
{
	unsigned place = place_of(senders, bucket_of(key), key);

	return place != NONE ? &senders->sender[place] : NULL;
}
