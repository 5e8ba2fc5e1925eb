// The engine that asks the dissectors, with the real list of them: who claims, who is never asked again, when it gives up, what it
// does without memory. What the dissectors themselves understand has tests of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

enum { REPORTS_MAX = 64, STREAM_MAX = 4096 };

struct reported {
	uint8_t type, app;
	bool to_server, request, response;
	uint16_t status, id;
	char name[64];
};

struct engine {
	struct classify c;
	struct classify_flow flow;
	void *memory;
	struct l7 scratch_l7;
	uint8_t scratch[L7_SCRATCH];
	uint8_t stream[2][STREAM_MAX]; // bytes not used yet, by direction
	uint32_t waiting[2];
	uint64_t skip[2];
	unsigned reports;
	uint64_t now_ns;
	struct reported report[REPORTS_MAX];
};

static void note(void *context, const struct classify_flow *flow, const struct l7 *l7, bool to_server)
{
	struct engine *e = context;
	struct reported *r = &e->report[e->reports++];
	struct record_text name = l7->type == RECORD_HTTP ? l7->http.hostname : l7->type == RECORD_TLS ? l7->tls.sni : l7->dns.rrname;

	assert_true(e->reports <= REPORTS_MAX);
	assert_ptr_equal(flow, &e->flow);
	memset(r, 0, sizeof(*r));
	r->type = l7->type;
	r->app = flow->app;
	r->to_server = to_server;
	memcpy(r->name, l7->text + name.at, name.len < 63 ? name.len : 63);
	if (l7->type == RECORD_HTTP) {
		r->request = l7->http.request;
		r->response = l7->http.response;
		r->status = l7->http.status;
	} else if (l7->type == RECORD_DNS) {
		r->response = l7->dns.response;
		r->id = l7->dns.id;
	}
}

static struct engine *engine_limited(uint32_t l7_count, const struct classify_limits *limits)
{
	struct engine *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->memory = aligned_alloc(64, (pool_bytes(sizeof(struct l7), l7_count) + 64) / 64 * 64);
	assert_non_null(e->memory);
	classify_init(&e->c, e->memory, l7_count, &e->scratch_l7, e->scratch, limits, note, e);
	return e;
}

static struct engine *engine_make(uint32_t l7_count)
{
	return engine_limited(l7_count, NULL);
}

static void engine_end(struct engine *e)
{
	classify_end(&e->c, &e->flow);
	assert_true(e->flow.done);
	assert_false(e->flow.has_l7);
	assert_int_equal(e->c.l7_pool.available, e->c.l7_pool.capacity);
	free(e->memory);
	free(e);
}

static struct proto_hint hint_of(enum proto_l4 l4, uint16_t server_port, bool to_server)
{
	return (struct proto_hint){.l4 = l4, .client_port = 40000, .server_port = server_port, .to_server = to_server};
}

static void datagram(struct engine *e, uint16_t port, bool to_server, const void *bytes, uint32_t n)
{
	struct proto_hint hint = hint_of(PROTO_UDP, port, to_server);
	uint8_t *exact = malloc(n);
	uint64_t skip;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	hint.now_ns = e->now_ns;
	assert_int_equal(classify_bytes(&e->c, &e->flow, span_of(exact, n), &hint, &skip), n);
	free(exact);
}

static void drop(struct engine *e, unsigned dir, uint32_t n)
{
	memmove(e->stream[dir], e->stream[dir] + n, e->waiting[dir] - n);
	e->waiting[dir] -= n;
}

// Offers what waits once. Returns whether it is of use to offer the rest.
static bool offer(struct engine *e, unsigned dir, const struct proto_hint *hint)
{
	uint32_t n = e->waiting[dir], skipped, used;
	uint8_t *exact = malloc(n);

	assert_non_null(exact);
	memcpy(exact, e->stream[dir], n);
	used = classify_bytes(&e->c, &e->flow, span_of(exact, n), hint, &e->skip[dir]);
	free(exact);
	assert_true(used <= n);
	drop(e, dir, used);
	skipped = e->skip[dir] < e->waiting[dir] ? (uint32_t)e->skip[dir] : e->waiting[dir];
	drop(e, dir, skipped);
	e->skip[dir] -= skipped;
	return used + skipped > 0 && e->waiting[dir] > 0 && !e->flow.done;
}

// Some bytes of a stream; what was not used is offered again with them.
static void segment(struct engine *e, uint16_t port, bool to_server, const void *bytes, uint32_t n)
{
	struct proto_hint hint = hint_of(PROTO_TCP, port, to_server);
	unsigned dir = !to_server;
	uint32_t skipped = e->skip[dir] < n ? (uint32_t)e->skip[dir] : n;

	if (e->flow.done)
		return;
	assert_true(e->waiting[dir] + n <= STREAM_MAX);
	memcpy(e->stream[dir] + e->waiting[dir], (const uint8_t *)bytes + skipped, n - skipped);
	e->waiting[dir] += n - skipped;
	e->skip[dir] -= skipped;
	while (e->waiting[dir] > 0 && offer(e, dir, &hint))
		;
}

