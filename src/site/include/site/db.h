// SPDX-License-Identifier: Apache-2.0
/*
 * Statements on a site's database, for the files of this room. A query is begun, given its values
 * in order, stepped, and ended; the first thing that fails is kept, and what follows does nothing:
 *
 *	struct query q = query_begin(site, "SELECT name FROM systems WHERE role = ?1");
 *	query_text(&q, role);
 *	while (query_row(&q))
 *		... query_text_at(&q, 0) ...
 *	return query_end(&q, why);
 *
 * The schema and its steps are in schema.c.
 */
#ifndef SITE_DB_H
#define SITE_DB_H

#include <site/site.h>
#include <sqlite3.h>

struct query {
	struct site *site;
	sqlite3_stmt *statement;
	int next;  /* the place of the next value */
	int error; /* 0 or -errno */
	char *why;
};
struct query query_begin(struct site *site, const char *sql);
void query_text(struct query *q, const char *text); /* NULL: NULL; copied */
void query_number(struct query *q, int64_t number);
void query_real(struct query *q, double number);
void query_blob(struct query *q, const void *data, size_t length);
void query_null(struct query *q);
/* query_row - step; true where there is a row. */
bool query_row(struct query *q);
/* Columns of the row, from 0; texts live until the next step. NULL reads as "", 0. */
const char *query_text_at(const struct query *q, int column);
int64_t query_number_at(const struct query *q, int column);
double query_real_at(const struct query *q, int column);
bool query_null_at(const struct query *q, int column);
size_t query_blob_at(const struct query *q, int column, void *out, size_t room);
/* query_json - all rows that are left, as an array of objects with the columns' names; a column
 * whose name begins with "is_" is a boolean, one that ends in "_json" is JSON text. */
json_t *query_json(struct query *q);
/* query_rows - the same, and query_end: NULL where it failed. */
json_t *query_rows(struct query *q, char **why);
/* query_end - 0 or the first error, with its sentence in *why (may be NULL). */
int query_end(struct query *q, char **why);
/* query_run - step what gives no rows, and end. */
int query_run(struct query *q, char **why);
/* query_changed - how many rows the last statement of @site changed. */
int query_changed(const struct site *site);
int64_t query_last_id(const struct site *site);

/* A transaction; they do not nest. site_commit after an error is the caller's mistake: it calls
 * site_rollback. */
int site_begin(struct site *site, char **why) MUST_CHECK;
int site_commit(struct site *site, char **why) MUST_CHECK;
void site_rollback(struct site *site);
/* A part of a transaction that can be undone alone; they do not nest. Where the disk is full or
 * cannot be written, SQLite may have ended the whole transaction, and these fail. */
int site_step_begin(struct site *site, char **why) MUST_CHECK;
int site_step_keep(struct site *site, char **why) MUST_CHECK;
int site_step_undo(struct site *site, char **why) MUST_CHECK;
/* site_version - changes when another connection has written. */
int64_t site_version(struct site *site);

/* site_fail - put the sentence into *why (which may be NULL) and give @error back. */
int site_fail(char **why, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* now_s - the clock, in seconds since 1970: what every time in the database is. */
int64_t now_s(void);

#endif
