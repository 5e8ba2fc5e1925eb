// TLS hellos: in one piece, in many segments, in many records, alone, cut, refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

enum { MESSAGE_MAX = 32768 };

static struct feed f;

// ---- building ----

struct bytes {
	uint8_t at[MESSAGE_MAX];
	uint32_t len;
};

static void put(struct bytes *b, uint64_t value, unsigned width)
{
	while (width-- > 0)
		b->at[b->len++] = (uint8_t)(value >> 8 * width);
}

static void put_bytes(struct bytes *b, const void *bytes, uint32_t len)
{
	memcpy(b->at + b->len, bytes, len);
	b->len += len;
}

// A length of `width` bytes that is filled in by put_end().
static uint32_t put_begin(struct bytes *b, unsigned width)
{
	put(b, 0, width);
	return b->len;
}

static void put_end(struct bytes *b, uint32_t begin, unsigned width)
{
	uint32_t len = b->len - begin;

	for (unsigned i = 0; i < width; i++)
		b->at[begin - 1 - i] = (uint8_t)(len >> 8 * i);
}

static void extension_put(struct bytes *b, uint16_t type, const char *data, uint32_t len)
{
	put(b, type, 2);
	put(b, len, 2);
	put_bytes(b, data, len);
}

static void sni_put(struct bytes *b, const char *name)
{
	uint16_t len = (uint16_t)strlen(name);

	put(b, 0, 2);
	put(b, len + 5u, 2);
	put(b, len + 3u, 2);
	put(b, 0, 1);
	put(b, len, 2);
	put_bytes(b, name, len);
}

// A ClientHello message (without record): TLS 1.2 and 1.3, with GREASE, padded by `padding` bytes.
static void client_hello_put(struct bytes *b, const char *name, uint32_t padding)
{
	uint32_t message, extensions;

	put(b, 1, 1);
	message = put_begin(b, 3);
	put(b, 0x0303, 2);
	for (unsigned i = 0; i < 32; i++)
		put(b, i, 1);
	put(b, 0, 1);
	put(b, 8, 2);
	put(b, 0x0a0a1301c02f009c, 8);
	put(b, 0x0100, 2);
	extensions = put_begin(b, 2);
	extension_put(b, 0x1a1a, "", 0);
	if (name != NULL)
		sni_put(b, name);
	extension_put(b, 10, "\0\6\x2a\x2a\0\x1d\0\x17", 8);
	extension_put(b, 11, "\1\0", 2);
	extension_put(b, 13, "\0\4\4\3\x08\4", 6);
	extension_put(b, 16, "\0\x0c\2h2\x08http/1.1", 14);
	extension_put(b, 43, "\6\x3a\x3a\3\4\3\3", 7);
	put(b, 21, 2);
	put(b, padding, 2);
	memset(b->at + b->len, 0, padding);
	b->len += padding;
	put_end(b, extensions, 2);
	put_end(b, message, 3);
}

static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void server_hello_put(struct bytes *b, bool tls13, bool retry)
{
	uint32_t message, extensions;

	put(b, 2, 1);
	message = put_begin(b, 3);
	put(b, 0x0303, 2);
	for (unsigned i = 0; i < 32; i++)
		put(b, retry ? retry_random[i] : 7u, 1);
	put(b, 0, 1);
	put(b, tls13 ? 0x1301 : 0xc02f, 2);
	put(b, 0, 1);
	extensions = put_begin(b, 2);
	if (tls13)
		extension_put(b, 43, "\3\4", 2);
	else
		extension_put(b, 16, "\0\3\2h2", 5);
	put_end(b, extensions, 2);
	put_end(b, message, 3);
}

// Puts a message into handshake records of at most `piece` bytes.
static void records_put(struct bytes *b, const struct bytes *message, uint32_t piece)
{
	for (uint32_t done = 0; done < message->len; done += piece) {
		uint32_t n = piece < message->len - done ? piece : message->len - done;

		put(b, 0x160301, 3);
		put(b, n, 2);
		put_bytes(b, message->at + done, n);
	}
}

