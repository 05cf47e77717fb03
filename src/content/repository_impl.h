// SPDX-License-Identifier: Apache-2.0
/* What the files of a repository share. */
#ifndef CONTENT_REPOSITORY_IMPL_H
#define CONTENT_REPOSITORY_IMPL_H

#include <content/repository.h>

struct repository {
	struct place *library;
	char *keys;
	const struct repository_lifetimes *lifetimes;
	struct root root;
	struct role_head heads[ROLE_COUNT];
	struct role_meta meta[ROLE_COUNT]; /* how targets and snapshot are named from above */
	json_t *targets;
	bool stale; /* a rotation was interrupted: all is to be signed again */
};

/* repository_load - the newest documents of the library, verified. */
bool repository_load(struct repository *r, struct content_failure *why) MUST_CHECK;

#endif
