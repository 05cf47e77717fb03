// SPDX-License-Identifier: Apache-2.0
/*
 * NT time: 100 ns units since 1601-01-01 UTC (MS-DTYP 2.3.3), in a type of its own so that it is
 * never added to a POSIX time by mistake. Zero means "no time".
 */
#ifndef BASE_NTTIME_H
#define BASE_NTTIME_H

#include <base/base.h>
#include <time.h>

typedef struct {
	uint64_t ticks;
} nttime;

#define NT_EPOCH_SECONDS 11644473600LL

static inline nttime nttime_of(uint64_t ticks)
{
	return (nttime){ ticks };
}

static inline nttime nttime_from_timespec(struct timespec ts)
{
	int64_t seconds = (int64_t)ts.tv_sec + NT_EPOCH_SECONDS;

	if (seconds < 0)
		return nttime_of(0);
	return nttime_of((uint64_t)seconds * 10000000u + (uint64_t)ts.tv_nsec / 100u);
}

static inline struct timespec nttime_to_timespec(nttime t)
{
	return (struct timespec){
		.tv_sec = (time_t)((int64_t)(t.ticks / 10000000u) - NT_EPOCH_SECONDS),
		.tv_nsec = (long)(t.ticks % 10000000u) * 100,
	};
}

static inline nttime nttime_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return nttime_from_timespec(ts);
}

#endif
