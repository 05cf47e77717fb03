// SPDX-License-Identifier: Apache-2.0
/*
 * Names as they come from the wire: each that decodes comes back as it was, folds to something that
 * compares equal to it, and may be matched against any pattern (the second half of the input).
 */
#include <base/utf16.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_NAME 510u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t half = size / 4 * 2;
	auto_free char *pattern = NULL;
	auto_free char *name = NULL;
	auto_buf struct buf back = { 0 };
	auto_buf struct buf folded = { 0 };

	if (size > 2 * MAX_NAME)
		return 0;
	name = utf16_to_string(cur_of(data, half));
	if (!name)
		return 0;
	utf16_encode(&back, name);
	BUG_ON(back.len != half || utf16_length(name) != half);
	BUG_ON(half && memcmp(back.data, data, half) != 0);
	name_fold(&folded, name);
	buf_u8(&folded, 0);
	BUG_ON(name_compare(name, (const char *)folded.data) != 0);
	BUG_ON(!name_match("*", name));
	pattern = utf16_to_string(cur_of(data + half, (size - half) & ~(size_t)1));
	if (pattern)
		(void)name_match(pattern, name);
	return 0;
}
