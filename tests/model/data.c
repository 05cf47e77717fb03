// SPDX-License-Identifier: Apache-2.0
/* Bytes and byte-range locks of the model: MS-FSA 2.1.5.3, 2.1.5.4, 2.1.5.8, 2.1.5.9, 2.1.4.10. */
#include "model_impl.h"

static bool overlap(const struct model_lock *lock, uint32_t offset, uint32_t length)
{
	/* A range of no bytes overlaps what lies around it, and nothing at its edges. */
	if (lock->offset <= offset)
		return offset - lock->offset < lock->length && (length || offset != lock->offset);
	return lock->offset - offset < length && (lock->length || lock->offset != offset);
}

/* Who writes is stopped by every lock but its own exclusive ones; who reads, by others' exclusive
 * ones. */
static bool locked(const struct model *model, const struct model_open *open, uint32_t offset,
		   uint32_t length, bool writes)
{
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node != open->node || o->stream != open->stream || !length)
			continue;
		for (unsigned l = 0; l < o->lock_count; l++) {
			const struct model_lock *lock = &o->locks[l];

			if (!overlap(lock, offset, length))
				continue;
			if (lock->exclusive ? o != open : writes)
				return true;
		}
	}
	return false;
}

static ntstatus read_data(const struct model *model, struct model_open *open, const struct op *op,
			  struct outcome *out)
{
	const struct stream *stream = open->stream;

	if (open->node->is_directory && !*stream->name)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(open->access & (FILE_READ_DATA | FILE_EXECUTE)))
		return STATUS_ACCESS_DENIED;
	if (locked(model, open, op->offset, op->length, false))
		return STATUS_FILE_LOCK_CONFLICT;
	if (!op->length)
		return STATUS_SUCCESS;
	times_accessed(open);
	if (op->offset >= stream->size)
		return STATUS_END_OF_FILE;
	out->size = min_u64(op->length, stream->size - op->offset);
	memcpy(out->data, stream->data + op->offset, out->size);
	return STATUS_SUCCESS;
}

