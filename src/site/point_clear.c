// SPDX-License-Identifier: Apache-2.0
/*
 * Taking back all that a site has laid down at a distribution point: what makes it valid for
 * clients first, whose it is last, so that an interrupted run can be done again.
 */
#include <site/library.h>

#include <content/transfer.h>
#include <errno.h>
#include <policy/paper.h>
#include <site/db.h>

struct names {
	char **list;
	size_t count, room;
};

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
}

static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct names *n = owner;

	if (n->count == n->room) {
		n->room = n->room ? n->room * 2 : 256;
		n->list = reallocarray(n->list, n->room, sizeof(*n->list));
		BUG_ON(!n->list);
	}
	n->list[n->count++] = xstrdup(name);
	return true;
}

static bool is_gone(ntstatus status)
{
	return !status || status == STATUS_OBJECT_NAME_NOT_FOUND ||
	       status == STATUS_OBJECT_PATH_NOT_FOUND;
}

static bool remove_one(struct place *place, const char *name, struct content_failure *why)
{
	ntstatus status = place_remove(place, name);

	return is_gone(status) || content_fail_status(why, status, true, name, "remove it");
}

/* All files of a directory, and it. */
static bool remove_directory(struct place *place, const char *directory,
			     struct content_failure *why)
{
	struct names n cleanup(names_free) = { 0 };
	ntstatus status = place_list(place, directory, add_name, &n);

	if (!is_gone(status))
		return content_fail_status(why, status, false, directory, "list it");
	for (size_t i = 0; i < n.count; i++) {
		auto_free char *name = xasprintf("%s/%s", directory, n.list[i]);

		if (!remove_one(place, name, why))
			return false;
	}
	return remove_one(place, directory, why);
}

static bool remove_pieces(struct place *place, struct content_failure *why)
{
	for (unsigned i = 0; i < 256; i++) {
		char name[LAYOUT_NAME_MAX];

		snprintf(name, sizeof(name), "pieces/%02x", i);
		if (!remove_directory(place, name, why))
			return false;
	}
	return remove_one(place, "pieces", why);
}

static bool remove_all(struct place *place, struct content_failure *why)
{
	bool good = remove_directory(place, "metadata", why) &&
		    remove_directory(place, "targets", why) && remove_pieces(place, why) &&
		    remove_directory(place, DROP, why) && remove_directory(place, "staging", why) &&
		    remove_one(place, LAYOUT_SITE, why);

	place_unlock(place);
	return good && remove_one(place, LAYOUT_LOCK, why);
}

/* A site that never had content owns no place: what add-dp made there is nobody's yet. */
static bool take(struct place *place, const struct site_library *library,
		 struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	ntstatus status;

	if (library->place)
		return layout_prepare(place, library->owner, why);
	status = place_read(place, LAYOUT_SITE, LAYOUT_SITE_BYTES, &bytes);
	if (is_gone(status))
		status = place_lock(place, LAYOUT_LOCK);
	else if (!status)
		return content_fail(why, CONTENT_FOREIGN, STATUS_ACCESS_DENIED, place_title(place),
				    "it belongs to another site");
	return !status || content_fail_status(why, status, true, LAYOUT_LOCK, "lock the place");
}

int point_clear(struct site *site, const struct point *point, char **why)
{
	struct site_library library auto_library = { 0 };
	struct content_failure failure = { 0 };
	struct place *place auto_place = NULL;
	auto_free char *no_library = NULL;
	int error = library_read(site, &library, &no_library);

	if (error && error != -ENOENT)
		return site_fail(why, error, "%s", no_library);
	error = point_open(site, point, &place, why);
	if (!error && !(take(place, &library, &failure) && remove_all(place, &failure)))
		error = library_fail(why, &failure);
	if (place)
		place_unlock(place);
	return error;
}
