// SPDX-License-Identifier: Apache-2.0
/*
 * Connection-oriented PDUs. See dcerpc.h. Bodies are aligned from the first byte of their PDU.
 */
#include <wire/dcerpc.h>

#define VERSION		    5
#define LITTLE_ENDIAN_ASCII 0x10
#define AUTH_HEADER	    8u /* auth_type to auth_context_id */

const struct dcerpc_syntax DCERPC_NDR = { { 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f,
					    0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60 },
					  2 };
const struct dcerpc_syntax DCERPC_NDR64 = { { 0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83,
					      0x19, 0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36 },
					    1 };
/* 6CB71C2C-9812-4540-bbbb-000000000000: the last eight bytes begin with the bit mask. */
static const uint8_t feature_prefix[8] = { 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45 };

bool dcerpc_header_decode(struct cursor *c, struct dcerpc_header *out)
{
	uint8_t version = cur_u8(c);
	uint8_t representation;

	out->minor = cur_u8(c);
	out->type = cur_u8(c);
	out->flags = cur_u8(c);
	representation = cur_u8(c);
	cur_skip(c, 3); /* floating point and what is reserved */
	out->frag_length = cur_u16le(c);
	out->auth_length = cur_u16le(c);
	out->call_id = cur_u32le(c);
	if (c->bad || version != VERSION || out->minor > 1 || representation != LITTLE_ENDIAN_ASCII)
		return false;
	if (out->frag_length < DCERPC_HEADER_SIZE)
		return false;
	return !out->auth_length ||
	       DCERPC_HEADER_SIZE + AUTH_HEADER + out->auth_length <= out->frag_length;
}

bool dcerpc_syntax_equal(const struct dcerpc_syntax *a, const struct dcerpc_syntax *b)
{
	return !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) && a->version == b->version;
}

bool dcerpc_is_feature_negotiation(const struct dcerpc_syntax *syntax, uint16_t *bits)
{
	*bits = (uint16_t)(syntax->uuid[8] | syntax->uuid[9] << 8);
	return !memcmp(syntax->uuid, feature_prefix, sizeof(feature_prefix)) &&
	       syntax->version == 1;
}

bool dcerpc_auth_split(struct cursor fragment, const struct dcerpc_header *header,
		       struct cursor *body, struct dcerpc_auth *auth)
{
	size_t length = header->frag_length;
	struct cursor tail;

	*auth = (struct dcerpc_auth){ 0 };
	fragment.base = fragment.at;
	*body = cur_slice(&fragment, 0, length);
	cur_skip(body, DCERPC_HEADER_SIZE);
	if (!header->auth_length)
		return !body->bad;
	length -= header->auth_length + AUTH_HEADER; /* the header has been checked for this */
	tail = cur_slice(&fragment, length, header->auth_length + AUTH_HEADER);
	auth->type = cur_u8(&tail);
	auth->level = cur_u8(&tail);
	auth->pad_length = cur_u8(&tail);
	cur_skip(&tail, 1);
	auth->context_id = cur_u32le(&tail);
	auth->value = cur_take(&tail, header->auth_length);
	if (fragment.bad || tail.bad || auth->pad_length > length - DCERPC_HEADER_SIZE)
		return false;
	*body = cur_slice(&fragment, 0, length - auth->pad_length);
	cur_skip(body, DCERPC_HEADER_SIZE);
	return !body->bad;
}

static void get_syntax(struct cursor *c, struct dcerpc_syntax *out)
{
	cur_copy(c, out->uuid, sizeof(out->uuid));
	out->version = cur_u32le(c);
}

static void put_syntax(struct buf *b, const struct dcerpc_syntax *syntax)
{
	buf_bytes(b, syntax->uuid, sizeof(syntax->uuid));
	buf_u32le(b, syntax->version);
}

