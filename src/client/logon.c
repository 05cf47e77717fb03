// SPDX-License-Identifier: Apache-2.0
/*
 * The logon of a session: NTLMv2 (MS-NLMP 3.1.5) carried in SPNEGO (MS-SPNG), with a MIC over the
 * three messages and a signature over the list of mechanisms. Its secrets are wiped with it.
 */
#include "impl.h"

#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <wire/ntlm.h>
#include <wire/spnego.h>

static const enum spnego_mech offered[] = { MECH_NTLMSSP };

#define NTLM_FLAGS_OFFERED                                                                         \
	(NTLM_NEGOTIATE_UNICODE | NTLM_REQUEST_TARGET | NTLM_NEGOTIATE_SIGN |                      \
	 NTLM_NEGOTIATE_NTLM | NTLM_NEGOTIATE_ALWAYS_SIGN | NTLM_NEGOTIATE_EXTENDED_SECURITY |     \
	 NTLM_NEGOTIATE_TARGET_INFO | NTLM_NEGOTIATE_VERSION | NTLM_NEGOTIATE_128 |                \
	 NTLM_NEGOTIATE_KEY_EXCH | NTLM_NEGOTIATE_56)

static const struct ntlm_version version = { .major = 10, .minor = 0, .build = 0 };

struct logon {
	const char *server, *user, *domain; /* the client's */
	bool anonymous;
	enum { SAY_HELLO, ANSWER_CHALLENGE, AWAIT_END } state;
	uint8_t nt_hash[NTLM_KEY_LENGTH];
	uint8_t key[NTLM_KEY_LENGTH];
	uint32_t flags;
	struct buf negotiate, challenge, authenticate, mech_list;
};

struct logon *logon_new(const struct client *client)
{
	struct logon *logon = xalloc(1, sizeof(*logon));

	logon->server = client->server;
	logon->user = client->user;
	logon->domain = client->domain;
	logon->anonymous = client->options.anonymous;
	memcpy(logon->nt_hash, client->nt_hash, sizeof(logon->nt_hash));
	return logon;
}

void logon_free(struct logon *logon)
{
	if (!logon)
		return;
	buf_free(&logon->negotiate);
	buf_free(&logon->challenge);
	buf_free(&logon->authenticate);
	buf_free(&logon->mech_list);
	secret_wipe(logon, sizeof(*logon));
	free(logon);
}

const uint8_t *logon_key(const struct logon *logon)
{
	return logon->key;
}

bool logon_is_anonymous(const struct logon *logon)
{
	return logon->anonymous;
}

static struct cursor all_of(const struct buf *b)
{
	return cur_of(b->data, b->len);
}

static ntstatus say_hello(struct logon *logon, struct buf *out)
{
	struct ntlm_negotiate hello = { .flags = NTLM_FLAGS_OFFERED, .version = version };

	ntlm_negotiate_encode(&logon->negotiate, &hello);
	spnego_mech_list_encode(&logon->mech_list, offered, ARRAY_LEN(offered));
	spnego_init_encode(out, offered, ARRAY_LEN(offered), all_of(&logon->negotiate));
	logon->state = ANSWER_CHALLENGE;
	return STATUS_SUCCESS;
}

/* The server's AV pairs, and what the client says with them: that there is a MIC, whom it dialled.
 */
static void answer_av_pairs(const struct logon *logon, struct cursor pairs, struct buf *out,
			    nttime *timestamp)
{
	auto_free char *spn = xasprintf("cifs/%s", logon->server);
	uint32_t flags = NTLM_AV_FLAG_MIC_PRESENT;
	struct ntlm_av av;

	*timestamp = nttime_now();
	while (ntlm_av_next(&pairs, &av)) {
		struct cursor value = av.value;

		if (av.id == NTLM_AV_FLAGS) {
			flags |= cur_u32le(&value);
			continue;
		}
		if (av.id == NTLM_AV_TIMESTAMP && cur_left(&value) == 8)
			*timestamp = nttime_of(cur_u64le(&value));
		if (av.id != NTLM_AV_TARGET_NAME && av.id != NTLM_AV_CHANNEL_BINDINGS)
			ntlm_av_put(out, av.id, av.value.at, cur_left(&av.value));
	}
	ntlm_av_put_u32(out, NTLM_AV_FLAGS, flags);
	ntlm_av_put_text(out, NTLM_AV_TARGET_NAME, spn);
	ntlm_av_end(out);
}

