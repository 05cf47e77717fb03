// SPDX-License-Identifier: Apache-2.0
/*
 * Receiving frames. Bytes land in the loop's one buffer, and whole frames are copied out of it.
 * A frame that is not whole gets its own memory of the announced size, and the next receive fills
 * that first, directly, with what follows it going to the loop's buffer in the same call.
 */
#include "stream_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* How often one stream may receive before the others have their turn. */
#define RECEIVES_A_TURN 8
/* Of a frame that misses more than this, so much has to come before it wakes the loop. */
#define LOW_WATER_BYTES (256u << 10)

static bool wants_bytes(const struct stream *stream)
{
	return !stream->closed && !stream->paused;
}

static void partial_timed_out(struct loop_timer *timer)
{
	stream_fail(container_of(timer, struct stream, timer), -ETIMEDOUT);
}

static void watch_partial(struct stream *stream)
{
	bool partial = stream->partial.data || stream->head_have;

	if (!wants_bytes(stream))
		return;
	if (!partial)
		loop_timer_stop(stream->loop, &stream->timer);
	else if (stream->partial_timeout_ms && !stream->timer.heap_index)
		loop_timer_start(stream->loop, &stream->timer, stream->partial_timeout_ms,
				 partial_timed_out);
}

static void deliver(struct stream *stream)
{
	struct frame frame = stream->partial;

	stream->partial = (struct frame){ 0 };
	stream->partial_have = 0;
	stream->head_have = 0;
	loop_timer_stop(stream->loop, &stream->timer);
	stream->events->frame(stream, &frame);
}

/*
 * A sender that fills a large frame would wake its receiver for each packet, which costs both more
 * than the packet. The mark is never above what is missing, so that a frame's end always wakes.
 */
static void set_low_water(struct stream *stream)
{
	bool far = stream->partial.data &&
		   stream->partial.length - stream->partial_have >= LOW_WATER_BYTES;
	size_t wanted = far ? LOW_WATER_BYTES : 1;
	int value = (int)wanted;

	if (stream->closed || wanted == (stream->low_water ? stream->low_water : 1))
		return;
	if (!setsockopt(stream->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)))
		stream->low_water = wanted;
}

/* The header is whole: check it, and make room for its frame. */
static bool begin_frame(struct stream *stream)
{
	const uint8_t *head = stream->head;
	size_t length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

	if (head[0] != 0) {
		stream_fail(stream, -EPROTO);
		return false;
	}
	if (length > stream->limit) {
		stream_fail(stream, -EMSGSIZE);
		return false;
	}
	stream->partial.data = malloc(length ? length : 1);
	if (!stream->partial.data) {
		stream_fail(stream, -ENOMEM);
		return false;
	}
	stream->partial.length = length;
	stream->partial_have = 0;
	return true;
}

/* Cut frames from @data; returns how many bytes were taken, fewer when the stream wants no more. */
static size_t cut(struct stream *stream, const uint8_t *data, size_t length)
{
	size_t taken = 0;

	while (wants_bytes(stream)) {
		size_t n;

		if (!stream->partial.data) {
			n = min_u64(STREAM_HEADER - stream->head_have, length - taken);
			memcpy(stream->head + stream->head_have, data + taken, n);
			stream->head_have += n;
			taken += n;
			if (stream->head_have < STREAM_HEADER || !begin_frame(stream))
				break;
		}
		n = min_u64(stream->partial.length - stream->partial_have, length - taken);
		memcpy(stream->partial.data + stream->partial_have, data + taken, n);
		stream->partial_have += n;
		taken += n;
		if (stream->partial_have < stream->partial.length)
			break;
		stream->more_behind = taken < length;
		deliver(stream);
	}
	return taken;
}

static void hold(struct stream *stream, const uint8_t *data, size_t length)
{
	if (!length || stream->closed)
		return;
	stream->held = malloc(sizeof(*stream->held) + length);
	if (!stream->held) {
		stream_fail(stream, -ENOMEM);
		return;
	}
	stream->held->length = length;
	stream->held->taken = 0;
	memcpy(stream->held->bytes, data, length);
}

/* False when what was held is not used up yet. */
static bool take_held(struct stream *stream)
{
	struct held *held = stream->held;

	if (!held)
		return true;
	held->taken += cut(stream, held->bytes + held->taken, held->length - held->taken);
	if (held->taken < held->length)
		return false;
	stream->held = NULL;
	free(held);
	return wants_bytes(stream);
}

static void received(struct stream *stream, size_t length)
{
	size_t missing = stream->partial.length - stream->partial_have;
	size_t taken;

	if (stream->partial.data) {
		size_t direct = min_u64(missing, length);

		stream->partial_have += direct;
		length -= direct;
		if (stream->partial_have < stream->partial.length)
			return;
		stream->more_behind = length > 0;
		deliver(stream);
	}
	taken = cut(stream, stream->loop->receive_buffer, length);
	hold(stream, stream->loop->receive_buffer + taken, length - taken);
}

static void receive_once(struct stream *stream)
{
	struct iovec parts[2];
	struct msghdr message = { .msg_iov = parts };
	size_t room = RECEIVE_BUFFER_BYTES;
	ssize_t n;

	if (stream->partial.data) {
		parts[0].iov_base = stream->partial.data + stream->partial_have;
		parts[0].iov_len = stream->partial.length - stream->partial_have;
		room += parts[0].iov_len;
		message.msg_iovlen = 1;
	}
	parts[message.msg_iovlen++] =
		(struct iovec){ stream->loop->receive_buffer, RECEIVE_BUFFER_BYTES };
	n = recvmsg(stream->fd, &message, 0);
	if (n > 0) {
		if ((size_t)n < room && !stream->hung_up)
			stream->readable = false;
		received(stream, (size_t)n);
	} else if (n == 0) {
		stream_fail(stream, stream->partial.data || stream->head_have ? -ECONNRESET : 0);
	} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
		stream->readable = false;
		stream->hung_up = false;
	} else if (errno != EINTR) {
		stream_fail(stream, -errno);
	}
}

void stream_receive(struct stream *stream)
{
	if (!wants_bytes(stream))
		return;
	if (take_held(stream)) {
		for (int i = 0; i < RECEIVES_A_TURN && stream->readable && wants_bytes(stream); i++)
			receive_once(stream);
	}
	watch_partial(stream);
	set_low_water(stream);
	if (stream->readable && wants_bytes(stream))
		stream_more(stream);
}

void stream_more(struct stream *stream)
{
	if (stream->in_again || stream->closed)
		return;
	stream->in_again = true;
	TAILQ_INSERT_TAIL(&stream->loop->again, stream, again_link);
}

void streams_receive_again(struct loop *loop)
{
	struct stream *last = TAILQ_LAST(&loop->again, stream_list);
	struct stream *stream = NULL;

	while (last && stream != last) {
		stream = TAILQ_FIRST(&loop->again);
		TAILQ_REMOVE(&loop->again, stream, again_link);
		stream->in_again = false;
		stream_receive(stream);
	}
}

void stream_pause(struct stream *stream)
{
	stream->paused = true;
	if (!stream->finishing && !stream->connecting)
		loop_timer_stop(stream->loop, &stream->timer);
}

void stream_resume(struct stream *stream)
{
	if (!stream->paused || stream->finishing || stream->closed)
		return;
	stream->paused = false;
	stream_more(stream);
}
