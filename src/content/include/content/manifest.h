// SPDX-License-Identifier: Apache-2.0
/*
 * A manifest: which files a version of a package consists of, and which pieces each of them.
 *
 *   magic "BERTHMF1", u32 files, u32 pieces that follow below, then for each file in the order of
 *   its path's bytes: u16 length of the path, the path, u8 flags, u64 size, SHA-256 of the file,
 *   u32 number of pieces, and for each piece: SHA-256, u32 length. Numbers are little-endian.
 *
 * A file of one piece has none written down (the piece is the file), nor has an empty one, nor a
 * directory (listed where it would be empty). There is one encoding of a manifest, so that equal
 * content has an equal hash; a decoder refuses every other. A manifest is trusted because a signed
 * document names its hash, never by itself.
 */
#ifndef CONTENT_MANIFEST_H
#define CONTENT_MANIFEST_H

#include <base/buf.h>
#include <base/cursor.h>
#include <content/failure.h>
#include <crypto/sha256.h>

#define MANIFEST_FILES_MAX  1000000u
#define MANIFEST_PIECES_MAX 4000000u
#define MANIFEST_BYTES_MAX  (256u << 20)
#define PIECE_BYTES_MAX	    (1u << 20)

enum { MANIFEST_EXECUTABLE = 1, MANIFEST_DIRECTORY = 2 };

struct piece {
	uint8_t hash[SHA256_LENGTH];
	uint32_t length; /* 1 to PIECE_BYTES_MAX */
};

struct manifest_file {
	uint32_t path; /* offset in names; manifest_path */
	uint8_t flags; /* MANIFEST_* */
	uint64_t size;
	uint8_t hash[SHA256_LENGTH];
	uint32_t first_piece, piece_count; /* in pieces; none for an empty file */
};

struct manifest {
	struct manifest_file *files;
	uint32_t file_count;
	struct piece *pieces; /* in the order of the files' bytes; one may occur many times */
	uint32_t piece_count;
	uint64_t bytes; /* of all files */
	struct buf names;
	uint32_t file_room, piece_room;
};

void manifest_free(struct manifest *m);
#define auto_manifest cleanup(manifest_free)

static inline const char *manifest_path(const struct manifest *m, const struct manifest_file *file)
{
	return (const char *)m->names.data + file->path;
}

/*
 * manifest_add - append a file; its pieces follow with manifest_add_piece. The path is copied.
 * False where a limit is reached or the name is not safe.
 */
bool manifest_add(struct manifest *m, const char *path, uint8_t flags, uint64_t size,
		  const uint8_t hash[SHA256_LENGTH], struct content_failure *why) MUST_CHECK;
bool manifest_add_piece(struct manifest *m, const uint8_t hash[SHA256_LENGTH], uint32_t length,
			struct content_failure *why) MUST_CHECK;
/*
 * manifest_finish - bring what was added into order, and refuse names that clash. To be called
 * before manifest_encode.
 */
bool manifest_finish(struct manifest *m, struct content_failure *why) MUST_CHECK;

/* manifest_encode - append to @out. */
bool manifest_encode(const struct manifest *m, struct buf *out,
		     struct content_failure *why) MUST_CHECK;
/* manifest_decode - all of @c; @m is to be freed whatever comes back. */
bool manifest_decode(struct cursor *c, struct manifest *m, struct content_failure *why) MUST_CHECK;
/* manifest_hash - of its encoding. */
bool manifest_hash(const struct manifest *m, uint8_t hash[SHA256_LENGTH],
		   struct content_failure *why) MUST_CHECK;

#endif
