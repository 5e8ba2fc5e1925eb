// The ring of records: order, bounds, wrap-around, counters; and two threads with records of any length, each checked byte by byte.
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/record_ring.h"

enum { SIZE = 4 * RECORD_LENGTH_MAX, STRESS_RECORDS = 200000, BATCH = 32 };

static bool push(struct record_ring *ring, uint32_t length, uint64_t id)
{
	struct record *r = record_ring_reserve(ring, length);

	if (r == NULL)
		return false;
	r->length = length;
	r->flow_id = id;
	record_ring_commit(ring, r);
	return true;
}

static struct record_ring *created(size_t bytes)
{
	struct record_ring *ring = NULL;

	assert_int_equal(record_ring_create(bytes, &ring), 0);
	return ring;
}

static void sizes(void **state)
{
	static const size_t asked[] = {0, 1, SIZE, SIZE + 1, 1 << 20};
	static const size_t got[] = {SIZE, SIZE, SIZE, 2 * SIZE, 1 << 20};
	struct record_ring_stats stats;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct record_ring *ring = created(asked[i]);

		record_ring_stats(ring, &stats);
		assert_int_equal(stats.size_bytes, got[i]);
		assert_int_equal(stats.used_bytes, 0);
		record_ring_destroy(ring);
	}
	record_ring_destroy(NULL);
}

static void what_goes_in_comes_out(void **state)
{
	struct record_ring *ring = created(SIZE);
	struct record_ring_stats stats;

	(void)state;
	assert_null(record_ring_peek(ring));
	assert_true(push(ring, sizeof(struct record), 1));
	assert_true(push(ring, sizeof(struct record) + 8, 2));
	assert_int_equal(record_ring_peek(ring)->flow_id, 1);
	assert_int_equal(record_ring_peek(ring)->flow_id, 1);
	record_ring_pop(ring);
	assert_int_equal(record_ring_peek(ring)->flow_id, 2);
	record_ring_stats(ring, &stats);
	assert_int_equal(stats.pushed, 2);
	assert_int_equal(stats.popped, 1);
	assert_int_equal(stats.used_bytes, sizeof(struct record) + 8);
	record_ring_pop(ring);
	assert_null(record_ring_peek(ring));
	record_ring_refuse(ring);
	record_ring_stats(ring, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.used_bytes, 0);
	record_ring_destroy(ring);
}

static void lengths_that_cannot_be(void **state)
{
	struct record_ring *ring = created(SIZE);

	(void)state;
	assert_null(record_ring_reserve(ring, 0));
	assert_null(record_ring_reserve(ring, RECORD_LENGTH_MAX + 1));
	assert_null(record_ring_reserve(ring, UINT32_MAX));
	assert_non_null(record_ring_reserve(ring, RECORD_LENGTH_MAX));
	record_ring_destroy(ring);
}

static void a_reserve_without_commit_is_nothing(void **state)
{
	struct record_ring *ring = created(SIZE);
	struct record *first = record_ring_reserve(ring, RECORD_LENGTH_MAX);

	(void)state;
	assert_ptr_equal(record_ring_reserve(ring, RECORD_LENGTH_MAX), first);
	assert_null(record_ring_peek(ring));
	first->length = sizeof(*first); // less than was reserved
	record_ring_commit(ring, first);
	assert_ptr_equal(record_ring_reserve(ring, 64), (char *)first + sizeof(*first));
	record_ring_destroy(ring);
}

// Fills to the brim, with records of one length after those of another: refused only when full, nothing lost.
static void full_and_around(void **state)
{
	static const uint32_t lengths[] = {sizeof(struct record), 1000, 4096, RECORD_LENGTH_MAX - 8, RECORD_LENGTH_MAX};
	struct record_ring *ring = created(SIZE);
	uint64_t next_in = 0, next_out = 0;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		uint32_t length = lengths[round % 5];
		struct record_ring_stats stats;
		const struct record *r;

		while (push(ring, length, next_in))
			next_in++;
		record_ring_stats(ring, &stats);
		assert_true(stats.used_bytes <= SIZE && stats.used_bytes + 2 * length > SIZE); // all but a gap before the end is used
		for (unsigned keep = round % 3; (r = record_ring_peek(ring)) != NULL && next_out + keep < next_in;) {
			assert_int_equal(r->flow_id, next_out);
			next_out++;
			record_ring_pop(ring);
		}
	}
	record_ring_destroy(ring);
}

