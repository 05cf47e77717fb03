// SPDX-License-Identifier: Apache-2.0
/* Published vectors are written in hexadecimal; this makes bytes of them. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/base.h>
#include <stdio.h>

struct bytes {
	uint8_t data[320];
	size_t length;
};

static inline struct bytes hex(const char *text)
{
	struct bytes b = { .length = strlen(text) / 2 };
	unsigned value;

	assert_true(b.length <= sizeof(b.data));
	for (size_t i = 0; i < b.length; i++) {
		assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
		b.data[i] = (uint8_t)value;
	}
	return b;
}

static inline void assert_hex(const uint8_t *data, const char *text)
{
	struct bytes b = hex(text);

	assert_memory_equal(data, b.data, b.length);
}

#endif
