// SPDX-License-Identifier: Apache-2.0
#include <crypto/ntlm.h>

#include <base/utf16.h>

static void wipe_buf(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->len);
	buf_free(b);
}

bool ntlm_nt_hash(const char *password, uint8_t out[NTLM_KEY_LENGTH])
{
	struct buf text cleanup(wipe_buf) = { 0 };

	/* Room first: a buffer that grew would leave copies of a password behind. */
	if (!buf_room(&text, utf16_length(password) + 1))
		return false;
	utf16_encode(&text, password);
	return !text.failed && hash_md4(text.data, text.len, out);
}

static void put_unit(uint8_t *at, uint16_t unit)
{
	at[0] = (uint8_t)unit;
	at[1] = (uint8_t)(unit >> 8);
}

bool ntlm_owf_v2(const uint8_t nt_hash[NTLM_KEY_LENGTH], const char *user, const char *domain,
		 uint8_t out[NTLM_KEY_LENGTH])
{
	struct buf text auto_buf = { 0 };
	struct iovec part;

	utf16_encode(&text, user);
	for (size_t i = 0; i + 1 < text.len; i += 2)
		put_unit(text.data + i,
			 utf16_upcase((uint16_t)(text.data[i] | text.data[i + 1] << 8)));
	utf16_encode(&text, domain);
	if (text.failed)
		return false;
	part = (struct iovec){ text.data, text.len };
	return hmac_md5(nt_hash, NTLM_KEY_LENGTH, &part, 1, out);
}

bool ntlm_v2_proof(const uint8_t owf[NTLM_KEY_LENGTH],
		   const uint8_t server_challenge[NTLM_CHALLENGE_LENGTH], const void *blob,
		   size_t blob_length, uint8_t proof[NTLM_PROOF_LENGTH])
{
	const struct iovec parts[] = {
		{ (void *)(uintptr_t)server_challenge, NTLM_CHALLENGE_LENGTH },
		{ (void *)(uintptr_t)blob, blob_length },
	};

	return hmac_md5(owf, NTLM_KEY_LENGTH, parts, ARRAY_LEN(parts), proof);
}

bool ntlm_v2_base_key(const uint8_t owf[NTLM_KEY_LENGTH], const uint8_t proof[NTLM_PROOF_LENGTH],
		      uint8_t key[NTLM_KEY_LENGTH])
{
	const struct iovec part = { (void *)(uintptr_t)proof, NTLM_PROOF_LENGTH };

	return hmac_md5(owf, NTLM_KEY_LENGTH, &part, 1, key);
}

bool ntlm_mic(const uint8_t session_key[NTLM_KEY_LENGTH], const struct iovec messages[3],
	      uint8_t mic[16])
{
	return hmac_md5(session_key, NTLM_KEY_LENGTH, messages, 3, mic);
}

/* The constants of MS-NLMP 3.4.5.2 and 3.4.5.3; their terminating NUL is hashed too. */
#define KEY_CONSTANT(way, use) "session key to " way " " use " key magic constant"
#define TO_SERVER	       "client-to-server"
#define TO_CLIENT	       "server-to-client"

static bool derive(const uint8_t *key, size_t length, const char *constant, uint8_t out[16])
{
	uint8_t text[NTLM_KEY_LENGTH + sizeof(KEY_CONSTANT(TO_SERVER, "signing"))];
	size_t more = strlen(constant) + 1;
	bool ok;

	BUG_ON(length + more > sizeof(text));
	memcpy(text, key, length);
	memcpy(text + length, constant, more);
	ok = hash_md5(text, length + more, out);
	secret_wipe(text, sizeof(text));
	return ok;
}

static size_t seal_key_length(uint8_t bits)
{
	return bits >= 128 ? 16 : bits >= 56 ? 7 : 5;
}

bool ntlm_sign(const uint8_t session_key[NTLM_KEY_LENGTH], const struct ntlm_sign_options *options,
	       const void *data, size_t length, uint8_t signature[NTLM_SIGNATURE_LENGTH])
{
	static const uint8_t version[4] = { 1, 0, 0, 0 };
	uint8_t sequence[4] = { 0 };
	uint8_t key[16], mac[16];
	const struct iovec parts[] = {
		{ sequence, sizeof(sequence) },
		{ (void *)(uintptr_t)data, length },
	};
	bool ok;

	ok = derive(session_key, NTLM_KEY_LENGTH,
		    options->from_client ? KEY_CONSTANT(TO_SERVER, "signing")
					 : KEY_CONSTANT(TO_CLIENT, "signing"),
		    key) &&
	     hmac_md5(key, sizeof(key), parts, ARRAY_LEN(parts), mac);
	if (ok && options->key_exchange)
		ok = derive(session_key, seal_key_length(options->seal_bits),
			    options->from_client ? KEY_CONSTANT(TO_SERVER, "sealing")
						 : KEY_CONSTANT(TO_CLIENT, "sealing"),
			    key) &&
		     rc4_apply(key, sizeof(key), mac, 8);
	secret_wipe(key, sizeof(key));
	memcpy(signature, version, 4);
	memcpy(signature + 4, mac, 8);
	memcpy(signature + 12, sequence, 4);
	return ok;
}
