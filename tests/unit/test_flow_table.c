// The table: places, clients, TCP states, limits, memory. And its central promise: whether a flow is found to be over by a sweep
// or by its next packet, the flows that come out are the same ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "flow/flow_table.h"

#define S 1000000000ull

enum { STREAMS = 64, STREAM_BYTES = 440, HOSTNAMES = 64, T0_S = 1000000 };

static const uint64_t timeouts[FLOW_CLASSES] = {
	[FLOW_TCP_NEW] = 60 * S, [FLOW_TCP_ESTABLISHED] = 3600 * S, [FLOW_TCP_CLOSED] = 10 * S, [FLOW_UDP_NEW] = 30 * S,
	[FLOW_UDP_ESTABLISHED] = 300 * S, [FLOW_ICMP] = 30 * S, [FLOW_OTHER] = 2000 * S,
};

static struct flow_table *table_make(uint32_t capacity4, uint32_t capacity6)
{
	struct flow_table_config config = {.capacity4 = capacity4, .capacity6 = capacity6, .streams = STREAMS,
					   .stream_bytes = STREAM_BYTES, .hostnames = HOSTNAMES};
	struct flow_secret secret;
	struct flow_table *t;
	struct err err;

	flow_secret_draw(&secret, true);
	config.secret = &secret;
	memcpy(config.timeout_ns, timeouts, sizeof(timeouts));
	assert_int_equal(flow_table_create(&config, &t, &err), 0);
	return t;
}

// ---- packets ----

// Conversation `id`: two addresses and ports of its own. Both of a packet's addresses lie in one buffer, as in a frame.
struct talk {
	uint8_t address[64]; // client, server, client: either direction is a part of it
	uint8_t ip_version, proto;
	uint16_t port[2];
};

static struct talk talk_of(uint32_t id, uint8_t ip_version, uint8_t proto, uint16_t server_port)
{
	struct talk talk = {.ip_version = ip_version, .proto = proto, .port = {(uint16_t)(20000 + id % 30000), server_port}};
	size_t n = ip_version == 4 ? 4 : 16;

	memcpy(talk.address, &id, sizeof(id));
	talk.address[n - 1] ^= 0x11;
	memset(talk.address + n, 0xee, n);
	memcpy(talk.address + 2 * n, talk.address, n);
	return talk;
}

static struct packet packet_of(const struct talk *talk, bool back, uint8_t flags, uint64_t clock_ns)
{
	uint16_t n = talk->ip_version == 4 ? 4 : 16;

	return (struct packet){.frame = talk->address, .ip_version = talk->ip_version, .proto = talk->proto, .tcp_flags = flags,
			       .src_at = back ? n : 0, .dst_at = (uint16_t)(back ? 2 * n : n), .src_port = talk->port[back],
			       .dst_port = talk->port[!back], .wire = 100, .captured = 100, .time_ns = clock_ns, .clock_ns = clock_ns};
}

static uint32_t find(struct flow_table *t, const struct packet *p, unsigned *src_end)
{
	static struct flow_burst b;

	flow_burst_start(&b);
	flow_burst_add(&b, 0, p);
	flow_burst_hash(t, &b);
	flow_burst_find(t, &b);
	*src_end = b.src_end[0];
	return b.index[0];
}

// A packet of a flow that is begun if it is new, and never over. Returns its place.
static uint32_t take(struct flow_table *t, const struct talk *talk, bool back, uint8_t flags, uint64_t clock_ns)
{
	struct packet p = packet_of(talk, back, flags, clock_ns);
	unsigned src_end;
	uint32_t index = find(t, &p, &src_end);

	if (index == FLOW_NONE)
		return FLOW_NONE;
	if (t->flows[index].life == FLOW_ENTERED)
		flow_begin(t, index, src_end, &p, 7);
	flow_count(t, &t->flows[index], src_end, &p);
	return index;
}

// ---- a full table ----

enum { ROOM = 64, ANSWERED = 48, FLOOD = 5000 };

struct evictions {
	struct flow_table *table;
	unsigned count;
	uint64_t last_ns; // begin of the last one
	bool in_order;    // each began after the one before
};

static void evicted(void *context, uint32_t index)
{
	struct evictions *e = context;
	uint64_t start_ns = e->table->cold[index].start_ns;

	e->count++;
	e->in_order = e->in_order && start_ns >= e->last_ns;
	e->last_ns = start_ns;
	flow_remove(e->table, index);
}

static struct flow_table *full_table_make(struct evictions *e, uint8_t ip_version)
{
	struct flow_table *t = table_make(ip_version == 4 ? ROOM : 8, ip_version == 6 ? ROOM : 8);

	*e = (struct evictions){.table = t, .in_order = true};
	t->evict = evicted;
	t->evict_context = e;
	return t;
}

static void answered_make(struct flow_table *t, uint32_t id, uint8_t ip_version, uint64_t now)
{
	struct talk talk = talk_of(id, ip_version, IP_TCP, 443);

	take(t, &talk, false, TCP_SYN, now);
	take(t, &talk, true, TCP_SYN | TCP_ACK, now);
	take(t, &talk, false, TCP_ACK, now);
}

