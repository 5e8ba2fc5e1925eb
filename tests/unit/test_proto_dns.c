// DNS over UDP and TCP, mDNS and LLMNR: names, records, what is refused, pieces, damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define QUERY "\x12\x34\x01\x00\0\1\0\0\0\0\0\0"
#define ANSWER(n) "\x12\x34\x81\x80\0\1\0" n "\0\0\0\0"
#define WWW "\3www\7example\3org\0"
#define RR(type, length) "\xc0\x0c\0" type "\0\1\0\0\0\x3c\0" length

static struct feed f;

struct message {
	const uint8_t *bytes;
	uint32_t len;
	const struct proto_ops *ops;
	uint16_t client_port, server_port;
	const char *log; // NULL: refused
};

static const struct message messages[] = {
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 40000, 53, "query 0 0 www.example.org 1/1\n"},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 40000, 5300, "query 0 0 www.example.org 1/1\n"},
	{BYTES(QUERY "\0\0\2\0\1"), &proto_dns, 40000, 53, "query 0 0 . 2/1\n"},
	{BYTES("\x12\x34\x01\x20\0\1\0\0\0\0\0\1" WWW "\0\x1c\0\1\0\0\x29\x10\0\0\0\0\0\0\0"), &proto_dns, 40000, 53,
	 "query 0 0 www.example.org 28/1 edns 0 4096 0000\n"}, // EDNS
	{BYTES("\x12\x34\x81\x80\0\1\0\0\0\1\0\2" WWW "\0\1\0\1" "\xc0\x10\0\2\0\1\0\0\0\x3c\0\5\2ns\xc0\x10"
	       "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
	       "\0\0\x29\4\xd0\1\0\x80\0\0\x32" "\0\3\0\2s1" "\0\x08\0\3\0\1\x18" "\0\x08\0\7\0\1\x18\0\xc0\0\2" "\0\x0a\0\x08\1\2\3\4\5\6\7\xff"
	       "\0\x0f\0\6\0\x12no\n." "\0\xff\0\0"), &proto_dns, 40000, 53,
	 "response 0 16 www.example.org 1/1 ^ example.org 2 60 ns.example.org + ns.example.org 1 60 192.0.2.1 edns 0 1232 8000 nsid=s1"
	 " subnet=192.0.2.0/24 cookie=01020304050607ff error 18 no\\x0a.\n"},
	{BYTES(QUERY "\5\xe1\x00.\\\n\4t.co\0\0\x0a\0\1"), &proto_dns, 40000, 53, "query 0 0 \\xe1\\x00.\\x5c\\x0a.t.co 10/1\n"}, // a tunnel
	{BYTES(ANSWER("\2") WWW "\0\1\0\1" "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\xc0\x10" "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"),
	 &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 1/1 | www.example.org 5 60 a.example.org | a.example.org 1 60 192.0.2.1\n"},
	{BYTES(ANSWER("\1") WWW "\0\x1c\0\1" RR("\x1c", "\x10") "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 28/1 | www.example.org 28 60 2001:db8::1\n"},
	{BYTES(ANSWER("\1") WWW "\0\x0f\0\1" RR("\x0f", "\7") "\0\x0a\2mx\xc0\x10"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 15/1 | www.example.org 15 60 10 mx.example.org\n"},
	{BYTES(ANSWER("\1") WWW "\0\x21\0\1" RR("\x21", "\7") "\0\1\0\2\x13\xc4\0"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 33/1 | www.example.org 33 60 1 2 5060 .\n"},
	{BYTES(ANSWER("\1") WWW "\0\x10\0\1" RR("\x10", "\7") "\3a\"b\0\1\xff"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 16/1 | www.example.org 16 60 a\"b  \\xff\n"},
	{BYTES(ANSWER("\1") WWW "\0\6\0\1" RR("\6", "\x1a") "\2ns\0\0" "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5" "\0"), &proto_dns,
	 40000, 53, "response 0 0 www.example.org 6/1 | www.example.org 6 60 026e730000000000010000000200000003000000040000000500\n"},
	{BYTES(ANSWER("\1") WWW "\0\6\0\1" RR("\6", "\x19") "\2ns\0\0" "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), &proto_dns, 40000,
	 53, "response 0 0 www.example.org 6/1 | www.example.org 6 60 ns . 1 2 3 4 5\n"},
	{BYTES(ANSWER("\1") WWW "\1\1\0\1" "\xc0\x0c\1\1\0\1\0\0\0\x3c\0\x0a" "\0\5issueca."), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 257/1 | www.example.org 257 60 0 issue \"ca.\"\n"},
	{BYTES(ANSWER("\1") WWW "\0\x41\0\1" RR("\x41", "\3") "\0\1\0"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 65/1 | www.example.org 65 60 1 .\n"},
	{BYTES(ANSWER("\1") WWW "\0\x41\0\1" RR("\x41", "\x41") "\0\1\1a\0" "\0\0\0\2\0\1" "\0\1\0\6\2h2\2h3" "\0\2\0\0" "\0\3\0\2\x20\xfb"
	       "\0\4\0\4\xc0\0\2\1" "\0\6\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" "\xff\xf0\0\2\1\2"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 65/1 | www.example.org 65 60 1 a mandatory=alpn alpn=h2,h3 no-default-alpn port=8443 ipv4hint=192.0.2.1"
	 " ipv6hint=2001:db8::1 key65520=0102\n"},
	{BYTES(ANSWER("\1") WWW "\0\x40\0\1" RR("\x40", "\x0d") "\0\1\0" "\0\3\0\2\0\1" "\0\2\0\0"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 64/1 | www.example.org 64 60 00010000030002000100020000\n"}, // keys are in order
	{BYTES(ANSWER("\1") WWW "\0\x23\0\1" RR("\x23", "\x12") "\0\x0a\0\x64\1u\7E2U+sip\2!!" "\0"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 35/1 | www.example.org 35 60 10 100 \"u\" \"E2U+sip\" \"!!\" .\n"},
	{BYTES(ANSWER("\1") WWW "\0\x2b\0\1" RR("\x2b", "\6") "\x12\x34\x08\2\xab\xcd"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 43/1 | www.example.org 43 60 4660 8 2 abcd\n"},
	{BYTES(ANSWER("\1") WWW "\0\x34\0\1" RR("\x34", "\5") "\3\1\1\xab\xcd"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 52/1 | www.example.org 52 60 3 1 1 abcd\n"},
	{BYTES(ANSWER("\1") WWW "\0\1\0\1" RR("\1", "\3") "\1\2\3"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 1/1 | www.example.org 1 60 010203\n"}, // an address of three bytes
	{BYTES(ANSWER("\1") WWW "\0\2\0\1" RR("\2", "\2") "\xc0\x2d"), &proto_dns, 40000, 53,
	 "response 0 0 www.example.org 2/1 | www.example.org 2 60 c02d\n"}, // points at itself
	{BYTES("\x12\x34\x81\x83\0\1\0\0\0\0\0\0" WWW "\0\1\0\1"), &proto_dns, 40000, 53, "response 0 3 www.example.org 1/1\n"},
	{BYTES("\x12\x34\x81\x85\0\0\0\0\0\0\0\0"), &proto_dns, 40000, 53, "response 0 5 0/0\n"}, // refused, nothing repeated
	{BYTES("\x12\x34\x29\x00\0\1\0\0\0\1\0\0" "\7example\3org\0\0\6\0\1" "\1a\xc0\x0c\0\1\0\xff\0\0\0\0\0\0"), &proto_dns, 40000, 53,
	 "query 5 0 example.org 6/1 ^ a.example.org 1 0\n"}, // update
	{BYTES(ANSWER("\1") WWW "\0\1\0\1" "\xc0\x0c\0\1\0\1\0\0"), &proto_dns, 40000, 53, "response 0 0 www.example.org 1/1\n"}, // cut
	{BYTES(ANSWER("\1") WWW "\0\1\0\1" "\xc0\x0c\0\1\0\1\0\0"), &proto_dns, 40000, 5300, NULL},
	{BYTES(QUERY "\x40www\0\0\1\0\1"), &proto_dns, 40000, 53, NULL},                       // obsolete label type
	{BYTES(QUERY "\xc0\x0c\0\1\0\1"), &proto_dns, 40000, 53, NULL},                        // a name that is itself
	{BYTES(QUERY "\xc0\x04\0\1\0\1"), &proto_dns, 40000, 53, NULL},                        // into the header
	{BYTES(QUERY "\1a\xc0\x20\0\1\0\1"), &proto_dns, 40000, 53, NULL},                     // forward
	{BYTES(QUERY WWW "\0\0\0\1"), &proto_dns, 40000, 53, NULL},                            // type 0
	{BYTES(QUERY WWW "\0\1\0\x77"), &proto_dns, 40000, 53, NULL},                          // class
	{BYTES(QUERY WWW "\0\1\0"), &proto_dns, 40000, 53, NULL},
	{BYTES("\x12\x34\x19\x00\0\1\0\0\0\0\0\0" WWW "\0\1\0\1"), &proto_dns, 40000, 53, NULL}, // opcode 3
	{BYTES("\x12\x34\x01\x40\0\1\0\0\0\0\0\0" WWW "\0\1\0\1"), &proto_dns, 40000, 5300, NULL}, // reserved bit
	{BYTES("\x12\x34\x01\x00\0\0\0\0\0\0\0\0"), &proto_dns, 40000, 53, NULL},
	{BYTES("\x12\x34\x01\x00\x01\x01\0\0\0\0\0\0" WWW "\0\1\0\1"), &proto_dns, 40000, 53, NULL}, // 257 questions
	{BYTES("\x12\x34\x81\x80\0\0\0\1\0\0\0\0"), &proto_dns, 40000, 53, NULL},
	{BYTES("\x12\x34\x01"), &proto_dns, 40000, 53, NULL},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 5353, 5353, NULL},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 40000, 5355, NULL},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 137, 137, "query 0 0 www.example.org 1/1\n"}, // ports are no proof
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_dns, 5353, 53, "query 0 0 www.example.org 1/1\n"},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_mdns, 40000, 53, NULL},
	{BYTES(QUERY WWW "\0\1\0\1"), &proto_llmnr, 40000, 53, NULL},
	{BYTES(QUERY "\4wpad\0\0\1\0\1"), &proto_llmnr, 40000, 5355, "query 0 0 wpad 1/1\n"},
	{BYTES("\0\0\0\0\0\3\0\1\0\0\0\0" "\5_http\4_tcp\5local\0\0\x0c\x80\1" "\4_ipp\xc0\x12\0\x0c\0\1" "\xc0\x0c\0\x0c\0\1"
	       "\xc0\x0c\0\x0c\0\1\0\0\x11\x94\0\4\1x\xc0\x0c"),
	 &proto_mdns, 5353, 5353,
	 "query 0 0 _http._tcp.local 12/1 | _http._tcp.local 12 4500 x._http._tcp.local\n"
	 "query 0 0 _ipp._tcp.local 12/1\nquery 0 0 _http._tcp.local 12/1\n"}, // an event for each question
	{BYTES("\0\0\x84\0\0\0\0\1\0\0\0\0" "\1h\5local\0\0\1\x80\1\0\0\0\x78\0\4\xc0\0\2\7"), &proto_mdns, 5353, 5353,
	 "response 0 0 0/0 | h.local 1 120 192.0.2.7\n"},
};

static void test_datagrams(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];

		feed_start(&f, m->ops, PROTO_UDP, m->client_port, m->server_port);
		feed(&f, true, m->bytes, m->len);
		if (f.refused != (m->log == NULL) || strcmp(f.log, m->log != NULL ? m->log : "") != 0)
			fail_msg("message %u: %s", i, f.log);
	}
}

// As a stream of two messages with their lengths before them: the same, in whatever pieces.
static void test_streams(void **state)
{
	static const uint32_t pieces[] = {65536, 1, 2, 3, 13, 40};
	char twice[1024];

	(void)state;
	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];
		uint8_t stream[1024];
		uint32_t len = 0;

		if (m->ops == &proto_mdns)
			continue;
		for (unsigned copy = 0; copy < 2; copy++) {
			stream[len++] = (uint8_t)(m->len >> 8);
			stream[len++] = (uint8_t)m->len;
			memcpy(stream + len, m->bytes, m->len);
			len += m->len;
		}
		snprintf(twice, sizeof(twice), "%s%s", m->log != NULL ? m->log : "", m->log != NULL ? m->log : "");
		for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			feed_start(&f, m->ops, PROTO_TCP, m->client_port, m->server_port);
			feed_pieces(&f, true, stream, len, pieces[p]);
			if (f.refused != (m->log == NULL) || strcmp(f.log, twice) != 0)
				fail_msg("message %u in pieces of %u: %s", i, pieces[p], f.log);
		}
	}
}

static void test_every_prefix_and_damage(void **state)
{
	uint8_t copy[1024];

	(void)state;
	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];

		for (uint32_t n = 0; n < m->len; n++) {
			feed_start(&f, m->ops, PROTO_UDP, m->client_port, m->server_port);
			feed(&f, true, m->bytes, n);
			memcpy(copy, m->bytes, m->len);
			for (unsigned value = 0; value < 256; value += 5) {
				copy[n] = (uint8_t)value;
				f.used = 0;
				feed(&f, true, copy, m->len);
			}
		}
		assert_true(f.reported < 100000);
	}
}

// Random bytes, off the protocol's port, are refused; on it nearly all are.
static void test_random_bytes(void **state)
{
	uint32_t random = 1, taken = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t bytes[64];

		for (unsigned k = 0; k < sizeof(bytes); k++) {
			random = random * 1664525 + 1013904223;
			bytes[k] = (uint8_t)(random >> 24);
		}
		for (unsigned l4 = PROTO_TCP; l4 <= PROTO_UDP; l4++) {
			feed_start(&f, &proto_dns, (enum proto_l4)l4, 40000, 40001);
			feed(&f, true, bytes, sizeof(bytes));
			assert_int_equal(f.reported, 0);
			feed_start(&f, &proto_dns, (enum proto_l4)l4, 40000, 53);
			feed(&f, true, bytes, sizeof(bytes));
			taken += f.reported;
		}
	}
	assert_in_range(taken, 0, 4);
}

static uint32_t name_put(uint8_t *out, unsigned labels, uint8_t size)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < labels; i++) {
		out[n++] = size;
		memset(out + n, 'a', size);
		n += size;
	}
	out[n++] = 0;
	return n;
}

static uint32_t query_put(uint8_t *out, unsigned labels, uint8_t size)
{
	uint32_t n = 12;

	memcpy(out, QUERY, n);
	n += name_put(out + n, labels, size);
	memcpy(out + n, "\0\1\0\1", 4);
	return n + 4;
}

static void test_name_limit(void **state)
{
	uint8_t bytes[512];

	(void)state;
	feed_start(&f, &proto_dns, PROTO_UDP, 40000, 53);
	feed(&f, true, bytes, query_put(bytes, 127, 1)); // 255 bytes on the wire
	assert_int_equal(f.reported, 1);
	assert_int_equal(strlen(f.log), strlen("query 0 0  1/1\n") + 253);
	feed_start(&f, &proto_dns, PROTO_UDP, 40000, 53);
	feed(&f, true, bytes, query_put(bytes, 4, 63)); // 257
	assert_true(f.refused);
}

// A chain of pointers, each to the one before: followed so far and no further.
static void test_pointer_chain(void **state)
{
	static uint8_t bytes[4096];

	(void)state;
	for (unsigned jumps = 1; jumps < 200; jumps++) {
		uint32_t n = 12, before;

		memcpy(bytes, "\x12\x34\x01\x00\0\2\0\0\0\0\0\0", 12);
		n += name_put(bytes + n, 1, 1);
		memcpy(bytes + n, "\0\1\0\1", 4);
		n += 4;
		bytes[5] = (uint8_t)(jumps + 1);
		before = 12;
		for (unsigned i = 0; i < jumps; i++) {
			uint32_t here = n;

			bytes[n++] = (uint8_t)(0xc0 | before >> 8);
			bytes[n++] = (uint8_t)before;
			memcpy(bytes + n, "\0\1\0\1", 4);
			n += 4;
			before = here;
		}
		feed_start(&f, &proto_dns, PROTO_UDP, 40000, 53);
		feed(&f, true, bytes, n);
		assert_int_equal(f.reported, jumps <= 32);
	}
}

// More answers than a record has rows, in a message longer than is read: counted, bounded, the next message is found.
static void test_long_stream_message(void **state)
{
	static uint8_t bytes[40000];
	uint32_t n = 2;

	(void)state;
	memcpy(bytes + n, "\x12\x34\x81\x80\0\1\7\xd0\0\0\0\0" WWW "\0\1\0\1", 12 + 17 + 4);
	n += 12 + 17 + 4;
	for (unsigned i = 0; i < 2000; i++) {
		memcpy(bytes + n, RR("\1", "\4") "\xc0\0\2\1", 16);
		n += 16;
	}
	bytes[0] = (uint8_t)((n - 2) >> 8);
	bytes[1] = (uint8_t)(n - 2);
	memcpy(bytes + n, "\0\x21" QUERY WWW "\0\1\0\1", 2 + 33);
	for (uint32_t piece = 100; piece < 70000; piece *= 5) {
		feed_start(&f, &proto_dns, PROTO_TCP, 40000, 53);
		feed_pieces(&f, false, bytes, n + 35, piece);
		assert_int_equal(f.reported, 2);
		assert_non_null(strstr(f.log, "\nquery 0 0 www.example.org 1/1\n"));
	}
}

// A stream with a hole goes on at a later message.
static void test_goes_on_after_a_gap(void **state)
{
	(void)state;
	feed_start(&f, &proto_dns, PROTO_TCP, 40000, 53);
	feed(&f, true, BYTES("\0\x21" QUERY WWW "\0\1\0\1"));
	feed(&f, true, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
	feed(&f, true, BYTES("\0\x21" QUERY WWW "\0\1\0\1"));
	assert_int_equal(f.reported, 2);
	assert_false(f.over);
}

// An answer knows how long it took: that of its own question, of the same flow, and once.
static void test_time_of_answer(void **state)
{
	(void)state;
	feed_start(&f, &proto_dns, PROTO_UDP, 40000, 53);
	f.hint.time_ns = 1 << 20;
	feed(&f, true, BYTES(QUERY WWW "\0\1\0\1"));
	f.hint.time_ns = 2 << 20;
	feed(&f, true, BYTES("\x12\x35\1\0\0\1\0\0\0\0\0\0" WWW "\0\1\0\1"));
	feed(&f, true, BYTES(QUERY WWW "\0\1\0\1")); // again
	f.hint.time_ns = 5 << 20;
	feed(&f, false, BYTES(ANSWER("\0") WWW "\0\1\0\1"));
	feed(&f, false, BYTES(ANSWER("\0") WWW "\0\1\0\1"));
	assert_string_equal(f.log + strlen("query 0 0 www.example.org 1/1\n") * 3,
			    "response 0 0 www.example.org 1/1 after 4194304\nresponse 0 0 www.example.org 1/1\n");
}

static void test_names_of_protocols(void **state)
{
	(void)state;
	assert_string_equal(proto_name(0), "unknown");
	assert_string_equal(proto_name(proto_count), "unknown");
	assert_null(proto_list[0]);
	for (unsigned i = 1; i < proto_count; i++) {
		assert_true(proto_list[i]->l4 != 0 && proto_list[i]->max_payloads > 0);
		assert_non_null(proto_list[i]->dissect);
		assert_true(*proto_list[i]->title != 0 && *proto_list[i]->spec != 0);
		assert_string_equal(proto_name(i), proto_list[i]->name);
		for (unsigned k = 1; k < i; k++)
			assert_string_not_equal(proto_name(i), proto_name(k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),    cmocka_unit_test(test_streams),
		cmocka_unit_test(test_every_prefix_and_damage), cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_name_limit),   cmocka_unit_test(test_pointer_chain),
		cmocka_unit_test(test_long_stream_message), cmocka_unit_test(test_goes_on_after_a_gap),
		cmocka_unit_test(test_time_of_answer), cmocka_unit_test(test_names_of_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
