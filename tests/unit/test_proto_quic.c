// QUIC: the examples of RFC 9001 and RFC 9369; hellos in pieces, in any order, over many packets; a retry, another version, damage,
// look-alikes. Packets are sealed here by libcrypto, so the code under test does not check itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "proto/proto_pieces.h"
#include "proto/proto_quic_aes.h"
#include "proto/proto_quic_frames.h"
#include "proto/proto_quic_keys.h"
#include "proto_feed.h"

enum { V1 = 1, V2 = 0x6b3343cf, DRAFT_29 = 0xff00001d, Q050 = 0x51303530, DATAGRAM_MAX = 8192, TAG = 16, CLIENT_BYTES = 1200 };

static struct feed f;

struct bytes {
	uint8_t at[DATAGRAM_MAX];
	uint32_t len;
};

static uint8_t digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_hex(struct bytes *b, const char *text)
{
	for (; text[0] != '\0'; text += 2)
		b->at[b->len++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
}

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

static void put_zeros(struct bytes *b, uint32_t len)
{
	memset(b->at + b->len, 0, len);
	b->len += len;
}

static void must_hex(const uint8_t *bytes, uint32_t len, const char *text)
{
	struct bytes b = {.len = 0};

	put_hex(&b, text);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.at, bytes, len);
}

// ---- sealing ----

// The ClientHello and the ServerHello of RFC 9001, appendix A.2 and A.3.
static const char client_hello[] =
	"010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578616d70"
	"6c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4"
	"559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c000240010039"
	"00320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
static const char server_hello[] =
	"020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60"
	"993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304";
static const char dcid[] = "8394c8f03e515708";

struct packet {
	uint32_t version;
	bool server;
	const char *key_id, *to, *from; // in hexadecimal; key_id: that the keys follow from
	uint32_t number;
};

// head: the header, packet number of four bytes included; becomes the whole packet.
static void seal(const struct quic_keys *keys, uint32_t number, struct bytes *head, const struct bytes *plain)
{
	uint8_t nonce[QUIC_IV_BYTES], mask[AES_BLOCK_BYTES], *body = head->at + head->len;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned i = 0; i < 4; i++)
		nonce[11 - i] ^= (uint8_t)(number >> 8 * i);
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, keys->key, nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(c, NULL, &n, head->at, (int)head->len), 1);
	assert_int_equal(EVP_EncryptUpdate(c, body, &n, plain->at, (int)plain->len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, body + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, body + plain->len), 1);
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, keys->mask, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(c, mask, &n, body, AES_BLOCK_BYTES), 1);
	EVP_CIPHER_CTX_free(c);
	head->at[0] ^= mask[0] & 0x0f;
	for (unsigned i = 0; i < 4; i++)
		head->at[head->len - 4 + i] ^= mask[1 + i];
	head->len += plain->len + TAG;
}

static void put_id(struct bytes *b, const char *id)
{
	put(b, strlen(id) / 2, 1);
	put_hex(b, id);
}

// An Initial packet behind what is in the datagram.
static void put_initial(struct bytes *datagram, const struct packet *p, const struct bytes *plain)
{
	struct quic_version version = quic_version_of(p->version);
	struct bytes key_id = {.len = 0}, head = {.len = 0};
	struct quic_keys keys;

	put_hex(&key_id, p->key_id);
	quic_keys_make(&version, span_of(key_id.at, key_id.len), p->server, &keys);
	put(&head, version.second ? 0xd3 : 0xc3, 1);
	put(&head, p->version, 4);
	put_id(&head, p->to);
	put_id(&head, p->from);
	put(&head, 0, 1);
	put(&head, 0x4000 | (plain->len + 4 + TAG), 2);
	put(&head, p->number, 4);
	seal(&keys, p->number, &head, plain);
	put_bytes(datagram, head.at, head.len);
}

static void put_crypto(struct bytes *plain, uint8_t type, uint32_t offset, const uint8_t *data, uint32_t len)
{
	put(plain, type, 1);
	put(plain, 0x4000 | offset, 2);
	put(plain, 0x4000 | len, 2);
	put_bytes(plain, data, len);
}

static void feed_initial(bool to_server, const struct packet *p, const struct bytes *plain)
{
	struct bytes datagram = {.len = 0};

	put_initial(&datagram, p, plain);
	feed(&f, to_server, datagram.at, datagram.len);
}

