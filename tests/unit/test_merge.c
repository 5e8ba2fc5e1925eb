// Merging: workers that are nothing but a ring and a mark, and that go on in any interleaving. What comes out is one order, the
// same for any number of workers and any interleaving; a worker that is far ahead waits, and no one waits for ever.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "control/merge.h"

enum { RECORDS = 20000, FLOWS = 40, TICK_NS = 1000, WORKERS = 4, RING_BYTES = 4 * RECORD_LENGTH_MAX, TURNS_MAX = 10000000 };

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1dull >> 16;
}

// What happened, tick by tick: within a tick in the order in which it was noticed, which is not that of time.
struct event {
	uint64_t order_ns;
	uint32_t flow, number;
};

struct fake {
	struct worker *worker;
	const struct event *events; // all of them; mine are those of my flows
	uint32_t at, count;
	unsigned id, of;
};

static void fakes_make(struct fake *fakes, unsigned n, const struct event *events, uint32_t count)
{
	for (unsigned k = 0; k < n; k++) {
		struct worker *w = aligned_alloc(64, sizeof(*w));

		assert_non_null(w);
		memset(w, 0, sizeof(*w));
		assert_int_equal(record_ring_create(RING_BYTES, &w->out), 0);
		fakes[k] = (struct fake){.worker = w, .events = events, .count = count, .id = k, .of = n};
	}
}

static void fakes_free(struct fake *fakes, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		record_ring_destroy(fakes[k].worker->out);
		free(fakes[k].worker);
	}
}

static bool push(struct worker *w, const struct event *e)
{
	uint32_t length = sizeof(struct record) + e->number % 5 * 8;
	struct record *r = record_ring_reserve(w->out, length);

	if (r == NULL)
		return false;
	memset(r, 0, length);
	r->length = length;
	r->order_ns = e->order_ns;
	r->ends.client_port = (uint16_t)e->flow;
	r->flow_id = e->number;
	record_ring_commit(w->out, r);
	return true;
}

// Goes on by at most n events, its own or not; the mark follows what has been passed.
static void step(struct fake *f, unsigned n)
{
	for (; n > 0 && f->at < f->count; n--, f->at++) {
		const struct event *e = &f->events[f->at];

		atomic_store(&f->worker->mark_ns, e->order_ns / TICK_NS * TICK_NS);
		if (e->flow % f->of == f->id && !push(f->worker, e))
			return;
	}
	if (f->at == f->count)
		atomic_store(&f->worker->mark_ns, UINT64_MAX);
}

static void events_make(struct event *events, uint64_t seed)
{
	uint64_t x = seed, tick = 1;

	for (uint32_t i = 0; i < RECORDS; i++) {
		if (next_random(&x) % 6 == 0)
			tick += next_random(&x) % 3;
		events[i] = (struct event){tick * TICK_NS + next_random(&x) % 4 * (TICK_NS / 4), (uint32_t)(next_random(&x) % FLOWS), i};
	}
}

// The order that is promised: time, then the ends (here a port), then as the worker said it.
static int event_compare(const void *a, const void *b)
{
	const struct event *l = a, *r = b;

	if (l->order_ns != r->order_ns)
		return l->order_ns < r->order_ns ? -1 : 1;
	if (l->flow != r->flow) // compared as bytes, the low one first
		return (l->flow & 0xff) < (r->flow & 0xff) ? -1 : 1;
	return l->number < r->number ? -1 : 1;
}

static uint32_t drain(struct merge *m, const struct event *expected, uint32_t out, uint64_t most)
{
	struct merge_entry *e;

	for (; most > 0 && (e = merge_peek(m)) != NULL; most--, out++) {
		assert_true(out < RECORDS);
		assert_true(e->order_ns == expected[out].order_ns);
		assert_int_equal(e->record->flow_id, expected[out].number);
		assert_ptr_equal(merge_peek(m), e); // the same until popped
		merge_pop(m);
	}
	return out;
}

static void order_check(uint64_t seed, unsigned n)
{
	static struct event events[RECORDS], expected[RECORDS];
	struct worker *workers[WORKERS];
	struct fake fakes[WORKERS];
	uint64_t x = seed * 31 + n;
	struct merge *m;
	uint32_t out = 0;

	events_make(events, seed);
	memcpy(expected, events, sizeof(events));
	qsort(expected, RECORDS, sizeof(expected[0]), event_compare);
	fakes_make(fakes, n, events, RECORDS);
	for (unsigned k = 0; k < n; k++)
		workers[k] = fakes[k].worker;
	assert_int_equal(merge_create(n, &m), 0);
	for (unsigned turns = 0; out < RECORDS; turns++) {
		assert_true(turns < TURNS_MAX);
		step(&fakes[next_random(&x) % n], (unsigned)(next_random(&x) % 64));
		if (next_random(&x) % 2)
			merge_fill(m, workers, n);
		out = drain(m, expected, out, next_random(&x) % 50);
	}
	assert_null(merge_peek(m));
	assert_int_equal(merge_waiting(m), 0);
	assert_int_equal(merge_taken(m), RECORDS);
	merge_destroy(m);
	fakes_free(fakes, n);
}

static void test_one_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++)
		for (unsigned n = 1; n <= WORKERS; n++)
			order_check(seed, n);
}

