// Outputs at run time: a list of the test's own, with probes that say of themselves what a remote sink would. On, off, other settings,
// one that joins while records are on their way; what is refused changes nothing; what people are told.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "control/sinks.h"
#include "ops/ops.h"
#include "record/record_ring.h"

enum { ORDERS_MAX = 8192, RECORDS = 2000, RECORD_BYTES = 128, TURNS_MAX = 20000 };

struct probe {
	int open_code, apply_code;
	unsigned opens, applies, closes;
	char address[64];           // of the settings that hold
	atomic_bool held;
	uint64_t order[ORDERS_MAX]; // of what was written
	atomic_uint written;
	struct sink_stats say;      // what stats() says
};

static struct probe redis, http;

static int probe_open(struct probe *p, const char *address, void **state, struct err *err)
{
	if (p->open_code != 0)
		return err_set(err, p->open_code, "the probe cannot be opened");
	snprintf(p->address, sizeof(p->address), "%.60s", address);
	p->opens++;
	*state = p;
	return 0;
}

static int probe_apply(struct probe *p, const char *address, struct err *err)
{
	if (p->apply_code != 0)
		return err_set(err, p->apply_code, "the probe does not like that");
	snprintf(p->address, sizeof(p->address), "%.60s", address);
	p->applies++;
	return 0;
}

static bool redis_enabled(const struct config *config)
{
	return config->redis.address[0] != '\0';
}

static int redis_open(const struct config *config, void **state, struct err *err)
{
	return probe_open(&redis, config->redis.address, state, err);
}

static int redis_apply(void *state, const struct config *config, struct err *err)
{
	return probe_apply(state, config->redis.address, err);
}

static bool http_enabled(const struct config *config)
{
	return config->http.url[0] != '\0';
}

static int http_open(const struct config *config, void **state, struct err *err)
{
	return probe_open(&http, config->http.url, state, err);
}

static int http_apply(void *state, const struct config *config, struct err *err)
{
	return probe_apply(state, config->http.url, err);
}

static int probe_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	struct probe *p = state;

	(void)err;
	while (atomic_load(&p->held))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	for (*written = 0; *written < n; ++*written) {
		unsigned at = atomic_fetch_add(&p->written, 1);

		if (at < ORDERS_MAX)
			p->order[at] = records[*written]->order_ns;
	}
	return 0;
}

static uint64_t probe_bytes(const void *state)
{
	(void)state;
	return 0;
}

static int probe_close(void *state, struct err *err)
{
	struct probe *p = state;

	(void)err;
	p->closes++;
	return 0;
}

static void probe_stats(void *state, struct sink_stats *out)
{
	const struct probe *p = state;
	struct sink_stats said = p->say;

	said.name = out->name;
	said.queued = out->queued;
	said.written = out->written;
	said.dropped_queue_full = out->dropped_queue_full;
	said.skipped = out->skipped;
	said.remote = true;
	snprintf(said.target, sizeof(said.target), "%s", p->address);
	*out = said;
}

#define PROBE .write = probe_write, .bytes = probe_bytes, .close = probe_close, .stats = probe_stats

static const struct sink_ops redis_ops = {.name = "redis", .enabled = redis_enabled, .open = redis_open, .apply = redis_apply, PROBE};
static const struct sink_ops http_ops = {.name = "http", .enabled = http_enabled, .open = http_open, .apply = http_apply, PROBE};

const struct sink_ops *const sink_list[] = {&redis_ops, &http_ops};
const unsigned sink_count = 2;

// ---- a control plane that was never launched ----

struct world {
	struct config config, draft;
	struct control control;
	struct worker *worker;
	struct ops *ops;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;

	assert_non_null(w);
	memset(&redis, 0, sizeof(redis));
	memset(&http, 0, sizeof(http));
	redis.say.state = http.say.state = SINK_UP;
	config_defaults(&w->config);
	w->config.limits.sink_queue_bytes = 64 << 10;
	w->control.config = &w->config;
	w->control.replay = true;
	w->control.next_second_cycles = UINT64_MAX;
	assert_int_equal(merge_create(1, &w->control.merge), 0);
	assert_int_equal(naming_create(&w->config, &w->control.naming, &err), 0);
	assert_non_null(w->control.expected = expected_create());
	assert_non_null(w->worker = aligned_alloc(64, sizeof(*w->worker)));
	memset(w->worker, 0, sizeof(*w->worker));
	assert_int_equal(record_ring_create(1 << 20, &w->worker->out), 0);
	w->control.worker[0] = w->worker;
	w->control.worker_count = 1;
	assert_int_equal(ops_create(&w->control, &w->ops), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < w->control.sink_count; i++)
		sink_free(w->control.sink[i]);
	ops_destroy(w->ops);
	free(w->control.reloaded);
	expected_destroy(w->control.expected);
	naming_destroy(w->control.naming);
	merge_destroy(w->control.merge);
	record_ring_destroy(w->worker->out);
	free(w->worker);
	free(w);
	return 0;
}