static struct bytes client_flight(const char *name, uint32_t padding, uint32_t record)
{
	struct bytes message = {.len = 0}, flight = {.len = 0};

	client_hello_put(&message, name, padding);
	records_put(&flight, &message, record);
	return flight;
}

static struct bytes server_flight(bool tls13, bool retry, uint32_t record)
{
	struct bytes message = {.len = 0}, flight = {.len = 0};

	server_hello_put(&message, tls13, retry);
	records_put(&flight, &message, record);
	return flight;
}

// ---- tests ----

#define CLIENT "0304 0000 4 8 0 sni=www.example.org alpn=h2,http/1.1"
// As md5sum and sha256sum give them for "771,4865-49199-156,0-10-11-13-16-43-21,29-23,0", "771,4865,43", "771,49199,16", and for
// "009c,1301,c02f" and "000a,000b,000d,0015,002b_0403,0804".
static const char ja3_client[] = "27fbc8009a9c7421462322b9750bd2c2", ja3s_13[] = "cce84e7a8b742462e40afb585a3e3ccc";
static const char ja3s_12[] = "896415616b22361262d7a961b6325cfd", ja4_client[] = "t13d0307h2_159d175d8039_dc49850d21d7";

static char expected_room[1024];

static const char *expected(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *expected(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expected_room, sizeof(expected_room), format, args);
	va_end(args);
	return expected_room;
}

static const char *expected_13(void)
{
	return expected("CS 0304 0304 1301 4 8 0 sni=www.example.org alpn=h2,http/1.1 ja3=%s ja3s=%s ja4=%s name=www.example.org\n",
			ja3_client, ja3s_13, ja4_client);
}

static void start(void)
{
	feed_start(&f, &proto_tls, PROTO_TCP, 40000, 443);
}

static void test_pair_in_pieces(void **state)
{
	static const uint32_t pieces[] = {65536, 1, 2, 5, 9, 64, 517}, records[] = {16384, 1, 3, 4, 50, 200};

	(void)state;
	for (unsigned r = 0; r < sizeof(records) / sizeof(records[0]); r++) {
		struct bytes client = client_flight("www.example.org", 60, records[r]);
		struct bytes server = server_flight(true, false, records[r]);

		for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			start();
			feed_pieces(&f, true, client.at, client.len, pieces[p]);
			assert_int_equal(f.reported, 0);
			feed_pieces(&f, false, server.at, server.len, pieces[p]);
			assert_true(f.over);
			assert_string_equal(f.log, expected_13());
		}
	}
}

static void test_tls12(void **state)
{
	static const uint8_t change[] = {20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 6, 9, 8, 7, 6, 5, 4};
	struct bytes client = client_flight("a.b", 0, 16384), server = server_flight(false, false, 16384);

	(void)state;
	start();
	feed(&f, true, client.at, client.len);
	feed(&f, false, server.at, server.len);
	assert_false(f.over);
	feed(&f, true, change, sizeof(change));
	feed(&f, false, change, sizeof(change));
	assert_true(f.over);
	assert_int_equal(f.reported, 1);
	assert_non_null(strstr(f.log, "CS 0303 0304 c02f 4 8 0 sni=a.b alpn=h2,http/1.1 chosen=h2"));
	assert_non_null(strstr(f.log, ja3s_12));
}

static void test_server_first(void **state)
{
	struct bytes client = client_flight("www.example.org", 60, 100), server = server_flight(true, false, 16384);

	(void)state;
	start();
	feed(&f, false, server.at, server.len);
	assert_int_equal(f.reported, 0);
	feed_pieces(&f, true, client.at, client.len, 10);
	assert_true(f.over);
	assert_string_equal(f.log, expected_13());
	start();
	feed(&f, false, server.at, server.len);
	feed_end(&f);
	assert_string_equal(f.log, expected("-S 0304 0000 1301 0 0 0 ja3s=%s\n", ja3s_13));
}

