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

/* Bytes as they are, as many as their flags stand together for. */
static bool take_literals(struct reader *r, struct unpacked *u, uint32_t flags, unsigned *left)
{
	/* Of the flags that are left the highest comes first; a match would end the run. */
	uint32_t next = flags << (32 - *left);
	unsigned zeros = next ? (unsigned)__builtin_clz(next) : *left;
	size_t run = min_u64(min_u64(zeros, *left), u->length - u->at);
	const uint8_t *from = cur_bytes(&r->in, run);

	if (r->in.bad)
		return false;
	memcpy(u->data + u->at, from, run);
	u->at += run;
	*left -= (unsigned)run;
	return true;
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
		if (!(flags >> (left - 1) & 1u)) {
			if (!take_literals(&r, &u, flags, &left))
				return false;
			continue;
		}
		left--;
		if (!take_match(&r, &u))
			return false;
	}
	return true;
}

/* ---- compression ---- */

/* Writes into room that was made before: a match takes no more than ITEM_MOST. */
struct writer {
	uint8_t *begin, *at;
	size_t most; /* bytes */
	uint8_t *flags_at;
	uint32_t flags;
	unsigned flag_count;
	uint8_t *half; /* a byte whose upper half is free; NULL: none */
};

#define FLAGS_EACH 32u /* items */
#define FLAGS_SIZE 4u
#define ITEM_MOST  (FLAGS_SIZE + 2u + 1u + 1u + 2u + 4u)

static void put_u16(struct writer *w, uint32_t v)
{
	w->at[0] = (uint8_t)v;
	w->at[1] = (uint8_t)(v >> 8);
	w->at += 2;
}

static void put_u32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

static void begin_flags(struct writer *w)
{
	w->flags_at = w->at;
	w->flags = 0;
	w->flag_count = 0;
	w->at += FLAGS_SIZE;
}

/* Room for the flags of the next items comes only before an item. */
static void next_flags(struct writer *w)
{
	if (w->flag_count < FLAGS_EACH)
		return;
	put_u32(w->flags_at, w->flags);
	begin_flags(w);
}

static bool is_full(const struct writer *w)
{
	return (size_t)(w->at - w->begin) >= w->most;
}

/* False: with them it would be @most bytes or more. */
static bool put_literals(struct writer *w, const uint8_t *data, size_t length)
{
	size_t groups = length ? (w->flag_count + length - 1) / FLAGS_EACH : 0;

	if ((size_t)(w->at - w->begin) + length + groups * FLAGS_SIZE >= w->most)
		return false;
	while (length) {
		size_t count;

		next_flags(w);
		count = min_u64(length, FLAGS_EACH - w->flag_count);
		memcpy(w->at, data, count);
		w->at += count;
		w->flag_count += (unsigned)count;
		data += count;
		length -= count;
	}
	return true;
}

static void put_half(struct writer *w, uint32_t half)
{
	if (w->half) {
		*w->half |= (uint8_t)(half << 4);
		w->half = NULL;
	} else {
		w->half = w->at;
		*w->at++ = (uint8_t)half;
	}
}

/* False: with it, it is @most bytes or more. */
static bool put_match(struct writer *w, struct match match)
{
	uint32_t length = match.length - MATCH_LEAST;
	uint32_t distance = (match.distance - 1) << 3;

	if (is_full(w))
		return false;
	next_flags(w);
	w->flags |= 1u << (FLAGS_EACH - 1 - w->flag_count++);
	put_u16(w, distance | (uint32_t)min_u64(length, SHORT_LENGTH));
	if (length < SHORT_LENGTH)
		return !is_full(w);
	put_half(w, (uint32_t)min_u64(length - SHORT_LENGTH, HALF_LENGTH));
	if (length < SHORT_LENGTH + HALF_LENGTH)
		return !is_full(w);
	*w->at++ = (uint8_t)min_u64(length - SHORT_LENGTH - HALF_LENGTH, BYTE_LENGTH);
	if (length < SHORT_LENGTH + HALF_LENGTH + BYTE_LENGTH)
		return !is_full(w);
	put_u16(w, length <= UINT16_MAX ? length : 0);
	if (length > UINT16_MAX) {
		put_u32(w->at, length);
		w->at += 4;
	}
	return !is_full(w);
}

/* Of a match three places are remembered, which finds nearly as much as all of them would. */
static void remember(struct matcher *m, size_t at, size_t length)
{
	const size_t places[] = { at + 1, at + length - 3, at + length - 1 };

	if (at + length - 1 + MATCH_LEAST > m->length)
		return;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		m->heads[match_hash(m->data + places[i])] = (uint32_t)places[i];
}

/* Where nothing has matched for long, nothing will: ever fewer places are looked at. */
#define MISSES_A_STEP 64u
#define STEP_MOST     16u

static bool pack(struct writer *w, struct matcher *m)
{
	size_t written = 0, at = 0;

	begin_flags(w);
	while (at < m->length) {
		struct match match = match_find(m, 0, at, m->length);

		if (!match.distance) {
			at += 1 + min_u64((at - written) / MISSES_A_STEP, STEP_MOST - 1);
			continue;
		}
		if (!put_literals(w, m->data + written, at - written) || !put_match(w, match))
			return false;
		remember(m, at, match.length);
		at += match.length;
		written = at;
	}
	if (!put_literals(w, m->data + written, m->length - written) || is_full(w))
		return false;
	/* The flags that are left say "match", where there is nothing more (MS-XCA 2.3.4). */
	if (w->flag_count < FLAGS_EACH)
		w->flags |= UINT32_MAX >> w->flag_count;
	put_u32(w->flags_at, w->flags);
	return true;
}

bool lz77_compress(const uint8_t *data, size_t length, size_t most, struct buf *out)
{
	struct matcher matcher;
	struct writer w = { .most = min_u64(most, length + length / 8 + 2 * FLAGS_SIZE) };

	if (length > XCA_INPUT_MAX)
		return false;
	w.begin = w.at = buf_room(out, w.most + ITEM_MOST);
	if (!w.at)
		return false;
	match_begin(&matcher, data, length, WINDOW);
	if (!pack(&w, &matcher))
		return false;
	out->len += (size_t)(w.at - w.begin);
	return true;
}
