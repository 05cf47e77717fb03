// SPDX-License-Identifier: Apache-2.0
/* SHA-256 of what does not lie in memory in one piece. hash_sha256 is for what does. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include <base/base.h>

#define SHA256_LENGTH	32
#define SHA256_HEX_SIZE 65 /* with the terminator */

struct sha256;

/* sha256_new - ready for the first bytes; NULL where memory is short. Used by one thread. */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *hash);
static inline void sha256_free_ptr(struct sha256 **hash)
{
	sha256_free(*hash);
}
#define auto_sha256 cleanup(sha256_free_ptr)
bool sha256_update(struct sha256 *hash, const void *data, size_t length) MUST_CHECK;
/* sha256_final - the digest of all that was given; the context is ready for the next. */
bool sha256_final(struct sha256 *hash, uint8_t out[SHA256_LENGTH]) MUST_CHECK;

#endif
