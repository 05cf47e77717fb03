// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/smb2.h>

#define PLAIN 80u
#define MOST  65536u

static struct smb2_compression agree(uint32_t flags, size_t count, const uint16_t *ids)
{
	struct smb2_negotiate_contexts offer = {
		.has_compression = true,
		.compression_flags = flags,
		.compression_count = (uint16_t)count,
	};

	memcpy(offer.compression, ids, count * sizeof(*ids));
	return smb2_compression_agree(&offer);
}
#define AGREE(flags, ...)                                                                          \
	agree(flags, sizeof((const uint16_t[]){ __VA_ARGS__ }) / 2,                                \
	      (const uint16_t[]){ __VA_ARGS__ })

static void fill(uint8_t *message, size_t length)
{
	for (size_t i = 0; i < length; i++)
		message[i] = i < PLAIN ? (uint8_t)i : (uint8_t) "some text, and again "[i % 21];
}

static ntstatus unpack(const struct buf *packed, const struct smb2_compression *agreed, size_t most,
		       struct buf *out)
{
	struct cursor c = cur_of(packed->data, packed->len);

	return smb2_decompress(&c, agreed, most, out);
}

static void assert_comes_back(const struct smb2_compression *agreed, const uint8_t *message,
			      size_t length)
{
	struct buf packed auto_buf = { 0 }, out auto_buf = { 0 };

	assert_true(smb2_compress(agreed, message, length, PLAIN, &packed));
	assert_true(packed.len < length);
	assert_int_equal(unpack(&packed, agreed, length, &out), STATUS_SUCCESS);
	assert_int_equal(out.len, length);
	assert_memory_equal(out.data, message, length);
	out.len = 0;
	out.limit = 0;
	assert_int_equal(unpack(&packed, agreed, length - 1, &out), STATUS_BAD_COMPRESSION_BUFFER);
}

static void every_algorithm_goes_there_and_back(void **unused)
{
	static uint8_t message[20000];

	for (uint16_t id = SMB2_COMPRESSION_LZNT1; id <= SMB2_COMPRESSION_LZ77_HUFFMAN; id++) {
		for (uint32_t flags = 0; flags <= SMB2_COMPRESSION_FLAG_CHAINED; flags++) {
			struct smb2_compression agreed =
				AGREE(flags, id, SMB2_COMPRESSION_PATTERN_V1);

			assert_int_equal(agreed.preferred, id);
			fill(message, sizeof(message));
			assert_comes_back(&agreed, message, sizeof(message));
			memset(message + PLAIN, 0, 9000); /* a run in front, */
			assert_comes_back(&agreed, message, sizeof(message));
			memset(message + 15000, 7, 5000); /* one at the end, */
			assert_comes_back(&agreed, message, sizeof(message));
			memset(message + PLAIN, 7, sizeof(message) - PLAIN); /* nothing else */
			assert_comes_back(&agreed, message, sizeof(message));
		}
	}
}

static void patterns_alone_are_enough_for_runs(void **unused)
{
	struct smb2_compression agreed =
		AGREE(SMB2_COMPRESSION_FLAG_CHAINED, SMB2_COMPRESSION_PATTERN_V1);
	struct buf packed auto_buf = { 0 };
	uint8_t message[4096] = { 0 };

	assert_comes_back(&agreed, message, sizeof(message));
	fill(message, sizeof(message));
	assert_false(smb2_compress(&agreed, message, sizeof(message), PLAIN, &packed));
	assert_int_equal(packed.len, 0);
}

static void the_first_that_is_known_is_preferred(void **unused)
{
	struct smb2_compression agreed =
		AGREE(0, 5, SMB2_COMPRESSION_PATTERN_V1, SMB2_COMPRESSION_LZ77_HUFFMAN,
		      SMB2_COMPRESSION_LZ77, 77);

	assert_int_equal(agreed.preferred, SMB2_COMPRESSION_LZ77_HUFFMAN);
	assert_int_equal(agreed.algorithms,
			 1u << SMB2_COMPRESSION_LZ77_HUFFMAN | 1u << SMB2_COMPRESSION_LZ77);
	agreed = AGREE(SMB2_COMPRESSION_FLAG_CHAINED, 5, 9);
	assert_int_equal(agreed.algorithms, 0);
}

