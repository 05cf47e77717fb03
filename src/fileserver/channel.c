// SPDX-License-Identifier: Apache-2.0
/*
 * Channel sequences (MS-SMB2 3.3.5.2.10): a client that lost a channel raises its number and sends
 * again on another what was not answered. What comes later with the old number must not change the
 * file any more, and what is sent again must not overtake the original.
 *
 * Requests of several channels come on several loops; the number and the counts of requests that
 * carry it, and that carried an older one, are one word that is swapped as a whole.
 */
#include "opens.h"

#define COUNT_MAX 0xfffffu

struct channel_count {
	uint16_t sequence;
	bool known;
	uint32_t outstanding; /* requests with this number */
	uint32_t earlier;     /* requests with an older one */
};

static struct channel_count unpack(uint64_t word)
{
	return (struct channel_count){
		.sequence = (uint16_t)word,
		.known = word >> 16 & 1,
		.outstanding = (uint32_t)(word >> 24) & COUNT_MAX,
		.earlier = (uint32_t)(word >> 44) & COUNT_MAX,
	};
}

static uint64_t pack(struct channel_count c)
{
	return (uint64_t)c.earlier << 44 | (uint64_t)c.outstanding << 24 | (uint64_t)c.known << 16 |
	       c.sequence;
}

void channel_set(struct open *open, uint16_t sequence)
{
	atomic_store(&open->channel,
		     pack((struct channel_count){ .sequence = sequence, .known = true }));
}

/* A request with @sequence comes: false where it is refused if it changes anything. */
static bool come(struct channel_count *c, uint16_t sequence, bool is_replay)
{
	uint16_t ahead = (uint16_t)(sequence - c->sequence);

	if (c->known && ahead > 0x7fff)
		return false;
	if (!c->known || ahead) {
		c->earlier = (uint32_t)min_u64((uint64_t)c->earlier + c->outstanding, COUNT_MAX);
		c->outstanding = 0;
		c->sequence = sequence;
		c->known = true;
	}
	if (is_replay && c->earlier)
		return false;
	if (c->outstanding == COUNT_MAX)
		return false;
	c->outstanding++;
	return true;
}

bool open_channel_begin(struct open *open, uint16_t sequence, bool is_replay)
{
	uint_fast64_t before = atomic_load(&open->channel);
	struct channel_count c;
	bool is_counted;

	do {
		c = unpack(before);
		is_counted = come(&c, sequence, is_replay);
	} while (!atomic_compare_exchange_weak(&open->channel, &before, pack(c)));
	return is_counted;
}

void open_channel_end(struct open *open, uint16_t sequence)
{
	uint_fast64_t before = atomic_load(&open->channel);
	struct channel_count c;

	do {
		c = unpack(before);
		if (c.sequence == sequence && c.outstanding)
			c.outstanding--;
		else if (c.earlier)
			c.earlier--;
	} while (!atomic_compare_exchange_weak(&open->channel, &before, pack(c)));
}
