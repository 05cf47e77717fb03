// SPDX-License-Identifier: Apache-2.0
/* The example of MS-NLMP 4.2.4: User, Domain, Password, and fixed challenges. */
#include "vectors.h"

#include <crypto/ntlm.h>

static const char blob[] =
	"01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
	"02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"
	"00000000";

static void the_ntlmv2_keys_are_those_of_the_example(void **state)
{
	struct bytes challenge = hex("0123456789abcdef"), temp = hex(blob);
	uint8_t nt[16], owf[16], proof[16], key[16], random[16];

	assert_true(ntlm_nt_hash("Password", nt));
	assert_hex(nt, "a4f49c406510bdcab6824ee7c30fd852");
	assert_true(ntlm_owf_v2(nt, "User", "Domain", owf));
	assert_hex(owf, "0c868a403bfd7a93a3001ef22ef02e3f");
	assert_true(ntlm_v2_proof(owf, challenge.data, temp.data, temp.length, proof));
	assert_hex(proof, "68cd0ab851e51c96aabc927bebef6a1c");
	assert_true(ntlm_v2_base_key(owf, proof, key));
	assert_hex(key, "8de40ccadbc14a82f15cb0ad0de95ca3");
	memset(random, 0x55, sizeof(random));
	assert_true(rc4_apply(key, sizeof(key), random, sizeof(random)));
	assert_hex(random, "c5dad2544fc9799094ce1ce90bc9d03e");
}

static void the_user_is_folded_and_the_domain_is_not(void **state)
{
	uint8_t nt[16], a[16], b[16];

	assert_true(ntlm_nt_hash("Password", nt));
	assert_true(ntlm_owf_v2(nt, "USER", "Domain", a));
	assert_true(ntlm_owf_v2(nt, "uSer", "Domain", b));
	assert_memory_equal(a, b, 16);
	assert_true(ntlm_owf_v2(nt, "User", "DOMAIN", b));
	assert_memory_not_equal(a, b, 16);
}

/*
 * The example wraps "Plaintext" first, so that its checksum meets the RC4 stream later; the bare
 * checksum is the example's, and here it meets the stream at its beginning.
 */
static void a_signature_is_the_checksum_of_the_example(void **state)
{
	struct bytes text = hex("50006c00610069006e007400650078007400");
	struct bytes seal = hex("59f600973cc4960a25480a7c196e4c58");
	struct ntlm_sign_options options = { .from_client = true, .seal_bits = 128 };
	uint8_t key[16], signature[16], checksum[8];

	memset(key, 0x55, sizeof(key));
	assert_true(ntlm_sign(key, &options, text.data, text.length, signature));
	assert_hex(signature, "0100000070352851f256430900000000");
	memcpy(checksum, signature + 4, 8);
	assert_true(rc4_apply(seal.data, seal.length, checksum, 8));
	options.key_exchange = true;
	assert_true(ntlm_sign(key, &options, text.data, text.length, signature));
	assert_memory_equal(signature + 4, checksum, 8);
}

static void each_direction_and_strength_signs_in_its_own_way(void **state)
{
	static const struct ntlm_sign_options options[] = {
		{ true, true, 128 }, { false, true, 128 }, { true, true, 56 },
		{ true, true, 40 },  { true, false, 128 }, { false, false, 128 },
	};
	uint8_t key[16] = { 1 }, signature[ARRAY_LEN(options)][16];

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		assert_true(ntlm_sign(key, &options[i], "x", 1, signature[i]));
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(signature[i], signature[j], 16);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ntlmv2_keys_are_those_of_the_example),
		cmocka_unit_test(the_user_is_folded_and_the_domain_is_not),
		cmocka_unit_test(a_signature_is_the_checksum_of_the_example),
		cmocka_unit_test(each_direction_and_strength_signs_in_its_own_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
