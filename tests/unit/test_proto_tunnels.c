// WireGuard, OpenVPN, IKE, BitTorrent and its hash table: what proves them, what only looks like them, damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define ID "abcdefghijklmnopqrst"

static struct feed f;

// ---- wireguard ----

static void wireguard_message(uint8_t type, const char *indices, uint32_t bytes, bool to_server)
{
	uint8_t message[256] = {type};

	memcpy(message + 4, indices, strlen(indices));
	memset(message + 16, 0x5a, bytes - 16);
	feed(&f, to_server, message, bytes);
}

static void wireguard_handshake(void **state)
{
	(void)state;
	feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 51820);
	wireguard_message(1, "\1\2\3\4", 148, true);
	assert_false(f.hint.claimed);
	wireguard_message(2, "\5\6\7\x08\1\2\3\4", 92, false);
	assert_string_equal(f.log, "wireguard {\"wireguard\":{\"initiator_index\":67305985,\"responder_index\":134678021}}\n");
	wireguard_message(4, "\5\6\7\x08", 64, true);
	assert_int_equal(f.reported, 1);
}

static void wireguard_refuses(void **state)
{
	static const uint32_t lengths[][2] = {{1, 147}, {1, 149}, {2, 91}, {3, 63}, {4, 33}, {5, 148}};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 51820);
		wireguard_message((uint8_t)lengths[i][0], "\1\2\3\4", lengths[i][1], true);
		assert_true(f.refused);
	}
	feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 51820);
	wireguard_message(1, "\1\2\3\4", 148, true);
	wireguard_message(2, "\5\6\7\x08\1\2\3\5", 92, false); // answers someone else
	assert_true(f.refused);
}

static void wireguard_from_its_middle(void **state)
{
	(void)state;
	feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 9);
	wireguard_message(4, "\1\2\3\4", 48, true);
	wireguard_message(4, "\5\2\3\4", 48, false);
	assert_false(f.hint.claimed);
	wireguard_message(4, "\1\2\3\4", 80, true);
	assert_true(f.hint.claimed && f.over);
}

// ---- openvpn ----

static void openvpn_plain(void **state)
{
	(void)state;
	feed_start(&f, &proto_openvpn, PROTO_UDP, 40000, 1194);
	feed(&f, true, BYTES("\x38" "clientid" "\0\0\0\0\0"));
	assert_false(f.hint.claimed);
	feed(&f, false, BYTES("\x40" "serverid" "\1\0\0\0\0" "clientid" "\0\0\0\0"));
	assert_string_equal(f.log, "openvpn {\"openvpn\":{\"mode\":\"plain\",\"session_id\":\"7365727665726964\"}}\n");
	feed_start(&f, &proto_openvpn, PROTO_UDP, 40000, 1194);
	feed(&f, true, BYTES("\x38" "clientid" "\0\0\0\0\0"));
	feed(&f, false, BYTES("\x40" "serverid" "\1\0\0\0\0" "clientie" "\0\0\0\0"));
	assert_true(f.refused);
}

static void openvpn_over_tcp(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece < 30; piece++) {
		feed_start(&f, &proto_openvpn, PROTO_TCP, 40000, 1194);
		feed_pieces(&f, true, BYTES("\0\x0e\x38" "clientid" "\0\0\0\0\0"), piece);
		feed_pieces(&f, false, BYTES("\0\x1a\x40" "serverid" "\1\0\0\0\0" "clientid" "\0\0\0\0"), piece);
		assert_int_equal(f.reported, 1);
	}
	feed_start(&f, &proto_openvpn, PROTO_TCP, 40000, 1194);
	feed(&f, true, BYTES("\x05\xff\x38" "clientid"));
	assert_true(f.refused);
}

static void openvpn_stamped(void **state)
{
	uint8_t reset[54] = "\x38" "clientid" "\0\0\0\1\x65\x00\x00\x00"; // tls-crypt: number and time, then a tag

	(void)state;
	feed_start(&f, &proto_openvpn, PROTO_UDP, 40000, 1194);
	f.hint.now_ns = 0x65000010ull * 1000000000;
	feed(&f, true, reset, sizeof(reset));
	assert_string_equal(f.log, "openvpn {\"openvpn\":{\"mode\":\"tls-crypt\",\"session_id\":\"636c69656e746964\"}}\n");
	feed_start(&f, &proto_openvpn, PROTO_UDP, 40000, 1194);
	f.hint.now_ns = 0x6f000000ull * 1000000000; // five years later
	feed(&f, true, reset, sizeof(reset));
	assert_true(f.refused);
}

// ---- ike ----

#define IKE(exchange, length) "initiat1\0\0\0\0\0\0\0\0\x21\x20" exchange "\x08\0\0\0\0\0\0\0" length

