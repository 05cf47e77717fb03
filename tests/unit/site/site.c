// SPDX-License-Identifier: Apache-2.0
/* The site's directory and database: making, owning, settings, objects, messages, rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

#include <errno.h>
#include <site/db.h>
#include <site/library.h>
#include <site/message.h>
#include <site/object.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
	scratch_site_make("site");
	return 0;
}

static struct object share(const char *path)
{
	return (struct object){ .role = xstrdup("file-server"),
				.path = xstrdup(path),
				.check_admin = true,
				.thresholds = { -1, -1, -1, -1 } };
}

static void a_site_is_made_once_and_its_database_is_private(void **state)
{
	auto_free char *path = xasprintf("%s/site.db", dir), *why = NULL;
	struct stat st;

	assert_int_equal(site_create(dir, "P01", NULL, &why), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(site_code(site), "P01");
}

static void a_code_that_is_none_is_refused(void **state)
{
	static const char *const codes[] = { "", "P", "P001", "p01", "P 1", "../" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		auto_free char *why = NULL;

		assert_int_equal(site_create("/nonexistent", codes[i], NULL, &why), -EINVAL);
		assert_non_null(why);
	}
}

static void a_directory_without_a_site_says_how_to_make_one(void **state)
{
	auto_free char *why = NULL;
	struct site *none;

	assert_int_equal(site_open("/var/tmp", &none, &why), -ENOENT);
	assert_non_null(strstr(why, "berth site init"));
}

static void one_server_at_a_time_owns_a_site(void **state)
{
	auto_free char *why = NULL;
	struct site *other;

	assert_int_equal(site_open(dir, &other, &why), 0);
	assert_false(site_is_owned(site));
	assert_int_equal(site_own(other, &why), 0);
	assert_true(site_is_owned(site));
	assert_int_equal(site_own(site, &why), -EBUSY);
	assert_non_null(strstr(why, "another berth-site"));
	site_close(other);
	assert_false(site_is_owned(site));
	assert_int_equal(site_own(site, &why), 0);
}

static void a_database_of_a_newer_program_is_not_touched(void **state)
{
	auto_free char *why = NULL;
	struct query q = query_begin(site, "PRAGMA user_version = 9999");
	struct site *other;

	assert_int_equal(query_run(&q, &why), 0);
	assert_int_equal(site_open(dir, &other, &why), -EPROTONOSUPPORT);
	assert_non_null(strstr(why, "newer version"));
}

static void a_damaged_database_is_named_and_refused(void **state)
{
	auto_free char *path = xasprintf("%s/site.db", dir), *why = NULL;
	struct site *other;
	FILE *f;

	site_close(site);
	site = NULL;
	f = fopen(path, "r+e");
	assert_non_null(f);
	fwrite("this is no database, whatever it was before", 1, 43, f);
	fclose(f);
	assert_int_equal(site_open(dir, &other, &why), -EUCLEAN);
	assert_non_null(why);
}

static void a_setting_is_checked_and_has_a_default(void **state)
{
	auto_free char *why = NULL;

	assert_int_equal(site_setting_number(site, "interval_s"), 3600);
	assert_int_equal(site_setting_set(site, "interval_s", "60", &why), 0);
	assert_int_equal(site_setting_number(site, "interval_s"), 60);
	assert_int_equal(site_setting_set(site, "interval_s", "1", &why), -EINVAL);
	assert_int_equal(site_setting_set(site, "interval_s", "60x", &why), -EINVAL);
	assert_int_equal(site_setting_set(site, "nonsense", "1", &why), -ENOENT);
	assert_int_equal(site_setting_number(site, "interval_s"), 60);
}

static void an_object_knows_its_system_and_is_watched_once_in_a_role(void **state)
{
	auto_free char *why = NULL;
	struct object o = share("//FS/distro_test/"), again = share("\\\\fs\\DISTRO_TEST"), found;

	assert_int_equal(object_add(site, &o, &why), 0);
	assert_string_equal(o.path, "\\\\FS\\distro_test");
	assert_string_equal(o.system, "\\\\FS");
	assert_int_equal(object_add(site, &again, &why), -EEXIST);
	assert_int_equal(object_find(site, "\\\\fs\\distro_test", NULL, &found, &why), 0);
	assert_int_equal(found.id, o.id);
	assert_int_equal(found.state.reach, REACH_NEVER);
	assert_int_equal(found.state.space, HEALTH_UNKNOWN);
	object_free(&found);
	assert_int_equal(object_remove(site, "\\\\FS\\distro_test", NULL, &why), 0);
	assert_int_equal(object_find(site, "\\\\FS\\distro_test", NULL, &found, &why), -ENOENT);
	object_free(&o);
	object_free(&again);
}

static void a_point_is_watched_as_long_as_it_is_one(void **state)
{
	auto_free char *why = NULL, *path = xstrdup("\\\\FS\\distro_test");
	struct object o = share("\\\\fs\\distro_test"), other = share("\\\\FS\\distro_test");
	struct point point = { .path = path };

	free(o.role);
	o.role = xstrdup("distribution-point");
	assert_int_equal(object_add(site, &o, &why), 0);
	assert_int_equal(object_add(site, &other, &why), 0);
	assert_int_equal(point_add(site, &point, &why), 0);
	assert_int_equal(object_remove(site, path, "file-server", &why), 0);
	assert_int_equal(object_remove(site, path, NULL, &why), -EBUSY);
	assert_non_null(strstr(why, "remove-dp"));
	assert_int_equal(point_remove(site, path, &why), 0);
	assert_int_equal(object_remove(site, path, NULL, &why), 0);
	object_free(&o);
	object_free(&other);
}

/* As the program before left it. */
static void a_point_that_was_left_unwatched_is_watched_again(void **state)
{
	auto_free char *why = NULL, *path = xstrdup("\\\\FS\\distro_test");
	struct point point = { .path = path, .port = 1445, .is_maintained = true };
	struct object found;
	struct query q;

	assert_int_equal(point_add(site, &point, &why), 0);
	assert_int_equal(object_find(site, path, NULL, &found, &why), -ENOENT);
	q = query_begin(site, "PRAGMA user_version = 8");
	assert_int_equal(query_run(&q, &why), 0);
	site_close(site);
	assert_int_equal(site_open(dir, &site, &why), 0);
	assert_int_equal(object_find(site, path, "distribution-point", &found, &why), 0);
	assert_string_equal(found.system, "\\\\FS");
	assert_true(found.port == 1445 && found.paused && found.kind == OBJECT_SHARE);
	object_free(&found);
}

