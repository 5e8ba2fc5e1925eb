// Telnet: what is negotiated, names typed at a prompt, pieces, damage, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define TELNET(fields) "telnet {\"telnet\":{" fields "}}\n"
#define IAC "\xff"
#define WILL IAC "\xfb"
#define DO IAC "\xfd"
#define SB IAC "\xfa"
#define SE IAC "\xf0"

enum { SAYS_MAX = 10 };

static struct feed f;

struct say {
	bool to_server;
	const uint8_t *bytes;
	uint32_t len;
};

static const struct say login[SAYS_MAX] = {
	{false, BYTES(DO "\x18" DO "\x20" DO "\x27")},
	{true, BYTES(WILL "\x18" WILL "\x20" WILL "\x27" WILL "\x1f")},
	{false, BYTES(SB "\x18\1" SE SB "\x20\1" SE WILL "\3" WILL "\1")},
	{true, BYTES(SB "\x18\0xterm" SE SB "\x20\0" "38400,38400" SE SB "\x1f\0\x50\0\x18" SE)},
	{false, BYTES("\r\nWelcome " IAC IAC " \r\nhost login: ")},
	{true, BYTES("rop\x7fot\r\0")},
	{false, BYTES("root\r\nPassword: ")},
	{true, BYTES("secret\r\n")},
	{false, BYTES("\r\nLast login: ")},
	{true, BYTES("also secret\r\n")},
};

static const char login_log[] = TELNET("\"client_options\":[\"terminal_type\",\"terminal_speed\",\"environment\",\"window_size\"],"
				       "\"server_options\":[\"suppress_go_ahead\",\"echo\"],\"terminal_type\":\"xterm\","
				       "\"terminal_speed\":\"38400,38400\",\"columns\":80,\"rows\":24,\"user\":\"root\"");

static void speak(const struct say *says, uint32_t piece, unsigned count)
{
	feed_start(&f, &proto_telnet, PROTO_TCP, 40000, 23);
	for (unsigned i = 0; i < count && says[i].len > 0; i++)
		feed_pieces(&f, says[i].to_server, says[i].bytes, says[i].len, piece);
}

static void log_in(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece < 100; piece = piece * 2 + 1) {
		speak(login, piece, SAYS_MAX);
		feed_end(&f);
		assert_string_equal(f.log, login_log);
	}
}

static void cut(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SAYS_MAX; i++)
		for (uint32_t len = 0; len < login[i].len; len++) {
			speak(login, 65536, i);
			feed(&f, login[i].to_server, login[i].bytes, len);
			feed_end(&f);
			assert_null(strstr(f.log, "secret"));
		}
}

static void environment(void **state)
{
	static const struct say says[] = {
		{true, BYTES(WILL "\x18" WILL "\x27" SB "\x27\0\0TERM\1x\0USER\1someone\3DISPLAY\1y" SE SB "\x1f\0" SE)},
		{false, BYTES(DO "\x18")},
	};

	(void)state;
	speak(says, 65536, 2);
	feed_end(&f);
	assert_string_equal(f.log, TELNET("\"client_options\":[\"terminal_type\",\"environment\"],\"user\":\"someone\""));
}

// Negotiation without end, a subnegotiation without end, more names and more text than anyone reads.
static void endless(void **state)
{
	static uint8_t text[20000];

	(void)state;
	memset(text, 'x', sizeof(text));
	feed_start(&f, &proto_telnet, PROTO_TCP, 40000, 23);
	for (unsigned i = 0; i < 5000; i++)
		feed(&f, true, BYTES(WILL "\x18" WILL "\x1f"));
	feed(&f, true, BYTES(SB "\x18\0"));
	feed(&f, true, text, sizeof(text));
	for (unsigned i = 0; i < 10; i++) {
		feed(&f, false, BYTES("\r\nlogin: "));
		feed(&f, true, text, sizeof(text));
		feed(&f, true, BYTES("\r"));
	}
	assert_int_equal(f.reported, 10);
	for (unsigned i = 0; i < 5; i++)
		feed(&f, false, text, sizeof(text));
	assert_true(f.over);
}

static void look_alikes(void **state)
{
	static const struct say likes[] = {
		{false, BYTES("\xff\xff\xff\xff")}, {false, BYTES(WILL "\x64" WILL "\x64")}, {false, BYTES("\xff\xd8\xff\xe0")},
		{false, BYTES(WILL "\1hello")},     {false, BYTES(WILL "\1")},               {false, BYTES("login: ")},
		{false, BYTES(SB "\x18\1" SE)},     {false, BYTES("\xff\xfb\1\xff\x01\2")},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(likes) / sizeof(likes[0]); i++) {
		speak(likes + i, 65536, 1);
		feed_end(&f);
		assert_false(f.hint.claimed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(log_in), cmocka_unit_test(cut), cmocka_unit_test(environment),
					   cmocka_unit_test(endless), cmocka_unit_test(look_alikes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
