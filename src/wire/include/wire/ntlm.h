// SPDX-License-Identifier: Apache-2.0
/*
 * The three messages of NTLMSSP (MS-NLMP 2.2.1) and what lies in them, for both sides.
 *
 * A decoded message points into the bytes it came from and owns nothing; text is left as it came
 * (UTF-16LE, or OEM in NEGOTIATE) for utf16_to_string. The encoders take the same structs, so that
 * what was decoded encodes again. crypto/ntlm.h computes what goes in.
 */
#ifndef WIRE_NTLM_H
#define WIRE_NTLM_H

#include <base/buf.h>
#include <base/cursor.h>
#include <base/nttime.h>
#include <wire/ntstatus.h>

#define NTLM_NEGOTIATE_UNICODE		    0x00000001u
#define NTLM_NEGOTIATE_OEM		    0x00000002u
#define NTLM_REQUEST_TARGET		    0x00000004u
#define NTLM_NEGOTIATE_SIGN		    0x00000010u
#define NTLM_NEGOTIATE_SEAL		    0x00000020u
#define NTLM_NEGOTIATE_DATAGRAM		    0x00000040u
#define NTLM_NEGOTIATE_LM_KEY		    0x00000080u
#define NTLM_NEGOTIATE_NTLM		    0x00000200u
#define NTLM_NEGOTIATE_ANONYMOUS	    0x00000800u
#define NTLM_NEGOTIATE_DOMAIN_SUPPLIED	    0x00001000u
#define NTLM_NEGOTIATE_WORKSTATION_SUPPLIED 0x00002000u
#define NTLM_NEGOTIATE_ALWAYS_SIGN	    0x00008000u
#define NTLM_TARGET_TYPE_DOMAIN		    0x00010000u
#define NTLM_TARGET_TYPE_SERVER		    0x00020000u
#define NTLM_NEGOTIATE_EXTENDED_SECURITY    0x00080000u
#define NTLM_NEGOTIATE_TARGET_INFO	    0x00800000u
#define NTLM_NEGOTIATE_VERSION		    0x02000000u
#define NTLM_NEGOTIATE_128		    0x20000000u
#define NTLM_NEGOTIATE_KEY_EXCH		    0x40000000u
#define NTLM_NEGOTIATE_56		    0x80000000u

