// SPDX-License-Identifier: Apache-2.0
/* What building the policy, and bringing it to distribution points, share. */
#ifndef SITE_PUBLISH_IMPL_H
#define SITE_PUBLISH_IMPL_H

#include <site/deploy.h>
#include <site/library.h>

/* Of the policy, whose nodes stay: a client that is reading an older one finds them, and so does a
 * point that is slow, however often the policy is built anew while one is brought to it. */
#define GENERATIONS_KEPT 8
#define POINT_MS	 (300u * 1000) /* for the policy and documents of one point */

/*
 * place_bring - what is published now, not built anew, to @to, which is prepared and locked. The
 * library is locked for a moment only, to see what that is; a point that hangs keeps nobody from
 * it. @generation (may be NULL): of the policy.
 */
int place_bring(struct site *site, struct place *to, int64_t *generation, char **why) MUST_CHECK;
/* policy_publish_at - policy_publish, at points with these paths ([{"source": path}]) only; good
 * where one of them has it. */
int policy_publish_at(struct site *site, const json_t *paths, char **why) MUST_CHECK;
/* point_note - in the database: it has the policy @generation, or (@reason) why not. */
void point_note(struct site *site, const char *path, int64_t generation, const char *reason);
/* points_note - @reason is why none has what was to be published now: it could not be built. */
void points_note(struct site *site, const char *reason);
/* point_publish - to the place of a point, and noted. */
int point_publish(struct site *site, const struct point *point, struct place *to,
		  char **why) MUST_CHECK;

#endif