// A datagram of a hello in one piece.
static void feed_hello(const struct packet *p, const char *hello)
{
	struct bytes message = {.len = 0}, plain = {.len = 0};

	put_hex(&message, hello);
	put_crypto(&plain, 6, 0, message.at, message.len);
	put_zeros(&plain, CLIENT_BYTES - plain.len);
	feed_initial(!p->server, p, &plain);
}

static void start(void)
{
	feed_start(&f, &proto_quic, PROTO_UDP, 50000, 443);
}

// ---- the RFCs' examples ----

static void keys_must(uint32_t version, bool server, const char *key, const char *iv, const char *mask)
{
	struct quic_version v = quic_version_of(version);
	struct bytes id = {.len = 0};
	struct quic_keys keys;

	put_hex(&id, dcid);
	quic_keys_make(&v, span_of(id.at, id.len), server, &keys);
	must_hex(keys.key, sizeof(keys.key), key);
	must_hex(keys.iv, sizeof(keys.iv), iv);
	must_hex(keys.mask, sizeof(keys.mask), mask);
}

static void keys(void **state)
{
	(void)state;
	keys_must(V1, false, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2");
	keys_must(V1, true, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314");
	keys_must(V2, false, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9");
	keys_must(V2, true, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a");
	keys_must(DRAFT_29, false, "175257a31eb09dea9366d8bb79ad80ba", "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077");
}

#define ASKED "\"sni\":\"example.com\",\"alpn\":[\"alpn\"],"
#define CIPHER "\"cipher\":\"0x1301\","
#define TOLD_CLIENT "\"client_hello\":true,"
#define TOLD_BOTH TOLD_CLIENT "\"server_hello\":true,"
#define PRINTS "\"ja4\":\"q13d0211an_62ed6f6ca7ad_4d634acda6c0\",\"ja3\":{\"hash\":\"41bc9ae914d6cb3bd0bd0a5453ab7d7f\"}"
#define PRINTS_SERVER "\"ja3s\":{\"hash\":\"eb1d94daa7e0344597e756a1fb6e7054\"}"
#define CLIENT ASKED CIPHER TOLD_BOTH PRINTS
#define SERVER "," PRINTS_SERVER "}} name=example.com\n"
#define GOOGLE "\"sni\":\"www.example.org\",\"ua\":\"Chrome9\",\"client_hello\":true}} name=www.example.org\n"

static const struct packet first = {.version = V1, .key_id = dcid, .to = dcid, .from = "", .number = 2};

static void log_must(const char *text)
{
	if (strcmp(f.log, text) != 0)
		fail_msg("%s", f.log);
}

// The datagrams of appendix A: the client's packet with its padding, the server's answer as it stands there.
static void examples(void **state)
{
	static const char answer[] =
		"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a"
		"1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d2039"
		"8c276456cbc42158407dd074ee";
	struct bytes message = {.len = 0}, plain = {.len = 0}, datagram = {.len = 0};

	(void)state;
	put_hex(&message, client_hello);
	put_hex(&plain, "060040f1");
	put_bytes(&plain, message.at, message.len);
	put_zeros(&plain, 1162 - plain.len);
	put_initial(&datagram, &first, &plain);
	assert_int_equal(datagram.len, CLIENT_BYTES);
	must_hex(datagram.at, 48, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c");
	must_hex(datagram.at + CLIENT_BYTES - TAG, TAG, "e221af44860018ab0856972e194cd934");
	start();
	feed(&f, true, datagram.at, datagram.len);
	datagram.len = 0;
	put_hex(&datagram, answer);
	feed(&f, false, datagram.at, datagram.len);
	assert_true(f.over);
	log_must("quic {\"quic\":{\"version\":\"1\"," CLIENT SERVER);
}

// ---- conversations ----

static const struct packet answer = {.version = V1, .server = true, .key_id = dcid, .to = "", .from = "f067a5502a4262b5"};

static void versions(void **state)
{
	static const struct {
		uint32_t version;
		const char *name;
	} rows[] = {{V2, "2"}, {DRAFT_29, "draft-29"}, {0xff00001b, "draft-27"}, {0xff000022, "draft-34"}, {0xfaceb002, "0xfaceb002"}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet ask = first, reply = answer;
		char text[1024];

		ask.version = reply.version = rows[i].version;
		start();
		feed_hello(&ask, client_hello);
		feed_hello(&reply, server_hello);
		assert_true(f.over);
		snprintf(text, sizeof(text), "quic {\"quic\":{\"version\":\"%s\"," CLIENT SERVER, rows[i].name);
		log_must(text);
	}
}

// The server answers in version 2 to a client of version 1.
static void upgrade(void **state)
{
	struct packet reply = answer;

	(void)state;
	reply.version = V2;
	start();
	feed_hello(&first, client_hello);
	feed_hello(&reply, server_hello);
	assert_true(f.over);
	log_must("quic {\"quic\":{\"version\":\"1\"," CLIENT SERVER);
}

static void alone(void **state)
{
	(void)state;
	start();
	feed_hello(&first, client_hello);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\"," ASKED TOLD_CLIENT PRINTS "}} name=example.com\n");
	start();
	f.hint.costly = false;
	feed_hello(&first, client_hello);
	assert_true(f.l7.withheld);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\"}}\n");
	start(); // who asked was not seen
	feed_hello(&answer, server_hello);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\"}}\n");
}

// The hello in pieces of `size` bytes, `many` in a packet, from the end to the beginning if so said.
static void feed_in_pieces(uint32_t size, unsigned many, bool backwards)
{
	struct bytes message = {.len = 0}, plain = {.len = 0};
	struct packet p = first;
	unsigned pieces;

	put_hex(&message, client_hello);
	pieces = (message.len + size - 1) / size;
	for (unsigned i = 0; i < pieces; i++) {
		uint32_t at = (backwards ? pieces - 1 - i : i) * size;

		put_crypto(&plain, 6, at, message.at + at, size < message.len - at ? size : message.len - at);
		put(&plain, 0x0001, 2); // padding, a ping
		if (i % many == many - 1 || i == pieces - 1) {
			feed_initial(true, &p, &plain);
			p.number++;
			plain.len = 0;
		}
	}
}

static void pieces(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 8; way++) {
		start();
		feed_in_pieces(way % 2 == 0 ? 100 : 20, way / 2 % 2 == 0 ? 1 : 5, way >= 4);
		feed_hello(&answer, server_hello);
		assert_true(f.over);
		log_must("quic {\"quic\":{\"version\":\"1\"," CLIENT SERVER);
	}
}

// The name is told although the rest of the hello never came.
static void never_whole(void **state)
{
	struct bytes message = {.len = 0}, plain = {.len = 0};

	(void)state;
	put_hex(&message, client_hello);
	put_crypto(&plain, 6, 60, message.at + 60, 60);
	start();
	feed_initial(true, &first, &plain);
	plain.len = 0;
	put_crypto(&plain, 6, 0, message.at, 60);
	feed_initial(true, &first, &plain);
	feed(&f, true, "\x80 something else", 16);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\",\"sni\":\"example.com\",\"client_hello\":true}} name=example.com\n");
}

