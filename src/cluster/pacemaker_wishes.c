// SPDX-License-Identifier: Apache-2.0
/* What is wanted of file servers, told to Pacemaker with its own tools. */
#include "pacemaker.h"

#include <base/log.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>

/* How long a move stays written down, should this node die before it can take it away. */
#define MOVE_LIFETIME "PT10M"

/* A fresh view, and the server called @name in it. */
static int look_up(const char *name, struct crm_view *view, struct crm_server **out, char **why)
{
	int error = crm_look(view, why);

	if (error)
		return error;
	*out = crm_server(view, name);
	if (*out)
		return 0;
	*why = xasprintf("there is no file server \"%s\" in this cluster; berth server list shows "
			 "those there are",
			 name);
	return -ENOENT;
}

static int set_role(const struct crm_server *s, const char *role, char **why)
{
	/* One that was set on the part itself would hide that of the group. */
	if (strcmp(s->group, s->resource) != 0) {
		auto_free char *ignored = NULL;

		(void)!CRM(NULL, &ignored, "crm_resource", "--resource", s->resource, "--meta",
			   "--delete-parameter", "target-role");
	}
	return CRM(NULL, why, "crm_resource", "--resource", s->group, "--meta", "--set-parameter",
		   "target-role", "--parameter-value", role);
}

int pacemaker_want(struct pacemaker *p, const char *name, bool online, char **why)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	struct crm_server *s;
	int error = look_up(name, &view, &s, why);

	if (!error)
		error = set_role(s, online ? "Started" : "Stopped", why);
	if (!error && online)
		error = CRM(NULL, why, "crm_resource", "--cleanup", "--resource", s->group);
	return error;
}

/* The node that is to have it: the one asked for, or the best other one. */
static int choose(const struct crm_view *view, const struct crm_server *s, const char *target,
		  char out[CLUSTER_MAX_NAME], char **why)
{
	struct node_record *nodes = xalloc(view->node_count + 1, sizeof(*nodes));
	const char *chosen = "";

	for (size_t i = 0; i < view->node_count; i++) {
		memcpy(nodes[i].name, view->nodes[i].name, sizeof(nodes[i].name));
		nodes[i].is_alive = view->nodes[i].is_online && !view->nodes[i].is_standby;
		if (target[0] && nodes[i].is_alive && !strcasecmp(nodes[i].name, target))
			chosen = nodes[i].name;
	}
	if (!target[0])
		chosen = cluster_choose(&s->record, nodes, view->node_count, s->owner);
	snprintf(out, CLUSTER_MAX_NAME, "%s", chosen);
	free(nodes);
	if (out[0])
		return 0;
	*why = target[0] ? xasprintf("the node %s is not up; berth status shows those that are",
				     target)
			 : xasprintf("no other node is up to move %s to", s->record.name);
	return -EHOSTUNREACH;
}

int pacemaker_move(struct pacemaker *p, const char *name, const char *target, char **why)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	char chosen[CLUSTER_MAX_NAME];
	auto_free char *said = NULL;
	struct crm_server *s;
	int error = look_up(name, &view, &s, why);

	if (error)
		return error;
	if (!s->record.want_online) {
		*why = xasprintf(
			"%s is offline and stays where it is; bring it online first: berth "
			"server online %s",
			s->record.name, s->record.name);
		return -ENOTCONN;
	}
	error = choose(&view, s, target, chosen, why);
	if (error || !strcasecmp(chosen, s->owner))
		return error;
	if (s->reason[0])
		error = CRM(NULL, why, "crm_resource", "--cleanup", "--resource", s->group);
	if (!error && s->record.target[0])
		error = CRM(NULL, why, "crm_resource", "--clear", "--resource", s->group);
	if (!error)
		error = CRM(NULL, &said, "crm_resource", "--move", "--resource", s->group, "--node",
			    chosen, "--lifetime", MOVE_LIFETIME);
	if (error && said && strstr(said, "already"))
		return 0; /* it came there by itself meanwhile */
	if (!error)
		pacemaker_settle_later(p, s->group);
	else if (!*why)
		*why = xstrdup(said ? said : strerror(-error));
	return error;
}

int pacemaker_add(struct pacemaker *p, struct server_record *record, char **why)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	auto_free char *xml = NULL;
	struct crm_mount mount = { 0 };
	int error = crm_look(&view, why);

	if (error)
		return error;
	if (!cluster_name_ok(record->name)) {
		*why = xasprintf("\"%s\" is no name for a file server: use letters, digits and '-'",
				 record->name);
		return -EINVAL;
	}
	if (crm_server(&view, record->name) || crm_node(&view, record->name)) {
		*why = xasprintf("the name \"%s\" is used already in this cluster", record->name);
		return -EEXIST;
	}
	if (!view.has_fencing) {
		*why = xasprintf(
			"this cluster has no fencing (stonith-enabled is false): a node that "
			"hangs could write to the volume after another has taken it over; "
			"berth cluster verify says what to do");
		return -EPERM;
	}
	error = crm_mount_of(record->volume, &mount, why);
	if (error)
		return error;
	xml = crm_group_xml(record, &mount, &view);
	return CRM(NULL, why, "cibadmin", "--modify", "--allow-create", "--xml-text", xml);
}

int pacemaker_remove(struct pacemaker *p, const char *name, char **why)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	auto_free char *constraints = NULL, *resource = NULL;
	struct crm_server *s;
	int error = look_up(name, &view, &s, why);

	if (error)
		return error;
	if (s->record.want_online || s->owner[0]) {
		*why = xasprintf("%s is not offline; first: berth server offline %s",
				 s->record.name, s->record.name);
		return -EBUSY;
	}
	constraints =
		xasprintf("//constraints/*[@rsc='%s' or @rsc='%s' or @then='%s' or @first='%s' or "
			  "@with-rsc='%s']",
			  s->group, s->resource, s->resource, s->resource, s->group);
	resource = xasprintf("//resources//*[@id='%s']", s->group);
	error = CRM(NULL, why, "cibadmin", "--delete-all", "--force", "--xpath", constraints);
	if (!error)
		error = CRM(NULL, why, "cibadmin", "--delete-all", "--force", "--xpath", resource);
	return error;
}
