// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures of SMB2 messages (MS-SMB2 3.1.4.1).
 *
 * A signer is made once for a key; what it holds is set back, never allocated, for each message.
 * AES-CMAC (RFC 4493) is written over AES-CBC: OpenSSL's CMAC calls the cipher once for each block,
 * CBC takes a whole buffer at a time. HMAC is written over the old SHA-256 interface, whose state
 * is a struct to copy: OpenSSL 3's contexts allocate whenever they are set back.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"

#include <openssl/sha.h>

#define AES_BLOCK   16
#define CBC_SCRATCH 4096 /* ciphertext that CMAC throws away, a part at a time */

struct signer {
	enum sign_algorithm algorithm;
	SHA256_CTX inner, outer;	      /* HMAC-SHA256: the padded key is already in */
	EVP_CIPHER_CTX *cipher;		      /* CMAC: AES-128-CBC; GMAC: AES-128-GCM */
	uint8_t k1[AES_BLOCK], k2[AES_BLOCK]; /* the subkeys of CMAC */
};

static const uint8_t zero_block[AES_BLOCK];

/* cmac_double - multiply by x in GF(2^128), most significant bit first (RFC 4493 2.3). */
static void cmac_double(const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK])
{
	uint8_t carry = in[0] >> 7;

	for (int i = 0; i < AES_BLOCK - 1; i++)
		out[i] = (uint8_t)(in[i] << 1 | in[i + 1] >> 7);
	out[AES_BLOCK - 1] = (uint8_t)(in[AES_BLOCK - 1] << 1) ^ (uint8_t)(carry * 0x87);
}

static bool hmac_prepare(struct signer *s, const uint8_t key[16])
{
	struct hmac_key k;
	bool ok = hmac_key_set(&k, EVP_sha256(), key, 16);

	ok = ok && SHA256_Init(&s->inner) && SHA256_Update(&s->inner, k.inner, sizeof(k.inner)) &&
	     SHA256_Init(&s->outer) && SHA256_Update(&s->outer, k.outer, sizeof(k.outer));
	secret_wipe(&k, sizeof(k));
	return ok;
}

static bool cmac_prepare(struct signer *s, const uint8_t key[16])
{
	uint8_t l[AES_BLOCK];
	int n;

	s->cipher = EVP_CIPHER_CTX_new();
	if (!s->cipher || !EVP_EncryptInit_ex(s->cipher, EVP_aes_128_cbc(), NULL, key, zero_block))
		return false;
	EVP_CIPHER_CTX_set_padding(s->cipher, 0);
	if (!EVP_EncryptUpdate(s->cipher, l, &n, zero_block, AES_BLOCK))
		return false;
	cmac_double(l, s->k1);
	cmac_double(s->k1, s->k2);
	secret_wipe(l, sizeof(l));
	return true;
}

static bool gmac_prepare(struct signer *s, const uint8_t key[16])
{
	s->cipher = EVP_CIPHER_CTX_new();
	return s->cipher && EVP_EncryptInit_ex(s->cipher, EVP_aes_128_gcm(), NULL, key, NULL);
}

static bool hmac_sign(struct signer *s, const struct iovec *parts, int count,
		      const uint8_t nonce[12], uint8_t signature[16])
{
	uint8_t mac[SHA256_DIGEST_LENGTH];
	SHA256_CTX hash = s->inner;
	bool ok = true;

	for (int i = 0; i < count; i++)
		ok = ok && SHA256_Update(&hash, parts[i].iov_base, parts[i].iov_len);
	ok = ok && SHA256_Final(mac, &hash);
	hash = s->outer;
	ok = ok && SHA256_Update(&hash, mac, sizeof(mac)) && SHA256_Final(mac, &hash);
	secret_wipe(&hash, sizeof(hash));
	memcpy(signature, mac, 16);
	return ok;
}

