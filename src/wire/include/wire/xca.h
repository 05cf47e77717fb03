// SPDX-License-Identifier: Apache-2.0
/*
 * Xpress compression (MS-XCA): Plain LZ77, LZ77+Huffman and LZNT1, each as one call over memory.
 *
 * Decompression knows the size of what comes out: exactly @length bytes are written to @out, or it
 * fails. So a message that says more than it holds costs no more than its buffer, and nothing is
 * read or written outside of the two.
 *
 * Compression appends to @out and gives up (false, @out as it was) as soon as the result would be
 * @most bytes or more.
 */
#ifndef WIRE_XCA_H
#define WIRE_XCA_H

#include <base/buf.h>
#include <base/cursor.h>

#define XCA_INPUT_MAX (64u << 20) /* of one call: positions are kept in 32 bits */

/* xca_is_noise - nothing will make this smaller, as far as a thousand of its bytes and a short
 * stretch can tell: compressed files, pictures, what is encrypted. Takes microseconds. */
bool xca_is_noise(const uint8_t *data, size_t length);

bool lz77_decompress(struct cursor in, uint8_t *out, size_t length) MUST_CHECK;
bool lz77_compress(const uint8_t *data, size_t length, size_t most, struct buf *out) MUST_CHECK;

bool lz77_huffman_decompress(struct cursor in, uint8_t *out, size_t length) MUST_CHECK;
bool lz77_huffman_compress(const uint8_t *data, size_t length, size_t most,
			   struct buf *out) MUST_CHECK;

bool lznt1_decompress(struct cursor in, uint8_t *out, size_t length) MUST_CHECK;
bool lznt1_compress(const uint8_t *data, size_t length, size_t most, struct buf *out) MUST_CHECK;

#endif
