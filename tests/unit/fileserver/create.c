// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

static void each_disposition_does_what_it_says(void **state)
{
	static const struct {
		uint32_t disposition;
		ntstatus missing, present;
		uint32_t missing_action, present_action;
	} rows[] = {
		{ FILE_SUPERSEDE, 0, 0, FILE_CREATED, FILE_SUPERSEDED },
		{ FILE_OPEN, STATUS_OBJECT_NAME_NOT_FOUND, 0, 0, FILE_OPENED },
		{ FILE_CREATE, 0, STATUS_OBJECT_NAME_COLLISION, FILE_CREATED, 0 },
		{ FILE_OPEN_IF, 0, 0, FILE_CREATED, FILE_OPENED },
		{ FILE_OVERWRITE, STATUS_OBJECT_NAME_NOT_FOUND, 0, 0, FILE_OVERWRITTEN },
		{ FILE_OVERWRITE_IF, 0, 0, FILE_CREATED, FILE_OVERWRITTEN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char missing[16];
		struct open_result result;

		snprintf(missing, sizeof(missing), "missing%zu", i);
		make_file("present");
		assert_status(TRY(.path = missing, .access = FILE_MODIFY_ACCESS,
				  .disposition = rows[i].disposition,
				  .supersede = !rows[i].disposition, .result = &result),
			      rows[i].missing);
		if (!rows[i].missing)
			assert_int_equal(result.action, rows[i].missing_action);
		assert_status(TRY(.path = "PRESENT", .access = FILE_MODIFY_ACCESS,
				  .disposition = rows[i].disposition,
				  .supersede = !rows[i].disposition, .result = &result),
			      rows[i].present);
		if (!rows[i].present)
			assert_int_equal(result.action, rows[i].present_action);
		assert_status(TRY(.path = "present", .access = DELETE_ACCESS,
				  .options = FILE_DELETE_ON_CLOSE),
			      STATUS_SUCCESS);
		assert_status(TRY(.path = "present"), STATUS_OBJECT_NAME_NOT_FOUND);
	}
}

static void bad_parameters_are_refused(void **state)
{
	(void)state;
	make_file("f");
	make_directory("d");
	assert_status(TRY(.path = "f", .disposition = 6), STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "f", .share = 8), STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "f", .options = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE),
		      STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "f", .options = FILE_OPEN_BY_FILE_ID), STATUS_NOT_SUPPORTED);
	assert_status(TRY(.path = "f", .access = 0x00000200), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .options = FILE_DIRECTORY_FILE), STATUS_NOT_A_DIRECTORY);
	assert_status(TRY(.path = "d", .options = FILE_NON_DIRECTORY_FILE),
		      STATUS_FILE_IS_A_DIRECTORY);
	assert_status(TRY(.path = "/f"), STATUS_INVALID_PARAMETER);
	assert_status(TRY(.path = "f/"), STATUS_OBJECT_NAME_INVALID);
	assert_status(TRY(.path = "d/"), STATUS_SUCCESS);
	assert_status(TRY(.path = "f*", .disposition = FILE_OPEN_IF, .access = FILE_MODIFY_ACCESS),
		      STATUS_OBJECT_NAME_INVALID);
	assert_status(TRY(.path = "x/y"), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(TRY(.path = "f/y"), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(TRY(.path = "f", .options = FILE_DELETE_ON_CLOSE), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = ""), STATUS_SUCCESS);
	assert_status(TRY(.path = "", .access = DELETE_ACCESS, .token = F.admin,
			  .options = FILE_DELETE_ON_CLOSE),
		      STATUS_CANNOT_DELETE);
}

static void streams_are_named_behind_a_colon(void **state)
{
	struct open *stream;
	char *path;

	(void)state;
	make_file("f");
	assert_status(TRY(.path = "f:s"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "f::$DATA"), STATUS_SUCCESS);
	assert_status(TRY(.path = "f:s:$BAD"), STATUS_OBJECT_NAME_INVALID);
	assert_status(TRY(.path = "f:"), STATUS_OBJECT_NAME_INVALID);
	assert_status(TRY(.path = "f:a:b:c"), STATUS_OBJECT_NAME_INVALID);
	stream =
		OPEN(.path = "f:s:$data", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE);
	assert_true(open_facts(stream)->is_stream);
	path = open_path(stream);
	assert_string_equal(path, "f:s");
	free(path);
	assert_status(TRY(.path = "f:S"), STATUS_SUCCESS);
	assert_status(TRY(.path = "f:s", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE),
		      STATUS_OBJECT_NAME_COLLISION);
	/* A file goes with its last stream's handle. */
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	assert_status(TRY(.path = "f"), STATUS_DELETE_PENDING);
	done(stream);
	assert_status(TRY(.path = "f"), STATUS_OBJECT_NAME_NOT_FOUND);
	done(OPEN(.path = "new:s", .access = FILE_MODIFY_ACCESS, .disposition = FILE_OPEN_IF));
	assert_status(TRY(.path = "new"), STATUS_SUCCESS);
	assert_status(
		TRY(.path = "new:s", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE),
		STATUS_SUCCESS);
	assert_status(TRY(.path = "new:s"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "new"), STATUS_SUCCESS);
}