// The hello before a HelloRetryRequest and the one after it are two events.
static void test_retry(void **state)
{
	struct bytes client = client_flight("www.example.org", 60, 16384), server = server_flight(true, true, 16384);
	struct bytes second = server_flight(true, false, 16384), again = {.len = 0};

	(void)state;
	put(&again, 0x140303000101, 6);
	put_bytes(&again, client.at, client.len);
	put(&server, 0x140303000101, 6);
	for (uint32_t piece = 1; piece < 300; piece += 7) {
		start();
		feed_pieces(&f, true, client.at, client.len, piece);
		feed_pieces(&f, false, server.at, server.len, piece);
		feed_pieces(&f, true, again.at, again.len, piece);
		feed_pieces(&f, false, second.at, second.len, piece);
		assert_true(f.over);
		assert_int_equal(f.reported, 2);
		assert_non_null(strstr(f.log, " retry name=www.example.org\nCS 0304 "));
		assert_string_equal(strchr(f.log, '\n') + 1, expected_13());
	}
}

static void test_alerts(void **state)
{
	static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 112}, fatal[] = {21, 3, 3, 0, 2, 2, 40};
	struct bytes client = client_flight("www.example.org", 60, 16384), server = server_flight(true, false, 16384);

	(void)state;
	for (uint32_t piece = 1; piece < 9; piece++) {
		start();
		feed(&f, true, client.at, client.len);
		feed_pieces(&f, false, warning, sizeof(warning), piece);
		assert_false(f.over);
		feed_pieces(&f, false, server.at, server.len, piece);
		assert_non_null(strstr(f.log, " alert=warning unrecognized_name"));
		start();
		feed(&f, true, client.at, client.len);
		feed_pieces(&f, false, fatal, sizeof(fatal), piece);
		assert_true(f.over);
		assert_int_equal(f.reported, 1);
		assert_int_equal(strncmp(f.log, "C- 0000 " CLIENT, strlen("C- 0000 " CLIENT)), 0);
		assert_non_null(strstr(f.log, " alert=fatal handshake_failure"));
	}
}

// A ClientHello that was cut tells what was whole in it.
static void test_every_prefix(void **state)
{
	struct bytes client = client_flight("www.example.org", 60, 16384);
	bool named = false;

	(void)state;
	for (uint32_t n = 1; n < client.len; n++) {
		start();
		feed(&f, true, client.at, n);
		assert_false(f.refused);
		feed_end(&f);
		assert_true(f.reported <= 1);
		assert_true(f.reported == 1 || n < 11);
		assert_true(strstr(f.log, "sni=") == NULL || strstr(f.log, "sni=www.example.org ") != NULL);
		assert_true(!named || strstr(f.log, "sni=www.example.org ") != NULL);
		named = strstr(f.log, "sni=") != NULL;
	}
	assert_true(named);
}

static void test_long_hello(void **state)
{
	struct bytes client = client_flight("big.example.org", 12000, 4000), endless = client_flight("x", 17000, 16384);

	(void)state;
	start();
	feed_pieces(&f, true, client.at, client.len, 1448);
	feed_end(&f);
	assert_non_null(strstr(f.log, "sni=big.example.org "));
	start();
	feed_pieces(&f, true, endless.at, endless.len, 1448); // longer than any client's: not a hello
	feed_end(&f);
	assert_int_equal(f.reported, 0);
}

