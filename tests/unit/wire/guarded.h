// SPDX-License-Identifier: Apache-2.0
/* Bytes that end where memory ends, so that a read past them stops the test even without a
 * sanitizer. */
#ifndef TESTS_WIRE_GUARDED_H
#define TESTS_WIRE_GUARDED_H

#include <base/cursor.h>
#include <sys/mman.h>

#define GUARDED_SIZE 65536u

static inline uint8_t *guarded_end(void)
{
	static uint8_t *end;

	if (!end) {
		uint8_t *p = mmap(NULL, GUARDED_SIZE + 65536, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		BUG_ON(p == MAP_FAILED || mprotect(p, GUARDED_SIZE, PROT_READ | PROT_WRITE));
		end = p + GUARDED_SIZE;
	}
	return end;
}

/* guarded - a cursor over a copy of @data with nothing behind it; valid until the next call. */
static inline struct cursor guarded(const void *data, size_t length)
{
	uint8_t *at = guarded_end() - length;

	BUG_ON(length > GUARDED_SIZE);
	if (length)
		memcpy(at, data, length);
	return cur_of(at, length);
}

#endif
