// SPDX-License-Identifier: Apache-2.0
/*
 * An open: what it knows of itself, its share in its file, and its end. Its id is given out by
 * open_table.c; many at once are ended and listed by open_many.c.
 *
 * An open has one reference of the table, from open_enter to its end, and those of its users.
 */
#include "opens.h"

/* What FileModeInformation says of how a file was opened (MS-FSCC 2.4.31). */
#define MODE_OPTIONS                                                                               \
	(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |              \
	 FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE)

static atomic_uint open_total;

struct open_limits open_limits = {
	.max_opens_per_server = 1000000,
	.break_timeout_ms = 35000,
	.max_locks_per_file = 100000,
	.max_waiting_locks_per_file = 1024,
	.max_notify_bytes = 65536,
	.max_watches = 100000,
	.max_disconnected_opens = 65536,
	.max_disconnected_opens_per_client = 8192,
	.max_disconnected_opens_per_user = 16384,
	.durable_v1_timeout_ms = 960000,
	.durable_timeout_ms = 60000,
	.max_durable_timeout_ms = 300000,
	.resilient_timeout_ms = 120000,
	.max_resilient_timeout_ms = 300000,
	.max_return_wait_ms = 10000,
};

struct open *open_new(const struct open_request *request)
{
	struct open *open;

	if (atomic_fetch_add(&open_total, 1) >= open_limits.max_opens_per_server) {
		atomic_fetch_sub(&open_total, 1);
		return NULL;
	}
	open = calloc(1, sizeof(*open));
	if (!open) {
		atomic_fetch_sub(&open_total, 1);
		return NULL;
	}
	open->refs = 1;
	open->share = share_get(request->share);
	open->token = token_get((struct token *)request->token);
	open->identity = request->identity ? identity_get(request->identity) : NULL;
	pthread_mutex_init(&open->lock, NULL);
	open->facts.share = open->share;
	open->facts.session_id = request->session_id;
	open->facts.tree_id = request->tree_id;
	open->facts.client_guid = request->client_guid;
	open->facts.share_access = request->share_access;
	open->facts.options = request->options;
	open->mode = request->options & MODE_OPTIONS;
	open->delete_on_close = request->options & FILE_DELETE_ON_CLOSE;
	durable_note(open, request);
	if (request->dialect >= SMB2_DIALECT_300)
		channel_set(open, request->channel_sequence);
	return open;
}

static void open_free(struct open *open)
{
	atomic_fetch_sub(&open_total, 1);
	if (open->listing)
		volume_list_free(open->listing);
	free(open->pattern);
	free(open->lock_sequences);
	file_put(open->file);
	identity_put(open->identity);
	token_put(open->token);
	share_put(open->share);
	pthread_mutex_destroy(&open->lock);
	free(open);
}

struct open *open_get(struct open *open)
{
	atomic_fetch_add(&open->refs, 1);
	return open;
}

void open_put(struct open *open)
{
	if (open && atomic_fetch_sub(&open->refs, 1) == 1)
		open_free(open);
}

void open_put_ptr(struct open **open)
{
	open_put(*open);
}

const struct open_facts *open_facts(const struct open *open)
{
	return &open->facts;
}

const struct token *open_token(const struct open *open)
{
	return open->token;
}

const struct token *open_acts_as(const struct open *open)
{
	return open->identity ? identity_token(open->identity) : open->token;
}

uint64_t open_position(const struct open *open)
{
	return atomic_load_explicit(&open->position, memory_order_relaxed);
}

void open_set_position(struct open *open, uint64_t position)
{
	atomic_store_explicit(&open->position, position, memory_order_relaxed);
}

void open_lock(struct open *open)
{
	pthread_mutex_lock(&open->lock);
}

void open_unlock(struct open *open)
{
	pthread_mutex_unlock(&open->lock);
}

struct file *open_base(const struct open *open)
{
	return open->file->base ? open->file->base : open->file;
}

void open_lock_files(struct open *open)
{
	if (open->file->base)
		pthread_mutex_lock(&open->file->base->lock);
	pthread_mutex_lock(&open->file->lock);
}

void open_unlock_files(struct open *open)
{
	pthread_mutex_unlock(&open->file->lock);
	if (open->file->base)
		pthread_mutex_unlock(&open->file->base->lock);
}