// Flows that were answered survive a flood of ones that are not; of those the first goes first.
static void test_flood(void **state)
{
	static const uint8_t versions[] = {4, 6}, protos[] = {IP_TCP, IP_UDP};

	(void)state;
	for (unsigned v = 0; v < 4; v++) {
		uint8_t ip_version = versions[v % 2], proto = protos[v / 2];
		uint64_t now = T0_S * S;
		struct evictions e;
		struct flow_table *t = full_table_make(&e, ip_version);

		for (uint32_t id = 0; id < ANSWERED; id++)
			answered_make(t, id, ip_version, now++);
		for (uint32_t id = 1000; id < 1000 + FLOOD; id++) {
			struct talk talk = talk_of(id, ip_version, proto, 80);

			assert_int_not_equal(take(t, &talk, false, TCP_SYN, now++), FLOW_NONE);
		}
		assert_int_equal(t->active4 + t->active6, ROOM);
		assert_int_equal(e.count, FLOOD - (ROOM - ANSWERED));
		assert_int_equal(t->counters.evicted_unanswered, e.count);
		assert_int_equal(t->counters.evicted_oldest, 0);
		assert_true(e.in_order);
		assert_true(atomic_load(&t->emergency));
		for (uint32_t id = 0; id < ANSWERED; id++) {
			struct talk talk = talk_of(id, ip_version, IP_TCP, 443);
			uint32_t index = take(t, &talk, true, TCP_ACK, now);

			assert_int_equal(t->flows[index].pkts[0] + t->flows[index].pkts[1], 4);
		}
		flow_table_destroy(t);
	}
}

// Without unanswered flows the one longest silent goes: with few enough flows all of them are looked at.
static void test_oldest_goes(void **state)
{
	uint64_t now = T0_S * S;
	struct evictions e;
	struct flow_table *t = table_make(16, 8);
	struct talk talk;

	(void)state;
	e = (struct evictions){.table = t, .in_order = true};
	t->evict = evicted;
	t->evict_context = &e;
	for (uint32_t id = 0; id < 16; id++)
		answered_make(t, id, 4, now++);
	talk = talk_of(0, 4, IP_TCP, 443);
	take(t, &talk, true, TCP_ACK, now++); // not the oldest any more
	answered_make(t, 100, 4, now++);
	assert_int_equal(t->counters.evicted_oldest, 1);
	assert_int_equal(e.last_ns, T0_S * S + 1);
	flow_table_destroy(t);
}

// Nothing that a burst needs makes way for another packet of it: more new flows at once than there is room for are refused.
static void test_burst_keeps_its_own(void **state)
{
	static struct flow_burst b;
	struct talk talk[FLOW_BURST_MAX];
	struct packet p[FLOW_BURST_MAX];
	struct evictions e;
	struct flow_table *t = table_make(16, 8);
	unsigned placed = 0;

	(void)state;
	e = (struct evictions){.table = t, .in_order = true};
	t->evict = evicted;
	t->evict_context = &e;
	for (uint32_t id = 0; id < 16; id++) {
		talk[0] = talk_of(id, 4, IP_UDP, 53);
		take(t, &talk[0], false, 0, T0_S * S + id);
	}
	flow_burst_start(&b);
	for (unsigned i = 0; i < FLOW_BURST_MAX; i++) {
		talk[i] = talk_of(i < 8 ? i : 1000 + i, 4, IP_UDP, 53); // eight that are there, then new ones
		p[i] = packet_of(&talk[i], false, 0, T0_S * S + 100);
		flow_burst_add(&b, i, &p[i]);
	}
	flow_burst_hash(t, &b);
	flow_burst_find(t, &b);
	for (unsigned i = 0; i < FLOW_BURST_MAX; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_true(b.index[i] == FLOW_NONE || b.index[i] != b.index[k]);
		placed += b.index[i] != FLOW_NONE;
		assert_true(i >= 8 || b.index[i] != FLOW_NONE);
	}
	assert_int_equal(placed, 16);
	assert_int_equal(e.count, 8);
	flow_table_destroy(t);
}

// Queue and table agree through begins, answers, ends and reuse, in any order.
static void test_queue_is_true(void **state)
{
	struct evictions e;
	struct flow_table *t = full_table_make(&e, 4);

	(void)state;
	srand(7);
	for (unsigned step = 0; step < 20000; step++) {
		struct talk talk = talk_of((uint32_t)rand() % 200, 4, rand() % 2 ? IP_TCP : IP_UDP, 443);
		uint8_t flags = (uint8_t)(rand() % 3 == 0 ? TCP_SYN : rand() % 3 == 0 ? TCP_ACK : TCP_RST);
		uint32_t index = take(t, &talk, rand() % 3 == 0, flags, T0_S * S + step), queued = 0, live = 0;

		if (rand() % 10 == 0)
			flow_remove(t, index);
		for (uint32_t next = t->unanswered[0].oldest; next != 0; next = t->cold[next - 1].newer) {
			assert_true(t->flows[next - 1].life == FLOW_LIVE);
			assert_true(t->flows[next - 1].class == FLOW_TCP_NEW || t->flows[next - 1].class == FLOW_UDP_NEW);
			assert_true(queued++ <= ROOM);
		}
		for (uint32_t i = 0; i < t->slots4; i++)
			live += t->flows[i].life == FLOW_LIVE && (t->flows[i].class == FLOW_TCP_NEW || t->flows[i].class == FLOW_UDP_NEW);
		assert_int_equal(queued, live);
	}
	flow_table_destroy(t);
}

// ---- places ----

