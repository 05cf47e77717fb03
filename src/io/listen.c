// SPDX-License-Identifier: Apache-2.0
/* Listening sockets, and descriptors that are only watched. */
#include "impl.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPTS_A_TURN	64
/* How long to leave a listener alone when the process or the system has no descriptor left. */
#define ACCEPT_RETRY_MS 100

static void listener_ready(struct io_poll *poll, uint32_t events);

static void listener_retry(struct loop_timer *timer)
{
	struct io_listener *listener = container_of(timer, struct io_listener, retry);

	listener->poll =
		poll_new(listener->loop, listener->fd, EPOLLIN, true, listener_ready, listener);
	if (!listener->poll)
		loop_timer_start(listener->loop, timer, ACCEPT_RETRY_MS, listener_retry);
}

static void listener_ready(struct io_poll *poll, uint32_t events)
{
	struct io_listener *listener = poll->owner;

	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->accepted(listener, fd);
			if (!listener->active)
				return;
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			poll_end(listener->loop, listener->poll);
			listener->poll = NULL;
			loop_timer_start(listener->loop, &listener->retry, ACCEPT_RETRY_MS,
					 listener_retry);
			return;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

int io_listen(struct loop *loop, struct io_listener *listener, int fd)
{
	listener->loop = loop;
	listener->fd = fd;
	listener->retry = (struct loop_timer){ 0 };
	listener->poll = poll_new(loop, fd, EPOLLIN, true, listener_ready, listener);
	if (!listener->poll)
		return -errno;
	listener->active = true;
	return 0;
}

void io_listen_stop(struct io_listener *listener)
{
	if (!listener->active)
		return;
	listener->active = false;
	loop_timer_stop(listener->loop, &listener->retry);
	if (listener->poll)
		poll_end(listener->loop, listener->poll);
	listener->poll = NULL;
	/* The ring may hold the socket until its next turn: refuse new connections from now on. */
	shutdown(listener->fd, SHUT_RDWR);
	close_fd_ptr(&listener->fd);
}

static void watch_ready(struct io_poll *poll, uint32_t events)
{
	struct io_watch *watch = poll->owner;

	watch->ready(watch);
}

int io_watch_start(struct loop *loop, struct io_watch *watch, int fd)
{
	watch->loop = loop;
	watch->fd = fd;
	watch->poll = poll_new(loop, fd, EPOLLIN, true, watch_ready, watch);
	if (!watch->poll)
		return -errno;
	watch->active = true;
	return 0;
}

void io_watch_stop(struct io_watch *watch)
{
	if (!watch->active)
		return;
	watch->active = false;
	poll_end(watch->loop, watch->poll);
	watch->poll = NULL;
}
