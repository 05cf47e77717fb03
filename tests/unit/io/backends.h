// SPDX-License-Identifier: Apache-2.0
/* Every test of the loop runs on both back ends; on io_uring only where it is permitted. */
#ifndef TEST_BACKENDS_H
#define TEST_BACKENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <io/loop.h>

static int on_uring(void **state)
{
	*state = loop_new(IO_URING);
	return 0; /* the test itself skips where there is no ring */
}

static int on_epoll(void **state)
{
	*state = loop_new(IO_POOL);
	return *state ? 0 : -1;
}

static int end_loop(void **state)
{
	loop_free(*state);
	return 0;
}

/* Turn @loop until @condition holds; fail after a minute: only what never comes is a failure, and
 * the machine may be busy. */
#define TURN_UNTIL(loop, condition)                                                                \
	do {                                                                                       \
		uint64_t give_up_ = monotonic_ms() + 60000;                                        \
                                                                                                   \
		while (!(condition)) {                                                             \
			if (monotonic_ms() > give_up_)                                             \
				fail_msg("waited a minute for %s", #condition);                    \
			loop_run_once((loop), 100);                                                \
		}                                                                                  \
	} while (0)

#define LOOP_OF(state)                                                                             \
	*(state);                                                                                  \
	if (!*(state))                                                                             \
	skip()

#define BOTH(test)                                                                                 \
	{ #test " (io_uring)", test, on_uring, end_loop, NULL },                                   \
	{                                                                                          \
#test " (epoll)", test, on_epoll, end_loop, NULL                                   \
	}

#endif
