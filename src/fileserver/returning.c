// SPDX-License-Identifier: Apache-2.0
/*
 * A client is back for an open before the end of its earlier connection has been seen.
 *
 * It closes one connection and dials the next; the two are of different loops, and the new one may
 * be served first. For that moment the open is not to be had (MS-SMB2 3.3.5.9.7, 3.3.5.9.12: it
 * still has a session). Whoever asks then waits: until the open is parked or closed, until smb/
 * finds that the connection which has it is not at its end (open_stays), or until
 * max_return_wait_ms are over.
 *
 * The queue and its timer are guarded by the locks of the file, as everything that says how an open
 * outlives its connection.
 */
#include "opens.h"

static struct open *open_of_timer(struct timer *timer)
{
	return container_of(timer, struct open, durable.patience);
}

static void hold(struct timer *timer)
{
	open_get(open_of_timer(timer));
}

void returning_end(struct open *held, ntstatus status, struct actions *actions)
{
	if (!held->durable.patience.fire)
		return; /* nobody has ever waited for it */
	timer_disarm(&held->durable.patience);
	waiters_wake(&held->durable.returning, status, actions);
}

void open_stays(struct open *held)
{
	struct actions actions = { 0 };

	open_lock_files(held);
	returning_end(held, STATUS_OBJECT_NAME_NOT_FOUND, &actions);
	open_unlock_files(held);
	actions_run(&actions);
}

/* Its connection is at its end, and yet nothing has come of that for so long. */
static void fire(struct timer *timer)
{
	struct open *held = open_of_timer(timer);
	struct actions actions = { 0 };

	open_lock_files(held);
	if (!timer_is_armed(timer))
		returning_end(held, STATUS_OBJECT_NAME_NOT_FOUND, &actions);
	open_unlock_files(held);
	actions_run(&actions);
	open_put(held);
}

static void wait_locked(struct open *held, struct waiter *waiter, struct actions *actions)
{
	struct action *action = actions_add(actions);

	if (!held->durable.patience.fire) { /* the timers' thread reads them without these locks */
		held->durable.patience.hold = hold;
		held->durable.patience.fire = fire;
	}
	if (waiter_queue_empty(&held->durable.returning))
		timer_arm(&held->durable.patience, open_limits.max_return_wait_ms);
	waiter_enqueue(&held->durable.returning, waiter);
	action->kind = ACTION_HOLDER_WANTED;
	action->open = open_get(held);
}

/* Could what asks be the client that has @held? Whether it may have it is seen when it is free. */
static bool may_be_its_client(const struct open *held, const struct open_request *request)
{
	return held->facts.session_id != request->session_id && held->share == request->share &&
	       token_same_user(held->token, request->token) && token_is_somebody(request->token);
}

ntstatus returning_wait(struct open *held, const struct open_request *request,
			struct waiter *waiter)
{
	struct actions actions = { 0 };
	ntstatus status = STATUS_OBJECT_NAME_NOT_FOUND;

	if (open_state(held) != OPEN_LIVE)
		return STATUS_SUCCESS;
	if (!waiter || request->holder_stays || !may_be_its_client(held, request))
		return status;
	open_lock_files(held);
	if (open_state(held) != OPEN_LIVE) {
		status = STATUS_SUCCESS;
	} else if (held->place && held->durable.kind != DURABLE_NOT) {
		wait_locked(held, waiter, &actions);
		status = STATUS_PENDING;
	}
	open_unlock_files(held);
	actions_run(&actions);
	return status;
}
