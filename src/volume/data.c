// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of a file, but for reading and writing them, which whoever holds the node does on its
 * descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "private.h"

#define COPY_ROOM	(256u << 10)
#define EXTENTS_AT_ONCE 32u

/* set_reserved - what volume_allocate promised, for the allocation size shown. */
static void set_reserved(struct volume_node *node, uint64_t reserved)
{
	struct inode *inode = node_inode(node);

	pthread_mutex_lock(&inode->lock);
	inode->reserved = reserved;
	pthread_mutex_unlock(&inode->lock);
}

static int size_of(struct volume_node *node, uint64_t *size)
{
	struct statx st;
	int error = sys.statx(node->fd, "", &st);

	*size = error ? 0 : st.stx_size;
	return error;
}

ntstatus volume_truncate(struct volume_node *node, uint64_t size)
{
	struct inode *inode = node_inode(node);
	uint64_t now;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_directory)
		return STATUS_INVALID_PARAMETER;
	error = size_of(node, &now);
	if (!error)
		error = sys.truncate(node->fd, size);
	if (error)
		return ntstatus_of_errno(error);
	pthread_mutex_lock(&inode->lock);
	if (size < now) /* what was reserved behind the end went with it */
		inode->reserved = 0;
	pthread_mutex_unlock(&inode->lock);
	return STATUS_SUCCESS;
}

ntstatus volume_allocate(struct volume_node *node, uint64_t size)
{
	uint64_t now;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_directory || size > INT64_MAX - VOLUME_CLUSTER)
		return STATUS_INVALID_PARAMETER;
	error = size_of(node, &now);
	if (error)
		return ntstatus_of_errno(error);
	if (size < now)
		return volume_truncate(node, size);
	size = align_up(size, VOLUME_CLUSTER);
	if (size > now)
		error = sys.fallocate(node->fd, FALLOC_FL_KEEP_SIZE, 0, size);
	if (error == -EOPNOTSUPP) /* the file system reserves nothing; none is shown either */
		return STATUS_SUCCESS;
	if (error)
		return ntstatus_of_errno(error);
	/* an earlier reservation that reached further is given back; where that cannot be it only
	 * keeps the space */
	(void)sys.fallocate(node->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, size,
			    INT64_MAX - size);
	set_reserved(node, size);
	return STATUS_SUCCESS;
}

/* write_zeros - where the file system has no way of its own. */
static int write_zeros(int fd, uint64_t offset, uint64_t length)
{
	auto_free uint8_t *zeros = calloc(1, COPY_ROOM);

	if (!zeros)
		return -ENOMEM;
	while (length) {
		ssize_t n = pwrite(fd, zeros, (size_t)min_u64(length, COPY_ROOM), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		offset += (uint64_t)n;
		length -= (uint64_t)n;
	}
	return 0;
}

static bool is_sparse(struct volume_node *node)
{
	struct inode *inode = node_inode(node);
	bool sparse;

	if (node->is_stream)
		return is_sparse(node->private_part->base);
	pthread_mutex_lock(&inode->lock);
	sparse = !inode_read(node) && inode->meta.attributes & FILE_ATTRIBUTE_SPARSE_FILE;
	pthread_mutex_unlock(&inode->lock);
	return sparse;
}

ntstatus volume_set_sparse(struct volume_node *node, bool sparse)
{
	struct volume_attributes a;
	ntstatus status = volume_attributes(node, &a);
	int error = 0;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_directory)
		return STATUS_INVALID_PARAMETER;
	if (status)
		return status;
	if (!sparse && a.end_of_file && (a.attributes & FILE_ATTRIBUTE_SPARSE_FILE))
		error = sys.fallocate(node->fd, FALLOC_FL_KEEP_SIZE, 0, a.end_of_file);
	if (error && error != -EOPNOTSUPP)
		return ntstatus_of_errno(error);
	a.attributes &= ~(FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_NORMAL);
	if (sparse)
		a.attributes |= FILE_ATTRIBUTE_SPARSE_FILE;
	return volume_set_attributes(node, &a, VOLUME_SET_ATTRIBUTES);
}

