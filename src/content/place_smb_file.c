// SPDX-License-Identifier: Apache-2.0
/* Files of an SMB place that do not fit one request, and documents: read and written in parts. */
#include "place_smb.h"

#include <wire/dtyp.h>
#include <wire/fscc.h>

ntstatus place_smb_read(struct place_smb *smb, const char *name, uint64_t offset, void *data,
			size_t length, size_t most, size_t *got)
{
	auto_free char *path = place_smb_path(smb, name);
	uint8_t *to = data;
	struct smb2_file_id id;
	ntstatus status = sync_open(smb->sync, &smb->tree, path,
				    FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE, FILE_OPEN,
				    FILE_NON_DIRECTORY_FILE, &id);

	*got = 0;
	if (status)
		return status;
	while (!status && *got < length) {
		size_t part = length - *got < most ? length - *got : most, n = 0;

		status = sync_read(smb->sync, &smb->tree, id, offset + *got, to + *got, part, &n);
		*got += n;
		if (!n)
			break;
	}
	(void)!sync_close(smb->sync, &smb->tree, id);
	return status == STATUS_END_OF_FILE ? STATUS_SUCCESS : status;
}

static ntstatus write_parts(struct place_smb *smb, struct smb2_file_id id, const uint8_t *data,
			    size_t length)
{
	ntstatus status = STATUS_SUCCESS;

	for (size_t at = 0; at < length && !status;) {
		size_t part = length - at < smb->part ? length - at : smb->part;

		status = sync_write(smb->sync, &smb->tree, id, at, data + at, part);
		at += part;
	}
	return status;
}

static ntstatus rename_as(struct place_smb *smb, struct smb2_file_id id, const char *path,
			  bool posix)
{
	auto_buf struct buf input = { 0 };

	place_smb_rename_encode(&input, path, posix);
	return sync_set_info(smb->sync, &smb->tree, id, SMB2_0_INFO_FILE,
			     posix ? FileRenameInformationEx : FileRenameInformation, 0,
			     cur_of(input.data, input.len));
}

/* What servers and file systems say that do not have the class, or not these flags of it. */
static bool is_unknown(ntstatus status)
{
	return status == STATUS_INVALID_INFO_CLASS || status == STATUS_NOT_SUPPORTED ||
	       status == STATUS_NOT_IMPLEMENTED || status == STATUS_INVALID_PARAMETER ||
	       status == STATUS_INVALID_DEVICE_REQUEST;
}

ntstatus place_smb_rename(struct place_smb *smb, struct smb2_file_id id, const char *path)
{
	ntstatus status;

	if (smb->renames != RENAMES_PLAIN) {
		status = rename_as(smb, id, path, true);
		if (!status)
			smb->renames = RENAMES_POSIX;
		if (smb->renames == RENAMES_POSIX || !is_unknown(status))
			return status;
		smb->renames = RENAMES_PLAIN;
	}
	return rename_as(smb, id, path, false);
}

ntstatus place_smb_write(struct place_smb *smb, const char *name, const void *data, size_t length,
			 enum place_smb_write how, bool durable)
{
	bool staged = how == SMB_WRITE_STAGED;
	auto_free char *path = place_smb_path(smb, name), *first = NULL;
	char beside[PLACE_STAGING_NAME];
	struct smb2_file_id id;
	ntstatus status, closed;

	place_staging_name(beside);
	first = staged ? place_smb_path(smb, beside) : xstrdup(path);
	status = sync_open(smb->sync, &smb->tree, first,
			   FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE |
				   (staged ? DELETE_ACCESS : 0u),
			   how == SMB_WRITE_NEW ? FILE_CREATE : FILE_OVERWRITE_IF,
			   FILE_NON_DIRECTORY_FILE, &id);
	if (status)
		return status;
	status = write_parts(smb, id, data, length);
	if (!status && durable)
		status = sync_flush(smb->sync, &smb->tree, id);
	if (!status && staged)
		status = place_smb_rename(smb, id, path);
	if (status && staged)
		(void)!sync_delete(smb->sync, &smb->tree, id);
	closed = sync_close(smb->sync, &smb->tree, id);
	return status ? status : closed;
}
