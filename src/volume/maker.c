// SPDX-License-Identifier: Apache-2.0
/*
 * Files that have a name already, and no descriptor yet.
 *
 * Describing a file takes longer than making it, and everybody who makes or removes something in
 * the same directory would wait for it under the lock of its names. So the lock is given back in
 * between, and only who looks that very name up waits: without this, a second client could open
 * the file by the rights of its directory.
 *
 * The list of makers is guarded by the lock of the names it lies beside, and short: a thread is in
 * it once.
 */
#include "private.h"

void maker_begin(struct volume_node *directory, struct maker *maker, const char *name)
{
	struct names *names = names_of(directory);

	*maker = (struct maker){ &directory->key, name, names->makers };
	names->makers = maker;
}

void maker_end(struct volume_node *directory, struct maker *maker)
{
	struct names *names = names_of(directory);
	struct maker **at = &names->makers;

	while (*at != maker)
		at = &(*at)->next;
	*at = maker->next;
	pthread_cond_broadcast(&names->made);
}

static bool is_made(const struct names *names, const struct volume_key *directory, const char *name)
{
	for (const struct maker *maker = names->makers; maker; maker = maker->next)
		if (key_equal(maker->directory, directory) && !strcmp(maker->name, name))
			return true;
	return false;
}

void maker_wait(struct volume_node *directory, const char *name)
{
	struct names *names = names_of(directory);

	pthread_mutex_lock(&names->lock);
	while (is_made(names, &directory->key, name))
		pthread_cond_wait(&names->made, &names->lock);
	pthread_mutex_unlock(&names->lock);
}
