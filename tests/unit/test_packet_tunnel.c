// Tunnels: every kind with its inner packet, cut at every byte, with lengths that lie, nested beyond the limit. A frame in a tunnel
// must never become malformed, and what is not sound inside must leave the frame to its outer flow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/tunnel.h"
#include "packet/packet_tunnel.h"

enum { ROOM = 8192, PORT_INNER = 4000, ETHERNET = 14, IPV4 = 20, IPV6 = 40, UDP = 8 };

// Built from the inside out: each header is put in front of what is there.
struct frame {
	uint32_t at;
	uint8_t bytes[ROOM];
};

static void start(struct frame *f)
{
	f->at = ROOM;
}

static uint32_t length(const struct frame *f)
{
	return ROOM - f->at;
}

static void front(struct frame *f, const void *bytes, uint32_t n)
{
	assert_true(n <= f->at);
	f->at -= n;
	memcpy(f->bytes + f->at, bytes, n);
}

#define FRONT(f, ...) front(f, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint8_t high(uint32_t v)
{
	return (uint8_t)(v >> 8);
}

static void udp(struct frame *f, uint16_t from, uint16_t to)
{
	uint32_t n = length(f) + UDP;

	FRONT(f, high(from), (uint8_t)from, high(to), (uint8_t)to, high(n), (uint8_t)n, 0, 0);
}

static void ipv4(struct frame *f, uint8_t proto, uint8_t net)
{
	uint32_t n = length(f) + IPV4;

	FRONT(f, 0x45, 0, high(n), (uint8_t)n, 0, 1, 0x40, 0, 64, proto, 0, 0, 10, net, 0, 1, 10, net, 0, 2);
}

