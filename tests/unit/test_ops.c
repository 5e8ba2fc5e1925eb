// Operations without a running program: a control plane that was never launched, and operations of the test's own.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "control/control.h"
#include "ops/ops.h"

struct world {
	struct config config;
	struct control control;
	struct ops *ops;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	config_defaults(&w->config);
	w->control.config = &w->config;
	assert_int_equal(merge_create(1, &w->control.merge), 0);
	assert_int_equal(ops_create(&w->control, &w->ops), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ops_destroy(w->ops);
	merge_destroy(w->control.merge);
	free(w);
	return 0;
}

// Runs an operation that answers at once; the answer as a tree.
static cJSON *ask(struct world *w, const char *path)
{
	const struct op *op = op_find(path);
	struct op_call *call;
	struct err err;
	cJSON *tree;

	assert_non_null(op);
	assert_int_equal(op_call_begin(w->ops, op, &call), 0);
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

static void table_is_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ops_count; i++) {
		const struct op *op = &ops_list[i];

		assert_ptr_equal(op_find(op->path), op);
		assert_true(op->help[0] != '\0');
		assert_true((op->json != NULL) != (op->text != NULL));
		assert_true((op->write != NULL) == (op->write_method != NULL));
		assert_true(op->write != NULL || (!op->write_only && op->body_max == 0));
		assert_true(op->body_max <= OP_BODY_MAX);
		assert_true((op->ask != NULL) == (op->answered != NULL) && (op->ask != NULL) == (op->forget != NULL));
		for (unsigned k = 0; k < OP_ARGUMENTS_MAX && op->argument[k].name != NULL; k++) {
			assert_true(op->argument[k].min <= op->argument[k].fallback);
			assert_true(op->argument[k].fallback <= op->argument[k].max);
		}
	}
	assert_null(op_find("nothing"));
	assert_null(op_find(""));
}

static void arguments_are_checked(void **state)
{
	static const char *const bad[] = {"", "0", "1001", "-1", "5x", " 5", "1e2", "99999999999999999999", "18446744073709551617"};
	struct world *w = *state;
	struct op_call *call;
	struct err err;

	assert_int_equal(op_call_begin(w->ops, op_find("flows"), &call), 0);
	assert_int_equal(call->argument[0], 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(op_call_argument(call, "limit", bad[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "1 to 1000"));
	}
	assert_int_equal(call->argument[0], 100);
	assert_int_equal(op_call_argument(call, "limit", "1000", &err), 0);
	assert_int_equal(call->argument[0], 1000);
	assert_int_equal(op_call_argument(call, "limits", "5", &err), -EINVAL);
	assert_non_null(strstr(err.text, "it knows limit"));
	op_call_end(call);
	assert_int_equal(op_call_begin(w->ops, op_find("health"), &call), 0);
	assert_int_equal(op_call_argument(call, "limit", "5", &err), -EINVAL);
	op_call_end(call);
}

static void config_is_whole(void **state)
{
	struct world *w = *state;
	cJSON *tree;

	strcpy(w->config.sensor.name, "probe \"7\"");
	w->config.flow.capacity = 4711;
	tree = ask(w, "config");
	for (unsigned i = 0; i < config_row_count; i++)
		assert_non_null(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, config_rows[i].section), config_rows[i].key));
	assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(tree, "sensor"), "name"), "probe \"7\"");
	assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(tree, "capture"), "idle"), "auto");
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "flow"), "capacity")->valueint, 4711);
	cJSON_Delete(tree);
}

// ---- health ----

static int sink_open(const struct config *config, void **state, struct err *err)
{
	(void)config;
	(void)state;
	(void)err;
	return 0;
}

static int sink_write(void *state, const struct record *const *records, unsigned n, unsigned *done, struct err *err)
{
	(void)state;
	(void)records;
	(void)n;
	*done = 0;
	return err_set(err, -ENOSPC, "/somewhere is full");
}

static uint64_t sink_bytes(const void *state)
{
	(void)state;
	return 0;
}

static int sink_close(void *state, struct err *err)
{
	(void)state;
	(void)err;
	return 0;
}

static const struct sink_ops full_disk = {
	.name = "full", .open = sink_open, .write = sink_write, .bytes = sink_bytes, .close = sink_close,
};

static void failing_sink_degrades(void **state)
{
	struct world *w = *state;
	struct record_of_flow {
		struct record head;
		struct record_flow body;
	} flow = {.head = {.length = sizeof(flow), .type = RECORD_FLOW}};
	const struct timespec nap = {0, 1000000};
	struct sink_stats stats = {.error = ""};
	struct err err;
	cJSON *tree = ask(w, "health");

	assert_string_equal(text_at(tree, "status"), "ok");
	cJSON_Delete(tree);
	assert_int_equal(sink_start(&full_disk, &w->config, 0, &w->control.sink[0], &err), 0);
	w->control.sink_count = 1;
	assert_true(sink_push(w->control.sink[0], &flow.head));
	for (unsigned i = 0; i < 5000 && stats.error[0] == '\0'; i++) {
		nanosleep(&nap, NULL);
		sink_stats(w->control.sink[0], &stats);
	}
	tree = ask(w, "health");
	assert_string_equal(text_at(tree, "status"), "degraded");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "reasons"), 0)),
			    "output full: /somewhere is full");
	cJSON_Delete(tree);
	w->control.sink_count = 0;
	assert_int_equal(sink_stop(w->control.sink[0], &err), -ENOSPC);
	sink_free(w->control.sink[0]);
}

