// SPDX-License-Identifier: Apache-2.0
/*
 * SESSION_SETUP and LOGOFF (MS-SMB2 3.3.5.5, 3.3.5.6): leg by leg until the login says who it is,
 * then keys and the session's rules. On a session that is valid it is a re-authentication: the keys
 * stay. With the flag for it, it binds this connection to a session of another: cmd_session_bind.c.
 */
#include <base/log.h>
#include <stdio.h>

#include "request.h"
#include "session_impl.h"

#define BARE_SESSIONS 16u /* logins that may be under way before the first has succeeded */

static ntstatus guest_account(void *arg, struct account *out)
{
	struct server *server = arg;

	snprintf(out->name, sizeof(out->name), "Guest");
	out->user = sid_child(&server->domain_sid, RID_GUEST);
	out->primary_group = SID_GUESTS;
	return STATUS_SUCCESS;
}

static bool attempt_begin(struct channel *channel)
{
	struct server *server = channel->session->server;
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
	memcpy(attempt->preauth, channel->conn->preauth, sizeof(attempt->preauth));
	attempt->login = login_new(&attempt->config);
	channel->attempt = attempt;
	return attempt->login;
}

static ntstatus begin_session(struct smb_request *rq)
{
	struct connection *conn = rq->conn;

	if (conn->channel_count >= smb.config.max_sessions_per_connection ||
	    (conn->is_unauthenticated && conn->channel_count >= BARE_SESSIONS) ||
	    !conn->server->online)
		return STATUS_REQUEST_NOT_ACCEPTED;
	request_set_channel(rq, session_new(conn));
	rq->header.session_id = rq->session->id;
	return STATUS_SUCCESS;
}

/* Must whoever authenticates anew show that it has the key? Where the session's other messages
 * must, and on a bound channel; a client that signs nothing signs no login either (3.3.5.2.4). */
static bool must_prove_key(const struct channel *channel)
{
	const struct session *session = channel->session;

	return session->has_keys &&
	       (session->signing_required || session->encrypt || channel->number > 1);
}

/* Which session is it about? A new one where the client names none. */
static ntstatus find_or_make(struct smb_request *rq, const struct smb2_session_setup_request *r)
{
	struct connection *conn = rq->conn;
	ntstatus status = STATUS_SUCCESS;

	if ((smb.config.encryption_required || conn->server->encryption_required) &&
	    conn->cipher == CIPHER_NONE)
		return STATUS_ACCESS_DENIED;
	if (rq->channel && rq->channel->state == CHANNEL_GONE)
		return STATUS_USER_SESSION_DELETED; /* refused while this one waited */
	if (r->flags & SMB2_SESSION_FLAG_BINDING)
		status = session_bind(rq);
	else if (!rq->header.session_id)
		status = begin_session(rq);
	else if (!rq->channel || rq->channel->is_binding ||
		 session_state(rq->session) == SESSION_ENDED)
		status = STATUS_USER_SESSION_DELETED;
	else if (must_prove_key(rq->channel) && !rq->is_signed && !rq->is_encrypted)
		status = STATUS_ACCESS_DENIED;
	if (!status && !rq->channel->attempt && !attempt_begin(rq->channel))
		status = STATUS_INSUFFICIENT_RESOURCES;
	return status;
}

static void log_refusal(struct smb_request *rq, ntstatus status)
{
	const struct login *login = rq->channel->attempt->login;
	auto_free char *user = xasprintf("%s\\%s", login_domain(login), login_user(login));

	COUNT(logins_refused, 1);
	log_warn("login refused client=%s server=%s user=%s workstation=%s status=%s reason=%s",
		 rq->conn->client, rq->session->server->name, LOG_TEXT(user),
		 LOG_TEXT(login_workstation(login)), ntstatus_name(status),
		 LOG_TEXT(login_reason(login)));
}

/* The login succeeded: what kind of session is it, and what must its messages have? */
static ntstatus decide_rules(struct channel *channel, const struct login_result *result,
			     uint8_t security_mode)
{
	const struct connection *conn = channel->conn;
	struct session *session = channel->session;
	bool encrypt = smb.config.encryption_required || session->server->encryption_required;

	if (!result->has_key) {
		/* Without a key it can neither sign nor encrypt; it is let in where a setting says
		 * so. */
		return encrypt ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	}
	session->signing_required = conn->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED ||
				    security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED ||
				    session->server->signing_required;
	if (!channel_make_keys(channel, result->session_key, channel->attempt->preauth))
		return STATUS_INSUFFICIENT_RESOURCES;
	session->encrypt =
		encrypt || (session->server->encryption_desired && conn->cipher != CIPHER_NONE);
	return STATUS_SUCCESS;
}

/* The session that this one takes the place of, if its user is the same (3.3.5.5.3): guests are
 * not the same for being guests. */
static void end_previous(struct session *session, uint64_t id)
{
	cleanup(session_put_ptr) struct session *previous = NULL;

	if (!id || id == session->id || !token_is_somebody(session_token(session)))
		return;
	previous = session_find_anywhere(id);
	if (!previous || session_state(previous) != SESSION_VALID ||
	    !token_same_user(session_token(previous), session_token(session)))
		return;
	session_end(previous, false);
}

static void log_of_session(const struct smb_request *rq, const char *event)
{
	const struct session *session = rq->session;
	auto_free char *user = session_user(session);

	log_info("%s client=%s user=%s server=%s session=%016llx", event, rq->conn->client,
		 LOG_TEXT(user), session->server->name, (unsigned long long)session->id);
}

