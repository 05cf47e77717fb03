// SPDX-License-Identifier: Apache-2.0
/* policy.json to and from JSON. */
#include <policy/policy.h>

#include <policy/deployment.h>

#define TYPE	     "policy"
#define INTERVAL_MIN 1
#define INTERVAL_MAX (7 * 86400)

static bool bad(struct content_failure *why, const char *what)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", what);
}

static void point_free(struct policy_point *p)
{
	free(p->title);
	free(p->url);
	free(p->server);
	free(p->share);
	free(p->path);
	free(p->host);
	for (size_t i = 0; i < p->boundary_count; i++)
		free(p->boundaries[i]);
	free(p->boundaries);
}

void policy_free(struct policy *policy)
{
	free(policy->site);
	json_decref(policy->deployments);
	json_decref(policy->pulls);
	for (size_t i = 0; i < policy->point_count; i++)
		point_free(&policy->points[i]);
	free(policy->points);
	*policy = (struct policy){ 0 };
}

static json_t *point_to_json(const struct policy_point *p)
{
	json_t *boundaries = json_array();

	for (size_t i = 0; i < p->boundary_count; i++)
		json_array_append_new(boundaries, json_string(p->boundaries[i]));
	return json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:i, s:I, s:b, s:b, s:o}", "title",
			 p->title, "url", p->url, "server", p->server, "share", p->share, "path",
			 p->path, "host", p->host, "port", p->port, "priority",
			 (json_int_t)p->priority, "protected", p->is_protected, "reports",
			 p->takes_reports, "boundaries", boundaries);
}

json_t *policy_to_json(const struct policy *policy)
{
	char hash[SHA256_HEX_SIZE];
	json_t *points = json_array(), *out;

	for (size_t i = 0; i < policy->point_count; i++)
		json_array_append_new(points, point_to_json(&policy->points[i]));
	out = json_pack("{s:s, s:s, s:I, s:I, s:I, s:O, s:o}", "_type", TYPE, "site", policy->site,
			"generation", (json_int_t)policy->generation, "issued_s",
			(json_int_t)policy->issued_s, "interval_s", (json_int_t)policy->interval_s,
			"deployments", policy->deployments, "points", points);
	content_hex(hash, policy->clients, SHA256_LENGTH);
	if (out && policy->has_clients)
		json_object_set_new(out, "clients", json_string(hash));
	if (out && json_object_size(policy->pulls))
		json_object_set(out, "pulls", policy->pulls);
	return out;
}

/* A text that may be missing; false: something else is there. */
static bool maybe_text(const json_t *body, const char *name, char **out)
{
	const json_t *field = json_object_get(body, name);
	const char *text = json_string_value(field);

	if (!field)
		return true;
	if (!text || strlen(text) != json_string_length(field) ||
	    strlen(text) > 4 * DEPLOYMENT_TEXT_MAX)
		return false;
	*out = xstrdup(text);
	return true;
}

static bool take_boundaries(const json_t *list, struct policy_point *p)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > POLICY_BOUNDARIES_MAX)
		return false;
	p->boundaries = xalloc(count + 1, sizeof(*p->boundaries));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !boundary_check(text))
			return false;
		p->boundaries[p->boundary_count++] = xstrdup(text);
	}
	return true;
}

static bool url_is_web(const char *url)
{
	return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
}

static bool take_point(const json_t *body, struct policy_point *p)
{
	const json_t *shut = json_object_get(body, "protected"),
		     *reports = json_object_get(body, "reports");
	int64_t port;

	if (!maybe_text(body, "title", &p->title) || !maybe_text(body, "url", &p->url) ||
	    !maybe_text(body, "server", &p->server) || !maybe_text(body, "share", &p->share) ||
	    !maybe_text(body, "path", &p->path) || !maybe_text(body, "host", &p->host) ||
	    !document_int(body, "port", 0, &port, NULL) || port > 65535 ||
	    !document_int(body, "priority", INT64_MIN, &p->priority, NULL) ||
	    !json_is_boolean(shut) || !json_is_boolean(reports) ||
	    !take_boundaries(json_object_get(body, "boundaries"), p))
		return false;
	p->port = (uint16_t)port;
	p->is_protected = json_is_true(shut);
	p->takes_reports = json_is_true(reports);
	if (!p->path)
		p->path = xstrdup("");
	return p->title && (p->url ? url_is_web(p->url) : p->server && p->share);
}

static bool take_points(const json_t *list, struct policy *out)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > POLICY_POINTS_MAX)
		return false;
	out->points = xalloc(count + 1, sizeof(*out->points));
	for (size_t i = 0; i < count; i++) {
		out->point_count++;
		if (!take_point(json_array_get(list, i), &out->points[i]))
			return false;
	}
	return true;
}

/* Names that @is_safe, each with a hash. */
static bool names_hashes(json_t *map, bool (*is_safe)(const char *))
{
	uint8_t hash[SHA256_LENGTH];
	const char *name;
	json_t *value;

	if (!json_is_object(map))
		return false;
	json_object_foreach(map, name, value)
	{
		if (!is_safe(name) || !json_is_string(value) ||
		    !content_unhex(hash, SHA256_LENGTH, json_string_value(value)))
			return false;
	}
	return true;
}

static bool take_deployments(json_t *map, struct policy *out)
{
	if (!names_hashes(map, deployment_id_is_safe))
		return false;
	out->deployments = json_incref(map);
	return true;
}

static bool take_pulls(json_t *map, struct policy *out)
{
	if (map && !names_hashes(map, client_id_is_safe))
		return false;
	out->pulls = json_incref(map);
	return true;
}

bool policy_from_json(const json_t *body, struct policy *out, struct content_failure *why)
{
	const json_t *clients = json_object_get(body, "clients");
	const char *type, *site;

	*out = (struct policy){ 0 };
	if (!document_text(body, "_type", &type, why) || !document_text(body, "site", &site, why) ||
	    !document_int(body, "generation", 1, &out->generation, why) ||
	    !document_int(body, "issued_s", 0, &out->issued_s, why) ||
	    !document_int(body, "interval_s", INTERVAL_MIN, &out->interval_s, why))
		return false;
	out->site = xstrdup(site);
	out->has_clients = clients != NULL;
	if (strcmp(type, TYPE) != 0 || out->interval_s > INTERVAL_MAX ||
	    (clients && (!json_is_string(clients) ||
			 !content_unhex(out->clients, SHA256_LENGTH, json_string_value(clients)))))
		return bad(why, "this is no policy that this program knows");
	if (!take_deployments(json_object_get(body, "deployments"), out))
		return bad(why, "the deployments of the policy are not of the form they must have");
	if (!take_pulls(json_object_get(body, "pulls"), out))
		return bad(why, "the orders of the policy are not of the form they must have");
	return take_points(json_object_get(body, "points"), out) ||
	       bad(why, "a distribution point of the policy is not of the form it must have");
}

static bool hash_of(const json_t *hashes, const char *name, uint8_t hash[SHA256_LENGTH])
{
	const char *hex = json_string_value(json_object_get(hashes, name));

	return hex && content_unhex(hash, SHA256_LENGTH, hex);
}

bool policy_deployment(const struct policy *policy, const char *id, uint8_t hash[SHA256_LENGTH])
{
	return hash_of(policy->deployments, id, hash);
}

bool policy_pull(const struct policy *policy, const char *client, uint8_t hash[SHA256_LENGTH])
{
	return hash_of(policy->pulls, client, hash);
}
