// SPDX-License-Identifier: Apache-2.0
/*
 * Kills a process at every system call of a change, one after the other, and looks at what it left.
 * The layer under the volume is built here with its faults, in place of the library's.
 */
#define VOLUME_FAULTS
#include "../../../src/volume/sys.c"

#include "fixture.h"

#include <dirent.h>
#include <sys/wait.h>

#include "../../../src/volume/private.h"

static const char *const calls[] = { "openat2",	   "statx",    "getdents",  "get_record",
				     "set_record", "mkdir",    "unlink",    "rename",
				     "link",	   "truncate", "fallocate", "sync" };

static uint8_t old_sd[5000], new_sd[50000];

static int small_records(int fd, const void *data, size_t length)
{
	return length > 1000 ? -ENOSPC : sys_set_record(fd, data, length);
}

/* until_it_lives - run @change with a kill at the n-th call of each kind, for every n; @check after
 * each. */
static void until_it_lives(struct fixture *f, void (*before)(struct fixture *),
			   void (*change)(struct volume_node *), void (*check)(struct fixture *))
{
	unsigned killed = 0;

	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (unsigned n = 1;; n++) {
			int status;
			pid_t pid;

			before(f);
			pid = fork();
			assert_true(pid >= 0);
			if (!pid) {
				struct volume *volume;

				fault.seen = 0;
				fault.at = n;
				strcpy(fault.what, "kill");
				if (volume_open(f->path, &volume))
					_exit(1);
				strcpy(fault.call, calls[c]);
				change(volume->root);
				_exit(0);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			check(f);
			if (WIFEXITED(status)) {
				assert_int_equal(WEXITSTATUS(status), 0);
				break;
			}
			assert_int_equal(WTERMSIG(status), SIGKILL);
			killed++;
		}
	}
	assert_true(killed > 3);
}

static void remove_if_there(struct fixture *f, const char *name)
{
	struct volume_lookup lookup;

	assert_int_equal(volume_lookup(f->root, name, &lookup), STATUS_SUCCESS);
	if (lookup.exists)
		assert_int_equal(volume_unlink(lookup.parent, lookup.name, lookup.node),
				 STATUS_SUCCESS);
	volume_lookup_end(&lookup);
}

static void fill(struct fixture *f, const char *name, const char *text)
{
	struct volume_node *node;

	remove_if_there(f, name);
	create_ok(f->root, name, false);
	node = open_ok(f->root, name);
	assert_int_equal(pwrite(node->fd, text, strlen(text), 0), strlen(text));
	volume_node_put(node);
}

static char first_byte(struct fixture *f, const char *name)
{
	struct volume_node *node = open_ok(f->root, name);
	char byte = 0;

	assert_int_equal(pread(node->fd, &byte, 1, 0), 1);
	volume_node_put(node);
	return byte;
}

static void with_old_sd(struct fixture *f)
{
	struct volume_node *node;

	fill(f, "file", "x");
	node = open_ok(f->root, "file");
	assert_int_equal(volume_set_sd(node, old_sd, sizeof(old_sd)), STATUS_SUCCESS);
	volume_node_put(node);
}

static void set_new_sd(struct volume_node *root)
{
	struct volume_node *node = open_ok(root, "file");

	if (volume_set_sd(node, new_sd, sizeof(new_sd)))
		_exit(1);
	volume_node_put(node);
}

static void sd_is_whole(struct fixture *f)
{
	struct volume_node *node = open_ok(f->root, "file");
	auto_buf struct buf sd = { 0 };

	assert_int_equal(volume_get_sd(node, &sd), STATUS_SUCCESS);
	if (sd.len == sizeof(old_sd))
		assert_memory_equal(sd.data, old_sd, sizeof(old_sd));
	else
		assert_int_equal(sd.len, sizeof(new_sd));
	if (sd.len == sizeof(new_sd))
		assert_memory_equal(sd.data, new_sd, sizeof(new_sd));
	volume_node_put(node);
}

static void a_kill_leaves_the_old_descriptor_or_the_new_one(void **state)
{
	struct fixture *f = fixture_of(state);

	memset(old_sd, 1, sizeof(old_sd));
	memset(new_sd, 2, sizeof(new_sd));
	sys.set_record = small_records; /* both go to the depot */
	until_it_lives(f, with_old_sd, set_new_sd, sd_is_whole);
}

static void with_two(struct fixture *f)
{
	fill(f, "target", "o");
	fill(f, "source", "n");
}

static void replace_in_other_case(struct volume_node *root)
{
	struct volume_lookup to;
	struct volume_node *node = open_ok(root, "source");

	assert_int_equal(volume_lookup(root, "TARGET", &to), STATUS_SUCCESS);
	if (volume_rename(root, "source", node, &to, true))
		_exit(1);
	volume_lookup_end(&to);
	volume_node_put(node);
}

static void target_is_one_of_the_two(struct fixture *f)
{
	char byte = first_byte(f, "target");

	assert_true(byte == 'o' || byte == 'n');
	assert_int_equal(byte == 'o', exists(f->root, "source"));
	assert_false(is_on_disk(f, "target") && is_on_disk(f, "TARGET"));
}

static void a_kill_in_a_rename_leaves_the_old_file_or_the_new_one(void **state)
{
	until_it_lives(fixture_of(state), with_two, replace_in_other_case,
		       target_is_one_of_the_two);
}

