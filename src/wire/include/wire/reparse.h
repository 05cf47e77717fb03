// SPDX-License-Identifier: Apache-2.0
/* Reparse points (MS-FSCC 2.1.2). */
#ifndef WIRE_REPARSE_H
#define WIRE_REPARSE_H

#include <base/buf.h>
#include <base/cursor.h>
#include <base/guid.h>
#include <wire/ntstatus.h>

#define REPARSE_MAX_BYTES	   16384u /* with the header */
#define IO_REPARSE_TAG_MOUNT_POINT 0xA0000003u
#define IO_REPARSE_TAG_SYMLINK	   0xA000000Cu

struct reparse {
	uint32_t tag;
	bool has_guid; /* of a tag that is not Microsoft's */
	struct guid guid;
	struct cursor data; /* in the bytes that were decoded */
};
/*
 * reparse_decode - REPARSE_DATA_BUFFER or REPARSE_GUID_DATA_BUFFER, as the tag says.
 * STATUS_IO_REPARSE_DATA_INVALID, STATUS_IO_REPARSE_TAG_INVALID.
 */
ntstatus reparse_decode(struct cursor in, struct reparse *out) MUST_CHECK;
/* reparse_check - may it be set? What a symbolic link and a mount point say must be within them. */
ntstatus reparse_check(const struct reparse *r) MUST_CHECK;
/* smb2_symlink_error_encode - @link stopped a path of which @unparsed bytes are left. */
void smb2_symlink_error_encode(struct buf *out, const struct reparse *link, uint16_t unparsed);

#endif
