// WireGuard, OpenVPN, IKE, ESP in UDP, BitTorrent and its hash table: what proves them, what only looks like them, damage.
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
	feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 9);
	wireguard_message(4, "\1\2\3\4....\1", 48, true); // a counter of many years
	assert_true(f.refused);
	feed_start(&f, &proto_wireguard, PROTO_UDP, 40000, 9);
	wireguard_message(4, "\1", 48, true); // no index is drawn like this
	assert_true(f.refused);
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

static void ike_after_keepalives(void **state)
{
	(void)state;
	feed_start(&f, &proto_ike, PROTO_UDP, 4500, 4500);
	feed(&f, true, BYTES("\xff"));
	assert_false(f.refused || f.hint.claimed);
	feed(&f, true, BYTES("\0\0\0\0" IKE("\x22", "\x20") "\0\0\0\x04"));
	assert_int_equal(f.reported, 1);
}

// ---- esp in udp ----

static void ipsec_packet(uint32_t count, uint32_t bytes, bool to_server)
{
	uint8_t message[256] = {0xc1, 0x02, 0x03, (uint8_t)to_server, 0, 0, (uint8_t)(count >> 8), (uint8_t)count};

	memset(message + 8, 0x5a, sizeof(message) - 8);
	feed(&f, to_server, message, bytes);
}

static void ipsec_goes_on_counting(void **state)
{
	(void)state;
	feed_start(&f, &proto_ipsec, PROTO_UDP, 4500, 40000);
	feed(&f, true, BYTES("\xff"));
	for (uint32_t i = 0; i < 2; i++) {
		ipsec_packet(250 + i, 136, true);
		ipsec_packet(7 + i, 84, false);
	}
	assert_true(f.hint.claimed && f.over && f.reported == 0);
	feed_start(&f, &proto_ipsec, PROTO_UDP, 4500, 40000);
	for (uint32_t i = 0; i < 8; i++)
		ipsec_packet(100 + 9 * i, 136, true); // does not count
	assert_false(f.hint.claimed);
}

static void ipsec_refuses(void **state)
{
	static const struct {
		uint16_t port;
		uint32_t count, bytes;
	} rows[] = {{4501, 1, 136}, {4500, 0, 136}, {4500, 1, 137}, {4500, 1, 28}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		feed_start(&f, &proto_ipsec, PROTO_UDP, 40000, rows[i].port);
		ipsec_packet(rows[i].count, rows[i].bytes, true);
		assert_true(f.refused);
	}
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
		assert_string_equal(f.log, "bittorrent {\"bittorrent\":{\"message\":\"handshake\",\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\","
					   "\"peer_id\":\"-TR3000-abcdefghijkl\",\"client\":\"Transmission 3.0.0.0\",\"dht\":true,\"fast\":true,"
					   "\"extended\":true}}\n"
					   "bittorrent {\"bittorrent\":{\"message\":\"handshake\",\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\","
					   "\"peer_id\":\"-XX1234-\\\\x1b[31m\\u003cb>,=12\",\"dht\":true,\"fast\":true,\"extended\":true}}\n");
	}
	feed_start(&f, &proto_bittorrent, PROTO_TCP, 40000, 6881);
	feed(&f, true, BYTES("\x13" "BitTorrent protocom\0\0\0\0\0\x10\0\x05" ID ID));
	assert_true(f.refused);
}

// uTP: type, connection, number, acknowledged.
static void utp_packet(uint8_t type, uint16_t connection, uint16_t number, uint16_t acknowledged, bool to_server)
{
	uint8_t packet[24] = {(uint8_t)(type << 4 | 1), 0, (uint8_t)(connection >> 8), (uint8_t)connection, [14] = 1};

	packet[16] = (uint8_t)(number >> 8);
	packet[17] = (uint8_t)number;
	packet[18] = (uint8_t)(acknowledged >> 8);
	packet[19] = (uint8_t)acknowledged;
	feed(&f, to_server, packet, type == 0 ? sizeof(packet) : 20);
}

static void bittorrent_over_utp(void **state)
{
	(void)state;
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6881);
	utp_packet(4, 0x1234, 1, 0, true);
	assert_false(f.hint.claimed);
	utp_packet(2, 0x1234, 0x7777, 1, false);
	assert_true(f.hint.claimed);
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6881);
	utp_packet(0, 0x1235, 700, 90, true); // from its middle
	utp_packet(0, 0x1235, 701, 90, true);
	assert_false(f.hint.claimed);
	utp_packet(2, 0x1234, 91, 700, false);
	assert_true(f.hint.claimed);
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6881);
	utp_packet(0, 0x1235, 700, 90, true);
	utp_packet(2, 0x1234, 91, 900, false); // acknowledges what was not said
	utp_packet(2, 0x1239, 91, 701, false); // another connection
	assert_false(f.hint.claimed);
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6881);
	utp_packet(5, 0x1235, 700, 90, true);
	assert_true(f.refused);
}

static void bittorrent_tracker(void **state)
{
	static const char connect[] = "\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0tttt";
	uint8_t announce[98] = "connect!\0\0\0\1tttt" ID "-qB4520-abcdefghijkl";

	(void)state;
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6969);
	feed(&f, true, BYTES(connect));
	assert_true(f.hint.claimed);
	feed(&f, false, BYTES("\0\0\0\0ttttconnect!"));
	feed(&f, true, announce, sizeof(announce));
	feed(&f, true, BYTES("connect!\0\0\0\2tttt" ID));
	assert_string_equal(f.log, "bittorrent {\"bittorrent\":{\"message\":\"announce\",\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\","
				   "\"peer_id\":\"-qB4520-abcdefghijkl\",\"client\":\"qBittorrent 4.5.2.0\"}}\n"
				   "bittorrent {\"bittorrent\":{\"message\":\"scrape\","
				   "\"info_hash\":\"6162636465666768696a6b6c6d6e6f7071727374\"}}\n");
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6969);
	feed(&f, true, connect, 15);
	assert_true(f.refused);
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 40000, 6969);
	feed(&f, true, announce, sizeof(announce)); // its question was not seen
	assert_false(f.hint.claimed);
}

static void bittorrent_local_search(void **state)
{
	(void)state;
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 6771, 6771);
	feed(&f, true, BYTES("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: 0123456789ABCDEF0123456789abcdef01234567\r\n\r\n"));
	assert_string_equal(f.log, "bittorrent {\"bittorrent\":{\"message\":\"local_search\","
				   "\"info_hash\":\"0123456789ABCDEF0123456789abcdef01234567\"}}\n");
	feed_start(&f, &proto_bittorrent, PROTO_UDP, 6771, 6771);
	feed(&f, true, BYTES("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n\r\n"));
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
		cmocka_unit_test(ike_after_keepalives), cmocka_unit_test(ipsec_goes_on_counting), cmocka_unit_test(ipsec_refuses),
		cmocka_unit_test(bittorrent_over_utp), cmocka_unit_test(bittorrent_tracker), cmocka_unit_test(bittorrent_local_search),
		cmocka_unit_test(dht_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
