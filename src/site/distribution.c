// SPDX-License-Identifier: Apache-2.0
/* What is wished to be where: the rows of the state machine, its moves, its listing. */
#include <site/distribution.h>

#include <errno.h>
#include <site/db.h>
#include <site/groups.h>
#include <policy/rates.h>
#include <strings.h>

#include "distribution_impl.h"

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

static int ask_one(struct site *site, const struct distribution_wish *wish, const char *point,
		   char **why)
{
	struct query q = query_begin(site, "UPDATE policy_state SET last_asked = last_asked + 1");
	int error = query_run(&q, why);

	if (error)
		return error;
	q = query_begin(
		site,
		"INSERT INTO distributions(package, point, verb, state, version, tries, next,"
		" bytes, changed, priority, asked, asked_s) SELECT ?1, ?2, ?3, ?4, 0, 0, 0, 0,"
		" ?5, ?6, last_asked, ?5 FROM policy_state WHERE true"
		" ON CONFLICT(package, point) DO UPDATE SET verb = ?3, state = ?4, tries = 0,"
		" next = 0, changed = ?5, priority = ?6, done = 0, total = 0,"
		" asked = excluded.asked, asked_s = ?5");

	query_text(&q, wish->package);
	query_text(&q, point);
	query_number(&q, wish->verb);
	query_number(&q, wish->verb == DIST_REMOVE ? DIST_REMOVAL_PENDING : DIST_INSTALL_PENDING);
	query_number(&q, now_s());
	query_number(&q, wish->priority);
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

static bool is_wanted(struct site *site, const struct distribution_wish *wish, const char *point)
{
	bool there = wish->verb == DIST_DISTRIBUTE || is_there(site, wish->package, point);

	if (!wish->where)
		return there;
	if (wish->where[0] == '\\')
		return !strcasecmp(point, wish->where);
	return there && group_has(site, wish->where, point);
}

static int nowhere(const char *where, char **why)
{
	return where && where[0] == '\\'
		       ? site_fail(why, -ENOENT,
				   "there is no distribution point \"%s\"; berth site points lists "
				   "them",
				   where)
		       : site_fail(why, -ENOENT, "there is no distribution point that this is for");
}

int distribution_ask(struct site *site, const struct distribution_wish *wish, json_t *asked,
		     char **why)
{
	struct package p auto_package = { 0 };
	struct point *points = NULL;
	size_t count = 0, wanted = 0;
	int error = package_find(site, wish->package, &p, why);

	if (!error && wish->where && wish->where[0] != '\\' && wish->verb != DIST_VALIDATE)
		error = group_note_package(site, wish->where, wish->package,
					   wish->verb != DIST_REMOVE, why);
	if (!error)
		error = point_load(site, &points, &count, why);
	for (size_t i = 0; i < count; i++) {
		if (!error && is_wanted(site, wish, points[i].path)) {
			error = ask_one(site, wish, points[i].path, why);
			wanted++;
			json_array_append_new(asked, json_string(points[i].path));
		}
		point_free(&points[i]);
	}
	free(points);
	return error || wanted ? error : nowhere(wish->where, why);
}

int distribution_hurry(struct site *site, const char *point, char **why)
{
	struct query q = query_begin(
		site, "UPDATE distributions SET next = 0 WHERE point = ?1 AND state IN (2, 5)");

	query_text(&q, point);
	return query_run(&q, why);
}

/* Why what is pending is not begun: nothing of it is told where it is begun. */
static void put_waits(json_t *row)
{
	int64_t state = json_integer_value(json_object_get(row, "state_number"));
	bool is_ordered = json_is_true(json_object_get(row, "is_ordered"));
	bool is_at_source = json_is_true(json_object_get(row, "is_at_source"));
	struct rates rates;

	if (state == DIST_INSTALLED || state == DIST_INSTALL_FAILED || state == DIST_REMOVAL_FAILED)
		return;
	/* Removal is the site's own work. */
	if (state == DIST_INSTALL_PENDING && json_is_string(json_object_get(row, "mover")))
		json_object_set_new(row, "waits",
				    json_string(is_ordered     ? "mover"
						: is_at_source ? "order"
							       : "source"));
	if (json_is_true(json_object_get(row, "is_in_maintenance")))
		json_object_set_new(row, "waits", json_string("maintenance"));
	else if (rates_parse(json_string_value(json_object_get(row, "rates")), &rates) &&
		 !rates_now(&rates, now_s()))
		json_object_set_new(row, "waits", json_string("hours"));
}

json_t *distribution_list(struct site *site, const char *package, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT package, point, state AS state_number, version, (SELECT version FROM"
		" packages p WHERE p.name = package) AS current, tries, nullif(next, 0) AS next,"
		" bytes AS bytes_sent, done AS bytes_done, total AS bytes_total, d.reason, changed,"
		" maintenance AS is_in_maintenance, rates, d.priority, (SELECT c.name FROM"
		" clients c WHERE c.id = mover) AS mover, ordered = asked AS is_ordered,"
		" mover IS NOT NULL AND EXISTS (SELECT 1 FROM " SOURCES_THAT_HAVE_IT
		") AS is_at_source"
		" FROM distributions d"
		" JOIN points ON path = point"
		" WHERE ?1 IS NULL OR package = ?1 ORDER BY package, point");
	json_t *rows, *row;
	size_t i;

	query_text(&q, package);
	rows = query_rows(&q, why);
	if (!rows)
		return NULL;
	json_array_foreach(rows, i, row)
	{
		int64_t state = json_integer_value(json_object_get(row, "state_number"));

		put_waits(row);
		json_object_set_new(
			row, "state",
			json_string(distribution_state_name((enum distribution_state)state)));
	}
	return rows;
}

json_t *distribution_misses(struct site *site, const char *package, char **why)
{
	struct query q = query_begin(
		site, "SELECT id, purpose, collection FROM deployments WHERE package = ?1"
		      " AND (expires = 0 OR expires > ?2) AND NOT EXISTS (SELECT 1 FROM"
		      " distributions d WHERE d.package = ?1 AND d.verb <> ?3)"
		      " ORDER BY created, id");

	query_text(&q, package);
	query_number(&q, now_s());
	query_number(&q, DIST_REMOVE);
	return query_rows(&q, why);
}