static void many_at_once(void **state)
{
	struct record_ring *ring = created(SIZE);
	const struct record *batch[BATCH];
	uint64_t in = 0, out = 0;

	(void)state;
	assert_int_equal(record_ring_peek_many(ring, batch, BATCH), 0);
	for (unsigned round = 0; round < 500; round++) {
		unsigned n;

		for (unsigned i = 0; i < 5 && push(ring, 3000 + round % 7 * 8, in); i++)
			in++;
		n = record_ring_peek_many(ring, batch, 1 + round % BATCH);
		assert_true(n > 0 && n <= 1 + round % BATCH);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(batch[i]->flow_id, out + i);
		for (unsigned i = 0; i < n; i++, out++)
			record_ring_pop(ring);
	}
	assert_int_equal(record_ring_peek_many(ring, batch, BATCH), in - out < BATCH ? in - out : BATCH);
	record_ring_destroy(ring);
}

// ---- two threads ----

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint32_t length_of(uint64_t id)
{
	uint64_t random = mix(id + 1);
	uint32_t most = random % 64 == 0 ? RECORD_LENGTH_MAX : 1024; // mostly short, as records are

	return (uint32_t)(sizeof(struct record) + (random >> 8) % (most - sizeof(struct record) + 1)) & ~7u;
}

static void *produce(void *argument)
{
	struct record_ring *ring = argument;

	for (uint64_t id = 0; id < STRESS_RECORDS; id++) {
		uint32_t length = length_of(id);
		struct record *r;
		uint64_t *words;

		while ((r = record_ring_reserve(ring, length)) == NULL)
			sched_yield();
		words = record_body(r);
		r->length = length;
		r->flow_id = id;
		for (uint32_t i = 0; i < (length - sizeof(*r)) / 8; i++)
			words[i] = mix(id ^ (uint64_t)i << 32);
		record_ring_commit(ring, r);
	}
	return NULL;
}

static bool whole(const struct record *r, uint64_t id)
{
	const uint64_t *words = record_body_const(r);

	if (r->flow_id != id || r->length != length_of(id))
		return false;
	for (uint32_t i = 0; i < (r->length - sizeof(*r)) / 8; i++)
		if (words[i] != mix(id ^ (uint64_t)i << 32))
			return false;
	return true;
}

static void two_threads(void **state)
{
	struct record_ring *ring = created(SIZE);
	const struct record *batch[BATCH];
	struct record_ring_stats stats;
	pthread_t producer;
	uint64_t next = 0;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
	while (next < STRESS_RECORDS) {
		unsigned n = record_ring_peek_many(ring, batch, 1 + (unsigned)(next % BATCH));

		if (n == 0)
			sched_yield();
		for (unsigned i = 0; i < n; i++)
			assert_true(whole(batch[i], next + i));
		for (unsigned i = 0; i < n; i++, next++)
			record_ring_pop(ring);
		record_ring_stats(ring, &stats);
		assert_true(stats.used_bytes <= stats.size_bytes);
	}
	pthread_join(producer, NULL);
	record_ring_stats(ring, &stats);
	assert_int_equal(stats.pushed, STRESS_RECORDS);
	assert_int_equal(stats.popped, STRESS_RECORDS);
	assert_int_equal(stats.used_bytes, 0);
	assert_null(record_ring_peek(ring));
	record_ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(lengths_that_cannot_be),
		cmocka_unit_test(a_reserve_without_commit_is_nothing),
		cmocka_unit_test(full_and_around),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
