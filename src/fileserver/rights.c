// SPDX-License-Identifier: Apache-2.0
/*
 * What an open may do: the file's descriptor, what its directory lends it, what the share and the
 * volume leave, and what a read-only file withholds (MS-FSA 2.1.5.1.2.1, MS-SMB2 3.3.5.9).
 */
#include "opens.h"

#define DATA_WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define ALL_CHANGES                                                                                \
	(DATA_WRITES | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | FILE_DELETE_CHILD | DELETE_ACCESS | \
	 WRITE_DAC | WRITE_OWNER)

bool share_is_read_only(const struct share *share)
{
	return (share->flags & STORE_SHARE_READ_ONLY) || volume_is_read_only(share->root->volume);
}

/* What the share lets any of its users have, at most. */
static uint32_t share_cap(const struct open_request *request)
{
	uint32_t cap = request->share_maximal_access | ACCESS_SYSTEM_SECURITY;

	return share_is_read_only(request->share) ? cap & ~ALL_CHANGES : cap;
}

/*
 * The directory lends DELETE through FILE_DELETE_CHILD and FILE_READ_ATTRIBUTES through
 * FILE_LIST_DIRECTORY; asked only where the file's own descriptor does not grant them.
 */
static uint32_t lent_by_parent(const struct rights_request *r, uint32_t missing)
{
	struct descriptor auto_descriptor *parent = NULL;
	uint32_t lent = 0, granted;

	if (!r->parent || !(missing & (DELETE_ACCESS | FILE_READ_ATTRIBUTES)))
		return 0;
	if (descriptor_of_directory(r->parent, r->parent_path, &parent) != STATUS_SUCCESS)
		return 0;
	if ((missing & DELETE_ACCESS) && access_check_child_delete(parent->sd, r->open->token))
		lent |= DELETE_ACCESS;
	if ((missing & FILE_READ_ATTRIBUTES) &&
	    access_check(parent->sd, r->open->token, FILE_READ_DATA, &granted) == STATUS_SUCCESS)
		lent |= FILE_READ_ATTRIBUTES;
	return lent;
}

static uint32_t withheld(const struct rights_request *r)
{
	bool is_read_only = r->attributes && !r->attributes->is_directory &&
			    (r->attributes->attributes & FILE_ATTRIBUTE_READONLY);

	return is_read_only ? DATA_WRITES : 0;
}

static uint32_t maximal(const struct rights_request *r, bool with_backup)
{
	uint32_t all = access_maximal(r->descriptor->sd, r->open->token) & ~ACCESS_SYSTEM_SECURITY;

	if (with_backup) {
		uint32_t granted = 0;

		if (access_check_backup(r->descriptor->sd, r->open->token, MAXIMUM_ALLOWED,
					&granted) == STATUS_SUCCESS)
			all |= granted & ~ACCESS_SYSTEM_SECURITY;
	}
	all |= lent_by_parent(r, (DELETE_ACCESS | FILE_READ_ATTRIBUTES) & ~all);
	return all & share_cap(r->open) & ~withheld(r);
}

uint32_t rights_maximal(const struct rights_request *r)
{
	return maximal(r, false);
}

bool rights_within_share(const struct open_request *request)
{
	return !(access_map_generic(request->desired_access) & ~MAXIMUM_ALLOWED &
		 ~share_cap(request));
}

static ntstatus check(const struct rights_request *r, uint32_t wanted)
{
	bool backup = r->open->options & FILE_OPEN_FOR_BACKUP_INTENT;
	uint32_t own = wanted & ~(DELETE_ACCESS | FILE_READ_ATTRIBUTES);
	uint32_t granted;
	ntstatus status;

	status = (backup ? access_check_backup : access_check)(r->descriptor->sd, r->open->token,
							       wanted, &granted);
	if (status == STATUS_SUCCESS || status == STATUS_PRIVILEGE_NOT_HELD || own == wanted)
		return status;
	/* Once more without what the directory may lend. */
	if (own) {
		ntstatus rest = (backup ? access_check_backup : access_check)(
			r->descriptor->sd, r->open->token, own, &granted);

		if (rest != STATUS_SUCCESS)
			return rest;
	}
	for (uint32_t bit = FILE_READ_ATTRIBUTES; bit;
	     bit = bit == DELETE_ACCESS ? 0 : DELETE_ACCESS) {
		if (!(wanted & bit))
			continue;
		if (access_check(r->descriptor->sd, r->open->token, bit, &granted) !=
			    STATUS_SUCCESS &&
		    !lent_by_parent(r, bit))
			return STATUS_ACCESS_DENIED;
	}
	return STATUS_SUCCESS;
}

ntstatus rights_of_open(const struct rights_request *r, uint32_t *granted)
{
	uint32_t desired = access_map_generic(r->open->desired_access);
	uint32_t wanted = desired & ~MAXIMUM_ALLOWED;
	uint32_t needed = wanted | r->also;
	ntstatus status = STATUS_SUCCESS;

	*granted = 0;
	if ((needed & withheld(r)) || (needed & ~share_cap(r->open)))
		return STATUS_ACCESS_DENIED;
	if (needed)
		status = check(r, needed);
	if (status != STATUS_SUCCESS)
		return status;
	*granted = wanted;
	if (desired & MAXIMUM_ALLOWED)
		*granted |= maximal(r, r->open->options & FILE_OPEN_FOR_BACKUP_INTENT);
	return *granted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

ntstatus rights_of_create(const struct open_request *request, struct descriptor *parent,
			  bool is_directory, uint32_t *granted)
{
	uint32_t to_add = is_directory ? FILE_APPEND_DATA : FILE_WRITE_DATA;
	uint32_t desired = access_map_generic(request->desired_access);
	uint32_t cap = share_cap(request);
	uint32_t ignored;
	ntstatus status;

	if (share_is_read_only(request->share))
		return STATUS_ACCESS_DENIED;
	status = (request->options & FILE_OPEN_FOR_BACKUP_INTENT
			  ? access_check_backup
			  : access_check)(parent->sd, request->token, to_add, &ignored);
	if (status != STATUS_SUCCESS)
		return status;
	if (!(cap & to_add))
		return STATUS_ACCESS_DENIED;
	if ((desired & ACCESS_SYSTEM_SECURITY) &&
	    !(request->token->privileges & PRIVILEGE_SECURITY))
		return STATUS_PRIVILEGE_NOT_HELD;
	/* The creator has what it asks for, within what the share allows. */
	*granted = desired & ~MAXIMUM_ALLOWED;
	if (*granted & ~cap)
		return STATUS_ACCESS_DENIED;
	if (desired & MAXIMUM_ALLOWED)
		*granted |= FILE_ALL_ACCESS & cap;
	return STATUS_SUCCESS;
}
