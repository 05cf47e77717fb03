// SPDX-License-Identifier: Apache-2.0
/* A volume in a directory of its own, gone when the test is over. Skips where there are no user
 * attributes. */
#ifndef TESTS_VOLUME_FIXTURE_H
#define TESTS_VOLUME_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <volume/volume.h>
#include <wire/fscc.h>

#include "../../../src/volume/sys.h"

struct fixture {
	char path[256];
	struct volume *volume;
	struct volume_node *root;
	struct volume_sys sys; /* as it was */
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline bool fixture_make(struct fixture *f, const char *where)
{
	snprintf(f->path, sizeof(f->path), "%s/berth-volume.XXXXXX", where);
	if (!mkdtemp(f->path))
		return false;
	if (!setxattr(f->path, "user.test", "1", 1, 0))
		return true;
	rmdir(f->path);
	return false;
}

static inline int fixture_open_at(void **state, bool in_memory)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	*state = f;
	f->sys = sys;
	/* a file system in memory has user attributes since Linux 6.6 */
	if (!(in_memory && fixture_make(f, "/dev/shm")) &&
	    !fixture_make(f, tmp ? tmp : "/var/tmp")) {
		print_message("skipped: %s has no user extended attributes\n", f->path);
		return 0;
	}
	assert_int_equal(volume_open(f->path, &f->volume), STATUS_SUCCESS);
	assert_int_equal(volume_directory(f->volume, "", &f->root), STATUS_SUCCESS);
	return 0;
}

static inline int fixture_open(void **state)
{
	return fixture_open_at(state, false);
}

/* For tests that make many files. */
static inline int fixture_open_in_memory(void **state)
{
	return fixture_open_at(state, true);
}

static inline int fixture_close(void **state)
{
	struct fixture *f = *state;

	sys = f->sys;
	volume_node_put(f->root);
	volume_close(f->volume);
	nftw(f->path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline struct fixture *fixture_of(void **state)
{
	struct fixture *f = *state;

	if (!f->volume)
		skip();
	return f;
}

/* on_disk - the path of @name under the volume, past the server. */
static inline const char *on_disk(struct fixture *f, const char *name)
{
	static char path[2][600];
	static unsigned n;

	n ^= 1;
	snprintf(path[n], sizeof(path[n]), "%s/%s", f->path, name);
	return path[n];
}

static inline void touch_on_disk(struct fixture *f, const char *name)
{
	int fd = open(on_disk(f, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static inline bool is_on_disk(struct fixture *f, const char *name)
{
	struct stat st;

	return !lstat(on_disk(f, name), &st);
}

static inline ntstatus create(struct volume_node *root, const char *path, bool is_directory,
			      struct volume_node **out)
{
	const struct volume_initial initial = { .is_directory = is_directory,
						.attributes = is_directory ? 0 : 0x20 };
	struct volume_lookup lookup;
	ntstatus status = volume_lookup(root, path, &lookup);

	*out = NULL;
	if (!status)
		status = volume_create(&lookup, &initial, out);
	volume_lookup_end(&lookup);
	return status;
}

static inline void create_ok(struct volume_node *root, const char *path, bool is_directory)
{
	struct volume_node *node;

	assert_int_equal(create(root, path, is_directory, &node), STATUS_SUCCESS);
	volume_node_put(node);
}

static inline struct volume_node *open_ok(struct volume_node *root, const char *path)
{
	struct volume_lookup lookup;
	struct volume_node *node;

	assert_int_equal(volume_lookup(root, path, &lookup), STATUS_SUCCESS);
	assert_true(lookup.exists);
	assert_int_equal(volume_lookup_open(&lookup, &node), STATUS_SUCCESS);
	volume_lookup_end(&lookup);
	return node;
}

static inline bool exists(struct volume_node *root, const char *path)
{
	struct volume_lookup lookup;
	ntstatus status = volume_lookup(root, path, &lookup);
	bool there = !status && lookup.exists;

	volume_lookup_end(&lookup);
	return there;
}

#define VOLUME_TEST_IN_MEMORY(f)                                                                   \
	cmocka_unit_test_setup_teardown(f, fixture_open_in_memory, fixture_close)
#define VOLUME_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

#endif
