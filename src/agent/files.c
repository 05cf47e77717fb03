// SPDX-License-Identifier: Apache-2.0
/* Small files that must survive. */
#include "agent.h"

#include <base/files.h>
#include <errno.h>

#define READ_STEP 16384

bool file_replace(const char *path, const void *data, size_t length, struct content_failure *why)
{
	auto_free char *staged = xasprintf("%s.new", path);
	auto_close int fd = path_open(staged, FILE_OVER, FILE_PRIVATE);
	int error = fd < 0 ? fd : file_write(fd, data, length);

	error = error ? error : file_close(&fd, true);
	error = error ? error : path_rename(staged, path);
	return !error || content_fail_errno(why, error, path, "write it");
}

static bool read_all(int fd, const char *path, size_t limit, struct buf *out,
		     struct content_failure *why)
{
	size_t begin = out->len, got;

	for (;;) {
		uint8_t *room = buf_room(out, READ_STEP);
		int error =
			room ? file_read_at(fd, room, READ_STEP, out->len - begin, &got) : -ENOMEM;

		if (error)
			return content_fail_errno(why, error, path, "read it");
		if (!got)
			return true;
		out->len += got;
		if (out->len > limit)
			return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_TOO_LARGE, path,
					    "more than the %zu bytes it may have", limit);
	}
}

bool file_read(const char *path, size_t limit, struct buf *out, struct content_failure *why)
{
	auto_close int fd = path_open(path, FILE_READ, FILE_PRIVATE);

	return fd < 0 ? content_fail_errno(why, fd, path, "open it")
		      : read_all(fd, path, limit, out, why);
}

bool file_read_guarded(const char *path, size_t limit, struct buf *out, struct content_failure *why)
{
	auto_close int fd = path_open(path, FILE_READ, FILE_PRIVATE);

	if (fd < 0)
		return content_fail_errno(why, fd, path, "open it");
	if (file_is_guarded(fd))
		return read_all(fd, path, limit, out, why);
	return content_fail(why, CONTENT_UNREADABLE, STATUS_ACCESS_DENIED, path,
			    "others may change it, and the agent would obey them: it must belong "
			    "to an administrator (or to whoever the agent runs as), and nobody "
			    "else may write to it");
}

bool remove_tree(const char *path, struct content_failure *why)
{
	int error = path_remove_tree(path);

	return !error || content_fail_errno(why, error, path, "remove it");
}
