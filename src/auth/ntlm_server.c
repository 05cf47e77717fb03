// SPDX-License-Identifier: Apache-2.0
/*
 * The server's side of NTLMv2 (MS-NLMP 3.2.5.1).
 *
 * Everything a stranger can learn is the same for an unknown user, a user without a password and a
 * wrong password: a proof is computed with some key in every case, and the answer is LOGON_FAILURE.
 * What an account is otherwise (disabled, expired) is told after the right password only.
 */
#include "ntlm_server.h"

#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <wire/ntlm.h>

/* How long a challenge may wait for its answer. */
#define CHALLENGE_LIFE_TICKS (300ull * 10000000ull)

#define REQUIRED_FLAGS	     (NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_NTLM)
/* What is granted to a client that asks for it. */
#define OPTIONAL_FLAGS                                                                             \
	(NTLM_NEGOTIATE_SIGN | NTLM_NEGOTIATE_SEAL | NTLM_NEGOTIATE_ALWAYS_SIGN |                  \
	 NTLM_NEGOTIATE_EXTENDED_SECURITY | NTLM_NEGOTIATE_VERSION | NTLM_NEGOTIATE_128 |          \
	 NTLM_NEGOTIATE_56 | NTLM_NEGOTIATE_KEY_EXCH)

void ntlm_server_init(struct ntlm_server *n, const struct login_config *config)
{
	*n = (struct ntlm_server){ .config = config, .reason = "" };
}

void ntlm_server_free(struct ntlm_server *n)
{
	buf_free(&n->negotiate);
	buf_free(&n->challenge);
	buf_free(&n->target_info);
	token_put(n->token);
	secret_wipe(n->key, sizeof(n->key));
}

static ntstatus refuse(struct ntlm_server *n, ntstatus status, const char *reason)
{
	n->reason = reason;
	return status;
}

static nttime now(const struct ntlm_server *n)
{
	return n->config->now ? n->config->now(n->config->arg) : nttime_now();
}

