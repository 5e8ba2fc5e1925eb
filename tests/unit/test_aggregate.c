// Aggregates without a control plane: flows go in, records come out and are read as JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include <rte_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aggregate.h"
#include "control/aggregate_hosts.h"

#define SECOND 1000000000ull
#define MINUTE (60 * SECOND)
#define START (1700000000ull / 60 * MINUTE) // 2023-11-14T22:13:00Z

enum { GIVEN_MAX = 512 };

struct given {
	unsigned n;
	cJSON *tree[GIVEN_MAX];
	uint64_t time_ns[GIVEN_MAX];
};

static void take(void *arg, const struct record *r)
{
	const struct record_stats *body = record_body_const(r);
	const char *json = (const char *)body + record_body_size(RECORD_AGGREGATE) + body->json.at;
	struct given *g = arg;

	assert_int_equal(r->type, RECORD_AGGREGATE);
	assert_true(r->length <= RECORD_LENGTH_MAX && r->length % 8 == 0);
	assert_in_range(json + body->json.len - (const char *)r, 1, r->length);
	assert_int_equal(r->time_ns, r->order_ns);
	assert_in_range(g->n, 0, GIVEN_MAX - 1);
	g->time_ns[g->n] = r->time_ns;
	g->tree[g->n] = cJSON_ParseWithLength(json, body->json.len);
	assert_non_null(g->tree[g->n]);
	g->n++;
}

static void given_clear(struct given *g)
{
	for (unsigned i = 0; i < g->n; i++)
		cJSON_Delete(g->tree[i]);
	g->n = 0;
}

static const cJSON *part(const cJSON *tree, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(tree, name);
}

static const char *text(const cJSON *tree, const char *name)
{
	return cJSON_GetStringValue(part(tree, name));
}

// What a list of pairs says of a name; -1: nothing.
static double sum_of(const cJSON *tree, const char *list, const char *name)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, part(part(tree, "top"), list))
		if (strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(one, 0)), name) == 0)
			return cJSON_GetNumberValue(cJSON_GetArrayItem(one, 1));
	return -1;
}

struct flow_said {
	struct record head;
	struct record_flow flow;
};

static struct flow_said said(uint32_t client, uint32_t server, uint8_t proto, uint8_t app, uint64_t bytes)
{
	struct flow_said s = {.head = {.length = sizeof(s), .type = RECORD_FLOW, .app = app, .ends = {.ip_version = 4, .proto = proto}}};
	uint32_t word[2] = {htobe32(client), htobe32(server)};

	memcpy(s.head.ends.client, &word[0], 4);
	memcpy(s.head.ends.server, &word[1], 4);
	s.flow.pkts[0] = 1;
	s.flow.bytes[0] = bytes / 4;
	s.flow.bytes[1] = bytes - bytes / 4;
	return s;
}

static struct flow_said said6(uint64_t client, uint64_t server, uint64_t bytes)
{
	struct flow_said s = said(0, 0, 17, 0, bytes);

	s.head.ends.ip_version = 6;
	memset(s.head.ends.client, 0xfe, 16);
	memset(s.head.ends.server, 0xfd, 16);
	memcpy(s.head.ends.client + 8, &client, 8);
	memcpy(s.head.ends.server + 8, &server, 8);
	return s;
}

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

// ---- minutes ----

static struct aggregate *made(struct given *g, bool replay)
{
	struct aggregate *a;

	memset(g, 0, sizeof(*g));
	assert_int_equal(aggregate_create(replay, take, g, &a), 0);
	return a;
}

static const struct metrics_rates rates = {.pps = 12.5, .bps = 1e6, .fps = 3};

