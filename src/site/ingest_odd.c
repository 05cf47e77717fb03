// SPDX-License-Identifier: Apache-2.0
/*
 * Files in a drop that are no paper, or not yet, or cannot be read: they are kept in mind for a
 * while, as this site saw them, so that half a paper is waited for and nothing is waited for
 * without end. How many is bounded for each point and for all. Beyond that
 *   - what has the name of a paper is not given up until others have been, but where a drop is so
 *     full that not all of it can be listed: there it would hide what lies behind it for good;
 *   - what no paper has the name of is given up at once: it never becomes one.
 */
#include "ingest_impl.h"

#define UNFINISHED_S 600   /* a file that is no paper is being written so long at most */
#define ODD_MAX	     10000 /* files of one point that are kept in mind */
#define ODD_ALL_MAX  50000 /* and of all */
#define STRAYS_LEAVE 5000  /* of ODD_MAX, for what has the name of a paper */
#define ODD_KEPT_S   (2 * UNFINISHED_S)

/* A clock that was ahead makes nothing immortal. */
static int forget_old(const struct ingest *in, char **why)
{
	struct query q = query_begin(
		in->site, "DELETE FROM odd_papers WHERE point = ?1 AND (first < ?2 OR first > ?3)");

	query_text(&q, in->point);
	query_number(&q, now_s() - ODD_KEPT_S);
	query_number(&q, now_s() + UNFINISHED_S);
	return query_run(&q, why);
}

int odd_begin(struct ingest *in, char **why)
{
	int error = forget_old(in, why);
	struct query q;

	if (error)
		return error;
	q = query_begin(in->site,
			"SELECT min(?2 - (SELECT count(*) FROM odd_papers WHERE point = ?1),"
			" ?3 - (SELECT count(*) FROM odd_papers))");
	query_text(&q, in->point);
	query_number(&q, ODD_MAX);
	query_number(&q, ODD_ALL_MAX);
	in->room = query_row(&q) ? query_number_at(&q, 0) : 0;
	return query_end(&q, why);
}

/* *@first: since when, where it is *@known. */
static int look_up(const struct ingest *in, const char *file, bool *known, int64_t *first,
		   char **why)
{
	struct query q = query_begin(in->site, "UPDATE odd_papers SET first = min(first, ?3) WHERE"
					       " point = ?1 AND name = ?2 RETURNING first");

	query_text(&q, in->point);
	query_text(&q, file);
	query_number(&q, now_s());
	*known = query_row(&q);
	*first = *known ? query_number_at(&q, 0) : 0;
	return query_end(&q, why);
}

static int keep_in_mind(struct ingest *in, const char *file, char **why)
{
	struct query q = query_begin(
		in->site, "INSERT INTO odd_papers(point, name, first) VALUES(?1, ?2, ?3)");

	query_text(&q, in->point);
	query_text(&q, file);
	query_number(&q, now_s());
	in->room--;
	return query_run(&q, why);
}

int odd_is_given_up(struct ingest *in, const struct dropped *file, bool *over, char **why)
{
	bool known;
	int64_t first;
	int error = look_up(in, file->file, &known, &first, why);

	*over = known && first + UNFINISHED_S < now_s();
	if (error || known)
		return error;
	if (in->room > (file->is_stray ? STRAYS_LEAVE : 0))
		return keep_in_mind(in, file->file, why);
	*over = file->is_stray || in->is_full;
	in->counts->forgotten += !*over;
	return 0;
}

int odd_forget(const struct ingest *in, const char *file, char **why)
{
	struct query q =
		query_begin(in->site, "DELETE FROM odd_papers WHERE point = ?1 AND name = ?2");

	query_text(&q, in->point);
	query_text(&q, file);
	return query_run(&q, why);
}
