// SPDX-License-Identifier: Apache-2.0
/* What db.c and schema.c share. */
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

/* schema_migrate - bring the database to the schema of this program, in one transaction. */
int schema_migrate(struct site *site, char **why) MUST_CHECK;

#endif
