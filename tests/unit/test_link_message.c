// ICMP, neighbour discovery, MLD and IGMP against messages built here: what they say, every place at which one can end, every byte
// changed, counts that lie. Each message lies in a block of exactly its size, so that an instrumented build sees a read past its end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "link/link_message.h"

enum { BYTES_MAX = 4096, ADDRESSES = 32 };

struct bytes {
	uint32_t n;
	uint8_t b[BYTES_MAX];
};

static struct l7 l7; // of the last call
static const uint8_t host6[16] = {0xfe, 0x80, [15] = 0x10}, other6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x80}, none6[16];
static const uint8_t host4[4] = {192, 0, 2, 10}, other4[4] = {198, 51, 100, 80};

static void put(struct bytes *f, const void *from, size_t n)
{
	assert_true(f->n + n <= BYTES_MAX);
	memcpy(f->b + f->n, from, n);
	f->n += (uint32_t)n;
}

static void put_hex(struct bytes *f, const char *hex)
{
	for (; *hex != '\0'; hex += 2) {
		char two[3] = {hex[0], hex[1], '\0'};
		uint8_t byte = (uint8_t)strtoul(two, NULL, 16);

		put(f, &byte, 1);
	}
}

static void text_check(struct record_text text)
{
	assert_true(text.at + text.len <= l7.text_used && l7.text_used <= L7_TEXT_MAX);
	for (uint16_t i = 0; i < text.len; i++)
		assert_in_range(l7.text[text.at + i], 0x20, 0x7e);
}

static void is_text(struct record_text text, const char *expected)
{
	text_check(text);
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(l7.text + text.at, expected, text.len);
}

static void record_check(void)
{
	switch (l7.type) {
	case RECORD_ICMP:
		text_check(l7.icmp.routers);
		assert_true(l7.icmp.quoted.ip_version == 0 || l7.icmp.quoted.ip_version == 4 || l7.icmp.quoted.ip_version == 6);
		break;
	case RECORD_ND:
		text_check(l7.nd.target);
		text_check(l7.nd.destination);
		text_check(l7.nd.rdnss);
		text_check(l7.nd.dnssl);
		assert_in_range(l7.nd.prefixes, 0, RECORD_ND_PREFIXES_MAX);
		assert_in_range(l7.nd.routes, 0, RECORD_ND_ROUTES_MAX);
		break;
	default:
		assert_true(l7.type == RECORD_MLD || l7.type == RECORD_IGMP);
		text_check(l7.multicast.group);
		text_check(l7.multicast.sources);
		assert_in_range(l7.multicast.groups, 0, RECORD_GROUPS_MAX);
		for (unsigned i = 0; i < l7.multicast.groups; i++) {
			text_check(l7.multicast.row[i].group);
			text_check(l7.multicast.row[i].sources);
		}
	}
}

// A packet of both addresses and n bytes of the message, of which there were more on the wire.
static enum link_verdict ask_cut(uint8_t proto, const uint8_t *src, const uint8_t *message, uint32_t n, uint32_t wire)
{
	uint8_t *exact = malloc(ADDRESSES + n);
	uint32_t header = proto == IP_IGMP ? 0 : n < 4 ? n : 4;
	struct packet p = {.frame = exact, .proto = proto, .ip_version = proto == IP_ICMPV6 ? 6 : 4, .dst_at = 16, .l4_at = ADDRESSES};
	enum link_verdict verdict;

	assert_non_null(exact);
	memset(exact, 1, ADDRESSES);
	memcpy(exact, src, p.ip_version == 6 ? 16 : 4);
	memcpy(exact + ADDRESSES, message, n);
	p.captured = ADDRESSES + n;
	p.payload_at = (uint16_t)(ADDRESSES + header);
	p.payload = n - header;
	p.payload_wire = wire - header;
	p.truncated = wire > n;
	memset(l7.text, 0xff, sizeof(l7.text));
	verdict = link_message_dissect(&p, &l7);
	free(exact);
	if (verdict == LINK_RECORD)
		record_check();
	return verdict;
}

static enum link_verdict ask(uint8_t proto, const uint8_t *src, const char *hex)
{
	struct bytes f = {0};

	put_hex(&f, hex);
	return ask_cut(proto, src, f.b, f.n, f.n);
}

#define IPV4_QUOTE(flags, proto) "4500003c0001" flags "01" proto "0000c000020ac6336450"
#define ADDRESS(last) "20010db80000000000000000000000" last
#define IPV6_QUOTE(next) "600000000020" next "40" ADDRESS("01") ADDRESS("80")

// ---- icmp ----

