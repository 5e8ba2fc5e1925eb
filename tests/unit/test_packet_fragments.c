// Fragments: every order, what repeats, what overlaps, what is cut, what never becomes whole. Each frame is accounted for, and what
// comes out is the datagram that was cut to pieces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "packet/packet_fragments.h"

#define S 1000000000ull

enum { ROOM = 70000, ETHERNET = 14, IPV4 = 20, IPV6 = 40, FRAGMENT = 8, UDP = 8, TIMEOUT_S = 30, PIECES_MAX = 8 };

struct table {
	struct packet_fragments *fragments;
	uint64_t frames, bytes; // given in
	uint64_t joined_pkts, joined_bytes; // in front of the last one of whole datagrams
	uint64_t held, held_bytes; // frames with verdict PACKET_FRAGMENT
	uint64_t now_ns;
	uint32_t place;
	uint8_t frame[ROOM];
};

static struct table *table_make_with(uint32_t datagrams, uint32_t away)
{
	struct packet_fragments_config config = {.datagrams = datagrams, .away = away, .timeout_ns = TIMEOUT_S * S, .secret = 0x5eed};
	struct table *t = calloc(1, sizeof(*t));
	void *memory = aligned_alloc(64, (packet_fragments_bytes(&config) + 63) / 64 * 64);

	assert_non_null(t);
	assert_non_null(memory);
	memset(memory, 0xa5, packet_fragments_bytes(&config)); // it need not be zero
	t->fragments = packet_fragments_init(memory, &config);
	t->now_ns = 1000 * S;
	return t;
}

static struct table *table_make(uint32_t datagrams)
{
	return table_make_with(datagrams, 0);
}

static const struct packet_fragments_counters *counters(struct table *t)
{
	return packet_fragments_counters(t->fragments);
}

// Every frame that was held is in a whole datagram, waits, or was given up for a reason.
static void balance_check(struct table *t)
{
	uint64_t pkts = 0, bytes = 0;

	for (unsigned i = 0; i < FRAGMENTS_FATES; i++) {
		pkts += counters(t)->fate_pkts[i];
		bytes += counters(t)->fate_bytes[i];
	}
	assert_int_equal(t->held, t->joined_pkts + counters(t)->waiting_pkts + pkts);
	assert_int_equal(t->held_bytes, t->joined_bytes + counters(t)->waiting_bytes + bytes);
}

static void table_free(struct table *t)
{
	balance_check(t);
	free(t->fragments);
	free(t);
}

// ---- fragments ----

// Bytes [from, to) of a datagram whose byte n is n * 7 + id; its first eight are a UDP header from 4000 to 53.
static void data_fill(uint8_t *out, uint32_t id, uint32_t total, uint32_t from, uint32_t to)
{
	uint8_t udp[UDP] = {0x0f, 0xa0, 0, 53, (uint8_t)(total >> 8), (uint8_t)total, 0, 0};

	for (uint32_t n = from; n < to; n++)
		out[n - from] = n < UDP ? udp[n] : (uint8_t)(n * 7 + id);
}

static uint32_t frame_make(uint8_t *f, unsigned ip_version, uint32_t id, uint32_t total, uint32_t from, uint32_t to)
{
	uint32_t length = to - from, more = to < total, headers = ETHERNET + (ip_version == 4 ? IPV4 : IPV6 + FRAGMENT);

	memset(f, 2, ETHERNET - 2);
	f[12] = ip_version == 4 ? 0x08 : 0x86;
	f[13] = ip_version == 4 ? 0x00 : 0xdd;
	f += ETHERNET;
	if (ip_version == 4) {
		uint32_t all = IPV4 + length, field = from / 8 | more << 13;
		uint8_t h[IPV4] = {0x45, 0, (uint8_t)(all >> 8), (uint8_t)all, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(field >> 8), (uint8_t)field,
				   64, IP_UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};

		memcpy(f, h, sizeof(h));
	} else {
		uint32_t all = FRAGMENT + length, field = from | more;
		uint8_t h[IPV6 + FRAGMENT] = {0x60, 0, 0, 0, (uint8_t)(all >> 8), (uint8_t)all, 44, 64};

		memset(h + 8, 1, 16);
		memset(h + 24, 2, 16);
		h[40] = IP_UDP;
		h[42] = (uint8_t)(field >> 8);
		h[43] = (uint8_t)field;
		h[46] = (uint8_t)(id >> 8);
		h[47] = (uint8_t)id;
		memcpy(f, h, sizeof(h));
	}
	data_fill(f + headers - ETHERNET, id, total, from, to);
	return headers + length;
}

