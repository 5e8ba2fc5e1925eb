// The decoder against frames built here: every header it knows, every length field at its edges, every place at which a capture
// can end. Each frame lies in a buffer of exactly its size, so that an instrumented build sees a read past its end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet.h"

enum { FRAME_MAX = 70000, PAYLOAD = 10, FRAGMENT = 24 };

struct frame {
	uint32_t n;
	uint8_t b[FRAME_MAX];
};

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

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void fill(struct frame *f, uint32_t n, unsigned v)
{
	while (n-- > 0)
		put8(f, v);
}

static void set16(struct frame *f, uint32_t at, unsigned v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

// ---- headers ----

static void ethernet(struct frame *f, unsigned type)
{
	f->n = 0;
	fill(f, 6, 0x02);
	fill(f, 6, 0x04);
	put16(f, type);
}

static void tag(struct frame *f, unsigned id, unsigned type)
{
	put16(f, 0x2000 | id); // with a priority
	put16(f, type);
}

static void ipv4_options(struct frame *f, unsigned proto, unsigned behind, unsigned fragment, unsigned options)
{
	put8(f, 0x40 | (5 + options / 4));
	put8(f, 0);
	put16(f, 20 + options + behind);
	put16(f, 0x1234);
	put16(f, fragment);
	put8(f, 64);
	put8(f, proto);
	put16(f, 0);
	put32(f, 0xc0000201);
	put32(f, 0xc6336402);
	fill(f, options, 1);
}

static void ipv4(struct frame *f, unsigned proto, unsigned behind)
{
	ipv4_options(f, proto, behind, 0, 0);
}

static void ipv6(struct frame *f, unsigned next, unsigned behind)
{
	put32(f, 0x60000000);
	put16(f, behind);
	put8(f, next);
	put8(f, 64);
	fill(f, 16, 0x20);
	fill(f, 16, 0x30);
}

static void extension(struct frame *f, unsigned next, unsigned length)
{
	put8(f, next);
	put8(f, length / 8 - 1);
	fill(f, length - 2, 0);
}

static void tcp(struct frame *f, unsigned options)
{
	put16(f, 40000);
	put16(f, 443);
	put32(f, 0x01020304);
	put32(f, 0x05060708);
	put8(f, (5 + options / 4) << 4);
	put8(f, TCP_PSH | TCP_ACK);
	put16(f, 1000);
	put32(f, 0);
	fill(f, options, 1);
}

static void udp(struct frame *f, unsigned length)
{
	put16(f, 5353);
	put16(f, 53);
	put16(f, length);
	put16(f, 0);
}

static void icmp(struct frame *f, unsigned type, unsigned code)
{
	put8(f, type);
	put8(f, code);
	put16(f, 0);
	put32(f, 0);
}

// ---- the base frames ----

static void make_tcp4(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4(f, IP_TCP, 20 + PAYLOAD);
	tcp(f, 0);
	fill(f, PAYLOAD, 'x');
}

static void make_tcp4_options(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4_options(f, IP_TCP, 32 + PAYLOAD, 0x4000, 40); // do not fragment
	tcp(f, 12);
	fill(f, PAYLOAD, 'x');
}

static void make_udp4_vlan(struct frame *f)
{
	ethernet(f, 0x8100);
	tag(f, 100, 0x0800);
	ipv4(f, IP_UDP, 8 + PAYLOAD);
	udp(f, 8 + PAYLOAD);
	fill(f, PAYLOAD, 'x');
}

static void make_udp4_padded(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4(f, IP_UDP, 8 + 1);
	udp(f, 8 + 1);
	put8(f, 'x');
	fill(f, 60 - f->n, 0);
}

static void make_tcp6_qinq(struct frame *f)
{
	ethernet(f, 0x88a8);
	tag(f, 4095, 0x8100);
	tag(f, 7, 0x86dd);
	ipv6(f, IP_TCP, 20 + PAYLOAD);
	tcp(f, 0);
	fill(f, PAYLOAD, 'x');
}

static void make_udp6_chain(struct frame *f)
{
	ethernet(f, 0x86dd);
	ipv6(f, 0, 8 + 24 + 16 + 12 + 8 + 8 + PAYLOAD);
	extension(f, 43, 8);  // hop by hop
	extension(f, 60, 24); // routing
	extension(f, 51, 16); // destination
	put8(f, 44);          // authentication, in units of four
	put8(f, 12 / 4 - 2);
	fill(f, 10, 0);
	put8(f, IP_UDP); // an atomic fragment is whole
	fill(f, 7, 0);
	udp(f, 8 + PAYLOAD);
	fill(f, PAYLOAD, 'x');
}

static void make_icmp4(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4(f, IP_ICMP, 8 + PAYLOAD);
	icmp(f, 8, 0);
	fill(f, PAYLOAD, 'x');
}

static void make_icmp6(struct frame *f)
{
	ethernet(f, 0x86dd);
	ipv6(f, IP_ICMPV6, 8 + PAYLOAD);
	icmp(f, 135, 0);
	fill(f, PAYLOAD, 'x');
}

static void make_sctp4(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4(f, IP_SCTP, 12 + PAYLOAD);
	put16(f, 2905);
	put16(f, 2906);
	fill(f, 8 + PAYLOAD, 0);
}

static void make_gre6(struct frame *f)
{
	ethernet(f, 0x86dd);
	ipv6(f, 47, PAYLOAD);
	fill(f, PAYLOAD, 0);
}

static void make_fragment4(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4_options(f, IP_UDP, FRAGMENT, 0x2000, 0); // the first one: more follow
	udp(f, 3000);
	fill(f, FRAGMENT - 8, 'x');
}

static void make_fragment6(struct frame *f)
{
	ethernet(f, 0x86dd);
	ipv6(f, 44, 8 + PAYLOAD);
	put8(f, IP_TCP);
	put8(f, 0);
	put16(f, 8 << 3);
	put32(f, 1);
	fill(f, PAYLOAD, 'x');
}

static void make_arp(struct frame *f)
{
	ethernet(f, 0x0806);
	put16(f, 1);
	put16(f, 0x0800);
	put8(f, 6);
	put8(f, 4);
	put16(f, 1);
	fill(f, 20, 0x11);
}

static void make_lldp(struct frame *f)
{
	ethernet(f, 0x88cc);
	fill(f, 46, 0x02);
}

static void make_stp(struct frame *f)
{
	ethernet(f, 38);
	put16(f, 0x4242);
	put8(f, 3);
	fill(f, 35, 0);
}

struct base {
	const char *name;
	void (*make)(struct frame *f);
	uint8_t verdict, ip_version, proto, vlans;
	uint16_t vlan[2], src_port, dst_port;
	uint32_t l3_at, payload_at, payload;
	bool fragment;
};

static const struct base bases[] = {
	{"tcp4", make_tcp4, PACKET_OK, 4, IP_TCP, 0, {0}, 40000, 443, 14, 54, PAYLOAD, false},
	{"tcp4 with options", make_tcp4_options, PACKET_OK, 4, IP_TCP, 0, {0}, 40000, 443, 14, 106, PAYLOAD, false},
	{"udp4 in a VLAN", make_udp4_vlan, PACKET_OK, 4, IP_UDP, 1, {100}, 5353, 53, 18, 46, PAYLOAD, false},
	{"udp4 padded", make_udp4_padded, PACKET_OK, 4, IP_UDP, 0, {0}, 5353, 53, 14, 42, 1, false},
	{"tcp6 in QinQ", make_tcp6_qinq, PACKET_OK, 6, IP_TCP, 2, {4095, 7}, 40000, 443, 22, 82, PAYLOAD, false},
	{"udp6 behind extensions", make_udp6_chain, PACKET_OK, 6, IP_UDP, 0, {0}, 5353, 53, 14, 130, PAYLOAD, false},
	{"icmp echo", make_icmp4, PACKET_OK, 4, IP_ICMP, 0, {0}, 8, 0, 14, 38, 4 + PAYLOAD, false},
	{"neighbour solicitation", make_icmp6, PACKET_OK, 6, IP_ICMPV6, 0, {0}, 135, 136, 14, 58, 4 + PAYLOAD, false},
	{"sctp", make_sctp4, PACKET_OK, 4, IP_SCTP, 0, {0}, 2905, 2906, 14, 46, PAYLOAD, false},
	{"gre in ipv6", make_gre6, PACKET_OK, 6, 47, 0, {0}, 0, 0, 14, 54, PAYLOAD, false},
	{"first fragment", make_fragment4, PACKET_OK, 4, IP_UDP, 0, {0}, 0, 0, 14, 34, FRAGMENT, true},
	{"later fragment of ipv6", make_fragment6, PACKET_OK, 6, IP_TCP, 0, {0}, 0, 0, 14, 62, PAYLOAD, true},
	{"arp", make_arp, PACKET_ARP, 0, 0, 0, {0}, 0, 0, 14, 14, 28, false},
	{"lldp", make_lldp, PACKET_LLDP, 0, 0, 0, {0}, 0, 0, 14, 14, 46, false},
	{"spanning tree", make_stp, PACKET_STP, 0, 0, 0, {0}, 0, 0, 17, 17, 35, false},
};

enum { BASES = sizeof(bases) / sizeof(bases[0]) };

// ---- decoding, with what must hold of any frame ----

static void invariants_check(const struct packet *p)
{
	uint32_t address = p->ip_version == 4 ? 4 : 16;

	assert_in_range(p->verdict, 0, PACKET_VERDICTS - 1);
	assert_non_null(packet_verdict_names[p->verdict]);
	assert_true(p->wire >= p->captured);
	assert_true(p->vlans <= PACKET_VLANS);
	assert_true(p->payload <= p->payload_wire);
	assert_true((uint64_t)p->payload_at + p->payload <= p->captured);
	if (p->verdict != PACKET_OK)
		return;
	assert_true(p->ip_version == 4 || p->ip_version == 6);
	assert_true(p->src_at >= 14 && p->src_at + address <= p->dst_at && p->dst_at + address <= p->captured);
	if (p->fragment)
		assert_true(p->src_port == 0 && p->dst_port == 0 && (p->payload_at == 0) == (p->payload_wire == 0));
}

static struct packet decode(const uint8_t *bytes, uint32_t captured, uint32_t wire)
{
	uint8_t *exact = malloc(captured > 0 ? captured : 1);
	struct packet p;

	assert_non_null(exact);
	memset(&p, 0xa5, sizeof(p)); // nothing may depend on what was there
	memcpy(exact, bytes, captured);
	p.frame = captured > 0 ? exact : exact + 1;
	p.captured = captured;
	p.wire = wire;
	packet_decode(&p);
	invariants_check(&p);
	free(exact);
	p.frame = NULL;
	return p;
}

static void test_bases(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < BASES; i++) {
		const struct base *b = &bases[i];
		struct packet p;

		b->make(&f);
		p = decode(f.b, f.n, f.n);
		print_message("%s\n", b->name);
		assert_int_equal(p.verdict, b->verdict);
		assert_int_equal(p.ip_version, b->ip_version);
		assert_int_equal(p.proto, b->proto);
		assert_int_equal(p.vlans, b->vlans);
		for (unsigned v = 0; v < b->vlans; v++)
			assert_int_equal(p.vlan[v], b->vlan[v]);
		assert_int_equal(p.src_port, b->src_port);
		assert_int_equal(p.dst_port, b->dst_port);
		assert_int_equal(p.payload_at, b->payload_at);
		assert_int_equal(p.payload, b->payload);
		assert_int_equal(p.payload_wire, b->payload);
		assert_int_equal(p.wire, f.n);
		assert_int_equal(p.fragment, b->fragment);
		assert_false(p.truncated);
	}
}

