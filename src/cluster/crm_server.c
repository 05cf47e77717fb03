// SPDX-License-Identifier: Apache-2.0
/*
 * The file servers among Pacemaker's resources: what is wanted of each, where its parts stand, and
 * why it is not online. A configuration that makes no sense to us gives fewer servers, or servers
 * with a reason, and never a crash: anyone may edit it.
 */
#include "crm_xml.h"

#include <base/log.h>

#include <stdio.h>
#include <strings.h>

#define MAX_SCORE 1000000
#define MAX_PARTS 64

/* The element of crm_mon for the resource @id, or NULL. */
static xmlNode *resource_now(xmlNode *mon, const char *id)
{
	auto_free char *path = xasprintf("./resources//resource[@id='%s']", id);
	auto_found xmlXPathObject *found = xml_find(mon, path);

	return xml_count(found) ? xml_nth(found, 0) : NULL;
}

static void node_of(xmlNode *resource, char *out, size_t size)
{
	auto_found xmlXPathObject *found = resource ? xml_find(resource, "./node") : NULL;

	out[0] = '\0';
	if (xml_count(found))
		xml_attribute(xml_nth(found, 0), "name", out, size);
}

/* What an agent said comes with the five entities of XML written out once more. */
static void unescape(char *text)
{
	static const struct {
		const char *entity;
		char plain;
	} known[] = { { "&apos;", '\'' },
		      { "&quot;", '"' },
		      { "&lt;", '<' },
		      { "&gt;", '>' },
		      { "&amp;", '&' } };
	char *to = text;

	for (const char *from = text; *from; to++) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) &&
		       strncmp(from, known[i].entity, strlen(known[i].entity)) != 0)
			i++;
		*to = i < ARRAY_LEN(known) ? known[i].plain : *from;
		from += i < ARRAY_LEN(known) ? strlen(known[i].entity) : 1;
	}
	*to = '\0';
}

/* The most recent failure of the resource @id as a sentence; false where there is none. */
static bool failure_of(xmlNode *mon, const char *id, char *out, size_t size)
{
	auto_free char *path = xasprintf("./failures/failure[starts-with(@op_key,'%s_')]", id);
	auto_found xmlXPathObject *found = xml_find(mon, path);
	char latest[64] = "";

	for (size_t i = 0; i < xml_count(found); i++) {
		char when[64], node[CLUSTER_MAX_NAME], task[32], what[300], reason[300];

		xml_attribute(xml_nth(found, i), "last-rc-change", when, sizeof(when));
		if (strcmp(when, latest) < 0)
			continue;
		memcpy(latest, when, sizeof(latest));
		xml_attribute(xml_nth(found, i), "node", node, sizeof(node));
		xml_attribute(xml_nth(found, i), "task", task, sizeof(task));
		xml_attribute(xml_nth(found, i), "exitstatus", what, sizeof(what));
		xml_attribute(xml_nth(found, i), "exitreason", reason, sizeof(reason));
		unescape(reason);
		snprintf(out, size, "%s of %s failed on %s: %s", task, id, node,
			 reason[0] ? reason : what);
	}
	return xml_count(found) > 0;
}

/* Has the resource @id failed as often on @node as it may there? */
static bool is_exhausted(xmlNode *mon, const char *id, const char *node)
{
	auto_free char *path =
		xasprintf("./node_history/node[@name='%s']/resource_history[@id='%s']", node, id);
	auto_found xmlXPathObject *found = xml_find(mon, path);
	char text[24];
	long failures, most;

	if (!xml_count(found))
		return false;
	failures = strtol(xml_attribute(xml_nth(found, 0), "fail-count", text, sizeof(text)), NULL,
			  10);
	most = strtol(xml_attribute(xml_nth(found, 0), "migration-threshold", text, sizeof(text)),
		      NULL, 10);
	return failures >= MAX_SCORE || (most > 0 && failures >= most);
}

