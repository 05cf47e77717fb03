// SPDX-License-Identifier: Apache-2.0
/*
 * Reparse points (MS-FSA 2.1.5.1, 2.1.5.10.22, .37, .4). They are kept as clients set them and
 * never followed here: a symbolic link in a path ends the request with what it says, and the client
 * goes on from there; any other tag that a client does not open as such is nobody's to handle.
 *
 * Only an empty directory becomes one, and nothing is made beneath it, so that a path that is found
 * has none in its middle: it is looked for where a path leads nowhere.
 */
#include <base/utf16.h>
#include <wire/reparse.h>

#include "opens.h"

/* What @node says to a path that does not end in it, or does not ask for it as such. */
static ntstatus stopped(struct volume_node *node, struct open_result *result)
{
	struct buf data = { .limit = REPARSE_MAX_BYTES };
	ntstatus status = volume_get_reparse(node, &data);
	struct reparse reparse;

	if (status == STATUS_SUCCESS)
		status = reparse_decode(cur_of(data.data, data.len), &reparse);
	if (status == STATUS_SUCCESS && reparse.tag == IO_REPARSE_TAG_SYMLINK) {
		buf_free(&result->symlink);
		result->symlink = data;
		return STATUS_STOPPED_ON_SYMLINK;
	}
	buf_free(&data);
	return status == STATUS_SUCCESS ? STATUS_IO_REPARSE_TAG_NOT_HANDLED : status;
}

/* The first reparse point among the directories (and what is none) of @path. */
static ntstatus find_in(struct volume_node *root, const char *path, struct open_result *result,
			const char **rest)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char auto_free *prefix = strndup(path, (size_t)(slash - path));
		struct volume_lookup cleanup(volume_lookup_end) at = { 0 };
		struct volume_node cleanup(volume_node_put_ptr) *node = NULL;
		ntstatus status = prefix ? volume_lookup(root, prefix, &at) : STATUS_NO_MEMORY;

		if (status != STATUS_SUCCESS || !at.exists)
			return STATUS_SUCCESS;
		if (!at.attributes.reparse_tag)
			continue;
		*rest = slash;
		status = volume_lookup_open(&at, &node);
		return status == STATUS_SUCCESS ? stopped(node, result) : status;
	}
	return STATUS_SUCCESS;
}

/* @rest is what of the request's path is left; a stream's name is at its end. */
static void set_unparsed(const struct create_name *name, const char *rest,
			 struct open_result *result)
{
	size_t bytes = utf16_length(rest);

	if (name->stream)
		bytes += 2 + utf16_length(name->stream);
	result->unparsed = (uint16_t)min_u64(bytes, UINT16_MAX - 1);
}

ntstatus reparse_on_path(const struct open_request *request, const struct create_name *name,
			 struct volume_lookup *lookup, ntstatus status, struct open_result *result)
{
	struct volume_node cleanup(volume_node_put_ptr) *node = NULL;
	const char *slash = strrchr(name->path, '/');
	const char *rest = "";
	ntstatus found = STATUS_SUCCESS;

	if (status == STATUS_OBJECT_PATH_NOT_FOUND) {
		found = find_in(request->root, name->path, result, &rest);
	} else if (status == STATUS_SUCCESS && !lookup->exists && slash &&
		   volume_is_reparse(lookup->parent)) {
		rest = slash;
		found = stopped(lookup->parent, result);
	} else if (status == STATUS_SUCCESS && lookup->exists && lookup->attributes.reparse_tag &&
		   !(request->options & FILE_OPEN_REPARSE_POINT)) {
		found = volume_lookup_open(lookup, &node);
		if (found == STATUS_SUCCESS)
			found = stopped(node, result);
	}
	if (found == STATUS_SUCCESS)
		return status;
	set_unparsed(name, rest, result);
	return found;
}

ntstatus open_get_reparse(struct open *open, struct buf *out)
{
	return volume_get_reparse(open_base(open)->node, out);
}