static void test_tcp_fields(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	make_tcp4(&f);
	p = decode(f.b, f.n, 0);
	assert_int_equal(p.tcp_seq, 0x01020304);
	assert_int_equal(p.tcp_ack, 0x05060708);
	assert_int_equal(p.tcp_flags, TCP_PSH | TCP_ACK);
	assert_int_equal(p.src_at, 26);
	assert_int_equal(p.dst_at, 30);
}

// ---- captures that end early ----

// With the length on the wire known, a cut is never a fault of the frame, and what is told of the wire stays the same.
static void cut_with_wire(const struct base *b, const struct frame *f, uint32_t n)
{
	struct packet whole = decode(f->b, f->n, f->n), p = decode(f->b, n, f->n);
	uint32_t addresses = b->l3_at + (b->ip_version == 4 ? 20 : 40);

	assert_true(p.truncated == (n < f->n));
	assert_int_equal(p.wire, f->n);
	if (b->ip_version == 0)
		assert_int_equal(p.verdict, n < b->l3_at ? PACKET_CUT : b->verdict);
	else
		assert_int_equal(p.verdict, n < addresses ? PACKET_CUT : b->verdict);
	if (p.payload_at != 0) {
		assert_int_equal(p.payload_wire, whole.payload_wire);
		assert_int_equal(p.payload, n - p.payload_at < whole.payload ? n - p.payload_at : whole.payload);
	}
}

