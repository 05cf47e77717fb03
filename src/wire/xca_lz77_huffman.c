// SPDX-License-Identifier: Apache-2.0
/*
 * LZ77+Huffman (MS-XCA 2.1, 2.2): blocks of 64 KiB, each with the code of its own: 512 lengths of
 * four bits, then the bits, in words of 16 whose highest bit comes first. Symbols below 256 are
 * bytes; of the others the low four bits are a length, the high ones how many bits of distance
 * follow. Longer lengths are bytes between the words: where, follows from when the reader, which is
 * 32 bits ahead, fetches its next word.
 */
#include "xca_huffman.h"
#include "xca_match.h"

#define BLOCK	    65536u
#define WINDOW	    65535u
#define TABLE_BYTES (HUFFMAN_SYMBOLS / 2)
#define END_SYMBOL  256u
#define LONG_LENGTH 15u
#define BYTE_LENGTH 255u
#define PAST_END    4u /* words that a reader may be ahead of the last bit */

/* ---- decompression ---- */

struct bits {
	struct cursor in;
	uint32_t next; /* the bits that come next, highest first */
	int extra;     /* how many there are more than 16 */
	unsigned past_end;
	bool bad;
};

static uint32_t next_word(struct bits *b)
{
	if (cur_left(&b->in) >= 2)
		return cur_u16le(&b->in);
	if (++b->past_end > PAST_END)
		b->bad = true;
	return 0;
}

static void bits_begin(struct bits *b)
{
	b->next = next_word(b) << 16;
	b->next |= next_word(b);
	b->extra = 16;
}

static void bits_drop(struct bits *b, unsigned count)
{
	if (!count)
		return;
	b->next <<= count;
	b->extra -= (int)count;
	if (b->extra < 0) {
		b->next |= next_word(b) << -b->extra;
		b->extra += 16;
	}
}

static uint32_t match_length(struct bits *b, uint32_t symbol)
{
	uint32_t length = symbol & 15u;

	if (length < LONG_LENGTH)
		return length;
	length = cur_u8(&b->in);
	if (length < BYTE_LENGTH)
		return length + LONG_LENGTH;
	length = cur_u16le(&b->in);
	if (!length)
		length = cur_u32le(&b->in);
	if (length < LONG_LENGTH)
		b->bad = true;
	return length;
}

static bool take_match(struct bits *b, struct unpacked *u, uint32_t symbol)
{
	unsigned distance_bits = (symbol - 256u) >> 4;
	uint32_t length = match_length(b, symbol - 256u);
	uint32_t distance = 1u << distance_bits;

	if (distance_bits)
		distance += b->next >> (32 - distance_bits);
	bits_drop(b, distance_bits);
	if (b->bad || b->in.bad || length > UINT32_MAX - MATCH_LEAST)
		return false;
	return unpacked_copy(u, distance, length + MATCH_LEAST);
}

static bool unpack_block(struct bits *b, struct unpacked *u, uint16_t *table)
{
	size_t end = (size_t)min_u64(u->length, u->at + BLOCK);
	uint8_t lengths[HUFFMAN_SYMBOLS];

	for (size_t i = 0; i < TABLE_BYTES; i++) {
		uint8_t both = cur_u8(&b->in);

		lengths[2 * i] = both & 15u;
		lengths[2 * i + 1] = both >> 4;
	}
	if (b->in.bad || !huffman_table(lengths, table))
		return false;
	bits_begin(b);
	while (u->at < end) {
		uint32_t symbol = table[b->next >> (32 - HUFFMAN_BITS)];

		bits_drop(b, lengths[symbol]);
		if (b->bad)
			return false;
		if (symbol < 256)
			u->data[u->at++] = (uint8_t)symbol;
		else if (!take_match(b, u, symbol))
			return false;
	}
	return true;
}

bool lz77_huffman_decompress(struct cursor in, uint8_t *out, size_t length)
{
	uint16_t auto_free *table = xalloc(HUFFMAN_TABLE, sizeof(*table));
	struct bits b = { .in = in };
	struct unpacked u = { .data = out, .length = length };

	while (u.at < u.length)
		if (!unpack_block(&b, &u, table))
			return false;
	return true;
}

/* ---- compression ---- */

/* A byte (no distance, the byte as length), or a match. */
struct item {
	uint32_t length;
	uint16_t distance;
};

struct block {
	struct item items[BLOCK];
	size_t count;
	uint32_t frequency[HUFFMAN_SYMBOLS];
	uint8_t lengths[HUFFMAN_SYMBOLS];
	uint16_t codes[HUFFMAN_SYMBOLS];
};

