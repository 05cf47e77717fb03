// SPDX-License-Identifier: Apache-2.0
/*
 * Caching rights: what a client may keep of a file, and what takes it back
 * (MS-FSA 2.1.4.12, 2.1.5.18; MS-SMB2 3.3.4.6, 3.3.4.7). An oplock and a lease are the same three
 * rights, read (R), handle (H), write (W), and follow one table of causes; they differ in who holds
 * them (an open; a key of a client), in how they are named on the wire, and in what may be
 * answered.
 *
 * file->lock guards all of it. A break is decided under it and sent from the list of actions.
 */
#include "opens.h"

/* What a cause takes, and what of that it has to wait for. */
static const struct {
	uint32_t takes, waits;
} causes[] = {
	[CAUSE_OPEN] = { LEASE_W, LEASE_W },
	[CAUSE_SHARING] = { LEASE_H, LEASE_H },
	[CAUSE_OVERWRITE] = { LEASE_R | LEASE_H | LEASE_W, LEASE_W },
	[CAUSE_WRITE] = { LEASE_R | LEASE_H | LEASE_W, 0 },
	[CAUSE_HANDLE] = { LEASE_H, LEASE_H },
};

uint32_t caching_target(enum cause cause, uint32_t state, uint32_t *wait)
{
	*wait = causes[cause].waits;
	return state & ~causes[cause].takes;
}

struct caching_party caching_party_of_request(const struct open_request *request)
{
	struct caching_party party = { .client_guid = &request->client_guid };
	const struct smb2_lease *lease = request->contexts ? &request->contexts->lease : NULL;

	if (lease && lease->present && request->oplock_level == SMB2_OPLOCK_LEVEL_LEASE) {
		party.lease_key = lease->key;
		if (lease->version == 2 && (lease->flags & SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET))
			party.parent_key = lease->parent_key;
	}
	return party;
}

struct caching_party caching_party_of_open(const struct open *open)
{
	struct caching_party party = { .open = open, .client_guid = &open->facts.client_guid };

	if (open->has_lease_key)
		party.lease_key = open->lease_key;
	if (open->has_parent_key)
		party.parent_key = open->parent_key;
	return party;
}

/* Whoever changes data loses its own level II as well: only an oplock with W keeps reads over its
 * holder's writes. */
static bool breaks_own(const struct open *open, enum cause cause)
{
	return cause == CAUSE_WRITE && open->oplock_level == SMB2_OPLOCK_LEVEL_II;
}

ntstatus caching_wait(struct file *file, struct waiter *waiter)
{
	if (!waiter)
		return STATUS_SHARING_VIOLATION;
	waiter_enqueue(&file->break_waiters, waiter);
	return STATUS_PENDING;
}

bool caching_break(struct file *file, const struct caching_party *by, enum cause cause,
		   struct actions *actions)
{
	bool wait = false;

	for (struct lease *lease = file->leases; lease; lease = lease->file_next)
		wait |= lease_break(lease, by, cause, actions);
	for (struct open *open = file->opens; open; open = open->file_next)
		if (open->oplock_level && (open != by->open || breaks_own(open, cause)))
			wait |= oplock_break(open, by, cause, actions);
	return wait;
}

/* What an open may ask for without being in the way of caching. */
#define STAT_ACCESS (FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE | READ_CONTROL)

uint32_t caching_grantable(const struct open *open, const struct lease *own, bool for_lease)
{
	const struct file *file = open->file;
	uint32_t grantable = LEASE_R | LEASE_H | LEASE_W;

	if (file->lock_count)
		return 0;
	for (const struct open *other = file->opens; other; other = other->file_next) {
		if (other == open || (own && other->lease == own))
			continue;
		if (other->oplock_level > SMB2_OPLOCK_LEVEL_II ||
		    (other->lease && (other->lease->state & LEASE_W)))
			return 0;
		if ((other->sharing_access & ~STAT_ACCESS) || other->oplock_level || other->lease)
			grantable &= ~LEASE_W;
		/* An oplock has no H of its own: it and a lease with H do not go together. */
		if (for_lease ? other->oplock_level == SMB2_OPLOCK_LEVEL_II
			      : other->lease && (other->lease->state & LEASE_H))
			grantable &= for_lease ? ~LEASE_H : 0;
	}
	return grantable;
}

void caching_grant(struct open *open, const struct open_request *request,
		   struct open_result *result)
{
	result->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	if (request->oplock_level != SMB2_OPLOCK_LEVEL_LEASE)
		oplock_grant(open, request->oplock_level, result);
	else if (request->contexts && request->contexts->lease.present)
		lease_grant(open, request, result);
}

void caching_answer(const struct open *open, struct open_result *result)
{
	result->oplock_level = open->oplock_level;
	if (open->lease)
		lease_answer(open->lease, result);
}

bool caching_held(const struct open *open)
{
	if (open->lease)
		return lease_held(open->lease);
	return open->oplock_level == SMB2_OPLOCK_LEVEL_BATCH && !open->oplock_breaking;
}

void caching_parked(struct open *open, struct actions *actions)
{
	oplock_parked(open, actions);
	if (open->lease)
		lease_parked(open->lease, actions);
}

void caching_move(struct open *from, struct open *to)
{
	to->oplock_level = from->oplock_level;
	from->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	to->lease = from->lease;
	from->lease = NULL;
	to->has_lease_key = from->has_lease_key;
	to->has_parent_key = from->has_parent_key;
	memcpy(to->lease_key, from->lease_key, sizeof(to->lease_key));
	memcpy(to->parent_key, from->parent_key, sizeof(to->parent_key));
}

void caching_release(struct open *open, struct actions *actions)
{
	bool was_breaking = oplock_release(open);

	if (open->lease)
		was_breaking |= lease_release(open);
	if (was_breaking || !open->file->opens)
		waiters_wake(&open->file->break_waiters, STATUS_SUCCESS, actions);
}

void caching_facts(const struct open *open, uint8_t *oplock_level, uint32_t *lease_state)
{
	*oplock_level = open->lease ? SMB2_OPLOCK_LEVEL_LEASE : open->oplock_level;
	*lease_state = open->lease ? open->lease->state : 0;
}
