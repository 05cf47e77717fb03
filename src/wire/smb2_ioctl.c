// SPDX-License-Identifier: Apache-2.0
/* IOCTL and the payloads of the FSCTLs that SMB2 itself defines (MS-SMB2 2.2.31, 2.2.32). */
#include "smb2_parts.h"

ntstatus smb2_ioctl_request_decode(struct cursor *c, struct smb2_ioctl_request *r)
{
	uint32_t offset;
	uint32_t length;

	if (!body_begins(c, 57))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 2);
	r->code = cur_u32le(c);
	r->file_id = cur_file_id(c);
	offset = cur_u32le(c);
	length = cur_u32le(c);
	r->max_input_response = cur_u32le(c);
	cur_skip(c, 8); /* OutputOffset, OutputCount: nothing in a request */
	r->max_output_response = cur_u32le(c);
	r->flags = cur_u32le(c);
	cur_skip(c, 4);
	r->input = variable_part(c, offset, length);
	return decoded(c);
}

void smb2_ioctl_request_encode(struct buf *b, const struct smb2_ioctl_request *r)
{
	uint32_t length = (uint32_t)cur_left(&r->input);

	buf_u16le(b, 57);
	buf_u16le(b, 0);
	buf_u32le(b, r->code);
	buf_file_id(b, &r->file_id);
	buf_u32le(b, length ? SMB2_HEADER_SIZE + 56 : 0);
	buf_u32le(b, length);
	buf_u32le(b, r->max_input_response);
	buf_zero(b, 8);
	buf_u32le(b, r->max_output_response);
	buf_u32le(b, r->flags);
	buf_u32le(b, 0);
	buf_rest_or_zero(b, r->input);
}

ntstatus smb2_ioctl_response_decode(struct cursor *c, struct smb2_ioctl_response *r)
{
	uint32_t input_offset;
	uint32_t input_length;
	uint32_t output_offset;
	uint32_t output_length;

	if (!body_begins(c, 49))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 2);
	r->code = cur_u32le(c);
	r->file_id = cur_file_id(c);
	input_offset = cur_u32le(c);
	input_length = cur_u32le(c);
	output_offset = cur_u32le(c);
	output_length = cur_u32le(c);
	r->flags = cur_u32le(c);
	cur_skip(c, 4);
	r->input = variable_part(c, input_offset, input_length);
	r->output = variable_part(c, output_offset, output_length);
	return decoded(c);
}

void smb2_ioctl_response_encode(struct buf *b, const struct smb2_ioctl_response *r)
{
	size_t start = header_start(b);
	size_t body = b->len;

	buf_u16le(b, 49);
	buf_u16le(b, 0);
	buf_u32le(b, r->code);
	buf_file_id(b, &r->file_id);
	buf_u32le(b, SMB2_HEADER_SIZE + 48);
	buf_u32le(b, (uint32_t)cur_left(&r->input));
	buf_u32le(b, SMB2_HEADER_SIZE + 48);
	buf_u32le(b, (uint32_t)cur_left(&r->output));
	buf_u32le(b, r->flags);
	buf_u32le(b, 0);
	buf_rest(b, r->input);
	if (cur_left(&r->input) && cur_left(&r->output)) {
		buf_align(b, start, 8);
		buf_put_u32le(b, body + 32, (uint32_t)(b->len - start));
	}
	buf_rest(b, r->output);
}

#define FAMILY_INET  2u
#define FAMILY_INET6 23u

void smb2_network_interface_encode(struct buf *b, const struct smb2_network_interface *row,
				   size_t *last)
{
	size_t start = b->len;

	if (*last != SIZE_MAX)
		buf_put_u32le(b, *last, (uint32_t)(start - *last));
	*last = start;
	buf_u32le(b, 0);
	buf_u32le(b, row->index);
	buf_u32le(b, row->capability);
	buf_u32le(b, 0);
	buf_u64le(b, row->link_speed);
	buf_u16le(b, row->is_ipv6 ? FAMILY_INET6 : FAMILY_INET);
	buf_u16le(b, 0); /* Port */
	if (row->is_ipv6)
		buf_u32le(b, 0); /* FlowInfo */
	buf_bytes(b, row->address, row->is_ipv6 ? 16 : 4);
	buf_zero(b, start + SMB2_INTERFACE_INFO_SIZE - b->len);
}

