// SPDX-License-Identifier: Apache-2.0
/*
 * One call: the row of its table, what the row needs, its handler, its line in the log.
 */
#include <base/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <wire/srvsvc.h>

#include "interface.h"

static const struct rpc_row *row_find(const struct rpc_interface *interface, uint16_t opnum)
{
	for (size_t i = 0; i < interface->row_count; i++) {
		if (interface->rows[i].opnum == opnum)
			return &interface->rows[i];
	}
	return NULL;
}

const char *call_text(struct rpc_call *call, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return NULL;
	text = ndr_alloc(call->in, (size_t)length + 1, 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

static void audit(const struct rpc_interface *interface, const struct rpc_call *call,
		  uint32_t fault)
{
	const struct pipe_peer *peer = call->peer;
	char user[2 * TOKEN_MAX_NAME], status[48];

	snprintf(user, sizeof(user), "%s\\%s", peer->token->domain_name, peer->token->user_name);
	if (call->status >> 16)
		snprintf(status, sizeof(status), "%s", ntstatus_name(call->status));
	else
		snprintf(status, sizeof(status), "%u", call->status);
	log_info("rpc call client=%s user=%s server=%s dialled=%s call=%s.%s object=%s status=%s "
		 "fault=0x%08x why=%s",
		 peer->client, LOG_TEXT(user), peer->server->name, LOG_TEXT(peer->dialled),
		 interface->pipe, call->row->name, call->object ? LOG_TEXT(call->object) : "-",
		 status, fault, call->error.text[0] ? LOG_TEXT(call->error.text) : "-");
}

/* Count a refusal of this row; true for the first of the pipe. */
static bool is_first_refusal(struct rpc_pipe *pipe, const struct rpc_row *row)
{
	size_t at = 0;

	while (at < pipe->refusal_count && pipe->refusals[at].row != row)
		at++;
	if (at == pipe->refusal_count) {
		BUG_ON(at == RPC_MAX_ROWS);
		pipe->refusals[pipe->refusal_count++].row = row;
	}
	return ++pipe->refusals[at].times == 1;
}

void call_log_refusals(const struct rpc_interface *interface, const struct pipe_peer *peer,
		       const struct rpc_pipe *pipe)
{
	for (size_t i = 0; i < pipe->refusal_count; i++) {
		const struct refusal *r = &pipe->refusals[i];

		if (r->times > 1)
			log_info("rpc calls refused client=%s user=%s\\%s server=%s call=%s.%s "
				 "times=%u",
				 LOG_TEXT(peer->client), LOG_TEXT(peer->token->domain_name),
				 LOG_TEXT(peer->token->user_name), peer->server->name,
				 interface->pipe, r->row->name, r->times);
	}
}

bool call_may_look_up(struct rpc_call *call, uint32_t count)
{
	if (count > call->pipe->lookups_left)
		return false;
	call->pipe->lookups_left -= count;
	return true;
}

/* Has the caller what its row needs? */
static bool may_call(const struct rpc_call *call)
{
	switch (call->row->needs) {
	case RPC_NEEDS_PIPE:
		return true;
	case RPC_NEEDS_ACCOUNT:
		return manage_may_look_up(call->peer->server, call->peer->token);
	case RPC_NEEDS_ADMIN:
		return call->is_admin;
	}
	return false;
}

/* Interfaces answer Win32 errors or NTSTATUS. */
static bool is_refusal(uint32_t status)
{
	return status == WERR_ACCESS_DENIED || status == STATUS_ACCESS_DENIED;
}

/* What those who may change something do, each of it; and what was refused, of which a pipe has one
 * line for each row, as one write may bring many. */
static void log_call(const struct rpc_interface *interface, const struct rpc_call *call,
		     uint32_t fault)
{
	bool is_change = call->row->changes && !call->refused;

	if (is_change || ((call->row->changes || is_refusal(call->status) || fault) &&
			  is_first_refusal(call->pipe, call->row)))
		audit(interface, call, fault);
}

static uint32_t handle(const struct rpc_interface *interface, const struct pipe_peer *peer,
		       uint16_t opnum, struct cursor stub, struct rpc_pipe *pipe, struct buf *reply)
{
	struct ndr_reader in = ndr_reader_of(stub);
	struct ndr_writer out = ndr_writer_of(reply);
	struct rpc_call call = {
		.peer = peer,
		.opnum = opnum,
		.in = &in,
		.out = &out,
		.state = &pipe->state,
		.pipe = pipe,
	};
	uint32_t fault;

	call.row = row_find(interface, opnum);
	if (!call.row) {
		log_debug("rpc call unknown client=%s server=%s pipe=%s opnum=%u",
			  LOG_TEXT(peer->client), peer->server->name, interface->pipe, opnum);
		return RPC_FAULT_OP_RANGE;
	}
	call.is_admin = manage_is_administrator(peer->server, peer->token);
	if (!may_call(&call))
		call.refused = WERR_ACCESS_DENIED;
	fault = call.row->handle(&call);
	if (!fault && (reply->failed || in.fault == RPC_FAULT_OUT_OF_MEMORY))
		fault = RPC_FAULT_OUT_OF_MEMORY;
	log_call(interface, &call, fault);
	ndr_reader_free(&in);
	return fault;
}

void call_run(const struct rpc_interface *interface, const struct pipe_peer *peer, uint16_t opnum,
	      uint16_t context_id, uint32_t call_id, uint16_t max_frag, struct cursor stub,
	      struct rpc_pipe *pipe, struct buf *out)
{
	auto_buf struct buf reply = { .limit = RPC_MAX_REPLY };
	uint32_t fault = handle(interface, peer, opnum, stub, pipe, &reply);

	if (fault)
		dcerpc_fault_encode(out, call_id, context_id,
				    fault == RPC_FAULT_OP_RANGE ? DCERPC_DID_NOT_EXECUTE : 0,
				    fault);
	else
		dcerpc_response_encode(out, call_id, context_id, cur_of(reply.data, reply.len),
				       max_frag);
}
