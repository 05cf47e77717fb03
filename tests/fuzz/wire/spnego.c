// SPDX-License-Identifier: Apache-2.0
/* The SPNEGO decoder; what it takes of an answer must encode and decode to the same. */
#include <wire/spnego.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spnego_message m, again;
	struct buf b auto_buf = { 0 };

	if (spnego_decode(cur_of(data, size), &m) != STATUS_SUCCESS || m.kind != SPNEGO_RESP)
		return 0;
	spnego_resp_encode(&b, &(struct spnego_resp){ .has_state = m.has_state,
						      .state = m.state,
						      .mech = m.mech,
						      .token = m.token,
						      .mic = m.mic });
	BUG_ON(b.failed);
	BUG_ON(spnego_decode(cur_of(b.data, b.len), &again) != STATUS_SUCCESS);
	BUG_ON(again.kind != SPNEGO_RESP || again.has_state != m.has_state ||
	       again.state != m.state || again.mech != m.mech ||
	       cur_left(&again.token) != cur_left(&m.token) ||
	       cur_left(&again.mic) != cur_left(&m.mic));
	return 0;
}
