// SPDX-License-Identifier: Apache-2.0
/*
 * The site's database: making and opening the directory, the one server's lock, transactions.
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
	error = db_fail(db, code, doing, why);
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

static int run_text(struct site *site, const char *sql, char **why)
{
	int code = sqlite3_exec(site->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : db_fail(site->db, code, "the site's database refuses", why);
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

int site_step_begin(struct site *site, char **why)
{
	return run_text(site, "SAVEPOINT step", why);
}

int site_step_keep(struct site *site, char **why)
{
	return run_text(site, "RELEASE step", why);
}

int site_step_undo(struct site *site, char **why)
{
	return run_text(site, "ROLLBACK TO step; RELEASE step", why);
}

int64_t site_version(struct site *site)
{
	struct query q = query_begin(site, "PRAGMA data_version");
	int64_t version = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return version;
}
