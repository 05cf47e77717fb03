// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/srvsvc.h>

/* The bind of a Windows client to srvsvc: NDR, NDR64, bind time feature negotiation. */
static const uint8_t bind_of_windows[] = {
	0x05, 0x00, 0x0b, 0x03, 0x10, 0x00, 0x00, 0x00, 0xa0, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00,
	0x00, 0xb8, 0x10, 0xb8, 0x10, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x01, 0x00, 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf,
	0x6e, 0xe1, 0x88, 0x03, 0x00, 0x00, 0x00, 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
	0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01,
	0x00, 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e,
	0xe1, 0x88, 0x03, 0x00, 0x00, 0x00, 0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83,
	0x19, 0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36, 0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00,
	0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1,
	0x88, 0x03, 0x00, 0x00, 0x00, 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45, 0x03, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
};

static bool decode_bind(const uint8_t *bytes, size_t length, struct dcerpc_bind *bind)
{
	struct cursor c = cur_of(bytes, length);
	struct cursor body;
	struct dcerpc_header h;
	struct dcerpc_auth auth;

	return dcerpc_header_decode(&c, &h) &&
	       dcerpc_auth_split(cur_of(bytes, length), &h, &body, &auth) &&
	       dcerpc_bind_decode(&body, bind);
}

static void a_bind_names_interface_and_transfer_syntaxes(void **state)
{
	struct dcerpc_bind bind;
	uint16_t bits;

	(void)state;
	assert_true(decode_bind(bind_of_windows, sizeof(bind_of_windows), &bind));
	assert_int_equal(bind.max_xmit_frag, 4280);
	assert_int_equal(bind.context_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(bind.contexts[i].id, i);
		assert_true(dcerpc_syntax_equal(&bind.contexts[i].abstract, &SRVSVC_INTERFACE));
	}
	assert_true(dcerpc_syntax_equal(&bind.contexts[0].transfers[0], &DCERPC_NDR));
	assert_true(dcerpc_syntax_equal(&bind.contexts[1].transfers[0], &DCERPC_NDR64));
	assert_true(dcerpc_is_feature_negotiation(&bind.contexts[2].transfers[0], &bits));
	assert_int_equal(bits, 3);
	assert_false(dcerpc_is_feature_negotiation(&DCERPC_NDR, &bits));
}

static void a_bind_that_is_cut_anywhere_is_refused(void **state)
{
	struct dcerpc_bind bind;

	(void)state;
	for (size_t cut = 0; cut < sizeof(bind_of_windows); cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		assert_non_null(exact);
		memcpy(exact, bind_of_windows, cut);
		assert_false(decode_bind(exact, cut, &bind));
		if (cut >= DCERPC_HEADER_SIZE) { /* and where the header agrees with the cut */
			exact[8] = (uint8_t)cut;
			assert_false(decode_bind(exact, cut, &bind));
		}
		free(exact);
	}
}

static void a_bind_comes_back_as_it_was_written(void **state)
{
	struct dcerpc_bind bind;
	auto_buf struct buf b = { 0 };

	(void)state;
	assert_true(decode_bind(bind_of_windows, sizeof(bind_of_windows), &bind));
	dcerpc_bind_encode(&b, DCERPC_BIND, 2, &bind);
	assert_int_equal(b.len, sizeof(bind_of_windows));
	assert_memory_equal(b.data, bind_of_windows, b.len);
}

static void a_header_with_a_lie_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} lies[] = {
		{ 0, 4 },     /* version */
		{ 1, 2 },     /* minor version */
		{ 4, 0x00 },  /* big-endian */
		{ 8, 15 },    /* shorter than itself */
		{ 10, 0x90 }, /* more auth than fragment */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		uint8_t bytes[sizeof(bind_of_windows)];
		struct dcerpc_header h;
		struct cursor c = cur_of(bytes, sizeof(bytes));

		memcpy(bytes, bind_of_windows, sizeof(bytes));
		bytes[lies[i].at] = lies[i].value;
		assert_false(dcerpc_header_decode(&c, &h));
	}
}

static void padding_before_the_verifier_must_be_inside_the_body(void **state)
{
	uint8_t bytes[48] = { 5, 0, 0, 3, 0x10, 0, 0, 0, 48, 0, 4, 0, 1, 0, 0, 0 };
	struct cursor c = cur_of(bytes, sizeof(bytes));
	struct dcerpc_header h;
	struct dcerpc_auth auth;
	struct cursor body;

	(void)state;
	assert_true(dcerpc_header_decode(&c, &h));
	bytes[36] = 10;
	bytes[37] = 2;
	bytes[38] = 20;
	assert_true(dcerpc_auth_split(cur_of(bytes, sizeof(bytes)), &h, &body, &auth));
	assert_int_equal(auth.type, 10);
	assert_int_equal(cur_left(&auth.value), 4);
	assert_int_equal(cur_left(&body), 0);
	bytes[38] = 21;
	assert_false(dcerpc_auth_split(cur_of(bytes, sizeof(bytes)), &h, &body, &auth));
}

