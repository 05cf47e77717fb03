// SPDX-License-Identifier: Apache-2.0
/*
 * The database as a whole: making it, opening and checking it, running statements, settings.
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
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local char problem[512];

/* Settings that are not stored have these values; the management interface checks what may be
 * stored. */
static const struct {
	const char *key, *value;
} defaults[] = {
	{ "visibility", "server" },
	{ "drive_letter", "S" },
	{ "signing", "required" },
	{ "encryption", "off" },
	{ "guest", "no" },
	{ "anonymous", "no" },
	{ "failback", "no" },
	{ "restart_threshold", "3" },
	{ "restart_period_s", "900" },
	{ "retry_period_s", "3600" },
	{ "pending_timeout_s", "180" },
};

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

#define SHARE_COLUMNS "name, path, remark, flags, max_uses, caching, sd, hide_names"
#define USER_COLUMNS  "name, full_name, rid, flags, nt_hash"
#define GROUP_COLUMNS "name, remark, rid, builtin"

static const char *const texts[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SETTING_GET] = "SELECT value FROM settings WHERE key = ?1",
	[SQL_SETTING_SET] = "INSERT INTO settings(key, value) VALUES(?1, ?2)"
			    " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	[SQL_SETTING_REMOVE] = "DELETE FROM settings WHERE key = ?1",
	[SQL_IDENTITY] = "SELECT guid, sid1, sid2, sid3, name FROM identity",
	[SQL_NEXT_RID] = "SELECT next_rid FROM identity",
	[SQL_TAKE_RID] = "UPDATE identity SET next_rid = next_rid + 1",
	[SQL_SHARE_ADD] = "INSERT INTO shares(fold, " SHARE_COLUMNS
			  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_SHARE_UPDATE] = "UPDATE shares SET name = ?2, path = ?3, remark = ?4, flags = ?5,"
			     " max_uses = ?6, caching = ?7, sd = ?8, hide_names = ?9"
			     " WHERE fold = ?1",
	[SQL_SHARE_REMOVE] = "DELETE FROM shares WHERE fold = ?1",
	[SQL_SHARES] = "SELECT " SHARE_COLUMNS " FROM shares ORDER BY fold",
	[SQL_USER_ADD] = "INSERT INTO users(fold, " USER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_USER_UPDATE] = "UPDATE users SET name = ?2, full_name = ?3, flags = ?4, nt_hash = ?5"
			    " WHERE fold = ?1",
	[SQL_USER_REMOVE] = "DELETE FROM users WHERE fold = ?1",
	[SQL_USER_FIND] = "SELECT " USER_COLUMNS " FROM users WHERE fold = ?1",
	[SQL_USERS] = "SELECT " USER_COLUMNS " FROM users ORDER BY fold",
	[SQL_NAME_TAKEN] = "SELECT 1 FROM users WHERE fold = ?1 UNION ALL"
			   " SELECT 1 FROM groups WHERE fold = ?1",
	[SQL_GROUP_ADD] = "INSERT INTO groups(fold, " GROUP_COLUMNS ") VALUES(?1, ?2, ?3, ?4, 0)",
	[SQL_GROUP_FIND] = "SELECT " GROUP_COLUMNS " FROM groups WHERE fold = ?1",
	[SQL_GROUP_REMOVE] = "DELETE FROM groups WHERE fold = ?1 AND builtin = 0",
	[SQL_GROUPS] = "SELECT " GROUP_COLUMNS " FROM groups ORDER BY fold",
	[SQL_MEMBER_ADD] = "INSERT INTO members(group_rid, user_rid) VALUES(?1, ?2)",
	[SQL_MEMBER_REMOVE] = "DELETE FROM members WHERE group_rid = ?1 AND user_rid = ?2",
	[SQL_GROUPS_OF] = "SELECT g.name, g.remark, g.rid, g.builtin FROM groups g"
			  " JOIN members m ON m.group_rid = g.rid"
			  " JOIN users u ON u.rid = m.user_rid WHERE u.fold = ?1 ORDER BY g.fold",
	[SQL_MEMBERS_OF] =
		"SELECT u.name FROM users u JOIN members m ON m.user_rid = u.rid"
		" JOIN groups g ON g.rid = m.group_rid WHERE g.fold = ?1 ORDER BY u.fold",
	[SQL_KEY_FIND] = "SELECT changed FROM registry_keys WHERE fold = ?1",
	[SQL_KEY_COUNT] = "SELECT count(*) FROM registry_keys",
	[SQL_KEY_ADD] = "INSERT INTO registry_keys(fold, parent, name, changed)"
			" VALUES(?1, ?2, ?3, ?4)",
	[SQL_KEY_REMOVE] = "DELETE FROM registry_keys WHERE fold = ?1",
	[SQL_KEY_CHILD] = "SELECT name, changed FROM registry_keys WHERE parent = ?1"
			  " ORDER BY fold LIMIT 1 OFFSET ?2",
	[SQL_KEY_INFO] =
		"SELECT (SELECT count(*) FROM registry_keys WHERE parent = ?1),"
		" (SELECT coalesce(max(length(name)), 0) * 2 FROM registry_keys WHERE parent = ?1),"
		" (SELECT count(*) FROM registry_values WHERE key = ?1),"
		" (SELECT coalesce(max(length(name)), 0) * 2 FROM registry_values WHERE key = ?1),"
		" (SELECT coalesce(max(length(data)), 0) FROM registry_values WHERE key = ?1)",
	[SQL_KEY_TOUCH] = "UPDATE registry_keys SET changed = ?2 WHERE fold = ?1",
	[SQL_VALUE_COUNT] = "SELECT count(*) FROM registry_values",
	[SQL_VALUE_SET] = "INSERT INTO registry_values(key, fold, name, type, data)"
			  " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(key, fold) DO UPDATE SET"
			  " name = ?3, type = ?4, data = ?5",
	[SQL_VALUE_GET] =
		"SELECT name, type, data FROM registry_values WHERE key = ?1 AND fold = ?2",
	[SQL_VALUE_AT] = "SELECT name, type, data FROM registry_values WHERE key = ?1"
			 " ORDER BY fold LIMIT 1 OFFSET ?2",
	[SQL_VALUE_REMOVE] = "DELETE FROM registry_values WHERE key = ?1 AND fold = ?2",
};

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

