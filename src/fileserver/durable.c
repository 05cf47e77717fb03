// SPDX-License-Identifier: Apache-2.0
/*
 * Opens that outlive their connection (MS-SMB2 3.3.5.9.6, 3.3.5.9.10, 3.3.5.15.9, 3.3.7.1): who is
 * granted that, who is kept when the client goes, and what ends it. Coming back is in reconnect.c.
 *
 *   durable    as long as it holds its handle (a batch oplock, a lease with H) and nobody minds:
 *              whatever would break that closes it
 *   resilient  whatever it caches, and whoever minds; its byte ranges and share mode stand
 *
 * What is parked keeps its place among the opens of its file, so that share modes, byte ranges and
 * deletion go on as if the client were there; of the break of its caching nobody can be told. It
 * goes with the share, and with the file server when that leaves this node.
 *
 * file->lock guards what an open's durability says. The table of those that can be found again has
 * locks of its own, which are leaves.
 */
#include "opens.h"

#define BUCKETS	    4096u
#define TABLE_LOCKS 64u

static struct open *buckets[BUCKETS];
static pthread_mutex_t table_locks[TABLE_LOCKS] = { [0 ... TABLE_LOCKS - 1] =
							    PTHREAD_MUTEX_INITIALIZER };

/* ---- the table, by persistent id ---- */

static pthread_mutex_t *table_lock(uint64_t persistent)
{
	return &table_locks[persistent % TABLE_LOCKS];
}

void durable_list(struct open *open)
{
	struct open **bucket = &buckets[open->facts.id.persistent % BUCKETS];

	pthread_mutex_lock(table_lock(open->facts.id.persistent));
	if (!open->durable.is_listed) {
		open->durable.next = *bucket;
		*bucket = open;
		open->durable.is_listed = true;
	}
	pthread_mutex_unlock(table_lock(open->facts.id.persistent));
}

void durable_unlist(struct open *open)
{
	struct open **at = &buckets[open->facts.id.persistent % BUCKETS];

	pthread_mutex_lock(table_lock(open->facts.id.persistent));
	if (open->durable.is_listed) {
		while (*at != open)
			at = &(*at)->durable.next;
		*at = open->durable.next;
		open->durable.is_listed = false;
	}
	pthread_mutex_unlock(table_lock(open->facts.id.persistent));
}

struct open *durable_find(uint64_t persistent)
{
	struct open *open;

	pthread_mutex_lock(table_lock(persistent));
	open = buckets[persistent % BUCKETS];
	while (open && open->facts.id.persistent != persistent)
		open = open->durable.next;
	if (open)
		open_get(open);
	pthread_mutex_unlock(table_lock(persistent));
	return open;
}

/* ---- granting ---- */

/* Contexts of SMB 3 mean nothing on an older connection. */
static struct smb2_durable asked_of(const struct open_request *request)
{
	struct smb2_durable asked = { 0 };

	if (request->contexts)
		asked = request->contexts->durable;
	if (request->dialect < SMB2_DIALECT_300)
		asked.request_v2 = asked.reconnect_v2 = false;
	return asked;
}

