// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <crypto/crypto.h>

#define GCM_KEY	  "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD	  "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                                                  \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                         \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"

/* GCM: the cases 4 and 16 of the submission to NIST. CCM: RFC 3610 computed by another program. */
static const struct row {
	enum cipher cipher;
	const char *key, *nonce, *aad, *plain, *sealed, *tag;
} rows[] = {
	{ CIPHER_AES_128_GCM, GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	  "5bc94fbc3221a5db94fae95ae7121a47" },
	{ CIPHER_AES_256_GCM, GCM_KEY GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	  "76fc6ece0f4e1768cddf8853bb2d551b" },
	{ CIPHER_AES_128_CCM, GCM_KEY, "cafebabefacedbaddecaf8", GCM_AAD, GCM_PLAIN,
	  "f3e0224c5eeabc4289605a86b326fd895c6653f85113abfef4a2147cef2421a8"
	  "82ae3673791366d2d2f510f5191b996a20206a7d6d288c29ce4ed41e",
	  "3d7054f91a29bd54c3961d4c5fd2bee5" },
	{ CIPHER_AES_256_CCM, GCM_KEY GCM_KEY, "cafebabefacedbaddecaf8", GCM_AAD, GCM_PLAIN,
	  "22c889c05709e49738aa7f8f9509a9a38d688b0ba7f4a0f67cfbecf9f06c0903"
	  "1c56f86d6533bc803719396208f019b1a391e9c1e66eda163d4af1d5",
	  "75830dfe36b98b1eb7c7365b6d4331f5" },
};

static void sealing_gives_the_published_text_and_tag_and_opens_again(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct bytes key = hex(r->key), nonce = hex(r->nonce), aad = hex(r->aad);
		struct bytes data = hex(r->plain);
		struct sealer *s = sealer_new(r->cipher, key.data);
		uint8_t tag[16];

		assert_non_null(s);
		assert_int_equal(sealer_nonce_length(r->cipher), nonce.length);
		for (int again = 0; again < 2; again++) {
			assert_true(sealer_seal(s, nonce.data, aad.data, aad.length, data.data,
						data.length, tag));
			assert_hex(data.data, r->sealed);
			assert_hex(tag, r->tag);
			assert_true(sealer_open(s, nonce.data, aad.data, aad.length, data.data,
						data.length, tag));
			assert_hex(data.data, r->plain);
		}
		sealer_free(s);
	}
}

/* One bit wrong in the tag, the header or the data is found, and the sealer works on afterwards. */
static void a_changed_bit_anywhere_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct bytes key = hex(r->key), nonce = hex(r->nonce);
		struct sealer *s = sealer_new(r->cipher, key.data);

		assert_non_null(s);
		for (int what = 0; what < 4; what++) {
			struct bytes aad = hex(r->aad), data = hex(r->sealed), tag = hex(r->tag);
			struct bytes *changed[] = { &aad, &data, &tag, NULL };

			if (changed[what])
				changed[what]->data[changed[what]->length - 1] ^= 1;
			assert_int_equal(sealer_open(s, nonce.data, aad.data, aad.length, data.data,
						     data.length, tag.data),
					 !changed[what]);
		}
		sealer_free(s);
	}
}

static void a_large_message_comes_back(void **state)
{
	static const uint8_t key[32] = { 9 }, nonce[16] = { 1 }, aad[32] = { 2 };
	size_t length = 8 * 1024 * 1024 + 5;
	uint8_t *data = xalloc(length, 1);
	uint8_t tag[16];

	for (enum cipher c = CIPHER_AES_128_CCM; c <= CIPHER_AES_256_GCM; c++) {
		struct sealer *s = sealer_new(c, key);

		memset(data, 0x5a, length);
		assert_true(sealer_seal(s, nonce, aad, sizeof(aad), data, length, tag));
		assert_true(sealer_open(s, nonce, aad, sizeof(aad), data, length, tag));
		for (size_t i = 0; i < length; i += 4093)
			assert_int_equal(data[i], 0x5a);
		sealer_free(s);
	}
	free(data);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealing_gives_the_published_text_and_tag_and_opens_again),
		cmocka_unit_test(a_changed_bit_anywhere_is_refused),
		cmocka_unit_test(a_large_message_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