static void what_is_no_path_or_no_role_is_refused(void **state)
{
	static const char *const paths[] = {
		"", "FS", "\\\\FS", "\\\\FS\\", "\\\\\\x", "relative/x"
	};
	auto_free char *why = NULL;
	struct object o;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		o = share(paths[i]);
		assert_int_equal(object_add(site, &o, &why), -EINVAL);
		object_free(&o);
	}
	o = share("\\\\FS\\x");
	strcpy(o.role, "No Role");
	assert_int_equal(object_add(site, &o, &why), -EINVAL);
	object_free(&o);
	o = share("\\\\FS\\x");
	o.account = xstrdup("nobody");
	assert_int_equal(object_add(site, &o, &why), -ENOENT);
	object_free(&o);
}

static void thresholds_of_an_object_count_before_its_roles_and_the_sites(void **state)
{
	auto_free char *why = NULL;
	struct thresholds role = { 500, -1, -1, -1 };
	struct object o = share("\\\\FS\\x");
	struct policies policies;
	struct watch_policy p;

	assert_int_equal(site_setting_set(site, "warn_bytes", "100", &why), 0);
	assert_int_equal(role_thresholds_set(site, "file-server", &role, &why), 0);
	assert_int_equal(policies_load(site, &policies, &why), 0);
	p = policy_of(&policies, &o);
	assert_int_equal(p.thresholds.warn_bytes, 500);
	assert_true(p.thresholds.critical_percent == 5);
	o.thresholds.warn_bytes = 7;
	o.thresholds.critical_percent = 0;
	p = policy_of(&policies, &o);
	assert_int_equal(p.thresholds.warn_bytes, 7);
	assert_true(p.thresholds.critical_percent == 0);
	policies_free(&policies);
	object_free(&o);
}

