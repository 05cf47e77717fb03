// SPDX-License-Identifier: Apache-2.0
/* What CHANGE_NOTIFY answers with (MS-FSCC 2.7.1). */
#include "fscc_parts.h"

#define HEAD 12 /* NextEntryOffset, Action, FileNameLength */

ntstatus fscc_notify_entry(uint32_t action, const char *name, size_t begin, size_t room,
			   size_t *previous, struct buf *out)
{
	size_t name_length = utf16_length(name);
	uint8_t *p = fscc_begin_entry(out, begin, room, 4, *previous, HEAD + name_length);

	if (!p)
		return out->failed ? STATUS_NO_MEMORY : STATUS_BUFFER_OVERFLOW;
	put_u32(p, 0);
	put_u32(p + 4, action);
	put_u32(p + 8, (uint32_t)name_length);
	fscc_end_entry(out, begin, 4, previous, HEAD);
	fscc_path(out, name);
	return out->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}
