// SPDX-License-Identifier: Apache-2.0
/* What berth cluster's files share: the files of a cluster on this machine, and how they are read.
 */
#ifndef CLI_CLUSTER_CONF_H
#define CLI_CLUSTER_CONF_H

#include "cli.h"

#include <cluster/crm.h>

#define COROSYNC_CONF "/etc/corosync/corosync.conf"
#define AUTHKEY	      "/etc/corosync/authkey"
#define TOKEN_LEAST   500 /* ms */

/* cluster_file - the whole of a file as a text, to be freed; "-" is standard input. NULL and errno
 * where it cannot be read. */
char *cluster_file(const char *path, size_t *length);
/* conf_value - the value of the @nth line "key: value", or NULL; to be freed. */
char *conf_value(const char *conf, const char *key, int nth);
/* conf_nodes - how many nodes are in it. */
int conf_nodes(const char *conf);
/* quorum_device_votes - does the text of corosync-quorumtool -s show a quorum device that is alive
 * and votes? */
bool quorum_device_votes(const char *text);

#endif
