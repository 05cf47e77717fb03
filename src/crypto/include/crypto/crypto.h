// SPDX-License-Identifier: Apache-2.0
/*
 * What SMB2 needs of cryptography, on OpenSSL 3. Keys are held in prepared contexts, so that no
 * message pays for a key schedule. A context is used by one thread at a time.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <base/base.h>
#include <sys/uio.h>

/* Signing algorithms (MS-SMB2 2.2.3.1.7). */
enum sign_algorithm { SIGN_HMAC_SHA256 = 0, SIGN_AES_CMAC = 1, SIGN_AES_GMAC = 2 };
/* Ciphers (MS-SMB2 2.2.3.1.2). */
enum cipher {
	CIPHER_NONE = 0,
	CIPHER_AES_128_CCM = 1,
	CIPHER_AES_128_GCM = 2,
	CIPHER_AES_256_CCM = 3,
	CIPHER_AES_256_GCM = 4,
};

struct signer;
struct sealer;

/* signer_new - a context that signs with @key (16 bytes); NULL where memory is short. */
struct signer *signer_new(enum sign_algorithm algorithm, const uint8_t key[16]);
void signer_free(struct signer *s);
/*
 * signer_sign - the 16-byte signature of one message (its Signature field already zero), given in
 * parts. GMAC derives its nonce from @message_id, and @is_response and @is_cancel
 * (MS-SMB2 3.1.4.1).
 */
bool signer_sign(struct signer *s, const struct iovec *parts, int count, uint64_t message_id,
		 bool is_response, bool is_cancel, uint8_t signature[16]) MUST_CHECK;

/* sealer_new - @key is 16 or 32 bytes by cipher. One sealer encrypts or decrypts, either, by call.
 */
struct sealer *sealer_new(enum cipher cipher, const uint8_t *key);
void sealer_free(struct sealer *s);
/* sealer_nonce_length - how many of the 16 Nonce bytes of the transform header the cipher takes. */
size_t sealer_nonce_length(enum cipher cipher);
/*
 * sealer_seal - encrypt @data in place; @aad is the transform header from its Nonce field on
 * (32 bytes), @tag its Signature. sealer_open - the reverse, false where the tag is wrong.
 */
bool sealer_seal(struct sealer *s, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
		 uint8_t *data, size_t length, uint8_t tag[16]) MUST_CHECK;
bool sealer_open(struct sealer *s, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
		 uint8_t *data, size_t length, const uint8_t tag[16]) MUST_CHECK;

/*
 * kdf_sp800_108 - counter-mode derivation with HMAC-SHA256 (MS-SMB2 3.1.4.2); @label and @context
 * with the lengths that the specification counts, terminating NUL included where it says so.
 */
bool kdf_sp800_108(const uint8_t *key, size_t key_length, const void *label, size_t label_length,
		   const void *context, size_t context_length, uint8_t *out,
		   size_t out_length) MUST_CHECK;

/* sha512_extend - hash = SHA-512(hash || message), for pre-authentication integrity. */
bool sha512_extend(uint8_t hash[64], const void *message, size_t length) MUST_CHECK;

bool hash_md4(const void *data, size_t length,
	      uint8_t out[16]) MUST_CHECK; /* own code: MD4 left OpenSSL */
bool hash_md5(const void *data, size_t length, uint8_t out[16]) MUST_CHECK;
bool hash_sha256(const void *data, size_t length, uint8_t out[32]) MUST_CHECK;
bool hmac_md5(const uint8_t *key, size_t key_length, const struct iovec *parts, int count,
	      uint8_t out[16]) MUST_CHECK;
bool hmac_sha256(const uint8_t *key, size_t key_length, const struct iovec *parts, int count,
		 uint8_t out[32]) MUST_CHECK;
bool rc4_apply(const uint8_t *key, size_t key_length, uint8_t *data, size_t length) MUST_CHECK;
/* secret_equal - compare without telling by time where they differ. */
bool secret_equal(const void *a, const void *b, size_t length);
/* secret_wipe - clear so that the compiler does not leave it out. */
void secret_wipe(void *data, size_t length);

#endif
