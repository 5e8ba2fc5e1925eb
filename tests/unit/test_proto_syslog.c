// Syslog over TCP: lines and counted messages in whatever pieces, lines that never end, what is no message.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

static struct feed f;

static void start(void)
{
	feed_start(&f, &proto_syslog, PROTO_TCP, 40000, 601);
}

static void say(const char *text, uint32_t piece)
{
	feed_pieces(&f, true, text, (uint32_t)strlen(text), piece);
}

static unsigned times(const char *text)
{
	unsigned n = 0;

	for (const char *at = f.log; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

static const char line[] = "<14>Nov 21 09:44:35 host app: one\n", counted[] = "36 <14>1 2026-11-21T09:44:35Z h app - - ";

static void test_pieces(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece < 80; piece++) {
		start();
		for (unsigned i = 0; i < 3; i++) {
			say(line, piece);
			say(counted, piece);
			say("and more of it\n\n", piece); // behind what was counted: no message
		}
		feed_end(&f);
		assert_int_equal(times("\"message\":\"one\""), 3);
		assert_int_equal(times("\"app_name\":\"app\""), 6);
		assert_int_equal(f.reported, 6);
	}
}

// The last one has no end of line: it is told when the flow ends.
static void test_end(void **state)
{
	(void)state;
	start();
	say(line, 5);
	say("<14>app: la", 100);
	say("st", 1);
	assert_int_equal(f.reported, 1);
	feed_end(&f);
	assert_int_equal(times("\"message\":\"last\""), 1);
	assert_int_equal(f.reported, 2);
}

static void test_long(void **state)
{
	static char text[100001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	start();
	say("<14>app: ", 100);
	for (unsigned i = 0; i < 5; i++)
		say(text, 1460);
	say("\n", 1);
	say(line, 7);
	assert_int_equal(f.reported, 2);
	say("90009 <14>app: ", 100);
	feed_pieces(&f, true, text, 90000, 1460);
	say(line, 7);
	assert_int_equal(f.reported, 4);
	assert_int_equal(times("\"message\":\"one\""), 2);
}

static void test_refused(void **state)
{
	static const char *const others[] = {"<html>\n", "<14", "<14>x", "<200>app: x\n", "12 hello\n", "GET / HTTP/1.1\r\n", "0 <14>app: x\n",
					     "123456 <14>app: x\n", "<14>no tag here\n"};

	(void)state;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		start();
		say(others[i], 100);
		feed_end(&f);
		assert_int_equal(f.reported, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