static void a_read_only_file_is_read_only(void **state)
{
	struct file_set set = { .attributes = FILE_ATTRIBUTE_READONLY };
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS);
	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_CANNOT_DELETE);
	done(open);
	assert_status(TRY(.path = "f", .access = FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .access = FILE_READ_DATA), STATUS_SUCCESS);
	assert_status(TRY(.path = "f", .access = FILE_WRITE_ATTRIBUTES), STATUS_SUCCESS);
	assert_status(TRY(.path = "f", .access = FILE_READ_DATA, .disposition = FILE_OVERWRITE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE),
		      STATUS_CANNOT_DELETE);
	open = OPEN(.path = "f", .access = MAXIMUM_ALLOWED);
	assert_int_equal(open_facts(open)->granted_access & FILE_WRITE_DATA, 0);
	done(open);
}

static void overwriting_keeps_hidden_and_system(void **state)
{
	(void)state;
	done(OPEN(.path = "f", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE,
		  .attributes = FILE_ATTRIBUTE_HIDDEN));
	assert_status(TRY(.path = "f", .access = FILE_READ_DATA, .disposition = FILE_OVERWRITE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .access = FILE_READ_DATA, .disposition = FILE_OVERWRITE,
			  .attributes = FILE_ATTRIBUTE_HIDDEN),
		      STATUS_SUCCESS);
}

static void a_read_only_share_lets_nothing_be_changed(void **state)
{
	(void)state;
	make_file("f");
	F.share.flags = STORE_SHARE_READ_ONLY;
	assert_status(TRY(.path = "f"), STATUS_SUCCESS);
	assert_status(TRY(.path = "f", .access = FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "new", .disposition = FILE_CREATE), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f:s", .disposition = FILE_OPEN_IF), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "f", .disposition = FILE_OVERWRITE), STATUS_ACCESS_DENIED);
}

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

static void rights_come_from_the_descriptor(void **state)
{
	struct open_result result;
	struct smb2_create_contexts contexts = { .wants_maximal_access = true };

	(void)state;
	done(OPEN(.path = "d", .token = F.admin, .disposition = FILE_CREATE,
		  .options = FILE_DIRECTORY_FILE));
	make_file("d/f");
	set_dacl("d/f", "D:(A;;FR;;;S-1-5-21-1-2-3-1002)(A;;FA;;;BA)");
	assert_status(TRY(.path = "d/f", .token = F.bob), STATUS_SUCCESS);
	assert_status(TRY(.path = "d/f", .token = F.bob, .access = FILE_WRITE_DATA),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/f", .token = F.bob, .contexts = &contexts, .result = &result),
		      STATUS_SUCCESS);
	assert_int_equal(result.maximal_access, FILE_GENERIC_READ);
	/* The owner keeps READ_CONTROL and WRITE_DAC, and what the directory lends. */
	assert_status(TRY(.path = "d/f", .token = F.alice, .access = FILE_READ_DATA),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/f", .token = F.alice, .access = READ_CONTROL | WRITE_DAC),
		      STATUS_SUCCESS);
	assert_status(TRY(.path = "d/f", .token = F.alice, .access = DELETE_ACCESS),
		      STATUS_ACCESS_DENIED);
	set_dacl("d", "D:(A;;FR;;;AU)(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;BA)");
	assert_status(TRY(.path = "d/f", .token = F.alice, .access = DELETE_ACCESS),
		      STATUS_SUCCESS);
	assert_status(TRY(.path = "d/n", .token = F.bob, .disposition = FILE_CREATE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/n", .token = F.bob, .disposition = FILE_CREATE,
			  .options = FILE_DIRECTORY_FILE),
		      STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/f", .token = F.alice, .access = ACCESS_SYSTEM_SECURITY),
		      STATUS_PRIVILEGE_NOT_HELD);
}

static void a_new_file_belongs_to_its_creator_and_inherits(void **state)
{
	struct open *open;
	struct security_descriptor *sd;
	struct buf blob = { 0 };

	(void)state;
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE,
		    .token = F.bob);
	assert_status(open_query_security(
			      open, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &blob),
		      STATUS_SUCCESS);
	assert_status(sd_decode(cur_of(blob.data, blob.len), &sd), STATUS_SUCCESS);
	assert_true(sid_equal(&sd->owner, &F.bob->user));
	assert_int_equal(sd->dacl->count, 4); /* CREATOR OWNER has become who created it */
	assert_true(sid_equal(&sd->dacl->aces[2].sid, &F.bob->user));
	assert_int_equal(sd->dacl->aces[0].mask, FILE_ALL_ACCESS);
	assert_true(sd->dacl->aces[0].flags & ACE_INHERITED);
	free(sd);
	buf_free(&blob);
	done(open);
}

