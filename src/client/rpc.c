// SPDX-License-Identifier: Apache-2.0
/*
 * A pipe as an association with one presentation context. A request goes out in one transceive when
 * it is one fragment, else fragment after fragment is written; what comes back is read until the
 * last fragment of the answer is whole.
 */
#include <client/rpc.h>

#include <wire/smb2.h>

#define PIPE_ACCESS 0x0012019Fu /* read, write, attributes, synchronize */
#define PIPE_ROOM   4280u
#define PDU_MAX	    5840u
#ifndef FSCTL_PIPE_TRANSCEIVE
#define FSCTL_PIPE_TRANSCEIVE 0x0011C017u
#endif

struct rpc_pipe {
	struct client_sync *sync;
	struct client_tree tree;
	struct smb2_file_id file;
	bool is_open;
	uint32_t call_id;
	uint16_t max_frag;
	struct buf in; /* bytes that have come and are not used yet */
};

/* One whole PDU is at the front of pipe->in: its header. */
static ntstatus take_pdu(struct rpc_pipe *pipe, struct dcerpc_header *header)
{
	for (;;) {
		struct cursor c = cur_of(pipe->in.data, pipe->in.len);
		uint8_t part[PIPE_ROOM];
		size_t got = 0;
		ntstatus status;

		if (pipe->in.len >= DCERPC_HEADER_SIZE) {
			if (!dcerpc_header_decode(&c, header) || header->frag_length > PDU_MAX)
				return STATUS_INVALID_NETWORK_RESPONSE;
			if (pipe->in.len >= header->frag_length)
				return STATUS_SUCCESS;
		}
		status =
			sync_read(pipe->sync, &pipe->tree, pipe->file, 0, part, sizeof(part), &got);
		if (status && status != STATUS_BUFFER_OVERFLOW)
			return status;
		if (!got)
			return STATUS_INVALID_NETWORK_RESPONSE;
		buf_bytes(&pipe->in, part, got);
	}
}

static void drop_pdu(struct rpc_pipe *pipe, const struct dcerpc_header *header)
{
	pipe->in.len -= header->frag_length;
	memmove(pipe->in.data, pipe->in.data + header->frag_length, pipe->in.len);
}

/* All fragments of one PDU: the last one as a transceive, which saves a round. */
static ntstatus send_pdus(struct rpc_pipe *pipe, const struct buf *out)
{
	size_t at = 0;
	ntstatus status;

	while (out->len - at > pipe->max_frag) {
		struct cursor c = cur_of(out->data + at, out->len - at);
		struct dcerpc_header header;

		if (!dcerpc_header_decode(&c, &header) || at + header.frag_length >= out->len)
			break;
		status = sync_write(pipe->sync, &pipe->tree, pipe->file, 0, out->data + at,
				    header.frag_length);
		if (status)
			return status;
		at += header.frag_length;
	}
	status = sync_ioctl(pipe->sync, &pipe->tree, pipe->file, FSCTL_PIPE_TRANSCEIVE,
			    cur_of(out->data + at, out->len - at), PIPE_ROOM, &pipe->in);
	return status == STATUS_BUFFER_OVERFLOW ? STATUS_SUCCESS : status;
}

