// SPDX-License-Identifier: Apache-2.0
/* What the database of a file server promises, also where the disk is bad or full. */
#include <store/store.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <sqlite3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char home[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static int make_home(void **state)
{
	snprintf(home, sizeof(home), "/tmp/berth-store-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	return store_create(home, "FS");
}

static int remove_home(void **state)
{
	return nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *opened(void)
{
	struct store *store = NULL;

	assert_int_equal(store_open(home, &store), 0);
	assert_non_null(store);
	return store;
}

static char *database(char path[128])
{
	snprintf(path, 128, "%s/server.db", home);
	return path;
}

static void a_home_holds_one_file_server_only(void **state)
{
	assert_int_equal(store_create(home, "FS2"), -EEXIST);
}

static void the_database_is_readable_by_its_owner_alone(void **state)
{
	struct stat st;
	char path[128];

	assert_int_equal(stat(database(path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_home_without_a_database_is_not_opened(void **state)
{
	struct store *store;

	assert_int_equal(store_open("/tmp/no such home", &store), -ENOENT);
	assert_null(store);
}

static void identity_survives_closing(void **state)
{
	struct store *store = opened();
	struct guid guid, again;
	struct sid sid, sid_again;

	assert_int_equal(store_server_guid(store, &guid), 0);
	assert_int_equal(store_domain_sid(store, &sid), 0);
	assert_int_equal(sid.sub_count, 4);
	assert_int_equal(sid.sub[0], 21);
	store_close(store);
	store = opened();
	assert_int_equal(store_server_guid(store, &again), 0);
	assert_int_equal(store_domain_sid(store, &sid_again), 0);
	assert_memory_equal(&guid, &again, sizeof(guid));
	assert_memory_equal(&sid, &sid_again, sizeof(sid));
	store_close(store);
}

static void a_setting_that_is_not_stored_has_its_default(void **state)
{
	struct store *store = opened();
	char *value = store_setting(store, "visibility");

	assert_string_equal(value, "server");
	free(value);
	assert_null(store_setting(store, "no such setting"));
	assert_int_equal(store_set_setting(store, "visibility", "scoped"), 0);
	assert_int_equal(store_set_setting(store, "visibility", "node"), 0);
	value = store_setting(store, "visibility");
	assert_string_equal(value, "node");
	free(value);
	assert_int_equal(store_set_setting(store, "visibility", NULL), 0);
	value = store_setting(store, "visibility");
	assert_string_equal(value, "server");
	free(value);
	store_close(store);
}

static void a_share_is_one_name_whatever_its_case(void **state)
{
	struct store *store = opened();
	uint8_t sd[3] = { 1, 0, 2 };
	struct store_share share = { .name = (char *)"Distro_Test",
				     .path = (char *)"packages/x",
				     .remark = (char *)"'; DROP TABLE shares; --",
				     .flags = STORE_SHARE_ENCRYPT,
				     .max_uses = UINT32_MAX,
				     .sd = sd,
				     .sd_length = sizeof(sd) };
	struct store_share *all;
	size_t count;

	assert_int_equal(store_share_add(store, &share), 0);
	share.name = (char *)"DISTRO_TEST";
	assert_int_equal(store_share_add(store, &share), -EEXIST);
	share.flags = 0;
	assert_int_equal(store_share_update(store, &share), 0);
	assert_int_equal(store_shares(store, &all, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(all[0].name, "DISTRO_TEST");
	assert_string_equal(all[0].path, "packages/x");
	assert_string_equal(all[0].remark, "'; DROP TABLE shares; --");
	assert_int_equal(all[0].max_uses, UINT32_MAX);
	assert_int_equal(all[0].sd_length, 3);
	assert_memory_equal(all[0].sd, sd, 3);
	store_share_free(&all[0]);
	free(all);
	assert_int_equal(store_share_remove(store, "distro_test"), 0);
	assert_int_equal(store_share_remove(store, "distro_test"), -ENOENT);
	share.name = (char *)"";
	assert_int_equal(store_share_add(store, &share), -EINVAL);
	store_close(store);
}

static void accounts_get_rids_that_are_never_given_out_again(void **state)
{
	struct store *store = opened();
	struct store_user alice = { .name = (char *)"alice", .full_name = (char *)"Alice" };
	struct store_user bob = { .name = (char *)"bob" };
	struct store_user found;

	assert_int_equal(store_user_add(store, &alice), 0);
	assert_int_equal(alice.rid, 1000);
	alice.name = (char *)"ALICE";
	assert_int_equal(store_user_add(store, &alice), -EEXIST);
	assert_int_equal(store_user_remove(store, "Alice"), 0);
	assert_int_equal(store_user_find(store, "alice", &found), -ENOENT);
	assert_int_equal(store_user_add(store, &bob), 0);
	assert_int_equal(bob.rid, 1001);
	bob.nt_hash[15] = 7;
	bob.flags = STORE_USER_DISABLED;
	assert_int_equal(store_user_update(store, &bob), 0);
	assert_int_equal(store_user_find(store, "BOB", &found), 0);
	assert_int_equal(found.nt_hash[15], 7);
	assert_int_equal(found.flags, STORE_USER_DISABLED);
	store_user_free(&found);
	store_close(store);
}

static void a_group_and_a_user_cannot_have_one_name(void **state)
{
	struct store *store = opened();
	struct store_user user = { .name = (char *)"administrators" };
	struct store_group group = { .name = (char *)"ops" };

	assert_int_equal(store_user_add(store, &user), -EEXIST);
	assert_int_equal(store_group_add(store, &group), 0);
	user.name = (char *)"OPS";
	assert_int_equal(store_user_add(store, &user), -EEXIST);
	assert_int_equal(store_group_remove(store, "Administrators"), -EPERM);
	assert_int_equal(store_group_remove(store, "ops"), 0);
	store_close(store);
}

static void an_account_is_found_by_its_name_and_by_its_number(void **state)
{
	struct store *store = opened();
	struct store_user alice = { .name = (char *)"alice" };
	struct store_group ops = { .name = (char *)"ops", .remark = (char *)"" };
	struct store_account found;
	static const struct {
		const char *asked, *name;
		bool is_group, builtin;
	} rows[] = {
		{ "ALICE", "alice", false, false },
		{ "Ops", "ops", true, false },
		{ "administrators", "Administrators", true, true },
	};

	assert_int_equal(store_user_add(store, &alice), 0);
	assert_int_equal(store_group_add(store, &ops), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t rid;

		assert_int_equal(store_account_named(store, rows[i].asked, &found), 0);
		rid = found.rid;
		free(found.name);
		assert_int_equal(store_account_numbered(store, rid, !rows[i].builtin, &found),
				 -ENOENT);
		assert_int_equal(store_account_numbered(store, rid, rows[i].builtin, &found), 0);
		assert_string_equal(found.name, rows[i].name);
		assert_int_equal(found.is_group, rows[i].is_group);
		assert_int_equal(found.builtin, rows[i].builtin);
		free(found.name);
	}
	assert_int_equal(store_account_named(store, "nobody", &found), -ENOENT);
	assert_null(found.name);
	store_close(store);
}

static void membership_goes_when_the_user_goes(void **state)
{
	struct store *store = opened();
	struct store_user alice = { .name = (char *)"alice" };
	struct store_group *groups;
	char **members;
	size_t count;

	assert_int_equal(store_user_add(store, &alice), 0);
	assert_int_equal(store_member_add(store, "Administrators", "nobody"), -ENOENT);
	assert_int_equal(store_member_add(store, "nogroup", "alice"), -ENOENT);
	assert_int_equal(store_member_add(store, "administrators", "ALICE"), 0);
	assert_int_equal(store_member_add(store, "Administrators", "alice"), -EEXIST);
	assert_int_equal(store_groups_of(store, "alice", &groups, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(groups[0].rid, 544);
	assert_true(groups[0].builtin);
	store_group_free(&groups[0]);
	free(groups);
	assert_int_equal(store_user_remove(store, "alice"), 0);
	assert_int_equal(store_members_of(store, "Administrators", &members, &count), 0);
	assert_int_equal(count, 0);
	free(members);
	store_close(store);
}

static void a_second_process_cannot_open_what_is_open(void **state)
{
	struct store *store = opened();
	int status;
	pid_t pid;

	assert_int_equal(store_set_setting(store, "comment", "x"), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct store *other;

		_exit(store_open(home, &other) == -EBUSY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_close(store);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
	struct store *store;
	char *value;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		store = NULL;
		if (!store_open(home, &store) && !store_set_setting(store, "comment", "kept"))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	store = opened();
	value = store_setting(store, "comment");
	assert_string_equal(value, "kept");
	free(value);
	store_close(store);
}

static void damage_is_found_at_open_and_named(void **state)
{
	struct store *store;
	uint8_t noise[4096];
	char path[128];
	int fd;

	store = opened();
	for (int i = 0; i < 200; i++) {
		char key[32];

		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(store_set_setting(store, key, "a value that takes some room"), 0);
	}
	store_close(store);
	fd = open(database(path), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	memset(noise, 0xa5, sizeof(noise));
	for (off_t page = 1; page < 8; page++)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), page * 4096), sizeof(noise));
	close(fd);
	assert_int_equal(store_open(home, &store), -EUCLEAN);
	assert_null(store);
	assert_true(strlen(store_problem()) > 10);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct store *store;
	char path[128];
	int fd = open(database(path), O_RDWR | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "this is no database at all, sorry", 33), 33);
	close(fd);
	assert_int_equal(store_open(home, &store), -EUCLEAN);
}

static void an_empty_file_is_refused(void **state)
{
	struct store *store;
	char path[128];

	assert_int_equal(truncate(database(path), 0), 0);
	assert_int_equal(store_open(home, &store), -EUCLEAN);
}

/* Writes until it fails, with @error; then what was written before must still be there. */
static int write_until(int error)
{
	struct store *store = NULL;
	static char text[16000];
	int got = 0;
	char *value;

	memset(text, 'x', sizeof(text) - 1);
	if (store_open(home, &store) || store_set_setting(store, "comment", "before"))
		return 1;
	for (int i = 0; i < 200 && !got; i++) {
		char key[32];

		snprintf(key, sizeof(key), "key%d", i);
		got = store_set_setting(store, key, text);
	}
	value = store_setting(store, "comment");
	if (got != error || !value || strcmp(value, "before") != 0)
		return 2;
	free(value);
	store_close(store);
	return 0;
}

static void a_file_that_cannot_grow_fails_the_change_and_keeps_what_was(void **state)
{
	struct rlimit limit = { .rlim_cur = 262144, .rlim_max = 262144 };
	struct store *store;
	char *value;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &limit) ? 9 : write_until(-EIO));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store = opened();
	value = store_setting(store, "comment");
	assert_string_equal(value, "before");
	free(value);
	store_close(store);
}

/* Where mounting is permitted: a small disk in a mount namespace of its own. */
static void a_full_disk_refuses_the_change_and_keeps_what_was(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("small", home, "tmpfs", 0, "size=400k"))
			_exit(77);
		if (store_create(home, "FS"))
			_exit(9);
		_exit(write_until(-ENOSPC));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void run_sql(const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(database(path), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void the_database_of_an_older_program_is_brought_up_to_date(void **state)
{
	struct store_share share = { .name = (char *)"s",
				     .path = (char *)"p",
				     .remark = (char *)"" };
	struct store_share *all;
	struct store *store = opened();
	size_t count;

	assert_int_equal(store_share_add(store, &share), 0);
	store_close(store);
	run_sql("DROP TABLE registry_values; DROP TABLE registry_keys;"
		"ALTER TABLE shares DROP COLUMN hide_names; PRAGMA user_version = 1;");
	for (int again = 0; again < 2; again++) {
		store = opened();
		assert_int_equal(store_shares(store, &all, &count), 0);
		assert_int_equal(count, 1);
		assert_string_equal(all->name, "s");
		assert_string_equal(all->hide_names, again ? ".*" : "");
		free(all->hide_names);
		all->hide_names = strdup(".*");
		assert_int_equal(store_share_update(store, all), 0);
		store_share_free(all);
		free(all);
		if (!again)
			assert_int_equal(store_registry_create(store, "SOFTWARE\\Vendor"), 0);
		store_close(store);
	}
}

static void the_registry_is_a_tree_without_case(void **state)
{
	struct store *store = opened();
	struct store_registry_value value = { .name = (char *)"Site",
					      .type = 1,
					      .data = (uint8_t *)"P01",
					      .length = 3 },
				    out;
	struct store_registry_info info;
	char *name;
	int64_t changed;

	assert_int_equal(store_registry_create(store, "SOFTWARE\\Vendor\\Deep"), -EEXIST);
	assert_int_equal(store_registry_create(store, "SOFTWARE\\Vendor"), 0);
	assert_int_equal(store_registry_create(store, "Software\\vendor\\Deep"), 0);
	assert_int_equal(store_registry_find(store, "software\\VENDOR\\deep", &changed), 0);
	assert_int_equal(store_registry_set(store, "SOFTWARE\\Vendor", &value), 0);
	value.length = 0;
	assert_int_equal(store_registry_set(store, "SOFTWARE\\Vendor\\None", &value), -EEXIST);
	assert_int_equal(store_registry_get(store, "SOFTWARE\\vendor", "SITE", &out), 0);
	assert_string_equal(out.name, "Site");
	assert_int_equal(out.length, 3);
	store_registry_value_free(&out);
	assert_int_equal(store_registry_info(store, "SOFTWARE\\Vendor", &info), 0);
	assert_int_equal(info.subkeys, 1);
	assert_int_equal(info.values, 1);
	assert_int_equal(store_registry_child(store, "SOFTWARE\\Vendor", 0, &name, &changed), 0);
	assert_string_equal(name, "Deep");
	free(name);
	assert_int_equal(store_registry_child(store, "SOFTWARE\\Vendor", 1, &name, &changed),
			 -ENOENT);
	assert_int_equal(store_registry_remove(store, "SOFTWARE\\Vendor"), -EEXIST);
	assert_int_equal(store_registry_remove(store, "SOFTWARE\\Vendor\\Deep"), 0);
	assert_int_equal(store_registry_remove(store, "SOFTWARE\\Vendor"), 0);
	assert_int_equal(store_registry_get(store, "SOFTWARE\\Vendor", "Site", &out), -ENOENT);
	store_close(store);
}

static void the_database_of_a_newer_program_is_refused(void **state)
{
	struct store *store = NULL;

	run_sql("PRAGMA user_version = 99;");
	assert_int_equal(store_open(home, &store), -EPROTONOSUPPORT);
	assert_non_null(strstr(store_problem(), "99"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_home_holds_one_file_server_only),
		CASE(the_database_is_readable_by_its_owner_alone),
		CASE(a_home_without_a_database_is_not_opened),
		CASE(identity_survives_closing),
		CASE(a_setting_that_is_not_stored_has_its_default),
		CASE(a_share_is_one_name_whatever_its_case),
		CASE(accounts_get_rids_that_are_never_given_out_again),
		CASE(a_group_and_a_user_cannot_have_one_name),
		CASE(an_account_is_found_by_its_name_and_by_its_number),
		CASE(membership_goes_when_the_user_goes),
		CASE(a_second_process_cannot_open_what_is_open),
		CASE(what_was_acknowledged_survives_a_kill),
		CASE(damage_is_found_at_open_and_named),
		CASE(a_file_that_is_no_database_is_refused),
		CASE(the_database_of_an_older_program_is_brought_up_to_date),
		CASE(the_registry_is_a_tree_without_case),
		CASE(the_database_of_a_newer_program_is_refused),
		CASE(an_empty_file_is_refused),
		CASE(a_file_that_cannot_grow_fails_the_change_and_keeps_what_was),
		CASE(a_full_disk_refuses_the_change_and_keeps_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