static unsigned distance_bits_of(const struct item *item)
{
	return 31u - (unsigned)__builtin_clz(item->distance);
}

static uint32_t symbol_of(const struct item *item)
{
	if (!item->distance)
		return item->length;
	return 256u + (distance_bits_of(item) << 4) +
	       (uint32_t)min_u64(item->length - MATCH_LEAST, LONG_LENGTH);
}

static void find_items(struct block *block, struct matcher *m, size_t at, size_t end)
{
	block->count = 0;
	memset(block->frequency, 0, sizeof(block->frequency));
	while (at < end) {
		struct match match = match_find(m, 0, at, end);
		struct item item = { m->data[at], 0 };

		if (match.distance) {
			item = (struct item){ match.length, (uint16_t)match.distance };
			match_skip(m, at, match.length);
		}
		at += match.distance ? match.length : 1;
		block->frequency[symbol_of(&item)]++;
		block->items[block->count++] = item;
	}
	/* The last block ends with it; in the others it makes two symbols of one. */
	block->frequency[END_SYMBOL]++;
}

/* The words, with a place kept for the one that is being filled and for the next. */
struct words {
	struct buf *out;
	size_t at[2];
	uint32_t word;
	unsigned free_bits;
};

static void words_begin(struct words *w, struct buf *out)
{
	*w = (struct words){ .out = out, .at = { out->len, out->len + 2 }, .free_bits = 16 };
	buf_zero(out, 4);
}

static void put_bits(struct words *w, unsigned count, uint32_t bits)
{
	if (w->free_bits >= count) {
		w->free_bits -= count;
		w->word = w->word << count | bits;
		return;
	}
	count -= w->free_bits;
	w->word = w->word << w->free_bits | bits >> count;
	buf_put_u16le(w->out, w->at[0], (uint16_t)w->word);
	w->at[0] = w->at[1];
	w->at[1] = w->out->len;
	buf_u16le(w->out, 0);
	w->free_bits = 16 - count;
	w->word = bits & ((1u << count) - 1);
}

static void words_end(struct words *w)
{
	buf_put_u16le(w->out, w->at[0], (uint16_t)(w->word << w->free_bits));
	buf_put_u16le(w->out, w->at[1], 0);
}

static void put_length(struct buf *out, uint32_t length)
{
	if (length < LONG_LENGTH)
		return;
	if (length < LONG_LENGTH + BYTE_LENGTH) {
		buf_u8(out, (uint8_t)(length - LONG_LENGTH));
		return;
	}
	buf_u8(out, BYTE_LENGTH);
	buf_u16le(out, length <= UINT16_MAX ? (uint16_t)length : 0);
	if (length > UINT16_MAX)
		buf_u32le(out, length);
}

static void put_block(const struct block *block, bool is_last, struct buf *out)
{
	struct words w;

	for (size_t i = 0; i < TABLE_BYTES; i++)
		buf_u8(out, (uint8_t)(block->lengths[2 * i] | block->lengths[2 * i + 1] << 4));
	words_begin(&w, out);
	for (size_t i = 0; i < block->count; i++) {
		const struct item *item = &block->items[i];
		uint32_t symbol = symbol_of(item);

		put_bits(&w, block->lengths[symbol], block->codes[symbol]);
		if (!item->distance)
			continue;
		put_length(out, item->length - MATCH_LEAST);
		put_bits(&w, distance_bits_of(item),
			 item->distance - (1u << distance_bits_of(item)));
	}
	if (is_last)
		put_bits(&w, block->lengths[END_SYMBOL], block->codes[END_SYMBOL]);
	words_end(&w);
}

bool lz77_huffman_compress(const uint8_t *data, size_t length, size_t most, struct buf *out)
{
	struct block auto_free *block = NULL;
	struct matcher matcher;
	size_t begin = out->len;

	if (length > XCA_INPUT_MAX)
		return false;
	block = xalloc(1, sizeof(*block));
	match_begin(&matcher, data, length, WINDOW);
	for (size_t at = 0; at < length && out->len - begin < most; at += BLOCK) {
		size_t end = (size_t)min_u64(length, at + BLOCK);

		find_items(block, &matcher, at, end);
		huffman_lengths(block->frequency, block->lengths);
		huffman_codes(block->lengths, block->codes);
		put_block(block, end == length, out);
	}
	if (out->len - begin >= most)
		out->len = begin;
	return out->len > begin && !out->failed;
}
