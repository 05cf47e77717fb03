// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WINDOWS_STDLIB_H
#define BASE_WINDOWS_STDLIB_H

#include_next <stdlib.h>

/* As on Linux: libc_windows.c. */
void *reallocarray(void *old, size_t count, size_t size);
void qsort_r(void *items, size_t count, size_t size,
	     int (*order)(const void *a, const void *b, void *owner), void *owner);

#endif