static void test_a_minute_is_closed(void **state)
{
	static struct given g;
	struct aggregate *a = made(&g, true);
	struct metrics_sources s = {.seconds = 1};
	struct flow_said one = said(0x0a000001, 0x0a000002, 6, 0, 1000), back = said(0x0a000002, 0x0a000001, 17, 1, 500);

	(void)state;
	aggregate_second(a, &s, &rates, 0, 0); // nothing is known of time
	assert_int_equal(g.n, 0);
	aggregate_flow(a, &one.head, START + 5 * SECOND);
	aggregate_flow(a, &back.head, START + MINUTE - 1);
	assert_int_equal(g.n, 0);
	aggregate_flow(a, &one.head, START + MINUTE); // the first of the next
	assert_int_equal(g.n, 1);
	assert_string_equal(text(g.tree[0], "time"), "2023-11-14T22:13:59Z");
	assert_string_equal(text(g.tree[0], "minute"), "202311142213");
	assert_null(part(g.tree[0], "stats"));
	assert_true(sum_of(g.tree[0], "talkers", "10.0.0.1") == 1500 && sum_of(g.tree[0], "talkers", "10.0.0.2") == 1500);
	assert_true(sum_of(g.tree[0], "pairs", "10.0.0.1 10.0.0.2") == 1500);
	assert_int_equal(cJSON_GetArraySize(part(part(g.tree[0], "top"), "pairs")), 1);
	assert_true(sum_of(g.tree[0], "protocols", "tcp") == 1000 && sum_of(g.tree[0], "protocols", "udp") == 500);
	assert_true(sum_of(g.tree[0], "applications", "unknown") == 1000 && sum_of(g.tree[0], "applications", proto_name(1)) == 500);
	assert_int_equal(cJSON_GetArraySize(part(g.tree[0], "hosts")), 2);
	aggregate_flow(a, &one.head, START); // late: it counts where we are
	aggregate_flow(a, &back.head, START + 10 * MINUTE); // no records of the minutes between
	assert_int_equal(g.n, 2);
	assert_string_equal(text(g.tree[1], "minute"), "202311142214");
	assert_true(sum_of(g.tree[1], "talkers", "10.0.0.1") == 2000 && sum_of(g.tree[1], "protocols", "udp") == -1);
	assert_int_equal(cJSON_GetArraySize(part(g.tree[1], "hosts")), 2); // anew
	aggregate_end(a, &s, &rates, START + 10 * MINUTE + SECOND);
	assert_int_equal(g.n, 4);
	assert_true(cJSON_GetNumberValue(part(part(g.tree[2], "stats"), "pps")) == 12.5);
	assert_null(part(g.tree[3], "stats"));
	assert_string_equal(text(g.tree[3], "time"), "2023-11-14T22:23:01Z");
	assert_true(sum_of(g.tree[3], "talkers", "10.0.0.1") == 500);
	for (unsigned i = 1; i < g.n; i++)
		assert_true(g.time_ns[i] >= g.time_ns[i - 1]);
	given_clear(&g);
	aggregate_destroy(a);
	aggregate_destroy(NULL);
}

static void test_live_seconds(void **state)
{
	static struct given g;
	struct aggregate *a = made(&g, false);
	struct metrics_sources s = {.seconds = 1};
	struct flow_said one = said(0x0a000001, 0x0a000002, 6, 0, 1000);

	(void)state;
	aggregate_second(a, &s, &rates, START + SECOND, START); // no flow so far
	assert_int_equal(g.n, 1);
	assert_non_null(part(g.tree[0], "stats"));
	assert_null(part(g.tree[0], "top"));
	assert_string_equal(text(g.tree[0], "minute"), "202311142213");
	aggregate_flow(a, &one.head, START + 58 * SECOND);
	aggregate_second(a, &s, &rates, START + 59 * SECOND, START + 57 * SECOND);
	assert_int_equal(g.n, 2);
	assert_non_null(part(g.tree[1], "stats"));
	assert_true(sum_of(g.tree[1], "talkers", "10.0.0.2") == 1000);
	assert_int_equal(cJSON_GetArraySize(part(g.tree[1], "hosts")), 2);
	// the minute is over, but not all of its records are out: its sums go on, and say whose they are
	aggregate_second(a, &s, &rates, START + MINUTE + SECOND, START + MINUTE - 1);
	assert_int_equal(g.n, 3);
	assert_string_equal(text(g.tree[2], "time"), "2023-11-14T22:14:01Z");
	assert_string_equal(text(g.tree[2], "minute"), "202311142213");
	assert_null(part(g.tree[2], "hosts")); // said already
	aggregate_flow(a, &one.head, START + MINUTE - 1);
	aggregate_second(a, &s, &rates, START + MINUTE + 2 * SECOND, START + MINUTE);
	assert_int_equal(g.n, 5);
	assert_null(part(g.tree[3], "stats"));
	assert_string_equal(text(g.tree[3], "time"), "2023-11-14T22:13:59Z");
	assert_true(sum_of(g.tree[3], "talkers", "10.0.0.2") == 2000);
	assert_string_equal(text(g.tree[4], "minute"), "202311142214");
	assert_non_null(part(g.tree[4], "stats"));
	assert_null(part(g.tree[4], "top"));
	aggregate_end(a, &s, &rates, START + MINUTE + 3 * SECOND);
	assert_int_equal(g.n, 6); // there is no minute to close
	given_clear(&g);
	aggregate_destroy(a);
}

