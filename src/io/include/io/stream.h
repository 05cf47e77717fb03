// SPDX-License-Identifier: Apache-2.0
/*
 * A connection that carries frames: four bytes of length (the Direct TCP transport of MS-SMB2 2.1:
 * a zero byte and 24 bits, big-endian), then that many bytes. Server and client both use it.
 *
 * An idle stream holds no receive buffer: small frames are cut from a buffer of the loop, only what
 * is incomplete is kept. All calls on the stream's own loop.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <base/buf.h>
#include <io/loop.h>

struct stream;

/* A received frame, without the four bytes; its bytes may be changed in place (decryption). */
struct frame {
	uint8_t *data;
	size_t length;
};
void frame_free(struct frame *frame);

struct stream_events {
	void (*connected)(struct stream *stream); /* stream_connect only */
	/* frame - one whole frame, which the callee owns (frame_free). */
	void (*frame)(struct stream *stream, struct frame *frame);
	/* drained - the send queue has become empty (may be NULL). */
	void (*drained)(struct stream *stream);
	/*
	 * closed - exactly once, last; @error is 0 for an orderly end by the peer or stream_close,
	 * or a negative errno (-EMSGSIZE: a frame over the limit, -EPROTO: a first byte that is not
	 * zero, -ETIMEDOUT). The stream is gone when this returns.
	 */
	void (*closed)(struct stream *stream, int error);
};

#define STREAM_HEADER 4 /* bytes that the sender leaves free at the front of a frame */

/* stream_new - take over @fd (connected, non-blocking). @owner comes back from stream_owner. */
struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events,
			  void *owner);
/* stream_connect - begin to connect; connected or closed follows, never from inside this call. */
struct stream *stream_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
			      uint64_t timeout_ms, const struct stream_events *events, void *owner);
void *stream_owner(const struct stream *stream);
int stream_fd(const struct stream *stream);
/* stream_has_more - while a frame is delivered: more bytes of the peer's have come behind it. */
bool stream_has_more(const struct stream *stream);
struct loop *stream_loop(const struct stream *stream);

/* stream_set_limit - the longest frame taken from the peer (default 64 KiB until raised). */
void stream_set_limit(struct stream *stream, size_t bytes);
/* stream_set_partial_timeout - how long a frame may take from its first byte to its last; 0: no
 * limit. */
void stream_set_partial_timeout(struct stream *stream, uint64_t ms);

/*
 * stream_send - queue one frame and take over its memory (@frame is left empty). Its first
 * STREAM_HEADER bytes are the caller's gift and are filled in here.
 */
void stream_send(struct stream *stream, struct buf *frame);
size_t stream_queued_bytes(const struct stream *stream);
/* stream_pause / stream_resume - stop and start taking bytes from the peer (back pressure). */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);
/* stream_close - close now, what is queued is dropped; closed follows, never from inside this call.
 */
void stream_close(struct stream *stream);
/* stream_close_after_send - close once the queue is empty (or in five seconds). */
void stream_close_after_send(struct stream *stream);

#endif