static void text(struct engine *e, uint16_t port, bool to_server, const char *what)
{
	segment(e, port, to_server, what, (uint32_t)strlen(what));
}

static unsigned app_of(const char *name)
{
	for (unsigned i = 1; i < proto_count; i++)
		if (strcmp(proto_list[i]->name, name) == 0)
			return i;
	fail_msg("no protocol %s", name);
	return 0;
}

static uint32_t dns_query(uint8_t *out, uint8_t id, bool response)
{
	static const uint8_t body[] = {0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e',
				       3, 'o', 'r', 'g', 0, 0, 1, 0, 1};

	out[0] = 0;
	out[1] = id;
	memcpy(out + 2, body, sizeof(body));
	if (response)
		out[2] |= 0x80;
	return 2 + sizeof(body);
}

#define REQUEST "GET /a HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: t\r\n\r\n"
#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

// ---- UDP ----

static void test_datagrams(void **state)
{
	static const uint16_t ports[] = {53, 5300};
	uint8_t bytes[64];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct engine *e = engine_make(0); // a datagram needs no memory

		datagram(e, ports[i], true, bytes, dns_query(bytes, 1, false));
		assert_int_equal(e->flow.app, app_of("dns"));
		assert_int_equal(e->reports, 1);
		assert_int_equal(e->report[0].type, RECORD_DNS);
		assert_int_equal(e->report[0].id, 1);
		assert_true(e->report[0].to_server);
		assert_string_equal(e->report[0].name, "www.example.org");
		datagram(e, ports[i], false, bytes, dns_query(bytes, 2, true));
		assert_int_equal(e->reports, 2);
		assert_true(e->report[1].response && !e->report[1].to_server);
		assert_int_equal(e->c.claimed[app_of("dns")], 1);
		assert_int_equal(e->c.transactions, 2);
		assert_false(e->flow.done);
		engine_end(e);
	}
}

static void test_bad_datagram_is_passed_over(void **state)
{
	struct engine *e = engine_make(0);
	uint8_t bytes[64];

	(void)state;
	datagram(e, 53, true, bytes, dns_query(bytes, 1, false));
	datagram(e, 53, true, "no", 2);
	assert_false(e->flow.done);
	datagram(e, 53, true, bytes, dns_query(bytes, 3, false));
	assert_int_equal(e->reports, 2);
	assert_int_equal(e->report[1].id, 3);
	engine_end(e);
}

static bool waits(const struct engine *e, unsigned app)
{
	for (unsigned i = 0; i < CLASSIFY_WAITING_MAX; i++)
		if (e->flow.waiting[i] == app)
			return true;
	return false;
}

static bool may_begin(const struct proto_ops *ops, enum proto_l4 l4, uint8_t byte)
{
	bool may = ops->firsts == 0;

	for (unsigned i = 0; i < ops->firsts; i++)
		may |= byte >= ops->first[i][0] && byte <= ops->first[i][1];
	return may && (ops->l4 & l4) != 0;
}

static void test_all_refuse(void **state)
{
	struct engine *e = engine_make(1);
	uint8_t junk[100];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	for (unsigned i = 0; i < CLASSIFY_PAYLOADS_MAX && !e->flow.done; i++)
		datagram(e, 9999, true, junk, sizeof(junk));
	assert_true(e->flow.done);
	assert_int_equal(e->flow.app, 0);
	assert_int_equal(e->c.given_up, 1);
	for (unsigned i = 1; i < proto_count; i++) // those of the other transport were not asked, nor those that cannot begin so
		assert_int_equal(e->c.asked[i] > 0, may_begin(proto_list[i], PROTO_UDP, 0xff));
	engine_end(e);
}

// ---- TCP ----

static void test_transaction_on_any_port(void **state)
{
	static const uint16_t ports[] = {80, 443, 53, 12345};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct engine *e = engine_make(1);

		text(e, ports[i], true, REQUEST);
		assert_int_equal(e->flow.app, app_of("http"));
		assert_int_equal(e->c.l7_pool.available, 0);
		assert_int_equal(e->reports, 0);
		text(e, ports[i], false, RESPONSE);
		assert_int_equal(e->reports, 1);
		assert_true(e->report[0].request && e->report[0].response);
		assert_int_equal(e->report[0].status, 200);
		assert_int_equal(e->skip[1], 10);
		text(e, ports[i], false, "0123456789" RESPONSE); // the next one begins behind the body
		text(e, ports[i], true, REQUEST REQUEST);
		assert_false(e->flow.done);
		engine_end(e);
	}
}

