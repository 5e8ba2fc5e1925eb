#include "control/control.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/filters.h"
#include "control/identity.h"
#include "control/offload.h"
#include "control/sinks.h"
#include "metrics/telemetry.h"

enum { RELEASE_MAX = 4096, STATS_JSON_MAX = RECORD_LENGTH_MAX - 512, DRAIN_NAP_NS = 200000 };

void control_note(struct control *c, const char *format, ...)
{
	va_list args;

	if (c->notes == CONTROL_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(c->note[c->notes++], CONTROL_NOTE_MAX, format, args);
	va_end(args);
}

void control_note_once(struct control *c, const char *format, ...)
{
	char note[CONTROL_NOTE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(note, sizeof(note), format, args);
	va_end(args);
	for (unsigned i = 0; i < c->notes; i++)
		if (strcmp(c->note[i], note) == 0)
			return;
	control_note(c, "%s", note);
}

void control_tell(struct control *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->tell[c->tells++ % CONTROL_TELLS_MAX], CONTROL_TELL_MAX, format, args);
	va_end(args);
}

double control_seconds(const struct control *c)
{
	uint64_t end = c->replay_end_cycles != 0 ? c->replay_end_cycles : clock_cycles();

	return (double)(end - c->start_cycles) / (double)rte_get_tsc_hz();
}

double control_progress(const struct control *c)
{
	uint64_t at = 0, bytes = 0;

	for (unsigned i = 0; i < c->port_count; i++) {
		at += atomic_load_explicit(&c->port[i]->replay_at, memory_order_relaxed);
		bytes += c->port[i]->replay_bytes;
	}
	return bytes > 0 ? (double)at / (double)bytes : 0;
}

static bool workers_finished(const struct control *c)
{
	for (unsigned k = 0; k < c->worker_count; k++)
		if (!atomic_load_explicit(&c->worker[k]->finished, memory_order_acquire))
			return false;
	return true;
}

static bool rings_empty(const struct control *c)
{
	for (unsigned k = 0; k < c->worker_count; k++)
		if (record_ring_peek(c->worker[k]->out) != NULL)
			return false;
	return true;
}

bool control_finished(const struct control *c)
{
	return workers_finished(c) && rings_empty(c) && merge_waiting(c->merge) == 0;
}

void control_sources(const struct control *c, struct metrics_sources *s)
{
	*s = (struct metrics_sources){
		.workers = c->worker,
		.worker_count = c->worker_count,
		.ports = c->port,
		.port_count = c->port_count,
		.sinks = c->sink,
		.sink_count = c->sink_count,
		.pool = c->pool,
		.records_taken = merge_taken(c->merge),
		.records_waiting = merge_waiting(c->merge),
		.records_given = merge_taken(c->merge) + c->own_records,
		.seconds = control_seconds(c),
		.quiet = workers_finished(c),
		.dns_names = naming_stats(c->naming),
		.sensor = c->config->sensor.name,
		.steering = c->steering_why,
	};
}

// ---- records to the sinks ----

static void remember(struct control *c, const struct record *r)
{
	naming_learn(c->naming, r);
	expected_learn(c->expected, r);
	if (r->type != RECORD_FLOW)
		return;
	if (((const struct record_flow *)record_body_const(r))->reason != FLOW_REASON_ACTIVE) // an interim record: it lives
		recent_add(c->recent, r);
	talkers_add(c->talkers, r);
	control_aggregate_flow(c, r);
}

// Gives a record to each sink that does not have it yet. False: a sink is full and, in a replay or while draining, it is waited for.
static bool give(struct control *c, const struct record *r, uint32_t *given)
{
	bool wait = c->replay || c->draining, all = true;

	for (unsigned i = 0; i < c->sink_count; i++) {
		if ((*given & 1u << i) != 0)
			continue;
		if (!sink_wants(c->sink[i], r)) {
			sink_skip(c->sink[i]);
		} else if (!sink_push(c->sink[i], r)) {
			if (wait) {
				all = false;
				continue;
			}
			sink_drop(c->sink[i], r);
		}
		*given |= 1u << i;
	}
	return all;
}

// A record as it goes out. That of a flow gets longer: it is written anew, with room behind it. Good until the next one; made again
// as often as a sink is full, it is the same.
static const struct record *completed(struct control *c, struct merge_entry *e)
{
	static uint64_t storage[WORKER_FLOW_RECORD_MAX / sizeof(uint64_t)];
	struct record *r = (struct record *)(void *)storage;

	if (e->given == 0)
		identity_fill(e->record);
	if (e->record->type != RECORD_FLOW || e->record->length > sizeof(storage))
		return e->record;
	memcpy(r, e->record, e->record->length);
	expected_fill(c->expected, r);
	naming_fill(c->naming, r);
	return r;
}

static unsigned release(struct control *c)
{
	struct merge_entry *e;
	unsigned n = 0;

	for (; n < RELEASE_MAX && (e = merge_peek(c->merge)) != NULL; n++) {
		const struct record *r = completed(c, e);

		if (!give(c, r, &e->given))
			break;
		remember(c, r);
		merge_pop(c->merge);
	}
	return n;
}

void control_give_own(struct control *c, const struct record *r)
{
	uint32_t given = 0;

	c->own_records++;
	while (!give(c, r, &given))
		sched_yield();
}

// A record that control makes itself: the statistics, as JSON.
static void stats_record(struct control *c, uint64_t time_ns)
{
	static uint64_t storage[RECORD_LENGTH_MAX / sizeof(uint64_t)];
	struct record *r = (struct record *)(void *)storage;
	struct record_stats *body = record_body(r);
	uint32_t fixed = (uint32_t)sizeof(*r) + record_body_size(RECORD_STATS);
	struct metrics_sources sources;
	struct json j;

	control_sources(c, &sources);
	*r = (struct record){.type = RECORD_STATS, .order_ns = time_ns, .time_ns = time_ns};
	json_init(&j, (char *)r + fixed, RECORD_LENGTH_MAX - fixed - 8);
	json_object_begin(&j, NULL);
	metrics_stats_json(&sources, &c->rates, &j);
	json_object_end(&j);
	body->json = (struct record_text){0, (uint16_t)json_length(&j)};
	r->length = (fixed + body->json.len + 7u) & ~7u;
	if (!json_overflowed(&j))
		control_give_own(c, r);
}

static void every_second(struct control *c, uint64_t now_cycles)
{
	uint64_t hz = rte_get_tsc_hz();
	struct metrics_sources sources;

	if (now_cycles < c->next_second_cycles)
		return;
	c->next_second_cycles = now_cycles + hz;
	clock_discipline(&c->clock);
	filters_turn(c);
	control_sources(c, &sources);
	metrics_rates_turn(&c->rates, &sources);
	control_sinks_look(c);
	control_aggregate_second(c, &sources);
	if (!c->replay)
		offload_look(c);
	if (!c->replay && c->sink_count > 0 && now_cycles >= c->next_stats_cycles) {
		if (c->next_stats_cycles != 0)
			stats_record(c, clock_now_ns(&c->clock));
		c->next_stats_cycles = now_cycles + hz * c->config->output.stats_interval_s;
	}
}

unsigned control_turn(struct control *c)
{
	unsigned n = merge_fill(c->merge, c->worker, c->worker_count);

	n += release(c);
	filters_own_turn(c);
	every_second(c, clock_cycles());
	if (c->replay && c->replay_end_cycles == 0 && control_finished(c)) {
		control_aggregate_end(c); // with --stay the end of the run may be far away
		c->replay_end_cycles = clock_cycles();
		offload_look(c);
	}
	return n;
}

// ---- the ladder down ----

static int sinks_stop(struct control *c, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < c->sink_count; i++) {
		struct err one = {""};
		int stopped = sink_stop(c->sink[i], &one);

		if (stopped < 0 && rc == 0) {
			rc = stopped;
			*err = one;
		}
	}
	return rc;
}

