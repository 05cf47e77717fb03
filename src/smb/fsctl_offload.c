// SPDX-License-Identifier: Apache-2.0
/*
 * Offload copy (MS-FSA 2.1.5.10.20, 2.1.5.10.21): a range of a file is read as a token, and the
 * token is written to another, so that the bytes never leave the server.
 *
 * Nothing is kept for a token. It says what it stands for - an open of the session that asked, a
 * range, and what the file was like - and until when, and is sealed with a code that only this
 * process can make. So there is no table that clients could fill, a token is worth nothing to
 * another session, and it ends with the handle it was read through. A source that has changed since
 * is refused: the client then copies by itself.
 *
 * Ranges are checked on the loop, the bytes are moved by a helper thread, in the kernel.
 */
#include <crypto/crypto.h>
#include <wire/offload.h>

#include "request.h"

#define SECTOR		512u
#define TOKEN_FOR_BYTES (64u << 20) /* what one token stands for */
#define WRITE_BYTES	(16u << 20) /* of it in one request, as much as of a copy by chunks */
#define TOKEN_TYPE	0x42544831u
#define TOKEN_BYTES	80u /* of the id: what the code is made over */
#define CODE_BYTES	32u
#define TIME_TO_LIVE_MS 30000u
#define LONGEST_LIFE_MS 300000u

/* What a token says. */
struct claim {
	struct smb2_file_id id;
	uint64_t session_id, tree_id;
	uint64_t offset, length;
	uint64_t end_of_file, last_write, change; /* of the source, when it was read */
	uint64_t expires_ms;
};

struct offload {
	struct offload_write w;
	struct volume_node *from, *to; /* of opens that the request holds; from NULL: zeros */
	uint64_t source, bytes;
	uint64_t written;
	ntstatus status;
};

/* ---- tokens ---- */

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static uint8_t key[32]; /* set once, before it is used */

static void key_make(void)
{
	random_bytes(key, sizeof(key));
}

static bool code_of(const uint8_t id[TOKEN_BYTES], uint8_t code[CODE_BYTES])
{
	const struct iovec part = { (void *)(uintptr_t)id, TOKEN_BYTES };

	pthread_once(&key_once, key_make);
	return hmac_sha256(key, sizeof(key), &part, 1, code);
}

static bool token_make(const struct claim *claim, struct offload_token *token)
{
	auto_buf struct buf b = { 0 };

	buf_u64le(&b, claim->id.persistent);
	buf_u64le(&b, claim->id.volatile_id);
	buf_u64le(&b, claim->session_id);
	buf_u64le(&b, claim->tree_id);
	buf_u64le(&b, claim->offset);
	buf_u64le(&b, claim->length);
	buf_u64le(&b, claim->end_of_file);
	buf_u64le(&b, claim->last_write);
	buf_u64le(&b, claim->change);
	buf_u64le(&b, claim->expires_ms);
	if (b.failed)
		return false;
	BUG_ON(b.len != TOKEN_BYTES);
	*token = (struct offload_token){ .type = TOKEN_TYPE };
	memcpy(token->id, b.data, TOKEN_BYTES);
	return code_of(token->id, token->id + TOKEN_BYTES);
}

/* False: it is none of ours, or none for this session, or its time is over. */
static bool token_read(const struct offload_token *token, uint64_t session_id, struct claim *claim)
{
	struct cursor c = cur_of(token->id, TOKEN_BYTES);
	uint8_t code[CODE_BYTES];

	if (token->type != TOKEN_TYPE || !code_of(token->id, code) ||
	    !secret_equal(code, token->id + TOKEN_BYTES, CODE_BYTES))
		return false;
	claim->id.persistent = cur_u64le(&c);
	claim->id.volatile_id = cur_u64le(&c);
	claim->session_id = cur_u64le(&c);
	claim->tree_id = cur_u64le(&c);
	claim->offset = cur_u64le(&c);
	claim->length = cur_u64le(&c);
	claim->end_of_file = cur_u64le(&c);
	claim->last_write = cur_u64le(&c);
	claim->change = cur_u64le(&c);
	claim->expires_ms = cur_u64le(&c);
	return !c.bad && claim->session_id == session_id && monotonic_ms() < claim->expires_ms;
}

/* ---- reading ---- */

