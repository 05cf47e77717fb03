// SPDX-License-Identifier: Apache-2.0
/*
 * Named streams: files in the depot directory of their file (depot.c), named "s" and the stream's
 * name. The "s" keeps
 * "." and ".." and the depot's own files apart. Case is kept and not looked at, by a scan: a file
 * has few streams.
 *
 * Making, removing and renaming streams of one file is serialised by the file's inode->lock.
 */
#include <base/log.h>
#include <base/utf16.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <limits.h>
#include <stdio.h>

#include "scan.h"

#define PREFIX 's'
_Static_assert(VOLUME_STREAM_NAME_MAX == NAME_MAX - 1, "the prefix takes one");
#define STREAMS_MOST 4096u /* of one file, in a listing */

/* base_of - a stream has no streams of its own: its file is meant. */
static struct volume_node *base_of(struct volume_node *node)
{
	return node->is_stream ? node->private_part->base : node;
}

/* on_disk - the file name of a stream; false where it is no name or too long for the file system.
 */
static bool on_disk(const char *name, char out[NAME_MAX + 1])
{
	size_t length = strlen(name);

	if (!length || length > VOLUME_STREAM_NAME_MAX || strpbrk(name, "/\\:"))
		return false;
	out[0] = PREFIX;
	memcpy(out + 1, name, length + 1);
	return true;
}

/* depot_of_file - the depot directory of @file, inode->lock held; -ENOENT where there is none and
 * none is to be made. */
static int depot_of_file(struct volume_node *file, bool make, ntstatus *status)
{
	uint64_t id = 0;
	int fd;

	*status = inode_read(file);
	if (!*status && !make)
		id = node_inode(file)->meta.depot_id;
	if (!*status && make)
		*status = depot_id(file, &id);
	if (*status)
		return -1;
	fd = id ? depot_open(file->volume, id, make) : -ENOENT;
	*status = fd < 0 ? ntstatus_of_errno(fd) : STATUS_SUCCESS;
	return fd;
}