bool dcerpc_bind_decode(struct cursor *c, struct dcerpc_bind *out)
{
	out->max_xmit_frag = cur_u16le(c);
	out->max_recv_frag = cur_u16le(c);
	out->assoc_group = cur_u32le(c);
	out->context_count = cur_u8(c);
	cur_skip(c, 3);
	if (!out->context_count || out->context_count > DCERPC_MAX_CONTEXTS)
		return false;
	for (uint8_t i = 0; i < out->context_count; i++) {
		struct dcerpc_context *context = &out->contexts[i];

		context->id = cur_u16le(c);
		context->transfer_count = cur_u8(c);
		cur_skip(c, 1);
		get_syntax(c, &context->abstract);
		if (!context->transfer_count || context->transfer_count > DCERPC_MAX_TRANSFERS)
			return false;
		for (uint8_t j = 0; j < context->transfer_count; j++)
			get_syntax(c, &context->transfers[j]);
	}
	return !c->bad;
}

/* begin_pdu - the common header with a length that end_pdu fills in; returns where it begins. */
static size_t begin_pdu(struct buf *b, uint8_t type, uint8_t flags, uint32_t call_id)
{
	size_t start = b->len;

	buf_u8(b, VERSION);
	buf_u8(b, 0);
	buf_u8(b, type);
	buf_u8(b, flags);
	buf_u32le(b, LITTLE_ENDIAN_ASCII);
	buf_u32le(b, 0); /* frag_length, auth_length */
	buf_u32le(b, call_id);
	return start;
}

static void end_pdu(struct buf *b, size_t start)
{
	buf_put_u16le(b, start + 8, (uint16_t)(b->len - start));
}

#define WHOLE (DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG)

void dcerpc_bind_encode(struct buf *b, uint8_t type, uint32_t call_id,
			const struct dcerpc_bind *bind)
{
	size_t start = begin_pdu(b, type, WHOLE, call_id);

	buf_u16le(b, bind->max_xmit_frag);
	buf_u16le(b, bind->max_recv_frag);
	buf_u32le(b, bind->assoc_group);
	buf_u32le(b, bind->context_count);
	for (uint8_t i = 0; i < bind->context_count; i++) {
		const struct dcerpc_context *context = &bind->contexts[i];

		buf_u16le(b, context->id);
		buf_u16le(b, context->transfer_count);
		put_syntax(b, &context->abstract);
		for (uint8_t j = 0; j < context->transfer_count; j++)
			put_syntax(b, &context->transfers[j]);
	}
	end_pdu(b, start);
}

void dcerpc_bind_ack_encode(struct buf *b, uint8_t type, uint32_t call_id,
			    const struct dcerpc_bind_ack *ack)
{
	size_t start = begin_pdu(b, type, WHOLE, call_id);
	size_t address_length = strlen(ack->secondary_address);

	buf_u16le(b, ack->max_xmit_frag);
	buf_u16le(b, ack->max_recv_frag);
	buf_u32le(b, ack->assoc_group);
	address_length += address_length != 0; /* its terminator is counted */
	buf_u16le(b, (uint16_t)address_length);
	buf_bytes(b, ack->secondary_address, address_length);
	buf_align(b, start, 4);
	buf_u32le(b, ack->result_count);
	for (uint8_t i = 0; i < ack->result_count; i++) {
		buf_u16le(b, ack->results[i].result);
		buf_u16le(b, ack->results[i].reason);
		put_syntax(b, &ack->results[i].transfer);
	}
	end_pdu(b, start);
}

bool dcerpc_bind_ack_decode(struct cursor *c, struct dcerpc_bind_ack *out)
{
	*out = (struct dcerpc_bind_ack){ .secondary_address = "" };
	out->max_xmit_frag = cur_u16le(c);
	out->max_recv_frag = cur_u16le(c);
	out->assoc_group = cur_u32le(c);
	cur_skip(c, cur_u16le(c));
	cur_align(c, 4);
	out->result_count = cur_u8(c);
	cur_skip(c, 3);
	if (c->bad || out->result_count > DCERPC_MAX_CONTEXTS)
		return false;
	for (uint8_t i = 0; i < out->result_count; i++) {
		out->results[i].result = cur_u16le(c);
		out->results[i].reason = cur_u16le(c);
		get_syntax(c, &out->results[i].transfer);
	}
	return !c->bad;
}

