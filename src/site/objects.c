// SPDX-License-Identifier: Apache-2.0
/* Storage objects in the database. */
#include <site/object.h>

#include <base/utf16.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <site/db.h>
#include <unistd.h>

#define MAX_PATH_BYTES 4096
#define MAX_ROLE_BYTES 64
#define HOUR_S	       3600
#define DAY_S	       86400
#define FORECAST_DAYS  30

static const char *const kinds[] = { "share", "directory", "database" };

void object_free(struct object *object)
{
	free(object->system);
	free(object->role);
	free(object->path);
	free(object->address);
	free(object->account);
	*object = (struct object){ 0 };
}

/* "\\FS" of "\\FS\share"; NULL where @path is no path of a share. */
static char *system_of(const char *path)
{
	size_t length;

	if (strncmp(path, "\\\\", 2) != 0)
		return NULL;
	length = strcspn(path + 2, "\\");
	if (!length || path[2 + length] != '\\' || !path[3 + length] || path[3 + length] == '\\')
		return NULL;
	return strndup(path, 2 + length);
}

static char *this_machine(void)
{
	char name[HOST_NAME_MAX + 1] = "";

	(void)!gethostname(name, sizeof(name) - 1);
	return xasprintf("\\\\%s", name);
}

void object_tidy_path(char *path)
{
	size_t length;

	if (path[0] == '/' && path[1] != '/')
		return; /* a local directory */
	for (char *c = path; *c; c++) {
		if (*c == '/')
			*c = '\\';
	}
	for (length = strlen(path); length > 3 && path[length - 1] == '\\'; length--)
		path[length - 1] = '\0';
}

static bool role_ok(const char *role)
{
	size_t length = strlen(role);

	for (const char *c = role; *c; c++) {
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
			return false;
	}
	return length && length <= MAX_ROLE_BYTES;
}

static int complete(struct object *object, char **why)
{
	if (!object->path || strlen(object->path) > MAX_PATH_BYTES)
		return site_fail(why, -EINVAL, "a path has at most %d bytes", MAX_PATH_BYTES);
	if (!role_ok(object->role))
		return site_fail(why, -EINVAL,
				 "\"%s\" is no role: small letters, digits and hyphens, such as "
				 "distribution-point",
				 object->role);
	object_tidy_path(object->path);
	free(object->system);
	object->system = object->kind == OBJECT_SHARE ? system_of(object->path) : this_machine();
	if (!object->system)
		return site_fail(why, -EINVAL,
				 "\"%s\" is not the path of a share. Write it as "
				 "\\\\SERVER\\SHARE, in single "
				 "quotes for the shell",
				 object->path);
	if (object->kind == OBJECT_DIRECTORY && object->path[0] != '/')
		return site_fail(why, -EINVAL, "\"%s\" is no absolute path of a directory",
				 object->path);
	return 0;
}

static void put_limit(struct query *q, int64_t limit)
{
	if (limit < 0)
		query_null(q);
	else
		query_number(q, limit);
}

static void put_percent(struct query *q, double percent)
{
	if (percent < 0)
		query_null(q);
	else
		query_real(q, percent);
}

static void put_thresholds(struct query *q, const struct thresholds *t)
{
	put_limit(q, t->warn_bytes);
	put_limit(q, t->critical_bytes);
	put_percent(q, t->warn_percent);
	put_percent(q, t->critical_percent);
}

static int64_t object_count(struct site *site)
{
	struct query q = query_begin(site, "SELECT count(*) FROM objects");
	int64_t count = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return count;
}

static int check_account(struct site *site, const char *name, char **why)
{
	struct query q = query_begin(site, "SELECT 1 FROM accounts WHERE name = ?1");
	bool there;

	query_text(&q, name);
	there = query_row(&q);
	if (query_end(&q, why))
		return -EIO;
	return there ? 0
		     : site_fail(why, -ENOENT,
				 "the site has no account \"%s\"; berth site add-account makes it",
				 name);
}

