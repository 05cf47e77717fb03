// SPDX-License-Identifier: Apache-2.0
/*
 * READ (MS-SMB2 3.3.5.12): from the page cache straight into the reply, behind its head; the disk
 * is asked (and the request waits) only for what is not there.
 */
#include "request.h"

#include <errno.h>
#include <sys/uio.h>

#define CHANNEL_NONE 0
/* From here on a helper's copy beside the loop's own work pays for waking it. */
#define BESIDE_MIN   (256u << 10)

static ntstatus read_pipe(struct smb_request *rq, const struct smb2_read_request *r)
{
	size_t head = rq->reply.len;
	ntstatus status;

	smb2_read_response_encode_head(&rq->reply, 0, 0);
	status = pipe_read(rq->pipe, r->length, &rq->reply);
	if (status == STATUS_PIPE_EMPTY) {
		rq->reply.len = head;
		return request_wait_pipe(rq);
	}
	if (nt_failed(status) || rq->reply.failed)
		return status;
	head += SMB2_READ_RESPONSE_HEAD;
	buf_put_u32le(&rq->reply, head - SMB2_READ_RESPONSE_HEAD + 4,
		      (uint32_t)(rq->reply.len - head));
	return status;
}

/* All of the range is read, or the end of the file was met. */
static ntstatus finish(struct smb_request *rq, const struct smb2_read_request *r)
{
	size_t got = rq->progress;

	if (!got && (r->length || r->minimum_count))
		return STATUS_END_OF_FILE;
	if (got < r->minimum_count)
		return STATUS_END_OF_FILE;
	smb2_read_response_encode_head(&rq->reply, (uint32_t)got, 0);
	rq->reply.len += got; /* the bytes are there already */
	open_set_position(rq->open, r->offset + got);
	compress_wish(rq, r->flags & SMB2_READFLAG_REQUEST_COMPRESSED, SMB2_READ_RESPONSE_HEAD);
	COUNT(bytes_read, got);
	return STATUS_SUCCESS;
}

/* Read on behind what is there. STATUS_PENDING: from the disk. */
static ntstatus read_on(struct smb_request *rq, const struct smb2_read_request *r, uint8_t *data)
{
	int fd = open_facts(rq->open)->node->fd;

	/* More requests have come: a helper reads for this one while the loop goes on with them. */
	if (!rq->progress && r->length >= BESIDE_MIN && stream_has_more(rq->conn->stream)) {
		struct io_op *op = request_wait_disk(rq);

		if (io_read_beside(rq->conn->home->loop, op, fd, data, r->length, r->offset))
			return STATUS_PENDING;
		request_wait_none(rq);
	}
	while (rq->progress < r->length) {
		struct iovec part = { data + rq->progress, r->length - rq->progress };
		uint64_t at = r->offset + rq->progress;
		ssize_t n = preadv2(fd, &part, 1, (off_t)at, RWF_NOWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP)) {
			io_read(rq->conn->home->loop, request_wait_disk(rq), fd, part.iov_base,
				part.iov_len, at);
			return STATUS_PENDING;
		}
		if (n < 0)
			return ntstatus_of_errno(errno);
		if (!n)
			break;
		rq->progress += (size_t)n;
	}
	return finish(rq, r);
}

static ntstatus read_file(struct smb_request *rq, const struct smb2_read_request *r)
{
	uint8_t *room;
	ntstatus status;

	if (!rq->resumed) {
		status = open_check_read(rq->open, r->offset, r->length);
		if (status)
			return status;
	}
	/* After a wait this is the same place: nothing was appended meanwhile. */
	room = buf_room(&rq->reply, SMB2_READ_RESPONSE_HEAD + (size_t)r->length);
	if (!room)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (rq->resumed) {
		if (rq->io_result < 0)
			return ntstatus_of_errno((int)rq->io_result);
		rq->progress += (size_t)rq->io_result;
		if (!rq->io_result)
			return finish(rq, r);
	}
	return read_on(rq, r, room + SMB2_READ_RESPONSE_HEAD);
}

ntstatus cmd_read(struct smb_request *rq)
{
	struct smb2_read_request r;
	struct cursor message = rq->message;
	ntstatus status;

	status = smb2_read_request_decode(&message, &r);
	if (!status)
		status = request_charge(rq, r.length);
	if (!status)
		status = request_open(rq, &r.file_id);
	if (status)
		return status;
	if (r.length > rq->conn->max_read || r.channel != CHANNEL_NONE ||
	    (!rq->pipe && r.offset > INT64_MAX - (uint64_t)r.length))
		return STATUS_INVALID_PARAMETER;
	return rq->pipe ? read_pipe(rq, &r) : read_file(rq, &r);
}
