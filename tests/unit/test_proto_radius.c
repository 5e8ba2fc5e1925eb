// RADIUS: messages of FreeRADIUS and its tools, and what only looks like them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

static struct feed f;

#define AUTH "12dfeee0a89fb08b6e86695bb3abb7fb"
#define REQUEST \
	"01d7004b" AUTH \
	"0107616c69636502127d2420fd8827477ba69a507a030df8b204067f000001050600000007501250410a6af773b80f3747b49d2cb34aaa"
#define ACCEPT "02d7002328f3ebbb3c2071e0e529a340e4332f670806c633644d120957656c636f6d65"
#define ACCOUNT \
	"04d10082b33ac3dc7d75f334afdfff035bfb91550107616c6963650406c00002012006676174650506000000073d06000000131e1a30322d" \
	"30302d30302d30302d30302d46453a6775657374731f1330322d30302d30302d30302d30302d30412c0453310806c633644d280600000003" \
	"2e060000003c2a0600001b582b0600015f90"

static const struct talk talks[] = {
	{"a log-in", &proto_radius, PROTO_UDP, 1812, {">" REQUEST, "<" ACCEPT, "<03d80014" AUTH, "<ffff"},
	 "radius {\"radius\":{\"code\":\"access_request\",\"id\":215,\"user_name\":\"alice\",\"auth_method\":\"pap\",\"nas"
	 "_ip\":\"127.0.0.1\",\"nas_port\":7}}\n"
	 "radius {\"radius\":{\"code\":\"access_accept\",\"id\":215,\"framed_ip\":\"198.51.100.77\",\"reply_message\":\"We"
	 "lcome\"}}\n"
	 "radius {\"radius\":{\"code\":\"access_reject\",\"id\":216}}\n"},
	{"accounting", &proto_radius, PROTO_UDP, 1813, {">" ACCOUNT, "<05d10014" AUTH},
	 "radius {\"radius\":{\"code\":\"accounting_request\",\"id\":209,\"user_name\":\"alice\",\"nas_ip\":\"192.0.2.1\","
	 "\"nas_id\":\"gate\",\"nas_port\":7,\"nas_port_type\":\"wireless_802_11\",\"called_station_id\":\"02-00-00-00-00-"
	 "FE:guests\",\"calling_station_id\":\"02-00-00-00-00-0A\",\"framed_ip\":\"198.51.100.77\",\"acct_status_type\":\""
	 "interim_update\",\"acct_session_id\":\"S1\",\"acct_session_time\":60,\"acct_input_octets\":7000,\"acct_output_oc"
	 "tets\":90000}}\n"
	 "radius {\"radius\":{\"code\":\"accounting_response\",\"id\":209}}\n"},
	{"ways to log in, addresses of IPv6, a name of control characters", &proto_radius, PROTO_UDP, 1812,
	 {">0101001d" AUTH "01061b5b0a22 030300", ">01010019" AUTH "4f05020101", ">0101001e" AUTH "1a0a00000137 01040000",
	  ">01010026" AUTH "5f1220010db8000000000000000000000001", ">0c010020" AUTH "3d060000000f 280600000007"},
	 "radius {\"radius\":{\"code\":\"access_request\",\"id\":1,\"user_name\":\"\\\\x1b[\\\\x0a\\\"\",\"auth_method\":"
	 "\"chap\"}}\n"
	 "radius {\"radius\":{\"code\":\"access_request\",\"id\":1,\"auth_method\":\"eap\"}}\n"
	 "radius {\"radius\":{\"code\":\"access_request\",\"id\":1,\"auth_method\":\"ms_chap\"}}\n"
	 "radius {\"radius\":{\"code\":\"access_request\",\"id\":1,\"nas_ip\":\"2001:db8::1\"}}\n"
	 "radius {\"radius\":{\"code\":\"status_server\",\"id\":1,\"nas_port_type\":\"ethernet\",\"acct_status_type\":\"ac"
	 "counting_on\"}}\n"},
};

static const char *const others[] = {
	">0101001a" AUTH "0106616263",          // a length that is not the datagram's
	">01010019" AUTH "0106616263",          // an attribute that goes beyond
	">01010019" AUTH "0405010203",          // an address of three bytes
	">0101001a" AUTH "0001 0104 6162",      // no type, no length
	">06010019" AUTH "0105616263",          // a code that is none
	(">01010013" AUTH), ">0101",
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
	static uint8_t bytes[32];
	uint32_t n = talk_bytes("<05d10014" AUTH, bytes);

	(void)state;
	talk_refused(&f, &proto_radius, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
	feed_start(&f, &proto_radius, PROTO_UDP, 40000, 1812);
	feed(&f, false, bytes, n); // nothing in it but a header
	assert_false(f.hint.claimed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_talks), cmocka_unit_test(test_damage), cmocka_unit_test(test_others)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
