// Applications by suffix, the user's file over them, and names from DNS answers: what was told before a flow began counts, the rest is
// forgotten in order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enrich/enrich_application.h"
#include "enrich/enrich_names.h"

enum { FILE_TEXT_MAX = 4096 };

static const uint64_t second = 1000000000;

// ---- applications ----

static const char *application_of(const struct enrich_applications *a, const char *name)
{
	const struct enrich_application *found = enrich_application_find(a, name, (uint32_t)strlen(name));

	return found != NULL ? found->name : "";
}

static void test_built_in(void **state)
{
	static const struct {
		const char *name, *application;
	} cases[] = {
		{"www.youtube.com", "YouTube"},
		{"youtube.com", "YouTube"},
		{"YouTube.COM", "YouTube"},
		{"r3---sn-4g5e6nsz.googlevideo.com", "YouTube"},
		{"youtube.com.", "YouTube"},
		{"badyoutube.com", ""},
		{"youtube.com.example.org", ""},
		{"mail.google.com", "Gmail"}, // the longest suffix
		{"www.google.com", "Google"},
		{"teams.microsoft.com", "Microsoft Teams"},
		{"x.teams.microsoft.com", "Microsoft Teams"},
		{"dns.google", "Google DNS"},
		{"mozilla.cloudflare-dns.com", "Cloudflare DNS"},
		{"com", ""},
		{"", ""},
		{".", ""},
		{"..", ""},
		{".youtube.com", "YouTube"},
		{"www.example.org", ""},
		{"192.0.2.1", ""},
	};
	struct enrich_applications *a;
	struct err err;

	(void)state;
	assert_int_equal(enrich_applications_create(NULL, &a, &err), 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(application_of(a, cases[i].name), cases[i].application);
	enrich_applications_destroy(a);
	enrich_applications_destroy(NULL);
}

// Rows that could never fit, or say one thing twice.
static void test_list_is_sound(void **state)
{
	struct enrich_applications *a;
	struct err err;

	(void)state;
	assert_int_equal(enrich_applications_create("", &a, &err), 0);
	assert_true(enrich_suffix_count >= 150);
	assert_true(enrich_application_count(a) >= 110);
	for (unsigned i = 0; i < enrich_suffix_count; i++) {
		const struct enrich_suffix *row = &enrich_suffixes[i];
		const struct enrich_application *found = enrich_application_find(a, row->suffix, (uint32_t)strlen(row->suffix));

		assert_true(strchr(row->suffix, '.') != NULL && row->suffix[0] != '.');
		for (const char *c = row->suffix; *c != '\0'; c++)
			assert_true(islower(*c) || isdigit(*c) || *c == '.' || *c == '-');
		assert_true(strlen(row->application) <= RECORD_APPLICATION_MAX && strlen(row->category) <= RECORD_CATEGORY_MAX);
		assert_non_null(found);
		assert_string_equal(found->name, row->application); // no suffix stands there twice
		assert_string_equal(found->category, row->category);
	}
	enrich_applications_destroy(a);
}

static int read_text(const char *text, struct enrich_applications **out, struct err *err)
{
	char path[] = "/tmp/spanwatch-test-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = enrich_applications_create(path, out, err);
	unlink(path);
	return rc;
}

static void test_own_file(void **state)
{
	struct enrich_applications *a;
	struct err err;

	(void)state;
	assert_int_equal(read_text("# ours\n"
				   "\n"
				   "erp.example.com \"Our ERP\" business # and why\n"
				   "*.shop.example.com\tShop\r\n"
				   ".video.youtube.com Lectures school\n"
				   "youtube.com \"Not allowed\" play\n"
				   "Host_1.Example.NET Host", &a, &err), 0);
	assert_string_equal(application_of(a, "a.erp.example.com"), "Our ERP");
	assert_string_equal(enrich_application_find(a, "erp.example.com", 15)->category, "business");
	assert_string_equal(application_of(a, "shop.example.com"), "Shop");
	assert_string_equal(enrich_application_find(a, "shop.example.com", 16)->category, "");
	assert_string_equal(application_of(a, "x.video.youtube.com"), "Lectures");
	assert_string_equal(application_of(a, "www.youtube.com"), "Not allowed"); // the user's row comes first
	assert_string_equal(application_of(a, "ytimg.com"), "YouTube");
	assert_string_equal(application_of(a, "host_1.example.net"), "Host");
	enrich_applications_destroy(a);
}

static void test_own_file_refused(void **state)
{
	static const struct {
		const char *text, *say;
	} cases[] = {
		{"a.example A b\nexample.com\n", ":2: \"example.com\" begins a line"},
		{"a.example A b c\n", ":1: \"a.example\" begins a line"},
		{"a..example A\n", "is no domain suffix"},
		{"\x1b]0;x A\n", "\"?]0;x\" is no domain suffix"},
		{"a.example \"\"\n", "is no name of an application"},
		{"a.example A\\x41\n", "is no name of an application"},
		{"a.example A 0123456789012345678901234567890123456789\n", "is no category"},
	};
	struct enrich_applications *a = NULL;
	char text[FILE_TEXT_MAX];
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(read_text(cases[i].text, &a, &err) < 0);
		assert_non_null(strstr(err.text, cases[i].say));
	}
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(read_text(text, &a, &err) < 0);
	assert_non_null(strstr(err.text, "too long"));
	assert_true(enrich_applications_create("/nowhere/applications", &a, &err) < 0);
	assert_non_null(strstr(err.text, "/nowhere/applications"));
	assert_true(enrich_applications_create("/dev/null", &a, &err) < 0);
	assert_null(a);
}