static void test_find_begin_count(void **state)
{
	struct talk four = talk_of(1, 4, IP_UDP, 5000), six = talk_of(1, 6, IP_UDP, 5000);
	struct flow_table *t = table_make(16, 16);
	struct record_ends ends;
	uint32_t a, b;

	(void)state;
	a = take(t, &four, false, 0, T0_S * S);
	b = take(t, &six, false, 0, T0_S * S);
	assert_true(a < t->slots4 && b >= t->slots4 && b < t->slots);
	assert_int_equal(take(t, &four, true, 0, (T0_S + 1) * S), a);
	assert_int_equal(take(t, &four, false, 0, (T0_S + 2) * S), a);
	assert_int_equal(t->flows[a].pkts[0], 2);
	assert_int_equal(t->flows[a].pkts[1], 1);
	assert_int_equal(t->flows[a].bytes[0], 200);
	assert_true(t->flows[a].end_ns == (T0_S + 2) * S && t->cold[a].start_ns == T0_S * S);
	assert_int_equal(t->cold[a].port, 7);
	flow_ends(t, b, &ends);
	assert_memory_equal(ends.client, six.address, 16);
	assert_memory_equal(ends.server, six.address + 16, 16);
	assert_int_equal(ends.client_port, six.port[0]);
	flow_ends(t, a, &ends);
	assert_memory_equal(ends.client, four.address, 4);
	assert_int_equal(ends.server_port, 5000);
	assert_int_equal(t->active4, 1);
	assert_int_equal(t->active6, 1);
	flow_remove(t, a);
	flow_remove(t, b);
	assert_int_equal(t->active4 + t->active6, 0);
	assert_int_equal(t->wheel.entries, 0);
	flow_table_destroy(t);
}

static void test_burst_of_one_flow(void **state)
{
	struct flow_table *t = table_make(16, 16);
	struct talk talk[2] = {talk_of(1, 4, IP_TCP, 80), talk_of(1, 6, IP_TCP, 80)};
	static struct flow_burst b;

	(void)state;
	flow_burst_start(&b);
	for (unsigned i = 0; i < FLOW_BURST_MAX; i++) {
		struct packet p = packet_of(&talk[i % 2], i % 3 == 0, TCP_ACK, T0_S * S);

		flow_burst_add(&b, i, &p);
	}
	flow_burst_hash(t, &b);
	flow_burst_find(t, &b);
	for (unsigned i = 2; i < FLOW_BURST_MAX; i++)
		assert_int_equal(b.index[i], b.index[i % 2]);
	assert_int_equal(t->active4, 1);
	assert_int_equal(t->active6, 1);
	flow_table_destroy(t);
}

static void test_capacity(void **state)
{
	enum { CAPACITY = 100 };
	struct flow_table *t = table_make(CAPACITY, CAPACITY);
	uint32_t index[2][CAPACITY];

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		uint8_t version = six ? 6 : 4;
		struct talk talk;

		for (uint32_t id = 0; id < CAPACITY; id++) {
			talk = talk_of(id, version, IP_TCP, 80);
			index[six][id] = take(t, &talk, false, TCP_SYN, T0_S * S);
			assert_int_not_equal(index[six][id], FLOW_NONE);
		}
		for (uint32_t id = CAPACITY; id < 3 * CAPACITY; id++) {
			talk = talk_of(id, version, IP_TCP, 80);
			assert_int_equal(take(t, &talk, false, TCP_SYN, T0_S * S), FLOW_NONE);
		}
		for (uint32_t id = 0; id < CAPACITY; id++) { // those that are in go on
			talk = talk_of(id, version, IP_TCP, 80);
			assert_int_equal(take(t, &talk, true, TCP_SYN | TCP_ACK, T0_S * S), index[six][id]);
			assert_int_equal(t->flows[index[six][id]].pkts[1], 1);
		}
		flow_remove(t, index[six][5]);
		talk = talk_of(5000, version, IP_TCP, 80);
		assert_int_not_equal(take(t, &talk, false, TCP_SYN, T0_S * S), FLOW_NONE);
		talk = talk_of(5, version, IP_TCP, 80);
		assert_int_equal(take(t, &talk, false, TCP_SYN, T0_S * S), FLOW_NONE);
	}
	flow_table_destroy(t);
}

// Every place can be used, given back and used again, and belongs to one flow at a time.
static void test_places_come_back(void **state)
{
	enum { CAPACITY = 1000, ROUNDS = 30 };
	struct flow_table *t = table_make(CAPACITY, 8);
	static bool taken[2 * CAPACITY];

	(void)state;
	assert_true(t->slots4 <= 2 * CAPACITY);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		memset(taken, 0, sizeof(taken));
		for (uint32_t id = 0; id < CAPACITY; id++) {
			struct talk talk = talk_of(round * CAPACITY + id, 4, IP_UDP, 53);
			uint32_t index = take(t, &talk, false, 0, T0_S * S);

			assert_true(index < t->slots4 && !taken[index]);
			taken[index] = true;
			assert_int_equal(t->flows[index].pkts[0], 1);
		}
		assert_int_equal(t->wheel.entries, CAPACITY);
		for (uint32_t index = 0; index < t->slots4; index++)
			if (taken[index])
				flow_remove(t, index);
		assert_int_equal(t->active4, 0);
		assert_int_equal(t->wheel.entries, 0);
	}
	flow_table_destroy(t);
}

// ---- memory ----

static size_t allocated(void)
{
	struct rte_malloc_socket_stats stats;

	assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.heap_allocsz_bytes;
}

static void test_memory_of_a_million(void **state)
{
	struct flow_table_config config = {.capacity4 = 1 << 20};
	struct memory m = {0};

	(void)state;
	flow_table_memory(&config, &m);
	assert_in_range(memory_bytes(&m) >> 20, 100, 384);
}