static void put_settings(struct query *q, const struct object *o)
{
	query_text(q, o->address);
	query_number(q, o->port);
	query_text(q, o->account);
	query_number(q, o->check_admin);
	put_thresholds(q, &o->thresholds);
	put_limit(q, o->interval_s ? o->interval_s : -1);
	query_number(q, o->paused);
}

int object_add(struct site *site, struct object *object, char **why)
{
	struct query q;
	int error = complete(object, why);

	if (!error && object->account)
		error = check_account(site, object->account, why);
	if (error)
		return error;
	if (object_count(site) >= SITE_MAX_OBJECTS)
		return site_fail(why, -ENOSPC, "a site watches at most %d objects",
				 SITE_MAX_OBJECTS);
	q = query_begin(
		site,
		"INSERT INTO objects(system, role, kind, path, address, port, account,"
		" check_admin, warn_bytes, critical_bytes, warn_percent, critical_percent,"
		" interval_s, paused) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14)");
	query_text(&q, object->system);
	query_text(&q, object->role);
	query_text(&q, kinds[object->kind]);
	query_text(&q, object->path);
	put_settings(&q, object);
	error = query_run(&q, why);
	object->id = query_last_id(site);
	return error == -EEXIST ? site_fail(why, error, "\"%s\" is watched as %s already",
					    object->path, object->role)
				: error;
}

int object_set(struct site *site, const struct object *object, char **why)
{
	struct query q;
	int error = object->account ? check_account(site, object->account, why) : 0;

	if (error)
		return error;
	q = query_begin(site,
			"UPDATE objects SET address = ?2, port = ?3, account = ?4,"
			" check_admin = ?5, warn_bytes = ?6, critical_bytes = ?7,"
			" warn_percent = ?8, critical_percent = ?9, interval_s = ?10, paused = ?11"
			" WHERE id = ?1");
	query_number(&q, object->id);
	put_settings(&q, object);
	return query_run(&q, why);
}

#define OBJECT_COLUMNS                                                                             \
	"o.id, o.system, o.role, o.kind, o.path, o.address, o.port, o.account, o.check_admin,"     \
	" o.paused, o.recheck, o.interval_s, o.warn_bytes, o.critical_bytes, o.warn_percent,"      \
	" o.critical_percent, s.reach, s.space, s.checked, s.changed, s.retry_since,"              \
	" s.down_since, s.reminded, s.failures, s.free, s.total FROM objects o"                    \
	" LEFT JOIN object_state s ON s.object = o.id"

static char *text_or_null(const struct query *q, int column)
{
	return query_null_at(q, column) ? NULL : xstrdup(query_text_at(q, column));
}

static int64_t limit_at(const struct query *q, int column)
{
	return query_null_at(q, column) ? -1 : query_number_at(q, column);
}

static double percent_at(const struct query *q, int column)
{
	return query_null_at(q, column) ? -1 : query_real_at(q, column);
}

static enum object_kind kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!strcmp(kinds[i], name))
			return (enum object_kind)i;
	}
	return OBJECT_SHARE;
}

static struct watch_state state_at(const struct query *q, int first)
{
	struct watch_state state = {
		.reach = (enum reach)query_number_at(q, first),
		.space = query_null_at(q, first) ? HEALTH_UNKNOWN
						 : (enum health)query_number_at(q, first + 1),
		.checked_s = query_number_at(q, first + 2),
		.changed_s = query_number_at(q, first + 3),
		.retry_since_s = query_number_at(q, first + 4),
		.down_since_s = query_number_at(q, first + 5),
		.reminded_s = query_number_at(q, first + 6),
		.failures = query_number_at(q, first + 7),
		.free_bytes = query_number_at(q, first + 8),
		.total_bytes = query_number_at(q, first + 9),
	};

	return state;
}

static struct object object_at(const struct query *q)
{
	return (struct object){
		.id = query_number_at(q, 0),
		.system = xstrdup(query_text_at(q, 1)),
		.role = xstrdup(query_text_at(q, 2)),
		.kind = kind_of(query_text_at(q, 3)),
		.path = xstrdup(query_text_at(q, 4)),
		.address = text_or_null(q, 5),
		.port = (uint16_t)query_number_at(q, 6),
		.account = text_or_null(q, 7),
		.check_admin = query_number_at(q, 8),
		.paused = query_number_at(q, 9),
		.recheck = query_number_at(q, 10),
		.interval_s = query_number_at(q, 11),
		.thresholds = { limit_at(q, 12), limit_at(q, 13), percent_at(q, 14),
				percent_at(q, 15) },
		.state = state_at(q, 16),
	};
}

