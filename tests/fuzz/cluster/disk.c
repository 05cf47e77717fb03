// SPDX-License-Identifier: Apache-2.0
/* What dumpe2fs prints of a disk that anyone may have written. */
#include <cluster/disk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);
	struct disk_guard guard;

	if (disk_guard_parse(text, &guard)) {
		BUG_ON(strlen(guard.node) >= sizeof(guard.node));
		BUG_ON(guard.is_in_use && !guard.is_on);
	}
	return 0;
}
