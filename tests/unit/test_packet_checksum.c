// Sums against RFC 1071 and against the plainest possible reference, at every length and alignment; verdicts of whole frames made
// here: each header good and with each of its bits turned, cut at every byte, as fragment, with extension headers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_checksum.h"

enum { FRAME_MAX = 70000, LENGTHS = 700, ALIGNMENTS = 32, ETHERNET = 14 };
enum { IGMP = 2, HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };

struct frame {
	uint32_t n;
	uint8_t b[FRAME_MAX];
};

// ---- the reference ----

static uint32_t naive(uint32_t sum, const uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)b[i] << 8 : b[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t draw(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static void noise(uint8_t *b, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		b[i] = (uint8_t)(draw(&seed) >> 11);
}

static void test_rfc1071(void **state)
{
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}; // section 3
	static const uint8_t odd[] = {0x00, 0x01, 0xf2};

	(void)state;
	assert_int_equal(packet_checksum_sum(example, sizeof(example)), 0xddf2);
	assert_int_equal(packet_checksum_sum(odd, sizeof(odd)), 0xf201);
	assert_int_equal(packet_checksum_sum(example, 0), 0);
	assert_int_equal(packet_checksum_sum(example, 1), 0);
	assert_int_equal(packet_checksum_sum(example + 2, 1), 0xf200);
}

static void test_ways_agree(void **state)
{
	uint8_t *room = malloc(LENGTHS + ALIGNMENTS);

	(void)state;
	assert_non_null(room);
	noise(room, LENGTHS + ALIGNMENTS, 1);
	for (uint32_t n = 0; n < LENGTHS; n++)
		for (uint32_t at = 0; at < ALIGNMENTS; at++) {
			uint16_t wanted = fold(naive(0, room + at, n));

			assert_int_equal(packet_checksum_sum(room + at, n), wanted);
			for (unsigned i = 0; packet_checksum_way(i) != NULL; i++) {
				uint16_t got = fold(packet_checksum_way(i)->sum(room + at, n));

				assert_int_equal((uint16_t)(got << 8 | got >> 8), wanted); // little endian, as all we build for
			}
		}
	free(room);
}

// The largest message, all ones: where an accumulator would overflow.
static void test_carries(void **state)
{
	uint8_t *room = malloc(FRAME_MAX);

	(void)state;
	assert_non_null(room);
	memset(room, 0xff, FRAME_MAX);
	for (uint32_t n = FRAME_MAX - 70; n <= FRAME_MAX; n++) {
		assert_int_equal(packet_checksum_sum(room, n), fold(naive(0, room, n)));
		for (unsigned i = 0; packet_checksum_way(i) != NULL; i++) {
			uint16_t got = fold(packet_checksum_way(i)->sum(room, n));

			assert_int_equal((uint16_t)(got << 8 | got >> 8), fold(naive(0, room, n)));
		}
	}
	free(room);
}

// ---- frames ----

static void put8(struct frame *f, unsigned v)
{
	assert_in_range(f->n, 0, FRAME_MAX - 1);
	f->b[f->n++] = (uint8_t)v;
}

static void put16(struct frame *f, unsigned v)
{
	put8(f, v >> 8);
	put8(f, v);
}

static void fill(struct frame *f, uint32_t n, unsigned v)
{
	while (n-- > 0)
		put8(f, v++);
}

static void set16(struct frame *f, uint32_t at, unsigned v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

static void ethernet(struct frame *f, unsigned type)
{
	f->n = 0;
	fill(f, 6, 0x02);
	fill(f, 6, 0x04);
	put16(f, type);
}

static void ipv4(struct frame *f, unsigned proto, unsigned behind, unsigned fragment, unsigned options)
{
	ethernet(f, 0x0800);
	put8(f, 0x40 | (5 + options / 4));
	put8(f, 0);
	put16(f, 20 + options + behind);
	put16(f, 0x1234);
	put16(f, fragment);
	put8(f, 64);
	put8(f, proto);
	put16(f, 0);
	fill(f, 4, 0xc0);
	fill(f, 4, 0xc6);
	for (unsigned i = 0; i < options; i++)
		put8(f, 1);
	set16(f, ETHERNET + 10, 0xffffu & ~naive(0, f->b + ETHERNET, 20 + options));
}

static void ipv6(struct frame *f, unsigned next, unsigned behind)
{
	ethernet(f, 0x86dd);
	put16(f, 0x6000);
	put16(f, 0);
	put16(f, behind);
	put8(f, next);
	put8(f, 64);
	fill(f, 16, 0x20);
	fill(f, 16, 0x31);
}

// Where in a message of this protocol the checksum is.
static uint32_t field_of(unsigned proto)
{
	return proto == IP_TCP ? 16 : proto == IP_UDP ? 6 : 2;
}

// Adds a message of n bytes and gives it its checksum; from and to: the addresses in it, NULL: none.
static uint32_t message(struct frame *f, unsigned proto, uint32_t n, const uint8_t *from, const uint8_t *to, uint32_t address)
{
	uint32_t at = f->n, sum = 0;
	uint8_t tail[4] = {(uint8_t)(n >> 8), (uint8_t)n, 0, (uint8_t)proto};

	fill(f, n, 0x11);
	if (proto == IP_TCP)
		f->b[at + 12] = 0x50;
	if (proto == IP_UDP)
		set16(f, at + 4, n);
	set16(f, at + field_of(proto), 0);
	if (from != NULL)
		sum = naive(naive(naive(0, from, address), to, address), tail, 4);
	set16(f, at + field_of(proto), 0xffffu & ~naive(sum, f->b + at, n));
	return at;
}

static uint32_t message4(struct frame *f, unsigned proto, uint32_t n)
{
	bool ends = proto == IP_TCP || proto == IP_UDP;

	return message(f, proto, n, ends ? f->b + ETHERNET + 12 : NULL, f->b + ETHERNET + 16, 4);
}

static uint32_t message6(struct frame *f, unsigned proto, uint32_t n)
{
	return message(f, proto, n, f->b + ETHERNET + 8, f->b + ETHERNET + 24, 16);
}

// In a buffer of exactly its size. wire: 0, or how long it was.
static struct packet_checksums ask(const struct frame *f, uint32_t captured, uint32_t wire, unsigned known)
{
	uint8_t *exact = malloc(captured > 0 ? captured : 1);
	struct packet p = {.captured = captured, .wire = wire};
	struct packet_checksums out;

	assert_non_null(exact);
	memcpy(exact, f->b, captured);
	p.frame = exact;
	packet_decode(&p);
	packet_checksum(&p, known, &out);
	free(exact);
	return out;
}

static void require(const struct frame *f, unsigned ipv4_wanted, unsigned proto, unsigned l4)
{
	struct packet_checksums got = ask(f, f->n, 0, 0);

	assert_int_equal(got.ipv4, ipv4_wanted);
	assert_int_equal(got.l4_proto, proto);
	assert_int_equal(got.l4, l4);
}

static const struct row {
	unsigned proto, checksum, least;
	bool v4, v6;
} rows[] = {
	{IP_TCP, CHECKSUM_TCP, 20, true, true},
	{IP_UDP, CHECKSUM_UDP, 8, true, true},
	{IP_ICMP, CHECKSUM_ICMP, 8, true, false},
	{IP_ICMPV6, CHECKSUM_ICMPV6, 8, false, true},
	{IGMP, CHECKSUM_IGMP, 8, true, false},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void make(struct frame *f, const struct row *row, bool six, uint32_t n)
{
	if (six) {
		ipv6(f, row->proto, n);
		message6(f, row->proto, n);
	} else {
		ipv4(f, row->proto, n, 0, 0);
		message4(f, row->proto, n);
	}
}

static void test_good_at_every_length(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned r = 0; r < ROWS; r++)
		for (uint32_t n = rows[r].least; n < LENGTHS; n++) {
			if (rows[r].v4) {
				make(&f, &rows[r], false, n);
				fill(&f, 5, 0x77); // Ethernet padding is not covered
				require(&f, CHECKSUM_GOOD, rows[r].checksum, CHECKSUM_GOOD);
			}
			if (rows[r].v6) {
				make(&f, &rows[r], true, n);
				require(&f, CHECKSUM_ABSENT, rows[r].checksum, CHECKSUM_GOOD);
			}
		}
}

// Every bit behind the lengths is covered: in the addresses and the message.
static void test_any_bit_turned_is_bad(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned r = 0; r < ROWS; r++)
		for (unsigned six = 0; six < 2; six++) {
			if (six != 0 ? !rows[r].v6 : !rows[r].v4)
				continue;
			make(&f, &rows[r], six != 0, 33);
			for (uint32_t bit = (f.n - 33) * 8; bit < f.n * 8; bit++) {
				uint32_t at = bit / 8 - (f.n - 33);

				if ((rows[r].proto == IP_UDP && (at == 4 || at == 5)) || (rows[r].proto == IP_TCP && at == 12))
					continue; // lengths
				f.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
				require(&f, six != 0 ? CHECKSUM_ABSENT : CHECKSUM_GOOD, rows[r].checksum, CHECKSUM_BAD);
				f.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
		}
}

static void test_ipv4_header(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned options = 0; options <= 40; options += 4) {
		ipv4(&f, IP_UDP, 20, 0, options);
		message4(&f, IP_UDP, 20);
		require(&f, CHECKSUM_GOOD, CHECKSUM_UDP, CHECKSUM_GOOD);
		f.b[ETHERNET + 8]--; // time to live
		require(&f, CHECKSUM_BAD, CHECKSUM_UDP, CHECKSUM_GOOD);
	}
	ipv4(&f, 132, 20, 0, 0); // SCTP has a CRC
	fill(&f, 20, 0);
	require(&f, CHECKSUM_GOOD, CHECKSUMS, CHECKSUM_ABSENT);
	ethernet(&f, 0x0806);
	fill(&f, 28, 0);
	require(&f, CHECKSUM_ABSENT, CHECKSUMS, CHECKSUM_ABSENT);
}

static void test_udp_without(void **state)
{
	static struct frame f;
	uint32_t at;

	(void)state;
	ipv4(&f, IP_UDP, 20, 0, 0);
	at = message4(&f, IP_UDP, 20);
	set16(&f, at + 6, 0);
	require(&f, CHECKSUM_GOOD, CHECKSUM_UDP, CHECKSUM_ABSENT);
	ipv6(&f, IP_UDP, 20);
	at = message6(&f, IP_UDP, 20);
	set16(&f, at + 6, 0);
	require(&f, CHECKSUM_ABSENT, CHECKSUM_UDP, CHECKSUM_BAD);
}

// UDP may be shorter than what IP carries; longer it is unsound, and the padding behind it is not its own.
static void test_udp_lengths(void **state)
{
	static struct frame f;

	(void)state;
	ipv4(&f, IP_UDP, 30, 0, 0);
	message4(&f, IP_UDP, 20);
	fill(&f, 10, 0x99);
	require(&f, CHECKSUM_GOOD, CHECKSUM_UDP, CHECKSUM_GOOD);
	ipv4(&f, IP_UDP, 20, 0, 0);
	message4(&f, IP_UDP, 30);
	require(&f, CHECKSUM_GOOD, CHECKSUM_UDP, CHECKSUM_UNVERIFIED);
}

// Cut anywhere, nothing is called good or bad that is not all there.
static void test_cut(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned r = 0; r < ROWS; r++)
		for (unsigned six = 0; six < 2; six++) {
			uint32_t l4;

			if (six != 0 ? !rows[r].v6 : !rows[r].v4)
				continue;
			make(&f, &rows[r], six != 0, 40);
			l4 = f.n - 40;
			for (uint32_t cut = 0; cut < f.n; cut++) {
				struct packet_checksums got = ask(&f, cut, f.n, 0);
				uint32_t header = rows[r].proto == IP_TCP ? 20 : rows[r].proto == IP_UDP ? 8 : 4;

				assert_int_equal(got.ipv4, six == 0 && cut >= l4 ? CHECKSUM_GOOD : CHECKSUM_ABSENT);
				assert_int_equal(got.l4, cut >= l4 + header ? CHECKSUM_UNVERIFIED : CHECKSUM_ABSENT);
			}
		}
	ipv4(&f, IP_UDP, 20, 0, 40); // in the middle of the options
	assert_int_equal(ask(&f, ETHERNET + 30, ETHERNET + 80, 0).ipv4, CHECKSUM_UNVERIFIED);
}