/* The NTLMv2 response, and the key that follows from it. */
static bool prove(const struct logon *logon, const struct ntlm_challenge *challenge,
		  struct buf *response, uint8_t base_key[NTLM_KEY_LENGTH])
{
	auto_buf struct buf pairs = { 0 };
	uint8_t owf[NTLM_KEY_LENGTH], proof[NTLM_PROOF_LENGTH], chosen[NTLM_CHALLENGE_LENGTH];
	nttime timestamp;
	bool good;

	random_bytes(chosen, sizeof(chosen));
	answer_av_pairs(logon, challenge->target_info, &pairs, &timestamp);
	buf_zero(response, NTLM_PROOF_LENGTH);
	ntlm_v2_blob_encode(response, timestamp, chosen, all_of(&pairs));
	if (response->failed || pairs.failed)
		return false;
	good = ntlm_owf_v2(logon->nt_hash, logon->user, logon->domain, owf) &&
	       ntlm_v2_proof(owf, challenge->server_challenge, response->data + NTLM_PROOF_LENGTH,
			     response->len - NTLM_PROOF_LENGTH, proof) &&
	       ntlm_v2_base_key(owf, proof, base_key);
	memcpy(response->data, proof, sizeof(proof));
	secret_wipe(owf, sizeof(owf));
	return good;
}

/* With key exchange the client chooses the session key, and sends it encrypted. */
static bool choose_key(struct logon *logon, const uint8_t base_key[NTLM_KEY_LENGTH],
		       uint8_t encrypted[NTLM_KEY_LENGTH])
{
	if (!(logon->flags & NTLM_NEGOTIATE_KEY_EXCH)) {
		memcpy(logon->key, base_key, NTLM_KEY_LENGTH);
		return true;
	}
	random_bytes(logon->key, sizeof(logon->key));
	memcpy(encrypted, logon->key, NTLM_KEY_LENGTH);
	return rc4_apply(base_key, NTLM_KEY_LENGTH, encrypted, NTLM_KEY_LENGTH);
}

static bool put_mic(struct logon *logon)
{
	struct iovec messages[3] = {
		{ logon->negotiate.data, logon->negotiate.len },
		{ logon->challenge.data, logon->challenge.len },
		{ logon->authenticate.data, logon->authenticate.len },
	};

	return !logon->authenticate.failed &&
	       ntlm_mic(logon->key, messages, logon->authenticate.data + NTLM_MIC_OFFSET);
}

