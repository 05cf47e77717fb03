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
	/* In this round: */
	uint64_t refused, unread, removed;
	char *first, *first_why; /* that was refused */
	int64_t room;		 /* for files that are kept in mind */
	bool is_full;		 /* more lies there than can be listed */
	bool has_read;		 /* a file: the site has the right to, here */
};

/* A file in a drop, as the listing has it. */
struct dropped {
	char *file;
	uint64_t size;
	bool is_stray; /* no paper has such a name */
	bool is_directory;
};

/* ingest_batch - read the @count files side by side, put what they say into the database in one
 * transaction, and remove those that are done with, as far as they can be removed. An error is the
 * site's own trouble or the point's: the round ends there. */
#define INGEST_BATCH_MAX 64
int ingest_batch(struct ingest *in, const struct dropped *files, size_t count,
		 char **why) MUST_CHECK;

/* odd_begin - what was seen long ago is gone, or was refused: that is forgotten, and what room is
 * left is counted. */
int odd_begin(struct ingest *in, char **why) MUST_CHECK;
/* odd_is_given_up - note that @file is no paper; *@over: it has been none for so long that it will
 * never be one, or there are too many to wait for. Within the transaction of its batch. */
int odd_is_given_up(struct ingest *in, const struct dropped *file, bool *over,
		    char **why) MUST_CHECK;
int odd_forget(const struct ingest *in, const char *file, char **why) MUST_CHECK;

#endif
