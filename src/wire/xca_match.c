// SPDX-License-Identifier: Apache-2.0
#include "xca_match.h"

void match_begin(struct matcher *m, const uint8_t *data, size_t length, uint32_t window)
{
	m->data = data;
	m->length = length;
	m->window = window;
	memset(m->heads, 0xff, sizeof(m->heads));
}

uint32_t match_common(const uint8_t *a, const uint8_t *b, size_t most)
{
	size_t n = 0;

	while (n + 8 <= most) {
		uint64_t x, y;

		memcpy(&x, a + n, 8);
		memcpy(&y, b + n, 8);
		if (x != y)
			return (uint32_t)(n + (unsigned)__builtin_ctzll(le64toh(x ^ y)) / 8);
		n += 8;
	}
	while (n < most && a[n] == b[n])
		n++;
	return (uint32_t)n;
}

void match_skip(struct matcher *m, size_t at, size_t length)
{
	/* Of a long run a few places are enough to find it again. */
	size_t last = at + (size_t)min_u64(length, 64);

	for (size_t i = at + 1; i < last && i + MATCH_LEAST <= m->length; i++)
		m->heads[match_hash(m->data + i)] = (uint32_t)i;
}

bool unpacked_copy(struct unpacked *u, size_t distance, size_t length)
{
	uint8_t *to = u->data + u->at;

	if (!distance || distance > u->at || length > u->length - u->at)
		return false;
	if (distance >= length) {
		memcpy(to, to - distance, length);
	} else if (distance == 1) {
		memset(to, to[-1], length);
	} else {
		for (size_t i = 0; i < length; i++) /* what is copied may be part of the copy */
			to[i] = to[i - distance];
	}
	u->at += length;
	return true;
}
