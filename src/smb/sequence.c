// SPDX-License-Identifier: Apache-2.0
#include "sequence.h"

void sequence_begin(struct sequence *s, uint32_t limit)
{
	BUG_ON(limit < 64 || limit > SEQUENCE_MAX || (limit & (limit - 1)));
	*s = (struct sequence){ .span = 1, .limit = limit };
	s->bits = xalloc(limit / 64, sizeof(*s->bits));
}

void sequence_end(struct sequence *s)
{
	free(s->bits);
	s->bits = NULL;
}

static bool is_used(const struct sequence *s, uint64_t id)
{
	uint32_t at = (uint32_t)id & (s->limit - 1);

	return s->bits[at / 64] >> (at % 64) & 1;
}

static void mark(struct sequence *s, uint64_t id, bool used)
{
	uint32_t at = (uint32_t)id & (s->limit - 1);
	uint64_t bit = 1ull << (at % 64);

	if (used)
		s->bits[at / 64] |= bit;
	else
		s->bits[at / 64] &= ~bit;
}

bool sequence_take(struct sequence *s, uint64_t first, uint32_t count)
{
	uint64_t ahead = first - s->low;

	if (first < s->low || !count || ahead >= s->span || count > s->span - ahead)
		return false;
	if (!ahead && !s->used) { /* in order, as nearly always */
		s->low += count;
		s->span -= count;
		return true;
	}
	for (uint32_t i = 0; i < count; i++)
		if (is_used(s, first + i))
			return false;
	for (uint32_t i = 0; i < count; i++)
		mark(s, first + i, true);
	s->used += count;
	while (s->span && is_used(s, s->low)) {
		mark(s, s->low, false);
		s->low++;
		s->span--;
		s->used--;
	}
	return true;
}

uint32_t sequence_grant(struct sequence *s, uint32_t wanted)
{
	uint32_t granted = (uint32_t)min_u64(wanted, s->limit - s->span);

	s->span += granted;
	return granted;
}