static void with_stream(struct fixture *f)
{
	struct volume_node *node, *stream;

	fill(f, "file", "x");
	node = open_ok(f->root, "file");
	assert_int_equal(volume_stream_create(node, "kept", &stream), STATUS_SUCCESS);
	volume_node_put(stream);
	volume_node_put(node);
}

static void remove_file(struct volume_node *root)
{
	struct volume_node *node = open_ok(root, "file");

	if (volume_unlink(root, "file", node))
		_exit(1);
	volume_node_put(node);
}

static unsigned entries_of(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	for (struct dirent *at; dir && (at = readdir(dir));)
		count += at->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* Opened again, the volume has as many directories in its depot as files that need one, and no note
 * of a removal. */
static void assert_depot_holds(struct fixture *f, unsigned files)
{
	char auto_free *path = xasprintf("%s/.berth/streams", f->path);
	struct volume *again;
	unsigned count = 0;
	DIR *dir;

	assert_int_equal(volume_open(f->path, &again), STATUS_SUCCESS);
	volume_close(again);
	dir = opendir(path);
	for (struct dirent *at; dir && (at = readdir(dir));) {
		char auto_free *below = xasprintf("%s/%s", path, at->d_name);

		if (!strcmp(at->d_name, "gone"))
			assert_int_equal(entries_of(below), 0);
		else if (at->d_name[0] != '.')
			count += entries_of(below);
	}
	if (dir)
		closedir(dir);
	assert_int_equal(count, files);
}

static void file_is_gone_or_whole(struct fixture *f)
{
	struct volume_node *node, *stream;

	assert_depot_holds(f, exists(f->root, "file"));
	if (!exists(f->root, "file"))
		return;
	node = open_ok(f->root, "file");
	assert_int_equal(volume_stream_open(node, "kept", &stream), STATUS_SUCCESS);
	volume_node_put(stream);
	volume_node_put(node);
}

static void a_kill_in_a_removal_leaves_the_file_with_its_streams_or_no_file(void **state)
{
	until_it_lives(fixture_of(state), with_stream, remove_file, file_is_gone_or_whole);
}

static void with_stream_on_target(struct fixture *f)
{
	struct volume_node *node, *stream;

	with_two(f);
	node = open_ok(f->root, "target");
	assert_int_equal(volume_stream_create(node, "kept", &stream), STATUS_SUCCESS);
	volume_node_put(stream);
	volume_node_put(node);
}

static void streams_are_of_what_is_there(struct fixture *f)
{
	target_is_one_of_the_two(f);
	assert_depot_holds(f, first_byte(f, "target") == 'o');
}

static void a_kill_in_a_replacement_leaves_no_streams_that_nothing_leads_to(void **state)
{
	until_it_lives(fixture_of(state), with_stream_on_target, replace_in_other_case,
		       streams_are_of_what_is_there);
}

static void with_plain(struct fixture *f)
{
	fill(f, "file", "x");
}

static void make_stream(struct volume_node *root)
{
	struct volume_node *node = open_ok(root, "file"), *stream;

	if (volume_stream_create(node, "new", &stream))
		_exit(1);
	volume_node_put(stream);
	volume_node_put(node);
}

static void stream_can_be_made(struct fixture *f)
{
	struct volume_node *node = open_ok(f->root, "file"), *stream;
	ntstatus status = volume_stream_open(node, "new", &stream);

	if (status) {
		assert_int_equal(status, STATUS_OBJECT_NAME_NOT_FOUND);
		assert_int_equal(volume_stream_create(node, "new", &stream), STATUS_SUCCESS);
	}
	volume_node_put(stream);
	volume_node_put(node);
}

static void a_kill_while_the_first_stream_is_made_leaves_a_file_that_can_have_one(void **state)
{
	until_it_lives(fixture_of(state), with_plain, make_stream, stream_can_be_made);
}

static void with_nothing(struct fixture *f)
{
	remove_if_there(f, "new");
}

static void make_file(struct volume_node *root)
{
	const struct volume_initial initial = { .sd = new_sd,
						.sd_length = 100,
						.allocation_size = 10000 };
	struct volume_lookup lookup;
	struct volume_node *node;

	assert_int_equal(volume_lookup(root, "new", &lookup), STATUS_SUCCESS);
	if (volume_create(&lookup, &initial, &node) || volume_sync(node))
		_exit(1);
	volume_node_put(node);
	volume_lookup_end(&lookup);
}

static void file_can_be_looked_at(struct fixture *f)
{
	if (exists(f->root, "NEW"))
		volume_node_put(open_ok(f->root, "new"));
}

static void a_kill_while_a_file_is_made_leaves_none_or_one_that_opens(void **state)
{
	until_it_lives(fixture_of(state), with_nothing, make_file, file_can_be_looked_at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(a_kill_leaves_the_old_descriptor_or_the_new_one),
		VOLUME_TEST(a_kill_in_a_rename_leaves_the_old_file_or_the_new_one),
		VOLUME_TEST(a_kill_in_a_removal_leaves_the_file_with_its_streams_or_no_file),
		VOLUME_TEST(a_kill_in_a_replacement_leaves_no_streams_that_nothing_leads_to),
		VOLUME_TEST(a_kill_while_the_first_stream_is_made_leaves_a_file_that_can_have_one),
		VOLUME_TEST(a_kill_while_a_file_is_made_leaves_none_or_one_that_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
