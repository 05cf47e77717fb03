// SPDX-License-Identifier: Apache-2.0
/* The status of a site: what was asked of it and has not come about, and what is doubted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

#include <content/document.h>
#include <site/db.h>
#include <site/deploy.h>
#include <site/object.h>
#include <status_impl.h>
#include <stdlib.h>

static int set_up(void **state)
{
	scratch_site_make("status");
	return 0;
}

static void expect_trouble(size_t lines, const char *name, int64_t count, const char *sentence)
{
	json_t *status auto_json = site_status(site, NULL);
	json_t *list = json_object_get(status, "troubles");
	json_t *work = json_object_get(status, "work");

	assert_int_equal(json_array_size(list), lines);
	assert_int_equal(json_integer_value(json_object_get(work, name)), count);
	if (lines)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(list, lines - 1), "text")),
			sentence);
}

static enum health health_of_work(void)
{
	json_t *status auto_json = json_object();

	return status_put_work(site, status);
}

static void a_package_that_is_not_where_it_should_be_is_told(void **state)
{
	expect_trouble(0, "packages_misplaced", 0, NULL);
	scratch_run("INSERT INTO packages VALUES('p', 1, zeroblob(32), 0, 0, '/', 0)");
	scratch_run("INSERT INTO points(path, address, port, priority, is_protected, boundaries)"
		    " VALUES('\\\\FS\\s', '127.0.0.1', 1, 0, 0, '')");
	scratch_run("INSERT INTO distributions(package, point, verb, state, version, tries, next, "
		    "bytes,"
		    " reason, changed) VALUES('p', '\\\\FS\\s', 0, 2, 0, 1, 1, 0, 'why', 0)");
	expect_trouble(1, "packages_misplaced", 1, "1 package is not where it should be");
	/* The first failure may be a failover that passes. */
	assert_int_equal(health_of_work(), HEALTH_OK);
	scratch_run("UPDATE distributions SET tries = 2");
	assert_int_equal(health_of_work(), HEALTH_WARNING);
	scratch_run("UPDATE distributions SET tries = 1, state = 3");
	assert_int_equal(health_of_work(), HEALTH_WARNING);
	scratch_run("UPDATE points SET maintenance = 1");
	expect_trouble(0, "packages_misplaced", 0, NULL);
	scratch_run("UPDATE points SET maintenance = 0, reason = 'offline'");
	scratch_run("UPDATE distributions SET state = 0");
	expect_trouble(1, "points_unpublished", 1,
		       "1 distribution point could not be given the policy");
	assert_int_equal(health_of_work(), HEALTH_WARNING);
}

static void a_deployment_that_failed_is_told_with_its_clients(void **state)
{
	scratch_run("INSERT INTO packages VALUES('p', 1, zeroblob(32), 0, 0, '/', 0)");
	scratch_run("INSERT INTO programs VALUES('p', 'install', '[\"/bin/true\"]', '', 1, '[]',"
		    " 'report')");
	scratch_run("INSERT INTO collections(name, comment) VALUES('all', '')");
	scratch_run("INSERT INTO deployments VALUES('P0100001', 'p', 'install', 'all', 'required', "
		    "'never',"
		    " 0, 0, 0, 0, 0, 1, 0)");
	scratch_run(
		"INSERT INTO clients VALUES('a', 'pc1', x'00', 'approved', '{}', 0, 0, 0, 0, 0),"
		" ('b', 'pc2', x'00', 'approved', '{}', 0, 0, 0, 0, 0)");
	scratch_run("INSERT INTO client_deployments SELECT id, 'P0100001', 1, 1, 'failed', 0, '', "
		    "1, 0, ''"
		    " FROM clients");
	expect_trouble(1, "deployments_failed", 1, "1 deployment has failed on 2 clients");
	expect_trouble(1, "clients_failed", 2, "1 deployment has failed on 2 clients");
	assert_int_equal(health_of_work(), HEALTH_OK);
	scratch_run("UPDATE client_deployments SET state = 'succeeded'");
	expect_trouble(0, "clients_failed", 0, NULL);
}

static int64_t rechecks(void)
{
	struct query q = query_begin(site, "SELECT recheck FROM objects");
	int64_t count = query_row(&q) ? query_number_at(&q, 0) : -1;

	assert_int_equal(query_end(&q, NULL), 0);
	return count;
}

static void an_object_is_looked_at_again_where_work_says_otherwise(void **state)
{
	struct object o = { .role = xstrdup("file-server"),
			    .path = xstrdup("\\\\FS\\s"),
			    .thresholds = { -1, -1, -1, -1 } };

	assert_int_equal(object_add(site, &o, NULL), 0);
	o.state.reach = REACH_OK;
	assert_int_equal(object_state_save(site, &o, 1, "{}", NULL), 0);
	object_doubt(site, "\\\\FS\\s", true);
	object_doubt(site, "\\\\FS\\other", false);
	assert_int_equal(rechecks(), 0);
	object_doubt(site, "\\\\fs\\s", false);
	assert_int_equal(rechecks(), 1);
	o.state.reach = REACH_DOWN;
	assert_int_equal(object_state_save(site, &o, 1, "{}", NULL), 0);
	object_doubt(site, "\\\\FS\\s", false);
	assert_int_equal(rechecks(), 1);
	object_doubt(site, "\\\\FS\\s", true);
	assert_int_equal(rechecks(), 2);
	object_free(&o);
}

static void a_point_that_is_reached_again_is_given_the_policy(void **state)
{
	struct object o = { .role = xstrdup("file-server"),
			    .path = xstrdup("\\\\FS\\s"),
			    .thresholds = { -1, -1, -1, -1 } };

	assert_int_equal(object_add(site, &o, NULL), 0);
	scratch_run("INSERT INTO points(path, address, port, priority, is_protected, boundaries, "
		    "reason)"
		    " VALUES('\\\\fs\\s', '127.0.0.1', 1, 0, 0, '', 'offline')");
	o.state = (struct watch_state){ .reach = REACH_DOWN, .changed_s = 100 };
	assert_int_equal(object_state_save(site, &o, 1, "{}", NULL), 0);
	assert_false(policy_is_awaited(site, 50));
	o.state.reach = REACH_OK;
	assert_int_equal(object_state_save(site, &o, 1, "{}", NULL), 0);
	assert_true(policy_is_awaited(site, 50));
	/* It was well before, so that is not what was missing. */
	assert_false(policy_is_awaited(site, 101));
	scratch_run("UPDATE points SET reason = NULL");
	assert_false(policy_is_awaited(site, 50));
	object_free(&o);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_site_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_package_that_is_not_where_it_should_be_is_told),
		TEST(a_deployment_that_failed_is_told_with_its_clients),
		TEST(a_point_that_is_reached_again_is_given_the_policy),
		TEST(an_object_is_looked_at_again_where_work_says_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