static void what_an_administrator_forbids_a_directory_forbids_what_inherits(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	make_directory("d");
	/* Made on the disk, so that it has no descriptor of its own. */
	snprintf(path, sizeof(path), "%s/d/plain", F.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_status(TRY(.path = "d/plain", .token = F.bob), STATUS_SUCCESS);
	set_dacl("d", "D:(A;OICI;FA;;;BA)(A;;FA;;;AU)");
	assert_status(TRY(.path = "d/plain", .token = F.bob), STATUS_ACCESS_DENIED);
	assert_status(TRY(.path = "d/plain", .token = F.admin), STATUS_SUCCESS);
}

static void file_ids_find_their_open_and_nothing_else(void **state)
{
	struct open *open, *found;
	struct smb2_file_id id, wrong;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f");
	id = open_facts(open)->id;
	found = open_find(&id, 1, 1);
	assert_ptr_equal(found, open);
	open_put(found);
	assert_null(open_find(&id, 2, 1));
	assert_null(open_find(&id, 1, 2));
	wrong = id;
	wrong.volatile_id ^= (uint64_t)1 << 40;
	assert_null(open_find(&wrong, 1, 1));
	wrong = id;
	wrong.persistent++;
	assert_null(open_find(&wrong, 1, 1));
	done(open);
	assert_null(open_find(&id, 1, 1));
}

static void times_that_a_handle_sets_stay(void **state)
{
	struct file_set set = { .last_write_time = 130000000000000000u };
	struct volume_attributes attributes;
	struct open *open, *other;
	struct file_facts facts;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS);
	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
	assert_status(open_check_write(open, 0, 3), STATUS_SUCCESS);
	assert_int_equal(pwrite(open_facts(open)->node->fd, "abc", 3, 0), 3);
	open_wrote(open, 0, 3);
	other = OPEN(.path = "f");
	assert_status(open_query_attributes(other, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.last_write_time.ticks, set.last_write_time);
	done(other);
	assert_status(open_close(open, &attributes), STATUS_SUCCESS);
	assert_int_equal(attributes.last_write_time.ticks, set.last_write_time);
	assert_int_equal(attributes.end_of_file, 3);
	open_put(open);
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.last_write_time.ticks, set.last_write_time);
	assert_status(open_check_write(open, 0, 3), STATUS_SUCCESS);
	assert_int_equal(pwrite(open_facts(open)->node->fd, "abc", 3, 0), 3);
	open_wrote(open, 0, 3);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_not_equal(facts.last_write_time.ticks, set.last_write_time);
	done(open);
}

static void a_file_that_was_written_is_to_be_archived(void **state)
{
	struct file_set set = { .attributes = FILE_ATTRIBUTE_NORMAL };
	struct file_facts facts;
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS);
	assert_status(open_set_basic(open, &set), STATUS_SUCCESS);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.attributes, FILE_ATTRIBUTE_NORMAL);
	assert_status(open_check_write(open, 0, 1), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "f");
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.attributes, FILE_ATTRIBUTE_ARCHIVE);
	done(open);
}

static void the_end_of_a_session_closes_what_it_had_open(void **state)
{
	struct open_listing_row *rows;
	size_t count;

	(void)state;
	make_file("f");
	open_put(OPEN(.path = "f"));
	open_put(OPEN(.path = "f", .client = 1));
	count = open_list(&F.server, &rows);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].path, "\\files\\f");
	assert_string_equal(rows[0].user, "FS\\alice");
	for (size_t i = 0; i < count; i++) {
		free(rows[i].path);
		free(rows[i].user);
	}
	free(rows);
	open_close_session(1, false);
	count = open_list(&F.server, &rows);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].session_id, 2);
	assert_true(open_force_close(rows[0].id));
	assert_false(open_force_close(rows[0].id));
	free(rows[0].path);
	free(rows[0].user);
	free(rows);
	assert_int_equal(open_list(NULL, &rows), 0);
	free(rows);
}