static void test_fragments(void **state)
{
	static struct frame f;

	(void)state;
	ipv4(&f, IP_TCP, 40, 0x2000, 0); // the first
	message4(&f, IP_TCP, 40);
	require(&f, CHECKSUM_GOOD, CHECKSUMS, CHECKSUM_ABSENT); // the message is that of the whole datagram
	ipv4(&f, IP_TCP, 40, 0x0005, 0); // a later one
	message4(&f, IP_TCP, 40);
	require(&f, CHECKSUM_GOOD, CHECKSUMS, CHECKSUM_ABSENT);
}

// ---- extension headers ----

static void put_fragment(struct frame *f, unsigned next, unsigned offset_flags)
{
	put16(f, next << 8);
	put16(f, offset_flags);
	put16(f, 0);
	put16(f, 7);
}

static void test_extensions(void **state)
{
	static struct frame f;

	(void)state;
	ipv6(&f, HOP, 8 + 16 + 30);
	put16(&f, DESTINATION << 8);
	fill(&f, 6, 0); // Pad1, then an option without bytes ...
	put16(&f, IP_UDP << 8 | 1);
	fill(&f, 14, 0x1e); // an option that ends behind the header: nothing to follow
	message6(&f, IP_UDP, 30);
	require(&f, CHECKSUM_ABSENT, CHECKSUM_UDP, CHECKSUM_GOOD);

	for (unsigned offset = 0; offset <= 9; offset++) {
		ipv6(&f, FRAGMENT, 8 + 30);
		put_fragment(&f, IP_UDP, offset);
		message6(&f, IP_UDP, 30);
		if (offset < 8 && (offset & 1) == 0)
			require(&f, CHECKSUM_ABSENT, CHECKSUM_UDP, CHECKSUM_GOOD);
		else
			require(&f, CHECKSUM_ABSENT, CHECKSUMS, CHECKSUM_ABSENT);
	}
}

