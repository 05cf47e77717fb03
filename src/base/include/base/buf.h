// SPDX-License-Identifier: Apache-2.0
/*
 * A growing buffer to write bytes into. What does not fit its limit, or memory, marks it failed
 * and is not written, so that an encoder writes straight down and asks once. Zero-initialised it
 * is empty and unlimited. buf_free gives its memory back.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <base/base.h>
#include <endian.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t limit; /* most bytes it may hold; 0: no limit */
	bool failed;
};

void buf_free(struct buf *b); /* gives the memory back and leaves an empty buffer with no limit */
#define auto_buf cleanup(buf_free)

/* buf_room - make room for @more bytes behind len without changing len; NULL and failed if not. */
uint8_t *buf_room(struct buf *b, size_t more);
/* buf_grow - as buf_room, and len takes them in; their content is zero. */
uint8_t *buf_grow(struct buf *b, size_t more);
void buf_bytes(struct buf *b, const void *data, size_t length);
void buf_zero(struct buf *b, size_t length);
/* buf_align - zeros until the length, counted from @from, is a multiple of @to. */
void buf_align(struct buf *b, size_t from, size_t to);
void buf_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* buf_write - append @length (a constant) bytes: inline where there is room, else through
 * buf_bytes. */
static inline void buf_write(struct buf *b, const void *data, size_t length)
{
	size_t need = b->len + length;

	if (__builtin_expect(need <= b->cap && !b->failed && (!b->limit || need <= b->limit), 1)) {
		memcpy(b->data + b->len, data, length);
		b->len = need;
	} else {
		buf_bytes(b, data, length);
	}
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
	buf_write(b, &v, sizeof(v));
}

static inline void buf_u16le(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf_write(b, &v, sizeof(v));
}

static inline void buf_u16be(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_write(b, &v, sizeof(v));
}

static inline void buf_u32le(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_write(b, &v, sizeof(v));
}

static inline void buf_u32be(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_write(b, &v, sizeof(v));
}

static inline void buf_u64le(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_write(b, &v, sizeof(v));
}

/* buf_put_* - overwrite what is already there, at @offset; nothing on a failed buffer. */
static inline void buf_put(struct buf *b, size_t offset, const void *data, size_t length)
{
	if (b->failed)
		return;
	BUG_ON(offset > b->len || length > b->len - offset);
	memcpy(b->data + offset, data, length);
}

static inline void buf_put_u16le(struct buf *b, size_t offset, uint16_t v)
{
	v = htole16(v);
	buf_put(b, offset, &v, sizeof(v));
}

static inline void buf_put_u32le(struct buf *b, size_t offset, uint32_t v)
{
	v = htole32(v);
	buf_put(b, offset, &v, sizeof(v));
}

static inline void buf_put_u64le(struct buf *b, size_t offset, uint64_t v)
{
	v = htole64(v);
	buf_put(b, offset, &v, sizeof(v));
}

#endif
