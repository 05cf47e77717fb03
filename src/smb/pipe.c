// SPDX-License-Identifier: Apache-2.0
/*
 * Named pipes of IPC$, in message mode: what a client writes goes to the RPC service at once, what
 * the service says waits here until it is read. Each message is one PDU of DCE/RPC (C706 12.6: its
 * length stands at offset 8), and a read never returns bytes of two.
 */
#include "request.h"

#include <stdio.h>

#define PDU_HEAD      16
#define PDU_LENGTH_AT 8

ntstatus pipe_open(struct session *session, struct tree *tree, const char *name,
		   struct pipe_open **out)
{
	const struct pipe_endpoint *endpoint = pipe_endpoint_find(name);
	struct pipe_open *pipe;

	if (!endpoint)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (session->pipe_count >= smb.config.max_pipes_per_session)
		return STATUS_INSUFFICIENT_RESOURCES;
	pipe = xalloc(1, sizeof(*pipe));
	pipe->endpoint = endpoint;
	pipe->tree_id = tree->id;
	pipe->peer.server = server_get(tree->server);
	snprintf(pipe->peer.dialled, sizeof(pipe->peer.dialled), "%s", tree->dialled);
	pipe->peer.token = token_get(session->token);
	snprintf(pipe->peer.client, sizeof(pipe->peer.client), "%s", session->conn->client);
	pipe->peer.session_id = session->id;
	pipe->out.limit = PIPE_MAX_MESSAGE;
	pipe->id.volatile_id = session->next_pipe_id++;
	pipe->id.persistent = ~pipe->id.volatile_id;
	pipe->state = endpoint->open(&pipe->peer);
	if (!pipe->state) {
		token_put((struct token *)(uintptr_t)pipe->peer.token);
		server_put(pipe->peer.server);
		free(pipe);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	pipe->next = session->pipes;
	session->pipes = pipe;
	session->pipe_count++;
	*out = pipe;
	return STATUS_SUCCESS;
}

struct pipe_open *pipe_find(struct session *session, const struct smb2_file_id *id,
			    uint32_t tree_id)
{
	struct pipe_open *pipe = session->pipes;

	while (pipe && (pipe->id.volatile_id != id->volatile_id ||
			pipe->id.persistent != id->persistent || pipe->tree_id != tree_id))
		pipe = pipe->next;
	return pipe;
}

static void wake_reader(struct pipe_open *pipe, ntstatus status)
{
	struct smb_request *reader = pipe->reader;

	pipe->reader = NULL;
	if (reader)
		request_wake(reader, status);
}

void pipe_close(struct session *session, struct pipe_open *pipe)
{
	struct pipe_open **at = &session->pipes;

	while (*at != pipe)
		at = &(*at)->next;
	*at = pipe->next;
	session->pipe_count--;
	wake_reader(pipe, STATUS_PIPE_DISCONNECTED);
	pipe->endpoint->close(pipe->state);
	token_put((struct token *)(uintptr_t)pipe->peer.token);
	server_put(pipe->peer.server);
	buf_free(&pipe->out);
	free(pipe);
}

void pipe_close_tree(struct session *session, uint32_t tree_id)
{
	struct pipe_open *pipe = session->pipes;

	while (pipe) {
		struct pipe_open *next = pipe->next;

		if (tree_id == UINT32_MAX || pipe->tree_id == tree_id)
			pipe_close(session, pipe);
		pipe = next;
	}
}

size_t pipe_available(const struct pipe_open *pipe)
{
	return pipe->out.len - pipe->out_taken;
}

ntstatus pipe_write(struct pipe_open *pipe, struct cursor data)
{
	ntstatus status;

	if (pipe->is_broken)
		return STATUS_PIPE_DISCONNECTED;
	status = pipe->endpoint->exchange(pipe->state, data, &pipe->out);
	if (pipe->out.failed)
		status = STATUS_INSUFFICIENT_RESOURCES;
	pipe->is_broken = nt_failed(status);
	if (pipe_available(pipe) || pipe->is_broken)
		wake_reader(pipe, STATUS_SUCCESS);
	return status;
}

/* Where does the message at the front end? It may have been read in part before. */
static size_t message_left(struct pipe_open *pipe)
{
	struct cursor c = cur_of(pipe->out.data + pipe->out_taken, pipe_available(pipe));
	size_t length;

	if (pipe->message_left)
		return pipe->message_left;
	cur_skip(&c, PDU_LENGTH_AT);
	length = cur_u16le(&c);
	if (c.bad || length < PDU_HEAD || length > pipe_available(pipe))
		return pipe_available(pipe);
	return length;
}

ntstatus pipe_read(struct pipe_open *pipe, size_t room, struct buf *out)
{
	size_t left, n;

	if (!pipe_available(pipe))
		return pipe->is_broken ? STATUS_PIPE_DISCONNECTED : STATUS_PIPE_EMPTY;
	left = message_left(pipe);
	n = min_u64(left, room);
	buf_bytes(out, pipe->out.data + pipe->out_taken, n);
	pipe->out_taken += n;
	pipe->message_left = left - n;
	if (!pipe_available(pipe)) {
		buf_free(&pipe->out); /* an idle pipe holds nothing */
		pipe->out.limit = PIPE_MAX_MESSAGE;
		pipe->out_taken = 0;
	}
	return pipe->message_left ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
