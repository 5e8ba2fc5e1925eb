// Transports beyond TCP and UDP: the sound form, each form that is not, and every place at which wire or capture can end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "packet/packet_transport.h"

enum { ROOM = 96, IPV4_AT = 14, L4_AT = 34, L4_AT6 = 54 };

// An Ethernet frame with IPv4 or IPv6 and `n` bytes of layer 4, of which the last `missing` were not captured.
static struct packet decode(unsigned version, uint8_t proto, const uint8_t *l4, uint32_t n, uint32_t missing)
{
	uint8_t frame[ROOM + L4_AT6] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint32_t at = version == 4 ? L4_AT : L4_AT6, captured;
	struct packet p;
	uint8_t *exact;

	frame[12] = version == 4 ? 0x08 : 0x86;
	frame[13] = version == 4 ? 0x00 : 0xdd;
	frame[IPV4_AT] = version == 4 ? 0x45 : 0x60;
	if (version == 4) {
		frame[IPV4_AT + 3] = (uint8_t)(20 + n);
		frame[IPV4_AT + 9] = proto;
	} else {
		frame[IPV4_AT + 5] = (uint8_t)n;
		frame[IPV4_AT + 6] = proto;
	}
	memcpy(frame + at, l4, n);
	captured = at + n - missing;
	exact = malloc(captured);
	assert_non_null(exact);
	memcpy(exact, frame, captured);
	memset(&p, 0xa5, sizeof(p));
	p.frame = exact;
	p.captured = captured;
	p.wire = at + n;
	packet_decode(&p);
	free(exact);
	return p;
}

struct row {
	const char *name;
	uint8_t version, proto, header;
	uint16_t src_port, dst_port;
	uint8_t bad;
	uint8_t bytes[32];
	uint8_t n;
};

static const struct row sound[] = {
	{"sctp", 4, IP_SCTP, 12, 5000, 5001, PACKET_BAD_SCTP, {0x13, 0x88, 0x13, 0x89, 0, 0, 0, 7, 0, 0, 0, 0, 1, 0, 0, 4}, 16},
	{"dccp", 4, IP_DCCP, 16, 5000, 5001, PACKET_BAD_DCCP, {0x13, 0x88, 0x13, 0x89, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 'x'}, 17},
	{"dccp, short numbers", 6, IP_DCCP, 12, 5000, 5001, PACKET_BAD_DCCP, {0x13, 0x88, 0x13, 0x89, 3, 0, 0, 0, 4, 0, 0, 9, 'x'}, 13},
	{"udp-lite", 4, IP_UDPLITE, 8, 5000, 5001, PACKET_BAD_UDPLITE, {0x13, 0x88, 0x13, 0x89, 0, 8, 0, 0, 'x', 'y'}, 10},
	{"udp-lite, all covered", 6, IP_UDPLITE, 8, 5000, 5001, PACKET_BAD_UDPLITE, {0x13, 0x88, 0x13, 0x89, 0, 0, 0, 0, 'x'}, 9},
	{"esp", 4, IP_ESP, 8, 0, 0, PACKET_BAD_TRANSPORT, {0, 0, 1, 0, 0, 0, 0, 1, 'x'}, 9},
	{"ospf 2", 4, IP_OSPF, 24, 0, 0, PACKET_BAD_TRANSPORT, {2, 1, 0, 24, 10, 0, 0, 1}, 24},
	{"ospf 3", 6, IP_OSPF, 16, 0, 0, PACKET_BAD_TRANSPORT, {3, 1, 0, 16, 10, 0, 0, 1}, 16},
	{"pim", 4, IP_PIM, 4, 0, 0, PACKET_BAD_TRANSPORT, {0x20, 0, 0, 0, 0, 1, 0, 2}, 8},
	{"vrrp", 4, IP_VRRP, 8, 0, 0, PACKET_BAD_TRANSPORT, {0x31, 7, 100, 1, 0, 100, 0, 0, 10, 0, 0, 9}, 12},
	{"eigrp", 4, IP_EIGRP, 20, 0, 0, PACKET_BAD_TRANSPORT, {2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}, 22},
	{"unknown", 4, 200, 0, 0, 0, PACKET_OK, {1, 2, 3, 4}, 4},
};

enum { SOUND = sizeof(sound) / sizeof(sound[0]) };

static void test_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOUND; i++) {
		const struct row *r = &sound[i];
		struct packet p = decode(r->version, r->proto, r->bytes, r->n, 0);
		uint32_t at = r->version == 4 ? L4_AT : L4_AT6;

		if (p.verdict != PACKET_OK || p.proto != r->proto || p.src_port != r->src_port || p.dst_port != r->dst_port ||
		    p.l4_at != at || p.payload_at != at + r->header || p.payload != (uint32_t)(r->n - r->header))
			fail_msg("%s: verdict %u, ports %u %u, payload %u at %u", r->name, p.verdict, p.src_port, p.dst_port, p.payload,
				 p.payload_at);
	}
}

static void test_every_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOUND; i++) {
		const struct row *r = &sound[i];
		bool told = r->proto == IP_OSPF; // its own length says that more was sent

		for (uint32_t n = 0; n < r->n; n++) {
			struct packet p = decode(r->version, r->proto, r->bytes, n, 0);

			if (p.verdict != (n < r->header || told ? r->bad : PACKET_OK))
				fail_msg("%s on the wire with %u bytes: verdict %u", r->name, n, p.verdict);
			p = decode(r->version, r->proto, r->bytes, r->n, r->n - n);
			if (p.verdict != PACKET_OK || (n < r->header && p.payload_at != 0))
				fail_msg("%s captured up to byte %u: verdict %u, payload at %u", r->name, n, p.verdict, p.payload_at);
		}
	}
}

