// SPDX-License-Identifier: Apache-2.0
/* The state machine of packages on distribution points: its rows, its moves, its messages. */
#include <site/distribution.h>

#include <content/transfer.h>
#include <errno.h>
#include <site/db.h>
#include <site/deploy.h>
#include <site/message.h>
#include <stdio.h>
#include <strings.h>

#define BUSY_AGAIN_S 5 /* someone else holds the library: not a try */
#define DAY_S	     86400
#define TRANSFER_MS  (86400u * 1000) /* at one point, in one try */

static const char *const verbs[] = { "distribute", "redistribute", "validate", "remove" };

const char *distribution_state_name(enum distribution_state state)
{
	static const char *const names[] = { "installed",	 "install-pending",
					     "install-retrying", "install-failed",
					     "removal-pending",	 "removal-retrying",
					     "removal-failed" };

	return (size_t)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

enum distribution_state distribution_move(enum distribution_verb verb, bool good, bool tries_left)
{
	if (good)
		return DIST_INSTALLED; /* a removal that is done has no row */
	if (verb == DIST_REMOVE)
		return tries_left ? DIST_REMOVAL_RETRYING : DIST_REMOVAL_FAILED;
	return tries_left ? DIST_INSTALL_RETRYING : DIST_INSTALL_FAILED;
}

/* One row while it is worked on. */
struct work {
	char *package, *point;
	enum distribution_verb verb;
	int64_t tries;
	char *reason; /* of the last try */
};

static void work_free(struct work *w)
{
	free(w->package);
	free(w->point);
	free(w->reason);
}

static int ask_one(struct site *site, const char *package, const char *point,
		   enum distribution_verb verb, char **why)
{
	struct query q = query_begin(
		site, "INSERT INTO distributions(package, point, verb, state, version, tries, next,"
		      " bytes, changed) VALUES(?1, ?2, ?3, ?4, 0, 0, 0, 0, ?5)"
		      " ON CONFLICT(package, point) DO UPDATE SET verb = ?3, state = ?4, tries = 0,"
		      " next = 0, changed = ?5");

	query_text(&q, package);
	query_text(&q, point);
	query_number(&q, verb);
	query_number(&q, verb == DIST_REMOVE ? DIST_REMOVAL_PENDING : DIST_INSTALL_PENDING);
	query_number(&q, now_s());
	return query_run(&q, why);
}

/* Where it is known to be: a validation or removal is for these. */
static bool is_there(struct site *site, const char *package, const char *point)
{
	struct query q = query_begin(site, "SELECT 1 FROM distributions WHERE package = ?1"
					   " AND point = ?2 COLLATE NOCASE");
	bool there;

	query_text(&q, package);
	query_text(&q, point);
	there = query_row(&q);
	(void)query_end(&q, NULL);
	return there;
}

int distribution_ask(struct site *site, const char *package, const char *point,
		     enum distribution_verb verb, char **why)
{
	struct package p auto_package = { 0 };
	struct point *points = NULL;
	size_t count = 0, asked = 0;
	int error = package_find(site, package, &p, why);

	if (!error)
		error = point_load(site, &points, &count, why);
	for (size_t i = 0; i < count; i++) {
		bool wanted =
			point ? !strcasecmp(points[i].path, point)
			      : verb == DIST_DISTRIBUTE || is_there(site, package, points[i].path);

		if (!error && wanted) {
			error = ask_one(site, package, points[i].path, verb, why);
			asked++;
		}
		point_free(&points[i]);
	}
	free(points);
	if (error || asked)
		return error;
	return point ? site_fail(why, -ENOENT,
				 "there is no distribution point \"%s\"; berth site points lists "
				 "them",
				 point)
		     : site_fail(why, -ENOENT, "there is no distribution point that this is for");
}

json_t *distribution_list(struct site *site, const char *package, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT package, point, state AS state_number, version, (SELECT version FROM"
		" packages p WHERE p.name = package) AS current, tries, nullif(next, 0) AS next,"
		" bytes AS bytes_sent, reason, changed FROM distributions"
		" WHERE ?1 IS NULL OR package = ?1 ORDER BY package, point");
	json_t *rows, *row;
	size_t i;

	query_text(&q, package);
	rows = query_json(&q);
	if (query_end(&q, why)) {
		json_decref(rows);
		return NULL;
	}
	json_array_foreach(rows, i, row)
	{
		int64_t state = json_integer_value(json_object_get(row, "state_number"));

		json_object_set_new(
			row, "state",
			json_string(distribution_state_name((enum distribution_state)state)));
	}
	return rows;
}

/* The next row that is due; else one whose validation is. */
static int find_work(struct site *site, struct work *w, bool *found, char **why)
{
	int64_t days = site_setting_number(site, "validate_days");
	struct query q = query_begin(
		site,
		"SELECT package, point, CASE WHEN state = 0 THEN 2 ELSE verb END, tries, reason"
		" FROM distributions WHERE (state IN (1, 2, 4, 5) AND next <= ?1)"
		" OR (state = 0 AND ?2 > 0 AND changed < ?1 - ?2 * ?3)"
		" ORDER BY state = 0, next, package, point LIMIT 1");

	query_number(&q, now_s());
	query_number(&q, days);
	query_number(&q, DAY_S);
	*found = query_row(&q);
	if (*found)
		*w = (struct work){ .package = xstrdup(query_text_at(&q, 0)),
				    .point = xstrdup(query_text_at(&q, 1)),
				    .verb = (enum distribution_verb)query_number_at(&q, 2),
				    .tries = query_number_at(&q, 3),
				    .reason = xstrdup(query_text_at(&q, 4)) };
	return query_end(&q, why);
}

static int find_point(struct site *site, const char *path, struct place **to, char **why)
{
	struct point *points = NULL;
	size_t count = 0;
	bool found = false;
	int error = point_load(site, &points, &count, why);

	for (size_t i = 0; i < count; i++) {
		if (!error && !strcasecmp(points[i].path, path)) {
			found = true;
			error = point_open(site, &points[i], to, why);
		}
		point_free(&points[i]);
	}
	free(points);
	if (!error && !found)
		error = site_fail(why, -ENOENT, "it is no distribution point any more");
	return error;
}

/* The manifests of a package at a point that no other package there has. */
static bool withdraw_all(struct site *site, const struct work *w, struct place *to,
			 struct content_failure *why)
{
	struct query q = query_begin(
		site,
		"SELECT manifest FROM distribution_manifests m WHERE package = ?1 AND point = ?2"
		" AND NOT EXISTS(SELECT 1 FROM distribution_manifests o WHERE o.point = ?2"
		" AND o.manifest = m.manifest AND o.package <> ?1)");
	struct collect_result collected;
	uint8_t hash[SHA256_LENGTH];
	bool good = true;

	query_text(&q, w->package);
	query_text(&q, w->point);
	while (good && query_row(&q)) {
		(void)query_blob_at(&q, 0, hash, sizeof(hash));
		good = content_withdraw(to, hash, why);
	}
	if (query_end(&q, NULL) && good)
		good = content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
				    "the site's database cannot be read");
	return good && content_collect(to, &collected, why);
}

