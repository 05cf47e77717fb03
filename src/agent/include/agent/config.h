// SPDX-License-Identifier: Apache-2.0
/* The configuration of berth-agent: an INI file, berth-agent.conf(5). */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <policy/policy.h>

#define AGENT_POINTS_MAX 16

struct agent_config {
	char *state;	  /* directory of its own */
	char *root;	  /* file with the root document that it was given: which site it obeys */
	char *name;	  /* what the site calls it; NULL: the name of the machine */
	char *token_file; /* one-time token for the enrolment; NULL: somebody approves it */
	char *user, *domain, *password_file; /* for SMB; user NULL: anonymous */
	/* Who it is where it fills distribution points; pull_user NULL: it does not. */
	char *pull_user, *pull_domain, *pull_password_file;
	char *ca_file;	       /* for https; NULL: what the system trusts */
	char *restart_command; /* an absolute path, without arguments; NULL: restarts are reported
				*/
	int64_t cache_bytes, interval_s; /* interval_s 0: the policy's */
	int64_t patience_s; /* how long a distribution point in failover is waited for */
	struct policy_point points[AGENT_POINTS_MAX]; /* before there is a policy */
	bool says_reports[AGENT_POINTS_MAX]; /* reports = stands there: it counts for the policy's
						point of that name, too */
	size_t point_count;
};

/* agent_config_load - 0, or -errno and a sentence with the line in *why (to be freed). */
int agent_config_load(const char *path, struct agent_config *out, char **why) MUST_CHECK;
void agent_config_free(struct agent_config *config);

#endif
