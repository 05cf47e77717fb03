// SPDX-License-Identifier: Apache-2.0
/* Files put together from pieces, beside where they are wanted, then moved there as a whole. */
#include <content/assemble.h>

#include <base/files.h>
#include <crypto/crypto.h>
#include <errno.h>

struct assembly {
	struct place *cache;
	const struct manifest *manifest;
	struct content_failure *why;
	struct sha256 *hash;
	uint8_t *data;
	struct tree *tree; /* new and ours; names are safe, and still nothing leaves it */
};

static bool make_directory(struct assembly *a, const char *path)
{
	int error = tree_make_directory(a->tree, path);

	return !error || error == -EEXIST ||
	       content_fail_errno(a->why, error, path, "make a directory");
}

static bool make_parents(struct assembly *a, const char *path)
{
	auto_free char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (!make_directory(a, copy))
			return false;
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
	int error;

	if (!sha256_update(a->hash, a->data, length))
		return content_fail(a->why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, path,
				    "a hash cannot be computed");
	error = file_write(fd, a->data, length);
	return !error || content_fail_errno(a->why, error, path, "write");
}

static bool write_file(struct assembly *a, const struct manifest_file *file, const char *path)
{
	enum file_access access = file->flags & MANIFEST_EXECUTABLE ? FILE_EXECUTABLE : FILE_PLAIN;
	auto_close int fd = tree_file(a->tree, path, FILE_NEW, access);
	uint8_t hash[SHA256_LENGTH];
	int error;

	if (fd < 0)
		return content_fail_errno(a->why, fd, path, "make a file");
	for (uint32_t i = 0; i < file->piece_count; i++) {
		const struct piece *piece = &a->manifest->pieces[file->first_piece + i];

		if (!read_piece(a, piece) || !write_piece(a, fd, path, piece->length))
			return false;
	}
	if (!sha256_final(a->hash, hash) || memcmp(hash, file->hash, sizeof(hash)) != 0)
		return content_fail(a->why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, path,
				    "the file is not what its manifest says");
	error = file_close(&fd, false);
	return !error || content_fail_errno(a->why, error, path, "write");
}

static bool write_all(struct assembly *a)
{
	int error;

	for (uint32_t i = 0; i < a->manifest->file_count; i++) {
		const struct manifest_file *file = &a->manifest->files[i];
		const char *path = manifest_path(a->manifest, file);

		if (!make_parents(a, path))
			return false;
		if (file->flags & MANIFEST_DIRECTORY) {
			if (!make_directory(a, path))
				return false;
		} else if (!write_file(a, file, path)) {
			return false;
		}
	}
	error = tree_sync(a->tree);
	return !error || content_fail_errno(a->why, error, NULL, "bring the files to the disk");
}

static bool remove_earlier(const char *part, struct content_failure *why)
{
	int error = path_remove_tree(part);

	return !error || content_fail_errno(why, error, part, "remove what an earlier run left");
}

static bool assemble_into(struct assembly *a, const char *part)
{
	int error;

	if (!remove_earlier(part, a->why))
		return false;
	error = path_make_directory(part);
	if (error)
		return content_fail_errno(a->why, error, part, "make a directory");
	error = tree_open(part, &a->tree);
	if (error)
		return content_fail_errno(a->why, error, part, "open a directory");
	return write_all(a);
}

bool content_assemble(struct place *cache, const uint8_t hash[SHA256_LENGTH], const char *directory,
		      struct content_failure *why)
{
	auto_free char *part = xasprintf("%s.part", directory);
	uint8_t *data auto_free = malloc(PIECE_BYTES_MAX);
	struct sha256 *sha auto_sha256 = sha256_new();
	struct manifest m auto_manifest = { 0 };
	struct assembly a = { cache, &m, why, sha, data, NULL };
	bool good;
	int error;

	if (!sha || !data)
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	if (!layout_read_manifest(cache, hash, &m, why))
		return false;
	good = assemble_into(&a, part);
	tree_close(a.tree);
	if (!good) {
		(void)!path_remove_tree(part);
		return false;
	}
	error = path_exchange(part, directory);
	return !error || content_fail_errno(why, error, directory, "put the files in place");
}