static void test_midstream(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t len;
		enum proto_verdict verdict;
	} cases[] = {
		{"\x17\x03\x03\x00\x02xy", 7, PROTO_DONE},
		{"\x17\x03\x03\x00\x02xy\x17\x03\x03\x00\x05", 12, PROTO_DONE},
		{"\x17\x03\x03\x00\x02xy\x17\x03\x03\x00", 11, PROTO_MORE},
		{"\x17\x03\x03\x00\x02xy\x17\x04\x03\x00\x05", 12, PROTO_NO},
		{"\x17\x03\x03\x40\x02xy", 7, PROTO_MORE},
		{"\x17\x03\x03\x00\x00", 5, PROTO_NO},
		{"\x17\x03\x03\xff\xff", 5, PROTO_NO},
		{"\x18\x03\x03\x00\x02xy", 7, PROTO_NO},
		{"\x17\x05\x03\x00\x02xy", 7, PROTO_NO},
		{"\x16\x03\x03\x00\x04\x14zzz", 9, PROTO_MORE},
		{"\x16\x03\x03\x00\x07\x14zzz789", 12, PROTO_DONE},
		{"\x16", 1, PROTO_MORE},
		{"\x16\x02", 2, PROTO_NO},
		{"GET / HTTP/1.1", 14, PROTO_NO},
		{"\x80\x2e\x01\x00\x02\x00\x15\x00\x00", 9, PROTO_NO}, // SSL 2.0
		{"\x00", 1, PROTO_NO},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		if (feed_ask(&f, (const uint8_t *)cases[i].bytes, cases[i].len) != cases[i].verdict)
			fail_msg("case %u", i);
		assert_false(f.l7.pending);
	}
}

static void test_ssl2_form(void **state)
{
	static const uint8_t hello[] = {0x80, 0x2e, 1, 3, 3, 0, 0x15, 0, 0, 0, 0x10, 1, 2, 3};
	static const uint8_t odd[] = {0x80, 0x2e, 1, 3, 3, 0, 0x16, 0, 0, 0, 0x10, 1, 2, 3};
	struct bytes server = server_flight(false, false, 16384);

	(void)state;
	start();
	feed(&f, true, odd, sizeof(odd));
	assert_true(f.refused);
	start();
	feed(&f, true, hello, sizeof(hello));
	assert_true(f.hint.claimed);
	feed(&f, false, server.at, server.len);
	feed_end(&f);
	assert_string_equal(f.log, expected("CS 0303 0303 c02f 7 0 0 chosen=h2 ja3s=%s ssl2\n", ja3s_12));
}

static void test_hostile_names(void **state)
{
	struct bytes client = client_flight("a\n\"\xff\\", 0, 16384);

	(void)state;
	start();
	feed(&f, true, client.at, client.len);
	feed_end(&f);
	assert_non_null(strstr(f.log, " sni=a\\x0a\"\\xff\\x5c "));
}

// Each byte in turn made something else: nothing is read that is not there, whatever is reported is printable.
static void test_every_byte_damaged(void **state)
{
	struct bytes client = client_flight("www.example.org", 4, 60), server = server_flight(false, false, 16384);

	(void)state;
	for (uint32_t at = 0; at < client.len; at++)
		for (unsigned value = 0; value < 256; value += 15) {
			uint8_t was = client.at[at];

			client.at[at] = (uint8_t)value;
			start();
			feed(&f, true, client.at, client.len);
			feed(&f, false, server.at, server.len);
			feed_end(&f);
			client.at[at] = was;
		}
	assert_true(f.reported <= 1);
}

// ---- certificates ----

static void der_put(struct bytes *b, uint8_t tag, const void *value, uint32_t len)
{
	put(b, tag, 1);
	if (len >= 128)
		put(b, 0x82, 1);
	put(b, len, len >= 128 ? 2 : 1);
	put_bytes(b, value, len);
}

static void der_wrap(struct bytes *b, uint8_t tag)
{
	struct bytes inner = *b;

	b->len = 0;
	der_put(b, tag, inner.at, inner.len);
}

// A name of one attribute; its object has three bytes.
static struct bytes name_of(const char *object, const char *value)
{
	struct bytes name = {.len = 0};

	der_put(&name, 0x06, object, 3);
	der_put(&name, 0x0c, value, (uint32_t)strlen(value));
	der_wrap(&name, 0x30);
	der_wrap(&name, 0x31);
	der_wrap(&name, 0x30);
	return name;
}

