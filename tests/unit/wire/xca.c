// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/xca.h>

#define LONGEST (3u * 65536 + 777)

struct codec {
	const char *name;
	bool (*decompress)(struct cursor in, uint8_t *out, size_t length);
	bool (*compress)(const uint8_t *data, size_t length, size_t most, struct buf *out);
};
static const struct codec codecs[] = {
	{ "LZ77", lz77_decompress, lz77_compress },
	{ "LZ77+Huffman", lz77_huffman_decompress, lz77_huffman_compress },
	{ "LZNT1", lznt1_decompress, lznt1_compress },
};

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* ---- the examples of MS-XCA 3.1, 3.2, and 3.3 ---- */

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";

static void assert_unpacks(const struct codec *codec, const void *packed, size_t packed_length,
			   const void *plain, size_t length)
{
	uint8_t out[512];

	assert_true(codec->decompress(cur_of(packed, packed_length), out, length));
	assert_memory_equal(out, plain, length);
}

static void abc_300(uint8_t *out)
{
	for (size_t i = 0; i < 300; i++)
		out[i] = (uint8_t)("abc"[i % 3]);
}

static void lz77_reads_and_writes_the_examples(void **unused)
{
	static const uint8_t of_alphabet[] = "\x3f\x00\x00\x00"
					     "abcdefghijklmnopqrstuvwxyz";
	static const uint8_t of_abc[] = { 0xff, 0xff, 0xff, 0x1f, 'a',	'b', 'c',
					  0x17, 0x00, 0x0f, 0xff, 0x26, 0x01 };
	struct buf out auto_buf = { 0 };
	uint8_t abc[300];

	abc_300(abc);
	assert_unpacks(&codecs[0], of_alphabet, sizeof(of_alphabet) - 1, alphabet, 26);
	assert_unpacks(&codecs[0], of_abc, sizeof(of_abc), abc, sizeof(abc));
	assert_true(lz77_compress((const uint8_t *)alphabet, 26, 100, &out));
	assert_int_equal(out.len, sizeof(of_alphabet) - 1);
	assert_memory_equal(out.data, of_alphabet, out.len);
	out.len = 0;
	assert_true(lz77_compress(abc, sizeof(abc), 100, &out));
	assert_int_equal(out.len, sizeof(of_abc));
	assert_memory_equal(out.data, of_abc, out.len);
}

static void lz77_huffman_reads_the_example(void **unused)
{
	static const uint8_t lengths[] = { 0x50, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
					   0x55, 0x55, 0x55, 0x55, 0x45, 0x44, 0x04 };
	static const uint8_t bits[] = {
		0xd8, 0x52, 0x3e, 0xd7, 0x94, 0x11, 0x5b, 0xe9, 0x19, 0x5f,
		0xf9, 0xd6, 0x7c, 0xdf, 0x8d, 0x04, 0x00, 0x00, 0x00, 0x00
	};
	uint8_t packed[256 + sizeof(bits)] = { 0 };

	memcpy(packed + 48, lengths, sizeof(lengths));
	packed[128] = 0x04;
	memcpy(packed + 256, bits, sizeof(bits));
	assert_unpacks(&codecs[1], packed, sizeof(packed), alphabet, 26);
}

/* "F# F# G A A G F# E D D E F# F# E E": the sentence of MS-XCA 3.3. */
static void lznt1_reads_the_example(void **unused)
{
	static const char plain[] =
		"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E "
		"F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D";
	static const uint8_t packed[] = {
		0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00,
		0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01,
		0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4,
		0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48,
		0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
	};

	assert_unpacks(&codecs[2], packed, sizeof(packed), plain, sizeof(plain));
}

/* ---- round trips ---- */

/* Data of many kinds: noise, runs, text of few letters, repeats near and far. */
static void fill(uint8_t *data, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t n = (size_t)min_u64(1 + draw(draw(20) ? 300 : 70000), length - at);
		uint32_t kind = draw(4);
		size_t back = at ? 1 + draw((uint32_t)at) : 0;
		uint8_t byte = (uint8_t)draw(256);

		for (size_t i = 0; i < n; i++, at++)
			data[at] = kind == 0		? (uint8_t)draw(256)
				   : kind == 1		? byte
				   : kind == 2 || !back ? (uint8_t)('a' + draw(4))
							: data[at - back];
	}
}

static void assert_comes_back(const struct codec *codec, const uint8_t *data, size_t length)
{
	uint8_t *out = test_malloc(length + 1);
	struct buf packed auto_buf = { 0 };

	buf_u8(&packed, 0x55); /* appended to, not written over */
	assert_true(codec->compress(data, length, 2 * length + 1000, &packed));
	assert_int_equal(packed.data[0], 0x55);
	out[length] = 0xaa;
	assert_true(codec->decompress(cur_of(packed.data + 1, packed.len - 1), out, length));
	assert_memory_equal(out, data, length);
	assert_int_equal(out[length], 0xaa);
	/* One byte less of the input must not be read over, whatever becomes of it. */
	{
		uint8_t *cut = test_malloc(packed.len - 2);

		memcpy(cut, packed.data + 1, packed.len - 2);
		(void)!codec->decompress(cur_of(cut, packed.len - 2), out, length);
		test_free(cut);
	}
	test_free(out);
}

