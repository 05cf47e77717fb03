// SPDX-License-Identifier: Apache-2.0
/* The arbiter of two nodes: a corosync-qnetd, asked by a corosync-qdevice on every node. */
#include "cluster_conf.h"

#include <stdio.h>
#include <unistd.h>

#define ARBITER_LIMIT_S 30
#define QDEVICE_KEYS	"/etc/corosync/qdevice/net/nssdb/cert9.db"

static bool arbiter_votes(void)
{
	static const char *const quorum[] = { "corosync-quorumtool", "-s", NULL };
	auto_free char *text = crm_text(quorum);

	return text && quorum_device_votes(text);
}

int run_cluster_arbiter(struct call *call)
{
	static const char *const unit[] = { "systemctl", "enable", "--now", "corosync-qdevice",
					    NULL };
	static const char *const daemon[] = { "corosync-qdevice", NULL };
	auto_free char *conf = cluster_file(COROSYNC_CONF, NULL), *why = NULL;
	auto_free char *host = conf ? conf_value(conf, "host", 0) : NULL;

	if (!host)
		return complain(EXIT_FAILED,
				"this cluster has no arbiter: no quorum { device { ... } } in %s",
				COROSYNC_CONF);
	if (access(QDEVICE_KEYS, F_OK) < 0)
		return complain(EXIT_FAILED,
				"this node has no certificate for the arbiter %s: "
				"corosync-qdevice-net-certutil makes and hands them out "
				"(docs/cluster.md)",
				host);
	if (!arbiter_votes() && crm_run(cluster_has_systemd() ? unit : daemon, NULL, &why))
		return complain(EXIT_FAILED, "corosync-qdevice does not start: %s", why ? why : "");
	for (int i = 0; i < ARBITER_LIMIT_S * 5 && !arbiter_votes(); i++)
		sleep_ms(200);
	if (!arbiter_votes())
		return complain(EXIT_FAILED,
				"the arbiter %s does not vote after %d s; corosync-qdevice-tool -s "
				"says what it waits for",
				host, ARBITER_LIMIT_S);
	printf("the arbiter %s votes\n", host);
	return EXIT_DONE;
}
