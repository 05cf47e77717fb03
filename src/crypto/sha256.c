// SPDX-License-Identifier: Apache-2.0
/* SHA-256 in parts, on OpenSSL. */
#include <crypto/sha256.h>

#include <openssl/evp.h>

struct sha256 {
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *hash = xalloc(1, sizeof(*hash));

	hash->ctx = EVP_MD_CTX_new();
	if (hash->ctx && EVP_DigestInit_ex(hash->ctx, EVP_sha256(), NULL) == 1)
		return hash;
	sha256_free(hash);
	return NULL;
}

void sha256_free(struct sha256 *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->ctx);
	free(hash);
}

bool sha256_update(struct sha256 *hash, const void *data, size_t length)
{
	return EVP_DigestUpdate(hash->ctx, data, length) == 1;
}

bool sha256_final(struct sha256 *hash, uint8_t out[SHA256_LENGTH])
{
	return EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1 &&
	       EVP_DigestInit_ex(hash->ctx, NULL, NULL) == 1;
}
