// SPDX-License-Identifier: Apache-2.0
/*
 * A whole pipe: the first byte picks who is at the other end, which pipe, and whether it is bound
 * already; the rest is written to it in parts. The file server behind it is the one of the unit
 * tests, whose shares a call may make and remove.
 */
#include "../../unit/rpc/fake.h"

#include <base/log.h>

#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct token *const peers[] = { &fake_admin, &fake_user, &fake_stranger };
	static bool registered;
	struct cursor c = cur_of(data, size);
	uint8_t which = cur_u8(&c);
	const struct pipe_endpoint *endpoint;
	void *pipe;

	if (!registered)
		rpc_register();
	registered = true;
	log_set_level(LOG_LEVEL_ERROR);
	fake_reset();
	endpoint = pipe_endpoint_find(pipe_of(which));
	pipe = fake_open(endpoint->name, peers[peer_of(which)]);
	BUG_ON(!pipe);
	converse(endpoint, pipe, which, c);
	return 0;
}
