// SPDX-License-Identifier: Apache-2.0
/*
 * Pieces that several SMB2 messages share. Private to the room.
 *
 * Many requests have an odd StructureSize, which counts one byte of a variable part. Real clients
 * leave that byte out where the part is empty, so the decoders ask for the fixed part only; the
 * encoders of requests write the byte, because some servers insist on it.
 */
#ifndef WIRE_SMB2_PARTS_H
#define WIRE_SMB2_PARTS_H

#include <wire/smb2.h>

/* header_start - where the header of the message that is being encoded began. */
static inline size_t header_start(const struct buf *b)
{
	return b->len - SMB2_HEADER_SIZE;
}

/* decoded - the end of every decoder. */
static inline ntstatus decoded(const struct cursor *c)
{
	return c->bad ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* body_begins - read StructureSize; false where it is not @size. */
static inline bool body_begins(struct cursor *c, uint16_t size)
{
	if (cur_u16le(c) != size)
		c->bad = true;
	return !c->bad;
}

/*
 * variable_part - the @length bytes at @offset from the header. They may not begin before the next
 * read, which is where the fixed part ends; without bytes the offset means nothing.
 */
static inline struct cursor variable_part(struct cursor *c, size_t offset, size_t length)
{
	if (length && offset < cur_position(c))
		c->bad = true;
	return cur_slice(c, offset, length);
}

static inline void buf_rest(struct buf *b, struct cursor data)
{
	buf_bytes(b, data.at, cur_left(&data));
}

/* buf_rest_or_zero - @data, or the one byte that stands for an empty variable part. */
static inline void buf_rest_or_zero(struct buf *b, struct cursor data)
{
	if (cur_left(&data))
		buf_rest(b, data);
	else
		buf_u8(b, 0);
}

static inline struct smb2_file_id cur_file_id(struct cursor *c)
{
	struct smb2_file_id id;

	id.persistent = cur_u64le(c);
	id.volatile_id = cur_u64le(c);
	return id;
}

static inline void buf_file_id(struct buf *b, const struct smb2_file_id *id)
{
	buf_u64le(b, id->persistent);
	buf_u64le(b, id->volatile_id);
}

static inline struct guid cur_guid(struct cursor *c)
{
	struct guid g;

	cur_copy(c, g.bytes, sizeof(g.bytes));
	return g;
}

static inline void buf_guid(struct buf *b, const struct guid *g)
{
	buf_bytes(b, g->bytes, sizeof(g->bytes));
}

static inline nttime cur_time(struct cursor *c)
{
	return nttime_of(cur_u64le(c));
}

static inline void buf_time(struct buf *b, nttime t)
{
	buf_u64le(b, t.ticks);
}

/* The times, sizes and attributes of CREATE and CLOSE responses, in their order on the wire. */
void smb2_facts_decode(struct cursor *c, struct smb2_file_facts *f);
void smb2_facts_encode(struct buf *b, const struct smb2_file_facts *f);

#endif
