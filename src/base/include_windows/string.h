// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WINDOWS_STRING_H
#define BASE_WINDOWS_STRING_H

#include_next <string.h>

/* error_text - strerror, for the numbers too that the C library has no words for: libc_windows.c.
 */
const char *error_text(int error);
#define strerror(error) error_text(error)

/* As on Linux: libc_windows.c. */
char *strndup(const char *text, size_t most);

#endif
