// SPDX-License-Identifier: Apache-2.0
/* Reparse data as clients send them, and the error that a symbolic link among them makes. */
#include <wire/reparse.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf error = { 0 };
	struct reparse reparse;

	if (reparse_decode(cur_of(data, size), &reparse))
		return 0;
	BUG_ON(cur_left(&reparse.data) > size);
	if (reparse_check(&reparse))
		return 0;
	smb2_symlink_error_encode(&error, &reparse, 2);
	BUG_ON(error.failed || error.len != 16 + cur_left(&reparse.data));
	return 0;
}