enum ntlm_message_type { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

/* AV pair ids (MS-NLMP 2.2.2.1). */
enum ntlm_av_id {
	NTLM_AV_EOL = 0,
	NTLM_AV_NB_COMPUTER = 1,
	NTLM_AV_NB_DOMAIN = 2,
	NTLM_AV_DNS_COMPUTER = 3,
	NTLM_AV_DNS_DOMAIN = 4,
	NTLM_AV_DNS_TREE = 5,
	NTLM_AV_FLAGS = 6,
	NTLM_AV_TIMESTAMP = 7,
	NTLM_AV_SINGLE_HOST = 8,
	NTLM_AV_TARGET_NAME = 9, /* the SPN the client dialled, UTF-16LE */
	NTLM_AV_CHANNEL_BINDINGS = 10,
};

#define NTLM_AV_FLAG_MIC_PRESENT 0x2u
#define NTLM_MAX_AV_PAIRS	 32

struct ntlm_version {
	uint8_t major, minor;
	uint16_t build;
};

struct ntlm_negotiate {
	uint32_t flags;
	struct cursor domain, workstation; /* OEM text; with the flags that say they are supplied */
	struct ntlm_version version;	   /* with NTLM_NEGOTIATE_VERSION */
};

struct ntlm_challenge {
	uint32_t flags;
	uint8_t server_challenge[8];
	struct cursor target_name; /* UTF-16LE */
	struct cursor target_info; /* AV pairs, their end included */
	struct ntlm_version version;
};

struct ntlm_authenticate {
	uint32_t flags;
	struct cursor lm_response, nt_response;
	struct cursor domain, user, workstation; /* UTF-16LE with NTLM_NEGOTIATE_UNICODE */
	struct cursor session_key;		 /* with NTLM_NEGOTIATE_KEY_EXCH */
	struct ntlm_version version;
	bool has_mic; /* there is room for one before the first field: AV flags say whether it
			 counts */
	uint8_t mic[16];
};

#define NTLM_MIC_OFFSET                                                                            \
	72 /* in AUTHENTICATE: these 16 bytes are zero while the MIC is computed                   \
	    */

/* An NTLMv2 response: the 16 bytes of proof, and the client's challenge that they are made over. */
struct ntlm_v2_response {
	uint8_t proof[16];
	struct cursor blob; /* all behind the proof */
	nttime timestamp;
	uint8_t client_challenge[8];
	struct cursor av_pairs; /* their end included, and what padding the client put behind it */
};

/* ntlm_is_message - does @c begin with the NTLMSSP signature and @type? Reads nothing off @c. */
bool ntlm_is_message(struct cursor c, enum ntlm_message_type type);

/* The decoders: STATUS_SUCCESS or STATUS_INVALID_PARAMETER. */
ntstatus ntlm_negotiate_decode(struct cursor c, struct ntlm_negotiate *out) MUST_CHECK;
ntstatus ntlm_challenge_decode(struct cursor c, struct ntlm_challenge *out) MUST_CHECK;
ntstatus ntlm_authenticate_decode(struct cursor c, struct ntlm_authenticate *out) MUST_CHECK;
/* ntlm_v2_response_decode - STATUS_INVALID_PARAMETER too where it is no NTLMv2 (24 bytes: NTLMv1).
 */
ntstatus ntlm_v2_response_decode(struct cursor c, struct ntlm_v2_response *out) MUST_CHECK;

void ntlm_negotiate_encode(struct buf *b, const struct ntlm_negotiate *m);
void ntlm_challenge_encode(struct buf *b, const struct ntlm_challenge *m);
/*
 * ntlm_authenticate_encode - always with the fields for version and MIC. To send a MIC: encode with
 * a zero one, compute, and overwrite the 16 bytes at NTLM_MIC_OFFSET behind where @b began.
 */
void ntlm_authenticate_encode(struct buf *b, const struct ntlm_authenticate *m);
/* ntlm_v2_blob_encode - the client challenge to prove: fixed fields, @av_pairs, four zeros. */
void ntlm_v2_blob_encode(struct buf *b, nttime timestamp, const uint8_t client_challenge[8],
			 struct cursor av_pairs);

struct ntlm_av {
	uint16_t id;
	struct cursor value;
};

/*
 * ntlm_av_next - take the next pair off @pairs; false at the end mark, and with pairs->bad where
 * there is none or a pair is cut short.
 */
bool ntlm_av_next(struct cursor *pairs, struct ntlm_av *out) MUST_CHECK;
/* ntlm_av_find - the value of the first pair with @id; false where there is none. */
bool ntlm_av_find(struct cursor pairs, enum ntlm_av_id id, struct cursor *value) MUST_CHECK;
/* ntlm_av_valid - well-formed to its end mark, and not more than NTLM_MAX_AV_PAIRS. */
bool ntlm_av_valid(struct cursor pairs) MUST_CHECK;
/* ntlm_av_flags - the flags pair; 0 where there is none. */
uint32_t ntlm_av_flags(struct cursor pairs);

void ntlm_av_put(struct buf *b, enum ntlm_av_id id, const void *value, size_t length);
void ntlm_av_put_text(struct buf *b, enum ntlm_av_id id, const char *text); /* UTF-8 in */
void ntlm_av_put_u32(struct buf *b, enum ntlm_av_id id, uint32_t value);
void ntlm_av_put_time(struct buf *b, nttime time);
void ntlm_av_end(struct buf *b);

#endif
