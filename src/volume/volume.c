// SPDX-License-Identifier: Apache-2.0
/*
 * The volume as a whole: opening it, how much room it has, its serial number. The serial number
 * belongs to the file server, so it is kept in the home and moves with it.
 */
#include <base/log.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "snapshot.h"

#define SERIAL_NAME VOLUME_HOME "/volume.serial"

static void volume_release(struct volume *volume)
{
	dirs_forget(volume, NULL);
	volume_node_put(volume->root);
	names_free(volume);
	close_fd_ptr(&volume->depot_fd);
	for (size_t i = 0; i < VOLUME_INODE_LOCKS; i++)
		pthread_mutex_destroy(&volume->inode_locks[i]);
	pthread_mutex_destroy(&volume->dirs.lock);
	pthread_mutex_destroy(&volume->lock);
	pthread_mutex_destroy(&volume->known.lock);
	volume_snapshots_free(volume->known.list, volume->known.count);
	free(volume->dirs.slots);
	free(volume->inodes);
	free(volume->names);
	free(volume->path);
	free(volume);
}

static void volume_release_ptr(struct volume **volume)
{
	if (*volume)
		volume_release(*volume);
}

static struct volume *volume_new(const char *path)
{
	struct volume *volume = xalloc(1, sizeof(*volume));

	volume->path = xstrdup(path);
	volume->names = xalloc(VOLUME_NAME_STRIPES, sizeof(*volume->names));
	volume->inodes = xalloc(VOLUME_INODE_BUCKETS, sizeof(struct inode *));
	volume->dirs.slots = xalloc(VOLUME_DIRS, sizeof(*volume->dirs.slots));
	volume->depot_fd = -1;
	volume->index_limit = VOLUME_INDEX_BYTES;
	for (size_t i = 0; i < VOLUME_NAME_STRIPES; i++) {
		pthread_mutex_init(&volume->names[i].lock, NULL);
		pthread_cond_init(&volume->names[i].made, NULL);
	}
	for (size_t i = 0; i < VOLUME_INODE_LOCKS; i++)
		pthread_mutex_init(&volume->inode_locks[i], NULL);
	pthread_mutex_init(&volume->dirs.lock, NULL);
	pthread_mutex_init(&volume->lock, NULL);
	pthread_mutex_init(&volume->known.lock, NULL);
	return volume;
}

/* serial_read - the kept serial number, or 0. */
static uint32_t serial_read(struct volume *volume)
{
	auto_close int fd = sys.openat2(volume->root->fd, SERIAL_NAME, O_RDONLY, 0, RESOLVE_SAFE);
	char text[16] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 8)
		return 0;
	return (uint32_t)strtoul(text, NULL, 16);
}

/* serial_write - stage, sync, rename: the number is whole or not there. */
static int serial_write(struct volume *volume)
{
	int root = volume->root->fd;
	int error = sys.mkdir(root, VOLUME_HOME, 0700);
	char text[16];
	int length;

	if (error && error != -EEXIST)
		return error;
	{
		auto_close int fd = sys.openat2(root, SERIAL_NAME ".new",
						O_WRONLY | O_CREAT | O_TRUNC, 0600, RESOLVE_SAFE);

		if (fd < 0)
			return fd;
		length = snprintf(text, sizeof(text), "%08x\n", volume->serial);
		if (write(fd, text, (size_t)length) != length)
			return -EIO;
		error = sys.sync(fd);
	}
	return error ? error : sys.rename(root, SERIAL_NAME ".new", root, SERIAL_NAME, 0);
}

/* serial_find - where it cannot be kept (a volume that is read-only) it comes from the root's
 * inode, and is as stable. */
static void serial_find(struct volume *volume)
{
	int error;

	volume->serial = serial_read(volume);
	if (volume->serial)
		return;
	volume->serial =
		(uint32_t)(volume->root->key.inode * 0x9E3779B1u ^ volume->root->key.device) | 1;
	if (volume->is_read_only)
		return;
	random_bytes(&volume->serial, sizeof(volume->serial));
	volume->serial |= 1;
	error = serial_write(volume);
	if (error)
		log_warn("volume serial number not kept path=%s error=%s", LOG_TEXT(volume->path),
			 strerror(-error));
}

ntstatus volume_open(const char *path, struct volume **out)
{
	cleanup(volume_release_ptr) struct volume *volume = volume_new(path);
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statvfs fs;
	struct statx st;
	ssize_t record;
	ntstatus status;

	*out = NULL;
	if (fd < 0 || fstatvfs(fd, &fs) || sys.statx(fd, "", &st)) {
		log_error("volume not open path=%s error=%s", LOG_TEXT(path), strerror(errno));
		return STATUS_DEVICE_NOT_READY;
	}
	record = sys.get_record(fd, NULL, 0);
	if (record == -EOPNOTSUPP) {
		log_error("volume not open path=%s error=\"the file system has no user extended "
			  "attributes\"",
			  LOG_TEXT(path));
		return STATUS_NOT_SUPPORTED;
	}
	volume->is_read_only = fs.f_flag & ST_RDONLY;
	status = node_new(volume, &fd, &st, &volume->root);
	if (status)
		return status;
	serial_find(volume);
	if (!volume->is_read_only)
		depot_sweep(volume);
	*out = volume;
	volume = NULL;
	return STATUS_SUCCESS;
}

ntstatus volume_of_snapshot(struct volume *live, nttime taken, int *root, struct volume **out)
{
	cleanup(volume_release_ptr) struct volume *volume = volume_new(live->path);
	auto_close int fd = steal_fd(root);
	struct statx st;
	ntstatus status;
	int error = sys.statx(fd, "", &st);

	*out = NULL;
	if (error)
		return ntstatus_of_errno(error);
	volume->is_read_only = true;
	volume->taken = taken;
	volume->serial = live->serial;
	status = node_new(volume, &fd, &st, &volume->root);
	if (status)
		return status;
	*out = volume;
	volume = NULL;
	return STATUS_SUCCESS;
}

void volume_close(struct volume *volume)
{
	if (volume)
		volume_release(volume);
}

ntstatus volume_space(struct volume *volume, struct volume_space *out)
{
	return volume_space_at(volume->root, out);
}

ntstatus volume_space_at(const struct volume_node *directory, struct volume_space *out)
{
	struct statvfs fs;

	memset(out, 0, sizeof(*out));
	if (fstatvfs(directory->fd, &fs))
		return ntstatus_of_errno(errno);
	out->block_bytes = (uint32_t)fs.f_frsize;
	out->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	out->free_bytes = (uint64_t)fs.f_bfree * fs.f_frsize;
	out->caller_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return STATUS_SUCCESS;
}

uint32_t volume_serial(const struct volume *volume)
{
	return volume->serial;
}

bool volume_is_read_only(const struct volume *volume)
{
	return volume->is_read_only;
}
