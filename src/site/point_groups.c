// SPDX-License-Identifier: Apache-2.0
/*
 * Groups of distribution points: packages are brought to all members, those that join later
 * included, and clients inside a group's boundaries are sent to its members.
 */
#include <site/groups.h>

#include <ctype.h>
#include <errno.h>
#include <policy/policy.h>
#include <site/db.h>
#include <site/distribution.h>
#include <string.h>

static bool name_is_good(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-')
			return false;
	}
	return length && length <= GROUP_NAME_MAX;
}

static bool is_there(struct site *site, const char *name)
{
	struct query q = query_begin(site, "SELECT 1 FROM point_groups WHERE name = ?1");
	bool there;

	query_text(&q, name);
	there = query_row(&q);
	(void)query_end(&q, NULL);
	return there;
}

static int no_group(const char *name, char **why)
{
	return site_fail(why, -ENOENT, "there is no group \"%s\"; berth site groups lists them",
			 name);
}

int group_set(struct site *site, const char *name, const char *boundaries, const bool *is_protected,
	      char **why)
{
	struct query q;
	int error = boundaries ? boundaries_check(boundaries, why) : 0;

	if (error)
		return error;
	if (!name_is_good(name))
		return site_fail(why, -EINVAL,
				 "the name of a group has 1 to %d letters, digits and hyphens",
				 GROUP_NAME_MAX);
	q = query_begin(site, "INSERT INTO point_groups(name, boundaries, is_protected)"
			      " VALUES(?1, coalesce(?2, ''), coalesce(?3, 0))"
			      " ON CONFLICT(name) DO UPDATE SET boundaries = coalesce(?2,"
			      " boundaries), is_protected = coalesce(?3, is_protected)");
	query_text(&q, name);
	query_text(&q, boundaries);
	if (is_protected)
		query_number(&q, *is_protected);
	else
		query_null(&q);
	return query_run(&q, why);
}

int group_remove(struct site *site, const char *name, char **why)
{
	struct query q = query_begin(site, "DELETE FROM point_groups WHERE name = ?1");
	int error;

	query_text(&q, name);
	error = query_run(&q, why);
	return error || query_changed(site) ? error : no_group(name, why);
}

/* What the group has, the new member gets. */
static int ask_for_packages(struct site *site, const char *name, const char *point, char **why)
{
	struct query q = query_begin(site, "SELECT package FROM point_group_packages"
					   " WHERE grp = ?1 ORDER BY package");
	json_t *packages auto_json = NULL;
	json_t *row;
	size_t i;
	int error;

	query_text(&q, name);
	packages = query_json(&q);
	error = query_end(&q, why);
	json_array_foreach(packages, i, row)
	{
		const struct distribution_wish wish = {
			.package = json_string_value(json_object_get(row, "package")),
			.where = point,
			.verb = DIST_DISTRIBUTE,
			.priority = DIST_NORMAL,
		};

		if (!error)
			error = distribution_ask(site, &wish, NULL, why);
	}
	return error;
}

int group_member(struct site *site, const char *name, const char *point, bool add, char **why)
{
	struct point found = { 0 };
	struct query q;
	int error = is_there(site, name) ? 0 : no_group(name, why);

	if (!error)
		error = point_find(site, point, &found, why);
	if (error)
		return error;
	q = query_begin(site,
			add ? "INSERT OR IGNORE INTO point_group_members(grp, point)"
			      " SELECT name, ?2 FROM point_groups WHERE name = ?1"
			    : "DELETE FROM point_group_members WHERE grp = ?1 AND point = ?2");
	query_text(&q, name);
	query_text(&q, found.path);
	error = query_run(&q, why);
	if (!error && add)
		error = ask_for_packages(site, name, found.path, why);
	point_free(&found);
	return error;
}

bool group_has(struct site *site, const char *name, const char *point)
{
	struct query q = query_begin(site, "SELECT 1 FROM point_group_members WHERE grp = ?1"
					   " AND point = ?2");
	bool has;

	query_text(&q, name);
	query_text(&q, point);
	has = query_row(&q);
	(void)query_end(&q, NULL);
	return has;
}

int group_note_package(struct site *site, const char *name, const char *package, bool has,
		       char **why)
{
	struct query q;

	if (!is_there(site, name))
		return no_group(name, why);
	q = query_begin(site, has ? "INSERT OR IGNORE INTO point_group_packages(grp, package)"
				    " SELECT name, ?2 FROM point_groups WHERE name = ?1"
				  : "DELETE FROM point_group_packages WHERE grp = ?1"
				    " AND package = ?2");
	query_text(&q, name);
	query_text(&q, package);
	return query_run(&q, why);
}

int point_join_boundaries(struct site *site, struct point *point, char **why)
{
	struct query q = query_begin(site, "SELECT boundaries, is_protected FROM point_groups"
					   " JOIN point_group_members ON grp = name"
					   " WHERE point = ?1 ORDER BY name");

	query_text(&q, point->path);
	while (query_row(&q)) {
		const char *more = query_text_at(&q, 0);
		char *joined = xasprintf("%s%s%s", point->boundaries,
					 *point->boundaries && *more ? "," : "", more);

		free(point->boundaries);
		point->boundaries = joined;
		point->is_protected = point->is_protected || query_number_at(&q, 1);
	}
	return query_end(&q, why);
}

json_t *group_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site, "SELECT name, boundaries, is_protected, (SELECT json_group_array(point) FROM"
		      " (SELECT point FROM point_group_members WHERE grp = name ORDER BY point)) AS"
		      " points_json, (SELECT json_group_array(package) FROM (SELECT package FROM"
		      " point_group_packages WHERE grp = name ORDER BY package)) AS packages_json"
		      " FROM point_groups ORDER BY name");

	return query_rows(&q, why);
}
