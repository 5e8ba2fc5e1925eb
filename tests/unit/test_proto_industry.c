// Modbus, BGP, Memcached, MongoDB, DCE/RPC: transactions, pieces of any size, what only looks like them, damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define ONES "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static struct feed f;

struct said {
	bool to_server;
	const char *bytes;
	uint32_t length;
};

#define C(text) {true, text, sizeof(text) - 1}
#define S(text) {false, text, sizeof(text) - 1}

struct talk {
	const struct proto_ops *ops;
	struct said said[6];
	const char *log; // NULL: refused
};

static const struct talk talks[] = {
	{&proto_modbus, {C("\0\1\0\0\0\6\x11\3\0\x64\0\4"), S("\0\1\0\0\0\5\x11\3\2\0\1")},
	 "modbus {\"modbus\":{\"transaction_id\":1,\"unit_id\":17,\"function_code\":3,\"function\":\"read_holding_registers\","
	 "\"address\":100,\"quantity\":4,\"request\":true,\"response\":true}}\n"},
	{&proto_modbus, {C("\0\1\0\0\0\6\1\4\xff\0\0\1"), S("\0\1\0\0\0\3\1\x84\2")},
	 "modbus {\"modbus\":{\"transaction_id\":1,\"unit_id\":1,\"function_code\":4,\"function\":\"read_input_registers\","
	 "\"address\":65280,\"quantity\":1,\"exception\":\"illegal_data_address\",\"request\":true,\"response\":true}}\n"},
	{&proto_modbus, {C("\0\1\0\0\0\6\1\3\0\1\0\0")}, NULL},     // nothing asked for
	{&proto_modbus, {C("\0\1\0\1\0\6\1\3\0\1\0\1")}, NULL},     // another protocol
	{&proto_modbus, {C("\0\1\0\0\0\7\1\3\0\1\0\1\0")}, NULL},   // a byte too many
	{&proto_modbus, {C("\0\1\0\0\0\6\1\5\0\1\xff\1")}, NULL},   // a coil is on or off
	{&proto_modbus, {C("\0\1\0\0\0\4\1\x63\0\1")}, NULL},
	{&proto_modbus, {S("\0\1\0\0\0\3\1\x84\x0c")}, NULL},
	{&proto_bgp, {C(ONES "\0\x1d\1\4\xfb\xf4\0\xb4\xc0\0\2\1\0"), S(ONES "\0\x13\4"), S(ONES "\0\x15\3\6\2")},
	 "bgp {\"bgp\":{\"type\":\"open\",\"version\":4,\"asn\":64500,\"hold_time\":180,\"router_id\":\"192.0.2.1\"}}\n"
	 "bgp {\"bgp\":{\"type\":\"notification\",\"error\":\"cease\",\"error_subcode\":2}}\n"},
	{&proto_bgp,
	 {C(ONES "\0\x32\2\0\4\x18\xc6\x33\x64\0\x12\x40\1\1\0\x40\2\4\2\1\xfb\xf4\x40\3\4\xc0\0\2\1\x18\xcb\0\x71\0")},
	 "bgp {\"bgp\":{\"type\":\"update\",\"announced\":[\"203.0.113.0/24\",\"0.0.0.0/0\"],\"announced_count\":2,"
	 "\"withdrawn\":[\"198.51.100.0/24\"],\"withdrawn_count\":1,\"origin\":\"igp\",\"as_path\":[\"64500\"],"
	 "\"next_hop\":\"192.0.2.1\"}}\n"},
	{&proto_bgp, {C(ONES "\0\x1d\1\3\xfb\xf4\0\xb4\xc0\0\2\1\0")}, NULL},  // version 3
	{&proto_bgp, {C(ONES "\0\x12\4")}, NULL},                              // shorter than its head
	{&proto_bgp, {C(ONES "\0\x19\2\0\0\0\0\x21\1")}, NULL},                // a prefix of 33 bits
	{&proto_bgp, {C("\xff\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x13\4")}, NULL},
	{&proto_memcached, {C("get a<b nothing\r\n"), S("VALUE a<b 0 5\r\nhello\r\nEND\r\n"), C("set x 0 0 3\r\nabc\r\n"), S("STORED\r\n"), C("quit\r\n")},
	 "memcached {\"memcached\":{\"first_key\":\"a\\u003cb\",\"gets\":1,\"sets\":1,\"hits\":1,\"stored\":1}}\n"},
	{&proto_memcached, {C("version\r\n"), S("VERSION 1.6.18\r\n")}, "memcached {\"memcached\":{\"version\":\"1.6.18\"}}\n"},
	{&proto_memcached, {C("\x80\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0k"), S("\x81\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0no")},
	 "memcached {\"memcached\":{\"binary\":true,\"first_key\":\"k\",\"gets\":1}}\n"},
	{&proto_memcached, {C("get / HTTP/1.1\n")}, NULL},                     // no CR
	{&proto_memcached, {C("set x 0 0 many\r\n")}, NULL},
	{&proto_memcached, {C("GET / HTTP/1.1\r\n")}, NULL},
	{&proto_memcached, {C("\x80\0\xff\xff\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0k")}, NULL},
	{&proto_mongodb,
	 {C("\x2f\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0\0\0\0\0\0\x1a\0\0\0\x10ping\0\1\0\0\0\2$db\0\2\0\0\0a\0\0"),
	  S("\x26\0\0\0\2\0\0\0\1\0\0\0\xdd\7\0\0\0\0\0\0\0\x11\0\0\0\1ok\0\0\0\0\0\0\0\xf0\x3f\0")},
	 "mongodb {\"mongodb\":{\"command\":\"ping\",\"database\":\"a\",\"request_id\":1,\"answered\":true,\"ok\":true}}\n"},
	{&proto_mongodb, {C("\x2f\0\0\0\1\0\0\0\1\0\0\0\xdd\7\0\0\0\0\0\0\0\x1a\0\0\0\x10ping\0\1\0\0\0\2$db\0\2\0\0\0a\0\0")}, NULL},
	{&proto_mongodb, {C("\x2f\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0\0\0\0\0\0\x1a\0\0\0\x10p ng\0\1\0\0\0\2$db\0\2\0\0\0a\0\0")}, NULL},
	{&proto_dcerpc,
	 {C("\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0" "\xd0\x16\xd0\x16\0\0\0\0\1\0\0\0\0\0\1\0"
	    "\x81\xbb\x7a\x36\x44\x98\xf1\x35\xad\x32\x98\xf0\x38\0\x10\3\2\0\0\0" "\4\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\2\0\0\0"),
	  S("\5\0\x0c\3\x10\0\0\0\x10\0\0\0\1\0\0\0"), C("\5\0\0\3\x10\0\0\0\x18\0\0\0\2\0\0\0\0\0\0\0\0\0\x0f\0"),
	  S("\5\0\2\3\x10\0\0\0\x18\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0")},
	 "dcerpc {\"dcerpc\":{\"request\":\"BIND\",\"response\":\"BINDACK\",\"call_id\":1,\"rpc_version\":\"5.0\",\"interfaces\":"
	 "[{\"uuid\":\"367abb81-9844-35f1-ad32-98f038001003\",\"version\":\"2.0\",\"name\":\"svcctl\"}]}}\n"
	 "dcerpc {\"dcerpc\":{\"request\":\"REQUEST\",\"response\":\"RESPONSE\",\"call_id\":2,\"rpc_version\":\"5.0\",\"interface\":\"svcctl\","
	 "\"operation\":\"ROpenSCManagerW\",\"opnum\":15}}\n"},
	{&proto_dcerpc, {C("\5\0\0\3\x10\0\0\1\x18\0\0\0\2\0\0\0\0\0\0\0\0\0\x0f\0")}, NULL}, // a byte that is zero
	{&proto_dcerpc, {C("\5\0\2\3\x10\0\0\0\x18\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0")}, NULL},    // a client that answers
	{&proto_mongodb, {C("\x01\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0")}, NULL},
};

