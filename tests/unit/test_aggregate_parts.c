// What aggregates are made of: the hosts that a HyperLogLog has to be told, and how TCP fares.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "control/aggregate_hosts.h"
#include "control/aggregate_tcp.h"

#define SECOND 1000000000ull
#define START (1700000000ull * SECOND)

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

// ---- hosts ----

// What Redis 7.0.15 holds after PFADD of one element: read from its sparse registers with GET.
static void test_registers_are_those_of_redis(void **state)
{
	static const struct {
		const char *element;
		unsigned at, rank;
	} known[] = {
		{"10.0.0.1", 5218, 2},
		{"10.0.0.2", 2572, 1},
		{"192.168.1.254", 9389, 1},
		{"255.255.255.255", 4461, 1},
		{"0.0.0.0", 730, 2},
		{"8.8.8.8", 2774, 1},
		{"fe80::1", 8524, 2},
		{"::", 8538, 1},
		{"::1", 2836, 2},
		{"2001:db8::1", 1429, 2},
		{"2001:db8:1:2:3:4:5:6", 13652, 1},
		{"::ffff:192.0.2.1", 9840, 1},
		{"ff02::fb", 10938, 2},
		{"1.2.3.4", 13312, 2},
		{"100.100.100.100", 4898, 1},
		{"a", 12711, 2},
		{"ab", 719, 1},
		{"abcdefg", 5634, 2},
		{"abcdefgh", 1383, 1},
		{"abcdefghi", 6903, 1},
		{"", 5938, 2},
		{"10.120.4.4", 6185, 14},
		{"10.234.19.5", 8475, 12},
		{"10.16.16.0", 11698, 11},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t rank;

		assert_int_equal(aggregate_hosts_register(known[i].element, strlen(known[i].element), &rank), known[i].at);
		assert_int_equal(rank, known[i].rank);
	}
}

static void registers_raise(uint8_t *registers, const char *element, size_t len)
{
	uint8_t rank;
	unsigned at = aggregate_hosts_register(element, len, &rank);

	if (rank > registers[at])
		registers[at] = rank;
}

// Half a million addresses, taken in small portions between, as aggregates do: in the end Redis has what it would have of all.
static void test_hosts_that_count(void **state)
{
	enum { ADDRESSES = 500000, EVERY = 1000, PORTION = 50 };
	static uint8_t all[AGGREGATE_HOSTS_REGISTERS], told[AGGREGATE_HOSTS_REGISTERS];
	struct aggregate_hosts *hosts = calloc(1, sizeof(*hosts));
	uint64_t seed = 1;
	char out[RECORD_ADDRESS_MAX];
	unsigned sent = 0;
	size_t len;

	(void)state;
	assert_non_null(hosts);
	assert_int_equal(aggregate_hosts_take(hosts, out), 0);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint8_t address[16], version = i % 3 == 0 ? 6 : 4;
		uint64_t word[2] = {random_next(&seed), random_next(&seed)};

		memcpy(address, word, 16);
		if (version == 4)
			memset(address + 4, 0, 12);
		registers_raise(all, out, (size_t)(record_address_put(out, version, address) - out));
		aggregate_hosts_add(hosts, address, version);
		aggregate_hosts_add(hosts, address, version);
		assert_true(hosts->waiting <= AGGREGATE_HOSTS_REGISTERS);
		for (unsigned k = 0; i % EVERY == 0 && k < PORTION && (len = aggregate_hosts_take(hosts, out)) > 0; k++, sent++)
			registers_raise(told, out, len);
	}
	assert_memory_not_equal(all, told, sizeof(all)); // most still waits
	for (; (len = aggregate_hosts_take(hosts, out)) > 0; sent++)
		registers_raise(told, out, len);
	assert_memory_equal(all, told, sizeof(all));
	assert_in_range(sent, AGGREGATE_HOSTS_REGISTERS / 2, ADDRESSES / EVERY * PORTION + AGGREGATE_HOSTS_REGISTERS);
	aggregate_hosts_clear(hosts);
	aggregate_hosts_add(hosts, (const uint8_t[16]){10, 0, 0, 1}, 4);
	assert_int_equal(aggregate_hosts_take(hosts, out), strlen("10.0.0.1"));
	aggregate_hosts_add(hosts, (const uint8_t[16]){10, 0, 0, 1}, 4); // it has been told
	assert_int_equal(hosts->waiting, 0);
	assert_memory_equal(out, "10.0.0.1", strlen("10.0.0.1"));
	free(hosts);
}

