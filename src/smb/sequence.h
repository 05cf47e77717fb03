// SPDX-License-Identifier: Apache-2.0
/*
 * Which message ids a client may still use: the window of MS-SMB2 3.3.1.1 (CommandSequenceWindow).
 *
 * Ids run up from 0. What was granted and is not used up from below lies in the window; a bit says
 * which of these ids have been used out of order. The window never spans more than its limit, so a
 * client that leaves an id unused stops getting credits rather than growing anything.
 */
#ifndef SMB_SEQUENCE_H
#define SMB_SEQUENCE_H

#include <base/base.h>

#define SEQUENCE_MAX 65536u

struct sequence {
	uint64_t low;	/* the lowest id that has not been used */
	uint32_t span;	/* ids from low to low + span - 1 have been granted */
	uint32_t used;	/* so many of them are used */
	uint32_t limit; /* a power of two */
	uint64_t *bits; /* ring of limit bits, by id */
};

/* sequence_begin - a window of one id (0), as a new connection has it. */
void sequence_begin(struct sequence *s, uint32_t limit);
void sequence_end(struct sequence *s);
/* sequence_take - use @count ids from @first on; false where one was not granted or is used. */
bool sequence_take(struct sequence *s, uint64_t first, uint32_t count) MUST_CHECK;
/* sequence_grant - widen by up to @wanted ids; how many it were. */
uint32_t sequence_grant(struct sequence *s, uint32_t wanted);
/* sequence_credits - how many ids the client holds now. */
static inline uint32_t sequence_credits(const struct sequence *s)
{
	return s->span - s->used;
}

#endif