static void put_dns_computer(struct buf *b, const struct login_config *config)
{
	char lower[TOKEN_MAX_NAME] = "";

	if (config->dns_computer) {
		ntlm_av_put_text(b, NTLM_AV_DNS_COMPUTER, config->dns_computer);
		return;
	}
	for (size_t i = 0; config->netbios_computer[i] && i + 1 < sizeof(lower); i++) {
		char c = config->netbios_computer[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	ntlm_av_put_text(b, NTLM_AV_DNS_COMPUTER, lower);
}

static void put_target_info(struct ntlm_server *n)
{
	const struct login_config *config = n->config;
	struct buf *b = &n->target_info;

	b->len = 0;
	ntlm_av_put_text(b, NTLM_AV_NB_DOMAIN, config->netbios_domain);
	ntlm_av_put_text(b, NTLM_AV_NB_COMPUTER, config->netbios_computer);
	if (config->dns_domain)
		ntlm_av_put_text(b, NTLM_AV_DNS_DOMAIN, config->dns_domain);
	put_dns_computer(b, config);
	ntlm_av_put_time(b, n->sent);
	ntlm_av_end(b);
}

ntstatus ntlm_server_challenge(struct ntlm_server *n, struct cursor in, struct buf *out)
{
	struct buf name auto_buf = { 0 };
	struct ntlm_negotiate asked;
	struct ntlm_challenge answer = { .version = { 10, 0, 0 } };

	if (ntlm_negotiate_decode(in, &asked) != STATUS_SUCCESS)
		return refuse(n, STATUS_INVALID_PARAMETER, "not an NTLM negotiate message");
	if (!(asked.flags & NTLM_NEGOTIATE_UNICODE))
		return refuse(n, STATUS_LOGON_FAILURE, "the client does not speak Unicode");
	buf_bytes(&n->negotiate, in.at, cur_left(&in));

	random_bytes(n->server_challenge, sizeof(n->server_challenge));
	n->sent = now(n);
	n->offered = REQUIRED_FLAGS | (asked.flags & OPTIONAL_FLAGS) | NTLM_REQUEST_TARGET |
		     NTLM_TARGET_TYPE_SERVER | NTLM_NEGOTIATE_TARGET_INFO;
	put_target_info(n);
	utf16_encode(&name, n->config->netbios_computer);
	answer.flags = n->offered;
	memcpy(answer.server_challenge, n->server_challenge, sizeof(answer.server_challenge));
	answer.target_name = cur_of(name.data, name.len);
	answer.target_info = cur_of(n->target_info.data, n->target_info.len);
	ntlm_challenge_encode(&n->challenge, &answer);
	if (n->negotiate.failed || n->challenge.failed || n->target_info.failed || name.failed)
		return STATUS_NO_MEMORY;
	buf_bytes(out, n->challenge.data, n->challenge.len);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* take_name - what the client calls something, as UTF-8; false where it is no name. */
static bool take_name(struct cursor text, char out[TOKEN_MAX_NAME])
{
	char *name auto_free = utf16_to_string(text);

	if (!name || strlen(name) >= TOKEN_MAX_NAME)
		return false;
	strcpy(out, name);
	return true;
}

static bool take_names(struct ntlm_server *n, const struct ntlm_authenticate *m)
{
	return take_name(m->user, n->user) && take_name(m->domain, n->domain) &&
	       take_name(m->workstation, n->workstation);
}

/* is_anonymous - MS-NLMP 3.2.5.1.2: no user, no proof, and an LM response of nothing or one zero.
 */
static bool is_anonymous(const struct ntlm_authenticate *m)
{
	struct cursor lm = m->lm_response;

	if (cur_left(&m->user) || cur_left(&m->nt_response) || cur_left(&lm) > 1)
		return false;
	return !cur_left(&lm) || !cur_u8(&lm);
}

/* echoes_target_info - does the proof cover every pair that the challenge carried, unchanged? */
static bool echoes_target_info(const struct ntlm_server *n, struct cursor client_pairs)
{
	struct cursor ours = cur_of(n->target_info.data, n->target_info.len);
	struct cursor theirs;
	struct ntlm_av av;

	while (ntlm_av_next(&ours, &av)) {
		size_t length = cur_left(&av.value);

		if (!ntlm_av_find(client_pairs, (enum ntlm_av_id)av.id, &theirs) ||
		    cur_left(&theirs) != length || memcmp(theirs.at, av.value.at, length))
			return false;
	}
	return true;
}

static bool is_stale(const struct ntlm_server *n)
{
	uint64_t then = n->sent.ticks, at = now(n).ticks;

	return (at > then ? at - then : then - at) > CHALLENGE_LIFE_TICKS;
}

/* The session key that the client sent under @base, or @base itself where none was agreed on. */
static bool take_session_key(const struct ntlm_server *n, const struct ntlm_authenticate *m,
			     const uint8_t base[16], uint8_t key[16])
{
	struct cursor sealed = m->session_key;

	if (!(n->agreed & NTLM_NEGOTIATE_KEY_EXCH)) {
		memcpy(key, base, 16);
		return true;
	}
	if (cur_left(&sealed) != 16)
		return false;
	cur_copy(&sealed, key, 16);
	return rc4_apply(base, 16, key, 16);
}

static bool mic_is_right(const struct ntlm_server *n, struct cursor in,
			 const struct ntlm_authenticate *m, const uint8_t key[16])
{
	static const uint8_t zeros[16];
	struct cursor head = cur_slice(&in, 0, NTLM_MIC_OFFSET);
	struct buf message auto_buf = { 0 };
	struct iovec all[3];
	uint8_t mic[16];

	if (!m->has_mic)
		return false;
	buf_bytes(&message, head.at, cur_left(&head));
	buf_bytes(&message, zeros, sizeof(zeros));
	cur_skip(&in, message.len);
	buf_bytes(&message, in.at, cur_left(&in));
	all[0] = (struct iovec){ n->negotiate.data, n->negotiate.len };
	all[1] = (struct iovec){ n->challenge.data, n->challenge.len };
	all[2] = (struct iovec){ message.data, message.len };
	return !message.failed && ntlm_mic(key, all, mic) && secret_equal(mic, m->mic, sizeof(mic));
}

static void account_wipe(struct account *a)
{
	secret_wipe(a->nt_hash, sizeof(a->nt_hash));
	free(a->groups);
}

/*
 * look_up - the account that the client names. Where there is none, @account gets a hash that no
 * password has, so that the rest goes the same way; @found tells the two apart.
 */
static ntstatus look_up(struct ntlm_server *n, struct account *account, bool *found)
{
	const char *at = strrchr(n->user, '@');
	char user[TOKEN_MAX_NAME];
	const char *domain = n->domain;
	ntstatus status;

	strcpy(user, n->user);
	if (!*domain && at) { /* a user principal name: alice@fs.example.org */
		user[at - n->user] = 0;
		domain = at + 1;
	}
	status = n->config->lookup(n->config->arg, domain, user, account);
	*found = status == STATUS_SUCCESS;
	if (!*found && status != STATUS_NO_SUCH_USER)
		return refuse(n, status, "the account could not be looked up");
	if (!*found || !account->has_nt_hash)
		random_bytes(account->nt_hash, sizeof(account->nt_hash));
	return STATUS_SUCCESS;
}

static ntstatus make_token(struct ntlm_server *n, const struct account *account, bool is_guest)
{
	n->token = token_new(&(struct token_info){
		.user = account->user,
		.primary_group = account->primary_group,
		.user_name = account->name,
		.domain_name = n->config->netbios_domain,
		.authority_name = n->config->netbios_computer,
		.authority = n->config->authority,
		.privileges = account->privileges,
		.is_guest = is_guest,
		.groups = account->groups,
		.group_count = account->group_count,
	});
	return n->token ? STATUS_SUCCESS : STATUS_INSUFF_SERVER_RESOURCES;
}

static ntstatus let_in_anonymous(struct ntlm_server *n)
{
	if (!n->config->anonymous_allowed)
		return refuse(n, STATUS_ACCESS_DENIED, "anonymous logon is not allowed");
	n->token = token_new_anonymous(n->config->authority, n->config->netbios_computer);
	return n->token ? STATUS_SUCCESS : STATUS_INSUFF_SERVER_RESOURCES;
}

static ntstatus let_in_guest(struct ntlm_server *n)
{
	struct account guest cleanup(account_wipe) = { 0 };

	if (!n->config->guest_allowed || !n->config->lookup_guest)
		return refuse(n, STATUS_LOGON_FAILURE, "no such user");
	if (n->config->lookup_guest(n->config->arg, &guest) != STATUS_SUCCESS || guest.is_disabled)
		return refuse(n, STATUS_LOGON_FAILURE, "no such user, and no guest account");
	n->reason = "";
	return make_token(n, &guest, true);
}

static bool has_passed(const struct ntlm_server *n, nttime limit)
{
	return limit.ticks && limit.ticks <= now(n).ticks;
}

/* standing - may the account log on, now that it is known to be who it says? */
static ntstatus standing(struct ntlm_server *n, const struct account *a)
{
	if (a->is_disabled)
		return refuse(n, STATUS_ACCOUNT_DISABLED, "the account is disabled");
	if (a->is_locked_out)
		return refuse(n, STATUS_ACCOUNT_LOCKED_OUT, "the account is locked out");
	if (has_passed(n, a->account_expires))
		return refuse(n, STATUS_ACCOUNT_EXPIRED, "the account has expired");
	if (a->must_change_password)
		return refuse(n, STATUS_PASSWORD_MUST_CHANGE, "the password must be changed");
	if (has_passed(n, a->password_expires))
		return refuse(n, STATUS_PASSWORD_EXPIRED, "the password has expired");
	return STATUS_SUCCESS;
}

/* prove - is @account's key in the response? On success n->key is the session's. */
static ntstatus prove(struct ntlm_server *n, struct cursor in, const struct ntlm_authenticate *m,
		      const struct ntlm_v2_response *response, const struct account *account,
		      bool found)
{
	uint8_t owf[16], proof[16], base[16];
	struct cursor blob = response->blob;
	ntstatus status = STATUS_SUCCESS;
	bool right;

	if (!ntlm_owf_v2(account->nt_hash, n->user, n->domain, owf) ||
	    !ntlm_v2_proof(owf, n->server_challenge, blob.at, cur_left(&blob), proof) ||
	    !ntlm_v2_base_key(owf, proof, base))
		status = STATUS_INTERNAL_ERROR;
	right = secret_equal(proof, response->proof, sizeof(proof));
	if (status == STATUS_SUCCESS && (!right || !found || !account->has_nt_hash))
		status = refuse(n, STATUS_LOGON_FAILURE, found ? "wrong password" : "no such user");
	if (status == STATUS_SUCCESS && !take_session_key(n, m, base, n->key))
		status = refuse(n, STATUS_LOGON_FAILURE, "no session key, though one was agreed");
	if (status == STATUS_SUCCESS &&
	    ntlm_av_flags(response->av_pairs) & NTLM_AV_FLAG_MIC_PRESENT &&
	    !mic_is_right(n, in, m, n->key))
		status = refuse(n, STATUS_LOGON_FAILURE, "the messages were changed (wrong MIC)");
	secret_wipe(owf, sizeof(owf));
	secret_wipe(proof, sizeof(proof));
	secret_wipe(base, sizeof(base));
	return status;
}

static ntstatus check_response(struct ntlm_server *n, const struct ntlm_authenticate *m,
			       struct ntlm_v2_response *response)
{
	if (!cur_left(&m->nt_response))
		return refuse(n, STATUS_LOGON_FAILURE, "LM alone is not accepted");
	if (cur_left(&m->nt_response) == 24)
		return refuse(n, STATUS_LOGON_FAILURE, "NTLMv1 is not accepted");
	if (ntlm_v2_response_decode(m->nt_response, response) != STATUS_SUCCESS)
		return refuse(n, STATUS_INVALID_PARAMETER, "the response is no NTLMv2");
	if (!echoes_target_info(n, response->av_pairs))
		return refuse(n, STATUS_LOGON_FAILURE,
			      "the response was made for another server's challenge");
	if (is_stale(n))
		return refuse(n, STATUS_LOGON_FAILURE, "the response came too late");
	return STATUS_SUCCESS;
}

ntstatus ntlm_server_authenticate(struct ntlm_server *n, struct cursor in)
{
	struct account account cleanup(account_wipe) = { 0 };
	struct ntlm_v2_response response;
	struct ntlm_authenticate m;
	ntstatus status;
	bool found;

	if (ntlm_authenticate_decode(in, &m) != STATUS_SUCCESS || !take_names(n, &m))
		return refuse(n, STATUS_INVALID_PARAMETER, "not an NTLM authenticate message");
	if (!(m.flags & NTLM_NEGOTIATE_UNICODE))
		return refuse(n, STATUS_LOGON_FAILURE, "the client does not speak Unicode");
	n->agreed = m.flags & n->offered;
	if (is_anonymous(&m))
		return let_in_anonymous(n);
	status = check_response(n, &m, &response);
	if (status == STATUS_SUCCESS)
		status = look_up(n, &account, &found);
	if (status != STATUS_SUCCESS)
		return status;
	status = prove(n, in, &m, &response, &account, found);
	if (status == STATUS_LOGON_FAILURE && !found)
		return let_in_guest(n);
	if (status == STATUS_SUCCESS)
		status = standing(n, &account);
	if (status == STATUS_SUCCESS)
		status = make_token(n, &account, false);
	n->has_key = status == STATUS_SUCCESS;
	return status;
}
