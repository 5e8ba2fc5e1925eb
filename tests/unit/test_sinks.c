// Outputs at run time: on, off, other settings, one that joins while records are on their way; what cannot be changes nothing.
#include "sink_probes.h"

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

// The queue of one is full when another joins: that one gets the record that waits, and all behind it, once.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sinks_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(settings_go_where_they_belong, setup, teardown),
		cmocka_unit_test_setup_teardown(failure_leaves_all_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(one_joins_while_a_record_is_half_given, setup, teardown),
	};

	return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}
