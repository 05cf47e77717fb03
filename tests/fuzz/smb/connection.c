// SPDX-License-Identifier: Apache-2.0
/*
 * A whole connection to a server of its own, fed with the frames of the input.
 *
 * Byte 0 of the input: bit 0 asks for a session first, with the rights of an administrator and a
 * tree connect to the share "data" (or, with bit 1, IPC$); bits 2 and 3 choose its dialect. What
 * follows is frames: two bytes of length, little-endian, then that many bytes. With a session, each
 * message of a frame gets the next message id, the session and the tree, and 16 bytes of 0xEE
 * anywhere in it are replaced with the file id that the last CREATE was answered with, so that
 * mutations stay deep.
 */
#include "../../unit/smb/peer.h"

#include <sys/resource.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FRAMES 32

/* Give every message of a frame what the server will look for first. */
static void fill_in(struct peer *p, uint8_t *data, size_t length)
{
	static const uint8_t marker[16] = { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
					    0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee };
	struct buf whole = { .data = data, .len = length, .cap = length };
	size_t at = 0;

	for (size_t i = 0; i + 16 <= length; i++)
		if (!memcmp(data + i, marker, 16))
			memcpy(data + i, p->file_id, 16);
	while (length - at >= SMB2_HEADER_SIZE) {
		struct cursor c = cur_of(data + at, length - at);
		struct smb2_header h;

		if (smb2_header_decode(&c, &h))
			return;
		if (h.command != SMB2_CANCEL) {
			buf_put_u64le(&whole, at + 24, p->message_id);
			p->message_id += h.credit_charge ? h.credit_charge : 1;
		}
		if (!(h.flags & SMB2_FLAGS_ASYNC_COMMAND))
			buf_put_u32le(&whole, at + 36, p->tree_id);
		buf_put_u64le(&whole, at + 40, p->session_id);
		if (!h.next_command || h.next_command >= length - at)
			return;
		at += h.next_command;
	}
}

static void take_file_id(struct peer *p)
{
	struct cursor c = cur_of(p->in.data + 4, p->in.len - 4);
	struct smb2_create_response r;
	struct smb2_header h;
	struct buf id = { .data = p->file_id, .len = 16, .cap = 16 };

	if (smb2_header_decode(&c, &h) || h.command != SMB2_CREATE || h.status ||
	    smb2_create_response_decode(&c, &r))
		return;
	buf_put_u64le(&id, 0, r.file_id.persistent);
	buf_put_u64le(&id, 8, r.file_id.volatile_id);
}

static void converse(struct peer *p, const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	uint8_t mode = cur_u8(&c);

	if (mode & 1 && (!peer_negotiate(p) || peer_log_on(p, PEER_PASSWORD, 1) ||
			 peer_tree_connect(p, mode & 2 ? "\\\\FS\\IPC$" : "\\\\FS\\data")))
		abort(); /* nothing of the input was used yet: the harness is broken */
	for (int i = 0; i < MAX_FRAMES && cur_left(&c) >= 2; i++) {
		size_t length = min_u64(cur_u16le(&c), cur_left(&c));
		auto_free uint8_t *frame = xalloc(length + 1, 1);

		cur_copy(&c, frame, length);
		if (mode & 1)
			fill_in(p, frame, length);
		peer_transmit(p, frame, length);
		if (peer_receive(p, 8))
			take_file_id(p);
	}
}

static void start(void)
{
	const struct rlimit limit = { 64u << 20, 64u << 20 };
	struct smb_config config;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	config.max_read_bytes = config.max_write_bytes = config.max_transact_bytes = 1u << 20;
	peer_start(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
					     SMB2_DIALECT_302 };
	struct peer p;

	if (!peer_loop)
		start();
	if (size > 70000)
		return 0;
	peer_open(&p, dialects[size ? data[0] >> 2 & 3 : 0]);
	converse(&p, data, size);
	peer_close(&p);
	return 0;
}