static struct bytes certificate(const char *subject)
{
	struct bytes tbs = {.len = 0}, extension = {.len = 0}, part = name_of("\x55\x04\x0a", "Issuer\n");

	der_put(&tbs, 0xa0, "\2\1\2", 3);
	der_put(&tbs, 0x02, "\x00\xab\x01", 3);
	der_put(&tbs, 0x30, "", 0);
	put_bytes(&tbs, part.at, part.len);
	part.len = 0;
	der_put(&part, 0x17, "991231235959Z", 13);
	der_put(&part, 0x18, "20491231235959Z", 15);
	der_wrap(&part, 0x30);
	put_bytes(&tbs, part.at, part.len);
	part = name_of("\x55\x04\x03", subject);
	put_bytes(&tbs, part.at, part.len);
	der_put(&tbs, 0x30, "", 0);
	part.len = 0;
	der_put(&part, 0x82, "a.example", 9);
	der_put(&part, 0x87, "\xc0\x00\x02\x01", 4);
	der_put(&part, 0x87, "\xc0\x00", 2);
	der_put(&part, 0x82, "x,y", 3);
	der_wrap(&part, 0x30);
	der_wrap(&part, 0x04);
	der_put(&extension, 0x06, "\x55\x1d\x11", 3);
	der_put(&extension, 0x01, "\xff", 1);
	put_bytes(&extension, part.at, part.len);
	der_wrap(&extension, 0x30);
	der_wrap(&extension, 0x30);
	der_wrap(&extension, 0xa3);
	put_bytes(&tbs, extension.at, extension.len);
	der_wrap(&tbs, 0x30);
	der_put(&tbs, 0x30, "", 0);
	der_put(&tbs, 0x03, "\0sig", 4);
	der_wrap(&tbs, 0x30);
	return tbs;
}

// ServerHello of TLS 1.2, a chain of two, the end of the server's part.
static struct bytes server_flight_whole(const struct bytes *own, uint32_t record)
{
	struct bytes message = {.len = 0}, flight = {.len = 0}, second = certificate("Issuer");
	uint32_t begin, list;

	server_hello_put(&message, false, false);
	put(&message, 11, 1);
	begin = put_begin(&message, 3);
	list = put_begin(&message, 3);
	put(&message, own->len, 3);
	put_bytes(&message, own->at, own->len);
	put(&message, second.len, 3);
	put_bytes(&message, second.at, second.len);
	put_end(&message, list, 3);
	put_end(&message, begin, 3);
	put(&message, 0x0e000000, 4);
	records_put(&flight, &message, record);
	return flight;
}

static const char certified[] = " subject=CN=www.example.org issuer=O=Issuer\\x0a serial=00:AB:01 from=1999-12-31T23:59:59"
				" to=2049-12-31T23:59:59 names=a.example,192.0.2.1";

static void test_certificate(void **state)
{
	static const uint32_t records[] = {16384, 1, 7, 100}, pieces[] = {65536, 1, 13};
	struct bytes client = client_flight("a.b", 0, 16384), own = certificate("www.example.org");

	(void)state;
	for (unsigned r = 0; r < sizeof(records) / sizeof(records[0]); r++)
		for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			struct bytes server = server_flight_whole(&own, records[r]);

			start();
			f.hint.costly = r != 1;
			feed(&f, true, client.at, client.len);
			feed_pieces(&f, false, server.at, server.len, pieces[p]);
			feed_end(&f);
			assert_non_null(strstr(f.log, certified));
			assert_non_null(strstr(f.log, " chain=2"));
			assert_true((strstr(f.log, " sha1=") != NULL) == f.hint.costly);
		}
}

