// SPDX-License-Identifier: Apache-2.0
/*
 * Is it worth trying? Of what is compressed already every byte is as common as any other. A pattern
 * that goes through all of them looks the same, but gets smaller.
 */
#include <wire/xca.h>

#define NOISE_LEAST 4096u /* bytes; less is tried at once */
#define SAMPLES	    1024u
#define STRETCH	    2048u

/* The sum of the squares of how often each byte was seen is SAMPLES * SAMPLES / 256 + SAMPLES on
 * average where chance decides, and 90 is its standard deviation. */
#define BY_CHANCE   ((uint64_t)SAMPLES * SAMPLES / 256 + SAMPLES)

bool xca_is_noise(const uint8_t *data, size_t length)
{
	uint32_t seen[256] = { 0 };
	uint64_t squares = 0;
	auto_buf struct buf out = { 0 };

	if (length < NOISE_LEAST)
		return false;
	for (size_t i = 0; i < SAMPLES; i++)
		seen[data[i * length / SAMPLES]]++;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		squares += (uint64_t)seen[i] * seen[i];
	return squares <= BY_CHANCE + BY_CHANCE / 4 &&
	       !lz77_compress(data + (length - STRETCH) / 2, STRETCH, STRETCH, &out);
}
