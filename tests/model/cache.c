// SPDX-License-Identifier: Apache-2.0
/*
 * Oplocks and leases of the model: MS-FSA 2.1.4.12, 2.1.5.18, 2.1.5.19; MS-SMB2 3.3.5.9.8,
 * 3.3.5.9.11, 3.3.5.22. Both are three rights, to keep reads (R), handles (H) and writes (W).
 */
#include "model_impl.h"

#define R SMB2_LEASE_READ
#define H SMB2_LEASE_HANDLE
#define W SMB2_LEASE_WRITE

/* What each cause takes, and what of that it waits for. */
static const struct {
	uint32_t takes, waits;
} causes[] = {
	[BY_OPEN] = { W, W },	       [BY_SHARING] = { H, H }, [BY_OVERWRITE] = { R | H | W, W },
	[BY_WRITE] = { R | H | W, 0 }, [BY_HANDLE] = { H, H },
};

/* Opens that only look at or set attributes leave caching alone, and do not count as others. */
static bool is_stat(uint32_t access)
{
	return !(access & ~(uint32_t)(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE));
}

struct party party_of_open(const struct model_open *open)
{
	return (struct party){
		.open = open,
		.is_client = true,
		.client = open->client,
		.key = open->lease_key,
		.parent_key = open->parent_key,
	};
}

struct party party_of_create(const struct op *op)
{
	struct party party = { .is_client = true, .client = op->client };

	if (op->oplock == SMB2_OPLOCK_LEVEL_LEASE) {
		party.key = op->lease_key;
		party.parent_key = op->parent_key;
	}
	return party;
}

/* There is no H or W without R. */
static uint32_t valid(uint32_t state)
{
	return state & R ? state : 0;
}

/* A break on @stream has ended. */
static void wake(struct model *model, const struct stream *stream)
{
	if (model->parked && model->parked->stream == stream)
		model->parked->is_woken = true;
}

/* ---- breaks ---- */

static uint32_t rights_of(uint8_t oplock)
{
	switch (oplock) {
	case SMB2_OPLOCK_LEVEL_II:
		return R;
	case SMB2_OPLOCK_LEVEL_EXCLUSIVE:
		return R | W;
	case SMB2_OPLOCK_LEVEL_BATCH:
		return R | H | W;
	default:
		return 0;
	}
}

static void oplock_begin(struct model *model, struct model_open *open, uint8_t level)
{
	event_oplock_break(model->out, open->client, (unsigned)(open - model->opens), level);
	if (open->oplock == SMB2_OPLOCK_LEVEL_II) { /* there is nothing to answer */
		open->oplock = level;
		return;
	}
	open->oplock_breaking = true;
	open->oplock_break_to = open->oplock_required = level;
}

static bool oplock_break(struct model *model, struct model_open *open, const struct party *by,
			 enum cause cause)
{
	uint32_t rights = rights_of(open->oplock);
	uint32_t left = rights & ~causes[cause].takes;
	uint8_t level = left & R ? SMB2_OPLOCK_LEVEL_II : SMB2_OPLOCK_LEVEL_NONE;

	if (left == rights || (cause == BY_OPEN && is_stat(by->access)))
		return false;
	if (open->is_kept) { /* as long as nobody minds */
		open_end(model, open);
		model->is_again = true;
		return true;
	}
	if (!open->oplock_breaking)
		oplock_begin(model, open, level);
	else if (level < open->oplock_required)
		open->oplock_required = level;
	return open->oplock_breaking && (rights & causes[cause].waits);
}

static void lease_begin(struct model *model, struct model_lease *lease, uint32_t to)
{
	bool is_answered = lease->state & (W | H);

	event_lease_break(model->out, lease->client, lease->key, lease->state, to, lease->epoch,
			  is_answered);
	lease->breaking = is_answered;
	if (!is_answered)
		lease->state = to;
	lease->break_to = lease->required = to;
}

static bool lease_break(struct model *model, struct model_lease *lease, const struct party *by,
			enum cause cause)
{
	uint32_t from = lease->breaking ? lease->required : lease->state;
	uint32_t left = valid(from & ~causes[cause].takes);