// A certificate of more bytes than are joined costs itself, not the hellos.
static void test_certificate_too_long(void **state)
{
	static struct bytes own;
	struct bytes client = client_flight("a.b", 0, 16384), server;

	(void)state;
	own = certificate("www.example.org");
	server = server_flight_whole(&own, 4000);
	server.at[5 + 76] = 0xff; // the length of the second message: sixty thousand
	start();
	feed(&f, true, client.at, client.len);
	feed(&f, false, server.at, server.len);
	feed_end(&f);
	assert_int_equal(f.reported, 1);
	assert_non_null(strstr(f.log, "CS 0303"));
}

// Each byte of a certificate in turn made something else, and cut everywhere.
static void test_certificate_damaged(void **state)
{
	struct bytes client = client_flight("a.b", 0, 16384), own = certificate("www.example.org");

	(void)state;
	for (uint32_t at = 0; at < own.len; at++)
		for (unsigned value = 0; value < 256; value += 15) {
			struct bytes bad = own, server;

			bad.at[at] = (uint8_t)value;
			bad.len = value == 0 ? at : bad.len;
			server = server_flight_whole(&bad, 16384);
			start();
			feed(&f, true, client.at, client.len);
			feed(&f, false, server.at, server.len);
			feed_end(&f);
			assert_int_equal(f.reported, 1);
		}
}

static void test_resumed(void **state)
{
	static const uint8_t change[] = {20, 3, 3, 0, 1, 1};
	struct bytes client = client_flight("a.b", 0, 16384), server = server_flight(false, false, 16384);

	(void)state;
	start();
	feed(&f, true, client.at, client.len);
	feed(&f, false, server.at, server.len);
	feed(&f, false, change, sizeof(change)); // no certificate, not done: what was agreed before holds
	feed_end(&f);
	assert_non_null(strstr(f.log, " resumed"));
}

// An outer ClientHello with ECH names the public server; an inner one (which only its server sees) is not marked.
static void test_ech(void **state)
{
	static const char outer[] = {0, 0, 1, 0, 1, 7, 0, 0, 0, 0}, inner[] = {1};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct bytes message = {.len = 0}, flight = {.len = 0};
		uint32_t before;

		client_hello_put(&message, "public.example", 0);
		before = message.len;
		extension_put(&message, 0xfe0d, i == 0 ? outer : inner, i == 0 ? sizeof(outer) : sizeof(inner));
		before = message.len - before;
		message.at[3] = (uint8_t)(message.at[3] + before); // of the message; none of these carries
		message.at[4 + 2 + 32 + 1 + 2 + 8 + 2 + 1] = (uint8_t)(message.at[4 + 2 + 32 + 1 + 2 + 8 + 2 + 1] + before);
		records_put(&flight, &message, 16384);
		start();
		feed(&f, true, flight.at, flight.len);
		feed_end(&f);
		assert_non_null(strstr(f.log, " sni=public.example "));
		assert_non_null(strstr(f.log, " ja4=t13d0308h2_"));
		assert_true((strstr(f.log, " ech") != NULL) == (i == 0));
	}
}

// SSL 3.0: a hello without extensions.
static void test_ssl3(void **state)
{
	struct bytes hello = {.len = 0}, flight = {.len = 0};

	(void)state;
	put(&hello, 0x01000027, 4);
	put(&hello, 0x0300, 2);
	for (unsigned i = 0; i < 32; i++)
		put(&hello, i, 1);
	put(&hello, 0x000002000a, 5);
	records_put(&flight, &hello, 16384);
	flight.at[2] = 0;
	start();
	feed(&f, true, flight.at, flight.len);
	feed_end(&f);
	assert_int_equal(strncmp(f.log, "C- 0000 0300 0000 1 0 0 ", 24), 0);
	assert_non_null(strstr(f.log, " ja4=ts3i0100"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_in_pieces), cmocka_unit_test(test_tls12),
		cmocka_unit_test(test_server_first),   cmocka_unit_test(test_retry),
		cmocka_unit_test(test_alerts),         cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_long_hello),     cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_ssl2_form),      cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_every_byte_damaged),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_certificate_too_long),
		cmocka_unit_test(test_certificate_damaged),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_ech),
		cmocka_unit_test(test_ssl3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
