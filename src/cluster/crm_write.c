// SPDX-License-Identifier: Apache-2.0
/*
 * What is written into Pacemaker's configuration for a file server: one group of what a Windows
 * administrator knows (disk, addresses, file server), and constraints, in one transaction.
 *
 * What Windows calls it -> what Pacemaker calls it:
 *   preferred owners        rsc_location of the group, 50 for the first, less for each further one
 *   RestartThreshold        migration-threshold, which is one more: failures, not restarts
 *   RestartPeriod           failure-timeout
 *   failback                resource-stickiness 0 (inside the window: under a rule on the hour)
 *   PersistentState         target-role
 *   AntiAffinityClassNames  rsc_colocation of the groups, negative
 */
#include <cluster/crm.h>

#include <base/log.h>

#include <errno.h>
#include <libxml/tree.h>
#include <mntent.h>
#include <stdio.h>
#include <strings.h>

#define PREFER_FIRST                                                                               \
	50 /* less than the stickiness of 100: a preference does not move what runs                \
	    */

/* Stronger than a preference, so that it decides where one goes; weaker than the stickiness, so
 * that it moves nothing that runs. With nowhere else to go, they share a node. */
#define APART "-75"

static xmlNode *child(xmlNode *parent, const char *name, const char *id)
{
	xmlNode *node = xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);

	if (id)
		xmlNewProp(node, (const xmlChar *)"id", (const xmlChar *)id);
	return node;
}

static void set(xmlNode *node, const char *name, const char *value)
{
	xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value);
}

static void pair(xmlNode *parent, const char *name, const char *value)
{
	xmlChar *owner = xmlGetProp(parent, (const xmlChar *)"id");
	auto_free char *id = xasprintf("%s-%s", (char *)owner, name);
	xmlNode *node = child(parent, "nvpair", id);

	xmlFree(owner);
	set(node, "name", name);
	set(node, "value", value);
}

static xmlNode *pairs(xmlNode *parent, const char *kind, const char *suffix)
{
	xmlChar *owner = xmlGetProp(parent, (const xmlChar *)"id");
	auto_free char *id = xasprintf("%s-%s", (char *)owner, suffix);

	xmlFree(owner);
	return child(parent, kind, id);
}

static xmlNode *primitive(xmlNode *group, const char *id, const char *provider, const char *type)
{
	xmlNode *node = child(group, "primitive", id);

	set(node, "class", "ocf");
	set(node, "provider", provider);
	set(node, "type", type);
	return node;
}

struct op {
	const char *name, *interval, *timeout, *level;
};

static void operations(xmlNode *primitive_node, const struct op *ops, size_t count)
{
	xmlNode *list = xmlNewChild(primitive_node, NULL, (const xmlChar *)"operations", NULL);
	xmlChar *owner = xmlGetProp(primitive_node, (const xmlChar *)"id");

	for (size_t i = 0; i < count; i++) {
		auto_free char *id =
			xasprintf("%s-%s-%s", (char *)owner, ops[i].name, ops[i].interval);
		xmlNode *op = child(list, "op", id);

		set(op, "name", ops[i].name);
		set(op, "interval", ops[i].interval);
		set(op, "timeout", ops[i].timeout);
		if (ops[i].level)
			pair(pairs(op, "instance_attributes", "level"), "OCF_CHECK_LEVEL",
			     ops[i].level);
	}
	xmlFree(owner);
}

/*
 * The options that the disk is mounted with now, without those that hold anyway, and with two that
 * a volume of clients' files must have: nothing on it is a device, or runs as another user.
 */
static char *safe_options(const char *now)
{
	static const char *const implied[] = { "rw", "relatime", "nosuid", "nodev" };
	auto_free char *copy = xstrdup(now);
	char *rest = copy, *word, *out = xstrdup("nosuid,nodev");

	while ((word = strsep(&rest, ",")) != NULL) {
		auto_free char *before = out;
		bool holds = !word[0];

		for (size_t i = 0; i < ARRAY_LEN(implied); i++)
			holds |= !strcmp(word, implied[i]);
		out = xasprintf(holds ? "%s" : "%s,%s", before, word);
	}
	return out;
}

