// Numbers made of workers' counters: workers that are nothing but counters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "metrics/telemetry.h"

enum { WORKERS = 3 };

static int setup(void **state)
{
	struct worker **workers = calloc(WORKERS, sizeof(*workers));

	assert_non_null(workers);
	for (unsigned k = 0; k < WORKERS; k++) {
		workers[k] = aligned_alloc(64, sizeof(**workers));
		assert_non_null(workers[k]);
		memset(workers[k], 0, sizeof(**workers));
	}
	*state = workers;
	return 0;
}

static int teardown(void **state)
{
	struct worker **workers = *state;

	for (unsigned k = 0; k < WORKERS; k++)
		free(workers[k]);
	free(workers);
	return 0;
}

static void capture_loss_is_by_port(void **state)
{
	struct worker **workers = *state;
	struct metrics_sources sources = {.workers = workers, .worker_count = WORKERS};
	struct metrics_capture_loss loss;

	workers[0]->counters.port_tcp[2] = (struct worker_port_tcp){100, 7, 3, 5};
	workers[2]->counters.port_tcp[2] = (struct worker_port_tcp){300, 1, 1, 0};
	workers[1]->counters.port_tcp[WORKER_PORTS - 1] = (struct worker_port_tcp){UINT64_MAX / 2, 0, UINT64_MAX / 4, 0};
	metrics_capture_loss(&sources, 2, &loss);
	assert_int_equal(loss.segments, 400);
	assert_int_equal(loss.lost, 8);
	assert_int_equal(loss.acked_unseen, 4);
	assert_int_equal(loss.retransmissions, 5);
	assert_true(loss.estimate == 0.01);
	metrics_capture_loss(&sources, WORKER_PORTS - 1, &loss);
	assert_true(loss.estimate > 0.499 && loss.estimate < 0.501);
	metrics_capture_loss(&sources, 0, &loss);
	assert_int_equal(loss.segments, 0);
	assert_true(loss.estimate == 0);
	metrics_capture_loss(&sources, WORKER_PORTS, &loss); // no port
	assert_int_equal(loss.segments, 0);
}

static void capture_loss_is_shown(void **state)
{
	static const char expected[] = "{\"capture_loss\":{\"segments\":8,\"lost\":4,\"acked_unseen\":2,\"retransmissions\":1,\"estimate\":0.25}}";
	struct worker **workers = *state;
	struct metrics_sources sources = {.workers = workers, .worker_count = WORKERS};
	char out[256];
	struct json j;

	workers[1]->counters.port_tcp[0] = (struct worker_port_tcp){8, 4, 2, 1};
	json_init(&j, out, sizeof(out));
	json_object_begin(&j, NULL);
	metrics_capture_loss_json(&sources, 0, &j);
	json_object_end(&j);
	assert_int_equal(json_length(&j), strlen(expected));
	assert_memory_equal(out, expected, strlen(expected));
}

static void handled_is_where_it_went(void **state)
{
	struct worker **workers = *state;
	struct worker_counters *c = &workers[0]->counters;

	c->received_pkts = 10;
	c->steered_out = 4;
	c->steered_in = 3;
	assert_int_equal(metrics_handled(c), 9);
}

// As often as there are runs in a process; and a stop without a start, as a start that failed has it.
static void telemetry_starts_again(void **state)
{
	struct worker **workers = *state;

	telemetry_stop();
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(telemetry_start(workers, WORKERS), 0);
		telemetry_stop();
	}
	telemetry_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(capture_loss_is_by_port, setup, teardown),
		cmocka_unit_test_setup_teardown(capture_loss_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(handled_is_where_it_went, setup, teardown),
		cmocka_unit_test_setup_teardown(telemetry_starts_again, setup, teardown),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
