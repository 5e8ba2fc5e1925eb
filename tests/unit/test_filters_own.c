// The appliance's own connections in the filter: those to its API, and those of its outputs, which wait until they are left out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "eal.h"
#include "filters_control.h"

enum { TRIES = 40 };

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

// ---- an output that connects ----

static struct sink_own made;

static int far_open(const struct config *unused, void **state, struct err *err)
{
	(void)unused;
	(void)err;
	*state = &made;
	return 0;
}

static int far_write(void *state, const struct record *const *records, unsigned n, unsigned *written, struct err *err)
{
	(void)state;
	(void)records;
	(void)err;
	*written = n;
	return 0;
}

static uint64_t far_bytes(const void *state)
{
	(void)state;
	return 0;
}

static int far_close(void *state, struct err *err)
{
	(void)state;
	(void)err;
	return 0;
}

static struct sink_own *far_own(void *state)
{
	return state;
}

static const struct sink_ops far_ops = {
	.name = "far", .open = far_open, .write = far_write, .bytes = far_bytes, .close = far_close, .own = far_own,
};

static void tell(uint16_t port)
{
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	sink_own_tell(&made, (const struct sockaddr *)&there);
}

static struct control *control_with_output(struct config *config)
{
	struct control *c;
	struct err err;

	config_defaults(config);
	strcpy(config->api.listen, "127.0.0.1:8480");
	strcpy(config->capture.filter, "tcp");
	c = control_make(config);
	memset(&made, 0, sizeof(made));
	sink_own_init(&made, true);
	sink_own_release(&made); // the test is one thread
	assert_int_equal(sink_start(&far_ops, config, 0, &c->sink[0], &err), 0);
	c->sink_count = 1;
	return c;
}

static void output_free(struct control *c)
{
	sink_free(c->sink[0]);
	sink_own_fini(&made);
	control_unmake(c);
}

// It is told once no worker uses a filter without it; to people nothing has changed.
static void test_own_of_outputs(void **state)
{
	static struct config config;
	struct control *c = control_with_output(&config);
	const struct filter *before = in_force(c), *with;
	struct control_filters f;
	struct err err;

	(void)state;
	filters_own_turn(c);
	assert_ptr_equal(in_force(c), before);
	tell(6379);
	filters_own_turn(c);
	with = in_force(c);
	assert_ptr_not_equal(with, before);
	assert_int_equal(with->own_count, 2);
	assert_int_equal(with->own[0].port, 8480);
	assert_int_equal(with->own[0].with.version, 0);
	assert_int_equal(with->own[1].port, 6379);
	assert_int_equal(with->own[1].with.version, 4);
	assert_ptr_equal(with->native.bpf, before->native.bpf);
	for (unsigned k = 0; k < WORKERS; k++) {
		assert_true(sink_own_asked(&made));
		turn(c->worker[k]);
		filters_own_turn(c);
	}
	assert_false(sink_own_asked(&made));
	assert_ptr_equal(in_force(c), with);
	control_filters(c, &f);
	assert_int_equal(f.own, 2);
	assert_int_equal(f.changes, 1);
	assert_string_equal(f.expression, "tcp");

	assert_int_equal(control_filter_set(c, "udp", NULL, NULL, 0, &err), 0);
	assert_int_equal(in_force(c)->own_count, 2);
	assert_int_equal(control_own_listen(c, "127.0.0.1:8481", &err), 0);
	assert_int_equal(in_force(c)->own_count, 2);
	assert_int_equal(in_force(c)->own[0].port, 8481);
	assert_int_equal(in_force(c)->own[1].port, 6379);
	output_free(c);
}

// While a worker does not come round changes wait; then the latest is put in force.
static void test_own_of_outputs_waits(void **state)
{
	static struct config config;
	struct control *c = control_with_output(&config);
	struct err err;

	(void)state;
	for (unsigned i = 0; i < TRIES; i++)
		if (control_filter_set(c, "udp", NULL, NULL, 0, &err) == -EBUSY)
			break;
	tell(6379);
	filters_own_turn(c);
	assert_int_equal(in_force(c)->own_count, 1);
	turn(c->worker[0]);
	turn(c->worker[1]);
	filters_own_turn(c);
	assert_int_equal(in_force(c)->own_count, 2);
	assert_true(sink_own_asked(&made));
	tell(6380);
	turn(c->worker[0]);
	turn(c->worker[1]);
	filters_own_turn(c);
	assert_true(sink_own_asked(&made)); // for the second
	filters_own_turn(c);
	assert_int_equal(in_force(c)->own_count, 3);
	output_free(c);
}

// Nobody is left waiting where nothing is left out.
static void test_own_kept(void **state)
{
	static struct config config;
	struct control_filters f;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct control *c = control_with_output(&config);
		const struct filter *before = in_force(c);

		c->replay = i == 0;
		config.capture.own_traffic = i == 0 ? CONFIG_OWN_LEAVE_OUT : CONFIG_OWN_KEEP;
		tell(6379);
		filters_own_turn(c);
		assert_false(sink_own_asked(&made));
		assert_ptr_equal(in_force(c), before);
		control_filters(c, &f);
		assert_int_equal(f.own, 1); // the API's, from before
		output_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_connections),
		cmocka_unit_test(test_own_of_socket),
		cmocka_unit_test(test_own_of_outputs),
		cmocka_unit_test(test_own_of_outputs_waits),
		cmocka_unit_test(test_own_kept),
	};

	return cmocka_run_group_tests_name("filters_own", tests, eal_start, eal_stop);
}
