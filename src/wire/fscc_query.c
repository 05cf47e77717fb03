// SPDX-License-Identifier: Apache-2.0
/* What QUERY_INFO asks of a file (MS-FSCC 2.4): a row for each class, its least buffer, the access
 * it needs. */
#include "fscc_parts.h"

void fscc_path(struct buf *out, const char *path)
{
	size_t from = out->len;

	utf16_encode(out, path);
	for (size_t i = from; i + 1 < out->len; i += 2)
		if (out->data[i] == '/' && !out->data[i + 1])
			out->data[i] = '\\';
}

ntstatus fscc_cut(struct buf *out, size_t begin, size_t room)
{
	if (out->failed)
		return STATUS_NO_MEMORY;
	if (out->len - begin <= room)
		return STATUS_SUCCESS;
	out->len = begin + room;
	return STATUS_BUFFER_OVERFLOW;
}

static void basic(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.creation_time.ticks);
	buf_u64le(out, q->facts.last_access_time.ticks);
	buf_u64le(out, q->facts.last_write_time.ticks);
	buf_u64le(out, q->facts.change_time.ticks);
	buf_u32le(out, q->facts.attributes);
	buf_u32le(out, 0);
}

static void standard(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.allocation_size);
	buf_u64le(out, q->facts.end_of_file);
	buf_u32le(out, q->facts.links);
	buf_u8(out, q->facts.delete_pending);
	buf_u8(out, q->facts.is_directory);
	buf_u16le(out, 0);
}

static void internal(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.file_id);
}

static void ea_size(struct buf *out, const struct file_query *q)
{
	buf_u32le(out, q->facts.ea_size);
}

static void access_mask(struct buf *out, const struct file_query *q)
{
	buf_u32le(out, q->granted_access);
}

static void position(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->position);
}

static void mode(struct buf *out, const struct file_query *q)
{
	buf_u32le(out, q->mode);
}

static void alignment(struct buf *out, const struct file_query *q)
{
	buf_u32le(out, 0); /* FILE_BYTE_ALIGNMENT */
}

/* The whole path, from the root of the share, with a backslash in front. */
static void name(struct buf *out, const struct file_query *q)
{
	size_t at = out->len;

	buf_u32le(out, 0);
	buf_u16le(out, '\\');
	fscc_path(out, q->name);
	buf_put_u32le(out, at, (uint32_t)(out->len - at - 4));
}

/* The same without the backslash (MS-FSCC 2.4.30). */
static void normalized_name(struct buf *out, const struct file_query *q)
{
	size_t at = out->len;

	buf_u32le(out, 0);
	fscc_path(out, q->name);
	buf_put_u32le(out, at, (uint32_t)(out->len - at - 4));
}

static void alternate_name(struct buf *out, const struct file_query *q)
{
	size_t at = out->len;

	buf_u32le(out, 0);
	utf16_encode(out, q->short_name);
	buf_put_u32le(out, at, (uint32_t)(out->len - at - 4));
}

static void all(struct buf *out, const struct file_query *q)
{
	basic(out, q);
	standard(out, q);
	internal(out, q);
	ea_size(out, q);
	access_mask(out, q);
	position(out, q);
	mode(out, q);
	alignment(out, q);
	name(out, q);
}

static void compression(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.end_of_file);
	if (q->facts.attributes & FILE_ATTRIBUTE_COMPRESSED) {
		buf_u16le(out, COMPRESSION_FORMAT_LZNT1); /* MS-FSCC knows no other, and what it
							     comes in: */
		buf_u8(out, 16);			  /* units of 64 KiB, */
		buf_u8(out, 12);			  /* chunks, */
		buf_u8(out, 12);			  /* clusters */
		buf_zero(out, 3);
	} else {
		buf_zero(out, 8);
	}
}

static void network_open(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.creation_time.ticks);
	buf_u64le(out, q->facts.last_access_time.ticks);
	buf_u64le(out, q->facts.last_write_time.ticks);
	buf_u64le(out, q->facts.change_time.ticks);
	buf_u64le(out, q->facts.allocation_size);
	buf_u64le(out, q->facts.end_of_file);
	buf_u32le(out, q->facts.attributes);
	buf_u32le(out, 0);
}