/* Is what @open has now of the same kind as @given? STATUS_NOT_A_REPARSE_POINT where it has none.
 */
static ntstatus same_kind(struct open *open, const struct reparse *given)
{
	struct buf auto_buf now = { .limit = REPARSE_MAX_BYTES };
	struct reparse old;
	ntstatus status = open_get_reparse(open, &now);

	if (status == STATUS_SUCCESS)
		status = reparse_decode(cur_of(now.data, now.len), &old);
	if (status != STATUS_SUCCESS)
		return status;
	if (old.tag != given->tag)
		return STATUS_IO_REPARSE_TAG_MISMATCH;
	return old.has_guid && !guid_equal(&old.guid, &given->guid)
		       ? STATUS_REPARSE_ATTRIBUTE_CONFLICT
		       : STATUS_SUCCESS;
}

static ntstatus may_change(const struct open *open, const struct reparse *given)
{
	if (!(open->facts.granted_access & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)))
		return STATUS_ACCESS_DENIED;
	/* Windows gives the privilege to make symbolic links to administrators alone. */
	if (given->tag == IO_REPARSE_TAG_SYMLINK && !open_acts_as(open)->is_admin)
		return STATUS_ACCESS_DENIED;
	if (given->tag == IO_REPARSE_TAG_MOUNT_POINT && !open->facts.is_directory)
		return STATUS_NOT_A_DIRECTORY;
	if (open->facts.is_stream)
		return STATUS_INVALID_PARAMETER;
	return open_is_previous(open) ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS;
}

/* What leads elsewhere keeps nothing that could not be reached any more; file->lock held. */
static ntstatus is_bare(struct open *open, const struct reparse *given, bool is_one)
{
	struct volume_node *node = open_base(open)->node;
	struct volume_attributes now;
	ntstatus status;

	if (node->is_directory)
		return is_one ? STATUS_SUCCESS : volume_directory_is_empty(node);
	if (given->tag != IO_REPARSE_TAG_SYMLINK)
		return STATUS_SUCCESS;
	status = volume_attributes(node, &now);
	return status == STATUS_SUCCESS && now.end_of_file ? STATUS_IO_REPARSE_DATA_INVALID
							   : status;
}

ntstatus open_set_reparse(struct open *open, struct cursor input)
{
	struct file *file = open_base(open);
	size_t length = cur_left(&input);
	struct cursor raw = input;
	struct reparse given;
	ntstatus status = reparse_decode(input, &given);

	if (status == STATUS_SUCCESS)
		status = reparse_check(&given);
	if (status == STATUS_SUCCESS)
		status = may_change(open, &given);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&file->lock);
	status = same_kind(open, &given);
	if (status == STATUS_SUCCESS || status == STATUS_NOT_A_REPARSE_POINT)
		status = is_bare(open, &given, status == STATUS_SUCCESS);
	if (status == STATUS_SUCCESS)
		status = volume_set_reparse(file->node, given.tag, cur_bytes(&raw, length), length);
	if (status == STATUS_SUCCESS)
		mark_archive(open);
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS)
		open_changed(open, FILE_NOTIFY_CHANGE_ATTRIBUTES);
	return status;
}

ntstatus open_delete_reparse(struct open *open, struct cursor input)
{
	struct file *file = open_base(open);
	struct reparse given;
	ntstatus status = reparse_decode(input, &given);

	if (status == STATUS_SUCCESS && cur_left(&given.data))
		status = STATUS_IO_REPARSE_DATA_INVALID;
	if (status == STATUS_SUCCESS &&
	    !(open->facts.granted_access & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)))
		status = STATUS_ACCESS_DENIED;
	if (status == STATUS_SUCCESS && open_is_previous(open))
		status = STATUS_MEDIA_WRITE_PROTECTED;
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&file->lock);
	status = same_kind(open, &given);
	if (status == STATUS_SUCCESS)
		status = volume_set_reparse(file->node, 0, NULL, 0);
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS)
		open_changed(open, FILE_NOTIFY_CHANGE_ATTRIBUTES);
	return status;
}
