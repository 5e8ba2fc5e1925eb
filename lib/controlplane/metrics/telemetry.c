#include "metrics/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_telemetry.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/metrics.h"
#include "record/record_names.h"

enum { KEY_MAX = 64 };

// DPDK hands a command no argument of ours, so where the workers are has to stand here. No worker ever takes this lock.
static struct {
	pthread_mutex_t lock;
	struct worker *const *workers; // NULL: there are none
	unsigned count;
	bool registered;
} telemetry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(struct rte_tel_data *out, const char *group, const char *name, uint64_t value)
{
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%s_%s", group, name);
	rte_tel_data_add_dict_u64(out, key, value);
}

// ---- what is answered ----

static int stats_put(const char *argument, struct rte_tel_data *out)
{
	struct metrics_sources sources = {.workers = telemetry.workers, .worker_count = telemetry.count};
	struct metrics_sum sum;

	if (argument != NULL)
		return -EINVAL;
	metrics_sum(&sources, &sum);
	put(out, "packets", "received", sum.counters.received_pkts);
	put(out, "packets", "analysed", sum.analysed_pkts);
	put(out, "packets", "filtered", sum.filtered_pkts);
	put(out, "packets", "malformed", sum.malformed_pkts);
	put(out, "packets", "dropped", sum.dropped_pkts);
	put(out, "bytes", "received", sum.counters.received_bytes);
	put(out, "bytes", "analysed", sum.analysed_bytes);
	put(out, "bytes", "filtered", sum.filtered_bytes);
	put(out, "bytes", "malformed", sum.malformed_bytes);
	put(out, "bytes", "dropped", sum.dropped_bytes);
	for (unsigned v = 0; v < PACKET_VERDICTS; v++)
		if (packet_malformed((enum packet_verdict)v))
			put(out, "malformed", packet_verdict_names[v], sum.counters.verdict_pkts[v]);
	for (unsigned d = 0; d < DROP_COUNTS; d++)
		put(out, "dropped", worker_drop_names[d], sum.counters.drop_pkts[d]);
	put(out, "records", "made", sum.counters.records_made);
	put(out, "records", "refused", sum.counters.records_dropped[RECORD_DROP_RING_FULL]);
	return 0;
}

static int flows_put(const char *argument, struct rte_tel_data *out)
{
	struct metrics_sources sources = {.workers = telemetry.workers, .worker_count = telemetry.count};
	struct metrics_sum sum;

	if (argument != NULL)
		return -EINVAL;
	metrics_sum(&sources, &sum);
	put(out, "flows", "created", sum.flows_created);
	put(out, "flows", "active", sum.flows_active);
	put(out, "flows", "ended", sum.flows_ended);
	put(out, "evicted", "unanswered", sum.evicted_unanswered);
	put(out, "evicted", "oldest", sum.evicted_oldest);
	for (unsigned i = 0; i < FLOW_DIRECTIONS; i++)
		put(out, "directed", record_direction_names[i], sum.directions[i]);
	put(out, "flows", "flipped", sum.flipped);
	put(out, "emergency", "workers", sum.emergencies);
	put(out, "refused", "packets", sum.counters.refused_pkts);
	put(out, "refused", "bytes", sum.counters.refused_bytes);
	return 0;
}

static void time_put(const struct worker_counters *c, struct rte_tel_data *out)
{
	put(out, "tsc", "hz", rte_get_tsc_hz());
	put(out, "packets", "handled", metrics_handled(c));
	put(out, "packets", "steered_out", c->steered_out);
	put(out, "packets", "steered_in", c->steered_in);
	put(out, "polls", "all", c->polls);
	put(out, "polls", "empty", c->empty_polls);
	put(out, "polls", "slept_after", c->sleeps);
	put(out, "cycles", "busy", c->busy_cycles);
	for (unsigned st = 0; st < STAGE_COUNTS; st++)
		put(out, "cycles", worker_stage_names[st], c->cycles[st]);
}

// Without an argument all workers together; else the one of that number.
static int lcores_put(const char *argument, struct rte_tel_data *out)
{
	struct metrics_sources sources = {.workers = telemetry.workers, .worker_count = telemetry.count};
	struct metrics_sum sum;
	unsigned long k;
	char *end;

	if (argument == NULL) {
		metrics_sum(&sources, &sum);
		put(out, "workers", "running", telemetry.count);
		time_put(&sum.counters, out);
		return 0;
	}
	k = strtoul(argument, &end, 10);
	if (*argument < '0' || *argument > '9' || *end != '\0' || k >= telemetry.count)
		return -EINVAL;
	put(out, "worker", "id", k);
	put(out, "worker", "lcore", telemetry.workers[k]->config.lcore);
	time_put(&telemetry.workers[k]->counters, out);
	return 0;
}

// ---- the commands ----

static int answer(int (*make)(const char *argument, struct rte_tel_data *out), const char *argument, struct rte_tel_data *out)
{
	int rc = -ENODEV;

	rte_tel_data_start_dict(out);
	pthread_mutex_lock(&telemetry.lock);
	if (telemetry.workers != NULL)
		rc = make(argument != NULL && argument[0] != '\0' ? argument : NULL, out);
	pthread_mutex_unlock(&telemetry.lock);
	return rc;
}

static int on_stats(const char *command, const char *argument, struct rte_tel_data *out)
{
	(void)command;
	return answer(stats_put, argument, out);
}

static int on_flows(const char *command, const char *argument, struct rte_tel_data *out)
{
	(void)command;
	return answer(flows_put, argument, out);
}

static int on_lcores(const char *command, const char *argument, struct rte_tel_data *out)
{
	(void)command;
	return answer(lcores_put, argument, out);
}

static int commands_register(void)
{
	int rc = rte_telemetry_register_cmd("/spanwatch/stats", on_stats, "Packets, bytes and records of spanwatch. Takes no parameters");

	if (rc == 0)
		rc = rte_telemetry_register_cmd("/spanwatch/flows", on_flows, "Flows of spanwatch. Takes no parameters");
	if (rc == 0)
		rc = rte_telemetry_register_cmd("/spanwatch/lcores", on_lcores,
						"Polls, packets and cycles by stage, of all workers. Parameters: the number of one worker");
	return rc;
}

int telemetry_start(struct worker *const *workers, unsigned n)
{
	int rc = 0;

	pthread_mutex_lock(&telemetry.lock);
	telemetry.workers = workers;
	telemetry.count = n;
	if (!telemetry.registered)
		rc = commands_register();
	telemetry.registered = true;
	pthread_mutex_unlock(&telemetry.lock);
	return rc;
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&telemetry.lock);
	telemetry.workers = NULL;
	pthread_mutex_unlock(&telemetry.lock);
}
