// SPDX-License-Identifier: Apache-2.0
/* Papers of clients: what is signed is taken, what is not is not. */
#include <policy/paper.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct content_key mine, other;
static json_t *facts;

static int begin(void **state)
{
	facts = json_pack("{s:s, s:i}", "os.id", "debian", "memory_mb", 512);
	return content_key_make(&mine, NULL) && content_key_make(&other, NULL) ? 0 : -1;
}

static int end(void **state)
{
	json_decref(facts);
	return 0;
}

static void an_enrolment_proves_its_key_and_its_token(void **state)
{
	struct document document auto_document = { 0 };
	auto_buf struct buf bytes = { 0 };
	char proof[SHA256_HEX_SIZE];
	struct enrolment read;

	assert_true(enrolment_write(&mine, "pc1", facts, "0123456789ab." SECRET, 5, &bytes, NULL));
	assert_null(memmem(bytes.data, bytes.len, SECRET, 64));
	assert_true(document_parse(&document, bytes.data, bytes.len, NULL));
	assert_string_equal(paper_type(&document), "enrolment");
	assert_true(enrolment_read(&document, &read, NULL));
	assert_string_equal(read.key.id, mine.id);
	assert_string_equal(read.name, "pc1");
	assert_string_equal(read.token_id, "0123456789ab");
	assert_true(token_proof(SECRET, mine.id, proof));
	assert_string_equal(read.proof, proof);
	/* The proof of one client is worth nothing to another. */
	assert_true(token_proof(SECRET, other.id, proof));
	assert_string_not_equal(read.proof, proof);
}

static void an_enrolment_for_the_key_of_another_is_refused(void **state)
{
	json_t *body auto_json =
		json_pack("{s:s, s:o, s:s, s:O, s:i}", "_type", "enrolment", "key",
			  content_key_to_json(&other), "name", "pc1", "facts", facts, "time_s", 5);
	const struct content_key *keys[] = { &mine };
	struct document document auto_document = { 0 };
	auto_buf struct buf bytes = { 0 };
	struct content_failure why = { 0 };
	struct enrolment read;

	assert_true(document_sign(body, keys, 1, &bytes, NULL));
	assert_true(document_parse(&document, bytes.data, bytes.len, NULL));
	assert_false(enrolment_read(&document, &read, &why));
	assert_int_equal(why.problem, CONTENT_FORGED);
}

static json_t *report(const char *state)
{
	return json_pack(
		"{s:s, s:s, s:i, s:i, s:O, s:[{s:s, s:i, s:i, s:s, s:i, s:s, s:i, s:i, s:s}], "
		"s:[{s:i, s:i, s:s, s:i, s:s}]}",
		"_type", "report", "client", mine.id, "number", 3, "time_s", 7, "facts", facts,
		"deployments", "id", "D1", "version", 1, "revision", 0, "state", state, "message",
		10009, "reason", "", "exit", 0, "since_s", 6, "output", "", "events", "number", 1,
		"time_s", 6, "deployment", "D1", "message", 10005, "text", "");
}

static bool taken(json_t *body, const struct content_key *signer)
{
	const struct content_key *keys[] = { signer };
	struct document document auto_document = { 0 };
	auto_buf struct buf bytes = { 0 };
	int64_t number;

	return document_sign(body, keys, 1, &bytes, NULL) &&
	       document_parse(&document, bytes.data, bytes.len, NULL) && report_client(&document) &&
	       report_read(&document, &mine, &number, NULL) && number == 3;
}

static void a_report_is_taken_from_its_client_only(void **state)
{
	json_t *good auto_json = report("succeeded"), *odd auto_json = report("sideways");

	assert_non_null(good);
	assert_true(taken(good, &mine));
	assert_false(taken(good, &other));
	assert_false(taken(odd, &mine));
}

static void a_report_that_is_not_whole_is_refused(void **state)
{
	static const char *const members[] = { "number", "time_s", "facts", "deployments",
					       "events" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *less auto_json = report("succeeded");

		json_object_del(less, members[i]);
		assert_false(taken(less, &mine));
	}
}

static void facts_are_flat_and_bounded(void **state)
{
	json_t *nested auto_json = json_pack("{s:{}}", "a"), *many auto_json = json_object();
	char name[16];

	assert_false(facts_check(nested, NULL));
	for (int i = 0; i <= PAPER_FACTS_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		json_object_set_new(many, name, json_integer(i));
	}
	assert_false(facts_check(many, NULL));
	assert_true(facts_check(facts, NULL));
}

static void only_papers_have_the_names_of_papers(void **state)
{
	char name[PAPER_NAME_MAX];

	paper_name(name, "report", mine.id, 17);
	assert_true(paper_name_is_one(name));
	assert_false(paper_name_is_one("report-../x.json"));
	assert_false(paper_name_is_one("notes.json"));
	assert_false(paper_name_is_one("report-x.exe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_enrolment_proves_its_key_and_its_token),
		cmocka_unit_test(an_enrolment_for_the_key_of_another_is_refused),
		cmocka_unit_test(a_report_is_taken_from_its_client_only),
		cmocka_unit_test(a_report_that_is_not_whole_is_refused),
		cmocka_unit_test(facts_are_flat_and_bounded),
		cmocka_unit_test(only_papers_have_the_names_of_papers),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
