// SPDX-License-Identifier: Apache-2.0
/* What berth cluster's files share: the files of a cluster on this machine, and how they are read.
 */
#ifndef CLI_CLUSTER_CONF_H
#define CLI_CLUSTER_CONF_H

#include "cli.h"

#include <base/buf.h>
#include <cluster/crm.h>

#define COROSYNC_CONF "/etc/corosync/corosync.conf"
#define AUTHKEY	      "/etc/corosync/authkey"
#define TOKEN_LEAST   500 /* ms */

/* cluster_file - the whole of a file as a text, to be freed; "-" is standard input. NULL and errno
 * where it cannot be read. */
char *cluster_file(const char *path, size_t *length);
struct conf_member {
	char name[CLUSTER_MAX_NAME], address[64];
};
/* conf_members - from "n1=10.0.0.11,n2=10.0.0.12"; how many, or -1. */
int conf_members(const char *list, struct conf_member out[CLUSTER_MAX_NODES]);
/* conf_text - corosync.conf of a new cluster; @arbiter may be NULL, @token is in ms. To be freed.
 */
char *conf_text(const char *name, const struct conf_member *members, int count, const char *arbiter,
		long token);
/* conf_address - the address of the node called @name, or NULL; to be freed. */
char *conf_address(const char *conf, const char *name);
/* conf_value - the value of the @nth line "key: value", or NULL; to be freed. */
char *conf_value(const char *conf, const char *key, int nth);
/* conf_nodes - how many nodes are in it. */
int conf_nodes(const char *conf);

/* What turns nodes off: one device for all of them, or one for each. */
struct fence_device {
	const char *node; /* of the list of members; NULL: for all */
	char *agent;
	struct buf settings; /* as XML; there may be passwords in it */
	size_t setting_count;
};
struct fence_devices {
	struct fence_device of[CLUSTER_MAX_NODES];
	size_t count;
};
/* fence_devices_take - what --fence, --fence-option and --fence-option-file of @call say, into an
 * empty @out, which is to be freed in any case and refers to @members. An exit code, and said why.
 */
int fence_devices_take(struct call *call, const struct conf_member *members, int count,
		       struct fence_devices *out) MUST_CHECK;
void fence_devices_free(struct fence_devices *d);
/* fence_devices_lack - the first node that nothing turns off, or NULL. */
const char *fence_devices_lack(struct fence_devices *d, const struct conf_member *members,
			       int count);
/* fence_devices_put - their resources, as XML; fence_devices_put_apart - what keeps each off the
 * node that it turns off. */
void fence_devices_put(const struct fence_devices *d, struct buf *b);
void fence_devices_put_apart(const struct fence_devices *d, struct buf *b);

/* cluster_start_daemons - Corosync and Pacemaker, now and at every boot; an exit code, when
 * Pacemaker answers. */
int cluster_start_daemons(void);
/* cluster_stop_daemons - both; @for_good: nor at the next boot. As crm_run. */
int cluster_stop_daemons(bool for_good, char **why) MUST_CHECK;
/* cluster_end_alone - end and forget the cluster of one node that Debian's packages start by
 * themselves; any other that runs here is refused. An exit code, and nothing done where nothing
 * was. */
int cluster_end_alone(void);
/* cluster_has_systemd - does systemd run this machine? */
bool cluster_has_systemd(void);
/* quorum_device_votes - does the text of corosync-quorumtool -s show a quorum device that is alive
 * and votes? */
bool quorum_device_votes(const char *text);

#endif
