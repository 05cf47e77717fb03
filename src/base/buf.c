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