static void test_memory(void **state)
{
	static const uint32_t capacities[] = {1000, 14000, 65536, 114680, 120000};
	struct flow_secret secret = {.word = {1}};

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		bool six = i % 2;
		uint32_t n = capacities[i / 2];
		struct flow_table_config config = {.capacity4 = six ? 0 : n, .capacity6 = six ? n : 0, .secret = &secret};
		size_t start = allocated();
		struct flow_table *t;
		struct memory m = {0};
		struct err err;

		flow_table_memory(&config, &m);
		// a few flows share the wheel, IPv6 has longer keys, and one flow more than 7/8 of a power of two has twice the buckets
		assert_in_range(memory_bytes(&m) / n, 100, six ? 504 : n == 1000 || n == 120000 ? 424 : 384);
		assert_int_equal(flow_table_create(&config, &t, &err), 0);
		// what is declared is what is taken, but for the small change of every rte_hash
		assert_in_range(allocated() - start, memory_bytes(&m) / 2, memory_bytes(&m) + 150000);
		flow_table_destroy(t);
		assert_int_equal(allocated(), start);
	}
}

// As many flows as were asked for find a place, where the hash is as full as it may get and just beyond.
static void test_full_to_the_last(void **state)
{
	static const uint32_t capacities[] = {114680, 114681, 131064, 131072};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct flow_table *t = table_make(capacities[i], 8);

		for (uint32_t id = 0; id < capacities[i]; id++) {
			struct talk talk = talk_of(id, 4, IP_UDP, 53);

			assert_int_not_equal(take(t, &talk, false, 0, T0_S * S), FLOW_NONE);
		}
		assert_int_equal(t->active4, capacities[i]);
		flow_table_destroy(t);
	}
}

static void test_no_memory(void **state)
{
	struct flow_secret secret = {.word = {1}};
	struct flow_table_config config = {.capacity4 = 50000000, .capacity6 = 8, .secret = &secret};
	size_t start = allocated();
	struct flow_table *t = NULL;
	struct err err;

	(void)state;
	assert_int_equal(flow_table_create(&config, &t, &err), -ENOMEM);
	assert_null(t);
	assert_non_null(strstr(err.text, "50000000 IPv4"));
	assert_int_equal(allocated(), start);
}

static uint32_t refuse(void *context, struct span in, uint64_t *skip, bool *stop)
{
	(void)context;
	(void)in;
	(void)skip;
	(void)stop;
	return 0;
}

static void borrow(struct flow_table *t, uint32_t index)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		flow_stream_start(&t->cold[index].stream[dir], 1);
		flow_stream_segment(&t->streams, &t->cold[index].stream[dir], 1, span_of("abc", 3), 3, refuse, NULL);
	}
	if (t->hostnames.available > 0)
		t->cold[index].hostname = pool_get(&t->hostnames) + 1;
}

static void test_pools_come_back(void **state)
{
	struct flow_table *t = table_make(16, 16);

	(void)state;
	for (uint32_t id = 0; id < 20; id++) {
		struct talk talk = talk_of(id, id % 2 ? 4 : 6, IP_TCP, 80);
		struct packet p = packet_of(&talk, false, TCP_SYN, T0_S * S);
		uint32_t index = take(t, &talk, false, TCP_SYN, T0_S * S);

		borrow(t, index);
		assert_int_equal(t->streams.pool.available, STREAMS - 2);
		assert_int_equal(t->hostnames.available, HOSTNAMES - 1);
		flow_reset(t, index); // used again in place
		flow_begin(t, index, 0, &p, 0);
		assert_int_equal(t->streams.pool.available, STREAMS);
		assert_int_equal(t->hostnames.available, HOSTNAMES);
		assert_int_equal(t->wheel.entries, 1);
		borrow(t, index);
		flow_remove(t, index);
		assert_int_equal(t->streams.pool.available, STREAMS);
		assert_int_equal(t->hostnames.available, HOSTNAMES);
	}
	flow_table_destroy(t);
}

// ---- what a flow keeps besides its numbers ----

enum { DETAILS = 3, FIRSTS = 4, FRAME = 64, ETHER = 14 };

// An Ethernet frame with an IP header of which the addresses, class and limit are set.
static struct packet framed(uint8_t frame[FRAME], uint8_t version, bool back, uint8_t class, uint8_t limit, uint64_t time_ns)
{
	bool four = version == 4;

	memset(frame, 0, FRAME);
	memset(frame, back ? 0xaa : 0xbb, 6);
	memset(frame + 6, back ? 0xbb : 0xaa, 6);
	frame[ETHER] = (uint8_t)(four ? 0x45 : 0x60 | class >> 4);
	frame[ETHER + 1] = (uint8_t)(four ? class : class << 4 | 0xf);
	frame[ETHER + (four ? 8 : 7)] = limit;
	frame[ETHER + (four ? 12 : 8)] = back ? 2 : 1;
	frame[ETHER + (four ? 16 : 24)] = back ? 1 : 2;
	return (struct packet){.frame = frame, .ip_version = version, .proto = IP_UDP, .l3_at = ETHER, .src_at = (uint16_t)(ETHER + (four ? 12 : 8)),
			       .dst_at = (uint16_t)(ETHER + (four ? 16 : 24)), .src_port = back ? 53 : 5000, .dst_port = back ? 5000 : 53,
			       .wire = 100, .captured = FRAME, .time_ns = time_ns, .clock_ns = time_ns};
}

