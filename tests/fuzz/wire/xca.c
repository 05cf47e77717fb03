// SPDX-License-Identifier: Apache-2.0
/*
 * The decompressors, and the compressors: what is compressed must come back. The first two bytes
 * say which, and how long the result is.
 */
#include <wire/xca.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	bool (*decompress)(struct cursor in, uint8_t *out, size_t length);
	bool (*compress)(const uint8_t *data, size_t length, size_t most, struct buf *out);
} codecs[] = {
	{ lz77_decompress, lz77_compress },
	{ lz77_huffman_decompress, lz77_huffman_compress },
	{ lznt1_decompress, lznt1_compress },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	unsigned which = cur_u8(&c) % ARRAY_LEN(codecs);
	size_t length = ((size_t)cur_u8(&c) + 1) * 1021;
	size_t left = cur_left(&c);
	struct buf packed auto_buf = { 0 };
	uint8_t auto_free *out = NULL;

	if (c.bad || !left)
		return 0;
	out = malloc(length > left ? length : left);
	BUG_ON(!out);
	(void)!codecs[which].decompress(c, out, length);
	BUG_ON(!codecs[which].compress(c.at, left, 4 * left + 1000, &packed));
	BUG_ON(!codecs[which].decompress(cur_of(packed.data, packed.len), out, left));
	BUG_ON(memcmp(out, c.at, left) != 0);
	return 0;
}
