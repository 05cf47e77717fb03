// SPDX-License-Identifier: Apache-2.0
/*
 * SET_INFO (MS-SMB2 3.3.5.21). What may have to break a lease first waits, and is done again from
 * the start when it is woken: the calls change nothing before they have all they need.
 */
#include <wire/fscc.h>

#include "request.h"

static ntstatus set_basic(struct smb_request *rq, const struct file_set *set)
{
	return open_set_basic(rq->open, set);
}

static ntstatus set_end_of_file(struct smb_request *rq, const struct file_set *set)
{
	return open_set_end_of_file(rq->open, set->size, request_waiter(rq));
}

static ntstatus set_allocation(struct smb_request *rq, const struct file_set *set)
{
	return open_set_allocation(rq->open, set->size, request_waiter(rq));
}

static ntstatus set_disposition(struct smb_request *rq, const struct file_set *set)
{
	return open_set_disposition(rq->open, set->delete_file, 0, request_waiter(rq));
}

static ntstatus set_disposition_ex(struct smb_request *rq, const struct file_set *set)
{
	return open_set_disposition(rq->open, set->flags & FILE_DISPOSITION_DELETE, set->flags,
				    request_waiter(rq));
}

static ntstatus target_path(struct smb_request *rq, const struct file_set *set)
{
	if (set->root_directory)
		return STATUS_INVALID_PARAMETER;
	free(rq->path);
	rq->path = NULL;
	return request_path(set->name, &rq->path);
}

static ntstatus set_rename(struct smb_request *rq, const struct file_set *set)
{
	ntstatus status = target_path(rq, set);

	if (status)
		return status;
	return open_rename(rq->open, rq->path, set->replace, 0, request_waiter(rq));
}

static ntstatus set_rename_ex(struct smb_request *rq, const struct file_set *set)
{
	ntstatus status = target_path(rq, set);

	if (status)
		return status;
	return open_rename(rq->open, rq->path, set->flags & FILE_RENAME_REPLACE_IF_EXISTS,
			   set->flags, request_waiter(rq));
}

static ntstatus set_link(struct smb_request *rq, const struct file_set *set)
{
	ntstatus status = target_path(rq, set);

	if (status)
		return status;
	return open_link(rq->open, rq->path, set->replace, request_waiter(rq));
}

static ntstatus set_position(struct smb_request *rq, const struct file_set *set)
{
	open_set_position(rq->open, set->size);
	return STATUS_SUCCESS;
}

static ntstatus set_mode(struct smb_request *rq, const struct file_set *set)
{
	return open_set_mode(rq->open, set->mode);
}

static ntstatus set_valid_data_length(struct smb_request *rq, const struct file_set *set)
{
	return STATUS_PRIVILEGE_NOT_HELD; /* nobody may show what the disk held before */
}

static ntstatus set_ea(struct smb_request *rq, const struct file_set *set)
{
	return open_set_eas(rq->open, set->ea);
}

static const struct {
	uint8_t info_class;
	ntstatus (*set)(struct smb_request *rq, const struct file_set *set);
} classes[] = {
	{ FileBasicInformation, set_basic },
	{ FileRenameInformation, set_rename },
	{ FileRenameInformationEx, set_rename_ex },
	{ FileLinkInformation, set_link },
	{ FileDispositionInformation, set_disposition },
	{ FileDispositionInformationEx, set_disposition_ex },
	{ FileAllocationInformation, set_allocation },
	{ FileEndOfFileInformation, set_end_of_file },
	{ FilePositionInformation, set_position },
	{ FileModeInformation, set_mode },
	{ FileValidDataLengthInformation, set_valid_data_length },
	{ FileFullEaInformation, set_ea },
};

static ntstatus set_file(struct smb_request *rq, const struct smb2_set_info_request *r)
{
	uint32_t needs = fscc_file_set_access(r->info_class);
	struct file_set set = { 0 };
	ntstatus status;

	status = fscc_set_decode(r->info_class, r->input, &set);
	if (status)
		return status;
	if ((open_facts(rq->open)->granted_access & needs) != needs)
		return STATUS_ACCESS_DENIED;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].info_class == r->info_class)
			return classes[i].set(rq, &set);
	return STATUS_NOT_SUPPORTED;
}

static ntstatus set_security(struct smb_request *rq, const struct smb2_set_info_request *r)
{
	uint32_t which = r->additional_information;
	uint32_t needs = 0;

	if (which & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION))
		needs |= WRITE_OWNER;
	if (which & DACL_SECURITY_INFORMATION)
		needs |= WRITE_DAC;
	if (which & SACL_SECURITY_INFORMATION)
		needs |= ACCESS_SYSTEM_SECURITY;
	if ((open_facts(rq->open)->granted_access & needs) != needs)
		return STATUS_ACCESS_DENIED;
	return open_set_security(rq->open, which, r->input);
}

static ntstatus set(struct smb_request *rq, const struct smb2_set_info_request *r)
{
	switch (r->info_type) {
	case SMB2_0_INFO_FILE:
		return set_file(rq, r);
	case SMB2_0_INFO_SECURITY:
		return set_security(rq, r);
	case SMB2_0_INFO_FILESYSTEM:
	case SMB2_0_INFO_QUOTA:
		return STATUS_NOT_SUPPORTED;
	default:
		return STATUS_INVALID_PARAMETER;
	}
}

ntstatus cmd_set_info(struct smb_request *rq)
{
	struct smb2_set_info_request r;
	struct cursor message = rq->message;
	ntstatus status;

	status = smb2_set_info_request_decode(&message, &r);
	if (!status)
		status = request_charge(rq, cur_left(&r.input));
	if (!status)
		status = request_open(rq, &r.file_id);
	if (!status)
		status = request_sequence(rq);
	if (status)
		return status;
	if (rq->pipe) /* FilePipeInformation: message mode is what a pipe has here anyway */
		return STATUS_NOT_SUPPORTED;
	status = set(rq, &r);
	if (status == STATUS_PENDING)
		return request_wait(rq);
	if (!status)
		smb2_set_info_response_encode(&rq->reply);
	return status;
}
