// SPDX-License-Identifier: Apache-2.0
/* The numbers that POSIX has and the C library of Windows has not; none of its own is so high. */
#ifndef BASE_WINDOWS_ERRNO_H
#define BASE_WINDOWS_ERRNO_H

#include_next <errno.h>

#define EDQUOT	  1001
#define ESTALE	  1002
#define EHOSTDOWN 1003

#endif