static void ipv6(struct frame *f, uint8_t next, uint8_t net)
{
	uint32_t n = length(f);

	FRONT(f, 0x60, 0, 0, 0, high(n), (uint8_t)n, next, 64, 0x20, 1, 0xd, 0xb8, net, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8,
	      net, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static void ethernet(struct frame *f, uint16_t type)
{
	FRONT(f, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, high(type), (uint8_t)type);
}

// The innermost packet: UDP from PORT_INNER to port 53 of somewhere, "hello".
static void inner4(struct frame *f)
{
	start(f);
	front(f, "hello", 5);
	udp(f, PORT_INNER, 53);
	ipv4(f, IP_UDP, 77);
}

static void inner6(struct frame *f)
{
	start(f);
	front(f, "hello", 5);
	udp(f, PORT_INNER, 53);
	ipv6(f, IP_UDP, 77);
}

static void inner_frame(struct frame *f)
{
	inner4(f);
	ethernet(f, 0x0800);
}

static void outer(struct frame *f, uint8_t proto)
{
	ipv4(f, proto, 1);
	ethernet(f, 0x0800);
}

static void outer_udp(struct frame *f, uint16_t port)
{
	udp(f, 50000, port);
	outer(f, IP_UDP);
}

// ---- one maker a kind ----

static void make_ipip(struct frame *f) { inner4(f); outer(f, 4); }
static void make_6in4(struct frame *f) { inner6(f); outer(f, 41); }
static void make_4in6(struct frame *f) { inner4(f); ipv6(f, 4, 1); ethernet(f, 0x86dd); }
static void make_6in6(struct frame *f) { inner6(f); ipv6(f, 41, 1); ethernet(f, 0x86dd); }
static void make_etherip(struct frame *f) { inner_frame(f); FRONT(f, 0x30, 0); outer(f, 97); }
static void make_gre(struct frame *f) { inner4(f); FRONT(f, 0, 0, 8, 0); outer(f, 47); }
static void make_gre_all(struct frame *f) { inner6(f); FRONT(f, 0xb0, 0, 0x86, 0xdd, 1, 2, 0, 0, 0, 0, 0, 77, 0, 0, 0, 9); outer(f, 47); }
static void make_gre_ethernet(struct frame *f) { inner_frame(f); FRONT(f, 0, 0, 0x65, 0x58); outer(f, 47); }
static void make_gre_mpls(struct frame *f) { inner4(f); FRONT(f, 0, 0, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64); outer(f, 47); }
static void make_nvgre(struct frame *f) { inner_frame(f); FRONT(f, 0x20, 0, 0x65, 0x58, 1, 0x23, 0x45, 7); outer(f, 47); }
static void make_pptp(struct frame *f) { inner4(f); FRONT(f, 0x30, 0x81, 0x88, 0x0b, 0, 40, 0, 33, 0, 0, 0, 1, 0, 0, 0, 2, 0x21); outer(f, 47); }
static void make_erspan_1(struct frame *f) { inner_frame(f); FRONT(f, 0, 0, 0x88, 0xbe); outer(f, 47); }
static void make_erspan_2(struct frame *f)
{
	inner_frame(f);
	FRONT(f, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 100, 0xfc, 33, 0, 0, 0, 0);
	outer(f, 47);
}
static void make_erspan_3(struct frame *f)
{
	inner_frame(f);
	FRONT(f, 0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 100, 0, 33, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8);
	outer(f, 47);
}
static void make_vxlan(struct frame *f) { inner_frame(f); FRONT(f, 8, 0, 0, 0, 0, 1, 0, 0); outer_udp(f, 4789); }
static void make_vxlan_tags(struct frame *f)
{
	inner4(f);
	FRONT(f, 0, 6, 8, 0);
	ethernet(f, 0x8100);
	FRONT(f, 8, 0, 0, 0, 0, 0, 42, 0);
	outer_udp(f, 8472);
}
static void make_vxlan_gpe(struct frame *f) { inner6(f); FRONT(f, 0x0c, 0, 0, 2, 0, 0, 42, 0); outer_udp(f, 4790); }
static void make_geneve(struct frame *f) { inner_frame(f); FRONT(f, 1, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 0); outer_udp(f, 6081); }
static void make_geneve_ip(struct frame *f) { inner4(f); FRONT(f, 0, 0, 8, 0, 0, 0, 42, 0); outer_udp(f, 6081); }
static void make_gtp_u(struct frame *f) { inner4(f); FRONT(f, 0x30, 255, 0, 33, 0, 0, 0, 42); outer_udp(f, 2152); }
static void make_gtp_u_extension(struct frame *f)
{
	inner4(f);
	FRONT(f, 0x34, 255, 0, 41, 0, 0, 0, 42, 0, 0, 0, 0x85, 1, 0, 9, 0);
	outer_udp(f, 2152);
}
static void make_teredo(struct frame *f) { inner6(f); outer_udp(f, 3544); }
static void make_teredo_both(struct frame *f)
{
	inner6(f);
	FRONT(f, 0, 1, 2, 1, 'i', 'd', 'a', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6);
	outer_udp(f, 3544);
}
static void make_l2tp_v2(struct frame *f) { inner4(f); FRONT(f, 0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21); outer_udp(f, 1701); }
static void make_l2tp_v2_all(struct frame *f)
{
	inner6(f);
	FRONT(f, 0x4a, 2, 0, 70, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9, 0, 0x57);
	outer_udp(f, 1701);
}
static void make_l2tp_v3(struct frame *f) { inner_frame(f); FRONT(f, 0, 0, 0, 9, 0, 0, 0, 0); outer(f, 115); }
static void make_l2tp_v3_cookie(struct frame *f)
{
	inner_frame(f);
	FRONT(f, 0, 3, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0);
	outer_udp(f, 1701);
}

static const struct kind {
	void (*make)(struct frame *f);
	uint8_t kind, ip_version;
	bool id_known;
	uint32_t id;
	uint16_t port; // the outer destination port
} kinds[] = {
	{make_ipip, TUNNEL_IPIP, 4, false, 0, 0},
	{make_6in4, TUNNEL_6IN4, 6, false, 0, 0},
	{make_4in6, TUNNEL_4IN6, 4, false, 0, 0},
	{make_6in6, TUNNEL_6IN6, 6, false, 0, 0},
	{make_etherip, TUNNEL_ETHERIP, 4, false, 0, 0},
	{make_gre, TUNNEL_GRE, 4, false, 0, 0},
	{make_gre_all, TUNNEL_GRE, 6, true, 77, 0},
	{make_gre_ethernet, TUNNEL_GRE, 4, false, 0, 0},
	{make_gre_mpls, TUNNEL_GRE, 4, false, 0, 0},
	{make_nvgre, TUNNEL_NVGRE, 4, true, 0x12345, 0},
	{make_pptp, TUNNEL_PPTP, 4, true, 33, 0},
	{make_erspan_1, TUNNEL_ERSPAN, 4, false, 0, 0},
	{make_erspan_2, TUNNEL_ERSPAN, 4, true, 33, 0},
	{make_erspan_3, TUNNEL_ERSPAN, 4, true, 33, 0},
	{make_vxlan, TUNNEL_VXLAN, 4, true, 256, 4789},
	{make_vxlan_tags, TUNNEL_VXLAN, 4, true, 42, 8472},
	{make_vxlan_gpe, TUNNEL_VXLAN_GPE, 6, true, 42, 4790},
	{make_geneve, TUNNEL_GENEVE, 4, true, 42, 6081},
	{make_geneve_ip, TUNNEL_GENEVE, 4, true, 42, 6081},
	{make_gtp_u, TUNNEL_GTP_U, 4, true, 42, 2152},
	{make_gtp_u_extension, TUNNEL_GTP_U, 4, true, 42, 2152},
	{make_teredo, TUNNEL_TEREDO, 6, false, 0, 3544},
	{make_teredo_both, TUNNEL_TEREDO, 6, false, 0, 3544},
	{make_l2tp_v2, TUNNEL_L2TP, 4, true, 0x10002, 1701},
	{make_l2tp_v2_all, TUNNEL_L2TP, 6, true, 0x10002, 1701},
	{make_l2tp_v3, TUNNEL_L2TP, 4, true, 9, 0},
	{make_l2tp_v3_cookie, TUNNEL_L2TP, 4, true, 9, 1701},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

// ---- decoding, in a buffer of exactly the frame's size ----

static struct packet decode(const struct frame *f, uint32_t captured, uint32_t wire)
{
	uint8_t *exact = malloc(captured > 0 ? captured : 1);
	struct packet p;

	assert_non_null(exact);
	memset(&p, 0xa5, sizeof(p));
	memcpy(exact, f->bytes + f->at, captured);
	p.frame = exact;
	p.captured = captured;
	p.wire = wire;
	packet_decode(&p);
	assert_true((uint64_t)p.payload_at + p.payload <= p.captured);
	assert_true(p.payload <= p.payload_wire);
	assert_in_range(p.tunnels, 0, PACKET_TUNNELS_MAX);
	free(exact);
	p.frame = NULL;
	return p;
}

static void assert_outer_flow(const struct packet *p)
{
	assert_int_equal(p->verdict, PACKET_OK);
	assert_int_equal(p->tunnels, 0);
	assert_int_equal(p->src_at, p->ip_version == 4 ? ETHERNET + 12 : ETHERNET + 8);
}

static void test_kinds(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		struct packet p;

		k->make(&f);
		p = decode(&f, length(&f), length(&f));
		print_message("%u %s\n", i, tunnel_names[k->kind]);
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.tunnels, 1);
		assert_int_equal(p.outer.kind, k->kind);
		assert_int_equal(p.outer.id_known, k->id_known);
		assert_int_equal(p.outer.id, k->id);
		assert_int_equal(p.outer.dst_port, k->port);
		assert_int_equal(p.outer.src_port, k->port != 0 ? 50000 : 0);
		assert_int_equal(p.outer.src_at, p.outer.ip_version == 4 ? ETHERNET + 12 : ETHERNET + 8);
		assert_int_equal(p.ip_version, k->ip_version);
		assert_int_equal(p.proto, IP_UDP);
		assert_int_equal(p.src_port, PORT_INNER);
		assert_int_equal(p.dst_port, 53);
		assert_int_equal(p.payload, 5);
		assert_int_equal(p.payload_wire, 5);
		assert_int_equal(p.payload_at, length(&f) - 5);
		assert_int_equal(p.wire, length(&f));
		assert_int_equal(p.ethertype, f.bytes[f.at + 12] << 8 | f.bytes[f.at + 13]);
		assert_int_equal(p.vlans, k->make == make_vxlan_tags);
	}
}

// Cut on the wire some outer header is unsound; cut by the capture nothing is.
static void test_cut(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		kinds[i].make(&f);
		for (uint32_t n = 0; n < length(&f); n++) {
			struct packet p = decode(&f, n, length(&f));

			assert_false(packet_malformed((enum packet_verdict)p.verdict));
			if (p.verdict == PACKET_OK && p.tunnels == 1)
				assert_true(n >= length(&f) - 5 - UDP - (p.ip_version == 4 ? (uint32_t)IPV4 : (uint32_t)IPV6) + 20);
			decode(&f, n, n);
		}
	}
}

