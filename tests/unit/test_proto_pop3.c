// POP3: commands with their replies, mails passed over, secrets, TLS, what is refused.
#include "proto_lines_talk.h"

#define POP3(fields) "pop3 {\"pop3\":{" fields "}}\n"
#define OK(header) "\"response\":{\"success\":true,\"status\":\"OK\",\"header\":\"" header "\"}"
#define ERR(header) "\"response\":{\"status\":\"ERR\",\"header\":\"" header "\"}"
#define GREETING {'s', "+OK POP3 ready\r\n"}
#define GREETED POP3(OK("POP3 ready"))

static struct feed f;

static const struct talk talks[] = {
	{"a log-in and a mail",
	 {GREETING,
	  {'c', "USER one\r\n"},
	  {'s', "+OK\r\n"},
	  {'c', "pass my secret\r\n"},
	  {'s', "-ERR no\r\n"},
	  {'c', "PASS other\r\n"},
	  {'s', "+OK in\r\n"},
	  {'c', "LIST\r\n"},
	  {'s', "+OK 1 message\r\n1 20\r\n.\r\n"},
	  {'c', "RETR 1\r\n"},
	  {'s', "+OK 20 octets\r\nSubject: x\r\n\r\n+OK not a reply\r\n..\r\n.\r\n"},
	  {'c', "TOP 1 0\r\n"},
	  {'s', "-ERR \"no\"\r\n"},
	  {'c', "QUIT\r\n"}},
	 GREETED
	 POP3("\"request\":{\"command\":\"USER\",\"args\":[\"one\"]},\"response\":{\"success\":true,\"status\":\"OK\"},\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"pass\"}," ERR("no") ",\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"PASS\"}," OK("in") ",\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"LIST\"}," OK("1 message") ",\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"RETR\",\"args\":[\"1\"]}," OK("20 octets") ",\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"TOP\",\"args\":[\"1\",\"0\"]}," ERR("\\\"no\\\"") ",\"user\":\"one\"")
	 POP3("\"request\":{\"command\":\"QUIT\"},\"user\":\"one\""), TALK_OPEN, false},
	{"APOP, AUTH and TLS",
	 {{'s', "+OK hello <1896.697170952@example.org>\r\n"},
	  {'c', "APOP two c4c9334bac560ecc979e58001b3e22fb\r\n"},
	  {'s', "-ERR no\r\n"},
	  {'c', "AUTH LOGIN\r\n"},
	  {'s', "+ VXNlcg==\r\n"},
	  {'c', "STAT\r\n"},
	  {'s', "+ UGFzcw==\r\n"},
	  {'c', "c2VjcmV0\r\n"},
	  {'s', "-ERR no\r\n"},
	  {'c', "AUTH PLAIN AHgAc2VjcmV0\r\n"},
	  {'s', "-ERR no\r\n"},
	  {'c', "STLS\r\n"},
	  {'s', "+OK go\r\n"}},
	 POP3(OK("hello \\u003c1896.697170952@example.org>"))
	 POP3("\"request\":{\"command\":\"APOP\",\"args\":[\"two\"]}," ERR("no") ",\"user\":\"two\"")
	 POP3("\"request\":{\"command\":\"AUTH\",\"args\":[\"LOGIN\"]}," ERR("no") ",\"user\":\"two\"")
	 POP3("\"request\":{\"command\":\"AUTH\",\"args\":[\"PLAIN\"]}," ERR("no") ",\"user\":\"two\"")
	 POP3("\"request\":{\"command\":\"STLS\"}," OK("go") ",\"user\":\"two\""), TALK_NEXT, false},
	{"a greeting that tells little, and TLS refused",
	 {{'s', "+OK ready\r\n"}, {'c', "CAPA\r\n"}, {'s', "+OK list\r\nSTLS\r\n.\r\n"}, {'c', "STLS\r\n"}, {'s', "-ERR later\r\n"}},
	 POP3("\"request\":{\"command\":\"CAPA\"}," OK("list")) POP3("\"request\":{\"command\":\"STLS\"}," ERR("later")), TALK_OPEN, false},
	{"commands in one piece",
	 {GREETING, {'c', "STAT\r\nNOOP\r\nDELE 1\r\n"}, {'s', "+OK 1 20\r\n+OK\r\n+OK deleted\r\n"}},
	 GREETED POP3("\"request\":{\"command\":\"STAT\"}") POP3("\"request\":{\"command\":\"NOOP\"}")
	 POP3("\"request\":{\"command\":\"DELE\",\"args\":[\"1\"]}," OK("deleted")), TALK_OPEN, true},
	{"the server alone",
	 {{'s', "+OK hi\r\n"}, {'s', "+OK\r\n"}, {'s', "-ERR no\r\n"}},
	 POP3(OK("hi")) POP3("\"response\":{\"success\":true,\"status\":\"OK\"}") POP3(ERR("no")), TALK_OPEN, false},
	{"hostile text",
	 {GREETING, {'c', "USER \x1b[2J\xff\\n\r\n"}, {'s', "-ERR \x07\r\n"}},
	 GREETED POP3("\"request\":{\"command\":\"USER\",\"args\":[\"\\\\x1b[2J\\\\xff\\\\x5cn\"]}," ERR("\\\\x07")
		      ",\"user\":\"\\\\x1b[2J\\\\xff\\\\x5cn\""), TALK_OPEN, false},
};

static const struct talk_like likes[] = {
	{'s', "+OK\r\n"}, {'s', "+OK\r\n+OK\r\n"}, {'s', "+OK ready\r\n"}, {'s', "-ERR unknown command\r\n-ERR unknown command\r\n"},
	{'s', "+PONG\r\n"}, {'s', "+OKAY POP3\r\n"}, {'s', "+OK POP3 \x01\r\n"}, {'c', "USER a\r\nPASS b\r\n"}, {'c', "CAPA x\r\n"},
	{'c', "CAP LS 302\r\n"}, {'c', "NICK a\r\n"}, {'c', "APOP a b\r\n"}, {'c', "QUIT\r\n"}, {'c', "GET / HTTP/1.1\r\n"},
};

static void conversations(void **state)
{
	(void)state;
	talks_hold(&f, &proto_pop3, talks, sizeof(talks) / sizeof(talks[0]));
}

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_pop3, likes, sizeof(likes) / sizeof(likes[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(conversations), cmocka_unit_test(look_alikes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
