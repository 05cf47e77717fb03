// SPDX-License-Identifier: Apache-2.0
/* Movers: what they are ordered, and what an order never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

#include "distribution_impl.h"

#include <errno.h>
#include <policy/pull.h>
#include <site/db.h>
#include <site/distribution.h>
#include <site/pull.h>
#include <stdio.h>

#define CLIENT "abababababababababababababababababababababababababababababababab"

static const char *const names[] = { "\\\\A\\d", "\\\\B\\d", "\\\\C\\d" };

/* Three points, a client, a package of version 2. */
static int set_up(void **state)
{
	scratch_site_make("pull");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = xstrdup(names[i]);
		const struct point p = { .path = path };

		assert_int_equal(point_add(site, &p, NULL), 0);
		free(path);
	}
	scratch_run(
		"INSERT INTO clients(id, name, key, state, facts, enrolled, seen, report_number,"
		" event_number) VALUES('" CLIENT "', 'near', x'00', 'approved', '{}', 0, 0, 0, 0)");
	scratch_run("INSERT INTO packages(name, version, manifest, bytes, files, source, changed)"
		    " VALUES('tools', 2, zeroblob(32), 1, 1, '', 0)");
	return 0;
}

static void wish(const char *point)
{
	const struct distribution_wish w = {
		.package = "tools", .where = point, .verb = DIST_DISTRIBUTE, .priority = DIST_NORMAL
	};

	assert_int_equal(distribution_ask(site, &w, NULL, NULL), 0);
}

/* What the client is to do at its only point, as "SOURCE SOURCE"; "" : nothing. */
static char *ordered(void)
{
	struct pull_order order auto_pull_order = { 0 };
	json_t *orders auto_json = NULL;
	char *text = xstrdup("");
	const json_t *mine;

	assert_int_equal(pull_orders(site, &orders, NULL), 0);
	mine = json_object_get(orders, CLIENT);
	if (!mine)
		return text;
	assert_true(pull_order_from_json(mine, &order, NULL));
	assert_int_equal(order.point_count, 1);
	assert_int_equal(order.points[0].package_count, 1);
	assert_string_equal(order.points[0].packages[0].package, "tools");
	for (size_t i = 0; i < order.points[0].from_count; i++) {
		char *longer = xasprintf("%s%s%s", text, *text ? " " : "", order.points[0].from[i]);

		free(text);
		text = longer;
	}
	return text;
}

static void expect(const char *sources)
{
	auto_free char *found = ordered();

	assert_string_equal(found, sources);
}

static void a_point_is_never_filled_from_itself(void **state)
{
	assert_int_equal(pull_set(site, names[0], "near", names[0], NULL), -EINVAL);
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	assert_int_equal(pull_set(site, names[2], "near", names[1], NULL), 0);
	assert_int_equal(pull_set(site, names[0], "near", names[2], NULL), -EINVAL);
	/* What was refused has changed nothing. */
	assert_int_equal(pull_end(site, names[2], NULL), 0);
	assert_int_equal(pull_set(site, names[0], "near", names[2], NULL), 0);
}

static void a_mover_needs_a_source_and_a_source_a_mover(void **state)
{
	assert_int_equal(pull_set(site, names[0], "near", NULL, NULL), -EINVAL);
	assert_int_equal(pull_set(site, names[0], NULL, names[1], NULL), -EINVAL);
	assert_int_equal(pull_set(site, names[0], "nobody", names[1], NULL), -ENOENT);
	assert_int_equal(pull_set(site, names[0], "near", "\\\\X\\d", NULL), -ENOENT);
}