static void write_down(uint32_t id, const char *object)
{
	struct message m = { .id = id,
			     .object = object,
			     .win32 = 67,
			     .strings = { object, object, "2147942467",
					  "The network name cannot be found.", "tree connect",
					  "\\\\FS\\ADMIN$", "no ADMIN$", "make one" } };

	assert_int_equal(message_write(site, &m, NULL), 0);
}

static void a_message_is_filled_in_and_found_by_what_it_is_about(void **state)
{
	struct message_filter filter = { .object = "\\\\fs\\distro_test",
					 .severity = SEVERITY_ERROR };
	const char *text;
	json_t *rows;

	write_down(MSG_OBJECT_DOWN, "\\\\FS\\distro_test");
	write_down(MSG_OBJECT_UP, "\\\\FS\\distro_test");
	write_down(MSG_OBJECT_DOWN, "\\\\FS\\other");
	rows = message_list(site, &filter, NULL);
	assert_int_equal(json_array_size(rows), 1);
	text = json_string_value(json_object_get(json_array_get(rows, 0), "text"));
	assert_non_null(
		strstr(text, "could not access storage object \"\\\\FS\\distro_test\" on site "
			     "system \"\\\\FS\\distro_test\". The operating system reported error "
			     "2147942467: The network name cannot be found."));
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "remedy")),
			    "make one");
	json_decref(rows);
}

static void every_message_has_a_severity_and_errors_have_a_remedy(void **state)
{
	size_t count;
	const struct message_row *rows = message_catalogue(&count);

	for (size_t i = 0; i < count; i++) {
		assert_non_null(rows[i].component);
		assert_true(*rows[i].text);
		assert_ptr_equal(message_find(rows[i].id), &rows[i]); /* ids are unique */
		if (rows[i].severity != SEVERITY_INFO)
			assert_true(*rows[i].cause && *rows[i].remedy);
	}
}

static void old_messages_go_and_audit_messages_go_later(void **state)
{
	struct message audit = { .id = MSG_SITE_CHANGED, .strings = { "somebody", "something" } };
	struct query q;
	struct message_filter all = { 0 };
	json_t *rows;

	write_down(MSG_OBJECT_DOWN, "\\\\FS\\x");
	assert_int_equal(message_write(site, &audit, NULL), 0);
	q = query_begin(site, "UPDATE messages SET time = time - 86400 * 31");
	assert_int_equal(query_run(&q, NULL), 0);
	assert_int_equal(message_retain(site, NULL), 0);
	rows = message_list(site, &all, NULL);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "message")),
			 MSG_SITE_CHANGED);
	json_decref(rows);
}

static void a_rule_that_could_not_work_is_refused(void **state)
{
	static const struct rule bad[] = {
		{ .name = "a", .action = "program", .target = "relative" },
		{ .name = "a", .action = "program", .target = "/etc/passwd" },
		{ .name = "a", .action = "webhook", .target = "file:///etc/passwd" },
		{ .name = "a", .action = "syslog", .target = "kern" },
		{ .name = "a", .action = "shell", .target = "/bin/true" },
		{ .name = "", .action = "program", .target = "/bin/true" },
		{ .name = "a", .message = 1, .action = "program", .target = "/bin/true" },
	};
	static const struct rule good = { .name = "a", .action = "program", .target = "/bin/true" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rule_add(site, &bad[i], NULL), -EINVAL);
	assert_int_equal(rule_add(site, &good, NULL), 0);
	assert_int_equal(rule_add(site, &good, NULL), -EEXIST);
	assert_int_equal(rule_remove(site, "a", NULL), 0);
	assert_int_equal(rule_remove(site, "a", NULL), -ENOENT);
}

static void an_account_gives_its_hash_to_the_server_and_not_to_lists(void **state)
{
	auto_free char *text = NULL;
	struct account account;
	json_t *rows;

	assert_int_equal(account_add(site, "watcher", "alice", "FS", "secret", NULL), 0);
	assert_int_equal(account_get(site, "watcher", &account, NULL), 0);
	assert_string_equal(account.user, "alice");
	account_wipe(&account);
	rows = account_list(site, NULL);
	text = json_dumps(rows, 0);
	assert_null(strstr(text, "hash"));
	json_decref(rows);
	assert_int_equal(account_get(site, NULL, &account, NULL), 0);
	assert_null(account.user); /* the site has none: anonymous */
	assert_int_equal(site_setting_set(site, "account", "watcher", NULL), 0);
	assert_int_equal(account_get(site, NULL, &account, NULL), 0);
	assert_string_equal(account.user, "alice");
	account_wipe(&account);
}

