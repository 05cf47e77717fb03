// SPDX-License-Identifier: Apache-2.0
/* Who fills which point from which others, and the orders that come of it. */
#include <site/pull.h>

#include "deploy_impl.h"

#include <errno.h>
#include <policy/pull.h>
#include <site/distribution.h>
#include <strings.h>

static int add_source(struct site *site, const char *point, const char *source, int64_t order,
		      char **why)
{
	struct point p cleanup(point_free) = { 0 };
	struct query q;
	int error = point_find(site, source, &p, why);

	if (error)
		return error;
	if (order >= PULL_SOURCES_MAX)
		return site_fail(why, -EINVAL, "a point is filled from at most %d others",
				 PULL_SOURCES_MAX);
	q = query_begin(site, "INSERT OR IGNORE INTO point_sources(point, source, ord)"
			      " VALUES(?1, ?2, ?3)");
	query_text(&q, point);
	query_text(&q, p.path);
	query_number(&q, order);
	return query_run(&q, why);
}

static int set_sources(struct site *site, const char *point, const char *sources, char **why)
{
	struct query q = query_begin(site, "DELETE FROM point_sources WHERE point = ?1");
	auto_free char *copy = xstrdup(sources);
	char *saved = NULL;
	int64_t order = 0;
	int error;

	query_text(&q, point);
	error = query_run(&q, why);
	for (char *one = strtok_r(copy, ",", &saved); one && !error;
	     one = strtok_r(NULL, ",", &saved))
		error = add_source(site, point, one, order++, why);
	return error;
}

/* Does anything that it is filled from come from itself in the end? */
static int check_circle(struct site *site, const char *point, char **why)
{
	struct query q = query_begin(
		site, "WITH RECURSIVE above(path) AS (SELECT source FROM point_sources"
		      " WHERE point = ?1 UNION SELECT s.source FROM point_sources s JOIN above"
		      " ON s.point = above.path COLLATE NOCASE) SELECT 1 FROM above"
		      " WHERE path = ?1 COLLATE NOCASE");
	bool is_circle;
	int error;

	query_text(&q, point);
	is_circle = query_row(&q);
	error = query_end(&q, why);
	if (error || !is_circle)
		return error;
	return site_fail(why, -EINVAL, "\"%s\" would be filled from itself", point);
}

/* A mover without a source, or the other way round, would wait for ever. */
static int check_both(struct site *site, const char *point, char **why)
{
	struct query q = query_begin(site, "SELECT mover IS NOT NULL, (SELECT count(*) FROM"
					   " point_sources WHERE point = path) > 0 FROM points"
					   " WHERE path = ?1");
	bool good;
	int error;

	query_text(&q, point);
	good = query_row(&q) && query_number_at(&q, 0) && query_number_at(&q, 1);
	error = query_end(&q, why);
	if (error || good)
		return error;
	return site_fail(why, -EINVAL,
			 "a point that is filled from others needs both a mover and at least one "
			 "point to fill it from");
}

static int set_mover(struct site *site, const char *point, const char *mover, char **why)
{
	auto_free char *id = client_find(site, mover, why);
	struct query q;

	if (!id)
		return -ENOENT;
	q = query_begin(site, "UPDATE points SET mover = ?2 WHERE path = ?1");
	query_text(&q, point);
	query_text(&q, id);
	return query_run(&q, why);
}

int pull_set(struct site *site, const char *point, const char *mover, const char *sources,
	     char **why)
{
	int error = site_begin(site, why);

	if (error)
		return error;
	if (mover)
		error = set_mover(site, point, mover, why);
	if (!error && sources)
		error = set_sources(site, point, sources, why);
	if (!error)
		error = check_both(site, point, why);
	if (!error)
		error = check_circle(site, point, why);
	if (!error)
		return site_commit(site, why);
	site_rollback(site);
	return error;
}

int pull_end(struct site *site, const char *point, char **why)
{
	struct query q = query_begin(site, "UPDATE points SET mover = NULL WHERE path = ?1");
	int error;

	query_text(&q, point);
	error = query_run(&q, why);
	if (error)
		return error;
	q = query_begin(site, "DELETE FROM point_sources WHERE point = ?1");
	query_text(&q, point);
	return query_run(&q, why);
}

static bool has_sources(const struct pull_point *p, const json_t *from)
{
	if (json_array_size(from) != p->from_count)
		return false;
	for (size_t i = 0; i < p->from_count; i++)
		if (strcmp(p->from[i], json_string_value(json_array_get(from, i))) != 0)
			return false;
	return true;
}

/* The entry of an order for packages that @path is to get from @sources; a new one where there is
 * none: not every source has every package. NULL: no room. */