// Nothing is given out that a slower worker may still come before.
static void test_waits_for_slowest(void **state)
{
	static const struct event events[] = {{5 * TICK_NS, 0, 0}, {3 * TICK_NS, 1, 1}};
	struct worker *workers[2];
	struct fake fakes[2];
	struct merge *m;

	(void)state;
	fakes_make(fakes, 2, events, 2);
	workers[0] = fakes[0].worker;
	workers[1] = fakes[1].worker;
	assert_int_equal(merge_create(2, &m), 0);
	assert_true(push(workers[0], &events[0]));
	atomic_store(&workers[0]->mark_ns, 9 * TICK_NS);
	atomic_store(&workers[1]->mark_ns, 2 * TICK_NS);
	for (unsigned i = 0; i < 5; i++)
		merge_fill(m, workers, 2);
	assert_null(merge_peek(m));
	assert_true(push(workers[1], &events[1]));
	atomic_store(&workers[1]->mark_ns, 5 * TICK_NS); // what is due at the mark itself may still come
	for (unsigned i = 0; i < 5; i++)
		merge_fill(m, workers, 2);
	assert_int_equal(merge_peek(m)->record->flow_id, 1);
	merge_pop(m);
	assert_null(merge_peek(m));
	atomic_store(&workers[1]->mark_ns, 5 * TICK_NS + 1);
	for (unsigned i = 0; i < 5; i++)
		merge_fill(m, workers, 2);
	assert_int_equal(merge_peek(m)->record->flow_id, 0);
	merge_destroy(m); // with one record waiting
	fakes_free(fakes, 2);
}

// Worker 0 has very much to say early on, all of it late; worker 1 only creeps. The first is held up within bounds, its ring fills,
// and all comes out in the end.
static void test_far_ahead(void **state)
{
	enum { AHEAD = 4 * MERGE_WAITING_MAX, CREEPS = 500 };
	struct worker *workers[2];
	struct fake fakes[2];
	struct merge *m;
	uint32_t pushed = 0, out = 0;
	uint64_t last = 0, most = 0;
	bool held_up = false;

	(void)state;
	fakes_make(fakes, 2, NULL, 0);
	workers[0] = fakes[0].worker;
	workers[1] = fakes[1].worker;
	assert_int_equal(merge_create(2, &m), 0);
	for (uint32_t turn = 0; out < AHEAD; turn++) {
		struct merge_entry *e;

		assert_true(turn < 100 * CREEPS);
		for (; pushed < AHEAD; pushed++) {
			if (!push(workers[0], &(struct event){TICK_NS * (uint64_t)(1000 + pushed), 0, pushed})) {
				held_up = true;
				break;
			}
			atomic_store(&workers[0]->mark_ns, TICK_NS * (uint64_t)(1000 + pushed));
		}
		if (pushed == AHEAD)
			atomic_store(&workers[0]->mark_ns, UINT64_MAX);
		if (turn % 100 == 99)
			atomic_store(&workers[1]->mark_ns, TICK_NS * (1000 + (uint64_t)(turn / 100 + 1) * AHEAD / CREEPS));
		merge_fill(m, workers, 2);
		most = merge_waiting(m) > most ? merge_waiting(m) : most;
		for (; (e = merge_peek(m)) != NULL; out++) {
			assert_int_equal(e->record->flow_id, out);
			assert_true(e->order_ns >= last && e->order_ns < atomic_load(&workers[1]->mark_ns));
			last = e->order_ns;
			merge_pop(m);
		}
		if (turn / 100 + 1 == CREEPS && turn % 100 == 99)
			atomic_store(&workers[1]->mark_ns, UINT64_MAX);
	}
	assert_true(held_up);
	assert_in_range(most, MERGE_WAITING_MAX / 2, MERGE_WAITING_MAX + RING_BYTES / sizeof(struct record));
	merge_destroy(m);
	fakes_free(fakes, 2);
}

// Worker 0 says more within one tick than may wait, and its mark cannot move before all is said: it must not be held up.
static void test_slowest_goes_on(void **state)
{
	enum { MANY = 2 * MERGE_WAITING_MAX };
	struct worker *workers[2];
	struct fake fakes[2];
	struct merge *m;
	uint32_t pushed = 0, out = 0;

	(void)state;
	fakes_make(fakes, 2, NULL, 0);
	workers[0] = fakes[0].worker;
	workers[1] = fakes[1].worker;
	assert_int_equal(merge_create(2, &m), 0);
	atomic_store(&workers[0]->mark_ns, 5 * TICK_NS);
	atomic_store(&workers[1]->mark_ns, UINT64_MAX);
	for (uint32_t turn = 0; pushed < MANY; turn++) {
		assert_true(turn < MANY);
		while (pushed < MANY && push(workers[0], &(struct event){5 * TICK_NS, 0, pushed}))
			pushed++;
		merge_fill(m, workers, 2);
		assert_null(merge_peek(m));
	}
	atomic_store(&workers[0]->mark_ns, 5 * TICK_NS + 1);
	for (unsigned i = 0; i < 5; i++)
		merge_fill(m, workers, 2);
	for (; merge_peek(m) != NULL; out++) {
		assert_int_equal(merge_peek(m)->record->flow_id, out);
		merge_pop(m);
	}
	assert_int_equal(out, MANY);
	merge_destroy(m);
	fakes_free(fakes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_order),
		cmocka_unit_test(test_waits_for_slowest),
		cmocka_unit_test(test_far_ahead),
		cmocka_unit_test(test_slowest_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
