// SPDX-License-Identifier: Apache-2.0
/*
 * One piece of the site's work at a distribution point: taken from the rows, done, and written down
 * with its messages. Several threads do it at a time, each for a point of its own and with its own
 * connection to the database; the library is only read here, so that they need not wait for each
 * other, nor for a package that is being taken in.
 */
#include "distribution_impl.h"
#include "publish_impl.h"

#include <content/transfer.h>
#include <errno.h>
#include <site/db.h>
#include <site/message.h>
#include <site/object.h>
#include <stdio.h>
#include <strings.h>

#define TRANSFER_MS    (86400u * 1000) /* at one point, in one try */
#define DAY_S	       86400
#define PROGRESS_MS    500
#define PATIENCE_MS    60000 /* for a point that is lost in the middle: a failover */
#define HELD_MANIFESTS 4096  /* of a point, that are looked through for pieces it has */

static const char *const verbs[] = { "distribute", "redistribute", "validate", "remove" };

void distribution_job_free(struct distribution_job *job)
{
	if (!job)
		return;
	free(job->package);
	free(job->point);
	free(job->reason);
	free(job);
}

const char *distribution_job_point(const struct distribution_job *job)
{
	return job->point;
}

/* Points that nothing is to be done at now: @busy, those in maintenance, and whose hour is closed.
 */
static char *points_left_alone(struct site *site, const json_t *busy)
{
	struct query q = query_begin(site, "SELECT path, maintenance, rates FROM points"
					   " WHERE maintenance OR rates <> ''");
	json_t *all auto_json = json_copy((json_t *)(uintptr_t)busy);
	struct rates rates;

	while (query_row(&q)) {
		if (query_number_at(&q, 1) ||
		    (rates_parse(query_text_at(&q, 2), &rates) && !rates_now(&rates, now_s())))
			json_array_append_new(all, json_string(query_text_at(&q, 0)));
	}
	(void)query_end(&q, NULL);
	return json_dumps(all, JSON_COMPACT);
}

/* The next row that is due; else one whose validation is. */
int distribution_take(struct site *site, const json_t *busy, struct distribution_job **job,
		      char **why)
{
	int64_t days = site_setting_number(site, "validate_days");
	auto_free char *alone = points_left_alone(site, busy);
	struct query q = query_begin(
		site,
		"SELECT package, point, CASE WHEN state = 0 THEN 2 ELSE verb END, tries, reason,"
		" version, (SELECT mover IS NOT NULL FROM points WHERE path = point)"
		/* What lies further ahead than it can was written by a clock that was ahead. */
		" FROM distributions WHERE ((state IN (1, 2, 4, 5) AND (next <= ?1 OR next > ?1 +"
		" ?5))"
		" OR (state = 0 AND ?2 > 0 AND (changed < ?1 - ?2 * ?3 OR changed > ?1 + ?3)))"
		" AND point NOT IN (SELECT value FROM json_each(?4))"
		" ORDER BY state = 0, priority, next, package, point LIMIT 1");

	*job = NULL;
	query_number(&q, now_s());
	query_number(&q, days);
	query_number(&q, DAY_S);
	query_text(&q, alone);
	query_number(&q, site_setting_number(site, "retry_s") + BUSY_AGAIN_S);
	if (query_row(&q)) {
		*job = xalloc(1, sizeof(**job));
		**job = (struct distribution_job){
			.package = xstrdup(query_text_at(&q, 0)),
			.point = xstrdup(query_text_at(&q, 1)),
			.verb = (enum distribution_verb)query_number_at(&q, 2),
			.tries = query_number_at(&q, 3),
			.reason = xstrdup(query_text_at(&q, 4)),
			.version = query_number_at(&q, 5),
			.is_pulled = query_number_at(&q, 6),
		};
	}
	return query_end(&q, why);
}

/* Was it asked for something else meanwhile, taken back, or put off? Then that is what counts. */
static bool is_overtaken(const struct distribution_job *w)
{
	struct query q = query_begin(w->site, "SELECT verb, state, maintenance FROM distributions"
					      " JOIN points ON path = point"
					      " WHERE package = ?1 AND point = ?2");
	bool overtaken = true;

	query_text(&q, w->package);
	query_text(&q, w->point);
	if (query_row(&q))
		overtaken = query_number_at(&q, 2) || (query_number_at(&q, 1) != DIST_INSTALLED &&
						       query_number_at(&q, 0) != (int64_t)w->verb);
	(void)query_end(&q, NULL);
	return overtaken;
}

