// SPDX-License-Identifier: Apache-2.0
/*
 * The table of opens by their volatile ids.
 *
 * It has shards; all opens of a session are in the shard of its hash, so that its end looks at one
 * shard. A volatile id is a slot and a random generation in one, so that an id that was never given
 * out, or whose open is gone, finds nothing. Under shard->lock is only the table and the list of
 * the shard's opens.
 */
#include "opens.h"

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
} shards[OPEN_SHARDS] = { [0 ... OPEN_SHARDS - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static atomic_uint_fast64_t next_persistent;

uint32_t open_table_shard(uint64_t session_id)
{
	return (uint32_t)(session_id * 0x9e3779b97f4a7c15u >> 40) % OPEN_SHARDS;
}

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
	uint32_t index = open_table_shard(open->facts.session_id);
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

struct open *open_table_find(uint64_t id)
{
	struct shard *shard = &shards[id % OPEN_SHARDS];
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
	struct open *open = open_table_find(id->volatile_id);

	if (open && (open_state(open) != OPEN_LIVE || open->facts.id.persistent != id->persistent ||
		     open->facts.session_id != session_id || open->facts.tree_id != tree_id)) {
		open_put(open);
		return NULL;
	}
	return open;
}

void open_table_leave(struct open *open)
{
	struct shard *shard = &shards[open->facts.id.volatile_id % OPEN_SHARDS];
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

static bool chosen(const struct open *open, const struct open_choice *choice)
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

size_t open_table_collect(uint32_t index, const struct open_choice *choice, struct open ***out)
{
	struct shard *shard = &shards[index];
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
