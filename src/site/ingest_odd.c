// SPDX-License-Identifier: Apache-2.0
/*
 * Files in a drop that are no paper, or not yet: they are kept in mind for a while, as this site
 * saw them, so that half a paper is waited for and nothing is waited for without end. How many is
 * bounded for each point and for all: beyond that none is kept in mind, and so none is given up,
 * until others have been.
 */
#include "ingest_impl.h"

#define UNFINISHED_S 600   /* a file that is no paper is being written so long at most */
#define ODD_MAX	     10000 /* files of one point that are kept in mind */
#define ODD_ALL_MAX  50000 /* and of all */
#define ODD_KEPT_S   (2 * UNFINISHED_S)

/* A clock that was ahead makes nothing immortal. */
int odd_forget_old(const struct ingest *in, char **why)
{
	struct query q = query_begin(
		in->site, "DELETE FROM odd_papers WHERE point = ?1 AND (first < ?2 OR first > ?3)");

	query_text(&q, in->point);
	query_number(&q, now_s() - ODD_KEPT_S);
	query_number(&q, now_s() + UNFINISHED_S);
	return query_run(&q, why);
}

int odd_is_given_up(struct ingest *in, const char *file, bool *over, char **why)
{
	struct query q = query_begin(
		in->site,
		"INSERT INTO odd_papers(point, name, first) SELECT ?1, ?2, ?3 WHERE"
		" ((SELECT count(*) FROM odd_papers WHERE point = ?1) < ?4 AND"
		" (SELECT count(*) FROM odd_papers) < ?5) OR EXISTS(SELECT 1 FROM"
		" odd_papers WHERE point = ?1 AND name = ?2)"
		" ON CONFLICT(point, name) DO UPDATE SET first = min(first, excluded.first)"
		" RETURNING first");
	bool known;

	query_text(&q, in->point);
	query_text(&q, file);
	query_number(&q, now_s());
	query_number(&q, ODD_MAX);
	query_number(&q, ODD_ALL_MAX);
	known = query_row(&q);
	*over = known && query_number_at(&q, 0) + UNFINISHED_S < now_s();
	in->counts->forgotten += !known;
	return query_end(&q, why);
}

int odd_forget(const struct ingest *in, const char *file, char **why)
{
	struct query q =
		query_begin(in->site, "DELETE FROM odd_papers WHERE point = ?1 AND name = ?2");

	query_text(&q, in->point);
	query_text(&q, file);
	return query_run(&q, why);
}
