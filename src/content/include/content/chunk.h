// SPDX-License-Identifier: Apache-2.0
/*
 * Where to cut a file into pieces: at places that the bytes themselves choose, so that an
 * insertion moves the cuts behind it along, and a new version shares all pieces but those that
 * changed. A rolling sum over the last 64 bytes is looked up against a mask; the mask is stricter
 * before the wanted length and laxer behind it. The constants are part of how a library is
 * shared between versions; changing them costs every package its deltas once
 * (docs/decisions/0030-pieces-cut-by-content.md has what was measured).
 */
#ifndef CONTENT_CHUNK_H
#define CONTENT_CHUNK_H

#include <base/base.h>

struct chunk_sizes {
	uint32_t least, wanted, most; /* wanted: a power of two */
};

/* chunk_sizes_of - how a file of @size bytes is cut: a large one in larger pieces. */
const struct chunk_sizes *chunk_sizes_of(uint64_t size);

/*
 * chunk_length - how long the first piece of @data is. With @length below sizes->most that is only
 * final where these are the last bytes of the file.
 */
size_t chunk_length(const struct chunk_sizes *sizes, const uint8_t *data, size_t length);

#endif
