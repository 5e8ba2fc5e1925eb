// Kerberos over UDP and TCP: requests, tickets, errors, as a key distribution centre of MIT answers them, and what only looks like it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

static struct feed f;

#define AS_REQ \
	"6a8185308182a103020105a20302010aa30e300c300aa103020102a203040100a4663064a00703050000000010a1123010a003020102a109" \
	"30071b05616c696365a20d1b0b4558414d504c452e4f5247a320301ea003020102a11730151b066b72627467741b0b4558414d504c452e4f" \
	"5247a703020107a80f300d0201120201110201170202ff7b"
#define AS_REQ_LENGTH "00000088"
#define AS_REP \
	"6b8198308195a003020105a10302010ba30d1b0b4558414d504c452e4f5247a4123010a003020102a10930071b05616c696365a550614e30" \
	"4ca003020105a10d1b0b4558414d504c452e4f5247a220301ea003020102a11730151b066b72627467741b0b4558414d504c452e4f5247a3" \
	"143012a003020112a103020101a206040401020304a6143012a003020112a103020101a206040401020304"
#define AS_REP_LENGTH "0000009b"
#define TGS_REQ \
	"6c6b3069a103020105a20302010ca30e300c300aa103020101a203040100a44d304ba00703050000000010a20d1b0b4558414d504c452e4f" \
	"5247a3223020a003020102a11930171b04485454501b0f6f6c642e6578616d706c652e6f7267a703020107a8083006020112020117"
#define TGS_REQ_LENGTH "0000006d"
#define TGS_REP \
	"6d819a308197a003020105a10302010da30d1b0b4558414d504c452e4f5247a4123010a003020102a10930071b05616c696365a552615030" \
	"4ea003020105a10d1b0b4558414d504c452e4f5247a2223020a003020102a11930171b04485454501b0f6f6c642e6578616d706c652e6f72" \
	"67a3143012a003020117a103020101a206040401020304a6143012a003020112a103020101a206040401020304"
#define TGS_REP_LENGTH "0000009d"
#define NOBODY \
	"6a81a73081a4a103020105a20302010aa31a3018300aa10402020096a2020400300aa10402020095a2020400a47c307aa007030500000000" \
	"10a1133011a003020101a10a30081b066e6f626f6479a20d1b0b4558414d504c452e4f5247a320301ea003020102a11730151b066b726274" \
	"67741b0b4558414d504c452e4f5247a511180f32303236313132323039313432335aa706020421d43af5a80e300c02011202011102011402" \
	"0117"
#define UNKNOWN \
	"7e8195308192a003020105a10302011ea411180f32303236313132313039313432335aa505020300e939a603020106a70d1b0b4558414d50" \
	"4c452e4f5247a8133011a003020101a10a30081b066e6f626f6479a90d1b0b4558414d504c452e4f5247aa20301ea003020102a11730151b" \
	"066b72627467741b0b4558414d504c452e4f5247ab121b10434c49454e545f4e4f545f464f554e44"

