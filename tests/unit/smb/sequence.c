// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../src/smb/sequence.h"

static void a_new_window_holds_the_id_zero_and_nothing_else(void **state)
{
	struct sequence s;

	sequence_begin(&s, 64);
	assert_false(sequence_take(&s, 1, 1));
	assert_false(sequence_take(&s, UINT64_MAX, 1));
	assert_true(sequence_take(&s, 0, 1));
	assert_false(sequence_take(&s, 0, 1));
	assert_int_equal(sequence_credits(&s), 0);
	sequence_end(&s);
}

static void an_id_is_good_once(void **state)
{
	struct sequence s;

	sequence_begin(&s, 64);
	assert_int_equal(sequence_grant(&s, 9), 9);
	assert_true(sequence_take(&s, 5, 1));
	assert_false(sequence_take(&s, 5, 1));
	assert_true(sequence_take(&s, 0, 1));
	assert_false(sequence_take(&s, 5, 1));
	assert_true(sequence_take(&s, 1, 4));
	assert_false(sequence_take(&s, 5, 1));
	assert_true(sequence_take(&s, 6, 4));
	assert_false(sequence_take(&s, 10, 1));
	sequence_end(&s);
}

static void a_charge_must_lie_in_the_window_as_a_whole(void **state)
{
	struct sequence s;

	sequence_begin(&s, 64);
	sequence_grant(&s, 9);
	assert_false(sequence_take(&s, 8, 3));
	assert_false(sequence_take(&s, 0, UINT32_MAX));
	assert_true(sequence_take(&s, 3, 2));
	assert_false(sequence_take(&s, 2, 2)); /* the second of them is used */
	assert_true(sequence_take(&s, 2, 1));
	assert_false(sequence_take(&s, 0, 0));
	sequence_end(&s);
}

static void a_window_never_grows_over_its_limit(void **state)
{
	struct sequence s;

	sequence_begin(&s, 64);
	assert_int_equal(sequence_grant(&s, 1000), 63);
	assert_int_equal(sequence_grant(&s, 1), 0);
	for (uint64_t id = 1; id < 64; id++)
		assert_true(sequence_take(&s, id, 1));
	/* id 0 is not used: nothing more is granted, however many were */
	assert_int_equal(sequence_credits(&s), 1);
	assert_int_equal(sequence_grant(&s, 8), 0);
	assert_true(sequence_take(&s, 0, 1));
	assert_int_equal(sequence_grant(&s, 8), 8);
	sequence_end(&s);
}

static uint32_t next_random(uint32_t x)
{
	x ^= x << 13;
	x ^= x >> 17;
	return x ^ x << 5;
}

static void what_is_granted_and_taken_agrees_with_a_set(void **state)
{
	struct sequence s;
	static bool granted[40000], used[40000];
	uint64_t high = 1;
	uint32_t seed = 12345;

	sequence_begin(&s, 256);
	high += sequence_grant(&s, 200);
	memset(granted, true, high);
	for (int i = 0; i < 20000; i++) {
		uint32_t r = seed = next_random(seed);
		uint64_t id = (r >> 8) % (high + 4);
		uint32_t count = 1 + (r >> 4) % 3;
		bool good = true;

		if (r & 0x80000) /* half of them near the front of the window */
			id = s.low + (r >> 8) % 8;
		for (uint64_t k = id; k < id + count; k++)
			good = good && granted[k] && !used[k];
		assert_int_equal(sequence_take(&s, id, count), good);
		for (uint64_t k = id; good && k < id + count; k++)
			used[k] = true;
		if (good && high < 39000) {
			uint32_t n = sequence_grant(&s, count);

			while (n--)
				granted[high++] = true;
		}
	}
	assert_true(high > 1000);
	sequence_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_window_holds_the_id_zero_and_nothing_else),
		cmocka_unit_test(an_id_is_good_once),
		cmocka_unit_test(a_charge_must_lie_in_the_window_as_a_whole),
		cmocka_unit_test(a_window_never_grows_over_its_limit),
		cmocka_unit_test(what_is_granted_and_taken_agrees_with_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
