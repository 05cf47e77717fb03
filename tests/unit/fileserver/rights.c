// SPDX-License-Identifier: Apache-2.0
/* What nobody may get by a detour: deletions, streams, links, moves, appends, closed handles. */
#include "opens_fixture.h"

#define POSIX_SEMANTICS 0x02u /* MS-FSCC 2.4.11.2 */
#define ONLY_READ	"D:(A;;FR;;;AU)(A;;FA;;;BA)"

static void set_dacl(const char *path, const char *sddl)
{
	struct open *open =
		OPEN(.path = path, .access = WRITE_DAC | READ_CONTROL, .token = F.admin);
	struct security_descriptor *sd;
	struct buf blob = { 0 };

	assert_status(sd_parse_sddl(sddl, &sd), STATUS_SUCCESS);
	sd_encode(&blob, sd, 0xf);
	assert_status(
		open_set_security(open, DACL_SECURITY_INFORMATION, cur_of(blob.data, blob.len)),
		STATUS_SUCCESS);
	done(open);
	buf_free(&blob);
	free(sd);
}

/* A file in a directory, both of which users may read only. */
static void make_protected(void)
{
	done(OPEN(.path = "d", .token = F.admin, .disposition = FILE_CREATE,
		  .options = FILE_DIRECTORY_FILE));
	done(OPEN(.path = "d/f", .token = F.admin, .access = FILE_GENERIC_WRITE,
		  .disposition = FILE_CREATE));
	set_dacl("d", ONLY_READ);
	set_dacl("d/f", ONLY_READ);
}

