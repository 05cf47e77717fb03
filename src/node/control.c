// SPDX-License-Identifier: Apache-2.0
/*
 * The control socket: a Unix socket that only root and the user of berthd may use. Each line is a
 * request, each answer a line, both JSON. A client has a thread; how many, how long a line may be,
 * and how long it may take to come is limited.
 *
 * Locks: control->lock guards the table of clients.
 */
#include "node.h"

#include <base/thread.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_MAX_CLIENTS 32
#define CONTROL_MAX_REQUEST (256u << 10)
#define CONTROL_TIMEOUT_S   30

struct client {
	struct control *control;
	int fd; /* -1: free */
	pthread_t thread;
	bool ended;
};

struct control {
	char *path;
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	bool stopping;
	struct client clients[CONTROL_MAX_CLIENTS];
};

static bool send_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

/* Pacemaker kills an agent that takes too long, and then stops what it was to start: what it asked
 * for must not be done behind that. */
static bool has_gone(int fd)
{
	struct pollfd peer = { .fd = fd };

	return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR));
}

/* Answers the line; false where the client has gone: then nothing is done. */
static bool answer(int fd, const char *line, size_t length)
{
	json_t *reply = has_gone(fd) ? NULL : request_answer(line, length);
	auto_free char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	bool sent;

	json_decref(reply);
	if (!text)
		return false;
	sent = send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
	return sent;
}

static void converse(int fd)
{
	struct buf line = { .limit = CONTROL_MAX_REQUEST };
	bool open = true;

	while (open) {
		uint8_t *end, *room = buf_room(&line, 4096);
		ssize_t n;

		if (!room) {
			static const char too_long[] =
				"{\"ok\":false,\"error\":\"the request is too long\"}\n";

			(void)!send_all(fd, too_long, sizeof(too_long) - 1);
			break;
		}
		n = recv(fd, room, 4096, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		line.len += (size_t)n;
		while (open && (end = memchr(line.data, '\n', line.len)) != NULL) {
			size_t length = (size_t)(end - line.data);

			open = answer(fd, (const char *)line.data, length);
			memmove(line.data, end + 1, line.len - length - 1);
			line.len -= length + 1;
		}
	}
	if (line.data)
		explicit_bzero(line.data, line.cap); /* it may have held a password */
	buf_free(&line);
}

static void *client_run(void *arg)
{
	struct client *client = arg;

	converse(client->fd);
	shutdown(client->fd,
		 SHUT_RDWR); /* the descriptor itself is closed when the thread is joined */
	pthread_mutex_lock(&client->control->lock);
	client->ended = true;
	pthread_mutex_unlock(&client->control->lock);
	return NULL;
}

static bool may_use(int fd)
{
	struct ucred who;
	socklen_t length = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	log_warn("control refused uid=%u pid=%d", who.uid, who.pid);
	return false;
}

static void reap(struct control *c)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct client *client = &c->clients[i];
		bool ended;

		pthread_mutex_lock(&c->lock);
		ended = client->fd >= 0 && client->ended;
		pthread_mutex_unlock(&c->lock);
		if (!ended)
			continue;
		pthread_join(client->thread, NULL);
		pthread_mutex_lock(&c->lock);
		close_fd_ptr(&client->fd);
		pthread_mutex_unlock(&c->lock);
	}
}

static void take_client(struct control *c, int fd)
{
	struct timeval patience = { .tv_sec = CONTROL_TIMEOUT_S };
	struct client *client = NULL;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS && !client && !c->stopping; i++) {
		if (c->clients[i].fd < 0)
			client = &c->clients[i];
	}
	if (client) {
		*client = (struct client){ .control = c, .fd = fd };
		if (thread_start(&client->thread, "control client", client_run, client)) {
			client->fd = -1;
			client = NULL;
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (!client)
		close(fd);
}

static void *accept_run(void *arg)
{
	struct control *c = arg;

	for (;;) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		bool stopping;

		pthread_mutex_lock(&c->lock);
		stopping = c->stopping;
		pthread_mutex_unlock(&c->lock);
		if (stopping) {
			close_fd_ptr(&fd);
			return NULL;
		}
		reap(c);
		if (fd < 0) {
			if (errno != EINTR && errno != ECONNABORTED)
				usleep(100000);
			continue;
		}
		if (may_use(fd))
			take_client(c, fd);
		else
			close(fd);
	}
}

static int bind_socket(const char *path)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error = 0;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path); /* of a node that was killed; the node's lock says that none of the name lives
		       */
	/* The name takes over the mode of the socket; a umask would be that of every thread. */
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = -errno;
	if (!error && listen(fd, 16) < 0)
		error = -errno;
	return error ? error : steal_fd(&fd);
}

int control_start(const char *path, struct control **out, char **why)
{
	struct control *c = xalloc(1, sizeof(*c));
	int error = 0;

	c->path = xstrdup(path);
	pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		c->clients[i].fd = -1;
	c->fd = bind_socket(path);
	if (c->fd < 0)
		error = c->fd;
	else
		error = thread_start(&c->thread, "control", accept_run, c);
	if (error) {
		*why = xasprintf("cannot open the control socket %s: %s", path, strerror(-error));
		close_fd_ptr(&c->fd);
		free(c->path);
		free(c);
		return error;
	}
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		if (c->clients[i].fd >= 0)
			shutdown(c->clients[i].fd, SHUT_RD);
	}
	pthread_mutex_unlock(&c->lock);
	unlink(c->path);
	shutdown(c->fd, SHUT_RDWR); /* ends accept */
	pthread_join(c->thread, NULL);
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		if (c->clients[i].fd < 0)
			continue;
		pthread_join(c->clients[i].thread, NULL);
		close_fd_ptr(&c->clients[i].fd);
	}
	close_fd_ptr(&c->fd);
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
}