static void add_disk(xmlNode *group, const struct server_record *r, const struct crm_mount *mount)
{
	static const struct op ops[] = { { "start", "0", "60s", NULL },
					 { "stop", "0", "60s", NULL },
					 { "monitor", "20s", "40s", NULL } };
	auto_free char *id = xasprintf("%s-disk", r->name);
	auto_free char *options = safe_options(mount->options);
	xmlNode *disk = primitive(group, id, "berth", "disk");
	xmlNode *list = pairs(disk, "instance_attributes", "parameters");

	pair(list, "device", mount->device);
	pair(list, "directory", r->volume);
	pair(list, "fstype", mount->type);
	pair(list, "options", options);
	operations(disk, ops, ARRAY_LEN(ops));
}

static void add_address(xmlNode *group, const struct server_record *r, size_t number,
			const char *address)
{
	static const struct op ops[] = { { "start", "0", "20s", NULL },
					 { "stop", "0", "20s", NULL },
					 { "monitor", "10s", "20s", NULL } };
	auto_free char *id = xasprintf("%s-address-%zu", r->name, number);
	auto_free char *ip = xstrdup(address);
	char *slash = strchr(ip, '/');
	xmlNode *node, *list;

	if (!strncmp(ip, "127.", 4) || !strcmp(ip, "::1"))
		return;
	node = primitive(group, id, "berth", "address");
	list = pairs(node, "instance_attributes", "parameters");
	if (slash)
		*slash = '\0';
	pair(list, "ip", ip);
	if (slash)
		pair(list, "cidr_netmask", slash + 1);
	operations(node, ops, ARRAY_LEN(ops));
}

/* The anti-affinity class; "" for none. */
static const char *class_of(const struct server_record *r)
{
	const char *class = json_string_value(json_object_get(r->facts, "anti_affinity"));

	return class ? class : "";
}

/* What was last written of what the file server itself knows. */
static char *facts_text(const struct server_record *r)
{
	json_t *facts = r->facts ? json_deep_copy(r->facts) : json_object();
	json_t *preferred = json_array();
	const char *class = class_of(r);
	char *text;

	for (size_t i = 0; i < r->preferred_count; i++)
		json_array_append_new(preferred, json_string(r->preferred[i]));
	json_object_set_new(facts, "published",
			    json_pack("{s:o, s:i, s:i, s:b, s:i, s:i, s:s}", "preferred", preferred,
				      "threshold", (int)r->policy.restart_threshold, "period",
				      (int)r->policy.restart_period_s, "failback",
				      (int)r->policy.failback, "from", r->policy.failback_from,
				      "to", r->policy.failback_to, "apart", class));
	text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(facts);
	return text ? text : xstrdup("{}");
}

static void add_server(xmlNode *group, const char *resource, const struct server_record *r)
{
	static const struct op ops[] = { { "start", "0", "60s", NULL },
					 { "stop", "0", "60s", NULL },
					 { "monitor", "3s", "20s", NULL },
					 { "monitor", "60s", "45s", "10" } };
	xmlNode *node = primitive(group, resource, "berth", "fileserver"), *list;
	auto_free char *facts = facts_text(r);

	list = pairs(node, "instance_attributes", "parameters");
	pair(list, "name", r->name);
	pair(list, "volume", r->volume);
	pair(pairs(node, "meta_attributes", "meta"), "berth-facts", facts);
	operations(node, ops, ARRAY_LEN(ops));
}

static bool has_window(const struct cluster_policy *p)
{
	return p->failback && p->failback_from >= 0 && p->failback_to >= 0;
}

/* The id of the window's set of attributes: another window, another id. */
static char *window_id(const char *group, const struct cluster_policy *p)
{
	return xasprintf("%s-window-%d-%d", group, p->failback_from, p->failback_to);
}

static void add_hours(xmlNode *rule, const char *name, int first, int last)
{
	xmlNode *when = pairs(rule, "date_expression", name);
	auto_free char *hours = xasprintf("%d-%d", first, last);

	set(when, "operation", "date_spec");
	set(pairs(when, "date_spec", "hours"), "hours", hours);
}

/* Inside the window it does not stick. */
static void add_window(xmlNode *group, const char *name, const struct cluster_policy *p)
{
	auto_free char *id = window_id(name, p);
	xmlNode *window = child(group, "meta_attributes", id);
	xmlNode *rule = pairs(window, "rule", "rule");
	int last = (p->failback_to + 23) % 24; /* Windows gives the end, Pacemaker the last hour */

	set(window, "score", "10");
	set(rule, "score", "INFINITY");
	if (p->failback_from <= last) {
		add_hours(rule, "when", p->failback_from, last);
	} else { /* over midnight: two ranges, either of them */
		set(rule, "boolean-op", "or");
		add_hours(rule, "when", p->failback_from, 23);
		add_hours(rule, "morning", 0, last);
	}
	pair(window, "resource-stickiness", "0");
}