/* A sparse file gives the space back (MS-FSCC 2.3.67); any other keeps it. Neither grows. */
ntstatus volume_zero(struct volume_node *node, uint64_t offset, uint64_t length)
{
	uint64_t size;
	int error;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (node->is_directory)
		return STATUS_INVALID_PARAMETER;
	error = size_of(node, &size);
	if (error || offset >= size || !length)
		return ntstatus_of_errno(error);
	length = min_u64(length, size - offset);
	error = sys.fallocate(node->fd,
			      is_sparse(node) ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
					      : FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			      offset, length);
	if (error == -EOPNOTSUPP)
		error = write_zeros(node->fd, offset, length);
	return ntstatus_of_errno(error);
}

/* copy_by_hand - between file systems, or within one file where the ranges overlap; from the end
 * where that keeps the source. */
static int copy_by_hand(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
			uint64_t to_offset, uint64_t length, uint64_t *copied)
{
	auto_free uint8_t *data = malloc(COPY_ROOM);
	bool backwards = key_equal(&from->key, &to->key) && to_offset > from_offset;
	uint64_t done = 0;

	if (!data)
		return -ENOMEM;
	while (done < length) {
		size_t part = (size_t)min_u64(length - done, COPY_ROOM);
		uint64_t at = backwards ? length - done - part : done;
		ssize_t n = pread(from->fd, data, part, (off_t)(from_offset + at));

		if (n == (ssize_t)part)
			n = pwrite(to->fd, data, part, (off_t)(to_offset + at));
		if (n != (ssize_t)part)
			return n < 0 ? -errno : -EIO;
		done += part;
	}
	*copied = length;
	return 0;
}

static bool overlaps(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
		     uint64_t to_offset, uint64_t length)
{
	uint64_t apart =
		from_offset > to_offset ? from_offset - to_offset : to_offset - from_offset;

	return key_equal(&from->key, &to->key) && apart < length;
}

ntstatus volume_copy(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
		     uint64_t to_offset, uint64_t length, uint64_t *copied)
{
	uint64_t size;
	int error;

	*copied = 0;
	if (node_is_past(to))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (from->is_directory || to->is_directory)
		return STATUS_INVALID_PARAMETER;
	error = size_of(from, &size);
	if (error || from_offset >= size)
		return ntstatus_of_errno(error);
	length = min_u64(length, size - from_offset);
	if (to_offset > INT64_MAX - length)
		return STATUS_INVALID_PARAMETER;
	if (overlaps(from, from_offset, to, to_offset, length))
		return ntstatus_of_errno(
			copy_by_hand(from, from_offset, to, to_offset, length, copied));
	while (*copied < length) {
		ssize_t n = sys.copy(from->fd, from_offset + *copied, to->fd, to_offset + *copied,
				     (size_t)min_u64(length - *copied, 1u << 30));

		if (n == -EINTR)
			continue;
		if ((n == -EXDEV || n == -EOPNOTSUPP || n == -EINVAL) && !*copied)
			return ntstatus_of_errno(
				copy_by_hand(from, from_offset, to, to_offset, length, copied));
		if (n < 0)
			return ntstatus_of_errno((int)n);
		if (!n)
			break;
		*copied += (uint64_t)n;
	}
	return STATUS_SUCCESS;
}

/*
 * next_extent - what the file system calls allocated, extents that touch taken as one. Unwritten
 * ones count: the space is the file's. -EOPNOTSUPP where it cannot say.
 */
