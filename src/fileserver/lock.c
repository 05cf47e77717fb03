// SPDX-License-Identifier: Apache-2.0
/*
 * Byte-range locks (MS-FSA 2.1.5.7, 2.1.5.8, 2.1.4.10; MS-SMB2 3.3.5.14). They belong to an open;
 * whoever waits is served in the order of arrival, as far as the ranges let it. All under
 * file->lock.
 *
 * One that waits has a queue of one in its record: where that is empty its request has been
 * cancelled, and the record goes when it is next looked at.
 */
#include "opens.h"

struct byte_lock {
	struct byte_lock *next;
	struct open *open; /* lives as long as its locks */
	uint64_t offset, length;
	bool exclusive;
};

struct pending_lock {
	struct pending_lock *next;
	struct waiter_queue queue;
	struct byte_lock *lock;
};

/* Neither end is computed, so that a range may reach up to 2^64. A range of no bytes overlaps what
 * lies around it. */
static bool overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
	return a <= b ? b - a < a_length && (b_length || b != a)
		      : a - b < b_length && (a_length || a != b);
}

static bool conflicts(const struct byte_lock *held, const struct byte_lock *wanted)
{
	if (!overlap(held->offset, held->length, wanted->offset, wanted->length))
		return false;
	if (wanted->exclusive)
		return true;
	return held->exclusive && held->open != wanted->open;
}

static bool is_free(const struct file *file, const struct byte_lock *wanted)
{
	for (const struct byte_lock *held = file->locks; held; held = held->next)
		if (conflicts(held, wanted))
			return false;
	return true;
}

bool locks_allow(const struct open *open, uint64_t offset, uint64_t length, bool write)
{
	if (!length)
		return true;
	for (const struct byte_lock *held = open->file->locks; held; held = held->next) {
		bool is_own = held->open == open;

		if (held->exclusive ? is_own : !write)
			continue;
		if (overlap(held->offset, held->length, offset, length))
			return false;
	}
	return true;
}

uint32_t locks_of(const struct open *open)
{
	uint32_t count = 0;

	if (!open->file->lock_count)
		return 0;
	for (const struct byte_lock *held = open->file->locks; held; held = held->next)
		count += held->open == open;
	return count;
}

/* In the order in which they were taken. */
static void take(struct file *file, struct byte_lock *lock)
{
	struct byte_lock **at = file->locks ? &file->last_lock->next : &file->locks;

	lock->next = NULL;
	*at = lock;
	file->last_lock = lock;
	file->lock_count++;
}

/* Takes out the lock behind @previous (NULL: the first). */
static void drop_after(struct file *file, struct byte_lock *previous)
{
	struct byte_lock **at = previous ? &previous->next : &file->locks;
	struct byte_lock *lock = *at;

	*at = lock->next;
	if (file->last_lock == lock)
		file->last_lock = previous;
	file->lock_count--;
	free(lock);
}

static bool drop(struct open *open, uint64_t offset, uint64_t length)
{
	struct byte_lock *previous = NULL;

	for (struct byte_lock *at = open->file->locks; at; previous = at, at = at->next) {
		if (at->open != open || at->offset != offset || at->length != length)
			continue;
		drop_after(open->file, previous);
		return true;
	}
	return false;
}

/* ---- waiting ---- */

static void pending_free(struct file *file, struct pending_lock **at)
{
	struct pending_lock *gone = *at;

	*at = gone->next;
	free(gone->lock);
	free(gone);
	file->pending_count--;
}

static void pending_sweep(struct file *file)
{
	for (struct pending_lock **at = &file->pending; *at;) {
		if (waiter_queue_empty(&(*at)->queue))
			pending_free(file, at);
		else
			at = &(*at)->next;
	}
}

static void pending_grant(struct file *file, struct actions *actions)
{
	for (struct pending_lock **at = &file->pending; *at;) {
		struct pending_lock *pending = *at;
		struct waiter *waiter;

		if (!is_free(file, pending->lock)) {
			at = &pending->next;
			continue;
		}
		waiter = waiter_take_first(&pending->queue);
		if (waiter) {
			take(file, pending->lock);
			pending->lock = NULL;
			actions_wake(actions, waiter, STATUS_SUCCESS);
		}
		pending_free(file, at);
	}
}

