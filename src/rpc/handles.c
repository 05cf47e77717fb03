// SPDX-License-Identifier: Apache-2.0
/* See handles.h. */
#include "handles.h"

struct table {
	size_t count;
	struct handle rows[];
};

struct handle *handle_new(void **state, size_t most, uint8_t id[NDR_HANDLE_LENGTH])
{
	struct table *table = *state;

	if (!table) {
		table = xalloc(1, sizeof(*table) + most * sizeof(table->rows[0]));
		table->count = most;
		*state = table;
	}
	for (size_t i = 0; i < table->count; i++) {
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

	for (size_t i = 0; table && i < table->count; i++) {
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
	free(handle->path);
	*handle = (struct handle){ 0 };
}

void handles_free(void *state)
{
	struct table *table = state;

	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].path);
	free(table);
}