// Two Initial packets in one datagram, each with half of the hello.
static void coalesced(void **state)
{
	struct bytes message = {.len = 0}, plain = {.len = 0}, datagram = {.len = 0};

	(void)state;
	put_hex(&message, client_hello);
	put_crypto(&plain, 6, 0, message.at, 100);
	put_initial(&datagram, &first, &plain);
	plain.len = 0;
	put_crypto(&plain, 6, 100, message.at + 100, message.len - 100);
	put_initial(&datagram, &first, &plain);
	start();
	feed(&f, true, datagram.at, datagram.len);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\"," ASKED TOLD_CLIENT PRINTS "}} name=example.com\n");
}

static void put_long(struct bytes *b, uint8_t type, uint32_t version, const char *to, const char *from)
{
	put(b, type, 1);
	put(b, version, 4);
	put_id(b, to);
	put_id(b, from);
}

// The client begins again with the id that the retry gives it; or with a version of those it was offered.
static void renewed(void **state)
{
	struct packet again = first, reply = answer;
	struct bytes b = {.len = 0};

	(void)state;
	put_long(&b, 0xff, V1, "", "f067a5502a4262b5");
	put_hex(&b, "746f6b656e04a265ba2eff4d829058fb3f0f2496ba"); // RFC 9001, appendix A.4
	again.key_id = again.to = reply.key_id = "f067a5502a4262b5";
	start();
	feed_hello(&first, client_hello);
	feed(&f, false, b.at, b.len);
	feed_hello(&again, client_hello);
	feed_hello(&reply, server_hello);
	assert_true(f.over);
	log_must("quic {\"quic\":{\"version\":\"1\"," ASKED CIPHER TOLD_BOTH "\"retry\":true," PRINTS "," PRINTS_SERVER "}} name=example.com\n");
	start(); // the retry is the first that was seen
	feed(&f, false, b.at, b.len);
	assert_false(f.refused || f.hint.claimed);
	memset(&f.l7, 0, offsetof(struct l7, text)); // as the engine does for a flow that nobody has claimed
	f.l7.scratch = f.scratch;
	feed_hello(&again, client_hello);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\"," ASKED TOLD_CLIENT PRINTS "}} name=example.com\n");
	b.len = 0;
	put_long(&b, 0x80, 0, "", dcid);
	put(&b, (uint64_t)V2 << 32 | V1, 8);
	again = first;
	again.version = 0x1a2a3a4a;
	start();
	feed_hello(&again, client_hello);
	feed(&f, false, b.at, b.len);
	feed_hello(&first, client_hello);
	feed_hello(&answer, server_hello);
	assert_true(f.over);
	log_must("quic {\"quic\":{\"version\":\"1\"," ASKED CIPHER TOLD_BOTH "\"version_negotiation\":true," PRINTS "," PRINTS_SERVER
		 "}} name=example.com\n");
}

