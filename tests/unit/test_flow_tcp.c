// What a flow keeps of its SYNs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "flow/flow_table.h"

enum { L4_AT = 34, OPTIONS_AT = L4_AT + 20, ROOM = OPTIONS_AT + 40 };

static void syn(struct flow_tcp_options *t, unsigned dir, const uint8_t *options, unsigned n)
{
	uint8_t frame[ROOM] = {[12] = 8, [14] = 0x45, [23] = IP_TCP, [L4_AT + 13] = TCP_SYN};
	struct packet p = {.frame = frame, .captured = OPTIONS_AT + n};

	frame[17] = (uint8_t)(40 + n);
	frame[L4_AT + 12] = (uint8_t)((5 + n / 4) << 4);
	memcpy(frame + OPTIONS_AT, options, n);
	packet_decode(&p);
	assert_int_equal(p.verdict, PACKET_OK);
	flow_tcp_syn(t, dir, &p);
}

#define SYN(t, dir, ...) syn(t, dir, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_both_sides(void **state)
{
	struct flow_tcp_options t = {0};

	(void)state;
	SYN(&t, 0, 2, 4, 5, 0xb4, 4, 2, 3, 3, 0, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 34, 2, 1, 1, 1);
	assert_int_equal(t.mss[0], 1460);
	assert_int_equal(t.scale, 1);
	assert_int_equal(t.said, RECORD_TCP_SEEN_SERVER | RECORD_TCP_SACK | RECORD_TCP_TIMESTAMPS | RECORD_TCP_FAST_OPEN);
	SYN(&t, 1, 2, 4, 4, 0, 4, 2, 3, 3, 14, 1, 1, 1);
	assert_int_equal(t.mss[0], 1460);
	assert_int_equal(t.mss[1], 1024);
	assert_int_equal(t.scale, 1 | 15 << 4);
	assert_int_equal(t.said, RECORD_TCP_SEEN_SERVER | RECORD_TCP_SEEN_CLIENT | RECORD_TCP_SACK | RECORD_TCP_FAST_OPEN);
}

// A SYN that is sent again without its options, as stacks do when nobody answers: the last one counts.
static void test_sent_again(void **state)
{
	struct flow_tcp_options t = {0};

	(void)state;
	SYN(&t, 0, 2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0, 0, 0);
	SYN(&t, 0, 2, 4, 2, 0x18);
	assert_int_equal(t.mss[0], 536);
	assert_int_equal(t.scale, 0);
	assert_int_equal(t.said, RECORD_TCP_SEEN_SERVER);
}

static void test_memory(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct flow_tcp_options), 6);
	assert_true(sizeof(struct flow) + sizeof(struct flow_cold) <= 384);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_sides), cmocka_unit_test(test_sent_again), cmocka_unit_test(test_memory)};

	return cmocka_run_group_tests_name("flow_tcp", tests, NULL, NULL);
}
