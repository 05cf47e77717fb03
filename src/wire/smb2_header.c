// SPDX-License-Identifier: Apache-2.0
/* What every message begins with: header, transform header, error body, empty body
 * (MS-SMB2 2.2.1, 2.2.2, 2.2.41). */
#include "smb2_parts.h"

const char *smb2_command_name(uint16_t command)
{
	static const char *const names[SMB2_COMMAND_COUNT] = {
		[SMB2_NEGOTIATE] = "NEGOTIATE",
		[SMB2_SESSION_SETUP] = "SESSION_SETUP",
		[SMB2_LOGOFF] = "LOGOFF",
		[SMB2_TREE_CONNECT] = "TREE_CONNECT",
		[SMB2_TREE_DISCONNECT] = "TREE_DISCONNECT",
		[SMB2_CREATE] = "CREATE",
		[SMB2_CLOSE] = "CLOSE",
		[SMB2_FLUSH] = "FLUSH",
		[SMB2_READ] = "READ",
		[SMB2_WRITE] = "WRITE",
		[SMB2_LOCK] = "LOCK",
		[SMB2_IOCTL] = "IOCTL",
		[SMB2_CANCEL] = "CANCEL",
		[SMB2_ECHO] = "ECHO",
		[SMB2_QUERY_DIRECTORY] = "QUERY_DIRECTORY",
		[SMB2_CHANGE_NOTIFY] = "CHANGE_NOTIFY",
		[SMB2_QUERY_INFO] = "QUERY_INFO",
		[SMB2_SET_INFO] = "SET_INFO",
		[SMB2_OPLOCK_BREAK] = "OPLOCK_BREAK",
	};

	return command < SMB2_COMMAND_COUNT ? names[command] : "UNKNOWN";
}

ntstatus smb2_header_decode(struct cursor *c, struct smb2_header *h)
{
	if (cur_u32le(c) != SMB2_PROTOCOL_ID || cur_u16le(c) != SMB2_HEADER_SIZE)
		return STATUS_INVALID_PARAMETER;
	h->credit_charge = cur_u16le(c);
	h->status = cur_u32le(c);
	h->channel_sequence = (uint16_t)h->status;
	h->command = cur_u16le(c);
	h->credits = cur_u16le(c);
	h->flags = cur_u32le(c);
	h->next_command = cur_u32le(c);
	h->message_id = cur_u64le(c);
	h->async_id = 0;
	h->tree_id = 0;
	if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		h->async_id = cur_u64le(c);
	} else {
		cur_skip(c, 4);
		h->tree_id = cur_u32le(c);
	}
	h->session_id = cur_u64le(c);
	cur_copy(c, h->signature, sizeof(h->signature));
	return decoded(c);
}

void smb2_header_encode(struct buf *b, const struct smb2_header *h)
{
	buf_u32le(b, SMB2_PROTOCOL_ID);
	buf_u16le(b, SMB2_HEADER_SIZE);
	buf_u16le(b, h->credit_charge);
	buf_u32le(b, h->flags & SMB2_FLAGS_SERVER_TO_REDIR ? h->status : h->channel_sequence);
	buf_u16le(b, h->command);
	buf_u16le(b, h->credits);
	buf_u32le(b, h->flags);
	buf_u32le(b, h->next_command);
	buf_u64le(b, h->message_id);
	if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		buf_u64le(b, h->async_id);
	} else {
		buf_u32le(b, 0);
		buf_u32le(b, h->tree_id);
	}
	buf_u64le(b, h->session_id);
	buf_bytes(b, h->signature, sizeof(h->signature));
}

ntstatus smb2_transform_decode(struct cursor *c, struct smb2_transform *t)
{
	if (cur_u32le(c) != SMB2_TRANSFORM_ID)
		return STATUS_INVALID_PARAMETER;
	cur_copy(c, t->signature, sizeof(t->signature));
	cur_copy(c, t->nonce, sizeof(t->nonce));
	t->original_size = cur_u32le(c);
	cur_skip(c, 2);
	t->flags = cur_u16le(c);
	t->session_id = cur_u64le(c);
	return decoded(c);
}

void smb2_transform_encode(struct buf *b, const struct smb2_transform *t)
{
	buf_u32le(b, SMB2_TRANSFORM_ID);
	buf_bytes(b, t->signature, sizeof(t->signature));
	buf_bytes(b, t->nonce, sizeof(t->nonce));
	buf_u32le(b, t->original_size);
	buf_u16le(b, 0);
	buf_u16le(b, t->flags);
	buf_u64le(b, t->session_id);
}

void smb2_error_encode(struct buf *b, const void *data, size_t length, uint8_t context_count)
{
	buf_u16le(b, 9);
	buf_u8(b, context_count);
	buf_u8(b, 0);
	buf_u32le(b, (uint32_t)length);
	buf_rest_or_zero(b, cur_of(data, length));
}

ntstatus smb2_error_decode(struct cursor *c, struct smb2_error *e)
{
	uint32_t length;

	if (!body_begins(c, 9))
		return STATUS_INVALID_PARAMETER;
	e->context_count = cur_u8(c);
	cur_skip(c, 1);
	length = cur_u32le(c);
	e->data = cur_take(c, length);
	return decoded(c);
}

ntstatus smb2_empty_decode(struct cursor *c)
{
	if (!body_begins(c, 4))
		return STATUS_INVALID_PARAMETER;
	cur_skip(c, 2);
	return decoded(c);
}

void smb2_empty_encode(struct buf *b)
{
	buf_u16le(b, 4);
	buf_u16le(b, 0);
}

void smb2_facts_decode(struct cursor *c, struct smb2_file_facts *f)
{
	f->creation_time = cur_time(c);
	f->last_access_time = cur_time(c);
	f->last_write_time = cur_time(c);
	f->change_time = cur_time(c);
	f->allocation_size = cur_u64le(c);
	f->end_of_file = cur_u64le(c);
	f->file_attributes = cur_u32le(c);
}

void smb2_facts_encode(struct buf *b, const struct smb2_file_facts *f)
{
	buf_time(b, f->creation_time);
	buf_time(b, f->last_access_time);
	buf_time(b, f->last_write_time);
	buf_time(b, f->change_time);
	buf_u64le(b, f->allocation_size);
	buf_u64le(b, f->end_of_file);
	buf_u32le(b, f->file_attributes);
}
