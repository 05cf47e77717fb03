// SPDX-License-Identifier: Apache-2.0
/*
 * Requests that wait, and how a wait ends: exactly once, on the request's own loop. See request.h.
 */
#include "request.h"

/* What the replies before it in its frame, and its own, hold meanwhile counts as the client's. */
static void hold_reply(struct smb_request *rq)
{
	rq->held += rq->reply.cap;
	rq->held_reply = rq->reply.cap;
	connection_hold(rq->conn, (ssize_t)rq->held_reply);
}

static void give_reply_back(struct smb_request *rq)
{
	rq->held -= rq->held_reply;
	connection_hold(rq->conn, -(ssize_t)rq->held_reply);
	rq->held_reply = 0;
}

static void link_waiting(struct smb_request *rq)
{
	struct connection *conn = rq->conn;

	rq->previous = NULL;
	rq->next = conn->waiting;
	if (rq->next)
		rq->next->previous = rq;
	conn->waiting = rq;
	conn->waiting_count++;
	COUNT(requests_waiting, 1);
}

static void unlink_waiting(struct smb_request *rq)
{
	struct connection *conn = rq->conn;

	give_reply_back(rq);
	if (rq->previous)
		rq->previous->next = rq->next;
	else
		conn->waiting = rq->next;
	if (rq->next)
		rq->next->previous = rq->previous;
	rq->next = rq->previous = NULL;
	conn->waiting_count--;
	COUNT(requests_waiting, -1);
}

static void wait_over(struct loop_task *task)
{
	struct smb_request *rq = container_of(task, struct smb_request, task);

	unlink_waiting(rq);
	request_go_on(rq);
}

/* Any thread. */
static void woken(struct waiter *waiter, ntstatus status)
{
	struct smb_request *rq = container_of(waiter, struct smb_request, waiter);

	rq->wake_status = status;
	loop_post(rq->conn->home->loop, &rq->task);
}

/* Its turn has come. */
static void turn_came(struct loop_task *task)
{
	struct smb_request *rq = container_of(task, struct smb_request, task);

	unlink_waiting(rq);
	if (!rq->wake_status) {
		request_go_on(rq);
		return;
	}
	rq->state = REQUEST_RUNNING;
	request_settle(rq, rq->wake_status);
}

static void login_came(struct loop_timer *timer)
{
	struct smb_request *rq = container_of(timer, struct smb_request, timer);

	unlink_waiting(rq);
	request_go_on(rq);
}

static void refusal_came(struct loop_timer *timer)
{
	struct smb_request *rq = container_of(timer, struct smb_request, timer);

	unlink_waiting(rq);
	rq->conn->refusals--;
	rq->state = REQUEST_RUNNING;
	request_settle(rq, rq->wake_status);
}

struct waiter *request_waiter(struct smb_request *rq)
{
	/* Everything that the waker touches is set before the call that may make it come. */
	rq->waiter = (struct waiter){ .wake = woken };
	rq->task = (struct loop_task){ .run = wait_over };
	rq->wait_kind = WAIT_WAKER;
	return &rq->waiter;
}

/* Only the end of the connection ends this wait before its time. */
static bool take_refusal_back(struct smb_request *rq)
{
	struct connection *conn = rq->conn;

	if (!conn->is_dropped)
		return false;
	loop_timer_stop(conn->home->loop, &rq->timer);
	conn->refusals--;
	client_bare_owe(conn->client_slot, smb.config.login_delay_ms);
	return true;
}

/* Take the wait back; true: no wake will come. */
static bool take_back(struct smb_request *rq)
{
	if (rq->state != REQUEST_WAITING)
		return false;
	switch (rq->wait_kind) {
	case WAIT_WAKER:
		return waiter_cancel(&rq->waiter);
	case WAIT_PIPE:
		return pipe_wait_end(rq->pipe, rq);
	case WAIT_TURN:
		return false;
	case WAIT_LOGIN:
		loop_timer_stop(rq->conn->home->loop, &rq->timer);
		return true;
	case WAIT_REFUSED:
		return take_refusal_back(rq);
	}
	return false;
}

/* Only of the last message of a compound can it be said. */
static void tell(struct smb_request *rq)
{
	if (rq->next_at >= rq->frame.length && !rq->async_id)
		request_send_interim(rq);
}

