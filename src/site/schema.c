// SPDX-License-Identifier: Apache-2.0
/*
 * The schema of a site's database, as steps: a database of version N is brought to this program's
 * by the steps from N on, in one transaction. A step that has been released is never changed; a
 * change is a new step at the end.
 *
 * Times are seconds since 1970, sizes are bytes.
 */
#include "db_impl.h"

#include <errno.h>

#define APPLICATION_ID 0x42534954 /* "BSIT" */

static const char first[] =
	"CREATE TABLE identity(one INTEGER PRIMARY KEY CHECK(one = 1), code TEXT NOT NULL,"
	" comment TEXT NOT NULL, created INTEGER NOT NULL) STRICT;"
	"CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	/* Who logs on to site systems. The NT hash is as good as the password: never listed. */
	"CREATE TABLE accounts(name TEXT PRIMARY KEY, user TEXT NOT NULL, domain TEXT NOT NULL,"
	" nt_hash BLOB NOT NULL CHECK(length(nt_hash) = 16)) STRICT, WITHOUT ROWID;"
	/* What the site watches: one row a storage object and role. */
	"CREATE TABLE objects(id INTEGER PRIMARY KEY, system TEXT NOT NULL, role TEXT NOT NULL,"
	" kind TEXT NOT NULL, path TEXT NOT NULL COLLATE NOCASE, address TEXT, port INTEGER NOT "
	"NULL,"
	" account TEXT REFERENCES accounts(name), check_admin INTEGER NOT NULL,"
	" warn_bytes INTEGER, critical_bytes INTEGER, warn_percent REAL, critical_percent REAL,"
	" interval_s INTEGER, paused INTEGER NOT NULL DEFAULT 0,"
	" recheck INTEGER NOT NULL DEFAULT 0, UNIQUE(path, role)) STRICT;"
	"CREATE TABLE role_thresholds(role TEXT PRIMARY KEY, warn_bytes INTEGER,"
	" critical_bytes INTEGER, warn_percent REAL, critical_percent REAL) STRICT, WITHOUT ROWID;"
	/* What is known of each; written by the server only. */
	"CREATE TABLE object_state(object INTEGER PRIMARY KEY REFERENCES objects(id) ON DELETE "
	"CASCADE,"
	" reach INTEGER NOT NULL, space INTEGER NOT NULL, checked INTEGER NOT NULL,"
	" changed INTEGER NOT NULL, retry_since INTEGER NOT NULL, down_since INTEGER NOT NULL,"
	" reminded INTEGER NOT NULL, failures INTEGER NOT NULL, free INTEGER NOT NULL,"
	" total INTEGER NOT NULL, duration_ms INTEGER NOT NULL, report TEXT NOT NULL,"
	" acknowledged_by TEXT, acknowledged INTEGER, comment TEXT) STRICT;"
	"CREATE TABLE space_history(object INTEGER NOT NULL REFERENCES objects(id) ON DELETE "
	"CASCADE,"
	" time INTEGER NOT NULL, free INTEGER NOT NULL, total INTEGER NOT NULL,"
	" PRIMARY KEY(object, time)) STRICT, WITHOUT ROWID;"
	/* One row: what the server last said of itself. */
	"CREATE TABLE heartbeat(one INTEGER PRIMARY KEY CHECK(one = 1), machine TEXT NOT NULL,"
	" started INTEGER NOT NULL, beat INTEGER NOT NULL, polls INTEGER NOT NULL,"
	" late_ms INTEGER NOT NULL, busy INTEGER NOT NULL) STRICT;"
	"CREATE TABLE messages(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
	" message INTEGER NOT NULL, severity INTEGER NOT NULL, component TEXT NOT NULL,"
	" machine TEXT NOT NULL, object TEXT NOT NULL, package TEXT, win32 INTEGER,"
	" strings TEXT NOT NULL) STRICT;"
	"CREATE INDEX messages_by_time ON messages(time);"
	"CREATE INDEX messages_by_object ON messages(object, id);"
	"CREATE TABLE rules(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" severity INTEGER NOT NULL, component TEXT, message INTEGER, object TEXT,"
	" action TEXT NOT NULL, target TEXT NOT NULL, after INTEGER NOT NULL) STRICT;";

