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

/* For all of it. What is left then, the same command goes on with. */
#define CLEAR_MS (4u * 3600 * 1000)
/* For one small file. */
#define LOOK_MS	 60000

static bool remove_pieces(struct place *place, struct content_failure *why)
{
	for (unsigned i = 0; i < 256; i++) {
		char name[LAYOUT_NAME_MAX];

		snprintf(name, sizeof(name), "pieces/%02x", i);
		if (!layout_clear(place, name, why))
			return false;
	}
	return layout_remove(place, "pieces", why);
}

static bool remove_all(struct place *place, struct content_failure *why)
{
	/* The mark of a transfer that was cut off goes before the pieces it brought (transfer.c).
	 */
	bool good = layout_clear(place, "metadata", why) && layout_clear(place, "targets", why) &&
		    layout_clear(place, "staging", why) && remove_pieces(place, why) &&
		    layout_clear(place, DROP, why) && layout_remove(place, LAYOUT_SITE, why);

	place_unlock(place);
	return good && layout_remove(place, LAYOUT_LOCK, why);
}

/* A site that never had content owns no place: what add-dp made there is nobody's yet. */
static bool take(struct place *place, const struct site_library *library,
		 struct content_failure *why)
{
	bool is_claimed;
	ntstatus status;

	if (library->place)
		return layout_prepare(place, library->owner, why);
	if (!layout_check_owner(place, "", &is_claimed, why))
		return false;
	status = place_lock(place, LAYOUT_LOCK);
	return !status || content_fail_status(why, status, true, LAYOUT_LOCK, "lock the place");
}

static int clear_failed(const struct place *place, struct content_failure *failure, char **why)
{
	if (place_is_late(place))
		content_fail(failure, CONTENT_UNREACHABLE, STATUS_IO_TIMEOUT, place_title(place),
			     "it was not empty after %u hours; what was removed is gone, and doing"
			     " this again goes on with the rest",
			     CLEAR_MS / 3600000);
	return library_fail(why, failure);
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
	if (!error)
		place_set_deadline(place, CLEAR_MS);
	if (!error && !(take(place, &library, &failure) && remove_all(place, &failure)))
		error = clear_failed(place, &failure, why);
	if (place)
		place_unlock(place);
	return error;
}

int point_check_owner(struct site *site, const struct point *point, char **why)
{
	struct site_library library auto_library = { 0 };
	struct content_failure failure = { 0 };
	struct place *place auto_place = NULL;
	auto_free char *no_library = NULL;
	bool is_claimed;
	int error = library_read(site, &library, &no_library);

	if (error && error != -ENOENT)
		return site_fail(why, error, "%s", no_library);
	error = point_open(site, point, &place, why);
	if (error)
		return error;
	place_set_deadline(place, LOOK_MS);
	if (layout_check_owner(place, library.owner, &is_claimed, &failure))
		return 0;
	return library_fail(why, &failure);
}
