// SPDX-License-Identifier: Apache-2.0
/*
 * The site's database: making and opening the directory, the one server's lock, statements.
 *
 * SQLite in WAL mode with synchronous=FULL, shared by the server and the command. A new database is
 * made under another name and renamed when it is whole.
 */
#include "db_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DATABASE     "site.db"
#define DATABASE_NEW "site.db.new"
#define LOCK_FILE    "server.lock"
#define BUSY_MS	     10000
#define MAX_ROW	     (1 << 20)

int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_TOOBIG:
		return -E2BIG;
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
	default:
		return -EIO;
	}
}

int site_fail(char **why, int error, const char *format, ...)
{
	va_list args;
	char *text;

	if (!why)
		return error;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	free(*why);
	*why = text;
	return error;
}

static int fail_sqlite(sqlite3 *db, int code, const char *doing, char **why)
{
	return site_fail(why, errno_of(code), "%s: %s", doing,
			 db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static int connect_db(const char *path, int flags, sqlite3 **out, char **why)
{
	static const char pragmas[] = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
				      "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
				      "PRAGMA journal_mode = WAL;";
	auto_free char *doing = xasprintf("cannot open the site's database %s", path);
	sqlite3 *db = NULL;
	int code, error;

	code = sqlite3_open_v2(
		path, &db,
		flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, BUSY_MS);
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_ROW);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		code = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	}
	if (code == SQLITE_OK) {
		*out = db;
		return 0;
	}
	error = fail_sqlite(db, code, doing, why);
	sqlite3_close(db);
	return error;
}

static bool code_ok(const char *code)
{
	return strlen(code) == SITE_CODE_LENGTH &&
	       strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == SITE_CODE_LENGTH;
}

static int fill_new(struct site *site, const char *code, const char *comment, char **why)
{
	struct query q;
	int error = schema_migrate(site, why);

	if (error)
		return error;
	q = query_begin(site, "INSERT INTO identity(one, code, comment, created) VALUES(1, ?1, ?2, "
			      "?3)");
	query_text(&q, code);
	query_text(&q, comment ? comment : "");
	query_number(&q, now_s());
	return query_run(&q, why);
}

static int sync_directory(const char *dir, char **why)
{
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return site_fail(why, -errno, "cannot write the directory %s: %s", dir,
				 strerror(errno));
	return 0;
}

/* The database under its temporary name, complete. */
static int make_new(const char *path, const char *code, const char *comment, char **why)
{
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct site site = { .lock_fd = -1 };
	int error;

	if (fd < 0)
		return site_fail(why, -errno, "cannot make the database %s: %s", path,
				 strerror(errno));
	error = connect_db(path, 0, &site.db, why);
	if (!error)
		error = fill_new(&site, code, comment, why);
	if (sqlite3_close(site.db) != SQLITE_OK && !error)
		error = site_fail(why, -EIO, "cannot finish the database %s", path);
	return error;
}

