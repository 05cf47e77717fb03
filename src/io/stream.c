// SPDX-License-Identifier: Apache-2.0
/* The life of a stream: taking over a socket, connecting, closing. */
#include "stream_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_DEFAULT	(64u << 10)
#define LAST_SECONDS_MS 5000

void frame_free(struct frame *frame)
{
	free(frame->data);
	*frame = (struct frame){ 0 };
}

static void socket_ready(struct io_poll *poll, uint32_t events);

static struct stream *make(struct loop *loop, int fd, const struct stream_events *events,
			   void *owner)
{
	struct stream *stream = xalloc(1, sizeof(*stream));

	stream->loop = loop;
	stream->fd = fd;
	stream->events = events;
	stream->owner = owner;
	stream->limit = LIMIT_DEFAULT;
	stream->end = &stream->first;
	TAILQ_INSERT_TAIL(&loop->streams, stream, link);
	return stream;
}

static void watch(struct stream *stream)
{
	int one = 1;

	/* Fails on a Unix socket, which has nothing to wait for. */
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	stream->poll = poll_new(stream->loop, stream->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, false,
				socket_ready, stream);
	if (!stream->poll)
		stream_fail(stream, -errno);
}

struct stream *stream_new(struct loop *loop, int fd, const struct stream_events *events,
			  void *owner)
{
	struct stream *stream = make(loop, fd, events, owner);

	stream->writable = true;
	watch(stream);
	return stream;
}

static void connect_timed_out(struct loop_timer *timer)
{
	stream_fail(container_of(timer, struct stream, timer), -ETIMEDOUT);
}

struct stream *stream_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
			      uint64_t timeout_ms, const struct stream_events *events, void *owner)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stream *stream = make(loop, fd, events, owner);

	stream->connecting = true;
	if (fd < 0 || (connect(fd, address, length) && errno != EINPROGRESS)) {
		stream_fail(stream, -errno);
		return stream;
	}
	if (timeout_ms)
		loop_timer_start(loop, &stream->timer, timeout_ms, connect_timed_out);
	watch(stream);
	return stream;
}

static void connect_ended(struct stream *stream)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length))
		error = errno;
	if (error) {
		stream_fail(stream, -error);
		return;
	}
	stream->connecting = false;
	stream->writable = true;
	loop_timer_stop(stream->loop, &stream->timer);
	if (stream->first)
		stream_send_later(stream);
	stream->events->connected(stream);
}

static void socket_ready(struct io_poll *poll, uint32_t events)
{
	struct stream *stream = poll->owner;

	if (stream->connecting) {
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return;
		connect_ended(stream);
		if (stream->closed || stream->connecting)
			return;
	}
	if (events & EPOLLOUT && !stream->writable) {
		stream->writable = true;
		if (stream->first)
			stream_flush(stream);
	}
	if (stream->closed || !(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	stream->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		stream->hung_up = true;
	if (!stream->in_again)
		stream_receive(stream);
}

void *stream_owner(const struct stream *stream)
{
	return stream->owner;
}

int stream_fd(const struct stream *stream)
{
	return stream->fd;
}

bool stream_has_more(const struct stream *stream)
{
	return stream->more_behind;
}

struct loop *stream_loop(const struct stream *stream)
{
	return stream->loop;
}

void stream_set_limit(struct stream *stream, size_t bytes)
{
	stream->limit = bytes;
}

void stream_set_partial_timeout(struct stream *stream, uint64_t ms)
{
	stream->partial_timeout_ms = ms;
}

void stream_fail(struct stream *stream, int error)
{
	struct loop *loop = stream->loop;

	if (stream->closed)
		return;
	stream->closed = true;
	stream->error = error;
	loop_timer_stop(loop, &stream->timer);
	if (stream->poll)
		poll_end(loop, stream->poll);
	stream->poll = NULL;
	TAILQ_REMOVE(&loop->streams, stream, link);
	TAILQ_INSERT_TAIL(&loop->closing, stream, link);
}

void stream_close(struct stream *stream)
{
	stream_fail(stream, 0);
}

static void last_seconds_over(struct loop_timer *timer)
{
	stream_fail(container_of(timer, struct stream, timer), 0);
}

void stream_close_after_send(struct stream *stream)
{
	if (stream->closed)
		return;
	stream->paused = true;
	stream->finishing = true;
	if (stream->first)
		stream_flush(stream);
	if (stream->closed)
		return;
	if (stream->first || stream->connecting)
		loop_timer_start(stream->loop, &stream->timer, LAST_SECONDS_MS, last_seconds_over);
	else
		stream_fail(stream, 0);
}

static void finish_closing(struct stream *stream)
{
	struct loop *loop = stream->loop;

	TAILQ_REMOVE(&loop->closing, stream, link);
	if (stream->in_again)
		TAILQ_REMOVE(&loop->again, stream, again_link);
	if (stream->in_unsent)
		TAILQ_REMOVE(&loop->unsent, stream, unsent_link);
	/* The ring may hold the socket until the loop turns again, which may be in an hour: the
	 * peer is told now. */
	if (stream->fd >= 0)
		(void)shutdown(stream->fd, SHUT_RDWR);
	close_fd_ptr(&stream->fd);
	stream->events->closed(stream, stream->error);
	while (stream->first) {
		struct outgoing *gone = stream->first;

		stream->first = gone->next;
		free(gone->data);
		free(gone);
	}
	frame_free(&stream->partial);
	free(stream->held);
	free(stream);
}

void streams_finish_closing(struct loop *loop)
{
	struct stream *last = TAILQ_LAST(&loop->closing, stream_list);

	while (last) {
		struct stream *stream = TAILQ_FIRST(&loop->closing);

		finish_closing(stream);
		if (stream == last)
			break;
	}
}

void streams_close_all(struct loop *loop)
{
	while (!TAILQ_EMPTY(&loop->streams))
		stream_fail(TAILQ_FIRST(&loop->streams), 0);
	while (!TAILQ_EMPTY(&loop->closing))
		finish_closing(TAILQ_FIRST(&loop->closing));
}
