// SPDX-License-Identifier: Apache-2.0
/*
 * What a fuzz input says to a pipe. The bits of its first byte: 1 wkssvc, 128 winreg, both lsarpc,
 * 8 the pipe is bound already, 16 the rest is an operation's number and stub, 32 in small
 * fragments, 64 seven bytes at a time; 2 and 4 tell who is at the other end, and both that it is
 * samr.
 */
#ifndef RPC_CONVERSE_H
#define RPC_CONVERSE_H

#include <fileserver/pipe.h>
#include <wire/lsa.h>
#include <wire/samr.h>
#include <wire/winreg.h>
#include <wire/wkssvc.h>

/* peer_of - 0 an Administrator, 1 a user, 2 a stranger. */
static unsigned peer_of(uint8_t which)
{
	return which & 2 ? (which & 4 ? 0 : 1) : which & 4 ? 2 : 0;
}

static const char *pipe_of(uint8_t which)
{
	if ((which & 6) == 6)
		return "samr";
	if (which & 128)
		return which & 1 ? "lsarpc" : "winreg";
	return which & 1 ? "wkssvc" : "srvsvc";
}

static const struct dcerpc_syntax *interface_of(uint8_t which)
{
	if ((which & 6) == 6)
		return &SAMR_INTERFACE;
	if (which & 128)
		return which & 1 ? &LSA_INTERFACE : &WINREG_INTERFACE;
	return which & 1 ? &WKSSVC_INTERFACE : &SRVSVC_INTERFACE;
}

static void bind_first(const struct pipe_endpoint *endpoint, void *pipe,
		       const struct dcerpc_syntax *interface)
{
	struct dcerpc_bind bind = { .max_xmit_frag = 4280,
				    .max_recv_frag = 4280,
				    .context_count = 1 };
	auto_buf struct buf in = { 0 }, out = { 0 };

	bind.contexts[0].transfer_count = 1;
	bind.contexts[0].abstract = *interface;
	bind.contexts[0].transfers[0] = DCERPC_NDR;
	dcerpc_bind_encode(&in, DCERPC_BIND, 1, &bind);
	BUG_ON(endpoint->exchange(pipe, cur_of(in.data, in.len), &out) != STATUS_SUCCESS);
}

/* converse - @data is a whole pipe: its first byte has been read as @which, the rest is given to
 * it. */
static void converse(const struct pipe_endpoint *endpoint, void *pipe, uint8_t which,
		     struct cursor c)
{
	auto_buf struct buf out = { 0 };

	if (which & 8)
		bind_first(endpoint, pipe, interface_of(which));
	if (which & 16) { /* a request without its header, so that stubs are reached */
		uint16_t opnum = cur_u8(&c);
		auto_buf struct buf in = { 0 };

		dcerpc_request_encode(&in, 2, 0, opnum, c, which & 32 ? 64 : 4280);
		(void)!endpoint->exchange(pipe, cur_of(in.data, in.len), &out);
	} else {
		while (cur_left(&c)) {
			size_t part = which & 64 ? 7 : cur_left(&c);
			struct cursor in = cur_take(&c, min_u64(part, cur_left(&c)));

			if (endpoint->exchange(pipe, in, &out) != STATUS_SUCCESS)
				break;
		}
	}
	endpoint->close(pipe);
}

#endif
