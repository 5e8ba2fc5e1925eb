// DTLS: hellos in one piece, in fragments in any order, after a cookie, of version 1.3; cut, damaged, refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

enum { DATAGRAM_MAX = 4096, V10 = 0xfeff, V12 = 0xfefd, CCS = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, VERIFY_REQUEST = 3, CERTIFICATE = 11, HELLO_DONE = 14 };

static struct feed f;

struct bytes {
	uint8_t at[DATAGRAM_MAX];
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

static void extension_put(struct bytes *b, uint16_t type, const char *data, uint16_t len)
{
	put(b, type, 2);
	put(b, len, 2);
	put_bytes(b, data, len);
}

static void client_hello_make(struct bytes *b, const char *cookie, bool latest)
{
	uint32_t extensions;

	b->len = 0;
	put(b, V12, 2);
	for (unsigned i = 0; i < 32; i++)
		put(b, i, 1);
	put(b, 0, 1);
	put(b, strlen(cookie), 1);
	put_bytes(b, cookie, (uint32_t)strlen(cookie));
	put(b, 4, 2);
	put(b, 0x1301c02b, 4);
	put(b, 0x0100, 2);
	extensions = b->len;
	put(b, 0, 2);
	extension_put(b, 0, "\0\x12\0\0\x0f" "cam.example.org", 20);
	extension_put(b, 10, "\0\4\0\x1d\0\x17", 6);
	extension_put(b, 16, "\0\x09\x08webrtc-x", 11);
	if (latest)
		extension_put(b, 43, "\4\xfe\xfc\xfe\xfd", 5);
	b->at[extensions] = (uint8_t)((b->len - extensions - 2) >> 8);
	b->at[extensions + 1] = (uint8_t)(b->len - extensions - 2);
}

static void server_hello_make(struct bytes *b, bool latest)
{
	b->len = 0;
	put(b, V12, 2);
	for (unsigned i = 0; i < 32; i++)
		put(b, 7, 1);
	put(b, 0, 1);
	put(b, latest ? 0x1301 : 0xc02b, 2);
	put(b, 0, 1);
	put(b, latest ? 6 : 5, 2);
	if (latest)
		extension_put(b, 43, "\xfe\xfc", 2);
	else
		extension_put(b, 0xff01, "", 1);
}

static void put_record(struct bytes *out, uint8_t content, uint16_t version, uint16_t epoch, const void *body, uint16_t len)
{
	put(out, content, 1);
	put(out, version, 2);
	put(out, epoch, 2);
	put(out, out->len, 6);
	put(out, len, 2);
	put_bytes(out, body, len);
}

static void put_fragment(struct bytes *out, uint8_t type, uint16_t sequence, const struct bytes *message, uint32_t at, uint32_t len)
{
	struct bytes body = {.len = 0};

	if (len > message->len - at)
		len = message->len - at;
	put(&body, type, 1);
	put(&body, message->len, 3);
	put(&body, sequence, 2);
	put(&body, at, 3);
	put(&body, len, 3);
	put_bytes(&body, message->at + at, len);
	put_record(out, HANDSHAKE, V12, 0, body.at, (uint16_t)body.len);
}

static void feed_message(bool to_server, uint8_t type, uint16_t sequence, const struct bytes *message)
{
	struct bytes out = {.len = 0};

	put_fragment(&out, type, sequence, message, 0, message->len);
	feed(&f, to_server, out.at, out.len);
}

static void start(void)
{
	feed_start(&f, &proto_dtls, PROTO_UDP, 40000, 4433);
}

#define ASKED " sni=cam.example.org alpn=webrtc-x"
#define NAME " name=cam.example.org\n"
#define JA3 " ja3=a5eadc96758d39329358621f0b67551e"
#define JA4 " ja4=dd2d0203wx_777cda164f4b_a8f3e973773c"

static const char whole[] = "CS fefd fefd c02b 2 3 0" ASKED JA3 " ja3s=475463012414e4f7120fa2ab37109e8f" JA4 NAME;
static const char lone[] = "C- 0000 fefd 0000 2 3 0" ASKED JA3 JA4 NAME;
static const char latest_log[] = "CS fefc fefc 1301 2 4 0" ASKED " ja3=c04d6be691a9d930d12c5cdbff458c1e ja3s=b7615e60dc563582ce46fdd66b0f9616"
				 " ja4=dd3d0204wx_777cda164f4b_b0ac53b37fa7" NAME;

static const struct bytes none = {.len = 0};

static void log_must(const char *text)
{
	if (strcmp(f.log, text) != 0)
		fail_msg("%s", f.log);
}

// The server asks for a cookie first.
static void cookie(void **state)
{
	struct bytes hello, answer, verify = {.len = 0};

	(void)state;
	start();
	client_hello_make(&hello, "", false);
	feed_message(true, CLIENT_HELLO, 0, &hello);
	put(&verify, V10, 2);
	put(&verify, 0x0461626364, 5);
	feed_message(false, VERIFY_REQUEST, 0, &verify);
	client_hello_make(&hello, "abcd", false);
	feed_message(true, CLIENT_HELLO, 1, &hello);
	server_hello_make(&answer, false);
	feed_message(false, SERVER_HELLO, 1, &answer);
	assert_false(f.over);
	feed_message(false, HELLO_DONE, 2, &none);
	assert_true(f.over);
	log_must(whole);
}

static void latest(void **state)
{
	struct bytes hello, answer;

	(void)state;
	start();
	client_hello_make(&hello, "", true);
	feed_message(true, CLIENT_HELLO, 0, &hello);
	server_hello_make(&answer, true);
	feed_message(false, SERVER_HELLO, 0, &answer);
	assert_true(f.over);
	log_must(latest_log);
}

static void fragments(void **state)
{
	struct bytes hello, answer;

	(void)state;
	client_hello_make(&hello, "abcd", false);
	server_hello_make(&answer, false);
	for (uint32_t size = 5; size < hello.len; size += 9)
		for (unsigned backwards = 0; backwards < 2; backwards++) {
			uint32_t count = (hello.len + size - 1) / size;

			start();
			for (uint32_t i = 0; i < count; i++) {
				struct bytes out = {.len = 0};

				put_fragment(&out, CLIENT_HELLO, 1, &hello, (backwards ? count - 1 - i : i) * size, size);
				feed(&f, true, out.at, out.len);
				feed(&f, true, out.at, out.len); // twice
			}
			for (uint32_t at = 0; at < answer.len; at += size) {
				struct bytes out = {.len = 0};

				put_fragment(&out, SERVER_HELLO, 1, &answer, at, size);
				feed(&f, false, out.at, out.len);
			}
			feed_message(false, HELLO_DONE, 2, &none);
			if (2 * count + answer.len / size < 48) { // with more datagrams the wait is over before
				assert_true(f.over);
				log_must(whole);
			}
		}
}

static void alone(void **state)
{
	struct bytes hello, data = {.len = 0};

	(void)state;
	client_hello_make(&hello, "", false);
	start();
	feed_message(true, CLIENT_HELLO, 0, &hello);
	feed_end(&f);
	log_must(lone);
	put_record(&data, DATA, V12, 1, "0123456789", 10);
	start(); // the client goes on without the server's hello
	feed_message(true, CLIENT_HELLO, 0, &hello);
	feed(&f, true, data.at, data.len);
	assert_true(f.over);
	log_must(lone);
	start(); // from the middle
	feed(&f, false, data.at, data.len);
	assert_true(f.over);
	assert_false(f.refused);
	log_must("");
}

// A list of two certificates, of which only the lengths make sense.
static void certificate_make(struct bytes *b)
{
	b->len = 0;
	put(b, 1000 + 3 + 500 + 3, 3);
	put(b, 1000, 3);
	memset(b->at + b->len, 0x30, 1000);
	b->len += 1000;
	put(b, 500, 3);
	memset(b->at + b->len, 0xff, 500);
	b->len += 500;
}

static void certificates(void **state)
{
	struct bytes hello, answer, chain, out = {.len = 0};

	(void)state;
	client_hello_make(&hello, "", false);
	server_hello_make(&answer, false);
	certificate_make(&chain);
	for (uint32_t said = 600; said <= 1800; said += 600) { // how much comes before the next message
		start();
		feed_message(true, CLIENT_HELLO, 0, &hello);
		feed_message(false, SERVER_HELLO, 0, &answer);
		for (uint32_t at = 0; at < said && at < chain.len; at += 200) {
			out.len = 0;
			put_fragment(&out, CERTIFICATE, 1, &chain, at, 200);
			feed(&f, false, out.at, out.len);
		}
		assert_int_equal(f.over, said > chain.len);
		feed_message(false, HELLO_DONE, 3, &none);
		assert_true(f.over);
		assert_int_equal(f.reported, 1);
		assert_int_equal(strstr(f.log, "chain=2") != NULL, said > chain.len);
		assert_int_equal(strstr(f.log, "chain=1") != NULL, said == 1200);
	}
}

static void ends(void **state)
{
	struct bytes hello, answer, out = {.len = 0};

	(void)state;
	client_hello_make(&hello, "", false);
	put_record(&out, ALERT, V12, 0, "\2\x28", 2);
	start();
	feed_message(true, CLIENT_HELLO, 0, &hello);
	feed(&f, false, out.at, out.len);
	assert_true(f.over);
	assert_non_null(strstr(f.log, "fatal handshake_failure"));
	server_hello_make(&answer, false);
	out.len = 0;
	put_record(&out, CCS, V12, 0, "\1", 1);
	put_record(&out, HANDSHAKE, V12, 1, "sealed", 6);
	start();
	feed_message(true, CLIENT_HELLO, 0, &hello);
	feed_message(false, SERVER_HELLO, 0, &answer);
	feed(&f, false, out.at, out.len);
	assert_true(f.over);
	assert_non_null(strstr(f.log, "resumed"));
}

static void look_alikes(void **state)
{
	struct bytes hello, out = {.len = 0};

	(void)state;
	client_hello_make(&hello, "", false);
	put_fragment(&out, CLIENT_HELLO, 0, &hello, 0, hello.len);
	for (uint32_t len = 1; len < out.len; len++) { // captured in part: no event, no crash
		start();
		feed(&f, true, out.at, len);
		feed_end(&f);
		assert_int_equal(f.reported, 0);
		assert_int_equal(f.refused, len < 25);
	}
	for (uint32_t at = 0; at < 25; at++) { // each byte of the headers matters, but the sequence numbers
		bool matters = at < 5 || (at >= 11 && at < 17) || at > 18;

		out.at[at] ^= 0x60;
		start();
		feed(&f, true, out.at, out.len);
		feed_end(&f);
		if (matters)
			assert_int_equal(f.reported, 0);
		out.at[at] ^= 0x60;
	}
	out.at[out.len++] = 0; // a byte that is no record
	start();
	feed(&f, true, out.at + 13, out.len - 13);
	assert_true(f.refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookie),
		cmocka_unit_test(latest),
		cmocka_unit_test(fragments),
		cmocka_unit_test(alone),
		cmocka_unit_test(certificates),
		cmocka_unit_test(ends),
		cmocka_unit_test(look_alikes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
