// SPDX-License-Identifier: Apache-2.0
/*
 * Connecting a share; and, with the first one, asking the server over a signed request what it
 * heard in the negotiation, so that nobody in between can have made it weaker (MS-SMB2 3.2.5.5).
 */
#include "impl.h"

#include <base/utf16.h>

static void end(struct client_tree_request *rq, enum client_step step, ntstatus status)
{
	rq->step = step;
	rq->status = status;
	rq->done(rq);
}

static bool agrees(const struct client *client, struct cursor output)
{
	struct smb2_validate_negotiate heard = { 0 };
	const struct client_facts *facts = &client->facts;

	return !smb2_validate_negotiate_response_decode(output, &heard) &&
	       heard.capabilities == facts->capabilities &&
	       heard.security_mode == facts->security_mode && heard.dialect == facts->dialect &&
	       guid_equal(&heard.guid, &facts->server_guid);
}

/* A server older than the question refuses it; that answer is signed as well, and will do. */
static bool knows_no_validation(ntstatus status)
{
	return status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_SUPPORTED ||
	       status == STATUS_FILE_CLOSED;
}

static void validated(struct client_request *request)
{
	struct client_tree_request *rq = container_of(request, struct client_tree_request, request);
	struct client *client = rq->client;
	struct smb2_ioctl_response response = { 0 };
	bool is_signed = request->answered && request->header.flags & SMB2_FLAGS_SIGNED;

	if (!request->answered) {
		end(rq, CLIENT_STEP_VALIDATE, request->status);
		return;
	}
	if (!is_signed && !client->facts.encrypts && client->options.signing != CLIENT_FORBIDDEN) {
		end(rq, CLIENT_STEP_VALIDATE, STATUS_ACCESS_DENIED);
		return;
	}
	if (request->status == STATUS_SUCCESS) {
		if (smb2_ioctl_response_decode(&request->body, &response) ||
		    !agrees(client, response.output)) {
			client_fail(client, CLIENT_STEP_VALIDATE, STATUS_ACCESS_DENIED, 0,
				    "The negotiation was changed on its way.");
			end(rq, CLIENT_STEP_VALIDATE, STATUS_ACCESS_DENIED);
			return;
		}
	} else if (!knows_no_validation(request->status)) {
		end(rq, CLIENT_STEP_VALIDATE, request->status);
		return;
	}
	client->validated = true;
	end(rq, CLIENT_STEP_TREE_CONNECT, STATUS_SUCCESS);
}

static void validate(struct client *client, struct client_tree_request *rq)
{
	struct smb2_validate_negotiate said = {
		.capabilities = client->capabilities,
		.guid = client->guid,
		.security_mode = client->security_mode,
		.dialect_count = client->dialect_count,
	};
	auto_buf struct buf payload = { 0 };
	struct smb2_ioctl_request ioctl = {
		.code = FSCTL_VALIDATE_NEGOTIATE_INFO,
		.file_id = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED },
		.max_output_response = 24,
		.flags = SMB2_IOCTL_IS_FSCTL,
	};
	struct client_message message;

	memcpy(said.dialects, client->dialects, sizeof(client->dialects));
	smb2_validate_negotiate_request_encode(&payload, &said);
	ioctl.input = cur_of(payload.data, payload.len);
	rq->request.done = validated;
	client_begin(client, &message, &rq->tree);
	client_add(&message, client, &rq->request, SMB2_IOCTL, payload.len, false);
	smb2_ioctl_request_encode(&message.buf, &ioctl);
	client_send(client, &message);
}

static void connected(struct client_request *request)
{
	struct client_tree_request *rq = container_of(request, struct client_tree_request, request);
	struct client *client = rq->client;
	struct smb2_tree_connect_response response = { 0 };

	if (request->status != STATUS_SUCCESS) {
		end(rq, CLIENT_STEP_TREE_CONNECT, request->status);
		return;
	}
	if (smb2_tree_connect_response_decode(&request->body, &response)) {
		end(rq, CLIENT_STEP_TREE_CONNECT, STATUS_INVALID_NETWORK_RESPONSE);
		return;
	}
	rq->tree = (struct client_tree){
		.id = request->header.tree_id,
		.type = response.share_type,
		.flags = response.share_flags,
		.capabilities = response.capabilities,
		.maximal_access = response.maximal_access,
	};
	if (response.share_flags & SMB2_SHAREFLAG_ENCRYPT_DATA && !client->seal) {
		end(rq, CLIENT_STEP_TREE_CONNECT, STATUS_ACCESS_DENIED);
		return;
	}
	if (client->validated)
		end(rq, CLIENT_STEP_TREE_CONNECT, STATUS_SUCCESS);
	else
		validate(client, rq);
}

void client_tree_connect(struct client *client, struct client_tree_request *rq, const char *path)
{
	auto_buf struct buf name = { 0 };
	struct smb2_tree_connect_request body = { 0 };
	struct client_message message;

	utf16_encode(&name, path);
	body.path = cur_of(name.data, name.len);
	rq->client = client;
	rq->tree = (struct client_tree){ 0 };
	rq->request.done = connected;
	client_begin(client, &message, NULL);
	client_add(&message, client, &rq->request, SMB2_TREE_CONNECT, 0, false);
	smb2_tree_connect_request_encode(&message.buf, &body);
	client_send(client, &message);
}
