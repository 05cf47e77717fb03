// SPDX-License-Identifier: Apache-2.0
/* The names, opens and sharing of the model: MS-FSA 2.1.5.1, 2.1.5.5, 2.1.5.15. */
#include "model_impl.h"

#include <base/utf16.h>
#include <stdio.h>

#define READS	      (FILE_READ_DATA | FILE_EXECUTE)
#define WRITES	      (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define OVERWRITES(d) ((d) == FILE_SUPERSEDE || (d) == FILE_OVERWRITE || (d) == FILE_OVERWRITE_IF)

/* ---- names ---- */

static struct node *child(const struct node *directory, const char *name)
{
	for (struct node *n = directory->children; n; n = n->next)
		if (!name_compare(n->name, name))
			return n;
	return NULL;
}

void node_detach(struct node *node)
{
	struct node **at = &node->parent->children;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
}

static struct node *node_new(struct model *model)
{
	for (size_t i = 0; i < MODEL_NODES; i++) {
		struct node *node = &model->nodes[i];

		if (node->is_used)
			continue;
		memset(node, 0, sizeof(*node));
		node->is_used = true;
		return node;
	}
	BUG_ON(true); /* main.c has fewer names than there is room */
	return NULL;
}

void node_attach(struct node *directory, struct node *node, const char *name)
{
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->parent = directory;
	node->next = directory->children;
	directory->children = node;
}

ntstatus walk(struct model *model, const char *path, struct target *to)
{
	char copy[MODEL_PATH], *at = copy, *next, *colon;

	*to = (struct target){ .directory = &model->root };
	snprintf(copy, sizeof(copy), "%s", path);
	while ((next = strchr(at, '\\'))) {
		*next = 0;
		to->directory = child(to->directory, at);
		if (!to->directory || !to->directory->is_directory)
			return STATUS_OBJECT_PATH_NOT_FOUND;
		at = next + 1;
	}
	colon = strchr(at, ':');
	if (colon) {
		*colon = 0;
		snprintf(to->stream, sizeof(to->stream), "%.15s", colon + 1);
	}
	snprintf(to->name, sizeof(to->name), "%.15s", at);
	to->node = *at ? child(to->directory, at) : &model->root;
	return STATUS_SUCCESS;
}

struct stream *stream_find(struct node *node, const char *name)
{
	for (size_t i = 0; i < MODEL_STREAMS; i++)
		if (node->streams[i].exists && !name_compare(node->streams[i].name, name))
			return &node->streams[i];
	return NULL;
}

bool is_open(const struct model *model, const struct node *node, const struct stream *stream)
{
	for (size_t i = 0; i < MODEL_OPENS; i++)
		if (model->opens[i].node == node && (!stream || model->opens[i].stream == stream))
			return true;
	return false;
}

struct stream *stream_add(const struct model *model, struct node *node, const char *name)
{
	for (size_t i = 0; i < MODEL_STREAMS; i++) {
		struct stream *s = &node->streams[i];

		if (s->exists || is_open(model, node, s))
			continue;
		*s = (struct stream){ .exists = true };
		snprintf(s->name, sizeof(s->name), "%s", name);
		return s;
	}
	return NULL; /* main.c has fewer names than there is room */
}

void node_path(const struct node *node, char *out, size_t room)
{
	char above[MODEL_PATH] = "";

	if (!node->parent) {
		snprintf(out, room, "%s", "\\");
		return;
	}
	if (node->parent->parent)
		node_path(node->parent, above, sizeof(above));
	snprintf(out, room, "%.64s\\%s", above, node->name);
}

/* ---- opens ---- */

bool is_inside(const struct node *node, const struct node *directory)
{
	for (; node; node = node->parent)
		if (node->parent == directory)
			return true;
	return false;
}

static bool refuses(uint32_t share, uint32_t access)
{
	return ((access & READS) && !(share & FILE_SHARE_READ)) ||
	       ((access & WRITES) && !(share & FILE_SHARE_WRITE)) ||
	       ((access & DELETE_ACCESS) && !(share & FILE_SHARE_DELETE));
}

