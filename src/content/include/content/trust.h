// SPDX-License-Identifier: Apache-2.0
/*
 * What a client trusts, and how it comes to trust something newer (The Update Framework,
 * specification, section 5): beginning with one pinned root document, from any place at all.
 *
 * A thief of a distribution point can withhold what is new until the timestamp expires. He cannot
 * forge (signatures), roll back (versions only rise, and the client remembers), mix (snapshot names
 * one targets document by hash), freeze for longer than the timestamp lives, or fill the client's
 * memory or disk (every document has a limit or an announced length).
 *
 * The state lies in a directory that only the client writes: the last trusted document of every
 * role. Each is replaced in one step; killed anywhere, the next refresh goes on from there.
 */
#ifndef CONTENT_TRUST_H
#define CONTENT_TRUST_H

#include <content/layout.h>
#include <content/roles.h>

#define TRUST_ROOTS_MAX 64 /* how many new roots one refresh follows */

struct trust;

/*
 * trust_open - the state in @directory (made where missing). @pinned is the root document that the
 * client was given when it was set up; a state that goes on from a root of the same or a later
 * version is used, else it begins anew there.
 */
struct trust *trust_open(const char *directory, const void *pinned, size_t length,
			 struct content_failure *why);
void trust_close(struct trust *trust);
static inline void trust_close_ptr(struct trust **trust)
{
	trust_close(*trust);
}
#define auto_trust cleanup(trust_close_ptr)

/*
 * trust_refresh - take from @place what is new. @now in seconds since 1970, by this machine's
 * clock; a clock that is behind what has been seen signed is not believed. On failure, what was
 * trusted before stays.
 */
bool trust_refresh(struct trust *trust, struct place *place, int64_t now,
		   struct content_failure *why) MUST_CHECK;

/* trust_is_current - is all of it there and unexpired? Else @why tells what is not. */
bool trust_is_current(const struct trust *trust, int64_t now,
		      struct content_failure *why) MUST_CHECK;
/* trust_root_id - the id of the first key of the pinned root: whose site this is. */
const char *trust_root_id(const struct trust *trust);
int64_t trust_version(const struct trust *trust, enum role role); /* 0: none yet */

/* trust_find - the target called @name, of the last trusted targets document. */
bool trust_find(const struct trust *trust, const char *name, struct target *target,
		struct content_failure *why) MUST_CHECK;
/* trust_each - call @each for all of them, in no order; false ends it. */
void trust_each(const struct trust *trust, bool (*each)(void *owner, const struct target *target),
		void *owner);
/* trust_read - the bytes of a target from @place, its length and hash compared. */
bool trust_read(const struct trust *trust, struct place *place, const struct target *target,
		struct buf *out, struct content_failure *why) MUST_CHECK;

#endif
