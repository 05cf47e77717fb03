// SPDX-License-Identifier: Apache-2.0
/*
 * SPNEGO around NTLM. The client offers mechanisms; NTLMSSP is the one that is taken, whatever it
 * prefers, and then the list must be signed with the session's key, so that nobody on the way can
 * have removed a better one (RFC 4178 4.2.2, 5).
 */
#include "ntlm_server.h"

#include <crypto/ntlm.h>
#include <wire/ntlm.h>
#include <wire/spnego.h>

/* What this server takes, in the order of the offer. Kerberos goes in front when it comes. */
static const enum spnego_mech offered_mechs[] = { MECH_NTLMSSP };

#define MAX_MECH_LIST 512 /* bytes of the client's list, kept until it is signed */

enum state {
	LOGIN_START,	  /* nothing heard */
	LOGIN_CHOSEN,	  /* NTLMSSP chosen, its first message awaited */
	LOGIN_CHALLENGED, /* challenge sent */
	LOGIN_MIC,	  /* proven; the signature of the list is awaited */
	LOGIN_DONE,
	LOGIN_FAILED,
};

struct login {
	enum state state;
	bool is_bare;	   /* NTLMSSP without SPNEGO around it */
	bool mic_required; /* the client preferred another mechanism */
	struct buf mech_list;
	struct ntlm_server ntlm;
};

struct login *login_new(const struct login_config *config)
{
	struct login *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->mech_list.limit = MAX_MECH_LIST;
	ntlm_server_init(&l->ntlm, config);
	return l;
}

void login_free(struct login *l)
{
	if (!l)
		return;
	ntlm_server_free(&l->ntlm);
	buf_free(&l->mech_list);
	free(l);
}

void login_offer(struct buf *out)
{
	spnego_offer_encode(out, offered_mechs, ARRAY_LEN(offered_mechs));
}

static ntstatus refuse(struct login *l, ntstatus status, const char *reason)
{
	l->ntlm.reason = reason;
	return status;
}

/* answer - wrap @token as SPNEGO, or leave it bare as the client did. */
static void answer(struct login *l, struct buf *out, enum spnego_state state, bool names_mech,
		   const struct buf *token, struct cursor mic)
{
	if (l->is_bare) {
		buf_bytes(out, token->data, token->len);
		return;
	}
	spnego_resp_encode(out, &(struct spnego_resp){
					.has_state = true,
					.state = state,
					.mech = names_mech ? MECH_NTLMSSP : MECH_UNKNOWN,
					.token = cur_of(token->data, token->len),
					.mic = mic,
				});
}

static ntstatus challenge(struct login *l, struct cursor in, struct buf *out, bool names_mech)
{
	struct buf token auto_buf = { 0 };
	ntstatus status = ntlm_server_challenge(&l->ntlm, in, &token);

	if (status != STATUS_MORE_PROCESSING_REQUIRED)
		return status;
	answer(l, out,
	       names_mech && l->mic_required ? SPNEGO_REQUEST_MIC : SPNEGO_ACCEPT_INCOMPLETE,
	       names_mech, &token, (struct cursor){ 0 });
	l->state = LOGIN_CHALLENGED;
	return status;
}

