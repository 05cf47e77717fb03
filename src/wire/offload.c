// SPDX-License-Identifier: Apache-2.0
#include <wire/offload.h>

#define READ_BYTES  32u
#define WRITE_BYTES 544u

/* The structures begin with their size. */
static ntstatus check_size(struct cursor *c, uint32_t size)
{
	if (cur_left(c) < size)
		return STATUS_BUFFER_TOO_SMALL;
	return cur_u32le(c) == size ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

ntstatus offload_read_decode(struct cursor c, struct offload_read *r)
{
	ntstatus status = check_size(&c, READ_BYTES);

	cur_skip(&c, 4); /* Flags: none are defined */
	r->time_to_live_ms = cur_u32le(&c);
	cur_skip(&c, 4);
	r->offset = cur_u64le(&c);
	r->length = cur_u64le(&c);
	return status;
}

ntstatus offload_write_decode(struct cursor c, struct offload_write *w)
{
	ntstatus status = check_size(&c, WRITE_BYTES);

	cur_skip(&c, 4);
	w->offset = cur_u64le(&c);
	w->length = cur_u64le(&c);
	w->transfer_offset = cur_u64le(&c);
	/* TokenType comes with its high byte first, as TokenIdLength does. */
	w->token.type = cur_u32be(&c);
	cur_skip(&c, 4); /* Reserved, TokenIdLength */
	cur_copy(&c, w->token.id, sizeof(w->token.id));
	return status;
}

static void token_encode(struct buf *out, const struct offload_token *token)
{
	buf_u32be(out, token->type);
	buf_zero(out, 2);
	buf_u16be(out, OFFLOAD_TOKEN_ID_BYTES);
	buf_bytes(out, token->id, sizeof(token->id));
}

void offload_read_reply(struct buf *out, uint64_t length, const struct offload_token *token)
{
	buf_u32le(out, OFFLOAD_READ_REPLY_BYTES);
	buf_u32le(out, 0);
	buf_u64le(out, length);
	token_encode(out, token);
}

void offload_write_reply(struct buf *out, uint64_t written)
{
	buf_u32le(out, OFFLOAD_WRITE_REPLY_BYTES);
	buf_u32le(out, 0);
	buf_u64le(out, written);
}