// ---- TCP ----

struct flow_said {
	struct record head;
	struct record_flow flow;
};

static void rtt(struct aggregate_tcp *tcp, uint64_t at_ns, uint64_t handshake_us, uint64_t average_us)
{
	struct flow_said s = {.head = {.type = RECORD_FLOW}};

	s.flow.tcp.handshake_ns = handshake_us * 1000;
	s.flow.tcp.rtt_avg_ns = average_us * 1000;
	s.flow.tcp.rtt_samples = average_us > 0;
	aggregate_tcp_flow(tcp, &s.head, at_ns);
}

static void near(double value, double wanted)
{
	assert_true(value > wanted * (1 - 1.0 / 32) && value < wanted * (1 + 1.0 / 32));
}

static void test_percentiles(void **state)
{
	struct aggregate_tcp *tcp = calloc(1, sizeof(*tcp));

	(void)state;
	assert_non_null(tcp);
	assert_true(aggregate_tcp_percentile_ms(tcp, 0.5) == 0);
	for (uint64_t i = 1; i <= 1000; i++)
		rtt(tcp, START + i * SECOND / 100, i % 2 == 0 ? i * 1000 : 0, i % 2 == 0 ? 7 : i * 1000); // 1 ms to 1 s, by either
	rtt(tcp, START, 0, 0);                                                                      // no sample
	assert_int_equal(tcp->samples, 1000);
	near(aggregate_tcp_percentile_ms(tcp, 0.5), 500);
	near(aggregate_tcp_percentile_ms(tcp, 0.9), 900);
	near(aggregate_tcp_percentile_ms(tcp, 0.99), 990);
	near(aggregate_tcp_percentile_ms(tcp, 1), 1000);
	near(aggregate_tcp_percentile_ms(tcp, 0), 1);
	aggregate_tcp_now(tcp, START + 65 * SECOND); // a minute is this second and 59 before: 600 to 1000 ms are left
	assert_int_equal(tcp->samples, 401);
	near(aggregate_tcp_percentile_ms(tcp, 0.5), 800);
	aggregate_tcp_now(tcp, START); // time does not go back
	assert_int_equal(tcp->samples, 401);
	aggregate_tcp_now(tcp, START + 86400 * SECOND);
	assert_int_equal(tcp->samples, 0);
	rtt(tcp, START + 86400 * SECOND, UINT64_MAX / 1000, 0); // longer than anything: the last bucket
	rtt(tcp, START + 86401 * SECOND, 0, 33);
	near(aggregate_tcp_percentile_ms(tcp, 0.5), 0.033);
	assert_true(aggregate_tcp_percentile_ms(tcp, 1) > 3600000);
	free(tcp);
}

static void test_each_value_is_near_its_bucket(void **state)
{
	struct aggregate_tcp *tcp = calloc(1, sizeof(*tcp));

	(void)state;
	assert_non_null(tcp);
	for (uint64_t us = 1, at = 1; us < 1ull << 32; us += us / 7 + 1, at += 100) {
		rtt(tcp, at * SECOND, us, 0);
		assert_int_equal(tcp->samples, 1);
		near(aggregate_tcp_percentile_ms(tcp, 0.5), (double)us / 1000);
	}
	free(tcp);
}

static void test_sent_again(void **state)
{
	struct aggregate_tcp *tcp = calloc(1, sizeof(*tcp));
	uint64_t segments, again;

	(void)state;
	assert_non_null(tcp);
	for (uint64_t second = 0; second < 200; second++) {
		aggregate_tcp_turn(tcp, 1000 + 100 * second, second, &segments, &again);
		assert_int_equal(segments, 100 * (second < 60 ? second : 60)); // what there was at the first look is not of this minute
		assert_int_equal(again, second < 60 ? second : 60);
	}
	free(tcp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_are_those_of_redis),
		cmocka_unit_test(test_hosts_that_count),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_each_value_is_near_its_bucket),
		cmocka_unit_test(test_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
