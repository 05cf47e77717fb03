// SPDX-License-Identifier: Apache-2.0
/* Statements to the site's database: what is bound, what comes back, and what an error means. */
#include "db_impl.h"

#include <errno.h>
#include <store/sqlite_errno.h>

int db_fail(sqlite3 *db, int code, const char *doing, char **why)
{
	return site_fail(why, sqlite_errno(db, code), "%s: %s", doing,
			 db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

struct query query_begin(struct site *site, const char *sql)
{
	struct query q = { .site = site, .next = 1 };
	int code = sqlite3_prepare_v2(site->db, sql, -1, &q.statement, NULL);

	if (code != SQLITE_OK)
		q.error = db_fail(site->db, code, "cannot ask the site's database", &q.why);
	return q;
}

static void bound(struct query *q, int code)
{
	q->next++;
	if (code != SQLITE_OK && !q->error)
		q->error = db_fail(q->site->db, code, "cannot ask the site's database", &q->why);
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
		q->error = db_fail(q->site->db, code, "the site's database refuses", &q->why);
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

json_t *query_rows(struct query *q, char **why)
{
	json_t *rows = query_json(q);

	if (!query_end(q, why))
		return rows;
	json_decref(rows);
	return NULL;
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
