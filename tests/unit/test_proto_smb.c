// SMB, RDP and VNC: a negotiation and a share of SMB2, whole, in pieces and cut; what looks like it; and every byte of it damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

enum { MESSAGE_MAX = 256, HEAD = 68 };

struct message {
	uint8_t bytes[MESSAGE_MAX];
	uint32_t length;
};

static struct message message_of(uint8_t command, bool response, uint8_t id, const void *body, uint32_t length)
{
	struct message m = {.bytes = {[4] = 0xfe, 'S', 'M', 'B', 64}, .length = HEAD + length};

	m.bytes[3] = (uint8_t)(64 + length);
	m.bytes[16] = command;
	m.bytes[20] = response;
	m.bytes[28] = id;
	m.bytes[40] = 7;
	m.bytes[44] = 9;
	memcpy(m.bytes + HEAD, body, length);
	return m;
}

static void messages_make(struct message out[4])
{
	static const uint8_t offer[40] = {36, 0, 2, 0, [36] = 0x02, 0x02, 0x11, 0x03};
	static const uint8_t chosen[65] = {65, 0, 0, 0, 0x11, 0x03, [28] = 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 16};
	static const uint8_t tree[16] = {9, 0, 0, 0, 72, 0, 8, 0, '\\', 0, 'a', 0, 0xe9, 0, 'b', 0};
	static const uint8_t shared[16] = {16, 0, 1, 0};

	out[0] = message_of(0, false, 1, offer, sizeof(offer));
	out[1] = message_of(0, true, 1, chosen, sizeof(chosen));
	out[2] = message_of(3, false, 2, tree, sizeof(tree));
	out[3] = message_of(3, true, 2, shared, sizeof(shared));
}

static void speak(struct feed *f, const struct message *said, unsigned count, uint32_t piece)
{
	feed_start(f, &proto_smb, PROTO_TCP, 40000, 445);
	for (unsigned i = 0; i < count; i++)
		feed_pieces(f, i % 2 == 0, said[i].bytes, said[i].length, piece);
}

static void a_share(void **state)
{
	static struct feed f;
	struct message said[4];

	(void)state;
	messages_make(said);
	for (uint32_t piece = 1; piece < MESSAGE_MAX; piece += piece < 8 ? 1 : 50) {
		speak(&f, said, 4, piece);
		feed_end(&f);
		assert_int_equal(f.reported, 3);
		assert_non_null(strstr(f.log, "\"dialect\":\"3.11\",\"command\":\"SMB2_COMMAND_NEGOTIATE_PROTOCOL\",\"status\":\"STATUS_SUCCESS\""));
		assert_non_null(strstr(f.log, "\"dialect\":[\"2.02\",\"3.11\"]"));
		assert_non_null(strstr(f.log, "\"client_dialects\":[\"2.02\",\"3.11\"]"));
		assert_non_null(strstr(f.log, "\"session_id\":9,\"tree_id\":7"));
		assert_non_null(strstr(f.log, "a\\\\xc3\\\\xa9b\",\"share_type\":\"FILE\""));
	}
}

static void cut_and_damaged(void **state)
{
	static struct feed f;
	struct message said[4], hurt;

	(void)state;
	messages_make(said);
	for (unsigned i = 0; i < 4; i++)
		for (uint32_t at = 0; at < said[i].length; at++) {
			speak(&f, said, i, MESSAGE_MAX);
			feed(&f, i % 2 == 0, said[i].bytes, at);
			feed_end(&f);
			hurt = said[i];
			hurt.bytes[at] ^= 0xff;
			speak(&f, said, i, MESSAGE_MAX);
			feed(&f, i % 2 == 0, hurt.bytes, hurt.length);
			feed_end(&f);
		}
}

static void look_alikes(void **state)
{
	static const char *const likes[] = {"\0\0\0\x40\xfeSMC", "\0\0\0\x08\xfeSMB", "\x81\0\0\x44\x20zz", "\x82\0\0\0"};
	static const uint32_t lengths[] = {8, 8, 72, 4};
	static struct feed f;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t bytes[72] = {0};

		memcpy(bytes, likes[i], lengths[i] < 7 ? lengths[i] : 7);
		feed_start(&f, &proto_smb, PROTO_TCP, 40000, 445);
		bytes[7] = (uint8_t)(i == 0 ? 'C' : 'B');
		feed(&f, true, bytes, lengths[i]);
		assert_false(f.hint.claimed);
	}
}

// The rest of the conversation is for TLS.
static void a_desktop(void **state)
{
	static const uint8_t asks[] = "\3\0\0\x27\x22\xe0\0\0\0\0\0Cookie: mstshash=a\r\n\1\0\x08\0\3\0\0";
	static const uint8_t agrees[] = "\3\0\0\x13\x0e\xd0\0\0\1\2\0\2\0\x08\0\2\0\0";
	static struct feed f;

	(void)state;
	for (uint32_t piece = 1; piece < 40; piece++) {
		feed_start(&f, &proto_rdp, PROTO_TCP, 40000, 3389);
		feed_pieces(&f, true, asks, sizeof(asks), piece);
		feed_pieces(&f, false, agrees, sizeof(agrees), piece);
		assert_true(f.next);
		assert_int_equal(f.reported, 2);
		assert_non_null(strstr(f.log, "\"initial_request\",\"cookie\":\"a\",\"protocols\":[\"ssl\",\"hybrid\"]"));
		assert_non_null(strstr(f.log, "\"initial_response\",\"protocols\":[\"hybrid\"]"));
	}
	for (uint32_t at = 0; at < sizeof(asks); at++) {
		uint8_t hurt[sizeof(asks)];

		memcpy(hurt, asks, sizeof(asks));
		hurt[at] ^= 0xff;
		feed_start(&f, &proto_rdp, PROTO_TCP, 40000, 3389);
		feed(&f, true, hurt, sizeof(hurt));
		feed(&f, false, agrees, sizeof(agrees));
		feed_end(&f);
	}
}

static void a_screen(void **state)
{
	static const uint8_t init[] = "\4\0\3\0................\0\0\0\4desk";
	static struct feed f;

	(void)state;
	for (uint32_t piece = 1; piece < 30; piece++) {
		feed_start(&f, &proto_vnc, PROTO_TCP, 40000, 5901);
		feed_pieces(&f, false, "RFB 003.008\n", 12, piece);
		feed_pieces(&f, true, "RFB 003.008\n", 12, piece);
		feed_pieces(&f, false, "\2\1\2", 3, piece);
		feed_pieces(&f, true, "\2", 1, piece);
		feed_pieces(&f, false, "0123456789abcdef", 16, piece);
		feed_pieces(&f, true, "fedcba9876543210", 16, piece);
		feed_pieces(&f, false, "\0\0\0\0", 4, piece);
		feed_pieces(&f, true, "\1", 1, piece);
		feed_pieces(&f, false, init, sizeof(init) - 1, piece);
		assert_int_equal(f.reported, 1);
		assert_non_null(strstr(f.log, "\"security_type\":2"));
		assert_non_null(strstr(f.log, "\"width\":1024,\"height\":768,\"name\":\"desk\""));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share),
		cmocka_unit_test(cut_and_damaged),
		cmocka_unit_test(look_alikes),
		cmocka_unit_test(a_desktop),
		cmocka_unit_test(a_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
