// SPDX-License-Identifier: Apache-2.0
#include <base/base.h>

#include <windows.h>

#include <bcrypt.h>

void random_bytes(void *data, size_t length)
{
	BUG_ON(length > UINT32_MAX ||
	       BCryptGenRandom(NULL, data, (ULONG)length, BCRYPT_USE_SYSTEM_PREFERRED_RNG));
}
