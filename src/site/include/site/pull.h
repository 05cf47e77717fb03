// SPDX-License-Identifier: Apache-2.0
/*
 * Points that are not filled by the site but by a client of it that is near to them, their mover,
 * from other points: so that a package crosses a thin line once. The site orders it in the signed
 * policy (policy/pull.h), the mover reads it back where it wrote it and reports, and the site looks
 * at a sample before it counts.
 */
#ifndef SITE_PULL_H
#define SITE_PULL_H

#include <site/site.h>

/*
 * pull_set - @point is filled by @mover (a client, as client_find takes it; NULL: who it was) from
 * @sources (paths of points with commas between, the first first; NULL: what they were). -EINVAL
 * for a point that would be filled from itself, whatever lies between.
 */
int pull_set(struct site *site, const char *point, const char *mover, const char *sources,
	     char **why) MUST_CHECK;
/* pull_end - the site fills it itself again. */
int pull_end(struct site *site, const char *point, char **why) MUST_CHECK;
/* pull_orders - what is to be moved now: client -> order (policy/pull.h). */
int pull_orders(struct site *site, json_t **orders, char **why) MUST_CHECK;
/* pull_ordered - what the order to the mover of @point, built now, has for it: package -> number of
 * the wish. An order has no room for more than PULL_PACKAGES_MAX, at all points of its mover. */
int pull_ordered(struct site *site, const char *point, json_t **wishes, char **why) MUST_CHECK;

#endif
