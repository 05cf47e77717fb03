// SPDX-License-Identifier: Apache-2.0
/*
 * SPNEGO (RFC 4178) with Microsoft's extensions (MS-SPNG), as far as it carries one mechanism's
 * tokens: NegTokenInit, NegTokenInit2 and NegTokenResp. Bare NTLMSSP, which is allowed in place of
 * it, is recognised. Decoded messages point into the bytes they came from and own nothing.
 *
 * Indefinite lengths, and lengths of more than four bytes, are refused.
 */
#ifndef WIRE_SPNEGO_H
#define WIRE_SPNEGO_H

#include <base/buf.h>
#include <base/cursor.h>
#include <wire/ntstatus.h>

enum spnego_mech {
	MECH_UNKNOWN,
	MECH_NTLMSSP, /* 1.3.6.1.4.1.311.2.2.10 */
	MECH_KRB5,    /* 1.2.840.113554.1.2.2 */
	MECH_MS_KRB5, /* 1.2.840.48018.1.2.2: the same, as Windows once misspelt it */
	MECH_NEGOEX,  /* 1.3.6.1.4.1.311.2.2.30 */
};

enum spnego_state {
	SPNEGO_ACCEPT_COMPLETED = 0,
	SPNEGO_ACCEPT_INCOMPLETE = 1,
	SPNEGO_REJECT = 2,
	SPNEGO_REQUEST_MIC = 3,
};

enum spnego_kind { SPNEGO_INIT, SPNEGO_RESP, SPNEGO_BARE_NTLMSSP };

#define SPNEGO_MAX_MECHS 16

struct spnego_message {
	enum spnego_kind kind;

	/* SPNEGO_INIT: what the sender speaks, best first, and the bytes that mechListMIC signs. */
	enum spnego_mech mechs[SPNEGO_MAX_MECHS];
	unsigned mech_count;
	struct cursor mech_list; /* the DER of MechTypeList, tag and length included */

	/* SPNEGO_RESP. */
	bool has_state;
	enum spnego_state state;
	bool has_mech;
	enum spnego_mech mech;

	/* Both: the mechanism's token. All of a bare NTLMSSP message. */
	bool has_token;
	struct cursor token;
	bool has_mic;
	struct cursor mic;
};

/* spnego_decode - STATUS_SUCCESS or STATUS_INVALID_PARAMETER. */
ntstatus spnego_decode(struct cursor c, struct spnego_message *out) MUST_CHECK;

/* spnego_mech_list_encode - append MechTypeList: what stands in NegTokenInit and what is signed. */
void spnego_mech_list_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count);
/* spnego_init_encode - NegTokenInit of @mechs; @token may be empty (then there is none). */
void spnego_init_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count,
			struct cursor token);
/* spnego_offer_encode - NegTokenInit2 with the hint that MS-SPNG 2.2.1 wants: for NEGOTIATE. */
void spnego_offer_encode(struct buf *b, const enum spnego_mech *mechs, unsigned count);

/* What a NegTokenResp says; empty cursors and has_* false leave a field out. */
struct spnego_resp {
	bool has_state;
	enum spnego_state state;
	enum spnego_mech mech; /* MECH_UNKNOWN: left out */
	struct cursor token, mic;
};
void spnego_resp_encode(struct buf *b, const struct spnego_resp *resp);

#endif
