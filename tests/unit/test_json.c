// The JSON writer: what it writes is what a JSON library reads back, for any bytes, and never more than its room.
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/json.h"

static const char *text_of(struct json *j)
{
	assert_false(json_overflowed(j));
	*j->at = '\0';
	return j->start;
}

static void members_and_elements(void **state)
{
	char out[512];
	struct json j;

	(void)state;
	json_init(&j, out, sizeof(out) - 1);
	json_object_begin(&j, NULL);
	json_u64(&j, "u", UINT64_MAX);
	json_i64(&j, "i", INT64_MIN);
	json_double(&j, "d", 1.5);
	json_double(&j, "n", NAN);
	json_bool(&j, "b", true);
	json_array_begin(&j, "a");
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_array_begin(&j, NULL);
	json_array_end(&j);
	json_u64(&j, NULL, 0);
	json_null(&j, NULL);
	json_array_end(&j);
	json_raw(&j, "r", "[1]", 3);
	json_string(&j, "s", "");
	json_object_end(&j);
	assert_string_equal(text_of(&j), "{\"u\":18446744073709551615,\"i\":-9223372036854775808,\"d\":1.5,\"n\":null,\"b\":true,"
					 "\"a\":[{},[],0,null],\"r\":[1],\"s\":\"\"}");
	assert_int_equal(json_length(&j), strlen(out));
}

static void numbers_of_every_length(void **state)
{
	char ours[JSON_U64_MAX + 1], theirs[32];

	(void)state;
	for (uint64_t value = 1, i = 0; i < 64; i++, value *= 2)
		for (int near = -1; near <= 1; near++) {
			uint64_t v = value + (uint64_t)(int64_t)near;

			*json_put_u64(ours, v) = '\0';
			snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long)v);
			assert_string_equal(ours, theirs);
		}
	for (uint64_t v = 0; v < 20000; v++) {
		*json_put_u64(ours, v) = '\0';
		snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long)v);
		assert_string_equal(ours, theirs);
	}
}

static void doubles_come_back(void **state)
{
	static const double values[] = {0, -1, 0.1, 1e-9, 123456.789, 3.25e30, DBL_MAX};
	char out[64];
	struct json j;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		json_init(&j, out, sizeof(out) - 1);
		json_double(&j, NULL, values[i]);
		assert_true(fabs(strtod(text_of(&j), NULL) - values[i]) <= fabs(values[i]) * 1e-11);
	}
	json_init(&j, out, sizeof(out) - 1);
	json_double(&j, NULL, INFINITY);
	assert_string_equal(text_of(&j), "null");
}

static void escaped(const char *in, size_t len, const char *expected)
{
	char out[256];
	struct json j;

	json_init(&j, out, sizeof(out) - 1);
	json_string_bytes(&j, NULL, in, len);
	assert_string_equal(text_of(&j), expected);
}

static void hostile_text_is_escaped(void **state)
{
	(void)state;
	escaped("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	escaped("\0\x01\n\x1f\x7f", 5, "\"\\u0000\\u0001\\u000a\\u001f\\u007f\"");
	escaped("</script>", 9, "\"\\u003c/script>\"");
	escaped("12345678<", 9, "\"12345678\\u003c\"");
	escaped("1234567\x80", 8, "\"1234567\\ufffd\"");
}

