// SPDX-License-Identifier: Apache-2.0
/*
 * Opens of a previous version (MS-SMB2 3.3.5.9.4): by the time in a create context, or by a token
 * in the path. The snapshot takes the place of the live volume: the same path, and the rights that
 * its own descriptors give. A handle may be opened to write, as on every volume that is read-only
 * (MS-FSA 2.1.5.1); what would change something is refused when it is tried (2.1.5.4).
 */
#include <wire/snapshot.h>

#include "opens.h"

/* Takes the first "@GMT-..." component out of @path. */
static bool take_token(char *path, nttime *when)
{
	for (char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		char *next = at + length + (at[length] == '/');

		if (gmt_token_parse(at, length, when)) {
			if (!*next && at > path) /* the last one: with the separator before it */
				at--;
			memmove(at, next, strlen(next) + 1);
			return true;
		}
		at = next;
	}
	return false;
}

bool previous_asked(const struct open_request *request, char *path, nttime *when)
{
	const struct smb2_create_contexts *contexts = request->contexts;

	if (contexts && contexts->has_timewarp && contexts->timewarp.ticks) {
		*when = contexts->timewarp;
		return true;
	}
	return take_token(path, when);
}

ntstatus previous_begin(struct open_request *request, char *path)
{
	struct volume *snapshot;
	ntstatus status;
	const uint32_t d = request->disposition;
	nttime when;

	request->root = request->share->root;
	if (!previous_asked(request, path, &when))
		return STATUS_SUCCESS;
	if (!rights_within_share(request))
		return STATUS_ACCESS_DENIED;
	status = volume_snapshot_open(request->share->root->volume, when, &snapshot);
	if (status != STATUS_SUCCESS)
		return status;
	status = volume_directory(snapshot, request->share->path, &request->root);
	volume_snapshot_close(snapshot); /* the root keeps it */
	if (status != STATUS_SUCCESS) {
		request->root = request->share->root;
		return STATUS_OBJECT_NAME_NOT_FOUND;
	}
	request->is_previous = true;
	if (d == FILE_SUPERSEDE || d == FILE_OVERWRITE || d == FILE_OVERWRITE_IF ||
	    (request->options & FILE_DELETE_ON_CLOSE))
		return STATUS_MEDIA_WRITE_PROTECTED;
	return STATUS_SUCCESS;
}

bool open_is_previous(const struct open *open)
{
	return volume_is_snapshot(open->facts.node->volume);
}

void previous_end(struct open_request *request)
{
	if (request->is_previous)
		volume_node_put(request->root);
}
