// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes: what statx knows, and what the record adds.
 *
 * Allocation size. st_blocks counts more than data: ext4 and XFS charge a file for the block that
 * holds extended attributes (the record lives there once a descriptor makes it large), so a file of
 * 5 bytes would show 8192. It also counts less: a hole has no blocks, though a file that is not
 * sparse has, for a Windows client, all its clusters. So:
 *   - what volume_allocate reserved is remembered while the file is open, and shown exactly;
 *   - a sparse file (it has the attribute) shows its blocks;
 *   - any other shows its end of file, rounded up to the cluster, unless its blocks exceed that by
 * more than one cluster: that much is no extended attribute, it is a reservation from an earlier
 * open. A reservation of a single cluster is so lost to sight after the last close; nothing depends
 * on it.
 */
#include <errno.h>
#include <fcntl.h>

#include "private.h"

#define CHANGE_SLACK                                                                               \
	200000u /* 20 ms in NT ticks: the ctime of the call that writes the record, and of its     \
		   neighbours */

static nttime time_of(const struct statx_timestamp *t)
{
	return nttime_from_timespec(
		(struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec });
}

static nttime creation_of(const struct statx *st, const struct meta *meta)
{
	nttime modified = time_of(&st->stx_mtime);
	nttime changed = time_of(&st->stx_ctime);

	if (meta->creation_time.ticks)
		return meta->creation_time;
	if (st->stx_mask & STATX_BTIME)
		return time_of(&st->stx_btime);
	return modified.ticks < changed.ticks ? modified : changed;
}

static nttime change_of(const struct statx *st, const struct meta *meta)
{
	nttime changed = time_of(&st->stx_ctime);

	if (meta->change_time.ticks && changed.ticks <= meta->change_until.ticks)
		return meta->change_time;
	return changed;
}

static uint64_t allocation_of(const struct statx *st, const struct meta *meta, uint64_t reserved)
{
	uint64_t blocks = st->stx_blocks * 512;
	uint64_t rounded = align_up(min_u64(st->stx_size, INT64_MAX), VOLUME_CLUSTER);

	if (meta->attributes & FILE_ATTRIBUTE_SPARSE_FILE && !reserved)
		return min_u64(blocks, rounded);
	if (reserved)
		return max_u64(rounded, reserved);
	return blocks > rounded + VOLUME_CLUSTER ? align_up(blocks, VOLUME_CLUSTER) : rounded;
}

void attributes_fill(struct volume_attributes *out, struct volume *volume, const struct statx *st,
		     const struct meta *meta, uint64_t reserved)
{
	bool is_directory = S_ISDIR(st->stx_mode);
	uint32_t attributes = meta->attributes & FILE_ATTRIBUTE_STORED;

	if (is_directory)
		attributes = (attributes & ~FILE_ATTRIBUTE_TEMPORARY) | FILE_ATTRIBUTE_DIRECTORY;
	if (meta->reparse_tag)
		attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
	if (is_compressed(volume, st))
		attributes |= FILE_ATTRIBUTE_COMPRESSED;
	*out = (struct volume_attributes){
		.key = statx_key(volume, st),
		.file_id = st->stx_ino,
		.creation_time = creation_of(st, meta),
		.last_access_time = time_of(&st->stx_atime),
		.last_write_time = time_of(&st->stx_mtime),
		.change_time = change_of(st, meta),
		.end_of_file = is_directory ? 0 : st->stx_size,
		.allocation_size = is_directory ? 0 : allocation_of(st, meta, reserved),
		.attributes = attributes ? attributes : FILE_ATTRIBUTE_NORMAL,
		.links = is_directory ? 1 : st->stx_nlink,
		.ea_size = meta->ea_size,
		.reparse_tag = meta->reparse_tag,
		.is_directory = is_directory,
		.is_other = !is_directory && !S_ISREG(st->stx_mode),
	};
}

ntstatus node_attributes(struct volume_node *node, const struct statx *st,
			 struct volume_attributes *out)
{
	struct inode *inode = node_inode(node);
	ntstatus status;

	pthread_mutex_lock(&inode->lock);
	status = inode_read(node);
	if (!status)
		attributes_fill(out, node->volume, st, &inode->meta, inode->reserved);
	pthread_mutex_unlock(&inode->lock);
	return status;
}

