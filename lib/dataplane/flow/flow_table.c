#include "flow/flow_table.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <string.h>

enum { BUCKET_PLACES = 8, BUCKET_BYTES = 64, SPARE_PLACES = 8 };

// rte_hash has a power of two of bucket places and fills them to about 95 %. Up to seven eighths inserts are short and certain; for
// more flows than that one place more makes it twice as many.
static uint32_t slots_for(uint32_t capacity)
{
	uint32_t places = rte_align32pow2(capacity + SPARE_PLACES);

	return capacity <= places / 8 * 7 ? capacity + SPARE_PLACES : places + 1;
}

// Keys with their data, buckets, and the ring of free places.
static uint64_t hash_bytes(uint64_t slots, uint32_t key)
{
	uint64_t places = rte_align64pow2(slots);

	return slots * RTE_ALIGN_CEIL(key + sizeof(void *), 16) + places / BUCKET_PLACES * BUCKET_BYTES + places * sizeof(uint32_t);
}

static uint32_t firsts_of(const struct flow_table_config *c)
{
	return RTE_MIN(c->first_packets, (uint32_t)RECORD_FIRSTS_MAX);
}

static uint32_t detail_bytes(const struct flow_table_config *c)
{
	return flow_detail_bytes(firsts_of(c));
}

static uint64_t pools_bytes(const struct flow_table_config *c)
{
	return pool_bytes(sizeof(struct flow_hostname), c->hostnames) + pool_bytes(detail_bytes(c), c->details) +
	       pool_bytes(sizeof(struct flow_watch), c->watches) + pool_bytes(flow_stream_block_bytes(c->stream_bytes), c->streams) +
	       4 * RTE_CACHE_LINE_SIZE;
}

void flow_table_memory(const struct flow_table_config *c, struct memory *m)
{
	uint64_t slots4 = slots_for(c->capacity4), slots6 = slots_for(c->capacity6);

	memory_put(m, "flow state, hot", slots4 + slots6, (slots4 + slots6) * sizeof(struct flow));
	memory_put(m, "flow state, TCP", slots4 + slots6, (slots4 + slots6) * sizeof(struct flow_tcp));
	memory_put(m, "flow state, cold", slots4 + slots6, (slots4 + slots6) * sizeof(struct flow_cold));
	memory_put(m, "flow hash, IPv4", slots4, hash_bytes(slots4, sizeof(struct flow_key4)));
	memory_put(m, "flow hash, IPv6", slots6, hash_bytes(slots6, sizeof(struct flow_key6)) + slots6 * FLOW_KEY6_USED);
	memory_put(m, "expiry wheel", slots4 + slots6, sizeof(struct flow_table) + (slots4 + slots6) * sizeof(struct flow_link));
	memory_put(m, "stream buffers", c->streams, pool_bytes(flow_stream_block_bytes(c->stream_bytes), c->streams) + RTE_CACHE_LINE_SIZE);
	memory_put(m, "host names", c->hostnames, pool_bytes(sizeof(struct flow_hostname), c->hostnames) + RTE_CACHE_LINE_SIZE);
	memory_put(m, "long flows", c->watches, pool_bytes(sizeof(struct flow_watch), c->watches) + RTE_CACHE_LINE_SIZE);
	memory_put(m, "flow details", c->details, pool_bytes(detail_bytes(c), c->details) + RTE_CACHE_LINE_SIZE);
}

static struct rte_hash *hash_create(const struct flow_table_config *c, const char *family, uint32_t slots, uint32_t key)
{
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters parameters = {
		.name = name,
		.entries = slots,
		.key_len = key,
		.socket_id = c->socket,
	};

	snprintf(name, sizeof(name), "flow%s_%u", family, c->id);
	return rte_hash_create(&parameters);
}