/* Packages, the points they go to, and the clients that run them. */
static const char second[] =
	"CREATE TABLE packages(name TEXT PRIMARY KEY, version INTEGER NOT NULL,"
	" manifest BLOB NOT NULL CHECK(length(manifest) = 32), bytes INTEGER NOT NULL,"
	" files INTEGER NOT NULL, source TEXT NOT NULL, changed INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE programs(package TEXT NOT NULL REFERENCES packages(name) ON DELETE CASCADE,"
	" name TEXT NOT NULL, command TEXT NOT NULL, condition TEXT NOT NULL,"
	" limit_s INTEGER NOT NULL, success TEXT NOT NULL, restart TEXT NOT NULL,"
	" PRIMARY KEY(package, name)) STRICT, WITHOUT ROWID;"
	/* path is "\\\\FS\\distro_test"; web is where the same tree is read over HTTP. */
	"CREATE TABLE points(path TEXT PRIMARY KEY COLLATE NOCASE, address TEXT,"
	" port INTEGER NOT NULL, account TEXT REFERENCES accounts(name), web TEXT,"
	" priority INTEGER NOT NULL, is_protected INTEGER NOT NULL, boundaries TEXT NOT NULL,"
	" published INTEGER, generation INTEGER, reason TEXT) STRICT, WITHOUT ROWID;"
	"CREATE TABLE point_packages(package TEXT NOT NULL REFERENCES packages(name)"
	" ON DELETE CASCADE, point TEXT NOT NULL REFERENCES points(path) ON DELETE CASCADE,"
	" version INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, changed INTEGER NOT NULL,"
	" PRIMARY KEY(package, point)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE collections(name TEXT PRIMARY KEY, query TEXT, comment TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE clients(id TEXT PRIMARY KEY, name TEXT NOT NULL, key BLOB NOT NULL,"
	" state TEXT NOT NULL, facts TEXT NOT NULL, enrolled INTEGER NOT NULL, approved INTEGER,"
	" seen INTEGER NOT NULL, report_number INTEGER NOT NULL, event_number INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX clients_by_name ON clients(name);"
	"CREATE INDEX clients_by_state ON clients(state);"
	"CREATE TABLE collection_members(collection TEXT NOT NULL REFERENCES collections(name)"
	" ON DELETE CASCADE, client TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,"
	" PRIMARY KEY(collection, client)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE collection_windows(collection TEXT NOT NULL REFERENCES collections(name)"
	" ON DELETE CASCADE, window TEXT NOT NULL, PRIMARY KEY(collection, window))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE deployments(id TEXT PRIMARY KEY, package TEXT NOT NULL, program TEXT NOT "
	"NULL,"
	" collection TEXT NOT NULL REFERENCES collections(name), purpose TEXT NOT NULL,"
	" rerun TEXT NOT NULL, available INTEGER NOT NULL, deadline INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, ord INTEGER NOT NULL, beats INTEGER NOT NULL,"
	" revision INTEGER NOT NULL, created INTEGER NOT NULL,"
	" FOREIGN KEY(package, program) REFERENCES programs(package, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE client_deployments(client TEXT NOT NULL REFERENCES clients(id)"
	" ON DELETE CASCADE, deployment TEXT NOT NULL, version INTEGER NOT NULL,"
	" revision INTEGER NOT NULL, state TEXT NOT NULL, message INTEGER NOT NULL,"
	" reason TEXT NOT NULL, exit INTEGER NOT NULL, since INTEGER NOT NULL,"
	" output TEXT NOT NULL, PRIMARY KEY(client, deployment)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX client_deployments_by_deployment ON client_deployments(deployment, state);"
	"CREATE TABLE client_events(client TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,"
	" number INTEGER NOT NULL, time INTEGER NOT NULL, deployment TEXT NOT NULL,"
	" message INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(client, number))"
	" STRICT, WITHOUT ROWID;"
	/* The secret proves who may enrol; it is never listed. */
	"CREATE TABLE tokens(id TEXT PRIMARY KEY, secret TEXT NOT NULL, created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, used_by TEXT) STRICT, WITHOUT ROWID;"
	"CREATE TABLE odd_papers(point TEXT NOT NULL, name TEXT NOT NULL, first INTEGER NOT NULL,"
	" PRIMARY KEY(point, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE policy_state(one INTEGER PRIMARY KEY CHECK(one = 1),"
	" generation INTEGER NOT NULL, last_deployment INTEGER NOT NULL) STRICT;"
	"INSERT INTO policy_state(one, generation, last_deployment) VALUES(1, 0, 0);"
	"CREATE TABLE policy_nodes(hash BLOB PRIMARY KEY, generation INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;";

