// Whether all is well. "degraded" always comes with the reasons, a sentence each, that say what and where.
#include <inttypes.h>
#include <rte_cycles.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "control/sinks.h"
#include "ops/ops_run.h"
#include "ops/ops_version.h"

enum { REASONS_MAX = 16, REASON_MAX = 448 };

static const uint64_t lost_window_ns = 10000000000u;    // a loss is news for so long
static const uint64_t residual_patience_ns = 3000000000u; // what is on its way between two threads arrives in less
static const uint64_t away_patience_ns = 3000000000u;     // a server that is restarted is not worth a word
static const double heartbeat_late_s = 1.0;

struct reasons {
	unsigned count;
	char text[REASONS_MAX][REASON_MAX];
};

static void because(struct reasons *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void because(struct reasons *r, const char *format, ...)
{
	va_list args;

	if (r->count == REASONS_MAX)
		return;
	va_start(args, format);
	vsnprintf(r->text[r->count++], REASON_MAX, format, args);
	va_end(args);
}

static uint64_t lost(const struct port_stats *stats)
{
	return stats->kernel_drops + stats->missed + stats->errors + stats->nombuf;
}

// ---- what is compared over time ----

static void losses_look(struct ops *ops, uint64_t now_ns)
{
	struct control *c = ops->control;
	struct ops_watch *w = &ops->watch;
	uint64_t total = 0;

	for (unsigned i = 0; i < c->port_count; i++) {
		struct port_stats stats;

		port_stats(c->port[i], &stats);
		total += lost(&stats);
	}
	if (total > w->lost) {
		if (now_ns - w->lost_seen_ns > lost_window_ns || w->lost_seen_ns == 0) {
			w->lost_start_ns = now_ns;
			w->lost_lately = 0;
		}
		w->lost_lately += total - w->lost;
		w->lost_seen_ns = now_ns;
	}
	w->lost = total;
}

void ops_watch_look(struct ops *ops, uint64_t now_ns)
{
	struct metrics_sources sources;
	struct ledger ledger;

	losses_look(ops, now_ns);
	control_sources(ops->control, &sources);
	metrics_ledger(&sources, &ledger);
	if (!sources.quiet || ledger.residual == 0)
		ops->watch.residual_since_ns = 0;
	else if (ops->watch.residual_since_ns == 0)
		ops->watch.residual_since_ns = now_ns;
}

// ---- reasons ----

static void ledger_reasons(const struct ops *ops, const struct ledger *ledger, struct reasons *r)
{
	uint64_t since = ops->watch.residual_since_ns;

	if (ledger->residual == 0 || since == 0 || clock_monotonic_ns() - since < residual_patience_ns)
		return;
	for (unsigned i = 0; i < ledger->rows; i++) {
		const struct ledger_row *row = &ledger->row[i];

		if (row->left != row->right)
			because(r, "the ledger does not balance: %s: %s, but %" PRIu64 " is not %" PRIu64, row->name, row->says, row->left,
				row->right);
	}
}

static void port_reasons(struct ops *ops, struct reasons *r)
{
	const struct ops_watch *w = &ops->watch;
	struct control *c = ops->control;

	if (w->lost_seen_ns != 0 && clock_monotonic_ns() - w->lost_seen_ns < lost_window_ns)
		because(r, "%" PRIu64 " packets were lost before they reached a worker in the last %" PRIu64 " s; /api/v1/ports shows where",
			w->lost_lately, (clock_monotonic_ns() - w->lost_start_ns) / 1000000000u + 1);
	for (unsigned i = 0; i < c->port_count; i++) {
		struct port *port = c->port[i];
		struct port_stats stats;

		port_stats(port, &stats);
		if (atomic_load(&port->damage) != PORT_WHOLE)
			because(r, "%s", port->damage_text);
		if (!port_replays(port) && !stats.link_up)
			because(r, "%s has no link", port->name);
	}
}

static void remote_reasons(const struct sink_stats *stats, struct reasons *r)
{
	char sentence[CONTROL_SENTENCE_MAX];
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (control_sink_away(stats) && stats->since_ns != 0 && now_ns > stats->since_ns + away_patience_ns) {
		control_sink_sentence(stats, sentence);
		because(r, "output %s: %s", stats->name, sentence);
	}
	if (stats->spool_failing)
		because(r, "output %s: the spool is in memory: %.280s", stats->name, stats->spool_error);
}

static void sink_reasons(const struct control *c, struct reasons *r)
{
	for (unsigned i = 0; i < c->sink_count; i++) {
		struct sink_stats stats;

		sink_stats(c->sink[i], &stats);
		if (stats.remote)
			remote_reasons(&stats, r);
		else if (stats.error[0] != '\0')
			because(r, "output %s: %.280s", stats.name, stats.error);
	}
}

static void worker_reasons(const struct control *c, struct reasons *r)
{
	for (unsigned k = 0; k < c->worker_count; k++) {
		const struct worker *w = c->worker[k];
		uint64_t now = clock_cycles(), beat = w->counters.heartbeat;
		double late_s = now > beat ? (double)(now - beat) / (double)rte_get_tsc_hz() : 0;

		if (!atomic_load(&w->finished) && late_s > heartbeat_late_s)
			because(r, "worker %u on lcore %u has not turned for %.1f s", k, w->config.lcore, late_s);
		if (!atomic_load(&w->finished) && atomic_load(&w->flows->emergency))
			because(r, "the flow table of worker %u is full: %" PRIu64 " flows made way for new ones, those without an answer first; raise "
				"flow.capacity or look for a flood", k, w->flows->counters.evicted_unanswered + w->flows->counters.evicted_oldest);
	}
}

// ---- the answer ----

static void port_json(const struct control *c, struct port *port, bool whole, struct json *j)
{
	struct metrics_sources sources;
	struct port_stats stats;

	port_stats(port, &stats);
	json_object_begin(j, NULL);
	json_string(j, "name", port->name);
	json_string(j, "kind", port->kind->name);
	json_string(j, "driver", port->driver);
	json_bool(j, "link_up", stats.link_up);
	json_u64(j, "received", stats.received_pkts);
	json_u64(j, "lost", lost(&stats));
	if (atomic_load(&port->damage) != PORT_WHOLE)
		json_string(j, "damage", port->damage_text);
	if (whole) {
		json_u64(j, "queues", port->queues);
		json_i64(j, "socket", port->socket);
		json_bool(j, "rss_symmetric", port->rss_symmetric);
		json_string(j, "rss", port->rss_why);
		json_u64(j, "received_bytes", stats.received_bytes);
		json_u64(j, "missed", stats.missed);
		json_u64(j, "errors", stats.errors);
		json_u64(j, "nombuf", stats.nombuf);
		json_u64(j, "kernel_drops", stats.kernel_drops);
		json_u64(j, "kernel_seen", stats.kernel_seen);
		json_u64(j, "replay_bytes", port->replay_bytes);
		json_u64(j, "replay_at", atomic_load_explicit(&port->replay_at, memory_order_relaxed));
		control_sources(c, &sources);
		metrics_capture_loss_json(&sources, port->id, j);
	}
	json_object_end(j);
}

static void ports_json(const struct control *c, bool whole, struct json *j)
{
	json_array_begin(j, "ports");
	for (unsigned i = 0; i < c->port_count; i++)
		port_json(c, c->port[i], whole, j);
	json_array_end(j);
}

void op_ports(struct op_call *call, struct json *j)
{
	ports_json(call->ops->control, true, j);
}

static void replay_json(const struct control *c, struct json *j)
{
	if (!c->replay) {
		json_null(j, "replay");
		return;
	}
	json_object_begin(j, "replay");
	json_bool(j, "finished", control_finished(c));
	json_double(j, "progress", control_finished(c) ? 1 : control_progress(c));
	json_object_end(j);
}

static void sinks_json(const struct control *c, struct json *j)
{
	json_array_begin(j, "sinks");
	for (unsigned i = 0; i < c->sink_count; i++) {
		struct sink_stats stats;

		sink_stats(c->sink[i], &stats);
		json_object_begin(j, NULL);
		json_string(j, "name", stats.name);
		json_string(j, "state", sink_state_names[stats.state]);
		if (stats.remote)
			json_string(j, "cause", stats.cause);
		json_string(j, "error", stats.error);
		json_object_end(j);
	}
	json_array_end(j);
}

static void texts_json(const char *key, const char *text, size_t stride, unsigned n, struct json *j)
{
	json_array_begin(j, key);
	for (unsigned i = 0; i < n; i++)
		json_string(j, NULL, text + i * stride);
	json_array_end(j);
}

// What was said once, and what the last reading of the configuration came to.
static void notes_json(const struct control *c, struct json *j)
{
	json_array_begin(j, "notes");
	for (unsigned i = 0; i < c->notes; i++)
		json_string(j, NULL, c->note[i]);
	if (c->reload.error[0] != '\0')
		json_string(j, NULL, c->reload.error);
	if (c->reload.restart_note[0] != '\0')
		json_string(j, NULL, c->reload.restart_note);
	json_array_end(j);
}

void op_health(struct op_call *call, struct json *j)
{
	const struct control *c = call->ops->control;
	struct reasons reasons = {.count = 0};
	struct metrics_sources sources;
	struct ledger ledger;

	control_sources(c, &sources);
	metrics_ledger(&sources, &ledger);
	ledger_reasons(call->ops, &ledger, &reasons);
	port_reasons(call->ops, &reasons);
	sink_reasons(c, &reasons);
	worker_reasons(c, &reasons);
	json_string(j, "status", reasons.count == 0 ? "ok" : "degraded");
	texts_json("reasons", reasons.text[0], REASON_MAX, reasons.count, j);
	json_double(j, "uptime_s", (double)(clock_cycles() - c->start_cycles) / (double)rte_get_tsc_hz());
	json_string(j, "version", OPS_VERSION);
	json_string(j, "sensor", c->config->sensor.name);
	replay_json(c, j);
	json_u64(j, "residual", ledger.residual);
	json_bool(j, "at_rest", sources.quiet);
	notes_json(c, j);
	sinks_json(c, j);
	ports_json(c, false, j);
}