// Any byte of what is behind the outer headers, set to anything: never malformed.
static void test_bytes(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		uint32_t from;

		kinds[i].make(&f);
		from = (uint32_t)(ETHERNET + (f.bytes[f.at + 12] == 8 ? IPV4 : IPV6) + (kinds[i].port != 0 ? UDP : 0));
		for (uint32_t at = f.at + from; at < ROOM; at++) {
			uint8_t kept = f.bytes[at];

			for (unsigned value = 0; value < 256; value++) {
				f.bytes[at] = (uint8_t)value;
				assert_int_equal(decode(&f, length(&f), length(&f)).verdict, PACKET_OK);
			}
			f.bytes[at] = kept;
		}
	}
}

static void test_not_entered(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	make_ipip(&f);
	f.bytes[f.at + ETHERNET + IPV4 + 3]++; // an inner packet longer than its carrier
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);
	assert_int_equal(p.proto, 4);

	make_vxlan(&f);
	f.bytes[f.at + ETHERNET + IPV4 + UDP] = 0; // without the flag that says that there is an id
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);
	assert_int_equal(p.dst_port, 4789);
	assert_int_equal(p.payload, length(&f) - ETHERNET - IPV4 - UDP);

	inner4(&f);
	ethernet(&f, 0x0806); // not IP
	FRONT(&f, 8, 0, 0, 0, 0, 0, 42, 0);
	outer_udp(&f, 4789);
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);

	make_l2tp_v2(&f);
	f.bytes[f.at + ETHERNET + IPV4 + UDP] = 0xc8; // a control message
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);

	make_gtp_u_extension(&f);
	f.bytes[f.at + ETHERNET + IPV4 + UDP + 12] = 0; // an extension header of no length
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);

	make_ipip(&f);
	f.bytes[f.at + ETHERNET + 7] = 1; // a fragment of the outer packet
	p = decode(&f, length(&f), length(&f));
	assert_outer_flow(&p);
	assert_true(p.fragment);
}

