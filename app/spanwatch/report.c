#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATS_MAX = 1 << 20, PROTOCOLS_ALL = PROTO_MAX + PACKET_VERDICTS };

// Per flow: what is there for every flow, whether it is of IPv4 or IPv6.
static void memory_print(const struct control *c, FILE *out)
{
	struct memory m;

	control_memory(c->config, c->worker_count, &m);
	fprintf(out, "spanwatch: memory %-28s %12s %14s\n", "", "entries", "bytes");
	for (unsigned i = 0; i < m.rows; i++)
		fprintf(out, "spanwatch: memory %-28s %12" PRIu64 " %14" PRIu64 "\n", m.row[i].what, m.row[i].count, m.row[i].bytes);
	fprintf(out, "spanwatch: memory %-28s %12s %14" PRIu64 "\n", "all", "", memory_bytes(&m));
}

void report_start(const struct control *c, const struct api *api, const struct args *args, FILE *out)
{
	const char *address = api_address(api);

	if (address != NULL)
		fprintf(out, "spanwatch: %s\n", address);
	if (!args->config.sensor.verbose)
		return;
	for (unsigned i = 0; i < c->port_count; i++)
		fprintf(out, "spanwatch: port %s (%s), %u queue%s, NUMA node %d\n", c->port[i]->name, c->port[i]->driver, c->port[i]->queues,
			c->port[i]->queues == 1 ? "" : "s", c->port[i]->socket);
	for (unsigned k = 0; k < c->worker_count; k++)
		fprintf(out, "spanwatch: worker %u on lcore %u, NUMA node %d, %u flows, flow hash %s\n", k, c->worker[k]->config.lcore,
			c->worker[k]->config.socket, c->worker[k]->flows->capacity4 + c->worker[k]->flows->capacity6,
			c->worker[k]->flows->hash->name);
	fprintf(out, "spanwatch: steering %s\n", c->steering_why);
	memory_print(c, out);
}

void report_progress(const struct control *c, struct summary_progress *progress)
{
	uint64_t pkts = 0;
	double seconds = control_seconds(c);

	for (unsigned k = 0; k < c->worker_count; k++)
		pkts += c->worker[k]->counters.received_pkts;
	summary_progress(progress, control_progress(c), pkts, seconds > 0 ? (double)pkts / seconds / 1e6 : 0);
}

// ---- the summary ----

static void entry(struct summary *s, const char *what, const char *reason, uint64_t value, bool total)
{
	struct summary_entry *e = &s->ledger[s->ledgers];

	if (s->ledgers == SUMMARY_LEDGER_MAX)
		return;
	s->ledgers++;
	snprintf(e->name, sizeof(e->name), reason != NULL ? "%s (%s)" : "%s", what, reason);
	e->value = value;
	e->total = total;
}

static void ledger_fill(struct summary *s, const struct metrics_sources *sources, const struct metrics_sum *sum)
{
	const struct worker_counters *c = &sum->counters;

	entry(s, "received", NULL, c->received_pkts, true);
	entry(s, "analysed", NULL, sum->analysed_pkts, true);
	entry(s, "filtered", NULL, c->filtered_pkts, false);
	entry(s, "filtered", "own connections", c->filtered_own_pkts, false);
	for (unsigned v = 0; v < PACKET_VERDICTS; v++)
		if (packet_malformed((enum packet_verdict)v))
			entry(s, "malformed", packet_verdict_names[v], c->verdict_pkts[v], false);
	for (unsigned d = 0; d < DROP_COUNTS; d++)
		entry(s, "dropped", worker_drop_names[d], c->drop_pkts[d], false);
	entry(s, "no place in the flow table", NULL, c->refused_pkts, false);
	for (unsigned i = 0; i < sources->port_count; i++) {
		struct port_stats p;

		port_stats(sources->ports[i], &p);
		entry(s, "lost before us", "kernel", p.kernel_drops, false);
		entry(s, "left unread at the stop", "kernel", p.unread, false);
		entry(s, "lost before us", "NIC", p.missed + p.errors + p.nombuf, false);
	}
	entry(s, "records made", NULL, c->records_made, true);
	if (sources->sink_count > 0)
		entry(s, "records made", "sums, statistics", sources->records_given - sources->records_taken, true);
	entry(s, "records lost", "ring full", c->records_dropped[RECORD_DROP_RING_FULL], false);
	for (unsigned i = 0; i < sources->sink_count; i++) {
		struct sink_stats v;

		sink_stats(sources->sinks[i], &v);
		entry(s, "records written", v.name, v.written, true);
		entry(s, "records lost (queue full)", v.name, v.dropped_queue_full, false);
		entry(s, "records lost (error)", v.name, v.dropped_error, false);
		if (!v.remote)
			continue;
		entry(s, "records of earlier runs", v.name, v.recovered, false);
		entry(s, "records delivered", v.name, v.delivered, true);
		entry(s, "records waiting", v.name, v.waiting, false);
		entry(s, "records told lost", v.name, v.tombstoned, false);
	}
}