int object_find(struct site *site, const char *path, const char *role, struct object *out,
		char **why)
{
	auto_free char *tidied = xstrdup(path);
	struct query q = query_begin(site, "SELECT " OBJECT_COLUMNS
					   " WHERE o.path = ?1 COLLATE NOCASE AND (?2 IS NULL OR "
					   "o.role = ?2) ORDER BY o.id");
	bool found;

	object_tidy_path(tidied);
	query_text(&q, tidied);
	query_text(&q, role);
	found = query_row(&q);
	if (found)
		*out = object_at(&q);
	if (query_end(&q, why))
		return -EIO;
	return found ? 0
		     : site_fail(why, -ENOENT,
				 "\"%s\" is not watched%s%s; berth site status lists what is",
				 tidied, role ? " as " : "", role ? role : "");
}

/* A point that nobody watches would fail unseen. */
static int check_unused(struct site *site, const struct object *object, char **why)
{
	struct query q = query_begin(site, "SELECT 1 FROM points WHERE path = ?1");
	bool used;

	query_text(&q, object->path);
	used = query_row(&q) && !strcmp(object->role, OBJECT_ROLE_POINT);
	if (query_end(&q, why))
		return -EIO;
	return used ? site_fail(why, -EBUSY,
				"\"%s\" is a distribution point, which is watched as long as it is "
				"one: berth site remove-dp ends that, berth site set-dp "
				"--maintenance the messages of it",
				object->path)
		    : 0;
}

int object_remove(struct site *site, const char *path, const char *role, char **why)
{
	struct object object;
	struct query q;
	int error = object_find(site, path, role, &object, why);

	if (error)
		return error;
	error = check_unused(site, &object, why);
	if (!error) {
		q = query_begin(site, "DELETE FROM objects WHERE id = ?1");
		query_number(&q, object.id);
		error = query_run(&q, why);
	}
	object_free(&object);
	return error;
}

int object_load(struct site *site, struct object **out, size_t *count, char **why)
{
	struct query q =
		query_begin(site, "SELECT " OBJECT_COLUMNS " ORDER BY o.system, o.role, o.id");
	struct object *objects = NULL;
	size_t n = 0, room = 0;
	int error;

	while (query_row(&q) && n < SITE_MAX_OBJECTS) {
		if (n == room) {
			room = room ? room * 2 : 64;
			objects = reallocarray(objects, room, sizeof(*objects));
			BUG_ON(!objects);
		}
		objects[n++] = object_at(&q);
	}
	error = query_end(&q, why);
	for (size_t i = 0; error && i < n; i++)
		object_free(&objects[i]);
	if (error) {
		free(objects);
		return error;
	}
	*out = objects;
	*count = n;
	return 0;
}

int object_recheck(struct site *site, const char *path, char **why)
{
	struct object object = { 0 };
	struct query q;
	int error = path ? object_find(site, path, NULL, &object, why) : 0;

	if (error)
		return error;
	q = query_begin(site,
			"UPDATE objects SET recheck = recheck + 1 WHERE ?1 IS NULL OR path = ?1");
	query_text(&q, object.path);
	object_free(&object);
	return query_run(&q, why);
}

void object_doubt(struct site *site, const char *path, bool reached)
{
	struct query q = query_begin(
		site, "UPDATE objects SET recheck = recheck + 1 WHERE path = ?1 AND NOT paused AND"
		      " EXISTS(SELECT 1 FROM object_state s WHERE s.object = objects.id AND"
		      " (s.reach = ?2) <> ?3)");

	query_text(&q, path);
	query_number(&q, REACH_OK);
	query_number(&q, reached);
	(void)query_run(&q, NULL);
}