static void log_begun(const struct smb_request *rq)
{
	const struct session *session = rq->session;
	const struct token *who = session_token(session);
	auto_free char *user = session_user(session);

	log_info("session begun client=%s user=%s server=%s dialect=%x signed=%d encrypted=%d "
		 "guest=%d session=%016llx",
		 rq->conn->client, LOG_TEXT(user), session->server->name, rq->conn->dialect,
		 session->entry.is_signed, session->encrypt, !token_is_somebody(who),
		 (unsigned long long)session->id);
}

static ntstatus complete_new(struct smb_request *rq, const struct login_result *result,
			     const struct smb2_session_setup_request *r)
{
	struct session *session = rq->session;
	ntstatus status;

	session->identity = identity_new(result->token);
	status = decide_rules(rq->channel, result, r->security_mode);
	if (status)
		return status;
	session_become_valid(session, rq->channel);
	end_previous(session, r->previous_session_id);
	log_begun(rq);
	return STATUS_SUCCESS;
}

/*
 * The session goes on as whom it is now: the same account, the same with other groups, or nobody.
 * What is asked from now on is checked against that one, which has no more of the trees than their
 * shares leave it; handles keep what they were granted. The keys stay, and so does what the
 * session's messages must have (MS-SMB2 3.3.5.5.2).
 */
static ntstatus complete_anew(const struct smb_request *rq, const struct login_result *result)
{
	struct session *session = rq->session;
	const struct token *before = session_token(session);

	if (!identity_may_become(session->identity, result->token))
		return STATUS_ACCESS_DENIED;
	if (!identity_become(session->identity, result->token))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (session_token(session) == before)
		return STATUS_SUCCESS;
	tree_check_all(session);
	log_of_session(rq, "session goes on as another");
	return STATUS_SUCCESS;
}

static ntstatus complete_bind(struct smb_request *rq, const struct login_result *result)
{
	struct channel *channel = rq->channel;

	if (!result->has_key)
		return STATUS_NOT_SUPPORTED; /* a guest, or nobody: 3.3.5.5 */
	if (!token_equal(result->token, session_token(rq->session)))
		return STATUS_ACCESS_DENIED;
	if (!channel_make_keys(channel, result->session_key, channel->attempt->preauth))
		return STATUS_INSUFFICIENT_RESOURCES;
	channel_become_valid(channel);
	log_of_session(rq, "channel bound");
	return STATUS_SUCCESS;
}

static ntstatus complete(struct smb_request *rq, const struct smb2_session_setup_request *r)
{
	struct channel *channel = rq->channel;
	struct login_result result;
	ntstatus status = STATUS_SUCCESS;

	if (!login_result(channel->attempt->login, &result))
		return STATUS_LOGON_FAILURE;
	if (channel->is_binding)
		status = complete_bind(rq, &result);
	else if (session_state(rq->session) == SESSION_IN_PROGRESS)
		status = complete_new(rq, &result, r);
	else
		status = complete_anew(rq, &result);
	secret_wipe(&result, sizeof(result));
	if (status)
		return status;
	attempt_free(channel->attempt);
	channel->attempt = NULL;
	return STATUS_SUCCESS;
}

/* The login failed. What it was for goes; a session that was only to be bound to stays. */
static void refused(struct channel *channel)
{
	if (!channel->is_binding)
		session_end(channel->session, false);
	else if (channel->state != CHANNEL_GONE && channel_leave(channel))
		session_end(channel->session, true);
}

static uint16_t session_flags(const struct session *session)
{
	uint16_t flags = 0;

	if (session_state(session) != SESSION_VALID)
		return 0;
	if (session_token(session)->is_guest)
		flags |= SMB2_SESSION_FLAG_IS_GUEST;
	if (session_token(session)->is_anonymous)
		flags |= SMB2_SESSION_FLAG_IS_NULL;
	if (session->encrypt)
		flags |= SMB2_SESSION_FLAG_ENCRYPT_DATA;
	return flags;
}

/* 3.1.1: requests and responses of the legs go into the hash that the keys are made from. */
static bool hash_request(struct smb_request *rq)
{
	struct attempt *attempt = rq->channel->attempt;

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
	struct channel *channel;
	ntstatus status;

	if (rq->conn->refusals) /* one guess after the other */
		return request_wait_login(rq);
	status = smb2_session_setup_request_decode(&rq->message, &r);
	if (!status)
		status = find_or_make(rq, &r);
	if (status)
		return status;
	channel = rq->channel;
	if (!hash_request(rq))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = login_step(channel->attempt->login, r.security_buffer, &blob);
	if (status == STATUS_SUCCESS)
		status = complete(rq, &r);
	if (status == STATUS_MORE_PROCESSING_REQUIRED) {
		if (rq->conn->dialect == SMB2_DIALECT_311)
			rq->hash = channel->attempt->preauth;
		rq->keep_body = true;
	} else if (status) {
		log_refusal(rq, status);
		refused(channel);
		return request_refuse_later(rq, status);
	} else {
		if (!(r.flags & SMB2_SESSION_FLAG_BINDING))
			session_renew(rq->session);
		rq->force_sign = true;
	}
	answer = (struct smb2_session_setup_response){
		.session_flags = session_flags(rq->session),
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