static void icmp_errors_quote(void **state)
{
	const struct record_icmp *icmp = &l7.icmp;

	(void)state;
	assert_int_equal(ask(IP_ICMP, host4, "0304000000000500" IPV4_QUOTE("4000", "06") "9c4101bb00000001"), LINK_RECORD);
	assert_true(icmp->type == 3 && icmp->code == 4 && icmp->mtu == 1280 && icmp->quoted_ports && icmp->quoted.ip_version == 4);
	assert_memory_equal(icmp->quoted.client, host4, 4);
	assert_memory_equal(icmp->quoted.server, other4, 4);
	assert_true(icmp->quoted.proto == IP_TCP && icmp->quoted.client_port == 40001 && icmp->quoted.server_port == 443);
	assert_int_equal(ask(IP_ICMP, host4, "0b01000000000000" IPV4_QUOTE("0010", "11") "9c4101bb00000001"), LINK_RECORD);
	assert_false(icmp->quoted_ports); // a later fragment has none
	assert_int_equal(ask(IP_ICMP, host4, "0501000cc6336401" IPV4_QUOTE("0000", "01") "0800f7ff00000000"), LINK_RECORD);
	assert_true(icmp->gateway[0] == 198 && icmp->gateway[3] == 1 && icmp->quoted.client_port == 8 && icmp->quoted.server_port == 0);
	assert_int_equal(ask(IP_ICMP, host4, "0c00000014000000" IPV4_QUOTE("0000", "2f")), LINK_RECORD);
	assert_true(icmp->pointer_said && icmp->pointer == 20 && !icmp->quoted_ports && icmp->quoted.proto == 47);
	assert_int_equal(ask(IP_ICMP, host4, "0300000000000000" "65"), LINK_BAD);
	assert_int_equal(ask(IP_ICMP, host4, "0300000000000000" "44000014000000000111000000000000" "00000000"), LINK_BAD);
}

static void icmpv6_errors_quote(void **state)
{
	const struct record_icmp *icmp = &l7.icmp;

	(void)state;
	assert_int_equal(ask(IP_ICMPV6, host6, "0200000000000500" IPV6_QUOTE("11") "9c4a829a00100000"), LINK_RECORD);
	assert_true(icmp->mtu == 1280 && icmp->quoted_ports && icmp->quoted.client_port == 40010 && icmp->quoted.server_port == 33434);
	assert_int_equal(ask(IP_ICMPV6, host6, "0400000000000028" IPV6_QUOTE("00") "3c00000000000000" "1100000000000000" "9c4a829a"), LINK_RECORD);
	assert_true(icmp->pointer == 40 && icmp->quoted_ports && icmp->quoted.proto == IP_UDP && icmp->quoted.client_port == 40010);
	assert_int_equal(ask(IP_ICMPV6, host6, "0300000000000000" IPV6_QUOTE("2c") "1100000800000001" "9c4a829a"), LINK_RECORD);
	assert_true(!icmp->quoted_ports && icmp->quoted.proto == IP_UDP);
	assert_int_equal(ask(IP_ICMPV6, host6, "0100000000000000" IPV6_QUOTE("33") "1104000000000000" "0000000000000000" "0000000000000000"
			     "9c4a829a"), LINK_RECORD);
	assert_true(icmp->quoted_ports && icmp->quoted.server_port == 33434);
	assert_int_equal(ask(IP_ICMPV6, host6, "0100000000000000" "4000"), LINK_BAD);
}

static void icmp_of_an_endless_chain(void **state)
{
	struct bytes f = {0};

	(void)state;
	put_hex(&f, "0100000000000000" IPV6_QUOTE("3c"));
	for (unsigned i = 0; i < PACKET_EXTENSIONS_MAX + 4; i++)
		put_hex(&f, "3c00000000000000");
	assert_int_equal(ask_cut(IP_ICMPV6, host6, f.b, f.n, f.n), LINK_RECORD);
	assert_false(l7.icmp.quoted_ports);
}

