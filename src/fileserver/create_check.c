// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of CREATE that need no file: its parameters (MS-SMB2 3.3.5.9, MS-FSA 2.1.5.1) and the
 * syntax of its name (MS-FSCC 2.1.5).
 */
#include <base/utf16.h>

#include "opens.h"

#define ACCESS_RESERVED	       0x0ce0fe00u /* MS-FSA 2.1.5.1: refused where any is set */
#define OPTIONS_INVALID	       0xff000000u
#define OPTION_TREE_CONNECTION 0x00000080u
#define OPTIONS_REFUSED	       (FILE_OPEN_BY_FILE_ID | FILE_RESERVE_OPFILTER | OPTION_TREE_CONNECTION)
#define ATTRIBUTES_VALID       0x00007fb7u
#define OVERWRITES(disposition)                                                                    \
	((disposition) == FILE_SUPERSEDE || (disposition) == FILE_OVERWRITE ||                     \
	 (disposition) == FILE_OVERWRITE_IF)

struct rule {
	bool broken;
	ntstatus status;
};

ntstatus create_check(const struct open_request *r)
{
	bool wants_directory = r->options & FILE_DIRECTORY_FILE;
	bool may_delete = r->desired_access & (DELETE_ACCESS | GENERIC_ALL | MAXIMUM_ALLOWED);
	const struct rule rules[] = {
		{ !r->desired_access || (r->desired_access & ACCESS_RESERVED),
		  STATUS_ACCESS_DENIED },
		{ r->disposition > FILE_OVERWRITE_IF, STATUS_INVALID_PARAMETER },
		{ r->share_access & ~7u, STATUS_INVALID_PARAMETER },
		{ r->options & OPTIONS_INVALID, STATUS_INVALID_PARAMETER },
		{ r->options & OPTIONS_REFUSED, STATUS_NOT_SUPPORTED },
		{ r->file_attributes & ~ATTRIBUTES_VALID, STATUS_INVALID_PARAMETER },
		{ wants_directory && (r->options & FILE_NON_DIRECTORY_FILE),
		  STATUS_INVALID_PARAMETER },
		{ wants_directory && OVERWRITES(r->disposition), STATUS_INVALID_PARAMETER },
		{ (r->options & FILE_DELETE_ON_CLOSE) && !may_delete, STATUS_ACCESS_DENIED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].broken)
			return rules[i].status;
	return STATUS_SUCCESS;
}

void create_name_free(struct create_name *name)
{
	free(name->path);
	free(name->stream);
}

/* "name:type" behind the first colon of the last component. */
static ntstatus parse_stream(char *text, struct create_name *out)
{
	char *type = strchr(text, ':');
	bool is_data;

	if (type)
		*type++ = 0;
	if (strlen(text) > VOLUME_STREAM_NAME_MAX || strpbrk(text, "\\/") || (!*text && !type))
		return STATUS_OBJECT_NAME_INVALID;
	is_data = !type || !name_compare(type, "$DATA");
	if (is_data) {
		out->must_be_file = true;
		if (*text)
			out->stream = xstrdup(text);
		return STATUS_SUCCESS;
	}
	if (name_compare(type, "$INDEX_ALLOCATION") != 0 ||
	    (*text && name_compare(text, "$I30") != 0))
		return STATUS_OBJECT_NAME_INVALID;
	out->must_be_directory = true;
	return STATUS_SUCCESS;
}

/*
 * "." and ".." are resolved by the letter: nothing is walked for them. False where a path climbs
 * out of the share, which is said to be no path.
 */
static bool resolve_dots(char *path)
{
	char *to = path;

	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		bool more = at[length];

		if (length == 2 && at[0] == '.' && at[1] == '.') {
			if (to == path)
				return false;
			for (to--; to > path && to[-1] != '/';)
				to--;
		} else if (length != 1 || at[0] != '.') {
			memmove(to, at, length + more);
			to += length + more;
		}
		at += length + more;
	}
	*to = 0;
	if (to > path && to[-1] == '/')
		to[-1] = 0;
	return true;
}

ntstatus create_name_parse(const char *text, struct create_name *out)
{
	char *last, *colon;
	size_t length = strlen(text);

	*out = (struct create_name){ 0 };
	if (length > OPEN_PATH_MAX)
		return STATUS_OBJECT_NAME_INVALID;
	if (*text == '/' || *text == '\\')
		return STATUS_INVALID_PARAMETER;
	out->path = xstrdup(text);
	if (length && out->path[length - 1] == '/') {
		out->path[length - 1] = 0;
		out->must_be_directory = true;
	}
	if (strstr(out->path, ".") && !resolve_dots(out->path))
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	last = strrchr(out->path, '/');
	last = last ? last + 1 : out->path;
	colon = strchr(out->path, ':');
	if (!colon)
		return STATUS_SUCCESS;
	if (colon < last || out->must_be_directory)
		return STATUS_OBJECT_NAME_INVALID;
	*colon = 0;
	return parse_stream(colon + 1, out);
}
