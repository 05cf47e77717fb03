// SPDX-License-Identifier: Apache-2.0
/*
 * Named pipes of IPC$: where smb/ finds the RPC services without knowing them. rpc/ registers its
 * endpoints when the node starts. The interface is messages and copied facts only, so that the
 * services can later run in a process of their own.
 */
#ifndef FILESERVER_PIPE_H
#define FILESERVER_PIPE_H

#include <base/buf.h>
#include <base/cursor.h>
#include <fileserver/server.h>

/* Who is at the other end of a pipe, and under which name it was dialled. */
struct pipe_peer {
	struct server *server;	   /* the scope: what every answer is about */
	char dialled[256];	   /* the server part of the UNC path as the client wrote it */
	const struct token *token; /* lives as long as the pipe */
	char client[64];
	uint64_t session_id;
};

#define PIPE_MAX_MESSAGE (1u << 20) /* bytes that one pipe may have waiting in one direction */

struct pipe_endpoint {
	const char *name; /* "srvsvc" */
	/* open - state of one pipe, or NULL. */
	void *(*open)(const struct pipe_peer *peer);
	/*
	 * exchange - take the client's bytes (whole PDUs or parts of them) and append what is to be
	 * read to @out. An error ends the pipe: later reads give STATUS_PIPE_DISCONNECTED.
	 */
	ntstatus (*exchange)(void *state, struct cursor in, struct buf *out);
	void (*close)(void *state);
};
void pipe_register(
	const struct pipe_endpoint *endpoint); /* before the first client; never undone */
/* pipe_endpoint_find - by name without case ("\srvsvc", "srvsvc", "PIPE\srvsvc"); NULL where there
 * is none. */
const struct pipe_endpoint *pipe_endpoint_find(const char *name);

#endif
