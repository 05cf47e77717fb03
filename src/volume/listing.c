// SPDX-License-Identifier: Apache-2.0
/*
 * Listings. Names come from the kernel in large blocks; each is looked at (one statx, one
 * getxattrat) only when it is asked for and matches, so that what was removed meanwhile is not
 * shown, and what is shown is as it is now. The kernel's position in the directory is what makes it
 * go on where it was under changes: ext4, XFS, btrfs and tmpfs order a directory by hash or by
 * number, so names that stay are given once.
 *
 * A pattern without wildcards is one look at that name, and no scan.
 */
#include <base/utf16.h>
#include <dirent.h>
#include <errno.h>

#include "scan.h"

#define RECORD_ROOM 512u /* the kernel zeroes as much for each entry */

enum stage { STAGE_DOT, STAGE_DOT_DOT, STAGE_ENTRIES, STAGE_DONE };

struct volume_listing {
	struct volume_node *directory;
	struct dir_scan scan;
	enum stage stage;
	bool is_begun;
	bool give_again; /* volume_list_back: current is to be given once more */
	bool has_current;
	struct volume_entry current;
	char *name; /* of current, where it is not in the scan's block */
};

ntstatus volume_list(struct volume_node *directory, struct volume_listing **out)
{
	*out = NULL;
	if (!directory->is_directory)
		return STATUS_INVALID_PARAMETER;
	*out = xalloc(1, sizeof(**out));
	(*out)->directory = volume_node_get(directory);
	(*out)->scan.fd = -1;
	return STATUS_SUCCESS;
}

void volume_list_free(struct volume_listing *listing)
{
	if (!listing)
		return;
	scan_end(&listing->scan);
	volume_node_put(listing->directory);
	free(listing->name);
	free(listing);
}

void volume_list_back(struct volume_listing *listing)
{
	listing->give_again = listing->has_current;
}

void volume_list_rewind(struct volume_listing *listing)
{
	scan_rewind(&listing->scan);
	listing->stage = STAGE_DOT;
	listing->give_again = listing->has_current = false;
}

/* entry_meta - the record of @name; a record that cannot be read shows as none: whoever opens the
 * file is told. */
static struct meta entry_meta(int dir, const char *name, bool is_directory)
{
	uint8_t room[RECORD_ROOM];
	auto_free uint8_t *more = NULL;
	struct meta meta;
	ssize_t n = sys.get_record_at(dir, name, room, sizeof(room));

	if (n == -ERANGE) {
		more = malloc(65536);
		n = more ? sys.get_record_at(dir, name, more, 65536) : -ENOMEM;
	}
	if (n < 0 || meta_decode(cur_of(more ? more : room, (size_t)n), &meta))
		meta = meta_default(is_directory);
	meta.sd = NULL; /* it lies in room */
	return meta;
}

/* entry_fill - false where @name is gone, or is none that is shown. */
static bool entry_fill(struct volume_listing *listing, const char *name, struct volume_entry *out)
{
	struct statx st;
	struct meta meta;

	if (sys.statx(listing->directory->fd, name, &st))
		return false;
	if (!S_ISREG(st.stx_mode) && !S_ISDIR(st.stx_mode))
		return false;
	meta = entry_meta(listing->directory->fd, name, S_ISDIR(st.stx_mode));
	attributes_fill(&out->attributes, listing->directory->volume, &st, &meta, 0);
	out->name = name;
	return true;
}

/* is_literal - a pattern that names one entry. */
static bool is_literal(const char *pattern)
{
	return pattern && *pattern && !strpbrk(pattern, "*?<>\"");
}

static ntstatus literal_next(struct volume_listing *listing, const char *name,
			     struct volume_entry *out)
{
	int error;

	listing->stage = STAGE_DONE;
	if (!volume_name_valid(name))
		return STATUS_NO_MORE_FILES;
	free(listing->name);
	listing->name = xstrdup(name);
	if (entry_fill(listing, listing->name, out))
		return STATUS_SUCCESS;
	free(listing->name);
	error = names_find(listing->directory, name, &listing->name, NULL);
	if (error)
		return ntstatus_of_errno(error);
	if (listing->name && !name_reserved(listing->name) &&
	    entry_fill(listing, listing->name, out))
		return STATUS_SUCCESS;
	return STATUS_NO_MORE_FILES;
}

static ntstatus entries_next(struct volume_listing *listing, const char *pattern,
			     struct volume_entry *out)
{
	uint32_t looks = 0;
	const char *name;
	uint8_t type;
	int more = 0;

	if (listing->scan.fd < 0)
		more = scan_begin(&listing->scan, listing->directory);
	if (more < 0)
		return ntstatus_of_errno(more);
	while (looks++ < VOLUME_LIST_LOOKS &&
	       (more = scan_next(&listing->scan, &name, &type)) > 0) {
		if (type != DT_REG && type != DT_DIR && type != DT_UNKNOWN)
			continue;
		if (!volume_name_valid(name) || (pattern && !name_match(pattern, name)))
			continue;
		if (entry_fill(listing, name, out))
			return STATUS_SUCCESS;
	}
	if (more > 0)
		return STATUS_RETRY;
	if (more < 0)
		return ntstatus_of_errno(more);
	listing->stage = STAGE_DONE;
	return STATUS_NO_MORE_FILES;
}

/* dot_next - "." or ".."; of the latter the directory's own attributes are shown: what lies above
 * is not beneath. */
static ntstatus dot_next(struct volume_listing *listing, const char *name, struct volume_entry *out)
{
	out->name = name;
	return volume_attributes(listing->directory, &out->attributes);
}

static ntstatus next_fresh(struct volume_listing *listing, const char *pattern,
			   struct volume_entry *out)
{
	static const char *const dots[] = { [STAGE_DOT] = ".", [STAGE_DOT_DOT] = ".." };

	if (is_literal(pattern) && listing->stage == STAGE_DOT)
		return literal_next(listing, pattern, out);
	while (listing->stage < STAGE_ENTRIES) {
		const char *name = dots[listing->stage++];

		if (!pattern || name_match(pattern, name))
			return dot_next(listing, name, out);
	}
	return listing->stage == STAGE_DONE ? STATUS_NO_MORE_FILES
					    : entries_next(listing, pattern, out);
}

ntstatus volume_list_next(struct volume_listing *listing, const char *pattern,
			  struct volume_entry *out)
{
	ntstatus status;

	if (listing->give_again) {
		listing->give_again = false;
		*out = listing->current;
		return STATUS_SUCCESS;
	}
	status = next_fresh(listing, pattern, out);
	listing->has_current = !status;
	if (!status)
		listing->current = *out;
	return status;
}

ntstatus volume_directory_is_empty(struct volume_node *directory)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = -1 };
	const char *name;
	int more = scan_begin(&scan, directory);

	if (!more)
		more = scan_next(&scan, &name, NULL);
	return more > 0 ? STATUS_DIRECTORY_NOT_EMPTY : ntstatus_of_errno(more);
}