static const struct talk talks[] = {
	{"a ticket for a ticket", &proto_krb5, PROTO_UDP, 88, {">" AS_REQ, "<" AS_REP},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_AS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"krbtgt/EXA"
	 "MPLE.ORG\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"AES256_C"
	 "TS_HMAC_SHA1_96\",\"preauthenticated\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"AES128_CTS_"
	 "HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"},
	{"a ticket of a service, by RC4", &proto_krb5, PROTO_UDP, 88, {">" TGS_REQ, ">" TGS_REQ, "<" TGS_REP},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_TGS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"HTTP/old."
	 "example.org\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"RC4_H"
	 "MAC\",\"ticket_weak_encryption\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"},
	{"a name that nobody has", &proto_krb5, PROTO_UDP, 88, {">" NOBODY, "<" UNKNOWN},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_ERROR\",\"failed_request\":\"KRB_AS_REQ\",\"error_code\":\"KDC_ERR_C_PRINCIPA"
	 "L_UNKNOWN\",\"error_text\":\"CLIENT_NOT_FOUND\",\"cname\":\"nobody\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"krbtg"
	 "t/EXAMPLE.ORG\",\"weak_encryption\":false,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"AES128_CTS_HM"
	 "AC_SHA1_96\",\"AES256_CTS_HMAC_SHA384_192\",\"RC4_HMAC\"]}}\n"},
	{"a request without an answer, an answer without a request", &proto_krb5, PROTO_UDP, 88, {"<" TGS_REP, ">"
	  AS_REQ, ">00"},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_TGS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"HTTP/old."
	 "example.org\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"RC4_H"
	 "MAC\",\"ticket_weak_encryption\":true}}\n"
	 "krb5 {\"krb5\":{\"msg_type\":\"KRB_AS_REQ\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"krbtgt/EXA"
	 "MPLE.ORG\",\"weak_encryption\":false,\"preauthenticated\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1"
	 "_96\",\"AES128_CTS_HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"},
	{"streams", &proto_krb5, PROTO_TCP, 88,
	 {">" AS_REQ_LENGTH AS_REQ, "<" AS_REP_LENGTH AS_REP, ">" TGS_REQ_LENGTH TGS_REQ, "<" TGS_REP_LENGTH TGS_REP},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_AS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"krbtgt/EXA"
	 "MPLE.ORG\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"AES256_C"
	 "TS_HMAC_SHA1_96\",\"preauthenticated\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"AES128_CTS_"
	 "HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"
	 "krb5 {\"krb5\":{\"msg_type\":\"KRB_TGS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"HTTP/old."
	 "example.org\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"RC4_H"
	 "MAC\",\"ticket_weak_encryption\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"},
	{"bytes that are lost", &proto_krb5, PROTO_TCP, 88, {">" AS_REQ_LENGTH AS_REQ, "<ffffffffff", "<"
	  AS_REP_LENGTH AS_REP},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_AS_REP\",\"cname\":\"alice\",\"realm\":\"EXAMPLE.ORG\",\"sname\":\"krbtgt/EXA"
	 "MPLE.ORG\",\"encryption\":\"AES256_CTS_HMAC_SHA1_96\",\"weak_encryption\":false,\"ticket_encryption\":\"AES256_C"
	 "TS_HMAC_SHA1_96\",\"preauthenticated\":true,\"requested_encryptions\":[\"AES256_CTS_HMAC_SHA1_96\",\"AES128_CTS_"
	 "HMAC_SHA1_96\",\"RC4_HMAC\"]}}\n"},
	{"an error of no name, with control characters", &proto_krb5, PROTO_UDP, 88,
	 {"<7e1b 3019 a003020105 a10302011e a60402020150 a9071b051b5b6d0a22"},
	  "krb5 {\"krb5\":{\"msg_type\":\"KRB_ERROR\",\"error_code\":\"336\",\"realm\":\"\\\\x1b[m\\\\x0a\\\"\",\"weak_encr"
	 "yption\":false}}\n"},
};

static const char *const others[] = {
	">6a0e 300c a103020105 a20302010b",     // a type that is not its tag's
	">6a0e 300c a103020104 a20302010a",     // a version that does not exist
	">6a0e 300c a103020105 a20302010a ff",  // bytes behind the end
	">6a0f 300c a103020105 a20302010a ff",  // lengths that do not fit
	">6a0e 310c a103020105 a20302010a",
	">6e0e 300c a003020105 a10302010e",
	">6a0e 300c a103020105 a20302010a",     // nothing is asked
	">7e0e 300c a003020105 a10302011e", ">6a", ">6a84ffffffff30", ">6b",
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
	static const char *const streams[] = {">00000010 6a0e 300c a103020105 a20302010b",
	  ">0000000f 6a0e 300c a103020105 a20302010a",
					      ">00200000 6a", ">16030100", ">00000002 3000"};

	(void)state;
	talk_refused(&f, &proto_krb5, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
	talk_refused(&f, &proto_krb5, PROTO_TCP, streams, sizeof(streams) / sizeof(streams[0]));
}

// A ticket that no buffer holds is passed over.
static void test_long(void **state)
{
	static uint8_t bytes[65536];
	uint32_t n = talk_bytes(">0000f008 6c82f004 3082f000 a103020105 a20302010c", bytes);

	(void)state;
	memset(bytes + n, 'x', 0xf00c - n);
	feed_start(&f, &proto_krb5, PROTO_TCP, 40000, 88);
	feed_pieces(&f, true, bytes, 0xf00c, 1400);
	feed(&f, true, bytes, talk_bytes(">" AS_REQ_LENGTH AS_REQ, bytes));
	feed_end(&f);
	assert_int_equal(f.reported, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks), cmocka_unit_test(test_damage), cmocka_unit_test(test_others), cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
