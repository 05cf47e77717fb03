// SPDX-License-Identifier: Apache-2.0
/* A message to a server: header, then the decoder that its command names; payloads of FSCTLs as
 * well. */
#include <wire/hash_range.h>
#include <wire/offload.h>
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union {
	struct smb2_negotiate_request negotiate;
	struct smb2_session_setup_request session_setup;
	struct smb2_tree_connect_request tree_connect;
	struct smb2_create_request create;
	struct smb2_close_request close;
	struct smb2_flush_request flush;
	struct smb2_read_request read;
	struct smb2_write_request write;
	struct smb2_lock_request lock;
	struct smb2_ioctl_request ioctl;
	struct smb2_query_directory_request query_directory;
	struct smb2_change_notify_request change_notify;
	struct smb2_query_info_request query_info;
	struct smb2_set_info_request set_info;
	struct smb2_oplock_break oplock_break;
	struct smb2_validate_negotiate validate;
	struct smb2_copychunk_request copychunk;
	struct offload_read offload_read;
	struct offload_write offload_write;
	struct hash_range hash_range;
} r;

/* touch - read all that a decoder handed out, so that a sanitizer sees what lies outside. */
static void touch(struct cursor c)
{
	volatile uint8_t sum = 0;

	while (cur_left(&c))
		sum = (uint8_t)(sum + cur_u8(&c));
}

static void payload(uint32_t code, struct cursor input)
{
	if (code == FSCTL_VALIDATE_NEGOTIATE_INFO)
		(void)!smb2_validate_negotiate_request_decode(input, &r.validate);
	else if (code == FSCTL_OFFLOAD_READ)
		(void)!offload_read_decode(input, &r.offload_read);
	else if (code == FSCTL_OFFLOAD_WRITE)
		(void)!offload_write_decode(input, &r.offload_write);
	else if (code == FSCTL_BERTH_HASH_RANGE)
		(void)!hash_range_decode(input, &r.hash_range);
	else
		(void)!smb2_copychunk_request_decode(input, &r.copychunk);
}

static void request(uint16_t command, struct cursor *c)
{
	switch (command) {
	case SMB2_NEGOTIATE:
		if (!smb2_negotiate_request_decode(c, &r.negotiate))
			touch(r.negotiate.contexts.netname);
		break;
	case SMB2_SESSION_SETUP:
		if (!smb2_session_setup_request_decode(c, &r.session_setup))
			touch(r.session_setup.security_buffer);
		break;
	case SMB2_TREE_CONNECT:
		if (!smb2_tree_connect_request_decode(c, &r.tree_connect))
			touch(r.tree_connect.path);
		break;
	case SMB2_CREATE:
		if (!smb2_create_request_decode(c, &r.create)) {
			touch(r.create.name);
			touch(r.create.contexts.ea);
			touch(r.create.contexts.sd);
		}
		break;
	case SMB2_CLOSE:
		(void)!smb2_close_request_decode(c, &r.close);
		break;
	case SMB2_FLUSH:
		(void)!smb2_flush_request_decode(c, &r.flush);
		break;
	case SMB2_READ:
		(void)!smb2_read_request_decode(c, &r.read);
		break;
	case SMB2_WRITE:
		if (!smb2_write_request_decode(c, &r.write))
			touch(r.write.data);
		break;
	case SMB2_LOCK:
		(void)!smb2_lock_request_decode(c, &r.lock);
		break;
	case SMB2_IOCTL:
		if (!smb2_ioctl_request_decode(c, &r.ioctl))
			payload(r.ioctl.code, r.ioctl.input);
		break;
	case SMB2_QUERY_DIRECTORY:
		if (!smb2_query_directory_request_decode(c, &r.query_directory))
			touch(r.query_directory.pattern);
		break;
	case SMB2_CHANGE_NOTIFY:
		(void)!smb2_change_notify_request_decode(c, &r.change_notify);
		break;
	case SMB2_QUERY_INFO:
		if (!smb2_query_info_request_decode(c, &r.query_info))
			touch(r.query_info.input);
		break;
	case SMB2_SET_INFO:
		if (!smb2_set_info_request_decode(c, &r.set_info))
			touch(r.set_info.input);
		break;
	case SMB2_OPLOCK_BREAK:
		(void)!smb2_oplock_break_ack_decode(c, &r.oplock_break);
		break;
	default:
		(void)!smb2_empty_decode(c);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	struct smb2_header h;

	if (!smb2_header_decode(&c, &h))
		request(h.command, &c);
	return 0;
}