ntstatus durable_check(const struct open_request *request, bool *reconnects)
{
	struct smb2_durable asked = asked_of(request);
	bool v1 = asked.request_v1 || asked.reconnect_v1;

	*reconnects = asked.reconnect_v1 || asked.reconnect_v2;
	if ((v1 && (asked.request_v2 || asked.reconnect_v2)) ||
	    (asked.request_v2 && asked.reconnect_v2))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

void durable_note(struct open *open, const struct open_request *request)
{
	const struct smb2_create_contexts *contexts = request->contexts;
	struct durability *durable = &open->durable;

	open->counts_locks = request->counts_locks;
	if (!contexts || request->dialect < SMB2_DIALECT_300)
		return;
	if (contexts->durable.request_v2) {
		durable->has_create_guid = true;
		durable->create_guid = contexts->durable.create_guid;
	}
	if (contexts->has_app_instance) {
		durable->has_app_instance = true;
		durable->app_instance_id = contexts->app_instance_id;
	}
	if (contexts->has_app_instance_version && request->dialect >= SMB2_DIALECT_311) {
		durable->has_app_version = true;
		durable->app_version_high = contexts->app_instance_version_high;
		durable->app_version_low = contexts->app_instance_version_low;
	}
}

void durable_grant(struct open *open, const struct open_request *request,
		   struct open_result *result)
{
	struct smb2_durable asked = asked_of(request);
	struct durability *durable = &open->durable;

	if ((!asked.request_v1 && !asked.request_v2) || open->facts.is_directory ||
	    !token_is_somebody(open->token) || !caching_held(open))
		return;
	durable->kind = asked.request_v2 ? DURABLE_V2 : DURABLE_V1;
	if (asked.request_v1)
		durable->timeout_ms = open_limits.durable_v1_timeout_ms;
	else if (!asked.timeout_ms)
		durable->timeout_ms = open_limits.durable_timeout_ms;
	else
		durable->timeout_ms =
			(uint32_t)min_u64(asked.timeout_ms, open_limits.max_durable_timeout_ms);
	durable_answer(open, result);
}

void durable_answer(const struct open *open, struct open_result *result)
{
	result->durable_v1 = open->durable.kind == DURABLE_V1;
	result->durable_v2 = open->durable.kind == DURABLE_V2;
	result->durable_timeout_ms = open->durable.timeout_ms;
}

ntstatus open_make_resilient(struct open *open, uint32_t timeout_ms)
{
	ntstatus status = STATUS_SUCCESS;

	if (open->facts.is_directory || timeout_ms > open_limits.max_resilient_timeout_ms)
		return STATUS_INVALID_PARAMETER;
	if (!token_is_somebody(open->token))
		return STATUS_ACCESS_DENIED;
	open_lock_files(open);
	if (open->place && open_state(open) == OPEN_LIVE) {
		open->durable.kind = DURABLE_RESILIENT;
		open->durable.timeout_ms =
			timeout_ms ? timeout_ms : open_limits.resilient_timeout_ms;
		durable_list(open);
	} else {
		status = STATUS_FILE_CLOSED;
	}
	open_unlock_files(open);
	return status;
}

/* ---- parking ---- */

static struct open *open_of_timer(struct timer *timer)
{
	return container_of(timer, struct open, durable.scavenger);
}

static void hold(struct timer *timer)
{
	open_get(open_of_timer(timer));
}

/* Nobody came. Where somebody is coming at this moment, one of the two makes the move; and what has
 * been parked is never LIVE again. */
static void fire(struct timer *timer)
{
	struct open *open = open_of_timer(timer);

	(void)!open_close(open, NULL);
	open_put(open);
}

static bool may_park(const struct open *open)
{
	const struct share *share = open->share;

	if (!open->place || open->durable.doomed || share->removed || !share->server->online)
		return false;
	return open->durable.kind == DURABLE_RESILIENT ||
	       (open->durable.kind != DURABLE_NOT && caching_held(open));
}

static bool park_locked(struct open *open, struct actions *actions)
{
	if (!may_park(open) || !parked_take(open))
		return false;
	open->durable.parked_ms = monotonic_ms();
	if (!open_move(open, OPEN_LIVE, OPEN_PARKED)) { /* it was closed meanwhile */
		parked_release(open);
		return false;
	}
	locks_give_up(open, actions);
	caching_parked(open, actions);
	returning_end(open, STATUS_SUCCESS, actions);
	open->durable.scavenger.hold = hold;
	open->durable.scavenger.fire = fire;
	timer_arm(&open->durable.scavenger, open->durable.timeout_ms);
	return true;
}

bool durable_park(struct open *open)
{
	struct actions actions = { 0 };
	bool parked;

	open_lock_files(open);
	parked = park_locked(open, &actions);
	open_unlock_files(open);
	actions_run(&actions);
	return parked;
}

/* ---- what is in the way ---- */

bool durable_yields(const struct open *open)
{
	return open_state(open) == OPEN_PARKED && open->durable.kind != DURABLE_RESILIENT;
}

void durable_doom(struct open *open, struct actions *actions)
{
	struct action *action;

	if (open->durable.doomed)
		return;
	open->durable.doomed = true;
	action = actions_add(actions);
	action->kind = ACTION_CLOSE;
	action->open = open_get(open);
	actions->closes = true;
}

/* Is the application that asks not newer than the one that has @open? (MS-SMB2 3.3.5.9.13) */
static bool is_outdated(const struct open_request *request, const struct open *open)
{
	const struct smb2_create_contexts *contexts = request->contexts;
	const struct durability *durable = &open->durable;

	if (request->dialect < SMB2_DIALECT_311 || !contexts->has_app_instance_version ||
	    !durable->has_app_version)
		return false;
	if (durable->app_version_high != contexts->app_instance_version_high)
		return durable->app_version_high > contexts->app_instance_version_high;
	return durable->app_version_low >= contexts->app_instance_version_low;
}

/*
 * May who has @maximal of the file take it from @open? The specification asks for GENERIC_READ;
 * here it must also be all that @open has, so that nobody ends a handle who could not have had it.
 * Another user than the first may do so: the nodes of an application have accounts of their own.
 */
static bool may_take(const struct open_request *request, uint32_t maximal, const struct open *open)
{
	if (request->token->privileges & PRIVILEGE_SECURITY)
		maximal |= ACCESS_SYSTEM_SECURITY;
	return token_is_somebody(request->token) &&
	       !((FILE_GENERIC_READ | open->facts.granted_access) & ~maximal);
}

ntstatus app_instance_check(const struct open_request *request, uint32_t maximal,
			    const struct file *file, const struct place *place,
			    struct actions *actions)
{
	const struct smb2_create_contexts *contexts = request->contexts;
	bool any = false;

	if (!contexts || !contexts->has_app_instance || request->dialect < SMB2_DIALECT_300)
		return STATUS_SUCCESS;
	for (struct open *open = file->opens; open; open = open->file_next) {
		if (!open->durable.has_app_instance || open->place != place ||
		    open->share != request->share ||
		    !guid_equal(&open->durable.app_instance_id, &contexts->app_instance_id) ||
		    guid_equal(&open->facts.client_guid, &request->client_guid))
			continue;
		if (is_outdated(request, open))
			return STATUS_FILE_FORCED_CLOSED;
		if (!may_take(request, maximal, open))
			continue; /* it stands in the way as any other */
		durable_doom(open, actions);
		any = true;
	}
	return any ? STATUS_RETRY : STATUS_SUCCESS;
}