/* find - the file name of stream @name in @dir: as written first, then in any case. */
static int find(int dir, const char *name, char out[NAME_MAX + 1])
{
	cleanup(scan_end) struct dir_scan scan = { .fd = -1 };
	struct statx st;
	const char *at;
	int error;

	if (!on_disk(name, out))
		return -EILSEQ;
	error = sys.statx(dir, out, &st);
	if (error != -ENOENT)
		return error;
	scan.fd = sys.openat2(dir, ".", O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	if (scan.fd < 0)
		return scan.fd;
	while ((error = scan_next(&scan, &at, NULL)) > 0)
		if (at[0] == PREFIX && !name_compare(at + 1, name)) {
			memcpy(out, at, strlen(at) + 1);
			return 0;
		}
	return error ? error : -ENOENT;
}

/* find_this - as find, but only where it leads to @stream. */
static int find_this(int dir, const char *name, const struct volume_node *stream,
		     char out[NAME_MAX + 1])
{
	int error = find(dir, name, out);
	struct volume_key key;
	struct statx st;

	if (!error)
		error = sys.statx(dir, out, &st);
	if (error)
		return error;
	key = statx_key(stream->volume, &st);
	return key_equal(&key, &stream->key) ? 0 : -ENOENT;
}

static ntstatus stream_node(struct volume_node *file, const char *disk, int *fd,
			    struct volume_node **out)
{
	struct statx st;
	ntstatus status;
	int error = sys.statx(*fd, "", &st);

	if (error)
		return ntstatus_of_errno(error);
	status = node_new(file->volume, fd, &st, out);
	if (status)
		return status;
	(*out)->is_stream = true;
	(*out)->private_part->base = volume_node_get(file);
	(*out)->private_part->stream_name = xstrdup(disk + 1);
	return STATUS_SUCCESS;
}

static ntstatus open_locked(struct volume_node *file, const char *name, char disk[NAME_MAX + 1],
			    int *fd)
{
	ntstatus status;
	auto_close int dir = depot_of_file(file, false, &status);
	int error;

	if (status)
		return status;
	error = find(dir, name, disk);
	if (error)
		return ntstatus_of_errno(error);
	*fd = sys.openat2(dir, disk, (file->volume->is_read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW,
			  0, RESOLVE_SAFE);
	return *fd < 0 ? ntstatus_of_errno(*fd) : STATUS_SUCCESS;
}

ntstatus volume_stream_open(struct volume_node *file, const char *name, struct volume_node **out)
{
	char disk[NAME_MAX + 1];
	auto_close int fd = -1;
	ntstatus status;

	*out = NULL;
	file = base_of(file);
	pthread_mutex_lock(&node_inode(file)->lock);
	status = open_locked(file, name, disk, &fd);
	pthread_mutex_unlock(&node_inode(file)->lock);
	return status ? status : stream_node(file, disk, &fd, out);
}

const char *volume_stream_name(const struct volume_node *stream)
{
	return stream->private_part->stream_name;
}

static ntstatus create_locked(struct volume_node *file, const char *name, char disk[NAME_MAX + 1],
			      int *fd, int *kept_dir)
{
	ntstatus status;
	auto_close int dir = -1;
	int error;

	if (!on_disk(name, disk))
		return STATUS_OBJECT_NAME_INVALID;
	dir = depot_of_file(file, true, &status);
	if (status)
		return status;
	error = find(dir, name, disk);
	if (error != -ENOENT)
		return error ? ntstatus_of_errno(error) : STATUS_OBJECT_NAME_COLLISION;
	(void)on_disk(name, disk);
	*fd = sys.openat2(dir, disk, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, RESOLVE_SAFE);
	if (*fd < 0)
		return ntstatus_of_errno(*fd);
	*kept_dir = steal_fd(&dir);
	return STATUS_SUCCESS;
}

ntstatus volume_stream_create(struct volume_node *file, const char *name, struct volume_node **out)
{
	cleanup(volume_node_put_ptr) struct volume_node *parent = NULL;
	auto_close int fd = -1;
	char disk[NAME_MAX + 1];
	auto_close int dir = -1;
	struct statx st;
	ntstatus status;

	*out = NULL;
	if (node_is_past(file))
		return STATUS_MEDIA_WRITE_PROTECTED;
	file = base_of(file);
	pthread_mutex_lock(&node_inode(file)->lock);
	status = create_locked(file, name, disk, &fd, &dir);
	pthread_mutex_unlock(&node_inode(file)->lock);
	if (status)
		return status;
	status = stream_node(file, disk, &fd, out);
	if (!status && !sys.statx(dir, "", &st) && !node_new(file->volume, &dir, &st, &parent))
		node_set_sync_parent(*out, parent);
	return status;
}

ntstatus volume_stream_remove(struct volume_node *file, const char *name,
			      const struct volume_node *stream)
{
	struct inode *inode = node_inode(file = base_of(file));
	char disk[NAME_MAX + 1];
	ntstatus status;

	if (node_is_past(file))
		return STATUS_MEDIA_WRITE_PROTECTED;
	pthread_mutex_lock(&inode->lock);
	{
		auto_close int dir = depot_of_file(file, false, &status);
		int error = status ? 0 : find_this(dir, name, stream, disk);

		if (!status && !error)
			error = sys.unlink(dir, disk, 0);
		if (!status)
			status = ntstatus_of_errno(error);
	}
	pthread_mutex_unlock(&inode->lock);
	return status;
}

static ntstatus rename_locked(struct volume_node *file, const char *from,
			      const struct volume_node *stream, const char *to, bool replace)
{
	char from_disk[NAME_MAX + 1];
	char to_disk[NAME_MAX + 1];
	char wanted[NAME_MAX + 1];
	ntstatus status;
	auto_close int dir = depot_of_file(file, false, &status);
	int error;

	if (status)
		return status;
	if (!on_disk(to, wanted))
		return STATUS_OBJECT_NAME_INVALID;
	error = find_this(dir, from, stream, from_disk);
	if (error)
		return ntstatus_of_errno(error);
	error = find(dir, to, to_disk);
	if (error && error != -ENOENT)
		return ntstatus_of_errno(error);
	if (!error && strcmp(from_disk, to_disk)) {
		if (!replace)
			return STATUS_OBJECT_NAME_COLLISION;
		error = sys.rename(dir, from_disk, dir, to_disk, 0);
		/* Only the case is left: where that fails the name stays as it was written. */
		if (!error && strcmp(to_disk, wanted))
			(void)sys.rename(dir, to_disk, dir, wanted, RENAME_NOREPLACE);
		return ntstatus_of_errno(error);
	}
	if (!strcmp(from_disk, wanted))
		return STATUS_SUCCESS;
	return ntstatus_of_errno(sys.rename(dir, from_disk, dir, wanted, RENAME_NOREPLACE));
}

ntstatus volume_stream_rename(struct volume_node *file, const char *from,
			      const struct volume_node *stream, const char *to, bool replace)
{
	ntstatus status;

	if (node_is_past(file))
		return STATUS_MEDIA_WRITE_PROTECTED;
	file = base_of(file);
	pthread_mutex_lock(&node_inode(file)->lock);
	status = rename_locked(file, from, stream, to, replace);
	pthread_mutex_unlock(&node_inode(file)->lock);
	return status;
}

static ntstatus list_into(struct volume_node *file, int dir, struct buf *rows)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = dir };
	const char *name;
	int error;

	while ((error = scan_next(&scan, &name, NULL)) > 0) {
		struct volume_stream row = { 0 };
		struct statx st;

		if (name[0] != PREFIX || rows->len / sizeof(row) >= STREAMS_MOST)
			continue;
		if (sys.statx(dir, name, &st))
			continue; /* gone meanwhile */
		row.name = xstrdup(name + 1);
		row.size = st.stx_size;
		row.allocation_size = align_up(st.stx_size, VOLUME_CLUSTER);
		buf_bytes(rows, &row, sizeof(row));
	}
	return ntstatus_of_errno(error);
}