static ntstatus start(struct login *l, const struct spnego_message *m, struct buf *out)
{
	static const struct buf nothing;
	unsigned at = 0;

	if (m->kind == SPNEGO_BARE_NTLMSSP) {
		l->is_bare = true;
		return challenge(l, m->token, out, false);
	}
	if (m->kind != SPNEGO_INIT)
		return refuse(l, STATUS_INVALID_PARAMETER, "not the beginning of a negotiation");
	while (at < m->mech_count && m->mechs[at] != MECH_NTLMSSP)
		at++;
	if (at == m->mech_count)
		return refuse(l, STATUS_NOT_SUPPORTED, "no mechanism in common");
	buf_bytes(&l->mech_list, m->mech_list.at, cur_left(&m->mech_list));
	if (l->mech_list.failed)
		return refuse(l, STATUS_INVALID_PARAMETER, "too long a list of mechanisms");
	l->mic_required = at > 0;
	if (at == 0 && m->has_token)
		return challenge(l, m->token, out, true);
	/* The token that came along, if any, is for another mechanism. */
	answer(l, out, l->mic_required ? SPNEGO_REQUEST_MIC : SPNEGO_ACCEPT_INCOMPLETE, true,
	       &nothing, (struct cursor){ 0 });
	l->state = LOGIN_CHOSEN;
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static bool list_mic(const struct login *l, bool from_client, uint8_t mic[NTLM_SIGNATURE_LENGTH])
{
	uint32_t agreed = l->ntlm.agreed;
	const struct ntlm_sign_options options = {
		.from_client = from_client,
		.key_exchange = agreed & NTLM_NEGOTIATE_KEY_EXCH,
		.seal_bits = agreed & NTLM_NEGOTIATE_128  ? 128
			     : agreed & NTLM_NEGOTIATE_56 ? 56
							  : 40,
	};

	/* Without extended session security there is no such signature, and none is right. */
	return l->ntlm.has_key && agreed & NTLM_NEGOTIATE_EXTENDED_SECURITY &&
	       ntlm_sign(l->ntlm.key, &options, l->mech_list.data, l->mech_list.len, mic);
}

static ntstatus check_list_mic(struct login *l, struct cursor mic)
{
	uint8_t expected[NTLM_SIGNATURE_LENGTH];

	if (cur_left(&mic) != sizeof(expected) || !list_mic(l, true, expected) ||
	    !secret_equal(mic.at, expected, sizeof(expected)))
		return refuse(l, STATUS_LOGON_FAILURE,
			      "the list of mechanisms was changed (wrong mechListMIC)");
	return STATUS_SUCCESS;
}

static ntstatus authenticate(struct login *l, const struct spnego_message *m, struct buf *out)
{
	static const struct buf nothing;
	uint8_t mic[NTLM_SIGNATURE_LENGTH];
	struct cursor ours = { 0 };
	ntstatus status = ntlm_server_authenticate(&l->ntlm, m->token);

	if (status != STATUS_SUCCESS)
		return status;
	if (l->is_bare || !l->ntlm.has_key) {
		/* A guest or a null session has no key: there is nothing to sign with or to
		 * protect. */
		if (!l->is_bare)
			answer(l, out, SPNEGO_ACCEPT_COMPLETED, false, &nothing, ours);
		return STATUS_SUCCESS;
	}
	if (m->has_mic)
		status = check_list_mic(l, m->mic);
	if (status != STATUS_SUCCESS)
		return status;
	if (m->has_mic || l->mic_required) {
		if (!list_mic(l, false, mic))
			return refuse(l, STATUS_LOGON_FAILURE,
				      "the client cannot sign the list of mechanisms");
		ours = cur_of(mic, sizeof(mic));
	}
	if (l->mic_required && !m->has_mic) {
		answer(l, out, SPNEGO_ACCEPT_INCOMPLETE, false, &nothing, ours);
		l->state = LOGIN_MIC;
		return STATUS_MORE_PROCESSING_REQUIRED;
	}
	answer(l, out, SPNEGO_ACCEPT_COMPLETED, false, &nothing, ours);
	return STATUS_SUCCESS;
}

static ntstatus finish(struct login *l, const struct spnego_message *m, struct buf *out)
{
	static const struct buf nothing;
	ntstatus status;

	if (!m->has_mic || m->has_token)
		return refuse(l, STATUS_LOGON_FAILURE, "the list of mechanisms was not signed");
	status = check_list_mic(l, m->mic);
	if (status == STATUS_SUCCESS)
		answer(l, out, SPNEGO_ACCEPT_COMPLETED, false, &nothing, (struct cursor){ 0 });
	return status;
}

/* step - by state: which message may come, and what is done with it. */
static ntstatus step(struct login *l, const struct spnego_message *m, struct buf *out)
{
	enum spnego_kind expected = l->is_bare ? SPNEGO_BARE_NTLMSSP : SPNEGO_RESP;

	if (l->state == LOGIN_START)
		return start(l, m, out);
	if (m->kind != expected || (m->has_state && m->state == SPNEGO_REJECT))
		return refuse(l, STATUS_INVALID_PARAMETER, "not the next message");
	if (l->state == LOGIN_MIC)
		return finish(l, m, out);
	if (!m->has_token)
		return refuse(l, STATUS_INVALID_PARAMETER, "a message without a token");
	if (l->state == LOGIN_CHOSEN)
		return challenge(l, m->token, out, false);
	return authenticate(l, m, out);
}

ntstatus login_step(struct login *l, struct cursor in, struct buf *out)
{
	struct spnego_message m;
	size_t before = out->len;
	ntstatus status;

	if (l->state == LOGIN_DONE || l->state == LOGIN_FAILED)
		return STATUS_INVALID_PARAMETER;
	if (cur_left(&in) > LOGIN_MAX_TOKEN)
		status = refuse(l, STATUS_INVALID_PARAMETER, "too long a token");
	else if (spnego_decode(in, &m) != STATUS_SUCCESS)
		status = refuse(l, STATUS_INVALID_PARAMETER, "neither SPNEGO nor NTLMSSP");
	else
		status = step(l, &m, out);
	if (out->failed && (status == STATUS_SUCCESS || status == STATUS_MORE_PROCESSING_REQUIRED))
		status = refuse(l, STATUS_INSUFF_SERVER_RESOURCES, "no memory");
	if (status == STATUS_MORE_PROCESSING_REQUIRED)
		return status;
	l->state = status == STATUS_SUCCESS ? LOGIN_DONE : LOGIN_FAILED;
	if (status != STATUS_SUCCESS && !out->failed)
		out->len = before;
	return status;
}

bool login_result(const struct login *l, struct login_result *out)
{
	*out = (struct login_result){ 0 };
	if (l->state != LOGIN_DONE)
		return false;
	out->token = l->ntlm.token;
	out->has_key = l->ntlm.has_key;
	if (out->has_key)
		memcpy(out->session_key, l->ntlm.key, sizeof(out->session_key));
	return true;
}

const char *login_user(const struct login *l)
{
	return l->ntlm.user;
}

const char *login_domain(const struct login *l)
{
	return l->ntlm.domain;
}

const char *login_workstation(const struct login *l)
{
	return l->ntlm.workstation;
}

const char *login_reason(const struct login *l)
{
	return l->ntlm.reason;
}
