// SPDX-License-Identifier: Apache-2.0
/*
 * A client comes back for an open that was kept for it (MS-SMB2 3.3.5.9.7, 3.3.5.9.12).
 *
 * A new open is made in the name of the new session and takes over, under the locks of the file,
 * all that the old one had: its place among the file's opens, share mode, byte ranges, caching,
 * what was asked of it. So what others may read of an open without a lock (its facts) never changes
 * under their hands; who still has the old one finds it as good as closed.
 */
#include <base/utf16.h>

#include "opens.h"

#define TICKS_SECOND 10000000u /* snapshots are told apart by the second */

struct rule {
	bool broken;
	ntstatus status;
};

static ntstatus first_broken(const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].broken)
			return rules[i].status;
	return STATUS_SUCCESS;
}

/* Is @path (from the root of the share, perhaps by 8.3 names) where @parked is? */
static bool is_at(const struct open *parked, const struct open_request *request, const char *path)
{
	struct volume_node cleanup(volume_node_put_ptr) *root = NULL;
	char auto_free *asked = path_join(request->share->path, path);
	char auto_free *long_path = NULL;

	if (!name_compare(asked, parked->place->path))
		return true;
	if (!(request->share->flags & STORE_SHARE_SHORT_NAMES) || !strchr(path, '~') ||
	    volume_directory(parked->facts.node->volume, request->share->path, &root) !=
		    STATUS_SUCCESS)
		return false;
	long_path = short_path_resolve(root, path, false);
	if (!long_path)
		return false;
	free(asked);
	asked = path_join(request->share->path, long_path);
	return !name_compare(asked, parked->place->path);
}

/*
 * Does the request name the file that the lease is for? Without a lease names are not looked at. Of
 * a previous version the time may be said once more, in either way, or be left out.
 */
static bool names_another_file(const struct open *parked, const struct open_request *request)
{
	const struct file *file = parked->file;
	struct create_name cleanup(create_name_free) name = { 0 };
	nttime when;

	if (create_name_parse(request->path, &name) != STATUS_SUCCESS)
		return true;
	if (previous_asked(request, name.path, &when) &&
	    when.ticks - when.ticks % TICKS_SECOND != file->node->key.past)
		return true;
	if (!name.stream != !file->stream ||
	    (name.stream && name_compare(name.stream, file->stream) != 0))
		return true;
	return !is_at(parked, request, name.path);
}

/* Guests are one user to whoever looks at names, and so is nobody: none of them is an earlier one
 * again. */
static bool may_claim(const struct token *then, const struct token *now)
{
	return token_same_user(then, now) && token_is_somebody(now);
}

/* A lease by another key, or an oplock where there is a lease: another request than the first. */
static bool caches_otherwise(const struct open *open, const struct open_request *request)
{
	struct caching_party by = caching_party_of_request(request);

	if (!open->lease)
		return by.lease_key != NULL;
	return !lease_is_of(open->lease, &by);
}

/* May the client of the request have @parked? Its locks are held. */
static ntstatus check_claim(const struct open *parked, const struct open_request *request)
{
	const struct smb2_create_contexts *contexts = request->contexts;
	const struct durability *durable = &parked->durable;
	const struct lease *lease = parked->lease;
	const struct smb2_lease *named = &contexts->lease; /* whatever oplock level goes with it */
	bool is_v2 = contexts->durable.reconnect_v2 || contexts->durable.request_v2;
	const struct rule rules[] = {
		{ open_state(parked) != OPEN_PARKED || durable->doomed || !parked->place,
		  STATUS_OBJECT_NAME_NOT_FOUND },
		/* One of version 1 has the null GUID. */
		{ is_v2 && !guid_equal(&durable->create_guid, &contexts->durable.create_guid),
		  STATUS_OBJECT_NAME_NOT_FOUND },
		/* Windows lets one of version 2 be asked for as version 1, which says no GUID. Then
		 * it must at least be the client that made it. */
		{ !is_v2 && durable->has_create_guid &&
			  !guid_equal(&parked->facts.client_guid, &request->client_guid),
		  STATUS_OBJECT_NAME_NOT_FOUND },
		{ parked->share != request->share, STATUS_OBJECT_NAME_NOT_FOUND },
		{ (lease != NULL) != named->present, STATUS_OBJECT_NAME_NOT_FOUND },
		{ lease && (lease->version != named->version ||
			    memcmp(lease->key, named->key, sizeof(lease->key)) != 0 ||
			    !guid_equal(&lease->client_guid, &request->client_guid)),
		  STATUS_OBJECT_NAME_NOT_FOUND },
		{ !may_claim(parked->token, request->token), STATUS_ACCESS_DENIED },
		{ parked->facts.granted_access & ~request->share_maximal_access,
		  STATUS_ACCESS_DENIED },
	};
	ntstatus status = first_broken(rules, ARRAY_LEN(rules));

	if (status == STATUS_SUCCESS && lease && !parked->delete_on_close &&
	    names_another_file(parked, request))
		status = STATUS_INVALID_PARAMETER;
	return status;
}

