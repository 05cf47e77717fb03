// SPDX-License-Identifier: Apache-2.0
/*
 * Sending frames. Small ones of one turn leave together in one call at its end, which saves the
 * sender a system call and the receiver a wake-up for each; as soon as more is queued it is sent
 * at once, because then the call is worth it and the bytes are still in the processor's cache.
 */
#include "stream_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SEND_AT_ONCE_BYTES (32u << 10)
#define PARTS_MAX	   64
#define FRAME_MAX	   0xffffffu

static void drop_sent(struct stream *stream, size_t sent)
{
	stream->queued_bytes -= sent;
	while (sent) {
		struct outgoing *out = stream->first;
		size_t n = min_u64(sent, out->length - out->sent);

		out->sent += n;
		sent -= n;
		if (out->sent < out->length)
			return;
		stream->first = out->next;
		if (!stream->first)
			stream->end = &stream->first;
		free(out->data);
		free(out);
	}
}

static void send_queued(struct stream *stream)
{
	while (stream->first && stream->writable && !stream->closed && !stream->connecting) {
		struct iovec parts[PARTS_MAX];
		struct msghdr message = { .msg_iov = parts };
		ssize_t n;

		for (struct outgoing *out = stream->first; out && message.msg_iovlen < PARTS_MAX;
		     out = out->next)
			parts[message.msg_iovlen++] =
				(struct iovec){ out->data + out->sent, out->length - out->sent };
		n = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
		if (n >= 0)
			drop_sent(stream, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			stream->writable = false;
		else if (errno != EINTR)
			stream_fail(stream, -errno);
	}
}

void stream_flush(struct stream *stream)
{
	send_queued(stream);
	if (stream->first || stream->closed || stream->connecting)
		return;
	if (stream->finishing)
		stream_fail(stream, 0);
	else if (stream->events->drained)
		stream->events->drained(stream);
}

void stream_send_later(struct stream *stream)
{
	if (stream->in_unsent)
		return;
	stream->in_unsent = true;
	TAILQ_INSERT_TAIL(&stream->loop->unsent, stream, unsent_link);
}

void streams_flush(struct loop *loop)
{
	struct stream *last = TAILQ_LAST(&loop->unsent, stream_list);
	struct stream *stream = NULL;

	while (last && stream != last) {
		stream = TAILQ_FIRST(&loop->unsent);
		TAILQ_REMOVE(&loop->unsent, stream, unsent_link);
		stream->in_unsent = false;
		stream_flush(stream);
	}
}

void stream_send(struct stream *stream, struct buf *frame)
{
	struct outgoing *out;

	if (stream->closed || stream->finishing) {
		buf_free(frame);
		return;
	}
	BUG_ON(frame->failed || frame->len < STREAM_HEADER ||
	       frame->len - STREAM_HEADER > FRAME_MAX);
	out = xalloc(1, sizeof(*out));
	out->data = frame->data;
	out->length = frame->len;
	*frame = (struct buf){ 0 };
	out->data[0] = 0;
	out->data[1] = (uint8_t)((out->length - STREAM_HEADER) >> 16);
	out->data[2] = (uint8_t)((out->length - STREAM_HEADER) >> 8);
	out->data[3] = (uint8_t)(out->length - STREAM_HEADER);
	*stream->end = out;
	stream->end = &out->next;
	stream->queued_bytes += out->length;
	if (stream->connecting || !stream->writable)
		return;
	if (stream->queued_bytes >= SEND_AT_ONCE_BYTES)
		send_queued(stream);
	if (!stream->closed)
		stream_send_later(stream);
}

size_t stream_queued_bytes(const struct stream *stream)
{
	return stream->queued_bytes;
}
