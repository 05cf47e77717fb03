// SPDX-License-Identifier: Apache-2.0
/* A directory listing as a client reads it (the first byte is the class), and the size of a file
 * system. */
#include <wire/fscc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile uint8_t sum = 0;
	struct directory_entry e;
	struct fs_facts f;
	struct cursor list;

	if (!size)
		return 0;
	list = cur_of(data + 1, size - 1);
	(void)!fscc_fs_full_size_decode(list, &f);
	while (fscc_directory_next(data[0], &list, &e))
		while (cur_left(&e.name))
			sum = (uint8_t)(sum + cur_u8(&e.name));
	return 0;
}
