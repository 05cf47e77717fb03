// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf16.h>
#include <wire/dtyp.h>
#include <wire/fscc.h>

#include "guarded.h"

static const struct file_query query = {
	.facts = { { 1 },
		   { 2 },
		   { 3 },
		   { 4 },
		   8192,
		   5000,
		   FILE_ATTRIBUTE_ARCHIVE,
		   2,
		   30,
		   0x1122334455667788,
		   0x99,
		   0xa000000c,
		   false,
		   true },
	.granted_access = 0x120089,
	.mode = 2,
	.position = 77,
	.name = "dir/file.txt",
	.short_name = "FILE~1.TXT",
};
static const struct fs_facts fs = {
	.creation_time = { 5 },
	.serial = 0xabcd,
	.label = "data",
	.file_system = "NTFS",
	.attributes = 7,
	.max_name = 255,
	.total_units = 1000,
	.caller_free_units = 400,
	.free_units = 500,
	.sectors_per_unit = 8,
	.bytes_per_sector = 512,
	.read_only = true,
	.object_id = { "0123456789abcde" },
};

static uint64_t u64_at(const struct buf *b, size_t at)
{
	struct cursor c = cur_of(b->data, b->len);

	cur_skip(&c, at);
	return cur_u64le(&c);
}

static uint32_t u32_at(const struct buf *b, size_t at)
{
	return (uint32_t)(at + 8 <= b->len ? u64_at(b, at) : u64_at(b, at - 4) >> 32);
}

static void assert_text(const struct buf *b, size_t at, const char *text)
{
	char *got = utf16_to_string(cur_of(b->data + at, b->len - at));

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

/* MS-FSCC 2.4: the length with the name above, and the least buffer Windows takes. */
static const struct {
	uint8_t info_class;
	uint32_t least, length, access;
} file_rows[] = {
	{ FileBasicInformation, 40, 40, FILE_READ_ATTRIBUTES },
	{ FileStandardInformation, 24, 24, 0 },
	{ FileInternalInformation, 8, 8, 0 },
	{ FileEaInformation, 4, 4, 0 },
	{ FileAccessInformation, 4, 4, 0 },
	{ FileNameInformation, 8, 4 + 26, 0 },
	{ FilePositionInformation, 8, 8, 0 },
	{ FileModeInformation, 4, 4, 0 },
	{ FileAlignmentInformation, 4, 4, 0 },
	{ FileAllInformation, 104, 100 + 26, FILE_READ_ATTRIBUTES },
	{ FileAlternateNameInformation, 8, 4 + 20, 0 },
	{ FileCompressionInformation, 16, 16, 0 },
	{ FileNetworkOpenInformation, 56, 56, FILE_READ_ATTRIBUTES },
	{ FileAttributeTagInformation, 8, 8, FILE_READ_ATTRIBUTES },
	{ FileNormalizedNameInformation, 8, 4 + 24, 0 },
	{ FileIdInformation, 24, 24, 0 },
}, fs_rows[] = {
	{ FileFsVolumeInformation, 24, 18 + 8, 0 },
	{ FileFsSizeInformation, 24, 24, 0 },
	{ FileFsDeviceInformation, 8, 8, 0 },
	{ FileFsAttributeInformation, 16, 12 + 8, 0 },
	{ FileFsControlInformation, 48, 48, 0 },
	{ FileFsFullSizeInformation, 32, 32, 0 },
	{ FileFsObjectIdInformation, 64, 64, 0 },
	{ FileFsSectorSizeInformation, 28, 28, 0 },
};

static void check_room(uint8_t info_class, size_t least, size_t length, bool is_fs)
{
	for (size_t room = 0; room < length + 8; room++) {
		struct buf b = { 0 };
		ntstatus status;

		buf_text(&b, "in front");
		status = is_fs ? fscc_fs_query(info_class, &fs, room, &b)
			       : fscc_file_query(info_class, &query, room, &b);
		if (room < least) {
			assert_int_equal(status, STATUS_INFO_LENGTH_MISMATCH);
			assert_int_equal(b.len, 8);
		} else if (room < length) {
			assert_int_equal(status, STATUS_BUFFER_OVERFLOW);
			assert_int_equal(b.len, 8 + room);
		} else {
			assert_int_equal(status, STATUS_SUCCESS);
			assert_int_equal(b.len, 8 + length);
		}
		buf_free(&b);
	}
}

static void each_class_has_its_length_and_is_cut_only_where_it_may_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
		check_room(file_rows[i].info_class, file_rows[i].least, file_rows[i].length, false);
		assert_int_equal(fscc_file_query_access(file_rows[i].info_class),
				 file_rows[i].access);
	}
	for (size_t i = 0; i < ARRAY_LEN(fs_rows); i++)
		check_room(fs_rows[i].info_class, fs_rows[i].least, fs_rows[i].length, true);
}

