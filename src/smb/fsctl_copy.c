// SPDX-License-Identifier: Apache-2.0
/*
 * Server-side copy (MS-SMB2 3.3.5.15.5, 3.3.5.15.6): the source is named by a resume key, which is
 * its file id and tree here, good in its own session only. Ranges are checked on the loop, the
 * bytes are moved by a helper thread, in the kernel.
 */
#include "request.h"

#define CHUNK_BYTES 1048576u  /* in one chunk */
#define TOTAL_BYTES 16777216u /* in one request */

struct copy {
	struct volume_node *from, *to; /* of opens that the request holds */
	struct smb2_copychunk_request chunks;
	uint32_t done;	     /* chunks */
	uint32_t done_bytes; /* of all */
	uint32_t partial;    /* of the chunk that failed */
	ntstatus status;
	ntstatus refusal; /* of what comes behind the chunks that are copied */
};

ntstatus fsctl_resume_key(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out)
{
	const struct open_facts *facts = open_facts(rq->open);

	if (r->max_output_response < 32)
		return STATUS_INVALID_PARAMETER;
	buf_u64le(out, facts->id.persistent);
	buf_u64le(out, facts->id.volatile_id);
	buf_u64le(out, facts->tree_id);
	buf_u32le(out, 0); /* ContextLength */
	buf_u32le(out, 0);
	return STATUS_SUCCESS;
}

static struct open *find_source(struct smb_request *rq, const uint8_t key[24])
{
	struct cursor c = cur_of(key, 24);
	struct smb2_file_id id = { .persistent = cur_u64le(&c) };

	id.volatile_id = cur_u64le(&c);
	return open_find(&id, rq->session->id, (uint32_t)cur_u64le(&c));
}

static void answer(struct buf *out, uint32_t chunks, uint32_t partial, uint32_t total)
{
	buf_u32le(out, chunks);
	buf_u32le(out, partial);
	buf_u32le(out, total);
}

/* The client is told what would be allowed. */
static ntstatus over_limits(struct smb_request *rq, struct buf *out)
{
	answer(out, SMB2_COPYCHUNK_MAX_CHUNKS, CHUNK_BYTES, TOTAL_BYTES);
	rq->keep_body = true;
	return STATUS_INVALID_PARAMETER;
}

static bool within_limits(const struct smb2_copychunk_request *r)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		if (!r->chunks[i].length || r->chunks[i].length > CHUNK_BYTES)
			return false;
		total += r->chunks[i].length;
	}
	return total <= TOTAL_BYTES;
}

/* On a helper thread. */
static ssize_t copy_chunks(struct io_op *op)
{
	struct smb_request *rq = container_of(op, struct smb_request, io);
	struct copy *copy = rq->kept;

	for (; copy->done < copy->chunks.count; copy->done++) {
		const struct smb2_copychunk *chunk = &copy->chunks.chunks[copy->done];
		uint64_t copied = 0;

		copy->status = volume_copy(copy->from, chunk->source_offset, copy->to,
					   chunk->target_offset, chunk->length, &copied);
		if (!copy->status && copied < chunk->length)
			copy->status = STATUS_INVALID_VIEW_SIZE; /* the source ends before */
		copy->done_bytes += (uint32_t)copied;
		if (copy->status) {
			copy->partial = (uint32_t)copied;
			break;
		}
	}
	return 0;
}

static ntstatus check_chunk(struct smb_request *rq, const struct smb2_copychunk *chunk)
{
	ntstatus status = open_check_read(rq->source, chunk->source_offset, chunk->length);
	struct file_facts facts;

	if (status == STATUS_END_OF_FILE)
		return STATUS_INVALID_VIEW_SIZE;
	if (!status)
		status = open_query_attributes(rq->source, &facts);
	if (!status && (chunk->source_offset > facts.end_of_file ||
			chunk->length > facts.end_of_file - chunk->source_offset))
		return STATUS_INVALID_VIEW_SIZE;
	if (!status)
		status = open_check_write(rq->open, chunk->target_offset, chunk->length);
	return status;
}

/* What is copied are the chunks before the first that may not be; *refusal says why that. */
static void check_chunks(struct smb_request *rq, struct smb2_copychunk_request *r,
			 ntstatus *refusal)
{
	*refusal = STATUS_SUCCESS;
	for (uint32_t i = 0; i < r->count && !*refusal; i++) {
		*refusal = check_chunk(rq, &r->chunks[i]);
		if (*refusal)
			r->count = i;
	}
}

