// SPDX-License-Identifier: Apache-2.0
/*
 * The database as a whole: its schema, making it, opening and checking it.
 *
 * SQLite in WAL mode with synchronous=FULL: a change is on the disk when its call returns. The
 * locking mode is exclusive, because the owner is alone: it needs no shared memory file, and a
 * second process that tries to open the database is refused by SQLite as well. A new database is
 * made under another name and renamed when it is whole, so that a crash leaves either none or a
 * good one.
 */
#include "internal.h"

#include <base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTRY_SCHEMA                                                                            \
	"CREATE TABLE registry_keys(fold TEXT PRIMARY KEY,"                                        \
	" parent TEXT REFERENCES registry_keys(fold), name TEXT NOT NULL,"                         \
	" changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;"                                        \
	"CREATE INDEX registry_keys_by_parent ON registry_keys(parent);"                           \
	"CREATE TABLE registry_values(key TEXT NOT NULL REFERENCES registry_keys(fold)"            \
	" ON DELETE CASCADE, fold TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,"       \
	" data BLOB NOT NULL, PRIMARY KEY(key, fold)) STRICT, WITHOUT ROWID;"                      \
	"INSERT INTO registry_keys(fold, parent, name, changed) VALUES('', NULL, '', 0),"          \
	" ('SOFTWARE', '', 'SOFTWARE', 0), ('SYSTEM', '', 'SYSTEM', 0);"

static const char SCHEMA[] =
	"CREATE TABLE identity(one INTEGER PRIMARY KEY CHECK(one = 1), name TEXT NOT NULL,"
	" guid BLOB NOT NULL CHECK(length(guid) = 16),"
	" sid1 INTEGER NOT NULL, sid2 INTEGER NOT NULL, sid3 INTEGER NOT NULL,"
	" next_rid INTEGER NOT NULL) STRICT;"
	"CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE shares(fold TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL,"
	" remark TEXT NOT NULL, flags INTEGER NOT NULL, max_uses INTEGER NOT NULL,"
	" caching INTEGER NOT NULL, sd BLOB, hide_names TEXT NOT NULL DEFAULT '') STRICT;"
	"CREATE TABLE users(rid INTEGER PRIMARY KEY, fold TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
	" full_name TEXT NOT NULL, flags INTEGER NOT NULL,"
	" nt_hash BLOB NOT NULL CHECK(length(nt_hash) = 16)) STRICT;"
	"CREATE TABLE groups(rid INTEGER PRIMARY KEY, fold TEXT NOT NULL UNIQUE, name TEXT NOT "
	"NULL,"
	" remark TEXT NOT NULL, builtin INTEGER NOT NULL) STRICT;"
	"CREATE TABLE members(group_rid INTEGER NOT NULL REFERENCES groups(rid) ON DELETE CASCADE,"
	" user_rid INTEGER NOT NULL REFERENCES users(rid) ON DELETE CASCADE,"
	" PRIMARY KEY(group_rid, user_rid)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX members_by_user ON members(user_rid);"
	"INSERT INTO groups(rid, fold, name, remark, builtin) VALUES"
	" (544, 'ADMINISTRATORS', 'Administrators', 'Manage this file server', 1),"
	" (545, 'USERS', 'Users', 'Ordinary accounts', 1),"
	" (551, 'BACKUP OPERATORS', 'Backup Operators', 'Read and restore every file', "
	"1);" REGISTRY_SCHEMA;

/* upgrades[n] - from schema n + 1 to n + 2; SCHEMA above is the newest. */
static const char *const upgrades[STORE_SCHEMA_VERSION - 1] = {
	"ALTER TABLE shares ADD COLUMN hide_names TEXT NOT NULL DEFAULT '';",
	REGISTRY_SCHEMA,
};
/* What every connection begins with. @create: the file must be made. */
static int connect_db(const char *path, bool create, sqlite3 **out)
{
	static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = ON;"
				      "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
				      "PRAGMA temp_store = MEMORY;";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	sqlite3 *db = NULL;
	int code, error;

	if (create)
		flags |= SQLITE_OPEN_CREATE;
	code = sqlite3_open_v2(path, &db, flags, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, STORE_BUSY_MS);
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		code = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	}
	if (code != SQLITE_OK) {
		auto_free char *doing = xasprintf("cannot open the database %s", path);

		error = store_fail_sqlite(db, code, doing);
		sqlite3_close(db);
		return error;
	}
	*out = db;
	return 0;
}

/* The first column of the first row of @sql, as text; "" where there is none. */
static int ask(sqlite3 *db, const char *sql, char *answer, size_t size)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	answer[0] = '\0';
	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW) {
			const unsigned char *text = sqlite3_column_text(statement, 0);

			snprintf(answer, size, "%s", text ? (const char *)text : "");
			code = SQLITE_DONE;
		}
	}
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : store_fail_sqlite(db, code, "cannot read the database");
}

static int sync_directory(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return store_fail(-errno, "cannot write the directory %s: %s", path,
				  strerror(errno));
	return 0;
}

