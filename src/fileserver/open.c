// SPDX-License-Identifier: Apache-2.0
/*
 * Opens: their ids, whose they are, and their end.
 *
 * The table of ids has shards; all opens of a session are in the shard of its hash, so that its end
 * looks at one shard. A volatile id is a slot and a random generation in one, so that an id that
 * was never given out, or whose open is gone, finds nothing. Under shard->lock is only the table
 * and the list of the shard's opens.
 *
 * An open has one reference of the table, from open_enter to its end, and those of its users.
 */
#include "opens.h"

/* What FileModeInformation says of how a file was opened (MS-FSCC 2.4.31). */
#define MODE_OPTIONS                                                                               \
	(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |              \
	 FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE)

#define SHARDS	    64u
#define SHARD_BITS  6
#define SLOT_BITS   32
#define FIRST_SLOTS 16u

struct slot {
	struct open *open;
	uint32_t generation;
	uint32_t next_free; /* index + 1; 0: none */
};
static struct shard {
	pthread_mutex_t lock;
	struct slot *slots;
	uint32_t slot_count, first_free;
	struct open *opens;
} shards[SHARDS] = { [0 ... SHARDS - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static atomic_uint_fast64_t next_persistent;
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

static uint32_t shard_index(uint64_t session_id)
{
	return (uint32_t)(session_id * 0x9e3779b97f4a7c15u >> 40) % SHARDS;
}

/* ---- one open ---- */

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

/* ---- the table ---- */

static bool shard_grow(struct shard *shard)
{
	uint32_t count = shard->slot_count ? shard->slot_count * 2 : FIRST_SLOTS;
	struct slot *slots = realloc(shard->slots, count * sizeof(*slots));

	if (!slots)
		return false;
	memset(slots + shard->slot_count, 0, (count - shard->slot_count) * sizeof(*slots));
	for (uint32_t i = count; i-- > shard->slot_count;) {
		slots[i].next_free = shard->first_free;
		shard->first_free = i + 1;
	}
	shard->slots = slots;
	shard->slot_count = count;
	return true;
}

/* A generation is never 0 nor all ones, so that no id is 0 or the one that means "the previous
 * request's". */
static uint32_t next_generation(uint32_t last)
{
	uint32_t generation = last ? last * 1664525u + 1013904223u : (uint32_t)random_u64();

	return generation == 0 || generation == UINT32_MAX ? 1 : generation;
}

static void table_insert(struct shard *shard, struct open *open, uint32_t index)
{
	uint32_t at = shard->first_free - 1;
	struct slot *slot = &shard->slots[at];

	shard->first_free = slot->next_free;
	slot->generation = next_generation(slot->generation);
	slot->open = open;
	open->facts.id.volatile_id =
		(uint64_t)slot->generation << SLOT_BITS | (uint64_t)at << SHARD_BITS | index;
	open->session_previous = NULL;
	open->session_next = shard->opens;
	if (shard->opens)
		shard->opens->session_previous = open;
	shard->opens = open;
}

ntstatus open_enter(struct open *open)
{
	uint32_t index = shard_index(open->facts.session_id);
	struct shard *shard = &shards[index];
	bool entered = true;

	if (!next_persistent) {
		uint_fast64_t none = 0;

		atomic_compare_exchange_strong(&next_persistent, &none, random_u64() >> 1 | 1);
	}
	if (!open->facts.id.persistent) /* one that comes back keeps it */
		open->facts.id.persistent = atomic_fetch_add(&next_persistent, 1);
	if (open->durable.kind != DURABLE_NOT)
		durable_list(open);
	pthread_mutex_lock(&shard->lock);
	if (!shard->first_free)
		entered = shard->slot_count < 1u << 25 && shard_grow(shard);
	if (entered) {
		open_get(open);
		table_insert(shard, open, index);
		BUG_ON(!open_move(open, OPEN_NEW, OPEN_LIVE));
	}
	pthread_mutex_unlock(&shard->lock);
	if (!entered) {
		durable_unlist(open);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	memcpy(open->facts.resume_key, &open->facts.id, sizeof(open->facts.id));
	return STATUS_SUCCESS;
}

/* The slot of a volatile id, shard->lock held; NULL where the id is not one that is in use. */
static struct slot *slot_of(struct shard *shard, uint64_t id)
{
	uint32_t at = (uint32_t)id >> SHARD_BITS;
	struct slot *slot = at < shard->slot_count ? &shard->slots[at] : NULL;

	return slot && slot->open && slot->generation == (uint32_t)(id >> SLOT_BITS) ? slot : NULL;
}

static struct open *find_volatile(uint64_t id)
{
	struct shard *shard = &shards[id % SHARDS];
	struct open *open = NULL;
	struct slot *slot;

	pthread_mutex_lock(&shard->lock);
	slot = slot_of(shard, id);
	if (slot)
		open = open_get(slot->open);
	pthread_mutex_unlock(&shard->lock);
	return open;
}

struct open *open_find(const struct smb2_file_id *id, uint64_t session_id, uint32_t tree_id)
{
	struct open *open = find_volatile(id->volatile_id);

	if (open && (open_state(open) != OPEN_LIVE || open->facts.id.persistent != id->persistent ||
		     open->facts.session_id != session_id || open->facts.tree_id != tree_id)) {
		open_put(open);
		return NULL;
	}
	return open;
}

void open_table_leave(struct open *open)
{
	struct shard *shard = &shards[open->facts.id.volatile_id % SHARDS];
	struct slot *slot;

	pthread_mutex_lock(&shard->lock);
	slot = slot_of(shard, open->facts.id.volatile_id);
	BUG_ON(!slot || slot->open != open);
	slot->open = NULL;
	slot->next_free = shard->first_free;
	shard->first_free = (uint32_t)(slot - shard->slots) + 1;
	if (open->session_previous)
		open->session_previous->session_next = open->session_next;
	else
		shard->opens = open->session_next;
	if (open->session_next)
		open->session_next->session_previous = open->session_previous;
	pthread_mutex_unlock(&shard->lock);
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
	bool was_parked = false;

	if (!open_move(open, OPEN_LIVE, OPEN_CLOSED)) {
		was_parked = open_move(open, OPEN_PARKED, OPEN_CLOSED);
		if (!was_parked)
			return STATUS_FILE_CLOSED;
	}
	open_table_leave(open);
	replay_forget(open);
	pthread_mutex_lock(&open->file->lock);
	write_time_end(open); /* its last write time is told by what is asked next */
	pthread_mutex_unlock(&open->file->lock);
	if (attributes && open_attributes(open, attributes) != STATUS_SUCCESS)
		*attributes = (struct volume_attributes){ 0 };
	if (open->written)
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

/* ---- many opens at once ---- */

struct choice {
	uint64_t session_id;
	uint32_t tree_id;
	const struct server *server;
	const struct share *share;
	bool by_session, by_tree;
};

static bool chosen(const struct open *open, const struct choice *choice)
{
	if (choice->by_session && open->facts.session_id != choice->session_id)
		return false;
	if (choice->by_tree &&
	    (open->facts.tree_id != choice->tree_id || open_state(open) != OPEN_LIVE))
		return false;
	if (choice->server && open->share->server != choice->server)
		return false;
	return !choice->share || open->share == choice->share;
}

/* References to the opens of one shard that are chosen, in an array for the caller to free. */
static size_t collect(struct shard *shard, const struct choice *choice, struct open ***out)
{
	size_t count = 0, cap = 0;

	*out = NULL;
	pthread_mutex_lock(&shard->lock);
	for (struct open *open = shard->opens; open; open = open->session_next) {
		if (!chosen(open, choice))
			continue;
		if (count == cap) {
			struct open **grown = xalloc(cap ? cap * 2 : 16, sizeof(*grown));

			if (count)
				memcpy(grown, *out, count * sizeof(*grown));
			free(*out);
			*out = grown;
			cap = cap ? cap * 2 : 16;
		}
		(*out)[count++] = open_get(open);
	}
	pthread_mutex_unlock(&shard->lock);
	return count;
}

static void close_chosen(struct shard *shard, const struct choice *choice, bool keep_durable)
{
	struct open **opens;
	size_t count = collect(shard, choice, &opens);

	for (size_t i = 0; i < count; i++) {
		bool is_kept = keep_durable &&
			       (open_state(opens[i]) == OPEN_PARKED || durable_park(opens[i]));

		/* STATUS_FILE_CLOSED: a close that came at the same time did it. */
		if (!is_kept)
			(void)!open_close(opens[i], NULL);
		open_put(opens[i]);
	}
	free(opens);
}

void open_close_tree(uint64_t session_id, uint32_t tree_id)
{
	struct choice choice = {
		.session_id = session_id, .tree_id = tree_id, .by_session = true, .by_tree = true
	};

	close_chosen(&shards[shard_index(session_id)], &choice, false);
}

void open_close_session(uint64_t session_id, bool keep_durable)
{
	struct choice choice = { .session_id = session_id, .by_session = true };

	close_chosen(&shards[shard_index(session_id)], &choice, keep_durable);
}

void open_close_server(struct server *server)
{
	struct choice choice = { .server = server };

	for (size_t i = 0; i < SHARDS; i++)
		close_chosen(&shards[i], &choice, false);
	descriptors_changed(); /* another node may change them before the volume comes back */
}

void open_close_share(struct share *share)
{
	struct choice choice = { .share = share };

	for (size_t i = 0; i < SHARDS; i++)
		close_chosen(&shards[i], &choice, false);
}

bool open_force_close(uint64_t id)
{
	struct open cleanup(open_put_ptr) *open = find_volatile(id);

	return open && open_close(open, NULL) == STATUS_SUCCESS;
}

static const char *const durable_names[] = {
	[DURABLE_NOT] = "no",
	[DURABLE_V1] = "v1",
	[DURABLE_V2] = "v2",
	[DURABLE_RESILIENT] = "resilient",
};

static void list_one(struct open *open, struct open_listing_row *row)
{
	char auto_free *path = open_path(open);

	for (char *at = path; *at; at++)
		if (*at == '/')
			*at = '\\';
	*row = (struct open_listing_row){
		.id = open->facts.id.volatile_id,
		.session_id = open->facts.session_id,
		.path = xasprintf("\\%s%s%s", open->share->name, *path ? "\\" : "", path),
		.user = token_full_name(open->token),
		.granted_access = open->facts.granted_access,
	};
	pthread_mutex_lock(&open->file->lock);
	caching_facts(open, &row->oplock_level, &row->lease_state);
	row->locks = locks_of(open);
	row->durable = durable_names[open->durable.kind];
	row->timeout_ms = open->durable.timeout_ms;
	row->is_disconnected = open_state(open) == OPEN_PARKED;
	if (row->is_disconnected)
		row->disconnected_ms = monotonic_ms() - open->durable.parked_ms;
	pthread_mutex_unlock(&open->file->lock);
}

size_t open_list(struct server *server, struct open_listing_row **out)
{
	struct choice choice = { .server = server };
	struct open_listing_row *rows = NULL;
	size_t count = 0;

	for (size_t i = 0; i < SHARDS; i++) {
		struct open **opens;
		size_t more = collect(&shards[i], &choice, &opens);
		struct open_listing_row *grown = xalloc(count + more + 1, sizeof(*grown));

		if (count)
			memcpy(grown, rows, count * sizeof(*rows));
		free(rows);
		rows = grown;
		for (size_t k = 0; k < more; k++) {
			if (open_state(opens[k]) == OPEN_LIVE ||
			    open_state(opens[k]) == OPEN_PARKED)
				list_one(opens[k], &rows[count++]);
			open_put(opens[k]);
		}
		free(opens);
	}
	*out = rows;
	return count;
}
