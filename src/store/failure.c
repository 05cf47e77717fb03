// SPDX-License-Identifier: Apache-2.0
/* What went wrong, as an errno for the caller and a sentence for whoever reads it. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <store/sqlite_errno.h>

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

int sqlite_errno(sqlite3 *db, int code)
{
	static const struct {
		int code, error;
	} errors[] = {
		{ SQLITE_CORRUPT, -EUCLEAN }, { SQLITE_NOTADB, -EUCLEAN },
		{ SQLITE_FORMAT, -EUCLEAN },  { SQLITE_FULL, -ENOSPC },
		{ SQLITE_TOOBIG, -E2BIG },    { SQLITE_READONLY, -EROFS },
		{ SQLITE_BUSY, -EBUSY },      { SQLITE_LOCKED, -EBUSY },
		{ SQLITE_NOMEM, -ENOMEM },    { SQLITE_CONSTRAINT, -EEXIST },
		{ SQLITE_PERM, -EACCES },     { SQLITE_AUTH, -EACCES },
	};
	int primary = code & 0xff, system_error = db ? sqlite3_system_errno(db) : 0;

	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].code == primary)
			return errors[i].error;
	if (primary == SQLITE_IOERR &&
	    (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG))
		return -ENOSPC;
	return -EIO;
}

int store_fail_sqlite(sqlite3 *db, int code, const char *doing)
{
	int error = sqlite_errno(db, code);
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
