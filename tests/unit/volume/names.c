// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include "../../../src/volume/private.h"

static unsigned getdents_calls;
static ssize_t (*real_getdents)(int, void *, size_t);

static ssize_t counting_getdents(int fd, void *data, size_t length)
{
	getdents_calls++;
	return real_getdents(fd, data, length);
}

static void count_getdents(void)
{
	real_getdents = sys.getdents;
	sys.getdents = counting_getdents;
	getdents_calls = 0;
}

static unsigned opens;
static int (*real_openat2)(int, const char *, int, mode_t, uint64_t);

static int counting_openat2(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	opens++;
	return real_openat2(dir, path, flags, mode, resolve);
}

static void count_opens(void)
{
	real_openat2 = sys.openat2;
	sys.openat2 = counting_openat2;
	opens = 0;
}

static void a_name_is_found_in_any_case(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	create_ok(f->root, "Dir", true);
	create_ok(f->root, "Dir/Größe.TXT", false);
	assert_int_equal(volume_lookup(f->root, "dIR/gRÖßE.txt", &lookup), STATUS_SUCCESS);
	assert_true(lookup.exists);
	assert_string_equal(lookup.name, "Größe.TXT");
	assert_string_equal(lookup.path, "Dir/Größe.TXT");
	assert_int_equal(lookup.attributes.attributes, FILE_ATTRIBUTE_ARCHIVE);
	assert_false(lookup.attributes.is_directory);
	volume_lookup_end(&lookup);
}

static void a_missing_last_component_is_no_error_and_a_missing_earlier_one_is(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	create_ok(f->root, "file", false);
	assert_int_equal(volume_lookup(f->root, "new", &lookup), STATUS_SUCCESS);
	assert_false(lookup.exists);
	assert_string_equal(lookup.name, "new");
	assert_non_null(lookup.parent);
	volume_lookup_end(&lookup);
	assert_int_equal(volume_lookup(f->root, "no/new", &lookup), STATUS_OBJECT_PATH_NOT_FOUND);
	volume_lookup_end(&lookup);
	assert_int_equal(volume_lookup(f->root, "file/new", &lookup), STATUS_OBJECT_PATH_NOT_FOUND);
	volume_lookup_end(&lookup);
	assert_int_equal(volume_lookup(f->root, "FILE/new", &lookup), STATUS_OBJECT_PATH_NOT_FOUND);
	volume_lookup_end(&lookup);
}

static void the_empty_path_is_the_root(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	assert_int_equal(volume_lookup(f->root, "", &lookup), STATUS_SUCCESS);
	assert_true(lookup.exists);
	assert_null(lookup.parent);
	assert_int_equal(lookup.attributes.key.inode, f->root->key.inode);
	assert_int_equal(lookup.attributes.attributes, FILE_ATTRIBUTE_DIRECTORY);
	volume_lookup_end(&lookup);
}

static void a_create_collides_with_a_name_in_other_case(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct volume_initial initial = { .attributes = FILE_ATTRIBUTE_ARCHIVE };
	struct volume_lookup a, b;
	struct volume_node *node;

	assert_int_equal(volume_lookup(f->root, "foo", &a), STATUS_SUCCESS);
	assert_int_equal(volume_lookup(f->root, "FOO", &b), STATUS_SUCCESS);
	assert_int_equal(volume_create(&a, &initial, &node), STATUS_SUCCESS);
	volume_node_put(node);
	assert_int_equal(volume_create(&b, &initial, &node), STATUS_OBJECT_NAME_COLLISION);
	assert_null(node);
	volume_lookup_end(&a);
	volume_lookup_end(&b);
	assert_true(exists(f->root, "Foo"));
	assert_false(is_on_disk(f, "FOO"));
}