	if (by->is_client && by->key == lease->key && by->client == lease->client)
		return false;
	if (cause == BY_OPEN && is_stat(by->access))
		return false;
	if (lease->breaking) {
		lease->required = left;
	} else if (left != from) {
		lease->epoch++;
		lease_begin(model, lease, left);
	}
	return lease->breaking && (lease->state & causes[cause].waits);
}

bool cache_break(struct model *model, struct stream *stream, const struct party *by,
		 enum cause cause)
{
	bool waits = false;

	for (size_t i = 0; i < MODEL_LEASES; i++)
		if (model->leases[i].opens && model->leases[i].stream == stream)
			waits |= lease_break(model, &model->leases[i], by, cause);
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		struct model_open *open = &model->opens[i];
		/* Who changes data keeps no level II over that. */
		bool is_spared = open == by->open &&
				 !(cause == BY_WRITE && open->oplock == SMB2_OPLOCK_LEVEL_II);

		if (open->node && open->stream == stream && open->oplock && !is_spared)
			waits |= oplock_break(model, open, by, cause);
	}
	if (waits)
		model->break_on = stream;
	return waits;
}

void cache_directory_changed(struct model *model, struct node *directory, const struct party *by)
{
	static const struct party nobody = { 0 };

	for (size_t i = 0; i < MODEL_LEASES; i++) {
		struct model_lease *lease = &model->leases[i];
		bool is_expected = by->parent_key && by->parent_key == lease->key &&
				   by->client == lease->client;

		if (lease->opens && lease->stream == &directory->streams[0] && !is_expected)
			(void)!lease_break(model, lease, &nobody, BY_WRITE);
	}
}

void cache_changed(struct model *model, const struct model_open *open)
{
	struct party by = party_of_open(open);

	if (open->node->parent && !open->node->gone)
		cache_directory_changed(model, open->node->parent, &by);
}

/* ---- grants ---- */

static struct model_lease *lease_find(const struct model *model, unsigned client, unsigned key)
{
	for (size_t i = 0; i < MODEL_LEASES; i++)
		if (model->leases[i].opens && model->leases[i].client == client &&
		    model->leases[i].key == key)
			return (struct model_lease *)&model->leases[i];
	return NULL;
}

bool cache_fits(const struct model *model, const struct op *op, const struct stream *stream)
{
	const struct model_lease *lease = lease_find(model, op->client, op->lease_key);

	return op->oplock != SMB2_OPLOCK_LEVEL_LEASE || !lease || lease->stream == stream;
}

static bool has_locks(const struct model *model, const struct stream *stream)
{
	for (size_t i = 0; i < MODEL_OPENS; i++)
		if (model->opens[i].node && model->opens[i].stream == stream &&
		    model->opens[i].lock_count)
			return true;
	return false;
}

/* What may be cached at most beside the other opens. */
static uint32_t grantable(const struct model *model, const struct model_open *open,
			  const struct model_lease *own, bool for_lease)
{
	uint32_t most = R | H | W;

	if (has_locks(model, open->stream))
		return 0;
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (!o->node || o->stream != open->stream || o == open || (own && o->lease == own))
			continue;
		if (o->oplock > SMB2_OPLOCK_LEVEL_II || (o->lease && (o->lease->state & W)))
			return 0;
		if (!is_stat(o->sharing_access) || o->oplock || o->lease)
			most &= ~W;
		if (for_lease && o->oplock == SMB2_OPLOCK_LEVEL_II)
			most &= ~H; /* an oplock has none of its own, and the two do not mix */
		if (!for_lease && o->lease && (o->lease->state & H))
			most = 0;
	}
	return most;
}

static void grant_oplock(struct model *model, struct model_open *open, const struct op *op,
			 struct outcome *out)
{
	uint32_t most = grantable(model, open, NULL, false);

	if (!rights_of(op->oplock) || (open->node->is_directory && !*open->stream->name) ||
	    !(most & R))
		return;
	open->oplock = most & W ? op->oplock : SMB2_OPLOCK_LEVEL_II;
	out->oplock = open->oplock;
}

static struct model_lease *lease_new(struct model *model, struct model_open *open,
				     const struct op *op)
{
	for (size_t i = 0; i < MODEL_LEASES; i++) {
		struct model_lease *lease = &model->leases[i];

		if (lease->opens)
			continue;
		*lease = (struct model_lease){
			.client = op->client,
			.key = op->lease_key,
			.parent_key = op->parent_key,
			.node = open->node,
			.stream = open->stream,
		};
		return lease;
	}
	return NULL; /* there are as many as keys */
}

