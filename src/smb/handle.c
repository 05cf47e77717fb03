// SPDX-License-Identifier: Apache-2.0
/* What the handlers share: finding the open, paying for the payload, names. */
#include <base/utf16.h>

#include "request.h"

#define CREDIT_BYTES 65536u /* what one credit pays for, MS-SMB2 3.1.5.2 */

static bool is_related_id(const struct smb2_file_id *id)
{
	return id->persistent == SMB2_FILE_ID_RELATED && id->volatile_id == SMB2_FILE_ID_RELATED;
}

/* Every command that names an open is counted by its channel sequence, whatever comes of it. */
static void begin_use(struct smb_request *rq)
{
	bool is_replay = rq->header.flags & SMB2_FLAGS_REPLAY_OPERATION;

	open_used(rq->open);
	if (rq->conn->dialect < SMB2_DIALECT_300)
		return;
	rq->is_counted = open_channel_begin(rq->open, rq->header.channel_sequence, is_replay);
	rq->is_stale = !rq->is_counted;
}

ntstatus request_open(struct smb_request *rq, const struct smb2_file_id *id)
{
	struct smb2_file_id wanted = *id;

	if (rq->open)
		return STATUS_SUCCESS; /* kept over a wait */
	pipe_put(rq->pipe);
	rq->pipe = NULL;
	if (is_related_id(id)) {
		if (!rq->is_related)
			rq->last_status = STATUS_FILE_CLOSED;
		if (!rq->is_related || !rq->has_last_file)
			return rq->last_status;
		wanted = rq->last_file;
	}
	if (rq->tree->share->is_ipc)
		rq->pipe = pipe_find(rq->session, &wanted, rq->tree->id);
	else
		rq->open = open_find(&wanted, rq->session->id, rq->tree->id);
	if (!rq->open && !rq->pipe) {
		rq->has_last_file = false;
		rq->last_status = STATUS_FILE_CLOSED;
		return STATUS_FILE_CLOSED;
	}
	rq->last_file = wanted;
	rq->has_last_file = true;
	if (rq->open)
		begin_use(rq);
	return STATUS_SUCCESS;
}

ntstatus request_file(struct smb_request *rq, const struct smb2_file_id *id)
{
	ntstatus status = request_open(rq, id);

	if (!status && rq->pipe)
		return STATUS_INVALID_DEVICE_REQUEST;
	return status;
}

ntstatus request_charge(const struct smb_request *rq, uint64_t bytes)
{
	uint64_t paid = rq->header.credit_charge ? rq->header.credit_charge : 1;

	if (!(rq->conn->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU))
		return STATUS_SUCCESS;
	return bytes > paid * CREDIT_BYTES ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

ntstatus request_path(struct cursor name, char **out)
{
	if (cur_left(&name) % 2)
		return STATUS_INVALID_PARAMETER;
	*out = utf16_to_string(name);
	if (!*out)
		return STATUS_OBJECT_NAME_INVALID;
	if (strchr(*out, '/'))
		return STATUS_OBJECT_NAME_INVALID;
	for (char *p = *out; *p; p++)
		if (*p == '\\')
			*p = '/';
	return STATUS_SUCCESS;
}

ntstatus request_sequence(const struct smb_request *rq)
{
	return rq->is_stale ? STATUS_FILE_NOT_AVAILABLE : STATUS_SUCCESS;
}
