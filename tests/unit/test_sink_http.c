// What the HTTP sink makes of a batch, byte by byte; when two batches have the same key; what answers mean; where a token comes
// from; which URLs are refused.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sink/sink_http.h"
#include "sink/sink_secret.h"

static const char TARGET[] = "http://collector:8080/in";
static const char MANY[] = "ffffffffffffffffffffffffffffffff";

static struct spool_entry record(unsigned stream, uint64_t boot, uint64_t seq, const char *payload)
{
	return (struct spool_entry){.stream = (uint8_t)stream, .boot = boot, .first = seq, .last = seq,
				    .length = (uint32_t)strlen(payload), .payload = payload};
}

static struct spool_entry tombstone(unsigned stream, uint64_t boot, uint64_t first, uint64_t last, unsigned cause)
{
	return (struct spool_entry){.stream = (uint8_t)stream, .boot = boot, .first = first, .last = last, .cause = (uint8_t)cause};
}

// Room is exactly what is asked for, so that a sanitizer sees a byte too many.
static void body_check(const struct spool_entry *entries, unsigned count, const char *want)
{
	size_t room = http_body_room(entries, count), n;
	char *out = malloc(room);

	assert_non_null(out);
	n = http_body(entries, count, out);
	assert_true(n <= room);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	free(out);
}

// ---- bodies ----

static void a_line_for_each_entry(void **state)
{
	struct spool_entry entries[] = {
		record(SINK_FLOWS, 3, 177, "{\"event_type\":\"flow\",\"flow_id\":7}"),
		tombstone(SINK_FLOWS, 3, 178, 180, SPOOL_QUOTA),
		record(SINK_ALERTS, 3, 1, "{\"event_type\":\"alert\"}"),
		record(SINK_EVENTS, UINT64_MAX, UINT64_MAX, "{\"a\":{\"b\":[1,2]}}"),
	};

	(void)state;
	body_check(entries, 4,
		   "{\"id\":\"flows/3-177\",\"event_type\":\"flow\",\"flow_id\":7}\n"
		   "{\"id\":\"flows/3-180\",\"event_type\":\"tombstone\",\"stream\":\"flows\",\"boot\":3,\"first\":178,\"last\":180,"
		   "\"count\":3,\"cause\":\"quota\"}\n"
		   "{\"id\":\"alerts/3-1\",\"event_type\":\"alert\"}\n"
		   "{\"id\":\"events/18446744073709551615-18446744073709551615\",\"a\":{\"b\":[1,2]}}\n");
	body_check(entries + 2, 1, "{\"id\":\"alerts/3-1\",\"event_type\":\"alert\"}\n");
}

static void the_longest_lines_fit(void **state)
{
	struct spool_entry entries[2 * SPOOL_CAUSES];
	char *payload = malloc(SPOOL_PAYLOAD_MAX + 1), *out;
	size_t n;

	(void)state;
	memset(payload, 'x', SPOOL_PAYLOAD_MAX);
	memcpy(payload, "{\"a\":\"", 6);
	memcpy(payload + SPOOL_PAYLOAD_MAX - 2, "\"}", 3);
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		entries[2 * i] = record(SINK_AGGREGATES, UINT64_MAX, UINT64_MAX, payload);
		entries[2 * i + 1] = tombstone(SINK_AGGREGATES, UINT64_MAX, 1, UINT64_MAX, i > 0 ? i : SPOOL_DAMAGE);
	}
	out = malloc(http_body_room(entries, 2 * SPOOL_CAUSES));
	n = http_body(entries, 2 * SPOOL_CAUSES, out);
	for (unsigned i = 0; i < SPOOL_CAUSES; i++)
		assert_int_equal(out[n - 1], '\n');
	for (char *line = out, *end; line < out + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(out + n - line));
		assert_true(end != NULL && end[-1] == '}');
	}
	free(out);
	free(payload);
}