// ---- numbers ----

static void near(double value, double wanted)
{
	assert_true(value > wanted * (1 - 1.0 / 32) && value < wanted * (1 + 1.0 / 32));
}

// A worker that is nothing but its counters.
struct counted {
	struct worker *worker;
	void *fragments;
};

static void counted_make(struct counted *w)
{
	struct packet_fragments_config fragments = {.datagrams = 1, .timeout_ns = SECOND};

	w->worker = aligned_alloc(64, sizeof(*w->worker));
	w->fragments = aligned_alloc(64, (packet_fragments_bytes(&fragments) + 63) / 64 * 64);
	assert_non_null(w->worker);
	assert_non_null(w->fragments);
	memset(w->worker, 0, sizeof(*w->worker));
	w->worker->flows = calloc(1, sizeof(*w->worker->flows));
	assert_non_null(w->worker->flows);
	w->worker->fragments = packet_fragments_init(w->fragments, &fragments);
	assert_int_equal(record_ring_create(65536, &w->worker->out), 0);
}

static void counted_free(struct counted *w)
{
	record_ring_destroy(w->worker->out);
	free(w->worker->flows);
	free(w->fragments);
	free(w->worker);
}

static double stat(const cJSON *tree, const char *name)
{
	const cJSON *one = part(part(tree, "stats"), name);

	return one != NULL ? cJSON_GetNumberValue(one) : -1;
}

