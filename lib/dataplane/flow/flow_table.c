#include "flow/flow_table.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <stdio.h>
#include <string.h>

// rte_hash fills to about 95 %; an eighth more places than flows keeps inserts short and certain.
static uint32_t slots_for(uint32_t capacity)
{
	return capacity + capacity / 7 + 8;
}

static uint32_t hash_bytes_per_slot(uint32_t key)
{
	uint32_t stored = (key + 8 + 15) / 16 * 16; // key and index, 16-byte aligned

	return stored + 64 / 8 * 2 + 8;            // two bucket places (rounded to a power of two), the free list
}

static uint64_t pools_bytes(const struct flow_table_config *c)
{
	return pool_bytes(sizeof(struct flow_hostname), c->hostnames) + pool_bytes(flow_stream_block_bytes(c->stream_bytes), c->streams) +
	       2 * RTE_CACHE_LINE_SIZE;
}

uint64_t flow_table_bytes(const struct flow_table_config *c)
{
	uint64_t slots4 = slots_for(c->capacity4), slots6 = slots_for(c->capacity6);

	return (slots4 + slots6) * (sizeof(struct flow) + sizeof(struct flow_tcp) + sizeof(struct flow_cold)) + slots4 * hash_bytes_per_slot(16) +
	       slots6 * hash_bytes_per_slot(48) + pools_bytes(c);
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
}

int flow_table_create(const struct flow_table_config *c, struct flow_table **out, struct err *err)
{
	uint32_t slots4 = slots_for(c->capacity4), slots6 = slots_for(c->capacity6);
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
	t->cold = rte_zmalloc_socket("flows_cold", (size_t)t->slots * sizeof(struct flow_cold), RTE_CACHE_LINE_SIZE, c->socket);
	t->pool_memory = rte_zmalloc_socket("flow_pools", pools_bytes(c), RTE_CACHE_LINE_SIZE, c->socket);
	if (t->hash4 == NULL || t->hash6 == NULL || t->flows == NULL || t->tcp == NULL || t->cold == NULL || t->pool_memory == NULL)
		goto no_memory;
	pools_init(t, c);
	t->capacity4 = c->capacity4;
	t->capacity6 = c->capacity6;
	t->hash = c->hash != NULL ? c->hash : flow_hash_best();
	t->secret = *c->secret;
	memcpy(t->timeout_ns, c->timeout_ns, sizeof(t->timeout_ns));
	flow_wheel_init(&t->wheel);
	*out = t;
	return 0;

no_memory:
	flow_table_destroy(t);
	return err_set(err, -ENOMEM, "no memory for %u IPv4 and %u IPv6 flows (%lu MB): reserve more hugepages or lower flow.capacity",
		       c->capacity4, c->capacity6, (unsigned long)(flow_table_bytes(c) >> 20));
}

void flow_table_destroy(struct flow_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash4);
	rte_hash_free(t->hash6);
	rte_free(t->flows);
	rte_free(t->tcp);
	rte_free(t->cold);
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
static uint32_t enter(struct flow_table *t, struct rte_hash *hash, const void *key, size_t key_bytes, uint64_t sig, uint32_t base,
		      uint32_t *active, uint32_t capacity)
{
	int32_t position;
	uint32_t index;

	if (*active >= capacity) {
		position = rte_hash_lookup_with_hash(hash, key, (hash_sig_t)sig);
		return position < 0 ? FLOW_NONE : base + (uint32_t)position;
	}
	position = rte_hash_add_key_with_hash(hash, key, (hash_sig_t)sig);
	if (position < 0)
		return FLOW_NONE;
	index = base + (uint32_t)position;
	if (t->flows[index].life == FLOW_FREE) {
		t->flows[index].life = FLOW_ENTERED;
		t->cold[index].sig = (hash_sig_t)sig;
		memcpy(t->cold[index].key, key, key_bytes);
		(*active)++;
	}
	return index;
}

