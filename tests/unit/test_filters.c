// Changing filters while workers run: a broken one leaves the old one in force, and no filter is freed (ASan would tell) before
// every worker uses the new one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/filters_job.h"
#include "eal.h"
#include "filters_control.h"
#include "ops/ops.h"

enum { TRIES = 40 };

static void test_broken_leaves_old(void **state)
{
	static const char good[] = "{\"TCP\":{}}", bad[] = "{\"TCPP\":{}}";
	static struct config config;
	const struct filter *old;
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.api.listen, "none");
	strcpy(config.capture.filter, "tcp port 80");
	c = control_make(&config);
	old = in_force(c);
	assert_non_null(old);
	assert_int_equal(control_filter_set(c, "tcp prot 80", NULL, NULL, 0, &err), -EINVAL);
	assert_ptr_equal(in_force(c), old);
	assert_int_equal(control_filter_set(c, "tcp", "a", bad, sizeof(bad) - 1, &err), -EINVAL);
	assert_ptr_equal(in_force(c), old);
	assert_int_equal(control_filter_load(c, "tcp", "/nonexistent", &err), -ENOENT);
	assert_ptr_equal(in_force(c), old);
	assert_int_equal(control_filter_set(c, NULL, "a", good, sizeof(good) - 1, &err), 0);
	assert_ptr_not_equal(in_force(c), old);
	assert_int_equal(control_filter_set(c, "", NULL, NULL, 0, &err), 0);
	assert_null(in_force(c));
	control_unmake(c);
}

static void test_old_lives_while_used(void **state)
{
	static struct config config;
	const struct filter *first;
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.capture.filter, "udp");
	c = control_make(&config);
	first = in_force(c);
	turn(c->worker[0]);
	turn(c->worker[1]);
	assert_int_equal(control_filter_set(c, "tcp", NULL, NULL, 0, &err), 0);
	turn(c->worker[0]);
	filters_turn(c);
	assert_true(first->has_expression); // worker 1 is still in its turn
	turn(c->worker[1]);
	filters_turn(c);
	control_unmake(c);
}

// Workers that never come round: changes are refused after a while instead of piling up, and go on once they do.
static void test_stuck_worker(void **state)
{
	static struct config config;
	struct control *c;
	struct err err;
	unsigned done = 0;

	(void)state;
	config_defaults(&config);
	c = control_make(&config);
	for (unsigned i = 0; i < TRIES; i++)
		done += control_filter_set(c, "tcp", NULL, NULL, 0, &err) == 0;
	assert_in_range(done, 2, TRIES - 1);
	assert_int_equal(control_filter_set(c, "tcp", NULL, NULL, 0, &err), -EBUSY);
	turn(c->worker[0]);
	atomic_store(&c->worker[1]->finished, true); // takes no packets any more
	assert_int_equal(control_filter_set(c, "udp", NULL, NULL, 0, &err), 0);
	control_unmake(c);
}

// ---- at run time ----

// What an operation answers, as text; or its code, with the sentence in err.
static int run(struct control *c, const char *path, const char *body, struct err *err, char *out, size_t room)
{
	const struct op *op = op_find(path);
	struct op_call *call;
	struct ops *ops;
	int rc;

	err->text[0] = '\0';
	assert_non_null(op);
	assert_int_equal(ops_create(c, &ops), 0);
	assert_int_equal(op_call_begin(ops, op, &call), 0);
	if (body != NULL)
		op_call_write(call, body, strlen(body));
	rc = op_call_run(call, err);
	if (rc == 0)
		snprintf(out, room, "%.*s", (int)call->length, call->out);
	op_call_end(call);
	ops_destroy(ops);
	return rc;
}

