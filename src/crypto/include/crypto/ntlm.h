// SPDX-License-Identifier: Apache-2.0
/*
 * The computations of NTLMv2 (MS-NLMP 3.3.2, 3.4), for both sides. Nothing here knows messages:
 * wire/ntlm.h reads and writes them. NTLMv1 and LM are not here, because nothing here speaks them.
 */
#ifndef CRYPTO_NTLM_H
#define CRYPTO_NTLM_H

#include <crypto/crypto.h>

#define NTLM_KEY_LENGTH	      16
#define NTLM_CHALLENGE_LENGTH 8
#define NTLM_SIGNATURE_LENGTH 16
/* What stands in an NTLMv2 response before the AV pairs: the proof, then the fixed fields. */
#define NTLM_PROOF_LENGTH     16
#define NTLM_V2_FIXED_LENGTH  28

/* ntlm_nt_hash - MD4 of UTF-8 @password in UTF-16LE. It is worth as much as the password. */
bool ntlm_nt_hash(const char *password, uint8_t out[NTLM_KEY_LENGTH]) MUST_CHECK;

/*
 * ntlm_owf_v2 - NTOWFv2: the key that proves @user (folded here) of @domain (as the client wrote
 * it) knows the password that hashes to @nt_hash.
 */
bool ntlm_owf_v2(const uint8_t nt_hash[NTLM_KEY_LENGTH], const char *user, const char *domain,
		 uint8_t out[NTLM_KEY_LENGTH]) MUST_CHECK;

/*
 * ntlm_v2_proof - NTProofStr over the server's challenge and @blob, which is the NTLMv2 client
 * challenge: all of the NtChallengeResponse behind its first 16 bytes.
 */
bool ntlm_v2_proof(const uint8_t owf[NTLM_KEY_LENGTH],
		   const uint8_t server_challenge[NTLM_CHALLENGE_LENGTH], const void *blob,
		   size_t blob_length, uint8_t proof[NTLM_PROOF_LENGTH]) MUST_CHECK;
/* ntlm_v2_base_key - SessionBaseKey, which is the key exchange key too. */
bool ntlm_v2_base_key(const uint8_t owf[NTLM_KEY_LENGTH], const uint8_t proof[NTLM_PROOF_LENGTH],
		      uint8_t key[NTLM_KEY_LENGTH]) MUST_CHECK;

/* ntlm_mic - of the three messages as sent, the MIC field in the last one zero. */
bool ntlm_mic(const uint8_t session_key[NTLM_KEY_LENGTH], const struct iovec messages[3],
	      uint8_t mic[16]) MUST_CHECK;

/* How a session signs: what was negotiated, and who speaks. */
struct ntlm_sign_options {
	bool from_client;  /* else from the server */
	bool key_exchange; /* NTLMSSP_NEGOTIATE_KEY_EXCH: the checksum is encrypted */
	uint8_t seal_bits; /* 128, 56 or 40 */
};

/*
 * ntlm_sign - the signature of the first message in its direction (sequence number zero) with
 * extended session security, MS-NLMP 3.4.4.2; SPNEGO signs its mechanism list with it and nothing
 * follows, so that no RC4 state is kept.
 */
bool ntlm_sign(const uint8_t session_key[NTLM_KEY_LENGTH], const struct ntlm_sign_options *options,
	       const void *data, size_t length,
	       uint8_t signature[NTLM_SIGNATURE_LENGTH]) MUST_CHECK;

#endif
