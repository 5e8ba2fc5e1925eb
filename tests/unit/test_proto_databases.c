// MySQL, PostgreSQL, Redis, MQTT: transactions in pieces of any size, agreements on TLS, what only looks like them, damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

static struct feed f;

struct said {
	bool to_server;
	const char *bytes;
	uint32_t length;
};

#define C(text) {true, text, sizeof(text) - 1}
#define S(text) {false, text, sizeof(text) - 1}

enum { SAID_MAX = 8 };

struct talk {
	const struct proto_ops *ops;
	struct said said[SAID_MAX];
	const char *log; // NULL: refused
	bool next;
};

#define Z19 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETING "\x4a\0\0\0\x0a" "8.0.36\0" "\7\0\0\0" "abcdefgh\0" \
	"\xff\xf7\x21\2\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0" "ijklmnopqrst\0" "mysql_native_password\0"

static const struct talk talks[] = {
	{&proto_mysql,
	 {S(GREETING), C("\x31\0\0\1\x0d\xa2\x0a\0\0\0\0\1\x21" Z19 "\0\0\0\0bob\0\4wxyzshop\0nat\0\0\0\0"), S("\7\0\0\2\0\0\0\2\0\0\0"),
	  C("\x09\0\0\0\3SELECT 1"), S("\x13\0\0\1\xff\x7a\4#42S02no <table>"), C("\1\0\0\0\1")},
	 "mysql {\"mysql\":{\"version\":\"8.0.36\",\"protocol\":10,\"thread_id\":7,\"user\":\"bob\",\"database\":\"shop\","
	 "\"auth_plugin\":\"mysql_native_password\",\"answered\":true}}\n"
	 "mysql {\"mysql\":{\"command\":\"query\",\"query\":\"SELECT 1\",\"answered\":true,\"error_code\":1146,\"error\":\"no \\u003ctable>\"}}\n", false},
	{&proto_mysql, {S(GREETING), C("\x20\0\0\1\x05\xae\x0a\0\0\0\0\1\x21" Z19 "\0\0\0\0")},
	 "mysql {\"mysql\":{\"version\":\"8.0.36\",\"protocol\":10,\"thread_id\":7,\"tls\":true,\"auth_plugin\":\"mysql_native_password\","
	 "\"answered\":false}}\n", true},
	{&proto_mysql, {S("\x08\0\0\0\x0a" "beta\0ab")}, NULL, false},
	{&proto_mysql, {S("\x08\0\0\1\x0a" "8.0\0abc")}, NULL, false},
	{&proto_mysql, {C("\x09\0\0\0\3sElEcT 1")}, NULL, false},
	{&proto_postgresql,
	 {C("\0\0\0\x1e\0\3\0\0user\0eve\0database\0db\0\0"), S("R\0\0\0\x08\0\0\0\0Z\0\0\0\5I"), C("Q\0\0\0\x0dSELECT 1\0"),
	  S("T\0\0\0\6\0\0D\0\0\0\6\0\0C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I"), C("X\0\0\0\4")},
	 "pgsql {\"pgsql\":{\"request\":{\"user\":\"eve\",\"database\":\"db\",\"protocol_version\":3},\"response\":{\"authentication\":\"ok\"}}}\n"
	 "pgsql {\"pgsql\":{\"request\":{\"simple_query\":\"SELECT 1\"},\"response\":{\"command_completed\":\"SELECT 1\",\"data_rows\":1}}}\n", false},
	{&proto_postgresql, {C("\0\0\0\x08\4\xd2\x16\x2f"), S("S")}, "pgsql {\"pgsql\":{\"response\":{\"ssl_accepted\":true}}}\n", true},
	{&proto_postgresql, {C("\0\0\0\x08\4\xd2\x16\x2f"), S("N"), C("\0\0\0\x12\0\3\0\0user\0eve\0\0"), S("E\0\0\0\x10SFATAL\0Moh\0\0")},
	 "pgsql {\"pgsql\":{\"request\":{\"user\":\"eve\",\"protocol_version\":3},\"response\":{\"severity\":\"FATAL\",\"message\":\"oh\"}}}\n", false},
	{&proto_postgresql, {C("\0\0\0\x12\0\2\0\0user\0eve\0\0")}, NULL, false},
	{&proto_postgresql, {C("\0\0\0\x12\0\3\0\0name\0eve\0\0")}, NULL, false},
	{&proto_postgresql, {S("R\0\0\0\x08\0\0\0\0")}, NULL, false},
	{&proto_redis,
	 {C("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"), S("+OK\r\n"), C("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\r\n\r\n*2\r\n$6\r\nselect\r\n$2\r\n<3\r\n"),
	  S("+OK\r\n-ERR invalid DB index\r\n")},
	 "redis {\"redis\":{\"command\":\"AUTH\",\"commands\":1}}\n"
	 "redis {\"redis\":{\"command\":\"select\",\"argument\":\"\\u003c3\",\"commands\":3}}\n"
	 "redis {\"redis\":{\"error\":\"ERR invalid DB index\",\"commands\":3,\"errors\":1}}\n", false},
	{&proto_redis, {S("-NOAUTH Authentication required.\r\n")},
	 "redis {\"redis\":{\"error\":\"NOAUTH Authentication required.\",\"commands\":0,\"errors\":1}}\n", false},
	{&proto_redis, {C("*1\r\n$4\r\nPI/G\r\n")}, NULL, false},
	{&proto_redis, {C("*1\r\n$4\r\nPINGS\r\n")}, NULL, false},
	{&proto_redis, {C("*9999999999\r\n$4\r\nPING\r\n")}, NULL, false},
	{&proto_redis, {S("-oops no such thing\r\n")}, NULL, false},
	{&proto_mqtt,
	 {C("\x10\x17\0\4MQTT\4\xc2\0\x3c\0\1a\0\3bob\0\3pwd"), S("\x20\2\0\0"), C("\x82\x08\0\1\0\3t/#\1"), S("\x90\3\0\1\1\xc0\0"),
	  C("\x33\x08\0\2t1\0\2<x\xe0\0")},
	 "mqtt {\"mqtt\":{\"connect\":{\"protocol_string\":\"MQTT\",\"protocol_version\":4,\"client_id\":\"a\",\"username\":\"bob\",\"keep_alive\":60,"
	 "\"flags\":{\"username\":true,\"password\":true,\"clean_session\":true}}}}\n"
	 "mqtt {\"mqtt\":{\"connack\":{\"return_code\":0}}}\n"
	 "mqtt {\"mqtt\":{\"subscribe\":{\"topics\":[\"t/#\"]},\"message_id\":1}}\n"
	 "mqtt {\"mqtt\":{\"suback\":{\"reason_code\":1},\"message_id\":1}}\n"
	 "mqtt {\"mqtt\":{\"publish\":{\"qos\":1,\"retain\":true,\"topic\":\"t1\",\"message\":\"\\u003cx\"},\"message_id\":2}}\n"
	 "mqtt {\"mqtt\":{\"disconnect\":{\"reason_code\":0}}}\n", false},
	{&proto_mqtt, {C("\x10\x0c\0\4MQTX\4\2\0\x3c\0\0")}, NULL, false},
	{&proto_mqtt, {C("\x11\x0c\0\4MQTT\4\2\0\x3c\0\0")}, NULL, false},
	{&proto_mqtt, {C("\x10\xff\xff\xff\xff\0\4MQTT")}, NULL, false},
	{&proto_mqtt, {C("\x37\x08\0\2t1\0\2<x")}, NULL, false},
	{&proto_mqtt, {C("\x30\x04\0\2\1\1")}, NULL, false},
};

