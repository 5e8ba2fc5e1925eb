// The stream of one direction: named cases first, then many games of tests/stream_model.h with choices from a generator.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../stream_model.h"

// ---- a reader that writes down what it is shown ----

struct notes {
	uint8_t bytes[4096];
	uint32_t n;     // used so far
	uint32_t shown; // bytes of the last offer
	uint32_t wants; // uses nothing until this many are shown
	uint64_t skip;  // to be said once, with the next offer
	bool stop;
};

static uint32_t note(void *context, struct span in, uint64_t *skip, bool *stop)
{
	struct notes *notes = context;

	notes->shown = in.left;
	if (in.left < notes->wants)
		return 0;
	assert_true(notes->n + in.left <= sizeof(notes->bytes));
	memcpy(notes->bytes + notes->n, in.at, in.left);
	notes->n += in.left;
	*skip = notes->skip;
	notes->skip = 0;
	*stop = notes->stop;
	return in.left;
}

struct bench {
	struct flow_stream_pool pool;
	struct flow_stream stream;
	struct notes notes;
	void *memory;
};

static void bench_start(struct bench *b, uint32_t bytes, uint32_t blocks, uint32_t first_seq)
{
	uint32_t block = flow_stream_block_bytes(bytes);

	memset(b, 0, sizeof(*b));
	b->memory = aligned_alloc(64, (pool_bytes(block, blocks) + 64) / 64 * 64);
	assert_non_null(b->memory);
	pool_init(&b->pool.pool, b->memory, block, blocks);
	b->pool.bytes = bytes;
	flow_stream_start(&b->stream, first_seq);
}

static void bench_end(struct bench *b)
{
	flow_stream_end(&b->pool, &b->stream);
	assert_int_equal(b->pool.pool.available, b->pool.pool.capacity);
	free(b->memory);
}

static bool send_cut(struct bench *b, uint32_t seq, const char *text, uint32_t wire)
{
	return flow_stream_segment(&b->pool, &b->stream, seq, span_of(text, (uint32_t)strlen(text)), wire, note, &b->notes);
}

static bool send(struct bench *b, uint32_t seq, const char *text)
{
	return send_cut(b, seq, text, (uint32_t)strlen(text));
}

static void noted(const struct bench *b, const char *text)
{
	assert_int_equal(b->notes.n, strlen(text));
	assert_memory_equal(b->notes.bytes, text, b->notes.n);
}

// ---- named cases ----

static void test_in_order_is_not_copied(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 0, 100); // no buffer at all
	send(&b, 100, "abc");
	send(&b, 103, "def");
	noted(&b, "abcdef");
	assert_int_equal(b.pool.overflows, 0);
	bench_end(&b);
}

static void test_either_order(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, UINT32_MAX - 1); // the number wraps inside
	send(&b, 2, "efgh");
	assert_int_equal(b.notes.n, 0);
	send(&b, UINT32_MAX - 1, "abcd");
	noted(&b, "abcdefgh");
	assert_int_equal(b.pool.early, 1);
	assert_int_equal(b.pool.gaps, 0);
	assert_int_equal(b.stream.buffer, 0);
	bench_end(&b);
}

static void test_unused_bytes_come_again(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	b.notes.wants = 6;
	send(&b, 0, "abc");
	assert_int_equal(b.notes.shown, 3);
	send(&b, 3, "de");
	assert_int_equal(b.notes.shown, 5);
	send(&b, 1, "bcdefg"); // a retransmission with something new
	noted(&b, "abcdefg");
	bench_end(&b);
}

