// SPDX-License-Identifier: Apache-2.0
/*
 * Leases: caching rights of a key of a client, shared by all its opens of a file that name the key
 * (MS-SMB2 3.3.1.12, 3.3.4.7, 3.3.5.9.8, 3.3.5.9.11, 3.3.5.22.2). A lease lives from the first of
 * those opens to the last, in the table of leases and in its file's list.
 *
 * file->lock guards what a lease says; table_locks, leaves, the chains of the table. A lease keeps
 * its file, so that one found in the table can be locked.
 */
#include "opens.h"

#define BUCKETS	    4096u
#define TABLE_LOCKS 64u
#define STAT_ACCESS (FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE | READ_CONTROL)

static struct lease *buckets[BUCKETS];
static pthread_mutex_t table_locks[TABLE_LOCKS] = { [0 ... TABLE_LOCKS - 1] =
							    PTHREAD_MUTEX_INITIALIZER };
static atomic_uint
	directory_leases; /* so that changes in directories cost nothing while there are none */

/* ---- the table ---- */

static uint32_t bucket_of(const struct guid *client_guid, const uint8_t key[16])
{
	uint8_t both[32];

	memcpy(both, client_guid->bytes, 16);
	memcpy(both + 16, key, 16);
	return (uint32_t)hash_bytes(both, sizeof(both)) % BUCKETS;
}

static struct lease *table_find(const struct guid *client_guid, const uint8_t key[16])
{
	uint32_t bucket = bucket_of(client_guid, key);
	struct lease *lease;

	pthread_mutex_lock(&table_locks[bucket % TABLE_LOCKS]);
	lease = buckets[bucket];
	while (lease &&
	       (memcmp(lease->key, key, 16) != 0 || !guid_equal(&lease->client_guid, client_guid)))
		lease = lease->hash_next;
	if (lease)
		atomic_fetch_add(&lease->refs, 1);
	pthread_mutex_unlock(&table_locks[bucket % TABLE_LOCKS]);
	return lease;
}

static void lease_put(struct lease *lease)
{
	if (!lease || atomic_fetch_sub(&lease->refs, 1) != 1)
		return;
	file_put(lease->file);
	free(lease);
}

/* False where another lease of the key has come into the table meanwhile: for another file. */
static bool table_insert(struct lease *lease)
{
	uint32_t bucket = bucket_of(&lease->client_guid, lease->key);
	struct lease *other;

	pthread_mutex_lock(&table_locks[bucket % TABLE_LOCKS]);
	other = buckets[bucket];
	while (other && (memcmp(other->key, lease->key, 16) != 0 ||
			 !guid_equal(&other->client_guid, &lease->client_guid)))
		other = other->hash_next;
	if (!other) {
		lease->hash_next = buckets[bucket];
		buckets[bucket] = lease;
	}
	pthread_mutex_unlock(&table_locks[bucket % TABLE_LOCKS]);
	return !other;
}

static void table_remove(struct lease *lease)
{
	uint32_t bucket = bucket_of(&lease->client_guid, lease->key);
	struct lease **at = &buckets[bucket];

	pthread_mutex_lock(&table_locks[bucket % TABLE_LOCKS]);
	while (*at != lease)
		at = &(*at)->hash_next;
	*at = lease->hash_next;
	pthread_mutex_unlock(&table_locks[bucket % TABLE_LOCKS]);
}

