// SSH: version lines, KEXINIT of both sides in any order and any pieces, what is agreed on, what is refused.
#include "proto_lines_talk.h"

#define CLIENT_VERSION "SSH-2.0-client_1 a comment\r\n"
#define SERVER_VERSION "SSH-2.0-server\n"
#define CLIENT_SAID "\"client\":{\"proto_version\":\"2.0\",\"software_version\":\"client_1 a comment\""
#define SERVER_SAID "\"server\":{\"proto_version\":\"2.0\",\"software_version\":\"server\""
#define CLIENT_HASSH ",\"hassh\":{\"hash\":\"17a10deac799c2d8ecbd0f7992e92255\",\"string\":\"curve,dh14;aes,gcm;mac1,mac2;none\"}"
#define SERVER_HASSH ",\"hassh\":{\"hash\":\"f0d5472172ed2ab3de3f1fc3cfd5b3ae\",\"string\":\"dh14,other;gcm;mac2;zlib,none\"}"
#define CHOSEN ",\"kex_alg\":\"dh14\",\"host_key_alg\":\"rsa\",\"cipher_alg\":\"aes\",\"mac_alg\":\"mac2\",\"compression_alg\":\"none\""

enum { PACKET_ROOM = 4096, PADDING = 6 };

static struct feed f;
static bool ended;

struct packet {
	uint8_t bytes[PACKET_ROOM];
	uint32_t len;
};

// kex, host key, then cipher, MAC and compression, each to the server and to the client, and two languages.
static const char *const client_lists[10] = {"curve,dh14", "ed,rsa", "aes,gcm", "no", "mac1,mac2", "no", "none", "no", "", ""};
static const char *const server_lists[10] = {"dh14,other", "rsa,ed25", "gcm,aes", "gcm", "mac2", "mac2", "none", "zlib,none", "", ""};
static struct packet client_kexinit, server_kexinit;

static void number_put(struct packet *p, uint32_t value)
{
	for (unsigned shift = 32; shift > 0;)
		p->bytes[p->len++] = (uint8_t)(value >> (shift -= 8));
}

static void kexinit_make(struct packet *p, const char *const *lists)
{
	memset(p, 0, sizeof(*p));
	p->len = 4;
	p->bytes[p->len++] = PADDING;
	p->bytes[p->len++] = 20;
	p->len += 16;
	for (unsigned i = 0; i < 10; i++) {
		number_put(p, (uint32_t)strlen(lists[i]));
		memcpy(p->bytes + p->len, lists[i], strlen(lists[i]));
		p->len += (uint32_t)strlen(lists[i]);
	}
	p->len += 5 + PADDING;
	p->bytes[2] = (uint8_t)((p->len - 4) >> 8);
	p->bytes[3] = (uint8_t)(p->len - 4);
}

static int made(void **state)
{
	(void)state;
	kexinit_make(&client_kexinit, client_lists);
	kexinit_make(&server_kexinit, server_lists);
	return 0;
}

static void say(bool to_server, const char *text, uint32_t piece)
{
	feed_pieces(&f, to_server, text, (uint32_t)strlen(text), piece);
}

static void kexinit(bool to_server, uint32_t piece)
{
	const struct packet *p = to_server ? &client_kexinit : &server_kexinit;

	feed_pieces(&f, to_server, p->bytes, p->len, piece);
}

static void both(bool client_first, uint32_t piece)
{
	feed_start(&f, &proto_ssh, PROTO_TCP, 40000, 22);
	say(client_first, client_first ? CLIENT_VERSION : SERVER_VERSION, piece);
	say(!client_first, client_first ? SERVER_VERSION : CLIENT_VERSION, piece);
	kexinit(client_first, piece);
	kexinit(!client_first, piece);
	ended = f.over;
	feed_end(&f);
}

static void conversations(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece < 1000; piece = piece * 2 + 1)
		for (int client_first = 0; client_first < 2; client_first++) {
			both(client_first != 0, piece);
			assert_true(ended);
			assert_string_equal(f.log, "ssh {\"ssh\":{" CLIENT_SAID CLIENT_HASSH "}," SERVER_SAID SERVER_HASSH "}" CHOSEN "}}\n");
		}
}

