// SPDX-License-Identifier: Apache-2.0
/*
 * Pacemaker as seen from a node: its own tools are run (cibadmin, crm_mon, crm_resource), with a
 * limit in time, and what they print is read. Nothing here is kept: who asks gets what holds now.
 */
#ifndef CLUSTER_CRM_H
#define CLUSTER_CRM_H

#include <cluster/cluster.h>

#define CRM_TIMEOUT_MS 20000
#define CRM_MAX_BYTES  (32u << 20) /* of what a tool may print */
#define CRM_MAX_ID     128
#define CRM_VERSION    "berth-version" /* attribute of a node */

/*
 * crm_run - run a tool; its output in *out (to be freed; may be NULL to drop it). 0; -ENOENT where
 * the tool is not installed; -ETIMEDOUT; -EIO and its last words in *why (to be freed).
 */
int crm_run(const char *const *argv, char **out, char **why) MUST_CHECK;
/* crm_feed - the same for a tool that reads @input: what nobody may read in a list of processes. At
 * most CRM_MAX_INPUT bytes. */
#define CRM_MAX_INPUT (60u << 10)
int crm_feed(const char *const *argv, const char *input, char **why) MUST_CHECK;
/* crm_text - what a tool prints, whatever it ends with; NULL where it could not be run. To be
 * freed. */
char *crm_text(const char *const *argv) MUST_CHECK;
/* CRM - the same with the arguments written out. */
#define CRM(out, why, ...) crm_run((const char *const[]){ __VA_ARGS__, NULL }, out, why)

struct crm_node {
	char name[CLUSTER_MAX_NAME];
	uint32_t id;	  /* Corosync's number of it; 0 where it is not told */
	char version[32]; /* of its berthd, "" where it is not told */
	bool is_online, is_unclean, is_standby;
};

/* A resource of ours: a file server, and the group that it is in. */
struct crm_server {
	struct server_record record; /* facts: as last published; owned */
	char resource[CRM_MAX_ID], group[CRM_MAX_ID];
	enum cluster_state state;
	char owner[CLUSTER_MAX_NAME]; /* the node it is active on, "" for none */
	char reason[512];
	json_t *parts; /* every resource of the group, in order: owned */
};

struct crm_view {
	bool has_quorum, has_fencing, in_maintenance;
	char no_quorum_policy[32];
	struct crm_node nodes[CLUSTER_MAX_NODES];
	size_t node_count;
	struct crm_server *servers;
	size_t server_count;
	bool has_node_clone; /* ocf:berth:node runs under this cluster, as: */
	char node_clone[CRM_MAX_ID];
	json_t *fencing; /* what was fenced when, newest first: owned */
};

/* crm_look - all of it, now; negative errno and a sentence. */
int crm_look(struct crm_view *out, char **why) MUST_CHECK;
/* crm_parse - the same, from the texts of crm_mon (XML) and cibadmin. */
int crm_parse(const char *mon, const char *cib, struct crm_view *out, char **why) MUST_CHECK;
/* crm_fencing - the history of fencing alone, all of it, as in a view; NULL where nobody answers.
 */
json_t *crm_fencing(char **why);
/* crm_time_ms - a time as Pacemaker's tools print it, "2026-11-27 05:15:20 -05:00" or "...Z", in ms
 * since 1970; 0 where it is none, or does not say of which zone it is. */
int64_t crm_time_ms(const char *text);
void crm_view_free(struct crm_view *view);
const struct crm_node *crm_node(const struct crm_view *view, const char *name);
struct crm_server *crm_server(struct crm_view *view, const char *name);
/* crm_node_is_gone - has a cluster with a quorum seen that node end: fenced, or gone in order?
 * Silence is no. */
bool crm_node_is_gone(const struct crm_view *view, const char *name);

/* Where the volume is mounted from; negative errno and a sentence. */
struct crm_mount {
	char device[CLUSTER_MAX_PATH], type[32], options[512];
};
int crm_mount_of(const char *volume, struct crm_mount *out, char **why) MUST_CHECK;
/* crm_group_xml - the group of a new file server with its constraints, for cibadmin; to be freed.
 */
char *crm_group_xml(const struct server_record *record, const struct crm_mount *mount,
		    const struct crm_view *view);
/* crm_publish - write what changed since it was last published from @now over @record. */
int crm_publish(const struct crm_server *now, const struct server_record *record,
		const struct crm_view *view, char **why) MUST_CHECK;

/* quorum_holds - does Corosync say that this side has a quorum? *why: a static sentence where not.
 */
bool quorum_holds(const char **why);
/* quorum_symbol - a function of Corosync's library of quorums; NULL where it is not installed. */
void *quorum_symbol(const char *name);

#endif