static uint32_t enter4(struct flow_table *t, const void *key, uint64_t sig)
{
	return enter(t, t->hash4, key, sizeof(struct flow_key4), sig, 0, &t->active4, t->capacity4);
}

static uint32_t enter6(struct flow_table *t, const void *key, uint64_t sig)
{
	return enter(t, t->hash6, key, FLOW_KEY6_USED, sig, t->slots4, &t->active6, t->capacity6);
}

// Both lines of a flow. What is no TCP has but one: it is asked for twice, which is cheaper than a branch that no one can foretell.
static inline void flow_prefetch(const struct flow_table *t, uint32_t index, uint8_t proto)
{
	const void *flow = &t->flows[index], *tcp = &t->tcp[index];

	rte_prefetch0(flow);
	rte_prefetch0(proto == IP_TCP ? tcp : flow);
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
		b->index[b->slot4[i]] = likely(positions[i] >= 0) ? (uint32_t)positions[i]
								  : enter4(t, keys[i], b->hash4[i]);
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
			b->index[b->slot6[i]] = enter6(t, keys[i], b->hash6[i]);
		}
	}
}

void flow_burst_find(struct flow_table *t, struct flow_burst *b)
{
	if (b->n4 > 0)
		find4(t, b);
	if (b->n6 > 0)
		find6(t, b);
}

void flow_reset(struct flow_table *t, uint32_t index)
{
	struct flow_cold *cold = &t->cold[index];

	flow_stream_end(&t->streams, &cold->stream[0]);
	flow_stream_end(&t->streams, &cold->stream[1]);
	if (cold->hostname != 0)
		pool_put(&t->hostnames, cold->hostname - 1);
	cold->hostname = 0;
}

static struct flow_key4 key4_kept(const struct flow_cold *cold)
{
	struct flow_key4 key;

	memcpy(&key, cold->key, sizeof(key));
	return key;
}

static struct flow_key6 key6_kept(const struct flow_cold *cold)
{
	struct flow_key6 key = {.port = {0}};

	memcpy(&key, cold->key, sizeof(cold->key));
	return key;
}

void flow_remove(struct flow_table *t, uint32_t index)
{
	struct flow_cold *cold = &t->cold[index];

	flow_reset(t, index);
	flow_wheel_take(&t->wheel, t->flows, index);
	if (index < t->slots4) {
		struct flow_key4 key = key4_kept(cold);

		rte_hash_del_key_with_hash(t->hash4, &key, cold->sig);
		t->active4--;
	} else {
		struct flow_key6 key = key6_kept(cold);

		rte_hash_del_key_with_hash(t->hash6, &key, cold->sig);
		t->active6--;
	}
	t->flows[index].life = FLOW_FREE;
}

void flow_ends(const struct flow_table *t, uint32_t index, struct record_ends *ends)
{
	const struct flow_cold *cold = &t->cold[index];
	unsigned client = t->flows[index].client;

	if (index < t->slots4) {
		struct flow_key4 key = key4_kept(cold);

		flow_key4_ends(&key, client, ends);
	} else {
		struct flow_key6 key = key6_kept(cold);

		flow_key6_ends(&key, client, ends);
	}
}

unsigned flow_sweep(struct flow_table *t, uint64_t target_ns, unsigned visits, flow_due_fn *due, void *context)
{
	struct flow_wheel *wheel = &t->wheel;
	uint64_t target = target_ns / FLOW_WHEEL_TICK_NS;

	for (; visits > 0; visits--) {
		uint32_t index = flow_wheel_next(wheel, t->flows, target);
		uint64_t due_ns;

		if (index == FLOW_WHEEL_NONE)
			break;
		due_ns = flow_due_ns(t, &t->flows[index]);
		if (due_ns / FLOW_WHEEL_TICK_NS <= wheel->tick) {
			due(context, index);
			continue;
		}
		flow_wheel_take(wheel, t->flows, index);
		flow_wheel_put(wheel, t->flows, index, due_ns);
	}
	return visits;
}
