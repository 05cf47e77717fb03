// SPDX-License-Identifier: Apache-2.0
/* Sets of pieces. */
#include <content/piece_set.h>

void piece_set_free(struct piece_set *set)
{
	free(set->pieces);
	*set = (struct piece_set){ 0 };
}

static bool make_room(struct piece_set *set, size_t more)
{
	size_t room = set->room ? set->room : 64;
	struct piece *larger;

	while (room < set->count + more)
		room *= 2;
	if (room == set->room)
		return true;
	larger = reallocarray(set->pieces, room, sizeof(*larger));
	if (!larger)
		return false;
	set->pieces = larger;
	set->room = room;
	return true;
}

bool piece_set_add(struct piece_set *set, const struct manifest *m)
{
	if (!m->piece_count)
		return true;
	if (!make_room(set, m->piece_count))
		return false;
	memcpy(set->pieces + set->count, m->pieces, m->piece_count * sizeof(*m->pieces));
	set->count += m->piece_count;
	set->sorted = false;
	return true;
}

bool piece_set_add_one(struct piece_set *set, const struct piece *piece)
{
	if (!make_room(set, 1))
		return false;
	set->pieces[set->count++] = *piece;
	set->sorted = false;
	return true;
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct piece *)a)->hash, ((const struct piece *)b)->hash,
		      SHA256_LENGTH);
}

void piece_set_sort(struct piece_set *set)
{
	size_t kept = 0;

	if (set->sorted || !set->count)
		return;
	sort_items(set->pieces, set->count, sizeof(*set->pieces), by_hash);
	for (size_t i = 1; i < set->count; i++)
		if (by_hash(&set->pieces[kept], &set->pieces[i]) != 0)
			set->pieces[++kept] = set->pieces[i];
	set->count = kept + 1;
	set->sorted = true;
}

const struct piece *piece_set_find(struct piece_set *set, const uint8_t hash[SHA256_LENGTH])
{
	struct piece key;

	if (!set->count)
		return NULL;
	piece_set_sort(set);
	memcpy(key.hash, hash, SHA256_LENGTH);
	return find_item(&key, set->pieces, set->count, sizeof(key), by_hash);
}
