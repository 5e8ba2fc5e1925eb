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

// ---- heads ----

static const struct api_place reads = {.write_method = NULL}, filters = {.write_method = "PUT", .body_max = 100},
			      reload = {.write_method = "POST", .write_only = true};

static unsigned check(const struct api_head *head, const struct api_place *place, size_t *body)
{
	const char *sentence = NULL;
	unsigned status = api_head_check(head, place, "127.0.0.2", body, &sentence);

	assert_non_null(sentence);
	return status;
}

static void methods(void **state)
{
	static const char *const others[] = {"", "get", "PUTS", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"};
	struct api_head head = {.host = "localhost", .hosts = 1};
	size_t body;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		head.method = others[i];
		assert_int_equal(check(&head, &reads, &body), 405);
		assert_int_equal(check(&head, &filters, &body), 405);
		assert_int_equal(check(&head, &reload, &body), 405);
	}
	head.method = "GET";
	assert_int_equal(check(&head, &reads, &body), 0);
	assert_int_equal(check(&head, &filters, &body), 0);
	assert_false(api_head_writes(&head, &filters));
	assert_int_equal(check(&head, &reload, &body), 405);
	head.method = "PUT";
	assert_int_equal(check(&head, &reads, &body), 405);
	head.method = "POST";
	assert_int_equal(check(&head, &reload, &body), 415);
	head.types = 1;
	head.type = "application/json";
	assert_int_equal(check(&head, &reload, &body), 0);
	assert_true(api_head_writes(&head, &reload));
	head.lengths = 1;
	head.length = "1";
	assert_int_equal(check(&head, &reload, &body), 413);
}

static void writes(void **state)
{
	static const struct {
		struct api_head head;
		unsigned status;
	} rows[] = {
		{{"PUT", "127.0.0.1:80", "100", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 0},
		{{"PUT", "127.0.0.1:80", "5", "Application/JSON; charset=utf-8", NULL, NULL, 1, 1, 0, 1, 0}, 0},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "http://127.0.0.1:80", "same-origin", 1, 1, 0, 1, 1}, 0},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, "none", 1, 1, 0, 1, 0}, 0},
		{{"PUT", "127.0.0.1:80", "101", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 413},
		{{"PUT", "127.0.0.1:80", "18446744073709551617", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 413},
		{{"PUT", "127.0.0.1:80", "0", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", "-5", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", "5, 5", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", "", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", NULL, "application/json", NULL, NULL, 1, 0, 0, 1, 0}, 411},
		{{"PUT", "127.0.0.1:80", NULL, "application/json", NULL, NULL, 1, 0, 1, 1, 0}, 411},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, NULL, 1, 1, 1, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, NULL, 1, 2, 0, 1, 0}, 400},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, NULL, 2, 1, 0, 1, 0}, 400},
		{{"PUT", NULL, "5", "application/json", NULL, NULL, 0, 1, 0, 1, 0}, 400},
		{{"PUT", "evil.example", "5", "application/json", NULL, NULL, 1, 1, 0, 1, 0}, 421},
		{{"PUT", "evil.example", "5", "application/json", "http://evil.example", NULL, 1, 1, 0, 1, 1}, 421},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "null", NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "", NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "http://127.0.0.1:8080", NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "http://localhost:80", NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "https://127.0.0.1:80", NULL, 1, 1, 0, 1, 1}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", "http://127.0.0.1:80", NULL, 1, 1, 0, 1, 2}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, "cross-site", 1, 1, 0, 1, 0}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, "same-site", 1, 1, 0, 1, 0}, 403},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, "", 1, 1, 0, 1, 0}, 403},
		{{"PUT", "127.0.0.1:80", "5", "text/plain", NULL, NULL, 1, 1, 0, 1, 0}, 415},
		{{"PUT", "127.0.0.1:80", "5", "application/jsonp", NULL, NULL, 1, 1, 0, 1, 0}, 415},
		{{"PUT", "127.0.0.1:80", "5", NULL, NULL, NULL, 1, 1, 0, 0, 0}, 415},
		{{"PUT", "127.0.0.1:80", "5", "application/json", NULL, NULL, 1, 1, 0, 2, 0}, 415},
	};
	size_t body;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (check(&rows[i].head, &filters, &body) != rows[i].status)
			fail_msg("row %zu gave %u, not %u", i, check(&rows[i].head, &filters, &body), rows[i].status);
		assert_true(rows[i].status != 0 || body > 0);
	}
}

static unsigned body_check(const char *text)
{
	const char *sentence;

	return api_body_check(text, strlen(text), &sentence);
}

static void bodies(void **state)
{
	char deep[2 * API_BODY_DEPTH_MAX + 8];
	const char *sentence;

	(void)state;
	assert_int_equal(body_check(""), 0);
	assert_int_equal(body_check("{\"a\": [1, {\"b\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"}]}"), 0);
	assert_int_equal(api_body_check("{\0}", 3, &sentence), 400);
	assert_int_equal(api_body_check("\"\\\0\"", 4, &sentence), 400);
	assert_int_equal(body_check("{\"a\": \"b\\u0000\"}"), 400);
	assert_int_equal(body_check("{\"a\": \"b\\\\u0000\"}"), 0);
	assert_int_equal(body_check("\\u000"), 0);
	assert_int_equal(body_check("\\"), 0);
	memset(deep, '[', sizeof(deep));
	deep[API_BODY_DEPTH_MAX] = '\0';
	assert_int_equal(body_check(deep), 0);
	deep[API_BODY_DEPTH_MAX] = '{';
	deep[API_BODY_DEPTH_MAX + 1] = '\0';
	assert_int_equal(body_check(deep), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths), cmocka_unit_test(arguments), cmocka_unit_test(refused_targets),
		cmocka_unit_test(lengths), cmocka_unit_test(hosts), cmocka_unit_test(methods), cmocka_unit_test(writes),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
