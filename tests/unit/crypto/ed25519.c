// SPDX-License-Identifier: Apache-2.0
/* Ed25519 and SHA-256 against the examples of RFC 8032 (7.1), RFC 8410 (10.3) and FIPS 180-4,
 * whichever library is below. */
#include <crypto/crypto.h>
#include <crypto/ed25519.h>
#include <crypto/sha256.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
	const char *seed, *public_key, *message, *signature;
} vectors[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39"
	  "701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36"
	  "13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
};

/* RFC 8410, 10.3. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
			  "-----END PRIVATE KEY-----\n";
static const char pem_seed[] = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";

static size_t from_hex(const char *text, uint8_t *out)
{
	size_t length = strlen(text) / 2;

	for (size_t i = 0; i < length; i++) {
		unsigned value;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
		out[i] = (uint8_t)value;
	}
	return length;
}

static void keys_and_signatures_are_those_of_the_examples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t seed[32], wanted[32], key[32], message[8], good[64], made[64];
		size_t length = from_hex(vectors[i].message, message);

		from_hex(vectors[i].seed, seed);
		from_hex(vectors[i].public_key, wanted);
		from_hex(vectors[i].signature, good);
		assert_true(ed25519_public(seed, key));
		assert_memory_equal(key, wanted, sizeof(key));
		assert_true(ed25519_sign(seed, message, length, made));
		assert_memory_equal(made, good, sizeof(made));
		assert_true(ed25519_verify(key, message, length, good));
	}
}

static void a_signature_is_refused_where_any_bit_differs(void **state)
{
	uint8_t key[32], message[8], signature[64];
	size_t length = from_hex(vectors[1].message, message);

	from_hex(vectors[1].public_key, key);
	from_hex(vectors[1].signature, signature);
	for (size_t bit = 0; bit < 512; bit += 7) {
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(ed25519_verify(key, message, length, signature));
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	message[0] ^= 1;
	assert_false(ed25519_verify(key, message, length, signature));
	message[0] ^= 1;
	key[3] ^= 1;
	assert_false(ed25519_verify(key, message, length, signature));
}

/* RFC 8032, 5.1.7: S is below the order of the group, or there are two signatures of one. */
static void a_signature_with_the_order_added_is_refused(void **state)
{
	static const char order[] =
		"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
	uint8_t key[32], message[8], signature[64], add[32];
	size_t length = from_hex(vectors[1].message, message);
	unsigned carry = 0;

	from_hex(vectors[1].public_key, key);
	from_hex(vectors[1].signature, signature);
	from_hex(order, add);
	for (size_t i = 0; i < 32; i++) {
		carry += signature[32 + i] + add[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_false(ed25519_verify(key, message, length, signature));
}

static void a_key_in_pem_is_read_and_written(void **state)
{
	auto_buf struct buf out = { 0 };
	uint8_t seed[32], wanted[32];

	from_hex(pem_seed, wanted);
	assert_true(ed25519_pem_read(pem, strlen(pem), seed));
	assert_memory_equal(seed, wanted, sizeof(seed));
	assert_true(ed25519_pem_write(seed, &out));
	assert_int_equal(out.len, strlen(pem));
	assert_memory_equal(out.data, pem, out.len);
}

static void what_is_no_key_in_pem_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\n"
		"-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
		"-----END PRIVATE KEY-----\n",
	};
	uint8_t seed[32];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(ed25519_pem_read(bad[i], strlen(bad[i]), seed));
}

static void a_hash_in_parts_is_that_of_the_whole(void **state)
{
	uint8_t wanted[32], whole[32], parts[32];
	struct sha256 *hash auto_sha256 = sha256_new();

	from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", wanted);
	assert_true(hash_sha256("abc", 3, whole));
	assert_memory_equal(whole, wanted, sizeof(whole));
	for (unsigned round = 0; round < 2; round++) {
		assert_true(sha256_update(hash, "a", 1) && sha256_update(hash, "bc", 2));
		assert_true(sha256_final(hash, parts));
		assert_memory_equal(parts, wanted, sizeof(parts));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_signatures_are_those_of_the_examples),
		cmocka_unit_test(a_signature_is_refused_where_any_bit_differs),
		cmocka_unit_test(a_signature_with_the_order_added_is_refused),
		cmocka_unit_test(a_key_in_pem_is_read_and_written),
		cmocka_unit_test(what_is_no_key_in_pem_is_refused),
		cmocka_unit_test(a_hash_in_parts_is_that_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
