// HTTP: what is claimed, what is reported, and that it does not matter in which pieces it comes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto_feed.h"

enum { STEPS_MAX = 8, HEAD_BYTES_READ = 12288 };

static struct feed a, b;

struct step {
	char side; // 'c' from the client, 's' from the server
	const char *text;
};

struct conversation {
	const char *name;
	struct step step[STEPS_MAX];
	const char *log;
	bool over;
};

static const struct conversation conversations[] = {
	{"a request and its response",
	 {{'c', "GET /a?b=c HTTP/1.1\r\nHost: www.example.org:8080\r\nUser-Agent:  probe/1.0 \r\nReferer: http://x/\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"}},
	 "0 QR GET host=www.example.org:8080 /a?b=c HTTP/1.1 ua=probe/1.0 from=http://x/ 200 5 type=text/html server=s "
	 "name=www.example.org\n",
	 false},
	{"keep-alive, bodies passed over",
	 {{'c', "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\ncontent-type: x/y\r\n\r\nGET / HTTP/1"},
	  {'s', "HTTP/1.1 302 Found\r\nLocation: /2\r\nContent-Length: 16\r\n\r\nHTTP/1.1 404 no\n"},
	  {'c', "GET /2 HTTP/1.1\r\nhost: a\r\n\r\n"},
	  {'s', "HTTP/1.1 204 No Content\r\n\r\n"}},
	 "0 QR POST host=a /1 HTTP/1.1 sends=x/y 302 16 to=/2 name=a\n1 QR GET host=a /2 HTTP/1.1 204 name=a\n",
	 false},
	{"HEAD has no body, 304 neither",
	 {{'c', "HEAD /1 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
	  {'c', "GET /2 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"},
	  {'c', "GET /3 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n"}},
	 "0 QR HEAD /1 HTTP/1.1 200 1000\n1 QR GET /2 HTTP/1.1 304 1000\n2 QR GET /3 HTTP/1.1 500 0\n",
	 false},
	{"chunked bodies both ways",
	 {{'c', "POST /1 HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n4;x=y\r\nGET \r\n0\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1F\r\nHTTP/1.1 400 this is the body\r\n\r\n2\r\n\r\n\r\n0\r\nT: v\r\n\r\n"},
	  {'c', "GET /2 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}},
	 "0 QR POST /1 HTTP/1.1 200\n1 QR GET /2 HTTP/1.1 200 0\n",
	 false},
	{"interim responses are not the answer",
	 {{'c', "PUT /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"},
	  {'s', "HTTP/1.1 100 Continue\r\n\r\n"},
	  {'c', "ok"},
	  {'s', "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"}},
	 "0 QR PUT /1 HTTP/1.1 201 0\n",
	 false},
	{"pipelined requests go out alone, responses keep their number",
	 {{'c', "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nHEAD /3 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
	  {'c', "GET /4 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}},
	 "0 Q- GET /1 HTTP/1.1\n1 Q- GET /2 HTTP/1.1\n2 Q- HEAD /3 HTTP/1.1\n0 -R HTTP/1.1 200 1\n1 -R HTTP/1.1 404 0\n"
	 "2 -R HTTP/1.1 200 9\n3 QR GET /4 HTTP/1.1 200 0\n",
	 false},
	{"a response until the end of the connection",
	 {{'c', "GET /1 HTTP/1.0\n\n"}, {'s', "HTTP/1.0 200 OK\nServer: old\n\nbody"}, {'s', "HTTP/1.0 200 OK\n\n"}},
	 "0 QR GET /1 HTTP/1.0 200 server=old\n",
	 false},
	{"requests whose responses are not seen",
	 {{'c', "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"}, {'c', "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"}},
	 "0 Q- GET host=a /1 HTTP/1.1 name=a\n1 Q- GET host=b /2 HTTP/1.1 name=b\n",
	 false},
	{"responses whose requests are not seen",
	 {{'s', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
	  {'c', "GET /3 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}},
	 "0 -R HTTP/1.1 200 0\n1 -R HTTP/1.1 404 0\n2 QR GET /3 HTTP/1.1 200 0\n",
	 false},
	{"CONNECT ends it",
	 {{'c', "CONNECT www.example.org:443 HTTP/1.1\r\n\r\n"}, {'s', "HTTP/1.1 200 Connection established\r\n\r\n"}, {'c', "\x16\x03\x01"}},
	 "0 QR CONNECT host=www.example.org:443 www.example.org:443 HTTP/1.1 200 name=www.example.org\n",
	 true},
	{"CONNECT refused goes on",
	 {{'c', "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n"},
	  {'s', "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"},
	  {'c', "GET http://u@b.example:81/p HTTP/1.1\r\n\r\n"}},
	 "0 QR CONNECT host=[2001:db8::1]:443 [2001:db8::1]:443 HTTP/1.1 407 0 name=[2001:db8::1]\n"
	 "1 Q- GET host=u@b.example:81 http://u@b.example:81/p HTTP/1.1 name=b.example\n",
	 false},
	{"switching protocols ends it",
	 {{'c', "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"}, {'s', "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi"}},
	 "0 QR GET /ws HTTP/1.1 101\n",
	 true},
	{"a method of its own, spaces in the target, bytes above ASCII, empty lines before",
	 {{'c', "\r\n\r\nX-ODD /a b\xc3\xa4 HTTP/1.1\r\nUser-Agent: \xff\\\r\nUser-Agent: second\r\n folded: no\r\nnocolon\r\n\r\n"}},
	 "0 Q- X-ODD /a b\\xc3\\xa4 HTTP/1.1 ua=\\xff\\x5c\n",
	 false},
	{"a request cut in its head",
	 {{'c', "GET /1 HTTP/1.1\r\nHost: a\r\nUser-Ag"}},
	 "0 Q- GET host=a /1 HTTP/1.1 name=a\n",
	 false},
	{"a request cut in its head and answered",
	 {{'c', "GET /1 HTTP/1.1\r\nHost: a\r\n"}, {'s', "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"}},
	 "0 QR GET host=a /1 HTTP/1.1 400 0 name=a\n",
	 false},
	{"a nonsensical length is none",
	 {{'c', "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nGET /2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}},
	 "0 Q- POST / HTTP/1.1\n1 Q- GET /2 HTTP/1.1\n",
	 false},
};

static void speak(struct feed *f, const struct conversation *c, uint32_t piece)
{
	feed_start(f, &proto_http, PROTO_TCP, 40000, 80);
	for (unsigned i = 0; i < STEPS_MAX && c->step[i].text != NULL; i++)
		feed_pieces(f, c->step[i].side == 'c', c->step[i].text, (uint32_t)strlen(c->step[i].text), piece);
}

static void test_conversations(void **state)
{
	static const uint32_t pieces[] = {65536, 1, 2, 3, 7, 16, 33};

	(void)state;
	for (unsigned i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			speak(&a, &conversations[i], pieces[p]);
			assert_int_equal(a.over, conversations[i].over);
			feed_end(&a);
			if (strcmp(a.log, conversations[i].log) != 0)
				fail_msg("%s, in pieces of %u:\n%s", conversations[i].name, pieces[p], a.log);
		}
	}
}

// Cut anywhere: nothing is reported that was not said.
static void test_every_prefix(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const char *text = conversations[i].step[0].text;

		for (uint32_t n = 0; n < strlen(text); n++) {
			feed_start(&a, &proto_http, PROTO_TCP, 40000, 80);
			feed(&a, conversations[i].step[0].side == 'c', text, n);
			assert_false(a.refused);
			feed_end(&a);
		}
	}
}

static void test_not_http(void **state)
{
	static const char *const others[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"EHLO example.org\r\n",
		"220 mail.example.org ESMTP\r\n",
		"INVITE sip:a@b SIP/2.0\r\n",
		"OPTIONS rtsp://a RTSP/1.0\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"HTTP/2.0 200\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1 abc\r\n",
		"GET /\r\n",
		"GET  HTTP/1.1\r\n",
		"GET /HTTP/1.1\r\n",
		"G\tT / HTTP/1.1\r\n",
		"GET /\x01 HTTP/1.1\r\n",
		"(GET) / HTTP/1.1\r\n",
		"THIS-IS-A-VERY-LONG-WORD-AND-NOT-A-METHOD / HTTP/1.1\r\n",
		"\x16\x03\x01\x02",
		"ICY 200 OK\r\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (uint32_t piece = 1; piece < 64; piece += 62) {
			feed_start(&a, &proto_http, PROTO_TCP, 40000, 80);
			feed_pieces(&a, true, others[i], (uint32_t)strlen(others[i]), piece);
			if (!a.refused || a.reported > 0)
				fail_msg("taken for HTTP: %s", others[i]);
		}
}

static uint32_t long_head(char *out, uint32_t fields)
{
	uint32_t n = (uint32_t)sprintf(out, "GET /long HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n");

	for (uint32_t i = 0; i < fields; i++)
		n += (uint32_t)sprintf(out + n, "X-%u: %064u\r\n", i, i);
	return n + (uint32_t)sprintf(out + n, "\r\nxyzGET /next HTTP/1.1\r\n\r\n");
}

// A head that no buffer holds tells what its first part says, and the connection goes on behind it.
static void test_long_head(void **state)
{
	static char text[65536];
	static const uint32_t pieces[] = {65536, 1448, 1000, 97};
	uint32_t len = long_head(text, 400);

	(void)state;
	assert_true(len > 2 * HEAD_BYTES_READ);
	for (unsigned p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		feed_start(&a, &proto_http, PROTO_TCP, 40000, 80);
		feed_pieces(&a, true, text, len, pieces[p]);
		feed_end(&a);
		assert_string_equal(a.log, "0 Q- GET host=a /long HTTP/1.1 name=a\n1 Q- GET /next HTTP/1.1\n");
	}
}

// Bytes were lost: what comes does not begin a message. It is passed over until something does.
static void test_goes_on_after_a_gap(void **state)
{
	static const char request[] = "GET /1 HTTP/1.1\r\n\r\n", lost[] = " part of a body\r\n\r\n";
	static const char next[] = "GET /2 HTTP/1.1\r\n\r\n", answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	(void)state;
	feed_start(&a, &proto_http, PROTO_TCP, 40000, 80);
	feed(&a, true, request, sizeof(request) - 1);
	feed(&a, true, lost, sizeof(lost) - 1);
	assert_false(a.over);
	feed(&a, true, next, sizeof(next) - 1);
	feed(&a, false, lost, sizeof(lost) - 1);
	feed(&a, false, answer, sizeof(answer) - 1);
	assert_string_equal(a.log, "0 Q- GET /1 HTTP/1.1\n1 QR GET /2 HTTP/1.1 200 0\n");
}

static void test_damaged_chunks(void **state)
{
	static const char *const bodies[] = {"zz\r\n", "\r\n", "1x\r\n", "1234567890abcdef\r\n", "2\r\nabc\r\n"};
	static const char head[] = "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", next[] = "GET /2 HTTP/1.1\r\n\r\n";

	(void)state;
	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		feed_start(&a, &proto_http, PROTO_TCP, 40000, 80);
		feed(&a, true, head, sizeof(head) - 1);
		feed(&a, true, bodies[i], (uint32_t)strlen(bodies[i]));
		feed(&a, true, next, sizeof(next) - 1);
		feed_end(&a);
		assert_string_equal(a.log, "0 Q- POST /1 HTTP/1.1\n1 Q- GET /2 HTTP/1.1\n");
	}
}

// One connection does not know of another.
static void test_no_shared_state(void **state)
{
	(void)state;
	speak(&a, &conversations[5], 5);
	for (unsigned i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++)
		speak(&b, &conversations[i], 11);
	speak(&b, &conversations[5], 5);
	assert_string_equal(a.log, b.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations), cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_not_http),      cmocka_unit_test(test_long_head),
		cmocka_unit_test(test_goes_on_after_a_gap), cmocka_unit_test(test_damaged_chunks),
		cmocka_unit_test(test_no_shared_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
