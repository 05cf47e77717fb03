// SPDX-License-Identifier: Apache-2.0
/* Lists of extended attributes: what reads is written again and reads the same. */
#include <wire/fscc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor list = cur_of(data, size), names = cur_of(data, size), again;
	auto_buf struct buf out = { 0 };
	size_t previous = SIZE_MAX, count = 0;
	struct ea ea, same;

	while (fscc_ea_ask_next(&names, &ea))
		(void)fscc_ea_is_valid(&ea);
	while (fscc_ea_next(&list, &ea)) {
		BUG_ON(fscc_ea_entry(&ea, 0, SIZE_MAX, &previous, &out));
		count++;
	}
	list = cur_of(data, size);
	again = cur_of(out.data, out.len);
	for (; count; count--) {
		BUG_ON(!fscc_ea_next(&list, &ea) || !fscc_ea_next(&again, &same));
		BUG_ON(!fscc_ea_same_name(&ea, &same) || ea.value_length != same.value_length);
	}
	return 0;
}