// Nothing of these may tear a line, or pass for a record; and their ids are not missed.
static void what_is_no_record_is_told_as_damage(void **state)
{
	static const char *const hostile[] = {
		"", "{", "{}", "[]", "{]", "null", "\"text\"", "{\"a\":1", "\"a\":1}", "{\"a\":\n1}", "{\"a\":\"\x01\"}", "{\"a\":1}\n",
		"{\"a\":1}\n{\"id\":\"flows/3-9\"}", "{ \"a\":1}", "x{\"a\":1}", "{\"a\"\t:1}",
	};
	static const char want[] = "{\"id\":\"flows/3-7\",\"event_type\":\"tombstone\",\"stream\":\"flows\",\"boot\":3,\"first\":7,"
				   "\"last\":7,\"count\":1,\"cause\":\"damage\"}\n";
	struct spool_entry e;

	(void)state;
	for (unsigned i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		e = record(SINK_FLOWS, 3, 7, hostile[i]);
		body_check(&e, 1, want);
	}
	e = record(SINK_FLOWS, 3, 7, "{\"a\":\"?\"}");
	e.payload = "{\"a\":\"\0\"}";
	body_check(&e, 1, want);
}

static void entries_of_no_stream_or_cause_stay_in_their_bounds(void **state)
{
	struct spool_entry e = tombstone(200, 1, 2, 2, 200);

	(void)state;
	body_check(&e, 1, "{\"id\":\"none/1-2\",\"event_type\":\"tombstone\",\"stream\":\"none\",\"boot\":1,\"first\":2,\"last\":2,"
			  "\"count\":1,\"cause\":\"unknown\"}\n");
}

// ---- keys ----

static void keys_tell_batches_apart(void **state)
{
	struct spool_entry entries[] = {
		record(SINK_FLOWS, 3, 177, "{\"a\":1}"), record(SINK_FLOWS, 3, 178, "{\"a\":2}"), record(SINK_EVENTS, 3, 178, "{\"a\":3}"),
		record(SINK_FLOWS, 3, 179, "{\"a\":4}"),
	};
	const uint8_t bytes[SPOOL_INSTANCE_BYTES] = {0x00, 0x9f, 0xff, [15] = 0x0a};
	char instance[HTTP_INSTANCE_ROOM], keys[16][HTTP_KEY_ROOM], again[HTTP_KEY_ROOM];
	unsigned n = 0;

	(void)state;
	http_instance(bytes, instance);
	assert_string_equal(instance, "009fff0000000000000000000000000a");
	http_key(instance, entries, 3, keys[0]);
	assert_string_equal(keys[0], "009fff0000000000000000000000000a-0.3.177-2.3.178-3");
	entries[0].payload = "{\"a\":\"elsewhere in memory\"}";
	http_key(instance, entries, 3, again);
	assert_string_equal(keys[0], again);
	for (unsigned from = 0; from < 4; from++)
		for (unsigned to = from + 1; to <= 4; to++)
			http_key(instance, entries + from, to - from, keys[n++]);
	assert_int_equal(n, 10);
	http_key(MANY, entries, 3, keys[n++]);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			assert_string_not_equal(keys[i], keys[j]);
}

static void the_longest_key_is_whole(void **state)
{
	struct spool_entry e = record(SINK_AGGREGATES, UINT64_MAX, UINT64_MAX, "{\"a\":1}");
	char key[HTTP_KEY_ROOM];

	(void)state;
	http_key(MANY, &e, 1, key);
	assert_string_equal(key, "ffffffffffffffffffffffffffffffff-3.18446744073709551615.18446744073709551615"
				 "-3.18446744073709551615.18446744073709551615-1");
}

// ---- answers ----

struct answer_row {
	long status;
	bool our_key;
	unsigned wait_s;
	const char *said;
	enum http_verdict verdict;
	const char *cause; // of what is no delivery
	bool patient, keep;
	const char *sentence; // a part of it
};

