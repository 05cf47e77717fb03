// SPDX-License-Identifier: Apache-2.0
/*
 * What of a descriptor clients read and write by their handles (MS-FSA 2.1.5.14, 2.1.5.17). Which
 * descriptor that is: security.c.
 */
#include "opens.h"

/* The parts of a descriptor, and the access that a handle needs to read and to write each. */
static const struct part {
	uint32_t which, to_read, to_write;
} parts[] = {
	{ OWNER_SECURITY_INFORMATION, READ_CONTROL, WRITE_OWNER },
	{ GROUP_SECURITY_INFORMATION, READ_CONTROL, WRITE_OWNER },
	{ DACL_SECURITY_INFORMATION, READ_CONTROL, WRITE_DAC },
	{ SACL_SECURITY_INFORMATION, ACCESS_SYSTEM_SECURITY, ACCESS_SYSTEM_SECURITY },
};

static bool may(const struct open *open, uint32_t which, bool write)
{
	uint32_t needed = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (which & parts[i].which)
			needed |= write ? parts[i].to_write : parts[i].to_read;
	return (open->facts.granted_access & needed) == needed;
}

static ntstatus descriptor_of_open(struct open *open, struct descriptor **out)
{
	struct file *file = open_base(open);
	ntstatus status;

	pthread_mutex_lock(&file->lock);
	/* No place: an administrator, or the end of its session, has closed it meanwhile. */
	status = open->place ? file_descriptor(file, open->place, out) : STATUS_FILE_CLOSED;
	pthread_mutex_unlock(&file->lock);
	return status;
}

ntstatus open_query_security(struct open *open, uint32_t which, struct buf *out)
{
	struct descriptor auto_descriptor *descriptor = NULL;
	ntstatus status;

	if (!may(open, which, false))
		return STATUS_ACCESS_DENIED;
	status = descriptor_of_open(open, &descriptor);
	if (status != STATUS_SUCCESS)
		return status;
	sd_encode(out, descriptor->sd, which & SD_ALL_PARTS);
	return out->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

/* May the client set the parts @which names to those of @new? */
static ntstatus check_change(const struct open *open, const struct security_descriptor *old,
			     const struct security_descriptor *new, uint32_t which)
{
	if ((which & GROUP_SECURITY_INFORMATION) && !new->has_group)
		return STATUS_INVALID_SECURITY_DESCR;
	if (!(which & OWNER_SECURITY_INFORMATION))
		return STATUS_SUCCESS;
	if (!new->has_owner)
		return STATUS_INVALID_SECURITY_DESCR;
	return sid_equal(&new->owner, &old->owner)
		       ? STATUS_SUCCESS
		       : access_check_set_owner(open_acts_as(open), &new->owner);
}

/* What says that the lists of @which count as inherited. Windows takes it only together with the
 * bit that asks for it (MS-DTYP 2.4.6), which sd_apply does. */
static uint16_t inherited_bits(uint32_t which)
{
	return (which & DACL_SECURITY_INFORMATION ? SD_DACL_AUTO_INHERITED : 0) |
	       (which & SACL_SECURITY_INFORMATION ? SD_SACL_AUTO_INHERITED : 0);
}

ntstatus open_set_security(struct open *open, uint32_t which, struct cursor sd)
{
	struct file *file = open_base(open);
	struct security_descriptor auto_free *given = NULL;
	struct descriptor auto_descriptor *old = NULL;
	struct security_descriptor auto_free *merged = NULL;
	struct buf auto_buf blob = { .limit = SD_MAX_BYTES };
	ntstatus status;

	which &= SD_ALL_PARTS;
	if (!which) /* nothing is named: nothing is written, by no right at all */
		return STATUS_SUCCESS;
	if (!may(open, which, true))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	status = sd_decode(sd, &given);
	if (status == STATUS_SUCCESS)
		status = descriptor_of_open(open, &old);
	if (status == STATUS_SUCCESS)
		status = check_change(open, old->sd, given, which);
	if (status == STATUS_SUCCESS)
		status = sd_apply(old->sd, given, which, &merged);
	if (status != STATUS_SUCCESS)
		return status;
	if (open->share->flags & STORE_SHARE_INHERITED_AS_SET)
		merged->control |= given->control & inherited_bits(which);
	sd_encode(&blob, merged, SD_ALL_PARTS);
	if (blob.failed)
		return STATUS_INVALID_SECURITY_DESCR;
	pthread_mutex_lock(&file->lock);
	status = volume_set_sd(file->node, blob.data, blob.len);
	descriptor_put(file->descriptor);
	file->descriptor = NULL;
	pthread_mutex_unlock(&file->lock);
	if (status != STATUS_SUCCESS)
		return status;
	if (file->node->is_directory)
		descriptors_changed();
	open_changed(open, FILE_NOTIFY_CHANGE_SECURITY);
	return STATUS_SUCCESS;
}