static ntstatus begin(struct smb_request *rq, const struct smb2_ioctl_request *r, struct buf *out)
{
	struct copy *copy;
	struct io_op *op;
	ntstatus status;

	if (r->max_output_response < 12)
		return STATUS_INVALID_PARAMETER;
	rq->kept = copy = xalloc(1, sizeof(*copy));
	status = smb2_copychunk_request_decode(r->input, &copy->chunks);
	if (status || !within_limits(&copy->chunks))
		return over_limits(rq, out);
	answer(out, 0, 0, 0); /* an error says so, too: nothing was copied */
	rq->keep_body = true;
	rq->source = find_source(rq, copy->chunks.source_key);
	if (!rq->source)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (!(open_facts(rq->source)->granted_access & (FILE_READ_DATA | FILE_EXECUTE)) ||
	    open_facts(rq->source)->is_directory || open_facts(rq->open)->is_directory)
		return STATUS_ACCESS_DENIED;
	check_chunks(rq, &copy->chunks, &copy->refusal);
	if (copy->refusal && !copy->chunks.count)
		return copy->refusal;
	copy->from = open_facts(rq->source)->node;
	copy->to = open_facts(rq->open)->node;
	op = request_wait_disk(rq);
	op->work = copy_chunks;
	io_work(rq->conn->home->loop, op);
	return STATUS_PENDING;
}

ntstatus fsctl_copychunk(struct smb_request *rq, const struct smb2_ioctl_request *r,
			 struct buf *out)
{
	const struct copy *copy;

	if (!rq->resumed)
		return begin(rq, r, out);
	copy = rq->kept;
	for (uint32_t i = 0; i < copy->done; i++)
		open_wrote(rq->open, copy->chunks.chunks[i].target_offset,
			   copy->chunks.chunks[i].length);
	COUNT(bytes_written, copy->done_bytes);
	answer(out, copy->done, copy->partial, copy->done_bytes);
	rq->keep_body = true;
	return copy->status ? copy->status : copy->refusal;
}

#define CLUSTER 4096u

static bool overlaps(const struct open_facts *a, uint64_t a_offset, const struct open_facts *b,
		     uint64_t b_offset, uint64_t length)
{
	bool is_same = a->node->key.inode == b->node->key.inode &&
		       a->node->key.device == b->node->key.device;

	return is_same &&
	       (a_offset > b_offset ? a_offset - b_offset : b_offset - a_offset) < length;
}

/* May these bytes of the source become those of the target? (MS-FSA 2.1.5.10.4) */
static ntstatus check_clone(struct smb_request *rq, uint64_t from, uint64_t to, uint64_t length)
{
	const struct open_facts *source = open_facts(rq->source), *target = open_facts(rq->open);
	struct volume_attributes s, t;
	ntstatus status;

	if (source->node->volume != target->node->volume || source->is_directory ||
	    target->is_directory || from > INT64_MAX || to > INT64_MAX || length > INT64_MAX ||
	    (from | to | length) % CLUSTER)
		return STATUS_INVALID_PARAMETER;
	if (!(source->granted_access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	status = volume_attributes(source->node, &s);
	if (!status)
		status = volume_attributes(target->node, &t);
	if (status)
		return status;
	if (from + length > align_up(s.end_of_file, CLUSTER) ||
	    overlaps(source, from, target, to, length))
		return STATUS_NOT_SUPPORTED;
	/* A target that is not sparse has its space already: it does not grow, and gets no holes.
	 */
	if (!(t.attributes & FILE_ATTRIBUTE_SPARSE_FILE) &&
	    (to + length > t.end_of_file || (s.attributes & FILE_ATTRIBUTE_SPARSE_FILE)))
		return STATUS_NOT_SUPPORTED;
	return open_begin_write(rq->open);
}

ntstatus fsctl_duplicate_extents(struct smb_request *rq, const struct smb2_ioctl_request *r,
				 struct buf *out)
{
	struct cursor c = r->input;
	struct smb2_file_id id = { .persistent = cur_u64le(&c) };
	uint64_t from, to, length;
	ntstatus status;

	id.volatile_id = cur_u64le(&c);
	from = cur_u64le(&c);
	to = cur_u64le(&c);
	length = cur_u64le(&c);
	if (c.bad)
		return STATUS_BUFFER_TOO_SMALL;
	if (!volume_clones(open_facts(rq->open)->node->volume))
		return STATUS_INVALID_DEVICE_REQUEST;
	rq->source = open_find(&id, rq->session->id, rq->tree->id);
	if (!rq->source)
		return STATUS_INVALID_HANDLE;
	status = check_clone(rq, from, to, length);
	if (!status)
		status = volume_clone(open_facts(rq->source)->node, from,
				      open_facts(rq->open)->node, to, length);
	if (!status)
		open_wrote(rq->open, to, (uint32_t)min_u64(length, UINT32_MAX));
	return status;
}