static void a_class_without_a_row_is_refused(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (unsigned class = 0; class < 256; class ++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(file_rows); i++)
			known |= file_rows[i].info_class == class;
		if (!known)
			assert_int_equal(fscc_file_query((uint8_t) class, &query, 4096, &b),
					 STATUS_INVALID_INFO_CLASS);
		if (class == FileFsLabelInformation || class > FileFsSectorSizeInformation)
			assert_int_equal(fscc_fs_query((uint8_t) class, &fs, 4096, &b),
					 STATUS_INVALID_INFO_CLASS);
	}
	assert_int_equal(b.len, 0);
}

static void all_information_has_its_parts_in_order(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(fscc_file_query(FileAllInformation, &query, 4096, &b), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(u64_at(&b, 8 * i), i + 1);
	assert_int_equal(u32_at(&b, 32), FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(u64_at(&b, 40), 8192);
	assert_int_equal(u64_at(&b, 48), 5000);
	assert_int_equal(u32_at(&b, 56), 2);
	assert_int_equal(b.data[60], 1); /* DeletePending */
	assert_int_equal(b.data[61], 0); /* Directory */
	assert_true(u64_at(&b, 64) == query.facts.file_id);
	assert_int_equal(u32_at(&b, 72), 30);
	assert_int_equal(u32_at(&b, 76), 0x120089);
	assert_int_equal(u64_at(&b, 80), 77);
	assert_int_equal(u32_at(&b, 88), 2);
	assert_int_equal(u32_at(&b, 96), 26);
	assert_text(&b, 100, "\\dir\\file.txt");
	buf_free(&b);
}

static void names_have_a_backslash_in_front_but_normalized_ones(void **state)
{
	struct file_query root = query;
	struct buf b = { 0 };

	(void)state;
	root.name = "";
	root.short_name = NULL;
	assert_int_equal(fscc_file_query(FileNameInformation, &query, 4096, &b), 0);
	assert_text(&b, 4, "\\dir\\file.txt");
	b.len = 0;
	assert_int_equal(fscc_file_query(FileNormalizedNameInformation, &query, 4096, &b), 0);
	assert_text(&b, 4, "dir\\file.txt");
	b.len = 0;
	assert_int_equal(fscc_file_query(FileNameInformation, &root, 4096, &b), 0);
	assert_text(&b, 4, "\\");
	b.len = 0;
	assert_int_equal(fscc_file_query(FileNormalizedNameInformation, &root, 4096, &b), 0);
	assert_int_equal(b.len, 4);
	assert_int_equal(fscc_file_query(FileAlternateNameInformation, &root, 4096, &b),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	buf_free(&b);
}

static void a_name_that_is_cut_says_its_whole_length(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(fscc_file_query(FileNameInformation, &query, 14, &b),
			 STATUS_BUFFER_OVERFLOW);
	assert_int_equal(u32_at(&b, 0), 26);
	assert_text(&b, 4, "\\dir\\");
	buf_free(&b);
}

static void streams_are_listed_with_their_type(void **state)
{
	static const struct stream_facts streams[] = { { "", 10, 4096 }, { "notes", 20, 8192 } };
	struct buf b = { 0 };
	size_t second;

	(void)state;
	assert_int_equal(fscc_stream_list(streams, 2, 31, &b), STATUS_INFO_LENGTH_MISMATCH);
	assert_int_equal(fscc_stream_list(streams, 0, 32, &b), STATUS_SUCCESS);
	assert_int_equal(b.len, 0);
	assert_int_equal(fscc_stream_list(streams, 2, 4096, &b), STATUS_SUCCESS);
	second = u32_at(&b, 0);
	assert_int_equal(second, 40); /* 24 + 14 bytes of "::$DATA", aligned */
	assert_int_equal(u32_at(&b, 4), 14);
	assert_int_equal(u64_at(&b, 8), 10);
	assert_int_equal(u32_at(&b, second), 0);
	assert_int_equal(u64_at(&b, second + 16), 8192);
	assert_text(&b, second + 24, ":notes:$DATA");
	assert_int_equal(b.len, second + 24 + 24);
	b.len = 0;
	assert_int_equal(fscc_stream_list(streams, 2, second + 47, &b), STATUS_BUFFER_OVERFLOW);
	assert_int_equal(b.len, 38);
	assert_int_equal(u32_at(&b, 0), 0);
	buf_free(&b);
}

static void file_system_facts_are_where_clients_look(void **state)
{
	struct fs_facts back = { 0 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(fscc_fs_query(FileFsVolumeInformation, &fs, 4096, &b), 0);
	assert_int_equal(u32_at(&b, 8), 0xabcd);
	assert_int_equal(u32_at(&b, 12), 8);
	assert_text(&b, 18, "data");
	b.len = 0;
	assert_int_equal(fscc_fs_query(FileFsAttributeInformation, &fs, 4096, &b), 0);
	assert_int_equal(u32_at(&b, 4), 255);
	assert_text(&b, 12, "NTFS");
	b.len = 0;
	assert_int_equal(fscc_fs_query(FileFsDeviceInformation, &fs, 4096, &b), 0);
	assert_int_equal(u32_at(&b, 4), 0x22);
	b.len = 0;
	assert_int_equal(fscc_fs_query(FileFsFullSizeInformation, &fs, 4096, &b), 0);
	assert_int_equal(fscc_fs_full_size_decode(guarded(b.data, b.len), &back), 0);
	assert_int_equal(back.total_units, 1000);
	assert_int_equal(back.caller_free_units, 400);
	assert_int_equal(back.free_units, 500);
	assert_int_equal(back.sectors_per_unit, 8);
	assert_int_equal(back.bytes_per_sector, 512);
	assert_int_equal(fscc_fs_full_size_decode(guarded(b.data, b.len - 1), &back),
			 STATUS_INFO_LENGTH_MISMATCH);
	buf_free(&b);
}

static const struct {
	uint8_t info_class, head;
} directory_rows[] = {
	{ FileDirectoryInformation, 64 },	 { FileFullDirectoryInformation, 68 },
	{ FileBothDirectoryInformation, 94 },	 { FileNamesInformation, 12 },
	{ FileIdBothDirectoryInformation, 104 }, { FileIdFullDirectoryInformation, 80 },
	{ FileIdExtdDirectoryInformation, 88 },
};
static const char *const listed[] = { ".",
				      "..",
				      "a",
				      "Stra\xc3\x9f"
				      "e",
				      "\xf0\x9f\x98\x80 x.txt",
				      "a name that is rather longer than the others" };

static void list_all(uint8_t info_class, size_t begin, size_t room, size_t *fitted, struct buf *b)
{
	size_t previous = SIZE_MAX;

	*fitted = 0;
	for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
		size_t before = b->len;
		ntstatus status =
			fscc_directory_entry(info_class, listed[i], i == 2 ? "A~1" : NULL,
					     &query.facts, (uint32_t)i, begin, room, &previous, b);

		if (status) {
			assert_int_equal(status, STATUS_BUFFER_OVERFLOW);
			assert_int_equal(b->len, before);
			return;
		}
		++*fitted;
	}
}

static void a_listing_reads_back_as_it_was_written(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(directory_rows); k++) {
		uint8_t class = directory_rows[k].info_class;
		struct directory_entry e;
		struct buf b = { 0 };
		struct cursor list;
		size_t fitted;

		buf_text(&b, "odd"); /* where the listing begins need not be aligned */
		list_all(class, 3, 65536, &fitted, &b);
		assert_int_equal(fitted, ARRAY_LEN(listed));
		list = guarded(b.data + 3, b.len - 3);
		for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
			const uint8_t *at;
			char *name;

			assert_int_equal(cur_position(&list) % 8, 0);
			at = list.at;
			assert_true(fscc_directory_next(class, &list, &e));
			assert_int_equal(e.name.at - at, directory_rows[k].head);
			name = utf16_to_string(e.name);
			assert_string_equal(name, listed[i]);
			free(name);
			if (class == FileNamesInformation)
				continue;
			assert_int_equal(e.facts.creation_time.ticks, 1);
			assert_int_equal(e.facts.change_time.ticks, 4);
			assert_int_equal(e.facts.end_of_file, 5000);
			assert_int_equal(e.facts.allocation_size, 8192);
			assert_int_equal(e.facts.attributes, FILE_ATTRIBUTE_ARCHIVE);
			if (class == FileIdBothDirectoryInformation ||
			    class == FileIdExtdDirectoryInformation ||
			    class == FileIdFullDirectoryInformation)
				assert_true(e.facts.file_id == query.facts.file_id);
		}
		assert_false(fscc_directory_next(class, &list, &e));
		assert_false(list.bad);
		buf_free(&b);
	}
}

static void a_listing_stops_exactly_at_its_room(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(directory_rows); k++) {
		size_t whole = 0;

		for (size_t room = 0; room < 1500; room++) {
			struct buf b = { .limit = room ? room : 1 };
			size_t fitted;

			list_all(directory_rows[k].info_class, 0, room, &fitted, &b);
			assert_true(b.len <= room);
			assert_false(b.failed);
			if (fitted == ARRAY_LEN(listed) && !whole) {
				whole = b.len;
				assert_int_equal(room, whole);
			}
			buf_free(&b);
		}
		assert_true(whole > 0);
	}
}

