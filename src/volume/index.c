// SPDX-License-Identifier: Apache-2.0
/*
 * The case-folded index of a directory's names.
 *
 * It is built by one scan when a name is first missed as written, kept current by our own changes,
 * and trusted as long as the directory's ctime is the one it agrees with. The owner is alone on its
 * volume, so another ctime is rare: something outside changed the directory, and the index is built
 * anew.
 *
 * Our own changes move the ctime too. Asking for it after each would cost a system call a create;
 * instead the index remembers until when a newer ctime is our doing. Before each change names_begin
 * asks whether others were there first. What ctime cannot tell is a change from outside within one
 * tick of the kernel's clock as one of ours. So an index never says by itself that a name is
 * missing as written: the disk is asked first, and an index that does not know what is there goes.
 * In other case such a name is found after that, or after the next change of the directory.
 *
 * All indexes of a volume together stay under VOLUME_INDEX_BYTES, the least recently used go; a
 * directory that alone does not fit is scanned at each miss, without an index. What an index is
 * made of: index_table.h.
 */
#include <base/log.h>
#include <base/utf16.h>
#include <errno.h>
#include <fcntl.h>

#include "index_table.h"
#include "scan.h"

static struct names *stripe_of_key(struct volume *volume, const struct volume_key *key)
{
	return &volume->names[key_hash(key) % VOLUME_NAME_STRIPES];
}

struct names *names_of(const struct volume_node *directory)
{
	return stripe_of_key(directory->volume, &directory->key);
}

void names_lock(struct volume_node *directory)
{
	pthread_mutex_lock(&names_of(directory)->lock);
}

void names_unlock(struct volume_node *directory)
{
	pthread_mutex_unlock(&names_of(directory)->lock);
}

void names_lock2(struct volume_node *a, struct volume_node *b)
{
	struct names *x = names_of(a);
	struct names *y = names_of(b);

	pthread_mutex_lock(x < y ? &x->lock : &y->lock);
	if (x != y)
		pthread_mutex_lock(x < y ? &y->lock : &x->lock);
}

void names_unlock2(struct volume_node *a, struct volume_node *b)
{
	struct names *x = names_of(a);
	struct names *y = names_of(b);

	pthread_mutex_unlock(&x->lock);
	if (x != y)
		pthread_mutex_unlock(&y->lock);
}

static uint64_t tick(struct volume *volume)
{
	return __atomic_add_fetch(&volume->clock, 1, __ATOMIC_RELAXED);
}

static struct index *index_of(struct names *stripe, const struct volume_key *key)
{
	for (struct index *index = stripe->indexes; index; index = index->next)
		if (key_equal(&index->key, key))
			return index;
	return NULL;
}

static void account(struct volume *volume, size_t before, size_t after)
{
	__atomic_add_fetch(&volume->index_bytes, after - before, __ATOMIC_RELAXED);
}

static void index_unlink(struct volume *volume, struct names *stripe, struct index *index)
{
	struct index **at = &stripe->indexes;

	while (*at != index)
		at = &(*at)->next;
	*at = index->next;
	account(volume, index_size(index), 0);
	index_free(index);
}

/* index_evict - the least recently used of all stripes goes; @held is locked by the caller. False:
 * there is none. */
static bool index_evict(struct volume *volume, struct names *held, const struct index *keep)
{
	struct names *oldest_stripe = NULL;
	uint64_t oldest = UINT64_MAX;
	bool gone = false;

	for (size_t i = 0; i < VOLUME_NAME_STRIPES; i++) {
		struct names *stripe = &volume->names[i];

		if (stripe != held && pthread_mutex_trylock(&stripe->lock))
			continue;
		for (struct index *index = stripe->indexes; index; index = index->next)
			if (index != keep && index->last_use < oldest)
				oldest = index->last_use, oldest_stripe = stripe;
		if (stripe != held)
			pthread_mutex_unlock(&stripe->lock);
	}
	if (!oldest_stripe ||
	    (oldest_stripe != held && pthread_mutex_trylock(&oldest_stripe->lock)))
		return false;
	for (struct index *index = oldest_stripe->indexes; index && !gone; index = index->next)
		if (index != keep && index->last_use == oldest) {
			index_unlink(volume, oldest_stripe, index);
			gone = true;
			break;
		}
	if (oldest_stripe != held)
		pthread_mutex_unlock(&oldest_stripe->lock);
	return gone;
}

