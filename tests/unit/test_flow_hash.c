// The flow hash: that it is the function it says, that both directions of a flow have one key, that each input bit moves every
// output bit, and that neither tuples made to collide under a CRC nor tuples that count up keep a flow out of the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "flow/flow_table.h"

enum {
	CAPACITY = 114680, // with the spare eighth just below a power of two: the fullest that a table's buckets can get
	CRAFTED = 65536,
};

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1dull;
}

static void random_fill(uint64_t *x, void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(next_random(x) >> 56);
}

// ---- the functions themselves ----

// Made with two other implementations: the bytes 7 * i + 3 in a file, then `openssl mac -in FILE -macopt hexkey:KEY -macopt size:8
// -macopt c-rounds:1 -macopt d-rounds:3 SipHash` (its output is the little-endian bytes); the rows of the zero key are also
// hash(bytes) of CPython 3.11 under PYTHONHASHSEED=0.
static void test_siphash_vectors(void **state)
{
	static const struct {
		uint64_t k0, k1, of16, of48;
	} rows[] = {
		{0, 0, 0xd1c94d62751d7b7bull, 0x2f105d4164f9f7b0ull},
		{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull, 0x4a03ed90335c4783ull, 0x9120834baed07a8eull},
	};
	struct flow_key4 key4;
	struct flow_key6 key6;
	uint8_t bytes[48];
	uint64_t out;

	(void)state;
	for (unsigned i = 0; i < 48; i++)
		bytes[i] = (uint8_t)(7 * i + 3);
	memcpy(&key4, bytes, sizeof(key4));
	memcpy(&key6, bytes, sizeof(key6));
	for (unsigned i = 0; i < 2; i++) {
		struct flow_secret secret = {.word = {rows[i].k0, rows[i].k1}};

		flow_hash_siphash.hash4(&secret, &key4, 1, &out);
		assert_true(out == rows[i].of16);
		flow_hash_siphash.hash6(&secret, &key6, 1, &out);
		assert_true(out == rows[i].of48);
	}
}

// FIPS 197, byte by byte, to hold the instructions against.
static uint8_t gf_times(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			product ^= a;
		a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
	}
	return product;
}

static uint8_t sub_byte(uint8_t a)
{
	uint8_t inverse = 0, out = 0x63;

	for (unsigned b = 1; a != 0 && b < 256; b++)
		if (gf_times(a, (uint8_t)b) == 1)
			inverse = (uint8_t)b;
	for (unsigned turn = 0; turn < 5; turn++)
		out ^= (uint8_t)(inverse << turn | inverse >> (8 - turn));
	return out;
}

static void aes_round(uint8_t s[16], const void *round_key)
{
	static const uint8_t mix[4] = {2, 3, 1, 1};
	uint8_t t[16], k[16];

	memcpy(k, round_key, 16);
	for (unsigned i = 0; i < 16; i++)
		t[i] = sub_byte(s[(i + 4 * (i % 4)) % 16]);
	for (unsigned i = 0; i < 16; i++) {
		s[i] = k[i];
		for (unsigned row = 0; row < 4; row++)
			s[i] ^= gf_times(t[i / 4 * 4 + row], mix[(row + 4 - i % 4) % 4]);
	}
}

static uint64_t aes_reference(const struct flow_secret *secret, const void *bytes, unsigned blocks)
{
	uint8_t s[16];
	uint64_t half[2];

	memcpy(s, secret->word, 16);
	for (unsigned b = 0; b < blocks; b++) {
		for (unsigned i = 0; i < 16; i++)
			s[i] ^= ((const uint8_t *)bytes)[b * 16 + i];
		for (unsigned round = 1; round <= 4; round++)
			aes_round(s, &secret->word[2 * round]);
	}
	memcpy(half, s, 16);
	return half[0] ^ half[1];
}

