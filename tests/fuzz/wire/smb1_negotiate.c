// SPDX-License-Identifier: Apache-2.0
/* The SMB1 NEGOTIATE that leads to SMB2. */
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	uint16_t dialect;

	(void)!smb1_negotiate_decode(&c, &dialect);
	return 0;
}