static void pools_init(struct flow_table *t, const struct flow_table_config *c)
{
	uint32_t block = flow_stream_block_bytes(c->stream_bytes);
	uint8_t *at = t->pool_memory;

	pool_init(&t->streams.pool, at, block, c->streams);
	t->streams.bytes = c->stream_bytes;
	at += RTE_ALIGN_CEIL(pool_bytes(block, c->streams), RTE_CACHE_LINE_SIZE);
	pool_init(&t->hostnames, at, sizeof(struct flow_hostname), c->hostnames);
	at += RTE_ALIGN_CEIL(pool_bytes(sizeof(struct flow_hostname), c->hostnames), RTE_CACHE_LINE_SIZE);
	pool_init(&t->details, at, detail_bytes(c), c->details);
	at += RTE_ALIGN_CEIL(pool_bytes(detail_bytes(c), c->details), RTE_CACHE_LINE_SIZE);
	pool_init(&t->watches, at, sizeof(struct flow_watch), c->watches);
}

int flow_table_create(const struct flow_table_config *c, struct flow_table **out, struct err *err)
{
	uint32_t slots4 = slots_for(c->capacity4), slots6 = slots_for(c->capacity6);
	struct memory memory = {0};
	struct flow_table *t = rte_zmalloc_socket("flow_table", sizeof(*t), RTE_CACHE_LINE_SIZE, c->socket);

	if (t == NULL)
		goto no_memory;
	t->hash4 = hash_create(c, "4", slots4, sizeof(struct flow_key4));
	t->hash6 = hash_create(c, "6", slots6, sizeof(struct flow_key6));
	// positions of rte_hash are 0 .. entries - 1
	t->slots4 = slots4;
	t->slots = slots4 + slots6;
	t->flows = rte_zmalloc_socket("flows", (size_t)t->slots * sizeof(struct flow), RTE_CACHE_LINE_SIZE, c->socket);
	t->tcp = rte_zmalloc_socket("flows_tcp", (size_t)t->slots * sizeof(struct flow_tcp), RTE_CACHE_LINE_SIZE, c->socket);
	t->links = rte_zmalloc_socket("flow_links", (size_t)t->slots * sizeof(struct flow_link), RTE_CACHE_LINE_SIZE, c->socket);
	t->cold = rte_zmalloc_socket("flows_cold", (size_t)t->slots * sizeof(struct flow_cold), RTE_CACHE_LINE_SIZE, c->socket);
	t->keys6 = rte_zmalloc_socket("flow_keys6", (size_t)slots6 * FLOW_KEY6_USED, RTE_CACHE_LINE_SIZE, c->socket);
	t->pool_memory = rte_zmalloc_socket("flow_pools", pools_bytes(c), RTE_CACHE_LINE_SIZE, c->socket);
	if (t->hash4 == NULL || t->hash6 == NULL || t->flows == NULL || t->tcp == NULL || t->links == NULL || t->cold == NULL ||
	    t->keys6 == NULL || t->pool_memory == NULL)
		goto no_memory;
	pools_init(t, c);
	t->capacity4 = c->capacity4;
	t->capacity6 = c->capacity6;
	t->hash = c->hash != NULL ? c->hash : flow_hash_best();
	t->secret = *c->secret;
	t->interim_ns = c->interim_ns;
	t->elephant_bps = c->elephant_bps;
	t->first_packets = firsts_of(c);
	t->evict = c->evict;
	t->evict_context = c->evict_context;
	memcpy(t->timeout_ns, c->timeout_ns, sizeof(t->timeout_ns));
	flow_wheel_init(&t->wheel);
	*out = t;
	return 0;

no_memory:
	flow_table_destroy(t);
	flow_table_memory(c, &memory);
	return err_set(err, -ENOMEM, "no memory for %u IPv4 and %u IPv6 flows (%lu MB): reserve more hugepages or lower flow.capacity",
		       c->capacity4, c->capacity6, (unsigned long)(memory_bytes(&memory) >> 20));
}

void flow_table_destroy(struct flow_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash4);
	rte_hash_free(t->hash6);
	rte_free(t->flows);
	rte_free(t->tcp);
	rte_free(t->links);
	rte_free(t->cold);
	rte_free(t->keys6);
	rte_free(t->pool_memory);
	rte_free(t);
}

void flow_burst_hash(struct flow_table *t, struct flow_burst *b)
{
	if (b->n4 > 0)
		t->hash->hash4(&t->secret, b->key4, b->n4, b->hash4);
	if (b->n6 > 0)
		t->hash->hash6(&t->secret, b->key6, b->n6, b->hash6);
}

