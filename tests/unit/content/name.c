// SPDX-License-Identifier: Apache-2.0
/* Which names a package may hold. */
#include <content/name.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool good(const char *path)
{
	return !content_name_check(path, strlen(path));
}

static void ordinary_names_are_safe(void **state)
{
	static const char *const paths[] = {
		"setup.exe", "a/b/c",	".hidden",  "caf\xC3\xA9", "\xF0\x9F\x9A\xA2",
		"COM10",     "CONSOLE", "nul2.txt", "a b",	   "..a",
		"a..b"
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!good(paths[i]))
			fail_msg("%s was refused", paths[i]);
}

static void names_that_leave_the_package_are_refused(void **state)
{
	static const char *const paths[] = { "",      "/",	  "/etc/passwd", "..",
					     "../a",  "a/..",	  "a//b",	 "a/",
					     "a/./b", "a\\..\\b", "C:a",	 "a:stream" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (good(paths[i]))
			fail_msg("%s was taken", paths[i]);
}

static void names_that_some_system_cannot_hold_are_refused(void **state)
{
	static const char *const paths[] = {
		"CON",	    "nul.txt",	   "a/Aux",	   "com1",
		"LPT9.log", "COM\xC2\xB9", "NUL .txt",	   "CONIN$",
		"a.",	    "a ",	   "a\nb",	   "what?",
		"\xC3",	    "\xC0\x80",	   "\xED\xA0\x80", "\xF4\x90\x80\x80",
		"a\x7F",    "a|b",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (good(paths[i]))
			fail_msg("the %zu-th was taken", i);
}

static void long_and_deep_names_are_refused(void **state)
{
	char path[CONTENT_PATH_MAX + 2];

	memset(path, 'a', sizeof(path));
	assert_null(content_name_check(path, CONTENT_PART_MAX));
	assert_non_null(content_name_check(path, CONTENT_PART_MAX + 1));
	for (size_t i = 1; i < sizeof(path); i += 2)
		path[i] = '/';
	assert_null(content_name_check(path, 2 * CONTENT_DEPTH_MAX - 1));
	assert_non_null(content_name_check(path, 2 * CONTENT_DEPTH_MAX + 1));
}

static bool clash(const char *first, const char *second, bool directories)
{
	struct content_name names[] = { { first, NULL, directories },
					{ "m/other", NULL, false },
					{ second, NULL, directories } };
	const char *a, *b;

	return content_names_clash(names, ARRAY_LEN(names), &a, &b);
}

static void case_twins_clash(void **state)
{
	assert_true(clash("Setup.exe", "setup.EXE", false));
	assert_true(clash("Dir/one", "dir/two", false));
	assert_true(clash("\xC3\x89t\xC3\xA9", "\xC3\xA9t\xC3\xA9", false));
	assert_true(clash("same", "same", false));
	assert_false(clash("Dir/one", "Dir/two", false));
	assert_false(clash("a", "b", false));
}

static void a_file_cannot_be_a_directory_as_well(void **state)
{
	assert_true(clash("a", "a/b", false));
	assert_true(clash("a", "A/b", false));
	assert_false(clash("a-", "a/b", false));
	assert_false(clash("a", "a/b", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_are_safe),
		cmocka_unit_test(names_that_leave_the_package_are_refused),
		cmocka_unit_test(names_that_some_system_cannot_hold_are_refused),
		cmocka_unit_test(long_and_deep_names_are_refused),
		cmocka_unit_test(case_twins_clash),
		cmocka_unit_test(a_file_cannot_be_a_directory_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
