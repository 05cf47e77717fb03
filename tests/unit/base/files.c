// SPDX-License-Identifier: Apache-2.0
/* Files by path and in trees, the same on every system. */
#include <base/files.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM 64

static char *home;
static struct tree *tree;

static char *below(const char *name)
{
	return xasprintf("%s/%s", home, name);
}

static int make_home(void **state)
{
	const char *temporary = getenv("TMPDIR");
	auto_free char *inside = NULL;

	home = xasprintf("%s/berth-files-%016llx", temporary ? temporary : "/tmp",
			 (unsigned long long)random_u64());
	inside = below("tree");
	return path_make_private(home) || path_make_directory(inside) || tree_open(inside, &tree);
}

static int remove_home(void **state)
{
	int error;

	tree_close(tree);
	error = path_remove_tree(home);
	free(home);
	return error;
}

static int write_in_tree(const char *name, enum file_how how, const char *text)
{
	auto_close int fd = tree_file(tree, name, how, FILE_USUAL);
	int error = fd < 0 ? fd : file_write(fd, text, strlen(text));

	return error ? error : file_close(&fd, false);
}

static void assert_holds(const char *name, const char *text)
{
	auto_close int fd = tree_file(tree, name, FILE_READ, FILE_USUAL);
	char found[ROOM] = "";
	size_t got;

	assert_true(fd >= 0);
	assert_int_equal(file_read_at(fd, found, ROOM - 1, 0, &got), 0);
	assert_string_equal(found, text);
}

static void a_file_is_new_once_and_can_be_written_over(void **state)
{
	assert_int_equal(write_in_tree("once", FILE_NEW, "first"), 0);
	assert_int_equal(write_in_tree("once", FILE_NEW, "second"), -EEXIST);
	assert_holds("once", "first");
	assert_int_equal(write_in_tree("once", FILE_OVER, "2nd"), 0);
	assert_holds("once", "2nd");
}

