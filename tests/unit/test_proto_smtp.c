// SMTP: mails and what is said around them, secrets, TLS, what is refused.
#include "proto_lines_talk.h"

#define SMTP(fields) "smtp {\"smtp\":{" fields "}}\n"
#define READY {'s', "220 mx.example.org ESMTP\r\n"}
#define BANNER "\"banner\":\"mx.example.org ESMTP\""

static struct feed f;

static const struct talk talks[] = {
	{"two mails",
	 {READY,
	  {'c', "EHLO a.example.net\r\n"},
	  {'s', "250-mx.example.org\r\n250-SIZE 1\r\n250 HELP\r\n"},
	  {'c', "MAIL FROM:<one@example.net> SIZE=5\r\n"},
	  {'s', "250 ok\r\n"},
	  {'c', "RCPT TO:<a@example.org>\r\n"},
	  {'s', "250 ok\r\n"},
	  {'c', "rcpt to: <\"x,y\"@example.org> NOTIFY=NEVER\r\n"},
	  {'s', "550 no\r\n"},
	  {'c', "DATA\r\n"},
	  {'s', "354 go\r\n"},
	  {'c', "From: One <one@example.net>\r\nSUBJECT:  two words \r\nTo: a@example.org, \"B, c\" <b@example.org>,\r\nMessage-ID: <1@x>\r\nX: y\r\n\r\n"
		"Subject: no\r\n..\r\nQUIT\r\n.\r\n"},
	  {'s', "250 2.0.0 queued\r\n"},
	  {'c', "MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"},
	  {'s', "250 ok\r\n250 ok\r\n354 go\r\n"},
	  {'c', "\r\n.\r\nQUIT\r\n"},
	  {'s', "250 queued\r\n221 bye\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a.example.net\",\"mail_from\":\"\\u003cone@example.net>\","
	 "\"rcpt_to\":[\"\\u003ca@example.org>\",\"\\u003c\\\"x,y\\\"@example.org>\"],\"rcpt_count\":2,"
	 "\"commands\":[\"EHLO\",\"MAIL\",\"RCPT\",\"rcpt\",\"DATA\"],"
	 BANNER ",\"last_reply\":\"250 2.0.0 queued\"},"
	 "\"email\":{\"from\":\"One \\u003cone@example.net>\",\"to\":[\"a@example.org\",\"\\\"B, c\\\" \\u003cb@example.org>\"],"
	 "\"subject\":\"two words\",\"message_id\":\"\\u003c1@x>\"}} name=mx.example.org\n"
	 SMTP("\"helo\":\"a.example.net\",\"mail_from\":\"\\u003c>\",\"rcpt_to\":[\"\\u003cb@example.org>\"],\"rcpt_count\":1,"
	      "\"commands\":[\"MAIL\",\"RCPT\",\"DATA\",\"QUIT\"],\"last_reply\":\"221 bye\""), TALK_OVER, false},
	{"a log-in, and DATA refused",
	 {READY,
	  {'c', "HELO a\r\n"},
	  {'s', "250 hi\r\n"},
	  {'c', "AUTH LOGIN\r\n"},
	  {'s', "334 VXNlcm5hbWU6\r\n"},
	  {'c', "c2VjcmV0\r\n"},
	  {'s', "334 UGFzc3dvcmQ6\r\n"},
	  {'c', "TWFpbCBzZWNyZXQ=\r\n"},
	  {'s', "235 in\r\n"},
	  {'c', "DATA\r\n"},
	  {'s', "503 no\r\n"},
	  {'c', "VRFY root\r\nRSET\r\n"},
	  {'s', "252 maybe\r\n250 ok\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a\",\"commands\":[\"HELO\",\"AUTH\",\"DATA\",\"VRFY\",\"RSET\"]," BANNER
	 ",\"last_reply\":\"250 ok\",\"auth_mechanism\":\"LOGIN\"}} name=mx.example.org\n", TALK_OPEN, false},
	{"a secret beside its mechanism",
	 {READY, {'c', "AUTH PLAIN AHNlY3JldAByZWFsbHk=\r\n"}, {'s', "535 no\r\n"}, {'c', "AUTH CRAM-MD5\r\n"}},
	 "smtp {\"smtp\":{\"commands\":[\"AUTH\"]," BANNER ",\"last_reply\":\"535 no\",\"auth_mechanism\":\"PLAIN\"}} name=mx.example.org\n",
	 TALK_OPEN, false},
	{"TLS",
	 {{'s', "220-mx ESMTP\r\n220 second\r\n"}, {'c', "EHLO [192.0.2.1]\r\n"}, {'s', "250-mx\r\n250 STARTTLS\r\n"}, {'c', "STARTTLS\r\n"},
	  {'s', "220 go\r\n"}},
	 SMTP("\"helo\":\"[192.0.2.1]\",\"commands\":[\"EHLO\",\"STARTTLS\"],\"banner\":\"mx ESMTP\",\"last_reply\":\"220 go\""), TALK_NEXT,
	 false},
	{"TLS refused",
	 {{'c', "EHLO a\r\n"}, {'s', "250 STARTTLS\r\n"}, {'c', "STARTTLS\r\n"}, {'s', "454 not now\r\n"}, {'c', "NOOP\r\n"}, {'s', "220 odd\r\n"}},
	 SMTP("\"helo\":\"a\",\"commands\":[\"EHLO\",\"STARTTLS\",\"NOOP\"],\"banner\":\"odd\",\"last_reply\":\"220 odd\""), TALK_OPEN, false},
	{"a banner that hides",
	 {{'s', "220 **.*** ESMTP\r\n"}, {'c', "NOOP\r\n"}},
	 SMTP("\"commands\":[\"NOOP\"],\"banner\":\"**.*** ESMTP\",\"last_reply\":\"220 **.*** ESMTP\""), TALK_OPEN, false},
	{"chunks",
	 {READY, {'c', "LHLO a\r\n"}, {'c', "BDAT 12\r\nMAIL QUIT\r\n\r\nBDAT 6 LAST\r\nRSET\r\nNOOP\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a\",\"commands\":[\"LHLO\",\"BDAT\",\"NOOP\"]," BANNER ",\"last_reply\":\"220 mx.example.org ESMTP\"}}"
	 " name=mx.example.org\n", TALK_OPEN, true},
	{"a banner that tells nothing",
	 {{'s', "220 mx.example.org ready\r\n"}, {'c', "ehlo a\r\n"}, {'s', "250 ok\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a\",\"commands\":[\"ehlo\"],\"banner\":\"mx.example.org ready\",\"last_reply\":\"250 ok\"}}"
	 " name=mx.example.org\n", TALK_OPEN, false},
	{"the client alone",
	 {{'c', "EHLO a\r\nMAIL FROM:a@b\r\n"}, {'c', "RCPT TO:<c@d>\r\n"}, {'c', "DATA\r\n"}, {'c', "Subject: s\r\n"}, {'c', "\r\nx\r\n.\r\n"},
	  {'c', "QUIT\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a\",\"mail_from\":\"a@b\",\"rcpt_to\":[\"\\u003cc@d>\"],\"rcpt_count\":1,"
	 "\"commands\":[\"EHLO\",\"MAIL\",\"RCPT\",\"DATA\",\"QUIT\"]},\"email\":{\"subject\":\"s\"}}\n", TALK_OPEN, false},
	{"the server alone, from the middle",
	 {{'s', "354 End data with <CR><LF>.<CR><LF>\r\n"}, {'s', "250 ok\r\n"}},
	 SMTP("\"last_reply\":\"250 ok\""), TALK_OPEN, false},
	{"hostile text",
	 {READY, {'c', "EHLO a\r\n"}, {'c', "MAIL FROM:<\x1b]0;x\x07\xff=cmd|>\r\n"}},
	 "smtp {\"smtp\":{\"helo\":\"a\",\"mail_from\":\"\\u003c\\\\x1b]0;x\\\\x07\\\\xff=cmd|>\",\"commands\":[\"EHLO\",\"MAIL\"]," BANNER
	 ",\"last_reply\":\"220 mx.example.org ESMTP\"}} name=mx.example.org\n", TALK_OPEN, false},
};

static const struct talk_like likes[] = {
	{'s', "220 FTP server\r\n"}, {'s', "220 ready\r\n"}, {'s', "250 ok\r\n"}, {'s', "2 20 SMTP\r\n"}, {'s', "220x SMTP\r\n"},
	{'s', "SMTP\r\n"}, {'c', "EHLO\r\n"}, {'c', "EHLO a b\r\n"}, {'c', "EHLO a;b\r\n"}, {'c', "MAIL a\r\n"}, {'c', "MAIL FROM a\r\n"},
	{'c', "QUIT\r\n"}, {'c', "USER a\r\n"}, {'c', "EHLO \x01\r\n"}, {'c', "GET / HTTP/1.1\r\n"},
};

static void conversations(void **state)
{
	(void)state;
	talks_hold(&f, &proto_smtp, talks, sizeof(talks) / sizeof(talks[0]));
}

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_smtp, likes, sizeof(likes) / sizeof(likes[0]));
}

// More recipients, and more and longer lines of text, than anything has room for.
static void endless(void **state)
{
	static char line[9000];

	(void)state;
	memset(line, 'x', sizeof(line));
	feed_start(&f, &proto_smtp, PROTO_TCP, 40000, 25);
	feed(&f, true, "EHLO a\r\nMAIL FROM:<a@b>\r\n", 25);
	for (unsigned i = 0; i < 10000; i++)
		feed(&f, true, "RCPT TO:<c@d>\r\n", 15);
	feed(&f, true, "DATA\r\n", 6);
	for (unsigned i = 0; i < 1000; i++)
		feed(&f, true, line, sizeof(line));
	feed(&f, true, "\r\n.\r\nNOOP\r\n", 11);
	feed_end(&f);
	assert_int_equal(f.reported, 1);
	assert_non_null(strstr(f.log, "\"rcpt_count\":10000,\"commands\":[\"EHLO\",\"MAIL\",\"RCPT\",\"DATA\",\"NOOP\"]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(conversations), cmocka_unit_test(look_alikes), cmocka_unit_test(endless)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
