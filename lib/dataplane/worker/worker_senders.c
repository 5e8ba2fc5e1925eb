// The key is protocol and MAC in one word; a multiplicative hash, eight places tried.
#include "worker/worker_senders.h"

#include <string.h>

#include "base/span.h"

static inline unsigned place_of(uint64_t key, unsigned tried)
{
	return ((unsigned)(key * 0x9e3779b97f4a7c15ull >> 54) + tried) % WORKER_SENDERS;
}

static uint64_t key_of(const struct packet *p)
{
	struct span s = span_of(p->frame, p->captured);
	uint64_t mac;

	span_bytes(&s, 6);
	mac = (uint64_t)span_be16(&s) << 32;
	return (uint64_t)p->proto << 48 | mac | span_be32(&s);
}

static void enter(struct worker_sender *sender, const struct packet *p, uint64_t key)
{
	struct span s = span_of(p->frame, p->captured);
	uint32_t length = p->ip_version == 4 ? 4 : 16;
	const uint8_t *address;

	span_bytes(&s, p->src_at);
	address = span_bytes(&s, length);
	if (address != NULL) {
		memcpy(sender->address, address, length);
		sender->ip_version = p->ip_version;
	}
	atomic_store_explicit(&sender->key, key, memory_order_release);
}

bool worker_senders_add(struct worker_senders *senders, const struct packet *p, bool good)
{
	uint64_t key = key_of(p);

	for (unsigned tried = 0; tried < WORKER_SENDERS_TRIED; tried++) {
		struct worker_sender *sender = &senders->sender[place_of(key, tried)];
		uint64_t there = atomic_load_explicit(&sender->key, memory_order_relaxed), n;

		if (there != 0 && there != key)
			continue;
		if (there == 0)
			enter(sender, p, key);
		n = atomic_load_explicit(&sender->verdicts[good], memory_order_relaxed);
		atomic_store_explicit(&sender->verdicts[good], n + 1, memory_order_relaxed);
		return true;
	}
	return false;
}

const struct worker_sender *worker_senders_find(const struct worker_senders *senders, uint64_t key)
{
	for (unsigned tried = 0; tried < WORKER_SENDERS_TRIED; tried++) {
		const struct worker_sender *sender = &senders->sender[place_of(key, tried)];

		if (atomic_load_explicit(&sender->key, memory_order_acquire) == key)
			return sender;
	}
	return NULL;
}