static void icmp_queries(void **state)
{
	(void)state;
	assert_int_equal(ask(IP_ICMP, host4, "0e00000000050009" "000003e80000000100000002"), LINK_RECORD);
	assert_true(l7.icmp.query && l7.icmp.id == 5 && l7.icmp.seq == 9 && l7.icmp.originate_ms == 1000 && l7.icmp.transmit_ms == 2);
	assert_int_equal(ask(IP_ICMP, host4, "1200000000050009" "ffffff00"), LINK_RECORD);
	assert_true(l7.icmp.mask[0] == 255 && l7.icmp.mask[3] == 0);
	assert_int_equal(ask(IP_ICMP, host4, "0900000002020708" "c000020100000000" "c000020200000000"), LINK_RECORD);
	assert_int_equal(l7.icmp.lifetime_s, 1800);
	is_text(l7.icmp.routers, "192.0.2.1,192.0.2.2");
	assert_int_equal(ask(IP_ICMP, host4, "0900000003020708" "c000020100000000" "c000020200000000"), LINK_BAD);
	assert_int_equal(ask(IP_ICMP, host4, "0800000000010001"), LINK_NONE);
	assert_int_equal(ask(IP_ICMP, host4, "0000000000010001"), LINK_NONE);
	assert_int_equal(ask(IP_ICMPV6, host6, "8000000000010001"), LINK_NONE);
}

// ---- neighbour discovery ----

#define TARGET "fe800000000000000000000000000010"

static void nd_neighbours(void **state)
{
	(void)state;
	assert_int_equal(ask(IP_ICMPV6, none6, "8700000000000000" TARGET), LINK_RECORD);
	assert_true(l7.nd.type == ND_NEIGHBOR_SOLICITATION && l7.nd.kind == ND_DAD_PROBE);
	is_text(l7.nd.target, "fe80::10");
	assert_int_equal(ask(IP_ICMPV6, host6, "8700000000000000" TARGET "0101020000000001"), LINK_RECORD);
	assert_true(l7.nd.kind == ND_PLAIN && l7.nd.src_mac[0] == 2 && l7.nd.src_mac[5] == 1);
	assert_int_equal(ask(IP_ICMPV6, host6, "88000000a0000000" TARGET "0201020000000002"), LINK_RECORD);
	assert_true(l7.nd.kind == ND_UNSOLICITED && l7.nd.na_flags == 0xa0 && l7.nd.target_mac[5] == 2);
	assert_int_equal(ask(IP_ICMPV6, host6, "8800000060000000" TARGET), LINK_RECORD);
	assert_true(l7.nd.kind == ND_PLAIN && l7.nd.na_flags == 0x60);
	assert_int_equal(ask(IP_ICMPV6, host6, "8900000000000000" TARGET ADDRESS("80")), LINK_RECORD);
	is_text(l7.nd.destination, "2001:db8::80");
	assert_int_equal(ask(IP_ICMPV6, host6, "8500000000000000" "0100000000000000"), LINK_BAD);
}

#define RA "86000000404807080000753000000" "3e8"

static void nd_router(void **state)
{
	const struct record_nd *nd = &l7.nd;

	(void)state;
	assert_int_equal(ask(IP_ICMPV6, host6, RA "0501000000000" "5d4" "030440c0000151800000384000000000" ADDRESS("00")
			     "1803220800000258" "20010db880000000" "0000000000000000" "1801001800000010"
			     "1903000000000" "4b0" ADDRESS("53")
			     "1f030000000005140765" "78616d706c65036f726700" "000000"), LINK_RECORD);
	assert_true(nd->hop_limit == 64 && nd->ra_flags == 0x40 && nd->preference == 1 && nd->lifetime_s == 1800);
	assert_true(nd->reachable_ms == 30000 && nd->retrans_ms == 1000 && nd->mtu == 1492 && nd->prefixes == 1 && nd->routes == 2);
	is_text(nd->prefix[0].prefix, "2001:db8::");
	assert_true(nd->prefix[0].length == 64 && nd->prefix[0].valid_s == 86400 && nd->prefix[0].preferred_s == 14400);
	is_text(nd->route[0].prefix, "2001:db8:8000::");
	is_text(nd->route[1].prefix, "::");
	assert_true(nd->route[0].length == 34 && nd->route[0].preference == 1 && nd->route[1].preference == 3 && nd->route[1].lifetime_s == 16);
	is_text(nd->rdnss, "2001:db8::53");
	is_text(nd->dnssl, "example.org");
	assert_true(nd->rdnss_lifetime_s == 1200 && nd->dnssl_lifetime_s == 1300);
	assert_int_equal(ask(IP_ICMPV6, host6, RA "1f02000000000514" "03612c6200000000"), LINK_RECORD); // "a,b" is no name
	assert_int_equal(nd->dnssl.len, 0);
}

