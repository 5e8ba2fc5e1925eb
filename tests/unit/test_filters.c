// Changing filters while workers run: a broken one leaves the old one in force, and no filter is freed (ASan would tell) before
// every worker uses the new one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/filters.h"
#include "eal.h"

enum { WORKERS = 2, TRIES = 40 };

static struct control *control_make(struct config *config)
{
	struct control *c = calloc(1, sizeof(*c));
	struct err err = {""};

	assert_non_null(c);
	c->config = config;
	c->worker_count = WORKERS;
	for (unsigned k = 0; k < WORKERS; k++) {
		c->worker[k] = aligned_alloc(_Alignof(struct worker), sizeof(struct worker));
		assert_non_null(c->worker[k]);
		memset(c->worker[k], 0, sizeof(struct worker));
	}
	assert_int_equal(filters_start(c, &err), 0);
	return c;
}

static void control_unmake(struct control *c)
{
	filters_destroy(c);
	for (unsigned k = 0; k < WORKERS; k++)
		free(c->worker[k]);
	free(c);
}

static const struct filter *in_force(const struct control *c)
{
	const struct filter *f = atomic_load(&c->worker[0]->filter);

	assert_ptr_equal(f, atomic_load(&c->worker[1]->filter));
	return f;
}

// What the next turn of a worker says.
static void turn(struct worker *w)
{
	atomic_store(&w->filter_used, atomic_load(&w->filter));
}

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

// Live, the API's connections are left out: at one address, or at all of this machine.
static void test_own_connections(void **state)
{
	static const struct {
		const char *listen;
		bool filters;
	} cases[] = {{"127.0.0.1:8480", true}, {"[::1]:8480", true}, {"0.0.0.0:8480", true}, {"unix:/tmp/x:1", false}, {"none", false}};
	static struct config config;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct control *c;

		config_defaults(&config);
		strcpy(config.api.listen, cases[i].listen);
		c = control_make(&config);
		assert_int_equal(in_force(c) != NULL, cases[i].filters);
		control_unmake(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_leaves_old),
		cmocka_unit_test(test_old_lives_while_used),
		cmocka_unit_test(test_stuck_worker),
		cmocka_unit_test(test_own_connections),
	};

	return cmocka_run_group_tests_name("filters", tests, eal_start, eal_stop);
}
