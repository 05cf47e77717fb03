// SPDX-License-Identifier: Apache-2.0
/*
 * The site's side of trust: makes, signs and publishes the documents that clients follow
 * (content/trust.h). The documents lie in the metadata/ of the site's library, the keys in a
 * directory of their own:
 *
 *   root.pem        signs root documents only. It may be taken offline: nothing but rotation asks
 *                   for it, and for the yearly renewal of the root document.
 *   targets.pem, snapshot.pem, timestamp.pem   are used whenever something is published
 *
 * The caller holds the library locked (layout_prepare), and uses a repository on one thread.
 * Changes are kept in memory until repository_commit.
 */
#ifndef CONTENT_REPOSITORY_H
#define CONTENT_REPOSITORY_H

#include <content/layout.h>
#include <content/roles.h>

struct repository;

/* How long a signature is good, in seconds, by role. */
struct repository_lifetimes {
	int64_t seconds[ROLE_COUNT];
};
extern const struct repository_lifetimes repository_default_lifetimes; /* a year, 90, 30, 7 days */

/* repository_make_keys - a key for each role into @directory (made where missing, mode 0700), none
 * of which may exist. @owner gets the id of the root key, which layout_prepare wants. */
bool repository_make_keys(const char *directory, char owner[SHA256_HEX_SIZE],
			  struct content_failure *why) MUST_CHECK;
/* repository_create - the first documents, version 1, into the prepared @library; unexpired from
 * @now on. */
bool repository_create(struct place *library, const char *keys,
		       const struct repository_lifetimes *lifetimes, int64_t now,
		       struct content_failure *why) MUST_CHECK;
/* repository_open - @library and the strings stay the caller's and must outlive it. */
struct repository *repository_open(struct place *library, const char *keys,
				   const struct repository_lifetimes *lifetimes,
				   struct content_failure *why);
void repository_close(struct repository *repository);
static inline void repository_close_ptr(struct repository **repository)
{
	repository_close(*repository);
}
#define auto_repository cleanup(repository_close_ptr)

/* repository_pin - append the first root document: what a client is given when it is set up. */
bool repository_pin(struct repository *repository, struct buf *out,
		    struct content_failure *why) MUST_CHECK;
int64_t repository_version(const struct repository *repository, enum role role);
int64_t repository_expires(const struct repository *repository, enum role role);

/* repository_set - name a target (added or changed); its bytes must be in the library's targets/.
 * target->custom is copied. */
bool repository_set(struct repository *repository, const struct target *target,
		    struct content_failure *why) MUST_CHECK;
/* repository_unset - no longer name it; no error where it is not named. */
void repository_unset(struct repository *repository, const char *name);
bool repository_find(const struct repository *repository, const char *name, struct target *target);

/* repository_commit - sign and write what has changed: targets, snapshot, timestamp, in this order,
 * each one version up. */
bool repository_commit(struct repository *repository, int64_t now,
		       struct content_failure *why) MUST_CHECK;
/*
 * repository_renew - sign again what has used up half of its life (or all, with @force); *@renewed:
 * something was, and is to be published. The root is left out where its key is not there and it is
 * good for a month yet.
 */
bool repository_renew(struct repository *repository, int64_t now, bool force, bool *renewed,
		      struct content_failure *why) MUST_CHECK;
/*
 * repository_rotate - a new key for @role in place of the old, a new root document that says so
 * (signed by the old and the new key, where it is root's own), and everything signed again. The old
 * key is kept beside as NAME.pem.VERSION.
 */
bool repository_rotate(struct repository *repository, enum role role, int64_t now,
		       struct content_failure *why) MUST_CHECK;

/*
 * What is published at one time: the documents, and the hashes of the targets that are marked for
 * everywhere ("everywhere": true in custom). It is in memory and does not change, so that the
 * library need not be locked while slow places take it.
 */
struct publication;
/* repository_publication - as the documents are now; NULL: why. Older documents of the library but
 * for the last three versions are removed. */
struct publication *repository_publication(struct repository *repository,
					   struct content_failure *why);
void publication_free(struct publication *publication); /* NULL is good */
static inline void publication_free_ptr(struct publication **publication)
{
	publication_free(*publication);
}
#define auto_publication cleanup(publication_free_ptr)
/*
 * publication_bring - to @to, which is prepared, and was locked before the publication was made:
 * so what is brought there last is never older than what was brought before. Targets are read in
 * @library, which need not be locked. They go first, then roots, targets, snapshot, and the
 * timestamp last, which makes the whole visible in one step. Older documents there but for the
 * last three versions are removed.
 */
bool publication_bring(const struct publication *publication, struct place *library,
		       struct place *to, struct content_failure *why) MUST_CHECK;

#endif
