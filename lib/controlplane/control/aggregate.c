#include "control/aggregate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ip.h"
#include "control/aggregate_hosts.h"
#include "control/talkers.h"

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)

enum { IP_PROTOCOLS = 256, NAME_MAX_CHARS = 24, CLOSE_ROOM = 2, HOST_ROOM = RECORD_ADDRESS_MAX + 3 + CLOSE_ROOM };
enum part { PART_STATS = 1, PART_TOP = 2 };

struct aggregate {
	bool replay;
	aggregate_give_fn *give;
	void *arg;

	bool open;        // there is a minute
	uint64_t minute;  // since the epoch
	uint64_t last_ns; // of records of flows
	struct talkers *talkers, *pairs;
	uint64_t protocol[IP_PROTOCOLS], application[PROTO_MAX]; // bytes
	struct aggregate_hosts hosts;

	struct aggregate_tcp tcp;
	struct aggregate_ports ports;
	size_t stats_length; // 0: none
	char stats[AGGREGATE_STATS_MAX];
	uint64_t storage[RECORD_LENGTH_MAX / sizeof(uint64_t)];
};

int aggregate_create(bool replay, aggregate_give_fn *give, void *arg, struct aggregate **out)
{
	struct aggregate *a = calloc(1, sizeof(*a));

	if (a == NULL || talkers_create(replay, &a->talkers) < 0 || talkers_create(replay, &a->pairs) < 0) {
		aggregate_destroy(a);
		return -ENOMEM;
	}
	a->replay = replay;
	a->give = give;
	a->arg = arg;
	*out = a;
	return 0;
}

void aggregate_destroy(struct aggregate *a)
{
	if (a == NULL)
		return;
	talkers_destroy(a->talkers);
	talkers_destroy(a->pairs);
	free(a);
}

// ---- top ----

static char *pair_put(char *at, const struct talker *t)
{
	at = record_address_put(at, t->ip_version, t->address);
	*at++ = ' ';
	return record_address_put(at, t->ip_version, t->other);
}

static void member_json(struct json *j, const char *name, size_t len, uint64_t bytes)
{
	json_array_begin(j, NULL);
	json_string_bytes(j, NULL, name, len);
	json_u64(j, NULL, bytes);
	json_array_end(j);
}

static void talkers_json(const struct talkers *talkers, const char *key, unsigned most, bool pairs, struct json *j)
{
	struct talker top[AGGREGATE_TALKERS_MAX];
	char name[2 * RECORD_ADDRESS_MAX + 1];
	unsigned n = talkers_top(talkers, top, most);

	json_array_begin(j, key);
	for (unsigned i = 0; i < n; i++) {
		char *end = pairs ? pair_put(name, &top[i]) : record_address_put(name, top[i].ip_version, top[i].address);

		member_json(j, name, (size_t)(end - name), top[i].bytes);
	}
	json_array_end(j);
}

_Static_assert(AGGREGATE_PAIRS_MAX <= AGGREGATE_TALKERS_MAX, "both fit");

static void protocol_name(unsigned number, char out[NAME_MAX_CHARS])
{
	const char *name = ip_proto_name((uint8_t)number);

	if (name == NULL)
		snprintf(out, NAME_MAX_CHARS, "%u", number);
	else
		snprintf(out, NAME_MAX_CHARS, "%s", name);
	for (; *out != '\0'; out++)
		*out = (char)tolower((unsigned char)*out);
}

static void application_name(unsigned number, char out[NAME_MAX_CHARS])
{
	snprintf(out, NAME_MAX_CHARS, "%s", proto_name(number));
}

// The largest of count sums; few of them are not 0.
static void sums_json(const uint64_t *bytes, unsigned count, const char *key, unsigned most,
		      void (*name_of)(unsigned, char out[NAME_MAX_CHARS]), struct json *j)
{
	bool said[IP_PROTOCOLS] = {false};

	json_array_begin(j, key);
	for (unsigned n = 0; n < most; n++) {
		char name[NAME_MAX_CHARS];
		unsigned largest = count;

		for (unsigned i = 0; i < count; i++)
			if (!said[i] && bytes[i] > 0 && (largest == count || bytes[i] > bytes[largest]))
				largest = i;
		if (largest == count)
			break;
		said[largest] = true;
		name_of(largest, name);
		member_json(j, name, strlen(name), bytes[largest]);
	}
	json_array_end(j);
}

_Static_assert((int)PROTO_MAX <= (int)IP_PROTOCOLS, "sums_json has a place for each");

static void top_json(const struct aggregate *a, struct json *j)
{
	json_object_begin(j, "top");
	talkers_json(a->talkers, "talkers", AGGREGATE_TALKERS_MAX, false, j);
	talkers_json(a->pairs, "pairs", AGGREGATE_PAIRS_MAX, true, j);
	sums_json(a->protocol, IP_PROTOCOLS, "protocols", AGGREGATE_PROTOCOLS_MAX, protocol_name, j);
	sums_json(a->application, PROTO_MAX, "applications", AGGREGATE_APPLICATIONS_MAX, application_name, j);
	json_object_end(j);
}

// ---- the record ----

static void time_json(struct json *j, uint64_t time_ns, uint64_t minute)
{
	char text[sizeof("2026-11-21T11:30:05Z") + 8];
	time_t at = (time_t)(time_ns / SECOND_NS);
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		json_string(j, "time", text);
	at = (time_t)(minute * (MINUTE_NS / SECOND_NS));
	if (gmtime_r(&at, &tm) != NULL && strftime(text, sizeof(text), "%Y%m%d%H%M", &tm) > 0)
		json_string(j, "minute", text);
}