static void protocol_add(struct summary_protocol *all, unsigned *n, const char *name, uint64_t flows, uint64_t pkts, uint64_t bytes)
{
	if (pkts > 0 && *n < PROTOCOLS_ALL)
		all[(*n)++] = (struct summary_protocol){name, flows, pkts, bytes};
}

static int by_bytes(const void *a, const void *b)
{
	const struct summary_protocol *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static uint64_t flows_named(const struct metrics_sum *sum)
{
	uint64_t n = 0;

	for (unsigned i = 1; i < proto_count; i++)
		n += sum->app_flows[i];
	return n;
}

static void protocols_fill(struct summary *s, const struct metrics_sum *sum)
{
	struct summary_protocol all[PROTOCOLS_ALL];
	const struct worker_counters *c = &sum->counters;
	unsigned n = 0;

	for (unsigned i = 0; i < proto_count; i++)
		protocol_add(all, &n, i > 0 ? proto_name(i) : "other IP", i > 0 ? sum->app_flows[i] : sum->flows_created - flows_named(sum),
			     c->app_pkts[i], c->app_bytes[i]);
	for (unsigned v = PACKET_OK + 1; v < PACKET_VERDICTS; v++)
		if (!packet_malformed((enum packet_verdict)v))
			protocol_add(all, &n, packet_verdict_names[v], 0, c->verdict_pkts[v], c->verdict_bytes[v]);
	qsort(all, n, sizeof(all[0]), by_bytes);
	s->protocols = n < SUMMARY_PROTOCOLS_MAX ? n : SUMMARY_PROTOCOLS_MAX;
	memcpy(s->protocol, all, s->protocols * sizeof(all[0]));
}

static void talkers_fill(struct summary *s, const struct control *c)
{
	struct talker top[SUMMARY_TALKERS_MAX];

	s->talkers = talkers_top(c->talkers, top, SUMMARY_TALKERS_MAX);
	for (unsigned i = 0; i < s->talkers; i++) {
		inet_ntop(top[i].ip_version == 4 ? AF_INET : AF_INET6, top[i].address, s->talker[i].address, sizeof(s->talker[i].address));
		s->talker[i].pkts = top[i].pkts;
		s->talker[i].bytes = top[i].bytes;
	}
}

// From the first packet to the last, by their own clocks.
static double capture_seconds(const struct control *c)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (unsigned k = 0; k < c->worker_count; k++) {
		const struct worker *w = c->worker[k];

		if (w->first_ns == 0)
			continue;
		first = w->first_ns < first ? w->first_ns : first;
		last = w->last_ns > last ? w->last_ns : last;
	}
	return last > first ? (double)(last - first) / 1e9 : 0;
}

