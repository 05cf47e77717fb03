// SPDX-License-Identifier: Apache-2.0
/* MS-RRP: what is written is read as it was, both ways; what contradicts itself is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/srvsvc.h>
#include <wire/winreg.h>

static const uint8_t data[] = { 1, 2, 3, 4, 5 };

static struct winreg_request written_and_read(uint16_t opnum, const struct winreg_request *q,
					      struct ndr_reader *r, struct buf *b)
{
	struct ndr_writer w = ndr_writer_of(b);
	struct winreg_request out;

	winreg_request_encode(&w, opnum, q);
	*r = ndr_reader_of(cur_of(b->data, b->len));
	assert_int_equal(winreg_request_decode(r, opnum, &out), RPC_FAULT_NONE);
	assert_int_equal(cur_left(&r->c), 0);
	return out;
}

static void a_request_is_read_as_it_was_written(void **state)
{
	auto_buf struct buf b = { 0 };
	struct winreg_request q = { .handle = { 0, 0, 0, 0, 7 },
				    .name = "SOFTWARE\\Bärth",
				    .type = REG_BINARY,
				    .data = data,
				    .data_length = sizeof(data) };
	struct ndr_reader r;
	struct winreg_request out = written_and_read(WINREG_SET_VALUE, &q, &r, &b);

	assert_string_equal(out.name, q.name);
	assert_int_equal(out.handle[4], 7);
	assert_int_equal(out.type, REG_BINARY);
	assert_int_equal(out.data_length, sizeof(data));
	assert_memory_equal(out.data, data, sizeof(data));
	ndr_reader_free(&r);
}

static void every_call_reads_what_it_writes(void **state)
{
	static const uint16_t opnums[] = { 2, 5, 6, 7, 8, 9, 10, 11, 15, 16, 17, 22, 26 };
	struct winreg_request q = { .name = "odd",
				    .has_class = true,
				    .has_time = true,
				    .has_disposition = true,
				    .has_type = true,
				    .has_data = true,
				    .has_size = true,
				    .has_length = true,
				    .size = 100,
				    .name_room = 512,
				    .data = data,
				    .data_length = 3 };
	struct winreg_reply a = { .name = "child",
				  .data = data,
				  .data_length = 5,
				  .size = 5,
				  .type = REG_SZ,
				  .changed = 0x1122334455667788,
				  .status = 5 };

	for (size_t i = 0; i < ARRAY_LEN(opnums); i++) {
		auto_buf struct buf b = { 0 }, c = { 0 };
		struct ndr_writer w = ndr_writer_of(&c);
		struct winreg_reply out;
		struct ndr_reader r;

		(void)written_and_read(opnums[i], &q, &r, &b);
		ndr_reader_free(&r);
		winreg_reply_encode(&w, opnums[i], &q, &a);
		r = ndr_reader_of(cur_of(c.data, c.len));
		assert_int_equal(winreg_reply_decode(&r, opnums[i], &out), RPC_FAULT_NONE);
		assert_int_equal(cur_left(&r.c), 0);
		assert_int_equal(out.status, 5);
		if (opnums[i] == WINREG_ENUM_KEY) {
			assert_string_equal(out.name, "child");
			assert_true(out.changed == a.changed);
		}
		if (opnums[i] == WINREG_QUERY_VALUE)
			assert_memory_equal(out.data, data, 5);
		ndr_reader_free(&r);
	}
}

static void a_cut_or_contradicting_request_is_a_fault(void **state)
{
	auto_buf struct buf b = { 0 };
	struct winreg_request q = { .name = "a name", .data = data, .data_length = 5 }, out;
	struct ndr_writer w = ndr_writer_of(&b);
	struct ndr_reader r;

	winreg_request_encode(&w, WINREG_SET_VALUE, &q);
	for (size_t n = 0; n < b.len; n++) {
		r = ndr_reader_of(cur_of(b.data, n));
		assert_int_not_equal(winreg_request_decode(&r, WINREG_SET_VALUE, &out),
				     RPC_FAULT_NONE);
		ndr_reader_free(&r);
	}
	b.data[20]++; /* the length of the string says something else than its array */
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(winreg_request_decode(&r, WINREG_SET_VALUE, &out),
			 RPC_FAULT_BAD_STUB_DATA);
	ndr_reader_free(&r);
	r = ndr_reader_of(cur_of(b.data, b.len));
	assert_int_equal(winreg_request_decode(&r, 20, &out), RPC_FAULT_OP_RANGE); /* SaveKey */
	ndr_reader_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_as_it_was_written),
		cmocka_unit_test(every_call_reads_what_it_writes),
		cmocka_unit_test(a_cut_or_contradicting_request_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
