// SPDX-License-Identifier: Apache-2.0
/* SESSION_SETUP and TREE_CONNECT (MS-SMB2 2.2.5, 2.2.6, 2.2.9, 2.2.10). */
#include "smb2_parts.h"

ntstatus smb2_session_setup_request_decode(struct cursor *c, struct smb2_session_setup_request *r)
{
	uint16_t offset;
	uint16_t length;

	if (!body_begins(c, 25))
		return STATUS_INVALID_PARAMETER;
	r->flags = cur_u8(c);
	r->security_mode = cur_u8(c);
	r->capabilities = cur_u32le(c);
	cur_skip(c, 4);
	offset = cur_u16le(c);
	length = cur_u16le(c);
	r->previous_session_id = cur_u64le(c);
	r->security_buffer = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_session_setup_request_encode(struct buf *b, const struct smb2_session_setup_request *r)
{
	buf_u16le(b, 25);
	buf_u8(b, r->flags);
	buf_u8(b, r->security_mode);
	buf_u32le(b, r->capabilities);
	buf_u32le(b, 0);
	buf_u16le(b, SMB2_HEADER_SIZE + 24);
	buf_u16le(b, (uint16_t)cur_left(&r->security_buffer));
	buf_u64le(b, r->previous_session_id);
	buf_rest_or_zero(b, r->security_buffer);
}

ntstatus smb2_session_setup_response_decode(struct cursor *c, struct smb2_session_setup_response *r)
{
	uint16_t offset;
	uint16_t length;

	if (!body_begins(c, 9))
		return STATUS_INVALID_PARAMETER;
	r->session_flags = cur_u16le(c);
	offset = cur_u16le(c);
	length = cur_u16le(c);
	r->security_buffer = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_session_setup_response_encode(struct buf *b, const struct smb2_session_setup_response *r)
{
	buf_u16le(b, 9);
	buf_u16le(b, r->session_flags);
	buf_u16le(b, SMB2_HEADER_SIZE + 8);
	buf_u16le(b, (uint16_t)cur_left(&r->security_buffer));
	buf_rest(b, r->security_buffer);
}

ntstatus smb2_tree_connect_request_decode(struct cursor *c, struct smb2_tree_connect_request *r)
{
	uint16_t offset;
	uint16_t length;

	if (!body_begins(c, 9))
		return STATUS_INVALID_PARAMETER;
	r->flags = cur_u16le(c);
	offset = cur_u16le(c);
	length = cur_u16le(c);
	r->path = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_tree_connect_request_encode(struct buf *b, const struct smb2_tree_connect_request *r)
{
	buf_u16le(b, 9);
	buf_u16le(b, r->flags);
	buf_u16le(b, SMB2_HEADER_SIZE + 8);
	buf_u16le(b, (uint16_t)cur_left(&r->path));
	buf_rest_or_zero(b, r->path);
}

ntstatus smb2_tree_connect_response_decode(struct cursor *c, struct smb2_tree_connect_response *r)
{
	if (!body_begins(c, 16))
		return STATUS_INVALID_PARAMETER;
	r->share_type = cur_u8(c);
	cur_skip(c, 1);
	r->share_flags = cur_u32le(c);
	r->capabilities = cur_u32le(c);
	r->maximal_access = cur_u32le(c);
	return decoded(c);
}

void smb2_tree_connect_response_encode(struct buf *b, const struct smb2_tree_connect_response *r)
{
	buf_u16le(b, 16);
	buf_u8(b, r->share_type);
	buf_u8(b, 0);
	buf_u32le(b, r->share_flags);
	buf_u32le(b, r->capabilities);
	buf_u32le(b, r->maximal_access);
}
