// MySQL, MQTT, Redis and PostgreSQL: transactions, pieces of any size, what only looks like them, damage.
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

// Version 8.0.36; 4.1, secure connection, plugins; a salt of twenty bytes.
#define GREETING "\x4a\0\0\0\x0a" "8.0.36\0" "\5\0\0\0" "saltsalt" "\0" "\xff\xf7\xff\2\0\xff\xdf\x15" "\0\0\0\0\0\0\0\0\0\0" "saltsaltsalt\0" \
	"caching_sha2_password\0"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LOGIN "\x48\0\0\1" "\x08\x82\x08\0" "\0\0\0\1" "\x21" ZEROS "clerk\0" "\4hash" "shop\0" "caching_sha2_password\0" "\0\0"
#define LOGIN_OK "\7\0\0\2\0\0\0\2\0\0\0"

static const struct talk mysql[] = {
	{&proto_mysql, {S(GREETING), C(LOGIN), S(LOGIN_OK), C("\x09\0\0\0\3SELECT 1"),
			S("\1\0\0\1\1" "\3\0\0\2def" "\5\0\0\3\xfe\0\0\2\0" "\2\0\0\4\0011" "\5\0\0\5\xfe\0\0\2\0"),
			C("\1\0\0\0\1")},
	 "mysql {\"mysql\":{\"version\":\"8.0.36\",\"connection_id\":5,\"user\":\"clerk\",\"database\":\"shop\",\"auth_plugin\":\"caching_sha2_password\","
	 "\"success\":true}}\nmysql {\"mysql\":{\"command\":\"query\",\"query\":\"SELECT 1\",\"success\":true,\"rows\":1}}\n", false},
	{&proto_mysql, {S(GREETING), C("\x20\0\0\1\x05\xae\x08\0\0\0\0\1\x21" ZEROS), S("\x16\3\1")},
	 "mysql {\"mysql\":{\"version\":\"8.0.36\",\"tls\":true,\"connection_id\":5,\"auth_plugin\":\"caching_sha2_password\"}}\n", true},
	{&proto_mysql, {S("\x18\0\0\0\xff\x6a\4Host is not allowed!!")},
	 "mysql {\"mysql\":{\"error_code\":1130,\"error\":\"Host is not allowed!!\"}}\n", false},
	{&proto_mysql, {C("\x30\0\0\0\3CREATE USER a IDENTIFIED BY 'secret word of his'"),
			S("\x0d\0\0\1\xff\x10\4#42000" "four")},
	 "mysql {\"mysql\":{\"command\":\"query\",\"query\":\"CREATE USER a IDENTIFIED\","
	 "\"error_code\":1040,\"sqlstate\":\"42000\",\"error\":\"four\"}}\n", false},
	{&proto_mysql, {C("\x09\0\0\0\3SELECT 1"), C("\x05\0\0\0\2shop")},
	 "mysql {\"mysql\":{\"command\":\"query\",\"query\":\"SELECT 1\"}}\nmysql {\"mysql\":{\"database\":\"shop\",\"command\":\"init_db\"}}\n", false},
	{&proto_mysql, {S("\x0d\0\0\0\x0a" "nonsense\0\1\2\3")}, NULL, false},
	{&proto_mysql, {S("\x0b\0\0\1\x0a" "8.0.36\0" "\5\0\0")}, NULL, false},
	{&proto_mysql, {C("\x09\0\0\0\3SALUTE 1")}, NULL, false},
	{&proto_mysql, {C("\x20\0\0\1\x05\xae\x08\0\0\0\0\1\x21" "\1" ZEROS)}, NULL, false},
	{&proto_mysql, {C("\x04\0\0\1" "abcd")}, NULL, false},
};

#define CONNECT "\x10\x22\0\4MQTT\4\xc2\0\x3c\0\3abc\0\4user\0\x0bsecret word"

