// SPDX-License-Identifier: Apache-2.0
/*
 * The depot: <home>/streams/xx/<id>/, a directory for each file that needs one, xx being the first
 * two digits of the id. It holds the file's named streams ("s" before the name, stream.c) and the
 * descriptor that was too large for an extended attribute ("=sd"). It is found by the id in the
 * record, so renames and links need nothing.
 *
 * The record says the id before the directory is made: a crash between the two leaves an id with
 * nothing behind it, which reads as no streams. The other way round would leave a directory that
 * nothing leads to.
 *
 * A file goes before its directory here does. So that a crash between the two leaves no bytes that
 * nothing leads to, the file is linked as <home>/streams/gone/<id> before its last name goes, and
 * that link goes last. What is there when the volume is opened is decided by its count of links:
 * another one, and the name never went; none, and the directory goes now. A directory of the volume
 * cannot be linked and has no such note.
 */
#include <base/log.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "scan.h"

#define SD_NAME	     "=sd"
#define REPARSE_NAME "=reparse"
#define GONE	     "gone"

/* depot_root - <home>/streams, made at first use; the volume keeps the descriptor. */
static int depot_root(struct volume *volume, bool make)
{
	int root = volume->root->fd;
	int fd;

	pthread_mutex_lock(&volume->lock);
	if (volume->depot_fd < 0 && make) {
		(void)sys.mkdir(root, VOLUME_HOME, 0700);
		(void)sys.mkdir(root, VOLUME_HOME "/streams", 0700);
	}
	if (volume->depot_fd < 0)
		volume->depot_fd = sys.openat2(root, VOLUME_HOME "/streams", O_RDONLY | O_DIRECTORY,
					       0, RESOLVE_SAFE);
	fd = volume->depot_fd;
	pthread_mutex_unlock(&volume->lock);
	return fd;
}

struct depot_path {
	char text[32];
};

static struct depot_path path_of(uint64_t id)
{
	struct depot_path path;

	snprintf(path.text, sizeof(path.text), "%02x/%016llx", (unsigned)(id >> 56),
		 (unsigned long long)id);
	return path;
}

static struct depot_path note_of(uint64_t id)
{
	struct depot_path path;

	snprintf(path.text, sizeof(path.text), GONE "/%016llx", (unsigned long long)id);
	return path;
}

int depot_open(struct volume *volume, uint64_t id, bool make)
{
	int root = depot_root(volume, make);
	struct depot_path path = path_of(id);
	int error;
	int fd;

	if (root < 0)
		return root;
	fd = sys.openat2(root, path.text, O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	if (fd != -ENOENT || !make)
		return fd;
	path.text[2] = 0;
	error = sys.mkdir(root, path.text, 0700);
	if (error && error != -EEXIST)
		return error;
	path = path_of(id);
	error = sys.mkdir(root, path.text, 0700);
	if (error && error != -EEXIST)
		return error;
	return sys.openat2(root, path.text, O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
}

static int remove_all(struct volume *volume, uint64_t id)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = depot_open(volume, id, false) };
	const char *name;
	int error;

	if (scan.fd < 0)
		return scan.fd;
	while ((error = scan_next(&scan, &name, NULL)) > 0) {
		error = sys.unlink(scan.fd, name, 0);
		if (error && error != -ENOENT)
			return error;
	}
	return error ? error : sys.unlink(volume->depot_fd, path_of(id).text, AT_REMOVEDIR);
}

void depot_remove(struct volume *volume, uint64_t id)
{
	int error = remove_all(volume, id);

	if (error && error != -ENOENT)
		log_warn("depot directory not removed id=%016llx error=%s", (unsigned long long)id,
			 strerror(-error));
	else
		depot_keep(volume, id);
}

void depot_doom(struct volume_node *file, uint64_t id)
{
	int root = depot_root(file->volume, false);
	int error = root < 0 ? root : sys.link(file->fd, root, note_of(id).text);

	if (error == -ENOENT && root >= 0) {
		(void)sys.mkdir(root, GONE, 0700);
		error = sys.link(file->fd, root, note_of(id).text);
	}
	/* Without the note it goes all the same; only a crash would leave something. */
	if (error && error != -ENOENT && error != -EEXIST)
		log_debug("removal not noted id=%016llx error=%s", (unsigned long long)id,
			  strerror(-error));
}

void depot_keep(struct volume *volume, uint64_t id)
{
	int root = depot_root(volume, false);

	if (root >= 0)
		(void)sys.unlink(root, note_of(id).text, 0);
}

