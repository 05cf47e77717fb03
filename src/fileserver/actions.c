// SPDX-License-Identifier: Apache-2.0
/*
 * What has to be done when the locks are down: waiters to wake, breaks to send, opens to close. It
 * is collected in order under a lock and run by whoever let go of it.
 *
 * The queues of waiters share one lock, which is a leaf: what waits is rare next to what does not.
 */
#include "opens.h"

static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static struct open_events events;

void open_set_events(const struct open_events *wanted)
{
	events = *wanted;
}

struct action *actions_add(struct actions *actions)
{
	size_t beyond = actions->count - ARRAY_LEN(actions->few);

	if (actions->count++ < ARRAY_LEN(actions->few)) {
		struct action *action = &actions->few[actions->count - 1];

		memset(action, 0, sizeof(*action));
		return action;
	}
	if (beyond == actions->more_cap) {
		size_t cap = actions->more_cap ? actions->more_cap * 2 : 16;
		struct action *grown = xalloc(cap, sizeof(*grown));

		if (beyond)
			memcpy(grown, actions->more, beyond * sizeof(*grown));
		free(actions->more);
		actions->more = grown;
		actions->more_cap = cap;
	}
	memset(&actions->more[beyond], 0, sizeof(actions->more[beyond]));
	return &actions->more[beyond];
}

static void tell_directory(struct action *action)
{
	struct caching_party by = { .client_guid = &action->client_guid,
				    .parent_key = action->has_key ? action->key : NULL };
	struct actions breaks = { 0 };

	directory_changed(action->directory, &by, &breaks);
	volume_node_put(action->directory);
	actions_run(&breaks);
}

static void action_run(struct action *action)
{
	switch (action->kind) {
	case ACTION_WAKE:
		action->waiter->wake(action->waiter, action->status);
		return;
	case ACTION_CLOSE: /* STATUS_FILE_CLOSED: somebody else did it */
		(void)!open_close(action->open, NULL);
		break;
	case ACTION_DIRECTORY_CHANGED:
		tell_directory(action);
		return;
	case ACTION_HOLDER_WANTED:
		if (events.holder_wanted)
			events.holder_wanted(action->open);
		break;
	case ACTION_OPLOCK_BREAK:
		if (events.oplock_break)
			events.oplock_break(action->open, (uint8_t)action->new_state);
		break;
	case ACTION_LEASE_BREAK:
		if (events.lease_break)
			events.lease_break(action->open, action->key, action->current_state,
					   action->new_state, action->epoch, action->ack_required);
		break;
	}
	open_put(action->open);
}

void actions_run(struct actions *actions)
{
	for (size_t i = 0; i < actions->count; i++)
		action_run(i < ARRAY_LEN(actions->few)
				   ? &actions->few[i]
				   : &actions->more[i - ARRAY_LEN(actions->few)]);
	free(actions->more);
	*actions = (struct actions){ 0 };
}

static void unlink_waiter(struct waiter *waiter)
{
	struct waiter_queue *queue = waiter->queue;

	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		queue->first = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	else
		queue->last = waiter->previous;
	waiter->next = waiter->previous = NULL;
	waiter->queue = NULL;
}

void waiter_enqueue(struct waiter_queue *queue, struct waiter *waiter)
{
	pthread_mutex_lock(&waiters_lock);
	if (waiter->queue)
		unlink_waiter(waiter);
	waiter->queue = queue;
	waiter->next = NULL;
	waiter->previous = queue->last;
	if (queue->last)
		queue->last->next = waiter;
	else
		queue->first = waiter;
	queue->last = waiter;
	pthread_mutex_unlock(&waiters_lock);
}

bool waiter_queue_empty(struct waiter_queue *queue)
{
	bool empty;

	pthread_mutex_lock(&waiters_lock);
	empty = !queue->first;
	pthread_mutex_unlock(&waiters_lock);
	return empty;
}

bool waiter_cancel(struct waiter *waiter)
{
	bool waited;

	pthread_mutex_lock(&waiters_lock);
	waited = waiter->queue != NULL;
	if (waited)
		unlink_waiter(waiter);
	pthread_mutex_unlock(&waiters_lock);
	return waited;
}

struct waiter *waiter_take_first(struct waiter_queue *queue)
{
	struct waiter *waiter;

	pthread_mutex_lock(&waiters_lock);
	waiter = queue->first;
	if (waiter)
		unlink_waiter(waiter);
	pthread_mutex_unlock(&waiters_lock);
	return waiter;
}

void actions_wake(struct actions *actions, struct waiter *waiter, ntstatus status)
{
	struct action *action = actions_add(actions);

	action->kind = ACTION_WAKE;
	action->waiter = waiter;
	action->status = status;
}

void waiters_wake(struct waiter_queue *queue, ntstatus status, struct actions *actions)
{
	struct waiter *waiter;

	while ((waiter = waiter_take_first(queue)))
		actions_wake(actions, waiter, status);
}
