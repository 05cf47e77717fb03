// SPDX-License-Identifier: Apache-2.0
/*
 * Files that the file system keeps compressed: btrfs, and F2FS where it was made for that. Whether
 * a file is so is a flag of its inode, which statx shows, and which what is made in a directory
 * inherits from it, as on NTFS. What is in the file already stays as it is: only what is written
 * from then on is another on disk.
 *
 * ext4 stores the flag and compresses nothing, so that a flag alone says nothing: what decides is
 * which file system it is, and whether it takes the flag.
 */
#include <errno.h>
#include <fcntl.h>

#include "private.h"

enum { COMPRESSES_UNKNOWN, COMPRESSES_YES, COMPRESSES_NO };

/* try_compress - with a file that has no name, in the home. */
static bool try_compress(struct volume *volume)
{
	auto_close int fd =
		openat(volume->root->fd, VOLUME_HOME, O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

	return fd >= 0 && !sys.set_compressed(fd, true);
}

bool volume_compresses(struct volume *volume)
{
	int known = atomic_load(&volume->compresses);

	if (known == COMPRESSES_UNKNOWN) { /* who comes at once finds the same */
		known = sys.may_compress(volume->root->fd) &&
					(volume->is_read_only || try_compress(volume))
				? COMPRESSES_YES
				: COMPRESSES_NO;
		atomic_store(&volume->compresses, known);
	}
	return known == COMPRESSES_YES;
}

bool is_compressed(struct volume *volume, const struct statx *st)
{
	return st->stx_attributes & STATX_ATTR_COMPRESSED && volume_compresses(volume);
}

ntstatus volume_is_compressed(struct volume_node *node, bool *out)
{
	struct statx st;
	int error = sys.statx(node->fd, "", &st);

	*out = !error && is_compressed(node->volume, &st);
	return ntstatus_of_errno(error);
}

static ntstatus set_compressed(struct volume_node *node, bool compressed)
{
	int error = sys.set_compressed(node->fd, compressed);

	if (error == -EOPNOTSUPP || error == -ENOTTY)
		return STATUS_NOT_SUPPORTED;
	if (error == -EINVAL) /* one that is to be written in place */
		return STATUS_INVALID_DEVICE_REQUEST;
	return ntstatus_of_errno(error);
}

ntstatus volume_set_compressed(struct volume_node *node, bool compressed)
{
	bool is_now;
	ntstatus status;

	if (node_is_past(node))
		return STATUS_MEDIA_WRITE_PROTECTED;
	status = volume_is_compressed(node, &is_now);
	if (status || is_now == compressed)
		return status;
	if (!volume_compresses(node->volume))
		return STATUS_NOT_SUPPORTED;
	if (!node->is_directory)
		return set_compressed(node, compressed);
	names_lock(node);
	names_begin(node);
	status = set_compressed(node, compressed);
	names_touched(node);
	names_unlock(node);
	return status;
}
