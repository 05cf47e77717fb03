// SPDX-License-Identifier: Apache-2.0
/* What went wrong, as an errno for the caller and a sentence for whoever reads it. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char problem[512];

const char *store_problem(void)
{
	return problem[0] ? problem : "no problem";
}

int store_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);
	return error;
}

static int errno_of_sqlite(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_FULL:
	case SQLITE_TOOBIG:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
		switch (db ? sqlite3_system_errno(db) : 0) {
		case ENOSPC:
		case EDQUOT:
		case EFBIG:
			return -ENOSPC;
		default:
			return -EIO;
		}
	default:
		return -EIO;
	}
}

int store_fail_sqlite(sqlite3 *db, int code, const char *doing)
{
	int error = errno_of_sqlite(db, code);
	int system_error = db ? sqlite3_system_errno(db) : 0;

	return store_fail(error, "%s: %s%s%s", doing,
			  db ? sqlite3_errmsg(db) : sqlite3_errstr(code),
			  error == -EIO && system_error ? ": " : "",
			  error == -EIO && system_error ? strerror(system_error) : "");
}

int store_name_ok(const char *what, const char *name)
{
	if (!name || !name[0])
		return store_fail(-EINVAL, "a %s needs a name", what);
	if (strlen(name) > 255)
		return store_fail(-EINVAL, "the name of a %s has more than 255 bytes", what);
	return 0;
}