/* A stream has a size of its own; all else is its file's. */
static ntstatus stream_attributes(struct volume_node *node, const struct statx *st,
				  struct volume_attributes *out)
{
	const struct meta plain = { 0 };
	struct volume_attributes own;
	ntstatus status = volume_attributes(node->private_part->base, out);

	if (status)
		return status;
	pthread_mutex_lock(&node_inode(node)->lock);
	attributes_fill(&own, node->volume, st, &plain, node_inode(node)->reserved);
	pthread_mutex_unlock(&node_inode(node)->lock);
	out->key = own.key;
	out->end_of_file = own.end_of_file;
	out->allocation_size = own.allocation_size;
	out->is_directory = false;
	out->attributes &= ~FILE_ATTRIBUTE_DIRECTORY;
	if (!out->attributes)
		out->attributes = FILE_ATTRIBUTE_NORMAL;
	return STATUS_SUCCESS;
}

ntstatus volume_attributes(struct volume_node *node, struct volume_attributes *out)
{
	struct statx st;
	int error = sys.statx(node->fd, "", &st);

	if (error) {
		memset(out, 0, sizeof(*out));
		return ntstatus_of_errno(error);
	}
	return node->is_stream ? stream_attributes(node, &st, out)
			       : node_attributes(node, &st, out);
}

bool volume_is_unlinked(const struct volume_node *node)
{
	struct statx st;

	return !sys.statx(node->fd, "", &st) && !st.stx_nlink;
}