static const struct answer_row answers[] = {
	{.status = 200, .verdict = HTTP_DELIVERED},
	{.status = 202, .verdict = HTTP_DELIVERED},
	{.status = 204, .verdict = HTTP_DELIVERED},
	{.status = 299, .verdict = HTTP_DELIVERED},
	{.status = 409, .our_key = true, .verdict = HTTP_KNOWN},
	{409, false, 0, "edit conflict", HTTP_REFUSED, "refused", true, true, "/in answers 409: edit conflict"},
	{301, false, 0, "moved", HTTP_REFUSED, "redirect", true, true, "answers 301: redirects are not followed; put the new URL into http.url"},
	{304, true, 0, "", HTTP_REFUSED, "redirect", true, true, "put the new URL into http.url"},
	{308, false, 0, "", HTTP_REFUSED, "redirect", true, true, "answers 308"},
	{400, false, 0, "", HTTP_REFUSED, "refused", true, true, "answers 400"},
	{400, false, 0, "line 3:\r\n\x1b[2Jno", HTTP_REFUSED, "refused", true, true, "answers 400: line 3:\\x0d\\x0a\\x1b[2Jno"},
	{401, false, 0, "", HTTP_REFUSED, "auth", true, false, "answers 401: the token is missing or wrong; see http.token_file"},
	{403, true, 0, "", HTTP_REFUSED, "auth", true, false, "answers 403: the token may not do this"},
	{404, false, 0, "<html>", HTTP_REFUSED, "refused", true, true, "answers 404: there is nothing at this path; see http.url"},
	{405, false, 0, "", HTTP_REFUSED, "refused", true, true, "it takes no POST there"},
	{408, false, 0, "", HTTP_REFUSED, "timeout", false, true, "answers 408"},
	{410, false, 0, "", HTTP_REFUSED, "refused", true, true, "gone"},
	{413, false, 0, "", HTTP_TOO_LARGE, "too_large", true, true, "raise its limit"},
	{422, false, 0, "%s%n", HTTP_REFUSED, "refused", true, true, "answers 422: %s%n"},
	{429, false, 30, "", HTTP_REFUSED, "busy", false, true, "it asks for a pause of 30 s"},
	{429, false, 0, "", HTTP_REFUSED, "busy", false, true, "answers 429: it wants less at a time"},
	{500, false, 0, "trace", HTTP_REFUSED, "server_error", false, true, "answers 500: see its own log"},
	{502, false, 0, "", HTTP_REFUSED, "server_error", false, true, "answers 502"},
	{503, false, 5, "", HTTP_REFUSED, "busy", false, true, "a pause of 5 s"},
	{599, false, 0, "", HTTP_REFUSED, "server_error", false, true, "answers 599"},
	{0, false, 0, "", HTTP_REFUSED, "refused", true, true, "answers 0"},
	{199, false, 0, "", HTTP_REFUSED, "refused", true, true, "answers 199"},
	{600, false, 0, "", HTTP_REFUSED, "refused", true, true, "answers 600"},
	{999, false, 0, "", HTTP_REFUSED, "refused", true, true, "answers 999"},
};

static void what_answers_mean(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer_row *row = &answers[i];
		const char *said = row->said != NULL ? row->said : "";
		struct http_answer answer = {.status = row->status, .our_key = row->our_key, .wait_s = row->wait_s, .said = said,
					     .said_length = strlen(said)};
		struct remote_fault fault = {.cause = ""};

		assert_int_equal(http_judge(&answer, TARGET, &fault), row->verdict);
		if (row->cause == NULL)
			continue;
		assert_string_equal(fault.cause, row->cause);
		assert_int_equal(fault.patient, row->patient);
		assert_int_equal(fault.keep, row->keep);
		assert_non_null(strstr(fault.err.text, TARGET));
		if (strstr(fault.err.text, row->sentence) == NULL)
			fail_msg("%ld: \"%s\" is not in \"%s\"", row->status, row->sentence, fault.err.text);
	}
}

static void a_long_answer_is_cut(void **state)
{
	struct remote_fault fault = {.cause = ""};
	struct http_answer answer = {.status = 400};
	char said[HTTP_SAID_MAX * 4], want[HTTP_SAID_MAX * 4 + sizeof(TARGET) + 16];

	(void)state;
	memset(said, 'x', sizeof(said));
	answer.said = said;
	answer.said_length = sizeof(said);
	http_judge(&answer, TARGET, &fault);
	snprintf(want, sizeof(want), "%s answers 400: %.*s", TARGET, HTTP_SAID_MAX, said);
	assert_string_equal(fault.err.text, want);
}