static struct pull_point *entry_of(struct pull_order *order, const char *path, const char *sources,
				   const char *rates)
{
	json_t *from auto_json = json_loads(sources, 0, NULL);
	struct pull_point *p;

	for (size_t i = 0; i < order->point_count; i++)
		if (!strcasecmp(order->points[i].to, path) && has_sources(&order->points[i], from))
			return &order->points[i];
	if (order->point_count == PULL_POINTS_MAX)
		return NULL;
	p = &order->points[order->point_count++];
	p->to = xstrdup(path);
	p->rates = *rates ? xstrdup(rates) : NULL;
	p->packages = xalloc(PULL_PACKAGES_MAX, sizeof(*p->packages));
	for (size_t i = 0; i < json_array_size(from) && i < PULL_SOURCES_MAX; i++)
		p->from[p->from_count++] = xstrdup(json_string_value(json_array_get(from, i)));
	return p;
}

/* What one client is to move; @order is empty. */
static int read_order(struct site *site, const char *client, struct pull_order *order, char **why)
{
	static const enum pull_mode modes[] = {
		[DIST_DISTRIBUTE] = PULL_MISSING,
		[DIST_REDISTRIBUTE] = PULL_EVERYTHING,
		[DIST_VALIDATE] = PULL_REPAIR,
	};
	/* From a source that has this version, and is not in maintenance. Where an order has no
	 * room for all, every point gets its most urgent packages. */
	struct query q = query_begin(
		site,
		"SELECT d.point, d.package, k.manifest, d.asked, d.verb, (SELECT"
		" json_group_array(source) FROM (SELECT s.source FROM point_sources s JOIN points"
		" f ON f.path = s.source JOIN distributions x ON x.point = s.source AND x.package ="
		" d.package WHERE s.point = d.point AND NOT f.maintenance AND x.version = k.version"
		" AND x.verb <> 3"
		" ORDER BY s.ord)) AS sources, row_number() OVER (PARTITION BY d.point ORDER BY"
		" d.priority, d.package) AS turn, p.rates FROM distributions d JOIN points p ON "
		"p.path ="
		" d.point JOIN packages k ON k.name = d.package WHERE p.mover = ?1 AND NOT"
		" p.maintenance AND d.state IN (1, 2) AND d.verb <> 3 AND sources <> '[]'"
		" ORDER BY turn, d.point LIMIT ?2");

	order->points = xalloc(PULL_POINTS_MAX, sizeof(*order->points));
	query_text(&q, client);
	query_number(&q, PULL_PACKAGES_MAX);
	while (query_row(&q)) {
		struct pull_point *p = entry_of(order, query_text_at(&q, 0), query_text_at(&q, 5),
						query_text_at(&q, 7));
		struct pull_package *one;

		if (!p)
			continue;
		one = &p->packages[p->package_count++];
		one->package = xstrdup(query_text_at(&q, 1));
		(void)query_blob_at(&q, 2, one->manifest, SHA256_LENGTH);
		one->number = query_number_at(&q, 3);
		one->mode = modes[query_number_at(&q, 4) % 3];
	}
	return query_end(&q, why);
}

static json_t *order_of(struct site *site, const char *client, int *error, char **why)
{
	struct pull_order order auto_pull_order = { 0 };

	*error = read_order(site, client, &order, why);
	return *error || !order.point_count ? NULL : pull_order_to_json(&order);
}

int pull_ordered(struct site *site, const char *point, json_t **wishes, char **why)
{
	struct query q = query_begin(site, "SELECT mover FROM points JOIN clients ON id = mover"
					   " WHERE path = ?1 AND state = 'approved'");
	struct pull_order order auto_pull_order = { 0 };
	auto_free char *mover = NULL;
	int error;

	query_text(&q, point);
	if (query_row(&q))
		mover = xstrdup(query_text_at(&q, 0));
	error = query_end(&q, why);
	*wishes = json_object();
	if (!error && mover)
		error = read_order(site, mover, &order, why);
	for (size_t i = 0; i < order.point_count && !error; i++) {
		const struct pull_point *p = &order.points[i];

		for (size_t k = 0; k < p->package_count && !strcasecmp(p->to, point); k++)
			json_object_set_new(*wishes, p->packages[k].package,
					    json_integer(p->packages[k].number));
	}
	return error;
}

int pull_orders(struct site *site, json_t **orders, char **why)
{
	struct query q = query_begin(site, "SELECT DISTINCT mover FROM points JOIN clients ON"
					   " id = mover WHERE clients.state = 'approved'"
					   " ORDER BY mover");
	json_t *movers auto_json = query_json(&q), *row;
	int error = query_end(&q, why);
	size_t i;

	*orders = json_object();
	json_array_foreach(movers, i, row)
	{
		const char *client = json_string_value(json_object_get(row, "mover"));
		json_t *order = error ? NULL : order_of(site, client, &error, why);

		if (order)
			json_object_set_new(*orders, client, order);
	}
	return error;
}
