// SPDX-License-Identifier: Apache-2.0
/*
 * A client for the tests of logins: it does what is right, and what @wrong says instead. Shared by
 * the unit tests and the fuzz target, so it reports failure and asserts nothing.
 */
#ifndef TESTS_NTLM_CLIENT_H
#define TESTS_NTLM_CLIENT_H

#include <base/utf16.h>
#include <crypto/ntlm.h>
#include <wire/ntlm.h>
#include <wire/spnego.h>

enum wrong {
	NOTHING_WRONG,
	WRONG_NTLMV1,	      /* a 24-byte response */
	WRONG_LM_ONLY,	      /* no NT response */
	WRONG_SHORT_RESPONSE, /* shorter than any NTLMv2 response */
	WRONG_NOT_UNICODE,    /* OEM text */
	WRONG_PROOF,	      /* one bit of it */
	WRONG_PAIR_DROPPED,   /* the AV pairs of the challenge without the first */
	WRONG_PAIR_CHANGED,   /* the same with another name in it */
	WRONG_TIMESTAMP,      /* another time than the challenge's */
	WRONG_MIC,	      /* one bit of it */
	WRONG_MIC_MISSING,    /* announced, but no room for it */
	WRONG_FLAGS_CHANGED,  /* NEGOTIATE changed on its way, so that the MIC does not match */
	WRONG_NO_SESSION_KEY, /* key exchange agreed on, no key */
	WRONG_LONG_NAME,      /* more than a name may have */
};

struct client {
	const char *user, *domain, *password;
	uint32_t flags;
	bool sends_mic;
	bool is_anonymous;
	enum wrong wrong;

	struct buf negotiate, challenge;
	uint32_t agreed;
	uint8_t key[16]; /* the session's, after client_authenticate */
};

#define CLIENT_FLAGS                                                                               \
	(NTLM_NEGOTIATE_UNICODE | NTLM_REQUEST_TARGET | NTLM_NEGOTIATE_NTLM |                      \
	 NTLM_NEGOTIATE_SIGN | NTLM_NEGOTIATE_ALWAYS_SIGN | NTLM_NEGOTIATE_EXTENDED_SECURITY |     \
	 NTLM_NEGOTIATE_TARGET_INFO | NTLM_NEGOTIATE_VERSION | NTLM_NEGOTIATE_128 |                \
	 NTLM_NEGOTIATE_56 | NTLM_NEGOTIATE_KEY_EXCH)

static inline void client_free(struct client *c)
{
	buf_free(&c->negotiate);
	buf_free(&c->challenge);
}

static inline void client_negotiate(struct client *c, struct buf *out)
{
	struct ntlm_negotiate m = { .flags = c->flags };
	size_t start = out->len;

	ntlm_negotiate_encode(out, &m);
	buf_bytes(&c->negotiate, out->data + start, out->len - start);
	if (c->wrong == WRONG_FLAGS_CHANGED && !c->negotiate.failed)
		c->negotiate.data[12] ^= 0x10;
}

/* The AV pairs of a response: those of the challenge, and what the client adds. */
static inline void client_pairs(const struct client *c, struct cursor pairs, struct buf *out)
{
	struct ntlm_av av;
	bool first = true;

	while (ntlm_av_next(&pairs, &av)) {
		size_t length = cur_left(&av.value), at = out->len + 4;
		bool hit = (first && c->wrong == WRONG_PAIR_CHANGED) ||
			   (av.id == NTLM_AV_TIMESTAMP && c->wrong == WRONG_TIMESTAMP);

		if (!(first && c->wrong == WRONG_PAIR_DROPPED))
			ntlm_av_put(out, (enum ntlm_av_id)av.id, av.value.at, length);
		if (hit && length && !out->failed)
			out->data[at] ^= 1;
		first = false;
	}
	if (c->sends_mic)
		ntlm_av_put_u32(out, NTLM_AV_FLAGS, NTLM_AV_FLAG_MIC_PRESENT);
	ntlm_av_put_text(out, NTLM_AV_TARGET_NAME, "cifs/FS");
	ntlm_av_end(out);
}

static inline bool client_response(struct client *c, const struct ntlm_challenge *challenge,
				   struct buf *response)
{
	static const uint8_t client_challenge[8] = { 0xaa, 1, 2, 3, 4, 5, 6, 7 };
	struct buf pairs auto_buf = { 0 };
	uint8_t nt[16], owf[16];

