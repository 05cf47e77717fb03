// SPDX-License-Identifier: Apache-2.0
/* Windows takes no advice about files that are to be read: nothing is done there. */
#include "read_ahead.h"

struct read_ahead *read_ahead_new(const struct tree *tree)
{
	return NULL;
}

void read_ahead_add(struct read_ahead *r, const char *name)
{
}

void read_ahead_plan(struct read_ahead *r, uint64_t bytes)
{
}

void read_ahead_done(struct read_ahead *r, int fd)
{
}

void read_ahead_free(struct read_ahead *r)
{
}