// Sent again with other bytes, while the first ones are still there: those stand, and it is counted once a segment.
static void test_other_bytes(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	send(&b, 4, "efgh");
	send(&b, 10, "kl");
	send(&b, 2, "cdXfgY"); // over an early piece
	assert_int_equal(b.pool.inconsistent, 1);
	send(&b, 6, "ghijklmn"); // over two, says the same
	assert_int_equal(b.pool.inconsistent, 1);
	send(&b, 8, "ZZZZ");
	assert_int_equal(b.pool.inconsistent, 2);
	send(&b, 0, "abcQ"); // the hole is filled up to what is there
	assert_int_equal(b.pool.inconsistent, 3);
	noted(&b, "abcdefghijklmn");
	bench_end(&b);

	bench_start(&b, 440, 1, 0);
	b.notes.wants = 6;
	send(&b, 0, "abcd"); // waits for more
	send(&b, 0, "abXd");
	send(&b, 2, "cdef");
	assert_int_equal(b.pool.inconsistent, 1);
	noted(&b, "abcdef");
	bench_end(&b);
}

static void test_body_is_skipped(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	b.notes.skip = 10;
	send(&b, 0, "head");
	send(&b, 4, "bodyb");
	send(&b, 9, "odyb.next");
	noted(&b, "headnext");
	assert_int_equal(b.pool.gaps, 0);
	bench_end(&b);
}

// What follows a body arrives before the body does.
static void test_early_behind_body(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	b.notes.skip = 10;
	send(&b, 0, "head");
	send(&b, 16, "xt");
	send(&b, 4, "bodyb");
	send(&b, 14, "ne");
	noted(&b, "headnext");
	assert_int_equal(b.pool.gaps, 0);
	bench_end(&b);
}

// The head that announces a body arrives after parts of the body and after what follows it.
static void test_early_before_head(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	b.notes.skip = 10;
	send(&b, 14, "next");
	send(&b, 6, "dy");
	send(&b, 0, "head");
	noted(&b, "headnext");
	assert_int_equal(b.pool.gaps, 0);
	assert_int_equal(b.stream.buffer, 0);
	bench_end(&b);
}

static void test_huge_body(void **state)
{
	static const uint64_t bodies[] = {1ull << 29, 1ull << 30, (1ull << 31) + 5, 6000000000ull};
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t seq = 0xfff00000u;

		bench_start(&b, 440, 1, seq);
		b.notes.skip = bodies[i];
		send(&b, seq, "head");
		seq += 4;
		for (uint64_t left = bodies[i]; left > 0;) {
			uint32_t n = left < 60000 ? (uint32_t)left : 60000;

			send_cut(&b, seq, "", n); // of a body nothing need be captured
			seq += n;
			left -= n;
		}
		send(&b, seq, "next");
		noted(&b, "headnext");
		assert_int_equal(b.pool.gaps, 0);
		bench_end(&b);
	}
}

static void test_never_again(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	b.notes.skip = UINT64_MAX;
	send(&b, 0, "tunnel");
	for (uint32_t seq = 6; seq < 6000; seq += 6)
		send(&b, seq, "secret");
	noted(&b, "tunnel");
	assert_int_equal(b.pool.early, 0);
	bench_end(&b);
}

static void test_ack_passes_hole(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 1000);
	send(&b, 1000, "abc");
	send(&b, 1006, "ghi"); // "def" was lost to the capture
	assert_false(flow_stream_acked(&b.pool, &b.stream, 1003, note, &b.notes));
	noted(&b, "abc");
	assert_false(flow_stream_acked(&b.pool, &b.stream, 1009, note, &b.notes));
	noted(&b, "abcghi");
	send(&b, 1009, "jkl");
	noted(&b, "abcghijkl");
	assert_int_equal(b.pool.gaps, 1);
	bench_end(&b);
}

static void test_cut_segments(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	send_cut(&b, 0, "abc", 10);
	send_cut(&b, 5, "", 15); // begins inside what was not captured
	send(&b, 20, "xyz");
	noted(&b, "abcxyz");
	assert_int_equal(b.stream.next_seq, 23);
	assert_int_equal(b.pool.gaps, 2);
	bench_end(&b);
}

static void test_too_many_holes(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	for (uint32_t i = 1; i <= FLOW_STREAM_RANGES + 1; i++)
		send(&b, i * 4, "xy");
	assert_int_equal(b.pool.gaps, 1); // the oldest was given up
	noted(&b, "xy");
	bench_end(&b);
}

