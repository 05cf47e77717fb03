// SPDX-License-Identifier: Apache-2.0
/* Signing and sealing are done for every message: they must not allocate once a key is set. */
#include "vectors.h"

#include <crypto/crypto.h>
#include <openssl/crypto.h>

static unsigned allocations;

static void *counted_malloc(size_t size, const char *file, int line)
{
	allocations++;
	return malloc(size);
}

static void *counted_realloc(void *p, size_t size, const char *file, int line)
{
	allocations++;
	return realloc(p, size);
}

static void plain_free(void *p, const char *file, int line)
{
	free(p);
}

static void a_message_is_signed_without_an_allocation(void **state)
{
	static const enum sign_algorithm all[] = { SIGN_HMAC_SHA256, SIGN_AES_CMAC, SIGN_AES_GMAC };
	static uint8_t key[16] = { 1 }, data[1000];
	struct iovec part = { data, sizeof(data) };
	uint8_t signature[16];

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct signer *s = signer_new(all[i], key);
		unsigned before = allocations;

		for (uint64_t id = 0; id < 4; id++)
			assert_true(signer_sign(s, &part, 1, id, false, false, signature));
		assert_int_equal(allocations, before);
		signer_free(s);
	}
}

static void a_message_is_sealed_and_opened_without_an_allocation(void **state)
{
	static uint8_t key[32] = { 1 }, nonce[16], aad[32], data[1000];
	uint8_t tag[16];

	for (enum cipher c = CIPHER_AES_128_CCM; c <= CIPHER_AES_256_GCM; c++) {
		struct sealer *s = sealer_new(c, key);
		unsigned before = allocations;

		assert_int_not_equal(before, 0); /* or nothing is counted at all */
		for (int i = 0; i < 4; i++) {
			assert_true(sealer_seal(s, nonce, aad, 32, data, sizeof(data), tag));
			assert_true(sealer_open(s, nonce, aad, 32, data, sizeof(data), tag));
		}
		assert_int_equal(allocations, before);
		sealer_free(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_signed_without_an_allocation),
		cmocka_unit_test(a_message_is_sealed_and_opened_without_an_allocation),
	};

	if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, plain_free))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
