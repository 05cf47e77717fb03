// SPDX-License-Identifier: Apache-2.0
/* Ed25519 on OpenSSL. */
#include <crypto/ed25519.h>

#include <crypto/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static void pkey_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
#define auto_pkey cleanup(pkey_free)

static void md_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}
#define auto_md cleanup(md_free)

static void bio_free(BIO **bio)
{
	BIO_free(*bio);
}
#define auto_bio cleanup(bio_free)

static EVP_PKEY *private_of(const uint8_t seed[ED25519_KEY_LENGTH])
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY_LENGTH);
}

bool ed25519_public(const uint8_t seed[ED25519_KEY_LENGTH], uint8_t public_key[ED25519_KEY_LENGTH])
{
	EVP_PKEY *key auto_pkey = private_of(seed);
	size_t length = ED25519_KEY_LENGTH;

	return key && EVP_PKEY_get_raw_public_key(key, public_key, &length) == 1 &&
	       length == ED25519_KEY_LENGTH;
}

bool ed25519_sign(const uint8_t seed[ED25519_KEY_LENGTH], const void *data, size_t length,
		  uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	EVP_PKEY *key auto_pkey = private_of(seed);
	EVP_MD_CTX *ctx auto_md = EVP_MD_CTX_new();
	size_t out = ED25519_SIGNATURE_LENGTH;

	return key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(ctx, signature, &out, data, length) == 1 &&
	       out == ED25519_SIGNATURE_LENGTH;
}

bool ed25519_verify(const uint8_t public_key[ED25519_KEY_LENGTH], const void *data, size_t length,
		    const uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	EVP_PKEY *key auto_pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ED25519_KEY_LENGTH);
	EVP_MD_CTX *ctx auto_md = EVP_MD_CTX_new();

	return key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_LENGTH, data, length) == 1;
}

bool ed25519_pem_write(const uint8_t seed[ED25519_KEY_LENGTH], struct buf *out)
{
	EVP_PKEY *key auto_pkey = private_of(seed);
	BIO *bio auto_bio = BIO_new(BIO_s_secmem());
	char *text;
	long length;

	if (!key || !bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return false;
	length = BIO_get_mem_data(bio, &text);
	buf_bytes(out, text, (size_t)length);
	return !out->failed;
}

/* A key that wants a pass phrase is not ours: nobody is asked on a terminal. */
static int no_pass_phrase(char *room, int size, int writing, void *unused)
{
	return 0;
}

bool ed25519_pem_read(const void *text, size_t length, uint8_t seed[ED25519_KEY_LENGTH])
{
	BIO *bio auto_bio = length <= INT32_MAX ? BIO_new_mem_buf(text, (int)length) : NULL;
	EVP_PKEY *key auto_pkey = NULL;
	size_t out = ED25519_KEY_LENGTH;

	if (!bio)
		return false;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
	       EVP_PKEY_get_raw_private_key(key, seed, &out) == 1 && out == ED25519_KEY_LENGTH;
}
