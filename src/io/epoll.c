// SPDX-License-Identifier: Apache-2.0
/* The back end for kernels that do not allow io_uring: epoll, and helper threads for files. */
#include "impl.h"

#include <errno.h>
#include <sys/epoll.h>

#define EVENTS_A_TURN 256

struct epoll_set {
	int fd;
	struct epoll_event events[EVENTS_A_TURN];
};

static int epoll_open(struct loop *loop)
{
	struct epoll_set *data = xalloc(1, sizeof(*data));

	data->fd = epoll_create1(EPOLL_CLOEXEC);
	if (data->fd < 0) {
		int error = -errno;

		free(data);
		return error;
	}
	loop->backend_data = data;
	return 0;
}

static void epoll_close(struct loop *loop)
{
	struct epoll_set *data = loop->backend_data;

	close_fd_ptr(&data->fd);
	free(data);
}

static void epoll_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_set *data = loop->backend_data;
	int count = epoll_wait(data->fd, data->events, EVENTS_A_TURN, timeout_ms);

	for (int i = 0; i < count; i++) {
		struct io_poll *poll = data->events[i].data.ptr;

		if (poll->ready)
			poll->ready(poll, data->events[i].events);
	}
}

static int epoll_start(struct loop *loop, struct io_poll *poll)
{
	struct epoll_set *data = loop->backend_data;
	struct epoll_event event = {
		.events = poll->events | (poll->level ? 0u : (uint32_t)EPOLLET),
		.data.ptr = poll,
	};

	if (epoll_ctl(data->fd, EPOLL_CTL_ADD, poll->fd, &event))
		return -errno;
	TAILQ_INSERT_TAIL(&loop->polls, poll, link);
	return 0;
}

static void epoll_stop(struct loop *loop, struct io_poll *poll)
{
	struct epoll_set *data = loop->backend_data;

	epoll_ctl(data->fd, EPOLL_CTL_DEL, poll->fd, NULL);
	TAILQ_REMOVE(&loop->polls, poll, link);
	TAILQ_INSERT_TAIL(&loop->dead, poll, link);
}

static void epoll_submit(struct loop *loop, struct io_op *op)
{
	helpers_submit(op);
}

const struct backend epoll_backend = {
	.kind = IO_POOL,
	.open = epoll_open,
	.close = epoll_close,
	.wait = epoll_turn,
	.poll_start = epoll_start,
	.poll_stop = epoll_stop,
	.submit = epoll_submit,
};
