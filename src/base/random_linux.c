// SPDX-License-Identifier: Apache-2.0
#include <base/base.h>

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *data, size_t length)
{
	uint8_t *at = data;

	while (length) {
		ssize_t n = getrandom(at, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		BUG_ON(n <= 0);
		at += n;
		length -= (size_t)n;
	}
}