// A whole one in a fragment is no more whole than that.
static void test_fragment_headers_twice(void **state)
{
	static struct frame f;

	(void)state;
	ipv6(&f, FRAGMENT, 16 + 30);
	put_fragment(&f, FRAGMENT, 1);
	put_fragment(&f, IP_UDP, 0);
	message6(&f, IP_UDP, 30);
	require(&f, CHECKSUM_ABSENT, CHECKSUMS, CHECKSUM_ABSENT);
}

// The pseudo header has the address the packet goes to in the end.
static void test_routing(void **state)
{
	static const struct {
		unsigned type, left, addresses;
		int last; // which address counts, -1: that of the IPv6 header
	} cases[] = {{0, 2, 2, 1}, {0, 0, 2, -1}, {0, 1, 1, 0}, {2, 1, 1, 0}, {4, 1, 2, 0}, {4, 0, 2, -1}, {3, 1, 1, -1}, {0, 1, 0, -1}};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t length = 8 + 16 * cases[i].addresses;
		const uint8_t *to = f.b + ETHERNET + (cases[i].last < 0 ? 24 : 40 + 8 + 16 * cases[i].last);

		ipv6(&f, ROUTING, length + 30);
		put16(&f, IP_TCP << 8 | cases[i].addresses * 2);
		put16(&f, cases[i].type << 8 | cases[i].left);
		fill(&f, 4, 0);
		for (unsigned a = 0; a < cases[i].addresses; a++)
			fill(&f, 16, 0x50 + 0x31 * a);
		message(&f, IP_TCP, 30, f.b + ETHERNET + 8, to, 16);
		require(&f, CHECKSUM_ABSENT, CHECKSUM_TCP, CHECKSUM_GOOD);
	}
}

