// SPDX-License-Identifier: Apache-2.0
/* The moves of a package on a distribution point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <site/db.h>
#include <site/distribution.h>
#include <stdlib.h>
#include <time.h>

static void only_a_good_try_installs(void **state)
{
	static const enum distribution_verb verbs[] = { DIST_DISTRIBUTE, DIST_REDISTRIBUTE,
							DIST_VALIDATE };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		assert_int_equal(distribution_move(verbs[i], true, true), DIST_INSTALLED);
		assert_int_equal(distribution_move(verbs[i], false, true), DIST_INSTALL_RETRYING);
		assert_int_equal(distribution_move(verbs[i], false, false), DIST_INSTALL_FAILED);
	}
}

static void a_removal_that_fails_is_a_removal_still(void **state)
{
	assert_int_equal(distribution_move(DIST_REMOVE, false, true), DIST_REMOVAL_RETRYING);
	assert_int_equal(distribution_move(DIST_REMOVE, false, false), DIST_REMOVAL_FAILED);
}

static void the_numbers_are_those_that_are_known(void **state)
{
	assert_string_equal(distribution_state_name((enum distribution_state)0), "installed");
	assert_string_equal(distribution_state_name((enum distribution_state)3), "install-failed");
	assert_string_equal(distribution_state_name((enum distribution_state)6), "removal-failed");
	assert_string_equal(distribution_state_name((enum distribution_state)7), "unknown");
}

static void run(struct site *site, const char *sql, int64_t number)
{
	struct query q = query_begin(site, sql);

	if (number)
		query_number(&q, number);
	assert_int_equal(query_run(&q, NULL), 0);
}

static bool is_due(struct site *site)
{
	json_t *busy auto_json = json_array();
	struct distribution_job *job;
	bool due;

	assert_int_equal(distribution_take(site, busy, &job, NULL), 0);
	due = job != NULL;
	distribution_job_free(job);
	return due;
}

static void a_clock_that_was_ahead_stops_no_retry(void **state)
{
	char dir[] = "/var/tmp/berth-distribution-XXXXXX";
	auto_free char *command = xasprintf("rm -rf %s", mkdtemp(dir)), *why = NULL;
	int64_t now = (int64_t)time(NULL);
	struct site *site;

	assert_int_equal(site_create(dir, "P01", NULL, &why), 0);
	assert_int_equal(site_open(dir, &site, &why), 0);
	run(site, "INSERT INTO packages VALUES('p', 1, zeroblob(32), 0, 0, '/', 0)", 0);
	run(site,
	    "INSERT INTO points(path, address, port, priority, is_protected, boundaries)"
	    " VALUES('\\\\FS\\s', '127.0.0.1', 1, 0, 0, '')",
	    0);
	run(site,
	    "INSERT INTO distributions(package, point, verb, state, version, tries, next, bytes,"
	    " reason, changed) VALUES('p', '\\\\FS\\s', 0, 2, 0, 1, ?1, 0, '', 0)",
	    4000000000);
	assert_true(is_due(site));
	/* What is put off by as much as it can be is tried again in its time, and not before. */
	run(site, "UPDATE distributions SET next = ?1", now + 600);
	assert_false(is_due(site));
	run(site, "UPDATE distributions SET next = ?1", now - 1);
	assert_true(is_due(site));
	/* Where its point is reached again, it is tried at once; what is given up stays so. */
	run(site, "UPDATE distributions SET next = ?1", now + 600);
	assert_int_equal(distribution_hurry(site, "\\\\FS\\other", NULL), 0);
	assert_false(is_due(site));
	assert_int_equal(distribution_hurry(site, "\\\\fs\\s", NULL), 0);
	assert_true(is_due(site));
	run(site, "UPDATE distributions SET state = 3", 0);
	assert_int_equal(distribution_hurry(site, "\\\\FS\\s", NULL), 0);
	assert_false(is_due(site));
	site_close(site);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_good_try_installs),
		cmocka_unit_test(a_removal_that_fails_is_a_removal_still),
		cmocka_unit_test(a_clock_that_was_ahead_stops_no_retry),
		cmocka_unit_test(the_numbers_are_those_that_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
