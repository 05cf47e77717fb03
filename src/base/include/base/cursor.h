// SPDX-License-Identifier: Apache-2.0
/*
 * The one way to read bytes that came from elsewhere. A cursor knows where its bytes end; a read
 * past the end gives zero (or nothing) and marks the cursor bad, so that a decoder reads straight
 * down and asks once, at its end. A cursor never owns its bytes.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <base/base.h>
#include <endian.h>

struct cursor {
	const uint8_t *base; /* where offsets count from */
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline struct cursor cur_of(const void *data, size_t length)
{
	const uint8_t *p = data;

	return (struct cursor){ .base = p, .at = p, .end = p ? p + length : p };
}

static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* cur_position - how many bytes lie between base and the next read. */
static inline size_t cur_position(const struct cursor *c)
{
	return (size_t)(c->at - c->base);
}

/* cur_bytes - the next @length bytes in place, or NULL and a bad cursor. */
static inline const uint8_t *cur_bytes(struct cursor *c, size_t length)
{
	const uint8_t *p = c->at;

	if (c->bad || length > cur_left(c)) {
		c->bad = true;
		return NULL;
	}
	if (length)
		c->at += length; /* a cursor over nothing has no address to add to */
	return p;
}

static inline void cur_skip(struct cursor *c, size_t length)
{
	(void)cur_bytes(c, length);
}

/* cur_copy - the next @length bytes to @to; zeros and a bad cursor where there are not as many. */
static inline void cur_copy(struct cursor *c, void *to, size_t length)
{
	const uint8_t *p = cur_bytes(c, length);

	if (p)
		memcpy(to, p, length);
	else
		memset(to, 0, length);
}

static inline uint8_t cur_u8(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cur_u16le(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint16_t cur_u16be(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cur_u32le(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint32_t cur_u32be(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t cur_u64le(struct cursor *c)
{
	const uint8_t *p = cur_bytes(c, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* cur_align - skip to the next multiple of @to, counted from base. */
static inline void cur_align(struct cursor *c, size_t to)
{
	size_t position = cur_position(c);

	cur_skip(c, (size_t)align_up(position, to) - position);
}

/*
 * cur_slice - a cursor over @length bytes that begin @offset bytes behind base. The slice has a
 * base of its own. Where the range is not inside, the slice is empty and both are bad. An empty
 * range is good wherever its offset lies, because clients send any offset with a length of zero.
 */
static inline struct cursor cur_slice(struct cursor *c, size_t offset, size_t length)
{
	size_t total = (size_t)(c->end - c->base);
	struct cursor slice = cur_of(c->base, 0);

	if (c->bad || (length && (offset > total || length > total - offset))) {
		c->bad = true;
		slice.bad = true;
	} else if (length) {
		slice = cur_of(c->base + offset, length);
	}
	return slice;
}

/* cur_take - a cursor with a base of its own over the next @length bytes, which are skipped. */
static inline struct cursor cur_take(struct cursor *c, size_t length)
{
	const uint8_t *p = cur_bytes(c, length);
	struct cursor slice = cur_of(p, p ? length : 0);

	slice.bad = !p;
	return slice;
}

#endif