static void attribute_tag(struct buf *out, const struct file_query *q)
{
	buf_u32le(out, q->facts.attributes);
	buf_u32le(out,
		  q->facts.attributes & FILE_ATTRIBUTE_REPARSE_POINT ? q->facts.reparse_tag : 0);
}

static void id(struct buf *out, const struct file_query *q)
{
	buf_u64le(out, q->facts.volume_serial);
	buf_u64le(out, q->facts.file_id);
	buf_u64le(out, 0);
}

/* The least buffer is the size of the structure with its padding, as Windows checks it. */
static const struct query_kind {
	uint8_t info_class;
	uint8_t least;
	uint32_t access;
	void (*encode)(struct buf *out, const struct file_query *q);
} kinds[] = {
	{ FileBasicInformation, 40, FILE_READ_ATTRIBUTES, basic },
	{ FileStandardInformation, 24, 0, standard },
	{ FileInternalInformation, 8, 0, internal },
	{ FileEaInformation, 4, 0, ea_size },
	{ FileAccessInformation, 4, 0, access_mask },
	{ FileNameInformation, 8, 0, name },
	{ FilePositionInformation, 8, 0, position },
	{ FileFullEaInformation, 8, FILE_READ_EA, NULL },
	{ FileModeInformation, 4, 0, mode },
	{ FileAlignmentInformation, 4, 0, alignment },
	{ FileAllInformation, 104, FILE_READ_ATTRIBUTES, all },
	{ FileAlternateNameInformation, 8, 0, alternate_name },
	{ FileStreamInformation, 32, 0, NULL },
	{ FileCompressionInformation, 16, 0, compression },
	{ FileNetworkOpenInformation, 56, FILE_READ_ATTRIBUTES, network_open },
	{ FileAttributeTagInformation, 8, FILE_READ_ATTRIBUTES, attribute_tag },
	{ FileNormalizedNameInformation, 8, 0, normalized_name },
	{ FileIdInformation, 24, 0, id },
};

static const struct query_kind *find_kind(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].info_class == info_class)
			return &kinds[i];
	return NULL;
}

uint32_t fscc_file_query_access(uint8_t info_class)
{
	const struct query_kind *k = find_kind(info_class);

	return k ? k->access : 0;
}

ntstatus fscc_file_query(uint8_t info_class, const struct file_query *q, size_t room,
			 struct buf *out)
{
	const struct query_kind *k = find_kind(info_class);
	size_t begin = out->len;

	if (!k || !k->encode)
		return STATUS_INVALID_INFO_CLASS;
	if (room < k->least)
		return STATUS_INFO_LENGTH_MISMATCH;
	if (info_class == FileAlternateNameInformation && !q->short_name)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	k->encode(out, q);
	return fscc_cut(out, begin, room);
}

#define STREAM_HEAD 24 /* NextEntryOffset, StreamNameLength, StreamSize, StreamAllocationSize */

ntstatus fscc_stream_list(const struct stream_facts *streams, size_t count, size_t room,
			  struct buf *out)
{
	static const char suffix[] = ":$DATA";
	size_t begin = out->len;
	size_t previous = SIZE_MAX;

	if (room < find_kind(FileStreamInformation)->least)
		return STATUS_INFO_LENGTH_MISMATCH;
	for (size_t i = 0; i < count; i++) {
		size_t name_length = 2 + utf16_length(streams[i].name) + 2 * (sizeof(suffix) - 1);
		size_t length = STREAM_HEAD + name_length;
		uint8_t *p = fscc_begin_entry(out, begin, room, 8, previous, length);

		if (!p)
			return out->failed ? STATUS_NO_MEMORY : STATUS_BUFFER_OVERFLOW;
		put_u32(p, 0);
		put_u32(p + 4, (uint32_t)name_length);
		put_u64(p + 8, streams[i].size);
		put_u64(p + 16, streams[i].allocation_size);
		fscc_end_entry(out, begin, 8, &previous, STREAM_HEAD);
		buf_u16le(out, ':');
		utf16_encode(out, streams[i].name);
		utf16_encode(out, suffix);
	}
	return out->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}
