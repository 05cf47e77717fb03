// SPDX-License-Identifier: Apache-2.0
/* The path of a tree connect (MS-SMB2 2.2.9). */
#include "session.h"

bool unc_parse(const char *path, char **server, char **share)
{
	const char *name, *end;

	*server = *share = NULL;
	if (path[0] != '\\' || path[1] != '\\')
		return false;
	name = path + 2;
	end = strchr(name, '\\');
	if (!end || end == name || !end[1] || strchr(end + 1, '\\') || strchr(path, '/'))
		return false;
	*server = strndup(name, (size_t)(end - name));
	*share = strdup(end + 1);
	if (*server && *share)
		return true;
	free(*server);
	free(*share);
	*server = *share = NULL;
	return false;
}
