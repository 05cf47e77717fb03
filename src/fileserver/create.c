// SPDX-License-Identifier: Apache-2.0
/*
 * CREATE (MS-SMB2 3.3.5.9, MS-FSA 2.1.5.1): from a path to an open.
 *
 * The walk and the making of a new file take no lock of this folder; what was found is decided on
 * under the file's lock, where a file that has gone meanwhile, or a name that has appeared, sends
 * the request round once more (STATUS_RETRY inside). A request that waited for a break comes again
 * from its start.
 */
#include "create.h"

#define MAX_ROUNDS 16 /* how often the ground may move under one request */

static void creation_end(struct creation *c)
{
	volume_lookup_end(&c->lookup);
	free(c->path);
	c->path = NULL;
	actions_run(&c->actions);
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
	return c->name.stream ? create_open_stream(c, file) : create_open_file(c, file, file, 0);
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
	if (status != STATUS_SUCCESS && status != STATUS_PENDING)
		create_take_back(&c);
	create_made_end(&c);
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