void run_next(struct run *run, enum statement which)
{
	struct store *store = run->store;
	sqlite3_stmt **slot = &store->statements[which];
	int code = SQLITE_OK;

	if (run->statement)
		sqlite3_reset(run->statement);
	if (!*slot)
		code = sqlite3_prepare_v3(store->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
					  slot, NULL);
	run->statement = *slot;
	run->next = 1;
	if (code != SQLITE_OK && !run->error)
		run->error = store_fail_sqlite(store->db, code, "cannot ask the database");
}

void run_begin(struct run *run, struct store *store, enum statement which)
{
	pthread_mutex_lock(&store->lock);
	run->store = store;
	run_next(run, which);
}

static void bound(struct run *run, int code)
{
	run->next++;
	if (code != SQLITE_OK && !run->error)
		run->error = store_fail_sqlite(run->store->db, code, "cannot ask the database");
}

void run_text(struct run *run, const char *text)
{
	if (text && strlen(text) > STORE_MAX_TEXT && !run->error)
		run->error = store_fail(-EINVAL, "a text has more than %d bytes", STORE_MAX_TEXT);
	if (!run->error)
		bound(run, sqlite3_bind_text(run->statement, run->next, text ? text : "", -1,
					     SQLITE_TRANSIENT));
}

void run_folded(struct run *run, const char *name)
{
	auto_buf struct buf folded = { 0 };

	name_fold(&folded, name);
	buf_u8(&folded, 0);
	if (folded.failed && !run->error)
		run->error = store_fail(-ENOMEM, "out of memory");
	if (!run->error)
		run_text(run, (const char *)folded.data);
}

void run_number(struct run *run, int64_t number)
{
	if (!run->error)
		bound(run, sqlite3_bind_int64(run->statement, run->next, number));
}

void run_blob(struct run *run, const void *data, size_t length)
{
	if (length > STORE_MAX_TEXT * 2 && !run->error)
		run->error =
			store_fail(-EINVAL, "a value has more than %d bytes", STORE_MAX_TEXT * 2);
	if (run->error)
		return;
	if (data)
		bound(run, sqlite3_bind_blob64(run->statement, run->next, data, length,
					       SQLITE_TRANSIENT));
	else
		bound(run, sqlite3_bind_null(run->statement, run->next));
}