// Without it, only the headers can tell: once the IP length has been read they do.
static void cut_without_wire(const struct base *b, const struct frame *f, uint32_t n)
{
	struct packet p = decode(f->b, n, 0);
	uint32_t addresses = b->l3_at + (b->ip_version == 4 ? 20 : 40);

	if (n < 14)
		assert_int_equal(p.verdict, PACKET_BAD_ETHERNET);
	else if (b->verdict == PACKET_STP) // its length tells of the rest
		assert_int_equal(p.verdict, n < b->l3_at ? PACKET_CUT : PACKET_STP);
	else if (n < b->l3_at)
		assert_int_equal(p.verdict, PACKET_BAD_VLAN);
	else if (b->verdict == PACKET_ARP)
		assert_int_equal(p.verdict, n < 14 + 28 ? PACKET_BAD_ARP : PACKET_ARP);
	else if (b->ip_version == 0)
		assert_int_equal(p.verdict, b->verdict);
	else if (n < addresses)
		assert_int_equal(p.verdict, b->ip_version == 4 ? PACKET_BAD_IPV4 : PACKET_BAD_IPV6);
	else
		assert_int_equal(p.verdict, PACKET_OK);
}

static void test_cut_everywhere(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < BASES; i++) {
		bases[i].make(&f);
		for (uint32_t n = 0; n <= f.n; n++) {
			cut_with_wire(&bases[i], &f, n);
			cut_without_wire(&bases[i], &f, n);
		}
	}
}