static void of_two_names_that_differ_in_case_the_one_as_written_is_found(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	touch_on_disk(f, "twin");
	touch_on_disk(f, "TWIN");
	assert_int_equal(volume_lookup(f->root, "twin", &lookup), STATUS_SUCCESS);
	assert_string_equal(lookup.name, "twin");
	volume_lookup_end(&lookup);
	assert_int_equal(volume_lookup(f->root, "TWIN", &lookup), STATUS_SUCCESS);
	assert_string_equal(lookup.name, "TWIN");
	volume_lookup_end(&lookup);
	assert_true(exists(f->root, "Twin"));
}

static void creating_twenty_thousand_files_scans_the_directory_a_few_times_at_most(void **state)
{
	struct fixture *f = fixture_of(state);
	char name[32];

	create_ok(f->root, "many", true);
	count_getdents();
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "many/file-%05u", i);
		create_ok(f->root, name, false);
	}
	assert_true(getdents_calls <= 4);
	assert_true(exists(f->root, "MANY/FILE-00000"));
	assert_true(exists(f->root, "Many/File-19999"));
	assert_false(exists(f->root, "many/file-20000"));
	assert_true(getdents_calls <= 8);
}

static void a_large_directory_made_by_others_is_scanned_once(void **state)
{
	struct fixture *f = fixture_of(state);
	char name[32];
	unsigned before;

	mkdir(on_disk(f, "many"), 0755);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "many/File-%05u", i);
		touch_on_disk(f, name);
	}
	count_getdents();
	assert_true(exists(f->root, "many/FILE-00000"));
	before = getdents_calls;
	assert_true(before > 0);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "many/FILE-%05u", i);
		assert_true(exists(f->root, name));
		snprintf(name, sizeof(name), "many/other-%05u", i);
		create_ok(f->root, name, false);
	}
	assert_int_equal(getdents_calls, before);
}

static void what_others_do_in_the_directory_is_seen(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "mine", false);
	assert_false(exists(f->root, "THEIRS"));
	usleep(20000); /* past the tick of the kernel's clock that our own create was in */
	touch_on_disk(f, "theirs");
	assert_true(exists(f->root, "THEIRS"));
	usleep(20000);
	assert_int_equal(unlink(on_disk(f, "theirs")), 0);
	assert_false(exists(f->root, "THEIRS"));
	assert_false(exists(f->root, "theirs"));
	assert_int_equal(rename(on_disk(f, "mine"), on_disk(f, "yours")), 0);
	assert_false(exists(f->root, "mine"));
	assert_true(exists(f->root, "YOURS"));
}

static void a_change_of_others_is_not_hidden_by_one_of_our_own_after_it(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "one", false);
	usleep(20000);
	touch_on_disk(f, "theirs");
	create_ok(f->root, "two", false);
	assert_true(exists(f->root, "THEIRS"));
}

static void a_name_made_by_others_right_after_one_of_our_own_is_found_as_written(void **state)
{
	struct fixture *f = fixture_of(state);
	char name[32];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "mine%u", i);
		create_ok(f->root, name, false);
		snprintf(name, sizeof(name), "theirs%u", i);
		touch_on_disk(f, name);
		if (i % 2)
			usleep(25000);
		assert_true(exists(f->root, name));
		snprintf(name, sizeof(name), "THEIRS%u", i);
		assert_true(exists(f->root, name));
	}
}

static void a_name_whose_case_others_change_right_after_one_of_our_own_is_found(void **state)
{
	struct fixture *f = fixture_of(state);
	char name[32], other[32];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "mine%u", i);
		snprintf(other, sizeof(other), "MINE%u", i);
		create_ok(f->root, name, false);
		assert_int_equal(renameat(f->root->fd, name, f->root->fd, other), 0);
		assert_true(exists(f->root, name));
	}
}