ntstatus caching_check(const struct open_request *request, const struct file *file)
{
	struct caching_party party = caching_party_of_request(request);
	struct lease *lease;
	bool fits;

	if (!party.lease_key)
		return STATUS_SUCCESS;
	lease = table_find(party.client_guid, party.lease_key);
	fits = !lease || lease->file == file;
	lease_put(lease);
	return fits ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

bool lease_is_of(const struct lease *lease, const struct caching_party *by)
{
	return by->lease_key && by->client_guid && !memcmp(lease->key, by->lease_key, 16) &&
	       guid_equal(&lease->client_guid, by->client_guid);
}

/* ---- breaks ---- */

/* Any of its opens whose client is there to be told. */
static struct open *an_open_of(const struct lease *lease)
{
	for (struct open *open = lease->file->opens; open; open = open->file_next)
		if (open->lease == lease && open_state(open) == OPEN_LIVE)
			return open;
	return NULL;
}

static struct lease *lease_of_timer(struct timer *timer)
{
	return container_of(timer, struct lease, timer);
}

static void hold(struct timer *timer)
{
	atomic_fetch_add(&lease_of_timer(timer)->refs, 1);
}

/* No answer came: the lease is empty from now on (MS-SMB2 3.3.6.5). */
static void fire(struct timer *timer)
{
	struct lease *lease = lease_of_timer(timer);
	struct actions actions = { 0 };

	pthread_mutex_lock(&lease->file->lock);
	if (lease->breaking && !timer_is_armed(timer)) {
		lease->breaking = false;
		lease->state = SMB2_LEASE_NONE;
		waiters_wake(&lease->file->break_waiters, STATUS_SUCCESS, &actions);
	}
	pthread_mutex_unlock(&lease->file->lock);
	actions_run(&actions);
	lease_put(lease);
}

/* Those that are only kept as long as nobody minds go; true: nothing but them has the lease. */
static bool doom_parked(struct lease *lease, struct actions *actions)
{
	uint32_t doomed = 0;

	for (struct open *open = lease->file->opens; open; open = open->file_next) {
		if (open->lease != lease || !durable_yields(open))
			continue;
		durable_doom(open, actions);
		doomed++;
	}
	return doomed && doomed == lease->opens;
}

static void begin_break(struct lease *lease, uint32_t to, struct actions *actions)
{
	struct open *open = an_open_of(lease);
	bool must_answer = lease->state & (LEASE_W | LEASE_H);

	/* Handles that nobody has a connection for stand on H; where nobody can be told, on all of
	 * it. */
	if ((!open || !(to & LEASE_H)) && doom_parked(lease, actions)) {
		lease->breaking = true; /* until they are closed */
		lease->break_to = lease->required = to;
		return;
	}
	if (open) {
		struct action *action = actions_add(actions);

		action->kind = ACTION_LEASE_BREAK;
		action->open = open_get(open);
		memcpy(action->key, lease->key, 16);
		action->current_state = lease->state;
		action->new_state = to;
		action->epoch = lease->version == 2 ? lease->epoch : 0;
		action->ack_required = must_answer;
	}
	if (!must_answer || !open) {
		lease->state = to;
		return;
	}
	lease->breaking = true;
	lease->break_to = lease->required = to;
	lease->timer.hold = hold;
	lease->timer.fire = fire;
	timer_arm(&lease->timer, open_limits.break_timeout_ms);
}

/* There is no lease of H or W alone: without R nothing is left. */
static uint32_t valid_state(uint32_t state)
{
	return state & LEASE_R ? state & (LEASE_R | LEASE_H | LEASE_W) : 0;
}

bool lease_break(struct lease *lease, const struct caching_party *by, enum cause cause,
		 struct actions *actions)
{
	uint32_t state = lease->breaking ? lease->required : lease->state, wait;
	uint32_t left = valid_state(caching_target(cause, state, &wait));

	if (lease_is_of(lease, by))
		return false;
	if (cause == CAUSE_OPEN && by->access && !(by->access & ~STAT_ACCESS))
		return false;
	if (lease->breaking) {
		lease->required = left;
	} else if (left != state) {
		if (lease->version == 2)
			lease->epoch++;
		begin_break(lease, left, actions);
	}
	return lease->breaking && (lease->state & wait);
}

/*
 * What came up while a break was on its way is taken now, one right at a time and within the same
 * epoch: handles first, which is answered, then reads.
 */
static void take_more(struct lease *lease, uint32_t required, struct actions *actions)
{
	uint32_t required_now = required | (lease->state & LEASE_R);

	lease->required = required;
	if (lease->state != required_now) {
		begin_break(lease, required_now, actions);
		lease->required = required;
	} else if (lease->state != required) {
		begin_break(lease, required, actions);
	}
}

static ntstatus ack_locked(struct lease *lease, uint32_t state, struct actions *actions)
{
	if (!lease->opens)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (!lease->breaking)
		return STATUS_UNSUCCESSFUL;
	if (state & ~lease->break_to)
		return STATUS_REQUEST_NOT_ACCEPTED;
	timer_disarm(&lease->timer);
	lease->breaking = false;
	lease->state = state;
	take_more(lease, valid_state(state & lease->required), actions);
	if (!lease->breaking)
		waiters_wake(&lease->file->break_waiters, STATUS_SUCCESS, actions);
	return STATUS_SUCCESS;
}

ntstatus open_lease_ack(const struct guid *client_guid, const uint8_t key[16], uint32_t state,
			uint32_t *granted)
{
	struct lease *lease = table_find(client_guid, key);
	struct actions actions = { 0 };
	ntstatus status;

	*granted = 0;
	if (!lease)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	pthread_mutex_lock(&lease->file->lock);
	status = ack_locked(lease, state, &actions);
	if (status == STATUS_SUCCESS)
		*granted = state;
	pthread_mutex_unlock(&lease->file->lock);
	actions_run(&actions);
	lease_put(lease);
	return status;
}

struct open *open_of_lease(const struct guid *client_guid, const uint8_t key[16])
{
	struct lease *lease = table_find(client_guid, key);
	struct open *open;

	if (!lease)
		return NULL;
	pthread_mutex_lock(&lease->file->lock);
	open = an_open_of(lease);
	if (open)
		open_get(open);
	pthread_mutex_unlock(&lease->file->lock);
	lease_put(lease);
	return open;
}

/* ---- grants ---- */

static struct lease *of_file(const struct file *file, const struct caching_party *by)
{
	struct lease *lease = file->leases;

	while (lease && !lease_is_of(lease, by))
		lease = lease->file_next;
	return lease;
}

static struct lease *lease_new(struct open *open, const struct smb2_lease *asked)
{
	struct lease *lease = xalloc(1, sizeof(*lease));

	lease->refs = 1;
	lease->file = file_get(open->file);
	lease->client_guid = open->facts.client_guid;
	memcpy(lease->key, asked->key, 16);
	lease->version = asked->version;
	lease->epoch = asked->epoch;
	if (asked->version == 2 && (asked->flags & SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET)) {
		memcpy(lease->parent_key, asked->parent_key, 16);
		lease->has_parent = true;
	}
	if (!table_insert(lease)) {
		lease_put(lease);
		return NULL;
	}
	lease->file_next = open->file->leases;
	open->file->leases = lease;
	if (open->facts.is_directory)
		atomic_fetch_add(&directory_leases, 1);
	return lease;
}

/* The state that @asked may become: never H or W without R, never W on a directory. */
static uint32_t grantable(const struct open *open, const struct lease *lease,
			  const struct smb2_lease *asked)
{
	uint32_t state = asked->state & caching_grantable(open, lease, true);

	if (valid_state(asked->state) != (asked->state & (LEASE_R | LEASE_H | LEASE_W)))
		return 0;
	if (open->facts.is_directory)
		state &= LEASE_R | LEASE_H;
	return valid_state(state);
}

/* One that is there already is raised to all that is asked for, or stays. */
static void raise_to(struct lease *lease, uint32_t state, uint32_t asked, bool is_new)
{
	bool raises = (state & lease->state) == lease->state && state != lease->state &&
		      state == (asked & (LEASE_R | LEASE_H | LEASE_W));

	if (lease->breaking || (!is_new && !raises))
		return;
	lease->state = state;
	if (lease->version == 2)
		lease->epoch++;
}

void lease_answer(const struct lease *lease, struct open_result *result)
{
	result->oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
	result->lease = (struct smb2_lease){
		.present = true,
		.version = lease->version,
		.state = lease->state,
		.flags = (lease->breaking ? SMB2_LEASE_FLAG_BREAK_IN_PROGRESS : 0) |
			 (lease->has_parent ? SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET : 0),
		.epoch = lease->epoch,
	};
	memcpy(result->lease.key, lease->key, 16);
	memcpy(result->lease.parent_key, lease->parent_key, 16);
}

bool lease_held(const struct lease *lease)
{
	return (lease->state & LEASE_H) && !lease->breaking;
}

void lease_parked(struct lease *lease, struct actions *actions)
{
	if (!lease->breaking || an_open_of(lease))
		return;
	timer_disarm(&lease->timer);
	lease->breaking = false;
	lease->state = lease->required;
	waiters_wake(&lease->file->break_waiters, STATUS_SUCCESS, actions);
}

void lease_grant(struct open *open, const struct open_request *request, struct open_result *result)
{
	const struct smb2_lease *asked = &request->contexts->lease;
	struct caching_party by = caching_party_of_request(request);
	struct lease *lease = of_file(open->file, &by);
	bool is_new = !lease;

	if (open->facts.is_directory && asked->version != 2)
		return;
	if (!lease)
		lease = lease_new(open, asked);
	if (!lease) /* the key was taken for another file at this moment: no caching for this open
		     */
		return;
	lease->opens++;
	open->lease = lease;
	open->has_lease_key = true;
	memcpy(open->lease_key, lease->key, 16);
	open->has_parent_key = by.parent_key != NULL;
	if (by.parent_key)
		memcpy(open->parent_key, by.parent_key, 16);
	raise_to(lease, grantable(open, lease, asked),
		 open->facts.is_directory ? asked->state & ~LEASE_W : asked->state, is_new);
	lease_answer(lease, result);
}

bool lease_release(struct open *open)
{
	struct lease *lease = open->lease, **at = &open->file->leases;
	bool was_breaking = lease->breaking;

	open->lease = NULL;
	if (--lease->opens)
		return false;
	timer_disarm(&lease->timer);
	lease->breaking = false;
	while (*at != lease)
		at = &(*at)->file_next;
	*at = lease->file_next;
	table_remove(lease);
	if (open->facts.is_directory)
		atomic_fetch_sub(&directory_leases, 1);
	lease_put(lease);
	return was_breaking;
}

/* ---- directories ---- */

bool directory_leases_exist(void)
{
	return atomic_load(&directory_leases);
}

static bool expects_to_keep(const struct lease *lease, const struct caching_party *by)
{
	return by->parent_key && by->client_guid && !memcmp(lease->key, by->parent_key, 16) &&
	       guid_equal(&lease->client_guid, by->client_guid);
}

void directory_changed(struct volume_node *directory, const struct caching_party *by,
		       struct actions *actions)
{
	struct file auto_file *file = NULL;

	if (!directory || !directory_leases_exist())
		return;
	file = file_find(&directory->key);
	if (!file)
		return;
	pthread_mutex_lock(&file->lock);
	for (struct lease *lease = file->leases; lease; lease = lease->file_next)
		if (!expects_to_keep(lease, by))
			(void)!lease_break(lease, &(struct caching_party){ 0 }, CAUSE_WRITE,
					   actions);
	pthread_mutex_unlock(&file->lock);
}

void directory_changed_later(struct volume_node *directory, const struct caching_party *by,
			     struct actions *actions)
{
	struct action *action;

	if (!directory || !directory_leases_exist())
		return;
	action = actions_add(actions);
	action->kind = ACTION_DIRECTORY_CHANGED;
	action->directory = volume_node_get(directory);
	action->has_key = by->parent_key && by->client_guid;
	if (!action->has_key)
		return;
	memcpy(action->key, by->parent_key, sizeof(action->key));
	action->client_guid = *by->client_guid;
}