static void test_inner_fragment(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	make_gre(&f);
	f.bytes[f.at + ETHERNET + IPV4 + 4 + 7] = 1;
	p = decode(&f, length(&f), length(&f));
	assert_int_equal(p.verdict, PACKET_OK);
	assert_int_equal(p.tunnels, 1);
	assert_true(p.fragment);
	assert_int_equal(p.src_port, 0);
}

static void nest(struct frame *f, unsigned depth)
{
	inner4(f);
	for (unsigned i = 1; i < depth; i++)
		ipv4(f, 4, (uint8_t)i);
	outer(f, 4);
}

static void test_depth(void **state)
{
	static struct frame f;
	struct packet p;

	(void)state;
	for (unsigned depth = 1; depth <= 100; depth++) {
		nest(&f, depth);
		p = decode(&f, length(&f), length(&f));
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.tunnels, depth < PACKET_TUNNELS_MAX ? depth : PACKET_TUNNELS_MAX);
		assert_int_equal(p.proto, depth <= PACKET_TUNNELS_MAX ? IP_UDP : 4);
		assert_int_equal(p.src_at, ETHERNET + IPV4 * p.tunnels + 12);
	}
}

// The steps give the same as the whole, and each level as it is.
static void test_steps(void **state)
{
	static struct frame f;
	struct packet whole, p = {0};

	(void)state;
	nest(&f, 3);
	whole = p = (struct packet){.frame = f.bytes + f.at, .captured = length(&f), .wire = length(&f)};
	packet_decode(&whole);
	packet_decode_outermost(&p);
	for (unsigned level = 0; level < 3; level++) {
		assert_int_equal(p.tunnels, level);
		assert_int_equal(p.src_at, ETHERNET + IPV4 * level + 12);
		assert_int_equal(p.proto, 4);
		assert_true(packet_tunnel_enter(&p));
	}
	assert_false(packet_tunnel_enter(&p));
	assert_memory_equal(&p, &whole, sizeof(p));
}

static void test_ports(void **state)
{
	static const uint16_t ports[] = {1701, 2152, 3544, 4789, 4790, 6081, 8472};
	unsigned found = 0;

	(void)state;
	for (unsigned port = 0; port < 65536; port++) {
		uint8_t to = packet_tunnel_of_ports(80, (uint16_t)port), from = packet_tunnel_of_ports((uint16_t)port, 80);

		assert_int_equal(to, from);
		if (to == TUNNEL_NONE)
			continue;
		assert_true(found < sizeof(ports) / sizeof(ports[0]));
		assert_int_equal(port, ports[found++]);
	}
	assert_int_equal(found, sizeof(ports) / sizeof(ports[0]));
	assert_int_equal(packet_tunnel_of_ports(4789, 2152), TUNNEL_GTP_U); // where it goes says more than where it comes from
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_cut),   cmocka_unit_test(test_bytes), cmocka_unit_test(test_not_entered),
		cmocka_unit_test(test_inner_fragment), cmocka_unit_test(test_depth), cmocka_unit_test(test_steps),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
