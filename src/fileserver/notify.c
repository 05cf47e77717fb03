// SPDX-License-Identifier: Apache-2.0
/*
 * Change notification (MS-FSA 2.1.5.11, MS-SMB2 3.3.5.19): what this file server does itself is
 * told to the watches on the directories above it. The volume has no other owner, so that nothing
 * else changes it.
 *
 * A watch belongs to a directory handle and is found by its directory's path from the volume's
 * root: an event looks its parent up, and each directory above for those that watch a whole tree.
 * watches_lock, a leaf, guards the table and all that is in it; while there is no watch, an event
 * costs one load.
 *
 * A request that waits is answered with what happened first: the changes of one operation are given
 * to it as they come, and it is woken when the operation is over. What happens after that is for
 * the next request, however long this one takes to be answered. One that ends without being
 * answered (its connection is lost, another channel has the handle still) leaves what it was given
 * to the next.
 */
#include "opens.h"

#define BUCKETS 1024u

struct change {
	struct change *next;
	uint32_t action;
	char name[]; /* from the watched directory */
};

/* Changes in the order in which they came. */
struct batch {
	struct change *first, *last;
	size_t bytes;
	bool overflowed; /* more happened than was kept */
};

/* What was given to a request that is on its way to be answered. */
struct given {
	struct given *next;
	const struct waiter *waiter;
	uint64_t operation; /* that may add to it */
	struct batch batch;
};

struct watch {
	struct watch *next; /* in its bucket */
	struct open *open;  /* which owns it */
	struct volume *volume;
	char *path;
	uint32_t filter;
	bool recursive;
	size_t limit;	   /* bytes of a batch */
	struct batch kept; /* while nobody waits */
	struct given *given;
	struct waiter_queue waiters;
};

static struct watch *buckets[BUCKETS];
static pthread_mutex_t watches_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint watch_count;

static struct watch **bucket_of(const struct volume *volume, const char *path, size_t length)
{
	return &buckets[(hash_bytes(path, length) ^ (uintptr_t)volume >> 6) % BUCKETS];
}

static void forget_changes(struct batch *batch)
{
	while (batch->first) {
		struct change *change = batch->first;

		batch->first = change->next;
		free(change);
	}
	*batch = (struct batch){ 0 };
}

static void overflow(struct batch *batch)
{
	forget_changes(batch);
	batch->overflowed = true;
}

/* 12 bytes of head, two a character, aligned to four: as much as it takes on the wire, at most. */
static size_t wire_size(const char *name)
{
	return align_up(12 + 2 * strlen(name), 4);
}

static void keep(struct batch *batch, size_t limit, uint32_t action, const char *name)
{
	size_t size = wire_size(name);
	struct change *change;

	if (batch->overflowed)
		return;
	if (action == FILE_ACTION_MODIFIED && batch->last && batch->last->action == action &&
	    !strcmp(batch->last->name, name))
		return;
	change = batch->bytes + size <= limit ? malloc(sizeof(*change) + strlen(name) + 1) : NULL;
	if (!change) {
		overflow(batch);
		return;
	}
	change->next = NULL;
	change->action = action;
	strcpy(change->name, name);
	if (batch->last)
		batch->last->next = change;
	else
		batch->first = change;
	batch->last = change;
	batch->bytes += size;
}

/* The operation that collects @actions; each has a number of its own. */
static uint64_t operation_of(struct actions *actions)
{
	static uint64_t last; /* watches_lock */

	if (!actions->operation)
		actions->operation = ++last;
	return actions->operation;
}

/*
 * Where a change of this operation goes: to the request that has got the operation's first, to the
 * one that has waited longest, or nowhere yet.
 */
static struct batch *batch_for(struct watch *watch, struct actions *actions)
{
	uint64_t operation = operation_of(actions);
	struct waiter *waiter;
	struct given *given;

	for (given = watch->given; given; given = given->next)
		if (given->operation == operation)
			return &given->batch;
	waiter = waiter_take_first(&watch->waiters);
	if (!waiter)
		return &watch->kept;
	given = xalloc(1, sizeof(*given));
	given->waiter = waiter;
	given->operation = operation;
	given->next = watch->given;
	watch->given = given;
	actions_wake(actions, waiter, STATUS_SUCCESS);
	return &given->batch;
}

struct event {
	uint32_t action;
	uint32_t filter; /* for those who ask for one of these */
	uint32_t unless; /* but for none of these: they are told otherwise */
};

/* One event for the watches on the directory that is the first @length bytes of @path. */
static void tell(struct volume *volume, const char *path, size_t length, bool is_parent,
		 const struct event *event, struct actions *actions)
{
	const char *name = path + length + (length ? 1 : 0);

	for (struct watch *watch = *bucket_of(volume, path, length); watch; watch = watch->next) {
		if (watch->volume != volume || !(watch->filter & event->filter) ||
		    (watch->filter & event->unless) || (!is_parent && !watch->recursive) ||
		    strlen(watch->path) != length || memcmp(watch->path, path, length) != 0)
			continue;
		keep(batch_for(watch, actions), watch->limit, event->action, name);
	}
}

