// SPDX-License-Identifier: Apache-2.0
/* Bytes and byte-range locks of the model: MS-FSA 2.1.5.3, 2.1.5.4, 2.1.5.8, 2.1.5.9, 2.1.4.10. */
#include "model_impl.h"

static bool overlap(const struct model_lock *lock, uint32_t offset, uint32_t length)
{
	return length && lock->length && lock->offset < offset + length &&
	       offset < lock->offset + lock->length;
}

/* Who writes is stopped by every lock but its own exclusive ones; who reads, by others' exclusive
 * ones. */
static bool locked(const struct model *model, const struct model_open *open, uint32_t offset,
		   uint32_t length, bool writes)
{
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node != open->node || o->stream != open->stream)
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

static ntstatus read_data(const struct model *model, const struct model_open *open,
			  const struct op *op, struct outcome *out)
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
	if (op->offset >= stream->size)
		return STATUS_END_OF_FILE;
	out->size = min_u64(op->length, stream->size - op->offset);
	memcpy(out->data, stream->data + op->offset, out->size);
	return STATUS_SUCCESS;
}

static ntstatus write_data(const struct model *model, struct model_open *open, const struct op *op)
{
	struct stream *stream = open->stream;

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
	memset(stream->data + op->offset, op->byte, op->length);
	if (stream->size < op->offset + op->length)
		stream->size = op->offset + op->length;
	open->written = true;
	return STATUS_SUCCESS;
}

static ntstatus set_size(struct model_open *open, const struct op *op)
{
	struct stream *stream = open->stream;

	if (!(open->access & FILE_WRITE_DATA))
		return STATUS_ACCESS_DENIED;
	if (open->node->is_directory && !*stream->name)
		return STATUS_INVALID_PARAMETER;
	if (op->length < stream->size)
		memset(stream->data + op->length, 0, stream->size - op->length);
	stream->size = op->length;
	open->written = true;
	return STATUS_SUCCESS;
}

static ntstatus take_lock(const struct model *model, struct model_open *open, const struct op *op)
{
	if (open->node->is_directory && !*open->stream->name)
		return STATUS_INVALID_PARAMETER;
	if (!(open->access & (FILE_READ_DATA | FILE_WRITE_DATA)))
		return STATUS_ACCESS_DENIED;
	for (size_t i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];

		if (o->node != open->node || o->stream != open->stream)
			continue;
		for (unsigned l = 0; l < o->lock_count; l++)
			if (overlap(&o->locks[l], op->offset, op->length) &&
			    (op->flag || (o->locks[l].exclusive && o != open)))
				return STATUS_LOCK_NOT_GRANTED;
	}
	open->locks[open->lock_count++] = (struct model_lock){ op->offset, op->length, op->flag };
	return STATUS_SUCCESS;
}

static ntstatus drop_lock(struct model_open *open, const struct op *op)
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
		return set_size(open, op);
	case OP_LOCK:
		return take_lock(model, open, op);
	case OP_UNLOCK:
		return drop_lock(open, op);
	default:
		return STATUS_NOT_SUPPORTED;
	}
}
