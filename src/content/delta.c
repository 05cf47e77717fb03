// SPDX-License-Identifier: Apache-2.0
/*
 * Copies found by a rolling sum. The old bytes are cut into blocks, and each block's sum is put
 * into a table; the sum of as many new bytes is looked up there, rolled on byte by byte. A block
 * that is found is a match with as much of what is before and behind it as is equal.
 */
#include <content/delta.h>

#include <stdlib.h>

#define FACTOR	  0x9E3779B97F4A7C15ULL /* odd, and otherwise arbitrary */
#define TRIES_MAX 8u /* blocks of one sum: a file of nothing but zeros has only one */

/* An open hash table of blocks: slots hold 1 + the number of a block, and 0 where they are free. */
struct index {
	const uint8_t *old;
	uint32_t *slots;
	unsigned bits;
};

static uint64_t sum_of(const uint8_t *data)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < DELTA_BLOCK; i++)
		sum = sum * FACTOR + data[i];
	return sum;
}

/* FACTOR to the power of DELTA_BLOCK: what the byte that leaves has been multiplied with. */
static uint64_t last_factor(void)
{
	uint64_t power = 1;

	for (size_t i = 0; i < DELTA_BLOCK; i++)
		power *= FACTOR;
	return power;
}

/* The low bits of a sum depend on the low bits of the bytes only; the upper ones on all. */
static uint32_t slot_of(const struct index *x, uint64_t sum, uint32_t attempt)
{
	uint64_t mixed = (sum ^ sum >> 32) * FACTOR;

	return (uint32_t)(mixed >> (64 - x->bits)) + attempt;
}

static bool index_build(struct index *x, const uint8_t *old, size_t blocks)
{
	uint32_t mask;

	x->old = old;
	x->bits = 4;
	while ((1ULL << x->bits) < (uint64_t)blocks * 4)
		x->bits++;
	mask = (uint32_t)((1ULL << x->bits) - 1);
	x->slots = calloc((size_t)mask + 1, sizeof(*x->slots));
	if (!x->slots)
		return false;
	for (uint32_t i = 0; i < blocks; i++) {
		uint64_t sum = sum_of(old + (size_t)i * DELTA_BLOCK);

		for (uint32_t n = 0; n < TRIES_MAX; n++) {
			uint32_t *slot = &x->slots[slot_of(x, sum, n) & mask];

			if (*slot)
				continue;
			*slot = i + 1;
			break;
		}
	}
	return true;
}

/* Where the old bytes have this block; SIZE_MAX: nowhere. */
static size_t index_find(const struct index *x, uint64_t sum, const uint8_t *data)
{
	uint32_t mask = (uint32_t)((1ULL << x->bits) - 1);

	for (uint32_t n = 0; n < TRIES_MAX; n++) {
		uint32_t slot = x->slots[slot_of(x, sum, n) & mask];
		size_t at = (size_t)(slot - 1) * DELTA_BLOCK;

		if (!slot)
			break;
		if (!memcmp(x->old + at, data, DELTA_BLOCK))
			return at;
	}
	return SIZE_MAX;
}

static bool add(struct delta *d, bool is_copy, size_t at, size_t length)
{
	if (!length)
		return true;
	if (d->count == d->room) {
		size_t room = d->room ? d->room * 2 : 16;
		struct delta_part *larger = reallocarray(d->parts, room, sizeof(*larger));

		if (!larger)
			return false;
		d->parts = larger;
		d->room = room;
	}
	d->parts[d->count++] = (struct delta_part){ is_copy, at, length };
	return true;
}

struct match {
	size_t old, now, length;
};

/* As far as it goes: back to @from of the new bytes, and on to the end of either. */
static struct match extend(const uint8_t *old, size_t old_length, const uint8_t *now,
			   size_t now_length, size_t from, size_t old_at, size_t now_at)
{
	struct match m = { old_at, now_at, DELTA_BLOCK };

	while (m.now > from && m.old && now[m.now - 1] == old[m.old - 1]) {
		m.now--;
		m.old--;
		m.length++;
	}
	while (m.now + m.length < now_length && m.old + m.length < old_length &&
	       now[m.now + m.length] == old[m.old + m.length])
		m.length++;
	return m;
}

static bool search(const struct index *x, size_t old_length, const uint8_t *now, size_t now_length,
		   struct delta *d)
{
	uint64_t leaves = last_factor(), sum = sum_of(now);
	size_t told = 0; /* so much of the new bytes is in parts */

	for (size_t at = 0;;) {
		size_t found = index_find(x, sum, now + at);

		if (found != SIZE_MAX) {
			struct match m =
				extend(x->old, old_length, now, now_length, told, found, at);

			if (!add(d, false, told, m.now - told) || !add(d, true, m.old, m.length))
				return false;
			told = at = m.now + m.length;
			if (now_length - at < DELTA_BLOCK)
				break;
			sum = sum_of(now + at);
			continue;
		}
		if (at + DELTA_BLOCK >= now_length)
			break;
		sum = sum * FACTOR + now[at + DELTA_BLOCK] - leaves * now[at];
		at++;
	}
	return add(d, false, told, now_length - told);
}

bool delta_find(const uint8_t *old, size_t old_length, const uint8_t *now, size_t now_length,
		struct delta *delta)
{
	size_t blocks = old_length / DELTA_BLOCK;
	struct index x = { 0 };
	bool good;

	*delta = (struct delta){ 0 };
	if (!blocks || now_length < DELTA_BLOCK || blocks > UINT32_MAX / 8)
		return add(delta, false, 0, now_length);
	good = index_build(&x, old, blocks) && search(&x, old_length, now, now_length, delta);
	free(x.slots);
	return good;
}

void delta_free(struct delta *delta)
{
	free(delta->parts);
	*delta = (struct delta){ 0 };
}
