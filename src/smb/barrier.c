// SPDX-License-Identifier: Apache-2.0
/*
 * Answers that wait for breaks. Who is told that a file was changed, or deleted, may tell others,
 * who may have it cached; so the answer goes out only when the breaks that its request caused have
 * been handed to the network. They travel over other connections, on other loops, so that without
 * this the answer would often be first. How long their clients take to acknowledge is another
 * matter: that a request waits for only where it must (MS-SMB2 3.3.4.6). Answers that say what
 * their client may cache from now on do not wait: a break of just that might overtake them.
 *
 * A request gathers breaks while its handlers run, in its barrier: a count of those that are on
 * their way, and one for the request itself. Whoever lets go of the last has the answer sent, on
 * its own connection's loop. The count is atomic; the answer is written before the request lets go.
 */
#include <base/log.h>

#include "request.h"

struct barrier {
	uint32_t refs;		 /* atomic: breaks on their way, and the request */
	struct connection *conn; /* counted; NULL while there is no answer */
	struct buf answer;
	size_t held; /* what connection_hold was told */
	struct loop_task task;
};

static __thread struct smb_request *gathers; /* whose handler this loop runs */

struct smb_request *barrier_begin(struct smb_request *rq)
{
	struct smb_request *outer = gathers;

	gathers = rq;
	return outer;
}

void barrier_end(struct smb_request *outer)
{
	gathers = outer;
}

struct barrier *barrier_join(void)
{
	struct smb_request *rq = gathers;

	if (!rq)
		return NULL;
	if (!rq->barrier) {
		rq->barrier = xalloc(1, sizeof(*rq->barrier));
		rq->barrier->refs = 1;
	}
	__atomic_add_fetch(&rq->barrier->refs, 1, __ATOMIC_RELAXED);
	return rq->barrier;
}

static void send_answer(struct loop_task *task)
{
	struct barrier *barrier = container_of(task, struct barrier, task);
	struct connection *conn = barrier->conn;

	connection_hold(conn, -(ssize_t)barrier->held);
	connection_send(conn, &barrier->answer);
	connection_put(conn);
	free(barrier);
}

void barrier_leave(struct barrier *barrier)
{
	if (!barrier || __atomic_sub_fetch(&barrier->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (!barrier->conn) {
		free(barrier);
		return;
	}
	barrier->task.run = send_answer;
	loop_post(barrier->conn->home->loop, &barrier->task);
}

void barrier_answer(struct smb_request *rq)
{
	struct barrier *barrier = rq->barrier;

	/* There were no breaks, or all have gone. */
	if (!barrier || __atomic_load_n(&barrier->refs, __ATOMIC_ACQUIRE) == 1 ||
	    rq->tells_caching) {
		connection_send(rq->conn, &rq->reply);
		return;
	}
	barrier->conn = connection_get(rq->conn);
	barrier->answer = rq->reply;
	barrier->held = rq->reply.len;
	rq->reply = (struct buf){ 0 };
	connection_hold(rq->conn, (ssize_t)barrier->held);
	rq->barrier = NULL;
	barrier_leave(barrier);
}
