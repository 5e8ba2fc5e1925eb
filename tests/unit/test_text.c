// Escaping, building texts, and the texts of a transaction.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "record/l7.h"

static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
		size_t len, room, taken;
	} cases[] = {
		{"", "", 0, 8, 0},
		{"a b~", "a b~", 4, 8, 4},
		{"\\", "\\x5c", 1, 8, 1},
		{"\n\x7f\x80\xff", "\\x0a\\x7f\\x80\\xff", 4, 16, 4},
		{"\0", "\\x00", 1, 4, 1},
		{"ab\xff", "ab", 3, 5, 2},
		{"abc", "ab", 3, 2, 2},
		{"\xff", "", 1, 3, 0},
		{"x", "", 1, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[32];
		size_t taken = 99, n;

		memset(out, '#', sizeof(out));
		n = text_escape(out, cases[i].room, (const uint8_t *)cases[i].in, cases[i].len, &taken);
		assert_int_equal(n, strlen(cases[i].out));
		assert_memory_equal(out, cases[i].out, n);
		assert_int_equal(out[n], '#');
		assert_int_equal(taken, cases[i].taken);
	}
}

static void test_every_byte_is_printable(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;
		char out[4];
		size_t n = text_escape(out, sizeof(out), &byte, 1, NULL);

		assert_true(n == 1 || n == 4);
		assert_int_equal(n == 1, c >= 0x20 && c < 0x7f && c != '\\');
		for (size_t i = 0; i < n; i++)
			assert_in_range(out[i], 0x20, 0x7e);
	}
}

static void test_builder(void **state)
{
	char room[64];
	struct text_builder b = text_builder(room, sizeof(room));

	(void)state;
	text_put(&b, "n=");
	text_put_number(&b, 0);
	text_put(&b, ",");
	text_put_number(&b, UINT64_MAX);
	text_put(&b, ",");
	text_put_hex(&b, "\x00\xfa\x19", 3);
	text_put_bytes(&b, NULL, 0);
	assert_int_equal(b.used, strlen("n=0,18446744073709551615,00fa19"));
	assert_memory_equal(room, "n=0,18446744073709551615,00fa19", b.used);
}

static void test_builder_stops_at_its_room(void **state)
{
	char room[8] = "#######";
	struct text_builder b = text_builder(room, 5);

	(void)state;
	text_put(&b, "abc");
	text_put_number(&b, 987);
	text_put_hex(&b, "\xff", 1);
	text_put(&b, "x");
	assert_int_equal(b.used, 5);
	assert_string_equal(room, "abc98##");
}

static void test_transaction_texts(void **state)
{
	static struct l7 l7;
	struct record_text first, second, third;
	char big[L7_TEXT_MAX];

	(void)state;
	memset(big, 'b', sizeof(big));
	first = l7_text(&l7, span_of("one\n", 4), 100);
	second = l7_text_bytes(&l7, big, 10, 4);
	assert_true(l7.text_cut);
	assert_int_equal(first.at, 0);
	assert_int_equal(first.len, 7);
	assert_memory_equal(l7.text, "one\\x0abbbb", 11);
	assert_int_equal(second.at, 7);
	assert_int_equal(second.len, 4);
	third = l7_text_bytes(&l7, big, sizeof(big), sizeof(big));
	assert_int_equal(third.at + third.len, L7_TEXT_MAX);
	assert_int_equal(l7_text_bytes(&l7, big, 1, 1).len, 0);
	l7.memory.words[7] = 7;
	l7.pending = true;
	l7_clear(&l7);
	assert_false(l7.pending || l7.text_cut || l7.text_used != 0);
	assert_int_equal(l7.memory.words[7], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_every_byte_is_printable),
		cmocka_unit_test(test_builder),
		cmocka_unit_test(test_builder_stops_at_its_room),
		cmocka_unit_test(test_transaction_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
