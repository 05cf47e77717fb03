// SPDX-License-Identifier: Apache-2.0
/*
 * Rounds over the drops of the distribution points. Whoever may create files there decides what is
 * found: so no file, and no number of files, keeps those of others from being taken, and no point
 * holds up the next one.
 *
 * A file is removed when what it says is in the database, or when it never will be. That is said
 * once a while for each point, and in the log for the first of each round.
 */
#include "deploy_impl.h"

#include <base/log.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <policy/paper.h>
#include <site/message.h>

#define PAPERS_A_ROUND 20000	    /* files of one point that are looked at in one round */
#define POINT_MS       (120 * 1000) /* which takes so long at most; what is left is next time's */
#define UNFINISHED_S   600	    /* a file that is no paper is being written so long at most */
#define ODD_MAX	       10000	    /* such files, of one point, that are remembered */
#define ODD_KEPT_S     (2 * UNFINISHED_S)
#define SAID_EVERY_S   600 /* that papers were refused: at most one message of a point */
#define LOGGED_A_ROUND 16

/* One round at one point. */
struct ingest {
	struct site *site;
	struct place *place;
	const char *point;
	struct ingest_counts *counts;
	uint64_t refused;
	char *first, *first_why; /* that was refused in this round */
};

struct names {
	char (*list)[PAPER_NAME_MAX];
	size_t count;
	uint64_t seen;
};

/* A sample where there are too many: no flood of names keeps one out for good. */
static bool add_name(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct names *n = owner;
	uint64_t at;

	if (is_directory || !paper_name_is_one(name))
		return true;
	at = n->seen++ < PAPERS_A_ROUND ? n->count++ : random_u64() % n->seen;
	if (at < PAPERS_A_ROUND)
		snprintf(n->list[at], PAPER_NAME_MAX, "%s", name);
	return true;
}

/* What was seen long ago is gone, or was refused. A clock that was ahead makes nothing immortal. */
static int forget_odd(const struct ingest *in, char **why)
{
	struct query q = query_begin(
		in->site, "DELETE FROM odd_papers WHERE point = ?1 AND (first < ?2 OR first > ?3)");

	query_text(&q, in->point);
	query_number(&q, now_s() - ODD_KEPT_S);
	query_number(&q, now_s() + UNFINISHED_S);
	return query_run(&q, why);
}

/* How long a file that is no paper has been there, as this site saw it. Beyond ODD_MAX none is
 * remembered, and so none is given up, until others have been. */
static int is_given_up(const struct ingest *in, const char *file, bool *over, char **why)
{
	struct query q = query_begin(
		in->site,
		"INSERT INTO odd_papers(point, name, first) SELECT ?1, ?2, ?3 WHERE"
		" (SELECT count(*) FROM odd_papers WHERE point = ?1) < ?4 OR EXISTS(SELECT 1 FROM"
		" odd_papers WHERE point = ?1 AND name = ?2)"
		" ON CONFLICT(point, name) DO UPDATE SET first = min(first, excluded.first)"
		" RETURNING first");

	query_text(&q, in->point);
	query_text(&q, file);
	query_number(&q, now_s());
	query_number(&q, ODD_MAX);
	*over = query_row(&q) && query_number_at(&q, 0) + UNFINISHED_S < now_s();
	return query_end(&q, why);
}

static int forget_one(const struct ingest *in, const char *file, char **why)
{
	struct query q =
		query_begin(in->site, "DELETE FROM odd_papers WHERE point = ?1 AND name = ?2");

	query_text(&q, in->point);
	query_text(&q, file);
	return query_run(&q, why);
}

/* It will never count: it goes, as far as it can be removed, and those behind it are taken. */
static void set_aside(struct ingest *in, const char *file, const char *path, const char *reason)
{
	ntstatus status = place_remove(in->place, path);

	if (in->refused++ < LOGGED_A_ROUND)
		log_warn("paper refused point=%s file=%s why=%s removed=%s", LOG_TEXT(in->point),
			 LOG_TEXT(file), LOG_TEXT(reason), status ? ntstatus_name(status) : "yes");
	if (in->first)
		return;
	in->first = xstrdup(file);
	in->first_why = xstrdup(reason);
}

