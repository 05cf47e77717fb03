// SPDX-License-Identifier: Apache-2.0
/* Pieces that the information classes share. Private to the room. */
#ifndef WIRE_FSCC_PARTS_H
#define WIRE_FSCC_PARTS_H

#include <base/utf16.h>
#include <wire/dtyp.h>
#include <wire/fscc.h>

/* fscc_path - append "/" separated @path as UTF-16 with "\" between its parts. */
void fscc_path(struct buf *out, const char *path);

/*
 * fscc_cut - the end of an answer that began at @begin: STATUS_SUCCESS where it fits in @room
 * bytes, otherwise it is cut there, which is STATUS_BUFFER_OVERFLOW. STATUS_NO_MEMORY for a buffer
 * that failed.
 */
ntstatus fscc_cut(struct buf *out, size_t begin, size_t room) MUST_CHECK;

/*
 * fscc_begin_entry - room for an entry of a list (its NextEntryOffset comes first), aligned to
 * @align behind the one at *@previous. The entry needs @length bytes at most. NULL where that is
 * more than @room from @begin (nothing is appended) or than the buffer may hold (it has failed).
 * fscc_end_entry makes it part of the list.
 */
uint8_t *fscc_begin_entry(struct buf *out, size_t begin, size_t room, size_t align, size_t previous,
			  size_t length);
void fscc_end_entry(struct buf *out, size_t begin, size_t align, size_t *previous, size_t length);

static inline void put_u32(uint8_t *to, uint32_t v)
{
	v = htole32(v);
	memcpy(to, &v, sizeof(v));
}

static inline void put_u64(uint8_t *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
}

#endif
