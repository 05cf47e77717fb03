// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <crypto/crypto.h>

static void md4_gives_the_values_of_rfc_1320(void **state)
{
	static const struct {
		const char *text, *hash;
	} rows[] = {
		{ "", "31d6cfe0d16ae931b73c59d7e0c089c0" },
		{ "a", "bde52cb31de33e46245e05fbdbd6fb24" },
		{ "abc", "a448017aaf21d8525fc10ae87aa6729d" },
		{ "message digest", "d9130a8164549fe818874806e1c7014b" },
		{ "abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		  "043f8582f241db351ce627e153e7f0e4" },
		{ "123456789012345678901234567890123456789012345678901234567890123456789012345678"
		  "90",
		  "e33b4ddc9c38f2199c3e7b164fcc0536" },
	};
	uint8_t out[16];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(hash_md4(rows[i].text, strlen(rows[i].text), out));
		assert_hex(out, rows[i].hash);
	}
}

static void rc4_gives_the_values_of_rfc_6229(void **state)
{
	struct bytes key = hex("0102030405060708090a0b0c0d0e0f10");
	uint8_t stream[256] = { 0 };

	assert_true(rc4_apply(key.data, key.length, stream, sizeof(stream)));
	assert_hex(stream, "9ac7cc9a609d1ef7b2932899cde41b97");
	assert_hex(stream + 240, "065902e4b620f6cc36c8589f66432f2b");
	assert_false(rc4_apply(key.data, 0, stream, sizeof(stream)));
}

static void hmac_gives_the_values_of_rfc_2202_and_rfc_4231(void **state)
{
	struct bytes key = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	struct bytes long_key = { .length = 131 };
	char hi[] = "Hi There";
	char large[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	struct iovec parts[] = { { hi, 3 }, { NULL, 0 }, { hi + 3, 5 } };
	struct iovec part = { large, strlen(large) };
	uint8_t out[32];

	assert_true(hmac_md5(key.data, 16, parts, 3, out));
	assert_hex(out, "9294727a3638bb1c13f48ef8158bfc9d");
	assert_true(hmac_sha256(key.data, 20, parts, 3, out));
	assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(long_key.data, 0xaa, long_key.length);
	assert_true(hmac_sha256(long_key.data, long_key.length, &part, 1, out));
	assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The values were published by Microsoft with an explanation of SMB 3 keys. */
static void the_keys_of_a_session_derive_as_published(void **state)
{
	struct bytes key30 = hex("7cd451825d0450d235424e44ba6e78cc");
	struct bytes key311 = hex("270e1ba896585eeb7af3472d3b4c75a7");
	struct bytes preauth =
		hex("0dd13628cc3ed218ef9df9772d436d0887ab9814bfae63a80aa845f36909db79"
		    "28622dddad522d9751640a459762c5a9d6bb084cbb3ce6bdadef5d5bce3c6c01");
	uint8_t out[16];

	assert_true(kdf_sp800_108(key30.data, 16, "SMB2AESCMAC", 12, "SmbSign", 8, out, 16));
	assert_hex(out, "0b7e9c5cac36c0f6ea9ab275298cedce");
	assert_true(kdf_sp800_108(key311.data, 16, "SMBSigningKey", 14, preauth.data, 64, out, 16));
	assert_hex(out, "73fe7a9a77bef0bde49c650d8ccb5f76");
}

static void a_derived_key_longer_than_one_block_begins_with_the_counter_at_one(void **state)
{
	struct bytes key = hex("270e1ba896585eeb7af3472d3b4c75a7");
	uint8_t first[4 + 2 + 1 + 2 + 4] = { 0, 0, 0, 1, 'L', 0, 0, 'C', 0, 0, 0, 1, 0x40 };
	uint8_t second[sizeof(first)];
	struct iovec part = { first, sizeof(first) };
	uint8_t out[40], block[32];

	assert_true(kdf_sp800_108(key.data, 16, "L", 2, "C", 2, out, sizeof(out)));
	assert_true(hmac_sha256(key.data, 16, &part, 1, block));
	assert_memory_equal(out, block, 32);
	memcpy(second, first, sizeof(first));
	second[3] = 2;
	part.iov_base = second;
	assert_true(hmac_sha256(key.data, 16, &part, 1, block));
	assert_memory_equal(out + 32, block, 8);
}

static void pre_authentication_integrity_chains_sha512(void **state)
{
	uint8_t hash[64] = { 0 };

	/* SHA-512 of 64 zero bytes and "abc". */
	assert_true(sha512_extend(hash, "abc", 3));
	assert_hex(hash, "7682b6b84c6f692545a896ad210299bcc6f74e189d829e165739b11dd83b6f2c"
			 "8cfacf27e812bf064df756d6235ac33c062b89ecb80f8215516dbbb844ce8480");
}

static void secrets_compare_by_content(void **state)
{
	uint8_t a[16] = { 1, 2, 3 }, b[16] = { 1, 2, 3 };

	assert_true(secret_equal(a, b, 16));
	b[15] = 1;
	assert_false(secret_equal(a, b, 16));
	secret_wipe(a, 16);
	memset(b, 0, 16);
	assert_memory_equal(a, b, 16);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(md4_gives_the_values_of_rfc_1320),
		cmocka_unit_test(rc4_gives_the_values_of_rfc_6229),
		cmocka_unit_test(hmac_gives_the_values_of_rfc_2202_and_rfc_4231),
		cmocka_unit_test(the_keys_of_a_session_derive_as_published),
		cmocka_unit_test(
			a_derived_key_longer_than_one_block_begins_with_the_counter_at_one),
		cmocka_unit_test(pre_authentication_integrity_chains_sha512),
		cmocka_unit_test(secrets_compare_by_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
