// SPDX-License-Identifier: Apache-2.0
/* Files on Linux: names in a tree are resolved by openat2 (RESOLVE_BENEATH). */
#include <base/files.h>

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

#define TREE_DEPTH_MAX 1024 /* of what is removed; a path has 4096 bytes */

struct tree {
	int root;
};

static const mode_t modes[] = {
	[FILE_PRIVATE] = 0600, [FILE_USUAL] = 0644, [FILE_PLAIN] = 0644, [FILE_EXECUTABLE] = 0755
};
static const int flags_of[] = {
	/* Where others may create files there may be anything: a pipe must not hold us. */
	[FILE_READ] = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	[FILE_NEW] = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	[FILE_OVER] = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
};

static int result_of(int value)
{
	return value < 0 ? -errno : 0;
}

int file_read_at(int fd, void *data, size_t length, uint64_t offset, size_t *got)
{
	for (*got = 0; *got < length;) {
		ssize_t n =
			pread(fd, (uint8_t *)data + *got, length - *got, (off_t)(offset + *got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int file_write(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;

	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

int file_sync(int fd)
{
	return result_of(fsync(fd));
}

int file_close(int *fd, bool durable)
{
	int error = durable ? file_sync(*fd) : 0;
	int closed = result_of(close(steal_fd(fd))); /* where quotas and network disks say it */

	return error ? error : closed;
}

bool file_is_private(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & 077);
}

/* Of what was opened, only a regular file. */
static int only_regular(int fd)
{
	struct stat st;
	int error;

	if (fd < 0)
		return -errno;
	error = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!error)
		return fd;
	close(fd);
	return error;
}

bool file_is_guarded(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

bool path_is_absolute(const char *path)
{
	return path[0] == '/';
}

int path_open(const char *path, enum file_how how, enum file_access access)
{
	return only_regular(open(path, flags_of[how], modes[access]));
}

static int sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *directory =
		slash ? strndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	auto_close int fd = -1;

	if (!directory)
		return -ENOMEM;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : result_of(fsync(fd));
}

int path_rename(const char *from, const char *to)
{
	return rename(from, to) < 0 ? -errno : sync_directory_of(to);
}

int path_remove(const char *path)
{
	return result_of(unlink(path));
}

int path_make_directory(const char *path)
{
	return result_of(mkdir(path, 0755));
}

int path_make_private(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int lock_taken(int opened, int *fd)
{
	auto_close int file = opened;

	if (file < 0)
		return -errno;
	if (flock(file, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*fd = steal_fd(&file);
	return 0;
}

int path_lock(const char *path, int *fd)
{
	return lock_taken(open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600), fd);
}

/* Takes over @fd. Nothing is followed, so no link leads out of the tree. */
static bool empty_directory(int fd, unsigned depth)
{
	DIR *list = depth ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool good = list != NULL;

	if (!list)
		close(fd);
	while (good && (entry = readdir(list))) {
		const char *name = entry->d_name;
		int below;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (!unlinkat(dirfd(list), name, 0))
			continue;
		below = openat(dirfd(list), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		good = below >= 0 && empty_directory(below, depth - 1) &&
		       !unlinkat(dirfd(list), name, AT_REMOVEDIR);
	}
	if (list)
		closedir(list);
	return good;
}

int path_remove_tree(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return empty_directory(fd, TREE_DEPTH_MAX) ? result_of(rmdir(path)) : -errno;
}

int path_exchange(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EEXIST || renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) < 0)
		return -errno;
	return path_remove_tree(from);
}

int path_list(const char *path, path_list_fn *each, void *owner)
{
	DIR *list = opendir(path);
	struct dirent *entry;

	if (!list)
		return -errno;
	while ((entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!each(owner, entry->d_name))
			break;
	}
	closedir(list);
	return 0;
}

static int open_beneath(const struct tree *t, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, t->root, name, &how, sizeof(how));
}

/* parent_of - the directory of @name, opened; *@last is its last part. */
static int parent_of(const struct tree *t, const char *name, const char **last)
{
	const char *slash = strrchr(name, '/');
	auto_free char *parent = NULL;

	if (!slash) {
		*last = name;
		return open_beneath(t, ".", O_PATH | O_DIRECTORY, 0);
	}
	*last = slash + 1;
	parent = strndup(name, (size_t)(slash - name));
	return parent ? open_beneath(t, parent, O_PATH | O_DIRECTORY, 0) : -1;
}

int tree_open(const char *path, struct tree **out)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -errno;
	*out = xalloc(1, sizeof(**out));
	(*out)->root = root;
	return 0;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	close(t->root);
	free(t);
}

int tree_file(const struct tree *t, const char *name, enum file_how how, enum file_access access)
{
	int fd = only_regular(open_beneath(t, name, (uint64_t)flags_of[how], modes[access]));

	/* Exactly this mode, whatever the umask is. */
	if (fd >= 0 && access >= FILE_PLAIN && fchmod(fd, modes[access]) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int tree_make_directory(const struct tree *t, const char *name)
{
	const char *last;
	auto_close int parent = parent_of(t, name, &last);

	return parent < 0 ? -errno : result_of(mkdirat(parent, last, 0755));
}

int tree_rename(const struct tree *t, const char *from, const char *to, bool durable)
{
	const char *last;
	auto_close int parent = parent_of(t, to, &last);

	if (parent < 0 || renameat(t->root, from, parent, last) < 0)
		return -errno;
	if (durable) {
		auto_close int readable = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (readable < 0 || fsync(readable) < 0)
			return -errno;
	}
	return 0;
}

static int remove_as(const struct tree *t, const char *name, int flags)
{
	const char *last;
	auto_close int parent = parent_of(t, name, &last);

	return parent < 0 ? -errno : result_of(unlinkat(parent, last, flags));
}

int tree_remove_file(const struct tree *t, const char *name)
{
	return remove_as(t, name, 0);
}

int tree_remove(const struct tree *t, const char *name)
{
	int error = remove_as(t, name, 0);

	return error == -EISDIR ? remove_as(t, name, AT_REMOVEDIR) : error;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int tree_list(const struct tree *t, const char *name, tree_list_fn *each, void *owner)
{
	auto_close int fd = open_beneath(t, name, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir cleanup(close_dir) = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	steal_fd(&fd);
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* it went away just now */
		if (!each(owner, entry->d_name, (uint64_t)st.st_size, S_ISDIR(st.st_mode)))
			return 0;
	}
	return -errno;
}

int tree_lock(const struct tree *t, const char *name, int *fd)
{
	/* Whoever can open it can lock it: nobody else can, also where an older one lies. */
	int file = open_beneath(t, name, O_RDWR | O_CREAT | O_NONBLOCK, 0600);

	if (file >= 0)
		(void)fchmod(file, 0600);
	return lock_taken(file, fd);
}

int tree_set_mode(const struct tree *t, const char *name, unsigned mode)
{
	const char *last;
	auto_close int parent = parent_of(t, name, &last);
	struct stat st;

	if (parent < 0 || fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Of somebody else, or a link: it is not for us to open it to anyone. */
	if (st.st_uid != geteuid() || S_ISLNK(st.st_mode))
		return -EACCES;
	return result_of(fchmodat(parent, last, mode, 0));
}

int tree_sync(const struct tree *t)
{
	auto_close int fd = open_beneath(t, ".", O_RDONLY | O_DIRECTORY, 0);

	return fd < 0 ? -errno : result_of(syncfs(fd));
}

int tree_free_bytes(const struct tree *t, uint64_t *bytes)
{
	struct statvfs st;

	if (fstatvfs(t->root, &st) < 0)
		return -errno;
	*bytes = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}
