// SPDX-License-Identifier: Apache-2.0
/* Opens of previous versions beside those of the live files, where both are one inode. */
#include "opens_fixture.h"

#include <wire/ntstatus.h>

#define TAKEN_SECONDS 1767225600 /* 2026-01-01 */

/* A snapshot whose file "f" is a hard link to the live one. */
static void link_snapshot(void)
{
	static const char *const directories[] = { ".berth/snapshots",
						   ".berth/snapshots/2026-01-01" };
	char auto_free *live = xasprintf("%s/f", F.directory);
	char auto_free *old = xasprintf("%s/%s/f", F.directory, directories[1]);

	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		char auto_free *path = xasprintf("%s/%s", F.directory, directories[i]);

		assert_int_equal(mkdir(path, 0700), 0);
	}
	make_file("f");
	assert_int_equal(link(live, old), 0);
}

static struct smb2_create_contexts as_it_was(int64_t seconds)
{
	return (struct smb2_create_contexts){
		.has_timewarp = true,
		.timewarp = nttime_from_timespec((struct timespec){ .tv_sec = seconds }),
	};
}

static void a_previous_version_does_not_share_share_modes_with_its_inode(void **state)
{
	struct smb2_create_contexts then = as_it_was(TAKEN_SECONDS);
	struct open *live, *old;

	link_snapshot();
	live = OPEN(.path = "f", .access = FILE_GENERIC_READ | FILE_GENERIC_WRITE,
		    .no_share = true);
	old = OPEN(.path = "f", .contexts = &then, .client = 1);
	assert_true(open_facts(old)->node != open_facts(live)->node);
	assert_true(volume_is_snapshot(open_facts(old)->node->volume));
	done(live);
	/* And the other way round: what is opened live is live. */
	live = OPEN(.path = "f", .access = FILE_GENERIC_READ | FILE_GENERIC_WRITE);
	assert_false(volume_is_snapshot(open_facts(live)->node->volume));
	assert_status(open_check_write(live, 0, 1), STATUS_SUCCESS);
	assert_status(open_check_write(old, 0, 1), STATUS_ACCESS_DENIED);
	done(live);
	done(old);
}

static void a_previous_version_does_not_go_with_the_live_file(void **state)
{
	struct smb2_create_contexts then = as_it_was(TAKEN_SECONDS);
	struct open *old;

	link_snapshot();
	old = OPEN(.path = "f", .contexts = &then, .client = 1);
	done(OPEN(.path = "f", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE));
	assert_status(TRY(.path = "f"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "f", .contexts = &then), STATUS_SUCCESS);
	done(old);
}

static void what_the_share_withholds_is_refused_before_snapshots_are_looked_for(void **state)
{
	struct smb2_create_contexts never = as_it_was(TAKEN_SECONDS + 1);

	link_snapshot();
	assert_status(TRY(.path = "f", .contexts = &never), STATUS_OBJECT_NAME_NOT_FOUND);
	F.share.flags |= STORE_SHARE_READ_ONLY;
	assert_status(TRY(.path = "f", .contexts = &never, .access = FILE_GENERIC_WRITE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .contexts = &never), STATUS_OBJECT_NAME_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_previous_version_does_not_share_share_modes_with_its_inode, fixture_begin,
			fixture_end),
		cmocka_unit_test_setup_teardown(a_previous_version_does_not_go_with_the_live_file,
						fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(
			what_the_share_withholds_is_refused_before_snapshots_are_looked_for,
			fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
