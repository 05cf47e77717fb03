// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a connection: accepted, held to its deadlines and limits, dropped, closed.
 *
 * Deadlines are one timer: until NEGOTIATE, then until a first session is valid, then none while
 * there is one, so that an idle session wakes nobody.
 */
#include "connection.h"

#include <arpa/inet.h>
#include <base/log.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "request.h"

#define FRAME_LIMIT_BARE  (64u << 10) /* before there is a session */
#define FRAME_LIMIT_EXTRA (64u << 10) /* headers and names around the longest write */

struct smb smb;

struct connection *connection_get(struct connection *conn)
{
	conn->refs++;
	return conn;
}

void connection_put(struct connection *conn)
{
	BUG_ON(!conn->refs);
	if (--conn->refs)
		return;
	BUG_ON(conn->stream || conn->channel_count || conn->waiting);
	sequence_end(&conn->sequence);
	server_put(conn->server);
	free(conn);
}

void connection_drop(struct connection *conn, const char *why)
{
	if (conn->is_dropped || !conn->stream)
		return;
	conn->is_dropped = true;
	log_info("connection dropped client=%s why=\"%s\"", conn->client, why);
	stream_close(conn->stream);
}

static void deadline(struct loop_timer *timer)
{
	struct connection *conn = container_of(timer, struct connection, timer);

	COUNT(timeouts, 1);
	connection_drop(conn, !conn->dialect ? "no NEGOTIATE in time" : "no session in time");
}

static void set_deadline(struct connection *conn, uint32_t after_ms)
{
	if (after_ms && conn->stream)
		loop_timer_start(conn->home->loop, &conn->timer, after_ms, deadline);
	else
		loop_timer_stop(conn->home->loop, &conn->timer);
}

void connection_negotiated(struct connection *conn)
{
	set_deadline(conn, smb.config.authenticate_timeout_ms);
}

static void count_authenticated(struct connection *conn)
{
	if (!conn->is_unauthenticated)
		return;
	COUNT(unauthenticated, -1);
	client_bare_release(conn->client_slot);
	conn->is_unauthenticated = false;
}

void connection_authenticated(struct connection *conn)
{
	count_authenticated(conn);
	set_deadline(conn, 0);
	stream_set_limit(conn->stream, conn->max_write + FRAME_LIMIT_EXTRA);
}

void connection_bare(struct connection *conn)
{
	set_deadline(conn, smb.config.idle_timeout_ms);
}

/*
 * Take no more requests while too much is held for the client. What is unsent has a lower limit
 * than all that is held: replies that are made faster than they leave only fall out of the
 * processor's cache.
 */
static void check_pause(struct connection *conn)
{
	size_t unsent;

	if (!conn->stream || conn->is_dropped)
		return;
	unsent = stream_queued_bytes(conn->stream);
	if (!conn->is_paused && (conn->is_resting || unsent > smb.config.max_unsent_bytes ||
				 unsent + conn->held_bytes > smb.config.max_queued_bytes)) {
		conn->is_paused = true;
		stream_pause(conn->stream);
	} else if (conn->is_paused && !conn->is_resting &&
		   unsent <= smb.config.max_unsent_bytes / 2 &&
		   unsent + conn->held_bytes <= smb.config.max_queued_bytes / 2) {
		conn->is_paused = false;
		stream_resume(conn->stream);
	}
}

void connection_hold(struct connection *conn, ssize_t bytes)
{
	conn->held_bytes += (size_t)bytes;
	check_pause(conn);
}

static void rest_over(struct loop_task *task)
{
	struct connection *conn = container_of(task, struct connection, rest);

	conn->worked_bytes = 0;
	conn->is_resting = false;
	check_pause(conn);
	connection_put(conn);
}

void connection_worked(struct connection *conn, size_t bytes)
{
	conn->worked_bytes += bytes;
	if (conn->is_resting || conn->worked_bytes < smb.config.max_unsent_bytes)
		return;
	conn->is_resting = true;
	conn->rest = (struct loop_task){ .run = rest_over };
	connection_get(conn);
	loop_post(conn->home->loop, &conn->rest);
	check_pause(conn);
}

void connection_send(struct connection *conn, struct buf *frame)
{
	if (!conn->stream || conn->is_dropped) {
		buf_free(frame);
		return;
	}
	COUNT(frames_out, 1);
	COUNT(bytes_out, frame->len);
	conn->sent_bytes += frame->len;
	stream_send(conn->stream, frame);
	check_pause(conn);
}