static void test_many_in_one_segment(void **state)
{
	struct engine *e = engine_make(1);

	(void)state;
	text(e, 80, true, REQUEST REQUEST REQUEST REQUEST);
	assert_int_equal(e->reports, 3); // the last one waits for its response
	text(e, 80, false, RESPONSE "0123456789" RESPONSE "0123456789");
	assert_int_equal(e->c.claimed[app_of("http")], 1);
	assert_int_equal(e->c.transactions, e->reports);
	assert_int_equal(e->waiting[0] + e->waiting[1], 0);
	engine_end(e);
}

// ---- agreements ----

static void mail_until_starttls(struct engine *e)
{
	text(e, 25, false, "220 mail.example.org ESMTP\r\n");
	text(e, 25, true, "EHLO desk.example.org\r\n");
	text(e, 25, false, "250-mail.example.org\r\n250 STARTTLS\r\n");
	text(e, 25, true, "STARTTLS\r\n");
	assert_int_equal(e->flow.app, app_of("smtp"));
	text(e, 25, false, "220 go ahead\r\n");
}

static void test_another_by_agreement(void **state)
{
	static const uint8_t hello[] = "\x16\3\1\0\x2f\1\0\0\x2b\3\3" "0123456789abcdef0123456789abcdef" "\0\0\4\x13\1\x13\2\1\0";
	struct engine *e = engine_make(1);

	(void)state;
	mail_until_starttls(e);
	assert_int_equal(classify_app(&e->flow), app_of("smtp")); // until it is known what follows
	assert_false(e->flow.done);
	segment(e, 25, true, hello, sizeof(hello) - 1);
	assert_int_equal(e->flow.app, app_of("tls"));
	assert_int_equal(e->flow.orig, app_of("smtp"));
	assert_int_equal(e->c.claimed[app_of("smtp")], 1);
	assert_int_equal(e->c.claimed[app_of("tls")], 1);
	engine_end(e);
}

static void test_agreement_on_nothing_known(void **state)
{
	struct engine *e = engine_make(1);
	uint8_t junk[64];

	(void)state;
	memset(junk, 0xfa, sizeof(junk));
	mail_until_starttls(e);
	for (unsigned i = 0; i < CLASSIFY_PAYLOADS_MAX && !e->flow.done; i++) {
		e->waiting[0] = 0;
		segment(e, 25, true, junk, sizeof(junk));
	}
	assert_true(e->flow.done);
	assert_int_equal(e->flow.app, app_of("smtp"));
	assert_int_equal(e->flow.orig, 0);
	assert_int_equal(e->c.given_up, 0);
	engine_end(e);
}

// ---- bounds ----

static void test_transactions_are_bounded(void **state)
{
	static const struct classify_limits limits = {.flow_transactions = 3, .second_transactions = 2};
	struct engine *e = engine_limited(1, &limits);
	uint8_t bytes[64];

	(void)state;
	for (uint8_t id = 1; id <= 4; id++) // all in one second
		datagram(e, 53, true, bytes, dns_query(bytes, id, false));
	assert_int_equal(e->reports, 2);
	assert_int_equal(e->c.withheld_second, 2);
	e->now_ns = 5000000000;
	for (uint8_t id = 5; id <= 8; id++)
		datagram(e, 53, true, bytes, dns_query(bytes, id, false));
	assert_int_equal(e->reports, 3);
	assert_int_equal(e->report[2].id, 5);
	assert_int_equal(e->c.withheld_flow, 3);
	engine_end(e);
}

static void test_protocols_that_are_off(void **state)
{
	struct classify_limits limits = {0};
	struct engine *e;
	uint8_t bytes[64];

	(void)state;
	memset(limits.off, 0xff, sizeof(limits.off));
	limits.off[app_of("dns") / 64] &= ~(1ull << app_of("dns") % 64);
	e = engine_limited(1, &limits);
	text(e, 80, true, REQUEST);
	assert_true(e->flow.done);
	assert_int_equal(e->flow.app, 0);
	engine_end(e);
	e = engine_limited(1, &limits);
	datagram(e, 53, true, bytes, dns_query(bytes, 1, false));
	assert_int_equal(e->flow.app, app_of("dns"));
	engine_end(e);
}

static void test_ports_are_guesses(void **state)
{
	struct engine *e = engine_make(1);

	(void)state;
	assert_int_equal(classify_port_app(&e->c, PROTO_TCP, 22), app_of("ssh"));
	assert_int_equal(classify_port_app(&e->c, PROTO_UDP, 22), 0);
	assert_int_equal(classify_port_app(&e->c, PROTO_UDP, 53), app_of("dns"));
	assert_int_equal(classify_port_app(&e->c, PROTO_TCP, 2), 0);
	engine_end(e);
}

