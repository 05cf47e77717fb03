// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/ndr.h>

static const char *read_string(const uint8_t *bytes, size_t length, struct ndr_reader *r)
{
	*r = ndr_reader_of(cur_of(bytes, length));
	return ndr_get_string(r);
}

static void refused(const uint8_t *bytes, size_t length)
{
	struct ndr_reader r;

	assert_null(read_string(bytes, length, &r));
	assert_int_equal(ndr_fault(&r), RPC_FAULT_BAD_STUB_DATA);
	ndr_reader_free(&r);
}

#define COUNTS(max, offset, actual) max, 0, 0, 0, offset, 0, 0, 0, actual, 0, 0, 0

static void a_string_is_conformant_varying_and_terminated(void **state)
{
	static const uint8_t good[] = { COUNTS(9, 0, 3), 'h', 0, 'i', 0, 0, 0 };
	static const uint8_t open_end[] = { COUNTS(2, 0, 2), 'h', 0, 'i', 0 };
	static const uint8_t shifted[] = { COUNTS(9, 1, 3), 'h', 0, 'i', 0, 0, 0 };
	static const uint8_t over[] = { COUNTS(2, 0, 3), 'h', 0, 'i', 0, 0, 0 };
	static const uint8_t nothing[] = { COUNTS(0, 0, 0) };
	static const uint8_t inner[] = { COUNTS(3, 0, 3), 'h', 0, 0, 0, 0, 0 }; /* ends early */
	struct ndr_reader r;

	(void)state;
	assert_string_equal(read_string(good, sizeof(good), &r), "hi");
	assert_int_equal(ndr_fault(&r), 0);
	ndr_reader_free(&r);
	refused(open_end, sizeof(open_end));
	refused(shifted, sizeof(shifted));
	refused(over, sizeof(over));
	refused(nothing, sizeof(nothing));
	assert_string_equal(read_string(inner, sizeof(inner), &r), "h");
	assert_int_equal(ndr_fault(&r), 0);
	assert_int_equal(cur_left(&r.c), 0);
	ndr_reader_free(&r);
}

static void a_count_that_the_stub_cannot_hold_is_refused(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0 };
	static const uint8_t three[] = { 3, 0, 0, 0, 0, 0, 0, 0 };
	struct ndr_reader r = ndr_reader_of(cur_of(bytes, sizeof(bytes)));

	(void)state;
	assert_int_equal(ndr_get_count(&r, 1), 0);
	assert_int_equal(ndr_fault(&r), RPC_FAULT_BAD_STUB_DATA);
	r = ndr_reader_of(cur_of(three, sizeof(three)));
	assert_int_equal(ndr_get_count(&r, 2), 0);
	assert_int_equal(ndr_fault(&r), RPC_FAULT_BAD_STUB_DATA);
}

static void memory_of_a_stub_has_a_limit(void **state)
{
	struct ndr_reader r = ndr_reader_of(cur_of("", 0));

	(void)state;
	assert_non_null(ndr_alloc(&r, 1, 1000));
	assert_null(ndr_alloc(&r, SIZE_MAX, 2));
	assert_int_equal(ndr_fault(&r), RPC_FAULT_OUT_OF_MEMORY);
	ndr_reader_free(&r);
	r = ndr_reader_of(cur_of("", 0));
	for (size_t i = 0; i < 4; i++)
		(void)ndr_alloc(&r, 1, 1 << 20);
	assert_int_equal(ndr_fault(&r), RPC_FAULT_OUT_OF_MEMORY);
	ndr_reader_free(&r);
}