/* ---- what is wanted: the configuration */

static void read_preferred(xmlNode *cib, struct crm_server *s)
{
	struct server_record *r = &s->record;
	long scores[CLUSTER_MAX_PREFERRED];
	auto_free char *path =
		xasprintf("./configuration/constraints/rsc_location[(@rsc='%s' or @rsc='%s') and "
			  "@node and @score and not(starts-with(@id,'cli-'))]",
			  s->group, s->resource);
	auto_found xmlXPathObject *found = xml_find(cib, path);

	for (size_t i = 0; i < xml_count(found) && r->preferred_count < CLUSTER_MAX_PREFERRED;
	     i++) {
		char text[32], node[CLUSTER_MAX_NAME];
		long score;
		size_t at = r->preferred_count;

		xml_attribute(xml_nth(found, i), "score", text, sizeof(text));
		score = !strcasecmp(text, "INFINITY") ? MAX_SCORE : strtol(text, NULL, 10);
		xml_attribute(xml_nth(found, i), "node", node, sizeof(node));
		if (score <= 0 || !cluster_name_ok(node))
			continue;
		for (; at > 0 && scores[at - 1] < score; at--) {
			scores[at] = scores[at - 1];
			memcpy(r->preferred[at], r->preferred[at - 1], CLUSTER_MAX_NAME);
		}
		scores[at] = score;
		memcpy(r->preferred[at], node, sizeof(node));
		r->preferred_count++;
	}
}

static void read_target(xmlNode *cib, struct crm_server *s)
{
	auto_free char *path =
		xasprintf("./configuration/constraints/rsc_location[@id='cli-prefer-%s' or "
			  "@id='cli-prefer-%s']",
			  s->group, s->resource);
	auto_found xmlXPathObject *found = xml_find(cib, path);
	auto_found xmlXPathObject *rule =
		xml_count(found)
			? xml_find(xml_nth(found, 0), "./rule/expression[@attribute='#uname']")
			: NULL;

	if (xml_count(rule))
		xml_attribute(xml_nth(rule, 0), "value", s->record.target,
			      sizeof(s->record.target));
	else if (xml_count(found))
		xml_attribute(xml_nth(found, 0), "node", s->record.target,
			      sizeof(s->record.target));
}

static void number_pair(xmlNode *owner, const char *name, uint32_t *out)
{
	auto_free char *text = xml_pair(owner, "meta_attributes", name);
	char *end;
	unsigned long number;

	if (!text)
		return;
	number = strtoul(text, &end, 10);
	if (end != text && number <= UINT32_MAX)
		*out = (uint32_t)number;
}