static ntstatus begin_wait(struct smb_request *rq)
{
	rq->state = REQUEST_WAITING;
	if (rq->conn->waiting_count >= smb.config.max_outstanding && take_back(rq)) {
		rq->state = REQUEST_RUNNING;
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	link_waiting(rq);
	if (rq->command->interim)
		tell(rq);
	hold_reply(rq);
	return STATUS_PENDING;
}

ntstatus request_wait(struct smb_request *rq)
{
	return begin_wait(rq);
}

ntstatus request_wait_turn(struct smb_request *rq)
{
	rq->task = (struct loop_task){ .run = turn_came };
	rq->wait_kind = WAIT_TURN;
	rq->wake_status = STATUS_SUCCESS;
	loop_post(rq->conn->home->loop, &rq->task);
	return begin_wait(rq);
}

ntstatus request_refuse_later(struct smb_request *rq, ntstatus status)
{
	struct connection *conn = rq->conn;

	if (!smb.config.login_delay_ms)
		return status;
	rq->wait_kind = WAIT_REFUSED;
	rq->wake_status = status;
	conn->refusals++;
	conn->refusal_due_ms = monotonic_ms() + smb.config.login_delay_ms;
	loop_timer_start(conn->home->loop, &rq->timer, smb.config.login_delay_ms, refusal_came);
	return begin_wait(rq);
}

ntstatus request_wait_login(struct smb_request *rq)
{
	uint64_t now = monotonic_ms(), due_ms = rq->conn->refusal_due_ms;

	rq->wait_kind = WAIT_LOGIN;
	loop_timer_start(rq->conn->home->loop, &rq->timer, due_ms > now ? due_ms - now : 1,
			 login_came);
	return begin_wait(rq);
}

ntstatus request_wait_pipe(struct smb_request *rq)
{
	ntstatus status;

	(void)request_waiter(rq);
	rq->wait_kind = WAIT_PIPE;
	status = pipe_wait_begin(rq->pipe, rq);
	return status ? status : begin_wait(rq);
}

void request_wake(struct smb_request *rq, ntstatus status)
{
	woken(&rq->waiter, status);
}

static void disk_done(struct io_op *op, ssize_t result)
{
	struct smb_request *rq = container_of(op, struct smb_request, io);

	rq->io_result = result;
	unlink_waiting(rq);
	request_go_on(rq);
}

static struct io_op *wait_disk(struct smb_request *rq, bool is_told)
{
	rq->io = (struct io_op){ .done = disk_done };
	rq->state = REQUEST_ON_DISK;
	link_waiting(rq);
	if (is_told)
		tell(rq);
	hold_reply(rq);
	return &rq->io;
}

struct io_op *request_wait_disk(struct smb_request *rq)
{
	return wait_disk(rq, false);
}

struct io_op *request_wait_disk_long(struct smb_request *rq)
{
	return wait_disk(rq, true);
}

void request_wait_none(struct smb_request *rq)
{
	unlink_waiting(rq);
	rq->state = REQUEST_RUNNING;
}

static void cancelled(struct loop_task *task)
{
	struct smb_request *rq = container_of(task, struct smb_request, task);

	request_settle(rq, rq->wake_status);
}

/*
 * Whoever cancels is in the middle of ending a session, a tree or another request. What follows in
 * the compound of a cancelled request is handled when that is done, because it may end the same
 * things once more, under the caller's hands.
 */
bool request_cancel(struct smb_request *rq, ntstatus status)
{
	if (rq->state == REQUEST_WAITING && rq->wait_kind == WAIT_TURN)
		rq->wake_status = status;
	if (!take_back(rq))
		return false;
	unlink_waiting(rq);
	rq->state = REQUEST_RUNNING;
	if (rq->next_at < rq->frame.length && !rq->conn->is_dropped) {
		rq->wake_status = status;
		rq->task = (struct loop_task){ .run = cancelled };
		loop_post(rq->conn->home->loop, &rq->task);
		return true;
	}
	request_settle(rq, status);
	return true;
}

/* Cancel all that @match says; each cancel may end others, so the list is begun anew after one. */
static void cancel_where(struct connection *conn,
			 bool (*match)(const struct smb_request *rq, const void *arg),
			 const void *arg, ntstatus status)
{
	struct smb_request *rq = conn->waiting;

	while (rq) {
		if (match(rq, arg) && request_cancel(rq, status))
			rq = conn->waiting;
		else
			rq = rq->next;
	}
}

/*
 * A CREATE whose client will send it again over another channel goes on: the replay is to find it
 * (MS-SMB2 3.3.5.9.10), and what it waits for has been asked for already. Such requests are held
 * back by no connection's limits, so that a session may have only so many of them.
 */
static void keep_lost(struct smb_request *rq)
{
	rq->is_lost = rq->replay && rq->session && rq->frame.length <= SMB_MAX_LOST_FRAME_BYTES &&
		      session_keep_lost(rq->session);
}

static bool match_not_kept(const struct smb_request *rq, const void *arg)
{
	return !rq->is_lost;
}

void request_cancel_all(struct connection *conn)
{
	for (struct smb_request *rq = conn->waiting; rq; rq = rq->next)
		keep_lost(rq);
	cancel_where(conn, match_not_kept, NULL, STATUS_CANCELLED);
}

struct of_tree {
	const struct session *session;
	uint32_t tree_id;
};

static bool match_tree(const struct smb_request *rq, const void *arg)
{
	const struct of_tree *of = arg;

	return rq->session == of->session &&
	       (of->tree_id == UINT32_MAX || (rq->tree && rq->tree->id == of->tree_id));
}

void request_cancel_session(struct connection *conn, const struct session *session,
			    uint32_t tree_id)
{
	struct of_tree of = { session, tree_id };

	cancel_where(conn, match_tree, &of, STATUS_CANCELLED);
}

void request_cancel_id(struct connection *conn, bool is_async, uint64_t id)
{
	for (struct smb_request *rq = conn->waiting; rq; rq = rq->next) {
		if (is_async ? rq->async_id == id : rq->header.message_id == id) {
			(void)request_cancel(rq, STATUS_CANCELLED);
			return;
		}
	}
}