static int take_bytes(struct ingest *in, const char *file, const char *path,
		      const struct buf *bytes, char **why)
{
	auto_free char *reason = NULL;
	bool over = false;
	int error = paper_take(in->site, bytes->data, bytes->len, in->counts, &reason);

	if (error == -EAGAIN) {
		error = is_given_up(in, file, &over, why);
		if (error)
			return error;
		if (!over) {
			in->counts->unfinished++;
			return 0;
		}
		in->counts->refused++;
		set_aside(in, file, path, reason);
		return forget_one(in, file, why);
	}
	if (error == -EBADMSG) {
		set_aside(in, file, path, reason);
		return 0;
	}
	if (error)
		return site_fail(why, error, "%s", reason ? reason : strerror(-error));
	(void)!place_remove(in->place, path);
	return 0;
}

/* One file. What comes back is the site's own trouble, or the point's: the round ends there. */
static int take_file(struct ingest *in, const char *file, char **why)
{
	auto_free char *path = xasprintf("%s/%s", DROP, file);
	auto_buf struct buf bytes = { 0 };
	ntstatus status = place_read(in->place, path, PAPER_BYTES_MAX, &bytes);
	enum content_problem problem = content_problem_of(status, false);

	if (!status)
		return take_bytes(in, file, path, &bytes, why);
	/* Someone else has it open, or it went away: the next round finds it, or not. */
	if (problem == CONTENT_BUSY || problem == CONTENT_MISSING)
		return 0;
	if (problem == CONTENT_UNREACHABLE || problem == CONTENT_INTERNAL)
		return site_fail(why, -EIO, "%s cannot be read: %s", path, ntstatus_text(status));
	in->counts->refused++;
	set_aside(in, file, path, ntstatus_text(status));
	return 0;
}

static int say_refused(struct ingest *in, char **why)
{
	auto_free char *count = xasprintf("%llu", (unsigned long long)in->refused);
	const struct message message = { .id = MSG_PAPERS_REFUSED,
					 .object = in->point,
					 .strings = { count, in->point, in->first,
						      in->first_why } };

	return !in->refused || message_said_lately(in->site, &message, SAID_EVERY_S)
		       ? 0
		       : message_write(in->site, &message, why);
}

int papers_ingest_from(struct site *site, struct place *place, const char *point,
		       struct ingest_counts *counts, char **why)
{
	struct ingest in = { .site = site, .place = place, .point = point, .counts = counts };
	struct names names = { .list = xalloc(PAPERS_A_ROUND, PAPER_NAME_MAX) };
	ntstatus status = place_list(place, DROP, add_name, &names);
	int error = forget_odd(&in, why), said;

	/* A point that nobody has published to has no drop. */
	if (!error && status && content_problem_of(status, false) != CONTENT_MISSING)
		error = site_fail(why, -EIO, "%s cannot be listed: %s", DROP,
				  ntstatus_text(status));
	for (size_t i = 0; i < names.count && !error; i++)
		error = take_file(&in, names.list[i], why);
	free(names.list);
	said = say_refused(&in, error ? NULL : why);
	free(in.first);
	free(in.first_why);
	return error ? error : said;
}

static int ingest_at(struct site *site, const struct point *point, struct ingest_counts *counts,
		     char **why)
{
	struct place *place auto_place = NULL;
	int error = point_open(site, point, &place, why);

	if (error)
		return error;
	place_set_deadline(place, POINT_MS);
	return papers_ingest_from(site, place, point->path, counts, why);
}

int papers_ingest(struct site *site, struct ingest_counts *counts, char **why)
{
	struct point *points;
	size_t count;
	int error = point_load(site, &points, &count, why), first = 0;

	if (error)
		return error;
	/* A point that is down keeps its papers, and is no reason not to ask the others. */
	for (size_t i = 0; i < count; i++) {
		auto_free char *this_why = NULL;

		error = points[i].is_maintained ? 0
						: ingest_at(site, &points[i], counts, &this_why);
		if (error && !first)
			first = site_fail(why, error, "%s: %s", points[i].path,
					  this_why ? this_why : "it cannot be read");
		point_free(&points[i]);
	}
	free(points);
	return first;
}