/* MS-FSA 2.1.5.1.2.2: opens that neither read, write nor delete take no part. */
bool sharing_conflicts(const struct model *model, const struct node *node,
		       const struct stream *stream, uint32_t access, uint32_t share)
{
	if (!(access & (READS | WRITES | DELETE_ACCESS)))
		return false;
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node != node || o->stream != stream ||
		    !(o->sharing_access & (READS | WRITES | DELETE_ACCESS)))
			continue;
		if (refuses(o->share, access) || refuses(share, o->sharing_access))
			return true;
	}
	return false;
}

/* Who opens the file for DELETE needs the consent of those who have its streams open. */
static bool streams_keep(const struct model *model, const struct node *node)
{
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node == node && *o->stream->name && !(o->share & FILE_SHARE_DELETE) &&
		    (o->sharing_access & (READS | WRITES | DELETE_ACCESS)))
			return true;
	}
	return false;
}

/* ---- create ---- */

static ntstatus check_parameters(const struct op *op)
{
	bool directory = op->options & FILE_DIRECTORY_FILE;

	if (!op->access)
		return STATUS_ACCESS_DENIED;
	if (directory && (op->options & FILE_NON_DIRECTORY_FILE))
		return STATUS_INVALID_PARAMETER;
	if (directory && OVERWRITES(op->disposition))
		return STATUS_INVALID_PARAMETER;
	if ((op->options & FILE_DELETE_ON_CLOSE) && !(op->access & DELETE_ACCESS))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

static ntstatus check_kind(const struct op *op, const struct target *to)
{
	const struct node *node = to->node;

	if (*to->stream)
		return op->options & FILE_DIRECTORY_FILE ? STATUS_NOT_A_DIRECTORY : STATUS_SUCCESS;
	if (op->disposition == FILE_CREATE)
		return STATUS_OBJECT_NAME_COLLISION;
	if (!node->is_directory && (op->options & FILE_DIRECTORY_FILE))
		return STATUS_NOT_A_DIRECTORY;
	if (node->is_directory &&
	    ((op->options & FILE_NON_DIRECTORY_FILE) || OVERWRITES(op->disposition)))
		return STATUS_FILE_IS_A_DIRECTORY;
	return STATUS_SUCCESS;
}

static bool is_write_protected(const struct node *node)
{
	return (node->attributes & FILE_ATTRIBUTE_READONLY) && !node->is_directory;
}

/* MS-FSA 2.1.5.1.2.1, for a user who may do everything; MS-SMB2 3.3.5.9.8 for the lease. */
static ntstatus check_attributes(const struct model *model, const struct op *op,
				 const struct target *to, const struct stream *stream,
				 bool overwrites)
{
	uint32_t has = to->node->attributes;
	uint32_t kept = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;

	if ((has & FILE_ATTRIBUTE_READONLY) && (op->options & FILE_DELETE_ON_CLOSE))
		return STATUS_CANNOT_DELETE;
	if (overwrites && !*to->stream &&
	    ((has & kept & ~op->attributes) || (has & FILE_ATTRIBUTE_READONLY)))
		return STATUS_ACCESS_DENIED;
	if (!cache_fits(model, op, stream))
		return STATUS_INVALID_PARAMETER;
	if (is_write_protected(to->node) && ((op->access & WRITES) || overwrites))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

static uint32_t new_attributes(const struct op *op, bool is_directory)
{
	return (op->attributes & FILE_ATTRIBUTE_SETTABLE) |
	       (is_directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE);
}

static void opened(struct model *model, const struct op *op, struct node *node,
		   struct stream *stream, struct outcome *out)
{
	bool overwrites = out->action == FILE_SUPERSEDED || out->action == FILE_OVERWRITTEN;
	struct model_open *open = &model->opens[op->slot];

	*open = (struct model_open){
		.node = node,
		.stream = stream,
		.client = op->client,
		.serial = ++model->opened,
		.entered = model->opened,
		.access = op->access,
		.sharing_access = op->access | (overwrites ? FILE_WRITE_DATA : 0),
		.share = op->share,
		.delete_on_close = op->options & FILE_DELETE_ON_CLOSE,
	};
	cache_grant(model, open, op, out);
	/* Durable is what keeps its handle (MS-SMB2 3.3.5.9.10); of leases none is asked for. */
	open->durable = out->durable = op->durable && open->oplock == SMB2_OPLOCK_LEVEL_BATCH;
	node_answer(node, stream, out);
}

static ntstatus create_new(struct model *model, const struct op *op, struct target *to,
			   struct outcome *out)
{
	bool is_directory = op->options & FILE_DIRECTORY_FILE;
	struct party by = party_of_create(op);
	struct stream *stream;
	struct node *node;

	if (op->disposition == FILE_OPEN || op->disposition == FILE_OVERWRITE)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (*to->stream && is_directory)
		return STATUS_NOT_A_DIRECTORY;
	if ((op->options & FILE_DELETE_ON_CLOSE) && (op->attributes & FILE_ATTRIBUTE_READONLY))
		return STATUS_CANNOT_DELETE;
	if (to->directory->delete_pending)
		return STATUS_DELETE_PENDING;
	if (!cache_fits(model, op, NULL))
		return STATUS_INVALID_PARAMETER;
	node = node_new(model);
	node->is_directory = is_directory;
	node->attributes = new_attributes(op, is_directory);
	node_attach(to->directory, node, to->name);
	times_of_new(model, node);
	times_of_directory(model, to->directory);
	stream = stream_add(model, node, "");
	if (*to->stream)
		stream = stream_add(model, node, to->stream);
	cache_directory_changed(model, to->directory, &by);
	out->action = FILE_CREATED;
	opened(model, op, node, stream, out);
	return STATUS_SUCCESS;
}

static ntstatus stream_of_open(const struct op *op, const struct target *to, struct stream **stream,
			       bool *is_new)
{
	*stream = stream_find(to->node, to->stream);
	*is_new = false;
	/* Who may not open the file does not learn what streams it has. */
	if (*to->stream && (op->access & WRITES) && is_write_protected(to->node))
		return STATUS_ACCESS_DENIED;
	if (*stream) {
		if (*to->stream && op->disposition == FILE_CREATE)
			return STATUS_OBJECT_NAME_COLLISION;
		return (*stream)->delete_pending ? STATUS_DELETE_PENDING : STATUS_SUCCESS;
	}
	if (op->disposition == FILE_OPEN || op->disposition == FILE_OVERWRITE)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	/* A new stream is data of its file. */
	if (is_write_protected(to->node))
		return STATUS_ACCESS_DENIED;
	*is_new = true;
	return STATUS_SUCCESS;
}

static void overwrite(const struct op *op, const struct target *to, struct stream *stream)
{
	stream->size = 0;
	memset(stream->data, 0, sizeof(stream->data));
	if (*to->stream)
		return;
	to->node->attributes = new_attributes(op, false);
	/* Its other streams go with what it was (MS-FSA 2.1.5.1.2); who has one open keeps that. */
	for (size_t i = 0; i < MODEL_STREAMS; i++)
		if (to->node->streams[i].exists && *to->node->streams[i].name)
			to->node->streams[i].exists = false;
}

static ntstatus open_existing(struct model *model, const struct op *op, struct target *to,
			      struct outcome *out)
{
	bool overwrites = OVERWRITES(op->disposition), is_new, conflicts;
	struct party by = party_of_create(op);
	struct stream *stream;
	ntstatus status = check_kind(op, to);

	if (status)
		return status;
	if (!to->node->parent && (op->options & FILE_DELETE_ON_CLOSE) && !*to->stream)
		return STATUS_CANNOT_DELETE;
	if (to->node->delete_pending)
		return STATUS_DELETE_PENDING;
	status = stream_of_open(op, to, &stream, &is_new);
	if (!status)
		status = check_attributes(model, op, to, stream, overwrites && !is_new);
	if (status)
		return status;
	if (is_new) {
		stream = stream_add(model, to->node, to->stream);
		to->node->change.kind = TIME_OPEN;
		out->action = FILE_CREATED;
		opened(model, op, to->node, stream, out);
		return STATUS_SUCCESS;
	}
	/* Who is in the way may be a handle that its client only keeps: it is asked to go first. */
	by.access = op->access | (overwrites ? FILE_WRITE_DATA : 0);
	conflicts = sharing_conflicts(model, to->node, stream, by.access, op->share) ||
		    (!*to->stream && (op->access & DELETE_ACCESS) && streams_keep(model, to->node));
	if (cache_break(model, stream, &by,
			conflicts    ? BY_SHARING
			: overwrites ? BY_OVERWRITE
				     : BY_OPEN))
		return STATUS_PENDING;
	if (conflicts)
		return STATUS_SHARING_VIOLATION;
	out->action = op->disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
		      : overwrites			? FILE_OVERWRITTEN
							: FILE_OPENED;
	if (overwrites) {
		overwrite(op, to, stream);
		to->node->change.kind = TIME_OPEN;
		time_moves(model, &to->node->write);
		to->node->access.kind = TIME_OPEN;
		to->node->write_holder = 0;
	}
	opened(model, op, to->node, stream, out);
	return STATUS_SUCCESS;
}

ntstatus create_apply(struct model *model, const struct op *op, struct outcome *out)
{
	struct target to;
	ntstatus status = check_parameters(op);

	if (!status)
		status = walk(model, op->path, &to);
	if (status)
		return status;
	return to.node ? open_existing(model, op, &to, out) : create_new(model, op, &to, out);
}

/* ---- close ---- */

/* What is marked goes with the last open. */
static void remove_if_last(struct model *model, struct node *node, struct stream *stream,
			   const struct party *by)
{
	static const struct party nobody = { 0 };

	if (stream->delete_pending && !is_open(model, node, stream)) {
		stream->exists = stream->delete_pending = false;
		node->change.kind = TIME_OPEN;
	}
	if (is_open(model, node, NULL))
		return;
	if (node->delete_pending && !node->gone) {
		node_detach(node);
		node->gone = true;
		times_of_directory(model, node->parent);
		cache_directory_changed(model, node->parent, *stream->name ? &nobody : by);
	}
	if (node->gone)
		node->is_used = false;
}

static ntstatus close_open(struct model *model, struct model_open *open)
{
	struct node *node = open->node;
	struct stream *stream = open->stream;
	struct party by = party_of_open(open);

	if (open->written)
		cache_changed(model, open);
	locks_release(model, open);
	times_closed(open);
	open->node = NULL;
	/* MS-FSA 2.1.4.17 and its note: a modification may be noted as late as here. */
	if (open->written && !node->is_directory && !node->delete_pending && !node->gone)
		node->attributes |= FILE_ATTRIBUTE_ARCHIVE;
	if (open->delete_on_close && !node->gone) {
		bool *mark = *stream->name ? &stream->delete_pending : &node->delete_pending;
		bool goes = *stream->name ? stream->exists : !node->children;

		if (goes && !*mark) {
			*mark = true;
			(void)!cache_break(model, stream, &by, BY_HANDLE);
		}
	}
	remove_if_last(model, node, stream, &by);
	cache_release(model, open, node, stream);
	return STATUS_SUCCESS;
}

ntstatus close_apply(struct model *model, const struct op *op)
{
	return close_open(model, &model->opens[op->slot]);
}

void open_end(struct model *model, struct model_open *open)
{
	(void)close_open(model, open);
}

/* ---- what is done to a name through an open ---- */

ntstatus disposition_apply(struct model *model, struct model_open *open, const struct op *op)
{
	struct node *node = open->node;
	struct party by = party_of_open(open);
	bool *mark = *open->stream->name ? &open->stream->delete_pending : &node->delete_pending;

	if (!(open->access & DELETE_ACCESS))
		return STATUS_ACCESS_DENIED;
	if (op->flag) {
		if (!node->parent && !*open->stream->name)
			return STATUS_CANNOT_DELETE;
		if (node->attributes & FILE_ATTRIBUTE_READONLY)
			return STATUS_CANNOT_DELETE;
		if (!*open->stream->name && node->children)
			return STATUS_DIRECTORY_NOT_EMPTY;
		if (cache_break(model, open->stream, &by, BY_HANDLE))
			return STATUS_PENDING;
	}
	*mark = op->flag;
	return STATUS_SUCCESS;
}

ntstatus attributes_apply(struct model *model, struct model_open *open, const struct op *op)
{
	struct node *node = open->node;
	uint32_t before = node->attributes;

	if (!(open->access & FILE_WRITE_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	if (op->attributes)
		node->attributes = (op->attributes & FILE_ATTRIBUTE_SETTABLE) |
				   (before & FILE_ATTRIBUTE_DIRECTORY);
	/* Those that it has are no change (MS-FSA 2.1.5.15.2). */
	if (node->attributes != before) {
		time_moves(model, &node->change);
		cache_changed(model, open);
	}
	return STATUS_SUCCESS;
}