enum { TALKS = sizeof(talks) / sizeof(talks[0]) };

static void speak(const struct talk *talk, uint32_t piece)
{
	feed_start(&f, talk->ops, PROTO_TCP, 40000, talk->ops->ports[0]);
	for (unsigned i = 0; i < 6 && talk->said[i].bytes != NULL; i++)
		feed_pieces(&f, talk->said[i].to_server, talk->said[i].bytes, talk->said[i].length, piece);
}

static void whole_and_in_pieces(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TALKS; i++)
		for (uint32_t piece = 1; piece <= 60; piece++) {
			speak(&talks[i], piece);
			if (talks[i].log == NULL) {
				assert_true(f.refused);
				continue;
			}
			feed_end(&f);
			assert_string_equal(f.log, talks[i].log);
		}
}

// Cut anywhere, and one byte of it anything: nothing breaks (proto_feed.h aborts if a promise is broken).
static void damaged(void **state)
{
	uint8_t bytes[128];

	(void)state;
	for (unsigned i = 0; i < TALKS; i++)
		for (uint32_t at = 0; at < talks[i].said[0].length; at++)
			for (unsigned value = 0; value < 256; value += 5) {
				memcpy(bytes, talks[i].said[0].bytes, talks[i].said[0].length);
				bytes[at] = (uint8_t)value;
				feed_start(&f, talks[i].ops, PROTO_TCP, 40000, 9);
				feed(&f, talks[i].said[0].to_server, bytes, at + 1);
				feed(&f, talks[i].said[0].to_server, bytes + at + 1, talks[i].said[0].length - at - 1);
				feed_end(&f);
			}
}

static void memcached_over_udp(void **state)
{
	(void)state;
	feed_start(&f, &proto_memcached, PROTO_UDP, 40000, 11211);
	feed(&f, true, BYTES("\0\1\0\0\0\1\0\0get big\r\n"));
	assert_string_equal(f.log, "memcached {\"memcached\":{\"first_key\":\"big\",\"gets\":1}}\n");
	feed_start(&f, &proto_memcached, PROTO_UDP, 40000, 11211);
	feed(&f, true, BYTES("\0\1\0\0\0\1\0\1get big\r\n"));
	assert_true(f.refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whole_and_in_pieces), cmocka_unit_test(damaged), cmocka_unit_test(memcached_over_udp)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