// captured: how much of the frame there is; in a buffer of its own, of exactly that size.
static bool give_frame(struct table *t, uint32_t wire, uint32_t captured, struct packet *p)
{
	uint8_t *exact = malloc(captured);
	bool whole;

	assert_non_null(exact);
	memcpy(exact, t->frame, captured);
	*p = (struct packet){.frame = exact, .captured = captured, .wire = wire, .time_ns = t->now_ns, .clock_ns = t->now_ns};
	packet_decode(p);
	assert_int_equal(p->verdict, PACKET_OK);
	assert_true(p->fragment);
	t->frames++;
	t->bytes += wire;
	whole = packet_fragments_take(t->fragments, p, &t->place);
	free(exact);
	if (whole) {
		t->joined_pkts += p->joined_pkts;
		t->joined_bytes += p->joined_bytes;
		assert_int_equal(p->wire, wire);
	} else {
		assert_int_equal(p->verdict, PACKET_FRAGMENT);
		t->held++;
		t->held_bytes += wire;
	}
	balance_check(t);
	return whole;
}

static bool give(struct table *t, unsigned ip_version, uint32_t id, uint32_t total, uint32_t from, uint32_t to, struct packet *p)
{
	uint32_t wire = frame_make(t->frame, ip_version, id, total, from, to);

	return give_frame(t, wire, wire, p);
}

static void whole_check(struct table *t, const struct packet *p, unsigned ip_version, uint32_t id, uint32_t total, unsigned pieces)
{
	static uint8_t data[ROOM];
	uint32_t room = PACKET_FRAGMENTS_FRAME_MAX - p->payload_at, shown = total - UDP < room ? total - UDP : room;

	data_fill(data, id, total, 0, total);
	assert_int_equal(p->verdict, PACKET_OK);
	assert_false(p->fragment);
	assert_int_equal(p->ip_version, ip_version);
	assert_int_equal(p->proto, IP_UDP);
	assert_int_equal(p->src_port, 4000);
	assert_int_equal(p->dst_port, 53);
	assert_int_equal(p->payload_wire, total - UDP);
	assert_int_equal(p->payload, shown);
	assert_memory_equal(p->frame + p->payload_at, data + UDP, shown);
	assert_int_equal(p->joined_pkts, pieces - 1);
	packet_fragments_give_back(t->fragments, t->place);
}

// ---- tests ----

static void permute(unsigned *order, unsigned n, unsigned number)
{
	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n; i > 1; i--) {
		unsigned k = number % i, kept = order[k];

		number /= i;
		order[k] = order[i - 1];
		order[i - 1] = kept;
	}
}

static void test_every_order(void **state)
{
	static const uint32_t cuts[] = {0, 8, 24, 48, 64, 100};
	struct table *t = table_make(4);
	unsigned order[5];

	(void)state;
	for (unsigned ip_version = 4; ip_version <= 6; ip_version += 2)
		for (unsigned number = 0; number < 120; number++) {
			struct packet p;

			permute(order, 5, number);
			for (unsigned i = 0; i < 5; i++)
				assert_int_equal(give(t, ip_version, number, 100, cuts[order[i]], cuts[order[i] + 1], &p), i == 4);
			whole_check(t, &p, ip_version, number, 100, 5);
		}
	assert_int_equal(counters(t)->datagrams, 240);
	assert_int_equal(counters(t)->waiting_pkts, 0);
	table_free(t);
}

// The largest there can be: what a frame cannot show of it counts as not captured.
static void test_largest(void **state)
{
	struct table *t = table_make(2);

	(void)state;
	for (unsigned ip_version = 4; ip_version <= 6; ip_version += 2) {
		uint32_t total = ip_version == 4 ? 65515 : 65535, from = 0;
		struct packet p;

		while (from + 1480 < total) {
			assert_false(give(t, ip_version, 1, total, from, from + 1480, &p));
			from += 1480;
		}
		assert_true(give(t, ip_version, 1, total, from, total, &p));
		whole_check(t, &p, ip_version, 1, total, total / 1480 + 1);
	}
	table_free(t);
}

