// The summary and the line of progress, into memory and into a terminal of our own.
#define _GNU_SOURCE // posix_openpt and its family
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "summary.h"

static void test_units(void **state)
{
	static const struct {
		uint64_t value;
		const char *bytes, *count;
	} cases[] = {
		{0, "0 B", "0"},
		{999, "999 B", "999"},
		{1000, "1.0 kB", "1,000"},
		{999949, "999.9 kB", "999,949"},
		{999950, "1.0 MB", "999,950"},
		{1500000, "1.5 MB", "1,500,000"},
		{UINT64_MAX, "18.4 EB", "18,446,744,073,709,551,615"},
	};
	static const struct {
		double seconds;
		const char *text;
	} times[] = {{0, "0 s"}, {-1, "0 s"}, {0.0034, "3.4 ms"}, {0.9994, "999 ms"}, {0.9996, "1.0 s"}, {12, "12.0 s"},
		     {125, "2 min 05 s"}, {7199.9, "119 min 59 s"}, {7260, "2 h 01 min"}, {86400 * 3, "3.0 days"}};
	char out[SUMMARY_UNIT_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(summary_bytes(cases[i].value, out), cases[i].bytes);
		assert_string_equal(summary_count(cases[i].value, out), cases[i].count);
	}
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(summary_time(times[i].seconds, out), times[i].text);
}

static struct summary example(void)
{
	return (struct summary){
		.source = "office.pcap", .pkts = 1234567, .bytes = 800000000, .flows = 4321, .capture_s = 61, .run_s = 0.5,
		.workers = 2, .protocols = 2, .talkers = 1, .ledgers = 3, .notes = 1,
		.protocol = {{"tls", 300, 1000000, 600000000}, {"dns", 4000, 9000, 900000}},
		.talker = {{"2001:db8:1111:2222:3333:4444:5555:6666", 55555, 400000000}},
		.ledger = {{"received", 1234567, true}, {"malformed (ip length)", 17, false}, {"dropped (ring)", 0, false}},
		.note = {"2 workers share 1 core"}, .output = "out",
	};
}

static void print(const struct summary *summary, char *text, size_t room)
{
	FILE *out = fmemopen(text, room, "w");

	assert_non_null(out);
	summary_print(out, summary);
	fclose(out);
}

static void test_summary(void **state)
{
	static const char *const wanted[] = {
		"1,234,567 packets, 800.0 MB, 4,321 flows over 61.0 s", "in 500 ms by 2 workers: 2.47 Mpps, 12.80 Gbit/s",
		"  tls                                 300        1,000,000     600.0 MB   75.0%\n",
		"  2001:db8:1111:2222:3333:4444:5555:6666            55,555     400.0 MB   50.0%\n",
		"  received                                       1,234,567\n",
		"    malformed (ip length)                               17\n",
		"  residual                                               0  balanced\n", "note: 2 workers share 1 core", "written to out",
	};
	struct summary summary = example();
	char text[8192];

	(void)state;
	print(&summary, text, sizeof(text));
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("\"%s\" is missing in\n%s", wanted[i], text);
	assert_null(strstr(text, "dropped (ring)"));
	assert_null(strstr(text, "damaged"));
	assert_null(strchr(text, '\033'));
}

static void test_summary_bad(void **state)
{
	struct summary summary = example();
	char text[8192];

	(void)state;
	summary.residual = -3;
	summary.damage = "the file ends in the middle of packet 9";
	print(&summary, text, sizeof(text));
	assert_non_null(strstr(text, "-3  the ledger does not balance"));
	assert_non_null(strstr(text, "damaged input: the file ends in the middle of packet 9"));
	assert_null(strstr(text, "balanced"));
}

static void test_summary_empty(void **state)
{
	struct summary summary = {.source = "empty.pcap", .workers = 1};
	char text[8192];

	(void)state;
	print(&summary, text, sizeof(text));
	assert_non_null(strstr(text, "0 packets, 0 B, 0 flows over 0 s"));
	assert_non_null(strstr(text, "by 1 worker\n"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
}

// A terminal: slave to write to, master to see what came.
static FILE *terminal_open(int *master)
{
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0)
		skip();
	return fopen(ptsname(*master), "w");
}

// All that comes until the terminal has been quiet for a moment.
static void terminal_read(int master, char *text, size_t room)
{
	struct pollfd wait = {.fd = master, .events = POLLIN};
	size_t used = 0;
	ssize_t n;

	while (used < room - 1 && poll(&wait, 1, 50) == 1 && (n = read(master, text + used, room - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
}

static void test_colours(void **state)
{
	struct summary summary = example();
	char text[8192];
	int master;
	FILE *out = terminal_open(&master);

	(void)state;
	assert_non_null(out);
	unsetenv("NO_COLOR");
	summary_print(out, &summary);
	terminal_read(master, text, sizeof(text));
	assert_non_null(strstr(text, "\033[32m"));
	setenv("NO_COLOR", "1", 1);
	summary_print(out, &summary);
	terminal_read(master, text, sizeof(text));
	assert_non_null(strstr(text, "balanced"));
	assert_null(strchr(text, '\033'));
	fclose(out);
	close(master);
}

static void test_progress(void **state)
{
	struct summary_progress progress;
	char text[8192];
	unsigned lines = 0;
	int master;
	FILE *out = terminal_open(&master);

	(void)state;
	assert_non_null(out);
	summary_progress_init(&progress, out);
	for (unsigned i = 0; i < 1000; i++)
		summary_progress(&progress, 0.5, 1000 * i, 3.25);
	terminal_read(master, text, sizeof(text));
	assert_non_null(strstr(text, "\r[###############...............]  50%  0 packets  3.25 Mpps"));
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\r';
	assert_in_range(lines, 1, 2); // a thousand calls in far less than a fifth of a second

	progress.next_ns = 0;
	summary_progress(&progress, 7, 1, 0);
	progress.next_ns = 0;
	summary_progress(&progress, -1, 2, 0);
	summary_progress_end(&progress);
	terminal_read(master, text, sizeof(text));
	assert_non_null(strstr(text, "100%"));
	assert_non_null(strstr(text, "\r2 packets"));
	assert_string_equal(text + strlen(text) - 4, "\r\033[K");
	fclose(out);
	close(master);
}

static void test_progress_no_terminal(void **state)
{
	struct summary_progress progress;
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	summary_progress_init(&progress, out);
	summary_progress(&progress, 0.5, 1, 1);
	summary_progress_end(&progress);
	fclose(out);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),	      cmocka_unit_test(test_summary),
		cmocka_unit_test(test_summary_bad),   cmocka_unit_test(test_summary_empty),
		cmocka_unit_test(test_colours),	      cmocka_unit_test(test_progress),
		cmocka_unit_test(test_progress_no_terminal),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