static int next_extent(int fd, uint64_t *offset, uint64_t *length)
{
	union {
		struct fiemap map; /* its extents follow it */
		uint8_t room[sizeof(struct fiemap) +
			     EXTENTS_AT_ONCE * sizeof(struct fiemap_extent)];
	} ask;
	uint64_t begin = 0, end = *offset;

	for (;;) {
		struct fiemap *map = &ask.map;

		memset(map, 0, sizeof(*map));
		map->fm_start = end;
		map->fm_length = FIEMAP_MAX_OFFSET - end;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = EXTENTS_AT_ONCE;
		if (ioctl(fd, FS_IOC_FIEMAP, map))
			return errno == ENOTTY ? -EOPNOTSUPP : -errno;
		for (unsigned i = 0; i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map->fm_extents[i];

			if (!*length)
				begin = max_u64(e->fe_logical, *offset);
			else if (e->fe_logical > end)
				goto found;
			end = e->fe_logical + e->fe_length;
			*length = end - begin;
			if (e->fe_flags & FIEMAP_EXTENT_LAST)
				goto found;
		}
		if (map->fm_mapped_extents < EXTENTS_AT_ONCE)
			break;
	}
found:
	*offset = begin;
	return 0;
}

ntstatus volume_next_range(struct volume_node *node, uint64_t *offset, uint64_t *length)
{
	uint64_t size;
	off_t start;
	off_t end;
	int error;

	*length = 0;
	if (node->is_directory || *offset > INT64_MAX)
		return STATUS_INVALID_PARAMETER;
	error = size_of(node, &size);
	if (!error && *offset >= size)
		return STATUS_NO_MORE_ENTRIES;
	if (!error && !is_sparse(node)) { /* it has no holes, whatever lies below */
		*length = size - *offset;
		return STATUS_SUCCESS;
	}
	if (!error)
		error = next_extent(node->fd, offset, length);
	if (!error && (!*length || *offset >= size))
		return STATUS_NO_MORE_ENTRIES;
	if (!error)
		*length = min_u64(*length, size - *offset);
	if (error != -EOPNOTSUPP)
		return ntstatus_of_errno(error);
	start = lseek(node->fd, (off_t)*offset, SEEK_DATA);
	if (start < 0)
		return errno == ENXIO ? STATUS_NO_MORE_ENTRIES : ntstatus_of_errno(errno);
	end = lseek(node->fd, start, SEEK_HOLE);
	if (end < 0)
		return ntstatus_of_errno(errno);
	*offset = (uint64_t)start;
	*length = (uint64_t)(end - start);
	return STATUS_SUCCESS;
}

ntstatus volume_sync(struct volume_node *node)
{
	cleanup(volume_node_put_ptr) struct volume_node *parent = NULL;
	struct inode *inode = node_inode(node);
	int error = node->volume->is_read_only ? 0 : sys.sync(node->fd);

	if (error)
		return ntstatus_of_errno(error);
	pthread_mutex_lock(&inode->lock);
	parent = node->private_part->sync_parent;
	node->private_part->sync_parent = NULL;
	pthread_mutex_unlock(&inode->lock);
	if (parent)
		error = sys.sync(parent->fd);
	if (error) { /* still owed */
		node_set_sync_parent(node, parent);
		return ntstatus_of_errno(error);
	}
	return node->is_stream ? volume_sync(node->private_part->base) : STATUS_SUCCESS;
}

int volume_sync_all(struct volume_node *node)
{
	return node->volume->is_read_only ? 0 : sys.sync_all(node->fd);
}

ntstatus volume_overwrite(struct volume_node *node, uint32_t attributes)
{
	struct inode *inode = node_inode(node);
	struct meta next;
	ntstatus status = volume_truncate(node, 0);

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (status || node->is_stream)
		return status;
	set_reserved(node, 0);
	status = stream_remove_all(node);
	if (status)
		return status;
	pthread_mutex_lock(&inode->lock);
	status = inode_read(node);
	if (!status &&
	    (inode->meta.attributes != (attributes & FILE_ATTRIBUTE_STORED) ||
	     inode->meta.change_time.ticks || inode->meta.ea_size || inode->meta.reparse_tag)) {
		if (inode->meta.ea_size)
			status = ntstatus_of_errno(sys.set_ea(node->fd, NULL, 0));
		next = inode->meta;
		next.ea_size = 0;
		next.reparse_tag = 0;
		next.change_time = next.change_until = nttime_of(0);
		next.attributes = attributes & FILE_ATTRIBUTE_STORED;
		if (!status)
			status = inode_write(node, &next);
	}
	pthread_mutex_unlock(&inode->lock);
	return status;
}
