// SPDX-License-Identifier: Apache-2.0
/* Keys: Ed25519 as RFC 8032 has it, kept where only their owner reads. */
#include <content/key.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_path(void **state)
{
	snprintf(path, sizeof(path), "/tmp/berth-key-%d.pem", (int)getpid());
	return 0;
}

static int remove_path(void **state)
{
	unlink(path);
	return 0;
}

/* RFC 8032 section 7.1, TEST 2. */
static void a_signature_is_the_one_of_the_specification(void **state)
{
	uint8_t seed[32], public_key[32], expected[64], signature[64], got[32];
	const uint8_t message = 0x72;

	assert_true(content_unhex(
		seed, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
	assert_true(
		content_unhex(public_key, 32,
			      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
	assert_true(
		content_unhex(expected, 64,
			      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
			      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
	assert_true(ed25519_public(seed, got));
	assert_memory_equal(got, public_key, 32);
	assert_true(ed25519_sign(seed, &message, 1, signature));
	assert_memory_equal(signature, expected, 64);
	assert_true(ed25519_verify(public_key, &message, 1, signature));
	signature[3] ^= 1;
	assert_false(ed25519_verify(public_key, &message, 1, signature));
}

static void a_saved_key_comes_back_and_is_its_owners_alone(void **state)
{
	struct content_key key, back;
	struct content_failure why = { 0 };
	struct stat st;

	assert_true(content_key_make(&key, &why));
	assert_true(content_key_save(&key, path, &why));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(content_key_load(&back, path, &why));
	assert_string_equal(back.id, key.id);
	assert_memory_equal(back.seed, key.seed, sizeof(key.seed));
}

static void a_key_is_never_overwritten(void **state)
{
	struct content_key key;
	struct content_failure why = { 0 };

	assert_true(content_key_make(&key, &why));
	assert_true(content_key_save(&key, path, &why));
	assert_false(content_key_save(&key, path, &why));
	assert_int_equal(why.status, STATUS_OBJECT_NAME_COLLISION);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct content_key key;
	struct content_failure why = { 0 };

	assert_true(content_key_make(&key, &why));
	assert_true(content_key_save(&key, path, &why));
	assert_int_equal(chmod(path, 0640), 0);
	assert_false(content_key_load(&key, path, &why));
	assert_int_equal(why.problem, CONTENT_UNREADABLE);
}

static void the_public_half_survives_a_document_and_cannot_sign(void **state)
{
	struct content_key key, back;
	struct content_failure why = { 0 };
	uint8_t signature[64];
	json_t *object;

	assert_true(content_key_make(&key, &why));
	object = content_key_to_json(&key);
	assert_true(content_key_from_json(&back, object, &why));
	assert_string_equal(back.id, key.id);
	assert_false(content_key_sign(&back, "x", 1, signature));
	assert_true(content_key_sign(&key, "x", 1, signature));
	assert_true(content_key_verify(&back, "x", 1, signature));
	json_object_set_new(object, "keytype", json_string("rsa"));
	assert_false(content_key_from_json(&back, object, &why));
	json_decref(object);
}

#define KEY_TEST(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_the_one_of_the_specification),
		KEY_TEST(a_saved_key_comes_back_and_is_its_owners_alone),
		KEY_TEST(a_key_is_never_overwritten),
		KEY_TEST(a_key_that_others_may_read_is_refused),
		cmocka_unit_test(the_public_half_survives_a_document_and_cannot_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