// A key that is not in the table yet (or that an earlier packet of this burst has just entered).
static uint32_t enter(struct flow_table *t, const struct flow_burst *b, unsigned family, const void *key, uint64_t sig)
{
	struct rte_hash *hash = family == 0 ? t->hash4 : t->hash6;
	uint32_t base = family == 0 ? 0 : t->slots4, *active = family == 0 ? &t->active4 : &t->active6;
	uint32_t capacity = family == 0 ? t->capacity4 : t->capacity6;
	int32_t position;
	uint32_t index;

	if (unlikely(*active >= capacity)) {
		position = rte_hash_lookup_with_hash(hash, key, (hash_sig_t)sig);
		if (position >= 0)
			return base + (uint32_t)position;
		if (!flow_evict(t, b, family))
			return FLOW_NONE;
	}
	position = rte_hash_add_key_with_hash(hash, key, (hash_sig_t)sig);
	if (position < 0)
		return FLOW_NONE;
	index = base + (uint32_t)position;
	if (t->flows[index].life == FLOW_FREE) {
		t->flows[index].life = FLOW_ENTERED;
		if (family == 0)
			memcpy(t->cold[index].key4, key, sizeof(struct flow_key4));
		else
			memcpy(t->keys6[index - base], key, FLOW_KEY6_USED);
		(*active)++;
	}
	return index;
}

// Both lines of a flow. What is neither TCP nor UDP has but one: it is asked for twice, which is cheaper than a branch that no one can foretell.
static inline void flow_prefetch(const struct flow_table *t, uint32_t index, uint8_t proto)
{
	const void *flow = &t->flows[index], *tcp = &t->tcp[index];

	rte_prefetch0(flow);
	rte_prefetch0(((proto == IP_TCP) | (proto == IP_UDP)) != 0 ? tcp : flow);
}

static void find4(struct flow_table *t, struct flow_burst *b)
{
	const void *keys[FLOW_BURST_MAX];
	hash_sig_t sigs[FLOW_BURST_MAX];
	int32_t positions[FLOW_BURST_MAX];

	for (unsigned i = 0; i < b->n4; i++) {
		keys[i] = &b->key4[i];
		sigs[i] = (hash_sig_t)b->hash4[i];
	}
	rte_hash_lookup_with_hash_bulk(t->hash4, keys, sigs, b->n4, positions);
	for (unsigned i = 0; i < b->n4; i++)
		if (likely(positions[i] >= 0))
			flow_prefetch(t, (uint32_t)positions[i], b->key4[i].proto);
	for (unsigned i = 0; i < b->n4; i++)
		b->index[b->slot4[i]] = likely(positions[i] >= 0) ? (uint32_t)positions[i] : FLOW_NONE;
}

static void find6(struct flow_table *t, struct flow_burst *b)
{
	const void *keys[FLOW_BURST_MAX];
	hash_sig_t sigs[FLOW_BURST_MAX];
	int32_t positions[FLOW_BURST_MAX];

	for (unsigned i = 0; i < b->n6; i++) {
		keys[i] = &b->key6[i];
		sigs[i] = (hash_sig_t)b->hash6[i];
	}
	rte_hash_lookup_with_hash_bulk(t->hash6, keys, sigs, b->n6, positions);
	for (unsigned i = 0; i < b->n6; i++) {
		if (positions[i] >= 0) {
			b->index[b->slot6[i]] = t->slots4 + (uint32_t)positions[i];
			flow_prefetch(t, b->index[b->slot6[i]], b->key6[i].proto);
		} else {
			b->index[b->slot6[i]] = FLOW_NONE;
		}
	}
}

// All that is there has been found before any is entered: what makes way for a new flow must not be one that this burst needs.
static void enter_missing(struct flow_table *t, struct flow_burst *b)
{
	for (unsigned i = 0; i < b->n4; i++)
		if (unlikely(b->index[b->slot4[i]] == FLOW_NONE))
			b->index[b->slot4[i]] = enter(t, b, 0, &b->key4[i], b->hash4[i]);
	for (unsigned i = 0; i < b->n6; i++)
		if (unlikely(b->index[b->slot6[i]] == FLOW_NONE))
			b->index[b->slot6[i]] = enter(t, b, 1, &b->key6[i], b->hash6[i]);
}

