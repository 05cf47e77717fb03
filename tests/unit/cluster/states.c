// SPDX-License-Identifier: Apache-2.0
/* The tables of the engine: moves between states, choice of the next owner, records. */
#include <cluster/cluster.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define O  CLUSTER_OFFLINE
#define S  CLUSTER_STANDBY
#define OP CLUSTER_ONLINE_PENDING
#define ON CLUSTER_ONLINE
#define FP CLUSTER_OFFLINE_PENDING
#define F  CLUSTER_FAILED

static void only_the_moves_of_the_table_are_allowed(void **state)
{
	static const struct {
		enum cluster_state from, to;
	} allowed[] = {
		{ O, S },   { S, O },  { S, OP }, { S, F },   { OP, ON }, { OP, FP }, { OP, F },
		{ ON, FP }, { FP, O }, { FP, S }, { FP, OP }, { FP, F },  { F, O },   { F, S },
	};

	for (int from = 0; from < CLUSTER_STATES; from++) {
		for (int to = 0; to < CLUSTER_STATES; to++) {
			bool expected = false;

			for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
				expected |=
					(int)allowed[i].from == from && (int)allowed[i].to == to;
			assert_int_equal(cluster_move_allowed((enum cluster_state)from,
							      (enum cluster_state)to),
					 expected);
		}
	}
}

static void a_state_is_read_as_it_is_written(void **state)
{
	enum cluster_state read;

	for (int i = 0; i < CLUSTER_STATES; i++) {
		assert_true(cluster_state_parse(cluster_state_name((enum cluster_state)i), &read));
		assert_int_equal(read, i);
	}
	assert_false(cluster_state_parse("up", &read));
}

static void the_next_owner_is_the_next_living_preferred_one(void **state)
{
	static const struct node_record nodes[] = {
		{ .name = "n1", .is_alive = true },
		{ .name = "n2", .is_alive = true },
		{ .name = "n3", .is_alive = false },
		{ .name = "n4", .is_alive = true },
	};
	static const struct {
		const char *preferred[3], *current, *next;
	} rows[] = {
		{ { NULL }, "n1", "n2" },	{ { NULL }, "n2", "n4" },
		{ { NULL }, "n4", "n1" },	{ { "n4", "n1" }, "n4", "n1" },
		{ { "n4", "n1" }, "n1", "n4" }, { { "n4", "n1" }, "n2", "n4" },
		{ { "n3" }, "n1", "n2" },	{ { "n1", "n3", "n2" }, "n1", "n2" },
		{ { "N2" }, "n1", "n2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_record record = { 0 };

		for (size_t p = 0; p < 3 && rows[i].preferred[p]; p++)
			snprintf(record.preferred[record.preferred_count++], CLUSTER_MAX_NAME, "%s",
				 rows[i].preferred[p]);
		assert_string_equal(
			cluster_choose(&record, nodes, ARRAY_LEN(nodes), rows[i].current),
			rows[i].next);
	}
	assert_string_equal(cluster_choose(&(struct server_record){ 0 }, nodes, 1, "n1"), "");
}

static void names_that_lead_elsewhere_are_no_names(void **state)
{
	static const char *const bad[] = { "",	  ".",	"..",	    ".x", "a/b",
					   "a b", "-a", "\xc3\xa4", "a\n" };
	static const char *const good[] = { "FS", "node1", "a.b", "x_y-z" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(cluster_name_ok(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(cluster_name_ok(good[i]));
}

static void a_record_that_lacks_something_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"name\":\"FS\"}",
		"{\"name\":\"FS\",\"volume\":\"relative\",\"want\":\"online\",\"generation\":0}",
		"{\"name\":\"../x\",\"volume\":\"/v\",\"want\":\"online\",\"generation\":0}",
		"{\"name\":\"FS\",\"volume\":\"/v\",\"want\":\"maybe\",\"generation\":0}",
		"{\"name\":\"FS\",\"volume\":\"/v\",\"want\":\"online\",\"generation\":-1}",
		"{\"name\":\"FS\",\"volume\":\"/v\",\"want\":\"online\",\"generation\":0,"
		"\"policy\":{\"restart_threshold\":-5}}",
		"{\"name\":\"FS\",\"name\":\"FS\",\"volume\":\"/"
		"v\",\"want\":\"online\",\"generation\":0}",
	};
	struct server_record record;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why = NULL;
		assert_false(server_record_parse(bad[i], strlen(bad[i]), &record, &why));
		assert_non_null(why);
		server_record_free(&record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_moves_of_the_table_are_allowed),
		cmocka_unit_test(a_state_is_read_as_it_is_written),
		cmocka_unit_test(the_next_owner_is_the_next_living_preferred_one),
		cmocka_unit_test(names_that_lead_elsewhere_are_no_names),
		cmocka_unit_test(a_record_that_lacks_something_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
