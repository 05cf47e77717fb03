// SPDX-License-Identifier: Apache-2.0
/*
 * MD4 (RFC 1320) and RC4, which NTLM cannot do without and OpenSSL 3 keeps only in a provider that
 * a system may not have. They protect nothing by themselves here: MD4 makes the NT hash, RC4
 * carries a key that HMAC-MD5 has already proven.
 */
#include <crypto/crypto.h>

#include <base/cursor.h>

static inline uint32_t rotl(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

static inline uint32_t mix_f(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | (~x & z);
}

static inline uint32_t mix_g(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | (x & z) | (y & z);
}

static inline uint32_t mix_h(uint32_t x, uint32_t y, uint32_t z)
{
	return x ^ y ^ z;
}

typedef uint32_t mix_fn(uint32_t x, uint32_t y, uint32_t z);

/* The three rounds of RFC 1320, 3.4: how they mix, what they add, the order of words, the shifts.
 */
static const struct {
	mix_fn *mix;
	uint32_t add;
	uint8_t word[16];
	uint8_t shift[4];
} rounds[3] = {
	{ mix_f, 0, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, { 3, 7, 11, 19 } },
	{ mix_g,
	  0x5a827999,
	  { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 },
	  { 3, 5, 9, 13 } },
	{ mix_h,
	  0x6ed9eba1,
	  { 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 },
	  { 3, 9, 11, 15 } },
};

static void md4_block(uint32_t state[4], const uint8_t block[64])
{
	struct cursor c = cur_of(block, 64);
	uint32_t word[16], v[4];

	for (int i = 0; i < 16; i++)
		word[i] = cur_u32le(&c);
	memcpy(v, state, sizeof(v));
	for (int r = 0; r < 3; r++) {
		for (int i = 0; i < 16; i++) {
			uint32_t *a = &v[(16 - i) % 4];
			uint32_t mixed =
				rounds[r].mix(v[(17 - i) % 4], v[(18 - i) % 4], v[(19 - i) % 4]);

			*a = rotl(*a + mixed + word[rounds[r].word[i]] + rounds[r].add,
				  rounds[r].shift[i % 4]);
		}
	}
	for (int i = 0; i < 4; i++)
		state[i] += v[i];
	secret_wipe(word, sizeof(word));
}

bool hash_md4(const void *data, size_t length, uint8_t out[16])
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	const uint8_t *at = data;
	uint64_t bits = (uint64_t)length * 8;
	uint8_t last[128] = { 0 };
	size_t total;

	for (; length >= 64; length -= 64, at += 64)
		md4_block(state, at);
	if (length)
		memcpy(last, at, length);
	last[length] = 0x80;
	total = length < 56 ? 64 : 128;
	for (int i = 0; i < 8; i++)
		last[total - 8 + (size_t)i] = (uint8_t)(bits >> (8 * i));
	for (size_t i = 0; i < total; i += 64)
		md4_block(state, last + i);
	for (int i = 0; i < 16; i++)
		out[i] = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
	secret_wipe(last, sizeof(last));
	return true;
}

bool rc4_apply(const uint8_t *key, size_t key_length, uint8_t *data, size_t length)
{
	uint8_t box[256], i = 0, j = 0;

	if (!key_length)
		return false;
	for (int n = 0; n < 256; n++)
		box[n] = (uint8_t)n;
	for (int n = 0; n < 256; n++) {
		uint8_t held = box[n];

		j = (uint8_t)(j + held + key[(size_t)n % key_length]);
		box[n] = box[j];
		box[j] = held;
	}
	j = 0;
	for (size_t n = 0; n < length; n++) {
		uint8_t held;

		held = box[++i];
		j = (uint8_t)(j + held);
		box[i] = box[j];
		box[j] = held;
		data[n] ^= box[(uint8_t)(box[i] + held)];
	}
	secret_wipe(box, sizeof(box));
	return true;
}
