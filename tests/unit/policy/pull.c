// SPDX-License-Identifier: Apache-2.0
/* Orders to movers: what a site writes is what a mover reads, and nothing else is taken. */
#include <policy/pull.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HASH "abababababababababababababababababababababababababababababababab"

static json_t *package(void)
{
	return json_pack("{s:s, s:s, s:i, s:s}", "package", "tools", "manifest", HASH, "number", 3,
			 "mode", "repair");
}

static json_t *order(void)
{
	return json_pack("{s:s, s:[{s:s, s:[s, s], s:[o]}]}", "_type", "pull", "points", "to",
			 "\\\\FS2\\d", "from", "\\\\FS\\d", "\\\\FS3\\d", "packages", package());
}

static json_t *report(void)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:i}", "to", "\\\\FS2\\d",
			 "package", "tools", "manifest", HASH, "number", 3, "state", PULL_DONE,
			 "reason", "", "sent", 5, "bad", 0, "time_s", 7);
}

static bool is_taken(const json_t *body)
{
	struct pull_order read auto_pull_order = { 0 };

	return pull_order_from_json(body, &read, NULL);
}

static void an_order_comes_back_as_it_was_written(void **state)
{
	json_t *body auto_json = order(), *again auto_json = NULL;
	struct pull_order read auto_pull_order = { 0 };

	assert_true(pull_order_from_json(body, &read, NULL));
	assert_int_equal(read.point_count, 1);
	assert_string_equal(read.points[0].to, "\\\\FS2\\d");
	assert_int_equal(read.points[0].from_count, 2);
	assert_string_equal(read.points[0].from[1], "\\\\FS3\\d");
	assert_int_equal(read.points[0].packages[0].number, 3);
	assert_int_equal(read.points[0].packages[0].mode, PULL_REPAIR);
	assert_int_equal(read.points[0].packages[0].manifest[31], 0xab);
	again = pull_order_to_json(&read);
	assert_true(json_equal(body, again));
}

static json_t *first_point(const json_t *body)
{
	return json_array_get(json_object_get(body, "points"), 0);
}

static void an_order_may_say_how_fast_and_says_it_right(void **state)
{
	static const char *const wrong[] = { "", "fast", "daily 11:00-13:00", "2T" };
	json_t *body auto_json = order(), *again auto_json = NULL;
	struct pull_order read auto_pull_order = { 0 };

	json_object_set_new(first_point(body), "rates", json_string("daily 07:00-19:00 2M; 50M"));
	assert_true(pull_order_from_json(body, &read, NULL));
	assert_string_equal(read.points[0].rates, "daily 07:00-19:00 2M; 50M");
	again = pull_order_to_json(&read);
	assert_true(json_equal(body, again));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		json_object_set_new(first_point(body), "rates", json_string(wrong[i]));
		assert_false(is_taken(body));
	}
	json_object_set_new(first_point(body), "rates", json_integer(5));
	assert_false(is_taken(body));
}

static void an_order_that_lacks_anything_is_refused(void **state)
{
	static const char *const of_point[] = { "to", "from", "packages" };
	static const char *const of_package[] = { "package", "manifest", "number", "mode" };

	for (size_t i = 0; i < ARRAY_LEN(of_point); i++) {
		json_t *body auto_json = order();

		json_object_del(first_point(body), of_point[i]);
		assert_false(is_taken(body));
	}
	for (size_t i = 0; i < ARRAY_LEN(of_package); i++) {
		json_t *body auto_json = order();

		json_object_del(json_array_get(json_object_get(first_point(body), "packages"), 0),
				of_package[i]);
		assert_false(is_taken(body));
	}
}

static void an_order_has_limits(void **state)
{
	json_t *many auto_json = order(), *sources auto_json = order(), *points auto_json = order();

	for (size_t i = 0; i < PULL_PACKAGES_MAX; i++)
		json_array_append_new(json_object_get(first_point(many), "packages"), package());
	for (size_t i = 0; i < PULL_SOURCES_MAX; i++)
		json_array_append_new(json_object_get(first_point(sources), "from"),
				      json_string("x"));
	for (size_t i = 0; i < PULL_POINTS_MAX; i++)
		json_array_append(json_object_get(points, "points"), first_point(points));
	assert_false(is_taken(many));
	assert_false(is_taken(sources));
	assert_false(is_taken(points));
}

static void a_report_is_of_its_form_or_counts_for_nothing(void **state)
{
	json_t *good auto_json = report(), *odd auto_json = report();
	const char *name;
	json_t *value;

	assert_true(pull_report_check(good));
	json_object_set_new(odd, "state", json_string("perhaps"));
	assert_false(pull_report_check(odd));
	json_object_foreach(good, name, value)
	{
		json_t *less auto_json = report();

		json_object_del(less, name);
		assert_false(pull_report_check(less));
		json_object_set_new(less, name, json_null());
		assert_false(pull_report_check(less));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_comes_back_as_it_was_written),
		cmocka_unit_test(an_order_that_lacks_anything_is_refused),
		cmocka_unit_test(an_order_may_say_how_fast_and_says_it_right),
		cmocka_unit_test(an_order_has_limits),
		cmocka_unit_test(a_report_is_of_its_form_or_counts_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