static void ike_first_message(void **state)
{
	static const char init[] = IKE("\x22", "\x48") // one proposal: AES-CBC 256, group 14
		"\x00\x00\x00\x2c" "\x00\x00\x00\x28\x01\x01\x00\x03" "\x03\x00\x00\x0c\x01\x00\x00\x0c\x80\x0e\x01\x00"
		"\x03\x00\x00\x08\x02\x00\x00\x05" "\x00\x00\x00\x08\x04\x00\x00\x0e" "\0\0\0\0";

	(void)state;
	feed_start(&f, &proto_ike, PROTO_UDP, 500, 500);
	feed(&f, true, BYTES(init));
	assert_string_equal(f.log, "ike {\"ike\":{\"version_major\":2,\"version_minor\":0,\"exchange_type\":34,\"message_id\":0,"
				   "\"init_spi\":\"696e697469617431\",\"resp_spi\":\"0000000000000000\",\"role\":\"initiator\","
				   "\"alg_enc\":\"ENCR_AES_CBC\",\"alg_enc_bits\":256,\"alg_prf\":\"PRF_HMAC_SHA2_256\",\"alg_dh\":14,"
				   "\"payload\":[\"sa\"]}}\n");
	for (uint32_t n = 1; n < sizeof(init) - 1; n++) { // its length tells that it is cut
		feed_start(&f, &proto_ike, PROTO_UDP, 500, 500);
		feed(&f, true, init, n);
		assert_true(f.refused);
	}
}

static void ike_refuses(void **state)
{
	(void)state;
	feed_start(&f, &proto_ike, PROTO_UDP, 500, 500);
	feed(&f, true, BYTES(IKE("\x05", "\x1c"))); // an exchange of version 1
	assert_true(f.refused);
	feed_start(&f, &proto_ike, PROTO_UDP, 500, 500);
	feed(&f, true, BYTES(IKE("\x22", "\x20") "\0\0\0\x03")); // a payload of three bytes
	assert_true(f.refused);
}

// ---- bittorrent ----

#define HANDSHAKE(peer) "\x13" "BitTorrent protocol\0\0\0\0\0\x10\0\x05" ID peer

static void bittorrent_handshakes(void **state)
{
	(void)state;
	for (uint32_t piece = 1; piece <= 68; piece++) {
		feed_start(&f, &proto_bittorrent, PROTO_TCP, 40000, 6881);
		feed_pieces(&f, true, BYTES(HANDSHAKE("-TR3000-abcdefghijkl")), piece);
		feed_pieces(&f, true, BYTES("\0\0\0\1\2"), piece);
		feed_pieces(&f, false, BYTES(HANDSHAKE("-XX1234-\x1b[31m<b>,=12")), piece);
		assert_true(f.over && !f.refused);
		assert_string_equal(f.log, "bittorrent {\"bittorrent\":{\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\","
					   "\"peer_id\":\"-TR3000-abcdefghijkl\",\"client\":\"Transmission 3.0.0.0\",\"dht\":true,\"fast\":true,"
					   "\"extended\":true}}\n"
					   "bittorrent {\"bittorrent\":{\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\","
					   "\"peer_id\":\"-XX1234-\\\\x1b[31m\\u003cb>,=12\",\"dht\":true,\"fast\":true,\"extended\":true}}\n");
	}
	feed_start(&f, &proto_bittorrent, PROTO_TCP, 40000, 6881);
	feed(&f, true, BYTES("\x13" "BitTorrent protocom\0\0\0\0\0\x10\0\x05" ID ID));
	assert_true(f.refused);
}

// ---- its hash table ----

static void dht_messages(void **state)
{
	static const struct {
		const char *bytes, *log; // NULL: refused
	} rows[] = {
		{"d1:ad2:id20:" ID "e1:q4:ping1:t2:aa1:y1:qe",
		 "bittorrent_dht {\"bittorrent_dht\":{\"transaction_id\":\"6161\",\"request_type\":\"ping\","
		 "\"request\":{\"id\":\"6162636465666768696a6b6c6d6e6f7071727374\"}}}\n"},
		{"d1:eli201e4:Oopse1:t2:aa1:y1:ee", "bittorrent_dht {\"bittorrent_dht\":{\"transaction_id\":\"6161\","
						    "\"error\":{\"num\":201,\"msg\":\"Oops\"}}}\n"},
		{"d1:rd2:id20:" ID "6:valuesl6:aaaaaa6:bbbbbbee1:t1:x1:y1:re",
		 "bittorrent_dht {\"bittorrent_dht\":{\"transaction_id\":\"78\","
		 "\"response\":{\"id\":\"6162636465666768696a6b6c6d6e6f7071727374\",\"values\":2}}}\n"},
		{"d1:ad2:id19:abcdefghijklmnopqrse1:q4:ping1:t2:aa1:y1:qe", NULL},
		{"d1:ad2:id20:" ID "e1:q4:ping1:y1:qe", NULL},     // no transaction
		{"d1:ad2:id20:" ID "e1:q4:ping1:t2:aa1:y1:q", NULL}, // does not end
		{"d1:alllllllllllllllllllllllllllllllllllllllllllleeeeee", NULL},
		{"d1:t999999999999:aaaaaaaaaaaaaaaaaaaa", NULL},
		{"d1:ti99999999999999999999999999999999999999e", NULL},
		{"definitely not a dictionary of anything", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		feed_start(&f, &proto_bittorrent_dht, PROTO_UDP, 6881, 6881);
		feed(&f, true, rows[i].bytes, (uint32_t)strlen(rows[i].bytes));
		assert_int_equal(f.refused, rows[i].log == NULL);
		assert_string_equal(f.log, rows[i].log != NULL ? rows[i].log : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wireguard_handshake), cmocka_unit_test(wireguard_refuses), cmocka_unit_test(wireguard_from_its_middle),
		cmocka_unit_test(openvpn_plain),       cmocka_unit_test(openvpn_over_tcp),  cmocka_unit_test(openvpn_stamped),
		cmocka_unit_test(ike_first_message),   cmocka_unit_test(ike_refuses),       cmocka_unit_test(bittorrent_handshakes),
		cmocka_unit_test(dht_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
