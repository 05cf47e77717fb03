// SPDX-License-Identifier: Apache-2.0
/* Edges, patience, hysteresis, forecast: the pure part of the summarizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <site/watch.h>

#define GIB (1024LL * 1024 * 1024)

static const struct watch_policy policy = {
	.thresholds = { .warn_bytes = 10 * GIB, .critical_bytes = 5 * GIB },
	.hysteresis_percent = 10,
	.patience_s = 60,
	.remind_s = 3600,
	.interval_s = 600,
};

static struct watch_verdict look(struct watch_state *state, int64_t now, bool reached,
				 bool transient, int64_t free_gib)
{
	struct watch_sample sample = {
		.now_s = now,
		.reached = reached,
		.transient = transient,
		.has_space = reached,
		.free_bytes = free_gib * GIB,
		.total_bytes = 100 * GIB,
	};

	return watch_judge(state, &sample, &policy);
}

static void an_outage_makes_one_first_message_reminders_and_one_last(void **unused)
{
	struct watch_state s = { .space = HEALTH_UNKNOWN };
	struct watch_verdict v;

	assert_int_equal(watch_health(&s), HEALTH_UNKNOWN);
	assert_int_equal(look(&s, 1000, true, false, 50).reach, REACH_SAME);
	assert_int_equal(watch_health(&s), HEALTH_OK);
	assert_int_equal(look(&s, 2000, false, false, 0).reach, REACH_FAILED);
	assert_int_equal(s.down_since_s, 2000);
	assert_int_equal(watch_health(&s), HEALTH_CRITICAL);
	assert_int_equal(look(&s, 2600, false, false, 0).reach, REACH_SAME);
	assert_int_equal(look(&s, 5600, false, false, 0).reach, REACH_STILL);
	assert_int_equal(look(&s, 5700, false, false, 0).reach, REACH_SAME);
	assert_int_equal(look(&s, 9200, false, false, 0).reach, REACH_STILL);
	v = look(&s, 9300, true, false, 50);
	assert_int_equal(v.reach, REACH_RECOVERED);
	assert_int_equal(v.down_s, 7300);
	assert_int_equal(s.down_since_s, 0);
	assert_int_equal(look(&s, 9900, true, false, 50).reach, REACH_SAME);
}

static void what_may_pass_is_tried_again_and_not_reported_at_first_sight(void **unused)
{
	struct watch_state s = { .space = HEALTH_UNKNOWN };
	struct watch_verdict v;

	look(&s, 0, true, false, 50);
	v = look(&s, 1000, false, true, 0);
	assert_int_equal(v.reach, REACH_SAME);
	assert_int_equal(v.again_s, 2);
	assert_int_equal(s.reach, REACH_RETRYING);
	assert_int_equal(watch_health(&s), HEALTH_OK);
	assert_int_equal(look(&s, 1002, false, true, 0).again_s, 4);
	assert_int_equal(look(&s, 1030, true, false, 50).reach,
			 REACH_SAME); /* it passed: no word */
	look(&s, 2000, false, true, 0);
	assert_int_equal(look(&s, 2059, false, true, 0).reach, REACH_SAME);
	v = look(&s, 2060, false, true, 0);
	assert_int_equal(v.reach, REACH_FAILED);
	assert_int_equal(v.again_s, 600);
	assert_int_equal(s.down_since_s, 2000); /* from the first failure on */
}

static void what_does_not_pass_by_itself_counts_at_once_even_while_trying_again(void **unused)
{
	struct watch_state s = { .space = HEALTH_UNKNOWN };

	look(&s, 0, true, false, 50);
	assert_int_equal(look(&s, 10, false, true, 0).reach, REACH_SAME);
	assert_int_equal(look(&s, 12, false, false, 0).reach, REACH_FAILED);
	assert_int_equal(s.down_since_s, 10);
}

