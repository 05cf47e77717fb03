// SPDX-License-Identifier: Apache-2.0
/*
 * What CREATE decides under the locks of the file: rights, what stands in the way, and what becomes
 * of the file that is overwritten (MS-FSA 2.1.5.1.2).
 */
#include "create.h"

static ntstatus check_attributes(const struct creation *c)
{
	const uint32_t has = c->lookup.attributes.attributes;
	const uint32_t asked = c->request->file_attributes;
	const uint32_t kept = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;

	if ((c->request->options & FILE_DELETE_ON_CLOSE) && (has & FILE_ATTRIBUTE_READONLY))
		return STATUS_CANNOT_DELETE;
	if (!overwrite_access(c) || c->name.stream)
		return STATUS_SUCCESS;
	return (has & FILE_ATTRIBUTE_READONLY) || (has & kept & ~asked) ? STATUS_ACCESS_DENIED
									: STATUS_SUCCESS;
}

static ntstatus check_rights(struct creation *c, struct file *base, struct place *place,
			     uint32_t *granted)
{
	const struct smb2_create_contexts *contexts = c->request->contexts;
	struct descriptor auto_descriptor *descriptor = NULL;
	char auto_free *above = path_parent(c->path);
	struct rights_request rights = {
		.open = c->request,
		.parent = c->lookup.parent,
		.parent_path = above,
		.attributes = &c->lookup.attributes,
		.also = overwrite_access(c),
	};
	bool wants_maximal = contexts && (contexts->wants_maximal_access ||
					  (contexts->has_app_instance && !c->is_new));
	ntstatus status = STATUS_SUCCESS;

	if (c->is_new && !wants_maximal)
		return STATUS_SUCCESS;
	status = file_descriptor(base, place, &descriptor);
	if (status != STATUS_SUCCESS)
		return status;
	rights.descriptor = descriptor;
	if (!c->is_new) {
		status = rights_of_open(&rights, granted);
		audit_rights(&c->audit, c->request, descriptor,
			     audited_access(c, rights.also, *granted), status);
	}
	c->maximal = status == STATUS_SUCCESS && wants_maximal ? rights_maximal(&rights) : 0;
	if (contexts && contexts->wants_maximal_access)
		c->result->maximal_access = c->maximal;
	return status;
}

/*
 * Breaks and share modes (MS-FSA 2.1.5.1.2): what stands in the way is asked to give its handle
 * caching up first, because it may be a handle that its client has closed long ago. Then whoever
 * caches writes is asked to flush.
 */
static ntstatus check_sharing(struct creation *c, struct file *file, uint32_t access)
{
	struct caching_party by = caching_party_of_request(c->request);
	bool conflict = sharemode_conflicts(file, access, c->request->share_access, NULL) ||
			((access & DELETE_ACCESS) && file->streams_kept);
	enum cause cause = conflict		 ? CAUSE_SHARING
			   : overwrite_access(c) ? CAUSE_OVERWRITE
						 : CAUSE_OPEN;

	by.access = access;
	if (caching_break(file, &by, cause, &c->actions))
		return c->actions.closes ? STATUS_RETRY : caching_wait(file, c->waiter);
	return conflict ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}

uint32_t create_initial_attributes(const struct creation *c, bool is_directory)
{
	uint32_t attributes = c->request->file_attributes & FILE_ATTRIBUTE_SETTABLE;

	if (is_directory)
		return (attributes & ~FILE_ATTRIBUTE_TEMPORARY) | FILE_ATTRIBUTE_DIRECTORY;
	return attributes | FILE_ATTRIBUTE_ARCHIVE;
}

static ntstatus overwrite(struct creation *c, struct file *file)
{
	c->changed = true;
	if (file->stream) {
		times_stream_changed(file->base);
		return volume_truncate(file->node, 0);
	}
	times_overwritten(file);
	return volume_overwrite(file->node, create_initial_attributes(c, false));
}

