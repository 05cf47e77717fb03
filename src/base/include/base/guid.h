// SPDX-License-Identifier: Apache-2.0
/* GUIDs (MS-DTYP 2.3.4), kept as the sixteen bytes of the wire. */
#ifndef BASE_GUID_H
#define BASE_GUID_H

#include <base/base.h>

struct guid {
	uint8_t bytes[16];
};

#define GUID_TEXT_SIZE 37

static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static inline bool guid_is_null(const struct guid *g)
{
	static const struct guid null;

	return guid_equal(g, &null);
}

static inline struct guid guid_random(void)
{
	struct guid g;

	random_bytes(g.bytes, sizeof(g.bytes));
	return g;
}

#endif
