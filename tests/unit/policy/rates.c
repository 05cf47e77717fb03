// SPDX-License-Identifier: Apache-2.0
/* Rates of a distribution point by hour of day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <policy/rates.h>

#define DAY_S  86400
#define NOON   (20000 * (int64_t)DAY_S + 12 * 3600) /* UTC */
#define MINUTE 60

static struct rates read(const char *text)
{
	struct rates rates;

	assert_true(rates_parse(text, &rates));
	return rates;
}

static void the_first_rate_whose_hour_it_is_counts(void **state)
{
	struct rates r = read("daily 11:00-13:00 utc 2M; daily 12:00-20:00 utc 0; 50M");

	assert_int_equal(rates_now(&r, NOON), 2 << 20);
	assert_int_equal(rates_now(&r, NOON + 3600), 0);
	assert_int_equal(rates_now(&r, NOON + 9 * 3600), 50 << 20);
	r = read("daily 11:00-13:00 utc 3K");
	assert_int_equal(rates_now(&r, NOON), 3072);
	assert_true(rates_now(&r, NOON + 3600) == RATE_FREE);
	r = read("");
	assert_true(rates_now(&r, NOON) == RATE_FREE);
}

static void what_is_no_rate_is_refused(void **state)
{
	static const char *const wrong[] = { "soon",	     "2T",	"-1",
					     "daily 2M",     "M",	"daily 11:00-13:00",
					     "99999999999G", "2M fast", "daily 11:00-13:00 2M x" };
	struct rates rates;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(rates_parse(wrong[i], &rates));
}

static void in_a_minute_a_minutes_worth_goes(void **state)
{
	struct throttle t = { .rates = read("1M") };
	uint64_t now_ms = 1000, sent = 0;

	while (now_ms < 1000 + MINUTE * 1000) {
		uint64_t wait_ms = throttle_wait_ms(&t, now_ms, NOON, 64 << 10);

		assert_true(wait_ms <= 1000);
		sent += wait_ms ? 0 : 64 << 10;
		now_ms += wait_ms;
	}
	assert_in_range(sent, 58 << 20, 62 << 20);
	assert_false(t.is_closed);
}

static void a_piece_larger_than_a_seconds_worth_goes_in_its_time(void **state)
{
	struct throttle t = { .rates = read("1K") };

	assert_int_equal(throttle_wait_ms(&t, 1000, NOON, 10 << 10), 0);
	assert_true(throttle_wait_ms(&t, 1001, NOON, 1) > 0);
	assert_true(throttle_wait_ms(&t, 10000, NOON, 1) > 0);
	assert_int_equal(throttle_wait_ms(&t, 11100, NOON, 1), 0);
}

static void what_went_in_advance_is_owed_by_the_next_package(void **state)
{
	struct throttle t = { .last_ms = 0 };

	assert_true(throttle_bind(&t, "1K"));
	assert_int_equal(throttle_wait_ms(&t, 1000, NOON, 10 << 10), 0);
	assert_true(throttle_bind(&t, "1K")); /* its own is over */
	assert_true(throttle_wait_ms(&t, 1000, NOON, 1) > 0);
	assert_true(throttle_wait_ms(&t, 10900, NOON, 1) > 0);
	assert_int_equal(throttle_wait_ms(&t, 11000, NOON, 1), 0);
	assert_true(throttle_bind(&t, "0"));
	assert_int_equal(throttle_wait_ms(&t, 11000, NOON, 1), 0);
	assert_true(t.is_closed);
	assert_true(throttle_bind(&t, "")); /* no hour of it is closed any more */
	assert_false(t.is_closed);
	assert_false(throttle_bind(&t, "soon"));
}

static void a_closed_hour_is_noted_and_lets_go_what_is_on_its_way(void **state)
{
	struct throttle t = { .rates = read("0") };

	assert_int_equal(throttle_wait_ms(&t, 1000, NOON, 10 << 10), 0);
	assert_true(t.is_closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rate_whose_hour_it_is_counts),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(in_a_minute_a_minutes_worth_goes),
		cmocka_unit_test(a_piece_larger_than_a_seconds_worth_goes_in_its_time),
		cmocka_unit_test(what_went_in_advance_is_owed_by_the_next_package),
		cmocka_unit_test(a_closed_hour_is_noted_and_lets_go_what_is_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
