// SPDX-License-Identifier: Apache-2.0
/*
 * Reparse data: bytes that mean nothing here, in the depot; their tag is in the record, so that a
 * listing shows it. What the depot holds without a tag in the record is what a crash has left: it
 * is written over, or goes with the file.
 */
#include "private.h"

bool volume_is_reparse(struct volume_node *node)
{
	struct inode *inode = node_inode(node);
	bool is;

	pthread_mutex_lock(&inode->lock);
	is = inode_read(node) == STATUS_SUCCESS && inode->meta.reparse_tag;
	pthread_mutex_unlock(&inode->lock);
	return is;
}

ntstatus volume_get_reparse(struct volume_node *node, struct buf *out)
{
	struct inode *inode = node_inode(node);
	auto_free uint8_t *data = NULL;
	size_t length = 0;
	ntstatus status;

	pthread_mutex_lock(&inode->lock);
	status = inode_read(node);
	if (!status && !inode->meta.reparse_tag)
		status = STATUS_NOT_A_REPARSE_POINT;
	if (!status)
		status = depot_read_reparse(node->volume, inode->meta.depot_id, &data, &length);
	pthread_mutex_unlock(&inode->lock);
	if (status)
		return status;
	buf_bytes(out, data, length);
	return out->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

/* First the data, then the record that says so; inode->lock is held. */
static ntstatus set_locked(struct volume_node *node, uint32_t tag, const void *data, size_t length)
{
	struct inode *inode = node_inode(node);
	uint64_t id = 0;
	struct meta next;
	ntstatus status = inode_read(node);

	if (!status && tag)
		status = depot_id(node, &id);
	if (!status && tag)
		status = depot_write_reparse(node->volume, id, data, length);
	if (status)
		return status;
	next = inode->meta;
	next.reparse_tag = tag;
	status = inode_write(node, &next);
	if (!status && !tag)
		depot_remove_reparse(node->volume, inode->meta.depot_id);
	return status;
}

ntstatus volume_set_reparse(struct volume_node *node, uint32_t tag, const void *data, size_t length)
{
	struct inode *inode = node_inode(node);
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	pthread_mutex_lock(&inode->lock);
	status = set_locked(node, tag, data, length);
	pthread_mutex_unlock(&inode->lock);
	return status;
}