/* More space than any disk has, for what is to be made. */
static const struct smb2_create_contexts too_large = { .has_allocation_size = true,
						       .allocation_size = INT64_MAX / 2 };

static void a_create_that_fails_leaves_nothing(void **state)
{
	struct open *open = NULL;

	(void)state;
	make_file("kept");
	assert_status(TRY(.path = "new", .disposition = FILE_CREATE, .contexts = &too_large),
		      STATUS_DISK_FULL);
	assert_status(TRY(.path = "new"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "new:stream", .disposition = FILE_CREATE, .contexts = &too_large),
		      STATUS_DISK_FULL);
	assert_status(TRY(.path = "new"), STATUS_OBJECT_NAME_NOT_FOUND);
	/* What was there before stays. */
	assert_status(
		TRY(.path = "kept:stream", .disposition = FILE_OPEN_IF, .contexts = &too_large),
		STATUS_DISK_FULL);
	assert_status(TRY(.path = "kept:stream"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "kept"), STATUS_SUCCESS);
	/* A name that is free again can be taken. */
	open = OPEN(.path = "new", .disposition = FILE_CREATE);
	done(open);
}

/* Whoever watches the directory opens what appears in it, and is done before its maker is. */
struct visitor {
	struct waiter waiter;
	const char *path;
	bool writes;
	int count;
};

static void visit(struct waiter *waiter, ntstatus status)
{
	struct visitor *visitor = container_of(waiter, struct visitor, waiter);
	struct open *open;

	if (status != STATUS_SUCCESS)
		return; /* the watch ends */
	open = OPEN(.path = visitor->path, .access = FILE_MODIFY_ACCESS, .client = 1);
	visitor->count++;
	if (visitor->writes)
		assert_status(open_set_end_of_file(open, 5, NULL), STATUS_SUCCESS);
	done(open);
}

static struct open *await(struct visitor *visitor)
{
	struct open *watch = OPEN(.path = "", .options = FILE_DIRECTORY_FILE, .client = 1);
	struct buf out = { 0 };

	visitor->waiter.wake = visit;
	assert_status(open_notify(watch, FILE_NOTIFY_CHANGE_FILE_NAME, false, 4096,
				  &visitor->waiter, &out),
		      STATUS_PENDING);
	return watch;
}

static void what_somebody_has_opened_since_is_not_taken_back(void **state)
{
	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		struct visitor visitor = { .path = "f", .writes = writes };
		struct open *watch = await(&visitor);

		assert_status(TRY(.path = "f:stream", .disposition = FILE_OPEN_IF,
				  .contexts = &too_large),
			      STATUS_DISK_FULL);
		assert_int_equal(visitor.count, 1);
		done(watch);
		assert_status(TRY(.path = "f:stream"), STATUS_OBJECT_NAME_NOT_FOUND);
		assert_status(TRY(.path = "f", .access = FILE_MODIFY_ACCESS,
				  .options = FILE_DELETE_ON_CLOSE),
			      STATUS_SUCCESS);
	}
}

static void the_file_of_a_stream_that_cannot_be_is_not_made(void **state)
{
	char path[300] = "f:";
	struct visitor visitor = { .path = "f" };
	struct open *watch = await(&visitor);

	(void)state;
	memset(path + 2, 'x', 255);
	assert_status(TRY(.path = path, .disposition = FILE_OPEN_IF), STATUS_OBJECT_NAME_INVALID);
	assert_int_equal(visitor.count, 0);
	done(watch);
	path[2 + 254] = 0;
	assert_status(TRY(.path = path, .disposition = FILE_OPEN_IF), STATUS_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_disposition_does_what_it_says),
		TEST(a_create_that_fails_leaves_nothing),
		TEST(what_somebody_has_opened_since_is_not_taken_back),
		TEST(the_file_of_a_stream_that_cannot_be_is_not_made),
		TEST(bad_parameters_are_refused),
		TEST(streams_are_named_behind_a_colon),
		TEST(a_read_only_file_is_read_only),
		TEST(overwriting_keeps_hidden_and_system),
		TEST(a_read_only_share_lets_nothing_be_changed),
		TEST(rights_come_from_the_descriptor),
		TEST(a_new_file_belongs_to_its_creator_and_inherits),
		TEST(what_an_administrator_forbids_a_directory_forbids_what_inherits),
		TEST(file_ids_find_their_open_and_nothing_else),
		TEST(times_that_a_handle_sets_stay),
		TEST(a_file_that_was_written_is_to_be_archived),
		TEST(the_end_of_a_session_closes_what_it_had_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
