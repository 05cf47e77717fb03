// SPDX-License-Identifier: Apache-2.0
/*
 * The listing of a directory handle. All of it is the handle's own: the caller holds open_lock.
 */
#include "opens.h"

ntstatus open_listing(struct open *open, struct volume_listing **out)
{
	ntstatus status = STATUS_SUCCESS;

	if (!open->facts.is_directory)
		return STATUS_INVALID_PARAMETER;
	if (!(open->facts.granted_access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	if (!open->listing)
		status = volume_list(open->file->node, &open->listing);
	*out = open->listing;
	return status;
}

const char *open_listing_pattern(struct open *open, const char *pattern, bool restart)
{
	if (pattern && (restart || !open->pattern)) {
		free(open->pattern);
		open->pattern = xstrdup(pattern);
	}
	return open->pattern;
}

/* What an entry of the directory of @open is guarded by. */
static ntstatus entry_descriptor(struct open *open, const char *name, struct descriptor **out)
{
	struct volume_lookup lookup = { 0 };
	struct volume_node cleanup(volume_node_put_ptr) *node = NULL;
	char auto_free *directory = open_live_path(open);
	char auto_free *path = directory ? path_join(directory, name) : NULL;
	struct file auto_file *file = NULL;
	struct place *place;
	ntstatus status;

	if (!path) /* closed between two turns: what its entries inherit is not known any more */
		return STATUS_FILE_CLOSED;
	status = volume_lookup(open->file->node, name, &lookup);
	if (status == STATUS_SUCCESS && !lookup.exists)
		status = STATUS_OBJECT_NAME_NOT_FOUND;
	if (status == STATUS_SUCCESS)
		status = volume_lookup_open(&lookup, &node);
	volume_lookup_end(&lookup);
	if (status != STATUS_SUCCESS)
		return status;
	file = file_enter(volume_node_get(node));
	if (!file)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&file->lock);
	place = place_enter(file, open->file->node, path);
	status = file_descriptor(file, place, out);
	place_leave(file, place);
	pthread_mutex_unlock(&file->lock);
	return status;
}

bool open_entry_visible(struct open *open, const char *name)
{
	struct descriptor auto_descriptor *descriptor = NULL;
	uint32_t granted;

	if (!(open->share->flags & STORE_SHARE_ACCESS_BASED_ENUMERATION) || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return true;
	if (entry_descriptor(open, name, &descriptor) != STATUS_SUCCESS)
		return false;
	return access_check(descriptor->sd, open_acts_as(open), FILE_GENERIC_READ, &granted) ==
	       STATUS_SUCCESS;
}