// As many as have room; the others wait.
static void hosts_json(struct aggregate *a, struct json *j)
{
	char text[RECORD_ADDRESS_MAX];

	if (json_overflowed(j) || a->hosts.waiting == 0 || j->end - j->at < HOST_ROOM + (int)sizeof(",\"hosts\":[]"))
		return;
	json_array_begin(j, "hosts");
	while (a->hosts.waiting > 0 && j->end - j->at >= HOST_ROOM)
		json_string_bytes(j, NULL, text, aggregate_hosts_take(&a->hosts, text));
	json_array_end(j);
}

// Returns false if the parts do not fit; then nothing was given.
static bool give(struct aggregate *a, unsigned parts, uint64_t time_ns, uint64_t minute)
{
	struct record *r = (struct record *)(void *)a->storage;
	struct record_stats *body = record_body(r);
	uint32_t fixed = (uint32_t)sizeof(*r) + record_body_size(RECORD_AGGREGATE);
	struct json j;

	*r = (struct record){.type = RECORD_AGGREGATE, .order_ns = time_ns, .time_ns = time_ns};
	json_init(&j, (char *)r + fixed, RECORD_LENGTH_MAX - fixed);
	json_object_begin(&j, NULL);
	time_json(&j, time_ns, minute);
	if ((parts & PART_STATS) != 0)
		json_raw(&j, "stats", a->stats, a->stats_length);
	if ((parts & PART_TOP) != 0)
		top_json(a, &j);
	hosts_json(a, &j);
	json_object_end(&j);
	if (json_overflowed(&j))
		return false;
	body->json = (struct record_text){0, (uint16_t)json_length(&j)};
	r->length = (fixed + body->json.len + 7u) & ~7u;
	a->give(a->arg, r);
	return true;
}

static void give_all(struct aggregate *a, unsigned parts, uint64_t time_ns, uint64_t minute, unsigned more)
{
	if (!give(a, parts, time_ns, minute)) {
		give(a, PART_STATS, time_ns, minute);
		give(a, PART_TOP, time_ns, minute);
	}
	while (a->hosts.waiting > 0 && more-- > 0)
		give(a, 0, time_ns, minute);
}

// ---- the minute ----

static uint64_t minute_last_ns(const struct aggregate *a)
{
	return (a->minute + 1) * MINUTE_NS - 1;
}

static void minute_close(struct aggregate *a, uint64_t time_ns)
{
	give_all(a, PART_TOP, time_ns, a->minute, AGGREGATE_HOSTS_REGISTERS);
	talkers_clear(a->talkers);
	talkers_clear(a->pairs);
	memset(a->protocol, 0, sizeof(a->protocol));
	memset(a->application, 0, sizeof(a->application));
	aggregate_hosts_clear(&a->hosts);
	a->open = false;
}

void aggregate_flow(struct aggregate *a, const struct record *flow, uint64_t at_ns)
{
	const struct record_flow *f = record_body_const(flow);
	const struct record_ends *ends = &flow->ends;
	uint64_t bytes = f->bytes[0] + f->bytes[1];

	if (a->open && at_ns > minute_last_ns(a))
		minute_close(a, minute_last_ns(a));
	if (!a->open)
		a->minute = at_ns / MINUTE_NS;
	a->open = true;
	a->last_ns = at_ns > a->last_ns ? at_ns : a->last_ns;
	if (talkers_add_address(a->talkers, ends->client, flow))
		aggregate_hosts_add(&a->hosts, ends->client, ends->ip_version);
	if (talkers_add_address(a->talkers, ends->server, flow))
		aggregate_hosts_add(&a->hosts, ends->server, ends->ip_version);
	talkers_add_pair(a->pairs, flow);
	a->protocol[ends->proto] += bytes;
	a->application[flow->app < PROTO_MAX ? flow->app : PROTO_UNKNOWN] += bytes;
	aggregate_tcp_flow(&a->tcp, flow, at_ns);
}

// ---- the second ----

static void stats_make(struct aggregate *a, const struct metrics_sources *s, const struct metrics_rates *rates)
{
	struct json j;

	json_init(&j, a->stats, sizeof(a->stats));
	json_object_begin(&j, NULL);
	aggregate_stats_json(s, rates, &a->ports, &a->tcp, &j);
	json_object_end(&j);
	a->stats_length = json_length(&j);
}

// A replay's time is that of the records, or what is known besides.
static uint64_t time_of(struct aggregate *a, uint64_t now_ns)
{
	uint64_t time_ns = a->replay && a->last_ns > now_ns ? a->last_ns : now_ns;

	aggregate_tcp_now(&a->tcp, time_ns);
	return time_ns;
}

void aggregate_second(struct aggregate *a, const struct metrics_sources *s, const struct metrics_rates *rates, uint64_t now_ns,
		      uint64_t done_ns)
{
	uint64_t time_ns = time_of(a, now_ns);

	if (a->open && done_ns > minute_last_ns(a))
		minute_close(a, minute_last_ns(a));
	stats_make(a, s, rates);
	if (time_ns == 0)
		return;
	if (a->open)
		give_all(a, PART_STATS | PART_TOP, time_ns, a->minute, AGGREGATE_HOSTS_RECORDS_MAX);
	else
		give(a, PART_STATS, time_ns, time_ns / MINUTE_NS);
}

void aggregate_end(struct aggregate *a, const struct metrics_sources *s, const struct metrics_rates *rates, uint64_t now_ns)
{
	uint64_t time_ns = time_of(a, now_ns);

	stats_make(a, s, rates);
	if (time_ns != 0)
		give(a, PART_STATS, time_ns, a->open ? a->minute : time_ns / MINUTE_NS);
	if (a->open)
		minute_close(a, time_ns < minute_last_ns(a) ? time_ns : minute_last_ns(a));
}
