// IRC: who someone is and where he goes, what is never written, how many events there are, what is refused.
#include "proto_lines_talk.h"

#define TWO "\"nick\":\"one\",\"user\":\"two\","
#define IRC(fields) "irc {\"irc\":{" fields "}}\n"

static struct feed f;

static const struct talk talks[] = {
	{"a log-in",
	 {{'c', "CAP LS 302\r\nPASS secret\r\nNICK one\r\nUSER two 0 * :Real Name\r\n"},
	  {'s', ":irc.example.org NOTICE * :*** Looking up\r\nPING :1\r\n"},
	  {'s', ":irc.example.org 001 one :Welcome to it\r\n:irc.example.org 004 one irc.example.org v1 abc def\r\n"
		":irc.example.org 005 one A=B :x\r\n"},
	  {'c', "JOIN #room,&other secret\r\nPRIVMSG #room :my secret\r\n"},
	  {'s', "@time=1 :three!u@h PRIVMSG #room :\x01""ACTION x\x01\r\n:one!u@h JOIN #room\r\n"},
	  {'c', "OPER one secret\r\nPART #room :so long\r\nQUIT\r\n"}},
	 IRC("\"command\":\"NICK\",\"value\":\"one\"")
	 IRC("\"nick\":\"one\",\"command\":\"USER\",\"value\":\"two\",\"addl\":\"Real Name\"")
	 "irc {\"irc\":{" TWO "\"command\":\"001\",\"value\":\"Welcome to it\",\"server\":\"irc.example.org\"}} name=irc.example.org\n"
	 "irc {\"irc\":{" TWO "\"command\":\"004\",\"value\":\"v1\",\"server\":\"irc.example.org\"}} name=irc.example.org\n"
	 IRC("\"nick\":\"one\",\"user\":\"two\",\"command\":\"JOIN\",\"value\":\"#room,&other\"")
	 IRC("\"nick\":\"one\",\"user\":\"two\",\"command\":\"OPER\",\"value\":\"one\"")
	 IRC("\"nick\":\"one\",\"user\":\"two\",\"command\":\"PART\",\"value\":\"#room\",\"addl\":\"so long\"")
	 IRC("\"nick\":\"one\",\"user\":\"two\",\"command\":\"QUIT\""), TALK_OPEN, false},
	{"TLS", {{'c', "CAP LS\r\nSTARTTLS\r\nNICK a\r\n"}, {'s', ":irc 670 a :go\r\n"}}, IRC("\"command\":\"NICK\",\"value\":\"a\""),
	 TALK_NEXT, false},
	{"from the middle", {{'c', "PRIVMSG #room :hello\r\n"}, {'c', "JOIN #next\r\n"}}, IRC("\"command\":\"JOIN\",\"value\":\"#next\""), TALK_OPEN, false},
	{"too few parameters", {{'c', "NICK a\r\nCAP END\r\nNICK\r\nUSER\r\nJOIN\r\n"}, {'s', "001\r\n:\r\n:a 004\r\n"}},
	 IRC("\"command\":\"NICK\",\"value\":\"a\"") IRC("\"nick\":\"a\",\"command\":\"NICK\"") IRC("\"nick\":\"a\",\"command\":\"USER\"")
	 IRC("\"nick\":\"a\",\"command\":\"JOIN\"") IRC("\"nick\":\"a\",\"command\":\"001\"")
	 IRC("\"nick\":\"a\",\"command\":\"004\",\"server\":\"a\""), TALK_OPEN, false},
	{"hostile text", {{'c', "NICK \xff=cmd\r\nUSER a b c :<script>\r\n"}},
	 IRC("\"command\":\"NICK\",\"value\":\"\\\\xff=cmd\"")
	 IRC("\"nick\":\"\\\\xff=cmd\",\"command\":\"USER\",\"value\":\"a\",\"addl\":\"\\u003cscript>\""), TALK_OPEN, false},
};

static const struct talk_like likes[] = {
	{'c', "NICK a\r\n"}, {'c', "USER a\r\nPASS b\r\n"}, {'c', "USER a b c :d\r\n"}, {'c', "NICK a\r\nNICK b\r\n"}, {'c', "GET / HTTP/1.1\r\n"},
	{'c', "PRIVMSG a :b\r\n"}, {'c', "CAPA\r\n"}, {'c', "NICK \x02\r\nUSER a b c d\r\n"}, {'s', "NOTICE x :y\r\n"}, {'s', ":a b c\r\n"},
	{'s', ":\r\n"}, {'s', "PING :1\r\n"}, {'s', "001 a :b\r\n"}, {'s', ":a 0001 b :c\r\n"}, {'s', "220 FTP\r\n"},
};

static void conversations(void **state)
{
	(void)state;
	talks_hold(&f, &proto_irc, talks, sizeof(talks) / sizeof(talks[0]));
}

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_irc, likes, sizeof(likes) / sizeof(likes[0]));
}

static void many_events(void **state)
{
	(void)state;
	feed_start(&f, &proto_irc, PROTO_TCP, 40000, 6667);
	feed(&f, true, "NICK a\r\nUSER b c d :e\r\n", 23);
	for (unsigned i = 0; i < 1000; i++)
		feed(&f, true, "JOIN #x\r\n", 9);
	feed_end(&f);
	assert_int_equal(f.reported, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(conversations), cmocka_unit_test(look_alikes), cmocka_unit_test(many_events)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
