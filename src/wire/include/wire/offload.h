// SPDX-License-Identifier: Apache-2.0
/*
 * Copies that a storage system makes by itself: FSCTL_OFFLOAD_READ and FSCTL_OFFLOAD_WRITE
 * (MS-FSCC 2.3.41 to 2.3.44). What is read is told as a token (2.1.11), which is opaque to a client
 * but for the one that stands for zeros.
 */
#ifndef WIRE_OFFLOAD_H
#define WIRE_OFFLOAD_H

#include <base/buf.h>
#include <base/cursor.h>
#include <wire/ntstatus.h>

#define OFFLOAD_TOKEN_BYTES	  512
#define OFFLOAD_TOKEN_ID_BYTES	  504
#define OFFLOAD_TOKEN_ZERO	  0xFFFF0001u
#define OFFLOAD_READ_REPLY_BYTES  528
#define OFFLOAD_WRITE_REPLY_BYTES 16

struct offload_token {
	uint32_t type;
	uint8_t id[OFFLOAD_TOKEN_ID_BYTES];
};

struct offload_read {
	uint32_t time_to_live_ms; /* 0: as the server likes */
	uint64_t offset, length;
};

struct offload_write {
	uint64_t offset, length;
	uint64_t transfer_offset; /* within what the token stands for */
	struct offload_token token;
};

/* STATUS_BUFFER_TOO_SMALL, or STATUS_INVALID_PARAMETER where Size is not that of the structure. */
ntstatus offload_read_decode(struct cursor c, struct offload_read *r) MUST_CHECK;
ntstatus offload_write_decode(struct cursor c, struct offload_write *w) MUST_CHECK;
/* offload_read_reply - @length bytes are what @token stands for. */
void offload_read_reply(struct buf *out, uint64_t length, const struct offload_token *token);
void offload_write_reply(struct buf *out, uint64_t written);

#endif