static void test_aes_reference(void **state)
{
	const struct flow_hash_ops *ops = flow_hash_best();
	uint64_t x = 1, out;

	(void)state;
	assert_int_equal(sub_byte(0x53), 0xed); // the standard's own example
	if (strcmp(ops->name, "aes") != 0)
		skip();
	for (unsigned i = 0; i < 50; i++) {
		struct flow_secret secret;
		struct flow_key4 key4;
		struct flow_key6 key6;

		random_fill(&x, &secret, sizeof(secret));
		random_fill(&x, &key4, sizeof(key4));
		random_fill(&x, &key6, sizeof(key6));
		ops->hash4(&secret, &key4, 1, &out);
		assert_true(out == aes_reference(&secret, &key4, 1));
		ops->hash6(&secret, &key6, 1, &out);
		assert_true(out == aes_reference(&secret, &key6, 3));
	}
}

static void test_bursts(void **state)
{
	const struct flow_hash_ops *all[] = {flow_hash_best(), &flow_hash_siphash};
	struct flow_key4 key[FLOW_BURST_MAX];
	struct flow_secret secret;
	uint64_t x = 2, together[FLOW_BURST_MAX], alone;

	(void)state;
	flow_secret_draw(&secret, true);
	random_fill(&x, key, sizeof(key));
	for (unsigned k = 0; k < 2; k++) {
		all[k]->hash4(&secret, key, FLOW_BURST_MAX, together);
		for (unsigned i = 0; i < FLOW_BURST_MAX; i++) {
			all[k]->hash4(&secret, &key[i], 1, &alone);
			assert_true(alone == together[i]);
		}
	}
}

static void test_secret(void **state)
{
	struct flow_secret a, b;

	(void)state;
	flow_secret_draw(&a, true);
	flow_secret_draw(&b, true);
	assert_memory_equal(&a, &b, sizeof(a));
	flow_secret_draw(&b, false);
	assert_memory_not_equal(&a, &b, sizeof(a));
	flow_secret_draw(&a, false);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

// ---- one key for both directions ----

static struct packet random_packet(uint64_t *x, uint8_t *frame, uint8_t ip_version, bool same_address)
{
	uint16_t address = ip_version == 4 ? 4 : 16;
	struct packet p = {.frame = frame, .ip_version = ip_version, .src_at = 0, .dst_at = address};

	random_fill(x, frame, 2 * (size_t)address);
	if (same_address)
		memcpy(frame + address, frame, address);
	p.proto = (uint8_t)next_random(x);
	p.src_port = (uint16_t)next_random(x);
	p.dst_port = next_random(x) % 8 == 0 ? p.src_port : (uint16_t)next_random(x);
	p.vlans = (uint8_t)(next_random(x) % 3);
	p.vlan[0] = (uint16_t)next_random(x) & 0xfff;
	p.vlan[1] = (uint16_t)next_random(x) & 0xfff;
	return p;
}

static struct packet reversed(const struct packet *p)
{
	struct packet back = *p;

	back.src_at = p->dst_at;
	back.dst_at = p->src_at;
	back.src_port = p->dst_port;
	back.dst_port = p->src_port;
	return back;
}

static void ends_check(const struct packet *p, const struct record_ends *ends)
{
	size_t address = p->ip_version == 4 ? 4 : 16;

	assert_memory_equal(ends->client, p->frame + p->src_at, address);
	assert_memory_equal(ends->server, p->frame + p->dst_at, address);
	assert_int_equal(ends->client_port, p->src_port);
	assert_int_equal(ends->server_port, p->dst_port);
	assert_int_equal(ends->proto, p->proto);
	assert_int_equal(ends->ip_version, p->ip_version);
}

static void test_key_is_symmetric(void **state)
{
	uint8_t frame[32];
	uint64_t x = 3;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct packet p = random_packet(&x, frame, i % 2 ? 4 : 6, i % 8 < 2), back = reversed(&p);
		bool one_end = memcmp(frame, frame + p.dst_at, p.dst_at) == 0 && p.src_port == p.dst_port;
		struct record_ends ends;
		unsigned src, back_src;

		if (p.ip_version == 4) {
			struct flow_key4 a, b;

			src = flow_key4_of(&p, 0, &a);
			back_src = flow_key4_of(&back, 0, &b);
			assert_memory_equal(&a, &b, sizeof(a));
			flow_key4_ends(&a, src, &ends);
		} else {
			struct flow_key6 a, b;

			src = flow_key6_of(&p, 0, &a);
			back_src = flow_key6_of(&back, 0, &b);
			assert_memory_equal(&a, &b, sizeof(a));
			flow_key6_ends(&a, src, &ends);
		}
		assert_true(one_end || src != back_src);
		ends_check(&p, &ends);
	}
}