static void move_facts(struct open *from, struct open *to)
{
	to->facts.id.persistent = from->facts.id.persistent;
	to->facts.node = from->facts.node;
	to->facts.granted_access = from->facts.granted_access;
	to->facts.share_access = from->facts.share_access;
	to->facts.options = from->facts.options;
	to->facts.is_directory = from->facts.is_directory;
	to->facts.is_stream = from->facts.is_stream;
}

static void move_durability(struct open *from, struct open *to)
{
	const struct durability *old = &from->durable;

	to->durable = (struct durability){
		.kind = old->kind,
		.timeout_ms = old->timeout_ms,
		.has_create_guid = old->has_create_guid,
		.create_guid = old->create_guid,
		.has_app_instance = old->has_app_instance,
		.app_instance_id = old->app_instance_id,
		.has_app_version = old->has_app_version,
		.app_version_high = old->app_version_high,
		.app_version_low = old->app_version_low,
	};
}

/* Everything that the handle has and that is its own. */
static void move_handle(struct open *from, struct open *to)
{
	to->sharing_access = from->sharing_access;
	to->is_stat = from->is_stat;
	to->delete_on_close = from->delete_on_close;
	to->posix_delete = from->posix_delete;
	to->written = from->written;
	to->held_times = from->held_times;
	to->create_action = from->create_action;
	to->counts_locks = from->counts_locks;
	to->lock_sequences = from->lock_sequences;
	from->lock_sequences = NULL;
	atomic_store(&to->mode, atomic_load(&from->mode));
	open_set_position(to, open_position(from));
}

static void move_place(struct open *from, struct open *to)
{
	struct file *file = from->file;

	to->file = file_get(file);
	to->place = from->place;
	from->place = NULL;
	to->file_next = from->file_next;
	to->file_previous = from->file_previous;
	if (to->file_previous)
		to->file_previous->file_next = to;
	else
		file->opens = to;
	if (to->file_next)
		to->file_next->file_previous = to;
	from->file_next = from->file_previous = NULL;
}

static void take_over(struct open *from, struct open *to)
{
	move_facts(from, to);
	move_durability(from, to);
	move_handle(from, to);
	move_place(from, to);
	caching_move(from, to);
	locks_move(from, to);
}

static uint32_t maximal_access(struct open *open, const struct open_request *request)
{
	struct descriptor auto_descriptor *descriptor = NULL;
	struct place *place = open->place;
	char auto_free *above = path_parent(place->path);
	struct volume_attributes attributes;
	struct rights_request rights = {
		.open = request,
		.parent = place->parent,
		.parent_path = above,
		.attributes = &attributes,
	};

	if (volume_attributes(open_base(open)->node, &attributes) != STATUS_SUCCESS ||
	    file_descriptor(open_base(open), place, &descriptor) != STATUS_SUCCESS)
		return 0;
	rights.descriptor = descriptor;
	return rights_maximal(&rights);
}

/* Under the locks of the file: the claim is checked and the old open's place taken. */
static ntstatus claim(struct open *parked, struct open *open, const struct open_request *request,
		      struct open_result *result)
{
	ntstatus status = check_claim(parked, request);

