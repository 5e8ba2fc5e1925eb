// FTP: commands with their replies, where data goes, what is never written, what is refused.
#include "proto_lines_talk.h"

#define FTP(fields) "ftp {\"ftp\":{" fields "}}\n"
#define GREETING {'s', "220 FTP server ready.\r\n"}
#define GREETED FTP("\"completion_code\":[\"220\"],\"reply\":[\"FTP server ready.\"],\"reply_received\":\"yes\"")

static struct feed f;

static const struct talk talks[] = {
	{"a log-in",
	 {{'s', "220-Welcome, stranger\r\n 221 not the end\r\n220 FTP server ready.\r\n"},
	  {'c', "user anonymous\r\n"},
	  {'s', "331 Guest login ok, \"send\" password.\r\n"},
	  {'c', "PASS secret\r\n"},
	  {'s', "230 In.\r\n"},
	  {'c', "SYST\r\n"}},
	 FTP("\"completion_code\":[\"220\"],\"reply\":[\"Welcome, stranger\",\"221 not the end\",\"FTP server ready.\"],\"reply_received\":\"yes\"")
	 FTP("\"command\":\"user\",\"command_data\":\"anonymous\",\"completion_code\":[\"331\"],"
	     "\"reply\":[\"Guest login ok, \\\"send\\\" password.\"],\"reply_received\":\"yes\",\"user\":\"anonymous\"")
	 FTP("\"command\":\"PASS\",\"completion_code\":[\"230\"],\"reply\":[\"In.\"],\"reply_received\":\"yes\",\"user\":\"anonymous\"")
	 FTP("\"command\":\"SYST\",\"reply_received\":\"no\",\"user\":\"anonymous\""), TALK_OPEN, false},
	{"data connections",
	 {GREETING,
	  {'c', "PASV\r\n"},
	  {'s', "227 Entering Passive Mode (192,0,2,1,4,1).\r\n"},
	  {'c', "RETR a file\r\n"},
	  {'s', "150 Opening\r\n"},
	  {'s', "226 Done\r\n"},
	  {'c', "EPSV\r\n"},
	  {'s', "229 Entering Extended Passive Mode (|||40001|)\r\n"},
	  {'c', "PORT 192,0,2,7,255,255\r\n"},
	  {'s', "200 Ok\r\n"},
	  {'c', "EPRT |2|2001:db8::7|1025|\r\n"},
	  {'s', "200 Ok\r\n"}},
	 GREETED
	 FTP("\"command\":\"PASV\",\"completion_code\":[\"227\"],\"reply\":[\"Entering Passive Mode (192,0,2,1,4,1).\"],"
	     "\"reply_received\":\"yes\",\"mode\":\"passive\",\"dynamic_port\":1025,\"dynamic_address\":\"192.0.2.1\"")
	 FTP("\"command\":\"RETR\",\"command_data\":\"a file\",\"completion_code\":[\"150\",\"226\"],\"reply\":[\"Opening\",\"Done\"],"
	     "\"reply_received\":\"yes\"")
	 FTP("\"command\":\"EPSV\",\"completion_code\":[\"229\"],\"reply\":[\"Entering Extended Passive Mode (|||40001|)\"],"
	     "\"reply_received\":\"yes\",\"mode\":\"passive\",\"dynamic_port\":40001")
	 FTP("\"command\":\"PORT\",\"command_data\":\"192,0,2,7,255,255\",\"completion_code\":[\"200\"],\"reply\":[\"Ok\"],"
	     "\"reply_received\":\"yes\",\"mode\":\"active\",\"dynamic_port\":65535,\"dynamic_address\":\"192.0.2.7\"")
	 FTP("\"command\":\"EPRT\",\"command_data\":\"|2|2001:db8::7|1025|\",\"completion_code\":[\"200\"],\"reply\":[\"Ok\"],"
	     "\"reply_received\":\"yes\",\"mode\":\"active\",\"dynamic_port\":1025,\"dynamic_address\":\"2001:db8::7\""), TALK_OPEN, false},
	{"targets that are none",
	 {GREETING, {'c', "PORT 192,0,2,256,1,1\r\n"}, {'s', "500 No\r\n"}, {'c', "PASV\r\n"}, {'s', "227 (1,2,3,4,0,0)\r\n"},
	  {'c', "EPSV\r\n"}, {'s', "229 (|||70000|)\r\n"}},
	 GREETED
	 FTP("\"command\":\"PORT\",\"command_data\":\"192,0,2,256,1,1\",\"completion_code\":[\"500\"],\"reply\":[\"No\"],\"reply_received\":\"yes\"")
	 FTP("\"command\":\"PASV\",\"completion_code\":[\"227\"],\"reply\":[\"(1,2,3,4,0,0)\"],\"reply_received\":\"yes\"")
	 FTP("\"command\":\"EPSV\",\"completion_code\":[\"229\"],\"reply\":[\"(|||70000|)\"],\"reply_received\":\"yes\""), TALK_OPEN, false},
	{"TLS",
	 {{'s', "220 ready\r\n"}, {'c', "AUTH TLS\r\n"}, {'s', "234 Proceed\r\n"}, {'c', "\x16\x03\x01"}},
	 FTP("\"command\":\"AUTH\",\"command_data\":\"TLS\",\"completion_code\":[\"234\"],\"reply\":[\"Proceed\"],\"reply_received\":\"yes\""),
	 TALK_NEXT, false},
	{"commands in one piece, and a reply lost before more",
	 {GREETING,
	  {'c', "SYST\r\nFEAT\r\nPWD\r\n"},
	  {'s', "215 UNIX\r\n211-Has\r\n UTF8\r\n211 End\r\n257 \"/\"\r\n"},
	  {'c', "NOOP\r\n"},
	  {'c', "\xff\xf4\xff\xf2""ABOR\r\n"},
	  {'s', "226 Aborted\r\n"}},
	 GREETED
	 FTP("\"command\":\"SYST\",\"reply_received\":\"no\"")
	 FTP("\"command\":\"FEAT\",\"reply_received\":\"no\"")
	 FTP("\"command\":\"PWD\",\"completion_code\":[\"257\"],\"reply\":[\"\\\"/\\\"\"],\"reply_received\":\"yes\"")
	 FTP("\"command\":\"NOOP\",\"reply_received\":\"no\"")
	 FTP("\"command\":\"ABOR\",\"completion_code\":[\"226\"],\"reply\":[\"Aborted\"],\"reply_received\":\"yes\""), TALK_OPEN, true},
	{"hostile text",
	 {GREETING, {'c', "STOR \x1b[2J\xff\\n,\"\r\n"}, {'s', "550-\\n\x07\r\n\r\nx,y\r\n550 no\r\n"}},
	 GREETED
	 FTP("\"command\":\"STOR\",\"command_data\":\"\\\\x1b[2J\\\\xff\\\\x5cn,\\\"\",\"completion_code\":[\"550\"],"
	     "\"reply\":[\"\\\\x5cn\\\\x07\",\"x,y\",\"no\"],\"reply_received\":\"yes\""), TALK_OPEN, false},
	{"from its middle, the server alone",
	 {{'s', "227 Entering Passive Mode (192,0,2,1,4,1)\r\n"}, {'s', "150 Here\r\n"}},
	 FTP("\"completion_code\":[\"227\"],\"reply\":[\"Entering Passive Mode (192,0,2,1,4,1)\"],\"reply_received\":\"yes\","
	     "\"mode\":\"passive\",\"dynamic_port\":1025,\"dynamic_address\":\"192.0.2.1\"")
	 FTP("\"completion_code\":[\"150\"],\"reply\":[\"Here\"],\"reply_received\":\"yes\""), TALK_OPEN, false},
	{"the client alone",
	 {{'c', "USER a\r\n"}, {'c', "PASS b\r\n"}, {'c', "TYPE I\r\n"}},
	 FTP("\"command\":\"USER\",\"command_data\":\"a\",\"reply_received\":\"no\",\"user\":\"a\"")
	 FTP("\"command\":\"PASS\",\"reply_received\":\"no\",\"user\":\"a\"")
	 FTP("\"command\":\"TYPE\",\"command_data\":\"I\",\"reply_received\":\"no\",\"user\":\"a\""), TALK_OPEN, false},
};

