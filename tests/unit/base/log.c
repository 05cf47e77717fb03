// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/log.h>

static void a_client_forges_no_line_and_no_field(void **state)
{
	(void)state;
	assert_string_equal(LOG_TEXT("alice"), "alice");
	assert_string_equal(LOG_TEXT(""), "\"\"");
	assert_string_equal(LOG_TEXT(NULL), "\"\"");
	assert_string_equal(LOG_TEXT("x status=ok"), "\"x status=ok\"");
	assert_string_equal(LOG_TEXT("x\" y=\"z"), "\"x\\\" y=\\\"z\"");
	assert_string_equal(LOG_TEXT("a\nb"), "a\\x0ab");
	assert_string_equal(LOG_TEXT("Ünï"), "Ünï");
}

static void a_client_sends_no_command_to_a_terminal(void **state)
{
	(void)state;
	assert_string_equal(LOG_TEXT("\x1b[2J"), "\\x1b[2J");
	assert_string_equal(LOG_TEXT("\xc2\x9b"
				     "2J"),
			    "\\xc2\\x9b2J");
	assert_string_equal(LOG_TEXT("\xc2\xa0"), "\xc2\xa0");
	assert_string_equal(LOG_TEXT("\x7f"), "\\x7f");
}

static void a_long_text_is_cut(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 0x01, sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_true(strlen(LOG_TEXT(text)) < 256);
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc2\x80", 2);
	assert_true(strlen(LOG_TEXT(text)) < 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_forges_no_line_and_no_field),
		cmocka_unit_test(a_client_sends_no_command_to_a_terminal),
		cmocka_unit_test(a_long_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