static uint32_t give(struct flow_table *t, const struct packet *p)
{
	unsigned src_end;
	uint32_t index = find(t, p, &src_end);

	if (t->flows[index].life == FLOW_ENTERED)
		flow_begin(t, index, src_end, p, 0);
	flow_count(t, &t->flows[index], src_end, p);
	return index;
}

static struct flow_table *detailed_make(uint32_t first_packets)
{
	struct flow_table_config config = {.capacity4 = 16, .capacity6 = 16, .details = DETAILS, .first_packets = first_packets};
	struct flow_secret secret;
	struct flow_table *t;
	struct err err;

	flow_secret_draw(&secret, true);
	config.secret = &secret;
	memcpy(config.timeout_ns, timeouts, sizeof(timeouts));
	assert_int_equal(flow_table_create(&config, &t, &err), 0);
	return t;
}

static void test_limits_and_classes(void **state)
{
	static const struct {
		bool back;
		uint8_t class, limit, least[2], most[2], tos[2]; // given; kept then
	} row[] = {
		{false, 0xb9, 64, {64, 255}, {64, 0}, {0xb9, 0}}, {true, 0x00, 255, {64, 255}, {64, 255}, {0xb9, 0}},
		{false, 0x04, 63, {63, 255}, {64, 255}, {0x04, 0}}, {true, 0xff, 0, {63, 0}, {64, 255}, {0x04, 0xff}},
		{false, 0x5a, 128, {63, 0}, {128, 255}, {0x5a, 0xff}},
	};
	struct flow_table *t = detailed_make(0);
	uint8_t frame[FRAME];

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2)
		for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
			struct packet p = framed(frame, (uint8_t)version, row[i].back, row[i].class, row[i].limit, T0_S * S);
			const struct flow *f = &t->flows[give(t, &p)];

			assert_memory_equal(f->ttl_least, row[i].least, 2);
			assert_memory_equal(f->ttl_most, row[i].most, 2);
			assert_memory_equal(f->tos, row[i].tos, 2);
		}
	flow_table_destroy(t);
}

static const struct flow_detail *detail_of(const struct flow_table *t, uint32_t index)
{
	assert_int_not_equal(t->cold[index].detail, 0);
	return pool_at(&t->details, t->cold[index].detail - 1);
}

// Begun by either end: the client's address is the source. Only the first packets are kept; time that goes back is no gap.
static void test_details(void **state)
{
	static const struct {
		bool back;
		uint32_t payload;
		uint64_t ns;
		struct flow_first kept;
	} row[] = {
		{true, 10, 5000, {-10, 0}}, {false, UINT32_MAX, 3000, {INT32_MAX, 0}}, {true, 0, 7999, {0, 2}},
		{true, 1448, 7999 + 2148 * S, {-1448, INT32_MAX}}, {false, 9, 9000 * S, {0, 0}}, // one too many
	};
	struct flow_table *t = detailed_make(FIRSTS);
	const struct flow_detail *detail = NULL;
	uint8_t frame[FRAME];

	(void)state;
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct packet p = framed(frame, 4, row[i].back, 0, 64, T0_S * S + row[i].ns);

		p.payload_wire = row[i].payload;
		detail = detail_of(t, give(t, &p));
		assert_int_equal(detail->firsts, i < FIRSTS ? i + 1 : FIRSTS);
		if (i < FIRSTS)
			assert_memory_equal(&detail->first[i], &row[i].kept, sizeof(row[i].kept));
	}
	assert_memory_equal(detail->ether.src_mac, "\xaa\xaa\xaa\xaa\xaa\xaa", RECORD_MAC);
	assert_memory_equal(detail->ether.dest_mac, "\xbb\xbb\xbb\xbb\xbb\xbb", RECORD_MAC);
	assert_int_equal(detail->tunnel.depth, 0);
	flow_table_destroy(t);
	t = detailed_make(UINT32_MAX); // bounded
	assert_int_equal(t->first_packets, RECORD_FIRSTS_MAX);
	assert_int_equal(t->details.block_size, 320);
	flow_table_destroy(t);
}

static void test_details_are_a_pool(void **state)
{
	struct flow_table *t = detailed_make(FIRSTS);
	uint32_t index[DETAILS + 1];
	uint8_t frame[FRAME];

	(void)state;
	for (unsigned i = 0; i <= DETAILS; i++) {
		struct packet p = framed(frame, 4, false, 0, 64, T0_S * S);

		p.src_port = (uint16_t)(6000 + i);
		index[i] = give(t, &p);
		assert_int_equal(t->cold[index[i]].detail != 0, i < DETAILS);
	}
	assert_int_equal(t->details.refused, 1);
	flow_remove(t, index[DETAILS]); // had none
	assert_int_equal(t->details.available, 0);
	for (unsigned i = 0; i < DETAILS; i++)
		flow_remove(t, index[i]);
	assert_int_equal(t->details.available, DETAILS);
	flow_table_destroy(t);
}

// ---- who is the client, what state ----

