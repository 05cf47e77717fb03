// SPDX-License-Identifier: Apache-2.0
/* Whether a file is compressed on disk (MS-FSA 2.1.5.10.9, 2.1.5.10.30): of a stream, its own. */
#include "opens.h"

ntstatus open_is_compressed(struct open *open, bool *out)
{
	return volume_is_compressed(open->file->node, out);
}

ntstatus open_set_compressed(struct open *open, bool compressed)
{
	ntstatus status = open_is_previous(open)
				  ? STATUS_MEDIA_WRITE_PROTECTED
				  : volume_set_compressed(open->file->node, compressed);

	if (status == STATUS_SUCCESS)
		open_changed(open, FILE_NOTIFY_CHANGE_ATTRIBUTES);
	return status;
}
