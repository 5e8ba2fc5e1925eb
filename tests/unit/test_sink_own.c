// Connections are told before they are made: who tells waits until they are left out, but not for ever, and not for what is known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "sink/sink_own.h"

enum { PORT = 6379 };

static struct sink_own own;

static int begin(void **state)
{
	(void)state;
	memset(&own, 0, sizeof(own));
	sink_own_init(&own, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sink_own_fini(&own);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell(const char *address, uint16_t port)
{
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET, address, &there.sin_addr), 1);
	sink_own_tell(&own, (const struct sockaddr *)&there);
}

// The ports of what is left out, in order.
static unsigned ports(uint16_t out[SINK_OWN_MAX])
{
	struct sink_own_end ends[SINK_OWN_MAX];
	unsigned n = sink_own_take(&own, ends);

	for (unsigned i = 0; i < n; i++)
		out[i] = ends[i].port;
	return n;
}

static void *telling(void *done)
{
	tell("127.0.0.1", PORT);
	atomic_store((atomic_bool *)done, true);
	return NULL;
}

static void who_tells_waits_until_it_is_left_out(void **state)
{
	struct sink_own_end ends[SINK_OWN_MAX];
	atomic_bool done = false;
	pthread_t thread;

	(void)state;
	assert_false(sink_own_asked(&own));
	assert_int_equal(pthread_create(&thread, NULL, telling, &done), 0);
	while (!sink_own_asked(&own))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	assert_int_equal(sink_own_take(&own, ends), 1);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	assert_false(atomic_load(&done));
	sink_own_grant(&own);
	pthread_join(thread, NULL);
	assert_false(sink_own_asked(&own));
	assert_int_equal(ends[0].port, PORT);
	assert_int_equal(ends[0].there.version, 4);
	assert_memory_equal(ends[0].there.byte, "\x7f\0\0\1", 4);
	assert_memory_equal(&ends[0].here, &ends[0].there, sizeof(ends[0].here)); // on the way to itself

	tell("127.0.0.1", PORT);
	assert_false(sink_own_asked(&own));
}

static void nobody_is_waited_for_too_long(void **state)
{
	uint64_t begun = now_ms();

	(void)state;
	tell("127.0.0.1", PORT);
	assert_in_range(now_ms() - begun, SINK_OWN_WAIT_MS, 30 * SINK_OWN_WAIT_MS);
	assert_true(sink_own_asked(&own));
	sink_own_release(&own);
	begun = now_ms();
	tell("127.0.0.1", PORT + 1);
	assert_in_range(now_ms() - begun, 0, SINK_OWN_WAIT_MS / 2);
}

// What was asked for after the taking is not in force by it.
static void a_later_change_is_not_granted(void **state)
{
	uint16_t port[SINK_OWN_MAX];

	(void)state;
	sink_own_release(&own);
	tell("127.0.0.1", 1);
	assert_int_equal(ports(port), 1);
	tell("127.0.0.1", 2);
	sink_own_grant(&own);
	assert_true(sink_own_asked(&own));
	assert_int_equal(ports(port), 2);
	sink_own_grant(&own);
	assert_false(sink_own_asked(&own));
}

static void the_oldest_makes_way(void **state)
{
	uint16_t port[SINK_OWN_MAX];

	(void)state;
	sink_own_release(&own);
	for (uint16_t i = 1; i <= SINK_OWN_MAX; i++)
		tell("127.0.0.1", i);
	tell("127.0.0.1", 1); // of late
	tell("127.0.0.1", 100);
	assert_int_equal(ports(port), SINK_OWN_MAX);
	assert_int_equal(port[0], 3);
	assert_int_equal(port[SINK_OWN_MAX - 2], 1);
	assert_int_equal(port[SINK_OWN_MAX - 1], 100);
}

static void who_goes_elsewhere_forgets_later(void **state)
{
	uint16_t port[SINK_OWN_MAX];

	(void)state;
	sink_own_release(&own);
	tell("127.0.0.1", 1);
	tell("127.0.0.1", 2);
	sink_own_elsewhere(&own);
	tell("127.0.0.1", 1);
	tell("127.0.0.1", 3);
	sink_own_turn(&own);
	assert_int_equal(ports(port), 3);
	sink_own_grant(&own);
	own.old_until_ns = 0; // so much later
	sink_own_turn(&own);
	assert_true(sink_own_asked(&own));
	assert_int_equal(ports(port), 2);
	assert_int_equal(port[0], 1);
	assert_int_equal(port[1], 3);
	sink_own_grant(&own);
	sink_own_turn(&own);
	assert_false(sink_own_asked(&own));
}

static void what_is_no_connection_is_passed_over(void **state)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/run/redis.sock"};

	(void)state;
	sink_own_tell(&own, (const struct sockaddr *)&path);
	tell("127.0.0.1", 0);
	assert_false(sink_own_asked(&own));
	sink_own_tell(NULL, (const struct sockaddr *)&path);
	own.asks = false;
	tell("127.0.0.1", PORT);
	assert_false(sink_own_asked(&own));
}

// As packets have it.
static void mapped_addresses_are_of_version_4(void **state)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct ip_address address;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.1.2.3", &six.sin6_addr), 1);
	assert_true(ip_address_read((const struct sockaddr *)&six, &address));
	assert_int_equal(address.version, 4);
	assert_memory_equal(address.byte, "\x0a\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::3", &six.sin6_addr), 1);
	assert_true(ip_address_read((const struct sockaddr *)&six, &address));
	assert_int_equal(address.version, 6);
	assert_memory_equal(address.byte, &six.sin6_addr, 16);
	assert_false(ip_address_read(&(const struct sockaddr){.sa_family = AF_UNIX}, &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_tells_waits_until_it_is_left_out, begin, end),
		cmocka_unit_test_setup_teardown(nobody_is_waited_for_too_long, begin, end),
		cmocka_unit_test_setup_teardown(a_later_change_is_not_granted, begin, end),
		cmocka_unit_test_setup_teardown(the_oldest_makes_way, begin, end),
		cmocka_unit_test_setup_teardown(who_goes_elsewhere_forgets_later, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_connection_is_passed_over, begin, end),
		cmocka_unit_test(mapped_addresses_are_of_version_4),
	};

	return cmocka_run_group_tests_name("sink_own", tests, NULL, NULL);
}
