// SPDX-License-Identifier: Apache-2.0
/* Reparse points: kept as they were set, told to whose path meets them, and never followed. */
#include "opens_fixture.h"

#include <wire/reparse.h>

#define LINK_TAG 0x0Cu, 0, 0, 0xA0
/* A relative symbolic link to "t", shown as "t". */
static const uint8_t link_data[] = { LINK_TAG, 16, 0, 0, 0, 2, 0,   2, 0,   0, 0,
				     2,	       0,  1, 0, 0, 0, 't', 0, 't', 0 };
static const uint8_t other_data[] = { 0x17, 0, 0, 0x80, 2, 0, 0, 0, 'x', 'y' }; /* a file's */

static ntstatus set(struct open *open, const uint8_t *data, size_t length)
{
	return open_set_reparse(open, cur_of(data, length));
}

static struct open *opened(const char *path, struct token *token, uint32_t options)
{
	return OPEN(.path = path, .token = token, .access = FILE_ALL_ACCESS,
		    .options = options | FILE_OPEN_REPARSE_POINT);
}

/* @path becomes a link. */
static void make_link(const char *path)
{
	struct open *open = opened(path, F.admin, 0);

	assert_status(set(open, link_data, sizeof(link_data)), STATUS_SUCCESS);
	done(open);
}

static void what_is_set_is_given_back_and_shown(void **state)
{
	struct buf data = { .limit = REPARSE_MAX_BYTES };
	struct file_facts facts;
	struct open *open;

	(void)state;
	make_file("l");
	open = opened("l", F.admin, 0);
	assert_status(open_get_reparse(open, &data), STATUS_NOT_A_REPARSE_POINT);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_SUCCESS);
	assert_status(open_get_reparse(open, &data), STATUS_SUCCESS);
	assert_int_equal(data.len, sizeof(link_data));
	assert_memory_equal(data.data, link_data, data.len);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_true(facts.attributes & FILE_ATTRIBUTE_REPARSE_POINT);
	assert_int_equal(facts.reparse_tag, IO_REPARSE_TAG_SYMLINK);
	buf_free(&data);
	done(open);
}

static void a_file_with_data_becomes_no_symbolic_link(void **state)
{
	const struct file_set plain = { .attributes = FILE_ATTRIBUTE_HIDDEN };
	struct file_facts facts;
	struct open *open;

	(void)state;
	make_file("l");
	open = opened("l", F.admin, 0);
	assert_status(open_set_end_of_file(open, 3, NULL), STATUS_SUCCESS);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_IO_REPARSE_DATA_INVALID);
	assert_status(open_set_end_of_file(open, 0, NULL), STATUS_SUCCESS);
	assert_status(open_set_basic(open, &plain), STATUS_SUCCESS);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_SUCCESS);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_true(facts.attributes & FILE_ATTRIBUTE_ARCHIVE);
	done(open);
}

static ntstatus meets(const char *path, struct open_result *result)
{
	return TRY(.path = path, .result = result);
}

static void a_path_that_meets_a_link_is_told_what_is_left_of_it(void **state)
{
	static const struct {
		const char *path;
		uint16_t unparsed;
	} rows[] = {
		{ "d/l", 0 }, { "d/l/x", 4 }, { "d/l/x/yy", 10 }, { "d/l:s", 4 }, { "d/L/x", 4 }
	};
	struct open_result result = { 0 };

	(void)state;
	make_directory("d");
	make_directory("d/l");
	make_link("d/l");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_status(meets(rows[i].path, &result), STATUS_STOPPED_ON_SYMLINK);
		assert_int_equal(result.unparsed, rows[i].unparsed);
		assert_int_equal(result.symlink.len, sizeof(link_data));
		buf_free(&result.symlink);
	}
	assert_status(TRY(.path = "d/l/new", .disposition = FILE_CREATE, .result = &result),
		      STATUS_STOPPED_ON_SYMLINK);
	buf_free(&result.symlink);
	assert_status(TRY(.path = "d/l", .options = FILE_OPEN_REPARSE_POINT), STATUS_SUCCESS);
	assert_status(meets("d/other/x", &result), STATUS_OBJECT_PATH_NOT_FOUND);
}