static const struct talk mqtt[] = {
	{&proto_mqtt, {C(CONNECT), S("\x20\2\0\0"), C("\x82\x0e\0\1\0\3a,b\1\0\3c/#\2" "\x30\7\0\3t/vhi" "\x30\7\0\3t/vho"), S("\x90\4\0\1\1\2"), C("\xe0\0")},
	 "mqtt {\"mqtt\":{\"connect\":{\"protocol_string\":\"MQTT\",\"protocol_version\":4,\"client_id\":\"abc\",\"username\":\"user\",\"keepalive\":60,"
	 "\"flags\":{\"username\":true,\"password\":true,\"clean_session\":true}},\"connack\":{\"return_code\":0}}}\n"
	 "mqtt {\"mqtt\":{\"subscribe\":{\"message_id\":1,\"topics\":[\"a,b\",\"c/#\"],\"qos\":[1,2]}}}\n"
	 "mqtt {\"mqtt\":{\"publish\":{\"topic\":\"t/v\",\"qos\":0,\"message\":\"hi\",\"message_length\":2}}}\n", false},
	{&proto_mqtt, {C("\x10\x15\0\4MQTT\5\2\0\0\5\x15\0\2me\0\3abc"), C("\x32\x08\0\1t\0\7\0hi"),
		       S("\x20\x0c\0\x87\x09\x12\0\1x\x1f\0\2no"), S("\xe0\1\x87")},
	 "mqtt {\"mqtt\":{\"connect\":{\"protocol_string\":\"MQTT\",\"protocol_version\":5,\"client_id\":\"abc\",\"auth_method\":\"me\","
	 "\"flags\":{\"clean_session\":true}}}}\n"
	 "mqtt {\"mqtt\":{\"publish\":{\"topic\":\"t\",\"qos\":1,\"message_id\":7,\"message\":\"hi\",\"message_length\":2}}}\n"
	 "mqtt {\"mqtt\":{\"connack\":{\"return_code\":135,\"assigned_client_id\":\"x\",\"reason\":\"no\"}}}\n"
	 "mqtt {\"mqtt\":{\"disconnect\":{\"reason_code\":135}}}\n", false},
	{&proto_mqtt, {C("\x82\x08\0\1\0\3a/b\0")}, "mqtt {\"mqtt\":{\"subscribe\":{\"message_id\":1,\"topics\":[\"a/b\"],\"qos\":[0]}}}\n", false},
	{&proto_mqtt, {S("\x31\7\0\3t/vhi")},
	 "mqtt {\"mqtt\":{\"publish\":{\"topic\":\"t/v\",\"qos\":0,\"retain\":true,\"to_client\":true,\"message\":\"hi\",\"message_length\":2}}}\n", false},
	{&proto_mqtt, {C("\xc0\0"), S("\xd0\0")}, "", false},
	{&proto_mqtt, {C("\x10\x0c\0\4MQTT\6\2\0\x3c\0\0")}, NULL, false}, // version 6
	{&proto_mqtt, {C("\x10\x0c\0\4MQTU\4\2\0\x3c\0\0")}, NULL, false},
	{&proto_mqtt, {C("\x10\x0c\0\4MQTT\4\3\0\x3c\0\0")}, NULL, false}, // a flag that is reserved
	{&proto_mqtt, {C("\x82\x08\0\1\0\3a/b\3")}, NULL, false},
	{&proto_mqtt, {C("\x36\7\0\3t/vhi")}, NULL, false},
	{&proto_mqtt, {C("\x30\7\0\3tavhi")}, NULL, false},
	{&proto_mqtt, {C("\x30\xff\xff\xff\xff\1")}, NULL, false},
};

#define R(count, text) "*" count "\r\n" text
#define A(length, text) "$" length "\r\n" text "\r\n"