void depot_sweep(struct volume *volume)
{
	int root = depot_root(volume, false);
	cleanup(scan_end) struct dir_scan scan = { .fd = -1 };
	const char *name;
	unsigned swept = 0;

	if (root < 0)
		return;
	scan.fd = sys.openat2(root, GONE, O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	if (scan.fd < 0)
		return;
	while (scan_next(&scan, &name, NULL) > 0) {
		char *end;
		uint64_t id = strtoull(name, &end, 16);
		struct statx st;

		if (*end || !id || sys.statx(scan.fd, name, &st))
			continue;
		if (st.stx_nlink > 1) {
			depot_keep(volume, id);
		} else {
			depot_remove(volume, id);
			swept++;
		}
	}
	if (swept)
		log_info("removals finished that a crash had cut off count=%u", swept);
}

ntstatus depot_id(struct volume_node *node, uint64_t *out)
{
	struct inode *inode = node_inode(node);
	ntstatus status = inode_read(node);
	struct meta next;

	if (status)
		return status;
	if (!inode->meta.depot_id) {
		next = inode->meta;
		do
			next.depot_id = random_u64();
		while (!next.depot_id);
		status = inode_write(node, &next);
	}
	*out = inode->meta.depot_id;
	return status;
}

static int write_all(int fd, const uint8_t *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Staged, synced and renamed: @name is the old one or the new one, whole. */
static ntstatus write_whole(struct volume *volume, uint64_t id, const char *name,
			    const uint8_t *data, size_t length)
{
	auto_free char *staged = xasprintf("%s.new", name);
	auto_close int dir = depot_open(volume, id, true);
	int error;

	if (dir < 0)
		return ntstatus_of_errno(dir);
	{
		auto_close int fd =
			sys.openat2(dir, staged, O_WRONLY | O_CREAT | O_TRUNC, 0600, RESOLVE_SAFE);

		error = fd < 0 ? fd : write_all(fd, data, length);
		if (!error)
			error = sys.sync(fd);
	}
	if (!error)
		error = sys.rename(dir, staged, dir, name, 0);
	if (!error)
		error = sys.sync(dir);
	return ntstatus_of_errno(error);
}

ntstatus depot_write_sd(struct volume *volume, uint64_t id, const uint8_t *sd, size_t length)
{
	return write_whole(volume, id, SD_NAME, sd, length);
}

ntstatus depot_write_reparse(struct volume *volume, uint64_t id, const uint8_t *data, size_t length)
{
	return write_whole(volume, id, REPARSE_NAME, data, length);
}

/* Of what the record says that it is there, nothing is as bad as something that cannot be read:
 * access, or the meaning of a path, cannot be judged. */
static ntstatus read_whole(struct volume *volume, uint64_t id, const char *name, uint8_t **out,
			   size_t *length)
{
	auto_close int dir = depot_open(volume, id, false);
	auto_close int fd = dir < 0 ? dir : sys.openat2(dir, name, O_RDONLY, 0, RESOLVE_SAFE);
	auto_free uint8_t *data = NULL;
	struct statx st;
	int error = fd < 0 ? fd : sys.statx(fd, "", &st);

	*out = NULL;
	*length = 0;
	if (error == -ENOENT || (!error && (!st.stx_size || st.stx_size > VOLUME_SD_LIMIT)))
		return STATUS_IO_DEVICE_ERROR;
	if (error)
		return ntstatus_of_errno(error);
	data = malloc(st.stx_size);
	if (!data)
		return STATUS_NO_MEMORY;
	if (pread(fd, data, st.stx_size, 0) != (ssize_t)st.stx_size)
		return STATUS_IO_DEVICE_ERROR;
	*length = st.stx_size;
	*out = data;
	data = NULL;
	return STATUS_SUCCESS;
}

ntstatus depot_read_sd(struct volume *volume, uint64_t id, uint8_t **sd, size_t *length)
{
	return read_whole(volume, id, SD_NAME, sd, length);
}

ntstatus depot_read_reparse(struct volume *volume, uint64_t id, uint8_t **data, size_t *length)
{
	return read_whole(volume, id, REPARSE_NAME, data, length);
}

static void remove_one(struct volume *volume, uint64_t id, const char *name)
{
	auto_close int dir = depot_open(volume, id, false);

	if (dir >= 0)
		(void)sys.unlink(dir, name, 0);
}

void depot_remove_sd(struct volume *volume, uint64_t id)
{
	remove_one(volume, id, SD_NAME);
}

void depot_remove_reparse(struct volume *volume, uint64_t id)
{
	remove_one(volume, id, REPARSE_NAME);
}