static void the_short_name_and_the_reparse_tag_have_their_places(void **state)
{
	struct file_facts link = query.facts;
	size_t previous = SIZE_MAX;
	struct buf b = { 0 };

	(void)state;
	link.attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
	assert_int_equal(fscc_directory_entry(FileIdBothDirectoryInformation, "link", "LINK~1",
					      &link, 0, 0, 4096, &previous, &b),
			 0);
	assert_int_equal(b.len, 104 + 8);
	assert_int_equal(u32_at(&b, 60), 8);
	assert_int_equal(u32_at(&b, 64), 0xa000000c);
	assert_int_equal(b.data[68], 12);
	assert_memory_equal(b.data + 70, "L\0I\0N\0K\0~\0001", 12);
	b.len = 0;
	previous = SIZE_MAX;
	assert_int_equal(fscc_directory_entry(FileIdExtdDirectoryInformation, "link", NULL, &link,
					      0, 0, 4096, &previous, &b),
			 0);
	assert_int_equal(u32_at(&b, 64), 30);
	assert_int_equal(u32_at(&b, 68), 0xa000000c);
	assert_int_equal(fscc_directory_entry(FileBasicInformation, "x", NULL, &link, 0, 0, 4096,
					      &previous, &b),
			 STATUS_INVALID_INFO_CLASS);
	buf_free(&b);
}