static bool exchange(struct site *site, const struct work *w, struct site_library *library,
		     struct place *to, const struct package *p, struct transfer_result *result,
		     struct content_failure *why)
{
	struct place *from[] = { library->place };
	struct transfer_options options = {
		.from = from,
		.from_count = 1,
		.to = to,
		.mode = w->verb == DIST_VALIDATE ? TRANSFER_REPAIR : TRANSFER_EVERYTHING,
		.known = library->place,
	};

	place_set_deadline(to, TRANSFER_MS);
	if (!layout_prepare(to, library->owner, why))
		return false;
	if (w->verb == DIST_REMOVE)
		return withdraw_all(site, w, to, why);
	return content_transfer(p->manifest, &options, result, why);
}

/* Redistribute, validate, remove: straight between the library and the point. */
static int act_directly(struct site *site, const struct work *w, struct transfer_result *result,
			char **why)
{
	struct site_library library auto_library = { 0 };
	struct package p auto_package = { 0 };
	struct content_failure failure = { 0 };
	struct place *to = NULL;
	int error = package_find(site, w->package, &p, why);

	if (!error)
		error = library_open(site, &library, why);
	if (!error)
		error = find_point(site, w->point, &to, why);
	if (!error && !exchange(site, w, &library, to, &p, result, &failure))
		error = library_fail(why, &failure);
	if (to)
		place_unlock(to);
	place_close(to);
	return error;
}

static int act(struct site *site, const struct work *w, struct transfer_result *result, char **why)
{
	int64_t sent = 0;
	int error;

	if (w->verb != DIST_DISTRIBUTE)
		return act_directly(site, w, result, why);
	error = package_distribute(site, w->package, w->point, &sent, why);
	result->bytes_sent = (uint64_t)sent;
	return error;
}

static int forget(struct site *site, const struct work *w, char **why)
{
	struct query q =
		query_begin(site, "DELETE FROM distributions WHERE package = ?1 AND point = ?2");

	query_text(&q, w->package);
	query_text(&q, w->point);
	return query_run(&q, why);
}

static int save(struct site *site, const struct work *w, enum distribution_state state,
		int64_t next_s, int64_t version, uint64_t bytes, const char *reason, char **why)
{
	struct query q = query_begin(
		site,
		"UPDATE distributions SET state = ?3, tries = ?4, next = ?5, version = CASE WHEN"
		" ?6 THEN ?6 ELSE version END, bytes = ?7, reason = ?8, changed = ?9"
		" WHERE package = ?1 AND point = ?2");

	query_text(&q, w->package);
	query_text(&q, w->point);
	query_number(&q, state);
	query_number(&q, w->tries);
	query_number(&q, next_s);
	query_number(&q, version);
	query_number(&q, (int64_t)bytes);
	query_text(&q, reason);
	query_number(&q, now_s());
	return query_run(&q, why);
}