static void test_key_tells_vlans_apart(void **state)
{
	uint8_t frame[32];
	uint64_t x = 4;
	struct packet p = random_packet(&x, frame, 4, false), q;
	struct flow_key4 a, b;

	(void)state;
	p.vlans = 2;
	p.vlan[0] = 0x123;
	p.vlan[1] = 0x456;
	q = p;
	q.vlan[0] = 0x456;
	q.vlan[1] = 0x123;
	flow_key4_of(&p, 0, &a);
	flow_key4_of(&q, 0, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
	q = p;
	q.vlans = 1;
	flow_key4_of(&q, 0, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
	q.vlans = 0;
	flow_key4_of(&p, 0, &b);
	flow_key4_of(&q, 0, &a);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

// The ids of virtual networks tell flows apart, those that only one direction has do not; each may be left out.
static void test_key_and_networks(void **state)
{
	static const uint8_t networks[] = {TUNNEL_VXLAN, TUNNEL_VXLAN_GPE, TUNNEL_GENEVE, TUNNEL_NVGRE};
	uint8_t frame[32];
	uint64_t x = 5;
	struct packet p = random_packet(&x, frame, 4, false), q;
	struct flow_key4 a, b;

	(void)state;
	p.tunnels = 1;
	p.vlans = 1;
	p.vlan[0] = 7;
	p.outer = (struct packet_outer){.id_known = true, .id = 1};
	for (unsigned kind = TUNNEL_NONE + 1; kind < TUNNEL_KINDS; kind++) {
		bool network = memchr(networks, (int)kind, sizeof(networks)) != NULL;

		p.outer.kind = (uint8_t)kind;
		q = p;
		q.outer.id = 2;
		flow_key4_of(&p, 0, &a);
		flow_key4_of(&q, 0, &b);
		assert_int_equal(memcmp(&a, &b, sizeof(a)) != 0, network);
		flow_key4_of(&p, FLOW_KEY_WITHOUT_NETWORK, &a);
		flow_key4_of(&q, FLOW_KEY_WITHOUT_NETWORK, &b);
		assert_memory_equal(&a, &b, sizeof(a));
		q = p;
		q.vlan[0] = 8;
		flow_key4_of(&p, 0, &a);
		flow_key4_of(&q, 0, &b);
		assert_memory_not_equal(&a, &b, sizeof(a));
		flow_key4_of(&p, FLOW_KEY_WITHOUT_VLAN, &a);
		flow_key4_of(&q, FLOW_KEY_WITHOUT_VLAN, &b);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

// ---- avalanche ----

static uint64_t hash_one(const struct flow_hash_ops *ops, const struct flow_secret *secret, const void *key, bool four)
{
	uint64_t out;

	if (four)
		ops->hash4(secret, key, 1, &out);
	else
		ops->hash6(secret, key, 1, &out);
	return out;
}

// With 1000 keys a fair output bit flips 500 times, give or take 16: five of those either side is never left by a good function
// (9216 bits are looked at).
static void avalanche_check(const struct flow_hash_ops *ops, bool four, unsigned bytes)
{
	enum { KEYS = 1000, SLACK = 5 * 16 };
	struct flow_secret secret;
	uint64_t x = 5;

	flow_secret_draw(&secret, true);
	for (unsigned bit = 0; bit < bytes * 8; bit++) {
		unsigned flips[64] = {0};

		for (unsigned i = 0; i < KEYS; i++) {
			uint8_t key[48] __attribute__((aligned(16))) = {0};
			uint64_t before, changed;

			random_fill(&x, key, bytes);
			before = hash_one(ops, &secret, key, four);
			key[bit / 8] ^= (uint8_t)(1u << bit % 8);
			changed = before ^ hash_one(ops, &secret, key, four);
			for (unsigned k = 0; k < 64; k++)
				flips[k] += (changed >> k & 1) != 0;
		}
		for (unsigned k = 0; k < 64; k++)
			assert_in_range(flips[k], KEYS / 2 - SLACK, KEYS / 2 + SLACK);
	}
}

static void test_avalanche(void **state)
{
	(void)state;
	avalanche_check(flow_hash_best(), true, 16);
	avalanche_check(flow_hash_best(), false, FLOW_KEY6_USED);
	avalanche_check(&flow_hash_siphash, true, 16);
	avalanche_check(&flow_hash_siphash, false, FLOW_KEY6_USED);
}

// ---- tuples made to do harm ----

// Bits of a key that an attacker is free to choose: addresses and ports, but for the bits that keep the ends in order.
static unsigned free_bits(unsigned *bit)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 96; i++)
		if (i != 31 && i != 63)
			bit[n++] = i;
	return n;
}

static uint32_t crc_of_bit(unsigned bit)
{
	uint8_t zero[16] = {0}, one[16] = {0};

	one[bit / 8] = (uint8_t)(1u << bit % 8);
	return rte_hash_crc(zero, 16, 0) ^ rte_hash_crc(one, 16, 0);
}

struct combination {
	uint32_t crc;
	uint8_t bits[12];
};

// Gauss over GF(2): combinations of bits whose changes of the CRC cancel. Every sum of them, on any key and under any seed, leaves
// the CRC as it was.
static unsigned kernel_find(struct combination *kernel, unsigned max)
{
	struct combination pivot[32];
	bool have[32] = {false};
	unsigned bit[96], n = free_bits(bit), found = 0;

	for (unsigned i = 0; i < n && found < max; i++) {
		struct combination c = {.crc = crc_of_bit(bit[i])};

		c.bits[bit[i] / 8] = (uint8_t)(1u << bit[i] % 8);
		while (c.crc != 0) {
			unsigned top = 31 - (unsigned)__builtin_clz(c.crc);

			if (!have[top]) {
				pivot[top] = c;
				have[top] = true;
				break;
			}
			c.crc ^= pivot[top].crc;
			for (unsigned k = 0; k < sizeof(c.bits); k++)
				c.bits[k] ^= pivot[top].bits[k];
		}
		if (c.crc == 0)
			kernel[found++] = c;
	}
	return found;
}

static void craft(struct flow_key4 *keys)
{
	struct flow_key4 base = {.addr = {0x0100000a, 0x8200000a}, .port = {1024, 80}, .proto = IP_TCP};
	struct combination kernel[16];

	assert_int_equal(kernel_find(kernel, 16), 16);
	for (unsigned i = 0; i < CRAFTED; i++) {
		keys[i] = base;
		for (unsigned k = 0; k < 16; k++)
			for (unsigned b = 0; (i >> k & 1) != 0 && b < 12; b++)
				((uint8_t *)&keys[i])[b] ^= kernel[k].bits[b];
		assert_true(rte_hash_crc(&keys[i], 16, 0) == rte_hash_crc(&base, 16, 0));
		assert_true(rte_hash_crc(&keys[i], 16, 0xdeadbeef) == rte_hash_crc(&base, 16, 0xdeadbeef));
	}
}

static unsigned crc_places(const struct flow_key4 *keys, unsigned n)
{
	struct rte_hash_parameters parameters = {.name = "crc", .entries = CAPACITY, .key_len = 16, .hash_func = rte_hash_crc};
	struct rte_hash *hash = rte_hash_create(&parameters);
	unsigned placed = 0;

	assert_non_null(hash);
	for (unsigned i = 0; i < n; i++)
		placed += rte_hash_add_key(hash, &keys[i]) >= 0;
	rte_hash_free(hash);
	return placed;
}

static void places_check(const struct flow_hash_ops *ops, const struct flow_key4 *keys, unsigned n)
{
	static struct flow_burst b;
	struct flow_secret secret;
	struct flow_table_config config = {.capacity4 = n, .capacity6 = 8, .stream_bytes = 440, .secret = &secret, .hash = ops};
	struct flow_table *t;
	struct err err;

	flow_secret_draw(&secret, true);
	assert_int_equal(flow_table_create(&config, &t, &err), 0);
	for (unsigned i = 0; i < n; i += b.n4) {
		flow_burst_start(&b);
		for (; b.n4 < FLOW_BURST_MAX && i + b.n4 < n; b.n4++) {
			b.key4[b.n4] = keys[i + b.n4];
			b.slot4[b.n4] = (uint8_t)b.n4;
		}
		flow_burst_hash(t, &b);
		flow_burst_find(t, &b);
		for (unsigned k = 0; k < b.n4; k++)
			assert_int_not_equal(b.index[k], FLOW_NONE);
	}
	assert_int_equal(t->active4, n);
	flow_table_destroy(t);
}

// Eight a bucket on average. Of 16384 buckets filled at random the fullest has about 22; 30 happens once in 2e5 times.
static void loads_check(const struct flow_hash_ops *ops, const struct flow_key4 *keys, unsigned n)
{
	static uint16_t load[2][CAPACITY];
	unsigned buckets = n / 8, most = 0;
	struct flow_secret secret;

	flow_secret_draw(&secret, true);
	memset(load, 0, sizeof(load));
	for (unsigned i = 0; i < n; i++) {
		uint64_t hash;

		ops->hash4(&secret, &keys[i], 1, &hash);
		load[0][(uint32_t)hash % buckets]++;                       // the table's bucket
		load[1][((hash >> 32) * buckets) >> 32]++; // the worker's share
	}
	for (unsigned i = 0; i < buckets; i++) {
		most = load[0][i] > most ? load[0][i] : most;
		most = load[1][i] > most ? load[1][i] : most;
	}
	assert_in_range(most, 9, 30);
}

static void no_harm(const struct flow_key4 *keys, unsigned n)
{
	loads_check(flow_hash_best(), keys, n);
	loads_check(&flow_hash_siphash, keys, n);
	places_check(flow_hash_best(), keys, n);
	places_check(&flow_hash_siphash, keys, n);
}

static void test_crafted_tuples(void **state)
{
	struct flow_key4 *keys = aligned_alloc(16, CRAFTED * sizeof(*keys));

	(void)state;
	assert_non_null(keys);
	craft(keys);
	assert_in_range(crc_places(keys, CRAFTED), 1, 64); // the attack works on what we do not use
	no_harm(keys, CRAFTED);
	free(keys);
}

static void test_sequential_tuples(void **state)
{
	struct flow_key4 *keys = aligned_alloc(16, CAPACITY * sizeof(*keys));

	(void)state;
	assert_non_null(keys);
	for (unsigned kind = 0; kind < 4; kind++) {
		memset(keys, 0, CAPACITY * sizeof(*keys));
		for (uint32_t i = 0; i < CAPACITY; i++) {
			struct flow_key4 *k = &keys[i];

			*k = (struct flow_key4){.addr = {0x0a, 0xfe}, .port = {40000, 443}, .proto = IP_TCP};
			if (kind == 0) // addresses counting up in network order
				k->addr[0] |= (i & 0xff) << 24 | (i & 0xff00) << 8 | (i >> 8 & 0xff00);
			else if (kind == 1) // both counting up, as a generator does
				k->addr[0] |= i << 8, k->addr[1] |= i << 8;
			else if (kind == 2) // a scan: ports, then hosts
				k->port[1] = (uint16_t)i, k->addr[1] |= i >> 16 << 8;
			else // ports of both sides
				k->port[0] = (uint16_t)(1024 + i % 512), k->port[1] = (uint16_t)(i / 512);
		}
		no_harm(keys, CAPACITY);
	}
	free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vectors),
		cmocka_unit_test(test_aes_reference),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_key_is_symmetric),
		cmocka_unit_test(test_key_tells_vlans_apart),
		cmocka_unit_test(test_key_and_networks),
		cmocka_unit_test(test_avalanche),
		cmocka_unit_test(test_crafted_tuples),
		cmocka_unit_test(test_sequential_tuples),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
