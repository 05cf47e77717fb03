// SPDX-License-Identifier: Apache-2.0
/* Compression of whole messages (MS-SMB2 3.1.4.4, 3.2.5.1.10): after signing, before sealing. */
#include "impl.h"

#define WRITE_HEAD  (SMB2_HEADER_SIZE + 48u) /* in front of what is written */
#define EXTRA_BYTES (256u + 16u)	     /* beyond the longest payload */
#define LEAST_BYTES 1024u		     /* a shorter message is not worth it */

void compress_message(struct client *client, struct client_message *message)
{
	struct buf *buf = &message->buf, packed = { 0 };
	size_t length = buf->len - message->first_at;
	size_t plain = message->write_at - message->first_at + WRITE_HEAD;

	if (!client->facts.compression.algorithms || length < LEAST_BYTES)
		return;
	buf_zero(&packed, message->first_at);
	if (!smb2_compress(&client->facts.compression, buf->data + message->first_at, length, plain,
			   &packed)) {
		buf_free(&packed);
		return;
	}
	client->facts.compressed_out++;
	buf_free(buf);
	*buf = packed;
}

bool decompress_message(struct client *client, struct cursor c, struct buf *out)
{
	const struct client_facts *f = &client->facts;
	uint64_t most = max_u64(f->max_transact, max_u64(f->max_read, f->max_write)) + EXTRA_BYTES;

	if (smb2_decompress(&c, &f->compression, (size_t)min_u64(most, FRAME_LIMIT), out))
		return false;
	client->facts.compressed_in++;
	return true;
}
