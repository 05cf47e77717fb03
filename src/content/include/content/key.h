// SPDX-License-Identifier: Apache-2.0
/*
 * Keys that sign what is published: Ed25519, named as The Update Framework names them: the id is
 * the SHA-256 of the canonical JSON of the public key object (specification, section 4.2).
 *
 * A struct content_key is a plain value; one with a seed is wiped with content_key_wipe.
 */
#ifndef CONTENT_KEY_H
#define CONTENT_KEY_H

#include <content/failure.h>
#include <crypto/ed25519.h>
#include <crypto/sha256.h>
#include <jansson.h>

struct content_key {
	char id[SHA256_HEX_SIZE];
	uint8_t public_key[ED25519_KEY_LENGTH];
	uint8_t seed[ED25519_KEY_LENGTH]; /* the private half, where has_seed */
	bool has_seed;
};

/* content_key_make - a new pair. */
bool content_key_make(struct content_key *key, struct content_failure *why) MUST_CHECK;
/* content_key_public - only the public half. */
bool content_key_public(struct content_key *key, const uint8_t public_key[ED25519_KEY_LENGTH],
			struct content_failure *why) MUST_CHECK;
void content_key_wipe(struct content_key *key);

/* content_key_save - a new file, mode 0600, synced; one that exists is never overwritten. */
bool content_key_save(const struct content_key *key, const char *path,
		      struct content_failure *why) MUST_CHECK;
/* content_key_load - refuses a file that others than its owner may read or write. */
bool content_key_load(struct content_key *key, const char *path,
		      struct content_failure *why) MUST_CHECK;

/* content_key_to_json - {"keytype": "ed25519", ...}, the caller's reference; NULL: no memory. */
json_t *content_key_to_json(const struct content_key *key);
/* content_key_from_json - false where it is not such an object. */
bool content_key_from_json(struct content_key *key, const json_t *object,
			   struct content_failure *why) MUST_CHECK;

bool content_key_sign(const struct content_key *key, const void *data, size_t length,
		      uint8_t signature[ED25519_SIGNATURE_LENGTH]) MUST_CHECK;
bool content_key_verify(const struct content_key *key, const void *data, size_t length,
			const uint8_t signature[ED25519_SIGNATURE_LENGTH]) MUST_CHECK;

/* content_hex - @to gets 2 * @length digits and a terminator. */
void content_hex(char *to, const uint8_t *bytes, size_t length);
/* content_unhex - exactly 2 * @length lower-case digits, else false. */
bool content_unhex(uint8_t *bytes, size_t length, const char *hex) MUST_CHECK;

#endif