static void test_snap_length_restores_wire(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	ethernet(&f, 0x0800);
	ipv4(&f, IP_TCP, 20 + 1400);
	tcp(&f, 0);
	fill(&f, 14, 'x');
	p = decode(f.b, f.n, 0); // a snap length of 68 and a port that does not know
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.wire, 14 + 20 + 20 + 1400);
	assert_true(p.truncated);
	assert_int_equal(p.payload, 14);
	assert_int_equal(p.payload_wire, 1400);
	p = decode(f.b, f.n, 1460); // six bytes of trailer: the port knows better
	assert_int_equal(p.wire, 1460);
	assert_int_equal(p.payload_wire, 1400);
}

// ---- length fields ----

struct field {
	const char *name;
	void (*make)(struct frame *f);
	uint32_t at, unit_at; // where it stands; from where it counts
	unsigned header;      // least sound value
	uint8_t bad;          // verdict below that
	bool more_is_cut;     // a value beyond the frame: the capture is short (IP), else the header is bad
};

static void expect_field(const struct field *field, struct frame *f, unsigned value, unsigned remaining)
{
	struct packet p;

	set16(f, field->at, value);
	p = decode(f->b, f->n, f->n);
	if (value == 0) { // offload or jumbogram: the frame decides
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.payload, PAYLOAD);
	} else if (value < field->header || (value > remaining && !field->more_is_cut)) {
		assert_int_equal(p.verdict, field->bad);
	} else if (value >= remaining) {
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.truncated, value > remaining);
		assert_int_equal(p.payload, PAYLOAD);
		assert_int_equal(p.payload_wire, PAYLOAD + value - remaining);
	} else if (p.verdict == PACKET_OK && p.payload_at != 0) {
		assert_int_equal(p.payload, PAYLOAD + value - remaining);
	}
}

static void make_udp4(struct frame *f)
{
	ethernet(f, 0x0800);
	ipv4(f, IP_UDP, 8 + PAYLOAD);
	udp(f, 8 + PAYLOAD);
	fill(f, PAYLOAD, 'x');
}

static void make_tcp6(struct frame *f)
{
	ethernet(f, 0x86dd);
	ipv6(f, IP_TCP, 20 + PAYLOAD);
	tcp(f, 0);
	fill(f, PAYLOAD, 'x');
}

static void test_length_fields(void **state)
{
	static const struct field fields[] = {
		{"ipv4 total length", make_tcp4, 16, 14, 20, PACKET_BAD_IPV4, true},
		{"ipv6 payload length", make_tcp6, 18, 54, 20, PACKET_BAD_TCP, true},
		{"udp length", make_udp4, 38, 34, 8, PACKET_BAD_UDP, false},
	};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const struct field *field = &fields[i];
		unsigned remaining;

		field->make(&f);
		remaining = f.n - field->unit_at;
		print_message("%s\n", field->name);
		for (unsigned v = 0; v <= remaining + 2; v++)
			expect_field(field, &f, v, remaining);
		expect_field(field, &f, 65534, remaining);
		expect_field(field, &f, 65535, remaining);
	}
}

// The four-bit header lengths, all sixteen values.
static void test_header_nibbles(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		make_tcp4(&f); // 50 bytes from the IP header on
		f.b[14] = (uint8_t)(0x40 | words);
		p = decode(f.b, f.n, f.n);
		if (words < 5 || words * 4 > 50)
			assert_int_equal(p.verdict, PACKET_BAD_IPV4);
		make_tcp4(&f); // 30 bytes from the TCP header on
		f.b[46] = (uint8_t)(words << 4);
		p = decode(f.b, f.n, f.n);
		assert_int_equal(p.verdict, words < 5 || words * 4 > 30 ? PACKET_BAD_TCP : PACKET_OK);
		if (p.verdict == PACKET_OK)
			assert_int_equal(p.payload, 30 - words * 4);
	}
	for (unsigned version = 0; version < 16; version++) {
		make_tcp4(&f);
		f.b[14] = (uint8_t)(version << 4 | 5);
		assert_int_equal(decode(f.b, f.n, f.n).verdict, version == 4 ? PACKET_OK : PACKET_BAD_IPV4);
		make_tcp6(&f);
		f.b[14] = (uint8_t)(version << 4);
		assert_int_equal(decode(f.b, f.n, f.n).verdict, version == 6 ? PACKET_OK : PACKET_BAD_IPV6);
	}
}

