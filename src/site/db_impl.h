// SPDX-License-Identifier: Apache-2.0
/* What db.c, query.c and schema.c share. */
#ifndef SITE_DB_IMPL_H
#define SITE_DB_IMPL_H

#include <site/db.h>
#include <stdarg.h>

struct site {
	sqlite3 *db;
	char *directory;
	char code[SITE_CODE_LENGTH + 1];
	int lock_fd; /* held by the one server; else -1 */
};

/* db_fail - what SQLite said while @doing, into *why; the negative errno that it means. */
int db_fail(sqlite3 *db, int code, const char *doing, char **why);
/* schema_migrate - bring the database to the schema of this program, in one transaction. */
int schema_migrate(struct site *site, char **why) MUST_CHECK;

#endif
