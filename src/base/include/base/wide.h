// SPDX-License-Identifier: Apache-2.0
/* Windows: text and errors at the edge to the system. Internal to what has _windows in its name. */
#ifndef BASE_WIDE_H
#define BASE_WIDE_H

#include <base/base.h>
#include <wchar.h>

/* wide_of - UTF-8 as UTF-16, to be freed; NULL where it is not UTF-8. */
wchar_t *wide_of(const char *text);
/* narrow_of - the reverse; half a surrogate pair becomes U+FFFD. Never NULL. */
char *narrow_of(const wchar_t *text) __attribute__((returns_nonnull));
/* wide_path_of - a path in the form that has no length limit and no "." or ".." (\\?\...); NULL
 * where it is no UTF-8. A relative path counts from the working directory. */
wchar_t *wide_path_of(const char *path);
/* errno_of_windows - a code of GetLastError as a positive errno; EIO where there is no other. */
int errno_of_windows(unsigned long code);

#endif