/* make - as a client's create does: look to make, make, and once more where that collides. */
static bool make(struct volume_node *root, const char *path, unsigned *rounds)
{
	const struct volume_initial initial = { .attributes = FILE_ATTRIBUTE_ARCHIVE };

	for (*rounds = 1; *rounds < 4; ++*rounds) {
		struct volume_node *node = NULL;
		struct volume_lookup lookup;
		ntstatus status;

		assert_int_equal(volume_lookup_to_make(root, path, &lookup), STATUS_SUCCESS);
		status = lookup.exists ? STATUS_OBJECT_NAME_COLLISION
				       : volume_create(&lookup, &initial, &node);
		volume_node_put(node);
		if (lookup.exists || status == STATUS_SUCCESS) {
			volume_lookup_end(&lookup);
			return status == STATUS_SUCCESS;
		}
		volume_lookup_end(&lookup);
		assert_int_equal(status, STATUS_OBJECT_NAME_COLLISION);
	}
	return false;
}

static void who_makes_a_file_does_not_replace_what_others_made_unseen(void **state)
{
	struct fixture *f = fixture_of(state);
	unsigned rounds;
	char name[32];

	assert_true(make(f->root, "first", &rounds));
	assert_false(make(f->root, "FIRST", &rounds));
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "mine%u", i);
		assert_true(make(f->root, name, &rounds));
		snprintf(name, sizeof(name), "theirs%u", i);
		touch_on_disk(f, name); /* in the same tick of the kernel's clock, mostly */
		assert_false(make(f->root, name, &rounds));
		assert_true(rounds <= 2);
	}
}

static void who_makes_a_file_asks_the_disk_for_it_once(void **state)
{
	struct fixture *f = fixture_of(state);
	unsigned rounds;

	assert_true(make(f->root, "first", &rounds)); /* this one has the index built */
	count_opens();
	assert_true(make(f->root, "second", &rounds));
	assert_int_equal(opens, 1);
}

static void no_path_leads_out(void **state)
{
	static const char *const bad[] = {
		"..",	     "../x", "a/../b", "/etc/passwd", "a//b",	"a/",
		"./a",	     ".",    "a\\b",   "a:b",	      "a*",	"a?",
		"a|b",	     "a<b",  "a\nb",   ".berth",      ".BERTH", ".Berth/server.db",
		"sub/.berth"
	};
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(volume_lookup(f->root, bad[i], &lookup),
				 STATUS_OBJECT_NAME_INVALID);
		assert_false(lookup.exists);
		volume_lookup_end(&lookup);
	}
}

