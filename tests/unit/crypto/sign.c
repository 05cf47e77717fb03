// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <crypto/crypto.h>

static const char rfc4493_key[] = "2b7e151628aed2a6abf7158809cf4f3c";
static const char rfc4493_message[] =
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

static void cmac_gives_the_values_of_rfc_4493(void **state)
{
	static const struct {
		size_t length;
		const char *mac;
	} rows[] = {
		{ 0, "bb1d6929e95937287fa37d129b756746" },
		{ 16, "070a16b46b4d4144f79bdd9dd04a287c" },
		{ 40, "dfa66747de9ae63030ca32611497c827" },
		{ 64, "51f0bebf7e3b9d92fc49741779363cfe" },
	};
	struct bytes key = hex(rfc4493_key), message = hex(rfc4493_message);
	struct signer *s = signer_new(SIGN_AES_CMAC, key.data);
	uint8_t mac[16];

	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct iovec part = { message.data, rows[i].length };

		assert_true(signer_sign(s, &part, 1, 0, false, false, mac));
		assert_hex(mac, rows[i].mac);
	}
	signer_free(s);
}

static void a_message_signs_alike_however_it_is_cut_into_parts(void **state)
{
	static const enum sign_algorithm all[] = { SIGN_HMAC_SHA256, SIGN_AES_CMAC, SIGN_AES_GMAC };
	struct bytes key = hex(rfc4493_key), message = hex(rfc4493_message);
	uint8_t whole[16], parted[16];

	for (size_t a = 0; a < ARRAY_LEN(all); a++) {
		struct signer *s = signer_new(all[a], key.data);

		assert_non_null(s);
		for (size_t i = 0; i <= 64; i++) {
			for (size_t j = i; j <= 64; j++) {
				struct iovec one = { message.data, 64 };
				struct iovec three[] = { { message.data, i },
							 { message.data + i, j - i },
							 { message.data + j, 64 - j } };

				assert_true(signer_sign(s, &one, 1, 7, false, false, whole));
				assert_true(signer_sign(s, three, 3, 7, false, false, parted));
				assert_memory_equal(whole, parted, 16);
			}
		}
		signer_free(s);
	}
}

/* Computed block by block with another implementation of AES over (i * 7 + 3) mod 256. */
static void cmac_of_more_than_its_scratch_buffer_is_right(void **state)
{
	struct bytes key = hex(rfc4493_key);
	struct signer *s = signer_new(SIGN_AES_CMAC, key.data);
	struct signer *again = signer_new(SIGN_AES_CMAC, key.data);
	size_t length = 10001;
	uint8_t *data = xalloc(length, 1);
	struct iovec one = { data, length };
	struct iovec *bytewise = xalloc(length, sizeof(*bytewise));
	uint8_t whole[16], parted[16];

	for (size_t i = 0; i < length; i++) {
		data[i] = (uint8_t)(i * 7 + 3);
		bytewise[i] = (struct iovec){ data + i, 1 };
	}
	assert_true(signer_sign(s, &one, 1, 0, false, false, whole));
	assert_true(signer_sign(again, bytewise, (int)length, 0, false, false, parted));
	assert_memory_equal(whole, parted, 16);
	assert_hex(whole, "a1b1c86726bf6c0ef676daba709cad0d");
	free(bytewise);
	free(data);
	signer_free(again);
	signer_free(s);
}

static void hmac_sha256_signs_with_the_first_half_of_the_mac(void **state)
{
	struct bytes key = hex(rfc4493_key), message = hex(rfc4493_message);
	struct signer *s = signer_new(SIGN_HMAC_SHA256, key.data);
	struct iovec part = { message.data, message.length };
	uint8_t signature[16], mac[32];

	assert_non_null(s);
	assert_true(hmac_sha256(key.data, 16, &part, 1, mac));
	for (int i = 0; i < 2; i++) {
		assert_true(signer_sign(s, &part, 1, 0, false, false, signature));
		assert_memory_equal(signature, mac, 16);
	}
	signer_free(s);
}

static void gmac_takes_its_nonce_from_message_id_and_direction(void **state)
{
	static const struct {
		uint64_t message_id;
		bool is_response, is_cancel;
		const char *nonce;
	} rows[] = {
		{ 0, false, false, "000000000000000000000000" },
		{ 0x1122334455667788, false, false, "887766554433221100000000" },
		{ 5, true, false, "050000000000000001000000" },
		{ 5, false, true, "050000000000000002000000" },
	};
	struct bytes key = hex(rfc4493_key), message = hex(rfc4493_message);
	struct signer *s = signer_new(SIGN_AES_GMAC, key.data);
	struct sealer *gcm = sealer_new(CIPHER_AES_128_GCM, key.data);
	struct iovec part = { message.data, message.length };
	uint8_t signature[16], tag[16], nothing[1];

	assert_non_null(s);
	assert_non_null(gcm);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes nonce = hex(rows[i].nonce);

		assert_true(signer_sign(s, &part, 1, rows[i].message_id, rows[i].is_response,
					rows[i].is_cancel, signature));
		assert_true(sealer_seal(gcm, nonce.data, message.data, message.length, nothing, 0,
					tag));
		assert_memory_equal(signature, tag, 16);
	}
	sealer_free(gcm);
	signer_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmac_gives_the_values_of_rfc_4493),
		cmocka_unit_test(a_message_signs_alike_however_it_is_cut_into_parts),
		cmocka_unit_test(cmac_of_more_than_its_scratch_buffer_is_right),
		cmocka_unit_test(hmac_sha256_signs_with_the_first_half_of_the_mac),
		cmocka_unit_test(gmac_takes_its_nonce_from_message_id_and_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
