// SPDX-License-Identifier: Apache-2.0
/* What was asked of the site and has not come about: packages at points, the policy, programs. A
 * point in maintenance is left alone on purpose, so nothing of it counts. */
#include "status_impl.h"

#include <site/db.h>

static const struct trouble {
	/* Two numbers: how many, and the second of the sentence; then whether the site warns. */
	const char *sql;
	const char *first, *second; /* what the two are called in JSON; second NULL: not told */
	const char *one, *more;	    /* the sentence for one, and for more of the first */
	const char *see;
} troubles[] = {
	{ "SELECT count(DISTINCT package), 0, coalesce(max(state IN (3, 6) OR tries > 1), 0)"
	  " FROM distributions JOIN points ON path = point"
	  " WHERE state IN (2, 3, 5, 6) AND NOT maintenance",
	  "packages_misplaced", NULL, "package is not where it should be",
	  "packages are not where they should be", "berth package status" },
	{ "SELECT count(*), 0, count(*) > 0 FROM points WHERE reason IS NOT NULL AND NOT"
	  " maintenance",
	  "points_unpublished", NULL, "distribution point could not be given the policy",
	  "distribution points could not be given the policy", "berth site points" },
	{ "SELECT count(DISTINCT c.deployment), count(DISTINCT c.client), 0 FROM deployments d"
	  " JOIN client_deployments c ON c.deployment = d.id AND c.state = 'failed'",
	  "deployments_failed", "clients_failed", "deployment has failed",
	  "deployments have failed", "berth deployment status" },
};

static char *sentence(const struct trouble *t, int64_t first, int64_t second)
{
	const char *what = first == 1 ? t->one : t->more;

	return t->second ? xasprintf("%lld %s on %lld client%s", (long long)first, what,
				     (long long)second, second == 1 ? "" : "s")
			 : xasprintf("%lld %s", (long long)first, what);
}

static enum health put(struct site *site, const struct trouble *t, json_t *work, json_t *list)
{
	struct query q = query_begin(site, t->sql);
	enum health health = HEALTH_UNKNOWN;

	if (query_row(&q)) {
		int64_t first = query_number_at(&q, 0), second = query_number_at(&q, 1);
		auto_free char *text = sentence(t, first, second);

		health = query_number_at(&q, 2) ? HEALTH_WARNING : HEALTH_OK;
		json_object_set_new(work, t->first, json_integer(first));
		if (t->second)
			json_object_set_new(work, t->second, json_integer(second));
		if (first)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "state",
							      health_name(health), "text", text,
							      "see", t->see));
	}
	return query_end(&q, NULL) ? HEALTH_UNKNOWN : health;
}

enum health status_put_work(struct site *site, json_t *status)
{
	json_t *work = json_object(), *list = json_array();
	enum health whole = HEALTH_OK;

	for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
		whole = watch_worse(whole, put(site, &troubles[i], work, list));
	json_object_set_new(status, "work", work);
	json_object_set_new(status, "troubles", list);
	return whole;
}
