// LDAP over TCP and UDP: what OpenLDAP's tools and server say, StartTLS, SASL, and what only looks like it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

static struct feed f;

#define BIND "300c020101 6007 020103 0400 8000 "
#define BOUND "300c020101 6107 0a0100 0400 0400 "
#define SEARCH \
	  "303c020102 6337 0411 64633d6578616d706c652c64633d6f7267 0a0102 0a0100 020100 020100 010100 a30b0402636e0405616c696365 30060404 6d61696c "
#define ENTRY \
	"3040020102 643b 041a 636e3d616c6963652c64633d6578616d706c652c64633d6f7267 301d 301b 0404 6d61696c 3113 0411 616c696365406578616d706c652e6f7267 "
#define FOUND "300c020102 6507 0a0100 0400 0400 "
#define UNBIND "3005020103 4200 "
#define START_TLS "301d020101 7718 8016 312e332e362e312e342e312e313436362e3230303337 "
#define STARTED "300c020101 7807 0a0100 0400 0400 "

static const struct talk talks[] = {
	{"a bind, a search, an unbind", &proto_ldap, PROTO_TCP, 389, {">" BIND, "<" BOUND, ">" SEARCH, "<"
	  ENTRY ENTRY FOUND, ">" UNBIND},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"s"
	 "imple\":true}},\"responses\":[{\"operation\":\"bind_response\",\"message_id\":1,\"result_code\":\"success\"}]}}"
	 "\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"search_request\",\"message_id\":2,\"search_request\":{\"base_object"
	 "\":\"dc=example,dc=org\",\"scope\":2,\"attributes\":[\"mail\"]}},\"entries\":2,\"responses\":[{\"operation\":\"s"
	 "earch_result_done\",\"message_id\":2,\"result_code\":\"success\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"unbind_request\",\"message_id\":3}}}\n"},
	{"a bind with a password that is wrong", &proto_ldap, PROTO_TCP, 389,
	 {">3018020101 6013 020103 0407 636e3d61646d69 8005 68757368 21", "<300c020101 6107 0a0131 0400 0400"},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"n"
	 "ame\":\"cn=admi\",\"simple\":true}},\"responses\":[{\"operation\":\"bind_response\",\"message_id\":1,\"result_co"
	 "de\":\"invalid_credentials\"}]}}\n"},
	{"requests that do not wait", &proto_ldap, PROTO_TCP, 389, {">" SEARCH BIND UNBIND, "<" FOUND BOUND},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"search_request\",\"message_id\":2,\"search_request\":{\"base_object"
	 "\":\"dc=example,dc=org\",\"scope\":2,\"attributes\":[\"mail\"]}}}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"s"
	 "imple\":true}}}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"unbind_request\",\"message_id\":3}}}\n"
	 "ldap {\"ldap\":{\"responses\":[{\"operation\":\"search_result_done\",\"message_id\":2,\"result_code\":\"success"
	 "\"}]}}\n"
	 "ldap {\"ldap\":{\"responses\":[{\"operation\":\"bind_response\",\"message_id\":1,\"result_code\":\"success\"}]}}"
	 "\n"},
	{"a modification, a comparison, a new name, a deletion, an addition", &proto_ldap, PROTO_TCP, 389,
	 {">30380201026633041a636e3d6361726f6c2c64633d6578616d706c652c64633d6f7267301530130a0102300e0402736e3108040653616d70"
	  "6c65",
	  "<300c020102 6707 0a0100 0400 0400",
	  ">302f0201026e2a041a636e3d6361726f6c2c64633d6578616d706c652c64633d6f7267300c0402736e040653616d706c65",
	  "<300c020102 6f07 0a0106 0400 0400",
	  ">302d0201026c28041a636e3d6361726f6c2c64633d6578616d706c652c64633d6f72670407636e3d646176650101ff",
	  "<300c020102 6d07 0a0100 0400 0400", ">300a020103 4a05 636e3d6162", "<3010020103 6b0b 0a0120 0402 636e 0402 6e6f",
	  ">300e020104 6809 0405 636e3d6162 3000"},
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"modify_request\",\"message_id\":2,\"modify_request\":{\"object\":\""
	 "cn=carol,dc=example,dc=org\"}},\"responses\":[{\"operation\":\"modify_response\",\"message_id\":2,\"result_code"
	 "\":\"success\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"compare_request\",\"message_id\":2,\"compare_request\":{\"entry\":"
	 "\"cn=carol,dc=example,dc=org\"}},\"responses\":[{\"operation\":\"compare_response\",\"message_id\":2,\"result_co"
	 "de\":\"compare_true\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"mod_dn_request\",\"message_id\":2,\"mod_dn_request\":{\"entry\":\"c"
	 "n=carol,dc=example,dc=org\",\"new_rdn\":\"cn=dave\"}},\"responses\":[{\"operation\":\"mod_dn_response\",\"messag"
	 "e_id\":2,\"result_code\":\"success\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"del_request\",\"message_id\":3,\"del_request\":{\"dn\":\"cn=ab\"}},"
	 "\"responses\":[{\"operation\":\"del_response\",\"message_id\":3,\"result_code\":\"no_such_object\",\"matched_dn"
	 "\":\"cn\",\"message\":\"no\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"add_request\",\"message_id\":4,\"add_request\":{\"entry\":\"cn=ab\""
	 "}}}}\n"},
	{"SASL, and its layer", &proto_ldap, PROTO_TCP, 389,
	 {">3018020101 6013 020103 0400 a30c 040a 4449474553542d4d4435", "<300c020101 6107 0a010e 0400 0400",
	  ">3018020102 6013 020103 0400 a30c 040a 4449474553542d4d4435", "<300c020102 6107 0a0100 0400 0400",
	  ">0000002060400c0201"},
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"s"
	 "asl\":{\"mechanism\":\"DIGEST-MD5\"}}},\"responses\":[{\"operation\":\"bind_response\",\"message_id\":1,\"result"
	 "_code\":\"sasl_bind_in_progress\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":2,\"bind_request\":{\"version\":3,\"s"
	 "asl\":{\"mechanism\":\"DIGEST-MD5\"}}},\"responses\":[{\"operation\":\"bind_response\",\"message_id\":2,\"result"
	 "_code\":\"success\"}]}}\n"},
	{"bytes that are lost", &proto_ldap, PROTO_TCP, 389, {">" BIND, "<ffffffff", "<" BOUND},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"s"
	 "imple\":true}},\"responses\":[{\"operation\":\"bind_response\",\"message_id\":1,\"result_code\":\"success\"}]}}"
	 "\n"},
	{"a response alone, a result of no name", &proto_ldap, PROTO_TCP, 389, {"<300d020101 6508 0a020123 0400 0400"},
	  "ldap {\"ldap\":{\"responses\":[{\"operation\":\"search_result_done\",\"message_id\":1,\"result_code\":\"291\"}]}"
	 "}\n"},
	{"connectionless", &proto_ldap, PROTO_UDP, 389, {">" SEARCH, "<" ENTRY FOUND, "<" FOUND "ff"},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"search_request\",\"message_id\":2,\"search_request\":{\"base_object"
	 "\":\"dc=example,dc=org\",\"scope\":2,\"attributes\":[\"mail\"]}}}}\n"
	 "ldap {\"ldap\":{\"entries\":1,\"responses\":[{\"operation\":\"search_result_done\",\"message_id\":2,\"result_cod"
	 "e\":\"success\"}]}}\n"
	 "ldap {\"ldap\":{\"responses\":[{\"operation\":\"search_result_done\",\"message_id\":2,\"result_code\":\"success"
	 "\"}]}}\n"},
	{"names of control characters", &proto_ldap, PROTO_TCP, 389, {">3011020101 600c 020103 0405 1b5b6d0a22 8000",
	  "<"}, "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"n"
	 "ame\":\"\\\\x1b[m\\\\x0a\\\"\",\"simple\":true}}}}\n"},
	{"StartTLS", &proto_ldap, PROTO_TCP, 389, {">" START_TLS, "<" STARTED},
	  "ldap {\"ldap\":{\"request\":{\"operation\":\"extended_request\",\"message_id\":1,\"extended_request\":{\"name\":"
	 "\"1.3.6.1.4.1.1466.20037\"}},\"responses\":[{\"operation\":\"extended_response\",\"message_id\":1,\"result_code"
	 "\":\"success\"}]}}\n"},
	{"StartTLS refused", &proto_ldap, PROTO_TCP, 389, {">" START_TLS, "<300c020101 7807 0a0134 0400 0400", ">"
	  BIND}, "ldap {\"ldap\":{\"request\":{\"operation\":\"extended_request\",\"message_id\":1,\"extended_request\":{\"name\":"
	 "\"1.3.6.1.4.1.1466.20037\"}},\"responses\":[{\"operation\":\"extended_response\",\"message_id\":1,\"result_code"
	 "\":\"unavailable\"}]}}\n"
	 "ldap {\"ldap\":{\"request\":{\"operation\":\"bind_request\",\"message_id\":1,\"bind_request\":{\"version\":3,\"s"
	 "imple\":true}}}}\n"},
};