static void a_long_stub_is_cut_into_fragments_and_comes_back_whole(void **state)
{
	uint8_t stub[10000];
	auto_buf struct buf b = { 0 };
	auto_buf struct buf back = { 0 };
	struct cursor in;
	size_t fragments = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(stub); i++)
		stub[i] = (uint8_t)(i * 7);
	dcerpc_response_encode(&b, 9, 1, cur_of(stub, sizeof(stub)), 4280);
	in = cur_of(b.data, b.len);
	while (cur_left(&in)) {
		struct cursor at = in;
		struct dcerpc_header h;
		struct dcerpc_response response;
		struct cursor fragment, body;
		struct dcerpc_auth auth;

		assert_true(dcerpc_header_decode(&at, &h));
		assert_in_range(h.frag_length, 25, 4280);
		assert_int_equal(h.call_id, 9);
		assert_int_equal(!!(h.flags & DCERPC_FIRST_FRAG), fragments == 0);
		fragment = cur_take(&in, h.frag_length);
		assert_int_equal(!!(h.flags & DCERPC_LAST_FRAG), cur_left(&in) == 0);
		assert_true(dcerpc_auth_split(fragment, &h, &body, &auth));
		assert_true(dcerpc_response_decode(&body, &response));
		assert_int_equal(response.context_id, 1);
		buf_bytes(&back, response.stub.at, cur_left(&response.stub));
		fragments++;
	}
	assert_int_equal(fragments, 3);
	assert_int_equal(back.len, sizeof(stub));
	assert_memory_equal(back.data, stub, sizeof(stub));
}

static void an_ack_comes_back_as_it_was_written(void **state)
{
	struct dcerpc_bind_ack ack = { .max_xmit_frag = 4280,
				       .max_recv_frag = 4280,
				       .assoc_group = 7,
				       .secondary_address = "\\PIPE\\srvsvc",
				       .result_count = 2 };
	struct dcerpc_bind_ack out;
	auto_buf struct buf b = { 0 };
	struct cursor c;
	struct dcerpc_header h;

	(void)state;
	ack.results[0].transfer = DCERPC_NDR;
	ack.results[1].result = DCERPC_PROVIDER_REJECTION;
	ack.results[1].reason = DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED;
	dcerpc_bind_ack_encode(&b, DCERPC_BIND_ACK, 2, &ack);
	c = cur_of(b.data, b.len);
	assert_true(dcerpc_header_decode(&c, &h));
	assert_int_equal(h.frag_length, b.len);
	assert_true(dcerpc_bind_ack_decode(&c, &out));
	assert_int_equal(cur_left(&c), 0);
	assert_int_equal(out.result_count, 2);
	assert_int_equal(out.assoc_group, 7);
	assert_true(dcerpc_syntax_equal(&out.results[0].transfer, &DCERPC_NDR));
	assert_int_equal(out.results[1].reason, DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED);
}

static void a_fault_comes_back_as_it_was_written(void **state)
{
	auto_buf struct buf b = { 0 };
	struct cursor c;
	struct dcerpc_header h;
	uint16_t context;
	uint32_t status;

	(void)state;
	dcerpc_fault_encode(&b, 5, 3, DCERPC_DID_NOT_EXECUTE, RPC_FAULT_OP_RANGE);
	c = cur_of(b.data, b.len);
	assert_true(dcerpc_header_decode(&c, &h));
	assert_int_equal(h.type, DCERPC_FAULT);
	assert_int_equal(h.flags, 0x23);
	assert_true(dcerpc_fault_decode(&c, &context, &status));
	assert_int_equal(context, 3);
	assert_int_equal(status, RPC_FAULT_OP_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bind_names_interface_and_transfer_syntaxes),
		cmocka_unit_test(a_bind_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(a_bind_comes_back_as_it_was_written),
		cmocka_unit_test(a_header_with_a_lie_is_refused),
		cmocka_unit_test(padding_before_the_verifier_must_be_inside_the_body),
		cmocka_unit_test(a_long_stub_is_cut_into_fragments_and_comes_back_whole),
		cmocka_unit_test(an_ack_comes_back_as_it_was_written),
		cmocka_unit_test(a_fault_comes_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
