// SPDX-License-Identifier: Apache-2.0
/* A failover by its parts: they add up, and what is not known is counted into the next. */
#include <cluster/failover.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static long part_ms(const json_t *told, const char *name)
{
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(told, "parts"), i, part)
	{
		if (!strcmp(json_string_value(json_object_get(part, "part")), name))
			return (long)json_integer_value(json_object_get(part, "ms"));
	}
	return -1;
}

static void they_add_up(const json_t *told)
{
	json_int_t sum = 0;
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(told, "parts"), i, part) sum +=
		json_integer_value(json_object_get(part, "ms"));
	assert_int_equal(sum, json_integer_value(json_object_get(told, "total_ms")));
}

#define T0 1700000000000

static struct failover loss(void)
{
	return (struct failover){ .kind = FAILOVER_LOSS,
				  .from = "n1",
				  .to = "n2",
				  .leaving = T0,
				  .lost = T0 + 1100,
				  .fencing = T0 + 1300,
				  .fenced = T0 + 1340,
				  .mounting = T0 + 1400,
				  .mounted = T0 + 1600,
				  .starting = T0 + 1800,
				  .online = T0 + 1900 };
}

static void a_loss_has_six_parts(void **state)
{
	struct failover f = loss();
	json_t *told = failover_json(&f);

	assert_int_equal(json_array_size(json_object_get(told, "parts")), 6);
	assert_int_equal(part_ms(told, "detection"), 1100);
	assert_int_equal(part_ms(told, "decision"), 200);
	assert_int_equal(part_ms(told, "fencing"), 40);
	assert_int_equal(part_ms(told, "mount"), 260);
	assert_int_equal(part_ms(told, "address"), 200);
	assert_int_equal(part_ms(told, "service"), 100);
	they_add_up(told);
	json_decref(told);
}

static void what_is_not_known_is_counted_into_the_next(void **state)
{
	struct failover f = loss();
	json_t *told;

	f.fencing = f.fenced = 0;
	told = failover_json(&f);
	assert_int_equal(part_ms(told, "decision"), -1);
	assert_int_equal(part_ms(told, "mount"), 500);
	they_add_up(told);
	json_decref(told);
}

static void clocks_that_do_not_agree_are_left_out(void **state)
{
	static const int64_t odd[] = { T0 + 86400000, T0 - 86400000, 0, -5, INT64_MIN, INT64_MAX };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct failover f = loss();
		json_t *told;

		f.leaving = odd[i];
		told = failover_json(&f);
		assert_int_equal(json_integer_value(json_object_get(told, "total_ms")), 800);
		they_add_up(told);
		json_decref(told);
		f.mounted = odd[i];
		told = failover_json(&f);
		they_add_up(told);
		json_decref(told);
	}
}

static void a_move_begins_with_the_stop_of_the_old_owner(void **state)
{
	struct failover f = loss();
	json_t *told;

	f.kind = FAILOVER_MOVE;
	told = failover_json(&f);
	assert_int_equal(part_ms(told, "stop"), 1400);
	assert_int_equal(part_ms(told, "detection"), -1);
	they_add_up(told);
	json_decref(told);
}

static void a_restart_does_not_count_the_mount_of_long_ago(void **state)
{
	struct failover f = loss();
	json_t *told;

	f.kind = FAILOVER_RESTART;
	f.mounting = f.mounted = T0 - 5000;
	told = failover_json(&f);
	assert_int_equal(part_ms(told, "detection"), 1800);
	assert_int_equal(part_ms(told, "mount"), -1);
	assert_int_equal(part_ms(told, "service"), 100);
	they_add_up(told);
	json_decref(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_has_six_parts),
		cmocka_unit_test(what_is_not_known_is_counted_into_the_next),
		cmocka_unit_test(clocks_that_do_not_agree_are_left_out),
		cmocka_unit_test(a_move_begins_with_the_stop_of_the_old_owner),
		cmocka_unit_test(a_restart_does_not_count_the_mount_of_long_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
