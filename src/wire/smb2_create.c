// SPDX-License-Identifier: Apache-2.0
/* CREATE and CLOSE (MS-SMB2 2.2.13 to 2.2.16); the contexts of CREATE are in smb2_create_context.c.
 */
#include "smb2_create_context.h"

static bool overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
	return a_length && b_length && a < b + b_length && b < a + a_length;
}

ntstatus smb2_create_request_decode(struct cursor *c, struct smb2_create_request *r)
{
	uint16_t name_offset;
	uint16_t name_length;
	uint32_t list_offset;
	uint32_t list_length;
	struct cursor list;

	*r = (struct smb2_create_request){ 0 };
	if (!body_begins(c, 57))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 1); /* SecurityFlags */
	r->oplock_level = cur_u8(c);
	r->impersonation_level = cur_u32le(c);
	cur_skip(c, 16); /* SmbCreateFlags, Reserved */
	r->desired_access = cur_u32le(c);
	r->file_attributes = cur_u32le(c);
	r->share_access = cur_u32le(c);
	r->create_disposition = cur_u32le(c);
	r->create_options = cur_u32le(c);
	name_offset = cur_u16le(c);
	name_length = cur_u16le(c);
	list_offset = cur_u32le(c);
	list_length = cur_u32le(c);
	r->name = variable_part(c, name_offset, name_length);
	list = variable_part(c, list_offset, list_length);
	if (c->bad || overlap(name_offset, name_length, list_offset, list_length) ||
	    (list_length && list_offset % 8))
		return STATUS_INVALID_PARAMETER;
	return create_contexts_decode(list, &r->contexts);
}

void smb2_create_request_encode(struct buf *b, const struct smb2_create_request *r)
{
	size_t start = header_start(b);
	size_t body = b->len;
	size_t list;

	buf_u16le(b, 57);
	buf_u8(b, 0);
	buf_u8(b, r->oplock_level);
	buf_u32le(b, r->impersonation_level);
	buf_zero(b, 16);
	buf_u32le(b, r->desired_access);
	buf_u32le(b, r->file_attributes);
	buf_u32le(b, r->share_access);
	buf_u32le(b, r->create_disposition);
	buf_u32le(b, r->create_options);
	buf_u16le(b, SMB2_HEADER_SIZE + 56);
	buf_u16le(b, (uint16_t)cur_left(&r->name));
	buf_zero(b, 8);
	buf_rest_or_zero(b, r->name);
	if (!create_contexts_present(&r->contexts))
		return;
	buf_align(b, start, 8);
	list = b->len;
	create_contexts_encode(b, &r->contexts);
	buf_put_u32le(b, body + 48, (uint32_t)(list - start));
	buf_put_u32le(b, body + 52, (uint32_t)(b->len - list));
}

ntstatus smb2_create_response_decode(struct cursor *c, struct smb2_create_response *r)
{
	uint32_t offset;
	uint32_t length;
	struct cursor list;

	*r = (struct smb2_create_response){ 0 };
	if (!body_begins(c, 89))
		return STATUS_INVALID_PARAMETER;
	r->oplock_level = cur_u8(c);
	r->flags = cur_u8(c);
	r->create_action = cur_u32le(c);
	smb2_facts_decode(c, &r->facts);
	cur_skip(c, 4);
	r->file_id = cur_file_id(c);
	offset = cur_u32le(c);
	length = cur_u32le(c);
	list = variable_part(c, offset, length);
	if (c->bad || (length && offset % 8))
		return STATUS_INVALID_PARAMETER;
	return create_answers_decode(list, r);
}

void smb2_create_response_encode(struct buf *b, const struct smb2_create_response *r)
{
	size_t body = b->len;
	size_t list;

	buf_u16le(b, 89);
	buf_u8(b, r->oplock_level);
	buf_u8(b, r->flags);
	buf_u32le(b, r->create_action);
	smb2_facts_encode(b, &r->facts);
	buf_u32le(b, 0);
	buf_file_id(b, &r->file_id);
	buf_zero(b, 8);
	list = b->len; /* 64 + 88 from the header: aligned to 8 */
	create_answers_encode(b, r);
	if (b->len == list)
		return;
	buf_put_u32le(b, body + 80, SMB2_HEADER_SIZE + 88);
	buf_put_u32le(b, body + 84, (uint32_t)(b->len - list));
}

ntstatus smb2_close_request_decode(struct cursor *c, struct smb2_close_request *r)
{
	if (!body_begins(c, 24))
		return STATUS_INVALID_PARAMETER;
	r->flags = cur_u16le(c);
	cur_skip(c, 4);
	r->file_id = cur_file_id(c);
	return decoded(c);
}

void smb2_close_request_encode(struct buf *b, const struct smb2_close_request *r)
{
	buf_u16le(b, 24);
	buf_u16le(b, r->flags);
	buf_u32le(b, 0);
	buf_file_id(b, &r->file_id);
}

ntstatus smb2_close_response_decode(struct cursor *c, struct smb2_close_response *r)
{
	if (!body_begins(c, 60))
		return STATUS_INVALID_PARAMETER;
	r->flags = cur_u16le(c);
	cur_skip(c, 4);
	smb2_facts_decode(c, &r->facts);
	return decoded(c);
}

void smb2_close_response_encode(struct buf *b, const struct smb2_close_response *r)
{
	buf_u16le(b, 60);
	buf_u16le(b, r->flags);
	buf_u32le(b, 0);
	smb2_facts_encode(b, &r->facts);
}
