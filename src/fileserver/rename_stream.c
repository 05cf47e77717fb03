// SPDX-License-Identifier: Apache-2.0
/*
 * Renames of a stream within its file (MS-FSA 2.1.5.15.11.1), to ":name" or ":name:$DATA".
 *
 * A file's own, unnamed data is the file on disk, with its number and its other names; a named
 * stream is a file beside it (volume/stream.c). Neither can become the other in one step that a
 * crash leaves as before or as after, so that is not done. What the section says of it is no help:
 * where the new name is empty it looks for no stream that has it, and the file would end with two.
 */
#include <base/utf16.h>

#include "opens.h"

#define STREAM_NAME_UNITS 255u /* MS-FSCC 2.1.5.3 */

/* A new name, taken apart. */
struct stream_target {
	char *name; /* "": the file's own data */
	const char *type;
};

static void target_free(struct stream_target *to)
{
	free(to->name);
}

static ntstatus parse(const char *text, struct stream_target *to)
{
	char *type;

	if (text[strlen(text) - 1] == ':')
		return STATUS_INVALID_PARAMETER; /* also where there is nothing but ':' */
	to->name = xstrdup(text + 1);
	type = strchr(to->name, ':');
	if (type)
		*type++ = 0;
	to->type = type ? type : "$DATA";
	if (strpbrk(to->name, "/\\") || strpbrk(to->type, ":/\\") ||
	    utf16_length(to->name) / 2 > STREAM_NAME_UNITS)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static ntstatus check_target(const struct open *open, const struct stream_target *to)
{
	if (open_base(open)->node->is_directory && !*to->name)
		return STATUS_INVALID_PARAMETER;
	if (open->facts.is_directory) /* the stream that holds its names */
		return name_compare(to->type, "$INDEX_ALLOCATION") ? STATUS_OBJECT_TYPE_MISMATCH
								   : STATUS_INVALID_PARAMETER;
	return name_compare(to->type, "$DATA") ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_SUCCESS;
}

/* What has the name may go where it is empty and nobody has it open. */
static ntstatus check_replaced(struct volume_node *node)
{
	struct file auto_file *file = NULL;
	struct volume_attributes attributes;
	ntstatus status = volume_attributes(node, &attributes);

	if (status == STATUS_SUCCESS && attributes.end_of_file)
		status = STATUS_INVALID_PARAMETER;
	if (status != STATUS_SUCCESS)
		return status;
	file = file_find(&node->key);
	if (!file)
		return STATUS_SUCCESS;
	pthread_mutex_lock(&file->lock);
	if (file->open_count)
		status = STATUS_INVALID_PARAMETER;
	else
		file->gone = true; /* who is about to open it looks its name up again */
	pthread_mutex_unlock(&file->lock);
	return status;
}

static ntstatus check_name(struct file *base, const char *name, bool replace)
{
	struct volume_node cleanup(volume_node_put_ptr) *node = NULL;
	ntstatus status = volume_stream_open(base->node, name, &node);

	if (status == STATUS_OBJECT_NAME_NOT_FOUND)
		return STATUS_SUCCESS;
	if (status != STATUS_SUCCESS)
		return status;
	return replace ? check_replaced(node) : STATUS_OBJECT_NAME_COLLISION;
}

static ntstatus give_name(struct open *open, struct stream_target *to, bool replace)
{
	struct file *file = open->file;
	ntstatus status;

	pthread_mutex_lock(&file->lock);
	status = volume_stream_rename(open_base(open)->node, file->stream, file->node, to->name,
				      replace);
	if (status == STATUS_SUCCESS) {
		free(file->stream);
		file->stream = to->name;
		to->name = NULL;
		mark_archive(open);
	}
	pthread_mutex_unlock(&file->lock);
	return status;
}

/* A stream that goes with its last handle gets no other name, as a file does not (rename.c). */
static ntstatus check_source(const struct open *open)
{
	struct file *file = open->file;
	bool gone, goes;

	if (file->base)
		pthread_mutex_lock(&file->lock);
	gone = file->gone;
	goes = file->base && file->delete_pending;
	if (file->base)
		pthread_mutex_unlock(&file->lock);
	if (!open->place || gone)
		return STATUS_FILE_CLOSED;
	return goes ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

/* The lock of the base is held: under it streams get and lose their names and opens. Of two
 * streams one is locked at a time. */
static ntstatus rename_locked(struct open *open, struct stream_target *to, bool replace,
			      bool *changed)
{
	struct file *file = open->file;
	ntstatus status = check_source(open);

	if (status != STATUS_SUCCESS)
		return status;
	if (!name_compare(to->name, file->stream ? file->stream : ""))
		return STATUS_SUCCESS; /* in whichever case */
	if (!file->stream)
		return STATUS_NOT_SUPPORTED;
	if (!*to->name)
		return replace ? STATUS_NOT_SUPPORTED : STATUS_OBJECT_NAME_COLLISION;
	status = check_name(open_base(open), to->name, replace);
	if (status == STATUS_SUCCESS)
		status = give_name(open, to, replace);
	*changed = status == STATUS_SUCCESS;
	return status;
}

/* Handles on the stream that others only keep are asked to go first. */
static ntstatus take_handles(struct open *open, struct waiter *waiter)
{
	struct caching_party by = caching_party_of_open(open);
	struct file *file = open->file;
	struct actions actions = { 0 };
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&file->lock);
	if (caching_break(file, &by, CAUSE_HANDLE, &actions))
		status = caching_wait(file, waiter);
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	return status;
}

ntstatus rename_stream(struct open *open, const char *text, bool replace, struct waiter *waiter)
{
	struct stream_target cleanup(target_free) to = { 0 };
	struct file *base = open_base(open);
	bool changed = false;
	ntstatus status = take_handles(open, waiter);

	if (status == STATUS_SUCCESS)
		status = parse(text, &to);
	if (status == STATUS_SUCCESS)
		status = check_target(open, &to);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&base->lock);
	status = rename_locked(open, &to, replace, &changed);
	pthread_mutex_unlock(&base->lock);
	if (changed) {
		times_stream_written(open);
		open_changed(open, FILE_NOTIFY_CHANGE_STREAM_NAME);
	}
	return status;
}
