// SPDX-License-Identifier: Apache-2.0
/*
 * What Pacemaker says, read: the configuration as cibadmin prints it says what is wanted, crm_mon
 * says what is so. A configuration that makes no sense to us gives fewer servers, or servers with a
 * reason, and never a crash: anyone may edit it.
 */
#include <cluster/crm.h>

#include <base/log.h>

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <strings.h>

#define MAX_SCORE   1000000
#define MAX_PARTS   64
#define MAX_FENCING 10

static void free_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}
#define auto_doc cleanup(free_doc)

static void free_found(xmlXPathObject **found)
{
	xmlXPathFreeObject(*found);
}
#define auto_found cleanup(free_found)

/* All nodes at @path below @from; NULL or empty where there are none. */
static xmlXPathObject *find(xmlNode *from, const char *path)
{
	xmlXPathContext *context = xmlXPathNewContext(from->doc);
	xmlXPathObject *found;

	if (!context)
		return NULL;
	context->node = from;
	found = xmlXPathEvalExpression((const xmlChar *)path, context);
	xmlXPathFreeContext(context);
	return found;
}

static size_t count_of(const xmlXPathObject *found)
{
	return found && found->nodesetval ? (size_t)found->nodesetval->nodeNr : 0;
}

static xmlNode *nth(const xmlXPathObject *found, size_t i)
{
	return found->nodesetval->nodeTab[i];
}

/* The attribute into @out; "" where there is none or it does not fit. */
static const char *attribute(xmlNode *node, const char *name, char *out, size_t size)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)name);

	out[0] = '\0';
	if (value && strlen((char *)value) < size)
		memcpy(out, value, strlen((char *)value) + 1);
	xmlFree(value);
	return out;
}

static bool is_true(xmlNode *node, const char *name)
{
	char text[16];

	return !strcasecmp(attribute(node, name, text, sizeof(text)), "true");
}

static bool is_named(xmlNode *node, const char *name)
{
	return node && !strcmp((const char *)node->name, name);
}

/*
 * The value of the pair @name in the sets called @set ("meta_attributes") of @owner itself; sets
 * that hold only under a rule are left out. NULL where there is none; to be freed.
 */
static char *pair(xmlNode *owner, const char *set, const char *name)
{
	auto_free char *path = xasprintf("./%s[not(rule)]/nvpair[@name='%s']", set, name);
	auto_found xmlXPathObject *found = owner ? find(owner, path) : NULL;
	xmlChar *value;
	char *copy;

	if (!count_of(found))
		return NULL;
	value = xmlGetProp(nth(found, 0), (const xmlChar *)"value");
	copy = value ? xstrdup((char *)value) : NULL;
	xmlFree(value);
	return copy;
}

static bool pair_is(xmlNode *owner, const char *set, const char *name, const char *value)
{
	auto_free char *has = pair(owner, set, name);

	return has && !strcasecmp(has, value);
}

/* ---- what is so: crm_mon */

static void read_nodes(xmlNode *mon, struct crm_view *view)
{
	auto_found xmlXPathObject *found = find(mon, "./nodes/node[@type='member']");

	for (size_t i = 0; i < count_of(found) && view->node_count < CLUSTER_MAX_NODES; i++) {
		struct crm_node *node = &view->nodes[view->node_count];
		xmlNode *at = nth(found, i);
		char id[24];

		attribute(at, "name", node->name, sizeof(node->name));
		if (!cluster_name_ok(node->name))
			continue;
		node->id = (uint32_t)strtoul(attribute(at, "id", id, sizeof(id)), NULL, 10);
		node->is_online = is_true(at, "online") && !is_true(at, "pending");
		node->is_unclean = is_true(at, "unclean");
		node->is_standby = is_true(at, "standby") || is_true(at, "maintenance");
		view->node_count++;
	}
}