// One hole, however many segments come behind it.
static void test_early_pieces_join(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	for (uint32_t seq = 4; seq < 100; seq += 2)
		send(&b, seq, "xy");
	assert_int_equal(b.notes.n, 0);
	send(&b, 0, "hole");
	assert_int_equal(b.notes.n, 100);
	assert_int_equal(b.pool.gaps, 0);
	bench_end(&b);
}

static void test_far_ahead(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	send(&b, 1000000, "later");
	send(&b, 1000005, "on");
	noted(&b, "lateron");
	assert_int_equal(b.pool.gaps, 1);
	bench_end(&b);
}

static void test_no_buffer_left(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 0, 0);
	send(&b, 4, "efgh");
	noted(&b, "efgh"); // there is nowhere to keep it: the hole is given up at once
	assert_int_equal(b.pool.overflows, 1);
	assert_int_equal(b.pool.gaps, 1);
	bench_end(&b);
}

static void test_buffer_full(void **state)
{
	static char text[441];
	struct bench b;

	(void)state;
	memset(text, 'a', 440);
	bench_start(&b, 440, 1, 0);
	b.notes.wants = 4000; // never satisfied
	send(&b, 0, text);
	assert_int_equal(b.pool.overflows, 0);
	b.notes.wants = 2;
	send(&b, 440, "x"); // no room: what waited is dropped, this is kept
	send(&b, 441, "y");
	noted(&b, "xy");
	assert_int_equal(b.pool.overflows, 1);
	assert_int_equal(b.pool.gaps, 1);
	bench_end(&b);
}

static void test_stop(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b, 440, 1, 0);
	send(&b, 3, "def");
	b.notes.stop = true;
	assert_true(send(&b, 0, "abc"));
	bench_end(&b);
}

// ---- games ----

static uint32_t choose(void *source, uint32_t n)
{
	uint64_t *x = source;

	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)((*x >> 32) * n >> 32);
}

static void games_play(uint64_t seed, unsigned games, bool lossless)
{
	uint64_t source = seed;
	uint64_t shown = 0;

	for (unsigned i = 0; i < games; i++) {
		struct model m = {.choose = choose, .source = &source};
		uint32_t length = 1 + choose(&source, MODEL_LENGTH_MAX);
		uint32_t first_seq = choose(&source, 2) ? 0u - choose(&source, length) : choose(&source, UINT32_MAX);
		uint32_t room = lossless ? 2 * MODEL_LENGTH_MAX : 56 + 64 * choose(&source, 30);

		model_init(&m, room, first_seq, length, lossless);
		if (lossless)
			model_play_lossless(&m);
		else
			model_play_lossy(&m);
		shown += m.offered_to;
		model_fini(&m);
	}
	assert_true(shown > 500ull * games); // the games were not empty
}

static void test_lossless_games(void **state)
{
	(void)state;
	games_play(0x853c49e6748fea9bull, 3000, true);
}

static void test_lossy_games(void **state)
{
	(void)state;
	games_play(0xda3e39cb94b95bdbull, 3000, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_is_not_copied),
		cmocka_unit_test(test_either_order),
		cmocka_unit_test(test_unused_bytes_come_again),
		cmocka_unit_test(test_other_bytes),
		cmocka_unit_test(test_body_is_skipped),
		cmocka_unit_test(test_early_behind_body),
		cmocka_unit_test(test_early_before_head),
		cmocka_unit_test(test_huge_body),
		cmocka_unit_test(test_never_again),
		cmocka_unit_test(test_ack_passes_hole),
		cmocka_unit_test(test_cut_segments),
		cmocka_unit_test(test_too_many_holes),
		cmocka_unit_test(test_early_pieces_join),
		cmocka_unit_test(test_far_ahead),
		cmocka_unit_test(test_no_buffer_left),
		cmocka_unit_test(test_buffer_full),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_lossless_games),
		cmocka_unit_test(test_lossy_games),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
