// SPDX-License-Identifier: Apache-2.0
/* What building the policy, and bringing it to distribution points, share. */
#ifndef SITE_PUBLISH_IMPL_H
#define SITE_PUBLISH_IMPL_H

#include <site/deploy.h>
#include <site/library.h>

#define GENERATIONS_KEPT 3 /* a client that is reading an older policy finds its nodes */
#define POINT_MS	 (300u * 1000) /* for the policy and documents of one point */

/* library_bring - policy and signed documents to @to, which is prepared and locked; the library is
 * open for changes. */
bool library_bring(struct site *site, struct site_library *library, struct place *to,
		   struct content_failure *why) MUST_CHECK;
/* point_note - in the database: it has what was published last, or (@reason) why not. */
void point_note(struct site *site, const char *path, const char *reason);

/* place_publish - the same behind content that was brought there: what was published last, not
 * built anew. */
int place_publish(struct site *site, struct place *to, char **why) MUST_CHECK;
/* point_publish - to the place of a point, and noted. */
int point_publish(struct site *site, const struct point *point, struct place *to,
		  char **why) MUST_CHECK;

#endif
