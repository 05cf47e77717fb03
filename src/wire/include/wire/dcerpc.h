// SPDX-License-Identifier: Apache-2.0
/*
 * Connection-oriented DCE/RPC PDUs (C706 12.6, MS-RPCE 2.2.2): what goes over a named pipe or TCP.
 * Only little-endian ASCII/IEEE data representation is spoken, as MS-RPCE 2.2.5 has it for every
 * Windows implementation.
 */
#ifndef WIRE_DCERPC_H
#define WIRE_DCERPC_H

#include <base/buf.h>
#include <base/cursor.h>

enum dcerpc_type {
	DCERPC_REQUEST = 0,
	DCERPC_RESPONSE = 2,
	DCERPC_FAULT = 3,
	DCERPC_BIND = 11,
	DCERPC_BIND_ACK = 12,
	DCERPC_BIND_NAK = 13,
	DCERPC_ALTER_CONTEXT = 14,
	DCERPC_ALTER_CONTEXT_RESPONSE = 15,
	DCERPC_AUTH3 = 16,
	DCERPC_SHUTDOWN = 17,
	DCERPC_CO_CANCEL = 18,
	DCERPC_ORPHANED = 19,
};

#define DCERPC_FIRST_FRAG      0x01
#define DCERPC_LAST_FRAG       0x02
#define DCERPC_PENDING_CANCEL  0x04 /* in a bind: header signing is offered */
#define DCERPC_CONC_MPX	       0x10
#define DCERPC_DID_NOT_EXECUTE 0x20
#define DCERPC_MAYBE	       0x40
#define DCERPC_OBJECT_UUID     0x80

#define DCERPC_HEADER_SIZE     16u
#define DCERPC_REQUEST_OVERHEAD                                                                    \
	24u /* header and what stands before the stub of a request or response */
#define DCERPC_MUST_RECV_FRAG 1432u /* every implementation takes fragments of this size (C706) */
#define DCERPC_MAX_FRAG	      4280u /* what we take and send at most, as Windows does on pipes */
#define DCERPC_MAX_CONTEXTS   32u   /* presentation contexts in one bind */
#define DCERPC_MAX_TRANSFERS  8u    /* transfer syntaxes in one context */

struct dcerpc_header {
	uint8_t minor;
	uint8_t type;
	uint8_t flags;
	uint16_t frag_length;
	uint16_t auth_length;
	uint32_t call_id;
};
/*
 * dcerpc_header_decode - the common header. False where it is not version 5.0 or 5.1, not
 * little-endian, or its lengths contradict each other: nothing that follows on the stream can then
 * be trusted.
 */
bool dcerpc_header_decode(struct cursor *c, struct dcerpc_header *out) MUST_CHECK;

/* An interface or a transfer syntax: uuid as on the wire, version (major in the low half). */
struct dcerpc_syntax {
	uint8_t uuid[16];
	uint32_t version;
};
extern const struct dcerpc_syntax DCERPC_NDR, DCERPC_NDR64;
bool dcerpc_syntax_equal(const struct dcerpc_syntax *a, const struct dcerpc_syntax *b);
/* dcerpc_is_feature_negotiation - bind time feature negotiation (MS-RPCE 3.3.1.5.3); @bits: what
 * the client can. */
bool dcerpc_is_feature_negotiation(const struct dcerpc_syntax *syntax, uint16_t *bits);

/* The auth verifier at the end of a PDU (MS-RPCE 2.2.2.11). */
struct dcerpc_auth {
	uint8_t type, level, pad_length;
	uint32_t context_id;
	struct cursor value;
};

struct dcerpc_context {
	uint16_t id;
	struct dcerpc_syntax abstract;
	uint8_t transfer_count;
	struct dcerpc_syntax transfers[DCERPC_MAX_TRANSFERS];
};
struct dcerpc_bind {
	uint16_t max_xmit_frag, max_recv_frag;
	uint32_t assoc_group;
	uint8_t context_count;
	struct dcerpc_context contexts[DCERPC_MAX_CONTEXTS];
};
/* dcerpc_bind_decode - the body of a bind or alter_context, @c behind the header and without the
 * auth verifier. */
