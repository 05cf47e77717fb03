// SPDX-License-Identifier: Apache-2.0
/* A message to a client: transform header or header, then the response decoder that the command
 * names. */
#include <wire/hash_range.h>
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union {
	struct smb2_negotiate_response negotiate;
	struct smb2_session_setup_response session_setup;
	struct smb2_tree_connect_response tree_connect;
	struct smb2_create_response create;
	struct smb2_close_response close;
	struct smb2_read_response read;
	struct smb2_write_response write;
	struct smb2_ioctl_response ioctl;
	struct smb2_oplock_break oplock_break;
	struct smb2_validate_negotiate validate;
	struct smb2_network_interface interface;
	struct hash_range_reply hash;
	struct smb2_error error;
	struct cursor output;
} r;

static void touch(struct cursor c)
{
	volatile uint8_t sum = 0;

	while (cur_left(&c))
		sum = (uint8_t)(sum + cur_u8(&c));
}

static void response(uint16_t command, struct cursor *c)
{
	switch (command) {
	case SMB2_NEGOTIATE:
		if (!smb2_negotiate_response_decode(c, &r.negotiate))
			touch(r.negotiate.security_buffer);
		break;
	case SMB2_SESSION_SETUP:
		if (!smb2_session_setup_response_decode(c, &r.session_setup))
			touch(r.session_setup.security_buffer);
		break;
	case SMB2_TREE_CONNECT:
		(void)!smb2_tree_connect_response_decode(c, &r.tree_connect);
		break;
	case SMB2_CREATE:
		(void)!smb2_create_response_decode(c, &r.create);
		break;
	case SMB2_CLOSE:
		(void)!smb2_close_response_decode(c, &r.close);
		break;
	case SMB2_READ:
		if (!smb2_read_response_decode(c, &r.read))
			touch(r.read.data);
		break;
	case SMB2_WRITE:
		(void)!smb2_write_response_decode(c, &r.write);
		break;
	case SMB2_IOCTL:
		if (!smb2_ioctl_response_decode(c, &r.ioctl)) {
			struct cursor output = r.ioctl.output;

			touch(r.ioctl.input);
			touch(output);
			(void)!smb2_validate_negotiate_response_decode(output, &r.validate);
			(void)!hash_range_reply_decode(output, &r.hash);
			while (smb2_network_interface_next(&output, &r.interface))
				;
		}
		break;
	case SMB2_QUERY_DIRECTORY:
	case SMB2_CHANGE_NOTIFY:
	case SMB2_QUERY_INFO:
		if (!smb2_output_response_decode(c, &r.output))
			touch(r.output);
		break;
	case SMB2_SET_INFO:
		(void)!smb2_set_info_response_decode(c);
		break;
	case SMB2_OPLOCK_BREAK:
		(void)!smb2_oplock_break_notification_decode(c, &r.oplock_break);
		break;
	default:
		(void)!smb2_empty_decode(c);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	struct smb2_transform t;
	struct smb2_header h;

	if (!smb2_transform_decode(&c, &t))
		c.base = c.at;
	else
		c = cur_of(data, size);
	if (smb2_header_decode(&c, &h))
		return 0;
	if (nt_failed(h.status) && !smb2_error_decode(&c, &r.error))
		touch(r.error.data);
	else
		response(h.command, &c);
	return 0;
}
