// SPDX-License-Identifier: Apache-2.0
/* When Corosync lost a node, and when Pacemaker began and ended to fence it: noted as it happens,
 * on a thread of its own, to tell a failover by its parts, and to know of a node that has ended
 * without asking Pacemaker. */
#ifndef CLUSTER_MEMBERSHIP_H
#define CLUSTER_MEMBERSHIP_H

#include <base/base.h>

struct membership;
/* membership_start - NULL where there is no thread to be had. */
struct membership *membership_start(void) MUST_CHECK;
void membership_stop(struct membership *m);
/* membership_lost - when the node with this number was last lost (realtime, ms); 0: not that this
 * berthd has seen. */
int64_t membership_lost(struct membership *m, uint32_t node_id);
/* membership_is_watching - would a change be noted now? Not while the fencer is asked something,
 * which can take as long as the fencer likes: what is known then may be old. */
bool membership_is_watching(struct membership *m);
/* membership_saw_end - was @node, with this number, lost and then fenced, and has it not come back?
 * False where that was not seen, whatever is true (fencings.h). */
bool membership_saw_end(struct membership *m, uint32_t node_id, const char *node) MUST_CHECK;
/* membership_watches_fencing - is the fencer still asked about a node that was lost? */
bool membership_watches_fencing(struct membership *m);
/* membership_fencing - when the fencing of @node that ended last was seen to begin and to end; 0, 0
 * where none was seen since @since. For people: by clocks that may jump. */
void membership_fencing(struct membership *m, const char *node, int64_t since, int64_t *begun,
			int64_t *ended);

#endif
