// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WINDOWS_TIME_H
#define BASE_WINDOWS_TIME_H

#include_next <time.h>

static inline time_t timegm(struct tm *tm)
{
	return _mkgmtime(tm);
}

#endif
