// SPDX-License-Identifier: Apache-2.0
/*
 * Named pipes of IPC$, in message mode: what a client writes goes to the RPC service at once, what
 * the service says waits here until it is read. Each message is one PDU of DCE/RPC (C706 12.6: its
 * length stands at offset 8), and a read never returns bytes of two.
 *
 * A pipe may be used over several channels: pipe->lock lets one call of it in at a time, the
 * service's included. A service that ends the session of its own caller does so by a task.
 */
#include "request.h"

#include <stdio.h>

#define PDU_HEAD      16
#define PDU_LENGTH_AT 8

static void pipe_free(struct pipe_open *pipe)
{
	if (pipe->state)
		pipe->endpoint->close(pipe->state);
	token_put((struct token *)(uintptr_t)pipe->peer.token);
	server_put(pipe->peer.server);
	buf_free(&pipe->out);
	pthread_mutex_destroy(&pipe->lock);
	free(pipe);
}

void pipe_put(struct pipe_open *pipe)
{
	if (pipe && !__atomic_sub_fetch(&pipe->refs, 1, __ATOMIC_ACQ_REL))
		pipe_free(pipe);
}

static struct pipe_open *pipe_new(const struct session *session, const struct tree *tree,
				  const struct pipe_endpoint *endpoint, const char *client)
{
	struct pipe_open *pipe = xalloc(1, sizeof(*pipe));

	pthread_mutex_init(&pipe->lock, NULL);
	pipe->refs = 2; /* its session's and the caller's */
	pipe->endpoint = endpoint;
	pipe->tree_id = tree->id;
	pipe->peer.server = server_get(tree->server);
	snprintf(pipe->peer.dialled, sizeof(pipe->peer.dialled), "%s", tree->dialled);
	pipe->peer.token = token_get(session_token(session));
	snprintf(pipe->peer.client, sizeof(pipe->peer.client), "%s", client);
	pipe->peer.session_id = session->id;
	pipe->out.limit = PIPE_MAX_MESSAGE;
	pipe->state = endpoint->open(&pipe->peer);
	return pipe;
}

static ntstatus enter(struct session *session, const struct tree *tree, struct pipe_open *pipe)
{
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&session->lock);
	if (session->state != SESSION_VALID || tree_is_gone(tree))
		status = STATUS_USER_SESSION_DELETED;
	else if (session->pipe_count >= smb.config.max_pipes_per_session)
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (!status) {
		pipe->id.volatile_id = session->next_pipe_id++;
		pipe->id.persistent = ~pipe->id.volatile_id;
		pipe->next = session->pipes;
		session->pipes = pipe;
		session->pipe_count++;
	}
	pthread_mutex_unlock(&session->lock);
	return status;
}

ntstatus pipe_open(struct session *session, struct tree *tree, const char *name, const char *client,
		   struct pipe_open **out)
{
	const struct pipe_endpoint *endpoint = pipe_endpoint_find(name);
	struct pipe_open *pipe;
	ntstatus status;

	if (!endpoint)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	pipe = pipe_new(session, tree, endpoint, client);
	status = pipe->state ? enter(session, tree, pipe) : STATUS_INSUFFICIENT_RESOURCES;
	if (status)
		pipe_free(pipe);
	else
		*out = pipe;
	return status;
}

struct pipe_open *pipe_find(struct session *session, const struct smb2_file_id *id,
			    uint32_t tree_id)
{
	struct pipe_open *pipe;

	pthread_mutex_lock(&session->lock);
	pipe = session->pipes;
	while (pipe && (pipe->id.volatile_id != id->volatile_id ||
			pipe->id.persistent != id->persistent || pipe->tree_id != tree_id))
		pipe = pipe->next;
	if (pipe)
		__atomic_add_fetch(&pipe->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&session->lock);
	return pipe;
}

/* With pipe->lock: its answer comes as a task, on the reader's loop. */
static void wake_reader(struct pipe_open *pipe, ntstatus status)
{
	struct smb_request *reader = pipe->reader;

	pipe->reader = NULL;
	if (reader)
		request_wake(reader, status);
}

ntstatus pipe_wait_begin(struct pipe_open *pipe, struct smb_request *reader)
{
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&pipe->lock);
	if (pipe->reader)
		status = STATUS_PIPE_BUSY;
	else
		pipe->reader = reader;
	/* It came between the look and the wait, over another channel. */
	if (!status && (pipe->out.len > pipe->out_taken || pipe->is_broken))
		wake_reader(pipe, STATUS_SUCCESS);
	pthread_mutex_unlock(&pipe->lock);
	return status;
}

