// SPDX-License-Identifier: Apache-2.0
/*
 * DCE/RPC calls over a pipe of IPC$ (MS-RPCE 2.1.1.2), for simple callers: each waits for its
 * answer, on the connection of a struct client_sync, whose thread it belongs to.
 */
#ifndef CLIENT_RPC_H
#define CLIENT_RPC_H

#include <client/client_sync.h>
#include <wire/dcerpc.h>

struct rpc_pipe;

#define RPC_REPLY_MAX (1u << 20) /* bytes of one answer's stub */

/* rpc_open - connect IPC$ of @server (as it is dialled), open @pipe ("srvsvc") and bind @interface.
 * NULL and *@status where that fails. */
struct rpc_pipe *rpc_open(struct client_sync *sync, const char *server, const char *pipe,
			  const struct dcerpc_syntax *interface, ntstatus *status);
void rpc_close(struct rpc_pipe *pipe); /* NULL is good */
static inline void rpc_close_ptr(struct rpc_pipe **pipe)
{
	rpc_close(*pipe);
}
#define auto_rpc cleanup(rpc_close_ptr)

/*
 * rpc_call - send @stub as call @opnum; the stub of the answer is appended to @reply. A fault is
 * STATUS_UNSUCCESSFUL with its status in *@fault, which is 0 otherwise.
 */
ntstatus rpc_call(struct rpc_pipe *pipe, uint16_t opnum, struct cursor stub, struct buf *reply,
		  uint32_t *fault) MUST_CHECK;

#endif