static void a_listing_that_is_cut_or_lies_is_refused(void **state)
{
	struct directory_entry e;
	struct buf b = { 0 };
	size_t fitted;

	(void)state;
	list_all(FileIdBothDirectoryInformation, 0, 65536, &fitted, &b);
	for (size_t n = 0; n < b.len; n++) {
		struct cursor list = guarded(b.data, n);
		size_t seen = 0;

		while (fscc_directory_next(FileIdBothDirectoryInformation, &list, &e))
			seen++;
		assert_true(seen < ARRAY_LEN(listed));
	}
	for (size_t at = 0; at < b.len; at++) {
		uint8_t was = b.data[at];
		struct cursor list;
		size_t seen = 0;

		b.data[at] = 0xff;
		list = guarded(b.data, b.len);
		while (fscc_directory_next(FileIdBothDirectoryInformation, &list, &e))
			assert_true(++seen <= ARRAY_LEN(listed));
		b.data[at] = was;
	}
	buf_free(&b);
}

static void notifications_are_aligned_to_four(void **state)
{
	size_t previous = SIZE_MAX;
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(fscc_notify_entry(FILE_ACTION_ADDED, "d/a", 0, 100, &previous, &b), 0);
	assert_int_equal(b.len, 12 + 6);
	assert_int_equal(fscc_notify_entry(FILE_ACTION_REMOVED, "b", 0, 33, &previous, &b),
			 STATUS_BUFFER_OVERFLOW);
	assert_int_equal(b.len, 12 + 6);
	assert_int_equal(fscc_notify_entry(FILE_ACTION_REMOVED, "b", 0, 34, &previous, &b), 0);
	assert_int_equal(u32_at(&b, 0), 20);
	assert_int_equal(u32_at(&b, 4), FILE_ACTION_ADDED);
	assert_int_equal(u32_at(&b, 8), 6);
	assert_memory_equal(b.data + 12, "d\0\\\0a", 6);
	assert_int_equal(u32_at(&b, 20), 0);
	assert_int_equal(u32_at(&b, 24), FILE_ACTION_REMOVED);
	assert_int_equal(b.len, 34);
	buf_free(&b);
}