	if (status != STATUS_SUCCESS)
		return status;
	if (!open_move(parked, OPEN_PARKED, OPEN_RESUMED))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	timer_disarm(&parked->durable.scavenger);
	parked_release(parked);
	durable_unlist(parked);
	take_over(parked, open);
	result->action = FILE_OPENED;
	caching_answer(open, result);
	if (request->contexts->wants_maximal_access)
		result->maximal_access = maximal_access(open, request);
	return STATUS_SUCCESS;
}

static ntstatus resume(struct open *parked, struct open *open, const struct open_request *request,
		       struct open_result *result)
{
	struct actions actions = { 0 };
	ntstatus status;

	open_lock_files(parked);
	status = claim(parked, open, request, result);
	open_unlock_files(parked);
	if (status != STATUS_SUCCESS)
		return status;
	replay_forget(parked);
	open_table_leave(parked);
	open_put(parked); /* the table's */
	status = open_enter(open);
	if (status != STATUS_SUCCESS) { /* no room for an id: then it ends, as if it were closed */
		open_detach(open, &actions);
		actions_run(&actions);
		return status;
	}
	(void)!open_attributes(open, &result->attributes);
	return STATUS_SUCCESS;
}

static ntstatus come_back(struct open *parked, const struct open_request *request,
			  struct open **out, struct open_result *result)
{
	struct open *open = open_new(request);
	ntstatus status;

	if (!open)
		return STATUS_INSUFFICIENT_RESOURCES;
	status = resume(parked, open, request, result);
	if (status != STATUS_SUCCESS) {
		open_put(open);
		return status;
	}
	*out = open;
	return STATUS_SUCCESS;
}

ntstatus durable_reconnect(const struct open_request *request, struct waiter *waiter,
			   struct open **out, struct open_result *result)
{
	struct open cleanup(open_put_ptr) *parked =
		durable_find(request->contexts->durable.file_id.persistent);
	ntstatus status = STATUS_OBJECT_NAME_NOT_FOUND;

	if (parked)
		status = returning_wait(parked, request, waiter);
	if (status != STATUS_SUCCESS)
		return status;
	return come_back(parked, request, out, result);
}

/* Under the locks of the file: the answer of the first, as things are by now. */
static ntstatus answer_again(struct open *open, const struct open_request *request,
			     struct open_result *result)
{
	const struct rule rules[] = {
		{ open_state(open) != OPEN_LIVE || !open->place, STATUS_FILE_NOT_AVAILABLE },
		{ !token_same_user(open->token, request->token), STATUS_ACCESS_DENIED },
		{ open->facts.session_id != request->session_id || open->share != request->share,
		  STATUS_ACCESS_DENIED },
		{ caches_otherwise(open, request), STATUS_ACCESS_DENIED },
	};
	ntstatus status = first_broken(rules, ARRAY_LEN(rules));

	if (status != STATUS_SUCCESS)
		return status;
	result->action = open->create_action;
	caching_answer(open, result);
	/* An oplock is answered as far as it is asked for this time. */
	if (!open->lease)
		result->oplock_level =
			(uint8_t)min_u64(result->oplock_level, request->oplock_level);
	if (open->durable.kind != DURABLE_NOT &&
	    (open->lease || result->oplock_level == SMB2_OPLOCK_LEVEL_BATCH))
		durable_answer(open, result);
	if (request->contexts->wants_maximal_access)
		result->maximal_access = maximal_access(open, request);
	return STATUS_SUCCESS;
}

ntstatus durable_replay(const struct open_request *request, struct waiter *waiter,
			struct open *found, struct open **out, struct open_result *result)
{
	ntstatus status = returning_wait(found, request, waiter);

	if (status == STATUS_PENDING)
		return status;
	if (open_state(found) == OPEN_PARKED) { /* the whole session was lost, not a channel */
		status = come_back(found, request, out, result);
		if (status == STATUS_SUCCESS) {
			result->action = (*out)->create_action;
			durable_answer(*out, result);
		}
		return status;
	}
	open_lock_files(found);
	status = answer_again(found, request, result);
	open_unlock_files(found);
	if (status != STATUS_SUCCESS)
		return status;
	(void)!open_attributes(found, &result->attributes);
	*out = open_get(found);
	return STATUS_SUCCESS;
}