/* transfer_options.progress: seldom written down, and a look at what has changed. */
static bool note_progress(void *owner, const struct transfer_progress *p)
{
	struct distribution_job *w = owner;
	uint64_t now_ms = monotonic_ms();
	struct query q;

	if (atomic_load(w->stop) || w->throttle.is_closed)
		w->interrupted = true;
	if (w->interrupted || now_ms - w->told_ms < PROGRESS_MS)
		return !w->interrupted;
	w->told_ms = now_ms;
	q = query_begin(w->site, "UPDATE distributions SET done = ?3, total = ?4"
				 " WHERE package = ?1 AND point = ?2");
	query_text(&q, w->package);
	query_text(&q, w->point);
	query_number(&q, (int64_t)p->bytes_done);
	query_number(&q, (int64_t)p->bytes);
	(void)query_run(&q, NULL);
	w->interrupted = is_overtaken(w);
	return !w->interrupted;
}

/* transfer_options.may_send */
static uint64_t wait_ms(void *owner, uint64_t bytes)
{
	struct distribution_job *w = owner;

	return throttle_wait_ms(&w->throttle, monotonic_ms(), now_s(), bytes);
}

/* The manifests of a package at a point that no other package there has. */
static bool withdraw_all(const struct distribution_job *w, struct place *to,
			 struct content_failure *why)
{
	struct query q = query_begin(
		w->site,
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

static bool bring(struct distribution_job *w, struct site_library *library, struct place *to,
		  const struct package *p, struct transfer_result *result,
		  struct content_failure *why)
{
	static const enum transfer_mode modes[] = { TRANSFER_MISSING, TRANSFER_EVERYTHING,
						    TRANSFER_REPAIR };
	struct place *from[] = { library->place };
	auto_free uint8_t(*held)[SHA256_LENGTH] = xalloc(HELD_MANIFESTS, SHA256_LENGTH);
	struct transfer_options options = {
		.from = from,
		.from_count = 1,
		.to = to,
		.mode = modes[w->verb],
		.held = held,
		.known = library->place,
		.trust_reads = true,
		.patience_ms = PATIENCE_MS,
		.may_send = wait_ms,
		.progress = note_progress,
		.owner = w,
	};

	if (w->verb == DIST_DISTRIBUTE &&
	    !content_held(to, library->place, held, HELD_MANIFESTS, &options.held_count, why))
		return false;
	for (size_t i = 0; i < options.held_count && w->version != p->version; i++) {
		/* Somebody else laid it there: prestaged media, whose copy nobody has looked at. */
		if (!memcmp(held[i], p->manifest, SHA256_LENGTH))
			options.mode = TRANSFER_REPAIR;
	}
	return content_transfer(p->manifest, &options, result, why);
}

static bool exchange(struct distribution_job *w, struct site_library *library, struct place *to,
		     const struct package *p, struct transfer_result *result,
		     struct content_failure *why)
{
	place_set_deadline(to, TRANSFER_MS);
	if (!layout_prepare(to, library->owner, why))
		return false;
	return w->verb == DIST_REMOVE ? withdraw_all(w, to, why)
				      : bring(w, library, to, p, result, why);
}

static int act(struct distribution_job *w, struct point *point, struct transfer_result *result,
	       int64_t *version, char **why)
{
	struct site_library library auto_library = { 0 };
	struct package p auto_package = { 0 };
	struct content_failure failure = { 0 };
	struct place *to = NULL;
	int error = package_find(w->site, w->package, &p, why);

	if (!error)
		error = library_read(w->site, &library, why);
	if (!error)
		error = point_find(w->site, w->point, point, why);
	if (!error && !rates_parse(point->rates, &w->throttle.rates))
		error = site_fail(why, -EINVAL, "its rates cannot be read: %s", point->rates);
	if (!error)
		error = point_open(w->site, point, &to, why);
	if (!error && !exchange(w, &library, to, &p, result, &failure))
		error = library_fail_package(why, &failure, &library, w->package);
	if (!error && w->verb != DIST_REMOVE)
		error = point_publish(w->site, point, to, why);
	if (to)
		place_unlock(to);
	place_close(to);
	*version = p.version;
	return error;
}

static int forget(const struct distribution_job *w, char **why)
{
	struct query q =
		query_begin(w->site, "DELETE FROM distributions WHERE package = ?1 AND point = ?2");

	query_text(&q, w->package);
	query_text(&q, w->point);
	return query_run(&q, why);
}

static int save(const struct distribution_job *w, enum distribution_state state, int64_t next_s,
		int64_t version, uint64_t bytes, const char *reason, char **why)
{
	struct query q = query_begin(
		w->site,
		"UPDATE distributions SET state = ?3, tries = ?4, next = ?5, version = CASE WHEN"
		" ?6 THEN ?6 ELSE version END, bytes = ?7, reason = ?8, changed = ?9,"
		" done = CASE WHEN ?3 THEN done ELSE total END WHERE package = ?1 AND point = ?2");

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

int distribution_say(const struct distribution_job *w, uint32_t id, const char *const *strings,
		     char **why)
{
	struct message message = { .id = id, .object = w->point, .package = w->package };

	for (size_t i = 0; i < MESSAGE_STRINGS && strings[i]; i++)
		message.strings[i] = strings[i];
	return message_write(w->site, &message, why);
}

/* What may be at the point from now on, before it is: an interrupted run leaves pieces too. */
static int note_manifest(const struct distribution_job *w, char **why)
{
	struct query q = query_begin(
		w->site, "INSERT OR IGNORE INTO distribution_manifests(package, point, manifest)"
			 " SELECT ?1, ?2, manifest FROM packages WHERE name = ?1");

	query_text(&q, w->package);
	query_text(&q, w->point);
	return query_run(&q, why);
}

/* Points that are filled from this one need not wait until they are looked at again. */
static int wake_filled(const struct distribution_job *w, char **why)
{
	struct query q = query_begin(
		w->site, "UPDATE distributions SET next = 0 WHERE package = ?1 AND state = 1 AND"
			 " ordered <> asked AND point IN (SELECT point FROM point_sources WHERE"
			 " source = ?2)");

	query_text(&q, w->package);
	query_text(&q, w->point);
	return query_run(&q, why);
}

int distribution_done(struct distribution_job *w, const struct transfer_result *result,
		      int64_t version, char **why)
{
	auto_free char *number = xasprintf("%lld", (long long)version);
	auto_free char *bytes = xasprintf("%llu", (unsigned long long)result->bytes_sent);
	auto_free char *bad = xasprintf("%u pieces damaged or missing", result->bad);
	const char *placed[10] = { w->package, number, w->point, bytes };
	const char *removed[10] = { w->package, w->point };
	const char *damaged[10] = { w->package, w->point, bad };
	const char *repaired[10] = { w->package, w->point, bytes };
	int error;

	if (w->verb == DIST_REMOVE) {
		error = forget(w, why);
		return error ? error : distribution_say(w, MSG_REMOVED, removed, why);
	}
	w->tries = 0;
	error = save(w, DIST_INSTALLED, 0, version, result->bytes_sent, NULL, why);
	if (!error)
		error = wake_filled(w, why);
	if (error || (w->verb == DIST_VALIDATE && !result->bad))
		return error;
	if (w->verb != DIST_VALIDATE)
		return distribution_say(w, MSG_DISTRIBUTED, placed, why);
	error = distribution_say(w, MSG_DP_DAMAGED, damaged, why);
	return error ? error : distribution_say(w, MSG_DP_REPAIRED, repaired, why);
}

/* A message at the first failure, when the reason changes, and when it is given up. */
int distribution_failed(struct distribution_job *w, const char *reason, int64_t version, char **why)
{
	int64_t most = site_setting_number(w->site, "tries");
	int64_t again_s = now_s() + site_setting_number(w->site, "retry_s");
	auto_free char *number = xasprintf("%lld", (long long)version);
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
	error = save(w, distribution_move(w->verb, false, left), left ? again_s : 0, 0, 0, reason,
		     why);
	if (error || (left && !is_new))
		return error;
	return distribution_say(w, left ? MSG_COPY_FAILED : MSG_PACKAGE_FAILED,
				left ? copy : given_up, why);
}

static int wait_for_turn(const struct distribution_job *w, const char *reason, char **why)
{
	return save(w, w->verb == DIST_REMOVE ? DIST_REMOVAL_PENDING : DIST_INSTALL_PENDING,
		    now_s() + BUSY_AGAIN_S, 0, 0, reason, why);
}

int distribution_do(struct site *site, struct distribution_job *w, const atomic_bool *stop,
		    char **why)
{
	struct transfer_result result = { 0 };
	struct point point = { 0 };
	auto_free char *reason = NULL;
	int64_t version = 0;
	int error;

	w->site = site;
	w->stop = stop;
	error = w->verb == DIST_REMOVE ? 0 : note_manifest(w, why);
	if (error)
		return error;
	if (w->is_pulled && w->verb != DIST_REMOVE)
		return distribution_pull(w, why);
	error = act(w, &point, &result, &version, &reason);
	point_free(&point);
	if (w->interrupted || is_overtaken(w))
		return 0;
	if (error == -EBUSY)
		return wait_for_turn(w, reason, why);
	object_doubt(site, w->point, !error);
	return error ? distribution_failed(w, reason ? reason : verbs[w->verb], version, why)
		     : distribution_done(w, &result, version, why);
}