static void index_keep_limit(struct volume *volume, struct names *held, const struct index *keep)
{
	while (__atomic_load_n(&volume->index_bytes, __ATOMIC_RELAXED) > volume->index_limit)
		if (!index_evict(volume, held, keep))
			return;
}

static void index_link(struct volume *volume, struct names *stripe, struct index *index)
{
	index->next = stripe->indexes;
	index->changes = tick(volume);
	index->last_use = index->changes;
	stripe->indexes = index;
	account(volume, 0, index_size(index));
	index_keep_limit(volume, stripe, index);
}

static nttime ctime_of(const struct statx *st)
{
	return nttime_from_timespec((struct timespec){ .tv_sec = st->stx_ctime.tv_sec,
						       .tv_nsec = st->stx_ctime.tv_nsec });
}

/* index_build - by one scan. -EFBIG: it would not fit in memory. */
static int index_build(struct volume_node *directory, struct index **out)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = -1 };
	struct index *index = index_new(&directory->key);
	struct statx st;
	const char *name;
	int error = index ? sys.statx(directory->fd, "", &st) : -ENOMEM;

	*out = NULL;
	if (!error)
		error = scan_begin(&scan, directory);
	while (!error && (error = scan_next(&scan, &name, NULL)) > 0) {
		error = 0;
		if (!index_add(index, name) || index_size(index) > directory->volume->index_limit)
			error = -EFBIG;
	}
	if (error) {
		if (index)
			index_free(index);
		return error;
	}
	index->seen = ctime_of(&st);
	*out = index;
	return 0;
}

/* index_agrees - does the directory still look as the index left it? */
static bool index_agrees(struct volume_node *directory, struct index *index)
{
	struct statx st;
	nttime now;

	if (sys.statx(directory->fd, "", &st))
		return false;
	now = ctime_of(&st);
	if (now.ticks != index->seen.ticks &&
	    (!index->own_until.ticks || now.ticks > index->own_until.ticks))
		return false;
	index->seen = now;
	index->own_until = nttime_of(0);
	return true;
}

/* index_current - an index that agrees with the disk, built where it must be. */
static int index_current(struct volume_node *directory, struct index **out)
{
	struct names *stripe = names_of(directory);
	struct index *index = index_of(stripe, &directory->key);
	int error;

	*out = index;
	if (index && index_agrees(directory, index)) {
		index->last_use = tick(directory->volume);
		return 0;
	}
	if (index)
		index_unlink(directory->volume, stripe, index);
	error = index_build(directory, out);
	if (!error)
		index_link(directory->volume, stripe, *out);
	return error;
}

/* scan_find - without an index, for a directory that none fits. */
static int scan_find(struct volume_node *directory, const char *name, char **found)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = -1 };
	const char *at;
	int more = scan_begin(&scan, directory);

	if (more < 0)
		return more;
	while ((more = scan_next(&scan, &at, NULL)) > 0)
		if (!name_compare(at, name)) {
			*found = xstrdup(at);
			return 0;
		}
	return more;
}

/* find_locked - *found: the name on disk, NULL where there is none. */
static int find_locked(struct volume_node *directory, const char *name, char **found,
		       uint64_t *changes)
{
	struct index *index;
	const char *there;
	int error = index_current(directory, &index);

	if (error == -EFBIG)
		return scan_find(directory, name, found);
	if (error)
		return error;
	there = index_find(index, name);
	if (there)
		*found = xstrdup(there);
	else if (changes)
		*changes = index->changes;
	return 0;
}

int names_find(struct volume_node *directory, const char *name, char **found, uint64_t *changes)
{
	int error;

	*found = NULL;
	if (changes)
		*changes = 0;
	names_lock(directory);
	error = find_locked(directory, name, found, changes);
	names_unlock(directory);
	return error;
}

