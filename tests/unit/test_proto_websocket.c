// WebSocket: a conversation, in pieces, each end; what is refused. And what leads to it: HTTP that ends by agreement.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

static struct feed f;

#define TEXT(text) text, sizeof(text) - 1

// "Hello" masked (RFC 6455 section 5.7), a ping, a text in two frames, 300 bytes, a close with code and reason.
static const char client[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
			     "\x89\x80\1\2\3\4"
			     "\x01\x81\0\0\0\0a\x80\x81\0\0\0\0b"
			     "\x88\x86\1\2\3\4\2\xeb\x61\x7d\x64\x09";
static const char server[] = "\x81\x05Hello\x8a\x00\xc2\x01z";
static const char server_close[] = "\x88\x02\x03\xe8";

static void start(void)
{
	feed_start(&f, &proto_websocket, PROTO_TCP, 40000, 80);
	f.hint.after = &proto_http;
}

static void test_conversation(void **state)
{
	static const uint32_t pieces[] = {65536, 1, 3, 7};
	static char long_frame[4 + 300] = "\x82\x7e\x01\x2c";

	(void)state;
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		start();
		f.hint.payload = 0;
		feed_pieces(&f, true, TEXT(client), pieces[i]);
		feed_pieces(&f, false, TEXT(server), pieces[i]);
		feed_pieces(&f, false, long_frame, sizeof(long_frame), pieces[i]);
		assert_int_equal(f.reported, 0);
		feed_pieces(&f, false, TEXT(server_close), pieces[i]);
		assert_true(f.over);
		assert_string_equal(f.log, "websocket {\"websocket\":{\"frames_toserver\":5,\"frames_toclient\":5,\"payload_toserver\":7,"
					   "\"payload_toclient\":306,\"texts\":3,\"binaries\":2,\"pings\":1,\"pongs\":1,\"compressed\":true,"
					   "\"closed_by\":\"client\",\"close_code\":1001,\"close_reason\":\"bye\\\\x0b\"}}\n");
	}
}

static void test_refused(void **state)
{
	static const struct {
		bool to_server;
		const char *bytes;
		uint32_t len;
		enum proto_verdict verdict;
	} cases[] = {
		{true, TEXT("\x81\x05Hello"), PROTO_NO},		  // a client masks
		{false, TEXT("\x81\x85\1\2\3\4Hello"), PROTO_NO},	  // a server does not
		{false, TEXT("\x80\x01z"), PROTO_NO},			  // goes on with nothing
		{false, TEXT("\x83\x01z"), PROTO_NO},			  // unknown
		{false, TEXT("\xa1\x01z"), PROTO_NO},			  // reserved
		{false, TEXT("\xc9\x00"), PROTO_NO},			  // a compressed ping
		{false, TEXT("\x09\x00"), PROTO_NO},			  // a ping in parts
		{false, TEXT("\x89\x7e\x00\x80"), PROTO_NO},		  // a long one
		{false, TEXT("\x81\x7e\x00\x05Hello"), PROTO_NO},	  // a length that is too long
		{false, TEXT("\x81\x7f\0\0\0\0\0\0\x01\x00"), PROTO_NO},
		{false, TEXT("\x81\x01zSSH-"), PROTO_NO},		  // no frame follows
		{false, TEXT("\x81\x05He"), PROTO_MORE},
		{false, TEXT("\x81"), PROTO_MORE},
		{false, TEXT("\x81\x00"), PROTO_MORE},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		f.hint.to_server = cases[i].to_server;
		if (feed_ask(&f, (const uint8_t *)cases[i].bytes, cases[i].len) != cases[i].verdict)
			fail_msg("case %u", i);
	}
	start();
	f.hint.after = NULL;
	feed(&f, false, TEXT("\x81\x05Hello"));
	assert_true(f.refused);
}

static void test_http_leads(void **state)
{
	static const struct {
		const char *request, *response;
		bool next;
	} cases[] = {
		{"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", true},
		{"CONNECT a.example:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", true},
		{"CONNECT a.example:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", false},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		feed_start(&f, &proto_http, PROTO_TCP, 40000, 80);
		feed(&f, true, cases[i].request, (uint32_t)strlen(cases[i].request));
		feed(&f, false, cases[i].response, (uint32_t)strlen(cases[i].response));
		assert_int_equal(f.next, cases[i].next);
		assert_int_equal(f.reported, 1);
	}
}

static void test_every_byte_damaged(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < sizeof(client) - 1; at++)
		for (unsigned value = 0; value < 256; value++) {
			char bad[sizeof(client)];

			memcpy(bad, client, sizeof(client));
			bad[at] = (char)value;
			start();
			feed_pieces(&f, true, bad, value == 0 ? at : sizeof(client) - 1, 9);
			feed_end(&f);
			assert_true(f.reported <= 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_http_leads),
		cmocka_unit_test(test_every_byte_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
