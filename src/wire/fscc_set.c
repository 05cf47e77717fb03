// SPDX-License-Identifier: Apache-2.0
/* What SET_INFO sends about a file (MS-FSCC 2.4): a row for each class, its least length, the
 * access it needs. */
#include "fscc_parts.h"

/* A size may not be negative, a time only where it is one of the two that mean something. */
static bool is_size(uint64_t v)
{
	return v <= INT64_MAX;
}

static bool is_time(uint64_t v)
{
	return v <= INT64_MAX || v >= UINT64_MAX - 1;
}

static ntstatus basic(struct cursor *c, struct file_set *s)
{
	s->creation_time = cur_u64le(c);
	s->last_access_time = cur_u64le(c);
	s->last_write_time = cur_u64le(c);
	s->change_time = cur_u64le(c);
	s->attributes = cur_u32le(c);
	if (!is_time(s->creation_time) || !is_time(s->last_access_time) ||
	    !is_time(s->last_write_time) || !is_time(s->change_time))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static ntstatus target(struct cursor *c, struct file_set *s)
{
	uint32_t length;

	s->root_directory = cur_u64le(c);
	length = cur_u32le(c);
	s->name = cur_take(c, length);
	if (s->name.bad || !length || length % 2)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static ntstatus rename_or_link(struct cursor *c, struct file_set *s)
{
	s->replace = cur_u8(c);
	cur_skip(c, 7);
	return target(c, s);
}

static ntstatus rename_ex(struct cursor *c, struct file_set *s)
{
	s->flags = cur_u32le(c);
	s->replace = s->flags & FILE_RENAME_REPLACE_IF_EXISTS;
	cur_skip(c, 4);
	return target(c, s);
}

static ntstatus disposition(struct cursor *c, struct file_set *s)
{
	s->delete_file = cur_u8(c);
	return STATUS_SUCCESS;
}

static ntstatus disposition_ex(struct cursor *c, struct file_set *s)
{
	s->flags = cur_u32le(c);
	s->delete_file = s->flags & FILE_DISPOSITION_DELETE;
	return STATUS_SUCCESS;
}

static ntstatus size(struct cursor *c, struct file_set *s)
{
	s->size = cur_u64le(c);
	return is_size(s->size) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static ntstatus mode(struct cursor *c, struct file_set *s)
{
	s->mode = cur_u32le(c);
	return STATUS_SUCCESS;
}

static ntstatus full_ea(struct cursor *c, struct file_set *s)
{
	s->ea = cur_take(c, cur_left(c));
	return STATUS_SUCCESS;
}

static const struct set_kind {
	uint8_t info_class;
	uint8_t least;
	uint32_t access;
	ntstatus (*decode)(struct cursor *c, struct file_set *s);
} kinds[] = {
	{ FileBasicInformation, 36, FILE_WRITE_ATTRIBUTES, basic },
	{ FileRenameInformation, 20, DELETE_ACCESS, rename_or_link },
	{ FileLinkInformation, 20, 0, rename_or_link },
	{ FileDispositionInformation, 1, DELETE_ACCESS, disposition },
	{ FilePositionInformation, 8, 0, size },
	{ FileFullEaInformation, 8, FILE_WRITE_EA, full_ea },
	{ FileModeInformation, 4, 0, mode },
	{ FileAllocationInformation, 8, FILE_WRITE_DATA, size },
	{ FileEndOfFileInformation, 8, FILE_WRITE_DATA, size },
	{ FileValidDataLengthInformation, 8, FILE_WRITE_DATA, size },
	{ FileDispositionInformationEx, 4, DELETE_ACCESS, disposition_ex },
	{ FileRenameInformationEx, 20, DELETE_ACCESS, rename_ex },
};

static const struct set_kind *find_kind(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].info_class == info_class)
			return &kinds[i];
	return NULL;
}

uint32_t fscc_file_set_access(uint8_t info_class)
{
	const struct set_kind *k = find_kind(info_class);

	return k ? k->access : 0;
}

ntstatus fscc_set_decode(uint8_t info_class, struct cursor c, struct file_set *s)
{
	const struct set_kind *k = find_kind(info_class);

	*s = (struct file_set){ 0 };
	if (!k)
		return STATUS_INVALID_INFO_CLASS;
	if (cur_left(&c) < k->least)
		return STATUS_INFO_LENGTH_MISMATCH;
	return k->decode(&c, s);
}
