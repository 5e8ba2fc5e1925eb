// Jitter: even packets have none whatever their rate, uneven ones what RFC 3550's estimator gives, and a slot's past does not show.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow_udp.h"

#define MS 1000000ull

static void test_even(void **state)
{
	struct flow_udp u;

	(void)state;
	memset(&u, 0xa5, sizeof(u));
	for (uint64_t i = 0; i < 1000; i++) {
		flow_udp_count(&u, 0, i, 1700000000000000000ull + i * 20 * MS);
		flow_udp_count(&u, 1, i, 1700000000000000000ull + i * i % 2 * MS + i * 30 * MS);
	}
	assert_true(flow_udp_jitter_ns(&u, 0) < 20000); // the clock's grain
}

// The estimator in floating point, as the RFC has it.
static void test_estimator(void **state)
{
	uint64_t at = 1700000000000000000ull, last = 0;
	double jitter = 0, before = 0;
	struct flow_udp u;

	(void)state;
	memset(&u, 0xff, sizeof(u));
	srand(3);
	for (uint64_t i = 0; i < 5000; i++) {
		double gap;

		at += 15 * MS + (uint32_t)rand() % 10000000u;
		flow_udp_count(&u, 1, i, at);
		gap = (double)(at - last);
		if (i > 1)
			jitter += (fabs(gap - before) - jitter) / 16;
		before = i > 0 ? gap : 0;
		last = at;
		if (i > 100)
			assert_true(fabs((double)flow_udp_jitter_ns(&u, 1) - jitter) < jitter / 100 + 3000);
	}
	print_message("%.3f ms\n", jitter / 1e6);
}

// Time that stands still, goes back or leaps.
static void test_odd_times(void **state)
{
	static const uint64_t times[] = {0, 5, 5, 0, UINT64_MAX, 1, UINT64_MAX, UINT64_MAX, 0};
	struct flow_udp u = {.last_ns = {0}};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		flow_udp_count(&u, 0, i, times[i % (sizeof(times) / sizeof(times[0]))]);
		assert_true(flow_udp_jitter_ns(&u, 0) <= (uint64_t)FLOW_UDP_GAP_MAX << FLOW_UDP_CLOCK_SHIFT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_even), cmocka_unit_test(test_estimator), cmocka_unit_test(test_odd_times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