static void test_client(void **state)
{
	static const struct {
		uint8_t proto, flags;
		uint16_t src_port, dst_port;
		bool sender_is_client;
	} rows[] = {
		{IP_TCP, TCP_SYN, 80, 40000, true}, // whatever the ports
		{IP_TCP, TCP_SYN | TCP_ACK, 40000, 80, false},
		{IP_TCP, TCP_ACK, 80, 40000, false},
		{IP_TCP, TCP_ACK, 40000, 80, true},
		{IP_TCP, TCP_ACK, 40000, 50000, true},
		{IP_UDP, 0, 53, 40000, false},
		{IP_UDP, 0, 53, 123, true},
		{IP_SCTP, 0, 80, 2905, false},
		{IP_ICMP, 0, 8, 0, true},
		{IP_ICMPV6, 0, 3, 1025, true}, // these are no ports
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_table *t = table_make(16, 16);
		struct talk talk = talk_of(i % 2 ? 1 : 0xffffffff, 4, rows[i / 2].proto, rows[i / 2].dst_port); // either end lower
		struct record_ends ends;
		uint32_t index;

		talk.port[0] = rows[i / 2].src_port;
		index = take(t, &talk, false, rows[i / 2].flags, T0_S * S);
		flow_ends(t, index, &ends);
		assert_memory_equal(ends.client, talk.address + (rows[i / 2].sender_is_client ? 0 : 4), 4);
		assert_int_equal(ends.client_port, rows[i / 2].sender_is_client ? rows[i / 2].src_port : rows[i / 2].dst_port);
		assert_int_equal(t->flows[index].pkts[!rows[i / 2].sender_is_client], 1);
		flow_table_destroy(t);
	}
}

// A conversation in letters: s SYN, a SYN-ACK, k ACK, f FIN, r RST; capitals are the server's.
static uint8_t flags_of(char letter)
{
	switch (letter | 0x20) {
	case 's': return TCP_SYN;
	case 'a': return TCP_SYN | TCP_ACK;
	case 'f': return TCP_FIN | TCP_ACK;
	case 'r': return TCP_RST;
	default: return TCP_ACK;
	}
}

