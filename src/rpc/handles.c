// SPDX-License-Identifier: Apache-2.0
/* See handles.h. */
#include "handles.h"

struct table {
	struct handle rows[HANDLES_MAX];
};

struct handle *handle_new(void **state, uint8_t id[NDR_HANDLE_LENGTH])
{
	struct table *table = *state;

	if (!table) {
		table = xalloc(1, sizeof(*table));
		*state = table;
	}
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		struct handle *h = &table->rows[i];

		if (h->is_used)
			continue;
		*h = (struct handle){ .is_used = true };
		random_bytes(h->id + 4, sizeof(h->id) - 4); /* the attributes before it are zero */
		memcpy(id, h->id, sizeof(h->id));
		return h;
	}
	return NULL;
}

struct handle *handle_find(void *state, const uint8_t id[NDR_HANDLE_LENGTH])
{
	struct table *table = state;

	for (size_t i = 0; table && i < HANDLES_MAX; i++) {
		if (table->rows[i].is_used && !memcmp(table->rows[i].id, id, NDR_HANDLE_LENGTH))
			return &table->rows[i];
	}
	return NULL;
}

uint32_t handle_access(uint32_t wanted, const struct handle_rights *rights, uint32_t most)
{
	const struct {
		uint32_t generic, means;
	} map[] = {
		{ GENERIC_READ, rights->read },
		{ GENERIC_WRITE, rights->write },
		{ GENERIC_EXECUTE, rights->execute },
		{ GENERIC_ALL, rights->all },
		{ MAXIMUM_ALLOWED, most },
	};

	for (size_t i = 0; i < ARRAY_LEN(map); i++) {
		if (wanted & map[i].generic)
			wanted = (wanted & ~map[i].generic) | map[i].means;
	}
	return wanted;
}

void handle_close(struct handle *handle)
{
	*handle = (struct handle){ 0 };
}

void handles_free(void *state)
{
	free(state);
}