/* The version that each node's berthd has told. */
static void read_versions(xmlNode *mon, struct crm_view *view)
{
	for (size_t i = 0; i < view->node_count; i++) {
		struct crm_node *node = &view->nodes[i];
		auto_free char *path = xasprintf("./node_attributes/node[@name='%s']/attribute"
						 "[@name='" CRM_VERSION "']",
						 node->name);
		auto_found xmlXPathObject *found = find(mon, path);

		if (count_of(found))
			attribute(nth(found, 0), "value", node->version, sizeof(node->version));
	}
}

static void read_summary(xmlNode *mon, struct crm_view *view)
{
	auto_found xmlXPathObject *dc = find(mon, "./summary/current_dc");
	auto_found xmlXPathObject *options = find(mon, "./summary/cluster_options");

	view->has_quorum = count_of(dc) && is_true(nth(dc, 0), "with_quorum");
	if (!count_of(options))
		return;
	view->has_fencing = is_true(nth(options, 0), "stonith-enabled");
	view->in_maintenance = is_true(nth(options, 0), "maintenance-mode");
	attribute(nth(options, 0), "no-quorum-policy", view->no_quorum_policy,
		  sizeof(view->no_quorum_policy));
}

static json_t *fence_events(xmlNode *root)
{
	auto_found xmlXPathObject *found = find(root, ".//fence_event");
	json_t *events = json_array();

	for (size_t i = 0; i < count_of(found) && i < MAX_FENCING; i++) {
		static const char *const keys[] = { "target",	 "action", "status",
						    "completed", "origin", "exit-reason" };
		json_t *event = json_object();

		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			char text[256];

			json_object_set_new(
				event, keys[k],
				json_string(attribute(nth(found, i), keys[k], text, sizeof(text))));
		}
		json_array_append_new(events, event);
	}
	return events;
}

/* The element of crm_mon for the resource @id, or NULL. */
static xmlNode *resource_now(xmlNode *mon, const char *id)
{
	auto_free char *path = xasprintf("./resources//resource[@id='%s']", id);
	auto_found xmlXPathObject *found = find(mon, path);

	return count_of(found) ? nth(found, 0) : NULL;
}

static void node_of(xmlNode *resource, char *out, size_t size)
{
	auto_found xmlXPathObject *found = resource ? find(resource, "./node") : NULL;

	out[0] = '\0';
	if (count_of(found))
		attribute(nth(found, 0), "name", out, size);
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
	auto_found xmlXPathObject *found = find(mon, path);
	char latest[64] = "";

	for (size_t i = 0; i < count_of(found); i++) {
		char when[64], node[CLUSTER_MAX_NAME], task[32], what[300], reason[300];

		attribute(nth(found, i), "last-rc-change", when, sizeof(when));
		if (strcmp(when, latest) < 0)
			continue;
		memcpy(latest, when, sizeof(latest));
		attribute(nth(found, i), "node", node, sizeof(node));
		attribute(nth(found, i), "task", task, sizeof(task));
		attribute(nth(found, i), "exitstatus", what, sizeof(what));
		attribute(nth(found, i), "exitreason", reason, sizeof(reason));
		unescape(reason);
		snprintf(out, size, "%s of %s failed on %s: %s", task, id, node,
			 reason[0] ? reason : what);
	}
	return count_of(found) > 0;
}