// A difference between two counters is only a fault when it stays at rest.
static void lasting_residual_degrades(void **state)
{
	struct world *w = *state;
	struct err err;
	cJSON *tree;

	assert_int_equal(sink_start(&full_disk, &w->config, 0, &w->control.sink[0], &err), 0);
	w->control.sink_count = 1;
	w->control.own_records = 5; // said to be made, never given
	ops_turn(w->ops);
	tree = ask(w, "health");
	assert_string_equal(text_at(tree, "status"), "ok");
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(tree, "residual")->valueint, 5);
	cJSON_Delete(tree);
	w->ops->watch.residual_since_ns -= 4000000000u;
	tree = ask(w, "health");
	assert_string_equal(text_at(tree, "status"), "degraded");
	assert_non_null(strstr(cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "reasons"), 0)), "ledger"));
	cJSON_Delete(tree);
	w->control.own_records = 0;
	w->ops->watch.next_ns = 0;
	ops_turn(w->ops);
	assert_int_equal(w->ops->watch.residual_since_ns, 0);
	w->control.sink_count = 0;
	assert_int_equal(sink_stop(w->control.sink[0], &err), 0);
	sink_free(w->control.sink[0]);
}

// ---- calls that wait ----

struct waited {
	bool answered;
	unsigned asked, forgotten;
} waited;

static int wait_ask(struct op_call *call, struct err *err)
{
	(void)call;
	(void)err;
	waited.asked++;
	return 0;
}

static bool wait_answered(const struct op_call *call)
{
	(void)call;
	return waited.answered;
}

static void wait_forget(struct op_call *call)
{
	(void)call;
	waited.forgotten++;
}

static void wait_json(struct op_call *call, struct json *j)
{
	(void)call;
	json_bool(j, "well", true);
}

static const struct op wait_op = {
	.path = "wait", .help = "waits", .ask = wait_ask, .answered = wait_answered, .forget = wait_forget, .json = wait_json,
};

static void call_waits(void **state)
{
	struct world *w = *state;
	struct op_call *call;
	struct err err;

	waited = (struct waited){false, 0, 0};
	assert_int_equal(op_call_begin(w->ops, &wait_op, &call), 0);
	assert_int_equal(op_call_run(call, &err), -EAGAIN);
	assert_int_equal(op_call_run(call, &err), -EAGAIN);
	waited.answered = true;
	assert_int_equal(op_call_run(call, &err), 0);
	assert_memory_equal(call->out, "{\"well\":true}", call->length);
	op_call_end(call);
	assert_int_equal(waited.asked, 1);
	assert_int_equal(waited.forgotten, 1);
	assert_int_equal(w->ops->questions, 0);
}

// The asker goes away: what was asked with stays until the answer has come.
static void abandoned_call_is_kept(void **state)
{
	struct world *w = *state;
	struct op_call *call;
	struct err err;

	waited = (struct waited){false, 0, 0};
	assert_int_equal(op_call_begin(w->ops, &wait_op, &call), 0);
	assert_int_equal(op_call_run(call, &err), -EAGAIN);
	call->deadline_ns = 1;
	assert_int_equal(op_call_run(call, &err), -ETIMEDOUT);
	op_call_end(call);
	ops_turn(w->ops);
	assert_int_equal(waited.forgotten, 0);
	assert_int_equal(w->ops->questions, 1);
	waited.answered = true;
	ops_turn(w->ops);
	assert_int_equal(waited.forgotten, 1);
	assert_int_equal(w->ops->questions, 0);
}

static void questions_are_bounded(void **state)
{
	struct op_call *call[OPS_QUESTIONS_MAX + 1];
	struct world *w = *state;
	struct err err;

	waited = (struct waited){false, 0, 0};
	for (unsigned i = 0; i <= OPS_QUESTIONS_MAX; i++) {
		assert_int_equal(op_call_begin(w->ops, &wait_op, &call[i]), 0);
		assert_int_equal(op_call_run(call[i], &err), i < OPS_QUESTIONS_MAX ? -EAGAIN : -EBUSY);
	}
	waited.answered = true;
	for (unsigned i = 0; i <= OPS_QUESTIONS_MAX; i++)
		op_call_end(call[i]);
	assert_int_equal(waited.asked, OPS_QUESTIONS_MAX);
	assert_int_equal(waited.forgotten, OPS_QUESTIONS_MAX);
}

static void long_json(struct op_call *call, struct json *j)
{
	json_array_begin(j, "numbers");
	for (uint64_t i = 0; i < call->argument[0]; i++)
		json_u64(j, NULL, 1000000 + i);
	json_array_end(j);
}

static const struct op long_op = {
	.path = "long", .help = "is long", .argument = {{.name = "n", .help = "numbers", .min = 1, .max = 10000000, .fallback = 100000}}, .json = long_json,
};

static void answers_grow_up_to_a_limit(void **state)
{
	struct world *w = *state;
	struct op_call *call;
	struct err err;

	assert_int_equal(op_call_begin(w->ops, &long_op, &call), 0);
	assert_int_equal(op_call_run(call, &err), 0);
	assert_int_equal(call->length, 100000 * 8 - 1 + strlen("{\"numbers\":[]}"));
	assert_int_equal(op_call_argument(call, "n", "10000000", &err), 0);
	assert_int_equal(op_call_run(call, &err), -EMSGSIZE);
	op_call_end(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test_setup_teardown(arguments_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(config_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(failing_sink_degrades, setup, teardown),
		cmocka_unit_test_setup_teardown(lasting_residual_degrades, setup, teardown),
		cmocka_unit_test_setup_teardown(call_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(abandoned_call_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(questions_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_grow_up_to_a_limit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