bool names_unknown(struct volume_node *directory, const char *name, uint64_t *changes)
{
	struct index *index;
	bool unknown;

	names_lock(directory);
	index = index_of(names_of(directory), &directory->key);
	unknown = index && index_agrees(directory, index) && !index_find(index, name);
	if (unknown) {
		index->last_use = tick(directory->volume);
		*changes = index->changes;
	}
	names_unlock(directory);
	return unknown;
}

void names_opened(struct volume_node *directory, const char *name)
{
	struct names *stripe = names_of(directory);
	struct index *index;
	struct statx st;

	names_lock(directory);
	index = index_of(stripe, &directory->key);
	if (index && !index_has(index, name) && !sys.statx(directory->fd, name, &st))
		index_unlink(directory->volume, stripe, index);
	names_unlock(directory);
}

bool names_gone(struct volume_node *directory, const char *name)
{
	struct names *stripe = names_of(directory);
	struct index *index;
	struct statx st;
	bool wrong;

	names_lock(directory);
	index = index_of(stripe, &directory->key);
	wrong = index && index_has(index, name) && sys.statx(directory->fd, name, &st) == -ENOENT;
	if (wrong)
		index_unlink(directory->volume, stripe, index);
	names_unlock(directory);
	return wrong;
}

int names_absent(struct volume_node *directory, const char *name, uint64_t changes)
{
	struct index *index = index_of(names_of(directory), &directory->key);
	auto_free char *found = NULL;
	int error;

	if (changes && index && index->changes == changes)
		return 0;
	error = find_locked(directory, name, &found, NULL);
	return error ? error : found ? -EEXIST : 0;
}

void names_begin(struct volume_node *directory)
{
	struct names *stripe = names_of(directory);
	struct index *index = index_of(stripe, &directory->key);

	if (index && !index_agrees(directory, index))
		index_unlink(directory->volume, stripe, index);
}

void names_touched(struct volume_node *directory)
{
	struct index *index = index_of(names_of(directory), &directory->key);

	if (index)
		index->own_until = nttime_now();
}

void names_added(struct volume_node *directory, const char *name)
{
	struct names *stripe = names_of(directory);
	struct index *index = index_of(stripe, &directory->key);
	size_t before;
	bool added;

	if (!index)
		return;
	before = index_size(index);
	added = index_add(index, name);
	account(directory->volume, before, index_size(index));
	if (!added || index_size(index) > directory->volume->index_limit) {
		index_unlink(directory->volume, stripe, index);
		return;
	}
	index->changes = tick(directory->volume);
	index->own_until = nttime_now();
	index_keep_limit(directory->volume, stripe, index);
}

void names_removed(struct volume_node *directory, const char *name)
{
	struct index *index = index_of(names_of(directory), &directory->key);

	if (!index)
		return;
	index_remove(index, name);
	index->changes = tick(directory->volume);
	index->own_until = nttime_now();
}

void names_drop(struct volume *volume, const struct volume_key *key)
{
	struct names *stripe = stripe_of_key(volume, key);
	struct index *index = index_of(stripe, key);

	if (index)
		index_unlink(volume, stripe, index);
}

void names_empty(struct volume_node *parent, struct volume_node *directory, const struct statx *st)
{
	struct names *stripe = names_of(directory);
	bool is_held = stripe == names_of(parent);
	struct index *index;

	if (!is_held && pthread_mutex_trylock(&stripe->lock))
		return; /* the first miss will build it */
	index = index_of(stripe, &directory->key) ? NULL : index_new(&directory->key);
	if (index) {
		index->seen = ctime_of(st);
		index_link(directory->volume, stripe, index);
	}
	if (!is_held)
		pthread_mutex_unlock(&stripe->lock);
}

void names_free(struct volume *volume)
{
	for (size_t i = 0; i < VOLUME_NAME_STRIPES; i++) {
		struct names *stripe = &volume->names[i];

		while (stripe->indexes)
			index_unlink(volume, stripe, stripe->indexes);
		pthread_mutex_destroy(&stripe->lock);
		pthread_cond_destroy(&stripe->made);
	}
}
