// SPDX-License-Identifier: Apache-2.0
/*
 * A place that is a local directory. What is asked is done at once, on the caller's thread. Every
 * name is resolved beneath the root, and no symbolic link is followed.
 */
#include "place_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIRECTORY_DEPTH 4 /* buffers of the caller's; nothing waits here */

struct directory {
	struct place place;
	int root, lock;
};

static struct directory *of(struct place *place)
{
	return container_of(place, struct directory, place);
}

static int open_beneath(const struct directory *d, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, d->root, name, &how, sizeof(how));
}

/* parent_of - the directory of @name, opened; *@last is its last part. */
static int parent_of(const struct directory *d, const char *name, const char **last)
{
	const char *slash = strrchr(name, '/');
	auto_free char *parent = NULL;

	if (!slash) {
		*last = name;
		return open_beneath(d, ".", O_PATH | O_DIRECTORY, 0);
	}
	*last = slash + 1;
	parent = strndup(name, (size_t)(slash - name));
	return parent ? open_beneath(d, parent, O_PATH | O_DIRECTORY, 0) : -1;
}

static ntstatus read_part(struct directory *d, struct place_request *rq)
{
	auto_close int fd = open_beneath(d, rq->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	size_t got = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ntstatus_of_errno(errno);
	if (!S_ISREG(st.st_mode))
		return STATUS_OBJECT_TYPE_MISMATCH;
	while (got < rq->length) {
		ssize_t n = pread(fd, rq->data + got, rq->length - got, (off_t)(rq->offset + got));

		if (n < 0)
			return ntstatus_of_errno(errno);
		if (!n)
			break;
		got += (size_t)n;
	}
	place_finish(&d->place, rq, STATUS_SUCCESS, got);
	return STATUS_SUCCESS;
}

static int write_file(const struct directory *d, const char *name, uint64_t flags, const void *data,
		      size_t length, bool durable)
{
	/* Where others may create files there may be anything: a pipe must not hold us. */
	auto_close int fd =
		open_beneath(d, name, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | flags, 0644);
	const uint8_t *at = data;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0)
			return -errno;
		at += n;
		length -= (size_t)n;
	}
	if (durable && fdatasync(fd) < 0)
		return -errno;
	return close(steal_fd(&fd)) < 0 ? -errno : 0; /* where quotas and network disks say it */
}

static int rename_over(const struct directory *d, const char *from, const char *to, bool durable)
{
	const char *last;
	auto_close int parent = parent_of(d, to, &last);

	if (parent < 0 || renameat(d->root, from, parent, last) < 0)
		return -errno;
	if (durable) {
		auto_close int readable = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (readable < 0 || fsync(readable) < 0)
			return -errno;
	}
	return 0;
}

static int write_staged(struct directory *d, const char *name, const void *data, size_t length,
			bool durable)
{
	char staged[PLACE_STAGING_NAME];
	int error;

	place_staging_name(staged);
	error = write_file(d, staged, O_EXCL, data, length, durable);
	if (!error)
		error = rename_over(d, staged, name, durable);
	if (error)
		unlinkat(d->root, staged, 0);
	return error;
}

static ntstatus remove_file(struct directory *d, struct place_request *rq)
{
	const char *last;
	auto_close int parent = parent_of(d, rq->name, &last);

	if (parent < 0 || unlinkat(parent, last, 0) < 0)
		return ntstatus_of_errno(errno);
	place_finish(&d->place, rq, STATUS_SUCCESS, 0);
	return STATUS_SUCCESS;
}

static void directory_begin(struct place *place, struct place_request *rq)
{
	struct directory *d = of(place);
	ntstatus status;

	if (rq->verb == PLACE_PUT) {
		uint64_t how = rq->is_new ? O_EXCL : O_TRUNC;
		int error = rq->replace ? write_staged(d, rq->name, rq->data, rq->length, false)
					: write_file(d, rq->name, how, rq->data, rq->length, false);

		place_finish(place, rq, ntstatus_of_errno(error), 0);
		return;
	}
	status = rq->verb == PLACE_REMOVE ? remove_file(d, rq) : read_part(d, rq);
	if (status)
		place_finish(place, rq, status, 0);
}

