// SPDX-License-Identifier: Apache-2.0
/*
 * Which package is to be on which distribution point, and how far that is. Each pair has a state of
 * its own; what was asked for is done by the site's server (distribution_work), tried again after
 * retry_s, given up after tries, and counts as done only when it was read back and verified there.
 */
#ifndef SITE_DISTRIBUTION_H
#define SITE_DISTRIBUTION_H

#include <site/library.h>

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

/* distribution_ask - wish it, for @point or (NULL) for all that the verb concerns. */
int distribution_ask(struct site *site, const char *package, const char *point,
		     enum distribution_verb verb, char **why) MUST_CHECK;
/* distribution_list - of @package, or (NULL) of all. */
json_t *distribution_list(struct site *site, const char *package, char **why);

/*
 * distribution_work - do the next thing that is due, if any, and write down how it went.
 * *@worked: there was one. An error is one of the database; a point that fails is none.
 */
int distribution_work(struct site *site, bool *worked, char **why) MUST_CHECK;

/*
 * distribution_move - the state after a try that was good or not, with so many tries left; for what
 * was asked. Pure.
 */
enum distribution_state distribution_move(enum distribution_verb verb, bool good, bool tries_left);

#endif