/* The state machine of each package on each distribution point; verb and state are its numbers. */
static const char third[] =
	"CREATE TABLE distributions(package TEXT NOT NULL REFERENCES packages(name) ON DELETE"
	" CASCADE, point TEXT NOT NULL COLLATE NOCASE REFERENCES points(path) ON DELETE CASCADE,"
	" verb INTEGER NOT NULL, state INTEGER NOT NULL, version INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, next INTEGER NOT NULL, bytes INTEGER NOT NULL, reason TEXT,"
	" changed INTEGER NOT NULL, PRIMARY KEY(package, point)) STRICT, WITHOUT ROWID;"
	/* Which manifests of a package were brought to a point: all go when it is removed. */
	"CREATE TABLE distribution_manifests(package TEXT NOT NULL, point TEXT NOT NULL"
	" COLLATE NOCASE, manifest BLOB NOT NULL CHECK(length(manifest) = 32),"
	" PRIMARY KEY(package, point, manifest), FOREIGN KEY(package, point) REFERENCES"
	" distributions(package, point) ON DELETE CASCADE) STRICT, WITHOUT ROWID;";

/* What is watched as a distribution point and what content is brought to are one; how far a
 * transfer is; and what the state machine has taken over from. */
static const char fourth[] =
	"INSERT OR IGNORE INTO points(path, address, port, account, priority, is_protected,"
	" boundaries) SELECT path, address, port, account, 100, 0, '' FROM objects"
	" WHERE role = 'distribution-point' AND kind = 'share';"
	"INSERT OR IGNORE INTO objects(system, role, kind, path, address, port, account,"
	" check_admin) SELECT substr(path, 1, 1 + instr(substr(path, 3), '\\')),"
	" 'distribution-point', 'share', path, address, port, account, 0 FROM points;"
	"ALTER TABLE distributions ADD COLUMN done INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE distributions ADD COLUMN total INTEGER NOT NULL DEFAULT 0;"
	"DROP TABLE point_packages;";

/* When and how fast a point may be written to (policy/rates.h). */
static const char fifth[] = "ALTER TABLE points ADD COLUMN maintenance INTEGER NOT NULL DEFAULT 0;"
			    "ALTER TABLE points ADD COLUMN rates TEXT NOT NULL DEFAULT '';";

/* Groups of points, and what is brought first. */
static const char sixth[] =
	"CREATE TABLE point_groups(name TEXT PRIMARY KEY COLLATE NOCASE, boundaries TEXT NOT NULL,"
	" is_protected INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE point_group_members(grp TEXT NOT NULL COLLATE NOCASE REFERENCES"
	" point_groups(name) ON DELETE CASCADE, point TEXT NOT NULL COLLATE NOCASE REFERENCES"
	" points(path) ON DELETE CASCADE, PRIMARY KEY(grp, point)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE point_group_packages(grp TEXT NOT NULL COLLATE NOCASE REFERENCES"
	" point_groups(name) ON DELETE CASCADE, package TEXT NOT NULL REFERENCES packages(name)"
	" ON DELETE CASCADE, PRIMARY KEY(grp, package)) STRICT, WITHOUT ROWID;"
	"ALTER TABLE distributions ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;";

