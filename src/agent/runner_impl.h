// SPDX-License-Identifier: Apache-2.0
/* What the runners of all systems share: command lines, and what a program wrote. */
#ifndef AGENT_RUNNER_IMPL_H
#define AGENT_RUNNER_IMPL_H

#include <agent/runner.h>

/* output_keep - the last RUN_OUTPUT_MAX bytes of what comes. */
void output_keep(struct run_result *r, const char *data, size_t length);
/* output_finish - what is not printable ASCII, a tab or a line's end is not for a report. */
void output_finish(struct run_result *r);

/* command_line - the words as one line, written so that a program on Windows that takes it apart
 * by the rules of its C library gets the same words again; to be freed. */
char *command_line(char *const *words) __attribute__((returns_nonnull));

#endif