static void test_repetition(void **state)
{
	struct table *t = table_make(2);
	struct packet p;

	(void)state;
	assert_false(give(t, 4, 1, 64, 0, 32, &p));
	assert_false(give(t, 4, 1, 64, 0, 32, &p));
	assert_false(give(t, 4, 1, 64, 8, 24, &p)); // a part of what is there
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_DUPLICATE], 2);
	assert_true(give(t, 4, 1, 64, 32, 64, &p));
	whole_check(t, &p, 4, 1, 64, 2);
	table_free(t);
}

// An overlap, other bytes at a place that is taken, a second end, bytes behind the end: the datagram is refused, and stays so.
static void test_overlap(void **state)
{
	static const struct {
		uint32_t total, from, to;
	} rows[] = {{96, 24, 40}, {96, 0, 40}, {96, 72, 80}, {80, 72, 80}, {120, 112, 120}};

	(void)state;
	for (unsigned ip_version = 4; ip_version <= 6; ip_version += 2)
		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct table *t = table_make(2);
			struct packet p;

			assert_false(give(t, ip_version, 1, 96, 8, 32, &p));
			assert_false(give(t, ip_version, 1, 96, 64, 96, &p));
			if (i == 2) { // lies within what is there, says something else
				uint32_t wire = frame_make(t->frame, ip_version, 1, 96, 72, 80);

				t->frame[wire - 1] ^= 1;
				assert_false(give_frame(t, wire, wire, &p));
			} else {
				assert_false(give(t, ip_version, 1, rows[i].total, rows[i].from, rows[i].to, &p));
			}
			assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_OVERLAP], 3);
			assert_false(give(t, ip_version, 1, 96, 0, 8, &p));
			assert_false(give(t, ip_version, 1, 96, 32, 64, &p));
			assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_OVERLAP], 5);
			t->now_ns += (TIMEOUT_S + 1) * S; // then it may be tried again
			assert_false(give(t, ip_version, 1, 96, 0, 32, &p));
			assert_true(give(t, ip_version, 1, 96, 32, 96, &p));
			whole_check(t, &p, ip_version, 1, 96, 2);
			table_free(t);
		}
}

static void test_time(void **state)
{
	struct table *t = table_make(8);
	struct packet p;

	(void)state;
	assert_false(give(t, 4, 1, 64, 0, 32, &p));
	t->now_ns += TIMEOUT_S * S;
	assert_true(give(t, 4, 1, 64, 32, 64, &p)); // just in time
	packet_fragments_give_back(t->fragments, t->place);
	assert_false(give(t, 4, 2, 64, 0, 32, &p));
	t->now_ns += TIMEOUT_S * S + 1;
	assert_false(give(t, 4, 2, 64, 32, 64, &p)); // too late: begins another one
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_TIMEOUT], 1);
	assert_int_equal(counters(t)->waiting_pkts, 1);
	packet_fragments_expire(t->fragments, t->now_ns + TIMEOUT_S * S + 1);
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_TIMEOUT], 2);
	assert_int_equal(counters(t)->waiting_pkts, 0);
	table_free(t);
}

static void test_full(void **state)
{
	struct table *t = table_make(4);
	struct packet p;
	uint32_t first;

	(void)state;
	for (uint32_t id = 0; id < 6; id++) {
		assert_false(give(t, 4, id, 64, 0, 32, &p));
		t->now_ns++;
	}
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_EVICTED], 2);
	assert_false(give(t, 4, 0, 64, 32, 64, &p)); // its beginning is gone, and so is that of number 2
	assert_true(give(t, 4, 3, 64, 32, 64, &p));
	first = t->place;
	for (uint32_t id = 10; id < 30; id++) // what is handed out is not taken for others
		assert_false(give(t, 4, id, 64, 0, 32, &p) && t->place == first);
	assert_int_equal(counters(t)->waiting_pkts, 3);
	packet_fragments_give_back(t->fragments, first);
	for (uint32_t id = 30; id < 34; id++)
		assert_false(give(t, 4, id, 64, 0, 32, &p));
	assert_int_equal(counters(t)->waiting_pkts, 4);
	table_free(t);
}

