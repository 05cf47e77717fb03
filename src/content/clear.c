// SPDX-License-Identifier: Apache-2.0
/*
 * Emptying a directory of a place, however many names somebody has put into it: a portion of them
 * is listed and removed, then the next. More than two listings have room for are not waited for:
 * somebody is still filling it, or the place only says that it removes what it is asked to.
 */
#include <content/layout.h>

#include <stdio.h>

#define PORTION	     4096 /* names that are held in memory */
#define PORTIONS_MAX (2 * PLACE_LIST_MAX / PORTION)

struct portion {
	char **list;
	size_t count;
};

static void portion_free(struct portion *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i]);
	free(p->list);
}

static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct portion *p = owner;

	p->list[p->count++] = xstrdup(name);
	return p->count < PORTION;
}

bool layout_is_gone(ntstatus status)
{
	return !status || status == STATUS_OBJECT_NAME_NOT_FOUND ||
	       status == STATUS_OBJECT_PATH_NOT_FOUND;
}

bool layout_remove(struct place *place, const char *name, struct content_failure *why)
{
	ntstatus status = place_remove(place, name);

	return layout_is_gone(status) || content_fail_status(why, status, true, name, "remove it");
}

/* False with no failure in *@failed: there is nothing left. */
static bool remove_portion(struct place *place, const char *directory, bool *failed,
			   struct content_failure *why)
{
	struct portion p cleanup(portion_free) = { .list = xalloc(PORTION, sizeof(*p.list)) };
	ntstatus status = place_list(place, directory, add_name, &p);

	if (!layout_is_gone(status))
		*failed = !content_fail_status(why, status, false, directory, "list it");
	for (size_t i = 0; i < p.count && !*failed; i++) {
		auto_free char *name = xasprintf("%s/%s", directory, p.list[i]);

		*failed = !layout_remove(place, name, why);
	}
	return p.count && !*failed;
}

bool layout_clear(struct place *place, const char *directory, struct content_failure *why)
{
	bool failed = false;
	unsigned portions = 0;

	while (remove_portion(place, directory, &failed, why))
		if (++portions > PORTIONS_MAX)
			return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_SYSTEM_LIMITATION,
					    directory,
					    "%u names were removed from it, and it still has some",
					    portions * PORTION);
	return !failed && layout_remove(place, directory, why);
}