static void test_counts_go_on(void **state)
{
	struct enrich_applications *before, *after;
	struct err err;

	(void)state;
	assert_int_equal(read_text("a.example Kept\nb.example Gone\n", &before, &err), 0);
	enrich_application_find(before, "a.example", 9)->bytes = 7;
	enrich_application_find(before, "b.example", 9)->bytes = 8;
	assert_int_equal(read_text("c.example Kept\n", &after, &err), 0);
	enrich_applications_go_on(after, before);
	assert_int_equal(enrich_application_find(after, "c.example", 9)->bytes, 7);
	enrich_applications_destroy(before);
	enrich_applications_destroy(after);
}

// ---- names ----

struct answer {
	struct record head;
	struct record_dns dns;
	_Alignas(8) char texts[512];
};

static void address_put(uint8_t out[16], uint8_t version, const char *text)
{
	assert_int_equal(inet_pton(version == 4 ? AF_INET : AF_INET6, text, out), 1);
}

static struct record_text text_put(struct answer *a, uint16_t *used, const char *text)
{
	struct record_text at = {*used, (uint16_t)strlen(text)};

	memcpy(a->texts + *used, text, at.len);
	*used = (uint16_t)(*used + at.len);
	return at;
}

// An answer to client: `name` has these addresses, comma separated, behind a CNAME.
static struct answer answer(uint64_t time_s, const char *client, const char *name, const char *addresses, uint32_t ttl)
{
	uint8_t version = strchr(client, ':') != NULL ? 6 : 4;
	struct answer a = {.head = {.type = RECORD_DNS, .time_ns = time_s * second, .ends = {.ip_version = version}}, .dns = {.response = true}};
	char list[256], *next = list;
	uint16_t used = 0;

	address_put(a.head.ends.client, version, client);
	a.dns.rrname = text_put(&a, &used, name);
	a.dns.answer[a.dns.answers++] = (struct record_dns_answer){.rrtype = 5, .rdata = text_put(&a, &used, "cdn.example.net")};
	snprintf(list, sizeof(list), "%s", addresses);
	for (char *one; (one = strsep(&next, ",")) != NULL;)
		a.dns.answer[a.dns.answers++] =
			(struct record_dns_answer){.rrtype = strchr(one, ':') != NULL ? 28 : 1, .ttl = ttl, .rdata = text_put(&a, &used, one)};
	a.head.length = sizeof(a);
	return a;
}

// The name of a flow that began then, or "".
static const char *name_of(const struct enrich_names *n, const char *client, const char *server, uint64_t start_s)
{
	static char out[RECORD_HOSTNAME_MAX + 1];
	struct record_ends ends = {.ip_version = strchr(client, ':') != NULL ? 6 : 4};
	const char *name;
	uint32_t len;

	address_put(ends.client, ends.ip_version, client);
	address_put(ends.server, ends.ip_version, server);
	len = enrich_names_find(n, &ends, start_s * second, &name);
	snprintf(out, sizeof(out), "%.*s", (int)len, len > 0 ? name : "");
	return out;
}

static void learn(struct enrich_names *n, struct answer a)
{
	enrich_names_learn(n, &a.head);
}

