// SPDX-License-Identifier: Apache-2.0
/* What tests of a site share: one of their own, in a directory that goes with it. */
#ifndef TESTS_SITE_SCRATCH_H
#define TESTS_SITE_SCRATCH_H

#include <site/db.h>
#include <stdio.h>
#include <stdlib.h>

static char dir[64]; /* of the site */
static struct site *site;

/* scratch_site_make - a new one, open; @name is part of its directory's. */
static inline void scratch_site_make(const char *name)
{
	char *why = NULL;

	snprintf(dir, sizeof(dir), "/var/tmp/berth-%s-XXXXXX", name);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(site_create(dir, "P01", "a test", &why), 0);
	assert_int_equal(site_open(dir, &site, &why), 0);
}

/* scratch_site_remove - closed, and gone; for tear-downs. */
static inline int scratch_site_remove(void **state)
{
	auto_free char *command = xasprintf("rm -rf %s", dir);

	site_close(site);
	site = NULL;
	return system(command);
}

/* scratch_below - a path in its directory; to be freed. */
static inline char *scratch_below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* scratch_run - one statement, which must succeed. */
static inline void scratch_run(const char *sql)
{
	struct query q = query_begin(site, sql);

	assert_int_equal(query_run(&q, NULL), 0);
}

#endif
