// SPDX-License-Identifier: Apache-2.0
/* The keys of a session, from the key of its login (MS-SMB2 3.3.5.5.3, 3.1.4.2). */
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

static bool make_3x(struct session *session, const uint8_t key[16], const uint8_t preauth[64])
{
	const struct connection *conn = session->conn;
	bool is_311 = conn->dialect == SMB2_DIALECT_311;
	size_t length = cipher_key_length(conn->cipher);
	uint8_t signing_key[16];
	bool good;

	good = derive(is_311 ? &sign_311 : &sign_30, key, preauth, signing_key, 16) &&
	       derive(is_311 ? &open_311 : &open_30, key, preauth, session->open_key, length) &&
	       derive(is_311 ? &seal_311 : &seal_30, key, preauth, session->seal_key, length);
	if (good)
		session->signer = signer_new(conn->signing, signing_key);
	secret_wipe(signing_key, sizeof(signing_key));
	return session->signer;
}

bool session_make_keys(struct session *session, const uint8_t key[16], const uint8_t preauth[64])
{
	if (session->conn->dialect >= SMB2_DIALECT_300)
		return make_3x(session, key, preauth);
	session->signer = signer_new(SIGN_HMAC_SHA256, key);
	return session->signer;
}

bool session_can_seal(const struct session *session)
{
	return session->signer && session->conn && session->conn->dialect >= SMB2_DIALECT_300 &&
	       session->conn->cipher != CIPHER_NONE;
}

/* Contexts are made when the first message is sealed, so that a session that never is has none. */
struct sealer *session_sealer(struct session *session)
{
	if (!session->sealer && session_can_seal(session))
		session->sealer = sealer_new(session->conn->cipher, session->seal_key);
	return session->sealer;
}

struct sealer *session_opener(struct session *session)
{
	if (!session->opener && session_can_seal(session))
		session->opener = sealer_new(session->conn->cipher, session->open_key);
	return session->opener;
}
