// SPDX-License-Identifier: Apache-2.0
/* What the files about taking papers share: one round at one point. */
#ifndef SITE_INGEST_IMPL_H
#define SITE_INGEST_IMPL_H

#include "deploy_impl.h"

#include <policy/paper.h>

struct ingest {
	struct site *site;
	struct place *place;
	const char *point;
	struct ingest_counts *counts;
	uint64_t refused, unread; /* in this round */
	char *first, *first_why;  /* that was refused in this round */
};

/* A file in a drop, as the listing has it. */
struct dropped {
	char file[PAPER_NAME_MAX];
	uint64_t size;
};

/* ingest_batch - read the @count files side by side, put what they say into the database in one
 * transaction, and remove those that are done with, as far as they can be removed. An error is the
 * site's own trouble or the point's: the round ends there. */
#define INGEST_BATCH_MAX 64
int ingest_batch(struct ingest *in, const struct dropped *files, size_t count,
		 char **why) MUST_CHECK;

/* odd_forget_old - what was seen long ago is gone, or was refused. */
int odd_forget_old(const struct ingest *in, char **why) MUST_CHECK;
/* odd_is_given_up - note that @file is no paper; *@over: it has been none for so long that it will
 * never be one. Within the transaction of its batch. */
int odd_is_given_up(struct ingest *in, const char *file, bool *over, char **why) MUST_CHECK;
int odd_forget(const struct ingest *in, const char *file, char **why) MUST_CHECK;

#endif
