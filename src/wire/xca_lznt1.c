// SPDX-License-Identifier: Apache-2.0
/*
 * LZNT1 (MS-XCA 2.5): chunks of 4,096 bytes, each on its own. In a chunk eight flags, lowest first,
 * then what they say: a byte as it is, or a match in 16 bits. How many of those are distance grows
 * with how far the chunk has come.
 */
#include "xca_match.h"

#define CHUNK		4096u
#define CHUNK_SIGNATURE 0x3000u
#define CHUNK_PACKED	0x8000u
#define CHUNK_SIZE	0x0fffu /* of the header: its bytes behind the header, less one */
#define DISTANCE_LEAST	4u	/* bits */

/* How many bits a distance has where @done bytes of the chunk are there. */
static unsigned distance_bits(size_t done)
{
	unsigned bits = DISTANCE_LEAST;

	while ((1u << bits) < done)
		bits++;
	return bits;
}

/* ---- decompression ---- */

static bool take_match(struct cursor *in, struct unpacked *u, size_t chunk_begin)
{
	uint32_t match = cur_u16le(in);
	size_t done = u->at - chunk_begin;
	unsigned length_bits = 16 - distance_bits(done);
	size_t distance = (match >> length_bits) + 1;
	size_t length = (match & ((1u << length_bits) - 1)) + MATCH_LEAST;

	if (in->bad || distance > done)
		return false;
	return unpacked_copy(u, distance, length);
}

static bool unpack_chunk(struct cursor in, struct unpacked *whole)
{
	size_t begin = whole->at;
	struct unpacked u = { whole->data, begin, (size_t)min_u64(whole->length, begin + CHUNK) };
	unsigned flags = 0, left = 0;

	while (cur_left(&in) && u.at < u.length) {
		if (!left) {
			flags = cur_u8(&in);
			left = 8;
			continue;
		}
		if (flags & 1u) {
			if (!take_match(&in, &u, begin))
				return false;
		} else {
			u.data[u.at++] = cur_u8(&in);
		}
		flags >>= 1;
		left--;
	}
	whole->at = u.at;
	/* All but the last chunk are full. */
	return u.at == u.length && !cur_left(&in);
}

bool lznt1_decompress(struct cursor in, uint8_t *out, size_t length)
{
	struct unpacked u = { .data = out, .length = length };

	while (u.at < u.length) {
		uint32_t header = cur_u16le(&in);
		size_t size = (header & CHUNK_SIZE) + 1;
		struct cursor chunk = cur_take(&in, size);

		if (in.bad || (header & 0x7000u) != CHUNK_SIGNATURE)
			return false;
		if (header & CHUNK_PACKED) {
			if (!unpack_chunk(chunk, &u))
				return false;
			continue;
		}
		if (size > u.length - u.at)
			return false;
		cur_copy(&chunk, u.data + u.at, size);
		u.at += size;
	}
	return true;
}

/* ---- compression ---- */

/* One chunk; not worth it where it would be as long as its bytes. */
static bool pack_chunk(struct matcher *m, size_t begin, size_t end, struct buf *out)
{
	size_t head = out->len, flags_at = 0;
	uint8_t flags = 0;
	unsigned count = 8;

	buf_u16le(out, 0);
	for (size_t at = begin; at < end;) {
		size_t done = at - begin;
		unsigned length_bits = 16 - distance_bits(done);
		size_t longest = ((size_t)1 << length_bits) - 1 + MATCH_LEAST;
		struct match match = match_find(m, begin, at, (size_t)min_u64(end, at + longest));

		if (count == 8) {
			flags_at = out->len;
			flags = 0;
			count = 0;
			buf_u8(out, 0);
		}
		if (match.distance) {
			flags |= (uint8_t)(1u << count);
			buf_u16le(out, (uint16_t)((match.distance - 1) << length_bits |
						  (match.length - MATCH_LEAST)));
			match_skip(m, at, match.length);
			at += match.length;
		} else {
			buf_u8(out, m->data[at++]);
		}
		count++;
		buf_put(out, flags_at, &flags, 1);
	}
	if (out->failed || out->len - head - 2 >= end - begin || out->len - head - 2 > CHUNK) {
		out->len = head;
		return false;
	}
	buf_put_u16le(out, head,
		      (uint16_t)(CHUNK_PACKED | CHUNK_SIGNATURE | (out->len - head - 3)));
	return true;
}

bool lznt1_compress(const uint8_t *data, size_t length, size_t most, struct buf *out)
{
	size_t begin = out->len;
	struct matcher matcher;

	if (length > XCA_INPUT_MAX)
		return false;
	match_begin(&matcher, data, length, CHUNK);
	for (size_t at = 0; at < length && out->len - begin < most; at += CHUNK) {
		size_t end = (size_t)min_u64(length, at + CHUNK);

		if (pack_chunk(&matcher, at, end, out))
			continue;
		buf_u16le(out, (uint16_t)(CHUNK_SIGNATURE | (end - at - 1)));
		buf_bytes(out, data + at, end - at);
	}
	if (out->len - begin >= most)
		out->len = begin;
	return out->len > begin && !out->failed;
}
