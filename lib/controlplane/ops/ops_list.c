// One row an operation. This is the only place where a path, its help and its arguments stand.
#include "control/control.h"
#include "ops/ops.h"
#include "ops/ops_run.h"

static void op_stats(struct op_call *call, struct json *j)
{
	struct metrics_sources sources;

	control_sources(call->ops->control, &sources);
	metrics_stats_json(&sources, &call->ops->control->rates, j);
}

static void op_ledger(struct op_call *call, struct json *j)
{
	struct metrics_sources sources;

	control_sources(call->ops->control, &sources);
	metrics_ledger_json(&sources, j);
}

static void op_lcores(struct op_call *call, struct json *j)
{
	struct metrics_sources sources;

	control_sources(call->ops->control, &sources);
	metrics_lcores_json(&sources, j);
}

static void op_protocols(struct op_call *call, struct json *j)
{
	struct metrics_sources sources;

	control_sources(call->ops->control, &sources);
	metrics_protocols_json(&sources, j);
}

static void op_applications(struct op_call *call, struct json *j)
{
	naming_applications_json(call->ops->control->naming, (unsigned)call->argument[0], j);
}

static void op_memory(struct op_call *call, struct json *j)
{
	const struct control *c = call->ops->control;
	struct memory m;

	control_memory(c->config, c->worker_count, &m);
	json_array_begin(j, "rows");
	for (unsigned i = 0; i < m.rows; i++) {
		json_object_begin(j, NULL);
		json_string(j, "what", m.row[i].what);
		json_u64(j, "entries", m.row[i].count);
		json_u64(j, "bytes", m.row[i].bytes);
		json_object_end(j);
	}
	json_array_end(j);
	json_u64(j, "bytes", memory_bytes(&m));
}

static size_t op_metrics(struct op_call *call, char *out, size_t room)
{
	struct metrics_sources sources;

	control_sources(call->ops->control, &sources);
	return metrics_prometheus(&sources, out, room);
}

const struct op ops_list[] = {
	{.path = "health", .help = "whether all is well and, if not, why", .json = op_health},
	{.path = "stats", .help = "packets, bytes, flows, records and rates", .json = op_stats},
	{.path = "ledger", .help = "the identities that must hold, with both sides of each", .json = op_ledger},
	{.path = "lcores", .help = "the workers: where they run, what they poll, cycles per packet by stage", .json = op_lcores},
	{.path = "memory", .help = "what memory was taken for at start", .json = op_memory},
	{.path = "protocols", .help = "packets and bytes by protocol", .json = op_protocols},
	{.path = "applications",
	 .help = "the applications whose flows have moved most, by the names of their servers",
	 .argument = {{.name = "limit", .help = "how many at most", .min = 1, .max = 1000, .fallback = 100}},
	 .json = op_applications},
	{.path = "flows",
	 .help = "the latest flows, living ones and those that have ended",
	 .argument = {{.name = "limit", .help = "how many at most", .min = 1, .max = 1000, .fallback = 100}},
	 .ask = op_flows_ask,
	 .answered = op_flows_answered,
	 .forget = op_flows_forget,
	 .json = op_flows},
	{.path = "ports", .help = "where packets come from, and what was lost there", .json = op_ports},
	{.path = "config", .help = "every key and its value; secrets are never shown", .json = op_config},
	{.path = "config/reload",
	 .help = "reads configuration and attribute filters again, as SIGHUP does; on an error nothing changes",
	 .write_method = "POST",
	 .write_only = true,
	 .write = op_reload,
	 .json = op_reloaded},
	{.path = "filters",
	 .help = "what is looked at; PUT {\"expression\": \"...\", \"attributes\": [...]} changes one of them or both, \"\" and [] are none",
	 .write_method = "PUT",
	 .body_max = OP_BODY_MAX,
	 .write = op_filters_set,
	 .json = op_filters},
	{.path = "sinks",
	 .help = "the outputs: state, cause, what waits; PUT {\"redis\": {\"enabled\": false}} sets keys of theirs that may change at run time",
	 .write_method = "PUT",
	 .body_max = OP_BODY_MAX,
	 .write = op_sinks_set,
	 .json = op_sinks},
	{.path = "metrics", .help = "all numbers in Prometheus' text format", .text = op_metrics},
};

const unsigned ops_count = sizeof(ops_list) / sizeof(ops_list[0]);
