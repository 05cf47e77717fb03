// SPDX-License-Identifier: Apache-2.0
/* Small files that must survive, and trees that must go. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const uint8_t *data, size_t length)
{
	while (length) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		data += put;
		length -= (size_t)put;
	}
	return true;
}

static bool sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *directory =
		slash ? strndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && !fsync(fd);
}

bool file_replace(const char *path, const void *data, size_t length, struct content_failure *why)
{
	auto_free char *staged = xasprintf("%s.new", path);
	auto_close int fd =
		open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && write_all(fd, data, length) && !fsync(fd) && !rename(staged, path) &&
	    sync_directory_of(path))
		return true;
	return content_fail_errno(why, errno, path, "write it");
}

bool file_read(const char *path, size_t limit, struct buf *out, struct content_failure *why)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return content_fail_errno(why, errno, path, "open it");
	for (;;) {
		uint8_t *room = buf_room(out, 16384);
		ssize_t got = room ? read(fd, room, 16384) : -1;

		if (got < 0)
			return content_fail_errno(why, room ? errno : ENOMEM, path, "read it");
		if (!got)
			return true;
		out->len += (size_t)got;
		if (out->len > limit)
			return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_TOO_LARGE, path,
					    "more than the %zu bytes it may have", limit);
	}
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

bool remove_tree(const char *path, struct content_failure *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || content_fail_errno(why, errno, path, "remove it");
	if (empty_directory(fd, 128) && !rmdir(path))
		return true;
	return content_fail_errno(why, errno, path, "remove it");
}