static void nd_is_bounded(void **state)
{
	struct bytes f = {0};

	(void)state;
	put_hex(&f, RA);
	for (unsigned i = 0; i < 60; i++)
		put_hex(&f, "030440c0000151800000384000000000" ADDRESS("01"));
	assert_int_equal(ask_cut(IP_ICMPV6, host6, f.b, f.n, f.n), LINK_RECORD);
	assert_int_equal(l7.nd.prefixes, RECORD_ND_PREFIXES_MAX);
	f.n = 0;
	put_hex(&f, RA "19c10000000004b0");
	for (unsigned i = 0; i < 96; i++)
		put(&f, other6, 16);
	assert_int_equal(ask_cut(IP_ICMPV6, host6, f.b, f.n, f.n), LINK_RECORD);
	assert_in_range(l7.nd.rdnss.len, 100, 512);
	assert_memory_equal(l7.text + l7.nd.rdnss.at + l7.nd.rdnss.len - 12, "2001:db8::80", 12); // whole to the last
}

// ---- mld, igmp ----

static void mld(void **state)
{
	const struct record_multicast *m = &l7.multicast;

	(void)state;
	assert_int_equal(ask(IP_ICMPV6, host6, "8200000003e80000" ADDRESS("01")), LINK_RECORD);
	assert_true(m->version == 1 && m->type == MULTICAST_QUERY && m->max_response_ms == 1000);
	is_text(m->group, "2001:db8::1");
	assert_int_equal(ask(IP_ICMPV6, host6, "8200000081230000" ADDRESS("01") "0f950001" ADDRESS("02")), LINK_RECORD);
	assert_true(m->version == 2 && m->max_response_ms == 35096 && m->suppress && m->robustness == 7 && m->query_interval_s == 336);
	is_text(m->sources, "2001:db8::2");
	assert_int_equal(ask(IP_ICMPV6, host6, "8400000000000000" ADDRESS("01")), LINK_RECORD);
	assert_int_equal(m->type, MULTICAST_DONE);
	assert_int_equal(ask(IP_ICMPV6, host6, "8f00000000000002" "04000000" ADDRESS("01") "05010001" ADDRESS("02") ADDRESS("03") "aaaaaaaa"),
			 LINK_RECORD);
	assert_true(m->groups == 2 && m->groups_said == 2 && m->row[0].type == 4 && m->row[1].sources_said == 1);
	is_text(m->row[1].group, "2001:db8::2");
	is_text(m->row[1].sources, "2001:db8::3");
	assert_int_equal(ask(IP_ICMPV6, host6, "8200000003e80000" ADDRESS("01") "02"), LINK_BAD);
	assert_int_equal(ask(IP_ICMPV6, host6, "8f00000000000003" "04000000" ADDRESS("01") "04000000" ADDRESS("01")), LINK_BAD);
}

static void igmp(void **state)
{
	const struct record_multicast *m = &l7.multicast;

	(void)state;
	assert_int_equal(ask(IP_IGMP, host4, "1100000000000000"), LINK_RECORD);
	assert_true(m->version == 1 && m->group.len == 0);
	assert_int_equal(ask(IP_IGMP, host4, "11640000e9fc0001"), LINK_RECORD);
	assert_true(m->version == 2 && m->max_response_ms == 10000);
	is_text(m->group, "233.252.0.1");
	assert_int_equal(ask(IP_IGMP, host4, "119a0000e9fc00010a7d0001c0000201"), LINK_RECORD);
	assert_true(m->version == 3 && m->max_response_ms == 41600 && m->robustness == 2 && m->suppress && m->query_interval_s == 125);
	is_text(m->sources, "192.0.2.1");
	assert_int_equal(ask(IP_IGMP, host4, "12000000e9fc0001"), LINK_RECORD);
	assert_int_equal(m->version, 1);
	assert_int_equal(ask(IP_IGMP, host4, "17000000e9fc0001"), LINK_RECORD);
	assert_true(m->version == 2 && m->type == MULTICAST_LEAVE);
	assert_int_equal(ask(IP_IGMP, host4, "2200000000000001" "03000002e9fc0001c0000201c0000202"), LINK_RECORD);
	is_text(m->row[0].sources, "192.0.2.1,192.0.2.2");
	assert_int_equal(ask(IP_IGMP, host4, "11640000e9fc00010a7d"), LINK_BAD);
	assert_int_equal(ask(IP_IGMP, host4, "119a0000e9fc00010a7d0002c0000201"), LINK_BAD);
	assert_int_equal(ask(IP_IGMP, host4, "1300000000000000"), LINK_NONE);
}