/* SET_INFO */

static ntstatus set(uint8_t info_class, const struct buf *b, struct file_set *s)
{
	return fscc_set_decode(info_class, guarded(b->data, b->len), s);
}

static void basic_takes_times_that_mean_something(void **state)
{
	struct file_set s;
	struct buf b = { 0 };

	(void)state;
	buf_u64le(&b, 0);
	buf_u64le(&b, UINT64_MAX);
	buf_u64le(&b, UINT64_MAX - 1);
	buf_u64le(&b, 132000000000000000);
	buf_u64le(&b, 0x21);
	assert_int_equal(set(FileBasicInformation, &b, &s), 0);
	assert_true(s.last_access_time == UINT64_MAX);
	assert_int_equal(s.change_time, 132000000000000000);
	assert_int_equal(s.attributes, 0x21);
	buf_put_u64le(&b, 8, UINT64_MAX - 2);
	assert_int_equal(set(FileBasicInformation, &b, &s), STATUS_INVALID_PARAMETER);
	b.len = 35;
	assert_int_equal(set(FileBasicInformation, &b, &s), STATUS_INFO_LENGTH_MISMATCH);
	buf_free(&b);
}

static void rename_names_its_target(void **state)
{
	struct file_set s;
	struct buf b = { 0 };

	(void)state;
	buf_u64le(&b, 1);
	buf_u64le(&b, 0);
	buf_u32le(&b, 6);
	utf16_encode(&b, "d\\x");
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(fscc_set_decode(FileRenameInformation, guarded(b.data, n), &s),
				 n < 20 ? STATUS_INFO_LENGTH_MISMATCH : STATUS_INVALID_PARAMETER);
	assert_int_equal(set(FileRenameInformation, &b, &s), 0);
	assert_true(s.replace);
	assert_int_equal(cur_left(&s.name), 6);
	assert_int_equal(set(FileLinkInformation, &b, &s), 0);
	buf_put_u32le(&b, 0, FILE_RENAME_POSIX_SEMANTICS);
	assert_int_equal(set(FileRenameInformationEx, &b, &s), 0);
	assert_int_equal(s.flags, FILE_RENAME_POSIX_SEMANTICS);
	assert_false(s.replace);
	buf_put_u32le(&b, 16, 5);
	assert_int_equal(set(FileRenameInformation, &b, &s), STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, 16, 0);
	assert_int_equal(set(FileRenameInformation, &b, &s), STATUS_INVALID_PARAMETER);
	buf_put_u32le(&b, 16, 0xfffffffe);
	assert_int_equal(set(FileRenameInformation, &b, &s), STATUS_INVALID_PARAMETER);
	buf_free(&b);
}