static void what_no_answer_means(void **state)
{
	static const struct {
		CURLcode code;
		const char *cause;
		bool patient;
	} rows[] = {
		{CURLE_COULDNT_RESOLVE_HOST, "resolve", true}, {CURLE_COULDNT_CONNECT, "unreachable", false},
		{CURLE_OPERATION_TIMEDOUT, "timeout", false}, {CURLE_GOT_NOTHING, "closed", false}, {CURLE_SEND_ERROR, "closed", false},
		{CURLE_RECV_ERROR, "closed", false}, {CURLE_PARTIAL_FILE, "closed", false}, {CURLE_SSL_CONNECT_ERROR, "tls", true},
		{CURLE_PEER_FAILED_VERIFICATION, "tls", true}, {CURLE_SSL_CACERT_BADFILE, "tls", true},
		{CURLE_UNSUPPORTED_PROTOCOL, "protocol", true}, {CURLE_WEIRD_SERVER_REPLY, "protocol", true},
		{CURLE_WRITE_ERROR, "protocol", true}, {CURLE_HTTP2, "protocol", true}, {CURL_LAST, "protocol", true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct remote_fault fault = {.cause = ""};

		assert_int_equal(http_broken(rows[i].code, "words\n\x1b", TARGET, &fault), -EIO);
		assert_string_equal(fault.cause, rows[i].cause);
		assert_int_equal(fault.patient, rows[i].patient);
		assert_false(fault.keep);
		assert_non_null(strstr(fault.err.text, TARGET));
		assert_non_null(strstr(fault.err.text, "(words\\x0a\\x1b)"));
	}
}

// ---- settings ----

static struct http_settings settings;

static int settings_of(const char *url, struct err *err)
{
	static struct config config;

	config_defaults(&config);
	snprintf(config.http.url, sizeof(config.http.url), "%s", url);
	memset(&settings, 0, sizeof(settings));
	return http_settings_read(&settings, &config, err);
}

static void urls_that_can_be_used(void **state)
{
	static const char *const rows[][2] = {
		{"http://collector/in", "http://collector/in"},
		{"https://collector:8443", "https://collector:8443/"},
		{"HTTP://[::1]:8080/a/b", "http://[::1]:8080/a/b"},
		{"https://collector/in?key=hunter2#part", "https://collector/in"},
		{"http://collector/caf\xc3\xa9", "http://collector/caf\\xc3\\xa9"},
	};
	struct err err = {""};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(settings_of(rows[i][0], &err), 0);
		assert_string_equal(settings.target, rows[i][1]);
	}
	assert_int_equal(settings_of("https://collector/in?key=hunter2#part", &err), 0);
	assert_string_equal(settings.query, "key=hunter2");
	assert_int_equal(settings.timeout_ms, 5000);
}

static void urls_that_cannot(void **state)
{
	static const char *const rows[][2] = {
		{"http://user:hunter2@collector/in", "user or password"}, {"http://user@collector/", "user or password"},
		{"http://:hunter2@collector/", "user or password"}, {"https://user:hunter2@/", "is not a URL"},
		{"ftp://hunter2.example/", "begin with http"}, {"file:///hunter2", "begin with http"}, {"gopher://x/", "begin with http"},
		{"collector/hunter2", "is not a URL"}, {"hunter2://x/", "is not a URL"}, {"http://", "is not a URL"},
		{"http://collector:99999/hunter2", "is not a URL"}, {"http://collector/hunter2\r\nHost: x", "is not a URL"},
		{"http://hunter2 collector/", "is not a URL"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {""};

		assert_int_equal(settings_of(rows[i][0], &err), -EINVAL);
		if (strstr(err.text, rows[i][1]) == NULL || strstr(err.text, "hunter2") != NULL || strncmp(err.text, "http.url ", 9) != 0)
			fail_msg("%s: \"%s\"", rows[i][0], err.text);
	}
}

static void certificates_that_are_not_there(void **state)
{
	static struct config config;
	struct err err = {""};

	(void)state;
	config_defaults(&config);
	strcpy(config.http.url, "https://collector/");
	strcpy(config.http.ca_file, "/nowhere/ca.pem");
	assert_int_equal(http_settings_read(&settings, &config, &err), -ENOENT);
	assert_string_equal(err.text, "cannot read /nowhere/ca.pem, which http.ca_file names: No such file or directory");
}

// ---- secrets ----

enum { SECRET_ROOM = 32 };

static char secret_path[512];

static int secret_of(const char *content, size_t length, char *out, struct err *err)
{
	FILE *file = fopen(secret_path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, length, file), length);
	fclose(file);
	return sink_secret_read("http.token_file", secret_path, "SPANWATCH_TEST_TOKEN", out, SECRET_ROOM, err);
}

