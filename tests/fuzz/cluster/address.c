// SPDX-License-Identifier: Apache-2.0
/* Addresses as administrators write them: what is taken can be written again and means the same. */
#include <cluster/address.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	auto_free char *text = strndup((const char *)data, length);
	struct address all[16], again;
	char shown[64];
	int count = address_parse_list(text, 445, all, ARRAY_LEN(all));

	for (int i = 0; i < count; i++) {
		BUG_ON(!address_parse(address_format(&all[i], shown), 445, &again));
		BUG_ON(memcmp(&all[i].socket, &again.socket, sizeof(again.socket)) != 0);
	}
	return 0;
}
