// SPDX-License-Identifier: Apache-2.0
/* Orders to movers, to JSON and from it; and the form of what they report. */
#include <policy/pull.h>

#include <policy/rates.h>
#include <string.h>

#define TYPE "pull"

static const char *const modes[] = { "missing", "everything", "repair" };

static bool bad(struct content_failure *why, const char *what)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", what);
}

static void point_free(struct pull_point *p)
{
	free(p->to);
	free(p->rates);
	for (size_t i = 0; i < p->from_count; i++)
		free(p->from[i]);
	for (size_t i = 0; i < p->package_count; i++)
		free(p->packages[i].package);
	free(p->packages);
}

void pull_order_free(struct pull_order *order)
{
	for (size_t i = 0; i < order->point_count; i++)
		point_free(&order->points[i]);
	free(order->points);
	*order = (struct pull_order){ 0 };
}

static json_t *point_to_json(const struct pull_point *p)
{
	json_t *from = json_array(), *packages = json_array(), *json;

	for (size_t i = 0; i < p->from_count; i++)
		json_array_append_new(from, json_string(p->from[i]));
	for (size_t i = 0; i < p->package_count; i++) {
		const struct pull_package *one = &p->packages[i];
		char hash[SHA256_HEX_SIZE];

		content_hex(hash, one->manifest, SHA256_LENGTH);
		json_array_append_new(packages,
				      json_pack("{s:s, s:s, s:I, s:s}", "package", one->package,
						"manifest", hash, "number", (json_int_t)one->number,
						"mode", modes[one->mode]));
	}
	json = json_pack("{s:s, s:o, s:o}", "to", p->to, "from", from, "packages", packages);
	if (json && p->rates)
		json_object_set_new(json, "rates", json_string(p->rates));
	return json;
}

json_t *pull_order_to_json(const struct pull_order *order)
{
	json_t *points = json_array();

	for (size_t i = 0; i < order->point_count; i++)
		json_array_append_new(points, point_to_json(&order->points[i]));
	return json_pack("{s:s, s:o}", "_type", TYPE, "points", points);
}

/* A text of 1 to @most bytes with no NUL in it. */
static bool is_text(const json_t *field, size_t most)
{
	const char *text = json_string_value(field);

	return text && *text && json_string_length(field) <= most &&
	       strlen(text) == json_string_length(field);
}

static bool is_hash(const json_t *field, uint8_t hash[SHA256_LENGTH])
{
	return is_text(field, SHA256_HEX_SIZE) &&
	       content_unhex(hash, SHA256_LENGTH, json_string_value(field));
}

static bool take_mode(const char *name, enum pull_mode *out)
{
	for (size_t i = 0; name && i < ARRAY_LEN(modes); i++) {
		if (strcmp(name, modes[i]) != 0)
			continue;
		*out = (enum pull_mode)i;
		return true;
	}
	return false;
}

static bool take_package(const json_t *body, struct pull_package *out)
{
	const json_t *package = json_object_get(body, "package");

	if (!is_text(package, PULL_PACKAGE_MAX) ||
	    !is_hash(json_object_get(body, "manifest"), out->manifest) ||
	    !document_int(body, "number", 1, &out->number, NULL) ||
	    !take_mode(json_string_value(json_object_get(body, "mode")), &out->mode))
		return false;
	out->package = xstrdup(json_string_value(package));
	return true;
}

static bool take_sources(const json_t *list, struct pull_point *out)
{
	size_t count = json_array_size(list);

	if (!count || count > PULL_SOURCES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);

		if (!is_text(one, PULL_TITLE_MAX))
			return false;
		out->from[out->from_count++] = xstrdup(json_string_value(one));
	}
	return true;
}

/* Orders of sites that know of no rates have none. What cannot be read is no licence to go as fast
 * as one can. */
static bool take_rates(const json_t *text, struct pull_point *out)
{
	struct rates unused;

	if (!text)
		return true;
	if (!is_text(text, RATES_TEXT_MAX) || !rates_parse(json_string_value(text), &unused))
		return false;
	out->rates = xstrdup(json_string_value(text));
	return true;
}

static bool take_point(const json_t *body, struct pull_point *out)
{
	const json_t *to = json_object_get(body, "to"),
		     *packages = json_object_get(body, "packages");
	size_t count = json_array_size(packages);

	if (!is_text(to, PULL_TITLE_MAX) || !take_sources(json_object_get(body, "from"), out) ||
	    !take_rates(json_object_get(body, "rates"), out) || !json_is_array(packages) ||
	    count > PULL_PACKAGES_MAX)
		return false;
	out->to = xstrdup(json_string_value(to));
	out->packages = xalloc(count + 1, sizeof(*out->packages));
	for (size_t i = 0; i < count; i++) {
		if (!take_package(json_array_get(packages, i), &out->packages[i]))
			return false;
		out->package_count++;
	}
	return true;
}

bool pull_order_from_json(const json_t *body, struct pull_order *out, struct content_failure *why)
{
	const json_t *points = json_object_get(body, "points");
	size_t count = json_array_size(points), packages = 0;
	const char *type;

	*out = (struct pull_order){ 0 };
	if (!document_text(body, "_type", &type, why))
		return false;
	if (strcmp(type, TYPE) != 0 || !json_is_array(points) || count > PULL_POINTS_MAX)
		return bad(why, "this is no order to fill distribution points");
	out->points = xalloc(count + 1, sizeof(*out->points));
	for (size_t i = 0; i < count; i++) {
		out->point_count++;
		if (!take_point(json_array_get(points, i), &out->points[i]))
			return bad(why, "a point of an order is not of the form it must have");
		packages += out->points[i].package_count;
	}
	return packages <= PULL_PACKAGES_MAX || bad(why, "an order names too many packages");
}

bool pull_report_check(const json_t *report)
{
	const json_t *reason = json_object_get(report, "reason");
	const char *state = json_string_value(json_object_get(report, "state"));
	uint8_t hash[SHA256_LENGTH];
	int64_t unused;

	return is_text(json_object_get(report, "to"), PULL_TITLE_MAX) &&
	       is_text(json_object_get(report, "package"), PULL_PACKAGE_MAX) &&
	       is_hash(json_object_get(report, "manifest"), hash) &&
	       document_int(report, "number", 1, &unused, NULL) &&
	       document_int(report, "sent", 0, &unused, NULL) &&
	       document_int(report, "bad", 0, &unused, NULL) &&
	       document_int(report, "time_s", 0, &unused, NULL) && json_is_string(reason) &&
	       json_string_length(reason) <= PULL_REASON_MAX && state &&
	       (!strcmp(state, PULL_DONE) || !strcmp(state, PULL_FAILED));
}