static void secrets_from_a_file(void **state)
{
	static const struct {
		const char *content, *want; // NULL: refused
	} rows[] = {
		{"hunter2\n", "hunter2"}, {"hunter2", "hunter2"}, {"hunter2\r\n", "hunter2"}, {"hunter2\nsecond line, any length of it\n", "hunter2"},
		{"0123456789012345678901234567890\n", "0123456789012345678901234567890"}, {"012345678901234567890123456789012\n", NULL},
		{"01234567890123456789012345678901", NULL}, {"", NULL}, {"\n", NULL}, {"\r\n", NULL}, {"hunter 2\n", NULL}, {"hunter2 \n", NULL},
		{"hunter2\rX: y\n", NULL}, {"hunt\xc3\xa9r\n", NULL}, {"\x7f\n", NULL},
	};
	char out[SECRET_ROOM];

	(void)state;
	setenv("SPANWATCH_TEST_TOKEN", "other", 1); // the file comes first
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {""};
		int rc = secret_of(rows[i].content, strlen(rows[i].content), out, &err);

		assert_int_equal(rc, rows[i].want != NULL ? 0 : -EINVAL);
		assert_string_equal(out, rows[i].want != NULL ? rows[i].want : "");
		assert_null(strstr(err.text, "hunter"));
		assert_true(rc == 0 || strstr(err.text, "http.token_file") != NULL);
	}
	assert_int_equal(secret_of("hunt\0er2\n", 9, out, &(struct err){""}), -EINVAL);
	unlink(secret_path);
	assert_int_equal(sink_secret_read("http.token_file", secret_path, "SPANWATCH_TEST_TOKEN", out, sizeof(out), &(struct err){""}), -ENOENT);
	unsetenv("SPANWATCH_TEST_TOKEN");
}

static void secrets_from_the_environment(void **state)
{
	char out[SECRET_ROOM] = "stale";
	struct err err = {""};

	(void)state;
	assert_int_equal(sink_secret_read("http.token_file", "", "SPANWATCH_TEST_TOKEN", out, sizeof(out), &err), 0);
	assert_string_equal(out, "");
	setenv("SPANWATCH_TEST_TOKEN", "hunter2", 1);
	assert_int_equal(sink_secret_read("http.token_file", "", "SPANWATCH_TEST_TOKEN", out, sizeof(out), &err), 0);
	assert_string_equal(out, "hunter2");
	for (unsigned i = 0; i < 2; i++) {
		setenv("SPANWATCH_TEST_TOKEN", i == 0 ? "hunter2\r\nX: y" : "hunter2hunter2hunter2hunter2hunter2", 1);
		assert_int_equal(sink_secret_read("http.token_file", "", "SPANWATCH_TEST_TOKEN", out, sizeof(out), &err), -EINVAL);
		assert_string_equal(out, "");
		assert_non_null(strstr(err.text, "SPANWATCH_TEST_TOKEN"));
		assert_null(strstr(err.text, "hunter"));
	}
	unsetenv("SPANWATCH_TEST_TOKEN");
}

static int secret_path_make(void **state)
{
	const char *base = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(secret_path, sizeof(secret_path), "%s/spanwatch-secret-XXXXXX", base != NULL ? base : "/tmp");
	fd = mkstemp(secret_path);
	return fd >= 0 ? close(fd) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_entry),
		cmocka_unit_test(the_longest_lines_fit),
		cmocka_unit_test(what_is_no_record_is_told_as_damage),
		cmocka_unit_test(entries_of_no_stream_or_cause_stay_in_their_bounds),
		cmocka_unit_test(keys_tell_batches_apart),
		cmocka_unit_test(the_longest_key_is_whole),
		cmocka_unit_test(what_answers_mean),
		cmocka_unit_test(a_long_answer_is_cut),
		cmocka_unit_test(what_no_answer_means),
		cmocka_unit_test(urls_that_can_be_used),
		cmocka_unit_test(urls_that_cannot),
		cmocka_unit_test(certificates_that_are_not_there),
		cmocka_unit_test(secrets_from_a_file),
		cmocka_unit_test(secrets_from_the_environment),
	};

	unsetenv("SPANWATCH_HTTP_TOKEN");
	return cmocka_run_group_tests(tests, secret_path_make, NULL);
}
