// HTTP/2 in the clear: the header blocks of RFC 7541 appendix C, in pieces, over CONTINUATION, cut, damaged; what is no HTTP/2.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/proto_hpack.h"
#include "proto_feed.h"

enum { BYTES_MAX = 40000, HEADERS = 1, SETTINGS = 4, PROMISE = 5, CONTINUATION = 9, DATA = 0 };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 0x20 };

static struct feed f;

struct bytes {
	uint8_t at[BYTES_MAX];
	uint32_t len;
};

static void put_bytes(struct bytes *b, const void *bytes, uint32_t len)
{
	if (len > 0)
		memcpy(b->at + b->len, bytes, len);
	b->len += len;
}

static void frame_put(struct bytes *b, uint8_t type, uint8_t flags, uint8_t stream, const void *payload, uint32_t len)
{
	uint8_t header[] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0, 0, stream};

	put_bytes(b, header, sizeof(header));
	put_bytes(b, payload, len);
}

#define TEXT(text) text, sizeof(text) - 1

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const char setting[] = "\0\3\0\0\0\x64";

// RFC 7541 C.4 and C.6, with Huffman coding: three requests and three responses on one connection. C.6 has a table of 256 bytes.
static const char c41[] = "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
static const char c42[] = "\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
static const char c43[] = "\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
static const char c61[] = "\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95"
			  "\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff\x6e\x91\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae"
			  "\x82\xae\x43\xd3";
static const char c62[] = "\x48\x83\x64\x0e\xff\xc1\xc0\xbf";

static struct bytes client_flight(void)
{
	struct bytes b = {.len = 0};

	put_bytes(&b, TEXT(preface));
	frame_put(&b, SETTINGS, 0, 0, TEXT(setting));
	frame_put(&b, HEADERS, END_HEADERS | END_STREAM, 1, TEXT(c41));
	frame_put(&b, HEADERS, END_HEADERS | END_STREAM | PRIORITY | PADDED, 3, "\2\0\0\0\1\x10\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf\0\0", 20);
	frame_put(&b, DATA, 0, 3, "x", 1);
	frame_put(&b, HEADERS, END_STREAM, 5, c43, 7);
	frame_put(&b, CONTINUATION, 0, 5, "", 0);
	frame_put(&b, CONTINUATION, END_HEADERS, 5, c43 + 7, sizeof(c43) - 1 - 7);
	return b;
}

static struct bytes server_flight(void)
{
	struct bytes b = {.len = 0};

	frame_put(&b, SETTINGS, 0, 0, TEXT(setting));
	frame_put(&b, SETTINGS, 1, 0, "", 0);
	frame_put(&b, HEADERS, END_HEADERS, 1, TEXT(c61));
	frame_put(&b, DATA, END_STREAM, 1, "0123456789", 10);
	frame_put(&b, HEADERS, END_HEADERS, 3, TEXT(c62));
	frame_put(&b, HEADERS, END_HEADERS | END_STREAM, 3, "\x0f\x2f\x01y", 4); // a trailer
	return b;
}

static const char requests[] = "0 Q- GET host=www.example.com / HTTP/2 name=www.example.com\n"
			       "1 Q- GET host=www.example.com / HTTP/2 name=www.example.com\n";
static const char pair[] = "2 QR GET host=www.example.com /index.html HTTP/2 307 to=https://www.example.com name=www.example.com\n";

static void start(void)
{
	feed_start(&f, &proto_http2, PROTO_TCP, 40000, 80);
}

static void test_conversation(void **state)
{
	static const uint32_t pieces[] = {65536, 1, 2, 3, 10, 33};
	struct bytes client = client_flight(), server = server_flight();
	char expected[1024];

	(void)state;
	snprintf(expected, sizeof(expected), "%s%s%s%s", requests, "2 Q- GET host=www.example.com /index.html HTTP/2 name=www.example.com\n",
		 "0 -R HTTP/2 302 to=https://www.example.com\n", "1 -R HTTP/2 307 to=https://www.example.com\n");
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		start();
		feed_pieces(&f, true, client.at, client.len, pieces[i]);
		feed_pieces(&f, false, server.at, server.len, pieces[i]);
		feed_end(&f);
		assert_string_equal(f.log, expected);
	}
}

static void test_pair(void **state)
{
	struct bytes client = client_flight(), server = {.len = 0};
	struct bytes first = server_flight();

	(void)state;
	frame_put(&server, SETTINGS, 0, 0, TEXT(setting));
	frame_put(&server, HEADERS, END_HEADERS, 5, "\x08\x03" "100", 5); // an interim response: the request goes on waiting
	frame_put(&server, HEADERS, END_HEADERS, 5, "\x48\x83\x64\x0e\xff\x0f\x1f\x91\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3", 25);
	start();
	feed(&f, true, client.at, client.len);
	feed(&f, false, server.at, server.len);
	assert_non_null(strstr(f.log, requests));
	assert_string_equal(f.log + sizeof(requests) - 1, pair);
	start(); // the server's side alone
	feed(&f, false, first.at, first.len);
	feed_end(&f);
	assert_string_equal(f.log, "0 -R HTTP/2 302 to=https://www.example.com\n1 -R HTTP/2 307 to=https://www.example.com\n");
}

