// SPDX-License-Identifier: Apache-2.0
/*
 * Share modes (MS-FSA 2.1.5.1.2): what each open lets the others do. Only opens that read, write or
 * delete take part. The callers hold file->lock.
 */
#include "opens.h"

#define READS	(FILE_READ_DATA | FILE_EXECUTE)
#define WRITES	(FILE_WRITE_DATA | FILE_APPEND_DATA)
#define DELETES DELETE_ACCESS

static const struct {
	uint32_t access, share;
} rules[] = {
	{ READS, FILE_SHARE_READ },
	{ WRITES, FILE_SHARE_WRITE },
	{ DELETES, FILE_SHARE_DELETE },
};

bool sharemode_is_stat(uint32_t access)
{
	return !(access & (READS | WRITES | DELETES));
}

static bool refuses(uint32_t share_access, uint32_t access)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if ((access & rules[i].access) && !(share_access & rules[i].share))
			return true;
	return false;
}

bool sharemode_conflicts(const struct file *file, uint32_t access, uint32_t share_access,
			 const struct open *but)
{
	if (sharemode_is_stat(access))
		return false;
	for (const struct open *open = file->opens; open; open = open->file_next) {
		if (open == but || sharemode_is_stat(open->sharing_access))
			continue;
		if (refuses(open->facts.share_access, access) ||
		    refuses(share_access, open->sharing_access))
			return true;
	}
	return false;
}