static void an_order_names_sources_that_have_the_version_in_their_order(void **state)
{
	assert_int_equal(pull_set(site, names[2], "near", "\\\\B\\d,\\\\A\\d", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		wish(names[i]);
	expect("");
	scratch_run("UPDATE distributions SET state = 0, version = 1 WHERE point <> '\\\\C\\d'");
	expect("");
	scratch_run("UPDATE distributions SET version = 2 WHERE point = '\\\\A\\d'");
	expect("\\\\A\\d");
	scratch_run("UPDATE distributions SET version = 2 WHERE point = '\\\\B\\d'");
	expect("\\\\B\\d \\\\A\\d");
	scratch_run("UPDATE points SET maintenance = 1 WHERE path = '\\\\B\\d'");
	expect("\\\\A\\d");
}

static void nothing_is_ordered_of_who_is_not_approved_nor_of_what_is_over(void **state)
{
	assert_int_equal(pull_set(site, names[2], "near", names[0], NULL), 0);
	wish(names[0]);
	wish(names[2]);
	scratch_run("UPDATE distributions SET state = 0, version = 2 WHERE point = '\\\\A\\d'");
	expect("\\\\A\\d");
	scratch_run("UPDATE clients SET state = 'pending'");
	expect("");
	scratch_run("UPDATE clients SET state = 'approved'");
	scratch_run("UPDATE points SET maintenance = 1 WHERE path = '\\\\C\\d'");
	expect("");
	scratch_run("UPDATE points SET maintenance = 0");
	scratch_run("UPDATE distributions SET state = 0, version = 2");
	expect("");
}

/* Packages "p000" and so on, at all three points and wished for at the last two. */
static void many_packages(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		auto_free char *package = xasprintf(
			"INSERT INTO packages(name, version, manifest, bytes, files, source,"
			" changed) VALUES('p%03u', 1, zeroblob(32), 1, 1, '', 0)",
			i);

		scratch_run(package);
	}
	scratch_run("INSERT INTO distributions(package, point, verb, state, version, tries, next, "
		    "bytes,"
		    " changed, asked) SELECT name, path, 0, CASE WHEN path LIKE '%A%' THEN 0 ELSE "
		    "1 END, 1,"
		    " 0, 0, 0, 0, 1 FROM packages, points WHERE name LIKE 'p%'");
}

static void read_order(struct pull_order *order)
{
	json_t *orders auto_json = NULL;

	assert_int_equal(pull_orders(site, &orders, NULL), 0);
	assert_true(pull_order_from_json(json_object_get(orders, CLIENT), order, NULL));
}

static void each_package_comes_from_where_it_is(void **state)
{
	struct pull_order order auto_pull_order = { 0 };

	many_packages(3);
	assert_int_equal(pull_set(site, names[2], "near", "\\\\A\\d,\\\\B\\d", NULL), 0);
	/* A alone has p000 and p002, B alone p001. */
	scratch_run("UPDATE distributions SET state = 0 WHERE point LIKE '%B%'");
	scratch_run("DELETE FROM distributions WHERE package = 'p001' AND point LIKE '%A%'");
	scratch_run("DELETE FROM distributions WHERE package <> 'p001' AND point LIKE '%B%'");
	read_order(&order);
	assert_int_equal(order.point_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct pull_point *p = &order.points[i];

		assert_string_equal(p->to, names[2]);
		assert_int_equal(p->from_count, 1);
		assert_string_equal(p->from[0], names[i]);
		assert_int_equal(p->package_count, i ? 1 : 2);
		assert_string_equal(p->packages[0].package, i ? "p001" : "p000");
	}
}

static void an_order_binds_its_mover_to_the_rates_of_the_point(void **state)
{
	struct pull_order free_order auto_pull_order = { 0 }, bound auto_pull_order = { 0 };

	many_packages(2);
	assert_int_equal(pull_set(site, names[2], "near", names[0], NULL), 0);
	scratch_run("UPDATE points SET rates = '7M' WHERE path LIKE '%A%'"); /* read there, not
										written */
	read_order(&free_order);
	assert_null(free_order.points[0].rates);
	scratch_run("UPDATE points SET rates = 'daily 07:00-19:00 2M; 50M' WHERE path LIKE '%C%'");
	read_order(&bound);
	assert_string_equal(bound.points[0].rates, "daily 07:00-19:00 2M; 50M");
}

static void no_point_takes_the_room_of_an_order_from_the_others(void **state)
{
	struct pull_order order auto_pull_order = { 0 };

	many_packages(PULL_PACKAGES_MAX);
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	assert_int_equal(pull_set(site, names[2], "near", names[0], NULL), 0);
	read_order(&order);
	assert_int_equal(order.point_count, 2);
	assert_int_equal(order.points[0].package_count, PULL_PACKAGES_MAX / 2);
	assert_int_equal(order.points[1].package_count, PULL_PACKAGES_MAX / 2);
}

static int64_t count(const char *text)
{
	struct query q = query_begin(site, text);
	int64_t number;

	assert_true(query_row(&q));
	number = query_number_at(&q, 0);
	assert_int_equal(query_end(&q, NULL), 0);
	return number;
}

static void only_what_the_order_has_room_for_is_ordered(void **state)
{
	json_t *wishes auto_json = NULL;

	many_packages(PULL_PACKAGES_MAX + 10);
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	assert_int_equal(pull_ordered(site, names[2], &wishes, NULL), 0);
	assert_int_equal(json_object_size(wishes), 0); /* no mover */
	json_decref(wishes);
	assert_int_equal(pull_ordered(site, names[1], &wishes, NULL), 0);
	assert_int_equal(json_object_size(wishes), PULL_PACKAGES_MAX);
	assert_int_equal(json_integer_value(json_object_get(wishes, "p000")), 1);
	json_decref(wishes);
	assert_int_equal(pull_set(site, names[2], "near", names[0], NULL), 0);
	assert_int_equal(pull_ordered(site, names[1], &wishes, NULL), 0);
	assert_int_equal(json_object_size(wishes), PULL_PACKAGES_MAX / 2);
}

static void what_has_no_room_waits_and_says_so(void **state)
{
	static const char *const busy[] = { "\\\\A\\d", "\\\\C\\d" };
	json_t *others auto_json = json_array();
	atomic_bool stop = false;
	struct distribution_job *job;

	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		json_array_append_new(others, json_string(busy[i]));
	many_packages(PULL_PACKAGES_MAX + 10);
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	scratch_run("UPDATE distributions SET asked_s = unixepoch() WHERE point LIKE '%B%'");
	scratch_run("UPDATE distributions SET ordered = asked WHERE point LIKE '%B%' AND package < "
		    "'p128'");
	scratch_run("UPDATE distributions SET next = unixepoch() + 100 WHERE package < 'p130'");
	assert_int_equal(distribution_take(site, others, &job, NULL), 0);
	assert_non_null(job);
	assert_int_equal(distribution_do(site, job, &stop, NULL), 0);
	distribution_job_free(job);
	assert_int_equal(count("SELECT count(*) FROM distributions WHERE point LIKE '%B%' AND"
			       " ordered = asked"),
			 PULL_PACKAGES_MAX);
	/* All of them, for one look at the order. */
	assert_int_equal(
		count("SELECT count(*) FROM distributions WHERE next < unixepoch() + 50 AND"
		      " state = 1 AND reason LIKE '%client \"near\"%more urgent%'"),
		10);
	assert_int_equal(distribution_take(site, others, &job, NULL), 0);
	assert_null(job);
}

/* What the wish for the second point waits for. */
static void expect_waits(const char *what)
{
	json_t *rows auto_json = distribution_list(site, "tools", NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *waits = json_string_value(json_object_get(row, "waits"));

		if (!strcmp(json_string_value(json_object_get(row, "point")), names[1]))
			assert_string_equal(waits, what);
	}
	assert_int_equal(json_array_size(rows), 2);
}

static void do_next(void)
{
	json_t *nobody auto_json = json_array();
	atomic_bool stop = false;
	struct distribution_job *job;

	assert_int_equal(distribution_take(site, nobody, &job, NULL), 0);
	assert_non_null(job);
	assert_int_equal(distribution_do(site, job, &stop, NULL), 0);
	distribution_job_free(job);
}

static void a_wish_tells_a_source_without_the_version_from_an_order_that_is_not_out(void **state)
{
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	wish(names[0]);
	wish(names[1]);
	expect_waits("source");
	scratch_run("UPDATE distributions SET state = 0, version = 1 WHERE point LIKE '%A%'");
	expect_waits("source");
	scratch_run("UPDATE distributions SET version = 2 WHERE point LIKE '%A%'");
	expect_waits("order");
	scratch_run("UPDATE points SET maintenance = 1 WHERE path LIKE '%A%'");
	expect_waits("source");
	scratch_run("UPDATE points SET maintenance = 0");
	scratch_run("UPDATE distributions SET ordered = asked WHERE point LIKE '%B%'");
	expect_waits("mover");
}

static void what_a_source_has_got_is_looked_at_again_at_once(void **state)
{
	const struct transfer_result result = { .bytes_sent = 1 };
	struct distribution_job done = { .package = (char *)(uintptr_t) "tools",
					 .point = (char *)(uintptr_t)names[0],
					 .verb = DIST_DISTRIBUTE,
					 .site = site };

	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		wish(names[i]);
	scratch_run("UPDATE distributions SET next = unixepoch() + 5");
	assert_int_equal(distribution_done(&done, &result, 2, NULL), 0);
	assert_int_equal(count("SELECT count(*) FROM distributions WHERE next = 0 AND state = 1"
			       " AND point LIKE '%B%'"),
			 1);
	assert_int_equal(count("SELECT count(*) FROM distributions WHERE next > 0"), 1);
}

/* There is no account for the points. */
static void an_order_that_cannot_be_published_is_one_try(void **state)
{
	assert_int_equal(pull_set(site, names[1], "near", names[0], NULL), 0);
	wish(names[0]);
	wish(names[1]);
	scratch_run(
		"UPDATE distributions SET state = 0, version = 2, changed = unixepoch() WHERE point"
		" LIKE '%A%'");
	scratch_run("UPDATE distributions SET asked_s = 0 WHERE point LIKE '%B%'"); /* late, too */
	do_next();
	assert_int_equal(count("SELECT tries FROM distributions WHERE point LIKE '%B%'"), 1);
	assert_int_equal(count("SELECT count(*) FROM distributions WHERE state = 2 AND ordered <>"
			       " asked AND next > unixepoch() + 60"),
			 1);
}

static void each_wish_has_a_number_of_its_own(void **state)
{
	int64_t numbers[3];

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct query q;

		wish(names[0]);
		q = query_begin(site, "SELECT asked FROM distributions");
		assert_true(query_row(&q));
		numbers[i] = query_number_at(&q, 0);
		assert_int_equal(query_end(&q, NULL), 0);
		if (i == 1) /* also behind one that was taken back */
			scratch_run("DELETE FROM distributions");
	}
	assert_true(numbers[0] < numbers[1] && numbers[1] < numbers[2]);
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_site_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(a_point_is_never_filled_from_itself),
		SITE_TEST(a_mover_needs_a_source_and_a_source_a_mover),
		SITE_TEST(an_order_names_sources_that_have_the_version_in_their_order),
		SITE_TEST(nothing_is_ordered_of_who_is_not_approved_nor_of_what_is_over),
		SITE_TEST(each_package_comes_from_where_it_is),
		SITE_TEST(an_order_binds_its_mover_to_the_rates_of_the_point),
		SITE_TEST(no_point_takes_the_room_of_an_order_from_the_others),
		SITE_TEST(only_what_the_order_has_room_for_is_ordered),
		SITE_TEST(what_has_no_room_waits_and_says_so),
		SITE_TEST(a_wish_tells_a_source_without_the_version_from_an_order_that_is_not_out),
		SITE_TEST(what_a_source_has_got_is_looked_at_again_at_once),
		SITE_TEST(an_order_that_cannot_be_published_is_one_try),
		SITE_TEST(each_wish_has_a_number_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