/* A chain with two payloads that both claim @size. */
static void chain_of(struct buf *b, uint32_t total, uint16_t flags, uint16_t id, uint32_t size)
{
	buf_u32le(b, SMB2_COMPRESSION_ID);
	buf_u32le(b, total);
	for (unsigned i = 0; i < 2; i++) {
		buf_u16le(b, id);
		buf_u16le(b, i ? 0 : flags);
		buf_u32le(b, 8);
		buf_u32le(b, id == SMB2_COMPRESSION_PATTERN_V1 ? 'x' : size);
		buf_u32le(b, size);
	}
}

static ntstatus unpack_chain(uint32_t total, uint16_t flags, uint16_t id, uint32_t size)
{
	struct smb2_compression agreed = AGREE(SMB2_COMPRESSION_FLAG_CHAINED, SMB2_COMPRESSION_LZ77,
					       SMB2_COMPRESSION_PATTERN_V1);
	struct buf packed auto_buf = { 0 }, out auto_buf = { 0 };

	chain_of(&packed, total, flags, id, size);
	return unpack(&packed, &agreed, MOST, &out);
}

static void lies_about_sizes_are_refused(void **unused)
{
	const uint16_t pattern = SMB2_COMPRESSION_PATTERN_V1;

	assert_int_equal(unpack_chain(200, 1, pattern, 100), STATUS_SUCCESS);
	assert_int_equal(unpack_chain(201, 1, pattern, 100), STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(199, 1, pattern, 100), STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(MOST + 1, 1, pattern, MOST), STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(UINT32_MAX, 1, pattern, UINT32_MAX),
			 STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(200, 2, pattern, 100), STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(200, 1, SMB2_COMPRESSION_LZ77, 100),
			 STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack_chain(200, 1, SMB2_COMPRESSION_LZNT1, 100),
			 STATUS_BAD_COMPRESSION_BUFFER);
}

static void what_was_not_agreed_on_is_refused(void **unused)
{
	struct smb2_compression both = AGREE(0, SMB2_COMPRESSION_LZ77, SMB2_COMPRESSION_LZNT1);
	struct smb2_compression other = AGREE(0, SMB2_COMPRESSION_LZNT1);
	struct smb2_compression chains =
		AGREE(SMB2_COMPRESSION_FLAG_CHAINED, SMB2_COMPRESSION_LZ77);
	struct smb2_compression none = { 0 };
	struct buf packed auto_buf = { 0 }, out auto_buf = { 0 };
	static uint8_t message[2000];

	fill(message, sizeof(message));
	assert_true(smb2_compress(&both, message, sizeof(message), PLAIN, &packed));
	assert_int_equal(unpack(&packed, &other, MOST, &out), STATUS_BAD_COMPRESSION_BUFFER);
	assert_int_equal(unpack(&packed, &none, MOST, &out), STATUS_BAD_COMPRESSION_BUFFER);
	packed.len = 0;
	assert_true(smb2_compress(&chains, message, sizeof(message), PLAIN, &packed));
	out.len = 0;
	assert_int_equal(unpack(&packed, &both, MOST, &out), STATUS_BAD_COMPRESSION_BUFFER);
	for (size_t length = 0; length < packed.len; length++) {
		struct buf part = { .data = packed.data, .len = length };

		out.len = 0;
		assert_int_equal(unpack(&part, &chains, MOST, &out), STATUS_BAD_COMPRESSION_BUFFER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_goes_there_and_back),
		cmocka_unit_test(patterns_alone_are_enough_for_runs),
		cmocka_unit_test(the_first_that_is_known_is_preferred),
		cmocka_unit_test(lies_about_sizes_are_refused),
		cmocka_unit_test(what_was_not_agreed_on_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
