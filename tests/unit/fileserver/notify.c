// SPDX-License-Identifier: Apache-2.0
#include "opens_fixture.h"

#include <base/utf16.h>

#define ANY 0xfffu

/* The events that @watch has for us as text: "1:d\a 2:b". */
static ntstatus take(struct open *watch, uint32_t filter, bool recursive, struct noted *waiter,
		     char *text, size_t size)
{
	struct buf out = { 0 };
	ntstatus status = open_notify(watch, filter, recursive, 4096, &waiter->waiter, &out);
	struct cursor c = cur_of(out.data, out.len);
	size_t at = 0;

	*text = 0;
	while (status == STATUS_SUCCESS) {
		struct cursor entry = cur_slice(&c, at, out.len - at);
		uint32_t next = cur_u32le(&entry), action = cur_u32le(&entry);
		uint32_t length = cur_u32le(&entry);
		char *name = utf16_to_string(cur_take(&entry, length));

		assert_non_null(name);
		snprintf(text + strlen(text), size - strlen(text), "%s%u:%s", at ? " " : "", action,
			 name);
		free(name);
		at += next;
		if (!next)
			break;
	}
	buf_free(&out);
	return status;
}

static void expect_for(struct noted *waiter, struct open *watch, uint32_t filter, bool recursive,
		       const char *expected)
{
	char text[1024];

	assert_status(take(watch, filter, recursive, waiter, text, sizeof(text)), STATUS_SUCCESS);
	assert_string_equal(text, expected);
}

/* By a request that comes only now. */
static void expect(struct open *watch, uint32_t filter, bool recursive, const char *expected)
{
	struct noted waiter = NOTED;

	expect_for(&waiter, watch, filter, recursive, expected);
}

static struct open *watch(const char *path, uint32_t filter, bool recursive, struct noted *waiter)
{
	struct open *open = OPEN(.path = path, .options = FILE_DIRECTORY_FILE);
	char text[16];

	assert_status(take(open, filter, recursive, waiter, text, sizeof(text)), STATUS_PENDING);
	return open;
}

static void what_happens_in_a_directory_is_told(void **state)
{
	struct noted waiter = NOTED;
	struct open *open, *file;

	(void)state;
	make_directory("d");
	open = watch("d", ANY, false, &waiter);
	make_directory("d/sub");
	assert_int_equal(waiter.count, 1);
	assert_int_equal(waiter.status, STATUS_SUCCESS);
	file = OPEN(.path = "d/a", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE);
	assert_status(open_rename(file, "d/b", false, 0, NULL), STATUS_SUCCESS);
	assert_status(open_set_end_of_file(file, 10, NULL), STATUS_SUCCESS);
	assert_status(open_set_end_of_file(file, 20, NULL), STATUS_SUCCESS);
	assert_status(open_rename(file, "c", false, 0, NULL), STATUS_SUCCESS);
	done(file);
	make_file("d/sub/deep");
	expect_for(&waiter, open, ANY, false, "1:sub");
	expect(open, ANY, false, "1:a 4:a 5:b 3:b 2:b");
	done(open);
}

static void a_tree_is_watched_where_that_is_asked_for(void **state)
{
	struct noted waiter = NOTED;
	struct open *open;

	(void)state;
	make_directory("d");
	make_directory("d/e");
	make_directory("dd");
	open = watch("d", FILE_NOTIFY_CHANGE_FILE_NAME, true, &waiter);
	make_file("d/e/f");
	make_file("dd/f");
	make_directory("d/e/g");
	expect_for(&waiter, open, FILE_NOTIFY_CHANGE_FILE_NAME, true, "1:e\\f");
	done(open);
	waiter = (struct noted)NOTED;
	open = watch("", FILE_NOTIFY_CHANGE_FILE_NAME, true, &waiter);
	make_file("d/x");
	make_file("y");
	expect_for(&waiter, open, FILE_NOTIFY_CHANGE_FILE_NAME, true, "1:d\\x");
	expect(open, FILE_NOTIFY_CHANGE_FILE_NAME, true, "1:y");
	done(open);
}

static void only_what_the_filter_names_is_told(void **state)
{
	static const struct {
		uint32_t filter;
		bool created, attributes, size, security, removed;
	} rows[] = {
		{ FILE_NOTIFY_CHANGE_FILE_NAME, true, false, false, false, true },
		{ FILE_NOTIFY_CHANGE_ATTRIBUTES, false, true, false, false, false },
		{ FILE_NOTIFY_CHANGE_SIZE, false, false, true, false, false },
		{ FILE_NOTIFY_CHANGE_SECURITY, false, false, false, true, false },
		{ FILE_NOTIFY_CHANGE_DIR_NAME, false, false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct file_set set = { .attributes = FILE_ATTRIBUTE_HIDDEN };
		struct noted waiter = NOTED;
		struct open *open = watch("", rows[i].filter, false, &waiter), *file;
		struct security_descriptor *sd;
		struct buf blob = { 0 };

		file = OPEN(.path = "f", .access = FILE_MODIFY_ACCESS | WRITE_DAC,
			    .disposition = FILE_CREATE, .token = F.admin);
		assert_status(open_set_basic(file, &set), STATUS_SUCCESS);
		assert_status(open_set_end_of_file(file, 1, NULL), STATUS_SUCCESS);
		assert_status(sd_parse_sddl("D:(A;;FA;;;AU)", &sd), STATUS_SUCCESS);
		sd_encode(&blob, sd, 0xf);
		assert_status(open_set_security(file, DACL_SECURITY_INFORMATION,
						cur_of(blob.data, blob.len)),
			      STATUS_SUCCESS);
		assert_status(open_set_disposition(file, true, 0, NULL), STATUS_SUCCESS);
		done(file);
		buf_free(&blob);
		free(sd);
		if (rows[i].created)
			expect_for(&waiter, open, rows[i].filter, false, "1:f");
		else if (rows[i].attributes || rows[i].size || rows[i].security)
			expect_for(&waiter, open, rows[i].filter, false, "3:f");
		else
			assert_int_equal(waiter.count, 0);
		if (rows[i].removed)
			expect(open, rows[i].filter, false, "2:f");
		done(open);
	}
}

static void more_than_is_kept_says_look_for_yourself(void **state)
{
	struct noted waiter = NOTED, next = NOTED;
	struct open *open;
	char text[64];

	(void)state;
	open_limits.max_notify_bytes = 64;
	open = watch("", ANY, false, &waiter);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "file%d", i);
		make_file(text);
	}
	assert_int_equal(waiter.count, 1);
	expect_for(&waiter, open, ANY, false, "1:file0");
	assert_status(take(open, ANY, false, &next, text, sizeof(text)), STATUS_NOTIFY_ENUM_DIR);
	assert_status(take(open, ANY, false, &next, text, sizeof(text)), STATUS_PENDING);
	make_file("again");
	expect_for(&next, open, ANY, false, "1:again");
	done(open);
	open_limits.max_notify_bytes = 65536;
}