static void some_received(struct port *port, struct port_stats *stats)
{
	stats->received_pkts = 100 + atomic_load(&port->replay_at);
	stats->received_bytes = 5000;
	stats->missed = 1;
	stats->errors = 20;
	stats->nombuf = 300;
	stats->kernel_drops = 4000;
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		double value;
	} wanted[] = {
		{"pps", 12.5}, {"bps", 1e6}, {"fps", 3}, {"packets.received", 100}, {"packets.analysed", 60}, {"packets.filtered", 25},
		{"packets.malformed", 10}, {"packets.dropped", 5}, {"bytes.received", 10000}, {"bytes.analysed", 6000}, {"bytes.filtered", 2500},
		{"bytes.malformed", 1000}, {"bytes.dropped", 500}, {"flows.created", 9}, {"flows.active", 4}, {"flows.ended", 5},
		{"records.made", 44}, {"records.refused", 3}, {"ledger.residual", 0}, {"port.eth7.received", 100}, {"port.eth7.lost", 4321},
		{"port.eth7.pps", 40}, {"port.eth7.bps", 16000}, {"uptime_s", 2.5}, {"tcp.segments", 0}, {"tcp.retransmission_rate", 0},
		{"tcp.rtt_samples", 0},
	};
	static const struct port_kind kind = {.name = "some", .stats = some_received};
	static struct given g;
	struct port *port = calloc(1, sizeof(*port));
	struct aggregate *a = made(&g, false);
	struct flow_said one = said(1, 2, 6, 0, 100);
	struct worker_counters *c;
	struct counted w;
	struct metrics_sources s = {.workers = &w.worker, .worker_count = 1, .ports = &port, .port_count = 1, .seconds = 2.5,
				    .records_taken = 41};

	(void)state;
	assert_non_null(port);
	*port = (struct port){.id = RTE_MAX_ETHPORTS, .kind = &kind, .name = "eth7"};
	counted_make(&w);
	c = &w.worker->counters;
	c->received_pkts = 100;
	c->received_bytes = 10000;
	c->verdict_pkts[PACKET_OK] = c->flow_pkts = 60;
	c->verdict_bytes[PACKET_OK] = c->flow_bytes = 6000;
	c->verdict_pkts[PACKET_BAD_ETHERNET] = 10;
	c->verdict_bytes[PACKET_BAD_ETHERNET] = 1000;
	c->filtered_pkts = 20;
	c->filtered_own_pkts = 5;
	c->filtered_bytes = 2500;
	c->drop_pkts[DROP_STEER_RING_FULL] = 5;
	c->drop_bytes[DROP_STEER_RING_FULL] = 500;
	c->records_made = 44;
	c->records_dropped[RECORD_DROP_RING_FULL] = 3;
	c->flows_ended[FLOW_REASON_TIMEOUT] = 5;
	w.worker->flows->counters.created = 9;
	w.worker->flows->active4 = 3;
	w.worker->flows->active6 = 1;
	c->port_tcp[3] = (struct worker_port_tcp){.segments = 1000, .retransmissions = 10};
	aggregate_second(a, &s, &rates, START, 0);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_true(stat(g.tree[0], wanted[i].name) == wanted[i].value);
	assert_non_null(cJSON_GetStringValue(part(part(g.tree[0], "stats"), "version")));
	assert_null(part(part(g.tree[0], "stats"), "tcp.rtt_p50_ms")); // no sample
	assert_int_equal(cJSON_GetArraySize(part(g.tree[0], "stats")), sizeof(wanted) / sizeof(wanted[0]) + 1);
	c->port_tcp[0] = (struct worker_port_tcp){.segments = 300, .retransmissions = 70};
	c->port_tcp[3] = (struct worker_port_tcp){.segments = 1100, .retransmissions = 20};
	one.flow.tcp.handshake_ns = 20000000;
	aggregate_flow(a, &one.head, START + SECOND / 2);
	atomic_store(&port->replay_at, 400);
	s.seconds = 3.5;
	aggregate_second(a, &s, &rates, START + SECOND, 0);
	assert_true(stat(g.tree[1], "tcp.segments") == 400 && stat(g.tree[1], "tcp.retransmission_rate") == 0.2);
	near(stat(g.tree[1], "tcp.rtt_p50_ms"), 20);
	near(stat(g.tree[1], "tcp.rtt_p99_ms"), 20);
	assert_true(stat(g.tree[1], "port.eth7.pps") == 400 && stat(g.tree[1], "port.eth7.bps") == 0);
	atomic_store(&port->replay_at, 500);
	s.seconds = 3.51; // a rate over a hundredth of a second would be no rate
	aggregate_end(a, &s, &rates, START + SECOND);
	assert_true(stat(g.tree[2], "port.eth7.received") == 600 && stat(g.tree[2], "port.eth7.pps") == 400);
	given_clear(&g);
	counted_free(&w);
	free(port);
	aggregate_destroy(a);
}

// ---- bounds ----

static void everything_at(struct port *port, struct port_stats *stats)
{
	stats->received_pkts = stats->received_bytes = UINT64_MAX - port->id;
	stats->missed = UINT64_MAX / 2;
}

static const struct port_kind wide = {.name = "wide", .stats = everything_at};

static void ports_make(struct port **ports)
{
	for (unsigned i = 0; i < PORT_MAX; i++) {
		ports[i] = calloc(1, sizeof(*ports[i]));
		assert_non_null(ports[i]);
		ports[i]->id = (uint16_t)(RTE_MAX_ETHPORTS + i);
		ports[i]->kind = &wide;
		memset(ports[i]->name, '"', sizeof(ports[i]->name) - 1);
	}
}