// The server talks before its version line; the client sends all it has at once.
static void one_segment(void **state)
{
	static uint8_t whole[PACKET_ROOM];

	(void)state;
	memcpy(whole, CLIENT_VERSION, sizeof(CLIENT_VERSION) - 1);
	memcpy(whole + sizeof(CLIENT_VERSION) - 1, client_kexinit.bytes, client_kexinit.len);
	feed_start(&f, &proto_ssh, PROTO_TCP, 40000, 22);
	feed(&f, true, whole, (uint32_t)sizeof(CLIENT_VERSION) - 1 + client_kexinit.len);
	feed(&f, true, "\0\0\0\x1c", 4);
	say(false, "Be warned.\r\n" SERVER_VERSION, 65536);
	kexinit(false, 65536);
	feed_end(&f);
	assert_string_equal(f.log, "ssh {\"ssh\":{" CLIENT_SAID CLIENT_HASSH "}," SERVER_SAID SERVER_HASSH "}" CHOSEN "}}\n");
}

static void one_side(void **state)
{
	(void)state;
	feed_start(&f, &proto_ssh, PROTO_TCP, 40000, 22);
	say(false, SERVER_VERSION, 5);
	kexinit(false, 100);
	feed(&f, false, "\0\0\0\x1c", 4);
	assert_false(f.over);
	feed_end(&f);
	assert_string_equal(f.log, "ssh {\"ssh\":{" SERVER_SAID SERVER_HASSH "}}}\n");
}

static void first_version(void **state)
{
	(void)state;
	feed_start(&f, &proto_ssh, PROTO_TCP, 40000, 22);
	say(false, "SSH-1.5-old\n", 65536);
	say(true, "SSH-1.5-older\n", 65536);
	assert_true(f.over);
	assert_string_equal(f.log, "ssh {\"ssh\":{\"client\":{\"proto_version\":\"1.5\",\"software_version\":\"older\"},"
				   "\"server\":{\"proto_version\":\"1.5\",\"software_version\":\"old\"}}}\n");
}

static void authenticated_ciphers(void **state)
{
	static const char *const lists[10] = {"a", "b", "chacha20-poly1305@openssh.com", "c", "mac", "mac", "none", "none", "", ""};

	(void)state;
	kexinit_make(&client_kexinit, lists);
	kexinit_make(&server_kexinit, lists);
	both(true, 65536);
	assert_non_null(strstr(f.log, "\"cipher_alg\":\"chacha20-poly1305@openssh.com\",\"compression_alg\":\"none\"}}\n"));
	made(NULL);
}

// A KEXINIT that is none ends its side and nothing else.
static void damage(void **state)
{
	(void)state;
	for (uint32_t at = 0; at < client_kexinit.len; at++) {
		client_kexinit.bytes[at] ^= 0x80;
		both(true, 65536);
		assert_int_equal(f.reported, 1);
		client_kexinit.bytes[at] ^= 0x80;
	}
	for (uint32_t len = 0; len < client_kexinit.len; len++) {
		feed_start(&f, &proto_ssh, PROTO_TCP, 40000, 22);
		say(true, CLIENT_VERSION, 65536);
		feed(&f, true, client_kexinit.bytes, len);
		feed_end(&f);
		assert_string_equal(f.log, "ssh {\"ssh\":{" CLIENT_SAID "}}}\n");
	}
}

// Lists longer than there is room for: the digest is of all of it, nothing is said to be agreed on.
static void long_lists(void **state)
{
	static char names[2000];
	const char *lists[10] = {names, "b", "c", "d", "e", "f", "g", "h", "", ""};

	(void)state;
	memset(names, 'n', sizeof(names) - 1);
	kexinit_make(&client_kexinit, lists);
	kexinit_make(&server_kexinit, lists);
	both(false, 65536);
	assert_non_null(strstr(f.log, "\"hash\":"));
	assert_null(strstr(f.log, "kex_alg"));
	made(NULL);
}

static const struct talk_like likes[] = {
	{'s', "SSH-\r\n"}, {'s', "SSH-2.0\r\n"}, {'s', "SSH-x.y-z\r\n"}, {'s', "SSH-2-z\r\n"}, {'s', "SSH-2.0-\x01\r\n"}, {'s', "SSX-2.0-a\r\n"},
	{'c', "SIP/2.0 200 OK\r\n"}, {'c', "SSH"}, {'c', "\n"},
};

static void look_alikes(void **state)
{
	(void)state;
	talks_refused(&f, &proto_ssh, likes, sizeof(likes) / sizeof(likes[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations), cmocka_unit_test(one_segment), cmocka_unit_test(one_side), cmocka_unit_test(first_version),
		cmocka_unit_test(authenticated_ciphers), cmocka_unit_test(damage), cmocka_unit_test(long_lists), cmocka_unit_test(look_alikes),
	};

	return cmocka_run_group_tests(tests, made, NULL);
}
