// SPDX-License-Identifier: Apache-2.0
/*
 * Replays of CREATE (MS-SMB2 3.3.5.9.10): a client that lost a channel before the answer came sends
 * its request again, with the same create GUID and the replay flag, and is given the open that the
 * first one made. What is remembered is which create GUIDs of which clients are under way, and
 * which have made an open that nothing else has been done with yet.
 *
 * replay_lock guards the table and what open->replay points to; it is a leaf. An entry belongs to
 * its request until that has made an open, and to the open from then on: it goes with the first
 * command that uses the open, or with the open.
 */
#include "opens.h"

#define BUCKETS 4096u

struct replay {
	struct replay *next;
	struct guid client_guid, create_guid;
	struct open *open; /* not counted: it takes the entry along when it ends; NULL: under way */
};

static pthread_mutex_t replay_lock = PTHREAD_MUTEX_INITIALIZER;
static struct replay *buckets[BUCKETS];

static struct replay **find(const struct guid *client_guid, const struct guid *create_guid)
{
	uint8_t both[32];
	struct replay **at;

	memcpy(both, client_guid->bytes, 16);
	memcpy(both + 16, create_guid->bytes, 16);
	at = &buckets[hash_bytes(both, sizeof(both)) % BUCKETS];
	while (*at && (!guid_equal(&(*at)->create_guid, create_guid) ||
		       !guid_equal(&(*at)->client_guid, client_guid)))
		at = &(*at)->next;
	return at;
}

static void drop(struct replay *replay)
{
	struct replay **at = find(&replay->client_guid, &replay->create_guid);

	BUG_ON(*at != replay);
	*at = replay->next;
	free(replay);
}

static ntstatus seen(const struct replay *replay, bool is_replay, struct open **found)
{
	if (!is_replay)
		return STATUS_DUPLICATE_OBJECTID;
	if (!replay->open)
		return STATUS_FILE_NOT_AVAILABLE;
	*found = open_get(replay->open);
	return STATUS_SUCCESS;
}

ntstatus replay_begin(const struct open_request *request, struct open **found)
{
	const struct smb2_create_contexts *contexts = request->contexts;
	ntstatus status = STATUS_SUCCESS;
	struct replay **at;

	*found = NULL;
	if (!request->replay || *request->replay || request->dialect < SMB2_DIALECT_300 ||
	    !contexts || !contexts->durable.request_v2)
		return STATUS_SUCCESS;
	pthread_mutex_lock(&replay_lock);
	at = find(&request->client_guid, &contexts->durable.create_guid);
	if (*at) {
		status = seen(*at, request->is_replay, found);
	} else {
		*at = xalloc(1, sizeof(**at));
		(*at)->client_guid = request->client_guid;
		(*at)->create_guid = contexts->durable.create_guid;
		*request->replay = *at;
	}
	pthread_mutex_unlock(&replay_lock);
	return status;
}

void replay_made(const struct open_request *request, struct open *open)
{
	struct replay *replay = request->replay ? *request->replay : NULL;

	if (!replay)
		return;
	*request->replay = NULL;
	pthread_mutex_lock(&replay_lock);
	if (open_state(open) == OPEN_LIVE) {
		replay->open = open;
		open->replay = replay;
	} else { /* closed already, by somebody else */
		drop(replay);
	}
	pthread_mutex_unlock(&replay_lock);
}

void replay_forget(struct open *open)
{
	struct replay *replay;

	if (!open->durable.has_create_guid)
		return;
	pthread_mutex_lock(&replay_lock);
	replay = atomic_exchange(&open->replay, NULL);
	if (replay)
		drop(replay);
	pthread_mutex_unlock(&replay_lock);
}

void open_used(struct open *open)
{
	if (atomic_load(&open->replay))
		replay_forget(open);
}

void open_replay_end(struct replay *replay)
{
	if (!replay)
		return;
	pthread_mutex_lock(&replay_lock);
	drop(replay);
	pthread_mutex_unlock(&replay_lock);
}
