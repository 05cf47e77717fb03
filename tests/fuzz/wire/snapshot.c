// SPDX-License-Identifier: Apache-2.0
/* Tokens of previous versions: what is one is written again as it was read. */
#include <base/base.h>
#include <wire/snapshot.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[GMT_TOKEN];
	nttime time;

	if (!gmt_token_parse((const char *)data, size, &time))
		return 0;
	gmt_token(time, again);
	BUG_ON(size != GMT_TOKEN - 1 || memcmp(again, data, size) != 0);
	return 0;
}
