// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf16.h>

static void every_name_a_client_sends_comes_back(void **state)
{
	static const uint16_t names[][5] = {
		{ 'a', 'B', 0xe9, 0 },	       { 0xd83d, 0xde00, 'x', 0 }, /* a pair */
		{ 'x', 0xd800, 'y', 0 },				   /* unpaired, high */
		{ 0xdc00, 0xd800, 0 },					   /* in the wrong order */
		{ 0xf781, 0xffff, 0 }, /* the private range of raw bytes */
		{ 0xf7c3, 0xf7a9, 0 }, /* raw bytes that would read as one letter */
		{ 0xf7c3, 0xf7a9, 0xf7ff, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf wire = { 0 };
		struct buf back = { 0 };
		char *text;

		for (const uint16_t *u = names[i]; *u; u++)
			buf_u16le(&wire, *u);
		text = utf16_to_string(cur_of(wire.data, wire.len));
		assert_non_null(text);
		utf16_encode(&back, text);
		assert_int_equal(back.len, wire.len);
		assert_memory_equal(back.data, wire.data, wire.len);
		assert_int_equal(utf16_length(text), wire.len);
		free(text);
		buf_free(&wire);
		buf_free(&back);
	}
}

static void a_name_with_a_nul_or_half_a_unit_is_refused(void **state)
{
	(void)state;
	assert_null(utf16_to_string(cur_of("a\0\0\0b\0", 6)));
	assert_null(utf16_to_string(cur_of("a\0b", 3)));
}

static void names_compare_without_case(void **state)
{
	(void)state;
	assert_int_equal(name_compare("Stra\xc3\x9f"
				      "e",
				      "STRA\xc3\x9f"
				      "E"),
			 0);
	assert_int_equal(name_compare("\xc3\xa9t\xc3\xa9", "\xc3\x89T\xc3\x89"), 0);
	assert_int_not_equal(name_compare("a", "ab"), 0);
	assert_int_equal(name_compare("a\xff", "A\xff"), 0);
}

static void long_names_are_encoded_whatever_their_mixture(void **state)
{
	static const char *const pieces[] = { "a", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff", "xyz" };

	(void)state;
	/* Every piece behind 0 to 40 letters, with letters behind it: each place within a word of
	 * eight. */
	for (size_t lead = 0; lead < 41; lead++) {
		for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
			char name[128] = "";
			struct buf wire = { 0 };
			char *back;

			memset(name, 'k', lead);
			strcpy(name + lead, pieces[i]);
			strcat(name, "tail of letters");
			utf16_encode(&wire, name);
			assert_int_equal(wire.len, utf16_length(name));
			back = utf16_to_string(cur_of(wire.data, wire.len));
			assert_string_equal(back, name);
			free(back);
			buf_free(&wire);
		}
	}
}

static void a_name_fits_its_buffers_limit_exactly_or_not_at_all(void **state)
{
	static const char name[] = "caf\xc3\xa9 \xf0\x9f\x98\x80";
	size_t length = utf16_length(name);

	(void)state;
	for (size_t limit = 1; limit < 40; limit++) {
		struct buf wire = { .limit = limit };
		struct buf folded = { .limit = limit };

		utf16_encode(&wire, name);
		assert_int_equal(wire.failed, limit < length);
		assert_int_equal(wire.len, limit < length ? 0 : length);
		name_fold(&folded, name);
		assert_int_equal(folded.failed, limit < strlen(name));
		assert_int_equal(folded.len, limit < strlen(name) ? 0 : strlen(name));
		if (!folded.failed)
			assert_memory_equal(folded.data, "CAF\xc3\x89 \xf0\x9f\x98\x80",
					    folded.len);
		buf_free(&wire);
		buf_free(&folded);
	}
	for (size_t limit = 1; limit < 40; limit++) {
		struct buf wire = { 0 };
		struct buf text = { .limit = limit };
		struct cursor c;

		utf16_encode(&wire, name);
		c = cur_of(wire.data, wire.len);
		assert_int_equal(utf16_decode(&c, &text), limit >= strlen(name));
		assert_int_equal(text.len, limit < strlen(name) ? 0 : strlen(name));
		buf_free(&wire);
		buf_free(&text);
	}
}

static void patterns_match_as_the_file_system_does(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} rows[] = {
		{ "*", "anything", true },
		{ "*.txt", "a.TXT", true },
		{ "*.txt", "a.txt.bak", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "<.txt", "a.b.txt", true },
		{ "<", "a.b", false },
		{ "a\"", "a", true },
		{ "a\"b", "a.b", true },
		{ ">>>", "ab", true },
		{ "a>>.b", "a.b", true },
		{ "", "", true },
		{ "", "a", false },
		{ "*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false },
		{ "<\"bak", "x.y.bak", true },
		{ "?", "", false },
		{ "<b", "a.b", true },
		{ "<", "ab", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (name_match(rows[i].pattern, rows[i].name) != rows[i].match)
			fail_msg("%s against %s", rows[i].pattern, rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_a_client_sends_comes_back),
		cmocka_unit_test(a_name_with_a_nul_or_half_a_unit_is_refused),
		cmocka_unit_test(names_compare_without_case),
		cmocka_unit_test(long_names_are_encoded_whatever_their_mixture),
		cmocka_unit_test(a_name_fits_its_buffers_limit_exactly_or_not_at_all),
		cmocka_unit_test(patterns_match_as_the_file_system_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
