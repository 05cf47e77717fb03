// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buf.h>
#include <base/cursor.h>

static void a_read_past_the_end_gives_zero_and_marks_the_cursor_bad(void **state)
{
	uint8_t bytes[3] = { 1, 2, 3 };
	struct cursor c = cur_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cur_u16le(&c), 0x0201);
	assert_int_equal(cur_u32le(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cur_u8(&c), 0);
}

static void a_slice_outside_is_empty_and_bad(void **state)
{
	uint8_t bytes[8] = { 0 };
	struct cursor c = cur_of(bytes, sizeof(bytes));
	struct cursor good = cur_slice(&c, 4, 4);
	struct cursor wraps;

	(void)state;
	assert_int_equal(cur_left(&good), 4);
	wraps = cur_slice(&c, SIZE_MAX, 2);
	assert_true(wraps.bad);
	assert_true(c.bad);
	assert_int_equal(cur_left(&wraps), 0);
}

static void an_empty_slice_may_lie_anywhere(void **state)
{
	uint8_t bytes[8] = { 0 };
	struct cursor c = cur_of(bytes, sizeof(bytes));
	struct cursor empty = cur_slice(&c, 5000, 0);

	(void)state;
	assert_false(c.bad);
	assert_false(empty.bad);
}

static void a_buffer_over_its_limit_fails_and_keeps_what_it_has(void **state)
{
	struct buf b = { .limit = 6 };

	(void)state;
	buf_u32le(&b, 0x01020304);
	buf_u32le(&b, 5);
	assert_true(b.failed);
	assert_int_equal(b.len, 4);
	buf_u8(&b, 1);
	assert_int_equal(b.len, 4);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_past_the_end_gives_zero_and_marks_the_cursor_bad),
		cmocka_unit_test(a_slice_outside_is_empty_and_bad),
		cmocka_unit_test(an_empty_slice_may_lie_anywhere),
		cmocka_unit_test(a_buffer_over_its_limit_fails_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