static void a_part_is_read_from_where_it_is_asked_for(void **state)
{
	auto_close int fd = -1;
	char found[ROOM] = "";
	size_t got;

	assert_int_equal(write_in_tree("part", FILE_NEW, "0123456789"), 0);
	fd = tree_file(tree, "part", FILE_READ, FILE_USUAL);
	assert_int_equal(file_read_at(fd, found, 3, 4, &got), 0);
	assert_int_equal(got, 3);
	assert_string_equal(found, "456");
	assert_int_equal(file_read_at(fd, found, ROOM, 8, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(file_read_at(fd, found, ROOM, 100, &got), 0);
	assert_int_equal(got, 0);
}

static void a_name_that_leads_out_of_the_tree_is_refused(void **state)
{
	static const char *const names[] = { "../out", "a/../../out", "..", "" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(tree_file(tree, names[i], FILE_READ, FILE_USUAL) < 0);
		assert_true(write_in_tree(names[i], FILE_NEW, "x") < 0);
	}
}

static void a_file_takes_the_place_of_another_in_one_step(void **state)
{
	assert_int_equal(tree_make_directory(tree, "sub"), 0);
	assert_int_equal(tree_make_directory(tree, "sub"), -EEXIST);
	assert_int_equal(write_in_tree("sub/old", FILE_NEW, "old"), 0);
	assert_int_equal(write_in_tree("new", FILE_NEW, "new"), 0);
	assert_int_equal(tree_rename(tree, "new", "sub/old", true), 0);
	assert_holds("sub/old", "new");
	assert_int_equal(tree_file(tree, "new", FILE_READ, FILE_USUAL), -ENOENT);
}

static bool count_one(void *owner, const char *name, uint64_t size, bool is_directory)
{
	*(unsigned *)owner += is_directory ? 100 : (unsigned)size;
	return true;
}

static void a_listing_has_names_sizes_and_directories(void **state)
{
	unsigned sum = 0;

	assert_int_equal(tree_make_directory(tree, "list"), 0);
	assert_int_equal(tree_make_directory(tree, "list/directory"), 0);
	assert_int_equal(write_in_tree("list/\xc3\xa4\xe2\x82\xac.txt", FILE_NEW, "12345"), 0);
	assert_int_equal(tree_list(tree, "list", count_one, &sum), 0);
	assert_int_equal(sum, 105);
	assert_true(tree_remove(tree, "list") < 0);
	assert_int_equal(tree_remove(tree, "list/directory"), 0);
	assert_int_equal(tree_remove(tree, "list/\xc3\xa4\xe2\x82\xac.txt"), 0);
	assert_int_equal(tree_remove(tree, "list"), 0);
	assert_int_equal(tree_list(tree, "list", count_one, &sum), -ENOENT);
}

static void a_lock_has_one_holder(void **state)
{
	auto_free char *path = below("lock");
	int first, second;

	assert_int_equal(path_lock(path, &first), 0);
	assert_int_equal(path_lock(path, &second), -EWOULDBLOCK);
	close_fd_ptr(&first);
	assert_int_equal(path_lock(path, &second), 0);
	close_fd_ptr(&second);
	assert_int_equal(tree_lock(tree, "lock", &first), 0);
	assert_int_equal(tree_lock(tree, "lock", &second), -EWOULDBLOCK);
	close_fd_ptr(&first);
}

static void a_private_file_is_private(void **state)
{
	auto_free char *path = below("key");
	auto_close int fd = path_open(path, FILE_NEW, FILE_PRIVATE);

	assert_true(fd >= 0);
	close_fd_ptr(&fd);
	fd = path_open(path, FILE_READ, FILE_PRIVATE);
	assert_true(fd >= 0);
	assert_true(file_is_private(fd));
}

static void what_only_we_may_change_is_guarded(void **state)
{
	auto_free char *path = below("guarded");
	auto_close int fd = path_open(path, FILE_NEW, FILE_PRIVATE);

	assert_true(fd >= 0);
	close_fd_ptr(&fd);
	fd = path_open(path, FILE_READ, FILE_PRIVATE);
	assert_true(file_is_guarded(fd));
}

static void a_directory_takes_the_place_of_another_with_all_in_it(void **state)
{
	auto_free char *from = below("tree/from"), *to = below("tree/to");

	assert_int_equal(tree_make_directory(tree, "from"), 0);
	assert_int_equal(write_in_tree("from/a", FILE_NEW, "1"), 0);
	assert_int_equal(path_exchange(from, to), 0);
	assert_holds("to/a", "1");
	assert_int_equal(tree_make_directory(tree, "from"), 0);
	assert_int_equal(write_in_tree("from/a", FILE_NEW, "2"), 0);
	assert_int_equal(path_exchange(from, to), 0);
	assert_holds("to/a", "2");
	assert_true(tree_file(tree, "from/a", FILE_READ, FILE_USUAL) < 0);
	assert_int_equal(path_remove_tree(to), 0);
	assert_int_equal(path_remove_tree(to), 0);
}

static void a_directory_that_is_private_already_is_taken(void **state)
{
	assert_int_equal(path_make_private(home), 0);
}

static void free_bytes_are_told(void **state)
{
	uint64_t bytes = 0;

	assert_int_equal(tree_free_bytes(tree, &bytes), 0);
	assert_true(bytes > 0);
	assert_int_equal(tree_sync(tree), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_new_once_and_can_be_written_over),
		cmocka_unit_test(a_part_is_read_from_where_it_is_asked_for),
		cmocka_unit_test(a_name_that_leads_out_of_the_tree_is_refused),
		cmocka_unit_test(a_file_takes_the_place_of_another_in_one_step),
		cmocka_unit_test(a_listing_has_names_sizes_and_directories),
		cmocka_unit_test(a_lock_has_one_holder),
		cmocka_unit_test(a_private_file_is_private),
		cmocka_unit_test(what_only_we_may_change_is_guarded),
		cmocka_unit_test(a_directory_takes_the_place_of_another_with_all_in_it),
		cmocka_unit_test(a_directory_that_is_private_already_is_taken),
		cmocka_unit_test(free_bytes_are_told),
	};

	return cmocka_run_group_tests(tests, make_home, remove_home);
}
