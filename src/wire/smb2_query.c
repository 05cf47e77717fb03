// SPDX-License-Identifier: Apache-2.0
/* QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO and SET_INFO (MS-SMB2 2.2.33 to 2.2.40). */
#include "smb2_parts.h"

#define OUTPUT_HEAD 8 /* StructureSize, OutputBufferOffset, OutputBufferLength */

ntstatus smb2_query_directory_request_decode(struct cursor *c,
					     struct smb2_query_directory_request *r)
{
	uint16_t offset;
	uint16_t length;

	if (!body_begins(c, 33))
		return STATUS_INVALID_PARAMETER;
	r->info_class = cur_u8(c);
	r->flags = cur_u8(c);
	r->file_index = cur_u32le(c);
	r->file_id = cur_file_id(c);
	offset = cur_u16le(c);
	length = cur_u16le(c);
	r->output_length = cur_u32le(c);
	r->pattern = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_query_directory_request_encode(struct buf *b,
					 const struct smb2_query_directory_request *r)
{
	buf_u16le(b, 33);
	buf_u8(b, r->info_class);
	buf_u8(b, r->flags);
	buf_u32le(b, r->file_index);
	buf_file_id(b, &r->file_id);
	buf_u16le(b, SMB2_HEADER_SIZE + 32);
	buf_u16le(b, (uint16_t)cur_left(&r->pattern));
	buf_u32le(b, r->output_length);
	buf_rest_or_zero(b, r->pattern);
}

ntstatus smb2_change_notify_request_decode(struct cursor *c, struct smb2_change_notify_request *r)
{
	if (!body_begins(c, 32))
		return STATUS_INVALID_PARAMETER;
	r->flags = cur_u16le(c);
	r->output_length = cur_u32le(c);
	r->file_id = cur_file_id(c);
	r->completion_filter = cur_u32le(c);
	cur_skip(c, 4);
	return decoded(c);
}

void smb2_change_notify_request_encode(struct buf *b, const struct smb2_change_notify_request *r)
{
	buf_u16le(b, 32);
	buf_u16le(b, r->flags);
	buf_u32le(b, r->output_length);
	buf_file_id(b, &r->file_id);
	buf_u32le(b, r->completion_filter);
	buf_u32le(b, 0);
}

ntstatus smb2_query_info_request_decode(struct cursor *c, struct smb2_query_info_request *r)
{
	uint16_t offset;
	uint32_t length;

	if (!body_begins(c, 41))
		return STATUS_INVALID_PARAMETER;
	r->info_type = cur_u8(c);
	r->info_class = cur_u8(c);
	r->output_length = cur_u32le(c);
	offset = cur_u16le(c);
	cur_skip(c, 2);
	length = cur_u32le(c);
	r->additional_information = cur_u32le(c);
	r->flags = cur_u32le(c);
	r->file_id = cur_file_id(c);
	r->input = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_query_info_request_encode(struct buf *b, const struct smb2_query_info_request *r)
{
	uint32_t length = (uint32_t)cur_left(&r->input);

	buf_u16le(b, 41);
	buf_u8(b, r->info_type);
	buf_u8(b, r->info_class);
	buf_u32le(b, r->output_length);
	buf_u16le(b, length ? SMB2_HEADER_SIZE + 40 : 0);
	buf_u16le(b, 0);
	buf_u32le(b, length);
	buf_u32le(b, r->additional_information);
	buf_u32le(b, r->flags);
	buf_file_id(b, &r->file_id);
	buf_rest_or_zero(b, r->input);
}

size_t smb2_output_response_begin(struct buf *b)
{
	buf_u16le(b, 9);
	buf_u16le(b, SMB2_HEADER_SIZE + OUTPUT_HEAD);
	buf_u32le(b, 0);
	return b->len;
}

void smb2_output_response_end(struct buf *b, size_t at)
{
	buf_put_u32le(b, at - 4, (uint32_t)(b->len - at));
}

ntstatus smb2_output_response_decode(struct cursor *c, struct cursor *output)
{
	uint16_t offset;
	uint32_t length;

	if (!body_begins(c, 9))
		return STATUS_INVALID_PARAMETER;
	offset = cur_u16le(c);
	length = cur_u32le(c);
	*output = variable_part(c, offset, length);
	return decoded(c);
}

ntstatus smb2_set_info_request_decode(struct cursor *c, struct smb2_set_info_request *r)
{
	uint32_t length;
	uint16_t offset;

	if (!body_begins(c, 33))
		return STATUS_INVALID_PARAMETER;
	r->info_type = cur_u8(c);
	r->info_class = cur_u8(c);
	length = cur_u32le(c);
	offset = cur_u16le(c);
	cur_skip(c, 2);
	r->additional_information = cur_u32le(c);
	r->file_id = cur_file_id(c);
	r->input = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_set_info_request_encode(struct buf *b, const struct smb2_set_info_request *r)
{
	buf_u16le(b, 33);
	buf_u8(b, r->info_type);
	buf_u8(b, r->info_class);
	buf_u32le(b, (uint32_t)cur_left(&r->input));
	buf_u16le(b, SMB2_HEADER_SIZE + 32);
	buf_u16le(b, 0);
	buf_u32le(b, r->additional_information);
	buf_file_id(b, &r->file_id);
	buf_rest_or_zero(b, r->input);
}

void smb2_set_info_response_encode(struct buf *b)
{
	buf_u16le(b, 2);
}

ntstatus smb2_set_info_response_decode(struct cursor *c)
{
	(void)body_begins(c, 2);
	return decoded(c);
}
