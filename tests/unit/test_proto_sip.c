// SIP over UDP and TCP: requests and responses of real ends, compact and odd forms, SDP, and what only looks like it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_talk.h"

static struct feed f;

#define INVITE \
	"INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9\r\nFrom: \"A\" <sip:alice@example.org>;tag=1\r\n" \
	"To: <sip:bob@example.org>\r\nCall-ID: 1@192.0.2.1\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n" \
	"Authorization: Digest username=\"alice\", response=\"hidden\"\r\nUser-Agent:  Example Phone/1.2 \r\n" \
	"Content-Type: application/sdp\r\nContent-Length: 200\r\n\r\n"
#define SDP \
	"v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\nm=video 6002/2 RTP/SAVP 31\r\nc=IN IP6 ff15::1/3\r\n"
#define RINGING "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\nServer: Example Proxy\r\nContent-Length: 0\r\n\r\n"

#define INVITE_LOG \
	"sip {\"sip\":{\"method\":\"INVITE\",\"uri\":\"sip:bob@192.0.2.2\",\"version\":\"SIP/2.0\",\"request_line\":\"INVITE sip:bob@192.0.2.2 SIP/2.0\"," \
	"\"from\":\"\\\"A\\\" \\u003csip:alice@example.org>;tag=1\",\"to\":\"\\u003csip:bob@example.org>\",\"call_id\":\"1@192.0.2.1\"," \
	"\"cseq\":\"1 INVITE\",\"contact\":\"\\u003csip:alice@192.0.2.1>\",\"user_agent\":\"Example Phone/1.2\"," \
	"\"via\":\"SIP/2.0/TCP 192.0.2.1:5060;branch=z9\",\"content_type\":\"application/sdp\"," \
	"\"media\":[{\"type\":\"audio\",\"address\":\"192.0.2.1\",\"port\":6000,\"protocol\":\"RTP/AVP\",\"codecs\":[\"PCMU\",\"telephone-event\"]}," \
	"{\"type\":\"video\",\"address\":\"ff15::1\",\"port\":6002,\"protocol\":\"RTP/SAVP\"}]}}\n"
#define RINGING_LOG \
	"sip {\"sip\":{\"version\":\"SIP/2.0\",\"code\":\"180\",\"reason\":\"Ringing\",\"response_line\":\"SIP/2.0 180 Ringing\"," \
	"\"cseq\":\"1 INVITE\",\"server\":\"Example Proxy\"}}\n"

