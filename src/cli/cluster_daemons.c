// SPDX-License-Identifier: Apache-2.0
/*
 * Corosync and Pacemaker of this machine, started and stopped; and what is there before: Debian's
 * packages start, where systemd runs, a cluster of one node under a name that no cluster has.
 */
#include "cluster_conf.h"

#include <glob.h>
#include <unistd.h>

#define START_LIMIT_S 90
#define STOP_LIMIT_S  15
#define CIB_FILE      "/var/lib/pacemaker/cib/cib.xml"
#define CIB_FILES     "/var/lib/pacemaker/cib/cib*"

static const char *const token[] = { "corosync-cmapctl", "-b", "runtime.config.totem.token", NULL };

bool cluster_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static bool answers(const char *const *argv)
{
	auto_free char *why = NULL;

	return !crm_run(argv, NULL, &why);
}

/* Until it answers, or until it does so no more. */
static bool wait_for(const char *const *argv, bool answer, int seconds)
{
	for (int i = 0; i < seconds * 5; i++) {
		if (answers(argv) == answer)
			return true;
		sleep_ms(200);
	}
	return false;
}

int cluster_start_daemons(void)
{
	static const char *const units[] = { "systemctl", "enable",    "--now",
					     "corosync",  "pacemaker", NULL };
	static const char *const corosync[] = { "corosync", NULL };
	static const char *const pacemaker[] = {
		"sh", "-c",
		"PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none "
		"setsid pacemakerd </dev/null >/dev/null 2>&1 &",
		NULL
	};
	static const char *const ready[] = { "cibadmin", "--query", "--local", NULL };
	auto_free char *why = NULL;
	int error;

	if (cluster_has_systemd()) {
		error = crm_run(units, NULL, &why);
	} else {
		error = answers(token) ? 0 : crm_run(corosync, NULL, &why);
		if (!error && wait_for(token, true, START_LIMIT_S) && !answers(ready))
			error = crm_run(pacemaker, NULL, &why);
	}
	if (error)
		return complain(EXIT_FAILED, "the cluster does not start: %s", why ? why : "");
	if (!wait_for(ready, true, START_LIMIT_S))
		return complain(EXIT_FAILED,
				"Pacemaker does not answer after %d s; its log is "
				"/var/log/pacemaker/pacemaker.log",
				START_LIMIT_S);
	return EXIT_DONE;
}

int cluster_stop_daemons(bool for_good, char **why)
{
	static const char *const disable[] = { "systemctl", "disable",	"--now",
					       "pacemaker", "corosync", NULL };
	static const char *const stop[] = { "systemctl", "stop", "pacemaker", "corosync", NULL };
	/* Corosync stops to answer before it has ended, and another does not start meanwhile. */
	static const char *const by_hand[] = {
		"sh", "-c",
		"end() { pid=$(pidof \"$1\") || return 0; kill -TERM $pid; n=0; "
		"while [ -e \"/proc/${pid%% *}\" ]; do n=$((n+1)); "
		"[ $n -lt \"$2\" ] || { echo \"$1 does not end\"; return 1; }; sleep 0.1; done; }; "
		"end pacemakerd 150 && end corosync 40",
		NULL
	};

	if (!cluster_has_systemd())
		return crm_run(by_hand, NULL, why);
	return crm_run(for_good ? disable : stop, NULL, why);
}

/* ---- what the packages have started */

/* Their configuration has one node, and no way to reach it. */
static bool is_alone(const char *conf)
{
	auto_free char *address = conf_value(conf, "ring0_addr", 0);

	return conf_nodes(conf) == 1 && address && !strcmp(address, "127.0.0.1");
}

/* A CIB that cannot be read is taken for one that holds something. */
static bool holds_resources(void)
{
	auto_free char *cib = NULL;

	if (access(CIB_FILE, F_OK) < 0)
		return false;
	cib = cluster_file(CIB_FILE, NULL);
	return !cib || strstr(cib, "<primitive");
}

/* Its nodes would be found in the new cluster as some that never come. */
static void forget_alone(void)
{
	glob_t files;

	if (glob(CIB_FILES, GLOB_NOSORT, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			unlink(files.gl_pathv[i]);
		globfree(&files);
	}
}

int cluster_end_alone(void)
{
	auto_free char *conf = cluster_file(COROSYNC_CONF, NULL), *why = NULL;
	bool runs = answers(token), alone = conf && is_alone(conf);

	if (runs && !alone)
		return complain(EXIT_FAILED,
				"Corosync runs here already, in a cluster that %s describes and "
				"that is not one of Berth's; when it is not to be any more: stop "
				"pacemaker and corosync, and rm -f " CIB_FILES,
				COROSYNC_CONF);
	if (!alone)
		return EXIT_DONE;
	if (holds_resources())
		return complain(EXIT_FAILED,
				"the cluster of one node on this machine has resources: crm_mon "
				"-1r, or " CIB_FILE " shows them; when they are not wanted any "
				"more: stop pacemaker and corosync, and rm -f " CIB_FILES);
	if (runs && (cluster_stop_daemons(false, &why) || !wait_for(token, false, STOP_LIMIT_S)))
		return complain(EXIT_FAILED,
				"the cluster of one node that the packages have started does not "
				"stop: %s",
				why ? why : "Corosync still answers");
	forget_alone();
	if (runs)
		printf("stopped the cluster of one node that the packages had started\n");
	return EXIT_DONE;
}