bool pipe_wait_end(struct pipe_open *pipe, const struct smb_request *reader)
{
	bool was_waiting;

	pthread_mutex_lock(&pipe->lock);
	was_waiting = pipe->reader == reader;
	if (was_waiting)
		pipe->reader = NULL;
	pthread_mutex_unlock(&pipe->lock);
	return was_waiting;
}

static bool take_out(struct session *session, const struct pipe_open *pipe)
{
	struct pipe_open **at = &session->pipes;
	bool found;

	pthread_mutex_lock(&session->lock);
	while (*at && *at != pipe)
		at = &(*at)->next;
	found = *at;
	if (found) {
		*at = pipe->next;
		session->pipe_count--;
	}
	pthread_mutex_unlock(&session->lock);
	return found;
}

ntstatus pipe_close(struct session *session, struct pipe_open *pipe)
{
	if (!take_out(session, pipe))
		return STATUS_FILE_CLOSED;
	pthread_mutex_lock(&pipe->lock);
	pipe->is_broken = true;
	wake_reader(pipe, STATUS_PIPE_DISCONNECTED);
	pthread_mutex_unlock(&pipe->lock);
	pipe_put(pipe);
	return STATUS_SUCCESS;
}

void pipe_close_tree(struct session *session, uint32_t tree_id)
{
	struct pipe_open *pipe;

	do {
		pthread_mutex_lock(&session->lock);
		pipe = session->pipes;
		while (pipe && tree_id != UINT32_MAX && pipe->tree_id != tree_id)
			pipe = pipe->next;
		if (pipe)
			__atomic_add_fetch(&pipe->refs, 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&session->lock);
		if (pipe)
			(void)!pipe_close(session, pipe); /* or another thread has */
		pipe_put(pipe);
	} while (pipe);
}

/* With pipe->lock. */
static size_t available(const struct pipe_open *pipe)
{
	return pipe->out.len - pipe->out_taken;
}

size_t pipe_available(struct pipe_open *pipe)
{
	size_t n;

	pthread_mutex_lock(&pipe->lock);
	n = available(pipe);
	pthread_mutex_unlock(&pipe->lock);
	return n;
}

static ntstatus exchange(struct pipe_open *pipe, struct cursor data)
{
	ntstatus status;

	if (pipe->is_broken)
		return STATUS_PIPE_DISCONNECTED;
	status = pipe->endpoint->exchange(pipe->state, data, &pipe->out);
	if (pipe->out.failed)
		status = STATUS_INSUFFICIENT_RESOURCES;
	pipe->is_broken = nt_failed(status);
	if (available(pipe) || pipe->is_broken)
		wake_reader(pipe, STATUS_SUCCESS);
	return status;
}

ntstatus pipe_write(struct pipe_open *pipe, struct cursor data)
{
	ntstatus status;

	pthread_mutex_lock(&pipe->lock);
	status = exchange(pipe, data);
	pthread_mutex_unlock(&pipe->lock);
	return status;
}

/* Where does the message at the front end? It may have been read in part before. */
static size_t message_left(struct pipe_open *pipe)
{
	struct cursor c = cur_of(pipe->out.data + pipe->out_taken, available(pipe));
	size_t length;

	if (pipe->message_left)
		return pipe->message_left;
	cur_skip(&c, PDU_LENGTH_AT);
	length = cur_u16le(&c);
	if (c.bad || length < PDU_HEAD || length > available(pipe))
		return available(pipe);
	return length;
}

static ntstatus take(struct pipe_open *pipe, size_t room, struct buf *out)
{
	size_t left, n;

	if (!available(pipe))
		return pipe->is_broken ? STATUS_PIPE_DISCONNECTED : STATUS_PIPE_EMPTY;
	left = message_left(pipe);
	n = min_u64(left, room);
	buf_bytes(out, pipe->out.data + pipe->out_taken, n);
	pipe->out_taken += n;
	pipe->message_left = left - n;
	if (!available(pipe)) {
		buf_free(&pipe->out); /* an idle pipe holds nothing */
		pipe->out.limit = PIPE_MAX_MESSAGE;
		pipe->out_taken = 0;
	}
	return pipe->message_left ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

ntstatus pipe_read(struct pipe_open *pipe, size_t room, struct buf *out)
{
	ntstatus status;

	pthread_mutex_lock(&pipe->lock);
	status = take(pipe, room, out);
	pthread_mutex_unlock(&pipe->lock);
	return status;
}
