// SPDX-License-Identifier: Apache-2.0
/*
 * SESSION_SETUP and LOGOFF (MS-SMB2 3.3.5.5, 3.3.5.6): leg by leg until the login says who it is,
 * then keys and the session's rules. On a session that is valid it is a re-authentication: the keys
 * stay.
 */
#include <base/log.h>
#include <stdio.h>

#include "request.h"
#include "session_impl.h"

#define GUEST_RID     501
#define BARE_SESSIONS 16u /* logins that may be under way before the first has succeeded */

static ntstatus guest_account(void *arg, struct account *out)
{
	struct server *server = arg;

	snprintf(out->name, sizeof(out->name), "Guest");
	out->user = sid_child(&server->domain_sid, GUEST_RID);
	out->primary_group = SID_GUESTS;
	return STATUS_SUCCESS;
}

static bool attempt_begin(struct session *session)
{
	struct server *server = session->server;
	struct attempt *attempt = xalloc(1, sizeof(*attempt));

	attempt->config = (struct login_config){
		.netbios_computer = server->name,
		.netbios_domain = server->name,
		.authority = server->id,
		.lookup = server_account,
		.lookup_guest = guest_account,
		.arg = server,
		.guest_allowed = server->guest_allowed,
		.anonymous_allowed = server->anonymous_allowed,
	};
	memcpy(attempt->preauth, session->conn->preauth, sizeof(attempt->preauth));
	attempt->login = login_new(&attempt->config);
	session->attempt = attempt;
	return attempt->login;
}

/* Which session is it about? A new one where the client names none. */
static ntstatus find_or_make(struct smb_request *rq, const struct smb2_session_setup_request *r)
{
	struct connection *conn = rq->conn;

	if (r->flags & SMB2_SESSION_FLAG_BINDING)
		return STATUS_REQUEST_NOT_ACCEPTED; /* MULTI_CHANNEL is not offered: 3.3.5.5 */
	if ((smb.config.encryption_required || conn->server->encryption_required) &&
	    conn->cipher == CIPHER_NONE)
		return STATUS_ACCESS_DENIED;
	if (rq->header.session_id) {
		if (!rq->session || rq->session->state == SESSION_ENDED)
			return STATUS_USER_SESSION_DELETED;
	} else {
		if (conn->session_count >= smb.config.max_sessions_per_connection ||
		    (conn->is_unauthenticated && conn->session_count >= BARE_SESSIONS) ||
		    !conn->server->online)
			return STATUS_REQUEST_NOT_ACCEPTED;
		session_put(rq->session);
		rq->session = session_get(session_new(conn));
		rq->header.session_id = rq->session->id;
	}
	if (!rq->session->attempt && !attempt_begin(rq->session))
		return STATUS_INSUFFICIENT_RESOURCES;
	return STATUS_SUCCESS;
}

static void log_refusal(struct smb_request *rq, ntstatus status)
{
	const struct login *login = rq->session->attempt->login;
	auto_free char *user = xasprintf("%s\\%s", login_domain(login), login_user(login));

	COUNT(logins_refused, 1);
	log_warn("login refused client=%s server=%s user=%s workstation=%s status=%s reason=%s",
		 rq->conn->client, rq->session->server->name, LOG_TEXT(user),
		 LOG_TEXT(login_workstation(login)), ntstatus_name(status),
		 LOG_TEXT(login_reason(login)));
}

/* The login succeeded: what kind of session is it, and what must its messages have? */
static ntstatus decide_rules(struct session *session, const struct login_result *result,
			     uint8_t security_mode)
{
	const struct connection *conn = session->conn;
	bool encrypt = smb.config.encryption_required || session->server->encryption_required;

	session->is_guest = session->token->is_guest;
	session->is_anonymous = session->token->is_anonymous;
	if (!result->has_key) {
		/* Without a key it can neither sign nor encrypt; it is let in where a setting says
		 * so. */
		return encrypt ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	}
	session->signing_required = conn->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED ||
				    security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED ||
				    session->server->signing_required;
	if (!session_make_keys(session, result->session_key, session->attempt->preauth))
		return STATUS_INSUFFICIENT_RESOURCES;
	session->encrypt =
		encrypt || (session->server->encryption_desired && conn->cipher != CIPHER_NONE);
	return STATUS_SUCCESS;
}

/* The session that this one takes the place of, if its user is the same (3.3.5.5.3). */
static void end_previous(struct session *session, uint64_t id)
{
	cleanup(session_put_ptr) struct session *previous = NULL;

	if (!id || id == session->id)
		return;
	previous = session_find_anywhere(id);
	if (!previous || !previous->is_entered ||
	    !sid_equal(&previous->token->user, &session->token->user) ||
	    previous->token->authority != session->token->authority)
		return;
	if (previous->home == session->home) {
		session_end(previous, false);
		return;
	}
	/* Its opens are in nobody's way when this returns; the rest follows on its own loop. */
	open_close_session(id, false);
	session_end_elsewhere(previous);
}