static void add_policy(xmlNode *group, const char *name, const struct cluster_policy *p)
{
	xmlNode *meta = pairs(group, "meta_attributes", "policy");
	char number[32];

	/* So many restarts there, against so many failures here. */
	snprintf(number, sizeof(number), "%u", p->restart_threshold + 1);
	pair(meta, "migration-threshold", number);
	snprintf(number, sizeof(number), "%us", p->restart_period_s);
	pair(meta, "failure-timeout", number);
	pair(meta, "resource-stickiness", p->failback && !has_window(p) ? "0" : "100");
	if (has_window(p))
		add_window(group, name, p);
}

static void add_preferred(xmlNode *constraints, const char *group, const struct server_record *r)
{
	for (size_t i = 0; i < r->preferred_count; i++) {
		auto_free char *id = xasprintf("%s-prefers-%s", group, r->preferred[i]);
		auto_free char *score = xasprintf("%zu", PREFER_FIRST - i);
		xmlNode *place = child(constraints, "rsc_location", id);

		set(place, "rsc", group);
		set(place, "node", r->preferred[i]);
		set(place, "score", score);
	}
}

/* Apart from every other of its class. */
static void add_apart(xmlNode *constraints, const char *group, const struct server_record *r,
		      const struct crm_view *view)
{
	for (size_t i = 0; i < view->server_count && class_of(r)[0]; i++) {
		const struct crm_server *other = &view->servers[i];
		auto_free char *id = xasprintf("berth-apart-%s-%s", group, other->group);
		xmlNode *apart;

		if (!strcasecmp(other->record.name, r->name) ||
		    strcasecmp(class_of(&other->record), class_of(r)) != 0)
			continue;
		apart = child(constraints, "rsc_colocation", id);
		set(apart, "rsc", group);
		set(apart, "with-rsc", other->group);
		set(apart, "score", APART);
	}
}

/* The file server needs the berthd of its node, where that is the cluster's to run. */
static void add_dependency(xmlNode *constraints, const char *resource, const char *clone)
{
	auto_free char *after = xasprintf("%s-after-berthd", resource);
	auto_free char *with = xasprintf("%s-with-berthd", resource);
	xmlNode *order = child(constraints, "rsc_order", after);
	xmlNode *together = child(constraints, "rsc_colocation", with);

	set(order, "first", clone);
	set(order, "then", resource);
	set(together, "rsc", resource);
	set(together, "with-rsc", clone);
	set(together, "score", "INFINITY");
}

static char *text_of(xmlDoc *doc)
{
	xmlChar *text = NULL;
	int length;
	char *copy;

	xmlDocDumpMemory(doc, &text, &length);
	copy = xstrdup(text ? strchr((char *)text, '\n') + 1 : "");
	xmlFree(text);
	xmlFreeDoc(doc);
	return copy;
}

static xmlDoc *begin(xmlNode **resources, xmlNode **constraints)
{
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *root = xmlNewNode(NULL, (const xmlChar *)"configuration");

	xmlDocSetRootElement(doc, root);
	*resources = child(root, "resources", NULL);
	*constraints = child(root, "constraints", NULL);
	return doc;
}

char *crm_group_xml(const struct server_record *r, const struct crm_mount *mount,
		    const struct crm_view *view)
{
	xmlNode *resources, *constraints, *group;
	xmlDoc *doc = begin(&resources, &constraints);
	auto_free char *resource = xasprintf("%s-server", r->name);
	const json_t *address;
	size_t i;

	group = child(resources, "group", r->name);
	add_policy(group, r->name, &r->policy);
	add_disk(group, r, mount);
	json_array_foreach(json_object_get(r->facts, "networks"), i, address)
		add_address(group, r, i + 1, json_string_value(address));
	add_server(group, resource, r);
	add_preferred(constraints, r->name, r);
	add_apart(constraints, r->name, r, view);
	if (view->has_node_clone)
		add_dependency(constraints, resource, view->node_clone);
	return text_of(doc);
}