// Of a flow that was claimed without a text, only the version can be told.
static void late(void **state)
{
	struct bytes b = {.len = 0};

	(void)state;
	put_long(&b, 0x80, 0, "", dcid);
	put(&b, V1, 4);
	start();
	f.hint.costly = false;
	feed(&f, false, b.at, b.len);
	feed_hello(&first, client_hello);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"1\",\"version_negotiation\":true}}\n");
}

// A client that goes on with short headers: the server's hello will not come any more.
static void short_header(void **state)
{
	static const uint8_t data[40] = {0x41};

	(void)state;
	start();
	feed(&f, true, data, sizeof(data));
	assert_true(f.refused);
	start();
	feed_hello(&first, client_hello);
	feed(&f, false, data, sizeof(data));
	assert_false(f.over);
	feed(&f, true, data, sizeof(data));
	assert_true(f.over);
	assert_int_equal(f.reported, 1);
}

// ---- Google's ----

static void put_little(struct bytes *b, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		put(b, value >> 8 * i & 0xff, 1);
}

static void put_chlo(struct bytes *b)
{
	put_bytes(b, "CHLO", 4);
	put_little(b, 3, 4);
	put_bytes(b, "PAD\0", 4);
	put_little(b, 8, 4);
	put_bytes(b, "SNI\0", 4);
	put_little(b, 8 + 15, 4);
	put_bytes(b, "UAID", 4);
	put_little(b, 8 + 15 + 7, 4);
	put_bytes(b, "--------www.example.orgChrome9", 30);
}

static void google(void **state)
{
	struct bytes hello = {.len = 0}, b = {.len = 0};
	struct packet p = first;

	(void)state;
	put_chlo(&hello);
	put_hex(&b, "09" "0102030405060708" "51303433" "01" "000102030405060708090a0b" "a001"); // Q043
	put(&b, hello.len, 2);
	put_bytes(&b, hello.at, hello.len);
	start();
	feed(&f, true, b.at, b.len);
	assert_true(f.over);
	log_must("quic {\"quic\":{\"version\":\"Q043\"," GOOGLE);
	b.len = 0;
	put_hex(&b, "0d" "0102030405060708" "51303235" "01" "000102030405060708090a0b" "00" "a001"); // Q025
	put_little(&b, hello.len, 2);
	put_bytes(&b, hello.at, hello.len);
	start();
	feed(&f, true, b.at, b.len);
	log_must("quic {\"quic\":{\"version\":\"Q025\"," GOOGLE);
	b.len = 0;
	put_hex(&b, "c3" "51303436" "50" "0102030405060708" "00000001" "000102030405060708090a0b" "a001"); // Q046
	put(&b, hello.len, 2);
	put_bytes(&b, hello.at, hello.len);
	start();
	feed(&f, true, b.at, b.len);
	log_must("quic {\"quic\":{\"version\":\"Q046\"," GOOGLE);
	b.len = 0;
	put_crypto(&b, 8, 0, hello.at, hello.len);
	put_zeros(&b, 600);
	p.version = Q050;
	start();
	feed_initial(true, &p, &b);
	feed_end(&f);
	log_must("quic {\"quic\":{\"version\":\"Q050\"," GOOGLE);
}

// ---- damage ----

