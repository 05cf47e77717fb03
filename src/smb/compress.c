// SPDX-License-Identifier: Apache-2.0
/*
 * Compression of whole frames (MS-SMB2 3.1.4.4, 3.3.5.2.1.2). A frame that comes in is opened,
 * decompressed and then verified; a reply is signed, compressed and then sealed. What is
 * decompressed counts as memory that is held for the client, and its messages pay for it with their
 * credits before the first of them is looked at: a few bytes must not become megabytes that a
 * request then waits with (MS-SMB2 3.3.5.2.5).
 */
#include "request.h"

#define EXTRA_BYTES  (256u + 16u) /* beyond the longest payload, MS-SMB2 3.3.5.2.1.2 */
#define BARE_BYTES   (64u << 10)  /* before there is a session, as for frames */
#define CREDIT_BYTES (64u << 10)  /* what a credit pays for */
#define HEAD_BYTES   (64u << 10)  /* headers and names, for which nobody pays */
#define REPLY_LEAST  1024u	  /* a shorter reply is not worth it */

static size_t longest(const struct connection *conn)
{
	uint64_t payload = max_u64(conn->max_transact, max_u64(conn->max_read, conn->max_write));

	return conn->is_unauthenticated ? BARE_BYTES : (size_t)payload + EXTRA_BYTES;
}

bool compress_is_compressed(const struct smb_request *rq)
{
	struct cursor c = cur_of(rq->frame.data + rq->next_at, rq->frame.length - rq->next_at);

	return cur_u32le(&c) == SMB2_COMPRESSION_ID;
}

/* Take the credits of all messages of the decompressed frame: do they pay for its size? */
static const char *pay(struct smb_request *rq)
{
	uint64_t paid = HEAD_BYTES;
	size_t at = 0;

	rq->is_paid = true;
	for (uint32_t i = 0; at < rq->frame.length; i++) {
		struct smb2_header h;
		uint32_t charge;
		size_t length;
		const char *why;

		if (i >= smb.config.max_compound)
			return "too many messages in one frame";
		why = request_bounds(&rq->frame, at, &h, &length);
		if (!why)
			why = request_pay(rq->conn, &h, &charge);
		if (why)
			return why;
		paid += (uint64_t)charge * CREDIT_BYTES;
		at += length;
	}
	return rq->frame.length > paid ? "decompressed message larger than its credits pay for"
				       : NULL;
}

const char *compress_open_frame(struct smb_request *rq)
{
	struct connection *conn = rq->conn;
	struct cursor c = cur_of(rq->frame.data + rq->next_at, rq->frame.length - rq->next_at);
	struct buf out = { 0 };

	if (!conn->compression.algorithms)
		return "compressed message where no compression was agreed on";
	if (smb2_decompress(&c, &conn->compression, longest(conn), &out)) {
		buf_free(&out);
		return "compressed message that does not decompress";
	}
	connection_worked(conn, out.len);
	connection_hold(conn, (ssize_t)out.len - (ssize_t)rq->frame.length);
	rq->held += out.len - rq->frame.length;
	frame_free(&rq->frame);
	rq->frame = (struct frame){ out.data, out.len };
	rq->next_at = 0;
	return pay(rq);
}

void compress_wish(struct smb_request *rq, bool asked, size_t plain)
{
	bool share_asks = rq->tree && rq->tree->share->flags & STORE_SHARE_COMPRESS;

	if (!rq->conn->compression.algorithms || !(asked || share_asks))
		return;
	rq->compress = true;
	rq->compress_plain = rq->head_at - rq->base_at + SMB2_HEADER_SIZE + plain;
}

void compress_reply(struct smb_request *rq)
{
	struct buf packed = { .limit = rq->reply.limit };
	const uint8_t *message = rq->reply.data + rq->base_at;
	size_t length = rq->reply.len - rq->base_at;

	rq->compress = false;
	if (rq->reply.failed || length < REPLY_LEAST)
		return;
	connection_worked(rq->conn, length);
	if (!buf_room(&packed, rq->reply.len) || !buf_grow(&packed, rq->base_at) ||
	    !smb2_compress(&rq->conn->compression, message, length, rq->compress_plain, &packed)) {
		buf_free(&packed);
		return;
	}
	buf_free(&rq->reply);
	rq->reply = packed;
}
