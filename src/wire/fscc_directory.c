// SPDX-License-Identifier: Apache-2.0
/*
 * Directory listings (MS-FSCC 2.4.10, 2.4.14, 2.4.17 and the rest): a row for each class says where
 * its parts are, so that one function writes, and one reads, all of them. This is the hot path of a
 * listing: nothing is allocated, and names go from UTF-8 to the buffer in one step.
 */
#include "fscc_parts.h"

#define NONE		 0
#define SHORT_NAME_BYTES 24

/* Offsets in an entry; NONE (where NextEntryOffset is) for what the class does not have. */
struct layout {
	uint8_t info_class;
	uint8_t facts;	 /* four times, two sizes, attributes: 52 bytes */
	uint8_t length;	 /* FileNameLength */
	uint8_t ea_size; /* holds the reparse tag for reparse points */
	uint8_t short_name;
	uint8_t reparse_tag;
	uint8_t file_id;
	uint8_t name;
};

static const struct layout layouts[] = {
	{ FileIdBothDirectoryInformation, 8, 60, 64, 68, NONE, 96, 104 },
	{ FileBothDirectoryInformation, 8, 60, 64, 68, NONE, NONE, 94 },
	{ FileDirectoryInformation, 8, 60, NONE, NONE, NONE, NONE, 64 },
	{ FileFullDirectoryInformation, 8, 60, 64, NONE, NONE, NONE, 68 },
	{ FileIdFullDirectoryInformation, 8, 60, 64, NONE, NONE, 72, 80 },
	{ FileIdExtdDirectoryInformation, 8, 60, 64, NONE, 68, 72, 88 },
	{ FileNamesInformation, NONE, 8, NONE, NONE, NONE, NONE, 12 },
};

static const struct layout *find_layout(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		if (layouts[i].info_class == info_class)
			return &layouts[i];
	return NULL;
}

uint8_t *fscc_begin_entry(struct buf *out, size_t begin, size_t room, size_t align, size_t previous,
			  size_t length)
{
	size_t used = out->len - begin;
	size_t at = previous == SIZE_MAX ? used : align_up(used, align);
	uint8_t *p;

	if (at > room || length > room - at)
		return NULL;
	p = buf_room(out, at - used + length);
	return p ? p + (at - used) : NULL;
}

void fscc_end_entry(struct buf *out, size_t begin, size_t align, size_t *previous, size_t length)
{
	if (*previous != SIZE_MAX) {
		buf_align(out, begin, align);
		buf_put_u32le(out, *previous, (uint32_t)(out->len - *previous));
	}
	*previous = out->len;
	out->len += length;
}

static void put_facts(uint8_t *p, const struct file_facts *f)
{
	put_u64(p, f->creation_time.ticks);
	put_u64(p + 8, f->last_access_time.ticks);
	put_u64(p + 16, f->last_write_time.ticks);
	put_u64(p + 24, f->change_time.ticks);
	put_u64(p + 32, f->end_of_file);
	put_u64(p + 40, f->allocation_size);
	put_u32(p + 48, f->attributes);
}

/* put_short_name - its length, a byte of padding, and the name, which is cut at twelve units. */
static void put_short_name(uint8_t *p, const char *short_name)
{
	uint8_t bytes[2 * SHORT_NAME_BYTES];
	struct buf b = { .data = bytes, .cap = sizeof(bytes), .limit = sizeof(bytes) };

	if (!short_name || strlen(short_name) > SHORT_NAME_BYTES)
		return;
	utf16_encode(&b, short_name);
	if (b.len > SHORT_NAME_BYTES)
		return;
	p[0] = (uint8_t)b.len;
	memcpy(p + 2, bytes, b.len);
}

ntstatus fscc_directory_entry(uint8_t info_class, const char *name, const char *short_name,
			      const struct file_facts *facts, uint32_t file_index, size_t begin,
			      size_t room, size_t *previous, struct buf *out)
{
	const struct layout *l = find_layout(info_class);
	bool is_reparse = facts->attributes & FILE_ATTRIBUTE_REPARSE_POINT;
	size_t entry;
	uint8_t *p;

	if (!l)
		return STATUS_INVALID_INFO_CLASS;
	p = fscc_begin_entry(out, begin, room, 8, *previous, l->name + 2 * strlen(name));
	if (!p && !out->failed) /* the exact length may fit where the guess does not */
		p = fscc_begin_entry(out, begin, room, 8, *previous, l->name + utf16_length(name));
	if (!p)
		return out->failed ? STATUS_NO_MEMORY : STATUS_BUFFER_OVERFLOW;
	memset(p, 0, l->name);
	put_u32(p + 4, file_index);
	if (l->facts)
		put_facts(p + l->facts, facts);
	if (l->ea_size)
		put_u32(p + l->ea_size,
			is_reparse && !l->reparse_tag ? facts->reparse_tag : facts->ea_size);
	if (l->short_name)
		put_short_name(p + l->short_name, short_name);
	if (l->reparse_tag && is_reparse)
		put_u32(p + l->reparse_tag, facts->reparse_tag);
	if (l->file_id)
		put_u64(p + l->file_id, facts->file_id);
	fscc_end_entry(out, begin, 8, previous, l->name);
	entry = *previous;
	utf16_encode(out, name);
	buf_put_u32le(out, entry + l->length, (uint32_t)(out->len - entry - l->name));
	return out->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

static void read_facts(struct cursor c, const struct layout *l, struct file_facts *f)
{
	struct cursor own = cur_slice(&c, l->facts, 52);

	f->creation_time = nttime_of(cur_u64le(&own));
	f->last_access_time = nttime_of(cur_u64le(&own));
	f->last_write_time = nttime_of(cur_u64le(&own));
	f->change_time = nttime_of(cur_u64le(&own));
	f->end_of_file = cur_u64le(&own);
	f->allocation_size = cur_u64le(&own);
	f->attributes = cur_u32le(&own);
	f->is_directory = f->attributes & FILE_ATTRIBUTE_DIRECTORY;
}

static uint32_t read_u32(struct cursor c, size_t offset)
{
	struct cursor own = cur_slice(&c, offset, 4);

	return cur_u32le(&own);
}

static uint64_t read_u64(struct cursor c, size_t offset)
{
	struct cursor own = cur_slice(&c, offset, 8);

	return cur_u64le(&own);
}

bool fscc_directory_next(uint8_t info_class, struct cursor *list, struct directory_entry *entry)
{
	const struct layout *l = find_layout(info_class);
	struct cursor c = cur_of(list->at, cur_left(list));
	uint32_t next;

	if (!l || list->bad || !cur_left(list)) {
		list->bad |= !l;
		return false;
	}
	next = read_u32(c, 0);
	if (next)
		c = cur_slice(&c, 0, next);
	if (cur_left(&c) < l->name) {
		list->bad = true;
		return false;
	}
	*entry = (struct directory_entry){ 0 };
	if (l->facts)
		read_facts(c, l, &entry->facts);
	if (l->ea_size)
		entry->facts.ea_size = read_u32(c, l->ea_size);
	if (l->reparse_tag)
		entry->facts.reparse_tag = read_u32(c, l->reparse_tag);
	else if (entry->facts.attributes & FILE_ATTRIBUTE_REPARSE_POINT)
		entry->facts.reparse_tag = entry->facts.ea_size;
	if (l->file_id)
		entry->facts.file_id = read_u64(c, l->file_id);
	entry->name = cur_slice(&c, l->name, read_u32(c, l->length));
	list->bad = c.bad;
	cur_skip(list, next ? next : cur_left(list));
	return !list->bad;
}
