// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

#include "../../../src/volume/sys.h"

#define CHANGE (FILE_MODIFY_ACCESS)

static void a_file_goes_with_its_last_handle(void **state)
{
	struct open *first, *second, *third;
	struct file_facts facts;

	(void)state;
	make_file("f");
	first = OPEN(.path = "f", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE);
	second = OPEN(.path = "f");
	third = OPEN(.path = "f");
	assert_status(TRY(.path = "f"), STATUS_SUCCESS);
	done(first);
	assert_status(open_query_attributes(second, &facts), STATUS_SUCCESS);
	assert_true(facts.delete_pending);
	assert_status(TRY(.path = "f"), STATUS_DELETE_PENDING);
	assert_status(TRY(.path = "f", .disposition = FILE_CREATE), STATUS_OBJECT_NAME_COLLISION);
	done(second);
	assert_status(TRY(.path = "f"), STATUS_DELETE_PENDING);
	done(third);
	assert_status(TRY(.path = "f"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_deletion_may_be_taken_back(void **state)
{
	struct open *open;

	(void)state;
	make_file("f");
	open = OPEN(.path = "f", .access = DELETE_ACCESS);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	assert_status(open_set_disposition(open, false, 0, NULL), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "f");
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_ACCESS_DENIED);
	done(open);
}

static void a_directory_that_holds_something_stays(void **state)
{
	struct open *open;

	(void)state;
	make_directory("d");
	make_file("d/f");
	open = OPEN(.path = "d", .access = DELETE_ACCESS);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_DIRECTORY_NOT_EMPTY);
	done(open);
	assert_status(TRY(.path = "d/f", .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE),
		      STATUS_SUCCESS);
	open = OPEN(.path = "d", .access = DELETE_ACCESS);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	assert_status(TRY(.path = "d/new", .disposition = FILE_CREATE), STATUS_DELETE_PENDING);
	done(open);
	assert_status(TRY(.path = "d"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_renamed_file_is_known_by_its_new_name(void **state)
{
	struct open *open, *other;
	char *path;

	(void)state;
	make_file("a");
	make_directory("d");
	open = OPEN(.path = "a", .access = CHANGE);
	other = OPEN(.path = "a");
	assert_status(open_rename(open, "d/b", false, 0, NULL), STATUS_SUCCESS);
	path = open_path(other);
	assert_string_equal(path, "d/b");
	free(path);
	assert_status(TRY(.path = "a"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "d/B"), STATUS_SUCCESS);
	/* Another case of the same name, and the very same. */
	assert_status(open_rename(open, "D/B", false, 0, NULL), STATUS_SUCCESS);
	path = open_path(other);
	assert_string_equal(path, "d/B");
	free(path);
	assert_status(open_rename(open, "d/B", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	done(other);
	/* A name that is marked to go gets no other, until it is to stay. */
	open = OPEN(.path = "d/b", .access = CHANGE);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	assert_status(open_rename(open, "c", false, 0, NULL), STATUS_ACCESS_DENIED);
	assert_status(open_link(open, "c", false, NULL), STATUS_ACCESS_DENIED);
	assert_status(open_set_disposition(open, false, 0, NULL), STATUS_SUCCESS);
	assert_status(open_rename(open, "c", false, 0, NULL), STATUS_SUCCESS);
	/* Nor does another get its name. */
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	make_file("other");
	other = OPEN(.path = "other", .access = CHANGE);
	assert_status(open_rename(other, "/x", false, 0, NULL), STATUS_INVALID_PARAMETER);
	assert_status(open_rename(other, "c", true, 0, NULL), STATUS_DELETE_PENDING);
	done(open);
	assert_status(open_rename(other, "c", false, 0, NULL), STATUS_SUCCESS);
	done(other);
}

static void a_rename_replaces_what_it_may(void **state)
{
	struct open *open, *target;

	(void)state;
	make_file("a");
	make_file("b");
	make_directory("d");
	open = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_rename(open, "b", false, 0, NULL), STATUS_OBJECT_NAME_COLLISION);
	assert_status(open_rename(open, "d", true, 0, NULL), STATUS_ACCESS_DENIED);
	assert_status(open_rename(open, "x/y", true, 0, NULL), STATUS_OBJECT_PATH_NOT_FOUND);
	assert_status(open_rename(open, "b*", true, 0, NULL), STATUS_OBJECT_NAME_INVALID);
	target = OPEN(.path = "b");
	assert_status(open_rename(open, "b", true, 0, NULL), STATUS_ACCESS_DENIED);
	done(target);
	assert_status(open_rename(open, "b", true, 0, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "a"), STATUS_OBJECT_NAME_NOT_FOUND);
	open = OPEN(.path = "b", .access = FILE_READ_DATA);
	assert_status(open_rename(open, "a", false, 0, NULL), STATUS_ACCESS_DENIED);
	done(open);
}

static void a_directory_with_open_files_stays_where_it_is(void **state)
{
	struct open *directory, *file;

	(void)state;
	make_directory("d");
	make_directory("dd");
	make_file("d/f");
	make_file("dd/f");
	directory = OPEN(.path = "d", .access = DELETE_ACCESS);
	file = OPEN(.path = "d/f");
	assert_status(open_rename(directory, "e", false, 0, NULL), STATUS_ACCESS_DENIED);
	done(file);
	file = OPEN(.path = "d/f:stream", .disposition = FILE_CREATE);
	assert_status(open_rename(directory, "e", false, 0, NULL), STATUS_ACCESS_DENIED);
	done(file);
	file = OPEN(.path = "dd/f");
	assert_status(open_rename(directory, "d/e", false, 0, NULL), STATUS_INVALID_PARAMETER);
	assert_status(open_rename(directory, "e", false, 0, NULL), STATUS_SUCCESS);
	assert_status(TRY(.path = "e/f"), STATUS_SUCCESS);
	done(file);
	done(directory);
}

static void a_link_is_another_name(void **state)
{
	struct open *open;
	struct file_facts facts;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_link(open, "b", false, NULL), STATUS_SUCCESS);
	assert_status(open_link(open, "b", false, NULL), STATUS_OBJECT_NAME_COLLISION);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.links, 2);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "a"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "b"), STATUS_SUCCESS);
}

static void a_stream_is_renamed_in_its_file(void **state)
{
	struct open *open;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a:one", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_rename(open, "b", false, 0, NULL), STATUS_INVALID_PARAMETER);
	assert_status(open_rename(open, ":two", false, 0, NULL), STATUS_SUCCESS);
	assert_status(open_rename(open, ":three:$data", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "a:one"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "a:two"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "a:three"), STATUS_SUCCESS);
}

static void what_is_no_name_of_a_stream_is_refused(void **state)
{
	static const struct {
		const char *name;
		ntstatus status;
	} names[] = {
		{ ":", STATUS_INVALID_PARAMETER },
		{ "::", STATUS_INVALID_PARAMETER },
		{ ":two:", STATUS_INVALID_PARAMETER },
		{ ":two:$DATA:", STATUS_INVALID_PARAMETER },
		{ ":two:$DATA:x", STATUS_INVALID_PARAMETER },
		{ ":t/wo", STATUS_INVALID_PARAMETER },
		{ ":two:$INDEX_ALLOCATION", STATUS_OBJECT_TYPE_MISMATCH },
		{ ":two:x", STATUS_OBJECT_TYPE_MISMATCH },
		{ "::$DATA", STATUS_OBJECT_NAME_COLLISION },
	};
	char too_long[258] = { 0 };
	struct open *open;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a:one", .access = CHANGE, .disposition = FILE_CREATE);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_status(open_rename(open, names[i].name, false, 0, NULL), names[i].status);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[0] = ':';
	assert_status(open_rename(open, too_long, false, 0, NULL), STATUS_INVALID_PARAMETER);
	done(open);
	assert_status(TRY(.path = "a:one"), STATUS_SUCCESS);
}

static void a_stream_replaces_none_that_has_data_or_is_open(void **state)
{
	struct open *open, *target;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a:one", .access = CHANGE, .disposition = FILE_CREATE);
	target = OPEN(.path = "a:two", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_rename(open, ":TWO", false, 0, NULL), STATUS_OBJECT_NAME_COLLISION);
	assert_status(open_rename(open, ":TWO", true, 0, NULL), STATUS_INVALID_PARAMETER);
	assert_status(open_set_end_of_file(target, 5, NULL), STATUS_SUCCESS);
	done(target);
	assert_status(open_rename(open, ":TWO", true, 0, NULL), STATUS_INVALID_PARAMETER);
	target = OPEN(.path = "a:two", .access = CHANGE);
	assert_status(open_set_end_of_file(target, 0, NULL), STATUS_SUCCESS);
	done(target);
	assert_status(open_rename(open, ":TWO", true, 0, NULL), STATUS_SUCCESS);
	/* Its own name in another case is no other name. */
	assert_status(open_rename(open, ":two", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "a:one"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "a:two"), STATUS_SUCCESS);
}

static void the_data_of_a_file_and_its_streams_stay_what_they_are(void **state)
{
	struct open *open;

	(void)state;
	make_file("a");
	make_directory("d");
	open = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_rename(open, ":one", false, 0, NULL), STATUS_NOT_SUPPORTED);
	assert_status(open_rename(open, "::$DATA", false, 0, NULL), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "a:one", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_rename(open, "::$DATA", true, 0, NULL), STATUS_NOT_SUPPORTED);
	done(open);
	open = OPEN(.path = "d", .access = DELETE_ACCESS);
	assert_status(open_rename(open, ":one", false, 0, NULL), STATUS_OBJECT_TYPE_MISMATCH);
	assert_status(open_rename(open, ":one:$INDEX_ALLOCATION", false, 0, NULL),
		      STATUS_INVALID_PARAMETER);
	done(open);
	open = OPEN(.path = "d:one", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_rename(open, "::$DATA", false, 0, NULL), STATUS_INVALID_PARAMETER);
	done(open);
}