static ntstatus allocate(struct creation *c, struct file *file)
{
	const struct smb2_create_contexts *contexts = c->request->contexts;

	if (c->result->action == FILE_OPENED || !contexts || !contexts->has_allocation_size ||
	    !contexts->allocation_size || file->node->is_directory)
		return STATUS_SUCCESS;
	c->changed = true;
	return volume_allocate(file->node, contexts->allocation_size);
}

/* What is new, or as good as new, gets the extended attributes that came with the request. */
static ntstatus set_eas(struct creation *c, struct file *file)
{
	const struct smb2_create_contexts *contexts = c->request->contexts;

	if (c->result->action == FILE_OPENED || !contexts || !contexts->has_ea ||
	    !cur_left(&contexts->ea) || file->stream)
		return STATUS_SUCCESS;
	c->changed = true;
	return eas_apply(file->node, contexts->ea);
}

/* Under the locks of @file and, for a stream, of its base: the decision. On success c->open is one
 * of the file's. */
static ntstatus decide(struct creation *c, struct file *base, struct file *file,
		       struct place *place, uint32_t granted)
{
	uint32_t access;
	ntstatus status;

	if (base->gone || file->gone)
		return STATUS_RETRY;
	/* A rename that replaced it before it was in the table could not mark it gone. */
	if (!file->open_count && volume_is_unlinked(file->node))
		return STATUS_RETRY;
	if (base->delete_pending || file->delete_pending)
		return STATUS_DELETE_PENDING;
	status = c->is_new ? STATUS_SUCCESS : check_attributes(c);
	if (status == STATUS_SUCCESS)
		status = caching_check(c->request, file);
	if (status == STATUS_SUCCESS)
		status = check_rights(c, base, place, &granted);
	/* "As much as possible" may be less than it takes to delete. */
	if (status == STATUS_SUCCESS && c->open->delete_on_close && !(granted & DELETE_ACCESS))
		status = STATUS_ACCESS_DENIED;
	if (status != STATUS_SUCCESS)
		return status;
	access = granted | overwrite_access(c);
	status = app_instance_check(c->request, c->maximal, file, place, &c->actions);
	if (status != STATUS_SUCCESS)
		return status;
	status = check_sharing(c, file, access);
	if (status == STATUS_SUCCESS && overwrite_access(c)) {
		status = overwrite(c, file);
		c->result->action = c->request->disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
									      : FILE_OVERWRITTEN;
	}
	if (status == STATUS_SUCCESS)
		status = allocate(c, file);
	if (status == STATUS_SUCCESS)
		status = set_eas(c, file);
	if (status != STATUS_SUCCESS)
		return status;
	c->open->facts.granted_access = granted;
	c->open->sharing_access = access;
	c->open->is_stat = sharemode_is_stat(access);
	open_attach(c->open, file_get(file), place);
	caching_grant(c->open, c->request, c->result);
	durable_grant(c->open, c->request, c->result);
	c->open->create_action = c->result->action;
	return STATUS_SUCCESS;
}

ntstatus create_open_file(struct creation *c, struct file *base, struct file *file,
			  uint32_t granted)
{
	struct place *place;
	ntstatus status;
	bool attached;

	c->open = open_new(c->request);
	if (!c->open)
		return STATUS_INSUFFICIENT_RESOURCES;
	pthread_mutex_lock(&base->lock);
	if (base != file)
		pthread_mutex_lock(&file->lock);
	place = place_enter(base, c->lookup.parent, c->path);
	status = decide(c, base, file, place, granted);
	attached = c->open->file != NULL;
	if (!attached)
		place_leave(base, place);
	else if (base != file)
		stream_attached(c->open, base, 1);
	if (base != file)
		pthread_mutex_unlock(&file->lock);
	pthread_mutex_unlock(&base->lock);
	if (status == STATUS_SUCCESS)
		status = open_enter(c->open);
	if (status != STATUS_SUCCESS) {
		if (attached)
			open_detach(c->open, &c->actions);
		open_put(c->open);
		c->open = NULL;
	}
	return status;
}
