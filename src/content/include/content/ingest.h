// SPDX-License-Identifier: Apache-2.0
/*
 * Taking a folder into a library: each file is cut into pieces, each piece that the library does
 * not hold yet, or holds damaged, is written, and the manifest says how to put them together again.
 *
 * A source that cannot be read, that is neither file nor directory, or that changes while it is
 * read is a failure that names the file, and the library stays as it was but for pieces that
 * nothing refers to (content_collect removes them).
 */
#ifndef CONTENT_INGEST_H
#define CONTENT_INGEST_H

#include <content/chunk.h>
#include <content/layout.h>

struct ingest_progress {
	uint32_t files;
	uint64_t bytes;
	const char *path; /* the file that is being read */
};

struct ingest_options {
	const struct chunk_sizes *sizes; /* NULL: chunk_sizes_of its size */
	/* Read back what the library has, and write anew what rotted there; else its size and its
	 * last byte must do. */
	bool verify;
	/* progress - now and then; false: stop. May be NULL. */
	bool (*progress)(void *owner, const struct ingest_progress *progress);
	void *owner;
};

struct ingest_result {
	uint8_t hash[SHA256_LENGTH]; /* of the manifest */
	size_t manifest_bytes;
	uint32_t files, pieces;
	uint64_t bytes;
	uint64_t new_pieces, new_bytes; /* that the library did not have */
	uint64_t mended_pieces;		/* that it had damaged, and has whole again */
};

/*
 * content_ingest - the folder @source into @library, which the caller holds prepared
 * (layout_prepare) and locked. The manifest is written to its targets/ last.
 */
bool content_ingest(const char *source, struct place *library, const struct ingest_options *options,
		    struct ingest_result *result, struct content_failure *why) MUST_CHECK;

#endif