int control_drain(struct control *c, struct err *err)
{
	struct timespec nap = {0, DRAIN_NAP_NS};
	int rc;

	c->draining = true;
	for (unsigned k = 0; k < c->worker_count; k++)
		atomic_store_explicit(&c->worker[k]->stop, true, memory_order_release);
	while (!control_finished(c))
		if (control_turn(c) == 0)
			nanosleep(&nap, NULL);
	rte_eal_mp_wait_lcore();
	c->launched = false;
	if (c->replay_end_cycles == 0)
		c->replay_end_cycles = clock_cycles();
	offload_look(c);
	if (c->sink_count > 0)
		stats_record(c, c->replay ? c->worker[0]->final_ns : clock_now_ns(&c->clock));
	control_aggregate_end(c);
	rc = sinks_stop(c, err);
	control_sinks_end(c);
	return rc;
}

void control_destroy(struct control *c)
{
	if (c == NULL)
		return;
	telemetry_stop();
	for (unsigned k = 0; k < c->worker_count && c->launched; k++)
		if (c->worker[k] != NULL)
			atomic_store_explicit(&c->worker[k]->stop, true, memory_order_release);
	for (unsigned i = 0; i < c->sink_count; i++)
		sink_free(c->sink[i]);
	for (unsigned i = 0; i < c->port_count; i++)
		port_close(c->port[i]);
	for (unsigned k = 0; k < c->worker_count && k < WORKER_MAX; k++)
		worker_destroy(c->worker[k]);
	filters_destroy(c);
	rte_mempool_free(c->pool);
	merge_destroy(c->merge);
	naming_destroy(c->naming);
	expected_destroy(c->expected);
	recent_destroy(c->recent);
	talkers_destroy(c->talkers);
	aggregate_destroy(c->aggregate);
	free(c->reloaded);
	free(c);
}
