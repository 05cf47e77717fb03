// SPDX-License-Identifier: Apache-2.0
/* What unit tests call that the C library of Windows has not. */
#ifndef TESTS_WINDOWS_POSIX_H
#define TESTS_WINDOWS_POSIX_H

#include <stdlib.h>
#include <string.h>

static inline void *memmem(const void *in, size_t length, const void *what, size_t wanted)
{
	const char *at = in;

	for (size_t i = 0; wanted <= length && i <= length - wanted; i++) {
		if (!memcmp(at + i, what, wanted))
			return (void *)(at + i);
	}
	return NULL;
}

static inline int setenv(const char *name, const char *value, int over)
{
	return _putenv_s(name, value);
}

#endif
