// SPDX-License-Identifier: Apache-2.0
/* Locks between processes: of a home (who owns it), of a node's name, of the directory of records.
 */
#ifndef CLUSTER_LOCK_H
#define CLUSTER_LOCK_H

#include <base/base.h>

/*
 * lock_open - open (and make) the lock file @path. lock_try - take the open-file-description lock;
 * -EAGAIN where another has it. lock_wait - wait for it; -EINTR when a signal came. Closing the
 * descriptor gives it back.
 */
int lock_open(const char *path) MUST_CHECK;
int lock_try(int fd) MUST_CHECK;
int lock_wait(int fd) MUST_CHECK;
/* lock_try_for - lock_try for as long as a process that was killed may take to go. */
int lock_try_for(int fd, uint64_t patience_ms) MUST_CHECK;
#define LOCK_PATIENCE_MS 3000
/* lock_is_held - does anyone hold it? */
bool lock_is_held(int fd);

#endif
