// SPDX-License-Identifier: Apache-2.0
/*
 * Which command needs what, and who answers it. A command that has no row is refused; what a row
 * says is checked here, once, before its handler is called (MS-SMB2 3.3.5.2).
 */
#include "request.h"

#include <base/log.h>

/* clang-format off */
static const struct command commands[SMB2_COMMAND_COUNT] = {
	/*                        handler               session  tree    on IPC$  expired interim */
	[SMB2_NEGOTIATE]       = { cmd_negotiate,       false,   false,  false,   false,  false },
	[SMB2_SESSION_SETUP]   = { cmd_session_setup,   false,   false,  false,   false,  false },
	[SMB2_LOGOFF]          = { cmd_logoff,          true,    false,  false,   true,   false },
	[SMB2_TREE_CONNECT]    = { cmd_tree_connect,    true,    false,  false,   false,  false },
	[SMB2_TREE_DISCONNECT] = { cmd_tree_disconnect, true,    true,   true,    false,  false },
	[SMB2_CREATE]          = { cmd_create,          true,    true,   true,    false,  true },
	[SMB2_CLOSE]           = { cmd_close,           true,    true,   true,    true,   false },
	[SMB2_FLUSH]           = { cmd_flush,           true,    true,   true,    false,  false },
	[SMB2_READ]            = { cmd_read,            true,    true,   true,    false,  true },
	[SMB2_WRITE]           = { cmd_write,           true,    true,   true,    false,  false },
	[SMB2_LOCK]            = { cmd_lock,            true,    true,   false,   true,   true },
	[SMB2_IOCTL]           = { cmd_ioctl,           true,    true,   true,    false,  true },
	[SMB2_CANCEL]          = { cmd_cancel,          false,   false,  false,   false,  false },
	[SMB2_ECHO]            = { cmd_echo,            false,   false,  false,   false,  false },
	[SMB2_QUERY_DIRECTORY] = { cmd_query_directory, true,    true,   false,   false,  false },
	[SMB2_CHANGE_NOTIFY]   = { cmd_change_notify,   true,    true,   false,   false,  true },
	[SMB2_QUERY_INFO]      = { cmd_query_info,      true,    true,   true,    false,  false },
	[SMB2_SET_INFO]        = { cmd_set_info,        true,    true,   true,    false,  true },
	[SMB2_OPLOCK_BREAK]    = { cmd_oplock_break,    true,    true,   false,   false,  false },
};
/* clang-format on */

const struct command *command_find(uint16_t command)
{
	return command < SMB2_COMMAND_COUNT ? &commands[command] : NULL;
}

static void log_bad_signature(const struct smb_request *rq)
{
	auto_free char *user = session_user(rq->session);

	COUNT(bad_signatures, 1);
	log_warn("bad signature client=%s user=%s command=%s", rq->conn->client, LOG_TEXT(user),
		 smb2_command_name(rq->header.command));
}

/* Find the channel of the session the message names, and check its signature with it. */
static ntstatus check_session(struct smb_request *rq)
{
	struct channel *channel = channel_find(rq->conn, rq->header.session_id);
	bool is_signed = rq->header.flags & SMB2_FLAGS_SIGNED;

	if (channel)
		request_set_channel(rq, channel);
	if (rq->is_encrypted) {
		/* MS-SMB2 3.3.5.2.1.1: who encrypted it is who it must be from. */
		rq->drop = channel != rq->sealing_channel && rq->header.session_id;
		return rq->drop ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	}
	if (!channel || !channel->signer)
		return STATUS_SUCCESS;
	if (is_signed && !sign_check(channel, rq)) {
		log_bad_signature(rq);
		return STATUS_ACCESS_DENIED;
	}
	rq->is_signed = is_signed;
	return STATUS_SUCCESS;
}

