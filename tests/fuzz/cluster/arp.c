// SPDX-License-Identifier: Apache-2.0
/* ARP packets, as any machine of the network may send them. */
#include <cluster/address.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t address[4] = { 10, 0, 0, 50 }, own[6] = { 2, 0, 0, 0, 0, 1 };
	struct cursor c = cur_of(data, size);
	uint8_t from[6];

	if (arp_claims(&c, address, own, from))
		BUG_ON(size < 28 || !memcmp(from, own, sizeof(own)));
	return 0;
}
