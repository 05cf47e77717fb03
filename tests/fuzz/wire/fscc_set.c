// SPDX-License-Identifier: Apache-2.0
/* SET_INFO payloads: the first byte is the class. */
#include <wire/fscc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile uint8_t sum = 0;
	struct file_set s;

	if (!size || fscc_set_decode(data[0], cur_of(data + 1, size - 1), &s))
		return 0;
	while (cur_left(&s.name))
		sum = (uint8_t)(sum + cur_u8(&s.name));
	while (cur_left(&s.ea))
		sum = (uint8_t)(sum + cur_u8(&s.ea));
	return 0;
}
