// SPDX-License-Identifier: Apache-2.0
/* CLOSE and FLUSH (MS-SMB2 3.3.5.10, 3.3.5.11). */
#include "request.h"

#include <stdatomic.h>

static struct smb2_file_facts facts_of(const struct volume_attributes *a)
{
	return (struct smb2_file_facts){
		.creation_time = a->creation_time,
		.last_access_time = a->last_access_time,
		.last_write_time = a->last_write_time,
		.change_time = a->change_time,
		.allocation_size = a->allocation_size,
		.end_of_file = a->end_of_file,
		.file_attributes = a->attributes,
	};
}

ntstatus cmd_close(struct smb_request *rq)
{
	struct smb2_close_response answer = { 0 };
	struct volume_attributes attributes = { 0 };
	struct smb2_close_request r;
	bool wants;
	ntstatus status;

	status = smb2_close_request_decode(&rq->message, &r);
	if (!status)
		status = request_open(rq, &r.file_id);
	if (status)
		return status;
	wants = r.flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB;
	if (rq->pipe)
		status = pipe_close(rq->session, rq->pipe);
	else
		status = open_close(rq->open, wants ? &attributes : NULL);
	if (status)
		return status;
	if (wants && rq->open) {
		answer.flags = SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB;
		answer.facts = facts_of(&attributes);
	}
	smb2_close_response_encode(&rq->reply, &answer);
	return STATUS_SUCCESS;
}

/* At a time, in this process: each has a helper thread for as long as the disk takes, and reads and
 * writes of all clients need some, too. */
#define FLUSHING_ALL_MAX 8
static atomic_int flushing_all;

/*
 * On a helper thread. MS-FSA 2.1.5.7: with the root of a volume goes all that is on it. Clients see
 * the root of a share as that, and so can have many files on the disk at once that they have closed
 * already. Berth does the same for every directory: not all accounts may ask for the root.
 */
static ssize_t sync_all(struct io_op *op)
{
	struct smb_request *rq = container_of(op, struct smb_request, io);
	int error = volume_sync_all(open_facts(rq->open)->node);

	atomic_fetch_sub(&flushing_all, 1);
	return error;
}

static ntstatus begin_flush(struct smb_request *rq)
{
	struct loop *loop = rq->conn->home->loop;
	struct io_op *op;

	if (!open_facts(rq->open)->is_directory) {
		io_sync(loop, request_wait_disk(rq), open_facts(rq->open)->node->fd, false);
		return STATUS_PENDING;
	}
	if (atomic_fetch_add(&flushing_all, 1) >= FLUSHING_ALL_MAX) {
		atomic_fetch_sub(&flushing_all, 1);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	op = request_wait_disk_long(rq);
	op->work = sync_all;
	io_work(loop, op);
	return STATUS_PENDING;
}

/* The disk may take its time over it: never done on the loop. */
ntstatus cmd_flush(struct smb_request *rq)
{
	struct smb2_flush_request r;
	struct cursor message = rq->message;
	const struct open_facts *facts;
	ntstatus status;

	status = smb2_flush_request_decode(&message, &r);
	if (!status)
		status = request_open(rq, &r.file_id);
	if (status)
		return status;
	if (rq->resumed && rq->io_result >= 0)
		open_flushed(rq->open);
	if (rq->pipe || (rq->resumed && rq->io_result >= 0)) {
		smb2_empty_encode(&rq->reply);
		return STATUS_SUCCESS;
	}
	if (rq->resumed)
		return ntstatus_of_errno((int)rq->io_result);
	facts = open_facts(rq->open);
	if (!(facts->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	return begin_flush(rq);
}
