// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls that a volume is made of, as one table. In production each row passes straight
 * through. A test puts its own function into a row (to count, to fail, to tear), and a build with
 * -DVOLUME_FAULTS obeys BERTH_VOLUME_FAULT="call:n:errno" or "call:n:kill": the n-th call of that
 * name fails with that errno number, or the process is killed just before it.
 *
 * Every row returns a negative errno where the call fails. Paths are single components, or walks
 * that openat2 keeps beneath their directory.
 */
#ifndef VOLUME_SYS_H
#define VOLUME_SYS_H

#include <base/base.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/types.h>

#define META_XATTR   "user.berth"
#define EA_XATTR     "user.berth.ea"

/* What keeps a walk beneath its directory, whatever lies on the disk. */
#define RESOLVE_SAFE (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)

struct volume_sys {
	int (*openat2)(int dir, const char *path, int flags, mode_t mode, uint64_t resolve);
	int (*statx)(int dir, const char *name, struct statx *out); /* "": dir itself */
	ssize_t (*getdents)(int fd, void *data, size_t length);
	ssize_t (*get_record)(int fd, void *data, size_t length);
	ssize_t (*get_record_at)(int dir, const char *name, void *data, size_t length);
	int (*set_record)(int fd, const void *data, size_t length);
	ssize_t (*get_ea)(int fd, void *data, size_t length);
	int (*set_ea)(int fd, const void *data, size_t length); /* no length: it goes */
	int (*mkdir)(int dir, const char *name, mode_t mode);
	int (*unlink)(int dir, const char *name, int flags);
	int (*rename)(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
	int (*link)(int fd, int to_dir, const char *to);
	int (*truncate)(int fd, uint64_t size);
	int (*fallocate)(int fd, int mode, uint64_t offset, uint64_t length);
	ssize_t (*copy)(int from, uint64_t from_offset, int to, uint64_t to_offset, size_t length);
	int (*set_times)(int fd, const struct timespec times[2]);
	int (*set_compressed)(int fd, bool compressed);
	bool (*may_compress)(int fd); /* is it on a file system that knows how to? */
	int (*sync)(int fd);
	int (*sync_all)(int fd); /* of its file system */
};
extern struct volume_sys sys;

#endif