ntstatus volume_stream_list(struct volume_node *file, struct volume_stream **out, size_t *count)
{
	struct inode *inode = node_inode(file = base_of(file));
	struct buf rows = { 0 };
	ntstatus status;
	int dir;

	*out = NULL;
	*count = 0;
	pthread_mutex_lock(&inode->lock);
	dir = depot_of_file(file, false, &status);
	if (!status)
		status = list_into(file, dir, &rows); /* which closes it */
	pthread_mutex_unlock(&inode->lock);
	if (status == STATUS_OBJECT_NAME_NOT_FOUND)
		return STATUS_SUCCESS;
	*out = (struct volume_stream *)(void *)rows.data;
	*count = rows.len / sizeof(**out);
	if (!status && !rows.failed)
		return STATUS_SUCCESS;
	for (size_t i = 0; i < *count; i++)
		free((*out)[i].name);
	buf_free(&rows);
	*out = NULL;
	*count = 0;
	return status ? status : STATUS_NO_MEMORY;
}

ntstatus stream_remove_all(struct volume_node *file)
{
	struct inode *inode = node_inode(file);
	ntstatus status;

	pthread_mutex_lock(&inode->lock);
	{
		cleanup(scan_end) struct dir_scan scan = { .fd = depot_of_file(file, false,
									       &status) };
		const char *name;
		int error = 0;

		while (!status && (error = scan_next(&scan, &name, NULL)) > 0)
			if (name[0] == PREFIX && sys.unlink(scan.fd, name, 0))
				log_warn("stream not removed inode=%llu",
					 (unsigned long long)file->key.inode);
		if (!status)
			status = ntstatus_of_errno(error);
	}
	pthread_mutex_unlock(&inode->lock);
	return status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : status;
}
