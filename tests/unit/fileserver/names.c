// SPDX-License-Identifier: Apache-2.0
/* 8.3 names and extended attributes of open files. */
#include "opens_fixture.h"

#define LONG_NAME "A long name.text"

static void set_ea(struct open *open, const char *name, const char *value)
{
	struct buf list = { 0 };
	size_t previous = SIZE_MAX;
	struct ea ea = { .name = name,
			 .name_length = (uint8_t)strlen(name),
			 .value = (const uint8_t *)value,
			 .value_length = (uint16_t)strlen(value) };

	assert_status(fscc_ea_entry(&ea, 0, SIZE_MAX, &previous, &list), STATUS_SUCCESS);
	assert_status(open_set_eas(open, cur_of(list.data, list.len)), STATUS_SUCCESS);
	buf_free(&list);
}

static size_t count_eas(struct open *open)
{
	const struct ea_query query = { .restart = true, .room = 4096 };
	struct buf out = { 0 };
	struct cursor c;
	struct ea ea;
	size_t n = 0;

	assert_status(open_query_eas(open, &query, &out), STATUS_SUCCESS);
	c = cur_of(out.data, out.len);
	while (fscc_ea_next(&c, &ea))
		n++;
	assert_false(c.bad);
	buf_free(&out);
	return n;
}

static void extended_attributes_are_set_replaced_and_removed(void **state)
{
	struct open *open =
		OPEN(.path = "f", .access = FILE_ALL_ACCESS, .disposition = FILE_CREATE);
	const struct ea_query query = { .restart = true, .room = 4096 };
	struct buf out = { 0 };
	struct file_facts facts;

	(void)state;
	assert_status(open_query_eas(open, &query, &out), STATUS_NO_EAS_ON_FILE);
	set_ea(open, "ONE", "first");
	set_ea(open, "Two", "second");
	assert_int_equal(count_eas(open), 2);
	set_ea(open, "one", "again");
	assert_int_equal(count_eas(open), 2);
	assert_status(open_query_attributes(open, &facts), STATUS_SUCCESS);
	assert_int_equal(facts.ea_size, 5 + 3 + 5 + 5 + 3 + 6);
	set_ea(open, "TWO", "");
	assert_int_equal(count_eas(open), 1);
	done(open);
	done(OPEN(.path = "f", .access = FILE_GENERIC_WRITE, .disposition = FILE_OVERWRITE));
	open = OPEN(.path = "f", .access = FILE_ALL_ACCESS);
	assert_status(open_query_eas(open, &query, &out), STATUS_NO_EAS_ON_FILE);
	done(open);
	buf_free(&out);
}

static void an_extended_attribute_needs_its_own_rights_and_a_good_name(void **state)
{
	static const uint8_t bad[] = { 0, 0, 0, 0, 0, 2, 1, 0, 'a', '*', 0, 'x' };
	struct open *open =
		OPEN(.path = "f", .access = FILE_WRITE_DATA, .disposition = FILE_CREATE);
	const struct ea_query query = { .restart = true, .room = 4096 };
	struct buf out = { 0 };

	(void)state;
	assert_status(open_set_eas(open, cur_of(NULL, 0)), STATUS_ACCESS_DENIED);
	assert_status(open_query_eas(open, &query, &out), STATUS_ACCESS_DENIED);
	done(open);
	open = OPEN(.path = "f", .access = FILE_ALL_ACCESS);
	assert_status(open_set_eas(open, cur_of(bad, sizeof(bad))), STATUS_INVALID_EA_NAME);
	assert_status(open_set_eas(open, cur_of(bad, 7)), STATUS_EA_LIST_INCONSISTENT);
	done(open);
}

static void a_short_name_leads_to_its_long_one_where_the_share_has_them(void **state)
{
	char made[VOLUME_SHORT_NAME], path[64];

	(void)state;
	volume_short_name(LONG_NAME, made);
	assert_true(volume_name_is_short(made));
	make_directory("Another long one");
	make_file("Another long one/" LONG_NAME);
	snprintf(path, sizeof(path), "Another long one/%s", made);
	assert_status(TRY(.path = path), STATUS_OBJECT_NAME_NOT_FOUND);
	F.share.flags = STORE_SHARE_SHORT_NAMES;
	assert_status(TRY(.path = path), STATUS_SUCCESS);
	volume_short_name("Another long one", path);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", made);
	assert_status(TRY(.path = path), STATUS_SUCCESS);
}

static void what_is_deleted_and_made_anew_by_its_short_name_keeps_its_long_one(void **state)
{
	char made[VOLUME_SHORT_NAME];

	(void)state;
	F.share.flags = STORE_SHARE_SHORT_NAMES;
	volume_short_name(LONG_NAME, made);
	make_file(LONG_NAME);
	done(OPEN(.path = made, .access = DELETE_ACCESS, .options = FILE_DELETE_ON_CLOSE));
	assert_status(TRY(.path = LONG_NAME), STATUS_OBJECT_NAME_NOT_FOUND);
	make_file(made);
	assert_status(TRY(.path = LONG_NAME), STATUS_SUCCESS);
}

static void an_8_3_name_is_its_own_short_name(void **state)
{
	char made[VOLUME_SHORT_NAME];

	(void)state;
	volume_short_name("Readme.txt", made);
	assert_string_equal(made, "README.TXT");
	assert_false(volume_name_is_short("readme.html"));
	assert_false(volume_name_is_short("a b"));
	assert_false(volume_name_is_short(".bashrc"));
	assert_false(volume_name_is_short("größe"));
}

static void a_stream_that_does_not_share_deletion_keeps_its_file(void **state)
{
	struct open *stream = OPEN(.path = "f:s", .access = FILE_WRITE_DATA, .no_share = true,
				   .disposition = FILE_CREATE);

	(void)state;
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS), STATUS_SHARING_VIOLATION);
	done(stream);
	assert_status(TRY(.path = "f", .access = DELETE_ACCESS), STATUS_SUCCESS);
}

static void a_mode_may_not_change_whether_io_waits(void **state)
{
	struct open *open =
		OPEN(.path = "f", .access = FILE_ALL_ACCESS, .disposition = FILE_CREATE);

	(void)state;
	assert_status(open_set_mode(open, FILE_WRITE_THROUGH), STATUS_SUCCESS);
	assert_int_equal(open_mode(open), FILE_WRITE_THROUGH);
	assert_status(open_set_mode(open, FILE_SYNCHRONOUS_IO_ALERT), STATUS_INVALID_PARAMETER);
	assert_status(open_set_mode(open, FILE_DIRECTORY_FILE), STATUS_INVALID_PARAMETER);
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(extended_attributes_are_set_replaced_and_removed),
		TEST(an_extended_attribute_needs_its_own_rights_and_a_good_name),
		TEST(a_short_name_leads_to_its_long_one_where_the_share_has_them),
		TEST(what_is_deleted_and_made_anew_by_its_short_name_keeps_its_long_one),
		TEST(an_8_3_name_is_its_own_short_name),
		TEST(a_stream_that_does_not_share_deletion_keeps_its_file),
		TEST(a_mode_may_not_change_whether_io_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