static void a_symbolic_link_is_as_if_it_were_not_there(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;
	struct volume_node *node;

	assert_int_equal(symlink("/etc", on_disk(f, "out")), 0);
	assert_int_equal(symlink("/etc/passwd", on_disk(f, "passwd")), 0);
	assert_int_equal(symlink(".", on_disk(f, "here")), 0);
	assert_int_equal(mkfifo(on_disk(f, "pipe"), 0600), 0);
	create_ok(f->root, "file", false);
	assert_false(exists(f->root, "passwd"));
	assert_false(exists(f->root, "PASSWD"));
	assert_false(exists(f->root, "pipe"));
	assert_int_equal(volume_lookup(f->root, "out/passwd", &lookup),
			 STATUS_OBJECT_PATH_NOT_FOUND);
	volume_lookup_end(&lookup);
	assert_int_equal(volume_lookup(f->root, "here/file", &lookup),
			 STATUS_OBJECT_PATH_NOT_FOUND);
	volume_lookup_end(&lookup);
	assert_int_equal(create(f->root, "passwd", false, &node), STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(create(f->root, "Out", true, &node), STATUS_OBJECT_NAME_COLLISION);
}

static void the_home_is_reached_by_the_server_alone(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;

	assert_int_equal(volume_directory_make(f->volume, VOLUME_HOME "/admin", &node),
			 STATUS_SUCCESS);
	assert_true(is_on_disk(f, VOLUME_HOME "/admin"));
	create_ok(node, "inside", false);
	volume_node_put(node);
	assert_int_equal(volume_directory(f->volume, VOLUME_HOME "/admin", &node), STATUS_SUCCESS);
	assert_true(exists(node, "INSIDE"));
	volume_node_put(node);
	assert_false(exists(f->root, VOLUME_HOME));
}

static void directories_are_made_along_a_path(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;

	create_ok(f->root, "A", true);
	assert_int_equal(volume_directory_make(f->volume, "a/b/c", &node), STATUS_SUCCESS);
	volume_node_put(node);
	assert_true(is_on_disk(f, "A/b/c"));
	assert_int_equal(volume_directory(f->volume, "a/x", &node), STATUS_OBJECT_NAME_NOT_FOUND);
	create_ok(f->root, "a/file", false);
	assert_int_equal(volume_directory_make(f->volume, "a/file", &node), STATUS_NOT_A_DIRECTORY);
}

/* Another was quicker by a moment. */
static int mkdir_behind_another(int dir, const char *name, mode_t mode)
{
	return mkdirat(dir, name, mode) || mkdirat(dir, name, mode) ? -errno : 0;
}

static void a_directory_that_another_makes_at_this_moment_is_found(void **state)
{
	int (*before)(int dir, const char *name, mode_t mode) = sys.mkdir;
	struct fixture *f = fixture_of(state);
	struct volume_node *node;
	ntstatus status;

	sys.mkdir = mkdir_behind_another;
	status = volume_directory_make(f->volume, "both", &node);
	sys.mkdir = before;
	assert_int_equal(status, STATUS_SUCCESS);
	volume_node_put(node);
}

static void names_that_windows_cannot_have_are_not_valid(void **state)
{
	char wide[400] = "";

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		strcat(wide, "ü");
	assert_true(volume_name_valid(wide));
	memset(wide, 'x', 256);
	wide[256] = 0;
	assert_false(volume_name_valid(wide));
	wide[255] = 0;
	assert_true(volume_name_valid(wide));
	assert_true(volume_name_valid(".berthed"));
	assert_true(volume_name_valid("..."));
	assert_true(volume_name_valid("a b."));
	assert_false(volume_name_valid(""));
}

static void the_serial_number_stays(void **state)
{
	struct fixture *f = fixture_of(state);
	uint32_t serial = volume_serial(f->volume);
	struct volume *again;

	assert_int_not_equal(serial, 0);
	assert_int_equal(volume_open(f->path, &again), STATUS_SUCCESS);
	assert_int_equal(volume_serial(again), serial);
	volume_close(again);
	assert_int_equal(volume_open("/nowhere/at/all", &again), STATUS_DEVICE_NOT_READY);
}

static void a_moved_directory_is_no_longer_found_at_its_old_path(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup to, from;
	struct volume_node *node;

	create_ok(f->root, "old", true);
	create_ok(f->root, "old/sub", true);
	create_ok(f->root, "old/sub/file", false);
	assert_true(exists(f->root, "old/sub/file"));
	node = open_ok(f->root, "old");
	assert_int_equal(volume_lookup(f->root, "old", &from), STATUS_SUCCESS);
	assert_int_equal(volume_lookup(f->root, "new", &to), STATUS_SUCCESS);
	assert_int_equal(volume_rename(from.parent, from.name, node, &to, false), STATUS_SUCCESS);
	volume_lookup_end(&from);
	volume_lookup_end(&to);
	volume_node_put(node);
	assert_false(exists(f->root, "old/sub/file"));
	assert_true(exists(f->root, "new/sub/file"));
}

static void indexes_stay_under_their_limit_and_names_are_found_all_the_same(void **state)
{
	struct fixture *f = fixture_of(state);
	char name[40];

	f->volume->index_limit = 16384;
	for (unsigned d = 0; d < 100; d++) {
		snprintf(name, sizeof(name), "dir%u", d);
		create_ok(f->root, name, true);
		for (unsigned i = 0; i < 10; i++) {
			snprintf(name, sizeof(name), "dir%u/File%u", d, i);
			create_ok(f->root, name, false);
		}
		assert_true(f->volume->index_bytes <= f->volume->index_limit);
	}
	for (unsigned d = 0; d < 100; d++) {
		snprintf(name, sizeof(name), "DIR%u/FILE%u", d, d % 10);
		assert_true(exists(f->root, name));
		snprintf(name, sizeof(name), "DIR%u/FILE%u", d, 10 + d % 10);
		assert_false(exists(f->root, name));
		assert_true(f->volume->index_bytes <= f->volume->index_limit);
	}
}

static void a_directory_too_large_for_an_index_works_by_scanning(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;
	char name[40];

	f->volume->index_limit = 4096;
	create_ok(f->root, "dir", true);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "dir/File%u", i);
		create_ok(f->root, name, false);
	}
	assert_true(f->volume->index_bytes <= f->volume->index_limit);
	assert_true(exists(f->root, "dir/FILE399"));
	assert_false(exists(f->root, "dir/FILE400"));
	assert_int_equal(create(f->root, "dir/FILE7", false, &node), STATUS_OBJECT_NAME_COLLISION);
	node = open_ok(f->root, "dir/FILE7");
	{
		struct volume_node *dir = open_ok(f->root, "dir");

		assert_int_equal(volume_unlink(dir, "File7", node), STATUS_SUCCESS);
		volume_node_put(dir);
	}
	volume_node_put(node);
	assert_false(exists(f->root, "dir/FILE7"));
}

