// SPDX-License-Identifier: Apache-2.0
/*
 * How many opens are parked, on this node, for each client and for each user: opens without a
 * connection are not held back by what a connection may hold.
 *
 * parked_lock, a leaf, guards the counts.
 */
#include "opens.h"

#define BUCKETS	  256u
#define KEY_BYTES (sizeof(uint64_t) + 7 + 4 * SID_MAX_SUBS)

struct tally {
	struct tally *next;
	enum { OF_CLIENT, OF_USER } kind;
	uint8_t key[KEY_BYTES];
	uint32_t count;
};

static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally *buckets[BUCKETS];
static uint32_t total;

static struct tally tally_of(const struct open *open, int kind)
{
	struct tally tally = { .kind = kind };

	if (kind == OF_CLIENT) {
		memcpy(tally.key, open->facts.client_guid.bytes, 16);
	} else {
		const struct sid *user = &open->token->user;

		memcpy(tally.key, &open->token->authority, sizeof(uint64_t));
		tally.key[8] = user->sub_count;
		memcpy(tally.key + 9, user->authority, 6);
		memcpy(tally.key + 15, user->sub, 4u * user->sub_count);
	}
	return tally;
}

static struct tally **find(const struct tally *like)
{
	struct tally **at = &buckets[hash_bytes(like->key, KEY_BYTES) % BUCKETS];

	while (*at && ((*at)->kind != like->kind || memcmp((*at)->key, like->key, KEY_BYTES) != 0))
		at = &(*at)->next;
	return at;
}

static bool take(const struct open *open, int kind, uint32_t limit)
{
	struct tally like = tally_of(open, kind), **at = find(&like);

	if (*at ? (*at)->count >= limit : !limit)
		return false;
	if (!*at) {
		*at = xalloc(1, sizeof(**at));
		**at = like;
	}
	(*at)->count++;
	return true;
}

static void release(const struct open *open, int kind)
{
	struct tally like = tally_of(open, kind), **at = find(&like), *found = *at;

	if (--found->count)
		return;
	*at = found->next;
	free(found);
}

bool parked_take(const struct open *open)
{
	bool taken = false;

	pthread_mutex_lock(&parked_lock);
	if (total < open_limits.max_disconnected_opens &&
	    take(open, OF_CLIENT, open_limits.max_disconnected_opens_per_client)) {
		taken = take(open, OF_USER, open_limits.max_disconnected_opens_per_user);
		if (!taken)
			release(open, OF_CLIENT);
	}
	total += taken;
	pthread_mutex_unlock(&parked_lock);
	return taken;
}

void parked_release(const struct open *open)
{
	pthread_mutex_lock(&parked_lock);
	release(open, OF_CLIENT);
	release(open, OF_USER);
	total--;
	pthread_mutex_unlock(&parked_lock);
}
