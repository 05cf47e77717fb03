// SPDX-License-Identifier: Apache-2.0
/*
 * Encryption of SMB2 messages (MS-SMB2 3.1.4.3): AES-CCM and AES-GCM, with the key schedules made
 * once and the data changed in place. A sealer is used by one thread at a time.
 */
#include <crypto/crypto.h>

#include <limits.h>
#include <openssl/evp.h>

#define TAG_LENGTH 16

struct sealer {
	bool is_ccm;
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

static const struct {
	const EVP_CIPHER *(*cipher)(void);
	uint8_t nonce_length;
	bool is_ccm;
} ciphers[] = {
	[CIPHER_AES_128_CCM] = { EVP_aes_128_ccm, 11, true },
	[CIPHER_AES_128_GCM] = { EVP_aes_128_gcm, 12, false },
	[CIPHER_AES_256_CCM] = { EVP_aes_256_ccm, 11, true },
	[CIPHER_AES_256_GCM] = { EVP_aes_256_gcm, 12, false },
};

size_t sealer_nonce_length(enum cipher cipher)
{
	BUG_ON((size_t)cipher >= ARRAY_LEN(ciphers));
	return ciphers[cipher].nonce_length;
}

static EVP_CIPHER_CTX *prepare(enum cipher cipher, const uint8_t *key, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool is_ccm = ciphers[cipher].is_ccm;

	if (ctx && EVP_CipherInit_ex(ctx, ciphers[cipher].cipher(), NULL, NULL, NULL, encrypt) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, ciphers[cipher].nonce_length, NULL) &&
	    (!is_ccm || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH, NULL)) &&
	    EVP_CipherInit_ex(ctx, NULL, NULL, key, NULL, encrypt))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

struct sealer *sealer_new(enum cipher cipher, const uint8_t *key)
{
	struct sealer *s;

	BUG_ON(cipher == CIPHER_NONE || (size_t)cipher >= ARRAY_LEN(ciphers));
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->is_ccm = ciphers[cipher].is_ccm;
	s->seal = prepare(cipher, key, true);
	s->open = prepare(cipher, key, false);
	if (!s->seal || !s->open) {
		sealer_free(s);
		return NULL;
	}
	return s;
}

void sealer_free(struct sealer *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->seal);
	EVP_CIPHER_CTX_free(s->open);
	free(s);
}

/* feed - announce the length where CCM wants it, then the authenticated part. */
static bool feed(struct sealer *s, EVP_CIPHER_CTX *ctx, const uint8_t *aad, size_t aad_length,
		 size_t length)
{
	int n;

	if (aad_length > INT_MAX || length > INT_MAX)
		return false;
	if (s->is_ccm && EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)length) <= 0)
		return false;
	return !aad_length || EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_length) > 0;
}

bool sealer_seal(struct sealer *s, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
		 uint8_t *data, size_t length, uint8_t tag[16])
{
	uint8_t none[TAG_LENGTH];
	int n;

	return EVP_CipherInit_ex(s->seal, NULL, NULL, NULL, nonce, 1) &&
	       feed(s, s->seal, aad, aad_length, length) &&
	       EVP_CipherUpdate(s->seal, data, &n, data, (int)length) > 0 &&
	       EVP_CipherFinal_ex(s->seal, none, &n) > 0 &&
	       EVP_CIPHER_CTX_ctrl(s->seal, EVP_CTRL_AEAD_GET_TAG, TAG_LENGTH, tag) > 0;
}

bool sealer_open(struct sealer *s, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
		 uint8_t *data, size_t length, const uint8_t tag[16])
{
	uint8_t expected[TAG_LENGTH];
	int n;

	memcpy(expected, tag, TAG_LENGTH);
	if (!EVP_CIPHER_CTX_ctrl(s->open, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH, expected) ||
	    !EVP_CipherInit_ex(s->open, NULL, NULL, NULL, nonce, 0) ||
	    !feed(s, s->open, aad, aad_length, length) ||
	    EVP_CipherUpdate(s->open, data, &n, data, (int)length) <= 0)
		return false;
	/* CCM has checked the tag already, where the data was decrypted. */
	return s->is_ccm || EVP_CipherFinal_ex(s->open, expected, &n) > 0;
}
