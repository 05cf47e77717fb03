// SPDX-License-Identifier: Apache-2.0
/* FLUSH, READ and WRITE (MS-SMB2 2.2.17 to 2.2.22). RDMA channel buffers are not read: no channel
 * is offered. */
#include "smb2_parts.h"

ntstatus smb2_flush_request_decode(struct cursor *c, struct smb2_flush_request *r)
{
	if (!body_begins(c, 24))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 6);
	r->file_id = cur_file_id(c);
	return decoded(c);
}

void smb2_flush_request_encode(struct buf *b, const struct smb2_flush_request *r)
{
	buf_u16le(b, 24);
	buf_zero(b, 6);
	buf_file_id(b, &r->file_id);
}

ntstatus smb2_read_request_decode(struct cursor *c, struct smb2_read_request *r)
{
	if (!body_begins(c, 49))
		return STATUS_INVALID_PARAMETER;
	r->padding = cur_u8(c);
	r->flags = cur_u8(c);
	r->length = cur_u32le(c);
	r->offset = cur_u64le(c);
	r->file_id = cur_file_id(c);
	r->minimum_count = cur_u32le(c);
	r->channel = cur_u32le(c);
	r->remaining_bytes = cur_u32le(c);
	cur_skip(c, 4); /* ReadChannelInfoOffset, ReadChannelInfoLength */
	return decoded(c);
}

void smb2_read_request_encode(struct buf *b, const struct smb2_read_request *r)
{
	buf_u16le(b, 49);
	buf_u8(b, r->padding);
	buf_u8(b, r->flags);
	buf_u32le(b, r->length);
	buf_u64le(b, r->offset);
	buf_file_id(b, &r->file_id);
	buf_u32le(b, r->minimum_count);
	buf_u32le(b, r->channel);
	buf_u32le(b, r->remaining_bytes);
	buf_u32le(b, 0);
	buf_u8(b, 0);
}

ntstatus smb2_read_response_decode(struct cursor *c, struct smb2_read_response *r)
{
	uint8_t offset;
	uint32_t length;

	if (!body_begins(c, 17))
		return STATUS_INVALID_PARAMETER;
	offset = cur_u8(c);
	cur_skip(c, 1);
	length = cur_u32le(c);
	r->data_remaining = cur_u32le(c);
	cur_skip(c, 4);
	r->data = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_read_response_encode_head(struct buf *b, uint32_t length, uint32_t data_remaining)
{
	buf_u16le(b, 17);
	buf_u8(b, SMB2_HEADER_SIZE + SMB2_READ_RESPONSE_HEAD);
	buf_u8(b, 0);
	buf_u32le(b, length);
	buf_u32le(b, data_remaining);
	buf_u32le(b, 0);
}

ntstatus smb2_write_request_decode(struct cursor *c, struct smb2_write_request *r)
{
	uint16_t offset;
	uint32_t length;

	if (!body_begins(c, 49))
		return STATUS_INVALID_PARAMETER;
	offset = cur_u16le(c);
	length = cur_u32le(c);
	r->offset = cur_u64le(c);
	r->file_id = cur_file_id(c);
	r->channel = cur_u32le(c);
	r->remaining_bytes = cur_u32le(c);
	cur_skip(c, 4); /* WriteChannelInfoOffset, WriteChannelInfoLength */
	r->flags = cur_u32le(c);
	r->data = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_write_request_encode(struct buf *b, const struct smb2_write_request *r)
{
	buf_u16le(b, 49);
	buf_u16le(b, SMB2_HEADER_SIZE + 48);
	buf_u32le(b, (uint32_t)cur_left(&r->data));
	buf_u64le(b, r->offset);
	buf_file_id(b, &r->file_id);
	buf_u32le(b, r->channel);
	buf_u32le(b, r->remaining_bytes);
	buf_u32le(b, 0);
	buf_u32le(b, r->flags);
	buf_rest_or_zero(b, r->data);
}

ntstatus smb2_write_response_decode(struct cursor *c, struct smb2_write_response *r)
{
	if (!body_begins(c, 17))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 2);
	r->count = cur_u32le(c);
	r->remaining = cur_u32le(c);
	cur_skip(c, 4);
	return decoded(c);
}

void smb2_write_response_encode(struct buf *b, const struct smb2_write_response *r)
{
	buf_u16le(b, 17);
	buf_u16le(b, 0);
	buf_u32le(b, r->count);
	buf_u32le(b, r->remaining);
	buf_u32le(b, 0);
}
