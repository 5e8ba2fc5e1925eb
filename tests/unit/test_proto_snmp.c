// SNMP over UDP and TCP: messages of net-snmp, what comes cut or damaged, and what only looks like it; and the reader of BER below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/proto_ber.h"
#include "proto_talk.h"

static struct feed f;

static const struct talk talks[] = {
	{"version 1", &proto_snmp, PROTO_UDP, 161,
	 {">30370201000406696e73696465a02a020463e5222c020100020100301c300c06082b060102010101000500300c06082b0601020101050005"
	  "00",
	  "<305e0201000406696e73696465a251020463e5222c0201000201003043302106082b060102010101000415526f75746572206f6620746865"
	  "206578616d706c65301e06082b060102010105000412726f757465722e6578616d706c652e6f7267",
	  ">30290201000406696e73696465a01c020456bb71a2020100020100300e300c06082b060102010163000500",
	  "<30290201000406696e73696465a21c020456bb71a2020102020101300e300c06082b060102010163000500"},
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"get_request\",\"vars\":[\"1.3.6.1.2.1.1.1.0\",\"1.3.6.1.2.1.1.5.0\""
	 "],\"community\":\"inside\",\"request_id\":1675960876,\"variables\":2}}\n"
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"response\",\"vars\":[\"1.3.6.1.2.1.1.1.0\",\"1.3.6.1.2.1.1.5.0\"],"
	 "\"community\":\"inside\",\"request_id\":1675960876,\"variables\":2,\"sys_descr\":\"Router of the example\",\"sys"
	 "_name\":\"router.example.org\"}} name=router.example.org\n"
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"get_request\",\"vars\":[\"1.3.6.1.2.1.1.99.0\"],\"community\":\"ins"
	 "ide\",\"request_id\":1455124898,\"variables\":1}}\n"
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"response\",\"error\":\"NoSuchName\",\"error_index\":1,\"vars\":[\"1"
	 ".3.6.1.2.1.1.99.0\"],\"community\":\"inside\",\"request_id\":1455124898,\"variables\":1}}\n"},
	{"a trap of version 1", &proto_snmp, PROTO_UDP, 162,
	 {">303b0201000406696e73696465a42e060a2b06010401bf0803020a4004c000020102010302010043012a3011300f060a2b06010201020201"
	  "0102020102"},
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"trap_v1\",\"trap_type\":\"LinkUp\",\"trap_oid\":\"1.3.6.1.4.1.8072."
	 "3.2.10\",\"trap_address\":\"192.0.2.1\",\"vars\":[\"1.3.6.1.2.1.2.2.1.1.2\"],\"community\":\"inside\",\"variable"
	 "s\":1}}\n"},
	{"version 3, encrypted and in the clear", &proto_snmp, PROTO_UDP, 161,
	 {">30818b020103301102043d2d228f020300ffe3040107020103043c303a041180001f8880e8f6d7352561016b000000000201010201020407"
	  "77617463686572040c8c060be9ee9c96895b7242340408c55b05c12f3d9960043599b7d6aa6f107441b24588b16fcb80e3b248f8ddc0959b"
	  "4aa4793ed8ea2c1203dff1963f4fd2b45fb94bb37c71d6f8547a02ca7926",
	  "<3079020103301102047db5f49e020300ffe304010002010304293027041180001f8880e8f6d7352561016b00000000020101020102040873"
	  "7472616e676572040004003036041180001f8880e8f6d7352561016b000000000400a81f02044a3269b50201000201003011300f060a2b06"
	  "0106030f01010300410101"},
	 "snmp {\"snmp\":{\"version\":3,\"pdu_type\":\"encrypted\",\"usm\":\"watcher\",\"engine_id\":\"80001f8880e8f6d7352"
	 "561016b00000000\"}}\n"
	 "snmp {\"snmp\":{\"version\":3,\"pdu_type\":\"report\",\"vars\":[\"1.3.6.1.6.3.15.1.1.3.0\"],\"usm\":\"stranger\""
	 ",\"engine_id\":\"80001f8880e8f6d7352561016b00000000\",\"request_id\":1244817845,\"variables\":1}}\n"},
	{"a stream", &proto_snmp, PROTO_TCP, 161,
	 {">30290201010406696e73696465a01c02046c3e3b0c020100020100300e300c06082b060102010105000500"
	  "30290201010406696e73696465a11c02046c3e3b0d020100020100300e300c06082b060102010105000500",
	  "<303b0201010406696e73696465a22e02046c3e3b0c0201000201003020301e06082b060102010105000412726f757465722e6578616d706c"
	  "652e6f7267"},
	 "snmp {\"snmp\":{\"version\":2,\"pdu_type\":\"get_request\",\"vars\":[\"1.3.6.1.2.1.1.5.0\"],\"community\":\"insi"
	 "de\",\"request_id\":1816017676,\"variables\":1}}\n"
	 "snmp {\"snmp\":{\"version\":2,\"pdu_type\":\"get_next_request\",\"vars\":[\"1.3.6.1.2.1.1.5.0\"],\"community\":"
	 "\"inside\",\"request_id\":1816017677,\"variables\":1}}\n"
	 "snmp {\"snmp\":{\"version\":2,\"pdu_type\":\"response\",\"vars\":[\"1.3.6.1.2.1.1.5.0\"],\"community\":\"inside"
	 "\",\"request_id\":1816017676,\"variables\":1,\"sys_name\":\"router.example.org\"}} name=router.example.org\n"},
	{"a community of control characters, lengths in four bytes, an error of the agent's own", &proto_snmp, PROTO_UDP, 161,
	 {">3084000000290201000406 1b5b6d3c0a22 a21c020456bb71a2020113020100300e300c06082b060102010163000500"},
	 "snmp {\"snmp\":{\"version\":1,\"pdu_type\":\"response\",\"error\":\"19\",\"vars\":[\"1.3.6.1.2.1.1.99.0\"],\"com"
	 "munity\":\"\\\\x1b[m\\u003c\\\\x0a\\\"\",\"request_id\":1455124898,\"variables\":1}}\n"},
};