static void grant_lease(struct model *model, struct model_open *open, const struct op *op,
			struct outcome *out)
{
	struct model_lease *lease = lease_find(model, op->client, op->lease_key);
	bool is_new = !lease, is_directory = open->node->is_directory && !*open->stream->name;
	uint32_t asked = op->lease_state & (is_directory ? R | H : R | H | W), state;

	if (is_new)
		lease = lease_new(model, open, op);
	BUG_ON(!lease);
	open->lease = lease;
	lease->opens++;
	state = valid(asked & grantable(model, open, lease, true));
	if (valid(op->lease_state) != op->lease_state)
		state = 0;
	/* One that is there is raised to all that is asked for, or stays as it is. */
	if (!lease->breaking && (is_new || ((state & lease->state) == lease->state &&
					    state != lease->state && state == asked))) {
		lease->state = state;
		lease->epoch++;
	}
	out->oplock = SMB2_OPLOCK_LEVEL_LEASE;
	out->lease_state = lease->state;
	out->lease_epoch = lease->epoch;
	out->lease_breaking = lease->breaking;
}

void cache_grant(struct model *model, struct model_open *open, const struct op *op,
		 struct outcome *out)
{
	if (op->oplock != SMB2_OPLOCK_LEVEL_LEASE) {
		grant_oplock(model, open, op, out);
		return;
	}
	open->lease_key = op->lease_key;
	open->parent_key = op->parent_key;
	grant_lease(model, open, op, out);
}

void cache_release(struct model *model, struct model_open *open, const struct node *node,
		   struct stream *stream)
{
	bool was_breaking = open->oplock_breaking, is_last = true;

	if (open->lease && !--open->lease->opens)
		was_breaking |= open->lease->breaking;
	for (size_t i = 0; i < MODEL_OPENS; i++)
		is_last &= model->opens[i].node != node || model->opens[i].stream != stream;
	if (was_breaking || is_last)
		wake(model, stream);
}

/* ---- acknowledgements ---- */

static ntstatus acknowledge_oplock(struct model *model, const struct op *op, struct outcome *out)
{
	struct model_open *open = &model->opens[op->slot];
	ntstatus status = STATUS_SUCCESS;
	uint8_t level = op->oplock;

	if (open->lease)
		return STATUS_INVALID_PARAMETER;
	if (!open->oplock_breaking)
		return STATUS_INVALID_OPLOCK_PROTOCOL;
	if (level > open->oplock_break_to) {
		level = SMB2_OPLOCK_LEVEL_NONE;
		status = STATUS_INVALID_OPLOCK_PROTOCOL;
	}
	open->oplock_breaking = false;
	open->oplock = level;
	if (level > open->oplock_required)
		oplock_begin(model, open, open->oplock_required);
	wake(model, open->stream);
	out->oplock = status ? 0 : level;
	return status;
}

static ntstatus acknowledge_lease(struct model *model, const struct op *op, struct outcome *out)
{
	struct model_lease *lease = lease_find(model, op->client, op->lease_key);
	uint32_t required;

	if (!lease)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (!lease->breaking)
		return STATUS_UNSUCCESSFUL;
	if (op->lease_state & ~lease->break_to)
		return STATUS_REQUEST_NOT_ACCEPTED;
	lease->breaking = false;
	lease->state = op->lease_state;
	out->lease_state = op->lease_state;
	/* What came up meanwhile goes now: handles first, which is answered, then reads. */
	required = valid(op->lease_state & lease->required);
	if (lease->state != (required | (lease->state & R)))
		lease_begin(model, lease, required | (lease->state & R));
	else if (lease->state != required)
		lease_begin(model, lease, required);
	lease->required = required;
	if (!lease->breaking)
		wake(model, lease->stream);
	return STATUS_SUCCESS;
}

ntstatus cache_acknowledge(struct model *model, const struct op *op, struct outcome *out)
{
	return op->lease_key ? acknowledge_lease(model, op, out)
			     : acknowledge_oplock(model, op, out);
}
