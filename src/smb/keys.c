// SPDX-License-Identifier: Apache-2.0
/* The keys of a session and its channels, from the keys of their logins
 * (MS-SMB2 3.3.5.5.3, 3.1.4.2).
 */
#include "session.h"

struct derivation {
	const char *label;
	size_t label_length; /* with its NUL */
	const char *context; /* NULL: the pre-authentication hash */
	size_t context_length;
};

#define TEXT(t) t, sizeof(t)

static const struct derivation sign_30 = { TEXT("SMB2AESCMAC"), TEXT("SmbSign") };
static const struct derivation open_30 = { TEXT("SMB2AESCCM"), TEXT("ServerIn ") };
static const struct derivation seal_30 = { TEXT("SMB2AESCCM"), TEXT("ServerOut") };
static const struct derivation sign_311 = { TEXT("SMBSigningKey"), NULL, 64 };
static const struct derivation open_311 = { TEXT("SMBC2SCipherKey"), NULL, 64 };
static const struct derivation seal_311 = { TEXT("SMBS2CCipherKey"), NULL, 64 };

static bool derive(const struct derivation *d, const uint8_t key[16], const uint8_t preauth[64],
		   uint8_t *out, size_t out_length)
{
	return kdf_sp800_108(key, 16, d->label, d->label_length,
			     d->context ? (const void *)d->context : preauth, d->context_length,
			     out, out_length);
}

static size_t cipher_key_length(enum cipher cipher)
{
	return cipher == CIPHER_AES_256_CCM || cipher == CIPHER_AES_256_GCM ? 32 : 16;
}

/* The keys of the session as a whole: from its first login. */
static bool make_session_3x(struct session *session, const uint8_t key[16],
			    const uint8_t preauth[64])
{
	bool is_311 = session->dialect == SMB2_DIALECT_311;
	size_t length = cipher_key_length(session->cipher);

	return derive(is_311 ? &open_311 : &open_30, key, preauth, session->open_key, length) &&
	       derive(is_311 ? &seal_311 : &seal_30, key, preauth, session->seal_key, length);
}

static bool set_signer(struct channel *channel, enum sign_algorithm algorithm,
		       const uint8_t key[16])
{
	signer_free(channel->signer);
	channel->signer = signer_new(algorithm, key);
	return channel->signer;
}

bool channel_make_keys(struct channel *channel, const uint8_t key[16], const uint8_t preauth[64])
{
	struct session *session = channel->session;
	bool is_311 = session->dialect == SMB2_DIALECT_311;
	uint8_t signing_key[16];
	bool good = true;

	if (session->dialect < SMB2_DIALECT_300)
		memcpy(signing_key, key, sizeof(signing_key));
	else
		good = derive(is_311 ? &sign_311 : &sign_30, key, preauth, signing_key, 16);
	if (good && !session->has_keys) {
		memcpy(session->signing_key, signing_key, sizeof(signing_key));
		good = session->dialect < SMB2_DIALECT_300 ||
		       make_session_3x(session, key, preauth);
		session->has_keys = good;
	}
	good = good && set_signer(channel, channel->conn->signing, signing_key);
	secret_wipe(signing_key, sizeof(signing_key));
	return good;
}

bool channel_prove(struct channel *channel)
{
	return set_signer(channel, channel->session->signing, channel->session->signing_key);
}

bool channel_can_seal(const struct channel *channel)
{
	return channel->state == CHANNEL_VALID && channel->session->has_keys &&
	       channel->session->dialect >= SMB2_DIALECT_300 &&
	       channel->session->cipher != CIPHER_NONE;
}

/* Contexts are made when the first message is sealed, so that a channel that never is has none. */
struct sealer *channel_sealer(struct channel *channel)
{
	const struct session *session = channel->session;

	if (!channel->sealer && session->has_keys && session->dialect >= SMB2_DIALECT_300 &&
	    session->cipher != CIPHER_NONE)
		channel->sealer = sealer_new(session->cipher, session->seal_key);
	return channel->sealer;
}

struct sealer *channel_opener(struct channel *channel)
{
	if (!channel->opener && channel_can_seal(channel))
		channel->opener = sealer_new(channel->session->cipher, channel->session->open_key);
	return channel->opener;
}