static const char *const others[] = {
	">3029020102 0406696e73696465a01c020456bb71a2020100020100300e300c06082b060102010163000500", // a version that does not exist
	">3028020100 0406696e73696465a01c020456bb71a2020100020100300e300c06082b060102010163000500", // a byte behind the end
	">3029020100 0406696e73696465a91c020456bb71a2020100020100300e300c06082b060102010163000500", // a PDU that does not exist
	">3029020100 0c06696e73696465a01c020456bb71a2020100020100300e300c06082b060102010163000500", // a community that is no octets
	">3029020100 0406696e73696465a21c020456bb71a20201ff020100300e300c06082b060102010163000500", // an error below zero
	">300c02010160070201030400 8000", // a bind of LDAP
	">3080020100 0406696e73696465a01c020456bb71a2020100020100300e300c06082b0601020101630005000000",
	">30", ">3000", ">30850000000029020100",
};

static void test_talks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(talks) / sizeof(talks[0]); i++)
		talk_check(&f, &talks[i]);
}

static void test_damage(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(talks) / sizeof(talks[0]); i++)
		talk_damage(&f, &talks[i]);
}

static void test_others(void **state)
{
	(void)state;
	talk_refused(&f, &proto_snmp, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
}

// More variables than are told, and one whose name is too long.
static void test_many_variables(void **state)
{
	static uint8_t bytes[TALK_BYTES_MAX];
	static const char head[] = ">3082 0327 020100 0400 a282 031e 020101 020100 020100 3082 0311", one[] = ">300e060a2b0601020102020101c80500";
	uint32_t n = talk_bytes(head, bytes);

	(void)state;
	for (unsigned i = 0; i < 49; i++)
		n += talk_bytes(one, bytes + n);
	bytes[3] = (uint8_t)(n - 4);
	bytes[2] = (uint8_t)((n - 4) >> 8);
	bytes[12] = (uint8_t)(n - 13);
	bytes[11] = (uint8_t)((n - 13) >> 8);
	bytes[25] = (uint8_t)(n - 26);
	bytes[24] = (uint8_t)((n - 26) >> 8);
	feed_start(&f, &proto_snmp, PROTO_UDP, 40000, 161);
	feed(&f, false, bytes, n);
	assert_int_equal(f.reported, 1);
	assert_non_null(strstr(f.log, "\"variables\":49"));
}

static void test_integers(void **state)
{
	static const struct {
		const char *bytes;
		bool good;
		int64_t number;
	} cases[] = {
		{">020100", true, 0},        {">0201ff", true, -1},          {">0204ffffff00", true, -256}, {">02047fffffff", true, 0x7fffffff},
		{">020500ffffffff", true, 0xffffffff}, {">020501ffffffff", false, 0}, {">0200", false, 0}, {">0202ff", false, 0},
		{">040100", false, 0},       {">02060000ffffffff", false, 0}, {">0281017f", true, 0x7f},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[32];
		struct span in = span_of(bytes, talk_bytes(cases[i].bytes, bytes));

		assert_true(ber_integer(&in, BER_INTEGER) == cases[i].number);
		assert_true(span_ok(&in) == cases[i].good);
	}
}

static void test_oids(void **state)
{
	static const char *const cases[][2] = {
		{">2b06010201", "1.3.6.1.2.1"}, {">883703", "2.999.3"}, {">00", "0.0"}, {">27", "0.39"}, {">4f", "1.39"}, {">50", "2.0"},
		{">2b8fffffff7f", "1.3.4294967295"}, {">2b90ffffffff7f", NULL}, {">2b86", NULL}, {">", NULL}, {">2b9080808000", NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[32];
		char room[64];
		struct text_builder out = text_builder(room, sizeof(room));
		bool good = ber_oid_put(&out, span_of(bytes, talk_bytes(cases[i][0], bytes)));

		assert_int_equal(good, cases[i][1] != NULL);
		if (good) {
			assert_int_equal(out.used, strlen(cases[i][1]));
			assert_memory_equal(room, cases[i][1], out.used);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),          cmocka_unit_test(test_damage), cmocka_unit_test(test_others),
		cmocka_unit_test(test_many_variables), cmocka_unit_test(test_integers), cmocka_unit_test(test_oids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