/* cmac_blocks - run whole blocks through CBC for the sake of its chaining value. */
static bool cmac_blocks(struct signer *s, const uint8_t *data, size_t length)
{
	uint8_t scratch[CBC_SCRATCH];
	int n;

	while (length) {
		size_t take = min_u64(length, sizeof(scratch));

		if (!EVP_EncryptUpdate(s->cipher, scratch, &n, data, (int)take))
			return false;
		data += take;
		length -= take;
	}
	return true;
}

/*
 * The last block is mixed with a subkey, so @held keeps back the bytes (1 to 16 once there are any)
 * that could turn out to be the last.
 */
static bool cmac_sign(struct signer *s, const struct iovec *parts, int count,
		      const uint8_t nonce[12], uint8_t signature[16])
{
	uint8_t held[AES_BLOCK];
	size_t have = 0;
	int n;

	if (!EVP_EncryptInit_ex(s->cipher, NULL, NULL, NULL, zero_block))
		return false;
	for (int i = 0; i < count; i++) {
		const uint8_t *at = parts[i].iov_base;
		size_t left = parts[i].iov_len;

		while (left) {
			size_t take = min_u64(left, AES_BLOCK - have);
			size_t whole;

			memcpy(held + have, at, take);
			have += take;
			at += take;
			left -= take;
			if (!left)
				break;
			if (!cmac_blocks(s, held,
					 AES_BLOCK)) /* more follows: it was not the last */
				return false;
			have = 0;
			whole = (left - 1) / AES_BLOCK * AES_BLOCK;
			if (!cmac_blocks(s, at, whole))
				return false;
			at += whole;
			left -= whole;
		}
	}
	if (have < AES_BLOCK) {
		held[have] = 0x80;
		memset(held + have + 1, 0, AES_BLOCK - have - 1);
	}
	for (int i = 0; i < AES_BLOCK; i++)
		held[i] ^= have < AES_BLOCK ? s->k2[i] : s->k1[i];
	return EVP_EncryptUpdate(s->cipher, signature, &n, held, AES_BLOCK);
}

static bool gmac_sign(struct signer *s, const struct iovec *parts, int count,
		      const uint8_t nonce[12], uint8_t signature[16])
{
	uint8_t none[AES_BLOCK];
	int n;

	if (!EVP_EncryptInit_ex(s->cipher, NULL, NULL, NULL, nonce))
		return false;
	for (int i = 0; i < count; i++)
		if (parts[i].iov_len && !EVP_EncryptUpdate(s->cipher, NULL, &n, parts[i].iov_base,
							   (int)parts[i].iov_len))
			return false;
	return EVP_EncryptFinal_ex(s->cipher, none, &n) &&
	       EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_GCM_GET_TAG, 16, signature);
}

static const struct {
	bool (*prepare)(struct signer *s, const uint8_t key[16]);
	bool (*sign)(struct signer *s, const struct iovec *parts, int count,
		     const uint8_t nonce[12], uint8_t signature[16]);
} algorithms[] = {
	[SIGN_HMAC_SHA256] = { hmac_prepare, hmac_sign },
	[SIGN_AES_CMAC] = { cmac_prepare, cmac_sign },
	[SIGN_AES_GMAC] = { gmac_prepare, gmac_sign },
};

struct signer *signer_new(enum sign_algorithm algorithm, const uint8_t key[16])
{
	struct signer *s;

	BUG_ON((size_t)algorithm >= ARRAY_LEN(algorithms));
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->algorithm = algorithm;
	if (!algorithms[algorithm].prepare(s, key)) {
		signer_free(s);
		return NULL;
	}
	return s;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->cipher);
	secret_wipe(s, sizeof(*s));
	free(s);
}

bool signer_sign(struct signer *s, const struct iovec *parts, int count, uint64_t message_id,
		 bool is_response, bool is_cancel, uint8_t signature[16])
{
	uint8_t nonce[12] = { 0 };

	for (int i = 0; i < 8; i++)
		nonce[i] = (uint8_t)(message_id >> (8 * i));
	nonce[8] = (uint8_t)(is_response | is_cancel << 1);
	return algorithms[s->algorithm].sign(s, parts, count, nonce, signature);
}
