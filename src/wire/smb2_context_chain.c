// SPDX-License-Identifier: Apache-2.0
/*
 * The context chains of CREATE. A chain is a list of links: Next, NameOffset, NameLength, Reserved,
 * DataOffset, DataLength, then name and data, each link aligned to 8.
 */
#include "smb2_context_chain.h"

#define LINK_SIZE 16

bool context_next(struct cursor *list, struct context_link *link)
{
	struct cursor own = cur_of(list->at, cur_left(list));
	uint32_t next = cur_u32le(&own);
	uint16_t name_offset = cur_u16le(&own);
	uint16_t name_length = cur_u16le(&own);
	uint16_t data_offset;
	uint32_t data_length;

	cur_skip(&own, 2);
	data_offset = cur_u16le(&own);
	data_length = cur_u32le(&own);
	if (own.bad || next % 8 || next > cur_left(list) || (next && next < LINK_SIZE))
		return false;
	if (next)
		own.end = own.base + next;
	if (name_offset != LINK_SIZE || name_length < 4)
		return false;
	if (data_length && (data_offset % 8 || data_offset < name_offset + name_length))
		return false;
	link->name = cur_slice(&own, name_offset, name_length);
	link->data = cur_slice(&own, data_offset, data_length);
	cur_skip(list, next ? next : cur_left(list));
	return !own.bad && !(next && !cur_left(list));
}

bool context_is(const struct context_link *link, const char *name, size_t length)
{
	return cur_left(&link->name) == length && !memcmp(link->name.at, name, length);
}

size_t context_begin(struct buf *b, const char *name, size_t name_length, size_t *previous)
{
	size_t at;

	if (*previous != SIZE_MAX) {
		buf_align(b, *previous, 8);
		buf_put_u32le(b, *previous, (uint32_t)(b->len - *previous));
	}
	*previous = at = b->len;
	buf_u32le(b, 0);
	buf_u16le(b, LINK_SIZE);
	buf_u16le(b, (uint16_t)name_length);
	buf_zero(b, 8);
	buf_bytes(b, name, name_length);
	buf_align(b, at, 8);
	return at;
}

void context_end(struct buf *b, size_t at, size_t name_length)
{
	size_t data_offset = align_up(LINK_SIZE + name_length, 8);
	size_t data_length = b->len - at - data_offset;

	if (data_length)
		buf_put_u16le(b, at + 10, (uint16_t)data_offset);
	buf_put_u32le(b, at + 12, (uint32_t)data_length);
}

void context_lease_decode(struct cursor *c, struct smb2_lease *l)
{
	l->present = true;
	l->version = cur_left(c) == 52 ? 2 : 1;
	cur_copy(c, l->key, sizeof(l->key));
	l->state = cur_u32le(c);
	l->flags = cur_u32le(c);
	cur_skip(c, 8);
	if (l->version == 1)
		return;
	cur_copy(c, l->parent_key, sizeof(l->parent_key));
	l->epoch = cur_u16le(c);
	cur_skip(c, 2);
}

void context_lease_encode(struct buf *b, const struct smb2_lease *l)
{
	buf_bytes(b, l->key, sizeof(l->key));
	buf_u32le(b, l->state);
	buf_u32le(b, l->flags);
	buf_u64le(b, 0);
	if (l->version < 2)
		return;
	buf_bytes(b, l->parent_key, sizeof(l->parent_key));
	buf_u16le(b, l->epoch);
	buf_u16le(b, 0);
}