static bool has_groups_of(const struct token *token, const struct token *other)
{
	for (uint32_t i = 0; i < other->group_count; i++)
		if (!token_has_sid(token, &other->groups[i]))
			return false;
	return true;
}

/*
 * A session keeps the token that it began with, which its opens and pipes refer to. Where the
 * account is another one by now, or may more or less than then, the session ends and the client
 * logs on anew.
 */
static bool is_still(const struct token *now, const struct token *then)
{
	return sid_equal(&now->user, &then->user) && now->authority == then->authority &&
	       now->privileges == then->privileges && now->is_admin == then->is_admin &&
	       has_groups_of(now, then) && has_groups_of(then, now);
}

static ntstatus complete(struct smb_request *rq, const struct smb2_session_setup_request *r)
{
	struct session *session = rq->session;
	bool is_new = session->state == SESSION_IN_PROGRESS;
	struct login_result result;
	ntstatus status = STATUS_SUCCESS;

	if (!login_result(session->attempt->login, &result))
		return STATUS_LOGON_FAILURE;
	if (is_new) {
		session->token = token_get(result.token);
		status = decide_rules(session, &result, r->security_mode);
	} else if (!is_still(result.token, session->token)) {
		status = STATUS_ACCESS_DENIED;
	}
	secret_wipe(&result, sizeof(result));
	if (status)
		return status;
	attempt_free(session->attempt);
	session->attempt = NULL;
	if (!is_new)
		return STATUS_SUCCESS;
	session_become_valid(session);
	end_previous(session, r->previous_session_id);
	log_info("session begun client=%s user=%s server=%s dialect=%x signed=%d encrypted=%d "
		 "guest=%d session=%016llx",
		 rq->conn->client, LOG_TEXT(session->entry.user), session->server->name,
		 rq->conn->dialect, session->entry.is_signed, session->encrypt,
		 session->entry.is_guest, (unsigned long long)session->id);
	return STATUS_SUCCESS;
}

static uint16_t session_flags(const struct session *session)
{
	uint16_t flags = 0;

	if (session->state != SESSION_VALID)
		return 0;
	if (session->is_guest)
		flags |= SMB2_SESSION_FLAG_IS_GUEST;
	if (session->is_anonymous)
		flags |= SMB2_SESSION_FLAG_IS_NULL;
	if (session->encrypt)
		flags |= SMB2_SESSION_FLAG_ENCRYPT_DATA;
	return flags;
}

/* 3.1.1: requests and responses of the legs go into the hash that the keys are made from. */
static bool hash_request(struct smb_request *rq)
{
	struct attempt *attempt = rq->session->attempt;

	if (rq->conn->dialect != SMB2_DIALECT_311)
		return true;
	return sha512_extend(attempt->preauth, rq->message.base,
			     (size_t)(rq->message.end - rq->message.base));
}

ntstatus cmd_session_setup(struct smb_request *rq)
{
	auto_buf struct buf blob = { .limit = LOGIN_MAX_TOKEN };
	struct smb2_session_setup_request r;
	struct smb2_session_setup_response answer;
	struct session *session;
	ntstatus status;

	status = smb2_session_setup_request_decode(&rq->message, &r);
	if (!status)
		status = find_or_make(rq, &r);
	if (status)
		return status;
	session = rq->session;
	if (!hash_request(rq))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = login_step(session->attempt->login, r.security_buffer, &blob);
	if (status == STATUS_SUCCESS)
		status = complete(rq, &r);
	if (status == STATUS_MORE_PROCESSING_REQUIRED) {
		if (rq->conn->dialect == SMB2_DIALECT_311)
			rq->hash = session->attempt->preauth;
		rq->keep_body = true;
	} else if (status) {
		log_refusal(rq, status);
		session_end(session, false);
		return status;
	} else {
		rq->force_sign = true;
	}
	answer = (struct smb2_session_setup_response){
		.session_flags = session_flags(session),
		.security_buffer = cur_of(blob.data, blob.len),
	};
	smb2_session_setup_response_encode(&rq->reply, &answer);
	return status;
}

ntstatus cmd_logoff(struct smb_request *rq)
{
	ntstatus status = smb2_empty_decode(&rq->message);

	if (status)
		return status;
	session_end(rq->session, false);
	smb2_empty_encode(&rq->reply);
	return STATUS_SUCCESS;
}
