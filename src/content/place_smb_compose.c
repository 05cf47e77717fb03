// SPDX-License-Identifier: Apache-2.0
/*
 * A file put together on an SMB server: parts of files that it has are copied there by itself
 * (FSCTL_SRV_COPYCHUNK, MS-SMB2 3.3.5.15.6), and only the others are written.
 */
#include "place_smb.h"

#include <wire/dtyp.h>

#define RESUME_KEY_BYTES 24
#define RESUME_KEY_ROOM	 64
#define COPIED_ROOM	 64
#define READ_ACCESS	 (FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE)
#define BOTH_ACCESS	 (READ_ACCESS | FILE_WRITE_DATA)

/* MS-SMB2 2.2.32.3: the key is what comes first. */
static ntstatus resume_key(struct place_smb *smb, struct smb2_file_id source, uint8_t *key)
{
	auto_buf struct buf out = { 0 };
	struct cursor c;
	ntstatus status = sync_ioctl(smb->sync, &smb->tree, source, FSCTL_SRV_REQUEST_RESUME_KEY,
				     cur_of(NULL, 0), RESUME_KEY_ROOM, &out);

	if (status)
		return status;
	c = cur_of(out.data, out.len);
	cur_copy(&c, key, RESUME_KEY_BYTES);
	return c.bad ? STATUS_INVALID_NETWORK_RESPONSE : STATUS_SUCCESS;
}

static ntstatus copy_chunk(struct place_smb *smb, struct smb2_file_id source,
			   struct smb2_file_id to, const struct place_part *part, uint64_t at)
{
	struct smb2_copychunk_request request = {
		.count = 1,
		.chunks = { { part->offset, at, part->length } },
	};
	auto_buf struct buf input = { 0 }, out = { 0 };
	ntstatus status = resume_key(smb, source, request.source_key);
	struct cursor c;

	if (status)
		return status;
	smb2_copychunk_request_encode(&input, &request);
	status = sync_ioctl(smb->sync, &smb->tree, to, FSCTL_SRV_COPYCHUNK,
			    cur_of(input.data, input.len), COPIED_ROOM, &out);
	if (status)
		return status;
	c = cur_of(out.data, out.len); /* chunks, bytes of one that failed, bytes in all */
	cur_skip(&c, 8);
	return cur_u32le(&c) == part->length && !c.bad ? STATUS_SUCCESS
						       : STATUS_INVALID_NETWORK_RESPONSE;
}

static ntstatus copy_part(struct place_smb *smb, struct smb2_file_id to,
			  const struct place_part *part, uint64_t at)
{
	auto_free char *path = place_smb_path(smb, part->from);
	struct smb2_file_id source;
	ntstatus status = sync_open(smb->sync, &smb->tree, path, READ_ACCESS, FILE_OPEN,
				    FILE_NON_DIRECTORY_FILE, &source);

	if (status)
		return status;
	status = copy_chunk(smb, source, to, part, at);
	(void)!sync_close(smb->sync, &smb->tree, source);
	return status;
}

static ntstatus write_part(struct place_smb *smb, struct smb2_file_id to,
			   const struct place_part *part, uint64_t at)
{
	ntstatus status = STATUS_SUCCESS;

	for (uint32_t done = 0; done < part->length && !status;) {
		uint32_t most = part->length - done < smb->part ? part->length - done : smb->part;

		status = sync_write(smb->sync, &smb->tree, to, at + done, part->data + done, most);
		done += most;
	}
	return status;
}

ntstatus place_smb_compose(struct place *place, const char *name, const struct place_part *parts,
			   size_t count)
{
	struct place_smb *smb = container_of(place, struct place_smb, place);
	auto_free char *path = place_smb_path(smb, name);
	struct smb2_file_id to;
	ntstatus status, closed;
	uint64_t at = 0;

	if (!smb->sync)
		return STATUS_CONNECTION_DISCONNECTED;
	status = sync_open(smb->sync, &smb->tree, path, BOTH_ACCESS, FILE_OVERWRITE_IF,
			   FILE_NON_DIRECTORY_FILE, &to);
	if (status)
		return status;
	for (size_t i = 0; i < count && !status; i++) {
		status = parts[i].from ? copy_part(smb, to, &parts[i], at)
				       : write_part(smb, to, &parts[i], at);
		at += parts[i].length;
	}
	closed = sync_close(smb->sync, &smb->tree, to);
	return status ? status : closed;
}
