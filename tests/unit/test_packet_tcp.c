// TCP options: each kind, each kind with a length that is not its own, every truncation, and the short way of time stamps against
// the walk.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "packet/packet_tcp.h"

enum { L4_AT = 34, OPTIONS_AT = L4_AT + 20, ROOM = OPTIONS_AT + PACKET_TCP_OPTIONS_MAX };

// A frame with these options, filled up with END to whole words; the capture ends `missing` bytes before the frame does.
static bool walk(const uint8_t *options, uint32_t n, uint32_t missing, struct packet_tcp_options *out)
{
	uint8_t frame[ROOM] = {[12] = 8, [14] = 0x45, [23] = IP_TCP}, *exact;
	uint32_t words = (n + 3) / 4, length = OPTIONS_AT + 4 * words, value = 0, echo = 0;
	struct packet p = {.captured = length - missing, .wire = length};
	bool found;

	frame[17] = (uint8_t)(40 + 4 * words);
	frame[L4_AT + 12] = (uint8_t)((5 + words) << 4);
	frame[L4_AT + 13] = TCP_SYN;
	memcpy(frame + L4_AT + 14, (const uint8_t[]){0xfa, 0xf0, 0, 0, 0, 9}, 6);
	memcpy(frame + OPTIONS_AT, options, n);
	exact = malloc(p.captured);
	assert_non_null(exact);
	memcpy(exact, frame, p.captured);
	p.frame = exact;
	packet_decode(&p);
	assert_int_equal(p.verdict, PACKET_OK);
	found = packet_tcp_options(&p, out);
	assert_int_equal(packet_tcp_timestamps(&p, &value, &echo), packet_tcp_has(out, TCP_OPTION_TIMESTAMPS));
	assert_int_equal(value, out->time_value);
	assert_int_equal(echo, out->time_echo);
	for (unsigned kind = 2; kind < 64; kind++) // what was read is where it is said to be
		if (packet_tcp_has(out, kind))
			assert_true(packet_tcp_option(&p, kind).at != NULL);
	free(exact);
	return found;
}

#define WALK(out, ...) walk((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), 0, out)

static void test_syn_of_linux(void **state)
{
	struct packet_tcp_options o;

	(void)state;
	assert_true(WALK(&o, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4, 1, 3, 3, 7));
	assert_true(o.sound && !o.cut);
	assert_int_equal(o.window, 0xfaf0);
	assert_int_equal(o.urgent, 9);
	assert_int_equal(o.count, 4);
	assert_int_equal(o.kinds, 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8);
	assert_int_equal(o.mss, 1460);
	assert_int_equal(o.window_scale, 7);
	assert_int_equal(o.time_value, 0x102);
	assert_int_equal(o.time_echo, 0x304);
}

static void test_rare_kinds(void **state)
{
	struct packet_tcp_options o;

	(void)state;
	WALK(&o, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0, 0, 0, 0xff, 0, 0, 1);
	assert_true(o.sound && packet_tcp_has(&o, TCP_OPTION_SACK));
	assert_int_equal(o.sack_blocks, 2);
	assert_int_equal(o.sack[0][1], 2);
	assert_int_equal(o.sack[1][0], 0xff000000);
	assert_int_equal(o.sack[1][1], 0xff000001);
	WALK(&o, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 30, 12, 0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 29, 4, 1, 1, 28, 4, 0x80, 5, 200, 2, 61, 3, 0);
	assert_true(o.sound && packet_tcp_has(&o, TCP_OPTION_FAST_OPEN) && packet_tcp_has(&o, TCP_OPTION_AO) && packet_tcp_has(&o, 61));
	assert_int_equal(o.fast_open_cookie, 8);
	assert_int_equal(o.mptcp_subtype, 1);
	assert_int_equal(o.user_timeout, 0x8005);
	assert_int_equal(o.others, 1);
	assert_int_equal(o.count, 6);
	WALK(&o, 19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254, 4, 0xf9, 0x89, 3, 3, 15);
	assert_true(o.sound && packet_tcp_has(&o, TCP_OPTION_MD5) && packet_tcp_has(&o, TCP_OPTION_FAST_OPEN));
	assert_int_equal(o.fast_open_cookie, 0);
	assert_int_equal(o.window_scale, 14);
	WALK(&o, 254, 4, 0x12, 0x34);
	assert_true(o.sound && !packet_tcp_has(&o, TCP_OPTION_FAST_OPEN));
	assert_int_equal(o.others, 1);
}

