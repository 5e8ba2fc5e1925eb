// Community ID v1 against the baseline that its specification publishes, and what a flow_id must be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <string.h>

#include "control/identity.h"

struct row {
	const char *client, *server;
	uint16_t client_port, server_port;
	uint8_t proto;
	bool one_way; // no message answers it: the other direction is another flow
	const char *id;
};

// The ends are the specification's; an ICMP type and the one that answers it (else its code) stand as ports.
static const struct row rows[] = {
	{"128.232.110.120", "66.35.250.204", 34855, 80, 6, false, "LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{"192.168.1.52", "8.8.8.8", 54585, 53, 17, false, "d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{"2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25, 6, false, "/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{"192.168.170.8", "192.168.170.56", 7, 7, 132, false, "MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{"10.1.12.1", "10.1.12.2", 0, 0, 46, false, "KHlLkgoJW7ifUTyTSgyVfkFHzKw="}, // RSVP has no ports
	{"192.168.0.89", "192.168.0.1", 8, 0, 1, false, "X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{"10.0.0.1", "10.0.0.2", 11, 0, 1, true, "YHxtAirCG//0OzkcVAukqKQN9xM="},
	{"3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 129, 58, false, "+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
	{"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 136, 58, false, "dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{"fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 136, 58, false, "zavyT/cezQr1fmImYCwYnMXbgck="},
	{"fe80::200:86ff:fe05:80da", "ff02::2", 133, 134, 58, false, "hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
	{"fe80::260:97ff:fe07:69ea", "ff02::1", 134, 133, 58, false, "pkvHqCL88/tg1k4cPigmZXUtL00="},
	{"3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, 58, true, "2ObVBgIn28oZvibYZhZMBgh7WdQ="},
	{"3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4, 58, true, "hLZd0XGWojozrvxqE0dWB1iM6R0="},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct record record_of(const struct row *row)
{
	struct record r = {.start_ns = 1700000000123456789ull};
	int family = strchr(row->client, ':') != NULL ? AF_INET6 : AF_INET;

	r.ends.ip_version = family == AF_INET6 ? 6 : 4;
	r.ends.proto = row->proto;
	r.ends.client_port = row->client_port;
	r.ends.server_port = row->server_port;
	assert_int_equal(inet_pton(family, row->client, r.ends.client), 1);
	assert_int_equal(inet_pton(family, row->server, r.ends.server), 1);
	return r;
}

static struct record turned(const struct record *r)
{
	struct record back = *r;

	memcpy(back.ends.client, r->ends.server, 16);
	memcpy(back.ends.server, r->ends.client, 16);
	back.ends.client_port = r->ends.server_port;
	back.ends.server_port = r->ends.client_port;
	return back;
}

static void text_of(const struct record *r, char text[32])
{
	assert_int_equal(EVP_EncodeBlock((unsigned char *)text, r->community_id, 20), 28);
}

static void test_baseline(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		struct record r = record_of(&rows[i]), back = turned(&r);

		identity_fill(&r);
		text_of(&r, text);
		print_message("%s %s %u\n", rows[i].client, rows[i].server, rows[i].proto);
		assert_string_equal(text, rows[i].id);
		if (rows[i].one_way)
			continue;
		identity_fill(&back); // whoever is thought the client
		text_of(&back, text);
		assert_string_equal(text, rows[i].id);
		assert_true(back.flow_id == r.flow_id);
	}
}

static void test_one_way_has_directions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		struct row turned_row = rows[i];
		struct record r = record_of(&rows[i]), back;

		if (!rows[i].one_way)
			continue;
		turned_row.client = rows[i].server; // the same message, sent the other way
		turned_row.server = rows[i].client;
		back = record_of(&turned_row);
		identity_fill(&r);
		identity_fill(&back);
		assert_memory_not_equal(r.community_id, back.community_id, 20);
	}
}

// One end talking to itself: the ports decide.
static void test_equal_addresses(void **state)
{
	static const struct row row = {"127.0.0.1", "127.0.0.1", 8000, 40000, 6, false, NULL};
	struct record r = record_of(&row), back = turned(&r);

	(void)state;
	identity_fill(&r);
	identity_fill(&back);
	assert_memory_equal(r.community_id, back.community_id, 20);
}

static void test_flow_id(void **state)
{
	struct record r = record_of(&rows[0]), other = r;

	(void)state;
	identity_fill(&r);
	identity_fill(&other);
	assert_true(r.flow_id == other.flow_id && r.flow_id != 0 && r.flow_id < 1ull << 53);
	other.start_ns++; // the next flow of these ends
	identity_fill(&other);
	assert_true(other.flow_id != r.flow_id);
	assert_memory_equal(other.community_id, r.community_id, 20);
	other = r;
	other.ends.vlan[0] = 7;
	identity_fill(&other);
	assert_true(other.flow_id != r.flow_id);
	other = r;
	other.order_ns = other.time_ns = 99; // when it was said is no part of it
	identity_fill(&other);
	assert_true(other.flow_id == r.flow_id);
}

// Starts that count up do not give ids that meet.
static void test_flow_ids_differ(void **state)
{
	static uint64_t ids[5000];
	struct record r = record_of(&rows[1]);

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		r.start_ns += i % 3 ? 1 : 1000000;
		identity_fill(&r);
		ids[i] = r.flow_id;
		for (unsigned k = 0; k < i; k++)
			assert_true(ids[k] != ids[i]);
	}
}

static void test_without_ip(void **state)
{
	static const uint8_t zero[20];
	struct record r = {.start_ns = 5};

	(void)state;
	identity_fill(&r);
	assert_memory_equal(r.community_id, zero, 20);
	assert_int_equal(r.flow_id, 0);
}

// What an ICMP error quotes has the community id of the flow that it is about; without its ports it has none.
static void a_quoted_packet_has_its_flows_id(void **state)
{
	static uint64_t words[(sizeof(struct record) + sizeof(struct record_icmp) + 7) / 8];
	struct record flow = record_of(&rows[1]), *r = (struct record *)(void *)words;
	struct record_icmp *icmp = record_body(r);
	static const uint8_t none[20];

	(void)state;
	identity_fill(&flow);
	*r = record_of(&rows[6]);
	r->type = RECORD_ICMP;
	icmp->quoted = flow.ends;
	identity_fill(r);
	assert_memory_equal(icmp->quoted_community_id, none, sizeof(none));
	icmp->quoted_ports = true;
	identity_fill(r);
	assert_memory_equal(icmp->quoted_community_id, flow.community_id, sizeof(flow.community_id));
	assert_memory_not_equal(r->community_id, flow.community_id, sizeof(flow.community_id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_one_way_has_directions),
		cmocka_unit_test(test_equal_addresses),
		cmocka_unit_test(test_flow_id),
		cmocka_unit_test(test_flow_ids_differ),
		cmocka_unit_test(test_without_ip),
		cmocka_unit_test(a_quoted_packet_has_its_flows_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