static void frame_came(struct stream *stream, struct frame *frame)
{
	struct connection *conn = stream_owner(stream);

	COUNT(frames_in, 1);
	COUNT(bytes_in, frame->length);
	if (conn->is_dropped)
		frame_free(frame);
	else
		request_begin(conn, frame);
}

static void stream_drained(struct stream *stream)
{
	check_pause(stream_owner(stream));
}

static void stream_closed(struct stream *stream, int error)
{
	struct connection *conn = stream_owner(stream);
	struct smb_loop *home = conn->home;

	log_debug("connection closed client=%s error=%d", conn->client, error);
	if (error)
		COUNT(connections_failed, 1);
	conn->stream = NULL;
	conn->is_dropped = true;
	loop_timer_stop(home->loop, &conn->timer);
	request_cancel_all(conn);
	breaks_closed(conn);
	session_end_all(conn);
	count_authenticated(conn);
	client_count_release(conn->client_slot);
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		home->connections = conn->next;
	if (conn->next)
		conn->next->previous = conn->previous;
	__atomic_sub_fetch(&home->load, 1, __ATOMIC_RELAXED);
	COUNT(connections, -1);
	connection_put(conn);
}

static const struct stream_events events = {
	.frame = frame_came,
	.drained = stream_drained,
	.closed = stream_closed,
};

static void name_client(struct connection *conn, const struct sockaddr_storage *peer,
			socklen_t length)
{
	char host[48], port[8];

	if (getnameinfo((const void *)peer, length, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(conn->client, sizeof(conn->client), "local");
	else
		snprintf(conn->client, sizeof(conn->client),
			 peer->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* A client that has gone without a word (power, cable) gives up what it holds after ten minutes. */
static void keep_alive(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 300 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 60 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) /* fails on a Unix socket: no matter */
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

/* May there be one more? NULL, or the limit that says no. */
static const char *admit(struct connection *conn, const struct sockaddr_storage *peer)
{
	if (GAUGE(connections) >= smb.config.max_connections)
		return "max_connections";
	if (GAUGE(unauthenticated) >= smb.config.max_unauthenticated)
		return "max_unauthenticated";
	if (!client_count_take(peer, &conn->client_slot))
		return "max_connections_per_client";
	if (!client_bare_take(conn->client_slot)) {
		client_count_release(conn->client_slot);
		return "max_unauthenticated_per_client";
	}
	return NULL;
}

static void refuse(struct connection *conn, int fd, const char *why)
{
	log_warn("connection refused client=%s why=%s", conn->client, why);
	COUNT(connections_refused, 1);
	__atomic_sub_fetch(&conn->home->load, 1, __ATOMIC_RELAXED);
	close(fd);
	free(conn);
}

void connection_open(struct smb_loop *home, int fd, uint64_t listener)
{
	struct connection *conn = xalloc(1, sizeof(*conn));
	struct sockaddr_storage peer = { 0 };
	socklen_t length = sizeof(peer);
	const char *limit;

	conn->home = home;
	conn->listener = listener;
	if (getpeername(fd, (void *)&peer, &length))
		peer.ss_family = AF_UNSPEC;
	name_client(conn, &peer, length);
	length = sizeof(conn->local);
	if (getsockname(fd, (void *)&conn->local, &length))
		conn->local.ss_family = AF_UNSPEC;
	limit = admit(conn, &peer);
	if (limit) {
		refuse(conn, fd, limit);
		return;
	}
	if (conn->local.ss_family == AF_INET || conn->local.ss_family == AF_INET6)
		conn->server = scope_server("", (const void *)&conn->local);
	else
		conn->server = registry_node(); /* handed over on another kind of socket */
	if (!conn->server) {
		client_bare_release(conn->client_slot);
		client_count_release(conn->client_slot);
		refuse(conn, fd, "no file server is online on this address");
		return;
	}
	keep_alive(fd);
	conn->refs = 1;
	conn->is_unauthenticated = true;
	sequence_begin(&conn->sequence, smb.config.max_credits);
	conn->next = home->connections;
	if (conn->next)
		conn->next->previous = conn;
	home->connections = conn;
	COUNT(connections, 1);
	COUNT(connections_accepted, 1);
	COUNT(unauthenticated, 1);
	conn->stream = stream_new(home->loop, fd, &events, conn);
	stream_set_limit(conn->stream, FRAME_LIMIT_BARE);
	stream_set_partial_timeout(conn->stream, smb.config.partial_timeout_ms);
	set_deadline(conn, smb.config.negotiate_timeout_ms);
}