static uint32_t attributes_of(const char *path)
{
	struct open *open = OPEN(.path = path);
	struct file_facts facts;

	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	done(open);
	return facts.attributes;
}

static void what_is_renamed_is_to_be_saved_again(void **state)
{
	const struct file_set plain = { .attributes = FILE_ATTRIBUTE_HIDDEN };
	struct open *open;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_set_basic(open, &plain), STATUS_SUCCESS);
	assert_status(open_rename(open, "a", false, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(attributes_of("a"), FILE_ATTRIBUTE_HIDDEN);
	assert_status(open_rename(open, "b", false, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(attributes_of("b"), FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	assert_status(open_set_basic(open, &plain), STATUS_SUCCESS);
	assert_status(open_link(open, "c", false, NULL), STATUS_SUCCESS);
	assert_int_equal(attributes_of("b"), FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	assert_status(open_set_basic(open, &plain), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "b:one", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_rename(open, ":two", false, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(attributes_of("b"), FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
	done(open);
}

static void the_read_only_attribute_is_passed_over_by_who_could_take_it_away(void **state)
{
	const struct file_set read_only = { .attributes = FILE_ATTRIBUTE_READONLY };
	const uint32_t delete = 0x01, ignore_read_only = 0x10;
	struct open *open;

	(void)state;
	make_file("a");
	open = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_set_basic(open, &read_only), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "a", .access = DELETE_ACCESS);
	assert_status(open_set_disposition(open, true, delete | ignore_read_only, NULL),
		      STATUS_CANNOT_DELETE);
	assert_status(open_set_disposition(open, true, delete | 0x20, NULL), STATUS_NOT_SUPPORTED);
	done(open);
	open = OPEN(.path = "a", .access = DELETE_ACCESS | FILE_WRITE_ATTRIBUTES);
	assert_status(open_set_disposition(open, true, delete, NULL), STATUS_CANNOT_DELETE);
	assert_status(open_set_disposition(open, true, delete | ignore_read_only, NULL),
		      STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "a"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_link_does_not_take_the_place_of_a_name_that_goes(void **state)
{
	struct open *first, *second;

	(void)state;
	make_file("a");
	first = OPEN(.path = "a", .access = CHANGE);
	assert_status(open_link(first, "b", false, NULL), STATUS_SUCCESS);
	second = OPEN(.path = "b", .access = CHANGE);
	assert_status(open_set_disposition(first, true, 0, NULL), STATUS_SUCCESS);
	assert_status(open_rename(second, "a", true, 0, NULL), STATUS_DELETE_PENDING);
	assert_status(open_rename(second, "c", true, 0, NULL), STATUS_SUCCESS);
	done(first);
	done(second);
	assert_status(TRY(.path = "a"), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(TRY(.path = "c"), STATUS_SUCCESS);
}

static void a_stream_that_goes_gets_no_other_name(void **state)
{
	struct open *open;

	(void)state;
	make_file("a");
	done(OPEN(.path = "a:two", .access = CHANGE, .disposition = FILE_CREATE));
	open = OPEN(.path = "a:one", .access = CHANGE, .disposition = FILE_CREATE);
	assert_status(open_set_disposition(open, true, 0, NULL), STATUS_SUCCESS);
	assert_status(open_rename(open, ":two", true, 0, NULL), STATUS_ACCESS_DENIED);
	done(open);
	assert_status(TRY(.path = "a:two"), STATUS_SUCCESS);
}

/* Whoever opens @name on the disk is overtaken by a rename over it. */
static struct race {
	struct volume_sys sys; /* as it was */
	const char *name, *path;
	struct open *by; /* NULL: it has been */
	int fd;
} race;

static int note_opened(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	int fd = race.sys.openat2(dir, path, flags, mode, resolve);

	if (race.by && !strcmp(path, race.name))
		race.fd = fd;
	return fd;
}

static int overtake(int dir, const char *name, struct statx *out)
{
	struct open *by = race.by;

	if (by && dir == race.fd && !*name) {
		race.by = NULL;
		assert_status(open_rename(by, race.path, true, 0, NULL), STATUS_SUCCESS);
		done(by);
	}
	return race.sys.statx(dir, name, out);
}

static void who_opens_what_a_rename_replaces_gets_what_replaced_it(void **state)
{
	static const struct {
		const char *name, *from, *to, *opened;
	} rows[] = { { "two", "one", "two", "two" }, { "stwo", "f:one", ":two", "f:two" } };
	struct file_facts facts;
	struct open *open;

	(void)state;
	make_file("f");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		done(OPEN(.path = rows[i].opened, .access = CHANGE, .disposition = FILE_CREATE));
		race = (struct race){ .sys = sys, .name = rows[i].name, .path = rows[i].to };
		race.fd = -1;
		race.by = OPEN(.path = rows[i].from, .access = CHANGE, .disposition = FILE_CREATE);
		sys.openat2 = note_opened;
		sys.statx = overtake;
		open = OPEN(.path = rows[i].opened, .access = CHANGE, .client = 1);
		sys = race.sys;
		assert_null(race.by);
		assert_status(open_set_end_of_file(open, 5, NULL), STATUS_SUCCESS);
		done(open);
		open = OPEN(.path = rows[i].opened);
		assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
		assert_int_equal(facts.end_of_file, 5);
		done(open);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_goes_with_its_last_handle),
		TEST(a_deletion_may_be_taken_back),
		TEST(a_directory_that_holds_something_stays),
		TEST(a_renamed_file_is_known_by_its_new_name),
		TEST(a_rename_replaces_what_it_may),
		TEST(a_directory_with_open_files_stays_where_it_is),
		TEST(a_link_is_another_name),
		TEST(a_stream_is_renamed_in_its_file),
		TEST(what_is_no_name_of_a_stream_is_refused),
		TEST(a_stream_replaces_none_that_has_data_or_is_open),
		TEST(the_data_of_a_file_and_its_streams_stay_what_they_are),
		TEST(a_link_does_not_take_the_place_of_a_name_that_goes),
		TEST(a_stream_that_goes_gets_no_other_name),
		TEST(who_opens_what_a_rename_replaces_gets_what_replaced_it),
		TEST(what_is_renamed_is_to_be_saved_again),
		TEST(the_read_only_attribute_is_passed_over_by_who_could_take_it_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