static ntstatus check_range(uint64_t offset, uint64_t length)
{
	bool fits = offset <= INT64_MAX && length <= INT64_MAX - offset;

	return fits && !(offset % SECTOR) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

ntstatus fsctl_offload_read(struct smb_request *rq, const struct smb2_ioctl_request *r,
			    struct buf *out)
{
	const struct open_facts *open = open_facts(rq->open);
	struct volume_attributes now;
	struct offload_token token;
	struct offload_read read;
	struct claim claim = { .id = open->id,
			       .session_id = rq->session->id,
			       .tree_id = open->tree_id };
	ntstatus status = offload_read_decode(r->input, &read);

	if (!status && r->max_output_response < OFFLOAD_READ_REPLY_BYTES)
		status = STATUS_BUFFER_TOO_SMALL;
	if (!status && open->is_directory)
		status = STATUS_OFFLOAD_READ_FILE_NOT_SUPPORTED;
	if (!status)
		status = check_range(read.offset, read.length);
	if (!status)
		status = volume_attributes(open->node, &now);
	if (status)
		return status;
	if (read.offset >= now.end_of_file)
		return STATUS_END_OF_FILE;
	/* A range may end within a sector only where the file does. */
	if (read.length % SECTOR && read.offset + read.length != now.end_of_file)
		return STATUS_INVALID_PARAMETER;
	if (!read.length)
		return STATUS_INVALID_PARAMETER;
	claim.offset = read.offset;
	claim.length = min_u64(min_u64(read.length, TOKEN_FOR_BYTES),
			       align_up(now.end_of_file - read.offset, SECTOR));
	status = open_check_read(rq->open, read.offset, (uint32_t)claim.length);
	if (status)
		return status;
	claim.end_of_file = now.end_of_file;
	claim.last_write = now.last_write_time.ticks;
	claim.change = now.change_time.ticks;
	claim.expires_ms = monotonic_ms() +
			   (read.time_to_live_ms ? min_u64(read.time_to_live_ms, LONGEST_LIFE_MS)
						 : TIME_TO_LIVE_MS);
	if (!token_make(&claim, &token))
		return STATUS_INSUFFICIENT_RESOURCES;
	offload_read_reply(out, align_up(claim.length, SECTOR), &token);
	return STATUS_SUCCESS;
}

/* ---- writing ---- */

/* On a helper thread. */
static ssize_t move(struct io_op *op)
{
	struct smb_request *rq = container_of(op, struct smb_request, io);
	struct offload *offload = rq->kept;

	if (offload->from) {
		offload->status = volume_copy(offload->from, offload->source, offload->to,
					      offload->w.offset, offload->bytes, &offload->written);
	} else {
		offload->status = volume_zero(offload->to, offload->w.offset, offload->bytes);
		offload->written = offload->status ? 0 : offload->bytes;
	}
	return 0;
}

/* What @claim says must hold now: the handle, its rights, the file as it was, the range. */
static ntstatus take_source(struct smb_request *rq, struct offload *offload,
			    const struct claim *claim)
{
	struct volume_attributes now;
	uint64_t left;
	ntstatus status;

	rq->source = open_find(&claim->id, rq->session->id, (uint32_t)claim->tree_id);
	if (!rq->source || !(open_facts(rq->source)->granted_access & FILE_READ_DATA))
		return STATUS_INVALID_TOKEN;
	status = volume_attributes(open_facts(rq->source)->node, &now);
	if (status)
		return status;
	if (now.end_of_file != claim->end_of_file ||
	    now.last_write_time.ticks != claim->last_write ||
	    now.change_time.ticks != claim->change)
		return STATUS_INVALID_TOKEN;
	if (offload->w.transfer_offset >= claim->length)
		return STATUS_INVALID_PARAMETER;
	offload->source = claim->offset + offload->w.transfer_offset;
	left = min_u64(claim->length - offload->w.transfer_offset,
		       claim->end_of_file - offload->source);
	offload->bytes = min_u64(offload->bytes, left);
	offload->from = open_facts(rq->source)->node;
	return open_check_read(rq->source, offload->source, (uint32_t)offload->bytes);
}

/* As far as the target reaches: its end does not move (MS-FSA 2.1.5.10.21). */
static ntstatus take_target(struct smb_request *rq, struct offload *offload)
{
	const struct open_facts *open = open_facts(rq->open);
	const struct offload_write *w = &offload->w;
	struct volume_attributes now;
	ntstatus status;

	if (open->is_directory)
		return STATUS_OFFLOAD_WRITE_FILE_NOT_SUPPORTED;
	status = check_range(w->offset, w->length);
	if (!status && w->transfer_offset % SECTOR)
		status = STATUS_INVALID_PARAMETER;
	if (!status)
		status = volume_attributes(open->node, &now);
	if (status)
		return status;
	if (w->length % SECTOR && w->offset + w->length != now.end_of_file)
		return STATUS_INVALID_PARAMETER;
	if (w->length && w->offset >= now.end_of_file)
		return STATUS_END_OF_FILE;
	offload->bytes = min_u64(min_u64(w->length, WRITE_BYTES),
				 w->length ? now.end_of_file - w->offset : 0);
	offload->to = open->node;
	return STATUS_SUCCESS;
}

static ntstatus begin(struct smb_request *rq, const struct smb2_ioctl_request *r, struct buf *out)
{
	struct offload *offload;
	struct claim claim;
	struct io_op *op;
	ntstatus status;

	rq->kept = offload = xalloc(1, sizeof(*offload));
	status = offload_write_decode(r->input, &offload->w);
	if (!status && r->max_output_response < OFFLOAD_WRITE_REPLY_BYTES)
		status = STATUS_BUFFER_TOO_SMALL;
	if (!status)
		status = take_target(rq, offload);
	if (status)
		return status;
	if (offload->w.token.type != OFFLOAD_TOKEN_ZERO) {
		if (!token_read(&offload->w.token, rq->session->id, &claim))
			return STATUS_INVALID_TOKEN;
		status = take_source(rq, offload, &claim);
	}
	if (!status)
		status = open_check_write(rq->open, offload->w.offset, offload->bytes);
	if (status)
		return status;
	if (!offload->bytes) {
		offload_write_reply(out, 0);
		return STATUS_SUCCESS;
	}
	op = request_wait_disk(rq);
	op->work = move;
	io_work(rq->conn->home->loop, op);
	return STATUS_PENDING;
}

ntstatus fsctl_offload_write(struct smb_request *rq, const struct smb2_ioctl_request *r,
			     struct buf *out)
{
	const struct offload *offload;

	if (!rq->resumed)
		return begin(rq, r, out);
	offload = rq->kept;
	if (offload->status && !offload->written)
		return offload->status;
	open_wrote(rq->open, offload->w.offset, (uint32_t)offload->written);
	COUNT(bytes_written, offload->written);
	offload_write_reply(out, min_u64(align_up(offload->written, SECTOR),
					 align_up(offload->w.length, SECTOR)));
	return STATUS_SUCCESS;
}
