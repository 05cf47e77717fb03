// SPDX-License-Identifier: Apache-2.0
#include <base/buf.h>

#include <stdarg.h>
#include <stdio.h>

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

uint8_t *buf_room(struct buf *b, size_t more)
{
	size_t need = b->len + more;
	size_t cap;
	uint8_t *data;

	if (b->failed || need < more || (b->limit && need > b->limit)) {
		b->failed = true;
		return NULL;
	}
	if (need <= b->cap && b->data)
		return b->data + b->len;
	cap = b->cap + b->cap / 2;
	if (cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

uint8_t *buf_grow(struct buf *b, size_t more)
{
	uint8_t *p = buf_room(b, more);

	if (p) {
		memset(p, 0, more);
		b->len += more;
	}
	return p;
}

void buf_bytes(struct buf *b, const void *data, size_t length)
{
	uint8_t *p;

	if (!length)
		return;
	p = buf_room(b, length);
	if (p) {
		memcpy(p, data, length);
		b->len += length;
	}
}

void buf_zero(struct buf *b, size_t length)
{
	if (length)
		(void)buf_grow(b, length);
}

void buf_align(struct buf *b, size_t from, size_t to)
{
	size_t length = b->len - from;

	buf_zero(b, (size_t)align_up(length, to) - length);
}

void buf_text(struct buf *b, const char *text)
{
	buf_bytes(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	auto_free char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		b->failed = true;
		return;
	}
	buf_bytes(b, text, (size_t)n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_bytes(b, &v, 1);
}

void buf_u16le(struct buf *b, uint16_t v)
{
	uint8_t bytes[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	buf_bytes(b, bytes, sizeof(bytes));
}

void buf_u16be(struct buf *b, uint16_t v)
{
	buf_u16le(b, __builtin_bswap16(v));
}

void buf_u32le(struct buf *b, uint32_t v)
{
	uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	buf_bytes(b, bytes, sizeof(bytes));
}

void buf_u32be(struct buf *b, uint32_t v)
{
	buf_u32le(b, __builtin_bswap32(v));
}

void buf_u64le(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	buf_bytes(b, bytes, sizeof(bytes));
}

static void put(struct buf *b, size_t offset, uint64_t v, size_t width)
{
	if (b->failed)
		return;
	BUG_ON(offset + width > b->len);
	for (size_t i = 0; i < width; i++)
		b->data[offset + i] = (uint8_t)(v >> (8 * i));
}

void buf_put_u16le(struct buf *b, size_t offset, uint16_t v)
{
	put(b, offset, v, 2);
}

void buf_put_u32le(struct buf *b, size_t offset, uint32_t v)
{
	put(b, offset, v, 4);
}

void buf_put_u64le(struct buf *b, size_t offset, uint64_t v)
{
	put(b, offset, v, 8);
}