static void ports_free(struct port **ports)
{
	for (unsigned i = 0; i < PORT_MAX; i++)
		free(ports[i]);
}

static void hosts_count(const struct given *g, unsigned *hosts, unsigned *stats, unsigned *tops)
{
	*hosts = *stats = *tops = 0;
	for (unsigned i = 0; i < g->n; i++) {
		*hosts += (unsigned)cJSON_GetArraySize(part(g->tree[i], "hosts"));
		*stats += part(g->tree[i], "stats") != NULL;
		*tops += part(g->tree[i], "top") != NULL;
	}
}

// The longest of everything there is: all of it arrives, in as many records as it takes, none too long (take() looks).
static void test_the_worst_fits(void **state)
{
	enum { FLOWS = 40000 };
	static struct given g;
	struct aggregate *a = made(&g, true);
	struct port *ports[PORT_MAX];
	struct counted w;
	struct metrics_sources s = {.workers = &w.worker, .worker_count = 1, .ports = ports, .port_count = PORT_MAX, .seconds = 5.0 / 3};
	struct metrics_rates most = {.pps = 1e300 / 3, .bps = 1e300 / 3, .fps = -1e300 / 3};
	unsigned hosts, stats, tops, first;
	const cJSON *top;

	(void)state;
	ports_make(ports);
	counted_make(&w);
	memset(&w.worker->counters, 0xee, sizeof(w.worker->counters));
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow_said one = said6(~(uint64_t)i, ~(uint64_t)i << 20, 0);

		one.flow.bytes[0] = UINT64_MAX - (uint64_t)i * i; // sums wrap, but stay long
		one.head.ends.proto = (uint8_t)i;
		one.head.app = (uint8_t)(i % PROTO_MAX);
		aggregate_flow(a, &one.head, START + SECOND);
	}
	aggregate_second(a, &s, &most, 0, 0);
	hosts_count(&g, &first, &stats, &tops);
	assert_int_equal(stats, 1);
	assert_int_equal(tops, 1);
	assert_int_equal(g.n, 2 + AGGREGATE_HOSTS_RECORDS_MAX); // stats and top did not fit together; some of the hosts did
	top = part(g.tree[1], "top");
	assert_int_equal(cJSON_GetArraySize(part(top, "talkers")), AGGREGATE_TALKERS_MAX);
	assert_int_equal(cJSON_GetArraySize(part(top, "pairs")), AGGREGATE_PAIRS_MAX);
	assert_int_equal(cJSON_GetArraySize(part(top, "protocols")), AGGREGATE_PROTOCOLS_MAX);
	assert_int_equal(cJSON_GetArraySize(part(top, "applications")), AGGREGATE_APPLICATIONS_MAX);
	aggregate_end(a, &s, &most, 0);
	hosts_count(&g, &hosts, &stats, &tops);
	assert_int_equal(stats, 2);
	assert_int_equal(tops, 2);
	assert_true(hosts > first && first > AGGREGATE_HOSTS_RECORDS_MAX * 100);
	assert_in_range(hosts, AGGREGATE_HOSTS_REGISTERS * 9 / 10, AGGREGATE_HOSTS_REGISTERS); // 80000 addresses
	given_clear(&g);
	counted_free(&w);
	ports_free(ports);
	aggregate_destroy(a);
}

