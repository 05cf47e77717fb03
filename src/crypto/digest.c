// SPDX-License-Identifier: Apache-2.0
/* Digests, HMAC of a message in parts, and what is derived with them. */
#include "digest.h"

#include <openssl/crypto.h>

static void md_ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}
#define auto_md_ctx cleanup(md_ctx_free)

static void hmac_key_wipe(struct hmac_key *k)
{
	secret_wipe(k, sizeof(*k));
}

bool hmac_key_set(struct hmac_key *k, const EVP_MD *md, const uint8_t *key, size_t length)
{
	uint8_t block[HMAC_BLOCK] = { 0 };

	if (length > sizeof(block)) {
		if (!EVP_Digest(key, length, block, NULL, md, NULL))
			return false;
	} else if (length) {
		memcpy(block, key, length);
	}
	for (size_t i = 0; i < sizeof(block); i++) {
		k->inner[i] = block[i] ^ 0x36;
		k->outer[i] = block[i] ^ 0x5c;
	}
	secret_wipe(block, sizeof(block));
	return true;
}

static bool hmac_run(EVP_MD_CTX *ctx, const struct hmac_key *k, const struct iovec *parts,
		     int count, uint8_t *out)
{
	uint8_t inner[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!EVP_DigestInit_ex(ctx, NULL, NULL) ||
	    !EVP_DigestUpdate(ctx, k->inner, sizeof(k->inner)))
		return false;
	for (int i = 0; i < count; i++)
		if (parts[i].iov_len && !EVP_DigestUpdate(ctx, parts[i].iov_base, parts[i].iov_len))
			return false;
	return EVP_DigestFinal_ex(ctx, inner, &length) && EVP_DigestInit_ex(ctx, NULL, NULL) &&
	       EVP_DigestUpdate(ctx, k->outer, sizeof(k->outer)) &&
	       EVP_DigestUpdate(ctx, inner, length) && EVP_DigestFinal_ex(ctx, out, &length);
}

static bool hmac_once(const EVP_MD *md, const uint8_t *key, size_t key_length,
		      const struct iovec *parts, int count, uint8_t *out)
{
	EVP_MD_CTX *ctx auto_md_ctx = EVP_MD_CTX_new();
	struct hmac_key k cleanup(hmac_key_wipe);

	return ctx && hmac_key_set(&k, md, key, key_length) && EVP_DigestInit_ex(ctx, md, NULL) &&
	       hmac_run(ctx, &k, parts, count, out);
}

bool hmac_md5(const uint8_t *key, size_t key_length, const struct iovec *parts, int count,
	      uint8_t out[16])
{
	return hmac_once(EVP_md5(), key, key_length, parts, count, out);
}

bool hmac_sha256(const uint8_t *key, size_t key_length, const struct iovec *parts, int count,
		 uint8_t out[32])
{
	return hmac_once(EVP_sha256(), key, key_length, parts, count, out);
}

bool hash_md5(const void *data, size_t length, uint8_t out[16])
{
	return EVP_Digest(data, length, out, NULL, EVP_md5(), NULL);
}

bool hash_sha256(const void *data, size_t length, uint8_t out[32])
{
	return EVP_Digest(data, length, out, NULL, EVP_sha256(), NULL);
}

bool sha512_extend(uint8_t hash[64], const void *message, size_t length)
{
	EVP_MD_CTX *ctx auto_md_ctx = EVP_MD_CTX_new();

	return ctx && EVP_DigestInit_ex(ctx, EVP_sha512(), NULL) &&
	       EVP_DigestUpdate(ctx, hash, 64) && EVP_DigestUpdate(ctx, message, length) &&
	       EVP_DigestFinal_ex(ctx, hash, NULL);
}

static void put_u32be(uint8_t to[4], uint32_t v)
{
	to[0] = (uint8_t)(v >> 24);
	to[1] = (uint8_t)(v >> 16);
	to[2] = (uint8_t)(v >> 8);
	to[3] = (uint8_t)v;
}

bool kdf_sp800_108(const uint8_t *key, size_t key_length, const void *label, size_t label_length,
		   const void *context, size_t context_length, uint8_t *out, size_t out_length)
{
	uint8_t counter[4], bits[4], block[32], separator = 0;
	const struct iovec parts[] = {
		{ counter, sizeof(counter) },
		{ (void *)(uintptr_t)label, label_length },
		{ &separator, 1 },
		{ (void *)(uintptr_t)context, context_length },
		{ bits, sizeof(bits) },
	};
	bool ok = true;

	put_u32be(bits, (uint32_t)out_length * 8);
	for (uint32_t i = 1; ok && out_length; i++) {
		size_t n = min_u64(out_length, sizeof(block));

		put_u32be(counter, i);
		ok = hmac_sha256(key, key_length, parts, ARRAY_LEN(parts), block);
		memcpy(out, block, n);
		out += n;
		out_length -= n;
	}
	secret_wipe(block, sizeof(block));
	return ok;
}

bool secret_equal(const void *a, const void *b, size_t length)
{
	return !CRYPTO_memcmp(a, b, length);
}

void secret_wipe(void *data, size_t length)
{
	OPENSSL_cleanse(data, length);
}
