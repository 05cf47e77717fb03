// SPDX-License-Identifier: Apache-2.0
/* A client of a pipe for the tests of rpc/: it binds, asks, and takes replies apart. */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "fake.h"

#define NO_REPLY 0xff /* no PDU has this type */

static const struct pipe_endpoint *tested; /* the pipe that the helpers speak to */
static const struct dcerpc_syntax *tested_interface;

static void test_pipe(const char *name, const struct dcerpc_syntax *interface)
{
	tested = pipe_endpoint_find(name);
	tested_interface = interface;
}

static ntstatus give(void *pipe, const struct buf *in, struct buf *out)
{
	buf_free(out);
	return tested->exchange(pipe, cur_of(in->data, in->len), out);
}

static void bind_pdu(struct buf *b, const struct dcerpc_syntax *interface,
		     const struct dcerpc_syntax *transfer)
{
	struct dcerpc_bind bind = { .max_xmit_frag = 4280,
				    .max_recv_frag = 4280,
				    .context_count = 1 };

	bind.contexts[0].transfer_count = 1;
	bind.contexts[0].abstract = *interface;
	bind.contexts[0].transfers[0] = *transfer;
	dcerpc_bind_encode(b, DCERPC_BIND, 1, &bind);
}

static void *bound(const struct token *token)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	void *pipe = fake_open(tested->name, token);

	assert_non_null(pipe);
	bind_pdu(&in, tested_interface, &DCERPC_NDR);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	assert_true(out.len > 16);
	assert_int_equal(out.data[2], DCERPC_BIND_ACK);
	return pipe;
}

/* reply_of - the stub of a response, all fragments, or the status of a fault. */
static uint32_t reply_of(const struct buf *out, struct buf *stub)
{
	struct cursor in = cur_of(out->data, out->len);

	while (cur_left(&in)) {
		struct cursor at = in, pdu;
		struct dcerpc_header h;
		struct dcerpc_response response;
		uint16_t context;
		uint32_t status;

		assert_true(dcerpc_header_decode(&at, &h));
		pdu = cur_take(&in, h.frag_length);
		cur_skip(&pdu, DCERPC_HEADER_SIZE);
		if (h.type == DCERPC_FAULT) {
			assert_true(dcerpc_fault_decode(&pdu, &context, &status));
			return status;
		}
		assert_int_equal(h.type, DCERPC_RESPONSE);
		assert_true(dcerpc_response_decode(&pdu, &response));
		buf_bytes(stub, response.stub.at, cur_left(&response.stub));
	}
	return 0;
}

/* ask - one call with what @request holds as stub; the reply's stub in @reply, or the fault. */
static uint32_t ask(void *pipe, uint16_t opnum, const struct buf *request, struct buf *reply)
{
	auto_buf struct buf in = { 0 }, out = { 0 };

	buf_free(reply);
	dcerpc_request_encode(&in, 2, 0, opnum, cur_of(request->data, request->len), 4280);
	assert_int_equal(give(pipe, &in, &out), STATUS_SUCCESS);
	assert_true(out.len >= 24);
	return reply_of(&out, reply);
}

#endif
