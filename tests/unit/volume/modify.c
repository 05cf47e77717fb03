// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include <pthread.h>

static ntstatus rename_to(struct fixture *f, const char *from, const char *to, bool replace)
{
	struct volume_lookup source, target;
	struct volume_node *node = open_ok(f->root, from);
	ntstatus status;

	assert_int_equal(volume_lookup(f->root, from, &source), STATUS_SUCCESS);
	status = volume_lookup(f->root, to, &target);
	if (!status)
		status = volume_rename(source.parent, source.name, node, &target, replace);
	volume_lookup_end(&source);
	volume_lookup_end(&target);
	volume_node_put(node);
	return status;
}

static ntstatus remove_path(struct fixture *f, const char *path)
{
	struct volume_lookup lookup;
	struct volume_node *node = open_ok(f->root, path);
	ntstatus status;

	assert_int_equal(volume_lookup(f->root, path, &lookup), STATUS_SUCCESS);
	status = volume_unlink(lookup.parent, lookup.name, node);
	volume_lookup_end(&lookup);
	volume_node_put(node);
	return status;
}

static void write_in(struct fixture *f, const char *path, const char *text)
{
	struct volume_node *node = open_ok(f->root, path);

	assert_int_equal(pwrite(node->fd, text, strlen(text), 0), strlen(text));
	volume_node_put(node);
}

static void assert_content(struct fixture *f, const char *path, const char *text)
{
	struct volume_node *node = open_ok(f->root, path);
	char got[64] = "";

	assert_int_equal(pread(node->fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
	volume_node_put(node);
}

static void a_removed_name_is_gone_in_any_case_and_can_be_made_again(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "File", false);
	assert_int_equal(remove_path(f, "fILE"), STATUS_SUCCESS);
	assert_false(exists(f->root, "file"));
	assert_false(is_on_disk(f, "File"));
	create_ok(f->root, "file", false);
	assert_true(is_on_disk(f, "file"));
}

static void a_directory_with_something_in_it_stays(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *dir;

	create_ok(f->root, "dir", true);
	dir = open_ok(f->root, "dir");
	assert_int_equal(volume_directory_is_empty(dir), STATUS_SUCCESS);
	create_ok(f->root, "dir/file", false);
	assert_int_equal(volume_directory_is_empty(dir), STATUS_DIRECTORY_NOT_EMPTY);
	volume_node_put(dir);
	assert_int_equal(remove_path(f, "dir"), STATUS_DIRECTORY_NOT_EMPTY);
	assert_int_equal(remove_path(f, "dir/file"), STATUS_SUCCESS);
	assert_int_equal(remove_path(f, "dir"), STATUS_SUCCESS);
	assert_false(exists(f->root, "dir/file"));
	create_ok(f->root, "DIR", true);
	create_ok(f->root, "DIR/FILE", false);
}

static void a_name_that_is_another_file_by_now_is_not_removed(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;

	create_ok(f->root, "file", false);
	node = open_ok(f->root, "file");
	assert_int_equal(rename(on_disk(f, "file"), on_disk(f, "kept")), 0);
	touch_on_disk(f, "file");
	assert_int_equal(volume_unlink(f->root, "file", node), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(volume_unlink(f->root, "nothing", node), STATUS_OBJECT_NAME_NOT_FOUND);
	volume_node_put(node);
	assert_true(is_on_disk(f, "file"));
	assert_true(is_on_disk(f, "kept"));
}

static void a_rename_moves_and_the_old_name_is_free(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "a", true);
	create_ok(f->root, "b", true);
	create_ok(f->root, "a/file", false);
	write_in(f, "a/file", "content");
	assert_int_equal(rename_to(f, "a/file", "b/Other", false), STATUS_SUCCESS);
	assert_false(exists(f->root, "a/file"));
	assert_content(f, "B/OTHER", "content");
	create_ok(f->root, "a/FILE", false);
}

static void a_rename_can_change_the_case_alone(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "readme.txt", false);
	create_ok(f->root, "dir", true);
	assert_int_equal(rename_to(f, "readme.txt", "README.txt", false), STATUS_SUCCESS);
	assert_true(is_on_disk(f, "README.txt"));
	assert_false(is_on_disk(f, "readme.txt"));
	assert_int_equal(rename_to(f, "DIR", "Dir", false), STATUS_SUCCESS);
	assert_true(is_on_disk(f, "Dir"));
	assert_int_equal(rename_to(f, "Dir", "Dir", false), STATUS_SUCCESS);
	assert_true(exists(f->root, "dir"));
}