enum { TALKS = sizeof(talks) / sizeof(talks[0]) };

static void speak(const struct talk *talk, uint32_t piece)
{
	feed_start(&f, talk->ops, PROTO_TCP, 40000, talk->ops->ports[0]);
	for (unsigned i = 0; i < SAID_MAX && talk->said[i].bytes != NULL; i++)
		feed_pieces(&f, talk->said[i].to_server, talk->said[i].bytes, talk->said[i].length, piece);
}

static void whole_and_in_pieces(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TALKS; i++)
		for (uint32_t piece = 1; piece <= 90; piece++) {
			speak(&talks[i], piece);
			if (talks[i].log == NULL) {
				if (!f.refused)
					fail_msg("talk %u in pieces of %u is not refused", i, piece);
				continue;
			}
			feed_end(&f);
			if (strcmp(f.log, talks[i].log) != 0 || f.next != talks[i].next)
				fail_msg("talk %u in pieces of %u:\n%s\nnot\n%s", i, piece, f.log, talks[i].log);
		}
}

// One byte anything, anywhere: nothing breaks (proto_feed.h aborts if a promise is broken).
static void damaged(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (unsigned i = 0; i < TALKS; i++)
		for (unsigned k = 0; k < SAID_MAX && talks[i].said[k].bytes != NULL; k++)
			for (uint32_t at = 0; at < talks[i].said[k].length; at++)
				for (unsigned value = 0; value < 256; value += 15) {
					const struct said *said = &talks[i].said[k];

					memcpy(bytes, said->bytes, said->length);
					bytes[at] = (uint8_t)value;
					feed_start(&f, talks[i].ops, PROTO_TCP, 40000, 9);
					for (unsigned before = 0; before < k; before++)
						feed(&f, talks[i].said[before].to_server, talks[i].said[before].bytes, talks[i].said[before].length);
					feed(&f, said->to_server, bytes, at + 1);
					feed(&f, said->to_server, bytes + at + 1, said->length - at - 1);
					feed_end(&f);
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whole_and_in_pieces), cmocka_unit_test(damaged)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
