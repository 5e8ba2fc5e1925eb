// The appliance's own connections in the filter: those to its API.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "eal.h"
#include "filters_control.h"

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

// The configuration leaves the port, or the address, to the socket.
static void test_own_of_socket(void **state)
{
	static const char *const listens[] = {"127.0.0.1:0", "localhost:8480"};
	static struct config config;
	struct control_filters f;
	struct err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(listens) / sizeof(listens[0]); i++) {
		struct control *c;

		config_defaults(&config);
		strcpy(config.api.listen, listens[i]);
		strcpy(config.capture.filter, "tcp");
		c = control_make(&config);
		control_filters(c, &f);
		assert_int_equal(f.own, 0);
		assert_int_equal(control_own_listen(c, "127.0.0.1:43210", &err), 0);
		control_filters(c, &f);
		assert_int_equal(f.own, 1);
		assert_string_equal(f.expression, "tcp");
		assert_int_equal(in_force(c)->own_count, 1);
		config.capture.own_traffic = CONFIG_OWN_KEEP;
		assert_int_equal(control_own_listen(c, "127.0.0.1:43211", &err), 0);
		control_filters(c, &f);
		assert_int_equal(f.own, 1);
		assert_int_equal(in_force(c)->own[0].port, 43210);
		assert_int_equal(f.changes, 1); // of what people ask for
		control_unmake(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_connections),
		cmocka_unit_test(test_own_of_socket),
	};

	return cmocka_run_group_tests_name("filters_own", tests, eal_start, eal_stop);
}