static void record_push(struct world *w, uint64_t order_ns)
{
	struct record *r = record_ring_reserve(w->worker->out, RECORD_BYTES);

	assert_non_null(r);
	memset(r, 0, RECORD_BYTES);
	r->length = RECORD_BYTES;
	r->type = RECORD_STATS;
	r->order_ns = order_ns;
	record_ring_commit(w->worker->out, r);
	atomic_store(&w->worker->mark_ns, order_ns + 1);
}

static void numbers_agree(struct world *w)
{
	struct metrics_sources sources;

	control_sources(&w->control, &sources);
	for (unsigned i = 0; i < w->control.sink_count; i++) {
		struct sink_stats stats;

		sink_stats(w->control.sink[i], &stats);
		assert_int_equal(stats.queued + stats.dropped_queue_full + stats.skipped, sources.records_given - sources.records_waiting);
	}
}

static struct sink_stats stats_of(const struct world *w, const struct sink_ops *ops)
{
	struct sink_stats stats;

	assert_non_null(control_sink_find(&w->control, ops));
	sink_stats(control_sink_find(&w->control, ops), &stats);
	return stats;
}

static int set(struct world *w, const char *name, const char *value, struct err *err)
{
	w->draft = *w->control.config;
	assert_int_equal(config_set(&w->draft, name, value, err), 0);
	return control_sinks_set(&w->control, &w->draft, err);
}

// ---- which run ----

static void sinks_come_and_go(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(control_sinks_apply(&w->control, &w->config, &err), 0);
	assert_int_equal(w->control.sink_count, 0);
	record_push(w, 1);
	control_turn(&w->control);
	assert_int_equal(set(w, "redis.address", "one:1", &err), 0);
	assert_int_equal(w->control.sink_count, 1);
	assert_int_equal(stats_of(w, &redis_ops).skipped, 1); // made before it was there
	record_push(w, 2);
	control_turn(&w->control);
	assert_int_equal(set(w, "redis.enabled", "false", &err), 0);
	assert_int_equal(stats_of(w, &redis_ops).state, SINK_OFF);
	record_push(w, 3);
	control_turn(&w->control);
	assert_int_equal(set(w, "redis.enabled", "true", &err), 0);
	record_push(w, 4);
	control_turn(&w->control);
	assert_int_equal(stats_of(w, &redis_ops).queued, 2);
	assert_int_equal(stats_of(w, &redis_ops).skipped, 2);
	assert_int_equal(redis.opens, 1);
	assert_int_equal(set(w, "redis.address", "", &err), 0); // nobody to send to: off, and what waits goes where it was to go
	assert_int_equal(stats_of(w, &redis_ops).state, SINK_OFF);
	assert_string_equal(redis.address, "one:1");
	numbers_agree(w);
}

// Each sink gets new settings only if some of its own have changed.
static void settings_go_where_they_belong(void **state)
{
	struct world *w = *state;
	struct control_sinks_change change;
	struct err err;

	assert_int_equal(set(w, "redis.address", "one:1", &err), 0);
	assert_int_equal(set(w, "http.url", "http://two/", &err), 0);
	assert_int_equal(redis.applies + http.applies, 0);
	assert_int_equal(set(w, "redis.address", "three:3", &err), 0);
	assert_int_equal(redis.applies, 1);
	assert_int_equal(http.applies, 0);
	assert_string_equal(redis.address, "three:3");
	assert_string_equal(w->control.config->redis.address, "three:3");
	assert_int_equal(control_sinks_prepare(&w->control, w->control.config, true, &change, &err), 0); // a password may be another one now
	assert_int_equal(redis.applies, 2);
	assert_int_equal(http.applies, 1);
	redis.apply_code = -EINVAL;
	assert_int_equal(set(w, "redis.address", "four:4", &err), -EINVAL);
	assert_string_equal(err.text, "the probe does not like that");
	assert_string_equal(w->control.config->redis.address, "three:3");
}

