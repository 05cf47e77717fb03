// SPDX-License-Identifier: Apache-2.0
/* A manifest has one encoding, and no other is taken. */
#include <content/manifest.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t hash_a[SHA256_LENGTH] = { 0xA1 }, hash_b[SHA256_LENGTH] = { 0xB2 };
static const uint8_t nothing[SHA256_LENGTH];

static void fill(struct manifest *m)
{
	assert_true(manifest_add(m, "z/big", 0, 30, hash_b, NULL));
	assert_true(manifest_add_piece(m, hash_a, 10, NULL));
	assert_true(manifest_add_piece(m, hash_b, 20, NULL));
	assert_true(manifest_add(m, "a/tool", MANIFEST_EXECUTABLE, 5, hash_a, NULL));
	assert_true(manifest_add_piece(m, hash_a, 5, NULL));
	assert_true(manifest_add(m, "void", MANIFEST_DIRECTORY, 0, nothing, NULL));
	assert_true(manifest_finish(m, NULL));
}

static bool decodes(const struct buf *bytes, struct manifest *m)
{
	struct cursor c = cur_of(bytes->data, bytes->len);

	return manifest_decode(&c, m, NULL);
}

static void what_is_encoded_comes_back_in_order(void **state)
{
	struct manifest m auto_manifest = { 0 }, back auto_manifest = { 0 };
	auto_buf struct buf bytes = { 0 };

	fill(&m);
	assert_true(manifest_encode(&m, &bytes, NULL));
	assert_true(decodes(&bytes, &back));
	assert_int_equal(back.file_count, 3);
	assert_int_equal(back.bytes, 35);
	assert_string_equal(manifest_path(&back, &back.files[0]), "a/tool");
	assert_int_equal(back.files[0].flags, MANIFEST_EXECUTABLE);
	assert_int_equal(back.files[0].piece_count, 1);
	assert_memory_equal(back.pieces[0].hash, hash_a, SHA256_LENGTH);
	assert_string_equal(manifest_path(&back, &back.files[2]), "z/big");
	assert_int_equal(back.files[2].first_piece, 1);
	assert_int_equal(back.pieces[2].length, 20);
}

static void every_shortened_manifest_is_refused(void **state)
{
	struct manifest m auto_manifest = { 0 };
	auto_buf struct buf bytes = { 0 };

	fill(&m);
	assert_true(manifest_encode(&m, &bytes, NULL));
	while (bytes.len--) {
		struct manifest back auto_manifest = { 0 };

		assert_false(decodes(&bytes, &back));
	}
	bytes.len = 0;
}

static void a_manifest_that_ends_late_is_refused(void **state)
{
	struct manifest m auto_manifest = { 0 }, back auto_manifest = { 0 };
	auto_buf struct buf bytes = { 0 };

	fill(&m);
	assert_true(manifest_encode(&m, &bytes, NULL));
	buf_u8(&bytes, 0);
	assert_false(decodes(&bytes, &back));
}

static void counts_that_the_bytes_cannot_hold_cost_no_memory(void **state)
{
	static const uint8_t claim[] = "BERTHMF1\xff\xff\xff\xff\xff\xff\xff\xff";
	struct manifest back auto_manifest = { 0 };
	struct content_failure why = { 0 };
	struct cursor c = cur_of(claim, sizeof(claim) - 1);

	assert_false(manifest_decode(&c, &back, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
	assert_null(back.files);
}

static void names_that_clash_are_refused(void **state)
{
	struct manifest m auto_manifest = { 0 };
	struct content_failure why = { 0 };

	assert_true(manifest_add(&m, "Readme", 0, 0, hash_a, &why));
	assert_true(manifest_add(&m, "README", 0, 0, hash_a, &why));
	assert_false(manifest_finish(&m, &why));
	assert_int_equal(why.problem, CONTENT_BAD_NAME);
	assert_int_equal(why.status, STATUS_OBJECT_NAME_COLLISION);
}

static void unsafe_names_are_refused(void **state)
{
	struct manifest m auto_manifest = { 0 };
	struct content_failure why = { 0 };

	assert_false(manifest_add(&m, "../up", 0, 0, hash_a, &why));
	assert_int_equal(why.problem, CONTENT_BAD_NAME);
	assert_string_equal(why.path, "../up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_comes_back_in_order),
		cmocka_unit_test(every_shortened_manifest_is_refused),
		cmocka_unit_test(a_manifest_that_ends_late_is_refused),
		cmocka_unit_test(counts_that_the_bytes_cannot_hold_cost_no_memory),
		cmocka_unit_test(names_that_clash_are_refused),
		cmocka_unit_test(unsafe_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