static struct timespec time_to_set(nttime t, bool wanted)
{
	return wanted ? nttime_to_timespec(t) : (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_file_times(struct volume_node *node, const struct volume_attributes *attributes,
			  uint32_t which)
{
	struct timespec times[2] = {
		time_to_set(attributes->last_access_time, which & VOLUME_SET_LAST_ACCESS_TIME),
		time_to_set(attributes->last_write_time, which & VOLUME_SET_LAST_WRITE_TIME),
	};

	if (!(which & (VOLUME_SET_LAST_ACCESS_TIME | VOLUME_SET_LAST_WRITE_TIME)))
		return 0;
	return sys.set_times(node->fd, times);
}

/* next_meta - the record as it is to be; an explicit change time ends with the next change of the
 * record. */
static struct meta next_meta(const struct meta *now, const struct volume_attributes *set,
			     uint32_t which)
{
	struct meta next = *now;

	next.change_time = next.change_until = nttime_of(0);
	if (which & VOLUME_SET_CREATION_TIME)
		next.creation_time = set->creation_time;
	if (which & VOLUME_SET_ATTRIBUTES)
		next.attributes = set->attributes & FILE_ATTRIBUTE_STORED;
	if (which & VOLUME_SET_CHANGE_TIME) {
		next.change_time = set->change_time;
		next.change_until = nttime_of(nttime_now().ticks + CHANGE_SLACK);
	}
	return next;
}

/* Some file systems do nothing, and move no ctime, where an extended attribute is written as it is;
 * a client that sets what is there has changed the file all the same (MS-FSA 2.1.5.15.2). */
static int move_change_time(struct volume_node *node)
{
	struct timespec times[2] = { [1] = { .tv_nsec = UTIME_OMIT } };
	struct statx st;
	int error = sys.statx(node->fd, "", &st);

	times[0].tv_sec = st.stx_atime.tv_sec;
	times[0].tv_nsec = st.stx_atime.tv_nsec;
	return error ? error : sys.set_times(node->fd, times);
}

static bool says_the_same(const struct meta *a, const struct meta *b)
{
	return a->attributes == b->attributes && a->creation_time.ticks == b->creation_time.ticks &&
	       a->change_time.ticks == b->change_time.ticks;
}

ntstatus volume_set_attributes(struct volume_node *node, const struct volume_attributes *attributes,
			       uint32_t which)
{
	const uint32_t recorded =
		VOLUME_SET_CREATION_TIME | VOLUME_SET_CHANGE_TIME | VOLUME_SET_ATTRIBUTES;
	struct inode *inode;
	struct meta next;
	ntstatus status;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_stream)
		node = node->private_part->base;
	inode = node_inode(node);
	if (node->is_directory)
		names_lock(node), names_begin(node);
	error = set_file_times(node, attributes, which);
	status = ntstatus_of_errno(error);
	if (!status && which & recorded) {
		pthread_mutex_lock(&inode->lock);
		status = inode_read(node);
		if (!status) {
			next = next_meta(&inode->meta, attributes, which);
			if (says_the_same(&inode->meta, &next))
				status = ntstatus_of_errno(move_change_time(node));
			else
				status = inode_write(node, &next);
		}
		pthread_mutex_unlock(&inode->lock);
	}
	if (node->is_directory)
		names_touched(node), names_unlock(node);
	return status;
}

ntstatus volume_get_sd(struct volume_node *node, struct buf *out)
{
	struct inode *inode;
	ntstatus status;

	if (node->is_stream)
		node = node->private_part->base;
	inode = node_inode(node);
	pthread_mutex_lock(&inode->lock);
	status = inode_read(node);
	if (!status && !inode->meta.sd_length)
		status = STATUS_NOT_FOUND;
	if (!status)
		buf_bytes(out, inode->meta.sd, inode->meta.sd_length);
	pthread_mutex_unlock(&inode->lock);
	return !status && out->failed ? STATUS_NO_MEMORY : status;
}

ntstatus volume_set_sd(struct volume_node *node, const void *sd, size_t length)
{
	struct inode *inode;
	struct meta next;
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (length > VOLUME_SD_LIMIT)
		return STATUS_INVALID_SECURITY_DESCR;
	if (node->is_stream)
		node = node->private_part->base;
	inode = node_inode(node);
	if (node->is_directory)
		names_lock(node), names_begin(node);
	pthread_mutex_lock(&inode->lock);
	status = inode_read(node);
	if (!status) {
		next = inode->meta;
		next.change_time = next.change_until = nttime_of(0);
		next.sd = sd;
		next.sd_length = length;
		status = inode_write(node, &next);
	}
	pthread_mutex_unlock(&inode->lock);
	if (node->is_directory)
		names_touched(node), names_unlock(node);
	return status;
}

ntstatus volume_get_eas(struct volume_node *node, struct buf *out)
{
	ssize_t length;
	uint8_t *room;

	if (node->is_stream)
		node = node->private_part->base;
	length = sys.get_ea(node->fd, NULL, 0);
	if (length == -ENODATA || length == -EOPNOTSUPP || !length)
		return STATUS_SUCCESS;
	if (length < 0)
		return ntstatus_of_errno((int)length);
	room = buf_room(out, (size_t)length);
	if (!room)
		return STATUS_NO_MEMORY;
	length = sys.get_ea(node->fd, room, (size_t)length);
	if (length < 0)
		return ntstatus_of_errno((int)length);
	out->len += (size_t)length;
	return STATUS_SUCCESS;
}

/* The list first: a crash before the record leaves a size that is not true, which no data hang on.
 */
static ntstatus set_eas_locked(struct volume_node *node, const void *list, size_t length,
			       uint32_t ea_size)
{
	ntstatus status = inode_read(node);
	struct meta next;
	int error;

	if (status)
		return status;
	error = sys.set_ea(node->fd, list, length);
	if (error == -ENOSPC || error == -E2BIG || error == -ERANGE)
		return STATUS_EA_TOO_LARGE;
	if (error)
		return error == -EOPNOTSUPP ? STATUS_EAS_NOT_SUPPORTED : ntstatus_of_errno(error);
	next = node_inode(node)->meta;
	next.change_time = next.change_until = nttime_of(0);
	next.ea_size = ea_size;
	return inode_write(node, &next);
}

ntstatus volume_set_eas(struct volume_node *node, const void *list, size_t length, uint32_t ea_size)
{
	struct inode *inode;
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_stream)
		node = node->private_part->base;
	inode = node_inode(node);
	if (node->is_directory)
		names_lock(node), names_begin(node);
	pthread_mutex_lock(&inode->lock);
	status = set_eas_locked(node, list, length, ea_size);
	pthread_mutex_unlock(&inode->lock);
	if (node->is_directory)
		names_touched(node), names_unlock(node);
	return status;
}
