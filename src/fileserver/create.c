// SPDX-License-Identifier: Apache-2.0
/*
 * CREATE (MS-SMB2 3.3.5.9, MS-FSA 2.1.5.1): from a path to an open.
 *
 * The walk and the making of a new file take no lock of this folder; what was found is decided on
 * under the file's lock, where a file that has gone meanwhile, or a name that has appeared, sends
 * the request round once more (STATUS_RETRY inside). A request that waited for a break comes again
 * from its start.
 */
#include "opens.h"

#define MAX_ROUNDS    16 /* how often the ground may move under one request */
#define OVERWRITES(d) ((d) == FILE_SUPERSEDE || (d) == FILE_OVERWRITE || (d) == FILE_OVERWRITE_IF)

/* One round of one CREATE. */
struct creation {
	const struct open_request *request;
	struct waiter *waiter;
	struct open_result *result;
	struct create_name name;
	struct volume_lookup lookup;
	char *path; /* from the volume's root */
	struct actions actions;
	bool is_new;	  /* made in this request */
	bool changed;	  /* it is no longer as the lookup found it */
	bool made_base;	  /* an earlier round made the file, for the stream in it */
	uint32_t maximal; /* all that the token may have of it, where that is asked for */
	struct open *open;
	struct audit audit;
};

static void creation_end(struct creation *c)
{
	volume_lookup_end(&c->lookup);
	free(c->path);
	c->path = NULL;
	actions_run(&c->actions);
}

static bool wants_directory(const struct creation *c)
{
	return (c->request->options & FILE_DIRECTORY_FILE) || c->name.must_be_directory;
}

static bool wants_file(const struct creation *c)
{
	return (c->request->options & FILE_NON_DIRECTORY_FILE) || c->name.must_be_file;
}

/* Does what is there fit what was asked for? */
static ntstatus check_kind(const struct creation *c)
{
	const struct volume_attributes *a = &c->lookup.attributes;

	if (c->name.must_be_file && (c->request->options & FILE_DIRECTORY_FILE))
		return STATUS_NOT_A_DIRECTORY; /* a data stream is none */
	if (c->name.stream)
		return a->is_other ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	if (c->request->disposition == FILE_CREATE)
		return STATUS_OBJECT_NAME_COLLISION;
	if (a->is_other)
		return STATUS_ACCESS_DENIED;
	if ((!a->is_directory || c->name.must_be_file) &&
	    (c->request->options & FILE_DIRECTORY_FILE))
		return STATUS_NOT_A_DIRECTORY;
	if (!a->is_directory && c->name.must_be_directory)
		return STATUS_OBJECT_NAME_INVALID;
	if (a->is_directory && (wants_file(c) || OVERWRITES(c->request->disposition)))
		return STATUS_FILE_IS_A_DIRECTORY;
	return STATUS_SUCCESS;
}

/* What overwriting needs besides what the client asks for (MS-FSA 2.1.5.1.2.1). */
static uint32_t overwrite_access(const struct creation *c)
{
	return !c->is_new && OVERWRITES(c->request->disposition) ? FILE_WRITE_DATA : 0;
}

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