static void read_record(xmlNode *cib, xmlNode *primitive, xmlNode *group, struct crm_server *s)
{
	struct server_record *r = &s->record;
	auto_free char *facts = xml_pair(primitive, "meta_attributes", "berth-facts");
	auto_found xmlXPathObject *defaults = xml_find(cib, "./configuration/rsc_defaults");
	xmlNode *outer = group ? group : primitive;
	uint32_t failures = 0;

	r->want_online = true;
	if (xml_count(defaults) &&
	    xml_pair_is(xml_nth(defaults, 0), "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	if (xml_pair_is(outer, "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	else if (xml_pair_is(outer, "meta_attributes", "target-role", "Started"))
		r->want_online = true;
	if (xml_pair_is(primitive, "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	r->policy = cluster_policy_default();
	number_pair(outer, "migration-threshold", &failures);
	if (failures) /* 0: no limit, which we have no word for */
		r->policy.restart_threshold = failures - 1;
	number_pair(outer, "failure-timeout", &r->policy.restart_period_s);
	r->policy.failback = xml_pair_is(outer, "meta_attributes", "resource-stickiness", "0");
	r->facts = facts ? json_loads(facts, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!json_is_object(r->facts)) {
		json_decref(r->facts);
		r->facts = json_object();
	}
	read_preferred(cib, s);
	read_target(cib, s);
}

/* Of a disk, what it is and how it is mounted. */
static void tell_disk(xmlNode *primitive, json_t *part)
{
	auto_free char *device = xml_pair(primitive, "instance_attributes", "device");
	auto_free char *options = xml_pair(primitive, "instance_attributes", "options");

	if (device)
		json_object_set_new(part, "device", json_string(device));
	if (device && options)
		json_object_set_new(part, "options", json_string(options));
}

/* Every resource of the group, in order, with where it stands and why. */
static void read_parts(xmlNode *mon, xmlNode *primitive, xmlNode *group, struct crm_server *s)
{
	auto_found xmlXPathObject *found =
		xml_find(group ? group : primitive, group ? "./primitive" : ".");

	s->parts = json_array();
	for (size_t i = 0; i < xml_count(found) && i < MAX_PARTS; i++) {
		char id[CRM_MAX_ID], type[64], role[32] = "unknown", node[CLUSTER_MAX_NAME] = "";
		char why[700] = "";
		xmlNode *now;

		xml_attribute(xml_nth(found, i), "id", id, sizeof(id));
		xml_attribute(xml_nth(found, i), "type", type, sizeof(type));
		now = strchr(id, '\'') ? NULL : resource_now(mon, id);
		if (now) {
			xml_attribute(now, "role", role, sizeof(role));
			node_of(now, node, sizeof(node));
			(void)failure_of(mon, id, why, sizeof(why));
		}
		json_array_append_new(s->parts,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "type", type,
						"role", role, "node", node, "reason", why));
		tell_disk(xml_nth(found, i), json_array_get(s->parts, i));
		if (why[0] && !s->reason[0])
			snprintf(s->reason, sizeof(s->reason), "%.500s", why);
	}
}

/* Has it failed on every node that could have it? */
static bool failed_everywhere(xmlNode *mon, const struct crm_view *view, const struct crm_server *s)
{
	bool any = false;

	for (size_t n = 0; n < view->node_count; n++) {
		const json_t *part;
		bool exhausted = false;
		size_t i;

		if (!view->nodes[n].is_online || view->nodes[n].is_standby)
			continue;
		json_array_foreach(s->parts, i, part)
		{
			const char *id = json_string_value(json_object_get(part, "id"));

			exhausted |=
				!strchr(id, '\'') && is_exhausted(mon, id, view->nodes[n].name);
		}
		if (!exhausted)
			return false;
		any = true;
	}
	return any;
}

/* Is a part of it still somewhere? */
static bool any_active(const struct crm_server *s)
{
	const json_t *part;
	size_t i;

	json_array_foreach(s->parts, i, part)
	{
		if (json_string_length(json_object_get(part, "node")))
			return true;
	}
	return false;
}

static bool is_up(const struct crm_view *view, const char *name)
{
	const struct crm_node *node = crm_node(view, name);

	return node && node->is_online;
}

static void judge(xmlNode *mon, const struct crm_view *view, struct crm_server *s)
{
	xmlNode *now = resource_now(mon, s->resource);
	char role[32] = "";

	if (now) {
		xml_attribute(now, "role", role, sizeof(role));
		node_of(now, s->owner, sizeof(s->owner));
	}
	if (!strcmp(role, "Started") || !strcmp(role, "Starting")) {
		s->state = !strcmp(role, "Started") ? CLUSTER_ONLINE : CLUSTER_ONLINE_PENDING;
		if (xml_is_true(now, "blocked"))
			s->state = CLUSTER_FAILED;
		else if (xml_is_true(now, "failed")) /* on its way down, and up again somewhere */
			s->state = CLUSTER_ONLINE_PENDING;
	} else if (!strcmp(role, "Stopping")) {
		s->state = CLUSTER_OFFLINE_PENDING;
	} else if (!s->record.want_online) {
		s->state = any_active(s) ? CLUSTER_OFFLINE_PENDING : CLUSTER_OFFLINE;
	} else if (failed_everywhere(mon, view, s)) {
		s->state = CLUSTER_FAILED;
	} else {
		s->state = CLUSTER_STANDBY;
	}
	if (s->owner[0] && !is_up(view, s->owner)) {
		s->state = CLUSTER_STANDBY;
		snprintf(s->reason, sizeof(s->reason),
			 "its owner %s is lost, and not known to be off: nobody takes over before "
			 "it has been fenced",
			 s->owner);
		s->owner[0] = '\0';
		return;
	}
	if (s->state == CLUSTER_STANDBY && !view->has_quorum)
		snprintf(s->reason, sizeof(s->reason),
			 "this side of the cluster has no quorum: nothing is started");
	if (s->state == CLUSTER_ONLINE || s->state == CLUSTER_OFFLINE)
		s->reason[0] = '\0';
	if (view->in_maintenance && !s->reason[0])
		snprintf(s->reason, sizeof(s->reason),
			 "the cluster is in maintenance mode: nothing is started, stopped or "
			 "watched");
}

static bool read_server(xmlNode *mon, xmlNode *cib, xmlNode *primitive, const struct crm_view *view,
			struct crm_server *s)
{
	xmlNode *group = xml_is_named(primitive->parent, "group") ? primitive->parent : NULL;
	auto_free char *name = xml_pair(primitive, "instance_attributes", "name");
	auto_free char *volume = xml_pair(primitive, "instance_attributes", "volume");

	xml_attribute(primitive, "id", s->resource, sizeof(s->resource));
	xml_attribute(group ? group : primitive, "id", s->group, sizeof(s->group));
	/* An id is an XML name; what could end a quoted text in a path is not one. */
	if (!s->resource[0] || !s->group[0] || strchr(s->resource, '\'') || strchr(s->group, '\''))
		return false;
	if (!name || !cluster_name_ok(name)) {
		log_warn("resource without a usable name id=%s", LOG_TEXT(s->resource));
		return false;
	}
	memcpy(s->record.name, name, strlen(name) + 1);
	if (volume && strlen(volume) < sizeof(s->record.volume))
		memcpy(s->record.volume, volume, strlen(volume) + 1);
	read_record(cib, primitive, group, s);
	read_parts(mon, primitive, group, s);
	judge(mon, view, s);
	if (s->record.volume[0] != '/')
		snprintf(
			s->reason, sizeof(s->reason),
			"the resource %s has no volume: crm_resource --resource %s --set-parameter "
			"volume --parameter-value DIR",
			s->resource, s->resource);
	return true;
}

void crm_server_free(struct crm_server *s)
{
	server_record_free(&s->record);
	json_decref(s->parts);
}

void crm_read_servers(xmlNode *mon, xmlNode *cib, struct crm_view *view)
{
	auto_found xmlXPathObject *found = xml_find(
		cib, "./configuration/resources//primitive[@class='ocf' and @provider='berth' "
		     "and @type='fileserver']");
	auto_found xmlXPathObject *clone =
		xml_find(cib, "./configuration/resources/clone[primitive[@provider='berth' and "
			      "@type='node']]");
	size_t count = xml_count(found);

	if (xml_count(clone)) {
		xml_attribute(xml_nth(clone, 0), "id", view->node_clone, sizeof(view->node_clone));
		view->has_node_clone = view->node_clone[0] != '\0';
	}
	if (count > CLUSTER_MAX_SERVERS)
		count = CLUSTER_MAX_SERVERS;
	view->servers = xalloc(count ? count : 1, sizeof(*view->servers));
	for (size_t i = 0; i < count; i++) {
		struct crm_server *s = &view->servers[view->server_count];

		if (read_server(mon, cib, xml_nth(found, i), view, s))
			view->server_count++;
		else
			memset(s, 0, sizeof(*s));
	}
}