static void test_tcp_states(void **state)
{
	static const struct {
		const char *talk;
		enum flow_class class;
		enum flow_state state;
	} rows[] = {
		{"s", FLOW_TCP_NEW, FLOW_STATE_NEW},
		{"sss", FLOW_TCP_NEW, FLOW_STATE_NEW},
		{"sA", FLOW_TCP_NEW, FLOW_STATE_NEW},
		{"sAk", FLOW_TCP_ESTABLISHED, FLOW_STATE_ESTABLISHED},
		{"kK", FLOW_TCP_ESTABLISHED, FLOW_STATE_ESTABLISHED}, // joined in the middle
		{"kkkk", FLOW_TCP_NEW, FLOW_STATE_NEW}, // one side only
		{"sAkf", FLOW_TCP_ESTABLISHED, FLOW_STATE_ESTABLISHED},
		{"sAkff", FLOW_TCP_ESTABLISHED, FLOW_STATE_ESTABLISHED},
		{"sAkfF", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"sAkFf", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"sAkfFk", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"sAkR", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"sR", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"r", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
		{"sAkrkK", FLOW_TCP_CLOSED, FLOW_STATE_CLOSED},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_table *t = table_make(16, 16);
		struct talk talk = talk_of(1, 4, IP_TCP, 50000); // no well-known port: the first sender is the client
		uint32_t index = 0;

		for (const char *c = rows[i].talk; *c != '\0'; c++)
			index = take(t, &talk, (*c & 0x20) == 0, flags_of(*c), T0_S * S);
		print_message("%s\n", rows[i].talk);
		assert_int_equal(t->flows[index].class, rows[i].class);
		assert_int_equal(flow_state_of(&t->flows[index]), rows[i].state);
		flow_table_destroy(t);
	}
}

static bool over(const struct flow_table *t, uint32_t index, const struct talk *talk, uint8_t flags, uint64_t clock_ns,
		 enum flow_reason *reason)
{
	struct packet p = packet_of(talk, false, flags, clock_ns);

	return flow_over(t, &t->flows[index], &p, reason);
}

static void test_over(void **state)
{
	struct flow_table *t = table_make(16, 16);
	struct talk talk = talk_of(1, 4, IP_TCP, 50000);
	uint64_t now = T0_S * S;
	enum flow_reason reason;
	uint32_t index = take(t, &talk, false, TCP_SYN, now);

	(void)state;
	assert_false(over(t, index, &talk, TCP_SYN, now + timeouts[FLOW_TCP_NEW], &reason));
	assert_true(over(t, index, &talk, TCP_SYN, now + timeouts[FLOW_TCP_NEW] + 1, &reason));
	assert_int_equal(reason, FLOW_REASON_TIMEOUT);
	take(t, &talk, true, TCP_SYN | TCP_ACK, now);
	take(t, &talk, false, TCP_ACK, now);
	assert_false(over(t, index, &talk, TCP_SYN, now + timeouts[FLOW_TCP_ESTABLISHED], &reason)); // a stray SYN ends nothing
	assert_true(over(t, index, &talk, TCP_ACK, now + timeouts[FLOW_TCP_ESTABLISHED] + 1, &reason));
	take(t, &talk, false, TCP_RST, now);
	assert_false(over(t, index, &talk, TCP_ACK, now, &reason));
	assert_false(over(t, index, &talk, TCP_SYN | TCP_ACK, now, &reason));
	assert_true(over(t, index, &talk, TCP_SYN, now, &reason));
	assert_int_equal(reason, FLOW_REASON_TCP_REUSE);
	assert_true(over(t, index, &talk, TCP_ACK, now + timeouts[FLOW_TCP_CLOSED] + 1, &reason));
	assert_int_equal(reason, FLOW_REASON_TIMEOUT);
	flow_table_destroy(t);
}

// ---- the wheel ----

struct met {
	struct flow_table *table;
	unsigned n;
	uint64_t last_tick;
};

static void met_due(void *context, uint32_t index)
{
	struct met *met = context;
	uint64_t tick = flow_due_ns(met->table, &met->table->flows[index]) / FLOW_WHEEL_TICK_NS;

	assert_true(tick >= met->last_tick);
	met->last_tick = tick;
	met->n++;
	flow_remove(met->table, index);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1dull >> 16;
}

static const uint8_t protos[] = {IP_TCP, IP_UDP, IP_ICMP, 47};

// Flows of all time-outs, begun over an hour: a sweep to any time ends those due before its tick, in order of ticks, no others.
static void sweep_check(uint64_t seed, unsigned visits)
{
	enum { FLOWS = 600 };
	struct flow_table *t = table_make(FLOWS, 8);
	uint64_t x = seed, due[FLOWS], clock = T0_S * S;
	struct met met = {.table = t};

	for (uint32_t id = 0; id < FLOWS; id++) {
		struct talk talk = talk_of(id, 4, protos[id % 4], 50000);

		clock += next_random(&x) % (12 * S);
		due[id] = flow_due_ns(t, &t->flows[take(t, &talk, false, TCP_SYN, clock)]);
	}
	for (uint64_t target = (T0_S + 12) * S; met.n < FLOWS; target += 1 + next_random(&x) % (40 * S)) {
		unsigned expected = 0;

		while (flow_sweep(t, target, visits, met_due, &met) == 0)
			assert_true(flow_wheel_swept_ns(&t->wheel) <= target);
		assert_true(flow_wheel_swept_ns(&t->wheel) == target / FLOW_WHEEL_TICK_NS * FLOW_WHEEL_TICK_NS);
		for (unsigned i = 0; i < FLOWS; i++)
			expected += due[i] / FLOW_WHEEL_TICK_NS < target / FLOW_WHEEL_TICK_NS;
		assert_int_equal(met.n, expected);
	}
	assert_int_equal(t->active4, 0);
	flow_table_destroy(t);
}

static void test_sweep(void **state)
{
	(void)state;
	sweep_check(11, 1);
	sweep_check(12, 7);
	sweep_check(13, 100000);
}

// What was swept stays swept: a first packet that is stamped a little earlier than the clock was read does not take it back.
static void test_sweep_never_goes_back(void **state)
{
	struct flow_table *t = table_make(16, 8);
	struct talk talk = talk_of(1, 4, IP_UDP, 53);
	struct met met = {.table = t};

	(void)state;
	flow_sweep(t, T0_S * S, 64, met_due, &met);
	assert_true(flow_wheel_swept_ns(&t->wheel) == T0_S * S);
	take(t, &talk, false, 0, (T0_S - 5) * S);
	assert_true(flow_wheel_swept_ns(&t->wheel) == T0_S * S);
	flow_sweep(t, (T0_S + 24) * S, 64, met_due, &met);
	assert_int_equal(met.n, 0);
	flow_sweep(t, (T0_S + 26) * S, 64, met_due, &met);
	assert_int_equal(met.n, 1);
	flow_table_destroy(t);
}

// ---- the promise ----

// What is told of a flow when it ends. Filled with zeros first, so that it can be compared as bytes.
struct ended {
	uint8_t client[16];
	uint64_t start_ns, end_ns, over_ns, pkts[2];
	uint16_t client_port;
	uint8_t proto, ip_version, state, reason;
};

enum { PACKETS = 3000, ENDED_MAX = PACKETS, TALKS = 60 };

struct trace {
	struct talk talk[TALKS];
	struct {
		uint8_t talk, flags;
		bool back;
		uint64_t clock_ns;
	} packet[PACKETS];
	uint64_t final_ns;
};

struct run {
	struct flow_table *table;
	uint64_t random, final_ns;
	bool flushing;
	unsigned n;
	struct ended ended[ENDED_MAX];
};

static void trace_make(struct trace *trace, uint64_t seed)
{
	static const uint8_t flags[] = {TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST};
	uint64_t x = seed, clock = T0_S * S;

	for (uint32_t i = 0; i < TALKS; i++)
		trace->talk[i] = talk_of(i, i % 3 ? 4 : 6, i % 2 ? IP_TCP : protos[i / 2 % 4], i % 5 ? 80 : 40000);
	for (unsigned i = 0; i < PACKETS; i++) {
		uint64_t pause = next_random(&x) % 1000;

		if (pause < 960)
			clock += next_random(&x) % (S / 10);
		else if (pause < 992)
			clock += next_random(&x) % (20 * S);
		else if (pause < 999)
			clock += next_random(&x) % (4000 * S);
		else if (next_random(&x) % 8 == 0)
			clock += 86400ull * 400 * S; // a year's silence
		trace->packet[i].talk = (uint8_t)(next_random(&x) % TALKS);
		trace->packet[i].flags = flags[next_random(&x) % sizeof(flags)];
		trace->packet[i].back = next_random(&x) % 2;
		trace->packet[i].clock_ns = clock;
	}
	trace->final_ns = clock;
}

static void note_ended(struct run *run, uint32_t index, enum flow_reason reason, uint64_t over_ns)
{
	const struct flow *f = &run->table->flows[index];
	struct ended *e = &run->ended[run->n++];
	struct record_ends ends;

	assert_true(run->n <= ENDED_MAX);
	assert_true(over_ns >= flow_wheel_swept_ns(&run->table->wheel)); // what others were told: nothing earlier will come
	flow_ends(run->table, index, &ends);
	memset(e, 0, sizeof(*e));
	memcpy(e->client, ends.client, sizeof(e->client));
	e->client_port = ends.client_port;
	e->proto = ends.proto;
	e->ip_version = ends.ip_version;
	e->start_ns = run->table->cold[index].start_ns;
	e->end_ns = f->end_ns;
	e->over_ns = over_ns;
	e->pkts[0] = f->pkts[0];
	e->pkts[1] = f->pkts[1];
	e->state = (uint8_t)flow_state_of(f);
	e->reason = (uint8_t)reason;
}

static void run_due(void *context, uint32_t index)
{
	struct run *run = context;
	uint64_t due_ns = flow_due_ns(run->table, &run->table->flows[index]);

	note_ended(run, index, run->flushing && due_ns >= run->final_ns ? FLOW_REASON_SHUTDOWN : FLOW_REASON_TIMEOUT, due_ns);
	flow_remove(run->table, index);
}

static void run_packet(struct run *run, uint32_t index, unsigned src_end, const struct packet *p)
{
	struct flow_table *t = run->table;
	enum flow_reason reason;

	assert_int_not_equal(index, FLOW_NONE);
	if (t->flows[index].life == FLOW_ENTERED) {
		flow_begin(t, index, src_end, p, 0);
	} else if (flow_over(t, &t->flows[index], p, &reason)) {
		note_ended(run, index, reason, reason == FLOW_REASON_TIMEOUT ? flow_due_ns(t, &t->flows[index]) : p->clock_ns);
		flow_reset(t, index);
		flow_begin(t, index, src_end, p, 0);
	}
	flow_count(t, &t->flows[index], src_end, p);
}

// eagerness: how often a sweep is made, in hundredths; budget: visits of one.
static void run_trace(struct run *run, const struct trace *trace, unsigned burst_max, unsigned eagerness, unsigned budget)
{
	static struct flow_burst b;
	struct packet p[FLOW_BURST_MAX];

	run->table = table_make(TALKS, TALKS);
	run->final_ns = trace->final_ns;
	run->n = 0;
	run->flushing = false;
	for (unsigned at = 0; at < PACKETS;) {
		unsigned n = 1 + (unsigned)(next_random(&run->random) % burst_max);

		n = n < PACKETS - at ? n : PACKETS - at;
		flow_burst_start(&b);
		for (unsigned i = 0; i < n; i++, at++) {
			p[i] = packet_of(&trace->talk[trace->packet[at].talk], trace->packet[at].back, trace->packet[at].flags,
					 trace->packet[at].clock_ns);
			if (p[i].proto != IP_TCP)
				p[i].tcp_flags = 0;
			flow_burst_add(&b, i, &p[i]);
		}
		flow_burst_hash(run->table, &b);
		flow_burst_find(run->table, &b);
		for (unsigned i = 0; i < n; i++)
			run_packet(run, b.index[i], b.src_end[i], &p[i]);
		if (next_random(&run->random) % 100 < eagerness)
			flow_sweep(run->table, p[n - 1].clock_ns, budget, run_due, run);
	}
	run->flushing = true;
	for (unsigned rounds = 0; run->table->wheel.entries > 0; rounds++) {
		assert_true(rounds < 100000);
		flow_sweep(run->table, UINT64_MAX, 5, run_due, run);
	}
	assert_int_equal(run->table->counters.created, run->n);
	flow_table_destroy(run->table);
}

static int ended_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ended));
}