void dcerpc_bind_nak_encode(struct buf *b, uint32_t call_id, uint16_t reason)
{
	size_t start = begin_pdu(b, DCERPC_BIND_NAK, WHOLE, call_id);

	buf_u16le(b, reason);
	buf_u8(b, 1); /* the versions that are spoken: 5.0 */
	buf_u8(b, VERSION);
	buf_u8(b, 0);
	end_pdu(b, start);
}

bool dcerpc_bind_nak_decode(struct cursor *c, uint16_t *reason)
{
	*reason = cur_u16le(c);
	return !c->bad;
}

bool dcerpc_request_decode(struct cursor *c, const struct dcerpc_header *header,
			   struct dcerpc_request *out)
{
	out->alloc_hint = cur_u32le(c);
	out->context_id = cur_u16le(c);
	out->opnum = cur_u16le(c);
	if (header->flags & DCERPC_OBJECT_UUID)
		cur_skip(c, 16);
	out->stub = cur_take(c, cur_left(c));
	return !c->bad;
}

/* put_fragments - @stub as requests or responses; @opnum is what a request has there. */
static void put_fragments(struct buf *b, uint8_t type, uint32_t call_id, uint16_t context_id,
			  uint16_t opnum, struct cursor stub, uint16_t max_frag)
{
	/* every fragment but the last carries a multiple of 8 (MS-RPCE 2.2.2.6 wants it of signed
	 * ones) */
	size_t most = ((size_t)max_frag - DCERPC_REQUEST_OVERHEAD) & ~(size_t)7;
	uint8_t flags = DCERPC_FIRST_FRAG;

	do {
		size_t left = cur_left(&stub);
		size_t length = (size_t)min_u64(left, most);
		size_t start;

		if (length == left)
			flags |= DCERPC_LAST_FRAG;
		start = begin_pdu(b, type, flags, call_id);
		buf_u32le(b, (uint32_t)left);
		buf_u16le(b, context_id);
		buf_u16le(b, opnum);
		buf_bytes(b, cur_bytes(&stub, length), length);
		end_pdu(b, start);
		flags = 0;
	} while (cur_left(&stub));
}

void dcerpc_request_encode(struct buf *b, uint32_t call_id, uint16_t context_id, uint16_t opnum,
			   struct cursor stub, uint16_t max_frag)
{
	put_fragments(b, DCERPC_REQUEST, call_id, context_id, opnum, stub, max_frag);
}

void dcerpc_response_encode(struct buf *b, uint32_t call_id, uint16_t context_id,
			    struct cursor stub, uint16_t max_frag)
{
	put_fragments(b, DCERPC_RESPONSE, call_id, context_id, 0, stub, max_frag);
}

bool dcerpc_response_decode(struct cursor *c, struct dcerpc_response *out)
{
	out->alloc_hint = cur_u32le(c);
	out->context_id = cur_u16le(c);
	cur_skip(c, 2); /* cancel_count, reserved */
	out->stub = cur_take(c, cur_left(c));
	return !c->bad;
}

void dcerpc_fault_encode(struct buf *b, uint32_t call_id, uint16_t context_id, uint8_t flags,
			 uint32_t status)
{
	size_t start = begin_pdu(b, DCERPC_FAULT, WHOLE | flags, call_id);

	buf_u32le(b, 32); /* alloc_hint */
	buf_u16le(b, context_id);
	buf_u16le(b, 0);
	buf_u32le(b, status);
	buf_u32le(b, 0);
	end_pdu(b, start);
}

bool dcerpc_fault_decode(struct cursor *c, uint16_t *context_id, uint32_t *status)
{
	cur_skip(c, 4);
	*context_id = cur_u16le(c);
	cur_skip(c, 2);
	*status = cur_u32le(c);
	return !c->bad;
}