bool smb2_network_interface_next(struct cursor *c, struct smb2_network_interface *row)
{
	struct cursor at = *c;
	uint32_t next;

	*row = (struct smb2_network_interface){ 0 };
	if (!cur_left(c))
		return false;
	next = cur_u32le(&at);
	row->index = cur_u32le(&at);
	row->capability = cur_u32le(&at);
	cur_skip(&at, 4);
	row->link_speed = cur_u64le(&at);
	row->is_ipv6 = cur_u16le(&at) == FAMILY_INET6;
	cur_skip(&at, row->is_ipv6 ? 6 : 2);
	cur_copy(&at, row->address, row->is_ipv6 ? 16 : 4);
	cur_skip(c, next ? next : cur_left(c));
	c->bad |= at.bad || (next && next < SMB2_INTERFACE_INFO_SIZE);
	return !c->bad;
}

ntstatus smb2_validate_negotiate_request_decode(struct cursor c, struct smb2_validate_negotiate *v)
{
	uint16_t offered;

	*v = (struct smb2_validate_negotiate){ 0 };
	v->capabilities = cur_u32le(&c);
	v->guid = cur_guid(&c);
	v->security_mode = cur_u16le(&c);
	offered = cur_u16le(&c);
	for (uint16_t i = 0; i < offered && !c.bad; i++) {
		uint16_t dialect = cur_u16le(&c);

		if (v->dialect_count < SMB2_MAX_DIALECTS)
			v->dialects[v->dialect_count++] = dialect;
	}
	return decoded(&c);
}

void smb2_validate_negotiate_request_encode(struct buf *b, const struct smb2_validate_negotiate *v)
{
	buf_u32le(b, v->capabilities);
	buf_guid(b, &v->guid);
	buf_u16le(b, v->security_mode);
	buf_u16le(b, v->dialect_count);
	for (uint16_t i = 0; i < v->dialect_count; i++)
		buf_u16le(b, v->dialects[i]);
}

ntstatus smb2_validate_negotiate_response_decode(struct cursor c, struct smb2_validate_negotiate *v)
{
	*v = (struct smb2_validate_negotiate){ 0 };
	v->capabilities = cur_u32le(&c);
	v->guid = cur_guid(&c);
	v->security_mode = cur_u16le(&c);
	v->dialect = cur_u16le(&c);
	return decoded(&c);
}

void smb2_validate_negotiate_response_encode(struct buf *b, const struct smb2_validate_negotiate *v)
{
	buf_u32le(b, v->capabilities);
	buf_guid(b, &v->guid);
	buf_u16le(b, v->security_mode);
	buf_u16le(b, v->dialect);
}

ntstatus smb2_copychunk_request_decode(struct cursor c, struct smb2_copychunk_request *r)
{
	cur_copy(&c, r->source_key, sizeof(r->source_key));
	r->count = cur_u32le(&c);
	cur_skip(&c, 4);
	if (c.bad || r->count > SMB2_COPYCHUNK_MAX_CHUNKS)
		return STATUS_INVALID_PARAMETER;
	for (uint32_t i = 0; i < r->count; i++) {
		r->chunks[i].source_offset = cur_u64le(&c);
		r->chunks[i].target_offset = cur_u64le(&c);
		r->chunks[i].length = cur_u32le(&c);
		cur_skip(&c, 4);
	}
	return decoded(&c);
}

void smb2_copychunk_request_encode(struct buf *b, const struct smb2_copychunk_request *r)
{
	buf_bytes(b, r->source_key, sizeof(r->source_key));
	buf_u32le(b, r->count);
	buf_u32le(b, 0);
	for (uint32_t i = 0; i < r->count; i++) {
		buf_u64le(b, r->chunks[i].source_offset);
		buf_u64le(b, r->chunks[i].target_offset);
		buf_u32le(b, r->chunks[i].length);
		buf_u32le(b, 0);
	}
}