static ntstatus wait_for(struct open *open, struct byte_lock *lock, struct waiter *waiter)
{
	struct file *file = open->file;
	struct pending_lock **at = &file->pending, *pending;

	pending_sweep(file);
	if (file->pending_count >= open_limits.max_waiting_locks_per_file)
		return STATUS_INSUFFICIENT_RESOURCES;
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return STATUS_NO_MEMORY;
	pending->lock = lock;
	while (*at)
		at = &(*at)->next;
	*at = pending;
	file->pending_count++;
	waiter_enqueue(&pending->queue, waiter);
	return STATUS_PENDING;
}

void locks_move(const struct open *from, struct open *to)
{
	for (struct byte_lock *held = to->file->locks; held; held = held->next)
		if (held->open == from)
			held->open = to;
}

void locks_give_up(struct open *open, struct actions *actions)
{
	struct file *file = open->file;

	for (struct pending_lock **at = &file->pending; *at;) {
		struct pending_lock *pending = *at;

		if (pending->lock->open != open) {
			at = &pending->next;
			continue;
		}
		waiters_wake(&pending->queue, STATUS_RANGE_NOT_LOCKED, actions);
		pending_free(file, at);
	}
}

void locks_release(struct open *open, struct actions *actions)
{
	struct file *file = open->file;
	struct byte_lock *previous = NULL;

	if (!file->lock_count && !file->pending)
		return;
	locks_give_up(open, actions);
	for (struct byte_lock *at = file->locks; at;) {
		struct byte_lock *next = at->next;

		if (at->open == open)
			drop_after(file, previous);
		else
			previous = at;
		at = next;
	}
	pending_grant(file, actions);
}

/* ---- the request ---- */

static bool is_unlock(const struct smb2_lock_request *request)
{
	return request->locks[0].flags & SMB2_LOCKFLAG_UNLOCK;
}

