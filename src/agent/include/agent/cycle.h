// SPDX-License-Identifier: Apache-2.0
/*
 * A client's agent: what it does in one poll. Opened, it holds the lock of its directory, so that
 * no two agents work in one.
 */
#ifndef AGENT_CYCLE_H
#define AGENT_CYCLE_H

#include <agent/config.h>
#include <content/failure.h>

struct agent;

/* agent_open - its key is made where it has none. @config stays the caller's and must outlive it.
 */
struct agent *agent_open(const struct agent_config *config, struct content_failure *why);
void agent_close(struct agent *a); /* NULL is good */
const char *agent_id(const struct agent *a);

struct cycle_result {
	bool refreshed;	 /* the policy is current */
	bool is_known;	 /* the site knows this client */
	char site[64];	 /* whose policy it is; "" before there is one */
	int64_t again_s; /* when there is something to do before the next poll; 0: nothing */
	int64_t interval_s;
	uint64_t bytes_got, requests; /* from distribution points */
};
/* agent_cycle - one poll; false with a reason where the policy could not be refreshed, what was
 * known before having been worked on all the same. */
bool agent_cycle(struct agent *a, struct cycle_result *result,
		 struct content_failure *why) MUST_CHECK;

/* agent_request - a user asks for the deployment @id; at the next poll it counts. */
bool agent_request(const struct agent_config *config, const char *id,
		   struct content_failure *why) MUST_CHECK;
/* agent_status - its deployments as JSON, without a lock; NULL: why. */
json_t *agent_status(const struct agent_config *config, struct content_failure *why);

#endif