static void values_are_aligned_to_their_size_from_the_beginning_of_the_stub(void **state)
{
	auto_buf struct buf b = { 0 };
	struct ndr_writer w;
	struct ndr_reader r;

	(void)state;
	buf_u8(&b, 0xee);
	w = ndr_writer_of(&b);
	ndr_put_u8(&w, 1);
	ndr_put_u16(&w, 2);
	ndr_put_u8(&w, 3);
	ndr_put_u32(&w, 4);
	ndr_put_u64(&w, 5);
	ndr_put_unique_string(&w, NULL);
	ndr_put_unique_string(&w, "x");
	ndr_put_unique_string(&w, "y");
	assert_int_equal(b.len - 1, 24 + 4 + (4 + 12 + 4) * 2);
	r = ndr_reader_of(cur_of(b.data + 1, b.len - 1));
	assert_int_equal(ndr_get_u8(&r), 1);
	assert_int_equal(ndr_get_u16(&r), 2);
	assert_int_equal(ndr_get_u8(&r), 3);
	assert_int_equal(ndr_get_u32(&r), 4);
	assert_int_equal(ndr_get_u64(&r), 5);
	assert_null(ndr_get_unique_string(&r));
	assert_string_equal(ndr_get_unique_string(&r), "x");
	assert_string_equal(ndr_get_unique_string(&r), "y");
	assert_int_equal(ndr_fault(&r), 0);
	ndr_reader_free(&r);
}

static void the_first_reason_to_refuse_stays(void **state)
{
	struct ndr_reader r = ndr_reader_of(cur_of("", 0));

	(void)state;
	ndr_refuse(&r, RPC_FAULT_INVALID_TAG);
	(void)ndr_get_u32(&r);
	ndr_refuse(&r, RPC_FAULT_OUT_OF_MEMORY);
	assert_int_equal(ndr_fault(&r), RPC_FAULT_INVALID_TAG);
	r = ndr_reader_of(cur_of("", 0));
	(void)ndr_get_u32(&r);
	ndr_refuse(&r, RPC_FAULT_INVALID_TAG); /* only because there was nothing to read */
	assert_int_equal(ndr_fault(&r), RPC_FAULT_BAD_STUB_DATA);
}

/* A length of 16 bits cannot tell more; a pair of units is not parted. */
static void a_counted_string_that_is_too_long_is_cut(void **state)
{
	static const struct {
		size_t ascii, pairs; /* what the text is made of, */
		uint16_t bytes;	     /* ... and what is told of it */
	} rows[] = {
		{ 32766, 0, 65532 }, { 32767, 0, 65532 }, { 32768, 0, 65532 },
		{ 70000, 0, 65532 }, { 32764, 9, 65532 }, { 32765, 9, 65530 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf text = { 0 }, out = { 0 };
		struct ndr_writer w = ndr_writer_of(&out);
		struct ndr_unicode s;
		struct ndr_reader r;
		const char *back;

		for (size_t n = 0; n < rows[i].ascii; n++)
			buf_text(&text, "a");
		for (size_t n = 0; n < rows[i].pairs; n++)
			buf_text(&text, "\xf0\x9f\x90\x9f");
		buf_u8(&text, 0);
		ndr_put_unicode(&w, (const char *)text.data);
		ndr_put_unicode_text(&w, (const char *)text.data);
		assert_false(out.failed);
		r = ndr_reader_of(cur_of(out.data, out.len));
		s = ndr_get_unicode(&r);
		assert_int_equal(s.length, rows[i].bytes);
		back = ndr_get_unicode_text(&r, &s);
		assert_int_equal(ndr_fault(&r), 0);
		assert_int_equal(cur_left(&r.c), 0);
		assert_memory_equal(back, text.data, strlen(back));
		assert_true(strlen(back) >= 32700);
		ndr_reader_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_is_conformant_varying_and_terminated),
		cmocka_unit_test(a_count_that_the_stub_cannot_hold_is_refused),
		cmocka_unit_test(memory_of_a_stub_has_a_limit),
		cmocka_unit_test(values_are_aligned_to_their_size_from_the_beginning_of_the_stub),
		cmocka_unit_test(the_first_reason_to_refuse_stays),
		cmocka_unit_test(a_counted_string_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
