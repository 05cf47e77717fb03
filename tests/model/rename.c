// SPDX-License-Identifier: Apache-2.0
/* Renames of the model: of files and directories, and of streams in their file. */
#include "model_impl.h"

#include <base/utf16.h>
#include <stdio.h>

static const struct party nobody;

static ntstatus check_replaced(struct model *model, const struct op *op, struct node *target)
{
	if (!op->flag)
		return STATUS_OBJECT_NAME_COLLISION;
	if (target->is_directory || (target->attributes & FILE_ATTRIBUTE_READONLY))
		return STATUS_ACCESS_DENIED;
	if (target->delete_pending)
		return STATUS_DELETE_PENDING;
	if (!is_open(model, target, NULL))
		return STATUS_SUCCESS;
	return cache_break(model, &target->streams[0], &nobody, BY_HANDLE) ? STATUS_PENDING
									   : STATUS_ACCESS_DENIED;
}

/* Cached handles beneath a directory are asked to go; which of several first is left open. */
static ntstatus check_beneath(struct model *model, const struct node *directory)
{
	const struct stream *waits_for = NULL;
	bool any = false;

	for (size_t i = 0; i < MODEL_OPENS; i++) {
		struct model_open *o = &model->opens[i];

		if (!o->node || !is_inside(o->node, directory))
			continue;
		any = true;
		if (!cache_break(model, &o->node->streams[0], &nobody, BY_HANDLE))
			continue;
		model->is_ambiguous |= waits_for && waits_for != &o->node->streams[0];
		waits_for = &o->node->streams[0];
	}
	if (waits_for)
		return STATUS_PENDING;
	return any ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

/* The directory that gets a name is opened for writing in it. */
static ntstatus check_directory(struct model *model, struct node *directory)
{
	if (directory->delete_pending)
		return STATUS_DELETE_PENDING;
	if (!sharing_conflicts(model, directory, &directory->streams[0], FILE_WRITE_DATA,
			       FILE_SHARE_READ | FILE_SHARE_WRITE))
		return STATUS_SUCCESS;
	return cache_break(model, &directory->streams[0], &nobody, BY_SHARING)
		       ? STATUS_PENDING
		       : STATUS_SHARING_VIOLATION;
}

/* MS-FSA 2.1.5.15.11. */
static ntstatus rename_checks(struct model *model, const struct op *op, const struct node *node,
			      const struct target *to)
{
	ntstatus status = STATUS_SUCCESS;

	if (to->directory == node || is_inside(to->directory, node))
		return STATUS_INVALID_PARAMETER;
	if (to->node && to->node != node)
		status = check_replaced(model, op, to->node);
	if (!status)
		status = check_directory(model, to->directory);
	if (!status)
		status = check_beneath(model, node);
	if (status)
		return status;
	/* A directory neither is replaced nor replaces. */
	return to->node && to->node != node && node->is_directory ? STATUS_ACCESS_DENIED
								  : STATUS_SUCCESS;
}

/* Who takes a stream to another file is refused, after what a rename to there would meet. */
static ntstatus rename_elsewhere(struct model *model, const struct op *op)
{
	struct target to;
	ntstatus status = walk(model, op->path, &to);

	if (!status)
		status = check_directory(model, to.directory);
	return status ? status : STATUS_INVALID_PARAMETER;
}

/* What is renamed is to be saved again. */
static void mark_archive(struct node *node)
{
	if (!node->is_directory && !node->delete_pending)
		node->attributes |= FILE_ATTRIBUTE_ARCHIVE;
}

/* MS-FSA 2.1.5.15.11.1: ":name", with or without its type. */
static ntstatus rename_stream(struct model *model, struct model_open *open, const struct op *op)
{
	struct party by = party_of_open(open);
	char name[MODEL_NAME];
	struct stream *target;

	if (cache_break(model, open->stream, &by, BY_HANDLE))
		return STATUS_PENDING;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(op->path + 1, ":"), op->path + 1);
	if (open->node->is_directory && !*name)
		return STATUS_INVALID_PARAMETER;
	if (open->node->is_directory && !*open->stream->name)
		return STATUS_OBJECT_TYPE_MISMATCH;
	if (*open->stream->name && open->stream->delete_pending)
		return STATUS_ACCESS_DENIED; /* it goes */
	if (!name_compare(name, open->stream->name))
		return STATUS_SUCCESS;
	if (!*open->stream->name || (!*name && op->flag))
		return STATUS_NOT_SUPPORTED; /* the file's own data stays what it is */
	target = stream_find(open->node, name);
	if (target && !op->flag)
		return STATUS_OBJECT_NAME_COLLISION;
	if (target && (target->size || is_open(model, open->node, target)))
		return STATUS_INVALID_PARAMETER;
	if (!open->stream->exists)
		return STATUS_OBJECT_NAME_NOT_FOUND; /* it went when its file was overwritten */
	if (target)
		target->exists = false;
	snprintf(open->stream->name, sizeof(open->stream->name), "%s", name);
	mark_archive(open->node);
	times_modified(model, open);
	cache_changed(model, open);
	return STATUS_SUCCESS;
}

ntstatus rename_apply(struct model *model, struct model_open *open, const struct op *op)
{
	struct node *node = open->node, *from = node->parent;
	struct party by = party_of_open(open);
	struct target to;
	ntstatus status;

	if (!(open->access & DELETE_ACCESS))
		return STATUS_ACCESS_DENIED;
	if (*op->path == ':')
		return rename_stream(model, open, op);
	if (*open->stream->name)
		return rename_elsewhere(model, op);
	if (!node->parent)
		return STATUS_ACCESS_DENIED;
	if (cache_break(model, open->stream, &by, BY_HANDLE))
		return STATUS_PENDING;
	if (node->delete_pending)
		return STATUS_ACCESS_DENIED;
	status = walk(model, op->path, &to);
	if (status)
		return status;
	if (to.node == node && !strcmp(node->name, to.name))
		return STATUS_SUCCESS;
	status = rename_checks(model, op, node, &to);
	if (status)
		return status;
	if (to.node && to.node != node) {
		node_detach(to.node);
		to.node->is_used = false;
	}
	node_detach(node);
	node_attach(to.directory, node, to.name);
	times_of_directory(model, from);
	times_of_directory(model, to.directory);
	time_moves(model, &node->change);
	mark_archive(node);
	cache_directory_changed(model, from, &by);
	if (to.directory != from)
		cache_directory_changed(model, to.directory, &by);
	return STATUS_SUCCESS;
}