static void test_names(void **state)
{
	struct enrich_names_stats stats;
	struct enrich_names *n;

	(void)state;
	assert_int_equal(enrich_names_create(8, &n), 0);
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 100), "");
	learn(n, answer(100, "10.0.0.1", "Www.Example.ORG", "192.0.2.1,192.0.2.2,2001:db8::1", 60));
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 100), "www.example.org");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.2", 101), "www.example.org");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.3", 101), "");
	assert_string_equal(name_of(n, "10.0.0.2", "192.0.2.1", 101), ""); // another client
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 99), "");  // began before
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 100 + 3600), "www.example.org");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 100 + 3601), ""); // too long ago
	learn(n, answer(200, "2001:db8::9", "six.example.org", "2001:db8::1", 100000));
	assert_string_equal(name_of(n, "2001:db8::9", "2001:db8::1", 200 + 86400), "six.example.org"); // a day at most
	assert_string_equal(name_of(n, "2001:db8::9", "2001:db8::1", 200 + 86401), "");
	enrich_names_stats(n, &stats);
	assert_int_equal(stats.used, 3);
	assert_int_equal(stats.told, 3);
	enrich_names_destroy(n);
}

// One address, several names in turn: a flow is for the last one before it.
static void test_names_in_turn(void **state)
{
	struct enrich_names *n;

	(void)state;
	assert_int_equal(enrich_names_create(8, &n), 0);
	learn(n, answer(100, "10.0.0.1", "a.example", "192.0.2.1", 1));
	learn(n, answer(110, "10.0.0.1", "b.example", "192.0.2.1", 1));
	learn(n, answer(120, "10.0.0.1", "b.example", "192.0.2.1", 1)); // goes on
	learn(n, answer(130, "10.0.0.1", "c.example", "192.0.2.1", 1));
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 105), "a.example");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 110), "b.example");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 125), "b.example");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 131), "c.example");
	learn(n, answer(140, "10.0.0.1", "d.example", "192.0.2.1", 1));
	learn(n, answer(150, "10.0.0.1", "e.example", "192.0.2.1", 1));
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 105), ""); // forgotten: none is better than a wrong one
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 110), "b.example");
	learn(n, answer(10000, "10.0.0.1", "e.example", "192.0.2.1", 1)); // not from 150 on
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 9999), "");
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 10000), "e.example");
	enrich_names_destroy(n);
}

static void test_names_make_way(void **state)
{
	enum { CAPACITY = 100, PASSED = 1000 };
	struct enrich_names_stats stats;
	struct enrich_names *n;
	char server[32], name[32];

	(void)state;
	assert_int_equal(enrich_names_create(CAPACITY, &n), 0);
	for (unsigned i = 0; i < PASSED; i++) {
		snprintf(server, sizeof(server), "192.0.%u.%u", i >> 8, i & 255);
		snprintf(name, sizeof(name), "n%u.example", i);
		learn(n, answer(i, "10.0.0.1", name, server, 60));
		learn(n, answer(i, "10.0.0.1", "kept.example", "198.51.100.1", 60)); // asked for again and again
	}
	for (unsigned i = 0; i < PASSED; i++) {
		snprintf(server, sizeof(server), "192.0.%u.%u", i >> 8, i & 255);
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_string_equal(name_of(n, "10.0.0.1", server, PASSED), i + CAPACITY > PASSED ? name : "");
	}
	assert_string_equal(name_of(n, "10.0.0.1", "198.51.100.1", PASSED), "kept.example");
	enrich_names_stats(n, &stats);
	assert_int_equal(stats.used, CAPACITY);
	assert_int_equal(stats.evicted, PASSED + 1 - CAPACITY);
	enrich_names_destroy(n);
}

static void test_names_not_taken(void **state)
{
	struct answer question = answer(1, "10.0.0.1", "a.example", "192.0.2.1", 60), refused = question, root = question, far = question;
	struct answer odd = answer(1, "10.0.0.1", "a.example", "192.0.2.1.1,not an address,2001:db8::1", 60);
	struct enrich_names_stats stats;
	struct enrich_names *n;

	(void)state;
	assert_int_equal(enrich_names_create(4, &n), 0);
	question.dns.response = false;
	refused.dns.rcode = 3;
	root.dns.rrname.len = 1;
	root.texts[root.dns.rrname.at] = '.';
	far.dns.rrname.len = RECORD_HOSTNAME_MAX + 1;
	learn(n, question);
	learn(n, refused);
	learn(n, root);
	learn(n, far);
	learn(n, odd);
	enrich_names_stats(n, &stats);
	assert_int_equal(stats.used, 0);
	enrich_names_destroy(n);
	assert_int_equal(enrich_names_create(0, &n), 0); // switched off
	learn(n, answer(1, "10.0.0.1", "a.example", "192.0.2.1", 60));
	assert_string_equal(name_of(n, "10.0.0.1", "192.0.2.1", 1), "");
	enrich_names_destroy(n);
	enrich_names_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_list_is_sound),
		cmocka_unit_test(test_own_file),
		cmocka_unit_test(test_own_file_refused),
		cmocka_unit_test(test_counts_go_on),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_in_turn),
		cmocka_unit_test(test_names_make_way),
		cmocka_unit_test(test_names_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
