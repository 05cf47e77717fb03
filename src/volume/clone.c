// SPDX-License-Identifier: Apache-2.0
/* Files that share space (reflinks), where the file system has them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "private.h"

enum { CLONES_UNKNOWN, CLONES_YES, CLONES_NO };

static int clone_range(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t length)
{
	struct file_clone_range range = { .src_fd = from,
					  .src_offset = from_offset,
					  .src_length = length,
					  .dest_offset = to_offset };

	return ioctl(to, FICLONERANGE, &range) ? -errno : 0;
}

ntstatus volume_clone(struct volume_node *from, uint64_t from_offset, struct volume_node *to,
		      uint64_t to_offset, uint64_t length)
{
	int error;

	if (node_is_past(to))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (from->is_directory || to->is_directory)
		return STATUS_INVALID_PARAMETER;
	if (!length)
		return STATUS_SUCCESS;
	error = clone_range(from->fd, from_offset, to->fd, to_offset, length);
	if (error == -EOPNOTSUPP || error == -ENOTTY || error == -EXDEV)
		return STATUS_NOT_SUPPORTED;
	return ntstatus_of_errno(error);
}

/* try_clone - with two files that have no name, in the home. */
static bool try_clone(struct volume *volume)
{
	static const uint8_t cluster[VOLUME_CLUSTER];
	auto_close int from =
		openat(volume->root->fd, VOLUME_HOME, O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);
	auto_close int to =
		openat(volume->root->fd, VOLUME_HOME, O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

	return from >= 0 && to >= 0 &&
	       pwrite(from, cluster, sizeof(cluster), 0) == (ssize_t)sizeof(cluster) &&
	       !clone_range(from, 0, to, 0, sizeof(cluster));
}

bool volume_clones(struct volume *volume)
{
	int known = atomic_load(&volume->clones);

	if (known == CLONES_UNKNOWN) { /* who comes at once finds the same */
		known = !volume->is_read_only && try_clone(volume) ? CLONES_YES : CLONES_NO;
		atomic_store(&volume->clones, known);
	}
	return known == CLONES_YES;
}
