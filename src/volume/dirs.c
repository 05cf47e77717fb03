// SPDX-License-Identifier: Apache-2.0
/*
 * Directories kept open between walks, so that opening a file in one costs no walk to it: one slot
 * a hash, the newcomer takes it. A slot answers for a second at most, which bounds how long a
 * directory that something outside moved is still found at its old path; our own moves and removals
 * forget at once.
 */
#include "private.h"

static struct dir_slot *slot_of(struct volume *volume, const struct volume_key *root,
				const char *path)
{
	uint64_t hash = hash_bytes(path, strlen(path)) ^ key_hash(root);

	return &volume->dirs.slots[hash % VOLUME_DIRS];
}

/* slot_clear - the node that the slot held, for the caller to put when the lock is gone. */
static struct volume_node *slot_clear(struct volume *volume, struct dir_slot *slot)
{
	struct volume_node *node = slot->node;

	if (node)
		volume->dirs.used--;
	free(slot->asked);
	free(slot->path);
	memset(slot, 0, sizeof(*slot));
	return node;
}

struct volume_node *dirs_find(struct volume_node *root, const char *path, char **disk_path)
{
	struct volume *volume = root->volume;
	struct dir_slot *slot = slot_of(volume, &root->key, path);
	struct volume_node *node = NULL;

	pthread_mutex_lock(&volume->dirs.lock);
	if (slot->node && key_equal(&slot->root, &root->key) && !strcmp(slot->asked, path) &&
	    slot->until_ms > monotonic_ms()) {
		node = volume_node_get(slot->node);
		*disk_path = xstrdup(slot->path);
	}
	pthread_mutex_unlock(&volume->dirs.lock);
	return node;
}

uint64_t dirs_generation(struct volume *volume)
{
	return __atomic_load_n(&volume->dirs.generation, __ATOMIC_ACQUIRE);
}

void dirs_keep(struct volume_node *root, const char *path, const char *disk_path,
	       struct volume_node *node, uint64_t generation)
{
	struct volume *volume = root->volume;
	struct dir_slot *slot = slot_of(volume, &root->key, path);
	struct volume_node *old;

	pthread_mutex_lock(&volume->dirs.lock);
	if (volume->live || volume->dirs.generation != generation) { /* a node here would keep a
								      * snapshot open */
		pthread_mutex_unlock(&volume->dirs.lock);
		return;
	}
	old = slot_clear(volume, slot);
	volume->dirs.used++;
	*slot = (struct dir_slot){
		.root = root->key,
		.asked = xstrdup(path),
		.path = xstrdup(disk_path),
		.node = volume_node_get(node),
		.until_ms = monotonic_ms() + VOLUME_DIRS_MS,
	};
	pthread_mutex_unlock(&volume->dirs.lock);
	volume_node_put(old);
}

void dirs_forget(struct volume *volume, const struct volume_key *key)
{
	struct volume_node *gone[VOLUME_DIRS];
	size_t count = 0;

	pthread_mutex_lock(&volume->dirs.lock);
	__atomic_add_fetch(&volume->dirs.generation, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < VOLUME_DIRS && volume->dirs.used; i++) {
		struct dir_slot *slot = &volume->dirs.slots[i];

		if (slot->node && (!key || key_equal(&slot->node->key, key)))
			gone[count++] = slot_clear(volume, slot);
	}
	pthread_mutex_unlock(&volume->dirs.lock);
	for (size_t i = 0; i < count; i++)
		volume_node_put(gone[i]);
}
