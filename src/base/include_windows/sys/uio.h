// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WINDOWS_SYS_UIO_H
#define BASE_WINDOWS_SYS_UIO_H

#include <stddef.h>

struct iovec {
	void *iov_base;
	size_t iov_len;
};

#endif
