// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes and inodes. A node is a descriptor that somebody holds; the inode under it is shared by all
 * nodes of one file, so that what one handle sets the others see at once, without a system call.
 * An inode leaves its bucket with its last node, under the bucket's lock.
 */
#include <unistd.h>

#include "snapshot.h"

/* One allocation a node. */
struct node_whole {
	struct volume_node node;
	struct node_private private_part;
};

struct volume_key statx_key(const struct volume *volume, const struct statx *st)
{
	return (struct volume_key){
		.device = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
		.inode = st->stx_ino,
		.past = volume->taken.ticks,
	};
}

static uint32_t bucket_of(const struct volume_key *key)
{
	return (uint32_t)key_hash(key) % VOLUME_INODE_BUCKETS;
}

static struct inode *inode_get(struct volume *volume, const struct volume_key *key)
{
	uint32_t bucket = bucket_of(key);
	pthread_mutex_t *lock = &volume->inode_locks[bucket % VOLUME_INODE_LOCKS];
	struct inode *inode;

	pthread_mutex_lock(lock);
	for (inode = volume->inodes[bucket]; inode; inode = inode->next)
		if (key_equal(&inode->key, key))
			break;
	if (!inode) {
		inode = xalloc(1, sizeof(*inode));
		inode->key = *key;
		pthread_mutex_init(&inode->lock, NULL);
		inode->next = volume->inodes[bucket];
		volume->inodes[bucket] = inode;
	}
	inode->refs++;
	pthread_mutex_unlock(lock);
	return inode;
}

static void inode_put(struct volume *volume, struct inode *inode)
{
	uint32_t bucket = bucket_of(&inode->key);
	pthread_mutex_t *lock = &volume->inode_locks[bucket % VOLUME_INODE_LOCKS];
	struct inode **at;

	pthread_mutex_lock(lock);
	if (--inode->refs) {
		pthread_mutex_unlock(lock);
		return;
	}
	for (at = &volume->inodes[bucket]; *at != inode; at = &(*at)->next)
		;
	*at = inode->next;
	pthread_mutex_unlock(lock);
	pthread_mutex_destroy(&inode->lock);
	free((void *)(uintptr_t)inode->meta.sd);
	free(inode);
}

ntstatus node_new(struct volume *volume, int *fd, const struct statx *st, struct volume_node **out)
{
	struct node_whole *whole = calloc(1, sizeof(*whole));
	struct volume_node *node;

	*out = NULL;
	if (!whole) {
		close_fd_ptr(fd);
		*fd = -1;
		return STATUS_NO_MEMORY;
	}
	node = &whole->node;
	node->volume = volume;
	node->key = statx_key(volume, st);
	node->is_directory = S_ISDIR(st->stx_mode);
	node->refs = 1;
	node->private_part = &whole->private_part;
	node->private_part->inode = inode_get(volume, &node->key);
	node->fd = steal_fd(fd);
	if (volume->live)
		snapshot_node_here(volume);
	*out = node;
	return STATUS_SUCCESS;
}

struct volume_node *volume_node_get(struct volume_node *node)
{
	__atomic_add_fetch(&node->refs, 1, __ATOMIC_RELAXED);
	return node;
}

void volume_node_put(struct volume_node *node)
{
	struct node_private *priv;
	struct volume *volume;

	if (!node || __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL))
		return;
	priv = node->private_part;
	/* the descriptor goes last: while it is open the inode's number is not given to another
	 * file */
	inode_put(node->volume, priv->inode);
	close(node->fd);
	volume_node_put(priv->sync_parent);
	volume_node_put(priv->base);
	free(priv->stream_name);
	volume = node->volume;
	free(container_of(node, struct node_whole, node));
	if (volume->live)
		volume_snapshot_close(volume);
}

void volume_node_put_ptr(struct volume_node **node)
{
	volume_node_put(*node);
}

void node_set_sync_parent(struct volume_node *node, struct volume_node *parent)
{
	struct inode *inode = node_inode(node);
	struct volume_node *old;

	pthread_mutex_lock(&inode->lock);
	old = node->private_part->sync_parent;
	node->private_part->sync_parent = volume_node_get(parent);
	pthread_mutex_unlock(&inode->lock);
	volume_node_put(old);
}