int site_create(const char *dir, const char *code, const char *comment, char **why)
{
	auto_free char *path = xasprintf("%s/" DATABASE, dir);
	auto_free char *new_path = xasprintf("%s/" DATABASE_NEW, dir);
	int error;

	if (!code_ok(code))
		return site_fail(
			why, -EINVAL,
			"\"%s\" is no site code: that is %d capital letters or digits, such as P01",
			code, SITE_CODE_LENGTH);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return site_fail(why, -errno, "cannot make the directory %s: %s", dir,
				 strerror(errno));
	if (access(path, F_OK) == 0)
		return site_fail(why, -EEXIST, "%s holds a site already", dir);
	for (int i = 0; i < 3; i++) { /* what a crash has left */
		static const char *const tails[] = { "", "-wal", "-shm" };
		auto_free char *left = xasprintf("%s%s", new_path, tails[i]);

		unlink(left);
	}
	error = make_new(new_path, code, comment, why);
	if (!error && renameat2(AT_FDCWD, new_path, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
		error = site_fail(why, -errno, "cannot name the database %s: %s", path,
				  strerror(errno));
	if (error)
		unlink(new_path);
	return error ? error : sync_directory(dir, why);
}

static int read_identity(struct site *site, char **why)
{
	struct query q = query_begin(site, "SELECT code FROM identity");

	if (query_row(&q))
		snprintf(site->code, sizeof(site->code), "%s", query_text_at(&q, 0));
	return query_end(&q, why);
}

int site_open(const char *dir, struct site **out, char **why)
{
	auto_free char *path = xasprintf("%s/" DATABASE, dir);
	struct site *site;
	int error;

	*out = NULL;
	if (access(path, F_OK) < 0)
		return errno == ENOENT ? site_fail(why, -ENOENT,
						   "%s holds no site: make one with berth site "
						   "init %s --code P01, or "
						   "name another with --site",
						   dir, dir)
				       : site_fail(why, -errno, "cannot open the site in %s: %s",
						   dir, strerror(errno));
	site = xalloc(1, sizeof(*site));
	site->lock_fd = -1;
	site->directory = xstrdup(dir);
	error = connect_db(path, 0, &site->db, why);
	if (!error)
		error = schema_migrate(site, why);
	if (!error)
		error = read_identity(site, why);
	if (error)
		site_close(site);
	else
		*out = site;
	return error;
}

void site_close(struct site *site)
{
	if (!site)
		return;
	sqlite3_close(site->db);
	close_fd_ptr(&site->lock_fd);
	free(site->directory);
	free(site);
}

static int open_lock(const struct site *site)
{
	auto_free char *path = xasprintf("%s/" LOCK_FILE, site->directory);

	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int site_own(struct site *site, char **why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_close int fd = open_lock(site);
	char holder[32] = "";

	if (fd < 0)
		return site_fail(why, -errno, "cannot open the lock in %s: %s", site->directory,
				 strerror(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		(void)!pread(fd, holder, sizeof(holder) - 1, 0);
		holder[strcspn(holder, "\n")] = '\0';
		return site_fail(
			why, -EBUSY,
			"another berth-site (process %s) runs on the site in %s; there is one at a "
			"time",
			holder, site->directory);
	}
	snprintf(holder, sizeof(holder), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, holder, strlen(holder), 0) < 0)
		return site_fail(why, -errno, "cannot write the lock in %s: %s", site->directory,
				 strerror(errno));
	site->lock_fd = steal_fd(&fd);
	return 0;
}

bool site_is_owned(const struct site *site)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_close int fd = open_lock(site);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

const char *site_directory(const struct site *site)
{
	return site->directory;
}

const char *site_code(const struct site *site)
{
	return site->code;
}

struct query query_begin(struct site *site, const char *sql)
{
	struct query q = { .site = site, .next = 1 };
	int code = sqlite3_prepare_v2(site->db, sql, -1, &q.statement, NULL);

	if (code != SQLITE_OK)
		q.error = fail_sqlite(site->db, code, "cannot ask the site's database", &q.why);
	return q;
}

static void bound(struct query *q, int code)
{
	q->next++;
	if (code != SQLITE_OK && !q->error)
		q->error =
			fail_sqlite(q->site->db, code, "cannot ask the site's database", &q->why);
}

void query_text(struct query *q, const char *text)
{
	if (text && strlen(text) > SITE_MAX_TEXT && !q->error)
		q->error =
			site_fail(&q->why, -EINVAL, "a text has more than %u bytes", SITE_MAX_TEXT);
	if (!q->error)
		bound(q, sqlite3_bind_text(q->statement, q->next, text, -1, SQLITE_TRANSIENT));
}

void query_number(struct query *q, int64_t number)
{
	if (!q->error)
		bound(q, sqlite3_bind_int64(q->statement, q->next, number));
}

void query_real(struct query *q, double number)
{
	if (!q->error)
		bound(q, sqlite3_bind_double(q->statement, q->next, number));
}

void query_blob(struct query *q, const void *data, size_t length)
{
	if (!q->error)
		bound(q,
		      sqlite3_bind_blob64(q->statement, q->next, data, length, SQLITE_TRANSIENT));
}

void query_null(struct query *q)
{
	if (!q->error)
		bound(q, sqlite3_bind_null(q->statement, q->next));
}

bool query_row(struct query *q)
{
	int code;

	if (q->error)
		return false;
	code = sqlite3_step(q->statement);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		q->error = fail_sqlite(q->site->db, code, "the site's database refuses", &q->why);
	return false;
}

const char *query_text_at(const struct query *q, int column)
{
	const unsigned char *text = sqlite3_column_text(q->statement, column);

	return text ? (const char *)text : "";
}

int64_t query_number_at(const struct query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

double query_real_at(const struct query *q, int column)
{
	return sqlite3_column_double(q->statement, column);
}

bool query_null_at(const struct query *q, int column)
{
	return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

size_t query_blob_at(const struct query *q, int column, void *out, size_t room)
{
	size_t length = (size_t)sqlite3_column_bytes(q->statement, column);
	const void *data = sqlite3_column_blob(q->statement, column);

	if (length > room)
		return 0;
	if (length)
		memcpy(out, data, length);
	return length;
}

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool ends(const char *name, const char *with)
{
	size_t length = strlen(name), tail = strlen(with);

	return length > tail && !strcmp(name + length - tail, with);
}

static json_t *column_json(const struct query *q, int column, const char *name)
{
	switch (sqlite3_column_type(q->statement, column)) {
	case SQLITE_INTEGER:
		return begins(name, "is_") ? json_boolean(query_number_at(q, column))
					   : json_integer(query_number_at(q, column));
	case SQLITE_FLOAT:
		return json_real(query_real_at(q, column));
	case SQLITE_TEXT:
		return ends(name, "_json") ? json_loads(query_text_at(q, column), 0, NULL)
					   : json_string(query_text_at(q, column));
	default:
		return json_null();
	}
}

json_t *query_json(struct query *q)
{
	json_t *rows = json_array();

	while (query_row(q)) {
		json_t *row = json_object();

		for (int i = 0; i < sqlite3_column_count(q->statement); i++) {
			const char *name = sqlite3_column_name(q->statement, i);
			json_t *value = column_json(q, i, name);

			json_object_set_new(row, name, value ? value : json_null());
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

int query_end(struct query *q, char **why)
{
	sqlite3_finalize(q->statement);
	q->statement = NULL;
	if (q->error && why) {
		free(*why);
		*why = q->why;
	} else {
		free(q->why);
	}
	q->why = NULL;
	return q->error;
}

int query_run(struct query *q, char **why)
{
	(void)query_row(q);
	return query_end(q, why);
}

int query_changed(const struct site *site)
{
	return sqlite3_changes(site->db);
}

int64_t query_last_id(const struct site *site)
{
	return sqlite3_last_insert_rowid(site->db);
}

static int run_text(struct site *site, const char *sql, char **why)
{
	int code = sqlite3_exec(site->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0
				 : fail_sqlite(site->db, code, "the site's database refuses", why);
}

int site_begin(struct site *site, char **why)
{
	return run_text(site, "BEGIN IMMEDIATE", why);
}

int site_commit(struct site *site, char **why)
{
	int error = run_text(site, "COMMIT", why);

	if (error)
		site_rollback(site);
	return error;
}

void site_rollback(struct site *site)
{
	(void)run_text(site, "ROLLBACK", NULL);
}

int64_t site_version(struct site *site)
{
	struct query q = query_begin(site, "PRAGMA data_version");
	int64_t version = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return version;
}
