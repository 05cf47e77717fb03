// SPDX-License-Identifier: Apache-2.0
/*
 * Prestaged media: a package as a place of its own in a directory, to be carried and copied onto
 * the share of a distribution point. What lies there is verified before it counts
 * (distribution_work.c).
 */
#include "publish_impl.h"

#include <content/transfer.h>
#include <errno.h>
#include <site/db.h>
#include <sys/stat.h>

static bool fill(struct site_library *library, struct place *to, const uint8_t *manifest,
		 struct transfer_result *result, struct content_failure *why)
{
	struct place *from[] = { library->place };
	const struct transfer_options options = {
		.from = from,
		.from_count = 1,
		.to = to,
		.mode = TRANSFER_REPAIR, /* media that was used before may have rotted */
		.known = library->place,
		.trust_reads = true,
	};

	return layout_prepare(to, library->owner, why) &&
	       content_transfer(manifest, &options, result, why);
}

int package_export(struct site *site, const char *name, const char *directory, uint64_t *bytes,
		   char **why)
{
	struct site_library library auto_library = { 0 };
	struct package p auto_package = { 0 };
	struct content_failure failure = { 0 };
	struct transfer_result result = { 0 };
	struct place *to auto_place = NULL;
	int error = package_find(site, name, &p, why);

	if (!error)
		error = library_read(site, &library, why);
	if (error)
		return error;
	if (mkdir(directory, 0755) && errno != EEXIST)
		return site_fail(why, -errno, "%s cannot be made: %s", directory, strerror(errno));
	to = place_open_directory(directory, &failure);
	if (!to || !fill(&library, to, p.manifest, &result, &failure))
		error = library_fail_package(why, &failure, &library, name);
	else
		error = place_bring(site, to, NULL, why);
	if (to)
		place_unlock(to);
	*bytes = result.bytes;
	return error;
}