static void test_sweeps_change_nothing(void **state)
{
	static const struct {
		unsigned burst, eagerness, budget;
	} ways[] = {{1, 100, 1}, {1, 100, 10000}, {64, 100, 64}, {7, 50, 3}, {32, 5, 1}, {64, 1, 2}};
	static struct trace trace;
	static struct run never, run;
	unsigned timeouts_met = 0, reuses = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t pkts = 0;

		trace_make(&trace, seed * 7919);
		never.random = run.random = seed;
		run_trace(&never, &trace, 32, 0, 0);
		qsort(never.ended, never.n, sizeof(never.ended[0]), ended_compare);
		for (unsigned i = 0; i < never.n; i++) {
			pkts += never.ended[i].pkts[0] + never.ended[i].pkts[1];
			timeouts_met += never.ended[i].reason == FLOW_REASON_TIMEOUT;
			reuses += never.ended[i].reason == FLOW_REASON_TCP_REUSE;
		}
		assert_int_equal(pkts, PACKETS);
		for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
			run_trace(&run, &trace, ways[w].burst, ways[w].eagerness, ways[w].budget);
			assert_int_equal(run.n, never.n);
			qsort(run.ended, run.n, sizeof(run.ended[0]), ended_compare);
			assert_memory_equal(run.ended, never.ended, run.n * sizeof(run.ended[0]));
		}
	}
	print_message("%u time-outs, %u reuses\n", timeouts_met, reuses);
	assert_true(timeouts_met > 1000 && reuses > 100); // the traces had something in them
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_begin_count),
		cmocka_unit_test(test_burst_of_one_flow),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_places_come_back),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_of_a_million),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_pools_come_back),
		cmocka_unit_test(test_limits_and_classes), cmocka_unit_test(test_details), cmocka_unit_test(test_details_are_a_pool),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_tcp_states),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_never_goes_back),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_full_to_the_last), cmocka_unit_test(test_oldest_goes), cmocka_unit_test(test_burst_keeps_its_own),
		cmocka_unit_test(test_queue_is_true),
		cmocka_unit_test(test_sweeps_change_nothing),
	};

	return cmocka_run_group_tests(tests, eal_start, eal_stop);
}