/* "... and not(@id='one')"; takes over @path. */
static char *except(char *path, const char *id)
{
	auto_free char *before = path;

	return xasprintf("%s and not(@id='%s')", before, id);
}

/* Takes away what the new settings of @r do not say any more. It comes after they are written:
 * without the old ones and without the new ones, for a moment Pacemaker would move it anywhere. */
static int forget_old(const struct crm_server *now, const struct server_record *r,
		      const struct crm_view *view, char **why)
{
	char *preferred = xasprintf("starts-with(@id,'%s-prefers-')", now->group);
	char *window = xasprintf("starts-with(@id,'%s-window')", now->group);
	char *apart = xasprintf("starts-with(@id,'berth-apart-') and (@rsc='%s' or @with-rsc='%s')",
				now->group, now->group);
	struct {
		const char *element;
		char **wanted;
	} old[] = { { "rsc_location", &preferred },
		    { "meta_attributes", &window },
		    { "rsc_colocation", &apart } };
	int error = 0;

	for (size_t i = 0; i < r->preferred_count; i++) {
		auto_free char *id = xasprintf("%s-prefers-%s", now->group, r->preferred[i]);

		preferred = except(preferred, id);
	}
	if (has_window(&r->policy)) {
		auto_free char *id = window_id(now->group, &r->policy);

		window = except(window, id);
	}
	for (size_t i = 0; i < view->server_count && class_of(r)[0]; i++) {
		const struct crm_server *other = &view->servers[i];
		auto_free char *from = xasprintf("berth-apart-%s-%s", now->group, other->group);
		auto_free char *to = xasprintf("berth-apart-%s-%s", other->group, now->group);

		if (strcasecmp(class_of(&other->record), class_of(r)) != 0)
			continue;
		apart = except(except(apart, from), to);
	}
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		auto_free char *words = *old[i].wanted;
		auto_free char *path = xasprintf("//%s[%s]", old[i].element, words);

		if (!error)
			error = CRM(NULL, why, "cibadmin", "--delete-all", "--force", "--xpath",
				    path);
	}
	return error;
}

int crm_publish(const struct crm_server *now, const struct server_record *r,
		const struct crm_view *view, char **why)
{
	auto_free char *text = facts_text(r);
	json_t *told = json_loads(text, 0, NULL);
	bool same = json_equal(told, now->record.facts);
	/* What an administrator changed in Pacemaker itself stays, until it is set anew here. */
	bool same_policy = json_equal(json_object_get(told, "published"),
				      json_object_get(now->record.facts, "published"));
	xmlNode *resources, *constraints, *group, *node;
	auto_free char *xml = NULL;
	xmlDoc *doc;
	int error;

	json_decref(told);
	if (same)
		return 0;
	doc = begin(&resources, &constraints);
	if (strcmp(now->group, now->resource) != 0) {
		group = child(resources, "group", now->group);
		if (!same_policy)
			add_policy(group, now->group, &r->policy);
		node = child(group, "primitive", now->resource);
	} else {
		node = child(resources, "primitive", now->resource);
		if (!same_policy)
			add_policy(node, now->group, &r->policy);
	}
	pair(pairs(node, "meta_attributes", "meta"), "berth-facts", text);
	if (!same_policy) {
		add_preferred(constraints, now->group, r);
		add_apart(constraints, now->group, r, view);
	}
	xml = text_of(doc);
	error = CRM(NULL, why, "cibadmin", "--modify", "--allow-create", "--xml-text", xml);
	return error || same_policy ? error : forget_old(now, r, view, why);
}

int crm_mount_of(const char *volume, struct crm_mount *out, char **why)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char line[8192];
	bool found = false;

	while (mounts && getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_dir, volume) != 0)
			continue;
		found = true; /* the last one is on top */
		snprintf(out->device, sizeof(out->device), "%s", entry.mnt_fsname);
		snprintf(out->type, sizeof(out->type), "%s", entry.mnt_type);
		snprintf(out->options, sizeof(out->options), "%s", entry.mnt_opts);
	}
	if (mounts)
		endmntent(mounts);
	if (found && out->device[0] == '/')
		return 0;
	*why = found ? xasprintf("the volume %s is no disk (%s of type %s): other nodes could not "
				 "mount it",
				 volume, out->device, out->type)
		     : xasprintf(
			       "the volume %s is not mounted: mount the shared disk there on this "
			       "node, or give its --device",
			       volume);
	return found ? -ENOTBLK : -ENODEV;
}