static ntstatus directory_write(struct place *place, const char *name, const void *data,
				size_t length)
{
	return ntstatus_of_errno(write_staged(of(place), name, data, length, true));
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static ntstatus directory_list(struct place *place, const char *name, place_list_fn *each,
			       void *owner)
{
	auto_close int fd = open_beneath(of(place), name, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir cleanup(close_dir) = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return ntstatus_of_errno(errno);
	steal_fd(&fd);
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* it went away just now */
		if (!each(owner, entry->d_name, (uint64_t)st.st_size, S_ISDIR(st.st_mode)))
			return STATUS_SUCCESS;
	}
	return errno ? ntstatus_of_errno(errno) : STATUS_SUCCESS;
}

static ntstatus directory_make(struct place *place, const char *name)
{
	const char *last;
	auto_close int parent = parent_of(of(place), name, &last);

	if (parent < 0)
		return ntstatus_of_errno(errno);
	if (mkdirat(parent, last, 0755) < 0 && errno != EEXIST)
		return ntstatus_of_errno(errno);
	return STATUS_SUCCESS;
}

static ntstatus directory_remove(struct place *place, const char *name)
{
	const char *last;
	auto_close int parent = parent_of(of(place), name, &last);

	if (parent < 0)
		return ntstatus_of_errno(errno);
	if (!unlinkat(parent, last, 0))
		return STATUS_SUCCESS;
	if (errno == EISDIR && !unlinkat(parent, last, AT_REMOVEDIR))
		return STATUS_SUCCESS;
	return ntstatus_of_errno(errno);
}

static ntstatus directory_set_access(struct place *place, const char *name,
				     enum place_access access)
{
	static const mode_t modes[] = { [PLACE_PRIVATE] = 0600, [PLACE_DROP] = 01733 };
	const char *last;
	auto_close int parent = parent_of(of(place), name, &last);
	struct stat st;

	if (parent < 0 || fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ntstatus_of_errno(errno);
	/* Of somebody else, or a link: it is not for us to open it to anyone. */
	if (st.st_uid != geteuid() || S_ISLNK(st.st_mode))
		return STATUS_ACCESS_DENIED;
	return fchmodat(parent, last, modes[access], 0) < 0 ? ntstatus_of_errno(errno)
							    : STATUS_SUCCESS;
}

static ntstatus directory_lock(struct place *place, const char *name)
{
	struct directory *d = of(place);
	auto_close int fd = -1;

	if (d->lock >= 0)
		return STATUS_SUCCESS;
	/* Whoever can open it can lock it: nobody else can, also where an older one lies. */
	fd = open_beneath(d, name, O_RDWR | O_CREAT | O_NONBLOCK, 0600);
	if (fd < 0)
		return ntstatus_of_errno(errno);
	(void)fchmod(fd, 0600);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? STATUS_SHARING_VIOLATION : ntstatus_of_errno(errno);
	d->lock = steal_fd(&fd);
	return STATUS_SUCCESS;
}

static void directory_unlock(struct place *place)
{
	close_fd_ptr(&of(place)->lock);
	of(place)->lock = -1;
}

static ntstatus directory_sync(struct place *place)
{
	auto_close int fd = open_beneath(of(place), ".", O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 || syncfs(fd) < 0 ? ntstatus_of_errno(errno) : STATUS_SUCCESS;
}

static ntstatus directory_free_bytes(struct place *place, uint64_t *free_bytes)
{
	struct statvfs st;

	if (fstatvfs(of(place)->root, &st) < 0)
		return ntstatus_of_errno(errno);
	*free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	return STATUS_SUCCESS;
}

static void directory_close(struct place *place)
{
	struct directory *d = of(place);

	close_fd_ptr(&d->lock);
	close_fd_ptr(&d->root);
	free(d);
}

static const struct place_ops operations = {
	.begin = directory_begin,
	.write = directory_write,
	.list = directory_list,
	.make_directory = directory_make,
	.remove = directory_remove,
	.set_access = directory_set_access,
	.lock = directory_lock,
	.unlock = directory_unlock,
	.sync = directory_sync,
	.free_bytes = directory_free_bytes,
	.close = directory_close,
};

struct place *place_open_directory(const char *path, struct content_failure *why)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct directory *d;

	if (root < 0) {
		content_fail_errno(why, errno, path, "open a directory of content");
		return NULL;
	}
	d = xalloc(1, sizeof(*d));
	d->place.ops = &operations;
	d->place.title = xstrdup(path);
	d->place.depth = DIRECTORY_DEPTH;
	d->root = root;
	d->lock = -1;
	return &d->place;
}