/* The session of an Administrator goes on as bob: what it renames, he renames. */
static void a_handle_renames_as_whom_its_session_acts_as(void **state)
{
	struct identity *identity = identity_new(F.admin);
	struct open *open;

	(void)state;
	make_protected();
	open = OPEN(.path = "d/f", .token = F.admin, .identity = identity, .access = DELETE_ACCESS);
	assert_true(identity_become(identity, F.bob));
	assert_status(open_rename(open, "d/g", false, 0, NULL), STATUS_ACCESS_DENIED);
	assert_true(identity_become(identity, F.admin));
	assert_status(open_rename(open, "d/g", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	identity_put(identity);
}

/* On the disk, by hand: it has no descriptor of its own. */
static void make_plain(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", F.directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static ino_t inode_at(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* The file system gives the number of what has gone to what comes next. */
static void a_new_directory_has_nothing_of_one_that_has_gone(void **state)
{
	char path[128], name[16];
	int same = 0;

	(void)state;
	for (int i = 0; i < 100 && !same; i++) {
		ino_t before;

		snprintf(name, sizeof(name), "d%d", i);
		snprintf(path, sizeof(path), "%s/%s", F.directory, name);
		done(OPEN(.path = name, .token = F.admin, .disposition = FILE_CREATE,
			  .options = FILE_DIRECTORY_FILE));
		set_dacl(name, "D:(A;;FA;;;BA)");
		assert_status(TRY(.path = name, .token = F.bob), STATUS_ACCESS_DENIED);
		before = inode_at(path);
		done(OPEN(.path = name, .token = F.admin, .access = DELETE_ACCESS,
			  .options = FILE_DELETE_ON_CLOSE));
		assert_int_equal(mkdir(path, 0700), 0); /* by hand, so that nobody is told */
		same = inode_at(path) == before;
		if (same)
			assert_status(TRY(.path = name, .token = F.bob), STATUS_SUCCESS);
	}
	if (!same)
		skip(); /* it does not, here */
}

/* Who has it open when it goes may still ask what guards it. */
static void nothing_is_kept_of_a_directory_that_has_gone(void **state)
{
	char path[128], name[16];
	int same = 0;

	(void)state;
	done(OPEN(.path = "other", .token = F.admin, .disposition = FILE_CREATE,
		  .options = FILE_DIRECTORY_FILE));
	for (int i = 0; i < 100 && !same; i++) {
		struct buf auto_buf blob = { 0 };
		struct open *open, *deletes;
		ino_t before;

		snprintf(name, sizeof(name), "e%d", i);
		snprintf(path, sizeof(path), "%s/%s", F.directory, name);
		done(OPEN(.path = name, .token = F.admin, .disposition = FILE_CREATE,
			  .options = FILE_DIRECTORY_FILE));
		set_dacl(name, "D:(A;;FA;;;BA)");
		before = inode_at(path);
		open = OPEN(.path = name, .token = F.admin);
		deletes = OPEN(.path = name, .token = F.admin, .access = DELETE_ACCESS);
		assert_status(open_set_disposition(deletes, true, POSIX_SEMANTICS, NULL),
			      STATUS_SUCCESS);
		done(deletes);
		set_dacl("other", ONLY_READ); /* what is known of directories is old now */
		assert_status(open_query_security(open, DACL_SECURITY_INFORMATION, &blob),
			      STATUS_SUCCESS);
		done(open);
		assert_int_equal(mkdir(path, 0700), 0);
		same = inode_at(path) == before;
		if (same)
			assert_status(TRY(.path = name, .token = F.bob), STATUS_SUCCESS);
	}
	if (!same)
		skip();
}

static void nobody_deletes_on_close_what_he_may_not_delete(void **state)
{
	(void)state;
	make_protected();
	assert_status(
		TRY(.path = "d/f", .access = MAXIMUM_ALLOWED, .options = FILE_DELETE_ON_CLOSE),
		STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/f"), STATUS_SUCCESS);
	assert_status(TRY(.path = "d/f", .token = F.admin, .access = MAXIMUM_ALLOWED,
			  .options = FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	assert_status(TRY(.path = "d/f"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void nothing_is_deleted_on_close_on_a_read_only_share(void **state)
{
	(void)state;
	make_file("f");
	F.share.flags = STORE_SHARE_READ_ONLY;
	assert_status(TRY(.path = "f", .access = MAXIMUM_ALLOWED, .options = FILE_DELETE_ON_CLOSE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f"), STATUS_SUCCESS);
}

static void a_read_only_file_is_not_marked_for_its_close(void **state)
{
	struct file_set set = { .attributes = FILE_ATTRIBUTE_READONLY };
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS);
	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
	assert_status(open_set_disposition(open, true, 0x08 /* ON_CLOSE */, NULL),
		      STATUS_CANNOT_DELETE);
	done(open);
	assert_status(TRY(.path = "f"), STATUS_SUCCESS);
}

static void a_new_stream_gives_no_rights_that_its_file_does_not(void **state)
{
	static const uint32_t asked[] = { MAXIMUM_ALLOWED, FILE_READ_ATTRIBUTES, FILE_READ_DATA,
					  MAXIMUM_ALLOWED | FILE_READ_DATA, FILE_WRITE_DATA };
	struct open *open;

	(void)state;
	make_protected();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		assert_status(TRY(.path = "d/f:s", .access = asked[i], .disposition = FILE_OPEN_IF),
			      STATUS_ACCESS_DENIED);
		assert_status(TRY(.path = "d/f:s", .access = asked[i], .disposition = FILE_CREATE),
			      STATUS_ACCESS_DENIED);
	}
	assert_status(TRY(.path = "d/f:s", .token = F.admin), STATUS_OBJECT_NAME_NOT_FOUND);
	/* Who may write to the file gets what he has of it, and no more. */
	set_dacl("d/f", "D:(A;;0x12019f;;;AU)(A;;FA;;;BA)");
	open = OPEN(.path = "d/f:s", .access = MAXIMUM_ALLOWED, .disposition = FILE_CREATE);
	assert_int_equal(
		open_facts(open)->granted_access & (WRITE_DAC | WRITE_OWNER | DELETE_ACCESS), 0);
	assert_true(open_facts(open)->granted_access & FILE_WRITE_DATA);
	done(open);
}

static void what_moves_or_is_linked_keeps_its_rights(void **state)
{
	struct open *open;

	(void)state;
	make_directory("locked");
	make_plain("locked/a");
	make_plain("locked/b");
	set_dacl("locked", "D:(A;OICI;FA;;;BA)(A;;FR;;;AU)(A;OI;0x100180;;;AU)(A;OIIO;SD;;;AU)");
	make_directory("mine");
	set_dacl("mine", "D:(A;OICI;FA;;;AU)(A;OICI;FA;;;BA)");
	assert_status(TRY(.path = "locked/a", .access = FILE_READ_DATA), STATUS_ACCESS_DENIED);
	open = OPEN(.path = "locked/a", .access = FILE_WRITE_ATTRIBUTES);
	assert_status(open_link(open, "mine/a", false, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "mine/a", .access = FILE_READ_DATA), STATUS_ACCESS_DENIED);
	open = OPEN(.path = "locked/b", .access = DELETE_ACCESS);
	assert_status(open_rename(open, "mine/b", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "mine/b", .access = FILE_READ_DATA), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "mine/b", .access = FILE_READ_DATA, .token = F.admin),
		      STATUS_SUCCESS);
}

static void a_link_needs_more_than_to_see_the_file(void **state)
{
	struct open *open;

	(void)state;
	make_protected();
	open = OPEN(.path = "d/f");
	assert_status(open_link(open, "mine", false, NULL), STATUS_ACCESS_DENIED);
	done(open);
	assert_status(TRY(.path = "mine"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void who_may_only_append_overwrites_nothing(void **state)
{
	struct open *open, *append;

	(void)state;
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE);
	assert_status(open_set_end_of_file(open, 10, NULL), STATUS_SUCCESS);
	append = OPEN(.path = "f", .access = FILE_APPEND_DATA);
	assert_status(open_check_write(append, 0, 1), STATUS_ACCESS_DENIED);
	assert_status(open_check_write(append, 9, 1), STATUS_ACCESS_DENIED);
	assert_status(open_check_write(append, 10, 1), STATUS_SUCCESS);
	assert_status(open_check_write(open, 0, 1), STATUS_SUCCESS);
	done(append);
	done(open);
}

static void a_handle_closed_by_an_administrator_has_no_descriptor(void **state)
{
	struct open *open;
	struct buf blob = { 0 };
	struct volume_attributes attributes;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = READ_CONTROL | WRITE_DAC | DELETE_ACCESS);
	assert_true(open_force_close(open_facts(open)->id.volatile_id));
	assert_status(open_query_security(open, DACL_SECURITY_INFORMATION, &blob),
		      STATUS_FILE_CLOSED);
	assert_status(open_rename(open, "g", false, 0, NULL), STATUS_FILE_CLOSED);
	assert_status(open_link(open, "g", false, NULL), STATUS_FILE_CLOSED);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_FILE_CLOSED);
	assert_status(open_close(open, &attributes), STATUS_FILE_CLOSED);
	open_put(open);
	buf_free(&blob);
}

static void a_descriptor_of_nothing_is_written_by_nobody(void **state)
{
	struct open *open;
	struct security_descriptor *sd;
	struct buf blob = { 0 };

	(void)state;
	make_directory("d");
	make_plain("d/f");
	assert_status(sd_parse_sddl("D:(A;;FA;;;AU)", &sd), STATUS_SUCCESS);
	sd_encode(&blob, sd, 0xf);
	open = OPEN(.path = "d/f");
	assert_status(open_set_security(open, 0, cur_of(blob.data, blob.len)), STATUS_SUCCESS);
	assert_status(open_set_security(open, 0x100, cur_of(blob.data, blob.len)), STATUS_SUCCESS);
	done(open);
	buf_free(&blob);
	free(sd);
	/* It still inherits: nothing was stored with it. */
	set_dacl("d", "D:(A;OICI;FA;;;BA)(A;;FR;;;AU)");
	assert_status(TRY(.path = "d/f", .access = FILE_READ_DATA), STATUS_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_handle_renames_as_whom_its_session_acts_as),
		TEST(a_new_directory_has_nothing_of_one_that_has_gone),
		TEST(nothing_is_kept_of_a_directory_that_has_gone),
		TEST(nobody_deletes_on_close_what_he_may_not_delete),
		TEST(nothing_is_deleted_on_close_on_a_read_only_share),
		TEST(a_read_only_file_is_not_marked_for_its_close),
		TEST(a_new_stream_gives_no_rights_that_its_file_does_not),
		TEST(what_moves_or_is_linked_keeps_its_rights),
		TEST(a_link_needs_more_than_to_see_the_file),
		TEST(who_may_only_append_overwrites_nothing),
		TEST(a_handle_closed_by_an_administrator_has_no_descriptor),
		TEST(a_descriptor_of_nothing_is_written_by_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
