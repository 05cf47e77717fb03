// SPDX-License-Identifier: Apache-2.0
/*
 * Deletion (MS-FSA 2.1.5.4, 2.1.5.15.3): a file is marked, by a handle or by a handle that ends and
 * was opened for it, and goes with the last open of it and of its streams. From the mark on nobody
 * new may open it.
 *
 * The locks of the file and, for a stream, of its base are held in everything but
 * open_set_disposition.
 */
#include "opens.h"

#define FILE_DISPOSITION_POSIX_SEMANTICS	   0x02u
#define FILE_DISPOSITION_ON_CLOSE		   0x08u
#define FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE 0x10u
#define FILE_DISPOSITION_DEFINED		   0x1fu /* MS-FSCC 2.4.12 */

void delete_mark(struct open *open)
{
	struct file *file = open->file;

	if (file->delete_pending)
		return;
	file->delete_pending = true;
	if (!file->stream) {
		file->delete_place = open->place;
		file->delete_place->refs++;
	}
}

static void unmark(struct file *file)
{
	file->delete_pending = false;
	if (file->delete_place)
		place_leave(file, file->delete_place);
	file->delete_place = NULL;
}

static ntstatus unlink_stream(struct file *file, struct actions *actions)
{
	struct place *place = file->base->places;
	ntstatus status = volume_stream_remove(file->base->node, file->stream, file->node);

	if (status == STATUS_SUCCESS && place)
		notify_event(file->node->volume, place->path, FILE_ACTION_REMOVED_STREAM,
			     FILE_NOTIFY_CHANGE_STREAM_NAME, actions);
	return status;
}

static ntstatus unlink_file(struct file *file, const struct caching_party *by,
			    struct actions *actions)
{
	struct place *place = file->delete_place;
	ntstatus status = STATUS_CANNOT_DELETE;

	if (place->parent)
		status = volume_unlink(place->parent, place->name, file->node);
	if (status != STATUS_SUCCESS)
		return status;
	if (file->node->is_directory)
		descriptor_forget(&file->node->key);
	notify_event(file->node->volume, place->path, FILE_ACTION_REMOVED,
		     file->node->is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME
					      : FILE_NOTIFY_CHANGE_FILE_NAME,
		     actions);
	directory_changed_later(place->parent, by, actions);
	return STATUS_SUCCESS;
}

static void delete_now(struct file *file, const struct caching_party *by, struct actions *actions)
{
	ntstatus status =
		file->stream ? unlink_stream(file, actions) : unlink_file(file, by, actions);

	/* Another name of it may be left: then it lives on under that. */
	if (status == STATUS_SUCCESS || status == STATUS_OBJECT_NAME_NOT_FOUND)
		file->gone = true;
	unmark(file);
}

void delete_if_last(struct file *file, const struct caching_party *by, struct actions *actions)
{
	if (file->delete_pending && !file->gone && !file->open_count && !file->stream_opens)
		delete_now(file, by, actions);
}

/* Whoever was there before the file was in the table left no mark but what was written. */
static bool has_data(const struct file *file)
{
	struct volume_attributes attributes;

	return volume_attributes(file->node, &attributes) != STATUS_SUCCESS ||
	       attributes.end_of_file;
}

void delete_unopened(struct file *file, struct volume_node *parent, const char *path,
		     const struct caching_party *by, struct actions *actions)
{
	if (file->gone || file->delete_pending || file->open_count || file->stream_opens ||
	    file->was_opened || has_data(file))
		return;
	file->delete_pending = true;
	if (!file->stream)
		file->delete_place = place_enter(file, parent, path);
	delete_now(file, by, actions);
}

/* A directory that is not empty stays, and is not in the way of who opens it next. */
static bool may_go(const struct file *file)
{
	return !file->node->is_directory || volume_directory_is_empty(file->node) == STATUS_SUCCESS;
}

void delete_at_close(struct open *open, struct actions *actions)
{
	struct caching_party by = caching_party_of_open(open);
	struct file *file = open->file;

	if (open->delete_on_close && !file->gone && !file->delete_pending && may_go(file)) {
		delete_mark(open);
		/* Others need not be waited for: the file is there until they are done with it. */
		(void)!caching_break(file, &by, CAUSE_HANDLE, actions);
	}
	if (open->posix_delete && file->delete_pending && !file->gone)
		delete_now(file, &by, actions);
	delete_if_last(file, &by, actions);
	if (file->gone && !file->stream && open->place && open->place->parent &&
	    (open->share->flags & STORE_SHARE_SHORT_NAMES))
		short_name_remember(&open->place->parent->key, open->place->name);
}

static ntstatus may_delete(struct open *open, uint32_t flags)
{
	struct file *file = open->file;
	struct volume_attributes attributes;
	ntstatus status;

	if (!file->stream && !open->place->parent)
		return STATUS_CANNOT_DELETE;
	status = volume_attributes(open_base(open)->node, &attributes);
	if (status != STATUS_SUCCESS)
		return status;
	/* Whoever passes the attribute over could as well have taken it away. */
	if ((attributes.attributes & FILE_ATTRIBUTE_READONLY) &&
	    (!(flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE) ||
	     !(open->facts.granted_access & FILE_WRITE_ATTRIBUTES)))
		return STATUS_CANNOT_DELETE;
	return file->node->is_directory ? volume_directory_is_empty(file->node) : STATUS_SUCCESS;
}

static ntstatus set_locked(struct open *open, bool delete_file, uint32_t flags,
			   struct waiter *waiter, struct actions *actions)
{
	struct file *file = open->file;
	struct caching_party by = caching_party_of_open(open);
	ntstatus status;

	if (!open->place || file->gone)
		return STATUS_FILE_CLOSED;
	if (flags & FILE_DISPOSITION_ON_CLOSE) {
		status = delete_file ? may_delete(open, flags) : STATUS_SUCCESS;
		if (status == STATUS_SUCCESS)
			open->delete_on_close = delete_file;
		return status;
	}
	if (!delete_file) {
		open->posix_delete = false;
		unmark(file);
		return STATUS_SUCCESS;
	}
	status = may_delete(open, flags);
	if (status != STATUS_SUCCESS)
		return status;
	if (caching_break(file, &by, CAUSE_HANDLE, actions) && waiter) {
		waiter_enqueue(&file->break_waiters, waiter);
		return STATUS_PENDING;
	}
	delete_mark(open);
	open->posix_delete = flags & FILE_DISPOSITION_POSIX_SEMANTICS;
	return STATUS_SUCCESS;
}

ntstatus open_set_disposition(struct open *open, bool delete_file, uint32_t flags,
			      struct waiter *waiter)
{
	struct file *base = open_base(open), *file = open->file;
	struct actions actions = { 0 };
	ntstatus status;

	if (flags & ~FILE_DISPOSITION_DEFINED)
		return STATUS_NOT_SUPPORTED;
	if (!(open->facts.granted_access & DELETE_ACCESS))
		return STATUS_ACCESS_DENIED;
	if (delete_file && open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (base != file)
		pthread_mutex_lock(&base->lock);
	pthread_mutex_lock(&file->lock);
	status = set_locked(open, delete_file, flags, waiter, &actions);
	pthread_mutex_unlock(&file->lock);
	if (base != file)
		pthread_mutex_unlock(&base->lock);
	if (status == STATUS_SUCCESS && delete_file && file->node->is_directory)
		notify_delete_pending(file, &actions);
	actions_run(&actions);
	return status;
}
