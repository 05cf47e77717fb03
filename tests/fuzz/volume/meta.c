// SPDX-License-Identifier: Apache-2.0
/* The record of a file as it lies in the extended attribute: what decodes encodes to the same
 * bytes. */
#include "../../../src/volume/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf again = { 0 };
	struct meta first, second;

	if (meta_decode(cur_of(data, size), &first))
		return 0;
	for (size_t i = 0; i < first.sd_length; i++)
		buf_u8(&again, first.sd[i]); /* read to its end */
	buf_free(&again);
	meta_encode(&again, &first);
	BUG_ON(meta_decode(cur_of(again.data, again.len), &second));
	BUG_ON(second.sd_length != first.sd_length || second.depot_id != first.depot_id ||
	       second.attributes != first.attributes);
	return 0;
}
