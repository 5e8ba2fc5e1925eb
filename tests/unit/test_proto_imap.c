// IMAP: tagged commands with their results, literals, secrets, TLS, what is refused.
#include "proto_lines_talk.h"

#define IMAP(fields) "imap {\"imap\":{" fields "}}\n"
#define DONE(tag, command) "\"tag\":\"" tag "\",\"command\":\"" command "\""
#define GREETING {'s', "* OK [CAPABILITY IMAP4rev1] ready\r\n"}
#define GREETED IMAP("\"status\":\"OK\",\"reply\":\"[CAPABILITY IMAP4rev1] ready\"")

static struct feed f;

static const struct talk talks[] = {
	{"a log-in and a mail",
	 {GREETING,
	  {'c', "a1 LOGIN \"one\" {6}\r\n"},
	  {'s', "+ go\r\n"},
	  {'c', "secret\r\n"},
	  {'s', "* CAPABILITY IMAP4rev1\r\na1 OK in\r\n"},
	  {'c', "a2 id (\"name\" \"x\")\r\n"},
	  {'s', "* ID (\"name\" \"y\")\r\na2 OK\r\n"},
	  {'c', "a3 SELECT INBOX\r\n"},
	  {'s', "* FLAGS ()\r\n* 1 EXISTS\r\na3 OK done\r\n"},
	  {'c', "a4 UID FETCH 1 BODY[]\r\n"},
	  {'s', "* 1 FETCH (UID 1 BODY[] {17}\r\na4 OK no\r\nx {9}\r\n)\r\na4 OK done\r\n"},
	  {'c', "a5 APPEND \"two words\" () {9+}\r\na6 NOOP\r\n\r\n"},
	  {'s', "a5 NO \"full\"\r\n"},
	  {'c', "a6 IDLE\r\n"},
	  {'s', "+ idling\r\n* 2 EXISTS\r\n"},
	  {'c', "DONE\r\n"},
	  {'s', "a6 OK\r\n"},
	  {'c', "a7 LOGOUT\r\n"},
	  {'s', "* BYE\r\na7 OK bye\r\n"}},
	 GREETED
	 IMAP(DONE("a1", "LOGIN") ",\"user\":\"one\",\"status\":\"OK\",\"reply\":\"in\"")
	 IMAP(DONE("a2", "id") ",\"user\":\"one\",\"client_id\":\"(\\\"name\\\" \\\"x\\\")\",\"server_id\":\"(\\\"name\\\" \\\"y\\\")\",\"status\":\"OK\"")
	 IMAP(DONE("a3", "SELECT") ",\"mailbox\":\"INBOX\",\"user\":\"one\",\"status\":\"OK\",\"reply\":\"done\"")
	 IMAP(DONE("a4", "UID FETCH") ",\"user\":\"one\",\"status\":\"OK\",\"reply\":\"done\"")
	 IMAP(DONE("a5", "APPEND") ",\"mailbox\":\"two words\",\"user\":\"one\",\"status\":\"NO\",\"reply\":\"\\\"full\\\"\"")
	 IMAP(DONE("a6", "IDLE") ",\"user\":\"one\",\"status\":\"OK\"")
	 IMAP(DONE("a7", "LOGOUT") ",\"user\":\"one\",\"status\":\"OK\",\"reply\":\"bye\""), TALK_OVER, false},
	{"secrets and TLS",
	 {GREETING,
	  {'c', "a LOGIN two my secret\r\n"},
	  {'s', "a BAD no\r\n"},
	  {'c', "b AUTHENTICATE PLAIN AHgAc2VjcmV0\r\n"},
	  {'s', "b NO no\r\n"},
	  {'c', "c AUTHENTICATE LOGIN\r\n"},
	  {'s', "+ VXNlcg==\r\n"},
	  {'c', "x SELECT secret\r\n"},
	  {'s', "c NO no\r\n"},
	  {'c', "d STARTTLS\r\n"},
	  {'s', "d NO later\r\n"},
	  {'c', "e STARTTLS\r\n"},
	  {'s', "e OK now\r\n"}},
	 GREETED
	 IMAP(DONE("a", "LOGIN") ",\"user\":\"two\",\"status\":\"BAD\",\"reply\":\"no\"")
	 IMAP(DONE("b", "AUTHENTICATE") ",\"auth_mechanism\":\"PLAIN\",\"user\":\"two\",\"status\":\"NO\",\"reply\":\"no\"")
	 IMAP(DONE("c", "AUTHENTICATE") ",\"auth_mechanism\":\"LOGIN\",\"user\":\"two\",\"status\":\"NO\",\"reply\":\"no\"")
	 IMAP(DONE("d", "STARTTLS") ",\"user\":\"two\",\"status\":\"NO\",\"reply\":\"later\"")
	 IMAP(DONE("e", "STARTTLS") ",\"user\":\"two\",\"status\":\"OK\",\"reply\":\"now\""), TALK_NEXT, false},
	{"commands before replies, and a greeting that tells nothing",
	 {{'s', "* OK ready\r\n"}, {'c', "1 CAPABILITY\r\n2 NOOP\r\n"}, {'s', "1 OK\r\n2 OK\r\n"}},
	 IMAP(DONE("1", "CAPABILITY")) IMAP(DONE("2", "NOOP") ",\"status\":\"OK\""), TALK_OPEN, false},
	{"compression",
	 {GREETING, {'c', "1 COMPRESS DEFLATE\r\n"}, {'s', "1 OK\r\n"}},
	 GREETED IMAP(DONE("1", "COMPRESS") ",\"status\":\"OK\""), TALK_OVER, false},
	{"from the middle",
	 {{'c', "DONE\r\n"}, {'s', "a16 OK IDLE completed.\r\n"}, {'c', "a17 LIST \"\" x\r\n"}, {'s', "a17 OK\r\n"}},
	 IMAP(DONE("a17", "LIST") ",\"status\":\"OK\""), TALK_OPEN, false},
	{"hostile text",
	 {GREETING, {'c', "1 SELECT \x1b[2J\xff\r\n"}, {'s', "1 NO \x07\r\n"}},
	 GREETED IMAP(DONE("1", "SELECT") ",\"mailbox\":\"\\\\x1b[2J\\\\xff\",\"status\":\"NO\",\"reply\":\"\\\\x07\""), TALK_OPEN, false},
};

static const struct talk_like likes[] = {
	{'s', "* OK ready\r\n"}, {'s', "* hello IMAP4\r\n"}, {'s', "*1\r\n$4\r\nPING\r\n"}, {'s', "OK IMAP4\r\n"}, {'s', "* OK IMAP4 \x01\r\n"},
	{'s', "done OK completed\r\n"}, {'s', "1 NO completed\r\n"}, {'s', "-1 OK completed\r\n"}, {'c', "DONE\r\n"},
	{'c', "CAPABILITY\r\n"}, {'c', "a CAPABILITY b\r\n"}, {'c', "a LOGIN\r\n"}, {'c', "a LOGIN b\r\n"}, {'c', "a NOOP\r\n"}, {'c', "(a LOGIN b c\r\n"},
	{'c', "a ID x\r\n"}, {'c', "a UID x\r\n"}, {'c', "GET / HTTP/1.1\r\n"}, {'c', "USER a\r\n"},
};

static void conversations(void **state)
{
	(void)state;
	talks_hold(&f, &proto_imap, talks, sizeof(talks) / sizeof(talks[0]));
}

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_imap, likes, sizeof(likes) / sizeof(likes[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(conversations), cmocka_unit_test(look_alikes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