/* What a message to a valid session must have (MS-SMB2 3.3.5.2.4, 3.3.5.2.9). */
static ntstatus check_protection(const struct smb_request *rq)
{
	const struct session *session = rq->session;

	if (rq->is_encrypted || rq->header.command == SMB2_SESSION_SETUP)
		return STATUS_SUCCESS;
	if (session->encrypt)
		return STATUS_ACCESS_DENIED;
	if (session->signing_required && session->has_keys && !rq->is_signed)
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

static ntstatus check_tree(struct smb_request *rq)
{
	struct tree *tree = tree_find(rq->session, rq->header.tree_id);

	rq->tree = tree;
	if (!tree || !tree->share->server->online)
		return STATUS_NETWORK_NAME_DELETED;
	/* No longer its owner: nothing is done, and nothing is said; the client finds the new one.
	 */
	rq->drop = !server_may_serve(tree->share->server);
	if (rq->drop)
		return STATUS_NETWORK_NAME_DELETED;
	/* By an administrator, meanwhile: nothing happens in it any more but its end. */
	if (tree->share->removed && rq->header.command != SMB2_TREE_DISCONNECT)
		return STATUS_NETWORK_NAME_DELETED;
	if (tree->encrypt && !rq->is_encrypted)
		return STATUS_ACCESS_DENIED;
	if (tree->sign && !rq->is_signed && !rq->is_encrypted)
		return STATUS_ACCESS_DENIED;
	if (tree->share->is_ipc && !rq->command->on_ipc)
		return STATUS_INVALID_DEVICE_REQUEST;
	return STATUS_SUCCESS;
}

static ntstatus check(struct smb_request *rq)
{
	bool chained = rq->is_related && rq->index && rq->last_had_session;
	bool is_valid;
	ntstatus status;

	if (!rq->conn->dialect || rq->conn->dialect == SMB2_DIALECT_2FF) {
		rq->drop = true; /* nothing was negotiated */
		return STATUS_INVALID_PARAMETER;
	}
	status = check_session(rq);
	is_valid = rq->channel && rq->channel->state == CHANNEL_VALID &&
		   session_state(rq->session) == SESSION_VALID;
	rq->last_had_session = is_valid && (!rq->is_related || chained);
	if (status)
		return status;
	if (!rq->command || (rq->is_related && !chained))
		return STATUS_INVALID_PARAMETER; /* not a command, or related to nothing */
	if (rq->command->needs_session && !is_valid)
		return STATUS_USER_SESSION_DELETED;
	if (is_valid)
		status = check_protection(rq);
	/* MS-SMB2 3.3.5.2.9 */
	if (!status && rq->command->needs_session && !rq->command->when_expired &&
	    session_is_expired(rq->session))
		status = STATUS_NETWORK_SESSION_EXPIRED;
	if (!status && rq->command->needs_tree)
		status = check_tree(rq);
	return status;
}

ntstatus dispatch(struct smb_request *rq)
{
	ntstatus status = STATUS_SUCCESS;

	rq->command = command_find(rq->header.command);
	rq->no_answer = rq->header.command == SMB2_CANCEL;
	if (rq->command)
		COUNT(requests[rq->header.command], 1);
	if (rq->header.command != SMB2_NEGOTIATE)
		status = check(rq);
	if (status)
		return status;
	if (rq->session)
		__atomic_store_n(&rq->session->entry.last_used_ms, monotonic_ms(),
				 __ATOMIC_RELAXED);
	return rq->command->handle(rq);
}

ntstatus cmd_echo(struct smb_request *rq)
{
	ntstatus status = smb2_empty_decode(&rq->message);

	if (!status)
		smb2_empty_encode(&rq->reply);
	return status;
}

ntstatus cmd_cancel(struct smb_request *rq)
{
	bool is_async = rq->header.flags & SMB2_FLAGS_ASYNC_COMMAND;

	request_cancel_id(rq->conn, is_async,
			  is_async ? rq->header.async_id : rq->header.message_id);
	return STATUS_SUCCESS;
}
