// SPDX-License-Identifier: Apache-2.0
/* The language of collections and run conditions. */
#include <policy/expression.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static json_t *facts;

static int make_facts(void **state)
{
	facts = json_pack("{s:s, s:s, s:i, s:b, s:s, s:i}", "os.id", "debian", "name", "Build-7",
			  "memory_mb", 4096, "laptop", 0, "os.version", "12.10", "zone", -3);
	return facts ? 0 : -1;
}

static int drop_facts(void **state)
{
	json_decref(facts);
	return 0;
}

static bool holds(const char *text)
{
	char why[EXPRESSION_WHY];
	struct expression *e = expression_parse(text, why);
	bool result;

	if (!e)
		fail_msg("%s: %s", text, why);
	result = expression_holds(e, facts);
	expression_free(e);
	return result;
}

static void expressions_say_what_they_mean(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} rows[] = {
		{ "", true },
		{ "true", true },
		{ "false", false },
		{ "not false", true },
		{ "os.id = \"DEBIAN\"", true },
		{ "os.id != \"debian\"", false },
		{ "memory_mb >= 4096", true },
		{ "memory_mb < 10000", true },
		{ "memory_mb > 999", true },
		{ "os.version > \"12.9\"", true },
		{ "os.version < \"12.09\"", false },
		{ "zone < 2 and zone > -10", true },
		{ "laptop = false", true },
		{ "exists laptop and not exists tablet", true },
		{ "name like \"build-?\"", true },
		{ "name like \"*8\"", false },
		{ "name in (\"a\", \"build-7\")", true },
		{ "memory_mb in (1, 2, 3)", false },
		{ "true or false and false", true },
		{ "(true or false) and false", false },
		{ "missing = 1 or missing != 1", false },
		{ "not missing = 1", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (holds(rows[i].text) != rows[i].holds)
			fail_msg("%s", rows[i].text);
	}
}

static void what_is_no_expression_is_refused_with_a_place(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "os.id", "a comparison is missing at character 6" },
		{ "os.id =", "a value is missing: a text in quotes, a whole number, true, false at "
			     "character 8" },
		{ "os.id = \"x", "a text has no end at character 9" },
		{ "(true", "\")\" is missing at character 6" },
		{ "true true", "something is left over at character 6" },
		{ "a in 1", "\"in\" needs a list in parentheses at character 6" },
		{ "1 = 1", "the name of a fact is missing at character 1" },
		{ "a = 1;", "something is left over at character 6" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[EXPRESSION_WHY];

		assert_null(expression_parse(rows[i].text, why));
		assert_string_equal(why, rows[i].why);
	}
}

static void depth_size_and_length_are_bounded(void **state)
{
	char why[EXPRESSION_WHY];
	char deep[200] = "", *many = xalloc(1, 8000), *longest = xalloc(1, 8000);

	for (int i = 0; i < 40; i++)
		strcat(deep, "(");
	assert_null(expression_parse(deep, why));
	assert_non_null(strstr(why, "nested more than 32 deep"));
	strcpy(many, "true");
	while (strlen(many) < 4000)
		strcat(many, " or true");
	assert_null(expression_parse(many, why));
	assert_non_null(strstr(why, "more than 256 parts"));
	memset(longest, ' ', 7000);
	assert_null(expression_parse(longest, why));
	free(many);
	free(longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_say_what_they_mean),
		cmocka_unit_test(what_is_no_expression_is_refused_with_a_place),
		cmocka_unit_test(depth_size_and_length_are_bounded),
	};

	return cmocka_run_group_tests(tests, make_facts, drop_facts);
}
