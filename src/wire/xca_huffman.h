// SPDX-License-Identifier: Apache-2.0
/*
 * Canonical Huffman codes of at most 15 bits over the 512 symbols of LZ77+Huffman (MS-XCA 2.1.4.2,
 * 2.2.4). A code is known by its lengths: 0 where a symbol does not occur.
 */
#ifndef WIRE_XCA_HUFFMAN_H
#define WIRE_XCA_HUFFMAN_H

#include <base/base.h>

#define HUFFMAN_SYMBOLS	  512u
#define HUFFMAN_BITS	  15u
#define HUFFMAN_TABLE	  (1u << HUFFMAN_BITS)
#define HUFFMAN_FREQUENCY (1u << 20) /* of one symbol, at most */

/* huffman_lengths - the code for symbols that occur as often as @frequency says; at least two do.
 */
void huffman_lengths(const uint32_t frequency[HUFFMAN_SYMBOLS], uint8_t lengths[HUFFMAN_SYMBOLS]);
/* huffman_codes - the code of each symbol, in its lowest bits. */
void huffman_codes(const uint8_t lengths[HUFFMAN_SYMBOLS], uint16_t codes[HUFFMAN_SYMBOLS]);
/*
 * huffman_table - the symbol for any 15 bits that begin with its code; false where the lengths are
 * those of no code, or of one that leaves bits without a symbol.
 */
bool huffman_table(const uint8_t lengths[HUFFMAN_SYMBOLS],
		   uint16_t table[HUFFMAN_TABLE]) MUST_CHECK;

#endif
