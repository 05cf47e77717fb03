// SPDX-License-Identifier: Apache-2.0
/*
 * Running one program of a package: without a shell, in a session of its own, with a time limit,
 * and with nothing of it left when it is over.
 *
 * A watcher process stands between the agent and the program. It adopts whatever the program
 * leaves behind (PR_SET_CHILD_SUBREAPER), so that also a process that made itself a daemon is its
 * child, and ends all of them when the program has ended, when the time is up, and when the agent
 * is gone. No cgroup is needed, so it works in any container.
 */
#ifndef AGENT_RUNNER_H
#define AGENT_RUNNER_H

#include <base/base.h>

#define RUN_OUTPUT_MAX 16384 /* the end of what it writes is kept, the rest is thrown away */

struct run_options {
	char *const *command; /* NULL at its end */
	/* Where a name without '/' is looked for before the usual places, and the working
	 * directory of the program. */
	const char *directory;
	int64_t limit_s;
	char *const *environment; /* NULL at its end; NULL: PATH, HOME and LANG only */
};

struct run_result {
	int error;	/* errno (positive) where it could not be started; the rest is then empty */
	bool timed_out; /* ended by the limit */
	int signal;	/* that ended it; 0: it ended by itself */
	int code;	/* its exit status */
	unsigned left;	/* processes that it left behind and that were ended */
	size_t output_length;
	char output[RUN_OUTPUT_MAX + 1]; /* its end; UTF-8 (what is not becomes '?'), with a NUL */
	uint64_t output_total;		 /* bytes that it wrote */
};

/* run_program - waits until all of it is over. One at a time in a process. */
void run_program(const struct run_options *options, struct run_result *result);

#endif