static void summary_fill(struct summary *s, const struct control *c)
{
	struct metrics_sources sources;
	struct metrics_sum sum;
	struct ledger ledger;

	control_sources(c, &sources);
	metrics_sum(&sources, &sum);
	metrics_ledger(&sources, &ledger);
	s->source = c->config->capture.replay[0] != '\0' ? c->config->capture.replay
		    : c->config->capture.interface[0] != '\0' ? c->config->capture.interface : c->port[0]->name;
	s->pkts = sum.counters.received_pkts;
	s->bytes = sum.counters.received_bytes;
	s->flows = sum.flows_created;
	s->capture_s = capture_seconds(c);
	s->run_s = control_seconds(c);
	s->workers = c->worker_count;
	s->residual = (int64_t)ledger.residual;
	s->output = c->config->output.directory[0] != '\0' ? c->config->output.directory : NULL;
	for (unsigned i = 0; i < c->port_count; i++)
		if (atomic_load(&c->port[i]->damage) != PORT_WHOLE)
			s->damage = c->port[i]->damage_text;
	for (; s->notes < c->notes && s->notes < SUMMARY_NOTES_MAX; s->notes++)
		s->note[s->notes] = c->note[s->notes];
	ledger_fill(s, &sources, &sum);
	protocols_fill(s, &sum);
	talkers_fill(s, c);
}

void report_print(const struct control *c, FILE *out)
{
	static struct summary s;

	if (strcmp(c->config->output.directory, "-") == 0 || (!isatty(fileno(out)) && !c->config->sensor.verbose))
		return;
	memset(&s, 0, sizeof(s));
	summary_fill(&s, c);
	summary_print(out, &s);
}

void report_ledger(const struct ledger *ledger, FILE *out)
{
	fprintf(out, "spanwatch: the ledger does not balance, residual %" PRIu64 ":\n", ledger->residual);
	for (unsigned i = 0; i < ledger->rows; i++)
		if (ledger->row[i].left != ledger->row[i].right)
			fprintf(out, "  %s: %s: %" PRIu64 " and %" PRIu64 "\n", ledger->row[i].name, ledger->row[i].says, ledger->row[i].left,
				ledger->row[i].right);
}

// ---- stats.json ----

static int file_write(const char *path, const char *bytes, size_t n, struct err *err)
{
	char temporary[CONFIG_PATH_MAX + 32];
	FILE *f;
	bool bad;

	snprintf(temporary, sizeof(temporary), "%s.part", path);
	f = fopen(temporary, "we");
	if (f == NULL)
		return err_set(err, -errno, "%s: %s: choose a folder that can be written with -o", temporary, strerror(errno));
	bad = fwrite(bytes, 1, n, f) != n || fputc('\n', f) == EOF || fflush(f) != 0 || fsync(fileno(f)) != 0;
	bad = fclose(f) != 0 || bad;
	if (bad || rename(temporary, path) != 0) {
		int code = -errno;

		unlink(temporary);
		return err_set(err, code, "%s: %s: free some space or choose another folder with -o", path, strerror(-code));
	}
	return 0;
}

int report_files(const struct control *c, struct err *err)
{
	const char *directory = c->config->output.directory;
	char path[CONFIG_PATH_MAX + 16], *buffer;
	struct metrics_sources sources;
	struct json j;
	int rc;

	if (directory[0] == '\0' || strcmp(directory, "-") == 0)
		return 0;
	buffer = malloc(STATS_MAX);
	if (buffer == NULL)
		return err_set(err, -ENOMEM, "no memory for stats.json");
	control_sources(c, &sources);
	json_init(&j, buffer, STATS_MAX);
	json_object_begin(&j, NULL);
	metrics_stats_json(&sources, &c->rates, &j);
	json_object_end(&j);
	snprintf(path, sizeof(path), "%s/stats.json", directory);
	rc = json_overflowed(&j) ? err_set(err, -E2BIG, "%s: too many ports or workers for one file", path)
				 : file_write(path, buffer, json_length(&j), err);
	free(buffer);
	return rc;
}
