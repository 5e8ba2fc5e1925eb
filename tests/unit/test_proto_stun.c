// STUN and TURN over UDP and TCP as coturn speaks them, the older STUN, and what only looks like it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

static struct feed f;

#define ID "0102030405060708090a0b0c"
#define BINDING "00010000 2112a442" ID
#define BOUND "0101000c 2112a442" ID "00200008 0001f66a e112a643"
#define ALLOCATE \
	"0003006c2112a442ddad14c9a095d6bac89ecfd70019000411000000000d0004000003090017000401000000001a000000060005616c6963" \
	"6500000000150010313238386239383239316566376439300014000b6578616d706c652e6f72670000080014da896fb8e12b69eaf946d940" \
	"d59d921ceaf367b680280004cccb8ae1"
#define ALLOCATED \
	"010300582112a442ddad14c9a095d6bac89ecfd7001600080001e0ade112a640002000080001b431e112a643000d00040000030980220014" \
	"436f7475726e2d342e362e312027476f72737427000800143b66ae8a99a28b2f79c599bf1162a8e1b03ffaf780280004140e83ab"
#define REFUSED \
	"011300582112a4420eef61f019518f862177c4050009001000000401556e617574686f72697a656400150010313238386239383239316566" \
	"376439300014000b6578616d706c652e6f72670080220014436f7475726e2d342e362e312027476f727374278028000403035e62"
#define CHANNEL \
	"000900642112a4421643c2e64157126c46a924e3000c000444e900000012000800012c8ae112a64000060005616c69636500000000150010" \
	"313531373032383636643563333632370014000b6578616d706c652e6f72670000080014d742838af333cd3e3486b947c73bb0705bb8fa93" \
	"802800042a45ce3a"