// A reader that is slow costs nothing as long as there are places for what it has; then it costs the oldest one being joined.
static void test_away(void **state)
{
	enum { AWAY = 3 };
	struct table *t = table_make_with(2, AWAY);
	uint32_t place[AWAY + 1];
	struct packet p;

	(void)state;
	for (uint32_t id = 0; id < AWAY; id++) {
		assert_int_equal(packet_fragments_away(t->fragments), id);
		assert_false(give(t, 4, id, 64, 0, 32, &p));
		assert_true(give(t, 4, id, 64, 32, 64, &p));
		place[id] = t->place;
	}
	assert_int_equal(packet_fragments_away(t->fragments), AWAY);
	for (uint32_t id = 10; id < 12; id++)
		assert_false(give(t, 4, id, 64, 0, 32, &p));
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_EVICTED], 0);
	assert_true(give(t, 4, 10, 64, 32, 64, &p));
	place[AWAY] = t->place;
	for (unsigned i = 0; i < AWAY; i++)
		assert_int_not_equal(place[i], place[AWAY]);
	assert_false(give(t, 4, 12, 64, 0, 32, &p)); // its place has to be that of number 11
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_EVICTED], 1);
	for (unsigned i = 0; i <= AWAY; i++) {
		packet_fragments_give_back(t->fragments, place[i]);
		assert_int_equal(packet_fragments_away(t->fragments), AWAY - i);
	}
	assert_true(give(t, 4, 12, 64, 32, 64, &p));
	whole_check(t, &p, 4, 12, 64, 2);
	table_free(t);
}

// More places do not make the table larger.
static void test_full_with_places(void **state)
{
	struct table *t = table_make_with(4, 100);
	struct packet p;

	(void)state;
	for (uint32_t id = 0; id < 6; id++)
		assert_false(give(t, 4, id, 64, 0, 32, &p));
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_EVICTED], 2);
	assert_int_equal(counters(t)->waiting_pkts, 4);
	table_free(t);
}

// Lengths that only a capture file can claim: counted as they stand, and never more than a packet can say of itself.
static void test_claimed_lengths(void **state)
{
	static const uint32_t claims[] = {0x60000000, 0xffffffff};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct table *t = table_make(2);
		uint32_t captured = frame_make(t->frame, 4, 1, 96, 0, 32);
		bool whole;

		assert_false(give_frame(t, claims[i], captured, &p));
		frame_make(t->frame, 4, 1, 96, 32, 64);
		assert_false(give_frame(t, claims[i], captured, &p));
		frame_make(t->frame, 4, 1, 96, 64, 96);
		whole = give_frame(t, i == 0 ? captured : claims[i], captured, &p);
		assert_int_equal(whole, i == 0);
		assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_SCATTERED], i == 0 ? 0 : 2);
		if (whole)
			assert_int_equal(p.joined_bytes, 2 * claims[i]);
		table_free(t);
	}
}

static void test_scattered(void **state)
{
	struct table *t = table_make(2);
	struct packet p;

	(void)state;
	for (uint32_t i = 0; i < PACKET_FRAGMENTS_RANGES; i++)
		assert_false(give(t, 6, 1, 4000, i * 16, i * 16 + 8, &p));
	assert_int_equal(counters(t)->waiting_pkts, PACKET_FRAGMENTS_RANGES);
	assert_false(give(t, 6, 1, 4000, PACKET_FRAGMENTS_RANGES * 16, PACKET_FRAGMENTS_RANGES * 16 + 8, &p));
	assert_int_equal(counters(t)->fate_pkts[FRAGMENTS_SCATTERED], PACKET_FRAGMENTS_RANGES + 1);
	table_free(t);
}

// A capture with a snap length: the datagram is whole on the wire, what is shown ends where the first piece was cut.
static void test_cut(void **state)
{
	struct table *t = table_make(2);
	struct packet p;
	uint32_t wire;

	(void)state;
	wire = frame_make(t->frame, 4, 1, 128, 64, 128);
	assert_false(give_frame(t, wire, ETHERNET + IPV4 + 10, &p));
	wire = frame_make(t->frame, 4, 1, 128, 0, 64);
	assert_true(give_frame(t, wire, wire - 20, &p));
	assert_int_equal(p.payload_wire, 128 - UDP);
	assert_int_equal(p.payload, 64 - 20 - UDP);
	assert_true(p.truncated);
	assert_int_equal(p.src_port, 4000);
	packet_fragments_give_back(t->fragments, t->place);
	table_free(t);
}

