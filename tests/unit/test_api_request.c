// The API's own parser: what a target and a Host may be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_request.h"

static void plain_paths(void **state)
{
	struct api_target t;

	(void)state;
	assert_int_equal(api_target_parse("/", &t), 0);
	assert_string_equal(t.path, "/");
	assert_int_equal(t.arguments, 0);
	assert_int_equal(api_target_parse("/api/v1/flows", &t), 0);
	assert_string_equal(t.path, "/api/v1/flows");
	assert_int_equal(api_target_parse("/%61pi/v1/", &t), 0);
	assert_string_equal(t.path, "/api/v1/");
	assert_int_equal(api_target_parse("/a..b/...", &t), 0);
}

static void arguments(void **state)
{
	struct api_target t;

	(void)state;
	assert_int_equal(api_target_parse("/f?limit=5&empty=&word&a%26b=c%3Dd", &t), 0);
	assert_string_equal(t.path, "/f");
	assert_int_equal(t.arguments, 4);
	assert_string_equal(t.argument[0].name, "limit");
	assert_string_equal(t.argument[0].value, "5");
	assert_string_equal(t.argument[1].name, "empty");
	assert_string_equal(t.argument[1].value, "");
	assert_string_equal(t.argument[2].name, "word");
	assert_string_equal(t.argument[2].value, "");
	assert_string_equal(t.argument[3].name, "a&b");
	assert_string_equal(t.argument[3].value, "c=d");
	assert_int_equal(api_target_parse("/f?", &t), 0);
	assert_int_equal(t.arguments, 0);
	assert_int_equal(api_target_parse("/f?=5", &t), 400);
	assert_int_equal(api_target_parse("/f?a=1&&b=2", &t), 400);
	assert_int_equal(api_target_parse("/f?1&2&3&4&5&6&7&8", &t), 0);
	assert_int_equal(t.arguments, API_ARGUMENTS_MAX);
	assert_int_equal(api_target_parse("/f?1&2&3&4&5&6&7&8&9", &t), 400);
}

static void refused_targets(void **state)
{
	static const struct {
		const char *raw;
		int status;
	} rows[] = {
		{"", 400}, {"*", 400}, {"http://localhost/", 400}, {"api/v1", 400},
		{"/a%00b", 400}, {"/%0d%0aSet-Cookie:x", 400}, {"/%7f", 400}, {"/a\x01", 400}, {"/a\x80", 400}, {"/%ff", 400},
		{"/a\\b", 400}, {"/a%5cb", 400}, {"/%", 400}, {"/%4", 400}, {"/%zz", 400}, {"/f?x=%00", 400}, {"/f?x=%4", 400}, {"/f?%0a", 400},
		{"/..", 404}, {"/../etc/passwd", 404}, {"/a/../b", 404}, {"/%2e%2e/x", 404}, {"/.%2e", 404}, {"/..%2fx", 404}, {"/.", 404}, {"/a/./b", 404},
		{"//", 404}, {"//x", 404}, {"/a//b", 404},
	};
	struct api_target t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (api_target_parse(rows[i].raw, &t) != rows[i].status)
			fail_msg("\"%s\" gave %d, not %d", rows[i].raw, api_target_parse(rows[i].raw, &t), rows[i].status);
	assert_int_equal(api_target_parse("/%252e%252e", &t), 0); // decoded once: a name, and one that nothing has
	assert_string_equal(t.path, "/%2e%2e");
}

// Each length around the limits, for a path, a name and a value: fits or is refused, never past the room (the sanitizer watches).
static void lengths(void **state)
{
	char raw[1024];
	struct api_target t;

	(void)state;
	for (size_t n = 1; n < 400; n++) {
		memset(raw, 'a', sizeof(raw));
		raw[0] = '/';
		raw[n] = '\0';
		assert_int_equal(api_target_parse(raw, &t), n < API_PATH_MAX ? 0 : 414);
		memcpy(raw, "/?", 2);
		raw[n + 2] = '\0';
		memset(raw + 2, 'a', n);
		assert_int_equal(api_target_parse(raw, &t), n + 2 <= API_QUERY_MAX ? 0 : 414);
		raw[3] = '=';
		if (n > 1)
			assert_int_equal(api_target_parse(raw, &t), n + 1 <= API_QUERY_MAX ? 0 : 414);
	}
}

static void hosts(void **state)
{
	static const char *const good[] = {"localhost", "LocalHost:8480", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8480", "127.0.0.2:80"};
	static const char *const bad[] = {"", ":80", "evil.example", "localhost.evil.example", "localhost:", "localhost:80x", "localhost:123456",
					  "127.0.0.1.evil.example", "[::1", "[::1]x", "::1", "127.0.0.1:80:80", "localhost@evil", "127.0.0.3", "local"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!api_host_allowed(good[i], "127.0.0.2"))
			fail_msg("%s was refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (api_host_allowed(bad[i], "127.0.0.2"))
			fail_msg("%s was let in", bad[i]);
	assert_false(api_host_allowed("127.0.0.2", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths), cmocka_unit_test(arguments), cmocka_unit_test(refused_targets),
		cmocka_unit_test(lengths), cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
