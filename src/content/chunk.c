// SPDX-License-Identifier: Apache-2.0
/* Cutting by content. */
#include <content/chunk.h>

#include <pthread.h>

#define LARGE_FILE (8u << 20)

#define SEED	   0x6265727468706373ULL /* fixed for ever: cuts depend on it */
#define WINDOW	   64 /* how many bytes the sum remembers: one is shifted out a step */

static uint64_t gear[256];
static pthread_once_t gear_once = PTHREAD_ONCE_INIT;

const struct chunk_sizes *chunk_sizes_of(uint64_t size)
{
	static const struct chunk_sizes usual = { 16u << 10, 64u << 10, 256u << 10 };
	static const struct chunk_sizes large = { 64u << 10, 256u << 10, 512u << 10 };

	return size < LARGE_FILE ? &usual : &large;
}

/* 256 unrelated numbers (the finaliser of splitmix64, which is in the public domain). */
static void make_gear(void)
{
	uint64_t state = SEED;

	for (size_t i = 0; i < ARRAY_LEN(gear); i++) {
		uint64_t z = (state += 0x9E3779B97F4A7C15ULL);

		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
		z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
		gear[i] = z ^ (z >> 31);
	}
}

/* The upper bits depend on all of the window. */
static uint64_t mask_of(uint32_t wanted, int more)
{
	unsigned bits = (unsigned)(__builtin_ctz(wanted) + more);

	return ~0ULL << (64 - bits);
}

static size_t cut(const uint8_t *data, size_t from, size_t to, uint64_t mask, uint64_t *sum)
{
	uint64_t s = *sum;

	for (size_t i = from; i < to; i++) {
		s = (s << 1) + gear[data[i]];
		if (!(s & mask))
			return i + 1;
	}
	*sum = s;
	return 0;
}

size_t chunk_length(const struct chunk_sizes *sizes, const uint8_t *data, size_t length)
{
	size_t end = length < sizes->most ? length : sizes->most;
	size_t middle = end < sizes->wanted ? end : sizes->wanted;
	uint64_t sum = 0;
	size_t found;

	pthread_once(&gear_once, make_gear);
	if (end <= sizes->least)
		return end;
	for (size_t i = sizes->least - WINDOW; i < sizes->least; i++)
		sum = (sum << 1) + gear[data[i]];
	found = cut(data, sizes->least, middle, mask_of(sizes->wanted, 1), &sum);
	if (!found)
		found = cut(data, middle, end, mask_of(sizes->wanted, -1), &sum);
	return found ? found : end;
}
