// SPDX-License-Identifier: Apache-2.0
/*
 * Which package is to be on which distribution point, and how far that is. Each pair has a state of
 * its own; what was asked for is done by the site's server (distribution_do), tried again after
 * retry_s, given up after tries, and counts as done only when it was read back and verified there.
 */
#ifndef SITE_DISTRIBUTION_H
#define SITE_DISTRIBUTION_H

#include <site/library.h>
#include <stdatomic.h>

/* The numbers are those that administrators of such sites know. */
enum distribution_state {
	DIST_INSTALLED,
	DIST_INSTALL_PENDING,
	DIST_INSTALL_RETRYING,
	DIST_INSTALL_FAILED,
	DIST_REMOVAL_PENDING,
	DIST_REMOVAL_RETRYING,
	DIST_REMOVAL_FAILED,
};
const char *distribution_state_name(enum distribution_state state);

enum distribution_verb {
	DIST_DISTRIBUTE,   /* what is missing there */
	DIST_REDISTRIBUTE, /* all of it, over what is there */
	DIST_VALIDATE,	   /* read all of it there, and replace what is damaged */
	DIST_REMOVE,
};

/* What is brought first, of all that is due. */
enum distribution_priority { DIST_HIGH, DIST_NORMAL, DIST_LOW };

struct distribution_wish {
	const char *package;
	const char *where; /* the path of a point, a group, or NULL: all that the verb concerns */
	enum distribution_verb verb;
	enum distribution_priority priority;
};
/* distribution_ask - for which points is appended to @points (paths), where not NULL. A group
 * remembers what it was brought, for those that join. */
int distribution_ask(struct site *site, const struct distribution_wish *wish, json_t *points,
		     char **why) MUST_CHECK;
/* distribution_list - of @package, or (NULL) of all. */
json_t *distribution_list(struct site *site, const char *package, char **why);
/* distribution_misses - the deployments of @package whose clients can get no content: it is on no
 * point, or is being removed from the last; an array of objects: id, purpose, collection. */
json_t *distribution_misses(struct site *site, const char *package, char **why);

/* distribution_hurry - @point can be reached again: what was to be tried later there is due now. */
int distribution_hurry(struct site *site, const char *point, char **why) MUST_CHECK;

/* One row while it is worked on. */
struct distribution_job;
/* distribution_take - what is due first at a point that is not in @busy (paths); *@job NULL:
 * nothing is. The caller puts its point into @busy before anyone else takes. */
int distribution_take(struct site *site, const json_t *busy, struct distribution_job **job,
		      char **why) MUST_CHECK;
const char *distribution_job_point(const struct distribution_job *job);
/*
 * distribution_do - do it, and write down how it went. An error is one of the database; a point
 * that fails is none. @stop: leave it, soon, to be gone on with later.
 */
int distribution_do(struct site *site, struct distribution_job *job, const atomic_bool *stop,
		    char **why) MUST_CHECK;
void distribution_job_free(struct distribution_job *job); /* NULL is good */

/*
 * distribution_move - the state after a try that was good or not, with so many tries left; for what
 * was asked. Pure.
 */
enum distribution_state distribution_move(enum distribution_verb verb, bool good, bool tries_left);

#endif
