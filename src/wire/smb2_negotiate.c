// SPDX-License-Identifier: Apache-2.0
/* NEGOTIATE with its contexts, and the SMB1 message that leads to it (MS-SMB2 2.2.3, 2.2.4;
 * MS-CIFS 2.2.4.52.1). */
#include "smb2_parts.h"

/* Each context has a row: how it is read (false: refused) and how it is written. */
struct context_kind {
	uint16_t type;
	bool (*decode)(struct cursor *c, struct smb2_negotiate_contexts *x);
	bool (*is_present)(const struct smb2_negotiate_contexts *x);
	void (*encode)(struct buf *b, const struct smb2_negotiate_contexts *x);
};

/* read_algorithms - @offered numbers, of which the first SMB2_MAX_ALGORITHMS are kept. */
static uint16_t read_algorithms(struct cursor *c, uint16_t offered, uint16_t *to)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < offered && !c->bad; i++) {
		uint16_t algorithm = cur_u16le(c);

		if (kept < SMB2_MAX_ALGORITHMS)
			to[kept++] = algorithm;
	}
	return kept;
}

static void write_algorithms(struct buf *b, uint16_t count, const uint16_t *from)
{
	for (uint16_t i = 0; i < count; i++)
		buf_u16le(b, from[i]);
}

static bool preauth_decode(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	uint16_t offered = cur_u16le(c);

	x->salt_length = cur_u16le(c);
	x->preauth_count = read_algorithms(c, offered, x->preauth_hash);
	if (x->salt_length > cur_left(c))
		return false;
	cur_copy(c, x->salt, min_u64(x->salt_length, sizeof(x->salt)));
	return offered && !x->has_preauth && (x->has_preauth = true);
}

static bool preauth_present(const struct smb2_negotiate_contexts *x)
{
	return x->has_preauth;
}

static void preauth_encode(struct buf *b, const struct smb2_negotiate_contexts *x)
{
	uint16_t salt_length = (uint16_t)min_u64(x->salt_length, sizeof(x->salt));

	buf_u16le(b, x->preauth_count);
	buf_u16le(b, salt_length);
	write_algorithms(b, x->preauth_count, x->preauth_hash);
	buf_bytes(b, x->salt, salt_length);
}

static bool encryption_decode(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	uint16_t offered = cur_u16le(c);

	x->cipher_count = read_algorithms(c, offered, x->cipher);
	return offered && !x->has_encryption && (x->has_encryption = true);
}

static bool encryption_present(const struct smb2_negotiate_contexts *x)
{
	return x->has_encryption;
}

static void encryption_encode(struct buf *b, const struct smb2_negotiate_contexts *x)
{
	buf_u16le(b, x->cipher_count);
	write_algorithms(b, x->cipher_count, x->cipher);
}

static bool compression_decode(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	uint16_t offered = cur_u16le(c);

	cur_skip(c, 2);
	x->compression_flags = cur_u32le(c);
	x->compression_count = read_algorithms(c, offered, x->compression);
	return offered && !x->has_compression && (x->has_compression = true);
}

static bool compression_present(const struct smb2_negotiate_contexts *x)
{
	return x->has_compression;
}

static void compression_encode(struct buf *b, const struct smb2_negotiate_contexts *x)
{
	buf_u16le(b, x->compression_count);
	buf_u16le(b, 0);
	buf_u32le(b, x->compression_flags);
	write_algorithms(b, x->compression_count, x->compression);
}

static bool netname_decode(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	if (cur_left(&x->netname))
		return false;
	x->netname = *c;
	c->at = c->end;
	return true;
}

static bool netname_present(const struct smb2_negotiate_contexts *x)
{
	return cur_left(&x->netname);
}

static void netname_encode(struct buf *b, const struct smb2_negotiate_contexts *x)
{
	buf_rest(b, x->netname);
}

static bool signing_decode(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	uint16_t offered = cur_u16le(c);

	x->signing_count = read_algorithms(c, offered, x->signing);
	return offered && !x->has_signing && (x->has_signing = true);
}

static bool signing_present(const struct smb2_negotiate_contexts *x)
{
	return x->has_signing;
}

