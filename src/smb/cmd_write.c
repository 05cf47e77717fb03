// SPDX-License-Identifier: Apache-2.0
/*
 * WRITE (MS-SMB2 3.3.5.13): from the frame into the page cache at once, which does not block for
 * long; what must be on the disk before the answer goes there by the loop's helpers.
 */
#include "request.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHANNEL_NONE   0
#define MAX_FILE_BYTES 0xfffffff0000u /* the longest file that NTFS has */

static void answer(struct smb_request *rq, uint32_t count)
{
	struct smb2_write_response response = { .count = count };

	COUNT(bytes_written, count);
	smb2_write_response_encode(&rq->reply, &response);
}

static ntstatus write_cached(int fd, const uint8_t *data, size_t length, uint64_t offset)
{
	while (length) {
		ssize_t n = pwrite(fd, data, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? ntstatus_of_errno(errno) : STATUS_DISK_FULL;
		data += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return STATUS_SUCCESS;
}

static bool is_write_through(const struct smb_request *rq, const struct smb2_write_request *r)
{
	return r->flags & SMB2_WRITEFLAG_WRITE_THROUGH ||
	       open_mode(rq->open) & FILE_WRITE_THROUGH ||
	       rq->tree->share->flags & STORE_SHARE_CONTINUOUSLY_AVAILABLE;
}

/* Checked and written, or (STATUS_PENDING) on its way to the disk. */
static ntstatus begin_write(struct smb_request *rq, const struct smb2_write_request *r)
{
	uint32_t length = (uint32_t)cur_left(&r->data);
	int fd = open_facts(rq->open)->node->fd;
	ntstatus status;

	if (length && r->offset + length > MAX_FILE_BYTES)
		return STATUS_INVALID_PARAMETER;
	status = open_check_write(rq->open, r->offset, length);
	if (status)
		return status;
	if (length && is_write_through(rq, r)) {
		io_write(rq->conn->home->loop, request_wait_disk(rq), fd, r->data.at, length,
			 r->offset, RWF_DSYNC);
		return STATUS_PENDING;
	}
	return write_cached(fd, r->data.at, length, r->offset);
}

static ntstatus write_file(struct smb_request *rq, const struct smb2_write_request *r)
{
	uint32_t length = (uint32_t)cur_left(&r->data);
	ntstatus status = STATUS_SUCCESS;

	if (!rq->resumed)
		status = begin_write(rq, r);
	else if (rq->io_result < 0)
		status = ntstatus_of_errno((int)rq->io_result);
	if (status)
		return status;
	open_wrote(rq->open, r->offset, length);
	open_set_position(rq->open, r->offset + length);
	answer(rq, length);
	return STATUS_SUCCESS;
}

static ntstatus write_pipe(struct smb_request *rq, const struct smb2_write_request *r)
{
	ntstatus status = pipe_write(rq->pipe, r->data);

	if (!status)
		answer(rq, (uint32_t)cur_left(&r->data));
	return status;
}

ntstatus cmd_write(struct smb_request *rq)
{
	struct smb2_write_request r;
	struct cursor message = rq->message;
	ntstatus status;

	status = smb2_write_request_decode(&message, &r);
	if (!status)
		status = request_charge(rq, cur_left(&r.data));
	if (!status)
		status = request_open(rq, &r.file_id);
	if (!status)
		status = request_sequence(rq);
	if (status)
		return status;
	if (cur_left(&r.data) > rq->conn->max_write || r.channel != CHANNEL_NONE ||
	    (!rq->pipe && r.offset > INT64_MAX - cur_left(&r.data)))
		return STATUS_INVALID_PARAMETER;
	return rq->pipe ? write_pipe(rq, &r) : write_file(rq, &r);
}