static int insert_identity(sqlite3 *db, const char *server_name)
{
	struct guid guid = guid_random();
	sqlite3_stmt *statement = NULL;
	uint32_t sid[3];
	int code;

	random_bytes(sid, sizeof(sid));
	code = sqlite3_prepare_v2(
		db,
		"INSERT INTO identity(one, name, guid, sid1, sid2, sid3, next_rid)"
		" VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6)",
		-1, &statement, NULL);
	if (code == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, server_name, -1, SQLITE_STATIC);
		sqlite3_bind_blob(statement, 2, guid.bytes, sizeof(guid.bytes), SQLITE_STATIC);
		for (int i = 0; i < 3; i++)
			sqlite3_bind_int64(statement, 3 + i, sid[i]);
		sqlite3_bind_int64(statement, 6, STORE_FIRST_RID);
		code = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return code;
}

static int fill_new(sqlite3 *db, const char *server_name)
{
	auto_free char *versions =
		xasprintf("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; PRAGMA user_version = %d;"
			  "PRAGMA application_id = %d;",
			  STORE_SCHEMA_VERSION, STORE_APPLICATION_ID);
	int code = sqlite3_exec(db, versions, NULL, NULL, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(db, SCHEMA, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = insert_identity(db, server_name);
	if (code == SQLITE_DONE)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : store_fail_sqlite(db, code, "cannot fill the new database");
}

int store_create(const char *home, const char *server_name)
{
	auto_free char *path = xasprintf("%s/" STORE_FILE, home);
	auto_free char *new_path = xasprintf("%s/" STORE_FILE_NEW, home);
	auto_free char *new_wal = xasprintf("%s-wal", new_path);
	auto_close int fd = -1;
	sqlite3 *db = NULL;
	int error = store_name_ok("file server", server_name);

	if (error)
		return error;
	if (mkdir(home, 0700) < 0 && errno != EEXIST)
		return store_fail(-errno, "cannot make the directory %s: %s", home,
				  strerror(errno));
	if (access(path, F_OK) == 0)
		return store_fail(-EEXIST, "%s already holds a file server", home);
	unlink(new_path); /* what a crash has left */
	unlink(new_wal);
	/* Made here, because SQLite gives its own files the mode that the database has. */
	fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return store_fail(-errno, "cannot make the database %s: %s", new_path,
				  strerror(errno));
	close_fd_ptr(&fd);
	error = connect_db(new_path, true, &db);
	if (!error)
		error = fill_new(db, server_name);
	if (sqlite3_close(db) != SQLITE_OK && !error)
		error = store_fail(-EIO, "cannot finish the database %s", new_path);
	if (!error && renameat2(AT_FDCWD, new_path, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
		error = store_fail(-errno, "cannot name the database %s: %s", path,
				   strerror(errno));
	if (!error)
		error = sync_directory(home);
	if (error) {
		unlink(new_path);
		unlink(new_wal);
	}
	return error;
}

/* The schema of an older program becomes ours, step by step in one transaction. */
static int upgrade(sqlite3 *db, long version)
{
	auto_free char *done = xasprintf("PRAGMA user_version = %d; COMMIT;", STORE_SCHEMA_VERSION);
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (; code == SQLITE_OK && version < STORE_SCHEMA_VERSION; version++)
		code = sqlite3_exec(db, upgrades[version - 1], NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, done, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return 0;
	code = store_fail_sqlite(db, code, "cannot bring the database up to date");
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

/* Is it ours, of a version that is known, and whole? */
static int check_db(sqlite3 *db, const char *path)
{
	char answer[200];
	long version;
	int error = ask(db, "PRAGMA application_id", answer, sizeof(answer));

	if (error)
		return error;
	if (strtol(answer, NULL, 10) != STORE_APPLICATION_ID)
		return store_fail(-EUCLEAN, "%s is not the database of a file server", path);
	error = ask(db, "PRAGMA user_version", answer, sizeof(answer));
	if (error)
		return error;
	version = strtol(answer, NULL, 10);
	if (version < 1 || version > STORE_SCHEMA_VERSION)
		return store_fail(-EPROTONOSUPPORT,
				  "%s has schema version %s and this program knows %d: install a "
				  "newer version of it",
				  path, answer, STORE_SCHEMA_VERSION);
	error = ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer));
	if (error)
		return error;
	if (strcmp(answer, "ok") != 0)
		return store_fail(-EUCLEAN, "the database %s is damaged: %s", path, answer);
	error = ask(db, "PRAGMA foreign_key_check", answer, sizeof(answer));
	if (!error && answer[0])
		return store_fail(-EUCLEAN, "the database %s is damaged: table %s points nowhere",
				  path, answer);
	if (!error && version < STORE_SCHEMA_VERSION)
		error = upgrade(db, version);
	if (!error)
		error = ask(db, "PRAGMA journal_mode = WAL", answer, sizeof(answer));
	return error;
}

int store_open(const char *home, struct store **out)
{
	auto_free char *path = xasprintf("%s/" STORE_FILE, home);
	struct store *store;
	sqlite3 *db = NULL;
	int error;

	*out = NULL;
	if (access(path, F_OK) < 0)
		return store_fail(-errno, "cannot open the database %s: %s", path, strerror(errno));
	error = connect_db(path, false, &db);
	if (error)
		return error;
	error = check_db(db, path);
	if (error) {
		sqlite3_close(db);
		return error;
	}
	store = xalloc(1, sizeof(*store));
	pthread_mutex_init(&store->lock, NULL);
	store->db = db;
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	if (sqlite3_close(store->db) != SQLITE_OK)
		log_error("store close failed problem=%s", LOG_TEXT(sqlite3_errmsg(store->db)));
	pthread_mutex_destroy(&store->lock);
	free(store);
}
