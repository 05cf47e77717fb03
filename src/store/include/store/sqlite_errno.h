// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_SQLITE_ERRNO_H
#define STORE_SQLITE_ERRNO_H

#include <sqlite3.h>

/*
 * sqlite_errno - the negative errno of SQLite's @code (extended or not), for whoever keeps a
 * database: -EUCLEAN for one that is damaged or none, -ENOSPC where the disk (or a quota) ends,
 * -E2BIG for a value beyond SQLite's limits, -EBUSY for one that others hold. @db says what the
 * system answered, where it is open; NULL where it could not be opened.
 */
int sqlite_errno(sqlite3 *db, int code);

#endif
