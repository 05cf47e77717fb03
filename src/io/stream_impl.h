// SPDX-License-Identifier: Apache-2.0
/*
 * What stream.c (life), stream_receive.c and stream_send.c share.
 *
 * A stream is in exactly one of its loop's lists (impl.h): streams, or one of those that have it
 * looked at again in this or the next turn. Being closed outweighs being unsent, and that outweighs
 * having more to receive, which is why the two latter are flags as well.
 */
#ifndef IO_STREAM_IMPL_H
#define IO_STREAM_IMPL_H

#include <io/stream.h>
#include "impl.h"

/* A frame that waits to be sent, its header filled in. */
struct outgoing {
	struct outgoing *next;
	uint8_t *data;
	size_t length, sent;
};

/* Bytes that had come when the stream was paused. */
struct held {
	size_t length, taken;
	uint8_t bytes[];
};

struct stream {
	struct loop *loop;
	const struct stream_events *events;
	void *owner;
	struct io_poll *poll;
	int fd;
	int error; /* for closed() */
	bool connecting, closed, paused, finishing;
	bool readable; /* more may be in the socket */
	bool hung_up; /* an end or an error is to be read: a short read does not empty the socket */
	bool writable;
	bool more_behind; /* what was received last reaches behind the frame delivered */
	bool in_again, in_unsent;
	TAILQ_ENTRY(stream) link;	 /* in streams or closing */
	TAILQ_ENTRY(stream) again_link;	 /* in again, with in_again */
	TAILQ_ENTRY(stream) unsent_link; /* in unsent, with in_unsent */

	/* Receiving. */
	size_t limit;
	uint64_t partial_timeout_ms;
	struct loop_timer timer; /* connecting, a partial frame, or the last seconds of a close */
	uint8_t head[STREAM_HEADER];
	size_t head_have;
	struct frame partial; /* data not NULL: its frame has begun */
	size_t partial_have;
	size_t low_water; /* the socket's, 0: as it was */
	struct held *held;

	/* Sending. */
	struct outgoing *first, **end;
	size_t queued_bytes;
};

/* stream_fail - close with @error (0 or -errno); closed() follows at the end of the turn. */
void stream_fail(struct stream *stream, int error);
/* stream_more - look for bytes again in the next turn. */
void stream_more(struct stream *stream);
/* stream_receive - take and deliver what has come, up to a share of the turn. */
void stream_receive(struct stream *stream);
/* stream_flush - send what is queued, as far as it goes. */
void stream_flush(struct stream *stream);
/* stream_send_later - flush at the end of the turn. */
void stream_send_later(struct stream *stream);

#endif