static void the_account_of_a_site_is_one_that_it_has(void **state)
{
	auto_free char *why = NULL, *now = NULL;

	assert_int_equal(account_add(site, "watcher", "alice", "FS", "secret", NULL), 0);
	assert_int_equal(site_setting_set(site, "account", "watcher", NULL), 0);
	assert_int_equal(site_setting_set(site, "account", "wacher", &why), -ENOENT);
	assert_non_null(strstr(why, "no account \"wacher\""));
	now = site_setting(site, "account");
	assert_string_equal(now, "watcher");
	assert_int_equal(account_remove(site, "watcher", NULL), -EBUSY);
	assert_int_equal(site_setting_set(site, "account", "", NULL), 0);
	assert_int_equal(account_remove(site, "watcher", NULL), 0);
}

static int64_t recheck_of(const char *path)
{
	struct object object = { 0 };
	int64_t recheck;

	assert_int_equal(object_find(site, path, NULL, &object, NULL), 0);
	recheck = object.recheck;
	object_free(&object);
	return recheck;
}

static void another_password_is_tried_at_once_where_it_is_used(void **state)
{
	struct object own = share("\\\\FS\\own"), usual = share("\\\\FS\\usual");

	own.account = xstrdup("own");
	assert_int_equal(account_add(site, "own", "alice", "FS", "secret", NULL), 0);
	assert_int_equal(account_add(site, "watcher", "bob", "FS", "secret", NULL), 0);
	assert_int_equal(object_add(site, &own, NULL), 0);
	assert_int_equal(object_add(site, &usual, NULL), 0);
	assert_int_equal(site_setting_set(site, "account", "watcher", NULL), 0);
	assert_int_equal(recheck_of(own.path), 0);
	assert_int_equal(recheck_of(usual.path), 1);
	assert_int_equal(account_add(site, "watcher", "bob", "FS", "another", NULL), 0);
	assert_int_equal(recheck_of(own.path), 0);
	assert_int_equal(recheck_of(usual.path), 2);
	assert_int_equal(account_add(site, "own", "alice", "FS", "another", NULL), 0);
	assert_int_equal(recheck_of(own.path), 1);
	assert_int_equal(recheck_of(usual.path), 2);
	object_free(&own);
	object_free(&usual);
}

static void a_site_that_nobody_watches_is_critical(void **state)
{
	json_t *status = site_status(site, NULL);

	assert_string_equal(json_string_value(json_object_get(status, "state")), "critical");
	assert_non_null(strstr(
		json_string_value(json_object_get(json_object_get(status, "server"), "reason")),
		"does not run"));
	json_decref(status);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_site_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_site_is_made_once_and_its_database_is_private),
		TEST(a_code_that_is_none_is_refused),
		TEST(a_directory_without_a_site_says_how_to_make_one),
		TEST(one_server_at_a_time_owns_a_site),
		TEST(a_database_of_a_newer_program_is_not_touched),
		TEST(a_damaged_database_is_named_and_refused),
		TEST(a_setting_is_checked_and_has_a_default),
		TEST(an_object_knows_its_system_and_is_watched_once_in_a_role),
		TEST(a_point_is_watched_as_long_as_it_is_one),
		TEST(a_point_that_was_left_unwatched_is_watched_again),
		TEST(what_is_no_path_or_no_role_is_refused),
		TEST(thresholds_of_an_object_count_before_its_roles_and_the_sites),
		TEST(a_message_is_filled_in_and_found_by_what_it_is_about),
		TEST(every_message_has_a_severity_and_errors_have_a_remedy),
		TEST(old_messages_go_and_audit_messages_go_later),
		TEST(a_rule_that_could_not_work_is_refused),
		TEST(an_account_gives_its_hash_to_the_server_and_not_to_lists),
		TEST(the_account_of_a_site_is_one_that_it_has),
		TEST(another_password_is_tried_at_once_where_it_is_used),
		TEST(a_site_that_nobody_watches_is_critical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