static void event_locked(struct volume *volume, const char *path, const struct event *event,
			 struct actions *actions)
{
	size_t length = strlen(path);
	bool is_parent = true;

	if (!length) /* the volume's root is in no directory */
		return;
	while (length) {
		while (length && path[length - 1] != '/')
			length--;
		length -= length ? 1 : 0;
		tell(volume, path, length, is_parent, event, actions);
		is_parent = false;
	}
}

void notify_event(struct volume *volume, const char *path, uint32_t action, uint32_t filter,
		  struct actions *actions)
{
	if (!atomic_load(&watch_count))
		return;
	pthread_mutex_lock(&watches_lock);
	event_locked(volume, path, &(struct event){ action, filter, 0 }, actions);
	pthread_mutex_unlock(&watches_lock);
}

/* NTFS changes a file as it moves it: who watches attributes or creation times, but no names, hears
 * of that. */
void notify_renamed(struct volume *volume, const char *from, const char *to, bool is_directory,
		    struct actions *actions)
{
	size_t directory = (size_t)(path_name(from) - from);
	bool stays = directory == (size_t)(path_name(to) - to) && !memcmp(from, to, directory);
	uint32_t names = is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
	const struct event old = { stays ? FILE_ACTION_RENAMED_OLD_NAME : FILE_ACTION_REMOVED,
				   names, 0 };
	const struct event new = { stays ? FILE_ACTION_RENAMED_NEW_NAME : FILE_ACTION_ADDED, names,
				   0 };
	const struct event changed = { FILE_ACTION_MODIFIED,
				       FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_CREATION,
				       names };

	if (!atomic_load(&watch_count))
		return;
	pthread_mutex_lock(&watches_lock);
	event_locked(volume, from, &old, actions);
	event_locked(volume, to, &new, actions);
	if (!is_directory)
		event_locked(volume, to, &changed, actions);
	pthread_mutex_unlock(&watches_lock);
}

void open_changed(struct open *open, uint32_t filter)
{
	struct caching_party by = caching_party_of_open(open);
	struct volume_node cleanup(volume_node_put_ptr) *parent = NULL;
	struct actions actions = { 0 };
	struct file *base;
	char *path = NULL;

	if (!atomic_load(&watch_count) && !directory_leases_exist())
		return;
	base = open_base(open);
	pthread_mutex_lock(&base->lock);
	if (open->place) {
		path = xstrdup(open->place->path);
		parent = open->place->parent ? volume_node_get(open->place->parent) : NULL;
	}
	pthread_mutex_unlock(&base->lock);
	if (!path)
		return;
	if (open->facts.is_stream)
		filter = (filter & FILE_NOTIFY_CHANGE_SIZE ? FILE_NOTIFY_CHANGE_STREAM_SIZE : 0) |
			 (filter & FILE_NOTIFY_CHANGE_LAST_WRITE ? FILE_NOTIFY_CHANGE_STREAM_WRITE
								 : 0) |
			 (filter & ~(FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE));
	notify_event(base->node->volume, path,
		     open->facts.is_stream ? FILE_ACTION_MODIFIED_STREAM : FILE_ACTION_MODIFIED,
		     filter, &actions);
	directory_changed(parent, &by, &actions);
	free(path);
	actions_run(&actions);
}

/* ---- watches ---- */

static void bucket_remove(struct watch *watch)
{
	struct watch **at = bucket_of(watch->volume, watch->path, strlen(watch->path));

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
}

static void bucket_insert(struct watch *watch)
{
	struct watch **bucket = bucket_of(watch->volume, watch->path, strlen(watch->path));

	watch->next = *bucket;
	*bucket = watch;
}

static void given_free(struct given **at)
{
	struct given *given = *at;

	*at = given->next;
	forget_changes(&given->batch);
	free(given);
}

static struct watch *watch_new(struct open *open, uint32_t filter, bool recursive, uint32_t room,
			       char *path)
{
	struct watch *watch;

	if (atomic_load(&watch_count) >= open_limits.max_watches)
		return NULL;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->open = open;
	watch->volume = open->file->node->volume;
	watch->path = path;
	watch->filter = filter;
	watch->recursive = recursive;
	watch->limit = min_u64(room, open_limits.max_notify_bytes);
	bucket_insert(watch);
	atomic_fetch_add(&watch_count, 1);
	return watch;
}

static void watch_free(struct watch *watch)
{
	bucket_remove(watch);
	forget_changes(&watch->kept);
	while (watch->given)
		given_free(&watch->given);
	free(watch->path);
	free(watch);
	atomic_fetch_sub(&watch_count, 1);
}

