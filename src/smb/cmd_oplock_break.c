// SPDX-License-Identifier: Apache-2.0
/* The acknowledgements of breaks (MS-SMB2 3.3.5.22). How breaks get to clients is in breaks.c. */
#include "request.h"

ntstatus cmd_oplock_break(struct smb_request *rq)
{
	struct smb2_oplock_break r;
	ntstatus status;

	status = smb2_oplock_break_ack_decode(&rq->message, &r);
	if (status)
		return status;
	if (r.is_lease) {
		status = open_lease_ack(&rq->conn->client_guid, r.lease_key, r.lease_state,
					&r.lease_state);
	} else {
		status = request_file(rq, &r.file_id);
		if (!status)
			status = open_oplock_ack(rq->open, r.oplock_level, &r.oplock_level);
	}
	if (!status)
		smb2_oplock_break_ack_encode(&rq->reply, &r);
	return status;
}
