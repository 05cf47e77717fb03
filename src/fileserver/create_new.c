// SPDX-License-Identifier: Apache-2.0
/* CREATE of what is not there yet (MS-FSA 2.1.5.1.1). */
#include "create.h"

static ntstatus check_new(const struct creation *c)
{
	const struct open_request *request = c->request;

	if (request->disposition == FILE_OPEN || request->disposition == FILE_OVERWRITE)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (request->is_previous)
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (c->name.must_be_directory && !(request->options & FILE_DIRECTORY_FILE))
		return STATUS_OBJECT_NAME_INVALID;
	if (c->name.stream && wants_directory(c))
		return STATUS_NOT_A_DIRECTORY;
	if (wants_directory(c) && (request->file_attributes & FILE_ATTRIBUTE_TEMPORARY))
		return STATUS_INVALID_PARAMETER;
	if ((request->options & FILE_DELETE_ON_CLOSE) &&
	    (request->file_attributes & FILE_ATTRIBUTE_READONLY))
		return STATUS_CANNOT_DELETE;
	return STATUS_SUCCESS;
}

static bool is_being_deleted(const struct volume_node *directory)
{
	struct file auto_file *file = file_find(&directory->key);
	bool pending;

	if (!file)
		return false;
	pthread_mutex_lock(&file->lock);
	pending = file->delete_pending || file->gone;
	pthread_mutex_unlock(&file->lock);
	return pending;
}

static ntstatus make(struct creation *c, const char *parent_path, struct volume_node **node)
{
	const struct smb2_create_contexts *contexts = c->request->contexts;
	struct buf auto_buf blob = { .limit = SD_MAX_BYTES };
	struct volume_initial initial = { .is_directory = wants_directory(c) };
	ntstatus status;

	status = descriptor_of_new(c->lookup.parent, parent_path, c->request->token,
				   contexts && contexts->has_sd ? &contexts->sd : NULL,
				   initial.is_directory, &blob);
	if (status != STATUS_SUCCESS)
		return status;
	initial.attributes = create_initial_attributes(c, initial.is_directory);
	initial.uncompressed = c->request->options & FILE_NO_COMPRESSION;
	initial.sd = blob.data;
	initial.sd_length = blob.len;
	status = volume_create(&c->lookup, &initial, node);
	return status == STATUS_OBJECT_NAME_COLLISION ? STATUS_RETRY : status;
}

void create_made_end(struct creation *c)
{
	file_put(c->made.file);
	if (c->made.parent)
		volume_node_put(c->made.parent);
	free(c->made.path);
	memset(&c->made, 0, sizeof(c->made));
}

/* Takes over the reference of @node. */
static ntstatus note_made(struct creation *c, struct volume_node *node)
{
	create_made_end(c);
	c->made.file = file_enter(node);
	if (!c->made.file)
		return STATUS_NO_MEMORY;
	c->made.parent = volume_node_get(c->lookup.parent);
	c->made.path = xstrdup(c->path);
	return STATUS_SUCCESS;
}

void create_take_back(struct creation *c)
{
	struct caching_party by = caching_party_of_request(c->request);
	struct actions actions = { 0 };
	struct file *file = c->made.file;

	if (!file)
		return;
	pthread_mutex_lock(&file->lock);
	delete_unopened(file, c->made.parent, c->made.path, &by, &actions);
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	create_made_end(c);
}

ntstatus create_new(struct creation *c)
{
	char auto_free *above = path_parent(c->path);
	struct descriptor auto_descriptor *parent = NULL;
	struct volume_node *node;
	struct file *file;
	struct caching_party by = caching_party_of_request(c->request);
	uint32_t granted = 0;
	ntstatus status = check_new(c);

	if (status == STATUS_SUCCESS && is_being_deleted(c->lookup.parent))
		status = STATUS_DELETE_PENDING;
	if (status == STATUS_SUCCESS)
		status = descriptor_of_directory(c->lookup.parent, above, &parent);
	if (status == STATUS_SUCCESS)
		status = rights_of_create(c->request, parent, wants_directory(c), &granted);
	if (parent)
		audit_rights(&c->audit, c->request, parent,
			     wants_directory(c) ? FILE_APPEND_DATA : FILE_WRITE_DATA, status);
	if (status == STATUS_SUCCESS)
		status = caching_check(c->request, NULL);
	if (status == STATUS_SUCCESS)
		status = make(c, above, &node);
	if (status == STATUS_SUCCESS)
		status = note_made(c, node);
	if (status != STATUS_SUCCESS)
		return status;
	file = c->made.file;
	node = file->node;
	notify_event(node->volume, c->path, FILE_ACTION_ADDED,
		     node->is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME
					: FILE_NOTIFY_CHANGE_FILE_NAME,
		     &c->actions);
	directory_changed(c->lookup.parent, &by, &c->actions);
	if (node->is_directory)
		descriptor_forget(&node->key);
	if (c->name.stream) { /* the file is there now: its stream is the next round's */
		c->made_base = true;
		return STATUS_RETRY;
	}
	c->is_new = true;
	c->result->action = FILE_CREATED;
	status = volume_attributes(node, &c->lookup.attributes);
	return status == STATUS_SUCCESS ? create_open_file(c, file, file, granted) : status;
}
