// SPDX-License-Identifier: Apache-2.0
/*
 * A whole pipe: the first byte picks who is at the other end, which pipe, and whether it is bound
 * already; the rest is written to it in parts. The file server behind it is the one of the unit
 * tests, whose shares a call may make and remove.
 */
#include "../../unit/rpc/fake.h"

#include <base/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool registered;
	auto_buf struct buf out = { 0 };
	struct cursor c = cur_of(data, size);
	uint8_t which = cur_u8(&c);
	const struct pipe_endpoint *endpoint;
	bool is_wkssvc = which & 1;
	void *pipe;

	if (!registered)
		rpc_register();
	registered = true;
	log_set_level(LOG_LEVEL_ERROR);
	fake_reset();
	endpoint = pipe_endpoint_find(is_wkssvc ? "wkssvc" : "srvsvc");
	pipe = fake_open(endpoint->name, which & 2   ? &fake_user
					 : which & 4 ? &fake_stranger
						     : &fake_admin);
	BUG_ON(!pipe);
	if (which & 8)
		bind_first(endpoint, pipe, is_wkssvc ? &WKSSVC_INTERFACE : &SRVSVC_INTERFACE);
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
	return 0;
}
