// SPDX-License-Identifier: Apache-2.0
/*
 * Extended attributes (MS-FSCC 2.4.16, 2.4.16.1): a list of names with values, which is the same on
 * the wire and in the volume, and a list of names to ask for.
 */
#include "fscc_parts.h"

#define EA_HEAD	    8 /* NextEntryOffset, Flags, EaNameLength, EaValueLength */
#define EA_ASK_HEAD 5 /* NextEntryOffset, EaNameLength */
#define EA_FLAGS    FILE_NEED_EA

/* step - the bytes of the entry at the head of @list, which moves on to the next. */
static struct cursor step(struct cursor *list)
{
	struct cursor entry = cur_of(list->at, cur_left(list));
	struct cursor head = entry;
	uint32_t next = cur_u32le(&head);

	if (head.bad || (next && (next % 4 || next > cur_left(&entry)))) {
		list->bad = true;
		return cur_of(NULL, 0);
	}
	if (next)
		entry = cur_of(entry.at, next);
	cur_skip(list, next ? next : cur_left(list));
	cur_skip(&entry, 4);
	return entry;
}

bool fscc_ea_next(struct cursor *list, struct ea *ea)
{
	struct cursor entry;

	if (list->bad || !cur_left(list))
		return false;
	entry = step(list);
	ea->flags = cur_u8(&entry);
	ea->name_length = cur_u8(&entry);
	ea->value_length = cur_u16le(&entry);
	ea->name = (const char *)cur_bytes(&entry, ea->name_length);
	list->bad |= cur_u8(&entry) != 0 || !ea->name_length;
	ea->value = cur_bytes(&entry, ea->value_length);
	list->bad |= entry.bad;
	return !list->bad;
}

bool fscc_ea_ask_next(struct cursor *list, struct ea *ea)
{
	struct cursor entry;

	if (list->bad || !cur_left(list))
		return false;
	entry = step(list);
	*ea = (struct ea){ .name_length = cur_u8(&entry) };
	ea->name = (const char *)cur_bytes(&entry, ea->name_length);
	list->bad |= cur_u8(&entry) != 0 || !ea->name_length || entry.bad;
	return !list->bad;
}

bool fscc_ea_is_valid(const struct ea *ea)
{
	if (ea->flags & ~EA_FLAGS)
		return false;
	for (size_t i = 0; i < ea->name_length; i++) {
		unsigned char c = (unsigned char)ea->name[i];

		if (c < ' ' || strchr("\"*+,/:;<=>?[\\]|", c))
			return false;
	}
	return ea->name_length;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

bool fscc_ea_same_name(const struct ea *a, const struct ea *b)
{
	if (a->name_length != b->name_length)
		return false;
	for (size_t i = 0; i < a->name_length; i++)
		if (upper(a->name[i]) != upper(b->name[i]))
			return false;
	return true;
}

uint32_t fscc_ea_packed_size(const struct ea *ea)
{
	return 5u + ea->name_length + ea->value_length;
}

ntstatus fscc_ea_entry(const struct ea *ea, size_t begin, size_t room, size_t *previous,
		       struct buf *out)
{
	size_t length = EA_HEAD + ea->name_length + 1u + ea->value_length;
	uint8_t *p = fscc_begin_entry(out, begin, room, 4, *previous, length);

	if (!p)
		return out->failed ? STATUS_NO_MEMORY : STATUS_BUFFER_OVERFLOW;
	put_u32(p, 0);
	p[4] = ea->flags;
	p[5] = ea->name_length;
	p[6] = (uint8_t)ea->value_length;
	p[7] = (uint8_t)(ea->value_length >> 8);
	memcpy(p + EA_HEAD, ea->name, ea->name_length);
	p[EA_HEAD + ea->name_length] = 0;
	if (ea->value_length)
		memcpy(p + EA_HEAD + ea->name_length + 1, ea->value, ea->value_length);
	fscc_end_entry(out, begin, 4, previous, length);
	return STATUS_SUCCESS;
}