static void signing_encode(struct buf *b, const struct smb2_negotiate_contexts *x)
{
	buf_u16le(b, x->signing_count);
	write_algorithms(b, x->signing_count, x->signing);
}

static const struct context_kind kinds[] = {
	{ SMB2_PREAUTH_INTEGRITY_CAPABILITIES, preauth_decode, preauth_present, preauth_encode },
	{ SMB2_ENCRYPTION_CAPABILITIES, encryption_decode, encryption_present, encryption_encode },
	{ SMB2_COMPRESSION_CAPABILITIES, compression_decode, compression_present,
	  compression_encode },
	{ SMB2_NETNAME_NEGOTIATE_CONTEXT_ID, netname_decode, netname_present, netname_encode },
	{ SMB2_SIGNING_CAPABILITIES, signing_decode, signing_present, signing_encode },
};

static ntstatus one_context(struct cursor *c, struct smb2_negotiate_contexts *x)
{
	uint16_t type = cur_u16le(c);
	uint16_t length = cur_u16le(c);
	struct cursor data;

	cur_skip(c, 4);
	data = cur_take(c, length);
	if (c->bad)
		return STATUS_INVALID_PARAMETER;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == type && (!kinds[i].decode(&data, x) || data.bad))
			return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* contexts_decode - @count contexts, the first at @offset from the header, each aligned to 8. */
static ntstatus contexts_decode(struct cursor *c, uint32_t offset, uint16_t count,
				struct smb2_negotiate_contexts *x)
{
	size_t total = (size_t)(c->end - c->base);
	struct cursor list;

	if (count > SMB2_MAX_NEG_CONTEXTS || offset % 8 || offset < cur_position(c) ||
	    offset >= total)
		return STATUS_INVALID_PARAMETER;
	list = cur_slice(c, offset, total - offset);
	for (uint16_t i = 0; i < count; i++) {
		ntstatus status;

		if (i)
			cur_align(&list, 8);
		status = one_context(&list, x);
		if (status)
			return status;
	}
	return x->has_preauth ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* contexts_encode - append them, aligned from @start; @offset_at and @count_at are patched. */
static void contexts_encode(struct buf *b, size_t start, size_t offset_at, size_t count_at,
			    const struct smb2_negotiate_contexts *x)
{
	uint16_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t at;

		if (!kinds[i].is_present(x))
			continue;
		buf_align(b, start, 8);
		if (!count++)
			buf_put_u32le(b, offset_at, (uint32_t)(b->len - start));
		at = b->len;
		buf_u16le(b, kinds[i].type);
		buf_zero(b, 6);
		kinds[i].encode(b, x);
		buf_put_u16le(b, at + 2, (uint16_t)(b->len - at - 8));
	}
	buf_put_u16le(b, count_at, count);
}

ntstatus smb2_negotiate_request_decode(struct cursor *c, struct smb2_negotiate_request *r)
{
	bool has_311 = false;
	uint32_t context_offset;
	uint16_t context_count;
	uint16_t offered;

	*r = (struct smb2_negotiate_request){ 0 };
	if (!body_begins(c, 36))
		return STATUS_INVALID_PARAMETER;
	offered = cur_u16le(c);
	r->security_mode = cur_u16le(c);
	cur_skip(c, 2);
	r->capabilities = cur_u32le(c);
	r->client_guid = cur_guid(c);
	context_offset = cur_u32le(c); /* with older dialects only: ClientStartTime, ignored */
	context_count = cur_u16le(c);
	cur_skip(c, 2);
	for (uint16_t i = 0; i < offered && !c->bad; i++) {
		uint16_t dialect = cur_u16le(c);

		has_311 |= dialect == SMB2_DIALECT_311;
		if (r->dialect_count < SMB2_MAX_DIALECTS)
			r->dialects[r->dialect_count++] = dialect;
	}
	if (c->bad || !offered)
		return STATUS_INVALID_PARAMETER;
	return has_311 ? contexts_decode(c, context_offset, context_count, &r->contexts)
		       : STATUS_SUCCESS;
}

