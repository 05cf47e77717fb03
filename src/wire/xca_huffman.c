// SPDX-License-Identifier: Apache-2.0
#include "xca_huffman.h"

/* A node of the tree while it grows: a leaf is a symbol, what is above has two below it. */
struct tree {
	uint32_t weight[2 * HUFFMAN_SYMBOLS];
	uint16_t above[2 * HUFFMAN_SYMBOLS];
	uint16_t heap[HUFFMAN_SYMBOLS + 1]; /* 1-based; the lightest on top */
	size_t heap_count, count;
};

static bool lighter(const struct tree *t, uint16_t a, uint16_t b)
{
	return t->weight[a] != t->weight[b] ? t->weight[a] < t->weight[b] : a < b;
}

static void sink(struct tree *t, size_t at)
{
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at; child <= 2 * at + 1 && child <= t->heap_count; child++)
			if (lighter(t, t->heap[child], t->heap[least]))
				least = child;
		if (least == at)
			return;
		uint16_t swapped = t->heap[at];

		t->heap[at] = t->heap[least];
		t->heap[least] = swapped;
		at = least;
	}
}

static uint16_t take_lightest(struct tree *t)
{
	uint16_t node = t->heap[1];

	t->heap[1] = t->heap[t->heap_count--];
	sink(t, 1);
	return node;
}

static void grow(struct tree *t)
{
	for (size_t i = t->heap_count / 2; i > 0; i--)
		sink(t, i);
	while (t->heap_count > 1) {
		uint16_t a = take_lightest(t), b = t->heap[1], both = (uint16_t)t->count++;

		t->weight[both] = t->weight[a] + t->weight[b];
		t->above[a] = t->above[b] = both;
		t->heap[1] = both;
		sink(t, 1);
	}
}

/* False where a code would be too long. */
static bool read_lengths(const struct tree *t, const uint32_t frequency[HUFFMAN_SYMBOLS],
			 uint8_t lengths[HUFFMAN_SYMBOLS])
{
	uint16_t top = t->heap[1];

	for (uint16_t symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++) {
		unsigned length = 0;

		for (uint16_t node = symbol; frequency[symbol] && node != top;
		     node = t->above[node])
			length++;
		if (length > HUFFMAN_BITS)
			return false;
		lengths[symbol] = (uint8_t)length;
	}
	return true;
}

void huffman_lengths(const uint32_t frequency[HUFFMAN_SYMBOLS], uint8_t lengths[HUFFMAN_SYMBOLS])
{
	/* Flatter frequencies make shorter codes: with all at 1 no code is longer than 9 bits. */
	for (unsigned flatter = 0;; flatter++) {
		struct tree t = { .count = HUFFMAN_SYMBOLS };

		for (uint16_t symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++) {
			if (!frequency[symbol])
				continue;
			t.weight[symbol] = (frequency[symbol] >> flatter) + 1;
			t.heap[++t.heap_count] = symbol;
		}
		BUG_ON(t.heap_count < 2);
		grow(&t);
		if (read_lengths(&t, frequency, lengths))
			return;
	}
}

/* first[n]: the first code of n bits. False where there are more codes than bits make, or fewer. */
static bool first_codes(const uint8_t lengths[HUFFMAN_SYMBOLS], uint32_t first[HUFFMAN_BITS + 1])
{
	uint32_t counts[HUFFMAN_BITS + 1] = { 0 };
	uint32_t code = 0;

	for (size_t symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++)
		counts[lengths[symbol]]++;
	counts[0] = 0;
	for (unsigned bits = 1; bits <= HUFFMAN_BITS; bits++) {
		code = (code + counts[bits - 1]) << 1;
		first[bits] = code;
	}
	return code + counts[HUFFMAN_BITS] == HUFFMAN_TABLE;
}

void huffman_codes(const uint8_t lengths[HUFFMAN_SYMBOLS], uint16_t codes[HUFFMAN_SYMBOLS])
{
	uint32_t next[HUFFMAN_BITS + 1] = { 0 };

	(void)first_codes(lengths, next);
	for (size_t symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++)
		codes[symbol] = lengths[symbol] ? (uint16_t)next[lengths[symbol]]++ : 0;
}

bool huffman_table(const uint8_t lengths[HUFFMAN_SYMBOLS], uint16_t table[HUFFMAN_TABLE])
{
	uint32_t next[HUFFMAN_BITS + 1] = { 0 };

	if (!first_codes(lengths, next))
		return false;
	for (size_t symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++) {
		unsigned spare = HUFFMAN_BITS - lengths[symbol];
		uint32_t from, count = 1u << spare;

		if (!lengths[symbol])
			continue;
		from = next[lengths[symbol]]++ << spare;
		if (from + count > HUFFMAN_TABLE)
			return false;
		for (uint32_t i = from; i < from + count; i++)
			table[i] = (uint16_t)symbol;
	}
	return true;
}
