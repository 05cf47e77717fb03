// SPDX-License-Identifier: Apache-2.0
/*
 * Who may do what at an SMB place: descriptors for the two names that not everyone who reads there
 * may touch. A descriptor that somebody has protected from inheritance is left as it is: it was set
 * here, or by an administrator who knows better.
 */
#include "place_smb.h"

#include <wire/dtyp.h>
#include <wire/fscc.h>

#define QUERY_ROOM  65536u

/* Into the drop, through it to a file, and nothing else: neither a list nor what is there. */
#define DROP_RIGHTS (FILE_WRITE_DATA | FILE_EXECUTE | FILE_READ_ATTRIBUTES | SYNCHRONIZE)

#define INHERITED   (ACE_OBJECT_INHERIT | ACE_CONTAINER_INHERIT)

static ntstatus query(struct place_smb *smb, struct smb2_file_id id,
		      struct security_descriptor **out)
{
	auto_buf struct buf bytes = { 0 };
	ntstatus status = sync_query_info(smb->sync, &smb->tree, id, SMB2_0_INFO_SECURITY, 0,
					  OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
					  QUERY_ROOM, &bytes);

	if (!status && sd_decode(cur_of(bytes.data, bytes.len), out))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	return status;
}

static ntstatus set(struct place_smb *smb, struct smb2_file_id id, const struct acl *dacl)
{
	auto_free struct security_descriptor *sd = NULL;
	auto_buf struct buf bytes = { 0 };
	ntstatus status = sd_build(SD_SELF_RELATIVE | SD_DACL_PRESENT | SD_DACL_PROTECTED, NULL,
				   NULL, dacl, NULL, &sd);

	if (status)
		return status;
	sd_encode(&bytes, sd, DACL_SECURITY_INFORMATION);
	return sync_set_info(smb->sync, &smb->tree, id, SMB2_0_INFO_SECURITY, 0,
			     DACL_SECURITY_INFORMATION, cur_of(bytes.data, bytes.len));
}

/* The owner is whoever made it: the account that publishes here. */
static ntstatus restrict_to(struct place_smb *smb, struct smb2_file_id id, enum place_access access)
{
	uint8_t flags = access == PLACE_DROP ? INHERITED : 0;
	struct ace aces[] = {
		{ .flags = flags, .mask = FILE_ALL_ACCESS },
		{ .flags = flags, .mask = FILE_ALL_ACCESS, .sid = SID_ADMINISTRATORS },
		{ .flags = flags, .mask = FILE_ALL_ACCESS, .sid = SID_SYSTEM },
		/* Whoever drops a file owns it, and is not to lock the others out of it. */
		{ .flags = INHERITED | ACE_INHERIT_ONLY,
		  .mask = FILE_READ_ATTRIBUTES,
		  .sid = SID_OWNER_RIGHTS },
		{ .mask = DROP_RIGHTS, .sid = SID_EVERYONE },
	};
	const struct acl dacl = { .revision = 2,
				  .count = access == PLACE_DROP ? ARRAY_LEN(aces) : 3,
				  .aces = aces };
	auto_free struct security_descriptor *sd = NULL;
	ntstatus status = query(smb, id, &sd);

	if (status)
		return status;
	if (sd->control & SD_DACL_PROTECTED)
		return STATUS_SUCCESS;
	if (!sd->has_owner)
		return STATUS_INVALID_OWNER;
	aces[0].sid = sd->owner;
	return set(smb, id, &dacl);
}

ntstatus place_smb_set_access(struct place_smb *smb, const char *name, enum place_access access)
{
	auto_free char *path = place_smb_path(smb, name);
	struct smb2_file_id id;
	ntstatus closed, status = STATUS_CONNECTION_DISCONNECTED;

	if (smb->sync)
		status = sync_open(smb->sync, &smb->tree, path, READ_CONTROL | WRITE_DAC, FILE_OPEN,
				   0, &id);
	if (status)
		return status;
	status = restrict_to(smb, id, access);
	closed = sync_close(smb->sync, &smb->tree, id);
	return status ? status : closed;
}