/* What the token asks for, and what it gets with MAXIMUM_ALLOWED. */
static uint32_t audited_access(const struct creation *c, uint32_t also, uint32_t granted)
{
	return (access_map_generic(c->request->desired_access) & ~MAXIMUM_ALLOWED) | also | granted;
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

static ntstatus wait_for_break(struct creation *c, struct file *file)
{
	if (!c->waiter)
		return STATUS_SHARING_VIOLATION;
	waiter_enqueue(&file->break_waiters, c->waiter);
	return STATUS_PENDING;
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
		return c->actions.closes ? STATUS_RETRY : wait_for_break(c, file);
	return conflict ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}

static uint32_t initial_attributes(const struct creation *c, bool is_directory)
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
	return volume_overwrite(file->node, initial_attributes(c, false));
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

/* The open of @file; @base is @file itself, or the file that the stream @file is in. */
static ntstatus open_file(struct creation *c, struct file *base, struct file *file,
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

static ntstatus open_stream(struct creation *c, struct file *base)
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
	status = open_file(c, base, file, granted);
	if (status == STATUS_SUCCESS && c->is_new)
		notify_event(file->node->volume, c->path, FILE_ACTION_ADDED_STREAM,
			     FILE_NOTIFY_CHANGE_STREAM_NAME, &c->actions);
	return status;
}

static ntstatus existing_file(struct creation *c, struct file **out)
{
	struct volume_node *node;
	ntstatus status;

	*out = file_find(&c->lookup.attributes.key);
	if (*out)
		return STATUS_SUCCESS;
	status = volume_lookup_open(&c->lookup, &node);
	if (status == STATUS_OBJECT_NAME_NOT_FOUND)
		return STATUS_RETRY;
	if (status != STATUS_SUCCESS)
		return status;
	*out = file_enter(node);
	return *out ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static ntstatus open_existing(struct creation *c)
{
	struct file auto_file *file = NULL;
	ntstatus status = check_kind(c);

	/* What is new may be written by who makes it, read-only or not. */
	if (c->made_base)
		c->lookup.attributes.attributes &= ~FILE_ATTRIBUTE_READONLY;
	if (status == STATUS_SUCCESS && !c->lookup.parent &&
	    (c->request->options & FILE_DELETE_ON_CLOSE) && !c->name.stream)
		status = STATUS_CANNOT_DELETE;
	if (status == STATUS_SUCCESS)
		status = existing_file(c, &file);
	if (status != STATUS_SUCCESS)
		return status;
	c->result->action = FILE_OPENED;
	return c->name.stream ? open_stream(c, file) : open_file(c, file, file, 0);
}

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
	initial.attributes = initial_attributes(c, initial.is_directory);
	initial.uncompressed = c->request->options & FILE_NO_COMPRESSION;
	initial.sd = blob.data;
	initial.sd_length = blob.len;
	status = volume_create(&c->lookup, &initial, node);
	return status == STATUS_OBJECT_NAME_COLLISION ? STATUS_RETRY : status;
}

static ntstatus create_new(struct creation *c)
{
	char auto_free *above = path_parent(c->path);
	struct descriptor auto_descriptor *parent = NULL;
	struct file auto_file *file = NULL;
	struct volume_node *node;
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
	if (status != STATUS_SUCCESS)
		return status;
	notify_event(node->volume, c->path, FILE_ACTION_ADDED,
		     node->is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME
					: FILE_NOTIFY_CHANGE_FILE_NAME,
		     &c->actions);
	directory_changed(c->lookup.parent, &by, &c->actions);
	if (node->is_directory)
		descriptor_forget(&node->key);
	if (c->name.stream) { /* the file is there now: its stream is the next round's */
		volume_node_put(node);
		c->made_base = true;
		return STATUS_RETRY;
	}
	c->is_new = true;
	c->result->action = FILE_CREATED;
	status = volume_attributes(node, &c->lookup.attributes);
	file = file_enter(node);
	if (status != STATUS_SUCCESS || !file)
		return file ? status : STATUS_NO_MEMORY;
	return open_file(c, file, file, granted);
}

/* Where the path leads; on a share with 8.3 names what is missing as written may be one. */
static ntstatus look_up(struct creation *c)
{
	const struct open_request *request = c->request;
	bool creates = request->disposition != FILE_OPEN && request->disposition != FILE_OVERWRITE;
	ntstatus (*find)(struct volume_node *, const char *, struct volume_lookup *) =
		creates ? volume_lookup_to_make : volume_lookup;
	ntstatus status = find(request->root, c->name.path, &c->lookup);
	char *path;

	if (!(request->share->flags & STORE_SHARE_SHORT_NAMES) || !strchr(c->name.path, '~') ||
	    (status == STATUS_SUCCESS ? c->lookup.exists : status != STATUS_OBJECT_PATH_NOT_FOUND))
		return status;
	path = short_path_resolve(request->root, c->name.path, creates);
	if (!path)
		return status;
	free(c->name.path);
	c->name.path = path;
	volume_lookup_end(&c->lookup);
	return find(request->root, path, &c->lookup);
}

static ntstatus one_round(struct creation *c)
{
	const struct open_request *request = c->request;
	ntstatus status = look_up(c);

	c->is_new = c->changed = false;
	status = reparse_on_path(request, &c->name, &c->lookup, status, c->result);
	if (status != STATUS_SUCCESS)
		return status;
	c->path = path_join(request->share->path, c->lookup.path);
	return c->lookup.exists ? open_existing(c) : create_new(c);
}

static ntstatus finish(struct creation *c, struct open **out)
{
	struct volume_attributes *attributes = &c->result->attributes;

	*attributes = c->lookup.attributes;
	if (c->changed || c->open->file->stream)
		(void)!open_attributes(c->open, attributes);
	else
		times_apply(c->open->file, attributes);
	attributes->attributes =
		share_shown_attributes(c->request->share, c->lookup.path, attributes->attributes);
	audit_opened(&c->audit, c->request);
	*out = c->open; /* with the reference of open_new */
	return STATUS_SUCCESS;
}

static ntstatus check_contexts(const struct smb2_create_contexts *contexts)
{
	if (contexts && contexts->has_ea && eas_check(contexts->ea) != STATUS_SUCCESS)
		return eas_check(contexts->ea);
	return STATUS_SUCCESS;
}

static ntstatus create(const struct open_request *request, struct waiter *waiter, struct open **out,
		       struct open_result *result)
{
	struct open_request asked = *request;
	struct creation c = { .request = &asked, .waiter = waiter, .result = result };
	ntstatus status = create_check(request);

	if (status == STATUS_SUCCESS)
		status = check_contexts(request->contexts);
	if (status == STATUS_SUCCESS)
		status = create_name_parse(request->path, &c.name);
	if (status == STATUS_SUCCESS && strchr(request->path, ':') &&
	    (request->share->flags & STORE_SHARE_NO_STREAMS))
		status = STATUS_OBJECT_NAME_INVALID; /* a colon is in no name then: MS-FSCC 2.1.5 */
	if (status == STATUS_SUCCESS)
		status = previous_begin(&asked, c.name.path);
	for (int round = 0; status == STATUS_SUCCESS && round < MAX_ROUNDS; round++) {
		status = one_round(&c);
		if (status == STATUS_SUCCESS)
			status = finish(&c, out);
		creation_end(&c);
		if (status != STATUS_RETRY)
			break;
		status = round + 1 < MAX_ROUNDS ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
	}
	create_name_free(&c.name);
	previous_end(&asked);
	return status;
}

ntstatus open_create(const struct open_request *request, struct waiter *waiter, struct open **out,
		     struct open_result *result)
{
	struct open cleanup(open_put_ptr) *found = NULL;
	bool reconnects;
	ntstatus status = durable_check(request, &reconnects);

	*out = NULL;
	*result = (struct open_result){ 0 };
	if (status != STATUS_SUCCESS)
		return status;
	if (reconnects)
		return durable_reconnect(request, waiter, out, result);
	status = replay_begin(request, &found);
	if (status != STATUS_SUCCESS)
		return status;
	if (found)
		return durable_replay(request, waiter, found, out, result);
	status = create(request, waiter, out, result);
	if (status == STATUS_SUCCESS)
		replay_made(request, *out);
	if (status != STATUS_PENDING && request->replay) {
		open_replay_end(*request->replay);
		*request->replay = NULL;
	}
	return status;
}