static void test_names_of_ports(void **state)
{
	static const char *const names[PORT_MAX] = {"eth0", "/captures/a b.pcap", "eth0", "eth0-2", "0000:03:00.0", "x/", "eth0"};
	static const char *const wanted[] = {"eth0", "a_b.pcap", "eth0-2", "eth0-2-3", "0000_03_00.0", "x_", "eth0-6"};
	char out[PORT_MAX][AGGREGATE_PORT_NAME_MAX];
	struct port *ports[PORT_MAX];

	(void)state;
	ports_make(ports);
	for (unsigned i = 0; i < PORT_MAX && names[i] != NULL; i++)
		snprintf(ports[i]->name, sizeof(ports[i]->name), "%s", names[i]);
	aggregate_port_names(ports, PORT_MAX, out);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(out[i], wanted[i]);
	for (unsigned i = 0; i < PORT_MAX; i++) {
		assert_int_equal(strspn(out[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"), strlen(out[i]));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(out[i], out[k]);
	}
	ports_free(ports);
}

// ---- what is final does not depend on when seconds pass ----

static void some_flows(struct aggregate *a, unsigned seconds)
{
	struct metrics_sources s = {.seconds = 1};
	uint64_t seed = 7, at = START;

	for (unsigned i = 0; i < 60000; i++) {
		uint64_t r = random_next(&seed);
		struct flow_said one = said((uint32_t)(r & 0x3fff), (uint32_t)(r >> 20 & 0x3ff), r >> 40 & 1 ? 6 : 17,
					    (uint8_t)(r >> 48 & 63), r >> 52);

		at += r >> 16 & 0x3ffffff;
		aggregate_flow(a, &one.head, at);
		if (seconds != 0 && i % seconds == 0)
			aggregate_second(a, &s, &rates, at, at);
	}
	aggregate_end(a, &s, &rates, at);
}

static void registers_raise(uint8_t *registers, const char *element, size_t len)
{
	uint8_t rank;
	unsigned at = aggregate_hosts_register(element, len, &rank);

	if (rank > registers[at])
		registers[at] = rank;
}

static void registers_of(const struct given *g, const char *minute, uint8_t *registers)
{
	memset(registers, 0, AGGREGATE_HOSTS_REGISTERS);
	for (unsigned i = 0; i < g->n; i++) {
		const cJSON *host;

		if (strcmp(text(g->tree[i], "minute"), minute) != 0)
			continue;
		cJSON_ArrayForEach(host, part(g->tree[i], "hosts"))
			registers_raise(registers, cJSON_GetStringValue(host), strlen(cJSON_GetStringValue(host)));
	}
}

static unsigned next_closing(const struct given *g, unsigned i)
{
	while (i < g->n && (part(g->tree[i], "stats") != NULL || part(g->tree[i], "top") == NULL))
		i++;
	return i;
}

static void test_closing_sums_are_final(void **state)
{
	static struct given plain, often;
	struct aggregate *one = made(&plain, true), *two = made(&often, true);
	uint8_t registers[2][AGGREGATE_HOSTS_REGISTERS];
	unsigned minutes = 0, i, k;

	(void)state;
	some_flows(one, 0);
	some_flows(two, 271);
	assert_true(often.n > plain.n + 100);
	for (i = next_closing(&plain, 0), k = next_closing(&often, 0); i < plain.n; minutes++) {
		const char *minute = text(plain.tree[i], "minute");

		assert_in_range(k, 0, often.n - 1);
		assert_string_equal(minute, text(often.tree[k], "minute"));
		assert_string_equal(text(plain.tree[i], "time"), text(often.tree[k], "time"));
		assert_true(cJSON_Compare(part(plain.tree[i], "top"), part(often.tree[k], "top"), true));
		registers_of(&plain, minute, registers[0]);
		registers_of(&often, minute, registers[1]);
		assert_memory_equal(registers[0], registers[1], sizeof(registers[0]));
		i = next_closing(&plain, i + 1);
		k = next_closing(&often, k + 1);
	}
	assert_int_equal(k, often.n);
	assert_in_range(minutes, 20, 60);
	given_clear(&plain);
	given_clear(&often);
	aggregate_destroy(one);
	aggregate_destroy(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_minute_is_closed),
		cmocka_unit_test(test_live_seconds),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_the_worst_fits),
		cmocka_unit_test(test_names_of_ports),
		cmocka_unit_test(test_closing_sums_are_final),
	};

	rte_log_set_global_level(RTE_LOG_CRIT); // ports of ours have no device
	return cmocka_run_group_tests(tests, NULL, NULL);
}
