// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/ntlm.h>
#include <wire/spnego.h>

/* A NegTokenInit as clients send it: one mechanism, NTLMSSP, and an 8-byte token, in DER. */
static const uint8_t init_bytes[] = {
	0x60, 0x28, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, 0xa0, 0x1e, 0x30, 0x1c,
	0xa0, 0x0e, 0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02,
	0x02, 0x0a, 0xa2, 0x0a, 0x04, 0x08, 'N',  'T',	'L',  'M',  'S',  'S',	'P',  0x00,
};

static void a_negtokeninit_is_written_and_read_as_der(void **state)
{
	static const enum spnego_mech mechs[] = { MECH_NTLMSSP };
	struct buf b auto_buf = { 0 };
	struct spnego_message m;

	spnego_init_encode(&b, mechs, 1, cur_of("NTLMSSP", 8));
	assert_int_equal(b.len, sizeof(init_bytes));
	assert_memory_equal(b.data, init_bytes, b.len);
	assert_int_equal(spnego_decode(cur_of(init_bytes, sizeof(init_bytes)), &m), STATUS_SUCCESS);
	assert_int_equal(m.kind, SPNEGO_INIT);
	assert_int_equal(m.mech_count, 1);
	assert_int_equal(m.mechs[0], MECH_NTLMSSP);
	assert_true(m.has_token);
	assert_int_equal(cur_left(&m.token), 8);
	assert_ptr_equal(m.token.base, m.token.at);
	assert_int_equal(cur_left(&m.mech_list), 14);
	assert_int_equal(m.mech_list.at[0], 0x30);
	assert_false(m.has_mic);
}

static void the_offer_names_its_mechanisms_and_is_no_token(void **state)
{
	static const enum spnego_mech mechs[] = { MECH_MS_KRB5, MECH_KRB5, MECH_NEGOEX,
						  MECH_NTLMSSP };
	struct buf b auto_buf = { 0 }, list auto_buf = { 0 };
	struct spnego_message m;

	spnego_offer_encode(&b, mechs, ARRAY_LEN(mechs));
	assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_SUCCESS);
	assert_int_equal(m.mech_count, ARRAY_LEN(mechs));
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		assert_int_equal(m.mechs[i], mechs[i]);
	assert_false(m.has_token);
	assert_false(m.has_mic);
	spnego_mech_list_encode(&list, mechs, ARRAY_LEN(mechs));
	assert_int_equal(cur_left(&m.mech_list), list.len);
	assert_memory_equal(m.mech_list.at, list.data, list.len);
}

static void a_negtokenresp_comes_back_as_it_was_put(void **state)
{
	static const uint8_t large[70000] = { 1 };
	static const size_t lengths[] = { 1, 127, 128, 255, 256, 65535, 65536, sizeof(large) };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct buf b auto_buf = { 0 };
		struct spnego_message m;
		struct spnego_resp resp = {
			.has_state = true,
			.state = SPNEGO_REQUEST_MIC,
			.mech = MECH_NTLMSSP,
			.token = cur_of(large, lengths[i]),
			.mic = cur_of(large, 16),
		};

		spnego_resp_encode(&b, &resp);
		assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_SUCCESS);
		assert_int_equal(m.kind, SPNEGO_RESP);
		assert_true(m.has_state && m.has_mech && m.has_token && m.has_mic);
		assert_int_equal(m.state, SPNEGO_REQUEST_MIC);
		assert_int_equal(m.mech, MECH_NTLMSSP);
		assert_int_equal(cur_left(&m.token), lengths[i]);
		assert_int_equal(cur_left(&m.mic), 16);
	}
}

static void an_answer_without_fields_is_read_as_one(void **state)
{
	struct buf b auto_buf = { 0 };
	struct spnego_resp resp = { 0 };
	struct spnego_message m;

	spnego_resp_encode(&b, &resp);
	assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_SUCCESS);
	assert_false(m.has_state || m.has_mech || m.has_token || m.has_mic);
}

static void bare_ntlmssp_is_recognised(void **state)
{
	struct ntlm_negotiate n = { .flags = 1 };
	struct spnego_message m;
	struct buf b auto_buf = { 0 };

	ntlm_negotiate_encode(&b, &n);
	assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_SUCCESS);
	assert_int_equal(m.kind, SPNEGO_BARE_NTLMSSP);
	assert_int_equal(cur_left(&m.token), b.len);
}

static void a_token_cut_anywhere_is_refused(void **state)
{
	struct spnego_message m;

	for (size_t n = 0; n < sizeof(init_bytes); n++)
		assert_int_equal(spnego_decode(cur_of(init_bytes, n), &m),
				 STATUS_INVALID_PARAMETER);
}

static void what_is_not_der_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "", 0 },
		{ "\x60\x80\x00\x00", 4 },		       /* indefinite length */
		{ "\x60\x85\x00\x00\x00\x00\x00", 7 },	       /* a length of five bytes */
		{ "\xa1\x05\x30\x03\xa0\x01\x0a", 7 },	       /* an enumerated cut short */
		{ "\xa1\x07\x30\x05\xa0\x03\x0a\x01\x09", 9 }, /* no such state */
		{ "\xa1\x07\x30\x05\xa0\x03\x0a\x02\x00", 9 },
		{ "\xa0\x04\x30\x02\xa0\x00", 6 }, /* no list of mechanisms */
		{ "\xa0\x02\x30\x00", 4 },
	};
	struct spnego_message m;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(spnego_decode(cur_of(rows[i].bytes, rows[i].length), &m),
				 STATUS_INVALID_PARAMETER);
}

static void mechanisms_have_a_limit(void **state)
{
	enum spnego_mech mechs[SPNEGO_MAX_MECHS + 1];
	struct spnego_message m;
	struct buf b auto_buf = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		mechs[i] = MECH_NTLMSSP;
	spnego_init_encode(&b, mechs, SPNEGO_MAX_MECHS, cur_of("x", 1));
	assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_SUCCESS);
	b.len = 0;
	spnego_init_encode(&b, mechs, SPNEGO_MAX_MECHS + 1, cur_of("x", 1));
	assert_int_equal(spnego_decode(cur_of(b.data, b.len), &m), STATUS_INVALID_PARAMETER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_negtokeninit_is_written_and_read_as_der),
		cmocka_unit_test(the_offer_names_its_mechanisms_and_is_no_token),
		cmocka_unit_test(a_negtokenresp_comes_back_as_it_was_put),
		cmocka_unit_test(an_answer_without_fields_is_read_as_one),
		cmocka_unit_test(bare_ntlmssp_is_recognised),
		cmocka_unit_test(a_token_cut_anywhere_is_refused),
		cmocka_unit_test(what_is_not_der_is_refused),
		cmocka_unit_test(mechanisms_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