void smb2_negotiate_request_encode(struct buf *b, const struct smb2_negotiate_request *r)
{
	size_t start = header_start(b);
	bool has_311 = false;

	buf_u16le(b, 36);
	buf_u16le(b, r->dialect_count);
	buf_u16le(b, r->security_mode);
	buf_u16le(b, 0);
	buf_u32le(b, r->capabilities);
	buf_guid(b, &r->client_guid);
	buf_zero(b, 8);
	for (uint16_t i = 0; i < r->dialect_count; i++) {
		has_311 |= r->dialects[i] == SMB2_DIALECT_311;
		buf_u16le(b, r->dialects[i]);
	}
	if (has_311)
		contexts_encode(b, start, start + SMB2_HEADER_SIZE + 28,
				start + SMB2_HEADER_SIZE + 32, &r->contexts);
}

ntstatus smb2_negotiate_response_decode(struct cursor *c, struct smb2_negotiate_response *r)
{
	uint32_t context_offset;
	uint16_t context_count;
	uint16_t offset;
	uint16_t length;

	*r = (struct smb2_negotiate_response){ 0 };
	if (!body_begins(c, 65))
		return STATUS_INVALID_PARAMETER;
	r->security_mode = cur_u16le(c);
	r->dialect = cur_u16le(c);
	context_count = cur_u16le(c);
	r->server_guid = cur_guid(c);
	r->capabilities = cur_u32le(c);
	r->max_transact_size = cur_u32le(c);
	r->max_read_size = cur_u32le(c);
	r->max_write_size = cur_u32le(c);
	r->system_time = cur_time(c);
	r->server_start_time = cur_time(c);
	offset = cur_u16le(c);
	length = cur_u16le(c);
	context_offset = cur_u32le(c);
	r->security_buffer = variable_part(c, offset, length);
	if (c->bad)
		return STATUS_INVALID_PARAMETER;
	if (r->dialect != SMB2_DIALECT_311)
		return STATUS_SUCCESS;
	return contexts_decode(c, context_offset, context_count, &r->contexts);
}

void smb2_negotiate_response_encode(struct buf *b, const struct smb2_negotiate_response *r)
{
	size_t start = header_start(b);
	size_t body = b->len;

	buf_u16le(b, 65);
	buf_u16le(b, r->security_mode);
	buf_u16le(b, r->dialect);
	buf_u16le(b, 0);
	buf_guid(b, &r->server_guid);
	buf_u32le(b, r->capabilities);
	buf_u32le(b, r->max_transact_size);
	buf_u32le(b, r->max_read_size);
	buf_u32le(b, r->max_write_size);
	buf_time(b, r->system_time);
	buf_time(b, r->server_start_time);
	buf_u16le(b, SMB2_HEADER_SIZE + 64);
	buf_u16le(b, (uint16_t)cur_left(&r->security_buffer));
	buf_u32le(b, 0);
	buf_rest(b, r->security_buffer);
	if (r->dialect == SMB2_DIALECT_311)
		contexts_encode(b, start, body + 60, body + 6, &r->contexts);
}

ntstatus smb1_negotiate_decode(struct cursor *c, uint16_t *dialect)
{
	struct cursor list;

	*dialect = 0;
	if (cur_u32le(c) != SMB1_PROTOCOL_ID || cur_u8(c) != 0x72)
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 27);
	if (cur_u8(c) != 0) /* WordCount */
		return STATUS_INVALID_PARAMETER;
	list = cur_take(c, cur_u16le(c));
	while (cur_left(&list)) {
		const char *name;
		const uint8_t *zero;

		if (cur_u8(&list) != 2)
			return STATUS_INVALID_PARAMETER;
		zero = memchr(list.at, 0, cur_left(&list));
		if (!zero)
			return STATUS_INVALID_PARAMETER;
		name = (const char *)cur_bytes(&list, (size_t)(zero - list.at) + 1);
		if (!strcmp(name, "SMB 2.???"))
			*dialect = SMB2_DIALECT_2FF;
		else if (!strcmp(name, "SMB 2.002") && !*dialect)
			*dialect = SMB2_DIALECT_202;
	}
	return decoded(c);
}