int run_step(struct run *run)
{
	int code;

	if (run->error)
		return run->error;
	code = sqlite3_step(run->statement);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	run->error = store_fail_sqlite(run->store->db, code, "cannot use the database");
	return run->error;
}

int run_done(struct run *run, bool must_change)
{
	int error = run_step(run);

	if (error < 0)
		return error;
	if (must_change && sqlite3_changes(run->store->db) == 0) {
		run->error = store_fail(-ENOENT, "there is none of that name");
		return run->error;
	}
	return 0;
}

void run_end(struct run *run)
{
	struct store *store = run->store;

	if (!store)
		return;
	if (run->statement) {
		sqlite3_reset(run->statement);
		sqlite3_clear_bindings(run->statement); /* a password hash does not stay behind */
	}
	if (!sqlite3_get_autocommit(store->db)) {
		struct run undo = { .store = store };

		run_next(&undo, SQL_ROLLBACK);
		if (!undo.error) {
			sqlite3_step(undo.statement);
			sqlite3_reset(undo.statement);
		}
	}
	run->store = NULL;
	pthread_mutex_unlock(&store->lock);
}

int run_transaction(struct run *run)
{
	return run_done(run, false);
}

int run_commit(struct run *run)
{
	if (run->error)
		return run->error;
	run_next(run, SQL_COMMIT);
	return run_done(run, false);
}

char *run_column_text(struct run *run, int column)
{
	const unsigned char *text = sqlite3_column_text(run->statement, column);

	return xstrdup(text ? (const char *)text : "");
}

int64_t run_column_number(struct run *run, int column)
{
	return sqlite3_column_int64(run->statement, column);
}

int store_take_rid(struct run *run, uint32_t *rid)
{
	int got;

	run_next(run, SQL_NEXT_RID);
	got = run_step(run);
	if (got < 0)
		return got;
	if (!got)
		return store_fail(-EUCLEAN, "the database has no identity");
	*rid = (uint32_t)run_column_number(run, 0);
	run_next(run, SQL_TAKE_RID);
	return run_done(run, true);
}

int store_name_ok(const char *what, const char *name)
{
	if (!name || !name[0])
		return store_fail(-EINVAL, "a %s needs a name", what);
	if (strlen(name) > 255)
		return store_fail(-EINVAL, "the name of a %s has more than 255 bytes", what);
	return 0;
}

char *store_setting(struct store *store, const char *key)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_SETTING_GET);
	run_text(&run, key);
	if (run_step(&run) == 1)
		return run_column_text(&run, 0);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (!strcmp(defaults[i].key, key))
			return xstrdup(defaults[i].value);
	}
	return NULL;
}

int store_set_setting(struct store *store, const char *key, const char *value)
{
	cleanup(run_end) struct run run = { 0 };
	int error = store_name_ok("setting", key);

	if (error)
		return error;
	run_begin(&run, store, value ? SQL_SETTING_SET : SQL_SETTING_REMOVE);
	run_text(&run, key);
	if (value)
		run_text(&run, value);
	return run_done(&run, false);
}

char *store_server_name(struct store *store)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_IDENTITY);
	return run_step(&run) == 1 ? run_column_text(&run, 4) : NULL;
}

int store_domain_sid(struct store *store, struct sid *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_IDENTITY);
	got = run_step(&run);
	if (got != 1)
		return got < 0 ? got : store_fail(-EUCLEAN, "the database has no identity");
	*out = (struct sid){ .sub_count = 4, .authority = { 0, 0, 0, 0, 0, 5 }, .sub = { 21 } };
	for (int i = 0; i < 3; i++)
		out->sub[1 + i] = (uint32_t)run_column_number(&run, 1 + i);
	return 0;
}

int store_server_guid(struct store *store, struct guid *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_IDENTITY);
	got = run_step(&run);
	if (got != 1 || sqlite3_column_bytes(run.statement, 0) != (int)sizeof(out->bytes))
		return got < 0 ? got : store_fail(-EUCLEAN, "the database has no identity");
	memcpy(out->bytes, sqlite3_column_blob(run.statement, 0), sizeof(out->bytes));
	return 0;
}
