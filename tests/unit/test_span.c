// Reading from the front, and never past the end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

static void test_reads_in_order(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct span s = span_of(bytes, sizeof(bytes)), part;

	(void)state;
	assert_int_equal(span_u8(&s), 1);
	assert_int_equal(span_be16(&s), 0x0203);
	assert_int_equal(span_be32(&s), 0x04050607);
	part = span_take(&s, 1);
	assert_int_equal(span_u8(&part), 8);
	assert_true(span_ok(&part));
	assert_int_equal(span_u8(&part), 0);
	assert_false(span_ok(&part));
	assert_true(span_ok(&s));
	assert_int_equal(s.left, 1);
	assert_ptr_equal(span_bytes(&s, 1), bytes + 8);
	assert_ptr_equal(span_bytes(&s, 0), bytes + 9);
	assert_true(span_ok(&s));
}

static void test_short_read_poisons(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};

	(void)state;
	for (uint32_t left = 0; left <= sizeof(bytes); left++) {
		struct span s = span_of(bytes, left), part;

		assert_int_equal(span_be32(&s), 0);
		assert_false(span_ok(&s));
		assert_int_equal(s.left, 0);
		assert_int_equal(span_u8(&s), 0);
		assert_int_equal(span_be16(&s), 0);
		assert_null(span_bytes(&s, 0));
		part = span_take(&s, 0);
		assert_false(span_ok(&part));
		assert_false(span_starts(s, "x"));
		assert_false(span_until(&s, 1, &part));
	}
}

static void test_take_is_a_wall(void **state)
{
	static const uint8_t bytes[] = {0, 9, 1, 2, 3};
	struct span s = span_of(bytes, sizeof(bytes));
	struct span lying = span_take(&s, span_be16(&s));

	(void)state;
	assert_false(span_ok(&lying));
	assert_int_equal(lying.left, 0);
	assert_false(span_ok(&s));
}

static void test_until(void **state)
{
	struct span s = span_of("one\n\ntwo", 8), line;

	(void)state;
	assert_true(span_until(&s, '\n', &line));
	assert_int_equal(line.left, 3);
	assert_memory_equal(line.at, "one", 3);
	assert_true(span_until(&s, '\n', &line));
	assert_int_equal(line.left, 0);
	assert_false(span_until(&s, '\n', &line));
	assert_int_equal(s.left, 3);
	assert_true(span_starts(s, "tw"));
	assert_true(span_starts(s, ""));
	assert_false(span_starts(s, "twos"));
}

static void test_trim(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"", ""}, {" ", ""}, {" \t\r", ""}, {"a", "a"}, {" a b\t\r", "a b"}, {"\na", "\na"}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = span_trim(span_of(cases[i].in, (uint32_t)strlen(cases[i].in)));

		assert_int_equal(s.left, strlen(cases[i].out));
		assert_memory_equal(s.at, cases[i].out, s.left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_in_order), cmocka_unit_test(test_short_read_poisons),
		cmocka_unit_test(test_take_is_a_wall), cmocka_unit_test(test_until),
		cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