// One byte of length in an extension header: what it claims must lie within the IPv6 payload.
static void test_extension_lengths(void **state)
{
	static const uint8_t kinds[] = {0, 43, 60, 135, 51};
	static struct frame f;

	(void)state;
	for (unsigned k = 0; k < sizeof(kinds); k++)
		for (unsigned length = 0; length < 256; length++) {
			unsigned bytes = kinds[k] == 51 ? (length + 2) * 4 : (length + 1) * 8;
			struct packet p;

			ethernet(&f, 0x86dd);
			ipv6(&f, kinds[k], 64);
			put8(&f, 59); // nothing behind it
			put8(&f, length);
			fill(&f, 62, 0);
			p = decode(f.b, f.n, f.n);
			assert_int_equal(p.verdict, bytes > 64 ? PACKET_BAD_IPV6_EXTENSION : PACKET_OK);
			if (p.verdict == PACKET_OK)
				assert_int_equal(p.proto, 59);
			assert_int_equal(decode(f.b, f.n - 56, f.n).verdict, p.verdict); // and if the capture ends there
		}
}

static void test_extension_chain_bounded(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned n = 1; n <= PACKET_EXTENSIONS_MAX + 4; n++) {
		ethernet(&f, 0x86dd);
		ipv6(&f, 60, n * 8 + 8);
		for (unsigned i = 1; i <= n; i++)
			extension(&f, i < n ? 60 : IP_UDP, 8);
		udp(&f, 8);
		assert_int_equal(decode(f.b, f.n, f.n).verdict, n <= PACKET_EXTENSIONS_MAX ? PACKET_OK : PACKET_BAD_IPV6_EXTENSION);
	}
}

static void test_short_layer4(void **state)
{
	static const struct {
		uint8_t proto, header, bad;
	} rows[] = {{IP_TCP, 20, PACKET_BAD_TCP}, {IP_UDP, 8, PACKET_BAD_UDP}, {IP_ICMP, 4, PACKET_BAD_ICMP},
		    {IP_ICMPV6, 4, PACKET_BAD_ICMP}, {IP_SCTP, 12, PACKET_BAD_SCTP}, {99, 0, PACKET_OK}};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned n = 0; n < rows[i].header; n++) {
			ethernet(&f, 0x0800);
			ipv4(&f, rows[i].proto, n);
			fill(&f, n, 0x50);
			fill(&f, 30, 0); // padding must not complete it
			assert_int_equal(decode(f.b, f.n, f.n).verdict, rows[i].bad);
		}
}

// Without data, not the last and no multiple of 8, or beyond what a datagram can hold: IPv4 counts its header, IPv6 all but its own.
static void test_fragments(void **state)
{
	static const struct {
		unsigned ip_version, field, data;
		uint8_t verdict;
		bool fragment;
	} rows[] = {
		{4, 0, 18, PACKET_OK, false}, {4, 0x4000, 18, PACKET_OK, false}, {4, 0x8000, 18, PACKET_OK, false},
		{4, 0x2000, 24, PACKET_OK, true}, {4, 0x2000, 18, PACKET_BAD_FRAGMENT, true}, {4, 0x2000, 0, PACKET_BAD_FRAGMENT, true},
		{4, 1, 18, PACKET_OK, true}, {4, 1, 1, PACKET_OK, true}, {4, 1, 0, PACKET_BAD_FRAGMENT, true},
		{4, 0x1ff8, 35, PACKET_OK, true}, {4, 0x1ff8, 44, PACKET_BAD_FRAGMENT, true}, {4, 0x3fff, 8, PACKET_BAD_FRAGMENT, true},
		{6, 0, 18, PACKET_OK, false}, {6, 1, 24, PACKET_OK, true}, {6, 1, 18, PACKET_BAD_FRAGMENT, true},
		{6, 8, 18, PACKET_OK, true}, {6, 8, 0, PACKET_BAD_FRAGMENT, true}, {6, 0xfff8, 7, PACKET_OK, true},
		{6, 0xfff8, 8, PACKET_BAD_FRAGMENT, true},
	};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned ipv4_more = rows[i].field & 0x2000, from = rows[i].ip_version == 4 ? (rows[i].field & 0x1fff) * 8 : rows[i].field & 0xfff8;
		struct packet p;

		ethernet(&f, rows[i].ip_version == 4 ? 0x0800 : 0x86dd);
		if (rows[i].ip_version == 4) {
			ipv4_options(&f, IP_UDP, rows[i].data, rows[i].field, 0);
		} else {
			ipv6(&f, 44, 8 + rows[i].data);
			put8(&f, IP_UDP);
			put8(&f, 0);
			put16(&f, rows[i].field);
			put32(&f, 0x01020304);
		}
		put32(&f, 0x14e90035);
		put16(&f, 8);
		fill(&f, 64, 0);
		f.n = f.n - 70 + rows[i].data;
		p = decode(f.b, f.n, f.n);
		print_message("row %u\n", i);
		assert_int_equal(p.verdict, rows[i].verdict);
		assert_int_equal(p.fragment, rows[i].fragment);
		assert_int_equal(p.src_port, rows[i].fragment ? 0 : 5353);
		if (!rows[i].fragment)
			continue;
		assert_int_equal(p.fragment_id, rows[i].ip_version == 4 ? 0x1234 : 0x01020304);
		assert_int_equal(p.fragment_from, from);
		assert_int_equal(p.fragment_last, rows[i].ip_version == 4 ? ipv4_more == 0 : (rows[i].field & 1) == 0);
		assert_int_equal(p.payload_wire, rows[i].verdict == PACKET_OK ? rows[i].data : 0);
	}
}