static void sizes_are_not_negative(void **state)
{
	static const uint8_t classes[] = { FilePositionInformation, FileAllocationInformation,
					   FileEndOfFileInformation,
					   FileValidDataLengthInformation };
	struct buf b = { 0 };

	(void)state;
	buf_u64le(&b, 12345);
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		struct file_set s;

		buf_put_u64le(&b, 0, 12345);
		assert_int_equal(set(classes[i], &b, &s), 0);
		assert_int_equal(s.size, 12345);
		buf_put_u64le(&b, 0, 1ull << 63);
		assert_int_equal(set(classes[i], &b, &s), STATUS_INVALID_PARAMETER);
		assert_int_equal(fscc_set_decode(classes[i], guarded(b.data, 7), &s),
				 STATUS_INFO_LENGTH_MISMATCH);
	}
	buf_free(&b);
}

static void the_rest_of_set_information_is_read(void **state)
{
	struct file_set s;
	struct buf b = { 0 };

	(void)state;
	buf_u64le(&b, 0x11);
	assert_int_equal(set(FileDispositionInformation, &b, &s), 0);
	assert_true(s.delete_file);
	assert_int_equal(set(FileDispositionInformationEx, &b, &s), 0);
	assert_true(s.delete_file);
	assert_int_equal(s.flags, 0x11);
	assert_int_equal(set(FileModeInformation, &b, &s), 0);
	assert_int_equal(s.mode, 0x11);
	assert_int_equal(set(FileFullEaInformation, &b, &s), 0);
	assert_int_equal(cur_left(&s.ea), 8);
	assert_int_equal(set(FileAllInformation, &b, &s), STATUS_INVALID_INFO_CLASS);
	b.len = 0;
	assert_int_equal(set(FileDispositionInformation, &b, &s), STATUS_INFO_LENGTH_MISMATCH);
	assert_int_equal(fscc_file_set_access(FileDispositionInformation), DELETE_ACCESS);
	assert_int_equal(fscc_file_set_access(FileEndOfFileInformation), FILE_WRITE_DATA);
	assert_int_equal(fscc_file_set_access(FileBasicInformation), FILE_WRITE_ATTRIBUTES);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_has_its_length_and_is_cut_only_where_it_may_be),
		cmocka_unit_test(a_class_without_a_row_is_refused),
		cmocka_unit_test(all_information_has_its_parts_in_order),
		cmocka_unit_test(names_have_a_backslash_in_front_but_normalized_ones),
		cmocka_unit_test(a_name_that_is_cut_says_its_whole_length),
		cmocka_unit_test(streams_are_listed_with_their_type),
		cmocka_unit_test(file_system_facts_are_where_clients_look),
		cmocka_unit_test(a_listing_reads_back_as_it_was_written),
		cmocka_unit_test(a_listing_stops_exactly_at_its_room),
		cmocka_unit_test(the_short_name_and_the_reparse_tag_have_their_places),
		cmocka_unit_test(a_listing_that_is_cut_or_lies_is_refused),
		cmocka_unit_test(notifications_are_aligned_to_four),
		cmocka_unit_test(basic_takes_times_that_mean_something),
		cmocka_unit_test(rename_names_its_target),
		cmocka_unit_test(sizes_are_not_negative),
		cmocka_unit_test(the_rest_of_set_information_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
