// SPDX-License-Identifier: Apache-2.0
/*
 * Structures of the LAN Manager calls by level: rows, unions of one row, lists of rows. See ndr.h.
 *
 * Every member is one DWORD in place (a value or a referent id; counted bytes are two), so the
 * place of a structure is known from its table and what its members point to is read with a second
 * cursor.
 */
#include <base/utf16.h>
#include <wire/ndr.h>

const struct ndr_level *ndr_level_find(const struct ndr_levels *levels, uint32_t level)
{
	for (size_t i = 0; i < levels->count; i++) {
		if (levels->levels[i].level == level)
			return &levels->levels[i];
	}
	return NULL;
}

static uint32_t row_u32(const void *row, size_t offset)
{
	uint32_t v = 0;

	if (offset != NDR_NOWHERE)
		memcpy(&v, (const char *)row + offset, sizeof(v));
	return v;
}

static const void *row_pointer(const void *row, size_t offset)
{
	const void *p = NULL;

	if (offset != NDR_NOWHERE)
		memcpy(&p, (const char *)row + offset, sizeof(p));
	return p;
}

static void set_u32(void *row, size_t offset, uint32_t v)
{
	if (offset != NDR_NOWHERE)
		memcpy((char *)row + offset, &v, sizeof(v));
}

static void set_pointer(void *row, size_t offset, const void *p)
{
	if (offset != NDR_NOWHERE)
		memcpy((char *)row + offset, &p, sizeof(p));
}

static size_t place_bytes(const struct ndr_level *level)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < level->count; i++)
		bytes += level->fields[i].kind == NDR_BYTES ? 8 : 4;
	return bytes;
}

size_t ndr_level_bytes(const struct ndr_level *level, const void *row)
{
	size_t bytes = place_bytes(level);

	for (uint32_t i = 0; i < level->count; i++) {
		const struct ndr_field *f = &level->fields[i];

		if (f->kind == NDR_STRING && row_pointer(row, f->offset))
			bytes += utf16_length(row_pointer(row, f->offset)) + 2;
		else if (f->kind == NDR_BYTES && row_pointer(row, f->offset))
			bytes += row_u32(row, f->length_offset);
	}
	return bytes;
}

static void put_place(struct ndr_writer *w, const struct ndr_level *level, const void *row)
{
	for (uint32_t i = 0; i < level->count; i++) {
		const struct ndr_field *f = &level->fields[i];
		const void *to = f->kind == NDR_U32 ? NULL : row_pointer(row, f->offset);

		if (f->kind == NDR_U32) {
			ndr_put_u32(w, row_u32(row, f->offset));
			continue;
		}
		if (f->kind == NDR_BYTES)
			ndr_put_u32(w, to ? row_u32(row, f->length_offset) : 0);
		ndr_put_pointer(w, to);
	}
}

static void put_pointees(struct ndr_writer *w, const struct ndr_level *level, const void *row)
{
	for (uint32_t i = 0; i < level->count; i++) {
		const struct ndr_field *f = &level->fields[i];
		const void *to = f->kind == NDR_U32 ? NULL : row_pointer(row, f->offset);

		if (!to)
			continue;
		if (f->kind == NDR_STRING)
			ndr_put_string(w, to);
		else
			ndr_put_bytes(w, to, row_u32(row, f->length_offset));
	}
}

void ndr_put_rows(struct ndr_writer *w, const struct ndr_level *level, const void *rows,
		  size_t row_size, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_place(w, level, (const char *)rows + i * row_size);
	for (size_t i = 0; i < count; i++)
		put_pointees(w, level, (const char *)rows + i * row_size);
}

static void get_row(struct ndr_reader *r, struct cursor *place, const struct ndr_level *level,
		    void *row)
{
	for (uint32_t i = 0; i < level->count; i++) {
		const struct ndr_field *f = &level->fields[i];
		uint32_t value = cur_u32le(place);

		if (f->kind == NDR_U32) {
			set_u32(row, f->offset, value);
		} else if (f->kind == NDR_STRING) {
			set_pointer(row, f->offset, value ? ndr_get_string(r) : NULL);
		} else {
			bool present = cur_u32le(place) != 0;

			set_u32(row, f->length_offset, present ? value : 0);
			set_pointer(row, f->offset, present ? ndr_get_bytes(r, value) : NULL);
		}
	}
}

void ndr_get_rows(struct ndr_reader *r, const struct ndr_level *level, void *rows, size_t row_size,
		  size_t count)
{
	struct cursor place;

	cur_align(&r->c, 4);
	place = cur_take(&r->c, count * place_bytes(level));
	for (size_t i = 0; i < count && !r->c.bad; i++)
		get_row(r, &place, level, (char *)rows + i * row_size);
}

void ndr_put_choice(struct ndr_writer *w, const struct ndr_levels *levels, uint32_t level,
		    const void *row)
{
	const struct ndr_level *layout = ndr_level_find(levels, level);

	ndr_put_u32(w, level);
	if (!layout)
		return; /* [default]: an empty arm */
	ndr_put_pointer(w, row);
	if (row)
		ndr_put_rows(w, layout, row, levels->row_size, 1);
}

void ndr_get_choice(struct ndr_reader *r, const struct ndr_levels *levels, uint32_t level,
		    void *row, bool *present)
{
	const struct ndr_level *layout = ndr_level_find(levels, level);

	*present = false;
	if (ndr_get_u32(r) != level || (!layout && !levels->has_default))
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	if (!layout || !ndr_get_pointer(r))
		return;
	ndr_get_rows(r, layout, row, levels->row_size, 1);
	*present = !r->c.bad;
}

void ndr_put_list(struct ndr_writer *w, const struct ndr_levels *levels,
		  const struct ndr_list *list)
{
	const struct ndr_level *layout = ndr_level_find(levels, list->level);

	ndr_put_u32(w, list->level);
	ndr_put_u32(w, list->level);
	if (!layout)
		return;
	ndr_put_pointer(w, list->has_container);
	if (!list->has_container)
		return;
	ndr_put_u32(w, list->count);
	ndr_put_pointer(w, list->rows);
	if (!list->rows)
		return;
	ndr_put_u32(w, list->count);
	ndr_put_rows(w, layout, list->rows, levels->row_size, list->count);
}

void ndr_get_list(struct ndr_reader *r, const struct ndr_levels *levels, struct ndr_list *list)
{
	const struct ndr_level *layout;
	void *rows;

	*list = (struct ndr_list){ .level = ndr_get_u32(r) };
	layout = ndr_level_find(levels, list->level);
	if (ndr_get_u32(r) != list->level || !layout) {
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
		return;
	}
	list->has_container = ndr_get_pointer(r);
	if (!list->has_container)
		return;
	list->count = ndr_get_u32(r);
	if (!ndr_get_pointer(r)) {
		list->count = 0; /* a client that only asks may leave any number here */
		return;
	}
	if (ndr_get_count(r, place_bytes(layout)) != list->count)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	if (!list->count || r->c.bad)
		return;
	rows = ndr_alloc(r, list->count, levels->row_size);
	if (!rows)
		return;
	ndr_get_rows(r, layout, rows, levels->row_size, list->count);
	list->rows = rows;
}