// A header without a length leaves it to the frame, whose length on the wire is whatever a capture file says.
static void test_fragments_without_length(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned ip_version = 4; ip_version <= 6; ip_version += 2) {
		ethernet(&f, ip_version == 4 ? 0x0800 : 0x86dd);
		if (ip_version == 4) {
			ipv4_options(&f, IP_UDP, 64, 0x3fff, 0);
			f.b[14 + 2] = f.b[14 + 3] = 0;
		} else {
			ipv6(&f, 44, 0);
			put8(&f, IP_UDP);
			put8(&f, 0);
			put16(&f, 0xfff9);
			put32(&f, 1);
		}
		fill(&f, 64, 0);
		for (uint32_t less = 1; less < 70000; less++)
			assert_int_equal(decode(f.b, f.n, 0 - less).verdict, PACKET_BAD_FRAGMENT);
	}
}

static void test_vlan_stack(void **state)
{
	static const uint16_t types[] = {0x8100, 0x88a8, 0x9100};
	static struct frame f;

	(void)state;
	for (unsigned n = 1; n <= PACKET_VLANS_WALKED + 3; n++) {
		struct packet p;

		ethernet(&f, types[n % 3]);
		for (unsigned i = 1; i <= n; i++)
			tag(&f, i, i < n ? types[(n + i) % 3] : 0x0800);
		ipv4(&f, IP_UDP, 8);
		udp(&f, 8);
		p = decode(f.b, f.n, f.n);
		assert_int_equal(p.verdict, n <= PACKET_VLANS_WALKED ? PACKET_OK : PACKET_BAD_VLAN);
		assert_int_equal(p.vlans, n < PACKET_VLANS ? n : PACKET_VLANS);
		assert_int_equal(p.vlan[0], 1);
		if (n > 1)
			assert_int_equal(p.vlan[1], 2);
	}
}

// ---- the link layer's rarer forms ----

static void llc(struct frame *f, unsigned length, unsigned sap, unsigned control)
{
	ethernet(f, length);
	put16(f, sap << 8 | sap);
	put8(f, control);
}

static void snap(struct frame *f, unsigned length, uint32_t oui, unsigned number)
{
	llc(f, length, 0xaa, 3);
	put8(f, oui >> 16);
	put16(f, oui & 0xffff);
	put16(f, number);
}

static void datagram(struct frame *f)
{
	ipv4(f, IP_UDP, 8 + PAYLOAD);
	udp(f, 8 + PAYLOAD);
	fill(f, PAYLOAD, 'x');
}

enum { DATAGRAM = 20 + 8 + PAYLOAD };

static void is_datagram(const struct frame *f, uint32_t at)
{
	struct packet p = decode(f->b, f->n, f->n);

	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.src_at, at + 12);
	assert_int_equal(p.payload, PAYLOAD);
	for (uint32_t n = 14; n < f->n; n++) { // a cut is no fault
		p = decode(f->b, n, f->n);
		assert_false(packet_malformed((enum packet_verdict)p.verdict));
	}
}

static void is(const struct frame *f, enum packet_verdict verdict, unsigned number)
{
	struct packet p = decode(f->b, f->n, f->n);

	assert_int_equal(p.verdict, verdict);
	if (!packet_malformed(verdict))
		assert_int_equal(p.ethertype, number);
	assert_int_equal(p.ip_version, 0);
}

static void test_ip_below_llc_and_snap(void **state)
{
	static struct frame f;

	(void)state;
	snap(&f, 8 + DATAGRAM, 0, 0x0800);
	datagram(&f);
	is_datagram(&f, 22);
	fill(&f, 9, 0); // Ethernet's padding is not the datagram's
	is_datagram(&f, 22);
	llc(&f, 3 + DATAGRAM, 0x06, 3);
	datagram(&f);
	is_datagram(&f, 17);
	snap(&f, 8 + DATAGRAM, 0x0000f8, 0x0800);
	datagram(&f);
	is_datagram(&f, 22);
	snap(&f, 8 + 28, 0, 0x0806);
	put32(&f, 0x00010800);
	put16(&f, 0x0604);
	fill(&f, 22, 0);
	is(&f, PACKET_ARP, 0x0806);
}