// One part cannot be: nothing is.
static void failure_leaves_all_as_it_was(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(set(w, "redis.address", "one:1", &err), 0);
	http.open_code = -EACCES;
	w->draft = *w->control.config;
	strcpy(w->draft.redis.address, "two:2");
	strcpy(w->draft.http.url, "http://three/");
	assert_int_equal(control_sinks_set(&w->control, &w->draft, &err), -EACCES);
	assert_string_equal(err.text, "the probe cannot be opened");
	assert_string_equal(redis.address, "one:1"); // it had the others for a moment
	assert_int_equal(redis.applies, 2);
	assert_string_equal(w->control.config->redis.address, "one:1");
	assert_int_equal(w->control.sink_count, 1);
	assert_int_equal(stats_of(w, &redis_ops).state, SINK_UP);
	http.open_code = 0;
	assert_int_equal(control_sinks_set(&w->control, &w->draft, &err), 0);
	assert_int_equal(w->control.sink_count, 2);
}

static void turn_until_given(struct world *w)
{
	const struct timespec nap = {0, 100000};

	for (unsigned i = 0; i < TURNS_MAX && merge_waiting(w->control.merge) > 0; i++)
		if (control_turn(&w->control) == 0)
			nanosleep(&nap, NULL);
	assert_int_equal(merge_waiting(w->control.merge), 0);
}

// The queue of one is full, the other has the same record already, and a third... joins: it gets that one and all behind it, once.
static void one_joins_while_a_record_is_half_given(void **state)
{
	struct world *w = *state;
	struct err err;
	uint64_t first;

	atomic_store(&redis.held, true);
	assert_int_equal(set(w, "redis.address", "one:1", &err), 0);
	for (uint64_t i = 1; i <= RECORDS; i++)
		record_push(w, i);
	for (unsigned i = 0; i < 4; i++)
		control_turn(&w->control);
	assert_true(merge_waiting(w->control.merge) > 0);
	numbers_agree(w);
	first = RECORDS - merge_waiting(w->control.merge) + 1;
	assert_int_equal(set(w, "http.url", "http://two/", &err), 0);
	numbers_agree(w);
	control_turn(&w->control); // the new one has it now, the full one not yet
	assert_int_equal(stats_of(w, &http_ops).queued, 1);
	assert_int_equal(set(w, "http.enabled", "false", &err), 0);
	assert_int_equal(set(w, "http.enabled", "true", &err), 0);
	atomic_store(&redis.held, false);
	turn_until_given(w);
	numbers_agree(w);
	assert_int_equal(stats_of(w, &redis_ops).queued, RECORDS);
	assert_int_equal(stats_of(w, &http_ops).queued, RECORDS - first + 1);
	assert_int_equal(sink_stop(control_sink_find(&w->control, &http_ops), &err), 0);
	for (uint64_t i = 0; first + i <= RECORDS; i++)
		assert_int_equal(http.order[i], first + i);
}

// ---- over REST ----

static int put(struct world *w, const char *body, struct err *err)
{
	struct op_call *call;
	int rc;

	assert_int_equal(op_call_begin(w->ops, op_find("sinks"), &call), 0);
	op_call_write(call, body, strlen(body));
	rc = op_call_run(call, err);
	op_call_end(call);
	return rc;
}

static cJSON *ask(struct world *w, const char *path)
{
	struct op_call *call;
	struct err err;
	cJSON *tree;

	assert_int_equal(op_call_begin(w->ops, op_find(path), &call), 0);
	assert_int_equal(op_call_run(call, &err), 0);
	tree = cJSON_ParseWithLength(call->out, call->length);
	assert_non_null(tree);
	op_call_end(call);
	return tree;
}

static const char *text_at(const cJSON *tree, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, key));
}

static double number_at(const cJSON *tree, const char *group, const char *key)
{
	const cJSON *of = group != NULL ? cJSON_GetObjectItemCaseSensitive(tree, group) : tree;

	assert_non_null(cJSON_GetObjectItemCaseSensitive(of, key));
	return cJSON_GetObjectItemCaseSensitive(of, key)->valuedouble;
}

