// SPDX-License-Identifier: Apache-2.0
/*
 * Binding a connection to a session that began on another (MS-SMB2 3.3.5.5, the SESSION_SETUP with
 * SMB2_SESSION_FLAG_BINDING). Who asks proves that it has the session's key by signing with it, and
 * then logs on once more as the same user; the channel has keys of its own from that login.
 */
#include <base/log.h>

#include "request.h"
#include "session_impl.h"

/*
 * Is the request signed with the key of @session? Then the answer is, too, whatever it says, and a
 * channel that nobody else knows yet is what it is signed with.
 */
static bool prove(struct smb_request *rq, struct session *session)
{
	struct channel *channel;
	bool good;

	if (!(rq->header.flags & SMB2_FLAGS_SIGNED) || session_state(session) != SESSION_VALID ||
	    !session->has_keys)
		return false;
	channel = channel_new(session);
	channel->is_binding = true;
	good = channel_prove(channel) && sign_check(channel, rq);
	if (good) {
		request_set_channel(rq, channel);
		rq->is_signed = true;
	} else {
		COUNT(bad_signatures, 1);
	}
	channel_put(channel);
	return good;
}

/*
 * What the connection and the session must have in common, in the order in which Windows looks.
 * That the client GUID be the same is left to the server (3.3.5.5), and Windows does not ask: what
 * counts is who has the key.
 */
static ntstatus check_rules(const struct smb_request *rq, const struct session *session)
{
	const struct connection *conn = rq->conn;

	/* AES-GMAC must not sign with a key that another algorithm has, nor the other way round. */
	if (session->signing != conn->signing && session->signing == SIGN_AES_GMAC)
		return STATUS_REQUEST_OUT_OF_SEQUENCE;
	if (session->signing != conn->signing && conn->signing == SIGN_AES_GMAC)
		return STATUS_NOT_SUPPORTED;
	if (conn->dialect < SMB2_DIALECT_300)
		return STATUS_REQUEST_NOT_ACCEPTED;
	if (session->dialect != conn->dialect || !(rq->header.flags & SMB2_FLAGS_SIGNED))
		return STATUS_INVALID_PARAMETER;
	/* A file server is a server in its own right: the session of another is none of its own. */
	if (session->server != conn->server)
		return STATUS_USER_SESSION_DELETED;
	if (session_state(session) != SESSION_VALID)
		return STATUS_REQUEST_NOT_ACCEPTED;
	if (session_is_expired(session)) /* its own channels are for logging on anew */
		return STATUS_NETWORK_SESSION_EXPIRED;
	if (!token_is_somebody(session_token(session)))
		return STATUS_NOT_SUPPORTED;
	/* All channels seal with the keys of the session. */
	if (session->cipher != conn->cipher)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* @session: NULL where it was not proven that the client knows it. */
static void log_refusal(const struct smb_request *rq, const struct session *session,
			ntstatus status)
{
	auto_free char *user = session ? session_user(session) : xstrdup("-");

	log_warn("bind refused client=%s user=%s session=%016llx status=%s", rq->conn->client,
		 LOG_TEXT(user), (unsigned long long)rq->header.session_id, ntstatus_name(status));
}

ntstatus session_bind(struct smb_request *rq)
{
	cleanup(session_put_ptr) struct session *session = NULL;
	bool is_proven;
	ntstatus status;

	if (rq->channel && rq->channel->is_binding)
		return rq->is_signed ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
	if (rq->channel)
		return STATUS_REQUEST_NOT_ACCEPTED; /* it is on this connection already */
	session = session_find_anywhere(rq->header.session_id);
	if (!session)
		return STATUS_USER_SESSION_DELETED;
	is_proven = prove(rq, session);
	status = check_rules(rq, session);
	if (!status && !is_proven)
		status = STATUS_ACCESS_DENIED;
	if (!status && rq->conn->channel_count >= smb.config.max_sessions_per_connection)
		status = STATUS_REQUEST_NOT_ACCEPTED;
	if (!status && !channel_enter(rq->channel, rq->conn))
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (status)
		log_refusal(rq, is_proven ? session : NULL, status);
	return status;
}
