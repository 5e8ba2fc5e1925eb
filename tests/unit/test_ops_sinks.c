// Outputs as people see and change them: over REST, in health, metrics and the ledger, on stderr.
#include "sink_probes.h"

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
		{"{\"redis\":{\"batch\":7}} x", "not JSON from position 23 on"},
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

static void a_failing_disk_is_told(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	redis.say = (struct sink_stats){.state = SINK_CONNECTING, .spool_failing = true, .spool_error = "no space"};
	for (unsigned second = 0; second < CONTROL_TELL_EVERY_S; second++) {
		redis.say.spool_failing = second % 2 == 0;
		control_sinks_look(&w->control);
	}
	assert_int_equal(w->control.tells, 1);
	assert_string_equal(told(w, 0), "output redis: the spool is in memory: no space");
	control_sinks_look(&w->control);
	assert_string_equal(told(w, 1), "output redis: the spool is on disk again");
}

static void losses_are_told(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(put(w, "{\"redis\":{\"address\":\"one:1\"}}", &err), 0);
	redis.say = (struct sink_stats){.state = SINK_CONNECTING, .tombstoned = 1};
	for (unsigned second = 0; second < CONTROL_TELL_EVERY_S; second++, redis.say.tombstoned += 1000)
		control_sinks_look(&w->control);
	assert_int_equal(w->control.tells, 1);
	assert_string_equal(told(w, 0), "output redis: 1 record told lost; tombstones say which and why");
	control_sinks_look(&w->control);
	assert_string_equal(told(w, 1), "output redis: 10,000 records told lost; tombstones say which and why");
	redis.say.tombstoned++;
	control_sinks_end(&w->control);
	control_sinks_end(&w->control);
	assert_int_equal(w->control.notes, 1);
	assert_string_equal(w->control.note[0], "output redis: 1 record told lost; tombstones say which and why");
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
	assert_string_equal(w->control.note[0], "redis: 1,234,567 records wait in /var/lib/spanwatch/spool/redis; the next run sends them"
			    "; this one could not: connection refused");
	away(SINK_DRAINING, ""); // it could, but not in time
	control_sinks_end(&w->control);
	assert_string_equal(w->control.note[1], "redis: 1,234,567 records wait in /var/lib/spanwatch/spool/redis; the next run sends them");
	redis.say.spool_failing = true;
	control_sinks_end(&w->control);
	assert_string_equal(w->control.note[2], "redis: 1,234,567 records wait; the next run sends those that /var/lib/spanwatch/spool/redis"
			    " has taken, and tells the others lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_is_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_are_told_now_and_then, setup, teardown),
		cmocka_unit_test_setup_teardown(coming_back_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_disk_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(losses_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(health_says_who_is_away, setup, teardown),
		cmocka_unit_test_setup_teardown(metrics_have_it_all, setup, teardown),
		cmocka_unit_test_setup_teardown(ledger_reaches_the_server, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_noted, setup, teardown),
	};

	return cmocka_run_group_tests_name("ops_sinks", tests, NULL, NULL);
}