static void what_is_put_is_in_force(void **state)
{
	struct world *w = *state;
	struct err err;
	cJSON *tree;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"10.0.0.5:6379\",\"mode\":\"lists\",\"batch\":100},"
				"\"http\":{\"url\":\"http://h/\",\"enabled\":false}}", &err), 0);
	assert_string_equal(redis.address, "10.0.0.5:6379");
	assert_int_equal(w->control.config->redis.mode, CONFIG_REDIS_LISTS);
	assert_int_equal(w->control.config->redis.batch, 100);
	assert_int_equal(stats_of(w, &http_ops).state, SINK_OFF);
	tree = ask(w, "config");
	assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(tree, "redis"), "address"), "10.0.0.5:6379");
	cJSON_Delete(tree);
	assert_int_equal(put(w, "{\"http\":{\"enabled\":true}}", &err), 0);
	assert_int_equal(stats_of(w, &http_ops).state, SINK_UP);
	assert_int_equal(http.opens, 1);
}

static void what_is_wrong_changes_nothing(void **state)
{
	static const char *const wrong[][2] = {
		{"", "not JSON"},
		{"[]", "not a JSON object"},
		{"{}", "sets nothing"},
		{"{\"redis\":{}}", "sets nothing"},
		{"{\"redis\":5}", "redis is an object"},
		{"{\"redsi\":{}}", "did you mean redis?"},
		{"{\"capture\":{\"filter\":\"tcp\"}}", "these can: redis, http"},
		{"{\"spool\":{\"exit_wait_s\":1}}", "these can: redis, http"},
		{"{\"redis\":{\"adress\":\"x:1\"}}", "did you mean redis.address?"},
		{"{\"redis\":{\"password_file\":\"/etc/shadow\"}}", "is set in the configuration only; here can be set address, enabled"},
		{"{\"http\":{\"token_file\":\"/etc/shadow\"}}", "http.token_file is set in the configuration only"},
		{"{\"redis\":{\"tls_ca_file\":\"/tmp/mine\"}}", "in the configuration only"},
		{"{\"redis\":{\"mode\":\"heaps\"}}", "streams, lists or channel"},
		{"{\"redis\":{\"mode\":1}}", "streams, lists or channel"},
		{"{\"redis\":{\"batch\":0}}", "from 1 to 1024"},
		{"{\"redis\":{\"batch\":1.5}}", "from 1 to 1024"},
		{"{\"redis\":{\"batch\":-1e300}}", "from 1 to 1024"},
		{"{\"redis\":{\"batch\":\"7\"}}", "from 1 to 1024"},
		{"{\"redis\":{\"enabled\":\"no\"}}", "true or false"},
		{"{\"redis\":{\"enabled\":null}}", "true or false"},
		{"{\"redis\":{\"address\":{}}}", "a text"},
		{"{\"redis\":{\"address\":\"a\\u000ab\"}}", "without control characters"},
		{"{\"redis\":{\"batch\":7,\"batch\":8}}", "a second time"},
		{"{\"redis\":{\"batch\":7},\"http\":{\"batch\":0}}", "http.batch"},
		{"{\"http\":{\"url\":\"http://me:hunter2@host/\"}}", "http.token_file"},
		{"{\"redis\":{\"address\":\"me:hunter2@host:1\"}}", "redis.password_file"},
	};
	struct world *w = *state;
	struct config before;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	before = *w->control.config;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(put(w, wrong[i][0], &err), -EINVAL);
		if (strstr(err.text, wrong[i][1]) == NULL)
			fail_msg("%s: %s", wrong[i][0], err.text);
		assert_null(strstr(err.text, "hunter2"));
		assert_memory_equal(w->control.config, &before, sizeof(before));
	}
	assert_int_equal(redis.applies, 0);
	assert_int_equal(w->control.sink_count, 1);
}