bool dcerpc_bind_decode(struct cursor *c, struct dcerpc_bind *out) MUST_CHECK;
void dcerpc_bind_encode(struct buf *b, uint8_t type, uint32_t call_id,
			const struct dcerpc_bind *bind);

enum dcerpc_result {
	DCERPC_ACCEPTANCE,
	DCERPC_USER_REJECTION,
	DCERPC_PROVIDER_REJECTION,
	DCERPC_NEGOTIATE_ACK
};
enum dcerpc_reason {
	DCERPC_REASON_NOT_SPECIFIED,
	DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED,
	DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED,
	DCERPC_LOCAL_LIMIT_EXCEEDED,
};
struct dcerpc_context_result {
	uint16_t result, reason; /* NEGOTIATE_ACK: reason holds the feature bits we have */
	struct dcerpc_syntax transfer;
};
struct dcerpc_bind_ack {
	uint16_t max_xmit_frag, max_recv_frag;
	uint32_t assoc_group;
	const char *secondary_address; /* "\PIPE\srvsvc"; "" in the answer to alter_context; not
					  decoded */
	uint8_t result_count;
	struct dcerpc_context_result results[DCERPC_MAX_CONTEXTS];
};
void dcerpc_bind_ack_encode(struct buf *b, uint8_t type, uint32_t call_id,
			    const struct dcerpc_bind_ack *ack);
bool dcerpc_bind_ack_decode(struct cursor *c, struct dcerpc_bind_ack *out) MUST_CHECK;

/* Why a bind is refused as a whole (C706 12.6.3.1, MS-RPCE 2.2.2.5). */
enum dcerpc_nak {
	DCERPC_NAK_NOT_SPECIFIED = 0,
	DCERPC_NAK_LOCAL_LIMIT = 2,
	DCERPC_NAK_VERSION = 4,
	DCERPC_NAK_AUTH_TYPE = 8,
};
void dcerpc_bind_nak_encode(struct buf *b, uint32_t call_id, uint16_t reason);
bool dcerpc_bind_nak_decode(struct cursor *c, uint16_t *reason) MUST_CHECK;

struct dcerpc_request {
	uint32_t alloc_hint;
	uint16_t context_id;
	uint16_t opnum;
	struct cursor stub;
};
/* dcerpc_request_decode - @c behind the header and without the auth verifier. */
bool dcerpc_request_decode(struct cursor *c, const struct dcerpc_header *header,
			   struct dcerpc_request *out) MUST_CHECK;
/* dcerpc_request_encode - @stub in as many fragments of at most @max_frag bytes as it takes. */
void dcerpc_request_encode(struct buf *b, uint32_t call_id, uint16_t context_id, uint16_t opnum,
			   struct cursor stub, uint16_t max_frag);

struct dcerpc_response {
	uint32_t alloc_hint;
	uint16_t context_id;
	struct cursor stub;
};
bool dcerpc_response_decode(struct cursor *c, struct dcerpc_response *out) MUST_CHECK;
void dcerpc_response_encode(struct buf *b, uint32_t call_id, uint16_t context_id,
			    struct cursor stub, uint16_t max_frag);

void dcerpc_fault_encode(struct buf *b, uint32_t call_id, uint16_t context_id, uint8_t flags,
			 uint32_t status);
bool dcerpc_fault_decode(struct cursor *c, uint16_t *context_id, uint32_t *status) MUST_CHECK;

/* dcerpc_auth_split - the body of @fragment (a whole PDU), and its auth verifier where it has one
 * (auth_length > 0). */
bool dcerpc_auth_split(struct cursor fragment, const struct dcerpc_header *header,
		       struct cursor *body, struct dcerpc_auth *auth) MUST_CHECK;

#endif