// IPv6 with headers in front of the fragment header and behind it.
static void test_extensions(void **state)
{
	struct table *t = table_make(2);
	struct packet p;

	(void)state;
	for (unsigned last = 0; last < 2; last++) {
		uint32_t wire = frame_make(t->frame, 6, 9, 64, last ? 32 : 0, last ? 64 : 32);
		uint8_t *ip = t->frame + ETHERNET;

		memmove(ip + IPV6 + 8, ip + IPV6, FRAGMENT + 32);
		memcpy(ip + IPV6, (const uint8_t[]){44, 0, 1, 4, 0, 0, 0, 0}, 8);
		ip[6] = 60; // destination options, then the fragment header
		ip[5] = (uint8_t)(ip[5] + 8);
		assert_int_equal(give_frame(t, wire + 8, wire + 8, &p), last);
	}
	assert_int_equal(p.src_port, 4000);
	assert_int_equal(p.payload, 64 - UDP);
	assert_int_equal(p.payload_at, ETHERNET + IPV6 + 8 + FRAGMENT + UDP);
	packet_fragments_give_back(t->fragments, t->place);
	table_free(t);
}

// Fragments of a packet in a tunnel, and the outer packet in fragments too: joined twice, every frame counted once.
static void test_in_a_tunnel(void **state)
{
	struct table *t = table_make(4);
	unsigned given = 0, wholes = 0;
	struct packet p;

	(void)state;
	for (unsigned inner = 0; inner < 2; inner++) {
		uint8_t packet[256];
		uint32_t n = frame_make(t->frame, 4, 5, 64, inner ? 32 : 0, inner ? 64 : 32) - ETHERNET;

		memcpy(packet, t->frame + ETHERNET, n);
		for (unsigned outer = 0; outer < 2; outer++, given++) {
			uint32_t from = outer ? 24 : 0, to = outer ? n : 24, wire = frame_make(t->frame, 4, 100 + inner, n, from, to);
			bool whole;

			t->frame[ETHERNET + 9] = 4; // IP in IP
			memcpy(t->frame + ETHERNET + IPV4, packet + from, to - from);
			whole = give_frame(t, wire, wire, &p);
			assert_int_equal(whole, outer);
			if (!whole)
				continue;
			assert_int_equal(p.tunnels, 1);
			assert_true(p.fragment);
			t->joined_pkts -= p.joined_pkts;
			t->joined_bytes -= p.joined_bytes;
			if (packet_fragments_take(t->fragments, &p, &t->place)) {
				wholes++;
				t->joined_pkts += p.joined_pkts;
				t->joined_bytes += p.joined_bytes;
				assert_int_equal(p.joined_pkts, 3);
				assert_int_equal(p.src_port, 4000);
				assert_int_equal(p.payload, 64 - UDP);
				assert_int_equal(p.tunnels, 1);
			} else {
				t->held++;
				t->held_bytes += p.wire;
			}
			balance_check(t);
		}
	}
	assert_int_equal(wholes, 1);
	table_free(t);
}

// Any order, any loss, any repetition, any id: what comes out was cut to pieces, and the books balance.
static void test_storm(void **state)
{
	struct table *t = table_make(16);
	unsigned wholes = 0;

	(void)state;
	srand(11);
	for (unsigned i = 0; i < 50000; i++) {
		uint32_t id = (uint32_t)rand() % 24, total = 8 * (4 + id), from = 8 * ((uint32_t)rand() % (4 + id)), to = from + 8 * (1 + (uint32_t)rand() % 3);
		struct packet p;

		if (to > total)
			to = total;
		t->now_ns += (uint32_t)rand() % 100000000u;
		if (give(t, id % 2 ? 4 : 6, id, total, from, to, &p)) {
			wholes++;
			whole_check(t, &p, id % 2 ? 4 : 6, id, total, p.joined_pkts + 1);
		}
	}
	print_message("%u whole\n", wholes);
	assert_true(wholes > 100);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_order), cmocka_unit_test(test_largest),    cmocka_unit_test(test_repetition),
		cmocka_unit_test(test_overlap),     cmocka_unit_test(test_time),       cmocka_unit_test(test_full),
		cmocka_unit_test(test_scattered),   cmocka_unit_test(test_cut),        cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_in_a_tunnel), cmocka_unit_test(test_storm),      cmocka_unit_test(test_away),
		cmocka_unit_test(test_full_with_places), cmocka_unit_test(test_claimed_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