/* The part of @path beneath the share's own. */
static const char *beneath_share(const struct share *share, const char *path)
{
	size_t length = strlen(share->path);

	if (!length)
		return path;
	return strlen(path) <= length ? "" : path + length + 1;
}

char *open_live_path(struct open *open)
{
	struct file *base = open_base(open);
	char *path;

	pthread_mutex_lock(&base->lock);
	path = open->place ? xstrdup(open->place->path) : NULL;
	pthread_mutex_unlock(&base->lock);
	return path;
}

char *open_volume_path(struct open *open)
{
	char *path = open_live_path(open);

	return path ? path : xstrdup("");
}

char *open_path(struct open *open)
{
	char auto_free *path = open_volume_path(open);
	const char *beneath = beneath_share(open->share, path);
	char *whole;

	if (!open->facts.is_stream)
		return xstrdup(beneath);
	pthread_mutex_lock(&open->file->lock);
	whole = xasprintf("%s:%s", beneath, open->file->stream);
	pthread_mutex_unlock(&open->file->lock);
	return whole;
}

/* ---- a file's opens ---- */

void open_attach(struct open *open, struct file *file, struct place *place)
{
	open->file = file;
	open->place = place;
	open->facts.node = file->node;
	open->facts.is_directory = file->node->is_directory;
	open->facts.is_stream = file->stream != NULL;
	open->file_previous = NULL;
	open->file_next = file->opens;
	if (file->opens)
		file->opens->file_previous = open;
	file->opens = open;
	file->open_count++;
}

void stream_attached(const struct open *open, struct file *base, int by)
{
	base->stream_opens += (uint32_t)by;
	if (!open->is_stat && !(open->facts.share_access & FILE_SHARE_DELETE))
		base->streams_kept += (uint32_t)by;
}

static void detach(struct open *open)
{
	struct file *file = open->file;

	if (open->file_previous)
		open->file_previous->file_next = open->file_next;
	else
		file->opens = open->file_next;
	if (open->file_next)
		open->file_next->file_previous = open->file_previous;
	file->open_count--;
}

void open_detach(struct open *open, struct actions *actions)
{
	struct file *file = open->file, *base = open_base(open);
	bool goes;

	if (base != file)
		pthread_mutex_lock(&base->lock);
	pthread_mutex_lock(&file->lock);
	notify_close(open, STATUS_NOTIFY_CLEANUP, actions);
	locks_release(open, actions);
	returning_end(open, STATUS_SUCCESS, actions);
	detach(open);
	if (open_state(open) != OPEN_NEW) /* its client knew of it */
		file->was_opened = base->was_opened = true;
	if (open->written)
		mark_archive(open);
	times_release(open);
	delete_at_close(open, actions);
	caching_release(open, actions);
	place_leave(base, open->place);
	open->place = NULL;
	goes = file->delete_pending && file->node->is_directory;
	pthread_mutex_unlock(&file->lock);
	if (base != file) {
		stream_attached(open, base, -1);
		delete_if_last(base, &(struct caching_party){ 0 }, actions);
		pthread_mutex_unlock(&base->lock);
	}
	if (goes)
		notify_delete_pending(file, actions);
}

ntstatus open_close(struct open *open, struct volume_attributes *attributes)
{
	struct actions actions = { 0 };
	bool was_parked = false, written;

	if (!open_move(open, OPEN_LIVE, OPEN_CLOSED)) {
		was_parked = open_move(open, OPEN_PARKED, OPEN_CLOSED);
		if (!was_parked)
			return STATUS_FILE_CLOSED;
	}
	open_table_leave(open);
	replay_forget(open);
	pthread_mutex_lock(&open->file->lock);
	write_time_end(open); /* its last write time is told by what is asked next */
	written = open->written;
	pthread_mutex_unlock(&open->file->lock);
	if (attributes && open_attributes(open, attributes) != STATUS_SUCCESS)
		*attributes = (struct volume_attributes){ 0 };
	if (written)
		open_changed(open, FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE);
	open_detach(open, &actions);
	/* From here on nobody makes it resilient, and whoever parked it has armed its timer. */
	durable_unlist(open);
	if (was_parked) {
		timer_disarm(&open->durable.scavenger);
		parked_release(open);
	}
	actions_run(&actions);
	open_put(open);
	return STATUS_SUCCESS;
}