static int64_t version_of(struct site *site, const char *package)
{
	struct package p auto_package = { 0 };

	return package_find(site, package, &p, NULL) ? 0 : p.version;
}

static int say(struct site *site, const struct work *w, uint32_t id, const char *const *strings,
	       char **why)
{
	struct message message = { .id = id, .object = w->point, .package = w->package };

	for (size_t i = 0; i < MESSAGE_STRINGS && strings[i]; i++)
		message.strings[i] = strings[i];
	return message_write(site, &message, why);
}

/* What may be at the point from now on, before it is: an interrupted run leaves pieces too. */
static int note_manifest(struct site *site, const struct work *w, char **why)
{
	struct query q = query_begin(
		site, "INSERT OR IGNORE INTO distribution_manifests(package, point, manifest)"
		      " SELECT ?1, ?2, manifest FROM packages WHERE name = ?1");

	query_text(&q, w->package);
	query_text(&q, w->point);
	return query_run(&q, why);
}

static int done(struct site *site, struct work *w, const struct transfer_result *result, char **why)
{
	int64_t version = version_of(site, w->package);
	auto_free char *number = xasprintf("%lld", (long long)version);
	auto_free char *bytes = xasprintf("%llu", (unsigned long long)result->bytes_sent);
	auto_free char *bad = xasprintf("%u pieces damaged or missing", result->bad);
	const char *placed[10] = { w->package, number, w->point, bytes };
	const char *removed[10] = { w->package, w->point };
	const char *damaged[10] = { w->package, w->point, bad };
	const char *repaired[10] = { w->package, w->point, bytes };
	int error;

	if (w->verb == DIST_REMOVE) {
		error = forget(site, w, why);
		return error ? error : say(site, w, MSG_REMOVED, removed, why);
	}
	w->tries = 0;
	error = save(site, w, DIST_INSTALLED, 0, version, result->bytes_sent, NULL, why);
	if (error || (w->verb == DIST_VALIDATE && !result->bad))
		return error;
	if (w->verb != DIST_VALIDATE)
		return say(site, w, MSG_DISTRIBUTED, placed, why);
	error = say(site, w, MSG_DP_DAMAGED, damaged, why);
	return error ? error : say(site, w, MSG_DP_REPAIRED, repaired, why);
}

/* A message at the first failure, when the reason changes, and when it is given up. */
static int failed(struct site *site, struct work *w, const char *reason, char **why)
{
	int64_t most = site_setting_number(site, "tries");
	int64_t again_s = now_s() + site_setting_number(site, "retry_s");
	auto_free char *number = xasprintf("%lld", (long long)version_of(site, w->package));
	auto_free char *most_text = xasprintf("%lld", (long long)most);
	auto_free char *try_text = NULL;
	const char *copy[10] = { w->package, number, w->point, reason, NULL, most_text };
	const char *given_up[10] = { w->package, number, reason };
	bool is_new = !w->tries || strcmp(w->reason, reason) != 0, left;
	int error;

	w->tries++;
	left = w->tries < most;
	try_text = xasprintf("%lld", (long long)w->tries + 1);
	copy[4] = try_text;
	error = save(site, w, distribution_move(w->verb, false, left), left ? again_s : 0, 0, 0,
		     reason, why);
	if (error || (left && !is_new))
		return error;
	return say(site, w, left ? MSG_COPY_FAILED : MSG_PACKAGE_FAILED, left ? copy : given_up,
		   why);
}

/* Was it asked for something else meanwhile? Then that is what is done next. */
static bool is_overtaken(struct site *site, const struct work *w)
{
	struct query q =
		query_begin(site, "SELECT verb, state FROM distributions WHERE package = ?1"
				  " AND point = ?2");
	bool overtaken = true;

	query_text(&q, w->package);
	query_text(&q, w->point);
	if (query_row(&q))
		overtaken = query_number_at(&q, 1) != DIST_INSTALLED &&
			    query_number_at(&q, 0) != (int64_t)w->verb;
	(void)query_end(&q, NULL);
	return overtaken;
}

int distribution_work(struct site *site, bool *worked, char **why)
{
	struct work w cleanup(work_free) = { 0 };
	auto_free char *reason = NULL;
	struct transfer_result result = { 0 };
	int error = find_work(site, &w, worked, why);

	if (error || !*worked)
		return error;
	if (w.verb != DIST_REMOVE)
		error = note_manifest(site, &w, why);
	if (error)
		return error;
	error = act(site, &w, &result, &reason);
	if (is_overtaken(site, &w))
		return 0;
	if (error == -EBUSY)
		return save(site, &w,
			    w.verb == DIST_REMOVE ? DIST_REMOVAL_PENDING : DIST_INSTALL_PENDING,
			    now_s() + BUSY_AGAIN_S, 0, 0, reason, why);
	return error ? failed(site, &w, reason ? reason : verbs[w.verb], why)
		     : done(site, &w, &result, why);
}