static const struct talk talks[] = {
	{"a binding", &proto_stun, PROTO_UDP, 3478, {">" BINDING, ">" BINDING, "<" BOUND, ">" BINDING},
	  "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"request\",\"transaction_id\":\"0102030405060708090a0b0c\"}}\n"},
	{"a binding over IPv6", &proto_stun, PROTO_UDP, 3478,
	 {"<010100602112a4427e440d7b104009ff36304bb0002000140002c96a0113a9fa7e440d7b104009ff36304bb1000100140002e87820010db8"
	  "000000000000000000000001802b001400020d9620010db800000000000000000000000280220014436f7475726e2d342e362e312027476f"
	  "72737427"},
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"7e440d7b104009ff36304bb0\",\"m"
	 "apped_address\":\"2001:db8::1\",\"mapped_port\":59512,\"software\":\"Coturn-4.6.1 'Gorst'\"}}\n"},
	{"an allocation and data through a channel", &proto_stun, PROTO_UDP, 3478,
	 {"<" REFUSED, ">" ALLOCATE, "<" ALLOCATED, ">" CHANNEL, "<010900002112a4421643c2e64157126c46a924e3",
	  ">44e9000401020304", "<80"},
	 "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"error\",\"transaction_id\":\"0eef61f019518f862177c405\",\"re"
	 "alm\":\"example.org\",\"software\":\"Coturn-4.6.1 'Gorst'\",\"error_code\":401,\"error_reason\":\"Unauthorized\""
	 "}}\n"
	 "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"success\",\"transaction_id\":\"ddad14c9a095d6bac89ecfd7\",\""
	 "mapped_address\":\"192.0.2.1\",\"mapped_port\":38179,\"relayed_address\":\"192.0.2.2\",\"relayed_port\":49599,\""
	 "lifetime\":777,\"username\":\"alice\",\"realm\":\"example.org\",\"software\":\"Coturn-4.6.1 'Gorst'\"}}\n"
	 "stun {\"stun\":{\"method\":\"channel_bind\",\"class\":\"success\",\"transaction_id\":\"1643c2e64157126c46a924e3"
	 "\",\"peer_address\":\"192.0.2.2\",\"peer_port\":3480,\"channel\":17641,\"username\":\"alice\",\"realm\":\"exampl"
	 "e.org\"}}\n"},
	{"the same as a stream", &proto_stun, PROTO_TCP, 3478,
	 {"<" REFUSED, ">" ALLOCATE, "<" ALLOCATED, ">" CHANNEL "44e90005 0102030405 000000" BINDING,
	  "<44e90004 01020304" BOUND},
	  "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"error\",\"transaction_id\":\"0eef61f019518f862177c405\",\"re"
	 "alm\":\"example.org\",\"software\":\"Coturn-4.6.1 'Gorst'\",\"error_code\":401,\"error_reason\":\"Unauthorized\""
	 "}}\n"
	 "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"success\",\"transaction_id\":\"ddad14c9a095d6bac89ecfd7\",\""
	 "mapped_address\":\"192.0.2.1\",\"mapped_port\":38179,\"relayed_address\":\"192.0.2.2\",\"relayed_port\":49599,\""
	 "lifetime\":777,\"username\":\"alice\",\"realm\":\"example.org\",\"software\":\"Coturn-4.6.1 'Gorst'\"}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"},
	{"frames in a stream", &proto_stun, PROTO_TCP, 3478, {">0014" BINDING "0004ffffffff", "<0020" BOUND
	  "0003010203" "0020" BOUND},
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"},
	{"attributes that are not padded", &proto_stun, PROTO_UDP, 3478, {">0003000a 2112a442" ID "40000006010203040506"},
	 "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"request\",\"transaction_id\":\"0102030405060708090a0b0c\"}}"
	 "\n"},
	{"the old form", &proto_stun, PROTO_UDP, 3478,
	 {">00010000 11111111" ID, ">00010008 11111111" ID "0003000400000006", "<0101000c 11111111" ID
	  "00010008 0001f66a c0000201"},
	  "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"classic\":true,\"transaction_id\":\"0102030405060"
	 "708090a0b0c\",\"mapped_address\":\"192.0.2.1\",\"mapped_port\":63082}}\n"},
	{"the old form, of Zoom", &proto_stun, PROTO_UDP, 3478, {">00010018 d44eac6b" ID
	  "01010014 3132333435363738393031323334353637383930"},
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"request\",\"classic\":true,\"transaction_id\":\"0102030405060"
	 "708090a0b0c\"}}\n"},
	{"more answers than are told", &proto_stun, PROTO_UDP, 3478,
	 {"<" BOUND, "<" BOUND, "<" BOUND, "<" BOUND, "<" BOUND, "<" BOUND, "<" REFUSED},
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"binding\",\"class\":\"success\",\"transaction_id\":\"0102030405060708090a0b0c\",\"m"
	 "apped_address\":\"192.0.2.1\",\"mapped_port\":55160}}\n"
	 "stun {\"stun\":{\"method\":\"allocate\",\"class\":\"error\",\"transaction_id\":\"0eef61f019518f862177c405\",\"re"
	 "alm\":\"example.org\",\"software\":\"Coturn-4.6.1 'Gorst'\",\"error_code\":401,\"error_reason\":\"Unauthorized\""
	 "}}\n"},
	{"names of control characters, an address of no family", &proto_stun, PROTO_UDP, 3478,
	 {">00010018 2112a442" ID "00060005 1b5b6d0a22 000000 00200008 0003f66a e112a643"},
	  "stun {\"stun\":{\"method\":\"binding\",\"class\":\"request\",\"transaction_id\":\"0102030405060708090a0b0c\",\"u"
	 "sername\":\"\\\\x1b[m\\\\x0a\\\"\"}}\n"},
};

static const char *const others[] = {
	">00010004 2112a442" ID,                  // a length that is not the datagram's
	">00010001 11111111" ID "00",             // not a multiple of four
	">00010008 11111111" ID "0006000900000000", // an attribute longer than the message
	">00000000 2112a442" ID,                  // no method
	">000e0000 2112a442" ID,                  // a method that does not exist
	">02010000 2112a442" ID,
	"<0101000c 11111111" ID "00060008 0001f66a c0000201", // no cookie, no proof
	"<01110000 11111111" ID,
	">0001", ">00010000 2112a442 010203",
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
	static const char *const streams[] = {">00000000 2112a442" ID "0000", ">00010000 11111111" ID "0000",
	  ">0018 0000 0000 2112a442" ID,
					      ">0015 0001 0000 2112a442" ID};

	(void)state;
	talk_refused(&f, &proto_stun, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
	talk_refused(&f, &proto_stun, PROTO_TCP, streams, sizeof(streams) / sizeof(streams[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_talks), cmocka_unit_test(test_damage), cmocka_unit_test(test_others)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