static const struct talk redis[] = {
	{&proto_redis, {C(R("3", A("4", "AUTH") A("5", "clerk") A("4", "word"))), S("+OK\r\n"), C(R("3", A("3", "SET") A("1", "k") A("5", "value"))),
			S("+OK\r\n"), C(R("2", A("3", "GET") A("1", "k")) "LPUSH l 1 2\r\n"), S(A("5", "value") "-WRONGTYPE no list\r\n")},
	 "redis {\"redis\":{\"command\":\"AUTH\",\"user\":\"clerk\",\"success\":true,\"commands\":1}}\n"
	 "redis {\"redis\":{\"command\":\"LPUSH\",\"key\":\"l\",\"error\":\"WRONGTYPE no list\",\"commands\":4,\"reads\":1,\"writes\":2,"
	 "\"errors\":1}}\n", false},
	{&proto_redis, {C(R("7", A("5", "HELLO") A("1", "3") A("4", "AUTH") A("1", "u") A("1", "p") A("7", "SETNAME") A("1", "n"))),
			S("%1\r\n" A("5", "proto") ":3\r\n"), C(R("3", A("9", "SUBSCRIBE") A("3", "a,b") A("1", "c"))),
			S(">3\r\n+subscribe\r\n+a,b\r\n:1\r\n")},
	 "redis {\"redis\":{\"command\":\"HELLO\",\"user\":\"u\",\"client_name\":\"n\",\"protocol\":3,\"success\":true,\"commands\":1}}\n"
	 "redis {\"redis\":{\"command\":\"SUBSCRIBE\",\"channels\":[\"a,b\",\"c\"],\"commands\":2}}\n", false},
	{&proto_redis, {C(R("10", A("4", "MSET") A("1", "a") A("1", "1") A("1", "b") A("1", "2") A("1", "c") A("1", "3") A("1", "d") A("0", "") A("1", "e"))
			  R("2", A("6", "SELECT") A("1", "3")))},
	 "redis {\"redis\":{\"command\":\"SELECT\",\"database\":\"3\",\"commands\":2,\"writes\":1}}\n", false},
	{&proto_redis, {C("PING\r\n"), S("+PONG\r\n"), C("CONFIG SET requirepass word\n"), S("+OK\r\n")},
	 "redis {\"redis\":{\"command\":\"CONFIG SET\",\"key\":\"requirepass\",\"success\":true,\"commands\":2}}\n", false},
	{&proto_redis, {S("-NOAUTH Authentication required.\r\n")},
	 "redis {\"redis\":{\"error\":\"NOAUTH Authentication required.\",\"errors\":1}}\n", false},
	{&proto_redis, {C("*3\r\n$3\r\nSE\r\nX")}, NULL, false},
	{&proto_redis, {C("*0\r\n")}, NULL, false},
	{&proto_redis, {C("*1\r\n$4\r\nPI G\r\n")}, NULL, false},
	{&proto_redis, {C("*x\r\n")}, NULL, false},
	{&proto_redis, {C("*1\n")}, NULL, false},
	{&proto_redis, {C("EHLO example.org\r\n")}, NULL, false},
	{&proto_redis, {C("GET / HTTP/1.1\n")}, NULL, false},
	{&proto_redis, {S("+OK POP3 ready\r\n")}, NULL, false},
	{&proto_redis, {S("-ERR no such user\r\n")}, NULL, false},
};

#define READY "Z\0\0\0\5I"

static const struct talk postgresql[] = {
	{&proto_postgresql, {C("\0\0\0\x08\4\xd2\x16\x2f"), S("N"), C("\0\0\0\x26\0\3\0\0user\0clerk\0database\0shop\0a\0b\0\0" "p\0\0\0\x08word"),
			     S("R\0\0\0\x0c\0\0\0\5salt" "R\0\0\0\x08\0\0\0\0" "S\0\0\0\x16server_version\0" "15\0" "K\0\0\0\x0c" "12345678" READY),
			     C("Q\0\0\0\x0dSELECT 1\0"), S("T\0\0\0\6\0\0" "D\0\0\0\6\0\0" "D\0\0\0\6\0\0" "C\0\0\0\x0dSELECT 2\0" READY),
			     C("Q\0\0\0\x0dSELECT x\0"), S("E\0\0\0\x19SERROR\0C42703\0Mno x\0\0" READY)},
	 "pgsql {\"pgsql\":{\"request\":{\"protocol_version\":\"3.0\",\"startup_parameters\":{\"user\":\"clerk\",\"database\":\"shop\"}},"
	 "\"response\":{\"authentication\":\"md5_password\",\"authenticated\":true,\"server_version\":\"15\"}}}\n"
	 "pgsql {\"pgsql\":{\"request\":{\"simple_query\":\"SELECT 1\"},\"response\":{\"data_rows\":2,\"command_completed\":\"SELECT 2\"}}}\n"
	 "pgsql {\"pgsql\":{\"request\":{\"simple_query\":\"SELECT x\"},\"response\":{\"severity_non_localizable\":\"ERROR\",\"code\":\"42703\","
	 "\"message\":\"no x\"}}}\n", false},
	{&proto_postgresql, {C("\0\0\0\x08\4\xd2\x16\x2f"), S("S"), C("\x16\3\1")},
	 "pgsql {\"pgsql\":{\"request\":{\"message\":\"SSL Request\"},\"response\":{\"ssl_accepted\":true}}}\n", true},
	{&proto_postgresql, {C("\0\0\0\x08\4\xd2\x16\x30"), S("G")},
	 "pgsql {\"pgsql\":{\"request\":{\"message\":\"GSSENC Request\"}}}\n", false},
	{&proto_postgresql, {C("\0\0\0\x10\4\xd2\x16\x2e\0\0\1\2" "1234")},
	 "pgsql {\"pgsql\":{\"request\":{\"message\":\"cancel_request\",\"process_id\":258}}}\n", false},
	{&proto_postgresql, {C("\0\0\0\x0d\0\3\0\0" "a\0b\0\0")}, NULL, false}, // no user
	{&proto_postgresql, {C("\0\0\0\x10\0\4\0\0user\0me\0\0")}, NULL, false}, // version 4
	{&proto_postgresql, {C("\0\0\0\x09\4\xd2\x16\x2f\0")}, NULL, false},
	{&proto_postgresql, {C("Q\0\0\0\x0dSALUTE 1\0")}, NULL, false},
	{&proto_postgresql, {S(READY)}, NULL, false},
};

