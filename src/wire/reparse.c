// SPDX-License-Identifier: Apache-2.0
/*
 * Reparse points (MS-FSCC 2.1.2): the header that all have, what is checked of a symbolic link, and
 * the error that tells a client to go on elsewhere (MS-SMB2 2.2.2.2.1).
 */
#include <wire/reparse.h>

#define SYMLINK_ERROR_TAG 0x4C4D5953u /* "SYML" */
#define SYMLINK_FIXED	  12u	      /* bytes of a symbolic link before its path buffer */
#define TAG_IS_MICROSOFT  0x80000000u
#define TAG_RESERVED_ONE  1u
#define MOUNT_POINT_FIXED 8u

/* A name of @length bytes at @offset of the path buffer. */
static bool name_fits(uint16_t offset, uint16_t length, size_t buffer)
{
	return !(offset % 2) && !(length % 2) && (size_t)offset + length <= buffer;
}

/* MS-FSCC 2.1.2.4, 2.1.2.5: two names in the buffer behind @fixed bytes. */
static bool names_ok(struct cursor data, size_t fixed)
{
	uint16_t offset = cur_u16le(&data), length = cur_u16le(&data);
	uint16_t print_offset = cur_u16le(&data), print_length = cur_u16le(&data);

	cur_skip(&data, fixed - 8);
	return !data.bad && name_fits(offset, length, cur_left(&data)) &&
	       name_fits(print_offset, print_length, cur_left(&data));
}

ntstatus reparse_decode(struct cursor in, struct reparse *out)
{
	size_t total = cur_left(&in);
	uint16_t length;

	*out = (struct reparse){ .tag = cur_u32le(&in) };
	length = cur_u16le(&in);
	cur_skip(&in, 2); /* Reserved */
	if (in.bad || total > REPARSE_MAX_BYTES)
		return STATUS_IO_REPARSE_DATA_INVALID;
	if (out->tag <= TAG_RESERVED_ONE)
		return STATUS_IO_REPARSE_TAG_INVALID;
	out->has_guid = !(out->tag & TAG_IS_MICROSOFT);
	if (out->has_guid)
		cur_copy(&in, out->guid.bytes, sizeof(out->guid.bytes));
	if (in.bad || cur_left(&in) != length)
		return STATUS_IO_REPARSE_DATA_INVALID;
	out->data = cur_take(&in, length);
	return STATUS_SUCCESS;
}

ntstatus reparse_check(const struct reparse *r)
{
	bool ok = true;

	if (r->tag == IO_REPARSE_TAG_SYMLINK)
		ok = names_ok(r->data, SYMLINK_FIXED);
	else if (r->tag == IO_REPARSE_TAG_MOUNT_POINT)
		ok = names_ok(r->data, MOUNT_POINT_FIXED);
	return ok ? STATUS_SUCCESS : STATUS_IO_REPARSE_DATA_INVALID;
}

void smb2_symlink_error_encode(struct buf *out, const struct reparse *link, uint16_t unparsed)
{
	size_t length = cur_left(&link->data);
	struct cursor data = link->data;

	buf_u32le(out, (uint32_t)length + 12); /* what follows */
	buf_u32le(out, SYMLINK_ERROR_TAG);
	buf_u32le(out, link->tag);
	buf_u16le(out, (uint16_t)length);
	buf_u16le(out, unparsed);
	buf_bytes(out, cur_bytes(&data, length), length);
}
