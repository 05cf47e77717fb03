// SPDX-License-Identifier: Apache-2.0
/* The block of a lease, as anything may have left it on the disk. */
#include <cluster/home_lease.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct home_lease_record record;
	const char *why = "";

	if (home_lease_record_parse((const char *)data, size, &record, &why))
		BUG_ON(strlen(record.node) >= sizeof(record.node));
	return 0;
}
