// SPDX-License-Identifier: Apache-2.0
/* Collections: explicit members, members by query, maintenance windows. */
#include "deploy_impl.h"

#include <errno.h>
#include <policy/window.h>

static bool name_is_good(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > DEPLOYMENT_TEXT_MAX || name[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return true;
}

static int64_t number_of(struct site *site, const char *sql)
{
	struct query q = query_begin(site, sql);
	int64_t number = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return number;
}

int collection_add(struct site *site, const char *name, const char *query, const char *comment,
		   char **why)
{
	char wrong[EXPRESSION_WHY];
	struct expression *e auto_expression = query ? expression_parse(query, wrong) : NULL;
	struct query q;

	if (!name_is_good(name))
		return site_fail(why, -EINVAL, "\"%s\" cannot be the name of a collection", name);
	if (query && !e)
		return site_fail(why, -EINVAL, "the query is no expression: %s", wrong);
	if (number_of(site, "SELECT count(*) FROM collections") >= SITE_COLLECTIONS_MAX)
		return site_fail(why, -ENOSPC, "a site has at most %d collections",
				 SITE_COLLECTIONS_MAX);
	q = query_begin(site, "INSERT INTO collections(name, query, comment) VALUES(?1, ?2, ?3)"
			      " ON CONFLICT(name) DO UPDATE SET query = ?2, comment = ?3");
	query_text(&q, name);
	query_text(&q, query);
	query_text(&q, comment ? comment : "");
	return query_run(&q, why);
}

int collection_exists(struct site *site, const char *name, char **why)
{
	struct query q = query_begin(site, "SELECT 1 FROM collections WHERE name = ?1");
	bool found;

	query_text(&q, name);
	found = query_row(&q);
	if (query_end(&q, why))
		return -EIO;
	return found ? 0
		     : site_fail(why, -ENOENT,
				 "there is no collection \"%s\"; berth collection list shows them",
				 name);
}

int collection_remove(struct site *site, const char *name, char **why)
{
	struct query q;
	int error = collection_exists(site, name, why);

	if (error)
		return error;
	q = query_begin(site, "DELETE FROM collections WHERE name = ?1 AND NOT EXISTS"
			      " (SELECT 1 FROM deployments WHERE collection = ?1)");
	query_text(&q, name);
	error = query_run(&q, why);
	if (error || query_changed(site))
		return error;
	return site_fail(why, -EBUSY,
			 "something is deployed to \"%s\"; berth deployment list shows what", name);
}

int collection_member(struct site *site, const char *name, const char *client, bool add, char **why)
{
	auto_free char *id = client_find(site, client, why);
	int error = id ? collection_exists(site, name, why) : -ENOENT;
	struct query q;

	if (error)
		return error;
	q = query_begin(
		site, add ? "INSERT OR IGNORE INTO collection_members(collection, client)"
			    " VALUES(?1, ?2)"
			  : "DELETE FROM collection_members WHERE collection = ?1 AND client = ?2");
	query_text(&q, name);
	query_text(&q, id);
	return query_run(&q, why);
}

int collection_window(struct site *site, const char *name, const char *window, bool add, char **why)
{
	char text[WINDOW_TEXT];
	struct window w;
	struct query q;
	int error = collection_exists(site, name, why);

	if (error)
		return error;
	if (!window_parse(window, &w))
		return site_fail(why, -EINVAL,
				 "\"%s\" is no window such as \"sat,sun 01:00-04:00\" or \"daily "
				 "22:30-02:00 utc\"",
				 window);
	window_text(&w, text);
	q = query_begin(site, add ? "INSERT OR IGNORE INTO collection_windows(collection, window)"
				    " VALUES(?1, ?2)"
				  : "DELETE FROM collection_windows WHERE collection = ?1"
				    " AND window = ?2");
	query_text(&q, name);
	query_text(&q, text);
	return query_run(&q, why);
}

json_t *collection_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site, "SELECT name, query, comment, (SELECT count(*) FROM collection_members m"
		      " WHERE m.collection = c.name) AS members, (SELECT group_concat(window, '; ')"
		      " FROM collection_windows w WHERE w.collection = c.name) AS windows"
		      " FROM collections c ORDER BY name");

	return query_rows(&q, why);
}

static char *query_of(struct site *site, const char *name)
{
	struct query q = query_begin(site, "SELECT query FROM collections WHERE name = ?1");
	char *text = NULL;

	query_text(&q, name);
	if (query_row(&q) && !query_null_at(&q, 0))
		text = xstrdup(query_text_at(&q, 0));
	(void)query_end(&q, NULL);
	return text;
}

/* All approved clients that the query holds for, or that are members by name. */
json_t *collection_clients(struct site *site, const char *name, char **why)
{
	auto_free char *text = query_of(site, name);
	char wrong[EXPRESSION_WHY];
	struct expression *e auto_expression = text ? expression_parse(text, wrong) : NULL;
	struct query q =
		query_begin(site, "SELECT id, facts, EXISTS(SELECT 1 FROM collection_members m"
				  " WHERE m.collection = ?1 AND m.client = c.id) FROM clients c"
				  " WHERE state = 'approved' ORDER BY id");
	json_t *ids = json_array();

	query_text(&q, name);
	while (query_row(&q)) {
		json_t *facts auto_json = e ? json_loads(query_text_at(&q, 1), 0, NULL) : NULL;

		if (query_number_at(&q, 2) || (facts && expression_holds(e, facts)))
			json_array_append_new(ids, json_string(query_text_at(&q, 0)));
	}
	if (!query_end(&q, why))
		return ids;
	json_decref(ids);
	return NULL;
}