static ntstatus check_element(const struct smb2_lock_request *request,
			      const struct smb2_lock_element *element)
{
	uint32_t kind = element->flags & ~SMB2_LOCKFLAG_FAIL_IMMEDIATELY;

	if (is_unlock(request))
		return element->flags == SMB2_LOCKFLAG_UNLOCK ? STATUS_SUCCESS
							      : STATUS_INVALID_PARAMETER;
	if (kind != SMB2_LOCKFLAG_SHARED_LOCK && kind != SMB2_LOCKFLAG_EXCLUSIVE_LOCK)
		return STATUS_INVALID_PARAMETER;
	if (request->count > 1 && kind == element->flags)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static ntstatus check_range(const struct smb2_lock_element *element)
{
	return element->length && element->length - 1 > UINT64_MAX - element->offset
		       ? STATUS_INVALID_LOCK_RANGE
		       : STATUS_SUCCESS;
}

static ntstatus unlock_all(struct open *open, const struct smb2_lock_request *request,
			   struct actions *actions)
{
	ntstatus status = STATUS_SUCCESS;

	for (size_t i = 0; status == STATUS_SUCCESS && i < request->count; i++) {
		status = check_element(request, &request->locks[i]);
		if (status == STATUS_SUCCESS &&
		    !drop(open, request->locks[i].offset, request->locks[i].length))
			status = STATUS_RANGE_NOT_LOCKED;
	}
	pending_grant(open->file, actions);
	return status;
}

static struct byte_lock *lock_new(struct open *open, const struct smb2_lock_element *element)
{
	struct byte_lock *lock = calloc(1, sizeof(*lock));

	if (lock)
		*lock = (struct byte_lock){ .open = open,
					    .offset = element->offset,
					    .length = element->length,
					    .exclusive =
						    element->flags & SMB2_LOCKFLAG_EXCLUSIVE_LOCK };
	return lock;
}

static ntstatus lock_one(struct open *open, const struct smb2_lock_element *element,
			 struct waiter *waiter)
{
	struct file *file = open->file;
	struct byte_lock *lock;
	ntstatus status;

	if (file->lock_count >= open_limits.max_locks_per_file)
		return STATUS_INSUFFICIENT_RESOURCES;
	lock = lock_new(open, element);
	if (!lock)
		return STATUS_NO_MEMORY;
	if (is_free(file, lock)) {
		take(file, lock);
		return STATUS_SUCCESS;
	}
	status = STATUS_LOCK_NOT_GRANTED;
	if (!(element->flags & SMB2_LOCKFLAG_FAIL_IMMEDIATELY) && waiter)
		status = wait_for(open, lock, waiter);
	if (status != STATUS_PENDING)
		free(lock);
	return status;
}

/* Those of this request that were taken are the newest of the file. */
static void undo(struct open *open, const struct smb2_lock_request *request, size_t taken,
		 struct actions *actions)
{
	for (size_t i = 0; i < taken; i++) {
		struct byte_lock *previous = NULL, *before = NULL, *last = NULL;

		for (struct byte_lock *at = open->file->locks; at; previous = at, at = at->next) {
			if (at->open == open && at->offset == request->locks[i].offset &&
			    at->length == request->locks[i].length) {
				before = previous;
				last = at;
			}
		}
		BUG_ON(!last);
		drop_after(open->file, before);
	}
	pending_grant(open->file, actions);
}

/* Others may not cache reads of what is being locked, whether it is free or not; nobody waits for
 * that (MS-FSA 2.1.5.8). */
static ntstatus lock_valid_one(struct open *open, const struct smb2_lock_request *request,
			       size_t index, struct waiter *waiter, struct actions *actions)
{
	const struct smb2_lock_element *element = &request->locks[index];
	struct caching_party by = caching_party_of_open(open);
	ntstatus status = check_element(request, element);

	if (status == STATUS_SUCCESS)
		status = check_range(element);
	if (status != STATUS_SUCCESS)
		return status;
	(void)!caching_break(open->file, &by, CAUSE_WRITE, actions);
	return lock_one(open, element, waiter);
}

static ntstatus lock_all(struct open *open, const struct smb2_lock_request *request,
			 struct waiter *waiter, struct actions *actions)
{
	ntstatus status = STATUS_SUCCESS;
	size_t taken = 0;

	for (; taken < request->count; taken++) {
		status = lock_valid_one(open, request, taken, waiter, actions);
		if (status != STATUS_SUCCESS)
			break;
	}
	if (status != STATUS_SUCCESS && taken)
		undo(open, request, taken, actions);
	return status;
}

/*
 * A replay of a request on a handle that outlives its connection is answered as the first was: each
 * of 64 places remembers the last number that went through it (MS-SMB2 3.3.5.14).
 */
static uint8_t *sequence_place(struct open *open, const struct smb2_lock_request *request)
{
	uint32_t index = request->lock_sequence >> 4;

	if ((open->durable.kind == DURABLE_NOT && !open->counts_locks) || index < 1 || index > 64)
		return NULL;
	if (!open->lock_sequences) {
		open->lock_sequences = malloc(64);
		if (open->lock_sequences)
			memset(open->lock_sequences, 0xff, 64);
	}
	return open->lock_sequences ? &open->lock_sequences[index - 1] : NULL;
}

static ntstatus run(struct open *open, const struct smb2_lock_request *request,
		    struct waiter *waiter, struct actions *actions)
{
	uint8_t *place = sequence_place(open, request);
	uint8_t number = request->lock_sequence & 0xf;
	ntstatus status;

	if (!open->place) /* closed meanwhile */
		return STATUS_FILE_CLOSED;
	if (place && *place == number)
		return STATUS_SUCCESS;
	if (place)
		*place = 0xff;
	status = is_unlock(request) ? unlock_all(open, request, actions)
				    : lock_all(open, request, waiter, actions);
	if (place && status == STATUS_SUCCESS)
		*place = number;
	return status;
}

ntstatus open_lock_ranges(struct open *open, const struct smb2_lock_request *request,
			  struct waiter *waiter)
{
	struct file *file = open->file;
	struct actions actions = { 0 };
	ntstatus status = request->count ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;

	if (file->node->is_directory)
		return STATUS_INVALID_PARAMETER;
	if (status != STATUS_SUCCESS)
		return status;
	if (!(open->facts.granted_access & (FILE_READ_DATA | FILE_WRITE_DATA)))
		return STATUS_ACCESS_DENIED;
	pthread_mutex_lock(&file->lock);
	status = run(open, request, waiter, &actions);
	pthread_mutex_unlock(&file->lock);
	actions_run(&actions);
	return status;
}