static void what_is_compressed_comes_back(void **unused)
{
	static uint8_t data[LONGEST];

	for (size_t c = 0; c < ARRAY_LEN(codecs); c++) {
		state = 7;
		for (unsigned round = 0; round < 60; round++) {
			size_t length = 1 + draw(round < 40 ? 300 : LONGEST - 1);

			fill(data, length);
			assert_comes_back(&codecs[c], data, length);
		}
		memset(data, 0, sizeof(data)); /* one match as long as a block, and nothing else */
		assert_comes_back(&codecs[c], data, sizeof(data));
	}
}

static void what_does_not_get_smaller_is_given_up(void **unused)
{
	static uint8_t data[70000];

	random_bytes(data, sizeof(data));
	for (size_t c = 0; c < ARRAY_LEN(codecs); c++) {
		struct buf out auto_buf = { 0 };

		buf_u8(&out, 1);
		assert_false(codecs[c].compress(data, sizeof(data), sizeof(data), &out));
		assert_int_equal(out.len, 1);
	}
}

/* Into room for exactly what comes out it does not go, into one byte more it does. */
static void what_is_compressed_stays_below_its_limit(void **unused)
{
	static uint8_t data[30000];

	state = 13;
	for (unsigned round = 0; round < 40; round++) {
		size_t length = 1 + draw(sizeof(data) - 1);
		struct buf free_of_limits auto_buf = { 0 };

		fill(data, length);
		assert_true(lz77_compress(data, length, 2 * length + 1000, &free_of_limits));
		for (size_t most = 0; most <= free_of_limits.len + 1; most++) {
			struct buf out auto_buf = { 0 };

			if (most == 40 && free_of_limits.len > 80)
				most = free_of_limits.len - 40;
			assert_int_equal(lz77_compress(data, length, most, &out),
					 most > free_of_limits.len);
			assert_int_equal(out.len, most > free_of_limits.len ? most - 1 : 0);
		}
	}
}

static void noise_behind_text_and_text_behind_noise_are_told_apart(void **unused)
{
	static uint8_t data[80000];
	struct buf out auto_buf = { 0 };

	random_bytes(data, 40000);
	for (size_t at = 40000; at < sizeof(data); at++)
		data[at] = (uint8_t) "the quick brown fox "[at % 20];
	assert_true(lz77_compress(data, sizeof(data), sizeof(data), &out));
	assert_in_range(out.len, 45000, 46000); /* the flags of the noise are an eighth */
	assert_comes_back(&codecs[0], data, sizeof(data));
	memmove(data, data + 40000, 40000);
	random_bytes(data + 40000, 40000);
	out.len = 0;
	assert_true(lz77_compress(data, sizeof(data), sizeof(data), &out));
	assert_in_range(out.len, 45000, 46000); /* the flags of the noise are an eighth */
	assert_comes_back(&codecs[0], data, sizeof(data));
}

static void noise_is_told_from_what_can_be_compressed(void **unused)
{
	static uint8_t data[65536];

	for (unsigned round = 0; round < 200; round++) {
		random_bytes(data, sizeof(data));
		assert_true(xca_is_noise(data, sizeof(data)));
		assert_true(xca_is_noise(data, 4096));
		assert_false(xca_is_noise(data, 4095)); /* is tried */
	}
	memset(data, 0, sizeof(data) / 5); /* a part of it is enough */
	assert_false(xca_is_noise(data, sizeof(data)));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t) "etaoin shrdlu"[draw(13)];
	assert_false(xca_is_noise(data, sizeof(data)));
	for (size_t i = 0; i < sizeof(data); i++) /* every byte is as common as any other */
		data[i] = (uint8_t)(i + i / 256 * 7);
	assert_false(xca_is_noise(data, sizeof(data)));
}

static void noise_and_damage_are_survived(void **unused)
{
	static uint8_t data[20000], out[20000];

	state = 11;
	for (size_t c = 0; c < ARRAY_LEN(codecs); c++) {
		for (unsigned round = 0; round < 300; round++) {
			struct buf packed auto_buf = { 0 };

			fill(data, sizeof(data));
			assert_true(codecs[c].compress(data, sizeof(data), 60000, &packed));
			for (unsigned i = 0; i < 4; i++)
				packed.data[draw((uint32_t)packed.len)] ^= (uint8_t)(1 + draw(255));
			(void)!codecs[c].decompress(cur_of(packed.data, packed.len), out,
						    1 + draw(sizeof(out)));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lz77_reads_and_writes_the_examples),
		cmocka_unit_test(lz77_huffman_reads_the_example),
		cmocka_unit_test(lznt1_reads_the_example),
		cmocka_unit_test(what_is_compressed_comes_back),
		cmocka_unit_test(what_does_not_get_smaller_is_given_up),
		cmocka_unit_test(what_is_compressed_stays_below_its_limit),
		cmocka_unit_test(noise_behind_text_and_text_behind_noise_are_told_apart),
		cmocka_unit_test(noise_is_told_from_what_can_be_compressed),
		cmocka_unit_test(noise_and_damage_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