// Wherever a request is cut, what is understood is the same.
static void test_more(void **state)
{
	(void)state;
	for (uint32_t at = 1; at < sizeof(REQUEST) - 1; at++) {
		struct engine *e = engine_make(1);

		segment(e, 8080, true, REQUEST, at);
		segment(e, 8080, true, &REQUEST[at], (uint32_t)sizeof(REQUEST) - 1 - at);
		text(e, 8080, false, RESPONSE);
		assert_int_equal(e->reports, 1);
		assert_true(e->report[0].request && e->report[0].response);
		assert_string_equal(e->report[0].name, "www.example.org");
		engine_end(e);
	}
}

static void test_refused_is_not_asked_again(void **state)
{
	struct engine *e = engine_make(1);

	(void)state;
	segment(e, 53, true, "\0", 1); // a length of DNS over TCP may begin so
	assert_false(e->flow.done);
	assert_false(waits(e, app_of("http")));
	assert_true(waits(e, app_of("dns")));
	e->waiting[0] = 0; // as if that byte had never been: HTTP would know the rest
	text(e, 53, true, REQUEST);
	assert_int_not_equal(e->flow.app, app_of("http"));
	assert_int_equal(e->c.claimed[app_of("http")], 0);
	engine_end(e);
}

// What may become a TLS record, shown again and again with nothing behind it.
static void test_gives_up(void **state)
{
	struct engine *e = engine_make(1);
	struct proto_hint hint = hint_of(PROTO_TCP, 443, true);
	unsigned calls = 0;
	uint64_t skip;

	(void)state;
	for (; !e->flow.done && calls < 100; calls++) {
		uint32_t used = classify_bytes(&e->c, &e->flow, span_of("\x16", 1), &hint, &skip);

		assert_int_equal(used, e->flow.done); // nothing until the end, when all is dealt with
	}
	assert_in_range(calls, 2, CLASSIFY_PAYLOADS_MAX);
	assert_int_equal(e->flow.app, 0);
	assert_int_equal(e->c.given_up, 1);
	assert_int_equal(e->reports, 0);
	engine_end(e);
}

static void test_no_memory(void **state)
{
	struct engine *e = engine_make(0);

	(void)state;
	text(e, 80, true, REQUEST);
	assert_int_equal(e->reports, 1); // what is known is told at once
	assert_true(e->report[0].request && !e->report[0].response);
	assert_string_equal(e->report[0].name, "www.example.org");
	assert_true(e->flow.done); // and no more is asked
	assert_int_equal(e->flow.app, app_of("http"));
	assert_int_equal(e->c.l7_pool.refused, 1);
	assert_int_equal(e->c.claimed[app_of("http")], 1);
	engine_end(e);
}

static void test_end_reports_pending(void **state)
{
	struct engine *e = engine_make(1);

	(void)state;
	text(e, 80, true, REQUEST);
	assert_int_equal(e->reports, 0);
	classify_end(&e->c, &e->flow);
	assert_int_equal(e->reports, 1);
	assert_true(e->report[0].request);
	classify_end(&e->c, &e->flow); // once is enough
	assert_int_equal(e->reports, 1);
	engine_end(e);
}

// The transactions of many flows at once do not mix, and the pool is a bound.
static void test_pool_is_shared(void **state)
{
	enum { FLOWS = 20, BLOCKS = 8 };
	struct engine *e = engine_make(BLOCKS);
	struct classify_flow flow[FLOWS] = {0};
	unsigned done = 0;

	(void)state;
	for (unsigned i = 0; i < FLOWS; i++) {
		e->waiting[0] = 0;
		text(e, 80, true, REQUEST);
		flow[i] = e->flow;
		done += flow[i].done;
		memset(&e->flow, 0, sizeof(e->flow));
	}
	assert_int_equal(done, FLOWS - BLOCKS);
	assert_int_equal(e->reports, FLOWS - BLOCKS);
	assert_int_equal(e->c.l7_pool.refused, FLOWS - BLOCKS);
	for (unsigned i = 0; i < FLOWS; i++) {
		e->flow = flow[i];
		classify_end(&e->c, &e->flow);
	}
	assert_int_equal(e->reports, FLOWS);
	engine_end(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_bad_datagram_is_passed_over),
		cmocka_unit_test(test_all_refuse),
		cmocka_unit_test(test_transaction_on_any_port),
		cmocka_unit_test(test_many_in_one_segment),
		cmocka_unit_test(test_another_by_agreement),
		cmocka_unit_test(test_agreement_on_nothing_known),
		cmocka_unit_test(test_transactions_are_bounded),
		cmocka_unit_test(test_protocols_that_are_off),
		cmocka_unit_test(test_ports_are_guesses),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_refused_is_not_asked_again),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_end_reports_pending),
		cmocka_unit_test(test_pool_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