static void test_home_address(void **state)
{
	static struct frame f;

	(void)state;
	ipv6(&f, DESTINATION, 24 + 30);
	put16(&f, IP_TCP << 8 | 2);
	put16(&f, 0x0102); // PadN of 2 bytes ...
	put16(&f, 0);
	put16(&f, 0xc910);
	fill(&f, 16, 0x80);
	message(&f, IP_TCP, 30, f.b + ETHERNET + 40 + 8, f.b + ETHERNET + 24, 16);
	require(&f, CHECKSUM_ABSENT, CHECKSUM_TCP, CHECKSUM_GOOD);
	f.b[ETHERNET + 40 + 6] = 0xca; // another option: the source is the header's
	require(&f, CHECKSUM_ABSENT, CHECKSUM_TCP, CHECKSUM_BAD);
}

// ---- what is known already ----

static void test_known(void **state)
{
	static struct frame f;
	struct packet_checksums got;

	(void)state;
	ipv4(&f, IP_TCP, 30, 0, 0);
	message4(&f, IP_TCP, 30);
	f.b[ETHERNET + 8]--;
	f.b[f.n - 1]++;
	require(&f, CHECKSUM_BAD, CHECKSUM_TCP, CHECKSUM_BAD);
	got = ask(&f, f.n, 0, CHECKSUM_KNOWN_IPV4 | CHECKSUM_KNOWN_L4);
	assert_int_equal(got.ipv4, CHECKSUM_GOOD);
	assert_int_equal(got.l4, CHECKSUM_GOOD);
	got = ask(&f, f.n, 0, CHECKSUM_KNOWN_IPV4);
	assert_int_equal(got.ipv4, CHECKSUM_GOOD);
	assert_int_equal(got.l4, CHECKSUM_BAD);
	got = ask(&f, f.n, 0, CHECKSUM_NOT_ASKED);
	assert_int_equal(got.ipv4, CHECKSUM_UNVERIFIED);
	assert_int_equal(got.l4, CHECKSUM_UNVERIFIED);
	got = ask(&f, f.n, 0, CHECKSUM_NOT_ASKED | CHECKSUM_KNOWN_L4);
	assert_int_equal(got.ipv4, CHECKSUM_UNVERIFIED);
	assert_int_equal(got.l4, CHECKSUM_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071),
		cmocka_unit_test(test_ways_agree),
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_good_at_every_length),
		cmocka_unit_test(test_any_bit_turned_is_bad),
		cmocka_unit_test(test_ipv4_header),
		cmocka_unit_test(test_udp_without),
		cmocka_unit_test(test_udp_lengths),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_fragment_headers_twice),
		cmocka_unit_test(test_routing),
		cmocka_unit_test(test_home_address),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
