// SPDX-License-Identifier: Apache-2.0
/*
 * Compression of whole messages (MS-SMB2 3.1.4.4, 3.2.5.1.10): after signing, before sealing.
 *
 * It costs both ends processor time, and saves the network bytes. Who wants it to spare both
 * (compression_spares) has it done while the network is what holds the messages up; else so much of
 * it only that the connection carries no more bytes than are written to files: what can be
 * compressed makes up for the heads of all messages, and for a little that describes the files.
 */
#include "impl.h"

#include <io/stream_pace.h>

#define WRITE_HEAD   (SMB2_HEADER_SIZE + 48u) /* in front of what is written */
#define EXTRA_BYTES  (256u + 16u)	      /* beyond the longest payload */
#define LEAST_BYTES  1024u		      /* a shorter message is not worth it */
#define LOOK_NS	     100000000u		      /* between two looks at the network */
#define SLOW_LOOKS   5u			      /* in a row that find it slow: one may be chance */
#define SLOW_NS	     5000000000u	      /* how long it counts as slow after them */
#define FAST_BYTES_S 200000000u		      /* no slower than compression is */
#define SPARE_SHARE  256u		      /* one byte in so many, of those written */

/* Where processors are taken, bytes wait for them on the way, too: that is no slow network. */
static bool is_held_up(const struct client *client, const struct stream_pace *now,
		       uint64_t passed_ns)
{
	return client->pace_ns && now->network_us > client->pace_network_us &&
	       now->network_us - client->pace_network_us > passed_ns / 2000 &&
	       now->bytes_s < FAST_BYTES_S;
}

/* For most of the time since it was looked at last, or a moment ago: when there is less to carry,
 * the network may carry it easily, and that is no reason to have it carry more again. */
bool client_network_is_slow(struct client *client)
{
	uint64_t now_ns = monotonic_ns(), passed_ns = now_ns - client->pace_ns;
	struct stream_pace now;

	if (client->pace_ns && passed_ns < LOOK_NS)
		return now_ns < client->slow_until_ns;
	now = stream_pace(client->stream);
	client->slow_looks = is_held_up(client, &now, passed_ns) ? client->slow_looks + 1 : 0;
	if (client->slow_looks >= SLOW_LOOKS)
		client->slow_until_ns = now_ns + SLOW_NS;
	client->pace_ns = now_ns;
	client->pace_network_us = now.network_us;
	return now_ns < client->slow_until_ns;
}

/* Has the connection carried more than was written? */
static bool owes_bytes(const struct client *client)
{
	const struct client_facts *f = &client->facts;

	return f->bytes_out + f->bytes_written / SPARE_SHARE > f->bytes_written;
}

void compress_message(struct client *client, struct client_message *message)
{
	struct buf *buf = &message->buf, packed = { 0 };
	size_t length = buf->len - message->first_at;
	size_t plain = message->write_at - message->first_at + WRITE_HEAD;

	if (!client->facts.compression.algorithms || length < LEAST_BYTES)
		return;
	if (client->options.compression_spares && !owes_bytes(client) &&
	    !client_network_is_slow(client))
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