static void utf8_stays_and_the_rest_is_replaced(void **state)
{
	(void)state;
	escaped("\xc3\xa9", 2, "\"\xc3\xa9\"");
	escaped("\xe2\x82\xac", 3, "\"\xe2\x82\xac\"");
	escaped("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
	escaped("\xc3", 1, "\"\\ufffd\"");                           // cut
	escaped("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");                // overlong
	escaped("\xe0\x80\xaf", 3, "\"\\ufffd\\ufffd\\ufffd\"");     // overlong
	escaped("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");     // a surrogate
	escaped("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); // beyond U+10FFFF
	escaped("\xff", 1, "\"\\ufffd\"");
}

// Every byte at every place of a word of eight, against the same without neighbours that could hide it.
static void every_byte_at_every_place(void **state)
{
	char in[17], out[256], alone[16];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char byte = (char)c;
		size_t n = (size_t)(json_put_text(alone, alone + sizeof(alone), &byte, 1, NULL) - alone);

		for (size_t at = 0; at < 16; at++) {
			size_t taken;
			char *end;

			memset(in, c % 2 != 0 ? '!' : '~', sizeof(in));
			in[at] = byte;
			end = json_put_text(out, out + sizeof(out), in, 16, &taken);
			assert_int_equal(taken, 16);
			assert_int_equal(end - out, 15 + n);
			assert_memory_equal(out + at, alone, n);
		}
	}
}

static void read_back(const char *in, size_t len)
{
	char out[2048];
	struct json j;
	cJSON *read;

	json_init(&j, out, sizeof(out) - 1);
	json_object_begin(&j, NULL);
	json_string_bytes(&j, "text", in, len);
	json_object_end(&j);
	read = cJSON_Parse(text_of(&j));
	assert_non_null(read);
	assert_int_equal(strlen(cJSON_GetObjectItem(read, "text")->valuestring), len);
	assert_memory_equal(cJSON_GetObjectItem(read, "text")->valuestring, in, len);
	cJSON_Delete(read);
}

static void printable_text_comes_back(void **state)
{
	char in[200];
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		size_t len = (size_t)(rand_r(&seed)) % sizeof(in);

		for (size_t i = 0; i < len; i++)
			in[i] = (char)(0x20 + rand_r(&seed) % 0x5f);
		read_back(in, len);
	}
}

static void sample_write(struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "name", "a<b");
	json_array_begin(j, "list");
	json_i64(j, NULL, -12345);
	json_bool(j, NULL, false);
	json_array_end(j);
	json_object_end(j);
}

static void nothing_is_written_past_the_room(void **state)
{
	char whole[256], *out;
	struct json j;
	size_t length;

	(void)state;
	json_init(&j, whole, sizeof(whole));
	sample_write(&j);
	length = json_length(&j);
	for (size_t room = 0; room <= length; room++) {
		out = malloc(room + 1); // a byte more than it may use, which a sanitizer would not see
		out[room] = '#';
		json_init(&j, out, room);
		sample_write(&j);
		assert_int_equal(json_overflowed(&j), room < length);
		assert_true(json_length(&j) <= room);
		assert_int_equal(out[room], '#');
		if (room == length)
			assert_memory_equal(out, whole, length);
		free(out);
	}
}

static void overflow_stays(void **state)
{
	char out[4];
	struct json j;

	(void)state;
	json_init(&j, out, sizeof(out));
	json_string(&j, NULL, "too long");
	assert_true(json_overflowed(&j));
	json_u64(&j, NULL, 1);
	assert_true(json_overflowed(&j));
}

static void text_is_cut_between_characters(void **state)
{
	char out[16];
	size_t taken;
	char *end = json_put_text(out, out + 8, "ab<\xc3\xa9", 5, &taken);

	(void)state;
	assert_int_equal(end - out, 8);
	assert_int_equal(taken, 3);
	end = json_put_text(out, out + 7, "ab<\xc3\xa9", 5, &taken);
	assert_int_equal(end - out, 2);
	assert_int_equal(taken, 2);
	end = json_put_text(out, out + 1, "\xc3\xa9", 2, &taken);
	assert_int_equal(end - out, 0);
	assert_int_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_elements),
		cmocka_unit_test(numbers_of_every_length),
		cmocka_unit_test(doubles_come_back),
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(utf8_stays_and_the_rest_is_replaced),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(printable_text_comes_back),
		cmocka_unit_test(nothing_is_written_past_the_room),
		cmocka_unit_test(overflow_stays),
		cmocka_unit_test(text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