static void numbers_are_shown(void **state)
{
	struct world *w = *state;
	cJSON *tree, *one;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	record_push(w, 1);
	control_turn(&w->control);
	redis.say = (struct sink_stats){.state = SINK_DRAINING, .since_ns = 1700000000000000000u, .recovered = 9, .delivered = 4, .waiting = 6,
					.waiting_bytes = 600, .tombstoned = 2, .drain_s = 1.5, .delivered_per_s = 4,
					.spool_failing = true, .spool_error = "full"};
	tree = ask(w, "sinks");
	one = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "sinks"), 0);
	assert_string_equal(text_at(one, "name"), "redis");
	assert_string_equal(text_at(one, "state"), "draining");
	assert_string_equal(text_at(one, "target"), "one:1");
	assert_string_equal(text_at(one, "since"), "2023-11-14T22:13:20Z");
	assert_true(number_at(one, "records", "made") == 1 && number_at(one, "records", "recovered") == 9);
	assert_true(number_at(one, "records", "delivered") == 4 && number_at(one, "records", "waiting") == 6);
	assert_true(number_at(one, NULL, "drain_s") == 1.5 && number_at(one, NULL, "delivered_per_s") == 4);
	assert_true(number_at(one, "spool", "waiting_bytes") == 600);
	assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(one, "spool"), "error"), "full");
	one = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "sinks"), 1);
	assert_string_equal(text_at(one, "name"), "http");
	assert_string_equal(text_at(one, "state"), "off");
	assert_string_equal(text_at(one, "target"), "");
	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(one, "drain_s")));
	assert_null(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "sinks"), 2));
	cJSON_Delete(tree);
}

// ---- what people are told ----

static void away(enum sink_state state, const char *cause)
{
	redis.say = (struct sink_stats){.state = state, .waiting = 1234567, .drain_s = -1, .since_ns = 1};
	snprintf(redis.say.cause, sizeof(redis.say.cause), "%s", cause);
	snprintf(redis.say.error, sizeof(redis.say.error), "%s", cause[0] != '\0' ? "connection refused" : "");
}

static const char *told(const struct world *w, unsigned i)
{
	assert_true(i < w->control.tells);
	return w->control.tell[i % CONTROL_TELLS_MAX];
}

static void changes_are_told_now_and_then(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	away(SINK_CONNECTING, "");
	control_sinks_look(&w->control);
	assert_int_equal(w->control.tells, 0);
	away(SINK_DEGRADED, "refused");
	control_sinks_look(&w->control);
	assert_string_equal(told(w, 0), "output redis: waiting for one:1 (refused): 1,234,567 records wait in the spool; connection refused");
	for (unsigned second = 1; second < CONTROL_TELL_EVERY_S; second++) {
		away(second % 2 == 0 ? SINK_DEGRADED : SINK_UP, second % 2 == 0 ? "refused" : "");
		control_sinks_look(&w->control);
		assert_int_equal(w->control.tells, 1);
	}
	away(SINK_DRAINING, "");
	redis.say.drain_s = 12.2;
	control_sinks_look(&w->control);
	assert_string_equal(told(w, 1), "output redis: connected to one:1; 1,234,567 records that waited are being sent, for about 12 s"
			    " (8 changes in between not told, the latest cause: refused)");
	assert_int_equal(w->control.tells, 2);
}

static void coming_back_is_told(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	away(SINK_DEGRADED, "refused");
	for (unsigned i = 0; i < 2 * CONTROL_TELL_EVERY_S; i++)
		control_sinks_look(&w->control);
	assert_int_equal(w->control.tells, 1);
	away(SINK_DRAINING, "");
	redis.say.drain_s = 12.2;
	control_sinks_look(&w->control);
	assert_string_equal(told(w, 1), "output redis: connected to one:1; 1,234,567 records that waited are being sent, for about 12 s");
	away(SINK_UP, "");
	for (unsigned i = 0; i < CONTROL_TELL_EVERY_S; i++)
		control_sinks_look(&w->control);
	assert_string_equal(told(w, 2), "output redis: connected to one:1");
	away(SINK_DRAINING, ""); // under load, for a moment
	for (unsigned i = 0; i < 2 * CONTROL_TELL_EVERY_S; i++)
		control_sinks_look(&w->control);
	assert_int_equal(w->control.tells, 3);
}

static void health_is(struct world *w, const char *status, const char *reason)
{
	cJSON *tree = ask(w, "health"), *reasons = cJSON_GetObjectItemCaseSensitive(tree, "reasons"), *one;
	bool found = reason == NULL;

	assert_string_equal(text_at(tree, "status"), status);
	cJSON_ArrayForEach(one, reasons)
		found = found || strcmp(cJSON_GetStringValue(one), reason) == 0;
	if (!found)
		fail_msg("%s is not in %s", reason, cJSON_Print(reasons));
	cJSON_Delete(tree);
}

