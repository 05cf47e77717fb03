// SPDX-License-Identifier: Apache-2.0
/* Maintenance windows. */
#include <policy/window.h>

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

/* 2026-11-27 is a Friday. */
#define FRIDAY_0000 1795737600

static int use_utc(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static struct window window(const char *text)
{
	struct window w;

	if (!window_parse(text, &w))
		fail_msg("%s", text);
	return w;
}

static void a_window_is_read_and_written(void **state)
{
	static const char *const texts[] = { "daily 01:00-04:00", "sun,sat 22:30-02:00",
					     "fri 00:00-23:59 utc" };
	char again[WINDOW_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct window w = window(texts[i]);

		window_text(&w, again);
		assert_string_equal(again, texts[i]);
	}
}

static void what_is_no_window_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "daily",
					     "daily 1:00-2:00",
					     "daily 24:00-01:00",
					     "daily 01:00-01:00",
					     "xyz 01:00-02:00",
					     "mon, 01:00-02:00",
					     "daily 01:00-02:00 cet" };
	struct window w;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (window_parse(texts[i], &w))
			fail_msg("%s", texts[i]);
	}
}

static void a_window_over_midnight_is_open_on_both_days(void **state)
{
	struct window w = window("thu 22:00-02:00");

	assert_int_equal(windows_left(&w, 1, FRIDAY_0000 + 3600), 3600);
	assert_int_equal(windows_left(&w, 1, FRIDAY_0000 - 2 * 3600), 4 * 3600);
	assert_int_equal(windows_left(&w, 1, FRIDAY_0000 + 2 * 3600), 0);
}

static void windows_that_touch_are_one(void **state)
{
	struct window w[] = { window("fri 01:00-03:00"), window("fri 03:00-05:00"),
			      window("fri 02:00-02:30") };

	assert_int_equal(windows_left(w, 3, FRIDAY_0000 + 3600), 4 * 3600);
}

static void the_next_window_is_long_enough(void **state)
{
	struct window w[] = { window("sat 01:00-02:00"), window("sun 01:00-05:00") };

	assert_int_equal(windows_next(w, 2, FRIDAY_0000, 3600), FRIDAY_0000 + 25 * 3600);
	assert_int_equal(windows_next(w, 2, FRIDAY_0000, 3601), FRIDAY_0000 + 49 * 3600);
	assert_int_equal(windows_next(w, 2, FRIDAY_0000, 5 * 3600), 0);
}

static void without_windows_it_is_always_open(void **state)
{
	assert_true(windows_left(NULL, 0, FRIDAY_0000) == INT64_MAX);
	assert_int_equal(windows_next(NULL, 0, FRIDAY_0000, 1000000), FRIDAY_0000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_read_and_written),
		cmocka_unit_test(what_is_no_window_is_refused),
		cmocka_unit_test(a_window_over_midnight_is_open_on_both_days),
		cmocka_unit_test(windows_that_touch_are_one),
		cmocka_unit_test(the_next_window_is_long_enough),
		cmocka_unit_test(without_windows_it_is_always_open),
	};

	return cmocka_run_group_tests(tests, use_utc, NULL);
}
