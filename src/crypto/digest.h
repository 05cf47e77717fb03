// SPDX-License-Identifier: Apache-2.0
/* The key of an HMAC made ready: what the signer and the one-shot functions share. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <crypto/crypto.h>
#include <openssl/evp.h>

#define HMAC_BLOCK 64 /* of MD5 and SHA-256 alike */

/* The key of RFC 2104, already padded and mixed; secret, to be wiped by its owner. */
struct hmac_key {
	uint8_t inner[HMAC_BLOCK];
	uint8_t outer[HMAC_BLOCK];
};

bool hmac_key_set(struct hmac_key *k, const EVP_MD *md, const uint8_t *key,
		  size_t length) MUST_CHECK;

#endif
