// SPDX-License-Identifier: Apache-2.0
/*
 * What of some bytes is in others already: the new ones as parts, each copied from the old ones or
 * given as it is. Every match is compared byte by byte, so that what is put together from the
 * parts is the new bytes, whatever the numbers said that the matches were found by.
 */
#ifndef CONTENT_DELTA_H
#define CONTENT_DELTA_H

#include <base/base.h>

#define DELTA_BLOCK 256u /* no shorter match is found, and no shorter part copied */

struct delta_part {
	bool is_copy;
	size_t at; /* of the old bytes, where it is a copy, else of the new */
	size_t length;
};

struct delta {
	struct delta_part *parts; /* one behind the other they are the new bytes */
	size_t count, room;
};

/* delta_find - @now in terms of @old; false: no memory. It takes at most 32 bytes of memory for
 * every DELTA_BLOCK of @old, and the parts. */
bool delta_find(const uint8_t *old, size_t old_length, const uint8_t *now, size_t now_length,
		struct delta *delta) MUST_CHECK;
void delta_free(struct delta *delta);
#define auto_delta cleanup(delta_free)

#endif
