// SPDX-License-Identifier: Apache-2.0
/* Words on one line, as a program on Windows takes them apart. */
#include "runner_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_line(const char *first, const char *second, const char *expected)
{
	auto_free char *a = xstrdup(first), *b = xstrdup(second);
	char *const words[] = { a, b, NULL };
	auto_free char *line = command_line(words);

	assert_string_equal(line, expected);
}

static void plain_words_stay_as_they_are(void **state)
{
	assert_line("setup.exe", "/quiet", "setup.exe /quiet");
	assert_line("C:\\a\\b.exe", "D:\\c\\", "C:\\a\\b.exe D:\\c\\");
}

static void blanks_and_nothing_are_quoted(void **state)
{
	assert_line("a b", "", "\"a b\" \"\"");
	assert_line("a\tb", "c d\\", "\"a\tb\" \"c d\\\\\"");
}

static void quotes_and_the_backslashes_before_them_are_escaped(void **state)
{
	assert_line("say", "\"hi\"", "say \"\\\"hi\\\"\"");
	assert_line("say", "a\\\"b", "say \"a\\\\\\\"b\"");
	assert_line("say", "a\\b c\\\\", "say \"a\\b c\\\\\\\\\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_stay_as_they_are),
		cmocka_unit_test(blanks_and_nothing_are_quoted),
		cmocka_unit_test(quotes_and_the_backslashes_before_them_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