static void look_alikes(void **state)
{
	struct bytes message = {.len = 0}, plain = {.len = 0}, datagram = {.len = 0};

	(void)state;
	put_hex(&message, client_hello);
	put_crypto(&plain, 6, 0, message.at, message.len);
	put_zeros(&plain, 900);
	put_initial(&datagram, &first, &plain);
	for (uint32_t len = 1; len < datagram.len; len += len < 64 ? 1 : 37) { // captured in part
		start();
		feed(&f, true, datagram.at, len);
		feed_end(&f);
		assert_true(f.refused || f.hint.claimed);
		assert_true(len < 400 || f.reported == 1);
	}
	datagram.at[4] ^= 0x40; // no such version
	start();
	feed(&f, true, datagram.at, datagram.len);
	assert_true(f.refused);
	datagram.at[4] ^= 0x40;
	datagram.at[8] ^= 1; // other keys: frames that are none
	datagram.at[datagram.len++] = 1; // and bytes that are no packet behind it
	start();
	feed(&f, true, datagram.at, datagram.len);
	assert_true(f.refused);
}

static bool decrypts_to(const char *hex)
{
	struct bytes plain = {.len = 0};

	put_hex(&plain, hex);
	return quic_frames_read(span_of(plain.at, plain.len), false, false, NULL, NULL);
}

static void frames(void **state)
{
	(void)state;
	assert_true(decrypts_to("0000000001"));
	assert_true(decrypts_to("02050000050000"));
	assert_true(decrypts_to("0305000005010203"));
	assert_true(decrypts_to("1c4100060161"));
	assert_true(decrypts_to("06000461626364"));
	assert_false(decrypts_to("06000561626364"));
	assert_false(decrypts_to("08000461626364"));
	assert_false(decrypts_to("02057fff05000000000000"));
	assert_false(decrypts_to("0000000004"));
	assert_false(decrypts_to("00"));
}

static void stream_ranges(void **state)
{
	struct pieces s = {.count = 0};
	uint8_t room[256] = {0}, data[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (unsigned i = 0; i < 2 * PIECES_MAX; i++) // every second piece of four: more than there may be
		pieces_add(&s, room, sizeof(room), 8 * i + 4, span_of(data + (8 * i + 4) % 256, 4));
	assert_int_equal(s.count, PIECES_MAX);
	assert_int_equal(pieces_ready(&s), 0);
	pieces_add(&s, room, sizeof(room), 2, span_of(data + 2, 100));
	pieces_add(&s, room, sizeof(room), 0, span_of(data, 2));
	assert_int_equal(pieces_ready(&s), 104);
	pieces_add(&s, room, sizeof(room), 100, span_of(data + 100, 156));
	pieces_add(&s, room, sizeof(room), 250, span_of(data, 200)); // beyond the room
	pieces_add(&s, room, sizeof(room), UINT64_MAX, span_of(data, 4));
	assert_int_equal(s.count, 1);
	assert_int_equal(pieces_ready(&s), 256);
	assert_memory_equal(room, data, 250);
}

// FIPS 197, appendix C.1, by instructions and by libcrypto; in counter mode NIST SP 800-38A, F.5.1.
static void aes(void **state)
{
	struct bytes key = {.len = 0}, in = {.len = 0};
	uint8_t out[AES_BLOCK_BYTES];

	(void)state;
	put_hex(&key, "000102030405060708090a0b0c0d0e0f");
	put_hex(&in, "00112233445566778899aabbccddeeff");
	aes_block(key.at, in.at, out);
	must_hex(out, sizeof(out), "69c4e0d86a7b0430d8cdb78070b4c55a");
	key.len = in.len = 0;
	put_hex(&key, "2b7e151628aed2a6abf7158809cf4f3c");
	put_hex(&in, "f0f1f2f3f4f5f6f7f8f9fafb");
	put_hex(&in, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
	aes_counter(key.at, in.at, 0xfcfdfeff, in.at + AES_NONCE_BYTES, 32);
	must_hex(in.at + AES_NONCE_BYTES, 32, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(examples),
		cmocka_unit_test(versions),
		cmocka_unit_test(upgrade),
		cmocka_unit_test(alone),
		cmocka_unit_test(pieces),
		cmocka_unit_test(never_whole),
		cmocka_unit_test(coalesced),
		cmocka_unit_test(renewed),
		cmocka_unit_test(late),
		cmocka_unit_test(short_header),
		cmocka_unit_test(google),
		cmocka_unit_test(look_alikes),
		cmocka_unit_test(frames),
		cmocka_unit_test(stream_ranges),
		cmocka_unit_test(aes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