static void groups_are_bounded(void **state)
{
	struct bytes f = {0};

	(void)state;
	put_hex(&f, "2200000000000064");
	for (unsigned i = 0; i < 100; i++)
		put_hex(&f, "04000002e9fc0001c0000201c0000202");
	assert_int_equal(ask_cut(IP_IGMP, host4, f.b, f.n, f.n), LINK_RECORD);
	assert_true(l7.multicast.groups == RECORD_GROUPS_MAX && l7.multicast.groups_said == 100);
	f.n = 0;
	put_hex(&f, "2200000000000001" "01000200e9fc0001");
	for (unsigned i = 0; i < 512; i++)
		put(&f, other4, 4);
	assert_int_equal(ask_cut(IP_IGMP, host4, f.b, f.n, f.n), LINK_RECORD);
	assert_true(l7.text_cut && l7.multicast.row[0].sources_said == 512);
	assert_memory_equal(l7.text + l7.multicast.row[0].sources.at + l7.multicast.row[0].sources.len - 14, ",198.51.100.80", 14);
}

// ---- all ----

static const struct {
	uint8_t proto;
	const char *hex;
} sound[] = {
	{IP_ICMP, "0304000000000500" IPV4_QUOTE("4000", "06") "9c4101bb00000001"},
	{IP_ICMP, "0e00000000050009" "000003e80000000100000002"},
	{IP_ICMP, "0900000002020708" "c000020100000000" "c000020200000000"},
	{IP_ICMPV6, "0400000000000028" IPV6_QUOTE("00") "3c00000000000000" "1100000000000000" "9c4a829a"},
	{IP_ICMPV6, RA "0501000000000" "5d4" "030440c0000151800000384000000000" ADDRESS("00") "1803220800000258" "20010db880000000"
		    "0000000000000000" "1903000000000" "4b0" ADDRESS("53") "1f030000000005140765" "78616d706c65036f726700" "000000"},
	{IP_ICMPV6, "8900000000000000" TARGET ADDRESS("80") "0201020000000002"},
	{IP_ICMPV6, "8200000081230000" ADDRESS("01") "0f950001" ADDRESS("02")},
	{IP_ICMPV6, "8f00000000000002" "04000000" ADDRESS("01") "05010001" ADDRESS("02") ADDRESS("03") "aaaaaaaa"},
	{IP_IGMP, "119a0000e9fc00010a7d0001c0000201"},
	{IP_IGMP, "2200000000000001" "03000002e9fc0001c0000201c0000202"},
};

// Cut on the wire: often not sound, never read beyond. Cut by the capture: never called unsound.
static void messages_end_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
		struct bytes f = {0};

		put_hex(&f, sound[i].hex);
		assert_int_equal(ask_cut(sound[i].proto, host6, f.b, f.n, f.n), LINK_RECORD);
		for (uint32_t n = 0; n < f.n; n++) {
			enum link_verdict verdict = ask_cut(sound[i].proto, host6, f.b, n, n);

			if (n < 8)
				assert_int_equal(verdict, LINK_BAD);
			assert_int_not_equal(ask_cut(sound[i].proto, host6, f.b, n, f.n), LINK_BAD);
		}
	}
}

static void every_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
		struct bytes f = {0};

		put_hex(&f, sound[i].hex);
		for (uint32_t at = 0; at < f.n; at++) {
			uint8_t was = f.b[at];

			for (unsigned value = 0; value < 256; value++) {
				f.b[at] = (uint8_t)value;
				ask_cut(sound[i].proto, host6, f.b, f.n, f.n);
			}
			f.b[at] = was;
		}
	}
}

static void fragments_and_the_other_ip_are_none(void **state)
{
	static const uint8_t frame[ADDRESSES + 8] = {[ADDRESSES] = 3};
	struct packet p = {.frame = frame, .proto = IP_ICMP, .ip_version = 4, .l4_at = ADDRESSES, .payload_at = ADDRESSES + 4, .payload = 4,
			   .payload_wire = 4};

	(void)state;
	assert_int_equal(link_message_dissect(&p, &l7), LINK_BAD);
	p.fragment = true;
	assert_int_equal(link_message_dissect(&p, &l7), LINK_NONE);
	p.fragment = false;
	p.ip_version = 6;
	assert_int_equal(link_message_dissect(&p, &l7), LINK_NONE);
	p.ip_version = 4;
	p.proto = IP_ICMPV6;
	assert_int_equal(link_message_dissect(&p, &l7), LINK_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp_errors_quote),
		cmocka_unit_test(icmpv6_errors_quote),
		cmocka_unit_test(icmp_of_an_endless_chain),
		cmocka_unit_test(icmp_queries),
		cmocka_unit_test(nd_neighbours),
		cmocka_unit_test(nd_router),
		cmocka_unit_test(nd_is_bounded),
		cmocka_unit_test(mld),
		cmocka_unit_test(igmp),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(messages_end_anywhere),
		cmocka_unit_test(every_byte_changed),
		cmocka_unit_test(fragments_and_the_other_ip_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