static ntstatus write_data(struct model *model, struct model_open *open, const struct op *op)
{
	struct stream *stream = open->stream;
	struct party by = party_of_open(open);

	if (open->node->is_directory && !*stream->name)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(open->access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	if (!(open->access & FILE_WRITE_DATA) && op->offset < stream->size)
		return STATUS_ACCESS_DENIED;
	if (locked(model, open, op->offset, op->length, true))
		return STATUS_FILE_LOCK_CONFLICT;
	if (!op->length)
		return STATUS_SUCCESS;
	(void)!cache_break(model, stream, &by, BY_WRITE);
	memset(stream->data + op->offset, op->byte, op->length);
	if (stream->size < op->offset + op->length)
		stream->size = op->offset + op->length;
	times_written(model, open);
	return STATUS_SUCCESS;
}

static ntstatus set_size(struct model *model, struct model_open *open, const struct op *op)
{
	struct stream *stream = open->stream;
	struct party by = party_of_open(open);

	if (!(open->access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (open->node->is_directory && !*stream->name)
		return STATUS_INVALID_PARAMETER;
	(void)!cache_break(model, stream, &by, BY_WRITE);
	if (op->length < stream->size)
		memset(stream->data + op->length, 0, stream->size - op->length);
	stream->size = op->length;
	times_written(model, open);
	cache_changed(model, open);
	return STATUS_SUCCESS;
}

/* MS-FSA 2.1.5.10.39: behind the end there is nothing to do. */
static ntstatus zero_data(struct model *model, struct model_open *open, const struct op *op)
{
	struct stream *stream = open->stream;
	struct party by = party_of_open(open);
	uint32_t length;

	if (!(open->access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (open->node->is_directory && !*stream->name)
		return STATUS_INVALID_PARAMETER;
	if (!op->length || op->offset >= stream->size)
		return STATUS_SUCCESS;
	length = (uint32_t)min_u64(op->length, stream->size - op->offset);
	if (locked(model, open, op->offset, length, true))
		return STATUS_FILE_LOCK_CONFLICT;
	(void)!cache_break(model, stream, &by, BY_WRITE);
	memset(stream->data + op->offset, 0, length);
	times_written(model, open);
	return STATUS_SUCCESS;
}

/* MS-SMB2 3.3.5.15.6: a read of the source, and a write of the target. */
static ntstatus copy_data(struct model *model, struct model_open *open, const struct op *op,
			  struct outcome *out)
{
	struct model_open *source = &model->opens[op->from];
	struct stream *to = open->stream;
	struct party by = party_of_open(open);

	if (!(open->access & FILE_WRITE_DATA) || (!op->flag && !(open->access & FILE_READ_DATA)))
		return STATUS_ACCESS_DENIED;
	if (!op->length)
		return STATUS_INVALID_PARAMETER;
	if (!(source->access & (FILE_READ_DATA | FILE_EXECUTE)) ||
	    (source->node->is_directory && !*source->stream->name) ||
	    (open->node->is_directory && !*to->name))
		return STATUS_ACCESS_DENIED;
	if (locked(model, source, op->offset, op->length, false))
		return STATUS_FILE_LOCK_CONFLICT;
	times_accessed(source);
	if (op->offset + op->length > source->stream->size)
		return STATUS_INVALID_VIEW_SIZE;
	if (locked(model, open, op->target_offset, op->length, true))
		return STATUS_FILE_LOCK_CONFLICT;
	(void)!cache_break(model, to, &by, BY_WRITE);
	memmove(to->data + op->target_offset, source->stream->data + op->offset, op->length);
	if (to->size < op->target_offset + op->length)
		to->size = op->target_offset + op->length;
	times_written(model, open);
	out->size = op->length;
	return STATUS_SUCCESS;
}

/* ---- byte-range locks ---- */

static bool is_free(const struct model *model, const struct model_open *open,
		    const struct model_lock *wanted)
{
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node != open->node || o->stream != open->stream)
			continue;
		for (unsigned l = 0; l < o->lock_count; l++)
			if (overlap(&o->locks[l], wanted->offset, wanted->length) &&
			    (wanted->exclusive || (o->locks[l].exclusive && o != open)))
				return false;
	}
	return true;
}

static void answer_wait(struct model *model, struct model_wait *wait, ntstatus status)
{
	struct outcome answer = { .status = status };

	event_answer(model->out, (unsigned)(wait - model->waits), &answer);
	wait->is_used = false;
}

static struct model_wait *next_wait(struct model *model, uint64_t after)
{
	struct model_wait *next = NULL;

	for (size_t i = 0; i < MODEL_WAITS; i++) {
		struct model_wait *w = &model->waits[i];

		if (w->is_used && w != model->parked && w->order > after &&
		    (!next || w->order < next->order))
			next = w;
	}
	return next;
}

/* Those that wait get what is free now, first come first served. */
static void grant_waiting(struct model *model, const struct stream *stream)
{
	uint64_t order = 0;

	for (struct model_wait *w; (w = next_wait(model, order));) {
		struct model_open *open = &model->opens[w->op.slot];
		struct model_lock wanted = { w->op.offset, w->op.length, w->op.flag };

		order = w->order;
		if (open->stream != stream || !open->node || !is_free(model, open, &wanted))
			continue;
		open->locks[open->lock_count++] = wanted;
		answer_wait(model, w, STATUS_SUCCESS);
	}
}

void locks_release(struct model *model, struct model_open *open)
{
	for (size_t i = 0; i < MODEL_WAITS; i++) {
		struct model_wait *w = &model->waits[i];

		if (w->is_used && w != model->parked && w->serial == open->serial)
			answer_wait(model, w, STATUS_RANGE_NOT_LOCKED);
	}
	open->lock_count = 0;
	grant_waiting(model, open->stream);
}

static ntstatus take_lock(struct model *model, struct model_open *open, const struct op *op)
{
	struct model_lock wanted = { op->offset, op->length, op->flag };
	struct party by = party_of_open(open);

	if (open->node->is_directory && !*open->stream->name)
		return STATUS_INVALID_PARAMETER;
	if (!(open->access & (FILE_READ_DATA | FILE_WRITE_DATA)))
		return STATUS_ACCESS_DENIED;
	/* MS-FSA 2.1.5.7: caching ends when the lock is asked for. */
	(void)!cache_break(model, open->stream, &by, BY_WRITE);
	if (!is_free(model, open, &wanted))
		return op->waits ? STATUS_PENDING : STATUS_LOCK_NOT_GRANTED;
	open->locks[open->lock_count++] = wanted;
	return STATUS_SUCCESS;
}

static ntstatus drop_lock(struct model *model, struct model_open *open, const struct op *op)
{
	if (open->node->is_directory && !*open->stream->name)
		return STATUS_INVALID_PARAMETER;
	if (!(open->access & (FILE_READ_DATA | FILE_WRITE_DATA)))
		return STATUS_ACCESS_DENIED;
	for (unsigned l = 0; l < open->lock_count; l++) {
		if (open->locks[l].offset != op->offset || open->locks[l].length != op->length)
			continue;
		memmove(&open->locks[l], &open->locks[l + 1],
			(--open->lock_count - l) * sizeof(open->locks[0]));
		grant_waiting(model, open->stream);
		return STATUS_SUCCESS;
	}
	return STATUS_RANGE_NOT_LOCKED;
}

ntstatus data_apply(struct model *model, struct model_open *open, const struct op *op,
		    struct outcome *out)
{
	switch (op->kind) {
	case OP_READ:
		return read_data(model, open, op, out);
	case OP_WRITE:
		return write_data(model, open, op);
	case OP_SET_SIZE:
		return set_size(model, open, op);
	case OP_LOCK:
		return take_lock(model, open, op);
	case OP_UNLOCK:
		return drop_lock(model, open, op);
	case OP_ZERO:
		return zero_data(model, open, op);
	case OP_COPY:
		return copy_data(model, open, op, out);
	default:
		return STATUS_NOT_SUPPORTED;
	}
}
