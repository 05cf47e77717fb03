// SPDX-License-Identifier: Apache-2.0
#include <base/utf16.h>
#include <linux/limits.h>

#include "index_table.h"

#define SLOTS_LEAST 16u
#define NAMES_LEAST 256u

/* What slot.name may be but a place. */
#define SLOT_FREE   0u
#define SLOT_DEAD   1u
#define SLOT_FIRST  2u

static uint32_t folded_hash(const char *name)
{
	auto_buf struct buf folded = { 0 };
	char upper[NAME_MAX + 1];
	size_t n;

	for (n = 0; n < sizeof(upper) && name[n] && !(name[n] & 0x80); n++)
		upper[n] = name[n] >= 'a' && name[n] <= 'z' ? (char)(name[n] - 32) : name[n];
	if (n < sizeof(upper) && !name[n])
		return (uint32_t)hash_bytes(upper, n);
	name_fold(&folded, name);
	return (uint32_t)hash_bytes(folded.data, folded.len);
}

size_t index_size(const struct index *index)
{
	return sizeof(*index) + index->slot_count * sizeof(*index->slots) + index->names_room;
}

void index_free(struct index *index)
{
	free(index->slots);
	free(index->names);
	free(index);
}

static const char *slot_name(const struct index *index, const struct index_slot *slot)
{
	return index->names + (slot->name - SLOT_FIRST);
}

static void slot_put(struct index *index, uint32_t hash, uint32_t name)
{
	uint32_t at = hash & (index->slot_count - 1);

	while (index->slots[at].name != SLOT_FREE)
		at = (at + 1) & (index->slot_count - 1);
	index->slots[at] = (struct index_slot){ .hash = hash, .name = name };
}

/* index_resize - a table and an arena for @names more names of what lives; what was removed is left
 * behind. */
static bool index_resize(struct index *index, uint32_t slots, size_t room)
{
	struct index next = *index;

	next.slots = calloc(slots, sizeof(*next.slots));
	next.names = malloc(room);
	if (!next.slots || !next.names) {
		free(next.slots);
		free(next.names);
		return false;
	}
	next.slot_count = slots;
	next.names_room = room;
	next.names_length = next.names_dead = 0;
	next.dead = 0;
	for (uint32_t i = 0; i < index->slot_count; i++) {
		const struct index_slot *slot = &index->slots[i];
		size_t length;

		if (slot->name < SLOT_FIRST)
			continue;
		length = strlen(slot_name(index, slot)) + 1;
		memcpy(next.names + next.names_length, slot_name(index, slot), length);
		slot_put(&next, slot->hash, (uint32_t)next.names_length + SLOT_FIRST);
		next.names_length += length;
	}
	free(index->slots);
	free(index->names);
	*index = next;
	return true;
}

/* index_reserve - room for one more name of @length bytes (with its end). */
static bool index_reserve(struct index *index, size_t length)
{
	uint32_t slots = index->slot_count;
	size_t room = index->names_room;
	size_t live = index->names_length - index->names_dead;

	if ((index->used + index->dead + 1) * 4ull > index->slot_count * 3ull)
		slots = index->used * 2 >= index->slot_count ? slots * 2 : slots;
	else if (index->names_length + length <= index->names_room)
		return true;
	while (live + length > room - room / 4)
		room *= 2;
	return room < UINT32_MAX / 2 && index_resize(index, slots, room);
}

bool index_add(struct index *index, const char *name)
{
	size_t length = strlen(name) + 1;

	if (!index_reserve(index, length))
		return false;
	memcpy(index->names + index->names_length, name, length);
	slot_put(index, folded_hash(name), (uint32_t)index->names_length + SLOT_FIRST);
	index->names_length += length;
	index->used++;
	return true;
}

/* slot_of - the entry that is @name: as written where there is such a one, else in any case
 * if @any_case. */
static struct index_slot *slot_of(const struct index *index, const char *name, bool any_case)
{
	uint32_t hash = folded_hash(name);
	struct index_slot *other = NULL;

	for (uint32_t at = hash; index->slots[at & (index->slot_count - 1)].name != SLOT_FREE;
	     at++) {
		struct index_slot *slot = &index->slots[at & (index->slot_count - 1)];

		if (slot->name == SLOT_DEAD || slot->hash != hash)
			continue;
		if (!strcmp(slot_name(index, slot), name))
			return slot;
		if (any_case && !other && !name_compare(slot_name(index, slot), name))
			other = slot;
	}
	return other;
}

struct index *index_new(const struct volume_key *key)
{
	struct index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->key = *key;
	index->slot_count = SLOTS_LEAST;
	index->names_room = NAMES_LEAST;
	index->slots = calloc(SLOTS_LEAST, sizeof(*index->slots));
	index->names = malloc(NAMES_LEAST);
	if (!index->slots || !index->names) {
		index_free(index);
		return NULL;
	}
	return index;
}

void index_remove(struct index *index, const char *name)
{
	struct index_slot *slot = slot_of(index, name, false);

	if (!slot)
		return;
	index->names_dead += strlen(slot_name(index, slot)) + 1;
	index->used--;
	index->dead++;
	slot->name = SLOT_DEAD;
}

bool index_has(const struct index *index, const char *name)
{
	return slot_of(index, name, false);
}

const char *index_find(const struct index *index, const char *name)
{
	const struct index_slot *slot = slot_of(index, name, true);

	return slot ? slot_name(index, slot) : NULL;
}