/* Whether papers may be dropped over the web address of a point. */
static const char seventh[] = "ALTER TABLE points ADD COLUMN web_drop INTEGER NOT NULL DEFAULT 0;";

/* Points that a client of the site, their mover, fills from others that are nearer: which of its
 * orders is which (asked), when it was wished for, which was published, and what became of it. */
static const char eighth[] =
	"ALTER TABLE points ADD COLUMN mover TEXT;"
	"CREATE TABLE point_sources(point TEXT NOT NULL COLLATE NOCASE REFERENCES points(path)"
	" ON DELETE CASCADE, source TEXT NOT NULL COLLATE NOCASE REFERENCES points(path)"
	" ON DELETE CASCADE, ord INTEGER NOT NULL, PRIMARY KEY(point, source)) STRICT,"
	" WITHOUT ROWID;"
	"ALTER TABLE policy_state ADD COLUMN last_asked INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE distributions ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE distributions ADD COLUMN asked_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE distributions ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE pull_reports(package TEXT NOT NULL, point TEXT NOT NULL COLLATE NOCASE,"
	" client TEXT NOT NULL, manifest TEXT NOT NULL, number INTEGER NOT NULL,"
	" state TEXT NOT NULL, reason TEXT NOT NULL, sent INTEGER NOT NULL, bad INTEGER NOT NULL,"
	" PRIMARY KEY(package, point), FOREIGN KEY(package, point) REFERENCES"
	" distributions(package, point) ON DELETE CASCADE) STRICT, WITHOUT ROWID;";

/* Points that an object's removal had left unwatched (object_remove refuses that since). */
static const char ninth[] =
	"INSERT OR IGNORE INTO objects(system, role, kind, path, address, port, account,"
	" check_admin, paused) SELECT substr(path, 1, 1 + instr(substr(path, 3), '\\')),"
	" 'distribution-point', 'share', path, address, port, account, 0, maintenance FROM points;";

static const char *const steps[] = { first, second,  third,  fourth, fifth,
				     sixth, seventh, eighth, ninth };

static int run(struct site *site, const char *sql, char **why)
{
	int code = sqlite3_exec(site->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK
		       ? 0
		       : site_fail(why, -EIO, "cannot bring the site's database up to date: %s",
				   sqlite3_errmsg(site->db));
}

static int64_t pragma(struct site *site, const char *sql)
{
	struct query q = query_begin(site, sql);
	int64_t value = query_row(&q) ? query_number_at(&q, 0) : -1;

	return query_end(&q, NULL) ? -1 : value;
}

static int migrate(struct site *site, char **why)
{
	int64_t version = pragma(site, "PRAGMA user_version");
	auto_free char *done = xasprintf("PRAGMA user_version = %zu; PRAGMA application_id = %d",
					 ARRAY_LEN(steps), APPLICATION_ID);
	int error = 0;

	if (version > 0 && pragma(site, "PRAGMA application_id") != APPLICATION_ID)
		return site_fail(why, -EUCLEAN, "this is not the database of a site");
	if (version < 0 || version > (int64_t)ARRAY_LEN(steps))
		return site_fail(
			why, -EPROTONOSUPPORT,
			"the site's database has schema version %lld and this program knows %zu: "
			"install a newer version of it",
			(long long)version, ARRAY_LEN(steps));
	for (size_t i = (size_t)version; i < ARRAY_LEN(steps) && !error; i++)
		error = run(site, steps[i], why);
	return error ? error : run(site, done, why);
}

int schema_migrate(struct site *site, char **why)
{
	int error;

	if (pragma(site, "PRAGMA user_version") == (int64_t)ARRAY_LEN(steps) &&
	    pragma(site, "PRAGMA application_id") == APPLICATION_ID)
		return 0;
	error = site_begin(site, why);
	if (error)
		return error;
	error = migrate(site, why);
	if (!error)
		return site_commit(site, why);
	site_rollback(site);
	return error;
}