// Lengths that lie, and lengths that are not those of their kind; what stood before is kept, the option itself is not.
static void test_wrong_lengths(void **state)
{
	static const uint8_t wrong[][12] = {
		{3, 3, 7, 2, 0, 0, 0}, {3, 3, 7, 2, 1, 0, 0}, {3, 3, 7, 99, 200, 0, 0}, {3, 3, 7, 1, 1, 1, 1, 8}, {3, 3, 7, 2, 3, 1},
		{3, 3, 7, 2, 5, 1, 2, 3}, {3, 3, 7, 4, 3, 0}, {3, 3, 7, 8, 6, 0, 0, 0, 0}, {3, 3, 7, 5, 9, 0, 0, 0, 0, 0, 0, 0},
		{3, 3, 7, 5, 2}, {3, 3, 7, 19, 4, 0, 0}, {3, 3, 7, 29, 3, 0}, {3, 3, 7, 30, 2}, {3, 3, 7, 28, 3, 0}, {3, 3, 7, 34, 5, 0, 0, 0},
		{3, 3, 7, 254, 5, 0xf9, 0x89, 1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct packet_tcp_options o;

		assert_true(walk(wrong[i], i == 3 ? 8 : 12, 0, &o));
		if (o.sound || o.kinds != 1u << TCP_OPTION_WINDOW_SCALE || o.window_scale != 7)
			fail_msg("row %u: sound %d, kinds %lx", i, o.sound, (unsigned long)o.kinds);
	}
}

static void test_every_cut(void **state)
{
	static const uint8_t syn[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
	static const uint8_t ends[] = {4, 6, 16, 20}; // of each option
	struct packet_tcp_options o;

	(void)state;
	for (uint32_t kept = 0; kept <= sizeof(syn); kept++) {
		unsigned whole = 0;

		while (whole < 4 && ends[whole] <= kept)
			whole++;
		assert_true(walk(syn, sizeof(syn), (uint32_t)sizeof(syn) - kept, &o));
		assert_true(o.sound); // the capture's fault
		assert_int_equal(o.cut, kept < sizeof(syn));
		assert_int_equal(o.count, whole);
	}
	for (uint32_t kept = 0; kept < 20; kept++) {
		assert_false(walk(syn, sizeof(syn), (uint32_t)sizeof(syn) + 20 - kept, &o));
		assert_int_equal(o.kinds, 0);
	}
}

// As many options as there is room for, and each value of each length byte.
static void test_bounds(void **state)
{
	uint8_t many[PACKET_TCP_OPTIONS_MAX];
	struct packet_tcp_options o;

	(void)state;
	for (unsigned i = 0; i < sizeof(many); i++)
		many[i] = i % 2 == 0 ? 4 : 2;
	assert_true(walk(many, sizeof(many), 0, &o));
	assert_int_equal(o.count, sizeof(many) / 2);
	memset(many, TCP_OPTION_NOP, sizeof(many));
	assert_true(walk(many, sizeof(many), 0, &o));
	assert_true(o.sound && o.count == 0);
	for (unsigned length = 0; length < 256; length++) {
		many[0] = 77;
		many[1] = (uint8_t)length;
		assert_true(walk(many, sizeof(many), 0, &o));
		assert_int_equal(o.sound, length >= 2 && length <= sizeof(many));
	}
}

// NOP, NOP, time stamps: what nearly all packets have, whole and cut.
static void test_time_stamps(void **state)
{
	static const uint8_t usual[] = {1, 1, 8, 10, 0xfe, 1, 2, 3, 0xff, 4, 5, 6};
	struct packet_tcp_options o;

	(void)state;
	for (uint32_t missing = 0; missing <= sizeof(usual); missing++) {
		assert_true(walk(usual, sizeof(usual), missing, &o));
		assert_int_equal(packet_tcp_has(&o, TCP_OPTION_TIMESTAMPS), missing == 0);
	}
	assert_true(walk(usual, sizeof(usual), 0, &o));
	assert_int_equal(o.time_value, 0xfe010203);
	assert_int_equal(o.time_echo, 0xff040506);
}

static void test_no_tcp(void **state)
{
	static const uint8_t udp[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, IP_UDP, 0, 0, 10, 0, 0, 1,
				      10, 0, 0, 2, 0, 1, 0, 2, 0, 8, 0, 0};
	struct packet p = {.frame = udp, .captured = sizeof(udp)};
	struct packet_tcp_options o;
	uint32_t value, echo;

	(void)state;
	packet_decode(&p);
	assert_int_equal(p.verdict, PACKET_OK);
	assert_false(packet_tcp_options(&p, &o));
	assert_false(packet_tcp_timestamps(&p, &value, &echo));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_of_linux), cmocka_unit_test(test_rare_kinds), cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_every_cut),    cmocka_unit_test(test_bounds),	cmocka_unit_test(test_time_stamps),
		cmocka_unit_test(test_no_tcp),
	};

	return cmocka_run_group_tests_name("packet_tcp", tests, NULL, NULL);
}