static const struct talk_like likes[] = {
	{'s', "220 mail.example.org ESMTP ready\r\n"},
	{'s', "220 mail.example.org SMTP and FTP\r\n"},
	{'s', "220 ready\r\n"},
	{'s', "200 news ready\r\n"},
	{'s', "FTP 220 ready\r\n"},
	{'s', "2200 FTP\r\n"},
	{'c', "USER a\r\nPASS b\r\nQUIT\r\n"},
	{'c', "USER a 0 * :b\r\n"},
	{'c', "GET / HTTP/1.0\r\n"},
	{'c', "AUTH LOGIN\r\n"},
	{'c', "EHLO a\r\n"},
	{'c', "PASVX\r\n"},
	{'c', "TYPE X\r\n"},
	{'c', "PORT 1,2,3,4,5\r\n"},
	{'c', "CWD /\x01\r\n"},
};

static void conversations(void **state)
{
	(void)state;
	talks_hold(&f, &proto_ftp, talks, sizeof(talks) / sizeof(talks[0]));
}

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_ftp, likes, sizeof(likes) / sizeof(likes[0]));
}

// A line of 100 KB, as a command and as a reply: the next ones are read.
static void endless_lines(void **state)
{
	static char line[100000];

	(void)state;
	memset(line, 'x', sizeof(line));
	feed_start(&f, &proto_ftp, PROTO_TCP, 40000, 21);
	feed(&f, false, "220 FTP\r\n", 9);
	feed(&f, true, "STOR ", 5);
	for (unsigned at = 0; at < sizeof(line); at += 1000)
		feed(&f, true, line + at, 1000);
	feed(&f, true, "\r\n", 2);
	feed(&f, false, "550 ", 4);
	feed(&f, false, line, sizeof(line));
	feed(&f, false, "\r\n", 2);
	feed(&f, true, "QUIT\r\n", 6);
	feed(&f, false, "221 Bye\r\n", 9);
	feed_end(&f);
	assert_int_equal(f.reported, 3);
	assert_non_null(strstr(f.log, "\"command\":\"QUIT\",\"completion_code\":[\"221\"],\"reply\":[\"Bye\"]"));
}

// A reply of more lines than there is room for.
static void endless_reply(void **state)
{
	(void)state;
	feed_start(&f, &proto_ftp, PROTO_TCP, 40000, 21);
	feed(&f, false, "220-FTP\r\n", 9);
	for (unsigned i = 0; i < 10000; i++)
		feed(&f, false, "line\r\n", 6);
	assert_int_equal(f.reported, 0);
	assert_true(f.l7.text_cut);
	feed(&f, false, "220 end\r\n", 9);
	assert_int_equal(f.reported, 1);
	feed_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(conversations), cmocka_unit_test(look_alikes), cmocka_unit_test(endless_lines),
					   cmocka_unit_test(endless_reply)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