static ntstatus bind_interface(struct rpc_pipe *pipe, const struct dcerpc_syntax *interface)
{
	struct dcerpc_bind bind = { .max_xmit_frag = PIPE_ROOM,
				    .max_recv_frag = PIPE_ROOM,
				    .context_count = 1 };
	auto_free struct dcerpc_bind_ack *ack = xalloc(1, sizeof(*ack));
	auto_buf struct buf out = { 0 };
	struct dcerpc_header header;
	struct cursor c;
	ntstatus status;

	bind.contexts[0].transfer_count = 1;
	bind.contexts[0].abstract = *interface;
	bind.contexts[0].transfers[0] = DCERPC_NDR;
	dcerpc_bind_encode(&out, DCERPC_BIND, ++pipe->call_id, &bind);
	status = send_pdus(pipe, &out);
	if (!status)
		status = take_pdu(pipe, &header);
	if (status)
		return status;
	c = cur_of(pipe->in.data, header.frag_length);
	cur_skip(&c, DCERPC_HEADER_SIZE);
	if (header.type != DCERPC_BIND_ACK || !dcerpc_bind_ack_decode(&c, ack) ||
	    ack->result_count != 1)
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (ack->results[0].result != DCERPC_ACCEPTANCE)
		return STATUS_NOT_SUPPORTED;
	if (ack->max_recv_frag >= DCERPC_MUST_RECV_FRAG && ack->max_recv_frag < pipe->max_frag)
		pipe->max_frag = ack->max_recv_frag;
	drop_pdu(pipe, &header);
	return STATUS_SUCCESS;
}

struct rpc_pipe *rpc_open(struct client_sync *sync, const char *server, const char *name,
			  const struct dcerpc_syntax *interface, ntstatus *status)
{
	auto_free char *share = xasprintf("\\\\%s\\IPC$", server);
	struct rpc_pipe *pipe = xalloc(1, sizeof(*pipe));

	pipe->sync = sync;
	pipe->max_frag = PIPE_ROOM;
	pipe->in.limit = RPC_REPLY_MAX;
	*status = sync_tree_connect(sync, share, &pipe->tree, NULL);
	if (!*status) {
		*status =
			sync_open(sync, &pipe->tree, name, PIPE_ACCESS, FILE_OPEN, 0, &pipe->file);
		pipe->is_open = !*status;
	}
	if (!*status)
		*status = bind_interface(pipe, interface);
	if (!*status)
		return pipe;
	rpc_close(pipe);
	return NULL;
}

void rpc_close(struct rpc_pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->is_open)
		(void)!sync_close(pipe->sync, &pipe->tree, pipe->file);
	if (pipe->tree.id)
		(void)!sync_tree_disconnect(pipe->sync, &pipe->tree);
	buf_free(&pipe->in);
	free(pipe);
}

/* One fragment of the answer; *last: there is no more. */
static ntstatus take_fragment(struct rpc_pipe *pipe, struct buf *reply, uint32_t *fault, bool *last)
{
	struct dcerpc_response response;
	struct dcerpc_header header;
	struct cursor c;
	uint16_t context;
	ntstatus status = take_pdu(pipe, &header);

	if (status)
		return status;
	c = cur_of(pipe->in.data, header.frag_length);
	cur_skip(&c, DCERPC_HEADER_SIZE);
	if (header.call_id != pipe->call_id)
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (header.type == DCERPC_FAULT && dcerpc_fault_decode(&c, &context, fault)) {
		drop_pdu(pipe, &header);
		*last = true;
		return STATUS_UNSUCCESSFUL;
	}
	if (header.type != DCERPC_RESPONSE || header.auth_length ||
	    !dcerpc_response_decode(&c, &response))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (reply->len + cur_left(&response.stub) > RPC_REPLY_MAX)
		return STATUS_INVALID_NETWORK_RESPONSE;
	buf_bytes(reply, response.stub.at, cur_left(&response.stub));
	*last = header.flags & DCERPC_LAST_FRAG;
	drop_pdu(pipe, &header);
	return STATUS_SUCCESS;
}

ntstatus rpc_call(struct rpc_pipe *pipe, uint16_t opnum, struct cursor stub, struct buf *reply,
		  uint32_t *fault)
{
	auto_buf struct buf out = { 0 };
	bool last = false;
	ntstatus status;

	*fault = 0;
	dcerpc_request_encode(&out, ++pipe->call_id, 0, opnum, stub, pipe->max_frag);
	if (out.failed)
		return STATUS_NO_MEMORY;
	status = send_pdus(pipe, &out);
	while (!status && !last)
		status = take_fragment(pipe, reply, fault, &last);
	return status;
}
