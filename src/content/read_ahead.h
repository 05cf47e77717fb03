// SPDX-License-Identifier: Apache-2.0
/* What will be read soon, fetched by the system meanwhile, on a thread of its own. */
#ifndef CONTENT_READ_AHEAD_H
#define CONTENT_READ_AHEAD_H

#include <base/files.h>

struct read_ahead;

/* read_ahead_new - for files of @tree, which must outlive it. There is no thread before the first
 * file. */
struct read_ahead *read_ahead_new(const struct tree *tree);
/* read_ahead_add - @name is to be read soon. Never waits for a disk; what is too much is forgotten,
 * the oldest first. One thread at a time. */
void read_ahead_add(struct read_ahead *r, const char *name);
/* read_ahead_plan - so many bytes are to be read in all; 0: they were. Where that is more than a
 * quarter of the machine's memory, each file is forgotten by the system once it was read: kept,
 * they would push out what others need, and none would be there still when it is read again. Not
 * while several of this process read so: they may read the same, one behind the other. */
void read_ahead_plan(struct read_ahead *r, uint64_t bytes);
/* read_ahead_done - the open file @fd was read. */
void read_ahead_done(struct read_ahead *r, int fd);
/* read_ahead_free - waits for the file that it is at; NULL is good. */
void read_ahead_free(struct read_ahead *r);

#endif