static void health_says_who_is_away(void **state)
{
	struct world *w = *state;
	struct timespec now;
	struct err err;
	cJSON *tree;

	w->control.worker_count = 0; // there is nothing to it but a ring
	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	away(SINK_DEGRADED, "oom");
	clock_gettime(CLOCK_REALTIME, &now);
	redis.say.since_ns = (uint64_t)now.tv_sec * 1000000000u;
	health_is(w, "ok", NULL); // not for a moment
	redis.say.since_ns -= 5000000000u;
	health_is(w, "degraded", "output redis: waiting for one:1 (oom): 1,234,567 records wait in the spool; connection refused");
	tree = ask(w, "health");
	assert_string_equal(text_at(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "sinks"), 0), "cause"), "oom");
	cJSON_Delete(tree);
	redis.say.spool_failing = true;
	snprintf(redis.say.spool_error, sizeof(redis.say.spool_error), "no space");
	health_is(w, "degraded", "output redis: the spool is in memory: no space");
	redis.say.spool_failing = false;
	redis.say.state = SINK_DRAINING;
	health_is(w, "degraded", NULL); // nothing moves
	redis.say.drain_s = 100;
	health_is(w, "ok", NULL);
	redis.say.state = SINK_DEGRADED;
	assert_int_equal(put(w, "{\"redis\":{\"enabled\":false}}", &err), 0);
	health_is(w, "ok", NULL);
}

static void metrics_have_it_all(void **state)
{
	static const char *const lines[] = {
		"\nspanwatch_sink_state{sink=\"redis\",state=\"degraded\"} 1\n", "\nspanwatch_sink_state{sink=\"redis\",state=\"up\"} 0\n",
		"\nspanwatch_sink_waiting_records{sink=\"redis\"} 1234567\n", "\n# TYPE spanwatch_sink_waiting_records gauge\n",
		"\nspanwatch_sink_records_delivered_total{sink=\"redis\"} 77\n", "\n# HELP spanwatch_sink_records_delivered_total ",
		"\nspanwatch_sink_records_left_out_total{sink=\"redis\"} 0\n", "\nspanwatch_sink_spool_failing{sink=\"redis\"} 1\n",
	};
	struct world *w = *state;
	struct op_call *call;
	struct err err;

	w->control.worker_count = 0;
	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	away(SINK_DEGRADED, "oom");
	redis.say.delivered = 77;
	redis.say.spool_failing = true;
	assert_int_equal(op_call_begin(w->ops, op_find("metrics"), &call), 0);
	assert_int_equal(op_call_run(call, &err), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (memmem(call->out, call->length, lines[i], strlen(lines[i])) == NULL)
			fail_msg("not there: %s", lines[i]);
	op_call_end(call);
}

// At rest the two sides of what a spool holds are the same; while records flow they are not compared.
static void ledger_reaches_the_server(void **state)
{
	struct metrics_sources sources;
	struct world *w = *state;
	struct ledger ledger;
	struct err err;

	w->control.worker_count = 0;
	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	redis.say = (struct sink_stats){.state = SINK_UP, .recovered = 10, .delivered = 6, .waiting = 3, .tombstoned = 1};
	control_sources(&w->control, &sources);
	assert_true(sources.quiet);
	metrics_ledger(&sources, &ledger);
	assert_int_equal(ledger.residual, 0);
	redis.say.delivered = 5;
	metrics_ledger(&sources, &ledger);
	assert_int_equal(ledger.residual, 1);
	assert_string_equal(ledger.row[ledger.rows - 2].name, "redis");
	sources.quiet = false;
	metrics_ledger(&sources, &ledger);
	assert_int_equal(ledger.residual, 0);
}

static void what_waits_at_the_end_is_noted(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"},\"http\":{\"url\":\"http://h/\"}}", &err), 0);
	away(SINK_DEGRADED, "oom");
	control_sinks_end(&w->control);
	assert_int_equal(w->control.notes, 1);
	assert_string_equal(w->control.note[0], "redis: 1,234,567 records wait in /var/lib/spanwatch/spool/redis; the next run sends them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sinks_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_go_where_they_belong, setup, teardown),
		cmocka_unit_test_setup_teardown(failure_leaves_all_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(one_joins_while_a_record_is_half_given, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_put_is_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_are_told_now_and_then, setup, teardown),
		cmocka_unit_test_setup_teardown(coming_back_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(health_says_who_is_away, setup, teardown),
		cmocka_unit_test_setup_teardown(metrics_have_it_all, setup, teardown),
		cmocka_unit_test_setup_teardown(ledger_reaches_the_server, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_noted, setup, teardown),
	};

	return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}