static void another_tag_is_nobodys_to_handle(void **state)
{
	struct open *open;

	(void)state;
	make_file("f");
	open = opened("f", F.alice, 0);
	assert_status(set(open, other_data, sizeof(other_data)), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "f"), STATUS_IO_REPARSE_TAG_NOT_HANDLED);
	open = opened("f", F.alice, 0);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_ACCESS_DENIED);
	done(open);
	open = opened("f", F.admin, 0);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_IO_REPARSE_TAG_MISMATCH);
	done(open);
}

static void a_reparse_point_is_removed_by_its_own_tag_alone(void **state)
{
	static const uint8_t bare[] = { LINK_TAG, 0, 0, 0, 0 };
	static const uint8_t wrong[] = { 0x17, 0, 0, 0x80, 0, 0, 0, 0 };
	struct open *open;

	(void)state;
	make_file("l");
	open = opened("l", F.admin, 0);
	assert_status(open_delete_reparse(open, cur_of(bare, 8)), STATUS_NOT_A_REPARSE_POINT);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_SUCCESS);
	assert_status(open_delete_reparse(open, cur_of(wrong, 8)), STATUS_IO_REPARSE_TAG_MISMATCH);
	assert_status(open_delete_reparse(open, cur_of(link_data, sizeof(link_data))),
		      STATUS_IO_REPARSE_DATA_INVALID);
	assert_status(open_delete_reparse(open, cur_of(bare, 8)), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "l"), STATUS_SUCCESS);
}

static void a_directory_that_holds_something_becomes_none(void **state)
{
	struct open *open;

	(void)state;
	make_directory("d");
	make_file("d/f");
	open = opened("d", F.admin, FILE_DIRECTORY_FILE);
	assert_status(set(open, link_data, sizeof(link_data)), STATUS_DIRECTORY_NOT_EMPTY);
	done(open);
	make_file("g");
	make_directory("e");
	make_link("e");
	open = OPEN(.path = "g", .access = FILE_ALL_ACCESS);
	assert_status(open_rename(open, "e/g", false, 0, NULL), STATUS_OBJECT_PATH_NOT_FOUND);
	done(open);
}

static void data_that_point_out_of_themselves_are_refused(void **state)
{
	uint8_t bad[sizeof(link_data)];
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = { { 4, 17 }, { 4, 15 }, { 8, 4 }, { 8, 1 }, { 10, 6 }, { 14, 0xff } };
	static const uint8_t reserved[] = { 1, 0, 0, 0, 0, 0, 0, 0 };
	struct open *open;

	(void)state;
	make_file("l");
	open = opened("l", F.admin, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memcpy(bad, link_data, sizeof(bad));
		bad[rows[i].at] = rows[i].value;
		assert_status(set(open, bad, sizeof(bad)), STATUS_IO_REPARSE_DATA_INVALID);
	}
	assert_status(set(open, reserved, sizeof(reserved)), STATUS_IO_REPARSE_TAG_INVALID);
	assert_status(set(open, link_data, 7), STATUS_IO_REPARSE_DATA_INVALID);
	done(open);
	open = OPEN(.path = "l", .access = FILE_READ_DATA, .options = FILE_OPEN_REPARSE_POINT);
	assert_status(set(open, other_data, sizeof(other_data)), STATUS_ACCESS_DENIED);
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_set_is_given_back_and_shown),
		TEST(a_file_with_data_becomes_no_symbolic_link),
		TEST(a_path_that_meets_a_link_is_told_what_is_left_of_it),
		TEST(another_tag_is_nobodys_to_handle),
		TEST(a_reparse_point_is_removed_by_its_own_tag_alone),
		TEST(a_directory_that_holds_something_becomes_none),
		TEST(data_that_point_out_of_themselves_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