static void an_index_forgets_what_was_removed(void **state)
{
	struct fixture *f = fixture_of(state);
	uint64_t most = 0;
	char name[40];

	create_ok(f->root, "dir", true);
	for (unsigned i = 0; i < 2000; i++) {
		struct volume_lookup lookup;

		snprintf(name, sizeof(name), "dir/a longish name %u", i);
		create_ok(f->root, name, false);
		assert_int_equal(volume_lookup(f->root, name, &lookup), STATUS_SUCCESS);
		assert_int_equal(volume_unlink(lookup.parent, lookup.name, lookup.node),
				 STATUS_SUCCESS);
		volume_lookup_end(&lookup);
		assert_false(exists(f->root, name));
		if (f->volume->index_bytes > most)
			most = f->volume->index_bytes;
	}
	assert_true(most < 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_name_is_found_in_any_case),
		VOLUME_TEST(a_missing_last_component_is_no_error_and_a_missing_earlier_one_is),
		VOLUME_TEST(the_empty_path_is_the_root),
		VOLUME_TEST(a_create_collides_with_a_name_in_other_case),
		VOLUME_TEST(of_two_names_that_differ_in_case_the_one_as_written_is_found),
		VOLUME_TEST_IN_MEMORY(
			creating_twenty_thousand_files_scans_the_directory_a_few_times_at_most),
		VOLUME_TEST_IN_MEMORY(a_large_directory_made_by_others_is_scanned_once),
		VOLUME_TEST(what_others_do_in_the_directory_is_seen),
		VOLUME_TEST(a_change_of_others_is_not_hidden_by_one_of_our_own_after_it),
		VOLUME_TEST(a_name_made_by_others_right_after_one_of_our_own_is_found_as_written),
		VOLUME_TEST(a_name_whose_case_others_change_right_after_one_of_our_own_is_found),
		VOLUME_TEST(who_makes_a_file_does_not_replace_what_others_made_unseen),
		VOLUME_TEST(who_makes_a_file_asks_the_disk_for_it_once),
		VOLUME_TEST(no_path_leads_out),
		VOLUME_TEST(a_symbolic_link_is_as_if_it_were_not_there),
		VOLUME_TEST(the_home_is_reached_by_the_server_alone),
		VOLUME_TEST(directories_are_made_along_a_path),
		VOLUME_TEST(a_directory_that_another_makes_at_this_moment_is_found),
		cmocka_unit_test(names_that_windows_cannot_have_are_not_valid),
		VOLUME_TEST(the_serial_number_stays),
		VOLUME_TEST(a_moved_directory_is_no_longer_found_at_its_old_path),
		VOLUME_TEST_IN_MEMORY(
			indexes_stay_under_their_limit_and_names_are_found_all_the_same),
		VOLUME_TEST(a_directory_too_large_for_an_index_works_by_scanning),
		VOLUME_TEST_IN_MEMORY(an_index_forgets_what_was_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
