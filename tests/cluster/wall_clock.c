// SPDX-License-Identifier: Apache-2.0
/*
 * A clock on the wall that a test sets while a program runs: preloaded, it is ahead by the seconds
 * (64 bits, of this machine's byte order) at the beginning of the file $TEST_CLOCK. Clocks that
 * only count are left alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t *ahead_s;

/* Before the program can forbid itself to read it. */
__attribute__((constructor)) static void open_clock(void)
{
	const char *path = getenv("TEST_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (at != MAP_FAILED)
		ahead_s = at;
}

static int64_t ahead(void)
{
	return ahead_s ? __atomic_load_n(ahead_s, __ATOMIC_RELAXED) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int answer = (int)syscall(SYS_clock_gettime, clock, ts);

	if (!answer && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += ahead();
	return answer;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}
