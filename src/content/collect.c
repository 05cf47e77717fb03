// SPDX-License-Identifier: Apache-2.0
/*
 * Garbage by reference: what no manifest of a place refers to is removed from it. Also which
 * manifests a place has, which is the same walk over its targets.
 */
#include <content/transfer.h>

#include <content/key.h>
#include <content/piece_set.h>
#include <crypto/crypto.h>
#include <stdio.h>

struct hashes {
	uint8_t (*list)[SHA256_LENGTH];
	size_t count, room, limit;
	bool full;
};

static void hashes_free(struct hashes *h)
{
	free(h->list);
}

static bool add_hash(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct hashes *h = owner;

	if (is_directory || strlen(name) != SHA256_LENGTH * 2)
		return true;
	if (h->count == h->room) {
		size_t room = h->room ? h->room * 2 : 64;
		void *larger = reallocarray(h->list, room, sizeof(*h->list));

		if (!larger) {
			h->full = true;
			return false;
		}
		h->list = larger;
		h->room = room;
	}
	if (content_unhex(h->list[h->count], SHA256_LENGTH, name))
		h->count++;
	return true;
}

static bool list_targets(struct place *place, struct hashes *h, struct content_failure *why)
{
	ntstatus status = place_list(place, "targets", add_hash, h);

	if (status)
		return content_fail_status(why, status, false, place_title(place),
					   "list the targets");
	return h->full ? content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL,
				      "out of memory")
		       : true;
}

bool content_held(struct place *place, struct place *known, uint8_t (*held)[SHA256_LENGTH],
		  size_t room, size_t *count, struct content_failure *why)
{
	struct hashes h cleanup(hashes_free) = { 0 };

	*count = 0;
	if (!list_targets(place, &h, why))
		return false;
	for (size_t i = 0; i < h.count && *count < room; i++) {
		struct manifest m auto_manifest = { 0 };
		struct content_failure failure = { 0 };

		if (layout_read_manifest(known, h.list[i], &m, &failure)) {
			memcpy(held[(*count)++], h.list[i], SHA256_LENGTH);
		} else if (failure.problem == CONTENT_UNREACHABLE) {
			if (why)
				*why = failure;
			return false;
		}
	}
	return true;
}

/* Other targets (policies) have no pieces; a manifest that is damaged stops everything. */
static bool add_target(struct place *place, const uint8_t hash[SHA256_LENGTH],
		       struct piece_set *wanted, struct collect_result *result,
		       struct content_failure *why)
{
	struct manifest m auto_manifest = { 0 };
	auto_buf struct buf bytes = { 0 };
	struct cursor c;

	if (!layout_read_target(place, hash, MANIFEST_BYTES_MAX, &bytes, why))
		return false;
	if (bytes.len < 8 || memcmp(bytes.data, "BERTHMF", 7) != 0)
		return true;
	c = cur_of(bytes.data, bytes.len);
	if (!manifest_decode(&c, &m, why))
		return false;
	result->manifests++;
	return piece_set_add(wanted, &m) ? true
					 : content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY,
							NULL, "out of memory");
}

struct sweep {
	struct place *place;
	struct piece_set *wanted, doomed;
	struct collect_result *result;
	bool full;
};

static bool judge_piece(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct sweep *s = owner;
	struct piece piece = { .length = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size };

	if (is_directory || !content_unhex(piece.hash, SHA256_LENGTH, name))
		return true;
	s->result->pieces++;
	if (piece_set_find(s->wanted, piece.hash))
		return true;
	s->full = !piece_set_add_one(&s->doomed, &piece);
	return !s->full;
}

static bool sweep_directory(struct sweep *s, unsigned index, struct content_failure *why)
{
	char name[LAYOUT_NAME_MAX];
	ntstatus status;

	s->doomed.count = 0;
	snprintf(name, sizeof(name), "pieces/%02x", index);
	status = place_list(s->place, name, judge_piece, s);
	for (size_t i = 0; !status && i < s->doomed.count; i++) {
		layout_piece(name, s->doomed.pieces[i].hash);
		status = place_remove(s->place, name);
		if (status == STATUS_OBJECT_NAME_NOT_FOUND)
			status = STATUS_SUCCESS;
		if (status)
			break;
		s->result->removed++;
		s->result->bytes_removed += s->doomed.pieces[i].length;
	}
	if (status == STATUS_OBJECT_NAME_NOT_FOUND)
		return true; /* there is no such directory, and nothing in it */
	return status ? content_fail_status(why, status, true, place_title(s->place),
					    "remove pieces that nothing refers to")
		      : true;
}

struct staged {
	char names[64][64];
	size_t count;
};

static bool add_staged(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct staged *staged = owner;

	if (is_directory || strlen(name) >= sizeof(staged->names[0]))
		return true;
	snprintf(staged->names[staged->count++], sizeof(staged->names[0]), "%s", name);
	return staged->count < ARRAY_LEN(staged->names);
}

static void clear_staging(struct place *place)
{
	struct staged staged = { .count = 0 };

	/* Some at a time; what cannot be removed is left for the next run. */
	if (place_list(place, "staging", add_staged, &staged))
		return;
	for (size_t i = 0; i < staged.count; i++) {
		auto_free char *name = xasprintf("staging/%s", staged.names[i]);

		(void)!place_remove(place, name);
	}
}

/* A transfer that has lost this place, and the lock with it, is to see that it was overtaken:
 * before anything of what it brought goes (transfer.c). */
static bool remove_mark(struct place *place, struct content_failure *why)
{
	ntstatus status = place_remove(place, LAYOUT_UNFINISHED);

	return !status || status == STATUS_OBJECT_NAME_NOT_FOUND ||
	       content_fail_status(why, status, true, place_title(place),
				   "note that a transfer is over");
}

bool content_collect(struct place *place, struct collect_result *result,
		     struct content_failure *why)
{
	struct piece_set wanted auto_piece_set = { 0 };
	struct hashes h cleanup(hashes_free) = { 0 };
	struct sweep sweep = { .place = place, .wanted = &wanted, .result = result };
	bool swept = true;

	*result = (struct collect_result){ 0 };
	if (!list_targets(place, &h, why))
		return false;
	for (size_t i = 0; i < h.count; i++)
		if (!add_target(place, h.list[i], &wanted, result, why))
			return false;
	if (!remove_mark(place, why))
		return false;
	for (unsigned i = 0; swept && i < 256; i++)
		swept = sweep_directory(&sweep, i, why);
	piece_set_free(&sweep.doomed);
	if (swept)
		clear_staging(place);
	return swept;
}

bool content_withdraw(struct place *place, const uint8_t hash[SHA256_LENGTH],
		      struct content_failure *why)
{
	char name[LAYOUT_NAME_MAX];
	ntstatus status;

	layout_target(name, hash);
	status = place_remove(place, name);
	if (!status || status == STATUS_OBJECT_NAME_NOT_FOUND)
		return true;
	return content_fail_status(why, status, true, place_title(place), "withdraw a target");
}