void flow_burst_find(struct flow_table *t, struct flow_burst *b)
{
	if (b->n4 > 0)
		find4(t, b);
	if (b->n6 > 0)
		find6(t, b);
	enter_missing(t, b);
}

void flow_reset(struct flow_table *t, uint32_t index)
{
	struct flow_cold *cold = &t->cold[index];

	flow_unanswered_take(t, index);
	flow_stream_end(&t->streams, &cold->stream[0]);
	flow_stream_end(&t->streams, &cold->stream[1]);
	if (cold->hostname != 0)
		pool_put(&t->hostnames, cold->hostname - 1);
	if (cold->detail != 0)
		pool_put(&t->details, cold->detail - 1);
	if (cold->watch != 0)
		pool_put(&t->watches, cold->watch - 1);
	cold->hostname = cold->detail = cold->watch = 0;
}

static struct flow_key4 key4_kept(const struct flow_cold *cold)
{
	struct flow_key4 key;

	memcpy(&key, cold->key4, sizeof(key));
	return key;
}

static struct flow_key6 key6_kept(const struct flow_table *t, uint32_t index)
{
	struct flow_key6 key = {.port = {0}};

	memcpy(&key, t->keys6[index - t->slots4], FLOW_KEY6_USED);
	return key;
}

void flow_remove(struct flow_table *t, uint32_t index)
{
	struct flow_cold *cold = &t->cold[index];
	uint64_t hash;

	flow_reset(t, index);
	flow_wheel_take(&t->wheel, t->links, index);
	if (index < t->slots4) {
		struct flow_key4 key = key4_kept(cold);

		t->hash->hash4(&t->secret, &key, 1, &hash);
		rte_hash_del_key_with_hash(t->hash4, &key, (hash_sig_t)hash);
		t->active4--;
	} else {
		struct flow_key6 key = key6_kept(t, index);

		t->hash->hash6(&t->secret, &key, 1, &hash);
		rte_hash_del_key_with_hash(t->hash6, &key, (hash_sig_t)hash);
		t->active6--;
	}
	t->flows[index].life = FLOW_FREE;
}

// VLAN ids are those of the flow's first packet: its key may have been made without them, or with more than them.
static void vlans_put(const struct flow_table *t, const struct flow_cold *cold, struct record_ends *ends)
{
	const struct flow_detail *detail = cold->detail != 0 ? pool_at(&t->details, cold->detail - 1) : NULL;

	if (detail == NULL)
		return;
	ends->vlans = detail->vlans;
	memcpy(ends->vlan, detail->vlan, sizeof(ends->vlan));
}

void flow_ends(const struct flow_table *t, uint32_t index, struct record_ends *ends)
{
	const struct flow_cold *cold = &t->cold[index];
	unsigned client = t->flows[index].client;

	if (index < t->slots4) {
		struct flow_key4 key = key4_kept(cold);

		flow_key4_ends(&key, client, ends);
	} else {
		struct flow_key6 key = key6_kept(t, index);

		flow_key6_ends(&key, client, ends);
	}
	vlans_put(t, cold, ends);
}

unsigned flow_sweep(struct flow_table *t, uint64_t target_ns, unsigned visits, flow_due_fn *due, void *context)
{
	struct flow_wheel *wheel = &t->wheel;
	uint64_t target = target_ns / FLOW_WHEEL_TICK_NS;

	if (unlikely(atomic_load_explicit(&t->emergency, memory_order_relaxed)))
		flow_emergency_look(t);
	for (; visits > 0; visits--) {
		uint32_t index = flow_wheel_next(wheel, t->links, target);
		uint64_t due_ns;

		if (index == FLOW_WHEEL_NONE)
			break;
		due_ns = flow_due_ns(t, &t->flows[index]);
		if (due_ns / FLOW_WHEEL_TICK_NS <= wheel->tick) {
			due(context, index);
			continue;
		}
		flow_wheel_take(wheel, t->links, index);
		flow_wheel_put(wheel, t->links, index, due_ns);
	}
	return visits;
}