static void test_contradictions(void **state)
{
	static const struct {
		unsigned row, at;
		uint8_t value;
	} wrong[] = {
		{1, 4, 3}, {1, 4, 5}, {1, 4, 0}, {1, 4, 255}, {2, 4, 2}, {2, 4, 4}, {2, 8, 1}, // an offset less than the header, or beyond
		{3, 5, 7}, {3, 5, 11}, {3, 4, 255}, {3, 5, 1},                                // a coverage less than the header, or beyond
		{6, 0, 1}, {6, 0, 4}, {6, 3, 23}, {6, 3, 25}, {7, 3, 15}, {7, 2, 1}, {8, 0, 0x10}, {8, 0, 0x30}, {9, 0, 0x11}, {9, 0, 0x41},
		{10, 0, 1}, {10, 0, 3},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct row r = sound[wrong[i].row];
		struct packet p;

		r.bytes[wrong[i].at] = wrong[i].value;
		p = decode(r.version, r.proto, r.bytes, r.n, 0);
		if (p.verdict != r.bad || p.src_port != 0)
			fail_msg("%s with %u at %u: verdict %u", r.name, wrong[i].value, wrong[i].at, p.verdict);
	}
}

// AH of IPv4: the flow is that of what is protected, IPv6 does the same in its chain.
static void test_auth(void **state)
{
	static const uint8_t auth[] = {IP_UDP, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
				       0x13, 0x88, 0x13, 0x89, 0, 9, 0, 0, 'x'};
	uint8_t bytes[sizeof(auth)];
	struct packet p;

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		p = decode(version, IP_AH, auth, sizeof(auth), 0);
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.proto, IP_UDP);
		assert_int_equal(p.src_port, 5000);
		assert_int_equal(p.payload, 1);
		assert_int_equal(p.l4_at, (version == 4 ? L4_AT : L4_AT6) + 24);
	}
	for (uint32_t n = 0; n < sizeof(auth); n++) {
		p = decode(4, IP_AH, auth, n, 0);
		assert_int_equal(p.verdict, n < 24 ? PACKET_BAD_TRANSPORT : PACKET_BAD_UDP);
		p = decode(4, IP_AH, auth, sizeof(auth), (uint32_t)sizeof(auth) - n);
		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.proto, n < 12 ? IP_AH : IP_UDP);
		assert_int_equal(p.src_port, n < 32 ? 0 : 5000);
	}
	memcpy(bytes, auth, sizeof(bytes));
	for (unsigned length = 0; length < 256; length++) {
		bytes[1] = (uint8_t)length;
		bytes[0] = 200;
		assert_int_equal(decode(4, IP_AH, bytes, sizeof(bytes), 0).verdict, length >= 1 && (length + 2) * 4 <= sizeof(bytes)
											       ? PACKET_OK : PACKET_BAD_TRANSPORT);
	}
}

// In IPv6 it is a header of the chain, with the least length of those: what a cut capture does not show is not held against it.
static void test_auth_in_cut_chain(void **state)
{
	static const uint8_t chain[] = {IP_AH, 0, 1, 4, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 1, 0, 'x'}; // destination options, eight bytes of AH

	(void)state;
	for (uint32_t missing = 0; missing <= sizeof(chain); missing++) {
		struct packet p = decode(6, 60, chain, sizeof(chain), missing);

		assert_int_equal(p.verdict, PACKET_OK);
		assert_int_equal(p.proto, missing <= 1 ? 200 : missing <= 9 ? IP_AH : 60);
	}
}

// As many as are walked, and one more.
static void test_auth_chain(void **state)
{
	uint8_t frame[IPV4_AT + 20 + 12 * (PACKET_EXTENSIONS_MAX + 2)] = {[12] = 8};

	(void)state;
	for (unsigned n = 1; n <= PACKET_EXTENSIONS_MAX + 1; n++) {
		struct packet p = {.frame = frame, .captured = (uint32_t)(L4_AT + 12 * n + 8)};

		memset(frame + IPV4_AT, 0, sizeof(frame) - IPV4_AT);
		frame[IPV4_AT] = 0x45;
		frame[IPV4_AT + 3] = (uint8_t)(20 + 12 * n + 8);
		frame[IPV4_AT + 9] = IP_AH;
		for (unsigned i = 0; i < n; i++) {
			frame[L4_AT + 12 * i] = i + 1 < n ? IP_AH : IP_UDP;
			frame[L4_AT + 12 * i + 1] = 1;
		}
		frame[L4_AT + 12 * n + 5] = 8;
		packet_decode(&p);
		assert_int_equal(p.verdict, n <= PACKET_EXTENSIONS_MAX ? PACKET_OK : PACKET_BAD_TRANSPORT);
	}
}

static void test_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOUND; i++)
		assert_int_equal(packet_transport_known(sound[i].proto), sound[i].proto != 200);
	assert_true(packet_transport_known(IP_TCP) && packet_transport_known(IP_UDP) && !packet_transport_known(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound), cmocka_unit_test(test_every_end),	 cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_auth),  cmocka_unit_test(test_auth_chain), cmocka_unit_test(test_known),
		cmocka_unit_test(test_auth_in_cut_chain),
	};

	return cmocka_run_group_tests_name("packet_transport", tests, NULL, NULL);
}
