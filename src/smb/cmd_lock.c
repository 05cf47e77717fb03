// SPDX-License-Identifier: Apache-2.0
/* LOCK (MS-SMB2 3.3.5.14) and CHANGE_NOTIFY (3.3.5.19): the two that wait for as long as they must.
 */
#include "request.h"

ntstatus cmd_lock(struct smb_request *rq)
{
	struct smb2_lock_request r;
	struct cursor message = rq->message;
	ntstatus status;

	if (rq->resumed) {
		status = rq->wake_status;
	} else {
		status = smb2_lock_request_decode(&message, &r);
		if (!status)
			status = request_file(rq, &r.file_id);
		if (!status)
			status = open_lock_ranges(rq->open, &r, request_waiter(rq));
		if (status == STATUS_PENDING)
			return request_wait(rq);
	}
	if (!status)
		smb2_empty_encode(&rq->reply);
	return status;
}

ntstatus cmd_change_notify(struct smb_request *rq)
{
	struct smb2_change_notify_request r;
	struct cursor message = rq->message;
	ntstatus status;
	size_t at;

	status = smb2_change_notify_request_decode(&message, &r);
	if (!status)
		status = request_charge(rq, r.output_length);
	if (!status)
		status = request_file(rq, &r.file_id);
	if (status)
		return status;
	if (r.output_length > rq->conn->max_transact)
		return STATUS_INVALID_PARAMETER;
	if (rq->tree->share->flags & STORE_SHARE_NO_NOTIFY)
		return STATUS_NOT_SUPPORTED; /* MS-SMB2 3.3.5.19 */
	if (rq->next_at < rq->frame.length)  /* would hold up what comes behind it for ever */
		return STATUS_INTERNAL_ERROR;
	if (rq->resumed && rq->wake_status)
		return rq->wake_status; /* the directory or the handle is gone */
	at = smb2_output_response_begin(&rq->reply);
	status = open_notify(rq->open, r.completion_filter, r.flags & SMB2_WATCH_TREE,
			     r.output_length, request_waiter(rq), &rq->reply);
	if (status == STATUS_PENDING) {
		rq->reply.len = rq->head_at + SMB2_HEADER_SIZE;
		return request_wait(rq);
	}
	if (!nt_failed(status))
		smb2_output_response_end(&rq->reply, at);
	return status;
}
