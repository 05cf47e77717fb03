// SPDX-License-Identifier: Apache-2.0
/* Pre-authentication integrity, the keys of a session, signing and sealing (MS-SMB2 3.1.4). */
#include "impl.h"

void preauth_extend(struct client *client, const void *message, size_t length)
{
	bool good = sha512_extend(client->preauth, message, length);

	BUG_ON(!good);
}

/* A derived key: what it is called, and what it is bound to below dialect 3.1.1. */
struct derivation {
	const char *label;
	size_t label_length;
	const char *context;
	size_t context_length;
};
#define NAMED(label, context)                                                                      \
	{                                                                                          \
		label, sizeof(label), context, sizeof(context)                                     \
	}
enum purpose { FOR_SIGNING, FOR_SEALING, FOR_OPENING };
static const struct derivation derivations[2][3] = {
	{ NAMED("SMB2AESCMAC", "SmbSign"), NAMED("SMB2AESCCM", "ServerIn "),
	  NAMED("SMB2AESCCM", "ServerOut") },
	{ NAMED("SMBSigningKey", ""), NAMED("SMBC2SCipherKey", ""), NAMED("SMBS2CCipherKey", "") },
};

static bool derive(const struct client *client, const uint8_t *session_key, enum purpose purpose,
		   uint8_t *key, size_t length)
{
	bool bound = client->facts.dialect == SMB2_DIALECT_311;
	const struct derivation *d = &derivations[bound][purpose];

	return kdf_sp800_108(session_key, SESSION_KEY_LENGTH, d->label, d->label_length,
			     bound ? (const void *)client->preauth : (const void *)d->context,
			     bound ? sizeof(client->preauth) : d->context_length, key, length);
}

static bool make_signer(struct client *client, const uint8_t *session_key)
{
	uint8_t key[SESSION_KEY_LENGTH];
	bool good = true;

	if (client->facts.dialect >= SMB2_DIALECT_300)
		good = derive(client, session_key, FOR_SIGNING, key, sizeof(key));
	else
		memcpy(key, session_key, sizeof(key));
	if (good)
		client->signer = signer_new(client->facts.sign_algorithm, key);
	secret_wipe(key, sizeof(key));
	return client->signer;
}

static struct sealer *make_sealer(const struct client *client, const uint8_t *session_key,
				  enum purpose purpose)
{
	enum cipher cipher = client->facts.cipher;
	bool long_key = cipher == CIPHER_AES_256_CCM || cipher == CIPHER_AES_256_GCM;
	uint8_t key[32];
	struct sealer *sealer = NULL;

	if (derive(client, session_key, purpose, key, long_key ? 32 : 16))
		sealer = sealer_new(cipher, key);
	secret_wipe(key, sizeof(key));
	return sealer;
}

bool keys_derive(struct client *client, const uint8_t session_key[SESSION_KEY_LENGTH])
{
	if (!make_signer(client, session_key))
		return false;
	if (client->facts.cipher == CIPHER_NONE)
		return true;
	random_bytes(client->nonce_salt, sizeof(client->nonce_salt));
	client->seal = make_sealer(client, session_key, FOR_SEALING);
	client->open = make_sealer(client, session_key, FOR_OPENING);
	return client->seal && client->open;
}

void keys_free(struct client *client)
{
	signer_free(client->signer);
	sealer_free(client->seal);
	sealer_free(client->open);
	client->signer = NULL;
	client->seal = client->open = NULL;
}

static uint32_t flags_of(const uint8_t *header)
{
	struct cursor c = cur_of(header + SMB2_HEADER_FLAGS_AT, 4);

	return cur_u32le(&c);
}

static uint64_t message_id_of(const uint8_t *header)
{
	struct cursor c = cur_of(header + 24, 8);

	return cur_u64le(&c);
}

static uint16_t command_of(const uint8_t *header)
{
	struct cursor c = cur_of(header + 12, 2);

	return cur_u16le(&c);
}

bool keys_sign(struct client *client, uint8_t *data, size_t length)
{
	struct iovec whole = { data, length };
	struct buf header = { .data = data, .len = length, .cap = length };

	buf_put_u32le(&header, SMB2_HEADER_FLAGS_AT, flags_of(data) | SMB2_FLAGS_SIGNED);
	memset(data + SMB2_HEADER_SIGNATURE_AT, 0, 16);
	return signer_sign(client->signer, &whole, 1, message_id_of(data), false,
			   command_of(data) == SMB2_CANCEL, data + SMB2_HEADER_SIGNATURE_AT);
}

bool keys_verify(struct client *client, const uint8_t *data, size_t length,
		 const struct smb2_header *header)
{
	static const uint8_t zeros[16];
	struct iovec parts[3] = {
		{ (void *)(uintptr_t)data, SMB2_HEADER_SIGNATURE_AT },
		{ (void *)(uintptr_t)zeros, sizeof(zeros) },
		{ (void *)(uintptr_t)(data + SMB2_HEADER_SIZE), length - SMB2_HEADER_SIZE },
	};
	uint8_t signature[16];

	return signer_sign(client->signer, parts, 3, header->message_id, true, false, signature) &&
	       secret_equal(signature, header->signature, sizeof(signature));
}

/* A nonce is never used twice: a counter, behind bytes that were chosen with the keys. */
bool keys_seal(struct client *client, uint8_t *transform, size_t length)
{
	struct smb2_transform head = {
		.original_size = (uint32_t)length,
		.flags = 1,
		.session_id = client->facts.session_id,
	};
	size_t nonce_length = sealer_nonce_length(client->facts.cipher);
	struct buf out = { .data = transform, .cap = SMB2_TRANSFORM_SIZE };

	client->nonce++;
	memcpy(head.nonce, &client->nonce, sizeof(client->nonce));
	memcpy(head.nonce + sizeof(client->nonce), client->nonce_salt,
	       nonce_length - sizeof(client->nonce));
	smb2_transform_encode(&out, &head);
	return sealer_seal(client->seal, head.nonce, transform + SMB2_TRANSFORM_NONCE_AT,
			   SMB2_TRANSFORM_SIZE - SMB2_TRANSFORM_NONCE_AT,
			   transform + SMB2_TRANSFORM_SIZE, length, transform + 4);
}
