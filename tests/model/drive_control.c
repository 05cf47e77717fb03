// SPDX-License-Identifier: Apache-2.0
/* The steps that are control codes. */
#include "drive_impl.h"

static ntstatus decode_control(struct client_request *request, void *out)
{
	struct smb2_ioctl_response response;
	ntstatus status = smb2_ioctl_response_decode(&request->body, &response);

	if (!status)
		buf_bytes(out, response.output.at, cur_left(&response.output));
	return status;
}

static ntstatus control(struct drive *drive, const struct op *op, unsigned slot, uint32_t code,
			const struct buf *input, struct buf *output)
{
	struct smb2_ioctl_request body = {
		.code = code,
		.file_id = drive->ids[slot],
		.max_output_response = 32,
		.flags = SMB2_IOCTL_IS_FSCTL,
		.input = cur_of(input->data, input->len),
	};
	struct call call = { .decode = decode_control, .out = output };
	struct client_message message;

	drive_begin(drive, op->client, &call, &message, SMB2_IOCTL);
	smb2_ioctl_request_encode(&message.buf, &body);
	return drive_finish(drive, op->client, &call, &message);
}

ntstatus drive_zero(struct drive *drive, const struct op *op)
{
	struct buf auto_buf input = { 0 }, output = { 0 };

	buf_u64le(&input, op->offset);
	buf_u64le(&input, op->offset + op->length);
	return control(drive, op, op->slot, FSCTL_SET_ZERO_DATA, &input, &output);
}

ntstatus drive_copy(struct drive *drive, const struct op *op, struct outcome *out)
{
	struct smb2_copychunk_request request = {
		.count = 1,
		.chunks = { { op->offset, op->target_offset, op->length } },
	};
	struct buf auto_buf input = { 0 }, key = { 0 }, output = { 0 };
	struct cursor c;
	ntstatus status = control(drive, op, op->from, FSCTL_SRV_REQUEST_RESUME_KEY, &input, &key);

	if (status || key.len < sizeof(request.source_key))
		return status ? status : STATUS_INVALID_NETWORK_RESPONSE;
	memcpy(request.source_key, key.data, sizeof(request.source_key));
	smb2_copychunk_request_encode(&input, &request);
	status = control(drive, op, op->slot,
			 op->flag ? FSCTL_SRV_COPYCHUNK_WRITE : FSCTL_SRV_COPYCHUNK, &input,
			 &output);
	if (status)
		return status;
	c = cur_of(output.data, output.len);
	cur_skip(&c, 4 + 4); /* chunks, and bytes of one that is not whole */
	out->size = cur_u32le(&c);
	return STATUS_SUCCESS;
}
