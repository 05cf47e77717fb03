// SPDX-License-Identifier: Apache-2.0
/*
 * Oplocks: caching rights of one open (MS-SMB2 3.3.1.10, 3.3.4.6, 3.3.5.22.1). file->lock guards
 * them.
 */
#include "opens.h"

#define STAT_ACCESS (FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE)

static uint32_t state_of(uint8_t level)
{
	switch (level) {
	case SMB2_OPLOCK_LEVEL_II:
		return LEASE_R;
	case SMB2_OPLOCK_LEVEL_EXCLUSIVE:
		return LEASE_R | LEASE_W;
	case SMB2_OPLOCK_LEVEL_BATCH:
		return LEASE_R | LEASE_W | LEASE_H;
	default:
		return 0;
	}
}

/* There is no oplock of R and H, or of R, W without H that was a batch: what is broken at all goes
 * to II or nothing. */
static uint8_t level_left(uint32_t state)
{
	return state & LEASE_R ? SMB2_OPLOCK_LEVEL_II : SMB2_OPLOCK_LEVEL_NONE;
}

static void send_break(struct open *holder, uint8_t level, struct actions *actions)
{
	struct action *action = actions_add(actions);

	action->kind = ACTION_OPLOCK_BREAK;
	action->open = open_get(holder);
	action->new_state = level;
}

static struct open *open_of_timer(struct timer *timer)
{
	return container_of(timer, struct open, oplock_timer);
}

static void hold(struct timer *timer)
{
	open_get(open_of_timer(timer));
}

/* No answer came: the oplock is gone (MS-SMB2 3.3.6.1). */
static void fire(struct timer *timer)
{
	struct open *open = open_of_timer(timer);
	struct file *file = open->file;
	struct actions actions = { 0 };

	pthread_mutex_lock(&file->lock);
	if (open->oplock_breaking && !timer_is_armed(timer)) {
		open->oplock_breaking = false;
		open->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
		waiters_wake(&file->break_waiters, STATUS_SUCCESS, &actions);
	}
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	open_put(open);
}

static void begin_break(struct open *holder, uint8_t level, struct actions *actions)
{
	send_break(holder, level, actions);
	if (holder->oplock_level ==
	    SMB2_OPLOCK_LEVEL_II) { /* nothing to flush, nothing to answer */
		holder->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
		return;
	}
	holder->oplock_breaking = true;
	holder->oplock_break_level = holder->oplock_required = level;
	holder->oplock_timer.hold = hold;
	holder->oplock_timer.fire = fire;
	timer_arm(&holder->oplock_timer, open_limits.break_timeout_ms);
}

/* Nobody is there to be told, nor to answer. */
static void break_parked(struct open *holder, uint8_t level, struct actions *actions)
{
	if (!durable_yields(holder)) {
		holder->oplock_level = level;
		return;
	}
	durable_doom(holder, actions);
	holder->oplock_breaking = true; /* whoever waits goes on when it is closed */
	holder->oplock_break_level = holder->oplock_required = level;
}

bool oplock_break(struct open *holder, const struct caching_party *by, enum cause cause,
		  struct actions *actions)
{
	uint32_t state = state_of(holder->oplock_level), wait;
	uint32_t left = caching_target(cause, state, &wait);
	uint8_t level = level_left(left);

	if (left == state || (cause == CAUSE_OPEN && by->access && !(by->access & ~STAT_ACCESS)))
		return false;
	if (!holder->oplock_breaking && open_state(holder) == OPEN_PARKED)
		break_parked(holder, level, actions);
	else if (!holder->oplock_breaking)
		begin_break(holder, level, actions);
	else if (level < holder->oplock_required)
		holder->oplock_required = level;
	return holder->oplock_breaking && (state & wait);
}

void oplock_grant(struct open *open, uint8_t wanted, struct open_result *result)
{
	uint32_t state = state_of(wanted);
	uint32_t grantable;

	if (!state || open->facts.is_directory)
		return;
	grantable = caching_grantable(open, NULL, false);
	if (!(grantable & LEASE_R))
		return;
	if (!(grantable & LEASE_W))
		wanted = SMB2_OPLOCK_LEVEL_II;
	open->oplock_level = wanted;
	result->oplock_level = wanted;
}

void oplock_parked(struct open *open, struct actions *actions)
{
	if (!open->oplock_breaking)
		return;
	timer_disarm(&open->oplock_timer);
	open->oplock_breaking = false;
	open->oplock_level = open->oplock_required;
	waiters_wake(&open->file->break_waiters, STATUS_SUCCESS, actions);
}

bool oplock_release(struct open *open)
{
	bool was_breaking = open->oplock_breaking;

	open->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	if (open->oplock_breaking)
		timer_disarm(&open->oplock_timer);
	open->oplock_breaking = false;
	return was_breaking;
}

static ntstatus ack_locked(struct open *open, uint8_t level, struct actions *actions)
{
	ntstatus status = STATUS_SUCCESS;

	if (open->lease || level == SMB2_OPLOCK_LEVEL_LEASE)
		return STATUS_INVALID_PARAMETER;
	if (!open->oplock_breaking)
		return STATUS_INVALID_OPLOCK_PROTOCOL;
	if (level > open->oplock_break_level) {
		level = SMB2_OPLOCK_LEVEL_NONE;
		status = STATUS_INVALID_OPLOCK_PROTOCOL;
	}
	timer_disarm(&open->oplock_timer);
	open->oplock_breaking = false;
	open->oplock_level = level;
	if (level > open->oplock_required)
		begin_break(open, open->oplock_required, actions);
	if (!open->oplock_breaking)
		waiters_wake(&open->file->break_waiters, STATUS_SUCCESS, actions);
	return status;
}

ntstatus open_oplock_ack(struct open *open, uint8_t level, uint8_t *granted)
{
	struct file *file = open->file;
	struct actions actions = { 0 };
	ntstatus status;

	pthread_mutex_lock(&file->lock);
	status = ack_locked(open, level, &actions);
	*granted = status == STATUS_SUCCESS ? level : SMB2_OPLOCK_LEVEL_NONE;
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	return status;
}