static const char *const others[] = {
	">300c020101 6007 020104 0400 8000",                 // a version that does not exist
	">300c020101 6207 020103 0400 8000",                 // an operation that does not exist
	">300c020101 6007 020103 0400 8500",                 // a way to bind that does not exist
	">300c0201ff 6007 020103 0400 8000",                 // a message id below zero
	">300c020101 6107 020100 0400 0400",                 // a result that is no enumeration
	">30290201000406696e73696465a01c020456bb71a2020100020100300e300c06082b060102010163000500", // SNMP
	">3010020101 770b 8009 312e322e332e782e34",          // no object identifier
	">3080020101 6007 020103 0400 80000000",
	">308500000000", ">3000", ">30050201034201",
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
	talk_refused(&f, &proto_ldap, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
	talk_refused(&f, &proto_ldap, PROTO_TCP, others, sizeof(others) / sizeof(others[0]) - 1);
}

static void test_ends(void **state)
{
	(void)state;
	talk_hold(&f, &talks[sizeof(talks) / sizeof(talks[0]) - 2], TALK_BYTES_MAX);
	assert_true(f.next);
	talk_hold(&f, &talks[1], TALK_BYTES_MAX);
	assert_null(strstr(f.log, "hush"));
}

// An entry and a request longer than any buffer are passed over.
static void test_long(void **state)
{
	static uint8_t bytes[66000];
	uint32_t n = talk_bytes(">3083 00ffff 020102 6483 00fff7 041a 636e3d61", bytes);

	(void)state;
	feed_start(&f, &proto_ldap, PROTO_TCP, 40000, 389);
	feed(&f, true, bytes + n, talk_bytes(">" SEARCH, bytes + n));
	memset(bytes + n, 'x', 64);
	feed_pieces(&f, false, bytes, 5 + 0xffff, 1400);
	feed(&f, false, bytes, talk_bytes("<" FOUND, bytes));
	feed_end(&f);
	assert_int_equal(f.reported, 1);
	assert_non_null(strstr(f.log, "\"entries\":1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks), cmocka_unit_test(test_damage), cmocka_unit_test(test_others),
		cmocka_unit_test(test_ends),  cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