// A block too long to be joined costs what its table held, not what comes after it.
static void test_block_too_long(void **state)
{
	static uint8_t zeros[14000];
	struct bytes client = {.len = 0};

	(void)state;
	put_bytes(&client, TEXT(preface));
	frame_put(&client, SETTINGS, 0, 0, TEXT(setting));
	frame_put(&client, HEADERS, END_HEADERS, 1, TEXT(c41));
	frame_put(&client, HEADERS, END_HEADERS, 3, zeros, sizeof(zeros));
	frame_put(&client, HEADERS, END_HEADERS, 5, TEXT(c42));
	start();
	feed_pieces(&f, true, client.at, client.len, 1000);
	feed_end(&f);
	assert_string_equal(f.log, "0 Q- GET host=www.example.com / HTTP/2 name=www.example.com\n2 Q- GET / HTTP/2\n");
}

// Many entries and values: the newest are known, those beyond what is kept are not, and nothing is taken for another.
static void test_table(void **state)
{
	static struct hpack_table table;
	uint8_t room[HPACK_ROOM], block[64];
	struct hpack_field field;
	struct span in;

	(void)state;
	hpack_begin(&table);
	for (unsigned i = 0; i < 200; i++) {
		int n = snprintf((char *)block, sizeof(block), "\x7a%cagent number %03u", 16, i); // user-agent, inserted

		in = span_of(block, (uint32_t)n);
		assert_true(hpack_next(&table, &in, room, &field));
		assert_int_equal(field.kind, HPACK_USER_AGENT);
		for (unsigned back = 0; back < 64 && back <= i; back++) {
			char expected[32];

			block[0] = (uint8_t)(0x80 | (62 + back < 127 ? 62 + back : 127));
			in = span_of(block, 1);
			if (62 + back >= 127)
				break;
			assert_true(hpack_next(&table, &in, room, &field));
			snprintf(expected, sizeof(expected), "agent number %03u", i - back);
			assert_int_equal(field.kind == HPACK_USER_AGENT, (back + 1) * 16 <= HPACK_BYTES);
			if (field.kind == HPACK_USER_AGENT)
				assert_memory_equal(field.value.at, expected, 16);
		}
	}
	in = span_of("\x20", 1); // the peer empties its table
	assert_true(hpack_next(&table, &in, room, &field));
	in = span_of("\xbe", 1);
	assert_true(hpack_next(&table, &in, room, &field));
	assert_int_equal(field.kind, HPACK_OTHER);
	in = span_of("\xff\xff\xff\xff\xff\xff\xff", 7);
	assert_false(hpack_next(&table, &in, room, &field));
	in = span_of("\x41\x7f\xff\xff", 4); // a string that is not there
	assert_false(hpack_next(&table, &in, room, &field));
}

static void test_look_alikes(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t len;
		enum proto_verdict verdict;
	} cases[] = {
		{TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROTO_MORE},
		{TEXT("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), PROTO_NO},
		{TEXT("PRI * "), PROTO_MORE},
		{TEXT("POST / HTTP/1.1\r\n"), PROTO_NO},
		{TEXT("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"), PROTO_MORE},
		{TEXT("\0\0\6\4\0\0\0\0\0\0\x7f\0\0\0\x64"), PROTO_NO},
		{TEXT("\0\0\6\4\0\0\0\0\1\0\3\0\0\0\x64"), PROTO_NO},
		{TEXT("\0\0\7\4\0\0\0\0\0\0\3\0\0\0\x64"), PROTO_NO},
		{TEXT("\0\0\0\4\0\0\0\0\0"), PROTO_NO},
		{TEXT("\0\0\6\1\0\0\0\0\1\0\3\0\0\0\x64"), PROTO_NO},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		if (feed_ask(&f, (const uint8_t *)cases[i].bytes, cases[i].len) != cases[i].verdict)
			fail_msg("case %u", i);
	}
	start();
	f.hint.after = &proto_http;
	assert_int_equal(feed_ask(&f, (const uint8_t *)"\0\0\0\4\0\0\0\0\0", 9), PROTO_MORE);
	assert_true(f.hint.claimed);
}

static void test_every_byte_damaged(void **state)
{
	struct bytes client = client_flight(), server = server_flight();

	(void)state;
	for (uint32_t at = 0; at < client.len; at++)
		for (unsigned value = 0; value < 256; value += 5) {
			struct bytes bad = client, bad_server = server;

			bad.at[at] = (uint8_t)value;
			bad_server.at[at % server.len] = (uint8_t)value;
			start();
			feed_pieces(&f, true, bad.at, bad.len, 50);
			feed_pieces(&f, false, bad_server.at, value == 0 ? at % server.len : server.len, 50);
			feed_end(&f);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation), cmocka_unit_test(test_pair),	  cmocka_unit_test(test_block_too_long),
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_look_alikes), cmocka_unit_test(test_every_byte_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