int object_acknowledge(struct site *site, const char *path, const char *who, const char *comment,
		       char **why)
{
	struct object object;
	struct query q;
	int error = object_find(site, path, NULL, &object, why);

	if (error)
		return error;
	q = query_begin(site, "UPDATE object_state SET acknowledged_by = ?2, acknowledged = ?3,"
			      " comment = ?4 WHERE object = ?1");
	query_number(&q, object.id);
	query_text(&q, who);
	query_number(&q, now_s());
	query_text(&q, comment);
	error = query_run(&q, why);
	if (!error && !query_changed(site))
		error = site_fail(why, -ENOENT, "\"%s\" has not been checked yet", object.path);
	object_free(&object);
	return error;
}

int object_state_save(struct site *site, const struct object *object, int64_t duration_ms,
		      const char *report, char **why)
{
	const struct watch_state *s = &object->state;
	/* An acknowledgement is of this outage, and goes with it. */
	struct query q = query_begin(
		site,
		"INSERT INTO object_state(object, reach, space, checked, changed, retry_since,"
		" down_since, reminded, failures, free, total, duration_ms, report)"
		" SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13"
		" WHERE EXISTS(SELECT 1 FROM objects WHERE id = ?1)"
		" ON CONFLICT(object) DO UPDATE SET reach = ?2, space = ?3, checked = ?4,"
		" changed = ?5, retry_since = ?6, down_since = ?7, reminded = ?8, failures = ?9,"
		" free = ?10, total = ?11, duration_ms = ?12, report = ?13,"
		" acknowledged_by = CASE WHEN ?14 THEN acknowledged_by END,"
		" acknowledged = CASE WHEN ?14 THEN acknowledged END,"
		" comment = CASE WHEN ?14 THEN comment END");

	query_number(&q, object->id);
	query_number(&q, s->reach);
	query_number(&q, s->space);
	query_number(&q, s->checked_s);
	query_number(&q, s->changed_s);
	query_number(&q, s->retry_since_s);
	query_number(&q, s->down_since_s);
	query_number(&q, s->reminded_s);
	query_number(&q, s->failures);
	query_number(&q, s->free_bytes);
	query_number(&q, s->total_bytes);
	query_number(&q, duration_ms);
	query_text(&q, report);
	query_number(&q, watch_health(s) == HEALTH_CRITICAL || watch_health(s) == HEALTH_WARNING);
	return query_run(&q, why);
}

int object_history_save(struct site *site, const struct object *object, char **why)
{
	const struct watch_state *s = &object->state;
	struct query q =
		query_begin(site, "INSERT OR REPLACE INTO space_history(object, time, free,"
				  " total) SELECT ?1, ?2, ?3, ?4"
				  " WHERE EXISTS(SELECT 1 FROM objects WHERE id = ?1)");

	query_number(&q, object->id);
	query_number(&q, s->checked_s - s->checked_s % HOUR_S);
	query_number(&q, s->free_bytes);
	query_number(&q, s->total_bytes);
	return query_run(&q, why);
}

int object_history_retain(struct site *site, char **why)
{
	struct query q = query_begin(site, "DELETE FROM space_history WHERE time < ?1");

	query_number(&q, now_s() - site_setting_number(site, "keep_history_days") * DAY_S);
	return query_run(&q, why);
}

int64_t object_forecast(struct site *site, int64_t id)
{
	struct query q =
		query_begin(site, "SELECT time, free FROM space_history WHERE object = ?1 AND"
				  " time >= ?2 ORDER BY time");
	struct space_sample *samples = xalloc(FORECAST_DAYS * 24 + 1, sizeof(*samples));
	size_t count = 0;
	int64_t full;

	query_number(&q, id);
	query_number(&q, now_s() - (int64_t)FORECAST_DAYS * DAY_S);
	while (query_row(&q) && count < FORECAST_DAYS * 24 + 1)
		samples[count++] =
			(struct space_sample){ query_number_at(&q, 0), query_number_at(&q, 1) };
	full = query_end(&q, NULL) ? 0 : forecast_fill(samples, count);
	free(samples);
	return full;
}
