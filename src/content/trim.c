// SPDX-License-Identifier: Apache-2.0
/* A place of a bounded size: what is wanted most stays. */
#include <content/assemble.h>

#include <content/key.h>
#include <content/piece_set.h>

static uint64_t bytes_of(struct piece_set *set)
{
	uint64_t bytes = 0;

	piece_set_sort(set);
	for (size_t i = 0; i < set->count; i++)
		bytes += set->pieces[i].length;
	return bytes;
}

bool content_size(struct place *place, const uint8_t hash[SHA256_LENGTH], uint64_t *bytes,
		  struct content_failure *why)
{
	struct piece_set set auto_piece_set = { 0 };
	struct manifest m auto_manifest = { 0 };

	if (!layout_read_manifest(place, hash, &m, why))
		return false;
	if (!piece_set_add(&set, &m))
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	*bytes = bytes_of(&set);
	return true;
}

/* choose - how many of the wanted fit. One that cannot be read any more is none, and goes. */
static size_t choose(struct place *cache, const uint8_t (*wanted)[SHA256_LENGTH], size_t count,
		     uint64_t limit)
{
	struct piece_set set auto_piece_set = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct manifest m auto_manifest = { 0 };

		if (!layout_read_manifest(cache, wanted[i], &m, NULL)) {
			(void)!content_withdraw(cache, wanted[i], NULL);
			continue;
		}
		if (!piece_set_add(&set, &m) || bytes_of(&set) > limit)
			return i;
	}
	return count;
}

struct unwanted {
	const uint8_t (*wanted)[SHA256_LENGTH];
	size_t count;
	uint8_t (*list)[SHA256_LENGTH];
	size_t found, room;
	bool full;
};

static bool note_unwanted(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct unwanted *u = owner;
	uint8_t hash[SHA256_LENGTH];

	if (is_directory || !content_unhex(hash, sizeof(hash), name))
		return true;
	for (size_t i = 0; i < u->count; i++)
		if (!memcmp(u->wanted[i], hash, sizeof(hash)))
			return true;
	if (u->found == u->room) {
		size_t room = u->room ? u->room * 2 : 32;
		void *larger = reallocarray(u->list, room, sizeof(*u->list));

		if (!larger) {
			u->full = true;
			return false;
		}
		u->list = larger;
		u->room = room;
	}
	memcpy(u->list[u->found++], hash, sizeof(hash));
	return true;
}

bool content_trim(struct place *cache, const uint8_t (*wanted)[SHA256_LENGTH], size_t count,
		  uint64_t limit, size_t *kept, struct collect_result *result,
		  struct content_failure *why)
{
	struct unwanted u = { .wanted = wanted };
	ntstatus status;
	bool good = true;

	*kept = u.count = choose(cache, wanted, count, limit);
	status = place_list(cache, "targets", note_unwanted, &u);
	if (status)
		good = content_fail_status(why, status, false, place_title(cache),
					   "list the targets");
	else if (u.full)
		good = content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; good && i < u.found; i++)
		good = content_withdraw(cache, u.list[i], why);
	free(u.list);
	return good && content_collect(cache, result, why);
}