static void a_threshold_is_left_only_beyond_its_hysteresis(void **unused)
{
	struct watch_state s = { .space = HEALTH_UNKNOWN };

	assert_int_equal(look(&s, 1, true, false, 50).space, SPACE_SAME);
	assert_int_equal(look(&s, 2, true, false, 9).space, SPACE_WARNING);
	assert_int_equal(look(&s, 3, true, false, 9).space, SPACE_SAME);
	assert_int_equal(look(&s, 4, true, false, 10).space, SPACE_SAME); /* below 11 */
	assert_int_equal(look(&s, 5, true, false, 4).space, SPACE_CRITICAL);
	assert_int_equal(look(&s, 6, true, false, 5).space, SPACE_SAME); /* below 5.5 */
	assert_int_equal(look(&s, 7, true, false, 6).space, SPACE_WARNING);
	assert_int_equal(look(&s, 8, true, false, 11).space, SPACE_NORMAL);
	assert_int_equal(watch_health(&s), HEALTH_OK);
}

static void full_space_stays_known_while_an_object_is_not_reached(void **unused)
{
	struct watch_state s = { .space = HEALTH_UNKNOWN };

	look(&s, 1, true, false, 3);
	assert_int_equal(look(&s, 2, false, false, 0).space, SPACE_SAME);
	assert_int_equal(s.free_bytes, 3 * GIB);
	assert_int_equal(look(&s, 3, true, false, 3).space, SPACE_SAME);
	assert_int_equal(watch_health(&s), HEALTH_CRITICAL);
}

static void percent_counts_as_well_as_bytes(void **unused)
{
	struct watch_policy percent = { .thresholds = { .warn_percent = 10,
							.critical_percent = 5 } };
	struct watch_sample sample = { .reached = true, .has_space = true, .total_bytes = 1000 };
	struct watch_state s = { .space = HEALTH_UNKNOWN };

	sample.free_bytes = 99;
	assert_int_equal(watch_judge(&s, &sample, &percent).space, SPACE_WARNING);
	sample.free_bytes = 49;
	assert_int_equal(watch_judge(&s, &sample, &percent).space, SPACE_CRITICAL);
}

static void the_day_it_fills_is_where_the_line_meets_zero(void **unused)
{
	struct space_sample samples[48];

	for (int i = 0; i < 48; i++) {
		samples[i].time_s = 1000000 + i * 3600;
		samples[i].free_bytes = 1000 * GIB - i * GIB;
	}
	/* 953 GiB are left, at one an hour. */
	assert_int_equal(forecast_fill(samples, 48), 1000000 + 47 * 3600 + 953LL * 3600);
	assert_int_equal(forecast_fill(samples, 5), 0);	 /* too few */
	assert_int_equal(forecast_fill(samples, 20), 0); /* not a day */
	for (int i = 0; i < 48; i++)
		samples[i].free_bytes = i * GIB;
	assert_int_equal(forecast_fill(samples, 48), 0); /* it grows */
}

static void not_knowing_is_between_well_and_warned(void **unused)
{
	assert_int_equal(watch_worse(HEALTH_OK, HEALTH_UNKNOWN), HEALTH_UNKNOWN);
	assert_int_equal(watch_worse(HEALTH_WARNING, HEALTH_UNKNOWN), HEALTH_WARNING);
	assert_int_equal(watch_worse(HEALTH_WARNING, HEALTH_CRITICAL), HEALTH_CRITICAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_makes_one_first_message_reminders_and_one_last),
		cmocka_unit_test(what_may_pass_is_tried_again_and_not_reported_at_first_sight),
		cmocka_unit_test(
			what_does_not_pass_by_itself_counts_at_once_even_while_trying_again),
		cmocka_unit_test(a_threshold_is_left_only_beyond_its_hysteresis),
		cmocka_unit_test(full_space_stays_known_while_an_object_is_not_reached),
		cmocka_unit_test(percent_counts_as_well_as_bytes),
		cmocka_unit_test(the_day_it_fills_is_where_the_line_meets_zero),
		cmocka_unit_test(not_knowing_is_between_well_and_warned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
