// SPDX-License-Identifier: Apache-2.0
/* Files put together from pieces, beside where they are wanted, then moved there as a whole. */
#include <content/assemble.h>

#include <crypto/crypto.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_DIRECTORIES 32 /* of the walk that removes */

struct assembly {
	struct place *cache;
	const struct manifest *manifest;
	struct content_failure *why;
	struct sha256 *hash;
	uint8_t *data;
	int root;
};

/* Names are safe, and the directory is new and ours: still nothing leaves it. */
static int open_beneath(int root, const char *path, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static bool make_parents(struct assembly *a, const char *path)
{
	auto_free char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(a->root, copy, 0755) < 0 && errno != EEXIST)
			return content_fail_errno(a->why, errno, copy, "make a directory");
		*slash = '/';
	}
	return true;
}

/* One piece from the cache, compared with its hash. */
static bool read_piece(struct assembly *a, const struct piece *piece)
{
	char name[LAYOUT_NAME_MAX];
	struct place_request rq = { .verb = PLACE_GET, .name = name, .data = a->data };
	uint8_t hash[SHA256_LENGTH];

	layout_piece(name, piece->hash);
	rq.length = piece->length;
	place_begin(a->cache, &rq);
	while (!rq.done)
		place_turn(a->cache, -1);
	if (rq.status)
		return content_fail_status(a->why, rq.status, false, name, "read a piece");
	if (rq.got == piece->length && hash_sha256(a->data, rq.got, hash) &&
	    !memcmp(hash, piece->hash, sizeof(hash)))
		return true;
	return content_fail(a->why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, name,
			    "the bytes of a piece are not what its hash says");
}

static bool write_piece(struct assembly *a, int fd, const char *path, size_t length)
{
	const uint8_t *at = a->data;

	if (!sha256_update(a->hash, at, length))
		return content_fail(a->why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, path,
				    "a hash cannot be computed");
	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0)
			return content_fail_errno(a->why, errno, path, "write");
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static bool write_file(struct assembly *a, const struct manifest_file *file, const char *path)
{
	mode_t mode = file->flags & MANIFEST_EXECUTABLE ? 0755 : 0644;
	auto_close int fd = open_beneath(a->root, path, O_WRONLY | O_CREAT | O_EXCL, mode);
	uint8_t hash[SHA256_LENGTH];

	if (fd < 0)
		return content_fail_errno(a->why, errno, path, "make a file");
	for (uint32_t i = 0; i < file->piece_count; i++) {
		const struct piece *piece = &a->manifest->pieces[file->first_piece + i];

		if (!read_piece(a, piece) || !write_piece(a, fd, path, piece->length))
			return false;
	}
	if (!sha256_final(a->hash, hash) || memcmp(hash, file->hash, sizeof(hash)) != 0)
		return content_fail(a->why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, path,
				    "the file is not what its manifest says");
	/* Exactly this mode, whatever the umask is. */
	if (fchmod(fd, mode) < 0 || close(steal_fd(&fd)) < 0)
		return content_fail_errno(a->why, errno, path, "write");
	return true;
}

static bool write_all(struct assembly *a)
{
	for (uint32_t i = 0; i < a->manifest->file_count; i++) {
		const struct manifest_file *file = &a->manifest->files[i];
		const char *path = manifest_path(a->manifest, file);

		if (!make_parents(a, path))
			return false;
		if (file->flags & MANIFEST_DIRECTORY) {
			if (mkdirat(a->root, path, 0755) < 0 && errno != EEXIST)
				return content_fail_errno(a->why, errno, path, "make a directory");
		} else if (!write_file(a, file, path)) {
			return false;
		}
	}
	return syncfs(a->root) < 0
		       ? content_fail_errno(a->why, errno, NULL, "bring the files to the disk")
		       : true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static bool remove_tree(const char *path, struct content_failure *why)
{
	if (!nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) ||
	    errno == ENOENT)
		return true;
	return content_fail_errno(why, errno, path, "remove what an earlier run left");
}

/* The new tree for the old one, in one step. */
static bool put_in_place(const char *part, const char *directory, struct content_failure *why)
{
	if (!renameat2(AT_FDCWD, part, AT_FDCWD, directory, RENAME_NOREPLACE))
		return true;
	if (errno != EEXIST)
		return content_fail_errno(why, errno, directory, "put the files in place");
	if (renameat2(AT_FDCWD, part, AT_FDCWD, directory, RENAME_EXCHANGE) < 0)
		return content_fail_errno(why, errno, directory, "put the files in place");
	return remove_tree(part, why);
}

static bool assemble_into(struct assembly *a, const char *part)
{
	if (!remove_tree(part, a->why))
		return false;
	if (mkdir(part, 0755) < 0)
		return content_fail_errno(a->why, errno, part, "make a directory");
	a->root = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->root < 0)
		return content_fail_errno(a->why, errno, part, "open a directory");
	return write_all(a);
}

bool content_assemble(struct place *cache, const uint8_t hash[SHA256_LENGTH], const char *directory,
		      struct content_failure *why)
{
	auto_free char *part = xasprintf("%s.part", directory);
	uint8_t *data auto_free = malloc(PIECE_BYTES_MAX);
	struct sha256 *sha auto_sha256 = sha256_new();
	struct manifest m auto_manifest = { 0 };
	struct assembly a = { cache, &m, why, sha, data, -1 };
	bool good;

	if (!sha || !data)
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	if (!layout_read_manifest(cache, hash, &m, why))
		return false;
	good = assemble_into(&a, part);
	close_fd_ptr(&a.root);
	if (good)
		return put_in_place(part, directory, why);
	(void)!remove_tree(part, NULL);
	return false;
}