void notify_close(struct open *open, ntstatus status, struct actions *actions)
{
	if (!open->facts.is_directory)
		return;
	pthread_mutex_lock(&watches_lock);
	if (open->watch) {
		waiters_wake(&open->watch->waiters, status, actions);
		watch_free(open->watch);
		open->watch = NULL;
	}
	pthread_mutex_unlock(&watches_lock);
}

void notify_moved(struct file *file, const char *path)
{
	if (!atomic_load(&watch_count))
		return;
	pthread_mutex_lock(&file->lock);
	pthread_mutex_lock(&watches_lock);
	for (struct open *open = file->opens; open; open = open->file_next) {
		if (!open->watch)
			continue;
		bucket_remove(open->watch);
		free(open->watch->path);
		open->watch->path = xstrdup(path);
		bucket_insert(open->watch);
	}
	pthread_mutex_unlock(&watches_lock);
	pthread_mutex_unlock(&file->lock);
}

void notify_delete_pending(struct file *file, struct actions *actions)
{
	pthread_mutex_lock(&file->lock);
	pthread_mutex_lock(&watches_lock);
	for (struct open *open = file->opens; open; open = open->file_next)
		if (open->watch)
			waiters_wake(&open->watch->waiters, STATUS_DELETE_PENDING, actions);
	pthread_mutex_unlock(&watches_lock);
	pthread_mutex_unlock(&file->lock);
}

/* ---- the request ---- */

/* What is in @batch, as far as @room goes: all of it, or the advice to look for oneself. */
static ntstatus tell_batch(struct batch *batch, uint32_t room, struct buf *out)
{
	size_t begin = out->len, previous = SIZE_MAX;
	ntstatus status = batch->overflowed ? STATUS_NOTIFY_ENUM_DIR : STATUS_SUCCESS;

	for (struct change *change = batch->first; status == STATUS_SUCCESS && change;
	     change = change->next)
		if (fscc_notify_entry(change->action, change->name, begin, room, &previous, out) !=
		    STATUS_SUCCESS)
			status = STATUS_NOTIFY_ENUM_DIR;
	if (status != STATUS_SUCCESS)
		out->len = begin;
	forget_changes(batch);
	return status;
}

static ntstatus ask(struct open *open, uint32_t filter, bool recursive, uint32_t room,
		    struct waiter *waiter, struct buf *out, char **path)
{
	struct watch *watch = open->watch;
	ntstatus status;

	if (open_state(open) != OPEN_LIVE)
		return STATUS_FILE_CLOSED;
	if (!watch) {
		watch = open->watch = watch_new(open, filter, recursive, room, *path);
		if (!watch)
			return STATUS_INSUFFICIENT_RESOURCES;
		*path = NULL;
	}
	for (struct given **at = &watch->given; *at; at = &(*at)->next) {
		if ((*at)->waiter != waiter)
			continue;
		status = tell_batch(&(*at)->batch, room, out);
		given_free(at);
		return status;
	}
	if (watch->kept.first || watch->kept.overflowed)
		return tell_batch(&watch->kept, room, out);
	waiter_enqueue(&watch->waiters, waiter);
	return STATUS_PENDING;
}

/* @given goes to the one that has waited longest, or is kept: where something later is kept
 * already, who asks next is to look for himself. */
static void pass_on(struct watch *watch, struct given **at, struct actions *actions)
{
	struct given *given = *at;
	struct waiter *next = waiter_take_first(&watch->waiters);

	if (next) {
		given->waiter = next;
		actions_wake(actions, next, STATUS_SUCCESS);
		return;
	}
	if (watch->kept.first || watch->kept.overflowed) {
		overflow(&watch->kept);
	} else {
		watch->kept = given->batch;
		given->batch = (struct batch){ 0 };
	}
	given_free(at);
}

void open_notify_end(struct open *open, const struct waiter *waiter)
{
	struct actions actions = { 0 };
	struct given **at;

	pthread_mutex_lock(&watches_lock);
	if (open->watch) {
		at = &open->watch->given;
		while (*at && (*at)->waiter != waiter)
			at = &(*at)->next;
		if (*at)
			pass_on(open->watch, at, &actions);
	}
	pthread_mutex_unlock(&watches_lock);
	actions_run(&actions);
}

ntstatus open_notify(struct open *open, uint32_t filter, bool recursive, uint32_t room,
		     struct waiter *waiter, struct buf *out)
{
	struct file *file = open->file;
	char auto_free *path = NULL;
	ntstatus status;

	if (!open->facts.is_directory)
		return STATUS_INVALID_PARAMETER;
	if (!(open->facts.granted_access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	pthread_mutex_lock(&file->lock);
	if (!open->place) {
		status = STATUS_FILE_CLOSED;
	} else if (file->delete_pending) {
		status = STATUS_DELETE_PENDING;
	} else {
		path = xstrdup(open->place->path);
		pthread_mutex_lock(&watches_lock);
		status = ask(open, filter, recursive, room, waiter, out, &path);
		pthread_mutex_unlock(&watches_lock);
	}
	pthread_mutex_unlock(&file->lock);
	return status;
}
