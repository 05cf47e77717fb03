// SPDX-License-Identifier: Apache-2.0
/*
 * Plain LZ77 (MS-XCA 2.3, 2.4): 32 flags, highest first, then what they say: a byte as it is, or a
 * match of 13 bits of distance and 3 of length, whose longer lengths go on in a half byte (two
 * matches share a byte), a byte, two, four.
 */
#include "xca_match.h"

#define WINDOW	     8192u
#define SHORT_LENGTH 7u	 /* in the match itself; this value: more follows */
#define HALF_LENGTH  15u /* in the half byte */
#define BYTE_LENGTH  255u

/* ---- decompression ---- */

struct reader {
	struct cursor in;
	uint8_t half; /* the upper half of a byte whose lower half was used */
	bool has_half;
};

/* The rest of a length that did not fit into the match. */
static uint32_t more_length(struct reader *r)
{
	uint32_t length;

	if (r->has_half) {
		r->has_half = false;
		length = r->half;
	} else {
		uint8_t both = cur_u8(&r->in);

		length = both & 15u;
		r->half = both >> 4;
		r->has_half = true;
	}
	if (length < HALF_LENGTH)
		return length + SHORT_LENGTH;
	length = cur_u8(&r->in);
	if (length < BYTE_LENGTH)
		return length + HALF_LENGTH + SHORT_LENGTH;
	length = cur_u16le(&r->in);
	if (!length)
		length = cur_u32le(&r->in);
	if (length < HALF_LENGTH + SHORT_LENGTH)
		r->in.bad = true;
	return length;
}

static bool take_match(struct reader *r, struct unpacked *u)
{
	uint32_t match = cur_u16le(&r->in);
	uint32_t length = match & 7u;

	if (length == SHORT_LENGTH)
		length = more_length(r);
	if (r->in.bad || length > UINT32_MAX - MATCH_LEAST)
		return false;
	return unpacked_copy(u, (match >> 3) + 1, length + MATCH_LEAST);
}

bool lz77_decompress(struct cursor in, uint8_t *out, size_t length)
{
	struct reader r = { .in = in };
	struct unpacked u = { .data = out, .length = length };
	uint32_t flags = 0;
	unsigned left = 0;

	while (u.at < u.length) {
		if (!left) {
			flags = cur_u32le(&r.in);
			left = 32;
		}
		left--;
		if (flags >> left & 1u) {
			if (!take_match(&r, &u))
				return false;
		} else {
			u.data[u.at] = cur_u8(&r.in);
			if (r.in.bad)
				return false;
			u.at++;
		}
	}
	return true;
}

/* ---- compression ---- */

struct writer {
	struct buf *out;
	size_t flags_at;
	uint32_t flags;
	unsigned flag_count;
	size_t half_at; /* a byte whose upper half is free; 0: none */
};

static void begin_flags(struct writer *w)
{
	w->flags_at = w->out->len;
	w->flags = 0;
	w->flag_count = 0;
	buf_u32le(w->out, 0);
}

/* The flag comes when its item is written, and room for the next ones only before an item. */
static void put_flag(struct writer *w, bool is_match)
{
	if (w->flag_count == 32) {
		buf_put_u32le(w->out, w->flags_at, w->flags);
		begin_flags(w);
	}
	w->flags |= (uint32_t)is_match << (31 - w->flag_count);
	w->flag_count++;
}

static void put_half(struct writer *w, uint8_t half)
{
	if (w->half_at) {
		uint8_t both = w->out->failed ? 0 : w->out->data[w->half_at];

		both |= (uint8_t)(half << 4);
		buf_put(w->out, w->half_at, &both, 1);
		w->half_at = 0;
	} else {
		w->half_at = w->out->len;
		buf_u8(w->out, half);
	}
}

static void put_match(struct writer *w, struct match match)
{
	uint32_t length = match.length - MATCH_LEAST;
	uint16_t distance = (uint16_t)((match.distance - 1) << 3);

	put_flag(w, true);
	if (length < SHORT_LENGTH) {
		buf_u16le(w->out, (uint16_t)(distance | length));
		return;
	}
	buf_u16le(w->out, distance | SHORT_LENGTH);
	put_half(w, (uint8_t)min_u64(length - SHORT_LENGTH, HALF_LENGTH));
	if (length < SHORT_LENGTH + HALF_LENGTH)
		return;
	if (length < SHORT_LENGTH + HALF_LENGTH + BYTE_LENGTH) {
		buf_u8(w->out, (uint8_t)(length - SHORT_LENGTH - HALF_LENGTH));
		return;
	}
	buf_u8(w->out, BYTE_LENGTH);
	buf_u16le(w->out, length <= UINT16_MAX ? (uint16_t)length : 0);
	if (length > UINT16_MAX)
		buf_u32le(w->out, length);
}

bool lz77_compress(const uint8_t *data, size_t length, size_t most, struct buf *out)
{
	struct writer w = { .out = out };
	struct matcher matcher;
	size_t begin = out->len;

	if (length > XCA_INPUT_MAX)
		return false;
	match_begin(&matcher, data, length, WINDOW);
	begin_flags(&w);
	for (size_t at = 0; at < length && out->len - begin < most;) {
		struct match match = match_find(&matcher, 0, at, length);

		if (match.distance) {
			put_match(&w, match);
			match_skip(&matcher, at, match.length);
			at += match.length;
		} else {
			put_flag(&w, false);
			buf_u8(out, data[at++]);
		}
	}
	if (out->len - begin >= most) {
		out->len = begin;
		return false;
	}
	/* The flags that are left say "match", where there is nothing more (MS-XCA 2.3.4). */
	if (w.flag_count < 32)
		w.flags |= UINT32_MAX >> w.flag_count;
	buf_put_u32le(out, w.flags_at, w.flags);
	return !out->failed;
}