static void test_snap_numbers(void **state)
{
	static const struct {
		uint32_t oui;
		uint16_t number;
		enum packet_verdict verdict;
	} rows[] = {
		{0x00000c, 0x2000, PACKET_CDP}, {0x00000c, 0x2003, PACKET_VTP}, {0x00000c, 0x2004, PACKET_DTP},
		{0x00000c, 0x010b, PACKET_STP}, {0x00000c, 0x0111, PACKET_UDLD}, {0x00000c, 0x0104, PACKET_PAGP},
		{0x00000c, 0x9999, PACKET_SNAP}, {0x0080c2, 0x000e, PACKET_STP}, {0x00e02b, 0x00bb, PACKET_SNAP},
		{0x000000, 0x88cc, PACKET_LLDP}, {0x000000, 0x1234, PACKET_OTHER_ETHERTYPE},
	};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p;

		snap(&f, 8 + 30, rows[i].oui, rows[i].number);
		fill(&f, 30, 0);
		is(&f, rows[i].verdict, rows[i].number);
		p = decode(f.b, f.n, f.n);
		assert_int_equal(p.payload_at, rows[i].verdict == PACKET_SNAP ? 17 : 22); // whose number it is, is shown
	}
}

static void test_llc_lengths(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned length = 0; length <= 60; length++) {
		llc(&f, length, 0xe0, 3);
		fill(&f, 43, 0);
		is(&f, length < 3 || length > 46 ? PACKET_BAD_LLC : PACKET_LLC, 0xe0e0);
	}
	llc(&f, 4, 0xfe, 0x42); // numbered: two bytes of control
	fill(&f, 43, 0);
	is(&f, PACKET_LLC, 0xfefe);
	set16(&f, 12, 3);
	is(&f, PACKET_BAD_LLC, 0);
	for (unsigned length = 3; length < 8; length++) {
		snap(&f, length, 0, 0x0800);
		fill(&f, 40, 0);
		is(&f, PACKET_BAD_LLC, 0);
	}
	ethernet(&f, 1501); // neither a length nor an EtherType
	fill(&f, 46, 0);
	is(&f, PACKET_OTHER_ETHERTYPE, 1501);
}

static void test_ethertypes_that_end(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t first;
		enum packet_verdict verdict;
	} rows[] = {
		{0x88cc, 2, PACKET_LLDP}, {0x8809, 1, PACKET_LACP}, {0x8809, 3, PACKET_SLOW}, {0x888e, 2, PACKET_EAPOL},
		{0x0842, 0xff, PACKET_WAKE_ON_LAN}, {0x9000, 0, PACKET_LOOP}, {0x88e5, 0x2c, PACKET_MACSEC}, {0x8863, 0x11, PACKET_PPPOE},
		{0x88b5, 0, PACKET_OTHER_ETHERTYPE}, {0xffff, 0, PACKET_OTHER_ETHERTYPE},
	};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p;

		ethernet(&f, rows[i].type);
		put8(&f, rows[i].first);
		fill(&f, 45, 0);
		is(&f, rows[i].verdict, rows[i].type);
		p = decode(f.b, f.n, f.n);
		assert_int_equal(p.payload_at, 14);
		assert_int_equal(p.payload, 46);
	}
	ethernet(&f, 0x8809);
	is(&f, PACKET_SLOW, 0x8809);
}

static void test_mpls(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned labels = 1; labels <= PACKET_MPLS_WALKED + 2; labels++) {
		ethernet(&f, labels % 2 != 0 ? 0x8847 : 0x8848);
		for (unsigned i = 1; i <= labels; i++)
			put32(&f, i << 12 | (i == labels ? 1u << 8 : 0) | 64);
		datagram(&f);
		if (labels <= PACKET_MPLS_WALKED)
			is_datagram(&f, 14 + 4 * labels);
		else
			is(&f, PACKET_BAD_MPLS, 0);
	}
	ethernet(&f, 0x8847);
	put32(&f, 1 << 12 | 1 << 8 | 64);
	fill(&f, 40, 0); // a pseudowire's control word
	is(&f, PACKET_MPLS, 0x8847);
	ethernet(&f, 0x8847);
	put32(&f, 1 << 12 | 64); // the frame ends before the stack
	is(&f, PACKET_BAD_MPLS, 0);
}

static void pppoe(struct frame *f, unsigned version, unsigned code, unsigned length, unsigned protocol)
{
	ethernet(f, 0x8864);
	put8(f, version);
	put8(f, code);
	put16(f, 7);
	put16(f, length);
	put16(f, protocol);
}