static void test_operation(void **state)
{
	static const struct {
		const char *body, *says; // in the answer, or in the sentence if broken
		bool broken;
	} rows[] = {
		{"{\"expression\": \"udp\"}", "\"expression\":\"udp\"", false},
		{"{\"attributes\": {\"TCP\": {\"SYN\": true, \"Source_Port\": [1, \"2-5\"]}}}",
		 "\"expression\":\"udp\",\"native\":true,\"attributes\":[{\"TCP\":{\"SYN\":true,\"Source_Port\":[1,\"2-5\"]}}]", false},
		{"{\"expression\": \"a:b}\", \"attributes\": []}", "position", true},
		{"{\"expression\": \"tcp\",\n \"attributes\": [{\"TCPP\":{}}]}", "body:2:18: there is no protocol \"TCPP\"; did you mean TCP?", true},
		{"{\"attributes\": [{\"TCP\":{}}, 5]}", "filter 2", true},
		{"{\"attributes\": [{\"TCP\":{}}], \"expression\": \"tcp prot 80\"}", "\"prot\"", true},
		{"{\"attributes\": null}", "list", true},
		{"{\"expression\": 5}", "text", true},
		{"{\"expresion\": \"\"}", "expresion", true},
		{"{}", "nothing", true},
		{"[]", "object", true},
		{"{\"expression\": ", "position", true},
		{"", "position", true},
		{"{\"attributes\": []}", "\"expression\":\"udp\",\"native\":true,\"attributes\":[]", false},
		{"{\"expression\": \"\"}", "\"expression\":\"\",\"native\":false,\"attributes\":[]", false},
	};
	static struct config config;
	static char out[OP_ANSWER_FIRST];
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.api.listen, "none");
	c = control_make(&config);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct filter *before = in_force(c);
		int rc = run(c, "filters", rows[i].body, &err, out, sizeof(out));

		turn(c->worker[0]);
		turn(c->worker[1]);
		if (rc != (rows[i].broken ? -EINVAL : 0) || strstr(rc < 0 ? err.text : out, rows[i].says) == NULL)
			fail_msg("%s: %d: %s", rows[i].body, rc, rc < 0 ? err.text : out);
		assert_true(!rows[i].broken || in_force(c) == before);
	}
	control_unmake(c);
}

static void test_expression_too_long(void **state)
{
	static char body[2 * CONFIG_FILTER_MAX], out[OP_ANSWER_FIRST];
	static struct config config;
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.api.listen, "none");
	c = control_make(&config);
	snprintf(body, sizeof(body), "{\"expression\": \"%*s\"}", CONFIG_FILTER_MAX, "tcp");
	assert_int_equal(run(c, "filters", body, &err, out, sizeof(out)), -EINVAL);
	assert_non_null(strstr(err.text, "longer"));
	assert_null(in_force(c));
	control_unmake(c);
}

// What the counters showed before a change is told apart from what came after it.
static void test_counters_of_periods(void **state)
{
	static struct config config;
	struct control_filters f;
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.api.listen, "none");
	c = control_make(&config);
	c->worker[0]->counters.received_pkts = 10;
	c->worker[1]->counters.received_pkts = 5;
	c->worker[1]->counters.filtered_pkts = 3;
	assert_int_equal(control_filter_set(c, "udp", NULL, NULL, 0, &err), 0);
	c->worker[0]->counters.received_pkts = 30;
	control_filters(c, &f);
	assert_int_equal(f.received, 35);
	assert_int_equal(f.received_before, 15);
	assert_int_equal(f.filtered, 3);
	assert_int_equal(f.filtered_before, 3);
	assert_int_equal(f.changes, 2);
	assert_true(f.since_ns > 0);
	assert_int_equal(control_filter_set(c, "udpp", NULL, NULL, 0, &err), -EINVAL);
	control_filters(c, &f);
	assert_string_equal(f.error, err.text);
	assert_string_equal(f.expression, "udp");
	assert_int_equal(control_filter_set(c, "tcp", NULL, NULL, 0, &err), 0);
	control_filters(c, &f);
	assert_string_equal(f.error, "");
	control_unmake(c);
}

// ---- made aside ----