/* Two requests wait, and neither is answered before more has happened. */
static void each_request_is_answered_with_one_operation(void **state)
{
	struct noted first = NOTED, second = NOTED;
	struct open *open, *file;
	char text[16];

	(void)state;
	open = watch("", FILE_NOTIFY_CHANGE_FILE_NAME, false, &first);
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &second, text, sizeof(text)),
		      STATUS_PENDING);
	file = OPEN(.path = "a", .access = FILE_MODIFY_ACCESS, .disposition = FILE_CREATE);
	assert_int_equal(first.count, 1);
	assert_int_equal(second.count, 0);
	assert_status(open_rename(file, "b", false, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(second.count, 1);
	make_file("c");
	expect_for(&second, open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "4:a 5:b");
	expect_for(&first, open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "1:a");
	expect(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "1:c");
	done(file);
	done(open);
}

/* Its connection is lost after it was woken. */
static void what_was_given_to_a_request_that_ends_is_for_the_next(void **state)
{
	struct noted first = NOTED, second = NOTED, third = NOTED;
	struct open *open;
	char text[16];

	(void)state;
	open = watch("", FILE_NOTIFY_CHANGE_FILE_NAME, false, &first);
	make_file("a");
	assert_int_equal(first.count, 1);
	open_notify_end(open, &first.waiter);
	expect(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "1:a");
	/* One that waits has it at once, before what comes later. */
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &first, text, sizeof(text)),
		      STATUS_PENDING);
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &second, text, sizeof(text)),
		      STATUS_PENDING);
	make_file("b");
	open_notify_end(open, &first.waiter);
	assert_int_equal(second.count, 1);
	make_file("c");
	/* The waiter's memory is another request's by now. */
	expect_for(&first, open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "1:c");
	expect_for(&second, open, FILE_NOTIFY_CHANGE_FILE_NAME, false, "1:b");
	/* Behind something that is newer it would be told in the wrong order. */
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &third, text, sizeof(text)),
		      STATUS_PENDING);
	make_file("d");
	make_file("e");
	open_notify_end(open, &third.waiter);
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &third, text, sizeof(text)),
		      STATUS_NOTIFY_ENUM_DIR);
	assert_status(take(open, FILE_NOTIFY_CHANGE_FILE_NAME, false, &third, text, sizeof(text)),
		      STATUS_PENDING);
	done(open);
	assert_int_equal(third.status, STATUS_NOTIFY_CLEANUP);
}

static void a_wait_ends_with_its_handle_and_its_directory(void **state)
{
	struct noted closed = NOTED, deleted = NOTED;
	struct open *open, *other;
	char text[16];

	(void)state;
	make_directory("d");
	open = watch("d", ANY, false, &closed);
	done(open);
	assert_int_equal(closed.count, 1);
	assert_int_equal(closed.status, STATUS_NOTIFY_CLEANUP);
	open = watch("d", ANY, false, &deleted);
	other = OPEN(.path = "d", .access = DELETE_ACCESS);
	assert_status(open_set_disposition(other, true, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(deleted.count, 1);
	assert_int_equal(deleted.status, STATUS_DELETE_PENDING);
	assert_status(take(open, ANY, false, &deleted, text, sizeof(text)), STATUS_DELETE_PENDING);
	done(other);
	done(open);
}

static void a_watch_follows_its_directory(void **state)
{
	struct noted waiter = NOTED;
	struct open *open, *mover;

	(void)state;
	make_directory("d");
	open = watch("d", ANY, false, &waiter);
	mover = OPEN(.path = "d", .access = DELETE_ACCESS);
	assert_status(open_rename(mover, "e", false, 0, NULL), STATUS_SUCCESS);
	done(mover);
	make_file("e/f");
	expect_for(&waiter, open, ANY, false, "1:f");
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_happens_in_a_directory_is_told),
		TEST(a_tree_is_watched_where_that_is_asked_for),
		TEST(only_what_the_filter_names_is_told),
		TEST(more_than_is_kept_says_look_for_yourself),
		TEST(each_request_is_answered_with_one_operation),
		TEST(what_was_given_to_a_request_that_ends_is_for_the_next),
		TEST(a_wait_ends_with_its_handle_and_its_directory),
		TEST(a_watch_follows_its_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
