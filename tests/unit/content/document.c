// SPDX-License-Identifier: Apache-2.0
/* Signed documents: one canonical form, strict reading, signatures that count once each. */
#include <content/document.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct content_key one, two;

static int make_keys(void **state)
{
	return content_key_make(&one, NULL) && content_key_make(&two, NULL) ? 0 : -1;
}

static json_t *body(void)
{
	return json_pack("{s:s, s:i, s:s}", "_type", "test", "version", 7, "expires",
			 "2026-11-27T07:00:00Z");
}

static void sign(struct buf *out, const struct content_key *a, const struct content_key *b)
{
	const struct content_key *keys[] = { a, b };
	json_t *what auto_json = body();

	assert_true(document_sign(what, keys, b ? 2 : 1, out, NULL));
	assert_false(out->failed);
}

static bool verifies(const struct buf *bytes, unsigned threshold)
{
	struct document document auto_document = { 0 };
	const struct content_key keys[] = { one, two, one };

	return document_parse(&document, bytes->data, bytes->len, NULL) &&
	       document_verify(&document, keys, ARRAY_LEN(keys), threshold, NULL);
}

static void canonical_is_sorted_and_without_space(void **state)
{
	auto_buf struct buf out = { 0 };
	json_t *value auto_json = json_loads(
		"{ \"b\": [1, true, null], \"a\": \"q\\\"\\\\\\u00e9\\u007f/\" }", 0, NULL);

	assert_true(document_canonical(value, &out, NULL));
	buf_u8(&out, 0);
	assert_string_equal((char *)out.data,
			    "{\"a\":\"q\\\"\\\\\xC3\xA9\x7F/\",\"b\":[1,true,null]}");
}

static void a_signed_document_verifies(void **state)
{
	auto_buf struct buf bytes = { 0 };

	sign(&bytes, &one, NULL);
	assert_true(verifies(&bytes, 1));
}

static void one_key_does_not_reach_a_threshold_of_two(void **state)
{
	auto_buf struct buf bytes = { 0 }, both = { 0 };

	sign(&bytes, &one, &one);
	assert_false(verifies(&bytes, 2));
	sign(&both, &one, &two);
	assert_true(verifies(&both, 2));
}

static void a_threshold_of_zero_is_never_reached(void **state)
{
	auto_buf struct buf bytes = { 0 };

	sign(&bytes, &one, NULL);
	assert_false(verifies(&bytes, 0));
}

static void a_changed_document_does_not_verify(void **state)
{
	auto_buf struct buf bytes = { 0 };
	char *version;

	sign(&bytes, &one, NULL);
	version = memmem(bytes.data, bytes.len, "\"version\":7", 11);
	assert_non_null(version);
	version[10] = '8';
	assert_false(verifies(&bytes, 1));
}

static void what_is_not_strict_json_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"signed\":{}}",
		"{\"signatures\":[],\"signed\":{\"a\":1,\"a\":2}}",
		"{\"signatures\":[],\"signed\":{\"a\":1.5}}",
		"{\"signatures\":[],\"signed\":{\"a\":\"\\u0001\"}}",
		"{\"signatures\":[],\"signed\":{}} x",
		"{\"signatures\":[],\"signed\":{},\"more\":1}",
		"{\"signatures\":[{\"keyid\":\"00\",\"sig\":\"00\"}],\"signed\":{}}",
		"{\"signatures\":[],\"signed\":{\"a\":\"\xC3\"}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct document document auto_document = { 0 };

		if (document_parse(&document, texts[i], strlen(texts[i]), NULL))
			fail_msg("taken: %s", texts[i]);
	}
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
	static char text[1 << 20];
	struct content_failure why = { 0 };

	memset(text, '[', sizeof(text));
	assert_null(document_parse_json(text, sizeof(text), &why));
	assert_string_equal(why.text, "JSON that is nested too deeply");
}

static void times_are_read_in_one_form_only(void **state)
{
	json_t *good auto_json = json_pack("{s:s}", "t", "1970-01-02T00:00:01Z");
	json_t *odd auto_json = json_pack("{s:s}", "t", "1970-1-2T00:00:01Z");
	json_t *wild auto_json = json_pack("{s:s}", "t", "1970-02-31T00:00:01Z");
	int64_t time;

	assert_true(document_time(good, "t", &time, NULL));
	assert_int_equal(time, 86401);
	assert_false(document_time(odd, "t", &time, NULL));
	assert_false(document_time(wild, "t", &time, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_is_sorted_and_without_space),
		cmocka_unit_test(a_signed_document_verifies),
		cmocka_unit_test(one_key_does_not_reach_a_threshold_of_two),
		cmocka_unit_test(a_threshold_of_zero_is_never_reached),
		cmocka_unit_test(a_changed_document_does_not_verify),
		cmocka_unit_test(what_is_not_strict_json_is_refused),
		cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
		cmocka_unit_test(times_are_read_in_one_form_only),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
