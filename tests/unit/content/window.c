// SPDX-License-Identifier: Apache-2.0
/* How much a transfer has under way, over a line that carries one piece after the other. */
#include "transfer_impl.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PIECE	   65536u
#define PIECES	   2000u
#define DEPTH	   TRANSFER_DEPTH_MAX
#define PATIENCE_S 30u

struct line {
	uint64_t piece_ms; /* that one piece takes */
	uint64_t longest_ms;
	size_t most;
};

/* All that fits is asked for, and the oldest of it is answered next. */
static void run(struct line *line, struct window *w)
{
	uint64_t asked[DEPTH], now = 1;
	unsigned first = 0, count = 0;

	window_init(w);
	for (unsigned i = 0; i < PIECES; i++) {
		uint64_t waited;

		while (count < DEPTH && window_has_room(w, PIECE)) {
			asked[(first + count++) % DEPTH] = now;
			w->used += PIECE;
		}
		line->most = max_u64(line->most, w->used);
		assert_true(count > 0);
		now += line->piece_ms;
		waited = now - asked[first];
		first = (first + 1) % DEPTH;
		count--;
		w->used -= PIECE;
		line->longest_ms = max_u64(line->longest_ms, waited);
		window_note(w, PIECE, waited, now);
	}
}

static void on_a_slow_line_no_answer_takes_as_long_as_patience_lasts(void **state)
{
	static const uint64_t ms[] = { 100, 500, 1000, 4000, 8000 }; /* 5 Mbit/s to 64 kbit/s */
	struct window w;

	for (size_t i = 0; i < ARRAY_LEN(ms); i++) {
		struct line line = { .piece_ms = ms[i] };

		run(&line, &w);
		if (line.longest_ms > PATIENCE_S * 1000)
			fail_msg("a piece in %u ms: one waited %u ms", (unsigned)ms[i],
				 (unsigned)line.longest_ms);
	}
}

static void on_a_fast_line_all_places_are_taken(void **state)
{
	struct line line = { .piece_ms = 1 };
	struct window w;

	run(&line, &w);
	assert_int_equal(line.most, DEPTH * PIECE);
}

static void a_piece_that_is_larger_than_the_window_goes_alone(void **state)
{
	struct window w;

	window_init(&w);
	for (uint64_t now = 1; now < 1000000; now += 10000)
		window_shrink(&w, now);
	assert_true(window_has_room(&w, 1u << 20));
	w.used = 1;
	assert_false(window_has_room(&w, 1u << 20));
}

static void what_waits_for_its_place_comes_back_bit_by_bit(void **state)
{
	struct window w;

	window_init(&w);
	w.used = w.stalled = DEPTH * PIECE;
	assert_true(window_has_room_again(&w, PIECE));
	w.stalled -= w.most;
	assert_false(window_has_room_again(&w, PIECE));
}

static void what_is_late_together_shrinks_it_once(void **state)
{
	struct window w;
	size_t before;

	window_init(&w);
	before = w.most;
	for (unsigned i = 0; i < 64; i++)
		window_note(&w, PIECE, 5000, 10000 + i);
	assert_int_equal(w.most, before / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_slow_line_no_answer_takes_as_long_as_patience_lasts),
		cmocka_unit_test(on_a_fast_line_all_places_are_taken),
		cmocka_unit_test(a_piece_that_is_larger_than_the_window_goes_alone),
		cmocka_unit_test(what_waits_for_its_place_comes_back_bit_by_bit),
		cmocka_unit_test(what_is_late_together_shrinks_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
