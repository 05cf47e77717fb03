// SPDX-License-Identifier: Apache-2.0
/*
 * How a file server came to its node, told by its parts in time. Each moment is noted where it is
 * seen (the lease says when the last owner was last alive, Corosync when it was lost, Pacemaker's
 * history when it was fenced, the agent of the disk when it was mounted), as realtime in ms; one
 * that is not known is 0, and its part is counted into the next.
 */
#ifndef CLUSTER_FAILOVER_H
#define CLUSTER_FAILOVER_H

#include <cluster/record.h>

enum failover_kind {
	FAILOVER_START,	  /* there was no owner before, or it was offline */
	FAILOVER_MOVE,	  /* the owner let go of it */
	FAILOVER_RESTART, /* the owner was this node: its berthd ended */
	FAILOVER_LOSS,	  /* the owner was lost */
};
struct failover {
	enum failover_kind kind;
	char from[CLUSTER_MAX_NAME], to[CLUSTER_MAX_NAME];
	int64_t leaving; /* the owner began to let go, or was last seen alive */
	int64_t lost;	 /* Corosync has a membership without it */
	int64_t fencing, fenced;
	int64_t mounting, mounted;
	int64_t starting, online; /* the file server itself */
};
/*
 * failover_json - {"kind","from","to","at_ms","total_ms","parts":[{"part","ms"}]}; a new object.
 * The parts add up to the total. What lies more than FAILOVER_LONGEST_MS back, or ahead, is the
 * work of clocks that do not agree, and is left out.
 */
#define FAILOVER_LONGEST_MS 600000
json_t *failover_json(const struct failover *f);

#endif