/* Has the resource @id failed as often on @node as it may there? */
static bool is_exhausted(xmlNode *mon, const char *id, const char *node)
{
	auto_free char *path =
		xasprintf("./node_history/node[@name='%s']/resource_history[@id='%s']", node, id);
	auto_found xmlXPathObject *found = find(mon, path);
	char text[24];
	long failures, most;

	if (!count_of(found))
		return false;
	failures = strtol(attribute(nth(found, 0), "fail-count", text, sizeof(text)), NULL, 10);
	most = strtol(attribute(nth(found, 0), "migration-threshold", text, sizeof(text)), NULL,
		      10);
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
	auto_found xmlXPathObject *found = find(cib, path);

	for (size_t i = 0; i < count_of(found) && r->preferred_count < CLUSTER_MAX_PREFERRED; i++) {
		char text[32], node[CLUSTER_MAX_NAME];
		long score;
		size_t at = r->preferred_count;

		attribute(nth(found, i), "score", text, sizeof(text));
		score = !strcasecmp(text, "INFINITY") ? MAX_SCORE : strtol(text, NULL, 10);
		attribute(nth(found, i), "node", node, sizeof(node));
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
	auto_found xmlXPathObject *found = find(cib, path);
	auto_found xmlXPathObject *rule =
		count_of(found) ? find(nth(found, 0), "./rule/expression[@attribute='#uname']")
				: NULL;

	if (count_of(rule))
		attribute(nth(rule, 0), "value", s->record.target, sizeof(s->record.target));
	else if (count_of(found))
		attribute(nth(found, 0), "node", s->record.target, sizeof(s->record.target));
}

static void number_pair(xmlNode *owner, const char *name, uint32_t *out)
{
	auto_free char *text = pair(owner, "meta_attributes", name);
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
	auto_free char *facts = pair(primitive, "meta_attributes", "berth-facts");
	auto_found xmlXPathObject *defaults = find(cib, "./configuration/rsc_defaults");
	xmlNode *outer = group ? group : primitive;

	r->want_online = true;
	if (count_of(defaults) &&
	    pair_is(nth(defaults, 0), "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	if (pair_is(outer, "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	else if (pair_is(outer, "meta_attributes", "target-role", "Started"))
		r->want_online = true;
	if (pair_is(primitive, "meta_attributes", "target-role", "Stopped"))
		r->want_online = false;
	r->policy = cluster_policy_default();
	number_pair(outer, "migration-threshold", &r->policy.restart_threshold);
	number_pair(outer, "failure-timeout", &r->policy.restart_period_s);
	r->policy.failback = pair_is(outer, "meta_attributes", "resource-stickiness", "0");
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
	auto_free char *device = pair(primitive, "instance_attributes", "device");
	auto_free char *options = pair(primitive, "instance_attributes", "options");

	if (device)
		json_object_set_new(part, "device", json_string(device));
	if (device && options)
		json_object_set_new(part, "options", json_string(options));
}

/* Every resource of the group, in order, with where it stands and why. */
static void read_parts(xmlNode *mon, xmlNode *primitive, xmlNode *group, struct crm_server *s)
{
	auto_found xmlXPathObject *found =
		find(group ? group : primitive, group ? "./primitive" : ".");

	s->parts = json_array();
	for (size_t i = 0; i < count_of(found) && i < MAX_PARTS; i++) {
		char id[CRM_MAX_ID], type[64], role[32] = "unknown", node[CLUSTER_MAX_NAME] = "";
		char why[700] = "";
		xmlNode *now;

		attribute(nth(found, i), "id", id, sizeof(id));
		attribute(nth(found, i), "type", type, sizeof(type));
		now = strchr(id, '\'') ? NULL : resource_now(mon, id);
		if (now) {
			attribute(now, "role", role, sizeof(role));
			node_of(now, node, sizeof(node));
			(void)failure_of(mon, id, why, sizeof(why));
		}
		json_array_append_new(s->parts,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "type", type,
						"role", role, "node", node, "reason", why));
		tell_disk(nth(found, i), json_array_get(s->parts, i));
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
		attribute(now, "role", role, sizeof(role));
		node_of(now, s->owner, sizeof(s->owner));
	}
	if (!strcmp(role, "Started") || !strcmp(role, "Starting")) {
		s->state = !strcmp(role, "Started") ? CLUSTER_ONLINE : CLUSTER_ONLINE_PENDING;
		if (is_true(now, "blocked"))
			s->state = CLUSTER_FAILED;
		else if (is_true(now, "failed")) /* on its way down, and up again somewhere */
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
	xmlNode *group = is_named(primitive->parent, "group") ? primitive->parent : NULL;
	auto_free char *name = pair(primitive, "instance_attributes", "name");
	auto_free char *volume = pair(primitive, "instance_attributes", "volume");

	attribute(primitive, "id", s->resource, sizeof(s->resource));
	attribute(group ? group : primitive, "id", s->group, sizeof(s->group));
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

static void server_free(struct crm_server *s)
{
	server_record_free(&s->record);
	json_decref(s->parts);
}

static void read_servers(xmlNode *mon, xmlNode *cib, struct crm_view *view)
{
	auto_found xmlXPathObject *found =
		find(cib, "./configuration/resources//primitive[@class='ocf' and @provider='berth' "
			  "and @type='fileserver']");
	auto_found xmlXPathObject *clone =
		find(cib, "./configuration/resources/clone[primitive[@provider='berth' and "
			  "@type='node']]");
	size_t count = count_of(found);

	if (count_of(clone)) {
		attribute(nth(clone, 0), "id", view->node_clone, sizeof(view->node_clone));
		view->has_node_clone = view->node_clone[0] != '\0';
	}
	if (count > CLUSTER_MAX_SERVERS)
		count = CLUSTER_MAX_SERVERS;
	view->servers = xalloc(count ? count : 1, sizeof(*view->servers));
	for (size_t i = 0; i < count; i++) {
		struct crm_server *s = &view->servers[view->server_count];

		if (read_server(mon, cib, nth(found, i), view, s))
			view->server_count++;
		else
			memset(s, 0, sizeof(*s));
	}
}

static xmlDoc *parse(const char *text)
{
	return xmlReadMemory(text, (int)strlen(text), "pacemaker", NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

int crm_parse(const char *mon_text, const char *cib_text, struct crm_view *out, char **why)
{
	auto_doc xmlDoc *mon = parse(mon_text);
	auto_doc xmlDoc *cib = parse(cib_text);
	xmlNode *mon_root = mon ? xmlDocGetRootElement(mon) : NULL;
	xmlNode *cib_root = cib ? xmlDocGetRootElement(cib) : NULL;

	memset(out, 0, sizeof(*out));
	if (!is_named(cib_root, "cib") || !mon_root) {
		*why = xasprintf("what Pacemaker says cannot be understood");
		return -EUCLEAN;
	}
	read_summary(mon_root, out);
	read_nodes(mon_root, out);
	read_versions(mon_root, out);
	out->fencing = fence_events(mon_root);
	read_servers(mon_root, cib_root, out);
	return 0;
}

int crm_look(struct crm_view *out, char **why)
{
	auto_free char *mon = NULL, *cib = NULL;
	int error;

	memset(out, 0, sizeof(*out));
	error = CRM(&cib, why, "cibadmin", "--query", "--local");
	if (!error)
		error = CRM(&mon, why, "crm_mon", "--output-as=xml", "-1", "--inactive",
			    "--fence-history=2");
	return error ? error : crm_parse(mon, cib, out, why);
}

json_t *crm_fencing(char **why)
{
	auto_free char *text = NULL;
	auto_doc xmlDoc *doc = NULL;

	if (!CRM(&text, why, "stonith_admin", "--history", "*", "--output-as=xml"))
		doc = parse(text);
	return doc && xmlDocGetRootElement(doc) ? fence_events(xmlDocGetRootElement(doc))
						: json_array();
}

void crm_view_free(struct crm_view *view)
{
	for (size_t i = 0; i < view->server_count; i++)
		server_free(&view->servers[i]);
	free(view->servers);
	json_decref(view->fencing);
	memset(view, 0, sizeof(*view));
}

const struct crm_node *crm_node(const struct crm_view *view, const char *name)
{
	for (size_t i = 0; i < view->node_count; i++) {
		if (!strcasecmp(view->nodes[i].name, name))
			return &view->nodes[i];
	}
	return NULL;
}

bool crm_node_is_gone(const struct crm_view *view, const char *name)
{
	const struct crm_node *node = crm_node(view, name);

	return node && !node->is_online && !node->is_unclean && view->has_quorum;
}

struct crm_server *crm_server(struct crm_view *view, const char *name)
{
	for (size_t i = 0; i < view->server_count; i++) {
		if (!strcasecmp(view->servers[i].record.name, name))
			return &view->servers[i];
	}
	return NULL;
}