static const struct talk talks[] = {
	{"a call over UDP", &proto_sip, PROTO_UDP, 5060, {"}" INVITE SDP, "{" RINGING, "}\r\n\r\n",
	  "}garbage"}, INVITE_LOG RINGING_LOG},
	{"a call over TCP", &proto_sip, PROTO_TCP, 5060, {"}\r\n\r\n" INVITE SDP INVITE SDP, "{" RINGING RINGING,
	  "}\r\n\r\n"},
	 INVITE_LOG INVITE_LOG RINGING_LOG RINGING_LOG},
	{"bytes that keep a path open", &proto_sip, PROTO_UDP, 5060, {"}\r\n\x01keep", "{\r\n\r\n", "{" RINGING}, RINGING_LOG},
	{"compact names, bare LF, no reason", &proto_sip, PROTO_UDP, 5070,
	 {"}MESSAGE sip:b SIP/2.0\nf: <sip:a>\nt: <sip:b>\ni: 7\nm: <sip:c>\nv: SIP/2.0/UDP x\nc: text/plain\nl: 3\n\nabc", "{SIP/2.0 200\nFrom : x\n\n"},
	 "sip {\"sip\":{\"method\":\"MESSAGE\",\"uri\":\"sip:b\",\"version\":\"SIP/2.0\",\"request_line\":\"MESSAGE sip:b "
	 "SIP/2.0\",\"from\":\"\\u003csip:a>\",\"to\":\"\\u003csip:b>\",\"call_id\":\"7\",\"contact\":\"\\u003csip:c>\",\""
	 "via\":\"SIP/2.0/UDP x\",\"content_type\":\"text/plain\"}}\n"
	 "sip {\"sip\":{\"version\":\"SIP/2.0\",\"code\":\"200\",\"response_line\":\"SIP/2.0 200\",\"from\":\"x\"}}\n"},
	{"control characters, bytes above ASCII, markup", &proto_sip, PROTO_UDP, 5060,
	 {"}OPTIONS sip:\xff<script> SIP/2.0\r\nUser-Agent: \x1b[31m\"<b>,=cmd|\\\r\nTo: first\r\nTo: second\r\nnocolon\r\n\r\n"},
	 "sip {\"sip\":{\"method\":\"OPTIONS\",\"uri\":\"sip:\\\\xff\\u003cscript>\",\"version\":\"SIP/2.0\",\"request_lin"
	 "e\":\"OPTIONS sip:\\\\xff\\u003cscript> SIP/2.0\",\"to\":\"first\",\"user_agent\":\"\\\\x1b[31m\\\"\\u003cb>,=cm"
	 "d|\\\\x5c\"}}\n"},
	{"a head that does not end", &proto_sip, PROTO_UDP, 5060, {"}BYE sip:b SIP/2.0\r\nUser-Agent: cut"},
	  "sip {\"sip\":{\"method\":\"BYE\",\"uri\":\"sip:b\",\"version\":\"SIP/2.0\",\"request_line\":\"BYE sip:b SIP/2.0"
	 "\"}}\n"},
	{"media without an address, ports that are none, more than are told", &proto_sip, PROTO_UDP, 5060,
	 {"}INVITE sip:b SIP/2.0\r\n\r\nv=0\r\nm=audio 99999 RTP/AVP\r\nm=\r\nm=video\r\nc=\r\nm=text 7 x\r\nm=fifth 5 y\r\n"},
	 "sip {\"sip\":{\"method\":\"INVITE\",\"uri\":\"sip:b\",\"version\":\"SIP/2.0\",\"request_line\":\"INVITE sip:b SI"
	 "P/2.0\",\"media\":[{\"type\":\"audio\",\"port\":0,\"protocol\":\"RTP/AVP\"},{\"port\":0},{\"type\":\"video\",\"p"
	 "ort\":0},{\"type\":\"text\",\"port\":7,\"protocol\":\"x\"}]}}\n"},
};

static const char *const others[] = {
	"}OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"}OPTIONS rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	"}INVITE sip:b SIP/2.0",
	"}INVITE sip:b SIP/3.0\r\n\r\n",
	"}INVITE  SIP/2.0\r\n\r\n",
	"}Invite sip:b SIP/2.0\r\n\r\n",
	"}INVITE sip:b\x01 SIP/2.0\r\n\r\n",
	"}AMETHODTHATISFARTOOLONGTOBEONE sip:b SIP/2.0\r\n\r\n",
	"{SIP/2.0 800 x\r\n\r\n",
	"{SIP/2.0 2x0 x\r\n\r\n",
	"{SIP/2.0 2000 x\r\n\r\n",
	"{SIP/2.0 20\r\n\r\n",
	"}NOTIFY * HTTP/1.1\r\n\r\n",
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
	talk_refused(&f, &proto_sip, PROTO_UDP, others, sizeof(others) / sizeof(others[0]));
	talk_refused(&f, &proto_sip, PROTO_TCP, others, 2);
}

// What a password is made of is not told.
static void test_secrets(void **state)
{
	(void)state;
	talk_hold(&f, &talks[0], TALK_BYTES_MAX);
	assert_null(strstr(f.log, "hidden"));
}

// A body longer than any buffer is passed over; so are bytes that begin no message.
static void test_long_and_lost(void **state)
{
	static char text[32768];
	uint32_t n = (uint32_t)sprintf(text, "INFO sip:b SIP/2.0\r\nContent-Length: 30000\r\n\r\n");

	(void)state;
	memset(text + n, 'x', 30000);
	feed_start(&f, &proto_sip, PROTO_TCP, 40000, 5060);
	feed_pieces(&f, true, text, n + 30000, 1400);
	feed(&f, true, " of a body\r\n\r\n", 14);
	feed(&f, true, "BYE sip:b SIP/2.0\r\n\r\n", 21);
	feed_end(&f);
	assert_int_equal(f.reported, 2);
	assert_non_null(strstr(f.log, "\"method\":\"BYE\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),   cmocka_unit_test(test_damage),        cmocka_unit_test(test_others),
		cmocka_unit_test(test_secrets), cmocka_unit_test(test_long_and_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