static ntstatus authenticate(struct logon *logon, const struct ntlm_challenge *challenge)
{
	static const uint8_t zeros[24];
	auto_buf struct buf response = { 0 }, user = { 0 }, domain = { 0 };
	uint8_t base_key[NTLM_KEY_LENGTH], encrypted[NTLM_KEY_LENGTH] = { 0 };
	struct ntlm_authenticate m = {
		.flags = logon->flags,
		.lm_response = cur_of(zeros, sizeof(zeros)),
		.version = version,
	};
	bool good;

	good = prove(logon, challenge, &response, base_key) &&
	       choose_key(logon, base_key, encrypted);
	secret_wipe(base_key, sizeof(base_key));
	if (!good)
		return STATUS_NO_MEMORY;
	utf16_encode(&user, logon->user);
	utf16_encode(&domain, logon->domain);
	m.nt_response = all_of(&response);
	m.user = all_of(&user);
	m.domain = all_of(&domain);
	if (logon->flags & NTLM_NEGOTIATE_KEY_EXCH)
		m.session_key = cur_of(encrypted, sizeof(encrypted));
	ntlm_authenticate_encode(&logon->authenticate, &m);
	return put_mic(logon) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* MS-NLMP 3.2.5.1.2: no user, no NTLM response, one zero byte of LM response. */
static ntstatus authenticate_as_nobody(struct logon *logon)
{
	struct ntlm_authenticate m = {
		.flags = (logon->flags | NTLM_NEGOTIATE_ANONYMOUS) & ~NTLM_NEGOTIATE_KEY_EXCH,
		.lm_response = cur_of("", 1),
		.version = version,
	};

	ntlm_authenticate_encode(&logon->authenticate, &m);
	return logon->authenticate.failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

static bool sign_mech_list(const struct logon *logon, bool from_client,
			   uint8_t signature[NTLM_SIGNATURE_LENGTH])
{
	struct ntlm_sign_options options = {
		.from_client = from_client,
		.key_exchange = logon->flags & NTLM_NEGOTIATE_KEY_EXCH,
		.seal_bits = logon->flags & NTLM_NEGOTIATE_128	? 128
			     : logon->flags & NTLM_NEGOTIATE_56 ? 56
								: 40,
	};

	return ntlm_sign(logon->key, &options, logon->mech_list.data, logon->mech_list.len,
			 signature);
}

static ntstatus answer_challenge(struct logon *logon, struct cursor in, struct buf *out)
{
	struct spnego_message message;
	struct ntlm_challenge challenge;
	uint8_t signature[NTLM_SIGNATURE_LENGTH];
	struct spnego_resp resp = { 0 };
	ntstatus status;

	if (spnego_decode(in, &message) || message.kind == SPNEGO_INIT || !message.has_token ||
	    ntlm_challenge_decode(message.token, &challenge))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (!(challenge.flags & NTLM_NEGOTIATE_UNICODE) ||
	    !(challenge.flags & NTLM_NEGOTIATE_EXTENDED_SECURITY) ||
	    !ntlm_av_valid(challenge.target_info))
		return STATUS_NOT_SUPPORTED; /* an NTLM before version 2 */
	logon->flags = challenge.flags & NTLM_FLAGS_OFFERED;
	buf_bytes(&logon->challenge, message.token.at, cur_left(&message.token));
	status = logon->anonymous ? authenticate_as_nobody(logon) : authenticate(logon, &challenge);
	if (status)
		return status;
	resp.has_state = true;
	resp.state = SPNEGO_ACCEPT_INCOMPLETE;
	resp.token = all_of(&logon->authenticate);
	if (!logon->anonymous) {
		if (!sign_mech_list(logon, true, signature))
			return STATUS_NO_MEMORY;
		resp.mic = cur_of(signature, sizeof(signature));
	}
	spnego_resp_encode(out, &resp);
	logon->state = AWAIT_END;
	return STATUS_SUCCESS;
}

ntstatus logon_step(struct logon *logon, struct cursor in, struct buf *out)
{
	switch (logon->state) {
	case SAY_HELLO:
		return say_hello(logon, out);
	case ANSWER_CHALLENGE:
		return answer_challenge(logon, in, out);
	case AWAIT_END:
		break;
	}
	return STATUS_INVALID_NETWORK_RESPONSE;
}

ntstatus logon_finish(struct logon *logon, struct cursor in)
{
	uint8_t signature[NTLM_SIGNATURE_LENGTH];
	struct spnego_message message;

	if (logon->state != AWAIT_END)
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (!cur_left(&in) || logon->anonymous)
		return STATUS_SUCCESS;
	if (spnego_decode(in, &message) || message.kind != SPNEGO_RESP ||
	    (message.has_state && message.state != SPNEGO_ACCEPT_COMPLETED))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (!message.has_mic)
		return STATUS_SUCCESS;
	if (!sign_mech_list(logon, false, signature))
		return STATUS_NO_MEMORY;
	if (cur_left(&message.mic) != sizeof(signature) ||
	    !secret_equal(message.mic.at, signature, sizeof(signature)))
		return STATUS_INVALID_NETWORK_RESPONSE;
	return STATUS_SUCCESS;
}