static void test_pppoe(void **state)
{
	static struct frame f;

	(void)state;
	pppoe(&f, 0x11, 0, 2 + DATAGRAM, 0x0021);
	datagram(&f);
	is_datagram(&f, 22);
	pppoe(&f, 0x11, 0, 2 + DATAGRAM + 1, 0x0021);
	datagram(&f);
	is(&f, PACKET_BAD_PPPOE, 0);
	pppoe(&f, 0x11, 0, 2 + 10, 0xc021);
	fill(&f, 38, 0);
	is(&f, PACKET_PPPOE, 0x8864);
	assert_int_equal(decode(f.b, f.n, f.n).payload, 10);
	for (unsigned length = 0; length < 2; length++) {
		pppoe(&f, 0x11, 0, length, 0x0021);
		is(&f, PACKET_BAD_PPPOE, 0);
	}
	pppoe(&f, 0x21, 0, 12, 0x0021);
	fill(&f, 38, 0);
	is(&f, PACKET_BAD_PPPOE, 0);
	pppoe(&f, 0x11, 9, 12, 0x0021);
	fill(&f, 38, 0);
	is(&f, PACKET_BAD_PPPOE, 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(packet_ethertype_name(0x88f7), "PTP");
	assert_null(packet_ethertype_name(0x1234));
	assert_string_equal(packet_sap_name(0xe0), "NetWare");
	assert_null(packet_sap_name(0x01));
}

static void test_padding_is_not_payload(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	ethernet(&f, 0x0800);
	ipv4(&f, IP_TCP, 20);
	tcp(&f, 0);
	fill(&f, 60 - f.n, 0);
	p = decode(f.b, f.n, 0);
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.payload, 0);
	assert_int_equal(p.payload_wire, 0);
	assert_int_equal(p.wire, 60);
	assert_false(p.truncated);
}

// A capturing host with segmentation offload sees frames that no wire could carry.
static void test_large_frames(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	ethernet(&f, 0x0800);
	ipv4(&f, IP_TCP, 20);
	set16(&f, 16, 0);
	tcp(&f, 0);
	fill(&f, 60000, 'x');
	p = decode(f.b, f.n, f.n);
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.payload, 60000);
	p = decode(f.b, 100, f.n); // and cut
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.payload, 100 - 54);
	assert_int_equal(p.payload_wire, 60000);
	ethernet(&f, 0x86dd);
	ipv6(&f, IP_TCP, 0);
	tcp(&f, 0);
	fill(&f, 69000 - f.n, 'x');
	p = decode(f.b, f.n, f.n);
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.payload, 69000 - 74);
	ethernet(&f, 0x0800);
	ipv4(&f, IP_UDP, 65515);
	udp(&f, 65515);
	fill(&f, 65507, 'x');
	p = decode(f.b, f.n, f.n);
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.payload, 65507);
}

static void test_icmp_counterparts(void **state)
{
	static const uint8_t pairs4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
	static const uint8_t pairs6[][2] = {{128, 129}, {130, 131}, {133, 134}, {135, 136}, {139, 140}, {144, 145}};
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < 2 * 11; i++) {
		const uint8_t *pair = i / 2 < 5 ? pairs4[i / 2] : pairs6[i / 2 - 5];
		bool four = i / 2 < 5;
		struct packet p;

		four ? make_icmp4(&f) : make_icmp6(&f);
		f.b[four ? 34 : 54] = pair[i % 2];
		p = decode(f.b, f.n, f.n);
		assert_int_equal(p.src_port, pair[i % 2]);
		assert_int_equal(p.dst_port, pair[1 - i % 2]);
	}
	make_icmp4(&f); // no answer to it: type and code
	f.b[34] = 3;
	f.b[35] = 13;
	assert_int_equal(decode(f.b, f.n, f.n).src_port, 3);
	assert_int_equal(decode(f.b, f.n, f.n).dst_port, 13);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

// Every frame with up to four bytes of it changed at random, cut at random: the invariants of decode() hold.
static void test_random_damage(void **state)
{
	static struct frame f;
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		uint32_t n;

		bases[round % BASES].make(&f);
		for (unsigned k = 0; k < 4; k++)
			f.b[12 + next_random(&x) % (f.n - 12)] = (uint8_t)next_random(&x);
		n = (uint32_t)(next_random(&x) % (f.n + 1));
		decode(f.b, n, next_random(&x) % 2 ? 0 : f.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_tcp_fields),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_snap_length_restores_wire),
		cmocka_unit_test(test_length_fields),
		cmocka_unit_test(test_header_nibbles),
		cmocka_unit_test(test_extension_lengths),
		cmocka_unit_test(test_extension_chain_bounded),
		cmocka_unit_test(test_short_layer4),
		cmocka_unit_test(test_fragments), cmocka_unit_test(test_fragments_without_length),
		cmocka_unit_test(test_ip_below_llc_and_snap),
		cmocka_unit_test(test_snap_numbers),
		cmocka_unit_test(test_llc_lengths),
		cmocka_unit_test(test_ethertypes_that_end),
		cmocka_unit_test(test_mpls),
		cmocka_unit_test(test_pppoe),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_vlan_stack),
		cmocka_unit_test(test_padding_is_not_payload),
		cmocka_unit_test(test_large_frames),
		cmocka_unit_test(test_icmp_counterparts),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
