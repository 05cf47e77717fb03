// SPDX-License-Identifier: Apache-2.0
/*
 * A site is a directory: its database, its keys, its content. The server of the site (berth-site)
 * and the command both open it, each through a connection of its own; SQLite (WAL) keeps them
 * apart. Only one server runs on a site: it holds a lock on the directory that the kernel drops
 * with the process, so that the site can fail over as a file server does.
 *
 * A struct site belongs to one thread. Functions return 0 or a negative errno and leave a sentence
 * in *why (to be freed) where they fail.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include <base/base.h>
#include <jansson.h>
#include <sys/types.h>

struct site;

#define SITE_CODE_LENGTH 3	     /* "P01": letters and digits */
#define SITE_MAX_TEXT	 (64u << 10) /* bytes of one text in the database */

/*
 * site_create - make the site @code in the directory @dir, which is made where it is missing.
 * -EEXIST where a site is there already.
 */
int site_create(const char *dir, const char *code, const char *comment, char **why) MUST_CHECK;
/* site_open - open it, and bring its database to this program's schema. */
int site_open(const char *dir, struct site **out, char **why) MUST_CHECK;
void site_close(struct site *site); /* NULL is good */
static inline void site_close_ptr(struct site **site)
{
	site_close(*site);
}
#define auto_site cleanup(site_close_ptr)

/*
 * site_owner - whose directory the site is. site_become_owner - where root runs us, be that user
 * from now on, and for good: a site needs no right that its owner does not have.
 */
int site_owner(const char *dir, uid_t *uid, gid_t *gid, char **why) MUST_CHECK;
int site_become_owner(const char *dir, char **why) MUST_CHECK;

/*
 * site_own - become the one server of the site, until @site is closed. -EBUSY where another process
 * is, and *why names it.
 */
int site_own(struct site *site, char **why) MUST_CHECK;
/* site_is_owned - does a server run on it now? */
bool site_is_owned(const struct site *site);

const char *site_directory(const struct site *site);
const char *site_code(const struct site *site);

/* The settings of a site: a table (settings.c); what is not set has its default. */
struct site_setting {
	const char *key, *fallback, *help;
	int64_t low, high;		 /* of a number; both 0: a text */
	bool (*fits)(const char *value); /* of a text; NULL: any */
};
const struct site_setting *site_settings(size_t *count);
/* site_setting - the value of @key, which must be in the table; to be freed. */
char *site_setting(struct site *site, const char *key);
int64_t site_setting_number(struct site *site, const char *key);
int site_setting_set(struct site *site, const char *key, const char *value, char **why) MUST_CHECK;

#endif