// From the middle: told by whole segments.
static const struct talk postgresql_middle[] = {
	{&proto_postgresql, {C("P\0\0\0\x1es1\0SELECT $1 + password\0\0\0"), S("1\0\0\0\4" "2\0\0\0\4" "C\0\0\0\x0dSELECT 0\0" READY)},
	 "pgsql {\"pgsql\":{\"request\":{\"prepared_query\":\"SELECT $1 + password\"},\"response\":{\"command_completed\":\"SELECT 0\"}}}\n", false},
	{&proto_postgresql, {S("C\0\0\0\x0dSELECT 0\0" READY), C("X\0\0\0\4")}, "", false},
	{&proto_postgresql, {S("E\0\0\0\x19SERROR\0C42703\0Mno x\0\0")},
	 "pgsql {\"pgsql\":{\"response\":{\"severity_non_localizable\":\"ERROR\",\"code\":\"42703\",\"message\":\"no x\"}}}\n", false},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void speak(const struct talk *talk, uint32_t piece)
{
	feed_start(&f, talk->ops, PROTO_TCP, 40000, talk->ops->ports[0]);
	for (unsigned i = 0; i < SAID_MAX && talk->said[i].bytes != NULL; i++)
		feed_pieces(&f, talk->said[i].to_server, talk->said[i].bytes, talk->said[i].length, piece);
}

static void hold(const struct talk *talks, size_t count, uint32_t smallest)
{
	for (size_t i = 0; i < count; i++)
		for (uint32_t piece = 200; piece >= smallest; piece = piece * 2 / 3) {
			speak(&talks[i], piece);
			if (talks[i].log == NULL) {
				if (!f.refused)
					fail_msg("%s %zu is not refused", talks[i].ops->name, i);
				continue;
			}
			assert_true(f.next == talks[i].next);
			feed_end(&f);
			if (strcmp(f.log, talks[i].log) != 0) {
				fprintf(stderr, "%s %zu, in pieces of %u:\n%s\n", talks[i].ops->name, i, piece, f.log);
				fail();
			}
		}
}

// Cut anywhere, and one byte of it anything: nothing breaks (proto_feed.h aborts if a promise is broken).
static void damage(const struct talk *talks, size_t count)
{
	uint8_t bytes[512];

	for (size_t i = 0; i < count; i++)
		for (unsigned said = 0; said < SAID_MAX && talks[i].said[said].bytes != NULL; said++)
			for (uint32_t at = 0; at < talks[i].said[said].length; at++)
				for (unsigned value = 0; value < 256; value += 15) {
					const struct said *what = &talks[i].said[said];

					feed_start(&f, talks[i].ops, PROTO_TCP, 40000, 9);
					for (unsigned before = 0; before < said; before++)
						feed(&f, talks[i].said[before].to_server, talks[i].said[before].bytes, talks[i].said[before].length);
					memcpy(bytes, what->bytes, what->length);
					bytes[at] = (uint8_t)value;
					feed(&f, what->to_server, bytes, at + 1);
					feed(&f, what->to_server, bytes + at + 1, what->length - at - 1);
					feed_end(&f);
				}
}

static void mysql_holds(void **state)
{
	(void)state;
	hold(mysql, COUNT(mysql), 1);
	damage(mysql, COUNT(mysql));
}

static void mqtt_holds(void **state)
{
	(void)state;
	hold(mqtt, COUNT(mqtt), 1);
	damage(mqtt, COUNT(mqtt));
}

static void redis_holds(void **state)
{
	(void)state;
	hold(redis, COUNT(redis), 1);
	damage(redis, COUNT(redis));
}

static void postgresql_holds(void **state)
{
	(void)state;
	hold(postgresql, COUNT(postgresql), 1);
	hold(postgresql_middle, COUNT(postgresql_middle), 200);
	damage(postgresql, COUNT(postgresql));
	damage(postgresql_middle, COUNT(postgresql_middle));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mysql_holds), cmocka_unit_test(mqtt_holds), cmocka_unit_test(redis_holds),
					   cmocka_unit_test(postgresql_holds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
