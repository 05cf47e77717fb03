// SPDX-License-Identifier: Apache-2.0
/*
 * CREATE (MS-SMB2 3.3.5.9): names and contexts here, everything about files in fileserver/open,
 * pipes in pipe.c. An open that must wait for a break is tried again when it is woken.
 */
#include <base/utf16.h>
#include <wire/reparse.h>

#include "request.h"

#define IMPERSONATION_MAX 3 /* Delegate */

static ntstatus create_pipe(struct smb_request *rq, const struct smb2_create_request *r)
{
	struct smb2_create_response answer = { .create_action = FILE_OPENED };
	ntstatus status;

	rq->path = utf16_to_string(r->name);
	status = rq->path ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
	if (!status)
		status = pipe_open(rq->session, rq->tree, rq->path, rq->conn->client, &rq->pipe);
	if (status)
		return status;
	answer.file_id = rq->pipe->id;
	answer.facts.file_attributes = FILE_ATTRIBUTE_NORMAL;
	answer.facts.allocation_size = 4096;
	rq->last_file = rq->pipe->id;
	rq->has_last_file = true;
	smb2_create_response_encode(&rq->reply, &answer);
	return STATUS_SUCCESS;
}

static void answer_create(struct smb_request *rq, const struct smb2_create_request *r,
			  const struct open_result *result)
{
	const struct volume_attributes *a = &result->attributes;
	const struct open_facts *facts = open_facts(rq->open);
	struct smb2_create_response answer = {
		.oplock_level = result->oplock_level,
		.create_action = result->action,
		.facts = {
			.creation_time = a->creation_time,
			.last_access_time = a->last_access_time,
			.last_write_time = a->last_write_time,
			.change_time = a->change_time,
			.allocation_size = a->allocation_size,
			.end_of_file = a->end_of_file,
			.file_attributes = a->attributes,
		},
		.file_id = facts->id,
		.has_maximal_access = r->contexts.wants_maximal_access,
		.maximal_access_status = result->maximal_access_status,
		.maximal_access = result->maximal_access,
		.has_disk_id = r->contexts.wants_disk_id,
		.lease = result->lease,
		.durable_v1 = result->durable_v1,
		.durable_v2 = result->durable_v2,
		.durable_timeout_ms = result->durable_timeout_ms,
	};

	if (answer.has_disk_id) {
		answer.disk_file_id = a->file_id;
		answer.disk_volume_id = volume_serial(rq->tree->share->server->volume);
	}
	smb2_create_response_encode(&rq->reply, &answer);
}

/* The link is in the error, which SMB 3.1.1 wraps in an error context (MS-SMB2 2.2.2.1). */
static ntstatus answer_symlink(struct smb_request *rq, struct open_result *result)
{
	bool has_context = rq->conn->dialect == SMB2_DIALECT_311;
	auto_buf struct buf link = { 0 }, data = { 0 };
	struct reparse reparse;
	ntstatus status =
		reparse_decode(cur_of(result->symlink.data, result->symlink.len), &reparse);

	if (!status)
		smb2_symlink_error_encode(&link, &reparse, result->unparsed);
	buf_free(&result->symlink);
	if (status || link.failed)
		return status ? status : STATUS_INSUFFICIENT_RESOURCES;
	if (has_context) {
		buf_u32le(&data, (uint32_t)link.len);
		buf_u32le(&data, 0); /* SMB2_ERROR_ID_DEFAULT */
	}
	buf_bytes(&data, link.data, link.len);
	smb2_error_encode(&rq->reply, data.data, data.len, has_context);
	return STATUS_STOPPED_ON_SYMLINK;
}

static ntstatus create_file(struct smb_request *rq, const struct smb2_create_request *r)
{
	struct open_request request = {
		.share = rq->tree->share,
		.token = session_token(rq->session),
		.identity = rq->session->identity,
		.session_id = rq->session->id,
		.tree_id = rq->tree->id,
		.client_guid = rq->conn->client_guid,
		.share_maximal_access = atomic_load(&rq->tree->maximal_access),
		.desired_access = r->desired_access,
		.file_attributes = r->file_attributes,
		.share_access = r->share_access,
		.disposition = r->create_disposition,
		.options = r->create_options,
		.oplock_level = r->oplock_level,
		.contexts = &r->contexts,
		.message_id = rq->header.message_id,
		.is_retry = rq->resumed,
		.holder_stays = rq->resumed && rq->wake_status,
		.dialect = rq->conn->dialect,
		.channel_sequence = rq->header.channel_sequence,
		.is_replay = rq->header.flags & SMB2_FLAGS_REPLAY_OPERATION,
		.counts_locks = rq->conn->dialect >= SMB2_DIALECT_300 &&
				(rq->conn->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL),
		.replay = &rq->replay,
	};
	struct open_result result = { 0 };
	ntstatus status = STATUS_SUCCESS;

	if (!rq->path)
		status = request_path(r->name, &rq->path);
	if (status)
		return status;
	if (rq->path[0] == '/')
		return STATUS_INVALID_PARAMETER;
	request.path = rq->path;
	status = open_create(&request, request_waiter(rq), &rq->open, &result);
	if (status == STATUS_PENDING)
		return request_wait(rq);
	if (status == STATUS_STOPPED_ON_SYMLINK)
		return answer_symlink(rq, &result);
	if (status)
		return status;
	if (!session_has_tree(rq->session, rq->tree)) {
		/* Ended over another channel meanwhile, which may have missed this open. */
		(void)!open_close(rq->open, NULL);
		return STATUS_USER_SESSION_DELETED;
	}
	rq->last_file = open_facts(rq->open)->id;
	rq->has_last_file = true;
	answer_create(rq, r, &result);
	return STATUS_SUCCESS;
}

ntstatus cmd_create(struct smb_request *rq)
{
	struct smb2_create_request r;
	struct cursor message = rq->message; /* decoded anew after a wait */
	ntstatus status;

	rq->has_last_file = false;
	status = smb2_create_request_decode(&message, &r);
	/* What comes back for an open has it as it was opened: the rest of the request is not
	 * looked at. */
	if (!status && r.impersonation_level > IMPERSONATION_MAX &&
	    !r.contexts.durable.reconnect_v1 && !r.contexts.durable.reconnect_v2)
		status = STATUS_BAD_IMPERSONATION_LEVEL;
	if (!status)
		status = rq->tree->share->is_ipc ? create_pipe(rq, &r) : create_file(rq, &r);
	if (nt_failed(status) || status == STATUS_STOPPED_ON_SYMLINK)
		rq->last_status = status;
	return status;
}