	client_pairs(c, challenge->target_info, &pairs);
	buf_zero(response, 16);
	ntlm_v2_blob_encode(response, nttime_of(1), client_challenge,
			    cur_of(pairs.data, pairs.len));
	if (response->failed || pairs.failed || !ntlm_nt_hash(c->password, nt) ||
	    !ntlm_owf_v2(nt, c->user, c->domain, owf) ||
	    !ntlm_v2_proof(owf, challenge->server_challenge, response->data + 16,
			   response->len - 16, response->data) ||
	    !ntlm_v2_base_key(owf, response->data, c->key))
		return false;
	if (c->wrong == WRONG_PROOF)
		response->data[3] ^= 0x40;
	if (c->wrong == WRONG_NTLMV1)
		response->len = 24;
	if (c->wrong == WRONG_SHORT_RESPONSE)
		response->len = 40;
	if (c->wrong == WRONG_LM_ONLY)
		response->len = 0;
	return true;
}

static inline struct cursor of_buf(const struct buf *b)
{
	return cur_of(b->data, b->len);
}

/* client_authenticate - answer the CHALLENGE @message; false where that is not one. */
static inline bool client_authenticate(struct client *c, struct cursor message, struct buf *out)
{
	static const uint8_t lm[24] = { 0 }, random_key[16] = { 0x55, 1, 2, 3 };
	struct buf response auto_buf = { 0 }, user auto_buf = { 0 }, domain auto_buf = { 0 };
	struct ntlm_authenticate m = { .version = { 10, 0, 1 } };
	struct ntlm_challenge challenge;
	uint8_t sealed[16];
	size_t start = out->len;
	struct iovec all[3];

	if (ntlm_challenge_decode(message, &challenge) != STATUS_SUCCESS)
		return false;
	buf_bytes(&c->challenge, message.at, cur_left(&message));
	c->agreed = challenge.flags & c->flags;
	m.flags = c->wrong == WRONG_NOT_UNICODE ? c->agreed & ~NTLM_NEGOTIATE_UNICODE : c->agreed;
	if (!c->is_anonymous) {
		if (!client_response(c, &challenge, &response))
			return false;
		utf16_encode(&user, c->user);
		for (int i = 0; c->wrong == WRONG_LONG_NAME && i < 300; i++)
			utf16_encode(&user, "x");
		utf16_encode(&domain, c->domain);
		m.lm_response = cur_of(lm, sizeof(lm));
		m.nt_response = of_buf(&response);
		m.user = of_buf(&user);
		m.domain = of_buf(&domain);
	}
	if (c->agreed & NTLM_NEGOTIATE_KEY_EXCH && c->wrong != WRONG_NO_SESSION_KEY) {
		memcpy(sealed, random_key, 16);
		if (!rc4_apply(c->key, 16, sealed, 16))
			return false;
		memcpy(c->key, random_key, 16);
		m.session_key = cur_of(sealed, 16);
	}
	ntlm_authenticate_encode(out, &m);
	if (out->failed)
		return false;
	if (c->sends_mic) {
		uint8_t mic[16];

		all[0] = (struct iovec){ c->negotiate.data, c->negotiate.len };
		all[1] = (struct iovec){ c->challenge.data, c->challenge.len };
		all[2] = (struct iovec){ out->data + start, out->len - start };
		if (!ntlm_mic(c->key, all, mic))
			return false;
		memcpy(out->data + start + NTLM_MIC_OFFSET, mic, 16);
	}
	if (c->wrong == WRONG_MIC)
		out->data[start + NTLM_MIC_OFFSET + 5] ^= 1;
	if (c->wrong == WRONG_MIC_MISSING) {
		/* The LM response lies where the MIC would be, as old clients have it. */
		buf_put_u16le(out, start + 12, 2);
		buf_put_u32le(out, start + 16, NTLM_MIC_OFFSET);
	}
	return true;
}

/* client_sign_list - the mechListMIC of @list; @from_server: the one to expect. */
static inline bool client_sign_list(const struct client *c, struct cursor list, bool from_server,
				    uint8_t mic[16])
{
	const struct ntlm_sign_options options = {
		.from_client = !from_server,
		.key_exchange = c->agreed & NTLM_NEGOTIATE_KEY_EXCH,
		.seal_bits = c->agreed & NTLM_NEGOTIATE_128  ? 128
			     : c->agreed & NTLM_NEGOTIATE_56 ? 56
							     : 40,
	};

	return ntlm_sign(c->key, &options, list.at, cur_left(&list), mic);
}

#endif