static void a_rename_replaces_only_when_told_and_writes_the_name_as_asked(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "new", false);
	write_in(f, "new", "new");
	create_ok(f->root, "target", false);
	write_in(f, "target", "old");
	assert_int_equal(rename_to(f, "new", "TARGET", false), STATUS_OBJECT_NAME_COLLISION);
	assert_content(f, "target", "old");
	assert_int_equal(rename_to(f, "new", "TARGET", true), STATUS_SUCCESS);
	assert_content(f, "target", "new");
	assert_true(is_on_disk(f, "TARGET"));
	assert_false(is_on_disk(f, "target"));
	assert_false(exists(f->root, "new"));
}

static void a_directory_is_never_replaced(void **state)
{
	struct fixture *f = fixture_of(state);

	create_ok(f->root, "file", false);
	create_ok(f->root, "dir", true);
	create_ok(f->root, "other", true);
	assert_int_equal(rename_to(f, "file", "dir", true), STATUS_ACCESS_DENIED);
	assert_int_equal(rename_to(f, "other", "dir", true), STATUS_ACCESS_DENIED);
	assert_int_equal(rename_to(f, "other", "file", true), STATUS_ACCESS_DENIED);
	assert_int_equal(rename_to(f, "other", "dir", false), STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(rename_to(f, "other", "dir/other", false), STATUS_SUCCESS);
	assert_int_not_equal(rename_to(f, "dir", "dir/other/dir", false), STATUS_SUCCESS);
}

static ntstatus link_to(struct fixture *f, const char *from, const char *to, bool replace)
{
	struct volume_lookup target;
	struct volume_node *node = open_ok(f->root, from);
	ntstatus status = volume_lookup(f->root, to, &target);

	if (!status)
		status = volume_link(node, &target, replace);
	volume_lookup_end(&target);
	volume_node_put(node);
	return status;
}

static void a_link_is_a_second_name(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_lookup lookup;

	create_ok(f->root, "file", false);
	write_in(f, "file", "content");
	assert_int_equal(link_to(f, "file", "second", false), STATUS_SUCCESS);
	assert_content(f, "SECOND", "content");
	assert_int_equal(volume_lookup(f->root, "file", &lookup), STATUS_SUCCESS);
	assert_int_equal(lookup.attributes.links, 2);
	volume_lookup_end(&lookup);
	create_ok(f->root, "other", false);
	assert_int_equal(link_to(f, "file", "OTHER", false), STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(link_to(f, "file", "OTHER", true), STATUS_SUCCESS);
	assert_content(f, "other", "content");
	assert_true(is_on_disk(f, "OTHER"));
	assert_false(is_on_disk(f, "other"));
	assert_int_equal(remove_path(f, "file"), STATUS_SUCCESS);
	assert_content(f, "second", "content");
	assert_int_equal(rename_to(f, "second", "other", true), STATUS_SUCCESS);
	assert_false(exists(f->root, "second"));
	assert_content(f, "other", "content");
	create_ok(f->root, "dir", true);
	assert_int_equal(link_to(f, "dir", "dir2", false), STATUS_FILE_IS_A_DIRECTORY);
}

struct racer {
	struct volume_node *root;
	unsigned number, won;
};

static void *race(void *argument)
{
	struct racer *racer = argument;

	for (unsigned i = 0; i < 300; i++) {
		struct volume_node *node;
		char name[16];

		snprintf(name, sizeof(name), racer->number % 2 ? "race%u" : "RACE%u", i);
		if (!create(racer->root, name, i % 3 == 0, &node))
			racer->won++;
		volume_node_put(node);
	}
	return NULL;
}

static void of_many_who_create_one_name_at_once_in_any_case_one_wins(void **state)
{
	struct fixture *f = fixture_of(state);
	struct racer racers[4];
	pthread_t threads[4];
	unsigned won = 0;

	for (unsigned i = 0; i < 4; i++) {
		racers[i] = (struct racer){ .root = f->root, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		won += racers[i].won;
	}
	assert_int_equal(won, 300);
}

static void *churn(void *argument)
{
	struct racer *racer = argument;
	char name[24], other[24];

	snprintf(name, sizeof(name), "d%u/file", racer->number % 2);
	snprintf(other, sizeof(other), "D%u/FILE", (racer->number + 1) % 2);
	for (unsigned i = 0; i < 400; i++) {
		struct volume_lookup from, to;
		struct volume_node *node;

		if (!create(racer->root, i % 2 ? name : other, false, &node))
			volume_node_put(node);
		if (!volume_lookup(racer->root, name, &from) && from.exists &&
		    !volume_lookup_open(&from, &node)) {
			if (!volume_lookup(racer->root, other, &to))
				(void)!volume_rename(from.parent, from.name, node, &to, i % 3 == 0);
			volume_lookup_end(&to);
			if (i % 5 == 0)
				(void)!volume_unlink(from.parent, from.name, node);
			volume_node_put(node);
		}
		volume_lookup_end(&from);
	}
	return NULL;
}

static void renames_back_and_forth_between_two_directories_neither_hang_nor_lose_the_index(
	void **state)
{
	struct fixture *f = fixture_of(state);
	struct racer racers[4];
	pthread_t threads[4];

	create_ok(f->root, "d0", true);
	create_ok(f->root, "d1", true);
	for (unsigned i = 0; i < 4; i++) {
		racers[i] = (struct racer){ .root = f->root, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 2; i++) {
		bool there = is_on_disk(f, i ? "d1/file" : "d0/file") ||
			     is_on_disk(f, i ? "d1/FILE" : "d0/FILE");

		assert_int_equal(exists(f->root, i ? "d1/fILE" : "d0/fILE"), there);
	}
}

static unsigned syncs;
static int counting_sync(int fd)
{
	syncs++;
	return fsync(fd) ? -errno : 0;
}

static void a_new_file_is_synced_with_its_directory_once(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;

	assert_int_equal(create(f->root, "file", false, &node), STATUS_SUCCESS);
	sys.sync = counting_sync;
	syncs = 0;
	assert_int_equal(volume_sync(node), STATUS_SUCCESS);
	assert_int_equal(syncs, 2);
	assert_int_equal(volume_sync(node), STATUS_SUCCESS);
	assert_int_equal(syncs, 3);
	volume_node_put(node);
}

static int sync_of_directories_fails(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode) ? -EIO : 0;
}

static void a_sync_that_failed_is_owed_still(void **state)
{
	struct fixture *f = fixture_of(state);
	struct volume_node *node;

	assert_int_equal(create(f->root, "file", false, &node), STATUS_SUCCESS);
	sys.sync = sync_of_directories_fails;
	assert_int_equal(volume_sync(node), STATUS_IO_DEVICE_ERROR);
	assert_int_equal(volume_sync(node), STATUS_IO_DEVICE_ERROR);
	sys.sync = counting_sync;
	syncs = 0;
	assert_int_equal(volume_sync(node), STATUS_SUCCESS);
	assert_int_equal(syncs, 2);
	volume_node_put(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_removed_name_is_gone_in_any_case_and_can_be_made_again),
		VOLUME_TEST(a_directory_with_something_in_it_stays),
		VOLUME_TEST(a_name_that_is_another_file_by_now_is_not_removed),
		VOLUME_TEST(a_rename_moves_and_the_old_name_is_free),
		VOLUME_TEST(a_rename_can_change_the_case_alone),
		VOLUME_TEST(a_rename_replaces_only_when_told_and_writes_the_name_as_asked),
		VOLUME_TEST(a_directory_is_never_replaced),
		VOLUME_TEST(a_link_is_a_second_name),
		VOLUME_TEST(of_many_who_create_one_name_at_once_in_any_case_one_wins),
		VOLUME_TEST(
			renames_back_and_forth_between_two_directories_neither_hang_nor_lose_the_index),
		VOLUME_TEST(a_new_file_is_synced_with_its_directory_once),
		VOLUME_TEST(a_sync_that_failed_is_owed_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
