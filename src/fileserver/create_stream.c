// SPDX-License-Identifier: Apache-2.0
/* CREATE of a stream of a file (MS-FSA 2.1.5.1.2.1, 2.1.5.1.1): who may make one, and its open. */
#include "create.h"

/*
 * What the file of a stream gives the token, file->lock not held: what is asked for and, where a
 * stream is to be made, @also.
 */
static ntstatus rights_of_base(struct creation *c, struct file *base, uint32_t also,
			       uint32_t *granted)
{
	struct descriptor auto_descriptor *descriptor = NULL;
	char auto_free *above = path_parent(c->path);
	struct rights_request rights = {
		.open = c->request,
		.parent = c->lookup.parent,
		.parent_path = above,
		.attributes = &c->lookup.attributes,
		.also = also,
	};
	struct place *place;
	ntstatus status;

	pthread_mutex_lock(&base->lock);
	place = place_enter(base, c->lookup.parent, c->path);
	status = base->gone		? STATUS_RETRY
		 : base->delete_pending ? STATUS_DELETE_PENDING
					: file_descriptor(base, place, &descriptor);
	place_leave(base, place);
	pthread_mutex_unlock(&base->lock);
	if (status != STATUS_SUCCESS)
		return status;
	rights.descriptor = descriptor;
	status = rights_of_open(&rights, granted);
	/* Where this is granted, the open that follows asks the same again. */
	if (status != STATUS_SUCCESS)
		audit_rights(&c->audit, c->request, descriptor, audited_access(c, also, 0), status);
	return status;
}

static ntstatus stream_node(struct creation *c, struct file *base, struct volume_node **node,
			    uint32_t *granted)
{
	uint32_t disposition = c->request->disposition;
	ntstatus status = volume_stream_open(base->node, c->name.stream, node);

	if (status == STATUS_SUCCESS && disposition == FILE_CREATE) {
		volume_node_put(*node);
		return STATUS_OBJECT_NAME_COLLISION;
	}
	if (status != STATUS_OBJECT_NAME_NOT_FOUND || disposition == FILE_OPEN ||
	    disposition == FILE_OVERWRITE)
		return status;
	if (c->request->is_previous)
		return STATUS_MEDIA_WRITE_PROTECTED;
	/* A stream is data of its file: who makes one writes to it, whatever is asked for. */
	status = rights_of_base(c, base, FILE_WRITE_DATA, granted);
	if (status == STATUS_SUCCESS && (c->request->options & FILE_DELETE_ON_CLOSE) &&
	    (c->lookup.attributes.attributes & FILE_ATTRIBUTE_READONLY))
		status = STATUS_CANNOT_DELETE;
	if (status == STATUS_SUCCESS)
		status = caching_check(c->request, NULL);
	if (status != STATUS_SUCCESS)
		return status;
	status = volume_stream_create(base->node, c->name.stream, node);
	if (status == STATUS_SUCCESS) {
		c->result->action = FILE_CREATED;
		c->is_new = true;
	}
	return status;
}

/* It was made for an open that there is none of. */
static void take_back(struct creation *c, struct file *base, struct file *file)
{
	struct caching_party by = caching_party_of_request(c->request);

	pthread_mutex_lock(&base->lock);
	pthread_mutex_lock(&file->lock);
	delete_unopened(file, NULL, NULL, &by, &c->actions);
	pthread_mutex_unlock(&file->lock);
	pthread_mutex_unlock(&base->lock);
}

ntstatus create_open_stream(struct creation *c, struct file *base)
{
	struct volume_node *node = NULL;
	struct file auto_file *file = NULL;
	char auto_free *stored = NULL;
	uint32_t granted = 0;
	ntstatus status = rights_of_base(c, base, 0, &granted);

	if (wants_directory(c))
		return STATUS_NOT_A_DIRECTORY;
	if (status == STATUS_SUCCESS)
		status = stream_node(c, base, &node, &granted);
	if (status != STATUS_SUCCESS)
		return status;
	stored = xstrdup(volume_stream_name(node));
	file = file_enter(node);
	if (!file)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&file->lock);
	if (!file->base) {
		file->base = file_get(base);
		file->stream = stored;
		stored = NULL;
	}
	pthread_mutex_unlock(&file->lock);
	status = create_open_file(c, base, file, granted);
	if (status != STATUS_SUCCESS && c->is_new)
		take_back(c, base, file);
	if (status == STATUS_SUCCESS && c->is_new)
		notify_event(file->node->volume, c->path, FILE_ACTION_ADDED_STREAM,
			     FILE_NOTIFY_CHANGE_STREAM_NAME, &c->actions);
	return status;
}