static void test_job(void **state)
{
	static const char attributes[] = "{\"TCP\":{}} behind";
	const struct timespec nap = {0, 1000000};
	const struct filter_port port = {"eth0", 3};
	struct filter_source source = {
		.expression = "tcp", .attributes_name = "a", .attributes = attributes, .attributes_length = strlen("{\"TCP\":{}}"),
		.ports = &port, .port_count = 1,
	};
	struct filters_late late = {.count = 0};
	struct filter *filter = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(filters_job_run(&late, &source, 10000, &filter, &err), 0);
	assert_non_null(filter);
	assert_true(filter->has_expression && filter->attributes->rules == 1);
	filter_destroy(filter);
	source.expression = "tcp prot";
	assert_int_equal(filters_job_run(&late, &source, 10000, &filter, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"prot\""));

	source.expression = "udp";
	assert_int_equal(filters_job_run(&late, &source, 0, &filter, &err), -ETIMEDOUT); // not waited for, whether it is good or not
	source.expression = "tcp prot";
	assert_int_equal(filters_job_run(&late, &source, 0, &filter, &err), -ETIMEDOUT);
	for (unsigned i = 0; i < 10000 && late.count > 0; i++) {
		nanosleep(&nap, NULL);
		filters_late_reap(&late);
	}
	assert_int_equal(late.count, 0);
}

// ---- reading again ----

static int config_next(void *arg, struct config *out, struct err *err)
{
	const struct config *next = arg;

	if (next == NULL)
		return err_set(err, -EINVAL, "c.ini:2: there is no key capture.filer; did you mean capture.filter?");
	*out = *next;
	return 0;
}

static void test_reload(void **state)
{
	static struct config config, next;
	static char out[OP_ANSWER_FIRST];
	const struct filter *old;
	struct control *c;
	struct err err;

	(void)state;
	config_defaults(&config);
	strcpy(config.api.listen, "none");
	c = control_make(&config);
	assert_int_equal(control_reload(c, &err), -ENOTSUP);
	next = config;
	c->reader = (struct control_reader){config_next, &next, "c.ini"};
	assert_int_equal(run(c, "config/reload", "", &err, out, sizeof(out)), 0);
	assert_string_equal(out, "{\"changed\":[],\"needs_restart\":[]}");
	strcpy(next.capture.filter, "udp");
	next.flow.capacity++;
	next.output.stats_interval_s++;
	assert_int_equal(run(c, "config/reload", "", &err, out, sizeof(out)), 0);
	assert_string_equal(out, "{\"changed\":[\"capture.filter\",\"output.stats_interval_s\"],\"needs_restart\":[\"flow.capacity\"]}");
	assert_string_equal(c->reload.restart_note, "a changed key needs a restart: flow.capacity");
	assert_int_equal(c->config->flow.capacity, config.flow.capacity);
	assert_int_equal(c->config->output.stats_interval_s, next.output.stats_interval_s);
	old = in_force(c);
	assert_non_null(old);

	strcpy(next.capture.filter, "tcp prot 80");
	next.output.stats_interval_s++;
	assert_int_equal(run(c, "config/reload", "", &err, out, sizeof(out)), -EINVAL);
	assert_non_null(strstr(err.text, "c.ini: capture.filter: "));
	assert_non_null(strstr(err.text, "\"prot\""));
	assert_string_equal(c->reload.error, err.text);
	assert_int_not_equal(c->config->output.stats_interval_s, next.output.stats_interval_s); // whole or not at all
	assert_ptr_equal(in_force(c), old);
	c->reader.arg = NULL;
	assert_int_equal(control_reload(c, &err), -EINVAL);
	assert_ptr_equal(in_force(c), old);
	assert_non_null(strstr(c->reload.error, "capture.filer"));

	c->reader.arg = &next;
	strcpy(next.capture.filter, "");
	next.flow.capacity--;
	assert_int_equal(control_reload(c, &err), 0);
	assert_null(in_force(c));
	assert_string_equal(c->reload.error, "");
	assert_string_equal(c->reload.restart_note, "");
	free(c->reloaded);
	control_unmake(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_leaves_old),
		cmocka_unit_test(test_old_lives_while_used),
		cmocka_unit_test(test_stuck_worker),
		cmocka_unit_test(test_operation),
		cmocka_unit_test(test_expression_too_long),
		cmocka_unit_test(test_counters_of_periods),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests_name("filters", tests, eal_start, eal_stop);
}
