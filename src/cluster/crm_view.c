// SPDX-License-Identifier: Apache-2.0
/*
 * What Pacemaker says, read: the configuration as cibadmin prints it says what is wanted, crm_mon
 * says what is so.
 */
#include "crm_xml.h"

#include <base/log.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#define SHOWN_FENCINGS 10

/* ---- what is so: crm_mon */

static void read_nodes(xmlNode *mon, struct crm_view *view)
{
	auto_found xmlXPathObject *found = xml_find(mon, "./nodes/node[@type='member']");

	for (size_t i = 0; i < xml_count(found) && view->node_count < CLUSTER_MAX_NODES; i++) {
		struct crm_node *node = &view->nodes[view->node_count];
		xmlNode *at = xml_nth(found, i);
		char id[24];

		xml_attribute(at, "name", node->name, sizeof(node->name));
		if (!cluster_name_ok(node->name))
			continue;
		node->id = (uint32_t)strtoul(xml_attribute(at, "id", id, sizeof(id)), NULL, 10);
		node->is_online = xml_is_true(at, "online") && !xml_is_true(at, "pending");
		node->is_unclean = xml_is_true(at, "unclean");
		node->is_standby = xml_is_true(at, "standby") || xml_is_true(at, "maintenance");
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
		auto_found xmlXPathObject *found = xml_find(mon, path);

		if (xml_count(found))
			xml_attribute(xml_nth(found, 0), "value", node->version,
				      sizeof(node->version));
	}
}

static void read_summary(xmlNode *mon, struct crm_view *view)
{
	auto_found xmlXPathObject *dc = xml_find(mon, "./summary/current_dc");
	auto_found xmlXPathObject *options = xml_find(mon, "./summary/cluster_options");

	view->has_quorum = xml_count(dc) && xml_is_true(xml_nth(dc, 0), "with_quorum");
	if (!xml_count(options))
		return;
	view->has_fencing = xml_is_true(xml_nth(options, 0), "stonith-enabled");
	view->in_maintenance = xml_is_true(xml_nth(options, 0), "maintenance-mode");
	xml_attribute(xml_nth(options, 0), "no-quorum-policy", view->no_quorum_policy,
		      sizeof(view->no_quorum_policy));
}

int crm_parse(const char *mon_text, const char *cib_text, struct crm_view *out, char **why)
{
	auto_doc xmlDoc *mon = xml_parse(mon_text);
	auto_doc xmlDoc *cib = xml_parse(cib_text);
	xmlNode *mon_root = mon ? xmlDocGetRootElement(mon) : NULL;
	xmlNode *cib_root = cib ? xmlDocGetRootElement(cib) : NULL;

	memset(out, 0, sizeof(*out));
	if (!xml_is_named(cib_root, "cib") || !mon_root) {
		*why = xasprintf("what Pacemaker says cannot be understood");
		return -EUCLEAN;
	}
	read_summary(mon_root, out);
	read_nodes(mon_root, out);
	read_versions(mon_root, out);
	out->fencing = crm_fence_events(mon_root, SHOWN_FENCINGS);
	crm_read_servers(mon_root, cib_root, out);
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

void crm_view_free(struct crm_view *view)
{
	for (size_t i = 0; i < view->server_count; i++)
		crm_server_free(&view->servers[i]);
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
