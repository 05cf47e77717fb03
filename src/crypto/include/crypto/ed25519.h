// SPDX-License-Identifier: Apache-2.0
/*
 * Ed25519 (RFC 8032) for what is published: documents, reports. A private key is its 32-byte
 * seed; on disk it is PKCS #8 in PEM (RFC 8410), which every tool for keys reads.
 */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include <base/buf.h>

#define ED25519_KEY_LENGTH	 32
#define ED25519_SIGNATURE_LENGTH 64

/* ed25519_public - the public key of @seed. */
bool ed25519_public(const uint8_t seed[ED25519_KEY_LENGTH],
		    uint8_t public_key[ED25519_KEY_LENGTH]) MUST_CHECK;
bool ed25519_sign(const uint8_t seed[ED25519_KEY_LENGTH], const void *data, size_t length,
		  uint8_t signature[ED25519_SIGNATURE_LENGTH]) MUST_CHECK;
/* ed25519_verify - is @signature that of @data under @public_key? */
bool ed25519_verify(const uint8_t public_key[ED25519_KEY_LENGTH], const void *data, size_t length,
		    const uint8_t signature[ED25519_SIGNATURE_LENGTH]) MUST_CHECK;

/* ed25519_pem_write - append @seed as a private key in PEM; the caller wipes @out. */
bool ed25519_pem_write(const uint8_t seed[ED25519_KEY_LENGTH], struct buf *out) MUST_CHECK;
/* ed25519_pem_read - the reverse; false where @text holds no unencrypted Ed25519 private key. */
bool ed25519_pem_read(const void *text, size_t length, uint8_t seed[ED25519_KEY_LENGTH]) MUST_CHECK;

#endif
